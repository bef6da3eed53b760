//! Bisection over `u64`.

/// The largest number from `from` to `to` for which it holds, where it holds up to some number and not above;
/// `None` where it holds for none.
pub(super) fn last(from: u64, to: u64, mut holds: impl FnMut(u64) -> bool) -> Option<u64> {
    if from > to || !holds(from) {
        return None;
    }
    if holds(to) {
        return Some(to);
    }
    // It holds for `below` and not for `above`.
    let (mut below, mut above) = (from, to);
    loop {
        let middle = below.midpoint(above);
        if middle == below {
            return Some(below);
        }
        if holds(middle) {
            below = middle;
        } else {
            above = middle;
        }
    }
}

/// The smallest number from `from` to `to` for which it holds, where it holds from some number on; `None` where it
/// holds for none.
pub(super) fn first(from: u64, to: u64, mut holds: impl FnMut(u64) -> bool) -> Option<u64> {
    let span = to.checked_sub(from)?;
    let down = last(0, span, |distance| holds(to.saturating_sub(distance)))?;
    to.checked_sub(down)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ends_are_found_exactly() {
        let max = u64::MAX;
        let cases =
            [(0, 0, 0), (0, 9, 4), (0, 9, 9), (3, 9, 3), (0, max, max), (0, max, max - 1), (0, max, 0)];
        for (from, to, end) in cases {
            assert_eq!(last(from, to, |at| at <= end), Some(end), "last {from} {to} {end}");
            assert_eq!(first(from, to, |at| at >= end), Some(end), "first {from} {to} {end}");
        }
        assert_eq!(last(2, 9, |at| at < 2), None);
        assert_eq!(first(2, 9, |at| at > 9), None);
        assert_eq!((last(3, 2, |_| true), first(3, 2, |_| true)), (None, None));
    }
}
