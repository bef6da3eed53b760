//! Opening, granting and closing accounts.

use assize::budget::{
    AccountError, AccountState, Engine, EngineOptions, GrantError, PathError, ReserveError,
};
use assize::id::{AccountId, Name};
use assize::num::Amount;
use assize::overrun::Overrun::{Debt, Deny, IfAvailable};

use super::{MAX, amount, engine, path, read, terms};

#[test]
fn accounts_are_opened_once() {
    let engine = engine(&[(None, Deny, 0), (Some(0), Debt, 0), (None, Deny, 0)]);
    engine.close_account(AccountId(2)).unwrap();
    let differ = |account| Err(AccountError::TermsDiffer { account: AccountId(account) });
    let rows = [
        (terms("0", None, Deny), Ok(AccountId(0))),
        (terms("1", Some(0), Debt), Ok(AccountId(1))),
        (terms("0", None, Debt), differ(0)),
        (terms("1", None, Debt), differ(1)),
        (terms("1", Some(1), Debt), differ(1)),
        (terms("2", None, Deny), Err(AccountError::Closed { account: AccountId(2) })),
        (terms("below 2", Some(2), Deny), Err(AccountError::Closed { account: AccountId(2) })),
        (terms("below 9", Some(9), Deny), Err(AccountError::Unknown { account: AccountId(9) })),
        (terms("3", Some(1), IfAvailable), Ok(AccountId(3))),
    ];
    for (terms, expected) in rows {
        assert_eq!(engine.ensure_account(&terms), expected, "{terms:?}");
        if let Ok(account) = expected {
            assert_eq!(engine.account(&terms.name), Some(account));
            assert_eq!(engine.terms(account), Some(terms));
        }
    }
    assert_eq!(engine.accounts(), 4);
    assert_eq!(engine.account(&Name::new("9").unwrap()), None);
    assert_eq!(engine.terms(AccountId(4)), None);
    assert_eq!(engine.read(AccountId(4)), None);
}

#[test]
fn opening_again_is_never_a_grant() {
    let engine = engine(&[(None, Deny, 7)]);
    assert_eq!(engine.ensure_account(&terms("0", None, Deny)), Ok(AccountId(0)));
    assert_eq!(read(&engine, 0), [7, 7, 0, 0, 0]);
}

#[test]
fn a_tree_has_eight_levels() {
    let engine = engine(&[(None, Deny, 0)]);
    for level in 1..8 {
        engine.ensure_account(&terms(&level.to_string(), Some(level - 1), Deny)).unwrap();
    }
    let deepest = AccountId(7);
    assert_eq!(
        engine.ensure_account(&terms("8", Some(7), Deny)),
        Err(AccountError::TooDeep { parent: deepest })
    );
    assert_eq!(engine.accounts_on(&engine.path(&[deepest]).unwrap()).count(), 8);
}

#[test]
fn accounts_and_holds_have_a_most() {
    let engine = Engine::new(EngineOptions { accounts_max: 2, holds_max: 2, ..EngineOptions::default() });
    for name in ["a", "b"] {
        engine.ensure_account(&terms(name, None, Deny)).unwrap();
    }
    let full = Err(AccountError::AccountsFull { max: 2 });
    assert_eq!(engine.ensure_account(&terms("c", None, Deny)), full);
    assert_eq!(engine.ensure_account(&terms("a", None, Deny)), Ok(AccountId(0)));

    let free = path(&engine, &[0]);
    let first = engine.reserve(&free, Amount::ZERO).unwrap();
    let second = engine.reserve(&free, Amount::ZERO).unwrap();
    assert_eq!(engine.reserve(&free, Amount::ZERO), Err(ReserveError::HoldsFull { max: 2 }));
    let _ = engine.expire(first).unwrap();
    assert_eq!(engine.reserve(&free, Amount::ZERO), Err(ReserveError::HoldsFull { max: 2 }));
    engine.forget(first).unwrap();
    let third = engine.reserve(&free, Amount::ZERO).unwrap();
    assert_ne!(first, third, "the slot is the same, the hold is another");
    assert!(engine.hold(first).is_none() && engine.hold(second).is_some() && engine.hold(third).is_some());
}

#[test]
fn options_above_the_limits_count_as_the_limits() {
    let options = EngineOptions {
        accounts_reserved: 4,
        holds_reserved: usize::MAX,
        accounts_max: usize::MAX,
        holds_max: 3,
    };
    let engine = Engine::new(options);
    assert!(format!("{engine:?}").contains("accounts_max: 16777216, holds_max: 3"), "{engine:?}");
}

