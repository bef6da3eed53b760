//! Policies and requests for both sides at once: the draft that the crate freezes and the model's structs.
//!
//! Domains are small, so that values tie and thresholds are met exactly, and hold the edges on purpose.

use std::collections::BTreeSet;

use assize::num::MicroUnits;
use assize::policy::{
    CandidateDraft, CardDraft, ColumnDraft, ColumnKind, Draft, GateDraft, LimitsDraft, MemberDraft,
    MembersDraft, QuantityDraft, SchemaDraft, SourceDraft, Substitution, UtilityDraft, ValueDraft,
    WeightDraft,
};

use super::{
    Candidate, Card, Demand, Gate, Policy, Quantity, Relation, Request, Source, Utility, Value, Weight,
    tape::Tape,
};

/// One policy on both sides, with the names that tie them together. Columns, quantities and members of the model
/// have numbers of their own, unrelated to the order of the names.
#[derive(Clone, Debug)]
pub struct World {
    pub draft: Draft,
    pub model: Policy,
    pub columns: Vec<Column>,
    pub quantities: Vec<String>,
    /// A request that meets the margin.
    pub sample: Option<Request>,
}

#[derive(Clone, Debug)]
pub struct Column {
    pub name: String,
    pub kind: ColumnKind,
    /// What its numbers are drawn from.
    pub domain: Vec<u64>,
    pub members: Vec<u16>,
}

pub fn member_name(member: u16) -> String {
    format!("member {member}")
}

/// A policy that freezes.
pub fn world(tape: &mut Tape<'_>) -> World {
    let columns = columns(tape);
    let (quantities, quantity_names) = quantities(tape);
    let gates = gates(tape, &columns, quantities.len());
    let merit = (!tape.once_in(5)).then_some(MERIT);
    let all: Vec<usize> = (0..quantities.len()).collect();
    let tier_by = tape.subset(&all);
    let utility = if merit.is_some() && !tape.once_in(3) { Some(utility(tape, &columns)) } else { None };
    let cards_max = if tier_by.is_empty() { 1 } else { 4 };
    let candidates = candidates(tape, &columns, &quantities, cards_max);
    let substitution = match tape.below(8) {
        0 => super::Substitution::Best,
        1 => super::Substitution::IfIneligible,
        2 => super::Substitution::Never,
        _ => super::Substitution::Margin(tape.pick(&[1, 2, 0, 3, 10, 1 << 40, u64::MAX])),
    };
    let model = Policy {
        gates,
        quantities,
        tier_by,
        merit,
        risk_hard_limit: tape.once_in(5).then(|| tape.pick(&[10_000, 9_999, 5_000, 5_000, 0])),
        confidence_minimum: tape.once_in(5).then(|| tape.pick(&[1, 0, 5_000, 5_000, 9_999, 10_000])),
        utility,
        substitution,
        candidates,
    };
    let draft = Draft::new("generated policy", 7, SchemaDraft::default());
    let mut world = World { draft, model, columns, quantities: quantity_names, sample: None };
    if matches!(substitution, super::Substitution::Margin(_)) && tape.once_in(2) {
        meet_margin(tape, &mut world);
    }
    world.draft = draft_of(tape, &world);
    world
}

/// Sets the margin to the lead over a requested candidate, or to one less: the sample request meets it.
fn meet_margin(tape: &mut Tape<'_>, world: &mut World) {
    let mut sample = request(tape, world);
    let verdict = world.model.decide(&sample, &BTreeSet::new());
    let [first, others @ ..] = verdict.order.as_slice() else { return };
    if others.is_empty() {
        return;
    }
    let requested = &others[tape.below(others.len())];
    let lead = super::better_by(first, requested) - tape.pick(&[0, 1]);
    sample.requested = Some(requested.id);
    world.model.substitution = super::Substitution::Margin(u64::try_from(lead.max(0)).unwrap());
    world.sample = Some(sample);
}

