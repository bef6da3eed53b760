//! What a log is created, opened and written with.

use crate::{
    id::LogId,
    limits::{QUEUE_BYTES_MAX, QUEUE_BYTES_MIN, SEGMENT_BYTES_MAX},
    num::Timestamp,
    wal::{anchor::Anchor, error::OptionsError, key::LogKey},
};

/// What a log is created with.
pub struct CreateOptions<K = LogKey> {
    /// The log's id: 16 random bytes, never used before.
    pub id: LogId,
    /// The key of its tags; [`NoKey`](crate::wal::NoKey) for an [`UnkeyedLog`](crate::wal::UnkeyedLog).
    pub key: K,
    /// How it is written.
    pub options: LogOptions,
}

/// What a log is opened with.
pub struct OpenOptions<K = LogKey> {
    /// The key of its tags, in the log's mode; [`NoKey`](crate::wal::NoKey) for an
    /// [`UnkeyedLog`](crate::wal::UnkeyedLog).
    pub key: K,
    /// How it is written.
    pub options: LogOptions,
    /// The log that it must be, if the caller knows.
    pub log_id: Option<LogId>,
    /// A head that it must have.
    pub anchor: Option<Anchor>,
    /// The caller's time, as the record of a cut states it; the record takes effect at the log's time.
    pub at: Timestamp,
}

/// How a log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogOptions {
    /// Bytes of records after which a segment ends (later, where its checkpoint is larger); at most
    /// [`SEGMENT_BYTES_MAX`].
    pub segment_bytes: u64,
    /// Bytes that may wait in the queue; [`QUEUE_BYTES_MIN`] to [`QUEUE_BYTES_MAX`].
    pub queue_bytes: usize,
}

impl LogOptions {
    pub(super) fn check(&self) -> Result<(), OptionsError> {
        if !(1..=SEGMENT_BYTES_MAX).contains(&self.segment_bytes) {
            return Err(OptionsError::SegmentBytes { seen: self.segment_bytes });
        }
        if !(QUEUE_BYTES_MIN..=QUEUE_BYTES_MAX).contains(&self.queue_bytes) {
            return Err(OptionsError::QueueBytes { seen: self.queue_bytes });
        }
        Ok(())
    }
}

impl Default for LogOptions {
    fn default() -> Self {
        Self { segment_bytes: 64 << 20, queue_bytes: QUEUE_BYTES_MAX }
    }
}

/// How durable a record is when it is answered for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// In memory: no system call, lost if the process ends.
    Queued,
    /// Written: survives a killed process.
    Written,
    /// On disk: survives a power loss.
    Synced,
}
