//! Every fault that a log can have, caused once; most need the key, and are forged with it.

use std::{collections::HashSet, mem};

use assize::{
    crypto::{Digest, KeyId, RootKey},
    id::{LogId, Sequence},
    num::Timestamp,
    wal::{
        AppendError, Blame, CreateError, CreateOptions, Failure, Fault, Level, Log, LogOptions, OpenError,
        OpenOptions, OptionsError, ReadError, ReadOptions, WaitError,
        storage::{Failing, Memory, Operation},
    },
};

use crate::{
    forge::{Forge, HeaderFields, mend_checksum},
    toy::{self, LOG_ID, START, Toy, append_at, create, key, open, read, read_with},
};

const MIB: usize = 1 << 20;

/// A first segment with the toy's checkpoint, three records, and what a test adds.
fn first(add: impl FnOnce(&mut Forge)) -> Memory {
    let storage = Memory::new();
    let mut forge = Forge::started();
    for payload in [b"a", b"b", b"c"] {
        forge.record(1, payload);
    }
    add(&mut forge);
    forge.store(&storage);
    storage
}

/// A sealed first segment and a second one with that header.
fn second(alter: impl FnOnce(&mut HeaderFields), add: impl FnOnce(&mut Forge)) -> Memory {
    let mut next = None;
    let storage = first(|forge| next = Some(forge.seal()));
    let mut header = next.unwrap();
    alter(&mut header);
    let mut forge = Forge::new(&key(), &header);
    add(&mut forge);
    forge.store(&storage);
    storage
}

/// The same with a state and what a test adds in the second segment, sealed, and a third one with that header.
fn third(add: impl FnOnce(&mut Forge), alter: impl FnOnce(&mut HeaderFields)) -> Memory {
    let mut next = None;
    let storage = second(
        |_| {},
        |forge| {
            forge.checkpoint(&state());
            add(forge);
            next = Some(forge.seal());
        },
    );
    let mut header = next.unwrap();
    alter(&mut header);
    Forge::new(&key(), &header).store(&storage);
    storage
}

/// The payload of a retention. FORMAT 9.21.
fn retention(first: u32, through: u64, header: [u8; 32]) -> Vec<u8> {
    [&first.to_le_bytes()[..], &through.to_le_bytes(), &header].concat()
}

/// The same as a header has it. FORMAT 6.4.
fn retained(first: u32, through: u64, header: [u8; 32]) -> [u8; 48] {
    let payload = retention(first, through, header);
    [&payload[..4], &[0; 4], &payload[4..]].concat().try_into().unwrap()
}

/// Lets the first segment go, in the second.
fn let_go(forge: &mut Forge) {
    let header = Digest::of_file(&forge.bytes[..256]).0;
    forge.record(67, &retention(2, 3, header));
}

/// The state that `first` builds.
fn state() -> Vec<u8> {
    let storage = first(|_| {});
    open(&storage).unwrap().0.with_fold(Toy::bytes).unwrap()
}

/// A segment with that header alone and what a test adds.
fn alone(alter: impl FnOnce(&mut HeaderFields), add: impl FnOnce(&mut Forge)) -> Memory {
    let storage = Memory::new();
    let mut header = HeaderFields::first();
    alter(&mut header);
    let mut forge = Forge::new(&key(), &header);
    add(&mut forge);
    forge.store(&storage);
    storage
}

