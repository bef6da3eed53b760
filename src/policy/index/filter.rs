//! For each gate, bitmaps of the slots that pass it.

use alloc::vec::Vec;

use core::ops::{BitAnd, BitOr};

use super::tiers::Tiers;
use super::{BLOCK, WORD};
use crate::policy::{Candidate, ColumnIndex, ColumnKind, GateSpec, MemberId, MemberSet, Policy, Relation};

/// One gate with its bitmaps.
#[derive(Clone, Debug)]
pub(crate) struct Filter {
    pub(crate) gate: GateSpec,
    pub(crate) slots: Slots,
}

/// The bitmaps of one gate.
#[derive(Clone, Debug)]
pub(crate) enum Slots {
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
    /// The value of each slot, while bitmaps are not exact; 0 where it is unknown.
    by_slot: Vec<u64>,
    /// The slots with a known value, by their values, ascending, while bitmaps are not exact.
    ascending: Vec<u16>,
    /// For each threshold the first place of those with that value or more.
    starts: Vec<usize>,
    /// One bitmap for each value, then an empty one. The first has every slot with a known value.
    cells: Vec<u64>,
    /// A row for each of these bitmaps, then one for each with the slots of known values that are not in it.
    tiers: Tiers,
}

/// The slots that a demand on numbers lets pass: those of one bitmap that are not in another.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Passing {
    within: usize,
    without: usize,
    /// The row of its blocks.
    tier: usize,
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
    /// For each chunk, for each choice of its members, a bitmap.
    cells: Vec<u64>,
    /// The blocks of the slots with known values, then a row for each bitmap: those of the slots that pass by it.
    tiers: Tiers,
}

impl Filter {
    pub(super) fn new(policy: &Policy, gate: &GateSpec, places: &[u16]) -> Self {
        let candidates: Vec<&Candidate> =
            places.iter().filter_map(|place| policy.candidates().get(usize::from(*place))).collect();
        let column = gate.column();
        let slots = match gate.relation() {
            Relation::AtLeast | Relation::AtMost | Relation::Fits => {
                let kind = policy.schema().column_at(column).map(crate::policy::Column::kind);
                Slots::Thresholds(Thresholds::new(&candidates, column, kind))
            }
            Relation::HasAll | Relation::HasAny | Relation::OneOf => {
                let lacking = gate.relation() == Relation::HasAll;
                Slots::Members(Members::new(&candidates, column, policy.listed(column), lacking))
            }
        };
        Self { gate: *gate, slots }
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
        let known = cells.get(..words).unwrap_or_default().to_vec();
        let mut tiers = Tiers::new(words);
        for bitmap in cells.chunks(words.max(1)) {
            tiers.push(bitmap.iter().copied());
        }
        for bitmap in cells.chunks(words.max(1)) {
            tiers.push(known.iter().zip(bitmap).map(|(known, above)| known & !above));
        }
        let value = |candidate: &&Candidate| candidate.value(column).unwrap_or(0);
        let by_slot: Vec<u64> = if exact { Vec::new() } else { candidates.iter().map(value).collect() };
        let value = |slot: &u16| by_slot.get(usize::from(*slot)).copied().unwrap_or(0);
        let is_known = |slot: &u16| {
            candidates.get(usize::from(*slot)).is_some_and(|candidate| candidate.value(column).is_some())
        };
        let slots = (0..=u16::MAX).take(by_slot.len());
        let mut ascending: Vec<u16> = slots.filter(is_known).collect();
        ascending.sort_by_key(value);
        let start = |threshold: &u64| ascending.partition_point(|slot| value(slot) < *threshold);
        let starts = values.iter().map(start).collect();
        Self { demand_max, values, exact, words, by_slot, ascending, starts, cells, tiers }
    }

    /// Whether [`Self::outer`] leaves nothing open.
    pub(crate) fn is_exact(&self) -> bool {
        self.exact
    }

    /// Whether the known value of a slot passes, while bitmaps are not exact.
    #[inline]
    pub(crate) fn passes(&self, relation: Relation, demand: u64, slot: usize) -> bool {
        let value = self.by_slot.get(slot);
        match relation {
            Relation::AtMost => value.is_some_and(|&value| value <= demand),
            _ => value.is_some_and(|&value| value >= demand),
        }
    }

    /// At least the slots that pass.
    #[inline]
    pub(crate) fn outer(&self, relation: Relation, demand: u64) -> Passing {
        match relation {
            Relation::AtMost => self.up_to(self.reached(demand)),
            _ if self.exact => self.from(self.below(demand)),
            _ => self.from(self.reached(demand).saturating_sub(1)),
        }
    }

    /// Leaves those of a whole bitmap that are in one of [`Self::outer`].
    pub(crate) fn sift(&self, passing: Passing, left: &mut [u64]) {
        let bitmap = |at: usize| self.cells.get(at..).unwrap_or_default();
        for ((left, within), without) in
            left.iter_mut().zip(bitmap(passing.within)).zip(bitmap(passing.without))
        {
            *left &= within & !without;
        }
    }

