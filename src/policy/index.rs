//! What makes deciding fast: a catalog laid out anew when a policy is frozen.
//!
//! Candidates get **slots**: those that some request may find eligible come first, alike ones side by side, the
//! others (disabled, unpriced, of unknown utility) after them. For each gate there are bitmaps of slots, and for
//! each slot, and each block of slots, a row of numbers from which a request computes a bound in one pass. The index
//! says which candidates cannot matter; what the others are worth, the kernel works out from the catalog itself.
//!
//! Memory, for n candidates: for a numeric gate at most 65 bitmaps of n bits, and n values and n places where these do
//! not tell all of them apart; for a gate on members 4 bitmaps for each number up to the highest listed one while that
//! is below 64, else 1; for each candidate a row of 5, 8 or 11 integers (for 2, 5 or 8 quantities), and 8 bytes more;
//! 1/32 of the rows and 1/16 of the bitmaps once more. A catalog of one word has 2.3 KiB more for each numeric gate and
//! 2 KiB for each 8 member numbers of the others.

mod arrange;
mod filter;
mod rows;
mod tiers;
mod word;

use alloc::{boxed::Box, vec::Vec};

use super::{Candidate, Policy, Utility};
use crate::id::CandidateId;

pub(crate) use filter::{Filter, Members, Passing, Slots, Thresholds, clear};
pub(crate) use rows::{COLUMNS, RATES, Rows, Statics, WIDTHS};
pub(crate) use word::{Table, Tables, Word, WordRow};

/// A policy's catalog laid out for searching.
#[derive(Clone, Debug, Default)]
pub(crate) struct Index {
    /// For each slot the candidate's place in the catalog.
    places: Vec<u16>,
    /// For each place the candidate's slot.
    slots: Vec<u16>,
    /// By slot.
    ids: Vec<CandidateId>,
    /// Slots that the policy does not disable.
    enabled: Vec<u64>,
    enabled_count: u32,
    /// Slots whose rows do not bound from both sides: several cards, a rate missing or cut off.
    loose: Vec<u64>,
    /// One for each gate of the schema.
    filters: Vec<Filter>,
    /// What deciding needs of it where the catalog has one word.
    word: Option<Box<Word>>,
    /// One row for each slot that some request may find eligible.
    rows: Rows,
    /// One for each block of [`LEAF`] rows: the best of each of its columns.
    leaves: Rows,
    /// One for each block of [`GROUP`] rows.
    groups: Rows,
    /// The least id in each leaf and in each group.
    leaf_ids: Vec<CandidateId>,
    group_ids: Vec<CandidateId>,
    statics: Statics,
}

impl Index {
    /// Lays out a checked policy's catalog.
    pub(super) fn new(policy: &Policy) -> Self {
        let rows = rows::Draft::new(policy);
        let places = arrange::arrange(&rows, policy.candidates().len());
        let mut slots = alloc::vec![0_u16; places.len()];
        for (slot, place) in (0_u16..=u16::MAX).zip(&places) {
            if let Some(place) = slots.get_mut(usize::from(*place)) {
                *place = slot;
            }
        }
        let candidates = || places.iter().filter_map(|place| policy.candidates().get(usize::from(*place)));
        let ids: Vec<CandidateId> = candidates().map(Candidate::id).collect();
        let of_slots = rows.take(&places);
        let filters: Vec<Filter> =
            policy.schema().gates().iter().map(|gate| Filter::new(policy, gate, &places)).collect();
        let word = Word::new(policy, &filters, &places, &rows).map(Box::new);
        let live = ids.get(..of_slots.len()).unwrap_or_default();
        let enabled = candidates().filter(|candidate| candidate.is_enabled()).count();
        Self {
            enabled: bitmap(candidates().map(Candidate::is_enabled)),
            enabled_count: u32::try_from(enabled).unwrap_or(u32::MAX),
            loose: bitmap(places.iter().map(|place| rows.is_loose(*place))),
            filters,
            word,
            leaves: of_slots.best_of_blocks(LEAF),
            groups: of_slots.best_of_blocks(GROUP),
            leaf_ids: least(live, LEAF),
            group_ids: least(live, GROUP),
            statics: rows.statics(),
            rows: of_slots,
            places,
            slots,
            ids,
        }
    }

    /// How many words of 64 slots a bitmap has.
    pub(crate) fn words(&self) -> usize {
        self.enabled.len()
    }

