//! One request put to one policy: checked, with all that is the same for every candidate worked out once.

use super::{
    Disabled, Fact, Reason, Request, RequestError,
    cost::Bill,
    error::same_schema,
    gates::{Demanded, DemandedGate},
    order::{Contender, Failure, MERIT_UNKNOWN},
    utility::Valuation,
};
use crate::{
    id::CandidateId,
    num::MicroUnits,
    policy::{Candidate, Filter, GateSpec, MemberId, Policy, Slots, Source},
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
        Self::ask(policy, disabled, request, |_, _| ())
    }

    /// The same; each gate on which a demand is made is shown to `each` with its bitmaps.
    #[inline]
    pub(super) fn ask(
        policy: &'a Policy,
        disabled: &'a Disabled,
        request: &'a Request,
        mut each: impl FnMut(&'a Filter, Demanded<'a>),
    ) -> Result<Self, RequestError> {
        check_facts(policy, disabled, request)?;
        for (index, filter) in policy.index().filters().iter().enumerate() {
            let Some(demand) = demanded(request, index, filter.gate.source()) else { continue };
            if breaks_rule(filter, demand) {
                return Err(broken_rule(policy, index, demand));
            }
            each(filter, demand);
        }
        Self::finish(policy, disabled, request)
    }

    #[inline]
    fn finish(
        policy: &'a Policy,
        disabled: &'a Disabled,
        request: &'a Request,
    ) -> Result<Self, RequestError> {
        let facts = request.facts();
        Ok(Self {
            policy,
            disabled,
            request,
            bill: Bill::new(policy.schema(), request.quantities()),
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

    /// The candidate of that id, if it is eligible.
    pub(super) fn judge_id(&self, id: CandidateId) -> Option<Contender> {
        let place = self.policy.position(id)?;
        self.judge(place, self.policy.candidates().get(place)?).ok()
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
            return Ok(Contender { id, cost, utility: 0, merit: merit.map_or(MERIT_UNKNOWN, in_order) });
        };
        let worth = valuation.worth(candidate, cost.0, |_| ()).ok_or(Failure::Utility)?;
        // SEMANTICS 5.2: above 0.
        match worth.clamped() {
            utility @ 1.. => Ok(Contender { id, cost, utility, merit: in_order(worth.merit) }),
            _ => Err(Failure::Utility),
        }
    }

    /// By the policy or by the host.
    pub(super) fn is_disabled(&self, place: usize, candidate: &Candidate) -> bool {
        !candidate.is_enabled() || self.is_switched_off(place)
    }

    /// By the host.
    pub(super) fn is_switched_off(&self, place: usize) -> bool {
        self.policy.index().slot(place).is_none_or(|slot| self.disabled.has_slot(slot))
    }

    /// By the request.
    pub(super) fn is_excluded(&self, id: CandidateId) -> bool {
        let excluded = self.request.excluded();
        !excluded.is_empty() && excluded.binary_search(&id).is_ok()
    }

    /// The gates on which a demand is made, in the schema's order.
    pub(super) fn gates(&self) -> impl Iterator<Item = DemandedGate<'a>> + use<'a> {
        self.demands().map(|(index, filter, demand)| DemandedGate::new(index, &filter.gate, demand))
    }

    /// The demands with the places of their gates in the schema, and their bitmaps.
    pub(super) fn demands(&self) -> impl Iterator<Item = (usize, &'a Filter, Demanded<'a>)> + use<'a> {
        let request = self.request;
        self.policy.index().filters().iter().enumerate().filter_map(move |(index, filter)| {
            Some((index, filter, demanded(request, index, filter.gate.source())?))
        })
    }

    /// The sum of the quantities that feed a gate.
    pub(super) fn fed(&self, gate: u8) -> u128 {
        match self.policy.schema().gates().get(usize::from(gate)).map(GateSpec::source) {
            Some(Source::Quantities(of)) => self.request.quantities().sum(of),
            _ => 0,
        }
    }

    /// Slots of that word that neither policy nor host disables.
    #[inline]
    pub(super) fn enabled(&self, word: usize) -> u64 {
        self.policy.index().enabled(word) & !self.disabled.word(word)
    }

    /// Whether the request excludes anyone.
    #[inline]
    pub(super) fn excludes(&self) -> bool {
        !self.request.excluded().is_empty()
    }

    /// The slots that the request excludes.
    pub(super) fn excluded_slots(&self) -> impl Iterator<Item = usize> {
        let place = |id: &CandidateId| self.policy.position(*id);
        self.request.excluded().iter().filter_map(place).filter_map(|place| self.policy.index().slot(place))
    }

    /// Whether the request does not exclude that candidate.
    #[inline]
    pub(super) fn includes(&self, id: CandidateId) -> bool {
        !self.excludes() || !self.is_excluded(id)
    }
}

