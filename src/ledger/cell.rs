//! The money of one window of a limit, and the moves that records make with it.

use crate::id::{AccountId, LimitId};
use crate::num::{Amount, Timestamp};

/// A cell's name: the limit, and the first instant of its window, 0 where it has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct CellId {
    /// The account.
    pub account: AccountId,
    /// Which of its limits.
    pub limit: u8,
    /// When its window began.
    #[cfg_attr(feature = "serde", serde(rename = "start_ns"))]
    pub start: Timestamp,
}

impl CellId {
    /// Its limit.
    #[must_use]
    pub const fn of(self) -> LimitId {
        LimitId { account: self.account, limit: self.limit }
    }
}

/// One cell's counters, in micro-units. SEMANTICS 9.1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Cell {
    /// What it was granted, on balance; below zero where more debt was carried over, or more was lent.
    pub granted_micros: i64,
    /// What can be held; below zero where a settlement went into debt. Of a closed window, what it owes, below zero.
    pub available_micros: i64,
    /// What open holds hold: counted hold by hold, not derived from the others.
    pub reserved_micros: u64,
    /// What was spent and booked.
    pub committed_micros: u64,
    /// What was unspent when a window ended.
    pub lapsed_micros: u64,
    /// What was spent and could not be booked; stays at `u64::MAX` once there.
    pub unfunded_micros: u64,
}

impl Cell {
    // INVARIANT I6: granted = available + reserved + committed + lapsed, and available is never below -i64::MAX.
    pub(super) fn is_conserved(&self) -> bool {
        let parts =
            [self.reserved_micros, self.committed_micros, self.lapsed_micros].into_iter().map(i128::from);
        let sum = parts.fold(i128::from(self.available_micros), i128::saturating_add);
        i128::from(self.granted_micros) == sum && self.available_micros >= LEAST_AVAILABLE_MICROS
    }

    /// Takes a hold's amount. `None` where a counter would not fit, as for all moves.
    pub(super) fn hold(&mut self, amount: Amount) -> Option<()> {
        self.available_micros = self.available_micros.checked_sub(amount.signed_micros())?;
        self.reserved_micros = self.reserved_micros.checked_add(amount.micros())?;
        Some(())
    }

    /// Gives a hold's amount back.
    pub(super) fn give_back(&mut self, amount: Amount) -> Option<()> {
        self.reserved_micros = self.reserved_micros.checked_sub(amount.micros())?;
        self.available_micros = self.available_micros.checked_add(amount.signed_micros())?;
        Some(())
    }

    /// Ends so much of a hold with what is booked in all, which may be above it.
    pub(super) fn book(&mut self, held: Amount, booked_micros: u64) -> Option<()> {
        self.give_back(held)?;
        self.available_micros = self.available_micros.checked_sub_unsigned(booked_micros)?;
        self.committed_micros = self.committed_micros.checked_add(booked_micros)?;
        Some(())
    }

    /// Makes available again what was booked.
    pub(super) fn refund(&mut self, refunded: Amount) -> Option<()> {
        self.committed_micros = self.committed_micros.checked_sub(refunded.micros())?;
        self.available_micros = self.available_micros.checked_add(refunded.signed_micros())?;
        Some(())
    }

    /// Counts what was spent and not booked. SEMANTICS 9.11.
    pub(super) fn miss(&mut self, unfunded: Amount) {
        self.unfunded_micros = self.unfunded_micros.saturating_add(unfunded.micros());
    }

    /// Changes what is granted, and with it what is available.
    pub(super) fn grant(&mut self, change_micros: i64) -> Option<()> {
        self.granted_micros = self.granted_micros.checked_add(change_micros)?;
        self.available_micros = self.available_micros.checked_add(change_micros)?;
        Some(())
    }

    /// What is available lapses.
    pub(super) fn lapse(&mut self) -> Option<()> {
        let unspent_micros = u64::try_from(self.available_micros).unwrap_or(0);
        self.available_micros = self.available_micros.checked_sub_unsigned(unspent_micros)?;
        self.lapsed_micros = self.lapsed_micros.checked_add(unspent_micros)?;
        Some(())
    }
}

/// The deepest debt. SEMANTICS 9.6.
pub(super) const LEAST_AVAILABLE_MICROS: i64 = -i64::MAX;
