//! The rules of a valid policy. Each place that makes one, freezing and decoding, passes here.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::error::{PolicyError, PolicyFault, SwapError};
use super::kind::{ColumnIndex, ColumnKind, QuantityIndex, Source};
use super::member::{Listing, MemberId};
use super::place::{Place, shown};
use super::schema::{Column, GateSpec, Parts, QuantitySpec};
use super::{Candidate, Card, Policy, Utility, Weight};
use crate::limits::{
    CANDIDATES_MAX, CARDS_MAX, COLUMNS_MAX, GATES_MAX, MEMBERS_MAX, PENALTY_BITS_MAX, POLICY_BYTES_MAX,
    POLICY_NAME_BYTES_MAX, QUANTITIES_MAX,
};
use crate::num::Bps;

/// A schema whose columns and quantities are sorted and whose indexes are in range.
pub(super) fn schema(parts: &Parts) -> Result<(), PolicyError> {
    name(&parts.name, || Place::Field("schema.name"))?;
    schema_counts(parts.columns.len(), parts.quantities.len(), parts.gates.len())?;
    columns(&parts.columns)?;
    quantities(&parts.quantities)?;
    for (index, one) in parts.gates.iter().enumerate() {
        gate(index, one, parts)?;
    }
    match parts.merit.and_then(|index| parts.columns.get(index.as_usize())) {
        Some(column) if column.kind != ColumnKind::Bps => {
            let fault = PolicyFault::MeritNotBps { kind: column.kind };
            Err(PolicyError::new(Place::Field("schema.merit"), fault))
        }
        _ => Ok(()),
    }
}

/// How many columns, quantities and gates there are.
pub(super) fn schema_counts(columns: usize, quantities: usize, gates: usize) -> Result<(), PolicyError> {
    count("columns", columns, COLUMNS_MAX, || Place::Field("schema.columns"))?;
    count("quantities", quantities, QUANTITIES_MAX, || Place::Field("schema.quantities"))?;
    count("gates", gates, GATES_MAX, || Place::Field("schema.gates"))
}

/// How many candidates there are.
pub(super) fn candidate_count(seen: usize) -> Result<(), PolicyError> {
    if seen == 0 {
        return Err(PolicyError::new(Place::Field("candidates"), PolicyFault::NoCandidates));
    }
    count("candidates", seen, CANDIDATES_MAX, || Place::Field("candidates"))
}

/// How large the canonical form is.
pub(super) fn canonical_bytes(seen: usize) -> Result<(), PolicyError> {
    if seen <= POLICY_BYTES_MAX {
        return Ok(());
    }
    let fault = PolicyFault::BytesTooMany { seen, max: POLICY_BYTES_MAX };
    Err(PolicyError::new(Place::Field("canonical form"), fault))
}

/// A share in basis points.
pub(super) fn bps(seen: u16, path: &'static str) -> Result<Bps, PolicyError> {
    Bps::new(seen).ok_or_else(|| {
        PolicyError::new(Place::Field(path), PolicyFault::BpsTooLarge { seen: u64::from(seen) })
    })
}

/// The members of a column, sorted by number.
pub(super) fn listing(column: &Column, names: Vec<(MemberId, Box<str>)>) -> Result<Listing, PolicyError> {
    let place =
        |id: MemberId, name: &str| Place::Member { column: shown(&column.name), id: id.0, name: shown(name) };
    if !names.is_empty() && column.kind.is_numeric() {
        let place = Place::Members { column: shown(&column.name) };
        return Err(PolicyError::new(place, PolicyFault::MembersOfNumeric { kind: column.kind }));
    }
    let mut previous = None;
    for (id, text) in &names {
        name(text, || place(*id, text))?;
        if usize::from(id.0) >= MEMBERS_MAX {
            let fault = PolicyFault::MemberTooLarge { seen: id.0, max: MEMBER_ID_MAX };
            return Err(PolicyError::new(place(*id, text), fault));
        }
        if previous == Some(*id) {
            return Err(PolicyError::new(place(*id, text), PolicyFault::IdTwice { id: u32::from(id.0) }));
        }
        previous = Some(*id);
    }
    let listing = Listing::new(names);
    match listing.name_twice() {
        Some((first, second)) => {
            let fault = PolicyFault::NameTwice { other: u32::from(first.0) };
            Err(PolicyError::new(place(second, listing.name(second).unwrap_or_default()), fault))
        }
        None => Ok(listing),
    }
}

