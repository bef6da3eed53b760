//! Any single bit of any segment.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    time::Instant,
};

use assize::{
    audit::{AuditError, Problem},
    wal::{Completeness, Fault, ReadError, ReadOptions},
};

use crate::{
    LOG,
    battery::{
        self,
        format::{self, Frame, TRAILER_BYTES},
        host::{LOG_ID, Making},
        image::Reading,
        in_two,
        log::{Made, SHAPES, Unit, days, fails_at, replay, verify},
    },
};

/// What the flips below stand on: the log as it is holds, and has everything that a log can have.
#[test]
fn the_log_that_is_altered_holds_and_has_every_kind_of_frame() {
    let read = ReadOptions { anchor: Some(LOG.anchor), log_id: Some(LOG_ID), ..ReadOptions::default() };
    let report = verify(&LOG.image.reading(), read).unwrap();
    assert_eq!((report.summary.records, report.summary.sealed), (1000, true));
    assert_eq!(report.summary.completeness, Completeness::Proven { through: LOG.anchor.sequence() });
    let replayed = replay(&LOG.image.reading(), read).unwrap();
    assert!(replayed.holds_open > 10 && replayed.calls.denied_budget > 10);

    let shapes: Vec<_> = LOG.one_of_each().iter().map(|unit| unit.shape).collect();
    assert_eq!(shapes, SHAPES);
    let bytes: usize = LOG.image.segments().map(|(_, segment)| segment.len()).sum();
    assert_eq!(LOG.units.iter().map(|unit| unit.bytes).sum::<usize>(), bytes, "units have every byte");
    assert_eq!(report.summary.bytes, bytes as u64);
    assert!(LOG.image.last() >= 8, "{} segments", LOG.image.last());
    println!("1000 records in {} segments of {bytes} bytes in all", LOG.image.last());
}

#[test]
fn any_flipped_bit_fails_at_its_frame() {
    let bits = if battery::full() { Bits::of(LOG.units.clone()) } else { Bits::of(LOG.one_of_each()) };
    flips_fail("as they are", bits, Checksum::Left);
}

#[test]
fn any_flipped_bit_fails_at_its_frame_when_the_checksum_is_repaired() {
    let bits =
        if battery::full() { Bits::one_of_each_byte(LOG.units.clone()) } else { Bits::of(LOG.one_of_each()) };
    flips_fail("with repaired checksums", bits, Checksum::Repaired);
}

/// A replay reads as a verification does: held to a sample.
#[test]
fn a_flipped_bit_fails_a_replay_at_its_frame() {
    let every = if battery::full() { 499 } else { 2_003 };
    let bits = Bits::of(LOG.units.clone());
    let started = Instant::now();
    let flips = in_two(0..bits.count / every, |number| {
        let (unit, bit) = bits.at(number * every);
        let checksum = if number % 2 == 0 { Checksum::Left } else { Checksum::Repaired };
        let Some(altered) = flipped(&LOG, &unit, bit, checksum) else { return 0 };
        let error = named(&unit, bit, || replay(&altered, ReadOptions::default()).unwrap_err());
        check(&unit, bit, checksum, &error);
        1
    });
    assert!(flips > 500, "{flips} flips");
    println!("replay: {flips} bits, every {every}th of the log, in {:.1?}", started.elapsed());
}

