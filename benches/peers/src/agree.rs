//! Whether the two libraries give the same answer, by SEMANTICS 14.

use assize::{
    id::CandidateId,
    kernel::{Action, Choice, Counts, Reason, Request, Trace, trace},
};
use calybris_core::kernel::{
    KernelAction, KernelDecision, KernelInput, KernelModel, KernelReason, PolicySnapshot, RejectionHistogram,
};

use crate::{ours::Ours, peer};

/// One request under one policy, in both libraries.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
    pub peer: &'a PolicySnapshot,
    pub ours: &'a Ours,
    pub input: &'a KernelInput,
    pub request: &'a Request,
}

/// What both said.
#[derive(Clone, Copy, Debug)]
pub struct Answers {
    pub peer: KernelDecision,
    pub peer_counts: RejectionHistogram,
    pub ours: Trace,
    /// Whether the reason was compared: it is a denial with one largest count, or by the request alone.
    pub reason_compared: bool,
}

/// Asks both, and says the first thing on which they differ.
pub fn compare(case: Case<'_>) -> Result<Answers, Disagreement> {
    let decision = case.ours.prescribe(case.request);
    let ours = trace(&case.ours.policy, &case.ours.disabled, case.request).expect("requests are drawn valid");
    let peer = peer::prescribe(case.peer, case.input);
    let traced = case.peer.prescribe_with_trace_checked(*case.input).expect("requests are drawn valid");
    let mut answers = Answers { peer, peer_counts: traced.1.rejections, ours, reason_compared: false };
    match differs(case, &mut answers) {
        _ if decision != ours.decision => Err(Disagreement { what: "prescribe and trace", answers }),
        _ if traced.0 != peer => Err(Disagreement { what: "the peer with itself", answers }),
        Some(what) => Err(Disagreement { what, answers }),
        None => Ok(answers),
    }
}

/// A difference that SEMANTICS 14 does not name.
#[derive(Debug)]
pub struct Disagreement {
    pub what: &'static str,
    #[expect(dead_code, reason = "it is shown")]
    pub answers: Answers,
}

