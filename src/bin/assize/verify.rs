//! `assize verify`: whether a log's chain holds.

use assize::{
    audit::{NotProven, VerifyReport},
    wal::{Pruned, Summary},
};
use clap::Args;
use serde::Serialize;

use crate::{
    evidence::Evidence,
    failure::Failure,
    head::Head,
    output::{self, Format, Page, Print, grouped},
};

/// The arguments of `verify`.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    evidence: Evidence,
}

/// Verifies the chain, and says what that proves and what not.
pub(crate) fn run(arguments: &Arguments, format: Format) -> Result<(), Failure> {
    let report = arguments.evidence.verify()?;
    output::print(&Printed { holds: true, log: arguments.evidence.name(), report }, format)
}

#[derive(Debug, Serialize)]
struct Printed {
    holds: bool,
    log: String,
    #[serde(flatten)]
    report: VerifyReport,
}

impl Print for Printed {
    fn page(&self, page: &mut Page) {
        page.line("the chain holds");
        page.facts(&facts(&self.log, &self.report.summary));
        not_proven(&self.report.not_proven, page);
    }
}

/// What was read.
pub(crate) fn facts(log: &str, summary: &Summary) -> Vec<(&'static str, String)> {
    let end = match (summary.sealed, summary.live) {
        (true, _) => "sealed: the log was closed",
        (false, true) => "bytes of a record that is being written",
        (false, false) => "not sealed: the log is open, or its writer ended without closing it",
    };
    let mut facts = vec![
        ("log", format!("{log}, {}", summary.log_id)),
        ("keys", summary.key_mode.to_string()),
        ("segments", grouped(summary.segments)),
    ];
    facts.extend(summary.pruned.map(|Pruned { first_segment, through }| {
        ("pruned", format!("segments before {first_segment}, with the records through {through}"))
    }));
    facts.extend([
        ("records", grouped(summary.records)),
        ("bytes", grouped(summary.bytes)),
        ("end", end.to_owned()),
        ("on disk", format!("through record {}", summary.synced.sequence())),
        ("head", Head::of(&summary.head).to_string()),
    ]);
    facts
}

/// What a report does not prove.
pub(crate) fn not_proven(list: &[NotProven], page: &mut Page) {
    page.gap();
    page.line("not proven:");
    for what in list {
        page.line(&format!("- {what}"));
    }
}
