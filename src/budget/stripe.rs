//! An account's money in several cells, so that threads that work on it do not meet. `docs/CONCURRENCY.md` B10.

use super::Engine;
use super::account::{AccountError, AccountState, CellCounters};
use super::cell::{Cell, Kind, Survey};
use super::entry::Entry;
use super::registry::Registry;
use crate::caps::Bound;
use crate::id::AccountId;
use crate::limits::STRIPES_MAX;
use crate::num::Amount;
use crate::overrun::Overrun;
use crate::window::Window;

impl Engine {
    /// Lays an account out in that many stripes: cells that threads can reserve on beside each other, by paths of
    /// [`path_on_stripe`](Self::path_on_stripe). All that is said and done of the account is as before; where a stripe
    /// has too little, what the others have is moved to it before anything is denied.
    ///
    /// Worth it for an account that several threads reserve on all the time; what is done of it under the lock, and a
    /// reserve that its stripe cannot pay, looks at every stripe.
    ///
    /// # Errors
    /// The account is unknown or closed, has another number of stripes already (each begins with 1), is cut by windows,
    /// has several limits, or is or may go into debt (which one stripe could not keep the others from); or there are
    /// to be more than 16 stripes; or there is no room.
    pub fn stripe(&mut self, account: AccountId, stripes: u8) -> Result<(), AccountError> {
        let mut registry = self.registry_mut();
        let entry = self.entry(account).ok_or(AccountError::Unknown { account })?;
        if entry.state() == AccountState::Closed {
            return Err(AccountError::Closed { account });
        }
        let whole = entry.terms.caps.windows() == [Window::Lifetime]
            && entry.terms.overrun != Overrun::Debt
            && self.all_counters(entry).available_micros >= 0;
        match entry.stripes() {
            now if now == stripes => return Ok(()),
            1 if whole && (2..=STRIPES_MAX).contains(&stripes) => {}
            _ => return Err(AccountError::Stripes { account, stripes }),
        }
        let full = AccountError::AccountsFull { max: self.accounts_max };
        let first = self.cells.get(entry.first()).ok_or(full)?;
        let mut others = None;
        for _ in 1..stripes {
            let kind = Kind::whole(Bound::Limit(0));
            let none = CellCounters::default();
            let cell = self.open_cell(&mut registry, account, kind, &none).ok_or(full)?;
            self.cells.get(cell).ok_or(full)?.set_striped();
            // These are given out one after the other, under the lock.
            others = others.or(Some(cell));
        }
        first.set_striped();
        entry.set_stripes(others.ok_or(full)?, stripes);
        Ok(())
    }

    /// The stripes of a striped account.
    pub(super) fn stripes<'a>(&'a self, entry: &'a Entry) -> impl Iterator<Item = &'a Cell> + Clone {
        entry.stripe_cells().filter_map(|cell| self.cells.get(cell))
    }

    /// What all stripes have together, while no money moves between them.
    ///
    /// It is definite if nothing came back to any of them from the first look to the last: then they had no more than
    /// this when the last look ended.
    pub(super) fn pool(&self, entry: &Entry) -> Survey {
        let marks =
            || self.stripes(entry).try_fold(0_u64, |sum, cell| Some(sum.wrapping_add(cell.settled_marks()?)));
        let before = marks();
        let sum: i64 = self.stripes(entry).fold(0, |sum, cell| sum.saturating_add(cell.available()));
        Survey { available_micros: sum, definite: before.is_some() && before == marks() }
    }

    /// Moves what other stripes have to this one, until it has that much or they have nothing. Half of what another
    /// has is moved, if that is more than is needed: so that the next time is not soon.
    ///
    /// INVARIANT I6: what is granted moves with what is available, which stays at most that in both.
    pub(super) fn gather(&self, _locked: &Registry, entry: &Entry, to: &Cell, amount: Amount) {
        for from in self.stripes(entry).filter(|from| !core::ptr::eq(*from, to)) {
            let needed = Cell::above_floor(amount.signed_micros(), to.available());
            if needed == Amount::ZERO {
                break;
            }
            let half =
                Amount::new(Cell::above_floor(from.available(), 0).micros() / 2).unwrap_or(Amount::ZERO);
            let moved = from.take_up_to(needed.max(half), 0);
            from.change_granted(moved.signed_micros().saturating_neg());
            to.change_granted(moved.signed_micros());
            to.add(moved);
        }
    }

    /// The counters of an account's first limit, in its current window: the sums over its stripes.
    pub(super) fn all_counters(&self, entry: &Entry) -> CellCounters {
        self.stripes(entry).map(Cell::counters).fold(CellCounters::default(), |sum, of| CellCounters {
            granted_micros: sum.granted_micros.saturating_add(of.granted_micros),
            available_micros: sum.available_micros.saturating_add(of.available_micros),
            committed_micros: sum.committed_micros.saturating_add(of.committed_micros),
            lapsed_micros: sum.lapsed_micros.saturating_add(of.lapsed_micros),
            unfunded_micros: sum.unfunded_micros.saturating_add(of.unfunded_micros),
        })
    }

    /// Moves what other stripes have booked to this one, until it has that much.
    pub(super) fn gather_booked(&self, _locked: &Registry, entry: &Entry, to: &Cell, amount: Amount) {
        for from in self.stripes(entry).filter(|from| !core::ptr::eq(*from, to)) {
            let needed = amount.micros().saturating_sub(to.committed());
            let moved = Amount::new(from.committed().min(needed)).unwrap_or(Amount::MAX);
            from.uncommit(moved);
            from.change_granted(moved.signed_micros().saturating_neg());
            to.change_granted(moved.signed_micros());
            to.commit(moved.micros());
        }
    }
}
