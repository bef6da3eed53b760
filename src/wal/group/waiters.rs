//! Those who wait for a round, in slots that are used again: threads, each rung by a bell of its own, and tasks, woken
//! by their wakers.

use alloc::{collections::VecDeque, vec::Vec};
use core::{panic::AssertUnwindSafe, task::Waker};

use super::Durability;
use crate::{
    id::Sequence,
    sync::{Arc, Condvar},
    wal::error::Failure,
};

/// What a waiter waits for: a record, and where it is to be.
pub(super) type Wanted = (Sequence, Durability);

/// What a waiter is told.
#[derive(Clone, Copy, Debug)]
pub(super) enum Answer {
    Reached,
    Failed(Failure),
    /// The round did not reach it, and nobody else leads: a thread leads the next one, a task has lost its driver.
    Lead,
}

/// Who waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// It leads when it has to.
    Thread,
    /// It never leads.
    #[cfg(feature = "tokio")]
    Task,
}

/// All who wait, and the slots that they wait in.
pub(super) struct Waiters {
    /// One for each that waits; reused.
    slots: Vec<Slot>,
    free: Vec<usize>,
    /// Slots of those who wait, longest first.
    parked: VecDeque<usize>,
}

/// Where one waiter waits.
struct Slot {
    wanted: Wanted,
    answer: Option<Answer>,
    /// Rung for a thread.
    bell: Arc<Condvar>,
    waiter: Waiter,
}

enum Waiter {
    Thread,
    #[cfg(feature = "tokio")]
    Task(Waker),
    /// A task that was given up, or has been woken: there is nobody to wake.
    #[cfg(feature = "tokio")]
    Gone,
}

impl Waiters {
    pub(super) fn new() -> Self {
        Self { slots: Vec::new(), free: Vec::new(), parked: VecDeque::new() }
    }

    /// Takes a slot for a thread to wait in, and the bell that is rung for it.
    pub(super) fn park(&mut self, wanted: Wanted) -> (usize, Arc<Condvar>) {
        self.take_slot(wanted, Waiter::Thread)
    }

    /// The answer for that slot, if there is one; the slot is free then.
    pub(super) fn take_answer(&mut self, slot: usize) -> Option<Answer> {
        let answer = self.slots.get_mut(slot).and_then(|place| place.answer.take())?;
        self.free.push(slot);
        Some(answer)
    }

    /// How many wait, and slots that were given up since the last round.
    pub(super) fn waiting(&self) -> usize {
        self.parked.len()
    }

    /// Tells each what `decide` says, the one who waits longest first; all are woken by what this gives. Who is told
    /// nothing waits on.
    pub(super) fn tell(&mut self, mut decide: impl FnMut(Wanted, Kind) -> Option<Answer>) -> Wakers {
        let mut wakers = Wakers::new();
        for _ in 0..self.parked.len() {
            let Some(slot) = self.parked.pop_front() else { break };
            let Some(place) = self.slots.get_mut(slot) else { continue };
            let kind = match place.waiter {
                Waiter::Thread => Kind::Thread,
                #[cfg(feature = "tokio")]
                Waiter::Task(_) => Kind::Task,
                #[cfg(feature = "tokio")]
                Waiter::Gone => {
                    self.free.push(slot);
                    continue;
                }
            };
            let Some(answer) = decide(place.wanted, kind) else {
                self.parked.push_back(slot);
                continue;
            };
            place.answer = Some(answer);
            match kind {
                Kind::Thread => wakers.threads.push(Arc::clone(&place.bell)),
                #[cfg(feature = "tokio")]
                Kind::Task => {
                    if let Waiter::Task(waker) = core::mem::replace(&mut place.waiter, Waiter::Gone) {
                        wakers.tasks.push(waker);
                    }
                }
            }
        }
        wakers
    }

    fn take_slot(&mut self, wanted: Wanted, waiter: Waiter) -> (usize, Arc<Condvar>) {
        let free = self.free.pop().and_then(|slot| Some((slot, self.slots.get_mut(slot)?)));
        let (slot, bell) = if let Some((slot, place)) = free {
            (place.wanted, place.answer, place.waiter) = (wanted, None, waiter);
            (slot, Arc::clone(&place.bell))
        } else {
            let bell = Arc::new(Condvar::new());
            self.slots.push(Slot { wanted, answer: None, bell: Arc::clone(&bell), waiter });
            (self.slots.len().saturating_sub(1), bell)
        };
        self.parked.push_back(slot);
        (slot, bell)
    }

    /// How many slots there are, how many of them are free, and how many wait.
    #[cfg(all(test, loom))]
    pub(super) fn counts(&self) -> (usize, usize, usize) {
        (self.slots.len(), self.free.len(), self.parked.len())
    }
}

#[cfg(feature = "tokio")]
impl Waiters {
    /// Takes a slot for a task to wait in.
    pub(super) fn park_task(&mut self, wanted: Wanted, waker: Waker) -> usize {
        let (slot, _) = self.take_slot(wanted, Waiter::Task(waker));
        slot
    }

    /// Has the task in that slot woken by this waker from now on; gives the one before, to be dropped with no lock held.
    pub(super) fn wake_by(&mut self, slot: usize, waker: Waker) -> Waker {
        match self.slots.get_mut(slot).map(|place| &mut place.waiter) {
            Some(Waiter::Task(before)) => core::mem::replace(before, waker),
            _ => waker,
        }
    }

    /// Gives up the slot of a task that waits no longer; gives its waker, to be dropped with no lock held.
    pub(super) fn leave(&mut self, slot: usize) -> Option<Waker> {
        if self.take_answer(slot).is_some() {
            return None;
        }
        let place = self.slots.get_mut(slot)?;
        // The slot is free when the next round passes it: searching for it now would hold everybody up.
        match core::mem::replace(&mut place.waiter, Waiter::Gone) {
            Waiter::Task(waker) => Some(waker),
            Waiter::Thread | Waiter::Gone => None,
        }
    }
}

/// Those who were told something: bells of threads and wakers of tasks, which run their executor's code. With no lock
/// held: who is woken takes it.
#[must_use = "who is not woken waits for ever"]
pub(super) struct Wakers {
    threads: Vec<Arc<Condvar>>,
    tasks: Vec<Waker>,
}

impl Wakers {
    fn new() -> Self {
        Self { threads: Vec::new(), tasks: Vec::new() }
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.threads.len().saturating_add(self.tasks.len())
    }

    /// Wakes them all. A waker that panics is its executor's bug, of which the panic itself tells: the others are woken
    /// all the same, and who leads goes on.
    ///
    /// A slot may have been given to another thread meanwhile, whose bell is rung then: it looks, and waits on.
    pub(super) fn wake(self) {
        self.threads.iter().for_each(|bell| bell.notify_one());
        for waker in self.tasks {
            let _panicked = std::panic::catch_unwind(AssertUnwindSafe(|| waker.wake())).is_err();
        }
    }
}
