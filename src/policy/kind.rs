//! What a column holds, and how a gate compares it.

use core::fmt;

/// What the values of a column are. Codes: FORMAT 2.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum ColumnKind {
    /// Basis points, 0 to 10,000.
    Bps,
    /// Any `u64`; its unit is in the column's name.
    Number,
    /// A set of the column's members.
    Set,
    /// One of the column's members.
    Member,
}

impl ColumnKind {
    /// All kinds, in the order of their codes.
    pub const ALL: [Self; 4] = [Self::Bps, Self::Number, Self::Set, Self::Member];

    /// The word that documents use.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bps => "bps",
            Self::Number => "number",
            Self::Set => "set",
            Self::Member => "member",
        }
    }

    /// Whether values are integers that can be compared and weighted.
    #[must_use]
    pub const fn is_numeric(self) -> bool {
        matches!(self, Self::Bps | Self::Number)
    }

    pub(super) const fn code(self) -> u8 {
        match self {
            Self::Bps => 0,
            Self::Number => 1,
            Self::Set => 2,
            Self::Member => 3,
        }
    }

    pub(super) fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }
}

impl fmt::Display for ColumnKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// How a gate compares a candidate's value with the demand. SEMANTICS 3.2; codes: FORMAT 2.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum Relation {
    /// Passes when value ≥ demand.
    AtLeast,
    /// Passes when value ≤ demand.
    AtMost,
    /// Passes when demand ≤ value.
    Fits,
    /// Passes when every demanded member is in the value.
    HasAll,
    /// Passes when the demanded set and the value share a member.
    HasAny,
    /// Passes when the value, one member, is in the demanded set.
    OneOf,
}

impl Relation {
    /// All relations, in the order of their codes.
    pub const ALL: [Self; 6] =
        [Self::AtLeast, Self::AtMost, Self::Fits, Self::HasAll, Self::HasAny, Self::OneOf];

    /// The word that documents use.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AtLeast => "at_least",
            Self::AtMost => "at_most",
            Self::Fits => "fits",
            Self::HasAll => "has_all",
            Self::HasAny => "has_any",
            Self::OneOf => "one_of",
        }
    }

    /// Whether a column of that kind can stand in this relation. SEMANTICS 2.4.
    #[must_use]
    pub const fn takes(self, kind: ColumnKind) -> bool {
        match self {
            Self::AtLeast | Self::AtMost | Self::Fits => kind.is_numeric(),
            Self::HasAll | Self::HasAny => matches!(kind, ColumnKind::Set),
            Self::OneOf => matches!(kind, ColumnKind::Member),
        }
    }

    pub(super) const fn code(self) -> u8 {
        match self {
            Self::AtLeast => 0,
            Self::AtMost => 1,
            Self::Fits => 2,
            Self::HasAll => 3,
            Self::HasAny => 4,
            Self::OneOf => 5,
        }
    }

    pub(super) fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|relation| relation.code() == code)
    }
}

impl fmt::Display for Relation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Where a gate takes its demand from. SEMANTICS 2.4.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// The request makes the demand, by the gate's handle, or makes none.
    Request,
    /// The sum of these quantities of the request: a demand when it is above 0.
    Quantities(QuantityMask),
    /// The risk that the request states: a demand when it states one.
    Risk,
}

/// A column's place among the schema's columns, which are sorted by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ColumnIndex(pub u8);

impl ColumnIndex {
    /// The place, for slices that hold one item for each column.
    #[must_use]
    pub fn as_usize(self) -> usize {
        usize::from(self.0)
    }

    /// This column's bit in a mask of columns; none above 31.
    pub(super) fn bit(self) -> u32 {
        1_u32.checked_shl(u32::from(self.0)).unwrap_or(0)
    }
}

/// A quantity's place among the schema's quantities, which are sorted by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QuantityIndex(pub u8);

impl QuantityIndex {
    /// The place, for arrays that hold one item for each quantity.
    #[must_use]
    pub fn as_usize(self) -> usize {
        usize::from(self.0)
    }

    fn bit(self) -> u8 {
        1_u8.checked_shl(u32::from(self.0)).unwrap_or(0)
    }
}

/// Some of a schema's quantities. FORMAT 1.7.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct QuantityMask(u8);

impl QuantityMask {
    /// No quantity.
    pub const EMPTY: Self = Self(0);

    /// The mask with these bits.
    #[must_use]
    pub const fn from_bits(bits: u8) -> Self {
        Self(bits)
    }

    /// One bit for each quantity.
    #[must_use]
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// Whether it has none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether it has that quantity.
    #[must_use]
    pub fn contains(self, quantity: QuantityIndex) -> bool {
        self.0 & quantity.bit() != 0
    }

    /// The same and that quantity.
    #[must_use]
    pub fn with(self, quantity: QuantityIndex) -> Self {
        Self(self.0 | quantity.bit())
    }

    /// The same but for that quantity.
    #[must_use]
    pub fn without(self, quantity: QuantityIndex) -> Self {
        Self(self.0 & !quantity.bit())
    }

    /// Its quantities, ascending.
    pub fn iter(self) -> impl Iterator<Item = QuantityIndex> {
        let mut left = self.0;
        core::iter::from_fn(move || {
            let lowest = u8::try_from(left.trailing_zeros()).ok().filter(|_| left != 0)?;
            left &= left.wrapping_sub(1);
            Some(QuantityIndex(lowest))
        })
    }
}
