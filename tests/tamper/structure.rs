//! Whole records and whole segments: deleted, added, moved, and taken from elsewhere.

use assize::{
    id::LogId,
    wal::{Completeness, Fault, ReadOptions},
};

use crate::{
    LOG,
    battery::{
        format::{self, HEADER_BYTES, SEQUENCE, u64_at},
        host::{Host, LOG_ID, Making, START},
        image::Image,
        in_two,
        log::{Made, Unit, days, fault_of, verify},
    },
};

/// The segment of the log in which records change places.
const SEGMENT: u32 = 3;
const OTHER_ID: LogId = LogId(*b"of another log..");

#[test]
fn a_deleted_record_fails_in_its_place() {
    let records: Vec<_> = LOG.records().copied().collect();
    let fails = in_two(0..records.len() as u64, |at| {
        let unit = &records[at as usize];
        let (mut pieces, place) = Pieces::around(&LOG, unit);
        pieces.frames.remove(place);
        let what = format!("record {} deleted", unit.expected);
        let fault = LOG.fails_at_departure(&pieces.image(&LOG), &what);
        assert!(matches!(fault, Fault::FrameSequence { .. }), "{what}: {fault}");
        pieces.renumber();
        assert_eq!(LOG.fails_at_departure(&pieces.image(&LOG), &what), Fault::FrameTag, "{what}, renumbered");
        2
    });
    assert_eq!(fails, 2000);
    println!("{} records deleted, as they are and renumbered", records.len());
}

#[test]
fn a_duplicated_record_fails_in_the_place_after_it() {
    let records: Vec<_> = LOG.records().copied().collect();
    let fails = in_two(0..records.len() as u64, |at| {
        let unit = &records[at as usize];
        let (mut pieces, place) = Pieces::around(&LOG, unit);
        pieces.frames.insert(place + 1, pieces.frames[place].clone());
        let what = format!("record {} twice", unit.expected);
        let fault = LOG.fails_at_departure(&pieces.image(&LOG), &what);
        assert!(matches!(fault, Fault::FrameSequence { .. }), "{what}: {fault}");
        pieces.renumber();
        assert_eq!(LOG.fails_at_departure(&pieces.image(&LOG), &what), Fault::FrameTag, "{what}, renumbered");
        2
    });
    assert_eq!(fails, 2000);
    println!("{} records duplicated, as they are and renumbered", records.len());
}

#[test]
fn a_checkpoint_or_a_seal_deleted_or_duplicated_fails() {
    let mut fails = 0;
    for unit in LOG.units.iter().filter(|unit| matches!(unit.shape, "checkpoint" | "seal")) {
        let (is_seal, is_last) = (unit.shape == "seal", unit.segment == LOG.image.last());
        let (mut pieces, place) = Pieces::around(&LOG, unit);
        pieces.frames.insert(place + 1, pieces.frames[place].clone());
        let fault = LOG.fails_at_departure(&pieces.image(&LOG), "duplicated");
        let expected = if is_seal { Fault::AfterSeal } else { Fault::Kind { seen: 64 } };
        assert_eq!(fault, expected, "{} twice at {}", unit.shape, unit.place());
        pieces.frames.drain(place..place + 2);
        let altered = pieces.image(&LOG);
        fails += 1;
        if is_seal && is_last {
            // An unclosed log like any other, but for the anchor.
            let report = verify(&altered.reading(), ReadOptions::default()).unwrap();
            assert_eq!((report.summary.sealed, report.summary.completeness), (false, Completeness::Unproven));
            let read = ReadOptions { anchor: Some(LOG.anchor), ..ReadOptions::default() };
            let error = verify(&altered.reading(), read).unwrap_err();
            assert_eq!(fault_of(&error, "last seal"), Fault::AnchorTag);
            continue;
        }
        let fault = LOG.fails_at_departure(&altered, "deleted");
        assert_eq!(fault, if is_seal { Fault::SealMissing } else { Fault::CheckpointIncomplete });
        fails += 1;
    }
    assert_eq!(fails, LOG.image.last() * 4 - 1);
}

