//! Models of the engine's protocols: every interleaving of two calls that loom finds, without a bound on preemptions
//! but where one is stated. Each says what must hold in all of them, and ways in which they must end; a model that
//! never ends in one of these fails too. `docs/CONCURRENCY.md` says which invariants they check.
//!
//! Calls that only read are in the second thread. Loom starts it last, and then tries every value that a load may
//! still return; of a load in the first thread it would forget that a later exchange of the second depends on it.

use super::slab::Slab;
use super::*;
use crate::id::{AccountId, Name};
use crate::num::Amount;
use crate::overrun::Overrun;
use crate::sync::Arc;
use crate::sync::model::{Builder, JoinHandle, PlainArc, PlainMutex, spawn};
use alloc::collections::BTreeSet;
use alloc::vec::Vec;

/// Two reserves on one cell that has enough for one: never both, and a denial is true.
#[test]
fn loom_two_reserves_on_one_cell_never_overspend() {
    explore(&["mine", "theirs"], || {
        let (engine, account) = engine(&[("a", None, Overrun::Deny, 3)]);
        let path = engine.path(&[account]).unwrap();
        let other = in_thread(&engine, move |engine| engine.reserve(&path, amount(2)));
        let outcomes = [engine.reserve(&path, amount(2)), other.join().unwrap()];
        let denied = Err(ReserveError::Insufficient { binding: account, available_micros: 1 });
        at_rest(&engine, account, [3, 1, 2, 0, 0]);
        match outcomes {
            [Ok(_), other] if other == denied => "mine",
            [other, Ok(_)] if other == denied => "theirs",
            both => panic!("one cell has no tentative takes: {both:?}"),
        }
    });
}

/// A commit gives back while a reserve wants it: money appears once.
#[test]
fn loom_a_reserve_meets_a_commit() {
    explore(&["reserved", "denied"], || {
        let (engine, account) = engine(&[("a", None, Overrun::Deny, 3)]);
        let path = engine.path(&[account]).unwrap();
        let hold = engine.reserve(&path, amount(3)).unwrap();
        let other = in_thread(&engine, move |engine| engine.reserve(&path, amount(2)));
        let settled = engine.commit(hold, amount(1)).unwrap();
        assert_eq!(settled.booked_micros(), 1);
        match other.join().unwrap() {
            Ok(_) => {
                at_rest(&engine, account, [3, 0, 2, 1, 0]);
                "reserved"
            }
            Err(ReserveError::Insufficient { .. }) => {
                at_rest(&engine, account, [3, 2, 0, 1, 0]);
                "denied"
            }
            Err(error) => panic!("{error}"),
        }
    });
}

/// A commit and a release of one hold: one of them ends it, the other is told so.
#[test]
fn loom_a_hold_is_settled_once() {
    explore(&["committed", "released"], || {
        let (engine, account) = engine(&[("a", None, Overrun::Deny, 3)]);
        let path = engine.path(&[account]).unwrap();
        let hold = engine.reserve(&path, amount(2)).unwrap();
        let other = in_thread(&engine, move |engine| engine.release(hold));
        let committed = engine.commit(hold, amount(1));
        let released = other.join().unwrap();
        assert_eq!(engine.hold(hold), None);
        match (committed, released) {
            (Ok(_), Err(SettleError::AlreadySettled)) => {
                at_rest(&engine, account, [3, 2, 0, 1, 0]);
                "committed"
            }
            (Err(SettleError::AlreadySettled), Ok(_)) => {
                at_rest(&engine, account, [3, 3, 0, 0, 0]);
                "released"
            }
            both => panic!("{both:?}"),
        }
    });
}

/// A release of an old hold meets a reserve that uses its slot again: the new hold is not touched.
#[test]
fn loom_an_old_handle_does_not_end_a_new_hold() {
    explore(&["mine, reserved", "theirs, reserved", "theirs, denied"], || {
        let (engine, account) = engine(&[("a", None, Overrun::Deny, 3)]);
        let path = engine.path(&[account]).unwrap();
        let old = engine.reserve(&path, amount(1)).unwrap();
        let other = in_thread(&engine, move |engine| (engine.release(old), engine.hold(old)));
        let mine = engine.release(old);
        let new = engine.reserve(&path, amount(3));
        let (theirs, seen) = other.join().unwrap();
        assert!(mine.is_ok() != theirs.is_ok());
        assert_eq!(seen, None);
        if let Ok(new) = new {
            assert_eq!(engine.hold(new).map(|reading| reading.amount), Some(amount(3)));
            at_rest(&engine, account, [3, 0, 3, 0, 0]);
        } else {
            at_rest(&engine, account, [3, 3, 0, 0, 0]);
        }
        match (mine.is_ok(), new.is_ok()) {
            (true, true) => "mine, reserved",
            (false, true) => "theirs, reserved",
            (false, false) => "theirs, denied",
            both => panic!("{both:?}"),
        }
    });
}

