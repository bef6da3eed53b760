//! Whatever is changed in a log at rest, reading it fails, and says where.

use assize::{
    crypto::{KeyId, RootKey},
    id::{LogId, Sequence},
    wal::{Blame, Fault, Level, Log, LogOptions, ReadError, ReadOptions, Reader, storage::Memory},
};

use crate::{
    forge::{Forge, mend_checksum},
    toy::{self, Kept, Toy, append, append_at, create, frames_of, key, open, read, read_with},
};

/// A closed log of two segments with three records and four, and its frames.
fn closed() -> (Memory, Vec<Kept>) {
    let storage = Memory::new();
    let log = create(&storage, 400);
    append_at(&log, 3, Level::Synced);
    append_at(&log, 4, Level::Synced);
    log.close().unwrap();
    let (frames, summary) = read(&storage).unwrap();
    assert_eq!((summary.segments, summary.records), (2, 7));
    (storage, frames)
}

fn altered(storage: &Memory, name: &str, alter: impl FnOnce(&mut Vec<u8>)) -> Memory {
    let altered = storage.copy();
    let mut bytes = altered.bytes(name).unwrap();
    alter(&mut bytes);
    altered.replace(name, &bytes);
    altered
}

fn refusal(storage: &Memory) -> ReadError {
    let error = read(storage).expect_err("the alteration shows");
    assert_ne!(error.blame(), Blame::Storage, "{error}");
    error
}

#[test]
fn every_bit_of_a_closed_log_counts() {
    let (storage, frames) = closed();
    let mut flipped = 0;
    for (number, name) in (1..).zip(storage.names()) {
        let size = storage.bytes(&name).unwrap().len();
        for bit in 0..size * 8 {
            let error = refusal(&altered(&storage, &name, |bytes| bytes[bit / 8] ^= 1 << (bit % 8)));
            flipped += 1;
            let offset = bit as u64 / 8;
            let frame = frames.iter().find(|frame| {
                frame.segment == number && (frame.offset..frame.offset + frame.bytes).contains(&offset)
            });
            let ReadError::Evidence { place, .. } = error else { panic!("bit {bit} of {name}: {error}") };
            assert_eq!(place.segment, number, "bit {bit} of {name}: {error}");
            match frame {
                Some(frame) => {
                    assert_eq!(place.offset, frame.offset, "bit {bit} of {name}: {error}");
                    assert!(!frame.is_record() || place.sequence.0 == frame.sequence, "{error}");
                }
                None => assert_eq!((place.offset, offset < 256), (0, true), "bit {bit} of {name}: {error}"),
            }
            // What anybody can do: make the checksum fit again.
            let mended = altered(&storage, &name, |bytes| {
                bytes[bit / 8] ^= 1 << (bit % 8);
                let segment = bytes.clone();
                let end = |frame: &Kept| (frame.offset + frame.bytes) as usize;
                let (from, to) = frame.map_or((0, 256), |frame| (frame.offset as usize, end(frame)));
                mend_checksum(&segment, &mut bytes[from..to]);
            });
            if mended.bytes(&name) != storage.bytes(&name) {
                let error = refusal(&mended);
                let kind = matches!(error, ReadError::Evidence { .. } | ReadError::UnknownKey { .. });
                assert!(kind, "bit {bit} of {name}: {error}");
            }
        }
    }
    assert!(flipped > 10_000, "{flipped} bits were flipped");
}

/// The frames of one segment as bytes, its header first.
fn parts(storage: &Memory, frames: &[Kept], segment: u32) -> Vec<Vec<u8>> {
    let bytes = frames_of(storage, &format!("{segment:08}.seg"));
    let mut parts = vec![bytes[..256].to_vec()];
    for frame in frames.iter().filter(|frame| frame.segment == segment) {
        parts.push(bytes[frame.offset as usize..(frame.offset + frame.bytes) as usize].to_vec());
    }
    assert_eq!(parts.concat(), bytes);
    parts
}

fn with_parts(storage: &Memory, segment: u32, parts: &[Vec<u8>]) -> Memory {
    altered(storage, &format!("{segment:08}.seg"), |bytes| *bytes = parts.concat())
}

