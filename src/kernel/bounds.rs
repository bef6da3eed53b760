//! What a request makes of rows: bounds in 64 bits, and the least that a candidate must reach to matter.
//!
//! Utilities are compared undivided, multiplied by 10⁸ and, where a request is so large that they would not fit,
//! divided by a power of two; all that is rounded is rounded in the candidate's favour. What may matter is then
//! worked out exactly. Without a utility, cost below zero stands for it. CONTRACT: for every eligible candidate of a
//! row, `worth · 10⁸ ≤ key · 2^shift − base · 10⁸` and `cost · 10⁸ ≥ paid · 2^shift`, where worth is the unclamped
//! utility, or −cost.

use super::{
    arithmetic::{SCALE, narrow},
    order::Contender,
    quantities::Quantities,
    question::Question,
};
use crate::{
    id::CandidateId,
    num::MicroUnits,
    policy::{COLUMNS, RATES, Statics},
};

/// The weights of a row's columns for one request, and what their sums are compared with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    weights: [i64; COLUMNS],
    shift: u32,
    /// What is taken from every utility, in micro-units.
    base: i128,
    /// The same while `whole`.
    narrow_base: i64,
    per_merit: u64,
    has_utility: bool,
    limit: MicroUnits,
    /// Each term of a cost is rounded up by less than one micro-unit: all of them, scaled.
    rounded: i64,
    /// The most that may be paid for the cost to be within the limit for certain; less than everything unless
    /// `whole`.
    paid_sure: i64,
    /// Whether no weight was rounded and no worth can pass 64 bits.
    whole: bool,
    /// The largest bound from below that leaves a cost within the limit.
    pub(super) paid_max: i64,
}

/// What a candidate must reach to come before the last of those that are kept.
#[derive(Clone, Copy, Debug)]
pub(super) struct Floor {
    /// The least key.
    pub(super) key: i64,
    /// Below this key it is at best worth as much as the last one.
    above: i64,
}

impl Bounds {
    #[inline]
    pub(super) fn new(question: &Question<'_>) -> Self {
        let statics = question.policy.index().statics();
        let (per_merit, loss) = match &question.valuation {
            Some(valuation) => (valuation.per_merit, valuation.loss),
            None => (0, 0),
        };
        // OK because losses are below 2¹⁰⁹ and penalties below 2⁹⁶.
        let base = loss.wrapping_add(statics.penalty_base);
        let terms = question.bill.quantities().above_zero().bits().count_ones();
        let mut bounds = Self {
            weights: [0; COLUMNS],
            shift: 0,
            base,
            narrow_base: i64::try_from(base).unwrap_or(i64::MAX),
            per_merit: u64::try_from(per_merit).unwrap_or(u64::MAX),
            has_utility: question.valuation.is_some(),
            limit: question.limit,
            rounded: i64::from(terms).wrapping_mul(SCALE.cast_signed()),
            whole: true,
            paid_max: i64::MAX,
            paid_sure: i64::MAX,
        };
        if bounds.narrow(question.bill.quantities(), statics) {
            // Then no worth needs to be clamped either.
            bounds.whole = bounds.narrow_base.unsigned_abs() <= BASE_MAX;
        } else {
            bounds.whole = false;
            bounds.wide(question, per_merit, statics);
        }
        if question.limit.0 < u64::MAX {
            bounds.paid_max = bounds.paid_at_most(question.limit);
        }
        bounds.paid_sure = match (bounds.whole, bounds.paid_max) {
            (false, _) => i64::MIN,
            // No row that says all of its candidate costs as much.
            (true, i64::MAX) => i64::MAX,
            (true, paid_max) => paid_max.saturating_sub(bounds.rounded),
        };
        bounds
    }

    /// Whether the weights fit as they are: the largest numbers of the catalog leave them room ([`Statics`]).
    #[inline]
    fn narrow(&mut self, quantities: &Quantities, statics: &Statics) -> bool {
        let [merit_max, ..] = statics.weight_max;
        let [merit, taken, fee, rates @ ..] = &mut self.weights;
        *merit = self.per_merit.cast_signed();
        *taken = SCALE.cast_signed();
        *fee = SCALE.cast_signed();
        let mut fits = self.per_merit <= merit_max.unsigned_abs();
        for (quantity, amount) in quantities.iter() {
            let at = quantity.as_usize();
            let (Some(rate), Some(scale)) = (rates.get_mut(at), statics.scale.get(at)) else { return false };
            let max = statics.weight_max.get(RATES.wrapping_add(at)).copied().unwrap_or(0);
            match amount.checked_mul(*scale) {
                Some(weight @ 1..) => {
                    fits &= weight <= max.unsigned_abs();
                    *rate = weight.cast_signed();
                }
                _ => return false,
            }
        }
        fits
    }

