//! The demands of one request as bitmaps of slots.

use super::{
    gates::{Demanded, DemandedGate},
    question::Question,
};
use crate::limits::GATES_MAX;
use crate::policy::{Filter, MemberFilter, MemberSet, Passing, Relation, Thresholds};

/// The slots that pass one demanded gate.
#[derive(Clone, Copy, Debug)]
pub(super) enum Sieve<'a> {
    /// By thresholds.
    Number { of: &'a Thresholds, relation: Relation, demand: u128, outer: Passing },
    /// By members.
    Set { of: &'a MemberFilter, demand: &'a MemberSet },
}

/// The slots that a request leaves, each word worked out when it is asked for.
#[derive(Clone, Debug)]
pub(super) struct Sieves<'a> {
    sieves: [Option<Sieve<'a>>; GATES_MAX],
    /// Whether every word is exact, but for cost and utility.
    pub(super) exact: bool,
}

impl<'a> Sieve<'a> {
    #[inline]
    pub(super) fn new(gate: &DemandedGate<'a>, filter: &'a Filter) -> Option<Self> {
        match (filter, gate.demand) {
            (Filter::Thresholds(of), Demanded::Number(demand)) => {
                let outer = of.outer(gate.relation, demand);
                Some(Self::Number { of, relation: gate.relation, demand, outer })
            }
            (Filter::Members(of), Demanded::Set(demand)) => Some(Self::Set { of, demand }),
            // No such pair is made: the schema's kinds are checked.
            (Filter::Thresholds(_), Demanded::Set(_)) | (Filter::Members(_), Demanded::Number(_)) => None,
        }
    }

    /// At least the slots of that word that pass.
    #[inline]
    pub(super) fn outer(&self, word: usize) -> u64 {
        match self {
            Self::Number { of, outer, .. } => of.word(*outer, word),
            Self::Set { of, demand } => of.word(demand, word),
        }
    }

    /// At most the slots of that word that pass.
    pub(super) fn inner(&self, word: usize) -> u64 {
        match self {
            Self::Number { of, relation, demand, .. } => of.word(of.inner(*relation, *demand), word),
            Self::Set { of, demand } => of.word(demand, word),
        }
    }

    /// Whether outer and inner are the same.
    #[inline]
    pub(super) fn is_exact(&self) -> bool {
        match self {
            Self::Number { of, .. } => of.is_exact(),
            Self::Set { .. } => true,
        }
    }
}

impl<'a> Sieves<'a> {
    pub(super) fn new(question: &Question<'a>) -> Self {
        let mut sieves = [const { None }; GATES_MAX];
        let mut exact = true;
        let filters = question.policy.index().filters();
        for (place, gate) in sieves.iter_mut().zip(question.gates()) {
            let sieve = filters.get(usize::from(gate.index)).and_then(|filter| Sieve::new(&gate, filter));
            exact &= sieve.is_some_and(|sieve| sieve.is_exact());
            *place = sieve;
        }
        Self { sieves, exact }
    }

    /// At least the slots of that word that pass every gate and are not disabled.
    #[inline]
    pub(super) fn outer(&self, question: &Question<'_>, word: usize) -> u64 {
        let mut left = question.enabled(word);
        for sieve in self.sieves.iter().map_while(Option::as_ref) {
            left &= sieve.outer(word);
        }
        left
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Sieve<'a>> {
        self.sieves.iter().map_while(Option::as_ref)
    }
}
