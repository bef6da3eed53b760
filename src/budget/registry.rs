//! Accounts by name, and what is done to them under the one lock: opening, granting, closing, reading.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::ops::{Deref, DerefMut};

use super::Engine;
use super::account::{AccountError, AccountReading, AccountState, AccountTerms, CellCounters, GrantError};
use super::cell::{CLOSED, Cell, Kind};
use super::restore::RestoredLimit;
use super::slot::Phase;
use super::take::{Demand, Shortfall};
use super::window::Windows;
use crate::caps::Bound;
use crate::certainty::Bounded;
use crate::id::{AccountId, LimitId, Name};
use crate::limits::DEPTH_MAX;
use crate::num::{Amount, Timestamp};
use crate::sync::{AtomicU32, Ordering, PoisonError};
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

/// An account, apart from its money: all but its state, its parent and its current windows is written once, before it
/// is published.
#[derive(Debug)]
pub(super) struct Entry {
    /// As it was opened: its parent may be another by now.
    pub(super) terms: AccountTerms,
    parent: AtomicU32,
    /// The current cells of its limits, one or more.
    first: AtomicU32,
    others: Box<[AtomicU32]>,
    /// The first of its further stripes, which have one number after the other, and how many stripes it has in all;
    /// set by who has the engine alone.
    further_stripes: AtomicU32,
    stripes: AtomicU32,
    /// The cell of its cap on what is held, and of that on holds.
    pub(super) held: Option<u32>,
    pub(super) holds: Option<u32>,
    /// Changes under the lock only.
    state: AtomicU32,
}

