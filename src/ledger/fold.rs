//! The ledger as the state that a log keeps.

use alloc::vec::Vec;
use core::fmt;

use super::Ledger;
use super::checkpoint::CheckpointError;
use super::mismatch::{Disagreement, Mismatch};
use crate::id::Sequence;
use crate::num::Timestamp;
use crate::record::{Record, RecordError};
use crate::wal::{Fold, RECOVERY, RecordFrame};

impl Ledger {
    /// Reads a record as the log carries it, under the policy in force.
    ///
    /// # Errors
    /// The payload is that of no record.
    pub fn read(&self, frame: &RecordFrame<'_>) -> Result<Record, LedgerError> {
        let schema = Some(self.policy().schema());
        Record::decode(frame.kind, frame.payload, schema).map_err(|error| LedgerError::Record {
            sequence: frame.sequence,
            kind: frame.kind,
            error,
        })
    }

    /// Applies a record that was [`read`](Self::read) from the frame, after its times.
    ///
    /// # Errors
    /// The first thing that does not follow from the state; the ledger is as it was then.
    pub fn apply_frame(&mut self, frame: &RecordFrame<'_>, record: &Record) -> Result<(), Disagreement> {
        self.check_times(frame).map_err(|mismatch| Disagreement {
            sequence: frame.sequence,
            kind: record.kind(),
            mismatch,
        })?;
        self.apply(frame.sequence, frame.effective, record)
    }

    /// SEMANTICS 8.1 and 8.2.
    fn check_times(&self, frame: &RecordFrame<'_>) -> Result<(), Mismatch> {
        let log = self.log_time();
        // Opening records a cut at the log's time, however long the log was at rest.
        let expected = if frame.kind == RECOVERY { log } else { frame.caller.max(log) };
        if frame.effective != expected {
            return Err(Mismatch::Effective { expected, seen: frame.effective });
        }
        let (seen_ns, max_ns) = (frame.effective.0.abs_diff(log.0), self.terms().clock_jump_ns_max);
        if seen_ns > max_ns {
            return Err(Mismatch::ClockJump { seen_ns, max_ns });
        }
        Ok(())
    }
}

impl Fold for Ledger {
    type Error = LedgerError;

    fn restore(&mut self, checkpoint: &[u8]) -> Result<(), LedgerError> {
        *self = Self::decode(checkpoint).map_err(LedgerError::Checkpoint)?;
        Ok(())
    }

    fn apply(&mut self, frame: RecordFrame<'_>) -> Result<(), LedgerError> {
        let record = self.read(&frame)?;
        self.apply_frame(&frame, &record).map_err(LedgerError::Disagreement)
    }

    fn checkpoint(&self, out: &mut Vec<u8>) -> Result<(), LedgerError> {
        if !self.restored {
            return Err(LedgerError::Unrestored);
        }
        self.encode(out);
        Ok(())
    }

    fn log_time(&self) -> Timestamp {
        self.log_time
    }

    fn sequence(&self) -> Sequence {
        self.sequence
    }
}

/// Why the ledger does not take a checkpoint or a record of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LedgerError {
    /// The checkpoint is none.
    Checkpoint(CheckpointError),
    /// The record's payload is none.
    Record {
        /// The record.
        sequence: Sequence,
        /// The code of its kind.
        kind: u16,
        /// Why it is none.
        error: RecordError,
    },
    /// The record does not follow from the state.
    Disagreement(Disagreement),
    /// The ledger was not restored yet, and has no checkpoint.
    Unrestored,
}

impl fmt::Display for LedgerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Checkpoint(_) => write!(f, "the checkpoint is none"),
            Self::Record { sequence, kind, .. } => {
                write!(f, "record {sequence} has a payload that is none of kind {kind}")
            }
            Self::Disagreement(disagreement) => disagreement.fmt(f),
            Self::Unrestored => write!(f, "the ledger was not restored yet"),
        }
    }
}

impl core::error::Error for LedgerError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Checkpoint(error) => Some(error),
            Self::Record { error, .. } => Some(error),
            Self::Disagreement(disagreement) => disagreement.source(),
            Self::Unrestored => None,
        }
    }
}
