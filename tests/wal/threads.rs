//! Many threads at one log.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Mutex, mpsc},
    thread,
};

use assize::{
    crypto::Digest,
    id::Sequence,
    num::Timestamp,
    wal::{
        CreateOptions, Failure, Fold, Level, Log, LogOptions, RecordFrame, WaitError,
        storage::{Failing, Memory, Operation},
    },
};

use crate::toy::{self, LOG_ID, START, ToyError, create, key, open, read};

const THREADS: u64 = 8;
const RECORDS: u64 = 150;

#[test]
fn all_that_was_answered_is_there_once_and_in_order() {
    let storage = Memory::new();
    let log = create(&storage, 20_000);
    let answered = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let (log, answered) = (&log, &answered);
            scope.spawn(move || {
                for number in 0..RECORDS {
                    let payload = [thread, number].map(u64::to_le_bytes).concat();
                    let sequence =
                        log.append(1, START, START, |out| out.extend_from_slice(&payload)).unwrap();
                    let level = match (thread + number) % 4 {
                        0 => Level::Written,
                        1 => Level::Queued,
                        _ => Level::Synced,
                    };
                    log.wait(sequence, level).unwrap();
                    answered.lock().unwrap().push((sequence, level, payload));
                }
            });
        }
    });
    let mut answered = answered.into_inner().unwrap();
    answered.sort();
    assert!(answered.iter().map(|row| row.0.0).eq(1..=THREADS * RECORDS), "every sequence once");
    let last =
        |levels: &[Level]| answered.iter().filter(|row| levels.contains(&row.1)).map(|row| row.0).max();
    let stats = log.stats();
    assert!(stats.batches <= THREADS * RECORDS && stats.segment > 3, "{stats:?}");
    drop(log);
    let killed = storage.copy();
    storage.cut_power();
    for (storage, level) in
        [(killed, last(&[Level::Synced, Level::Written])), (storage, last(&[Level::Synced]))]
    {
        let (log, recovery) = open(&storage).unwrap();
        assert!(recovery.head >= level.unwrap());
        log.close().unwrap();
        let (frames, _) = read(&storage).unwrap();
        let records = frames.iter().filter(|frame| frame.is_record());
        for (record, (sequence, _, payload)) in records.zip(&answered) {
            assert_eq!((record.sequence, &record.payload), (sequence.0, payload));
        }
    }
}

#[test]
fn a_failure_reaches_every_thread() {
    for nth in [1, 5, 20] {
        let storage = Memory::new();
        let log = create(&storage, 1 << 20);
        storage.fail(Failing::nth(Operation::Sync, nth));
        let (tell, told) = mpsc::channel();
        thread::scope(|scope| {
            for _ in 0..THREADS {
                let (log, tell) = (&log, tell.clone());
                scope.spawn(move || {
                    let mut last = Sequence(0);
                    // Ends only by the failure: who is not reached by it hangs, and the test with it.
                    while let Ok(sequence) = log.append(1, START, START, |out| out.push(1)) {
                        if log.wait(sequence, Level::Synced).is_err() {
                            break;
                        }
                        last = sequence;
                    }
                    tell.send(last).unwrap();
                });
            }
        });
        drop(tell);
        let answered: Vec<_> = told.iter().collect();
        assert_eq!(answered.len() as u64, THREADS);
        drop(log);
        storage.cut_power();
        assert!(open(&storage).unwrap().1.head >= answered.into_iter().max().unwrap());
    }
}

/// A state that panics at a record.
struct Panicking(Sequence);

impl Fold for Panicking {
    type Error = ToyError;

    fn restore(&mut self, _: &[u8]) -> Result<(), ToyError> {
        Ok(())
    }

    fn apply(&mut self, record: RecordFrame<'_>) -> Result<(), ToyError> {
        assert_ne!(record.payload, b"panic");
        self.0 = record.sequence;
        Ok(())
    }

    fn checkpoint(&self, out: &mut Vec<u8>) -> Result<(), ToyError> {
        out.push(1);
        Ok(())
    }

    fn log_time(&self) -> Timestamp {
        START
    }

    fn sequence(&self) -> Sequence {
        self.0
    }
}

#[test]
fn a_leader_that_panics_leaves_nobody_waiting() {
    let options =
        CreateOptions { id: LOG_ID, key: assize::wal::LogKey::from(key()), options: LogOptions::default() };
    let log = Log::create(Box::new(Memory::new()), options, Panicking(Sequence(0))).unwrap();
    let unknown = Err(WaitError::Unknown(Failure::Panicked));
    thread::scope(|scope| {
        for number in 0..THREADS {
            let log = &log;
            scope.spawn(move || {
                let payload: &[u8] = if number == 3 { b"panic" } else { b"calm" };
                let Ok(sequence) = log.append(1, START, START, |out| out.extend_from_slice(payload)) else {
                    return;
                };
                // The one who leads the batch unwinds; the others are answered.
                let waited = catch_unwind(AssertUnwindSafe(|| log.wait(sequence, Level::Synced)));
                assert!(waited.is_err() || waited.is_ok_and(|answer| answer == unknown || answer == Ok(())));
            });
        }
    });
    assert_eq!(log.failure(), Some(Failure::Panicked));
    assert_eq!(log.wait(Sequence(1), Level::Synced), unknown);
    assert_eq!(log.with_fold(|_| ()), Err(WaitError::Unknown(Failure::Panicked)));
}

#[test]
fn the_state_can_be_looked_at_while_others_write() {
    let storage = Memory::new();
    let log = create(&storage, 5_000);
    thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..300 {
                toy::append_at(&log, 1, Level::Written);
            }
        });
        let mut seen = 0;
        while seen < 300 {
            let (count, digest) = log.with_fold(|state| (state.count, state.digest)).unwrap();
            assert!(count >= seen && (count == 0) == (digest == Digest([0; 32])));
            seen = count;
        }
    });
}

#[cfg(unix)]
#[test]
fn a_live_log_is_read_while_it_is_written() {
    use assize::wal::{ReadOptions, Reader, Tail, storage::Directory};
    let place = tempfile::TempDir::new().unwrap();
    let directory = Directory::new(place.path().join("log"));
    let options = LogOptions { segment_bytes: 30_000, ..LogOptions::default() };
    let log =
        Log::create(Box::new(directory.clone()), toy::create_options(options), toy::Toy::new()).unwrap();
    let total = 3_000;
    thread::scope(|scope| {
        scope.spawn(|| {
            while log.head().0 < total {
                toy::append_at(&log, 1 + log.head().0 % 20, Level::Written);
            }
        });
        let key = key();
        let (mut seen, mut readings) = (0, 0);
        while seen < total {
            let options = ReadOptions { tail: Tail::Live, ..ReadOptions::default() };
            let keys = [&key];
            let mut reader = Reader::open(&directory, &keys, options).unwrap();
            let mut records = 0;
            while let Some(frame) = reader.next_frame().unwrap() {
                if !frame.is_control() {
                    records += 1;
                    assert_eq!((frame.sequence.0, frame.payload), (records, &*toy::payload(records)));
                }
            }
            assert_eq!(reader.finish().unwrap().records, records);
            assert!(records >= seen, "a log grows");
            (seen, readings) = (records, readings + 1);
        }
        assert!(readings > 1);
    });
}
