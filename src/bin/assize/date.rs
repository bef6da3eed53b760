//! Calendar days, as price lists and traces write them.

use std::{fmt, str::FromStr, time::SystemTime};

/// A day of the Gregorian calendar, years 1 to 9999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Date {
    year: u16,
    month: u8,
    day: u8,
}

impl Date {
    /// That day, if there is one.
    fn new(year: u16, month: u8, day: u8) -> Option<Self> {
        let valid = (1..=9999).contains(&year) && day >= 1 && day <= days_of(year, month)?;
        valid.then_some(Self { year, month, day })
    }

    /// Today in UTC, by the machine's clock.
    pub(crate) fn today() -> Option<Self> {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).ok()?;
        Self::of_days(i64::try_from(since.as_secs().checked_div(86_400)?).ok()?)
    }

    /// The day that many days after 1970-01-01, or before it.
    pub(crate) fn of_days(days: i64) -> Option<Self> {
        let whole = days.checked_add(DAYS_TO_1970)?;
        // No year has more days, so that the year sought is this one or a later one.
        let mut year = u16::try_from(whole.div_euclid(366)).ok()?.checked_add(1)?;
        while whole >= days_before(year.checked_add(1)?) {
            year = year.checked_add(1)?;
        }
        let mut left = whole.checked_sub(days_before(year))?;
        for month in 1..=12 {
            let length = i64::from(days_of(year, month)?);
            if left < length {
                return Self::new(year, month, u8::try_from(left).ok()?.checked_add(1)?);
            }
            left = left.checked_sub(length)?;
        }
        None
    }

    /// Days since 1970-01-01; below zero before it.
    pub(crate) fn days(self) -> i64 {
        // Each month before this one is a month of the calendar.
        let months = (1..self.month).filter_map(|month| days_of(self.year, month)).map(i64::from);
        let whole = months.fold(days_before(self.year), i64::saturating_add);
        // OK because years end with 9999: no sum is above some four million.
        whole.saturating_add(i64::from(self.day)).saturating_sub(1).saturating_sub(DAYS_TO_1970)
    }
}

impl FromStr for Date {
    type Err = DateError;

    fn from_str(text: &str) -> Result<Self, DateError> {
        let number = |range, length| -> Option<u16> {
            let digits: &str = text.get(range)?;
            (digits.len() == length && digits.bytes().all(|byte| byte.is_ascii_digit())).then_some(())?;
            digits.parse().ok()
        };
        let parsed = || {
            let bytes = text.as_bytes();
            (bytes.len() == 10 && bytes.get(4) == Some(&b'-') && bytes.get(7) == Some(&b'-')).then_some(())?;
            let (month, day) = (u8::try_from(number(5..7, 2)?).ok()?, u8::try_from(number(8..10, 2)?).ok()?);
            Self::new(number(0..4, 4)?, month, day)
        };
        parsed().ok_or(DateError)
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

/// A text that is no day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DateError;

impl fmt::Display for DateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no day of the calendar; the form is YYYY-MM-DD")
    }
}

impl std::error::Error for DateError {}

/// Days from 0001-01-01 to 1970-01-01.
const DAYS_TO_1970: i64 = 719_162;

/// Days from 0001-01-01 to the first day of a year.
fn days_before(year: u16) -> i64 {
    let years = i64::from(year).saturating_sub(1);
    let leap_days = (years / 4).saturating_sub(years / 100).saturating_add(years / 400);
    years.saturating_mul(365).saturating_add(leap_days)
}

fn days_of(year: u16, month: u8) -> Option<u8> {
    Some(match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if is_leap(year) => 29,
        2 => 28,
        _ => return None,
    })
}

fn is_leap(year: u16) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_those_of_the_calendar() {
        for text in ["2026-11-23", "2024-02-29", "2000-02-29", "0001-01-01", "9999-12-31"] {
            assert_eq!(text.parse::<Date>().unwrap().to_string(), text);
        }
        let none = [
            "2026-02-30",
            "2026-02-29",
            "1900-02-29",
            "2026-13-01",
            "2026-00-10",
            "2026-01-00",
            "0000-01-01",
            "2026-1-01",
            "26-01-01",
            "2026/01/01",
            "2026-01-01T",
            "soon",
            "",
            "+026-01-01",
            "2026-+1-01",
            "２026-01-0",
        ];
        for text in none {
            assert_eq!(text.parse::<Date>(), Err(DateError), "{text}");
        }
    }

    #[test]
    fn days_since_1970() {
        let cases = [
            (0, "1970-01-01"),
            (59, "1970-03-01"),
            (-1, "1969-12-31"),
            (11_016, "2000-02-29"),
            (20_780, "2026-11-23"),
            (-719_162, "0001-01-01"),
            (2_932_896, "9999-12-31"),
        ];
        for (days, expected) in cases {
            let day = Date::of_days(days).unwrap();
            assert_eq!((day.to_string().as_str(), day.days()), (expected, days));
        }
        for days in [i64::MIN, -719_163, 2_932_897, i64::MAX] {
            assert_eq!(Date::of_days(days), None, "{days}");
        }
    }

    #[test]
    fn every_day_of_four_centuries_is_the_next_one() {
        let mut before = "1799-12-31".parse::<Date>().unwrap();
        for days in before.days().saturating_add(1).. {
            let day = Date::of_days(days).unwrap();
            assert!(day > before && day.days() == days, "{day} after {before}");
            if day.to_string() == "2200-01-01" {
                break;
            }
            before = day;
        }
    }
}
