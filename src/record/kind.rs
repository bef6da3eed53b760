//! The kinds of records, and the codes that frames carry.

use core::fmt;

/// A record's kind. The codes are frozen. FORMAT 9.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
pub enum Kind {
    /// What the log holds itself to.
    Terms,
    /// A policy put in force.
    Policy,
    /// A halt, or its end.
    Halt,
    /// A candidate disabled or enabled by the host.
    CandidateSwitch,
    /// A request admitted or denied.
    Admission,
    /// A hold committed.
    Commit,
    /// A hold released.
    Release,
    /// A hold extended.
    Extend,
    /// A part of a hold committed.
    PartCommit,
    /// A hold released and its request decided again.
    Reroute,
    /// Holds expired.
    Expire,
    /// A settled hold corrected.
    Adjust,
    /// An account opened.
    Account,
    /// A grant changed.
    Grant,
    /// An account closed.
    AccountClosed,
    /// An account put below another.
    Reparent,
    /// A window ended by the host.
    Boundary,
    /// A torn tail cut.
    Recovery,
    /// Segments let go.
    Retention,
}

impl Kind {
    /// All kinds, in the order of their codes.
    pub const ALL: [Self; 19] = [
        Self::Terms,
        Self::Policy,
        Self::Halt,
        Self::CandidateSwitch,
        Self::Admission,
        Self::Commit,
        Self::Release,
        Self::Extend,
        Self::PartCommit,
        Self::Reroute,
        Self::Expire,
        Self::Adjust,
        Self::Account,
        Self::Grant,
        Self::AccountClosed,
        Self::Reparent,
        Self::Boundary,
        Self::Recovery,
        Self::Retention,
    ];

    /// The frozen code. FORMAT 9.1.
    #[must_use]
    pub const fn code(self) -> u16 {
        match self {
            Self::Terms => 1,
            Self::Policy => 2,
            Self::Halt => 3,
            Self::CandidateSwitch => 4,
            Self::Admission => 16,
            Self::Commit => 17,
            Self::Release => 18,
            Self::Extend => 19,
            Self::PartCommit => 20,
            Self::Reroute => 21,
            Self::Expire => 22,
            Self::Adjust => 23,
            Self::Account => 32,
            Self::Grant => 33,
            Self::AccountClosed => 34,
            Self::Reparent => 35,
            Self::Boundary => 36,
            Self::Recovery => 66,
            Self::Retention => 67,
        }
    }

    /// The kind of that code; `None` for the codes of control frames and of kinds that are reserved.
    #[must_use]
    pub const fn from_code(code: u16) -> Option<Self> {
        Some(match code {
            1 => Self::Terms,
            2 => Self::Policy,
            3 => Self::Halt,
            4 => Self::CandidateSwitch,
            16 => Self::Admission,
            17 => Self::Commit,
            18 => Self::Release,
            19 => Self::Extend,
            20 => Self::PartCommit,
            21 => Self::Reroute,
            22 => Self::Expire,
            23 => Self::Adjust,
            32 => Self::Account,
            33 => Self::Grant,
            34 => Self::AccountClosed,
            35 => Self::Reparent,
            36 => Self::Boundary,
            66 => Self::Recovery,
            67 => Self::Retention,
            _ => return None,
        })
    }

    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Terms => "terms",
            Self::Policy => "policy",
            Self::Halt => "halt",
            Self::CandidateSwitch => "candidate_switch",
            Self::Admission => "admission",
            Self::Commit => "commit",
            Self::Release => "release",
            Self::Extend => "extend",
            Self::PartCommit => "part_commit",
            Self::Reroute => "reroute",
            Self::Expire => "expire",
            Self::Adjust => "adjust",
            Self::Account => "account",
            Self::Grant => "grant",
            Self::AccountClosed => "account_closed",
            Self::Reparent => "reparent",
            Self::Boundary => "boundary",
            Self::Recovery => "recovery",
            Self::Retention => "retention",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
