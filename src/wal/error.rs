//! What can go wrong with a log, and who is to blame for it.

use core::{error::Error, fmt};

use super::storage::{Cause, FileName, StorageError};
use crate::{
    crypto::KeyId,
    id::{LogId, Sequence},
    limits::{PAYLOAD_BYTES_MAX, QUEUE_BYTES_MAX, QUEUE_BYTES_MIN, SEGMENT_BYTES_MAX},
};

/// Whose affair an error is; a command line turns it into its exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blame {
    /// The caller's: wrong options, a key that was not given, an argument out of its range.
    Caller,
    /// The evidence does not hold.
    Evidence,
    /// The storage could not.
    Storage,
    /// A bug of the library or of the [`super::Fold`]: please report it.
    Bug,
}

/// A place in a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The segment's number, from 1.
    pub segment: u32,
    /// The sequence expected there: the next record's, or for a control frame the last record's. 0 where
    /// nothing was read yet.
    pub sequence: Sequence,
    /// Bytes from the segment's start.
    pub offset: u64,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "segment {}, sequence {}, offset {}", self.segment, self.sequence, self.offset)
    }
}

/// What does not hold about a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The segment's header is not whole.
    HeaderBroken,
    /// The header states a format version that this library does not read.
    Version {
        /// The one stated.
        seen: u16,
    },
    /// The header states a key mode that this library does not read.
    KeyMode {
        /// The one stated.
        seen: u8,
    },
    /// The header is of another log than the one expected.
    LogId {
        /// The log it names.
        seen: LogId,
    },
    /// The header is of another segment than its file's name says.
    SegmentNumber {
        /// The segment it names.
        seen: u32,
    },
    /// The header's tag is not the key's: altered, or written under another key with this id.
    HeaderTag,
    /// The header does not continue from the sequence at which the segment before it ended.
    HeaderSequence {
        /// The sequence it continues from.
        seen: Sequence,
    },
    /// The header does not continue from the log time at which the segment before it ended.
    HeaderTime,
    /// The header does not carry the tag and the digest of the segment before it.
    HeaderSeal,
    /// The segment is missing.
    SegmentMissing,
    /// The segment has a successor and no seal.
    SealMissing,
    /// The seal does not say what the segment holds.
    SealContents,
    /// Bytes other than zero follow the seal.
    AfterSeal,
    /// No whole frame stands here although one was on disk: altered or damaged.
    Broken,
    /// The last segment ends in a frame that is not whole; opening the log for writing recovers.
    TornTail,
    /// The frame has an extension area, which this library does not read.
    Extension,
    /// The frame's kind is none that may stand here.
    Kind {
        /// Its kind.
        seen: u16,
    },
    /// The frame does not have the next sequence.
    FrameSequence {
        /// Its sequence.
        seen: Sequence,
    },
    /// The frame's effective time goes back, or a control frame's times are not the log time.
    FrameTime,
    /// The frame's `synced_through` goes back, or claims what is not yet written.
    SyncedThrough {
        /// What it claims.
        seen: Sequence,
    },
    /// The frame's tag is not the key's over it and the frame before it.
    FrameTag,
    /// The parts of the segment's checkpoint are out of order or of a wrong size.
    CheckpointPart,
    /// The segment ends before its checkpoint is complete.
    CheckpointIncomplete,
    /// The checkpoint's log time is not the header's.
    CheckpointTime,
    /// The anchor is of another log.
    AnchorLog {
        /// The log it names.
        seen: LogId,
    },
    /// The log ends before the anchor: something was cut off.
    AnchorAhead {
        /// The anchor's sequence.
        anchor: Sequence,
    },
    /// No frame of the anchor's sequence has the anchor's tag.
    AnchorTag,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::HeaderBroken => write!(f, "the segment's header is not whole"),
            Self::Version { seen } => write!(f, "the header states format version {seen}; 1 is read"),
            Self::KeyMode { seen } => write!(f, "the header states key mode {seen}; 1 is read"),
            Self::LogId { seen } => write!(f, "the header is of another log, {seen}"),
            Self::SegmentNumber { seen } => write!(f, "the header is of another segment, {seen}"),
            Self::HeaderTag => {
                write!(f, "the header's tag does not verify: altered, or another key with this id")
            }
            Self::HeaderSequence { seen } => write!(f, "the header continues from sequence {seen}"),
            Self::HeaderTime => write!(f, "the header does not continue from the log time before it"),
            Self::HeaderSeal => write!(f, "the header does not carry the seal of the segment before it"),
            Self::SegmentMissing => write!(f, "the segment is missing"),
            Self::SealMissing => write!(f, "the segment has a successor and no seal"),
            Self::SealContents => write!(f, "the seal does not say what the segment holds"),
            Self::AfterSeal => write!(f, "bytes follow the seal"),
            Self::Broken => write!(f, "no whole frame stands here, and one was on disk"),
            Self::TornTail => write!(f, "torn tail; opening recovers"),
            Self::Extension => write!(f, "the frame has an extension area, which version 1 does not read"),
            Self::Kind { seen } => write!(f, "a frame of kind {seen} may not stand here"),
            Self::FrameSequence { seen } => write!(f, "the frame has sequence {seen}"),
            Self::FrameTime => write!(f, "the frame's time does not continue from the log time"),
            Self::SyncedThrough { seen } => {
                write!(f, "the frame says that sequence {seen} is on disk, out of its range")
            }
            Self::FrameTag => write!(f, "the frame's tag does not verify"),
            Self::CheckpointPart => write!(f, "a part of the checkpoint is out of order or of a wrong size"),
            Self::CheckpointIncomplete => write!(f, "the segment's checkpoint is not complete"),
            Self::CheckpointTime => write!(f, "the checkpoint's log time is not the header's"),
            Self::AnchorLog { seen } => write!(f, "the anchor is of another log, {seen}"),
            Self::AnchorAhead { anchor } => write!(f, "the log ends before its anchor, at sequence {anchor}"),
            Self::AnchorTag => write!(f, "no frame of the anchor's sequence has the anchor's tag"),
        }
    }
}