/// Everything of a policy that its schema and its members' listings have not checked already.
pub(super) fn policy(policy: &Policy, listed: &[usize]) -> Result<(), PolicyError> {
    name(&policy.name, || Place::Field("name"))?;
    candidate_count(policy.candidates.len())?;
    for (at, one) in policy.candidates.iter().enumerate() {
        let index = listed.get(at).copied().unwrap_or(at);
        candidate(policy, index, one)?;
    }
    unique(policy, listed)?;
    policy.utility.as_ref().map_or(Ok(()), |one| utility(policy, one))
}

/// SEMANTICS 2.7.
pub(super) fn follows(new: &Policy, previous: &Policy) -> Result<(), SwapError> {
    if new.epoch <= previous.epoch {
        return Err(SwapError::EpochNotRaised { previous: previous.epoch, seen: new.epoch });
    }
    if new.schema != previous.schema {
        return Err(SwapError::SchemaChanged);
    }
    let columns = new.schema.columns();
    for ((column, listing), former) in columns.iter().zip(&new.members).zip(&previous.members) {
        for (id, name) in listing.names() {
            if let Some(other) = former.name(*id).filter(|&other| other != name.as_ref()) {
                let place = Place::Member { column: shown(&column.name), id: id.0, name: shown(name) };
                return Err(SwapError::NumberReused { place, previous: shown(other) });
            }
        }
    }
    for (index, candidate) in new.candidates.iter().enumerate() {
        let former = previous.candidate(candidate.id).map(Candidate::name);
        if let Some(other) = former.filter(|&other| other != candidate.name()) {
            let place = Place::Candidate { index, name: shown(&candidate.name) };
            return Err(SwapError::NumberReused { place, previous: shown(other) });
        }
    }
    Ok(())
}

fn columns(columns: &[Column]) -> Result<(), PolicyError> {
    let mut previous = None;
    for column in columns {
        let place = || Place::Column { name: shown(&column.name) };
        name(&column.name, place)?;
        if previous == Some(&column.name) {
            return Err(PolicyError::new(place(), PolicyFault::Twice { what: "column" }));
        }
        previous = Some(&column.name);
    }
    Ok(())
}

fn quantities(quantities: &[QuantitySpec]) -> Result<(), PolicyError> {
    let mut previous = None;
    for quantity in quantities {
        let place = || Place::Quantity { name: shown(&quantity.name) };
        name(&quantity.name, place)?;
        if previous == Some(&quantity.name) {
            return Err(PolicyError::new(place(), PolicyFault::Twice { what: "quantity" }));
        }
        if quantity.per == 0 {
            return Err(PolicyError::new(place(), PolicyFault::PerZero));
        }
        if !fallbacks_end(quantity, quantities) {
            return Err(PolicyError::new(place(), PolicyFault::FallbackCycle));
        }
        let fallback = quantity.fallback.and_then(|index| quantities.get(index.as_usize()));
        if let Some(fallback) = fallback.map(|fallback| fallback.per).filter(|&per| per != quantity.per) {
            return Err(PolicyError::new(place(), PolicyFault::FallbackPer { seen: quantity.per, fallback }));
        }
        previous = Some(&quantity.name);
    }
    Ok(())
}

/// Whether following fallbacks from `quantity` ends: after as many steps as there are quantities, one came again.
fn fallbacks_end(quantity: &QuantitySpec, quantities: &[QuantitySpec]) -> bool {
    let next = |index: QuantityIndex| quantities.get(index.as_usize()).and_then(|next| next.fallback);
    let mut at = quantity.fallback;
    for _ in quantities {
        match at {
            Some(index) => at = next(index),
            None => return true,
        }
    }
    at.is_none()
}

