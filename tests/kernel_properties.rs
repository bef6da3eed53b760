//! The kernel is held to the naive model of `oracle` on generated policies and requests.
//!
//! `PROPTEST_CASES` sets the number of policies; each is asked several times.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that fails by panicking fails"
)]

mod oracle;

use std::{cell::RefCell, collections::BTreeMap};

use assize::{
    codec::Reader,
    kernel::{
        Action, Choice, Counts, Decision, Failure, Request, Standing, UtilityLine, cost_of, explain,
        prescribe, trace,
    },
    policy::Policy,
};
use oracle::{
    Class, Price, Ranked, Verdict,
    generate::{self, World},
    tape::{Tape, tapes},
};
use proptest::{
    prelude::*,
    test_runner::{Config, TestError, TestRunner},
};

/// One request put to both sides.
struct Asked<'a> {
    world: &'a World,
    policy: &'a Policy,
    model: &'a oracle::Request,
    disabled_ids: std::collections::BTreeSet<u32>,
    disabled: assize::kernel::Disabled,
    request: Request,
    verdict: Verdict,
}

/// What a run reached, so that it can show that it tested something.
#[derive(Default)]
struct Reach(RefCell<BTreeMap<String, u64>>);

impl Reach {
    fn hit(&self, what: impl Into<String>) {
        *self.0.borrow_mut().entry(what.into()).or_default() += 1;
    }

    fn hit_if(&self, reached: bool, what: &str) {
        if reached {
            self.hit(what);
        }
    }

    /// All of these were reached; asked only of runs of the default length or longer.
    fn require(&self, wanted: &[&str]) {
        let reached = self.0.borrow();
        println!("{reached:#?}");
        if Config::default().cases < 256 {
            return;
        }
        for what in wanted {
            assert!(reached.get(*what).is_some_and(|&count| count > 0), "never reached: {what}");
        }
    }
}