/// A commit meets an extend: it settles the hold with or without what was added, or says that it was contended.
#[test]
fn loom_a_commit_meets_an_extend() {
    explore(&["extended", "settled before", "contended"], || {
        let (engine, account, hold) = engine_with_hold(1);
        let other = in_thread(&engine, move |engine| engine.commit(hold, amount(2)));
        let extended = engine.extend(hold, amount(1));
        committed_and_extended(&engine, account, other.join().unwrap(), extended)
    });
}

/// The same with the calls in the other threads.
#[test]
fn loom_an_extend_meets_a_commit() {
    explore(&["extended", "settled before"], || {
        let (engine, account, hold) = engine_with_hold(1);
        let other = in_thread(&engine, move |engine| engine.extend(hold, amount(1)));
        let committed = engine.commit(hold, amount(2));
        committed_and_extended(&engine, account, committed, other.join().unwrap())
    });
}

fn committed_and_extended(
    engine: &Engine,
    account: AccountId,
    committed: Result<Settlement, SettleError>,
    extended: Result<(), ExtendError>,
) -> &'static str {
    match (committed, extended) {
        (Ok(settled), Ok(())) => {
            assert_eq!(settled.booked_micros(), 2);
            at_rest(engine, account, [3, 1, 0, 2, 0]);
            "extended"
        }
        (Ok(settled), Err(ExtendError::AlreadySettled)) => {
            assert_eq!((settled.booked_micros(), settled.unfunded()), (1, amount(1)));
            at_rest(engine, account, [3, 2, 0, 1, 1]);
            "settled before"
        }
        (Err(SettleError::Contended), Ok(())) => {
            at_rest(engine, account, [3, 1, 2, 0, 0]);
            "contended"
        }
        both => panic!("{both:?}"),
    }
}

/// A commit meets an expiry: it books all or nothing, and the spend is told either way.
#[test]
fn loom_a_commit_meets_an_expiry() {
    explore(&["in time", "late", "contended"], || {
        let (engine, account, hold) = engine_with_hold(2);
        let other = in_thread(&engine, move |engine| engine.commit(hold, amount(2)));
        let expired = engine.expire(hold);
        committed_and_expired(&engine, account, other.join().unwrap(), expired)
    });
}

/// The same with the calls in the other threads.
#[test]
fn loom_an_expiry_meets_a_commit() {
    explore(&["in time", "late"], || {
        let (engine, account, hold) = engine_with_hold(2);
        let other = in_thread(&engine, move |engine| engine.expire(hold));
        let committed = engine.commit(hold, amount(2));
        committed_and_expired(&engine, account, committed, other.join().unwrap())
    });
}

/// A part-commit meets a commit: both book, and the commit what the part left; or the commit was first, and ended it.
#[test]
fn loom_a_part_commit_meets_a_commit() {
    explore(&["part first", "commit first", "contended"], || {
        let (engine, account) = engine(&[("a", None, Overrun::Deny, 4)]);
        let path = engine.path(&[account]).unwrap();
        let hold = engine.reserve(&path, amount(3)).unwrap();
        let other = in_thread(&engine, move |engine| engine.part_commit(hold, amount(2)));
        let committed = engine.commit(hold, amount(2));
        match (committed, other.join().unwrap()) {
            (Ok(settled), Ok(part)) => {
                // Of 4 spent, 3 were held: no more than that has left the hold.
                assert_eq!((part.booked_micros(), settled.booked_micros()), (2, 1));
                assert_eq!(settled.unfunded(), amount(1));
                at_rest(&engine, account, [4, 1, 0, 3, 1]);
                "part first"
            }
            (Ok(settled), Err(SettleError::AlreadySettled)) => {
                assert_eq!((settled.booked_micros(), settled.unfunded()), (2, amount(0)));
                at_rest(&engine, account, [4, 2, 0, 2, 0]);
                "commit first"
            }
            (Err(SettleError::Contended), Ok(part)) => {
                assert_eq!(part.booked_micros(), 2);
                at_rest(&engine, account, [4, 1, 1, 2, 0]);
                "contended"
            }
            both => panic!("{both:?}"),
        }
    });
}

