//! By reason: how often each outcome was given for each.

use std::collections::BTreeMap;

use assize::{
    audit::{Observer, Step},
    kernel::Action,
    record::Record,
    wal::Pruned,
};
use serde::Serialize;

use crate::{
    evidence::Evidence,
    failure::Failure,
    outcome::Outcome,
    output::{self, Format, Page, Print, grouped},
};

pub(super) fn run(evidence: &Evidence, format: Format) -> Result<(), Failure> {
    let mut reasons = Reasons::default();
    let pruned = evidence.look(&mut reasons)?.summary.pruned;
    let rows = reasons.counts.into_iter().map(|((outcome, reason), counts)| Row { outcome, reason, counts });
    output::print(&Printed { reasons: rows.collect(), pruned }, format)
}

/// Counts by outcome and by reason, which for a halt there is none.
#[derive(Default)]
struct Reasons {
    counts: BTreeMap<(Outcome, Option<String>), Counts>,
}

#[derive(Clone, Copy, Debug, Default, Serialize)]
struct Counts {
    count: u64,
    /// Of these, how many put another in the requested candidate's place.
    substitutions: u64,
    /// Of these, how many were decided under what the accounts could pay.
    limited: u64,
}

impl Observer for Reasons {
    fn before(&mut self, step: &Step<'_>) {
        let outcome = match step.record {
            Record::Admission(call) => &call.outcome,
            Record::Reroute(call) => &call.outcome.admission,
            _ => return,
        };
        let decided = outcome.decided();
        // A schema is for a log's life, and gates have their names from it.
        let reason = decided.map(|decided| decided.decision.reason.shown(step.ledger.policy()).to_string());
        let counts = self.counts.entry((Outcome::of(outcome), reason)).or_default();
        counts.count = counts.count.saturating_add(1);
        let Some(decided) = decided else { return };
        let substitutes = u64::from(decided.decision.action == Action::Substitute);
        counts.substitutions = counts.substitutions.saturating_add(substitutes);
        counts.limited = counts.limited.saturating_add(u64::from(decided.limit_applied.is_some()));
    }
}

#[derive(Debug, Serialize)]
struct Printed {
    reasons: Vec<Row>,
    /// What was deleted before it, if anything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pruned: Option<Pruned>,
}

#[derive(Debug, Serialize)]
struct Row {
    outcome: Outcome,
    reason: Option<String>,
    #[serde(flatten)]
    counts: Counts,
}

impl Print for Printed {
    fn page(&self, page: &mut Page) {
        let rows = self.reasons.iter().map(|Row { outcome, reason, counts }| {
            let what = match reason {
                Some(reason) => format!("{outcome}: {reason}"),
                None => outcome.to_string(),
            };
            let counts = [counts.count, counts.substitutions, counts.limited].map(grouped);
            [vec![what], counts.to_vec()].concat()
        });
        page.table(
            &["reason", "count", "substitutions", "under what accounts can pay"],
            &rows.collect::<Vec<_>>(),
        );
    }
}
