//! Commits and releases: what is booked where, and that a hold ends once. SEMANTICS 9.5 to 9.7 and 12.

use assize::{
    controller::{Fault, NotAdmitted, NotSettled, Repeat, RepeatedState},
    id::{AccountId, CandidateId},
    overrun::Overrun::{self, Debt, Deny, IfAvailable},
    record::{CommitOutcome, ReleaseOutcome, Settled, Spend},
};

use crate::scene::{ALPHA, GAMMA, Money, NOBODY, Scene, call, micros, operation, tiny_at};

/// An account of a row: the place of its parent in the row, its mode, what it is granted.
type Row = (Option<usize>, Overrun, i64);

/// Accounts; the path, by their places; what was spent on a hold of 100; booked extra; unfunded; available after.
type Case<'a> = (&'a [Row], &'a [usize], u64, u64, u64, &'a [i64]);

const CASES: [Case<'_>; 17] = [
    // Below and at the hold the mode means nothing.
    (&[(None, Deny, 1_000)], &[0], 0, 0, 0, &[1_000]),
    (&[(None, Deny, 1_000)], &[0], 40, 0, 0, &[960]),
    (&[(None, IfAvailable, 1_000)], &[0], 90, 0, 0, &[910]),
    (&[(None, Debt, 1_000)], &[0], 100, 0, 0, &[900]),
    // Above it, alone.
    (&[(None, Deny, 1_000)], &[0], 150, 0, 50, &[900]),
    (&[(None, IfAvailable, 1_000)], &[0], 150, 50, 0, &[850]),
    (&[(None, IfAvailable, 1_000)], &[0], 1_000, 900, 0, &[0]),
    (&[(None, IfAvailable, 1_000)], &[0], 1_200, 900, 200, &[0]),
    (&[(None, Debt, 1_000)], &[0], 1_200, 1_100, 0, &[-200]),
    // In a tree the strictest decides, and the least available, wherever they are.
    (&[(None, Deny, 1_000), (Some(0), Debt, 1_000)], &[1], 150, 0, 50, &[900, 900]),
    (&[(None, Debt, 1_000), (Some(0), IfAvailable, 120)], &[1], 150, 20, 30, &[880, 0]),
    (&[(None, IfAvailable, 110), (Some(0), Debt, 900)], &[1], 150, 10, 40, &[0, 790]),
    (&[(None, Debt, 100), (Some(0), Debt, 900)], &[1], 150, 50, 0, &[-50, 750]),
    // Several accounts; the root of two of them counts once.
    (&[(None, Debt, 100), (None, Debt, 5_000)], &[0, 1], 300, 200, 0, &[-200, 4_700]),
    (&[(None, Debt, 150), (None, IfAvailable, 5_000)], &[1, 0], 300, 50, 150, &[0, 4_850]),
    (
        &[(None, IfAvailable, 1_000), (Some(0), Debt, 100), (Some(0), Debt, 400)],
        &[1, 2],
        150,
        0,
        50,
        &[900, 0, 300],
    ),
    (
        &[(None, Debt, 1_000), (Some(0), Debt, 100), (Some(1), Debt, 400), (None, Debt, 200)],
        &[2, 3],
        350,
        250,
        0,
        &[650, -250, 50, -150],
    ),
];

#[test]
fn a_commit_books_the_same_at_every_cell_of_the_path() {
    for (accounts, path, actual, booked_extra, unfunded, available) in CASES {
        // On the host's word, and by what was used: the same.
        for by_usage in [false, true] {
            let scene = Scene::new();
            let mut ids: Vec<AccountId> = Vec::new();
            for (place, (parent, overrun, granted)) in accounts.iter().enumerate() {
                let parent = parent.map(|parent| ids[parent]);
                ids.push(scene.account_under(parent, &format!("a{place}"), *overrun, *granted));
            }
            let path: Vec<_> = path.iter().map(|place| ids[*place]).collect();
            let permit = scene.admit(&path, &scene.ask(10), call(1)).unwrap();
            assert_eq!((permit.candidate(), permit.amount()), (ALPHA, micros(100)));
            let spend =
                if by_usage { scene.used(ALPHA, actual / 10, 0) } else { Spend::Amount(micros(actual)) };
            let settlement = scene.controller.commit(permit, spend, call(2)).unwrap();
            let expected = CommitOutcome {
                settled: Settled::InTime,
                actual: micros(actual),
                booked_extra: micros(booked_extra),
                unfunded: micros(unfunded),
            };
            assert_eq!((settlement.outcome, settlement.repeated), (expected, Repeat::First));
            for ((id, (.., granted)), available) in ids.iter().zip(accounts).zip(available) {
                let committed = (granted - available).unsigned_abs();
                let granted = granted.unsigned_abs();
                let expected = Money { granted, available: *available, reserved: 0, committed, unfunded };
                assert_eq!(scene.money(*id), expected, "{accounts:?} {actual} {id}");
            }
            scene.finish();
        }
    }
}

