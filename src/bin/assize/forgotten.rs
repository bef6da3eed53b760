//! Holds that the ledger forgets as time goes, and with them closed windows: no record names these.

use std::collections::BTreeMap;

use assize::{
    audit::Step,
    id::{AccountId, Sequence},
    ledger::{CellId, Ledger},
    num::Timestamp,
    record::Record,
};

/// The holds that a ledger will forget, in its own order, so that the first is looked at alone. FORMAT 10.8.
#[derive(Default)]
pub(crate) struct Forgotten {
    /// By when they were committed.
    settled: BTreeMap<(Timestamp, Sequence), Box<[CellId]>>,
    /// By their deadlines.
    expired: BTreeMap<(Timestamp, Sequence), Box<[CellId]>>,
}

impl Forgotten {
    /// Notes what a record leaves to be forgotten; gives the accounts at which something was forgotten by it.
    pub(crate) fn after(&mut self, step: &Step<'_>) -> Vec<AccountId> {
        self.note(step);
        let mut accounts = Vec::new();
        while let Some(first) = self.settled.first_entry() {
            if step.ledger.settled_hold(first.key().1).is_some() {
                break;
            }
            accounts.extend(first.remove().iter().map(|cell| cell.account));
        }
        while let Some(first) = self.expired.first_entry() {
            if step.ledger.hold(first.key().1).is_some() {
                break;
            }
            accounts.extend(first.remove().iter().map(|cell| cell.account));
        }
        accounts.sort_unstable();
        accounts.dedup();
        accounts
    }

    fn note(&mut self, step: &Step<'_>) {
        match step.record {
            Record::Commit(call) => {
                let name = call.arguments.hold;
                if let Some(hold) =
                    step.ledger.settled_hold(name).filter(|hold| has_windows(step.ledger, &hold.cells))
                {
                    self.settled.insert((hold.settled, name), hold.cells.clone());
                }
            }
            Record::Expire(expire) => {
                for name in expire.holds() {
                    if let Some(hold) =
                        step.ledger.hold(*name).filter(|hold| has_windows(step.ledger, &hold.cells))
                    {
                        self.expired.insert((hold.deadline, *name), hold.cells.clone());
                    }
                }
            }
            _ => {}
        }
    }
}

/// Whether one of the cells can be closed.
fn has_windows(ledger: &Ledger, cells: &[CellId]) -> bool {
    let usual =
        |cell: &CellId| ledger.account(cell.account).is_none_or(|account| account.opened.caps.are_usual());
    !cells.iter().all(usual)
}
