//! `prescribe N broad 2 threads`: how decisions over one shared policy scale, beside a loop that shares nothing.

use std::{
    sync::Barrier,
    thread,
    time::{Duration, Instant},
};

use crate::{
    catalog::{Catalog, Kind},
    measure::{self, Beside, REPETITIONS, median, nanos},
    ours::Ours,
    peer,
    prescribe::{CATALOG_SEED, REQUEST_SEED, REQUESTS, Scene},
    requests::Class,
    table::{Row, Table},
};

pub fn rows(table: &mut Table) {
    for count in COUNTS {
        let name = format!("prescribe {count} broad {THREADS} threads");
        if table.wants(&name) {
            let catalog = Catalog::draw(Kind::Uniform, count, CATALOG_SEED);
            let inputs = Class::Broad.draw(&catalog, Kind::Uniform, REQUESTS, REQUEST_SEED);
            let scene = Scene::new(&name, peer::policy(&catalog), Ours::new(&catalog), inputs);
            table.row(&row(&name, &scene));
        }
    }
}

fn row(name: &str, scene: &Scene) -> Row {
    let decide = |rounds: u64| (0..rounds).for_each(|_| scene.ours_round());
    let (decide_rounds, spin_rounds, busy_rounds) = (rounds(&decide), rounds(&spin), rounds(&busy));
    let (mut ours, mut control, mut relative, mut busiest) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..REPETITIONS * 3 {
        let one = together(1, decide_rounds, &decide);
        let spun_one = together(1, spin_rounds, &spin);
        let two = together(THREADS, decide_rounds, &decide);
        let spun_two = together(THREADS, spin_rounds, &spin);
        let (busy_one, busy_two) = (together(1, busy_rounds, &busy), together(THREADS, busy_rounds, &busy));
        busiest.push(scaling(busy_one, busy_two));
        ours.push(scaling(one, two));
        control.push(scaling(spun_one, spun_two));
        relative.push(scaling(one, two) / scaling(spun_one, spun_two));
    }
    Row::new(name, None)
        .with("scaling_ours", median(ours))
        .with("scaling_spin", median(control))
        .with("relative", median(relative))
        .with("scaling_busy", median(busiest))
}

/// Work of both, in rounds of so many calls, and what is done untimed after each batch.
pub struct Work<P, O, A> {
    pub calls: usize,
    pub peer: P,
    pub ours: O,
    pub after: A,
}

/// Two threads of each at once, in wall time; and how ours scales, beside the control.
pub fn beside_row<P, O, A>(name: &str, work: Work<P, O, A>) -> Row
where
    P: Fn(u64) + Sync,
    O: Fn(u64) + Sync,
    A: Fn(),
{
    let Work { calls, peer, ours, after } = work;
    let batch = |work: &dyn Fn() -> u64| {
        let batch = work();
        after();
        batch
    };
    let (ours_batch, peer_batch, spin_batch) =
        (batch(&|| rounds(&ours)), batch(&|| rounds(&peer)), rounds(&spin));
    let per_call = |time, batch: u64| nanos(time) / (THREADS as f64 * batch as f64 * calls as f64);
    let timed = |time: Duration| {
        after();
        time
    };
    let (mut times, mut scalings) = (Vec::new(), Vec::new());
    for _ in 0..REPETITIONS * 3 {
        let one = timed(together(1, ours_batch, &ours));
        let spun_one = together(1, spin_batch, &spin);
        let two = timed(together(THREADS, ours_batch, &ours));
        let spun_two = together(THREADS, spin_batch, &spin);
        let peer_two = timed(together(THREADS, peer_batch, &peer));
        times.push((per_call(peer_two, peer_batch), per_call(two, ours_batch)));
        scalings.push((scaling(one, two), scaling(spun_one, spun_two)));
    }
    let ratios = times.iter().map(|(peer, ours)| peer / ours);
    let beside = Beside {
        peer_ns: median(times.iter().map(|time| time.0)),
        ours_ns: median(times.iter().map(|time| time.1)),
        ratio: median(ratios.clone()),
        ratio_min: ratios.fold(f64::INFINITY, f64::min),
    };
    Row::new(name, beside)
        .with("scaling_ours", median(scalings.iter().map(|both| both.0)))
        .with("scaling_spin", median(scalings.iter().map(|both| both.1)))
        .with("relative", median(scalings.iter().map(|both| both.0 / both.1)))
}

/// The control: so many rounds of a loop that shares nothing.
fn spin(rounds: u64) {
    measure::spin(rounds * SPIN_STEPS);
}

/// A second control, which shares nothing either and keeps a core's units at work: where two threads have one core,
/// it scales less than the loop that waits for itself.
fn busy(rounds: u64) {
    measure::busy(rounds * SPIN_STEPS);
}

/// How much more is done in a time by all threads than by one.
fn scaling(one: Duration, all: Duration) -> f64 {
    THREADS as f64 * nanos(one) / nanos(all)
}

/// From when all threads have begun until all have done their rounds.
fn together(threads: usize, rounds: u64, work: &(impl Fn(u64) + Sync)) -> Duration {
    let begin = Barrier::new(threads);
    let work = || {
        begin.wait();
        let start = Instant::now();
        work(rounds);
        (start, Instant::now())
    };
    let spans: Vec<(Instant, Instant)> = thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        threads.into_iter().map(|thread| thread.join().expect("the work does not panic")).collect()
    });
    let first = spans.iter().map(|span| span.0).min().expect("there is a thread");
    let last = spans.iter().map(|span| span.1).max().expect("there is a thread");
    last - first
}

/// Rounds that take one thread about as long as a batch should.
fn rounds(work: &(impl Fn(u64) + Sync)) -> u64 {
    let mut rounds = 1;
    while together(1, rounds, work) < BATCH {
        rounds *= 2;
    }
    rounds
}

const COUNTS: [usize; 3] = [22, 4_096, 65_535];
pub const THREADS: usize = 2;
const SPIN_STEPS: u64 = 10_000;
const BATCH: Duration = Duration::from_millis(20);
