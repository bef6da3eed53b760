//! Windows that end and begin: what is left lapses, debt is carried over. `docs/SEMANTICS.md` 18.1 to 18.3.

use alloc::collections::{BTreeMap, VecDeque};

use super::Engine;
use super::account::{AccountError, AccountState, CellCounters};
use super::cell::{Attempt, Cell, Kind};
use super::entry::Entry;
use super::hold::Hold;
use super::path::Path;
use super::registry::Registry;
use crate::caps::Bound;
use crate::id::{AccountId, LimitId};
use crate::limits::ENDED_LOOKS_MAX;
use crate::num::{Amount, Timestamp};
use crate::window::{Span, Window};

/// The windows of one limit that is cut by them.
#[derive(Debug)]
pub(super) struct Windows {
    pub(super) window: Window,
    pub(super) span: Span,
    /// What each window begins with.
    pub(super) allowance: Amount,
    /// The cells of windows that have ended, by when these began: each is used again, for a later window of this limit,
    /// once no hold names it.
    pub(super) ended: BTreeMap<Timestamp, u32>,
    /// When they began, in the order in which they are looked at for that.
    queue: VecDeque<Timestamp>,
    /// What ended windows owe, by their cells; never 0.
    owed: BTreeMap<u32, Amount>,
}

impl Engine {
    /// Ends the windows of an account, and of all above it, that are over at that instant; those that hold it begin.
    /// What is left of an ended one lapses, its debt is carried over. Paths that were made before are of no use then.
    /// An instant before the windows' ends changes nothing.
    ///
    /// # Errors
    /// The account is unknown, or there is no room for another cell.
    pub fn roll(&self, account: AccountId, now: Timestamp) -> Result<(), AccountError> {
        let mut next = Some(account);
        while let Some(account) = next {
            let entry = self.entry(account).ok_or(AccountError::Unknown { account })?;
            if !entry.terms.caps.are_usual() {
                self.roll_one(account, entry, now)?;
            }
            next = entry.parent();
        }
        Ok(())
    }

    /// Ends the windows that are over of the accounts of a hold's cells.
    pub(crate) fn roll_hold(&self, hold: Hold, now: Timestamp) -> Result<(), AccountError> {
        match self.holds.get(hold.slot) {
            Some(slot) if !slot.is_plain() => self.roll_at(&slot.path(), now),
            _ => Ok(()),
        }
    }

    /// Ends the windows that are over of the accounts of a path.
    pub(crate) fn roll_at(&self, path: &Path, now: Timestamp) -> Result<(), AccountError> {
        if path.cut {
            for cell in self.cells_of(path.cells()) {
                let account = cell.account();
                let entry = self.entry(account).ok_or(AccountError::Unknown { account })?;
                self.roll_one(account, entry, now)?;
            }
        }
        Ok(())
    }

    fn roll_one(&self, account: AccountId, entry: &Entry, now: Timestamp) -> Result<(), AccountError> {
        {
            let registry = self.registry();
            let over = |limit| registry.windows.get(&limit).and_then(|windows| windows.next(now)).is_some();
            let mut limits = (0_u8..).zip(entry.terms.caps.windows()).map(|(limit, _)| account.limit(limit));
            if !limits.any(over) {
                return Ok(());
            }
        }
        let mut registry = self.registry_mut();
        if entry.state() == AccountState::Closed {
            return Ok(());
        }
        self.end_over(&mut registry, account, entry, now)
    }

    /// Ends the windows of an open account that are over by then, under the lock under which it was seen to be open.
    pub(super) fn end_over(
        &self,
        registry: &mut Registry,
        account: AccountId,
        entry: &Entry,
        now: Timestamp,
    ) -> Result<(), AccountError> {
        for (limit, _) in (0_u8..).zip(entry.terms.caps.windows()) {
            let limit = account.limit(limit);
            if let Some((to, between)) = registry.windows.get(&limit).and_then(|windows| windows.next(now)) {
                self.end_and_begin(registry, limit, entry, to, between)?;
            }
        }
        Ok(())
    }

