//! One request put to one policy: checked, with all that is the same for every candidate worked out once.

use super::{
    Demand, Disabled, Fact, Facts, Reason, Request, RequestError,
    cost::Bill,
    error::same_schema,
    gates::{Demanded, DemandedGate},
    order::{Contender, Failure},
    utility::Valuation,
};
use crate::{
    id::CandidateId,
    limits::GATES_MAX,
    num::{Bps, MicroUnits},
    policy::{Candidate, Column, ColumnKind, GateSpec, Policy, Source},
};

/// What every way of deciding, and every way of explaining, asks of a candidate.
#[derive(Clone, Debug)]
pub(super) struct Question<'a> {
    pub(super) policy: &'a Policy,
    pub(super) disabled: &'a Disabled,
    facts: &'a Facts,
    excluded: &'a [CandidateId],
    /// The gates on which a demand is made, in the schema's order, before the first `None`.
    gates: [Option<DemandedGate<'a>>; GATES_MAX],
    pub(super) bill: Bill<'a>,
    pub(super) limit: MicroUnits,
    /// When the policy has a utility.
    pub(super) valuation: Option<Valuation<'a>>,
}

impl<'a> Question<'a> {
    /// Checks the request against the policy. SEMANTICS 4.5.
    pub(super) fn new(
        policy: &'a Policy,
        disabled: &'a Disabled,
        request: &'a Request,
    ) -> Result<Self, RequestError> {
        let schema = policy.schema();
        same_schema(request.tag(), schema.tag())?;
        disabled.check(policy)?;
        let facts = request.facts();
        let limits = policy.limits();
        if limits.risk_hard.is_some() && facts.risk.is_none() {
            return Err(RequestError::Missing { fact: Fact::Risk });
        }
        if limits.confidence_min.is_some() && facts.confidence.is_none() {
            return Err(RequestError::Missing { fact: Fact::Confidence });
        }
        let mut gates = [None; GATES_MAX];
        let mut places = gates.iter_mut();
        for (index, gate) in schema.gates().iter().enumerate() {
            if let Some(demanded) = demanded(policy, request, index, gate)?
                && let Some(place) = places.next()
            {
                *place = Some(demanded);
            }
        }
        Ok(Self {
            policy,
            disabled,
            facts,
            excluded: request.excluded(),
            gates,
            bill: Bill::new(schema, request.quantities()),
            limit: facts.cost_limit.unwrap_or(MicroUnits(u64::MAX)),
            valuation: Valuation::new(policy, facts)?,
        })
    }

    /// The candidate that the caller would have.
    pub(super) fn requested(&self) -> Option<CandidateId> {
        self.facts.requested
    }

    /// The denial that needs no candidate. SEMANTICS 5.1.
    pub(super) fn denied_at_once(&self) -> Option<Reason> {
        let limits = self.policy.limits();
        if limits.risk_hard.is_some_and(|limit| self.facts.risk >= Some(limit)) {
            return Some(Reason::RiskLimit);
        }
        if limits.confidence_min.is_some_and(|minimum| self.facts.confidence < Some(minimum)) {
            return Some(Reason::ConfidenceMinimum);
        }
        None
    }

    /// Whether the candidate at that place of the catalog is eligible, or what turns it away first. SEMANTICS 5.2.
    pub(super) fn judge(&self, place: usize, candidate: &Candidate) -> Result<Contender, Failure> {
        if self.is_disabled(place, candidate) {
            return Err(Failure::Disabled);
        }
        if self.is_excluded(candidate) {
            return Err(Failure::Excluded);
        }
        if let Some(gate) = self.gates().find(|gate| !gate.passes(candidate)) {
            return Err(Failure::Gate(gate.index));
        }
        let cost = self.bill.cost(candidate, |_| ()).map_err(|_| Failure::Cost)?;
        if cost > self.limit.0 {
            return Err(Failure::Cost);
        }
        let (id, cost) = (candidate.id(), MicroUnits(cost));
        let Some(valuation) = &self.valuation else {
            let merit = self.policy.schema().merit().and_then(|column| candidate.value(column));
            return Ok(Contender { id, cost, utility: None, merit });
        };
        let worth = valuation.worth(candidate, cost.0, |_| ()).ok_or(Failure::Utility)?;
        let utility = worth.clamped();
        if utility <= 0 {
            return Err(Failure::Utility);
        }
        Ok(Contender { id, cost, utility: Some(utility), merit: Some(worth.merit) })
    }

    /// By the policy or by the host.
    pub(super) fn is_disabled(&self, place: usize, candidate: &Candidate) -> bool {
        !candidate.is_enabled() || self.disabled.contains(place)
    }

    /// By the request.
    pub(super) fn is_excluded(&self, candidate: &Candidate) -> bool {
        !self.excluded.is_empty() && self.excluded.binary_search(&candidate.id()).is_ok()
    }

    /// The gates on which a demand is made, in the schema's order.
    pub(super) fn gates(&self) -> impl Iterator<Item = &DemandedGate<'a>> {
        self.gates.iter().map_while(Option::as_ref)
    }
}

/// The demand that the request, its quantities or its risk make of a gate. SEMANTICS 3.1 and 3.4.
fn demanded<'a>(
    policy: &'a Policy,
    request: &'a Request,
    index: usize,
    gate: &GateSpec,
) -> Result<Option<DemandedGate<'a>>, RequestError> {
    // No request demands anything of a gate that is fed: no handle is made for one, and none is decoded.
    let demand = match gate.source() {
        Source::Request => match request.demand_of(index) {
            None => None,
            Some(Demand::Number(number)) => {
                let max = u64::from(Bps::MAX.as_u16());
                let kind = policy.schema().column_at(gate.column()).map(Column::kind);
                if kind == Some(ColumnKind::Bps) && number > max {
                    return Err(RequestError::DemandTooLarge { gate: index, seen: number, max });
                }
                Some(Demanded::Number(u128::from(number)))
            }
            Some(Demand::Set(set)) => {
                let listed = policy.listed(gate.column());
                // The members are named one by one only where there is an error to name.
                if !listed.is_superset(set)
                    && let Some(member) = set.iter().find(|&member| !listed.contains(member))
                {
                    return Err(RequestError::UnknownMember { gate: index, member });
                }
                Some(Demanded::Set(set))
            }
        },
        Source::Quantities(of) => {
            let sum = request.quantities().sum(of);
            (sum > 0).then_some(Demanded::Number(sum))
        }
        Source::Risk => request.facts().risk.map(|risk| Demanded::Number(u128::from(risk.as_u16()))),
    };
    Ok(demand.map(|demand| DemandedGate::new(index, gate, demand)))
}