/// A request that is well formed under that policy.
pub fn request(tape: &mut Tape<'_>, world: &World) -> Request {
    let model = &world.model;
    let utility = model.utility.as_ref();
    let uses_risk = model.risk_hard_limit.is_some() || utility.is_some_and(|utility| utility.multiplier > 0);
    let uses_confidence = model.confidence_minimum.is_some() || utility.is_some();
    let mut request = Request::default();
    if utility.is_some() || tape.once_in(2) {
        request.value = Some(tape.pick(&VALUES));
    }
    if uses_confidence || tape.once_in(2) {
        request.confidence = Some(tape.pick(&[10_000, 9_999, 5_000, 5_001, 10_000, 7_777, 1, 0]));
    }
    if uses_risk || tape.once_in(2) {
        request.risk = Some(tape.pick(&[0, 0, 0, 1, 3, 4_999, 5_000, 9_999, 10_000, 1, 0, 2]));
    }
    request.requested = match tape.below(8) {
        0 | 1 => None,
        7 => Some(987_654_321),
        _ => Some(model.candidates[tape.below(model.candidates.len())].id),
    };
    request.quantities = model
        .quantities
        .iter()
        .map(|_| match tape.below(24) {
            22 if tape.once_in(3) => u64::MAX,
            23 => 1 << 32,
            choice => [0, 1, 2, 3, 4, 10, 11, 1_000][choice % 8],
        })
        .collect();
    request.demands = (0..model.gates.len()).map(|gate| demand(tape, world, &model.gates[gate])).collect();
    // A request holds at most so many sets.
    let mut sets = 0;
    for demand in &mut request.demands {
        sets += usize::from(matches!(demand, Some(Demand::Set(_))));
        if sets > assize::limits::REQUEST_SETS_MAX {
            *demand = None;
        }
    }
    let excluded = if tape.once_in(3) { tape.pick(&[1, 2, 3, 16]) } else { 0 };
    for place in 0..excluded {
        let known = model.candidates[tape.below(model.candidates.len())].id;
        let id = if excluded == 16 && place > 2 { 77_000_000 + place } else { known };
        if !request.excluded.contains(&id) {
            request.excluded.push(id);
        }
    }
    request.cost_limit = cost_limit(tape, model, &request);
    request
}

/// The candidates that the host has disabled, some of them unknown to the catalog.
pub fn host_disabled(tape: &mut Tape<'_>, world: &World) -> BTreeSet<u32> {
    if !tape.once_in(3) {
        return BTreeSet::new();
    }
    let mut disabled: BTreeSet<u32> =
        world.model.candidates.iter().map(|candidate| candidate.id).filter(|_| tape.once_in(4)).collect();
    if tape.once_in(4) {
        disabled.insert(987_654_321);
    }
    disabled
}

fn columns(tape: &mut Tape<'_>) -> Vec<Column> {
    let count = tape.between(1, 7);
    let mut letters: Vec<char> = ('a'..='g').collect();
    tape.shuffle(&mut letters);
    (0..count)
        .map(|column| {
            let kind = if column == MERIT { ColumnKind::Bps } else { tape.pick(&KINDS) };
            let domain = match (kind, tape.below(4)) {
                (ColumnKind::Bps, 0) => vec![0, 1, 2, 3],
                (ColumnKind::Bps, _) => vec![10_000, 9_999, 5_000, 5_001, 7_777, 1, 0],
                (_, 0 | 1) => vec![0, 1, 2, 3, 4],
                (_, 2) => vec![0, 1, 1_000, 1_001, u64::MAX],
                _ => vec![0, u64::MAX, u64::MAX - 1, 1 << 63, i64::MAX as u64, 1],
            };
            let mut members = MEMBERS.to_vec();
            tape.shuffle(&mut members);
            members.truncate(tape.between(1, MEMBERS.len()));
            let members = if kind.is_numeric() { vec![] } else { members };
            Column { name: format!("{} column", letters[column]), kind, domain, members }
        })
        .collect()
}

