//! What a run reached, so that it can show that it tested something.

use std::{cell::RefCell, collections::BTreeMap};

use assize::kernel::Decision;

use crate::{
    ask::is_unknown,
    draw::Likeness,
    oracle::{Class, Demand, Price, Ranked, Request, Source, Substitution, Verdict, generate::World},
};

#[derive(Default)]
pub struct Reach(RefCell<BTreeMap<String, u64>>);

impl Reach {
    pub fn hit(&self, what: impl Into<String>) {
        *self.0.borrow_mut().entry(what.into()).or_default() += 1;
    }

    pub fn hit_if(&self, reached: bool, what: &str) {
        if reached {
            self.hit(what);
        }
    }

    /// Each of these was reached that often at least.
    pub fn require(&self, wanted: &[(&str, u64)]) {
        let reached = self.0.borrow();
        println!("{reached:#?}");
        for (what, least) in wanted {
            let count = reached.get(*what).copied().unwrap_or(0);
            assert!(count >= *least, "{what}: reached {count} times of {least}");
        }
    }

    /// What a catalog is like.
    pub fn note_world(&self, world: &World, likeness: Likeness) {
        let model = &world.model;
        self.hit(format!("{likeness:?}").to_lowercase());
        self.hit(format!("{} quantities", model.quantities.len()));
        self.hit(if model.utility.is_some() { "utility" } else { "no utility" });
        self.hit_if(model.merit.is_none(), "no merit");
        let known: Vec<usize> = (0..world.columns.len()).map(|column| values(world, column)).collect();
        self.hit_if(known.iter().any(|&values| values > 64), "more than 64 values");
        self.hit_if(known.contains(&64), "64 values");
        self.hit_if(known.iter().any(|&values| (1..64).contains(&values)), "fewer than 64 values");
        self.hit_if(
            world.columns.iter().any(|column| column.members.iter().any(|&member| member > 64)),
            "members beyond 64",
        );
        self.hit_if(
            model.quantities.iter().any(|quantity| 100_000_000 % quantity.per != 0),
            "per that does not divide the scale",
        );
        self.hit_if(model.candidates.iter().any(|candidate| candidate.cards.len() > 1), "several cards");
        let extreme = |candidate: &crate::oracle::Candidate| {
            let mut rates = candidate.cards.iter().flat_map(|card| &card.rates);
            candidate.flat_fee == u64::MAX || rates.any(|rate| *rate == Some(u64::MAX))
        };
        self.hit_if(model.candidates.iter().any(extreme), "extreme price");
        let weights = || model.utility.iter().flat_map(|utility| &utility.weights);
        self.hit_if(weights().any(|weight| weight.weight < 0), "negative weight");
        self.hit_if(weights().any(|weight| weight.weight == i64::MIN), "least weight");
        self.hit_if(weights().any(|weight| weight.weight == i64::MAX), "largest weight");
    }

    /// What a request asked and was answered.
    pub fn note(&self, world: &World, request: &Request, verdict: &Verdict, decision: &Decision) {
        let model = &world.model;
        self.hit("decisions");
        self.hit(format!("action {}", decision.action));
        self.hit(match decision.reason {
            assize::kernel::Reason::Gate(_) => "reason gate".into(),
            reason => format!("reason {reason}"),
        });
        let selected = decision.selected.is_some();
        let rule = match model.substitution {
            Substitution::Best => "best",
            Substitution::Margin(_) => "margin",
            Substitution::IfIneligible => "if_ineligible",
            Substitution::Never => "never",
        };
        self.hit_if(selected && request.requested.is_some(), rule);
        let huge = request.quantities.contains(&u64::MAX);
        self.hit_if(huge && selected, "selected with the largest quantity");
        let value = request.value.filter(|_| model.utility.is_some());
        self.hit_if(value == Some(i64::MAX) && selected, "selected with the largest value");
        self.hit_if(request.cost_limit.is_some() && selected, "selected within a limit");
        let cost = decision.selected.map(|choice| choice.cost.0);
        self.hit_if(cost.is_some() && cost == request.cost_limit, "selected at the limit");
        self.hit_if(verdict.counts.excluded > 0 && selected, "selected with some excluded");
        self.hit_if(request.excluded.len() == 16, "full list excluded");
        for demand in request.demands.iter().flatten() {
            if let Demand::Set(members) = demand {
                self.hit_if(members.len() > 64, "more than 64 members demanded");
                self.hit_if(members.is_empty(), "no member demanded");
            }
        }
        match verdict.counts.eligible {
            0 => {}
            1..=4 => self.hit("few eligible"),
            5..=63 => self.hit("some eligible"),
            _ => self.hit("many eligible"),
        }
        self.note_order(model.substitution, request, verdict);
        self.note_failures(world, request, verdict);
    }

