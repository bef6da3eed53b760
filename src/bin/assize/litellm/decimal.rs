//! Decimal numbers as they are written: digits and a power of ten, never a float.

/// A number of any length, exactly.
///
/// Equality is that of the values: no leading and no trailing zero is kept, and minus zero is zero.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Decimal {
    negative: bool,
    /// The significant digits d₁d₂…, 0 to 9 each; none for zero.
    digits: Vec<u8>,
    /// The value is 0.d₁d₂… · 10^point.
    point: i64,
}

/// A decimal scaled to an integer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Scaled {
    /// Rounded up.
    pub(super) value: u64,
    /// Whether anything was rounded away.
    pub(super) rounded: bool,
}

impl Decimal {
    /// The number that a text is by the grammar of JSON (RFC 8259, section 6), or `None`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (negative, rest) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (mantissa, exponent) = match rest.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, parse_exponent(exponent)?),
            None => (rest, 0),
        };
        let (whole, fraction) = match mantissa.split_once('.') {
            Some((whole, fraction)) if is_digits(fraction) => (whole, fraction),
            Some(_) => return None,
            None => (mantissa, ""),
        };
        if !is_digits(whole) || (whole.len() > 1 && whole.starts_with('0')) {
            return None;
        }

        let written = || whole.bytes().chain(fraction.bytes()).map(|digit| digit.saturating_sub(b'0'));
        let leading = written().take_while(|digit| *digit == 0).count();
        let mut digits: Vec<u8> = written().skip(leading).collect();
        let trailing = digits.iter().rev().take_while(|digit| **digit == 0).count();
        digits.truncate(digits.len().saturating_sub(trailing));
        if digits.is_empty() {
            return Some(Self { negative: false, digits, point: 0 });
        }
        let places = i64::try_from(whole.len()).ok()?.checked_sub(i64::try_from(leading).ok()?)?;
        Some(Self { negative, digits, point: places.checked_add(exponent)? })
    }

    /// Whether it is below zero.
    pub(super) fn is_negative(&self) -> bool {
        self.negative
    }

    /// Its magnitude times 10^`power` as an integer, a remainder rounded up; `None` above `u64::MAX`.
    pub(super) fn scaled(&self, power: i64) -> Option<Scaled> {
        let places = self.point.checked_add(power)?;
        if self.digits.is_empty() {
            return Some(Scaled { value: 0, rounded: false });
        }
        // Zero or fewer places before the point, and a digit that is not zero after it.
        let Some(places) = usize::try_from(places).ok().filter(|places| *places > 0) else {
            return (places <= 0).then_some(Scaled { value: 1, rounded: true });
        };
        if places > U64_DIGITS {
            return None;
        }
        let written = self.digits.iter().copied().chain(core::iter::repeat(0)).take(places);
        let whole = written.fold(0_u128, |sum, digit| {
            // OK because 20 digits are far below 2¹²⁸.
            sum.saturating_mul(10).saturating_add(u128::from(digit))
        });
        let rounded = self.digits.len() > places;
        let value = u64::try_from(whole.saturating_add(u128::from(rounded))).ok()?;
        Some(Scaled { value, rounded })
    }

    /// The number itself, when it is whole, not negative and at most `u64::MAX`.
    pub(super) fn whole(&self) -> Option<u64> {
        self.scaled(0).filter(|scaled| !scaled.rounded && !self.negative).map(|scaled| scaled.value)
    }
}

/// Digits of `u64::MAX`.
const U64_DIGITS: usize = 20;

/// Exponents are cut to ± this: with any mantissa that a file can hold, the number is then too large or rounds to 1.
const EXPONENT_MAX: i64 = 1_000_000_000_000;

fn parse_exponent(text: &str) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if !is_digits(digits) {
        return None;
    }
    // What does not parse has too many digits.
    let magnitude = digits.parse::<i64>().unwrap_or(EXPONENT_MAX).min(EXPONENT_MAX);
    Some(if negative { magnitude.saturating_neg() } else { magnitude })
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_scale_exactly_or_round_up() {
        let cases = [
            ("0", 12, Some((0, false))),
            ("-0.0", 12, Some((0, false))),
            ("1e-06", 12, Some((1_000_000, false))),
            ("0.000001", 12, Some((1_000_000, false))),
            ("1.1428571428571428e-06", 12, Some((1_142_858, true))),
            ("9.499999999999999e-07", 12, Some((950_000, true))),
            ("1e-13", 12, Some((1, true))),
            ("1e-400", 12, Some((1, true))),
            ("1e-99999999999999999999999999", 12, Some((1, true))),
            ("0e99999999999999999999999999", 12, Some((0, false))),
            ("1e400", 12, None),
            ("1e99999999999999999999999999", 12, None),
            ("18446744.073709551615", 12, Some((u64::MAX, false))),
            ("18446744.073709551616", 12, None),
            ("18446744.0737095516151", 12, None),
            ("0.005", 6, Some((5000, false))),
            ("12.50E+2", 0, Some((1250, false))),
        ];
        for (text, power, expected) in cases {
            let scaled = Decimal::parse(text).unwrap().scaled(power);
            assert_eq!(scaled.map(|scaled| (scaled.value, scaled.rounded)), expected, "{text} · 10^{power}");
        }
    }

    #[test]
    fn what_is_no_json_number_is_none() {
        let texts = [
            "", "-", "+1", "01", "-01", ".5", "1.", "1e", "1e+", "1e1.5", "NaN", "inf", " 1", "1 ", "1_0",
            "0x1", "１",
        ];
        for text in texts {
            assert_eq!(Decimal::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn equality_is_that_of_the_values() {
        let same = [("1e-07", "0.0000001"), ("100", "1E2"), ("-0", "0.00"), ("1.50", "1.5")];
        for (a, b) in same {
            assert_eq!(Decimal::parse(a), Decimal::parse(b), "{a} {b}");
        }
        assert_ne!(Decimal::parse("1"), Decimal::parse("-1"));
    }

    #[test]
    fn whole_numbers() {
        let cases =
            [("4096.0", Some(4096)), ("1e3", Some(1000)), ("0.5", None), ("-1", None), ("2e19", None)];
        for (text, expected) in cases {
            assert_eq!(Decimal::parse(text).unwrap().whole(), expected, "{text}");
        }
    }
}
