//! The budget engine: accounts in trees, and holds that take from every account on a path or from none.
//!
//! Every call takes `&self`, from any thread. Reserving, extending, committing, wholly or in part, releasing and
//! expiring take no lock, look nothing up in a map, and allocate nothing while holds fit what was reserved for them;
//! the rest (opening, granting, adjusting, closing, reading, restoring) takes one lock, off that path. The protocols are described in
//! `docs/CONCURRENCY.md`.

mod account;
mod adjust;
mod cell;
mod entry;
mod grant;
mod hold;
mod lend;
mod path;
mod registry;
mod restore;
mod settle;
mod slab;
mod slot;
mod stripe;
mod table;
mod take;
mod window;

#[cfg(all(test, any(loom, shuttle)))]
mod models;

pub use account::{AccountError, AccountReading, AccountState, AccountTerms, CellCounters, GrantError};
pub use adjust::{AdjustError, Adjusted};
pub use hold::{ExtendError, Hold, HoldReading, HoldState, Release, ReserveError, SettleError, Settlement};
pub use path::{Path, PathError, Payable};
pub use restore::{HeldCell, RestoreError, RestoredLimit};

use core::fmt;

use crate::limits::{ACCOUNTS_MAX, HOLDS_MAX};
use crate::sync::{OnceLock, RwLock};
use cell::Cell;
use entry::Entry;
use registry::Registry;
use slab::Slab;
use table::Table;

/// How large an engine's tables start and may become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EngineOptions {
    /// Accounts to make room for at once; more are made room for when they come.
    pub accounts_reserved: usize,
    /// Open holds to make room for at once; up to this many, nothing is allocated.
    pub holds_reserved: usize,
    /// The most accounts; above [`ACCOUNTS_MAX`] it counts as that.
    pub accounts_max: usize,
    /// The most holds that may be open, expired ones included; above [`HOLDS_MAX`] it counts as that.
    pub holds_max: usize,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self { accounts_reserved: 64, holds_reserved: 1024, accounts_max: ACCOUNTS_MAX, holds_max: HOLDS_MAX }
    }
}

/// The concurrent budget engine.
pub struct Engine {
    accounts: Table<OnceLock<Entry>>,
    cells: Table<Cell>,
    holds: Slab,
    registry: RwLock<Registry>,
    accounts_max: u32,
}

impl Engine {
    /// An engine without accounts.
    #[must_use]
    pub fn new(options: EngineOptions) -> Self {
        let accounts_max = options.accounts_max.min(ACCOUNTS_MAX);
        let holds_max = options.holds_max.min(HOLDS_MAX);
        let accounts_reserved = options.accounts_reserved.min(accounts_max);
        Self {
            accounts: Table::new(accounts_reserved),
            cells: Table::new(accounts_reserved),
            holds: Slab::new(
                options.holds_reserved.min(holds_max),
                u32::try_from(holds_max).unwrap_or(u32::MAX),
            ),
            registry: RwLock::new(Registry::default()),
            accounts_max: u32::try_from(accounts_max).unwrap_or(u32::MAX),
        }
    }
}

impl Engine {
    /// The most holds that may be open, expired ones included.
    #[must_use]
    pub fn holds_max(&self) -> u32 {
        self.holds.max()
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine")
            .field("accounts_max", &self.accounts_max)
            .field("holds_max", &self.holds.max())
            .finish_non_exhaustive()
    }
}
