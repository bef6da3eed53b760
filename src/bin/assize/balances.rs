//! Balances at a log's end, and which of them a record can change.

use assize::{
    audit::Observer,
    id::{AccountId, Sequence},
    ledger::{Account, CellId, Ledger, Snapshot},
    num::Timestamp,
    record::{Path, Record},
};

use crate::money;

/// Every account as the last record left it.
#[derive(Default)]
pub(crate) struct Balances(Option<Snapshot>);

impl Balances {
    /// All accounts, in the order in which they were opened.
    pub(crate) fn accounts(&self) -> impl Iterator<Item = (AccountId, &Account)> {
        self.0.iter().flat_map(Snapshot::accounts)
    }

    /// The log's time then.
    pub(crate) fn log_time(&self) -> Timestamp {
        self.0.as_ref().map(Snapshot::log_time).unwrap_or_default()
    }

    /// All accounts, summed up for each level.
    pub(crate) fn levels(&self) -> Vec<money::Level> {
        let Some(snapshot) = &self.0 else { return Vec::new() };
        let parent = |id| snapshot.account(id).and_then(|account| account.opened.parent);
        money::levels(snapshot.accounts().map(|(_, account)| account), parent)
    }
}

impl Observer for Balances {
    fn sees_records(&self) -> bool {
        false
    }

    fn end(&mut self, ledger: &Ledger) {
        self.0 = Some(ledger.snapshot().0);
    }
}

/// The accounts whose money or state a record can change, from the state before it: each once, in the order of their
/// handles.
pub(crate) fn touched(ledger: &Ledger, record: &Record) -> Vec<AccountId> {
    let mut touched = match record {
        Record::Admission(call) => on_path(ledger, &call.arguments.path),
        Record::Commit(call) => of_hold(ledger, call.arguments.hold),
        Record::PartCommit(call) => of_hold(ledger, call.arguments.hold),
        Record::Adjust(call) => {
            let settled = ledger.settled_hold(call.arguments.hold);
            settled.map(|hold| of_cells(&hold.cells)).unwrap_or_default()
        }
        Record::Release(call) => of_hold(ledger, call.arguments.hold),
        Record::Extend(call) => of_hold(ledger, call.arguments.hold),
        Record::Reroute(call) => {
            // What comes above the path by now may be other than what was when the hold was taken.
            let path = ledger.hold(call.arguments.hold).map(|hold| on_path(ledger, &hold.path));
            [of_hold(ledger, call.arguments.hold), path.unwrap_or_default()].concat()
        }
        Record::Expire(expire) => expire.holds().iter().flat_map(|hold| of_hold(ledger, *hold)).collect(),
        Record::Grant(call) => vec![call.arguments.account],
        Record::AccountClosed(closed) => vec![closed.account],
        Record::Reparent(reparent) => vec![reparent.account],
        Record::Boundary(boundary) => vec![boundary.account],
        Record::Account(_) => {
            // The next handle is the count of those before it. FORMAT 9.14.
            vec![AccountId(u32::try_from(ledger.accounts().count()).unwrap_or(u32::MAX))]
        }
        Record::Terms(_)
        | Record::Policy(_)
        | Record::Halt(_)
        | Record::CandidateSwitch(_)
        | Record::Recovery(_)
        | Record::Retention(_) => Vec::new(),
    };
    touched.sort_unstable();
    touched.dedup();
    touched
}

/// The accounts that a path holds at, or none where the ledger does not know it: then the record does not hold.
pub(crate) fn on_path(ledger: &Ledger, path: &Path) -> Vec<AccountId> {
    ledger.accounts_on(path).map(Iterator::collect).unwrap_or_default()
}

fn of_hold(ledger: &Ledger, hold: Sequence) -> Vec<AccountId> {
    ledger.hold(hold).map(|hold| of_cells(&hold.cells)).unwrap_or_default()
}

fn of_cells(cells: &[CellId]) -> Vec<AccountId> {
    cells.iter().filter(|cell| cell.limit == 0).map(|cell| cell.account).collect()
}