/// Why a log is not read further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReadError {
    /// There is no such directory.
    Missing,
    /// The directory has no segment.
    Empty,
    /// The directory has a file that belongs to no log.
    Foreign {
        /// Its name.
        name: FileName,
    },
    /// The segment was written under a key that was not given.
    UnknownKey {
        /// Where.
        place: Place,
        /// The key's id, as the segment states it.
        id: KeyId,
    },
    /// The evidence does not hold.
    Evidence {
        /// Where.
        place: Place,
        /// What.
        fault: Fault,
    },
    /// The storage could not.
    Storage(StorageError),
}

impl ReadError {
    /// Whose affair it is.
    #[must_use]
    pub fn blame(&self) -> Blame {
        match self {
            Self::Missing | Self::Storage(_) => Blame::Storage,
            Self::Empty | Self::Foreign { .. } | Self::Evidence { .. } => Blame::Evidence,
            Self::UnknownKey { .. } => Blame::Caller,
        }
    }
}

impl From<StorageError> for ReadError {
    fn from(error: StorageError) -> Self {
        Self::Storage(error)
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => write!(f, "there is no log: the directory is missing"),
            Self::Empty => write!(f, "there is no log: the directory has no segment"),
            Self::Foreign { name } => write!(f, "{name} is no segment's name"),
            Self::UnknownKey { place, id } => write!(f, "{place}: no key with id {} was given", id.0),
            Self::Evidence { place, fault } => write!(f, "{place}: {fault}"),
            Self::Storage(_) => write!(f, "the log cannot be read"),
        }
    }
}

impl Error for ReadError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Storage(error) => Some(error),
            _ => None,
        }
    }
}

/// Options that no log can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OptionsError {
    /// The size at which segments end is out of its range.
    SegmentBytes {
        /// What was given.
        seen: u64,
    },
    /// The size of the queue is out of its range.
    QueueBytes {
        /// What was given.
        seen: usize,
    },
}

