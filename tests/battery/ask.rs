//! What a client at random can ask for.

use assize::{
    controller::Fault,
    num::{Amount, Timestamp},
    overrun::Overrun,
    record::{Halt, Kind, Spend, Switch},
};

use super::told::Fact;

/// What can be asked for.
#[derive(Clone, Debug)]
pub enum Ask {
    Account {
        index: usize,
    },
    Grant {
        index: usize,
        change_micros: i64,
    },
    Admit {
        index: usize,
        quality: u64,
        tokens: u64,
        deadline: Timestamp,
    },
    Commit {
        hold: u64,
        spend: Spend,
    },
    Release {
        hold: u64,
    },
    Extend {
        hold: u64,
        more: Amount,
        deadline: Option<Timestamp>,
    },
    Part {
        hold: u64,
        so_far: Spend,
    },
    Reroute {
        hold: u64,
        tokens: u64,
        deadline: Timestamp,
    },
    Adjust {
        hold: u64,
        actual: Amount,
    },
    Swap {
        epoch: u64,
    },
    Halt(Halt),
    Switch(Switch),
    Expire,
    /// That so many segments stay.
    Retain {
        segments: u32,
    },
    /// That everything until now is where the call's level says.
    Wait,
}

/// Accounts, each with the one above it, how overruns are booked, and what it is granted first.
pub const ACCOUNTS: [(&str, Option<usize>, Overrun, i64); 4] = [
    ("org", None, Overrun::Debt, 1_000_000),
    ("if", Some(0), Overrun::IfAvailable, 100_000),
    ("debt", Some(0), Overrun::Debt, 10_000),
    ("tight", None, Overrun::Deny, 400),
];

impl Ask {
    /// The record that it causes.
    pub fn kind(&self) -> Option<Kind> {
        Some(match self {
            Self::Account { .. } => Kind::Account,
            Self::Grant { .. } => Kind::Grant,
            Self::Admit { .. } => Kind::Admission,
            Self::Commit { .. } => Kind::Commit,
            Self::Release { .. } => Kind::Release,
            Self::Extend { .. } => Kind::Extend,
            Self::Part { .. } => Kind::PartCommit,
            Self::Reroute { .. } => Kind::Reroute,
            Self::Adjust { .. } => Kind::Adjust,
            Self::Swap { .. } => Kind::Policy,
            Self::Halt(_) => Kind::Halt,
            Self::Switch(_) => Kind::CandidateSwitch,
            Self::Expire => Kind::Expire,
            Self::Retain { .. } => Kind::Retention,
            Self::Wait => return None,
        })
    }

    /// The hold that it is about.
    pub fn hold(&self) -> Option<u64> {
        match self {
            Self::Commit { hold, .. }
            | Self::Release { hold }
            | Self::Extend { hold, .. }
            | Self::Part { hold, .. }
            | Self::Reroute { hold, .. }
            | Self::Adjust { hold, .. } => Some(*hold),
            _ => None,
        }
    }

    /// Whether it is remembered by a name; other calls take no notice of theirs.
    pub fn is_named(&self) -> bool {
        !matches!(
            self,
            Self::Account { .. }
                | Self::Swap { .. }
                | Self::Halt(_)
                | Self::Switch(_)
                | Self::Expire
                | Self::Retain { .. }
                | Self::Wait
        )
    }
}

/// What a call came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It is in this record.
    Told(u64, Fact),
    /// It left no record, or none of its own.
    Nothing,
    /// Nobody knows, or the log had failed before.
    Failed(Fault),
}
