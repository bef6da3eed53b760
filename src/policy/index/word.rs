//! The gates of a catalog of one word: each demand is met by a look-up or two.

use alloc::vec::Vec;

use super::filter::{Filter, Slots, Thresholds};
use crate::policy::{Candidate, ColumnIndex, MemberId, MemberSet, Policy, Relation, Source};

/// One gate, for the hot path; its [`Filter`] says the same of it.
#[derive(Clone, Debug)]
pub(crate) enum WordGate {
    /// On numbers.
    Number(Ranks),
    /// On members.
    Set(Choices),
}

/// The slots that pass, for each rank that a demand can have among a column's values.
#[derive(Clone, Debug)]
pub(crate) struct Ranks {
    pub(crate) source: Source,
    /// The largest number that the request may demand.
    pub(crate) demand_max: u64,
    /// A demand of at most is one of less than the next number.
    next: u64,
    least: u64,
    shift: u32,
    /// For each bucket of demands how many values are below all of it.
    starts: [u8; BUCKETS],
    /// Ascending, all different.
    values: Vec<u64>,
    /// One for each rank.
    passing: Vec<u64>,
}

/// The slots that have one of some members (or, for `has_all`, lack one), for each choice of 8 members.
#[derive(Clone, Debug)]
pub(crate) struct Choices {
    pub(crate) listed: MemberSet,
    known: u64,
    /// Every bit for `has_all`.
    inverted: u64,
    unions: Vec<u64>,
}

impl WordGate {
    pub(super) fn new(policy: &Policy, filter: &Filter, places: &[u16]) -> Self {
        match &filter.slots {
            Slots::Thresholds(of) => Self::Number(Ranks::new(filter, of)),
            Slots::Members(_) => {
                let candidates = places.iter().map(|place| policy.candidates().get(usize::from(*place)));
                let lacking = filter.gate.relation() == Relation::HasAll;
                let column = filter.gate.column();
                Self::Set(Choices::new(candidates.flatten(), column, policy.listed(column), lacking))
            }
        }
    }
}

impl Ranks {
    fn new(filter: &Filter, of: &Thresholds) -> Self {
        let (source, relation) = (filter.gate.source(), filter.gate.relation());
        let values = of.values().to_vec();
        let (least, most) = (values.first().copied().unwrap_or(0), values.last().copied().unwrap_or(0));
        let bits = u64::BITS.saturating_sub(most.saturating_sub(least).leading_zeros());
        let shift = bits.saturating_sub(BUCKETS.trailing_zeros());
        let mut starts = [0; BUCKETS];
        for (bucket, start) in (0_u64..).zip(&mut starts) {
            let from = least.saturating_add(bucket.wrapping_shl(shift));
            // OK because a catalog of one word has at most 64 different values.
            *start = u8::try_from(values.partition_point(|&value| value < from)).unwrap_or(u8::MAX);
        }
        // Among values, a demand of at most `d` has the rank of a demand of at least `d + 1`.
        let passing = (0..=values.len()).map(|rank| of.ranked(relation, rank)).collect();
        Self {
            source,
            demand_max: if source == Source::Request { of.demand_max } else { u64::MAX },
            next: u64::from(relation == Relation::AtMost),
            least,
            shift,
            starts,
            values,
            passing,
        }
    }

    /// The slots that pass.
    #[inline]
    pub(crate) fn word(&self, demand: u64) -> u64 {
        let Some(demand) = demand.checked_add(self.next) else { return self.beyond() };
        let bucket = demand.saturating_sub(self.least).wrapping_shr(self.shift).min(BUCKETS_LAST);
        let start = usize::try_from(bucket).ok().and_then(|bucket| self.starts.get(bucket));
        let mut rank = usize::from(start.copied().unwrap_or(0));
        while self.values.get(rank).is_some_and(|&value| value < demand) {
            rank = rank.wrapping_add(1);
        }
        self.passing.get(rank).copied().unwrap_or(0)
    }

    /// The slots that pass a demand above every value.
    pub(crate) fn beyond(&self) -> u64 {
        self.passing.last().copied().unwrap_or(0)
    }
}

impl Choices {
    fn new<'a>(
        candidates: impl Iterator<Item = &'a Candidate>,
        column: ColumnIndex,
        listed: MemberSet,
        lacking: bool,
    ) -> Self {
        let last = listed.iter().last().map_or(0, |member| usize::from(member.0).saturating_add(1));
        let mut known = 0_u64;
        let mut members = alloc::vec![0_u64; last.next_multiple_of(CHUNK)];
        let mut slot = 1_u64;
        for candidate in candidates {
            let has = |member| match (candidate.member(column), candidate.set(column)) {
                (Some(one), _) => Some(one == member),
                (None, Some(set)) => Some(set.contains(member)),
                (None, None) => None,
            };
            for (member, slots) in (0_u16..).map(MemberId).zip(&mut members) {
                if has(member).is_some_and(|has| has != lacking) {
                    *slots |= slot;
                }
            }
            if has(MemberId(0)).is_some() {
                known |= slot;
            }
            slot = slot.wrapping_shl(1);
        }
        let mut unions = Vec::new();
        for chunk in members.chunks(CHUNK) {
            let first = unions.len();
            for choice in 0..CHOICES {
                // The choice without its lowest member is there already.
                let rest = choice & choice.wrapping_sub(1);
                let lowest =
                    usize::try_from(choice.trailing_zeros()).ok().and_then(|lowest| chunk.get(lowest));
                let union = unions.get(first.wrapping_add(rest)).copied().unwrap_or(0_u64);
                unions.push(union | lowest.copied().unwrap_or(0));
            }
        }
        Self { listed, known, inverted: if lacking { u64::MAX } else { 0 }, unions }
    }

    /// The slots that pass a demand for listed members.
    #[inline]
    pub(crate) fn word(&self, demanded: &MemberSet) -> u64 {
        let mut union = 0_u64;
        let mut chunks = self.unions.chunks_exact(CHOICES);
        for word in demanded.used() {
            let mut left = *word;
            let mut skipped = WORD_CHUNKS;
            while left != 0 {
                skipped = skipped.wrapping_sub(1);
                let chunk = chunks.next().unwrap_or_default();
                let choice = usize::from(left.to_le_bytes()[0]);
                union |= chunk.get(choice).copied().unwrap_or(0);
                left = left.wrapping_shr(8);
            }
            if demanded.used().len() > 1 && skipped > 0 {
                chunks.nth(skipped.wrapping_sub(1));
            }
        }
        self.known & (union ^ self.inverted)
    }
}

/// Buckets of demands.
const BUCKETS: usize = 64;
const BUCKETS_LAST: u64 = 63;
/// Members in one chunk, chunks in a word of a set, and choices among the members of a chunk.
const CHUNK: usize = 8;
const WORD_CHUNKS: usize = 8;
const CHOICES: usize = 1 << CHUNK;