/// No account.
const NONE: u32 = u32::MAX;

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

    /// Adds to what a limit has been granted (of an account by itself, its first), or takes back, when below zero,
    /// from what it has available in its current window. So much more or less is what each later window begins with.
    /// No other account changes.
    ///
    /// # Errors
    /// The account is unknown or closed, it has no such limit, what is granted would pass [`Amount::MAX`], or less is
    /// available than is to be taken back. Nothing has changed then.
    pub fn grant(&self, limit: impl Into<LimitId>, delta_micros: i64) -> Result<(), GrantError> {
        self.grant_under(&mut self.registry_mut(), limit.into(), delta_micros)
    }

    /// The open account of a limit, and its current cell.
    pub(super) fn grantable(&self, limit: LimitId) -> Result<(&Entry, u32, &Cell), GrantError> {
        let LimitId { account, limit: number } = limit;
        let entry = self.entry(account).ok_or(GrantError::Unknown { account })?;
        if entry.state() == AccountState::Closed {
            return Err(GrantError::Closed { account });
        }
        let no_limit = GrantError::Limit { account, limit: number };
        let index = entry.current_of(number).ok_or(no_limit)?;
        Ok((entry, index, self.cells.get(index).ok_or(no_limit)?))
    }

    /// As [`grant`](Self::grant), for who holds the registry's lock for writing.
    pub(super) fn grant_under(
        &self,
        registry: &mut Registry,
        limit: LimitId,
        delta_micros: i64,
    ) -> Result<(), GrantError> {
        let account = limit.account;
        let (entry, index, cell) = self.grantable(limit)?;
        let counters = if limit.limit == 0 { self.all_counters(entry) } else { cell.counters() };
        // What is granted to a window is never above the allowance.
        let allowance = match registry.windows.get(&limit) {
            Some(windows) => windows.allowance.signed_micros(),
            None => counters.granted_micros,
        };
        // INVARIANT I6: both sides change by the same amount, and `available` stays at most `granted` at every
        // moment: up, `granted` goes first; down, it goes last.
        let Some(amount) = Amount::new(delta_micros.unsigned_abs()) else {
            return Err(GrantError::AboveAvailable {
                available_micros: counters.available_micros,
                delta_micros,
            });
        };
        if delta_micros >= 0 {
            let above = GrantError::AboveMaximum { granted_micros: allowance, delta_micros };
            allowance.checked_add(delta_micros).ok_or(above)?;
            cell.change_granted(delta_micros);
            cell.put_back(amount);
        } else {
            self.take_under(registry, Demand::amount(&[index], amount)).map_err(
                |shortfall| match shortfall {
                    Shortfall::Insufficient { available_micros, .. } => {
                        GrantError::AboveAvailable { available_micros, delta_micros }
                    }
                    Shortfall::Closed { account } => GrantError::Closed { account },
                    Shortfall::Contended | Shortfall::WindowEnded { .. } => GrantError::Contended,
                    Shortfall::Foreign => GrantError::Unknown { account },
                },
            )?;
            cell.change_granted(delta_micros);
        }
        if let Some(windows) = registry.windows.get_mut(&limit) {
            // OK because it was seen above to be an amount.
            let allowance = u64::try_from(allowance.saturating_add(delta_micros)).ok().and_then(Amount::new);
            windows.allowance = allowance.unwrap_or(windows.allowance);
        }
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
        // ORDERING: Release pairs with `Entry::parent`.
        entry.parent.store(parent.map_or(NONE, |parent| parent.0), Ordering::Release);
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
        // ORDERING: as in `reparent`.
        entry.parent.store(parent.0, Ordering::Release);
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
        let mut current = current.into_iter().map(AtomicU32::new);
        let first = current.next().ok_or(AccountError::Limit { account, limit: 0 })?;
        let entry = Entry {
            terms: terms.clone(),
            parent: AtomicU32::new(terms.parent.map_or(NONE, |parent| parent.0)),
            first,
            others: current.collect(),
            further_stripes: AtomicU32::new(0),
            stripes: AtomicU32::new(1),
            held,
            holds,
            state: AtomicU32::new(match state {
                AccountState::Open => OPEN,
                AccountState::Closed => CLOSED_FOR_GOOD,
            }),
        };
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

impl Entry {
    pub(super) fn parent(&self) -> Option<AccountId> {
        // ORDERING: Acquire pairs with `reparent`.
        let parent = self.parent.load(Ordering::Acquire);
        (parent != NONE).then_some(AccountId(parent))
    }

    fn terms_now(&self) -> AccountTerms {
        AccountTerms { parent: self.parent(), ..self.terms.clone() }
    }

    /// The current cell of its first limit.
    pub(super) fn first(&self) -> u32 {
        // ORDERING: Acquire pairs with `set_current`: who sees a new window's cell sees it opened.
        self.first.load(Ordering::Acquire)
    }

    /// The current cells of its limits.
    pub(super) fn current(&self) -> impl Iterator<Item = u32> {
        // ORDERING: as in `first`.
        let others = self.others.iter().map(|cell| cell.load(Ordering::Acquire));
        core::iter::once(self.first()).chain(others)
    }

    /// As `current`; of a striped account, the cell of that stripe.
    pub(super) fn current_on(&self, stripe: usize) -> impl Iterator<Item = u32> {
        let stripes = usize::from(self.stripes());
        let stripe = self.stripe_cells().nth(stripe.checked_rem(stripes).unwrap_or(0));
        stripe.into_iter().chain(self.current().skip(1))
    }

    /// The cells of its stripes, the first of which is that of its first limit; one of an account that is not striped.
    pub(super) fn stripe_cells(&self) -> impl Iterator<Item = u32> + Clone {
        // ORDERING: Relaxed, here and below: the exclusive access to the engine orders it.
        let others = self.further_stripes.load(Ordering::Relaxed);
        let further = u32::from(self.stripes()).saturating_sub(1);
        core::iter::once(self.first()).chain(others..others.saturating_add(further))
    }

    pub(super) fn stripes(&self) -> u8 {
        // ORDERING: as in `stripe_cells`.
        u8::try_from(self.stripes.load(Ordering::Relaxed)).unwrap_or(1)
    }

    /// Sets how many stripes it has, and where all but the first begin.
    pub(super) fn set_stripes(&self, further: u32, stripes: u8) {
        // ORDERING: as in `stripe_cells`.
        self.further_stripes.store(further, Ordering::Relaxed);
        self.stripes.store(stripes.into(), Ordering::Relaxed);
    }

    pub(super) fn current_of(&self, limit: u8) -> Option<u32> {
        self.current().nth(usize::from(limit))
    }

    /// Makes a window current whose cell is open. The caller holds the registry's lock for writing.
    pub(super) fn set_current(&self, limit: u8, cell: u32) {
        let place = match usize::from(limit).checked_sub(1) {
            None => Some(&self.first),
            Some(other) => self.others.get(other),
        };
        if let Some(place) = place {
            // ORDERING: Release pairs with `first` and `current`.
            place.store(cell, Ordering::Release);
        }
    }

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
