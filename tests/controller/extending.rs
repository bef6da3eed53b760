//! Extensions: more, longer, both, or no. SEMANTICS 9.9.

use assize::{
    controller::{DenialClass, Fault, NotExtended, Repeat},
    num::Amount,
    overrun::Overrun::{Debt, Deny},
    record::{ExtendOutcome, Halt, Record, Spend},
};

use crate::scene::{SECOND, Scene, at, call, micros, operation};

#[test]
fn a_hold_is_extended_by_an_amount_a_deadline_or_both() {
    // More, a deadline (the hold is due at 60 s), what it holds then, when it is due then.
    let rows: [(u64, Option<i64>, u64, i64); 7] = [
        (50, None, 150, 60),
        (0, Some(90), 100, 90),
        (50, Some(90), 150, 90),
        (0, None, 100, 60),
        // An earlier deadline, or one that has passed, changes nothing.
        (50, Some(59), 150, 60),
        (50, Some(0), 150, 60),
        (900, Some(90), 1_000, 90),
    ];
    for (more, deadline, held, due) in rows {
        let scene = Scene::new();
        let account = scene.account("a", Deny, 1_000);
        let asked = scene.ask(10);
        let mut permit = scene.admit_until(&[account], &asked, at(60 * SECOND), call(0)).unwrap();
        let deadline = deadline.map(|seconds| at(seconds * SECOND));
        let extension = scene.controller.extend(&mut permit, micros(more), deadline, call(SECOND)).unwrap();
        assert_eq!(extension.repeated, Repeat::First);
        assert_eq!((permit.amount(), permit.deadline()), (micros(held), at(due * SECOND)));
        let Record::Extend(record) = scene.record(extension.sequence) else { panic!("no extension") };
        assert_eq!(
            record.outcome,
            ExtendOutcome::Extended { deadline: permit.deadline(), held: permit.amount() }
        );
        assert_eq!(scene.money(account).reserved, held);
        // It holds until then, and not longer.
        assert_eq!(scene.controller.expire(call(due * SECOND - 1)).unwrap(), 0);
        assert_eq!(scene.controller.expire(call(due * SECOND)).unwrap(), 1);
        scene.finish();
    }
}

#[test]
fn an_extension_that_is_denied_leaves_the_hold_and_is_on_record() {
    let scene = Scene::new();
    let root = scene.account("root", Debt, 1_000);
    let leaf = scene.account_under(Some(root), "leaf", Debt, 150);
    let mut permit = scene.admit(&[leaf], &scene.ask(10), call(0)).unwrap();
    let halts = [
        (Halt::None, DenialClass::Budget),
        (Halt::ReduceOnly, DenialClass::Halted),
        (Halt::All, DenialClass::Halted),
    ];
    for (halt, class) in halts {
        let _sequence = scene.controller.halt(halt, call(1)).unwrap();
        let (held, head) = (permit.amount(), scene.head());
        let later = Some(at(90 * SECOND));
        let denial = match scene.controller.extend(&mut permit, micros(51), later, call(1)) {
            Err(NotExtended::Denied(denial)) => denial,
            other => panic!("{other:?}"),
        };
        assert_eq!((denial.class(), denial.sequence().0), (class, head + 1));
        let binding = (class == DenialClass::Budget).then_some(leaf.into());
        assert_eq!(denial.audited_reason().binding, binding);
        assert_eq!((permit.amount(), permit.deadline()), (held, at(60 * SECOND)));
        let Record::Extend(record) = scene.record(denial.sequence()) else { panic!("no extension") };
        let expected = match binding {
            Some(binding) => ExtendOutcome::DeniedBudget { binding },
            None => ExtendOutcome::DeniedHalted,
        };
        assert_eq!(record.outcome, expected);
    }
    // What is left can still be taken once nothing is halted, to the last micro-unit.
    let _sequence = scene.controller.halt(Halt::None, call(2)).unwrap();
    let extension = scene.controller.extend(&mut permit, micros(50), None, call(2)).unwrap();
    assert_eq!((permit.amount(), extension.sequence.0), (micros(150), scene.head()));
    scene.finish();
}

