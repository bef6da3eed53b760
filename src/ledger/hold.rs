//! Holds: money kept for one decision, until it is settled or its deadline comes.

use std::boxed::Box;
use std::collections::{BTreeMap, BTreeSet};

use super::cell::CellId;
use super::mismatch::Mismatch;
use crate::id::{CandidateId, Epoch, Sequence};
use crate::num::{Amount, Timestamp};
use crate::record::Path;

/// A hold that has not ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Hold {
    /// Whether it still holds its amount.
    pub state: HoldState,
    /// What it holds at every cell of its path, or held until it expired.
    #[cfg_attr(feature = "serde", serde(rename = "amount_micros"))]
    pub amount: Amount,
    /// What its part commits say was spent so far; nothing before the first.
    #[cfg_attr(feature = "serde", serde(rename = "spent_micros"))]
    pub spent: Amount,
    /// What of that could not be booked.
    #[cfg_attr(feature = "serde", serde(rename = "unfunded_micros"))]
    pub unfunded: Amount,
    /// When it is due.
    #[cfg_attr(feature = "serde", serde(rename = "deadline_ns"))]
    pub deadline: Timestamp,
    /// The policy that admitted it.
    pub epoch: Epoch,
    /// The candidate selected.
    pub candidate: CandidateId,
    /// The accounts that pay.
    pub path: Path,
    /// The cells that it was taken from, of these accounts and all that were above them.
    pub cells: Box<[CellId]>,
}

/// What a part commit leaves of a hold.
#[derive(Clone, Copy, Debug)]
pub(super) struct Left {
    pub(super) held: Amount,
    pub(super) spent: Amount,
    pub(super) unfunded: Amount,
}

/// Whether a hold still holds its amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
pub enum HoldState {
    /// It does.
    Open,
    /// It gave it back; it can still be settled late.
    Expired,
}

/// How a settlement finds a hold. SEMANTICS 8.3.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// Open, before its deadline.
    InTime,
    /// Open, and due: whatever finds it so ends its holding.
    Due,
    /// Expired by a record before.
    Expired,
}

/// All holds that have not ended, with the expired ones in the order in which they will be forgotten.
#[derive(Debug, Default)]
pub(super) struct Holds {
    holds: BTreeMap<Sequence, Hold>,
    expired: BTreeSet<(Timestamp, Sequence)>,
}

impl Holds {
    pub(super) fn iter(&self) -> impl Iterator<Item = (Sequence, &Hold)> {
        self.holds.iter().map(|(sequence, hold)| (*sequence, hold))
    }

    pub(super) fn len(&self) -> usize {
        self.holds.len()
    }

    pub(super) fn find(&self, hold: Sequence) -> Option<&Hold> {
        self.holds.get(&hold)
    }

    /// The hold, as a settlement at `now` finds it: none whose deadline lies more than the late window back.
    /// SEMANTICS 9.8.
    pub(super) fn stand(
        &self,
        sequence: Sequence,
        now: Timestamp,
        late_window_ns: u64,
    ) -> Result<(&Hold, Standing), Mismatch> {
        let hold = self.holds.get(&sequence).filter(|hold| !is_older(hold.deadline, now, late_window_ns));
        let hold = hold.ok_or(Mismatch::HoldUnknown { hold: sequence })?;
        let standing = match hold.state {
            HoldState::Expired => Standing::Expired,
            HoldState::Open if hold.deadline <= now => Standing::Due,
            HoldState::Open => Standing::InTime,
        };
        Ok((hold, standing))
    }

    /// Takes in a hold that was not there.
    pub(super) fn insert(&mut self, sequence: Sequence, hold: Hold) {
        if hold.state == HoldState::Expired {
            self.expired.insert((hold.deadline, sequence));
        }
        self.holds.insert(sequence, hold);
    }

    pub(super) fn remove(&mut self, sequence: Sequence) -> Option<Hold> {
        let hold = self.holds.remove(&sequence)?;
        if hold.state == HoldState::Expired {
            self.expired.remove(&(hold.deadline, sequence));
        }
        Some(hold)
    }

    pub(super) fn extend(&mut self, sequence: Sequence, held: Amount, deadline: Timestamp) {
        if let Some(hold) = self.holds.get_mut(&sequence) {
            hold.amount = held;
            hold.deadline = deadline;
        }
    }

    pub(super) fn spend(&mut self, sequence: Sequence, left: Left) {
        if let Some(hold) = self.holds.get_mut(&sequence) {
            (hold.amount, hold.spent, hold.unfunded) = (left.held, left.spent, left.unfunded);
        }
    }

    pub(super) fn expire(&mut self, sequence: Sequence) {
        if let Some(hold) = self.holds.get_mut(&sequence) {
            hold.state = HoldState::Expired;
            self.expired.insert((hold.deadline, sequence));
        }
    }

    /// Removes one expired hold whose deadline lies more than the late window back, if there is one. FORMAT 10.8.
    pub(super) fn forget_one(&mut self, now: Timestamp, late_window_ns: u64) -> Option<Hold> {
        let (deadline, sequence) = *self.expired.first()?;
        if !is_older(deadline, now, late_window_ns) {
            return None;
        }
        self.remove(sequence)
    }
}

/// Whether an instant lies more than `ns` before another.
pub(super) fn is_older(instant: Timestamp, now: Timestamp, ns: u64) -> bool {
    instant < now && now.0.abs_diff(instant.0) > ns
}
