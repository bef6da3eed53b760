//! Faults: calls that changed nothing and left no record, and the one whose outcome is not known.

use core::fmt;

use crate::{
    budget::{AccountError, GrantError, PathError},
    id::{AccountId, CandidateId, LogId, OperationId, Sequence},
    kernel::RequestError,
    num::{Amount, Timestamp, TooLarge},
    retry::Retry,
    wal::AppendError,
};

/// Why a call was not carried out.
///
/// Nothing was applied and nothing recorded, but for [`Fault::Unknown`] and [`Fault::DriverEnded`]. Codes are frozen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The request does not fit the policy's schema, or states too little.
    Malformed(RequestError),
    /// The accounts named are no path.
    Path(PathError),
    /// The deadline is not after the effective time.
    DeadlinePast {
        /// What was asked for.
        deadline: Timestamp,
        /// The effective time of the call.
        effective: Timestamp,
    },
    /// The operation's id was used for another operation.
    IdReused {
        /// The id.
        id: OperationId,
    },
    /// The operation was issued longer ago than ids are remembered.
    Stale {
        /// When it was issued.
        issued: Timestamp,
        /// The oldest issue time that is taken now.
        oldest: Timestamp,
    },
    /// A time lies further ahead of the log's than the configured jump.
    ClockJump {
        /// The time given.
        seen: Timestamp,
        /// The latest that is taken now.
        latest: Timestamp,
    },
    /// The hold has ended, or never was.
    SettledAlready {
        /// Its name.
        hold: Sequence,
    },
    /// The hold has expired: it can be neither extended nor rerouted, nor committed in part.
    Expired {
        /// Its name.
        hold: Sequence,
    },
    /// The quantities observed have no price under the policy and candidate, or none that can be booked.
    Unpriced {
        /// The candidate that served.
        candidate: CandidateId,
    },
    /// A hold would pass the largest amount.
    AboveMaximum {
        /// What is held.
        held: Amount,
        /// What was to be added.
        more: Amount,
    },
    /// The permit is of another log.
    ForeignPermit {
        /// The log that it is of.
        log: LogId,
    },
    /// Less is stated as spent than the hold's part commits have stated.
    SpentBelow {
        /// What they have stated.
        spent: Amount,
        /// What the call comes to.
        seen: Amount,
    },
    /// The hold is not remembered as one that was committed: it never was, or too long ago.
    NotAdjustable {
        /// Its name.
        hold: Sequence,
    },
    /// There is no such record yet.
    NoRecord {
        /// The last record there is.
        head: Sequence,
    },
    /// The log's queue has no room; the host drives the log or waits.
    QueueFull,
    /// The table of operations is full; ids are forgotten by time alone.
    OperationsFull {
        /// The most that it holds.
        max: u32,
    },
    /// There are too many open holds.
    HoldsFull {
        /// The most that there may be.
        max: u32,
    },
    /// A record would pass what the log's queue, or one record, can hold.
    TooLarge {
        /// Its bytes.
        seen: usize,
        /// The most that there may be.
        max: usize,
    },
    /// Too many attempts at once. No call of this version ends so, since one section orders them all.
    Contended,
    /// The account cannot be opened or closed so.
    Account(AccountError),
    /// The grant cannot be made.
    Grant {
        /// To which account.
        account: AccountId,
        /// Why.
        error: GrantError,
    },
    /// The policy in force has no such candidate.
    UnknownCandidate {
        /// The candidate named.
        candidate: CandidateId,
    },
    /// A throttle counts a quantity that the policy's schema does not have.
    UnknownQuantity {
        /// Which throttle of the account.
        throttle: usize,
        /// How many quantities the schema has.
        quantities: usize,
    },
    /// Terms that remember more operations or settled holds than a checkpoint can carry.
    Operations(TooLarge),
    /// The log failed before this call, which did nothing; the controller must be opened again.
    Poisoned,
    /// The log failed during this call: after reopening, ask for the operation by its id.
    Unknown {
        /// The sequence that its record has if it is on disk.
        sequence: Sequence,
    },
    /// Of an `AsyncController`: no driver writes for those who await, or it was asked to end.
    NoDriver,
    /// Of an `AsyncController`: the call was carried out and its record is queued, and the
    /// driver ended before that was where it must be: whoever writes next writes it. Under an operation's name the call
    /// can be made again; without one it is not to be, but its record waited for.
    DriverEnded {
        /// The record.
        sequence: Sequence,
    },
    /// A bug in this library: the engine and the ledger disagree. Nothing is acknowledged any more; please report it.
    /// No call is known to end so.
    Broken,
}

