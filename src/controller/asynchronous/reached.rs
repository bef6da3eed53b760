//! The one future that waits: until a record is where it must be.

use core::{
    pin::Pin,
    task::{Context, Poll},
};

use crate::{
    controller::Fault,
    id::Sequence,
    ledger::Ledger,
    wal::{Level, Log, TaskSlot, Unanswered},
};

/// Ready when the record is where the level says.
pub(super) struct Reached<'a> {
    log: &'a Log<Ledger>,
    sequence: Sequence,
    level: Level,
    /// Where it waits, once it does.
    slot: Option<TaskSlot>,
}

impl<'a> Reached<'a> {
    pub(super) fn new(log: &'a Log<Ledger>, sequence: Sequence, level: Level) -> Self {
        Self { log, sequence, level, slot: None }
    }
}

impl Future for Reached<'_> {
    type Output = Result<(), Unanswered>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { log, sequence, level, slot } = &mut *self;
        log.poll_wait(*sequence, *level, slot, context.waker())
    }
}

impl Drop for Reached<'_> {
    fn drop(&mut self) {
        if let Some(slot) = self.slot.take() {
            self.log.leave(slot);
        }
    }
}

impl Unanswered {
    /// The fault of a call whose record that is.
    pub(super) fn of(self, sequence: Sequence) -> Fault {
        match self {
            Self::Failed(_) => Fault::Unknown { sequence },
            Self::Undriven => Fault::DriverEnded { sequence },
        }
    }
}
