//! `assize replay`: whether everything that a log says follows.

use assize::audit::ReplayReport;
use clap::Args;
use serde::Serialize;

use crate::{
    balances::Balances,
    evidence::Evidence,
    failure::Failure,
    money,
    output::{self, Format, Page, Print, grouped},
    verify::{facts, not_proven},
};

/// The arguments of `replay`.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    evidence: Evidence,
}

/// Replays the log, and says what that proves and what not.
pub(crate) fn run(arguments: &Arguments, format: Format) -> Result<(), Failure> {
    let mut balances = Balances::default();
    let report = arguments.evidence.replay(&mut balances)?;
    let log = arguments.evidence.name();
    output::print(&Printed { holds: true, log, report, money: balances.levels() }, format)
}

#[derive(Debug, Serialize)]
struct Printed {
    holds: bool,
    log: String,
    #[serde(flatten)]
    report: ReplayReport,
    money: Vec<money::Level>,
}

impl Print for Printed {
    fn page(&self, page: &mut Page) {
        let report = &self.report;
        let calls = &report.calls;
        page.line("the log holds: every decision is the one that follows, and every balance is right");
        let mut facts = facts(&self.log, &report.summary);
        facts.push(("ledger digest", report.ledger.to_string()));
        facts.push(("snapshot digest", report.snapshot.to_string()));
        facts.push(("checkpoints reproduced", grouped(report.checkpoints)));
        page.facts(&facts);

        page.gap();
        let rows = [
            ("admitted", calls.admitted),
            ("denied (policy)", calls.denied_policy),
            ("denied (budget)", calls.denied_budget),
            ("denied (throttle)", calls.denied_throttle),
            ("denied (halted)", calls.denied_halted),
            ("of these, reroutes", calls.reroutes),
            ("commits by usage", calls.commits_usage),
            ("commits by amount", calls.commits_amount),
            ("part commits by usage", calls.part_commits_usage),
            ("part commits by amount", calls.part_commits_amount),
            ("adjustments", calls.adjustments),
            ("releases", calls.releases),
            ("extensions", calls.extensions),
            ("holds expired", calls.expired),
            ("recoveries", calls.recoveries),
            ("administration", calls.administration),
            ("accounts", report.accounts),
            ("open holds", report.holds_open),
            ("operations remembered", report.operations),
        ];
        let rows = rows.map(|(what, count)| vec![what.to_owned(), grouped(count)]);
        page.table(&["what", "count"], &rows);

        page.gap();
        money::page(&self.money, page);
        not_proven(&report.not_proven, page);
    }
}
