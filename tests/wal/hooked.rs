//! A storage that calls back, to bring about what otherwise depends on timing.

use std::sync::{
    Arc, Mutex, OnceLock,
    atomic::{AtomicBool, Ordering},
    mpsc,
};

use assize::{
    audit::{self, AuditError, AuditOptions, Observer, Problem},
    id::Sequence,
    num::Timestamp,
    wal::{
        Blame, Failure, Fault, FindError, FindOptions, Keep, Level, Log, LogOptions, ReadError, ReadOptions,
        Reader, Tail, WaitError, find_record,
        storage::{Access, Memory, Operation, Storage, StorageError, StorageFile, StorageLock},
    },
};

use crate::toy::{self, START, Toy, append, append_at, create, key, open};

type Hook = Arc<dyn Fn(Operation, &mut [u8]) + Send + Sync>;

/// Files in memory, with a look at each read's bytes, and a word after each listing and before each sync.
struct Hooked {
    memory: Memory,
    hook: Hook,
}

struct HookedFile {
    file: Box<dyn StorageFile>,
    hook: Hook,
}

impl Hooked {
    fn file(&self, file: Box<dyn StorageFile>) -> Box<dyn StorageFile> {
        Box::new(HookedFile { file, hook: Arc::clone(&self.hook) })
    }
}

impl Storage for Hooked {
    fn establish(&self) -> Result<(), StorageError> {
        self.memory.establish()
    }

    fn lock(&self) -> Result<Box<dyn StorageLock>, StorageError> {
        self.memory.lock()
    }

    fn list(&self) -> Result<Vec<String>, StorageError> {
        let names = self.memory.list()?;
        (self.hook)(Operation::List, &mut []);
        Ok(names)
    }

    fn create(&self, name: &str) -> Result<Box<dyn StorageFile>, StorageError> {
        Ok(self.file(self.memory.create(name)?))
    }

    fn open(&self, name: &str, access: Access) -> Result<Box<dyn StorageFile>, StorageError> {
        Ok(self.file(self.memory.open(name, access)?))
    }

    fn rename(&self, from: &str, to: &str) -> Result<(), StorageError> {
        self.memory.rename(from, to)
    }

    fn remove(&self, name: &str) -> Result<(), StorageError> {
        self.memory.remove(name)
    }

    fn sync_dir(&self) -> Result<(), StorageError> {
        self.memory.sync_dir()
    }
}

impl StorageFile for HookedFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize, StorageError> {
        let read = self.file.read_at(buffer, offset)?;
        (self.hook)(Operation::Read, &mut buffer[..read]);
        Ok(read)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> Result<(), StorageError> {
        self.file.write_at(bytes, offset)
    }

    fn sync_data(&self) -> Result<(), StorageError> {
        (self.hook)(Operation::Sync, &mut []);
        self.file.sync_data()
    }

    fn set_len(&self, bytes: u64) -> Result<(), StorageError> {
        self.file.set_len(bytes)
    }

    fn size(&self) -> Result<u64, StorageError> {
        (self.hook)(Operation::Len, &mut []);
        self.file.size()
    }
}

#[test]
fn a_reader_that_a_retention_overtakes_says_so() {
    let memory = Memory::new();
    let log = create(&memory, 400);
    append_at(&log, 20, Level::Synced);
    let before = memory.copy();
    let at = Timestamp(START.0 + 100);
    let kept = log.retain(Keep::Segments(1.try_into().unwrap()), at, at).unwrap().retention.unwrap();
    drop(log);
    assert!(kept.first_segment > 4);
    // As it was before the deletion, with the record that lets it go, or without.
    let named = before.copy();
    for name in memory.names() {
        named.replace(&name, &memory.bytes(&name).unwrap());
    }
    let read = |memory: &Memory| {
        let storage = deleting_by_reads(memory.copy(), kept.first_segment);
        let key = key();
        Reader::open(&storage, &[&key], ReadOptions::default()).and_then(Reader::finish).map(|_| ())
    };
    let overtaken = read(&named).unwrap_err();
    assert_eq!((overtaken, overtaken.blame()), (ReadError::Overtaken { segment: 2 }, Blame::Storage));
    let expected = "segment 2 was deleted by a retention while the log was read; read it again";
    assert_eq!(overtaken.to_string(), expected);
    let missing = read(&before).unwrap_err();
    assert!(matches!(missing, ReadError::Evidence { fault: Fault::SegmentMissing, .. }), "{missing}");

    // An audit of which nobody was shown anything begins anew; another says it.
    struct Looker;
    impl Observer for Looker {}
    let verify = |memory: &Memory, observer: Option<&mut dyn Observer>| {
        let storage = deleting_by_reads(memory.copy(), kept.first_segment);
        let options = AuditOptions { observer, ..AuditOptions::default() };
        audit::verify(&storage, &[&key()], options)
    };
    let report = verify(&named, None).unwrap();
    assert_eq!(report.summary.pruned.unwrap().first_segment, kept.first_segment);
    let of = |error: AuditError| error.problem;
    assert_eq!(of(verify(&named, Some(&mut Looker)).unwrap_err()), Problem::Read(overtaken));
    assert_eq!(of(verify(&before, None).unwrap_err()), Problem::Read(missing));
}

