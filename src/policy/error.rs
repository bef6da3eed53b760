//! Why a policy is not valid: the place, what was seen there, and the bound.
//!
//! Unlike the other errors of this crate these carry the names that they speak of. A policy is loaded rarely and by
//! a person, who looks for the name and not for an index; names are cut to 64 characters.

use alloc::boxed::Box;
use core::fmt;

use super::place::Place;
use super::{ColumnKind, Relation, SchemaTag};
use crate::codec::CodecError;
use crate::id::Epoch;
use crate::num::Bps;

/// The first thing found wrong with a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyError {
    /// Where.
    pub place: Place,
    /// What.
    pub fault: PolicyFault,
}

impl PolicyError {
    pub(super) fn new(place: Place, fault: PolicyFault) -> Self {
        Self { place, fault }
    }
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.fault)
    }
}

impl core::error::Error for PolicyError {}

impl From<CodecError> for PolicyError {
    fn from(source: CodecError) -> Self {
        Self::new(Place::Field("canonical form"), PolicyFault::Bytes(source))
    }
}

/// What is wrong there.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PolicyFault {
    /// The bytes are not the canonical form of any policy.
    Bytes(CodecError),
    /// The canonical form is too large.
    BytesTooMany {
        /// Its bytes.
        seen: usize,
        /// The most that it may have.
        max: usize,
    },
    /// A name without text.
    NameEmpty,
    /// A name with too many bytes.
    NameTooLong {
        /// Its bytes.
        seen: usize,
        /// The most that it may have.
        max: usize,
    },
    /// A name with a control character.
    NameControl,
    /// Too many of something.
    TooMany {
        /// Of what, in the plural.
        what: &'static str,
        /// How many.
        seen: usize,
        /// How many there may be.
        max: usize,
    },
    /// A catalog without candidates.
    NoCandidates,
    /// Basis points above 10,000.
    BpsTooLarge {
        /// How many.
        seen: u64,
    },
    /// What may stand once stands again: a column, a quantity, a weight, a value, a rate, a listing of members.
    Twice {
        /// What, in the singular.
        what: &'static str,
    },
    /// A candidate's or a member's number is that of another.
    IdTwice {
        /// The number.
        id: u32,
    },
    /// A candidate's or a member's name is that of another.
    NameTwice {
        /// The number of the other.
        other: u32,
    },
    /// The schema has no such column.
    ColumnUnknown {
        /// The name that was given.
        name: Box<str>,
    },
    /// The schema has no such quantity.
    QuantityUnknown {
        /// The name that was given.
        name: Box<str>,
    },
    /// The policy lists no member of that name for the column.
    MemberUnknown {
        /// The name that was given.
        name: Box<str>,
    },
    /// The policy lists no member of that number for the column.
    MemberUnlisted {
        /// The number.
        id: u16,
    },
    /// A member's number is too large.
    MemberTooLarge {
        /// The number.
        seen: u16,
        /// The largest that it may be.
        max: u16,
    },
    /// A member twice in one set.
    MemberTwice {
        /// Its name.
        name: Box<str>,
    },
    /// Members are listed for a column that has none.
    MembersOfNumeric {
        /// The column's kind.
        kind: ColumnKind,
    },
    /// The relation takes no column of that kind.
    RelationMismatch {
        /// The gate's relation.
        relation: Relation,
        /// The column's kind.
        kind: ColumnKind,
    },
    /// Only a gate on a numeric column can be fed by quantities.
    FedNotNumeric {
        /// The column's kind.
        kind: ColumnKind,
    },
    /// A gate is fed by quantities and names none.
    FedByNothing,
    /// Only a gate on a `bps` column can be fed by the request's risk.
    RiskNotBps {
        /// The column's kind.
        kind: ColumnKind,
    },
    /// A gate has the column, relation and source of an earlier one.
    GateTwice {
        /// The earlier one's place in the order of gates.
        other: usize,
    },
    /// A rate is for 0 of a quantity.
    PerZero,
    /// Following fallbacks leads back.
    FallbackCycle,
    /// The fallback's rates are for another amount, so they are no rates for this quantity.
    FallbackPer {
        /// The quantity's `per`.
        seen: u64,
        /// Its fallback's.
        fallback: u64,
    },
    /// The merit column is not of kind `bps`.
    MeritNotBps {
        /// Its kind.
        kind: ColumnKind,
    },
    /// There is a utility, and the schema has no merit column.
    MeritMissing,
    /// Only numeric columns can be weighted.
    WeightNotNumeric {
        /// The column's kind.
        kind: ColumnKind,
    },
    /// The weighted columns could sum up to too much.
    PenaltyTooLarge {
        /// The bits of the largest possible sum.
        bits: u32,
        /// The bits that it may have.
        max: u32,
    },
    /// The value is not of the column's kind.
    ValueMismatch {
        /// What the column holds.
        kind: ColumnKind,
        /// What was given: `number`, `member` or `set`.
        seen: &'static str,
    },
    /// There are cards, and none is above 0.
    BaseCardMissing {
        /// The least that a card is above.
        least: u64,
    },
    /// Two cards are above the same.
    CardTwice {
        /// What they are above.
        above: u64,
    },
    /// A card above the base, where no quantity chooses cards.
    CardWithoutTier {
        /// What it is above.
        above: u64,
    },
}

