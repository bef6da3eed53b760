//! How holds are extended, spent in part, and end.

use super::{Effect, check_amount};
use crate::id::Sequence;
use crate::kernel::cost_of;
use crate::ledger::Ledger;
use crate::ledger::hold::{Hold, HoldState, Left, Standing};
use crate::ledger::mismatch::{Field, Halted, Mismatch};
use crate::ledger::moves::Moves;
use crate::ledger::path::Cells;
use crate::ledger::settled::SettledHold;
use crate::num::{Amount, Timestamp};
use crate::record::{
    Call, Commit, Expire, Extend, ExtendOutcome, Halt, PartCommit, Release, ReleaseOutcome, Settled, Spend,
};

impl Ledger {
    /// SEMANTICS 9.5, 9.6, 9.8 and 12.
    pub(super) fn check_commit(
        &self,
        now: Timestamp,
        call: &Call<Commit>,
        moves: &mut Moves,
    ) -> Result<Effect, Mismatch> {
        let Commit { hold: name, spend } = &call.arguments;
        let (hold, standing) = self.holds.stand(*name, now, self.terms.late_window_ns)?;
        check_standing(*name, hold, standing, call.outcome.settled)?;
        let cells = self.accounts.reenter(&hold.cells, now, moves)?;
        let actual = self.actual(hold, spend)?;
        let part = part(*name, hold, actual)?;
        let (booked_extra, unfunded) = match standing {
            Standing::InTime => self.book(hold, part, Rest::GivenBack, &cells, moves)?,
            Standing::Due => {
                self.give_back(&cells, hold.amount, moves)?;
                (Amount::ZERO, part)
            }
            Standing::Expired => (Amount::ZERO, part),
        };
        self.accounts.move_at(&cells, moves, |cell| {
            cell.miss(unfunded);
            Some(())
        })?;
        check_amount(Field::Actual, actual, call.outcome.actual)?;
        check_amount(Field::BookedExtra, booked_extra, call.outcome.booked_extra)?;
        check_amount(Field::Unfunded, unfunded, call.outcome.unfunded)?;
        let unfunded = missed(hold, unfunded);
        let booked = actual.checked_sub(unfunded).unwrap_or(Amount::ZERO);
        let (path, cells) = (hold.path, hold.cells.clone());
        let settled = SettledHold { settled: now, booked, unfunded, path, cells };
        let settled = (self.terms.settled_max > 0).then_some(settled);
        Ok(Effect::Hold { ended: Some(*name), opened: None, settled })
    }

    /// SEMANTICS 9.14 and 12.5.
    pub(super) fn check_part_commit(
        &self,
        now: Timestamp,
        call: &Call<PartCommit>,
        moves: &mut Moves,
    ) -> Result<Effect, Mismatch> {
        let PartCommit { hold: name, spend } = &call.arguments;
        let hold = self.find_in_time(now, *name)?;
        let cells = self.accounts.reenter(&hold.cells, now, moves)?;
        let actual = self.actual(hold, spend)?;
        let part = part(*name, hold, actual)?;
        let (booked_extra, unfunded) = self.book(hold, part, Rest::Held, &cells, moves)?;
        self.accounts.move_at(&cells, moves, |cell| {
            cell.miss(unfunded);
            Some(())
        })?;
        let held = hold.amount.checked_sub(part).unwrap_or(Amount::ZERO);
        check_amount(Field::Actual, actual, call.outcome.actual)?;
        check_amount(Field::BookedExtra, booked_extra, call.outcome.booked_extra)?;
        check_amount(Field::Unfunded, unfunded, call.outcome.unfunded)?;
        check_amount(Field::Held, held, call.outcome.held)?;
        let left = Left { held, spent: actual, unfunded: missed(hold, unfunded) };
        Ok(Effect::PartCommit { hold: *name, left })
    }