#[test]
fn two_records_that_change_places_fail_in_the_first_place() {
    let records = LOG.records_of(SEGMENT);
    assert!(records.len() >= 64, "{} records", records.len());
    let pairs: Vec<_> =
        (0..64).flat_map(|first| (first + 1..64).map(move |second| (first, second))).collect();
    let fails = in_two(0..pairs.len() as u64, |at| {
        let (first, second) = pairs[at as usize];
        let (mut pieces, place) = Pieces::around(&LOG, &records[first]);
        pieces.frames.swap(place, place + second - first);
        let what = format!("{} and {}", records[first].expected, records[second].expected);
        let altered = pieces.image(&LOG);
        assert_eq!(LOG.departure(&altered), Some(records[first].place()));
        let fault = LOG.fails_at_departure(&altered, &what);
        assert!(matches!(fault, Fault::FrameSequence { .. }), "{what}: {fault}");
        if at % 5 > 0 {
            return 1;
        }
        pieces.renumber();
        let fault = LOG.fails_at_departure(&pieces.image(&LOG), &what);
        assert_eq!(fault, Fault::FrameTag, "{what}, renumbered");
        2
    });
    assert_eq!(fails, 2016 + 404);
    println!("{} pairs of one segment, every 5th renumbered too", pairs.len());
}

#[test]
fn two_records_of_two_segments_that_change_places_fail() {
    let (here, there) = (LOG.records_of(2), LOG.records_of(4));
    let mut fails = 0;
    for (mine, theirs) in here.iter().zip(there.iter().rev()).step_by(3) {
        let (mut first, place) = Pieces::around(&LOG, mine);
        let (mut second, other) = Pieces::around(&LOG, theirs);
        core::mem::swap(&mut first.frames[place], &mut second.frames[other]);
        let both = |first: &Pieces, second: &Pieces| second.put_into(&first.image(&LOG));
        // Checksums are a segment's own.
        assert_eq!(LOG.fails_at_departure(&both(&first, &second), "moved"), Fault::Broken);
        first.repair();
        let fault = LOG.fails_at_departure(&both(&first, &second), "moved, repaired");
        assert!(matches!(fault, Fault::FrameSequence { .. }), "{fault}");
        first.renumber();
        assert_eq!(LOG.fails_at_departure(&both(&first, &second), "renumbered"), Fault::FrameTag);
        fails += 3;
    }
    assert!(fails > 60, "{fails}");
}

#[test]
fn a_record_of_another_log_under_the_same_key_fails_in_its_place() {
    let other = Made::closed(OTHER_ID, 400);
    let mut fails = 0;
    for unit in LOG.records_of(SEGMENT) {
        for theirs in [unit.expected.0, unit.expected.0 + 1, 7] {
            let spliced = other.unit_of(theirs).of(&other.image).to_vec();
            let (mut pieces, place) = Pieces::around(&LOG, &unit);
            pieces.frames[place] = spliced;
            let what = format!("{theirs} of another log as {}", unit.expected);
            assert_eq!(LOG.fails_at_departure(&pieces.image(&LOG), &what), Fault::Broken, "{what}");
            pieces.repair();
            let fault = LOG.fails_at_departure(&pieces.image(&LOG), &what);
            if theirs == unit.expected.0 {
                assert_eq!(fault, Fault::FrameTag, "{what}, repaired");
            } else {
                assert!(matches!(fault, Fault::FrameSequence { .. }), "{what}, repaired: {fault}");
            }
            pieces.renumber();
            let fault = LOG.fails_at_departure(&pieces.image(&LOG), &what);
            assert_eq!(fault, Fault::FrameTag, "{what}, renumbered");
            fails += 3;
        }
    }
    // Whole segments; the first one makes the rest foreign.
    for (number, bytes) in other.image.segments().filter(|(number, _)| *number <= LOG.image.last()) {
        let altered = LOG.image.with(number, bytes.clone());
        let read = ReadOptions { log_id: Some(LOG_ID), ..ReadOptions::default() };
        let error = verify(&altered.reading(), read).unwrap_err();
        assert_eq!(fault_of(&error, "foreign"), Fault::LogId { seen: OTHER_ID });
        assert_eq!((error.place().unwrap().segment, error.place().unwrap().offset), (number, 0));
        let error = verify(&altered.reading(), ReadOptions::default()).unwrap_err();
        assert_eq!(error.place().unwrap().segment, number.max(2));
        fails += 2;
    }
    println!("{fails} splices of records and segments of another log");
}

