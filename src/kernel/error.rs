//! What is wrong with a request: the caller's error, never a denial. SEMANTICS 4.5.

use core::fmt;

use crate::{
    limits::{EXCLUDED_MAX, REQUEST_SETS_MAX},
    policy::{ColumnIndex, MemberId, SchemaTag},
};

/// Why a request is malformed: nothing is decided and nothing is recorded. SEMANTICS 4.5.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RequestError {
    /// A handle, or the request itself, was made for another schema.
    Schema {
        /// The tag that it carries.
        seen: SchemaTag,
        /// The tag of the schema that it is used with.
        expected: SchemaTag,
    },
    /// The policy uses a fact that the request does not state. SEMANTICS 4.3.
    Missing {
        /// Which.
        fact: Fact,
    },
    /// A number demanded of a column of basis points is above 10,000. SEMANTICS 3.4.
    DemandTooLarge {
        /// The gate's place in the schema.
        gate: usize,
        /// What is demanded.
        seen: u64,
        /// The most that can be.
        max: u64,
    },
    /// The policy does not list a demanded member. SEMANTICS 3.4.
    UnknownMember {
        /// The gate's place in the schema.
        gate: usize,
        /// The least such member.
        member: MemberId,
    },
    /// The members demanded are those of another column than the gate's.
    MembersOfAnotherColumn {
        /// The gate's place in the schema.
        gate: usize,
        /// The place of the members' column.
        seen: ColumnIndex,
        /// The place of the gate's column.
        expected: ColumnIndex,
    },
    /// More candidates are excluded than a request can hold.
    TooManyExcluded,
    /// Sets are demanded of more gates than a request can hold.
    TooManySets,
    /// The disabled candidates given with the request are those of another policy.
    DisabledOfAnotherPolicy,
}

/// What a request may state about itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fact {
    /// What the work is worth.
    Value,
    /// How sure the caller is.
    Confidence,
    /// How much is at risk.
    Risk,
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Schema { seen, expected } => {
                write!(f, "made for the schema tagged {:016x}, used with {:016x}", seen.0, expected.0)
            }
            Self::Missing { fact } => {
                write!(f, "the policy uses the {fact}, which the request does not state")
            }
            Self::DemandTooLarge { gate, seen, max } => {
                write!(f, "gate {gate}: a demand of {seen} is above the maximum of {max}")
            }
            Self::UnknownMember { gate, member } => {
                write!(f, "gate {gate}: the policy lists no member {member}")
            }
            Self::MembersOfAnotherColumn { gate, seen, expected } => {
                write!(f, "gate {gate}: members of column {} are demanded of column {}", seen.0, expected.0)
            }
            Self::TooManyExcluded => {
                write!(f, "more candidates are excluded than the maximum of {EXCLUDED_MAX}")
            }
            Self::TooManySets => {
                write!(f, "sets are demanded of more gates than the maximum of {REQUEST_SETS_MAX}")
            }
            Self::DisabledOfAnotherPolicy => {
                f.write_str("the disabled candidates are those of another policy")
            }
        }
    }
}

impl core::error::Error for RequestError {}

impl fmt::Display for Fact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Value => "value",
            Self::Confidence => "confidence",
            Self::Risk => "risk",
        })
    }
}

/// A handle's tag against the schema that it is used with.
pub(super) fn same_schema(seen: SchemaTag, expected: SchemaTag) -> Result<(), RequestError> {
    if seen == expected { Ok(()) } else { Err(RequestError::Schema { seen, expected }) }
}