/// Who or what a fault is about: where to look first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
pub enum FaultClass {
    /// The call itself: its request, accounts, times or amounts.
    Caller,
    /// What the call is about has been before: its operation or its hold.
    Operation,
    /// A table, a queue or a record has no room.
    Capacity,
    /// An account, a grant, a candidate or terms, as the host administers them.
    Administration,
    /// The log cannot be written.
    Storage,
    /// A bug in this library.
    Bug,
}

impl fmt::Display for FaultClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Caller => "caller",
            Self::Operation => "operation",
            Self::Capacity => "capacity",
            Self::Administration => "administration",
            Self::Storage => "storage",
            Self::Bug => "bug",
        })
    }
}

impl Fault {
    /// The fault's code; frozen.
    #[must_use]
    pub const fn code(&self) -> u16 {
        match self {
            Self::Malformed(_) => 1,
            Self::Path(_) => 2,
            Self::DeadlinePast { .. } => 3,
            Self::IdReused { .. } => 4,
            Self::Stale { .. } => 5,
            Self::ClockJump { .. } => 6,
            Self::SettledAlready { .. } => 7,
            Self::Expired { .. } => 8,
            Self::Unpriced { .. } => 9,
            Self::AboveMaximum { .. } => 10,
            Self::ForeignPermit { .. } => 11,
            Self::NoRecord { .. } => 12,
            Self::SpentBelow { .. } => 13,
            Self::NotAdjustable { .. } => 14,
            Self::QueueFull => 20,
            Self::OperationsFull { .. } => 21,
            Self::HoldsFull { .. } => 22,
            Self::TooLarge { .. } => 23,
            Self::Contended => 24,
            Self::Account(_) => 30,
            Self::Grant { .. } => 31,
            Self::UnknownCandidate { .. } => 32,
            Self::Operations(_) => 33,
            Self::UnknownQuantity { .. } => 34,
            Self::Poisoned => 40,
            Self::Unknown { .. } => 41,
            Self::NoDriver => 42,
            Self::DriverEnded { .. } => 43,
            Self::Broken => 50,
        }
    }

    /// Who or what it is about.
    #[must_use]
    pub const fn class(&self) -> FaultClass {
        match self {
            Self::Malformed(_)
            | Self::Path(_)
            | Self::DeadlinePast { .. }
            | Self::ClockJump { .. }
            | Self::Unpriced { .. }
            | Self::AboveMaximum { .. }
            | Self::ForeignPermit { .. }
            | Self::NoRecord { .. }
            | Self::SpentBelow { .. } => FaultClass::Caller,
            Self::IdReused { .. }
            | Self::Stale { .. }
            | Self::SettledAlready { .. }
            | Self::Expired { .. }
            | Self::NotAdjustable { .. } => FaultClass::Operation,
            Self::QueueFull
            | Self::OperationsFull { .. }
            | Self::HoldsFull { .. }
            | Self::TooLarge { .. }
            | Self::Contended => FaultClass::Capacity,
            Self::Account(_)
            | Self::Grant { .. }
            | Self::UnknownCandidate { .. }
            | Self::UnknownQuantity { .. }
            | Self::Operations(_) => FaultClass::Administration,
            Self::Poisoned | Self::Unknown { .. } | Self::NoDriver | Self::DriverEnded { .. } => {
                FaultClass::Storage
            }
            Self::Broken => FaultClass::Bug,
        }
    }

