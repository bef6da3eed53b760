//! Tasks, which await a record and never lead, and the driver, a thread of the host's that leads for them.
//!
//! - A task parks only while there is a driver, and where it stops being there, everyone is told.
//! - Whenever something handed over is not where it is wanted, somebody leads, or the driver has been rung: by who hands
//!   over while nobody leads, and else at the end of each round.
//! - Wakers are cloned, woken and dropped with no lock held: they run their executor's code.

use core::task::{Poll, Waker};

use super::{
    Group, Lead, State, after_panic,
    waiters::{Answer, Kind, Wanted},
};
use crate::{
    id::Sequence,
    sync::{Arc, Condvar},
    wal::error::Failure,
};

/// Why a task is not answered for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unanswered {
    Failed(Failure),
    /// There is no driver, or it has ended.
    Undriven,
}

/// Where a task waits.
#[derive(Debug)]
pub(crate) struct TaskSlot(usize);

/// Which driver of a log it is: what stops an earlier one does not stop a later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DriverId(u64);

/// The thread that leads for tasks, as the queue knows it.
pub(super) struct Driver {
    /// The last that was attached.
    id: DriverId,
    stage: Stage,
    bell: Arc<Condvar>,
    /// The last record handed over to it.
    handed_over: Sequence,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Absent,
    Present,
    /// It ends when what was handed over is done.
    Stopping,
}

impl Driver {
    pub(super) fn none(at: Sequence) -> Self {
        let bell = Arc::new(Condvar::new());
        Self { id: DriverId(0), stage: Stage::Absent, bell, handed_over: at }
    }
}

/// What a driver has to do.
enum Due {
    Lead,
    End(Result<(), Failure>),
}

impl<L: Lead> Group<L> {
    /// Makes the caller the driver, unless there is one.
    pub(in crate::wal) fn attach_driver(&self) -> Option<DriverId> {
        let mut state = self.lock();
        let driver = &mut state.driver;
        if driver.stage != Stage::Absent {
            return None;
        }
        // OK because 2^64 drivers cannot be attached.
        driver.id = DriverId(driver.id.0.saturating_add(1));
        driver.stage = Stage::Present;
        Some(driver.id)
    }

    /// Whether there is a driver that was not asked to end.
    pub(in crate::wal) fn is_driven(&self) -> bool {
        self.lock().driver.stage == Stage::Present
    }

    /// Asks that driver to end when it has done what was handed over.
    pub(in crate::wal) fn stop_driver(&self, id: DriverId) {
        let mut state = self.lock();
        if state.driver.stage == Stage::Present && state.driver.id == id {
            state.driver.stage = Stage::Stopping;
            state.ring_driver();
        }
    }

    /// Tells everyone who awaits that nobody leads for them any more.
    pub(in crate::wal) fn detach_driver(&self) {
        let mut state = self.lock();
        state.driver.stage = Stage::Absent;
        let answer = state.failure.map_or(Answer::Lead, Answer::Failed);
        let wakers = state.waiters.tell(|_, kind| (kind == Kind::Task).then_some(answer));
        drop(state);
        wakers.wake();
    }

    /// Leads for tasks, and waits while there is nothing to lead for, until it is asked to end or the log fails.
    pub(in crate::wal) fn drive(&self) -> Result<(), Failure> {
        let mut state = self.lock();
        assert!(state.driver.stage != Stage::Absent, "who drives is attached");
        let bell = Arc::clone(&state.driver.bell);
        loop {
            state = match state.due() {
                Some(Due::End(outcome)) => return outcome,
                Some(Due::Lead) => {
                    self.lead(state, 0)?;
                    self.lock()
                }
                None => bell.wait(state).unwrap_or_else(after_panic),
            };
        }
    }

    /// Hands over to the driver: all that is queued is to be written, and what `sync` names to be on disk.
    pub(in crate::wal) fn hand_over(&self, sync: Option<Sequence>) {
        let mut state = self.lock();
        state.driver.handed_over = state.appended;
        if let Some(sequence) = sync {
            assert!(sequence <= state.appended, "only what was appended is waited for");
            state.sync_wanted = state.sync_wanted.max(sequence);
        }
        state.ring_driver();
    }

    /// Whether what was handed over is where it is wanted; else the waker is woken when that can be told. `slot` is the
    /// caller's own between two calls, to be given back by `leave` where it is not taken by an answer.
    pub(in crate::wal) fn poll(
        &self,
        wanted: Wanted,
        slot: &mut Option<TaskSlot>,
        waker: &Waker,
    ) -> Poll<Result<(), Unanswered>> {
        let waker = waker.clone();
        let mut state = self.lock();
        let (polled, spare) = match slot {
            Some(TaskSlot(place)) => match state.waiters.take_answer(*place) {
                None => (Poll::Pending, state.waiters.wake_by(*place, waker)),
                Some(answer) => {
                    *slot = None;
                    (Poll::Ready(answer.for_task()), waker)
                }
            },
            None => match state.tell_at_once(wanted) {
                Some(answer) => (Poll::Ready(answer.for_task()), waker),
                None => {
                    *slot = Some(TaskSlot(state.waiters.park_task(wanted, waker)));
                    self.joined(&state);
                    return Poll::Pending;
                }
            },
        };
        drop(state);
        drop(spare);
        polled
    }

    /// Gives up a task's wait; what it waits for is written all the same.
    pub(in crate::wal) fn leave(&self, TaskSlot(slot): TaskSlot) {
        let mut state = self.lock();
        let waker = state.waiters.leave(slot);
        drop(state);
        drop(waker);
    }
}

impl<R> State<R> {
    /// Rings the driver if it has something to do.
    pub(super) fn ring_driver(&self) {
        if self.driver.stage != Stage::Absent && self.due().is_some() {
            self.driver.bell.notify_one();
        }
    }

    /// What the driver has to do; nothing while another leads, who rings it at the end of the round.
    fn due(&self) -> Option<Due> {
        if let Some(failure) = self.failure {
            return Some(Due::End(Err(failure)));
        }
        let wanted = self.driver.handed_over > self.reach.written || self.sync_wanted > self.reach.synced;
        match (wanted, self.leading) {
            (true, false) => Some(Due::Lead),
            (true, true) => None,
            (false, _) => (self.driver.stage == Stage::Stopping).then_some(Due::End(Ok(()))),
        }
    }

    /// What a task that comes now can be told without waiting.
    fn tell_at_once(&self, wanted: Wanted) -> Option<Answer> {
        match self.failure {
            Some(failure) => Some(Answer::Failed(failure)),
            None if self.reach.has(wanted) => Some(Answer::Reached),
            None if self.driver.stage == Stage::Absent => Some(Answer::Lead),
            None => None,
        }
    }
}

impl Answer {
    fn for_task(self) -> Result<(), Unanswered> {
        match self {
            Self::Reached => Ok(()),
            Self::Failed(failure) => Err(Unanswered::Failed(failure)),
            Self::Lead => Err(Unanswered::Undriven),
        }
    }
}

#[cfg(all(test, loom))]
mod models;
