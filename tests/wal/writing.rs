//! What is appended is what is read, whatever the sizes, levels and segments.

use assize::{
    id::Sequence,
    limits::GROWN_AHEAD_BYTES,
    num::Timestamp,
    wal::{
        CHECKPOINT_PART, Completeness, Failure, Fold as _, Level, Log, LogOptions, OpenOptions, ReadOptions,
        RecordFrame, SEAL, WaitError,
        storage::{Failing, Memory, Operation, Storage as _, Unit},
    },
};

use crate::toy::{self, KINDS, LOG_ID, START, Toy, append, append_at, create, open, payload, read};

#[test]
fn what_is_appended_is_read() {
    let storage = Memory::new();
    let log = create(&storage, 64 << 20);
    append_at(&log, 60, Level::Synced);
    let anchor = log.close().unwrap();

    let (frames, summary) = read(&storage).unwrap();
    let records: Vec<_> = frames.iter().filter(|frame| frame.is_record()).collect();
    assert_eq!(records.len(), 60);
    for (record, sequence) in records.iter().zip(1_u64..) {
        assert_eq!(record.sequence, sequence);
        assert_eq!(record.kind, KINDS[sequence as usize % KINDS.len()]);
        assert_eq!(record.effective, START.0 + sequence.cast_signed() * 3);
        assert_eq!(record.payload, payload(sequence));
        assert_eq!(record.offset % 8, 0);
    }
    assert_eq!((summary.log_id, summary.segments, summary.records, summary.frames), (LOG_ID, 1, 60, 62));
    assert_eq!(summary.bytes, storage.bytes("00000001.seg").unwrap().len() as u64);
    assert_eq!((summary.sealed, summary.live), (true, false));
    assert_eq!(summary.completeness, Completeness::Unproven);
    assert_eq!((summary.head.sequence(), summary.synced.sequence()), (Sequence(60), Sequence(60)));
    assert!(summary.head.tag().matches(&anchor.tag()));
    assert!(!summary.synced.tag().matches(&anchor.tag()), "the seal cannot say of itself that it is on disk");

    for anchor in [anchor, summary.synced] {
        let options = ReadOptions { anchor: Some(anchor), ..ReadOptions::default() };
        let (_, summary) = toy::read_with(&storage, options).unwrap();
        assert_eq!(summary.completeness, Completeness::Proven { through: Sequence(60) });
    }
}

#[test]
fn segments_begin_with_the_state_that_the_records_before_them_build() {
    for (segment_bytes, at_a_time) in [(1, 1), (1, 7), (300, 1), (700, 10), (2_000, 90)] {
        let storage = Memory::new();
        let log = create(&storage, segment_bytes);
        for _ in 0..90 / at_a_time {
            append_at(&log, at_a_time, Level::Written);
        }
        let head = log.head();
        log.close().unwrap();

        let (frames, summary) = read(&storage).unwrap();
        assert_eq!(summary.head.sequence(), head);
        assert!(summary.segments > 2, "{segment_bytes} bytes give {} segments", summary.segments);
        let mut state = Toy::new();
        let mut checkpoints = 0;
        for frame in &frames {
            match frame.kind {
                CHECKPOINT_PART => {
                    checkpoints += 1;
                    assert_eq!(frame.payload[..8], [0, 0, 0, 0, 1, 0, 0, 0]);
                    assert_eq!(frame.payload[8..], state.bytes());
                    assert_eq!(frame.synced_through, state.count);
                }
                SEAL => assert_eq!(frame.sequence, state.count),
                kind => state
                    .apply(RecordFrame {
                        sequence: Sequence(frame.sequence),
                        effective: Timestamp(frame.effective),
                        caller: Timestamp(frame.sequence.cast_signed()),
                        kind,
                        payload: &frame.payload,
                    })
                    .unwrap(),
            }
        }
        assert_eq!(checkpoints, summary.segments);
        let (log, _) = open(&storage).unwrap();
        assert_eq!(log.with_fold(Toy::clone).unwrap(), state);
    }
}