/// Whoever reads finds the segments before that one deleted from then on.
fn deleting_by_reads(memory: Memory, first_kept: u32) -> Hooked {
    let deleting = memory.clone();
    let hook: Hook = Arc::new(move |operation, _| {
        if operation == Operation::Read {
            (1..first_kept).for_each(|number| deleting.take(&format!("{number:08}.seg")));
        }
    });
    Hooked { memory, hook }
}

#[test]
fn what_a_retention_deletes_before_reading_begins_is_no_fault() {
    let memory = Memory::new();
    let log = create(&memory, 400);
    append_at(&log, 100, Level::Synced);
    let before = memory.copy();
    let at = Timestamp(START.0 + 1_000);
    let kept = log.retain(Keep::Segments(2.try_into().unwrap()), at, at).unwrap().retention.unwrap();
    drop(log);
    assert!(kept.first_segment > 20);
    let named = before.copy();
    for name in memory.names() {
        named.replace(&name, &memory.bytes(&name).unwrap());
    }
    // After each listing, the next so many are deleted, up to one.
    let storage = |memory: &Memory, each: usize, until: u32| {
        let memory = memory.copy();
        let (deleting, next) = (memory.clone(), Mutex::new(1..until));
        let hook: Hook = Arc::new(move |operation, _| {
            if operation == Operation::List {
                let mut next = next.lock().unwrap();
                next.by_ref().take(each).for_each(|number| deleting.take(&format!("{number:08}.seg")));
            }
        });
        Hooked { memory, hook }
    };
    let (key, first) = (key(), kept.first_segment);
    let read = |storage: &Hooked| Reader::open(storage, &[&key], ReadOptions::default())?.finish();
    let find = |storage: &Hooked, sequence| find_record(storage, &[&key], FindOptions::default(), sequence);
    for each in [2, 5, 100] {
        let summary = read(&storage(&named, each, first)).unwrap();
        assert_eq!(summary.pruned.unwrap().first_segment, first, "{each} at a time");
        let found = find(&storage(&named, each, first), Sequence(kept.through.0 + 1)).unwrap();
        assert_eq!((found.segment, found.sequence.0), (first, kept.through.0 + 1), "{each} at a time");
        let gone = find(&storage(&named, each, first), Sequence(1)).unwrap_err();
        assert_eq!(gone, FindError::Before { segment: first, through: kept.through }, "{each} at a time");
    }
    // There is an end to it.
    let overtaken = ReadError::Overtaken { segment: 16 };
    assert_eq!(read(&storage(&named, 1, first)).map(|_| ()), Err(overtaken));
    assert_eq!(find(&storage(&named, 1, first), Sequence(1)), Err(FindError::Read(overtaken)));
    // What no retention has named is missing.
    let missing = |error| matches!(error, ReadError::Evidence { fault: Fault::SegmentMissing, .. });
    assert!(missing(read(&storage(&before, 2, 3)).map(|_| ()).unwrap_err()));
    let error = find(&storage(&before, 2, 3), Sequence(1)).unwrap_err();
    assert!(matches!(error, FindError::Read(error) if missing(error)), "{error}");
}

