//! A power cut, and a failure, at every call to the storage of the log or of the state.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use assize::wal::{
    CreateOptions, EvolvingKey, Level, Log, LogOptions, StateError,
    storage::{
        Access, Cause, Memory, Operation, Piece, StateFile, Storage, StorageError, StorageFile, StorageLock,
        Unit,
    },
};

use crate::{
    Host, SEGMENT_BYTES, STATE, root,
    toy::{LOG_ID, Toy, append, append_at},
};

/// Both places, whose calls that change something are counted together; after so many, every one fails.
#[derive(Clone)]
pub(crate) struct Counted {
    memory: Memory,
    left: Arc<AtomicU64>,
}

struct CountedFile {
    file: Box<dyn StorageFile>,
    left: Arc<AtomicU64>,
}

fn spend(left: &AtomicU64, operation: Operation) -> Result<(), StorageError> {
    let spent = left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
    spent.map(drop).map_err(|_| StorageError::new(operation, "", Cause::Io(std::io::ErrorKind::Other)))
}

impl Counted {
    fn file(&self, file: Box<dyn StorageFile>) -> Box<dyn StorageFile> {
        Box::new(CountedFile { file, left: Arc::clone(&self.left) })
    }
}

impl Storage for Counted {
    fn establish(&self) -> Result<(), StorageError> {
        self.memory.establish()
    }

    fn lock(&self) -> Result<Box<dyn StorageLock>, StorageError> {
        self.memory.lock()
    }

    fn list(&self) -> Result<Vec<String>, StorageError> {
        self.memory.list()
    }

    fn create(&self, name: &str) -> Result<Box<dyn StorageFile>, StorageError> {
        spend(&self.left, Operation::Create)?;
        Ok(self.file(self.memory.create(name)?))
    }

    fn open(&self, name: &str, access: Access) -> Result<Box<dyn StorageFile>, StorageError> {
        Ok(self.file(self.memory.open(name, access)?))
    }

    fn rename(&self, from: &str, to: &str) -> Result<(), StorageError> {
        spend(&self.left, Operation::Rename)?;
        self.memory.rename(from, to)
    }

    fn remove(&self, name: &str) -> Result<(), StorageError> {
        spend(&self.left, Operation::Remove)?;
        self.memory.remove(name)
    }

    fn sync_dir(&self) -> Result<(), StorageError> {
        spend(&self.left, Operation::SyncDir)?;
        self.memory.sync_dir()
    }
}

