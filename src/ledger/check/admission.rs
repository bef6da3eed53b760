//! Admissions and reroutes: what the ledger can say of a decision without deciding it again.

use super::{Effect, check_amount};
use crate::id::{AccountId, CandidateId};
use crate::kernel::Request;
use crate::ledger::Ledger;
use crate::ledger::hold::{Hold, HoldState};
use crate::ledger::mismatch::{Field, Halted, Mismatch};
use crate::ledger::moves::Moves;
use crate::ledger::path::Cells;
use crate::num::{Amount, MicroUnits, Timestamp};
use crate::policy::QuantityMask;
use crate::record::{Admission, AdmissionOutcome, Call, Decided, Halt, Path, RecordError, Reroute};
use crate::throttle::{Backlog, Counts, Throttle, Throttled};

impl Ledger {
    /// SEMANTICS 10.1.
    pub(super) fn check_admission(
        &self,
        now: Timestamp,
        call: &Call<Admission>,
        moves: &mut Moves,
    ) -> Result<Effect, Mismatch> {
        let Admission { path, request, .. } = &call.arguments;
        let cells = self.accounts.enter(path, now, moves)?;
        self.check_halted(self.halt != Halt::None, halted(&call.outcome))?;
        let asked = Asked { path, cells, request };
        let opened = self.check_outcome(now, &asked, &call.outcome, moves)?;
        if let Some(opened) = &opened {
            self.pass_throttles(now, &asked, opened.amount, moves)?;
        }
        Ok(Effect::Hold { ended: None, opened, settled: None })
    }

    /// SEMANTICS 12.4 and 13.1.
    pub(super) fn check_reroute(
        &self,
        now: Timestamp,
        call: &Call<Reroute>,
        moves: &mut Moves,
    ) -> Result<Effect, Mismatch> {
        let Reroute { hold, request, .. } = &call.arguments;
        let admission = &call.outcome.admission;
        let released = self.find_in_time(now, *hold)?;
        let own = self.accounts.reenter(&released.cells, now, moves)?;
        let cells = self.accounts.enter(&released.path, now, moves)?;
        match self.halt {
            Halt::None | Halt::All => self.check_halted(self.halt == Halt::All, halted(admission))?,
            // Whether a denial was due is for those to say who decide again: the cost decides.
            Halt::ReduceOnly if is_above(admission, released.amount) => {
                self.check_halted(true, Halted::NotDenied)?;
            }
            Halt::ReduceOnly => {}
        }
        check_amount(Field::GivenBack, released.amount, call.outcome.given_back)?;
        self.give_back(&own, released.amount, moves)?;
        let asked = Asked { path: &released.path, cells, request };
        let opened = self.check_outcome(now, &asked, admission, moves)?;
        Ok(Effect::Hold { ended: Some(*hold), opened, settled: None })
    }

    /// The hold that an outcome opens, if it does; `moves` has what was given back before.
    fn check_outcome(
        &self,
        now: Timestamp,
        asked: &Asked<'_>,
        outcome: &AdmissionOutcome,
        moves: &mut Moves,
    ) -> Result<Option<Hold>, Mismatch> {
        outcome.check().map_err(Mismatch::Record)?;
        if let Some(decided) = outcome.decided() {
            self.check_decided(asked, decided, moves)?;
        }
        match outcome {
            AdmissionOutcome::Admitted { decided, deadline } => {
                self.check_admitted(now, asked, decided, *deadline, moves).map(Some)
            }
            AdmissionOutcome::DeniedBudget { binding: seen, .. } => {
                let expected = match self.accounts.full(&asked.cells, moves)? {
                    Some(full) => full,
                    None => self.accounts.least(&asked.cells, moves)?.1,
                };
                if *seen == expected { Ok(None) } else { Err(Mismatch::Binding { expected, seen: *seen }) }
            }
            AdmissionOutcome::DeniedThrottle { decided, account, throttle } => {
                let (_, amount) = self.check_room(asked, decided, moves)?;
                let expected = self.find_throttled(now, &asked.cells, asked.request, amount);
                let seen = (*account, *throttle);
                match expected.map(|(place, _)| place) {
                    Some(expected) if expected == seen => Ok(None),
                    expected => Err(Mismatch::Throttle { expected, seen: Some(seen) }),
                }
            }
            AdmissionOutcome::DeniedPolicy { .. } | AdmissionOutcome::DeniedHalted => Ok(None),
        }
    }

    /// The policy in force decided, with the limit that the accounts gave where one was applied.
    fn check_decided(&self, asked: &Asked<'_>, decided: &Decided, moves: &Moves) -> Result<(), Mismatch> {
        let policy = self.policy();
        let expected = (policy.epoch(), policy.digest());
        let seen = (decided.decision.epoch, decided.decision.policy);
        if expected != seen {
            return Err(Mismatch::DecidedBy { expected, seen });
        }
        if let Some(seen) = decided.limit_applied {
            let payable = MicroUnits::from(self.accounts.payable(&asked.cells, moves)?.amount);
            let expected = asked.request.facts().cost_limit.map_or(payable, |limit| limit.min(payable));
            if expected != seen {
                return Err(Mismatch::LimitApplied { expected, seen });
            }
        }
        Ok(())
    }