/// A fork has the same id, the same key and the same beginning: a copy of the log that was continued otherwise.
#[test]
fn a_record_of_a_fork_fails_in_its_place_or_the_next() {
    let (log, fork) = forks();
    let first = FORKED_AFTER + 1;
    let mut fails = 0;
    for sequence in first..=log.anchor.sequence().0 {
        let unit = log.unit_of(sequence);
        let (mut pieces, place) = Pieces::around(&log, &unit);
        pieces.frames[place] = fork.unit_of(sequence).of(&fork.image).to_vec();
        let altered = pieces.image(&log);
        assert_eq!(log.departure(&altered), Some(unit.place()));
        // The first record of the fork is genuine where it stands; the chain goes on otherwise.
        let named = if sequence == first { log.unit_of(first + 1).place() } else { unit.place() };
        let fault = super::battery::log::fails_at(&altered.reading(), named, "forked");
        assert_eq!(fault, Fault::FrameTag, "record {sequence}");
        fails += 1;
    }
    assert_eq!(fails, FORKED);
    // The fork itself is a log under this key: only an anchor tells it from the other.
    let _report = verify(&fork.image.reading(), ReadOptions::default()).unwrap();
    let read = ReadOptions { anchor: Some(log.anchor), ..ReadOptions::default() };
    let error = verify(&fork.image.reading(), read).unwrap_err();
    assert_eq!(fault_of(&error, "fork"), Fault::AnchorTag);
}

#[test]
fn segments_removed_swapped_copied_or_renumbered_fail() {
    let (last, mut fails) = (LOG.image.last(), 0);
    for number in 1..last {
        let fault = LOG.fails_at_departure(&LOG.image.without(number), "removed");
        assert_eq!(fault, Fault::SegmentMissing);
        fails += 1;
    }
    for (first, bytes) in LOG.image.segments() {
        for second in (1..=last + 1).filter(|second| *second != first) {
            let copied = LOG.image.with(second, bytes.clone());
            let fault = LOG.fails_at_departure(&copied, "copied");
            assert_eq!(fault, Fault::SegmentNumber { seen: first });
            let mut renumbered = bytes.clone();
            renumbered[32..36].copy_from_slice(&second.to_le_bytes());
            format::repair_header(&mut renumbered[..HEADER_BYTES]);
            let altered = LOG.image.with(second, renumbered);
            assert_eq!(LOG.fails_at_departure(&altered, "renumbered"), Fault::HeaderTag);
            fails += 2;
            if second <= last {
                let swapped = copied.with(first, LOG.image.segment(second).clone());
                let fault = LOG.fails_at_departure(&swapped, "swapped");
                assert!(matches!(fault, Fault::SegmentNumber { .. }), "{fault}");
                fails += 1;
            }
        }
    }
    println!("{fails} segments removed, copied, swapped and renumbered among {last}");
}

