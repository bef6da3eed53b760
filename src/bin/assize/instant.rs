//! Instants as text: read from traces, shown to people.

use std::fmt;

use assize::num::Timestamp;

use crate::date::Date;

/// Reads `YYYY-MM-DD HH:MM:SS`, UTC, with a fraction of up to nine digits or without one.
pub(crate) fn parse(text: &str) -> Result<Timestamp, InstantError> {
    let (day, time) = text.split_once(' ').ok_or(InstantError::Form)?;
    let day: Date = day.parse().map_err(|_| InstantError::Form)?;
    let (clock, fraction) = match time.split_once('.') {
        Some((clock, fraction)) => (clock, fraction_ns(fraction)?),
        None => (time, 0),
    };
    let mut parts = clock.split(':');
    let mut part = |most: i64| -> Result<i64, InstantError> {
        let digits = parts.next().filter(|digits| digits.len() == 2).ok_or(InstantError::Form)?;
        let value = number(digits)?;
        if value > most { Err(InstantError::Form) } else { Ok(value) }
    };
    let (hours, minutes, seconds) = (part(23)?, part(59)?, part(59)?);
    if parts.next().is_some() {
        return Err(InstantError::Form);
    }
    // OK because a day's seconds are below 10⁵ and days below 10⁷.
    let minutes = hours.saturating_mul(60).saturating_add(minutes);
    let seconds = minutes.saturating_mul(60).saturating_add(seconds);
    let seconds = day.days().saturating_mul(DAY_S).saturating_add(seconds);
    let ns = seconds.checked_mul(SECOND_NS).and_then(|ns| ns.checked_add(fraction));
    ns.map(Timestamp).ok_or(InstantError::Range)
}

/// Why a text is no instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum InstantError {
    /// It has another form.
    Form,
    /// It lies before or after what 64 bits of nanoseconds can tell.
    Range,
}

impl fmt::Display for InstantError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Form => "no instant; the form is YYYY-MM-DD HH:MM:SS with up to nine decimals, UTC",
            Self::Range => "an instant out of range; it lies between 1677-09-22 and 2262-04-11",
        })
    }
}

/// The instant as people read it, UTC.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shown(pub(crate) Timestamp);

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Timestamp(ns) = self.0;
        let (seconds, fraction) = (ns.div_euclid(SECOND_NS), ns.rem_euclid(SECOND_NS));
        let (days, second) = (seconds.div_euclid(DAY_S), seconds.rem_euclid(DAY_S));
        // OK because 64 bits of nanoseconds stay within the years that a day can have.
        let Some(day) = Date::of_days(days) else { return write!(f, "{ns} ns") };
        let (hour, minute) = (second.div_euclid(3600), second.rem_euclid(3600).div_euclid(60));
        let text = format!("{day} {hour:02}:{minute:02}:{:02}.{fraction:09}", second.rem_euclid(60));
        f.pad(&text)
    }
}

const SECOND_NS: i64 = 1_000_000_000;
const DAY_S: i64 = 86_400;

fn fraction_ns(digits: &str) -> Result<i64, InstantError> {
    if !(1..=9).contains(&digits.len()) {
        return Err(InstantError::Form);
    }
    number(&format!("{digits:0<9}"))
}

fn number(digits: &str) -> Result<i64, InstantError> {
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(InstantError::Form);
    }
    digits.parse().map_err(|_| InstantError::Form)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_read_exactly_and_shown_again() {
        let cases = [
            ("1970-01-01 00:00:00", 0, "1970-01-01 00:00:00.000000000"),
            ("2023-11-16 18:15:46.6805900", 1_700_158_546_680_590_000, "2023-11-16 18:15:46.680590000"),
            ("2023-11-16 18:15:46.680590001", 1_700_158_546_680_590_001, "2023-11-16 18:15:46.680590001"),
            ("1969-12-31 23:59:59.9", -100_000_000, "1969-12-31 23:59:59.900000000"),
            ("2262-04-11 23:47:16.854775807", i64::MAX, "2262-04-11 23:47:16.854775807"),
            ("1677-09-21 00:12:44", -9_223_372_036_000_000_000, "1677-09-21 00:12:44.000000000"),
        ];
        for (text, ns, shown) in cases {
            assert_eq!(parse(text), Ok(Timestamp(ns)), "{text}");
            assert_eq!(Shown(Timestamp(ns)).to_string(), shown);
        }
        assert_eq!(Shown(Timestamp(i64::MIN)).to_string(), "1677-09-21 00:12:43.145224192");
    }

    #[test]
    fn what_is_no_instant() {
        let forms = [
            "",
            "2023-11-16",
            "2023-11-16T18:15:46",
            "2023-11-16 18:15",
            "2023-11-16 18:15:46Z",
            "2023-11-16 18:15:46.",
            "2023-11-16 18:15:46.1234567890",
            "2023-11-16 18:15:46.12a",
            "2023-11-16 18:15:46:10",
            "2023-11-16 24:00:00",
            "2023-11-16 23:60:00",
            "2023-11-16 23:59:60",
            "2023-11-16 8:15:46",
            "2023-11-16 +8:15:46",
            "2023-11-16 18:15:46.-1",
            " 2023-11-16 18:15:46",
            "2023-11-31 18:15:46",
        ];
        for text in forms {
            assert_eq!(parse(text), Err(InstantError::Form), "{text}");
        }
        for text in ["2262-04-11 23:47:16.854775808", "9999-12-31 23:59:59", "0001-01-01 00:00:00"] {
            assert_eq!(parse(text), Err(InstantError::Range), "{text}");
        }
    }
}
