//! What a record says that does not follow from the state before it.

use core::fmt;

use crate::caps::Binding;
use crate::crypto::Digest;
use crate::id::{AccountId, CandidateId, Epoch, OperationId, Sequence};
use crate::num::{Amount, MicroUnits, Timestamp};
use crate::policy::{PolicyError, SwapError};
use crate::record::{Halt, Kind, RecordError};

/// A record that the ledger does not apply; the ledger is as it was before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disagreement {
    /// The record.
    pub sequence: Sequence,
    /// Its kind.
    pub kind: Kind,
    /// What does not follow.
    pub mismatch: Mismatch,
}

impl fmt::Display for Disagreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "record {} ({}): {}", self.sequence, self.kind, self.mismatch)
    }
}

impl core::error::Error for Disagreement {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match &self.mismatch {
            Mismatch::Policy(error) => Some(error),
            Mismatch::Swap(error) => Some(error),
            _ => None,
        }
    }
}

/// What does not follow: what the state expects and what the record says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mismatch {
    /// The record does not have the next sequence.
    Sequence {
        /// The next one.
        expected: Sequence,
    },
    /// The effective time goes back. SEMANTICS 8.1.
    TimeBack {
        /// The log's time.
        log: Timestamp,
        /// The record's.
        seen: Timestamp,
    },
    /// The effective time is not the later of the caller's and the log's. SEMANTICS 8.1.
    Effective {
        /// The later of both.
        expected: Timestamp,
        /// The record's.
        seen: Timestamp,
    },
    /// The caller's time is too far above the log's. SEMANTICS 8.2.
    ClockJump {
        /// How far.
        seen_ns: u64,
        /// The most.
        max_ns: u64,
    },
    /// The ledger was not restored yet.
    Unrestored,
    /// A hold names a policy that is not kept. A bug: please report it.
    PolicyLost {
        /// The policy's epoch.
        epoch: Epoch,
    },

    /// An operation is recorded again within the horizon. SEMANTICS 11.2.
    OperationReused {
        /// Its id.
        id: OperationId,
        /// Its first record.
        first: Sequence,
    },
    /// An operation was issued before the horizon. SEMANTICS 11.2.
    OperationStale {
        /// When it was issued.
        issued: Timestamp,
        /// When it takes effect.
        effective: Timestamp,
    },
    /// An operation was issued too long after it takes effect. SEMANTICS 11.2.
    OperationAhead {
        /// When it was issued.
        issued: Timestamp,
        /// When it takes effect.
        effective: Timestamp,
    },
    /// As many operations are remembered as may be. SEMANTICS 11.3.
    OperationsFull {
        /// The most.
        max: u32,
    },

    /// The bytes of a policy are none.
    Policy(PolicyError),
    /// A policy does not follow the one in force. SEMANTICS 2.7.
    Swap(SwapError),
    /// A decision names another policy than the one in force.
    DecidedBy {
        /// The one in force.
        expected: (Epoch, Digest),
        /// The one named.
        seen: (Epoch, Digest),
    },
    /// The policy has no such candidate.
    CandidateUnknown {
        /// The candidate.
        candidate: CandidateId,
    },

    /// The record contradicts itself.
    Record(RecordError),
    /// What is halted decides otherwise. SEMANTICS 13.1.
    Halt {
        /// What is halted.
        halt: Halt,
        /// What the record says.
        seen: Halted,
    },
    /// The limit that a decision was made with is not what the path can pay. SEMANTICS 10.1.
    LimitApplied {
        /// The request's limit or what the path can pay, whichever is less.
        expected: MicroUnits,
        /// The one applied.
        seen: MicroUnits,
    },
    /// More is held than the path can pay. SEMANTICS 9.4.
    Unpayable {
        /// What is held.
        amount: Amount,
        /// What the path can pay.
        payable: Amount,
    },
    /// A budget denies what the path can pay. SEMANTICS 9.4.
    Payable {
        /// What was asked for.
        amount: Amount,
        /// What the path can pay.
        payable: Amount,
    },
    /// Another account has the least. SEMANTICS 9.4.
    Binding {
        /// What has it.
        expected: Binding,
        /// What is named.
        seen: Binding,
    },
    /// An account has as many open holds as may be. SEMANTICS 9.17.
    Full {
        /// The earliest such account.
        account: AccountId,
    },
    /// What does not pass a throttle is admitted, or what passes is denied, or another throttle is named.
    /// SEMANTICS 19.3.
    Throttle {
        /// The earliest throttle that it does not pass.
        expected: Option<(AccountId, u8)>,
        /// The one named.
        seen: Option<(AccountId, u8)>,
    },
    /// The account has no such limit, or no such window of it.
    LimitUnknown {
        /// The account.
        account: AccountId,
        /// The limit.
        limit: u8,
    },
    /// The windows of the limit end by themselves. SEMANTICS 18.2.
    NotGiven {
        /// The account.
        account: AccountId,
        /// The limit.
        limit: u8,
    },
    /// A throttle counts a quantity that the schema does not have. SEMANTICS 19.1.
    QuantityUnknown {
        /// Which throttle of the account.
        throttle: u8,
    },
    /// The account is below that parent already. SEMANTICS 9.18.
    SameParent {
        /// The account.
        account: AccountId,
    },
    /// The account would be below itself. SEMANTICS 9.18.
    BelowItself {
        /// The account.
        account: AccountId,
    },
    /// A deadline is not after the effective time, or an extension's is before the one it extends. SEMANTICS 8.3.
    Deadline {
        /// The earliest that can be.
        least: Timestamp,
        /// The record's.
        seen: Timestamp,
    },

    /// There is no such hold, it has ended, or its deadline lies more than the late window back.
    HoldUnknown {
        /// The hold.
        hold: Sequence,
    },
    /// There is no such settled hold, or it can no longer be adjusted. SEMANTICS 9.15.
    SettledUnknown {
        /// The hold.
        hold: Sequence,
    },
    /// The hold is due, or has expired.
    HoldExpired {
        /// The hold.
        hold: Sequence,
    },
    /// The hold is not due. SEMANTICS 8.3.
    HoldNotDue {
        /// The hold.
        hold: Sequence,
        /// When it is due.
        deadline: Timestamp,
    },
    /// A hold in time is settled as expired, or the other way round.
    SettledAs {
        /// The hold.
        hold: Sequence,
        /// When it is due.
        deadline: Timestamp,
    },
    /// Usage has no price under the policy and the candidate, or one above an amount's maximum. SEMANTICS 12.2.
    Unpriced {
        /// The candidate that served.
        candidate: CandidateId,
    },
    /// A settlement states less than the hold's part commits have. SEMANTICS 12.5.
    SpentBelow {
        /// The hold.
        hold: Sequence,
        /// What they stated.
        spent: Amount,
        /// What the record comes to.
        seen: Amount,
    },
    /// An amount of the outcome is another.
    Outcome {
        /// Which amount.
        field: Field,
        /// What follows from the state.
        expected: Amount,
        /// What the record says.
        seen: Amount,
    },

    /// There is no such account.
    AccountUnknown {
        /// The account.
        account: AccountId,
    },
    /// The account is closed.
    AccountClosed {
        /// The account.
        account: AccountId,
    },
    /// An account has that name already. SEMANTICS 9.13.
    NameTaken {
        /// The account.
        account: AccountId,
    },
    /// An account would be too deep below its root.
    TooDeep {
        /// The account above it.
        parent: AccountId,
    },
    /// As many accounts are open as may be.
    TooManyAccounts,
    /// A path has too many cells. SEMANTICS 9.3.
    PathTooLong,
    /// An account closes with open holds at its cell, which may be of 0. SEMANTICS 9.12.
    CloseHolds {
        /// The account.
        account: AccountId,
        /// How many.
        open: u64,
    },
    /// An account closes above an open one. SEMANTICS 9.12.
    CloseChildren {
        /// The account.
        account: AccountId,
        /// How many below it are open.
        open: u32,
    },
    /// A grant takes back more than is available, or gives more than an amount's maximum. SEMANTICS 9.10.
    Grant {
        /// The account.
        account: AccountId,
        /// The change.
        change_micros: i64,
        /// The change that could be at most, in the same direction.
        max_micros: i64,
    },

    /// A counter would leave its range.
    Overflow {
        /// The account.
        account: AccountId,
    },
    /// Money would not be conserved. I6.
    Conservation {
        /// The account.
        account: AccountId,
    },
    /// What a cell has reserved is not what its open holds hold. I6.
    Reserved {
        /// The account.
        account: AccountId,
        /// What the open holds hold.
        held_micros: u64,
        /// What is reserved.
        reserved_micros: u64,
    },
}

