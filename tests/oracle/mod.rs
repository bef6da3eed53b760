//! The naive model of SEMANTICS 3 to 7 that the kernel is held to, and generators that produce a policy and a
//! request for both sides at once.
//!
//! The model has types of its own, shares no code with the crate, works in `u128` and `i128`, allocates freely
//! and sorts everything.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::expect_used,
    clippy::panic,
    clippy::manual_div_ceil,
    reason = "a test that fails by panicking fails; each test binary uses its own part of the module"
)]

pub mod build;
pub mod generate;
pub mod tape;

use std::{cmp::Reverse, collections::BTreeSet};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    AtLeast,
    AtMost,
    Fits,
    HasAll,
    HasAny,
    OneOf,
}

/// What a candidate is known to have in a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    Number(u64),
    Set(BTreeSet<u16>),
    Member(u16),
}

#[derive(Clone, Debug)]
pub struct Gate {
    pub column: usize,
    pub relation: Relation,
    pub source: Source,
}

/// What makes a gate's demand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    Request,
    Quantities(Vec<usize>),
    Risk,
}

#[derive(Clone, Debug)]
pub struct Quantity {
    pub per: u64,
    pub fallback: Option<usize>,
}

#[derive(Clone, Debug)]
pub struct Card {
    pub above: u64,
    pub rates: Vec<Option<u64>>,
}

#[derive(Clone, Debug)]
pub struct Candidate {
    pub id: u32,
    pub enabled: bool,
    pub flat_fee: u64,
    pub values: Vec<Option<Value>>,
    pub cards: Vec<Card>,
}

#[derive(Clone, Debug)]
pub struct Weight {
    pub column: usize,
    pub weight: i64,
    pub unknown: Option<u64>,
}

#[derive(Clone, Debug)]
pub struct Utility {
    pub multiplier: u32,
    pub merit_unknown: Option<u64>,
    pub weights: Vec<Weight>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Substitution {
    Best,
    Margin(u64),
    IfIneligible,
    Never,
}

#[derive(Clone, Debug)]
pub struct Policy {
    pub gates: Vec<Gate>,
    pub quantities: Vec<Quantity>,
    pub tier_by: Vec<usize>,
    pub merit: Option<usize>,
    pub risk_hard_limit: Option<u64>,
    pub confidence_minimum: Option<u64>,
    pub utility: Option<Utility>,
    pub substitution: Substitution,
    /// In the order in which the document lists them.
    pub candidates: Vec<Candidate>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Demand {
    Number(u64),
    Set(BTreeSet<u16>),
}

#[derive(Clone, Debug, Default)]
pub struct Request {
    pub value: Option<i64>,
    pub confidence: Option<u64>,
    pub risk: Option<u64>,
    pub requested: Option<u32>,
    pub cost_limit: Option<u64>,
    pub excluded: Vec<u32>,
    pub demands: Vec<Option<Demand>>,
    pub quantities: Vec<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    Execute,
    Substitute,
    Deny,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    Requested,
    First,
    Outranked,
    RequestedIneligibleSubstituted,
    RiskLimit,
    ConfidenceMinimum,
    Disabled,
    Excluded,
    Cost,
    Utility,
    RequestedIneligible,
    Gate(usize),
}

impl Reason {
    /// FORMAT 4.2.
    pub fn code(self) -> u8 {
        match self {
            Self::Requested => 1,
            Self::First => 2,
            Self::Outranked => 3,
            Self::RequestedIneligibleSubstituted => 4,
            Self::RiskLimit => 16,
            Self::ConfidenceMinimum => 17,
            Self::Disabled => 18,
            Self::Excluded => 19,
            Self::Cost => 20,
            Self::Utility => 21,
            Self::RequestedIneligible => 22,
            Self::Gate(gate) => 32 + gate as u8,
        }
    }
}

/// Why a candidate is turned away, SEMANTICS 5.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    Disabled,
    Excluded,
    Gate(usize),
    Cost,
    Utility,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ranked {
    pub id: u32,
    pub cost: u64,
    pub utility: Option<i64>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub disabled: u32,
    pub excluded: u32,
    pub gates: Vec<u32>,
    pub cost: u32,
    pub utility: u32,
    pub eligible: u32,
}

#[derive(Clone, Debug)]
pub struct Verdict {
    pub action: Action,
    pub reason: Reason,
    pub selected: Option<Ranked>,
    pub runner_up: Option<Ranked>,
    pub counts: Counts,
    /// Every eligible candidate, in order.
    pub order: Vec<Ranked>,
    /// Every candidate's first failure, in the order of the listing.
    pub failures: Vec<(u32, Option<Class>)>,
}

/// What a candidate's cost came from, so that a test can show what it reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Price {
    NoCards,
    NoRate,
    TooLarge,
    Known { cost: u64, card: usize, fallbacks: usize },
}

impl Policy {
    /// SEMANTICS 5, with the host's disabled candidates.
    pub fn decide(&self, request: &Request, host_disabled: &BTreeSet<u32>) -> Verdict {
        let mut counts = Counts { gates: vec![0; self.gates.len()], ..Counts::default() };
        let denied = |reason, counts, order, failures| Verdict {
            action: Action::Deny,
            reason,
            selected: None,
            runner_up: None,
            counts,
            order,
            failures,
        };
        if self.risk_hard_limit.is_some_and(|limit| request.risk.unwrap() >= limit) {
            return denied(Reason::RiskLimit, counts, vec![], vec![]);
        }
        if self.confidence_minimum.is_some_and(|minimum| request.confidence.unwrap() < minimum) {
            return denied(Reason::ConfidenceMinimum, counts, vec![], vec![]);
        }

        let mut failures = vec![];
        let mut eligible = vec![];
        for candidate in &self.candidates {
            let class = self.first_failure(candidate, request, host_disabled);
            failures.push((candidate.id, class));
            match class {
                Some(Class::Disabled) => counts.disabled += 1,
                Some(Class::Excluded) => counts.excluded += 1,
                Some(Class::Gate(gate)) => counts.gates[gate] += 1,
                Some(Class::Cost) => counts.cost += 1,
                Some(Class::Utility) => counts.utility += 1,
                None => eligible.push(candidate),
            }
        }
        counts.eligible = eligible.len() as u32;
        eligible.sort_by_cached_key(|candidate| self.order_key(candidate, request));
        let order: Vec<Ranked> = eligible
            .iter()
            .map(|candidate| Ranked {
                id: candidate.id,
                cost: self.cost(candidate, request).unwrap(),
                utility: self.utility(candidate, request),
            })
            .collect();

        let requested = order.iter().copied().find(|one| Some(one.id) == request.requested);
        let selected = match (request.requested, self.substitution) {
            (None, _) | (Some(_), Substitution::Best) => order.first().copied(),
            (Some(_), Substitution::IfIneligible) => requested.or(order.first().copied()),
            (Some(_), Substitution::Never) => requested,
            (Some(_), Substitution::Margin(margin)) => match requested {
                Some(one) if better_by(&order[0], &one) <= i128::from(margin) => Some(one),
                _ => order.first().copied(),
            },
        };
        let Some(chosen) = selected else {
            let reason = match (request.requested, self.substitution) {
                (Some(_), Substitution::Never) => Reason::RequestedIneligible,
                _ => most_frequent(&counts),
            };
            return denied(reason, counts, order, failures);
        };
        let (action, reason) = match request.requested {
            None => (Action::Execute, Reason::First),
            Some(id) if id == chosen.id => (Action::Execute, Reason::Requested),
            Some(_) if requested.is_some() => (Action::Substitute, Reason::Outranked),
            Some(_) => (Action::Substitute, Reason::RequestedIneligibleSubstituted),
        };
        let runner_up = order.iter().copied().find(|one| one.id != chosen.id);
        Verdict { action, reason, selected, runner_up, counts, order, failures }
    }

