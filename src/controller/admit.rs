//! Admission: decide, hold what was decided, record both, and answer when the record is where it must be.

use alloc::{sync::Arc, vec::Vec};

use super::{
    Controller,
    fault::Fault,
    operation::{Outcome, Remembered},
    permit::{AuditedReason, Denial, DenialClass, NotAdmitted, Permit, Repeated, RepeatedState},
    queued::Queued,
    section::{Active, Entered, Held, lies_back},
    throttles::ThrottledBy,
};
use crate::{
    budget::{Path as Cells, ReserveError},
    id::{AccountId, LogId, Sequence},
    kernel::{Decision, Request, RequestError, prescribe},
    limits::EXPIRED_PER_ADMISSION_MAX,
    num::{Amount, MicroUnits, Timestamp},
    record::{self, AdmissionOutcome, Arguments as _, Decided, Halt, Operation, Path, Principal},
    wal::Level,
};

/// A request to be decided, who it is for, and who pays.
#[derive(Clone, Copy, Debug)]
pub struct Admission<'a> {
    /// Whose request it is, as the host attests or the caller asserts.
    pub principal: Principal,
    /// 1 to 4 accounts; each of them and all their ancestors hold the cost.
    pub accounts: &'a [AccountId],
    /// What is asked.
    pub request: &'a Request,
    /// When the hold ends by itself; after the effective time of the call.
    pub deadline: Timestamp,
}

/// What every mutating call states: its time, where its record must be before it is answered, and its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call {
    /// The caller's time; the effective one is this or the log's, whichever is later.
    pub at: Timestamp,
    /// Where the record is before the call is answered.
    pub level: Level,
    /// The operation, if a retry must be the same one.
    pub operation: Option<Operation>,
}

impl Call {
    /// A call at that time whose record is on disk before it is answered, without a name.
    #[must_use]
    pub fn at(at: Timestamp) -> Self {
        Self { at, level: Level::Synced, operation: None }
    }

    /// The same, answered at that level.
    #[must_use]
    pub fn level(self, level: Level) -> Self {
        Self { level, ..self }
    }

    /// The same, under that operation's name. Admissions, settlements, of parts too, adjustments, extensions, reroutes
    /// and grants are remembered by it; other calls, which can be made again as they are, take no notice of it.
    #[must_use]
    pub fn operation(self, operation: Operation) -> Self {
        Self { operation: Some(operation), ..self }
    }
}

/// The section, entered with a decision of the policy in force.
pub(super) struct Asked<'a> {
    pub(super) entered: Entered<'a>,
    pub(super) active: Arc<Active>,
    pub(super) first: Result<Decision, RequestError>,
}

/// What a decision is answered with, once its record is where it must be.
pub(super) type Admitted = Result<Permit, NotAdmitted>;

impl Controller {
    /// Decides a request, holds its cost at every account of its path, and records both.
    ///
    /// # Errors
    /// [`NotAdmitted::Denied`] when the answer is no, which is on record as well; [`NotAdmitted::Repeated`] when the
    /// operation was admitted before; [`NotAdmitted::Faulted`] when nothing was done, or (for
    /// [`Fault::Unknown`] alone) when it is not known whether it was.
    pub fn admit(&self, admission: &Admission<'_>, call: Call) -> Result<Permit, NotAdmitted> {
        self.answered(self.queue_admission(admission, call)?)?
    }

    pub(super) fn queue_admission(
        &self,
        admission: &Admission<'_>,
        call: Call,
    ) -> Result<Queued<Admitted>, Fault> {
        let arguments = record::Admission {
            principal: admission.principal,
            path: Path::new(admission.accounts).map_err(|error| Fault::Path(path_error(error)))?,
            request: admission.request,
        };
        let digest = call.operation.map(|_| arguments.digest(&mut Vec::new())).unwrap_or_default();
        let Asked { mut entered, active, first } = self.ask(admission.request, call)?;
        if let Some(before) = entered.before(call.operation, digest)? {
            return self.repeat(entered, before, call.level);
        }
        let first = first.map_err(Fault::Malformed)?;
        let cells = self.engine.path(admission.accounts).map_err(Fault::Path)?;
        if admission.deadline <= entered.now {
            return Err(Fault::DeadlinePast { deadline: admission.deadline, effective: entered.now });
        }
        entered.expire_due(EXPIRED_PER_ADMISSION_MAX)?;
        entered.must_have_room()?;
        let cells = entered.rolled(admission.accounts, cells)?;

        let mut opened = None;
        let (outcome, throttled) = if entered.section.halt == Halt::None {
            let ask = Ask {
                request: admission.request,
                cells: &cells,
                throttled: true,
                deadline: admission.deadline,
                at_most: None,
            };
            entered.decide(&active, first, &ask, &mut opened)?
        } else {
            (AdmissionOutcome::DeniedHalted, None)
        };
        let path = arguments.path;
        let sequence =
            entered.append_call(&record::Call { operation: call.operation, arguments, outcome })?;
        let permit = entered.keep(sequence, &active, path, &outcome, opened);
        let slot = permit.as_ref().map(|permit| permit.engine.slot());
        entered.remember(call.operation, digest, sequence, Outcome::Admission(outcome), slot);
        drop(entered);
        self.offer(sequence, admission.request, &outcome, &active);
        let answer = permit.ok_or_else(|| denied(sequence, &outcome, throttled));
        Ok(Queued::new(sequence, call.level, answer).decided_under(&active))
    }

