//! Which leaves and groups a bitmap has slots in, so that blocks without any are never looked into.

use alloc::vec::Vec;

use super::{LEAVES, WORD};

/// For each of some bitmaps a bit for each leaf, and one for each group.
#[derive(Clone, Debug, Default)]
pub(super) struct Tiers {
    /// Groups of one bitmap.
    count: usize,
    /// For each bitmap, for each group, its leaves.
    leaves: Vec<u32>,
    groups: Vec<u64>,
}

impl Tiers {
    /// Of bitmaps with that many words.
    pub(super) fn new(words: usize) -> Self {
        Self { count: words.div_ceil(WORDS), leaves: Vec::new(), groups: Vec::new() }
    }

    pub(super) fn push(&mut self, bitmap: impl Iterator<Item = u64>) {
        let first = self.leaves.len();
        self.leaves.resize(first.saturating_add(self.count), 0);
        let mut of_groups = 0_u64;
        for (at, word) in bitmap.enumerate() {
            // Two leaves in each word.
            let halves = u32::from(word & HALF != 0) | u32::from(word & !HALF != 0) << 1;
            let (group, within) = (at / WORDS, at % WORDS);
            if let Some(leaves) = self.leaves.get_mut(first.saturating_add(group)) {
                *leaves |= halves.wrapping_shl(u32::try_from(within.saturating_mul(2)).unwrap_or(0));
            }
            of_groups |= u64::from(halves != 0).wrapping_shl(u32::try_from(group).unwrap_or(0));
        }
        self.groups.push(of_groups);
    }

    #[inline]
    pub(super) fn groups(&self, bitmap: usize) -> u64 {
        self.groups.get(bitmap).copied().unwrap_or(0)
    }

    #[inline]
    pub(super) fn leaves(&self, bitmap: usize, group: usize) -> u32 {
        self.leaves.get(bitmap.wrapping_mul(self.count).wrapping_add(group)).copied().unwrap_or(0)
    }
}

/// Words of one group's slots.
const WORDS: usize = LEAVES / 2;
const HALF: u64 = (1 << (WORD / 2)) - 1;
