//! `swap`: how long single decisions take while another thread puts policies in one another's place.

use std::{
    hint::black_box,
    sync::{
        Arc, RwLock,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use crate::{
    catalog::{Catalog, Kind},
    measure::{REPETITIONS, Tail, median},
    ours::{Ours, Wording},
    prescribe::{CATALOG_SEED, REQUEST_SEED, REQUESTS},
    requests::Class,
    table::{Row, Table},
};

pub fn rows(table: &mut Table) {
    if !table.wants(NAME) {
        return;
    }
    let catalog = Catalog::draw(Kind::Uniform, CANDIDATES, CATALOG_SEED);
    let policies = [Arc::new(Ours::new(&catalog)), Arc::new(Ours::new(&catalog))];
    let inputs = Class::Broad.draw(&catalog, Kind::Uniform, REQUESTS, REQUEST_SEED);
    let requests: Vec<_> =
        inputs.iter().map(|input| policies[0].request(input, Wording::default())).collect();
    let shared = RwLock::new(Arc::clone(&policies[0]));
    let ask = |tail: &mut Tail| {
        let start = Instant::now();
        for request in requests.iter().cycle() {
            tail.call(|| current(&shared).prescribe(black_box(request)));
            if start.elapsed() > WINDOW {
                break;
            }
        }
    };
    let (mut quiet, mut swapped, mut swaps) = (Vec::new(), Vec::new(), 0);
    for _ in 0..REPETITIONS {
        let mut tail = Tail::default();
        ask(&mut tail);
        quiet.push(tail.per_mille(999) as f64);
        let (mut tail, done) = (Tail::default(), AtomicBool::new(false));
        thread::scope(|scope| {
            let swapper = scope.spawn(|| swap(&shared, &policies, &done));
            ask(&mut tail);
            // ORDERING: nothing else is told by it; the scope's join orders the rest.
            done.store(true, Ordering::Relaxed);
            swaps += swapper.join().expect("it only swaps");
        });
        swapped.push(tail.per_mille(999) as f64);
    }
    let ratios: Vec<f64> = swapped.iter().zip(&quiet).map(|(swapped, quiet)| swapped / quiet).collect();
    table.row(
        &Row::new(NAME, None)
            .with("p999_ns", median(quiet))
            .with("p999_with_swaps_ns", median(swapped))
            .with("p999_ratio", median(ratios))
            .with("swaps", swaps)
            .with("candidates", CANDIDATES),
    );
}

/// As a host would hold it: the lock is held while a pointer is copied.
fn current(shared: &RwLock<Arc<Ours>>) -> Arc<Ours> {
    Arc::clone(&shared.read().expect("nobody panics while it is held"))
}

/// Puts one in the other's place, again and again, with pauses; how many times.
fn swap(shared: &RwLock<Arc<Ours>>, policies: &[Arc<Ours>; 2], done: &AtomicBool) -> u64 {
    let mut swaps = 0_u64;
    // ORDERING: see where it is set.
    while !done.load(Ordering::Relaxed) {
        swaps += 1;
        let next = Arc::clone(&policies[(swaps % 2) as usize]);
        *shared.write().expect("nobody panics while it is held") = next;
        thread::sleep(PAUSE);
    }
    swaps
}

const NAME: &str = "swap";
const CANDIDATES: usize = 4_096;
const WINDOW: Duration = Duration::from_millis(200);
const PAUSE: Duration = Duration::from_millis(1);