    /// Decides outside the section and enters it; decides again if the policy was replaced meanwhile.
    pub(super) fn ask(&self, request: &Request, call: Call) -> Result<Asked<'_>, Fault> {
        let mut active = self.active();
        let mut first = prescribe(&active.policy, &active.disabled, request);
        let entered = self.enter(call.at)?;
        if !Arc::ptr_eq(&active, &entered.section.active) {
            active = Arc::clone(&entered.section.active);
            first = prescribe(&active.policy, &active.disabled, request);
        }
        Ok(Asked { entered, active, first })
    }

    /// What a repeated admission or reroute is answered with: its first outcome.
    pub(super) fn repeat(
        &self,
        mut entered: Entered<'_>,
        before: Remembered,
        level: Level,
    ) -> Result<Queued<Admitted>, Fault> {
        let outcome = match before.outcome {
            Outcome::Admission(outcome) => outcome,
            Outcome::Reroute(outcome) => outcome.admission,
            _ => return Err(entered.broken()),
        };
        let active = Arc::clone(&entered.section.active);
        let repeated = matches!(outcome, AdmissionOutcome::Admitted { .. })
            .then(|| Repeated { hold: before.sequence, state: entered.state_of(&before) });
        let answer = match repeated {
            Some(repeated) => NotAdmitted::Repeated(repeated),
            None => NotAdmitted::Denied(denial(before.sequence, &outcome, true)),
        };
        Ok(Queued::new(before.sequence, level, Err(answer)).decided_under(&active))
    }
}

/// What is decided inside the section.
pub(super) struct Ask<'a> {
    pub(super) request: &'a Request,
    pub(super) cells: &'a Cells,
    /// Whether throttles are asked.
    pub(super) throttled: bool,
    pub(super) deadline: Timestamp,
    /// While only reductions pass: the most that may be held.
    pub(super) at_most: Option<Amount>,
}

