//! What a run prints.

use assize::{id::CandidateId, kernel::Reason, policy::Policy};
use serde::Serialize;

use super::{
    log::{Begun, LeftOpen, Recovered},
    tally::{Latency, Settlements, Tally},
};
use crate::{
    head::Head,
    instant::Shown,
    money, names,
    outcome::Outcome,
    output::{Page, Print, grouped},
};

/// A run, told.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    pub(super) log: String,
    pub(super) log_id: String,
    pub(super) run: u32,
    #[serde(flatten)]
    pub(super) begun: Begun,
    pub(super) policy: PolicyInForce,
    pub(super) level: &'static str,
    pub(super) accounts: usize,
    pub(super) trace: Replayed,
    #[serde(flatten)]
    pub(super) counted: Counted,
    /// Of the whole log, earlier runs included, at the head.
    pub(super) money: Vec<money::Level>,
    /// Whether granted = available + reserved + committed + lapsed at every level, and at every account by the
    /// ledger's own count.
    pub(super) money_adds_up: bool,
    pub(super) ledger_digest: String,
    pub(super) head: Head,
}

/// The policy that decided.
#[derive(Debug, Serialize)]
pub(super) struct PolicyInForce {
    name: String,
    epoch: u64,
    digest: String,
}

/// The trace as it was replayed.
#[derive(Debug, Serialize)]
pub(super) struct Replayed {
    pub(super) rows: usize,
    pub(super) shift_ns: u64,
    pub(super) first_ns: i64,
    pub(super) last_ns: i64,
}

/// Counts and times of the run.
#[derive(Debug, Serialize)]
pub(super) struct Counted {
    decisions: Vec<Decided>,
    substituted: u64,
    candidates: Vec<CandidateCounts>,
    settled: Settlements,
    elapsed_ns: u64,
    rows_per_s: u64,
    admit: Latency,
}

#[derive(Debug, Serialize)]
struct Decided {
    outcome: Outcome,
    reason: Option<String>,
    count: u64,
}

#[derive(Debug, Serialize)]
struct CandidateCounts {
    id: CandidateId,
    name: String,
    admitted: u64,
    committed_micros: u64,
    overruns: u64,
}

impl PolicyInForce {
    pub(super) fn of(policy: &Policy) -> Self {
        Self { name: policy.name().to_owned(), epoch: policy.epoch().0, digest: policy.digest().to_string() }
    }
}

impl Counted {
    pub(super) fn of(tally: &Tally, policy: &Policy) -> Self {
        let reason = |reason: Reason| reason.shown(policy).to_string();
        let mut candidates: Vec<CandidateCounts> = tally
            .candidates
            .iter()
            .map(|(id, chosen)| CandidateCounts {
                id: *id,
                name: names::candidate(policy, *id),
                admitted: chosen.admitted,
                committed_micros: chosen.committed_micros,
                overruns: chosen.overruns,
            })
            .collect();
        candidates.sort_by_key(|candidate| std::cmp::Reverse(candidate.admitted));
        Self {
            decisions: tally
                .outcomes
                .iter()
                .map(|((outcome, why), count)| Decided {
                    outcome: *outcome,
                    reason: why.map(reason),
                    count: *count,
                })
                .collect(),
            substituted: tally.substituted,
            candidates,
            settled: tally.settled,
            elapsed_ns: tally.elapsed_ns(),
            rows_per_s: tally.rows_per_s(),
            admit: tally.latency(),
        }
    }
}

impl Report {
    fn begun(&self) -> String {
        let Some(Recovered { sealed, cut_bytes, unfinished_segments }) = &self.begun.recovery else {
            return "created".to_owned();
        };
        let mut said = if *sealed { "opened" } else { "opened after a crash" }.to_owned();
        if *cut_bytes > 0 {
            said.push_str(&format!(", a torn tail of {cut_bytes} bytes cut"));
        }
        if *unfinished_segments > 0 {
            said.push_str(&format!(", {unfinished_segments} unfinished segments removed"));
        }
        said
    }

