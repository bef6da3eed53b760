//! Gates, costs and utilities, rule by rule, against values worked out by hand. SEMANTICS 3, 6 and 7.
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
    kernel::{
        Disabled, Failure, Quantities, Reason, Standing, Unpriced, UtilityLine, Value, cost_of, prescribe,
    },
    policy::{CandidateDraft, Relation, UtilityDraft, WeightDraft},
};
use kernel_sample::{
    amounts, bps, call, candidate, card, demand, demand_set, draft, explained, freeze, member, micros,
    number, set, worth,
};

const ONE: CandidateId = CandidateId(1);

/// Whether one candidate passes the demands, and the gate that turned it away.
fn passes(
    candidate: CandidateDraft,
    ask: impl FnOnce(&assize::policy::Policy, &mut assize::kernel::Request),
) -> bool {
    let policy = freeze(draft(vec![candidate]));
    let mut request = call(&policy);
    ask(&policy, &mut request);
    match explained(&policy, &request).rows[0].standing {
        Standing::Eligible { place } => place == 1,
        Standing::TurnedAway { by } => {
            assert!(matches!(by, Failure::Gate(_)), "{by:?}");
            false
        }
    }
}

#[test]
fn numeric_relations() {
    use Relation::{AtLeast, AtMost, Fits};
    // relation | value known | demand | passes
    let table = [
        (AtLeast, Some(5), 5, true),
        (AtLeast, Some(4), 5, false),
        (AtLeast, Some(6), 5, true),
        (AtLeast, Some(0), 0, true),
        (AtLeast, Some(u64::MAX), u64::MAX, true),
        (AtLeast, Some(u64::MAX - 1), u64::MAX, false),
        (AtLeast, None, 0, false),
        (AtMost, Some(5), 5, true),
        (AtMost, Some(6), 5, false),
        (AtMost, Some(4), 5, true),
        (AtMost, Some(0), 0, true),
        (AtMost, Some(u64::MAX), u64::MAX, true),
        (AtMost, None, u64::MAX, false),
        (Fits, Some(5), 5, true),
        (Fits, Some(5), 6, false),
        (Fits, Some(5), 4, true),
        (Fits, Some(0), 0, true),
        (Fits, None, 0, false),
    ];
    for (relation, value, wanted, expected) in table {
        let known = |candidate| match value {
            Some(value) => number(candidate, "speed", value),
            None => candidate,
        };
        let passed = passes(known(candidate(1, 10)), |policy, request| {
            demand(policy, request, "speed", relation, wanted);
        });
        assert_eq!(passed, expected, "{value:?} {relation} {wanted}");
    }
    // A demand not made passes what is unknown. SEMANTICS 3.1.
    assert!(passes(candidate(1, 10), |_, _| ()));
}

#[test]
fn set_relations() {
    use Relation::{HasAll, HasAny};
    // relation | members known | demand | passes
    let table: [(Relation, Option<&[&str]>, &[&str], bool); 16] = [
        (HasAll, Some(&["a", "b"]), &["a", "b"], true),
        (HasAll, Some(&["a", "b", "e"]), &["b", "e"], true),
        (HasAll, Some(&["a", "b"]), &["a", "d"], false),
        (HasAll, Some(&["d"]), &["a"], false),
        (HasAll, Some(&["c"]), &["a"], false),
        (HasAll, Some(&[]), &["a"], false),
        (HasAll, Some(&[]), &[], true),
        (HasAll, None, &[], false),
        (HasAny, Some(&["a", "b"]), &["b", "c"], true),
        (HasAny, Some(&["d"]), &["d", "e"], true),
        (HasAny, Some(&["a", "b"]), &["c", "d", "e"], false),
        (HasAny, Some(&["a"]), &["d"], false),
        (HasAny, Some(&["a"]), &[], false),
        (HasAny, Some(&[]), &["a"], false),
        (HasAny, Some(&[]), &[], false),
        (HasAny, None, &["a"], false),
    ];
    for (relation, value, wanted, expected) in table {
        let known = |candidate| match value {
            Some(value) => set(candidate, "skills", value),
            None => candidate,
        };
        let passed = passes(known(candidate(1, 10)), |policy, request| {
            demand_set(policy, request, "skills", relation, wanted);
        });
        assert_eq!(passed, expected, "{value:?} {relation} {wanted:?}");
    }
}