    /// Whether the same call can succeed, and when.
    #[must_use]
    pub const fn retry(&self) -> Retry {
        match self {
            Self::Path(error) => error.retry(),
            Self::Account(error) => error.retry(),
            Self::Grant { error, .. } => error.retry(),
            Self::NoRecord { .. }
            | Self::QueueFull
            | Self::OperationsFull { .. }
            | Self::HoldsFull { .. }
            | Self::NoDriver
            | Self::DriverEnded { .. } => Retry::Later,
            Self::Contended => Retry::AtOnce,
            Self::Poisoned | Self::Unknown { .. } | Self::Broken => Retry::AfterReopening,
            Self::Malformed(_)
            | Self::DeadlinePast { .. }
            | Self::IdReused { .. }
            | Self::Stale { .. }
            | Self::ClockJump { .. }
            | Self::SettledAlready { .. }
            | Self::Expired { .. }
            | Self::Unpriced { .. }
            | Self::AboveMaximum { .. }
            | Self::ForeignPermit { .. }
            | Self::SpentBelow { .. }
            | Self::NotAdjustable { .. }
            | Self::TooLarge { .. }
            | Self::UnknownCandidate { .. }
            | Self::UnknownQuantity { .. }
            | Self::Operations(_) => Retry::Never,
        }
    }
}

impl From<AppendError> for Fault {
    fn from(error: AppendError) -> Self {
        match error {
            AppendError::Full { .. } => Self::QueueFull,
            AppendError::TooLarge { seen, max } => Self::TooLarge { seen, max },
            AppendError::Poisoned(_) => Self::Poisoned,
            // Kinds and times are the controller's own.
            _ => Self::Broken,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(error) => write!(f, "malformed request: {error}"),
            Self::Path(error) => write!(f, "no path: {error}"),
            Self::DeadlinePast { deadline, effective } => {
                write!(f, "the deadline {} ns is not after the effective time {} ns", deadline.0, effective.0)
            }
            Self::IdReused { id } => write!(f, "operation {id} was another operation"),
            Self::Stale { issued, oldest } => {
                write!(f, "issued at {} ns; the oldest issue time taken is {} ns", issued.0, oldest.0)
            }
            Self::ClockJump { seen, latest } => {
                write!(f, "the time {} ns is ahead of the log; the latest taken is {} ns", seen.0, latest.0)
            }
            Self::SettledAlready { hold } => write!(f, "hold {hold} has ended"),
            Self::Expired { hold } => write!(f, "hold {hold} has expired"),
            Self::Unpriced { candidate } => {
                write!(f, "the quantities have no price at candidate {candidate} that fits {}", Amount::MAX)
            }
            Self::AboveMaximum { held, more } => {
                write!(f, "a hold of {held} extended by {more} passes the limit of {}", Amount::MAX)
            }
            Self::ForeignPermit { log } => write!(f, "the permit is of log {log}"),
            Self::SpentBelow { spent, seen } => {
                write!(f, "{seen} is stated as spent so far; part commits have stated {spent} already")
            }
            Self::NotAdjustable { hold } => write!(f, "hold {hold} is not remembered as committed"),
            Self::NoRecord { head } => write!(f, "there is no such record; the last is {head}"),
            Self::QueueFull => write!(f, "the log's queue is full; drive the log"),
            Self::OperationsFull { max } => {
                write!(f, "{max} operations are remembered, the most that may be")
            }
            Self::HoldsFull { max } => write!(f, "there are {max} open holds, the most that there may be"),
            Self::TooLarge { seen, max } => write!(f, "a record of {seen} bytes; the limit is {max}"),
            Self::Contended => write!(f, "contended: too many attempts at once; try again"),
            Self::Account(error) => error.fmt(f),
            Self::Grant { account, error } => write!(f, "grant to account {account}: {error}"),
            Self::UnknownCandidate { candidate } => {
                write!(f, "the policy in force has no candidate {candidate}")
            }
            Self::UnknownQuantity { throttle, quantities } => write!(
                f,
                "throttle {throttle} counts a quantity that the schema does not have; it has {quantities}"
            ),
            Self::Operations(error) => write!(f, "operations or settled holds remembered: {error}"),
            Self::Poisoned => write!(f, "the log failed earlier; open it again"),
            Self::Unknown { sequence } => {
                write!(f, "the log failed; record {sequence} may be on disk or not: open it again and ask")
            }
            Self::NoDriver => write!(f, "no driver writes for those who await"),
            Self::DriverEnded { sequence } => {
                write!(f, "the driver ended before record {sequence} was where it must be; it is queued")
            }
            Self::Broken => write!(f, "the engine and the ledger disagree: a bug, please report"),
        }
    }
}

impl core::error::Error for Fault {}
