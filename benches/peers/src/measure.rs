//! Times of two things beside each other in one run. Machines are shared: what is held to is ratios.

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use rustix::time::{ClockId, clock_gettime};

/// What one call of either takes, and how many times longer the first one takes.
#[derive(Clone, Copy, Debug)]
pub struct Beside {
    pub peer_ns: f64,
    pub ours_ns: f64,
    /// The median of the repetitions' ratios, the peer's time to ours.
    pub ratio: f64,
    pub ratio_min: f64,
}

/// Times both in turns. Each is given a number of rounds to make, and a round is `calls` calls.
pub fn beside(calls: usize, mut peer: impl FnMut(usize), mut ours: impl FnMut(usize)) -> Beside {
    let peer = |rounds| cpu_time_of(|| peer(rounds)).0;
    beside_timed(calls, peer, |rounds| cpu_time_of(|| ours(rounds)).0)
}

/// As [`beside`], for work that says itself how long its rounds took.
pub fn beside_timed(
    calls: usize,
    mut peer: impl FnMut(usize) -> Duration,
    mut ours: impl FnMut(usize) -> Duration,
) -> Beside {
    let ((peer_rounds, peer_slice), (ours_rounds, ours_slice)) = (rounds(&mut peer), rounds(&mut ours));
    let slices = nanos(REPETITION) / nanos(peer_slice.max(ours_slice));
    let slices = (slices as usize).clamp(1, SLICES_MAX);
    // Beside a side that takes long, the other does not take less than it would have.
    let share = REPETITION.as_nanos() / slices as u128;
    let filled = |rounds: usize, slice: Duration| rounds * share.div_ceil(slice.as_nanos()) as usize;
    let (peer_rounds, ours_rounds) = (filled(peer_rounds, peer_slice), filled(ours_rounds, ours_slice));
    let mut pairs = Vec::new();
    for repetition in 0..REPETITIONS {
        let (mut theirs, mut own) = (Duration::ZERO, Duration::ZERO);
        for slice in 0..slices {
            // Who begins alternates, so that neither always follows the other.
            if (repetition + slice) % 2 == 0 {
                theirs += peer(peer_rounds);
                own += ours(ours_rounds);
            } else {
                own += ours(ours_rounds);
                theirs += peer(peer_rounds);
            }
        }
        let per_call = |time, rounds| nanos(time) / (slices * rounds * calls) as f64;
        pairs.push((per_call(theirs, peer_rounds), per_call(own, ours_rounds)));
    }
    let ratios: Vec<f64> = pairs.iter().map(|(peer, ours)| peer / ours).collect();
    Beside {
        peer_ns: median(pairs.iter().map(|pair| pair.0)),
        ours_ns: median(pairs.iter().map(|pair| pair.1)),
        ratio: median(ratios.iter().copied()),
        ratio_min: ratios.into_iter().fold(f64::INFINITY, f64::min),
    }
}

/// Rounds that take about as long as a slice should, and how long they take; finding them warms up.
fn rounds(work: &mut impl FnMut(usize) -> Duration) -> (usize, Duration) {
    let mut rounds = 1;
    loop {
        let taken = work(rounds);
        if taken >= SLICE {
            return (rounds, taken);
        }
        let wanted = nanos(SLICE) / nanos(taken).max(1.0);
        rounds = (rounds as f64 * wanted.clamp(1.1, 16.0)).ceil() as usize;
    }
}

/// How long it takes, in CPU time of this thread: on a shared machine a long batch is interrupted more often than a
/// short one, and wall time would count that.
pub fn cpu_time_of<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let start = cpu_time();
    let made = work();
    (cpu_time() - start, made)
}

fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::try_from(time).expect("the clock began at 0")
}

/// Wall times of single calls, in nanoseconds.
#[derive(Clone, Debug, Default)]
pub struct Tail(Vec<u64>);

impl Tail {
    /// Calls once, and notes how long it took.
    pub fn call<T>(&mut self, call: impl FnOnce() -> T) {
        let start = Instant::now();
        black_box(call());
        self.note(start.elapsed());
    }

    /// As `call`, with what the call gave.
    pub fn call_for<T>(&mut self, call: impl FnOnce() -> T) -> T {
        let start = Instant::now();
        let made = call();
        self.note(start.elapsed());
        made
    }

    pub fn note(&mut self, time: Duration) {
        self.add(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
    }

    pub fn add(&mut self, nanos: u64) {
        self.0.push(nanos);
    }

    pub fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// The time that so many of 1,000 calls do not pass.
    pub fn per_mille(&mut self, per_mille: usize) -> u64 {
        self.0.sort_unstable();
        let place = (self.0.len() * per_mille).div_ceil(1_000).max(1) - 1;
        self.0[place]
    }
}

/// The middle one; of an even number, the upper of the two in the middle.
pub fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    let middle = values.len() / 2;
    *values.select_nth_unstable_by(middle, f64::total_cmp).1
}

/// Integer work that touches no memory: what a thread of this machine is worth at the moment.
pub fn spin(steps: u64) {
    let mut state = black_box(1_u64);
    for step in 0..steps {
        state = state.wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(23) ^ step;
    }
    black_box(state);
}

/// The same number of steps of eight loops at once, none of which waits for another.
pub fn busy(steps: u64) {
    let mut states = black_box([1_u64, 3, 5, 7, 9, 11, 13, 15]);
    for step in 0..steps {
        for state in &mut states {
            *state = (*state ^ step).rotate_left(7).wrapping_add(0x9E37_79B9);
        }
    }
    black_box(states);
}

pub fn nanos(time: Duration) -> f64 {
    time.as_nanos() as f64
}

/// Repetitions of every measurement.
pub const REPETITIONS: usize = 9;
/// What one repetition of one side takes, in slices between which the two take turns. What takes longer than that is one
/// slice.
const REPETITION: Duration = Duration::from_millis(25);
const SLICE: Duration = Duration::from_millis(4);
const SLICES_MAX: usize = 6;

#[cfg(test)]
mod tests {
    use super::{Tail, median};

    #[test]
    fn medians_and_tails_are_places_in_the_order() {
        assert_eq!(median([3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median([4.0, 1.0, 2.0, 3.0]), 3.0);
        let mut tail = Tail::default();
        (1..=1_000).rev().for_each(|nanos| tail.add(nanos));
        assert_eq!([500, 990, 999, 1_000].map(|per_mille| tail.per_mille(per_mille)), [500, 990, 999, 1_000]);
        let mut one = Tail::default();
        one.add(7);
        assert_eq!([1, 1_000].map(|per_mille| one.per_mille(per_mille)), [7, 7]);
    }
}
