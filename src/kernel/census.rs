//! What turned every candidate away, counted: for a trace, and for the reason of a denial. SEMANTICS 5.2 and 5.7.

use super::{
    bounds::{Bounds, Floor},
    order::{Counts, Failure},
    question::Question,
    search::{HALF, MIDDLE, NARROW, WIDE, bit, lowest},
    sieve::Sieves,
};
use crate::policy::{Candidate, GROUP, LEAF, WORD, clear};

/// What is asked of a count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Every number.
    Counts,
    /// The failure that turned most away: the count ends when no other one can reach it.
    Most,
}

/// Counts each candidate once, by what turned it away first, or as eligible.
pub(super) fn census(question: &Question<'_>, sieves: &Sieves<'_>, wanted: Wanted) -> Counts {
    let bounds = Bounds::new(question);
    let floor = bounds.open(question.valuation.is_some());
    let mut census = Census { question, bounds, floor, wanted, counts: Counts::default(), most: 0 };
    // A large catalog's bitmap takes longer to clear than a small one's to count.
    match question.policy.index().words() {
        ..=FEW => census.words(sieves, &mut [0; FEW]),
        _ => census.words(sieves, &mut [0; WORDS]),
    }
    census.counts
}

struct Census<'q> {
    question: &'q Question<'q>,
    bounds: Bounds,
    floor: Floor,
    wanted: Wanted,
    counts: Counts,
    /// The most that a failure before cost and utility has turned away.
    most: u32,
}

impl Census<'_> {
    /// Gate after gate. `left` is room for the slots that the gates so far leave.
    fn words(&mut self, sieves: &Sieves<'_>, left: &mut [u64]) {
        let (question, index) = (self.question, self.question.policy.index());
        let left = left.get_mut(..index.words()).unwrap_or_default();
        left.iter_mut().zip(index.enabled_slots()).for_each(|(left, enabled)| *left = *enabled);
        let mut enabled = index.enabled_count();
        if !question.disabled.is_empty() {
            left.iter_mut().zip(0..).for_each(|(left, word)| *left &= question.enabled(word));
            enabled = ones(left);
        }
        let mut count = self.turned_away(Failure::Disabled, index.candidates(), enabled);
        if question.excludes() {
            question.excluded_slots().for_each(|slot| clear(left, slot));
            count = self.turned_away(Failure::Excluded, count, ones(left));
        }
        for (gate, sieve) in question.gates().zip(sieves.iter()) {
            if self.is_settled(count) {
                return;
            }
            sieve.sift(left);
            count = self.turned_away(Failure::Gate(gate.index), count, ones(left));
        }
        match index.rows().stride() {
            NARROW => self.groups::<NARROW>(left, count),
            MIDDLE => self.groups::<MIDDLE>(left, count),
            _ => self.groups::<WIDE>(left, count),
        }
    }

    /// Counts those of before that are not left, and says how many are.
    fn turned_away(&mut self, by: Failure, before: u32, left: u32) -> u32 {
        let count = before.saturating_sub(left);
        self.counts.add_many(by, count);
        self.most = self.most.max(count);
        left
    }

    /// Whether what is asked for is known, while that many are still to be counted.
    fn is_settled(&self, left: u32) -> bool {
        let Counts { cost, utility, .. } = self.counts;
        // OK because a catalog has at most 65,535 candidates, each counted once.
        let (cost_most, utility_most) = (cost.wrapping_add(left), utility.wrapping_add(left));
        left == 0
            || self.wanted == Wanted::Most
                // Of equals the earlier one counts.
                && (cost_most.max(utility_most) <= self.most
                    || cost > self.most && cost >= utility_most
                    || utility > self.most && utility > cost_most)
    }

    /// Counts by cost and utility, for whole groups and leaves where one row tells.
    fn groups<const W: usize>(&mut self, left: &[u64], mut count: u32) {
        let index = self.question.policy.index();
        let (groups, leaves) = (index.groups().of::<W>(), index.leaves().of::<W>());
        for (group, words) in left.chunks(GROUP_WORDS).enumerate() {
            if self.is_settled(count) {
                return;
            }
            let of_group = ones(words);
            count = count.saturating_sub(of_group);
            if of_group == 0 {
                continue;
            }
            let by_group = groups.get(group).and_then(|best| self.turns_away(best));
            if let Some(by) = by_group
                && self.tells(group, by)
            {
                self.counts.add_many(by, of_group);
                continue;
            }
            for (word, left) in (group.wrapping_mul(GROUP_WORDS)..).zip(words) {
                for (half, leaf) in [0, LEAF].into_iter().zip(word.wrapping_mul(2)..) {
                    let slots = left & (HALF << half);
                    if slots == 0 {
                        continue;
                    }
                    let by_leaf = || leaves.get(leaf).and_then(|best| self.turns_away(best));
                    self.leaf::<W>(word, slots, by_group.or_else(by_leaf));
                }
            }
        }
    }

    /// Whether what turns a group away does so for every slot of it: the rows say all of their candidates.
    fn tells(&self, group: usize, by: Failure) -> bool {
        let index = self.question.policy.index();
        let mut words = group.wrapping_mul(GROUP_WORDS)..group.wrapping_add(1).wrapping_mul(GROUP_WORDS);
        words.end.wrapping_mul(WORD) <= index.rows().len()
            && (by == Failure::Cost
                || self.bounds.affordable(i64::MAX) && words.all(|word| index.loose(word) == 0))
    }

    /// What turns a whole block away, but for those whose rows do not tell.
    #[inline]
    fn turns_away(&self, best: &[i64]) -> Option<Failure> {
        if !self.bounds.may_be_paid(best) {
            Some(Failure::Cost)
        } else if self.bounds.key(best) < self.floor.key {
            Some(Failure::Utility)
        } else {
            None
        }
    }

    /// Counts slots of one leaf, which that failure turns away if the others before it do not; exactly only where
    /// bounds do not tell.
    fn leaf<const W: usize>(&mut self, word: usize, slots: u64, by: Option<Failure>) {
        let index = self.question.policy.index();
        let (live, sure) = (index.live(word), !index.loose(word));
        let told = match by {
            Some(Failure::Cost) => slots & live,
            Some(_) if self.bounds.affordable(i64::MAX) => slots & live & sure,
            _ => 0,
        };
        if let Some(by) = by {
            self.counts.add_many(by, told.count_ones());
        }
        let rows = index.rows().of::<W>().get(word.wrapping_mul(WORD)..).unwrap_or_default();
        for at in bits(slots & !told) {
            if live & bit(at) != 0
                && let Some(row) = rows.get(at)
            {
                if !self.bounds.may_be_paid(row) {
                    self.counts.add(Failure::Cost);
                    continue;
                }
                if sure & bit(at) != 0
                    && self.bounds.affordable(self.bounds.paid(row))
                    && (by.is_some() || self.bounds.key(row) < self.floor.key)
                {
                    self.counts.add(Failure::Utility);
                    continue;
                }
            }
            self.exactly(word, at);
        }
    }

    fn exactly(&mut self, word: usize, at: usize) {
        match candidate(self.question, word, at).map(|candidate| self.question.appraise(candidate)) {
            Some(Ok(_)) => self.counts.add_eligible(),
            Some(Err(failure)) => self.counts.add(failure),
            None => {}
        }
    }
}

