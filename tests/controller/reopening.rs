//! What comes back with the log, after closing and after a crash.

use assize::{
    budget::EngineOptions,
    controller::{Fault, NotSettled, Opened},
    id::{LogId, Sequence},
    overrun::Overrun::{Debt, Deny},
    record::{Halt, Settled, Spend, Switch, Terms},
    wal::{Level, LogOptions},
};

use crate::scene::{
    ALPHA, BETA, Place, SECOND, Scene, Setup, at, call, check_books, micros, operation, tiny_at, try_open,
};

#[test]
fn everything_comes_back() {
    for (crash, place) in [
        (false, Place::memory()),
        (true, Place::memory()),
        (false, Place::directory()),
        (true, Place::directory()),
    ] {
        // Small segments: what comes back comes from a checkpoint and the records after it.
        for segment_bytes in [1, 2_000, 1 << 20] {
            if matches!(place, Place::Directory(_)) && segment_bytes != 2_000 {
                continue;
            }
            let log = LogOptions { segment_bytes, ..LogOptions::default() };
            let scene = Scene::at(place.another(), Setup { log, ..Setup::default() });
            let root = scene.account("root", Deny, 100_000);
            let leaf = scene.account_under(Some(root), "leaf", Debt, 90_000);
            let gone = scene.account("gone", Debt, 5);
            let _sequence = scene.controller.close_account(gone, call(0)).unwrap();
            let mut expected = Vec::new();
            for turn in 0..20 {
                let request = scene.ask(turn);
                let mut permit = scene
                    .admit_until(
                        &[leaf],
                        &request,
                        at(30 * SECOND),
                        call(1).operation(operation(turn.into(), 1)),
                    )
                    .unwrap();
                match turn % 4 {
                    0 => {
                        let _settlement = scene.controller.release(permit, call(1)).unwrap();
                        continue;
                    }
                    1 => {
                        let later = Some(at(40 * SECOND));
                        let extended =
                            scene.controller.extend(&mut permit, micros(7), later, call(1)).unwrap();
                        assert_eq!(extended.sequence.0, scene.head());
                    }
                    2 => {
                        let _settlement =
                            scene.controller.commit(permit, Spend::Amount(micros(99)), call(1)).unwrap();
                        continue;
                    }
                    _ => {}
                }
                expected.push((
                    permit.hold(),
                    permit.candidate(),
                    permit.amount(),
                    permit.deadline(),
                    permit.epoch(),
                ));
            }
            let _sequence = scene.controller.swap(tiny_at(2, 20), call(2)).unwrap();
            let _sequence = scene.controller.switch(ALPHA, Switch::Disabled, call(2)).unwrap();
            let _sequence = scene.controller.halt(Halt::ReduceOnly, call(2)).unwrap();
            let (engine, digest) =
                (scene.state(), scene.controller.with_ledger(|ledger| ledger.digest()).unwrap());
            let (scene, permits) = if crash { scene.crash() } else { scene.reopen() };
            assert_eq!(scene.controller.with_ledger(|ledger| ledger.digest()).unwrap(), digest);
            assert!(engine.same_money(&scene.state()));
            check_books(&scene.controller);
            let seen: Vec<_> = permits
                .iter()
                .map(|permit| {
                    (permit.hold(), permit.candidate(), permit.amount(), permit.deadline(), permit.epoch())
                })
                .collect();
            assert_eq!(seen, expected);
            assert!(permits.iter().all(|permit| permit.decision().is_none()));
            let stats = scene.controller.stats().unwrap();
            assert_eq!((stats.halt, stats.epoch.0, stats.operations), (Halt::ReduceOnly, 2, 20));
            // They are settled as before: five in time, the rest (not extended) late.
            for permit in permits {
                let ns = 30 * SECOND;
                let expected = if permit.deadline() > at(ns) { Settled::InTime } else { Settled::Expired };
                let settlement = scene.controller.commit(permit, Spend::Amount(micros(1)), call(ns)).unwrap();
                assert_eq!(settlement.outcome.settled, expected);
            }
            let _sequence = scene.controller.halt(Halt::None, call(30 * SECOND)).unwrap();
            let permit = scene.admit(&[leaf], &scene.ask(1), call(30 * SECOND)).unwrap();
            assert_eq!((permit.candidate(), permit.epoch().0), (BETA, 2), "alpha is disabled");
            scene.finish();
        }
    }
}

