//! Where holds live: slots by number, and the free lists that recycle them.

use super::slot::{Phase, Slot};
use super::table::Table;
use crate::limits::FREE_SWEEPS_MAX;
use crate::sync::{AtomicU32, AtomicU64, Ordering};

/// Slots by number, those never used yet, and those to be used again.
pub(super) struct Slab {
    slots: Table<Slot>,
    /// The first number never given out.
    fresh: AtomicU32,
    max: u32,
    /// Several heads and not one: calls on different accounts start at different heads, and a call that meets
    /// another at a head goes on to the next.
    heads: [Head; HEADS],
}

/// The top of one free list: a tag that every change counts up, so that a head that was changed and changed back is
/// not taken for an unchanged one; and the number of the top slot and one, or 0.
#[repr(align(128))]
struct Head(AtomicU64);

/// Heads of the free lists.
const HEADS: usize = if cfg!(loom) { 2 } else { 16 };
/// Bits of a head's link: a slot's number and one, at most 2^24. The tag has the other 39 bits.
const LINK_BITS: u32 = 25;
const LINK: u64 = (1 << LINK_BITS) - 1;
const TAG_ONE: u64 = 1 << LINK_BITS;

/// What one look through all free lists came to.
enum Sweep {
    Found(u32),
    /// All were empty.
    Empty,
    /// One was not empty, but changed under the call.
    Raced,
}

impl Slab {
    pub(super) fn new(reserved: usize, max: u32) -> Self {
        Self {
            slots: Table::new(reserved),
            fresh: AtomicU32::new(0),
            max,
            heads: core::array::from_fn(|_| Head(AtomicU64::new(0))),
        }
    }

    pub(super) fn max(&self) -> u32 {
        self.max
    }

    #[inline]
    pub(super) fn get(&self, index: u32) -> Option<&Slot> {
        self.slots.get(index)
    }

    /// The slots that have ever been used.
    pub(super) fn used(&self) -> impl Iterator<Item = &Slot> {
        // ORDERING: Acquire pairs with `take_fresh`; a slot that a take was made for is counted here by whoever
        // sees that take.
        (0..self.fresh.load(Ordering::Acquire)).filter_map(|index| self.slots.get(index))
    }

    /// A vacant slot, which belongs to the caller until it sets the state word to `Open` or recycles it. `None` if
    /// every slot is in use. `start` chooses the free list to begin with.
    pub(super) fn claim(&self, start: u32) -> Option<(u32, &Slot)> {
        for _ in 0..FREE_SWEEPS_MAX {
            match self.sweep(start) {
                Sweep::Found(index) => return Some((index, self.slots.get(index)?)),
                Sweep::Empty => break,
                Sweep::Raced => {}
            }
        }
        match self.take_fresh() {
            Some(index) => Some((index, self.slots.get_or_make(index)?)),
            // Slots are used up: one that another call gave back during the sweeps is still good.
            None => match self.sweep(start) {
                Sweep::Found(index) => Some((index, self.slots.get(index)?)),
                Sweep::Empty | Sweep::Raced => None,
            },
        }
    }

    /// Gives a slot back, unless its last generation has ended.
    pub(super) fn recycle(&self, index: u32, slot: &Slot, start: u32) {
        if slot.word().phase == Phase::Retired {
            return;
        }
        // OK because a number is below 2^24.
        let link = index.saturating_add(1);
        // The loop repeats only because another call changed the head: somebody makes progress.
        for head in self.heads_from(start).cycle() {
            // ORDERING: a first guess, which the exchange checks.
            let seen = head.0.load(Ordering::Relaxed);
            // ORDERING: Relaxed: the exchange below releases it, with all that the slot's last hold did.
            slot.next.store(link_of(seen), Ordering::Relaxed);
            // ORDERING: Release pairs with the acquire in `sweep`.
            let to = tagged(seen, link);
            if head.0.compare_exchange(seen, to, Ordering::Release, Ordering::Relaxed).is_ok() {
                return;
            }
        }
    }

