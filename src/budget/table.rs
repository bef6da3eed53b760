//! A table that grows without moving: chunks of doubling size, each allocated once, when its first place is needed.

use alloc::boxed::Box;

use crate::sync::OnceLock;

/// Places by number, from 0; each is made when its chunk is.
pub(super) struct Table<T> {
    chunks: [OnceLock<Box<[T]>>; CHUNKS],
    /// The size of the first chunk as a power of two; chunk `k` has `2^k` times as many places.
    first_log2: u32,
}

impl<T: Default> Table<T> {
    /// A table whose first chunk, of at least that many places, is allocated at once.
    pub(super) fn new(reserved: usize) -> Self {
        let reserved = reserved.clamp(1, 1 << RESERVED_LOG2_MAX);
        let table = Self {
            chunks: [const { OnceLock::new() }; CHUNKS],
            first_log2: reserved.next_power_of_two().ilog2(),
        };
        table.make(0);
        table
    }

    /// The place of that number, if its chunk has been allocated.
    #[inline]
    pub(super) fn get(&self, index: u32) -> Option<&T> {
        let (chunk, offset) = self.locate(index);
        self.chunks.get(chunk)?.get()?.get(offset)
    }

    /// The place of that number, whose chunk is allocated if it has not been. `None` past the last that can be.
    pub(super) fn get_or_make(&self, index: u32) -> Option<&T> {
        let (chunk, offset) = self.locate(index);
        self.make(chunk)?.get(offset)
    }

    fn make(&self, chunk: usize) -> Option<&[T]> {
        let places = 1usize.checked_shl(self.first_log2)?.checked_shl(u32::try_from(chunk).ok()?)?;
        Some(self.chunks.get(chunk)?.get_or_init(|| (0..places).map(|_| T::default()).collect()))
    }

    // With F places in the first chunk, chunk k starts at (2^k - 1) * F: so index + F lies in [2^k * F, 2^(k+1) * F).
    #[inline]
    fn locate(&self, index: u32) -> (usize, usize) {
        let first = 1u64 << self.first_log2;
        // OK because the first chunk has at most 2^24 places, and the sum fits 33 bits.
        let shifted = u64::from(index).saturating_add(first);
        let top = shifted.ilog2();
        let chunk = top.saturating_sub(self.first_log2);
        let offset = shifted & !(1u64 << top);
        // An offset or a chunk that does not fit `usize` is in no chunk, and is found in none.
        (usize::try_from(chunk).unwrap_or(CHUNKS), usize::try_from(offset).unwrap_or(usize::MAX))
    }
}

/// The first chunk has at most `2^24` places, which is all that a table may need.
const RESERVED_LOG2_MAX: u32 = 24;
/// From one place in the first chunk, this many chunks have `2^25 - 1` places.
const CHUNKS: usize = 25;

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::sync::{AtomicU32, Ordering};
    use alloc::vec::Vec;

    #[test]
    fn every_number_has_a_place_of_its_own() {
        for reserved in [0, 1, 2, 3, 8, 100] {
            let table: Table<AtomicU32> = Table::new(reserved);
            for index in 0..2_000 {
                table.get_or_make(index).unwrap().store(index, Ordering::Relaxed);
            }
            let read: Vec<u32> =
                (0..2_000).map(|index| table.get(index).unwrap().load(Ordering::Relaxed)).collect();
            assert_eq!(read, (0..2_000).collect::<Vec<_>>());
        }
    }

    #[test]
    fn what_was_not_made_is_not_there() {
        let table: Table<AtomicU32> = Table::new(4);
        let rows = [(0, true), (3, true), (4, false), (12, false), (u32::MAX, false)];
        for (index, there) in rows {
            assert_eq!(table.get(index).is_some(), there, "{index}");
        }
        assert!(table.get_or_make(12).is_some());
        assert!(table.get(4).is_none(), "the chunk between was not asked for");
        assert!(table.get_or_make(u32::MAX).is_none());
    }
}
