//! What turned every candidate away, counted: for a trace, and for the reason of a denial. SEMANTICS 5.2 and 5.7.

use super::{
    bounds::{Bounds, Floor},
    order::{Counts, Failure},
    question::Question,
    search::{HALF, bit, lowest},
    sieve::Sieves,
};
use crate::{
    limits::EXCLUDED_MAX,
    policy::{Candidate, LEAF, WORD},
};

/// Counts each candidate once, by what turned it away first, or as eligible.
pub(super) fn census(question: &Question<'_>) -> Counts {
    let bounds = Bounds::new(question);
    let mut census = Census {
        question,
        sieves: Sieves::of(question),
        floor: bounds.open(question.valuation.is_some()),
        bounds,
        excluded: [usize::MAX; EXCLUDED_MAX],
        counts: Counts::default(),
    };
    for (place, slot) in census.excluded.iter_mut().zip(question.excluded_slots()) {
        *place = slot;
    }
    for word in 0..question.policy.index().words() {
        census.word(word);
    }
    census.counts
}

struct Census<'q> {
    question: &'q Question<'q>,
    sieves: Sieves<'q>,
    bounds: Bounds,
    floor: Floor,
    excluded: [usize; EXCLUDED_MAX],
    counts: Counts,
}

impl Census<'_> {
    fn word(&mut self, word: usize) {
        let mut left = self.question.policy.index().all(word);
        left = self.turn_away(Failure::Disabled, left, self.question.enabled(word));
        let excluded = self.excluded.iter().filter(|slot| **slot / WORD == word);
        let excluded = excluded.fold(0_u64, |slots, slot| slots | bit(slot % WORD));
        left = self.turn_away(Failure::Excluded, left, !excluded);
        for (gate, sieve) in self.question.gates().zip(self.sieves.clone().iter()) {
            let mut passing = sieve.inner(word);
            for at in bits(left & sieve.outer(word) & !passing) {
                if self.candidate(word, at).is_some_and(|candidate| gate.passes(candidate)) {
                    passing |= bit(at);
                }
            }
            left = self.turn_away(Failure::Gate(gate.index), left, passing);
        }
        self.appraise(word, left);
    }

    /// Counts those that do not pass, and leaves those that do.
    fn turn_away(&mut self, by: Failure, left: u64, passing: u64) -> u64 {
        self.counts.add_all(by, left & !passing);
        left & passing
    }

    /// Counts by cost and utility, exactly only where bounds do not tell.
    fn appraise(&mut self, word: usize, mut left: u64) {
        let index = self.question.policy.index();
        let (live, loose) = (index.live(word), index.loose(word));
        for half in [0, LEAF] {
            let leaf = word.wrapping_mul(WORD).wrapping_add(half) / LEAF;
            let slots = left & live & (HALF << half);
            if slots != 0 && self.bounds.sum(index.leaves().row(leaf)).paid > self.bounds.paid_max {
                left = self.turn_away(Failure::Cost, left, !slots);
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
                if sum.key < self.floor.key && loose & slot == 0 && self.bounds.affordable(sum) {
                    self.counts.add(Failure::Utility);
                    continue;
                }
            }
            match self.candidate(word, at).map(|candidate| self.question.appraise(candidate)) {
                Some(Ok(_)) => self.counts.add_eligible(),
                Some(Err(failure)) => self.counts.add(failure),
                None => {}
            }
        }
    }

    fn candidate(&self, word: usize, at: usize) -> Option<&Candidate> {
        let place = self.question.policy.index().place(word.wrapping_mul(WORD).wrapping_add(at))?;
        self.question.policy.candidates().get(place)
    }
}

/// The places of a word's bits, ascending.
fn bits(mut word: u64) -> impl Iterator<Item = usize> {
    core::iter::from_fn(move || {
        let at = (word != 0).then(|| lowest(word))?;
        word &= word.wrapping_sub(1);
        Some(at)
    })
}