/// What a restored backup does: a segment as it was at an earlier time.
#[test]
fn a_segment_rolled_back_fails_where_it_ends() {
    let mut fails = 0;
    for unit in LOG.units.iter().filter(|unit| unit.segment == SEGMENT) {
        let rolled_back = LOG.image.segment(SEGMENT)[..unit.offset].to_vec();
        let fault = LOG.fails_at_departure(&LOG.image.with(SEGMENT, rolled_back), "rolled back");
        let expected = match unit.shape {
            "header" => Fault::HeaderBroken,
            "checkpoint" => Fault::CheckpointIncomplete,
            _ => Fault::SealMissing,
        };
        assert_eq!(fault, expected, "to {}", unit.place());
        fails += 1;
    }
    assert!(fails > 64, "{fails}");
    // To another history of the same key, from the fork on.
    let (log, fork) = forks();
    let last = log.image.last();
    let altered = log.image.with(last, fork.image.segment(last).clone());
    let read = ReadOptions { anchor: Some(log.anchor), ..ReadOptions::default() };
    let error = verify(&altered.reading(), read).unwrap_err();
    assert_eq!(fault_of(&error, "rolled back"), Fault::AnchorTag);
}

const FORKED_AFTER: u64 = 60;
const FORKED: u64 = 20;

/// One log, and a copy of it that went on with other grants of the same size in bytes; both closed.
fn forks() -> (Made, Made) {
    let (storage, mut days) = days(LOG_ID, FORKED_AFTER);
    let _anchor = days.host.controller.drain().unwrap();
    let copy = storage.copy();
    for _ in 0..FORKED {
        days.grant_one();
    }
    let anchor = days.host.controller.close().unwrap();
    let log = Made::take_apart(LOG_ID, &storage, anchor);
    let opened = Making::default().open(Box::new(copy.clone()), None).unwrap();
    let mut host = Host::new(opened.controller, START);
    host.now = opened_at(&log);
    let org = host.controller.account(&assize::id::Name::new("org").unwrap()).unwrap();
    for _ in 0..FORKED {
        host.grant(org, 2);
    }
    let anchor = host.controller.close().unwrap();
    (log, Made::take_apart(LOG_ID, &copy, anchor))
}

fn opened_at(log: &Made) -> assize::num::Timestamp {
    log.anchor.log_time()
}

/// A segment's header and frames, to be put together otherwise.
struct Pieces {
    segment: u32,
    header: Vec<u8>,
    frames: Vec<Vec<u8>>,
    id: LogId,
    /// The last record before the segment.
    before: u64,
}

impl Pieces {
    /// The segment that has the unit, and which of its frames it is.
    fn around(log: &Made, unit: &Unit) -> (Self, usize) {
        let units: Vec<_> = log.units.iter().filter(|other| other.segment == unit.segment).collect();
        let place = units.iter().position(|other| other.offset == unit.offset).unwrap() - 1;
        let mut pieces = units.iter().map(|unit| unit.of(&log.image).to_vec());
        let header = pieces.next().unwrap();
        let before = u64_at(&header, 40);
        (Self { segment: unit.segment, header, frames: pieces.collect(), id: log.id, before }, place)
    }

    fn image(&self, log: &Made) -> Image {
        self.put_into(&log.image)
    }

    fn put_into(&self, image: &Image) -> Image {
        let bytes: Vec<u8> = self.header.iter().chain(self.frames.iter().flatten()).copied().collect();
        image.with(self.segment, bytes)
    }

    /// Gives every frame the checksum of its bytes in this segment of this log.
    fn repair(&mut self) {
        for frame in &mut self.frames {
            format::repair_frame(frame, self.id, self.segment);
        }
    }

    /// Numbers the records as they stand now, control frames with them, and repairs.
    fn renumber(&mut self) {
        let mut sequence = self.before;
        for frame in &mut self.frames {
            let kind = format::u16_at(frame, format::KIND);
            sequence += u64::from(kind != format::CHECKPOINT_PART && kind != format::SEAL);
            frame[SEQUENCE..SEQUENCE + 8].copy_from_slice(&sequence.to_le_bytes());
        }
        self.repair();
    }
}