    /// SEMANTICS 5.2.
    fn first_failure(
        &self,
        candidate: &Candidate,
        request: &Request,
        host_disabled: &BTreeSet<u32>,
    ) -> Option<Class> {
        if !candidate.enabled || host_disabled.contains(&candidate.id) {
            return Some(Class::Disabled);
        }
        if request.excluded.contains(&candidate.id) {
            return Some(Class::Excluded);
        }
        for gate in 0..self.gates.len() {
            if !self.passes(gate, candidate, request) {
                return Some(Class::Gate(gate));
            }
        }
        match self.cost(candidate, request) {
            None => return Some(Class::Cost),
            Some(cost) if cost > request.cost_limit.unwrap_or(u64::MAX) => return Some(Class::Cost),
            Some(_) => {}
        }
        if self.utility.is_some() && self.utility(candidate, request).is_none_or(|utility| utility <= 0) {
            return Some(Class::Utility);
        }
        None
    }

    /// SEMANTICS 3.
    pub fn passes(&self, gate: usize, candidate: &Candidate, request: &Request) -> bool {
        let Gate { column, relation, source } = &self.gates[gate];
        let value = candidate.values[*column].as_ref();
        let number = |demand: u128| match value {
            Some(Value::Number(known)) => match relation {
                Relation::AtLeast => u128::from(*known) >= demand,
                Relation::AtMost => u128::from(*known) <= demand,
                Relation::Fits => demand <= u128::from(*known),
                _ => panic!("a numeric demand on a gate of sets"),
            },
            _ => false,
        };
        match source {
            Source::Request => {}
            Source::Quantities(fed_by) => {
                let sum = sum_of(fed_by, request);
                return sum == 0 || number(sum);
            }
            Source::Risk => return request.risk.is_none_or(|risk| number(u128::from(risk))),
        }
        match (request.demands[gate].as_ref(), value) {
            (None, _) => true,
            (Some(Demand::Number(demand)), _) => number(u128::from(*demand)),
            (Some(Demand::Set(demand)), Some(Value::Set(known))) => match relation {
                Relation::HasAll => demand.is_subset(known),
                Relation::HasAny => !demand.is_disjoint(known),
                _ => panic!("a set demanded of a numeric gate"),
            },
            (Some(Demand::Set(demand)), Some(Value::Member(known))) => demand.contains(known),
            (Some(Demand::Set(_)), _) => false,
        }
    }

