//! `affordable` against the model, and by hand: the amount named passes, and none above it does.

use assize::{
    id::CandidateId,
    kernel::{Affordable, Disabled, Request, affordable, prescribe},
    policy::{CandidateDraft, Policy, Substitution, UtilityDraft},
};

use crate::{
    asking::{Asked, Reach, ask},
    kernel_sample::{amounts, candidate, card, draft, freeze, micros, number, worth},
    oracle::{self, Action, Source, Value},
    tables::{NONE, priced},
};

#[test]
fn the_amount_named_passes_and_none_above_it() {
    let reach = Reach::default();
    ask(12, |asked, tape| {
        if asked.world.quantities.is_empty() {
            return;
        }
        let quantity = tape.below(asked.world.quantities.len());
        let handle = asked.policy.schema().quantity(&asked.world.quantities[quantity]).unwrap();
        let told = affordable(asked.policy, &asked.disabled, &asked.request, handle).unwrap();
        let passes = |amount: u64| {
            let mut request = asked.model.clone();
            request.quantities[quantity] = amount;
            asked.world.model.decide(&request, &asked.host).action != Action::Deny
        };
        if let Some(Affordable { quantity: of, amount, selected }) = told {
            assert_eq!(of, handle.index());
            let mut request = asked.request.clone();
            request.quantity(handle, amount).unwrap();
            let decision = prescribe(asked.policy, &asked.disabled, &request).unwrap();
            assert_eq!(decision.selected, Some(selected));
            assert!(passes(amount));
            note(&reach, asked, quantity, amount, &passes);
        } else {
            reach.hit(if asked.verdict().failures.is_empty() {
                "denied on the request alone"
            } else {
                "no amount"
            });
        }
        let largest = told.map(|told| told.amount);
        for amount in places(asked, quantity, largest) {
            assert!(
                !passes(amount) || largest >= Some(amount),
                "{amount} passes, and {largest:?} is the largest"
            );
        }
        // Small amounts, all of them.
        let brute = (0..=SMALL).rev().find(|&amount| passes(amount));
        match largest {
            Some(amount) if amount <= SMALL => assert_eq!(Some(amount), brute),
            _ => assert!(largest >= brute),
        }
        reach.hit_if(largest == brute, "found among all small amounts");
    });
    reach.require(&[
        "any amount",
        "nothing",
        "some amount",
        "no amount",
        "denied on the request alone",
        "found among all small amounts",
        "not one range",
        "a later card",
        "bound by a gate",
        "more than now",
        "less than now",
        "never, with one requested",
    ]);
}

/// Places of change in the model, with their neighbours; and some far ones.
fn places(asked: &Asked<'_>, quantity: usize, largest: Option<u64>) -> Vec<u64> {
    let model = &asked.world.model;
    let others = |of: &[usize]| -> i128 {
        of.iter().filter(|&&at| at != quantity).map(|&at| i128::from(asked.model.quantities[at])).sum()
    };
    let mut of: Vec<i128> = vec![0, 1, 1 << 16, 1 << 32, 1 << 48, 1 << 63, u64::MAX.into()];
    for candidate in &model.candidates {
        of.extend(candidate.cards.iter().map(|card| i128::from(card.above) - others(&model.tier_by)));
        for gate in &model.gates {
            if let (Source::Quantities(fed), Some(Value::Number(value))) =
                (&gate.source, &candidate.values[gate.column])
            {
                of.push(i128::from(*value) - others(fed));
            }
        }
    }
    if let Some(largest) = largest.map(i128::from) {
        of.extend([largest + 1, largest + 2, largest * 2, largest * 3 / 2, largest + (1 << 20)]);
    }
    let near = of.into_iter().flat_map(|at| [at - 1, at, at + 1, at + 2]);
    near.filter_map(|at| u64::try_from(at).ok()).collect()
}

fn note(reach: &Reach, asked: &Asked<'_>, quantity: usize, amount: u64, passes: &dyn Fn(u64) -> bool) {
    reach.hit(match amount {
        0 => "nothing",
        u64::MAX => "any amount",
        _ => "some amount",
    });
    let below = (0..=SMALL.min(amount)).rev().any(|below| !passes(below));
    reach.hit_if(below, "not one range");
    let now = asked.model.quantities[quantity];
    reach.hit_if(amount > now && now > 0, "more than now");
    reach.hit_if(amount < now, "less than now");
    let model = &asked.world.model;
    let never = model.substitution == oracle::Substitution::Never;
    reach.hit_if(never && asked.model.requested.is_some(), "never, with one requested");
    let mut request = asked.model.clone();
    request.quantities[quantity] = amount;
    let Some(selected) = model.decide(&request, &asked.host).selected else { return };
    let candidate = asked.candidate(selected.id);
    let price = model.price(candidate, &request);
    reach.hit_if(matches!(price, oracle::Price::Known { card: 1.., .. }), "a later card");
    let Some(above) = amount.checked_add(1) else { return };
    request.quantities[quantity] = above;
    let gates = 0..model.gates.len();
    reach.hit_if(gates.into_iter().any(|gate| !model.passes(gate, candidate, &request)), "bound by a gate");
}

/// One candidate with that fee and those cards.
fn alone(fee: u64, cards: &[(u64, &[(&str, u64)])]) -> CandidateDraft {
    let mut row = CandidateDraft::new(1, "alone");
    row.flat_fee_micros = fee;
    row.cards = cards.iter().map(|&(above, rates)| card(above, rates)).collect();
    row
}