#[test]
fn one_of_a_demanded_set() {
    // member known | demand | passes
    let table: [(Option<&str>, &[&str], bool); 6] = [
        (Some("a"), &["a"], true),
        (Some("e"), &["a", "e"], true),
        (Some("d"), &["a", "e"], false),
        (Some("c"), &["a"], false),
        (Some("a"), &[], false),
        (None, &["a", "b", "c", "d", "e"], false),
    ];
    for (value, wanted, expected) in table {
        let known = |candidate| match value {
            Some(value) => member(candidate, "home", value),
            None => candidate,
        };
        let passed = passes(known(candidate(1, 10)), |policy, request| {
            demand_set(policy, request, "home", Relation::OneOf, wanted);
        });
        assert_eq!(passed, expected, "{value:?} one_of {wanted:?}");
    }
}

#[test]
fn demands_that_are_fed() {
    // ceiling known | risk stated | passes
    let table = [
        (Some(5_000), Some(5_000), true),
        (Some(5_000), Some(5_001), false),
        (Some(0), Some(0), true),
        (None, Some(0), false),
        (None, None, true),
    ];
    for (ceiling, risk, expected) in table {
        let known = |candidate| match ceiling {
            Some(ceiling) => number(candidate, "ceiling", ceiling),
            None => candidate,
        };
        let passed = passes(known(candidate(1, 10)), |_, request| {
            risk.map(|risk| request.risk(bps(risk)));
        });
        assert_eq!(passed, expected, "ceiling {ceiling:?}, risk {risk:?}");
    }
    // window known | input | cached | passes
    let table = [
        (Some(100), 60, 40, true),
        (Some(100), 60, 41, false),
        (Some(0), 0, 0, true),
        (None, 0, 0, true),
        (None, 0, 1, false),
        (Some(u64::MAX), u64::MAX, 0, true),
        // The sum is exact: 2⁶⁴ does not fit.
        (Some(u64::MAX), u64::MAX, 1, false),
    ];
    for (window, input, cached, expected) in table {
        let mut free = candidate(1, 10);
        free.cards = vec![card(0, &[("calls", 10), ("input", 0)])];
        let known = |candidate| match window {
            Some(window) => number(candidate, "window", window),
            None => candidate,
        };
        let passed = passes(known(free), |policy, request| {
            *request = amounts(policy, &[("calls", 1), ("input", input), ("cached", cached)]);
        });
        assert_eq!(passed, expected, "window {window:?}, {input} + {cached}");
    }
}

