//! From a question to those that come first, without asking everybody.
//!
//! A candidate, or a block of them, is passed over when its bound (`bounds`) shows that it cannot come before the last
//! one kept; what is left is put to the gates' bitmaps, and only then worked out exactly. What is found is what asking
//! every candidate would find.

use super::{
    bounds::{Bounds, Floor, Sum},
    order::Podium,
    question::Question,
    sieve::{Sieve, Sieves},
};
use crate::policy::{GROUP, GROUPS, Index, LEAF, LEAVES, WORD};

/// A field of candidates on the way to its podium.
struct Field<'q, P> {
    question: &'q Question<'q>,
    index: &'q Index,
    bounds: Bounds,
    floor: Floor,
    podium: P,
}

/// Fills the podium with the first of all that are eligible.
pub(super) fn search<P: Podium>(question: &Question<'_>, podium: P) -> P {
    let index = question.policy.index();
    let bounds = Bounds::new(question);
    let floor = bounds.open(question.valuation.is_some());
    let mut field = Field { question, index, bounds, floor, podium };
    if index.words() == 1 {
        field.word();
    } else {
        field.groups(&Sieves::new(question));
    }
    field.podium
}

impl<P: Podium> Field<'_, P> {
    /// A catalog of one word, from the highest merit down.
    fn word(&mut self) {
        let index = self.index;
        let mut left = self.passing() & index.live(0);
        let best = self.bounds.sum(index.groups().row(0));
        let best_gain = self.bounds.gain(index.groups().row(0));
        while left != 0 {
            let slot = lowest(left);
            left &= left.wrapping_sub(1);
            let row = index.rows().row(slot);
            // All that follow have no more merit than this one, and what else they have is no better than the best.
            let rest = best_gain.wrapping_sub(self.bounds.gain(row));
            if best.key.wrapping_sub(rest) < self.floor.key {
                return;
            }
            let sum = self.bounds.sum(row);
            if self.bounds.matters(&self.floor, sum, row, index.id(slot)) {
                self.meet(slot);
            }
        }
    }

    /// The slots of the one word that pass everything but cost and utility.
    #[inline]
    fn passing(&self) -> u64 {
        let mut left = self.question.enabled(0);
        for slot in self.question.excluded_slots() {
            left &= !1_u64.wrapping_shl(u32::try_from(slot).unwrap_or(0));
        }
        for gate in self.question.gates() {
            let filter = self.index.filters().get(usize::from(gate.index));
            left &= filter.and_then(|filter| Sieve::new(&gate, filter)).map_or(0, |sieve| sieve.outer(0));
        }
        left
    }

    /// Group after group, the best bound first, until none can matter.
    fn groups(&mut self, sieves: &Sieves<'_>) {
        let mut sums = [const { None }; GROUPS];
        let rows = self.index.groups().block(0, GROUPS);
        for (sum, row) in sums.iter_mut().zip(rows) {
            *sum = Some(self.bounds.sum(row));
        }
        while let Some((group, sum)) = take_best(&mut sums) {
            if sum.key < self.floor.key {
                return;
            }
            let row = self.index.groups().row(group);
            if self.bounds.matters(&self.floor, sum, row, self.index.group_id(group)) {
                self.leaves(sieves, group.wrapping_mul(LEAVES));
            }
        }
    }

    /// The same for the leaves of one group.
    fn leaves(&mut self, sieves: &Sieves<'_>, first: usize) {
        let mut sums = [const { None }; LEAVES];
        let rows = self.index.leaves().block(first, LEAVES);
        for (sum, row) in sums.iter_mut().zip(rows) {
            *sum = Some(self.bounds.sum(row));
        }
        while let Some((at, sum)) = take_best(&mut sums) {
            if sum.key < self.floor.key {
                return;
            }
            let leaf = first.wrapping_add(at);
            let row = self.index.leaves().row(leaf);
            if self.bounds.matters(&self.floor, sum, row, self.index.leaf_id(leaf)) {
                self.leaf(sieves, leaf);
            }
        }
    }

    fn leaf(&mut self, sieves: &Sieves<'_>, leaf: usize) {
        let index = self.index;
        let first = leaf.wrapping_mul(LEAF);
        let (word, half) = (first / WORD, first % WORD);
        let mut left = sieves.outer(self.question, word) & index.live(word) & (HALF << half);
        while left != 0 {
            let slot = word.wrapping_mul(WORD).wrapping_add(lowest(left));
            left &= left.wrapping_sub(1);
            let row = index.rows().row(slot);
            let sum = self.bounds.sum(row);
            if self.bounds.matters(&self.floor, sum, row, index.id(slot))
                && self.question.passes(slot, sieves.exact)
            {
                self.meet(slot);
            }
        }
    }

    /// Works out what passes everything but cost and utility.
    fn meet(&mut self, slot: usize) {
        let candidate = self.index.place(slot).and_then(|place| self.question.policy.candidates().get(place));
        let Some(Ok(contender)) = candidate.map(|candidate| self.question.appraise(candidate)) else {
            return;
        };
        if self.podium.meet(contender)
            && let Some(last) = self.podium.last()
        {
            self.floor = self.bounds.beside(last);
        }
    }
}

/// Takes out the sum with the highest key, with its place; of equals, the first.
#[inline]
fn take_best(sums: &mut [Option<Sum>]) -> Option<(usize, Sum)> {
    let mut best: Option<(usize, Sum)> = None;
    for (at, sum) in sums.iter().enumerate() {
        if let Some(sum) = sum
            && best.is_none_or(|(_, best)| sum.key > best.key)
        {
            best = Some((at, *sum));
        }
    }
    if let Some((at, _)) = best
        && let Some(taken) = sums.get_mut(at)
    {
        *taken = None;
    }
    best
}

/// The place of the lowest bit.
#[inline]
pub(super) fn lowest(word: u64) -> usize {
    usize::try_from(word.trailing_zeros()).unwrap_or(0)
}

/// The slots of the first leaf of a word.
const HALF: u64 = (1 << LEAF) - 1;
const _: () = assert!(2 * LEAF == WORD && GROUP == LEAF * LEAVES, "a word has two leaves");