    fn sweep(&self, start: u32) -> Sweep {
        let mut outcome = Sweep::Empty;
        for head in self.heads_from(start) {
            // ORDERING: Acquire pairs with `recycle`: the top slot's link is read next.
            let seen = head.0.load(Ordering::Acquire);
            let Some(index) = link_of(seen).checked_sub(1) else { continue };
            let Some(slot) = self.slots.get(index) else { continue };
            // Of a slot that another call has taken since, the link may be any: then the tag has moved on, and the
            // exchange fails. ORDERING: Relaxed: written before the release that was acquired above.
            let next = slot.next.load(Ordering::Relaxed);
            // ORDERING: AcqRel: Acquire pairs with `recycle`, so that the slot is seen as its last hold left it;
            // Release keeps the link of the slot below for whoever takes that one.
            let to = tagged(seen, next);
            if head.0.compare_exchange(seen, to, Ordering::AcqRel, Ordering::Relaxed).is_ok() {
                return Sweep::Found(index);
            }
            outcome = Sweep::Raced;
        }
        outcome
    }

    fn take_fresh(&self) -> Option<u32> {
        // ORDERING: a first guess, which the exchange checks.
        let mut seen = self.fresh.load(Ordering::Relaxed);
        // The loop repeats only because another call took the number.
        while seen < self.max {
            // OK because the maximum is at most 2^24.
            let next = seen.saturating_add(1);
            // ORDERING: Release pairs with `used`.
            match self.fresh.compare_exchange_weak(seen, next, Ordering::Release, Ordering::Relaxed) {
                Ok(_) => return Some(seen),
                Err(now) => seen = now,
            }
        }
        None
    }

    fn heads_from(&self, start: u32) -> impl Iterator<Item = &Head> + Clone {
        let start = usize::try_from(start).unwrap_or(0);
        (0..HEADS).filter_map(move |step| self.heads.get(start.wrapping_add(step) % HEADS))
    }
}

fn link_of(head: u64) -> u32 {
    // OK because the link has 25 bits.
    u32::try_from(head & LINK).unwrap_or(0)
}

/// The head with another link and the next tag, which wraps after 2^39 changes of this one list: a call would have
/// to sleep through exactly that many to be misled.
fn tagged(seen: u64, link: u32) -> u64 {
    (seen & !LINK).wrapping_add(TAG_ONE) | u64::from(link)
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::budget::slot::Word;
    use crate::limits::GENERATION_MAX;
    use alloc::collections::BTreeSet;

    #[test]
    fn slots_are_given_once_and_then_again() {
        let slab = Slab::new(4, 40);
        let mut given = BTreeSet::new();
        for start in 0..40 {
            let (index, _) = slab.claim(start).unwrap();
            assert!(given.insert(index));
        }
        assert!(slab.claim(0).is_none());
        for index in 0..40 {
            slab.recycle(index, slab.get(index).unwrap(), index);
        }
        // All of them again, whichever list the search begins with.
        for start in 0..40 {
            let (index, _) = slab.claim(start * 3).unwrap();
            assert!(given.remove(&index));
        }
        assert!(slab.claim(0).is_none());
    }

    #[test]
    fn a_slot_is_used_again_where_it_was_used_last() {
        let slab = Slab::new(4, 40);
        let (first, slot) = slab.claim(5).unwrap();
        slab.recycle(first, slot, 5);
        assert_eq!(slab.claim(5).unwrap().0, first);
    }

    #[test]
    fn a_retired_slot_is_not_given_again() {
        let slab = Slab::new(1, 1);
        let (index, slot) = slab.claim(0).unwrap();
        let last = Word { generation: GENERATION_MAX, phase: Phase::Open };
        slot.set(last);
        assert!(slot.exchange(last, last.ended()));
        slab.recycle(index, slot, 0);
        assert!(slab.claim(0).is_none());
    }

    #[test]
    fn every_change_moves_the_tag() {
        let head = tagged(0, 7);
        assert_eq!(link_of(head), 7);
        let back = tagged(tagged(head, 0), 7);
        assert_eq!(link_of(back), 7);
        assert_ne!(head, back);
        assert_eq!(tagged(!LINK, 3), 3, "the tag wraps");
    }
}