#[test]
fn permits_from_before_are_good_for_as_long_as_their_holds() {
    let scene = Scene::new();
    let account = scene.account("a", Deny, 10_000);
    // Ends leave slots that are taken anew: places differ from those after opening.
    let mut permits = Vec::new();
    for _ in 0..12 {
        permits.push(scene.admit(&[account], &scene.ask(10), call(0)).unwrap());
    }
    for place in [9, 6, 3, 0] {
        let permit = permits.swap_remove(place);
        let _settlement = scene.controller.release(permit, call(0)).unwrap();
    }
    let (scene, again) = scene.crash();
    assert_eq!(again.len(), permits.len());
    let more = scene.admit(&[account], &scene.ask(1), call(1)).unwrap();
    for mut permit in permits {
        let hold = permit.hold();
        let extension = scene.controller.extend(&mut permit, micros(5), None, call(1)).unwrap();
        assert_eq!((permit.amount(), extension.sequence.0), (micros(105), scene.head()));
        let settlement = scene.controller.commit(permit, Spend::Amount(micros(105)), call(1)).unwrap();
        assert_eq!(settlement.outcome.settled, Settled::InTime);
        let other = again.iter().find(|permit| permit.hold() == hold).unwrap();
        assert_eq!(other.amount(), micros(100));
    }
    for permit in again {
        let hold = permit.hold();
        let NotSettled { fault, .. } = scene.controller.release(permit, call(1)).unwrap_err();
        assert_eq!(fault, Fault::SettledAlready { hold });
    }
    assert_eq!((scene.money(account).committed, scene.money(account).reserved), (840, 10));
    let _settlement = scene.controller.release(more, call(1)).unwrap();
    scene.finish();
}

#[test]
fn what_was_only_queued_is_lost_with_its_permits() {
    let scene = Scene::new();
    let account = scene.account("a", Deny, 10_000);
    let queued = call(1).level(Level::Queued);
    let mut lost = scene.admit(&[account], &scene.ask(10), queued).unwrap();
    let (scene, permits) = scene.crash();
    assert_eq!((permits.len(), scene.money(account).reserved), (0, 0));
    // Another hold takes the name.
    let other = scene.admit(&[account], &scene.ask_for(BETA, 10), call(1)).unwrap();
    assert_eq!(other.hold(), lost.hold());
    let gone = Fault::SettledAlready { hold: lost.hold() };
    let before = scene.state();
    assert_eq!(scene.controller.extend(&mut lost, micros(1), None, call(1)), Err(gone.into()));
    let NotSettled { fault, .. } = scene.controller.release(lost, call(1)).unwrap_err();
    assert_eq!((fault, scene.state()), (gone, before));
    let _settlement = scene.controller.release(other, call(1)).unwrap();
    scene.finish();
}

#[test]
fn a_permit_of_another_log_is_a_fault() {
    let (scene, other) = (Scene::new(), Scene::with_id(LogId([9; 16])));
    let [account, _] = [&scene, &other].map(|scene| scene.account("a", Deny, 1_000));
    let mut foreign = scene.admit(&[account], &scene.ask(10), call(0)).unwrap();
    let own = other.admit(&[account], &other.ask(10), call(0)).unwrap();
    assert_eq!(foreign.hold(), own.hold());
    let before = other.state();
    let fault = Fault::ForeignPermit { log: crate::scene::LOG };
    assert_eq!(other.controller.extend(&mut foreign, micros(1), None, call(0)), Err(fault.into()));
    let NotSettled { permit, fault: seen } = other.controller.release(foreign, call(0)).unwrap_err();
    assert_eq!((seen, other.state()), (fault, before));
    let _settlement = scene.controller.release(permit, call(0)).unwrap();
    scene.finish();
}

#[test]
fn one_that_is_past_settling_does_not_come_back_as_a_permit() {
    let terms = Terms { late_window_ns: 10, ..Terms::default() };
    let scene = Scene::with(Setup { terms, ..Setup::default() });
    let account = scene.account("a", Deny, 1_000);
    for deadline in [5, 6, 30] {
        let permit = scene.admit_until(&[account], &scene.ask(1), at(deadline), call(0)).unwrap();
        assert_eq!(permit.deadline(), at(deadline));
    }
    let _account = scene.account("b", Deny, 0);
    let _sequence = scene.controller.halt(Halt::None, call(16)).unwrap();
    let (scene, permits) = scene.reopen();
    let due: Vec<_> = permits.iter().map(|permit| permit.deadline()).collect();
    assert_eq!(due, [at(6), at(30)]);
    assert_eq!((scene.money(account).reserved, scene.controller.expire(call(16)).unwrap()), (30, 2));
    scene.finish();
}

#[test]
fn an_engine_too_small_for_the_ledger_is_refused_and_a_larger_one_opens_it() {
    let scene = Scene::new();
    let account = scene.account("a", Deny, 1_000);
    let _other = scene.account("b", Deny, 1_000);
    for _ in 0..3 {
        let permit = scene.admit(&[account], &scene.ask(1), call(0)).unwrap();
        assert_eq!(permit.amount(), micros(10));
    }
    let (place, log) = (scene.place.clone(), scene.log);
    drop(scene);
    for (accounts_max, holds_max, opens) in [(1, 3, false), (2, 2, false), (2, 3, true)] {
        let engine = EngineOptions { accounts_max, holds_max, ..EngineOptions::default() };
        match try_open(&place, log, engine, None) {
            Ok(Opened { controller, permits, .. }) => {
                assert!(opens);
                assert_eq!((permits.len(), controller.stats().unwrap().log.head), (3, Sequence(7)));
            }
            Err(error) => assert!(!opens, "{error}"),
        }
    }
}
