//! What becomes of candidates: the failures that turn them away, counted, and the order of those that are eligible.

use core::{cmp::Reverse, fmt};

use super::{Choice, Reason};
use crate::{id::CandidateId, limits::GATES_MAX, num::MicroUnits};

/// What turned a candidate away. The first that applies counts, in this order. SEMANTICS 5.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Failure {
    /// It is disabled, by the policy or by the host.
    Disabled,
    /// The request excludes it.
    Excluded,
    /// It fails the gate at this place in the schema, from 0.
    Gate(u8),
    /// It has no cost, or one above the limit.
    Cost,
    /// Its utility is unknown or not above 0.
    Utility,
}

/// How many candidates each failure turned away first, and how many were eligible. SEMANTICS 5.2.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Counts {
    /// Turned away as disabled.
    pub disabled: u32,
    /// Turned away as excluded.
    pub excluded: u32,
    /// Turned away by each gate, by its place in the schema; 0 past the schema's last.
    pub gates: [u32; GATES_MAX],
    /// Turned away by cost.
    pub cost: u32,
    /// Turned away by utility.
    pub utility: u32,
    /// Turned away by nothing.
    pub eligible: u32,
}

/// An eligible candidate with all that its place in the order depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Contender {
    pub(super) id: CandidateId,
    pub(super) cost: MicroUnits,
    /// Above 0; 0 for every candidate when the policy has no utility.
    pub(super) utility: i64,
    /// In basis points; with a utility, as counted there. [`MERIT_UNKNOWN`] comes last.
    pub(super) merit: i64,
}

/// The first two of those that are eligible.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Leaders {
    pub(super) first: Option<Contender>,
    pub(super) second: Option<Contender>,
}

impl Counts {
    /// Candidates counted: all of the catalog, or none when the request alone was denied.
    #[must_use]
    pub fn evaluated(&self) -> u32 {
        self.failures().fold(self.eligible, |sum, (_, count)| sum.saturating_add(count))
    }

    /// The failures with their counts, in the order of SEMANTICS 5.2, every possible gate among them.
    pub fn failures(&self) -> impl Iterator<Item = (Failure, u32)> + '_ {
        let gates = (0_u8..).map(Failure::Gate).zip(self.gates);
        [(Failure::Disabled, self.disabled), (Failure::Excluded, self.excluded)]
            .into_iter()
            .chain(gates)
            .chain([(Failure::Cost, self.cost), (Failure::Utility, self.utility)])
    }

    /// The failure that turned away most candidates; of equals, the earliest. SEMANTICS 5.7.
    pub(super) fn most(&self) -> Failure {
        let mut most = (Failure::Disabled, self.disabled);
        let mut meet = |failure, count| {
            if count > most.1 {
                most = (failure, count);
            }
        };
        meet(Failure::Excluded, self.excluded);
        for (gate, count) in (0_u8..).zip(self.gates) {
            meet(Failure::Gate(gate), count);
        }
        meet(Failure::Cost, self.cost);
        meet(Failure::Utility, self.utility);
        most.0
    }

    pub(super) fn add(&mut self, failure: Failure) {
        self.add_many(failure, 1);
    }

    pub(super) fn add_eligible(&mut self) {
        self.eligible = self.eligible.saturating_add(1);
    }

    pub(super) fn add_many(&mut self, failure: Failure, candidates: u32) {
        if let Some(count) = self.count_mut(failure) {
            // OK because a catalog has at most 65,535 candidates, each counted once.
            *count = count.saturating_add(candidates);
        }
    }

    fn count_mut(&mut self, failure: Failure) -> Option<&mut u32> {
        Some(match failure {
            Failure::Disabled => &mut self.disabled,
            Failure::Excluded => &mut self.excluded,
            Failure::Gate(gate) => return self.gates.get_mut(usize::from(gate)),
            Failure::Cost => &mut self.cost,
            Failure::Utility => &mut self.utility,
        })
    }
}

impl Contender {
    /// Whether it comes before the other. SEMANTICS 5.3.
    pub(super) fn precedes(&self, other: &Self) -> bool {
        self.rank() < other.rank()
    }

    /// Less is better: higher utility, lower cost, higher merit (unknown last), lower id. Total, since ids differ.
    pub(super) fn rank(&self) -> impl Ord + use<> {
        (Reverse(self.utility), self.cost, Reverse(self.merit), self.id)
    }

    /// By how many micro-units it is better: of utility or, without one, of cost. SEMANTICS 5.4 and 7.4.
    pub(super) fn lead_micros(&self, other: &Self) -> i128 {
        // OK because numbers of 64 bits have a difference of 65.
        match (self.utility, other.utility) {
            (0, 0) => i128::from(other.cost.0).saturating_sub(i128::from(self.cost.0)),
            (mine, theirs) => i128::from(mine).saturating_sub(i128::from(theirs)),
        }
    }

    pub(super) fn choice(&self) -> Choice {
        let utility = (self.utility > 0).then_some(self.utility);
        Choice { candidate: self.id, cost: self.cost, utility }
    }
}

/// What a decision is made of: the first two, and the requested one if it is eligible.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Standings {
    pub(super) leaders: Leaders,
    pub(super) requested: Option<Contender>,
}

impl Standings {
    /// Takes one more eligible candidate into account.
    pub(super) fn meet(&mut self, contender: Contender, requested: Option<CandidateId>) {
        if requested == Some(contender.id) {
            self.requested = Some(contender);
        }
        self.leaders.meet(contender);
    }
}

/// Those that are kept of all that are met.
pub(super) trait Podium {
    /// How many are kept.
    const PLACES: usize;

    /// Takes an eligible candidate into account, once; whether another one is the last now.
    fn meet(&mut self, contender: Contender) -> bool;

    /// The last one, once there is a full number: only who comes before it is kept.
    fn last(&self) -> Option<&Contender>;
}

impl Leaders {
    /// Two that may be eligible, in their order.
    #[inline]
    pub(super) fn of_two(one: Option<Contender>, other: Option<Contender>) -> Self {
        match (one, other) {
            (Some(one), Some(other)) if other.precedes(&one) => {
                Self { first: Some(other), second: Some(one) }
            }
            (None, other) => Self { first: other, second: None },
            (first, second) => Self { first, second },
        }
    }
}

impl Podium for Leaders {
    const PLACES: usize = 2;

    #[inline]
    fn meet(&mut self, contender: Contender) -> bool {
        if self.first.is_none_or(|first| contender.precedes(&first)) {
            self.second = self.first.replace(contender);
        } else if self.second.is_none_or(|second| contender.precedes(&second)) {
            self.second = Some(contender);
        } else {
            return false;
        }
        self.second.is_some()
    }

    #[inline]
    fn last(&self) -> Option<&Contender> {
        self.second.as_ref()
    }
}

impl From<Failure> for Reason {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Disabled => Self::Disabled,
            Failure::Excluded => Self::Excluded,
            Failure::Gate(gate) => Self::Gate(gate),
            Failure::Cost => Self::Cost,
            Failure::Utility => Self::Utility,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Reason::from(*self).fmt(f)
    }
}

/// The merit of a contender of which none is known.
pub(super) const MERIT_UNKNOWN: i64 = -1;
