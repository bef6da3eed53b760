//! For each gate, bitmaps of the slots that pass it.

use alloc::vec::Vec;

use super::WORD;
use crate::policy::{Candidate, ColumnIndex, ColumnKind, GateSpec, MemberId, MemberSet, Policy, Relation};

/// The bitmaps of one gate.
#[derive(Clone, Debug)]
pub(crate) enum Filter {
    /// Of a gate on numbers.
    Thresholds(Thresholds),
    /// Of a gate on members.
    Members(Members),
}

/// For some of a column's values, ascending, the slots with that value or more. When a column has no more than
/// [`THRESHOLDS`] different values, all of them are there and the bitmaps are exact.
#[derive(Clone, Debug)]
pub(crate) struct Thresholds {
    /// The largest number that may be demanded.
    pub(crate) demand_max: u64,
    values: Vec<u64>,
    exact: bool,
    words: usize,
    /// One bitmap for each value, then an empty one. The first has every slot with a known value.
    cells: Vec<u64>,
}

/// The slots that a demand on numbers lets pass: those of one bitmap that are not in another.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Passing {
    within: usize,
    without: usize,
}

/// For each chunk of a column's members, and each choice of them, the slots that have one of them (or, for
/// `has_all`, lack one).
#[derive(Clone, Debug)]
pub(crate) struct Members {
    /// The members that may be demanded.
    pub(crate) listed: MemberSet,
    lacking: bool,
    /// Members in one chunk: 4, or 1 where a column has many.
    chunk: usize,
    words: usize,
    /// Slots with a known value.
    known: Vec<u64>,
    /// For each chunk, for each choice of its members but none, a bitmap.
    cells: Vec<u64>,
}

impl Filter {
    pub(super) fn new(policy: &Policy, gate: &GateSpec, places: &[u16]) -> Self {
        let candidates: Vec<&Candidate> =
            places.iter().filter_map(|place| policy.candidates().get(usize::from(*place))).collect();
        let column = gate.column();
        match gate.relation() {
            Relation::AtLeast | Relation::AtMost | Relation::Fits => {
                let kind = policy.schema().column_at(column).map(crate::policy::Column::kind);
                Self::Thresholds(Thresholds::new(&candidates, column, kind))
            }
            Relation::HasAll | Relation::HasAny | Relation::OneOf => {
                let lacking = gate.relation() == Relation::HasAll;
                Self::Members(Members::new(&candidates, column, policy.listed(column), lacking))
            }
        }
    }
}

impl Thresholds {
    fn new(candidates: &[&Candidate], column: ColumnIndex, kind: Option<ColumnKind>) -> Self {
        let mut values: Vec<u64> =
            candidates.iter().filter_map(|candidate| candidate.value(column)).collect();
        values.sort_unstable();
        let of_all = values.len();
        let mut different = values.clone();
        different.dedup();
        let exact = different.len() <= THRESHOLDS;
        if exact {
            values = different;
        } else {
            // As many slots between each two of them, as far as values allow.
            let at = |step: usize| values.get(step.saturating_mul(of_all) / THRESHOLDS).copied();
            values = (0..THRESHOLDS).filter_map(at).collect();
            values.dedup();
        }
        let words = candidates.len().div_ceil(WORD);
        let mut cells = alloc::vec![0; words.saturating_mul(values.len().saturating_add(1))];
        for (slot, candidate) in candidates.iter().enumerate() {
            let Some(value) = candidate.value(column) else { continue };
            let reached = values.partition_point(|&threshold| threshold <= value);
            for bitmap in cells.chunks_mut(words.max(1)).take(reached) {
                set_bit(bitmap, slot);
            }
        }
        let demand_max =
            if kind == Some(ColumnKind::Bps) { u64::from(crate::num::Bps::MAX.as_u16()) } else { u64::MAX };
        Self { demand_max, values, exact, words, cells }
    }

    /// Whether [`Self::outer`] and [`Self::inner`] are the same.
    pub(crate) fn is_exact(&self) -> bool {
        self.exact
    }

    /// At least the slots that pass.
    #[inline]
    pub(crate) fn outer(&self, relation: Relation, demand: u128) -> Passing {
        match relation {
            Relation::AtMost => Passing { within: 0, without: self.bitmap(self.reached(demand)) },
            _ if self.exact => self.from(self.below(demand)),
            _ => self.from(self.reached(demand).saturating_sub(1)),
        }
    }

    /// At most the slots that pass.
    #[inline]
    pub(crate) fn inner(&self, relation: Relation, demand: u128) -> Passing {
        match relation {
            Relation::AtMost if self.exact => self.outer(relation, demand),
            Relation::AtMost => {
                Passing { within: 0, without: self.bitmap(self.reached(demand).saturating_sub(1)) }
            }
            _ => self.from(self.below(demand)),
        }
    }

    #[inline]
    pub(crate) fn word(&self, passing: Passing, word: usize) -> u64 {
        let cell = |bitmap: usize| self.cells.get(bitmap.wrapping_add(word)).copied().unwrap_or(0);
        cell(passing.within) & !cell(passing.without)
    }

