//! One hold's slot: a state word that says which hold it is and how far it is, and what that hold took.

use super::path::Path;
use crate::limits::{GENERATION_MAX, PATH_CELLS_MAX};
use crate::num::Amount;
use crate::overrun::Overrun;
use crate::sync::{AtomicU32, AtomicU64, Ordering};

/// A place for one hold at a time, one generation after the other.
///
/// INVARIANT I10: a hold ends by one exchange of the state word, from its own generation to the next one; whoever
/// loses it changes nothing. What the slot says besides is written only by the call that claimed the slot, or that
/// brought the word into a phase of its own (`Extending`, `Expiring`), and read for good only by the call that
/// brought it into `Ending` or into one of these.
// In this order, so that a hold of up to ten cells is in one cache line; and no two slots share what a processor
// fetches together.
#[repr(C, align(128))]
#[derive(Debug)]
pub(super) struct Slot {
    state: AtomicU64,
    amount: AtomicU64,
    /// How many cells of each sort are on the path, its overrun, and whether it is cut by windows.
    shape: AtomicU32,
    /// The next free slot's number and one, or 0 (see `slab`).
    pub(super) next: AtomicU32,
    cells: [AtomicU32; PATH_CELLS_MAX],
}

/// The state word: a generation in the upper 56 bits, a phase in the lower 8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Word {
    pub(super) generation: u64,
    pub(super) phase: Phase,
}

/// How far a slot is with the hold of its generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// On a free list, on its way from or to one, or a free seat: the previous hold has ended and was settled.
    Vacant,
    /// Its money is being taken; nobody else knows of it.
    Taking,
    /// It keeps its money.
    Open,
    /// It keeps its money, and one call is taking more for it or booking a part of it.
    Extending,
    /// One call is giving its money back.
    Expiring,
    /// It has given its money back.
    Expired,
    /// The previous hold has ended, and one call is booking what came of it.
    Ending,
    /// The last generation has ended: the slot is never used again.
    Retired,
}

impl Slot {
    #[inline]
    pub(super) fn word(&self) -> Word {
        // ORDERING: Acquire pairs with `set` and `exchange`: who sees a phase sees what was written before it.
        Word::unpack(self.state.load(Ordering::Acquire))
    }

    /// Sets the word: by the one call that the slot belongs to.
    #[inline]
    pub(super) fn set(&self, word: Word) {
        // ORDERING: Release pairs with `word` and `exchange`.
        self.state.store(word.pack(), Ordering::Release);
    }

    /// Changes the word, if it is still `from`.
    #[inline]
    pub(super) fn exchange(&self, from: Word, to: Word) -> bool {
        // ORDERING: AcqRel: Acquire pairs with `set`, so that the winner reads what the hold took; Release pairs with
        // `word`, for who sees that the hold has ended.
        self.state.compare_exchange(from.pack(), to.pack(), Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }

    /// Writes what the hold to come will take: by the call that claimed the slot.
    #[inline]
    pub(super) fn fill(&self, path: &Path, amount: Amount) {
        // ORDERING: Release, here and below, pairs with `path` and `amount`: a reader that sees a later hold's
        // values then sees a later generation too, and does not take them for the earlier one's.
        for (place, &cell) in self.cells.iter().zip(path.all()) {
            place.store(cell, Ordering::Release);
        }
        let mode = path.overrun.code() | if path.cut { CUT } else { 0 };
        let shape = u32::from_le_bytes([path.len, mode, path.amounts, path.all]);
        self.shape.store(shape, Ordering::Release);
        self.set_amount(amount);
    }

    #[inline]
    pub(super) fn set_amount(&self, amount: Amount) {
        // ORDERING: as in `fill`.
        self.amount.store(amount.micros(), Ordering::Release);
    }

    #[inline]
    pub(super) fn amount(&self) -> Amount {
        // ORDERING: Acquire pairs with `set_amount`.
        Amount::new(self.amount.load(Ordering::Acquire)).unwrap_or(Amount::MAX)
    }

    pub(super) fn path(&self) -> Path {
        // ORDERING: Acquire pairs with `fill`.
        let [len, mode, amounts, all] = self.shape.load(Ordering::Acquire).to_le_bytes();
        let overrun = Overrun::from_code(mode & !CUT).unwrap_or_default();
        let mut path = Path { len, overrun, amounts, all, cut: mode & CUT != 0, ..Path::EMPTY };
        for (place, cell) in path.cells.iter_mut().zip(&self.cells).take(usize::from(all)) {
            // ORDERING: Acquire pairs with `fill`.
            *place = cell.load(Ordering::Acquire);
        }
        path
    }

    /// Whether its path has neither caps nor a limit that is cut by windows: nothing is given back but to its limits.
    #[inline]
    pub(super) fn is_plain(&self) -> bool {
        // ORDERING: Acquire pairs with `fill`.
        let [len, mode, _, all] = self.shape.load(Ordering::Acquire).to_le_bytes();
        mode & CUT == 0 && all == len
    }

    /// The numbers of the cells of limits on the path, in its order, one by one.
    #[inline]
    pub(super) fn cells(&self) -> impl Iterator<Item = u32> {
        // ORDERING: Acquire pairs with `fill`.
        let [len, ..] = self.shape.load(Ordering::Acquire).to_le_bytes();
        // ORDERING: Acquire pairs with `fill`.
        self.cells.iter().take(usize::from(len)).map(|cell| cell.load(Ordering::Acquire))
    }
}

/// A bit beside the overrun's code.
const CUT: u8 = 1 << 7;

impl Default for Slot {
    fn default() -> Self {
        Self {
            state: AtomicU64::new(Word { generation: 0, phase: Phase::Vacant }.pack()),
            amount: AtomicU64::new(0),
            shape: AtomicU32::new(0),
            next: AtomicU32::new(0),
            cells: core::array::from_fn(|_| AtomicU32::new(0)),
        }
    }
}

impl Word {
    /// The word once its hold has ended: the next generation, unless this was the last.
    #[inline]
    pub(super) fn ended(self) -> Self {
        match self.generation.checked_add(1) {
            Some(generation) if generation <= GENERATION_MAX => Self { generation, phase: Phase::Ending },
            _ => Self { generation: self.generation, phase: Phase::Retired },
        }
    }

