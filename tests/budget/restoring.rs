//! Bringing accounts and holds back.

use assize::budget::{
    AccountError, AccountState, AccountTerms, CellCounters, Engine, EngineOptions, HeldCell, HoldState,
    RestoreError, RestoredLimit, Settlement,
};
use assize::caps::{Caps, CapsDraft};
use assize::id::AccountId;
use assize::num::{Amount, Timestamp};
use assize::overrun::Overrun::{Debt, Deny};
use assize::window::Window;

use super::{MAX, amount, counters, engine, path, read, terms};

#[test]
fn what_was_is_restored() {
    let before = engine(&[(None, Debt, 100), (Some(0), Debt, 60), (None, Deny, 5)]);
    let both = path(&before, &[1]);
    let open = before.reserve(&both, amount(20)).unwrap();
    let expired = before.reserve(&both, amount(7)).unwrap();
    let spent = before.reserve(&both, amount(1)).unwrap();
    let _ = before.expire(expired).unwrap();
    let _ = before.commit(spent, amount(50)).unwrap();
    before.close_account(AccountId(2)).unwrap();

    let after = Engine::new(EngineOptions::default());
    for account in (0..before.accounts()).map(AccountId) {
        let reading = before.read(account).unwrap();
        let counters = CellCounters {
            granted_micros: reading.granted_micros,
            available_micros: reading.available_micros,
            committed_micros: reading.committed_micros,
            lapsed_micros: reading.lapsed_micros,
            unfunded_micros: reading.unfunded_micros,
        };
        let terms = before.terms(account).unwrap();
        assert_eq!(
            after.restore_account(&terms, &[RestoredLimit::lifetime(counters)], reading.state),
            Ok(account)
        );
    }
    let unclaimed = RestoreError::Unclaimed { account: AccountId(0), unclaimed_micros: 20 };
    assert_eq!(after.finish_restore(), Err(unclaimed));
    let mut handles = vec![];
    for hold in [open, expired] {
        let reading = before.hold(hold).unwrap();
        let accounts: Vec<_> = before.accounts_on(&reading.path).map(HeldCell::from).collect();
        let restored = after.restore_hold(&accounts, reading.amount, reading.state).unwrap();
        assert_eq!(after.hold(restored), Some(reading));
        handles.push(restored);
    }
    assert_eq!(after.finish_restore(), Ok(()));
    for account in 0..3 {
        assert_eq!(after.read(AccountId(account)), before.read(AccountId(account)));
    }
    // Both go on alike.
    for (engine, open, expired) in [(&before, open, expired), (&after, handles[0], handles[1])] {
        let late = engine.commit(expired, amount(2)).unwrap();
        assert_eq!(late, Settlement::Late { held: amount(7), actual: amount(2) });
        let _ = engine.commit(open, amount(15)).unwrap();
        assert_eq!(read(engine, 1), [60, -5, 0, 65, 2]);
        engine.close_account(AccountId(1)).unwrap();
        engine.close_account(AccountId(0)).unwrap();
    }
}

