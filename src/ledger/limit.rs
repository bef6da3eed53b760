//! An account's limits, and the cells of their windows.

use std::boxed::Box;
use std::collections::BTreeMap;

use super::cell::{Cell, CellId};
use crate::caps::Caps;
use crate::num::{Amount, Timestamp};
use crate::window::{Span, Window};

/// All limits of one account.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(untagged))]
pub enum Limits {
    /// One for its life.
    Lifetime(Cell),
    /// One to three, each with its windows.
    Windowed {
        /// By number.
        limits: Box<[Limit]>,
    },
}

/// One limit that is cut by windows, or stands beside another.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Limit {
    /// How it is cut.
    pub window: Window,
    /// What each window begins with: the sum of its grants.
    #[cfg_attr(feature = "serde", serde(rename = "allowance_micros"))]
    pub allowance: Amount,
    /// Its current window.
    #[cfg_attr(feature = "serde", serde(flatten))]
    pub current: WindowCell,
    /// Closed windows that a hold names, by their start.
    #[cfg_attr(feature = "serde", serde(skip))]
    pub(super) closed: BTreeMap<Timestamp, WindowCell>,
}

/// One window of a limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct WindowCell {
    /// From when until when.
    #[cfg_attr(feature = "serde", serde(flatten))]
    pub span: Span,
    /// Its money.
    #[cfg_attr(feature = "serde", serde(flatten))]
    pub cell: Cell,
    /// Holds that name it: open, expired, or settled and remembered.
    #[cfg_attr(feature = "serde", serde(skip))]
    pub(super) holds: u64,
}

impl Limits {
    /// Limits with nothing granted, as an account opened at that instant has them.
    pub(super) fn new(caps: &Caps, at: Timestamp) -> Self {
        if caps.are_usual() {
            return Self::Lifetime(Cell::default());
        }
        let begun = |window: &Window| Limit {
            window: *window,
            allowance: Amount::ZERO,
            current: WindowCell { span: window.span(at), ..WindowCell::default() },
            closed: BTreeMap::new(),
        };
        Self::Windowed { limits: caps.windows().iter().map(begun).collect() }
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> u8 {
        match self {
            Self::Lifetime(_) => 1,
            // OK because there are at most 3.
            Self::Windowed { limits } => u8::try_from(limits.len()).unwrap_or(u8::MAX),
        }
    }

    /// The current window of one, and its cell.
    #[must_use]
    pub fn current(&self, limit: u8) -> Option<(Span, &Cell)> {
        match self {
            Self::Lifetime(cell) => (limit == 0).then_some((Span::default(), cell)),
            Self::Windowed { limits } => {
                limits.get(usize::from(limit)).map(|limit| (limit.current.span, &limit.current.cell))
            }
        }
    }

    /// What each window of one begins with; of a lifetime, what it was granted.
    #[must_use]
    pub fn allowance(&self, limit: u8) -> Option<Amount> {
        match self {
            Self::Lifetime(cell) => {
                u64::try_from(cell.granted_micros).ok().and_then(Amount::new).filter(|_| limit == 0)
            }
            Self::Windowed { limits } => limits.get(usize::from(limit)).map(|limit| limit.allowance),
        }
    }

    /// Every cell that is kept, with its limit and window: closed ones before the current one of each limit.
    pub fn cells(&self) -> impl Iterator<Item = (u8, Span, &Cell)> {
        let (lifetime, limits): (_, &[Limit]) = match self {
            Self::Lifetime(cell) => (Some((0, Span::default(), cell)), &[]),
            Self::Windowed { limits } => (None, limits),
        };
        let windows = (0_u8..).zip(limits).flat_map(|(number, limit)| {
            let all = limit.closed.values().chain([&limit.current]);
            all.map(move |window| (number, window.span, &window.cell))
        });
        lifetime.into_iter().chain(windows)
    }

    pub(super) fn find(&self, id: CellId) -> Option<&Cell> {
        match self {
            Self::Lifetime(cell) => (id.limit == 0 && id.start == Timestamp(0)).then_some(cell),
            Self::Windowed { limits } => {
                let limit = limits.get(usize::from(id.limit))?;
                let closed = || limit.closed.get(&id.start).map(|window| &window.cell);
                if limit.current.span.start == id.start { Some(&limit.current.cell) } else { closed() }
            }
        }
    }

    pub(super) fn write(&mut self, id: CellId, written: &Cell) {
        match self {
            Self::Lifetime(cell) => *cell = *written,
            Self::Windowed { .. } => {
                if let Some(window) = self.window_mut(id) {
                    window.cell = *written;
                }
            }
        }
    }

    /// Closes the current window of one, and begins the next.
    pub(super) fn roll(&mut self, limit: u8, to: Span) {
        if let Some(limit) = self.limit_mut(limit) {
            let next = WindowCell { span: to, ..WindowCell::default() };
            let closed = core::mem::replace(&mut limit.current, next);
            // What no hold names is not kept.
            if closed.holds > 0 {
                limit.closed.insert(closed.span.start, closed);
            }
        }
    }

    pub(super) fn allow(&mut self, limit: u8, change_micros: i64) {
        if let Some(limit) = self.limit_mut(limit) {
            let allowance = limit.allowance.signed_micros().saturating_add(change_micros);
            limit.allowance = u64::try_from(allowance).ok().and_then(Amount::new).unwrap_or(limit.allowance);
        }
    }

    /// Counts a hold that names the cell.
    pub(super) fn name(&mut self, id: CellId) {
        if let Some(window) = self.window_mut(id) {
            window.holds = window.holds.saturating_add(1);
        }
    }

    /// A hold no longer names the cell: a closed one that no other does is dropped.
    pub(super) fn unname(&mut self, id: CellId) {
        if let Some(window) = self.window_mut(id) {
            window.holds = window.holds.saturating_sub(1);
            let idle = window.holds == 0;
            if let Some(limit) = self.limit_mut(id.limit).filter(|_| idle) {
                limit.closed.remove(&id.start);
            }
        }
    }

    pub(super) fn has_idle_window(&self) -> bool {
        match self {
            Self::Lifetime(_) => false,
            Self::Windowed { limits } => {
                limits.iter().flat_map(|limit| limit.closed.values()).any(|window| window.holds == 0)
            }
        }
    }

    pub(super) fn limit_mut(&mut self, limit: u8) -> Option<&mut Limit> {
        match self {
            Self::Lifetime(_) => None,
            Self::Windowed { limits } => limits.get_mut(usize::from(limit)),
        }
    }

    fn window_mut(&mut self, id: CellId) -> Option<&mut WindowCell> {
        let limit = self.limit_mut(id.limit)?;
        if limit.current.span.start == id.start {
            Some(&mut limit.current)
        } else {
            limit.closed.get_mut(&id.start)
        }
    }
}