#[test]
fn what_is_used_is_priced_by_the_policy_that_admitted_and_the_candidate_that_served() {
    // Who served, units, extras, what it comes to.
    let rows: [(CandidateId, u64, u64, Result<u64, CandidateId>); 7] = [
        (ALPHA, 10, 0, Ok(100)),
        (ALPHA, 0, 0, Ok(0)),
        (GAMMA, 10, 3, Ok(1_021)),
        // No rate for extras, no such candidate, more than can be booked.
        (ALPHA, 10, 1, Err(ALPHA)),
        (NOBODY, 10, 0, Err(NOBODY)),
        (GAMMA, u64::MAX / 100, 0, Err(GAMMA)),
        (GAMMA, u64::MAX, 0, Err(GAMMA)),
    ];
    for (served, units, extras, expected) in rows {
        let scene = Scene::new();
        let account = scene.account("a", Debt, 5_000);
        let permit = scene.admit(&[account], &scene.ask(10), call(1)).unwrap();
        // Alpha costs 20 from here on: not for this hold.
        let _sequence = scene.controller.swap(tiny_at(2, 20), call(2)).unwrap();
        let before = scene.state();
        match (scene.controller.commit(permit, scene.used(served, units, extras), call(3)), expected) {
            (Ok(settlement), Ok(actual)) => assert_eq!(settlement.outcome.actual, micros(actual)),
            (Err(NotSettled { permit, fault }), Err(candidate)) => {
                assert_eq!(fault, Fault::Unpriced { candidate });
                assert_eq!(scene.state(), before);
                // The host may say an amount then.
                let settlement = scene.controller.commit(permit, Spend::Amount(micros(7)), call(4)).unwrap();
                assert_eq!(settlement.outcome.actual, micros(7));
            }
            (seen, expected) => panic!("{seen:?} where {expected:?} was expected"),
        }
        let permit = scene.admit(&[account], &scene.ask(10), call(5)).unwrap();
        assert_eq!((permit.amount(), permit.epoch().0), (micros(200), 2));
        scene.finish();
    }
}

#[test]
fn a_release_gives_all_of_it_back() {
    let scene = Scene::new();
    let root = scene.account("root", Deny, 500);
    let leaf = scene.account_under(Some(root), "leaf", Debt, 300);
    for units in [0, 1, 30] {
        let permit = scene.admit(&[leaf], &scene.ask(units), call(1)).unwrap();
        assert_eq!(scene.money(root).reserved, units * 10);
        let settlement = scene.controller.release(permit, call(1)).unwrap();
        assert_eq!(settlement.outcome, ReleaseOutcome::Released { given_back: micros(units * 10) });
        assert_eq!(scene.money(root), Money { granted: 500, available: 500, ..Money::default() });
        assert_eq!(scene.money(leaf), Money { granted: 300, available: 300, ..Money::default() });
    }
    let calls = scene.finish();
    assert_eq!((calls.admitted, calls.releases), (3, 3));
}

#[test]
fn a_hold_ends_once() {
    // How it ends first, and what is tried then with another permit of the same hold.
    let endings: [fn(&Scene, assize::controller::Permit); 2] = [
        |scene, permit| {
            let settlement = scene.controller.commit(permit, Spend::Amount(micros(60)), call(2)).unwrap();
            assert_eq!(settlement.outcome.unfunded, micros(0));
        },
        |scene, permit| {
            let settlement = scene.controller.release(permit, call(2)).unwrap();
            assert_eq!(settlement.outcome, ReleaseOutcome::Released { given_back: micros(100) });
        },
    ];
    for end in endings {
        let scene = Scene::new();
        let account = scene.account("a", Debt, 1_000);
        let admission = call(1).operation(operation(1, 1));
        let first = scene.admit(&[account], &scene.ask(10), admission).unwrap();
        let (name, mut second) = match scene.admit(&[account], &scene.ask(10), admission) {
            Err(NotAdmitted::Repeated(repeated)) => match (repeated.hold(), repeated.into_state()) {
                (hold, RepeatedState::Open(permit)) => (hold, permit),
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        };
        assert_eq!(first, second);
        end(&scene, first);
        let before = scene.state();
        let gone = Fault::SettledAlready { hold: name };
        let extended = scene.controller.extend(&mut second, micros(1), None, call(3));
        assert_eq!(extended, Err(gone.into()));
        let NotSettled { permit, fault } =
            scene.controller.commit(second, Spend::Amount(micros(1)), call(3)).unwrap_err();
        assert_eq!(fault, gone);
        let NotSettled { permit, fault } = scene.controller.release(permit, call(3)).unwrap_err();
        assert_eq!((fault, permit.hold()), (gone, name));
        assert_eq!(scene.state(), before);
        scene.finish();
    }
}
