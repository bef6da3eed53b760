//! How explanations are serialised: indexes as numbers, causes as words, and what passes 64 bits as decimal text.

use core::fmt;

use serde::ser::{Serialize, Serializer};

use super::Value;
use crate::{
    kernel::{Failure, Unpriced},
    num::MicroUnits,
    policy::{ColumnIndex, QuantityIndex},
};

/// A number that may pass 64 bits: a number where it does not, else its decimal text.
pub(in crate::kernel) fn wide<T, S>(number: &T, serializer: S) -> Result<S::Ok, S::Error>
where
    T: Copy + fmt::Display + TryInto<i64> + TryInto<u64>,
    S: Serializer,
{
    if let Ok(number) = TryInto::<i64>::try_into(*number) {
        return serializer.serialize_i64(number);
    }
    match TryInto::<u64>::try_into(*number) {
        Ok(number) => serializer.serialize_u64(number),
        Err(_) => serializer.collect_str(number),
    }
}

/// The same, where there may be none.
pub(in crate::kernel) fn wide_option<T, S>(number: &Option<T>, serializer: S) -> Result<S::Ok, S::Error>
where
    T: Copy + fmt::Display + TryInto<i64> + TryInto<u64>,
    S: Serializer,
{
    match number {
        Some(number) => wide(number, serializer),
        None => serializer.serialize_none(),
    }
}

/// The word that documents use.
pub(in crate::kernel) fn text<T: fmt::Display, S: Serializer>(
    of: &T,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_str(of)
}

/// The column's place in the schema.
pub(in crate::kernel) fn column<S: Serializer>(
    column: &ColumnIndex,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_u8(column.0)
}

/// The quantity's place in the schema.
pub(in crate::kernel) fn quantity<S: Serializer>(
    quantity: &QuantityIndex,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_u8(quantity.0)
}

/// The cost, or why there is none.
pub(in crate::kernel) fn total<S: Serializer>(
    total: &Result<MicroUnits, Unpriced>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match total {
        Ok(cost) => cost.serialize(serializer),
        Err(Unpriced::NoCards) => serializer.serialize_str("no_cards"),
        Err(Unpriced::NoRate(_)) => serializer.serialize_str("no_rate"),
        Err(Unpriced::TooLarge) => serializer.serialize_str("too_large"),
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Number(number) => wide(number, serializer),
            Self::Member(member) => serializer.serialize_u16(member.0),
            Self::Set(set) => serializer.collect_seq(set.iter().map(|member| member.0)),
        }
    }
}

impl Serialize for Failure {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