    /// The weights shifted so that no sum of a row passes 2⁶³, rounded in the candidate's favour.
    #[cold]
    fn wide(&mut self, question: &Question<'_>, per_merit: u128, statics: &Statics) {
        let mut exact = [0_u128; COLUMNS];
        let [merit, taken, fee, rates @ ..] = &mut exact;
        *merit = per_merit;
        *taken = u128::from(SCALE);
        *fee = u128::from(SCALE);
        for (quantity, amount) in question.bill.quantities().iter() {
            if let Some(rate) = rates.get_mut(quantity.as_usize()) {
                *rate = question.bill.scaled(quantity, amount, SCALE);
            }
        }
        let bits = |number: u128| u128::BITS.saturating_sub(number.leading_zeros());
        let summands = exact.iter().zip(&statics.max).map(|(weight, max)| {
            // A weight by itself must fit as well.
            weight.saturating_mul(u128::from(max.unsigned_abs().max(1)))
        });
        let shift = summands.map(bits).max().unwrap_or(0).saturating_sub(SUMMAND_BITS);
        // OK because the shift was made so that they fit. What is paid is bounded from below: rounded down.
        let mut weights = exact.map(|exact| i64::try_from(exact >> shift).unwrap_or(i64::MAX));
        if let Some(merit) = weights.first_mut()
            && shift > 0
            && per_merit > 0
        {
            // What is gained is bounded from above.
            *merit = merit.saturating_add(1);
        }
        self.weights = weights;
        self.shift = shift;
    }

    /// A bound of a row's worth from above.
    #[inline]
    pub(super) fn key(&self, row: &[i64]) -> i64 {
        let &[merit, taken, _, ref rates @ ..] = row else { return i64::MIN };
        let [by_merit, by_unit, ..] = self.weights;
        // OK because the weights were made so that the sum of all magnitudes is below 2⁶³: see `narrow`
        // and `wide`.
        merit.wrapping_mul(by_merit).wrapping_sub(taken.wrapping_mul(by_unit)).wrapping_sub(self.rated(rates))
    }

    /// A bound of a row's cost from below.
    #[inline]
    pub(super) fn paid(&self, row: &[i64]) -> i64 {
        let &[_, _, fee, ref rates @ ..] = row else { return i64::MAX };
        let [_, by_unit, ..] = self.weights;
        // OK as above.
        fee.wrapping_mul(by_unit).wrapping_add(self.rated(rates))
    }

    /// Whether a row's cost may be within the limit.
    #[inline]
    pub(super) fn may_be_paid(&self, row: &[i64]) -> bool {
        self.paid_max == i64::MAX || self.paid(row) <= self.paid_max
    }

    #[inline]
    fn rated(&self, rates: &[i64]) -> i64 {
        let [_, _, _, weights @ ..] = &self.weights;
        match (rates, weights) {
            // Most schemas price two quantities.
            (&[first, second], &[by_first, by_second, ..]) => {
                first.wrapping_mul(by_first).wrapping_add(second.wrapping_mul(by_second))
            }
            _ => rates
                .iter()
                .zip(weights)
                .fold(0_i64, |sum, (rate, weight)| sum.wrapping_add(rate.wrapping_mul(*weight))),
        }
    }

    /// The largest `paid` with which the cost may be within that limit.
    fn paid_at_most(&self, limit: MicroUnits) -> i64 {
        // OK because two factors below 2⁶⁴ have a product below 2¹²⁸.
        let scaled = u128::from(limit.0).wrapping_mul(u128::from(SCALE));
        let scaled = if self.shift == 0 { scaled } else { scaled >> self.shift };
        i64::try_from(scaled).unwrap_or(i64::MAX)
    }

    /// Whether a row that says all of its candidate is within the limit for certain.
    #[inline]
    pub(super) fn affordable(&self, paid: i64) -> bool {
        paid <= self.paid_sure
    }

    /// The candidate of a row that says all of it, if it is eligible; `None` also while not `whole`.
    #[inline]
    pub(super) fn appraise(
        &self,
        question: &Question<'_>,
        row: &[i64],
        id: CandidateId,
    ) -> Option<Contender> {
        let &[merit, taken, fee, ref rates @ ..] = row else { return None };
        let per = &question.policy.index().statics().per;
        // OK because all of it, multiplied by 10⁸, is below 2⁶³: see `narrow`.
        let mut cost = fee.unsigned_abs();
        for (quantity, amount) in question.bill.quantities().iter() {
            let (rate, per) = (rates.get(quantity.as_usize())?, per.get(quantity.as_usize())?);
            cost = cost.wrapping_add(narrow::charge(amount, rate.unsigned_abs(), *per));
        }
        if cost > self.limit.0 {
            return None;
        }
        let mut utility = 0;
        if self.has_utility {
            let gain = narrow::share(self.per_merit, merit.unsigned_abs()).cast_signed();
            // The fee is in the cost as well.
            let penalty = taken.wrapping_sub(fee);
            utility = narrow::worth(gain, self.narrow_base, cost.cast_signed(), penalty);
            if utility <= 0 {
                return None;
            }
        }
        Some(Contender { id, cost: MicroUnits(cost), utility, merit })
    }

