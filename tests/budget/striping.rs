//! Accounts in stripes.

use assize::budget::{AccountError, AccountTerms, Engine, ReserveError};
use assize::caps::{Binding, Caps, CapsDraft};
use assize::id::{AccountId, Name};
use assize::overrun::Overrun::{Debt, Deny, IfAvailable};
use assize::window::Window;

use super::{MAX, amount, engine, read};

const A: AccountId = AccountId(0);

/// Account 0 in four stripes, granted 100; account 1 below it, granted 50.
fn striped() -> Engine {
    let mut engine = engine(&[(None, IfAvailable, 100), (Some(0), Debt, 50)]);
    engine.stripe(A, 4).unwrap();
    engine
}

#[test]
fn each_stripe_can_have_all_there_is() {
    let engine = striped();
    for stripe in [3, 0, 1, 2, 7, usize::MAX] {
        let path = engine.path_on_stripe(&[A], stripe).unwrap();
        assert_eq!(engine.payable(&path).unwrap().available_micros, 100, "{stripe}");
        let hold = engine.reserve(&path, amount(100)).unwrap();
        assert_eq!(read(&engine, 0), [100, 0, 100, 0, 0], "{stripe}");
        engine.release(hold).unwrap();
    }
}

#[test]
fn a_denial_tells_what_all_stripes_have() {
    let engine = striped();
    let mut holds = Vec::new();
    for stripe in 0..4 {
        let path = engine.path_on_stripe(&[A], stripe).unwrap();
        holds.push(engine.reserve(&path, amount(20)).unwrap());
    }
    let path = engine.path_on_stripe(&[AccountId(1)], 2).unwrap();
    let short = ReserveError::Insufficient { binding: Binding::from(A), available_micros: 20 };
    assert_eq!(engine.reserve(&path, amount(21)), Err(short));
    let rest = engine.reserve(&path, amount(20)).unwrap();
    // An extra of a hold that has its money in one stripe is paid by all.
    engine.release(holds.pop().unwrap()).unwrap();
    assert_eq!(engine.commit(rest, amount(45)).unwrap().unfunded(), amount(5));
    assert_eq!(read(&engine, 0), [100, 0, 60, 40, 5]);
    assert_eq!(read(&engine, 1), [50, 10, 0, 40, 5]);
}

#[test]
fn what_one_stripe_booked_can_be_given_back_at_another() {
    let engine = striped();
    for stripe in 0..4 {
        let path = engine.path_on_stripe(&[A], stripe).unwrap();
        let hold = engine.reserve(&path, amount(10)).unwrap();
        let _committed = engine.commit(hold, amount(10)).unwrap();
    }
    let path = engine.path_on_stripe(&[A], 1).unwrap();
    assert_eq!(engine.adjust(&path, -35).unwrap().refunded, amount(35));
    assert_eq!(read(&engine, 0), [100, 95, 0, 5, 0]);
    assert!(engine.adjust(&path, -6).is_err());
    engine.grant(A, -95).unwrap();
    assert_eq!(read(&engine, 0), [5, 0, 0, 5, 0]);
}

#[test]
fn an_account_closes_with_all_its_stripes() {
    let mut engine = engine(&[(None, Deny, 10), (None, Deny, 10)]);
    let before = engine.path(&[A]).unwrap();
    engine.stripe(A, 16).unwrap();
    // A path that was made before is on the first stripe.
    let hold = engine.reserve(&before, amount(0)).unwrap();
    assert!(matches!(engine.close_account(A), Err(AccountError::HoldsOpen { reserved_micros: 0, .. })));
    engine.release(hold).unwrap();
    let last = engine.path_on_stripe(&[A], 15).unwrap();
    let hold = engine.reserve(&last, amount(3)).unwrap();
    assert!(matches!(engine.close_account(A), Err(AccountError::HoldsOpen { reserved_micros: 3, .. })));
    let _committed = engine.commit(hold, amount(3)).unwrap();
    engine.close_account(A).unwrap();
    assert_eq!(read(&engine, 0), [10, 7, 0, 3, 0]);
    for path in [before, last] {
        assert_eq!(engine.reserve(&path, amount(0)), Err(ReserveError::Closed { account: A }));
    }
}

#[test]
fn what_is_granted_to_all_stripes_has_the_bound_of_one() {
    let mut engine = engine(&[(None, IfAvailable, MAX)]);
    engine.stripe(A, 2).unwrap();
    let path = engine.path_on_stripe(&[A], 1).unwrap();
    let hold = engine.reserve(&path, amount(MAX)).unwrap();
    assert!(engine.grant(A, 1).is_err());
    let _committed = engine.commit(hold, amount(MAX)).unwrap();
    assert_eq!(engine.adjust(&engine.path(&[A]).unwrap(), -MAX).unwrap().refunded, amount(MAX));
    assert_eq!(read(&engine, 0), [MAX.into(), MAX.into(), 0, 0, 0]);
}

#[test]
fn not_every_account_can_be_striped() {
    let mut engine = engine(&[(None, Deny, 0), (None, Debt, 0), (None, Deny, 0)]);
    let caps = Caps::new(CapsDraft { windows: vec![Window::Given], ..CapsDraft::default() }).unwrap();
    let terms = AccountTerms { caps, ..AccountTerms::new(Name::new("windows").unwrap()) };
    let cut = engine.ensure_account(&terms).unwrap();
    engine.close_account(AccountId(2)).unwrap();
    for (account, stripes) in [(A, 0), (A, 17), (AccountId(1), 2), (cut, 2)] {
        assert_eq!(engine.stripe(account, stripes), Err(AccountError::Stripes { account, stripes }));
    }
    for (account, error) in [
        (AccountId(2), AccountError::Closed { account: AccountId(2) }),
        (AccountId(9), AccountError::Unknown { account: AccountId(9) }),
    ] {
        assert_eq!(engine.stripe(account, 2), Err(error));
    }
    assert_eq!(engine.stripe(A, 1), Ok(()));
    assert_eq!(engine.stripe(A, 2), Ok(()));
    assert_eq!(engine.stripe(A, 2), Ok(()));
    assert_eq!(engine.stripe(A, 3), Err(AccountError::Stripes { account: A, stripes: 3 }));
}
