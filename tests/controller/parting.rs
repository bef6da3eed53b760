//! Part commits: what a stream has spent so far is booked, and the rest stays held. SEMANTICS 9.14 and 12.5.

use assize::{
    controller::{Fault, NotSettled, Permit, Repeat, RepeatedState, Reroute},
    overrun::Overrun::{self, Debt, Deny, IfAvailable},
    record::{CommitOutcome, Halt, PartCommitOutcome, Record, ReleaseOutcome, Settled, Spend},
};

use crate::scene::{ALPHA, BETA, GAMMA, Money, SECOND, Scene, at, call, micros, operation, tiny_at};

const MAX: u64 = i64::MAX.unsigned_abs();

/// Spent so far; booked extra; unfunded; held then.
type Part = (u64, u64, u64, u64);

fn outcome((actual, booked_extra, unfunded, held): Part) -> PartCommitOutcome {
    PartCommitOutcome {
        actual: micros(actual),
        booked_extra: micros(booked_extra),
        unfunded: micros(unfunded),
        held: micros(held),
    }
}

fn spent(amount: u64) -> Spend {
    Spend::Amount(micros(amount))
}

/// The root's and the leaf's mode and grant; the parts of a hold of 100 at the leaf; what its commit says, books above
/// the hold, and misses; what root and leaf have available then.
type Case<'a> = ([(Overrun, i64); 2], &'a [Part], (u64, u64, u64), [i64; 2]);

const CASES: [Case<'_>; 12] = [
    ([(Deny, 500), (Deny, 400)], &[], (100, 0, 0), [400, 300]),
    ([(Deny, 500), (Deny, 400)], &[(0, 0, 0, 100)], (0, 0, 0), [500, 400]),
    ([(Deny, 500), (Deny, 400)], &[(1, 0, 0, 99), (1, 0, 0, 99), (2, 0, 0, 98)], (2, 0, 0), [498, 398]),
    ([(Deny, 500), (Deny, 400)], &[(40, 0, 0, 60), (90, 0, 0, 10)], (95, 0, 0), [405, 305]),
    ([(Deny, 500), (Deny, 400)], &[(100, 0, 0, 0)], (100, 0, 0), [400, 300]),
    ([(Deny, 500), (Debt, 400)], &[(90, 0, 0, 10), (130, 0, 30, 0)], (150, 0, 20), [400, 300]),
    ([(Debt, 500), (IfAvailable, 130)], &[(110, 10, 0, 0), (140, 20, 10, 0)], (150, 0, 10), [370, 0]),
    ([(IfAvailable, 120), (Debt, 400)], &[(150, 20, 30, 0)], (150, 0, 0), [0, 280]),
    ([(Debt, 100), (Debt, 100)], &[(60, 0, 0, 40), (300, 200, 0, 0)], (310, 10, 0), [-210, -210]),
    ([(Debt, 100), (Debt, 100)], &[(MAX, MAX - 100, 0, 0)], (MAX, 0, 0), [100 - i64::MAX, 100 - i64::MAX]),
    ([(Deny, 100), (Deny, 100)], &[(MAX, 0, MAX - 100, 0), (MAX, 0, 0, 0)], (MAX, 0, 0), [0, 0]),
    ([(Debt, i64::MAX), (Debt, 100)], &[(99, 0, 0, 1), (101, 1, 0, 0)], (101, 0, 0), [i64::MAX - 101, -1]),
];

