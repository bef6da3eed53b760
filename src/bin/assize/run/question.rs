//! What is asked for each row: one request under the policy's own names, its quantities taken from the row.

use assize::{
    id::CandidateId,
    kernel::{Disabled, Quantities, Request, RequestError, prescribe},
    num::Bps,
    policy::{HandleError, Policy, Quantity, Relation},
};
use clap::Args;

use super::trace::Row;
use crate::failure::{Failure, chain};

/// What every request states.
#[derive(Debug, Args)]
pub(super) struct Stated {
    /// Generated tokens that each request may take; what it took is known when it is settled.
    #[arg(long, value_name = "N", default_value_t = 1000)]
    output_max: u64,
    /// Capabilities that every request demands.
    #[arg(long, value_name = "CAP,...", value_delimiter = ',')]
    require: Vec<String>,
    /// Candidates that requests name in turn; none is named if left out.
    #[arg(long, value_name = "NAME,...", value_delimiter = ',')]
    requested: Vec<String>,
    /// What a request is worth, in micro-units; stated where the policy has a utility (then 100000 if left out).
    #[arg(long, value_name = "MICROUNITS", allow_negative_numbers = true)]
    value: Option<i64>,
    /// How sure the caller is, in basis points; stated where the policy uses it (then 9000 if left out).
    #[arg(long, value_name = "BPS", value_parser = bps)]
    confidence: Option<Bps>,
    /// How much is at risk, in basis points; stated where the policy uses it (then 1000 if left out).
    #[arg(long, value_name = "BPS", value_parser = bps)]
    risk: Option<Bps>,
}

const VALUE_MICROS: i64 = 100_000;
const CONFIDENCE_BPS: u16 = 9000;
const RISK_BPS: u16 = 1000;

fn bps(text: &str) -> Result<Bps, String> {
    let parsed = text.parse().ok().and_then(Bps::new);
    parsed.ok_or_else(|| format!("basis points are 0 to {}", Bps::MAX.as_u16()))
}

/// The request that rows are put as.
pub(super) struct Question {
    template: Request,
    usage: Quantities,
    input: Quantity,
    output: Quantity,
    requested: Vec<CandidateId>,
}

impl Question {
    /// Looks up every name once, and tries the question on one row, so that nothing is written for a policy that
    /// cannot answer it.
    pub(super) fn new(policy: &Policy, stated: &Stated, row: &Row) -> Result<Self, Failure> {
        let schema = policy.schema();
        let name =
            |error: HandleError| Failure::input(format_args!("the policy does not fit a trace: {error}"));
        let quantity = |of: &str| schema.quantity(of).map_err(name);
        let (input, output) = (quantity("input")?, quantity("output")?);
        let requested = stated.requested.iter().map(|name| {
            let candidate = policy.candidate_named(name).map(assize::policy::Candidate::id);
            candidate.ok_or_else(|| {
                Failure::input(format_args!("--requested: the policy has no candidate {name:?}"))
            })
        });
        let requested = requested.collect::<Result<Vec<_>, _>>()?;
        let mut template = Request::new(schema);
        if !stated.require.is_empty() {
            let flag = |error: HandleError| Failure::input(format_args!("--require: {error}"));
            let names: Vec<&str> = stated.require.iter().map(String::as_str).collect();
            let gate = schema.gate_set(CAPABILITIES, Relation::HasAll).map_err(flag)?;
            let members = policy.members(CAPABILITIES, &names).map_err(flag)?;
            template.demand_set(gate, &members).map_err(|error| malformed(&error))?;
        }
        state_facts(&mut template, policy, stated);
        template.quantity(output, stated.output_max).map_err(|error| malformed(&error))?;
        let question = Self { template, usage: Quantities::new(schema), input, output, requested };
        let request = question.of(0, row)?;
        let tried = prescribe(policy, &Disabled::none(), &request);
        let _decision = tried.map_err(|error| malformed(&error))?;
        Ok(question)
    }

    /// The request of a row, by its place in the trace.
    pub(super) fn of(&self, place: usize, row: &Row) -> Result<Request, Failure> {
        let mut request = self.template.clone();
        request.quantity(self.input, row.context).map_err(|error| malformed(&error))?;
        if let Some(turn) = place.checked_rem(self.requested.len())
            && let Some(candidate) = self.requested.get(turn)
        {
            request.requested(*candidate);
        }
        Ok(request)
    }

    /// What a row used.
    pub(super) fn usage(&self, row: &Row) -> Result<Quantities, Failure> {
        let mut usage = self.usage;
        let set = usage.set(self.input, row.context).and_then(|usage| usage.set(self.output, row.generated));
        set.map(|_| ()).map_err(|error| malformed(&error))?;
        Ok(usage)
    }
}

const CAPABILITIES: &str = "capabilities";

/// States what the policy uses, and what the user gave. A risk that is stated is held to risk ceilings, so it is not
/// stated without need.
fn state_facts(request: &mut Request, policy: &Policy, stated: &Stated) {
    let (utility, limits) = (policy.utility(), policy.limits());
    let weighs_risk = utility.is_some_and(|utility| utility.risk_multiplier_bps() > 0);
    let value = stated.value.or(utility.is_some().then_some(VALUE_MICROS));
    let confidence = utility.is_some() || limits.confidence_min.is_some();
    let confidence = stated.confidence.or(Bps::new(CONFIDENCE_BPS).filter(|_| confidence));
    let risk = weighs_risk || limits.risk_hard.is_some();
    let risk = stated.risk.or(Bps::new(RISK_BPS).filter(|_| risk));
    value.into_iter().for_each(|value| {
        request.value(value);
    });
    confidence.into_iter().for_each(|share| {
        request.confidence(share);
    });
    risk.into_iter().for_each(|share| {
        request.risk(share);
    });
}

fn malformed(error: &RequestError) -> Failure {
    Failure::input(format_args!("the policy cannot decide the requests of a trace: {}", chain(error)))
}
