//! What the budget engine turns away by itself, without a log.

use assize::{
    budget::{AccountTerms, AdjustError, Engine, EngineOptions, Path},
    caps::{Caps, CapsDraft},
    id::{AccountId, Name},
    num::{Amount, Timestamp},
    overrun::Overrun::{Debt, Deny},
    retry::Retry::{Later, Never},
    window::Window,
};

use crate::told::{Caused, Row, for_good, twice};

pub(crate) const ROWS: &[Row] = &[
    ("no account", "PathError::Empty", 100, "–", Some(Never), no_account),
    ("five accounts", "PathError::TooManyAccounts", 101, "–", Some(Never), five_accounts),
    ("one account twice", "PathError::Repeated", 102, "–", Some(Never), one_twice),
    ("nobody's account", "PathError::Unknown", 103, "–", Some(Never), nobodys),
    ("a closed account", "PathError::Closed", 104, "–", Some(Never), a_closed_one),
    ("32 cells", "PathError::TooManyCells", 105, "–", Some(Never), too_many_cells),
    ("what another's path can pay", "PathError::Foreign", 106, "–", Some(Never), anothers_path),
    ("what a window that was can pay", "PathError::WindowEnded", 107, "–", Some(Never), paid_by_what_was),
    ("a correction at a closed account", "PathError::Closed", 104, "–", Some(Never), adjusted_when_closed),
    ("other terms", "AccountError::TermsDiffer", 110, "–", Some(Never), other_terms),
    ("opened when closed", "AccountError::Closed", 111, "–", Some(Never), opened_when_closed),
    ("nobody's account closed", "AccountError::Unknown", 112, "–", Some(Never), nobodys_closed),
    ("a ninth level", "AccountError::TooDeep", 113, "–", Some(Never), a_ninth_level),
    ("one account more", "AccountError::AccountsFull", 114, "–", Some(Never), one_account_more),
    ("closed with a hold", "AccountError::HoldsOpen", 115, "–", Some(Later), closed_with_a_hold),
    ("closed with a child", "AccountError::ChildrenOpen", 116, "–", Some(Later), closed_with_a_child),
    ("a fourth limit's window", "AccountError::Limit", 117, "–", Some(Never), a_fourth_limit),
    ("a lifetime ended", "AccountError::NotGiven", 118, "–", Some(Never), a_lifetime_ended),
    ("below the same parent", "AccountError::SameParent", 119, "–", Some(Never), below_the_same),
    ("below itself", "AccountError::BelowItself", 126, "–", Some(Never), below_itself),
    ("seventeen stripes", "AccountError::Stripes", 127, "–", Some(Never), seventeen_stripes),
    ("ended at the last instant", "AccountError::LastInstant", 128, "–", Some(Never), ended_at_the_last),
    ("granted to a fourth limit", "GrantError::Limit", 125, "–", Some(Never), granted_to_a_fourth),
    ("a window that was", "ReserveError::WindowEnded", 135, "–", Some(Never), a_window_that_was),
    ("granted to nobody", "GrantError::Unknown", 120, "–", Some(Never), granted_to_nobody),
    ("granted when closed", "GrantError::Closed", 121, "–", Some(Never), granted_when_closed),
    ("granted more than all", "GrantError::AboveMaximum", 122, "–", Some(Later), granted_above_all),
    ("more taken back than is", "GrantError::AboveAvailable", 123, "–", Some(Later), taken_back),
    ("more than there is", "ReserveError::Insufficient", 130, "–", Some(Later), more_than_there_is),
    ("held when closed", "ReserveError::Closed", 131, "–", Some(Never), held_when_closed),
    ("one hold more", "ReserveError::HoldsFull", 133, "–", Some(Later), one_hold_more),
    ("held on another's path", "ReserveError::ForeignPath", 134, "–", Some(Never), held_on_anothers_path),
    ("extended by more than is", "ExtendError::Insufficient", 140, "–", Some(Later), extended_by_more),
    ("extended above all", "ExtendError::AboveMaximum", 141, "–", Some(Never), extended_above_all),
    ("extended when expired", "ExtendError::Expired", 142, "–", Some(Never), extended_when_expired),
    ("extended when ended", "ExtendError::AlreadySettled", 143, "–", Some(Never), extended_when_ended),
    ("committed twice", "SettleError::AlreadySettled", 150, "–", Some(Never), committed_twice),
    ("expired twice", "SettleError::AlreadyExpired", 151, "–", Some(Never), expired_twice),
    ("forgotten when open", "SettleError::StillOpen", 152, "–", Some(Later), forgotten_when_open),
    ("more given back than booked", "AdjustError::AboveCommitted", 160, "–", Some(Never), given_back),
];