#[test]
fn amounts_go_as_far_as_the_money() {
    let per_token = 1_000_000;
    let max = u64::MAX;
    // candidate, limit, quantity | the largest amount
    type Cards<'a> = &'a [(u64, &'a [(&'a str, u64)])];
    let table: [(u64, Cards<'_>, Option<u64>, &str, Option<u64>); 15] = [
        (0, &[(0, &[("calls", 7)])], Some(100), "calls", Some(14)),
        (2, &[(0, &[("calls", 7)])], Some(100), "calls", Some(14)),
        (3, &[(0, &[("calls", 7)])], Some(100), "calls", Some(13)),
        (101, &[(0, &[("calls", 7)])], Some(100), "calls", None),
        (100, &[(0, &[("calls", 7)])], Some(100), "calls", Some(0)),
        (0, &[(0, &[("calls", 0)])], Some(0), "calls", Some(max)),
        (0, &[(0, &[("calls", 1)])], None, "calls", Some(max)),
        (1, &[(0, &[("calls", 1)])], None, "calls", Some(max - 1)),
        (0, &[(0, &[("calls", 2)])], None, "calls", Some(max / 2)),
        // Nothing of it needs no rate.
        (0, &[(0, &[("calls", 7)])], Some(100), "output", Some(0)),
        // Cached tokens take the rate of the input, rounded up.
        (0, &[(0, &[("input", 300_000)])], Some(10), "cached", Some(33)),
        // 10 µ a token up to 100 of them, then 1 µ: 16 to 100 do not pass, 101 to 150 do.
        (
            0,
            &[(0, &[("input", 10 * per_token)]), (100, &[("input", per_token)])],
            Some(150),
            "input",
            Some(150),
        ),
        (
            0,
            &[(0, &[("input", 10 * per_token)]), (100, &[("input", per_token)])],
            Some(100),
            "input",
            Some(10),
        ),
        (0, &[(0, &[("input", per_token)]), (100, &[("output", 1)])], Some(1_000), "input", Some(100)),
        (0, &[(0, &[("output", 1)]), (100, &[("input", per_token)])], Some(1_000), "input", Some(1_000)),
    ];
    for (fee, cards, limit, name, expected) in table {
        let policy = freeze(draft(vec![number(alone(fee, cards), "window", u64::MAX)]));
        let mut request = amounts(&policy, &[]);
        if let Some(limit) = limit {
            request.cost_limit(micros(limit));
        }
        let quantity = policy.schema().quantity(name).unwrap();
        // What the request says of the quantity itself means nothing.
        for stated in [0, 3, u64::MAX] {
            request.quantity(quantity, stated).unwrap();
            let told = affordable(&policy, &NONE, &request, quantity).unwrap();
            assert_eq!(told.map(|told| told.amount), expected, "{fee} {cards:?} {limit:?} {name}");
        }
    }
}

#[test]
fn amounts_go_as_far_as_gates_utility_and_rule() {
    let free: (u64, &[(&str, u64)]) = (0, &[("input", 0), ("calls", 0)]);
    let input = |policy: &Policy, request: &Request| {
        let input = policy.schema().quantity("input").unwrap();
        affordable(policy, &NONE, request, input).unwrap().map(|told| told.amount)
    };
    // The window fits the input and the cached tokens.
    let policy = freeze(draft(vec![number(alone(0, &[free]), "window", 50)]));
    for (cached, expected) in [(0, Some(50)), (20, Some(30)), (50, Some(0)), (51, None)] {
        assert_eq!(input(&policy, &amounts(&policy, &[("cached", cached)])), expected, "{cached}");
    }
    // Unknown fails what is demanded, and nothing demands nothing.
    let policy = freeze(draft(vec![alone(0, &[free])]));
    assert_eq!(input(&policy, &amounts(&policy, &[])), Some(0));
    assert_eq!(input(&policy, &amounts(&policy, &[("cached", 1)])), None);

    // Worth 100, and utility stays above 0.
    for (per_call, expected) in [(7, 14), (10, 9), (100, 0)] {
        let row = number(number(candidate(1, per_call), "quality", 10_000), "ceiling", 0);
        let mut of = draft(vec![row]);
        of.utility = Some(UtilityDraft::default());
        let policy = freeze(of);
        let mut request = amounts(&policy, &[]);
        worth(&mut request, 100);
        let calls = policy.schema().quantity("calls").unwrap();
        let told = affordable(&policy, &NONE, &request, calls).unwrap();
        assert_eq!(told.map(|told| told.amount), Some(expected), "{per_call}");
    }

    // Of several the one that goes furthest, unless the rule wants the requested one.
    for (rule, expected, selected) in [
        (Substitution::Best, Some(20), Some(2)),
        (Substitution::IfIneligible, Some(20), Some(2)),
        (Substitution::Never, Some(10), Some(1)),
    ] {
        let mut of = draft(priced(&[(1, 0, 10), (2, 0, 5)]));
        of.substitution = rule;
        let policy = freeze(of);
        let mut request = amounts(&policy, &[]);
        request.cost_limit(micros(100)).requested(CandidateId(1));
        let calls = policy.schema().quantity("calls").unwrap();
        let told = affordable(&policy, &NONE, &request, calls).unwrap();
        assert_eq!(told.map(|told| told.amount), expected, "{rule:?}");
        assert_eq!(told.map(|told| told.selected.candidate.0), selected, "{rule:?}");
        let off = Disabled::new(&policy, [CandidateId(2)]);
        let told = affordable(&policy, &off, &request, calls).unwrap();
        assert_eq!(told.map(|told| told.amount), Some(10), "{rule:?}");
    }
}

/// Amounts up to this one are all tried.
const SMALL: u64 = 40;