fn differs(case: Case<'_>, answers: &mut Answers) -> Option<&'static str> {
    let Answers { peer, ours, .. } = *answers;
    let selected = ours.decision.selected;
    let reasons = reasons(case, answers);
    let checks = [
        ("selected", id(selected) == peer.selected_model_id),
        ("cost", selected.map_or(0, |choice| choice.cost.0) == peer.estimated_cost_microunits),
        ("utility", utility(selected) == peer.expected_utility_microunits),
        ("runner-up", id(ours.decision.runner_up) == peer.counterfactual_model_id),
        ("runner-up's utility", utility(ours.decision.runner_up) == peer.counterfactual_utility_microunits),
        ("action and reason", executed_alike(case, &peer, ours)),
        ("counts", counted_alike(case, answers)),
        ("reason of a denial", reasons.is_none_or(|(theirs, ours)| theirs == ours)),
    ];
    answers.reason_compared = reasons.is_some();
    checks.into_iter().find(|(_, same)| !same).map(|(what, _)| what)
}

/// The peer says whether the requested one is selected; why it is not, its utility says.
fn executed_alike(case: Case<'_>, peer: &KernelDecision, ours: Trace) -> bool {
    let expected = match (peer.action, case.request.facts().requested) {
        (KernelAction::Reject, _) => return ours.decision.action == Action::Deny,
        (KernelAction::ExecuteRequested, _) => Reason::Requested,
        (KernelAction::Substitute, None) => Reason::First,
        (KernelAction::Substitute, Some(CandidateId(requested))) => {
            match case.peer.utility_for_model(*case.input, requested) {
                Some(_) => Reason::Outranked,
                None => Reason::RequestedIneligibleSubstituted,
            }
        }
    };
    ours.decision.reason == expected && ours.decision.action == expected.action()
}

/// The counts by first failure; where a cost beyond `u64` meets no limit, cost and utility only as a sum.
fn counted_alike(case: Case<'_>, answers: &Answers) -> bool {
    let Answers { peer_counts: theirs, ours: Trace { counts: ours, .. }, .. } = *answers;
    let pairs = [
        (theirs.disabled, ours.disabled + ours.excluded),
        (theirs.quality, ours.gates[0]),
        (theirs.latency, ours.gates[1]),
        (theirs.capability, ours.gates[2]),
        (theirs.provider, ours.gates[3]),
        (theirs.region, ours.gates[4]),
        (theirs.risk_ceiling, ours.gates[5]),
        (answers.peer.eligible_models, ours.eligible),
        (answers.peer.evaluated_models, ours.evaluated()),
    ];
    let same = pairs.iter().all(|&(theirs, ours)| u32::from(theirs) == ours);
    let (cost, utility) = (u32::from(theirs.budget), u32::from(theirs.utility));
    same && if cost_beyond_passes(case) {
        cost + utility == ours.cost + ours.utility && cost <= ours.cost
    } else {
        (cost, utility) == (ours.cost, ours.utility)
    }
}

/// The reasons, ours in the peer's words, where they must be the same.
fn reasons(case: Case<'_>, answers: &Answers) -> Option<(KernelReason, KernelReason)> {
    let Trace { decision, counts } = answers.ours;
    if decision.action != Action::Deny {
        return None;
    }
    let beyond = cost_beyond_passes(case) && counts.cost > 0;
    // The peer knows no excluded candidates: they are disabled in its policy.
    let split = counts.excluded > 0 && answers.peer.reason == KernelReason::NoEnabledModel;
    if counts != Counts::default() && (beyond || split || !largest_is_unique(&counts)) {
        return None;
    }
    Some((answers.peer.reason, in_the_peers_words(decision.reason)))
}

fn in_the_peers_words(reason: Reason) -> KernelReason {
    match reason {
        Reason::RiskLimit => KernelReason::RiskHardLimit,
        Reason::ConfidenceMinimum => KernelReason::ConfidenceHardLimit,
        Reason::Disabled | Reason::Excluded => KernelReason::NoEnabledModel,
        Reason::Gate(0) => KernelReason::QualityConstraint,
        Reason::Gate(1) => KernelReason::LatencyConstraint,
        Reason::Gate(2) => KernelReason::CapabilityConstraint,
        Reason::Gate(3) => KernelReason::ProviderConstraint,
        Reason::Gate(4) => KernelReason::RegionConstraint,
        Reason::Gate(_) => KernelReason::RiskCeilingConstraint,
        Reason::Cost => KernelReason::BudgetConstraint,
        Reason::Utility => KernelReason::NonPositiveUtility,
        Reason::First | Reason::Requested | Reason::Outranked => KernelReason::RequestedModelMaximizesUtility,
        Reason::RequestedIneligible | Reason::RequestedIneligibleSubstituted => {
            KernelReason::AlternativeMaximizesUtility
        }
    }
}

fn largest_is_unique(counts: &Counts) -> bool {
    let largest = counts.failures().map(|(_, count)| count).max();
    counts.failures().filter(|&(_, count)| Some(count) == largest).count() == 1
}

/// SEMANTICS 14.2: there, a cost beyond `u64` saturates and passes a limit of `u64::MAX`.
fn cost_beyond_passes(case: Case<'_>) -> bool {
    let beyond = |model: &KernelModel| exact_cost(model, case.input) > u128::from(u64::MAX);
    case.input.budget_limit_microunits == u64::MAX && case.peer.models().iter().any(beyond)
}

/// SEMANTICS 6.2.
pub fn exact_cost(model: &KernelModel, input: &KernelInput) -> u128 {
    let term = |tokens: u32, rate: u64| (u128::from(tokens) * u128::from(rate)).div_ceil(1_000_000);
    term(input.input_tokens, model.input_cost_microunits_per_million_tokens)
        + term(input.output_tokens, model.output_cost_microunits_per_million_tokens)
}

fn id(choice: Option<Choice>) -> u32 {
    choice.map_or(0, |choice| choice.candidate.0)
}

fn utility(choice: Option<Choice>) -> i64 {
    choice.map_or(0, |choice| choice.utility.expect("the policy has a utility"))
}
