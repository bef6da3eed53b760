//! Records found by their sequence: what a full reader reads, whatever stands or was damaged elsewhere.

use assize::{
    crypto::{KeyId, RootKey},
    id::{LogId, Sequence},
    num::Timestamp,
    wal::{
        Blame, Fault, FindError, FindOptions, FoundRecord, Keep, Level, ReadError, find_record,
        storage::{Memory, Operation},
    },
};

use crate::{
    forge::mend_checksum,
    toy::{self, Kept, START, append, append_at, create, frames_of, key, read},
};

fn find(storage: &Memory, sequence: u64) -> Result<FoundRecord, FindError> {
    find_record(storage, &[&key()], FindOptions::default(), Sequence(sequence))
}

#[track_caller]
fn must_be(found: &FoundRecord, record: &Kept) {
    let seen = Kept {
        segment: found.segment,
        offset: found.offset,
        bytes: record.bytes,
        sequence: found.sequence.0,
        kind: found.kind,
        effective: found.effective.0,
        caller: found.caller.0,
        synced_through: found.synced_through.0,
        payload: found.payload.clone(),
    };
    assert_eq!((&seen, found.log_id), (record, toy::LOG_ID));
    assert_eq!(found.frame().payload, record.payload);
}

/// A log in several segments that is still written, and its records.
fn log(segment_bytes: u64, records: u64) -> (Memory, Vec<Kept>) {
    let storage = Memory::new();
    let log = create(&storage, segment_bytes);
    append_at(&log, records, Level::Synced);
    drop(log);
    let (frames, _) = read(&storage).unwrap();
    (storage, frames.into_iter().filter(Kept::is_record).collect())
}

#[test]
fn every_record_is_found_as_a_reader_reads_it() {
    for (segment_bytes, count) in [(1, 20), (900, 120), (40_000, 1_500), (1 << 20, 3_000)] {
        let (storage, records) = log(segment_bytes, count);
        for record in &records {
            must_be(&find(&storage, record.sequence).unwrap(), record);
        }
        let last = records.last().unwrap().segment;
        let after = find(&storage, count + 1).unwrap_err();
        assert_eq!((after, after.blame()), (FindError::After { segment: last }, Blame::Caller));
        let before = find(&storage, 0).unwrap_err();
        assert_eq!(before, FindError::Before { segment: 1, through: Sequence(0) });
        assert_eq!(before.to_string(), "the log begins after it: with segment 1, after sequence 0");
    }
}

#[test]
fn little_of_a_long_log_is_read_for_one_record() {
    let storage = Memory::new();
    let log = create(&storage, 1 << 20);
    append_at(&log, 30_000, Level::Synced);
    log.close().unwrap();
    let (frames, _) = read(&storage).unwrap();
    let records: Vec<Kept> = frames.into_iter().filter(Kept::is_record).collect();
    let bytes: usize = storage.names().iter().map(|name| storage.bytes(name).unwrap().len()).sum();
    assert!(bytes > 2 << 20, "{bytes}");
    for record in records.iter().step_by(997) {
        let before = storage.count(Operation::Read);
        must_be(&find(&storage, record.sequence).unwrap(), record);
        let reads = storage.count(Operation::Read) - before;
        // Of 8 KiB each: a header or two, and a place at each step until those are near each other.
        assert!(reads <= 24, "{reads} reads for record {}", record.sequence);
    }
}

