//! What a controller has done since it was created or opened.

use crate::{
    id::Epoch,
    num::Timestamp,
    record::{AdmissionOutcome, Halt},
    wal,
};

/// Outcomes since the controller was created or opened, and its present state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Outcomes by kind.
    pub counts: Counts,
    /// Open holds.
    pub holds_open: usize,
    /// Expired holds that can still be settled.
    pub holds_expired: usize,
    /// Settled holds remembered, that can be adjusted.
    pub holds_settled: usize,
    /// Operations remembered.
    pub operations: usize,
    /// The time of the last record.
    pub log_time: Timestamp,
    /// What is halted.
    pub halt: Halt,
    /// The policy in force.
    pub epoch: Epoch,
    /// The queue, and what is written and synced.
    pub log: wal::Stats,
}

/// How often each outcome was recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// Permits, reroutes included.
    pub admitted: u64,
    /// Denials by the policy.
    pub denied_policy: u64,
    /// Denials by a budget.
    pub denied_budget: u64,
    /// Denied by a throttle.
    pub denied_throttle: u64,
    /// Denials while admissions were halted.
    pub denied_halted: u64,
    /// Holds settled with what was spent.
    pub committed: u64,
    /// Parts of holds settled with what was spent so far.
    pub part_commits: u64,
    /// Settled holds adjusted.
    pub adjusted: u64,
    /// Holds released, those of reroutes included.
    pub released: u64,
    /// Holds expired.
    pub expired: u64,
}

impl Counts {
    pub(super) fn decided(&mut self, outcome: &AdmissionOutcome) {
        let count = match outcome {
            AdmissionOutcome::Admitted { .. } => &mut self.admitted,
            AdmissionOutcome::DeniedPolicy { .. } => &mut self.denied_policy,
            AdmissionOutcome::DeniedBudget { .. } => &mut self.denied_budget,
            AdmissionOutcome::DeniedThrottle { .. } => &mut self.denied_throttle,
            AdmissionOutcome::DeniedHalted => &mut self.denied_halted,
        };
        *count = count.saturating_add(1);
    }

    pub(super) fn committed(&mut self) {
        self.committed = self.committed.saturating_add(1);
    }

    pub(super) fn adjusted(&mut self) {
        self.adjusted = self.adjusted.saturating_add(1);
    }

    pub(super) fn part_committed(&mut self) {
        self.part_commits = self.part_commits.saturating_add(1);
    }

    pub(super) fn released(&mut self) {
        self.released = self.released.saturating_add(1);
    }

    pub(super) fn expired(&mut self, holds: usize) {
        self.expired = self.expired.saturating_add(u64::try_from(holds).unwrap_or(u64::MAX));
    }
}
