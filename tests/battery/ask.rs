//! What a client at random can ask for.

use assize::{
    controller::Fault,
    num::{Amount, Timestamp},
    overrun::Overrun,
    record::{Halt, Kind, Spend, Switch},
    throttle::{Counts, Throttle},
    window::Window,
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
        limit: u8,
        change_micros: i64,
    },
    Move {
        index: usize,
        parent: Option<usize>,
    },
    EndWindow {
        index: usize,
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

/// An account: the one above it at first, how overruns are booked, its limits with what each is granted, and its caps.
pub struct Payer {
    pub name: &'static str,
    pub parent: Option<usize>,
    pub overrun: Overrun,
    pub limits: &'static [(Window, i64)],
    pub throttles: &'static [Throttle],
    pub held_max: Option<u64>,
    pub holds_max: Option<u32>,
}

/// Of windows that end all the while (40 ms), where the client says so, and 40 ms after the log's first time.
pub const ACCOUNTS: [Payer; 5] = [
    Payer { limits: &[(Window::Day { utc_offset_s: 0 }, 1_000_000)], ..plain("org", None, Overrun::Debt) },
    Payer {
        limits: &[(Window::Fixed { length_ns: 40_000_000, origin_ns: 0 }, 900)],
        throttles: &[Throttle { counts: Counts::Requests, rate: 3, period_ns: 10_000_000, burst: 4 }],
        ..plain("if", Some(0), Overrun::IfAvailable)
    },
    Payer { limits: &[(Window::Given, 300)], ..plain("debt", Some(0), Overrun::Debt) },
    Payer {
        limits: &[(Window::Lifetime, 400)],
        held_max: Some(200),
        holds_max: Some(2),
        ..plain("tight", None, Overrun::Deny)
    },
    Payer {
        limits: &[(Window::Month { utc_offset_s: 0 }, 5_000), (Window::Lifetime, 20_000)],
        throttles: &[Throttle { counts: Counts::Cost, rate: 1_000, period_ns: 40_000_000, burst: 400 }],
        ..plain("month", Some(0), Overrun::IfAvailable)
    },
];

const fn plain(name: &'static str, parent: Option<usize>, overrun: Overrun) -> Payer {
    Payer { name, parent, overrun, limits: &[], throttles: &[], held_max: None, holds_max: None }
}

/// Every limit of every account, and what it is granted first.
pub fn first_grants() -> impl Iterator<Item = Ask> {
    (0..).zip(&ACCOUNTS).flat_map(|(index, payer)| {
        (0..).zip(payer.limits).map(move |(limit, (_, granted))| Ask::Grant {
            index,
            limit,
            change_micros: *granted,
        })
    })
}

impl Ask {
    /// The record that it causes.
    pub fn kind(&self) -> Option<Kind> {
        Some(match self {
            Self::Account { .. } => Kind::Account,
            Self::Grant { .. } => Kind::Grant,
            Self::Move { .. } => Kind::Reparent,
            Self::EndWindow { .. } => Kind::Boundary,
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
                | Self::Move { .. }
                | Self::EndWindow { .. }
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
