//! Whether a record follows from the state. Nothing is changed here: what a record moves is staged, what else it
//! does is an [`Effect`].

mod adjustment;
mod administration;
mod admission;
mod settlement;

use alloc::sync::Arc;

use super::Ledger;
use super::hold::{Hold, Left};
use super::mismatch::{Field, Halted, Mismatch};
use super::moves::Moves;
use super::settled::SettledHold;
use crate::id::{AccountId, LimitId, Sequence};
use crate::num::{Amount, Timestamp};
use crate::policy::Policy;
use crate::record::{Boundary, CandidateSwitch, Halt, Record, Reparent, Terms};

/// What a record does besides moving money.
#[derive(Debug)]
pub(super) enum Effect {
    Nothing,
    Terms(Terms),
    Policy(Arc<Policy>),
    Halt(Halt),
    Switch(CandidateSwitch),
    /// Holds end and open, each if there is one; the new one is named by the record. What a commit has ended is
    /// remembered.
    Hold {
        ended: Option<Sequence>,
        opened: Option<Hold>,
        settled: Option<SettledHold>,
    },
    /// A hold holds what is left of it.
    PartCommit {
        hold: Sequence,
        left: Left,
    },
    /// What is booked and unfunded of a settled hold.
    Adjust {
        hold: Sequence,
        booked: Amount,
        unfunded: Amount,
    },
    Extend {
        hold: Sequence,
        held: Amount,
        deadline: Timestamp,
    },
    /// The holds that the record lists.
    Expire,
    /// The account that the record describes.
    OpenAccount,
    CloseAccount(AccountId),
    /// What each later window of a limit begins with changes.
    Allow {
        limit: LimitId,
        change_micros: i64,
    },
    Reparent(Reparent),
}

impl Ledger {
    /// Whether the record follows: what it moves is in `moves` then.
    pub(super) fn check(
        &self,
        sequence: Sequence,
        effective: Timestamp,
        record: &Record,
        moves: &mut Moves,
    ) -> Result<Effect, Mismatch> {
        self.check_place(sequence, effective)?;
        if !self.restored {
            return Err(Mismatch::Unrestored);
        }
        if let Some(operation) = record.operation() {
            self.operations.check_new(operation, effective, &self.terms)?;
        }
        let effect = match record {
            Record::Terms(terms) => Effect::Terms(*terms),
            Record::Policy(policy) => self.check_policy(policy)?,
            Record::Halt(halt) => Effect::Halt(*halt),
            Record::CandidateSwitch(switch) => Effect::Switch(*switch),
            Record::Admission(call) => self.check_admission(effective, call, moves)?,
            Record::Commit(call) => self.check_commit(effective, call, moves)?,
            Record::Release(call) => self.check_release(effective, call, moves)?,
            Record::Extend(call) => self.check_extend(effective, call, moves)?,
            Record::PartCommit(call) => self.check_part_commit(effective, call, moves)?,
            Record::Reroute(call) => self.check_reroute(effective, call, moves)?,
            Record::Adjust(call) => self.check_adjust(effective, call, moves)?,
            Record::Expire(expire) => self.check_expire(effective, expire, moves)?,
            Record::Account(account) => {
                self.accounts.check_next(account)?;
                self.check_units(account)?;
                Effect::OpenAccount
            }
            Record::Grant(call) => self.check_grant(effective, call, moves)?,
            Record::AccountClosed(closed) => self.check_close(closed)?,
            Record::Reparent(reparent) => {
                self.accounts.check_reparent(reparent)?;
                Effect::Reparent(*reparent)
            }
            Record::Boundary(Boundary { account, limit }) => {
                self.accounts.touch(*account, effective, moves)?;
                self.accounts.end_window(account.limit(*limit), effective, moves)?;
                Effect::Nothing
            }
            // The chain has looked at what they name.
            Record::Recovery(_) | Record::Retention(_) => Effect::Nothing,
        };
        // INVARIANT I6: at every cell that the record touches, after it.
        match moves.cells().find(|(_, cell)| !cell.is_conserved()) {
            Some((id, _)) => Err(Mismatch::Conservation { account: id.account }),
            None => Ok(effect),
        }
    }

    fn check_place(&self, sequence: Sequence, effective: Timestamp) -> Result<(), Mismatch> {
        if self.sequence.0.checked_add(1) != Some(sequence.0) {
            return Err(Mismatch::Sequence { expected: Sequence(self.sequence.0.saturating_add(1)) });
        }
        if effective < self.log_time {
            return Err(Mismatch::TimeBack { log: self.log_time, seen: effective });
        }
        Ok(())
    }

    /// Whether a halt, or its absence, agrees with a denial for it.
    fn check_halted(&self, halted: bool, seen: Halted) -> Result<(), Mismatch> {
        if halted == (seen == Halted::Denied) {
            Ok(())
        } else {
            Err(Mismatch::Halt { halt: self.halt, seen })
        }
    }
}

fn check_amount(field: Field, expected: Amount, seen: Amount) -> Result<(), Mismatch> {
    if expected == seen { Ok(()) } else { Err(Mismatch::Outcome { field, expected, seen }) }
}
