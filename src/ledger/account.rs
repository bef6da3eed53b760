//! The accounts of a log, and the cells that a path goes through.

use std::collections::BTreeMap;
use std::vec::Vec;

use super::cell::{Cell, Moves};
use super::mismatch::Mismatch;
use crate::id::{AccountId, Name};
use crate::limits::{ACCOUNTS_MAX, DEPTH_MAX, PATH_CELLS_MAX};
use crate::num::Amount;
use crate::overrun::Overrun;
use crate::record;

/// One account as the log's records have made it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Account {
    /// What it was opened with.
    #[cfg_attr(feature = "serde", serde(flatten))]
    pub opened: record::Account,
    /// Whether it takes holds, extensions and grants.
    pub state: AccountState,
    /// Its money.
    #[cfg_attr(feature = "serde", serde(flatten))]
    pub cell: Cell,
    /// Its level, 1 for a root.
    pub(super) depth: usize,
    /// Children that are open.
    pub(super) children_open: u32,
    /// Holds that are open at its cell, those of 0 included.
    pub(super) holds_open: u64,
}

/// Whether an account takes holds, extensions and grants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
pub enum AccountState {
    /// It does.
    #[default]
    Open,
    /// It does not, for good.
    Closed,
}

/// What a path can pay. SEMANTICS 9.4 and 10.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Payable {
    /// The least available on the path, 0 where that is in debt.
    #[cfg_attr(feature = "serde", serde(rename = "amount_micros"))]
    pub amount: Amount,
    /// The account that has the least, of equals the earliest on the path.
    pub binding: AccountId,
}

/// All accounts, by handle and by name.
#[derive(Debug, Default)]
pub(super) struct Accounts {
    list: Vec<Account>,
    names: BTreeMap<Name, AccountId>,
}

impl Accounts {
    pub(super) fn iter(&self) -> impl Iterator<Item = (AccountId, &Account)> {
        (0_u32..).map(AccountId).zip(&self.list)
    }

    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    pub(super) fn find(&self, account: AccountId) -> Option<&Account> {
        self.list.get(usize::try_from(account.0).ok()?)
    }

    pub(super) fn named(&self, name: &Name) -> Option<AccountId> {
        self.names.get(name).copied()
    }

    /// Accounts in the order of their names' bytes.
    pub(super) fn by_name(&self) -> impl Iterator<Item = AccountId> {
        self.names.values().copied()
    }

    pub(super) fn known(&self, account: AccountId) -> Result<&Account, Mismatch> {
        self.find(account).ok_or(Mismatch::AccountUnknown { account })
    }

    pub(super) fn open(&self, account: AccountId) -> Result<&Account, Mismatch> {
        let known = self.known(account)?;
        match known.state {
            AccountState::Open => Ok(known),
            AccountState::Closed => Err(Mismatch::AccountClosed { account }),
        }
    }

    /// Whether the account can be the next one. SEMANTICS 9.13.
    pub(super) fn check_next(&self, next: &record::Account) -> Result<(), Mismatch> {
        if let Some(account) = self.named(&next.name) {
            return Err(Mismatch::NameTaken { account });
        }
        if self.list.len() >= ACCOUNTS_MAX {
            return Err(Mismatch::TooManyAccounts);
        }
        if let Some(parent) = next.parent
            && self.open(parent)?.depth >= DEPTH_MAX
        {
            return Err(Mismatch::TooDeep { parent });
        }
        Ok(())
    }

    /// Opens what [`check_next`](Self::check_next) has passed.
    pub(super) fn push(&mut self, opened: record::Account) {
        let account = AccountId(u32::try_from(self.list.len()).unwrap_or(u32::MAX));
        let mut depth = 1;
        if let Some(parent) = opened.parent.and_then(|parent| self.find_mut(parent)) {
            parent.children_open = parent.children_open.saturating_add(1);
            depth = parent.depth.saturating_add(1);
        }
        self.names.insert(opened.name, account);
        self.list.push(Account {
            opened,
            state: AccountState::Open,
            cell: Cell::default(),
            depth,
            children_open: 0,
            holds_open: 0,
        });
    }

    pub(super) fn close(&mut self, account: AccountId) {
        let Some(closed) = self.find_mut(account) else { return };
        closed.state = AccountState::Closed;
        if let Some(parent) = closed.opened.parent.and_then(|parent| self.find_mut(parent)) {
            parent.children_open = parent.children_open.saturating_sub(1);
        }
    }

    /// Counts a hold in at every cell of its path, when it opens.
    pub(super) fn hold_opened(&mut self, path: &record::Path) {
        self.count_hold(path, |open| open.saturating_add(1));
    }

