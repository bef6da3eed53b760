//! Crashes and failures on the way: whatever is left opens, verifies, and can be gone on with.

use std::{
    io,
    sync::{Arc, Mutex},
};

use assize::{
    audit::ReplayReport,
    controller::{Call, Fault, NotRetained},
    wal::{
        Blame, Level, ReadOptions, RetainError,
        storage::{Crash, Failing, Memory, Operation, Unit},
    },
};

use crate::{
    MAKING,
    battery::{
        Drawn,
        acts::Days,
        host::{Host, LOG_ID},
        log::{replay, replay_once},
        watched::Watched,
    },
    ledger, long, open, retain, segments,
};

/// Images taken at each moment.
const IMAGES: u64 = 24;

/// What a log must have, whatever was lost: its balances, which a retention leaves as they are.
fn must_hold(memory: &Memory, synced: u64, what: &str) -> ReplayReport {
    let opened =
        MAKING.open(Box::new(memory.clone()), None).unwrap_or_else(|error| panic!("{what}: {error}"));
    let report = replay(memory, ReadOptions::default()).unwrap_or_else(|error| panic!("{what}: {error}"));
    assert!(report.summary.head.sequence().0 >= synced, "{what}");
    assert_eq!(ledger(&opened.controller), report.ledger, "{what}");
    report
}

#[test]
fn whatever_a_crash_leaves_of_a_deletion_opens_and_verifies() {
    let (storage, days) = long(LOG_ID, 7);
    let (now, synced) = (days.host.now, days.host.head());
    drop(days);
    let before = replay(&storage, ReadOptions::default()).unwrap();
    let crashes: Arc<Mutex<Vec<(Operation, Crash)>>> = Arc::default();
    let watch = {
        let crashes = Arc::clone(&crashes);
        Arc::new(move |memory: &Memory, operation| crashes.lock().unwrap().push((operation, memory.crash())))
    };
    let memory = storage.copy();
    let opened = MAKING.open(Box::new(Watched { memory: memory.clone(), watch }), None).unwrap();
    crashes.lock().unwrap().clear();
    let mut days = Days::begin_again(Host::new(opened.controller, now));
    let retained = retain(&mut days, segments(2));
    assert_eq!(retained.removed, 5);
    crashes.lock().unwrap().push((Operation::SyncDir, memory.crash()));
    drop(days);

    let (mut drawn, mut partly, mut looked) = (Drawn(7), 0, 0);
    let crashes = std::mem::take(&mut *crashes.lock().unwrap());
    let removals = crashes.iter().filter(|(operation, _)| *operation == Operation::Remove).count();
    assert_eq!(removals, 5);
    for (at, (operation, crash)) in crashes.iter().enumerate() {
        let pieces = crash.pieces(Unit::Sector);
        for number in 0..IMAGES {
            let is_kept = |drawn: &mut Drawn| match number {
                0 => false,
                1 => true,
                _ => drawn.below(2) == 0,
            };
            let kept: Vec<_> = pieces.iter().filter(|_| is_kept(&mut drawn)).collect();
            let image = crash.image(kept.iter().copied());
            let what = format!("before call {at}, {operation:?}, {} of {} kept", kept.len(), pieces.len());
            // Nothing is deleted before the record that lets it go is on disk.
            let names = image.names().len() as u32;
            let report = must_hold(&image, synced, &what);
            assert_eq!(report.accounts, before.accounts, "{what}");
            partly += u64::from((3..7).contains(&names));
            looked += 1;
            // The next retention deletes the rest.
            let controller = open(&image).controller;
            let call = Call::at(controller.stats().unwrap().log_time).level(Level::Queued);
            let again =
                controller.retain(segments(2), call).unwrap_or_else(|error| panic!("{what}: {error}"));
            assert_eq!(image.names().len(), 2, "{what}: {again:?}");
            drop(controller);
            image.cut_power();
            let _report = must_hold(&image, synced, &what);
        }
    }
    assert!(partly > 50, "{partly} of {looked} images have some of it deleted");
}