fn rows() -> Vec<(&'static str, Memory, Fault, (u32, u64))> {
    let seen = |value| Sequence(value);
    let with = |fields: fn(&mut crate::forge::Fields)| {
        first(|forge| {
            let mut next = forge.next(1, b"d");
            fields(&mut next);
            forge.frame(&next);
        })
    };
    let digest = |fields: &mut HeaderFields| fields.digest = [9; 32];
    vec![
        ("a header cut short", first(|forge| forge.bytes.truncate(255)), Fault::HeaderBroken, (1, 0)),
        ("most of a header missing", first(|forge| forge.bytes.truncate(36)), Fault::HeaderBroken, (1, 0)),
        ("version 2", alone(|header| header.version = 2, |_| {}), Fault::Version { seen: 2 }, (1, 0)),
        ("no key", alone(|header| header.key_mode = 3, |_| {}), Fault::Unkeyed, (1, 0)),
        ("mode 4", alone(|header| header.key_mode = 4, |_| {}), Fault::KeyMode { seen: 4 }, (1, 0)),
        ("a change to no key", first(|forge| forge.record(68, &[8, 0, 0, 0, 3])), Fault::KeyChange, (1, 4)),
        ("a change of four bytes", first(|forge| forge.record(68, &[8, 0, 0, 0])), Fault::KeyChange, (1, 4)),
        (
            "another log's segment",
            second(|header| header.log_id = LogId([3; 16]), |_| {}),
            Fault::LogId { seen: LogId([3; 16]) },
            (2, 3),
        ),
        (
            "another segment",
            {
                let log = first(|_| {});
                log.replace("00000001.seg", &second(|_| {}, |_| {}).bytes("00000002.seg").unwrap());
                log
            },
            Fault::SegmentNumber { seen: 2 },
            (1, 0),
        ),
        (
            "a header altered",
            first(|forge| {
                forge.bytes[60] = 1;
                let all = forge.bytes.clone();
                mend_checksum(&all, &mut forge.bytes[..256]);
            }),
            Fault::HeaderTag,
            (1, 0),
        ),
        (
            "a gap in sequences",
            second(|header| header.sequence = 4, |_| {}),
            Fault::HeaderSequence { seen: seen(4) },
            (2, 3),
        ),
        (
            "a first that is none",
            alone(|header| header.sequence = 4, |_| {}),
            Fault::HeaderSequence { seen: seen(4) },
            (1, 0),
        ),
        ("a jump in time", second(|header| header.time += 1, |_| {}), Fault::HeaderTime, (2, 3)),
        ("another seal", second(|header| header.seal = [9; 32], |_| {}), Fault::HeaderSeal, (2, 3)),
        ("another digest", second(digest, |_| {}), Fault::HeaderSeal, (2, 3)),
        ("a first with a past", alone(digest, |_| {}), Fault::HeaderSeal, (1, 0)),
        (
            "a segment missing",
            {
                let log = second(|_| {}, |forge| forge.checkpoint(&state()));
                log.take("00000001.seg");
                log
            },
            Fault::SegmentMissing,
            (1, 0),
        ),
        (
            "no seal",
            {
                let log = second(|_| {}, |_| {});
                log.replace("00000001.seg", &first(|_| {}).bytes("00000001.seg").unwrap());
                log
            },
            Fault::SealMissing,
            (1, 4),
        ),
        (
            "a seal that counts wrong",
            first(|forge| {
                let mut payload = forge.seal_payload();
                payload[0] += 1;
                let next = forge.next(65, &payload);
                forge.frame(&next);
            }),
            Fault::SealContents,
            (1, 4),
        ),
        (
            "a seal that hashes wrong",
            first(|forge| {
                let mut payload = forge.seal_payload();
                payload[87] ^= 1;
                let next = forge.next(65, &payload);
                forge.frame(&next);
            }),
            Fault::SealContents,
            (1, 4),
        ),
        (
            "bytes after the seal",
            first(|forge| {
                forge.seal();
                forge.bytes.extend([0, 0, 1]);
            }),
            Fault::AfterSeal,
            (1, 4),
        ),
        (
            "a record after the seal",
            first(|forge| {
                forge.seal();
                forge.record(1, b"d");
            }),
            Fault::AfterSeal,
            (1, 4),
        ),
        (
            "damage",
            first(|forge| {
                let mut next = forge.next(1, b"d");
                next.synced_through = 3;
                forge.frame(&next);
                forge.bytes[616] ^= 1;
            }),
            Fault::Broken,
            (1, 3),
        ),
        (
            "a torn tail",
            first(|forge| {
                forge.record(1, b"d");
                forge.bytes.pop();
            }),
            Fault::TornTail,
            (1, 4),
        ),
        ("padding that is not zero", with(|next| next.padding = 1), Fault::TornTail, (1, 4)),
        (
            "an extension",
            with(|next| next.extension = vec![1, 0, 4, 0, 1, 2, 3, 4]),
            Fault::Extension,
            (1, 4),
        ),
        ("a kind that is none", with(|next| next.kind = 99), Fault::Kind { seen: 99 }, (1, 4)),
        ("a kind to come", with(|next| next.kind = 128), Fault::Kind { seen: 128 }, (1, 4)),
        ("a retention of no form", with(|next| next.kind = 67), Fault::Retention, (1, 4)),
        (
            "a retention of the first segment",
            first(|forge| forge.record(67, &retention(1, 0, [0; 32]))),
            Fault::Retention,
            (1, 4),
        ),
        (
            "a retention of a segment to come",
            first(|forge| forge.record(67, &retention(2, 3, [0; 32]))),
            Fault::Retention,
            (1, 4),
        ),
        (
            "a retention of another header",
            third(|forge| forge.record(67, &retention(2, 3, [9; 32])), |_| {}),
            Fault::Retention,
            (2, 4),
        ),
        (
            "a retention of another sequence",
            third(|forge| forge.record(67, &retention(2, 2, [9; 32])), |_| {}),
            Fault::Retention,
            (2, 4),
        ),
        (
            "a retention that names nothing more",
            third(
                |forge| {
                    let_go(forge);
                    let_go(forge);
                },
                |_| {},
            ),
            Fault::Retention,
            (2, 5),
        ),
        ("a header that forgets a retention", third(let_go, |_| {}), Fault::HeaderRetention, (3, 4)),
        (
            "a header with a retention that was none",
            third(|forge| forge.record(1, b"d"), |header| header.retained = retained(2, 3, [9; 32])),
            Fault::HeaderRetention,
            (3, 4),
        ),
        (
            "a header that keeps itself",
            second(|header| header.retained = retained(2, 3, [9; 32]), |_| {}),
            Fault::HeaderBroken,
            (2, 3),
        ),
        (
            "a header that keeps nothing from a record on",
            second(|header| header.retained = retained(0, 3, [0; 32]), |_| {}),
            Fault::HeaderBroken,
            (2, 3),
        ),
        (
            "a checkpoint amid records",
            first(|forge| forge.checkpoint(b"x")),
            Fault::Kind { seen: 64 },
            (1, 4),
        ),
        ("a number twice", with(|next| next.sequence = 3), Fault::FrameSequence { seen: seen(3) }, (1, 4)),
        ("a number left out", with(|next| next.sequence = 5), Fault::FrameSequence { seen: seen(5) }, (1, 4)),
        (
            "a seal of another record",
            first(|forge| {
                let mut next = forge.next(65, &forge.seal_payload());
                next.sequence = 4;
                forge.frame(&next);
            }),
            Fault::FrameSequence { seen: seen(4) },
            (1, 4),
        ),
        ("a time that goes back", with(|next| next.effective -= 1), Fault::FrameTime, (1, 4)),
        (
            "a seal of another time",
            first(|forge| {
                let mut next = forge.next(65, &forge.seal_payload());
                next.caller += 1;
                forge.frame(&next);
            }),
            Fault::FrameTime,
            (1, 4),
        ),
        (
            "a promise of itself",
            with(|next| next.synced_through = 4),
            Fault::SyncedThrough { seen: seen(4) },
            (1, 4),
        ),
        (
            "a promise taken back",
            first(|forge| {
                for synced in [3, 2] {
                    let mut next = forge.next(1, b"d");
                    next.synced_through = synced;
                    forge.frame(&next);
                }
            }),
            Fault::SyncedThrough { seen: seen(2) },
            (1, 5),
        ),
        (
            "a frame altered",
            first(|forge| {
                let at = forge.bytes.len() - 88;
                forge.bytes[at + 44] ^= 1;
                let all = forge.bytes.clone();
                mend_checksum(&all, &mut forge.bytes[at..]);
            }),
            Fault::FrameTag,
            (1, 3),
        ),
        ("a part of no parts", alone(|_| {}, |forge| forge.part(0, 0, b"x")), Fault::CheckpointPart, (1, 0)),
        ("a part that is empty", alone(|_| {}, |forge| forge.part(0, 1, b"")), Fault::CheckpointPart, (1, 0)),
        (
            "a part that is short",
            alone(|_| {}, |forge| forge.part(0, 2, &vec![1; MIB - 1])),
            Fault::CheckpointPart,
            (1, 0),
        ),
        (
            "a part that is long",
            alone(|_| {}, |forge| forge.part(0, 1, &vec![1; MIB + 1])),
            Fault::CheckpointPart,
            (1, 0),
        ),
        ("a second part first", alone(|_| {}, |forge| forge.part(1, 2, b"x")), Fault::CheckpointPart, (1, 0)),
        (
            "a part of another count",
            alone(
                |_| {},
                |forge| {
                    forge.part(0, 2, &vec![1; MIB]);
                    forge.part(1, 3, &vec![1; MIB]);
                },
            ),
            Fault::CheckpointPart,
            (1, 0),
        ),
        (
            "a part without its count",
            alone(
                |_| {},
                |forge| {
                    let next = forge.next(64, b"1234567");
                    forge.frame(&next);
                },
            ),
            Fault::CheckpointPart,
            (1, 0),
        ),
        (
            "half a checkpoint",
            alone(|_| {}, |forge| forge.part(0, 2, &vec![1; MIB])),
            Fault::CheckpointIncomplete,
            (1, 0),
        ),
        (
            "a record amid the checkpoint",
            alone(|_| {}, |forge| forge.record(1, b"a")),
            Fault::CheckpointIncomplete,
            (1, 0),
        ),
        (
            "a seal amid the checkpoint",
            alone(
                |_| {},
                |forge| {
                    forge.seal();
                },
            ),
            Fault::CheckpointIncomplete,
            (1, 0),
        ),
        (
            "a checkpoint damaged",
            alone(
                |_| {},
                |forge| {
                    forge.checkpoint(b"x");
                    forge.bytes[300] ^= 1;
                },
            ),
            Fault::Broken,
            (1, 0),
        ),
    ]
}

