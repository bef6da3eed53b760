//! Samples on their way from those who admit to whoever looks at them: a bounded ring that nobody waits for.

use alloc::collections::VecDeque;

use crate::sync::{AtomicU32, AtomicU64, Mutex, MutexGuard, Ordering};

/// What was offered and not taken yet.
pub(super) struct Samples<T> {
    /// Whether samples are wanted: a hint, so that offering costs one load while they are not.
    wanted: AtomicU32,
    /// Samples that found the ring full, or somebody else at it.
    skipped: AtomicU64,
    ring: Mutex<Ring<T>>,
}

struct Ring<T> {
    /// Room for so many, all of it allocated; `None` while samples are not wanted.
    room: Option<usize>,
    samples: VecDeque<T>,
}

impl<T> Samples<T> {
    pub(super) fn new() -> Self {
        Self {
            wanted: AtomicU32::new(0),
            skipped: AtomicU64::new(0),
            ring: Mutex::new(Ring { room: None, samples: VecDeque::new() }),
        }
    }

    /// Offers a sample, which is made only where there is room for it. It waits for nobody and allocates nothing.
    pub(super) fn offer(&self, sample: impl FnOnce() -> T) {
        // ORDERING: pairs with nothing. Whether samples are wanted is decided under the lock.
        if self.wanted.load(Ordering::Relaxed) == 0 {
            return;
        }
        let Ok(mut ring) = self.ring.try_lock() else { return self.skip() };
        match ring.room {
            None => {}
            Some(room) if ring.samples.len() < room => ring.samples.push_back(sample()),
            Some(_) => self.skip(),
        }
    }

    /// Takes the oldest sample.
    pub(super) fn take(&self) -> Option<T> {
        self.lock().samples.pop_front()
    }

    /// Wants samples, with room for so many at once, or none any more; drops those that wait, and counts anew.
    pub(super) fn want(&self, room: Option<usize>) {
        // Declared before the lock is taken, so that what was there is dropped after it was given back.
        let mut samples = VecDeque::with_capacity(room.unwrap_or(0));
        let mut ring = self.lock();
        core::mem::swap(&mut ring.samples, &mut samples);
        ring.room = room;
        // ORDERING: pairs with nothing: a count, and a hint.
        self.skipped.store(0, Ordering::Relaxed);
        self.wanted.store(u32::from(room.is_some()), Ordering::Relaxed);
    }

    /// Samples that wait, and those that were skipped.
    pub(super) fn counts(&self) -> (usize, u64) {
        let waiting = self.lock().samples.len();
        // ORDERING: pairs with nothing: a count.
        (waiting, self.skipped.load(Ordering::Relaxed))
    }

    fn skip(&self) {
        // ORDERING: pairs with nothing: a count.
        self.skipped.fetch_add(1, Ordering::Relaxed);
    }

    fn lock(&self) -> MutexGuard<'_, Ring<T>> {
        match self.ring.lock() {
            Ok(ring) => ring,
            // Each change of the ring is one call: a panic leaves none half made.
            Err(poisoned) => poisoned.into_inner(),
        }
    }
}

#[cfg(all(test, loom))]
mod models;
