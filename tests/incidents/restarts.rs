//! What was lost when a process started again.

use assize::{
    controller::{Controller, CreateError, CreateOptions, OpenError},
    overrun::Overrun::Deny,
    policy::Policy,
    record::{Halt, Spend},
    wal::{LogOptions, storage::Memory},
};

use crate::scene::{LOG, Money, Place, SECOND, Scene, Setup, at, call, key, micros, tiny, try_open};

/// A scene whose log has gone through several segments, so that opening it starts from a checkpoint.
fn after_segments(memory: &Memory) -> Scene {
    let log = LogOptions { segment_bytes: 4_096, ..LogOptions::default() };
    Scene::at(Place::Memory(memory.clone()), Setup { log, ..Setup::default() })
}

fn fill(scene: &Scene) {
    while scene.controller.drain().unwrap().segment() < 3 {
        let _sequence = scene.controller.halt(Halt::None, call(1)).unwrap();
    }
}

#[test]
fn a_snapshot_with_open_holds_could_not_be_restored() {
    let scene = after_segments(&Memory::new());
    let account = scene.account("a", Deny, 1_000);
    let whole = scene.admit(&[account], &scene.ask(10), call(1)).unwrap();
    let mut begun = scene.admit(&[account], &scene.ask(20), call(1)).unwrap();
    let part = scene.controller.part_commit(&mut begun, Spend::Amount(micros(50)), call(1)).unwrap();
    assert_eq!(part.outcome.held, micros(150));
    let holds = [whole.hold(), begun.hold()];
    // The permits are lost with the process; the holds are in the checkpoint of a later segment.
    drop((whole, begun));
    fill(&scene);
    let before = scene.money(account);
    assert_eq!(before, Money { granted: 1_000, available: 700, reserved: 250, committed: 50, unfunded: 0 });
    let (scene, permits) = scene.crash();
    assert_eq!(scene.money(account), before);
    let restored: Vec<_> =
        permits.iter().map(|permit| (permit.hold(), permit.amount(), permit.spent())).collect();
    assert_eq!(restored, [(holds[0], micros(100), micros(0)), (holds[1], micros(150), micros(50))]);
    for (permit, spent) in permits.into_iter().zip([70, 120]) {
        let settled = scene.controller.commit(permit, Spend::Amount(micros(spent)), call(2)).unwrap();
        assert_eq!(settled.outcome.unfunded, micros(0));
    }
    let after = Money { granted: 1_000, available: 810, committed: 190, ..Money::default() };
    assert_eq!(scene.money(account), after);
    scene.finish();
}

#[test]
fn counters_were_reset_to_zero_after_a_loss_of_state() {
    let memory = Memory::new();
    let scene = after_segments(&memory);
    let account = scene.account("a", Deny, 1_000);
    let permit = scene.admit(&[account], &scene.ask(90), call(1)).unwrap();
    let early = memory.copy();
    let settled = scene.controller.commit(permit, Spend::Amount(micros(900)), call(1)).unwrap();
    assert_eq!(settled.outcome.actual, micros(900));
    fill(&scene);
    let Scene { controller, log, engine, .. } = scene;
    let anchor = controller.close().unwrap();
    let opened = |memory: &Memory| {
        let seen = try_open(&Place::Memory(memory.clone()), log, engine, Some(anchor));
        seen.map(drop).map_err(|error| assert!(matches!(error, OpenError::Log(_)), "{error}"))
    };
    assert_eq!(opened(&memory.copy()), Ok(()), "what is whole is opened");

    // Nothing is there, the state is an earlier one, or a part is missing: no controller answers.
    assert_eq!(opened(&Memory::new()), Err(()));
    assert_eq!(opened(&early), Err(()), "the hold's money would be there again");
    let segments: Vec<String> = memory.names().into_iter().filter(|name| name.contains("0000")).collect();
    assert!(segments.len() >= 3, "{segments:?}");
    let without_last = memory.copy();
    without_last.take(segments.last().unwrap());
    assert_eq!(opened(&without_last), Err(()));
    let emptied = memory.copy();
    emptied.replace(segments.last().unwrap(), &[]);
    assert_eq!(opened(&emptied), Err(()));

    // Nobody starts over where a log is; and an account that is there is found as it is, never granted anew.
    let policy = Policy::freeze(tiny()).unwrap();
    let again = CreateOptions::new(LOG, key(), policy, at(0));
    let created = Controller::create(Box::new(memory.clone()), again).map(drop);
    assert!(matches!(created, Err(CreateError::Log(_))));
    let (scene, _) = Scene::open(Place::Memory(memory), log, engine, Some(anchor));
    assert_eq!(scene.account("a", Deny, 0), account);
    let spent = Money { granted: 1_000, available: 100, committed: 900, ..Money::default() };
    assert_eq!(scene.money(account), spent);
    assert!(scene.admit(&[account], &scene.ask(11), call(SECOND)).is_err());
    scene.finish();
}