fn quantities(tape: &mut Tape<'_>) -> (Vec<Quantity>, Vec<String>) {
    let count = tape.pick(&[2, 3, 1, 0, 4, 8]);
    let mut letters: Vec<char> = ('a'..='h').collect();
    tape.shuffle(&mut letters);
    let mut quantities: Vec<Quantity> = vec![];
    for quantity in 0..count {
        // To an earlier one, so that there is no cycle; a fallback has the same `per`.
        let fallback = (quantity > 0 && !tape.once_in(3)).then(|| tape.below(quantity));
        let own = tape.pick(&[1, 3, 1, 1_000, 1_000_000, u64::MAX]);
        quantities.push(Quantity { per: fallback.map_or(own, |to| quantities[to].per), fallback });
    }
    (quantities, (0..count).map(|quantity| format!("{} quantity", letters[quantity])).collect())
}

fn gates(tape: &mut Tape<'_>, columns: &[Column], quantities: usize) -> Vec<Gate> {
    let mut gates: Vec<Gate> = vec![];
    let all: Vec<usize> = (0..quantities).collect();
    for _ in 0..tape.pick(&[3, 0, 1, 2, 2, 1, 5, 16]) {
        let column = tape.below(columns.len());
        let relation = match columns[column].kind {
            ColumnKind::Bps | ColumnKind::Number => {
                tape.pick(&[Relation::AtLeast, Relation::AtMost, Relation::Fits])
            }
            ColumnKind::Set => tape.pick(&[Relation::HasAll, Relation::HasAny]),
            ColumnKind::Member => Relation::OneOf,
        };
        let source = match (columns[column].kind, tape.below(8)) {
            (ColumnKind::Bps, 6) => Source::Risk,
            (ColumnKind::Bps | ColumnKind::Number, 7) if quantities > 0 => {
                let mut fed_by = tape.subset(&all);
                if fed_by.is_empty() {
                    fed_by.push(tape.below(quantities));
                }
                Source::Quantities(fed_by)
            }
            _ => Source::Request,
        };
        let new = |gate: &Gate| gate.column != column || gate.relation != relation || gate.source != source;
        if gates.iter().all(new) {
            gates.push(Gate { column, relation, source });
        }
    }
    gates
}

fn utility(tape: &mut Tape<'_>, columns: &[Column]) -> Utility {
    let mut weights = vec![];
    for (column, of) in columns.iter().enumerate() {
        if !of.kind.is_numeric() || !tape.once_in(2) {
            continue;
        }
        // The sum of products stays below 2⁹⁶: large weights for small columns only.
        let small = of.domain.iter().all(|&value| value <= 10_000);
        let weight = if small {
            tape.pick(&[1, -1, 0, 2, 1, 1_000, -1_000, i64::MAX, i64::MIN])
        } else {
            tape.pick(&[1, -1, 0, 2, -2])
        };
        weights.push(Weight { column, weight, unknown: tape.once_in(2).then(|| tape.pick(&of.domain)) });
    }
    Utility {
        multiplier: tape.pick(&[0, 10_000, 1, 5_000, 0, 50_000, u32::MAX]),
        merit_unknown: (!tape.once_in(3)).then(|| tape.pick(&[5_000, 0, 1, 10_000])),
        weights,
    }
}

fn candidates(
    tape: &mut Tape<'_>,
    columns: &[Column],
    quantities: &[Quantity],
    cards_max: usize,
) -> Vec<Candidate> {
    let mut ids = vec![0, 1, 2, 3, 7, 8, 300, 65_536, u32::MAX, u32::MAX - 1, 1 << 31, 40, 41, 42, 43, 44];
    tape.shuffle(&mut ids);
    ids.truncate(tape.pick(&[5, 3, 1, 2, 4, 8, 12, 16]));
    // Many candidates of a policy are alike, so that order is decided late.
    let alike = tape.once_in(3);
    let mut candidates: Vec<Candidate> = vec![];
    for id in ids {
        let base = candidates.first().filter(|_| alike && !tape.once_in(3)).cloned();
        let mut candidate = base.unwrap_or_else(|| candidate(tape, columns, quantities, cards_max));
        // Merits that differ by less than what a small value is divided by leave utility and cost the same.
        if alike && tape.once_in(2) {
            candidate.values[MERIT] = value(tape, &columns[MERIT], 8);
        }
        candidate.id = id;
        candidate.enabled = !tape.once_in(8);
        candidates.push(candidate);
    }
    candidates
}

