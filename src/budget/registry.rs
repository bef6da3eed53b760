//! Accounts by name, and what is done to them under the one lock: opening, closing, moving, reading.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::ops::{Deref, DerefMut};

use super::Engine;
use super::account::{AccountError, AccountReading, AccountState, AccountTerms, CellCounters};
use super::cell::{CLOSED, Cell, Kind};
use super::entry::{CLOSED_FOR_GOOD, CLOSING, Entry, OPEN};
use super::restore::RestoredLimit;
use super::slot::Phase;
use super::window::Windows;
use crate::caps::Bound;
use crate::certainty::Bounded;
use crate::id::{AccountId, LimitId, Name};
use crate::limits::DEPTH_MAX;
use crate::num::{Amount, Timestamp};
use crate::sync::PoisonError;
use crate::window::Window;

/// What only the lock's holder sees.
#[derive(Debug, Default)]
pub(super) struct Registry {
    pub(super) names: BTreeMap<Name, AccountId>,
    /// Open accounts directly below each account, by handle: as many places as accounts.
    children_open: Vec<u32>,
    /// How many cells were given out.
    cells: u32,
    /// The windows of limits that are cut by them.
    pub(super) windows: BTreeMap<LimitId, Windows>,
    /// What restored counters say is reserved at a cell, and no restored hold has claimed yet; never 0.
    pub(super) unclaimed: BTreeMap<u32, u64>,
}

impl Engine {
    /// Opens the account, or finds it if it was opened on the same terms. Handles are dense, in order of opening,
    /// from 0.
    ///
    /// # Errors
    /// The name is taken on other terms, its account or the parent is closed, the parent is unknown, or a limit is
    /// reached.
    pub fn ensure_account(&self, terms: &AccountTerms) -> Result<AccountId, AccountError> {
        self.ensure_account_at(terms, Timestamp(0))
    }

    /// As [`ensure_account`](Self::ensure_account): its windows are those that hold that instant.
    ///
    /// # Errors
    /// As there.
    pub fn ensure_account_at(&self, terms: &AccountTerms, at: Timestamp) -> Result<AccountId, AccountError> {
        let mut registry = self.registry_mut();
        let Some(&account) = registry.names.get(&terms.name) else {
            let begun = |window: &Window| RestoredLimit::begun(*window, at);
            let limits: Vec<_> = terms.caps.windows().iter().map(begun).collect();
            return self.open(&mut registry, terms, &limits, AccountState::Open);
        };
        let entry = self.entry(account).ok_or(AccountError::Unknown { account })?;
        if entry.state() == AccountState::Closed {
            return Err(AccountError::Closed { account });
        }
        if entry.terms_now() != *terms {
            return Err(AccountError::TermsDiffer { account });
        }
        Ok(account)
    }

    /// The account of that name, open or closed.
    #[must_use]
    pub fn account(&self, name: &Name) -> Option<AccountId> {
        self.registry().names.get(name).copied()
    }

    /// What an account was opened with, and its parent now.
    #[must_use]
    pub fn terms(&self, account: AccountId) -> Option<AccountTerms> {
        self.entry(account).map(Entry::terms_now)
    }

    /// How many accounts there are, closed ones included.
    #[must_use]
    pub fn accounts(&self) -> u32 {
        self.count(&self.registry())
    }

    /// Closes an account that has no hold and no open account below it. Expired holds do not keep it open. Looks
    /// through all slots that were ever used.
    ///
    /// # Errors
    /// It is unknown, closed already, or still in use.
    pub fn close_account(&self, account: AccountId) -> Result<(), AccountError> {
        let mut registry = self.registry_mut();
        let entry = self.entry(account).ok_or(AccountError::Unknown { account })?;
        if entry.state() == AccountState::Closed {
            return Err(AccountError::Closed { account });
        }
        let children = registry.children_open_mut(account).copied().unwrap_or(0);
        if children != 0 {
            return Err(AccountError::ChildrenOpen { account, children });
        }
        let reserved_micros = self.all_counters(entry).expect_reserved();
        if reserved_micros != 0 || self.has_open_hold(account) {
            return Err(AccountError::HoldsOpen { account, reserved_micros });
        }
        // From here no take finds the cell open; one that came before has changed what is available, or took
        // nothing and is found in its slot.
        entry.set_state(CLOSING);
        // Every path through the account has the current cell of its first limit, or one of its stripes.
        let closes = |cell: &&Cell| {
            let counters = cell.counters();
            counters.expect_reserved() == 0 && cell.close(counters.available_micros)
        };
        let closed = self.stripes(entry).take_while(closes).count();
        if closed == usize::from(entry.stripes()) && !self.has_open_hold(account) {
            entry.set_state(CLOSED_FOR_GOOD);
            if let Some(children) = entry.parent().and_then(|parent| registry.children_open_mut(parent)) {
                *children = children.saturating_sub(1);
            }
            return Ok(());
        }
        // Nothing was reserved of these, and nothing has moved since: they count as available what they had.
        self.stripes(entry).take(closed).for_each(|cell| cell.reopen(cell.counters().available_micros));
        entry.set_state(OPEN);
        Err(AccountError::HoldsOpen { account, reserved_micros: self.all_counters(entry).expect_reserved() })
    }

