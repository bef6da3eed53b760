//! Order, substitution, reasons and runner-up, rule by rule, against values worked out by hand. SEMANTICS 5.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::expect_used,
    clippy::panic,
    clippy::type_complexity,
    reason = "a test that fails by panicking fails"
)]

mod kernel_sample;

use assize::{
    id::CandidateId,
    kernel::{Action, Decision, Disabled, Reason, Request, prescribe, trace},
    policy::{CandidateDraft, Draft, LimitsDraft, Policy, Relation, Substitution, UtilityDraft},
};
use kernel_sample::{
    bps, call, candidate, demand, demand_set, draft, freeze, micros, number, utility, worth,
};

fn decide(policy: &Policy, request: &Request) -> Decision {
    prescribe(policy, &Disabled::none(), request).unwrap()
}

/// The selected candidate and the runner-up.
fn pair(decision: &Decision) -> (Option<u32>, Option<u32>) {
    let id = |choice: Option<assize::kernel::Choice>| choice.map(|choice| choice.candidate.0);
    (id(decision.selected), id(decision.runner_up))
}

fn with_quality(id: u32, per_call: u64, quality: Option<u64>) -> CandidateDraft {
    match quality {
        Some(quality) => number(candidate(id, per_call), "quality", quality),
        None => candidate(id, per_call),
    }
}

