//! At `Synced`, nothing is answered before its record is on disk; after a failure nothing is acknowledged. INVARIANT I9.
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
    controller::{Fault, NotAdmitted, Reroute},
    id::Sequence,
    overrun::Overrun::Debt,
    record::{Halt, Spend, Switch},
    wal::{
        Level,
        storage::{Failing, Memory, Operation},
    },
};

use scene::{ALPHA, Place, Scene, Setup, call, frames, micros, operation, tiny_at};

/// Cuts the power under the running controller, which takes nothing away where all that was written is synced, and
/// gives the sequence of the last record that is left.
fn on_disk(memory: &Memory) -> Sequence {
    memory.cut_power();
    frames(memory).last().map_or(Sequence(0), |(sequence, ..)| *sequence)
}

#[test]
fn nothing_is_answered_before_it_is_synced() {
    let memory = Memory::new();
    let scene = Scene::at(Place::Memory(memory.clone()), Setup::default());
    let account = scene.account("a", Debt, 1_000);
    assert_eq!(on_disk(&memory).0, scene.head());
    let request = scene.ask(10);
    let answered = |what: &str| assert_eq!(on_disk(&memory).0, scene.head(), "{what}");
    // What is only queued waits for the next that is synced.
    let queued = scene.admit(&[account], &request, call(1).level(Level::Queued)).unwrap();
    assert!(on_disk(&memory) < queued.hold());
    let mut permit = scene.admit(&[account], &request, call(1)).unwrap();
    answered("an admission");
    assert!(scene.admit(&[account], &scene.ask(1_000), call(1)).is_err());
    answered("a denial");
    assert!(scene.controller.extend(&mut permit, micros(1), None, call(1)).is_ok());
    answered("an extension");
    let reroute = Reroute { failed: ALPHA, request: &request, deadline: scene::at(99) };
    let permit = scene.controller.reroute(permit, &reroute, call(1)).unwrap();
    answered("a reroute");
    assert!(scene.controller.commit(permit, Spend::Amount(micros(1)), call(1)).is_ok());
    answered("a commit");
    assert!(scene.controller.release(queued, call(1)).is_ok());
    answered("a release");
    assert!(scene.controller.grant(account, NonZeroI64::new(1).unwrap(), call(1)).is_ok());
    answered("a grant");
    assert!(scene.controller.halt(Halt::None, call(1)).is_ok());
    answered("a halt");
    assert!(scene.controller.switch(ALPHA, Switch::Enabled, call(1)).is_ok());
    answered("a switch");
    assert!(scene.controller.swap(tiny_at(2, 20), call(1).level(Level::Queued)).is_ok());
    answered("a policy, at every level");
    // A repeat of what was only queued is synced before it is answered.
    let named = call(1).operation(operation(1, 1));
    let first = scene.admit(&[account], &request, named.level(Level::Queued)).unwrap();
    assert!(on_disk(&memory) < first.hold());
    assert!(matches!(scene.admit(&[account], &request, named), Err(NotAdmitted::Repeated(_))));
    answered("a repeat");
    scene.finish();
}

#[test]
fn after_a_failure_nothing_is_acknowledged_and_reopening_resolves_it() {
    for operation_failing in [Operation::Write, Operation::Sync] {
        let memory = Memory::new();
        let scene = Scene::at(Place::Memory(memory.clone()), Setup::default());
        let account = scene.account("a", Debt, 1_000);
        let request = scene.ask(10);
        let kept = scene.admit(&[account], &request, call(0).operation(operation(1, 0))).unwrap();
        memory.fail(Failing::nth(operation_failing, 1));
        let named = call(1).operation(operation(2, 1));
        let sequence = Sequence(scene.head() + 1);
        let unknown = scene.admit(&[account], &request, named);
        assert_eq!(unknown, Err(NotAdmitted::Faulted(Fault::Unknown { sequence })));
        // Nothing is answered any more, and nothing is shown.
        let poisoned = || NotAdmitted::Faulted(Fault::Poisoned);
        assert_eq!(scene.admit(&[account], &request, named), Err(poisoned()));
        assert_eq!(scene.controller.operation(&operation(1, 0).id), Err(Fault::Poisoned));
        assert_eq!(scene.controller.read(account), Err(Fault::Poisoned));
        assert_eq!(scene.controller.stats(), Err(Fault::Poisoned));
        assert_eq!(scene.controller.with_ledger(|_| ()), Err(Fault::Poisoned));
        assert_eq!(scene.controller.halt(Halt::None, call(1)), Err(Fault::Poisoned));
        assert!(scene.controller.failure().is_some() && scene.controller.ledger_error().is_none());
        let hold = kept.hold();
        let not_settled = scene.controller.release(kept, call(1)).unwrap_err();
        assert_eq!((not_settled.fault, not_settled.permit.hold()), (Fault::Poisoned, hold));

        let (scene, permits) = scene.crash();
        let first = scene.controller.operation(&operation(1, 0).id).unwrap().unwrap();
        assert_eq!(first.sequence, hold);
        match scene.controller.operation(&operation(2, 1).id).unwrap() {
            // It is on disk: its permit came back.
            Some(seen) => assert!(permits.iter().any(|permit| permit.hold() == seen.sequence)),
            // It is not: the retry is the first.
            None => {
                assert_eq!(permits.len(), 1);
                assert!(scene.admit(&[account], &request, named).is_ok());
            }
        }
        let settlement = scene.controller.release(not_settled.permit, call(2)).unwrap();
        assert_eq!(settlement.sequence.0, scene.head());
        scene.finish();
    }
}