#[test]
fn a_record_that_is_being_written_is_looked_for_once_more() {
    let memory = Memory::new();
    let log = create(&memory, 1 << 20);
    append_at(&log, 4, Level::Synced);
    log.close().unwrap();
    let frames = toy::read(&memory).unwrap().0;
    let third = frames.iter().find(|frame| frame.is_record() && frame.sequence == 3).unwrap();
    let behind = memory.bytes("00000001.seg").unwrap().len() - third.offset as usize - 50;
    let find = |sizes_until_whole: u32| {
        let sizes = Mutex::new(0);
        let hook: Hook = Arc::new(move |operation, bytes| {
            let mut sizes = sizes.lock().unwrap();
            *sizes += u32::from(operation == Operation::Len);
            // The search's windows end with the file, and are longer than a header.
            let is_looked_at = operation == Operation::Read && bytes.len() != 256;
            let at = bytes.len().checked_sub(behind);
            if let Some(at) = at.filter(|_| is_looked_at && *sizes < sizes_until_whole) {
                bytes[at] ^= 1;
            }
        });
        let storage = Hooked { memory: memory.clone(), hook };
        find_record(&storage, &[&key()], FindOptions::default(), Sequence(3))
    };
    assert_eq!(find(0).unwrap().offset, third.offset);
    assert_eq!(find(2).unwrap().offset, third.offset, "it was whole when the file was looked at again");
    assert!(matches!(find(u32::MAX), Err(FindError::Unreadable { .. })));
}

#[test]
fn headers_are_read_for_a_retention_while_others_write() {
    let memory = Memory::new();
    let log: Arc<OnceLock<Log<Toy>>> = Arc::default();
    let (armed, written) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Vec::new())));
    let hook: Hook = {
        // The log holds the hook.
        let (log, armed, written) = (Arc::downgrade(&log), Arc::clone(&armed), Arc::clone(&written));
        Arc::new(move |operation, _| {
            if operation == Operation::Read && armed.swap(false, Ordering::SeqCst) {
                let (done, is_done) = mpsc::channel();
                let log = log.upgrade().unwrap();
                std::thread::spawn(move || {
                    let at = Timestamp(START.0 + 200);
                    let log = log.get().unwrap();
                    let sequence = log.append(1, at, at, |out| out.push(1)).unwrap();
                    // Nobody hears it where the time was over.
                    let _is_heard = done.send(log.wait(sequence, Level::Synced)).is_ok();
                });
                // Long enough for any machine: it ends by being answered, or the test fails.
                written.lock().unwrap().push(is_done.recv_timeout(std::time::Duration::from_secs(20)));
                armed.store(true, Ordering::SeqCst);
            }
        })
    };
    let storage = Hooked { memory: memory.clone(), hook };
    let options = LogOptions { segment_bytes: 400, ..LogOptions::default() };
    let created = Log::create(Box::new(storage), toy::create_options(options), Toy::new()).unwrap();
    assert!(log.set(created).is_ok());
    let log = log.get().unwrap();
    append_at(log, 60, Level::Synced);
    let segments = memory.names().len() as u32;
    assert!(segments >= 16, "{segments}");
    armed.store(true, Ordering::SeqCst);
    let at = Timestamp(START.0 + 201);
    let retained = log.retain(Keep::Since(Timestamp(START.0 + 120)), at, at).unwrap();
    armed.store(false, Ordering::SeqCst);
    assert!(retained.removed > 4, "{retained:?}");
    let written = std::mem::take(&mut *written.lock().unwrap());
    assert!(written.iter().all(|written| *written == Ok(Ok(()))), "{written:?}");
    // By bisection, not one by one.
    assert!((2..=6).contains(&written.len()), "{} headers of {segments}", written.len());
    assert!(toy::read(&memory).is_ok());
}

