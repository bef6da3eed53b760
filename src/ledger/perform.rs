//! What a record does to the state, once it is known to follow.

use alloc::vec::Vec;

use super::Ledger;
use super::check::Effect;
use super::moves::Moves;
use super::operation::Remembered;
use crate::id::Sequence;
use crate::num::Timestamp;
use crate::record::{Arguments, Call, CandidateSwitch, Record, Reparent, Switch};

impl Ledger {
    pub(super) fn perform(
        &mut self,
        sequence: Sequence,
        effective: Timestamp,
        record: &Record,
        effect: Effect,
        moves: &Moves,
    ) {
        self.sequence = sequence;
        self.log_time = effective;
        self.accounts.write(moves);
        match effect {
            Effect::Nothing => {}
            Effect::Terms(terms) => self.terms = terms,
            Effect::Policy(policy) => self.policies.swap(policy),
            Effect::Halt(halt) => self.halt = halt,
            Effect::Switch(CandidateSwitch { candidate, switch: Switch::Disabled }) => {
                self.disabled.insert(candidate);
            }
            Effect::Switch(CandidateSwitch { candidate, switch: Switch::Enabled }) => {
                self.disabled.remove(&candidate);
            }
            Effect::Hold { ended, opened, settled } => {
                if let (Some(ended), Some(settled)) = (ended, settled) {
                    self.accounts.name(&settled.cells);
                    self.settled.insert(ended, settled);
                }
                if let Some(ended) = ended.and_then(|ended| self.holds.remove(ended)) {
                    self.policies.unname(ended.epoch);
                    self.accounts.unname(&ended.cells);
                }
                if let Some(opened) = opened {
                    self.policies.name(opened.epoch);
                    self.accounts.name(&opened.cells);
                    self.holds.insert(sequence, opened);
                }
            }
            Effect::PartCommit { hold, left } => self.holds.spend(hold, left),
            Effect::Adjust { hold, booked, unfunded } => self.settled.adjust(hold, booked, unfunded),
            Effect::Extend { hold, held, deadline } => self.holds.extend(hold, held, deadline),
            Effect::Expire => {
                if let Record::Expire(expire) = record {
                    expire.holds().iter().for_each(|expired| self.holds.expire(*expired));
                }
            }
            Effect::OpenAccount => {
                if let Record::Account(account) = record {
                    self.accounts.push(account.clone(), effective);
                }
            }
            Effect::CloseAccount(account) => self.accounts.close(account),
            Effect::Reparent(Reparent { account, parent }) => self.accounts.reparent(account, parent),
            Effect::Allow { limit, change_micros } => self.accounts.allow(limit, change_micros),
        }
        self.forget();
        self.remember(record);
    }

    /// Drops what time has ended; each is looked at once, when it is dropped. FORMAT 10.8.
    fn forget(&mut self) {
        let terms = self.terms;
        self.operations.forget(self.log_time, terms.operation_horizon_ns);
        while let Some(forgotten) = self.settled.forget_one(self.log_time, &terms) {
            self.accounts.unname(&forgotten.cells);
        }
        while let Some(forgotten) = self.holds.forget_one(self.log_time, terms.late_window_ns) {
            self.policies.unname(forgotten.epoch);
            self.accounts.unname(&forgotten.cells);
        }
    }

    fn remember(&mut self, record: &Record) {
        match record {
            Record::Admission(call) => self.remember_call(call),
            Record::Commit(call) => self.remember_call(call),
            Record::Release(call) => self.remember_call(call),
            Record::Extend(call) => self.remember_call(call),
            Record::PartCommit(call) => self.remember_call(call),
            Record::Reroute(call) => self.remember_call(call),
            Record::Adjust(call) => self.remember_call(call),
            Record::Grant(call) => self.remember_call(call),
            _ => {}
        }
    }

    /// SEMANTICS 11.2, FORMAT 10.9.
    fn remember_call<A: Arguments>(&mut self, call: &Call<A>) {
        let Some(operation) = call.operation else { return };
        let digest = call.arguments.digest(&mut self.scratch);
        let mut outcome = Vec::new();
        A::encode_outcome(&call.outcome, &mut outcome);
        self.operations.insert(
            operation.id,
            Remembered {
                issued: operation.issued,
                digest,
                kind: A::KIND,
                sequence: self.sequence,
                outcome: outcome.into_boxed_slice(),
            },
        );
    }
}
