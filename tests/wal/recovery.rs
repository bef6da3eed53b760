//! Opening after a crash: a torn tail is cut and recorded, nothing else is.

use assize::{
    crypto::Digest,
    id::Sequence,
    num::Timestamp,
    wal::{
        Cut, Fault, Level, Log, LogOptions, OpenError, OpenOptions, RECOVERY, ReadError, ReadOptions, Tail,
        storage::{Failing, Memory, Operation},
    },
};

use crate::{
    forge::Forge,
    toy::{self, START, Toy, append, append_at, create, frames_of, open, read, read_with},
};

const SEGMENT: &str = "00000001.seg";

/// Five records on disk and four more only written; the size at which the synced ones end.
fn unfinished() -> (Memory, usize) {
    let storage = Memory::new();
    let log = create(&storage, 1 << 20);
    append_at(&log, 5, Level::Synced);
    let synced = frames_of(&storage, SEGMENT).len();
    append_at(&log, 4, Level::Written);
    (storage, synced)
}

fn with_bytes(bytes: &[u8]) -> Memory {
    let storage = Memory::new();
    storage.replace(SEGMENT, bytes);
    storage
}

#[test]
fn a_tail_torn_at_any_byte_is_cut_and_recorded() {
    let (storage, synced) = unfinished();
    let bytes = frames_of(&storage, SEGMENT);
    let ends: Vec<usize> = read(&storage)
        .unwrap()
        .0
        .iter()
        .filter(|frame| frame.is_record())
        .map(|frame| (frame.offset + frame.bytes) as usize)
        .collect();
    let mut cuts = 0;
    for torn_at in synced..=bytes.len() {
        // The file ends there; zeros stand in place of what is missing; something else does.
        let ended = bytes[..torn_at].to_vec();
        let mut zeroed = ended.clone();
        zeroed.resize(bytes.len() + 500, 0);
        let mut scribbled = ended.clone();
        scribbled.resize(bytes.len() + 1_000, 0x5A);
        for torn in [ended, zeroed, scribbled] {
            let whole = ends.iter().filter(|end| **end <= torn_at).count();
            let (start, rest) = (ends[whole - 1], &torn[ends[whole - 1]..]);
            let lost = rest.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
            let storage = with_bytes(&torn);

            let strict = read(&storage);
            let live = read_with(&storage, ReadOptions { tail: Tail::Live, ..ReadOptions::default() });
            let (_, live) = live.unwrap();
            assert_eq!((live.records as usize, live.live), (whole, lost > 0));
            assert!(whole >= 5, "what was synced is there");

            let at = Timestamp(START.0 + 1_000_000);
            let options = OpenOptions { at, ..toy::open_options() };
            let (log, recovery) = Log::open(Box::new(storage.clone()), options, Toy::new()).unwrap();
            assert_eq!(recovery.records as usize, whole);
            if lost == 0 {
                assert!(strict.is_ok());
                assert_eq!((recovery.cut, recovery.head.0 as usize), (None, whole));
            } else {
                cuts += 1;
                let ReadError::Evidence { place, fault } = strict.unwrap_err() else { panic!() };
                assert_eq!((fault, place.offset), (Fault::TornTail, start as u64));
                assert_eq!(place.sequence.0 as usize, whole + 1);
                let digest = Digest::of_file(&rest[..lost]);
                let expected = Cut { segment: 1, offset: start as u64, bytes: lost as u64, digest };
                assert_eq!((recovery.cut, recovery.head.0 as usize), (Some(expected), whole + 1));
            }
            append_at(&log, 2, Level::Synced);
            let state = log.with_fold(Toy::clone).unwrap();
            log.close().unwrap();

            let (frames, _) = read(&storage).unwrap();
            let recorded = frames.iter().find(|frame| frame.kind == RECOVERY);
            assert_eq!(recorded.is_some(), lost > 0);
            if let Some(recorded) = recorded {
                assert_eq!(Cut::decode(&recorded.payload).ok(), recovery.cut);
                assert_eq!((recorded.offset, recorded.caller), (start as u64, at.0));
                assert_eq!(
                    recorded.effective,
                    START.0 + 3 * whole as i64,
                    "a wrong clock does not move the log"
                );
            }
            assert_eq!(state.count as usize, whole + usize::from(lost > 0) + 2);
            let (again, recovery) = open(&storage).unwrap();
            assert_eq!((recovery.cut, recovery.sealed), (None, true));
            assert_eq!(again.with_fold(Toy::clone).unwrap(), state);
        }
    }
    assert!(cuts > 2 * (bytes.len() - synced), "{cuts} cuts");
}

