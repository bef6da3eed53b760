//! Windows of time: what a limit counts within. Integer functions of the instant.

use core::fmt;

use crate::num::Timestamp;

/// How the time of a limit is cut. SEMANTICS 18.1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
pub enum Window {
    /// Not at all: the limit is for the account's life.
    #[default]
    Lifetime,
    /// By days, which begin at midnight of a fixed offset from UTC.
    Day {
        /// The offset, east of Greenwich above 0.
        utc_offset_s: i32,
    },
    /// By months of the Gregorian calendar, which begin at midnight of a fixed offset from UTC.
    Month {
        /// The offset, east of Greenwich above 0.
        utc_offset_s: i32,
    },
    /// By equal lengths from an origin.
    Fixed {
        /// The length.
        length_ns: u64,
        /// An instant at which one begins: from 0, below the length.
        origin_ns: i64,
    },
    /// Where the host says so.
    Given,
}

/// One window: from its start up to its end, which is the next one's start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Span {
    /// Its first instant; with the end 0 for a lifetime.
    #[cfg_attr(feature = "serde", serde(rename = "start_ns"))]
    pub start: Timestamp,
    /// The first instant after it; the last of all where nobody knows.
    #[cfg_attr(feature = "serde", serde(rename = "end_ns"))]
    pub end: Timestamp,
}

impl Window {
    /// The window as it was given, if it can be one.
    ///
    /// # Errors
    /// An offset, a length or an origin is out of its range.
    pub const fn check(self) -> Result<Self, WindowError> {
        match self {
            Self::Lifetime | Self::Given => Ok(self),
            Self::Day { utc_offset_s } | Self::Month { utc_offset_s } => {
                if utc_offset_s.unsigned_abs() <= UTC_OFFSET_S_MAX {
                    Ok(self)
                } else {
                    Err(WindowError::Offset { seen_s: utc_offset_s })
                }
            }
            Self::Fixed { length_ns, origin_ns } => {
                if length_ns < LENGTH_NS_MIN || length_ns > LENGTH_NS_MAX {
                    Err(WindowError::Length { seen_ns: length_ns })
                } else if origin_ns < 0 || origin_ns.unsigned_abs() >= length_ns {
                    Err(WindowError::Origin { seen_ns: origin_ns, length_ns })
                } else {
                    Ok(self)
                }
            }
        }
    }

    /// The window that holds the instant; one whose boundaries are given begins there.
    #[must_use]
    pub fn span(self, at: Timestamp) -> Span {
        match self {
            Self::Lifetime => Span::default(),
            Self::Given => Span { start: at, end: Timestamp(i64::MAX) },
            Self::Day { .. } | Self::Month { .. } | Self::Fixed { .. } => {
                let number = self.number(at);
                Span { start: self.start(number), end: self.start(number.saturating_add(1)) }
            }
        }
    }

    /// How many whole windows lie between the end of one and the start of another.
    #[must_use]
    pub fn between(self, end: Timestamp, start: Timestamp) -> u64 {
        match self {
            Self::Lifetime | Self::Given => 0,
            Self::Day { .. } | Self::Month { .. } | Self::Fixed { .. } => {
                let between = self.number(start).saturating_sub(self.number(end));
                u64::try_from(between).unwrap_or(0)
            }
        }
    }

    /// The number of the window that holds an instant, counted from the one that holds 1970 in its own reckoning.
    fn number(self, at: Timestamp) -> i64 {
        match self {
            Self::Lifetime | Self::Given => 0,
            Self::Day { utc_offset_s } => local_day(at, utc_offset_s),
            Self::Month { utc_offset_s } => month_of(local_day(at, utc_offset_s)),
            Self::Fixed { length_ns, origin_ns } => {
                let from_origin = i128::from(at.0).saturating_sub(i128::from(origin_ns));
                // OK because the length is at least 1 ms, and what is divided below 2⁶⁵.
                from_origin.checked_div_euclid(i128::from(length_ns)).map_or(0, clip)
            }
        }
    }

