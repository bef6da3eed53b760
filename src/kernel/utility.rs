//! What a candidate is worth to a request. SEMANTICS 7.

use super::{
    RequestError,
    arithmetic::{share, wide},
    error::Fact,
    request::Facts,
};
use crate::policy::{Candidate, ColumnIndex, Policy, Utility};

/// The utility of one policy, with what one request states for it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Valuation<'a> {
    utility: &'a Utility,
    merit: Option<ColumnIndex>,
    /// Value · confidence, which each basis point of merit is worth 10⁻⁸ of. Below 2⁷⁷.
    pub(super) per_merit: u128,
    /// The part that the risk takes, the same for every candidate.
    pub(super) loss: i128,
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
        let stated = |fact: Option<u64>, name| fact.ok_or(RequestError::Missing { fact: name });
        let in_bps = |bps: crate::num::Bps| u64::from(bps.as_u16());
        // Below zero counts as zero: SEMANTICS 4.2.
        let value = stated(facts.value.map(|value| value.max(0).unsigned_abs()), Fact::Value)?;
        let confidence = stated(facts.confidence.map(in_bps), Fact::Confidence)?;
        let multiplier = u64::from(utility.risk_multiplier_bps());
        let risk = match facts.risk {
            None if multiplier == 0 => 0,
            risk => stated(risk.map(in_bps), Fact::Risk)?,
        };
        let merit = policy.schema().merit();
        let per_merit = u128::from(value).saturating_mul(u128::from(confidence));
        // OK because 10⁴ · 2³² is below 2⁴⁶.
        let loss = share(u128::from(value), risk.saturating_mul(multiplier));
        Ok(Some(Self { utility, merit, per_merit, loss }))
    }

    /// The candidate's utility at that cost; each weighted column is shown to `each`. `None` when it is unknown.
    /// SEMANTICS 7.1 and 7.2.
    pub(super) fn worth(
        &self,
        candidate: &Candidate,
        cost_micros: u64,
        mut each: impl FnMut(PenaltyTerm),
    ) -> Option<Worth> {
        let merit = self.utility.merit_of(candidate, self.merit)?;
        let penalty = self.utility.penalty_of(candidate, |weight, value| {
            each(PenaltyTerm {
                column: weight.column(),
                value,
                assumed: candidate.value(weight.column()).is_none(),
                weight: weight.micros_per_unit(),
                micros: weight.times(value),
            });
        })?;
        let gain = share(self.per_merit, merit);
        // OK because the terms are below 2⁹⁰, 2¹⁰⁹, 2⁶⁴ and 2⁹⁶.
        let total = wide::worth(gain, self.loss, i128::from(cost_micros), penalty);
        Some(Worth { merit, gain, loss: self.loss, penalty, total })
    }
}

impl Worth {
    /// Clamped to `i64`: what order and margin compare. SEMANTICS 7.4.
    pub(super) fn clamped(&self) -> i64 {
        i64::try_from(self.total).unwrap_or(if self.total < 0 { i64::MIN } else { i64::MAX })
    }
}
