//! What an account may spend in which time, how fast, and how much of it at once.

use alloc::{boxed::Box, vec, vec::Vec};
use core::fmt;

use crate::id::AccountId;
use crate::limits::{LIMITS_MAX, THROTTLES_MAX};
use crate::num::Amount;
use crate::throttle::{Throttle, ThrottleError};
use crate::window::{Window, WindowError};

/// What an account's caps are made of.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct CapsDraft {
    /// The windows of its limits: 1 to 3, no two alike.
    pub windows: Vec<Window>,
    /// Its throttles: up to 4.
    pub throttles: Vec<Throttle>,
    /// The most that its open holds may hold in all; not 0.
    #[cfg_attr(feature = "serde", serde(rename = "held_micros_max"))]
    pub held_max: Option<Amount>,
    /// The most holds that may be open at it; not 0.
    pub holds_max: Option<u32>,
}

impl Default for CapsDraft {
    /// One limit for its life.
    fn default() -> Self {
        Self { windows: vec![Window::Lifetime], throttles: Vec::new(), held_max: None, holds_max: None }
    }
}

/// An account's limits, throttles and caps on exposure, checked; by default one limit for its life.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Caps {
    /// `None` for one limit for life, which most accounts have.
    other: Option<Box<CapsDraft>>,
}

impl Caps {
    /// Checks what is wanted.
    ///
    /// ```
    /// use assize::caps::{Caps, CapsDraft};
    /// use assize::throttle::{Counts, Throttle};
    /// use assize::window::Window;
    ///
    /// // So much a day and so much a month, by UTC; at most 60 requests a minute, 10 of them at once.
    /// let minute_ns = 60_000_000_000;
    /// let caps = Caps::new(CapsDraft {
    ///     windows: vec![Window::Day { utc_offset_s: 0 }, Window::Month { utc_offset_s: 0 }],
    ///     throttles: vec![Throttle { counts: Counts::Requests, rate: 60, period_ns: minute_ns, burst: 10 }],
    ///     ..CapsDraft::default()
    /// })?;
    /// assert_eq!(caps.windows().len(), 2);
    /// # Ok::<(), assize::caps::CapsError>(())
    /// ```
    ///
    /// # Errors
    /// There are too many or too few limits or throttles, two limits have one window, or a number is out of range.
    pub fn new(draft: CapsDraft) -> Result<Self, CapsError> {
        if draft.windows.is_empty() || draft.windows.len() > LIMITS_MAX {
            return Err(CapsError::Limits { seen: draft.windows.len() });
        }
        if draft.throttles.len() > THROTTLES_MAX {
            return Err(CapsError::Throttles { seen: draft.throttles.len() });
        }
        for (limit, window) in draft.windows.iter().enumerate() {
            window.check().map_err(|error| CapsError::Window { limit, error })?;
            if draft.windows.iter().take(limit).any(|earlier| earlier == window) {
                return Err(CapsError::Twice { limit });
            }
        }
        for (throttle, of) in draft.throttles.iter().enumerate() {
            of.check().map_err(|error| CapsError::Throttle { throttle, error })?;
        }
        if draft.held_max == Some(Amount::ZERO) || draft.holds_max == Some(0) {
            return Err(CapsError::Nothing);
        }
        let usual = draft == CapsDraft::default();
        Ok(Self { other: (!usual).then(|| Box::new(draft)) })
    }

    /// Whether there is one limit for life, and nothing else.
    #[must_use]
    pub fn are_usual(&self) -> bool {
        self.other.is_none()
    }

    /// The windows of its limits, at least one.
    #[must_use]
    pub fn windows(&self) -> &[Window] {
        self.other.as_ref().map_or(&[Window::Lifetime], |caps| &caps.windows)
    }

    /// Its throttles.
    #[must_use]
    pub fn throttles(&self) -> &[Throttle] {
        self.other.as_ref().map_or(&[], |caps| &caps.throttles)
    }

    /// The most that its open holds may hold in all.
    #[must_use]
    pub fn held_max(&self) -> Option<Amount> {
        self.other.as_ref()?.held_max
    }

    /// The most holds that may be open at it.
    #[must_use]
    pub fn holds_max(&self) -> Option<u32> {
        self.other.as_ref()?.holds_max
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for Caps {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.other {
            Some(caps) => caps.serialize(serializer),
            None => CapsDraft::default().serialize(serializer),
        }
    }
}

/// What of an account binds. Codes are those of FORMAT 9.8; frozen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
pub enum Bound {
    /// What its limit of that number has left.
    Limit(u8),
    /// What may be held at once.
    Held,
    /// How many holds may be open.
    Holds,
}

impl Bound {
    /// The code.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Limit(limit) => limit,
            Self::Held => 3,
            Self::Holds => 4,
        }
    }

    /// What has that code.
    #[must_use]
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            0..=2 => Some(Self::Limit(code)),
            3 => Some(Self::Held),
            4 => Some(Self::Holds),
            _ => None,
        }
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Limit(limit) => write!(f, "limit {limit}"),
            Self::Held => write!(f, "the cap on what is held"),
            Self::Holds => write!(f, "the cap on holds"),
        }
    }
}

/// What binds: the account, and what of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Binding {
    /// The account.
    pub account: AccountId,
    /// What of it.
    pub bound: Bound,
}

/// An account by itself stands for its first limit.
impl From<AccountId> for Binding {
    fn from(account: AccountId) -> Self {
        Self { account, bound: Bound::Limit(0) }
    }
}

impl fmt::Display for Binding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.bound {
            Bound::Limit(0) => self.account.fmt(f),
            bound => write!(f, "{} ({bound})", self.account),
        }
    }
}

/// Why an account cannot have such caps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CapsError {
    /// None, or too many.
    Limits {
        /// How many.
        seen: usize,
    },
    /// Too many.
    Throttles {
        /// How many.
        seen: usize,
    },
    /// A window is none.
    Window {
        /// Of which limit.
        limit: usize,
        /// Why.
        error: WindowError,
    },
    /// A limit has the window of an earlier one.
    Twice {
        /// Which limit.
        limit: usize,
    },
    /// A throttle is none.
    Throttle {
        /// Which one.
        throttle: usize,
        /// Why.
        error: ThrottleError,
    },
    /// A cap on exposure of 0: an account that may hold nothing is one without a grant.
    Nothing,
}

impl fmt::Display for CapsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Limits { seen } => write!(f, "{seen} limits; an account has 1 to {LIMITS_MAX}"),
            Self::Throttles { seen } => write!(f, "{seen} throttles; an account has at most {THROTTLES_MAX}"),
            Self::Window { limit, error } => write!(f, "limit {limit}: {error}"),
            Self::Twice { limit } => write!(f, "limit {limit} has the window of an earlier one"),
            Self::Throttle { throttle, error } => write!(f, "throttle {throttle}: {error}"),
            Self::Nothing => write!(f, "a cap on exposure of 0; it is at least 1"),
        }
    }
}

impl core::error::Error for CapsError {}