#[test]
fn a_long_tail_is_hashed_with_its_zeros() {
    let (storage, _) = unfinished();
    let whole = frames_of(&storage, SEGMENT);
    for (at, size) in [(&[0][..], 1), (&[3, 70_000, 150_001], 400_000), (&[65_535, 131_072], 131_073)] {
        let mut tail = vec![0; size];
        for at in at {
            tail[*at] = 0xFF;
        }
        let (_log, recovery) = open(&with_bytes(&[&whole[..], &tail].concat())).unwrap();
        let cut = recovery.cut.unwrap();
        let bytes = at.last().unwrap() + 1;
        assert_eq!((cut.bytes as usize, cut.digest), (bytes, Digest::of_file(&tail[..bytes])));
    }
}

#[test]
fn what_was_on_disk_is_damaged_and_not_torn() {
    // Nine records, each synced: each says that the one before it is on disk.
    let storage = Memory::new();
    let log = create(&storage, 1 << 20);
    for _ in 0..9 {
        append_at(&log, 1, Level::Synced);
    }
    drop(log);
    let bytes = frames_of(&storage, SEGMENT);
    let (frames, _) = read(&storage).unwrap();
    let (mut damaged, mut torn) = (0, 0);
    for frame in frames.iter().filter(|frame| frame.is_record()) {
        for at in frame.offset..frame.offset + frame.bytes {
            let mut bytes = bytes.clone();
            bytes[at as usize] ^= 0x10;
            let storage = with_bytes(&bytes);
            let live = ReadOptions { tail: Tail::Live, ..ReadOptions::default() };
            let outcomes = [read(&storage).map(|_| ()), read_with(&storage, live).map(|_| ())];
            if frame.sequence < 9 {
                let ReadError::Evidence { place, fault } = outcomes[0].unwrap_err() else { panic!() };
                assert_eq!(
                    (fault, place.sequence.0, place.offset),
                    (Fault::Broken, frame.sequence, frame.offset)
                );
                assert_eq!(outcomes[1], outcomes[0]);
                let error = open(&storage).map(|_| ()).unwrap_err();
                assert!(matches!(error, OpenError::Read(seen) if Err(seen) == outcomes[0]), "{error}");
                assert_eq!(storage.bytes(SEGMENT).unwrap(), bytes);
                damaged += 1;
            } else {
                // The last one: nothing later says that it was on disk. An anchor would.
                assert!(open(&storage).unwrap().1.cut.is_some());
                torn += 1;
            }
        }
    }
    assert!(damaged > 500 && torn > 80, "{damaged} damaged, {torn} torn");
}

#[test]
fn an_anchor_forbids_to_cut_below_it() {
    let storage = Memory::new();
    let log = create(&storage, 1 << 20);
    append_at(&log, 5, Level::Synced);
    let anchor = log.anchor().unwrap();
    drop(log);
    let mut bytes = frames_of(&storage, SEGMENT);
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    let storage = with_bytes(&bytes);
    let options = || OpenOptions { anchor: Some(anchor), ..toy::open_options() };
    let error = Log::open(Box::new(storage.clone()), options(), Toy::new()).map(|_| ()).unwrap_err();
    let fault = Fault::AnchorAhead { anchor: Sequence(5) };
    assert!(
        matches!(error, OpenError::Read(ReadError::Evidence { fault: seen, .. }) if seen == fault),
        "{error}"
    );
    assert_eq!(storage.bytes(SEGMENT).unwrap(), bytes, "nothing was cut");
    assert!(open(&storage).is_ok(), "without the anchor it is");
}

#[test]
fn a_segment_before_the_last_that_is_cut_anywhere_does_not_verify() {
    let storage = Memory::new();
    let log = create(&storage, 300);
    append_at(&log, 6, Level::Synced);
    log.close().unwrap();
    assert_eq!(storage.names().len(), 2);
    let bytes = frames_of(&storage, SEGMENT);
    for size in 0..bytes.len() {
        let cut = storage.copy();
        cut.replace(SEGMENT, &bytes[..size]);
        let ReadError::Evidence { place, .. } = read(&cut).unwrap_err() else { panic!() };
        assert_eq!(place.segment, 1);
    }
}

