//! The ledger's canonical form: what checkpoints hold, and its digest. FORMAT 10.

mod decode;
mod encode;

use core::fmt;

use crate::codec::CodecError;
use crate::id::AccountId;
use crate::policy::PolicyError;
use crate::record::RecordError;

/// The layout's number. FORMAT 10.3.
const LAYOUT: u16 = 1;

/// Why bytes are no ledger's canonical form.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CheckpointError {
    /// The bytes are not canonical.
    Codec(CodecError),
    /// An account, a path or an operation's outcome is none.
    Record(RecordError),
    /// A policy is none.
    Policy(PolicyError),
    /// A part contradicts another.
    Contradiction {
        /// What does not go together.
        what: &'static str,
    },
    /// An account's counters contradict themselves or its holds. I6.
    Account {
        /// The account.
        account: AccountId,
        /// What does not go together.
        what: &'static str,
    },
}

impl fmt::Display for CheckpointError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Codec(error) => error.fmt(f),
            Self::Record(error) => error.fmt(f),
            Self::Policy(_) => write!(f, "a policy's bytes are none"),
            Self::Contradiction { what } => write!(f, "contradiction: {what}"),
            Self::Account { account, what } => write!(f, "account {account}: {what}"),
        }
    }
}

impl core::error::Error for CheckpointError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Policy(error) => Some(error),
            _ => None,
        }
    }
}

impl From<CodecError> for CheckpointError {
    fn from(error: CodecError) -> Self {
        Self::Codec(error)
    }
}

impl From<RecordError> for CheckpointError {
    fn from(error: RecordError) -> Self {
        Self::Record(error)
    }
}
