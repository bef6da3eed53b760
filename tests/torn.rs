//! Torn logs: whatever a crash leaves of the last segment opens, with everything that was acknowledged as on disk, and
//! what is cut is on record; what no crash can leave is refused.
//!
//! A cut of a suffix cannot be told from a torn tail by the log alone: an anchor tells it.
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
#[path = "torn/crash.rs"]
mod crash;
#[path = "torn/segments.rs"]
mod segments;
#[path = "torn/tail.rs"]
mod tail;

use std::{collections::BTreeMap, sync::LazyLock};

use assize::{
    audit::{Observer, Step},
    controller::{Opened, Reroute},
    crypto::Digest,
    id::{Name, Sequence},
    ledger::Ledger,
    num::Amount,
    overrun::Overrun,
    record::Operation,
    wal::{Anchor, Cut, Level, ReadOptions, storage::Memory},
};

use battery::{
    acts::Days,
    format::{self, CHECKPOINT_PART},
    host::{ALDER, LOG_ID, Making, TERMS, amount},
    image::Image,
    log::{replay, replay_with},
};

/// Small segments, so that the last one is short and there are some before it.
const MAKING: Making =
    Making { id: LOG_ID, segment_bytes: 4 << 10, start: battery::host::START, terms: TERMS };

/// The log that is torn.
static LOG: LazyLock<Log> = LazyLock::new(Log::make);

/// A log whose last records were acknowledged as written, and those before them as synced.
struct Log {
    /// All of it, nothing torn.
    image: Image,
    /// The last record that was acknowledged as synced, and its anchor.
    synced: u64,
    anchor: Anchor,
    /// The last record.
    head: u64,
    /// The operation that it is of: an admission at the account `short`.
    last_operation: Operation,
    /// Where the checkpoint of the last segment ends.
    checkpoint_end: usize,
    /// The records of the last segment and where each ends; first what comes before them, with the checkpoint's end.
    ends: Vec<(u64, usize)>,
    /// The ledger after each record of the log.
    states: States,
}

/// By sequence, the canonical form of the ledger but for the sequence.
#[derive(Default)]
struct States(BTreeMap<u64, Vec<u8>>);

impl Observer for States {
    fn after(&mut self, step: &Step<'_>) {
        self.0.insert(step.at.sequence.0, state(step.ledger));
    }
}

/// The record of a cut changes nothing but the sequence.
fn state(ledger: &Ledger) -> Vec<u8> {
    let mut form = Vec::new();
    ledger.encode(&mut form);
    form.split_off(10)
}

impl Log {
    fn make() -> Self {
        let storage = Memory::new();
        let mut days = Days::begin(MAKING.create(&storage));
        while days.host.head() < 100 {
            days.act();
        }
        // Short holds to be expired, and one to be released, from before the records that may be lost.
        let key = days.host.account("short", None, Overrun::IfAvailable);
        days.host.grant(key, 100_000);
        let request = days.host.request(0, 1000);
        let mut held = Vec::new();
        for _ in 0..3 {
            let call = days.host.named();
            held.push(days.host.admit(&[key], &request, 60_000, call).unwrap());
        }
        let call = days.host.named();
        let _due = days.host.admit(&[key], &request, 30_000, call).unwrap();

        days.host.level = Level::Synced;
        let segment = days.host.controller.stats().unwrap().log.segment;
        while days.host.controller.stats().unwrap().log.segment == segment {
            days.grant_one();
        }
        days.grant_one();
        days.grant_one();
        let (anchor, synced) = (days.host.controller.drain().unwrap(), days.host.head());
        let segment = days.host.controller.stats().unwrap().log.segment;

        days.host.level = Level::Written;
        let [first, second, mut third] = held.try_into().unwrap();
        let host = &mut days.host;
        let call = host.named();
        let spend = host.usage(ALDER, 900, 900);
        let _settled = host.controller.commit(first, spend, call).unwrap();
        let call = host.named();
        let _released = host.controller.release(second, call).unwrap();
        let call = host.named();
        host.controller.extend(&mut third, Amount::new(9).unwrap(), None, call).unwrap();
        let (call, deadline) = (host.named(), host.in_ms(60_000));
        let third =
            host.controller.reroute(third, &Reroute { failed: ALDER, request: &request, deadline }, call);
        let call = host.named();
        let _settled = host.controller.commit(third.unwrap(), amount(70), call).unwrap();
        host.pass(30_000);
        let call = host.call();
        assert_eq!(host.controller.expire(call).unwrap(), 1);
        let call = host.named();
        let _held = host.admit(&[key], &request, 60_000, call).unwrap();
        let last_operation = call.operation.unwrap();
        assert_eq!(host.controller.stats().unwrap().log.segment, segment, "one segment has them all");
        let head = host.head();
        let progress = host.controller.stats().unwrap().log;
        assert_eq!((progress.written.0, progress.synced.0, head), (synced + 7, synced, synced + 7));
        drop(days);
        Self::take_apart(Image::of_frames(&storage), (synced, anchor), (head, last_operation))
    }

