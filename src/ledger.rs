//! The sequential ledger: applies records one by one and checks every number that they state.
//!
//! It is the check, and shares no arithmetic of money with the engine that it checks; the calendar and the throttles are
//! one code for both. The log keeps one as its
//! [`Fold`](crate::wal::Fold), for checkpoints; an auditor replays a log on one of its own. It holds what a
//! checkpoint holds: accounts, holds that have not ended or can be adjusted, operations within the horizon, and the policies that
//! are in force or named by a hold.

mod account;
mod cell;
mod check;
mod checkpoint;
mod fold;
mod hold;
mod limit;
mod mismatch;
mod moves;
mod operation;
mod path;
mod perform;
mod policies;
mod settled;

pub use account::{Account, AccountState, Payable};
pub use cell::{Cell, CellId};
pub use checkpoint::CheckpointError;
pub use fold::LedgerError;
pub use hold::{Hold, HoldState};
pub use limit::{Limit, Limits, WindowCell};
pub use mismatch::{Disagreement, Field, Halted, Mismatch};
pub use operation::Remembered;
pub use settled::SettledHold;

use alloc::sync::Arc;
use std::collections::{BTreeMap, BTreeSet};
use std::vec::Vec;

use account::Accounts;
use hold::Holds;
use moves::Moves;
use operation::Operations;
use path::Cells;
use policies::Policies;
use settled::SettledHolds;

use crate::caps::Binding;
use crate::id::{AccountId, CandidateId, Epoch, Name, OperationId, Sequence};
use crate::kernel::Request;
use crate::num::{Amount, Timestamp};
use crate::policy::{CandidateDraft, Draft, Policy, SchemaDraft};
use crate::record::{Halt, Path, Record, Terms};
use crate::throttle::Throttled;

/// The state after the records applied so far.
#[derive(Debug)]
pub struct Ledger {
    sequence: Sequence,
    log_time: Timestamp,
    terms: Terms,
    halt: Halt,
    policies: Policies,
    disabled: BTreeSet<CandidateId>,
    accounts: Accounts,
    holds: Holds,
    settled: SettledHolds,
    operations: Operations,
    /// Room that every record uses again.
    moves: Moves,
    scratch: Vec<u8>,
    /// Whether it has a state of its own.
    restored: bool,
}

impl Ledger {
    /// A log's genesis: the state before its first record. FORMAT 10.2.
    #[must_use]
    pub fn new(terms: Terms, policy: Arc<Policy>, created: Timestamp) -> Self {
        Self {
            sequence: Sequence(0),
            log_time: created,
            terms,
            halt: Halt::None,
            policies: Policies::new(policy),
            disabled: BTreeSet::new(),
            accounts: Accounts::default(),
            holds: Holds::default(),
            settled: SettledHolds::default(),
            operations: Operations::default(),
            moves: Moves::default(),
            scratch: Vec::new(),
            restored: true,
        }
    }

    /// A ledger that a log's opening will restore: until then it is empty, has a policy that never admits in
    /// place of the log's, and takes no record.
    #[must_use]
    pub fn unrestored() -> Self {
        let mut ledger = Self::new(Terms::default(), Arc::new(stand_in()), Timestamp(0));
        ledger.restored = false;
        ledger
    }

    /// Applies the next record, which took effect at that time.
    ///
    /// # Errors
    /// The first thing that does not follow from the state; the ledger is as it was then.
    pub fn apply(
        &mut self,
        sequence: Sequence,
        effective: Timestamp,
        record: &Record,
    ) -> Result<(), Disagreement> {
        let mut moves = core::mem::take(&mut self.moves);
        moves.clear();
        let checked = self.check(sequence, effective, record, &mut moves);
        let applied = match checked {
            Ok(effect) => {
                self.perform(sequence, effective, record, effect, &moves);
                Ok(())
            }
            Err(mismatch) => Err(Disagreement { sequence, kind: record.kind(), mismatch }),
        };
        self.moves = moves;
        applied
    }

    /// Recounts what every cell has reserved from the open holds. INVARIANT I6.
    ///
    /// # Errors
    /// The first account where the counters do not add up, or where the open holds hold another sum.
    pub fn check_conservation(&self) -> Result<(), Mismatch> {
        let mut held: BTreeMap<CellId, u64> = BTreeMap::new();
        for (_, hold) in self.holds.iter().filter(|(_, hold)| hold.state == HoldState::Open) {
            for id in &hold.cells {
                let sum = held.entry(*id).or_default();
                let account = id.account;
                *sum = sum.checked_add(hold.amount.micros()).ok_or(Mismatch::Overflow { account })?;
            }
        }
        for (account, of) in self.accounts.iter() {
            for (limit, span, cell) in of.limits.cells() {
                if !cell.is_conserved() {
                    return Err(Mismatch::Conservation { account });
                }
                let held_micros = held.remove(&CellId { account, limit, start: span.start }).unwrap_or(0);
                let reserved_micros = cell.reserved_micros;
                if reserved_micros != held_micros {
                    return Err(Mismatch::Reserved { account, held_micros, reserved_micros });
                }
            }
        }
        match held.pop_first() {
            Some((CellId { account, limit, .. }, _)) => Err(Mismatch::LimitUnknown { account, limit }),
            None => Ok(()),
        }
    }

    /// The sequence of the last record; 0 before the first.
    #[must_use]
    pub fn sequence(&self) -> Sequence {
        self.sequence
    }

    /// The effective time of the last record; before the first, when the log was created.
    #[must_use]
    pub fn log_time(&self) -> Timestamp {
        self.log_time
    }

    /// What the log holds itself to.
    #[must_use]
    pub fn terms(&self) -> &Terms {
        &self.terms
    }

