//! The thread of the host's that writes for those who await.

use alloc::sync::Arc;
use core::fmt;

use crate::{
    controller::{Controller, Fault},
    wal::{DriverId, Progress},
};

/// Writes, and syncs where that is asked for, what an [`AsyncController`](super::AsyncController) has queued: on a
/// thread of the host's, and never on its executor's.
///
/// Who still awaits when it is dropped is told [`Fault::DriverEnded`].
#[must_use = "nothing that is awaited is answered until it runs"]
pub struct Driver {
    controller: Arc<Controller>,
}

impl Driver {
    /// Makes the driver, and what asks it to end.
    pub(super) fn attach(controller: Arc<Controller>) -> Result<(Self, Arc<Driven>), AlreadyDriven> {
        let id = controller.log.attach_driver().ok_or(AlreadyDriven)?;
        let driven = Driven { controller: Arc::clone(&controller), id };
        Ok((Self { controller }, Arc::new(driven)))
    }

    /// Writes until it is asked to end ([`AsyncController::stop`](super::AsyncController::stop), or the last clone and
    /// the last future are gone), and gives how far the log is then: everything is on disk. It sleeps while there is
    /// nothing to do.
    ///
    /// # Errors
    /// The log has failed.
    pub fn run(self) -> Result<Progress, Fault> {
        self.controller.log.drive_for_tasks().map_err(|_| Fault::Poisoned)?;
        self.controller.drive()
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.controller.log.detach_driver();
    }
}

/// What clones and futures share: the last of them to go asks the driver to end.
pub(super) struct Driven {
    controller: Arc<Controller>,
    id: DriverId,
}

impl Driven {
    pub(super) fn controller(&self) -> &Controller {
        &self.controller
    }

    pub(super) fn stop(&self) {
        self.controller.log.stop_driver(self.id);
    }
}

impl Drop for Driven {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The controller has a driver, and has one at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AlreadyDriven;

impl fmt::Display for AlreadyDriven {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the controller has a driver already; it has one at a time")
    }
}

impl core::error::Error for AlreadyDriven {}
