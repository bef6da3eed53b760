//! By candidate: admissions, what was committed, overruns.

use std::{collections::BTreeMap, sync::Arc};

use assize::{
    audit::{Observer, Step},
    id::{CandidateId, Sequence},
    ledger::Ledger,
    num::Amount,
    policy::Policy,
    record::{CommitOutcome, PartCommitOutcome, Record, Settled, Spend},
};
use serde::Serialize;

use crate::{
    evidence::Evidence,
    failure::Failure,
    names,
    output::{self, Format, Page, Print, grouped},
};

pub(super) fn run(evidence: &Evidence, format: Format) -> Result<(), Failure> {
    let mut candidates = Candidates::default();
    let _report = evidence.replay(&mut candidates)?;
    let mut rows: Vec<Row> = candidates.rows.into_values().collect();
    rows.sort_by_key(|row| (std::cmp::Reverse(row.admissions), row.id));
    output::print(&Printed { candidates: rows }, format)
}

#[derive(Default)]
struct Candidates {
    rows: BTreeMap<CandidateId, Row>,
}

/// A candidate that was admitted or that served.
#[derive(Debug, Serialize)]
struct Row {
    id: CandidateId,
    name: String,
    admissions: u64,
    commits: u64,
    committed_micros: u64,
    /// Commits, of parts too, above what was held.
    overruns: u64,
    unfunded_micros: u64,
}

impl Candidates {
    fn row(&mut self, policy: Option<&Arc<Policy>>, id: CandidateId) -> &mut Row {
        self.rows.entry(id).or_insert_with(|| Row {
            id,
            name: policy.map_or_else(|| id.to_string(), |policy| names::candidate(policy, id)),
            admissions: 0,
            commits: 0,
            committed_micros: 0,
            overruns: 0,
            unfunded_micros: 0,
        })
    }

    /// Counts what a commit of a hold, or of a part of it, booked, at the candidate that served.
    fn book(&mut self, ledger: &Ledger, hold: Sequence, spend: &Spend, booking: Booking) -> Option<&mut Row> {
        let hold = ledger.hold(hold)?;
        let served = match spend {
            Spend::Usage { served, .. } => *served,
            Spend::Amount(_) => hold.candidate,
        };
        let row = self.row(ledger.policy_of(hold.epoch), served);
        let part = booking.actual.checked_sub(hold.spent).unwrap_or(Amount::ZERO);
        let booked = match booking.settled {
            Settled::InTime => part.min(hold.amount).micros(),
            Settled::Expired => 0,
        };
        let booked = booked.saturating_add(booking.booked_extra.micros());
        row.committed_micros = row.committed_micros.saturating_add(booked);
        row.unfunded_micros = row.unfunded_micros.saturating_add(booking.unfunded.micros());
        if part > hold.amount && booking.settled == Settled::InTime {
            row.overruns = row.overruns.saturating_add(1);
        }
        Some(row)
    }
}

/// What a settlement says that it booked.
struct Booking {
    settled: Settled,
    /// What was spent in all.
    actual: Amount,
    booked_extra: Amount,
    unfunded: Amount,
}

impl Observer for Candidates {
    fn before(&mut self, step: &Step<'_>) {
        let outcome = match step.record {
            Record::Admission(call) => &call.outcome,
            Record::Reroute(call) => &call.outcome.admission,
            Record::Commit(call) => {
                let CommitOutcome { settled, actual, booked_extra, unfunded } = call.outcome;
                let booking = Booking { settled, actual, booked_extra, unfunded };
                if let Some(row) = self.book(step.ledger, call.arguments.hold, &call.arguments.spend, booking)
                {
                    row.commits = row.commits.saturating_add(1);
                }
                return;
            }
            Record::PartCommit(call) => {
                let PartCommitOutcome { actual, booked_extra, unfunded, .. } = call.outcome;
                let booking = Booking { settled: Settled::InTime, actual, booked_extra, unfunded };
                let _row = self.book(step.ledger, call.arguments.hold, &call.arguments.spend, booking);
                return;
            }
            _ => return,
        };
        if let Some(selected) = outcome.decided().and_then(|decided| decided.decision.selected) {
            let row = self.row(Some(step.ledger.policy()), selected.candidate);
            row.admissions = row.admissions.saturating_add(1);
        }
    }
}

#[derive(Debug, Serialize)]
struct Printed {
    candidates: Vec<Row>,
}

impl Print for Printed {
    fn page(&self, page: &mut Page) {
        let head = ["candidate", "admissions", "commits", "committed", "overruns", "unfunded"];
        let rows = self.candidates.iter().map(|row| {
            let counts =
                [row.admissions, row.commits, row.committed_micros, row.overruns, row.unfunded_micros];
            [vec![row.name.clone()], counts.map(grouped).to_vec()].concat()
        });
        page.table(&head, &rows.collect::<Vec<_>>());
    }
}
