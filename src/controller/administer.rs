//! The policy in force, halts, switches, terms and expiry: recorded in the one order, as everything else.

use alloc::{sync::Arc, vec::Vec};
use core::fmt;

use super::{
    Controller,
    admit::Call,
    fault::Fault,
    queued::Queued,
    section::{Active, Entered},
};
use crate::{
    id::{CandidateId, Sequence},
    kernel::Disabled,
    limits::EXPIRED_PER_RECORD_MAX,
    policy::{Policy, SwapError},
    record::{CandidateSwitch, Halt, PolicyBytes, Record, Switch, Terms},
    wal::Level,
};

impl Controller {
    /// Puts a policy in force: every later decision is made under it. The call is answered when the policy is on
    /// disk, whatever its level. A policy that is turned away leaves the one in force.
    ///
    /// # Errors
    /// [`NotSwapped::Policy`] when the policy cannot follow the one in force: its epoch is not raised, its schema is
    /// another, or a number went to another name.
    pub fn swap(&self, policy: Policy, call: Call) -> Result<Sequence, NotSwapped> {
        self.answered(self.queue_swap(policy, call)?).map_err(NotSwapped::Faulted)
    }

    pub(super) fn queue_swap(&self, policy: Policy, call: Call) -> Result<Queued<Sequence>, NotSwapped> {
        let mut canonical = Vec::new();
        policy.encode(&mut canonical);
        let record = Record::Policy(PolicyBytes { canonical });
        let mut entered = self.enter(call.at)?;
        policy.check_follows(&entered.section.active.policy).map_err(NotSwapped::Policy)?;
        if let Record::Policy(bytes) = &record {
            entered.log.room_for(bytes.canonical.len()).map_err(Fault::from)?;
        }
        let sequence = entered.append(&record)?;
        self.activate(&mut entered, Arc::new(policy), sequence);
        Ok(Queued::new(sequence, Level::Synced, sequence))
    }

    /// Halts admissions, or lets them pass again. SEMANTICS 13.1.
    ///
    /// # Errors
    /// The log cannot take the record.
    pub fn halt(&self, halt: Halt, call: Call) -> Result<Sequence, Fault> {
        self.answered(self.queue_halt(halt, call)?)
    }

    pub(super) fn queue_halt(&self, halt: Halt, call: Call) -> Result<Queued<Sequence>, Fault> {
        let mut entered = self.enter(call.at)?;
        let sequence = entered.append(&Record::Halt(halt))?;
        entered.section.halt = halt;
        Ok(Queued::new(sequence, call.level, sequence))
    }

    /// Disables one candidate for later decisions, or enables it again. SEMANTICS 13.2.
    ///
    /// # Errors
    /// The policy in force has no such candidate.
    pub fn switch(&self, candidate: CandidateId, switch: Switch, call: Call) -> Result<Sequence, Fault> {
        self.answered(self.queue_switch(candidate, switch, call)?)
    }

    pub(super) fn queue_switch(
        &self,
        candidate: CandidateId,
        switch: Switch,
        call: Call,
    ) -> Result<Queued<Sequence>, Fault> {
        let mut entered = self.enter(call.at)?;
        let active = Arc::clone(&entered.section.active);
        if active.policy.candidate(candidate).is_none() {
            return Err(Fault::UnknownCandidate { candidate });
        }
        let sequence = entered.append(&Record::CandidateSwitch(CandidateSwitch { candidate, switch }))?;
        match switch {
            Switch::Enabled => entered.section.disabled.remove(&candidate),
            Switch::Disabled => entered.section.disabled.insert(candidate),
        };
        self.activate(&mut entered, Arc::clone(&active.policy), active.policy_since);
        Ok(Queued::new(sequence, call.level, sequence))
    }

    /// Changes what the log holds itself to, from this record on. A log that was at rest for longer than its clock
    /// may jump goes on so: the change is made at the log's own time, [`Stats::log_time`](super::Stats::log_time).
    ///
    /// # Errors
    /// They remember too many operations, or the log cannot take the record.
    pub fn change_terms(&self, terms: Terms, call: Call) -> Result<Sequence, Fault> {
        self.answered(self.queue_terms(terms, call)?)
    }

    pub(super) fn queue_terms(&self, terms: Terms, call: Call) -> Result<Queued<Sequence>, Fault> {
        terms.check().map_err(Fault::Operations)?;
        let mut entered = self.enter(call.at)?;
        entered.change_terms(terms)?;
        let sequence = entered.append(&Record::Terms(terms))?;
        Ok(Queued::new(sequence, call.level, sequence))
    }

    /// Expires every hold whose deadline has come, and says how many.
    ///
    /// # Errors
    /// The log cannot take the records; what was expired before that stays so.
    pub fn expire(&self, call: Call) -> Result<usize, Fault> {
        self.answered(self.queue_expiry(call)?)
    }

    pub(super) fn queue_expiry(&self, call: Call) -> Result<Queued<usize>, Fault> {
        let mut expired = 0_usize;
        loop {
            let mut entered = self.enter(call.at)?;
            let some = entered.expire_due(EXPIRED_PER_RECORD_MAX)?;
            expired = expired.saturating_add(some);
            if some < EXPIRED_PER_RECORD_MAX {
                return Ok(Queued::new(entered.log.head(), call.level, expired));
            }
        }
    }

    /// Puts the policy in force, without the candidates that the host has disabled.
    fn activate(&self, entered: &mut Entered<'_>, policy: Arc<Policy>, policy_since: Sequence) {
        let switched_off: Vec<_> = entered.section.disabled.iter().copied().collect();
        let disabled = Disabled::new(&policy, switched_off.iter().copied());
        let next = Arc::new(Active { policy, disabled, switched_off, policy_since });
        entered.section.active = Arc::clone(&next);
        self.publish(next);
    }
}

/// Why the policy in force stays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotSwapped {
    /// The policy cannot follow the one in force.
    Policy(SwapError),
    /// The call could not be carried out.
    Faulted(Fault),
}

impl From<Fault> for NotSwapped {
    fn from(fault: Fault) -> Self {
        Self::Faulted(fault)
    }
}

impl fmt::Display for NotSwapped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Policy(error) => error.fmt(f),
            Self::Faulted(fault) => fault.fmt(f),
        }
    }
}

impl core::error::Error for NotSwapped {}