#[test]
fn grants_go_up_and_down() {
    // granted before, delta | expected, granted after
    let above = |granted_micros, delta_micros| Err(GrantError::AboveMaximum { granted_micros, delta_micros });
    let short =
        |available_micros, delta_micros| Err(GrantError::AboveAvailable { available_micros, delta_micros });
    let rows = [
        (0, 0, Ok(()), 0),
        (0, 1, Ok(()), 1),
        (0, MAX, Ok(()), MAX),
        (MAX, 1, above(MAX, 1), MAX),
        (1, MAX, above(1, MAX), 1),
        (MAX, -MAX, Ok(()), 0),
        (5, -5, Ok(()), 0),
        (5, -6, short(5, -6), 5),
        (5, i64::MIN, short(5, i64::MIN), 5),
        (0, -1, short(0, -1), 0),
    ];
    for (before, delta, expected, after) in rows {
        let engine = engine(&[(None, Deny, before), (Some(0), Deny, 3)]);
        assert_eq!(engine.grant(AccountId(0), delta), expected, "{before} {delta}");
        assert_eq!(read(&engine, 0), [after.into(), after.into(), 0, 0, 0], "{before} {delta}");
        assert_eq!(read(&engine, 1), [3, 3, 0, 0, 0], "a grant is to one account");
    }
    let engine = engine(&[(None, Deny, 10)]);
    let _ = engine.reserve(&path(&engine, &[0]), amount(4)).unwrap();
    assert_eq!(engine.grant(AccountId(0), -7), short(6, -7));
    assert_eq!(engine.grant(AccountId(0), -6), Ok(()));
    assert_eq!(read(&engine, 0), [4, 0, 4, 0, 0]);
    let unknown = AccountId(1);
    assert_eq!(engine.grant(unknown, 1), Err(GrantError::Unknown { account: unknown }));
}

#[test]
fn a_grant_pays_debt_and_none_is_taken_back_from_debt() {
    let engine = engine(&[(None, Debt, 0)]);
    let hold = engine.reserve(&path(&engine, &[0]), Amount::ZERO).unwrap();
    let _ = engine.commit(hold, amount(5)).unwrap();
    assert_eq!(read(&engine, 0), [0, -5, 0, 5, 0]);
    let short = GrantError::AboveAvailable { available_micros: -5, delta_micros: -1 };
    assert_eq!(engine.grant(AccountId(0), -1), Err(short));
    engine.grant(AccountId(0), 7).unwrap();
    assert_eq!(read(&engine, 0), [7, 2, 0, 5, 0]);
}

#[test]
fn an_account_closes_when_nothing_needs_it() {
    let engine = engine(&[(None, Deny, 10), (Some(0), Deny, 10), (None, Deny, 10)]);
    let (above, below) = (AccountId(0), AccountId(1));
    let both = path(&engine, &[1]);
    let children_open = AccountError::ChildrenOpen { account: above, children: 1 };
    assert_eq!(engine.close_account(above), Err(children_open));

    // A hold keeps it open, one of nothing too; one that has expired does not.
    let hold = engine.reserve(&both, amount(4)).unwrap();
    let holds_open = |reserved_micros| Err(AccountError::HoldsOpen { account: below, reserved_micros });
    assert_eq!(engine.close_account(below), holds_open(4));
    let nothing = engine.reserve(&both, Amount::ZERO).unwrap();
    let _ = engine.commit(hold, amount(1)).unwrap();
    assert_eq!(engine.close_account(below), holds_open(0));
    let _ = engine.expire(nothing).unwrap();
    assert_eq!(engine.close_account(below), Ok(()));
    assert_eq!(engine.close_account(below), Err(AccountError::Closed { account: below }));
    assert_eq!(engine.close_account(AccountId(7)), Err(AccountError::Unknown { account: AccountId(7) }));

    // What it had stays told; it takes and gives nothing any more.
    assert_eq!(read(&engine, 1), [10, 9, 0, 1, 0]);
    assert_eq!(engine.read(below).unwrap().state, AccountState::Closed);
    assert_eq!(engine.account(&Name::new("1").unwrap()), Some(below));
    for micros in [0, 1] {
        let closed = ReserveError::Closed { account: below };
        assert_eq!(engine.reserve(&both, amount(micros)), Err(closed), "{micros}");
    }
    assert_eq!(engine.payable(&both), Err(PathError::Closed { account: below }));
    assert_eq!(engine.grant(below, 1), Err(GrantError::Closed { account: below }));
    assert_eq!(engine.grant(below, -1), Err(GrantError::Closed { account: below }));
    assert_eq!(read(&engine, 0), [10, 9, 0, 1, 0], "a denied reservation took nothing above");

    // What was spent under it is still told there.
    let _ = engine.commit(nothing, amount(3)).unwrap();
    assert_eq!(read(&engine, 1), [10, 9, 0, 1, 3]);
    assert_eq!(engine.close_account(above), Ok(()));
}

#[test]
fn an_account_in_debt_closes_with_its_debt() {
    let engine = engine(&[(None, Debt, 1)]);
    let hold = engine.reserve(&path(&engine, &[0]), amount(1)).unwrap();
    let _ = engine.commit(hold, amount(4)).unwrap();
    engine.close_account(AccountId(0)).unwrap();
    assert_eq!(read(&engine, 0), [1, -3, 0, 4, 0]);
}
