//! Logs under evolving and changed keys whose oldest segments are deleted: the state opens what is left, the roots read it.

use assize::{
    crypto::{KeyId, RootKey},
    id::Sequence,
    num::Timestamp,
    wal::{
        Fault, FindError, FindOptions, Keep, Level, Log, ReadError, ReadOptions, Reader, RetainError,
        find_record,
    },
};

use crate::{
    Host, root,
    toy::{START, Toy, append_at},
};

fn last(count: u32) -> Keep {
    Keep::Segments(count.try_into().unwrap())
}

fn now(log: &Log<Toy>) -> Timestamp {
    let _written = log.drive(Level::Written).unwrap();
    log.with_fold(|state| state.time).unwrap()
}

#[test]
fn an_evolving_log_is_pruned_opened_by_its_state_and_read_by_its_root() {
    let host = Host::new();
    let log = host.create();
    append_at(&log, 60, Level::Synced);
    let segments = host.segments();
    assert!(segments > 6, "{segments}");
    let at = now(&log);
    let retained = log.retain(last(4), at, at).unwrap();
    let kept = retained.retention.unwrap();
    assert_eq!((kept.first_segment, retained.removed), (segments - 3, segments - 4));
    // The host has no key of earlier segments: by time too, their headers are proven by those after them.
    let since = log.retain(Keep::Since(Timestamp(at.0 - 20)), at, at).unwrap();
    assert!(since.retention.unwrap().first_segment >= kept.first_segment);
    append_at(&log, 20, Level::Synced);
    drop(log);

    let (log, recovery) = host.open().unwrap();
    assert_eq!(recovery.segment, host.kept());
    let summary = host.read().unwrap();
    let pruned = summary.pruned.unwrap();
    assert_eq!(pruned.first_segment, since.retention.unwrap().first_segment);
    for sequence in pruned.through.0 + 1..=summary.head.sequence().0 {
        let found = find_record(&host.log, &[&root()], FindOptions::default(), Sequence(sequence)).unwrap();
        assert_eq!(found.sequence, Sequence(sequence));
    }
    let before = find_record(&host.log, &[&root()], FindOptions::default(), pruned.through).unwrap_err();
    assert_eq!(before, FindError::Before { segment: pruned.first_segment, through: pruned.through });
    log.close().unwrap();
    // One more that is missing is refused, by the root's holder and by the state's.
    host.log.take(&format!("{:08}.seg", pruned.first_segment));
    let missing = ReadError::Evidence {
        place: assize::wal::Place { segment: pruned.first_segment, sequence: pruned.through, offset: 0 },
        fault: Fault::SegmentMissing,
    };
    assert_eq!(host.read().map(|_| ()).unwrap_err(), missing);
    assert!(host.open().is_err());
}

/// The keys of earlier segments are gone. The digests in later headers are not, up to the one whose key is held.
#[test]
fn a_header_whose_key_is_gone_is_proven_by_those_after_it() {
    let host = Host::new();
    let log = host.create();
    append_at(&log, 60, Level::Synced);
    let (segments, at) = (host.segments(), now(&log));
    let first = segments - 3;
    let read = |number: u32| host.log.bytes(&format!("{number:08}.seg")).unwrap();
    let write = |number: u32, bytes: &[u8]| host.log.replace(&format!("{number:08}.seg"), bytes);
    let begun = i64::from_le_bytes(*read(first)[48..].first_chunk().unwrap());
    // The header, a byte further on, or what is said of it: nothing of it is taken at its word.
    for (number, at_byte, refused) in [
        (first, 40, first + 1),
        (first, 48, first + 1),
        (first + 1, 300, first + 2),
        (first + 1, 90, first + 2),
    ] {
        let whole = read(number);
        let mut bytes = whole.clone();
        bytes[at_byte] ^= 1;
        if at_byte < 256 {
            let checksum = [&bytes[16..32], &number.to_le_bytes(), &bytes[..248]].concat();
            let checksum = crc32c::crc32c(&checksum).to_le_bytes();
            bytes[248..252].copy_from_slice(&checksum);
        }
        write(number, &bytes);
        for keep in [last(4), Keep::Since(Timestamp(begun + 2))] {
            let error = log.retain(keep, at, at).unwrap_err();
            let RetainError::Read(ReadError::Evidence { place, fault }) = error else { panic!("{error}") };
            assert_eq!((place.segment, fault), (refused, Fault::HeaderSeal), "{number}, {at_byte}");
        }
        write(number, &whole);
    }
    assert_eq!(host.segments(), segments, "nothing is recorded");
    // Zeros after a seal, as a crash may leave them, are no part of what was sealed. FORMAT 6.2.
    write(first, &[read(first), vec![0; 4096]].concat());
    let retained = log.retain(last(4), at, at).unwrap();
    assert_eq!(retained.retention.unwrap().first_segment, first);
    drop(log);
    assert_eq!(host.read().unwrap().pruned.unwrap().first_segment, first);
}

#[test]
fn a_log_that_went_on_under_another_key_is_pruned_up_to_it_and_past_it() {
    let host = Host::new();
    let log = host.create();
    append_at(&log, 20, Level::Synced);
    let next = RootKey::new(KeyId(8), &[0x6B; 32]).unwrap();
    log.change_key(RootKey::new(KeyId(8), &[0x6B; 32]).unwrap()).unwrap();
    append_at(&log, 30, Level::Synced);
    let read = |keys: &[&RootKey]| {
        Reader::open(&host.log, keys, ReadOptions::default())
            .and_then(Reader::finish)
            .map(|summary| summary.pruned)
    };
    let mut pruned = 0;
    // Each record may begin a segment, and each lets one go.
    while host.segments() > 1 {
        let at = now(&log);
        let retained = log.retain(last(host.segments() - 1), at, at).unwrap();
        assert!((1..=2).contains(&retained.removed), "{retained:?}");
        let first_segment = read(&[&root(), &next]).unwrap().unwrap().first_segment;
        assert_eq!(first_segment, retained.retention.unwrap().first_segment);
        pruned += retained.removed;
        assert!(pruned < 100, "it comes to an end");
    }
    assert!(pruned > 6, "{pruned}");
    // What is left is under the new key alone, and needs no other.
    assert!(read(&[&next]).unwrap().is_some());
    assert!(matches!(read(&[&root()]), Err(ReadError::UnknownKey { id: KeyId(8), .. })));
    assert!(now(&log).0 > START.0);
}