#[test]
fn a_live_reader_looks_twice_before_it_calls_a_log_damaged() {
    let memory = Memory::new();
    // So small that its file, which grows ahead, is read at once.
    let log = create(&memory, 1 << 12);
    for _ in 0..4 {
        append_at(&log, 1, Level::Synced);
    }
    drop(log);
    let third = toy::read(&memory).unwrap().0[3].offset as usize;
    let size = memory.bytes("00000001.seg").unwrap().len();
    let read = |looks: usize| {
        let left = Mutex::new(looks);
        let hook: Hook = Arc::new(move |operation, bytes| {
            let mut left = left.lock().unwrap();
            if operation == Operation::Read && *left > 0 && bytes.len() >= size - third {
                // As if the third record were being written at that moment.
                *left -= 1;
                let at = bytes.len() - (size - third);
                bytes[at] ^= 1;
            }
        });
        let storage = Hooked { memory: memory.clone(), hook };
        let (key, options) = (key(), ReadOptions { tail: Tail::Live, ..ReadOptions::default() });
        Reader::open(&storage, &[&key], options).and_then(Reader::finish).map(|summary| summary.records)
    };
    assert_eq!(read(0), Ok(4));
    assert_eq!(read(1), Ok(4), "it was whole at the second look");
    assert!(read(usize::MAX).is_err());
}

#[test]
fn a_panic_while_another_writes_is_answered_to_all() {
    let (entered_by, entered) = mpsc::channel();
    let (leave, left) = mpsc::channel::<()>();
    let (entered_by, left) = (Mutex::new(entered_by), Mutex::new(left));
    let armed = Arc::new(AtomicBool::new(false));
    let hook: Hook = {
        let armed = Arc::clone(&armed);
        Arc::new(move |operation, _| {
            if operation == Operation::Sync && armed.load(Ordering::SeqCst) {
                entered_by.lock().unwrap().send(()).unwrap();
                left.lock().unwrap().recv().unwrap();
            }
        })
    };
    let memory = Memory::new();
    let storage = Hooked { memory: memory.clone(), hook };
    let log = Log::create(Box::new(storage), toy::create_options(LogOptions::default()), Toy::new()).unwrap();
    let head = append(&log, 3);
    armed.store(true, Ordering::SeqCst);
    std::thread::scope(|scope| {
        let waiter = scope.spawn(|| log.wait(head, Level::Synced));
        entered.recv().unwrap();
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            log.append(1, Timestamp(START.0 + 99), START, |_| panic!("in a payload"))
        }));
        assert!(panicked.is_err());
        leave.send(()).unwrap();
        assert_eq!(waiter.join().unwrap(), Err(WaitError::Unknown(Failure::Panicked)));
    });
    drop(log);
    memory.cut_power();
    assert_eq!(open(&memory).unwrap().1.head, Sequence(3), "unknown is not lost");
}

#[test]
fn who_comes_while_another_syncs_is_in_the_next_batch() {
    let (entered_by, entered) = mpsc::channel();
    let (leave, left) = mpsc::channel::<()>();
    let (entered_by, left) = (Mutex::new(entered_by), Mutex::new(left));
    let armed = Arc::new(AtomicBool::new(false));
    let hook: Hook = {
        let armed = Arc::clone(&armed);
        Arc::new(move |operation, _| {
            if operation == Operation::Sync && armed.swap(false, Ordering::SeqCst) {
                entered_by.lock().unwrap().send(()).unwrap();
                left.lock().unwrap().recv().unwrap();
            }
        })
    };
    let storage = Hooked { memory: Memory::new(), hook };
    let log = Log::create(Box::new(storage), toy::create_options(LogOptions::default()), Toy::new()).unwrap();
    append(&log, 1);
    armed.store(true, Ordering::SeqCst);
    std::thread::scope(|scope| {
        let first = scope.spawn(|| log.wait(Sequence(1), Level::Synced));
        entered.recv().unwrap();
        // The first is held up in its sync: these eight share the next one.
        let head = append(&log, 8);
        assert_eq!((log.synced_head(), log.stats().queue_bytes > 0), (Sequence(0), true));
        let others: Vec<_> = (2..=head.0)
            .map(|sequence| {
                let log = &log;
                scope.spawn(move || log.wait(Sequence(sequence), Level::Synced))
            })
            .collect();
        leave.send(()).unwrap();
        assert_eq!(first.join().unwrap(), Ok(()));
        assert!(others.into_iter().all(|other| other.join().unwrap() == Ok(())));
    });
    let stats = log.stats();
    assert_eq!((stats.batches, stats.syncs, stats.synced), (2, 2, Sequence(9)));
}