    /// Counts a hold out at every cell of its path, when it ends or expires.
    pub(super) fn hold_closed(&mut self, path: &record::Path) {
        self.count_hold(path, |open| open.saturating_sub(1));
    }

    fn count_hold(&mut self, path: &record::Path, count: impl Fn(u64) -> u64) {
        // OK because a hold's path has cells: it was checked when it opened, and no account loses its parent.
        let Ok(cells) = self.cells(path) else { return };
        for account in cells.iter() {
            if let Some(of) = self.find_mut(account) {
                of.holds_open = count(of.holds_open);
            }
        }
    }

    /// Makes the moves of a record that holds.
    pub(super) fn write(&mut self, moves: &Moves) {
        for (account, cell) in moves.iter() {
            if let Some(account) = self.find_mut(*account) {
                account.cell = *cell;
            }
        }
    }

    pub(super) fn find_mut(&mut self, account: AccountId) -> Option<&mut Account> {
        self.list.get_mut(usize::try_from(account.0).ok()?)
    }

    /// The cells of a path: each named account, then its ancestors, each where it comes first. SEMANTICS 9.3.
    pub(super) fn cells(&self, path: &record::Path) -> Result<Cells, Mismatch> {
        let mut cells = Cells { accounts: [AccountId(0); PATH_CELLS_MAX], count: 0 };
        for named in path.accounts() {
            let mut next = Some(*named);
            while let Some(account) = next {
                next = self.known(account)?.opened.parent;
                // What comes above a cell that is on the path already is there too.
                if cells.iter().any(|cell| cell == account) {
                    break;
                }
                cells.push(account)?;
            }
        }
        Ok(cells)
    }

    /// The cells of a path whose accounts are all open.
    pub(super) fn open_cells(&self, path: &record::Path) -> Result<Cells, Mismatch> {
        let cells = self.cells(path)?;
        for account in cells.iter() {
            self.open(account)?;
        }
        Ok(cells)
    }

    /// The least available on a path after the moves, and the account that has it.
    pub(super) fn least(&self, cells: &Cells, moves: &Moves) -> Result<(i64, AccountId), Mismatch> {
        let mut least: Option<(i64, AccountId)> = None;
        for account in cells.iter() {
            let cell = moves.find(account).unwrap_or(&self.known(account)?.cell);
            if least.is_none_or(|(available, _)| cell.available_micros < available) {
                least = Some((cell.available_micros, account));
            }
        }
        least.ok_or(Mismatch::AccountUnknown { account: AccountId(u32::MAX) })
    }

    /// What a path can pay after the moves.
    pub(super) fn payable(&self, cells: &Cells, moves: &Moves) -> Result<Payable, Mismatch> {
        let (available, binding) = self.least(cells, moves)?;
        let amount = u64::try_from(available).ok().and_then(Amount::new).unwrap_or(Amount::ZERO);
        Ok(Payable { amount, binding })
    }

    /// The strictest mode on a path. SEMANTICS 9.6.
    pub(super) fn overrun(&self, cells: &Cells) -> Result<Overrun, Mismatch> {
        let mut strictest = Overrun::Debt;
        for account in cells.iter() {
            strictest = strictest.strictest(self.known(account)?.opened.overrun);
        }
        Ok(strictest)
    }

    /// Makes one move at every cell of a path.
    pub(super) fn move_at(
        &self,
        cells: &Cells,
        moves: &mut Moves,
        change: impl Fn(&mut Cell) -> Option<()>,
    ) -> Result<(), Mismatch> {
        for account in cells.iter() {
            let now = &self.known(account)?.cell;
            moves.change(account, now).and_then(&change).ok_or(Mismatch::Overflow { account })?;
        }
        Ok(())
    }
}

/// The accounts whose cells a hold takes from, each once.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cells {
    accounts: [AccountId; PATH_CELLS_MAX],
    count: usize,
}

impl Cells {
    pub(super) fn iter(&self) -> impl Iterator<Item = AccountId> {
        self.accounts.iter().copied().take(self.count)
    }

    pub(super) fn len(&self) -> usize {
        self.count
    }

    pub(super) fn get(&self, place: usize) -> Option<AccountId> {
        self.accounts.get(place).copied()
    }

    fn push(&mut self, account: AccountId) -> Result<(), Mismatch> {
        let place = self.accounts.get_mut(self.count).ok_or(Mismatch::PathTooLong)?;
        *place = account;
        self.count = self.count.saturating_add(1);
        Ok(())
    }
}
