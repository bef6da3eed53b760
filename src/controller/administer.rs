//! Accounts, grants, the policy in force, halts and switches: recorded in the one order, as everything else.

use alloc::{sync::Arc, vec::Vec};
use core::{fmt, num::NonZeroI64};

use super::{
    Controller,
    admit::Call,
    fault::Fault,
    operation::Outcome,
    section::{Active, Entered},
};
use crate::{
    budget::{AccountError, AccountTerms},
    id::{AccountId, CandidateId, LimitId, Sequence},
    kernel::Disabled,
    limits::EXPIRED_PER_RECORD_MAX,
    policy::{Policy, SwapError},
    record::{
        self, Account, AccountClosed, Arguments as _, Boundary, CandidateSwitch, Grant, Halt, PolicyBytes,
        Record, Reparent, Switch, Terms,
    },
    throttle::Counts,
    wal::Level,
};

impl Controller {
    /// Opens an account, or gives the one of that name and those terms.
    ///
    /// # Errors
    /// An account of that name has other terms or is closed; the parent is unknown, closed or too deep; a throttle counts
    /// a quantity that the schema does not have.
    pub fn ensure_account(&self, terms: &AccountTerms, call: Call) -> Result<AccountId, Fault> {
        let mut entered = self.enter(call.at)?;
        let quantities = entered.section.active.policy.schema().quantities().len();
        check_units(terms, quantities)?;
        let known = self.engine.account(&terms.name).is_some();
        let account = self.engine.ensure_account_at(terms, entered.now).map_err(Fault::Account)?;
        if known {
            // Opened before, perhaps a moment ago: the answer waits for that record too.
            let head = entered.log.head();
            drop(entered);
            self.settle_at(head, call.level)?;
            return Ok(account);
        }
        entered.section.throttles.open(account, &terms.caps);
        let AccountTerms { name, parent, overrun, caps } = terms.clone();
        let sequence = entered.append(&Record::Account(Account { name, parent, overrun, caps }))?;
        drop(entered);
        self.settle_at(sequence, call.level)?;
        Ok(account)
    }

    /// Closes an account at which nothing is held, not even a hold of nothing, and below which none is open.
    ///
    /// # Errors
    /// It is unknown, closed, has holds, or has open accounts below it.
    pub fn close_account(&self, account: AccountId, call: Call) -> Result<Sequence, Fault> {
        let mut entered = self.enter(call.at)?;
        self.engine.close_account(account).map_err(Fault::Account)?;
        let sequence = entered.append(&Record::AccountClosed(AccountClosed { account }))?;
        drop(entered);
        self.settle_at(sequence, call.level)?;
        Ok(sequence)
    }

    /// Changes what a limit is granted (of an account by itself, its first), up or down, in micro-units: in its current
    /// window, and what each later one begins with. SEMANTICS 9.10.
    ///
    /// # Errors
    /// The account is unknown or closed, it has no such limit, the grant passes the largest amount, or takes more than is
    /// available.
    pub fn grant(
        &self,
        limit: impl Into<LimitId>,
        change_micros: NonZeroI64,
        call: Call,
    ) -> Result<Sequence, Fault> {
        let id = limit.into();
        let LimitId { account, limit } = id;
        let arguments = Grant { account, limit, change_micros };
        let digest = call.operation.map(|_| arguments.digest(&mut Vec::new())).unwrap_or_default();
        let mut entered = self.enter(call.at)?;
        if let Some(before) = entered.before(call.operation, digest)? {
            drop(entered);
            self.settle_at(before.sequence, call.level)?;
            return Ok(before.sequence);
        }
        let refused = |error| Fault::Grant { account, error };
        let granted = self.engine.grant_at(id, change_micros.get(), entered.now);
        granted.map_err(|_| entered.broken())?.map_err(refused)?;
        let sequence =
            entered.append_call(&record::Call { operation: call.operation, arguments, outcome: () })?;
        entered.remember(call.operation, digest, sequence, Outcome::Grant, None);
        drop(entered);
        self.settle_at(sequence, call.level)?;
        Ok(sequence)
    }

    /// Puts an account below another, or below none. Open holds keep the accounts that they were taken from; later
    /// admissions go by the new parent. SEMANTICS 9.18.
    ///
    /// # Errors
    /// It, or the parent, is unknown or closed; the parent is the one that it has, or below it; or the tree would be too
    /// deep.
    pub fn reparent(
        &self,
        account: AccountId,
        parent: Option<AccountId>,
        call: Call,
    ) -> Result<Sequence, Fault> {
        let mut entered = self.enter(call.at)?;
        self.engine.reparent(account, parent).map_err(Fault::Account)?;
        let sequence = entered.append(&Record::Reparent(Reparent { account, parent }))?;
        drop(entered);
        self.settle_at(sequence, call.level)?;
        Ok(sequence)
    }

