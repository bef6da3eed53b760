//! The accounts of a log.

use std::boxed::Box;
use std::collections::BTreeMap;

use super::cell::CellId;
use super::chunks::Chunks;
use super::hold::{Hold, HoldState};
use super::limit::Limits;
use super::mismatch::Mismatch;
use super::moves::{Exposure, Moves};
use crate::caps::Binding;
use crate::id::{AccountId, LimitId, Name};
use crate::limits::{ACCOUNTS_MAX, DEPTH_MAX};
use crate::num::{Amount, Timestamp};
use crate::record;
use crate::throttle::Backlog;

/// One account as the log's records have made it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Account {
    /// What it was opened with; its parent is the one that it has now.
    #[cfg_attr(feature = "serde", serde(flatten))]
    pub opened: record::Account,
    /// Whether it takes holds, extensions and grants.
    pub state: AccountState,
    /// Its money.
    #[cfg_attr(feature = "serde", serde(flatten))]
    pub limits: Limits,
    /// What fills its throttles.
    pub backlogs: Box<[Backlog]>,
    /// Children that are open.
    #[cfg_attr(feature = "serde", serde(skip))]
    pub(super) children_open: u32,
    /// What is open at it, holds of 0 included.
    #[cfg_attr(feature = "serde", serde(skip))]
    pub(super) exposure: Exposure,
}

impl Account {
    /// What its open holds hold in all, whatever they were taken from.
    #[must_use]
    pub fn held_micros(&self) -> u64 {
        self.exposure.held_micros
    }

    /// How many holds are open at it.
    #[must_use]
    pub fn holds_open(&self) -> u64 {
        self.exposure.holds
    }
}

/// Whether an account takes holds, extensions and grants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
pub enum AccountState {
    /// It does.
    #[default]
    Open,
    /// It does not, for good.
    Closed,
}

/// What a path can pay. SEMANTICS 9.4 and 10.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Payable {
    /// The least available on the path, 0 where that is in debt.
    #[cfg_attr(feature = "serde", serde(rename = "amount_micros"))]
    pub amount: Amount,
    /// What has the least, of equals the earliest on the path.
    pub binding: Binding,
}

/// All accounts, by handle and by name.
#[derive(Debug, Default)]
pub(super) struct Accounts {
    list: Chunks<Account>,
    names: BTreeMap<Name, AccountId>,
}

impl Accounts {
    pub(super) fn iter(&self) -> impl Iterator<Item = (AccountId, &Account)> {
        (0_u32..).map(AccountId).zip(self.list.iter())
    }

    pub(super) fn list(&self) -> &Chunks<Account> {
        &self.list
    }

    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    pub(super) fn find(&self, account: AccountId) -> Option<&Account> {
        self.list.get(usize::try_from(account.0).ok()?)
    }

    pub(super) fn named(&self, name: &Name) -> Option<AccountId> {
        self.names.get(name).copied()
    }

    /// Accounts in the order of their names' bytes.
    pub(super) fn by_name(&self) -> impl Iterator<Item = AccountId> {
        self.names.values().copied()
    }

    pub(super) fn known(&self, account: AccountId) -> Result<&Account, Mismatch> {
        self.find(account).ok_or(Mismatch::AccountUnknown { account })
    }

    pub(super) fn open(&self, account: AccountId) -> Result<&Account, Mismatch> {
        let known = self.known(account)?;
        match known.state {
            AccountState::Open => Ok(known),
            AccountState::Closed => Err(Mismatch::AccountClosed { account }),
        }
    }

    /// Whether the account can be the next one. SEMANTICS 9.13.
    pub(super) fn check_next(&self, next: &record::Account) -> Result<(), Mismatch> {
        if let Some(account) = self.named(&next.name) {
            return Err(Mismatch::NameTaken { account });
        }
        if self.list.len() >= ACCOUNTS_MAX {
            return Err(Mismatch::TooManyAccounts);
        }
        if let Some(parent) = next.parent {
            self.open(parent)?;
            if self.depth(parent) >= DEPTH_MAX {
                return Err(Mismatch::TooDeep { parent });
            }
        }
        Ok(())
    }

    /// Whether the account can be put below that parent. SEMANTICS 9.18.
    pub(super) fn check_reparent(&self, moved: &record::Reparent) -> Result<(), Mismatch> {
        let record::Reparent { account, parent } = *moved;
        if self.open(account)?.opened.parent == parent {
            return Err(Mismatch::SameParent { account });
        }
        let Some(parent) = parent else { return Ok(()) };
        self.open(parent)?;
        if self.above(parent).any(|above| above == account) {
            return Err(Mismatch::BelowItself { account });
        }
        let levels = |(below, _): (AccountId, &Account)| self.above(below).position(|above| above == account);
        let deepest = self.iter().filter_map(levels).max().unwrap_or(0);
        if self.depth(parent).saturating_add(deepest).saturating_add(1) > DEPTH_MAX {
            return Err(Mismatch::TooDeep { parent });
        }
        Ok(())
    }

