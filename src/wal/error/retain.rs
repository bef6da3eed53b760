//! Why segments of a log are not deleted.

use core::{error::Error, fmt};

use super::{AppendError, Blame, Failure, ReadError};
use crate::{id::Sequence, wal::storage::StorageError};

/// Why a retention was not carried out, or not to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RetainError {
    /// The log is poisoned; nothing was deleted.
    Poisoned(Failure),
    /// A segment's header, or what proves it, is needed to find what is to stay, and cannot be read or does not hold; nothing was deleted.
    Read(ReadError),
    /// The record was not appended; nothing was deleted.
    Append(AppendError),
    /// The log failed: whether the record is on disk shows when it is opened again. Nothing was deleted.
    Unknown {
        /// The record's sequence.
        sequence: Sequence,
        /// What failed.
        failure: Failure,
    },
    /// The record is on disk, and not everything that it lets go is deleted: the next retention goes on. The log is as
    /// good as before.
    Remove {
        /// Segments deleted; others were tried after the first that could not be.
        removed: u32,
        /// The first thing that the storage could not.
        error: StorageError,
    },
}

impl RetainError {
    /// Whose affair it is.
    #[must_use]
    pub fn blame(&self) -> Blame {
        match self {
            Self::Poisoned(failure) | Self::Unknown { failure, .. } => failure.blame(),
            Self::Read(error) => error.blame(),
            Self::Append(error) => error.blame(),
            Self::Remove { .. } => Blame::Storage,
        }
    }
}

impl From<ReadError> for RetainError {
    fn from(error: ReadError) -> Self {
        Self::Read(error)
    }
}

impl fmt::Display for RetainError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Poisoned(_) => write!(f, "the log is poisoned: nothing is deleted"),
            Self::Read(_) => write!(f, "what is to stay cannot be told: nothing is deleted"),
            Self::Append(_) => write!(f, "the retention is not recorded: nothing is deleted"),
            Self::Unknown { sequence, .. } => {
                write!(f, "the log failed, and record {sequence} may be on disk or not: nothing is deleted")
            }
            Self::Remove { removed, .. } => {
                write!(f, "the retention is recorded, {removed} segments are deleted, and others are left")
            }
        }
    }
}

impl Error for RetainError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Poisoned(failure) | Self::Unknown { failure, .. } => Some(failure),
            Self::Read(error) => Some(error),
            Self::Append(error) => Some(error),
            Self::Remove { error, .. } => Some(error),
        }
    }
}