    /// Puts an account below another parent, or below none. Holds keep the cells that they were taken from; paths
    /// that were made before go the old way until they are made again. Looks at every account.
    ///
    /// # Errors
    /// It, or the parent, is unknown or closed; the parent is the one that it has, or below it; or the tree would be too
    /// deep.
    pub fn reparent(&self, account: AccountId, parent: Option<AccountId>) -> Result<(), AccountError> {
        let mut registry = self.registry_mut();
        let open = |account: AccountId| match self.entry(account) {
            None => Err(AccountError::Unknown { account }),
            Some(entry) if entry.state() == AccountState::Closed => Err(AccountError::Closed { account }),
            Some(entry) => Ok(entry),
        };
        let entry = open(account)?;
        if entry.parent() == parent {
            return Err(AccountError::SameParent { account });
        }
        if let Some(parent) = parent {
            open(parent)?;
            if self.above(parent).any(|above| above == account) {
                return Err(AccountError::BelowItself { account });
            }
            let all = (0..self.count(&registry)).map(AccountId);
            let deepest = all.filter_map(|below| self.above(below).position(|above| above == account)).max();
            // OK because no tree is deeper than 8.
            let levels = self.above(parent).count().saturating_add(deepest.unwrap_or(0)).saturating_add(1);
            if levels > DEPTH_MAX {
                return Err(AccountError::TooDeep { parent });
            }
        }
        for (moved, change) in [(entry.parent(), -1), (parent, 1)] {
            if let Some(children) = moved.and_then(|parent| registry.children_open_mut(parent)) {
                *children = children.saturating_add_signed(change);
            }
        }
        entry.set_parent(parent);
        Ok(())
    }

    /// Puts a restored account below its parent.
    pub(super) fn restore_parent(
        &self,
        registry: &mut Registry,
        account: AccountId,
        parent: AccountId,
    ) -> Result<(), AccountError> {
        let entry = self.entry(account).ok_or(AccountError::Unknown { account })?;
        entry.set_parent(Some(parent));
        if entry.state() == AccountState::Open
            && let Some(children) = registry.children_open_mut(parent)
        {
            *children = children.saturating_add(1);
        }
        Ok(())
    }

    /// The account and all above it, one more than there may be at most.
    pub(super) fn above(&self, account: AccountId) -> impl Iterator<Item = AccountId> {
        core::iter::successors(Some(account), |account| self.entry(*account)?.parent())
            .take(DEPTH_MAX.saturating_add(1))
    }

    /// The counters of a limit (of an account by itself, its first) in its current window, or `None` if there is none.
    #[must_use]
    pub fn read(&self, limit: impl Into<LimitId>) -> Option<Bounded<AccountReading>> {
        let limit = limit.into();
        // Keeps `granted` still: what is reserved is derived from it.
        let registry = self.registry();
        let entry = self.entry(limit.account)?;
        let cell = self.cells.get(entry.current_of(limit.limit)?)?;
        let counters = if limit.limit == 0 { self.all_counters(entry) } else { cell.counters() };
        Some(Bounded(AccountReading {
            granted_micros: counters.granted_micros,
            available_micros: counters.available_micros,
            reserved_micros: counters.expect_reserved(),
            committed_micros: counters.committed_micros,
            lapsed_micros: counters.lapsed_micros,
            unfunded_micros: counters.unfunded_micros,
            state: entry.state(),
            span: registry.windows.get(&limit).map(|windows| windows.span).unwrap_or_default(),
        }))
    }

