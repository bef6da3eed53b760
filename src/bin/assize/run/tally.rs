//! What came of a run, counted as it goes.

use std::{collections::BTreeMap, time::Duration};

use assize::{
    controller::{Denial, Permit},
    id::CandidateId,
    kernel::{Action, Reason},
    num::Amount,
    record::{CommitOutcome, Settled},
};
use serde::Serialize;

use crate::outcome::Outcome;

/// Counts and times of one run.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// How often each outcome was given for each reason; for a halt there is none.
    pub(super) outcomes: BTreeMap<(Outcome, Option<Reason>), u64>,
    /// Requests that another than the requested candidate serves.
    pub(super) substituted: u64,
    pub(super) candidates: BTreeMap<CandidateId, Chosen>,
    pub(super) settled: Settlements,
    /// How long each `admit` took, in nanoseconds.
    admit_ns: Vec<u64>,
    /// From the first admission until everything was on disk.
    elapsed_ns: u64,
}

/// What one candidate was chosen for.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Chosen {
    pub(super) admitted: u64,
    pub(super) committed_micros: u64,
    pub(super) overruns: u64,
}

/// How the holds of a run ended.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct Settlements {
    pub(super) commits: u64,
    pub(super) committed_micros: u64,
    /// Commits above what was held.
    pub(super) overruns: u64,
    /// What they were above it.
    pub(super) overrun_micros: u64,
    /// What of that was booked.
    pub(super) overrun_booked_micros: u64,
    /// What was spent and not booked.
    pub(super) unfunded_micros: u64,
    /// Holds that had expired before they were settled.
    pub(super) expired: u64,
    /// Commits of what was held, since what was used has no price.
    pub(super) unpriced: u64,
}

/// How long `admit` took, in nanoseconds: the smallest time that such a share of the calls did not pass.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Latency {
    pub(super) p50_ns: u64,
    pub(super) p99_ns: u64,
    pub(super) p99_9_ns: u64,
    pub(super) max_ns: u64,
}

impl Tally {
    pub(super) fn new(rows: usize) -> Self {
        Self { admit_ns: Vec::with_capacity(rows), ..Self::default() }
    }

    /// A row was admitted.
    pub(super) fn admitted(&mut self, permit: &Permit) {
        let decision = permit.decision();
        self.count(Outcome::Admitted, decision.map(|decision| decision.reason));
        if decision.is_some_and(|decision| decision.action == Action::Substitute) {
            increment(&mut self.substituted);
        }
        increment(&mut self.candidates.entry(permit.candidate()).or_default().admitted);
    }

    /// A row was denied.
    pub(super) fn denied(&mut self, denial: &Denial) {
        // The run reports to the host, who may know.
        let reason = denial.audited_reason().decision.map(|decision| decision.reason);
        self.count(denial.class().into(), reason);
    }

    /// A hold ended.
    pub(super) fn settled(&mut self, candidate: CandidateId, held: Amount, outcome: &CommitOutcome) {
        let CommitOutcome { settled, actual, booked_extra, unfunded } = *outcome;
        let committed_micros = match settled {
            Settled::InTime => actual.min(held).micros().saturating_add(booked_extra.micros()),
            Settled::Expired => 0,
        };
        let chosen = self.candidates.entry(candidate).or_default();
        let all = &mut self.settled;
        increment(&mut all.commits);
        add(&mut chosen.committed_micros, committed_micros);
        add(&mut all.committed_micros, committed_micros);
        add(&mut all.unfunded_micros, unfunded.micros());
        if settled == Settled::Expired {
            increment(&mut all.expired);
        } else if let Some(above) = actual.checked_sub(held).filter(|above| *above > Amount::ZERO) {
            increment(&mut chosen.overruns);
            increment(&mut all.overruns);
            add(&mut all.overrun_micros, above.micros());
            add(&mut all.overrun_booked_micros, booked_extra.micros());
        }
    }

    /// What a row used has no price that can be booked.
    pub(super) fn unpriced(&mut self) {
        increment(&mut self.settled.unpriced);
    }

    /// One `admit` took that long.
    pub(super) fn waited(&mut self, time: Duration) {
        self.admit_ns.push(nanoseconds(time));
    }

    /// The run took that long.
    pub(super) fn took(&mut self, time: Duration) {
        self.elapsed_ns = nanoseconds(time);
        self.admit_ns.sort_unstable();
    }

    /// Rows put.
    pub(super) fn rows(&self) -> u64 {
        u64::try_from(self.admit_ns.len()).unwrap_or(u64::MAX)
    }

    /// From the first admission until everything was on disk.
    pub(super) fn elapsed_ns(&self) -> u64 {
        self.elapsed_ns
    }

    /// Rows a second, rounded down, of what was admitted or denied, settled and synced.
    pub(super) fn rows_per_s(&self) -> u64 {
        let rows = u128::from(self.rows()).saturating_mul(1_000_000_000);
        rows.checked_div(self.elapsed_ns.into()).and_then(|rate| u64::try_from(rate).ok()).unwrap_or(0)
    }

    /// How long `admit` took.
    pub(super) fn latency(&self) -> Latency {
        Latency {
            p50_ns: self.admit_ns_at(500),
            p99_ns: self.admit_ns_at(990),
            p99_9_ns: self.admit_ns_at(999),
            max_ns: self.admit_ns_at(1000),
        }
    }

    /// By nearest rank: the smallest time that is not passed by that many of a thousand.
    fn admit_ns_at(&self, per_mille: usize) -> u64 {
        let rank = self.admit_ns.len().saturating_mul(per_mille).div_ceil(1000);
        self.admit_ns.get(rank.saturating_sub(1)).copied().unwrap_or(0)
    }

    fn count(&mut self, outcome: Outcome, reason: Option<Reason>) {
        increment(self.outcomes.entry((outcome, reason)).or_default());
    }
}

fn increment(count: &mut u64) {
    add(count, 1);
}

fn add(sum: &mut u64, more: u64) {
    *sum = sum.saturating_add(more);
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_are_the_nearest() {
        let mut tally = Tally::new(0);
        assert_eq!(tally.latency().p50_ns, 0);
        for ns in (1..=2000).rev() {
            tally.waited(Duration::from_nanos(ns));
        }
        tally.took(Duration::from_millis(500));
        let Latency { p50_ns, p99_ns, p99_9_ns, max_ns } = tally.latency();
        assert_eq!((p50_ns, p99_ns, p99_9_ns, max_ns), (1000, 1980, 1998, 2000));
        assert_eq!((tally.rows(), tally.rows_per_s()), (2000, 4000));
        let mut one = Tally::new(1);
        one.waited(Duration::from_nanos(7));
        one.took(Duration::ZERO);
        assert_eq!((one.latency().p50_ns, one.latency().p99_9_ns, one.rows_per_s()), (7, 7, 0));
    }
}