#[test]
fn every_fault_is_named_with_its_place() {
    let mut kinds = HashSet::new();
    for (what, storage, expected, (segment, sequence)) in rows() {
        let error = read(&storage).map(|_| ()).expect_err(what);
        let ReadError::Evidence { place, fault } = error else { panic!("{what}: {error}") };
        assert_eq!((fault, place.segment, place.sequence), (expected, segment, Sequence(sequence)), "{what}");
        assert_eq!(error.blame(), Blame::Evidence, "{what}");
        let text = error.to_string();
        assert!(text.starts_with("segment ") && !text.ends_with('.'), "{what}: {text}");
        kinds.insert(mem::discriminant(&fault));
    }
    // The others are the anchor's four (three below, one in `tests/retention`), the one that only opening sees (see below), and two of seams between keys
    // (`tests/keys`).
    assert_eq!(kinds.len(), 27);
}

#[test]
fn opening_names_the_same_faults_of_the_last_segment() {
    let mut opened = 0;
    for (what, storage, expected, (segment, _)) in rows() {
        let last = storage.names().len() as u32;
        let before: Vec<_> = storage.names().iter().map(|name| storage.bytes(name)).collect();
        match open(&storage) {
            Ok((_, recovery)) => {
                // What only the whole log shows, what a later segment hides, and the torn tail.
                let needs_more = matches!(
                    expected,
                    Fault::HeaderSequence { .. }
                        | Fault::HeaderTime
                        | Fault::HeaderSeal
                        | Fault::HeaderRetention
                        | Fault::TornTail
                );
                assert!(needs_more || segment < last, "{what}");
                assert_eq!(recovery.cut.is_some(), expected == Fault::TornTail, "{what}");
                opened += 1;
            }
            Err(OpenError::Read(error)) => {
                // Headers that only differ from what came before are restored from and found to be without a
                // checkpoint.
                let ReadError::Evidence { place, fault } = error else { panic!("{what}: {error}") };
                let unfinished = fault == Fault::CheckpointIncomplete;
                assert!(fault == expected || unfinished, "{what}: {error}");
                assert_eq!(place.segment, if fault == Fault::SegmentMissing { 1 } else { last }, "{what}");
                let after: Vec<_> = storage.names().iter().map(|name| storage.bytes(name)).collect();
                assert_eq!(before, after, "{what}: what is refused is not touched");
            }
            Err(error) => panic!("{what}: {error}"),
        }
    }
    assert!(opened >= 1);
}