    fn settlements(&self) -> Vec<(&'static str, String)> {
        let settled = &self.counted.settled;
        let mut facts = vec![
            (
                "settled",
                format!("{} holds at {} µ", grouped(settled.commits), grouped(settled.committed_micros)),
            ),
            (
                "overruns",
                format!(
                    "{} by {} µ, {} µ of it booked",
                    grouped(settled.overruns),
                    grouped(settled.overrun_micros),
                    grouped(settled.overrun_booked_micros),
                ),
            ),
            ("unfunded", format!("{} µ", grouped(settled.unfunded_micros))),
        ];
        if settled.expired > 0 {
            facts.push(("expired", grouped(settled.expired)));
        }
        if settled.unpriced > 0 {
            facts.push((
                "without a price",
                format!("{}, settled at what was held", grouped(settled.unpriced)),
            ));
        }
        facts
    }
}

impl Report {
    fn end(&self) -> Vec<(&'static str, String)> {
        let Counted { elapsed_ns, rows_per_s, admit: Latency { p50_ns, p99_ns, p99_9_ns, .. }, .. } =
            &self.counted;
        let (rate, elapsed_ms) = (grouped(rows_per_s), grouped(elapsed_ns / 1_000_000));
        vec![
            ("level", self.level.to_owned()),
            ("throughput", format!("{rate} requests a second, settled and synced, in {elapsed_ms} ms")),
            (
                "admit",
                format!(
                    "p50 {} ns, p99 {} ns, p99.9 {} ns",
                    grouped(p50_ns),
                    grouped(p99_ns),
                    grouped(p99_9_ns)
                ),
            ),
            ("head", self.head.to_string()),
            ("ledger digest", self.ledger_digest.clone()),
        ]
    }
}

impl Print for Report {
    fn page(&self, page: &mut Page) {
        let Begun { policy_swapped, left_open: LeftOpen { holds, committed_micros, .. }, .. } = &self.begun;
        let swapped = if *policy_swapped { ", put in force now" } else { "" };
        let policy = &self.policy;
        let mut facts = vec![
            ("log", format!("{}, {}, {}", self.log, self.log_id, self.begun())),
            ("run", self.run.to_string()),
            ("policy", format!("{}, epoch {}{swapped}", policy.name, policy.epoch)),
            ("digest", policy.digest.clone()),
        ];
        if *holds > 0 {
            let left = format!("{} holds, committed at {} µ", grouped(holds), grouped(committed_micros));
            facts.push(("left open before", left));
        }
        let times = [self.trace.first_ns, self.trace.last_ns].map(|ns| Shown(assize::num::Timestamp(ns)));
        facts.extend([
            ("trace", format!("{} rows over {} accounts", grouped(self.trace.rows), grouped(self.accounts))),
            ("log time", format!("{} to {}", times[0], times[1])),
        ]);
        page.facts(&facts);

        page.gap();
        let decisions = self.counted.decisions.iter().map(|row| {
            let reason = row.reason.clone().unwrap_or_default();
            vec![format!("{}: {reason}", row.outcome), grouped(row.count)]
        });
        page.table(&["decisions", "requests"], &decisions.collect::<Vec<_>>());

        page.gap();
        let chosen = self.counted.candidates.iter().map(|row| {
            let counts = [row.admitted, row.committed_micros, row.overruns].map(grouped);
            [vec![row.name.clone()], counts.to_vec()].concat()
        });
        page.table(&["candidate", "admitted", "committed", "overruns"], &chosen.collect::<Vec<_>>());

        page.gap();
        let mut facts = vec![("substituted", grouped(self.counted.substituted))];
        facts.extend(self.settlements());
        page.facts(&facts);

        page.gap();
        money::page(&self.money, page);
        if self.money_adds_up {
            page.line("granted = available + reserved + committed + lapsed at every level and every account");
        }

        page.gap();
        page.facts(&self.end());
    }
}
