//! Accounts by name, and what is done to them under the one lock: opening, granting, closing, reading.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::ops::{Deref, DerefMut};

use super::Engine;
use super::account::{AccountError, AccountReading, AccountState, AccountTerms, CellCounters, GrantError};
use super::cell::{CLOSED, Cell};
use super::slot::Phase;
use super::take::Shortfall;
use crate::id::{AccountId, Name};
use crate::limits::DEPTH_MAX;
use crate::num::Amount;
use crate::sync::{AtomicU32, Ordering, PoisonError};

/// What only the lock's holder sees.
#[derive(Debug, Default)]
pub(super) struct Registry {
    pub(super) names: BTreeMap<Name, AccountId>,
    /// Open accounts directly below each account, by handle: as many places as accounts.
    children_open: Vec<u32>,
    /// What restored counters say is reserved and no restored hold has claimed yet; never 0.
    pub(super) unclaimed: BTreeMap<AccountId, u64>,
}

/// An account, apart from its money: all but its state is written once, before it is published.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) terms: AccountTerms,
    /// Levels from its root, which is at 1.
    depth: usize,
    /// The cell of its lifetime limit.
    pub(super) cell: u32,
    /// Changes under the lock only.
    state: AtomicU32,
}

const OPEN: u32 = 0;
/// Its cell is closed for now, until it is certain that no hold is open.
const CLOSING: u32 = 1;
const CLOSED_FOR_GOOD: u32 = 2;

impl Engine {
    /// Opens the account, or finds it if it was opened on the same terms. Handles are dense, in order of opening,
    /// from 0.
    ///
    /// # Errors
    /// The name is taken on other terms, its account or the parent is closed, the parent is unknown, or a limit is
    /// reached.
    pub fn ensure_account(&self, terms: &AccountTerms) -> Result<AccountId, AccountError> {
        let mut registry = self.registry_mut();
        let Some(&account) = registry.names.get(&terms.name) else {
            return self.open(&mut registry, terms, &CellCounters::default(), AccountState::Open);
        };
        let entry = self.entry(account).ok_or(AccountError::Unknown { account })?;
        if entry.state() == AccountState::Closed {
            return Err(AccountError::Closed { account });
        }
        if entry.terms != *terms {
            return Err(AccountError::TermsDiffer { account });
        }
        Ok(account)
    }

    /// The account of that name, open or closed.
    #[must_use]
    pub fn account(&self, name: &Name) -> Option<AccountId> {
        self.registry().names.get(name).copied()
    }

    /// What an account was opened with.
    #[must_use]
    pub fn terms(&self, account: AccountId) -> Option<AccountTerms> {
        self.entry(account).map(|entry| entry.terms)
    }

    /// How many accounts there are, closed ones included.
    #[must_use]
    pub fn accounts(&self) -> u32 {
        // OK because there are at most 2^24.
        u32::try_from(self.registry().children_open.len()).unwrap_or(u32::MAX)
    }

    /// Adds to what an account has been granted, or takes back, when below zero, from what it has available.
    /// No other account changes.
    ///
    /// # Errors
    /// The account is unknown or closed, what is granted would pass [`Amount::MAX`], or less is available than is to
    /// be taken back. Nothing has changed then.
    pub fn grant(&self, account: AccountId, delta_micros: i64) -> Result<(), GrantError> {
        let _registry = self.registry_mut();
        let entry = self.entry(account).ok_or(GrantError::Unknown { account })?;
        let cell = self.cells.get(entry.cell).ok_or(GrantError::Unknown { account })?;
        if entry.state() == AccountState::Closed {
            return Err(GrantError::Closed { account });
        }
        let granted = cell.granted();
        // INVARIANT I6: both sides change by the same amount, and `available` stays at most `granted` at every
        // moment: up, `granted` goes first; down, it goes last.
        let Some(amount) = Amount::new(delta_micros.unsigned_abs()) else {
            return Err(GrantError::AboveAvailable { available_micros: cell.available(), delta_micros });
        };
        if delta_micros >= 0 {
            let sum =
                granted.checked_add(amount).ok_or(GrantError::AboveMaximum { granted, delta_micros })?;
            cell.set_granted(sum);
            cell.put_back(amount);
            return Ok(());
        }
        self.take(&[entry.cell], amount).map_err(|shortfall| match shortfall {
            Shortfall::Insufficient { available_micros, .. } => {
                GrantError::AboveAvailable { available_micros, delta_micros }
            }
            Shortfall::Closed { account } => GrantError::Closed { account },
            Shortfall::Contended => GrantError::Contended,
            Shortfall::Foreign => GrantError::Unknown { account },
        })?;
        // OK because what was available was granted.
        cell.set_granted(granted.checked_sub(amount).unwrap_or(Amount::ZERO));
        Ok(())
    }

