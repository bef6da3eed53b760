//! By candidate: admissions, what was committed, overruns.

use std::{collections::BTreeMap, sync::Arc};

use assize::{
    audit::{Observer, Step},
    id::CandidateId,
    num::Amount,
    policy::Policy,
    record::{Record, Settled, Spend},
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
    /// Commits above what was held.
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
}

impl Observer for Candidates {
    fn before(&mut self, step: &Step<'_>) {
        let outcome = match step.record {
            Record::Admission(call) => &call.outcome,
            Record::Reroute(call) => &call.outcome.admission,
            Record::Commit(call) => {
                let Some(hold) = step.ledger.hold(call.arguments.hold) else { return };
                let served = match call.arguments.spend {
                    Spend::Usage { served, .. } => served,
                    Spend::Amount(_) => hold.candidate,
                };
                let row = self.row(step.ledger.policy_of(hold.epoch), served);
                let outcome = &call.outcome;
                let booked = match outcome.settled {
                    Settled::InTime => outcome.actual.min(hold.amount).micros(),
                    Settled::Expired => 0,
                };
                let booked = booked.saturating_add(outcome.booked_extra.micros());
                row.commits = row.commits.saturating_add(1);
                row.committed_micros = row.committed_micros.saturating_add(booked);
                row.unfunded_micros = row.unfunded_micros.saturating_add(outcome.unfunded.micros());
                let above = outcome.actual.checked_sub(hold.amount).is_some_and(|above| above > Amount::ZERO);
                if above && outcome.settled == Settled::InTime {
                    row.overruns = row.overruns.saturating_add(1);
                }
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