#[test]
fn opening_refuses_a_checkpoint_of_another_time_or_record_and_what_the_state_does_not_take() {
    let time = |time| {
        let mut state = Toy::new();
        state.time = Timestamp(time);
        alone(|_| {}, |forge| forge.checkpoint(&state.bytes()))
    };
    let error = open(&time(START.0 + 1)).map(|_| ()).unwrap_err();
    let OpenError::Read(ReadError::Evidence { fault: Fault::CheckpointTime, place }) = error else {
        panic!("{error}")
    };
    assert_eq!((place.segment, place.sequence, place.offset), (1, Sequence(0), 256));
    assert!(open(&time(START.0)).is_ok());

    // Of another record: found before the tail is cut, so that nothing changes.
    let after = |last| {
        let mut state = Toy::new();
        state.last = Sequence(last);
        let torn = |forge: &mut Forge| {
            forge.checkpoint(&state.bytes());
            forge.bytes.extend_from_slice(&[0xEE; 5]);
        };
        alone(|_| {}, torn)
    };
    let (refused, before) = (after(2), after(2));
    let error = open(&refused).map(|_| ()).unwrap_err();
    let OpenError::Read(ReadError::Evidence { fault, place }) = error else { panic!("{error}") };
    assert_eq!(fault, Fault::CheckpointSequence { seen: Sequence(2) });
    assert_eq!((place.segment, place.sequence, place.offset), (1, Sequence(0), 256));
    let bytes = |storage: &Memory| storage.names().iter().map(|name| storage.bytes(name)).collect::<Vec<_>>();
    assert_eq!(bytes(&refused), bytes(&before), "what is refused is not touched");
    assert!(open(&after(0)).unwrap().1.cut.is_some());

    let place = |storage: &Memory| match open(storage).map(|_| ()).unwrap_err() {
        OpenError::Fold { place, source: toy::ToyError } => (place.segment, place.sequence.0, place.offset),
        error => panic!("{error}"),
    };
    assert_eq!(place(&alone(|_| {}, |forge| forge.checkpoint(b"no state"))), (1, 0, 256));
    let refused = first(|forge| forge.record(1, toy::REFUSED));
    assert_eq!(place(&refused), (1, 4, 256 + 144 + 3 * 88));
    let error = open(&refused).map(|_| ()).unwrap_err();
    assert_eq!(error.to_string(), "segment 1, sequence 4, offset 664: what the log holds does not apply");
    assert_eq!(error.blame(), Blame::Evidence);
    assert!(read(&refused).is_ok(), "the chain holds: what records mean is for the auditor");
}

