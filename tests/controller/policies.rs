//! The policy in force, and what takes its place. SEMANTICS 2.7.

use assize::{
    controller::{Call, Controller, NotSwapped},
    id::Epoch,
    overrun::Overrun::Debt,
    policy::{Policy, QuantityDraft},
    record::Record,
    wal::Level,
};

use crate::scene::{ALPHA, BETA, Scene, call, micros, sample, tiny, tiny_at};

#[test]
fn a_policy_that_cannot_follow_leaves_the_one_in_force() {
    let scene = Scene::new();
    let account = scene.account("a", Debt, 1_000);
    let epoch = |epoch| tiny_at(epoch, 10);
    let mut other_schema = tiny();
    other_schema.epoch = 2;
    other_schema.schema.quantities.push(QuantityDraft { name: "seats".into(), per: 1, fallback: None });
    let mut renamed = tiny();
    renamed.epoch = 2;
    renamed.candidates[0].name = "omega".into();
    let in_force = scene.controller.policy().digest();
    let rows = [
        ("the same epoch", epoch(1)),
        ("a lower epoch", epoch(0)),
        ("another schema", Policy::freeze(other_schema).unwrap()),
        ("another catalog", sample()),
        ("a number with another name", Policy::freeze(renamed).unwrap()),
    ];
    for (what, policy) in rows {
        let before = scene.state();
        let seen = scene.controller.swap(policy, call(1));
        assert!(matches!(seen, Err(NotSwapped::Policy(_))), "{what}: {seen:?}");
        assert_eq!((scene.controller.policy().digest(), scene.state()), (in_force, before), "{what}");
        let permit = scene.admit(&[account], &scene.ask(1), call(0)).unwrap();
        assert_eq!(permit.decision().unwrap().policy, in_force);
        let _settlement = scene.controller.release(permit, call(0)).unwrap();
    }
    scene.finish();
}

#[test]
fn a_policy_is_in_force_from_its_record_on_also_after_reopening() {
    let mut scene = Scene::new();
    let account = scene.account("a", Debt, 100_000);
    let mut held = Vec::new();
    for (epoch, rate) in [(1, 10), (2, 20), (7, 29), (u64::MAX, 31)] {
        if epoch > 1 {
            let policy = tiny_at(epoch, rate);
            let (digest, mut canonical) = (policy.digest(), Vec::new());
            policy.encode(&mut canonical);
            let sequence = scene.controller.swap(policy, call(1).level(Level::Queued)).unwrap();
            // Whatever the level, it is on disk when the call is answered.
            assert_eq!(scene.controller.stats().unwrap().log.synced, sequence);
            let Record::Policy(bytes) = scene.record(sequence) else { panic!("no policy") };
            assert_eq!((bytes.canonical, scene.controller.policy().digest()), (canonical, digest));
        }
        assert_eq!(scene.controller.stats().unwrap().epoch, Epoch(epoch));
        let permit = scene.admit(&[account], &scene.ask(10), call(1)).unwrap();
        let (candidate, cost) = if rate < 30 { (ALPHA, rate * 10) } else { (BETA, 300) };
        assert_eq!((permit.candidate(), permit.amount()), (candidate, micros(cost)));
        assert_eq!((permit.epoch(), permit.decision().unwrap().epoch), (Epoch(epoch), Epoch(epoch)));
        held.push((permit.hold(), rate));
        let (next, permits) = scene.reopen();
        assert_eq!(permits.len(), held.len());
        scene = next;
    }
    // Each is settled by the prices that it was admitted under.
    let (scene, permits) = scene.crash();
    for (permit, (hold, rate)) in permits.into_iter().zip(held) {
        assert_eq!(permit.hold(), hold);
        let spend = scene.used(ALPHA, 3, 0);
        let settlement = scene.controller.commit(permit, spend, call(2)).unwrap();
        assert_eq!(settlement.outcome.actual, micros(3 * rate));
    }
    scene.finish();
}

#[test]
fn nothing_is_answered_under_a_policy_that_is_not_on_disk() {
    // At every level: the swap is synced by its own call, so that what follows can be queued alone.
    for level in [Level::Queued, Level::Written, Level::Synced] {
        let scene = Scene::new();
        let account = scene.account("a", Debt, 1_000);
        let swapped = scene.controller.swap(tiny_at(2, 20), call(1)).unwrap();
        let permit = scene.admit(&[account], &scene.ask(1), call(1).level(level)).unwrap();
        let log = scene.controller.stats().unwrap().log;
        let expected = match level {
            Level::Queued => (swapped, swapped),
            Level::Written => (permit.hold(), swapped),
            Level::Synced => (permit.hold(), permit.hold()),
        };
        assert_eq!((log.written, log.synced), expected, "{level:?}");
        scene.finish();
    }
}

#[test]
fn a_swap_waits_for_nothing_but_its_own_place_in_the_order() {
    let scene = Scene::new();
    let account = scene.account("a", Debt, 1_000);
    let queued = Call::level(call(1), Level::Queued);
    let before = scene.admit(&[account], &scene.ask(1), queued).unwrap();
    let swapped = scene.controller.swap(tiny_at(2, 20), queued).unwrap();
    let after = scene.admit(&[account], &scene.ask(1), queued).unwrap();
    let order = [before.hold(), swapped, after.hold()].map(|sequence| sequence.0);
    assert_eq!(order, [order[0], order[0] + 1, order[0] + 2]);
    assert_eq!((before.epoch(), after.epoch()), (Epoch(1), Epoch(2)));
    let controller: &Controller = &scene.controller;
    assert!(controller.wait(after.hold(), Level::Synced).is_ok());
    scene.finish();
}
