//! Correcting what was booked of a hold that has ended.

use core::fmt;

use super::Engine;
use super::account::AccountState;
use super::path::{Path, PathError};
use super::registry::Registry;
use crate::id::AccountId;
use crate::num::Amount;
use crate::retry::Retry;

impl Engine {
    /// Corrects what is booked at every cell of a path: the one that the hold was taken from. A path with windows must be
    /// [pinned](Self::pin) from before its hold ends until it is adjusted no more: else it may be of later windows by then.
    /// Above 0, the change is booked as a settlement above its hold is: as far as the path's overrun allows, the rest
    /// counted as unfunded. Below 0, so much of what is booked is available again; where its window has ended, it makes up
    /// for what that owes, or lapses. That no more than one hold's is given back is the caller's to know.
    ///
    /// It takes the registry's lock, so that no reading meets counters that go down.
    ///
    /// # Errors
    /// An account on the path is closed, or has less booked than is to be given back: nothing is changed.
    pub fn adjust(&self, path: &Path, change_micros: i64) -> Result<Adjusted, AdjustError> {
        let mut registry = self.registry_mut();
        self.must_be_open(path)?;
        // `i64::MIN` is no amount: it gives back what the next number does.
        let change = Amount::new(change_micros.unsigned_abs()).unwrap_or(Amount::MAX);
        if change_micros < 0 {
            self.refund(&mut registry, path, change)
        } else {
            Ok(self.charge(&mut registry, path, change))
        }
    }

    /// That no account on a path is closed.
    pub(crate) fn must_be_open(&self, path: &Path) -> Result<(), PathError> {
        for &index in path.cells() {
            let (account, entry) = self.owner(index).ok_or(PathError::Foreign)?;
            if entry.state() != AccountState::Open {
                return Err(PathError::Closed { account });
            }
        }
        Ok(())
    }

    fn charge(&self, registry: &mut Registry, path: &Path, extra: Amount) -> Adjusted {
        let booked = match extra {
            Amount::ZERO => Amount::ZERO,
            _ => self.take_extra_under(registry, path, extra),
        };
        let unfunded = extra.checked_sub(booked).unwrap_or(Amount::ZERO);
        for cell in self.cells_of(path.cells()) {
            cell.commit(booked.micros());
            cell.add_unfunded(unfunded.micros());
        }
        Adjusted { booked, unfunded, refunded: Amount::ZERO }
    }

    fn refund(
        &self,
        registry: &mut Registry,
        path: &Path,
        refunded: Amount,
    ) -> Result<Adjusted, AdjustError> {
        for &index in path.cells() {
            let (account, entry) = self.owner(index).ok_or(PathError::Foreign)?;
            let cell = self.cells.get(index).ok_or(PathError::Foreign)?;
            let striped = cell.is_striped();
            let committed_micros =
                if striped { self.all_counters(entry).committed_micros } else { cell.committed() };
            if committed_micros < refunded.micros() {
                return Err(AdjustError::AboveCommitted { account, committed_micros });
            }
            if striped {
                // After the look: bookings meanwhile only add to what was seen, so that all of it can be gathered.
                self.gather_booked(registry, entry, cell, refunded);
            }
        }
        for &index in path.cells() {
            let Some(cell) = self.cells.get(index) else { continue };
            cell.uncommit(refunded);
            if !cell.try_put_back(refunded) {
                self.make_up(registry, index, refunded);
            }
        }
        Ok(Adjusted { booked: Amount::ZERO, unfunded: Amount::ZERO, refunded })
    }
}

/// What a correction did at every cell of its path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "says what could not be booked"]
pub struct Adjusted {
    /// What was booked more.
    pub booked: Amount,
    /// What is spent more and is not booked.
    pub unfunded: Amount,
    /// What was booked and is available again.
    pub refunded: Amount,
}

/// Why nothing was corrected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AdjustError {
    /// The path is of no use any more.
    Path(PathError),
    /// An account has less booked than is to be given back.
    AboveCommitted {
        /// The earliest such on the path.
        account: AccountId,
        /// What it has booked.
        committed_micros: u64,
    },
}

impl AdjustError {
    /// The refusal's code; frozen. SEMANTICS 20.
    #[must_use]
    pub const fn code(&self) -> u16 {
        match self {
            Self::Path(error) => error.code(),
            Self::AboveCommitted { .. } => 160,
        }
    }

    /// Whether the same call can succeed, and when.
    #[must_use]
    pub const fn retry(&self) -> Retry {
        match self {
            Self::Path(error) => error.retry(),
            Self::AboveCommitted { .. } => Retry::Never,
        }
    }
}

impl From<PathError> for AdjustError {
    fn from(error: PathError) -> Self {
        Self::Path(error)
    }
}

impl fmt::Display for AdjustError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(error) => error.fmt(f),
            Self::AboveCommitted { account, committed_micros } => {
                write!(f, "account {account} has only {committed_micros} µ committed")
            }
        }
    }
}

impl core::error::Error for AdjustError {}
