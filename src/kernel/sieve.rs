//! The demands of one request as bitmaps of slots.

use super::{gates::Demanded, question::Question};
use crate::{
    limits::GATES_MAX,
    policy::{Filter, MemberSet, MemberSlots, Passing, Relation, Slots, Thresholds},
};

/// The slots that pass one demanded gate.
#[derive(Clone, Copy, Debug)]
pub(super) enum Sieve<'a> {
    /// By thresholds: at least those that pass, and at most those.
    Number {
        of: &'a Thresholds,
        relation: Relation,
        demand: u64,
        outer: Passing,
        inner: Passing,
        exact: bool,
    },
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
                let (outer, exact) = (of.outer(relation, demand), of.is_exact());
                let inner = if exact { outer } else { of.inner(relation, demand) };
                Some(Self::Number { of, relation, demand, outer, inner, exact })
            }
            (Slots::Thresholds(of), Demanded::Beyond) => {
                let passing = of.beyond(relation);
                Some(Self::Number { of, relation, demand: 0, outer: passing, inner: passing, exact: true })
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

    /// Leaves at most those of some words of slots, the first of them `word`, that pass.
    pub(super) fn sift(&self, word: usize, left: &mut [u64]) {
        match self {
            Self::Number { of, inner, .. } => of.sift(*inner, word, left),
            Self::Set { of, demand } => of.sift(demand, word, left),
        }
    }

    /// At least the groups with a slot that passes.
    #[inline]
    fn groups(&self) -> u64 {
        match self {
            Self::Number { of, outer, .. } => of.groups(*outer),
            Self::Set { of, demand } => of.groups(demand),
        }
    }

    /// At least the leaves of that group with a slot that passes.
    #[inline]
    fn leaves(&self, group: usize) -> u32 {
        match self {
            Self::Number { of, outer, .. } => of.leaves(*outer, group),
            Self::Set { of, demand } => of.leaves(demand, group),
        }
    }

    /// Whether the candidate of a slot within outer passes.
    #[inline]
    pub(super) fn passes(&self, slot: usize) -> bool {
        match self {
            Self::Number { of, relation, demand, exact: false, .. } => of.passes(*relation, *demand, slot),
            Self::Number { .. } | Self::Set { .. } => true,
        }
    }

    /// Whether outer and inner are the same.
    #[inline]
    pub(super) fn is_exact(&self) -> bool {
        match self {
            Self::Number { exact, .. } => *exact,
            Self::Set { .. } => true,
        }
    }
}

impl<'a> Sieves<'a> {
    /// Those of no demand.
    pub(super) fn new() -> Self {
        Self { sieves: [const { None }; GATES_MAX], count: 0, exact: true }
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

    /// At least the groups in which a slot passes every gate.
    #[inline]
    pub(super) fn groups(&self) -> u64 {
        self.iter().fold(u64::MAX, |left, sieve| left & sieve.groups())
    }

    /// At least the leaves of that group in which a slot passes every gate.
    #[inline]
    pub(super) fn leaves(&self, group: usize) -> u32 {
        self.iter().fold(u32::MAX, |left, sieve| left & sieve.leaves(group))
    }

    /// Whether the candidate of a slot within every outer passes every gate.
    #[inline]
    pub(super) fn pass(&self, slot: usize) -> bool {
        self.iter().all(|sieve| sieve.passes(slot))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Sieve<'a>> {
        self.sieves.iter().map_while(Option::as_ref)
    }
}
