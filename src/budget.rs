//! The budget engine: accounts in trees, and holds that take from every account on a path or from none.
//!
//! Every call takes `&self`, from any thread. Reserving, extending, committing, releasing and expiring take no lock,
//! look nothing up in a map, and allocate nothing while holds fit what was reserved for them; the rest
//! (opening, granting, closing, reading, restoring) takes one lock, off that path. The protocols are described in
//! `docs/CONCURRENCY.md`.

mod account;
mod hold;
mod path;
mod restore;

pub use account::{
    AccountError, AccountReading, AccountState, AccountTerms, CellCounters, GrantError, Overrun,
};
pub use hold::{ExtendError, Hold, HoldReading, HoldState, Release, ReserveError, SettleError, Settlement};
pub use path::{Path, PathError, Payable};
pub use restore::RestoreError;

use crate::id::{AccountId, Name};
use crate::limits::{ACCOUNTS_MAX, HOLDS_MAX};
use crate::num::Amount;

/// How large an engine's tables start and may become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EngineOptions {
    /// Accounts to make room for at once; more are made room for when they come.
    pub accounts_reserved: usize,
    /// Open holds to make room for at once; up to this many, nothing is allocated.
    pub holds_reserved: usize,
    /// The most accounts, up to [`ACCOUNTS_MAX`].
    pub accounts_max: usize,
    /// The most holds that may be open, up to [`HOLDS_MAX`].
    pub holds_max: usize,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self { accounts_reserved: 64, holds_reserved: 1024, accounts_max: ACCOUNTS_MAX, holds_max: HOLDS_MAX }
    }
}

/// The concurrent budget engine.
#[derive(Debug)]
pub struct Engine {}

impl Engine {
    /// An engine without accounts. What the options reserve above what they allow counts as what they allow.
    #[must_use]
    pub fn new(options: EngineOptions) -> Self {
        todo!()
    }

    /// Opens the account, or finds it if it was opened on the same terms. Handles are dense, in order of opening,
    /// from 0.
    ///
    /// # Errors
    /// The name is taken on other terms, its account or the parent is closed, the parent is unknown, or a limit is
    /// reached.
    pub fn ensure_account(&self, terms: &AccountTerms) -> Result<AccountId, AccountError> {
        todo!()
    }

    /// The account of that name, open or closed.
    #[must_use]
    pub fn account(&self, name: &Name) -> Option<AccountId> {
        todo!()
    }

    /// What an account was opened with.
    #[must_use]
    pub fn terms(&self, account: AccountId) -> Option<AccountTerms> {
        todo!()
    }

    /// How many accounts there are, closed ones included.
    #[must_use]
    pub fn accounts(&self) -> u32 {
        todo!()
    }

    /// Adds to what an account has been granted, or takes back, when below zero, from what it has available.
    /// No other account changes.
    ///
    /// # Errors
    /// The account is unknown or closed, what is granted would pass [`Amount::MAX`], or less is available than is to
    /// be taken back. Nothing has changed then.
    pub fn grant(&self, account: AccountId, delta_micros: i64) -> Result<(), GrantError> {
        todo!()
    }

    /// Closes an account that has no hold and no open account below it. Expired holds do not keep it open.
    ///
    /// # Errors
    /// It is unknown, closed already, or still in use.
    pub fn close_account(&self, account: AccountId) -> Result<(), AccountError> {
        todo!()
    }

    /// An account's counters, or `None` if it is unknown.
    #[must_use]
    pub fn read(&self, account: AccountId) -> Option<AccountReading> {
        todo!()
    }

    /// The path of a reservation at these accounts and all above them.
    ///
    /// # Errors
    /// None or more than 4 are named, one twice, one is unknown or closed, or the path has more than 24 cells.
    pub fn path(&self, accounts: &[AccountId]) -> Result<Path, PathError> {
        todo!()
    }

    /// The accounts on a path, in its order.
    pub fn accounts_on<'a>(&'a self, path: &'a Path) -> impl Iterator<Item = AccountId> + 'a {
        core::iter::empty()
    }

    /// The most that a reservation on the path could take, and the account that sets it.
    ///
    /// # Errors
    /// An account on it is closed, or it was made by another engine.
    pub fn payable(&self, path: &Path) -> Result<Payable, PathError> {
        todo!()
    }

    /// Takes the amount from every cell on the path, or from none. An amount of 0 is held too, unless an account
    /// is in debt.
    ///
    /// # Errors
    /// An account has too little or is closed, too many attempts met, or as many holds are open as may be.
    pub fn reserve(&self, path: &Path, amount: Amount) -> Result<Hold, ReserveError> {
        todo!()
    }

    /// Takes more for a hold, from every cell that it was taken from, or from none.
    ///
    /// # Errors
    /// An account has too little, the hold would be too large, has expired or ended, or too many attempts met.
    pub fn extend(&self, hold: Hold, more: Amount) -> Result<(), ExtendError> {
        todo!()
    }

    /// Ends a hold with what was spent. Below the hold, the rest is available again. Above it, the same extra is
    /// booked at every cell of the path, as far as the strictest overrun on it allows; what is not booked is added
    /// to `unfunded` at every cell. From a hold that has expired nothing is booked.
    ///
    /// # Errors
    /// The hold has ended, or another call had it and kept it.
    pub fn commit(&self, hold: Hold, actual: Amount) -> Result<Settlement, SettleError> {
        todo!()
    }

    /// Ends a hold with nothing spent: all of it is available again.
    ///
    /// # Errors
    /// The hold has ended, or another call had it and kept it.
    pub fn release(&self, hold: Hold) -> Result<Release, SettleError> {
        todo!()
    }

    /// Makes a hold's money available again and keeps the hold, to be settled late; returns what it held.
    ///
    /// # Errors
    /// The hold has ended or expired already, or another call had it and kept it.
    pub fn expire(&self, hold: Hold) -> Result<Amount, SettleError> {
        todo!()
    }

    /// Ends a hold that has expired, with nothing said of what was spent.
    ///
    /// # Errors
    /// The hold is open or has ended, or another call had it and kept it.
    pub fn forget(&self, hold: Hold) -> Result<(), SettleError> {
        todo!()
    }

    /// A hold as it stands, or `None` once it has ended.
    #[must_use]
    pub fn hold(&self, hold: Hold) -> Option<HoldReading> {
        todo!()
    }
}