/// A part-commit meets an expiry: what was booked stays booked, the rest comes back once.
#[test]
fn loom_a_part_commit_meets_an_expiry() {
    explore(&["in time", "expired", "expiry contended", "part contended"], || {
        let (engine, account) = engine(&[("a", None, Overrun::Debt, 3)]);
        let path = engine.path(&[account]).unwrap();
        let hold = engine.reserve(&path, amount(2)).unwrap();
        let other = in_thread(&engine, move |engine| engine.expire(hold));
        let part = engine.part_commit(hold, amount(1));
        match (part, other.join().unwrap()) {
            (Ok(_), Ok(rest)) => {
                assert_eq!(rest, amount(1));
                at_rest(&engine, account, [3, 2, 0, 1, 0]);
                "in time"
            }
            (Err(SettleError::AlreadyExpired), Ok(rest)) => {
                assert_eq!(rest, amount(2));
                at_rest(&engine, account, [3, 3, 0, 0, 0]);
                "expired"
            }
            (Ok(_), Err(SettleError::Contended)) => {
                at_rest(&engine, account, [3, 1, 1, 1, 0]);
                "expiry contended"
            }
            (Err(SettleError::Contended), Ok(_)) => {
                at_rest(&engine, account, [3, 3, 0, 0, 0]);
                "part contended"
            }
            both => panic!("{both:?}"),
        }
    });
}

/// A part-commit meets a release: what the release gives back is what the part left.
#[test]
fn loom_a_part_commit_meets_a_release() {
    explore(&["part first", "release first", "contended"], || {
        let (engine, account) = engine(&[("a", None, Overrun::Deny, 3)]);
        let path = engine.path(&[account]).unwrap();
        let hold = engine.reserve(&path, amount(3)).unwrap();
        let other = in_thread(&engine, move |engine| engine.part_commit(hold, amount(1)));
        let released = engine.release(hold);
        match (released, other.join().unwrap()) {
            (Ok(Release::Returned { held }), Ok(_)) => {
                assert_eq!(held, amount(2));
                at_rest(&engine, account, [3, 2, 0, 1, 0]);
                "part first"
            }
            (Ok(Release::Returned { held }), Err(SettleError::AlreadySettled)) => {
                assert_eq!(held, amount(3));
                at_rest(&engine, account, [3, 3, 0, 0, 0]);
                "release first"
            }
            (Err(SettleError::Contended), Ok(_)) => {
                at_rest(&engine, account, [3, 0, 2, 1, 0]);
                "contended"
            }
            both => panic!("{both:?}"),
        }
    });
}

/// A part-commit above its hold meets an extend: the part uses what was added, or what was held before it; neither
/// change of the hold is lost.
#[test]
fn loom_a_part_commit_meets_an_extend() {
    explore(&["extended before", "extended after", "extend contended", "part contended"], || {
        let (engine, account) = engine(&[("a", None, Overrun::Deny, 4)]);
        let path = engine.path(&[account]).unwrap();
        let hold = engine.reserve(&path, amount(1)).unwrap();
        let other = in_thread(&engine, move |engine| engine.extend(hold, amount(2)));
        let part = engine.part_commit(hold, amount(2));
        let left = engine.hold(hold).unwrap().amount.micros();
        match (part, other.join().unwrap(), left) {
            (Ok(part), Ok(()), 1) => {
                assert_eq!((part.booked_micros(), part.unfunded()), (2, amount(0)));
                at_rest(&engine, account, [4, 1, 1, 2, 0]);
                "extended before"
            }
            (Ok(part), Ok(()), _) => {
                assert_eq!((part.booked_micros(), part.unfunded()), (1, amount(1)));
                assert_eq!(engine.hold(hold).unwrap().amount, amount(2));
                at_rest(&engine, account, [4, 1, 2, 1, 1]);
                "extended after"
            }
            (Ok(_), Err(ExtendError::Contended), 0) => {
                at_rest(&engine, account, [4, 3, 0, 1, 1]);
                "extend contended"
            }
            (Err(SettleError::Contended), Ok(()), _) => {
                at_rest(&engine, account, [4, 1, 3, 0, 0]);
                "part contended"
            }
            both => panic!("{both:?}"),
        }
    });
}

