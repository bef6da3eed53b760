//! How a hold is extended and how it ends.

use alloc::vec::Vec;

use super::{
    Controller,
    admit::Call,
    fault::Fault,
    operation::Outcome,
    permit::{AuditedReason, Denial, DenialClass, Permit},
    queued::Queued,
    section::{Entered, Held},
    settled::SettledHold,
};
use crate::{
    budget::{Path, Release as Given, Settlement as Booked},
    id::Sequence,
    kernel::cost_of,
    num::{Amount, Timestamp},
    record::{
        self, Arguments as _, Commit, CommitOutcome, Extend, ExtendOutcome, Halt, Release, ReleaseOutcome,
        Settled, Spend,
    },
};

/// How a hold ended: what was booked, what could not be, and the record that says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[must_use = "says what could not be booked"]
pub struct Settlement<O> {
    /// The record.
    pub sequence: Sequence,
    /// Whether this is the outcome of an earlier call of the same operation.
    pub repeated: Repeat,
    /// The outcome.
    pub outcome: O,
}

/// Whether a call did what it says, or an earlier one of the same operation did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
pub enum Repeat {
    /// This call did it.
    First,
    /// An earlier call did it; this one changed nothing.
    Repeated,
}

/// A hold that was extended; the permit says what it holds now, and until when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Extension {
    /// The record.
    pub sequence: Sequence,
    /// Whether this is the outcome of an earlier call of the same operation.
    pub repeated: Repeat,
}

/// Why a hold was not settled: the permit comes back.
#[derive(Debug, PartialEq, Eq)]
pub struct NotSettled {
    /// The permit, unchanged.
    pub permit: Permit,
    /// Why.
    pub fault: Fault,
}

impl core::fmt::Display for NotSettled {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "hold {} is not settled: {}", self.permit.hold, self.fault)
    }
}

impl core::error::Error for NotSettled {}

/// Why a hold was not extended.
#[derive(Debug, PartialEq, Eq)]
pub enum NotExtended {
    /// The answer is no, and it is on record; the hold is as it was.
    Denied(Denial),
    /// The call could not be carried out.
    Faulted(Fault),
}

impl From<Fault> for NotExtended {
    fn from(fault: Fault) -> Self {
        Self::Faulted(fault)
    }
}

impl core::fmt::Display for NotExtended {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Denied(denial) => denial.fmt(f),
            Self::Faulted(fault) => fault.fmt(f),
        }
    }
}

impl core::error::Error for NotExtended {}

impl Controller {
    /// Ends a hold with what was spent under it: quantities observed, priced by the policy that admitted it, or an amount
    /// that is the host's word. What [`part_commit`](Self::part_commit) has booked is part of it and is not booked
    /// again. After the deadline nothing is booked and what is new counts as unfunded. SEMANTICS 12.
    ///
    /// # Errors
    /// The permit comes back with the fault: the hold has ended already, the quantities have no price or one below
    /// what part commits have stated, or the log cannot take the record.
    pub fn commit(
        &self,
        permit: Permit,
        spend: Spend,
        call: Call,
    ) -> Result<Settlement<CommitOutcome>, NotSettled> {
        let queued = self.queue_commit(&permit, spend, call);
        queued.and_then(|queued| self.answered(queued)).map_err(|fault| NotSettled { permit, fault })
    }

    pub(super) fn queue_commit(
        &self,
        permit: &Permit,
        spend: Spend,
        call: Call,
    ) -> Result<Queued<Settlement<CommitOutcome>>, Fault> {
        let arguments = Commit { hold: permit.hold, spend };
        let digest = call.operation.map(|_| arguments.digest(&mut Vec::new())).unwrap_or_default();
        let mut entered = self.enter(call.at)?;
        if let Some(before) = entered.before(call.operation, digest)? {
            let Outcome::Commit(outcome) = before.outcome else { return Err(entered.broken()) };
            return Ok(Settlement::queued(before.sequence, Repeat::Repeated, outcome, call));
        }
        let (actual, part) = entered.price(permit, &arguments.spend)?;
        let hold = entered.ending(permit)?;
        entered.roll_hold(hold)?;
        let cells = self.engine.hold(hold).map(|reading| reading.path);
        let booked = self.engine.commit(hold, part).map_err(|_| entered.broken())?;
        let outcome = match booked {
            Booked::Committed { booked_extra, unfunded, .. } => {
                CommitOutcome { settled: Settled::InTime, actual, booked_extra, unfunded }
            }
            Booked::Late { .. } => CommitOutcome {
                settled: Settled::Expired,
                actual,
                booked_extra: Amount::ZERO,
                unfunded: part,
            },
        };
        let ended = entered.section.holds.take(hold.slot(), permit.hold);
        let sequence =
            entered.append_call(&record::Call { operation: call.operation, arguments, outcome })?;
        if let Some((ended, cells)) = ended.zip(cells) {
            entered.remember_settled(&ended, &outcome, cells);
        }
        entered.section.counts.committed();
        entered.remember(call.operation, digest, sequence, Outcome::Commit(outcome), None);
        Ok(Settlement::queued(sequence, Repeat::First, outcome, call))
    }

