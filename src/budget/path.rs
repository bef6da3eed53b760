//! The accounts that one reservation holds at: those named and all above them, each once.

use core::fmt;

use super::account::Overrun;
use crate::id::AccountId;
use crate::limits::{PATH_ACCOUNTS_MAX, PATH_CELLS_MAX};

/// The cells that one reservation holds at: plain data, made once by [`Engine::path`](super::Engine::path) and used
/// as often as wanted, in the engine that made it.
///
/// In order: each named account in the order given, followed by its ancestors up to its root; each cell stands
/// where it first appears.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Path {
    // Places past the length are zero, so that derived equality is that of the cells.
    pub(super) cells: [u32; PATH_CELLS_MAX],
    pub(super) len: u8,
    pub(super) overrun: Overrun,
}

impl Path {
    /// The strictest of its accounts' overruns: what a settlement above its hold may book.
    #[must_use]
    pub fn overrun(&self) -> Overrun {
        self.overrun
    }
}

/// What a path can pay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Payable {
    /// The least that an account on the path has available; below zero in debt.
    pub available_micros: i64,
    /// The account that has it; of several, the earliest on the path.
    pub binding: AccountId,
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
    /// The accounts named and all above them are more than the limit.
    TooManyCells,
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
            Self::TooManyCells => {
                write!(f, "the accounts named and those above them are more than {PATH_CELLS_MAX}")
            }
        }
    }
}

impl core::error::Error for PathError {}
