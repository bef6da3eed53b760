//! What a hold of a window that has ended takes more: the current one lends it. `docs/SEMANTICS.md` 18.5.

use super::Engine;
use super::cell::Cell;
use super::path::{Path, PathError, Payable};
use super::registry::Registry;
use super::take::{Demand, Shortfall};
use crate::caps::Bound;
use crate::certainty::Estimate;
use crate::limits::PATH_CELLS_MAX;
use crate::num::Amount;

impl Engine {
    /// Takes more for a hold whose path is cut, under the lock: what belongs to ended windows is lent.
    pub(super) fn extend_lent(&self, path: &Path, more: Amount) -> Result<(), Shortfall> {
        let registry = self.registry_mut();
        let (current, lendable) = self.successors(path)?;
        if more > lendable.least() {
            let least = self.least(&current, |place| lendable.at(place));
            let Payable { available_micros, binding } = least.map_err(|_| Shortfall::Foreign)?;
            return Err(Shortfall::Insufficient { binding, available_micros });
        }
        self.take_under(&registry, Demand::amount(current.amount_cells(), more))?;
        self.lend(path, &current, more);
        Ok(())
    }

    /// Takes of an extra what the overrun allows, for a hold whose path is cut.
    pub(super) fn take_overrun_lent(&self, registry: &Registry, path: &Path, extra: Amount) -> Amount {
        let Ok((current, lendable)) = self.successors(path) else { return Amount::ZERO };
        let extra = extra.min(lendable.least());
        let booked = self.take_overrun(Some(registry), current.cells(), extra, path.overrun());
        self.lend(path, &current, booked);
        booked
    }

    /// What a hold's path comes to in current windows, without caps on holds; and how much more its ended windows can
    /// be lent.
    fn successors(&self, path: &Path) -> Result<(Path, Lendable), Shortfall> {
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
                *room = Cell::above_floor(i64::MAX, cell.granted().max(0));
            }
        }
        Ok((current, lendable))
    }

    /// Moves what is granted, after it was taken: from current windows to those that a hold names and that have ended.
    fn lend(&self, path: &Path, current: &Path, more: Amount) {
        for (own, from) in path.cells().iter().zip(current.cells()).filter(|(own, from)| own != from) {
            if let Some((own, from)) = self.cells.get(*own).zip(self.cells.get(*from)) {
                from.change_granted(more.signed_micros().saturating_neg());
                own.change_granted(more.signed_micros());
            }
        }
    }

    /// The least that a hold's path can pay more, in current windows. Exact while nobody else works on its accounts.
    pub(crate) fn payable_more(&self, path: &Path) -> Result<Estimate<Payable>, PathError> {
        if !path.cut {
            return self.payable(path);
        }
        let _registry = self.registry_mut();
        let (current, lendable) = self.successors(path).map_err(|_| PathError::Foreign)?;
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