/// Two parts of one hold, together above it: each is booked once, and the second out of what the first has left.
#[test]
fn loom_two_part_commits_meet() {
    explore(&["both", "one contended"], || {
        let (engine, account) = engine(&[("a", None, Overrun::IfAvailable, 4)]);
        let path = engine.path(&[account]).unwrap();
        let hold = engine.reserve(&path, amount(3)).unwrap();
        let other = in_thread(&engine, move |engine| engine.part_commit(hold, amount(2)));
        let mine = engine.part_commit(hold, amount(2));
        match (mine, other.join().unwrap()) {
            (Ok(mine), Ok(theirs)) => {
                assert_eq!(mine.booked_micros() + theirs.booked_micros(), 4);
                assert_eq!(engine.hold(hold).unwrap().amount, amount(0));
                at_rest(&engine, account, [4, 0, 0, 4, 0]);
                "both"
            }
            (Ok(_), Err(SettleError::Contended)) | (Err(SettleError::Contended), Ok(_)) => {
                assert_eq!(engine.hold(hold).unwrap().amount, amount(1));
                at_rest(&engine, account, [4, 1, 1, 2, 0]);
                "one contended"
            }
            both => panic!("{both:?}"),
        }
    });
}

/// A part-commit above its hold, on two cells, meets a reserve at the upper one: what was available is given once.
#[test]
fn loom_a_part_commit_above_its_hold_meets_a_reserve() {
    explore(&["all booked", "less booked"], || {
        let (engine, _) =
            engine(&[("parent", None, Overrun::IfAvailable, 3), ("child", Some(0), Overrun::Debt, 5)]);
        let (parent, child) = (AccountId(0), AccountId(1));
        let (above, below) = (engine.path(&[parent]).unwrap(), engine.path(&[child]).unwrap());
        let hold = engine.reserve(&below, amount(1)).unwrap();
        let other = in_thread(&engine, move |engine| engine.reserve(&above, amount(1)));
        let part = engine.part_commit(hold, amount(4)).unwrap();
        let taken = i64::from(other.join().unwrap().is_ok());
        assert_eq!(part.booked_micros().cast_signed(), 3 - taken);
        assert_eq!(part.unfunded().signed_micros(), 1 + taken);
        assert_eq!(engine.hold(hold).unwrap().amount, amount(0));
        at_rest(&engine, parent, [3, 0, taken, 3 - taken, 1 + taken]);
        at_rest(&engine, child, [5, 2 + taken, 0, 3 - taken, 1 + taken]);
        if taken == 0 { "all booked" } else { "less booked" }
    });
}

/// A reader that has seen what is left of another's hold, before it reads and after, sees that reserved.
#[test]
fn loom_a_reader_sees_the_rest_of_a_hold() {
    explore(&["whole", "rest"], || {
        let (engine, account) = engine(&[("a", None, Overrun::Deny, 6)]);
        let path = engine.path(&[account]).unwrap();
        let hold = engine.reserve(&path, amount(3)).unwrap();
        let other = in_thread(&engine, move |engine| {
            let held = |reading: Option<HoldReading>| reading.map_or(0, |reading| reading.amount.micros());
            (held(engine.hold(hold)), engine.read(account).unwrap(), held(engine.hold(hold)))
        });
        assert_eq!(engine.part_commit(hold, amount(2)).unwrap().booked_micros(), 2);
        let (before, reading, after) = other.join().unwrap();
        conserved(&reading);
        assert!(reading.reserved_micros >= before.min(after), "{before} {reading:?} {after}");
        at_rest(&engine, account, [6, 3, 1, 2, 0]);
        if before.min(after) == 3 { "whole" } else { "rest" }
    });
}

/// A refund of what one hold booked meets the commit of another: both are counted.
#[test]
fn loom_a_refund_meets_a_commit() {
    explore(&["both"], || {
        let (engine, account) = engine(&[("a", None, Overrun::Deny, 4)]);
        let path = engine.path(&[account]).unwrap();
        let first = engine.reserve(&path, amount(2)).unwrap();
        let second = engine.reserve(&path, amount(2)).unwrap();
        assert_eq!(engine.commit(first, amount(2)).unwrap().booked_micros(), 2);
        let other = in_thread(&engine, move |engine| engine.commit(second, amount(1)));
        let adjusted = engine.adjust(&path, -2).unwrap();
        assert_eq!(adjusted.refunded, amount(2));
        assert_eq!(other.join().unwrap().unwrap().booked_micros(), 1);
        at_rest(&engine, account, [4, 3, 0, 1, 0]);
        "both"
    });
}

/// A refund meets a reading: it shows the money as booked or as available, and never as both or neither.
#[test]
fn loom_a_refund_meets_a_reading() {
    explore(&["before", "after"], || {
        let (engine, account) = engine(&[("a", None, Overrun::Deny, 3)]);
        let path = engine.path(&[account]).unwrap();
        let hold = engine.reserve(&path, amount(2)).unwrap();
        assert_eq!(engine.commit(hold, amount(2)).unwrap().booked_micros(), 2);
        let other = in_thread(&engine, move |engine| engine.read(account).unwrap());
        assert_eq!(engine.adjust(&path, -2).unwrap().refunded, amount(2));
        let reading = other.join().unwrap();
        conserved(&reading);
        at_rest(&engine, account, [3, 3, 0, 0, 0]);
        match (reading.available_micros, reading.committed_micros, reading.reserved_micros) {
            (1, 2, 0) => "before",
            (3, 0, 0) => "after",
            other => panic!("{other:?}"),
        }
    });
}

