//! The same request but for one thing, to ask what would be.

use super::{Demand, GATES, Request, RequestError};
use crate::{id::CandidateId, policy::MemberSet};

impl Request {
    /// The same without the exclusion of that candidate.
    pub(in crate::kernel) fn without_exclusion(&self, of: CandidateId) -> Self {
        let mut changed = self.clone();
        let Ok(place) = self.excluded().binary_search(&of) else { return changed };
        if let Some(tail) = changed.excluded.get_mut(place..self.excluded_count) {
            tail.rotate_left(1);
            changed.excluded_count = self.excluded_count.saturating_sub(1);
        }
        changed
    }

    /// The same without a demand on that gate.
    pub(in crate::kernel) fn without_demand(&self, gate: usize) -> Result<Self, RequestError> {
        let mut changed = self.clone();
        changed.numbers_demanded = 0;
        changed.sets_demanded = 0;
        // Demanded anew, so that the sets stand without a gap.
        for other in GATES.filter(|&other| other != gate) {
            match self.demand_of(other) {
                None => {}
                Some(Demand::Number(number)) => changed.put_number(other, number),
                Some(Demand::Set(set)) => changed.put_set(other, set)?,
            }
        }
        Ok(changed)
    }

    /// The same with that set in place of the one demanded of that gate.
    pub(in crate::kernel) fn with_set(&self, gate: usize, set: &MemberSet) -> Result<Self, RequestError> {
        let mut changed = self.clone();
        changed.put_set(gate, set)?;
        Ok(changed)
    }
}