impl fmt::Display for OptionsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SegmentBytes { seen } => {
                write!(f, "segments of {seen} bytes; 1 to {SEGMENT_BYTES_MAX} are taken")
            }
            Self::QueueBytes { seen } => {
                write!(f, "a queue of {seen} bytes; {QUEUE_BYTES_MIN} to {QUEUE_BYTES_MAX} are taken")
            }
        }
    }
}

impl Error for OptionsError {}

/// Why a log is not created.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CreateError<E> {
    /// The options are out of their range.
    Options(OptionsError),
    /// The directory exists and is not empty.
    Exists,
    /// Another writer is at it.
    Locked,
    /// The fold has no checkpoint.
    Fold(E),
    /// The storage could not.
    Storage(StorageError),
}

impl<E> CreateError<E> {
    /// Whose affair it is.
    #[must_use]
    pub fn blame(&self) -> Blame {
        match self {
            Self::Options(_) | Self::Exists => Blame::Caller,
            Self::Locked | Self::Storage(_) => Blame::Storage,
            Self::Fold(_) => Blame::Bug,
        }
    }
}

impl<E> From<StorageError> for CreateError<E> {
    fn from(error: StorageError) -> Self {
        if error.cause == Cause::Locked { Self::Locked } else { Self::Storage(error) }
    }
}

impl<E> fmt::Display for CreateError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Options(_) => write!(f, "the log's options are out of their range"),
            Self::Exists => write!(f, "the directory is not empty; a log is created in a new one"),
            Self::Locked => write!(f, "another writer holds the lock"),
            Self::Fold(_) => write!(f, "the first state has no checkpoint; this is a bug, please report it"),
            Self::Storage(_) => write!(f, "the log cannot be created"),
        }
    }
}

impl<E: Error + 'static> Error for CreateError<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Options(error) => Some(error),
            Self::Storage(error) => Some(error),
            Self::Fold(error) => Some(error),
            Self::Exists | Self::Locked => None,
        }
    }
}

/// Why a log is not opened for writing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OpenError<E> {
    /// The options are out of their range.
    Options(OptionsError),
    /// Another writer is at it.
    Locked,
    /// The log is missing, or does not hold.
    Read(ReadError),
    /// The fold does not take the checkpoint or a record.
    Fold {
        /// Where it stands.
        place: Place,
        /// Why not.
        source: E,
    },
    /// The log holds and could not be made ready for writing.
    Recover(Failure),
}

impl<E> OpenError<E> {
    /// Whose affair it is.
    #[must_use]
    pub fn blame(&self) -> Blame {
        match self {
            Self::Options(_) => Blame::Caller,
            Self::Locked => Blame::Storage,
            Self::Read(error) => error.blame(),
            Self::Fold { .. } => Blame::Evidence,
            Self::Recover(failure) => failure.blame(),
        }
    }
}

impl<E> From<ReadError> for OpenError<E> {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Storage(StorageError { cause: Cause::Locked, .. }) => Self::Locked,
            error => Self::Read(error),
        }
    }
}

impl<E> From<StorageError> for OpenError<E> {
    fn from(error: StorageError) -> Self {
        Self::from(ReadError::Storage(error))
    }
}

impl<E> fmt::Display for OpenError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Options(_) => write!(f, "the log's options are out of their range"),
            Self::Locked => write!(f, "another writer holds the lock"),
            Self::Read(_) => write!(f, "the log does not open"),
            Self::Fold { place, .. } => write!(f, "{place}: what the log holds does not apply"),
            Self::Recover(_) => write!(f, "the log cannot be made ready for writing"),
        }
    }
}

impl<E: Error + 'static> Error for OpenError<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Options(error) => Some(error),
            Self::Locked => None,
            Self::Read(error) => Some(error),
            Self::Fold { source, .. } => Some(source),
            Self::Recover(failure) => Some(failure),
        }
    }
}