fn candidate(
    tape: &mut Tape<'_>,
    columns: &[Column],
    quantities: &[Quantity],
    cards_max: usize,
) -> Candidate {
    let values = columns
        .iter()
        .enumerate()
        .map(|(place, column)| value(tape, column, if place == MERIT { 4 } else { 10 }))
        .collect();
    let mut thresholds = vec![1, 2, 3, 10, 1_000, u64::MAX];
    tape.shuffle(&mut thresholds);
    let cards = if tape.once_in(24) { 0 } else { tape.between(1, cards_max) };
    let mut above: Vec<u64> = thresholds.into_iter().take(cards.saturating_sub(1)).collect();
    above.push(0);
    above.sort_unstable();
    let card = |above, tape: &mut Tape<'_>| Card {
        above,
        rates: quantities.iter().map(|quantity| rate(tape, quantity)).collect(),
    };
    Candidate {
        id: 0,
        enabled: true,
        flat_fee: match tape.below(32) {
            0..16 => 0,
            31 => u64::MAX,
            choice => [1, 2, 5][choice % 3],
        },
        values,
        cards: if cards == 0 { vec![] } else { above.into_iter().map(|above| card(above, tape)).collect() },
    }
}

fn value(tape: &mut Tape<'_>, column: &Column, unknown_once_in: usize) -> Option<Value> {
    if tape.once_in(unknown_once_in) {
        return None;
    }
    Some(match column.kind {
        ColumnKind::Bps | ColumnKind::Number => Value::Number(tape.pick(&column.domain)),
        ColumnKind::Set => Value::Set(tape.subset(&column.members).into_iter().collect()),
        ColumnKind::Member => Value::Member(tape.pick(&column.members)),
    })
}

fn rate(tape: &mut Tape<'_>, quantity: &Quantity) -> Option<u64> {
    if tape.once_in(if quantity.fallback.is_some() { 2 } else { 16 }) {
        return None;
    }
    match tape.below(40) {
        39 => Some(u64::MAX),
        choice => Some([1, 2, 3, 0, 333_333, 500_000, 1_000_001][choice % 7]),
    }
}

fn demand(tape: &mut Tape<'_>, world: &World, gate: &Gate) -> Option<Demand> {
    let column = &world.columns[gate.column];
    let often = if world.model.gates.len() > 4 { 8 } else { 3 };
    if gate.source != Source::Request || !tape.once_in(often) {
        return None;
    }
    Some(match column.kind {
        ColumnKind::Bps | ColumnKind::Number => Demand::Number(tape.pick(&column.domain)),
        ColumnKind::Set | ColumnKind::Member => {
            let mut members = tape.subset(&column.members);
            if gate.relation == Relation::HasAll {
                members.truncate(tape.between(0, 2));
            }
            Demand::Set(members.into_iter().collect())
        }
    })
}

/// None, small, or what some candidate costs, one less and one more.
fn cost_limit(tape: &mut Tape<'_>, model: &Policy, request: &Request) -> Option<u64> {
    let cost = model.cost(&model.candidates[tape.below(model.candidates.len())], request).unwrap_or(7);
    match tape.below(8) {
        0..4 => None,
        4 => Some(cost),
        5 => Some(cost.saturating_sub(1)),
        6 => Some(cost.saturating_add(1)),
        _ => Some(tape.pick(&[0, 1, u64::MAX, i64::MAX as u64, 1_000])),
    }
}