    /// What was spent, by the host's word or by the prices of the policy that admitted the hold. SEMANTICS 12.
    fn actual(&self, hold: &Hold, spend: &Spend) -> Result<Amount, Mismatch> {
        match spend {
            Spend::Amount(amount) => Ok(*amount),
            Spend::Usage { served, quantities } => {
                let policy = self.policies.find(hold.epoch);
                let policy = policy.ok_or(Mismatch::PolicyLost { epoch: hold.epoch })?;
                let cost = cost_of(policy, *served, quantities);
                let amount = cost.and_then(|cost| Amount::try_from(cost).ok());
                amount.ok_or(Mismatch::Unpriced { candidate: *served })
            }
        }
    }

    /// Books a part of a hold in time; says what is booked above the hold, and what is not. SEMANTICS 9.5 and 9.6.
    fn book(
        &self,
        hold: &Hold,
        part: Amount,
        rest: Rest,
        cells: &Cells,
        moves: &mut Moves,
    ) -> Result<(Amount, Amount), Mismatch> {
        let extra = part.checked_sub(hold.amount).unwrap_or(Amount::ZERO);
        let booked_extra = self.accounts.bookable(extra, cells, moves)?;
        // OK because two amounts below 2⁶³ have a sum below 2⁶⁴.
        let booked_micros = part.min(hold.amount).micros().saturating_add(booked_extra.micros());
        let ended = match rest {
            Rest::GivenBack => hold.amount,
            Rest::Held => part.min(hold.amount),
        };
        self.accounts.lend(cells, booked_extra, moves)?;
        self.accounts.move_at(cells, moves, |cell| cell.book(ended, booked_micros))?;
        let holds = match rest {
            Rest::GivenBack => 1,
            Rest::Held => 0,
        };
        self.accounts.expose(cells, moves, |exposure| exposure.fall(holds, ended))?;
        Ok((booked_extra, extra.checked_sub(booked_extra).unwrap_or(Amount::ZERO)))
    }

    /// SEMANTICS 9.7 and 9.8.
    pub(super) fn check_release(
        &self,
        now: Timestamp,
        call: &Call<Release>,
        moves: &mut Moves,
    ) -> Result<Effect, Mismatch> {
        let name = call.arguments.hold;
        let (hold, standing) = self.holds.stand(name, now, self.terms.late_window_ns)?;
        let settled = match call.outcome {
            ReleaseOutcome::Released { .. } => Settled::InTime,
            ReleaseOutcome::Expired => Settled::Expired,
        };
        check_standing(name, hold, standing, settled)?;
        if let ReleaseOutcome::Released { given_back } = call.outcome {
            check_amount(Field::GivenBack, hold.amount, given_back)?;
        }
        let cells = self.accounts.reenter(&hold.cells, now, moves)?;
        // One that is due gives back what it holds too: this finds it expired.
        if standing != Standing::Expired {
            self.give_back(&cells, hold.amount, moves)?;
        }
        Ok(Effect::Hold { ended: Some(name), opened: None, settled: None })
    }

