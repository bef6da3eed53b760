//! Operations by id: a retry is the first outcome again, also after reopening and after a crash. SEMANTICS 11.
#![cfg(feature = "wal")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test that fails by panicking fails"
)]

mod scene;

use std::num::NonZeroI64;

use assize::{
    controller::{Fault, NotAdmitted, NotExtended, NotRerouted, Permit, Repeat, RepeatedState, Reroute},
    overrun::Overrun::{Debt, Deny},
    record::{Spend, Terms},
};

use scene::{ALPHA, BETA, SECOND, Scene, Setup, at, call, micros, operation};

/// What happens between the first call and its retry.
const BETWEEN: [fn(Scene) -> Scene; 3] = [|scene| scene, |scene| scene.reopen().0, |scene| scene.crash().0];

fn repeated(seen: Result<Permit, NotAdmitted>) -> (u64, RepeatedState) {
    match seen {
        Err(NotAdmitted::Repeated(repeated)) => (repeated.hold().0, repeated.into_state()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_admission_is_retried_and_the_state_of_its_hold_is_told() {
    for between in BETWEEN {
        let scene = Scene::new();
        let account = scene.account("a", Debt, 1_000);
        let named = call(1).operation(operation(1, 1));
        let request = scene.ask(10);
        let permit = scene.admit_until(&[account], &request, at(SECOND), named).unwrap();
        let hold = permit.hold();
        let scene = between(scene);
        let before = scene.state();
        // Another deadline, a later time: the same operation.
        let later = call(5).operation(operation(1, 1));
        let (name, state) = repeated(scene.admit_until(&[account], &request, at(9), later));
        let RepeatedState::Open(again) = state else { panic!("{state:?}") };
        assert_eq!((name, again.amount(), again.decision()), (hold.0, permit.amount(), permit.decision()));
        assert_eq!(scene.state(), before);
        // Its permit can be settled: then the hold has ended.
        let _settlement = scene.controller.commit(again, Spend::Amount(micros(50)), call(6)).unwrap();
        let scene = between(scene);
        let (_, state) = repeated(scene.admit_until(&[account], &request, at(9), later));
        assert_eq!(state, RepeatedState::Ended);
        // One whose deadline passes is expired, also before anything says so.
        let other = operation(2, 7);
        assert!(scene.admit_until(&[account], &request, at(SECOND), call(7).operation(other)).is_ok());
        let scene = between(scene);
        let late = call(SECOND).operation(other);
        assert_eq!(repeated(scene.admit(&[account], &request, late)).1, RepeatedState::Expired);
        assert_eq!(scene.controller.expire(call(SECOND)).unwrap(), 1);
        let scene = between(scene);
        assert_eq!(repeated(scene.admit(&[account], &request, late)).1, RepeatedState::Expired);
        scene.finish();
    }
}

#[test]
fn a_denial_repeated_is_the_same_denial() {
    for between in BETWEEN {
        let scene = Scene::new();
        let account = scene.account("a", Deny, 50);
        let named = call(1).operation(operation(1, 1));
        let request = scene.ask(10);
        let Err(NotAdmitted::Denied(first)) = scene.admit(&[account], &request, named) else {
            panic!("not denied");
        };
        assert!(!first.is_repeat());
        // It could be paid by now.
        let _sequence = scene.controller.grant(account, NonZeroI64::new(1_000).unwrap(), call(1)).unwrap();
        let scene = between(scene);
        let head = scene.head();
        let Err(NotAdmitted::Denied(again)) = scene.admit(&[account], &request, named) else {
            panic!("not denied");
        };
        assert!(again.is_repeat());
        assert_eq!((again.sequence(), again.class()), (first.sequence(), first.class()));
        assert_eq!(
            (again.audited_reason(), format!("{again}")),
            (first.audited_reason(), format!("{first}"))
        );
        assert_eq!(scene.head(), head);
        scene.finish();
    }
}

#[test]
fn a_settlement_is_retried_and_happens_once() {
    for between in BETWEEN {
        let scene = Scene::new();
        let account = scene.account("a", Debt, 1_000);
        let admit = |scene: &Scene, number| {
            scene.admit(&[account], &scene.ask(10), call(1).operation(operation(number, 1))).unwrap()
        };
        let (committed, released, mut extended, rerouted) =
            (admit(&scene, 1), admit(&scene, 2), admit(&scene, 3), admit(&scene, 4));
        let named = |number| call(2).operation(operation(number, 2));
        let copy = |permit: &Permit, number| {
            let (hold, state) =
                repeated(scene.admit(&[account], &scene.ask(10), call(1).operation(operation(number, 1))));
            assert_eq!(hold, permit.hold().0);
            match state {
                RepeatedState::Open(permit) => permit,
                other => panic!("{other:?}"),
            }
        };
        let copies = (copy(&committed, 1), copy(&released, 2), copy(&rerouted, 4));
        let spend = || Spend::Amount(micros(130));
        let request = scene.ask(10);
        let reroute = Reroute { failed: ALPHA, request: &request, deadline: at(SECOND) };
        let commit = scene.controller.commit(committed, spend(), named(11)).unwrap();
        let release = scene.controller.release(released, named(12)).unwrap();
        let extension = scene.controller.extend(&mut extended, micros(5), None, named(13)).unwrap();
        let second = scene.controller.reroute(rerouted, &reroute, named(14)).unwrap();
        let part = scene.controller.part_commit(&mut extended, Spend::Amount(micros(25)), named(16)).unwrap();
        let change = NonZeroI64::new(77).unwrap();
        let grant = scene.controller.grant(account, change, named(15)).unwrap();
        assert_eq!(second.candidate(), BETA);

        let scene = between(scene);
        let (before, money) = (scene.head(), scene.money(account));
        let again = scene.controller.commit(copies.0, spend(), named(11)).unwrap();
        assert_eq!(
            (again.outcome, again.sequence, again.repeated),
            (commit.outcome, commit.sequence, Repeat::Repeated)
        );
        let again = scene.controller.release(copies.1, named(12)).unwrap();
        assert_eq!(
            (again.outcome, again.sequence, again.repeated),
            (release.outcome, release.sequence, Repeat::Repeated)
        );
        let again = scene.controller.extend(&mut extended, micros(5), None, named(13)).unwrap();
        assert_eq!((again.sequence, again.repeated), (extension.sequence, Repeat::Repeated));
        assert_eq!((extended.amount(), extended.spent()), (micros(80), micros(25)));
        let again =
            scene.controller.part_commit(&mut extended, Spend::Amount(micros(25)), named(16)).unwrap();
        assert_eq!(
            (again.outcome, again.sequence, again.repeated),
            (part.outcome, part.sequence, Repeat::Repeated)
        );
        let again = match scene.controller.reroute(copies.2, &reroute, named(14)) {
            Err(NotRerouted::Repeated(repeated)) => repeated,
            other => panic!("{other:?}"),
        };
        assert_eq!(again.hold(), second.hold());
        assert!(matches!(again.into_state(), RepeatedState::Open(permit) if permit.candidate() == BETA));
        assert_eq!(scene.controller.grant(account, change, named(15)), Ok(grant));
        assert_eq!((scene.head(), scene.money(account)), (before, money));
        assert_eq!(scene.controller.stats().unwrap().operations, 10);

        // The same names with other arguments, or for another kind of call, are other operations.
        let id = operation(11, 2).id;
        let reused = Fault::IdReused { id };
        let not_settled = scene.controller.commit(second, spend(), named(11)).unwrap_err();
        assert_eq!(not_settled.fault, reused);
        let not_settled = scene.controller.release(not_settled.permit, named(11)).unwrap_err();
        assert_eq!(not_settled.fault, reused);
        let more = scene.controller.extend(&mut extended, micros(6), None, named(11));
        assert_eq!(more, Err(NotExtended::Faulted(reused)));
        let parted = scene.controller.part_commit(&mut extended, Spend::Amount(micros(25)), named(11));
        assert_eq!(parted, Err(reused));
        assert_eq!(scene.controller.grant(account, change, named(11)), Err(reused));
        let admitted = scene.admit(&[account], &request, named(11));
        assert_eq!(admitted, Err(NotAdmitted::Faulted(reused)));
        assert_eq!((scene.head(), scene.money(account)), (before, money));
        scene.finish();
    }
}

#[test]
fn an_operation_is_forgotten_by_time_and_not_before() {
    let terms =
        Terms { operation_horizon_ns: 100, operations_max: 2, clock_jump_ns_max: 1_000, ..Terms::default() };
    for between in BETWEEN {
        let scene = Scene::with(Setup { terms, ..Setup::default() });
        let account = scene.account("a", Debt, 1_000);
        let admit = |scene: &Scene, number, issued, ns| {
            scene.admit(&[account], &scene.ask(1), call(ns).operation(operation(number, issued)))
        };
        let fault = |seen: Result<Permit, NotAdmitted>| match seen {
            Err(NotAdmitted::Faulted(fault)) => fault,
            other => panic!("{other:?}"),
        };
        assert!(admit(&scene, 1, 0, 0).is_ok());
        assert!(admit(&scene, 2, 60, 60).is_ok());
        let scene = between(scene);
        let before = scene.state();
        assert_eq!(fault(admit(&scene, 3, 99, 100)), Fault::OperationsFull { max: 2 });
        assert_eq!(repeated(admit(&scene, 1, 0, 100)).0, 3);
        assert_eq!(fault(admit(&scene, 9, -41, 60)), Fault::Stale { issued: at(-41), oldest: at(-40) });
        assert_eq!(
            fault(admit(&scene, 9, 1_061, 60)),
            Fault::ClockJump { seen: at(1_061), latest: at(1_060) }
        );
        // A call that comes to nothing forgets nothing, however late it is.
        let past =
            scene.admit_until(&[account], &scene.ask(1), at(0), call(500).operation(operation(9, 500)));
        assert_eq!(fault(past).code(), 3);
        assert_eq!(scene.state(), before);
        assert_eq!(repeated(admit(&scene, 1, 0, 60)).0, 3);
        // One nanosecond past the horizon there is room, and the first name is free.
        assert_eq!(fault(admit(&scene, 1, 0, 101)), Fault::Stale { issued: at(0), oldest: at(1) });
        assert!(admit(&scene, 3, 101, 101).is_ok());
        let scene = between(scene);
        assert_eq!(scene.controller.operation(&operation(1, 0).id), Ok(None));
        assert!(scene.controller.operation(&operation(3, 0).id).unwrap().is_some());
        assert!(admit(&scene, 1, 161, 161).is_ok());
        scene.finish();
    }
}
