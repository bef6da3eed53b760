//! Throttles: how much may pass in how short a time. A generic cell rate algorithm (ITU-T I.371), in integers.

use core::fmt;

use crate::num::Timestamp;

/// Lets a rate of something pass in a period, with a burst of it at once. SEMANTICS 19.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Throttle {
    /// What it counts.
    pub counts: Counts,
    /// How many pass in a period: 1 to 2⁶².
    pub rate: u64,
    /// The period: 1 to 2⁵⁶ ns.
    pub period_ns: u64,
    /// How many pass at once: 1 to 2⁶².
    pub burst: u64,
}

/// What a throttle counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
pub enum Counts {
    /// Requests: each is 1.
    Requests,
    /// Micro-units to be held.
    Cost,
    /// The sum of a request's amounts of some quantities, such as tokens.
    Units {
        /// The quantities of the schema: bit i for the one of index i. Not 0.
        quantities: u8,
    },
}

/// How far a throttle is filled, as of the last that passed it. SEMANTICS 19.2.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Backlog {
    /// When that was.
    #[cfg_attr(feature = "serde", serde(rename = "as_of_ns"))]
    pub as_of: Timestamp,
    /// What was left to drain then: periods times what is counted.
    pub level: u128,
}

/// Why something does not pass a throttle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Throttled {
    /// It does, so much later, if nothing passes before.
    For {
        /// How much later.
        wait_ns: u64,
    },
    /// It is more than the burst: it never does.
    Never,
}

impl Throttle {
    /// The throttle as it was given, if it can be one.
    ///
    /// # Errors
    /// A number is out of its range, or it counts no quantity.
    pub const fn check(self) -> Result<Self, ThrottleError> {
        if matches!(self.counts, Counts::Units { quantities: 0 }) {
            return Err(ThrottleError::NoQuantity);
        }
        if self.rate < 1 || self.rate > COUNT_MAX {
            return Err(ThrottleError::Rate { seen: self.rate });
        }
        if self.period_ns < 1 || self.period_ns > PERIOD_NS_MAX {
            return Err(ThrottleError::Period { seen_ns: self.period_ns });
        }
        if self.burst < 1 || self.burst > COUNT_MAX {
            return Err(ThrottleError::Burst { seen: self.burst });
        }
        Ok(self)
    }

    /// The backlog once `count` has passed at `now`. Nothing has drained of it at an instant before what it was as of, and
    /// it stays as of that.
    ///
    /// # Errors
    /// It does not pass: nothing is counted.
    pub fn pass(&self, before: Backlog, now: Timestamp, count: u128) -> Result<Backlog, Throttled> {
        if count > u128::from(self.burst) {
            return Err(Throttled::Never);
        }
        // OK because none of these products, of numbers up to 2⁶⁴, 2⁶² and 2⁵⁶, nor the sum, reaches 2¹²⁷.
        let apart_ns = now.0.abs_diff(before.as_of.0);
        let (elapsed_ns, behind_ns) = if now < before.as_of { (0, apart_ns) } else { (apart_ns, 0) };
        let drained = u128::from(elapsed_ns).saturating_mul(u128::from(self.rate));
        let added = count.saturating_mul(u128::from(self.period_ns));
        let level = before.level.saturating_sub(drained).saturating_add(added);
        let most = self.level_max();
        match level.checked_sub(most) {
            // One that is empty is as of any instant.
            None | Some(0) if before.level == 0 => Ok(Backlog { as_of: now, level }),
            None | Some(0) => Ok(Backlog { as_of: now.max(before.as_of), level }),
            Some(above) => {
                let wait = above.div_ceil(u128::from(self.rate).max(1)).saturating_add(behind_ns.into());
                Err(Throttled::For { wait_ns: u64::try_from(wait).unwrap_or(u64::MAX) })
            }
        }
    }

    /// The highest level that passes.
    #[must_use]
    pub fn level_max(&self) -> u128 {
        u128::from(self.burst).saturating_mul(u128::from(self.period_ns))
    }
}

const COUNT_MAX: u64 = 1 << 62;
const PERIOD_NS_MAX: u64 = 1 << 56;

