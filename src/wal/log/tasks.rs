//! A log whose records are awaited by tasks: they never write, and a driver writes for them.

use core::task::{Poll, Waker};

use super::{Level, Log};
use crate::{
    id::Sequence,
    wal::{
        error::Failure,
        fold::Fold,
        group::{DriverId, Durability, TaskSlot, Unanswered},
        key::Keying,
    },
};

impl<F: Fold, K: Keying> Log<F, K> {
    /// Makes the caller the driver, unless there is one.
    pub(crate) fn attach_driver(&self) -> Option<DriverId> {
        self.group.attach_driver()
    }

    /// Whether there is a driver that was not asked to end.
    pub(crate) fn is_driven(&self) -> bool {
        self.group.is_driven()
    }

    /// Asks that driver to end when it has done what was handed over.
    pub(crate) fn stop_driver(&self, id: DriverId) {
        self.group.stop_driver(id);
    }

    /// Takes the driver away: who still awaits is told.
    pub(crate) fn detach_driver(&self) {
        self.group.detach_driver();
    }

    /// Writes, and syncs where that is wanted, what is handed over, until the driver is asked to end or the log fails.
    pub(crate) fn drive_for_tasks(&self) -> Result<(), Failure> {
        self.group.drive()
    }

    /// Has the driver write all that is queued, and sync up to that record.
    pub(crate) fn hand_over(&self, sync: Option<Sequence>) {
        self.group.hand_over(sync);
    }

    /// [`wait`](Self::wait) as tasks do it, for a record that was handed over. `slot` is theirs between two calls.
    pub(crate) fn poll_wait(
        &self,
        sequence: Sequence,
        level: Level,
        slot: &mut Option<TaskSlot>,
        waker: &Waker,
    ) -> Poll<Result<(), Unanswered>> {
        let to = match level {
            Level::Queued => {
                return Poll::Ready(
                    self.failure().map_or(Ok(()), |failure| Err(Unanswered::Failed(failure))),
                );
            }
            Level::Written => Durability::Written,
            Level::Synced => Durability::Synced,
        };
        self.group.poll((sequence, to), slot, waker)
    }

    /// Gives up a wait; what it is for is written all the same.
    pub(crate) fn leave(&self, slot: TaskSlot) {
        self.group.leave(slot);
    }
}
