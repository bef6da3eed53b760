//! Taking money: at one cell, on paths, beside grants and closings. CONCURRENCY B1 to B3, B7.

use super::*;

/// Two reserves on one cell that has enough for one: never both, and a denial is true.
#[test]
fn loom_two_reserves_on_one_cell_never_overspend() {
    explore(&["mine", "theirs"], || {
        let (engine, account) = engine(&[("a", None, Overrun::Deny, 3)]);
        let path = engine.path(&[account]).unwrap();
        let other = in_thread(&engine, move |engine| engine.reserve(&path, amount(2)));
        let outcomes = [engine.reserve(&path, amount(2)), other.join().unwrap()];
        let denied = Err(ReserveError::Insufficient { binding: account.into(), available_micros: 1 });
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
        let short = Err(ReserveError::Insufficient { binding: parent.into(), available_micros: 0 });
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
