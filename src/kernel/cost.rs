//! What a request, or observed usage, costs at a candidate. SEMANTICS 6.

use core::num::NonZero;

use super::{Quantities, arithmetic::charge};
use crate::{
    id::CandidateId,
    num::MicroUnits,
    policy::{Candidate, Card, Policy, QuantityIndex, QuantitySpec, Schema},
};

/// What quantities cost at a candidate, disabled or not, by the arithmetic that decisions use; `None` where it has
/// no cost, where the cost does not fit `u64`, where the catalog has no such candidate, or where the quantities are
/// of another schema. SEMANTICS 6 and 12.2.
#[must_use]
pub fn cost_of(policy: &Policy, candidate: CandidateId, quantities: &Quantities) -> Option<MicroUnits> {
    if quantities.tag() != policy.schema().tag() {
        return None;
    }
    let candidate = policy.candidate(candidate)?;
    Bill::new(policy.schema(), quantities).cost(candidate, |_| ()).ok().map(MicroUnits)
}

/// Why a candidate has no cost that could be within a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unpriced {
    /// It has no rate cards. SEMANTICS 6.4.
    NoCards,
    /// Its card has no rate for a quantity, nor for what the quantity falls back to. SEMANTICS 6.3.
    NoRate(QuantityIndex),
    /// The cost does not fit `u64`. SEMANTICS 6.2.
    TooLarge,
}

/// One quantity's part of a cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct CostTerm {
    /// The quantity.
    #[cfg_attr(feature = "serde", serde(serialize_with = "super::explain::json::quantity"))]
    pub quantity: QuantityIndex,
    /// How much of it.
    pub amount: u64,
    /// The quantity whose rate it takes: its own, or one that it falls back to.
    #[cfg_attr(feature = "serde", serde(serialize_with = "super::explain::json::quantity"))]
    pub rate_of: QuantityIndex,
    /// In micro-units for `per`.
    pub rate: u64,
    /// What the rate is for.
    pub per: u64,
    /// ⌈amount × rate / per⌉ micro-units.
    #[cfg_attr(feature = "serde", serde(serialize_with = "super::explain::json::wide"))]
    pub micros: u128,
}

/// Quantities to be priced, with the sum that chooses the card.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bill<'a> {
    schema: &'a Schema,
    quantities: &'a Quantities,
    tier: u128,
}

impl<'a> Bill<'a> {
    pub(super) fn new(schema: &'a Schema, quantities: &'a Quantities) -> Self {
        Self { schema, quantities, tier: quantities.sum(schema.tier_by()) }
    }

    pub(super) fn quantities(&self) -> &'a Quantities {
        self.quantities
    }

    /// ⌊amount × scale / per⌋: what one micro-unit of rate makes of a cost multiplied by `scale`.
    pub(super) fn scaled(&self, quantity: QuantityIndex, amount: u64, scale: u64) -> u128 {
        let per = self.schema.quantity_at(quantity).map_or(NonZero::<u64>::MIN, QuantitySpec::of);
        // OK because two factors below 2⁶⁴ have a product below 2¹²⁸.
        u128::from(amount).saturating_mul(u128::from(scale)) / NonZero::<u128>::from(per)
    }

    /// The card that prices these quantities, with its place. SEMANTICS 6.1.
    pub(super) fn card<'c>(&self, candidate: &'c Candidate) -> Option<(usize, &'c Card)> {
        // The base card comes first and is always among them.
        let later = candidate.cards().iter().skip(1).take_while(|card| u128::from(card.above()) < self.tier);
        let place = later.count();
        candidate.cards().get(place).map(|card| (place, card))
    }

    /// The cost in micro-units; each term is shown to `each`.
    #[inline]
    pub(super) fn cost(
        &self,
        candidate: &Candidate,
        mut each: impl FnMut(CostTerm),
    ) -> Result<u64, Unpriced> {
        let (_, card) = self.card(candidate).ok_or(Unpriced::NoCards)?;
        let mut total = u128::from(candidate.flat_fee().0);
        for (quantity, amount) in self.quantities.iter() {
            let (rate_of, rate) = card.price(quantity).ok_or(Unpriced::NoRate(quantity))?;
            // What it falls back to has the same `per`.
            let per = self.schema.quantity_at(quantity).map_or(NonZero::<u64>::MIN, QuantitySpec::of);
            let micros = charge(amount, rate, per);
            each(CostTerm { quantity, amount, rate_of, rate, per: per.get(), micros });
            // A term beyond `u64` may not even fit the sum.
            let Ok(micros) = u64::try_from(micros) else { return Err(Unpriced::TooLarge) };
            // OK because at most 9 numbers of 64 bits are added.
            total = total.wrapping_add(u128::from(micros));
        }
        u64::try_from(total).map_err(|_| Unpriced::TooLarge)
    }
}
