//! Calendar days, as the price list writes them.

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
        Self::of_days(since.as_secs().checked_div(86_400)?)
    }

    /// The day that many days after 1970-01-01.
    fn of_days(days: u64) -> Option<Self> {
        let mut left = days;
        for year in 1970..=9999 {
            let length = if is_leap(year) { 366 } else { 365 };
            if left >= length {
                left = left.checked_sub(length)?;
                continue;
            }
            for month in 1..=12 {
                let length = days_of(year, month)?;
                if left < u64::from(length) {
                    return Self::new(year, month, u8::try_from(left).ok()?.checked_add(1)?);
                }
                left = left.checked_sub(u64::from(length))?;
            }
        }
        None
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
        let cases = [(0, "1970-01-01"), (59, "1970-03-01"), (11_016, "2000-02-29"), (20_780, "2026-11-23")];
        for (days, expected) in cases {
            assert_eq!(Date::of_days(days).unwrap().to_string(), expected);
        }
        assert_eq!(Date::of_days(u64::MAX), None);
    }
}
