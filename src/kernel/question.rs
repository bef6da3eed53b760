//! One request put to one policy: checked, with all that is the same for every candidate worked out once.

use super::{
    Demand, Disabled, Fact, Reason, Request, RequestError,
    cost::Bill,
    error::same_schema,
    gates::{Demanded, DemandedGate},
    order::{Contender, Failure},
    utility::Valuation,
};
use crate::{
    id::CandidateId,
    num::MicroUnits,
    policy::{Candidate, Filter, GateSpec, MemberId, Policy, Source},
};

/// What every way of deciding, and every way of explaining, asks of a candidate.
#[derive(Clone, Debug)]
pub(super) struct Question<'a> {
    pub(super) policy: &'a Policy,
    pub(super) disabled: &'a Disabled,
    request: &'a Request,
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
        let gates = schema.gates().iter().zip(policy.index().filters());
        for (index, (gate, filter)) in gates.enumerate() {
            check(request, index, gate, filter)?;
        }
        Ok(Self {
            policy,
            disabled,
            request,
            bill: Bill::new(schema, request.quantities()),
            limit: facts.cost_limit.unwrap_or(MicroUnits(u64::MAX)),
            valuation: Valuation::new(policy, facts)?,
        })
    }

    /// The candidate that the caller would have.
    pub(super) fn requested(&self) -> Option<CandidateId> {
        self.request.facts().requested
    }

    /// The denial that needs no candidate. SEMANTICS 5.1.
    pub(super) fn denied_at_once(&self) -> Option<Reason> {
        let (limits, facts) = (self.policy.limits(), self.request.facts());
        if limits.risk_hard.is_some_and(|limit| facts.risk >= Some(limit)) {
            return Some(Reason::RiskLimit);
        }
        if limits.confidence_min.is_some_and(|minimum| facts.confidence < Some(minimum)) {
            return Some(Reason::ConfidenceMinimum);
        }
        None
    }

    /// Whether the candidate at that place of the catalog is eligible, or what turns it away first. SEMANTICS 5.2.
    pub(super) fn judge(&self, place: usize, candidate: &Candidate) -> Result<Contender, Failure> {
        if self.is_disabled(place, candidate) {
            return Err(Failure::Disabled);
        }
        if self.is_excluded(candidate.id()) {
            return Err(Failure::Excluded);
        }
        match self.gates().find(|gate| !gate.passes(candidate)) {
            Some(gate) => Err(Failure::Gate(gate.index)),
            None => self.appraise(candidate),
        }
    }

    /// The same for one that is neither disabled nor excluded and passes every gate.
    #[inline]
    pub(super) fn appraise(&self, candidate: &Candidate) -> Result<Contender, Failure> {
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
        let slot = self.policy.index().slot(place);
        !candidate.is_enabled() || slot.is_none_or(|slot| self.disabled.contains(slot))
    }

    /// By the request.
    pub(super) fn is_excluded(&self, id: CandidateId) -> bool {
        let excluded = self.request.excluded();
        !excluded.is_empty() && excluded.binary_search(&id).is_ok()
    }

    /// The gates on which a demand is made, in the schema's order.
    pub(super) fn gates(&self) -> impl Iterator<Item = DemandedGate<'a>> + use<'a> {
        let request = self.request;
        let gates = self.policy.schema().gates().iter().enumerate();
        gates.filter_map(move |(index, gate)| {
            Some(DemandedGate::new(index, gate, demanded(request, index, gate)?))
        })
    }

    /// Slots of that word that neither policy nor host disables.
    #[inline]
    pub(super) fn enabled(&self, word: usize) -> u64 {
        self.policy.index().enabled(word) & !self.disabled.word(word)
    }

    /// The slots that the request excludes.
    pub(super) fn excluded_slots(&self) -> impl Iterator<Item = usize> {
        let place = |id: &CandidateId| self.policy.position(*id);
        self.request.excluded().iter().filter_map(place).filter_map(|place| self.policy.index().slot(place))
    }

    /// Whether what passes the outer bitmaps of a slot passes altogether; `exact` when those bitmaps are.
    #[inline]
    pub(super) fn passes(&self, slot: usize, exact: bool) -> bool {
        if self.is_excluded(self.policy.index().id(slot)) {
            return false;
        }
        let place = self.policy.index().place(slot);
        let candidate = place.and_then(|place| self.policy.candidates().get(place));
        exact || candidate.is_some_and(|candidate| self.gates().all(|gate| gate.passes(candidate)))
    }
}

/// What a demand breaks of the rules of SEMANTICS 3.4.
#[inline]
fn check(request: &Request, index: usize, gate: &GateSpec, filter: &Filter) -> Result<(), RequestError> {
    // No request demands anything of a gate that is fed: no handle is made for one, and none is decoded.
    match (gate.source(), filter, request.demand_of(index)) {
        (Source::Request, Filter::Thresholds(of), Some(Demand::Number(seen))) if seen > of.demand_max => {
            Err(RequestError::DemandTooLarge { gate: index, seen, max: of.demand_max })
        }
        (Source::Request, Filter::Members(of), Some(Demand::Set(set))) if !of.listed.is_superset(set) => {
            let member = set.iter().find(|&member| !of.listed.contains(member)).unwrap_or(MemberId(0));
            Err(RequestError::UnknownMember { gate: index, member })
        }
        _ => Ok(()),
    }
}

/// The demand that the request, its quantities or its risk make of a gate. SEMANTICS 3.1 and 3.4.
#[inline]
fn demanded<'a>(request: &'a Request, index: usize, gate: &GateSpec) -> Option<Demanded<'a>> {
    match gate.source() {
        Source::Request => match request.demand_of(index)? {
            Demand::Number(number) => Some(Demanded::Number(u128::from(number))),
            Demand::Set(set) => Some(Demanded::Set(set)),
        },
        Source::Quantities(of) => {
            let sum = request.quantities().sum(of);
            (sum > 0).then_some(Demanded::Number(sum))
        }
        Source::Risk => request.facts().risk.map(|risk| Demanded::Number(u128::from(risk.as_u16()))),
    }
}
