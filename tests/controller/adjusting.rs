//! Adjustments: what a settled hold spent is corrected, up and down, for as long as the terms remember it.
//! SEMANTICS 9.15 and 9.16.

use std::num::NonZeroI64;

use assize::{
    budget::PathError,
    controller::{Fault, Permit, Repeat},
    id::Sequence,
    overrun::Overrun::{Debt, Deny, IfAvailable},
    record::{AdjustOutcome, Halt, Record, Settled, Spend, Terms},
};

use crate::scene::{Money, SECOND, Scene, Setup, call, micros, operation};

/// Booked more, not booked, refunded.
fn outcome((booked_extra, unfunded, refunded): (u64, u64, u64)) -> AdjustOutcome {
    AdjustOutcome {
        booked_extra: micros(booked_extra),
        unfunded: micros(unfunded),
        refunded: micros(refunded),
    }
}

/// So many settled holds, for ten seconds.
fn remembering(settled_max: u32) -> Scene {
    let terms = Terms { settled_max, adjust_window_ns: 10 * SECOND.unsigned_abs(), ..Terms::default() };
    Scene::with(Setup { terms, ..Setup::default() })
}

fn settle(scene: &Scene, permit: Permit, spent: u64, ns: i64) -> Sequence {
    let hold = permit.hold();
    let settlement = scene.controller.commit(permit, Spend::Amount(micros(spent)), call(ns)).unwrap();
    assert_eq!(settlement.outcome.actual, micros(spent));
    hold
}

#[test]
fn what_was_spent_is_corrected_at_every_cell_of_the_path() {
    let scene = remembering(9);
    let root = scene.account("root", Debt, 1_000);
    let leaf = scene.account_under(Some(root), "leaf", IfAvailable, 200);
    let mut permit = scene.admit(&[leaf], &scene.ask(10), call(1)).unwrap();
    let _part = scene.controller.part_commit(&mut permit, Spend::Amount(micros(40)), call(1)).unwrap();
    let hold = settle(&scene, permit, 120, 2);
    // What was spent in all; what comes of it; what root and leaf have available, and what both have missed.
    let rows: [(u64, (u64, u64, u64), [i64; 2], u64); 9] = [
        (120, (0, 0, 0), [880, 80], 0),
        (150, (30, 0, 0), [850, 50], 0),
        (10, (0, 0, 140), [990, 190], 0),
        (250, (190, 50, 0), [800, 0], 50),
        // 200 are booked and 50 are missed already.
        (240, (0, 0, 0), [800, 0], 50),
        (250, (0, 0, 0), [800, 0], 50),
        (251, (0, 1, 0), [800, 0], 51),
        (0, (0, 0, 200), [1_000, 200], 51),
        (0, (0, 0, 0), [1_000, 200], 51),
    ];
    for (actual, expected, available, unfunded) in rows {
        let settlement = scene.controller.adjust(hold, micros(actual), call(3)).unwrap();
        assert_eq!((settlement.outcome, settlement.repeated), (outcome(expected), Repeat::First), "{actual}");
        let Record::Adjust(record) = scene.record(settlement.sequence) else { panic!("no adjustment") };
        assert_eq!((record.arguments.hold, record.outcome), (hold, settlement.outcome));
        for ((account, granted), available) in [(root, 1_000), (leaf, 200)].into_iter().zip(available) {
            let committed = granted - u64::try_from(available).unwrap();
            let expected = Money { granted, available, reserved: 0, committed, unfunded };
            assert_eq!(scene.money(account), expected, "{actual}");
        }
    }
    assert_eq!(scene.controller.stats().unwrap().counts.adjusted, 9);
    assert_eq!(scene.finish().adjustments, 9);
}

#[test]
fn a_late_commit_is_adjusted_too_and_a_halt_lets_it_pass() {
    let scene = remembering(9);
    let account = scene.account("a", Debt, 1_000);
    let permit = scene.admit(&[account], &scene.ask(10), call(1)).unwrap();
    let hold = permit.hold();
    let late = scene.controller.commit(permit, Spend::Amount(micros(70)), call(61 * SECOND)).unwrap();
    assert_eq!((late.outcome.settled, late.outcome.unfunded), (Settled::Expired, micros(70)));
    let _sequence = scene.controller.halt(Halt::All, call(61 * SECOND)).unwrap();
    let settlement = scene.controller.adjust(hold, micros(80), call(61 * SECOND)).unwrap();
    assert_eq!(settlement.outcome, outcome((10, 0, 0)));
    let expected = Money { granted: 1_000, available: 990, reserved: 0, committed: 10, unfunded: 70 };
    assert_eq!(scene.money(account), expected);
    scene.finish();
}