    fn note_order(&self, substitution: Substitution, request: &Request, verdict: &Verdict) {
        let order = verdict.order.as_slice();
        if let (Some(asked), Some(chosen)) = (request.requested, verdict.selected) {
            let place = order.iter().position(|one| one.id == asked);
            self.hit_if(asked == chosen.id && place > Some(8), "requested one served from far behind");
            if let (Substitution::Margin(margin), Some(place @ 1..)) = (substitution, place) {
                let lead = crate::oracle::better_by(&order[0], &order[place]);
                self.hit_if(lead == i128::from(margin), "margin exact");
                self.hit_if(lead == i128::from(margin) + 1, "margin one short");
            }
        }
        let [first, second, ..] = order else { return };
        let key = |one: &Ranked| (one.utility, one.cost);
        self.hit_if(key(first) == key(second), "tied utility and cost");
        self.hit_if(first.utility.is_some() && first.utility == second.utility, "tied utility");
        self.hit_if(first.utility == Some(i64::MAX), "clamped above");
    }

    fn note_failures(&self, world: &World, request: &Request, verdict: &Verdict) {
        let model = &world.model;
        let mut seen = std::collections::BTreeSet::new();
        for (candidate, (id, class)) in model.candidates.iter().zip(&verdict.failures) {
            assert_eq!(candidate.id, *id);
            match class {
                Some(Class::Gate(gate)) => {
                    let gate = &model.gates[*gate];
                    seen.insert(format!("{:?} failed", gate.relation));
                    match gate.source {
                        Source::Request => {}
                        Source::Risk => _ = seen.insert("risk failed".into()),
                        Source::Quantities(_) => _ = seen.insert("quantities failed".into()),
                    }
                    if is_unknown(candidate, gate) {
                        seen.insert("unknown value failed".into());
                    }
                }
                Some(Class::Cost) => {
                    seen.insert(match model.price(candidate, request) {
                        Price::NoCards => "no cards".into(),
                        Price::NoRate => "no rate".into(),
                        Price::TooLarge => "cost beyond 64 bits".into(),
                        Price::Known { .. } => "cost above the limit".into(),
                    });
                }
                Some(Class::Utility) if model.utility_exact(candidate, request).is_none() => {
                    seen.insert("unknown utility".into());
                }
                Some(Class::Utility) => _ = seen.insert("worth nothing".into()),
                Some(Class::Disabled | Class::Excluded) => {}
                None => {
                    if let Price::Known { card, fallbacks, .. } = model.price(candidate, request) {
                        seen.insert(format!("card {card}"));
                        if fallbacks > 0 {
                            seen.insert("fallback".into());
                        }
                    }
                }
            }
        }
        seen.into_iter().for_each(|what| self.hit(what));
    }
}

/// How many different numbers the candidates have in a column.
fn values(world: &World, column: usize) -> usize {
    let numbers = world.model.candidates.iter().filter_map(|candidate| match candidate.values[column] {
        Some(crate::oracle::Value::Number(number)) => Some(number),
        _ => None,
    });
    numbers.collect::<std::collections::BTreeSet<u64>>().len()
}
