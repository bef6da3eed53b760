//! `assize what-if`: what another policy would have changed.

use std::path::PathBuf;

use assize::{
    audit::{Budgets, Change, Class, Compared, Undecidable, UndecidedRow, WhatIfReport},
    id::Sequence,
};
use clap::{Args, ValueEnum};
use serde::Serialize;

use crate::{
    document,
    evidence::Evidence,
    failure::Failure,
    output::{self, Format, Page, Print, grouped},
    verify::{facts, not_proven},
};

/// The arguments of `what-if`.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    evidence: Evidence,
    /// The other policy: of the schema of those in the log, which it need not be able to follow.
    #[arg(long, value_name = "FILE")]
    policy: PathBuf,
    /// What accounts are taken to pay.
    #[arg(long, value_enum, default_value_t = On::Recorded)]
    budgets: On,
    /// The most accounts, and the most candidates, to show; machines get all candidates.
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    top: u32,
}

/// What accounts are taken to pay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum On {
    /// The limit applied in the record where one was, else whatever a request costs.
    Recorded,
    /// What an estimate of each account has left under the other policy.
    Simulated,
}

/// Replays the log, decides it again, and prints what would have changed.
pub(crate) fn run(arguments: &Arguments, format: Format) -> Result<(), Failure> {
    let policy = document::load(&arguments.policy)?;
    let budgets = match arguments.budgets {
        On::Recorded => Budgets::Recorded,
        On::Simulated => Budgets::Simulated,
    };
    let top = usize::try_from(arguments.top).unwrap_or(usize::MAX);
    let report = arguments.evidence.what_if(&policy, &arguments.policy, (budgets, top))?;
    output::print(&Printed { holds: true, log: arguments.evidence.name(), report, top }, format)
}

#[derive(Debug, Serialize)]
struct Printed {
    holds: bool,
    log: String,
    #[serde(flatten)]
    report: WhatIfReport,
    #[serde(skip)]
    top: usize,
}

impl Print for Printed {
    fn page(&self, page: &mut Page) {
        let report = &self.report;
        page.line("the log holds; what the other policy would have changed is an estimate");
        let mut facts = facts(&self.log, &report.replay.summary);
        let policy = &report.policy;
        facts.push(("other policy", format!("{}, epoch {}, {}", policy.name, policy.epoch, policy.digest)));
        let budgets = match report.budgets {
            Budgets::Recorded => "as recorded",
            Budgets::Simulated => "simulated",
        };
        facts.push(("budgets", budgets.to_owned()));
        page.facts(&facts);
        page.gap();
        self.decisions(page);
        page.gap();
        self.money(page);
        self.accounts(page);
        self.candidates(page);
        self.undecided(page);
        page.gap();
        page.line("assumed:");
        for assumption in &report.assumptions {
            page.line(&format!("- {assumption}"));
        }
        not_proven(&report.replay.not_proven, page);
    }
}

impl Printed {
    fn decisions(&self, page: &mut Page) {
        let rows = self.report.decisions.iter().map(|row| {
            let now = row.now.map_or("", class);
            let mut cells = vec![change(row.change).to_owned(), class(row.then).to_owned(), now.to_owned()];
            cells.extend([row.count, row.reroutes].map(grouped));
            cells.push(row.first.to_string());
            cells.extend(compared(&row.held));
            cells
        });
        let head =
            ["decisions", "then", "now", "count", "reroutes", "first", "held then", "held now", "difference"];
        page.table(&head, &rows.collect::<Vec<_>>());
    }

    fn money(&self, page: &mut Page) {
        let money = &self.report.money;
        let rows = [("held", &money.held), ("spent", &money.spent)].map(|(what, sums)| {
            let mut cells = vec![what.to_owned()];
            cells.extend(compared(sums));
            cells
        });
        page.table(&["money, µ", "then", "now", "difference"], &rows);
    }

