//! What `admit` answers: a permit, a denial that says no more than its class, a repeat, or a fault.

use core::fmt;

use super::{fault::Fault, throttles::ThrottledBy};
use crate::{
    budget::Hold,
    caps::Binding,
    id::{CandidateId, Epoch, LogId, Sequence},
    kernel::Decision,
    num::{Amount, MicroUnits, Timestamp},
    retry::Retry,
};

/// Leave to have one request served by one candidate, with the money for it held.
///
/// Plain data: dropping it changes nothing, and the hold ends at its deadline. Only an admission, a reroute, or
/// the opening of a log that has the hold makes one. It is good for as long as the hold is, also when the log has
/// been opened again meanwhile; if a crash lost the hold's record, it is good for nothing.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "the money stays held until the permit is settled or its deadline passes"]
pub struct Permit {
    pub(super) log: LogId,
    pub(super) hold: Sequence,
    pub(super) engine: Hold,
    pub(super) candidate: CandidateId,
    pub(super) amount: Amount,
    pub(super) spent: Amount,
    pub(super) deadline: Timestamp,
    pub(super) epoch: Epoch,
    pub(super) decision: Option<Decision>,
}

impl Permit {
    /// The hold's durable name: the sequence of the record that opened it.
    #[must_use]
    pub fn hold(&self) -> Sequence {
        self.hold
    }

    /// The candidate that may serve.
    #[must_use]
    pub fn candidate(&self) -> CandidateId {
        self.candidate
    }

    /// What is held.
    #[must_use]
    pub fn amount(&self) -> Amount {
        self.amount
    }

    /// What part commits have stated as spent so far; nothing before the first.
    #[must_use]
    pub fn spent(&self) -> Amount {
        self.spent
    }

    /// When the hold ends by itself, on the log's time.
    #[must_use]
    pub fn deadline(&self) -> Timestamp {
        self.deadline
    }

    /// The policy that admitted it, and that prices what it is settled with.
    #[must_use]
    pub fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// The decision; none for a permit that came back by opening the log, whose decision is in its record.
    #[must_use]
    pub fn decision(&self) -> Option<&Decision> {
        self.decision.as_ref()
    }
}

/// Why there is no permit.
#[derive(Debug, PartialEq, Eq)]
pub enum NotAdmitted {
    /// The answer is no, and it is on record.
    Denied(Denial),
    /// The operation was admitted before: the work may be under way or done.
    Repeated(Repeated),
    /// The call could not be carried out.
    Faulted(Fault),
}

impl From<Fault> for NotAdmitted {
    fn from(fault: Fault) -> Self {
        Self::Faulted(fault)
    }
}

impl fmt::Display for NotAdmitted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Denied(denial) => denial.fmt(f),
            Self::Repeated(repeated) => repeated.fmt(f),
            Self::Faulted(fault) => fault.fmt(f),
        }
    }
}

impl core::error::Error for NotAdmitted {}

/// The first outcome of an operation that was admitted before.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "the hold may still be open"]
pub struct Repeated {
    pub(super) hold: Sequence,
    pub(super) state: RepeatedState,
}

/// What became of a hold whose operation is repeated.
#[derive(Debug, PartialEq, Eq)]
pub enum RepeatedState {
    /// It is open: whoever takes the permit has to know that the first caller does not work on it.
    Open(Permit),
    /// Its deadline has passed.
    Expired,
    /// It was settled.
    Ended,
}

impl Repeated {
    /// The hold's name.
    #[must_use]
    pub fn hold(&self) -> Sequence {
        self.hold
    }

    /// The hold's present state, with its permit if it is open.
    #[must_use]
    pub fn into_state(self) -> RepeatedState {
        self.state
    }
}

impl fmt::Display for Repeated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            RepeatedState::Open(_) => "is open",
            RepeatedState::Expired => "has expired",
            RepeatedState::Ended => "has ended",
        };
        write!(f, "admitted before as hold {}, which {state}", self.hold)
    }
}

/// The class of a denial: all that a caller is told. Codes are those of FORMAT 9.8; frozen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
pub enum DenialClass {
    /// No candidate may serve the request.
    Policy,
    /// A candidate might, but the accounts cannot pay for it.
    Budget,
    /// Too much in too short a time.
    Throttle,
    /// Admissions are halted.
    Halted,
}

impl DenialClass {
    /// The class's code.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Policy => 1,
            Self::Budget => 2,
            Self::Throttle => 3,
            Self::Halted => 4,
        }
    }

    /// Whether the same request can be admitted, and when: under another operation's id, since one that is repeated
    /// gets the same denial again. It depends on the class alone.
    #[must_use]
    pub const fn retry(self) -> Retry {
        match self {
            Self::Policy => Retry::Never,
            Self::Budget | Self::Throttle | Self::Halted => Retry::Later,
        }
    }

    /// What a caller can do; it depends on the class alone.
    #[must_use]
    pub const fn advice(self) -> &'static str {
        match self {
            Self::Policy => "change the request",
            Self::Budget => "retry when holds have ended or money was granted",
            Self::Throttle => "retry later",
            Self::Halted => "retry when the halt has ended",
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Policy => "policy",
            Self::Budget => "budget",
            Self::Throttle => "throttle",
            Self::Halted => "halted",
        }
    }
}

/// A denial. What it shows, by `Debug`, `Display` or serialisation, is its class, its sequence and advice that
/// depends on the class alone; the reason is in the log, and in [`Denial::audited_reason`].
#[derive(Clone, PartialEq, Eq)]
#[must_use = "a denial ends the request"]
pub struct Denial {
    pub(super) class: DenialClass,
    pub(super) sequence: Sequence,
    pub(super) repeated: bool,
    pub(super) reason: AuditedReason,
}

impl Denial {
    /// The class.
    #[must_use]
    pub fn class(&self) -> DenialClass {
        self.class
    }

    /// The record that has the reason.
    #[must_use]
    pub fn sequence(&self) -> Sequence {
        self.sequence
    }

    /// Whether this is the outcome of an earlier call of the same operation.
    #[must_use]
    pub fn is_repeat(&self) -> bool {
        self.repeated
    }

    /// Why, for the host and its auditors: never for whoever made the request, since it tells about limits,
    /// balances and other candidates.
    #[must_use]
    pub fn audited_reason(&self) -> &AuditedReason {
        &self.reason
    }
}

impl fmt::Debug for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "denied ({}) in record {}; {}", self.class.name(), self.sequence, self.class.advice())
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for Denial {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct as _;
        let mut shown = serializer.serialize_struct("Denial", 3)?;
        shown.serialize_field("denied", self.class.name())?;
        shown.serialize_field("record", &self.sequence.0)?;
        shown.serialize_field("advice", self.class.advice())?;
        shown.end()
    }
}

/// Why a denial was given: what its record says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuditedReason {
    /// The decision that stands; none when admissions were halted.
    pub decision: Option<Decision>,
    /// The limit that what could be paid put on the decision, if it did.
    pub limit_applied: Option<MicroUnits>,
    /// What has the least available, or no room for a hold, when the budget decided.
    pub binding: Option<Binding>,
    /// The throttle that denied, and when a retry can pass.
    pub throttled: Option<ThrottledBy>,
}