fn committed_and_expired(
    engine: &Engine,
    account: AccountId,
    committed: Result<Settlement, SettleError>,
    expired: Result<Amount, SettleError>,
) -> &'static str {
    match (committed, expired) {
        (Ok(Settlement::Committed { .. }), Err(SettleError::AlreadySettled)) => {
            at_rest(engine, account, [3, 1, 0, 2, 0]);
            "in time"
        }
        (Ok(Settlement::Late { .. }), Ok(_)) => {
            at_rest(engine, account, [3, 3, 0, 0, 2]);
            "late"
        }
        (Err(SettleError::Contended), Ok(_)) => {
            at_rest(engine, account, [3, 3, 0, 0, 0]);
            "contended"
        }
        both => panic!("{both:?}"),
    }
}

/// An engine with one account of 3, and a hold of that much on it.
fn engine_with_hold(micros: u64) -> (Arc<Engine>, AccountId, Hold) {
    let (engine, account) = engine(&[("a", None, Overrun::Deny, 3)]);
    let path = engine.path(&[account]).unwrap();
    let hold = engine.reserve(&path, amount(micros)).unwrap();
    (engine, account, hold)
}

/// A child's and the parent's own reserve meet at the parent, which has enough for one.
#[test]
fn loom_a_child_and_its_parent_reserve() {
    explore(&["child", "parent"], || {
        let (engine, _) = engine(&[("parent", None, Overrun::Deny, 1), ("child", Some(0), Overrun::Deny, 1)]);
        let (parent, child) = (AccountId(0), AccountId(1));
        let (above, below) = (engine.path(&[parent]).unwrap(), engine.path(&[child]).unwrap());
        let other = in_thread(&engine, move |engine| engine.reserve(&above, amount(1)));
        let mine = engine.reserve(&below, amount(1));
        let theirs = other.join().unwrap();
        at_rest(&engine, parent, [1, 0, 1, 0, 0]);
        let held = i64::from(mine.is_ok());
        at_rest(&engine, child, [1, 1 - held, held, 0, 0]);
        let short = Err(ReserveError::Insufficient { binding: parent, available_micros: 0 });
        match (mine, theirs) {
            (Ok(_), denied) if denied == short => "child",
            (denied, Ok(_)) if denied == short => "parent",
            both => panic!("{both:?}"),
        }
    });
}

/// Two reserves take two cells in opposite orders, and there is enough for one: who is denied was denied by the
/// other's success, never by a take that was undone. At most three preemptions.
#[test]
fn loom_two_attempts_do_not_deny_each_other() {
    explore_within(Some(3), &["one held", "one contended"], || {
        let (engine, _) = engine(&[("a", None, Overrun::Deny, 1), ("b", None, Overrun::Deny, 1)]);
        let (a, b) = (AccountId(0), AccountId(1));
        let (forth, back) = (engine.path(&[a, b]).unwrap(), engine.path(&[b, a]).unwrap());
        let other = in_thread(&engine, move |engine| engine.reserve(&forth, amount(1)));
        let mine = engine.reserve(&back, amount(1));
        let theirs = other.join().unwrap();
        let held = i64::from(mine.is_ok()) + i64::from(theirs.is_ok());
        for account in [a, b] {
            at_rest(&engine, account, [1, 1 - held, held, 0, 0]);
        }
        match (mine, theirs) {
            (Ok(_), Err(ReserveError::Insufficient { .. }))
            | (Err(ReserveError::Insufficient { .. }), Ok(_)) => "one held",
            (Ok(_), Err(ReserveError::Contended)) | (Err(ReserveError::Contended), Ok(_)) => "one contended",
            (Err(ReserveError::Contended), Err(ReserveError::Contended)) => "both contended",
            both => panic!("{both:?}"),
        }
    });
}