    /// The first instant of the window of that number, within what an instant can be.
    fn start(self, number: i64) -> Timestamp {
        let from_day = |day: i64, utc_offset_s: i32| {
            let seconds = i128::from(day).saturating_mul(DAY_S).saturating_sub(i128::from(utc_offset_s));
            seconds.saturating_mul(SECOND_NS)
        };
        let start_ns = match self {
            Self::Lifetime | Self::Given => 0,
            Self::Day { utc_offset_s } => from_day(number, utc_offset_s),
            Self::Month { utc_offset_s } => from_day(first_day(number), utc_offset_s),
            Self::Fixed { length_ns, origin_ns } => {
                i128::from(number).saturating_mul(i128::from(length_ns)).saturating_add(i128::from(origin_ns))
            }
        };
        Timestamp(clip(start_ns))
    }
}

/// Days since 1970-01-01, at that offset.
fn local_day(at: Timestamp, utc_offset_s: i32) -> i64 {
    let local_s = i128::from(at.0).div_euclid(SECOND_NS).saturating_add(i128::from(utc_offset_s));
    clip(local_s.div_euclid(DAY_S))
}

/// Months since January 1970 of the month that has that day.
fn month_of(day: i64) -> i64 {
    // No month is longer than 31 days, and 400 years have 146,097: this is at most some months too few or too many.
    let mut month = day.saturating_mul(4800).div_euclid(146_097);
    while first_day(month) > day {
        month = month.saturating_sub(1);
    }
    while first_day(month.saturating_add(1)) <= day {
        month = month.saturating_add(1);
    }
    month
}

/// The first day, since 1970-01-01, of a month, since January 1970.
fn first_day(month: i64) -> i64 {
    let year = month.div_euclid(12).saturating_add(1970);
    let before = DAYS_BEFORE_MONTH.into_iter().nth(usize::try_from(month.rem_euclid(12)).unwrap_or(0));
    // A leap day is before March and later months.
    let leap = is_leap(year) && month.rem_euclid(12) >= 2;
    let days = days_before(year).saturating_add(before.unwrap_or(0)).saturating_add(i64::from(leap));
    days.saturating_sub(DAYS_TO_1970)
}

/// Days from 0001-01-01 to the year's first.
fn days_before(year: i64) -> i64 {
    let past = year.saturating_sub(1);
    let leaps = past.div_euclid(4).saturating_sub(past.div_euclid(100)).saturating_add(past.div_euclid(400));
    past.saturating_mul(365).saturating_add(leaps)
}

fn is_leap(year: i64) -> bool {
    year.rem_euclid(4) == 0 && (year.rem_euclid(100) != 0 || year.rem_euclid(400) == 0)
}

/// The nearest that fits.
fn clip(number: i128) -> i64 {
    i64::try_from(number).unwrap_or(if number < 0 { i64::MIN } else { i64::MAX })
}

/// 18 hours.
const UTC_OFFSET_S_MAX: u32 = 18 * 3600;
const LENGTH_NS_MIN: u64 = 1_000_000;
const LENGTH_NS_MAX: u64 = 1 << 62;
const SECOND_NS: i128 = 1_000_000_000;
const DAY_S: i128 = 86_400;
const DAYS_TO_1970: i64 = 719_162;
const DAYS_BEFORE_MONTH: [i64; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];

/// Why a window can be none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WindowError {
    /// The offset is more than 18 hours.
    Offset {
        /// What was given.
        seen_s: i32,
    },
    /// The length is below 1 ms or above 2⁶² ns.
    Length {
        /// What was given.
        seen_ns: u64,
    },
    /// The origin is below 0, or not below the length.
    Origin {
        /// What was given.
        seen_ns: i64,
        /// The length.
        length_ns: u64,
    },
}

impl fmt::Display for WindowError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Offset { seen_s } => {
                write!(f, "an offset of {seen_s} s from UTC; the limit is {UTC_OFFSET_S_MAX} s either way")
            }
            Self::Length { seen_ns } => {
                write!(f, "a window of {seen_ns} ns; it has {LENGTH_NS_MIN} to {LENGTH_NS_MAX} ns")
            }
            Self::Origin { seen_ns, length_ns } => {
                write!(
                    f,
                    "windows from {seen_ns} ns on; the origin is from 0 to below the length of {length_ns} ns"
                )
            }
        }
    }
}

