//! Deadlines in the order in which they fall due.

use alloc::{collections::BinaryHeap, vec::Vec};
use core::cmp::Reverse;

use crate::{id::Sequence, num::Timestamp};

/// Instants at which a hold must be looked at: one for each hold that can still be settled, never after the
/// instant at which something is to be done. What is to be done, if anything, is seen when it falls due, so that
/// ending a hold or moving its deadline costs nothing here; a hold that is not due yet is then set again.
pub(super) struct Timers {
    heap: BinaryHeap<Reverse<(Timestamp, Sequence, u32)>>,
}

impl Timers {
    pub(super) fn new() -> Self {
        Self { heap: BinaryHeap::new() }
    }

    /// Remembers to look at the hold in that slot at that instant.
    pub(super) fn set(&mut self, at: Timestamp, hold: Sequence, slot: u32) {
        self.heap.push(Reverse((at, hold, slot)));
    }

    /// The earliest reminder that is due, taken out.
    pub(super) fn due(&mut self, now: Timestamp) -> Option<(Sequence, u32)> {
        let Reverse((at, _, _)) = self.heap.peek()?;
        if *at > now {
            return None;
        }
        self.heap.pop().map(|Reverse((_, hold, slot))| (hold, slot))
    }

    /// Drops reminders of holds that have ended, once they outnumber the others.
    pub(super) fn prune(&mut self, held: usize, mut keep: impl FnMut(Sequence, u32) -> bool) {
        // Each hold has one live reminder: beyond that all are dead, so the cost is amortised.
        if self.heap.len() < held.saturating_mul(4).saturating_add(1024) {
            return;
        }
        let live: Vec<_> = self.heap.drain().filter(|Reverse((_, hold, slot))| keep(*hold, *slot)).collect();
        self.heap = live.into();
    }
}
