//! The sequential ledger: what each record does, and where records may stand.
#![cfg(feature = "wal")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    reason = "a test"
)]

#[path = "ledger/world.rs"]
mod world;

use std::collections::BTreeSet;

use assize::id::{AccountId, CandidateId, Epoch, OperationId, Sequence};
use assize::ledger::{AccountState, HoldState, Ledger, Mismatch};
use assize::num::{Amount, Timestamp};
use assize::overrun::Overrun;
use assize::record::{
    AccountClosed, AdmissionOutcome, CandidateSwitch, Commit, CommitOutcome, ExtendOutcome, Halt, Kind,
    Record, Recovery, Settled, Spend, Switch, Terms,
};
use assize::wal::{Fold, RecordFrame};
use world::*;

const IN_TIME: Settled = Settled::InTime;
const EXPIRED: Settled = Settled::Expired;

/// Available, reserved, committed, unfunded.
type Money = (i64, u64, u64, u64);
/// How it is settled, what is spent, what is booked above the hold, what is not booked.
type Outcome = (Settled, u64, u64, u64);

#[test]
fn a_hold_is_taken_from_every_cell_of_its_path() {
    let mut world = World::funded();
    let hold = world.admit(&[2], 3, 60);
    let cases: [(u32, Money); 3] = [(0, (940, 60, 0, 0)), (1, (540, 60, 0, 0)), (2, (240, 60, 0, 0))];
    for (account, money) in cases {
        assert_eq!(world.money(account), money, "account {account}");
    }
    let held = world.ledger.hold(hold).unwrap();
    assert_eq!((held.state, held.amount, held.candidate), (HoldState::Open, amount(60), FAR));
    let cells: Vec<_> = world.ledger.accounts_on(&held.path).unwrap().collect();
    assert_eq!(cells, [AccountId(2), AccountId(1), AccountId(0)]);
    assert_eq!(world.ledger.check_conservation(), Ok(()));
}

#[test]
fn a_path_of_several_accounts_takes_each_cell_once() {
    let mut world = World::funded();
    world.must(&account("project", Some(0), Overrun::Deny));
    world.must(&grant(3, 100));
    let hold = world.admit(&[3, 2, 0], 2, 60);
    let held = world.ledger.hold(hold).unwrap();
    let cells: Vec<_> = world.ledger.accounts_on(&held.path).unwrap().collect();
    assert_eq!(cells, [3, 0, 2, 1].map(AccountId));
    assert_eq!([0, 1, 2, 3].map(|account| world.money(account).1), [40; 4]);
}

/// How a hold of 60 µ ends: mode, when, what is spent, what is booked above it, what not, and the money after it
/// (of 300 µ).
#[test]
fn how_a_commit_is_booked() {
    let (deny, if_available, debt) = (Overrun::Deny, Overrun::IfAvailable, Overrun::Debt);
    let cases: [(Overrun, u64, Outcome, Money); 14] = [
        (deny, 0, (IN_TIME, 0, 0, 0), (300, 0, 0, 0)),
        (deny, 0, (IN_TIME, 40, 0, 0), (260, 0, 40, 0)),
        (deny, 0, (IN_TIME, 60, 0, 0), (240, 0, 60, 0)),
        (deny, 0, (IN_TIME, 61, 0, 1), (240, 0, 60, 1)),
        (if_available, 0, (IN_TIME, 61, 1, 0), (239, 0, 61, 0)),
        (if_available, 0, (IN_TIME, 300, 240, 0), (0, 0, 300, 0)),
        (if_available, 0, (IN_TIME, 305, 240, 5), (0, 0, 300, 5)),
        (debt, 0, (IN_TIME, 305, 245, 0), (-5, 0, 305, 0)),
        (
            debt,
            0,
            (IN_TIME, Amount::MAX.micros(), Amount::MAX.micros() - 60, 0),
            (300 - i64::MAX, 0, Amount::MAX.micros(), 0),
        ),
        (debt, 59, (IN_TIME, 60, 0, 0), (240, 0, 60, 0)),
        (debt, 60, (EXPIRED, 40, 0, 40), (300, 0, 0, 40)),
        (debt, 61, (EXPIRED, 400, 0, 400), (300, 0, 0, 400)),
        (deny, 60, (EXPIRED, 0, 0, 0), (300, 0, 0, 0)),
        (deny, 3_660, (EXPIRED, 7, 0, 7), (300, 0, 0, 7)),
    ];
    for (mode, seconds, outcome, money) in cases {
        let mut world = World::new();
        world.must(&account("only", None, mode));
        world.must(&grant(0, 300));
        let hold = world.admit(&[0], 3, 60);
        world.wait(seconds);
        world.must(&commit_amount(hold, outcome));
        assert_eq!(world.money(0), money, "{mode:?} after {seconds} s: {outcome:?}");
        assert!(world.ledger.hold(hold).is_none());
        assert_eq!(world.ledger.check_conservation(), Ok(()));
        let again = world.apply(&commit_amount(hold, outcome));
        assert_eq!(again, Err(Mismatch::HoldUnknown { hold }), "settled once");
    }
}

