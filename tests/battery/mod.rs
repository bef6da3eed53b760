//! What the batteries share: a host that makes logs of every kind of record, images of logs that can be altered, the
//! parts of FORMAT that an attacker knows, and the rule for what an error must name.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    reason = "a test that fails by panicking fails; each test binary uses its own part of the module"
)]

pub mod acts;
pub mod ask;
pub mod chance;
pub mod client;
pub mod format;
pub mod host;
pub mod image;
pub mod log;
pub mod perform;
pub mod told;
pub mod watched;

use std::{
    env,
    ops::Range,
    sync::atomic::{AtomicU64, Ordering},
    thread,
};

/// Whether the whole battery was asked for: `ASSIZE_BATTERY=full`.
pub fn full() -> bool {
    env::var_os("ASSIZE_BATTERY").is_some_and(|value| value == "full")
}

/// A number that was asked for.
pub fn number_from_env(name: &str) -> Option<u64> {
    let text = env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is no number: {text}")))
}

/// Does `act` for each number, in two threads; gives the sum of what it gives.
pub fn in_two(numbers: Range<u64>, act: impl Fn(u64) -> u64 + Sync) -> u64 {
    const AT_A_TIME: u64 = 64;
    let next = AtomicU64::new(numbers.start);
    let work = || {
        let mut sum = 0;
        loop {
            let from = next.fetch_add(AT_A_TIME, Ordering::Relaxed);
            if from >= numbers.end {
                return sum;
            }
            sum += (from..numbers.end.min(from + AT_A_TIME)).map(&act).sum::<u64>();
        }
    };
    thread::scope(|scope| {
        let other = scope.spawn(work);
        work() + other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// Numbers that look drawn, the same in every run.
pub struct Drawn(pub u64);

impl Drawn {
    pub fn next(&mut self) -> u64 {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    pub fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.next() as u8).collect()
    }
}
