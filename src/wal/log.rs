//! The log for its one writer.

use alloc::{boxed::Box, vec::Vec};

use super::{
    anchor::Anchor,
    error::{AppendError, CreateError, Failure, OpenError, WaitError},
    fold::Fold,
    storage::Storage,
};
use crate::{
    codec::{CodecError, Reader, Writer},
    crypto::{Digest, RootKey},
    id::{LogId, Sequence},
    limits::QUEUE_BYTES_MAX,
    num::Timestamp,
};

/// A log open for writing; `F` is the state that its records build.
///
/// All methods but `close` take `&self` and may be called from many threads. Dropping a log does no I/O: what
/// was not written is lost, as in a crash.
pub struct Log<F: Fold> {
    fold: F,
}

impl<F: Fold> Log<F> {
    /// Creates a log in `storage`, which has nothing in it yet; its first checkpoint is `fold`'s, and its time
    /// starts at the fold's.
    ///
    /// # Errors
    /// The place has files or another writer, the options are out of range, the fold has no checkpoint, or the
    /// storage cannot.
    pub fn create(
        storage: Box<dyn Storage>,
        create: CreateOptions,
        fold: F,
    ) -> Result<Self, CreateError<F::Error>> {
        let _ = (storage, create, fold);
        todo!()
    }

    /// Opens a log: verifies its last segment, restores and applies it to `fold`, cuts a torn tail and records
    /// the cut. FORMAT 8.3 to 8.6.
    ///
    /// # Errors
    /// The log is missing, locked, of another id or key, ends before the anchor, or does not hold; then nothing
    /// is changed. Or the storage cannot.
    pub fn open(
        storage: Box<dyn Storage>,
        open: OpenOptions,
        fold: F,
    ) -> Result<(Self, Recovery), OpenError<F::Error>> {
        let _ = (storage, open, fold);
        todo!()
    }

    /// The log's id.
    #[must_use]
    pub fn id(&self) -> LogId {
        todo!()
    }

    /// Appends a record to the queue: `write` appends its payload. No system call.
    ///
    /// # Errors
    /// No room, a payload too large, a kind that is not the caller's, a time before the log's, or a poisoned
    /// log; nothing changed then.
    pub fn append(
        &self,
        kind: u16,
        effective: Timestamp,
        caller: Timestamp,
        write: impl FnOnce(&mut Vec<u8>),
    ) -> Result<Sequence, AppendError> {
        let _ = (kind, effective, caller, write);
        todo!()
    }

    /// Whether a payload of that size has room now. Only appending takes room, so that it stays for the one
    /// section that appends.
    ///
    /// # Errors
    /// What `append` would answer.
    pub fn room_for(&self, payload_bytes: usize) -> Result<(), AppendError> {
        let _ = payload_bytes;
        todo!()
    }

    /// Waits until the record is as durable as `level` says; the thread may have to write and sync for others.
    ///
    /// # Errors
    /// The log is poisoned (whether the record is on disk is unknown), or no such record was appended.
    pub fn wait(&self, sequence: Sequence, level: Level) -> Result<(), WaitError> {
        let _ = (sequence, level);
        todo!()
    }

    /// Writes, and at [`Level::Synced`] syncs, everything appended before the call.
    ///
    /// # Errors
    /// The log is poisoned.
    pub fn drive(&self, level: Level) -> Result<Progress, WaitError> {
        let _ = level;
        todo!()
    }

    /// The last record appended; 0 for none.
    #[must_use]
    pub fn head(&self) -> Sequence {
        todo!()
    }

    /// The last record known to be on disk; 0 for none.
    #[must_use]
    pub fn synced_head(&self) -> Sequence {
        todo!()
    }

    /// The anchor of the last frame known to be on disk.
    ///
    /// # Errors
    /// The log is poisoned.
    pub fn anchor(&self) -> Result<Anchor, WaitError> {
        todo!()
    }

    /// Counts since the log was opened.
    #[must_use]
    pub fn stats(&self) -> Stats {
        todo!()
    }