const A: AccountId = AccountId(0);
const NOBODY: AccountId = AccountId(99);

fn amount(micros: u64) -> Amount {
    Amount::new(micros).unwrap()
}

fn terms(text: &str, parent: Option<AccountId>) -> AccountTerms {
    AccountTerms { name: Name::new(text).unwrap(), parent, overrun: Deny, caps: Caps::default() }
}

/// With the account `a`, granted 10 µ.
fn engine() -> Engine {
    engine_of(EngineOptions::default())
}

fn engine_of(options: EngineOptions) -> Engine {
    let engine = Engine::new(options);
    assert_eq!(engine.ensure_account(&terms("a", None)), Ok(A));
    engine.grant(A, 10).unwrap();
    engine
}

fn closed() -> Engine {
    let engine = engine();
    engine.close_account(A).unwrap();
    engine
}

fn a_fourth_limit() -> Caused {
    let engine = engine();
    for_good(|| engine.end_window(A.limit(3), Timestamp(1)))
}

fn a_lifetime_ended() -> Caused {
    let engine = engine();
    for_good(|| engine.end_window(A, Timestamp(1)))
}

/// With an account whose windows end when it is said.
fn given() -> (Engine, AccountId) {
    let engine = engine();
    let caps = Caps::new(CapsDraft { windows: vec![Window::Given], ..CapsDraft::default() }).unwrap();
    let terms = AccountTerms { caps, ..AccountTerms::new(Name::new("given").unwrap()) };
    let account = engine.ensure_account(&terms).unwrap();
    (engine, account)
}

fn ended_at_the_last() -> Caused {
    let (engine, account) = given();
    engine.end_window(account, Timestamp(i64::MAX)).unwrap();
    for_good(|| engine.end_window(account, Timestamp(i64::MAX)))
}

fn below_the_same() -> Caused {
    let engine = engine();
    for_good(|| engine.reparent(A, None))
}

fn below_itself() -> Caused {
    let engine = engine();
    for_good(|| engine.reparent(A, Some(A)))
}

fn seventeen_stripes() -> Caused {
    let mut engine = engine();
    for_good(|| engine.stripe(A, 17))
}

fn granted_to_a_fourth() -> Caused {
    let engine = engine();
    for_good(|| engine.grant(A.limit(3), 1))
}

/// With a path whose window has ended.
fn past() -> (Engine, Path) {
    let (engine, account) = given();
    let path = engine.path(&[account]).unwrap();
    engine.end_window(account, Timestamp(1)).unwrap();
    (engine, path)
}

fn paid_by_what_was() -> Caused {
    let (engine, path) = past();
    for_good(|| engine.payable(&path))
}

fn a_window_that_was() -> Caused {
    let (engine, path) = past();
    for_good(|| engine.reserve(&path, Amount::ZERO))
}

fn path(engine: &Engine) -> Path {
    engine.path(&[A]).unwrap()
}

/// Of an engine with more accounts.
fn foreign() -> Path {
    let engine = engine();
    let other = engine.ensure_account(&terms("b", None)).unwrap();
    engine.path(&[other]).unwrap()
}

/// So many accounts, each below the one before.
fn chain(engine: &Engine, text: &str, levels: usize) -> AccountId {
    let mut deepest = None;
    for level in 0..levels {
        deepest = Some(engine.ensure_account(&terms(&format!("{text} {level}"), deepest)).unwrap());
    }
    deepest.unwrap()
}

fn no_account() -> Caused {
    for_good(|| engine().path(&[]))
}

fn five_accounts() -> Caused {
    for_good(|| engine().path(&[A; 5]))
}

fn one_twice() -> Caused {
    for_good(|| engine().path(&[A, A]))
}

fn nobodys() -> Caused {
    for_good(|| engine().path(&[NOBODY]))
}

fn a_closed_one() -> Caused {
    let engine = closed();
    for_good(|| engine.path(&[A]))
}

fn too_many_cells() -> Caused {
    let engine = engine();
    let deepest = ["b", "c", "d", "e"].map(|text| chain(&engine, text, 8));
    for_good(|| engine.path(&deepest))
}

fn anothers_path() -> Caused {
    let (engine, path) = (engine(), foreign());
    for_good(|| engine.payable(&path))
}

fn adjusted_when_closed() -> Caused {
    let engine = engine();
    let path = path(&engine);
    engine.close_account(A).unwrap();
    for_good(|| -> Result<_, AdjustError> { engine.adjust(&path, 1) })
}

fn other_terms() -> Caused {
    let engine = engine();
    for_good(|| engine.ensure_account(&AccountTerms { overrun: Debt, ..terms("a", None) }))
}

fn opened_when_closed() -> Caused {
    let engine = closed();
    for_good(|| engine.ensure_account(&terms("a", None)))
}