    /// Ends the current window of a limit whose boundaries are given, and those of the account that are over by then;
    /// the next begins at that instant, or 1 ns after the last one's beginning where that is later.
    ///
    /// # Errors
    /// The account is unknown or closed, or has no such limit, or its windows end by themselves, or the last one began at
    /// the last instant. Nothing has changed then. Or there is no room for another cell.
    pub fn end_window(&self, limit: impl Into<LimitId>, now: Timestamp) -> Result<(), AccountError> {
        let limit = limit.into();
        let account = limit.account;
        let entry = self.entry(account).ok_or(AccountError::Unknown { account })?;
        // Before the first look: an account that is open then does not close before its windows have ended.
        let mut registry = self.registry_mut();
        if entry.state() == AccountState::Closed {
            return Err(AccountError::Closed { account });
        }
        match entry.terms.caps.windows().get(usize::from(limit.limit)) {
            None => return Err(AccountError::Limit { account, limit: limit.limit }),
            Some(Window::Given) => {}
            Some(_) => return Err(AccountError::NotGiven { account, limit: limit.limit }),
        }
        let began = registry.windows.get(&limit).map(|windows| windows.span.start).unwrap_or_default();
        let last = AccountError::LastInstant { account, limit: limit.limit };
        let after = began.checked_add_ns(1).ok_or(last)?;
        self.end_over(&mut registry, account, entry, now)?;
        self.end_and_begin(&mut registry, limit, entry, Window::Given.span(now.max(after)), 0)
    }

    fn end_and_begin(
        &self,
        registry: &mut Registry,
        limit: LimitId,
        entry: &Entry,
        to: Span,
        between: u64,
    ) -> Result<(), AccountError> {
        let no_limit = AccountError::Limit { account: limit.account, limit: limit.limit };
        let full = AccountError::AccountsFull { max: self.accounts_max };
        let old = entry.current_of(limit.limit).ok_or(no_limit)?;
        let fresh = self.fresh_window(registry, limit).ok_or(full)?;
        let (ending, beginning) = self.cells.get(old).zip(self.cells.get(fresh)).ok_or(full)?;
        let windows = registry.windows.get_mut(&limit).ok_or(no_limit)?;
        entry.set_current(limit.limit, fresh);
        let left_micros = ending.end();
        ending.lapse(Cell::above_floor(left_micros, 0));
        let debt_micros = left_micros.min(0).saturating_neg();
        let carried = windows.carried(debt_micros, between);
        // OK because no more is carried over than the debt.
        ending.change_granted(debt_micros.saturating_sub(carried.signed_micros()));
        beginning.begin_with(windows.allowance.signed_micros().saturating_sub(carried.signed_micros()));
        beginning.end_attempt(Attempt::Undone);
        windows.keep(windows.span.start, old, carried);
        windows.span = to;
        Ok(())
    }

    /// A cell for a new window: one of an ended window that no hold names, or one that was never used. It is marked:
    /// who finds it before it has its money finds it in flux, and looks again.
    fn fresh_window(&self, registry: &mut Registry, limit: LimitId) -> Option<u32> {
        let kind = Kind { bound: Bound::Limit(limit.limit), cut: true, ended: false };
        let windows = registry.windows.get_mut(&limit)?;
        let is_idle = |cell: u32| self.cells.get(cell).is_some_and(|cell| !cell.is_pinned());
        if let Some(index) = windows.take_idle(is_idle) {
            let cell = self.cells.get(index)?;
            cell.begin_attempt();
            cell.open(limit.account, kind, &CellCounters::default());
            return Some(index);
        }
        let index = self.open_cell(registry, limit.account, kind, &CellCounters::default())?;
        self.cells.get(index)?.begin_attempt();
        Some(index)
    }

    /// Keeps the windows of a path, which this engine made, from being used again after they have ended, until as many
    /// [`unpin`](Self::unpin) as pins were made. A hold keeps its own while it is there. Who adjusts what it has spent keeps
    /// them beyond: a path with windows is pinned before its hold ends, until it is adjusted no more.
    pub fn pin(&self, path: &Path) {
        if path.cut {
            self.cells_of(path.cells()).for_each(Cell::pin);
        }
    }

    /// The end of one [`pin`](Self::pin): once for each, or the windows of others that still need them are used again.
    pub fn unpin(&self, path: &Path) {
        if path.cut {
            self.cells_of(path.cells()).for_each(Cell::unpin);
        }
    }
}