#[test]
fn a_log_says_what_of_it_is_on_disk() {
    let storage = Memory::new();
    let log = create(&storage, 1);
    append_at(&log, 9, Level::Written);
    drop(log);
    let (_, summary) = read(&storage).unwrap();
    // All but the last record has been sealed; the last segment's checkpoint was on disk before that record.
    let synced = summary.synced;
    assert_eq!((summary.head.sequence(), synced.sequence()), (Sequence(9), Sequence(8)));
    assert_eq!((summary.segments, synced.segment()), (3, 3));
    storage.cut_power();
    let options = ReadOptions { anchor: Some(synced), ..ReadOptions::default() };
    assert_eq!(toy::read_with(&storage, options).unwrap().1.records, 8);
}

#[test]
fn a_large_checkpoint_is_written_in_parts() {
    const MIB: usize = 1 << 20;
    for (padding, parts) in [(MIB - 57, 1), (MIB - 56, 1), (MIB - 55, 2), (5 * MIB / 2, 3)] {
        let storage = Memory::new();
        let options = toy::create_options(LogOptions { segment_bytes: 1, ..LogOptions::default() });
        let log = Log::create(Box::new(storage.clone()), options, Toy::padded(padding)).unwrap();
        append_at(&log, 3, Level::Synced);
        drop(log);

        let (frames, summary) = read(&storage).unwrap();
        assert_eq!(summary.segments, 1, "a segment has as many bytes of records as its checkpoint");
        let sizes: Vec<_> = frames.iter().filter(|f| !f.is_record()).map(|f| f.payload.len() - 8).collect();
        assert_eq!((sizes.len(), sizes.iter().sum::<usize>()), (parts, padding + 56));
        assert!(sizes[..parts - 1].iter().all(|size| *size == MIB));
        let (log, _) = open(&storage).unwrap();
        assert_eq!(log.with_fold(|state| (state.count, state.padding)).unwrap(), (3, padding));
    }
}

#[test]
fn a_log_is_opened_and_continued_after_a_close_and_after_a_drop() {
    let storage = Memory::new();
    let log = create(&storage, 1_500);
    append_at(&log, 10, Level::Synced);
    drop(log);
    let (mut closed, mut expected) = (false, 10);
    for round in 0..12 {
        let (log, recovery) = open(&storage).unwrap();
        assert_eq!(recovery.head, Sequence(expected));
        assert_eq!((recovery.sealed, recovery.cut, recovery.unfinished), (closed, None, 0));
        assert_eq!(
            (log.head(), log.synced_head(), log.id()),
            (Sequence(expected), Sequence(expected), LOG_ID)
        );
        assert_eq!(log.with_fold(|state| state.count).unwrap(), expected);
        append_at(&log, 7, if round % 2 == 0 { Level::Synced } else { Level::Written });
        expected += 7;
        closed = round % 3 == 0;
        if closed {
            log.close().unwrap();
        }
    }
    let (frames, summary) = read(&storage).unwrap();
    assert_eq!(summary.records, expected);
    assert!(frames.iter().filter(|frame| frame.is_record()).map(|frame| frame.sequence).eq(1..=expected));
}

#[test]
fn opening_and_closing_a_closed_log_changes_nothing() {
    let storage = Memory::new();
    let log = create(&storage, 1 << 20);
    append(&log, 5);
    let anchor = log.close().unwrap();
    let before = storage.bytes("00000001.seg");
    let (log, _) = open(&storage).unwrap();
    let again = log.close().unwrap();
    assert_eq!(again.encode(), anchor.encode());
    assert_eq!((storage.names().len(), storage.bytes("00000001.seg")), (1, before));
}