/// A reader meets a hold's whole life: what it reads as reserved is never below the hold that was there before, nor
/// above all that was ever taken, and every reading is conserved.
#[test]
fn loom_a_reader_never_sees_too_little_reserved() {
    explore(&["at rest", "on the way", "over"], || {
        let (engine, account) = engine(&[("a", None, Overrun::Debt, 6)]);
        let path = engine.path(&[account]).unwrap();
        let _stays = engine.reserve(&path, amount(2)).unwrap();
        let other = in_thread(&engine, move |engine| engine.read(account).unwrap());
        let hold = engine.reserve(&path, amount(3)).unwrap();
        // Two above the hold, and one of them above what is available.
        let _ = engine.commit(hold, amount(5)).unwrap();
        let reading = other.join().unwrap();
        conserved(&reading);
        assert!((2..=7).contains(&reading.reserved_micros), "{reading:?}");
        at_rest(&engine, account, [6, -1, 2, 5, 0]);
        match (reading.reserved_micros, reading.committed_micros) {
            (2, 0) => "at rest",
            (2, 5) => "over",
            _ => "on the way",
        }
    });
}

/// A reader that has seen another's hold open, before it reads and after, sees it reserved.
#[test]
fn loom_a_reader_sees_the_holds_that_it_has_seen() {
    explore(&["small", "extended", "expired"], || {
        let (engine, account) = engine(&[("a", None, Overrun::Deny, 6)]);
        let path = engine.path(&[account]).unwrap();
        let hold = engine.reserve(&path, amount(1)).unwrap();
        let other = in_thread(&engine, move |engine| {
            let open = |reading: Option<HoldReading>| match reading {
                Some(HoldReading { amount, state: HoldState::Open, .. }) => amount.micros(),
                _ => 0,
            };
            (open(engine.hold(hold)), engine.read(account).unwrap(), open(engine.hold(hold)))
        });
        engine.extend(hold, amount(2)).unwrap();
        let _ = engine.expire(hold).unwrap();
        let (before, reading, after) = other.join().unwrap();
        conserved(&reading);
        assert!(reading.reserved_micros >= before.min(after), "{before} {reading:?} {after}");
        at_rest(&engine, account, [6, 6, 0, 0, 0]);
        match before.min(after) {
            0 => "expired",
            1 => "small",
            _ => "extended",
        }
    });
}

/// A handle read while its slot goes on to another hold: it shows its own hold, or none.
#[test]
fn loom_a_handle_never_shows_another_hold() {
    explore(&["its own", "none"], || {
        let (engine, _) = engine(&[("a", None, Overrun::Deny, 9), ("b", None, Overrun::Deny, 9)]);
        let first = engine.path(&[AccountId(0)]).unwrap();
        let second = engine.path(&[AccountId(1)]).unwrap();
        let old = engine.reserve(&first, amount(1)).unwrap();
        let other = in_thread(&engine, move |engine| engine.hold(old));
        let _ = engine.release(old).unwrap();
        let new = engine.reserve(&second, amount(7)).unwrap();
        assert_eq!(engine.hold(new).map(|seen| (seen.amount, seen.path)), Some((amount(7), second)));
        match other.join().unwrap() {
            Some(seen) => {
                assert_eq!((seen.amount, seen.path), (amount(1), first));
                "its own"
            }
            None => "none",
        }
    });
}

/// A settlement above its hold meets a reserve: what was available is given once, and the same is booked everywhere.
#[test]
fn loom_an_overrun_meets_a_reserve() {
    explore(&["all booked", "less booked"], || {
        let (engine, _) =
            engine(&[("parent", None, Overrun::IfAvailable, 3), ("child", Some(0), Overrun::Debt, 5)]);
        let (parent, child) = (AccountId(0), AccountId(1));
        let (above, below) = (engine.path(&[parent]).unwrap(), engine.path(&[child]).unwrap());
        let hold = engine.reserve(&below, amount(1)).unwrap();
        let other = in_thread(&engine, move |engine| engine.reserve(&above, amount(1)));
        let settled = engine.commit(hold, amount(4)).unwrap();
        let taken = i64::from(other.join().unwrap().is_ok());
        let Settlement::Committed { booked_extra, unfunded, .. } = settled else { panic!("{settled:?}") };
        assert_eq!(booked_extra.signed_micros(), 2 - taken);
        assert_eq!(unfunded.signed_micros(), 1 + taken);
        at_rest(&engine, parent, [3, 0, taken, 3 - taken, 1 + taken]);
        at_rest(&engine, child, [5, 2 + taken, 0, 3 - taken, 1 + taken]);
        if taken == 0 { "all booked" } else { "less booked" }
    });
}

