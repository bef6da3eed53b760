//! Group commit: callers queue frames under a short lock; one of those who wait leads, and writes for all.
//!
//! There is no thread of its own and no spinning. `docs/CONCURRENCY.md` has the argument; the models below run
//! it under every interleaving:
//!
//! - One leads at a time: `leading` is set by the one who finds it clear, and passed on, still set, to one
//!   waiter that the round did not answer; else it is cleared.
//! - No waiter is lost: a thread parks only while `leading` is set, and every round ends by answering or keeping
//!   everyone parked, of whom the first thread kept leads next. Tasks never lead: a driver does for them, see `tasks`.
//! - Nobody is answered early: a waiter is answered by what the leader reports after its round, and the leader
//!   of a round has taken everything queued before it.
//! - Who leads to a sync waits a moment for those whom the last one has answered: they come back together.
//! - A failure, a leader's panic included, answers everyone who is parked and everyone who comes later.

use alloc::vec::Vec;
use core::{mem, time::Duration};

use super::error::{AppendError, Failure};
use crate::{
    id::Sequence,
    num::Timestamp,
    sync::{Condvar, Mutex, MutexGuard, PoisonError, wait_at_most},
};
use waiters::{Answer, Kind, Waiters, Wakers, Wanted};

#[cfg(feature = "tokio")]
mod tasks;
mod waiters;

#[cfg(feature = "tokio")]
pub(crate) use tasks::{DriverId, TaskSlot, Unanswered};

/// What the leader does for all.
pub(super) trait Lead {
    /// What callers may see of the leader's work between rounds.
    type Report: Clone;

    /// Completes, folds and writes a batch of queued frames, and makes it durable as asked.
    ///
    /// # Errors
    /// Whatever it is, it ends the group: nothing is answered any more.
    fn lead(&mut self, batch: &mut [u8], to: Durability) -> Result<Round<Self::Report>, Failure>;
}

/// How durable a round makes what was written up to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Durability {
    Written,
    Synced,
}

/// What a round has reached.
#[derive(Clone, Copy, Debug)]
pub(super) struct Round<R> {
    /// The last record known to be on disk.
    pub(super) synced: Sequence,
    pub(super) report: R,
}

/// The queue, those who wait for it, and the leader's own state.
pub(super) struct Group<L: Lead> {
    state: Mutex<State<L::Report>>,
    /// Rung for a leader who gathers.
    gathered: Condvar,
    leader: Mutex<L>,
}

impl<L: Lead> Group<L> {
    /// With nothing queued; `at` is where the leader's log stands, everything in it on disk.
    pub(super) fn new(leader: L, at: (Sequence, Timestamp), report: L::Report) -> Self {
        let state = State {
            queue: Vec::new(),
            spare: Vec::new(),
            appended: at.0,
            log_time: at.1,
            reach: Reach { written: at.0, synced: at.0 },
            sync_wanted: at.0,
            leading: false,
            together: 0,
            gathering: None,
            failure: None,
            waiters: Waiters::new(),
            #[cfg(feature = "tokio")]
            driver: tasks::Driver::none(at.0),
            report,
        };
        Self { state: Mutex::new(state), gathered: Condvar::new(), leader: Mutex::new(leader) }
    }

    /// Queues the frame of the next record, which `write` appends.
    pub(super) fn append(
        &self,
        effective: Timestamp,
        write: impl FnOnce(&mut Vec<u8>, Sequence) -> Result<(), AppendError>,
    ) -> Result<Sequence, AppendError> {
        let mut state = self.lock();
        if let Some(failure) = state.failure {
            return Err(AppendError::Poisoned(failure));
        }
        if effective < state.log_time {
            return Err(AppendError::Time);
        }
        // OK because 2^64 records cannot be written: the queue, or the disk, is full before.
        let sequence = Sequence(state.appended.0.saturating_add(1));
        let before = state.queue.len();
        write(&mut state.queue, sequence)?;
        assert!(state.queue.len() > before, "a frame was queued");
        state.appended = sequence;
        state.log_time = effective;
        Ok(sequence)
    }

