//! Settled holds, remembered for as long as they can be adjusted. SEMANTICS 9.15.

use std::boxed::Box;
use std::collections::{BTreeMap, BTreeSet};

use super::cell::CellId;
use super::hold::is_older;
use super::mismatch::Mismatch;
use crate::id::Sequence;
use crate::num::{Amount, Timestamp};
use crate::record::{Path, Terms};

/// A hold that was committed, in time or late, and can still be adjusted.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct SettledHold {
    /// When it was committed.
    #[cfg_attr(feature = "serde", serde(rename = "settled_ns"))]
    pub settled: Timestamp,
    /// What is booked of it at every cell of its path.
    #[cfg_attr(feature = "serde", serde(rename = "booked_micros"))]
    pub booked: Amount,
    /// What was counted as unfunded of it at every cell of its path.
    #[cfg_attr(feature = "serde", serde(rename = "unfunded_micros"))]
    pub unfunded: Amount,
    /// The accounts that paid.
    pub path: Path,
    /// The cells that it was taken from.
    pub cells: Box<[CellId]>,
}

/// All of them, by name and in the order in which they will be forgotten.
#[derive(Debug, Default)]
pub(super) struct SettledHolds {
    holds: BTreeMap<Sequence, SettledHold>,
    by_age: BTreeSet<(Timestamp, Sequence)>,
}

impl SettledHolds {
    pub(super) fn iter(&self) -> impl Iterator<Item = (Sequence, &SettledHold)> {
        self.holds.iter().map(|(sequence, hold)| (*sequence, hold))
    }

    pub(super) fn len(&self) -> usize {
        self.holds.len()
    }

    pub(super) fn find(&self, hold: Sequence) -> Option<&SettledHold> {
        self.holds.get(&hold)
    }

    /// The hold, as an adjustment at `now` finds it.
    pub(super) fn stand(
        &self,
        hold: Sequence,
        now: Timestamp,
        terms: &Terms,
    ) -> Result<&SettledHold, Mismatch> {
        let found = self.find(hold).filter(|found| !is_older(found.settled, now, terms.adjust_window_ns));
        found.ok_or(Mismatch::SettledUnknown { hold })
    }

    pub(super) fn insert(&mut self, sequence: Sequence, hold: SettledHold) {
        self.by_age.insert((hold.settled, sequence));
        self.holds.insert(sequence, hold);
    }

    pub(super) fn adjust(&mut self, sequence: Sequence, booked: Amount, unfunded: Amount) {
        if let Some(hold) = self.holds.get_mut(&sequence) {
            (hold.booked, hold.unfunded) = (booked, unfunded);
        }
    }

    /// Removes one that was settled more than the window ago, or the earliest if there are more than may be.
    /// FORMAT 10.11.
    pub(super) fn forget_one(&mut self, now: Timestamp, terms: &Terms) -> Option<SettledHold> {
        let max = usize::try_from(terms.settled_max).unwrap_or(usize::MAX);
        let (settled, sequence) = *self.by_age.first()?;
        if self.holds.len() <= max && !is_older(settled, now, terms.adjust_window_ns) {
            return None;
        }
        self.by_age.pop_first();
        self.holds.remove(&sequence)
    }
}
