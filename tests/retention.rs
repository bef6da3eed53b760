//! Retention: what is deleted, what may be missing and what may not, and what a log that was pruned still proves.
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
#[path = "retention/crashing.rs"]
mod crashing;
#[path = "retention/missing.rs"]
mod missing;
#[path = "retention/overtaken.rs"]
mod overtaken;
#[path = "retention/pruned.rs"]
mod pruned;
#[path = "retention/refused.rs"]
mod refused;

use std::num::NonZeroU32;

use assize::{
    controller::{Controller, Opened},
    id::LogId,
    wal::{Keep, Retained, storage::Memory},
};
use battery::{
    acts::Days,
    host::{LOG_ID, Making},
    image::Image,
};

/// Small segments, so that there are many.
const MAKING: Making =
    Making { id: LOG_ID, segment_bytes: 6 << 10, start: battery::host::START, terms: battery::host::TERMS };

/// A log of every kind of record in so many segments at least, everything on disk, still open.
fn long(id: LogId, segments: u32) -> (Memory, Days) {
    let storage = Memory::new();
    let mut days = Days::begin(Making { id, ..MAKING }.create(&storage));
    while days.host.controller.stats().unwrap().log.segment < segments {
        days.act();
    }
    let _anchor = days.host.controller.drain().unwrap();
    (storage, days)
}

/// The files of such a log with a retention that names segment `named`, before anything is deleted.
fn named(segments: u32, named: u32) -> Image {
    let (storage, mut days) = long(LOG_ID, segments);
    let whole = Image::of_frames(&storage);
    let last = days.host.controller.stats().unwrap().log.segment;
    let retained = retain(&mut days, Keep::Segments(NonZeroU32::new(last + 1 - named).unwrap()));
    assert_eq!((retained.removed, retained.retention.unwrap().first_segment), (named - 1, named));
    drop(days);
    let pruned = Image::of_frames(&storage);
    let kept = pruned.segments().map(|(number, bytes)| (number, bytes.clone())).collect::<Vec<_>>();
    kept.into_iter().fold(whole, |image, (number, bytes)| image.with(number, bytes))
}

fn retain(days: &mut Days, keep: Keep) -> Retained {
    let call = days.host.call();
    days.host.controller.retain(keep, call).unwrap()
}

fn segments(count: u32) -> Keep {
    Keep::Segments(NonZeroU32::new(count).unwrap())
}

#[track_caller]
fn open(memory: &Memory) -> Opened {
    MAKING.open(Box::new(memory.clone()), None).unwrap()
}

fn ledger(controller: &Controller) -> assize::crypto::Digest {
    controller.with_ledger(assize::ledger::Ledger::digest).unwrap()
}
