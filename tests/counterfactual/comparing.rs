//! `compare` against a tally of the model's own.

use std::collections::BTreeMap;

use assize::{
    id::CandidateId,
    kernel::{Changes, CompareError, Disabled, Malformed, Request, Side, compare},
    policy::{LimitsDraft, Policy},
};

use crate::{
    asking::Reach,
    oracle::{
        self, Verdict,
        generate::{self, World},
        tape::{Tape, tapes},
    },
};
use proptest::test_runner::{Config, TestRunner};

/// Every request under two policies, the second one with prices, switches, limits or the rule changed.
#[test]
fn every_request_is_counted_once_and_every_micro_unit_too() {
    let reach = Reach::default();
    let config = Config { failure_persistence: None, ..Config::default() };
    let ran = TestRunner::new(config).run(&tapes(2_500), |words| {
        let mut tape = Tape::new(&words);
        let world = generate::world(&mut tape);
        let other = changed(&mut tape, &world);
        let policies = [&world, &other].map(|world| Policy::freeze(world.draft.clone()).unwrap());
        let hosts = [&world, &other].map(|world| generate::host_disabled(&mut tape, world));
        let models: Vec<oracle::Request> = (0..8).map(|_| generate::request(&mut tape, &world)).collect();
        let requests: Vec<Request> =
            models.iter().map(|model| oracle::build::request(&world, &policies[0], model, false)).collect();
        let disabled = [0, 1].map(|side| oracle::build::disabled(&policies[side], &hosts[side]));
        let [before, after] = [0, 1].map(|side| Side { policy: &policies[side], disabled: &disabled[side] });
        let told = compare(before, after, &requests).unwrap();

        let mut tally = Tally::default();
        for model in &models {
            let verdicts = [(&world, &hosts[0]), (&other, &hosts[1])]
                .map(|(world, host)| stated(world, model).then(|| world.model.decide(model, host)));
            tally.meet(&verdicts);
        }
        assert_eq!(told.requests, 8);
        assert_eq!(
            (told.unchanged, told.changed, told.malformed),
            (tally.unchanged, tally.changed, tally.malformed)
        );
        let flows = told.flows.iter().map(|flow| {
            let key = (flow.from.map(|id| id.0), flow.to.map(|id| id.0));
            (key, (flow.requests, flow.cost_micros_before, flow.cost_micros_after))
        });
        assert_eq!(
            flows.collect::<Vec<_>>(),
            tally.flows.iter().map(|(key, flow)| (*key, *flow)).collect::<Vec<_>>()
        );
        let sum = |of: fn(&(u64, u128, u128)) -> u128| tally.flows.values().map(of).sum::<u128>();
        let (before, after) = (sum(|flow| flow.1), sum(|flow| flow.2));
        assert_eq!((told.cost_micros_before, told.cost_micros_after), (before, after));
        assert_eq!(told.difference_micros, after as i128 - before as i128);
        let Changes { denied, served, selected_another, cost, reason } = told.changed;
        let Malformed { before, after, both } = told.malformed;
        let changed = denied + served + selected_another + cost + reason;
        assert_eq!(told.unchanged + changed + before + after - both, told.requests, "none is lost");
        for (what, count) in [
            ("unchanged", told.unchanged),
            ("denied", denied),
            ("served", served),
            ("selected another", selected_another),
            ("cost", cost),
            ("reason", reason),
            ("malformed before", before - both),
            ("malformed after", after - both),
        ] {
            reach.hit_if(count > 0, what);
        }
        reach.hit_if(told.difference_micros < 0, "cheaper");
        reach.hit_if(told.difference_micros > 0, "dearer");
        Ok(())
    });
    ran.unwrap();
    reach.require(&[
        "unchanged",
        "denied",
        "served",
        "selected another",
        "cost",
        "reason",
        "malformed after",
        "cheaper",
        "dearer",
    ]);
}

#[derive(Default)]
struct Tally {
    unchanged: u64,
    changed: Changes,
    malformed: Malformed,
    flows: BTreeMap<(Option<u32>, Option<u32>), (u64, u128, u128)>,
}

impl Tally {
    fn meet(&mut self, verdicts: &[Option<Verdict>; 2]) {
        let [Some(before), Some(after)] = verdicts else {
            let [before, after] = verdicts.each_ref().map(|verdict| u64::from(verdict.is_none()));
            self.malformed.before += before;
            self.malformed.after += after;
            self.malformed.both += before * after;
            return;
        };
        let [from, to] = [before, after].map(|verdict| verdict.selected);
        let ids = (from.map(|one| one.id), to.map(|one| one.id));
        let costs = (from.map(|one| one.cost), to.map(|one| one.cost));
        let counter = match ids {
            (Some(_), None) => &mut self.changed.denied,
            (None, Some(_)) => &mut self.changed.served,
            (from, to) if from != to => &mut self.changed.selected_another,
            _ if costs.0 != costs.1 => &mut self.changed.cost,
            _ if before.reason != after.reason => &mut self.changed.reason,
            _ => &mut self.unchanged,
        };
        *counter += 1;
        let flow = self.flows.entry(ids).or_default();
        flow.0 += 1;
        flow.1 += u128::from(costs.0.unwrap_or(0));
        flow.2 += u128::from(costs.1.unwrap_or(0));
    }
}

