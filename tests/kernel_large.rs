//! The index is held to the naive model, and to `explain`, which asks every candidate: in catalogs of one word, and in
//! ones large enough for leaves and groups.
//!
//! The same catalogs are drawn in every run; `PROPTEST_CASES` sets how many.
#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that fails by panicking fails"
)]

#[path = "kernel_large/ask.rs"]
mod ask;
#[path = "kernel_large/draw.rs"]
mod draw;
mod oracle;
#[path = "kernel_large/reach.rs"]
mod reach;

use std::collections::BTreeSet;

use assize::{
    id::CandidateId,
    kernel::{
        Choice, Counts, Decision, Disabled, Explanation, Request, Standing, explain, prescribe, ranked, trace,
    },
    num::MicroUnits,
    policy::Policy,
};
use oracle::{Ranked, Verdict, generate::World, tape::Tape};
use reach::Reach;

/// One request put to every way of deciding, and to the model.
struct Case<'a> {
    /// What to draw again when it fails.
    name: String,
    world: &'a World,
    policy: &'a Policy,
    model: &'a oracle::Request,
    disabled_ids: &'a BTreeSet<u32>,
}

impl Case<'_> {
    /// Every way of deciding says what the model says.
    fn check(&self, reach: &Reach) -> Verdict {
        let Self { name, world, policy, model, disabled_ids } = self;
        let verdict = world.model.decide(model, disabled_ids);
        let disabled = oracle::build::disabled(policy, disabled_ids);
        let request = oracle::build::request(world, policy, model, false);
        let decision = prescribe(policy, &disabled, &request).unwrap();
        let said = (decision.action.code(), decision.reason.code(), decision.selected, decision.runner_up);
        let selected = verdict.selected.map(choice);
        let wanted = (verdict.action as u8, verdict.reason.code(), selected, verdict.runner_up.map(choice));
        assert_eq!(said, wanted, "{name}: {model:?}, {disabled_ids:?}");
        let traced = trace(policy, &disabled, &request).unwrap();
        let explained = explain(policy, &disabled, &request).unwrap();
        assert_eq!((traced.decision, explained.decision), (decision, decision), "{name}: {model:?}");
        assert_eq!(traced.counts, explained.counts, "{name}: {model:?}, {disabled_ids:?}");
        assert_eq!(traced.counts, counts(&verdict), "{name}: {model:?}, {disabled_ids:?}");
        self.check_ranking(&disabled, &request, &decision, &explained);
        reach.note(world, model, &verdict, &decision);
        reach.hit_if(
            !disabled_ids.is_empty() && selected.is_some(),
            "selected with some disabled by the host",
        );
        verdict
    }

    fn check_ranking(
        &self,
        disabled: &Disabled,
        request: &Request,
        decision: &Decision,
        explained: &Explanation,
    ) {
        let mut order: Vec<Choice> = vec![];
        if let Some(selected) = decision.selected {
            let eligible = explained.in_order().filter_map(|row| match row.standing {
                Standing::Eligible { .. } => Some(row.candidate),
                Standing::TurnedAway { .. } => None,
            });
            let others: Vec<CandidateId> = eligible.filter(|id| *id != selected.candidate).collect();
            order.push(selected);
            order.extend(others.iter().take(99).map(|id| shown(explained, *id)));
            assert_eq!(order.get(1), decision.runner_up.as_ref());
        }
        let rankings = [
            list::<0>(self.policy, disabled, request, decision),
            list::<1>(self.policy, disabled, request, decision),
            list::<2>(self.policy, disabled, request, decision),
            list::<3>(self.policy, disabled, request, decision),
            list::<8>(self.policy, disabled, request, decision),
            list::<40>(self.policy, disabled, request, decision),
            list::<100>(self.policy, disabled, request, decision),
        ];
        for (most, listed) in [0, 1, 2, 3, 8, 40, 100].into_iter().zip(rankings) {
            let wanted = &order[..most.min(order.len())];
            assert_eq!(listed, wanted, "{most} of {}: {:?}, {:?}", self.name, self.model, self.disabled_ids);
        }
    }
}

fn list<const K: usize>(
    policy: &Policy,
    disabled: &Disabled,
    request: &Request,
    decision: &Decision,
) -> Vec<Choice> {
    let ranking = ranked::<K>(policy, disabled, request).unwrap();
    assert_eq!(ranking.decision, *decision);
    ranking.choices().to_vec()
}

/// A catalog of that many candidates, with `REQUESTS` requests and what follows from their answers.
fn ask_catalog(reach: &Reach, seed: u64, count: usize) {
    let words = draw::words(seed, count);
    let mut tape = Tape::new(&words);
    let (mut world, likeness) = draw::world(&mut tape, count);
    let name = |asking| format!("request {asking} of seed {seed} with {count} candidates");
    // A margin that the answers of the first request meet.
    let mut model = ask::request(&mut tape, &world);
    let verdict = world.model.decide(&model, &BTreeSet::new());
    ask::meet_margin(&mut tape, &mut world, &mut model, &verdict);
    draw::refresh(&mut tape, &mut world);
    let policy = Policy::freeze(world.draft.clone()).unwrap_or_else(|error| panic!("{}: {error}", name(0)));
    reach.note_world(&world, likeness);
    let mut disabled_ids = BTreeSet::new();
    for asking in 0..REQUESTS {
        let model_asked = std::mem::take(&mut model);
        let case = Case {
            name: name(asking),
            world: &world,
            policy: &policy,
            model: &model_asked,
            disabled_ids: &disabled_ids,
        };
        let verdict = case.check(reach);
        let follows = !verdict.order.is_empty() && tape.once_in(2);
        model = if follows {
            ask::follow(&mut tape, &model_asked, &verdict)
        } else {
            ask::request(&mut tape, &world)
        };
        disabled_ids = ask::host_disabled(&mut tape, &world, Some(&verdict));
    }
}

