//! What a candidate is worth to a request. SEMANTICS 7.

use super::{RequestError, error::Fact, request::Facts};
use crate::policy::{Candidate, ColumnIndex, Policy, Utility};

/// The utility of one policy, with what one request states for it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Valuation<'a> {
    utility: &'a Utility,
    merit: Option<ColumnIndex>,
    /// Not negative: SEMANTICS 4.2.
    value: i128,
    confidence: i128,
    /// The part that the risk takes, the same for every candidate.
    loss: i128,
}

/// A candidate's utility, with the terms that it is the sum of, in micro-units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Worth {
    /// As counted, in basis points.
    pub(super) merit: u64,
    pub(super) gain: i128,
    pub(super) loss: i128,
    /// Σ weight · column.
    pub(super) penalty: i128,
    /// Exact.
    pub(super) total: i128,
}

/// One weighted column's part of a utility.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct PenaltyTerm {
    /// The column.
    #[cfg_attr(feature = "serde", serde(serialize_with = "super::explain::json::column"))]
    pub column: ColumnIndex,
    /// Its value, or what an unknown one counts as.
    pub value: u64,
    /// Whether the value is what an unknown one counts as.
    pub assumed: bool,
    /// In micro-units per unit.
    pub weight: i64,
    /// Weight × value, in micro-units; it is taken from the utility.
    #[cfg_attr(feature = "serde", serde(serialize_with = "super::explain::json::wide"))]
    pub micros: i128,
}

impl<'a> Valuation<'a> {
    /// The valuation of a policy that has a utility; a fact that it uses and the request does not state is an
    /// error. SEMANTICS 4.3.
    pub(super) fn new(policy: &'a Policy, facts: &Facts) -> Result<Option<Self>, RequestError> {
        let Some(utility) = policy.utility() else { return Ok(None) };
        let stated = |fact: Option<i128>, name| fact.ok_or(RequestError::Missing { fact: name });
        let share = |bps: crate::num::Bps| i128::from(bps.as_u16());
        let value = stated(facts.value.map(|value| i128::from(value.max(0))), Fact::Value)?;
        let confidence = stated(facts.confidence.map(share), Fact::Confidence)?;
        let multiplier = i128::from(utility.risk_multiplier_bps());
        let risk = match facts.risk {
            None if multiplier == 0 => 0,
            risk => stated(risk.map(share), Fact::Risk)?,
        };
        let merit = policy.schema().merit();
        // OK because 2⁶³ · 10⁴ · 2³² is below 2¹⁰⁹. Truncated, which is the floor of what is not negative.
        let loss = value.saturating_mul(risk).saturating_mul(multiplier) / SCALE;
        Ok(Some(Self { utility, merit, value, confidence, loss }))
    }

    /// The candidate's utility at that cost; each weighted column is shown to `each`. `None` when it is unknown.
    /// SEMANTICS 7.1 and 7.2.
    pub(super) fn worth(
        &self,
        candidate: &Candidate,
        cost_micros: u64,
        mut each: impl FnMut(PenaltyTerm),
    ) -> Option<Worth> {
        let merit = match self.merit.and_then(|column| candidate.value(column)) {
            Some(merit) => merit,
            None => u64::from(self.utility.merit_unknown()?.as_u16()),
        };
        // OK because 2⁶³ · 10⁴ · 10⁴ is below 2⁹⁰. Truncated, which is the floor of what is not negative.
        let gain = self.value.saturating_mul(self.confidence).saturating_mul(i128::from(merit)) / SCALE;
        let mut penalty: i128 = 0;
        for weight in self.utility.weights() {
            let known = candidate.value(weight.column());
            let value = match known {
                Some(value) => value,
                None => weight.unknown()?,
            };
            let micros = i128::from(weight.micros_per_unit()).saturating_mul(i128::from(value));
            each(PenaltyTerm {
                column: weight.column(),
                value,
                assumed: known.is_none(),
                weight: weight.micros_per_unit(),
                micros,
            });
            // OK because freezing proved the sum of magnitudes below 2⁹⁶: SEMANTICS 7.3.
            penalty = penalty.saturating_add(micros);
        }
        // OK because the terms are below 2⁹⁰, 2¹⁰⁹, 2⁶⁴ and 2⁹⁶.
        let total =
            gain.saturating_sub(self.loss).saturating_sub(i128::from(cost_micros)).saturating_sub(penalty);
        Some(Worth { merit, gain, loss: self.loss, penalty, total })
    }
}

impl Worth {
    /// Clamped to `i64`: what order and margin compare. SEMANTICS 7.4.
    pub(super) fn clamped(&self) -> i64 {
        i64::try_from(self.total).unwrap_or(if self.total < 0 { i64::MIN } else { i64::MAX })
    }
}

/// Confidence and merit, or risk and multiplier, are both in basis points.
const SCALE: i128 = 100_000_000;
