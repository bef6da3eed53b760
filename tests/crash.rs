//! Crashes of every kind at every call that changes a file: a client at random, at every level, over several openings
//! of one log; whatever a power cut may leave at any moment opens, has what was answered for, and has nothing else.
//!
//! `ASSIZE_CRASH_IMAGES` says how many images are looked at, and `ASSIZE_CRASH_FROM` with which workload to begin.
#![cfg(feature = "wal")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    reason = "a test that fails by panicking fails"
)]

mod battery;
#[path = "crash/features.rs"]
mod features;
#[path = "crash/images.rs"]
mod images;

use std::time::Instant;

use assize::{
    controller::{OpenError, Opened},
    wal::{
        self, ReadOptions,
        storage::{Failing, Memory, Operation},
    },
};

use battery::{
    ask::Answer,
    chance::{Client, MAKING, Shared},
    log::replay,
    number_from_env,
    told::{Crash, Known},
    watched::Watched,
};
use features::Features;
use images::{Counts, Images};

/// Looked at unless more are asked for.
const IMAGES: u64 = 30_000;
/// Openings of one log.
const LIVES: u64 = 6;

#[test]
fn whatever_a_crash_leaves_opens_with_all_that_was_answered_for_and_nothing_else() {
    let wanted = number_from_env("ASSIZE_CRASH_IMAGES").unwrap_or(IMAGES);
    let from = number_from_env("ASSIZE_CRASH_FROM").unwrap_or(0);
    let began = Instant::now();
    let (mut sum, mut features) = (Counts::default(), Features::default());
    for seed in from.. {
        let (counts, seen) = workload(seed);
        sum.add(counts);
        features.add(seen);
        if sum.images >= wanted {
            break;
        }
    }
    // It went everywhere that it was meant to go.
    assert!(sum.recovering * 20 > sum.images && sum.cut * 10 > sum.images, "{sum:?}");
    assert!(sum.workloads < 5 || (sum.found > 0 && sum.again > 0 && sum.failed_openings > 0), "{sum:?}");
    assert!(sum.workloads < 5 || sum.rotations > sum.workloads * 2, "{sum:?}");
    assert!(sum.workloads < 5 || sum.pruned * 5 > sum.workloads, "{sum:?}");
    assert!(sum.workloads < 50 || features.missing().is_empty(), "{:?} not met", features.missing());
    assert!(wanted < 1_000_000 || sum.workloads >= 200, "{sum:?}");
    let seconds = began.elapsed().as_secs_f64();
    println!("{features:?}");
    println!("{sum:?} in {seconds:.0} s, {:.0} images/s", sum.images as f64 / seconds);
}

/// How one opening ends, and what the next one finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Closed,
    Drained,
    Killed,
    PowerCut,
    /// A sync fails on the way; the process goes on with the same files, of which some pages look clean.
    SyncFailed,
    /// The same, and then the power is cut.
    SyncFailedPowerCut,
    /// A sync of the directory fails where a segment begins; the segment looks named.
    DirectoryFailed,
}

const ENDS: [End; 7] = [
    End::Closed,
    End::Drained,
    End::Killed,
    End::PowerCut,
    End::SyncFailed,
    End::SyncFailedPowerCut,
    End::DirectoryFailed,
];

/// What an opening does to the files, and one in three fails at.
const FAILING: [Operation; 4] = [Operation::Sync, Operation::Sync, Operation::Write, Operation::SyncDir];

fn workload(seed: u64) -> (Counts, Features) {
    let known = Shared::default();
    let images = Images::new(seed, known.clone());
    let mut memory = Memory::new();
    let watched = |memory: &Memory| Box::new(Watched { memory: memory.clone(), watch: images.watch() });
    let mut client = Client::create(watched(&memory), seed, known.clone()).unwrap();
    for life in 0..LIVES {
        let end = ENDS[client.drawn.below(7) as usize];
        images.say(format!("workload {seed}, life {life} that ends {end:?}"));
        if matches!(end, End::SyncFailed | End::SyncFailedPowerCut) {
            memory.fail(Failing::nth(Operation::Sync, 1 + client.drawn.below(5)));
        }
        if end == End::DirectoryFailed {
            memory.fail(Failing::nth(Operation::SyncDir, 1));
        }
        for _ in 0..5 + client.drawn.below(10) {
            if matches!(client.act(), Answer::Failed(_)) {
                // Nothing is answered any more.
                assert!(!matches!(client.act(), Answer::Told(..)));
                break;
            }
        }
        images.look(&memory);
        let head = client.stop(end == End::Closed, end == End::Drained);
        images.look(&memory);
        let crash = if matches!(end, End::PowerCut | End::SyncFailedPowerCut) {
            memory = images.one_of(&memory);
            known.with(Known::cut_power);
            Crash::PowerCut
        } else {
            Crash::Killed
        };
        if client.drawn.below(3) == 0 {
            let operation = FAILING[client.drawn.below(4) as usize];
            memory.fail(Failing::nth(operation, 1 + client.drawn.below(2)));
        }
        images.say(format!("workload {seed}, opening after life {life} that ended {end:?}"));
        let opened = open(&memory, &images, || watched(&memory));
        let what = || format!("workload {seed}, life {life} ended {end:?}");
        let found = known.with(|known| known.must_hold(&memory, &opened.controller, crash, &what));
        assert!(head.is_none_or(|head| found.last >= head), "{}", what());
        let (found, again) = client.go_on(opened, found);
        images.count(|counts| {
            counts.found += found;
            counts.again += again;
        });
    }
    images.say(format!("workload {seed}, closed at last"));
    let mut closed = client.close();
    // What was chosen to fail may still be to come.
    while closed.is_err() {
        closed = open(&memory, &images, || watched(&memory)).controller.close();
    }
    let anchor = closed.unwrap();
    let read = ReadOptions { anchor: Some(anchor), ..ReadOptions::default() };
    let report = replay(&memory, read).unwrap();
    assert!(report.summary.sealed);
    let counts = images.count(|counts| {
        counts.workloads += 1;
        counts.records += report.summary.records;
        counts.rotations += u64::from(report.summary.head.segment()) - 1;
        counts.pruned += u64::from(report.summary.pruned.is_some());
        *counts
    });
    (counts, Features::of(&memory))
}

/// Opens until it does: where a sync failed, the next opening finds pages that look clean.
fn open(memory: &Memory, images: &Images, watched: impl Fn() -> Box<Watched>) -> Opened {
    loop {
        match MAKING.open(watched(), None) {
            Ok(opened) => return opened,
            Err(OpenError::Log(wal::OpenError::Recover(_))) => {
                images.look(memory);
                images.count(|counts| counts.failed_openings += 1);
            }
            Err(error) => panic!("{error}: {:?}", std::error::Error::source(&error)),
        }
    }
}