    /// The account and all above it, up to its root.
    pub(super) fn above(&self, account: AccountId) -> impl Iterator<Item = AccountId> {
        let parent = |account: &AccountId| self.find(*account)?.opened.parent;
        // No tree is deeper; before a checkpoint was checked it may be anything.
        core::iter::successors(Some(account), parent).take(DEPTH_MAX.saturating_add(1))
    }

    /// Its level, 1 for a root.
    fn depth(&self, account: AccountId) -> usize {
        self.above(account).count()
    }

    /// Opens what [`check_next`](Self::check_next) has passed.
    pub(super) fn push(&mut self, opened: record::Account, at: Timestamp) {
        let account = AccountId(u32::try_from(self.list.len()).unwrap_or(u32::MAX));
        self.names.insert(opened.name, account);
        let (parent, limits) = (opened.parent, Limits::new(&opened.caps, at));
        let backlogs = opened.caps.throttles().iter().map(|_| Backlog::default()).collect();
        let (state, exposure) = (AccountState::Open, Exposure::default());
        self.list.push(Account { opened, state, limits, backlogs, children_open: 0, exposure });
        self.count_child(parent, |open| open.saturating_add(1));
    }

    pub(super) fn close(&mut self, account: AccountId) {
        let Some(closed) = self.find_mut(account) else { return };
        closed.state = AccountState::Closed;
        let parent = closed.opened.parent;
        self.count_child(parent, |open| open.saturating_sub(1));
    }

    pub(super) fn reparent(&mut self, account: AccountId, to: Option<AccountId>) {
        let Some(moved) = self.find_mut(account) else { return };
        let from = core::mem::replace(&mut moved.opened.parent, to);
        self.count_child(from, |open| open.saturating_sub(1));
        self.count_child(to, |open| open.saturating_add(1));
    }

    fn count_child(&mut self, parent: Option<AccountId>, count: impl Fn(u32) -> u32) {
        if let Some(parent) = parent.and_then(|parent| self.find_mut(parent)) {
            parent.children_open = count(parent.children_open);
        }
    }

    /// An account below more than there may be above it, or below itself.
    pub(super) fn too_deep(&self) -> Option<AccountId> {
        self.iter().map(|(account, _)| account).find(|account| self.depth(*account) > DEPTH_MAX)
    }

    /// An account with a closed window that no hold names.
    pub(super) fn idle_window(&self) -> Option<AccountId> {
        self.iter().find(|(_, of)| of.limits.has_idle_window()).map(|(account, _)| account)
    }

    /// Counts a hold that a checkpoint has.
    pub(super) fn restore_hold(&mut self, hold: &Hold) {
        self.name(&hold.cells);
        let first = |cell: &&CellId| cell.limit == 0 && hold.state == HoldState::Open;
        for cell in hold.cells.iter().filter(first) {
            if let Some(account) = self.find_mut(cell.account) {
                let exposure = &mut account.exposure;
                exposure.holds = exposure.holds.saturating_add(1);
                exposure.held_micros = exposure.held_micros.saturating_add(hold.amount.micros());
            }
        }
    }

    /// Counts a hold's name at its cells, so that they are kept. SEMANTICS 18.6.
    pub(super) fn name(&mut self, cells: &[CellId]) {
        for cell in cells {
            if let Some(account) = self.find_mut(cell.account) {
                account.limits.name(*cell);
            }
        }
    }

    /// Counts it out again.
    pub(super) fn unname(&mut self, cells: &[CellId]) {
        for cell in cells {
            if let Some(account) = self.find_mut(cell.account) {
                account.limits.unname(*cell);
            }
        }
    }

    pub(super) fn allow(&mut self, limit: LimitId, change_micros: i64) {
        if let Some(account) = self.find_mut(limit.account) {
            account.limits.allow(limit.limit, change_micros);
        }
    }

    /// Writes back what a record changes.
    pub(super) fn write(&mut self, moves: &Moves) {
        for (limit, span) in moves.rolled() {
            if let Some(account) = self.find_mut(limit.account) {
                account.limits.roll(limit.limit, *span);
            }
        }
        for (id, cell) in moves.cells() {
            if let Some(account) = self.find_mut(id.account) {
                account.limits.write(*id, cell);
            }
        }
        for (account, exposure) in moves.exposures() {
            if let Some(account) = self.find_mut(*account) {
                account.exposure = *exposure;
            }
        }
        for (account, throttle, backlog) in moves.passed() {
            let backlogs = self.find_mut(*account).map(|account| &mut account.backlogs);
            if let Some(place) = backlogs.and_then(|all| all.get_mut(usize::from(*throttle))) {
                *place = *backlog;
            }
        }
    }

    pub(super) fn find_mut(&mut self, account: AccountId) -> Option<&mut Account> {
        self.list.get_mut(usize::try_from(account.0).ok()?)
    }
}
