//! Who serves and who would be next, against orders worked out by hand. SEMANTICS 5.10.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::type_complexity,
    reason = "a test that fails by panicking fails"
)]

mod kernel_sample;

use assize::{
    id::CandidateId,
    kernel::{Disabled, Reason, Request, RequestError, prescribe, ranked},
    policy::{LimitsDraft, Policy, Substitution},
};
use kernel_sample::{bps, call, candidate, draft, freeze, micros, number, utility, worth};

/// The ids listed, of at most `K`; the decision is that of `prescribe`.
fn ids<const K: usize>(policy: &Policy, disabled: &Disabled, request: &Request) -> Vec<u32> {
    let ranking = ranked::<K>(policy, disabled, request).unwrap();
    assert_eq!(ranking.decision, prescribe(policy, disabled, request).unwrap());
    assert_eq!(ranking.choices().first().copied(), ranking.decision.selected.filter(|_| K > 0));
    assert_eq!(ranking.choices().get(1).copied(), ranking.decision.runner_up.filter(|_| K > 1));
    ranking.choices().iter().map(|choice| choice.candidate.0).collect()
}

/// Candidates 1 to 5 at 50, 40, 30, 20 and 10 a call: 5, 4, 3, 2, 1 in order.
fn five(substitution: Substitution) -> Policy {
    let mut draft = draft((1..=5).map(|id| candidate(id, 60 - 10 * u64::from(id))).collect());
    draft.substitution = substitution;
    freeze(draft)
}

#[test]
fn the_selected_one_comes_first_and_the_others_in_order() {
    let margin = |micros_max| Substitution::Margin(micros(micros_max));
    let (best, if_ineligible, never) = (Substitution::Best, Substitution::IfIneligible, Substitution::Never);
    // rule | requested | all of them
    let table: [(Substitution, Option<u32>, &[u32]); 11] = [
        (best, None, &[5, 4, 3, 2, 1]),
        (best, Some(1), &[5, 4, 3, 2, 1]),
        (if_ineligible, Some(5), &[5, 4, 3, 2, 1]),
        (if_ineligible, Some(4), &[4, 5, 3, 2, 1]),
        // Far behind the first ones.
        (if_ineligible, Some(1), &[1, 5, 4, 3, 2]),
        (if_ineligible, Some(9), &[5, 4, 3, 2, 1]),
        (margin(20), Some(3), &[3, 5, 4, 2, 1]),
        (margin(19), Some(3), &[5, 4, 3, 2, 1]),
        (never, Some(2), &[2, 5, 4, 3, 1]),
        (never, None, &[5, 4, 3, 2, 1]),
        (never, Some(9), &[]),
    ];
    for (rule, requested, all) in table {
        let policy = five(rule);
        let mut request = call(&policy);
        requested.map(|id| request.requested(CandidateId(id)));
        let none = Disabled::none();
        let listed = [
            ids::<0>(&policy, &none, &request),
            ids::<1>(&policy, &none, &request),
            ids::<2>(&policy, &none, &request),
            ids::<3>(&policy, &none, &request),
            ids::<4>(&policy, &none, &request),
            ids::<5>(&policy, &none, &request),
            ids::<6>(&policy, &none, &request),
        ];
        for (most, listed) in listed.iter().enumerate() {
            let wanted: Vec<u32> = all.iter().copied().take(most).collect();
            assert_eq!(listed, &wanted, "{most} of {rule:?}, {requested:?} requested");
        }
    }
}

#[test]
fn only_the_eligible_are_listed() {
    let policy = five(Substitution::Best);
    let disabled = Disabled::new(&policy, [CandidateId(4)]);
    let mut request = call(&policy);
    request.exclude(CandidateId(5)).unwrap();
    request.cost_limit(micros(40));
    assert_eq!(ids::<5>(&policy, &disabled, &request), [3, 2]);
    request.cost_limit(micros(9));
    assert_eq!(ids::<5>(&policy, &disabled, &request), [] as [u32; 0]);
}

#[test]
fn with_a_utility_only_what_is_worth_something_is_listed() {
    // Value 1,000, of which quality is the share: 400, 480, 0 and −1 after cost.
    let listed = [(1, 100, 5_000), (2, 20, 5_000), (3, 300, 3_000), (4, 301, 3_000)];
    let candidates = listed.map(|(id, cost, quality)| number(candidate(id, cost), "quality", quality));
    let candidates = candidates.map(|candidate| number(candidate, "ceiling", 10_000));
    let mut draft = draft(candidates.to_vec());
    draft.utility = Some(utility());
    let policy = freeze(draft);
    let mut request = call(&policy);
    worth(&mut request, 1_000);
    assert_eq!(ids::<4>(&policy, &Disabled::none(), &request), [2, 1]);
    let ranking = ranked::<4>(&policy, &Disabled::none(), &request).unwrap();
    let utilities: Vec<_> = ranking.choices().iter().map(|choice| (choice.cost.0, choice.utility)).collect();
    assert_eq!(utilities, [(20, Some(480)), (100, Some(400))]);
}

#[test]
fn a_denial_lists_nobody() {
    let mut draft = draft((1..=3).map(|id| candidate(id, 10)).collect());
    draft.limits = LimitsDraft { risk_hard_bps: Some(5_000), ..LimitsDraft::default() };
    let policy = freeze(draft);
    let mut request = call(&policy);
    request.risk(bps(5_000));
    let ranking = ranked::<3>(&policy, &Disabled::none(), &request).unwrap();
    assert_eq!((ranking.decision.reason, ranking.choices()), (Reason::RiskLimit, [].as_slice()));
}

#[test]
fn a_malformed_request_is_an_error() {
    let mut draft = draft(vec![number(candidate(1, 10), "quality", 1)]);
    draft.utility = Some(utility());
    let policy = freeze(draft);
    let error = ranked::<3>(&policy, &Disabled::none(), &call(&policy)).unwrap_err();
    assert!(matches!(error, RequestError::Missing { .. }), "{error}");
}

#[cfg(feature = "serde")]
#[test]
fn it_is_shown_with_its_decision() {
    let policy = five(Substitution::Best);
    let ranking = ranked::<2>(&policy, &Disabled::none(), &call(&policy)).unwrap();
    let shown = serde_json::to_value(ranking).unwrap();
    assert_eq!(shown["decision"]["action"], "execute");
    let choices = serde_json::json!([
        { "candidate": 5, "cost_micros": 10, "utility_micros": null },
        { "candidate": 4, "cost_micros": 20, "utility_micros": null },
    ]);
    assert_eq!(shown["choices"], choices);
}
