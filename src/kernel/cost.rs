//! What a request, or observed usage, costs at a candidate. SEMANTICS 6.

use super::Quantities;
use crate::{
    id::CandidateId,
    limits::QUANTITIES_MAX,
    num::MicroUnits,
    policy::{Candidate, Card, Policy, QuantityIndex, Schema},
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

    /// The card that prices these quantities, with its place. SEMANTICS 6.1.
    pub(super) fn card<'c>(&self, candidate: &'c Candidate) -> Option<(usize, &'c Card)> {
        // The base card comes first and is always among them.
        let applies = |(place, card): &(usize, &Card)| *place == 0 || u128::from(card.above()) < self.tier;
        candidate.cards().iter().enumerate().take_while(applies).last()
    }

    /// The cost in micro-units; each term is shown to `each`. SEMANTICS 6.2.
    pub(super) fn cost(
        &self,
        candidate: &Candidate,
        mut each: impl FnMut(CostTerm),
    ) -> Result<u64, Unpriced> {
        let Some((_, card)) = self.card(candidate) else { return Err(Unpriced::NoCards) };
        let mut total = u128::from(candidate.flat_fee().0);
        for (quantity, amount) in self.quantities.iter() {
            let term = self.term(card, quantity, amount)?;
            each(term);
            // A term beyond `u64` may not even fit the sum.
            total = match u64::try_from(term.micros) {
                Ok(micros) => total.saturating_add(u128::from(micros)),
                Err(_) => return Err(Unpriced::TooLarge),
            };
        }
        u64::try_from(total).map_err(|_| Unpriced::TooLarge)
    }

    /// SEMANTICS 6.3: the rate of the quantity, else of what it falls back to, which has the same `per`.
    fn term(&self, card: &Card, quantity: QuantityIndex, amount: u64) -> Result<CostTerm, Unpriced> {
        let mut rate_of = quantity;
        for _ in 0..QUANTITIES_MAX {
            let Some(spec) = self.schema.quantity_at(rate_of) else { break };
            if let Some(rate) = card.rate(rate_of) {
                let per = spec.per();
                // OK because two factors below 2⁶⁴ have a product below 2¹²⁸.
                let product = u128::from(amount).saturating_mul(u128::from(rate));
                // Rounded up. `per` is at least 1: the schema is checked.
                let micros = product.div_ceil(u128::from(per.max(1)));
                return Ok(CostTerm { quantity, amount, rate_of, rate, per, micros });
            }
            let Some(next) = spec.fallback() else { break };
            rate_of = next;
        }
        Err(Unpriced::NoRate(quantity))
    }
}