    /// Ends a hold with nothing spent.
    ///
    /// # Errors
    /// The permit comes back with the fault: the hold has ended already, or the log cannot take the record.
    pub fn release(&self, permit: Permit, call: Call) -> Result<Settlement<ReleaseOutcome>, NotSettled> {
        let queued = self.queue_release(&permit, call);
        queued.and_then(|queued| self.answered(queued)).map_err(|fault| NotSettled { permit, fault })
    }

    pub(super) fn queue_release(
        &self,
        permit: &Permit,
        call: Call,
    ) -> Result<Queued<Settlement<ReleaseOutcome>>, Fault> {
        let arguments = Release { hold: permit.hold };
        let digest = call.operation.map(|_| arguments.digest(&mut Vec::new())).unwrap_or_default();
        let mut entered = self.enter(call.at)?;
        if let Some(before) = entered.before(call.operation, digest)? {
            let Outcome::Release(outcome) = before.outcome else { return Err(entered.broken()) };
            return Ok(Settlement::queued(before.sequence, Repeat::Repeated, outcome, call));
        }
        let hold = entered.ending(permit)?;
        entered.roll_hold(hold)?;
        let outcome = match self.engine.release(hold).map_err(|_| entered.broken())? {
            Given::Returned { held } => ReleaseOutcome::Released { given_back: held },
            Given::Expired { .. } => ReleaseOutcome::Expired,
        };
        entered.section.holds.take(hold.slot(), permit.hold);
        let sequence =
            entered.append_call(&record::Call { operation: call.operation, arguments, outcome })?;
        entered.section.counts.released();
        entered.remember(call.operation, digest, sequence, Outcome::Release(outcome), None);
        Ok(Settlement::queued(sequence, Repeat::First, outcome, call))
    }

    /// Holds more at the same accounts, and longer if a later deadline is given (an earlier one changes nothing); the
    /// permit says what is held then.
    ///
    /// # Errors
    /// [`NotExtended::Denied`] when the accounts cannot pay or extensions are halted, which is on record;
    /// [`NotExtended::Faulted`] when the hold has ended or expired, or the log cannot take the record.
    pub fn extend(
        &self,
        permit: &mut Permit,
        more: Amount,
        deadline: Option<Timestamp>,
        call: Call,
    ) -> Result<Extension, NotExtended> {
        let extended = self.answered(self.queue_extension(permit, more, deadline, call)?)?;
        extended.map(|extended| extended.told(permit)).map_err(NotExtended::Denied)
    }

    pub(super) fn queue_extension(
        &self,
        permit: &Permit,
        more: Amount,
        deadline: Option<Timestamp>,
        call: Call,
    ) -> Result<Queued<Result<Extended, Denial>>, Fault> {
        let arguments = Extend { hold: permit.hold, amount: more };
        let digest = call.operation.map(|_| arguments.digest(&mut Vec::new())).unwrap_or_default();
        let mut entered = self.enter(call.at)?;
        let (sequence, outcome, repeated) = match entered.before(call.operation, digest)? {
            Some(before) => match before.outcome {
                Outcome::Extend(outcome) => (before.sequence, outcome, Repeat::Repeated),
                _ => return Err(entered.broken()),
            },
            None => {
                let outcome = entered.extend(permit, more, deadline)?;
                let sequence =
                    entered.append_call(&record::Call { operation: call.operation, arguments, outcome })?;
                entered.remember(call.operation, digest, sequence, Outcome::Extend(outcome), None);
                (sequence, outcome, Repeat::First)
            }
        };
        // What it holds now: later extensions may have come before a repeated one.
        let present = entered.held(permit).ok().map(|held| (held.amount, held.deadline));
        let denied = |class, binding| {
            let reason = AuditedReason { decision: None, limit_applied: None, binding, throttled: None };
            Err(Denial { class, sequence, repeated: repeated == Repeat::Repeated, reason })
        };
        let answer = match outcome {
            ExtendOutcome::Extended { deadline, held } => {
                let (amount, deadline) = present.unwrap_or((held, deadline));
                Ok(Extended { extension: Extension { sequence, repeated }, amount, deadline })
            }
            ExtendOutcome::DeniedBudget { binding } => denied(DenialClass::Budget, Some(binding)),
            ExtendOutcome::DeniedHalted => denied(DenialClass::Halted, None),
        };
        Ok(Queued::new(sequence, call.level, answer))
    }
}