/// Why a throttle can be none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ThrottleError {
    /// It counts units of no quantity.
    NoQuantity,
    /// The rate is 0 or above 2⁶².
    Rate {
        /// What was given.
        seen: u64,
    },
    /// The period is 0 or above 2⁵⁶ ns.
    Period {
        /// What was given.
        seen_ns: u64,
    },
    /// The burst is 0 or above 2⁶².
    Burst {
        /// What was given.
        seen: u64,
    },
}

impl fmt::Display for ThrottleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoQuantity => write!(f, "a throttle of units counts at least one quantity"),
            Self::Rate { seen } => write!(f, "a rate of {seen}; it is 1 to {COUNT_MAX}"),
            Self::Period { seen_ns } => write!(f, "a period of {seen_ns} ns; it is 1 to {PERIOD_NS_MAX} ns"),
            Self::Burst { seen } => write!(f, "a burst of {seen}; it is 1 to {COUNT_MAX}"),
        }
    }
}

impl core::error::Error for ThrottleError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_at_once_and_then_the_rate() {
        // 3 in 10 ns does not divide: what passes is exact all the same.
        let throttle = Throttle { counts: Counts::Requests, rate: 3, period_ns: 10, burst: 2 };
        let mut backlog = Backlog::default();
        let mut passed = std::vec::Vec::new();
        for now in 0..=20 {
            while let Ok(next) = throttle.pass(backlog, Timestamp(now), 1) {
                backlog = next;
                passed.push(now);
            }
        }
        // The nth after the burst passes at ⌈10 n / 3⌉.
        assert_eq!(passed, [0, 0, 4, 7, 10, 14, 17, 20]);
    }

    #[test]
    fn what_waits_so_long_passes_and_not_a_nanosecond_earlier() {
        let throttle = Throttle { counts: Counts::Cost, rate: 7, period_ns: 1000, burst: 50 };
        let full = throttle.pass(Backlog::default(), Timestamp(5), 50).unwrap();
        for count in [1, 2, 7, 49, 50] {
            let Err(Throttled::For { wait_ns }) = throttle.pass(full, Timestamp(5), count) else { panic!() };
            let later = |ns: u64| Timestamp(5 + i64::try_from(ns).unwrap());
            assert!(throttle.pass(full, later(wait_ns), count).is_ok());
            assert!(throttle.pass(full, later(wait_ns - 1), count).is_err());
        }
        assert_eq!(throttle.pass(full, Timestamp(i64::MAX), 51), Err(Throttled::Never));
    }

    #[test]
    fn nothing_drains_when_time_goes_back() {
        let throttle = Throttle { counts: Counts::Requests, rate: 1, period_ns: 10, burst: 3 };
        let full = throttle.pass(Backlog::default(), Timestamp(100), 3).unwrap();
        for (now, wait_ns) in [(-1, 111), (0, 110), (99, 11), (100, 10), (101, 9)] {
            assert_eq!(throttle.pass(full, Timestamp(now), 1), Err(Throttled::For { wait_ns }), "at {now}");
        }
        let two = throttle.pass(Backlog::default(), Timestamp(100), 2).unwrap();
        let back = throttle.pass(two, Timestamp(50), 1).unwrap();
        assert_eq!(back, full, "what passes before is as of the later instant: the time between drains once");
        assert_eq!(throttle.pass(Backlog::default(), Timestamp(-5), 1).unwrap().as_of, Timestamp(-5));
    }

    #[test]
    fn the_extremes_fit() {
        let largest = Throttle {
            counts: Counts::Requests,
            rate: COUNT_MAX,
            period_ns: PERIOD_NS_MAX,
            burst: COUNT_MAX,
        };
        let first =
            largest.check().unwrap().pass(Backlog::default(), Timestamp(i64::MAX), u128::from(COUNT_MAX));
        assert_eq!(first.unwrap().level, largest.level_max());
        let slowest = Throttle { rate: 1, ..largest };
        let full = slowest.pass(Backlog::default(), Timestamp(i64::MIN), u128::from(COUNT_MAX)).unwrap();
        assert!(slowest.pass(full, Timestamp(i64::MAX), 1).is_ok());
        assert_eq!(slowest.pass(full, Timestamp(i64::MIN), 1), Err(Throttled::For { wait_ns: 1 << 56 }));
    }
}
