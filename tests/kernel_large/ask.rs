//! Requests for drawn catalogs: broad ones, narrow ones, extreme ones, and ones that follow from an answer.

use std::collections::BTreeSet;

use assize::{limits::EXCLUDED_MAX, policy::ColumnKind};

use crate::oracle::{
    Demand, Gate, Policy, Relation, Request, Source, Substitution, Value, Verdict, better_by,
    generate::{Column, World},
    tape::Tape,
};

/// A request that is well formed under that policy.
pub fn request(tape: &mut Tape<'_>, world: &World) -> Request {
    let model = &world.model;
    // How much is demanded: nothing, a little, everything.
    let demanding = tape.pick(&[0, 1, 2, 2, 5]);
    let mut request = Request {
        value: Some(tape.pick(&VALUES)),
        confidence: Some(tape.pick(&[10_000, 10_000, 9_999, 7_777, 5_000, 1_000, 999])),
        risk: Some(tape.pick(&[0, 0, 1, 3, 2_500, 8_999, 9_000])),
        requested: match tape.below(6) {
            0 | 1 => None,
            2 => Some(0xFFFF_FFF1),
            _ => Some(model.candidates[tape.below(model.candidates.len())].id),
        },
        quantities: quantities(tape, model.quantities.len()),
        ..Request::default()
    };
    let chance = model.gates.len();
    request.demands = model
        .gates
        .iter()
        .map(|gate| if tape.below(chance) < demanding { demand(tape, world, gate) } else { None })
        .collect();
    if tape.once_in(4) {
        let some = (0..tape.pick(&[1, 4, EXCLUDED_MAX])).map(|_| tape.below(model.candidates.len()));
        let some: BTreeSet<u32> = some.map(|place| model.candidates[place].id).collect();
        request.excluded = some.into_iter().collect();
    }
    request.cost_limit = cost_limit(tape, model, &request);
    request
}

/// The same request when those that the answer puts first are excluded, or when it asks for one behind them.
pub fn follow(tape: &mut Tape<'_>, request: &Request, verdict: &Verdict) -> Request {
    let mut next = request.clone();
    if tape.once_in(2) {
        for one in verdict.order.iter().take(3) {
            if next.excluded.len() < EXCLUDED_MAX && !next.excluded.contains(&one.id) {
                next.excluded.push(one.id);
            }
        }
    } else if !verdict.order.is_empty() {
        let behind = tape.pick(&[1, 2, 5, 40, 900]) % verdict.order.len();
        next.requested = Some(verdict.order[behind].id);
        // Exactly what it costs is within the limit.
        if tape.once_in(3) {
            next.cost_limit = Some(verdict.order[behind].cost);
        }
    }
    next
}

/// Sets the margin to what that answer puts between the first and one behind it, or to one less; the request then asks
/// for that one.
pub fn meet_margin(tape: &mut Tape<'_>, world: &mut World, request: &mut Request, verdict: &Verdict) {
    let [first, behind @ ..] = verdict.order.as_slice() else { return };
    if let (Substitution::Margin(_), false) = (world.model.substitution, behind.is_empty()) {
        let wanted = &behind[tape.pick(&[0, 1, 30]) % behind.len()];
        let lead = better_by(first, wanted) - tape.pick(&[0, 1]);
        world.model.substitution = Substitution::Margin(u64::try_from(lead.max(0)).unwrap());
        request.requested = Some(wanted.id);
    }
}

/// Some of the catalog, most of it, or the first of an answer.
pub fn host_disabled(tape: &mut Tape<'_>, world: &World, verdict: Option<&Verdict>) -> BTreeSet<u32> {
    let of = match tape.below(5) {
        0 => 3,
        1 => 30,
        2 => return verdict.iter().flat_map(|of| &of.order).take(2).map(|one| one.id).collect(),
        _ => return BTreeSet::new(),
    };
    world.model.candidates.iter().map(|candidate| candidate.id).filter(|_| tape.once_in(of)).collect()
}

fn quantities(tape: &mut Tape<'_>, count: usize) -> Vec<u64> {
    if tape.once_in(8) {
        return (0..count).map(|_| tape.pick(&[u64::MAX, 1 << 40, 1 << 62, 0, 1])).collect();
    }
    (0..count).map(|_| tape.pick(&[0, 1, 3, 11, 500, 1_000, 4_000, 100_000])).collect()
}

fn demand(tape: &mut Tape<'_>, world: &World, gate: &Gate) -> Option<Demand> {
    if gate.source != Source::Request {
        return None;
    }
    let column = &world.columns[gate.column];
    Some(match column.kind {
        ColumnKind::Bps | ColumnKind::Number => Demand::Number(number(tape, column, gate.relation)),
        ColumnKind::Set if gate.relation == Relation::HasAll => {
            Demand::Set((0..tape.pick(&[1, 2, 0, 3])).map(|_| tape.pick(&column.members)).collect())
        }
        ColumnKind::Set => {
            Demand::Set((0..tape.pick(&[1, 3, 90])).map(|_| tape.pick(&column.members)).collect())
        }
        ColumnKind::Member => {
            Demand::Set((0..tape.pick(&[1, 5, 200])).map(|_| tape.pick(&column.members)).collect())
        }
    })
}

/// One of the column's numbers or next to one, mostly such that many pass.
fn number(tape: &mut Tape<'_>, column: &Column, relation: Relation) -> u64 {
    let len = column.domain.len();
    let (low, high) = (tape.below(len.div_ceil(3)), len - 1 - tape.below(len.div_ceil(3)));
    let domain_rises = column.domain.first() <= column.domain.last();
    let at = match (tape.once_in(5), (relation == Relation::AtMost) == domain_rises) {
        (true, _) => tape.below(len),
        (false, true) => high,
        (false, false) => low,
    };
    let number = column.domain[at];
    let number = match tape.below(4) {
        0 => number.saturating_add(1),
        1 => number.saturating_sub(1),
        _ => number,
    };
    if column.kind == ColumnKind::Bps { number.min(10_000) } else { number }
}

/// None, what some candidate costs (often the least of a few), one less, one more, or an edge.
fn cost_limit(tape: &mut Tape<'_>, model: &Policy, request: &Request) -> Option<u64> {
    let some = |tape: &mut Tape<'_>| {
        model.cost(&model.candidates[tape.below(model.candidates.len())], request).unwrap_or(u64::MAX)
    };
    match tape.below(10) {
        0..5 => None,
        5 => Some(some(tape)),
        6 => Some(some(tape).saturating_sub(1)),
        7 => (0..12).map(|_| some(tape)).min(),
        8 => (0..40).map(|_| some(tape)).min().map(|cost| cost.saturating_add(1)),
        _ => Some(tape.pick(&[0, u64::MAX, u64::MAX - 1, 1])),
    }
}

/// Whether a candidate has no value that a demanded gate could compare.
pub fn is_unknown(candidate: &crate::oracle::Candidate, gate: &Gate) -> bool {
    !matches!(candidate.values[gate.column], Some(Value::Number(_) | Value::Set(_) | Value::Member(_)))
}

const VALUES: [i64; 10] = [1_000_000, 40, 3_000, 100_000, 10_000_000, 1 << 50, i64::MAX, 1_000_000, 0, -5];