impl Windows {
    /// The windows of a limit none of whose has ended.
    pub(super) fn new(window: Window, span: Span, allowance: Amount) -> Self {
        let (ended, queue, owed) = (BTreeMap::new(), VecDeque::new(), BTreeMap::new());
        Self { window, span, allowance, ended, queue, owed }
    }

    /// Keeps the cell of a window that has ended, and what it owes.
    pub(super) fn keep(&mut self, began: Timestamp, cell: u32, owed: Amount) {
        self.ended.insert(began, cell);
        self.queue.push_back(began);
        self.owe(cell, owed);
    }

    pub(super) fn owed(&self, cell: u32) -> Amount {
        self.owed.get(&cell).copied().unwrap_or(Amount::ZERO)
    }

    /// An ended window owes more.
    pub(super) fn owe(&mut self, cell: u32, more: Amount) {
        if more != Amount::ZERO {
            // OK because no more is lent than keeps it an amount.
            let owed = self.owed(cell).checked_add(more).unwrap_or(Amount::MAX);
            self.owed.insert(cell, owed);
        }
    }

    /// Makes up for what an ended window owes, by as much of that amount as it owes.
    pub(super) fn make_up(&mut self, cell: u32, amount: Amount) -> Amount {
        let owed = self.owed(cell);
        match owed.checked_sub(amount) {
            Some(rest) if rest != Amount::ZERO => {
                self.owed.insert(cell, rest);
                amount
            }
            _ => {
                self.owed.remove(&cell);
                owed
            }
        }
    }

    /// A cell of an ended window that is idle. A few are looked at, and those that are not are looked at last the next
    /// times: however many holds keep, a window ends as fast, and what is idle is found.
    fn take_idle(&mut self, is_idle: impl Fn(u32) -> bool) -> Option<u32> {
        for _ in 0..self.queue.len().min(ENDED_LOOKS_MAX) {
            let began = self.queue.pop_front()?;
            let cell = *self.ended.get(&began)?;
            if is_idle(cell) {
                self.ended.remove(&began);
                self.owed.remove(&cell);
                return Some(cell);
            }
            self.queue.push_back(began);
        }
        None
    }

    /// What of a debt is carried over: what the windows between do not pay.
    pub(super) fn carried(&self, debt_micros: i64, between: u64) -> Amount {
        let allowed = u128::from(between).saturating_mul(u128::from(self.allowance.micros()));
        let carried = u128::from(debt_micros.unsigned_abs()).saturating_sub(allowed);
        u64::try_from(carried).ok().and_then(Amount::new).unwrap_or(Amount::MAX)
    }

    /// The window that holds the instant, and how many lie between, if the current one is over by then.
    pub(super) fn next(&self, now: Timestamp) -> Option<(Span, u64)> {
        if self.window == Window::Given || now < self.span.end {
            return None;
        }
        let next = self.window.span(now);
        (self.span.start < next.start).then(|| (next, self.window.between(self.span.end, next.start)))
    }
}

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests {
    use alloc::vec;
    use alloc::vec::Vec;

    use super::*;
    use crate::budget::{AccountTerms, EngineOptions};
    use crate::caps::{Caps, CapsDraft};
    use crate::id::Name;

    #[test]
    fn an_idle_cell_is_found_among_many_that_are_kept() {
        let engine = Engine::new(EngineOptions::default());
        let caps = Caps::new(CapsDraft { windows: vec![Window::Given], ..CapsDraft::default() }).unwrap();
        let terms = AccountTerms { caps, ..AccountTerms::new(Name::new("a").unwrap()) };
        let account = engine.ensure_account(&terms).unwrap();
        let next = |at| {
            engine.end_window(account, Timestamp(at)).unwrap();
            engine.entry(account).unwrap().first()
        };
        let hold = |at| {
            let hold = engine.reserve(&engine.path(&[account]).unwrap(), Amount::ZERO).unwrap();
            (hold, next(at))
        };
        let (holds, cells): (Vec<_>, Vec<_>) = (1..=20).map(hold).unzip();
        // Each has a cell of its own while holds name them all.
        assert_eq!(cells, (1..=20).collect::<Vec<_>>());
        let _ = engine.release(holds[10]).unwrap();
        let found: Vec<_> = (21..24).map(next).collect();
        assert!(found.contains(&10), "eight are looked at each time, and then others: {found:?}");
    }
}
