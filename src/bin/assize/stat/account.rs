//! By account: money, admissions and denials.

use std::collections::BTreeMap;

use assize::{
    audit::{Observer, Step},
    id::AccountId,
    ledger::Account,
    record::Record,
};
use serde::Serialize;

use crate::{
    balances::{Balances, cells},
    evidence::Evidence,
    failure::Failure,
    money,
    outcome::Outcome,
    output::{self, Format, Page, Print, grouped},
};

pub(super) fn run(evidence: &Evidence, format: Format) -> Result<(), Failure> {
    let mut accounts = Accounts::default();
    let _report = evidence.replay(&mut accounts)?;
    let levels = accounts.balances.levels();
    let rows = accounts.balances.accounts().map(|(id, account)| {
        let counts = accounts.decided.get(&id).copied().unwrap_or_default();
        Row { id, account: account.clone(), admissions: counts.admissions, denials: counts.denials }
    });
    output::print(&Printed { accounts: rows.collect(), levels }, format)
}

/// Counts what was decided at each account of a path and at those above it.
#[derive(Default)]
struct Accounts {
    balances: Balances,
    decided: BTreeMap<AccountId, Counts>,
}

#[derive(Clone, Copy, Default)]
struct Counts {
    admissions: u64,
    denials: u64,
}

impl Observer for Accounts {
    fn before(&mut self, step: &Step<'_>) {
        self.balances.before(step);
        let decided = match step.record {
            Record::Admission(call) => Some((&call.outcome, call.arguments.path)),
            Record::Reroute(call) => {
                let path = step.ledger.hold(call.arguments.hold).map(|hold| hold.path);
                path.map(|path| (&call.outcome.admission, path))
            }
            _ => None,
        };
        let Some((outcome, path)) = decided else { return };
        for account in cells(step.ledger, &path) {
            let counts = self.decided.entry(account).or_default();
            let admitted = Outcome::of(outcome).is_admitted();
            let count = if admitted { &mut counts.admissions } else { &mut counts.denials };
            *count = count.saturating_add(1);
        }
    }

    fn after(&mut self, step: &Step<'_>) {
        self.balances.after(step);
    }
}

#[derive(Debug, Serialize)]
struct Printed {
    accounts: Vec<Row>,
    levels: Vec<money::Level>,
}

#[derive(Debug, Serialize)]
struct Row {
    id: AccountId,
    #[serde(flatten)]
    account: Account,
    admissions: u64,
    denials: u64,
}

impl Print for Printed {
    fn page(&self, page: &mut Page) {
        let head =
            ["account", "granted", "available", "reserved", "committed", "unfunded", "admissions", "denials"];
        let rows = self.accounts.iter().map(|Row { account, admissions, denials, .. }| {
            let cell = &account.cell;
            vec![
                account.opened.name.to_string(),
                grouped(cell.granted.micros()),
                grouped(cell.available_micros),
                grouped(cell.reserved_micros),
                grouped(cell.committed_micros),
                grouped(cell.unfunded_micros),
                grouped(admissions),
                grouped(denials),
            ]
        });
        page.table(&head, &rows.collect::<Vec<_>>());
        page.gap();
        money::page(&self.levels, page);
    }
}
