//! Paths, reservations and extensions.

use assize::budget::{ExtendError, HoldState, PathError, ReserveError, SettleError};
use assize::caps::Binding;
use assize::id::AccountId;
use assize::num::Amount;
use assize::overrun::Overrun::{self, Debt, Deny, IfAvailable};

use super::{MAX, amount, engine, ids, path, read};

#[test]
fn a_path_names_each_cell_once_in_its_order() {
    // 0 ─ 1 ─ 2, 1 ─ 3; 4 ─ 5
    let engine = engine(&[
        (None, Debt, 0),
        (Some(0), IfAvailable, 0),
        (Some(1), Debt, 0),
        (Some(1), Debt, 0),
        (None, Deny, 0),
        (Some(4), Debt, 0),
    ]);
    let rows: [(&[u32], &[u32], Overrun); 8] = [
        (&[0], &[0], Debt),
        (&[2], &[2, 1, 0], IfAvailable),
        (&[2, 3], &[2, 1, 0, 3], IfAvailable),
        (&[3, 2], &[3, 1, 0, 2], IfAvailable),
        (&[0, 2], &[0, 2, 1], IfAvailable),
        (&[2, 1, 0], &[2, 1, 0], IfAvailable),
        (&[5, 2], &[5, 4, 2, 1, 0], Deny),
        (&[3, 5, 2, 0], &[3, 1, 0, 5, 4, 2], Deny),
    ];
    for (named, expected, overrun) in rows {
        let path = path(&engine, named);
        assert_eq!(engine.accounts_on(&path).collect::<Vec<_>>(), ids(expected), "{named:?}");
        assert_eq!(path.overrun(), overrun, "{named:?}");
    }
}

#[test]
fn a_path_that_cannot_be_is_an_error() {
    let mut accounts = vec![(None, Deny, 0)];
    // Four chains of eight below nothing: 0..8, 8..16, 16..24, 24..32; and one more root, closed.
    for number in 1..32 {
        accounts.push((if number % 8 == 0 { None } else { Some(number - 1) }, Deny, 0));
    }
    accounts.extend([(None, Deny, 0), (Some(32), Deny, 0)]);
    let engine = engine(&accounts);
    engine.close_account(AccountId(33)).unwrap();
    engine.close_account(AccountId(32)).unwrap();
    let rows: [(&[u32], Result<usize, PathError>); 9] = [
        (&[7, 15, 23], Ok(24)),
        (&[7, 15, 23, 22], Ok(24)),
        (&[7, 15, 23, 24], Err(PathError::TooManyCells)),
        (&[], Err(PathError::Empty)),
        (&[0, 1, 2, 3, 4], Err(PathError::TooManyAccounts { seen: 5 })),
        (&[0, 8, 0], Err(PathError::Repeated { account: AccountId(0) })),
        (&[0, 34], Err(PathError::Unknown { account: AccountId(34) })),
        (&[u32::MAX], Err(PathError::Unknown { account: AccountId(u32::MAX) })),
        (&[0, 33, 32], Err(PathError::Closed { account: AccountId(33) })),
    ];
    for (named, expected) in rows {
        let made = engine.path(&ids(named)).map(|path| engine.accounts_on(&path).count());
        assert_eq!(made, expected, "{named:?}");
    }
}

#[test]
fn a_path_of_another_engine_is_an_error() {
    let large = engine(&[(None, Deny, 9), (None, Deny, 9), (Some(1), Deny, 9)]);
    let small = engine(&[(None, Deny, 9)]);
    for named in [&[2][..], &[0, 2], &[1, 0]] {
        let foreign = path(&large, named);
        assert_eq!(small.reserve(&foreign, amount(1)), Err(ReserveError::ForeignPath), "{named:?}");
        assert_eq!(small.payable(&foreign), Err(PathError::Foreign), "{named:?}");
        assert_eq!(read(&small, 0), [9, 9, 0, 0, 0], "{named:?}");
    }
    // A handle of a slot that this engine never used.
    let hold = large.reserve(&path(&large, &[0]), amount(1)).unwrap();
    assert_eq!(small.commit(hold, amount(1)), Err(SettleError::AlreadySettled));
    assert_eq!(small.extend(hold, amount(1)), Err(ExtendError::AlreadySettled));
    assert_eq!(small.hold(hold), None);
}

