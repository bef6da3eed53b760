//! What does not hold about a log, and how much before it does.

use alloc::boxed::Box;
use core::fmt;

use super::decide::Verdict;
use crate::id::Sequence;
use crate::kernel::RequestError;
use crate::ledger::{CheckpointError, Mismatch};
use crate::num::Timestamp;
use crate::record::{Kind, RecordError};
use crate::wal::{self, Blame, ReadError};

/// A log does not hold, or could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AuditError {
    /// What.
    pub problem: Problem,
    /// Where; `None` where [`Problem::Read`] says it, or nothing was read.
    pub at: Option<Located>,
    /// What comes before it, which holds.
    pub good: Good,
}

/// A frame's place in a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Located {
    /// The record's sequence; for a part of a checkpoint, that of the last record before it.
    pub sequence: Sequence,
    /// The segment, from 1.
    pub segment: u32,
    /// Bytes from the segment's start.
    pub offset: u64,
    /// The code of the frame's kind. FORMAT 9.1.
    pub kind: u16,
}

/// How much of a log holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Good {
    /// The sequence of the last record that holds.
    pub records: u64,
    /// Of a log that was pruned, the last record before its first checkpoint: nothing is said of it, nor of those before.
    pub pruned_through: Option<Sequence>,
    /// The effective time of the last of them.
    #[cfg_attr(feature = "serde", serde(rename = "log_time_ns"))]
    pub log_time: Timestamp,
    /// Checkpoints read, or (in a replay) reproduced.
    pub checkpoints: u64,
}

/// What does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Problem {
    /// The chain, or the storage.
    Read(ReadError),
    /// The first checkpoint is no genesis. FORMAT 10.2.
    Genesis(CheckpointError),
    /// The first checkpoint is of another time than the first header. FORMAT 10.2.
    GenesisTime {
        /// The header's.
        expected: Timestamp,
        /// The checkpoint's.
        seen: Timestamp,
    },
    /// The first checkpoint is not at the first record, or of a log that was pruned, not at the record that its segment
    /// begins after.
    GenesisMissing,
    /// A checkpoint is not the state that the records before it make.
    Checkpoint {
        /// Where the two differ first, in bytes of the canonical form.
        byte: u64,
        /// Bytes of the state's canonical form.
        expected_bytes: u64,
    },
    /// A record's payload is none of its kind.
    Payload(RecordError),
    /// A record does not follow from the state before it.
    Ledger {
        /// The record's kind.
        kind: Kind,
        /// What does not follow.
        mismatch: Mismatch,
    },
    /// A request was decided that is malformed. SEMANTICS 4.5.
    Malformed(RequestError),
    /// A request decided again comes to something else. SEMANTICS 10.1.
    Decision(Box<Disputed>),
    /// The balances at the end do not add up. I6.
    Conservation(Mismatch),
}

/// Two outcomes of one request.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Disputed {
    /// What it comes to.
    pub expected: Verdict,
    /// What the record says.
    pub seen: Verdict,
}

impl AuditError {
    /// Whose affair it is; a command line turns it into its exit code.
    #[must_use]
    pub fn blame(&self) -> Blame {
        match &self.problem {
            Problem::Read(error) => error.blame(),
            _ => Blame::Evidence,
        }
    }

    /// Where it is, however it was found.
    #[must_use]
    pub fn place(&self) -> Option<wal::Place> {
        match (&self.problem, self.at) {
            (_, Some(at)) => {
                Some(wal::Place { segment: at.segment, sequence: at.sequence, offset: at.offset })
            }
            (
                Problem::Read(ReadError::Evidence { place, .. } | ReadError::UnknownKey { place, .. }),
                None,
            ) => Some(*place),
            (_, None) => None,
        }
    }
}

impl fmt::Display for AuditError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(at) = self.at {
            write!(f, "segment {}, sequence {}, offset {}: ", at.segment, at.sequence, at.offset)?;
        }
        self.problem.fmt(f)
    }
}

impl fmt::Display for Good {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(through) = self.pruned_through else {
            return write!(f, "{} records hold before it", self.records);
        };
        let records = self.records.saturating_sub(through.0);
        write!(f, "{records} records hold before it, after those through {through}, which were deleted")
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(error) => error.fmt(f),
            Self::Genesis(_) => write!(f, "the first checkpoint is no beginning of a log"),
            Self::GenesisTime { expected, seen } => {
                write!(f, "the first checkpoint is of {} ns; the header of {} ns", seen.0, expected.0)
            }
            Self::GenesisMissing => write!(f, "the log has no checkpoint before its first record"),
            Self::Checkpoint { byte, expected_bytes } => write!(
                f,
                "the checkpoint differs at byte {byte} from the {expected_bytes} bytes that its records make"
            ),
            Self::Payload(_) => write!(f, "the payload is none of the record's kind"),
            Self::Ledger { kind, mismatch } => write!(f, "{kind}: {mismatch}"),
            Self::Malformed(_) => write!(f, "a malformed request was decided"),
            Self::Decision(disputed) => {
                write!(f, "decided as {}; the request comes to {}", disputed.seen, disputed.expected)
            }
            Self::Conservation(mismatch) => mismatch.fmt(f),
        }
    }
}

impl core::error::Error for AuditError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match &self.problem {
            Problem::Read(error) => error.source(),
            Problem::Genesis(error) => Some(error),
            Problem::Payload(error) => Some(error),
            Problem::Malformed(error) => Some(error),
            Problem::Ledger { mismatch, .. } | Problem::Conservation(mismatch) => match mismatch {
                Mismatch::Policy(error) => Some(error),
                Mismatch::Swap(error) => Some(error),
                _ => None,
            },
            Problem::GenesisTime { .. }
            | Problem::GenesisMissing
            | Problem::Checkpoint { .. }
            | Problem::Decision(_) => None,
        }
    }
}