#[test]
fn nonsense_is_not_restored() {
    let engine = Engine::new(EngineOptions { accounts_max: 4, holds_max: 1, ..EngineOptions::default() });
    let restore = |name: &str, parent, counters: CellCounters, state| {
        engine.restore_account(&terms(name, parent, Deny), &[RestoredLimit::lifetime(counters)], state)
    };
    let (open, closed) = (AccountState::Open, AccountState::Closed);
    let account = |account| AccountId(account);
    let saturated = CellCounters { lapsed_micros: u64::MAX, ..counters(MAX, -MAX, u64::MAX) };
    let rows = [
        ("root", None, counters(10, 4, 1), open, Ok(account(0))),
        ("root", None, counters(0, 0, 0), open, Err(RestoreError::Repeated { account: account(0) })),
        ("a", None, counters(10, 10, 1), open, Err(RestoreError::Counters(counters(10, 10, 1)))),
        ("a", None, counters(0, i64::MIN, 0), open, Err(RestoreError::Counters(counters(0, i64::MIN, 0)))),
        ("a", None, saturated, open, Err(RestoreError::Counters(saturated))),
        ("a", None, counters(10, 9, 0), closed, Err(RestoreError::ClosedHolds { reserved_micros: 1 })),
        (
            "a",
            Some(9),
            counters(0, 0, 0),
            open,
            Err(RestoreError::Account(AccountError::Unknown { account: account(9) })),
        ),
        ("closed", None, counters(3, 2, 1), closed, Ok(account(1))),
        ("closed below", Some(1), counters(0, 0, 0), closed, Ok(account(2))),
        (
            "open below",
            Some(1),
            counters(0, 0, 0),
            open,
            Err(RestoreError::Account(AccountError::Closed { account: account(1) })),
        ),
        // All that can be owed and spent.
        ("owes", None, counters(MAX, -MAX, u64::MAX - 1), open, Ok(account(3))),
        (
            "one more",
            None,
            counters(0, 0, 0),
            open,
            Err(RestoreError::Account(AccountError::AccountsFull { max: 4 })),
        ),
    ];
    for (name, parent, counters, state, expected) in rows {
        assert_eq!(restore(name, parent, counters, state), expected, "{name} {counters:?}");
    }
    assert_eq!(read(&engine, 1), [3, 2, 0, 1, 0]);
    assert_eq!(read(&engine, 3), [MAX.into(), (-MAX).into(), 0, 2 * i128::from(MAX), 0]);

    let above = |micros| RestoreError::AboveReserved {
        account: AccountId(0),
        unclaimed_micros: 5,
        amount: amount(micros),
    };
    type Row<'a> = (&'a [u32], i64, HoldState, Result<(), RestoreError>);
    let rows: [Row; 9] = [
        (&[], 1, HoldState::Open, Err(RestoreError::Path { seen: 0 })),
        (&[0, 0], 1, HoldState::Open, Err(RestoreError::Path { seen: 2 })),
        (&[0, 3, 0], 1, HoldState::Expired, Err(RestoreError::Path { seen: 3 })),
        (&[7], 1, HoldState::Open, Err(AccountError::Unknown { account: AccountId(7) }.into())),
        (&[1], 0, HoldState::Open, Err(AccountError::Closed { account: AccountId(1) }.into())),
        (&[0], 6, HoldState::Open, Err(above(6))),
        (
            &[0, 3],
            5,
            HoldState::Open,
            Err(RestoreError::AboveReserved {
                account: AccountId(3),
                unclaimed_micros: 0,
                amount: amount(5),
            }),
        ),
        (&[0], 5, HoldState::Open, Ok(())),
        (&[1], 9, HoldState::Expired, Err(RestoreError::HoldsFull { max: 1 })),
    ];
    for (accounts, micros, state, expected) in rows {
        let restored = engine
            .restore_hold(
                &accounts.iter().map(|id| AccountId(*id).into()).collect::<Vec<_>>(),
                amount(micros),
                state,
            )
            .map(|_| ());
        assert_eq!(restored, expected, "{accounts:?} {micros} {state:?}");
    }
    assert_eq!(engine.finish_restore(), Ok(()));
}

#[test]
fn a_window_that_cannot_end_leaves_the_other_limits_windows() {
    let ten = Window::Fixed { length_ns: 10_000_000, origin_ns: 0 };
    let windows = [ten, Window::Given];
    let caps = Caps::new(CapsDraft { windows: windows.to_vec(), ..CapsDraft::default() }).unwrap();
    let engine = Engine::new(EngineOptions::default());
    let limit = |window: Window, at| {
        let current = (window.span(Timestamp(at)), CellCounters::default());
        RestoredLimit { window, allowance: Amount::ZERO, ended: Vec::new(), current }
    };
    let limits = [limit(ten, 0), limit(Window::Given, i64::MAX)];
    let account = engine
        .restore_account(&AccountTerms { caps, ..terms("both", None, Deny) }, &limits, AccountState::Open)
        .unwrap();
    let refused = Err(AccountError::LastInstant { account, limit: 1 });
    assert_eq!(engine.end_window(account.limit(1), Timestamp(50_000_000)), refused);
    assert_eq!(engine.read(account).unwrap().span, ten.span(Timestamp(0)));
}
