//! What turned every candidate away, counted: for a trace, and for the reason of a denial. SEMANTICS 5.2 and 5.7.

use super::{
    bounds::{Bounds, Floor, Sum},
    gates::DemandedGate,
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
pub(super) fn census(question: &Question<'_>) -> Counts {
    let bounds = Bounds::new(question);
    let mut census = Census {
        question,
        gates: [None; GATES_MAX],
        sieves: Sieves::of(question),
        floor: bounds.open(question.valuation.is_some()),
        bounds,
        excluded: [usize::MAX; EXCLUDED_MAX],
        counts: Counts::default(),
    };
    for (place, slot) in census.excluded.iter_mut().zip(question.excluded_slots()) {
        *place = slot;
    }
    for (place, gate) in census.gates.iter_mut().zip(question.gates()) {
        *place = Some(gate);
    }
    for word in (0..question.policy.index().words()).step_by(BLOCK) {
        census.block(word);
    }
    census.counts
}

struct Census<'q> {
    question: &'q Question<'q>,
    /// The demands made, and their bitmaps.
    gates: [Option<DemandedGate<'q>>; GATES_MAX],
    sieves: Sieves<'q>,
    bounds: Bounds,
    floor: Floor,
    excluded: [usize; EXCLUDED_MAX],
    counts: Counts,
}

impl Census<'_> {
    /// Some words of slots, gate after gate.
    fn block(&mut self, first: usize) {
        let (question, index) = (self.question, self.question.policy.index());
        let (mut all, mut left) = ([0_u64; BLOCK], [0_u64; BLOCK]);
        for ((all, left), word) in all.iter_mut().zip(&mut left).zip(first..) {
            *all = index.all(word);
            *left = *all & question.enabled(word);
        }
        let mut count = self.turned_away(Failure::Disabled, ones(&all), &left);
        for slot in self.excluded.iter().filter_map(|slot| slot.checked_sub(first.wrapping_mul(WORD))) {
            if let Some(word) = left.get_mut(slot / WORD) {
                *word &= !bit(slot % WORD);
            }
        }
        count = self.turned_away(Failure::Excluded, count, &left);
        for at in 0..GATES_MAX {
            let (Some(Some(gate)), Some(sieve)) = (self.gates.get(at), self.sieves.at(at)) else { break };
            if count == 0 {
                return;
            }
            let index = gate.index;
            let before = left;
            sieve.sift(first, &mut left);
            if !sieve.is_exact() {
                for ((left, before), word) in left.iter_mut().zip(before).zip(first..) {
                    for at in bits(before & sieve.outer(word) & !*left) {
                        if candidate(question, word, at).is_some_and(|candidate| gate.passes(candidate)) {
                            *left |= bit(at);
                        }
                    }
                }
            }
            count = self.turned_away(Failure::Gate(index), count, &left);
        }
        for (left, word) in left.into_iter().zip(first..) {
            if left != 0 {
                self.appraise(word, left);
            }
        }
    }

    /// Counts those of before that are not left, and says how many are.
    fn turned_away(&mut self, by: Failure, before: u32, left: &[u64; BLOCK]) -> u32 {
        let after = ones(left);
        self.counts.add_many(by, before.saturating_sub(after));
        after
    }

    /// Counts by cost and utility, exactly only where bounds do not tell.
    fn appraise(&mut self, word: usize, mut left: u64) {
        let index = self.question.policy.index();
        let (live, sure) = (index.live(word), !index.loose(word));
        let unlimited = self.bounds.affordable(Sum { key: 0, paid: i64::MAX });
        for half in [0, LEAF] {
            let slots = left & live & (HALF << half);
            if slots == 0 {
                continue;
            }
            let leaf = word.wrapping_mul(WORD).wrapping_add(half) / LEAF;
            let best = self.bounds.sum(index.leaves().row(leaf));
            if best.paid > self.bounds.paid_max {
                self.counts.add_many(Failure::Cost, slots.count_ones());
                left &= !slots;
            } else if best.key < self.floor.key && unlimited {
                self.counts.add_many(Failure::Utility, (slots & sure).count_ones());
                left &= !(slots & sure);
            }
        }
        for at in bits(left) {
            let slot = bit(at);
            if live & slot != 0 {
                let sum = self.bounds.sum(index.rows().row(word.wrapping_mul(WORD).wrapping_add(at)));
                if sum.paid > self.bounds.paid_max {
                    self.counts.add(Failure::Cost);
                    continue;
                }
                if sum.key < self.floor.key && sure & slot != 0 && self.bounds.affordable(sum) {
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

fn ones(words: &[u64; BLOCK]) -> u32 {
    words.iter().map(|word| word.count_ones()).sum()
}

/// The places of a word's bits, ascending.
fn bits(mut word: u64) -> impl Iterator<Item = usize> {
    core::iter::from_fn(move || {
        let at = (word != 0).then(|| lowest(word))?;
        word &= word.wrapping_sub(1);
        Some(at)
    })
}