/// Whether a record says that it was denied for a halt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Halted {
    /// It was.
    Denied,
    /// It was not.
    NotDenied,
}

/// An amount of an outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// What was spent.
    Actual,
    /// What was booked above the hold.
    BookedExtra,
    /// What was spent and not booked.
    Unfunded,
    /// What an adjustment made available again.
    Refunded,
    /// What a release or a reroute gave back.
    GivenBack,
    /// What a hold holds after an extension or a part commit.
    Held,
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Actual => "actual amount",
            Self::BookedExtra => "booked extra",
            Self::Unfunded => "unfunded amount",
            Self::Refunded => "amount refunded",
            Self::GivenBack => "amount given back",
            Self::Held => "amount held",
        })
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sequence { expected } => write!(f, "sequence {expected} was expected"),
            Self::TimeBack { log, seen } => {
                write!(f, "effective time {} ns is before the log's, {} ns", seen.0, log.0)
            }
            Self::Effective { expected, seen } => {
                write!(f, "effective time {} ns; expected {} ns", seen.0, expected.0)
            }
            Self::ClockJump { seen_ns, max_ns } => {
                write!(f, "the caller's time is {seen_ns} ns ahead of the log's; at most {max_ns} ns")
            }
            Self::Unrestored => write!(f, "the ledger was not restored yet"),
            Self::PolicyLost { epoch } => {
                write!(f, "the policy of epoch {epoch} is lost; this is a bug, please report it")
            }
            Self::OperationReused { id, first } => {
                write!(f, "operation {id} is in record {first} already")
            }
            Self::OperationStale { issued, effective } => write!(
                f,
                "an operation issued at {} ns takes effect at {} ns, beyond the horizon",
                issued.0, effective.0
            ),
            Self::OperationAhead { issued, effective } => write!(
                f,
                "an operation issued at {} ns takes effect at {} ns, too long before",
                issued.0, effective.0
            ),
            Self::OperationsFull { max } => {
                write!(f, "{max} operations are remembered, the most that may be")
            }
            Self::Policy(_) => write!(f, "the policy's bytes are none"),
            Self::Swap(_) => write!(f, "the policy does not follow the one in force"),
            Self::DecidedBy { expected, seen } => write!(
                f,
                "decided by policy {} of epoch {}; policy {} of epoch {} is in force",
                seen.1, seen.0, expected.1, expected.0
            ),
            Self::CandidateUnknown { candidate } => {
                write!(f, "the policy in force has no candidate {candidate}")
            }
            Self::Record(error) => error.fmt(f),
            Self::Halt { halt, seen: Halted::Denied } => {
                write!(f, "denied for a halt while {halt} is halted")
            }
            Self::Halt { halt, seen: Halted::NotDenied } => {
                write!(f, "not denied for the halt while {halt} is halted")
            }
            Self::LimitApplied { expected, seen } => {
                write!(f, "decided with a limit of {seen}; expected {expected}")
            }
            Self::Unpayable { amount, payable } => {
                write!(f, "{amount} held; the path can pay {payable}")
            }
            Self::Payable { amount, payable } => {
                write!(f, "{amount} denied for a budget; the path can pay {payable}")
            }
            Self::Full { account } => write!(f, "account {account} has as many open holds as may be"),
            Self::Throttle { expected, seen } => {
                let tell = |throttle: &Option<(AccountId, u8)>, f: &mut fmt::Formatter<'_>| match throttle {
                    Some((account, throttle)) => write!(f, "throttle {throttle} of account {account}"),
                    None => write!(f, "no throttle"),
                };
                tell(seen, f)?;
                write!(f, " is said to deny; it is ")?;
                tell(expected, f)
            }
            Self::LimitUnknown { account, limit } => {
                write!(f, "account {account} has no limit {limit}, or no such window of it")
            }
            Self::NotGiven { account, limit } => {
                write!(f, "the windows of limit {limit} of account {account} end by themselves")
            }
            Self::QuantityUnknown { throttle } => {
                write!(f, "throttle {throttle} counts a quantity that the schema does not have")
            }
            Self::SameParent { account } => write!(f, "account {account} is below that parent already"),
            Self::BelowItself { account } => write!(f, "account {account} would be below itself"),
            Self::Binding { expected, seen } => {
                write!(f, "account {seen} is named as binding; account {expected} has the least")
            }
            Self::Deadline { least, seen } => {
                write!(f, "a deadline at {} ns; {} ns is the earliest", seen.0, least.0)
            }
            Self::HoldUnknown { hold } => write!(f, "hold {hold} is unknown or has ended"),
            Self::SettledUnknown { hold } => {
                write!(f, "hold {hold} is not remembered as settled")
            }
            Self::HoldExpired { hold } => write!(f, "hold {hold} has expired"),
            Self::HoldNotDue { hold, deadline } => {
                write!(f, "hold {hold} expires and is not due until {} ns", deadline.0)
            }
            Self::SettledAs { hold, deadline } => {
                write!(f, "hold {hold}, due at {} ns, is settled on the wrong side of that", deadline.0)
            }
            Self::Unpriced { candidate } => {
                write!(f, "the usage has no price at candidate {candidate}")
            }
            Self::SpentBelow { hold, spent, seen } => {
                write!(f, "hold {hold} spent {seen}; its parts have stated {spent} already")
            }
            Self::Outcome { field, expected, seen } => {
                write!(f, "{field} of {seen}; expected {expected}")
            }
            Self::AccountUnknown { account } => write!(f, "there is no account {account}"),
            Self::AccountClosed { account } => write!(f, "account {account} is closed"),
            Self::NameTaken { account } => write!(f, "account {account} has that name already"),
            Self::TooDeep { parent } => write!(f, "account {parent} is at the deepest level already"),
            Self::TooManyAccounts => write!(f, "there are as many accounts as may be"),
            Self::PathTooLong => write!(f, "a path with too many cells"),
            Self::CloseHolds { account, open } => {
                write!(f, "account {account} closes with {open} open holds")
            }
            Self::CloseChildren { account, open } => {
                write!(f, "account {account} closes with {open} open below it")
            }
            Self::Grant { account, change_micros, max_micros } => write!(
                f,
                "a grant of {change_micros} µ to account {account}; {max_micros} µ is the most that way"
            ),
            Self::Overflow { account } => write!(f, "a counter of account {account} leaves its range"),
            Self::Conservation { account } => {
                write!(f, "money is not conserved at account {account}")
            }
            Self::Reserved { account, held_micros, reserved_micros } => write!(
                f,
                "account {account} has {reserved_micros} µ reserved; its open holds hold {held_micros} µ"
            ),
        }
    }
}