/// The record of a recovery, and the zeros that may stand at the end of a file.
#[test]
fn any_flipped_bit_of_a_recovery_and_of_zeros_after_a_seal_fails() {
    let (storage, days) = days(LOG_ID, 40);
    let head = days.host.head();
    let _anchor = days.host.controller.drain().unwrap();
    drop(days);
    let mut torn = battery::image::Image::of_frames(&storage).segment(1).clone();
    torn.extend_from_slice(&battery::Drawn(1).bytes(1000));
    storage.replace("00000001.seg", &torn);
    let opened = Making::default().open(Box::new(storage.clone()), None).unwrap();
    assert_eq!(opened.recovery.cut.unwrap().bytes, 1000);
    let anchor = opened.controller.close().unwrap();
    let log = Made::take_apart(LOG_ID, &storage, anchor);

    let recovery = log.unit_of(head + 1);
    assert_eq!(recovery.shape, "recovery");
    let bits = Bits::of(vec![recovery]);
    for checksum in [Checksum::Left, Checksum::Repaired] {
        for number in 0..bits.count {
            let (unit, bit) = bits.at(number);
            fails(&log, &unit, bit, checksum);
        }
    }
    let end = log.units.last().unwrap().end();
    let mut longer = log.image.segment(1).clone();
    longer.resize(end + ZEROS, 0);
    let longer = log.image.with(1, longer);
    assert!(verify(&longer.reading(), ReadOptions::default()).is_ok());
    for bit in 0..ZEROS * 8 {
        let altered = longer.patched(1, vec![(end + bit / 8, vec![1 << (bit % 8)])]);
        let place =
            assize::wal::Place { segment: 1, sequence: assize::id::Sequence(head + 2), offset: end as u64 };
        assert_eq!(fails_at(&altered, place, "zeros"), Fault::AfterSeal);
    }
    println!("recovery: {} bits twice, {} bits of zeros after the seal", bits.count, ZEROS * 8);
}

const ZEROS: usize = 520;

/// Which bits are flipped.
struct Bits {
    units: Vec<Unit>,
    /// The number of each unit's first bit.
    starts: Vec<u64>,
    count: u64,
    sampled: fn(&Unit) -> bool,
}

impl Bits {
    /// Every bit; unless the whole battery runs, one bit of each byte of a checkpoint's part, which is large.
    fn of(units: Vec<Unit>) -> Self {
        Self::sampled(units, |unit| !battery::full() && unit.shape == "checkpoint")
    }

    fn one_of_each_byte(units: Vec<Unit>) -> Self {
        Self::sampled(units, |_| true)
    }

    /// Where a unit is sampled, one bit of each byte, another one from byte to byte.
    fn sampled(units: Vec<Unit>, sampled: fn(&Unit) -> bool) -> Self {
        let mut bits = Self { units, starts: Vec::new(), count: 0, sampled };
        for unit in &bits.units {
            bits.starts.push(bits.count);
            bits.count += if sampled(unit) { unit.bytes as u64 } else { unit.bytes as u64 * 8 };
        }
        bits
    }