#[test]
fn an_anchor_must_hold() {
    let storage = Memory::new();
    let log = create(&storage, 400);
    let mut anchors = vec![log.anchor().unwrap()];
    for _ in 0..3 {
        append_at(&log, 3, Level::Synced);
        anchors.push(log.anchor().unwrap());
    }
    anchors.push(log.close().unwrap());
    let segments = storage.names().len() as u32;
    assert!(segments >= 3);

    let fork = |id, forks_at: u64| {
        let storage = Memory::new();
        let options = LogOptions { segment_bytes: 400, ..LogOptions::default() };
        let log = Log::create(
            Box::new(storage.clone()),
            CreateOptions { id, key: key().into(), options },
            Toy::new(),
        )
        .unwrap();
        toy::append(&log, forks_at);
        for _ in forks_at..9 {
            log.append(1, Timestamp(START.0 + 27), START, |out| out.extend_from_slice(b"other")).unwrap();
        }
        log.drive(Level::Synced).map(|_| ()).unwrap();
        log.close().unwrap();
        storage
    };
    let outcome = |storage: &Memory, anchor: usize| {
        let anchor = Some(anchors[anchor]);
        let read = match read_with(storage, ReadOptions { anchor, ..ReadOptions::default() }) {
            Ok(_) => None,
            Err(ReadError::Evidence { fault, .. }) => Some(fault),
            Err(error) => panic!("{error}"),
        };
        let options = OpenOptions { anchor, ..toy::open_options() };
        let open = match Log::open(Box::new(storage.copy()), options, Toy::new()) {
            Ok(_) => None,
            Err(OpenError::Read(ReadError::Evidence { fault, .. })) => Some(fault),
            Err(error) => panic!("{error}"),
        };
        (read, open)
    };
    let (tag, ahead) =
        (Some(Fault::AnchorTag), |anchor| Some(Fault::AnchorAhead { anchor: Sequence(anchor) }));
    for anchor in 0..anchors.len() {
        assert_eq!(outcome(&storage, anchor), (None, None), "anchor {anchor}");
    }
    // Another history under the same id: verification sees it always, opening where it can see it.
    let forked = fork(LOG_ID, 0);
    assert_eq!(outcome(&forked, 0), (None, None), "both began alike");
    for (at, anchor) in anchors.iter().enumerate().skip(1) {
        let (read, open) = outcome(&forked, at);
        assert_eq!(read, tag, "anchor {at}");
        assert_eq!(open, tag.filter(|_| anchor.segment() == segments), "anchor {at}");
    }
    let stranger = LogId([8; 16]);
    let other = Some(Fault::AnchorLog { seen: LOG_ID });
    assert_eq!(outcome(&fork(stranger, 9), 1), (other, other));
    // Cut back.
    let shorter = Memory::new();
    let log = create(&shorter, 400);
    append_at(&log, 3, Level::Synced);
    drop(log);
    assert_eq!(outcome(&shorter, 2), (ahead(6), ahead(6)));
    assert_eq!(outcome(&shorter, 4), (ahead(9), ahead(9)));
    let last = storage.copy();
    last.take(&format!("{segments:08}.seg"));
    let (read, open) = outcome(&last, 4);
    assert_eq!(read, open);
    assert!(read.is_some());
}

