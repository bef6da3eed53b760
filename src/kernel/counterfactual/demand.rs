//! The request's levers: a limit or a demand that moves lets candidates in one after another, this one among them.

use alloc::vec::Vec;

use super::{
    case::{Case, eligible, is_selected},
    winning::Winning,
};
use crate::{
    kernel::{
        Demand, RequestError,
        order::{Contender, Standings},
        question::Question,
    },
    num::{Bps, MicroUnits},
    policy::{ColumnKind, GateSpec, MemberSet, Relation},
};

/// The places of a numeric demand, tightening or loosening by one at a step; no demand is one step beyond the loosest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Axis {
    /// `at_least` and `fits`: none, 0, 1 and so on to the largest demand.
    NoneBelow {
        /// The largest number that can be demanded.
        max: u64,
    },
    /// `at_most`: 0, 1 and so on to the largest demand, none.
    NoneAbove {
        /// The largest number that can be demanded.
        max: u64,
    },
}

impl Axis {
    /// The axis of a gate with numbers.
    pub(super) fn of(case: &Case<'_>, gate: &GateSpec) -> Self {
        let kind = case.policy.schema().column_at(gate.column()).map(|column| column.kind());
        let max = if kind == Some(ColumnKind::Bps) { u64::from(Bps::MAX.as_u16()) } else { u64::MAX };
        match gate.relation() {
            Relation::AtMost => Self::NoneAbove { max },
            _ => Self::NoneBelow { max },
        }
    }

    /// Where that demand is.
    pub(super) fn place(self, demand: Option<u64>) -> u128 {
        match (self, demand) {
            (Self::NoneBelow { .. }, None) => 0,
            (Self::NoneBelow { .. }, Some(demand)) => u128::from(demand).saturating_add(1),
            (Self::NoneAbove { .. }, Some(demand)) => demand.into(),
            (Self::NoneAbove { .. }, None) => self.end(),
        }
    }

    /// The demand that is there.
    pub(super) fn demand(self, place: u128) -> Option<u64> {
        match self {
            Self::NoneBelow { .. } => u64::try_from(place.checked_sub(1)?).ok(),
            Self::NoneAbove { max } => u64::try_from(place).ok().filter(|&demand| demand <= max),
        }
    }

    /// The last place.
    pub(super) fn end(self) -> u128 {
        let (Self::NoneBelow { max } | Self::NoneAbove { max }) = self;
        u128::from(max).saturating_add(1)
    }

    /// How loose the demand has to be, 0 being the tightest, for that value to pass it.
    fn looseness(self, value: Option<u64>) -> u128 {
        match (self, value) {
            (_, None) => self.end(),
            (Self::NoneBelow { max }, Some(value)) => max.saturating_sub(value).into(),
            (Self::NoneAbove { .. }, Some(value)) => value.into(),
        }
    }
}

/// The cost limits with which the candidate wins.
pub(super) fn limits(case: &Case<'_>) -> Result<Winning, RequestError> {
    let mut request = case.request.clone();
    request.cost_limit(MicroUnits(u64::MAX));
    let question = Question::new(case.policy, case.disabled, &request)?;
    let entrants = eligible(&question).map(|(_, contender)| (u128::from(contender.cost.0), contender));
    Ok(let_in(case, &question, entrants.collect(), u64::MAX.into()))
}

/// The places on the gate's axis at which the candidate wins.
pub(super) fn numbers(case: &Case<'_>, index: usize, gate: &GateSpec) -> Result<Winning, RequestError> {
    let axis = Axis::of(case, gate);
    let request = case.request.without_demand(index)?;
    let question = Question::new(case.policy, case.disabled, &request)?;
    let entrants = eligible(&question).map(|(place, contender)| {
        let candidate = case.policy.candidates().get(place);
        (axis.looseness(candidate.and_then(|candidate| candidate.value(gate.column()))), contender)
    });
    let winning = let_in(case, &question, entrants.collect(), axis.end());
    Ok(match axis {
        Axis::NoneBelow { .. } => winning.mirrored(axis.end()),
        Axis::NoneAbove { .. } => winning,
    })
}

