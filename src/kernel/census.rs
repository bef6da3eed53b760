//! What turned every candidate away, counted: for a trace, and for the reason of a denial. SEMANTICS 5.2 and 5.7.

use super::{
    bounds::{Bounds, Floor},
    order::{Counts, Failure},
    question::Question,
    search::{HALF, bit, lowest},
    sieve::Sieves,
};
use crate::{
    limits::{EXCLUDED_MAX, GATES_MAX},
    policy::{BLOCK, Candidate, LEAF, WORD},
};

/// Counts each candidate once, by what turned it away first, or as eligible.
pub(super) fn census(question: &Question<'_>, sieves: &Sieves<'_>) -> Counts {
    let bounds = Bounds::new(question);
    let floor = bounds.open(question.valuation.is_some());
    let mut census = Census { question, bounds, floor, counts: Counts::default() };
    let mut gates = [0; GATES_MAX];
    gates.iter_mut().zip(question.gates()).for_each(|(place, gate)| *place = gate.index);
    let mut excluded = [usize::MAX; EXCLUDED_MAX];
    excluded.iter_mut().zip(question.excluded_slots()).for_each(|(place, slot)| *place = slot);
    for word in (0..question.policy.index().words()).step_by(BLOCK) {
        census.block(word, &gates, sieves, &excluded);
    }
    census.counts
}

struct Census<'q> {
    question: &'q Question<'q>,
    bounds: Bounds,
    floor: Floor,
    counts: Counts,
}

impl Census<'_> {
    /// Some words of slots, gate after gate. `gates` are the places of the sieves' gates.
    fn block(
        &mut self,
        first: usize,
        gates: &[u8; GATES_MAX],
        sieves: &Sieves<'_>,
        excluded: &[usize; EXCLUDED_MAX],
    ) {
        let (question, index) = (self.question, self.question.policy.index());
        // Of the slots before a step, and of those left by it.
        let (mut before, mut left) = ([0_u64; BLOCK], [0_u64; BLOCK]);
        let words = index.words().saturating_sub(first).min(BLOCK);
        let (Some(before), Some(left)) = (before.get_mut(..words), left.get_mut(..words)) else { return };
        for ((all, left), word) in before.iter_mut().zip(&mut *left).zip(first..) {
            *all = index.all(word);
            *left = *all & question.enabled(word);
        }
        let mut count = self.turned_away(Failure::Disabled, ones(before), left);
        for slot in excluded.iter().filter_map(|slot| slot.checked_sub(first.wrapping_mul(WORD))) {
            if let Some(word) = left.get_mut(slot / WORD) {
                *word &= !bit(slot % WORD);
            }
        }
        count = self.turned_away(Failure::Excluded, count, left);
        for (gate, sieve) in gates.iter().zip(sieves.iter()) {
            if count == 0 {
                return;
            }
            before.copy_from_slice(left);
            sieve.sift(first, left);
            if !sieve.is_exact() {
                for ((left, before), word) in left.iter_mut().zip(&*before).zip(first..) {
                    for at in bits(before & sieve.outer(word) & !*left) {
                        if sieve.passes(word.wrapping_mul(WORD).wrapping_add(at)) {
                            *left |= bit(at);
                        }
                    }
                }
            }
            count = self.turned_away(Failure::Gate(*gate), count, left);
        }
        for (left, word) in left.iter().zip(first..) {
            if *left != 0 {
                self.appraise(word, *left);
            }
        }
    }

    /// Counts those of before that are not left, and says how many are.
    fn turned_away(&mut self, by: Failure, before: u32, left: &[u64]) -> u32 {
        let after = ones(left);
        self.counts.add_many(by, before.saturating_sub(after));
        after
    }

    /// Counts by cost and utility, exactly only where bounds do not tell.
    fn appraise(&mut self, word: usize, mut left: u64) {
        let index = self.question.policy.index();
        let (live, sure) = (index.live(word), !index.loose(word));
        let unlimited = self.bounds.affordable(i64::MAX);
        for half in [0, LEAF] {
            let slots = left & live & (HALF << half);
            if slots == 0 {
                continue;
            }
            let leaf = word.wrapping_mul(WORD).wrapping_add(half) / LEAF;
            let best = index.leaves().row(leaf);
            if self.bounds.paid(best) > self.bounds.paid_max {
                self.counts.add_many(Failure::Cost, slots.count_ones());
                left &= !slots;
            } else if unlimited && self.bounds.key(best) < self.floor.key {
                self.counts.add_many(Failure::Utility, (slots & sure).count_ones());
                left &= !(slots & sure);
            }
        }
        for at in bits(left) {
            let slot = bit(at);
            if live & slot != 0 {
                let row = index.rows().row(word.wrapping_mul(WORD).wrapping_add(at));
                let paid = self.bounds.paid(row);
                if paid > self.bounds.paid_max {
                    self.counts.add(Failure::Cost);
                    continue;
                }
                if sure & slot != 0 && self.bounds.affordable(paid) && self.bounds.key(row) < self.floor.key {
                    self.counts.add(Failure::Utility);
                    continue;
                }
            }
            match candidate(self.question, word, at).map(|candidate| self.question.appraise(candidate)) {
                Some(Ok(_)) => self.counts.add_eligible(),
                Some(Err(failure)) => self.counts.add(failure),
                None => {}
            }
        }
    }
}

fn candidate<'q>(question: &Question<'q>, word: usize, at: usize) -> Option<&'q Candidate> {
    let place = question.policy.index().place(word.wrapping_mul(WORD).wrapping_add(at))?;
    question.policy.candidates().get(place)
}

fn ones(words: &[u64]) -> u32 {
    words.iter().map(|word| word.count_ones()).sum()
}

/// The places of a word's bits, ascending.
pub(super) fn bits(mut word: u64) -> impl Iterator<Item = usize> {
    core::iter::from_fn(move || {
        let at = (word != 0).then(|| lowest(word))?;
        word &= word.wrapping_sub(1);
        Some(at)
    })
}