    /// Ends the current window of a limit whose boundaries the host gives; the next begins. SEMANTICS 18.2.
    ///
    /// # Errors
    /// The account is unknown or closed, or has no such limit, or its windows end by themselves, or the last one began at
    /// the last instant.
    pub fn end_window(&self, limit: impl Into<LimitId>, call: Call) -> Result<Sequence, Fault> {
        let limit = limit.into();
        let mut entered = self.enter(call.at)?;
        self.engine.end_window(limit, entered.now).map_err(|error| match error {
            // Windows may have ended by then, of which there is no record.
            AccountError::AccountsFull { .. } => entered.broken(),
            error => Fault::Account(error),
        })?;
        let LimitId { account, limit } = limit;
        let sequence = entered.append(&Record::Boundary(Boundary { account, limit }))?;
        drop(entered);
        self.settle_at(sequence, call.level)?;
        Ok(sequence)
    }

    /// Puts a policy in force: every later decision is made under it. The call is answered when the policy is on
    /// disk, whatever its level. A policy that is turned away leaves the one in force.
    ///
    /// # Errors
    /// [`NotSwapped::Policy`] when the policy cannot follow the one in force: its epoch is not raised, its schema is
    /// another, or a number went to another name.
    pub fn swap(&self, policy: Policy, call: Call) -> Result<Sequence, NotSwapped> {
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
        drop(entered);
        self.settle_at(sequence, Level::Synced)?;
        Ok(sequence)
    }

    /// Halts admissions, or lets them pass again. SEMANTICS 13.1.
    ///
    /// # Errors
    /// The log cannot take the record.
    pub fn halt(&self, halt: Halt, call: Call) -> Result<Sequence, Fault> {
        let mut entered = self.enter(call.at)?;
        let sequence = entered.append(&Record::Halt(halt))?;
        entered.section.halt = halt;
        drop(entered);
        self.settle_at(sequence, call.level)?;
        Ok(sequence)
    }

    /// Disables one candidate for later decisions, or enables it again. SEMANTICS 13.2.
    ///
    /// # Errors
    /// The policy in force has no such candidate.
    pub fn switch(&self, candidate: CandidateId, switch: Switch, call: Call) -> Result<Sequence, Fault> {
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
        drop(entered);
        self.settle_at(sequence, call.level)?;
        Ok(sequence)
    }

    /// Changes what the log holds itself to, from this record on. A log that was at rest for longer than its clock
    /// may jump goes on so: the change is made at the log's own time, [`Stats::log_time`](super::Stats::log_time).
    ///
    /// # Errors
    /// They remember too many operations, or the log cannot take the record.
    pub fn change_terms(&self, terms: Terms, call: Call) -> Result<Sequence, Fault> {
        terms.check().map_err(Fault::Operations)?;
        let mut entered = self.enter(call.at)?;
        entered.change_terms(terms)?;
        let sequence = entered.append(&Record::Terms(terms))?;
        drop(entered);
        self.settle_at(sequence, call.level)?;
        Ok(sequence)
    }

    /// Expires every hold whose deadline has come, and says how many.
    ///
    /// # Errors
    /// The log cannot take the records; what was expired before that stays so.
    pub fn expire(&self, call: Call) -> Result<usize, Fault> {
        let mut expired = 0_usize;
        loop {
            let mut entered = self.enter(call.at)?;
            let some = entered.expire_due(EXPIRED_PER_RECORD_MAX)?;
            expired = expired.saturating_add(some);
            let head = entered.log.head();
            drop(entered);
            if some < EXPIRED_PER_RECORD_MAX {
                self.settle_at(head, call.level)?;
                return Ok(expired);
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

/// Whether every throttle of units counts quantities that the schema has.
fn check_units(terms: &AccountTerms, quantities: usize) -> Result<(), Fault> {
    for (throttle, of) in terms.caps.throttles().iter().enumerate() {
        if let Counts::Units { quantities: counted } = of.counts
            && counted.checked_shr(u32::try_from(quantities).unwrap_or(u32::MAX)).unwrap_or(0) != 0
        {
            return Err(Fault::UnknownQuantity { throttle, quantities });
        }
    }
    Ok(())
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

impl core::error::Error for NotSwapped {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Policy(error) => Some(error),
            Self::Faulted(fault) => Some(fault),
        }
    }
}
