//! What an account is, what can be read of it, and why one cannot be opened, granted to or closed.

use core::fmt;

use crate::caps::Caps;
use crate::id::{AccountId, Name};
use crate::limits::{DEPTH_MAX, STRIPES_MAX};
use crate::num::Amount;
use crate::overrun::Overrun;
use crate::retry::Retry;
use crate::window::Span;

/// What an account is opened with; it keeps these for life, but that it may be put below another parent.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AccountTerms {
    /// Its name, unique in an engine.
    pub name: Name,
    /// The account above it, or `None` for a root. What it holds, its parent holds too.
    pub parent: Option<AccountId>,
    /// What a settlement above its hold may book.
    pub overrun: Overrun,
    /// Its limits and their windows, its throttles (which the controller counts), and caps on what it holds at once.
    pub caps: Caps,
}

impl AccountTerms {
    /// A root with one limit for its life, of which nothing above a hold is booked.
    #[must_use]
    pub fn new(name: Name) -> Self {
        Self { name, parent: None, overrun: Overrun::default(), caps: Caps::default() }
    }
}

/// Whether an account still admits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum AccountState {
    /// It does.
    #[default]
    Open,
    /// It admits nothing any more, takes no grants and cannot be opened again.
    Closed,
}

/// One limit of an account as read while others may work on it, in its current window.
///
/// `granted = available + reserved + committed + lapsed` holds in every reading, and `reserved` is never below
/// the sum of the holds that were open before the reading began and are still open when it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AccountReading {
    /// What has been granted, less what was taken back, carried over and lent.
    pub granted_micros: i64,
    /// What a reservation can take; below zero in debt.
    pub available_micros: i64,
    /// What open holds keep, and what attempts and settlements under way have in hand.
    pub reserved_micros: u64,
    /// What has been spent and booked.
    pub committed_micros: u64,
    /// What was unspent when a window closed.
    pub lapsed_micros: u64,
    /// What was spent and could not be booked; stays at `u64::MAX` once there.
    pub unfunded_micros: u64,
    /// Whether it still admits.
    pub state: AccountState,
    /// The window.
    pub span: Span,
}

/// The counters of one cell, as a restart brings them back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CellCounters {
    /// What has been granted, less what was taken back, carried over and lent.
    pub granted_micros: i64,
    /// What a reservation can take; below zero in debt, never `i64::MIN`. Of a window that has ended, 0, or below that
    /// what it owes.
    pub available_micros: i64,
    /// What has been spent and booked.
    pub committed_micros: u64,
    /// What was unspent when a window closed.
    pub lapsed_micros: u64,
    /// What was spent and could not be booked.
    pub unfunded_micros: u64,
}

/// Why an account was not opened, found or closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AccountError {
    /// The name belongs to an account with another parent, another overrun or other caps.
    TermsDiffer {
        /// The account of that name.
        account: AccountId,
    },
    /// The account is closed.
    Closed {
        /// Which one.
        account: AccountId,
    },
    /// There is no account with that handle.
    Unknown {
        /// The handle.
        account: AccountId,
    },
    /// The account has no such limit.
    Limit {
        /// Which account.
        account: AccountId,
        /// Which limit.
        limit: u8,
    },
    /// The windows of the limit end by themselves.
    NotGiven {
        /// Which account.
        account: AccountId,
        /// Which limit.
        limit: u8,
    },
    /// The current window of the limit began at the last instant: none can follow it.
    LastInstant {
        /// Which account.
        account: AccountId,
        /// Which limit.
        limit: u8,
    },
    /// The account cannot be laid out in so many stripes.
    Stripes {
        /// Which account.
        account: AccountId,
        /// How many there were to be.
        stripes: u8,
    },
    /// The account is below that parent already.
    SameParent {
        /// Which account.
        account: AccountId,
    },
    /// The account would be below itself.
    BelowItself {
        /// Which account.
        account: AccountId,
    },
    /// The account would be deeper in its tree than the limit.
    TooDeep {
        /// The parent, already at the deepest level.
        parent: AccountId,
    },
    /// The engine has as many accounts as it may have.
    AccountsFull {
        /// The most it may have.
        max: u32,
    },
    /// The account cannot close: money of it is held, or a hold of nothing is open.
    HoldsOpen {
        /// Which one.
        account: AccountId,
        /// What is held.
        reserved_micros: u64,
    },
    /// The account cannot close: accounts below it are open.
    ChildrenOpen {
        /// Which one.
        account: AccountId,
        /// How many are open directly below it.
        children: u32,
    },
}

impl AccountError {
    /// The refusal's code; frozen. SEMANTICS 20.
    #[must_use]
    pub const fn code(&self) -> u16 {
        match self {
            Self::TermsDiffer { .. } => 110,
            Self::Closed { .. } => 111,
            Self::Unknown { .. } => 112,
            Self::TooDeep { .. } => 113,
            Self::AccountsFull { .. } => 114,
            Self::HoldsOpen { .. } => 115,
            Self::ChildrenOpen { .. } => 116,
            Self::Limit { .. } => 117,
            Self::NotGiven { .. } => 118,
            Self::SameParent { .. } => 119,
            Self::BelowItself { .. } => 126,
            Self::Stripes { .. } => 127,
            Self::LastInstant { .. } => 128,
        }
    }