#[test]
fn frames_cannot_be_taken_away_repeated_moved_or_brought_in() {
    let (storage, frames) = closed();
    let other = fork(toy::LOG_ID);
    let stranger = fork(LogId([1; 16]));
    let mut cases = 0;
    for segment in [1, 2] {
        let own = parts(&storage, &frames, segment);
        let last_of_log = |at: usize| segment == 2 && at == own.len() - 1;
        for at in 1..own.len() {
            // The last seal alone cannot be missed: the log is then one that was not closed.
            let mut fewer = own.clone();
            fewer.remove(at);
            let fewer = with_parts(&storage, segment, &fewer);
            if last_of_log(at) {
                assert!(!read(&fewer).unwrap().1.sealed);
            } else {
                refusal(&fewer);
            }
            for to in at..own.len() {
                let mut repeated = own.clone();
                repeated.insert(to + 1, own[at].clone());
                refusal(&with_parts(&storage, segment, &repeated));
                if to > at {
                    let mut swapped = own.clone();
                    swapped.swap(at, to);
                    refusal(&with_parts(&storage, segment, &swapped));
                }
                cases += 2;
            }
            for (foreign, foreign_frames) in [&other, &stranger] {
                for from in [1, 2] {
                    for part in &parts(foreign, foreign_frames, from)[1..] {
                        if *part == own[at] {
                            continue;
                        }
                        let mut spliced = own.clone();
                        spliced[at] = part.clone();
                        refusal(&with_parts(&storage, segment, &spliced));
                        let mut spliced = own.clone();
                        spliced.insert(at, part.clone());
                        refusal(&with_parts(&storage, segment, &spliced));
                        cases += 2;
                    }
                }
            }
        }
    }
    assert!(cases > 200, "{cases} cases");
}

/// A log under the same key with other payloads from the third record on.
fn fork(id: LogId) -> (Memory, Vec<Kept>) {
    let storage = Memory::new();
    let options = LogOptions { segment_bytes: 400, ..LogOptions::default() };
    let create = assize::wal::CreateOptions { id, key: assize::wal::LogKey::from(key()), options };
    let log = Log::create(Box::new(storage.clone()), create, Toy::new()).unwrap();
    append(&log, 2);
    for _ in 0..5 {
        log.append(16, toy::START.max(log_time(&log)), toy::START, |out| out.extend_from_slice(b"other"))
            .unwrap();
    }
    log.close().unwrap();
    let (frames, _) = read(&storage).unwrap();
    (storage, frames)
}

fn log_time(log: &Log<Toy>) -> assize::num::Timestamp {
    log.drive(Level::Written).map(|_| ()).unwrap();
    log.with_fold(|state| state.time).unwrap()
}

#[test]
fn segments_cannot_be_exchanged() {
    let (storage, _) = closed();
    let (fork, _) = fork(toy::LOG_ID);
    let (one, two) = ("00000001.seg", "00000002.seg");
    let bytes = |storage: &Memory, name| storage.bytes(name).unwrap();
    type Change<'a> = (&'static str, &'a dyn Fn(&Memory));
    let changes: [Change<'_>; 7] = [
        ("the second of a fork", &|log| log.replace(two, &bytes(&fork, two))),
        ("the first of a fork", &|log| log.replace(one, &bytes(&fork, one))),
        ("the first twice", &|log| log.replace(two, &bytes(log, one))),
        ("the second alone", &|log| log.take(one)),
        ("exchanged", &|log| {
            let first = bytes(log, one);
            log.replace(one, &bytes(log, two));
            log.replace(two, &first);
        }),
        ("a third that is the second", &|log| log.replace("00000003.seg", &bytes(log, two))),
        ("an empty one", &|log| log.replace("00000003.seg", &[])),
    ];
    for (what, change) in changes {
        let changed = storage.copy();
        change(&changed);
        let error = refusal(&changed);
        assert!(matches!(error, ReadError::Evidence { .. }), "{what}: {error}");
    }
}

#[test]
fn what_is_cut_off_the_end_shows_with_an_anchor() {
    let storage = Memory::new();
    let log = create(&storage, 400);
    append_at(&log, 3, Level::Synced);
    append_at(&log, 4, Level::Synced);
    let anchor = log.anchor().unwrap();
    drop(log);
    let (frames, summary) = read(&storage).unwrap();
    assert!(!summary.sealed);
    let anchored = ReadOptions { anchor: Some(anchor), ..ReadOptions::default() };
    assert_eq!(read_with(&storage, anchored).unwrap().1.records, 7);
    let all = parts(&storage, &frames, 2);
    for keep in 2..all.len() {
        let cut = with_parts(&storage, 2, &all[..keep]);
        let (_, summary) = read(&cut).unwrap();
        assert_eq!(summary.completeness, assize::wal::Completeness::Unproven);
        let error = read_with(&cut, anchored).unwrap_err();
        assert!(
            matches!(error, ReadError::Evidence { fault: Fault::AnchorAhead { anchor: Sequence(7) }, .. }),
            "{error}"
        );
        assert_eq!(error.blame(), Blame::Evidence);
    }
    let cut = storage.copy();
    cut.take("00000002.seg");
    assert!(read(&cut).unwrap().1.sealed, "a seal ends what is left");
    assert!(read_with(&cut, anchored).is_err());
}