    /// Takes those out that [`Self::outer`] leaves open and that do not pass.
    pub(crate) fn sift_open(&self, relation: Relation, demand: u64, left: &mut [u64]) {
        let fails = |slot: &&u16| !self.passes(relation, demand, usize::from(**slot));
        let start = |threshold: usize| self.starts.get(threshold).copied().unwrap_or(self.ascending.len());
        let reached = self.reached(demand);
        // What the last threshold reached leaves open lies before the next one, and fails on one side of the demand.
        let open = self.ascending.get(start(reached.saturating_sub(1))..start(reached)).unwrap_or_default();
        let take = |slot: &u16| clear(left, usize::from(*slot));
        if relation == Relation::AtMost {
            open.iter().rev().take_while(fails).for_each(take);
        } else {
            open.iter().take_while(fails).for_each(take);
        }
    }

    #[inline]
    pub(crate) fn word(&self, passing: Passing, word: usize) -> u64 {
        let cell = |bitmap: usize| self.cells.get(bitmap.wrapping_add(word)).copied().unwrap_or(0);
        cell(passing.within) & !cell(passing.without)
    }

    pub(super) fn values(&self) -> &[u64] {
        &self.values
    }

    /// In a catalog of one word the slots that pass a demand with that many values before it: less than it or, for
    /// `at_most`, not above it.
    pub(super) fn ranked(&self, relation: Relation, rank: usize) -> u64 {
        let passing = if relation == Relation::AtMost { self.up_to(rank) } else { self.from(rank) };
        self.word(passing, 0)
    }

    /// The slots that pass a demand beyond every value.
    pub(crate) fn beyond(&self, relation: Relation) -> Passing {
        let rank = self.values.len();
        if relation == Relation::AtMost { self.up_to(rank) } else { self.from(rank) }
    }

    /// How many thresholds are at most the demand.
    #[inline]
    fn reached(&self, demand: u64) -> usize {
        self.values.partition_point(|&value| value <= demand)
    }

    /// How many thresholds are below the demand.
    #[inline]
    fn below(&self, demand: u64) -> usize {
        self.values.partition_point(|&value| value < demand)
    }

    /// The slots with that threshold or more.
    #[inline]
    fn from(&self, threshold: usize) -> Passing {
        let without = self.bitmap(self.values.len());
        Passing { within: self.bitmap(threshold), without, tier: threshold }
    }

    /// The slots with less than that threshold.
    #[inline]
    fn up_to(&self, threshold: usize) -> Passing {
        let tier = self.values.len().wrapping_add(1).wrapping_add(threshold);
        Passing { within: 0, without: self.bitmap(threshold), tier }
    }

    /// The groups with a slot that passes.
    #[inline]
    pub(crate) fn groups(&self, passing: Passing) -> u64 {
        self.tiers.groups(passing.tier)
    }

    /// The leaves of that group with a slot that passes.
    #[inline]
    pub(crate) fn leaves(&self, passing: Passing, group: usize) -> u32 {
        self.tiers.leaves(passing.tier, group)
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
        let mut known = alloc::vec![0; words];
        // For each member the slots that have it (or lack it).
        let mut members = alloc::vec![0; last.next_multiple_of(chunk).saturating_mul(words)];
        for (slot, candidate) in candidates.iter().enumerate() {
            let (member, set) = (candidate.member(column), candidate.set(column));
            if member.is_none() && set.is_none() {
                continue;
            }
            set_bit(&mut known, slot);
            let has = |id| member == Some(id) || set.is_some_and(|set| set.contains(id));
            for (id, bitmap) in (0_u16..).map(MemberId).zip(members.chunks_mut(words.max(1))).take(last) {
                if has(id) != lacking {
                    set_bit(bitmap, slot);
                }
            }
        }
        let cells = if chunk == 1 { members } else { unions(&members, words) };
        let tiers = Tiers::new(words);
        let mut filter = Self { listed, lacking, chunk, words, known, cells, tiers };
        filter.tiers.push(filter.known.iter().copied());
        for bitmap in filter.cells.chunks(words.max(1)) {
            let flip = if lacking { u64::MAX } else { 0 };
            filter.tiers.push(filter.known.iter().zip(bitmap).map(|(known, row)| known & (row ^ flip)));
        }
        filter
    }

    /// At least the groups with a slot that passes.
    pub(crate) fn groups(&self, demanded: &MemberSet) -> u64 {
        self.blocks(demanded, |row| self.tiers.groups(row))
    }

    /// At least the leaves of that group with a slot that passes.
    pub(crate) fn leaves(&self, demanded: &MemberSet, group: usize) -> u32 {
        self.blocks(demanded, |row| self.tiers.leaves(row, group))
    }