    /// Whether the same call can succeed, and when.
    #[must_use]
    pub const fn retry(&self) -> Retry {
        match self {
            Self::HoldsOpen { .. } | Self::ChildrenOpen { .. } => Retry::Later,
            Self::TermsDiffer { .. }
            | Self::Closed { .. }
            | Self::Unknown { .. }
            | Self::TooDeep { .. }
            | Self::AccountsFull { .. }
            | Self::Limit { .. }
            | Self::NotGiven { .. }
            | Self::LastInstant { .. }
            | Self::Stripes { .. }
            | Self::SameParent { .. }
            | Self::BelowItself { .. } => Retry::Never,
        }
    }
}

impl fmt::Display for AccountError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TermsDiffer { account } => {
                write!(f, "account {account} has that name and other terms; terms are kept for life")
            }
            Self::Closed { account } => write!(f, "account {account} is closed"),
            Self::Unknown { account } => write!(f, "there is no account {account}"),
            Self::Limit { account, limit } => write!(f, "account {account} has no limit {limit}"),
            Self::NotGiven { account, limit } => {
                write!(f, "the windows of limit {limit} of account {account} end by themselves")
            }
            Self::LastInstant { account, limit } => write!(
                f,
                "the current window of limit {limit} of account {account} began at the last instant; none can follow it"
            ),
            Self::Stripes { account, stripes } => {
                write!(
                    f,
                    "account {account} cannot have {stripes} stripes: an account with one limit for life that may \
                     not go into debt can be given 2 to {STRIPES_MAX}, once"
                )
            }
            Self::SameParent { account } => write!(f, "account {account} is below that parent already"),
            Self::BelowItself { account } => write!(f, "account {account} would be below itself"),
            Self::TooDeep { parent } => {
                write!(f, "account {parent} is at level {DEPTH_MAX}, the deepest; none can be below it")
            }
            Self::AccountsFull { max } => write!(f, "there are {max} accounts, the most that there may be"),
            Self::HoldsOpen { account, reserved_micros } => {
                write!(
                    f,
                    "account {account} has open holds of {reserved_micros} µ; it closes when there are none"
                )
            }
            Self::ChildrenOpen { account, children } => {
                write!(
                    f,
                    "account {account} has {children} open accounts below it; it closes when there are none"
                )
            }
        }
    }
}

impl core::error::Error for AccountError {}

/// Why a grant changed nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum GrantError {
    /// There is no account with that handle.
    Unknown {
        /// The handle.
        account: AccountId,
    },
    /// The account is closed.
    Closed {
        /// Which one.
        account: AccountId,
    },
    /// The account has no such limit.
    Limit {
        /// Which account.
        account: AccountId,
        /// Which limit.
        limit: u8,
    },
    /// What is granted would pass [`Amount::MAX`].
    AboveMaximum {
        /// What is granted already.
        granted_micros: i64,
        /// What was to be added.
        delta_micros: i64,
    },
    /// More was to be taken back than is available.
    AboveAvailable {
        /// What is available.
        available_micros: i64,
        /// What was to be added, below zero.
        delta_micros: i64,
    },
    /// Too little was available while others were trying, and they kept trying; it may be tried again.
    Contended,
}

impl GrantError {
    /// The refusal's code; frozen. SEMANTICS 20.
    #[must_use]
    pub const fn code(&self) -> u16 {
        match self {
            Self::Unknown { .. } => 120,
            Self::Closed { .. } => 121,
            Self::AboveMaximum { .. } => 122,
            Self::AboveAvailable { .. } => 123,
            Self::Contended => 124,
            Self::Limit { .. } => 125,
        }
    }

    /// Whether the same call can succeed, and when.
    #[must_use]
    pub const fn retry(&self) -> Retry {
        match self {
            Self::AboveMaximum { .. } | Self::AboveAvailable { .. } => Retry::Later,
            Self::Contended => Retry::AtOnce,
            Self::Unknown { .. } | Self::Closed { .. } | Self::Limit { .. } => Retry::Never,
        }
    }
}

impl fmt::Display for GrantError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown { account } => write!(f, "there is no account {account}"),
            Self::Closed { account } => write!(f, "account {account} is closed"),
            Self::Limit { account, limit } => write!(f, "account {account} has no limit {limit}"),
            Self::AboveMaximum { granted_micros, delta_micros } => {
                write!(
                    f,
                    "a grant of {delta_micros} µ on top of {granted_micros} µ passes the limit of {}",
                    Amount::MAX
                )
            }
            Self::AboveAvailable { available_micros, delta_micros } => {
                write!(f, "a grant of {delta_micros} µ takes more than the {available_micros} µ available")
            }
            Self::Contended => write!(f, "contended: too many attempts at once; try again"),
        }
    }
}

impl core::error::Error for GrantError {}