/// OK because merit is in basis points.
fn in_order(merit: u64) -> i64 {
    i64::try_from(merit).unwrap_or(i64::MAX)
}

/// The demand that the request, its quantities or its risk make of a gate. SEMANTICS 3.1.
#[inline]
fn demanded(request: &Request, index: usize, source: Source) -> Option<Demanded<'_>> {
    match source {
        Source::Request => match request.number_demanded(index) {
            Some(number) => Some(Demanded::Number(number)),
            None => request.set_demanded(index).map(Demanded::Set),
        },
        Source::Quantities(of) => {
            let sum = request.quantities().sum(of);
            (sum > 0).then(|| u64::try_from(sum).map_or(Demanded::Beyond, Demanded::Number))
        }
        Source::Risk => request.facts().risk.map(|risk| Demanded::Number(u64::from(risk.as_u16()))),
    }
}

/// Whether a demand breaks a rule of SEMANTICS 3.4. (No request demands anything of a gate that is fed: no handle
/// is made for one, and none is decoded.)
#[inline]
fn breaks_rule(filter: &Filter, demand: Demanded<'_>) -> bool {
    match (&filter.slots, demand) {
        (Slots::Thresholds(of), Demanded::Number(demand)) => {
            demand > of.demand_max && filter.gate.source() == Source::Request
        }
        (Slots::Members(of), Demanded::Set(demand)) => !of.listed.is_superset(demand),
        _ => false,
    }
}

#[cold]
fn broken_rule(policy: &Policy, gate: usize, demand: Demanded<'_>) -> RequestError {
    let slots = policy.index().filters().get(gate).map(|filter| &filter.slots);
    match demand {
        Demanded::Set(demand) => {
            let listed = |member| matches!(slots, Some(Slots::Members(of)) if of.listed.contains(member));
            let member = demand.iter().find(|&member| !listed(member)).unwrap_or(MemberId(0));
            RequestError::UnknownMember { gate, member }
        }
        Demanded::Number(seen) => {
            let max = match slots {
                Some(Slots::Thresholds(of)) => of.demand_max,
                _ => u64::MAX,
            };
            RequestError::DemandTooLarge { gate, seen, max }
        }
        Demanded::Beyond => RequestError::DemandTooLarge { gate, seen: u64::MAX, max: u64::MAX },
    }
}

/// The schema, and the facts that the policy's limits use. SEMANTICS 4.3 and 4.5.
#[inline]
fn check_facts(policy: &Policy, disabled: &Disabled, request: &Request) -> Result<(), RequestError> {
    same_schema(request.tag(), policy.schema().tag())?;
    disabled.check(policy)?;
    let (facts, limits) = (request.facts(), policy.limits());
    if limits.risk_hard.is_some() && facts.risk.is_none() {
        return Err(RequestError::Missing { fact: Fact::Risk });
    }
    if limits.confidence_min.is_some() && facts.confidence.is_none() {
        return Err(RequestError::Missing { fact: Fact::Confidence });
    }
    Ok(())
}
