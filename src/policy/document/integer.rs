//! Integers of documents: in their range, never floats, and refused in the words of a document.

use core::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, Unexpected, Visitor};

/// An integer from 0 to `MAX`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Integer<const MAX: u64>(pub(super) u64);

/// Any `u64`.
pub(super) type Whole = Integer<{ u64::MAX }>;
/// Basis points.
pub(super) type BpsText = Integer<10_000>;

/// Any `i64`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Signed(pub(super) i64);

impl<'de, const MAX: u64> Deserialize<'de> for Integer<MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_u64(IntegerVisitor::<MAX>)
    }
}

struct IntegerVisitor<const MAX: u64>;

impl<const MAX: u64> Visitor<'_> for IntegerVisitor<MAX> {
    type Value = Integer<MAX>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an integer from 0 to {MAX}")
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Self::Value, E> {
        if value <= MAX {
            Ok(Integer(value))
        } else {
            Err(E::invalid_value(Unexpected::Unsigned(value), &self))
        }
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Self::Value, E> {
        match u64::try_from(value) {
            Ok(value) => self.visit_u64(value),
            Err(_) => Err(E::invalid_value(Unexpected::Signed(value), &self)),
        }
    }

    fn visit_i128<E: Error>(self, _: i128) -> Result<Self::Value, E> {
        Err(E::invalid_value(Unexpected::Other(OUT_OF_RANGE), &self))
    }

    fn visit_u128<E: Error>(self, _: u128) -> Result<Self::Value, E> {
        Err(E::invalid_value(Unexpected::Other(OUT_OF_RANGE), &self))
    }
}

impl<'de> Deserialize<'de> for Signed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_i64(SignedVisitor)
    }
}

struct SignedVisitor;

impl Visitor<'_> for SignedVisitor {
    type Value = Signed;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an integer from {} to {}", i64::MIN, i64::MAX)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Signed, E> {
        Ok(Signed(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Signed, E> {
        let signed = i64::try_from(value);
        signed.map(Signed).map_err(|_| E::invalid_value(Unexpected::Unsigned(value), &self))
    }

    fn visit_i128<E: Error>(self, _: i128) -> Result<Signed, E> {
        Err(E::invalid_value(Unexpected::Other(OUT_OF_RANGE), &self))
    }

    fn visit_u128<E: Error>(self, _: u128) -> Result<Signed, E> {
        Err(E::invalid_value(Unexpected::Other(OUT_OF_RANGE), &self))
    }
}

/// What is said of an integer that no 64 bits hold.
pub(super) const OUT_OF_RANGE: &str = "an integer out of range";
