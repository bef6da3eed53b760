//! How what a settled hold spent is corrected.

use super::{Effect, check_amount};
use crate::ledger::Ledger;
use crate::ledger::mismatch::{Field, Mismatch};
use crate::ledger::moves::Moves;
use crate::num::{Amount, Timestamp};
use crate::record::{Adjust, Call};

impl Ledger {
    /// SEMANTICS 9.16 and 12.6.
    pub(super) fn check_adjust(
        &self,
        now: Timestamp,
        call: &Call<Adjust>,
        moves: &mut Moves,
    ) -> Result<Effect, Mismatch> {
        let Adjust { hold: name, actual } = call.arguments;
        let hold = self.settled.stand(name, now, &self.terms)?;
        let cells = self.accounts.reenter(&hold.cells, now, moves)?;
        self.accounts.must_be_open(&cells)?;
        let told_micros = hold.booked.micros().saturating_add(hold.unfunded.micros());
        let extra = Amount::new(actual.micros().saturating_sub(told_micros)).unwrap_or(Amount::ZERO);
        let refunded = hold.booked.checked_sub(actual).unwrap_or(Amount::ZERO);
        let booked_extra = self.accounts.bookable(extra, &cells, moves)?;
        let unfunded = extra.checked_sub(booked_extra).unwrap_or(Amount::ZERO);
        self.accounts.lend(&cells, booked_extra, moves)?;
        self.accounts.move_at(&cells, moves, |cell| {
            cell.miss(unfunded);
            cell.refund(refunded)?;
            cell.book(Amount::ZERO, booked_extra.micros())
        })?;
        check_amount(Field::BookedExtra, booked_extra, call.outcome.booked_extra)?;
        check_amount(Field::Unfunded, unfunded, call.outcome.unfunded)?;
        check_amount(Field::Refunded, refunded, call.outcome.refunded)?;
        // OK because what is booked and what is unfunded come to at most what was ever stated, an amount.
        let rest = hold.booked.checked_sub(refunded).unwrap_or(Amount::ZERO);
        let booked = rest.checked_add(booked_extra).unwrap_or(Amount::MAX);
        let unfunded = hold.unfunded.checked_add(unfunded).unwrap_or(Amount::MAX);
        Ok(Effect::Adjust { hold: name, booked, unfunded })
    }
}