    fn check_admitted(
        &self,
        now: Timestamp,
        asked: &Asked<'_>,
        decided: &Decided,
        deadline: Timestamp,
        moves: &mut Moves,
    ) -> Result<Hold, Mismatch> {
        if deadline <= now {
            return Err(Mismatch::Deadline { least: Timestamp(now.0.saturating_add(1)), seen: deadline });
        }
        let (candidate, amount) = self.check_room(asked, decided, moves)?;
        self.accounts.move_at(&asked.cells, moves, |cell| cell.hold(amount))?;
        self.accounts.expose(&asked.cells, moves, |exposure| exposure.rise(1, amount))?;
        let epoch = self.policy().epoch();
        let (state, spent, unfunded) = (HoldState::Open, Amount::ZERO, Amount::ZERO);
        let (path, cells) = (*asked.path, asked.cells.kept());
        Ok(Hold { state, amount, spent, unfunded, deadline, epoch, candidate, path, cells })
    }

    /// What is to be held, where the accounts have room for it.
    fn check_room(
        &self,
        asked: &Asked<'_>,
        decided: &Decided,
        moves: &Moves,
    ) -> Result<(CandidateId, Amount), Mismatch> {
        let nothing = RecordError::Contradiction { what: "an admission that selects nothing" };
        let (candidate, amount) = decided.held().ok_or(Mismatch::Record(nothing))?;
        if self.policy().candidate(candidate).is_none() {
            return Err(Mismatch::CandidateUnknown { candidate });
        }
        if let Some(full) = self.accounts.full(&asked.cells, moves)? {
            return Err(Mismatch::Full { account: full.account });
        }
        // INVARIANT I6: no hold takes more than is available; a hold of nothing takes nothing, in debt too.
        let payable = self.accounts.payable(&asked.cells, moves)?.amount;
        if amount > payable {
            return Err(Mismatch::Unpayable { amount, payable });
        }
        Ok((candidate, amount))
    }

    /// Counts what is held at every throttle. SEMANTICS 19.3.
    fn pass_throttles(
        &self,
        now: Timestamp,
        asked: &Asked<'_>,
        amount: Amount,
        moves: &mut Moves,
    ) -> Result<(), Mismatch> {
        if let Some((expected, _)) = self.find_throttled(now, &asked.cells, asked.request, amount) {
            return Err(Mismatch::Throttle { expected: Some(expected), seen: None });
        }
        for (account, number, throttle, before) in self.throttles(&asked.cells) {
            let count = counted(throttle.counts, asked.request, amount);
            if let Ok(backlog) = throttle.pass(*before, now, count) {
                moves.pass(account, number, backlog);
            }
        }
        Ok(())
    }

    /// The earliest throttle that what would be held does not pass, and why. SEMANTICS 19.3.
    pub(in crate::ledger) fn find_throttled(
        &self,
        now: Timestamp,
        cells: &Cells,
        request: &Request,
        amount: Amount,
    ) -> Option<((AccountId, u8), Throttled)> {
        self.throttles(cells).find_map(|(account, number, throttle, before)| {
            let passed = throttle.pass(*before, now, counted(throttle.counts, request, amount));
            passed.err().map(|throttled| ((account, number), throttled))
        })
    }

    fn throttles(&self, cells: &Cells) -> impl Iterator<Item = (AccountId, u8, &Throttle, &Backlog)> {
        cells.accounts().filter_map(|account| self.accounts.find(account).map(|of| (account, of))).flat_map(
            |(account, of)| {
                let all = of.opened.caps.throttles().iter().zip(&of.backlogs);
                (0_u8..)
                    .zip(all)
                    .map(move |(number, (throttle, backlog))| (account, number, throttle, backlog))
            },
        )
    }
}

/// What is decided, and who pays.
struct Asked<'a> {
    path: &'a Path,
    cells: Cells,
    request: &'a Request,
}

/// What a request counts at a throttle. SEMANTICS 19.1.
fn counted(counts: Counts, request: &Request, amount: Amount) -> u128 {
    match counts {
        Counts::Requests => 1,
        Counts::Cost => u128::from(amount.micros()),
        Counts::Units { quantities } => request.quantities().sum(QuantityMask::from_bits(quantities)),
    }
}

fn halted(outcome: &AdmissionOutcome) -> Halted {
    match outcome {
        AdmissionOutcome::DeniedHalted => Halted::Denied,
        _ => Halted::NotDenied,
    }
}

/// Whether the outcome holds more than that.
fn is_above(outcome: &AdmissionOutcome, amount: Amount) -> bool {
    let AdmissionOutcome::Admitted { decided, .. } = outcome else { return false };
    decided.decision.selected.is_some_and(|choice| choice.cost > MicroUnits::from(amount))
}