    /// What poisoned the log, if it is.
    #[must_use]
    pub fn failure(&self) -> Option<Failure> {
        todo!()
    }

    /// The fold's own word, if it is what poisoned the log.
    pub fn fold_error<T>(&self, look: impl FnOnce(&F::Error) -> T) -> Option<T> {
        let _ = look;
        todo!()
    }

    /// Shows the state after the last written record (`drive` first for the last appended). Writing waits
    /// meanwhile; `look` must not wait for the log.
    ///
    /// # Errors
    /// The log is poisoned.
    pub fn with_fold<T>(&self, look: impl FnOnce(&F) -> T) -> Result<T, WaitError> {
        Ok(look(&self.fold))
    }

    /// Writes and syncs everything, seals the last segment, and gives the anchor of its seal.
    ///
    /// # Errors
    /// The log is, or becomes, poisoned.
    pub fn close(self) -> Result<Anchor, WaitError> {
        todo!()
    }
}

/// What a log is created with.
pub struct CreateOptions {
    /// The log's id: 16 random bytes, never used before.
    pub id: LogId,
    /// The key of its tags.
    pub key: RootKey,
    /// How it is written.
    pub options: LogOptions,
}

/// What a log is opened with.
pub struct OpenOptions {
    /// The key of its tags.
    pub key: RootKey,
    /// How it is written.
    pub options: LogOptions,
    /// The log that it must be, if the caller knows.
    pub log_id: Option<LogId>,
    /// A head that it must have.
    pub anchor: Option<Anchor>,
    /// The caller's time, for the record of a recovery.
    pub at: Timestamp,
}

/// How a log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogOptions {
    /// Bytes of records after which a segment ends (later, where its checkpoint is larger).
    pub segment_bytes: u64,
    /// Bytes that may wait in the queue; at most [`QUEUE_BYTES_MAX`].
    pub queue_bytes: usize,
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

/// How far a log is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Progress {
    /// The last record appended.
    pub head: Sequence,
    /// The last record written.
    pub written: Sequence,
    /// The last record synced.
    pub synced: Sequence,
}

/// Counts since the log was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// The last record appended.
    pub head: Sequence,
    /// The last record written.
    pub written: Sequence,
    /// The last record synced.
    pub synced: Sequence,
    /// Bytes waiting in the queue.
    pub queue_bytes: usize,
    /// Batches written.
    pub batches: u64,
    /// Batches synced.
    pub syncs: u64,
    /// Bytes written, headers, checkpoints and seals included.
    pub written_bytes: u64,
    /// The segment being written.
    pub segment: u32,
}

/// What opening found and did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Recovery {
    /// The log's id.
    pub log_id: LogId,
    /// The segment that was last.
    pub segment: u32,
    /// The last record; after a cut, the record of the cut.
    pub head: Sequence,
    /// Records of the last segment that were read.
    pub records: u64,
    /// The torn tail that was cut.
    pub cut: Option<Cut>,
    /// Segments whose creation had not ended, removed.
    pub unfinished: u32,
    /// Whether the last segment was sealed: the log had been closed.
    pub sealed: bool,
}

/// A torn tail that was cut, and the payload of the record that says so. FORMAT 9.16.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// The segment.
    pub segment: u32,
    /// Where in it the tail began.
    pub offset: u64,
    /// From there to the last byte that was not zero.
    pub bytes: u64,
    /// SHA-256 of these bytes.
    pub digest: Digest,
}

impl Cut {
    /// Appends the record's payload.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let mut writer = Writer::new(out);
        writer.u32(self.segment);
        writer.u64(self.offset);
        writer.u64(self.bytes);
        writer.raw(&self.digest.0);
    }

    /// Reads the record's payload.
    ///
    /// # Errors
    /// The bytes are none.
    pub fn decode(payload: &[u8]) -> Result<Self, CodecError> {
        let mut reader = Reader::new(payload);
        let cut = Self {
            segment: reader.u32()?,
            offset: reader.u64()?,
            bytes: reader.u64()?,
            digest: Digest(reader.array()?),
        };
        reader.finish()?;
        Ok(cut)
    }
}