#[test]
fn bytes_that_a_caller_chose_do_not_pass_for_frames() {
    // A payload that holds a whole frame of the same log, one that holds a frame of another, and a great many
    // starts of frames.
    let (storage, _) = unfinished();
    let (frames, _) = read(&storage).unwrap();
    let own = frames_of(&storage, SEGMENT);
    let own = &own[frames[3].offset as usize..(frames[3].offset + frames[3].bytes) as usize];
    let promise = |forge: &mut Forge| {
        for sequence in 1..=9 {
            let mut next = forge.next(1, b"chosen");
            next.synced_through = sequence - 1;
            forge.frame(&next);
        }
    };
    let header = crate::forge::HeaderFields {
        log_id: assize::id::LogId([9; 16]),
        ..crate::forge::HeaderFields::first()
    };
    let mut foreign = Forge::new(&toy::key(), &header);
    foreign.checkpoint(b"x");
    promise(&mut foreign);
    let mut starts = Vec::new();
    for at in 0..400_u32 {
        starts.extend(0x315A_5341_u32.to_le_bytes());
        starts.extend((at * 3).to_le_bytes());
        starts.extend(8_u64.to_le_bytes());
        starts.extend([0; 16]);
        starts.extend(8_u64.to_le_bytes());
        starts.extend([1, 0, 0, 0, 0, 0, 0, 0]);
    }
    // Payloads start 44 bytes into a frame, frames at multiples of 8.
    let aligned = |bytes: &[u8]| [&[0; 4], bytes].concat();
    for chosen in [aligned(own), aligned(&foreign.bytes), aligned(&starts)] {
        let storage = Memory::new();
        let log = create(&storage, 1 << 20);
        append_at(&log, 5, Level::Synced);
        append(&log, 1);
        let torn = frames_of(&storage, SEGMENT).len();
        for _ in 0..2 {
            log.append(1, Timestamp(START.0 + 18), START, |out| out.extend_from_slice(&chosen)).unwrap();
        }
        log.drive(Level::Written).map(|_| ()).unwrap();
        drop(log);
        let mut bytes = frames_of(&storage, SEGMENT);
        bytes[torn] ^= 1;
        let (_log, recovery) = open(&with_bytes(&bytes)).unwrap();
        assert_eq!((recovery.head, recovery.cut.map(|cut| cut.offset)), (Sequence(6), Some(torn as u64)));
    }
    // The same promise by a frame that is one: refused.
    let storage = Memory::new();
    let mut forge = Forge::started();
    promise(&mut forge);
    let at = forge.bytes.len() - 2 * 88;
    forge.bytes[at] ^= 1;
    forge.store(&storage);
    assert!(matches!(open(&storage), Err(OpenError::Read(ReadError::Evidence { fault: Fault::Broken, .. }))));
}

#[test]
fn what_was_only_written_is_on_disk_before_the_log_answers_again() {
    let (storage, _) = unfinished();
    let (log, recovery) = open(&storage).unwrap();
    assert_eq!((recovery.head, log.synced_head()), (Sequence(9), Sequence(9)));
    drop(log);
    storage.cut_power();
    assert_eq!(open(&storage).unwrap().1.head, Sequence(9));
}

#[test]
fn a_sync_that_failed_and_looks_clean_is_repeated() {
    let storage = Memory::new();
    let log = create(&storage, 1 << 20);
    append_at(&log, 3, Level::Synced);
    append(&log, 3);
    storage.fail(Failing::nth(Operation::Sync, 1));
    assert!(log.drive(Level::Synced).is_err());
    drop(log);
    let writes = storage.count(Operation::Write);
    assert_eq!(open(&storage).unwrap().1.head, Sequence(6));
    assert_eq!(storage.count(Operation::Write), writes + 1, "they are written again, and not only synced");
    storage.cut_power();
    assert_eq!(open(&storage).unwrap().1.head, Sequence(6));
}

/// The seal says of the records before it that they are on disk, and nothing of itself.
#[test]
fn a_seal_whose_sync_failed_is_written_again() {
    let storage = Memory::new();
    let log = create(&storage, 1 << 20);
    append_at(&log, 3, Level::Synced);
    storage.fail(Failing::nth(Operation::Sync, 1));
    assert!(log.close().is_err());
    assert!(read(&storage).unwrap().1.sealed, "it looks sealed");
    let (log, recovery) = open(&storage).unwrap();
    assert!(recovery.sealed);
    append_at(&log, 3, Level::Synced);
    drop(log);
    storage.cut_power();
    assert_eq!(read(&storage).unwrap().1.records, 6, "the first segment has its seal");
}

