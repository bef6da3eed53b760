//! Taking from every cell on a path or from none, and saying truthfully why not.

use super::Engine;
use super::account::AccountState;
use super::cell::{Attempt, CLOSED, Cell};
use super::path::Path;
use super::registry::Registry;
use crate::caps::{Binding, Bound};
use crate::id::AccountId;
use crate::limits::{OVERRUN_ATTEMPTS_MAX, TAKE_ATTEMPTS_MAX};
use crate::num::Amount;
use crate::overrun::Overrun;
use crate::sync::spin_loop;

/// Why nothing was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shortfall {
    Insufficient {
        binding: Binding,
        available_micros: i64,
    },
    Closed {
        account: AccountId,
    },
    WindowEnded {
        account: AccountId,
    },
    Contended,
    /// A cell is none of this engine's.
    Foreign,
}

/// What a denial finds when it looks at all cells of a path.
enum Survey {
    /// All can pay by now.
    Payable,
    /// What cannot pay may be able to when the attempts of others have ended.
    Unclear,
    Short(Shortfall),
}

/// What is to be taken from which cells: an amount, and 1 from those that count holds.
#[derive(Clone, Copy)]
pub(super) struct Demand<'a> {
    pub(super) cells: &'a [u32],
    /// The place from which on 1 is taken.
    pub(super) ones_from: usize,
    pub(super) amount: Amount,
}

impl<'a> Demand<'a> {
    /// For a hold of the amount on the path.
    #[inline]
    pub(super) fn new(path: &'a Path, amount: Amount) -> Self {
        Self { cells: path.all(), ones_from: path.amounts.into(), amount }
    }

    /// The amount, of these cells.
    pub(super) fn amount(cells: &'a [u32], amount: Amount) -> Self {
        Self { cells, ones_from: cells.len(), amount }
    }

    #[inline]
    fn of(&self, place: usize) -> Amount {
        if place < self.ones_from { self.amount } else { Amount::ONE }
    }
}

impl Engine {
    /// As `take`, with a guess of what the first cell has, which may be any.
    #[inline]
    pub(super) fn take_guessed(&self, path: &Path, amount: Amount, guess: i64) -> Result<(), Shortfall> {
        // Most paths have one cell, and its take needs no mark.
        let demand = Demand::new(path, amount);
        if let &[only] = demand.cells
            && let Some(cell) = self.cells.get(only)
            && cell.take_guessed(guess, amount, 0)
        {
            return Ok(());
        }
        self.take(demand)
    }

    /// Takes what is demanded from every cell, or from none.
    ///
    /// What is taken before the last cell is tentative: it is marked at its cell while it may be undone. A denial
    /// rests on a cell that cannot pay and has no tentative take, so that two attempts that meet cannot deny each
    /// other; while it finds none, it looks again, a bounded number of times.
    pub(super) fn take(&self, demand: Demand<'_>) -> Result<(), Shortfall> {
        if self.try_take(demand)? {
            return Ok(());
        }
        if self.cells_of(demand.cells).any(Cell::is_striped) {
            let registry = self.registry_mut();
            return self.take_or_deny(Some(&registry), demand);
        }
        self.take_or_deny(None, demand)
    }

    /// As `take`, for who holds the registry's lock for writing.
    pub(super) fn take_under(&self, registry: &Registry, demand: Demand<'_>) -> Result<(), Shortfall> {
        if self.try_take(demand)? { Ok(()) } else { self.take_or_deny(Some(registry), demand) }
    }

    /// What follows a first try that failed: where a cell is a stripe, under the lock.
    #[cold]
    fn take_or_deny(&self, locked: Option<&Registry>, demand: Demand<'_>) -> Result<(), Shortfall> {
        for _ in 0..TAKE_ATTEMPTS_MAX {
            match self.survey(locked, demand) {
                Survey::Short(shortfall) => return Err(shortfall),
                Survey::Unclear => spin_loop(),
                Survey::Payable => {
                    if self.try_take(demand)? {
                        return Ok(());
                    }
                }
            }
        }
        Err(Shortfall::Contended)
    }

    /// Takes from every cell in order; where one cannot pay, puts back what the earlier ones gave.
    pub(super) fn try_take(&self, demand: Demand<'_>) -> Result<bool, Shortfall> {
        let Some((&last, before)) = demand.cells.split_last() else {
            return Err(Shortfall::Foreign);
        };
        for (taken, &index) in before.iter().enumerate() {
            let Some(cell) = self.cells.get(index) else {
                self.undo(demand, taken);
                return Err(Shortfall::Foreign);
            };
            cell.begin_attempt();
            if !cell.take(demand.of(taken), 0) {
                cell.end_attempt(Attempt::Kept);
                self.undo(demand, taken);
                return Ok(false);
            }
        }
        let Some(cell) = self.cells.get(last) else {
            self.undo(demand, before.len());
            return Err(Shortfall::Foreign);
        };
        if !cell.take(demand.of(before.len()), 0) {
            self.undo(demand, before.len());
            return Ok(false);
        }
        for cell in self.cells_of(before) {
            cell.end_attempt(Attempt::Kept);
        }
        Ok(true)
    }

    /// Adds back what was taken, and never stores: others have worked on the cells meanwhile.
    fn undo(&self, demand: Demand<'_>, taken: usize) {
        let taken = demand.cells.get(..taken).unwrap_or_default();
        for (place, cell) in self.cells_of(taken).enumerate() {
            cell.put_back(demand.of(place));
            cell.end_attempt(Attempt::Undone);
        }
    }

