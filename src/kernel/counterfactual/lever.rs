//! What can be moved, and where it stands.

use crate::{
    id::CandidateId,
    kernel::Value,
    num::MicroUnits,
    policy::{ColumnIndex, QuantityIndex},
};

/// One thing about a candidate or a request that may change. SEMANTICS 15.2 and 15.3.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
pub enum Lever {
    /// Whether the candidate is enabled, by the policy and by the host.
    Enabled,
    /// Whether the request excludes the candidate.
    Excluded,
    /// The candidate's value in a column that a demanded gate compares, or that the merit or a weight reads.
    Column(
        #[cfg_attr(feature = "serde", serde(serialize_with = "crate::kernel::explain::json::column"))]
        ColumnIndex,
    ),
    /// A rate on the candidate's card that prices the request.
    Rate {
        /// The card's place, 0 being the base.
        card: usize,
        /// The quantity whose rate it is: one above 0, or one that it falls back to.
        #[cfg_attr(feature = "serde", serde(serialize_with = "crate::kernel::explain::json::quantity"))]
        quantity: QuantityIndex,
    },
    /// The candidate's flat fee.
    FlatFee,
    /// The request's cost limit.
    CostLimit,
    /// The request's demand on the gate at this place in the schema.
    Demand(u8),
    /// The candidate that the request names.
    Requested,
}

/// Where a lever stands, or would have to stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
pub enum Setting {
    /// Of [`Lever::Enabled`]: it is enabled when both are true.
    Enabled {
        /// The policy lets it be selected.
        policy: bool,
        /// The host has not disabled it.
        host: bool,
    },
    /// Of [`Lever::Excluded`].
    Excluded(bool),
    /// Of [`Lever::Column`]; `None` is unknown.
    Value(Option<Value>),
    /// Of [`Lever::Rate`], in micro-units for `per`; `None` when the card has none of the quantity's own.
    Rate(Option<u64>),
    /// Of [`Lever::FlatFee`] and [`Lever::CostLimit`]; a limit not stated is `u64::MAX`.
    Micros(MicroUnits),
    /// Of [`Lever::Demand`]; `None` when no demand is made.
    Demand(Option<Value>),
    /// Of [`Lever::Requested`]; `None` when nobody is named.
    Requested(Option<CandidateId>),
}
