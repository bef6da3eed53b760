//! One gate put to one candidate: the demand made, the value known, and whether it passes. SEMANTICS 3.

use crate::policy::{Candidate, ColumnIndex, GateSpec, MemberId, MemberSet, Relation};

/// A gate on which a demand is made.
#[derive(Clone, Copy, Debug)]
pub(super) struct DemandedGate<'a> {
    /// Its place in the schema.
    pub(super) index: u8,
    pub(super) column: ColumnIndex,
    pub(super) relation: Relation,
    pub(super) demand: Demanded<'a>,
}

/// What is demanded, wherever it comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Demanded<'a> {
    /// A number, or the sum of quantities.
    Number(u64),
    /// A sum of quantities above every value.
    Beyond,
    Set(&'a MemberSet),
}

/// What a candidate is known to have in a gate's column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Known<'a> {
    Number(u64),
    Set(&'a MemberSet),
    Member(MemberId),
}

impl<'a> DemandedGate<'a> {
    pub(super) fn new(index: usize, gate: &GateSpec, demand: Demanded<'a>) -> Self {
        // OK because a schema has at most 16 gates.
        let index = u8::try_from(index).unwrap_or(u8::MAX);
        Self { index, column: gate.column(), relation: gate.relation(), demand }
    }

    /// Whether the candidate passes; what is unknown fails. SEMANTICS 3.1.
    pub(super) fn passes(&self, candidate: &Candidate) -> bool {
        match (self.relation, self.demand) {
            (Relation::AtLeast | Relation::Fits, Demanded::Number(demand)) => {
                candidate.value(self.column).is_some_and(|value| value >= demand)
            }
            (Relation::AtMost, Demanded::Number(demand)) => {
                candidate.value(self.column).is_some_and(|value| value <= demand)
            }
            (Relation::AtMost, Demanded::Beyond) => candidate.value(self.column).is_some(),
            (Relation::HasAll, Demanded::Set(demand)) => {
                candidate.set(self.column).is_some_and(|value| value.is_superset(demand))
            }
            (Relation::HasAny, Demanded::Set(demand)) => {
                candidate.set(self.column).is_some_and(|value| value.intersects(demand))
            }
            (Relation::OneOf, Demanded::Set(demand)) => {
                candidate.member(self.column).is_some_and(|value| demand.contains(value))
            }
            (Relation::AtLeast | Relation::Fits, Demanded::Beyond) => false,
            // No such pair is made (the schema's kinds are checked); none passes.
            (Relation::AtLeast | Relation::AtMost | Relation::Fits, Demanded::Set(_))
            | (
                Relation::HasAll | Relation::HasAny | Relation::OneOf,
                Demanded::Number(_) | Demanded::Beyond,
            ) => false,
        }
    }

    /// The candidate's value in the gate's column; `None` is unknown.
    pub(super) fn known<'c>(&self, candidate: &'c Candidate) -> Option<Known<'c>> {
        match self.relation {
            Relation::AtLeast | Relation::AtMost | Relation::Fits => {
                candidate.value(self.column).map(Known::Number)
            }
            Relation::HasAll | Relation::HasAny => candidate.set(self.column).map(Known::Set),
            Relation::OneOf => candidate.member(self.column).map(Known::Member),
        }
    }
}
