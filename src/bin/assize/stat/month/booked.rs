//! What the cells have committed: of every window that there ever was, those that the ledger keeps no more included.

use std::collections::BTreeMap;

use assize::{
    id::AccountId,
    ledger::{Account, Ledger},
    num::Timestamp,
};

use crate::moves::Moves;

/// Cells' committed, looked at in the ledger and summed up apart from what records say.
#[derive(Default)]
pub(super) struct Booked {
    accounts: BTreeMap<AccountId, Windows>,
}

#[derive(Default)]
struct Windows {
    kept: BTreeMap<(u8, Timestamp), u64>,
    /// Of each limit, what windows had committed when they were dropped.
    dropped: BTreeMap<u8, i128>,
    /// Of each limit, what windows had committed where the log begins.
    begun: BTreeMap<u8, i128>,
}

impl Booked {
    /// Looks at the accounts with which a log begins that was pruned.
    pub(super) fn begin(&mut self, ledger: &Ledger) {
        for (id, account) in ledger.accounts() {
            let windows = self.accounts.entry(id).or_default();
            for (limit, span, cell) in account.limits.cells() {
                windows.kept.insert((limit, span.start), cell.committed_micros);
                let sum = windows.begun.entry(limit).or_default();
                *sum = sum.saturating_add(cell.committed_micros.into());
            }
        }
    }

    /// Looks at an account that a record has touched.
    pub(super) fn account(&mut self, id: AccountId, account: &Account, moves: &Moves) {
        let windows = self.accounts.entry(id).or_default();
        for moved in moves.cells.iter().filter(|moved| moved.account == id) {
            windows.kept.insert((moved.limit, moved.span.start), moved.after.committed_micros);
        }
        // Windows that this record has dropped, and those that were forgotten since the account was touched before.
        let is_kept = |place: &(u8, Timestamp)| {
            account.limits.cells().any(|(limit, span, _)| (limit, span.start) == *place)
        };
        let dropped = &mut windows.dropped;
        windows.kept.retain(|place, committed_micros| {
            let kept = is_kept(place);
            if !kept {
                let sum = dropped.entry(place.0).or_default();
                *sum = sum.saturating_add((*committed_micros).into());
            }
            kept
        });
    }

    /// What one limit's windows have committed in all, since the log begins.
    pub(super) fn committed_micros(&self, account: AccountId, limit: u8) -> i128 {
        let Some(windows) = self.accounts.get(&account) else { return 0 };
        let kept = windows.kept.iter().filter(|((of, _), _)| *of == limit);
        let kept =
            kept.map(|(_, committed_micros)| i128::from(*committed_micros)).fold(0, i128::saturating_add);
        let of = |sums: &BTreeMap<u8, i128>| sums.get(&limit).copied().unwrap_or(0);
        of(&windows.dropped).saturating_add(kept).saturating_sub(of(&windows.begun))
    }
}