fn nobodys_closed() -> Caused {
    for_good(|| engine().close_account(NOBODY))
}

fn a_ninth_level() -> Caused {
    let engine = engine();
    let deepest = chain(&engine, "b", 8);
    for_good(|| engine.ensure_account(&terms("below", Some(deepest))))
}

fn one_account_more() -> Caused {
    let engine = engine_of(EngineOptions { accounts_max: 1, ..EngineOptions::default() });
    for_good(|| engine.ensure_account(&terms("b", None)))
}

fn closed_with_a_hold() -> Caused {
    let engine = engine();
    let hold = engine.reserve(&path(&engine), amount(4)).unwrap();
    twice(|| engine.close_account(A), || assert!(engine.release(hold).is_ok()))
}

fn closed_with_a_child() -> Caused {
    let engine = engine();
    let child = engine.ensure_account(&terms("b", Some(A))).unwrap();
    twice(|| engine.close_account(A), || assert_eq!(engine.close_account(child), Ok(())))
}

fn granted_to_nobody() -> Caused {
    for_good(|| engine().grant(NOBODY, 1))
}

fn granted_when_closed() -> Caused {
    let engine = closed();
    for_good(|| engine.grant(A, 1))
}

fn granted_above_all() -> Caused {
    let engine = engine();
    twice(|| engine.grant(A, i64::MAX), || assert_eq!(engine.grant(A, -10), Ok(())))
}

fn taken_back() -> Caused {
    let engine = engine();
    let hold = engine.reserve(&path(&engine), amount(4)).unwrap();
    twice(|| engine.grant(A, -7), || assert!(engine.release(hold).is_ok()))
}

fn more_than_there_is() -> Caused {
    let engine = engine();
    let path = path(&engine);
    let hold = engine.reserve(&path, amount(4)).unwrap();
    twice(|| engine.reserve(&path, amount(7)), || assert!(engine.release(hold).is_ok()))
}

fn held_when_closed() -> Caused {
    let engine = engine();
    let path = path(&engine);
    engine.close_account(A).unwrap();
    for_good(|| engine.reserve(&path, Amount::ZERO))
}

fn one_hold_more() -> Caused {
    let engine = engine_of(EngineOptions { holds_max: 1, ..EngineOptions::default() });
    let path = path(&engine);
    let hold = engine.reserve(&path, amount(1)).unwrap();
    twice(|| engine.reserve(&path, amount(1)), || assert!(engine.commit(hold, amount(1)).is_ok()))
}

fn held_on_anothers_path() -> Caused {
    let (engine, path) = (engine(), foreign());
    for_good(|| engine.reserve(&path, amount(1)))
}

fn extended_by_more() -> Caused {
    let engine = engine();
    let hold = engine.reserve(&path(&engine), amount(4)).unwrap();
    twice(|| engine.extend(hold, amount(7)), || assert_eq!(engine.grant(A, 1), Ok(())))
}

fn extended_above_all() -> Caused {
    let engine = engine();
    let hold = engine.reserve(&path(&engine), amount(4)).unwrap();
    for_good(|| engine.extend(hold, Amount::MAX))
}

fn extended_when_expired() -> Caused {
    let engine = engine();
    let hold = engine.reserve(&path(&engine), amount(4)).unwrap();
    assert_eq!(engine.expire(hold), Ok(amount(4)));
    for_good(|| engine.extend(hold, amount(1)))
}

fn extended_when_ended() -> Caused {
    let engine = engine();
    let hold = engine.reserve(&path(&engine), amount(4)).unwrap();
    assert!(engine.release(hold).is_ok());
    for_good(|| engine.extend(hold, amount(1)))
}

fn committed_twice() -> Caused {
    let engine = engine();
    let hold = engine.reserve(&path(&engine), amount(4)).unwrap();
    assert!(engine.commit(hold, amount(4)).is_ok());
    for_good(|| engine.commit(hold, amount(4)))
}

fn expired_twice() -> Caused {
    let engine = engine();
    let hold = engine.reserve(&path(&engine), amount(4)).unwrap();
    assert_eq!(engine.expire(hold), Ok(amount(4)));
    for_good(|| engine.expire(hold))
}

fn forgotten_when_open() -> Caused {
    let engine = engine();
    let hold = engine.reserve(&path(&engine), amount(4)).unwrap();
    twice(|| engine.forget(hold), || assert_eq!(engine.expire(hold), Ok(amount(4))))
}

fn given_back() -> Caused {
    let engine = engine();
    let path = path(&engine);
    let hold = engine.reserve(&path, amount(4)).unwrap();
    assert!(engine.commit(hold, amount(4)).is_ok());
    for_good(|| engine.adjust(&path, -5))
}