    /// What binds is what has the least among what cannot pay for certain, the earliest of several; a cap on holds
    /// that is full comes before, a closed account or a window that has ended before all.
    ///
    /// Where a stripe has too little and all stripes together have enough, this is moved to it, and it can pay.
    fn survey(&self, locked: Option<&Registry>, demand: Demand<'_>) -> Survey {
        let mut least: Option<(i64, Binding)> = None;
        let mut full = None;
        let mut unclear = false;
        for (place, &index) in demand.cells.iter().enumerate() {
            let Some((cell, kind)) = self.cells.get(index).and_then(|cell| Some((cell, cell.kind()?))) else {
                return Survey::Short(Shortfall::Foreign);
            };
            let amount = demand.of(place);
            let mut seen = cell.survey();
            if let Some((registry, entry)) = locked.zip(self.entry(cell.account()))
                && cell.is_striped()
                && (0..amount.signed_micros()).contains(&seen.available_micros)
            {
                seen = self.pool(entry);
                if seen.available_micros >= amount.signed_micros() {
                    self.gather(registry, entry, cell, amount);
                }
            }
            let binding = Binding { account: cell.account(), bound: kind.bound };
            if seen.available_micros == CLOSED {
                match self.owner(index) {
                    None => return Survey::Short(Shortfall::Foreign),
                    Some((account, entry)) if entry.state() == AccountState::Closed => {
                        return Survey::Short(Shortfall::Closed { account });
                    }
                    Some((account, _)) if cell.kind().is_some_and(|kind| kind.ended) => {
                        return Survey::Short(Shortfall::WindowEnded { account });
                    }
                    // Closing, or opened again because it could not close.
                    Some(_) => unclear = true,
                }
            } else if seen.available_micros < amount.signed_micros() && amount != Amount::ZERO {
                if !seen.definite {
                    unclear = true;
                } else if kind.bound == Bound::Holds {
                    full = full.or(Some((seen.available_micros, binding)));
                } else if least.is_none_or(|(least, _)| seen.available_micros < least) {
                    least = Some((seen.available_micros, binding));
                }
            }
        }
        match full.or(least) {
            Some((available_micros, binding)) => {
                Survey::Short(Shortfall::Insufficient { binding, available_micros })
            }
            None if unclear => Survey::Unclear,
            None => Survey::Payable,
        }
    }

    /// Takes of `extra`, from every cell, the same and as much as the overrun mode lets the poorest give; says how
    /// much.
    ///
    /// Where what is available decides, under the lock: then no other such taking makes a cell look poorer than it is.
    /// The tentative takes of others are waited for, and where somebody else was first at a cell, it is looked at
    /// again: a bounded number of times in all.
    pub(super) fn take_overrun(
        &self,
        locked: Option<&Registry>,
        cells: &[u32],
        extra: Amount,
        overrun: Overrun,
    ) -> Amount {
        let mut booked = Amount::ZERO;
        for look in 1..=OVERRUN_ATTEMPTS_MAX {
            let rest = extra.checked_sub(booked).unwrap_or(Amount::ZERO);
            let (most, definite) = self.giveable(locked, cells, rest, overrun);
            if !definite && look < OVERRUN_ATTEMPTS_MAX {
                spin_loop();
                continue;
            }
            let taken = self.take_at_most(cells, most, overrun);
            booked = booked.checked_add(taken).unwrap_or(booked);
            if taken == most {
                break;
            }
        }
        booked
    }

    /// How much every cell could give of `extra`, and whether none looks too poor for that by a tentative take. Money of other
    /// stripes is moved to those among the cells.
    fn giveable(
        &self,
        locked: Option<&Registry>,
        cells: &[u32],
        extra: Amount,
        overrun: Overrun,
    ) -> (Amount, bool) {
        let (mut most, mut definite) = (extra, true);
        for cell in self.cells_of(cells) {
            let seen = match (locked, self.entry(cell.account())) {
                (Some(registry), Some(entry)) if cell.is_striped() => {
                    self.gather(registry, entry, cell, extra);
                    self.pool(entry)
                }
                _ => cell.survey(),
            };
            let gives = Cell::above_floor(seen.available_micros, overrun_floor(cell, overrun));
            definite &= seen.definite || gives >= extra;
            most = most.min(gives);
        }
        (if overrun == Overrun::Deny { Amount::ZERO } else { most }, definite)
    }

    /// One pass: where a cell gives less than the earlier ones gave, they get the difference back.
    fn take_at_most(&self, cells: &[u32], mut most: Amount, overrun: Overrun) -> Amount {
        let mut taken = 0;
        let mut undone = false;
        for &index in cells {
            if most == Amount::ZERO {
                break;
            }
            let Some(cell) = self.cells.get(index) else { break };
            cell.begin_attempt();
            let given = cell.take_up_to(most, overrun_floor(cell, overrun));
            if let Some(too_much) = most.checked_sub(given).filter(|&rest| rest != Amount::ZERO) {
                undone = true;
                for earlier in self.cells_of(cells.get(..taken).unwrap_or_default()) {
                    earlier.put_back(too_much);
                }
                most = given;
            }
            // OK because a path has at most 24 cells.
            taken = usize::saturating_add(taken, 1);
        }
        let attempt = if undone { Attempt::Undone } else { Attempt::Kept };
        for cell in self.cells_of(cells.get(..taken).unwrap_or_default()) {
            cell.end_attempt(attempt);
        }
        most
    }

    /// The cells of these numbers, all of this engine.
    pub(super) fn cells_of<'a>(&'a self, cells: &'a [u32]) -> impl Iterator<Item = &'a Cell> {
        cells.iter().filter_map(|&index| self.cells.get(index))
    }
}

/// As far as a settlement above its hold may take a cell.
fn overrun_floor(cell: &Cell, overrun: Overrun) -> i64 {
    match overrun {
        Overrun::Deny | Overrun::IfAvailable => 0,
        Overrun::Debt => cell.debt_floor(),
    }
}
