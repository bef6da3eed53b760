//! What accounts have, summed up for each level of their trees: across levels, and
//! across the limits of one account, the same money counts more than once.

use assize::{
    id::AccountId,
    ledger::{Account, Cell, Ledger},
    limits::DEPTH_MAX,
};
use serde::Serialize;

use crate::output::{Page, grouped};

/// The accounts of one level, together: every window of their limits that the ledger keeps.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Level {
    /// From 1 for the roots.
    level: usize,
    accounts: u64,
    granted_micros: i128,
    available_micros: i128,
    reserved_micros: i128,
    committed_micros: i128,
    lapsed_micros: i128,
    unfunded_micros: i128,
}

/// All levels, the roots' first.
pub(crate) fn levels<'a>(
    accounts: impl Iterator<Item = &'a Account>,
    parent: impl Fn(AccountId) -> Option<AccountId>,
) -> Vec<Level> {
    let mut levels: Vec<Level> = Vec::new();
    for account in accounts {
        let mut above = account.opened.parent;
        let mut depth = 0_usize;
        while let Some(next) = above.filter(|_| depth < DEPTH_MAX) {
            depth = depth.saturating_add(1);
            above = parent(next);
        }
        while levels.len() <= depth {
            levels.push(Level { level: levels.len().saturating_add(1), ..Level::default() });
        }
        if let Some(level) = levels.get_mut(depth) {
            level.accounts = level.accounts.saturating_add(1);
            account.limits.cells().for_each(|(_, _, cell)| level.add(cell));
        }
    }
    levels
}

/// All levels of a ledger.
pub(crate) fn of(ledger: &Ledger) -> Vec<Level> {
    let parent = |account| ledger.account(account).and_then(|account| account.opened.parent);
    levels(ledger.accounts().map(|(_, account)| account), parent)
}

impl Level {
    fn add(&mut self, cell: &Cell) {
        // OK because 2²⁴ accounts of less than 2⁶⁴ each are far below 2¹²⁷.
        let add = |sum: &mut i128, micros: i128| *sum = sum.saturating_add(micros);
        add(&mut self.granted_micros, cell.granted_micros.into());
        add(&mut self.available_micros, cell.available_micros.into());
        add(&mut self.reserved_micros, cell.reserved_micros.into());
        add(&mut self.committed_micros, cell.committed_micros.into());
        add(&mut self.lapsed_micros, cell.lapsed_micros.into());
        add(&mut self.unfunded_micros, cell.unfunded_micros.into());
    }

    /// granted = available + reserved + committed + lapsed.
    pub(crate) fn adds_up(&self) -> bool {
        let parts = [self.available_micros, self.reserved_micros, self.committed_micros, self.lapsed_micros];
        parts.into_iter().fold(0, i128::saturating_add) == self.granted_micros
    }
}

/// The levels as a table.
pub(crate) fn page(levels: &[Level], page: &mut Page) {
    let rows = levels.iter().map(|level| {
        let amounts = [
            level.granted_micros,
            level.available_micros,
            level.reserved_micros,
            level.committed_micros,
            level.lapsed_micros,
            level.unfunded_micros,
        ];
        let mut row = vec![level.level.to_string(), grouped(level.accounts)];
        row.extend(amounts.map(grouped));
        row
    });
    let head = ["level", "accounts", "granted", "available", "reserved", "committed", "lapsed", "unfunded"];
    page.table(&head, &rows.collect::<Vec<_>>());
}