/// The same policy as a document says it: with names, and every list whose order means nothing in some order.
pub fn draft_of(tape: &mut Tape<'_>, world: &World) -> Draft {
    let World { model, columns, quantities, .. } = world;
    let names = |of: &[usize]| of.iter().map(|&quantity| quantities[quantity].clone()).collect::<Vec<_>>();
    let mut schema = SchemaDraft {
        name: "generated".into(),
        columns: columns.iter().map(|of| ColumnDraft { name: of.name.clone(), kind: of.kind }).collect(),
        gates: model
            .gates
            .iter()
            .map(|gate| GateDraft {
                column: columns[gate.column].name.clone(),
                relation: relation(gate.relation),
                source: match &gate.source {
                    Source::Request => SourceDraft::Request,
                    Source::Quantities(of) => SourceDraft::Quantities(names(of)),
                    Source::Risk => SourceDraft::Risk,
                },
            })
            .collect(),
        quantities: model
            .quantities
            .iter()
            .zip(quantities)
            .map(|(quantity, name)| QuantityDraft {
                name: name.clone(),
                per: quantity.per,
                fallback: quantity.fallback.map(|to| quantities[to].clone()),
            })
            .collect(),
        tier_by: names(&model.tier_by),
        merit: model.merit.map(|column| columns[column].name.clone()),
    };
    tape.shuffle(&mut schema.columns);
    tape.shuffle(&mut schema.quantities);
    let mut draft = Draft::new("generated policy", 7, schema);
    draft.limits = LimitsDraft {
        risk_hard_bps: model.risk_hard_limit.map(|limit| limit as u16),
        confidence_min_bps: model.confidence_minimum.map(|minimum| minimum as u16),
    };
    draft.utility = model.utility.as_ref().map(|utility| UtilityDraft {
        risk_multiplier_bps: utility.multiplier,
        merit_unknown_bps: utility.merit_unknown.map(|merit| merit as u16),
        weights: utility
            .weights
            .iter()
            .map(|weight| WeightDraft {
                column: columns[weight.column].name.clone(),
                micros_per_unit: weight.weight,
                unknown: weight.unknown,
            })
            .collect(),
    });
    draft.substitution = match model.substitution {
        super::Substitution::Best => Substitution::Best,
        super::Substitution::Margin(micros) => Substitution::Margin(MicroUnits(micros)),
        super::Substitution::IfIneligible => Substitution::IfIneligible,
        super::Substitution::Never => Substitution::Never,
    };
    draft.members = columns
        .iter()
        .filter(|column| !column.members.is_empty())
        .map(|column| MembersDraft {
            column: column.name.clone(),
            members: column.members.iter().map(|&id| MemberDraft { id, name: member_name(id) }).collect(),
        })
        .collect();
    draft.candidates =
        model.candidates.iter().map(|candidate| candidate_draft(candidate, columns, quantities)).collect();
    draft
}

fn candidate_draft(candidate: &Candidate, columns: &[Column], quantities: &[String]) -> CandidateDraft {
    let mut draft = CandidateDraft::new(candidate.id, &format!("candidate {}", candidate.id));
    draft.enabled = candidate.enabled;
    draft.flat_fee_micros = candidate.flat_fee;
    for (column, value) in columns.iter().zip(&candidate.values) {
        let value = match value {
            None => continue,
            Some(Value::Number(number)) => ValueDraft::Number(*number),
            Some(Value::Member(member)) => ValueDraft::Member(member_name(*member)),
            Some(Value::Set(set)) => ValueDraft::Set(set.iter().map(|&member| member_name(member)).collect()),
        };
        draft.values.push((column.name.clone(), value));
    }
    draft.cards = candidate
        .cards
        .iter()
        .map(|card| CardDraft {
            above: card.above,
            rates: quantities
                .iter()
                .zip(&card.rates)
                .filter_map(|(name, rate)| rate.map(|rate| (name.clone(), rate)))
                .collect(),
        })
        .collect();
    draft
}

pub fn relation(relation: Relation) -> assize::policy::Relation {
    match relation {
        Relation::AtLeast => assize::policy::Relation::AtLeast,
        Relation::AtMost => assize::policy::Relation::AtMost,
        Relation::Fits => assize::policy::Relation::Fits,
        Relation::HasAll => assize::policy::Relation::HasAll,
        Relation::HasAny => assize::policy::Relation::HasAny,
        Relation::OneOf => assize::policy::Relation::OneOf,
    }
}

/// The column that may be the merit.
const MERIT: usize = 0;

const KINDS: [ColumnKind; 4] = [ColumnKind::Number, ColumnKind::Bps, ColumnKind::Set, ColumnKind::Member];

const MEMBERS: [u16; 9] = [0, 1, 63, 64, 255, 256, 300, 510, 511];

/// Mostly small, so that floors matter and utilities tie.
const VALUES: [i64; 12] = [20, 3, 40, 7, 1_000_000, 500, 1_000_000_000, i64::MAX, 1, 0, -5, i64::MIN];
