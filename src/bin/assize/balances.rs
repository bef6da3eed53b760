//! Balances as a replay goes: after each record, the accounts that it touched are looked at again.

use std::collections::BTreeMap;

use assize::{
    audit::{Observer, Step},
    id::{AccountId, Sequence},
    ledger::{Account, Ledger},
    record::{Path, Record},
};

use crate::money;

/// Every account as the last record left it.
#[derive(Default)]
pub(crate) struct Balances {
    accounts: BTreeMap<AccountId, Account>,
    touched: Vec<AccountId>,
}

impl Balances {
    /// All accounts, in the order in which they were opened.
    pub(crate) fn accounts(&self) -> impl Iterator<Item = (AccountId, &Account)> {
        self.accounts.iter().map(|(id, account)| (*id, account))
    }

    /// All accounts, summed up for each level.
    pub(crate) fn levels(&self) -> Vec<money::Level> {
        let parent = |id| self.accounts.get(&id).and_then(|account| account.opened.parent);
        money::levels(self.accounts.values(), parent)
    }
}

impl Observer for Balances {
    fn before(&mut self, step: &Step<'_>) {
        self.touched = touched(step.ledger, step.record);
    }

    fn after(&mut self, step: &Step<'_>) {
        for id in self.touched.drain(..) {
            if let Some(account) = step.ledger.account(id) {
                self.accounts.insert(id, account.clone());
            }
        }
    }
}

/// The accounts whose money or state a record can change, from the state before it: each once, in the order of their
/// handles.
pub(crate) fn touched(ledger: &Ledger, record: &Record) -> Vec<AccountId> {
    let mut touched = match record {
        Record::Admission(call) => cells(ledger, &call.arguments.path),
        Record::Commit(call) => of_hold(ledger, call.arguments.hold),
        Record::PartCommit(call) => of_hold(ledger, call.arguments.hold),
        Record::Adjust(call) => {
            let settled = ledger.settled_hold(call.arguments.hold);
            settled.map(|hold| cells(ledger, &hold.path)).unwrap_or_default()
        }
        Record::Release(call) => of_hold(ledger, call.arguments.hold),
        Record::Extend(call) => of_hold(ledger, call.arguments.hold),
        Record::Reroute(call) => of_hold(ledger, call.arguments.hold),
        Record::Expire(expire) => expire.holds().iter().flat_map(|hold| of_hold(ledger, *hold)).collect(),
        Record::Grant(call) => vec![call.arguments.account],
        Record::AccountClosed(closed) => vec![closed.account],
        Record::Account(_) => {
            // The next handle is the count of those before it. FORMAT 9.14.
            vec![AccountId(u32::try_from(ledger.accounts().count()).unwrap_or(u32::MAX))]
        }
        Record::Terms(_)
        | Record::Policy(_)
        | Record::Halt(_)
        | Record::CandidateSwitch(_)
        | Record::Recovery(_) => Vec::new(),
    };
    touched.sort_unstable();
    touched.dedup();
    touched
}

/// The accounts that a path holds at, or none where the ledger does not know it: then the record does not hold.
pub(crate) fn cells(ledger: &Ledger, path: &Path) -> Vec<AccountId> {
    ledger.cells(path).map(Iterator::collect).unwrap_or_default()
}

fn of_hold(ledger: &Ledger, hold: Sequence) -> Vec<AccountId> {
    ledger.hold(hold).map(|hold| cells(ledger, &hold.path)).unwrap_or_default()
}