impl<O> Settlement<O> {
    /// Of a record that is queued.
    pub(super) fn queued(sequence: Sequence, repeated: Repeat, outcome: O, call: Call) -> Queued<Self> {
        Queued::new(sequence, call.level, Self { sequence, repeated, outcome })
    }
}

/// An extension, with what the hold is then.
pub(super) struct Extended {
    extension: Extension,
    amount: Amount,
    deadline: Timestamp,
}

impl Extended {
    /// Has the permit say so.
    pub(super) fn told(self, permit: &mut Permit) -> Extension {
        (permit.amount, permit.deadline) = (self.amount, self.deadline);
        self.extension
    }
}

impl Entered<'_> {
    /// What was spent, in money: in all, and what of it no part commit has stated. SEMANTICS 12.1, 12.2, 12.5.
    pub(super) fn price(&mut self, permit: &Permit, spend: &Spend) -> Result<(Amount, Amount), Fault> {
        let held = self.held(permit)?;
        let actual = match spend {
            Spend::Amount(amount) => *amount,
            Spend::Usage { served, quantities } => cost_of(&held.policy, *served, quantities)
                .and_then(|cost| Amount::try_from(cost).ok())
                .ok_or(Fault::Unpriced { candidate: *served })?,
        };
        let spent = held.spent;
        let part = actual.checked_sub(spent).ok_or(Fault::SpentBelow { spent, seen: actual })?;
        Ok((actual, part))
    }

    /// Remembers a committed hold, to be adjusted, for as long as the terms say. SEMANTICS 9.15.
    fn remember_settled(&mut self, ended: &Held, outcome: &CommitOutcome, cells: Path) {
        let (now, terms) = (self.now, self.section.terms);
        if terms.settled_max == 0 {
            return;
        }
        // OK because it is at most what was spent, which is an amount.
        let unfunded = ended.unfunded.checked_add(outcome.unfunded).unwrap_or(Amount::MAX);
        let booked = outcome.actual.checked_sub(unfunded).unwrap_or(Amount::ZERO);
        self.engine.pin(&cells);
        self.section.settled.insert(ended.sequence, SettledHold { settled: now, booked, unfunded, cells });
        self.forget_settled();
    }

    /// Takes more for the hold, or says why not. SEMANTICS 9.9.
    fn extend(
        &mut self,
        permit: &Permit,
        more: Amount,
        deadline: Option<Timestamp>,
    ) -> Result<ExtendOutcome, Fault> {
        let held = self.open(permit)?;
        let amount = held.amount.checked_add(more).ok_or(Fault::AboveMaximum { held: held.amount, more })?;
        let deadline = deadline.map_or(held.deadline, |later| later.max(held.deadline));
        let engine = held.engine;
        self.roll_hold(engine)?;
        if self.section.halt != Halt::None {
            return Ok(ExtendOutcome::DeniedHalted);
        }
        let Some(reading) = self.engine.hold(engine) else { return Err(self.broken()) };
        let payable = self.engine.payable_more(&reading.path).map_err(|_| self.broken())?;
        if payable.available_micros.max(0) < more.signed_micros() {
            return Ok(ExtendOutcome::DeniedBudget { binding: payable.binding });
        }
        if self.engine.extend(engine, more).is_err() {
            return Err(self.broken());
        }
        let held = self.open(permit)?;
        held.amount = amount;
        held.deadline = deadline;
        Ok(ExtendOutcome::Extended { deadline, held: amount })
    }
}