    /// Waits until the record is as durable as asked, leading where nobody leads.
    pub(super) fn wait(&self, sequence: Sequence, to: Durability) -> Result<(), Failure> {
        let mut state = self.lock();
        assert!(sequence <= state.appended, "only what was appended is waited for");
        if let Some(failure) = state.failure {
            return Err(failure);
        }
        if state.reach.has((sequence, to)) {
            return Ok(());
        }
        if to == Durability::Synced {
            state.sync_wanted = state.sync_wanted.max(sequence);
        }
        if state.leading {
            let (guard, answer) = self.park(state, (sequence, to));
            match answer {
                Answer::Reached => return Ok(()),
                Answer::Failed(failure) => return Err(failure),
                Answer::Lead => state = guard,
            }
        }
        self.lead(state, 1)
    }

    /// Shows the queue and those who wait for it.
    pub(super) fn look<T>(&self, look: impl FnOnce(&State<L::Report>) -> T) -> T {
        look(&self.lock())
    }

    /// Shows the leader's state as it is between two rounds, also after a failure.
    pub(super) fn with_leader<T>(&self, look: impl FnOnce(&mut L, Option<Failure>) -> T) -> T {
        let mut leader = self.leader.lock().unwrap_or_else(PoisonError::into_inner);
        // The leader's lock first, as at the end of a round, so that a failed round is never shown as none.
        let failure = self.lock().failure;
        look(&mut leader, failure)
    }

    /// Waits until the leader of a round answers, or hands its place over.
    fn park<'a>(
        &'a self,
        mut state: MutexGuard<'a, State<L::Report>>,
        wanted: Wanted,
    ) -> (MutexGuard<'a, State<L::Report>>, Answer) {
        let (slot, bell) = state.waiters.park(wanted);
        self.joined(&state);
        loop {
            if let Some(answer) = state.waiters.take_answer(slot) {
                return (state, answer);
            }
            state = bell.wait(state).unwrap_or_else(after_panic);
        }
    }

    /// One round, by the one who has the lead; `own` is whether it waits itself, as a count.
    fn lead<'a>(&'a self, mut state: MutexGuard<'a, State<L::Report>>, own: usize) -> Result<(), Failure> {
        state.leading = true;
        if state.sync_wanted > state.reach.synced {
            state = self.gather(state, own);
        }
        if let Some(failure) = state.failure {
            let wakers = state.end_round(Err(failure));
            drop(state);
            wakers.wake();
            return Err(failure);
        }
        let spare = mem::take(&mut state.spare);
        let mut batch = mem::replace(&mut state.queue, spare);
        let taken = state.appended;
        let to =
            if state.sync_wanted > state.reach.synced { Durability::Synced } else { Durability::Written };
        drop(state);

        // From here to the round's end, a panic answers everyone.
        let unwinding = Unwinding { group: self };
        let mut leader = self.leader.lock().unwrap_or_else(PoisonError::into_inner);
        let round = leader.lead(&mut batch, to);
        let mut state = self.lock();
        batch.clear();
        if batch.capacity() <= SPARE_BYTES_MAX {
            state.spare = batch;
        }
        let outcome = match (round, state.failure) {
            (Ok(round), None) => {
                assert!(round.synced >= state.reach.synced && round.synced <= taken, "a round goes forward");
                assert!(to == Durability::Written || round.synced == taken, "a sync covers its batch");
                state.reach = Reach { written: taken, synced: round.synced };
                state.report = round.report;
                Ok(())
            }
            // A panic elsewhere came first.
            (_, Some(failure)) | (Err(failure), None) => Err(failure),
        };
        let wakers = state.end_round(outcome);
        if to == Durability::Synced {
            state.together = wakers.count().saturating_add(own);
        }
        mem::forget(unwinding);
        drop(state);
        drop(leader);
        wakers.wake();
        outcome
    }

    /// With the lead, waits for as many as the last sync has answered, if they come in time. Those come back together,
    /// and the first of them would else have a sync of its own, and the others the next.
    fn gather<'a>(
        &'a self,
        mut state: MutexGuard<'a, State<L::Report>>,
        own: usize,
    ) -> MutexGuard<'a, State<L::Report>> {
        let wanted = state.together.saturating_sub(own);
        if state.waiters.waiting() >= wanted {
            return state;
        }
        state.gathering = Some(wanted);
        let missing = |state: &mut State<_>| state.waiters.waiting() < wanted && state.failure.is_none();
        let waited = wait_at_most((&self.gathered, state), &self.state, GATHERING_MAX, missing);
        let mut state = waited.unwrap_or_else(after_panic);
        state.gathering = None;
        state
    }

    /// Somebody has parked: perhaps the last one whom a leader waits for.
    fn joined(&self, state: &State<L::Report>) {
        if state.gathering.is_some_and(|wanted| state.waiters.waiting() >= wanted) {
            self.gathered.notify_one();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<L::Report>> {
        self.state.lock().unwrap_or_else(after_panic)
    }
}

/// Somebody panicked with the lock held: the queue may hold half a frame.
fn after_panic<'a, R>(poison: PoisonError<MutexGuard<'a, State<R>>>) -> MutexGuard<'a, State<R>> {
    let mut state = poison.into_inner();
    state.failure.get_or_insert(Failure::Panicked);
    state
}