impl core::error::Error for WindowError {}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, reason = "a naive calendar")]
mod tests {
    use super::*;

    const HOUR_NS: i64 = 3_600_000_000_000;
    const DAY_NS: i64 = 24 * HOUR_NS;

    /// Days of each month, counted off one by one.
    fn naive_month(day: i64) -> (i64, i64) {
        let length = |year: i64, month: i64| match month {
            1 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
            1 => 28,
            3 | 5 | 8 | 10 => 30,
            _ => 31,
        };
        let (mut month, mut first) = (0_i64, 0_i64);
        while day < first {
            month -= 1;
            first -= length(1970 + month.div_euclid(12), month.rem_euclid(12));
        }
        while day >= first + length(1970 + month.div_euclid(12), month.rem_euclid(12)) {
            first += length(1970 + month.div_euclid(12), month.rem_euclid(12));
            month += 1;
        }
        (month, first)
    }

    #[test]
    fn months_are_those_of_the_calendar() {
        let (step, near) = if cfg!(miri) { (4_001, 40) } else { (7, 800) };
        for day in (-106_752..=106_751).step_by(step).chain(-near..near) {
            let (month, first) = naive_month(day);
            assert_eq!((month_of(day), first_day(month)), (month, first), "day {day}");
        }
    }

    #[test]
    fn spans_hold_their_instant_and_follow_each_other() {
        let windows = [
            Window::Day { utc_offset_s: 0 },
            Window::Day { utc_offset_s: -5 * 3600 },
            Window::Month { utc_offset_s: 0 },
            Window::Month { utc_offset_s: 5 * 3600 + 1800 },
            Window::Fixed { length_ns: 1_000_000, origin_ns: 0 },
            Window::Fixed { length_ns: 7 * DAY_NS.unsigned_abs(), origin_ns: 3 * DAY_NS },
        ];
        let instants = [0, 1, -1, DAY_NS - 1, DAY_NS, -DAY_NS, 951_782_400_000_000_000, -86_400_000_000_001];
        for window in windows {
            for at in instants.map(Timestamp) {
                let span = window.check().unwrap().span(at);
                assert!(span.start <= at && at < span.end, "{window:?} at {at:?}: {span:?}");
                let next = window.span(span.end);
                assert_eq!(next.start, span.end, "{window:?} at {at:?}");
                assert_eq!(window.between(span.end, next.start), 0);
                assert_eq!(window.between(span.end, window.span(next.end).start), 1);
            }
        }
    }

    #[test]
    fn a_leap_february_has_29_days() {
        // 2024-02-10 and 2023-02-10, at noon.
        let february = |day: i64| {
            let span = Window::Month { utc_offset_s: 0 }.span(Timestamp(day * DAY_NS + 12 * HOUR_NS));
            (span.end.0 - span.start.0) / DAY_NS
        };
        assert_eq!((february(19_763), february(19_398)), (29, 28));
    }

    #[test]
    fn the_ends_of_time_are_cut_off() {
        for window in [Window::Day { utc_offset_s: 0 }, Window::Month { utc_offset_s: 64_800 }] {
            assert_eq!(window.span(Timestamp(i64::MAX)).end, Timestamp(i64::MAX));
            assert_eq!(window.span(Timestamp(i64::MIN)).start, Timestamp(i64::MIN));
        }
        let longest = Window::Fixed { length_ns: LENGTH_NS_MAX, origin_ns: 0 };
        assert_eq!(
            longest.span(Timestamp(i64::MAX)),
            Span { start: Timestamp(1 << 62), end: Timestamp(i64::MAX) }
        );
    }

    #[test]
    fn what_is_out_of_range_is_no_window() {
        let refused = [
            Window::Day { utc_offset_s: 64_801 },
            Window::Month { utc_offset_s: i32::MIN },
            Window::Fixed { length_ns: 999_999, origin_ns: 0 },
            Window::Fixed { length_ns: (1 << 62) + 1, origin_ns: 0 },
            Window::Fixed { length_ns: 1_000_000, origin_ns: 1_000_000 },
            Window::Fixed { length_ns: 1_000_000, origin_ns: -1 },
        ];
        for window in refused {
            assert!(window.check().is_err(), "{window:?}");
        }
    }
}