    /// The catalog's place of the candidate in that slot.
    pub(crate) fn place(&self, slot: usize) -> Option<usize> {
        self.places.get(slot).map(|place| usize::from(*place))
    }

    /// The slot of the candidate at that place of the catalog.
    pub(crate) fn slot(&self, place: usize) -> Option<usize> {
        self.slots.get(place).map(|slot| usize::from(*slot))
    }

    pub(crate) fn id(&self, slot: usize) -> CandidateId {
        self.ids.get(slot).copied().unwrap_or(CandidateId(u32::MAX))
    }

    /// How many candidates there are.
    pub(crate) fn candidates(&self) -> u32 {
        // OK because there are at most 65,535.
        u32::try_from(self.ids.len()).unwrap_or(u32::MAX)
    }

    /// Every slot of that word.
    pub(crate) fn all(&self, word: usize) -> u64 {
        first_bits(self.ids.len().saturating_sub(word.saturating_mul(WORD)))
    }

    /// The slots of that word that some request may find eligible.
    pub(crate) fn live(&self, word: usize) -> u64 {
        first_bits(self.rows.len().saturating_sub(word.saturating_mul(WORD)))
    }

    pub(crate) fn enabled(&self, word: usize) -> u64 {
        self.enabled.get(word).copied().unwrap_or(0)
    }

    /// Slots that the policy does not disable.
    pub(crate) fn enabled_slots(&self) -> &[u64] {
        &self.enabled
    }

    pub(crate) fn enabled_count(&self) -> u32 {
        self.enabled_count
    }

    pub(crate) fn loose(&self, word: usize) -> u64 {
        self.loose.get(word).copied().unwrap_or(0)
    }

    /// A catalog of one word.
    #[inline]
    pub(crate) fn word(&self) -> Option<&Word> {
        self.word.as_deref()
    }

    pub(crate) fn filters(&self) -> &[Filter] {
        &self.filters
    }

    pub(crate) fn rows(&self) -> &Rows {
        &self.rows
    }

    pub(crate) fn leaves(&self) -> &Rows {
        &self.leaves
    }

    pub(crate) fn groups(&self) -> &Rows {
        &self.groups
    }

    pub(crate) fn leaf_id(&self, leaf: usize) -> CandidateId {
        self.leaf_ids.get(leaf).copied().unwrap_or(CandidateId(0))
    }

    pub(crate) fn group_id(&self, group: usize) -> CandidateId {
        self.group_ids.get(group).copied().unwrap_or(CandidateId(0))
    }

    pub(crate) fn statics(&self) -> &Statics {
        &self.statics
    }
}

/// What a candidate's utility has that no request changes; `None` when it is unknown. SEMANTICS 7.2.
pub(super) fn fixed_worth(policy: &Policy, utility: &Utility, candidate: &Candidate) -> Option<(u64, i128)> {
    let merit = utility.merit_of(candidate, policy.schema().merit())?;
    let penalty = utility.penalty_of(candidate, |_, _| ())?;
    Some((merit, penalty))
}

/// The least id of each block.
fn least(ids: &[CandidateId], block: usize) -> Vec<CandidateId> {
    ids.chunks(block).filter_map(|ids| ids.iter().min().copied()).collect()
}

/// A bit for each item, the first one lowest.
fn bitmap(bits: impl Iterator<Item = bool>) -> Vec<u64> {
    let mut words = Vec::new();
    for (at, bit) in bits.enumerate() {
        if at % WORD == 0 {
            words.push(0);
        }
        if let Some(word) = words.last_mut() {
            *word |= u64::from(bit).wrapping_shl(u32::try_from(at % WORD).unwrap_or(0));
        }
    }
    words
}

/// A word with that many of its lowest bits set.
fn first_bits(count: usize) -> u64 {
    match u32::try_from(count) {
        Ok(count) if count < u64::BITS => !u64::MAX.wrapping_shl(count),
        _ => u64::MAX,
    }
}

/// Slots in one word of a bitmap.
pub(crate) const WORD: usize = 64;
/// Words of a demand for members that are united at a time.
pub(crate) const BLOCK: usize = 32;
/// Slots in one leaf: half a word.
pub(crate) const LEAF: usize = 32;
/// Leaves in one group.
pub(crate) const LEAVES: usize = 32;
/// Slots in one group.
pub(crate) const GROUP: usize = LEAF * LEAVES;
/// Groups in one catalog, at most.
pub(crate) const GROUPS: usize = crate::limits::CANDIDATES_MAX.div_ceil(GROUP);