#[test]
fn a_log_without_records_is_a_log() {
    let storage = Memory::new();
    drop(create(&storage, 1 << 20));
    let (frames, summary) = read(&storage).unwrap();
    assert_eq!((frames.len(), summary.records, summary.head.sequence()), (1, 0, Sequence(0)));
    let (log, recovery) = open(&storage).unwrap();
    assert_eq!((recovery.head, recovery.records), (Sequence(0), 0));
    let anchor = log.anchor().unwrap();
    drop(log);
    let options = ReadOptions { anchor: Some(anchor), ..ReadOptions::default() };
    let (_, summary) = toy::read_with(&storage, options).unwrap();
    assert_eq!(summary.completeness, Completeness::Proven { through: Sequence(0) });
}

#[test]
fn each_level_does_as_much_as_it_says() {
    let storage = Memory::new();
    let log = create(&storage, 1 << 20);
    let calls = |storage: &Memory| (storage.count(Operation::Write), storage.count(Operation::Sync));
    let (writes, syncs) = calls(&storage);
    append_at(&log, 3, Level::Queued);
    assert_eq!(calls(&storage), (writes, syncs));
    append_at(&log, 3, Level::Written);
    // The file grows ahead of the frames, once.
    let writes = writes + 1;
    assert_eq!(calls(&storage), (writes + 1, syncs));
    assert_eq!(log.synced_head(), Sequence(0));
    append_at(&log, 3, Level::Synced);
    assert_eq!(calls(&storage), (writes + 2, syncs + 1));
    log.wait(Sequence(9), Level::Synced).unwrap();
    log.wait(Sequence(1), Level::Synced).unwrap();
    assert_eq!(calls(&storage), (writes + 2, syncs + 1), "what is reached needs no call");

    append(&log, 1);
    assert_eq!(log.with_fold(|state| state.count).unwrap(), 9, "the state is that of what is written");
    let progress = log.drive(Level::Written).unwrap();
    assert_eq!((progress.head, progress.written, progress.synced), (Sequence(10), Sequence(10), Sequence(9)));
    assert_eq!(log.anchor().unwrap().sequence(), Sequence(9));
    let progress = log.drive(Level::Synced).unwrap();
    assert_eq!(progress.synced, Sequence(10));
    assert_eq!(log.anchor().unwrap().sequence(), Sequence(10));
    let stats = log.stats();
    assert_eq!((stats.head, stats.batches, stats.syncs, stats.queue_bytes), (Sequence(10), 3, 2, 0));
    assert_eq!(stats.segment, 1);
}

#[test]
fn a_segment_grows_ahead_of_its_frames_and_its_seal_takes_the_rest_away() {
    const SEGMENT: &str = "00000001.seg";
    for (segment_bytes, step) in [(1 << 30, GROWN_AHEAD_BYTES as usize), (5_000, 5_000), (1 << 12, 1 << 12)] {
        let storage = Memory::new();
        let log = create(&storage, segment_bytes);
        let size = |storage: &Memory| storage.bytes(SEGMENT).unwrap().len();
        assert_eq!(size(&storage), toy::frames_of(&storage, SEGMENT).len(), "it has its checkpoint alone");
        let written = |log: &Log<Toy>| log.stats().written_bytes;
        append_at(&log, 1, Level::Synced);
        assert_eq!(size(&storage), step);
        let (frames, counted) = (toy::frames_of(&storage, SEGMENT).len(), written(&log));
        for _ in 0..4 {
            append_at(&log, 3, Level::Written);
            let pieces = storage.crash().pieces(Unit::Sector);
            assert!(pieces.iter().all(|piece| piece.operation() == Operation::Write), "no size is changed");
            let _synced = log.drive(Level::Synced).unwrap();
        }
        let bytes = toy::frames_of(&storage, SEGMENT).len() - frames;
        assert_eq!(written(&log) - counted, bytes as u64, "frames alone are counted");
        // An opening goes on in what is there.
        drop(log);
        let options = LogOptions { segment_bytes, ..LogOptions::default() };
        let options = OpenOptions { options, ..toy::open_options() };
        let (log, _) = Log::open(Box::new(storage.clone()), options, Toy::new()).unwrap();
        let writes = storage.count(Operation::Write);
        append_at(&log, 1, Level::Written);
        assert_eq!((storage.count(Operation::Write), size(&storage)), (writes + 1, step));
        // What does not fit takes as many steps as it needs.
        let large = |out: &mut Vec<u8>| out.resize(3_000_000, 7);
        let time = Timestamp(START.0 + 1_000);
        let head = log.append(1, time, START, large).unwrap();
        log.wait(head, Level::Written).unwrap();
        let name = if storage.names().len() == 1 { SEGMENT } else { "00000002.seg" };
        let frames = toy::frames_of(&storage, name).len();
        assert_eq!(storage.bytes(name).unwrap().len(), frames.next_multiple_of(step));
        log.close().unwrap();
        for name in storage.names() {
            assert_eq!(storage.bytes(&name).unwrap().len(), toy::frames_of(&storage, &name).len(), "sealed");
        }
        storage.cut_power();
        assert!(read(&storage).unwrap().1.sealed);
    }
}