#[test]
fn parts_are_booked_as_one_commit_of_the_whole_is() {
    for (accounts, parts, (whole, booked_extra, unfunded), available) in CASES {
        let place = format!("{accounts:?} {parts:?} {whole}");
        let scene = Scene::new();
        let root = scene.account("root", accounts[0].0, accounts[0].1);
        let leaf = scene.account_under(Some(root), "leaf", accounts[1].0, accounts[1].1);
        let mut permit = scene.admit(&[leaf], &scene.ask(10), call(1)).unwrap();
        let (mut missed, mut committed) = (unfunded, 100_u64.min(whole) + booked_extra);
        for part in parts {
            let settlement = scene.controller.part_commit(&mut permit, spent(part.0), call(2)).unwrap();
            assert_eq!((settlement.outcome, settlement.repeated), (outcome(*part), Repeat::First), "{place}");
            assert_eq!((permit.amount(), permit.spent()), (micros(part.3), micros(part.0)), "{place}");
            assert_eq!([scene.money(root).reserved, scene.money(leaf).reserved], [part.3; 2], "{place}");
            missed += part.2;
            committed += part.1;
        }
        let settlement = scene.controller.commit(permit, spent(whole), call(3)).unwrap();
        let expected = CommitOutcome {
            settled: Settled::InTime,
            actual: micros(whole),
            booked_extra: micros(booked_extra),
            unfunded: micros(unfunded),
        };
        assert_eq!(settlement.outcome, expected, "{place}");
        for (account, (available, (_, granted))) in
            [root, leaf].into_iter().zip(available.iter().zip(accounts))
        {
            let granted = granted.unsigned_abs();
            let expected = Money { granted, available: *available, reserved: 0, committed, unfunded: missed };
            assert_eq!(scene.money(account), expected, "{place}");
        }
        scene.finish();
    }
}

#[test]
fn what_was_used_so_far_is_priced_as_a_whole() {
    let scene = Scene::new();
    let account = scene.account("a", Debt, 5_000);
    let mut permit = scene.admit(&[account], &scene.ask_for(GAMMA, 10), call(1)).unwrap();
    // Prices are those of the policy that admitted it.
    let _sequence = scene.controller.swap(tiny_at(2, 20), call(2)).unwrap();
    let parts = [
        (scene.used(GAMMA, 2, 0), (200, 0, 0, 800)),
        (scene.used(GAMMA, 2, 0), (200, 0, 0, 800)),
        (scene.used(GAMMA, 7, 3), (721, 0, 0, 279)),
        (scene.used(ALPHA, 80, 0), (800, 0, 0, 200)),
        (scene.used(GAMMA, 10, 4), (1_028, 28, 0, 0)),
    ];
    for (so_far, expected) in parts {
        let settlement = scene.controller.part_commit(&mut permit, so_far, call(3)).unwrap();
        assert_eq!(settlement.outcome, outcome(expected));
    }
    let before = scene.state();
    let faults = [
        (scene.used(GAMMA, 10, 3), Fault::SpentBelow { spent: micros(1_028), seen: micros(1_021) }),
        (scene.used(ALPHA, 10, 1), Fault::Unpriced { candidate: ALPHA }),
        (spent(1_027), Fault::SpentBelow { spent: micros(1_028), seen: micros(1_027) }),
        (spent(0), Fault::SpentBelow { spent: micros(1_028), seen: micros(0) }),
    ];
    for (so_far, fault) in faults {
        assert_eq!(scene.controller.part_commit(&mut permit, so_far.clone(), call(4)), Err(fault));
        let NotSettled { permit: back, fault: of_commit } =
            scene.controller.commit(permit, so_far, call(4)).unwrap_err();
        assert_eq!((of_commit, back.spent()), (fault, micros(1_028)));
        permit = back;
        assert_eq!(scene.state(), before);
    }
    let settlement = scene.controller.commit(permit, scene.used(GAMMA, 10, 4), call(5)).unwrap();
    assert_eq!((settlement.outcome.actual, settlement.outcome.booked_extra), (micros(1_028), micros(0)));
    assert_eq!(scene.money(account).committed, 1_028);
    let calls = scene.finish();
    assert_eq!((calls.part_commits_usage, calls.part_commits_amount, calls.commits_usage), (5, 0, 1));
}