/// A name that looks given, and that no later sync of the directory puts on disk, is given again: of the first segment,
/// and of one after it.
#[test]
fn a_segment_whose_directorys_sync_failed_gets_its_name_anew() {
    for first in [true, false] {
        let storage = Memory::new();
        if first {
            storage.fail(Failing::nth(Operation::SyncDir, 1));
            let options = toy::create_options(LogOptions::default());
            assert!(Log::create(Box::new(storage.clone()), options, Toy::new()).is_err());
        } else {
            let log = create(&storage, 300);
            append_at(&log, 3, Level::Synced);
            storage.fail(Failing::nth(Operation::SyncDir, 1));
            append(&log, 3);
            assert!(log.drive(Level::Written).is_err());
        }
        let segments = storage.names();
        assert_eq!(segments.len(), if first { 1 } else { 2 }, "it looks named");
        // An opening that fails in its turn changes nothing of that.
        storage.fail(Failing::nth(Operation::SyncDir, 1));
        assert!(matches!(open(&storage), Err(OpenError::Recover(_))));
        let (log, recovery) = open(&storage).unwrap();
        assert!(recovery.head >= Sequence(if first { 0 } else { 3 }));
        append_at(&log, 1, Level::Synced);
        let head = append_at(&log, 1, Level::Synced);
        drop(log);
        storage.cut_power();
        // The second record says that the first is on disk: nobody writes the segment anew.
        let created = storage.count(Operation::Create);
        assert_eq!((storage.names(), open(&storage).unwrap().1.head), (segments, head));
        assert_eq!(storage.count(Operation::Create), created);
    }
}

/// What a sync that failed did not take off the disk cannot stand where the log goes on.
#[test]
fn a_cut_whose_sync_failed_is_made_again_in_full() {
    let mut bytes = {
        let storage = Memory::new();
        let log = create(&storage, 1 << 20);
        append_at(&log, 3, Level::Synced);
        // As large as the record of a cut, so that the next frame stands where the one after the cut will.
        let append = |payload: &[u8]| {
            let time = Timestamp(START.0 + 100);
            log.append(1, time, START, |out| out.extend_from_slice(payload)).unwrap()
        };
        append(&[7; CUT_BYTES]);
        let last = append(b"whole, and not known to be on disk");
        log.wait(last, Level::Written).unwrap();
        frames_of(&storage, SEGMENT)
    };
    let torn_at =
        read(&with_bytes(&bytes)).unwrap().0.iter().find(|frame| frame.sequence == 4).unwrap().offset;
    bytes[torn_at as usize + 50] ^= 1;
    let storage = with_bytes(&bytes);
    storage.fail(Failing::nth(Operation::Sync, 1));
    assert!(matches!(open(&storage), Err(OpenError::Recover(_))));
    let (log, recovery) = open(&storage).unwrap();
    assert_eq!(recovery.head, Sequence(4));
    drop(log);
    storage.cut_power();
    let (_, recovery) = open(&storage).unwrap();
    assert_eq!(
        (recovery.head, recovery.cut),
        (Sequence(4), None),
        "nothing stands after the record of the cut"
    );
}

/// FORMAT 9.16.
const CUT_BYTES: usize = 52;

#[test]
fn a_segment_whose_creation_did_not_end_is_removed() {
    let storage = Memory::new();
    let log = create(&storage, 300);
    append_at(&log, 3, Level::Synced);
    storage.fail(Failing::nth(Operation::Rename, 1));
    append(&log, 3);
    assert!(log.drive(Level::Written).is_err());
    drop(log);
    assert_eq!(storage.names(), [SEGMENT, "00000002.seg.tmp"]);
    assert!(read(&storage).unwrap().1.sealed, "a reader passes it over");
    let (log, recovery) = open(&storage).unwrap();
    assert_eq!((recovery.unfinished, recovery.sealed, recovery.segment), (1, true, 1));
    assert_eq!(storage.names(), [SEGMENT]);
    append_at(&log, 3, Level::Synced);
    assert_eq!(read(&storage).unwrap().1.head.sequence().0, recovery.head.0 + 3);
}

#[test]
fn opening_that_fails_half_way_can_be_repeated() {
    let (whole, _) = unfinished();
    let mut bytes = frames_of(&whole, SEGMENT);
    bytes.truncate(bytes.len() - 3);
    let mut failed = 0;
    for operation in [Operation::Write, Operation::Sync, Operation::SyncDir, Operation::Remove] {
        for nth in 1..5 {
            let storage = with_bytes(&bytes);
            storage.replace("00000002.seg.tmp", b"");
            storage.fail(Failing::nth(operation, nth));
            let first = open(&storage).map(|_| ());
            if let Err(error) = &first {
                assert!(matches!(error, OpenError::Recover(_)), "{error}");
                failed += 1;
            }
            // Whatever was synced meanwhile, or was not.
            for cut_power in [false, true] {
                let storage = storage.copy();
                if cut_power {
                    storage.cut_power();
                }
                let (log, _) = open(&storage).unwrap();
                assert!(log.with_fold(|state| state.count).unwrap() >= 8);
                append_at(&log, 1, Level::Synced);
                log.close().unwrap();
                let (frames, _) = read(&storage).unwrap();
                assert!(frames.iter().any(|frame| frame.kind == RECOVERY) || first.is_err());
            }
        }
    }
    assert!(failed >= 5, "{failed} openings failed");
}
