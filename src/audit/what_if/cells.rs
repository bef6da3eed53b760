//! What accounts have left, and what was and would have been taken from them. SEMANTICS 16.5.

use alloc::vec::Vec;
use core::cmp::Reverse;

use super::report::{AccountRow, Money};
use crate::caps::{Binding, Bound};
use crate::id::{AccountId, LimitId};
use crate::ledger::{Account, Ledger, Payable};
use crate::num::Amount;
use crate::overrun::Overrun;
use crate::record::{self, Path, Settled};
use crate::window::Window;

/// Every account of the log so far, by handle.
#[derive(Debug, Default)]
pub(super) struct Cells {
    cells: Vec<Cell>,
}

#[derive(Clone, Copy, Debug)]
struct Cell {
    /// Which of its limits is for life, if one is: the estimate knows no other.
    lifetime: Option<u8>,
    /// An estimate; below zero where grants went down or settlements went into debt.
    available_micros: i128,
    row: AccountRow,
}

/// The accounts that a path takes from.
pub(super) type Taken = Vec<AccountId>;

/// The accounts that a path takes from; none where the record does not hold, which the replay finds.
pub(super) fn taken(ledger: &Ledger, path: &Path) -> Taken {
    ledger.accounts_on(path).map(Iterator::collect).unwrap_or_default()
}

impl Cells {
    pub(super) fn open(&mut self, account: &record::Account) {
        let name = account.name;
        let windows = (0_u8..).zip(account.caps.windows());
        let lifetime =
            windows.into_iter().find(|(_, window)| **window == Window::Lifetime).map(|(limit, _)| limit);
        let id = AccountId(u32::try_from(self.cells.len()).unwrap_or(u32::MAX));
        let money = Money::default();
        let row = AccountRow { id, name, executed_then: 0, executed_now: 0, changed: 0, money };
        self.cells.push(Cell { lifetime, available_micros: 0, row });
    }

    /// Goes on with an account as the ledger has it.
    pub(super) fn restore(&mut self, account: &Account) {
        self.open(&account.opened);
        if let Some(cell) = self.cells.last_mut() {
            let current = cell.lifetime.and_then(|limit| account.limits.current(limit));
            cell.available_micros = current.map_or(0, |(_, counted)| counted.available_micros.into());
        }
    }

    pub(super) fn grant(&mut self, limit: LimitId, change_micros: i64) {
        if let Some(cell) = self.find_mut(limit.account).filter(|cell| cell.lifetime == Some(limit.limit)) {
            cell.available_micros = cell.available_micros.saturating_add(change_micros.into());
        }
    }

    /// The least available of limits for life, 0 where that is in debt.
    pub(super) fn payable(&self, taken: &Taken) -> Option<Payable> {
        let available = |account: &AccountId| {
            let cell = self.find(*account)?;
            cell.lifetime.map(|limit| (cell.available_micros, *account, Bound::Limit(limit)))
        };
        // Of equals the first: SEMANTICS 9.4.
        let least = taken.iter().filter_map(available).min_by_key(|(micros, ..)| *micros);
        let Some((least_micros, account, bound)) = least else {
            let binding = Binding::from(*taken.first()?);
            return Some(Payable { amount: Amount::MAX, binding });
        };
        let amount = u64::try_from(least_micros.max(0)).ok().and_then(Amount::new).unwrap_or(Amount::MAX);
        Some(Payable { amount, binding: Binding { account, bound } })
    }

    pub(super) fn hold(&mut self, taken: &Taken, micros: u64) {
        self.move_at(taken, |available| available.saturating_sub(micros.into()));
    }

    pub(super) fn give_back(&mut self, taken: &Taken, micros: u64) {
        self.move_at(taken, |available| available.saturating_add(micros.into()));
    }

    /// Books what is spent of a hold that was given back before. SEMANTICS 9.5, 9.6 and 9.8.
    pub(super) fn book(
        &mut self,
        taken: &Taken,
        overrun: Overrun,
        held_micros: u64,
        spent_micros: u64,
        settled: Settled,
    ) {
        if settled == Settled::Expired {
            return;
        }
        let within = spent_micros.min(held_micros);
        self.hold(taken, within);
        let extra = spent_micros.saturating_sub(within);
        let bookable = match overrun {
            Overrun::Deny => 0,
            Overrun::IfAvailable => self.payable(taken).map_or(0, |payable| payable.amount.micros()),
            Overrun::Debt => u64::MAX,
        };
        self.hold(taken, extra.min(bookable));
    }

    /// Looks at what is told of each account.
    pub(super) fn tell(&mut self, taken: &Taken, tell: impl Fn(&mut AccountRow)) {
        for account in taken {
            if let Some(cell) = self.find_mut(*account) {
                tell(&mut cell.row);
            }
        }
    }

    /// The accounts for which something changed, the most affected first.
    pub(super) fn changed(&self) -> Vec<AccountRow> {
        let differs = |row: &AccountRow| {
            let Money { held, spent } = row.money;
            row.changed > 0 || held.difference_micros != 0 || spent.difference_micros != 0
        };
        let mut rows: Vec<_> = self.cells.iter().map(|cell| cell.row).filter(differs).collect();
        let weight = |row: &AccountRow| {
            let Money { held, spent } = row.money;
            (spent.difference_micros.unsigned_abs(), held.difference_micros.unsigned_abs())
        };
        // Stable, so that of equals the earliest account comes first.
        rows.sort_by_key(|row| Reverse(weight(row)));
        rows
    }

    fn move_at(&mut self, taken: &Taken, change: impl Fn(i128) -> i128) {
        for account in taken {
            if let Some(cell) = self.find_mut(*account) {
                cell.available_micros = change(cell.available_micros);
            }
        }
    }

    fn find(&self, account: AccountId) -> Option<&Cell> {
        self.cells.get(usize::try_from(account.0).ok()?)
    }

    fn find_mut(&mut self, account: AccountId) -> Option<&mut Cell> {
        self.cells.get_mut(usize::try_from(account.0).ok()?)
    }
}