#[test]
fn an_anchor_of_another_history_shows_by_its_segment_too() {
    let log = |segment_bytes, records| {
        let storage = Memory::new();
        let log = create(&storage, segment_bytes);
        let mut anchors = Vec::new();
        for _ in 0..records {
            append_at(&log, 1, Level::Synced);
            anchors.push(log.anchor().unwrap());
        }
        (storage, anchors)
    };
    let ((short, short_anchors), (long, long_anchors)) = (log(1, 13), log(1 << 20, 13));
    let outcome = |storage: &Memory, anchor| {
        let anchor = Some(anchor);
        let options = OpenOptions { anchor, ..toy::open_options() };
        let ReadError::Evidence { fault: read, place } =
            read_with(storage, ReadOptions { anchor, ..ReadOptions::default() }).unwrap_err()
        else {
            panic!()
        };
        match Log::open(Box::new(storage.copy()), options, Toy::new()).map(|_| ()).unwrap_err() {
            OpenError::Read(ReadError::Evidence { fault, .. }) => (read, place.sequence.0, fault),
            error => panic!("{error}"),
        }
    };
    // Its segment is not there, although its sequence is.
    let last = *short_anchors.last().unwrap();
    assert!(last.segment() > 2);
    let ahead = Fault::AnchorAhead { anchor: Sequence(13) };
    assert_eq!(outcome(&long, last), (ahead, 14, ahead));
    let eighth = short_anchors[7];
    assert_eq!(eighth.segment(), 2);
    let ahead = Fault::AnchorAhead { anchor: Sequence(8) };
    assert_eq!(outcome(&long, eighth), (Fault::AnchorTag, 9, ahead));
    // Its segment ended before its sequence.
    assert_eq!(outcome(&short, long_anchors[12]), (Fault::AnchorTag, 14, Fault::AnchorTag));
}

