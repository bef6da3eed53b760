//! Retentions that somebody without the key has brought in, and what a retention may not name.

use assize::{
    id::LogId,
    wal::{Fault, ReadOptions},
};

use crate::{
    MAKING,
    battery::{
        format,
        host::LOG_ID,
        image::Image,
        log::{fault_of, verify},
    },
    long, named, retain, segments,
};

/// The frame of the last retention of a log, and its place.
fn retention(log: &Image) -> (u32, format::Frame) {
    let of = |number| format::frames(log.segment(number)).into_iter().rfind(|frame| frame.kind == 67);
    let found = log.segments().filter_map(|(number, _)| Some((number, of(number)?))).last();
    found.unwrap()
}

#[test]
fn a_retention_of_another_log_lets_nothing_go() {
    let (storage, mut days) = long(LogId(*b"of another log.."), 5);
    let other = Image::of_frames(&storage);
    let _retained = retain(&mut days, segments(1));
    drop(days);
    let other = other.with(5, Image::of_frames(&storage).segment(5).clone());
    let (number, theirs) = retention(&other);
    let theirs = theirs.of(other.segment(number)).to_vec();

    // In place of an own retention that names less.
    let log = named(5, 2);
    let (number, own) = retention(&log);
    let mut spliced = theirs.clone();
    spliced[format::SEQUENCE..format::SEQUENCE + 8].copy_from_slice(&own.sequence.to_le_bytes());
    let low = own.synced_through.to_le_bytes();
    spliced[format::SYNCED_THROUGH..format::SYNCED_THROUGH + 8].copy_from_slice(&low);
    format::repair_frame(&mut spliced, LOG_ID, number);
    let mut bytes = log.segment(number).clone();
    bytes.splice(own.offset..own.end(), spliced);
    let altered = log.with(number, bytes).without_all(1..5);
    let error = verify(&altered.reading(), ReadOptions::default()).unwrap_err();
    assert_eq!(fault_of(&error, "spliced"), Fault::FrameTag);
    assert!(MAKING.open(Box::new(altered.memory()), None).is_err());

    // Their segments do not vouch for it either.
    let altered = log.with(5, other.segment(5).clone()).without_all(1..5);
    let read = ReadOptions { log_id: Some(LOG_ID), ..ReadOptions::default() };
    let error = verify(&altered.reading(), read).unwrap_err();
    assert_eq!(fault_of(&error, "another's"), Fault::LogId { seen: LogId(*b"of another log..") });
}

/// The retention is in the header of every later segment; there it cannot be altered without the key.
#[test]
fn what_a_header_says_of_a_retention_cannot_be_altered() {
    let (storage, mut days) = long(LOG_ID, 3);
    let _retained = retain(&mut days, segments(2));
    while days.host.controller.stats().unwrap().log.segment < 5 {
        days.act();
    }
    let _anchor = days.host.controller.drain().unwrap();
    drop(days);
    let log = Image::of_frames(&storage);
    assert_eq!(format::u32_at(log.segment(5), 120), 2);
    for (at, value) in [(120, 5_u8), (120, 1), (120, 0), (124, 1), (128, 1), (136, 1), (168, 1)] {
        let mut bytes = log.segment(5).clone();
        bytes[at] = bytes[at].wrapping_add(value);
        format::repair_header(&mut bytes[..format::HEADER_BYTES]);
        if at == 120 && value == 0 {
            assert_eq!(&bytes, log.segment(5));
            continue;
        }
        let altered = log.with(5, bytes);
        let error = verify(&altered.reading(), ReadOptions::default()).unwrap_err();
        let fault = fault_of(&error, "altered");
        assert!(matches!(fault, Fault::HeaderTag | Fault::HeaderBroken), "{at}: {fault}");
        assert!(MAKING.open(Box::new(altered.memory()), None).is_err());
    }
}