    fn accounts(&self, page: &mut Page) {
        let report = &self.report;
        if report.accounts.is_empty() {
            return;
        }
        let rows = report.accounts.iter().map(|row| {
            let mut cells = vec![row.name.to_string()];
            cells.extend([row.changed, row.executed_then, row.executed_now].map(grouped));
            cells.extend(compared(&row.money.held));
            cells.extend(compared(&row.money.spent));
            cells
        });
        let head = [
            "account",
            "changed",
            "executed then",
            "now",
            "held then",
            "now",
            "difference",
            "spent then",
            "now",
            "difference",
        ];
        page.gap();
        page.table(&head, &rows.collect::<Vec<_>>());
        self.rest(report.accounts.len(), report.accounts_changed, page);
    }

    fn candidates(&self, page: &mut Page) {
        let rows = &self.report.candidates;
        if rows.is_empty() {
            return;
        }
        let shown = rows.iter().take(self.top).map(|row| {
            let mut cells = vec![row.name.to_string()];
            cells.extend([row.selected_then, row.selected_now, row.gained, row.lost].map(grouped));
            cells.extend(compared(&row.money.spent));
            cells
        });
        let head = ["candidate", "selected then", "now", "gained", "lost", "spent then", "now", "difference"];
        page.gap();
        page.table(&head, &shown.collect::<Vec<_>>());
        self.rest(rows.len().min(self.top), u64::try_from(rows.len()).unwrap_or(u64::MAX), page);
    }

    /// Says how many rows are left out.
    fn rest(&self, shown: usize, all: u64, page: &mut Page) {
        let rest = all.saturating_sub(u64::try_from(shown).unwrap_or(u64::MAX));
        if rest > 0 {
            page.line(&format!("and {} more; --top shows more of them", grouped(rest)));
        }
    }

    fn undecided(&self, page: &mut Page) {
        let rows = &self.report.undecided;
        if rows.is_empty() {
            return;
        }
        let rows = rows.iter().map(|row| {
            let Sequence(first) = row.first;
            vec![cause(row), grouped(row.count), first.to_string()]
        });
        page.gap();
        page.table(&["not decided again", "count", "first"], &rows.collect::<Vec<_>>());
    }
}

fn compared(sums: &Compared) -> [String; 3] {
    let sign = if sums.difference_micros > 0 { "+" } else { "" };
    let difference = format!("{sign}{}", grouped(sums.difference_micros));
    [grouped(sums.then_micros), grouped(sums.now_micros), difference]
}

fn change(change: Change) -> &'static str {
    match change {
        Change::Same => "same",
        Change::OtherCost => "same candidate, other cost",
        Change::OtherCandidate => "other candidate",
        Change::Denied => "executed, now denied",
        Change::Executed => "denied, now executes",
        Change::OtherDenial => "denied otherwise",
        Change::NotAsked => "not asked again",
        Change::Undecided => "not decided again",
    }
}

fn class(class: Class) -> &'static str {
    match class {
        Class::Admitted => "admitted",
        Class::DeniedPolicy => "denied (policy)",
        Class::DeniedBudget => "denied (budget)",
        Class::DeniedThrottle => "denied (throttle)",
        Class::DeniedHalted => "denied (halted)",
    }
}

/// Why requests could not be decided again, in words.
fn cause(row: &UndecidedRow) -> String {
    let column = row.column.as_deref().unwrap_or("?");
    match row.cause {
        Undecidable::OtherSchema => "made for another schema".to_owned(),
        Undecidable::ValueMissing => "the value is not stated".to_owned(),
        Undecidable::ConfidenceMissing => "the confidence is not stated".to_owned(),
        Undecidable::RiskMissing => "the risk is not stated".to_owned(),
        Undecidable::MemberUnknown { member, .. } => match row.member.as_deref() {
            Some(name) => format!("{column}: no member {name} ({member}) is listed"),
            None => format!("{column}: no member {member} is listed"),
        },
        Undecidable::DemandInvalid { .. } => format!("{column}: a demand that cannot be made"),
        _ => "malformed under the other policy".to_owned(),
    }
}
