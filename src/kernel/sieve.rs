//! The demands of one request as bitmaps of slots.

use super::{gates::Demanded, question::Question};
use crate::{
    limits::GATES_MAX,
    policy::{Filter, MemberSet, MemberSlots, Passing, Relation, Slots, Thresholds},
};

/// The slots that pass one demanded gate.
#[derive(Clone, Copy, Debug)]
pub(super) enum Sieve<'a> {
    /// By thresholds: at least those that pass and, where they are exact, no others.
    Number { of: &'a Thresholds, relation: Relation, demand: u64, outer: Passing, exact: bool },
    /// By members.
    Set { of: &'a MemberSlots, demand: &'a MemberSet },
    /// Nobody passes.
    Nobody,
}

/// The slots that a request leaves, each word worked out when it is asked for.
#[derive(Clone, Debug)]
pub(super) struct Sieves<'a> {
    sieves: [Sieve<'a>; GATES_MAX],
    count: usize,
}

impl<'a> Sieve<'a> {
    #[inline]
    pub(super) fn new(filter: &'a Filter, demand: Demanded<'a>) -> Self {
        let relation = filter.gate.relation();
        match (&filter.slots, demand) {
            (Slots::Thresholds(of), Demanded::Number(demand)) => {
                let (outer, exact) = (of.outer(relation, demand), of.is_exact());
                Self::Number { of, relation, demand, outer, exact }
            }
            (Slots::Thresholds(of), Demanded::Beyond) => {
                let outer = of.beyond(relation);
                Self::Number { of, relation, demand: 0, outer, exact: true }
            }
            (Slots::Members(of), Demanded::Set(demand)) => Self::Set { of, demand },
            // No such pair is made: the schema's kinds are checked.
            (Slots::Thresholds(_), Demanded::Set(_)) | (Slots::Members(_), _) => Self::Nobody,
        }
    }

    /// At least the slots of that word that pass.
    #[inline]
    pub(super) fn outer(&self, word: usize) -> u64 {
        match self {
            Self::Number { of, outer, .. } => of.word(*outer, word),
            Self::Set { of, demand } => of.word(demand, word),
            Self::Nobody => 0,
        }
    }

    /// Leaves those of a whole bitmap that pass.
    pub(super) fn sift(&self, left: &mut [u64]) {
        match self {
            Self::Number { of, relation, demand, outer, exact } => {
                of.sift(*outer, left);
                if !exact {
                    of.sift_open(*relation, *demand, left);
                }
            }
            Self::Set { of, demand } => of.sift(demand, left),
            Self::Nobody => left.fill(0),
        }
    }

    /// At least the groups with a slot that passes.
    #[inline]
    fn groups(&self) -> u64 {
        match self {
            Self::Number { of, outer, .. } => of.groups(*outer),
            Self::Set { of, demand } => of.groups(demand),
            Self::Nobody => 0,
        }
    }

    /// At least the leaves of that group with a slot that passes.
    #[inline]
    fn leaves(&self, group: usize) -> u32 {
        match self {
            Self::Number { of, outer, .. } => of.leaves(*outer, group),
            Self::Set { of, demand } => of.leaves(demand, group),
            Self::Nobody => 0,
        }
    }

    /// Whether the candidate of a slot within outer passes.
    #[inline]
    fn passes(&self, slot: usize) -> bool {
        match self {
            Self::Number { of, relation, demand, exact: false, .. } => of.passes(*relation, *demand, slot),
            Self::Number { .. } | Self::Set { .. } => true,
            Self::Nobody => false,
        }
    }
}

impl<'a> Sieves<'a> {
    /// Those of no demand.
    pub(super) fn new() -> Self {
        Self { sieves: [Sieve::Nobody; GATES_MAX], count: 0 }
    }

    #[inline]
    pub(super) fn add(&mut self, filter: &'a Filter, demand: Demanded<'a>) {
        if let Some(place) = self.sieves.get_mut(self.count) {
            *place = Sieve::new(filter, demand);
            self.count = self.count.wrapping_add(1);
        }
    }

    /// At least those of some slots of that word that pass every gate and are not disabled.
    #[inline]
    pub(super) fn outer(&self, question: &Question<'_>, word: usize, among: u64) -> u64 {
        let mut left = among & question.enabled(word);
        for sieve in self.iter() {
            if left == 0 {
                break;
            }
            left &= sieve.outer(word);
        }
        left
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

    #[inline]
    pub(super) fn iter(&self) -> impl Iterator<Item = &Sieve<'a>> {
        self.sieves.get(..self.count).unwrap_or_default().iter()
    }
}
