//! Taking from every cell on a path or from none, and saying truthfully why not.

use super::Engine;
use super::account::AccountState;
use super::cell::{Attempt, CLOSED, Cell, DEBT_FLOOR};
use crate::id::AccountId;
use crate::limits::TAKE_ATTEMPTS_MAX;
use crate::num::Amount;
use crate::overrun::Overrun;
use crate::sync::spin_loop;

/// Why nothing was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shortfall {
    Insufficient {
        binding: AccountId,
        available_micros: i64,
    },
    Closed {
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

impl Engine {
    /// As `take`, with a guess of what the first cell has, which may be any.
    #[inline]
    pub(super) fn take_guessed(&self, cells: &[u32], amount: Amount, guess: i64) -> Result<(), Shortfall> {
        // Most paths have one cell, and its take needs no mark.
        if let &[only] = cells
            && let Some(cell) = self.cells.get(only)
            && cell.take_guessed(guess, amount, 0)
        {
            return Ok(());
        }
        self.take(cells, amount)
    }

    /// Takes the amount from every cell, or from none.
    ///
    /// What is taken before the last cell is tentative: it is marked at its cell while it may be undone. A denial
    /// rests on a cell that cannot pay and has no tentative take, so that two attempts that meet cannot deny each
    /// other; while it finds none, it looks again, a bounded number of times.
    pub(super) fn take(&self, cells: &[u32], amount: Amount) -> Result<(), Shortfall> {
        if self.try_take(cells, amount)? { Ok(()) } else { self.take_or_deny(cells, amount) }
    }

    /// What follows a first try that failed.
    #[cold]
    fn take_or_deny(&self, cells: &[u32], amount: Amount) -> Result<(), Shortfall> {
        for _ in 0..TAKE_ATTEMPTS_MAX {
            match self.survey(cells, amount) {
                Survey::Short(shortfall) => return Err(shortfall),
                Survey::Unclear => spin_loop(),
                Survey::Payable => {
                    if self.try_take(cells, amount)? {
                        return Ok(());
                    }
                }
            }
        }
        Err(Shortfall::Contended)
    }

    /// Takes the amount from every cell in order; where one cannot pay, puts back what the earlier ones gave.
    fn try_take(&self, cells: &[u32], amount: Amount) -> Result<bool, Shortfall> {
        let Some((&last, before)) = cells.split_last() else {
            return Err(Shortfall::Foreign);
        };
        for (taken, &index) in before.iter().enumerate() {
            let Some(cell) = self.cells.get(index) else {
                self.undo(before, taken, amount);
                return Err(Shortfall::Foreign);
            };
            cell.begin_attempt();
            if !cell.take(amount, 0) {
                cell.end_attempt(Attempt::Kept);
                self.undo(before, taken, amount);
                return Ok(false);
            }
        }
        let Some(cell) = self.cells.get(last) else {
            self.undo(before, before.len(), amount);
            return Err(Shortfall::Foreign);
        };
        if !cell.take(amount, 0) {
            self.undo(before, before.len(), amount);
            return Ok(false);
        }
        for cell in self.cells_of(before) {
            cell.end_attempt(Attempt::Kept);
        }
        Ok(true)
    }

    /// Adds back what was taken, and never stores: others have worked on the cells meanwhile.
    fn undo(&self, cells: &[u32], taken: usize, amount: Amount) {
        for cell in self.cells_of(cells.get(..taken).unwrap_or_default()) {
            cell.put_back(amount);
            cell.end_attempt(Attempt::Undone);
        }
    }

    /// The binding account is the one with the least available among those that cannot pay for certain, the
    /// earliest of several. A closed account comes before all.
    fn survey(&self, cells: &[u32], amount: Amount) -> Survey {
        let mut least: Option<(i64, AccountId)> = None;
        let mut unclear = false;
        for &index in cells {
            let Some(cell) = self.cells.get(index) else {
                return Survey::Short(Shortfall::Foreign);
            };
            let seen = cell.survey();
            if seen.available_micros == CLOSED {
                match self.owner(index) {
                    None => return Survey::Short(Shortfall::Foreign),
                    Some((account, entry)) if entry.state() == AccountState::Closed => {
                        return Survey::Short(Shortfall::Closed { account });
                    }
                    // Closing, or opened again because it could not close.
                    Some(_) => unclear = true,
                }
            } else if seen.available_micros < amount.signed_micros() && amount != Amount::ZERO {
                if !seen.definite {
                    unclear = true;
                } else if least.is_none_or(|(least, _)| seen.available_micros < least) {
                    least = Some((seen.available_micros, cell.account()));
                }
            }
        }
        match least {
            Some((available_micros, binding)) => {
                Survey::Short(Shortfall::Insufficient { binding, available_micros })
            }
            None if unclear => Survey::Unclear,
            None => Survey::Payable,
        }
    }

    /// Takes of `extra`, from every cell, the same and as much as the overrun mode lets the poorest give; says how
    /// much. One pass: where a cell gives less than the earlier ones gave, they get the difference back.
    pub(super) fn take_overrun(&self, cells: &[u32], extra: Amount, overrun: Overrun) -> Amount {
        let floor = match overrun {
            Overrun::Deny => return Amount::ZERO,
            Overrun::IfAvailable => 0,
            Overrun::Debt => DEBT_FLOOR,
        };
        // Seldom more than the poorest cell gives is taken from the others, for a moment.
        let mut most = extra;
        for cell in self.cells_of(cells) {
            most = most.min(Cell::above_floor(cell.available(), floor));
        }
        let mut taken = 0;
        let mut undone = false;
        for &index in cells {
            if most == Amount::ZERO {
                break;
            }
            let Some(cell) = self.cells.get(index) else { break };
            cell.begin_attempt();
            let given = cell.take_up_to(most, floor);
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