    pub fn cost(&self, candidate: &Candidate, request: &Request) -> Option<u64> {
        match self.price(candidate, request) {
            Price::Known { cost, .. } => Some(cost),
            Price::NoCards | Price::NoRate | Price::TooLarge => None,
        }
    }

    /// SEMANTICS 6.
    pub fn price(&self, candidate: &Candidate, request: &Request) -> Price {
        if candidate.cards.is_empty() {
            return Price::NoCards;
        }
        let tier = sum_of(&self.tier_by, request);
        let card = (1..candidate.cards.len())
            .rev()
            .find(|&card| u128::from(candidate.cards[card].above) < tier)
            .unwrap_or(0);
        let mut total = u128::from(candidate.flat_fee);
        let mut fallbacks = 0;
        let mut too_large = false;
        for (quantity, &amount) in request.quantities.iter().enumerate() {
            if amount == 0 {
                continue;
            }
            let mut from = quantity;
            let rate = loop {
                if let Some(rate) = candidate.cards[card].rates[from] {
                    break rate;
                }
                let Some(next) = self.quantities[from].fallback else { return Price::NoRate };
                from = next;
                fallbacks += 1;
            };
            let product = u128::from(amount) * u128::from(rate);
            let per = u128::from(self.quantities[quantity].per);
            let term = (product + per - 1) / per;
            // A term beyond `u64` is capped just above it, so that eight of them still fit.
            too_large |= term > u128::from(u64::MAX);
            total += term.min(1 << 64);
        }
        if too_large || total > u128::from(u64::MAX) {
            return Price::TooLarge;
        }
        Price::Known { cost: total as u64, card, fallbacks }
    }

    /// SEMANTICS 7, clamped. `None` without a utility, or where it is unknown.
    pub fn utility(&self, candidate: &Candidate, request: &Request) -> Option<i64> {
        let exact = self.utility_exact(candidate, request)?;
        Some(exact.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64)
    }

    pub fn utility_exact(&self, candidate: &Candidate, request: &Request) -> Option<i128> {
        let utility = self.utility.as_ref()?;
        let value = i128::from(request.value.unwrap().max(0));
        let merit = self.merit_counted(candidate)?;
        let gain = value * i128::from(request.confidence.unwrap()) * i128::from(merit) / 100_000_000;
        let risk = i128::from(request.risk.unwrap_or(0));
        let loss = value * risk * i128::from(utility.multiplier) / 100_000_000;
        let mut total = gain - loss - i128::from(self.cost(candidate, request)?);
        for weight in &utility.weights {
            let column = match candidate.values[weight.column] {
                Some(Value::Number(number)) => number,
                _ => weight.unknown?,
            };
            total -= i128::from(weight.weight) * i128::from(column);
        }
        Some(total)
    }

    fn merit_known(&self, candidate: &Candidate) -> Option<u64> {
        match candidate.values[self.merit?] {
            Some(Value::Number(merit)) => Some(merit),
            _ => None,
        }
    }

    fn merit_counted(&self, candidate: &Candidate) -> Option<u64> {
        self.merit_known(candidate).or(self.utility.as_ref()?.merit_unknown)
    }

    /// SEMANTICS 5.3: the least key is the best candidate.
    fn order_key(
        &self,
        candidate: &Candidate,
        request: &Request,
    ) -> (Reverse<Option<i64>>, u64, Reverse<Option<u64>>, u32) {
        let merit =
            if self.utility.is_some() { self.merit_counted(candidate) } else { self.merit_known(candidate) };
        (
            Reverse(self.utility(candidate, request)),
            self.cost(candidate, request).unwrap(),
            Reverse(merit),
            candidate.id,
        )
    }
}

/// By how many micro-units of utility, or without one of cost, `first` is better. SEMANTICS 5.4.
pub fn better_by(first: &Ranked, other: &Ranked) -> i128 {
    match (first.utility, other.utility) {
        (Some(first), Some(other)) => i128::from(first) - i128::from(other),
        _ => i128::from(other.cost) - i128::from(first.cost),
    }
}

/// SEMANTICS 5.7.
fn most_frequent(counts: &Counts) -> Reason {
    let mut classes = vec![(Reason::Disabled, counts.disabled), (Reason::Excluded, counts.excluded)];
    classes.extend(counts.gates.iter().enumerate().map(|(gate, &count)| (Reason::Gate(gate), count)));
    classes.extend([(Reason::Cost, counts.cost), (Reason::Utility, counts.utility)]);
    let most = classes.iter().map(|class| class.1).max().unwrap();
    classes.iter().find(|class| class.1 == most).unwrap().0
}

fn sum_of(quantities: &[usize], request: &Request) -> u128 {
    quantities.iter().map(|&quantity| u128::from(request.quantities[quantity])).sum()
}
