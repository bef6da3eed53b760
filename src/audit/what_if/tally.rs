//! Counts and sums of what changed, as they grow.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::cmp::Reverse;
use std::collections::BTreeMap;

use super::assumption::Needed;
use super::report::{
    CandidateRow, Change, Class, DecisionsRow, Extensions, Money, Undecidable, UndecidedRow,
};
use crate::id::{CandidateId, Sequence};
use crate::kernel::{Fact, RequestError};
use crate::policy::{Column, Policy};

/// What a report sums up, accounts apart.
#[derive(Debug, Default)]
pub(super) struct Tally {
    decisions: BTreeMap<(Change, Class, Option<Class>), DecisionsRow>,
    candidates: BTreeMap<CandidateId, CandidateRow>,
    undecided: BTreeMap<Undecidable, UndecidedRow>,
    pub(super) money: Money,
    pub(super) extensions: Extensions,
    pub(super) needed: Needed,
}

impl Tally {
    /// The row of requests that changed so; the first of them, if there was none yet, is this one.
    pub(super) fn decisions(
        &mut self,
        change: Change,
        then: Class,
        now: Option<Class>,
        first: Sequence,
    ) -> &mut DecisionsRow {
        let held = super::report::Compared::default();
        let row = DecisionsRow { change, then, now, count: 0, reroutes: 0, first, held };
        self.decisions.entry((change, then, now)).or_insert(row)
    }

    /// The row of a candidate, which has its name from the first of the policies that knows it.
    pub(super) fn candidate(&mut self, id: CandidateId, policies: [&Policy; 2]) -> &mut CandidateRow {
        self.candidates.entry(id).or_insert_with(|| CandidateRow {
            id,
            name: policies
                .into_iter()
                .find_map(|policy| policy.candidate(id))
                .map_or_else(Box::default, |candidate| candidate.name().into()),
            selected_then: 0,
            selected_now: 0,
            gained: 0,
            lost: 0,
            money: Money::default(),
        })
    }

    /// Counts a request that the other policy cannot decide.
    pub(super) fn undecided(
        &mut self,
        error: &RequestError,
        other: &Policy,
        then: &Policy,
        sequence: Sequence,
    ) {
        let cause = Undecidable::from(error);
        let row = self.undecided.entry(cause).or_insert_with(|| {
            let gate = match cause {
                Undecidable::MemberUnknown { gate, .. } | Undecidable::DemandInvalid { gate } => Some(gate),
                _ => None,
            };
            let gate = gate.and_then(|gate| other.schema().gates().get(gate));
            let column = gate.and_then(|gate| other.schema().column_at(gate.column()));
            let member = match (cause, gate) {
                (Undecidable::MemberUnknown { member, .. }, Some(gate)) => {
                    then.member_name(gate.column(), member)
                }
                _ => None,
            };
            UndecidedRow {
                cause,
                column: column.map(Column::name).map(Into::into),
                member: member.map(Into::into),
                count: 0,
                first: sequence,
            }
        });
        row.count = row.count.saturating_add(1);
        self.needed.undecided = self.needed.undecided.saturating_add(1);
    }

    /// All rows, as a report has them.
    pub(super) fn rows(self) -> (Vec<DecisionsRow>, Vec<CandidateRow>, Vec<UndecidedRow>) {
        let mut candidates: Vec<_> = self.candidates.into_values().collect();
        // Stable, so that of equals the least number comes first.
        candidates.sort_by_key(|row| Reverse(row.gained.saturating_add(row.lost)));
        (self.decisions.into_values().collect(), candidates, self.undecided.into_values().collect())
    }
}

impl From<&RequestError> for Undecidable {
    fn from(error: &RequestError) -> Self {
        match *error {
            RequestError::Schema { .. } => Self::OtherSchema,
            RequestError::Missing { fact: Fact::Value } => Self::ValueMissing,
            RequestError::Missing { fact: Fact::Confidence } => Self::ConfidenceMissing,
            RequestError::Missing { fact: Fact::Risk } => Self::RiskMissing,
            RequestError::UnknownMember { gate, member } => Self::MemberUnknown { gate, member },
            RequestError::DemandTooLarge { gate, .. } | RequestError::MembersOfAnotherColumn { gate, .. } => {
                Self::DemandInvalid { gate }
            }
            RequestError::TooManyExcluded
            | RequestError::TooManySets
            | RequestError::DisabledOfAnotherPolicy => Self::Malformed,
        }
    }
}
