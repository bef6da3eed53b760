//! Accounts, their parents, their grants and the ends of their windows: recorded in the one order, as everything else.

use alloc::vec::Vec;
use core::num::NonZeroI64;

use super::{Controller, admit::Call, fault::Fault, operation::Outcome, queued::Queued};
use crate::{
    budget::{AccountError, AccountTerms},
    id::{AccountId, LimitId, Sequence},
    record::{self, Account, AccountClosed, Arguments as _, Boundary, Grant, Record, Reparent},
    throttle::Counts,
};

impl Controller {
    /// Opens an account, or gives the one of that name and those terms.
    ///
    /// # Errors
    /// An account of that name has other terms or is closed; the parent is unknown, closed or too deep; a throttle counts
    /// a quantity that the schema does not have.
    pub fn ensure_account(&self, terms: &AccountTerms, call: Call) -> Result<AccountId, Fault> {
        self.answered(self.queue_account(terms, call)?)
    }

    pub(super) fn queue_account(&self, terms: &AccountTerms, call: Call) -> Result<Queued<AccountId>, Fault> {
        let mut entered = self.enter(call.at)?;
        let quantities = entered.section.active.policy.schema().quantities().len();
        check_units(terms, quantities)?;
        let known = self.engine.account(&terms.name).is_some();
        let account = self.engine.ensure_account_at(terms, entered.now).map_err(Fault::Account)?;
        if known {
            // Opened before, perhaps a moment ago: the answer waits for that record too.
            return Ok(Queued::new(entered.log.head(), call.level, account));
        }
        entered.section.throttles.open(account, &terms.caps);
        let AccountTerms { name, parent, overrun, caps } = terms.clone();
        let sequence = entered.append(&Record::Account(Account { name, parent, overrun, caps }))?;
        Ok(Queued::new(sequence, call.level, account))
    }

    /// Closes an account at which nothing is held, not even a hold of nothing, and below which none is open.
    ///
    /// # Errors
    /// It is unknown, closed, has holds, or has open accounts below it.
    pub fn close_account(&self, account: AccountId, call: Call) -> Result<Sequence, Fault> {
        self.answered(self.queue_account_closing(account, call)?)
    }

    pub(super) fn queue_account_closing(
        &self,
        account: AccountId,
        call: Call,
    ) -> Result<Queued<Sequence>, Fault> {
        let mut entered = self.enter(call.at)?;
        self.engine.close_account(account).map_err(Fault::Account)?;
        let sequence = entered.append(&Record::AccountClosed(AccountClosed { account }))?;
        Ok(Queued::new(sequence, call.level, sequence))
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
        self.answered(self.queue_grant(limit.into(), change_micros, call)?)
    }

    pub(super) fn queue_grant(
        &self,
        id: LimitId,
        change_micros: NonZeroI64,
        call: Call,
    ) -> Result<Queued<Sequence>, Fault> {
        let LimitId { account, limit } = id;
        let arguments = Grant { account, limit, change_micros };
        let digest = call.operation.map(|_| arguments.digest(&mut Vec::new())).unwrap_or_default();
        let mut entered = self.enter(call.at)?;
        if let Some(before) = entered.before(call.operation, digest)? {
            return Ok(Queued::new(before.sequence, call.level, before.sequence));
        }
        let refused = |error| Fault::Grant { account, error };
        let granted = self.engine.grant_at(id, change_micros.get(), entered.now);
        granted.map_err(|_| entered.broken())?.map_err(refused)?;
        let sequence =
            entered.append_call(&record::Call { operation: call.operation, arguments, outcome: () })?;
        entered.remember(call.operation, digest, sequence, Outcome::Grant, None);
        Ok(Queued::new(sequence, call.level, sequence))
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
        self.answered(self.queue_reparenting(account, parent, call)?)
    }

    pub(super) fn queue_reparenting(
        &self,
        account: AccountId,
        parent: Option<AccountId>,
        call: Call,
    ) -> Result<Queued<Sequence>, Fault> {
        let mut entered = self.enter(call.at)?;
        self.engine.reparent(account, parent).map_err(Fault::Account)?;
        let sequence = entered.append(&Record::Reparent(Reparent { account, parent }))?;
        Ok(Queued::new(sequence, call.level, sequence))
    }

    /// Ends the current window of a limit whose boundaries the host gives; the next begins. SEMANTICS 18.2.
    ///
    /// # Errors
    /// The account is unknown or closed, or has no such limit, or its windows end by themselves, or the last one began at
    /// the last instant.
    pub fn end_window(&self, limit: impl Into<LimitId>, call: Call) -> Result<Sequence, Fault> {
        self.answered(self.queue_window_end(limit.into(), call)?)
    }

    pub(super) fn queue_window_end(&self, limit: LimitId, call: Call) -> Result<Queued<Sequence>, Fault> {
        let mut entered = self.enter(call.at)?;
        self.engine.end_window(limit, entered.now).map_err(|error| match error {
            // Windows may have ended by then, of which there is no record.
            AccountError::AccountsFull { .. } => entered.broken(),
            error => Fault::Account(error),
        })?;
        let LimitId { account, limit } = limit;
        let sequence = entered.append(&Record::Boundary(Boundary { account, limit }))?;
        Ok(Queued::new(sequence, call.level, sequence))
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
