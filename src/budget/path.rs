//! The accounts that one reservation holds at: those named and all above them, each once.

use core::fmt;

use super::Engine;
use super::account::AccountState;
use super::cell::{CLOSED, Cell};
use super::entry::Entry;
use crate::caps::{Binding, Bound};
use crate::certainty::Estimate;
use crate::id::AccountId;
use crate::limits::{DEPTH_MAX, PATH_ACCOUNTS_MAX, PATH_CELLS_MAX};
use crate::overrun::Overrun;
use crate::retry::Retry;

/// The cells that one reservation holds at: plain data, made once by [`Engine::path`](super::Engine::path) and used
/// as often as wanted, in the engine that made it.
///
/// In order: each named account in the order given, followed by its ancestors up to its root; each account stands
/// where it first appears, with the current cells of its limits. Then come the caps on what these accounts hold, and
/// those on their holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
// In this order, so that a short path is read from one cache line.
#[repr(C)]
pub struct Path {
    /// Cells of limits.
    pub(super) len: u8,
    pub(super) overrun: Overrun,
    /// These, and after them the cells of caps on what is held: those that give an amount.
    pub(super) amounts: u8,
    /// All cells: after those, the ones of caps on holds.
    pub(super) all: u8,
    /// Whether a limit is cut by windows.
    pub(super) cut: bool,
    // Places past the length are zero, so that derived equality is that of the cells.
    pub(super) cells: [u32; PATH_CELLS_MAX],
}

impl Path {
    /// The strictest of its accounts' overruns: what a settlement above its hold may book.
    #[must_use]
    pub fn overrun(&self) -> Overrun {
        self.overrun
    }

    /// Whether a limit on it is cut by windows.
    pub(crate) fn is_cut(&self) -> bool {
        self.cut
    }

    #[inline]
    pub(super) fn cells(&self) -> &[u32] {
        self.cells.get(..usize::from(self.len)).unwrap_or_default()
    }

    /// The cells of caps on what is held.
    pub(super) fn held_cells(&self) -> &[u32] {
        self.cells.get(self.len.into()..self.amounts.into()).unwrap_or_default()
    }

    /// The cells of caps on holds.
    pub(super) fn holds_cells(&self) -> &[u32] {
        self.cells.get(self.amounts.into()..self.all.into()).unwrap_or_default()
    }

    /// The cells that give an amount.
    pub(super) fn amount_cells(&self) -> &[u32] {
        self.cells.get(..self.amounts.into()).unwrap_or_default()
    }

    /// All cells: those that give an amount, then those that give 1.
    #[inline]
    pub(super) fn all(&self) -> &[u32] {
        self.cells.get(..self.all.into()).unwrap_or_default()
    }

    pub(super) const EMPTY: Self =
        Self { len: 0, overrun: Overrun::Debt, amounts: 0, all: 0, cut: false, cells: [0; PATH_CELLS_MAX] };

    /// Adds the cell of a limit, unless the path has it already; `false` if there is no place for it.
    pub(super) fn add(&mut self, cell: u32, overrun: Overrun) -> bool {
        self.overrun = self.overrun.strictest(overrun);
        if self.cells().contains(&cell) {
            return true;
        }
        let added = self.put(cell);
        // OK because no count is above `PATH_CELLS_MAX`, here and below. Caps come after all limits.
        self.len = self.len.saturating_add(added.into());
        self.amounts = self.len;
        added
    }

    /// Adds the cell of a cap on what is held, once all limits are there.
    fn add_held(&mut self, cell: u32) -> bool {
        let added = self.put(cell);
        self.amounts = self.amounts.saturating_add(added.into());
        added
    }

    /// Adds the cell of a cap on holds, once all others are there.
    fn add_holds(&mut self, cell: u32) -> bool {
        self.put(cell)
    }

    /// Puts a cell behind all others.
    fn put(&mut self, cell: u32) -> bool {
        let Some(place) = self.cells.get_mut(usize::from(self.all)) else { return false };
        *place = cell;
        self.all = self.all.saturating_add(1);
        true
    }
}

impl Engine {
    /// The path of a reservation at these accounts and all above them.
    ///
    /// # Errors
    /// None or more than 4 are named, one twice, one is unknown or closed, or the path has more than 24 cells.
    pub fn path(&self, accounts: &[AccountId]) -> Result<Path, PathError> {
        self.path_on_stripe(accounts, 0)
    }