    /// Closes an account that has no hold and no open account below it. Expired holds do not keep it open. Looks
    /// through all slots that were ever used.
    ///
    /// # Errors
    /// It is unknown, closed already, or still in use.
    pub fn close_account(&self, account: AccountId) -> Result<(), AccountError> {
        let mut registry = self.registry_mut();
        let entry = self.entry(account).ok_or(AccountError::Unknown { account })?;
        let cell = self.cells.get(entry.cell).ok_or(AccountError::Unknown { account })?;
        if entry.state() == AccountState::Closed {
            return Err(AccountError::Closed { account });
        }
        let children = registry.children_open_mut(account).copied().unwrap_or(0);
        if children != 0 {
            return Err(AccountError::ChildrenOpen { account, children });
        }
        let counters = cell.counters();
        let reserved_micros = counters.expect_reserved();
        if reserved_micros != 0 || self.has_open_hold(entry.cell) {
            return Err(AccountError::HoldsOpen { account, reserved_micros });
        }
        // From here no take finds the cell open; one that came before has changed what is available, or took
        // nothing and is found in its slot.
        entry.set_state(CLOSING);
        let closed = cell.close(counters.available_micros);
        if closed && !self.has_open_hold(entry.cell) {
            entry.set_state(CLOSED_FOR_GOOD);
            if let Some(children) = entry.terms.parent.and_then(|parent| registry.children_open_mut(parent)) {
                *children = children.saturating_sub(1);
            }
            return Ok(());
        }
        if closed {
            cell.reopen(counters.available_micros);
        }
        entry.set_state(OPEN);
        Err(AccountError::HoldsOpen { account, reserved_micros: cell.counters().expect_reserved() })
    }

    /// An account's counters, or `None` if it is unknown.
    #[must_use]
    pub fn read(&self, account: AccountId) -> Option<AccountReading> {
        // Keeps `granted` still: what is reserved is derived from it.
        let _registry = self.registry();
        let entry = self.entry(account)?;
        let counters = self.cells.get(entry.cell)?.counters();
        Some(AccountReading {
            granted: counters.granted,
            available_micros: counters.available_micros,
            reserved_micros: counters.expect_reserved(),
            committed_micros: counters.committed_micros,
            lapsed_micros: counters.lapsed_micros,
            unfunded_micros: counters.unfunded_micros,
            state: entry.state(),
        })
    }

