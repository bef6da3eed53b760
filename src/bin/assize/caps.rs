//! Windows, throttles and what binds, in words.

use assize::{
    caps::{Binding, Bound},
    ledger::{Account, Ledger},
    num::Timestamp,
    policy::Schema,
    throttle::{Backlog, Counts, Throttle},
    window::{Span, Window},
};

use crate::{instant::Shown, names, output::grouped};

/// A window in words.
pub(crate) fn window(window: Window) -> String {
    match window {
        Window::Lifetime => "lifetime".to_owned(),
        Window::Day { utc_offset_s } => format!("day {}", offset(utc_offset_s)),
        Window::Month { utc_offset_s } => format!("month {}", offset(utc_offset_s)),
        Window::Fixed { length_ns, origin_ns: 0 } => format!("every {}", length(length_ns)),
        Window::Fixed { length_ns, origin_ns } => {
            format!("every {} from {}", length(length_ns), length(origin_ns.unsigned_abs()))
        }
        Window::Given => "given".to_owned(),
    }
}

/// The window of an account's limit in words.
pub(crate) fn limit(account: &Account, limit: u8) -> String {
    let found = account.opened.caps.windows().get(usize::from(limit));
    found.map_or_else(|| format!("limit {limit}"), |found| window(*found))
}

/// From when and until when a window is: nothing of a lifetime, and no end where nobody knows it.
pub(crate) fn edges(span: Span) -> [String; 2] {
    if span == Span::default() {
        return [String::new(), String::new()];
    }
    let until = if span.end == Timestamp(i64::MAX) { String::new() } else { edge(span.end) };
    [edge(span.start), until]
}

/// The edge of a window, which is at a whole second mostly.
pub(crate) fn edge(at: Timestamp) -> String {
    let shown = Shown(at).to_string();
    shown.strip_suffix(".000000000").map(str::to_owned).unwrap_or(shown)
}

/// What binds, by the account's name; of an account with one limit, the name says it all.
pub(crate) fn binding(ledger: &Ledger, binding: Binding) -> String {
    let name = names::account(ledger, binding.account);
    let windows = ledger.account(binding.account).map(|account| account.opened.caps.windows());
    match binding.bound {
        Bound::Limit(number) => match windows.and_then(|windows| windows.get(usize::from(number))) {
            None | Some(Window::Lifetime) if number == 0 => name,
            None => format!("{name} (limit {number})"),
            Some(found) => format!("{name} ({})", window(*found)),
        },
        Bound::Held | Bound::Holds => format!("{name} ({})", binding.bound),
    }
}

/// What a throttle lets pass, in words.
pub(crate) fn throttle(of: &Throttle, schema: &Schema) -> String {
    let (rate, burst, period) = (grouped(of.rate), grouped(of.burst), length(of.period_ns));
    let what = match of.counts {
        Counts::Requests => "requests".to_owned(),
        Counts::Cost => "µ".to_owned(),
        Counts::Units { quantities } => {
            let named = schema.quantities().iter().zip(0_u32..);
            let counted =
                named.filter(|(_, index)| quantities.checked_shr(*index).is_some_and(|bit| bit & 1 == 1));
            counted.map(|(spec, _)| spec.name()).collect::<Vec<_>>().join(" + ")
        }
    };
    format!("{rate} {what} in {period}, {burst} at once")
}

/// How much of its burst a throttle has left at an instant, whole ones counted.
pub(crate) fn left(of: &Throttle, backlog: Backlog, now: Timestamp) -> u64 {
    // Nothing always passes, and tells what has drained by then.
    let level = of.pass(backlog, now, 0).map_or(of.level_max(), |drained| drained.level);
    let free = of.level_max().saturating_sub(level).checked_div(u128::from(of.period_ns));
    free.and_then(|free| u64::try_from(free).ok()).unwrap_or(0)
}

/// A length of time in the largest unit that tells it exactly.
fn length(ns: u64) -> String {
    let units = [("s", 1_000_000_000), ("ms", 1_000_000), ("ns", 1)];
    let found = units.into_iter().find(|(_, unit)| ns.is_multiple_of(*unit));
    let (name, unit) = found.unwrap_or(("ns", 1));
    format!("{} {name}", grouped(ns.checked_div(unit).unwrap_or(ns)))
}

