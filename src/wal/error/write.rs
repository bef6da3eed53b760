//! Why a log is not created, opened or written.

use core::{error::Error, fmt};

use super::{Blame, Place, ReadError};
use crate::{
    crypto::KeyId,
    id::Sequence,
    limits::{PAYLOAD_BYTES_MAX, QUEUE_BYTES_MAX, QUEUE_BYTES_MIN, SEGMENT_BYTES_MAX},
    wal::{
        evolving::StateError,
        storage::{Cause, StorageError},
    },
};

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
    /// The state of the evolving key is not there, or not of a log that is to be created.
    KeyState(StateError),
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
            Self::KeyState(error) => error.blame(),
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
            Self::KeyState(_) => write!(f, "no log can be created with the key's state"),
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
            Self::KeyState(error) => Some(error),
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
    /// The state of the evolving key is not there, or not of this log, or an old copy.
    KeyState(StateError),
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
            Self::KeyState(error) => error.blame(),
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
            Self::KeyState(_) => write!(f, "the log does not open with the key's state"),
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
            Self::KeyState(error) => Some(error),
            Self::Read(error) => Some(error),
            Self::Fold { source, .. } => Some(source),
            Self::Recover(failure) => Some(failure),
        }
    }
}

/// Why a log does not go on under another key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChangeKeyError {
    /// It is the log's key already: each key has an id of its own.
    Same {
        /// Its id.
        id: KeyId,
    },
    /// The state of the evolving key is not of this log, or of a later segment than comes next.
    KeyState(StateError),
    /// The log is poisoned.
    Poisoned(Failure),
}

impl ChangeKeyError {
    /// Whose affair it is.
    #[must_use]
    pub fn blame(&self) -> Blame {
        match self {
            Self::Same { .. } => Blame::Caller,
            Self::KeyState(error) => error.blame(),
            Self::Poisoned(failure) => failure.blame(),
        }
    }
}

impl fmt::Display for ChangeKeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Same { id } => write!(f, "key {} is the log's already", id.0),
            Self::KeyState(_) => write!(f, "the log does not go on with the key's state"),
            Self::Poisoned(_) => write!(f, "the log is poisoned and takes nothing more"),
        }
    }
}

impl Error for ChangeKeyError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Same { .. } => None,
            Self::KeyState(error) => Some(error),
            Self::Poisoned(failure) => Some(failure),
        }
    }
}

/// What poisoned a log: the first thing that went wrong while writing it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Failure {
    /// A write, a sync or a new segment failed.
    Storage(StorageError),
    /// The fold refused a record, or has no checkpoint; [`crate::wal::Log::fold_error`] has its word.
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