/// A grant down meets a reserve: together they take no more than was available.
#[test]
fn loom_a_grant_down_meets_a_reserve() {
    explore(&["granted", "reserved"], || {
        let (engine, account) = engine(&[("a", None, Overrun::Deny, 3)]);
        let path = engine.path(&[account]).unwrap();
        let other = in_thread(&engine, move |engine| engine.grant(account, -2));
        let reserved = engine.reserve(&path, amount(2));
        match (other.join().unwrap(), reserved) {
            (Ok(()), Err(ReserveError::Insufficient { .. })) => {
                at_rest(&engine, account, [1, 1, 0, 0, 0]);
                "granted"
            }
            (Err(GrantError::AboveAvailable { .. }), Ok(_)) => {
                at_rest(&engine, account, [3, 1, 2, 0, 0]);
                "reserved"
            }
            both => panic!("{both:?}"),
        }
    });
}

/// A closing meets a reserve of something: a closed account has no hold.
#[test]
fn loom_a_closing_meets_a_reserve() {
    explore(&["closed", "reserved"], || closing_meets_reserve(1));
}

/// A closing meets a reserve of nothing, which leaves no trace in what is available.
#[test]
fn loom_a_closing_meets_a_reserve_of_nothing() {
    explore(&["closed", "reserved"], || closing_meets_reserve(0));
}

fn closing_meets_reserve(micros: u64) -> &'static str {
    let (engine, account) = engine(&[("a", None, Overrun::Deny, 1)]);
    let path = engine.path(&[account]).unwrap();
    let other = in_thread(&engine, move |engine| engine.reserve(&path, amount(micros)));
    let closed = engine.close_account(account);
    let reserved = other.join().unwrap();
    let held = i64::from(reserved.is_ok()) * micros.cast_signed();
    at_rest(&engine, account, [1, 1 - held, held, 0, 0]);
    match (closed, reserved) {
        (Ok(()), Err(ReserveError::Closed { .. })) => "closed",
        (Ok(()), Err(ReserveError::Contended)) => "contended and closed",
        (Err(AccountError::HoldsOpen { .. }), Ok(_)) => "reserved",
        (Err(AccountError::HoldsOpen { .. }), Err(ReserveError::Contended)) => "contended",
        both => panic!("{both:?}"),
    }
}

/// A slot leaves its free list and comes back while another call looks at the list: it is in one place at a time.
#[test]
fn loom_a_recycled_slot_is_given_once() {
    explore(&["given", "none left"], || {
        let slab = slab_without_free_seats(3);
        let all: Vec<u32> = (0..3).map(|_| slab.claim(0).unwrap().index).collect();
        for &index in &all {
            give_back(&slab, index);
        }
        let other = {
            let slab = slab.clone();
            spawn(move || {
                let top = slab.claim(0).map(|claim| claim.index);
                let below = slab.claim(0).map(|claim| claim.index);
                if let Some(index) = top {
                    give_back(&slab, index);
                }
                below
            })
        };
        let mine = slab.claim(0).map(|claim| claim.index);
        let theirs = other.join().unwrap();
        assert!(mine.is_none() || mine != theirs, "{mine:?} {theirs:?}");
        // What is left is given once too, and nothing is lost.
        let mut given: Vec<u32> = mine.into_iter().chain(theirs).collect();
        while let Some(claim) = slab.claim(0) {
            assert!(!given.contains(&claim.index), "{} {given:?}", claim.index);
            given.push(claim.index);
        }
        assert_eq!(given.len(), 3);
        if mine.is_some() && theirs.is_some() { "given" } else { "none left" }
    });
}

/// Two calls take new slots at once, and there is one: it is given once.
#[test]
fn loom_a_new_slot_is_given_once() {
    explore(&["mine", "theirs"], || {
        let slab = slab_without_free_seats(1);
        let other = {
            let slab = slab.clone();
            spawn(move || slab.claim(1).is_some())
        };
        let mine = slab.claim(0).is_some();
        assert!(mine != other.join().unwrap());
        if mine { "mine" } else { "theirs" }
    });
}

/// Two calls want the only seat, and each gives it back: it belongs to one at a time, and what that one wrote stands
/// until it has given the seat back.
#[test]
fn loom_a_seat_belongs_to_one_call() {
    explore(&["both", "mine", "theirs"], || {
        let slab = Arc::new(Slab::new(2, 1));
        let sit = |slab: &Slab, mark: u64| {
            let Some(claim) = slab.claim(0) else { return false };
            claim.slot.set_amount(amount(mark));
            assert_eq!(claim.slot.amount(), amount(mark));
            assert_eq!(claim.slot.word(), claim.word);
            slab.recycle(claim.index, claim.slot, claim.word, 0);
            true
        };
        let other = {
            let slab = slab.clone();
            spawn(move || sit(&slab, 1))
        };
        let mine = sit(&slab, 2);
        let theirs = other.join().unwrap();
        assert!(slab.claim(0).is_some(), "it was given back");
        match (mine, theirs) {
            (true, true) => "both",
            (true, false) => "mine",
            (false, true) => "theirs",
            (false, false) => panic!("somebody sits"),
        }
    });
}