/// How far the log is.
#[derive(Clone, Copy)]
struct Reach {
    written: Sequence,
    synced: Sequence,
}

impl Reach {
    fn has(self, (sequence, to): Wanted) -> bool {
        match to {
            Durability::Written => self.written >= sequence,
            Durability::Synced => self.synced >= sequence,
        }
    }
}

/// The queue and those who wait for it.
pub(super) struct State<R> {
    /// Frames that no leader has taken.
    queue: Vec<u8>,
    /// The last batch's memory, for the next queue.
    spare: Vec<u8>,
    appended: Sequence,
    log_time: Timestamp,
    reach: Reach,
    /// The last record that somebody wants on disk.
    sync_wanted: Sequence,
    leading: bool,
    /// How many the last round that synced has answered.
    together: usize,
    /// How many a leader waits for.
    gathering: Option<usize>,
    failure: Option<Failure>,
    waiters: Waiters,
    #[cfg(feature = "tokio")]
    driver: tasks::Driver,
    report: R,
}

impl<R> State<R> {
    pub(super) fn queue_bytes(&self) -> usize {
        self.queue.len()
    }

    pub(super) fn appended(&self) -> Sequence {
        self.appended
    }

    pub(super) fn log_time(&self) -> Timestamp {
        self.log_time
    }

    pub(super) fn written(&self) -> Sequence {
        self.reach.written
    }

    pub(super) fn synced(&self) -> Sequence {
        self.reach.synced
    }

    pub(super) fn failure(&self) -> Option<Failure> {
        self.failure
    }

    pub(super) fn report(&self) -> &R {
        &self.report
    }

    /// Answers those whom the round has served, rings each, and hands the lead to the first of the other threads, if
    /// there is one.
    fn end_round(&mut self, outcome: Result<(), Failure>) -> Wakers {
        self.leading = false;
        if let Err(failure) = outcome {
            self.failure.get_or_insert(failure);
        }
        let Self { waiters, leading, reach, .. } = self;
        let wakers = waiters.tell(|wanted, kind| match outcome {
            Err(failure) => Some(Answer::Failed(failure)),
            Ok(()) if reach.has(wanted) => Some(Answer::Reached),
            Ok(()) if kind == Kind::Thread && !*leading => {
                *leading = true;
                Some(Answer::Lead)
            }
            Ok(()) => None,
        });
        #[cfg(feature = "tokio")]
        self.ring_driver();
        wakers
    }
}

/// Answers everyone if the leader panics.
struct Unwinding<'a, L: Lead> {
    group: &'a Group<L>,
}

impl<L: Lead> Drop for Unwinding<'_, L> {
    fn drop(&mut self) {
        let wakers = self.group.lock().end_round(Err(Failure::Panicked));
        wakers.wake();
    }
}

/// The longest that a leader waits for others: a few times a fast disk's sync, and little beside a slow one's.
const GATHERING_MAX: Duration = Duration::from_micros(500);
/// A batch's memory above this is given back, not kept.
const SPARE_BYTES_MAX: usize = 4 << 20;

#[cfg(all(test, loom))]
mod models;
