//! Deleting the oldest segments of the log, in the one order as everything else.

use core::fmt;

use super::{Controller, admit::Call, fault::Fault};
use crate::{
    record::Record,
    wal::{Keep, RetainError, Retained},
};

impl Controller {
    /// Deletes the oldest segments of the log, all but what is to stay, after a record that names the first one kept is
    /// on disk, whatever the call's level. Balances, open holds and remembered operations are as before: the checkpoint
    /// of the first segment kept has them. See [`crate::wal::Log::retain`] for what can be proven no more.
    ///
    /// ```
    /// use assize::{controller::Call, num::Timestamp, wal::Keep};
    /// # use assize::{controller::{Controller, CreateOptions}, crypto::{KeyId, RootKey}, id::LogId};
    /// # use assize::{policy::{CandidateDraft, Draft, Policy, SchemaDraft}, wal::storage::Memory};
    /// # let mut draft = Draft::new("one", 1, SchemaDraft { name: "one".into(), ..SchemaDraft::default() });
    /// # draft.candidates.push(CandidateDraft::new(1, "only"));
    /// # let (key, now) = (RootKey::new(KeyId(1), &[7; 32])?, Timestamp(0));
    /// # let options = CreateOptions::new(LogId([1; 16]), key, Policy::freeze(draft)?, now);
    /// # let controller = Controller::create(Box::new(Memory::new()), options)?;
    /// let (anchor, quarter_ns) = (controller.drain()?, 90 * 86_400_000_000_000); // the anchor goes elsewhere
    /// let retained = controller.retain(Keep::Since(Timestamp(now.0 - quarter_ns)), Call::at(now))?;
    /// assert_eq!((retained.removed, anchor.segment()), (0, 1)); // one segment is all there is
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`NotRetained::Faulted`] when the record cannot be made, [`NotRetained::Log`] when the log cannot tell what is to
    /// stay, or could not delete everything; whether anything was deleted is in [`RetainError`].
    pub fn retain(&self, keep: Keep, call: Call) -> Result<Retained, NotRetained> {
        self.log.retain_by(keep, |retention| {
            let mut entered = self.enter(call.at)?;
            Ok(entered.append(&Record::Retention(*retention))?)
        })
    }
}

/// Why segments of the log were not deleted, or not all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotRetained {
    /// The call could not be carried out; nothing was deleted.
    Faulted(Fault),
    /// The log could not do it, or not to its end.
    Log(RetainError),
}

impl From<Fault> for NotRetained {
    fn from(fault: Fault) -> Self {
        Self::Faulted(fault)
    }
}

impl From<RetainError> for NotRetained {
    fn from(error: RetainError) -> Self {
        match error {
            RetainError::Poisoned(_) => Self::Faulted(Fault::Poisoned),
            RetainError::Unknown { sequence, .. } => Self::Faulted(Fault::Unknown { sequence }),
            error => Self::Log(error),
        }
    }
}

impl fmt::Display for NotRetained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Faulted(fault) => fault.fmt(f),
            Self::Log(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for NotRetained {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Faulted(_) => None,
            Self::Log(error) => error.source(),
        }
    }
}