#[test]
fn a_deletion_that_fails_leaves_the_log_as_good_as_it_was() {
    let (storage, days) = long(LOG_ID, 6);
    let now = days.host.now;
    drop(days);
    let mut failures = 0;
    for operation in [Operation::List, Operation::Remove, Operation::SyncDir] {
        for nth in 1.. {
            let memory = storage.copy();
            let mut days = Days::begin_again(Host::new(open(&memory).controller, now));
            // The first listing is that of what there is to delete.
            memory.fail(Failing::nth(operation, nth).with(io::ErrorKind::PermissionDenied));
            let call = days.host.call();
            let error = match days.host.controller.retain(segments(2), call) {
                Ok(retained) => {
                    assert_eq!(retained.removed, 4);
                    break;
                }
                Err(error) => error,
            };
            failures += 1;
            let NotRetained::Log(RetainError::Remove { removed, error: cause }) = error else {
                panic!("{operation:?} {nth}: {error}")
            };
            assert_eq!((cause.operation, cause.cause), (operation, io_cause()));
            let expected = match operation {
                // One that cannot be deleted holds up no other.
                Operation::Remove => 3,
                Operation::SyncDir => 4,
                _ => 0,
            };
            assert_eq!(removed, expected);
            assert_eq!(
                error.to_string(),
                format!("the retention is recorded, {removed} segments are deleted, and others are left")
            );
            // Nothing is poisoned, and what was left is deleted the next time.
            assert_eq!(days.host.controller.failure(), None);
            let call = days.host.call();
            days.host.controller.halt(assize::record::Halt::None, call).unwrap();
            let retained = retain(&mut days, segments(2));
            assert_eq!((retained.sequence, retained.removed), (None, 4 - removed));
            assert!(replay_once(&memory, ReadOptions::default()).is_ok());
        }
    }
    assert!(failures >= 6, "{failures} failures");
}

fn io_cause() -> assize::wal::storage::Cause {
    assize::wal::storage::Cause::Io(io::ErrorKind::PermissionDenied)
}

#[test]
fn a_record_that_is_not_on_disk_deletes_nothing() {
    let (storage, days) = long(LOG_ID, 5);
    let now = days.host.now;
    drop(days);
    for operation in [Operation::Write, Operation::Sync] {
        let memory = storage.copy();
        let mut days = Days::begin_again(Host::new(open(&memory).controller, now));
        let head = days.host.head();
        memory.fail(Failing::nth(operation, 1));
        let call = days.host.call();
        let error = days.host.controller.retain(segments(1), call).unwrap_err();
        let sequence = assize::id::Sequence(head + 1);
        assert_eq!(error, NotRetained::Faulted(Fault::Unknown { sequence }), "{operation:?}");
        assert_eq!(memory.names().len(), 5, "{operation:?}: nothing is deleted");
        let call = days.host.call();
        let error = days.host.controller.retain(segments(1), call).unwrap_err();
        assert_eq!(error, NotRetained::Faulted(Fault::Poisoned));
        drop(days);
        memory.cut_power();
        let _report = must_hold(&memory, head, "after the failure");
    }
    // A header that cannot be read: what is to stay cannot be told.
    let memory = storage.copy();
    let mut days = Days::begin_again(Host::new(open(&memory).controller, now));
    let head = days.host.head();
    let mut bytes = memory.bytes("00000003.seg").unwrap();
    bytes[41] ^= 1;
    memory.replace("00000003.seg", &bytes);
    let call = days.host.call();
    let error = days.host.controller.retain(segments(3), call).unwrap_err();
    assert!(matches!(error, NotRetained::Log(RetainError::Read(_))), "{error}");
    let NotRetained::Log(error) = error else { return };
    assert_eq!(error.blame(), Blame::Evidence);
    assert_eq!((memory.names().len(), days.host.head()), (5, head));
}