impl fmt::Display for PolicyFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes(source) => source.fmt(f),
            Self::BytesTooMany { seen, max } => write!(f, "{seen} bytes; the limit is {max}"),
            Self::NameEmpty => write!(f, "an empty name; a name has 1 to {NAME_MAX} bytes"),
            Self::NameTooLong { seen, max } => write!(f, "a name of {seen} bytes; the limit is {max}"),
            Self::NameControl => f.write_str("a control character in a name"),
            Self::TooMany { what, seen, max } => write!(f, "{seen} {what}; the limit is {max}"),
            Self::NoCandidates => f.write_str("no candidates; at least 1 is needed"),
            Self::BpsTooLarge { seen } => {
                write!(f, "{seen} is above {} basis points", Bps::MAX.as_u16())
            }
            Self::Twice { what } => write!(f, "this {what} is there twice"),
            Self::IdTwice { id } => write!(f, "another has the number {id}"),
            Self::NameTwice { other } => write!(f, "number {other} has the same name"),
            Self::ColumnUnknown { name } => write!(f, "the schema has no column {name:?}"),
            Self::QuantityUnknown { name } => write!(f, "the schema has no quantity {name:?}"),
            Self::MemberUnknown { name } => write!(f, "no member {name:?} is listed for the column"),
            Self::MemberUnlisted { id } => write!(f, "no member {id} is listed for the column"),
            Self::MemberTooLarge { seen, max } => write!(f, "{seen} is above the largest number, {max}"),
            Self::MemberTwice { name } => write!(f, "the member {name:?} is there twice"),
            Self::MembersOfNumeric { kind } => {
                write!(f, "a {kind} column has no members; set and member columns do")
            }
            Self::RelationMismatch { relation, kind } => {
                write!(f, "{relation} takes no {kind} column; it takes {}", taken(*relation))
            }
            Self::FedNotNumeric { kind } => {
                write!(f, "quantities cannot feed a gate on a {kind} column; it takes a bps or number column")
            }
            Self::FedByNothing => f.write_str("fed by no quantity; at least 1 is needed"),
            Self::RiskNotBps { kind } => {
                write!(f, "the risk cannot feed a gate on a {kind} column; it takes a bps column")
            }
            Self::GateTwice { other } => write!(f, "gates[{other}] has the same column, relation and source"),
            Self::PerZero => f.write_str("per is 0; it is at least 1"),
            Self::FallbackCycle => f.write_str("its fallbacks lead back to a quantity already passed"),
            Self::FallbackPer { seen, fallback } => {
                write!(f, "per is {seen}; its fallback's is {fallback}, and they are the same")
            }
            Self::MeritNotBps { kind } => {
                write!(f, "a {kind} column cannot be the merit; it is a bps column")
            }
            Self::MeritMissing => f.write_str("a utility needs a merit column, and the schema has none"),
            Self::WeightNotNumeric { kind } => {
                write!(f, "a {kind} column cannot be weighted; a bps or number column can")
            }
            Self::PenaltyTooLarge { bits, max } => {
                write!(f, "the weighted columns can sum up to {bits} bits; the limit is {max}")
            }
            Self::ValueMismatch { kind, seen } => write!(f, "a {seen} in a {kind} column"),
            Self::BaseCardMissing { least } => {
                write!(f, "the lowest card is above {least}; the base card is above 0")
            }
            Self::CardTwice { above } => write!(f, "two cards are above {above}"),
            Self::CardWithoutTier { above } => {
                write!(f, "a card above {above}, but the schema's tier_by names no quantity")
            }
        }
    }
}

/// Why one policy cannot follow another. SEMANTICS 2.7.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SwapError {
    /// The epoch is not above the previous policy's.
    EpochNotRaised {
        /// The previous policy's.
        previous: Epoch,
        /// The new policy's.
        seen: Epoch,
    },
    /// The schema is another one; a controller keeps one schema for life.
    SchemaChanged,
    /// The number of a candidate or a member went to another.
    NumberReused {
        /// The new policy's candidate or member.
        place: Place,
        /// The name that the previous policy has for that number.
        previous: Box<str>,
    },
}

impl SwapError {
    /// The refusal's code; frozen. SEMANTICS 20.
    #[must_use]
    pub const fn code(&self) -> u16 {
        match self {
            Self::EpochNotRaised { .. } => 180,
            Self::SchemaChanged => 181,
            Self::NumberReused { .. } => 182,
        }
    }
}

impl fmt::Display for SwapError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EpochNotRaised { previous, seen } => {
                write!(f, "epoch {seen} does not follow epoch {previous}; it must be above")
            }
            Self::SchemaChanged => f.write_str("the schema differs from that of the policy in force"),
            Self::NumberReused { place, previous } => {
                write!(f, "{place}: the policy in force has {previous:?} under this number")
            }
        }
    }
}

impl core::error::Error for SwapError {}

/// A policy was given to what was made for another schema: no request of the one can be put to the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OtherSchema {
    /// The name of the log's schema.
    pub expected: Box<str>,
    /// Its tag.
    pub expected_tag: SchemaTag,
    /// The name of the policy's.
    pub seen: Box<str>,
    /// Its tag.
    pub seen_tag: SchemaTag,
}

#[cfg(feature = "wal")]
impl OtherSchema {
    pub(crate) fn new(log: &super::Schema, policy: &super::Schema) -> Self {
        Self {
            expected: log.name().into(),
            expected_tag: log.tag(),
            seen: policy.name().into(),
            seen_tag: policy.tag(),
        }
    }
}

impl fmt::Display for OtherSchema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { expected, expected_tag, seen, seen_tag } = self;
        write!(
            f,
            "the policy has the schema {seen:?} tagged {:016x}; the log's is {expected:?} tagged {:016x}",
            seen_tag.0, expected_tag.0
        )
    }
}

impl core::error::Error for OtherSchema {}

const NAME_MAX: usize = crate::limits::POLICY_NAME_BYTES_MAX;

fn taken(relation: Relation) -> &'static str {
    match relation {
        Relation::AtLeast | Relation::AtMost | Relation::Fits => "a bps or number column",
        Relation::HasAll | Relation::HasAny => "a set column",
        Relation::OneOf => "a member column",
    }
}
