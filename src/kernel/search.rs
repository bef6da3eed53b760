//! From a question to those that come first, without asking everybody.
//!
//! A candidate, or a block of them, is passed over when its bound (`bounds`) shows that it cannot come before the last
//! one kept; what is left is put to the gates' bitmaps, and only then worked out exactly. What is found is what asking
//! every candidate would find.

use super::{
    bounds::{Bounds, Floor},
    order::Podium,
    question::Question,
    sieve::Sieves,
};
use crate::{
    id::CandidateId,
    policy::{GROUP, GROUPS, Index, LEAF, LEAVES, WIDTHS, WORD},
};

/// A field of candidates on the way to its podium.
struct Field<'f, 'q, P> {
    question: &'f Question<'q>,
    index: &'q Index,
    bounds: &'f Bounds,
    floor: Floor,
    /// The highest two keys of those that are eligible, or worth nothing, for certain.
    keys: [i64; 2],
    podium: &'f mut P,
}

/// Fills the podium with the first of all that are eligible.
#[inline]
pub(super) fn search<P: Podium>(question: &Question<'_>, sieves: &Sieves<'_>, podium: &mut P) {
    let index = question.policy.index();
    let bounds = Bounds::new(question);
    let floor = bounds.open(question.valuation.is_some());
    let mut field = Field { question, index, bounds: &bounds, floor, keys: [i64::MIN; 2], podium };
    match index.rows().stride() {
        NARROW => field.groups::<NARROW>(sieves),
        MIDDLE => field.groups::<MIDDLE>(sieves),
        _ => field.groups::<WIDE>(sieves),
    }
}

impl<P: Podium> Field<'_, '_, P> {
    /// Group after group, the one with the best bound first.
    fn groups<const W: usize>(&mut self, sieves: &Sieves<'_>) {
        let index = self.index;
        let groups = index.groups().of::<W>();
        if groups.len() == 1 {
            return self.leaves::<W>(sieves, 0);
        }
        self.best_first::<W, GROUPS>(groups, sieves.groups(), |field, at, row| {
            if field.may_matter(row, || index.group_id(at)) {
                field.leaves::<W>(sieves, at);
            }
        });
    }

    /// The same for the leaves of one group.
    #[inline]
    fn leaves<const W: usize>(&mut self, sieves: &Sieves<'_>, group: usize) {
        let index = self.index;
        let first = group.wrapping_mul(LEAVES);
        let leaves = index.leaves().of::<W>().get(first..).unwrap_or_default();
        self.best_first::<W, LEAVES>(leaves, u64::from(sieves.leaves(group)), |field, at, row| {
            let leaf = first.wrapping_add(at);
            if field.may_matter(row, || index.leaf_id(leaf)) {
                field.leaf::<W>(sieves, leaf);
            }
        });
    }

    /// Visits those blocks that pass, `N` at most, the highest key first, while they reach the floor.
    #[inline]
    fn best_first<const W: usize, const N: usize>(
        &mut self,
        blocks: &[[i64; W]],
        passing: u64,
        mut visit: impl FnMut(&mut Self, usize, &[i64; W]),
    ) {
        let mut keys = [i64::MIN; N];
        let mut left = passing;
        for (key, row) in keys.iter_mut().zip(blocks) {
            if left & 1 != 0 && self.bounds.may_be_paid(row) {
                *key = self.bounds.key(row);
            }
            left >>= 1;
        }
        let keys = keys.get_mut(..blocks.len().min(N)).unwrap_or_default();
        while let Some(at) = take_best(keys, self.floor.key)
            && let Some(row) = blocks.get(at)
        {
            visit(self, at, row);
        }
    }

