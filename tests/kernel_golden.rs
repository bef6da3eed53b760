//! The same policy and request give the same decision bytes, on every machine and build. Invariant I1.
//!
//! What stands here is never changed to what a new build gives: a difference is a break of every log ever written.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that fails by panicking fails"
)]

mod kernel_sample;

use std::collections::BTreeMap;

use assize::{
    crypto::Digest,
    id::CandidateId,
    kernel::{Disabled, Request, prescribe},
    policy::{Draft, LimitsDraft, Policy, Relation, Substitution, UtilityDraft, WeightDraft},
};
use kernel_sample::{bps, candidate, card, demand, demand_set, draft, freeze, member, micros, number, set};

/// Thirty candidates, made by rule, of a policy that uses everything.
fn policy() -> Policy {
    let candidates = (0..30_u32).map(|id| {
        let at = u64::from(id);
        let mut one = candidate(id * 11, at * 13 % 17);
        one.enabled = id % 9 != 4;
        one.flat_fee_micros = at % 3;
        one.cards[0].rates.extend([("input".into(), 1_000_000 + at * 333_333), ("output".into(), 5_000_001)]);
        if id % 2 == 0 {
            let long = [("calls", 1), ("input", 3_000_000), ("cached", 700_000), ("output", 9_000_000)];
            one.cards.push(card(1_000, &long));
        }
        if id % 7 != 3 {
            one = number(one, "quality", at * 977 % 10_001);
        }
        one = number(number(one, "ceiling", 10_000 - at * 100), "speed", at * 37 % 101);
        one = number(one, "window", 500 + at * 200);
        one = set(
            one,
            "skills",
            [&["a"][..], &["a", "d"], &["a", "b", "d", "e"], &["c", "e"]][id as usize % 4],
        );
        member(one, "home", ["a", "c", "e"][id as usize % 3])
    });
    let mut draft = draft(candidates.collect());
    draft.limits = LimitsDraft { risk_hard_bps: Some(9_500), confidence_min_bps: Some(300) };
    let weight = WeightDraft { column: "speed".into(), micros_per_unit: 7, unknown: Some(50) };
    draft.utility = Some(UtilityDraft {
        risk_multiplier_bps: 12_000,
        merit_unknown_bps: Some(4_000),
        weights: vec![weight],
    });
    draft.substitution = Substitution::Margin(micros(40));
    freeze(draft)
}

/// The same candidates, the least cost deciding, and nothing but the requested one served.
fn strict(policy: &Policy) -> Policy {
    let draft = policy.to_draft();
    let limits = LimitsDraft::default();
    freeze(Draft { epoch: 4, utility: None, limits, substitution: Substitution::Never, ..draft })
}

/// Numbers in a fixed order: xorshift64.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, count: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % count
    }
}

fn request(policy: &Policy, numbers: &mut Numbers) -> Request {
    let schema = policy.schema();
    let mut request = Request::new(schema);
    request.value(numbers.below(200_000) as i64 - 5_000);
    request.confidence(bps(numbers.below(10_001) as u16)).risk(bps(numbers.below(9_600) as u16 / 4));
    if numbers.below(3) > 0 {
        request.requested(CandidateId(numbers.below(31) as u32 * 11));
    }
    if numbers.below(4) == 0 {
        request.cost_limit(micros(numbers.below(8_000)));
    }
    for _ in 0..numbers.below(3) {
        request.exclude(CandidateId(numbers.below(30) as u32 * 11)).unwrap();
    }
    for (name, most) in [("calls", 4), ("input", 900), ("cached", 600), ("output", 500)] {
        request.quantity(schema.quantity(name).unwrap(), numbers.below(most)).unwrap();
    }
    if numbers.below(2) == 0 {
        demand(policy, &mut request, "quality", Relation::AtLeast, numbers.below(6_000));
    }
    if numbers.below(3) == 0 {
        demand(policy, &mut request, "speed", Relation::AtMost, numbers.below(100));
    }
    if numbers.below(3) == 0 {
        demand_set(policy, &mut request, "skills", Relation::HasAny, &["d", "e"]);
    }
    if numbers.below(4) == 0 {
        demand_set(policy, &mut request, "home", Relation::OneOf, &["a", "e"]);
    }
    request
}

/// The digests of 1,000 decisions, in order, and how often each reason was given.
fn decide(policy: &Policy) -> (Vec<Digest>, BTreeMap<String, u32>) {
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    let disabled = Disabled::new(policy, [CandidateId(22)]);
    let mut reasons = BTreeMap::new();
    let digests = (0..1_000)
        .map(|_| {
            let request = request(policy, &mut numbers);
            let decision = prescribe(policy, &disabled, &request).unwrap();
            *reasons.entry(decision.reason.to_string()).or_default() += 1;
            decision.digest(request.digest())
        })
        .collect();
    (digests, reasons)
}

fn all(digests: &[Digest]) -> String {
    Digest::of_file(&digests.iter().flat_map(|digest| digest.0).collect::<Vec<_>>()).to_string()
}

#[test]
fn decisions_are_what_they_always_were() {
    // policy | its digest | the first decision, the last, and all 1,000 | reasons
    let worth = policy();
    let strict = strict(&worth);
    let table = [
        (
            &worth,
            "e95374a5476bf01192faf56deabaee940631bff38276b7d36bc6bd541ca8eb0b",
            "364de9b70db65e5e215a34fdfcedb56106a2aec0b4bf94b625e20d57db5d7b5b",
            "d838fef28751fe7899ba926294f43eb57a71f06d78fc476c9ca9d6a35a67a9c3",
            "d9bb64f2cd9d24e6acb64647ec10314b96d11b81621c176b7d49dfbae543ea00",
            "confidence_minimum 29, cost 85, first 207, gate_0 78, gate_1 73, outranked 93, requested 11, \
             requested_ineligible_substituted 282, utility 142",
        ),
        (
            &strict,
            "faa2fcbc2c40f6ec0876f2bca7b549c429d9bc586e620a77ffa52d3895344acc",
            "fad913983d374a720a10c7faccba620f098ca3085ef8508b0fd6163fa9da1081",
            "577fc69ba276aa446e303791bf7ffa0d3b9680b6df0b99998a6f3d597335627f",
            "7abea57b6cd80114ee3b83f1a29923d7e0a4e3454ae42935ddb5c3e7847954cb",
            "cost 22, first 301, gate_0 9, gate_1 12, requested 233, requested_ineligible 423",
        ),
    ];
    for (policy, digest, first, last, every, reasons) in table {
        let (digests, seen) = decide(policy);
        assert_eq!(policy.digest().to_string(), digest);
        // Before the digests, since it says more when it fails.
        let seen: Vec<String> = seen.iter().map(|(reason, count)| format!("{reason} {count}")).collect();
        assert_eq!(seen.join(", "), reasons);
        assert_eq!(digests[0].to_string(), first);
        assert_eq!(digests[999].to_string(), last);
        assert_eq!(all(&digests), every);
        // Asked again, and asked of the same policy read from its canonical form.
        let mut canonical = vec![];
        policy.encode(&mut canonical);
        assert_eq!(decide(&Policy::decode(&canonical).unwrap()).0, digests);
    }
}
