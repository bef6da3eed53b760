//! Windows that end while others work. CONCURRENCY B9.

use super::*;
use crate::caps::{Caps, CapsDraft};
use crate::num::Timestamp;
use crate::window::Window;

/// An engine with an account whose windows end when it is said, and one for life; each is granted so much.
fn engine_with_window(given: i64, lifetime: i64) -> Arc<Engine> {
    engine_with(Overrun::Deny, given, lifetime)
}

fn engine_with(overrun: Overrun, given: i64, lifetime: i64) -> Arc<Engine> {
    let engine =
        Engine::new(EngineOptions { accounts_reserved: 4, holds_reserved: 2, accounts_max: 2, holds_max: 2 });
    for (name, window, grant) in [("a", Window::Given, given), ("b", Window::Lifetime, lifetime)] {
        let caps = Caps::new(CapsDraft { windows: vec![window], ..CapsDraft::default() }).unwrap();
        let terms = AccountTerms { caps, overrun, ..AccountTerms::new(Name::new(name).unwrap()) };
        let account = engine.ensure_account(&terms).unwrap();
        engine.grant(account, grant).unwrap();
    }
    Arc::new(engine)
}

const A: AccountId = AccountId(0);
const B: AccountId = AccountId(1);

/// Granted, available (where it has ended, what it owes, below 0), reserved, committed and lapsed of the first window's
/// cell, which account 0 opened with.
fn first_window(engine: &Engine) -> [i64; 5] {
    let registry = engine.registry();
    let cell = engine.cells.get(0).unwrap();
    let mut counters = cell.counters();
    if cell.kind().unwrap().ended {
        counters.available_micros = -registry.windows[&A.into()].owed(0).signed_micros();
    }
    let signed = |micros: u64| i64::try_from(micros).unwrap();
    [
        counters.granted_micros,
        counters.available_micros,
        signed(counters.reserved_micros().unwrap()),
        signed(counters.committed_micros),
        signed(counters.lapsed_micros),
    ]
}

/// A take from a window, or its end, comes first: what was taken is the ended window's, and only the rest lapses.
#[test]
fn loom_a_window_ends_as_a_hold_is_taken() {
    explore(&["taken", "too late"], || {
        let engine = engine_with_window(3, 0);
        let path = engine.path(&[A]).unwrap();
        let other = in_thread(&engine, move |engine| engine.reserve(&path, amount(2)));
        engine.end_window(A, Timestamp(1)).unwrap();
        let taken = other.join().unwrap();
        at_rest(&engine, A, [3, 3, 0, 0, 0]);
        match taken {
            Ok(hold) => {
                assert_eq!(first_window(&engine), [3, 0, 2, 0, 1]);
                let _ = engine.release(hold).unwrap();
                assert_eq!(first_window(&engine), [3, 0, 0, 0, 3]);
                "taken"
            }
            Err(error) => {
                assert_eq!(error, ReserveError::WindowEnded { account: A });
                assert_eq!(first_window(&engine), [3, 0, 0, 0, 3]);
                "too late"
            }
        }
    });
}

/// The rest of a hold comes back to the window, and lapses with it, or to the ended one, and lapses there.
#[test]
fn loom_a_window_ends_as_a_hold_is_committed() {
    explore(&["committed"], || {
        let engine = engine_with_window(3, 0);
        let hold = engine.reserve(&engine.path(&[A]).unwrap(), amount(2)).unwrap();
        let other = in_thread(&engine, move |engine| engine.commit(hold, amount(1)).unwrap().booked_micros());
        engine.end_window(A, Timestamp(1)).unwrap();
        assert_eq!(other.join().unwrap(), 1);
        at_rest(&engine, A, [3, 3, 0, 0, 0]);
        assert_eq!(first_window(&engine), [3, 0, 0, 1, 2]);
        "committed"
    });
}

/// What a denied attempt had taken of a window comes back and lapses, whichever is first.
#[test]
fn loom_a_window_ends_as_an_attempt_is_undone() {
    explore(&["too little", "too late"], || {
        let engine = engine_with_window(3, 1);
        let path = engine.path(&[A, B]).unwrap();
        let other = in_thread(&engine, move |engine| engine.reserve(&path, amount(2)).unwrap_err());
        engine.end_window(A, Timestamp(1)).unwrap();
        let denied = other.join().unwrap();
        at_rest(&engine, A, [3, 3, 0, 0, 0]);
        at_rest(&engine, B, [1, 1, 0, 0, 0]);
        assert_eq!(first_window(&engine), [3, 0, 0, 0, 3]);
        match denied {
            ReserveError::Insufficient { binding, .. } if binding.account == B => "too little",
            ReserveError::WindowEnded { account: A } => "too late",
            other => panic!("{other:?}"),
        }
    });
}

/// Who makes a path while a window ends takes of the one or of the other, or is told to look again: since both have
/// enough, never that there is too little.
#[test]
fn loom_a_window_begins_as_a_path_is_made() {
    explore(&["the first", "the second", "again"], || {
        let engine = engine_with_window(3, 0);
        let other = in_thread(&engine, move |engine| engine.reserve(&engine.path(&[A]).unwrap(), amount(3)));
        engine.end_window(A, Timestamp(1)).unwrap();
        match other.join().unwrap() {
            Ok(_) if first_window(&engine)[2] == 3 => {
                at_rest(&engine, A, [3, 3, 0, 0, 0]);
                "the first"
            }
            Ok(_) => {
                at_rest(&engine, A, [3, 0, 3, 0, 0]);
                "the second"
            }
            Err(ReserveError::WindowEnded { .. } | ReserveError::Contended) => "again",
            Err(other) => panic!("{other:?}"),
        }
    });
}

