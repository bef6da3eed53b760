//! What the log asks of the state that its records build.

use alloc::vec::Vec;

use crate::{id::Sequence, num::Timestamp};

/// The state that records build, in the order of the log.
///
/// The leader of a group hands it every record before the batch is written, and asks it for a checkpoint when a
/// segment begins. It needs no interior locking: the log gives it to one thread at a time.
pub trait Fold: Send {
    /// Why it cannot take a checkpoint or a record.
    type Error: core::error::Error + Send + Sync + 'static;

    /// Becomes the state of `checkpoint`, which is what [`Fold::checkpoint`] once wrote.
    ///
    /// # Errors
    /// The bytes are no checkpoint: opening refuses.
    fn restore(&mut self, checkpoint: &[u8]) -> Result<(), Self::Error>;

    /// Applies the next record.
    ///
    /// # Errors
    /// The record does not follow from the state. At opening, the log is refused; at writing, it is a bug and
    /// poisons the log.
    fn apply(&mut self, record: RecordFrame<'_>) -> Result<(), Self::Error>;

    /// Appends the state's canonical form to `out`, at least one byte.
    ///
    /// # Errors
    /// It has none; creating the log or a segment fails.
    fn checkpoint(&self, out: &mut Vec<u8>) -> Result<(), Self::Error>;

    /// The effective time of the last record; before the first, the time that the log starts with.
    fn log_time(&self) -> Timestamp;

    /// The last record that it is after; before the first, 0. A checkpoint of another place is refused at opening.
    fn sequence(&self) -> Sequence;
}

/// One record as the log carries it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordFrame<'a> {
    /// Its place in the log, from 1 without a gap.
    pub sequence: Sequence,
    /// The time at which it took effect; never below that of the record before it.
    pub effective: Timestamp,
    /// What the caller said the time was.
    pub caller: Timestamp,
    /// Which payload it carries. FORMAT 9.1.
    pub kind: u16,
    /// The payload.
    pub payload: &'a [u8],
}