impl StorageFile for CountedFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize, StorageError> {
        self.file.read_at(buffer, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> Result<(), StorageError> {
        spend(&self.left, Operation::Write)?;
        self.file.write_at(bytes, offset)
    }

    fn sync_data(&self) -> Result<(), StorageError> {
        spend(&self.left, Operation::Sync)?;
        self.file.sync_data()
    }

    fn set_len(&self, bytes: u64) -> Result<(), StorageError> {
        spend(&self.left, Operation::SetLen)?;
        self.file.set_len(bytes)
    }

    fn size(&self) -> Result<u64, StorageError> {
        self.file.size()
    }
}

/// What happens to a log when ten records were written: whether it was done.
pub(crate) type Act<'a> = &'a dyn Fn(&Log<Toy>, &Host, &Box<Counted>) -> bool;

/// Creates a log and writes to it until a call fails; gives the last record that was acknowledged as synced, and the
/// calls left.
fn write(host: &Host, calls: u64, act: Act<'_>) -> (u64, u64) {
    let left = Arc::new(AtomicU64::new(calls));
    let counted = |memory: &Memory| Box::new(Counted { memory: memory.clone(), left: Arc::clone(&left) });
    let mut acknowledged = 0;
    let state = Box::new(StateFile::within(counted(&host.keys), STATE));
    let options = LogOptions { segment_bytes: SEGMENT_BYTES, ..LogOptions::default() };
    let log = EvolvingKey::begin(root(), LOG_ID, state).ok().and_then(|key| {
        let create = CreateOptions { id: LOG_ID, key: key.into(), options };
        Log::create(counted(&host.log), create, Toy::new()).ok()
    });
    if let Some(log) = log {
        while log.head().0 < 40 && log.failure().is_none() {
            if log.head().0 == 10 && !act(&log, host, &counted(&host.keys)) {
                break;
            }
            let head = append(&log, 1);
            if log.wait(head, Level::Synced).is_ok() {
                acknowledged = head.0;
            }
        }
    }
    (acknowledged, left.load(Ordering::SeqCst))
}

/// Cuts power at every call, and looks at what may be left.
pub(crate) fn every(act: Act<'_>, look: &mut dyn FnMut(&Host, u64, &str)) {
    let whole = Host::new();
    let (acknowledged, left) = write(&whole, 10_000, act);
    assert!(acknowledged == 40 && whole.segments() > 4);
    for call in 0..10_000 - left {
        let host = Host::new();
        let (acknowledged, _) = write(&host, call, act);
        let (log, keys) = (host.log.crash(), host.keys.crash());
        let (logs, states) = (log.pieces(Unit::Page), keys.pieces(Unit::Page));
        // Each piece alone, each missing alone, all and none, of each place beside the other.
        for states_kept in subsets(states.len()) {
            for logs_kept in subsets(logs.len()) {
                let kept = |pieces: &[Piece], kept: &[usize]| {
                    kept.iter().map(|at| pieces[*at].clone()).collect::<Vec<_>>()
                };
                let crashed = Host {
                    log: log.image(&kept(&logs, &logs_kept)),
                    keys: keys.image(&kept(&states, &states_kept)),
                };
                let what = format!("call {call}, state {states_kept:?}, log {logs_kept:?}");
                if begun(&crashed, acknowledged) {
                    look(&crashed, acknowledged, &what);
                }
            }
        }
    }
}

/// Whether there is a log; where there is none yet, one can be created.
fn begun(host: &Host, acknowledged: u64) -> bool {
    if host.segments() > 0 {
        return true;
    }
    assert_eq!(acknowledged, 0);
    // The state may be there or not: it begins again.
    drop(host.create());
    false
}

/// Opens what a crash left, and goes on.
fn goes_on(host: &Host, acknowledged: u64, what: &str) {
    let (log, _) = host.open().unwrap_or_else(|error| panic!("{what}: {error:?}"));
    assert!(log.head().0 >= acknowledged, "{what}: {} of {acknowledged}", log.head());
    append_at(&log, 15, Level::Synced);
    assert_eq!(host.kept(), log.stats().segment, "{what}");
    log.close().unwrap();
    let summary = host.read().unwrap_or_else(|error| panic!("{what}: {error:?}"));
    assert!(summary.sealed, "{what}");
}

#[test]
fn whatever_a_power_cut_leaves_of_log_and_state_opens_and_goes_on() {
    let mut stepped = 0_u32;
    every(&|_, _, _| true, &mut |host, acknowledged, what| {
        stepped += u32::from(host.kept() < host.segments());
        goes_on(host, acknowledged, what);
    });
    assert!(stepped > 20, "crashes between segment and state: {stepped}");
}

/// All that a power cut may leave of both places, from a few pieces.
fn each_image(host: &Host) -> Vec<(Host, String)> {
    let (log, keys) = (host.log.crash(), host.keys.crash());
    let (logs, states) = (log.pieces(Unit::Page), keys.pieces(Unit::Page));
    assert!(logs.len() + states.len() <= 12, "few enough to take all: {}, {}", logs.len(), states.len());
    let mut images = Vec::new();
    for of_logs in 0..1_u32 << logs.len() {
        for of_states in 0..1_u32 << states.len() {
            let kept = |pieces: &[Piece], set: u32| {
                let kept = pieces.iter().enumerate().filter(|(at, _)| set >> at & 1 == 1);
                kept.map(|(_, piece)| piece.clone()).collect::<Vec<_>>()
            };
            let image =
                Host { log: log.image(&kept(&logs, of_logs)), keys: keys.image(&kept(&states, of_states)) };
            images.push((image, format!("log {of_logs:b}, state {of_states:b}")));
        }
    }
    images
}

/// Writes until the log fails; gives the last record that was acknowledged.
fn write_until_failure(log: &Log<Toy>) -> u64 {
    let mut acknowledged = log.stats().synced.0;
    while log.failure().is_none() {
        let head = append(log, 1);
        if log.wait(head, Level::Synced).is_ok() {
            acknowledged = head.0;
        }
    }
    acknowledged
}

/// The state steps forward to a segment when that has its name on disk, and not when it looks so.
#[test]
fn a_segment_whose_name_can_be_lost_is_not_stepped_to() {
    let host = Host::new();
    let log = host.create();
    host.log.fail(assize::wal::storage::Failing::nth(Operation::SyncDir, 1));
    let acknowledged = write_until_failure(&log);
    drop(log);
    assert_eq!((host.kept(), host.segments()), (1, 2));
    // The opening fails at the very sync that would have made it sure.
    host.log.fail(assize::wal::storage::Failing::nth(Operation::SyncDir, 1));
    assert!(matches!(host.open(), Err(assize::wal::OpenError::Recover(_))));
    for (image, what) in each_image(&host) {
        goes_on(&image, acknowledged, &what);
    }
    // One that succeeds has made it sure.
    drop(host.open().unwrap());
    for (image, what) in each_image(&host) {
        assert_eq!((image.segments(), image.kept()), (2, 2), "{what}");
        goes_on(&image, acknowledged, &what);
    }
}

/// A state whose directory's sync failed looks kept: it is kept again before the log goes on, or two steps later nothing
/// could open it.
#[test]
fn a_state_whose_directorys_sync_failed_is_kept_again() {
    let host = Host::new();
    let log = host.create();
    host.keys.fail(assize::wal::storage::Failing::nth(Operation::SyncDir, 1));
    write_until_failure(&log);
    drop(log);
    assert_eq!((host.kept(), host.segments()), (2, 2), "it looks kept");
    let (log, _) = host.open().unwrap();
    // The next step ends between the segment and the state.
    host.keys.fail(assize::wal::storage::Failing::nth(Operation::Create, 1));
    let acknowledged = write_until_failure(&log);
    drop(log);
    assert_eq!((host.kept(), host.segments()), (2, 3));
    for (image, what) in each_image(&host) {
        goes_on(&image, acknowledged, &what);
    }
    // The same of the first state, which a creation finds.
    let host = Host::new();
    host.keys.fail(assize::wal::storage::Failing::nth(Operation::SyncDir, 1));
    assert!(host.begin().is_err());
    let log = host.create();
    let acknowledged = append_at(&log, 2, Level::Synced).0;
    drop(log);
    for (image, what) in each_image(&host) {
        goes_on(&image, acknowledged, &what);
    }
}

/// Creates the log, or opens what a failed creation left of it.
fn begin_again(host: &Host) -> Option<Log<Toy>> {
    if host.segments() > 0 {
        return host.open().ok().map(|(log, _)| log);
    }
    let options = LogOptions { segment_bytes: SEGMENT_BYTES, ..LogOptions::default() };
    let create = CreateOptions { id: LOG_ID, key: host.begin().ok()?.into(), options };
    Log::create(Box::new(host.log.clone()), create, Toy::new()).ok()
}

/// Writes through a failure, which the next opening makes good; gives what was acknowledged. `look` is shown the places
/// after the failure, and after each opening.
fn write_through(host: &Host, look: &mut dyn FnMut(&Host, u64)) -> u64 {
    let (mut acknowledged, mut openings) = (0, 0);
    while acknowledged < 30 {
        openings += 1;
        assert!(openings < 10, "one failure is one failure");
        let Some(log) = begin_again(host) else {
            look(host, acknowledged);
            continue;
        };
        // What an opening shows is on disk.
        acknowledged = log.head().0;
        look(host, acknowledged);
        while log.head().0 < 30 && log.failure().is_none() {
            let head = append(&log, 1);
            if log.wait(head, Level::Synced).is_ok() {
                acknowledged = head.0;
            }
        }
        drop(log);
        look(host, acknowledged);
    }
    acknowledged
}

#[test]
fn whatever_fails_once_at_either_place_is_made_good_by_the_next_opening() {
    use assize::wal::storage::Failing;
    let operations =
        [Operation::Create, Operation::Write, Operation::Sync, Operation::Rename, Operation::SyncDir];
    let (mut failed, mut images) = (0, 0);
    for (at_keys, operation) in
        [false, true].iter().flat_map(|at| operations.map(|operation| (*at, operation)))
    {
        for nth in 1.. {
            let host = Host::new();
            let place = if at_keys { host.keys.clone() } else { host.log.clone() };
            place.fail(Failing::nth(operation, nth));
            write_through(&host, &mut |host, acknowledged| {
                let (log, keys) = (host.log.crash(), host.keys.crash());
                let (logs, states) = (log.pieces(Unit::Page), keys.pieces(Unit::Page));
                for (of_logs, of_states) in [(0, 0), (1, 0), (0, 1), (1, 1)] {
                    // All of each place, or nothing.
                    let some = |pieces: &[Piece], all: usize| pieces[..pieces.len() * all].to_vec();
                    let crashed = Host {
                        log: log.image(&some(&logs, of_logs)),
                        keys: keys.image(&some(&states, of_states)),
                    };
                    if begun(&crashed, acknowledged) {
                        images += 1;
                        let what = format!(
                            "{operation:?} {nth} at keys: {at_keys}, log {of_logs}, state {of_states}"
                        );
                        goes_on(&crashed, acknowledged, &what);
                    }
                }
            });
            // What was to fail had not come when all was written.
            if place.count(operation) < nth {
                break;
            }
            failed += 1;
        }
    }
    assert!(failed > 100 && images > 1_000, "{failed} failures, {images} images");
}

/// None, all, each one, all but each one.
fn subsets(count: usize) -> Vec<Vec<usize>> {
    let mut sets = vec![Vec::new(), (0..count).collect::<Vec<_>>()];
    sets.extend((0..count).map(|one| vec![one]));
    sets.extend((0..count).map(|one| (0..count).filter(|other| *other != one).collect()));
    sets.sort();
    sets.dedup();
    sets
}

#[test]
fn a_state_that_cannot_be_replaced_ends_the_log_before_anything_is_acknowledged_under_it() {
    let host = Host::new();
    let log = host.create();
    append_at(&log, 5, Level::Synced);
    host.keys.fail(assize::wal::storage::Failing::nth(Operation::Rename, 1));
    let mut acknowledged = 5;
    while log.failure().is_none() {
        let head = append(&log, 1);
        if log.wait(head, Level::Synced).is_ok() {
            acknowledged = head.0;
        }
    }
    drop(log);
    assert_eq!((host.kept(), host.segments()), (1, 2));
    goes_on(&host, acknowledged, "after the failure");
    assert!(!matches!(EvolvingKey::load(host.store()), Err(StateError::Missing)));
}
