//! Why bytes are no record.

use core::fmt;

use super::kind::Kind;
use super::path::PathError;
use crate::caps::CapsError;
use crate::codec::CodecError;
use crate::id::NameError;

/// Why a payload is not that of any record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RecordError {
    /// The kind is none that this version knows as a record.
    Kind {
        /// Its code.
        seen: u16,
    },
    /// The record is read under a schema, and no policy was in force.
    SchemaMissing {
        /// The record's kind.
        kind: Kind,
    },
    /// The bytes are not canonical.
    Codec(CodecError),
    /// A name is none.
    Name(NameError),
    /// A path is none.
    Path(PathError),
    /// An account's limits, throttles or caps are none.
    Caps(CapsError),
    /// Two fields contradict each other.
    Contradiction {
        /// What does not go together.
        what: &'static str,
    },
}

impl fmt::Display for RecordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kind { seen } => write!(f, "kind {seen} is no record of this version"),
            Self::SchemaMissing { kind } => write!(f, "a record of kind {kind} before any policy"),
            Self::Codec(error) => error.fmt(f),
            Self::Name(error) => error.fmt(f),
            Self::Path(error) => error.fmt(f),
            Self::Caps(error) => error.fmt(f),
            Self::Contradiction { what } => write!(f, "contradiction: {what}"),
        }
    }
}

impl core::error::Error for RecordError {}

impl From<CodecError> for RecordError {
    fn from(error: CodecError) -> Self {
        Self::Codec(error)
    }
}

impl From<NameError> for RecordError {
    fn from(error: NameError) -> Self {
        Self::Name(error)
    }
}

impl From<PathError> for RecordError {
    fn from(error: PathError) -> Self {
        Self::Path(error)
    }
}
