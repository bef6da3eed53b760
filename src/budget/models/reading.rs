//! What readers see of holds and accounts while others work. CONCURRENCY B4.4, B6, B8.

use super::*;

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