fn gate(index: usize, gate: &GateSpec, parts: &Parts) -> Result<(), PolicyError> {
    let Some(column) = parts.columns.get(gate.column.as_usize()) else { return Ok(()) };
    let kind = column.kind;
    let fault = if !gate.relation.takes(kind) {
        PolicyFault::RelationMismatch { relation: gate.relation, kind }
    } else if let Some(other) = parts.gates.iter().take(index).position(|earlier| earlier == gate) {
        PolicyFault::GateTwice { other }
    } else {
        match gate.source {
            Source::Quantities(_) if !kind.is_numeric() => PolicyFault::FedNotNumeric { kind },
            Source::Quantities(mask) if mask.is_empty() => PolicyFault::FedByNothing,
            Source::Risk if kind != ColumnKind::Bps => PolicyFault::RiskNotBps { kind },
            _ => return Ok(()),
        }
    };
    Err(PolicyError::new(Place::Gate { index, column: shown(&column.name) }, fault))
}

fn candidate(policy: &Policy, index: usize, candidate: &Candidate) -> Result<(), PolicyError> {
    let place = || Place::Candidate { index, name: shown(&candidate.name) };
    name(&candidate.name, place)?;
    let columns = policy.schema.columns().iter().zip(&policy.members);
    for (at, (column, listing)) in (0_u8..).map(ColumnIndex).zip(columns) {
        if let Some(fault) = value_fault(at, column, listing, candidate) {
            let (name, column) = (shown(&candidate.name), shown(&column.name));
            return Err(PolicyError::new(Place::Value { index, name, column }, fault));
        }
    }
    match cards_fault(&candidate.cards, policy.schema.tier_by().is_empty()) {
        Some(fault) => Err(PolicyError::new(place(), fault)),
        None => Ok(()),
    }
}

fn value_fault(
    at: ColumnIndex,
    column: &Column,
    listing: &Listing,
    candidate: &Candidate,
) -> Option<PolicyFault> {
    let unlisted =
        |id: MemberId| (!listing.set().contains(id)).then_some(PolicyFault::MemberUnlisted { id: id.0 });
    match column.kind {
        ColumnKind::Bps => bps_fault(candidate.value(at)?),
        ColumnKind::Number => None,
        ColumnKind::Member => candidate.member(at).and_then(unlisted),
        ColumnKind::Set => candidate.set(at)?.iter().find_map(unlisted),
    }
}

/// Cards that are sorted by what they are above.
fn cards_fault(cards: &[Card], tierless: bool) -> Option<PolicyFault> {
    let base = cards.first()?;
    if cards.len() > CARDS_MAX {
        return Some(PolicyFault::TooMany { what: "cards", seen: cards.len(), max: CARDS_MAX });
    }
    if base.above != 0 {
        return Some(PolicyFault::BaseCardMissing { least: base.above });
    }
    let mut previous = base.above;
    for card in cards.iter().skip(1) {
        if card.above == previous {
            return Some(PolicyFault::CardTwice { above: card.above });
        }
        if tierless {
            return Some(PolicyFault::CardWithoutTier { above: card.above });
        }
        previous = card.above;
    }
    None
}

/// No number and no name stands for two candidates.
fn unique(policy: &Policy, listed: &[usize]) -> Result<(), PolicyError> {
    let place = |at: usize, candidate: &Candidate| Place::Candidate {
        index: listed.get(at).copied().unwrap_or(at),
        name: shown(&candidate.name),
    };
    for (at, pair) in (1_usize..).zip(policy.candidates.windows(2)) {
        if let [first, second] = pair
            && first.id == second.id
        {
            return Err(PolicyError::new(place(at, second), PolicyFault::IdTwice { id: second.id.0 }));
        }
    }
    for pair in policy.by_name.windows(2) {
        let [first, second] = *pair else { continue };
        let (Some(one), Some(other)) = (policy.candidates.get(first), policy.candidates.get(second)) else {
            continue;
        };
        if one.name == other.name {
            return Err(PolicyError::new(place(second, other), PolicyFault::NameTwice { other: one.id.0 }));
        }
    }
    Ok(())
}

fn utility(policy: &Policy, utility: &Utility) -> Result<(), PolicyError> {
    if policy.schema.merit().is_none() {
        return Err(PolicyError::new(Place::Field("utility"), PolicyFault::MeritMissing));
    }
    let mut previous = None;
    for one in &utility.weights {
        let Some(column) = policy.schema.column_at(one.column) else { continue };
        let fault = if previous == Some(one.column) {
            Some(PolicyFault::Twice { what: "weight" })
        } else {
            weight_fault(one, column.kind)
        };
        if let Some(fault) = fault {
            return Err(PolicyError::new(Place::Weight { column: shown(&column.name) }, fault));
        }
        previous = Some(one.column);
    }
    penalty(&policy.candidates, &utility.weights)
}