#[test]
fn what_is_no_log_is_told_by_name() {
    let empty = Memory::new();
    assert!(matches!(read(&empty), Err(ReadError::Missing)));
    assert_eq!(read(&empty).unwrap_err().blame(), Blame::Storage);
    let error = open(&empty).map(|_| ()).unwrap_err();
    assert!(matches!(error, OpenError::Read(ReadError::Missing)), "{error}");
    assert_eq!(error.blame(), Blame::Storage);

    let unfinished = Memory::new();
    unfinished.replace("00000001.seg.tmp", b"half a header");
    let error = read(&unfinished).unwrap_err();
    assert_eq!((error, error.blame()), (ReadError::Empty, Blame::Evidence));
    assert!(matches!(open(&unfinished), Err(OpenError::Read(ReadError::Empty))));
    append_at(&create(&unfinished, 1 << 20), 1, Level::Synced);
    assert_eq!(unfinished.names(), ["00000001.seg"]);
    assert_eq!(read(&unfinished).unwrap().1.records, 1);

    unfinished.replace("notes.txt", b"");
    let error = read(&unfinished).unwrap_err();
    assert_eq!(
        (error.to_string().as_str(), error.blame()),
        ("notes.txt is no segment's name", Blame::Evidence)
    );
    assert!(matches!(open(&unfinished), Err(OpenError::Read(ReadError::Foreign { .. }))));

    let error = {
        let key = RootKey::new(KeyId(9), &[1; 32]).unwrap();
        let log = first(|_| {});
        let options = OpenOptions { key: assize::wal::LogKey::from(key), ..toy::open_options() };
        Log::open(Box::new(log), options, Toy::new()).map(|_| ()).unwrap_err()
    };
    assert!(matches!(error, OpenError::Read(ReadError::UnknownKey { id: KeyId(7), .. })), "{error}");
    assert_eq!(error.blame(), Blame::Caller);
    let options = OpenOptions { log_id: Some(LogId([0; 16])), ..toy::open_options() };
    let error = Log::open(Box::new(first(|_| {})), options, Toy::new()).map(|_| ()).unwrap_err();
    let fault = Fault::LogId { seen: LOG_ID };
    assert!(
        matches!(error, OpenError::Read(ReadError::Evidence { fault: seen, .. }) if seen == fault),
        "{error}"
    );
}