#[test]
fn a_key_that_is_wrong_is_told_apart_from_one_that_is_missing() {
    let (storage, _) = closed();
    let read = |keys: &[&RootKey], log_id| {
        let options = ReadOptions { log_id, ..ReadOptions::default() };
        Reader::open(&storage, keys, options).and_then(Reader::finish).map(|summary| summary.records)
    };
    let (right, wrong) = (key(), RootKey::new(KeyId(7), &[0x43; 32]).unwrap());
    let unknown = RootKey::new(KeyId(8), &[0x42; 32]).unwrap();
    assert_eq!(read(&[&unknown, &right], Some(toy::LOG_ID)), Ok(7));
    for (keys, log_id, expected, blame) in [
        (
            &[&wrong][..],
            None,
            "segment 1, sequence 0, offset 0: the header's tag does not verify: altered, or another key with this id",
            Blame::Evidence,
        ),
        (&[&unknown], None, "segment 1, sequence 0, offset 0: no key with id 7 was given", Blame::Caller),
        (&[], None, "segment 1, sequence 0, offset 0: no key with id 7 was given", Blame::Caller),
        (
            &[&right],
            Some(LogId([0; 16])),
            "segment 1, sequence 0, offset 0: the header is of another log, a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5",
            Blame::Evidence,
        ),
    ] {
        let error = read(keys, log_id).unwrap_err();
        assert_eq!((error.to_string().as_str(), error.blame()), (expected, blame));
    }
}

#[test]
fn an_error_stays() {
    let (storage, frames) = closed();
    let third = frames.iter().find(|frame| frame.sequence == 3 && frame.is_record()).unwrap();
    let broken = altered(&storage, "00000001.seg", |bytes| bytes[third.offset as usize + 50] ^= 1);
    let key = key();
    let keys = [&key];
    let mut reader = Reader::open(&broken, &keys, ReadOptions::default()).unwrap();
    let mut read = 0;
    let error = loop {
        match reader.next_frame() {
            Ok(Some(_)) => read += 1,
            Ok(None) => panic!("the alteration shows"),
            Err(error) => break error,
        }
    };
    assert_eq!(read, 3, "the checkpoint and two records hold");
    assert_eq!(reader.next_frame().unwrap_err(), error);
    assert_eq!(reader.finish().unwrap_err(), error);
}

#[test]
fn what_an_error_says_does_not_mend_the_log() {
    let (storage, frames) = closed();
    let third = frames.iter().find(|frame| frame.sequence == 3 && frame.is_record()).unwrap();
    let (from, to) = (third.offset as usize, (third.offset + third.bytes) as usize);
    let tampered = altered(&storage, "00000001.seg", |bytes| {
        bytes[from + 44] ^= 1;
        let segment = bytes.clone();
        mend_checksum(&segment, &mut bytes[from..to]);
    });
    let error = refusal(&tampered);
    assert!(matches!(error, ReadError::Evidence { fault: Fault::FrameTag, .. }), "{error}");
    // Everything in the error that could be bytes: its numbers, and its text.
    let said = format!("{error} {error:?}");
    let right_tag = {
        let bytes = tampered.bytes("00000001.seg").unwrap();
        Forge::resumed(&bytes[..from]).tag_of(&bytes[from..to - 36])
    };
    let hex: String = right_tag.iter().map(|byte| format!("{byte:02x}")).collect();
    assert!(
        !said.contains(hex.get(..8).unwrap()) && !said.contains(&format!("{:?}", &right_tag[..4])),
        "{said}"
    );
    // With it, the frame itself would verify: the test looks for the right thing.
    let mended = altered(&tampered, "00000001.seg", |bytes| {
        bytes[to - 36..to - 4].copy_from_slice(&right_tag);
        let segment = bytes.clone();
        mend_checksum(&segment, &mut bytes[from..to]);
    });
    let ReadError::Evidence { place, .. } = refusal(&mended) else { panic!() };
    assert!(place.offset > third.offset);
}

#[test]
fn opening_an_altered_log_refuses_or_loses_nothing() {
    let (storage, frames) = closed();
    let name = "00000002.seg";
    let seal = frames.last().unwrap();
    let (mut refused, mut recovered) = (0, 0);
    for bit in 0..storage.bytes(name).unwrap().len() * 8 {
        let flipped = altered(&storage, name, |bytes| bytes[bit / 8] ^= 1 << (bit % 8));
        let before = flipped.bytes(name);
        match open(&flipped) {
            Ok((log, recovery)) => {
                assert!(bit as u64 / 8 >= seal.offset, "bit {bit}: only a seal can be cut");
                assert_eq!((recovery.head, recovery.sealed), (Sequence(8), false));
                assert_eq!(recovery.cut.unwrap().offset, seal.offset);
                assert_eq!(log.with_fold(|state| state.count).unwrap(), 8);
                recovered += 1;
            }
            Err(_) => {
                assert_eq!(flipped.bytes(name), before, "what is refused is not touched");
                refused += 1;
            }
        }
    }
    assert!(refused > 1_000 && recovered > 1_000, "{refused} refused, {recovered} recovered");
}