    fn at(&self, number: u64) -> (Unit, usize) {
        let place = self.starts.partition_point(|start| *start <= number) - 1;
        let (unit, within) = (self.units[place], (number - self.starts[place]) as usize);
        (unit, if (self.sampled)(&unit) { within * 8 + within % 8 } else { within })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Checksum {
    Left,
    Repaired,
}

fn flips_fail(how: &str, bits: Bits, checksum: Checksum) {
    let started = Instant::now();
    let flips = in_two(0..bits.count, |number| {
        let (unit, bit) = bits.at(number);
        fails(&LOG, &unit, bit, checksum)
    });
    // Flips of a checksum are no flips once it is repaired.
    let checksums = bits.units.len() as u64 * 32;
    let least = if checksum == Checksum::Left { bits.count } else { bits.count - checksums };
    assert!(flips >= least && flips > 20_000, "{flips} flips of {} bits", bits.count);
    println!(
        "{how}: {flips} bits of {} headers and frames, {} of these one bit a byte, in {:.1?}",
        bits.units.len(),
        bits.units.iter().filter(|unit| (bits.sampled)(unit)).count(),
        started.elapsed()
    );
}

/// Flips, verifies, and holds the error to the place and to what can be wrong there; gives 1 if it was a flip.
fn fails(log: &Made, unit: &Unit, bit: usize, checksum: Checksum) -> u64 {
    let Some(altered) = flipped(log, unit, bit, checksum) else { return 0 };
    let error = named(unit, bit, || match verify(&altered, ReadOptions::default()) {
        Err(error) => error,
        Ok(_) => {
            panic!("bit {bit} of the {} at {} is flipped, and the log verifies", unit.shape, unit.place())
        }
    });
    check(unit, bit, checksum, &error);
    1
}

/// `None` where repairing the checksum undoes the flip.
fn flipped(log: &Made, unit: &Unit, bit: usize, checksum: Checksum) -> Option<Reading> {
    let (byte, mask) = (bit / 8, 1 << (bit % 8));
    let before = unit.of(&log.image);
    if checksum == Checksum::Left {
        let patch = (unit.offset + byte, vec![before[byte] ^ mask]);
        return Some(log.image.patched(unit.segment, vec![patch]));
    }
    let mut bytes = before.to_vec();
    bytes[byte] ^= mask;
    match unit.frame {
        Some(_) => format::repair_frame(&mut bytes, log.id, unit.segment),
        None => format::repair_header(&mut bytes),
    }
    (bytes != before).then(|| log.image.patched(unit.segment, vec![(unit.offset, bytes)]))
}

/// Names the bit if something panics.
fn named<T>(unit: &Unit, bit: usize, act: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(act)).unwrap_or_else(|_| {
        panic!("bit {bit} of the {} at {}: see the panic above", unit.shape, unit.place());
    })
}

fn check(unit: &Unit, bit: usize, checksum: Checksum, error: &AuditError) {
    let about =
        || format!("bit {bit} of the {} at {}, checksum {checksum:?}: {error}", unit.shape, unit.place());
    assert_eq!(error.place(), Some(unit.place()), "{}", about());
    let before = match unit.frame {
        Some(_) if unit.shape != "checkpoint" => unit.expected.0 - 1,
        _ => unit.expected.0,
    };
    assert_eq!(error.good.records, before, "{}", about());
    let holds = match &error.problem {
        Problem::Read(ReadError::Evidence { fault, .. }) => match &unit.frame {
            Some(frame) => frame_fault(unit, frame, bit / 8, checksum, *fault),
            None => header_fault(unit, bit / 8, checksum, *fault),
        },
        // No key is known by the id that the header states now.
        Problem::Read(ReadError::UnknownKey { .. }) => {
            unit.frame.is_none() && (12..16).contains(&(bit / 8)) && checksum == Checksum::Repaired
        }
        _ => false,
    };
    assert!(holds, "{}", about());
}

/// What a flip in that byte of a frame is found by. FORMAT 7.1, 8.1.
fn frame_fault(unit: &Unit, frame: &Frame, byte: usize, checksum: Checksum, fault: Fault) -> bool {
    let broken = if unit.proven { Fault::Broken } else { Fault::TornTail };
    if checksum == Checksum::Left {
        return fault == broken;
    }
    let padding = format::PAYLOAD + frame.payload_bytes..frame.bytes - TRAILER_BYTES;
    match byte {
        0..4 => fault == broken,
        // A length within the padding leaves the frame where it is.
        4..8 => fault == broken || fault == Fault::FrameTag,
        8..16 => matches!(fault, Fault::FrameSequence { .. }),
        // A control frame's number taken for a record's, or the other way round, has another sequence.
        40..42 => matches!(
            fault,
            Fault::Kind { .. } | Fault::FrameTag | Fault::FrameSequence { .. } | Fault::CheckpointIncomplete
        ),
        42..44 => fault == broken || fault == Fault::Extension,
        byte if padding.contains(&byte) => fault == broken,
        _ => fault == Fault::FrameTag,
    }
}

/// The same of a header. FORMAT 6.4.
fn header_fault(unit: &Unit, byte: usize, checksum: Checksum, fault: Fault) -> bool {
    match (byte, checksum) {
        (8..10, _) => matches!(fault, Fault::Version { .. }),
        (_, Checksum::Left) => fault == Fault::HeaderBroken,
        // Of 1 a bit makes the mode without a key, or one that there is not.
        (10, _) => matches!(fault, Fault::KeyMode { .. } | Fault::Unkeyed),
        (16..32, _) if unit.segment > 1 => matches!(fault, Fault::LogId { .. }),
        (32..36, _) => matches!(fault, Fault::SegmentNumber { .. }),
        (16..32 | 40..120 | 216..248, _) => fault == Fault::HeaderTag,
        _ => fault == Fault::HeaderBroken,
    }
}