#[test]
fn nothing_more_is_taken_of_an_account_in_debt() {
    let scene = Scene::new();
    let account = scene.account("a", Debt, 200);
    let mut kept = scene.admit(&[account], &scene.ask(10), call(0)).unwrap();
    let spent = scene.admit(&[account], &scene.ask(10), call(0)).unwrap();
    let settlement = scene.controller.commit(spent, Spend::Amount(micros(500)), call(1)).unwrap();
    assert_eq!((settlement.outcome.booked_extra, scene.money(account).available), (micros(400), -400));
    // Nothing can be taken, and nothing is what an extension of the deadline takes.
    assert!(matches!(
        scene.controller.extend(&mut kept, micros(1), None, call(2)),
        Err(NotExtended::Denied(denial)) if denial.class() == DenialClass::Budget
    ));
    let extended = scene.controller.extend(&mut kept, Amount::ZERO, Some(at(90 * SECOND)), call(2)).unwrap();
    assert_eq!((kept.deadline(), extended.repeated), (at(90 * SECOND), Repeat::First));
    scene.finish();
}

#[test]
fn a_hold_that_is_due_is_not_extended_and_nothing_is_recorded() {
    let scene = Scene::new();
    let account = scene.account("a", Deny, 1_000);
    let mut permit = scene.admit_until(&[account], &scene.ask(10), at(SECOND), call(0)).unwrap();
    let before = scene.state();
    for ns in [SECOND, 2 * SECOND] {
        let extended = scene.controller.extend(&mut permit, micros(1), Some(at(9 * SECOND)), call(ns));
        assert_eq!(extended, Err(Fault::Expired { hold: permit.hold() }.into()));
        assert_eq!(scene.state(), before);
    }
    // The log's time has not moved either: before the deadline it is as it was.
    let extended = scene.controller.extend(&mut permit, micros(1), None, call(SECOND - 1)).unwrap();
    assert_eq!((extended.repeated, permit.amount()), (Repeat::First, micros(101)));
    scene.finish();
}

#[test]
fn a_repeated_extension_says_what_is_held_now() {
    let scene = Scene::new();
    let account = scene.account("a", Deny, 1_000);
    let mut permit = scene.admit(&[account], &scene.ask(10), call(0)).unwrap();
    let named = call(1).operation(operation(7, 1));
    let first = scene.controller.extend(&mut permit, micros(10), None, named).unwrap();
    let other = scene.controller.extend(&mut permit, micros(10), None, call(2)).unwrap();
    assert!(other.sequence > first.sequence);
    let again = scene.controller.extend(&mut permit, micros(10), None, named).unwrap();
    assert_eq!((again.sequence, again.repeated), (first.sequence, Repeat::Repeated));
    assert_eq!((permit.amount(), scene.money(account).reserved), (micros(120), 120));
    scene.finish();
}

#[test]
fn many_extensions_expire_once() {
    let scene = Scene::new();
    let account = scene.account("a", Deny, 10_000);
    let mut permits = Vec::new();
    for _ in 0..8 {
        permits.push(scene.admit_until(&[account], &scene.ask(10), at(SECOND), call(0)).unwrap());
    }
    for turn in 1..200 {
        for permit in &mut permits {
            let deadline = Some(at(SECOND + turn));
            let extension = scene.controller.extend(permit, micros(1), deadline, call(turn)).unwrap();
            assert_eq!(extension.repeated, Repeat::First);
        }
    }
    // All their former deadlines lie behind.
    assert_eq!(scene.controller.expire(call(SECOND + 198)).unwrap(), 0);
    assert_eq!(scene.controller.expire(call(SECOND + 199)).unwrap(), 8);
    assert_eq!(scene.money(account).available, 10_000);
    assert_eq!(scene.finish().expired, 8);
}