    /// The blocks that pass by every bitmap of the demand or, where one suffices, by one of them.
    #[inline]
    fn blocks<B>(&self, demanded: &MemberSet, of_row: impl Fn(usize) -> B) -> B
    where
        B: Default + BitAnd<Output = B> + BitOr<Output = B>,
    {
        let mut blocks = if self.lacking { of_row(0) } else { B::default() };
        self.each_row(demanded, |row| {
            let row = of_row(row.wrapping_add(1));
            let before = core::mem::take(&mut blocks);
            blocks = if self.lacking { before & row } else { before | row };
        });
        blocks
    }

    /// Leaves those of a whole bitmap that pass a demand for listed members.
    pub(crate) fn sift(&self, demanded: &MemberSet, left: &mut [u64]) {
        let flip = if self.lacking { u64::MAX } else { 0 };
        for (block, first) in left.chunks_mut(BLOCK).zip((0..).step_by(BLOCK)) {
            let mut unions = [0_u64; BLOCK];
            self.each_row(demanded, |row| {
                let start = row.wrapping_mul(self.words).wrapping_add(first);
                let row = self.cells.get(start..).unwrap_or_default();
                unions.iter_mut().zip(row).for_each(|(union, cell)| *union |= cell);
            });
            let known = self.known.get(first..).unwrap_or_default();
            for ((left, union), known) in block.iter_mut().zip(unions).zip(known) {
                *left &= known & (union ^ flip);
            }
        }
    }

    /// The slots of that word that pass a demand for listed members.
    #[inline]
    pub(crate) fn word(&self, demanded: &MemberSet, word: usize) -> u64 {
        let mut union = 0_u64;
        self.each_row(demanded, |row| union |= self.cell(row, word));
        let known = self.known.get(word).copied().unwrap_or(0);
        if self.lacking { known & !union } else { known & union }
    }

    /// Each bitmap of the demand, by its row.
    #[inline]
    fn each_row(&self, demanded: &MemberSet, mut each: impl FnMut(usize)) {
        for (start, bits) in (0_usize..).step_by(WORD).zip(demanded.used()) {
            let mut left = *bits;
            if self.chunk == 1 {
                while left != 0 {
                    each(start.wrapping_add(usize::try_from(left.trailing_zeros()).unwrap_or(0)));
                    left &= left.wrapping_sub(1);
                }
                continue;
            }
            let mut row = start.wrapping_mul(CHOICES_OF_4 / 4);
            while left != 0 {
                if left & 15 != 0 {
                    each(row.wrapping_add(usize::try_from(left & 15).unwrap_or(0)));
                }
                left = left.wrapping_shr(4);
                row = row.wrapping_add(CHOICES_OF_4);
            }
        }
    }

    #[inline]
    fn cell(&self, row: usize, word: usize) -> u64 {
        self.cells.get(row.wrapping_mul(self.words).wrapping_add(word)).copied().unwrap_or(0)
    }
}

/// For each 4 bitmaps the unions of every choice of them.
fn unions(bitmaps: &[u64], words: usize) -> Vec<u64> {
    let mut unions: Vec<u64> = Vec::new();
    for four in bitmaps.chunks(words.saturating_mul(4).max(1)) {
        let first = unions.len();
        unions.resize(first.saturating_add(words), 0);
        for choice in 1..CHOICES_OF_4 {
            // The choice without its lowest one is there already.
            let rest = first.saturating_add((choice & choice.wrapping_sub(1)).saturating_mul(words));
            let lowest = usize::try_from(choice.trailing_zeros()).unwrap_or(0).saturating_mul(words);
            for word in 0..words {
                let union = unions.get(rest.saturating_add(word)).copied().unwrap_or(0);
                let one = four.get(lowest.saturating_add(word)).copied().unwrap_or(0);
                unions.push(union | one);
            }
        }
    }
    unions
}

/// Takes a slot out of a bitmap.
#[inline]
pub(crate) fn clear(bitmap: &mut [u64], slot: usize) {
    if let Some(word) = bitmap.get_mut(slot / WORD) {
        *word &= !1_u64.wrapping_shl(u32::try_from(slot % WORD).unwrap_or(0));
    }
}

fn set_bit(bitmap: &mut [u64], slot: usize) {
    if let Some(word) = bitmap.get_mut(slot / WORD) {
        *word |= 1_u64.wrapping_shl(u32::try_from(slot % WORD).unwrap_or(0));
    }
}

/// Values for which a numeric gate has a bitmap.
const THRESHOLDS: usize = 64;
const _: () = assert!(THRESHOLDS >= WORD, "one word of slots has no more different values");
/// Choices among 4 members.
const CHOICES_OF_4: usize = 16;
/// Members of a column up to which choices of 4 have bitmaps, in a catalog of more than one word.
const CHUNKED_MAX: usize = 64;
