//! How what a settled hold spent is corrected later.

use alloc::vec::Vec;

use super::{
    Controller,
    admit::Call,
    fault::Fault,
    operation::Outcome,
    queued::Queued,
    section::Entered,
    settle::{Repeat, Settlement},
};
use crate::{
    budget::{AdjustError, Adjusted},
    id::Sequence,
    num::Amount,
    record::{self, Adjust, AdjustOutcome, Arguments as _},
};

impl Controller {
    /// Corrects what was spent under a hold that was committed, in time or late, to an amount on the host's word:
    /// when the invoice says otherwise. More is booked as the accounts' overrun allows; less gives back what was
    /// booked above it. The hold is named by the record that opened it, and can be adjusted as often as wanted while
    /// the log's [`Terms`](record::Terms) remember it. SEMANTICS 9.15 and 9.16.
    ///
    /// Keep a hold's name for this only once its commit was answered as synced: what a crash cuts off can leave the
    /// name to another hold.
    ///
    /// # Errors
    /// The hold is not remembered as settled, an account that paid is closed, or the log cannot take the record.
    pub fn adjust(
        &self,
        hold: Sequence,
        actual: Amount,
        call: Call,
    ) -> Result<Settlement<AdjustOutcome>, Fault> {
        self.answered(self.queue_adjustment(hold, actual, call)?)
    }

    pub(super) fn queue_adjustment(
        &self,
        hold: Sequence,
        actual: Amount,
        call: Call,
    ) -> Result<Queued<Settlement<AdjustOutcome>>, Fault> {
        let arguments = Adjust { hold, actual };
        let digest = call.operation.map(|_| arguments.digest(&mut Vec::new())).unwrap_or_default();
        let mut entered = self.enter(call.at)?;
        if let Some(before) = entered.before(call.operation, digest)? {
            let Outcome::Adjust(outcome) = before.outcome else { return Err(entered.broken()) };
            return Ok(Settlement::queued(before.sequence, Repeat::Repeated, outcome, call));
        }
        let outcome = entered.adjust(hold, actual)?;
        let sequence =
            entered.append_call(&record::Call { operation: call.operation, arguments, outcome })?;
        entered.section.counts.adjusted();
        entered.remember(call.operation, digest, sequence, Outcome::Adjust(outcome), None);
        Ok(Settlement::queued(sequence, Repeat::First, outcome, call))
    }
}

impl Entered<'_> {
    fn adjust(&mut self, hold: Sequence, actual: Amount) -> Result<AdjustOutcome, Fault> {
        let (now, terms) = (self.now, self.section.terms);
        let found = self.section.settled.find(hold, now, &terms).copied();
        let found = found.ok_or(Fault::NotAdjustable { hold })?;
        // OK because what is booked and unfunded of a hold comes to at most what was ever stated, an amount.
        let told = found.booked.checked_add(found.unfunded).unwrap_or(Amount::MAX);
        let change_micros = match (actual.checked_sub(told), found.booked.checked_sub(actual)) {
            (Some(extra), _) => extra.signed_micros(),
            (None, Some(refund)) => refund.signed_micros().wrapping_neg(),
            // What is stated less was never booked.
            (None, None) => 0,
        };
        let cells = found.cells;
        self.engine.must_be_open(&cells).map_err(Fault::Path)?;
        self.engine.roll_at(&cells, now).map_err(|_| self.broken())?;
        let Adjusted { booked, unfunded, refunded } = match self.engine.adjust(&cells, change_micros) {
            Ok(adjusted) => adjusted,
            Err(AdjustError::Path(error)) => return Err(Fault::Path(error)),
            Err(AdjustError::AboveCommitted { .. }) => return Err(self.broken()),
        };
        let rest = found.booked.checked_sub(refunded).unwrap_or(Amount::ZERO);
        if let Some(held) = self.section.settled.find(hold, now, &terms) {
            held.booked = rest.checked_add(booked).unwrap_or(Amount::MAX);
            held.unfunded = found.unfunded.checked_add(unfunded).unwrap_or(Amount::MAX);
        }
        Ok(AdjustOutcome { booked_extra: booked, unfunded, refunded })
    }
}