#[test]
fn where_there_is_no_room_to_grow_nothing_is_answered() {
    let storage = Memory::new();
    let log = create(&storage, 1 << 30);
    storage.fail(Failing::nth(Operation::Write, 1).with(std::io::ErrorKind::StorageFull).leaving(0));
    let head = append(&log, 1);
    assert!(matches!(log.wait(head, Level::Written), Err(WaitError::Unknown(Failure::Storage(_)))));
    drop(log);
    let (log, recovery) = open(&storage).unwrap();
    assert_eq!((recovery.head, recovery.cut), (Sequence(0), None));
    append_at(&log, 1, Level::Synced);
}

#[test]
fn a_level_survives_what_it_says() {
    let storage = Memory::new();
    let log = create(&storage, 1 << 20);
    append_at(&log, 4, Level::Synced);
    append_at(&log, 4, Level::Written);
    append_at(&log, 4, Level::Queued);
    drop(log);
    let killed = storage.copy();
    assert_eq!(open(&killed).unwrap().1.head, Sequence(8), "the process was killed");
    storage.cut_power();
    assert_eq!(open(&storage).unwrap().1.head, Sequence(4), "the power was cut");
}

#[test]
fn a_full_queue_takes_nothing_and_is_told_apart() {
    let storage = Memory::new();
    let options = LogOptions { queue_bytes: 1_024, ..LogOptions::default() };
    let log = Log::create(Box::new(storage.clone()), toy::create_options(options), Toy::new()).unwrap();
    let write = |bytes: usize| move |out: &mut Vec<u8>| out.resize(out.len() + bytes, 1);
    // Frames of 80 bytes and the payload: twelve of 80 and one of 64 would be the bound.
    for _ in 0..12 {
        log.room_for(0).unwrap();
        log.append(1, START, START, write(0)).unwrap();
    }
    let full = log.room_for(0).unwrap_err();
    assert_eq!(log.append(1, START, START, write(0)), Err(full));
    assert_eq!(full.to_string(), "the queue has 960 of 1024 bytes; 80 more do not fit");
    assert_eq!(log.head(), Sequence(12));
    let progress = log.drive(Level::Written).unwrap();
    assert_eq!(progress.written, Sequence(12));
    log.room_for(944).unwrap();
    log.append(1, START, START, write(944)).unwrap();
    let large = log.room_for(945).unwrap_err();
    assert_eq!(large.to_string(), "a payload of 945 bytes; this log takes 944 (no log above 67108864)");
    log.close().unwrap();
    assert_eq!(read(&storage).unwrap().1.records, 13);
}

#[test]
fn a_second_writer_waits_for_the_first() {
    let storage = Memory::new();
    let log = create(&storage, 1 << 20);
    assert!(matches!(open(&storage), Err(assize::wal::OpenError::Locked)));
    drop(log);
    let (log, _) = open(&storage).unwrap();
    assert!(storage.lock().is_err());
    log.close().unwrap();
    assert!(storage.lock().is_ok());
}