#[test]
fn what_is_left_of_a_hold_ends_in_every_way() {
    type End = fn(&Scene, Permit);
    // How a hold of 100 ends of which 30 are booked, and what the account of 1,000 has available, committed, unfunded.
    let ends: [(End, (i64, u64, u64)); 6] = [
        (
            |scene, permit| {
                let settlement = scene.controller.release(permit, call(SECOND)).unwrap();
                assert_eq!(settlement.outcome, ReleaseOutcome::Released { given_back: micros(70) });
            },
            (970, 30, 0),
        ),
        (
            |scene, permit| {
                let request = scene.ask(3);
                let reroute = Reroute { failed: ALPHA, request: &request, deadline: at(90 * SECOND) };
                let mut permit = scene.controller.reroute(permit, &reroute, call(SECOND)).unwrap();
                assert_eq!(
                    (permit.candidate(), permit.amount(), permit.spent()),
                    (BETA, micros(90), micros(0))
                );
                // The new hold has spent nothing yet.
                let settlement = scene.controller.part_commit(&mut permit, spent(20), call(SECOND)).unwrap();
                assert_eq!(settlement.outcome, outcome((20, 0, 0, 70)));
                let settlement = scene.controller.commit(permit, spent(20), call(SECOND)).unwrap();
                assert_eq!(settlement.outcome.actual, micros(20));
            },
            (950, 50, 0),
        ),
        (
            |scene, mut permit| {
                let extended = scene.controller.extend(&mut permit, micros(5), None, call(SECOND)).unwrap();
                assert_eq!(
                    (extended.repeated, permit.amount(), permit.spent()),
                    (Repeat::First, micros(75), micros(30))
                );
                let settlement = scene.controller.commit(permit, spent(105), call(SECOND)).unwrap();
                assert_eq!(settlement.outcome.booked_extra, micros(0));
            },
            (895, 105, 0),
        ),
        (
            |scene, permit| {
                assert_eq!(scene.controller.expire(call(60 * SECOND)).unwrap(), 1);
                drop(permit);
            },
            (970, 30, 0),
        ),
        (
            |scene, permit| {
                // Found due: what is new since the part is unfunded.
                let settlement = scene.controller.commit(permit, spent(45), call(60 * SECOND)).unwrap();
                assert_eq!(settlement.outcome.settled, Settled::Expired);
                assert_eq!(
                    (settlement.outcome.actual, settlement.outcome.unfunded),
                    (micros(45), micros(15))
                );
            },
            (970, 30, 15),
        ),
        (
            |scene, permit| {
                let settlement = scene.controller.release(permit, call(60 * SECOND)).unwrap();
                assert_eq!(settlement.outcome, ReleaseOutcome::Expired);
            },
            (970, 30, 0),
        ),
    ];
    for (end, (available, committed, unfunded)) in ends {
        let scene = Scene::new();
        let account = scene.account("a", Deny, 1_000);
        let mut permit = scene.admit(&[account], &scene.ask(10), call(0)).unwrap();
        let settlement = scene.controller.part_commit(&mut permit, spent(30), call(1)).unwrap();
        assert_eq!(settlement.outcome.held, permit.amount());
        end(&scene, permit);
        let expected = Money { granted: 1_000, available, reserved: 0, committed, unfunded };
        assert_eq!(scene.money(account), expected);
        scene.finish();
    }
}