/// Draws policies and asks each of them `REQUESTS` times.
fn ask(test: impl Fn(&Asked<'_>)) {
    let config = Config { failure_persistence: None, ..Config::default() };
    let asked = TestRunner::new(config).run(&tapes(TAPE_WORDS), |words| {
        let mut tape = Tape::new(&words);
        let world = generate::world(&mut tape);
        let policy =
            Policy::freeze(world.draft.clone()).unwrap_or_else(|error| panic!("{error}: {world:#?}"));
        for asking in 0..REQUESTS {
            let sample = world.sample.clone().filter(|_| asking == 0);
            let disabled_ids = match &sample {
                Some(_) => Default::default(),
                None => generate::host_disabled(&mut tape, &world),
            };
            let model = sample.unwrap_or_else(|| generate::request(&mut tape, &world));
            let disabled = oracle::build::disabled(&policy, &disabled_ids);
            let request = oracle::build::request(&world, &policy, &model, false);
            let verdict = world.model.decide(&model, &disabled_ids);
            test(&Asked {
                world: &world,
                policy: &policy,
                model: &model,
                disabled_ids,
                disabled,
                request,
                verdict,
            });
        }
        Ok(())
    });
    match asked {
        Ok(()) => {}
        Err(TestError::Fail(reason, words)) => {
            let world = generate::world(&mut Tape::new(&words));
            panic!("{reason}\nunder {:?}", world.model);
        }
        Err(abort) => panic!("{abort}"),
    }
}

#[test]
fn prescribe_decides_as_the_model() {
    let reach = Reach::default();
    ask(|asked| {
        let decision = prescribe(asked.policy, &asked.disabled, &asked.request).unwrap();
        let Verdict { action, reason, selected, runner_up, .. } = &asked.verdict;
        assert_eq!(decision.reason.code(), reason.code(), "{:?}", asked.model);
        assert_eq!(decision.action.code(), *action as u8, "{:?}", asked.model);
        assert_eq!(decision.selected, selected.map(choice), "{:?}", asked.model);
        assert_eq!(decision.runner_up, runner_up.map(choice), "{:?}", asked.model);
        assert_eq!(decision.epoch, asked.policy.epoch());
        assert_eq!(decision.policy, asked.policy.digest());
        note(&reach, asked);
    });
    reach.require(&[
        "action execute",
        "action substitute",
        "action deny",
        "reason requested",
        "reason first",
        "reason outranked",
        "reason requested_ineligible_substituted",
        "reason risk_limit",
        "reason confidence_minimum",
        "reason disabled",
        "reason excluded",
        "reason cost",
        "reason utility",
        "reason requested_ineligible",
        "reason gate_0",
        "reason gate_1",
        "relation AtLeast failed",
        "relation AtMost failed",
        "relation Fits failed",
        "relation HasAll failed",
        "relation HasAny failed",
        "relation OneOf failed",
        "fed by quantities failed",
        "fed by risk failed",
        "unknown value failed",
        "member of 256 or more demanded",
        "empty set demanded",
        "card 0",
        "card 1",
        "card 2",
        "card 3",
        "fallback 1",
        "fallback 2",
        "no cards",
        "no rate",
        "cost beyond 64 bits",
        "cost equals limit",
        "cost one above limit",
        "negative value",
        "unknown merit counted",
        "unknown utility",
        "clamped above",
        "clamped below",
        "tied utility",
        "decided by merit",
        "tied cost and merit",
        "no utility",
        "margin kept",
        "margin exact",
        "margin one short",
        "runner-up",
        "full list excluded",
    ]);
}

#[test]
fn a_trace_counts_as_the_model_and_gives_the_reason() {
    let reach = Reach::default();
    ask(|asked| {
        let traced = trace(asked.policy, &asked.disabled, &asked.request).unwrap();
        assert_eq!(traced.decision, prescribe(asked.policy, &asked.disabled, &asked.request).unwrap());
        let oracle::Counts { disabled, excluded, gates, cost, utility, eligible } = &asked.verdict.counts;
        let Counts { gates: counted, .. } = traced.counts;
        assert_eq!(&counted[..gates.len()], gates.as_slice());
        assert!(counted[gates.len()..].iter().all(|&count| count == 0));
        let counts = [disabled, excluded, cost, utility, eligible].map(|&count| count);
        let Counts { disabled, excluded, cost, utility, eligible, .. } = traced.counts;
        assert_eq!([disabled, excluded, cost, utility, eligible], counts);
        let evaluated = if asked.verdict.failures.is_empty() { 0 } else { asked.policy.candidates().len() };
        assert_eq!(traced.counts.evaluated() as usize, evaluated);
        // The reason of a denial by candidates, read from the counts that the trace shows.
        let first_of_most = traced
            .counts
            .failures()
            .fold((Failure::Disabled, 0), |most, next| if next.1 > most.1 { next } else { most });
        if traced.decision.action == Action::Deny && evaluated > 0 && traced.decision.reason.code() != 22 {
            assert_eq!(traced.decision.reason, first_of_most.0.into());
            let ties = traced.counts.failures().filter(|failure| failure.1 == first_of_most.1).count();
            reach.hit(if ties > 1 { "tied counts" } else { "one largest count" });
        }
        reach.hit_if(evaluated == 0, "denied on the request alone");
    });
    reach.require(&["tied counts", "one largest count", "denied on the request alone"]);
}

#[test]
fn an_explanation_agrees_with_the_decision_and_the_model() {
    let reach = Reach::default();
    ask(|asked| {
        let explained = explain(asked.policy, &asked.disabled, &asked.request).unwrap();
        let traced = trace(asked.policy, &asked.disabled, &asked.request).unwrap();
        assert_eq!((explained.decision, explained.counts), (traced.decision, traced.counts));
        let order: Vec<u32> = explained
            .in_order()
            .filter(|row| matches!(row.standing, Standing::Eligible { .. }))
            .map(|row| row.candidate.0)
            .collect();
        if !asked.verdict.failures.is_empty() {
            assert_eq!(order, asked.verdict.order.iter().map(|one| one.id).collect::<Vec<_>>());
        }
        assert_eq!(explained.rows.len(), asked.world.model.candidates.len());
        for candidate in &asked.world.model.candidates {
            explained_row(&reach, asked, &explained, candidate);
        }
    });
    reach.require(&[
        "eligible",
        "one failure",
        "several failures",
        "known utility",
        "unknown utility",
        "fallback",
    ]);
}

fn explained_row(
    reach: &Reach,
    asked: &Asked<'_>,
    explained: &assize::kernel::Explanation,
    candidate: &oracle::Candidate,
) {
    let model = &asked.world.model;
    let row = explained.row(assize::id::CandidateId(candidate.id)).unwrap();
    let gates = (0..model.gates.len()).filter(|&gate| !model.passes(gate, candidate, asked.model));
    let gates: Vec<u8> = gates.map(|gate| gate as u8).collect();
    let failed: Vec<u8> = row.gates.iter().filter(|line| !line.passes).map(|line| line.gate).collect();
    assert_eq!(failed, gates);
    let price = model.price(candidate, asked.model);
    match price {
        Price::Known { cost, card, fallbacks } => {
            assert_eq!(row.cost.total.map(|total| total.0), Ok(cost));
            assert_eq!(row.cost.card, Some(card));
            let terms: u128 = row.cost.terms.iter().map(|term| term.micros).sum();
            assert_eq!(terms + u128::from(row.cost.flat_fee.0), u128::from(cost));
            assert_eq!(row.cost.terms.iter().any(|term| term.rate_of != term.quantity), fallbacks > 0);
            reach.hit_if(fallbacks > 0, "fallback");
        }
        Price::NoCards => assert_eq!(row.cost.card, None),
        Price::NoRate | Price::TooLarge => assert!(row.cost.total.is_err() && row.cost.card.is_some()),
    }
    let priced = row.cost.total.is_ok();
    match (&row.utility, model.utility_exact(candidate, asked.model)) {
        (None, exact) => assert!(exact.is_none() && (model.utility.is_none() || !priced)),
        (Some(UtilityLine::Unknown), exact) => {
            assert!(exact.is_none() && priced);
            reach.hit("unknown utility");
        }
        (
            Some(UtilityLine::Known {
                gain_micros, loss_micros, penalties, exact_micros, total_micros, ..
            }),
            exact,
        ) => {
            assert_eq!(Some(*exact_micros), exact);
            let penalty: i128 = penalties.iter().map(|term| term.micros).sum();
            let cost = i128::from(row.cost.total.unwrap().0);
            assert_eq!(gain_micros - loss_micros - cost - penalty, *exact_micros);
            assert_eq!(Some(*total_micros), model.utility(candidate, asked.model));
            reach.hit("known utility");
        }
    }
    let first = asked.verdict.failures.iter().find(|of| of.0 == candidate.id).map(|of| of.1);
    let standing = match row.standing {
        Standing::Eligible { .. } => None,
        Standing::TurnedAway { by } => Some(by),
    };
    if let Some(class) = first {
        assert_eq!(standing, class.map(failure));
    }
    assert_eq!(row.failures.first().copied(), standing);
    assert!(row.failures.is_sorted());
    let host = asked.disabled_ids.contains(&candidate.id);
    assert_eq!(row.failures.contains(&Failure::Disabled), host || !candidate.enabled);
    reach.hit(["eligible", "one failure", "several failures"][row.failures.len().min(2)]);
}

#[test]
fn requests_and_decisions_survive_their_canonical_bytes() {
    let reach = Reach::default();
    ask(|asked| {
        let mut bytes = vec![];
        asked.request.encode(&mut bytes);
        let decoded = Request::decode(&bytes, asked.policy.schema()).unwrap();
        assert_eq!(decoded, asked.request);
        assert_eq!(decoded.digest(), asked.request.digest());
        let mut again = vec![];
        decoded.encode(&mut again);
        assert_eq!(again, bytes);
        // The order in which a request is stated means nothing.
        let backwards = oracle::build::request(asked.world, asked.policy, asked.model, true);
        assert_eq!(backwards, asked.request);
        assert_eq!(backwards.digest(), asked.request.digest());
        // Every proper prefix is refused, and so is a byte too many.
        for len in 0..bytes.len() {
            assert!(Request::decode(&bytes[..len], asked.policy.schema()).is_err());
        }
        again.push(0);
        assert!(Request::decode(&again, asked.policy.schema()).is_err());

        let decision = prescribe(asked.policy, &asked.disabled, &asked.request).unwrap();
        assert_eq!(prescribe(asked.policy, &asked.disabled, &decoded).unwrap(), decision);
        let mut bytes = vec![];
        decision.encode(&mut bytes);
        let mut reader = Reader::new(&bytes);
        let decoded = Decision::decode(&mut reader, decision.epoch, decision.policy).unwrap();
        reader.finish().unwrap();
        assert_eq!(decoded, decision);
        reach.hit(format!("decision of {} bytes", bytes.len()));
        reach.hit_if(asked.model.demands.iter().any(Option::is_some), "demands");
        reach.hit_if(asked.model.excluded.len() > 1, "several excluded");
    });
    reach.require(&[
        "decision of 3 bytes",
        "decision of 15 bytes",
        "decision of 23 bytes",
        "decision of 27 bytes",
        "decision of 43 bytes",
        "demands",
        "several excluded",
    ]);
}

#[test]
fn what_bytes_decode_is_what_they_encode() {
    let reach = Reach::default();
    let config = Config { failure_persistence: None, ..Config::default() };
    TestRunner::new(config)
        .run(&(tapes(TAPE_WORDS), any::<prop::sample::Index>(), any::<u8>()), |(words, at, change)| {
            let mut tape = Tape::new(&words);
            let world = generate::world(&mut tape);
            let policy = Policy::freeze(world.draft.clone()).unwrap();
            let model = generate::request(&mut tape, &world);
            let request = oracle::build::request(&world, &policy, &model, false);
            let mut bytes = vec![];
            request.encode(&mut bytes);
            let place = at.index(bytes.len());
            bytes[place] ^= change;
            match Request::decode(&bytes, policy.schema()) {
                // There is one encoding of each value: FORMAT 1.3.
                Ok(decoded) => {
                    let mut again = vec![];
                    decoded.encode(&mut again);
                    prop_assert_eq!(again, bytes);
                    prop_assert_eq!(decoded == request, change == 0);
                    prop_assert_eq!(decoded.digest() == request.digest(), change == 0);
                    reach.hit("another request");
                }
                Err(_) => reach.hit("no request"),
            }
            Ok(())
        })
        .unwrap();
    reach.require(&["another request", "no request"]);
}

#[test]
fn the_order_of_listing_means_nothing() {
    let reach = Reach::default();
    let config = Config { failure_persistence: None, ..Config::default() };
    TestRunner::new(config)
        .run(&tapes(TAPE_WORDS), |words| {
            let mut tape = Tape::new(&words);
            let world = generate::world(&mut tape);
            let policy = Policy::freeze(world.draft.clone()).unwrap();
            let mut draft = world.draft.clone();
            draft.candidates.reverse();
            draft.members.reverse();
            draft.schema.columns.reverse();
            draft.schema.quantities.reverse();
            for candidate in &mut draft.candidates {
                candidate.values.reverse();
                candidate.cards.reverse();
            }
            let other = Policy::freeze(draft).unwrap();
            prop_assert_eq!(other.digest(), policy.digest());
            for _ in 0..REQUESTS {
                let model = generate::request(&mut tape, &world);
                let disabled = generate::host_disabled(&mut tape, &world);
                let request = oracle::build::request(&world, &policy, &model, false);
                let decision =
                    prescribe(&policy, &oracle::build::disabled(&policy, &disabled), &request).unwrap();
                let relisted = oracle::build::request(&world, &other, &model, true);
                let again =
                    prescribe(&other, &oracle::build::disabled(&other, &disabled), &relisted).unwrap();
                prop_assert_eq!(decision, again);
                prop_assert_eq!(decision.digest(request.digest()), again.digest(relisted.digest()));
                reach.hit_if(
                    decision.selected.is_some() && world.model.candidates.len() > 1,
                    "selected of several",
                );
            }
            Ok(())
        })
        .unwrap();
    reach.require(&["selected of several"]);
}

#[test]
fn usage_is_priced_as_requests_are() {
    let reach = Reach::default();
    ask(|asked| {
        for candidate in &asked.world.model.candidates {
            let id = assize::id::CandidateId(candidate.id);
            let cost = cost_of(asked.policy, id, asked.request.quantities()).map(|cost| cost.0);
            assert_eq!(cost, asked.world.model.cost(candidate, asked.model));
            reach.hit(if cost.is_some() { "priced" } else { "unpriced" });
        }
        assert_eq!(cost_of(asked.policy, assize::id::CandidateId(555), asked.request.quantities()), None);
    });
    reach.require(&["priced", "unpriced"]);
}

fn choice(ranked: Ranked) -> Choice {
    Choice {
        candidate: assize::id::CandidateId(ranked.id),
        cost: assize::num::MicroUnits(ranked.cost),
        utility: ranked.utility,
    }
}

fn failure(class: Class) -> Failure {
    match class {
        Class::Disabled => Failure::Disabled,
        Class::Excluded => Failure::Excluded,
        Class::Gate(gate) => Failure::Gate(gate as u8),
        Class::Cost => Failure::Cost,
        Class::Utility => Failure::Utility,
    }
}

/// Counts what this request reached.
fn note(reach: &Reach, asked: &Asked<'_>) {
    let (model, request, verdict) = (&asked.world.model, asked.model, &asked.verdict);
    let decision = prescribe(asked.policy, &asked.disabled, &asked.request).unwrap();
    reach.hit(format!("action {}", decision.action));
    reach.hit(format!("reason {}", decision.reason));
    reach.hit_if(decision.runner_up.is_some(), "runner-up");
    reach.hit_if(model.utility.is_none() && verdict.order.len() > 1, "no utility");
    reach.hit_if(request.excluded.len() == 16, "full list excluded");
    reach.hit_if(request.value.is_some_and(|value| value < 0) && model.utility.is_some(), "negative value");
    note_order(reach, asked);
    for demand in request.demands.iter().flatten() {
        if let oracle::Demand::Set(set) = demand {
            reach.hit_if(set.iter().any(|&member| member >= 256), "member of 256 or more demanded");
            reach.hit_if(set.is_empty(), "empty set demanded");
        }
    }
    for (id, class) in &verdict.failures {
        let candidate = model.candidates.iter().find(|candidate| candidate.id == *id).unwrap();
        let cost = model.cost(candidate, request);
        match class {
            Some(Class::Gate(gate)) => {
                let gate = &model.gates[*gate];
                reach.hit(format!("relation {:?} failed", gate.relation));
                reach
                    .hit_if(matches!(gate.source, oracle::Source::Quantities(_)), "fed by quantities failed");
                reach.hit_if(gate.source == oracle::Source::Risk, "fed by risk failed");
                reach.hit_if(candidate.values[gate.column].is_none(), "unknown value failed");
            }
            Some(Class::Cost) => match model.price(candidate, request) {
                Price::NoCards => reach.hit("no cards"),
                Price::NoRate => reach.hit("no rate"),
                Price::TooLarge => reach.hit("cost beyond 64 bits"),
                Price::Known { .. } => {
                    reach.hit_if(
                        cost == request.cost_limit.and_then(|limit| limit.checked_add(1)),
                        "cost one above limit",
                    );
                }
            },
            Some(Class::Utility) => {
                let exact = model.utility_exact(candidate, request);
                reach.hit_if(exact.is_none(), "unknown utility");
                reach.hit_if(exact.is_some_and(|exact| exact < i128::from(i64::MIN)), "clamped below");
            }
            Some(Class::Disabled | Class::Excluded) => {}
            None => {
                reach.hit_if(cost == request.cost_limit, "cost equals limit");
                if let Price::Known { card, fallbacks, .. } = model.price(candidate, request) {
                    reach.hit(format!("card {card}"));
                    reach.hit(format!("fallback {fallbacks}"));
                }
                let unknown = model.merit.is_some_and(|column| candidate.values[column].is_none());
                reach.hit_if(unknown && model.utility.is_some(), "unknown merit counted");
                let exact = model.utility_exact(candidate, request);
                reach.hit_if(exact.is_some_and(|exact| exact > i128::from(i64::MAX)), "clamped above");
            }
        }
    }
}

fn note_order(reach: &Reach, asked: &Asked<'_>) {
    let (model, verdict) = (&asked.world.model, &asked.verdict);
    let [first, second, ..] = verdict.order.as_slice() else { return };
    reach.hit_if(first.utility.is_some() && first.utility == second.utility, "tied utility");
    let value = |ranked: &Ranked| {
        let candidate = model.candidates.iter().find(|candidate| candidate.id == ranked.id).unwrap();
        model.merit.map(|column| candidate.values[column].clone())
    };
    let tied = (first.utility, first.cost) == (second.utility, second.cost);
    reach.hit_if(tied && value(first) != value(second), "decided by merit");
    reach.hit_if(
        (first.utility, first.cost, value(first)) == (second.utility, second.cost, value(second)),
        "tied cost and merit",
    );
    if let oracle::Substitution::Margin(margin) = model.substitution
        && let Some(requested) = verdict.order[1..].iter().find(|one| Some(one.id) == asked.model.requested)
    {
        let lead = oracle::better_by(first, requested);
        reach.hit_if(lead < i128::from(margin), "margin kept");
        reach.hit_if(lead == i128::from(margin), "margin exact");
        reach.hit_if(lead == i128::from(margin) + 1, "margin one short");
    }
}

/// Requests drawn for each policy.
const REQUESTS: usize = 12;
/// Enough for a policy of sixteen candidates and its requests.
const TAPE_WORDS: usize = 2_500;