    /// As [`path`](Self::path): of a striped account, it has the stripe of that number, or of what is left of it after
    /// division by how many there are. Each thread, say, by its own number.
    ///
    /// # Errors
    /// As there.
    pub fn path_on_stripe(&self, accounts: &[AccountId], stripe: usize) -> Result<Path, PathError> {
        if accounts.is_empty() {
            return Err(PathError::Empty);
        }
        if accounts.len() > PATH_ACCOUNTS_MAX {
            return Err(PathError::TooManyAccounts { seen: accounts.len() });
        }
        let mut path = Path::EMPTY;
        for (place, &account) in accounts.iter().enumerate() {
            if accounts.iter().take(place).any(|&earlier| earlier == account) {
                return Err(PathError::Repeated { account });
            }
            self.add_with_ancestors(&mut path, account, stripe)?;
        }
        self.add_caps(&mut path)?;
        let closed =
            |&cell: &u32| self.owner(cell).filter(|(_, entry)| entry.state() == AccountState::Closed);
        match path.cells().iter().find_map(closed) {
            Some((account, _)) => Err(PathError::Closed { account }),
            None => Ok(path),
        }
    }

    fn add_with_ancestors(&self, path: &mut Path, named: AccountId, stripe: usize) -> Result<(), PathError> {
        let mut next = Some(named);
        for _ in 0..DEPTH_MAX {
            let Some(account) = next else { break };
            let entry = self.entry(account).ok_or(PathError::Unknown { account })?;
            next = entry.parent();
            // Who is on the path already has all above on it; its current windows may have become others since.
            if self.cells_of(path.cells()).any(|cell| cell.account() == account) {
                break;
            }
            for cell in entry.current_on(stripe) {
                if !path.add(cell, entry.terms.overrun) {
                    return Err(PathError::TooManyCells);
                }
                path.cut |= self.cells.get(cell).is_some_and(Cell::is_cut);
            }
        }
        Ok(())
    }

    /// Adds the caps of all accounts on the path.
    pub(super) fn add_caps(&self, path: &mut Path) -> Result<(), PathError> {
        let limits = *path;
        let owners = || limits.cells().iter().filter_map(|cell| self.first_of(*cell));
        for cell in owners().filter_map(|entry| entry.held) {
            path.add_held(cell).then_some(()).ok_or(PathError::TooManyCells)?;
        }
        for cell in owners().filter_map(|entry| entry.holds) {
            path.add_holds(cell).then_some(()).ok_or(PathError::TooManyCells)?;
        }
        Ok(())
    }

    /// The account of a cell, if it is one of its first limit.
    fn first_of(&self, cell: u32) -> Option<&Entry> {
        let first = self.cells.get(cell)?.kind()?.bound == Bound::Limit(0);
        self.owner(cell).filter(|_| first).map(|(_, entry)| entry)
    }

    /// The accounts on a path, in its order; none for cells of another engine that this one does not have.
    pub fn accounts_on<'a>(&'a self, path: &'a Path) -> impl Iterator<Item = AccountId> + 'a {
        let first = |cell: &u32| self.first_of(*cell).is_some();
        path.cells()
            .iter()
            .filter(move |cell| first(cell))
            .filter_map(|&cell| self.cells.get(cell))
            .map(Cell::account)
    }

    /// The most that a reservation on the path could take, and the account that sets it.
    ///
    /// # Errors
    /// An account on it is closed or closing, a window of it has ended, or it was made by another engine.
    pub fn payable(&self, path: &Path) -> Result<Estimate<Payable>, PathError> {
        self.least(path, |_| i64::MAX).map(Estimate)
    }

