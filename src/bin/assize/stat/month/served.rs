//! Who served a hold: known when it is committed, and asked again when it is adjusted.

use std::collections::BTreeMap;

use assize::{
    audit::Step,
    id::{CandidateId, Sequence},
    record::{Record, Spend},
};

use crate::{booking::Booking, names};

/// Candidates by the holds that they served, and their names.
#[derive(Default)]
pub(super) struct Served {
    /// By the last commit, whole or in part.
    holds: BTreeMap<Sequence, CandidateId>,
    /// So many may be there before those that are forgotten are looked for.
    holds_max: usize,
    names: BTreeMap<CandidateId, String>,
}

impl Served {
    /// Who served what a record settles, from the state before it; none of what settles nothing.
    pub(super) fn by(&mut self, step: &Step<'_>, booking: &Booking) -> Option<u32> {
        let spend = match step.record {
            Record::Commit(call) => Some(&call.arguments.spend),
            Record::PartCommit(call) => Some(&call.arguments.spend),
            Record::Adjust(_) => None,
            _ => return None,
        };
        let CandidateId(served) = match spend {
            Some(spend) => {
                let hold = step.ledger.hold(booking.hold)?;
                let served = match spend {
                    Spend::Usage { served, .. } => *served,
                    Spend::Amount(_) => hold.candidate,
                };
                let policy = step.ledger.policy_of(hold.epoch);
                let name =
                    || policy.map_or_else(|| served.to_string(), |policy| names::candidate(policy, served));
                self.names.entry(served).or_insert_with(name);
                self.holds.insert(booking.hold, served);
                served
            }
            None => *self.holds.get(&booking.hold)?,
        };
        self.forget(step);
        Some(served)
    }

    /// What a candidate was called when it first served.
    pub(super) fn name(&self, candidate: u32) -> String {
        self.names.get(&CandidateId(candidate)).cloned().unwrap_or_else(|| candidate.to_string())
    }

    /// Drops holds that can be adjusted no more, now and then.
    fn forget(&mut self, step: &Step<'_>) {
        if self.holds.len() <= self.holds_max.max(HOLDS_LEAST) {
            return;
        }
        let ledger = step.ledger;
        self.holds.retain(|hold, _| ledger.hold(*hold).is_some() || ledger.settled_hold(*hold).is_some());
        self.holds_max = self.holds.len().saturating_mul(2);
    }
}

const HOLDS_LEAST: usize = 1024;
