//! Segments before the last: nothing tears them, so nothing excuses them.

use assize::wal::{Blame, Fault, ReadOptions, Tail};

use crate::{
    LOG, MAKING,
    battery::{
        format::{self, CHECKPOINT_PART, HEADER_BYTES, SEAL},
        image::Image,
        in_two,
        log::{fault_of, replay, verify},
    },
};

#[test]
fn an_earlier_segment_cut_anywhere_is_refused() {
    const SEGMENT: u32 = 2;
    let segment = LOG.image.segment(SEGMENT);
    let frames = format::frames(segment);
    let ends: Vec<_> = frames.iter().map(format::Frame::end).collect();
    assert_eq!(frames.last().map(|frame| frame.kind), Some(SEAL));
    let cuts = in_two(0..segment.len() as u64, |at| {
        let at = at as usize;
        let what = format!("segment {SEGMENT} cut at byte {at}");
        for zeros in [0, segment.len() - at + 8] {
            let mut cut = segment[..at].to_vec();
            cut.resize(at + zeros, 0);
            // Zeros may be what was cut.
            let whole = cut.iter().zip(segment).take_while(|(cut, byte)| cut == byte).count();
            if whole == segment.len() {
                continue;
            }
            let cut_bytes = cut.clone();
            let altered = LOG.image.with(SEGMENT, cut);
            let error = verify(&altered.reading(), ReadOptions::default()).unwrap_err();
            let place = error.place().unwrap();
            let expected = match ends.iter().rfind(|end| **end <= whole).copied() {
                None if whole < HEADER_BYTES => {
                    assert_eq!(place.offset, 0, "{what}");
                    // The version is read first: one that is cut is another.
                    if zeros > 0 && (8..9).contains(&at) {
                        Fault::Version { seen: 0 }
                    } else {
                        Fault::HeaderBroken
                    }
                }
                after => {
                    let offset = after.unwrap_or(HEADER_BYTES);
                    assert_eq!((place.segment, place.offset), (SEGMENT, offset as u64), "{what}");
                    // What the cut left of a frame may be nothing but zeros.
                    let nothing = cut_bytes[offset..].iter().all(|byte| *byte == 0);
                    match after {
                        None if nothing => Fault::CheckpointIncomplete,
                        Some(_) if nothing => Fault::SealMissing,
                        _ => Fault::Broken,
                    }
                }
            };
            assert_eq!((fault_of(&error, &what), error.blame()), (expected, Blame::Evidence), "{what}");
            // A segment with a successor is at rest, also where the log is being written.
            let live = ReadOptions { tail: Tail::Live, ..ReadOptions::default() };
            assert_eq!(verify(&altered.reading(), live).unwrap_err(), error, "{what}");
            if at.is_multiple_of(16) {
                assert_eq!(
                    replay(&altered.reading(), ReadOptions::default()).unwrap_err().place(),
                    Some(place)
                );
            }
        }
        1
    });
    assert_eq!(cuts, segment.len() as u64);
    println!("{cuts} cuts of a segment of {} bytes", segment.len());
}

/// A segment is renamed into its place once its checkpoint is on disk: a last one without it was damaged.
#[test]
fn a_last_segment_without_its_checkpoint_is_refused() {
    let mut refused = 0;
    for at in 0..LOG.checkpoint_end {
        let image = LOG.with_last(LOG.last()[..at].to_vec());
        let memory = image.memory();
        let error = verify(&memory, ReadOptions::default()).unwrap_err();
        let expected = match at {
            0..HEADER_BYTES => Fault::HeaderBroken,
            HEADER_BYTES => Fault::CheckpointIncomplete,
            _ => Fault::Broken,
        };
        assert_eq!(fault_of(&error, "no checkpoint"), expected, "cut at byte {at}");
        let error = MAKING.open(Box::new(memory.clone()), None).err().unwrap();
        assert_eq!(super::tail::said(&error), Some(expected), "cut at byte {at}");
        assert_eq!(Image::of(&memory), image);
        refused += 1;
    }
    let first = format::frames(LOG.last())[0];
    assert_eq!((first.kind, refused), (CHECKPOINT_PART, LOG.checkpoint_end));
}

/// A log that lost its later segments ends in a sealed one: it opens, and an anchor tells.
#[test]
fn segments_lost_from_the_end_are_told_by_an_anchor_alone() {
    let read = ReadOptions { anchor: Some(LOG.anchor), ..ReadOptions::default() };
    for last in 1..LOG.image.last() {
        let image = LOG.image.cut(last, LOG.image.segment(last).len());
        let memory = image.memory();
        assert!(verify(&memory, read).is_err() && replay(&memory, read).is_err());
        assert!(MAKING.open(Box::new(memory.clone()), Some(LOG.anchor)).is_err());
        assert_eq!(Image::of(&memory), image);
        let opened = crate::open(&memory, "segments lost");
        assert!(opened.recovery.sealed && opened.recovery.cut.is_none());
        assert_eq!(opened.recovery.segment, last);
        let head = opened.recovery.head.0;
        crate::must_be(&opened, &memory, head, 0, "segments lost");
    }
}
