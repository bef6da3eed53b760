//! Why a record is not found by its sequence.

use core::{error::Error, fmt};

use super::{Blame, Place, ReadError};
use crate::{id::Sequence, wal::storage::StorageError};

/// Why a record was not found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FindError {
    /// The log cannot be read, a header on the way does not hold, or the record's own frame does not.
    Read(ReadError),
    /// The log begins after it: with its first record, or where it was pruned.
    Before {
        /// The first segment that is there.
        segment: u32,
        /// The last record before it.
        through: Sequence,
    },
    /// The segment where it would be ends before it, and with it the log, or what is left of it.
    After {
        /// The segment.
        segment: u32,
    },
    /// Before it, bytes stand in its segment that are no frame: torn, or altered.
    Unreadable {
        /// Where; the sequence is the one looked for.
        place: Place,
    },
}

impl FindError {
    /// Whose affair it is.
    #[must_use]
    pub fn blame(&self) -> Blame {
        match self {
            Self::Read(error) => error.blame(),
            Self::Before { .. } | Self::After { .. } => Blame::Caller,
            Self::Unreadable { .. } => Blame::Evidence,
        }
    }
}

impl From<ReadError> for FindError {
    fn from(error: ReadError) -> Self {
        Self::Read(error)
    }
}

impl From<StorageError> for FindError {
    fn from(error: StorageError) -> Self {
        Self::Read(error.into())
    }
}

impl fmt::Display for FindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(error) => error.fmt(f),
            Self::Before { segment, through } => {
                write!(f, "the log begins after it: with segment {segment}, after sequence {through}")
            }
            Self::After { segment } => write!(f, "the log ends before it, in segment {segment}"),
            Self::Unreadable { place } => write!(f, "{place}: no whole frame stands here"),
        }
    }
}

impl Error for FindError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Read(error) => error.source(),
            Self::Before { .. } | Self::After { .. } | Self::Unreadable { .. } => None,
        }
    }
}
