//! A storage that fails poisons the log: nothing more is answered, and what was answered is kept.

use assize::{
    id::Sequence,
    num::Timestamp,
    wal::{
        AppendError, Blame, Failure, Keep, Level, Log, LogOptions, WaitError,
        storage::{Failing, Memory, Operation},
    },
};

use crate::toy::{self, START, Toy, append, create, open, read};

#[test]
fn after_a_failure_nothing_is_answered_and_nothing_lost() {
    let mut failures = 0;
    for operation in
        [Operation::Write, Operation::Sync, Operation::Create, Operation::Rename, Operation::SyncDir]
    {
        for nth in 1.. {
            let storage = Memory::new();
            let log = create(&storage, 700);
            storage.fail(Failing::nth(operation, nth));
            let (synced, written, failure) = work(&log);
            let Some(failure) = failure else { break };
            failures += 1;
            poisoned(&log, failure, operation);
            drop(log);

            let killed = storage.copy();
            assert!(open(&killed).unwrap().1.head >= written, "{operation:?} {nth}: written is kept");
            storage.cut_power();
            let (log, recovery) = open(&storage).unwrap();
            assert!(recovery.head >= synced, "{operation:?} {nth}: synced is kept");
            append(&log, 3);
            log.close().unwrap();
            assert!(read(&storage).unwrap().1.sealed);
        }
    }
    assert!(failures > 30, "{failures} failures");
}

/// Appends at mixed levels over several segments; gives what was answered and what ended it.
fn work(log: &Log<Toy>) -> (Sequence, Sequence, Option<Failure>) {
    let (mut synced, mut written) = (Sequence(0), Sequence(0));
    for round in 0..40 {
        let head = append(log, 1);
        let (level, answered) = match round % 3 {
            0 => (Level::Synced, &mut synced),
            1 => (Level::Written, &mut written),
            _ => continue,
        };
        match log.wait(head, level) {
            Ok(()) => *answered = head,
            Err(WaitError::Unknown(failure)) => return (synced, written.max(synced), Some(failure)),
            Err(error) => panic!("{error}"),
        }
    }
    (synced, written, None)
}

fn poisoned(log: &Log<Toy>, failure: Failure, operation: Operation) {
    assert!(matches!(failure, Failure::Storage(error) if error.operation == operation), "{failure:?}");
    assert_eq!(failure.blame(), Blame::Storage);
    let unknown = WaitError::Unknown(failure);
    assert_eq!(log.failure(), Some(failure));
    assert_eq!(log.append(1, Timestamp(START.0 + 999), START, |_| {}), Err(AppendError::Poisoned(failure)));
    assert_eq!(log.room_for(0), Err(AppendError::Poisoned(failure)));
    for level in [Level::Queued, Level::Written, Level::Synced] {
        assert_eq!(log.wait(Sequence(1), level), Err(unknown));
        assert_eq!(log.drive(level).map(|_| ()), Err(unknown));
    }
    assert_eq!(log.with_fold(|_| ()), Err(unknown));
    assert_eq!(log.anchor().map(|_| ()).unwrap_err(), unknown);
    assert_eq!(log.fold_error(|_| ()), None);
}

#[test]
fn a_retention_that_is_not_carried_out_says_why() {
    let keep = Keep::Segments(1.try_into().unwrap());
    let made = |segment_bytes, queue_bytes| {
        let storage = Memory::new();
        let options = LogOptions { segment_bytes, queue_bytes };
        let options = toy::create_options(options);
        let log = Log::create(Box::new(storage.clone()), options, Toy::new()).unwrap();
        for _ in 0..12 {
            append(&log, 1);
            let _synced = log.drive(Level::Synced).unwrap();
        }
        (storage, log)
    };
    let later = Timestamp(START.0 + 1_000);
    type Spoil = fn(&Memory, &Log<Toy>);
    let rows: [(&str, Spoil, Timestamp, &str, Blame); 5] = [
        (
            "a time before the log's",
            |_, _| {},
            START,
            "the retention is not recorded: nothing is deleted",
            Blame::Caller,
        ),
        (
            "a full queue",
            |_, log| {
                log.append(1, Timestamp(START.0 + 500), START, |out| out.resize(900, 1)).unwrap();
            },
            later,
            "the retention is not recorded: nothing is deleted",
            Blame::Caller,
        ),
        (
            "a header that is damaged",
            |storage, _| {
                let last = storage.names().pop().unwrap();
                let mut bytes = storage.bytes(&last).unwrap();
                bytes[60] ^= 1;
                storage.replace(&last, &bytes);
            },
            later,
            "what is to stay cannot be told: nothing is deleted",
            Blame::Evidence,
        ),
        (
            "a record that is not synced",
            |storage, _| storage.fail(Failing::nth(Operation::Sync, 1)),
            later,
            "the log failed, and record 13 may be on disk or not: nothing is deleted",
            Blame::Storage,
        ),
        (
            "a log that is poisoned",
            |storage, log| {
                storage.fail(Failing::nth(Operation::Write, 1));
                append(log, 1);
                assert!(log.drive(Level::Written).is_err());
            },
            later,
            "the log is poisoned: nothing is deleted",
            Blame::Storage,
        ),
    ];
    for (what, spoil, at, said, blame) in rows {
        let (storage, log) = made(400, 1 << 10);
        let names = storage.names();
        assert!(names.len() > 2);
        spoil(&storage, &log);
        let error = log.retain(keep, at, at).unwrap_err();
        assert_eq!((error.to_string().as_str(), error.blame()), (said, blame), "{what}");
        assert!(std::error::Error::source(&error).is_some(), "{what}");
        assert_eq!(storage.names()[..names.len()], names, "{what}: nothing is deleted");
    }
    // And a retention is the log's own record.
    let (_, log) = made(400, 1 << 10);
    assert_eq!(log.append(67, later, later, |_| {}), Err(AppendError::Kind { seen: 67 }));
}

#[test]
fn closing_a_poisoned_log_fails() {
    let storage = Memory::new();
    for nth in 1..=3 {
        let storage = storage.copy();
        let log = create(&storage, 1 << 20);
        append(&log, 3);
        let operation = if nth == 3 { Operation::Write } else { Operation::Sync };
        storage.fail(Failing::nth(operation, nth.min(2)));
        let error = log.close().map(|_| ()).unwrap_err();
        assert!(matches!(error, WaitError::Unknown(Failure::Storage(_))), "{error}");
        assert_eq!(error.to_string(), "the log is poisoned: open it again to learn what is on disk");
        assert!(open(&storage).is_ok());
    }
}

#[test]
fn a_payload_that_panics_poisons_the_log() {
    let storage = Memory::new();
    let log = create(&storage, 1 << 20);
    let head = append(&log, 3);
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        log.append(1, Timestamp(START.0 + 99), START, |out| {
            out.push(1);
            panic!("in a payload")
        })
    }));
    assert!(panicked.is_err());
    assert_eq!(log.wait(head, Level::Synced), Err(WaitError::Unknown(Failure::Panicked)));
    assert_eq!(log.failure().map(|failure| failure.blame()), Some(Blame::Bug));
    drop(log);
    assert_eq!(open(&storage).unwrap().1.head, Sequence(0));
}