    fn take_apart(
        image: Image,
        (synced, anchor): (u64, Anchor),
        (head, last_operation): (u64, Operation),
    ) -> Self {
        let mut states = States::default();
        let report = replay_with(&image.reading(), &mut states).unwrap();
        assert_eq!(report.summary.synced.sequence().0, synced, "the log itself says what is on disk");
        let frames = format::frames(image.segment(image.last()));
        let mut ends: Vec<(u64, usize)> = Vec::new();
        for frame in &frames {
            if frame.kind == CHECKPOINT_PART {
                ends.clear();
            }
            ends.push((frame.sequence, frame.end()));
        }
        assert!(image.last() >= 5, "{} segments", image.last());
        assert_eq!(ends.last().unwrap().0, head);
        Self { checkpoint_end: ends[0].1, image, synced, anchor, head, last_operation, ends, states }
    }

    fn last(&self) -> &Vec<u8> {
        self.image.segment(self.image.last())
    }

    /// The same log with another last segment.
    fn with_last(&self, bytes: Vec<u8>) -> Image {
        self.image.with(self.image.last(), bytes)
    }

    /// Where the last record ends that was acknowledged as synced.
    fn synced_end(&self) -> usize {
        self.ends.iter().find(|(sequence, _)| *sequence == self.synced).unwrap().1
    }

    /// The last record that is whole in the first `bytes` of the last segment, and where it ends.
    fn whole(&self, bytes: usize) -> (u64, usize) {
        *self.ends.iter().rfind(|(_, end)| *end <= bytes).unwrap()
    }

    /// What opening must cut of that segment, whose whole records are all this log's.
    fn torn(&self, last: &[u8], after: usize) -> Option<Cut> {
        let bytes = last[after..].iter().rposition(|byte| *byte != 0)? + 1;
        let digest = Digest::of_file(&last[after..after + bytes]);
        Some(Cut { segment: self.image.last(), offset: after as u64, bytes: bytes as u64, digest })
    }
}

/// Opens, which must succeed.
#[track_caller]
fn open(memory: &Memory, what: &str) -> Opened {
    match MAKING.open(Box::new(memory.clone()), None) {
        Ok(opened) => opened,
        Err(error) => panic!("{what}: {error}: {:?}", std::error::Error::source(&error)),
    }
}

/// Holds what was opened to what the log was after that record, and the log to what was opened.
#[track_caller]
fn must_be(opened: &Opened, memory: &Memory, last: u64, recoveries: u64, what: &str) {
    let (sequence, seen) =
        opened.controller.with_ledger(|ledger| (ledger.sequence().0, state(ledger))).unwrap();
    assert_eq!(sequence, last + recoveries, "{what}");
    assert!(seen == LOG.states.0[&last], "{what}: the state is not that after record {last}");
    let report = replay(memory, ReadOptions::default()).unwrap_or_else(|error| panic!("{what}: {error}"));
    assert_eq!(report.calls.recoveries, recoveries, "{what}");
    assert_eq!(report.summary.head.sequence(), Sequence(last + recoveries), "{what}");
    for account in ["org", "deny", "if", "debt", "short"] {
        // The last of them was opened late.
        let Some(account) = opened.controller.account(&Name::new(account).unwrap()) else { continue };
        let read = opened.controller.read(account).unwrap();
        let sum = i128::from(read.available_micros)
            + i128::from(read.reserved_micros)
            + i128::from(read.committed_micros)
            + i128::from(read.lapsed_micros);
        assert_eq!(sum, i128::from(read.granted_micros), "{what}");
    }
}
