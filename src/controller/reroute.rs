//! A second try after a candidate failed: release, decide again without it, hold the new cost, as one record.

use alloc::{boxed::Box, vec::Vec};
use core::fmt;

use super::{
    Controller,
    admit::{Admitted, Ask, Asked, Call, denied},
    fault::Fault,
    operation::Outcome,
    permit::{Denial, NotAdmitted, Permit, Repeated},
    queued::Queued,
    section::Held,
};
use crate::{
    budget::Release as Given,
    id::CandidateId,
    kernel::Request,
    num::Timestamp,
    record::{self, AdmissionOutcome, Arguments as _, Halt, RerouteOutcome},
};

/// What is asked after a candidate failed.
#[derive(Clone, Copy, Debug)]
pub struct Reroute<'a> {
    /// The candidate that failed; it is excluded from here on.
    pub failed: CandidateId,
    /// The request, as it was or as it is now.
    pub request: &'a Request,
    /// The new hold's deadline, after the effective time of the call.
    pub deadline: Timestamp,
}

/// Why there is no new permit.
#[derive(Debug, PartialEq, Eq)]
pub enum NotRerouted {
    /// The answer is no, and it is on record; the old hold is released.
    Denied(Denial),
    /// The operation was carried out before.
    Repeated(Repeated),
    /// The call could not be carried out: the old permit comes back.
    Faulted {
        /// The permit, unchanged.
        permit: Permit,
        /// Why.
        fault: Fault,
    },
}

impl fmt::Display for NotRerouted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Denied(denial) => denial.fmt(f),
            Self::Repeated(repeated) => repeated.fmt(f),
            Self::Faulted { permit, fault } => write!(f, "hold {} is not rerouted: {fault}", permit.hold),
        }
    }
}

impl core::error::Error for NotRerouted {}

impl Controller {
    /// Releases the hold, decides the request again without the candidate that failed, and holds the new cost at
    /// the same accounts. SEMANTICS 12.4.
    ///
    /// # Errors
    /// [`NotRerouted::Denied`] when no other candidate may serve or can be paid: the old hold is released all the
    /// same. [`NotRerouted::Faulted`] gives the permit back.
    pub fn reroute(&self, permit: Permit, reroute: &Reroute<'_>, call: Call) -> Result<Permit, NotRerouted> {
        let queued = self.queue_reroute(&permit, reroute, call);
        let answer = queued.and_then(|queued| self.answered(queued));
        answer.map_err(NotAdmitted::Faulted).flatten().map_err(|error| NotRerouted::of(permit, error))
    }

    pub(super) fn queue_reroute(
        &self,
        permit: &Permit,
        reroute: &Reroute<'_>,
        call: Call,
    ) -> Result<Queued<Admitted>, Fault> {
        let mut request = Box::new(reroute.request.clone());
        request.exclude(reroute.failed).map_err(Fault::Malformed)?;
        let arguments = record::Reroute { hold: permit.hold, failed: reroute.failed, request };
        let digest = call.operation.map(|_| arguments.digest(&mut Vec::new())).unwrap_or_default();
        let Asked { mut entered, active, first } = self.ask(&arguments.request, call)?;
        if let Some(before) = entered.before(call.operation, digest)? {
            return self.repeat(entered, before, call.level);
        }
        let first = first.map_err(Fault::Malformed)?;
        if reroute.deadline <= entered.now {
            return Err(Fault::DeadlinePast { deadline: reroute.deadline, effective: entered.now });
        }
        let Held { engine: hold, path, .. } = *entered.open(permit)?;
        let cells = self.engine.path(path.accounts()).map_err(Fault::Path)?;
        entered.roll_hold(hold)?;
        let cells = entered.rolled(path.accounts(), cells)?;
        let Ok(Given::Returned { held: given_back }) = self.engine.release(hold) else {
            return Err(entered.broken());
        };
        entered.section.holds.take(hold.slot(), permit.hold);
        entered.section.counts.released();

        let halt = entered.section.halt;
        let mut opened = None;
        let ask = Ask {
            request: &arguments.request,
            cells: &cells,
            throttled: false,
            deadline: reroute.deadline,
            at_most: (halt == Halt::ReduceOnly).then_some(given_back),
        };
        let admission = if halt == Halt::All {
            AdmissionOutcome::DeniedHalted
        } else {
            // The old hold is gone: what can fail now is a bug, and a slot is free.
            let decided = entered.decide(&active, first, &ask, &mut opened);
            decided.map_err(|_| entered.broken())?.0
        };
        let outcome = RerouteOutcome { given_back, admission };
        let record = record::Call { operation: call.operation, arguments, outcome };
        let sequence = entered.append_call(&record)?;
        let kept = entered.keep(sequence, &active, path, &admission, opened);
        let slot = kept.as_ref().map(|permit| permit.engine.slot());
        entered.remember(call.operation, digest, sequence, Outcome::Reroute(outcome), slot);
        drop(entered);
        self.offer(sequence, &record.arguments.request, &admission, &active);
        let answer = kept.ok_or_else(|| denied(sequence, &admission, None));
        Ok(Queued::new(sequence, call.level, answer).decided_under(&active))
    }
}

impl NotRerouted {
    /// Of the answer to the decision; a fault gives the permit back.
    pub(super) fn of(permit: Permit, error: NotAdmitted) -> Self {
        match error {
            NotAdmitted::Denied(denial) => Self::Denied(denial),
            NotAdmitted::Repeated(repeated) => Self::Repeated(repeated),
            NotAdmitted::Faulted(fault) => Self::Faulted { permit, fault },
        }
    }
}
