//! What errors say.

use assize::budget::{
    AccountError, AdjustError, ExtendError, GrantError, PathError, ReserveError, RestoreError, SettleError,
};
use assize::id::AccountId;

use super::{MAX, amount, counters};

/// Every error says what was seen and, where there is one, what the limit is.
#[test]
fn errors_read_well() {
    let account = AccountId(3);
    let rows: [(&dyn std::error::Error, &str); 18] = [
        (&AdjustError::AboveCommitted { account, committed_micros: 4 }, "account 3 has only 4 µ committed"),
        (
            &AccountError::TooDeep { parent: account },
            "account 3 is at level 8, the deepest; none can be below it",
        ),
        (&AccountError::Unknown { account }, "there is no account 3"),
        (
            &AccountError::TermsDiffer { account },
            "account 3 has that name and other terms; terms are kept for life",
        ),
        (
            &AccountError::HoldsOpen { account, reserved_micros: 5 },
            "account 3 has open holds of 5 µ; it closes when there are none",
        ),
        (
            &AccountError::ChildrenOpen { account, children: 2 },
            "account 3 has 2 open accounts below it; it closes when there are none",
        ),
        (&AccountError::AccountsFull { max: 7 }, "there are 7 accounts, the most that there may be"),
        (
            &GrantError::AboveAvailable { available_micros: 2, delta_micros: -3 },
            "a grant of -3 µ takes more than the 2 µ available",
        ),
        (
            &GrantError::AboveMaximum { granted_micros: 2, delta_micros: MAX },
            "a grant of 9223372036854775807 µ on top of 2 µ passes the limit of 9223372036854775807 µ",
        ),
        (&PathError::TooManyAccounts { seen: 5 }, "5 accounts are named; the limit is 4"),
        (
            &PathError::TooManyCells,
            "the limits and caps of the accounts named and of those above them are more than 24 cells",
        ),
        (
            &ReserveError::Insufficient { binding: account.into(), available_micros: -2 },
            "account 3 has only -2 µ available",
        ),
        (&ReserveError::Contended, "contended: too many attempts at once; try again"),
        (&ReserveError::HoldsFull { max: 2 }, "there are 2 open holds, the most that there may be"),
        (
            &ExtendError::AboveMaximum { held: amount(1), more: amount(MAX) },
            "a hold of 1 µ extended by 9223372036854775807 µ passes the limit of 9223372036854775807 µ",
        ),
        (&SettleError::AlreadySettled, "the hold has ended"),
        (
            &RestoreError::Counters(counters(1, 2, 3)),
            "1 µ granted is not 2 µ available, 3 µ committed and 0 µ lapsed with holds at or above 0",
        ),
        (
            &RestoreError::AboveReserved { account, unclaimed_micros: 1, amount: amount(2) },
            "a hold of 2 µ is above the 1 µ reserved and unclaimed at account 3",
        ),
    ];
    for (error, text) in rows {
        assert_eq!(error.to_string(), text);
    }
    let restored = RestoreError::Account(AccountError::Closed { account });
    assert_eq!(restored.to_string(), "account 3 is closed");
    assert!(std::error::Error::source(&restored).is_none(), "it says all that it comes from");
}
