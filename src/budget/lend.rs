//! What a hold of a window that has ended takes more, and what comes back of it: the current window lends the one, and
//! is given of the other what it was charged. `docs/SEMANTICS.md` 18.4 and 18.5.

use super::Engine;
use super::account::AccountState;
use super::cell::Cell;
use super::path::{Path, PathError, Payable};
use super::registry::Registry;
use super::take::{Demand, Shortfall};
use crate::caps::Bound;
use crate::certainty::Estimate;
use crate::id::LimitId;
use crate::limits::PATH_CELLS_MAX;
use crate::num::Amount;

impl Engine {
    /// Takes more for a hold whose path is cut, under the lock: what belongs to ended windows is lent.
    pub(super) fn extend_lent(&self, path: &Path, more: Amount) -> Result<(), Shortfall> {
        let mut registry = self.registry_mut();
        let (current, lendable) = self.successors(&registry, path)?;
        if more > lendable.least() {
            let least = self.least(&current, |place| lendable.at(place));
            let Payable { available_micros, binding } = least.map_err(|_| Shortfall::Foreign)?;
            return Err(Shortfall::Insufficient { binding, available_micros });
        }
        self.take_under(&registry, Demand::amount(current.amount_cells(), more))?;
        self.lend(&mut registry, path, &current, more);
        Ok(())
    }

    /// Takes of an extra what the overrun allows, for a hold whose path is cut.
    pub(super) fn take_overrun_lent(&self, registry: &mut Registry, path: &Path, extra: Amount) -> Amount {
        let Ok((current, lendable)) = self.successors(registry, path) else { return Amount::ZERO };
        let extra = extra.min(lendable.least());
        let booked = self.take_overrun(Some(&*registry), current.cells(), extra, path.overrun());
        self.lend(registry, path, &current, booked);
        booked
    }

    /// What a hold's path comes to in current windows, without caps on holds; and how much more its ended windows can
    /// be lent.
    fn successors(&self, registry: &Registry, path: &Path) -> Result<(Path, Lendable), Shortfall> {
        let mut current = *path;
        current.all = current.amounts;
        let mut lendable = Lendable([Amount::MAX; PATH_CELLS_MAX]);
        let places = current.cells.iter_mut().zip(&mut lendable.0).take(path.cells().len());
        for ((place, room), index) in places.zip(path.cells()) {
            let cell = self.cells.get(*index).ok_or(Shortfall::Foreign)?;
            let kind = cell.kind().ok_or(Shortfall::Foreign)?;
            if let (true, Bound::Limit(limit)) = (kind.ended, kind.bound) {
                let entry = self.entry(cell.account()).ok_or(Shortfall::Foreign)?;
                *place = entry.current_of(limit).ok_or(Shortfall::Foreign)?;
                let windows = registry.windows.get(&cell.account().limit(limit)).ok_or(Shortfall::Foreign)?;
                *room = Cell::above_floor(i64::MAX, windows.owed(*index).signed_micros());
            }
        }
        Ok((current, lendable))
    }

    /// Charges what was taken of current windows for others that a hold names and that have ended: these owe it.
    fn lend(&self, registry: &mut Registry, path: &Path, current: &Path, more: Amount) {
        for (own, from) in path.cells().iter().zip(current.cells()).filter(|(own, from)| own != from) {
            if let Some((of, from)) = self.limit_of(*own).zip(self.cells.get(*from)) {
                from.change_granted(more.signed_micros().saturating_neg());
                if let Some(windows) = registry.windows.get_mut(&of) {
                    windows.owe(*own, more);
                }
            }
        }
    }

    /// Gives back to a cell of a hold that this call has ended or expired.
    #[inline]
    pub(super) fn give_back(&self, index: u32, cell: &Cell, amount: Amount) {
        if !cell.try_put_back(amount) {
            self.make_up(&mut self.registry_mut(), index, amount);
        }
    }

    /// What comes back to a window that has ended: it makes up for what the window owes, of which the current one is
    /// given what it is still charged for others. The rest lapses.
    #[cold]
    pub(super) fn make_up(&self, registry: &mut Registry, index: u32, amount: Amount) {
        let Some((own, limit)) = self.cells.get(index).zip(self.limit_of(index)) else { return };
        let Some(windows) = registry.windows.get_mut(&limit) else { return };
        let made_up = windows.make_up(index, amount);
        own.lapse(amount.checked_sub(made_up).unwrap_or(Amount::ZERO));
        let allowance_micros = windows.allowance.signed_micros();
        // An account can have closed since the hold ended: it is given nothing more.
        let entry = self.entry(limit.account).filter(|entry| entry.state() == AccountState::Open);
        let current = entry.and_then(|entry| self.cells.get(entry.current_of(limit.limit)?));
        if let Some(current) = current {
            let given = made_up.min(Cell::above_floor(allowance_micros, current.granted()));
            current.change_granted(given.signed_micros());
            current.add(given);
        }
    }

    /// The limit that a cell is of.
    fn limit_of(&self, cell: u32) -> Option<LimitId> {
        let cell = self.cells.get(cell)?;
        match cell.kind()?.bound {
            Bound::Limit(limit) => Some(cell.account().limit(limit)),
            Bound::Held | Bound::Holds => None,
        }
    }

    /// The least that a hold's path can pay more, in current windows. Exact while nobody else works on its accounts.
    pub(crate) fn payable_more(&self, path: &Path) -> Result<Estimate<Payable>, PathError> {
        if !path.cut {
            return self.payable(path);
        }
        let registry = self.registry_mut();
        let (current, lendable) = self.successors(&registry, path).map_err(|_| PathError::Foreign)?;
        self.least(&current, |place| lendable.at(place)).map(Estimate)
    }
}

/// How much more can be lent at each place of a path: all that there may be, but where a window has ended.
struct Lendable([Amount; PATH_CELLS_MAX]);

impl Lendable {
    fn at(&self, place: usize) -> i64 {
        self.0.get(place).map_or(i64::MAX, |room| room.signed_micros())
    }

    /// What can be lent everywhere.
    fn least(&self) -> Amount {
        self.0.iter().copied().min().unwrap_or(Amount::MAX)
    }
}
