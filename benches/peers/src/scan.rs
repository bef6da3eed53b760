//! A full scan over the public accessors of a policy: every candidate, one after the other, gate by gate. It is what
//! is beside `prescribe` where the peer has no such policy. SEMANTICS 3, 5, 6 and 7, without what the rows do not use:
//! limits, requested and excluded candidates.

use std::cmp::Reverse;

use assize::{
    kernel::{Choice, Demand, Quantities, Request},
    limits::QUANTITIES_MAX,
    num::MicroUnits,
    policy::{Candidate, Card, ColumnIndex, MemberSet, Policy, Relation, Schema, Source, Utility},
};

/// The two first in order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Leaders {
    pub first: Option<Choice>,
    pub second: Option<Choice>,
}

/// Looks at every candidate.
pub fn scan(policy: &Policy, request: &Request) -> Leaders {
    let (mut first, mut second) = (None::<Contender>, None::<Contender>);
    for (_, contender) in eligible(policy, request) {
        if first.as_ref().is_none_or(|first| contender.rank() < first.rank()) {
            second = first.replace(contender);
        } else if second.as_ref().is_none_or(|second| contender.rank() < second.rank()) {
            second = Some(contender);
        }
    }
    Leaders { first: first.map(|first| first.choice), second: second.map(|second| second.choice) }
}

/// The candidates that are eligible, in no order.
pub fn eligible<'a>(
    policy: &'a Policy,
    request: &'a Request,
) -> impl Iterator<Item = (&'a Candidate, Contender)> {
    let gates = asked(policy.schema(), request);
    let limit = request.facts().cost_limit.map_or(u64::MAX, |limit| limit.0);
    policy.candidates().iter().filter_map(move |candidate| {
        let passes = candidate.is_enabled() && gates.iter().all(|gate| gate.passes(candidate));
        passes.then(|| contender(policy, request, candidate, limit)).flatten().map(|found| (candidate, found))
    })
}

/// A demand that is made, with the gate that it is made of.
struct Asked<'a> {
    column: ColumnIndex,
    relation: Relation,
    number: u128,
    set: &'a MemberSet,
}

fn asked<'a>(schema: &Schema, request: &'a Request) -> Vec<Asked<'a>> {
    let mut gates = Vec::with_capacity(schema.gates().len());
    for (index, gate) in schema.gates().iter().enumerate() {
        let (column, relation) = (gate.column(), gate.relation());
        let mut ask = |number, set| gates.push(Asked { column, relation, number, set });
        match (gate.source(), request.demand_of(index)) {
            (Source::Request, Some(Demand::Number(number))) => ask(number.into(), &MemberSet::EMPTY),
            (Source::Request, Some(Demand::Set(set))) => ask(0, set),
            (Source::Request, None) => {}
            (Source::Quantities(of), _) => {
                let sum = request.quantities().sum(of);
                if sum > 0 {
                    ask(sum, &MemberSet::EMPTY);
                }
            }
            (Source::Risk, _) => {
                if let Some(risk) = request.facts().risk {
                    ask(risk.as_u16().into(), &MemberSet::EMPTY);
                }
            }
        }
    }
    gates
}

impl Asked<'_> {
    fn passes(&self, candidate: &Candidate) -> bool {
        let value = || candidate.value(self.column).map(u128::from);
        let set = || candidate.set(self.column);
        match self.relation {
            Relation::AtLeast => value().is_some_and(|value| value >= self.number),
            Relation::AtMost => value().is_some_and(|value| value <= self.number),
            Relation::Fits => value().is_some_and(|value| self.number <= value),
            Relation::HasAll => set().is_some_and(|set| set.is_superset(self.set)),
            Relation::HasAny => set().is_some_and(|set| set.intersects(self.set)),
            Relation::OneOf => candidate.member(self.column).is_some_and(|member| self.set.contains(member)),
        }
    }
}

/// An eligible candidate with what its place in the order depends on.
pub struct Contender {
    choice: Choice,
    merit: Option<u64>,
}

impl Contender {
    fn rank(&self) -> impl Ord + use<> {
        let Choice { candidate, cost, utility } = self.choice;
        (Reverse(utility), cost, Reverse(self.merit), candidate)
    }
}

fn contender(policy: &Policy, request: &Request, candidate: &Candidate, limit: u64) -> Option<Contender> {
    let cost = cost(policy.schema(), request.quantities(), candidate).filter(|&cost| cost <= limit)?;
    let mut merit = policy.schema().merit().and_then(|column| candidate.value(column));
    let mut utility = None;
    if let Some(terms) = policy.utility() {
        merit = merit.or(terms.merit_unknown().map(|bps| bps.as_u16().into()));
        utility = Some(worth(terms, request, candidate, merit?, cost)?).filter(|&worth| worth > 0);
        utility?;
    }
    Some(Contender { choice: Choice { candidate: candidate.id(), cost: MicroUnits(cost), utility }, merit })
}

/// The utility, clamped; `None` where a weighted column is unknown.
fn worth(terms: &Utility, request: &Request, candidate: &Candidate, merit: u64, cost: u64) -> Option<i64> {
    let facts = request.facts();
    let share = |bps: Option<assize::num::Bps>| i128::from(bps.map_or(0, |bps| bps.as_u16()));
    let value = i128::from(facts.value.unwrap_or(0).max(0));
    let gain = value * share(facts.confidence) * i128::from(merit) / SCALE;
    let loss = value * share(facts.risk) * i128::from(terms.risk_multiplier_bps()) / SCALE;
    let mut total = gain - loss - i128::from(cost);
    for weight in terms.weights() {
        let units = candidate.value(weight.column()).or(weight.unknown())?;
        total -= i128::from(weight.micros_per_unit()) * i128::from(units);
    }
    Some(total.clamp(i64::MIN.into(), i64::MAX.into()) as i64)
}

/// The cost of these quantities; `None` where there is none, or none that fits `u64`.
pub fn cost(schema: &Schema, quantities: &Quantities, candidate: &Candidate) -> Option<u64> {
    let tier = quantities.sum(schema.tier_by());
    let (base, tiers) = candidate.cards().split_first()?;
    let card = tiers.iter().take_while(|card| u128::from(card.above()) < tier).last().unwrap_or(base);
    let mut total = u128::from(candidate.flat_fee().0);
    for (quantity, amount) in quantities.iter() {
        let per = schema.quantity_at(quantity)?.per();
        let term = (u128::from(amount) * u128::from(rate(schema, card, quantity)?)).div_ceil(per.into());
        total += u128::from(u64::try_from(term).ok()?);
    }
    u64::try_from(total).ok()
}

fn rate(schema: &Schema, card: &Card, quantity: assize::policy::QuantityIndex) -> Option<u64> {
    let mut of = quantity;
    for _ in 0..QUANTITIES_MAX {
        match card.rate(of) {
            Some(rate) => return Some(rate),
            None => of = schema.quantity_at(of)?.fallback()?,
        }
    }
    None
}

const SCALE: i128 = 100_000_000;