fn weight_fault(weight: &Weight, kind: ColumnKind) -> Option<PolicyFault> {
    match kind {
        ColumnKind::Bps => bps_fault(weight.unknown?),
        ColumnKind::Number => None,
        ColumnKind::Set | ColumnKind::Member => Some(PolicyFault::WeightNotNumeric { kind }),
    }
}

/// SEMANTICS 7.3: the largest sum that the weighted columns can reach is below 2⁹⁶.
fn penalty(candidates: &[Candidate], weights: &[Weight]) -> Result<(), PolicyError> {
    let sum = penalty_largest(candidates, weights);
    if sum <= PENALTY_MAX {
        return Ok(());
    }
    let bits = u128::BITS.saturating_sub(sum.leading_zeros());
    let fault = PolicyFault::PenaltyTooLarge { bits, max: PENALTY_BITS_MAX };
    Err(PolicyError::new(Place::Field("utility.weights"), fault))
}

/// Σ |weight| · (largest value of the column, or what unknown counts as).
fn penalty_largest(candidates: &[Candidate], weights: &[Weight]) -> u128 {
    let mut sum = 0_u128;
    for weight in weights {
        let known = candidates.iter().filter_map(|candidate| candidate.value(weight.column)).max();
        let largest = known.max(weight.unknown).unwrap_or(0);
        // Below 2¹²⁷ each. The sum of several may pass 2¹²⁸, where staying at the top is as much above the bound.
        let term = u128::from(weight.micros_per_unit.unsigned_abs()).saturating_mul(u128::from(largest));
        sum = sum.saturating_add(term);
    }
    sum
}

/// The largest value that a candidate can have in that numeric column while the policy stays valid: what the column's
/// kind allows and, where it is weighted, what the other weighted columns leave of SEMANTICS 7.3.
pub(super) fn value_max(policy: &Policy, of: ColumnIndex) -> u64 {
    let kind = policy.schema.column_at(of).map(Column::kind);
    let most = if kind == Some(ColumnKind::Bps) { u64::from(Bps::MAX.as_u16()) } else { u64::MAX };
    let weights = policy.utility.as_ref().map(Utility::weights).unwrap_or_default();
    let Some(weight) = weights.iter().find(|weight| weight.column == of) else { return most };
    let others: Vec<Weight> = weights.iter().filter(|weight| weight.column != of).copied().collect();
    let room = PENALTY_MAX.saturating_sub(penalty_largest(&policy.candidates, &others));
    match room.checked_div(u128::from(weight.micros_per_unit.unsigned_abs())) {
        // Rounded down: one more unit would pass the bound.
        Some(units) => u64::try_from(units).map_or(most, |units| units.min(most)),
        None => most,
    }
}

fn bps_fault(seen: u64) -> Option<PolicyFault> {
    (seen > u64::from(Bps::MAX.as_u16())).then_some(PolicyFault::BpsTooLarge { seen })
}

fn name(text: &str, place: impl Fn() -> Place) -> Result<(), PolicyError> {
    let fault = if text.is_empty() {
        PolicyFault::NameEmpty
    } else if text.len() > POLICY_NAME_BYTES_MAX {
        PolicyFault::NameTooLong { seen: text.len(), max: POLICY_NAME_BYTES_MAX }
    } else if text.chars().any(char::is_control) {
        PolicyFault::NameControl
    } else {
        return Ok(());
    };
    Err(PolicyError::new(place(), fault))
}

fn count(what: &'static str, seen: usize, max: usize, place: impl Fn() -> Place) -> Result<(), PolicyError> {
    if seen <= max {
        return Ok(());
    }
    Err(PolicyError::new(place(), PolicyFault::TooMany { what, seen, max }))
}

/// The largest sum of weighted columns: one below the power of two.
const PENALTY_MAX: u128 = (1 << PENALTY_BITS_MAX) - 1;
const MEMBER_ID_MAX: u16 = 511;
const _: () = assert!(MEMBERS_MAX == 512, "the largest number of a member is one below");