/// The demand with which the candidate wins: the set demanded with the fewest members taken out, else none at all.
///
/// Fewer rivals are never worse (SEMANTICS 15.4). So a demand that the candidate fails is loosened no more than it
/// has to be, and one that it passes can only be made to turn its rivals away.
pub(super) fn set(
    case: &Case<'_>,
    index: usize,
    gate: &GateSpec,
) -> Result<Option<Option<MemberSet>>, RequestError> {
    let Some(Demand::Set(demand)) = case.request.demand_of(index) else { return Ok(None) };
    if let Some(kept) = kept(case, gate, demand) {
        let request = case.request.with_set(index, &kept)?;
        if wins_anew(case, &request)? {
            return Ok(Some(Some(kept)));
        }
    }
    let request = case.request.without_demand(index)?;
    Ok(wins_anew(case, &request)?.then_some(None))
}

/// What must be left of a demanded set for the candidate to pass, or for every rival in its way to fail; `None` where
/// it would pass no part of the set.
fn kept(case: &Case<'_>, gate: &GateSpec, demand: &MemberSet) -> Option<MemberSet> {
    match gate.relation() {
        Relation::HasAll => case.candidate.set(gate.column()).map(|has| has.intersection(demand)),
        Relation::HasAny | Relation::OneOf => {
            let contender = case.question.judge(case.place, case.candidate).ok()?;
            let mut kept = *demand;
            for (place, rival) in eligible(&case.question) {
                if rival.id == contender.id || beats(&case.question, &contender, rival) {
                    continue;
                }
                let rival = case.policy.candidates().get(place)?;
                match rival.member(gate.column()) {
                    Some(member) => kept = kept.difference(&single(member)?),
                    None => kept = kept.difference(rival.set(gate.column())?),
                }
            }
            Some(kept)
        }
        Relation::AtLeast | Relation::AtMost | Relation::Fits => None,
    }
}

/// Whether the contender is selected where that rival is the only other one.
fn beats(question: &Question<'_>, contender: &Contender, rival: Contender) -> bool {
    let mut standings = Standings::default();
    standings.meet(*contender, question.requested());
    standings.meet(rival, question.requested());
    is_selected(question, &standings, contender)
}

fn single(member: crate::policy::MemberId) -> Option<MemberSet> {
    let mut set = MemberSet::EMPTY;
    set.insert(member).ok()?;
    Some(set)
}

/// Whether the candidate is selected under a request that may let others in or turn them away.
fn wins_anew(case: &Case<'_>, request: &crate::kernel::Request) -> Result<bool, RequestError> {
    Ok(Case::new(case.policy, case.disabled, request, (case.place, case.candidate))?.wins())
}

/// The places from 0 to `end` at which the candidate is selected, where each entrant is there from its place on.
fn let_in(
    case: &Case<'_>,
    question: &Question<'_>,
    mut entrants: Vec<(u128, Contender)>,
    end: u128,
) -> Winning {
    let mut winning = Winning::nowhere();
    let of = case.candidate.id();
    let Some(own) = entrants.iter().map(|(_, contender)| *contender).find(|contender| contender.id == of)
    else {
        return winning;
    };
    if case.is_denied() {
        return winning;
    }
    entrants.sort_by_key(|(place, _)| *place);
    let mut standings = Standings::default();
    for (at, &(place, contender)) in entrants.iter().enumerate() {
        standings.meet(contender, question.requested());
        let next = at.checked_add(1).and_then(|next| entrants.get(next)).map(|(place, _)| *place);
        // The last of those that come in at this place has the word.
        if next != Some(place) && is_selected(question, &standings, &own) {
            winning.push(place, next.map_or(end, |next| next.saturating_sub(1)));
        }
    }
    winning
}