    /// Whether [`Self::appraise`] tells of rows that say all of their candidates.
    #[inline]
    pub(super) fn is_whole(&self) -> bool {
        self.whole
    }

    /// The least key of what may be worth as much as a candidate whose row says all of it, has this key, and is
    /// eligible or worth nothing.
    #[inline]
    pub(super) fn beside_key(&self, key: i64) -> i64 {
        // The gain is rounded down by less than one micro-unit. OK because keys are below 2⁶².
        key.wrapping_sub(self.rounded).wrapping_sub(SCALE.cast_signed())
    }

    /// The least key with which a worth of `least` micro-units is possible.
    #[inline]
    fn key_at_least(&self, least: i128) -> i64 {
        if let Ok(least) = i64::try_from(least)
            && self.whole
            && least.unsigned_abs() <= WORTH_MAX
        {
            // OK because 2³⁶ · 2²⁷ is 2⁶³, and 10⁸ is less than 2²⁷.
            return least.wrapping_add(self.narrow_base).wrapping_mul(SCALE.cast_signed());
        }
        // OK because no worth is above 2⁹⁷: a lower floor than it might be excludes nobody.
        let least = least.wrapping_add(self.base).min(LEAST_MAX);
        // OK because 2⁹⁹ · 2²⁷ is below 2¹²⁷.
        let scaled = least.wrapping_mul(i128::from(SCALE));
        let rest = 1_i128.wrapping_shl(self.shift).wrapping_sub(1);
        // Rounded up.
        let shifted = scaled.saturating_add(rest) >> self.shift;
        i64::try_from(shifted).unwrap_or(if shifted < 0 { i64::MIN } else { i64::MAX })
    }

    /// The floor of a field that still takes everyone: with a utility, everyone with one above 0.
    pub(super) fn open(&self, has_utility: bool) -> Floor {
        let key = if has_utility { self.key_at_least(1) } else { i64::MIN };
        Floor { key, above: i64::MIN }
    }

    /// The floor of a field whose last one is to be beaten.
    #[inline]
    pub(super) fn beside(&self, last: &Contender) -> Floor {
        let worth = match last.utility {
            0 => i128::from(last.cost.0).wrapping_neg(),
            utility => i128::from(utility),
        };
        let key = self.key_at_least(worth);
        // A worth of one micro-unit more has at least this key.
        let step = i64::try_from(SCALE >> self.shift.min(63)).unwrap_or(0);
        Floor { key, above: key.saturating_add(step) }
    }

    /// Whether a row, or a block of rows with no merit above the row's and no id below `id`, may come before the
    /// last one.
    #[inline]
    pub(super) fn matters(
        &self,
        floor: Floor,
        last: Option<&Contender>,
        row: &[i64],
        id: impl FnOnce() -> CandidateId,
    ) -> bool {
        let key = self.key(row);
        if key < floor.key {
            return false;
        }
        self.may_be_paid(row)
            && (key >= floor.above
                || last.is_none_or(|last| self.breaks_tie(last, self.paid(row), row, id())))
    }

    /// What is at best worth as much as the last one comes before it by cost, merit or id. SEMANTICS 5.3.
    #[cold]
    fn breaks_tie(&self, last: &Contender, paid: i64, row: &[i64], id: CandidateId) -> bool {
        let paid = i128::from(paid).wrapping_shl(self.shift);
        let cost = i128::from(last.cost.0);
        let scale = i128::from(SCALE);
        if paid > cost.saturating_mul(scale) {
            return false;
        }
        if paid <= cost.saturating_sub(1).saturating_mul(scale) {
            return true;
        }
        let merit = row.first().copied().unwrap_or(0);
        (merit, last.id) > (last.merit, id)
    }
}

/// Each summand of a row is below 2⁵⁸, and merit's rounding adds less than 2¹⁴.
const SUMMAND_BITS: u32 = 58;
/// What may be taken from, or added to, every utility while the scaled worth of narrow rows fits 64 bits.
const BASE_MAX: u64 = 1 << 34;
/// A worth that is compared in 64 bits.
const WORTH_MAX: u64 = 1 << 35;
/// Above every worth with what is taken from it.
const LEAST_MAX: i128 = 1 << 99;
const _: () = assert!(COLUMNS < 16, "the sum of a row's magnitudes is below 2⁶²");
const _: () = assert!(RATES == 3, "`key`, `paid` and `rated` name the columns before the rates");
