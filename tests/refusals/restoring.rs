//! What an engine does not bring back.

use assize::{
    budget::{
        AccountState, AccountTerms, CellCounters, Engine, EngineOptions, HoldState, RestoreError,
        RestoredLimit,
    },
    caps::{Caps, CapsDraft},
    id::{AccountId, Name},
    num::{Amount, Timestamp},
    overrun::Overrun::Deny,
    retry::Retry::Never,
    window::Window,
};

use crate::told::{Caused, Row, for_good};

pub(crate) const ROWS: &[Row] = &[
    ("a name twice", "RestoreError::Repeated", 170, "–", None, a_name_twice),
    ("more booked than granted", "RestoreError::Counters", 171, "–", None, more_booked),
    ("closed with money held", "RestoreError::ClosedHolds", 172, "–", None, closed_with_money),
    ("a hold without cells", "RestoreError::Path", 173, "–", None, no_cells),
    ("a hold above what is reserved", "RestoreError::AboveReserved", 174, "–", None, above_reserved),
    ("money that no hold holds", "RestoreError::Unclaimed", 175, "–", None, unclaimed),
    ("a hold too many", "RestoreError::HoldsFull", 176, "–", None, a_hold_too_many),
    ("limits of nobody", "RestoreError::Limits", 177, "–", None, no_limits),
    ("left of what has ended", "RestoreError::Window", 178, "–", None, left_of_what_ended),
    ("granted above the allowance", "RestoreError::Window", 178, "–", None, above_the_allowance),
    ("below nobody", "AccountError::Unknown", 112, "–", Some(Never), below_nobody),
];

const A: AccountId = AccountId(0);

fn counters(granted: u64, available_micros: i64) -> CellCounters {
    CellCounters { granted_micros: granted.try_into().unwrap(), available_micros, ..CellCounters::default() }
}

fn restore(
    engine: &Engine,
    text: &str,
    parent: Option<AccountId>,
    counters: &CellCounters,
    state: AccountState,
) -> Result<AccountId, RestoreError> {
    let terms = AccountTerms { name: Name::new(text).unwrap(), parent, overrun: Deny, caps: Caps::default() };
    engine.restore_account(&terms, &[RestoredLimit::lifetime(*counters)], state)
}

/// With the account `a`, granted 10 µ of which 4 are reserved; one hold may be open.
fn engine() -> Engine {
    let engine = Engine::new(EngineOptions { holds_max: 1, ..EngineOptions::default() });
    assert_eq!(restore(&engine, "a", None, &counters(10, 6), AccountState::Open), Ok(A));
    engine
}

fn a_name_twice() -> Caused {
    let engine = engine();
    for_good(|| restore(&engine, "a", None, &counters(0, 0), AccountState::Open))
}

/// A limit of 5 µ a window, one of which has ended, restored with these counters.
fn windows(ended: CellCounters, current: CellCounters) -> Caused {
    let engine = engine();
    let window = Window::Given;
    let caps = Caps::new(CapsDraft { windows: vec![window], ..CapsDraft::default() }).unwrap();
    let terms = AccountTerms { caps, ..AccountTerms::new(Name::new("b").unwrap()) };
    let [ended, current] = [(0, ended), (1, current)].map(|(at, of)| (window.span(Timestamp(at)), of));
    let limit = RestoredLimit { window, allowance: Amount::new(5).unwrap(), ended: vec![ended], current };
    for_good(|| engine.restore_account(&terms, std::slice::from_ref(&limit), AccountState::Open))
}

fn left_of_what_ended() -> Caused {
    windows(counters(5, 1), counters(5, 5))
}

fn above_the_allowance() -> Caused {
    windows(counters(5, -1), counters(6, 6))
}

fn no_limits() -> Caused {
    let engine = engine();
    let terms = AccountTerms::new(Name::new("b").unwrap());
    for_good(|| engine.restore_account(&terms, &[], AccountState::Open))
}

fn more_booked() -> Caused {
    let engine = engine();
    for_good(|| restore(&engine, "b", None, &counters(10, 11), AccountState::Open))
}

fn closed_with_money() -> Caused {
    let engine = engine();
    for_good(|| restore(&engine, "b", None, &counters(10, 9), AccountState::Closed))
}

fn no_cells() -> Caused {
    let engine = engine();
    for_good(|| engine.restore_hold(&[], Amount::ZERO, HoldState::Open))
}

fn above_reserved() -> Caused {
    let engine = engine();
    for_good(|| engine.restore_hold(&[A.into()], Amount::new(5).unwrap(), HoldState::Open))
}

fn unclaimed() -> Caused {
    let engine = engine();
    for_good(|| engine.finish_restore())
}

fn a_hold_too_many() -> Caused {
    let engine = engine();
    assert!(engine.restore_hold(&[A.into()], Amount::ZERO, HoldState::Open).is_ok());
    for_good(|| engine.restore_hold(&[A.into()], Amount::ZERO, HoldState::Open))
}

fn below_nobody() -> Caused {
    let engine = engine();
    for_good(|| restore(&engine, "b", Some(AccountId(9)), &counters(0, 0), AccountState::Open))
}
