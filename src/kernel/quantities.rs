//! How much of each priced quantity a request asks for, or a settlement observed.

use alloc::vec::Vec;

use super::RequestError;
use crate::{
    codec::{CodecError, Reader, Writer},
    limits::QUANTITIES_MAX,
    policy::{Quantity, QuantityIndex, QuantityMask, Schema, SchemaTag},
};

/// An amount for each priced quantity of one schema; what is not stated is 0. SEMANTICS 4.1 and 12.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quantities {
    tag: SchemaTag,
    /// Those above 0.
    above_zero: QuantityMask,
    amounts: [u64; QUANTITIES_MAX],
}

impl Quantities {
    /// Nothing of any quantity.
    #[must_use]
    pub fn new(schema: &Schema) -> Self {
        Self { tag: schema.tag(), above_zero: QuantityMask::EMPTY, amounts: [0; QUANTITIES_MAX] }
    }

    /// States the amount of one quantity, in place of what was stated before.
    ///
    /// # Errors
    /// The handle is of another schema.
    pub fn set(&mut self, quantity: Quantity, amount: u64) -> Result<&mut Self, RequestError> {
        super::error::same_schema(quantity.tag(), self.tag)?;
        self.put(quantity.index(), amount);
        Ok(self)
    }

    /// The amount of the quantity at that place.
    #[must_use]
    pub fn amount(&self, quantity: QuantityIndex) -> u64 {
        self.amounts.get(quantity.as_usize()).copied().unwrap_or(0)
    }

    /// By the quantities' places in the schema.
    pub(super) fn amounts(&self) -> &[u64; QUANTITIES_MAX] {
        &self.amounts
    }

    /// The quantities above 0.
    #[must_use]
    pub fn above_zero(&self) -> QuantityMask {
        self.above_zero
    }

    /// The quantities above 0 with their amounts, in the schema's order.
    pub fn iter(&self) -> impl Iterator<Item = (QuantityIndex, u64)> + '_ {
        self.above_zero.iter().map(|quantity| (quantity, self.amount(quantity)))
    }

    /// The exact sum of some quantities. SEMANTICS 3.4.
    #[must_use]
    pub fn sum(&self, of: QuantityMask) -> u128 {
        // OK because at most 8 amounts of 64 bits are added.
        of.iter().fold(0, |sum: u128, quantity| sum.saturating_add(u128::from(self.amount(quantity))))
    }

    /// The schema whose quantities these are.
    #[must_use]
    pub fn tag(&self) -> SchemaTag {
        self.tag
    }

    /// Appends the mask of quantities above 0 and their amounts. FORMAT 9.9.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let mut writer = Writer::new(out);
        writer.u8(self.above_zero().bits());
        self.encode_amounts(&mut writer);
    }

    /// Reads the mask of quantities above 0 and their amounts. FORMAT 9.9.
    ///
    /// # Errors
    /// The next bytes are no mask of the schema's quantities with an amount above 0 for each.
    pub fn decode(reader: &mut Reader<'_>, schema: &Schema) -> Result<Self, CodecError> {
        let mask = QuantityMask::from_bits(reader.u8()?);
        Self::decode_amounts(reader, schema, mask)
    }

    pub(super) fn encode_amounts(&self, writer: &mut Writer<'_>) {
        for (_, amount) in self.iter() {
            writer.u64(amount);
        }
    }

    pub(super) fn decode_amounts(
        reader: &mut Reader<'_>,
        schema: &Schema,
        mask: QuantityMask,
    ) -> Result<Self, CodecError> {
        let mut quantities = Self::new(schema);
        for quantity in mask.iter() {
            if schema.quantity_at(quantity).is_none() {
                return Err(reader.invalid("mask of quantities"));
            }
            let amount = reader.u64()?;
            if amount == 0 {
                return Err(reader.invalid("quantity of 0"));
            }
            quantities.put(quantity, amount);
        }
        Ok(quantities)
    }

    fn put(&mut self, quantity: QuantityIndex, amount: u64) {
        if let Some(place) = self.amounts.get_mut(quantity.as_usize()) {
            *place = amount;
            self.above_zero =
                if amount > 0 { self.above_zero.with(quantity) } else { self.above_zero.without(quantity) };
        }
    }
}