    /// How many thresholds are at most the demand.
    #[inline]
    fn reached(&self, demand: u128) -> usize {
        match u64::try_from(demand) {
            Ok(demand) => self.values.partition_point(|&value| value <= demand),
            Err(_) => self.values.len(),
        }
    }

    /// How many thresholds are below the demand.
    #[inline]
    fn below(&self, demand: u128) -> usize {
        match u64::try_from(demand) {
            Ok(demand) => self.values.partition_point(|&value| value < demand),
            Err(_) => self.values.len(),
        }
    }

    /// The slots with that threshold or more.
    fn from(&self, threshold: usize) -> Passing {
        Passing { within: self.bitmap(threshold), without: self.bitmap(self.values.len()) }
    }

    fn bitmap(&self, threshold: usize) -> usize {
        threshold.wrapping_mul(self.words)
    }
}

impl Members {
    fn new(candidates: &[&Candidate], column: ColumnIndex, listed: MemberSet, lacking: bool) -> Self {
        let words = candidates.len().div_ceil(WORD);
        let last = listed.iter().last().map_or(0, |member| usize::from(member.0).saturating_add(1));
        // Four times the memory for a quarter of the look-ups, where that is little.
        let chunk = if last <= CHUNKED_MAX || words == 1 { 4 } else { 1 };
        let choices = CHOICES_OF_4 * usize::from(chunk == 4) + usize::from(chunk == 1);
        let cells = alloc::vec![0; last.div_ceil(chunk).saturating_mul(choices).saturating_mul(words)];
        let mut filter = Self { listed, lacking, chunk, words, known: alloc::vec![0; words], cells };
        for (slot, candidate) in candidates.iter().enumerate() {
            let has = match (candidate.member(column), candidate.set(column)) {
                (Some(member), _) => {
                    let mut one = MemberSet::EMPTY;
                    // OK because a checked policy has listed members alone.
                    one.insert(member).ok();
                    one
                }
                (None, Some(set)) => *set,
                (None, None) => continue,
            };
            set_bit(&mut filter.known, slot);
            filter.enter(slot, &has, last);
        }
        filter
    }

    /// Whether a demand for those members is one that every known value meets, or none can.
    #[inline]
    pub(crate) fn word(&self, demanded: &MemberSet, word: usize) -> u64 {
        let known = self.known.get(word).copied().unwrap_or(0);
        let mut union = 0_u64;
        for (start, bits) in (0_usize..).step_by(WORD).zip(demanded.words()) {
            let mut left = *bits;
            while left != 0 {
                let at = usize::try_from(left.trailing_zeros()).unwrap_or(0);
                let (row, mask) = self.row(start, at, left);
                union |=
                    self.cells.get(row.wrapping_mul(self.words).wrapping_add(word)).copied().unwrap_or(0);
                left &= !mask;
            }
        }
        if self.lacking { known & !union } else { known & union }
    }

    /// The bitmap for the members of `left` in the chunk of its lowest bit, and the mask of that chunk.
    #[inline]
    fn row(&self, start: usize, at: usize, left: u64) -> (usize, u64) {
        if self.chunk == 1 {
            return (start.wrapping_add(at), 1_u64.wrapping_shl(u32::try_from(at).unwrap_or(0)));
        }
        let shift = at & !3;
        let by = u32::try_from(shift).unwrap_or(0);
        let choice = usize::try_from(left.wrapping_shr(by) & 15).unwrap_or(0);
        let chunk = start.wrapping_add(shift) / 4;
        (chunk.wrapping_mul(CHOICES_OF_4).wrapping_add(choice).wrapping_sub(1), 15_u64.wrapping_shl(by))
    }

    fn enter(&mut self, slot: usize, has: &MemberSet, last: usize) {
        let choices = if self.chunk == 1 { 1 } else { CHOICES_OF_4 };
        for (chunk, start) in (0..last).step_by(self.chunk).enumerate() {
            for choice in 1..=choices {
                let chosen = (0..self.chunk).filter(|bit| choice & 1_usize.wrapping_shl(bit_of(*bit)) != 0);
                let mut members = chosen.filter_map(|bit| u16::try_from(start.saturating_add(bit)).ok());
                if members.any(|member| has.contains(MemberId(member)) != self.lacking) {
                    let row = chunk.saturating_mul(choices).saturating_add(choice).saturating_sub(1);
                    let from = row.saturating_mul(self.words);
                    if let Some(bitmap) = self.cells.get_mut(from..from.saturating_add(self.words)) {
                        set_bit(bitmap, slot);
                    }
                }
            }
        }
    }
}

fn bit_of(bit: usize) -> u32 {
    u32::try_from(bit).unwrap_or(0)
}

fn set_bit(bitmap: &mut [u64], slot: usize) {
    if let Some(word) = bitmap.get_mut(slot / WORD) {
        *word |= 1_u64.wrapping_shl(u32::try_from(slot % WORD).unwrap_or(0));
    }
}

/// Values for which a numeric gate has a bitmap.
const THRESHOLDS: usize = 64;
/// Choices among 4 members, but for none.
const CHOICES_OF_4: usize = 15;
/// Members of a column up to which choices of 4 have bitmaps, in a catalog of more than one word.
const CHUNKED_MAX: usize = 64;
