//! `assize policy check`: whether a document is a valid policy, and what is in it.

use std::path::PathBuf;

use assize::{
    num::MicroUnits,
    policy::{Candidate, ColumnKind, Policy, Substitution},
};
use clap::Args;
use serde::Serialize;

use crate::{
    document,
    failure::Failure,
    output::{self, Format, Page, Print, grouped},
};

/// The arguments of `policy check`.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// A policy document, JSON if its name ends in .json and else TOML.
    policy: PathBuf,
}

/// Checks the document, and prints what is in it.
pub(crate) fn run(arguments: &Arguments, format: Format) -> Result<(), Failure> {
    let policy = document::load(&arguments.policy)?;
    output::print(&Summary::of(&policy), format)
}

/// What is in a policy.
#[derive(Debug, Serialize)]
pub(crate) struct Summary {
    valid: bool,
    name: String,
    epoch: u64,
    digest: String,
    schema: String,
    schema_digest: String,
    risk_hard_bps: Option<u16>,
    confidence_min_bps: Option<u16>,
    utility: bool,
    substitution: String,
    candidates: usize,
    enabled: usize,
    unpriced: usize,
    columns: Vec<ColumnSummary>,
}

#[derive(Debug, Serialize)]
struct ColumnSummary {
    column: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    members: Option<u32>,
    /// Candidates whose value is known.
    known: usize,
}

impl Summary {
    fn of(policy: &Policy) -> Self {
        let candidates = policy.candidates();
        let count = |is: fn(&Candidate) -> bool| candidates.iter().filter(|candidate| is(candidate)).count();
        let bps = |bps: assize::num::Bps| bps.as_u16();
        Self {
            valid: true,
            name: policy.name().to_owned(),
            epoch: policy.epoch().0,
            digest: policy.digest().to_string(),
            schema: policy.schema().name().to_owned(),
            schema_digest: policy.schema().digest().to_string(),
            risk_hard_bps: policy.limits().risk_hard.map(bps),
            confidence_min_bps: policy.limits().confidence_min.map(bps),
            utility: policy.utility().is_some(),
            substitution: match policy.substitution() {
                Substitution::Best => "best".to_owned(),
                Substitution::Margin(MicroUnits(micros)) => format!("margin({micros})"),
                Substitution::IfIneligible => "if_ineligible".to_owned(),
                Substitution::Never => "never".to_owned(),
            },
            candidates: candidates.len(),
            enabled: count(Candidate::is_enabled),
            unpriced: count(|candidate| candidate.cards().is_empty()),
            columns: columns(policy),
        }
    }
}

impl Print for Summary {
    fn page(&self, page: &mut Page) {
        let limit = |bps: Option<u16>| bps.map_or("none".to_owned(), |bps| format!("{bps} bps"));
        page.facts(&[
            ("policy", format!("{}, epoch {}", self.name, self.epoch)),
            ("digest", self.digest.clone()),
            ("schema", format!("{}, {}", self.schema, self.schema_digest)),
            ("risk limit", limit(self.risk_hard_bps)),
            ("confidence minimum", limit(self.confidence_min_bps)),
            ("order", if self.utility { "utility" } else { "least cost" }.to_owned()),
            ("substitution", self.substitution.clone()),
            ("candidates", grouped(self.candidates)),
            ("enabled", grouped(self.enabled)),
            ("unpriced", grouped(self.unpriced)),
        ]);
        page.gap();
        let rows = self.columns.iter().map(|column| {
            vec![
                column.column.clone(),
                column.members.map(grouped).unwrap_or_default(),
                grouped(column.known),
            ]
        });
        page.table(&["column", "members", "known"], &rows.collect::<Vec<_>>());
    }
}

fn columns(policy: &Policy) -> Vec<ColumnSummary> {
    let schema = policy.schema();
    let summary = |column: &assize::policy::Column| {
        let index = schema.column(column.name())?;
        let has_members = matches!(column.kind(), ColumnKind::Set | ColumnKind::Member);
        let is_known = |candidate: &&Candidate| {
            candidate.value(index).is_some()
                || candidate.member(index).is_some()
                || candidate.set(index).is_some()
        };
        Some(ColumnSummary {
            column: column.name().to_owned(),
            members: has_members.then(|| policy.listed(index).count()),
            known: policy.candidates().iter().filter(is_known).count(),
        })
    };
    schema.columns().iter().filter_map(summary).collect()
}