    /// What is halted.
    #[must_use]
    pub fn halt(&self) -> Halt {
        self.halt
    }

    /// The policy in force.
    #[must_use]
    pub fn policy(&self) -> &Arc<Policy> {
        self.policies.in_force()
    }

    /// The policy of that epoch, while it is in force or a hold names it.
    #[must_use]
    pub fn policy_of(&self, epoch: Epoch) -> Option<&Arc<Policy>> {
        self.policies.find(epoch)
    }

    /// The candidates that the host has disabled, ascending.
    #[must_use]
    pub fn disabled(&self) -> &BTreeSet<CandidateId> {
        &self.disabled
    }

    /// All accounts, open and closed, in the order of their handles.
    pub fn accounts(&self) -> impl Iterator<Item = (AccountId, &Account)> {
        self.accounts.iter()
    }

    /// The account of that handle.
    #[must_use]
    pub fn account(&self, account: AccountId) -> Option<&Account> {
        self.accounts.find(account)
    }

    /// The account of that name, open or closed.
    #[must_use]
    pub fn account_named(&self, name: &Name) -> Option<AccountId> {
        self.accounts.named(name)
    }

    /// All holds that have not ended, by the sequences that name them, ascending.
    pub fn holds(&self) -> impl Iterator<Item = (Sequence, &Hold)> {
        self.holds.iter()
    }

    /// The hold of that name, if it has not ended.
    #[must_use]
    pub fn hold(&self, hold: Sequence) -> Option<&Hold> {
        self.holds.find(hold)
    }

    /// All settled holds that are remembered, by the sequences that name them, ascending.
    pub fn settled_holds(&self) -> impl Iterator<Item = (Sequence, &SettledHold)> {
        self.settled.iter()
    }

    /// The settled hold of that name, if it is remembered.
    #[must_use]
    pub fn settled_hold(&self, hold: Sequence) -> Option<&SettledHold> {
        self.settled.find(hold)
    }

    /// All operations remembered, by id, ascending.
    pub fn operations(&self) -> impl Iterator<Item = (&OperationId, &Remembered)> {
        self.operations.iter()
    }

    /// What is remembered of an operation.
    #[must_use]
    pub fn operation(&self, id: &OperationId) -> Option<&Remembered> {
        self.operations.find(id)
    }

    /// The accounts on a path, in its order. SEMANTICS 9.3.
    ///
    /// # Errors
    /// An account on it is unknown, or there are too many.
    pub fn accounts_on(&self, path: &Path) -> Result<impl Iterator<Item = AccountId>, Mismatch> {
        self.accounts.accounts_on(path)
    }

    /// What an admission on a path finds at that time. SEMANTICS 10.1.
    ///
    /// # Errors
    /// An account on it is unknown or closed, or it has too many cells.
    pub fn prospect(&self, path: &Path, now: Timestamp) -> Result<Prospect, Mismatch> {
        let mut moves = Moves::default();
        let cells = self.accounts.enter(path, now, &mut moves)?;
        self.prospect_at(cells, &moves)
    }

    /// What the reroute of an open hold finds once the hold has given its amount back.
    ///
    /// # Errors
    /// There is no such open hold, or an account on its path is closed.
    pub fn prospect_without(&self, hold: Sequence, now: Timestamp) -> Result<Prospect, Mismatch> {
        let unknown = Mismatch::HoldUnknown { hold };
        let released = self.holds.find(hold).filter(|hold| hold.state == HoldState::Open).ok_or(unknown)?;
        let mut moves = Moves::default();
        let own = self.accounts.reenter(&released.cells, now, &mut moves)?;
        let cells = self.accounts.enter(&released.path, now, &mut moves)?;
        self.give_back(&own, released.amount, &mut moves)?;
        self.prospect_at(cells, &moves)
    }

    fn prospect_at(&self, cells: Cells, moves: &Moves) -> Result<Prospect, Mismatch> {
        let payable = self.accounts.payable(&cells, moves)?;
        Ok(Prospect { payable, full: self.accounts.full(&cells, moves)?, cells })
    }

    /// The earliest throttle that a request of that cost does not pass, and why. SEMANTICS 19.3.
    #[must_use]
    pub fn throttled(
        &self,
        prospect: &Prospect,
        now: Timestamp,
        request: &Request,
        amount: Amount,
    ) -> Option<(AccountId, u8, Throttled)> {
        let ((account, throttle), why) = self.find_throttled(now, &prospect.cells, request, amount)?;
        Some((account, throttle, why))
    }
}

/// What an admission finds of the accounts that pay. SEMANTICS 10.1.
#[derive(Clone, Copy, Debug)]
pub struct Prospect {
    /// What they can pay.
    pub payable: Payable,
    /// The earliest account at which as many holds are open as may be.
    pub full: Option<Binding>,
    cells: Cells,
}

/// A policy without a candidate that could serve.
fn stand_in() -> Policy {
    let mut draft = Draft::new("none", 0, SchemaDraft { name: "none".into(), ..SchemaDraft::default() });
    draft.candidates.push(CandidateDraft::new(0, "none"));
    match Policy::freeze(draft) {
        Ok(policy) => policy,
        // OK because the draft is fixed, and a test makes it.
        Err(error) => unreachable!("{error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unrestored_ledger_can_be_made_and_takes_no_record() {
        let mut ledger = Ledger::unrestored();
        let refused = ledger.apply(Sequence(1), Timestamp(0), &Record::Halt(Halt::All));
        assert_eq!(refused.map_err(|disagreement| disagreement.mismatch), Err(Mismatch::Unrestored));
        assert_eq!(ledger.halt(), Halt::None);
    }
}