/// A hold is settled while another call takes its seat for another path: what is booked is the settled hold's own.
#[test]
fn loom_a_seat_changes_hands() {
    explore(&["same seat", "another"], || {
        let (engine, _) = engine(&[("a", None, Overrun::Deny, 9), ("b", None, Overrun::Deny, 9)]);
        let (a, b) = (AccountId(0), AccountId(1));
        let first = engine.path(&[a]).unwrap();
        let both = engine.path(&[a, b]).unwrap();
        let old = engine.reserve(&first, amount(4)).unwrap();
        let other = in_thread(&engine, move |engine| engine.reserve(&both, amount(2)).unwrap());
        let _ = engine.commit(old, amount(3)).unwrap();
        let new = other.join().unwrap();
        at_rest(&engine, a, [9, 4, 2, 3, 0]);
        at_rest(&engine, b, [9, 7, 2, 0, 0]);
        assert!(engine.hold(old).is_none());
        assert_eq!(engine.hold(new).map(|seen| (seen.amount, seen.path)), Some((amount(2), both)));
        if new.slot == old.slot { "same seat" } else { "another" }
    });
}

/// A slab all of whose seats are taken, with that many slots besides.
fn slab_without_free_seats(listed: u32) -> Arc<Slab> {
    let slab = Arc::new(Slab::new(8, 2 + listed));
    assert_eq!([0, 1].map(|start| slab.claim(start).unwrap().index), [0, 1], "the seats");
    slab
}

fn give_back(slab: &Slab, index: u32) {
    let slot = slab.get(index).unwrap();
    slab.recycle(index, slot, slot.word(), 0);
}

/// Runs a model, and checks that it has ended in each of these ways.
fn explore(ends: &[&'static str], model: impl Fn() -> &'static str + Send + Sync + 'static) {
    explore_within(None, ends, model);
}

/// As `explore`, with at most that many preemptions.
fn explore_within(
    preemptions: Option<usize>,
    ends: &[&'static str],
    model: impl Fn() -> &'static str + Send + Sync + 'static,
) {
    let seen = PlainArc::new(PlainMutex::new(BTreeSet::new()));
    let ended = seen.clone();
    let mut builder = Builder::new();
    builder.preemption_bound = preemptions;
    builder.check(move || {
        let end = model();
        ended.lock().unwrap().insert(end);
    });
    let seen = seen.lock().unwrap();
    let missing: Vec<_> = ends.iter().filter(|&end| !seen.contains(end)).collect();
    assert!(missing.is_empty(), "never ended as {missing:?}, but as {seen:?}");
}

/// An engine with these accounts (name, parent's place, overrun, grant), and the first of them.
fn engine(accounts: &[(&str, Option<u32>, Overrun, i64)]) -> (Arc<Engine>, AccountId) {
    let engine =
        Engine::new(EngineOptions { accounts_reserved: 2, holds_reserved: 2, accounts_max: 2, holds_max: 2 });
    for &(name, parent, overrun, grant) in accounts {
        let terms = AccountTerms { name: Name::new(name).unwrap(), parent: parent.map(AccountId), overrun };
        let account = engine.ensure_account(&terms).unwrap();
        engine.grant(account, grant).unwrap();
    }
    (Arc::new(engine), AccountId(0))
}

fn in_thread<T: 'static>(engine: &Arc<Engine>, work: impl FnOnce(&Engine) -> T + 'static) -> JoinHandle<T> {
    let engine = engine.clone();
    spawn(move || work(&engine))
}

fn amount(micros: u64) -> Amount {
    Amount::new(micros).unwrap()
}

/// Granted, available, reserved, committed and unfunded are these, when nobody works.
fn at_rest(engine: &Engine, account: AccountId, expected: [i64; 5]) {
    let reading = engine.read(account).unwrap();
    conserved(&reading);
    let seen = [
        i128::from(reading.granted.micros()),
        i128::from(reading.available_micros),
        i128::from(reading.reserved_micros),
        i128::from(reading.committed_micros),
        i128::from(reading.unfunded_micros),
    ];
    assert_eq!(seen, expected.map(i128::from));
}

fn conserved(reading: &AccountReading) {
    let sum = i128::from(reading.available_micros)
        + i128::from(reading.reserved_micros)
        + i128::from(reading.committed_micros)
        + i128::from(reading.lapsed_micros);
    assert_eq!(i128::from(reading.granted.micros()), sum, "{reading:?}");
}
