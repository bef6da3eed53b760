//! Where on its axis a lever makes a candidate win.

use alloc::vec::Vec;

/// The places at which the candidate is selected: intervals, ascending, apart from one another, ends included.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Winning(Vec<(u128, u128)>);

impl Winning {
    /// Nowhere.
    pub(super) const fn nowhere() -> Self {
        Self(Vec::new())
    }

    /// From one place to the other.
    pub(super) fn interval(from: u128, to: u128) -> Self {
        let mut winning = Self::nowhere();
        winning.push(from, to);
        winning
    }

    /// Takes in an interval above all that there are.
    pub(super) fn push(&mut self, from: u128, to: u128) {
        if from > to {
            return;
        }
        match self.0.last_mut() {
            Some(last) if last.1.checked_add(1) == Some(from) => last.1 = to,
            _ => self.0.push((from, to)),
        }
    }

    /// The same seen from the other end of an axis from 0 to `end`.
    pub(super) fn mirrored(&self, end: u128) -> Self {
        let turned = |&(from, to): &(u128, u128)| (end.saturating_sub(to), end.saturating_sub(from));
        Self(self.0.iter().rev().map(turned).collect())
    }

    /// The place nearest to that one; of two equally near, the lower.
    pub(super) fn nearest(&self, to: u128) -> Option<u128> {
        // The intervals ascend, and the first of equals is kept.
        self.0.iter().map(|&(from, until)| to.clamp(from, until)).min_by_key(|place| place.abs_diff(to))
    }

    pub(super) fn lowest(&self) -> Option<u128> {
        self.0.first().map(|interval| interval.0)
    }

    pub(super) fn highest(&self) -> Option<u128> {
        self.0.last().map(|interval| interval.1)
    }

    /// The interval that has that place.
    pub(super) fn around(&self, place: u128) -> Option<(u128, u128)> {
        self.0.iter().copied().find(|&(from, to)| (from..=to).contains(&place))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn winning(intervals: &[(u128, u128)]) -> Winning {
        let mut winning = Winning::nowhere();
        for &(from, to) in intervals {
            winning.push(from, to);
        }
        winning
    }

    #[test]
    fn neighbours_become_one_and_empty_intervals_none() {
        assert_eq!(winning(&[(0, 1), (2, 3), (5, 5), (9, 8)]), winning(&[(0, 3), (5, 5)]));
        assert_eq!(winning(&[(3, 2)]), Winning::nowhere());
        let top = winning(&[(0, u128::MAX)]);
        assert_eq!(top.highest(), Some(u128::MAX));
    }

    #[test]
    fn the_nearest_place_is_the_lower_of_two() {
        let winning = winning(&[(2, 4), (8, 9)]);
        let cases = [(0, 2), (2, 2), (3, 3), (5, 4), (6, 4), (7, 8), (8, 8), (50, 9)];
        for (to, nearest) in cases {
            assert_eq!(winning.nearest(to), Some(nearest), "{to}");
        }
        assert_eq!(Winning::nowhere().nearest(3), None);
        assert_eq!((winning.around(4), winning.around(5)), (Some((2, 4)), None));
    }

    #[test]
    fn a_mirrored_axis_keeps_its_ends() {
        assert_eq!(winning(&[(0, 1), (4, 10)]).mirrored(10), winning(&[(0, 6), (9, 10)]));
    }
}