    #[inline]
    fn leaf<const W: usize>(&mut self, sieves: &Sieves<'_>, leaf: usize) {
        let index = self.index;
        let first = leaf.wrapping_mul(LEAF);
        let (word, half) = (first / WORD, first % WORD);
        let rows = index.rows().of::<W>().get(word.wrapping_mul(WORD)..).unwrap_or_default();
        let mut left = sieves.outer(self.question, word, index.live(word) & (HALF << half));
        let mut short = 0;
        while left != 0 {
            let at = lowest(left);
            left &= left.wrapping_sub(1);
            let Some(row) = rows.get(at) else { break };
            if self.bounds.key(row) < self.floor.key {
                continue;
            }
            let slot = word.wrapping_mul(WORD).wrapping_add(at);
            if self.may_matter(row, || index.id(slot))
                && self.question.includes(index.id(slot))
                && sieves.pass(slot)
            {
                short |= bit(at);
                if !self.is_loose(slot) {
                    self.raise(self.bounds.key(row), self.bounds.paid(row));
                }
            }
        }
        self.settle(word, short);
    }

    /// Whether a row, or a block with no merit above the row's and no id below that one, may come before the last.
    #[inline]
    fn may_matter(&self, row: &[i64], id: impl FnOnce() -> CandidateId) -> bool {
        self.bounds.matters(self.floor, self.podium.last(), row, id)
    }

    /// Raises the floor by one whose row says all of it, and that passes everything but cost and utility, before it
    /// is worked out.
    #[inline]
    fn raise(&mut self, key: i64, paid: i64) {
        let [first, second] = self.keys;
        if P::PLACES != 2 || key <= second || !self.bounds.affordable(paid) {
            return;
        }
        self.keys = [first.max(key), first.min(key)];
        // What is short of both by more than rounding can make up comes after both of them.
        let [_, second] = self.keys;
        if second > i64::MIN {
            self.floor.key = self.floor.key.max(self.bounds.beside_key(second));
        }
    }

    /// Works out those of a word's slots that pass everything but cost and utility.
    #[inline]
    fn settle(&mut self, word: usize, mut short: u64) {
        while short != 0 {
            let slot = word.wrapping_mul(WORD).wrapping_add(lowest(short));
            short &= short.wrapping_sub(1);
            let row = self.index.rows().row(slot);
            if self.may_matter(row, || self.index.id(slot)) {
                self.meet(row, slot);
            }
        }
    }

    #[inline]
    fn meet(&mut self, row: &[i64], slot: usize) {
        let contender = if self.bounds.is_whole() && !self.is_loose(slot) {
            self.bounds.appraise(self.question, row, self.index.id(slot))
        } else {
            let place = self.index.place(slot);
            let candidate = place.and_then(|place| self.question.policy.candidates().get(place));
            candidate.and_then(|candidate| self.question.appraise(candidate).ok())
        };
        if let Some(contender) = contender
            && self.podium.meet(contender)
            && let Some(last) = self.podium.last()
        {
            let raised = self.floor.key;
            self.floor = self.bounds.beside(last);
            self.floor.key = self.floor.key.max(raised);
        }
    }

    #[inline]
    fn is_loose(&self, slot: usize) -> bool {
        self.index.loose(slot / WORD) & bit(slot % WORD) != 0
    }
}

/// Takes out the place of the highest key, if it is not below the floor; of equals, the first.
#[inline]
fn take_best(keys: &mut [i64], floor: i64) -> Option<usize> {
    let (mut best, mut place) = (i64::MIN, 0);
    for (at, &key) in keys.iter().enumerate() {
        if key > best {
            (best, place) = (key, at);
        }
    }
    // No key is as low as the least number: it stands for those that are out.
    if best < floor || best == i64::MIN {
        return None;
    }
    *keys.get_mut(place)? = i64::MIN;
    Some(place)
}

/// The place of the lowest bit.
#[inline]
pub(super) fn lowest(word: u64) -> usize {
    usize::try_from(word.trailing_zeros()).unwrap_or(0)
}

#[inline]
pub(super) fn bit(at: usize) -> u64 {
    1_u64.wrapping_shl(u32::try_from(at).unwrap_or(0))
}

/// The widths of rows, for which everything that loops over rows is made.
pub(super) const NARROW: usize = WIDTHS[0];
pub(super) const MIDDLE: usize = WIDTHS[1];
pub(super) const WIDE: usize = WIDTHS[2];
/// The slots of the first leaf of a word.
pub(super) const HALF: u64 = (1 << LEAF) - 1;
const _: () = assert!(2 * LEAF == WORD && GROUP == LEAF * LEAVES, "a word has two leaves");
