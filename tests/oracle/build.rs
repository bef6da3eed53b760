//! A request of the model, made again through the crate's handles.

use std::collections::BTreeSet;

use assize::{
    id::CandidateId,
    kernel::{Disabled, Request},
    num::{Bps, MicroUnits},
    policy::Policy,
};

use super::{
    Demand,
    generate::{World, member_name, relation},
};

/// The same request, stated in the order of the lists or backwards: the order means nothing.
pub fn request(world: &World, policy: &Policy, of: &super::Request, backwards: bool) -> Request {
    let schema = policy.schema();
    let mut request = Request::new(schema);
    let bps = |bps: u64| Bps::new(u16::try_from(bps).unwrap()).unwrap();
    of.value.map(|value| request.value(value));
    of.confidence.map(|confidence| request.confidence(bps(confidence)));
    of.risk.map(|risk| request.risk(bps(risk)));
    of.requested.map(|id| request.requested(CandidateId(id)));
    of.cost_limit.map(|limit| request.cost_limit(MicroUnits(limit)));
    for id in in_order(&of.excluded, backwards) {
        request.exclude(CandidateId(*id)).unwrap();
    }
    for (gate, demand) in in_order(&world.model.gates.iter().zip(&of.demands).collect::<Vec<_>>(), backwards)
    {
        let column = world.columns[gate.column].name.as_str();
        match demand {
            None => {}
            Some(Demand::Number(number)) => {
                let gate = schema.gate_number(column, relation(gate.relation)).unwrap();
                request.demand(gate, *number).unwrap();
            }
            Some(Demand::Set(set)) => {
                let names: Vec<String> = set.iter().map(|&member| member_name(member)).collect();
                let names: Vec<&str> = names.iter().map(String::as_str).collect();
                let gate = schema.gate_set(column, relation(gate.relation)).unwrap();
                request.demand_set(gate, &policy.members(column, &names).unwrap()).unwrap();
            }
        }
    }
    for (name, amount) in
        in_order(&world.quantities.iter().zip(&of.quantities).collect::<Vec<_>>(), backwards)
    {
        request.quantity(schema.quantity(name).unwrap(), **amount).unwrap();
    }
    request
}

pub fn disabled(policy: &Policy, ids: &BTreeSet<u32>) -> Disabled {
    if ids.is_empty() {
        return Disabled::none();
    }
    Disabled::new(policy, ids.iter().map(|&id| CandidateId(id)))
}

fn in_order<T>(items: &[T], backwards: bool) -> Vec<&T> {
    if backwards { items.iter().rev().collect() } else { items.iter().collect() }
}