impl Entered<'_> {
    /// Lets the first decision stand, or decides again under what can be paid, and takes the money. Says with a denial by
    /// a throttle when a retry can pass. SEMANTICS 10.1.
    pub(super) fn decide(
        &mut self,
        active: &Active,
        first: Decision,
        ask: &Ask<'_>,
        opened: &mut Option<crate::budget::Hold>,
    ) -> Result<(AdmissionOutcome, Option<ThrottledBy>), Fault> {
        // What the engine says is exact here: the section has it alone.
        if let (Some(_), Some(binding)) = (first.selected, *self.engine.full(ask.cells)) {
            let decided = Decided { limit_applied: None, decision: first };
            return Ok((AdmissionOutcome::DeniedBudget { decided, binding }, None));
        }
        let payable = self.engine.payable(ask.cells).map_err(Fault::Path)?;
        let limit = MicroUnits(payable.available_micros.max(0).unsigned_abs());
        let within = |decision: &Decision| decision.selected.is_none_or(|choice| choice.cost <= limit);
        let decided = if within(&first) {
            Decided { limit_applied: None, decision: first }
        } else {
            let own = ask.request.facts().cost_limit.unwrap_or(MicroUnits(u64::MAX));
            let applied = own.min(limit);
            let mut limited = ask.request.clone();
            limited.cost_limit(applied);
            let second = prescribe(&active.policy, &active.disabled, &limited).map_err(Fault::Malformed)?;
            Decided { limit_applied: Some(applied), decision: second }
        };
        let Some((_, amount)) = decided.held() else {
            let denied = match decided.limit_applied {
                None => AdmissionOutcome::DeniedPolicy { decided },
                Some(_) => AdmissionOutcome::DeniedBudget { decided, binding: payable.binding },
            };
            return Ok((denied, None));
        };
        if ask.at_most.is_some_and(|most| amount > most) {
            return Ok((AdmissionOutcome::DeniedHalted, None));
        }
        let (engine, now) = (self.engine, self.now);
        let on_path = || engine.accounts_on(ask.cells).filter(|_| ask.throttled);
        if let Some(throttled) = self.section.throttles.find(on_path(), now, ask.request, amount) {
            let ThrottledBy { account, throttle, .. } = throttled;
            return Ok((AdmissionOutcome::DeniedThrottle { decided, account, throttle }, Some(throttled)));
        }
        match self.engine.reserve(ask.cells, amount) {
            Ok(hold) => *opened = Some(hold),
            Err(ReserveError::HoldsFull { max }) => return Err(Fault::HoldsFull { max }),
            // What could be paid was read in the section, through which every effect passes.
            Err(_) => return Err(self.broken()),
        }
        self.section.throttles.pass(on_path(), now, ask.request, amount);
        Ok((AdmissionOutcome::Admitted { decided, deadline: ask.deadline }, None))
    }

    /// Puts the hold into the table and makes its permit.
    pub(super) fn keep(
        &mut self,
        sequence: Sequence,
        active: &Active,
        path: Path,
        outcome: &AdmissionOutcome,
        opened: Option<crate::budget::Hold>,
    ) -> Option<Permit> {
        self.section.counts.decided(outcome);
        let AdmissionOutcome::Admitted { decided, deadline } = outcome else { return None };
        let ((candidate, amount), engine) = (decided.held()?, opened?);
        let policy = Arc::clone(&active.policy);
        let held = Held {
            sequence,
            engine,
            amount,
            spent: Amount::ZERO,
            unfunded: Amount::ZERO,
            deadline: *deadline,
            candidate,
            policy,
            path,
            expired: false,
        };
        let permit = permit(self.log.id(), &held, Some(decided.decision));
        let late_ns = self.section.terms.late_window_ns;
        self.section.holds.put(held, late_ns);
        Some(permit)
    }

    /// What became of the hold that the operation opened.
    fn state_of(&mut self, before: &Remembered) -> RepeatedState {
        let (late_ns, now, log) = (self.section.terms.late_window_ns, self.now, self.log.id());
        let held = before
            .slot
            .and_then(|slot| self.section.holds.at(slot, before.sequence))
            .filter(|held| !lies_back(held.deadline, late_ns, now));
        let decision = match &before.outcome {
            Outcome::Admission(outcome) => outcome.decided(),
            Outcome::Reroute(outcome) => outcome.admission.decided(),
            _ => None,
        };
        match held {
            Some(held) if held.expired || held.deadline <= now => RepeatedState::Expired,
            Some(held) => RepeatedState::Open(permit(log, held, decision.map(|decided| decided.decision))),
            None => RepeatedState::Ended,
        }
    }
}

/// The permit of a hold.
pub(super) fn permit(log: LogId, held: &Held, decision: Option<Decision>) -> Permit {
    Permit {
        log,
        hold: held.sequence,
        engine: held.engine,
        candidate: held.candidate,
        amount: held.amount,
        spent: held.spent,
        deadline: held.deadline,
        epoch: held.policy.epoch(),
        decision,
    }
}

/// The denial of a decision that was just made, with when a retry can pass its throttle.
pub(super) fn denied(
    sequence: Sequence,
    outcome: &AdmissionOutcome,
    throttled: Option<ThrottledBy>,
) -> NotAdmitted {
    let mut denial = denial(sequence, outcome, false);
    denial.reason.throttled = throttled.or(denial.reason.throttled);
    NotAdmitted::Denied(denial)
}

/// The denial that an outcome is answered with. Only outcomes without a permit come here.
pub(super) fn denial(sequence: Sequence, outcome: &AdmissionOutcome, repeated: bool) -> Denial {
    let (class, binding) = match outcome {
        AdmissionOutcome::DeniedHalted => (DenialClass::Halted, None),
        AdmissionOutcome::DeniedBudget { binding, .. } => (DenialClass::Budget, Some(*binding)),
        AdmissionOutcome::DeniedThrottle { .. } => (DenialClass::Throttle, None),
        AdmissionOutcome::DeniedPolicy { .. } | AdmissionOutcome::Admitted { .. } => {
            (DenialClass::Policy, None)
        }
    };
    let throttled = match outcome {
        AdmissionOutcome::DeniedThrottle { account, throttle, .. } => {
            Some(ThrottledBy { account: *account, throttle: *throttle, retry_at: None })
        }
        _ => None,
    };
    let decided = outcome.decided();
    let reason = AuditedReason {
        decision: decided.map(|decided| decided.decision),
        limit_applied: decided.and_then(|decided| decided.limit_applied),
        binding,
        throttled,
    };
    Denial { class, sequence, repeated, reason }
}

/// The engine's word for what is wrong with the accounts named.
fn path_error(error: record::PathError) -> crate::budget::PathError {
    match error {
        record::PathError::Empty => crate::budget::PathError::Empty,
        record::PathError::TooMany { seen } => crate::budget::PathError::TooManyAccounts { seen },
        record::PathError::Twice { account } => crate::budget::PathError::Repeated { account },
    }
}
