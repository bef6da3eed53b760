//! The candidate's values: which columns matter, and which values make it win.

use alloc::vec::Vec;

use super::{case::Case, search, winning::Winning};
use crate::{
    kernel::gates::Demanded,
    policy::{ColumnIndex, MemberSet, Relation, Utility, Weight},
};

/// How a candidate's place in the order depends on its value in a column, all else as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Slope {
    /// A higher value is never worse.
    Rising,
    /// A lower value is never worse.
    Falling,
    /// Merit lifts and a weight lowers: floors make steps of both, so that every value is its own case.
    Mixed,
}

/// The columns that a demanded gate compares, or that the merit or a weight reads, in the schema's order.
pub(super) fn used(case: &Case<'_>) -> Vec<ColumnIndex> {
    let columns = (0_u8..).map(ColumnIndex).zip(case.policy.schema().columns()).map(|(column, _)| column);
    let reads = |column: ColumnIndex| {
        case.question.gates().any(|gate| gate.column == column)
            || case.policy.schema().merit() == Some(column)
            || weight(case, column).is_some()
    };
    columns.filter(|&column| reads(column)).collect()
}

/// The numbers in a `bps` or `number` column with which the candidate wins.
pub(super) fn numbers(case: &Case<'_>, column: ColumnIndex) -> Winning {
    let Some((from, to)) = passing(case, column) else { return Winning::nowhere() };
    let mut changed = case.candidate.clone();
    let mut wins = |value| {
        changed.put_value(column, value);
        case.wins_as(&changed)
    };
    let interval = match slope(case, column) {
        Slope::Rising => search::first(from, to, wins).map(|first| (first, to)),
        Slope::Falling => search::last(from, to, wins).map(|last| (from, last)),
        Slope::Mixed => {
            let mut winning = Winning::nowhere();
            for value in (from..=to).filter(|&value| wins(value)) {
                winning.push(value.into(), value.into());
            }
            return winning;
        }
    };
    interval.map_or(Winning::nowhere(), |(from, to)| Winning::interval(from.into(), to.into()))
}

/// The set with which the candidate wins: its own, with the fewest members added, of equals the least numbered.
pub(super) fn set(case: &Case<'_>, column: ColumnIndex) -> Option<MemberSet> {
    let mut changed = case.candidate.clone();
    let mut set = changed.set(column).copied().unwrap_or(MemberSet::EMPTY);
    for (relation, demand) in sets_demanded(case, column) {
        if relation == Relation::HasAll {
            set = set.union(demand);
        }
    }
    for (relation, demand) in sets_demanded(case, column) {
        if relation == Relation::HasAny && !set.intersects(demand) {
            set.insert(demand.iter().next()?).ok()?;
        }
    }
    changed.put_set(column, set);
    case.wins_as(&changed).then_some(set)
}

/// The member with which the candidate wins, of several the least numbered.
pub(super) fn member(case: &Case<'_>, column: ColumnIndex) -> Option<crate::policy::MemberId> {
    let demands = sets_demanded(case, column).map(|(_, demand)| *demand);
    let member = demands.reduce(|both, demand| both.intersection(&demand))?.iter().next()?;
    let mut changed = case.candidate.clone();
    changed.put_member(column, member);
    case.wins_as(&changed).then_some(member)
}

/// The least and the largest number that pass every gate on the column and leave the policy valid.
fn passing(case: &Case<'_>, column: ColumnIndex) -> Option<(u64, u64)> {
    let (mut from, mut to) = (0, case.policy.value_max(column));
    for gate in case.question.gates().filter(|gate| gate.column == column) {
        match (gate.relation, gate.demand) {
            (Relation::AtLeast | Relation::Fits, Demanded::Number(demand)) => from = from.max(demand),
            (Relation::AtMost, Demanded::Number(demand)) => to = to.min(demand),
            (Relation::AtMost, Demanded::Beyond) => {}
            _ => return None,
        }
    }
    // Where the demands leave nothing between them, the first is above the last.
    Some((from, to))
}

fn slope(case: &Case<'_>, column: ColumnIndex) -> Slope {
    let weight = weight(case, column).map_or(0, |weight| weight.micros_per_unit());
    match (case.policy.schema().merit() == Some(column), weight) {
        (_, ..0) | (true, 0) => Slope::Rising,
        (false, 0..) => Slope::Falling,
        (true, 1..) => Slope::Mixed,
    }
}

fn weight<'a>(case: &Case<'a>, column: ColumnIndex) -> Option<&'a Weight> {
    let weights = case.policy.utility().map(Utility::weights).unwrap_or_default();
    weights.iter().find(|weight| weight.column() == column)
}

fn sets_demanded<'c>(
    case: &'c Case<'_>,
    column: ColumnIndex,
) -> impl Iterator<Item = (Relation, &'c MemberSet)> {
    case.question.gates().filter(move |gate| gate.column == column).filter_map(|gate| match gate.demand {
        Demanded::Set(demand) => Some((gate.relation, demand)),
        Demanded::Number(_) | Demanded::Beyond => None,
    })
}
