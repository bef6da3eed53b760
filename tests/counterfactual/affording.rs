//! `affordable` against the model: the amount named passes, and none above it does.

use assize::kernel::{Affordable, affordable, prescribe};

use crate::{
    asking::{Asked, Reach, ask},
    oracle::{self, Action, Source, Value},
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
        for amount in amounts(asked, quantity, largest) {
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
fn amounts(asked: &Asked<'_>, quantity: usize, largest: Option<u64>) -> Vec<u64> {
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

const SMALL: u64 = 40;