/// The same schema with other prices, switches, limits or substitution.
fn changed(tape: &mut Tape<'_>, world: &World) -> World {
    let mut other = world.clone();
    for (row, model) in other.draft.candidates.iter_mut().zip(&mut other.model.candidates) {
        assert_eq!(row.id, model.id);
        match tape.below(6) {
            0 => {
                let fee = tape.pick(&[3, 0, 100]);
                row.flat_fee_micros = fee;
                model.flat_fee = fee;
            }
            1 => {
                row.enabled = !row.enabled;
                model.enabled = row.enabled;
            }
            _ => {}
        }
    }
    if tape.once_in(3) {
        other.draft.substitution = assize::policy::Substitution::Best;
        other.model.substitution = oracle::Substitution::Best;
    }
    if tape.once_in(3) {
        other.draft.limits = LimitsDraft { risk_hard_bps: Some(9_999), confidence_min_bps: None };
        other.model.risk_hard_limit = Some(9_999);
        other.model.confidence_minimum = None;
    }
    other.draft.epoch += 1;
    other
}

/// Whether the request states what that policy uses: SEMANTICS 4.3.
fn stated(world: &World, request: &oracle::Request) -> bool {
    let model = &world.model;
    let utility = model.utility.as_ref();
    let risk = model.risk_hard_limit.is_some() || utility.is_some_and(|utility| utility.multiplier > 0);
    let confidence = model.confidence_minimum.is_some() || utility.is_some();
    (!risk || request.risk.is_some())
        && (!confidence || request.confidence.is_some())
        && (utility.is_none() || request.value.is_some())
}

#[test]
fn what_cannot_be_compared_is_an_error() {
    use crate::kernel_sample::{call, candidate, draft, freeze};

    let first = draft(vec![candidate(1, 10), candidate(2, 20)]);
    let mut second = first.clone();
    second.epoch += 1;
    let mut foreign = first.clone();
    foreign.schema.name = "another".into();
    let [first, second, foreign] = [first, second, foreign].map(freeze);
    let none = Disabled::none();
    let of_first = Disabled::new(&first, [CandidateId(1)]);
    let of_second = Disabled::new(&second, [CandidateId(1)]);
    fn side<'a>(policy: &'a Policy, disabled: &'a Disabled) -> Side<'a> {
        Side { policy, disabled }
    }
    let request = call(&first);
    let cases = [
        (side(&first, &none), side(&foreign, &none), Err(CompareError::SchemasDiffer)),
        (side(&first, &of_second), side(&second, &none), Err(CompareError::DisabledBefore)),
        (side(&first, &none), side(&second, &of_first), Err(CompareError::DisabledAfter)),
        (side(&first, &of_first), side(&second, &of_second), Ok(0)),
        (side(&first, &of_first), side(&second, &none), Ok(-10)),
        (side(&first, &none), side(&second, &of_second), Ok(10)),
    ];
    for (before, after, expected) in cases {
        let told = compare(before, after, [&request]).map(|told| told.difference_micros);
        assert_eq!(told, expected);
    }
    let texts = [
        (CompareError::SchemasDiffer, "the policies have different schemas"),
        (CompareError::DisabledBefore, "the candidates disabled before are those of another policy"),
        (CompareError::DisabledAfter, "the candidates disabled after are those of another policy"),
    ];
    for (error, text) in texts {
        assert_eq!(error.to_string(), text);
    }
}

/// A request made for another schema is malformed for both, and is counted.
#[test]
fn a_request_of_another_schema_is_malformed_for_both() {
    use crate::kernel_sample::{call, candidate, draft, freeze};

    let first = freeze(draft(vec![candidate(1, 10)]));
    let mut foreign = draft(vec![candidate(1, 10)]);
    foreign.schema.name = "another".into();
    let foreign = freeze(foreign);
    let none = Disabled::none();
    let side = Side { policy: &first, disabled: &none };
    let told = compare(side, side, [&call(&first), &call(&foreign)]).unwrap();
    assert_eq!((told.requests, told.unchanged), (2, 1));
    assert_eq!(told.malformed, Malformed { before: 1, after: 1, both: 1 });
    assert_eq!((told.flows.len(), told.cost_micros_before), (1, 10));
    let empty = compare(side, side, []).unwrap();
    assert_eq!(empty, assize::kernel::Comparison::default());
}