#[test]
fn what_a_caller_made_to_look_like_frames_leads_nowhere() {
    let (other, frames) = log(1 << 20, 60);
    let own = frames_of(&other, "00000001.seg");
    // Whole frames of the same log and segment: genuine ones, and such as anybody can make who knows the log's id.
    let genuine =
        |record: &Kept| own[record.offset as usize - 40..(record.offset + record.bytes) as usize].to_vec();
    let made = |sequence: u64| {
        let mut frame =
            own[frames[3].offset as usize..(frames[3].offset + frames[3].bytes) as usize].to_vec();
        frame[8..16].copy_from_slice(&sequence.to_le_bytes());
        mend_checksum(&own, &mut frame);
        frame
    };
    let starts: Vec<u8> = (0..20_000_u32)
        .flat_map(|_| {
            let mut start = [0; 48];
            start[..4].copy_from_slice(b"ASZ1");
            start[4..8].copy_from_slice(&900_000_u32.to_le_bytes());
            start[8] = 5;
            start
        })
        .collect();
    let chosen: Vec<Vec<u8>> = vec![
        made(1),
        made(30),
        made(45),
        made(u64::MAX),
        [made(3), made(70), made(5), made(40)].concat(),
        genuine(&frames[20]),
        starts,
    ];
    let storage = Memory::new();
    let log = create(&storage, 16 << 20);
    append(&log, 10);
    // Payloads start 44 bytes into a frame, frames at multiples of 8. They fill most of the segment.
    for round in 0..20 {
        let time = Timestamp(START.0 + 200 + round);
        for chosen in &chosen {
            let write = |out: &mut Vec<u8>| {
                out.extend([0; 4]);
                for _ in 0..(20_000 / chosen.len()).max(1) {
                    out.extend_from_slice(chosen);
                    out.resize(out.len().next_multiple_of(8) + 4, 0);
                }
            };
            let _sequence = log.append(16, time, START, write).unwrap();
        }
        let _written = log.drive(Level::Written).unwrap();
    }
    log.close().unwrap();
    let (frames, _) = read(&storage).unwrap();
    let records: Vec<Kept> = frames.into_iter().filter(Kept::is_record).collect();
    assert_eq!(records.len(), 150);
    for record in &records {
        let found = find(&storage, record.sequence).unwrap();
        assert_eq!(
            (found.payload == record.payload, found.offset),
            (true, record.offset),
            "{}",
            record.sequence
        );
    }
    let last = records.last().unwrap().segment;
    assert_eq!(find(&storage, 151), Err(FindError::After { segment: last }));
}

#[test]
fn damage_elsewhere_hides_nothing_and_damage_here_is_named() {
    let (storage, records) = log(30_000, 700);
    let (mut found, mut named) = (0, 0);
    for at in (0..frames_of(&storage, "00000002.seg").len()).step_by(41) {
        let damaged = storage.copy();
        let mut bytes = damaged.bytes("00000002.seg").unwrap();
        bytes[at] ^= 0x20;
        damaged.replace("00000002.seg", &bytes);
        let in_second: Vec<&Kept> = records.iter().filter(|record| record.segment == 2).collect();
        for record in in_second
            .iter()
            .step_by(29)
            .chain(records.iter().filter(|record| record.segment != 2).step_by(97).collect::<Vec<_>>().iter())
        {
            match find(&damaged, record.sequence) {
                Ok(seen) => {
                    must_be(&seen, record);
                    found += 1;
                }
                Err(FindError::Read(ReadError::Evidence { place, fault })) => {
                    assert_eq!(place.segment, 2, "{fault}");
                    let header = matches!(fault, Fault::HeaderBroken | Fault::HeaderTag) && at < 256;
                    assert!(header || fault == Fault::FrameTag, "byte {at}: {fault}");
                    named += 1;
                }
                Err(FindError::Unreadable { place }) => {
                    assert_eq!((place.segment, place.sequence.0), (2, record.sequence));
                    assert!(place.offset <= record.offset && at as u64 >= place.offset, "byte {at}: {place}");
                    named += 1;
                }
                Err(error) => panic!("byte {at}, record {}: {error}", record.sequence),
            }
        }
    }
    assert!(found > 15 * named && named > 10, "{found} found, {named} named");
}

