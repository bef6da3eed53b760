//! What is summed up.

use assize::record::Record;
use serde::Serialize;

use crate::{booking::Booking, outcome::Outcome};

/// Requests, and what came of their holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Sums {
    pub(super) admissions: u64,
    pub(super) denials_policy: u64,
    pub(super) denials_budget: u64,
    pub(super) denials_throttle: u64,
    pub(super) denials_halted: u64,
    /// Of all these, reroutes.
    pub(super) reroutes: u64,
    /// What was taken: by admissions, reroutes and extensions.
    pub(super) held_micros: u128,
    pub(super) commits: u64,
    pub(super) part_commits: u64,
    pub(super) adjustments: u64,
    /// What was booked: by commits, parts and adjustments.
    pub(super) committed_micros: u128,
    /// Of this, by adjustments.
    pub(super) adjusted_micros: u128,
    /// What adjustments gave back.
    pub(super) refunded_micros: u128,
    /// What was spent and not booked.
    pub(super) unfunded_micros: u128,
    /// Commits of holds that had expired: nothing of them is booked.
    pub(super) late_commits: u64,
    /// What they stated: part of what is unfunded.
    pub(super) late_micros: u128,
}

impl Sums {
    pub(super) fn decide(&mut self, outcome: Outcome, rerouted: bool, held_micros: u64) {
        let count = match outcome {
            Outcome::Admitted => &mut self.admissions,
            Outcome::DeniedPolicy => &mut self.denials_policy,
            Outcome::DeniedBudget => &mut self.denials_budget,
            Outcome::DeniedThrottle => &mut self.denials_throttle,
            Outcome::DeniedHalted => &mut self.denials_halted,
        };
        *count = count.saturating_add(1);
        self.reroutes = self.reroutes.saturating_add(u64::from(rerouted));
        add(&mut self.held_micros, held_micros);
    }

    pub(super) fn settle(&mut self, record: &Record, booking: &Booking) {
        let count = match record {
            Record::Commit(_) => Some(&mut self.commits),
            Record::PartCommit(_) => Some(&mut self.part_commits),
            Record::Adjust(_) => Some(&mut self.adjustments),
            _ => None,
        };
        if let Some(count) = count {
            *count = count.saturating_add(1);
        }
        if matches!(record, Record::Adjust(_)) {
            add(&mut self.adjusted_micros, booking.committed_micros);
        }
        add(&mut self.held_micros, booking.extended_micros);
        add(&mut self.committed_micros, booking.committed_micros);
        add(&mut self.refunded_micros, booking.refunded_micros);
        add(&mut self.unfunded_micros, booking.unfunded_micros);
        if booking.is_late {
            self.late_commits = self.late_commits.saturating_add(1);
            add(&mut self.late_micros, booking.unfunded_micros);
        }
    }

    /// What is booked on balance.
    pub(super) fn booked_micros(&self) -> i128 {
        let [committed, refunded] = [self.committed_micros, self.refunded_micros]
            .map(|micros| i128::try_from(micros).unwrap_or(i128::MAX));
        committed.saturating_sub(refunded)
    }
}

/// What is counted for one limit of an account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct LimitSums {
    /// Grants, those taken back subtracted.
    pub(super) granted_micros: i128,
    /// What was unspent at the end of a window, or came back to one that had ended.
    pub(super) lapsed_micros: u128,
}

impl LimitSums {
    pub(super) fn grant(&mut self, change_micros: i64) {
        self.granted_micros = self.granted_micros.saturating_add(change_micros.into());
    }

    pub(super) fn lapse(&mut self, lapsed_micros: u64) {
        add(&mut self.lapsed_micros, lapsed_micros);
    }
}

/// OK because a log has fewer than 2⁶⁴ records, of less than 2⁶⁴ each.
fn add(sum: &mut u128, more: u64) {
    *sum = sum.saturating_add(more.into());
}
