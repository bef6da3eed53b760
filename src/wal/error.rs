//! What can go wrong with a log, and who is to blame for it.

use core::fmt;

use crate::id::Sequence;

mod find;
mod read;
mod retain;
mod write;

pub use find::FindError;
pub use read::{Fault, ReadError};
pub use retain::RetainError;
pub use write::{AppendError, ChangeKeyError, CreateError, Failure, OpenError, OptionsError, WaitError};

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