#[test]
fn costs() {
    let per_million: &[(&str, u64)] = &[("input", 500_000), ("output", 1_000_001), ("calls", 3)];
    let most: &[(&str, u64)] = &[("calls", u64::MAX), ("output", u64::MAX), ("input", 0)];
    // flat fee | rates | quantities | cost
    type Line<'a> = (u64, &'a [(&'a str, u64)], &'a [(&'a str, u64)], Result<u64, &'a str>);
    let table: [Line<'_>; 15] = [
        // Each term is rounded up by itself: two halves are 2.
        (0, per_million, &[("input", 1)], Ok(1)),
        (0, per_million, &[("input", 1), ("cached", 1)], Ok(2)),
        (0, per_million, &[("input", 2)], Ok(1)),
        (0, per_million, &[("input", 3)], Ok(2)),
        (0, per_million, &[("output", 1)], Ok(2)),
        (0, per_million, &[("output", 1_000_000)], Ok(1_000_001)),
        (0, per_million, &[("calls", 7)], Ok(21)),
        (5, per_million, &[("calls", 7), ("input", 1)], Ok(27)),
        // Nothing asked for: the fee alone.
        (5, per_million, &[], Ok(5)),
        (0, per_million, &[], Ok(0)),
        // The product of two u64 is exact: ⌈(2⁶⁴ − 1)² / 10⁶⌉ does not fit, 1 × (2⁶⁴ − 1) does.
        (0, most, &[("output", u64::MAX)], Err("too large")),
        (0, most, &[("calls", 1)], Ok(u64::MAX)),
        (1, most, &[("calls", 1)], Err("too large")),
        // 10⁶ × (2⁶⁴ − 1) / 10⁶, exactly.
        (0, most, &[("output", 1_000_000)], Ok(u64::MAX)),
        (0, most, &[("input", u64::MAX)], Ok(0)),
    ];
    for (flat_fee, rates, quantities, expected) in table {
        let mut only = CandidateDraft::new(1, "only");
        only.flat_fee_micros = flat_fee;
        only = number(only, "window", u64::MAX);
        only.cards.push(card(0, rates));
        let policy = freeze(draft(vec![only]));
        let request = amounts(&policy, quantities);
        let row = &explained(&policy, &request).rows[0];
        let total = row.cost.total.map(|total| total.0).map_err(|_| "too large");
        assert_eq!(total, expected, "{flat_fee} + {rates:?} × {quantities:?}");
        assert_eq!(
            cost_of(&policy, ONE, request.quantities()).map(|cost| cost.0).ok_or("too large"),
            expected
        );
    }
}

#[test]
fn cards_are_chosen_by_the_sum_of_the_tier() {
    // input | cached | card | cost
    let table = [
        (0, 0, 0, 0),
        (1_000, 0, 0, 1_000),
        (999, 1, 0, 1_000),
        (1_001, 0, 1, 2_002),
        (1_000, 1, 1, 2_002),
        (0, 2_000, 1, 4_000),
        (2_000, 1, 2, 6_003),
        // 2⁶⁴ is above 2⁶⁴ − 1, although no u64 is.
        (1, u64::MAX, 3, 0),
        (0, u64::MAX, 2, 0),
    ];
    for (input, cached, place, cost) in table {
        let mut only = number(CandidateDraft::new(1, "only"), "window", u64::MAX);
        let per_unit = |rate: u64| vec![("input", rate * 1_000_000)];
        let listed = [(2_000, 3), (0, 1), (u64::MAX, 4), (1_000, 2)];
        only.cards = listed.iter().map(|&(above, rate)| card(above, &per_unit(rate))).collect();
        let policy = freeze(draft(vec![only]));
        let row = &explained(&policy, &amounts(&policy, &[("input", input), ("cached", cached)])).rows[0];
        assert_eq!(row.cost.card, Some(place), "{input} + {cached}");
        assert_eq!(row.cost.card_above, Some([0, 1_000, 2_000, u64::MAX][place]));
        if cached < u64::MAX {
            assert_eq!(row.cost.total.map(|total| total.0), Ok(cost), "{input} + {cached}");
        }
    }
}

#[test]
fn missing_rates_fall_back_on_the_same_card() {
    // rates | quantities | cost, or the quantity without a rate
    type Line<'a> = (&'a [(&'a str, u64)], &'a [(&'a str, u64)], Result<u64, &'a str>);
    let table: [Line<'_>; 9] = [
        (&[("cached", 1_000_000), ("input", 9_000_000)], &[("cached", 5)], Ok(5)),
        (&[("input", 9_000_000)], &[("cached", 5)], Ok(45)),
        (&[("written", 2_000_000), ("cached", 1)], &[("written", 5)], Ok(10)),
        (&[("input", 9_000_000)], &[("written", 5)], Ok(45)),
        (&[("cached", 4_000_000), ("input", 9_000_000)], &[("written", 5)], Ok(20)),
        (&[("cached", 4_000_000)], &[("input", 1)], Err("input")),
        (&[("output", 1)], &[("written", 1)], Err("written")),
        (&[("output", 1)], &[("written", 0), ("output", 1)], Ok(1)),
        // An explicit zero is a rate.
        (&[("cached", 0), ("input", 9_000_000)], &[("cached", 5)], Ok(0)),
    ];
    for (rates, quantities, expected) in table {
        let mut only = number(CandidateDraft::new(1, "only"), "window", 1_000);
        only.cards.push(card(0, rates));
        let policy = freeze(draft(vec![only]));
        let row = &explained(&policy, &amounts(&policy, quantities)).rows[0];
        let expected = match expected {
            Ok(cost) => Ok(micros(cost)),
            Err(name) => Err(Unpriced::NoRate(policy.schema().quantity_index(name).unwrap())),
        };
        assert_eq!(row.cost.total, expected, "{rates:?} × {quantities:?}");
    }
    // Not from another card: a card is complete in itself.
    let mut only = number(CandidateDraft::new(1, "only"), "window", 10_000);
    only.cards = vec![card(0, &[("input", 7), ("output", 7)]), card(100, &[("input", 7)])];
    let policy = freeze(draft(vec![only]));
    let row = explained(&policy, &amounts(&policy, &[("input", 101), ("output", 1)])).rows.remove(0);
    let output = policy.schema().quantity_index("output").unwrap();
    assert_eq!(row.cost.total, Err(Unpriced::NoRate(output)));
    assert_eq!(row.standing, Standing::TurnedAway { by: Failure::Cost });
}

#[test]
fn the_limit_is_met_by_a_cost_equal_to_it() {
    // cost of a call | limit | executes
    let table = [
        (10, Some(10), true),
        (10, Some(9), false),
        (0, Some(0), true),
        (u64::MAX, None, true),
        (u64::MAX, Some(u64::MAX), true),
        (u64::MAX, Some(u64::MAX - 1), false),
    ];
    for (per_call, limit, executes) in table {
        let policy = freeze(draft(vec![candidate(1, per_call)]));
        let mut request = call(&policy);
        limit.map(|limit| request.cost_limit(micros(limit)));
        let decision = prescribe(&policy, &Disabled::none(), &request).unwrap();
        assert_eq!(decision.selected.is_some(), executes, "{per_call} within {limit:?}");
        assert_eq!(decision.reason, if executes { Reason::First } else { Reason::Cost });
    }
    // What does not fit u64 is above every limit, the largest too. What has no cards has no cost, even of nothing.
    let mut beyond = candidate(1, u64::MAX);
    beyond.flat_fee_micros = 1;
    let policy = freeze(draft(vec![beyond]));
    let mut request = call(&policy);
    request.cost_limit(micros(u64::MAX));
    assert_eq!(prescribe(&policy, &Disabled::none(), &request).unwrap().reason, Reason::Cost);
    let policy = freeze(draft(vec![CandidateDraft::new(1, "unpriced")]));
    let explained = explained(&policy, &amounts(&policy, &[]));
    assert_eq!(explained.decision.reason, Reason::Cost);
    assert_eq!(explained.rows[0].cost.total, Err(Unpriced::NoCards));
}

#[test]
fn utilities() {
    const BILLION: i64 = 1_000_000_000;
    // value | confidence | quality | risk | multiplier | cost | weight of speed | speed | utility exactly
    let table: [(i64, u16, u64, u16, u32, u64, i64, u64, i128); 18] = [
        (100, 10_000, 10_000, 0, 0, 0, 0, 0, 100),
        // Each division rounds down by itself: 1.5 and 0.75.
        (3, 10_000, 5_000, 5_000, 5_000, 0, 0, 0, 1),
        (2, 5_001, 9_999, 0, 0, 0, 0, 0, 1),
        (2, 5_000, 9_999, 0, 0, 0, 0, 0, 0),
        // 10⁹ · 0.5 · 0.8 − 10⁹ · 0.1 · 1.5 − 7
        (BILLION, 5_000, 8_000, 1_000, 15_000, 7, 0, 0, 249_999_993),
        // The loss rounds down in the caller's favour: 0.9999 is 0.
        (1, 10_000, 10_000, 9_999, 10_000, 0, 0, 0, 1),
        // A value below zero counts as zero, in the loss too.
        (-50, 10_000, 10_000, 10_000, 50_000, 0, 0, 0, 0),
        (i64::MIN, 10_000, 10_000, 10_000, 50_000, 3, 0, 0, -3),
        (100, 0, 10_000, 0, 0, 0, 0, 0, 0),
        (100, 10_000, 0, 0, 0, 0, 0, 0, 0),
        (100, 10_000, 10_000, 0, 0, 99, 0, 0, 1),
        (100, 10_000, 10_000, 0, 0, 101, 0, 0, -1),
        (100, 10_000, 10_000, 0, 0, 0, 3, 7, 79),
        // A weight below zero gives.
        (100, 10_000, 10_000, 0, 0, 0, -3, 7, 121),
        (i64::MAX, 10_000, 10_000, 0, 0, 0, 0, 0, i64::MAX as i128),
        (i64::MAX, 10_000, 10_000, 0, 0, 0, -1, 1, i64::MAX as i128 + 1),
        (0, 0, 0, 0, 0, u64::MAX, 1, u64::MAX, -2 * (u64::MAX as i128)),
        (
            i64::MAX,
            10_000,
            0,
            10_000,
            u32::MAX,
            0,
            0,
            0,
            -(i64::MAX as i128 * 10_000 * u32::MAX as i128 / 100_000_000),
        ),
    ];
    for (value, confidence, quality, risk, multiplier, cost, weight, speed, expected) in table {
        let only =
            number(number(number(candidate(1, cost), "quality", quality), "speed", speed), "ceiling", 10_000);
        let mut draft = draft(vec![only]);
        draft.utility = Some(UtilityDraft {
            risk_multiplier_bps: multiplier,
            merit_unknown_bps: None,
            weights: vec![WeightDraft { column: "speed".into(), micros_per_unit: weight, unknown: None }],
        });
        let policy = freeze(draft);
        let mut request = call(&policy);
        request.value(value).confidence(bps(confidence)).risk(bps(risk));
        let explained = explained(&policy, &request);
        let row = &explained.rows[0];
        let Some(UtilityLine::Known { exact_micros, total_micros, .. }) = row.utility else {
            panic!("{:?}", row.utility)
        };
        let clamped = expected.clamp(i64::MIN.into(), i64::MAX.into());
        let shown = (value, confidence, quality, risk, multiplier, cost, weight, speed);
        assert_eq!((exact_micros, i128::from(total_micros)), (expected, clamped), "{shown:?}");
        // A utility of 0 is none. SEMANTICS 5.2.
        let selected = explained.decision.selected.map(|choice| choice.utility);
        assert_eq!(selected, (expected > 0).then_some(Some(total_micros)), "{shown:?}");
        let reason = if expected > 0 { Reason::First } else { Reason::Utility };
        assert_eq!(explained.decision.reason, reason, "{shown:?}");
    }
}

#[test]
fn unknown_columns_of_a_utility() {
    // quality known | it counts as | speed known | it counts as | utility
    let table = [
        (Some(5_000), None, Some(10), None, Some(40)),
        (None, None, Some(10), None, None),
        (None, Some(2_000), Some(10), None, Some(10)),
        (Some(5_000), Some(2_000), Some(10), None, Some(40)),
        (Some(5_000), None, None, None, None),
        (Some(5_000), None, None, Some(15), Some(35)),
        (Some(5_000), None, Some(10), Some(15), Some(40)),
        (None, Some(2_000), None, Some(15), Some(5)),
        // Known zero is no unknown.
        (Some(5_000), None, Some(0), Some(15), Some(50)),
    ];
    for (quality, merit_unknown_bps, speed, unknown, expected) in table {
        let mut only = candidate(1, 0);
        if let Some(quality) = quality {
            only = number(only, "quality", quality);
        }
        if let Some(speed) = speed {
            only = number(only, "speed", speed);
        }
        let mut draft = draft(vec![number(only, "ceiling", 10_000)]);
        let weights = vec![WeightDraft { column: "speed".into(), micros_per_unit: 1, unknown }];
        draft.utility = Some(UtilityDraft { risk_multiplier_bps: 0, merit_unknown_bps, weights });
        let policy = freeze(draft);
        let mut request = call(&policy);
        worth(&mut request, 100);
        let decision = prescribe(&policy, &Disabled::none(), &request).unwrap();
        let shown = (quality, merit_unknown_bps, speed, unknown);
        assert_eq!(decision.selected.map(|choice| choice.utility), expected.map(Some), "{shown:?}");
        let reason = if expected.is_some() { Reason::First } else { Reason::Utility };
        assert_eq!(decision.reason, reason, "{shown:?}");
    }
}

#[test]
fn usage_is_priced_by_the_candidate_that_served() {
    let mut disabled = candidate(2, 9);
    disabled.enabled = false;
    disabled.flat_fee_micros = 100;
    let policy = freeze(draft(vec![candidate(1, 5), disabled, CandidateDraft::new(3, "unpriced")]));
    let mut quantities = Quantities::new(policy.schema());
    quantities.set(policy.schema().quantity("calls").unwrap(), 4).unwrap();
    // candidate | cost
    for (id, cost) in [(1, Some(20)), (2, Some(136)), (3, None), (4, None)] {
        assert_eq!(cost_of(&policy, CandidateId(id), &quantities), cost.map(micros), "candidate {id}");
    }
    let mut other = kernel_sample::schema();
    other.name = "another".into();
    let other = freeze(assize::policy::Draft { schema: other, ..draft(vec![candidate(1, 5)]) });
    assert_eq!(cost_of(&other, ONE, &quantities), None);
}

#[test]
fn explanations_show_names_and_values() {
    let mut one = set(number(candidate(1, 30), "speed", 900), "skills", &["a", "d"]);
    one.values.push(("home".into(), assize::policy::ValueDraft::Member("b".into())));
    let policy = freeze(draft(vec![one, CandidateDraft::new(2, "unpriced")]));
    let mut request = call(&policy);
    demand(&policy, &mut request, "speed", Relation::AtMost, 800);
    demand_set(&policy, &mut request, "skills", Relation::HasAll, &["a", "c"]);
    demand_set(&policy, &mut request, "home", Relation::OneOf, &[]);
    request.cost_limit(micros(29));
    let explained = explained(&policy, &request);
    let demands: Vec<String> = explained.demands.iter().map(|of| of.shown(&policy).to_string()).collect();
    assert_eq!(demands, ["speed at_most 800", "skills has_all a, c", "home one_of none"]);
    let row = explained.row(ONE).unwrap();
    let failures: Vec<String> = row.failures.iter().map(|of| of.shown(&policy).to_string()).collect();
    assert_eq!(failures, ["speed at_most", "skills has_all", "home one_of", "cost"]);
    let values: Vec<String> = row
        .gates
        .iter()
        .zip(&explained.demands)
        .map(|(line, of)| line.value.map_or("?".into(), |value| value.shown(&policy, of.column).to_string()))
        .collect();
    assert_eq!(values, ["900", "a, d", "b"]);
    assert_eq!(row.gates[0].value, Some(Value::Number(900)));
    let unpriced = explained.row(CandidateId(2)).unwrap();
    assert!(unpriced.gates.iter().all(|line| line.value.is_none() && !line.passes));
    assert_eq!(unpriced.cost.total.unwrap_err().shown(&policy).to_string(), "unpriced");
    assert_eq!(explained.decision.reason.shown(&policy).to_string(), "speed at_most");
    assert_eq!(explained.row(CandidateId(3)), None);
}