/// A window's cell is used again only once no hold names it: what the hold gives back is not the later window's.
#[test]
fn loom_a_hold_ends_as_its_windows_cell_would_be_used_again() {
    explore(&["used again", "kept"], || {
        let engine = engine_with_window(3, 0);
        let hold = engine.reserve(&engine.path(&[A]).unwrap(), amount(2)).unwrap();
        engine.end_window(A, Timestamp(1)).unwrap();
        let other = in_thread(&engine, move |engine| engine.release(hold).unwrap());
        engine.end_window(A, Timestamp(2)).unwrap();
        let _ = other.join().unwrap();
        at_rest(&engine, A, [3, 3, 0, 0, 0]);
        if engine.entry(A).unwrap().first() == 0 {
            "used again"
        } else {
            assert_eq!(first_window(&engine), [3, 0, 0, 0, 3]);
            "kept"
        }
    });
}

/// A hold of an ended window takes more from the current one, which another takes from as well: both, or the one that
/// comes second finds too little.
#[test]
fn loom_an_ended_window_borrows_as_another_takes() {
    explore(&["lent", "too little"], || {
        let engine = engine_with_window(3, 0);
        let hold = engine.reserve(&engine.path(&[A]).unwrap(), amount(1)).unwrap();
        engine.end_window(A, Timestamp(1)).unwrap();
        let path = engine.path(&[A]).unwrap();
        let other = in_thread(&engine, move |engine| engine.reserve(&path, amount(2)).is_ok());
        let extended = engine.extend(hold, amount(2));
        let taken = other.join().unwrap();
        match (extended, taken) {
            (Ok(()), false) => {
                assert_eq!(first_window(&engine), [3, -2, 3, 0, 2]);
                at_rest(&engine, A, [1, 1, 0, 0, 0]);
                "lent"
            }
            (Err(_), true) => {
                assert_eq!(first_window(&engine), [3, 0, 1, 0, 2]);
                at_rest(&engine, A, [3, 1, 2, 0, 0]);
                "too little"
            }
            other => panic!("{other:?}"),
        }
    });
}

/// An account closes before its window ends, or after: no closed word is taken for a debt.
#[test]
fn loom_a_window_ends_as_its_account_closes() {
    explore(&["ended, then closed", "closed"], || {
        let engine = engine_with_window(3, 0);
        let other = in_thread(&engine, |engine| engine.close_account(A));
        let ended = engine.end_window(A, Timestamp(1));
        assert_eq!(other.join().unwrap(), Ok(()));
        assert_eq!(engine.read(A).unwrap().state, AccountState::Closed);
        at_rest(&engine, A, [3, 3, 0, 0, 0]);
        match ended {
            Ok(()) => {
                assert_eq!(first_window(&engine), [3, 0, 0, 0, 3]);
                "ended, then closed"
            }
            Err(error) => {
                assert_eq!(error, AccountError::Closed { account: A });
                assert_eq!(first_window(&engine), [3, 3, 0, 0, 0]);
                "closed"
            }
        }
    });
}

/// What comes back makes the debt smaller before it is carried over, or makes up for what was carried over: the next
/// window begins with all of its allowance, or is given it.
#[test]
fn loom_a_hold_ends_as_a_debt_is_carried_over() {
    explore(&["released"], || {
        let engine = engine_with(Overrun::Debt, 3, 0);
        let path = engine.path(&[A]).unwrap();
        let [hold, spent] = [2, 0].map(|held| engine.reserve(&path, amount(held)).unwrap());
        assert_eq!(engine.commit(spent, amount(2)).unwrap().booked_micros(), 2);
        let other = in_thread(&engine, move |engine| engine.release(hold).unwrap());
        engine.end_window(A, Timestamp(1)).unwrap();
        let _ = other.join().unwrap();
        at_rest(&engine, A, [3, 3, 0, 0, 0]);
        assert_eq!(first_window(&engine), [3, 0, 0, 2, 1]);
        "released"
    });
}

/// What was lent comes back to the window that lent it, unless that has ended meanwhile and there is another.
#[test]
fn loom_a_loan_comes_back_as_the_window_ends_that_gave_it() {
    explore(&["given back", "of no use to the next"], || {
        let engine = engine_with_window(3, 0);
        let hold = engine.reserve(&engine.path(&[A]).unwrap(), amount(1)).unwrap();
        engine.end_window(A, Timestamp(1)).unwrap();
        engine.extend(hold, amount(2)).unwrap();
        at_rest(&engine, A, [1, 1, 0, 0, 0]);
        let lender = engine.entry(A).unwrap().first();
        let other = in_thread(&engine, move |engine| engine.release(hold).unwrap());
        engine.end_window(A, Timestamp(2)).unwrap();
        let _ = other.join().unwrap();
        at_rest(&engine, A, [3, 3, 0, 0, 0]);
        if engine.entry(A).unwrap().first() != 0 {
            assert_eq!(first_window(&engine), [3, 0, 0, 0, 3]);
        }
        // Nothing was taken of the window that lent: what it was granted has lapsed.
        let lender = engine.cells.get(lender).unwrap().counters();
        match (lender.granted_micros, lender.lapsed_micros) {
            (3, 3) => "given back",
            (1, 1) => "of no use to the next",
            other => panic!("{other:?}"),
        }
    });
}