/// What poisoned a log: the first thing that went wrong while writing it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Failure {
    /// A write, a sync or a new segment failed.
    Storage(StorageError),
    /// The fold refused a record, or has no checkpoint; [`super::Log::fold_error`] has its word.
    Fold {
        /// The record, or the last one before the checkpoint.
        sequence: Sequence,
    },
    /// The log has as many segments as it can have.
    SegmentsExhausted,
    /// A thread panicked while it held the log's state.
    Panicked,
}

impl Failure {
    /// Whose affair it is.
    #[must_use]
    pub fn blame(&self) -> Blame {
        match self {
            Self::Storage(_) => Blame::Storage,
            Self::SegmentsExhausted => Blame::Caller,
            Self::Fold { .. } | Self::Panicked => Blame::Bug,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Storage(_) => write!(f, "the storage failed"),
            Self::Fold { sequence } => {
                write!(f, "the state does not take record {sequence}; this is a bug, please report it")
            }
            Self::SegmentsExhausted => write!(f, "the log has as many segments as it can have"),
            Self::Panicked => write!(f, "a thread panicked while it wrote; this is a bug, please report it"),
        }
    }
}

impl Error for Failure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Storage(error) => Some(error),
            _ => None,
        }
    }
}

/// Why a record is not appended; nothing changed, and no sequence was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AppendError {
    /// The queue has no room for it now.
    Full {
        /// Bytes in the queue.
        queued: usize,
        /// Bytes that the record needs, its envelope included.
        wanted: usize,
        /// Bytes that the queue takes.
        max: usize,
    },
    /// The payload is larger than a record's can be, or its frame larger than the whole queue.
    TooLarge {
        /// Bytes of payload.
        seen: usize,
        /// The most that this log takes.
        max: usize,
    },
    /// The kind is none that a caller may append.
    Kind {
        /// The kind.
        seen: u16,
    },
    /// The effective time is before that of the last record.
    Time,
    /// The log is poisoned.
    Poisoned(Failure),
}

impl AppendError {
    /// Whose affair it is.
    #[must_use]
    pub fn blame(&self) -> Blame {
        match self {
            Self::Full { .. } | Self::TooLarge { .. } | Self::Kind { .. } | Self::Time => Blame::Caller,
            Self::Poisoned(failure) => failure.blame(),
        }
    }
}

impl fmt::Display for AppendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full { queued, wanted, max } => {
                write!(f, "the queue has {queued} of {max} bytes; {wanted} more do not fit")
            }
            Self::TooLarge { seen, max } => {
                write!(
                    f,
                    "a payload of {seen} bytes; this log takes {max} (no log above {PAYLOAD_BYTES_MAX})"
                )
            }
            Self::Kind { seen } => write!(f, "kind {seen} is none that a caller appends"),
            Self::Time => write!(f, "the effective time is before the log's"),
            Self::Poisoned(_) => write!(f, "the log is poisoned and takes nothing more"),
        }
    }
}

impl Error for AppendError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Poisoned(failure) => Some(failure),
            _ => None,
        }
    }
}

/// Why a record, or the log's state, is not answered for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WaitError {
    /// The log is poisoned: whether the record is on disk shows when the log is opened again.
    Unknown(Failure),
    /// No record has that sequence yet.
    NotAppended {
        /// The log's last record.
        head: Sequence,
    },
}

impl WaitError {
    /// Whose affair it is.
    #[must_use]
    pub fn blame(&self) -> Blame {
        match self {
            Self::Unknown(failure) => failure.blame(),
            Self::NotAppended { .. } => Blame::Caller,
        }
    }
}

impl fmt::Display for WaitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(_) => write!(f, "the log is poisoned: open it again to learn what is on disk"),
            Self::NotAppended { head } => write!(f, "the last record has sequence {head}"),
        }
    }
}

impl Error for WaitError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Unknown(failure) => Some(failure),
            Self::NotAppended { .. } => None,
        }
    }
}