#[test]
fn order_without_a_utility() {
    // (id, cost, quality) listed | selected, runner-up
    type Listed<'a> = &'a [(u32, u64, Option<u64>)];
    let table: [(Listed<'_>, (u32, Option<u32>)); 9] = [
        (&[(1, 20, None), (2, 10, None)], (2, Some(1))),
        (&[(1, 10, Some(1)), (2, 10, Some(2))], (2, Some(1))),
        // Unknown merit is last, behind a known zero.
        (&[(1, 10, None), (2, 10, Some(0))], (2, Some(1))),
        (&[(1, 10, None), (2, 11, Some(10_000))], (1, Some(2))),
        (&[(7, 10, Some(5)), (2, 10, Some(5))], (2, Some(7))),
        (&[(2, 10, None), (7, 10, None)], (2, Some(7))),
        (&[(0, 10, None), (u32::MAX, 10, None)], (0, Some(u32::MAX))),
        (&[(5, 0, None)], (5, None)),
        (&[(3, 30, None), (1, 10, None), (2, 20, None), (9, 5, None)], (9, Some(1))),
    ];
    for (listed, (selected, runner_up)) in table {
        let candidates = listed.iter().map(|&(id, cost, quality)| with_quality(id, cost, quality));
        let policy = freeze(draft(candidates.collect()));
        let decision = decide(&policy, &call(&policy));
        assert_eq!(pair(&decision), (Some(selected), runner_up), "{listed:?}");
        assert_eq!((decision.action, decision.reason), (Action::Execute, Reason::First));
        assert!(decision.selected.unwrap().utility.is_none());
    }
}

#[test]
fn order_with_a_utility() {
    // (id, cost, quality) listed; value 1,000, of which quality is the share | selected, runner-up, their utilities
    type Listed<'a> = &'a [(u32, u64, Option<u64>)];
    let table: [(Listed<'_>, (u32, u32), (i64, i64)); 6] = [
        // The dearer one is worth more.
        (&[(1, 10, Some(5_000)), (2, 20, Some(6_000))], (2, 1), (580, 490)),
        // 500 − 10 = 600 − 110: equal utility, so the lower cost.
        (&[(1, 110, Some(6_000)), (2, 10, Some(5_000))], (2, 1), (490, 490)),
        // 500.9 rounds to 500: equal utility and cost, so the higher merit.
        (&[(1, 10, Some(5_000)), (2, 10, Some(5_009))], (2, 1), (490, 490)),
        (&[(9, 10, Some(5_000)), (2, 10, Some(5_000))], (2, 9), (490, 490)),
        // Unknown merit counts as 5,000, in the order too.
        (&[(1, 10, None), (2, 10, Some(4_999))], (1, 2), (490, 489)),
        (&[(1, 10, Some(5_000)), (0, 10, None)], (0, 1), (490, 490)),
    ];
    for (listed, pair_expected, utilities) in table {
        let candidates = listed.iter().map(|&(id, cost, quality)| with_quality(id, cost, quality));
        let candidates = candidates.map(|candidate| number(candidate, "ceiling", 10_000));
        let mut draft = draft(candidates.collect());
        draft.utility = Some(UtilityDraft { merit_unknown_bps: Some(5_000), ..utility() });
        let policy = freeze(draft);
        let mut request = call(&policy);
        worth(&mut request, 1_000);
        let decision = decide(&policy, &request);
        assert_eq!(pair(&decision), (Some(pair_expected.0), Some(pair_expected.1)), "{listed:?}");
        let worth = |choice: Option<assize::kernel::Choice>| choice.unwrap().utility.unwrap();
        assert_eq!((worth(decision.selected), worth(decision.runner_up)), utilities, "{listed:?}");
    }
}

/// Candidates 1, 2 and 3 at 100, 90 and 50 a call; candidate 4, at 10, is disabled.
fn four(substitution: Substitution) -> Draft {
    let mut last = candidate(4, 10);
    last.enabled = false;
    let mut draft = draft(vec![candidate(1, 100), candidate(2, 90), candidate(3, 50), last]);
    draft.substitution = substitution;
    draft
}

#[test]
fn substitution_rules() {
    use Action::{Deny, Execute, Substitute};
    use Reason::{First, Outranked, Requested, RequestedIneligible, RequestedIneligibleSubstituted};
    let margin = |margin| Substitution::Margin(micros(margin));
    let (best, if_ineligible, never) = (Substitution::Best, Substitution::IfIneligible, Substitution::Never);
    // rule | requested | action, reason | selected, runner-up
    let table = [
        (best, None, Execute, First, (Some(3), Some(2))),
        (best, Some(3), Execute, Requested, (Some(3), Some(2))),
        (best, Some(2), Substitute, Outranked, (Some(3), Some(2))),
        (best, Some(1), Substitute, Outranked, (Some(3), Some(2))),
        (best, Some(4), Substitute, RequestedIneligibleSubstituted, (Some(3), Some(2))),
        // What the catalog does not have counts as ineligible. SEMANTICS 4.4.
        (best, Some(77), Substitute, RequestedIneligibleSubstituted, (Some(3), Some(2))),
        (margin(0), None, Execute, First, (Some(3), Some(2))),
        (margin(0), Some(3), Execute, Requested, (Some(3), Some(2))),
        // Candidate 3 is cheaper by 40 than 2 and by 50 than 1.
        (margin(39), Some(2), Substitute, Outranked, (Some(3), Some(2))),
        (margin(40), Some(2), Execute, Requested, (Some(2), Some(3))),
        (margin(41), Some(2), Execute, Requested, (Some(2), Some(3))),
        (margin(49), Some(1), Substitute, Outranked, (Some(3), Some(2))),
        (margin(50), Some(1), Execute, Requested, (Some(1), Some(3))),
        (margin(u64::MAX), Some(1), Execute, Requested, (Some(1), Some(3))),
        (margin(u64::MAX), Some(4), Substitute, RequestedIneligibleSubstituted, (Some(3), Some(2))),
        (if_ineligible, None, Execute, First, (Some(3), Some(2))),
        (if_ineligible, Some(1), Execute, Requested, (Some(1), Some(3))),
        (if_ineligible, Some(4), Substitute, RequestedIneligibleSubstituted, (Some(3), Some(2))),
        (never, None, Execute, First, (Some(3), Some(2))),
        (never, Some(1), Execute, Requested, (Some(1), Some(3))),
        (never, Some(3), Execute, Requested, (Some(3), Some(2))),
        (never, Some(4), Deny, RequestedIneligible, (None, None)),
        (never, Some(77), Deny, RequestedIneligible, (None, None)),
    ];
    for (rule, requested, action, reason, expected) in table {
        let policy = freeze(four(rule));
        let mut request = call(&policy);
        requested.map(|id| request.requested(CandidateId(id)));
        let decision = decide(&policy, &request);
        let seen = (decision.action, decision.reason, pair(&decision));
        assert_eq!(seen, (action, reason, expected), "{rule:?}, requested {requested:?}");
    }
}

#[test]
fn margins_are_of_clamped_utility() {
    // quality of 1 and of 2 (value 1,000, so 100 basis points are 10 µ) | margin | selected, 1 being requested
    let table = [(5_000, 5_100, 9, 2), (5_000, 5_100, 10, 1), (5_000, 5_000, 0, 1), (5_100, 5_000, 0, 1)];
    for (one, two, margin, selected) in table {
        let listed = [(1, one), (2, two)];
        let candidates =
            listed.map(|(id, quality)| number(with_quality(id, 0, Some(quality)), "ceiling", 10_000));
        let mut draft = draft(candidates.into());
        draft.utility = Some(utility());
        draft.substitution = Substitution::Margin(micros(margin));
        let policy = freeze(draft);
        let mut request = call(&policy);
        worth(&mut request, 1_000);
        request.requested(CandidateId(1));
        assert_eq!(
            pair(&decide(&policy, &request)).0,
            Some(selected),
            "{one} against {two}, margin {margin}"
        );
    }
    // Both are clamped to i64::MAX: they tie, so the lower cost is first and a margin of 0 keeps the other.
    let candidates = [(1, 9_u64), (2, 8)].map(|(id, speed)| {
        number(number(with_quality(id, 10 - u64::from(id), Some(10_000)), "ceiling", 10_000), "speed", speed)
    });
    let mut draft = draft(candidates.into());
    let weight =
        assize::policy::WeightDraft { column: "speed".into(), micros_per_unit: -1_000, unknown: None };
    draft.utility = Some(UtilityDraft { weights: vec![weight], ..utility() });
    draft.substitution = Substitution::Margin(micros(0));
    let policy = freeze(draft);
    let mut request = call(&policy);
    worth(&mut request, i64::MAX);
    let decision = decide(&policy, &request);
    assert_eq!(pair(&decision), (Some(2), Some(1)));
    assert_eq!(decision.selected.unwrap().utility, Some(i64::MAX));
    request.requested(CandidateId(1));
    assert_eq!(pair(&decide(&policy, &request)), (Some(1), Some(2)));
}

#[test]
fn denials_on_the_request_alone() {
    use Reason::{ConfidenceMinimum, First, RiskLimit};
    // hard limit | minimum | risk | confidence | reason
    let table = [
        (Some(5_000), None, Some(4_999), None, First),
        (Some(5_000), None, Some(5_000), None, RiskLimit),
        (Some(5_000), None, Some(5_001), None, RiskLimit),
        (Some(0), None, Some(0), None, RiskLimit),
        (Some(10_000), None, Some(10_000), None, RiskLimit),
        (None, Some(5_000), None, Some(5_000), First),
        (None, Some(5_000), None, Some(4_999), ConfidenceMinimum),
        (None, Some(0), None, Some(0), First),
        (None, None, Some(10_000), Some(0), First),
        // The risk goes first.
        (Some(5_000), Some(5_000), Some(5_000), Some(0), RiskLimit),
        (Some(5_000), Some(5_000), Some(0), Some(0), ConfidenceMinimum),
    ];
    for (risk_hard_bps, confidence_min_bps, risk, confidence, reason) in table {
        let mut draft = draft(vec![number(candidate(1, 10), "ceiling", 10_000)]);
        draft.limits = LimitsDraft { risk_hard_bps, confidence_min_bps };
        let policy = freeze(draft);
        let mut request = call(&policy);
        risk.map(|risk| request.risk(bps(risk)));
        confidence.map(|confidence| request.confidence(bps(confidence)));
        let traced = trace(&policy, &Disabled::none(), &request).unwrap();
        let shown = (risk_hard_bps, confidence_min_bps, risk, confidence);
        assert_eq!(traced.decision.reason, reason, "{shown:?}");
        // No candidate is asked then.
        assert_eq!(traced.counts.evaluated(), u32::from(reason == First), "{shown:?}");
    }
}

/// Candidates that fail at the gates of these places, or are disabled, excluded, too dear or worthless.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fails {
    Disabled,
    Excluded,
    Quality,
    Speed,
    Skills,
    Cost,
    Utility,
    Nothing,
}

fn failing(id: u32, fails: Fails) -> CandidateDraft {
    let mut one = candidate(id, if fails == Fails::Cost { 1_001 } else { 10 });
    one.enabled = fails != Fails::Disabled;
    // Worth 1,000 · quality / 10,000 − 10.
    one = number(one, "quality", if fails == Fails::Quality { 99 } else { 9_000 });
    one = number(one, "speed", if fails == Fails::Speed { 801 } else { 800 });
    one = kernel_sample::set(one, "skills", if fails == Fails::Skills { &["a"] } else { &["a", "e"] });
    // What it weighs makes it worthless.
    one = number(one, "window", if fails == Fails::Utility { 890 } else { 0 });
    number(one, "ceiling", 10_000)
}

#[test]
fn reasons_are_the_largest_count_and_the_earliest_of_equals() {
    use Fails::{Cost, Disabled as Off, Excluded, Nothing, Quality, Skills, Speed, Utility};
    // what each candidate fails at | reason
    let table: [(&[Fails], Reason); 18] = [
        (&[Off], Reason::Disabled),
        (&[Excluded], Reason::Excluded),
        (&[Quality], Reason::Gate(0)),
        (&[Speed], Reason::Gate(1)),
        (&[Skills], Reason::Gate(4)),
        (&[Cost], Reason::Cost),
        (&[Utility], Reason::Utility),
        (&[Utility, Cost, Skills, Speed, Quality, Excluded, Off], Reason::Disabled),
        (&[Utility, Cost, Skills, Speed, Quality, Excluded], Reason::Excluded),
        (&[Utility, Cost, Skills, Speed, Quality], Reason::Gate(0)),
        (&[Utility, Cost, Skills, Speed], Reason::Gate(1)),
        (&[Utility, Cost, Skills], Reason::Gate(4)),
        (&[Utility, Cost], Reason::Cost),
        (&[Utility, Cost, Cost, Utility, Utility], Reason::Utility),
        (&[Off, Excluded, Quality, Speed, Skills, Cost, Utility, Skills], Reason::Gate(4)),
        (&[Off, Off, Excluded, Cost, Cost, Cost], Reason::Cost),
        (&[Off, Off, Excluded, Excluded, Excluded], Reason::Excluded),
        // One eligible candidate, whatever the others fail at.
        (&[Off, Off, Off, Nothing], Reason::First),
    ];
    for (fails, reason) in table {
        let ids = || (1_u32..).zip(fails);
        let mut draft = draft(ids().map(|(id, &fails)| failing(id, fails)).collect());
        let weight =
            assize::policy::WeightDraft { column: "window".into(), micros_per_unit: 1, unknown: None };
        draft.utility = Some(UtilityDraft { weights: vec![weight], ..utility() });
        let policy = freeze(draft);
        let mut request = call(&policy);
        worth(&mut request, 1_000);
        request.cost_limit(micros(1_000));
        demand(&policy, &mut request, "quality", Relation::AtLeast, 100);
        demand(&policy, &mut request, "speed", Relation::AtMost, 800);
        demand_set(&policy, &mut request, "skills", Relation::HasAll, &["a", "e"]);
        for (id, _) in ids().filter(|(_, fails)| **fails == Excluded) {
            request.exclude(CandidateId(id)).unwrap();
        }
        let traced = trace(&policy, &Disabled::none(), &request).unwrap();
        assert_eq!(traced.decision.reason, reason, "{fails:?}");
        let count = |wanted| fails.iter().filter(|one| **one == wanted).count() as u32;
        let counts = traced.counts;
        let seen = [counts.disabled, counts.excluded, counts.gates[0], counts.gates[1], counts.gates[4]];
        assert_eq!(seen, [Off, Excluded, Quality, Speed, Skills].map(count), "{fails:?}");
        let seen = [counts.cost, counts.utility, counts.eligible];
        assert_eq!(seen, [Cost, Utility, Nothing].map(count), "{fails:?}");
    }
}

#[test]
fn candidates_that_the_host_disables_or_the_request_excludes() {
    let policy = freeze(four(Substitution::Best));
    let disabled = Disabled::new(&policy, [CandidateId(3), CandidateId(77)]);
    assert!(!disabled.is_empty());
    let request = call(&policy);
    assert_eq!(pair(&prescribe(&policy, &disabled, &request).unwrap()), (Some(2), Some(1)));
    // Ids that the catalog does not have mean nothing.
    let unknown = Disabled::new(&policy, [CandidateId(77)]);
    assert!(unknown.is_empty());
    assert_eq!(pair(&prescribe(&policy, &unknown, &request).unwrap()), (Some(3), Some(2)));

    let mut request = call(&policy);
    for id in [3, 77, 3, 2] {
        request.exclude(CandidateId(id)).unwrap();
    }
    assert_eq!(request.excluded(), [2, 3, 77].map(CandidateId));
    assert_eq!(pair(&decide(&policy, &request)), (Some(1), None));
    // Requested and excluded: the request's own word makes it ineligible.
    request.requested(CandidateId(3));
    assert_eq!(decide(&policy, &request).reason, Reason::RequestedIneligibleSubstituted);
    assert_eq!(prescribe(&policy, &Disabled::new(&policy, [CandidateId(1)]), &request).unwrap().reason, {
        // 1 disabled by the host, 4 by the policy; 2 and 3 excluded: the earliest of equals.
        Reason::Disabled
    });
}
