//! Integer quantities as newtypes: money in micro-units, basis points, instants.
//!
//! Nothing here rounds, wraps or saturates; what does not fit is `None` or an error.

use core::fmt;

/// A non-negative quantity of money in micro-units (10⁻⁶ of the account's unit), any `u64`.
///
/// What the kernel computes and compares: costs and cost limits. Money that is held or granted is an [`Amount`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct MicroUnits(pub u64);

/// Money that can be granted, held or spent: micro-units, at most `i64::MAX`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Amount(u64);

impl Amount {
    /// No money.
    pub const ZERO: Self = Self(0);
    /// One micro-unit.
    pub const ONE: Self = Self(1);
    /// The largest amount, `i64::MAX` micro-units.
    pub const MAX: Self = Self(i64::MAX.unsigned_abs());

    /// The amount of that many micro-units, or `None` above `i64::MAX`.
    #[must_use]
    #[inline]
    pub const fn new(micros: u64) -> Option<Self> {
        if micros <= Self::MAX.0 { Some(Self(micros)) } else { None }
    }

    /// In micro-units, 0 to `i64::MAX`.
    #[must_use]
    pub const fn micros(self) -> u64 {
        self.0
    }

    /// The same in micro-units, signed.
    #[must_use]
    pub const fn signed_micros(self) -> i64 {
        self.0.cast_signed()
    }

    /// The sum, or `None` above [`Amount::MAX`].
    #[must_use]
    pub const fn checked_add(self, other: Self) -> Option<Self> {
        match self.0.checked_add(other.0) {
            Some(sum) => Self::new(sum),
            None => None,
        }
    }

    /// The difference, or `None` below zero.
    #[must_use]
    pub const fn checked_sub(self, other: Self) -> Option<Self> {
        match self.0.checked_sub(other.0) {
            Some(difference) => Some(Self(difference)),
            None => None,
        }
    }
}

impl From<Amount> for MicroUnits {
    fn from(amount: Amount) -> Self {
        Self(amount.0)
    }
}

impl TryFrom<MicroUnits> for Amount {
    type Error = TooLarge;

    fn try_from(units: MicroUnits) -> Result<Self, TooLarge> {
        Self::new(units.0).ok_or(TooLarge { seen: units.0, max: Self::MAX.0 })
    }
}

impl fmt::Display for MicroUnits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} µ", self.0)
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} µ", self.0)
    }
}

/// A share in basis points, 0 to 10,000.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Bps(u16);

impl Bps {
    /// The whole: 10,000 basis points.
    pub const MAX: Self = Self(10_000);

    /// That many basis points, or `None` above 10,000.
    #[must_use]
    pub const fn new(bps: u16) -> Option<Self> {
        if bps <= Self::MAX.0 { Some(Self(bps)) } else { None }
    }

    /// 0 to 10,000.
    #[must_use]
    pub const fn as_u16(self) -> u16 {
        self.0
    }
}

/// An instant: nanoseconds since 1970-01-01T00:00:00Z, leap seconds not counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// The instant that many nanoseconds later, or `None` past the last representable one.
    #[must_use]
    pub const fn checked_add_ns(self, ns: u64) -> Option<Self> {
        match self.0.checked_add_unsigned(ns) {
            Some(at) => Some(Self(at)),
            None => None,
        }
    }
}

/// A number above its maximum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLarge {
    /// What was given.
    pub seen: u64,
    /// The largest that is taken.
    pub max: u64,
}

impl fmt::Display for TooLarge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is above the maximum of {}", self.seen, self.max)
    }
}

impl core::error::Error for TooLarge {}
