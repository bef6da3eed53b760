//! Requests and quantities as documents show them: by place, since a record knows no names.

use alloc::vec::Vec;
use core::borrow::Borrow;

use serde::{Serialize, Serializer};

use crate::id::CandidateId;
use crate::kernel::{Demand, Facts, Quantities, Request};
use crate::limits::GATES_MAX;

/// A request with its gates and quantities by their places in the schema.
#[derive(Serialize)]
struct ShownRequest<'a> {
    #[serde(flatten)]
    facts: ShownFacts,
    excluded: &'a [CandidateId],
    demands: Vec<ShownDemand>,
    quantities: Vec<ShownQuantity>,
}

#[derive(Serialize)]
struct ShownFacts {
    value_micros: Option<i64>,
    confidence_bps: Option<u16>,
    risk_bps: Option<u16>,
    requested: Option<CandidateId>,
    cost_limit_micros: Option<u64>,
}

#[derive(Serialize)]
struct ShownDemand {
    gate: usize,
    #[serde(flatten)]
    of: ShownDemanded,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum ShownDemanded {
    Number(u64),
    Members(Vec<u16>),
}

#[derive(Serialize)]
struct ShownQuantity {
    quantity: u8,
    amount: u64,
}

/// Serialises a request.
pub(super) fn request<R: Borrow<Request>, S: Serializer>(
    request: &R,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let request = request.borrow();
    let Facts { value, confidence, risk, requested, cost_limit } = *request.facts();
    let facts = ShownFacts {
        value_micros: value,
        confidence_bps: confidence.map(|share| share.as_u16()),
        risk_bps: risk.map(|share| share.as_u16()),
        requested,
        cost_limit_micros: cost_limit.map(|limit| limit.0),
    };
    let demands = (0..GATES_MAX)
        .filter_map(|gate| {
            let of = match request.demand_of(gate)? {
                Demand::Number(number) => ShownDemanded::Number(number),
                Demand::Set(set) => ShownDemanded::Members(set.iter().map(|member| member.0).collect()),
            };
            Some(ShownDemand { gate, of })
        })
        .collect();
    let quantities = shown(request.quantities());
    ShownRequest { facts, excluded: request.excluded(), demands, quantities }.serialize(serializer)
}

/// Serialises quantities above 0.
pub(super) fn quantities<S: Serializer>(quantities: &Quantities, serializer: S) -> Result<S::Ok, S::Error> {
    shown(quantities).serialize(serializer)
}

fn shown(quantities: &Quantities) -> Vec<ShownQuantity> {
    quantities.iter().map(|(quantity, amount)| ShownQuantity { quantity: quantity.0, amount }).collect()
}