#[test]
fn creating_names_what_stands_in_its_way() {
    let create = |storage: &Memory, options, fold| {
        let options = toy::create_options(options);
        Log::create(Box::new(storage.clone()), options, fold).map(|_| ()).unwrap_err()
    };
    let options = LogOptions::default();
    let used = first(|_| {});
    let error = create(&used, options, Toy::new());
    assert_eq!((error, error.blame()), (CreateError::Exists, Blame::Caller));
    let foreign = Memory::new();
    foreign.replace("notes.txt", b"");
    assert_eq!(create(&foreign, options, Toy::new()), CreateError::Exists);

    let storage = Memory::new();
    let error = create(&storage, options, Toy::padded(toy::UNCHECKPOINTED));
    assert_eq!((error, error.blame()), (CreateError::Fold(toy::ToyError), Blame::Bug));
    storage.fail(Failing::nth(Operation::SyncDir, 1));
    let error = create(&storage, options, Toy::new());
    assert!(matches!(error, CreateError::Storage(seen) if seen.operation == Operation::SyncDir));
    assert_eq!(error.blame(), Blame::Storage);

    let log = toy::create(&Memory::new(), 1);
    drop(log);
    let storage = Memory::new();
    let _log = toy::create(&storage, 1);
    assert_eq!(create(&storage, options, Toy::new()), CreateError::Locked);

    for (options, expected) in [
        (LogOptions { segment_bytes: 0, ..options }, OptionsError::SegmentBytes { seen: 0 }),
        (
            LogOptions { segment_bytes: (1 << 40) + 1, ..options },
            OptionsError::SegmentBytes { seen: (1 << 40) + 1 },
        ),
        (LogOptions { queue_bytes: 1023, ..options }, OptionsError::QueueBytes { seen: 1023 }),
        (LogOptions { queue_bytes: usize::MAX, ..options }, OptionsError::QueueBytes { seen: usize::MAX }),
    ] {
        let error = create(&Memory::new(), options, Toy::new());
        assert_eq!((error, error.blame()), (CreateError::Options(expected), Blame::Caller));
        let open = OpenOptions { options, ..toy::open_options() };
        let error = Log::open(Box::new(Memory::new()), open, Toy::new()).map(|_| ()).unwrap_err();
        assert!(matches!(error, OpenError::Options(seen) if seen == expected), "{error}");
    }
}

#[test]
fn appending_names_what_it_does_not_take() {
    let log = create(&Memory::new(), 1 << 20);
    append_at(&log, 2, Level::Queued);
    let append = |kind, time| log.append(kind, Timestamp(time), START, |_| {});
    for kind in [0, 5, 15, 24, 67, 64, 65, 66, 67, 68, 128, u16::MAX] {
        assert_eq!(append(kind, START.0 + 6), Err(AppendError::Kind { seen: kind }));
    }
    assert_eq!(append(1, START.0 + 5), Err(AppendError::Time));
    let error = log.append(1, Timestamp(START.0 + 6), START, |out| out.resize(out.len() + (64 << 20) + 1, 0));
    assert_eq!(error, Err(AppendError::TooLarge { seen: (64 << 20) + 1, max: 64 << 20 }));
    assert_eq!(append(1, START.0 + 6), Ok(Sequence(3)));
    assert_eq!(log.wait(Sequence(4), Level::Queued), Err(WaitError::NotAppended { head: Sequence(3) }));

    log.append(1, Timestamp(START.0 + 6), START, |out| out.extend_from_slice(toy::REFUSED)).unwrap();
    let failure = Failure::Fold { sequence: Sequence(4) };
    assert_eq!(log.wait(Sequence(1), Level::Written), Err(WaitError::Unknown(failure)));
    assert_eq!(append(1, START.0 + 6), Err(AppendError::Poisoned(failure)));
    assert_eq!(log.fold_error(|error| *error), Some(toy::ToyError));
    assert_eq!(failure.blame(), Blame::Bug);
}

#[test]
fn the_record_of_a_cut_has_one_form() {
    use assize::wal::Cut;
    let cut = Cut { segment: 1, offset: 2, bytes: 3, digest: Digest([4; 32]) };
    let mut bytes = Vec::new();
    cut.encode(&mut bytes);
    assert_eq!(bytes.len(), 52);
    assert_eq!(Cut::decode(&bytes), Ok(cut));
    assert!(Cut::decode(&bytes[..51]).is_err());
    bytes.push(0);
    assert!(Cut::decode(&bytes).is_err());
}
