//! The end of a hold, whatever it meets. CONCURRENCY B2, B4, B8.

use super::*;

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
