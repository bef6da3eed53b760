//! `assize explain`: one record of a log, what was decided in it and why, and what it did with the money.

mod found;
mod otherwise;
mod table;

use std::collections::BTreeMap;

use assize::{
    id::CandidateId,
    kernel::{Explanation, Request},
    num::{MicroUnits, Timestamp},
    policy::{Candidate, Policy, Quantity},
    record::{AdmissionOutcome, Decided, Principal, Record},
    wal::Pruned,
};
use clap::Args;
use serde::Serialize;

use self::{
    found::{Explainer, Found},
    otherwise::Otherwise,
    table::{breakdown, candidates, moves},
};
use crate::{
    caps,
    evidence::Evidence,
    failure::Failure,
    instant::Shown,
    moves::{Capped, Lent, Moved, Rolled, Throttled},
    names,
    outcome::Outcome,
    output::{self, Format, Page, Print, grouped},
    owed::Returned,
};

/// The arguments of `explain`.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    evidence: Evidence,
    /// The record's sequence.
    #[arg(long, value_name = "N")]
    seq: u64,
    /// Candidates to show, with what they cost in detail and what would make them win; may be given several times.
    #[arg(long, value_name = "NAME|ID")]
    candidate: Vec<String>,
    /// Quantities whose largest amount that would have passed is to be shown; may be given several times.
    #[arg(long, value_name = "NAME")]
    quantity: Vec<String>,
    /// Show every candidate, however many there are.
    #[arg(long)]
    all: bool,
}

/// Replays the log, and prints what it found at that record.
pub(crate) fn run(arguments: &Arguments, format: Format) -> Result<(), Failure> {
    let mut explainer = Explainer::new(arguments.seq);
    let report = arguments.evidence.look(&mut explainer)?;
    let Some(found) = explainer.found else {
        let last = report.summary.head.sequence();
        let first = report.summary.pruned.map_or(1, |pruned| pruned.through.0.saturating_add(1));
        let seen = format!("--seq {}: the log has records {first} to {last}", arguments.seq);
        return Err(Failure::input(seen));
    };
    let named = candidates_named(&found.policy, &arguments.candidate)?;
    let quantities = quantities_named(&found.policy, &arguments.quantity)?;
    let decided = found.decided.as_ref();
    let otherwise =
        decided.map(|decided| Otherwise::of(&found.policy, decided, &named, &quantities)).transpose()?;
    let requested = found.request().and_then(|request| request.facts().requested);
    let rows_max = if arguments.all { usize::MAX } else { ROWS_SHOWN };
    let shown = Show { rows_max, named, requested };
    output::print(&Printed::of(&found, otherwise, shown, report.summary.pruned), format)
}

/// Candidates by name, or by number where none has the name.
fn candidates_named(policy: &Policy, given: &[String]) -> Result<Vec<CandidateId>, Failure> {
    let one = |name: &String| {
        let numbered = || policy.candidate(CandidateId(name.parse().ok()?));
        let candidate = policy.candidate_named(name).or_else(numbered).map(Candidate::id);
        let unknown = || Failure::input(format_args!("--candidate: the policy has no candidate {name:?}"));
        candidate.ok_or_else(unknown)
    };
    given.iter().map(one).collect()
}

fn quantities_named(policy: &Policy, given: &[String]) -> Result<Vec<(String, Quantity)>, Failure> {
    let one = |name: &String| {
        let quantity = policy.schema().quantity(name);
        let quantity = quantity.map_err(|error| Failure::input(format_args!("--quantity: {error}")))?;
        Ok((name.clone(), quantity))
    };
    given.iter().map(one).collect()
}

/// Rows shown of a catalog, if no more are asked for.
const ROWS_SHOWN: usize = 40;

/// Which candidates people are shown; machines get all.
struct Show {
    /// The first so many, in order.
    rows_max: usize,
    /// These too, with what they cost in detail.
    named: Vec<CandidateId>,
    /// And the one that the request named.
    requested: Option<CandidateId>,
}

#[derive(Serialize)]
struct Printed<'a> {
    sequence: u64,
    segment: u32,
    offset: u64,
    effective_ns: i64,
    caller_ns: i64,
    record: &'a Record,
    /// The policy in force when it was recorded.
    policy: InForce<'a>,
    /// The audited reason; none for a record that decides nothing.
    decision: Option<DecisionTold>,
    explanation: Option<&'a Explanation>,
    /// What would have made it another, one change at a time.
    otherwise: Option<Otherwise>,
    /// The gates in the order of the schema, as `explanation` numbers them.
    gates: Vec<String>,
    /// The names of the candidates in `explanation`, by number.
    candidates: BTreeMap<u32, &'a str>,
    /// Every cell that the record touched, before and after it.
    money: &'a [Moved],
    #[serde(flatten)]
    windows: Windows<'a>,
    /// What was deleted before the log's first checkpoint, if anything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pruned: Option<Pruned>,
    #[serde(skip)]
    found: &'a Found,
    #[serde(skip)]
    show: Show,
}

