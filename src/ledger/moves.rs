//! What one record changes, staged: written back when all of the record holds.

use std::vec::Vec;

use super::cell::{Cell, CellId};
use crate::id::{AccountId, LimitId};
use crate::throttle::Backlog;
use crate::window::Span;

/// What the open holds at an account come to, whatever they were taken from. SEMANTICS 9.17.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Exposure {
    pub(super) held_micros: u64,
    pub(super) holds: u64,
}

/// The state that one record changes, as it will be.
#[derive(Debug, Default)]
pub(super) struct Moves {
    /// Sorted.
    cells: Vec<(CellId, Cell)>,
    /// Limits that were rolled over, in order.
    rolled: Vec<(LimitId, Span)>,
    /// Sorted.
    exposures: Vec<(AccountId, Exposure)>,
    passed: Vec<(AccountId, u8, Backlog)>,
}

impl Moves {
    pub(super) fn clear(&mut self) {
        self.cells.clear();
        self.rolled.clear();
        self.exposures.clear();
        self.passed.clear();
    }

    /// The cell as it will be, if the record changes it.
    pub(super) fn find(&self, cell: CellId) -> Option<&Cell> {
        let place = self.cells.binary_search_by_key(&cell, |(id, _)| *id).ok()?;
        self.cells.get(place).map(|(_, cell)| cell)
    }

    /// The cell to be changed; `now` is what it is before the record.
    pub(super) fn change(&mut self, cell: CellId, now: &Cell) -> Option<&mut Cell> {
        let place = match self.cells.binary_search_by_key(&cell, |(id, _)| *id) {
            Ok(place) => place,
            Err(place) => {
                self.cells.insert(place, (cell, *now));
                place
            }
        };
        self.cells.get_mut(place).map(|(_, cell)| cell)
    }

    pub(super) fn cells(&self) -> impl Iterator<Item = &(CellId, Cell)> {
        self.cells.iter()
    }

    /// The window that a limit was rolled over to.
    pub(super) fn rolled_to(&self, limit: LimitId) -> Option<Span> {
        self.rolled.iter().rev().find(|(id, _)| *id == limit).map(|(_, span)| *span)
    }

    pub(super) fn roll(&mut self, limit: LimitId, to: Span) {
        self.rolled.push((limit, to));
    }

    pub(super) fn rolled(&self) -> impl Iterator<Item = &(LimitId, Span)> {
        self.rolled.iter()
    }

    pub(super) fn exposure(&self, account: AccountId) -> Option<&Exposure> {
        let place = self.exposures.binary_search_by_key(&account, |(id, _)| *id).ok()?;
        self.exposures.get(place).map(|(_, exposure)| exposure)
    }

    pub(super) fn expose(&mut self, account: AccountId, exposure: Exposure) {
        match self.exposures.binary_search_by_key(&account, |(id, _)| *id) {
            Ok(place) => {
                if let Some(known) = self.exposures.get_mut(place) {
                    known.1 = exposure;
                }
            }
            Err(place) => self.exposures.insert(place, (account, exposure)),
        }
    }

    pub(super) fn exposures(&self) -> impl Iterator<Item = &(AccountId, Exposure)> {
        self.exposures.iter()
    }

    /// A throttle that something has passed.
    pub(super) fn pass(&mut self, account: AccountId, throttle: u8, backlog: Backlog) {
        self.passed.push((account, throttle, backlog));
    }

    pub(super) fn passed(&self) -> impl Iterator<Item = &(AccountId, u8, Backlog)> {
        self.passed.iter()
    }
}
