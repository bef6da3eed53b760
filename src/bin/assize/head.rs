//! A log's head, as commands show it.

use std::fmt;

use assize::{crypto::Digest, wal::Anchor};
use serde::Serialize;

/// The last record's sequence and the last frame's tag.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Head {
    segment: u32,
    sequence: u64,
    /// As it stands in the log: no secret.
    tag: String,
    log_time_ns: i64,
}

impl Head {
    /// What an anchor says.
    pub(crate) fn of(anchor: &Anchor) -> Self {
        Self {
            segment: anchor.segment(),
            sequence: anchor.sequence().0,
            tag: Digest(anchor.tag().0).to_string(),
            log_time_ns: anchor.log_time().0,
        }
    }

    /// Whether both are at the same record.
    pub(crate) fn is_at(&self, other: &Self) -> bool {
        self.sequence == other.sequence
    }
}

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sequence {} in segment {}, tag {}", self.sequence, self.segment, self.tag)
    }
}