/// What came of windows, caps and throttles.
#[derive(Serialize)]
struct Windows<'a> {
    rolled: &'a [Rolled],
    lent: &'a [Lent],
    returned: &'a [Returned],
    caps: &'a [Capped],
    throttles: &'a [Throttled],
}

#[derive(Serialize)]
struct InForce<'a> {
    name: &'a str,
    epoch: u64,
    digest: String,
}

/// What was decided, in words.
#[derive(Serialize)]
struct DecisionTold {
    outcome: Outcome,
    reason: Option<String>,
    /// The limit that what the accounts could pay put on the decision.
    limit_micros_applied: Option<u64>,
    /// What could pay least, or had no room for a hold, where a budget denied.
    binding: Option<String>,
    /// What denied, where a throttle did.
    throttle: Option<String>,
    /// When it would have passed that throttle, if nothing else had passed before; none of what never does.
    passes_ns: Option<i64>,
}

impl<'a> Printed<'a> {
    fn of(found: &'a Found, otherwise: Option<Otherwise>, show: Show, pruned: Option<Pruned>) -> Self {
        let policy: &Policy = &found.policy;
        let explained = found.explanation.as_ref();
        let gates = policy.schema().gates().iter().map(|gate| {
            let column = policy.schema().column_at(gate.column()).map_or("?", |column| column.name());
            format!("{column} {}", gate.relation())
        });
        let catalog = policy.candidates().iter().filter(|_| explained.is_some());
        Self {
            sequence: found.at.sequence.0,
            segment: found.at.segment,
            offset: found.at.offset,
            effective_ns: found.effective.0,
            caller_ns: found.caller.0,
            record: &found.record,
            policy: InForce {
                name: policy.name(),
                epoch: policy.epoch().0,
                digest: policy.digest().to_string(),
            },
            decision: found.outcome().map(|outcome| DecisionTold::of(outcome, found)),
            explanation: explained,
            otherwise,
            gates: gates.collect(),
            candidates: catalog.map(|candidate| (candidate.id().0, candidate.name())).collect(),
            money: &found.moves.cells,
            windows: Windows {
                rolled: &found.moves.rolled,
                lent: &found.moves.lent,
                returned: &found.moves.returned,
                caps: &found.moves.caps,
                throttles: &found.moves.throttles,
            },
            pruned,
            found,
            show,
        }
    }

    fn facts(&self) -> Vec<(&'static str, String)> {
        let policy = &self.policy;
        let mut facts = vec![
            ("record", format!("{}, {}", self.sequence, self.record.kind())),
            ("place", format!("segment {}, offset {}", self.segment, self.offset)),
            ("time", Shown(Timestamp(self.effective_ns)).to_string()),
        ];
        if self.caller_ns != self.effective_ns {
            facts.push(("caller's time", Shown(Timestamp(self.caller_ns)).to_string()));
        }
        facts.push(("says", self.found.told.clone()));
        if let Some(operation) = self.record.operation() {
            facts.push(("operation", format!("{}, issued {}", operation.id, Shown(operation.issued))));
        }
        facts.push(("policy", format!("{}, epoch {}, {}", policy.name, policy.epoch, policy.digest)));
        facts
    }

    fn decided(&self) -> Vec<(&'static str, String)> {
        let mut facts = Vec::new();
        if let Record::Admission(call) = self.record {
            facts.push((
                "principal",
                match call.arguments.principal {
                    Principal::Attested(name) => format!("{name}, attested by the host"),
                    Principal::Asserted(name) => format!("{name}, asserted by the caller"),
                },
            ));
        }
        if let Some(request) = self.found.request() {
            facts.extend(asked(request, &self.found.policy));
        }
        if let Some(explanation) = self.explanation {
            let demands = explanation.demands.iter();
            facts.extend(demands.map(|demand| ("demands", demand.shown(&self.found.policy).to_string())));
        }
        let Some(told) = &self.decision else { return facts };
        let reason = told.reason.as_deref().map(|reason| format!(": {reason}")).unwrap_or_default();
        facts.push(("outcome", format!("{}{reason}", told.outcome)));
        if let Some(limit) = told.limit_micros_applied {
            let limit =
                format!("{} µ, what the accounts could pay; the first decision cost more", grouped(limit));
            facts.push(("limit applied", limit));
        }
        if let Some(binding) = &told.binding {
            facts.push(("binding", binding.clone()));
        }
        if let Some(throttle) = &told.throttle {
            facts.push(("throttle", throttle.clone()));
            let passes = told.passes_ns.map(|ns| caps::edge(Timestamp(ns)));
            facts.push((
                "passes from",
                passes.unwrap_or_else(|| "never: it is more than the burst".to_owned()),
            ));
        }
        facts.extend(self.choices());
        facts
    }

