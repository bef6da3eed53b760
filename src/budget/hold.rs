//! What a hold is, how it ends, and why one was not given, changed or ended.

use core::fmt;

use super::path::Path;
use crate::caps::Binding;
use crate::id::AccountId;
use crate::num::Amount;
use crate::retry::Retry;

/// The handle of one hold: plain data, given by [`Engine::reserve`](super::Engine::reserve) alone.
///
/// It names a slot and one of its generations. Once the hold has ended, however it ended, every use of the handle
/// says so, for good. It belongs to the engine that gave it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[must_use = "the money stays held until the hold is committed, released or expired"]
pub struct Hold {
    pub(super) slot: u32,
    pub(super) generation: u64,
}

impl Hold {
    /// The slot's number, below the most holds that may be open: low numbers are used again first, so that a table
    /// that grows can be kept by it. It is below 16 more than the most holds that were ever open or being taken at
    /// once, but for calls that met at every free list.
    #[must_use]
    pub fn slot(self) -> u32 {
        self.slot
    }
}

/// Whether a hold still keeps its money.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HoldState {
    /// It does.
    Open,
    /// It has given it back, and waits to be settled late, released or forgotten.
    Expired,
}

/// A hold that has not ended, as read at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HoldReading {
    /// What it keeps at every cell of its path, or kept until it expired.
    pub amount: Amount,
    /// Whether it still does.
    pub state: HoldState,
    /// The cells that it was taken from.
    pub path: Path,
}

/// How a hold, or a part of it, was committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "says what could not be booked"]
pub enum Settlement {
    /// From an open hold: `held + booked_extra` is committed at every cell of the path when `actual` is above
    /// `held`, and `actual` otherwise, the rest being available again. Of a part, `held` is what the hold had for
    /// it, and so there is no rest.
    Committed {
        /// What was held.
        held: Amount,
        /// What was spent.
        actual: Amount,
        /// What was taken above the hold, at every cell.
        booked_extra: Amount,
        /// What was spent and is not booked, at every cell.
        unfunded: Amount,
    },
    /// From a hold that had expired: nothing is booked, and all of `actual` is unfunded at every cell.
    Late {
        /// What was held until it expired.
        held: Amount,
        /// What was spent.
        actual: Amount,
    },
}

impl Settlement {
    /// What is booked at every cell of the path.
    #[must_use]
    pub fn booked_micros(self) -> u64 {
        match self {
            // OK because both are at most `i64::MAX`: the sum is below `u64::MAX`.
            Self::Committed { held, actual, booked_extra, .. } => {
                held.min(actual).micros().saturating_add(booked_extra.micros())
            }
            Self::Late { .. } => 0,
        }
    }

    /// What was spent and is not booked, at every cell of the path.
    #[must_use]
    pub fn unfunded(self) -> Amount {
        match self {
            Self::Committed { unfunded, .. } => unfunded,
            Self::Late { actual, .. } => actual,
        }
    }
}

/// How a hold was released.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Release {
    /// From an open hold: its money is available again.
    Returned {
        /// What was held.
        held: Amount,
    },
    /// From a hold that had expired: its money was available already.
    Expired {
        /// What was held until it expired.
        held: Amount,
    },
}

/// Why nothing was reserved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReserveError {
    /// An account on the path has less than the amount.
    Insufficient {
        /// What has the least; of several, the earliest on the path. A full cap on holds comes before all.
        binding: Binding,
        /// What it has.
        available_micros: i64,
    },
    /// An account on the path is closed.
    Closed {
        /// The earliest such on the path.
        account: AccountId,
    },
    /// Too little was available while others were trying, and they kept trying; it may be tried again.
    Contended,
    /// A window of the path has ended: the path is made anew.
    WindowEnded {
        /// Whose it was.
        account: AccountId,
    },
    /// As many holds are open as may be.
    HoldsFull {
        /// The most that may be open.
        max: u32,
    },
    /// The path was not made by this engine.
    ForeignPath,
}

impl ReserveError {
    /// The refusal's code; frozen. SEMANTICS 20.
    #[must_use]
    pub const fn code(&self) -> u16 {
        match self {
            Self::Insufficient { .. } => 130,
            Self::Closed { .. } => 131,
            Self::Contended => 132,
            Self::HoldsFull { .. } => 133,
            Self::ForeignPath => 134,
            Self::WindowEnded { .. } => 135,
        }
    }