    /// The least that a cell of a limit, or a cap on what is held, has; it counts as no more than the room at its place.
    pub(super) fn least(&self, path: &Path, room: impl Fn(usize) -> i64) -> Result<Payable, PathError> {
        let mut least: Option<Payable> = None;
        for (place, &index) in path.amount_cells().iter().enumerate() {
            let (account, entry) = self.owner(index).ok_or(PathError::Foreign)?;
            let cell = self.cells.get(index).ok_or(PathError::Foreign)?;
            let bound = cell.kind().ok_or(PathError::Foreign)?.bound;
            let available_micros = match cell.available() {
                CLOSED => {
                    // Looked at again: what was seen of the cell before may have been before its window ended.
                    let ended = cell.kind().is_some_and(|kind| kind.ended);
                    return Err(match entry.state() {
                        AccountState::Open if ended => PathError::WindowEnded { account },
                        _ => PathError::Closed { account },
                    });
                }
                _ if cell.is_striped() => match self.pool(entry).available_micros {
                    // Another stripe has closed already.
                    ..0 => return Err(PathError::Closed { account }),
                    available_micros => available_micros,
                },
                available_micros => available_micros,
            };
            let available_micros = available_micros.min(room(place));
            if least.is_none_or(|least| available_micros < least.available_micros) {
                least = Some(Payable { available_micros, binding: Binding { account, bound } });
            }
        }
        least.ok_or(PathError::Empty)
    }

    /// The earliest account on the path at which as many holds are open as may be.
    #[must_use]
    pub fn full(&self, path: &Path) -> Estimate<Option<Binding>> {
        let full = |cell: &&Cell| cell.available() <= 0;
        let cell = self.cells_of(path.holds_cells()).find(full);
        Estimate(cell.map(|cell| Binding { account: cell.account(), bound: Bound::Holds }))
    }
}

/// What a path can pay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Payable {
    /// The least that an account on the path has available; below zero in debt.
    pub available_micros: i64,
    /// What has it; of several, the earliest on the path.
    pub binding: Binding,
}

/// Why accounts make no path, or a path is of no use any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PathError {
    /// No account was named.
    Empty,
    /// More accounts were named than one reservation can.
    TooManyAccounts {
        /// How many.
        seen: usize,
    },
    /// An account was named twice.
    Repeated {
        /// Which one.
        account: AccountId,
    },
    /// There is no account with that handle.
    Unknown {
        /// The handle.
        account: AccountId,
    },
    /// An account on the path is closed.
    Closed {
        /// The earliest such on the path.
        account: AccountId,
    },
    /// The limits and caps of the accounts named and of all above them are more than a path has cells.
    TooManyCells,
    /// The path was made by another engine.
    Foreign,
    /// A window of the path has ended: the path is made anew.
    WindowEnded {
        /// Whose it was.
        account: AccountId,
    },
}

impl PathError {
    /// The refusal's code; frozen. SEMANTICS 20.
    #[must_use]
    pub const fn code(&self) -> u16 {
        match self {
            Self::Empty => 100,
            Self::TooManyAccounts { .. } => 101,
            Self::Repeated { .. } => 102,
            Self::Unknown { .. } => 103,
            Self::Closed { .. } => 104,
            Self::TooManyCells => 105,
            Self::Foreign => 106,
            Self::WindowEnded { .. } => 107,
        }
    }

    /// Whether the same call can succeed, and when.
    #[must_use]
    pub const fn retry(&self) -> Retry {
        match self {
            Self::Empty
            | Self::TooManyAccounts { .. }
            | Self::Repeated { .. }
            | Self::Unknown { .. }
            | Self::Closed { .. }
            | Self::TooManyCells
            | Self::Foreign
            | Self::WindowEnded { .. } => Retry::Never,
        }
    }
}

impl fmt::Display for PathError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => write!(f, "no account is named; a path has 1 to {PATH_ACCOUNTS_MAX}"),
            Self::TooManyAccounts { seen } => {
                write!(f, "{seen} accounts are named; the limit is {PATH_ACCOUNTS_MAX}")
            }
            Self::Repeated { account } => write!(f, "account {account} is named twice"),
            Self::Unknown { account } => write!(f, "there is no account {account}"),
            Self::Closed { account } => write!(f, "account {account} is closed"),
            Self::Foreign => write!(f, "the path was made by another engine"),
            Self::TooManyCells => {
                write!(
                    f,
                    "the limits and caps of the accounts named and of those above them are more than {PATH_CELLS_MAX} cells"
                )
            }
            Self::WindowEnded { account } => {
                write!(f, "a window of account {account} has ended; make the path again")
            }
        }
    }
}

impl core::error::Error for PathError {}
