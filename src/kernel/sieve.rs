//! The demands of one request as bitmaps of slots.

use super::{gates::Demanded, question::Question};
use crate::{
    limits::GATES_MAX,
    policy::{Filter, MemberSet, MemberSlots, Passing, Relation, Slots, Thresholds},
};

/// The slots that pass one demanded gate.
#[derive(Clone, Copy, Debug)]
pub(super) enum Sieve<'a> {
    /// By thresholds; a demand of `None` is beyond every value.
    Number { of: &'a Thresholds, relation: Relation, demand: Option<u64>, outer: Passing },
    /// By members.
    Set { of: &'a MemberSlots, demand: &'a MemberSet },
}

/// The slots that a request leaves, each word worked out when it is asked for.
#[derive(Clone, Debug)]
pub(super) struct Sieves<'a> {
    sieves: [Option<Sieve<'a>>; GATES_MAX],
    count: usize,
    /// Whether every word is exact, but for cost and utility.
    pub(super) exact: bool,
}

impl<'a> Sieve<'a> {
    #[inline]
    pub(super) fn new(filter: &'a Filter, demand: Demanded<'a>) -> Option<Self> {
        let relation = filter.gate.relation();
        match (&filter.slots, demand) {
            (Slots::Thresholds(of), Demanded::Number(demand)) => {
                let outer = of.outer(relation, demand);
                Some(Self::Number { of, relation, demand: Some(demand), outer })
            }
            (Slots::Thresholds(of), Demanded::Beyond) => {
                Some(Self::Number { of, relation, demand: None, outer: of.beyond(relation) })
            }
            (Slots::Members(of), Demanded::Set(demand)) => Some(Self::Set { of, demand }),
            // No such pair is made: the schema's kinds are checked.
            (Slots::Thresholds(_), Demanded::Set(_)) | (Slots::Members(_), _) => None,
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
        match *self {
            Self::Number { of, relation, demand, outer } => {
                let inner = demand.map_or(outer, |demand| of.inner(relation, demand));
                of.word(inner, word)
            }
            Self::Set { of, demand } => of.word(demand, word),
        }
    }

    /// Whether outer and inner are the same.
    #[inline]
    fn is_exact(&self) -> bool {
        match self {
            Self::Number { of, demand, .. } => demand.is_none() || of.is_exact(),
            Self::Set { .. } => true,
        }
    }
}

impl<'a> Sieves<'a> {
    /// Those of no demand.
    pub(super) fn new() -> Self {
        Self { sieves: [const { None }; GATES_MAX], count: 0, exact: true }
    }

    /// Those of a question that was asked.
    pub(super) fn of(question: &Question<'a>) -> Self {
        let mut sieves = Self::new();
        question.demands().for_each(|(_, filter, demand)| sieves.add(filter, demand));
        sieves
    }

    #[inline]
    pub(super) fn add(&mut self, filter: &'a Filter, demand: Demanded<'a>) {
        let sieve = Sieve::new(filter, demand);
        self.exact &= sieve.is_some_and(|sieve| sieve.is_exact());
        if let Some(place) = self.sieves.get_mut(self.count) {
            *place = sieve;
            self.count = self.count.wrapping_add(1);
        }
    }

    /// At least the slots of that word that pass every gate and are not disabled.
    #[inline]
    pub(super) fn outer(&self, question: &Question<'_>, word: usize) -> u64 {
        self.iter().fold(question.enabled(word), |left, sieve| left & sieve.outer(word))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Sieve<'a>> {
        self.sieves.iter().map_while(Option::as_ref)
    }
}
