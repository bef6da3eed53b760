//! By candidate: admissions, what was committed, overruns.

use std::{collections::BTreeMap, sync::Arc};

use assize::{
    audit::{Observer, Step},
    id::CandidateId,
    policy::Policy,
    record::{Record, Spend},
    wal::Pruned,
};
use serde::Serialize;

use crate::{
    booking::bookings,
    evidence::Evidence,
    failure::Failure,
    names,
    outcome::Outcome,
    output::{self, Format, Page, Print, grouped},
};

pub(super) fn run(evidence: &Evidence, format: Format) -> Result<(), Failure> {
    let mut candidates = Candidates::default();
    let pruned = evidence.look(&mut candidates)?.summary.pruned;
    let mut rows: Vec<Row> = candidates.rows.into_values().collect();
    rows.sort_by_key(|row| (std::cmp::Reverse(row.admissions), row.id));
    output::print(&Printed { candidates: rows, pruned }, format)
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
    fn book(&mut self, step: &Step<'_>, spend: &Spend, counts: Counts) {
        for booking in bookings(step.ledger, step.record) {
            let Some(hold) = step.ledger.hold(booking.hold) else { continue };
            let served = match spend {
                Spend::Usage { served, .. } => *served,
                Spend::Amount(_) => hold.candidate,
            };
            let row = self.row(step.ledger.policy_of(hold.epoch), served);
            row.commits = row.commits.saturating_add(u64::from(counts == Counts::Whole));
            row.committed_micros = row.committed_micros.saturating_add(booking.committed_micros);
            row.unfunded_micros = row.unfunded_micros.saturating_add(booking.unfunded_micros);
            row.overruns = row.overruns.saturating_add(u64::from(booking.above_micros > 0));
        }
    }
}

/// Whether a settlement is counted as a commit.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Counts {
    Whole,
    Part,
}

impl Observer for Candidates {
    fn before(&mut self, step: &Step<'_>) {
        let outcome = match step.record {
            Record::Admission(call) => &call.outcome,
            Record::Reroute(call) => &call.outcome.admission,
            Record::Commit(call) => return self.book(step, &call.arguments.spend, Counts::Whole),
            Record::PartCommit(call) => return self.book(step, &call.arguments.spend, Counts::Part),
            _ => return,
        };
        // What a throttle denied, or a cap on holds, selects a candidate too.
        if !Outcome::of(outcome).is_admitted() {
            return;
        }
        if let Some(selected) = outcome.decided().and_then(|decided| decided.decision.selected) {
            let row = self.row(Some(step.ledger.policy()), selected.candidate);
            row.admissions = row.admissions.saturating_add(1);
        }
    }
}

#[derive(Debug, Serialize)]
struct Printed {
    candidates: Vec<Row>,
    /// What was deleted before it, if anything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pruned: Option<Pruned>,
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
