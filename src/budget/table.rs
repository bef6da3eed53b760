//! A table that grows without moving: chunks of doubling size, each allocated once, when its first place is needed.

use alloc::boxed::Box;

use crate::sync::OnceLock;

/// Places by number, from 0; each is made when its chunk is.
pub(super) struct Table<T> {
    /// Chunk 0, which is there from the beginning: what was reserved is found without a look at anything else.
    first: Box<[T]>,
    /// Chunk `k` is at `k - 1`, and has `2^k` times as many places as the first.
    later: [OnceLock<Box<[T]>>; LATER],
    /// The size of the first chunk as a power of two.
    first_log2: u32,
}

impl<T: Default> Table<T> {
    /// A table whose first chunk, of at least that many places, is allocated at once.
    pub(super) fn new(reserved: usize) -> Self {
        let reserved = reserved.clamp(1, 1 << RESERVED_LOG2_MAX);
        let first_log2 = reserved.next_power_of_two().ilog2();
        let first = places(1usize << first_log2);
        Self { first, later: [const { OnceLock::new() }; LATER], first_log2 }
    }

    /// The place of that number, if its chunk has been allocated.
    #[inline]
    pub(super) fn get(&self, index: u32) -> Option<&T> {
        match self.first.get(usize::try_from(index).ok()?) {
            Some(place) => Some(place),
            None => self.get_later(index),
        }
    }

    fn get_later(&self, index: u32) -> Option<&T> {
        let (chunk, offset) = self.locate(index);
        self.later.get(chunk.checked_sub(1)?)?.get()?.get(offset)
    }

    /// The place of that number, whose chunk is allocated if it has not been. `None` past the last that can be.
    pub(super) fn get_or_make(&self, index: u32) -> Option<&T> {
        let (chunk, offset) = self.locate(index);
        let Some(later) = chunk.checked_sub(1) else { return self.first.get(offset) };
        let count = 1usize.checked_shl(self.first_log2)?.checked_shl(u32::try_from(chunk).ok()?)?;
        self.later.get(later)?.get_or_init(|| places(count)).get(offset)
    }

    // With F places in the first chunk, chunk k starts at (2^k - 1) * F: so index + F lies in [2^k * F, 2^(k+1) * F).
    fn locate(&self, index: u32) -> (usize, usize) {
        let first = 1u64 << self.first_log2;
        // OK because the first chunk has at most 2^24 places, and the sum fits 33 bits.
        let shifted = u64::from(index).saturating_add(first);
        let top = shifted.ilog2();
        let chunk = top.saturating_sub(self.first_log2);
        let offset = shifted & !(1u64 << top);
        // An offset or a chunk that does not fit `usize` is in no chunk, and is found in none.
        (usize::try_from(chunk).unwrap_or(usize::MAX), usize::try_from(offset).unwrap_or(usize::MAX))
    }
}

fn places<T: Default>(count: usize) -> Box<[T]> {
    (0..count).map(|_| T::default()).collect()
}

/// The first chunk has at most `2^24` places, which is all that a table may need.
const RESERVED_LOG2_MAX: u32 = 24;
/// With one place in the first chunk, it and this many have `2^25 - 1` places.
const LATER: usize = 24;

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