    /// Opens an account whose name is free.
    pub(super) fn open(
        &self,
        registry: &mut Registry,
        terms: &AccountTerms,
        counters: &CellCounters,
        state: AccountState,
    ) -> Result<AccountId, AccountError> {
        let depth = match terms.parent {
            None => 1,
            Some(parent) => self.depth_below(parent, state)?,
        };
        let full = AccountError::AccountsFull { max: self.accounts_max };
        let index = u32::try_from(registry.children_open.len()).map_err(|_| full)?;
        if index >= self.accounts_max {
            return Err(full);
        }
        let account = AccountId(index);
        // Today the cell of an account's one limit has the account's number.
        let cell_index = index;
        let (place, cell) =
            self.accounts.get_or_make(index).zip(self.cells.get_or_make(cell_index)).ok_or(full)?;
        let (cell_counters, state_word) = match state {
            AccountState::Open => (*counters, OPEN),
            AccountState::Closed => (CellCounters { available_micros: CLOSED, ..*counters }, CLOSED_FOR_GOOD),
        };
        cell.open(account, &cell_counters);
        let entry = Entry { terms: *terms, depth, cell: cell_index, state: AtomicU32::new(state_word) };
        let published = place.set(entry).is_ok();
        assert!(published, "the first free place is free");
        registry.names.insert(terms.name, account);
        registry.children_open.push(0);
        if state == AccountState::Open
            && let Some(children) = terms.parent.and_then(|parent| registry.children_open_mut(parent))
        {
            // OK because there are at most 2^24 accounts.
            *children = children.saturating_add(1);
        }
        Ok(account)
    }

    fn depth_below(&self, parent: AccountId, state: AccountState) -> Result<usize, AccountError> {
        let above = self.entry(parent).ok_or(AccountError::Unknown { account: parent })?;
        if above.state() == AccountState::Closed && state == AccountState::Open {
            return Err(AccountError::Closed { account: parent });
        }
        above.depth.checked_add(1).filter(|&depth| depth <= DEPTH_MAX).ok_or(AccountError::TooDeep { parent })
    }

    /// Whether a slot keeps money of this cell, or may come to.
    fn has_open_hold(&self, cell: u32) -> bool {
        self.holds.used().any(|slot| {
            matches!(slot.word().phase, Phase::Taking | Phase::Open | Phase::Extending)
                && slot.path().cells().contains(&cell)
        })
    }

    /// The account whose cell this is, unless the cell was never opened.
    pub(super) fn owner(&self, cell: u32) -> Option<(AccountId, &Entry)> {
        let account = self.cells.get(cell).map(Cell::account)?;
        let entry = self.entry(account)?;
        (entry.cell == cell).then_some((account, entry))
    }

    pub(super) fn entry(&self, account: AccountId) -> Option<&Entry> {
        self.accounts.get(account.0)?.get()
    }

    pub(super) fn registry(&self) -> impl Deref<Target = Registry> {
        // A call that panicked under the lock left the registry whole: its changes are single insertions.
        self.registry.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn registry_mut(&self) -> impl DerefMut<Target = Registry> {
        self.registry.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Registry {
    fn children_open_mut(&mut self, account: AccountId) -> Option<&mut u32> {
        self.children_open.get_mut(usize::try_from(account.0).ok()?)
    }

    /// Counts a restored hold's amount, which the caller has checked, as claimed.
    pub(super) fn claim(&mut self, account: AccountId, amount: Amount) {
        if let Some(unclaimed) = self.unclaimed.get_mut(&account) {
            *unclaimed = unclaimed.saturating_sub(amount.micros());
            if *unclaimed == 0 {
                self.unclaimed.remove(&account);
            }
        }
    }
}

impl Entry {
    pub(super) fn state(&self) -> AccountState {
        // ORDERING: Acquire pairs with `set_state`. Whoever read a closed word in the cell has acquired the closing
        // that wrote it, and reads at least that closing's state here.
        match self.state.load(Ordering::Acquire) {
            CLOSED_FOR_GOOD => AccountState::Closed,
            _ => AccountState::Open,
        }
    }

    fn set_state(&self, state: u32) {
        // ORDERING: Release pairs with `state`.
        self.state.store(state, Ordering::Release);
    }
}

impl CellCounters {
    /// What is reserved, by a cell's own counters.
    fn expect_reserved(&self) -> u64 {
        let reserved = self.reserved_micros();
        // INVARIANT I6: money leaves `available` before it is a hold's, and a hold ends before it is booked.
        assert!(reserved.is_some(), "a cell has booked more than it was granted: {self:?}");
        reserved.unwrap_or(0)
    }
}
