//! How a part of an open hold is spent, as a stream is billed as it goes.

use alloc::vec::Vec;

use super::{
    Controller,
    admit::Call,
    fault::Fault,
    operation::Outcome,
    permit::Permit,
    queued::Queued,
    section::Entered,
    settle::{Repeat, Settlement},
};
use crate::{
    budget::Settlement as Booked,
    num::Amount,
    record::{self, Arguments as _, PartCommit, PartCommitOutcome, Spend},
};

impl Controller {
    /// Books what was spent so far, and keeps the hold open with the rest; the permit says what that is.
    ///
    /// `so_far` is all that was spent under the hold from its opening until now, as [`commit`](Self::commit) takes
    /// it, and not what came since the part before: so the same call again books nothing, and parts come to what the
    /// whole costs. What is above the hold is booked as the accounts' overrun allows, and the hold stays open with
    /// 0. SEMANTICS 9.14 and 12.5.
    ///
    /// # Errors
    /// The hold has ended or expired, the quantities have no price, less is stated than before, or the log cannot
    /// take the record. The permit is unchanged then.
    pub fn part_commit(
        &self,
        permit: &mut Permit,
        so_far: Spend,
        call: Call,
    ) -> Result<Settlement<PartCommitOutcome>, Fault> {
        let parted = self.answered(self.queue_part_commit(permit, so_far, call)?)?;
        Ok(parted.told(permit))
    }

    pub(super) fn queue_part_commit(
        &self,
        permit: &Permit,
        so_far: Spend,
        call: Call,
    ) -> Result<Queued<Parted>, Fault> {
        let arguments = PartCommit { hold: permit.hold, spend: so_far };
        let digest = call.operation.map(|_| arguments.digest(&mut Vec::new())).unwrap_or_default();
        let mut entered = self.enter(call.at)?;
        let (sequence, outcome, repeated) = match entered.before(call.operation, digest)? {
            Some(before) => match before.outcome {
                Outcome::PartCommit(outcome) => (before.sequence, outcome, Repeat::Repeated),
                _ => return Err(entered.broken()),
            },
            None => {
                let outcome = entered.part_commit(permit, &arguments.spend)?;
                let sequence =
                    entered.append_call(&record::Call { operation: call.operation, arguments, outcome })?;
                entered.section.counts.part_committed();
                entered.remember(call.operation, digest, sequence, Outcome::PartCommit(outcome), None);
                (sequence, outcome, Repeat::First)
            }
        };
        // What it holds now: of a repeated part, others may have come after it.
        let present = entered.held(permit).ok().map(|held| (held.amount, held.spent));
        let (amount, spent) = present.unwrap_or((outcome.held, outcome.actual));
        let settlement = Settlement { sequence, repeated, outcome };
        Ok(Queued::new(sequence, call.level, Parted { settlement, amount, spent }))
    }
}

/// A part that was committed, with what the hold is then.
pub(super) struct Parted {
    settlement: Settlement<PartCommitOutcome>,
    amount: Amount,
    spent: Amount,
}

impl Parted {
    /// Has the permit say so.
    pub(super) fn told(self, permit: &mut Permit) -> Settlement<PartCommitOutcome> {
        (permit.amount, permit.spent) = (self.amount, self.spent);
        self.settlement
    }
}

impl Entered<'_> {
    fn part_commit(&mut self, permit: &Permit, so_far: &Spend) -> Result<PartCommitOutcome, Fault> {
        let (hold, before, missed) = {
            let held = self.open(permit)?;
            (held.engine, held.amount, held.unfunded)
        };
        let (actual, part) = self.price(permit, so_far)?;
        self.roll_hold(hold)?;
        let Ok(Booked::Committed { booked_extra, unfunded, .. }) = self.engine.part_commit(hold, part) else {
            return Err(self.broken());
        };
        let left = before.checked_sub(part).unwrap_or(Amount::ZERO);
        let held = self.open(permit)?;
        (held.amount, held.spent) = (left, actual);
        // OK because it is at most what was spent, which is an amount.
        held.unfunded = missed.checked_add(unfunded).unwrap_or(Amount::MAX);
        Ok(PartCommitOutcome { actual, booked_extra, unfunded, held: left })
    }
}