#[test]
fn a_record_is_the_keys_and_the_logs() {
    let (storage, records) = log(2_000, 60);
    let (wrong, unknown) =
        (RootKey::new(KeyId(7), &[0x43; 32]).unwrap(), RootKey::new(KeyId(8), &[0x42; 32]).unwrap());
    let with = |key: &RootKey, log_id| {
        find_record(&storage, &[key], FindOptions { log_id, ..FindOptions::default() }, Sequence(30))
    };
    must_be(&with(&key(), Some(toy::LOG_ID)).unwrap(), &records[29]);
    let fault = |error| match error {
        FindError::Read(ReadError::Evidence { fault, .. }) => fault,
        error => panic!("{error}"),
    };
    assert_eq!(fault(with(&wrong, None).unwrap_err()), Fault::HeaderTag);
    assert_eq!(fault(with(&key(), Some(LogId([1; 16]))).unwrap_err()), Fault::LogId { seen: toy::LOG_ID });
    assert!(matches!(
        with(&unknown, None),
        Err(FindError::Read(ReadError::UnknownKey { id: KeyId(8 | 7), .. }))
    ));
    let none = find_record(&Memory::new(), &[&key()], FindOptions::default(), Sequence(1));
    assert_eq!(none, Err(FindError::Read(ReadError::Missing)));
    // A record that another has altered and given the right checksum.
    let of = records[29].clone();
    let name = format!("{:08}.seg", of.segment);
    let mut bytes = storage.bytes(&name).unwrap();
    let (from, to) = (of.offset as usize, (of.offset + of.bytes) as usize);
    bytes[from + 17] ^= 1;
    let segment = bytes.clone();
    mend_checksum(&segment, &mut bytes[from..to]);
    let altered = storage.copy();
    altered.replace(&name, &bytes);
    let error = find(&altered, 30).unwrap_err();
    assert_eq!((error.blame(), fault(error)), (Blame::Evidence, Fault::FrameTag));
}

#[test]
fn of_a_log_that_was_pruned_what_is_left_is_found() {
    let storage = Memory::new();
    let log = create(&storage, 900);
    append_at(&log, 100, Level::Synced);
    let at = Timestamp(START.0 + 1_000);
    let retained = log.retain(Keep::Segments(3.try_into().unwrap()), at, at).unwrap();
    drop(log);
    let kept = retained.retention.unwrap();
    let (frames, summary) = read(&storage).unwrap();
    assert_eq!(summary.pruned.unwrap().first_segment, kept.first_segment);
    for sequence in 1..=101 {
        match find(&storage, sequence) {
            Ok(found) => {
                let record = frames.iter().find(|frame| frame.sequence == sequence && frame.is_record());
                must_be(&found, record.unwrap());
            }
            Err(error) => {
                let expected = FindError::Before { segment: kept.first_segment, through: kept.through };
                assert_eq!((error, sequence <= kept.through.0), (expected, true));
            }
        }
    }
}

#[test]
fn what_was_deleted_or_cut_off_is_the_evidences_fault() {
    let (storage, records) = log(900, 120);
    let last = records.last().unwrap().segment;
    assert!(last >= 8, "{last}");
    for missing in 1..last {
        let name = format!("{missing:08}.seg");
        let deleted = storage.copy();
        deleted.take(&name);
        for record in &records {
            match find(&deleted, record.sequence) {
                Ok(found) => assert!(found.segment > missing),
                Err(FindError::Read(error)) => {
                    let ReadError::Evidence { place, fault } = error else { panic!("{error}") };
                    assert_eq!((place.segment, fault), (missing, Fault::SegmentMissing));
                    assert!(record.segment <= missing);
                }
                Err(error) => panic!("{missing} missing, record {}: {error}", record.sequence),
            }
        }
        // Cut where each record begins, which is where the one before ends.
        for cut in records.iter().filter(|record| record.segment == missing) {
            let shorter = storage.copy();
            let mut bytes = shorter.bytes(&name).unwrap();
            bytes.truncate(cut.offset as usize);
            shorter.replace(&name, &bytes);
            for record in &records {
                match find(&shorter, record.sequence) {
                    Ok(found) => must_be(&found, record),
                    Err(error) => {
                        let FindError::Read(ReadError::Evidence { place, fault }) = error else {
                            panic!("{error}")
                        };
                        let expected = (missing, cut.offset, Fault::SealMissing);
                        assert_eq!((place.segment, place.offset, fault), expected);
                        assert!(record.segment == missing && record.offset >= cut.offset);
                    }
                }
            }
        }
    }
}