#[test]
fn no_part_of_a_hold_that_is_due_or_has_ended_is_booked() {
    let scene = Scene::new();
    let account = scene.account("a", Debt, 1_000);
    let admission = call(1).operation(operation(1, 1));
    let first = scene.admit_until(&[account], &scene.ask(10), at(SECOND), admission).unwrap();
    let mut second = match scene.admit_until(&[account], &scene.ask(10), at(SECOND), admission) {
        Err(assize::controller::NotAdmitted::Repeated(repeated)) => match repeated.into_state() {
            RepeatedState::Open(permit) => permit,
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    };
    let hold = first.hold();
    let before = scene.state();
    for ns in [SECOND, 2 * SECOND] {
        let parted = scene.controller.part_commit(&mut second, spent(1), call(ns));
        assert_eq!(parted, Err(Fault::Expired { hold }));
        assert_eq!(scene.state(), before);
    }
    let settlement = scene.controller.part_commit(&mut second, spent(100), call(SECOND - 1)).unwrap();
    // All of it is booked: the hold is open with nothing, and in the account's way.
    assert_eq!((settlement.outcome.held, scene.controller.stats().unwrap().holds_open), (micros(0), 1));
    assert!(scene.controller.close_account(account, call(SECOND - 1)).is_err());
    // The other permit of it does not know, and need not: the whole is what it states.
    assert_eq!(first.spent(), micros(0));
    let settlement = scene.controller.commit(first, spent(120), call(SECOND - 1)).unwrap();
    assert_eq!((settlement.outcome.booked_extra, scene.money(account).committed), (micros(20), 120));
    let before = scene.state();
    let parted = scene.controller.part_commit(&mut second, spent(130), call(SECOND - 1));
    assert_eq!(parted, Err(Fault::SettledAlready { hold }));
    assert_eq!(scene.state(), before);
    scene.finish();
}

#[test]
fn a_halt_lets_parts_pass() {
    for halt in [Halt::ReduceOnly, Halt::All] {
        let scene = Scene::new();
        let account = scene.account("a", Debt, 1_000);
        let mut permit = scene.admit(&[account], &scene.ask(10), call(0)).unwrap();
        let _sequence = scene.controller.halt(halt, call(1)).unwrap();
        let settlement = scene.controller.part_commit(&mut permit, spent(130), call(1)).unwrap();
        assert_eq!(settlement.outcome, outcome((130, 30, 0, 0)));
        let Record::PartCommit(record) = scene.record(settlement.sequence) else { panic!("no part commit") };
        assert_eq!((record.arguments.hold, record.outcome), (permit.hold(), settlement.outcome));
        scene.finish();
    }
}

#[test]
fn parts_are_remembered_when_the_log_is_opened_again() {
    let reopenings: [fn(Scene) -> (Scene, Vec<Permit>); 2] = [Scene::reopen, Scene::crash];
    for reopen in reopenings {
        let scene = Scene::new();
        let account = scene.account("a", Deny, 1_000);
        let mut old = scene.admit(&[account], &scene.ask(10), call(0)).unwrap();
        let named = call(1).operation(operation(5, 1));
        let first = scene.controller.part_commit(&mut old, spent(30), named).unwrap();
        let _second = scene.controller.part_commit(&mut old, spent(50), call(2)).unwrap();
        let (scene, mut permits) = reopen(scene);
        let mut permit = permits.pop().unwrap();
        assert_eq!((permit.hold(), permit.amount(), permit.spent()), (old.hold(), micros(50), micros(50)));
        // Repeated by its name, by either permit: the first outcome, and what is held now.
        for permit in [&mut permit, &mut old] {
            let again = scene.controller.part_commit(permit, spent(30), named).unwrap();
            assert_eq!(
                (again.outcome, again.sequence, again.repeated),
                (first.outcome, first.sequence, Repeat::Repeated)
            );
            assert_eq!((permit.amount(), permit.spent()), (micros(50), micros(50)));
        }
        // Other arguments, or another kind of call, are another operation.
        let reused = Fault::IdReused { id: operation(5, 1).id };
        assert_eq!(scene.controller.part_commit(&mut permit, spent(60), named), Err(reused));
        let not_settled = scene.controller.commit(permit, spent(30), named).unwrap_err();
        assert_eq!(not_settled.fault, reused);
        let below = scene.controller.commit(not_settled.permit, spent(49), call(3)).unwrap_err();
        assert_eq!(below.fault, Fault::SpentBelow { spent: micros(50), seen: micros(49) });
        let settlement = scene.controller.commit(below.permit, spent(60), call(3)).unwrap();
        assert_eq!((settlement.outcome.actual, scene.money(account).committed), (micros(60), 60));
        // And after the end, still the first outcome.
        let again = scene.controller.part_commit(&mut old, spent(30), named).unwrap();
        assert_eq!((again.outcome, again.repeated), (first.outcome, Repeat::Repeated));
        scene.finish();
    }
}
