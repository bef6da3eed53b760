//! `admit …` at each level, `verify` and `replay`: what both logs cost to write, and to be held to what they say.

use std::{
    hint::black_box,
    sync::{
        Barrier,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use assize::{
    audit::{self, AuditOptions, Threads},
    crypto::{KeyId, RootKey},
    wal::Level,
};
use calybris_core::wal::{replay_audited_wal_keyed, verify_wal_keyed};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::{
    admissions::{Admitting, KEY},
    measure::{self, REPETITIONS, Tail, cpu_time_of, median, nanos},
    prescribe::REQUESTS,
    table::{Row, Table},
};

pub fn rows(table: &mut Table) {
    if table.wants(QUEUED) {
        table.row(&queued_row(&Admitting::new(QUEUED, 1)));
    }
    for (name, level) in
        [(LATENCY_QUEUED, Level::Queued), (LATENCY_WRITTEN, Level::Written), (LATENCY_SYNCED, Level::Synced)]
    {
        if table.wants(name) {
            table.row(&latency_row(name, level));
        }
    }
    if table.wants(SYNCED) {
        table.row(&synced_row());
    }
    if table.wants(VERIFY) || table.wants(REPLAY) {
        let written = Written::new();
        if table.wants(VERIFY) {
            table.row(&written.verify_row());
        }
        if table.wants(REPLAY) {
            table.row(&written.replay_row());
        }
    }
}

/// What a caller spends on an admission that it does not wait for: another thread of the host writes.
fn queued_row(scene: &Admitting) -> Row {
    let ours = |rounds: usize| {
        (0..rounds).fold(Duration::ZERO, |total, _| {
            let (time, permits) = cpu_time_of(|| scene.admit_all());
            scene.keep(permits);
            scene.settle();
            total + time
        })
    };
    let beside = measure::beside_timed(REQUESTS, |rounds| scene.peer(rounds), ours);
    Row::new(QUEUED, beside)
}

/// Wall times of single admissions by one caller, at one level.
fn latency_row(name: &str, level: Level) -> Row {
    let scene = Admitting::new(name, 1);
    let (mut tail, mut calls) = (Tail::default(), 0);
    let begin = Instant::now();
    while begin.elapsed() < LATENCY_WINDOW {
        let permits: Vec<_> = scene
            .requests()
            .iter()
            .filter_map(|request| tail.call_for(|| scene.admit_at(request, level)))
            .collect();
        calls += scene.requests().len();
        scene.keep(permits);
        scene.settle();
    }
    Row::new(name, None)
        .with("calls", calls)
        .with("p50_ns", tail.per_mille(500))
        .with("p99_ns", tail.per_mille(990))
        .with("p999_ns", tail.per_mille(999))
}

/// Admissions that are on disk when they are answered, by many callers at once and by one; and the peer's, each of
/// which is a sync of its own.
fn synced_row() -> Row {
    let scene = Admitting::new(SYNCED, 1);
    let (mut per_sync, mut ours, mut one, mut peers) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..REPETITIONS {
        let before = scene.stats();
        let (rate, _) = together(CALLERS, |caller, step| {
            let requests = scene.requests();
            let permit = scene.admit_at(&requests[(caller * 37 + step) % requests.len()], Level::Synced);
            scene.keep(permit);
        });
        let after = scene.stats();
        let (records, syncs) = (after.head.0 - before.head.0, after.syncs - before.syncs);
        per_sync.push(records as f64 / syncs.max(1) as f64);
        ours.push(rate);
        scene.settle();
        one.push(
            together(1, |_, step| {
                let requests = scene.requests();
                scene.keep(scene.admit_at(&requests[step % requests.len()], Level::Synced));
            })
            .0,
        );
        scene.settle();
        peers.push(together(CALLERS, |caller, step| scene.peer_synced(caller * 37 + step)).0);
        scene.settle();
    }
    let per_second = |rates: &[f64]| median(rates.iter().map(|rate| rate * 1e9));
    Row::new(SYNCED, None)
        .with("records_per_sync", median(per_sync))
        .with("per_second", per_second(&ours))
        .with("one_caller_per_second", per_second(&one))
        .with("peer_per_second", per_second(&peers))
        .with("ratio_one_caller", median(ours.iter().zip(&one).map(|(many, one)| many / one)))
        .with("ratio_peer", median(ours.iter().zip(&peers).map(|(ours, peer)| ours / peer)))
}

/// How often so many threads do something in a nanosecond, all together, for as long as a window.
fn together(callers: usize, work: impl Fn(usize, usize) + Sync) -> (f64, u64) {
    let (begin, done) = (Barrier::new(callers), AtomicU64::new(0));
    let spans: Vec<(Instant, Instant)> = thread::scope(|scope| {
        let threads: Vec<_> = (0..callers)
            .map(|caller| {
                let (begin, done, work) = (&begin, &done, &work);
                scope.spawn(move || {
                    begin.wait();
                    let (start, mut steps) = (Instant::now(), 0);
                    while start.elapsed() < SYNCED_WINDOW {
                        work(caller, steps);
                        steps += 1;
                    }
                    // ORDERING: the scope's join orders it.
                    done.fetch_add(steps as u64, Ordering::Relaxed);
                    (start, Instant::now())
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().expect("the work does not panic")).collect()
    });
    let first = spans.iter().map(|span| span.0).min().expect("there is a thread");
    let last = spans.iter().map(|span| span.1).max().expect("there is a thread");
    let done = done.into_inner();
    (done as f64 / nanos(last - first), done)
}

/// A log of each, of as many admissions; ours has a settlement for each besides.
struct Written {
    scene: Admitting,
    records: usize,
    /// Records of ours.
    own_records: usize,
    own_bytes: u64,
    /// The frames of ours, for the bare tags.
    frames: Vec<Vec<u8>>,
}

impl Written {
    fn new() -> Self {
        let scene = Admitting::new(VERIFY, 1);
        let before = scene.stats();
        for _ in 0..ADMISSIONS / REQUESTS {
            scene.ours_rounds(1);
            scene.peer_rounds(1);
            scene.settle();
        }
        scene.sync();
        let after = scene.stats();
        let own_records = (after.head.0) as usize;
        let own_bytes = (after.written_bytes - before.written_bytes) / (after.head.0 - before.head.0);
        let mut frames = Vec::new();
        for bytes in scene.segments() {
            // Frames of the mean size: as many blocks to digest as there are in the log.
            frames.extend(bytes.chunks_exact(own_bytes as usize).map(<[u8]>::to_vec));
        }
        Self { scene, records: ADMISSIONS, own_records, own_bytes, frames }
    }

    fn verify_row(&self) -> Row {
        let path = self.scene.peer_path();
        let peer = |rounds: usize| {
            for _ in 0..rounds {
                black_box(verify_wal_keyed(&path, &KEY).expect("it holds"));
            }
        };
        let ours = |rounds: usize| (0..rounds).for_each(|_| self.verify(1));
        // Per record of each, ours has two for an admission.
        let mut beside = measure::beside(self.records, peer, ours);
        let share = self.records as f64 / self.own_records as f64;
        beside.ours_ns *= share;
        beside.ratio /= share;
        beside.ratio_min /= share;
        let bare: Vec<f64> = (0..REPETITIONS)
            .map(|_| {
                let (tags, ()) = cpu_time_of(|| self.bare_tags());
                let (all, ()) = cpu_time_of(|| self.verify(1));
                nanos(tags) / nanos(all)
            })
            .collect();
        Row::new(VERIFY, beside)
            .with("bare_hmac_share", median(bare))
            .with("two_threads", self.scaling(|threads| self.verify(threads)))
            .with("bytes_per_record", self.own_bytes)
            .with("peer_bytes_per_record", self.scene.peer_bytes() / (self.records + REQUESTS) as u64)
    }

    fn replay_row(&self) -> Row {
        let path = self.scene.peer_path();
        let policy = self.scene.peer_policy();
        let peer = |rounds: usize| {
            for _ in 0..rounds {
                let replayed = replay_audited_wal_keyed::<()>(&path, policy, Some(&KEY)).expect("it holds");
                black_box(replayed.len());
            }
        };
        let ours = |rounds: usize| (0..rounds).for_each(|_| self.replay(1));
        let beside = measure::beside(self.records, peer, ours);
        let per_record = self.records as f64 / self.own_records as f64;
        Row::new(REPLAY, beside)
            .with("ours_record_ns", beside.ours_ns * per_record)
            .with("ratio_record", beside.ratio / per_record)
            .with("two_threads", self.scaling(|threads| self.replay(threads)))
    }

    /// How much faster two threads are, in wall time.
    fn scaling(&self, work: impl Fn(usize)) -> f64 {
        median((0..REPETITIONS).map(|_| {
            let timed = |threads| {
                let start = Instant::now();
                work(threads);
                nanos(start.elapsed())
            };
            timed(1) / timed(2)
        }))
    }

    fn verify(&self, threads: usize) {
        let options = AuditOptions { threads: of(threads), ..AuditOptions::default() };
        let report = audit::verify(&self.scene.directory(), &[&key()], options).expect("it holds");
        assert_eq!(black_box(report).summary.records, self.own_records as u64);
    }

    fn replay(&self, threads: usize) {
        let options = AuditOptions { threads: of(threads), ..AuditOptions::default() };
        let report = audit::replay(&self.scene.directory(), &[&key()], options).expect("it holds");
        assert_eq!(black_box(report).summary.records, self.own_records as u64);
    }

    /// The tags of as many bytes, each with a prefix and the tag before, and nothing else.
    fn bare_tags(&self) {
        let mut state = Hmac::<Sha256>::new(&[7; 64].into());
        state.update(&[1; 64]);
        let mut tag = [0_u8; 32];
        for frame in &self.frames {
            let mut state = state.clone();
            state.update(&tag);
            state.update(&frame[..frame.len() - 36]);
            tag = state.finalize().into_bytes().into();
        }
        black_box(tag);
    }
}

fn of(threads: usize) -> Threads {
    Threads(threads.try_into().expect("it is one or two"))
}

fn key() -> RootKey {
    RootKey::new(KeyId(1), &KEY).expect("it is long enough")
}

const QUEUED: &str = "admit queued";
const LATENCY_QUEUED: &str = "admit queued latency";
const LATENCY_WRITTEN: &str = "admit written latency";
const LATENCY_SYNCED: &str = "admit synced latency";
const SYNCED: &str = "admit synced 64 callers";
const VERIFY: &str = "verify";
const REPLAY: &str = "replay";
const CALLERS: usize = 64;
const ADMISSIONS: usize = 1 << 16;
const LATENCY_WINDOW: Duration = Duration::from_secs(2);
const SYNCED_WINDOW: Duration = Duration::from_millis(400);