    /// SEMANTICS 9.9 and 13.1.
    pub(super) fn check_extend(
        &self,
        now: Timestamp,
        call: &Call<Extend>,
        moves: &mut Moves,
    ) -> Result<Effect, Mismatch> {
        let Extend { hold: name, amount } = call.arguments;
        let hold = self.find_in_time(now, name)?;
        let cells = self.accounts.reenter(&hold.cells, now, moves)?;
        let seen = match call.outcome {
            ExtendOutcome::DeniedHalted => Halted::Denied,
            ExtendOutcome::Extended { .. } | ExtendOutcome::DeniedBudget { .. } => Halted::NotDenied,
        };
        self.check_halted(self.halt != Halt::None, seen)?;
        let payable = self.accounts.payable(&cells, moves)?;
        match call.outcome {
            ExtendOutcome::DeniedHalted => Ok(Effect::Nothing),
            ExtendOutcome::DeniedBudget { .. } if amount <= payable.amount => {
                Err(Mismatch::Payable { amount, payable: payable.amount })
            }
            ExtendOutcome::DeniedBudget { binding } if binding != payable.binding => {
                Err(Mismatch::Binding { expected: payable.binding, seen: binding })
            }
            ExtendOutcome::DeniedBudget { .. } => Ok(Effect::Nothing),
            // INVARIANT I6: no extension takes more than is available.
            ExtendOutcome::Extended { .. } if amount > payable.amount => {
                Err(Mismatch::Unpayable { amount, payable: payable.amount })
            }
            ExtendOutcome::Extended { deadline, .. } if deadline < hold.deadline => {
                Err(Mismatch::Deadline { least: hold.deadline, seen: deadline })
            }
            ExtendOutcome::Extended { deadline, held } => {
                let account = payable.binding.account;
                let sum = hold.amount.checked_add(amount).ok_or(Mismatch::Overflow { account })?;
                check_amount(Field::Held, sum, held)?;
                self.accounts.lend(&cells, amount, moves)?;
                self.accounts.move_at(&cells, moves, |cell| cell.hold(amount))?;
                self.accounts.expose(&cells, moves, |exposure| exposure.rise(0, amount))?;
                Ok(Effect::Extend { hold: name, held, deadline })
            }
        }
    }

    /// Each hold was open and due. SEMANTICS 8.3, FORMAT 9.13.
    pub(super) fn check_expire(
        &self,
        now: Timestamp,
        expire: &Expire,
        moves: &mut Moves,
    ) -> Result<Effect, Mismatch> {
        for name in expire.holds() {
            let hold = self.holds.find(*name).ok_or(Mismatch::HoldUnknown { hold: *name })?;
            if hold.state == HoldState::Expired {
                return Err(Mismatch::HoldExpired { hold: *name });
            }
            if hold.deadline > now {
                return Err(Mismatch::HoldNotDue { hold: *name, deadline: hold.deadline });
            }
            let cells = self.accounts.reenter(&hold.cells, now, moves)?;
            self.give_back(&cells, hold.amount, moves)?;
        }
        Ok(Effect::Expire)
    }

    /// All that a hold holds comes back: it ends, or expires.
    pub(in crate::ledger) fn give_back(
        &self,
        cells: &Cells,
        held: Amount,
        moves: &mut Moves,
    ) -> Result<(), Mismatch> {
        self.accounts.move_at(cells, moves, |cell| cell.give_back(held))?;
        self.accounts.expose(cells, moves, |exposure| exposure.fall(1, held))
    }

    /// The hold, open and before its deadline.
    pub(super) fn find_in_time(&self, now: Timestamp, name: Sequence) -> Result<&Hold, Mismatch> {
        match self.holds.stand(name, now, self.terms.late_window_ns)? {
            (hold, Standing::InTime) => Ok(hold),
            (_, Standing::Due | Standing::Expired) => Err(Mismatch::HoldExpired { hold: name }),
        }
    }
}

/// What becomes of what a part leaves of its hold.
#[derive(Clone, Copy)]
enum Rest {
    GivenBack,
    Held,
}

/// What a settlement that states this amount has not yet stated before. SEMANTICS 9.5.
fn part(name: Sequence, hold: &Hold, actual: Amount) -> Result<Amount, Mismatch> {
    let below = Mismatch::SpentBelow { hold: name, spent: hold.spent, seen: actual };
    actual.checked_sub(hold.spent).ok_or(below)
}

/// What could not be booked of a hold in all.
fn missed(hold: &Hold, unfunded: Amount) -> Amount {
    // OK because it is at most what was spent, which is an amount.
    hold.unfunded.checked_add(unfunded).unwrap_or(Amount::MAX)
}

fn check_standing(name: Sequence, hold: &Hold, standing: Standing, seen: Settled) -> Result<(), Mismatch> {
    let in_time = standing == Standing::InTime;
    if in_time == (seen == Settled::InTime) {
        Ok(())
    } else {
        Err(Mismatch::SettledAs { hold: name, deadline: hold.deadline })
    }
}