    /// Whether the same call can succeed, and when.
    #[must_use]
    pub const fn retry(&self) -> Retry {
        match self {
            Self::Insufficient { .. } | Self::HoldsFull { .. } => Retry::Later,
            Self::Contended => Retry::AtOnce,
            Self::Closed { .. } | Self::WindowEnded { .. } | Self::ForeignPath => Retry::Never,
        }
    }
}

impl fmt::Display for ReserveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Insufficient { binding, available_micros } => {
                write!(f, "account {binding} has only {available_micros} µ available")
            }
            Self::Closed { account } => write!(f, "account {account} is closed"),
            Self::WindowEnded { account } => {
                write!(f, "a window of account {account} has ended; make the path again")
            }
            Self::Contended => write!(f, "contended: too many attempts at once; try again"),
            Self::HoldsFull { max } => write!(f, "there are {max} open holds, the most that there may be"),
            Self::ForeignPath => write!(f, "the path was made by another engine"),
        }
    }
}

impl core::error::Error for ReserveError {}

/// Why a hold was not extended; it is as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExtendError {
    /// An account on the hold's path has less than the amount.
    Insufficient {
        /// What has the least; of several, the earliest on the path. A full cap on holds comes before all.
        binding: Binding,
        /// What it has.
        available_micros: i64,
    },
    /// The hold would be above [`Amount::MAX`].
    AboveMaximum {
        /// What it holds.
        held: Amount,
        /// What was to be added.
        more: Amount,
    },
    /// The hold has expired: its money is available again.
    Expired,
    /// The hold has ended.
    AlreadySettled,
    /// Another call had the hold, or others were trying at its accounts, and kept at it; it may be tried again.
    Contended,
}

impl ExtendError {
    /// The refusal's code; frozen. SEMANTICS 20.
    #[must_use]
    pub const fn code(&self) -> u16 {
        match self {
            Self::Insufficient { .. } => 140,
            Self::AboveMaximum { .. } => 141,
            Self::Expired => 142,
            Self::AlreadySettled => 143,
            Self::Contended => 144,
        }
    }

    /// Whether the same call can succeed, and when.
    #[must_use]
    pub const fn retry(&self) -> Retry {
        match self {
            Self::Insufficient { .. } => Retry::Later,
            Self::Contended => Retry::AtOnce,
            Self::AboveMaximum { .. } | Self::Expired | Self::AlreadySettled => Retry::Never,
        }
    }
}

impl fmt::Display for ExtendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Insufficient { binding, available_micros } => {
                write!(f, "account {binding} has only {available_micros} µ available")
            }
            Self::AboveMaximum { held, more } => {
                write!(f, "a hold of {held} extended by {more} passes the limit of {}", Amount::MAX)
            }
            Self::Expired => write!(f, "the hold has expired"),
            Self::AlreadySettled => write!(f, "the hold has ended"),
            Self::Contended => write!(f, "contended: too many attempts at once; try again"),
        }
    }
}

impl core::error::Error for ExtendError {}

/// Why a hold was not ended or expired by this call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SettleError {
    /// The hold has ended: committed, released or forgotten, by another call.
    AlreadySettled,
    /// The hold has expired already, and was to expire or to be committed in part.
    AlreadyExpired,
    /// The hold is open, and only one that has expired can be forgotten.
    StillOpen,
    /// Another call had the hold, and kept it; it may be tried again.
    Contended,
}

impl SettleError {
    /// The refusal's code; frozen. SEMANTICS 20.
    #[must_use]
    pub const fn code(&self) -> u16 {
        match self {
            Self::AlreadySettled => 150,
            Self::AlreadyExpired => 151,
            Self::StillOpen => 152,
            Self::Contended => 153,
        }
    }

    /// Whether the same call can succeed, and when.
    #[must_use]
    pub const fn retry(&self) -> Retry {
        match self {
            Self::StillOpen => Retry::Later,
            Self::Contended => Retry::AtOnce,
            Self::AlreadySettled | Self::AlreadyExpired => Retry::Never,
        }
    }
}

impl fmt::Display for SettleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AlreadySettled => "the hold has ended",
            Self::AlreadyExpired => "the hold has expired already",
            Self::StillOpen => "the hold is open; only an expired one can be forgotten",
            Self::Contended => "contended: another call has the hold; try again",
        })
    }
}

impl core::error::Error for SettleError {}