    #[inline]
    pub(super) fn with(self, phase: Phase) -> Self {
        Self { generation: self.generation, phase }
    }

    #[inline]
    fn pack(self) -> u64 {
        let phase: u8 = match self.phase {
            Phase::Vacant => 0,
            Phase::Taking => 1,
            Phase::Open => 2,
            Phase::Extending => 3,
            Phase::Expiring => 4,
            Phase::Expired => 5,
            Phase::Ending => 6,
            Phase::Retired => 7,
        };
        // OK because a generation is at most 2^56 - 1.
        self.generation << 8 | u64::from(phase)
    }

    #[inline]
    fn unpack(word: u64) -> Self {
        let [phase, ..] = word.to_le_bytes();
        let phase = match phase {
            0 => Phase::Vacant,
            1 => Phase::Taking,
            2 => Phase::Open,
            3 => Phase::Extending,
            4 => Phase::Expiring,
            5 => Phase::Expired,
            6 => Phase::Ending,
            _ => Phase::Retired,
        };
        Self { generation: word >> 8, phase }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    const PHASES: [Phase; 8] = [
        Phase::Vacant,
        Phase::Taking,
        Phase::Open,
        Phase::Extending,
        Phase::Expiring,
        Phase::Expired,
        Phase::Ending,
        Phase::Retired,
    ];

    #[test]
    fn a_word_packs_and_unpacks() {
        for generation in [0, 1, 255, 256, GENERATION_MAX] {
            for phase in PHASES {
                let word = Word { generation, phase };
                assert_eq!(Word::unpack(word.pack()), word);
            }
        }
    }

    #[test]
    fn the_last_generation_retires_its_slot() {
        let open = |generation| Word { generation, phase: Phase::Open };
        assert_eq!(open(0).ended(), Word { generation: 1, phase: Phase::Ending });
        assert_eq!(
            open(GENERATION_MAX - 1).ended(),
            Word { generation: GENERATION_MAX, phase: Phase::Ending }
        );
        assert_eq!(open(GENERATION_MAX).ended(), Word { generation: GENERATION_MAX, phase: Phase::Retired });
    }

    #[test]
    fn a_slot_gives_back_what_it_was_filled_with() {
        let slot = Slot::default();
        let mut path = Path::EMPTY;
        for cell in 0..24 {
            assert!(path.add(cell * 7, Overrun::IfAvailable));
            slot.fill(&path, Amount::MAX);
            assert_eq!((slot.path(), slot.amount()), (path, Amount::MAX));
        }
        assert!(!path.add(1, Overrun::Deny));
    }
}