fn candidate<'q>(question: &Question<'q>, word: usize, at: usize) -> Option<&'q Candidate> {
    let place = question.policy.index().place(word.wrapping_mul(WORD).wrapping_add(at))?;
    question.policy.candidates().get(place)
}

/// How many bits are set. Without an instruction for it, eight words are added bit by bit first, and what carries is
/// counted.
fn ones(words: &[u64]) -> u32 {
    let add = |a: u64, b: u64, c: u64| (a ^ b ^ c, a & b | (a ^ b) & c);
    let (mut ones, mut twos, mut fours, mut eights) = (0, 0, 0, 0_u32);
    let (chunks, rest) = words.as_chunks();
    for &[a, b, c, d, e, f, g, h] in chunks {
        let (sum, two_a) = add(ones, a, b);
        let (sum, two_b) = add(sum, c, d);
        let (twos_sum, four_a) = add(twos, two_a, two_b);
        let (sum, two_a) = add(sum, e, f);
        let (sum, two_b) = add(sum, g, h);
        let (twos_sum, four_b) = add(twos_sum, two_a, two_b);
        let (fours_sum, eight) = add(fours, four_a, four_b);
        (ones, twos, fours) = (sum, twos_sum, fours_sum);
        // OK because a bitmap has at most 2¹⁶ bits.
        eights = eights.wrapping_add(eight.count_ones());
    }
    let carried = [ones, twos, fours];
    let sum = carried.iter().zip(0..).fold(eights.wrapping_shl(3), |sum, (word, log)| {
        sum.wrapping_add(word.count_ones().wrapping_shl(log))
    });
    rest.iter().fold(sum, |sum, word| sum.wrapping_add(word.count_ones()))
}

/// The places of a word's bits, ascending.
pub(super) fn bits(mut word: u64) -> impl Iterator<Item = usize> {
    core::iter::from_fn(move || {
        let at = (word != 0).then(|| lowest(word))?;
        word &= word.wrapping_sub(1);
        Some(at)
    })
}

/// Words of a bitmap of every catalog, of a small one, and of one group.
const WORDS: usize = crate::limits::CANDIDATES_MAX.div_ceil(WORD);
const FEW: usize = 64;
const GROUP_WORDS: usize = GROUP / WORD;