#[test]
fn only_what_is_remembered_as_committed_is_adjusted() {
    let scene = remembering(2);
    let account = scene.account("a", Debt, 10_000);
    let admit = || scene.admit(&[account], &scene.ask(10), call(1)).unwrap();
    let not = |hold, ns| {
        let before = scene.state();
        let adjusted = scene.controller.adjust(hold, micros(1), call(ns));
        assert_eq!(adjusted, Err(Fault::NotAdjustable { hold }));
        assert_eq!(scene.state(), before);
    };
    let (open, released) = (admit(), admit());
    let released_hold = released.hold();
    let _settlement = scene.controller.release(released, call(1)).unwrap();
    let [first, second, third] = [1, 2, 3].map(|ns| settle(&scene, admit(), 100, ns));
    for hold in [open.hold(), released_hold, first, Sequence(1), Sequence(0), Sequence(u64::MAX)] {
        not(hold, 3);
    }
    assert_eq!(scene.controller.stats().unwrap().holds_settled, 2);
    // To the last instant of the window, by the time of the commit.
    for (hold, last) in [(second, 2 + 10 * SECOND), (third, 3 + 10 * SECOND)] {
        let settlement = scene.controller.adjust(hold, micros(50), call(last)).unwrap();
        assert_eq!(settlement.outcome, outcome((0, 0, 50)));
        not(hold, last + 1);
    }
    // None by terms that remember none: those of most logs.
    let _sequence = scene.controller.change_terms(Terms::default(), call(11 * SECOND)).unwrap();
    let fourth = settle(&scene, open, 100, 11 * SECOND);
    not(fourth, 11 * SECOND);
    assert_eq!(scene.controller.stats().unwrap().holds_settled, 0);
    scene.finish();
}

#[test]
fn an_account_that_is_closed_takes_no_adjustment() {
    let scene = remembering(9);
    let root = scene.account("root", Deny, 1_000);
    let leaf = scene.account_under(Some(root), "leaf", Deny, 1_000);
    let hold = settle(&scene, scene.admit(&[leaf], &scene.ask(10), call(1)).unwrap(), 100, 1);
    let _sequence = scene.controller.close_account(leaf, call(2)).unwrap();
    let before = scene.state();
    for actual in [0, 100, 200] {
        let closed = Fault::Path(PathError::Closed { account: leaf });
        assert_eq!(scene.controller.adjust(hold, micros(actual), call(3)), Err(closed));
        assert_eq!(scene.state(), before);
    }
    scene.finish();
}

#[test]
fn settled_holds_and_adjustments_come_back_with_the_log() {
    let reopenings: [fn(Scene) -> (Scene, Vec<Permit>); 2] = [Scene::reopen, Scene::crash];
    for reopen in reopenings {
        let scene = remembering(9);
        let account = scene.account("a", Debt, 1_000);
        let hold = settle(&scene, scene.admit(&[account], &scene.ask(10), call(1)).unwrap(), 100, 1);
        let named = call(2).operation(operation(8, 2));
        let first = scene.controller.adjust(hold, micros(70), named).unwrap();
        let (scene, _) = reopen(scene);
        let again = scene.controller.adjust(hold, micros(70), named).unwrap();
        assert_eq!((again.outcome, again.sequence), (first.outcome, first.sequence));
        assert_eq!((again.repeated, scene.money(account).committed), (Repeat::Repeated, 70));
        let reused = Fault::IdReused { id: operation(8, 2).id };
        assert_eq!(scene.controller.adjust(hold, micros(71), named), Err(reused));
        let change = NonZeroI64::new(1).unwrap();
        assert_eq!(scene.controller.grant(account, change, named), Err(reused));
        let settlement = scene.controller.adjust(hold, micros(60), call(3)).unwrap();
        assert_eq!((settlement.outcome, scene.money(account).committed), (outcome((0, 0, 10)), 60));
        scene.finish();
    }
}
