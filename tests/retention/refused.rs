//! Retentions that somebody without the key has brought in, and what a retention may not name.

use assize::{
    controller::NotRetained,
    id::{LogId, Sequence},
    num::Timestamp,
    wal::{Fault, Keep, Place, ReadError, ReadOptions, RetainError, Tail},
};

use crate::{
    MAKING,
    battery::{
        acts::Days,
        format,
        host::{Host, LOG_ID},
        image::{Image, name_of},
        log::{fault_of, verify},
    },
    long, named, open, retain, segments,
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

/// Bytes of a header, from an offset on.
type Patch<'a> = (usize, &'a [u8]);
/// What is to stay, which segments' headers state what, and at which segment that is refused as what.
type Row<'a> = (Keep, &'a [u32], [Patch<'a>; 2], u32, Fault);

/// A header may be altered, by whoever writes the log's files, to state a key that the writer does not hold. What it says
/// is not believed for that: it would let go what is to stay, or be recorded and make every reader refuse the log.
#[test]
fn what_a_retention_names_is_proven_before_it_is_recorded() {
    let (storage, days) = long(LOG_ID, 6);
    let now = days.host.now;
    drop(days);
    let log = Image::of_frames(&storage);
    let begun = |number| format::u64_at(log.segment(number), 48) as i64;
    let since = Keep::Since(Timestamp(begun(4)));
    assert!(begun(3) < begun(4) && begun(4) < begun(5));
    let (other_key, evolving): (Patch<'_>, Patch<'_>) = ((12, &[0xEE]), (10, &[2]));
    let early = (begun(4) - 1).to_le_bytes();
    let (endless, early, none): (Patch<'_>, Patch<'_>, Patch<'_>) =
        ((40, &[0xFF; 8]), (48, &early), (40, &[]));
    let (number, id): (Patch<'_>, Patch<'_>) = ((32, &[9]), (16, &[0; 16]));
    let earlier = Sequence(format::u64_at(log.segment(2), 40));
    let back: Patch<'_> = (40, &earlier.0.to_le_bytes());
    let rows: [Row<'_>; 12] = [
        (segments(4), &[3], [number, none], 3, Fault::SegmentNumber { seen: 9 }),
        (segments(4), &[3], [id, none], 3, Fault::LogId { seen: LogId([0; 16]) }),
        (since, &[4], [other_key, back], 4, Fault::HeaderSequence { seen: earlier }),
        (segments(4), &[3], [other_key, endless], 4, Fault::HeaderSeal),
        (segments(4), &[3], [other_key, none], 4, Fault::HeaderSeal),
        (segments(4), &[3, 4], [other_key, endless], 5, Fault::HeaderSeal),
        (segments(4), &[3, 4, 5], [other_key, endless], 6, Fault::HeaderSeal),
        (segments(4), &[3, 4, 5, 6], [other_key, endless], 6, Fault::HeaderTag),
        (segments(4), &[3], [evolving, endless], 3, Fault::HeaderTag),
        (segments(4), &[3], [none, endless], 3, Fault::HeaderTag),
        (since, &[4], [other_key, early], 5, Fault::HeaderSeal),
        (since, &[4], [none, early], 4, Fault::HeaderTag),
    ];
    for (keep, altered, patches, segment, fault) in rows {
        let memory = log.memory();
        let mut days = Days::begin_again(Host::new(open(&memory).controller, now));
        let head = days.host.head();
        let before: Vec<_> = (1..=6).map(|number| memory.bytes(&name_of(number)).unwrap()).collect();
        for number in altered {
            let mut bytes = before[*number as usize - 1].clone();
            for (at, patch) in patches {
                bytes[at..at + patch.len()].copy_from_slice(patch);
            }
            format::repair_header(&mut bytes[..format::HEADER_BYTES]);
            memory.replace(&name_of(*number), &bytes);
        }
        let call = days.host.call();
        let error = days.host.controller.retain(keep, call).unwrap_err();
        let place = Place { segment, sequence: Sequence(0), offset: 0 };
        let expected = RetainError::Read(ReadError::Evidence { place, fault });
        assert_eq!(error, NotRetained::Log(expected), "{altered:?} {patches:?}");
        assert_eq!((memory.names().len(), days.host.head()), (6, head), "nothing is recorded or deleted");
        // Nothing is poisoned either: with the headers as they were, it is carried out.
        for number in altered {
            memory.replace(&name_of(*number), &before[*number as usize - 1]);
        }
        let retained = retain(&mut days, keep);
        assert_eq!(retained.retention.unwrap().first_segment, 3, "{altered:?} {patches:?}");
        drop(days);
        // The last one, put back, is another file than the one that was written to.
        let read = verify(&memory, ReadOptions { tail: Tail::Live, ..ReadOptions::default() });
        assert!(altered.contains(&6) || read.is_ok(), "{altered:?} {patches:?}");
    }
}

/// Where the proof has to walk over segments, those are whole, or nothing is let go.
#[test]
fn a_segment_that_is_not_whole_proves_nothing() {
    let (storage, days) = long(LOG_ID, 6);
    let now = days.host.now;
    drop(days);
    let log = Image::of_frames(&storage);
    // The third states a key that the writer does not hold, so that its seal is what speaks for it.
    let mut third = log.segment(3).to_vec();
    third[12] = 0xEE;
    format::repair_header(&mut third[..format::HEADER_BYTES]);
    let whole = third.len();
    let seal = format::frames(log.segment(3)).pop().unwrap().end() - 1;
    for bytes in [seal, whole / 2, format::HEADER_BYTES + 1] {
        let memory = log.memory();
        let mut days = Days::begin_again(Host::new(open(&memory).controller, now));
        memory.replace(&name_of(3), &third[..bytes]);
        let call = days.host.call();
        let error = days.host.controller.retain(segments(4), call).unwrap_err();
        let NotRetained::Log(RetainError::Read(ReadError::Evidence { place, fault })) = error else {
            panic!("{error}")
        };
        assert_eq!((place.segment, fault), (3, Fault::SealMissing), "{bytes}");
        assert_eq!(memory.names().len(), 6, "nothing is deleted");
        memory.replace(&name_of(3), log.segment(3));
        assert_eq!(retain(&mut days, segments(4)).retention.unwrap().first_segment, 3);
    }
}
