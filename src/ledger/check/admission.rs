//! Admissions and reroutes: what the ledger can say of a decision without deciding it again.

use super::{Effect, check_amount};
use crate::kernel::Request;
use crate::ledger::Ledger;
use crate::ledger::account::Cells;
use crate::ledger::cell::Moves;
use crate::ledger::hold::{Hold, HoldState};
use crate::ledger::mismatch::{Field, Halted, Mismatch};
use crate::num::{Amount, MicroUnits, Timestamp};
use crate::record::{Admission, AdmissionOutcome, Call, Decided, Halt, Path, RecordError, Reroute};

impl Ledger {
    /// SEMANTICS 10.1.
    pub(super) fn check_admission(
        &self,
        now: Timestamp,
        call: &Call<Admission>,
        moves: &mut Moves,
    ) -> Result<Effect, Mismatch> {
        let Admission { path, request, .. } = &call.arguments;
        let cells = self.accounts.open_cells(path)?;
        self.check_halted(self.halt != Halt::None, halted(&call.outcome))?;
        let asked = Asked { path, cells, request };
        let opened = self.check_outcome(now, &asked, &call.outcome, moves)?;
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
        let cells = self.accounts.open_cells(&released.path)?;
        match self.halt {
            Halt::None | Halt::All => self.check_halted(self.halt == Halt::All, halted(admission))?,
            // Whether a denial was due is for those to say who decide again: the cost decides.
            Halt::ReduceOnly if is_above(admission, released.amount) => {
                self.check_halted(true, Halted::NotDenied)?;
            }
            Halt::ReduceOnly => {}
        }
        check_amount(Field::GivenBack, released.amount, call.outcome.given_back)?;
        self.accounts.move_at(&cells, moves, |cell| cell.give_back(released.amount))?;
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
                let (_, expected) = self.accounts.least(&asked.cells, moves)?;
                if *seen == expected { Ok(None) } else { Err(Mismatch::Binding { expected, seen: *seen }) }
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
        let policy = self.policy();
        let nothing = RecordError::Contradiction { what: "an admission that selects nothing" };
        let (candidate, amount) = decided.held().ok_or(Mismatch::Record(nothing))?;
        if policy.candidate(candidate).is_none() {
            return Err(Mismatch::CandidateUnknown { candidate });
        }
        if deadline <= now {
            return Err(Mismatch::Deadline { least: Timestamp(now.0.saturating_add(1)), seen: deadline });
        }
        // INVARIANT I6: no hold takes more than is available; a hold of nothing takes nothing, in debt too.
        let payable = self.accounts.payable(&asked.cells, moves)?.amount;
        if amount > payable {
            return Err(Mismatch::Unpayable { amount, payable });
        }
        self.accounts.move_at(&asked.cells, moves, |cell| cell.hold(amount))?;
        let epoch = policy.epoch();
        let (state, spent, path) = (HoldState::Open, Amount::ZERO, *asked.path);
        let unfunded = Amount::ZERO;
        Ok(Hold { state, amount, spent, unfunded, deadline, epoch, candidate, path })
    }
}

/// What is decided, and who pays.
struct Asked<'a> {
    path: &'a Path,
    cells: Cells,
    request: &'a Request,
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
