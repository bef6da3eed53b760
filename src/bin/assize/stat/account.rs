//! By account: the money of each window that is kept, what is held against the caps, what is left of throttles, and
//! admissions and denials.

use std::collections::BTreeMap;

use assize::{
    audit::{Observer, Step},
    id::AccountId,
    ledger::{Account, Cell, Ledger},
    num::{Amount, Timestamp},
    policy::Schema,
    wal::Pruned,
    window::Span,
};
use serde::Serialize;

use super::decided::decided;
use crate::{
    balances::Balances,
    caps,
    evidence::Evidence,
    failure::Failure,
    money,
    outcome::Outcome,
    output::{self, Format, Page, Print, grouped},
};

pub(super) fn run(evidence: &Evidence, format: Format) -> Result<(), Failure> {
    let mut accounts = Accounts::default();
    let pruned = evidence.look(&mut accounts)?.summary.pruned;
    let levels = accounts.balances.levels();
    let (now, schema) = (accounts.balances.log_time(), accounts.schema.as_ref());
    let rows = accounts.balances.accounts().map(|(id, account)| {
        let counts = accounts.decided.get(&id).copied().unwrap_or_default();
        Row::of(id, account, counts, (now, schema))
    });
    output::print(&Printed { accounts: rows.collect(), levels, pruned }, format)
}

/// Counts what was decided at each account of a path and at those above it.
#[derive(Default)]
struct Accounts {
    balances: Balances,
    decided: BTreeMap<AccountId, Counts>,
    /// One schema is for a log's life.
    schema: Option<Schema>,
}

#[derive(Clone, Copy, Debug, Default, Serialize)]
struct Counts {
    admissions: u64,
    denials: u64,
    /// Of these, how many for a throttle of some account on the path.
    denials_throttle: u64,
}

impl Observer for Accounts {
    fn before(&mut self, step: &Step<'_>) {
        if self.schema.is_none() {
            self.schema = Some(step.ledger.policy().schema().clone());
        }
        let Some((outcome, accounts)) = decided(step) else { return };
        for account in accounts {
            let counts = self.decided.entry(account).or_default();
            let admitted = outcome.is_admitted();
            let count = if admitted { &mut counts.admissions } else { &mut counts.denials };
            *count = count.saturating_add(1);
            let throttled = u64::from(outcome == Outcome::DeniedThrottle);
            counts.denials_throttle = counts.denials_throttle.saturating_add(throttled);
        }
    }

    fn end(&mut self, ledger: &Ledger) {
        self.balances.end(ledger);
    }
}

#[derive(Debug, Serialize)]
struct Printed {
    accounts: Vec<Row>,
    levels: Vec<money::Level>,
    /// What was deleted before it, if anything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pruned: Option<Pruned>,
}

#[derive(Debug, Serialize)]
struct Row {
    id: AccountId,
    #[serde(flatten)]
    account: Account,
    /// Every window that is kept: closed ones, which holds name, before the current one of each limit.
    windows_kept: Vec<Kept>,
    held_micros: u64,
    holds_open: u64,
    throttles_left: Vec<Left>,
    #[serde(flatten)]
    counts: Counts,
}

/// A window of a limit.
#[derive(Debug, Serialize)]
struct Kept {
    limit: u8,
    window: String,
    #[serde(flatten)]
    span: Span,
    is_current: bool,
    /// What each window of the limit begins with.
    allowance_micros: u64,
    #[serde(flatten)]
    cell: Cell,
}

/// A throttle at the log's time.
#[derive(Debug, Serialize)]
struct Left {
    lets: String,
    left: u64,
    burst: u64,
}