    /// Opens an account whose name is free, with a cell for each window of each limit, and for its caps.
    pub(super) fn open(
        &self,
        registry: &mut Registry,
        terms: &AccountTerms,
        limits: &[RestoredLimit],
        state: AccountState,
    ) -> Result<AccountId, AccountError> {
        if let Some(parent) = terms.parent {
            self.check_parent(parent, state)?;
        }
        let full = AccountError::AccountsFull { max: self.accounts_max };
        let index = self.count(registry);
        if index >= self.accounts_max {
            return Err(full);
        }
        let account = AccountId(index);
        let place = self.accounts.get_or_make(index).ok_or(full)?;
        let mut current = Vec::new();
        for (limit, restored) in (0_u8..).zip(limits) {
            let first = limit == 0 && state == AccountState::Closed;
            current.push(self.open_limit(registry, account.limit(limit), restored, first).ok_or(full)?);
        }
        let mut cap = |bound, max: Option<i64>| {
            let Some(max) = max else { return Ok(None) };
            let kind = Kind::whole(bound);
            let counters =
                CellCounters { granted_micros: max, available_micros: max, ..CellCounters::default() };
            self.open_cell(registry, account, kind, &counters).map(Some).ok_or(full)
        };
        let held = cap(Bound::Held, terms.caps.held_max().map(Amount::signed_micros))?;
        let holds = cap(Bound::Holds, terms.caps.holds_max().map(i64::from))?;
        let (first, others) = current.split_first().ok_or(AccountError::Limit { account, limit: 0 })?;
        let entry = Entry::new(terms.clone(), (*first, others), (held, holds), state);
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

    /// The cells of a limit's windows; the last is the current one, whose number is returned.
    fn open_limit(
        &self,
        registry: &mut Registry,
        limit: LimitId,
        restored: &RestoredLimit,
        closed: bool,
    ) -> Option<u32> {
        let cut = restored.window != Window::Lifetime;
        let bound = Bound::Limit(limit.limit);
        let mut windows = Windows::new(restored.window, restored.current.0, restored.allowance);
        for (span, counters) in &restored.ended {
            let kind = Kind { bound, cut, ended: true };
            let owed = Cell::above_floor(0, counters.available_micros);
            let counters = CellCounters { available_micros: CLOSED, ..*counters };
            let cell = self.open_cell(registry, limit.account, kind, &counters)?;
            windows.keep(span.start, cell, owed);
        }
        let (_, counters) = restored.current;
        let available_micros = if closed { CLOSED } else { counters.available_micros };
        let counters = CellCounters { available_micros, ..counters };
        let current =
            self.open_cell(registry, limit.account, Kind { bound, cut, ended: false }, &counters)?;
        if cut {
            registry.windows.insert(limit, windows);
        }
        Some(current)
    }

    /// A cell that was never used.
    pub(super) fn open_cell(
        &self,
        registry: &mut Registry,
        account: AccountId,
        kind: Kind,
        counters: &CellCounters,
    ) -> Option<u32> {
        let index = registry.cells;
        self.cells.get_or_make(index)?.open(account, kind, counters);
        registry.cells = index.checked_add(1)?;
        Some(index)
    }

    fn check_parent(&self, parent: AccountId, state: AccountState) -> Result<(), AccountError> {
        let above = self.entry(parent).ok_or(AccountError::Unknown { account: parent })?;
        if above.state() == AccountState::Closed && state == AccountState::Open {
            return Err(AccountError::Closed { account: parent });
        }
        if self.above(parent).count() < DEPTH_MAX { Ok(()) } else { Err(AccountError::TooDeep { parent }) }
    }

    fn count(&self, registry: &Registry) -> u32 {
        // OK because there are at most 2^24.
        u32::try_from(registry.children_open.len()).unwrap_or(u32::MAX)
    }

    /// Whether a slot keeps money of this account, or may come to.
    fn has_open_hold(&self, account: AccountId) -> bool {
        self.holds.used().any(|slot| {
            matches!(slot.word().phase, Phase::Taking | Phase::Open | Phase::Extending)
                && self.cells_of(slot.path().cells()).any(|cell| cell.account() == account)
        })
    }

    /// The account whose cell this is, unless the cell was never opened.
    pub(super) fn owner(&self, cell: u32) -> Option<(AccountId, &Entry)> {
        let cell = self.cells.get(cell)?;
        cell.kind()?;
        Some((cell.account(), self.entry(cell.account())?))
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
    pub(super) fn claim(&mut self, cell: u32, amount: Amount) {
        if let Some(unclaimed) = self.unclaimed.get_mut(&cell) {
            *unclaimed = unclaimed.saturating_sub(amount.micros());
            if *unclaimed == 0 {
                self.unclaimed.remove(&cell);
            }
        }
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
