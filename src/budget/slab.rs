//! Where holds live: slots by number, the seats, and the free lists that recycle the other slots.

use super::slot::{Phase, Slot, Word};
use super::table::Table;
use crate::limits::FREE_SWEEPS_MAX;
use crate::sync::{AtomicU32, AtomicU64, Ordering};

/// Slots by number, those never used yet, and those to be used again.
///
/// The first slots, one for each free list, are *seats*: they are on no list. One is claimed by an exchange of its
/// state word, and free again when that word says so. So a call on an account with few holds open changes no list.
pub(super) struct Slab {
    slots: Table<Slot>,
    /// The first number never given out. Seats are not given out: they are below it from the beginning.
    fresh: AtomicU32,
    max: u32,
    /// Several heads and not one: calls on different accounts start at different heads, and a call that meets
    /// another at a head goes on to the next.
    heads: [Head; HEADS],
}

/// A slot that belongs to one call: its number, and its state word, which is in phase `Taking`.
#[derive(Clone, Copy)]
pub(super) struct Claim<'a> {
    pub(super) index: u32,
    pub(super) slot: &'a Slot,
    pub(super) word: Word,
}

/// The top of one free list: a tag that every change counts up, so that a head that was changed and changed back is
/// not taken for an unchanged one; and the number of the top slot and one, or 0.
#[repr(align(128))]
struct Head(AtomicU64);

/// Heads of the free lists, and seats.
const HEADS: usize = if cfg!(any(loom, shuttle)) { 2 } else { 16 };
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
            // All seats are there from the beginning.
            slots: Table::new(reserved.max(HEADS)),
            fresh: AtomicU32::new(max.min(u32::try_from(HEADS).unwrap_or(0))),
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

    /// The seats, and the other slots that have ever been used.
    pub(super) fn used(&self) -> impl Iterator<Item = &Slot> {
        // ORDERING: Acquire pairs with `take_fresh`; a slot that a take was made for is counted here by whoever
        // sees that take.
        (0..self.fresh.load(Ordering::Acquire)).filter_map(|index| self.slots.get(index))
    }

    /// A slot for a new hold, which belongs to the caller until it sets the state word to `Open` or recycles it.
    /// `None` if every slot is in use. `start` chooses the seat and the free list to begin with.
    #[inline]
    pub(super) fn claim(&self, start: u32) -> Option<Claim<'_>> {
        match self.sit(place_of(start)) {
            Some(claim) => Some(claim),
            None => self.claim_listed(start),
        }
    }

    fn claim_listed(&self, start: u32) -> Option<Claim<'_>> {
        for _ in 0..FREE_SWEEPS_MAX {
            match self.sweep(start) {
                Sweep::Found(index) => return self.listed(index),
                Sweep::Empty => break,
                Sweep::Raced => {}
            }
        }
        // The seats of other lists are better than a new slot.
        if let Some(claim) = self.sit_anywhere() {
            return Some(claim);
        }
        match self.take_fresh() {
            Some(index) => {
                self.slots.get_or_make(index)?;
                self.listed(index)
            }
            // Slots are used up: one that another call gave back during the sweeps is still good.
            None => match self.sweep(start) {
                Sweep::Found(index) => self.listed(index),
                Sweep::Empty | Sweep::Raced => self.sit_anywhere(),
            },
        }
    }

    /// Claims a seat, if it is free.
    #[inline]
    fn sit(&self, place: usize) -> Option<Claim<'_>> {
        let index = u32::try_from(place).ok().filter(|&index| index < self.max)?;
        let slot = self.slots.get(index)?;
        let vacant = slot.word();
        let word = vacant.with(Phase::Taking);
        let claimed = vacant.phase == Phase::Vacant && slot.exchange(vacant, word);
        claimed.then_some(Claim { index, slot, word })
    }

    fn sit_anywhere(&self) -> Option<Claim<'_>> {
        (0..HEADS).find_map(|place| self.sit(place))
    }

    /// The claim of a slot that the caller took from a list, or was the first to take.
    fn listed(&self, index: u32) -> Option<Claim<'_>> {
        let slot = self.slots.get(index)?;
        let word = slot.word().with(Phase::Taking);
        slot.set(word);
        Some(Claim { index, slot, word })
    }

    /// Gives a slot back, unless its last generation has ended: one that the caller has claimed, or whose hold it has
    /// ended. `word` is the slot's own.
    #[inline]
    pub(super) fn recycle(&self, index: u32, slot: &Slot, word: Word, start: u32) {
        if word.phase == Phase::Retired {
            return;
        }
        slot.set(word.with(Phase::Vacant));
        if usize::try_from(index).is_ok_and(|index| index >= HEADS) {
            self.list(index, slot, start);
        }
    }

    fn list(&self, index: u32, slot: &Slot, start: u32) {
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
        let start = place_of(start);
        (0..HEADS).filter_map(move |step| self.heads.get(start.wrapping_add(step) % HEADS))
    }
}

/// The list to begin with, and its seat.
#[inline]
fn place_of(start: u32) -> usize {
    usize::try_from(start).unwrap_or(0) % HEADS
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
    use crate::limits::GENERATION_MAX;
    use alloc::collections::BTreeSet;

    #[test]
    fn slots_are_given_once_and_then_again() {
        let slab = Slab::new(4, 40);
        let mut given = BTreeSet::new();
        for start in 0..40 {
            assert!(given.insert(slab.claim(start).unwrap().index));
        }
        assert!(slab.claim(0).is_none());
        for index in 0..40 {
            let slot = slab.get(index).unwrap();
            slab.recycle(index, slot, slot.word(), index);
        }
        // All of them again, whichever seat and list the search begins with.
        for start in 0..40 {
            assert!(given.remove(&slab.claim(start * 3).unwrap().index));
        }
        assert!(slab.claim(0).is_none());
    }

    #[test]
    fn a_slab_smaller_than_its_seats_gives_as_many_as_it_has() {
        for max in 1..20 {
            let slab = Slab::new(1, max);
            let given: BTreeSet<u32> = (0..max).map(|_| slab.claim(7).unwrap().index).collect();
            assert_eq!(given.len(), usize::try_from(max).unwrap());
            assert!(slab.claim(7).is_none());
        }
    }

    #[test]
    fn a_slot_is_used_again_where_it_was_used_last() {
        let slab = Slab::new(4, 40);
        let (seat, listed) = (slab.claim(5).unwrap(), slab.claim(5).unwrap());
        slab.recycle(listed.index, listed.slot, listed.word, 5);
        assert_eq!(slab.claim(5).unwrap().index, listed.index);
        slab.recycle(seat.index, seat.slot, seat.word, 5);
        assert_eq!(slab.claim(5).unwrap().index, seat.index);
    }

    #[test]
    fn a_retired_slot_is_not_given_again() {
        // A seat, and a slot for the lists.
        for max in [1, 17] {
            let slab = Slab::new(1, max);
            let Claim { index, slot, .. } = (0..max).filter_map(|_| slab.claim(0)).last().unwrap();
            let last = Word { generation: GENERATION_MAX, phase: Phase::Open };
            slot.set(last);
            assert!(slot.exchange(last, last.ended()));
            slab.recycle(index, slot, last.ended(), 0);
            assert!(slab.claim(0).is_none());
        }
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
