//! Deciding allocates nothing. Invariant I7.
#![allow(clippy::unwrap_used, reason = "a test that fails by panicking fails")]

mod kernel_sample;

use std::hint::black_box;

use assize::{
    id::CandidateId,
    kernel::{Disabled, Request, cost_of, prescribe, ranked, trace},
    policy::{Draft, Relation, Substitution, UtilityDraft, WeightDraft},
};
use kernel_sample::{
    bps, call, candidate, demand, demand_set, draft, freeze, member, micros, number, set, utility,
};

/// Two hundred candidates; with everything that a policy can use.
fn large() -> Draft {
    let candidates = (0..200_u32).map(|id| {
        let one = number(candidate(id, u64::from(id) * 7 % 31), "quality", u64::from(id) * 97 % 10_000);
        let one = number(number(one, "ceiling", 9_000), "speed", u64::from(id) % 50);
        member(set(one, "skills", &["a", "d"]), "home", if id % 3 == 0 { "b" } else { "e" })
    });
    let mut draft = draft(candidates.collect());
    let weight = WeightDraft { column: "speed".into(), micros_per_unit: 3, unknown: Some(9) };
    draft.utility = Some(UtilityDraft { weights: vec![weight], risk_multiplier_bps: 10_000, ..utility() });
    draft.substitution = Substitution::Margin(micros(5));
    draft.limits.risk_hard_bps = Some(9_000);
    draft
}

#[test]
fn prescribe_trace_and_ranked_allocate_nothing() {
    let policy = freeze(large());
    let disabled = Disabled::new(&policy, [CandidateId(199), CandidateId(5)]);
    let mut served = call(&policy);
    served.value(1_000_000).confidence(bps(9_000)).risk(bps(10)).requested(CandidateId(7));
    demand(&policy, &mut served, "quality", Relation::AtLeast, 1_000);
    demand_set(&policy, &mut served, "skills", Relation::HasAll, &["d"]);
    demand_set(&policy, &mut served, "home", Relation::OneOf, &["b", "e"]);
    served.exclude(CandidateId(9)).unwrap();
    let mut denied = served.clone();
    denied.cost_limit(micros(0)).value(0);
    let mut at_once = served.clone();
    at_once.risk(bps(9_500));
    let mut malformed = Request::new(policy.schema());
    malformed.value(1);
    // Each reaches its end, and counts what it is meant to count.
    let selected =
        |request| prescribe(&policy, &disabled, request).map(|decision| decision.selected.is_some());
    assert_eq!(selected(&served), Ok(true));
    assert_eq!(selected(&denied), Ok(false));
    assert_eq!(selected(&at_once), Ok(false));
    assert!(selected(&malformed).is_err());
    assert_eq!(ranked::<16>(&policy, &disabled, &served).map(|ranking| ranking.choices().len()), Ok(16));

    for request in [&served, &denied, &at_once, &malformed] {
        let seen = allocation_counter::measure(|| {
            black_box(prescribe(&policy, &disabled, request)).ok();
            black_box(trace(&policy, &disabled, request)).ok();
            black_box(ranked::<1>(&policy, &disabled, request)).ok();
            black_box(ranked::<16>(&policy, &disabled, request)).ok();
            black_box(cost_of(&policy, CandidateId(7), request.quantities()));
        });
        assert_eq!((seen.count_total, seen.bytes_total), (0, 0));
    }
}

#[test]
fn building_a_request_allocates_nothing() {
    let policy = freeze(large());
    let schema = policy.schema();
    let quality = schema.gate_number("quality", Relation::AtLeast).unwrap();
    let skills = schema.gate_set("skills", Relation::HasAll).unwrap();
    let members = policy.members("skills", &["a", "d"]).unwrap();
    let calls = schema.quantity("calls").unwrap();
    let mut built = false;
    let seen = allocation_counter::measure(|| {
        let mut request = Request::new(schema);
        request.value(5).confidence(bps(1)).risk(bps(2)).requested(CandidateId(3)).cost_limit(micros(4));
        built = request.demand(quality, 7_000).is_ok()
            && request.demand_set(skills, &members).is_ok()
            && request.quantity(calls, 9).is_ok()
            && request.exclude(CandidateId(1)).is_ok();
    });
    assert!(built);
    assert_eq!(seen.count_total, 0);
    // The counter counts.
    assert!(allocation_counter::measure(|| drop(black_box(vec![1_u8]))).count_total > 0);
}