fn choice(ranked: Ranked) -> Choice {
    Choice { candidate: CandidateId(ranked.id), cost: MicroUnits(ranked.cost), utility: ranked.utility }
}

fn shown(explained: &Explanation, id: CandidateId) -> Choice {
    let row = explained.row(id).unwrap();
    let utility = row.utility.as_ref().map(|line| match line {
        assize::kernel::UtilityLine::Known { total_micros, .. } => *total_micros,
        assize::kernel::UtilityLine::Unknown => panic!("an eligible candidate has a utility"),
    });
    Choice { candidate: id, cost: row.cost.total.unwrap(), utility }
}

fn counts(verdict: &Verdict) -> Counts {
    let oracle::Counts { disabled, excluded, gates, cost, utility, eligible } = &verdict.counts;
    let mut counts = Counts::default();
    counts.gates[..gates.len()].copy_from_slice(gates);
    Counts {
        disabled: *disabled,
        excluded: *excluded,
        cost: *cost,
        utility: *utility,
        eligible: *eligible,
        ..counts
    }
}

/// How many catalogs, when nothing else is said.
fn catalogs(default: u64) -> u64 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(default)
}

#[test]
fn large_catalogs_are_searched_as_the_model_asks() {
    let reach = Reach::default();
    let sizes = [65, 96, 127, 128, 129, 200, 300, 511, 1_023, 1_024, 1_025, 1_057, 2_100, 350, 3_200, 5_000];
    for (seed, count) in (0..catalogs(LARGE)).zip(sizes.into_iter().cycle()) {
        ask_catalog(&reach, seed, count);
    }
    if catalogs(LARGE) >= LARGE {
        reach.require(EVERYWHERE);
        reach.require(LARGE_ALONE);
    }
}

#[test]
fn catalogs_of_one_word_are_searched_as_the_model_asks() {
    let reach = Reach::default();
    for (seed, count) in (0..catalogs(SMALL)).zip([1, 2, 63, 64, 31, 33, 64, 22].into_iter().cycle()) {
        ask_catalog(&reach, seed + (1 << 32), count);
    }
    if catalogs(SMALL) >= SMALL {
        reach.require(EVERYWHERE);
        reach.require(SMALL_ALONE);
    }
}

const LARGE: u64 = 112;
const SMALL: u64 = 400;
/// Requests put to each catalog.
const REQUESTS: usize = 16;

/// What both runs reach, and how often at least.
const EVERYWHERE: &[(&str, u64)] = &[
    ("action deny", 500),
    ("action execute", 300),
    ("action substitute", 200),
    ("reason confidence_minimum", 10),
    ("reason risk_limit", 10),
    ("reason disabled", 10),
    ("reason cost", 50),
    ("reason utility", 50),
    ("reason gate", 300),
    ("reason requested_ineligible", 50),
    ("reason first", 100),
    ("reason requested", 100),
    ("reason outranked", 50),
    ("reason requested_ineligible_substituted", 100),
    ("best", 50),
    ("if_ineligible", 50),
    ("margin", 150),
    ("never", 30),
    ("margin exact", 30),
    ("margin one short", 5),
    ("requested one served from far behind", 50),
    ("few eligible", 30),
    ("some eligible", 100),
    ("utility", 30),
    ("no utility", 20),
    ("no merit", 5),
    ("different", 15),
    ("copies", 15),
    ("correlated", 10),
    ("same", 10),
    ("pennies", 10),
    ("1 quantities", 5),
    ("2 quantities", 25),
    ("3 quantities", 5),
    ("4 quantities", 5),
    ("8 quantities", 5),
    ("per that does not divide the scale", 30),
    ("several cards", 25),
    ("card 0", 400),
    ("card 1", 80),
    ("card 2", 20),
    ("card 3", 1),
    ("fallback", 30),
    ("no cards", 200),
    ("no rate", 200),
    ("extreme price", 25),
    ("cost beyond 64 bits", 150),
    ("cost above the limit", 200),
    ("selected within a limit", 200),
    ("selected at the limit", 80),
    ("selected with the largest quantity", 10),
    ("selected with the largest value", 10),
    ("clamped above", 30),
    ("negative weight", 20),
    ("least weight", 2),
    ("largest weight", 2),
    ("unknown utility", 80),
    ("worth nothing", 200),
    ("tied utility", 80),
    ("tied utility and cost", 200),
    ("selected with some disabled by the host", 150),
    ("selected with some excluded", 150),
    ("full list excluded", 20),
    ("AtLeast failed", 100),
    ("AtMost failed", 100),
    ("Fits failed", 300),
    ("HasAll failed", 100),
    ("HasAny failed", 100),
    ("OneOf failed", 80),
    ("risk failed", 150),
    ("quantities failed", 150),
    ("unknown value failed", 300),
    ("fewer than 64 values", 50),
    ("64 values", 2),
    ("members beyond 64", 50),
    ("more than 64 members demanded", 30),
    ("no member demanded", 50),
];
const LARGE_ALONE: &[(&str, u64)] = &[("more than 64 values", 30), ("many eligible", 200)];
const SMALL_ALONE: &[(&str, u64)] = &[("reason excluded", 50)];