/// How a hold of 60 µ is spent in parts: mode, then of each part what is spent so far, what is booked above the hold,
/// what not, and what is held then; the commit at the end, and the money after it (of 300 µ). SEMANTICS 9.14.
#[test]
fn how_part_commits_are_booked() {
    let (deny, if_available, debt) = (Overrun::Deny, Overrun::IfAvailable, Overrun::Debt);
    let max = Amount::MAX.micros();
    type Parts<'a> = &'a [(u64, u64, u64, u64)];
    let cases: [(Overrun, Parts<'_>, Outcome, Money); 12] = [
        (deny, &[(0, 0, 0, 60)], (IN_TIME, 0, 0, 0), (300, 0, 0, 0)),
        (deny, &[(1, 0, 0, 59), (1, 0, 0, 59)], (IN_TIME, 1, 0, 0), (299, 0, 1, 0)),
        (deny, &[(20, 0, 0, 40), (50, 0, 0, 10)], (IN_TIME, 55, 0, 0), (245, 0, 55, 0)),
        (deny, &[(60, 0, 0, 0)], (IN_TIME, 61, 0, 1), (240, 0, 60, 1)),
        (deny, &[(50, 0, 0, 10), (70, 0, 10, 0)], (IN_TIME, 71, 0, 1), (240, 0, 60, 11)),
        (if_available, &[(70, 10, 0, 0), (80, 10, 0, 0)], (IN_TIME, 80, 0, 0), (220, 0, 80, 0)),
        (if_available, &[(310, 240, 10, 0)], (IN_TIME, 320, 0, 10), (0, 0, 300, 20)),
        (debt, &[(59, 0, 0, 1), (310, 250, 0, 0)], (IN_TIME, 311, 1, 0), (-11, 0, 311, 0)),
        (debt, &[(max, max - 60, 0, 0)], (IN_TIME, max, 0, 0), (300 - i64::MAX, 0, max, 0)),
        (deny, &[(max, 0, max - 60, 0), (max, 0, 0, 0)], (IN_TIME, max, 0, 0), (240, 0, 60, max - 60)),
        // Late: what was booked stays so, and only what is new is missed.
        (deny, &[(20, 0, 0, 40)], (EXPIRED, 50, 0, 30), (280, 0, 20, 30)),
        (debt, &[(20, 0, 0, 40)], (EXPIRED, 20, 0, 0), (280, 0, 20, 0)),
    ];
    for (mode, parts, outcome, money) in cases {
        let place = format!("{mode:?} {parts:?} {outcome:?}");
        let mut world = World::new();
        world.must(&account("only", None, mode));
        world.must(&grant(0, 300));
        let hold = world.admit(&[0], 3, 60);
        for part in parts {
            world.must(&part_amount(hold, *part));
            let held = world.ledger.hold(hold).unwrap();
            assert_eq!(
                (held.spent, held.amount, held.state),
                (amount(part.0), amount(part.3), HoldState::Open)
            );
            assert_eq!(world.money(0).1, part.3, "{place}");
            assert_eq!(world.ledger.check_conservation(), Ok(()));
        }
        if outcome.0 == EXPIRED {
            world.wait(60);
        }
        world.must(&commit_amount(hold, outcome));
        assert_eq!(world.money(0), money, "{place}");
        assert_eq!(world.ledger.check_conservation(), Ok(()));
    }
}

/// How a settled hold of 60 µ is adjusted: mode; how it was settled, in parts or at once; then of each adjustment what was
/// spent in all, what is booked more, what is not booked of it, what is refunded; and the money after it (of 300 µ).
#[test]
fn how_adjustments_are_booked() {
    let (deny, if_available, debt) = (Overrun::Deny, Overrun::IfAvailable, Overrun::Debt);
    let max = Amount::MAX.micros();
    type Adjustments<'a> = &'a [(u64, (u64, u64, u64))];
    let cases: [(Overrun, Outcome, Adjustments<'_>, Money); 14] = [
        (deny, (IN_TIME, 60, 0, 0), &[(60, (0, 0, 0))], (240, 0, 60, 0)),
        (deny, (IN_TIME, 60, 0, 0), &[(0, (0, 0, 60)), (0, (0, 0, 0))], (300, 0, 0, 0)),
        (deny, (IN_TIME, 60, 0, 0), &[(59, (0, 0, 1)), (60, (0, 1, 0)), (60, (0, 0, 0))], (241, 0, 59, 1)),
        (deny, (IN_TIME, 40, 0, 0), &[(10, (0, 0, 30)), (0, (0, 0, 10))], (300, 0, 0, 0)),
        (deny, (IN_TIME, 70, 0, 10), &[(65, (0, 0, 0)), (60, (0, 0, 0)), (50, (0, 0, 10))], (250, 0, 50, 10)),
        // What was counted as unfunded stays so, and is not counted again.
        (
            deny,
            (IN_TIME, 70, 0, 10),
            &[(50, (0, 0, 10)), (60, (0, 0, 0)), (70, (0, 10, 0))],
            (250, 0, 50, 20),
        ),
        (if_available, (IN_TIME, 60, 0, 0), &[(100, (40, 0, 0)), (310, (200, 10, 0))], (0, 0, 300, 10)),
        (if_available, (IN_TIME, 300, 240, 0), &[(301, (0, 1, 0)), (299, (0, 0, 1))], (1, 0, 299, 1)),
        (debt, (IN_TIME, 60, 0, 0), &[(310, (250, 0, 0)), (309, (0, 0, 1))], (-9, 0, 309, 0)),
        (debt, (IN_TIME, 0, 0, 0), &[(max, (max, 0, 0)), (0, (0, 0, max))], (300, 0, 0, 0)),
        (debt, (IN_TIME, max, max - 60, 0), &[(0, (0, 0, max)), (1, (1, 0, 0))], (299, 0, 1, 0)),
        (deny, (IN_TIME, max, 0, max - 60), &[(max, (0, 0, 0)), (0, (0, 0, 60))], (300, 0, 0, max - 60)),
        // Late: nothing was booked, and what is new can be.
        (debt, (EXPIRED, 40, 0, 40), &[(40, (0, 0, 0)), (0, (0, 0, 0)), (45, (5, 0, 0))], (295, 0, 5, 40)),
        (deny, (EXPIRED, 0, 0, 0), &[(1, (0, 1, 0))], (300, 0, 0, 1)),
    ];
    for (mode, outcome, adjustments, money) in cases {
        for in_parts in [false, true] {
            let place = format!("{mode:?} {outcome:?} {adjustments:?} {in_parts}");
            let mut world = World::with(remembering(1, 100));
            world.must(&account("only", None, mode));
            world.must(&grant(0, 300));
            let hold = world.admit(&[0], 3, 60);
            // A part of 20 in time, if there is one: what it books cannot be late any more.
            if in_parts && outcome.1 >= 20 && outcome.0 == IN_TIME {
                world.must(&part_amount(hold, (20, 0, 0, 40)));
            }
            if outcome.0 == EXPIRED {
                world.wait(60);
            }
            world.must(&commit_amount(hold, outcome));
            for (actual, adjusted) in adjustments {
                world.must(&adjust(hold, *actual, *adjusted));
                assert_eq!(world.ledger.check_conservation(), Ok(()), "{place}");
            }
            assert_eq!(world.money(0), money, "{place}");
        }
    }
}

/// Parts and their overruns are of the hold that is adjusted; every cell of its path moves.
#[test]
fn an_adjustment_is_of_all_that_a_hold_has_booked_at_every_cell() {
    let mut world = World::with(remembering(9, 100));
    world.must(&account("org", None, Overrun::Deny));
    world.must(&account("team", Some(0), Overrun::Debt));
    world.must(&grant(0, 1_000));
    world.must(&grant(1, 100));
    let hold = world.admit(&[1], 3, 60);
    world.must(&part_amount(hold, (50, 0, 0, 10)));
    world.must(&part_amount(hold, (75, 0, 15, 0)));
    world.must(&commit_amount(hold, (IN_TIME, 80, 0, 5)));
    let settled = world.ledger.settled_hold(hold).unwrap();
    assert_eq!((settled.booked, settled.unfunded, settled.settled), (amount(60), amount(20), after(0)));
    world.must(&adjust(hold, 25, (0, 0, 35)));
    assert_eq!([world.money(0), world.money(1)], [(975, 0, 25, 20), (75, 0, 25, 20)]);
    world.must(&Record::AccountClosed(AccountClosed { account: AccountId(1) }));
    let closed = Mismatch::AccountClosed { account: AccountId(1) };
    assert_eq!(world.apply(&adjust(hold, 0, (0, 0, 25))), Err(closed));
}

#[test]
fn settled_holds_are_remembered_for_the_window_and_up_to_a_number() {
    let mut world = World::with(remembering(2, 100));
    world.must(&account("only", None, Overrun::Debt));
    world.must(&grant(0, 10_000));
    let settle = |world: &mut World| {
        let hold = world.admit(&[0], 1, 60);
        world.must(&commit_amount(hold, (IN_TIME, 20, 0, 0)));
        hold
    };
    let remembered = |world: &World| world.ledger.settled_holds().map(|(hold, _)| hold).collect::<Vec<_>>();
    let first = settle(&mut world);
    world.wait(50);
    let (second, third) = (settle(&mut world), settle(&mut world));
    assert_eq!(remembered(&world), [second, third], "{first} was settled first");
    assert_eq!(world.apply(&adjust(first, 0, (0, 0, 20))), Err(Mismatch::SettledUnknown { hold: first }));
    // Adjusting does not make it younger; the window ends with its last instant.
    world.wait(100);
    world.must(&adjust(third, 10, (0, 0, 10)));
    world.now = Timestamp(world.now.0 + 1);
    assert_eq!(world.apply(&adjust(third, 0, (0, 0, 10))), Err(Mismatch::SettledUnknown { hold: third }));
    assert_eq!(remembered(&world), [second, third], "until a record says what time it is");
    world.must(&Record::Halt(Halt::None));
    assert_eq!(remembered(&world), []);
    // Released and expired holds are not; fewer by new terms, at once; a longer window brings nothing back.
    let released = world.admit(&[0], 1, 60);
    world.must(&release(released, Some(20)));
    let (fourth, fifth) = (settle(&mut world), settle(&mut world));
    assert_eq!(remembered(&world), [fourth, fifth]);
    world.must(&Record::Terms(remembering(1, 1_000)));
    assert_eq!(remembered(&world), [fifth]);
    world.must(&Record::Terms(remembering(0, 1_000)));
    settle(&mut world);
    assert_eq!(remembered(&world), []);
}

/// By usage, each part is priced with all before it: once rounded up, whatever it is cut into.
#[test]
fn parts_of_usage_come_to_the_price_of_the_whole() {
    let mut world = World::funded();
    let hold = world.admit(&[2], 5, 60);
    let usage = |calls| Spend::Usage { served: FAR, quantities: *request(calls).quantities() };
    world.must(&swap(2));
    for (calls, outcome) in [(1, (20, 0, 0, 80)), (3, (60, 0, 0, 40)), (5, (100, 0, 0, 0))] {
        world.must(&Record::PartCommit(part_commit(hold, usage(calls), outcome)));
    }
    world.must(&Record::Commit(commit(hold, usage(5), (IN_TIME, 100, 0, 0))));
    for (account, money) in [(0, (900, 0, 100, 0)), (1, (500, 0, 100, 0)), (2, (200, 0, 100, 0))] {
        assert_eq!(world.money(account), money, "account {account}");
    }
}

#[test]
fn what_a_part_has_left_is_released_extended_rerouted_and_expired() {
    let after_part = || {
        let mut world = World::funded();
        let hold = world.admit(&[2], 3, 60);
        world.must(&part_amount(hold, (25, 0, 0, 35)));
        (world, hold)
    };
    let (mut world, hold) = after_part();
    world.must(&release(hold, Some(35)));
    assert_eq!(world.money(2), (275, 0, 25, 0));
    let (mut world, hold) = after_part();
    world.must(&extend(hold, 5, ExtendOutcome::Extended { deadline: after(60), held: amount(40) }));
    world.must(&part_amount(hold, (65, 0, 0, 0)));
    assert_eq!(world.money(2), (235, 0, 65, 0));
    let (mut world, hold) = after_part();
    let call = world.rerouted(hold, 2, 60);
    assert_eq!(call.outcome.given_back, amount(35));
    let new = world.must(&Record::Reroute(call));
    assert_eq!((world.money(2), world.ledger.hold(new).unwrap().spent), ((215, 60, 25, 0), Amount::ZERO));
    let (mut world, hold) = after_part();
    world.wait(60);
    world.must(&expire(&[hold]));
    assert_eq!(world.money(2), (275, 0, 25, 0));
    assert_eq!(world.ledger.hold(hold).map(|hold| (hold.amount, hold.spent)), Some((amount(35), amount(25))));
    world.must(&release(hold, None));
    assert_eq!(world.money(2), (275, 0, 25, 0));
}

/// SEMANTICS 9.6: what would take a debt below its deepest is not booked.
#[test]
fn a_debt_has_a_floor() {
    let max = Amount::MAX.micros();
    let mut world = World::new();
    world.must(&account("debtor", None, Overrun::Debt));
    world.must(&grant(0, 60));
    let first = world.admit(&[0], 0, 60);
    let second = world.admit(&[0], 0, 60);
    world.must(&commit_amount(first, (IN_TIME, max, max, 0)));
    assert_eq!(world.money(0), (60 - i64::MAX, 0, max, 0));
    world.must(&commit_amount(second, (IN_TIME, 100, 60, 40)));
    assert_eq!(world.money(0), (-i64::MAX, 0, max + 60, 40));
    // Nothing can still be held in debt, and nothing else.
    let third = world.admit(&[0], 0, 60);
    world.must(&commit_amount(third, (IN_TIME, max, 0, max)));
    let fourth = world.admit(&[0], 0, 60);
    world.must(&commit_amount(fourth, (IN_TIME, max, 0, max)));
    let fifth = world.admit(&[0], 0, 60);
    world.must(&commit_amount(fifth, (IN_TIME, max, 0, max)));
    assert_eq!(world.money(0).3, u64::MAX, "unfunded saturates");
    assert_eq!(world.ledger.check_conservation(), Ok(()));
}

/// SEMANTICS 9.6: the strictest mode on the path, and the same booked at every cell.
#[test]
fn the_strictest_mode_on_a_path_decides() {
    let (deny, if_available, debt) = (Overrun::Deny, Overrun::IfAvailable, Overrun::Debt);
    let cases = [
        ([debt, debt, debt], 400, 0),
        ([debt, if_available, debt], 100, 300),
        ([if_available, debt, debt], 100, 300),
        ([debt, debt, deny], 0, 400),
        ([debt, deny, if_available], 0, 400),
    ];
    for (modes, booked_extra, unfunded) in cases {
        let mut world = World::new();
        let names = ["root", "middle", "leaf"];
        for (place, (text, mode)) in (0..3).zip(names.iter().zip(modes)) {
            world.must(&account(text, u32::checked_sub(place, 1), mode));
        }
        for (account, granted) in [(0, 900), (1, 500), (2, 160)] {
            world.must(&grant(account, granted));
        }
        let hold = world.admit(&[2], 3, 60);
        world.must(&commit_amount(hold, (IN_TIME, 460, booked_extra, unfunded)));
        for account in 0..3 {
            let (_, reserved, committed, missed) = world.money(account);
            assert_eq!((reserved, committed, missed), (0, 60 + booked_extra, unfunded), "{modes:?}");
        }
    }
}

#[test]
fn usage_is_priced_by_the_policy_that_admitted_the_hold() {
    let mut world = World::funded();
    let hold = world.admit(&[2], 5, 60);
    world.must(&swap(2));
    let later = world.admit(&[2], 5, 60);
    assert_eq!(world.ledger.policy_of(Epoch(1)).unwrap().epoch(), Epoch(1));
    let usage = |served| Spend::Usage { served, quantities: *request(3).quantities() };
    world.must(&Record::Commit(commit(hold, usage(FAR), (IN_TIME, 60, 0, 0))));
    assert!(world.ledger.policy_of(Epoch(1)).is_none(), "no hold names it any more");
    world.must(&Record::Commit(commit(later, usage(NEAR), (IN_TIME, 93, 0, 0))));
    assert_eq!(world.money(2), (300 - 60 - 93, 0, 153, 0));
}

#[test]
fn releases_extensions_and_expiries() {
    let mut world = World::funded();
    let first = world.admit(&[2], 3, 60);
    let second = world.admit(&[2], 2, 60);
    world.must(&extend(second, 10, ExtendOutcome::Extended { deadline: after(60), held: amount(50) }));
    world.must(&extend(second, 0, ExtendOutcome::Extended { deadline: after(70), held: amount(50) }));
    assert_eq!(world.money(2), (190, 110, 0, 0));
    world.must(&extend(second, 191, ExtendOutcome::DeniedBudget { binding: AccountId(2).into() }));
    world.must(&release(first, Some(60)));
    assert_eq!(world.money(0), (950, 50, 0, 0));
    let third = world.admit(&[1], 1, 65);
    world.wait(70);
    world.must(&expire(&[second, third]));
    assert_eq!([0, 1, 2].map(|account| world.money(account).1), [0; 3]);
    assert_eq!(world.ledger.hold(second).unwrap().state, HoldState::Expired);
    world.must(&release(second, None));
    assert!(world.ledger.hold(second).is_none());
    // A release finds a due hold expired, and gives back what it held.
    let fourth = world.admit(&[2], 1, 5);
    world.wait(5);
    world.must(&release(fourth, None));
    assert_eq!(world.money(2), (300, 0, 0, 0));
}

#[test]
fn an_expired_hold_is_forgotten_after_the_late_window() {
    let mut world = World::funded();
    let hold = world.admit(&[2], 3, 60);
    world.wait(60);
    world.must(&expire(&[hold]));
    world.wait(3_600);
    world.must(&Record::Halt(Halt::None));
    assert!(world.ledger.hold(hold).is_some(), "the window ends with its last instant");
    world.now = Timestamp(world.now.0 + 1);
    world.must(&Record::Halt(Halt::None));
    assert!(world.ledger.hold(hold).is_none());
    // One that expires that late is forgotten by the same record.
    let late = world.admit(&[2], 3, 60);
    world.wait(3_661);
    world.must(&expire(&[late]));
    assert_eq!((world.ledger.hold(late), world.money(2)), (None, (300, 0, 0, 0)));
}

#[test]
fn a_reroute_releases_decides_and_holds_in_one() {
    let mut world = World::funded();
    let hold = world.admit(&[2], 15, 60);
    let call = world.rerouted(hold, 10, 60);
    // 300 µ at the other supplier: payable only with what the hold gives back.
    assert_eq!(
        world.ledger.prospect_without(hold, world.ledger.log_time()).unwrap().payable.amount,
        amount(300)
    );
    let new = world.must(&Record::Reroute(call));
    assert!(world.ledger.hold(hold).is_none());
    assert_eq!(world.money(2), (0, 300, 0, 0));
    let mut call = world.rerouted(new, 9, 60);
    world.must(&Record::Halt(Halt::All));
    call.outcome.admission = AdmissionOutcome::DeniedHalted;
    world.must(&Record::Reroute(call));
    assert_eq!((world.ledger.holds().count(), world.money(2)), (0, (300, 0, 0, 0)));
}

#[test]
fn accounts_close_for_good() {
    let mut world = World::funded();
    for account in [2, 1, 0] {
        world.must(&Record::AccountClosed(AccountClosed { account: AccountId(account) }));
    }
    let states: Vec<_> = world.ledger.accounts().map(|(_, account)| account.state).collect();
    assert_eq!(states, [AccountState::Closed; 3]);
    assert_eq!(world.ledger.account_named(&name("team")), Some(AccountId(1)));
}

#[test]
fn what_is_switched_is_seen() {
    let mut world = World::funded();
    for candidate in [FAR, NEAR, CandidateId(77)] {
        world.must(&Record::CandidateSwitch(CandidateSwitch { candidate, switch: Switch::Disabled }));
    }
    world.must(&Record::CandidateSwitch(CandidateSwitch { candidate: NEAR, switch: Switch::Enabled }));
    assert_eq!(world.ledger.disabled(), &BTreeSet::from([FAR, CandidateId(77)]));
    let hold = world.admit(&[2], 3, 60);
    assert_eq!(world.ledger.hold(hold).unwrap().candidate, NEAR);
    world.must(&Record::Halt(Halt::ReduceOnly));
    assert_eq!(world.ledger.halt(), Halt::ReduceOnly);
    let terms = Terms { operations_max: 1, ..Terms::default() };
    world.must(&Record::Terms(terms));
    assert_eq!(*world.ledger.terms(), terms);
}

#[test]
fn an_operation_is_remembered_for_the_horizon() {
    let terms = Terms { operations_max: 2, operation_horizon_ns: 100 * SECOND_NS, ..Terms::default() };
    let mut world = World::with(terms);
    world.must(&account("only", None, Overrun::Deny));
    let given = |id, issued| {
        let Record::Grant(mut call) = grant(0, 10) else { unreachable!() };
        call.operation = operation(id, issued);
        Record::Grant(call)
    };
    let first = world.must(&given(1, after(0)));
    world.must(&given(2, after(50)));
    let remembered = world.ledger.operation(&OperationId([1; 16])).unwrap();
    assert_eq!((remembered.sequence, remembered.kind, remembered.issued), (first, Kind::Grant, after(0)));
    assert_eq!(remembered.outcome::<assize::record::Grant>(), Ok(()));
    assert!(remembered.outcome::<Commit>().is_err());
    assert_eq!(world.apply(&given(3, after(0))), Err(Mismatch::OperationsFull { max: 2 }));
    world.wait(100);
    let reused = Mismatch::OperationReused { id: OperationId([1; 16]), first };
    assert_eq!(world.apply(&given(1, after(100))), Err(reused), "the horizon ends with its last instant");
    world.now = Timestamp(world.now.0 + 1);
    world.must(&given(1, after(100)));
    assert_eq!(world.ledger.operations().count(), 2);
    let ids: Vec<_> = world.ledger.operations().map(|(_, remembered)| remembered.issued).collect();
    assert_eq!(ids, [after(100), after(50)]);
}

#[test]
fn outcomes_are_remembered_as_recorded() {
    let mut world = World::funded();
    let hold = world.admit(&[2], 3, 60);
    let outcome = (IN_TIME, 61, 0, 1);
    let mut call = commit(hold, Spend::Amount(amount(61)), outcome);
    call.operation = operation(9, after(0));
    let expected = call.outcome;
    world.must(&Record::Commit(call));
    let remembered = world.ledger.operation(&OperationId([9; 16])).unwrap();
    let CommitOutcome { unfunded, .. } = remembered.outcome::<Commit>().unwrap();
    assert_eq!((remembered.outcome::<Commit>(), unfunded), (Ok(expected), amount(1)));
}

#[test]
fn records_have_their_place() {
    let mut world = World::funded();
    let next = world.next();
    for wrong in [0, next.0 - 1, next.0 + 1, u64::MAX] {
        let found = world.ledger.apply(Sequence(wrong), CREATED, &Record::Halt(Halt::All)).unwrap_err();
        assert_eq!(found.mismatch, Mismatch::Sequence { expected: next });
        assert_eq!(found.sequence, Sequence(wrong));
    }
}

#[test]
fn frames_have_times_that_follow() {
    let mut payload = Vec::new();
    Record::Halt(Halt::All).encode(&mut payload);
    let mut recovery = Vec::new();
    let cut = Recovery { segment: 1, offset: 8, cut_bytes: 1, cut_sha256: assize::crypto::Digest([0; 32]) };
    Record::Recovery(cut).encode(&mut recovery);
    let week = 7 * 24 * 3_600;
    let jump = Some(Mismatch::ClockJump { seen_ns: (week + 1) * SECOND_NS, max_ns: week * SECOND_NS });
    let late = Some(Mismatch::Effective { expected: after(0), seen: after(week + 1) });
    let cases: [(&str, Kind, Timestamp, Timestamp, Option<Mismatch>); 7] = [
        ("the caller's time", Kind::Halt, after(9), after(9), None),
        ("the caller's time is behind", Kind::Halt, Timestamp(0), after(0), None),
        ("as far as may be", Kind::Halt, after(week), after(week), None),
        ("a jump", Kind::Halt, after(week + 1), after(week + 1), jump),
        ("a recovery after a rest", Kind::Recovery, after(week + 1), after(0), None),
        ("a recovery at the caller's time", Kind::Recovery, after(week + 1), after(week + 1), late),
        (
            "neither time",
            Kind::Halt,
            after(5),
            after(6),
            Some(Mismatch::Effective { expected: after(5), seen: after(6) }),
        ),
    ];
    for (what, kind, caller, effective, expected) in cases {
        let mut world = World::new();
        let payload = if kind == Kind::Recovery { &recovery } else { &payload };
        let frame = RecordFrame { sequence: Sequence(1), effective, caller, kind: kind.code(), payload };
        let record = world.ledger.read(&frame).unwrap();
        let found = world.ledger.apply_frame(&frame, &record).err().map(|found| found.mismatch);
        assert_eq!(found, expected, "{what}");
        if found.is_none() {
            assert_eq!(world.ledger.log_time(), effective);
        }
    }
}

#[test]
fn as_a_logs_state_it_takes_frames_and_gives_checkpoints() {
    let mut world = World::funded();
    let mut restored = Ledger::unrestored();
    assert!(restored.checkpoint(&mut Vec::new()).is_err());
    restored.restore(&world.form()).unwrap();
    let mut payload = Vec::new();
    Record::Admission(world.admitted(path(&[2]), 3, 60)).encode(&mut payload);
    let kind = Kind::Admission.code();
    let (sequence, effective) = (world.next(), world.now);
    let frame = RecordFrame { sequence, effective, caller: effective, kind, payload: &payload };
    Fold::apply(&mut restored, frame).unwrap();
    world.admit(&[2], 3, 60);
    let mut form = Vec::new();
    restored.checkpoint(&mut form).unwrap();
    assert_eq!(form, world.form());
    let cut = RecordFrame { payload: &payload[..9], sequence: world.next(), ..frame };
    assert!(Fold::apply(&mut restored, cut).is_err());
    assert!(restored.restore(&form[..9]).is_err());
}