    /// The selected candidate and the runner-up, and how often each failure came first.
    fn choices(&self) -> Vec<(&'static str, String)> {
        let policy = &self.found.policy;
        let mut facts = Vec::new();
        if let Some(AdmissionOutcome::Admitted { deadline, .. }) = self.found.outcome() {
            facts.push(("held until", Shown(*deadline).to_string()));
        }
        let decision =
            self.found.outcome().and_then(AdmissionOutcome::decided).map(|decided| decided.decision);
        let choices =
            decision.map(|decision| [("selected", decision.selected), ("runner-up", decision.runner_up)]);
        for (label, choice) in choices.into_iter().flatten() {
            let Some(choice) = choice else { continue };
            let utility = choice.utility.map(|micros| format!(", utility {} µ", grouped(micros)));
            let name = names::candidate(policy, choice.candidate);
            let cost = grouped(choice.cost.0);
            facts.push((label, format!("{name} for {cost} µ{}", utility.unwrap_or_default())));
        }
        facts
    }
}

impl DecisionTold {
    fn of(outcome: &AdmissionOutcome, found: &Found) -> Self {
        let decided = outcome.decided();
        let limit = |Decided { limit_applied, .. }: &Decided| *limit_applied;
        Self {
            outcome: Outcome::of(outcome),
            reason: decided.map(|decided| decided.decision.reason.shown(&found.policy).to_string()),
            limit_micros_applied: decided.and_then(limit).map(|MicroUnits(limit)| limit),
            binding: found.binding.clone(),
            throttle: found.throttle.clone(),
            passes_ns: found.passes.flatten().map(|Timestamp(ns)| ns),
        }
    }
}

impl Print for Printed<'_> {
    fn page(&self, page: &mut Page) {
        let mut facts = self.facts();
        facts.extend(self.decided());
        page.facts(&facts);
        if let Some(explanation) = self.explanation {
            page.gap();
            candidates(explanation, &self.found.policy, &self.show, page);
            let selected = explanation.decision.selected.map(|choice| choice.candidate);
            let mut detailed: Vec<CandidateId> = selected.into_iter().collect();
            detailed.extend(self.show.named.iter().filter(|id| Some(**id) != selected));
            for id in detailed {
                breakdown(explanation, &self.found.policy, id, page);
            }
        }
        if let Some(otherwise) = &self.otherwise {
            otherwise.page(&self.found.policy, page);
        }
        page.gap();
        moves(&self.found.moves, page);
    }
}

/// What a request states and how much it asks for.
fn asked(request: &Request, policy: &Policy) -> Vec<(&'static str, String)> {
    let facts = request.facts();
    let mut asked = Vec::new();
    if let Some(requested) = facts.requested {
        asked.push(("requested", names::candidate(policy, requested)));
    }
    if !request.excluded().is_empty() {
        let names: Vec<String> = request.excluded().iter().map(|id| names::candidate(policy, *id)).collect();
        asked.push(("excluded", names.join(", ")));
    }
    let stated = [
        facts.value.map(|micros| format!("value {} µ", grouped(micros))),
        facts.confidence.map(|share| format!("confidence {} bps", share.as_u16())),
        facts.risk.map(|share| format!("risk {} bps", share.as_u16())),
        facts.cost_limit.map(|limit| format!("cost limit {} µ", grouped(limit.0))),
    ];
    let stated: Vec<String> = stated.into_iter().flatten().collect();
    if !stated.is_empty() {
        asked.push(("states", stated.join(", ")));
    }
    let quantities = request.quantities().iter().map(|(index, amount)| {
        let name = policy.schema().quantity_at(index).map_or("?", |spec| spec.name());
        format!("{name} {}", grouped(amount))
    });
    let quantities: Vec<String> = quantities.collect();
    if !quantities.is_empty() {
        asked.push(("quantities", quantities.join(", ")));
    }
    asked
}