impl Row {
    fn of(id: AccountId, account: &Account, counts: Counts, at: (Timestamp, Option<&Schema>)) -> Self {
        let windows = account.limits.cells().map(|(limit, span, cell)| Kept {
            limit,
            window: caps::limit(account, limit),
            span,
            is_current: account.limits.current(limit).is_some_and(|(current, _)| current == span),
            allowance_micros: account.limits.allowance(limit).map_or(0, Amount::micros),
            cell: *cell,
        });
        let (now, schema) = at;
        let throttles = account.opened.caps.throttles().iter().zip(&account.backlogs);
        let throttles = throttles.zip(schema.into_iter().cycle()).map(|((of, backlog), schema)| Left {
            lets: caps::throttle(of, schema),
            left: caps::left(of, *backlog, now),
            burst: of.burst,
        });
        Self {
            id,
            windows_kept: windows.collect(),
            held_micros: account.held_micros(),
            holds_open: account.holds_open(),
            throttles_left: throttles.collect(),
            account: account.clone(),
            counts,
        }
    }

    fn name(&self) -> String {
        self.account.opened.name.to_string()
    }
}

impl Print for Printed {
    fn page(&self, page: &mut Page) {
        if self.accounts.iter().all(|row| row.account.opened.caps.are_usual()) {
            self.usual(page);
        } else {
            self.windows(page);
            page.gap();
            self.counts(page);
            self.throttles(page);
        }
        page.gap();
        money::page(&self.levels, page);
    }
}

impl Printed {
    /// One line for each account: of each there is one limit for its life.
    fn usual(&self, page: &mut Page) {
        let head =
            ["account", "granted", "available", "reserved", "committed", "unfunded", "admissions", "denials"];
        let rows = self.accounts.iter().flat_map(|row| row.windows_kept.iter().map(move |kept| (row, kept)));
        let rows = rows.map(|(row, Kept { cell, .. })| {
            vec![
                row.name(),
                grouped(cell.granted_micros),
                grouped(cell.available_micros),
                grouped(cell.reserved_micros),
                grouped(cell.committed_micros),
                grouped(cell.unfunded_micros),
                grouped(row.counts.admissions),
                grouped(row.counts.denials),
            ]
        });
        page.table(&head, &rows.collect::<Vec<_>>());
    }

    /// One line for each window.
    fn windows(&self, page: &mut Page) {
        let head = [
            "account",
            "limit",
            "from",
            "until",
            "allowance",
            "granted",
            "available",
            "reserved",
            "committed",
            "lapsed",
            "unfunded",
        ];
        let rows = self.accounts.iter().flat_map(|row| row.windows_kept.iter().map(move |kept| (row, kept)));
        let rows = rows.map(|(row, kept)| {
            let [from, until] = caps::edges(kept.span);
            let cell = &kept.cell;
            vec![
                row.name(),
                kept.window.clone(),
                from,
                until,
                grouped(kept.allowance_micros),
                grouped(cell.granted_micros),
                grouped(cell.available_micros),
                grouped(cell.reserved_micros),
                grouped(cell.committed_micros),
                grouped(cell.lapsed_micros),
                grouped(cell.unfunded_micros),
            ]
        });
        page.table(&head, &rows.collect::<Vec<_>>());
    }

    /// What is held against the caps, and what was decided.
    fn counts(&self, page: &mut Page) {
        let head = [
            "account",
            "held",
            "at most",
            "open holds",
            "at most",
            "admissions",
            "denials",
            "of these by a throttle",
        ];
        let rows = self.accounts.iter().map(|row| {
            let caps = &row.account.opened.caps;
            vec![
                row.name(),
                grouped(row.held_micros),
                caps.held_max().map(|max| grouped(max.micros())).unwrap_or_default(),
                grouped(row.holds_open),
                caps.holds_max().map(grouped).unwrap_or_default(),
                grouped(row.counts.admissions),
                grouped(row.counts.denials),
                grouped(row.counts.denials_throttle),
            ]
        });
        page.table(&head, &rows.collect::<Vec<_>>());
    }

    fn throttles(&self, page: &mut Page) {
        let rows = self.accounts.iter().flat_map(|row| {
            let left = row.throttles_left.iter();
            left.map(|Left { lets, left, burst }| {
                vec![row.name(), lets.clone(), grouped(left), grouped(burst)]
            })
        });
        let rows: Vec<Vec<String>> = rows.collect();
        if !rows.is_empty() {
            page.gap();
            page.table(&["account", "throttle", "left", "of"], &rows);
        }
    }
}