/// An offset from UTC, as `+HH:MM` and with seconds where it has them.
pub(crate) fn offset(seconds: i32) -> String {
    let sign = if seconds < 0 { '-' } else { '+' };
    let whole = seconds.unsigned_abs();
    let (hours, minutes, rest) = (whole / 3600, whole / 60 % 60, whole % 60);
    let rest = if rest == 0 { String::new() } else { format!(":{rest:02}") };
    format!("{sign}{hours:02}:{minutes:02}{rest}")
}

/// Reads an offset from UTC: `+HH:MM` or `-HH:MM`, up to 18 hours.
pub(crate) fn parse_offset(text: &str) -> Result<i32, String> {
    let parsed = || {
        let (sign, clock) = match text.as_bytes().first()? {
            b'+' => (1, text.get(1..)?),
            b'-' => (-1, text.get(1..)?),
            _ => return None,
        };
        let (hours, minutes) = clock.split_once(':')?;
        let part = |digits: &str, most: i32| -> Option<i32> {
            let plain = digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit());
            digits.parse().ok().filter(|part| plain && *part <= most)
        };
        let seconds = part(hours, 18)?.checked_mul(3600)?.checked_add(part(minutes, 59)?.checked_mul(60)?)?;
        let utc_offset_s = seconds.checked_mul(sign)?;
        Window::Month { utc_offset_s }.check().ok().map(|_| utc_offset_s)
    };
    parsed().ok_or_else(|| "no offset from UTC; the form is +HH:MM or -HH:MM, up to 18 hours".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_are_read_and_shown() {
        let cases =
            [("+00:00", 0), ("+02:00", 7200), ("-03:30", -12_600), ("+18:00", 64_800), ("-18:00", -64_800)];
        for (text, seconds) in cases {
            assert_eq!(parse_offset(text), Ok(seconds), "{text}");
            assert_eq!(offset(seconds), text);
        }
        assert_eq!(offset(-30), "-00:00:30");
        for text in ["", "02:00", "+2:00", "+02", "+18:01", "+02:60", "+0२:00", "+02:00:00", "++2:00"] {
            assert!(parse_offset(text).is_err(), "{text}");
        }
    }

    #[test]
    fn windows_and_edges_have_words() {
        let cases = [
            (Window::Lifetime, "lifetime"),
            (Window::Day { utc_offset_s: 7200 }, "day +02:00"),
            (Window::Month { utc_offset_s: 0 }, "month +00:00"),
            (Window::Fixed { length_ns: 3_600_000_000_000, origin_ns: 0 }, "every 3,600 s"),
            (Window::Fixed { length_ns: 1_500_000_000, origin_ns: 7 }, "every 1,500 ms from 7 ns"),
            (Window::Given, "given"),
        ];
        for (of, expected) in cases {
            assert_eq!(window(of), expected);
        }
        let day = Window::Day { utc_offset_s: 0 }.span(Timestamp(5));
        assert_eq!(edges(day), ["1970-01-01 00:00:00", "1970-01-02 00:00:00"]);
        assert_eq!(edges(Window::Lifetime.span(Timestamp(5))), ["", ""]);
        assert_eq!(edges(Window::Given.span(Timestamp(5))), ["1970-01-01 00:00:00.000000005", ""]);
    }

    #[test]
    fn what_is_left_of_a_burst_is_counted_whole() {
        let of = Throttle { counts: Counts::Requests, rate: 2, period_ns: 10, burst: 3 };
        let full = of.pass(Backlog::default(), Timestamp(0), 3).unwrap();
        let seen: Vec<u64> = [0, 4, 5, 9, 10, 15, 99].map(|now| left(&of, full, Timestamp(now))).into();
        assert_eq!(seen, [0, 0, 1, 1, 2, 3, 3]);
        assert_eq!(left(&of, Backlog::default(), Timestamp(0)), 3);
    }
}