#[test]
fn a_reservation_holds_everywhere_or_nowhere() {
    // 0 ─ 1 ─ 2; 3. Grants | path | amount | binding and available, or held.
    type Row<'a> = ([i64; 4], &'a [u32], i64, Result<(), (u32, i64)>);
    let rows: [Row; 12] = [
        ([9, 9, 9, 9], &[2], 9, Ok(())),
        ([9, 9, 9, 9], &[2], 0, Ok(())),
        ([0, 0, 0, 0], &[2], 0, Ok(())),
        ([9, 9, 9, 9], &[2], 10, Err((2, 9))),
        ([8, 9, 9, 9], &[2], 9, Err((0, 8))),
        ([9, 7, 8, 9], &[2], 9, Err((1, 7))),
        ([7, 7, 8, 9], &[2], 9, Err((1, 7))),
        ([7, 7, 7, 7], &[2], 9, Err((2, 7))),
        ([9, 9, 9, 6], &[2, 3], 7, Err((3, 6))),
        ([9, 9, 6, 6], &[3, 2], 7, Err((3, 6))),
        ([MAX, MAX, MAX, MAX], &[2, 3], MAX, Ok(())),
        ([MAX, MAX, MAX - 1, MAX], &[2, 3], MAX, Err((2, MAX - 1))),
    ];
    for (grants, named, micros, expected) in rows {
        let [first, second, third, fourth] = grants;
        let engine = engine(&[
            (None, Deny, first),
            (Some(0), Deny, second),
            (Some(1), Deny, third),
            (None, Deny, fourth),
        ]);
        let path = path(&engine, named);
        let place = format!("{grants:?} {named:?} {micros}");
        let least = engine.accounts_on(&path).map(|AccountId(account)| grants[account as usize]).min();
        assert_eq!(engine.payable(&path).map(|payable| Some(payable.available_micros)), Ok(least), "{place}");
        let reserved = engine.reserve(&path, amount(micros));
        let held = match expected {
            Ok(()) => {
                let reading = engine.hold(reserved.unwrap()).unwrap();
                assert_eq!((reading.amount, reading.state), (amount(micros), HoldState::Open), "{place}");
                assert_eq!(reading.path, path, "{place}");
                i128::from(micros)
            }
            Err((binding, available_micros)) => {
                let binding = Binding::from(AccountId(binding));
                assert_eq!(
                    reserved,
                    Err(ReserveError::Insufficient { binding, available_micros }),
                    "{place}"
                );
                assert_eq!(engine.payable(&path).unwrap().binding, binding, "{place}");
                0
            }
        };
        for (account, grant) in (0..).zip(grants) {
            let on_path = engine.accounts_on(&path).any(|on| on == AccountId(account));
            let held = if on_path { held } else { 0 };
            let grant = i128::from(grant);
            assert_eq!(read(&engine, account), [grant, grant - held, held, 0, 0], "{place}, {account}");
        }
    }
}

#[test]
fn nothing_can_be_held_in_debt_but_nothing() {
    let engine = engine(&[(None, Debt, 3)]);
    let path = path(&engine, &[0]);
    let hold = engine.reserve(&path, amount(3)).unwrap();
    let _ = engine.commit(hold, amount(4)).unwrap();
    let short = ReserveError::Insufficient { binding: AccountId(0).into(), available_micros: -1 };
    assert_eq!(engine.reserve(&path, amount(1)), Err(short));
    let nothing = engine.reserve(&path, Amount::ZERO).unwrap();
    assert_eq!(engine.extend(nothing, Amount::ZERO), Ok(()));
    let short = ExtendError::Insufficient { binding: AccountId(0).into(), available_micros: -1 };
    assert_eq!(engine.extend(nothing, amount(1)), Err(short));
    assert_eq!(read(&engine, 0), [3, -1, 0, 4, 0]);
}

#[test]
fn an_extension_takes_all_or_nothing() {
    // 0 ─ 1. Grants | held | more | expected.
    let short = |binding, available_micros| {
        Err(ExtendError::Insufficient { binding: AccountId(binding).into(), available_micros })
    };
    let rows = [
        ([9, 9], 3, 6, Ok(())),
        ([9, 9], 3, 0, Ok(())),
        ([9, 9], 3, 7, short(1, 6)),
        ([8, 9], 3, 6, short(0, 5)),
        ([9, 8], 3, 6, short(1, 5)),
        ([MAX, MAX], MAX, 1, Err(ExtendError::AboveMaximum { held: amount(MAX), more: amount(1) })),
        ([MAX, MAX], 1, MAX, Err(ExtendError::AboveMaximum { held: amount(1), more: amount(MAX) })),
    ];
    for ([above, below], held, more, expected) in rows {
        let engine = engine(&[(None, Deny, above), (Some(0), Deny, below)]);
        let hold = engine.reserve(&path(&engine, &[1]), amount(held)).unwrap();
        assert_eq!(engine.extend(hold, amount(more)), expected, "{held} {more}");
        let now = if expected.is_ok() { held + more } else { held };
        assert_eq!(engine.hold(hold).unwrap().amount, amount(now));
        for (account, grant) in [(0, above), (1, below)] {
            assert_eq!(read(&engine, account), [grant.into(), (grant - now).into(), now.into(), 0, 0]);
        }
    }
}
