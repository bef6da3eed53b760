//! A log that goes on under another key.

use assize::{
    crypto::{KeyId, RootKey},
    wal::{
        Blame, ChangeKeyError, EvolvingKey, Fault, FrameView, KEY_CHANGE, KeyMode, Level, Log, LogKey,
        OpenError, ReadError, ReadOptions, Reader, StateError, Summary,
        storage::{KeyStore as _, Memory, StateFile},
    },
};

use crate::{
    Host, STATE, crash, root,
    toy::{LOG_ID, Toy, append_at},
};

pub(crate) fn other_root() -> RootKey {
    RootKey::new(KeyId(8), &[0x33; 40]).unwrap()
}

/// Another place for the state of another key.
pub(crate) fn other_store(host: &Host) -> Box<StateFile> {
    Box::new(StateFile::within(Box::new(host.keys.clone()), "next"))
}

pub(crate) fn other_key(host: &Host) -> EvolvingKey {
    match EvolvingKey::load(other_store(host)) {
        Err(StateError::Missing) => EvolvingKey::begin(other_root(), LOG_ID, other_store(host)).unwrap(),
        key => key.unwrap(),
    }
}

/// A change of key: the segment, what it says, and whether the segment's seal follows at once.
type Change = (u32, Vec<u8>, bool);

/// Reads under both roots, and gives the changes of key too.
fn read_both(log: &Memory) -> Result<(Summary, Vec<Change>), ReadError> {
    let (first, second) = (root(), other_root());
    let keys = [&first, &second];
    let mut reader = Reader::open(log, &keys, ReadOptions::default())?;
    let mut changes: Vec<Change> = Vec::new();
    let mut changed = false;
    while let Some(FrameView { segment, kind, payload, .. }) = reader.next_frame()? {
        if changed {
            changes.last_mut().unwrap().2 = kind == 65;
        }
        changed = kind == KEY_CHANGE;
        if changed {
            changes.push((segment, payload.to_vec(), false));
        }
    }
    Ok((reader.finish()?, changes))
}

fn append_under(log: &Log<Toy>, key: impl Into<LogKey>) {
    log.change_key(key).unwrap();
    append_at(log, 12, Level::Synced);
}

#[test]
fn the_old_key_names_the_new_one_and_readers_need_both() {
    let host = Host::new();
    let log = host.create();
    append_at(&log, 12, Level::Synced);
    let seam = log.stats().segment;
    append_under(&log, other_root());
    // Back to an evolving key, of a third root's id.
    let id = other_root().id();
    assert_eq!(log.change_key(other_root()), Err(ChangeKeyError::Same { id }));
    log.close().unwrap();

    let (summary, changes) = read_both(&host.log).unwrap();
    assert_eq!(changes, [(seam, vec![8, 0, 0, 0, 1], true)]);
    assert_eq!((summary.records, summary.key_mode, summary.head.key_id()), (24, KeyMode::Static, id));
    assert_eq!(host.store().load().unwrap(), None, "the old state is forgotten");
    // One key is not enough, and that is told from tampering.
    let error = host.read().unwrap_err();
    assert!(
        matches!(error, ReadError::UnknownKey { place, id: KeyId(8) } if place.segment == seam + 1),
        "{error:?}"
    );
    let (_, _) = host.open_with(other_root()).unwrap();
    let error = host.open_with(root()).err().unwrap();
    assert!(matches!(error, OpenError::Read(ReadError::UnknownKey { id: KeyId(8), .. })), "{error:?}");
    assert_eq!(error.blame(), Blame::Caller);
}

#[test]
fn modes_change_with_keys() {
    // Evolving to evolving, and to static before.
    let host = Host::new();
    let log = host.create();
    append_at(&log, 30, Level::Synced);
    append_under(&log, other_key(&host));
    assert_eq!(EvolvingKey::load(other_store(&host)).unwrap().segment(), log.stats().segment);
    assert_eq!(host.store().load().unwrap(), None);
    append_at(&log, 30, Level::Synced);
    log.close().unwrap();
    let (summary, changes) = read_both(&host.log).unwrap();
    assert_eq!((summary.records, summary.key_mode), (72, KeyMode::Evolving));
    assert_eq!(changes.len(), 1);
    assert_eq!((&changes[0].1[..], changes[0].2), (&[8, 0, 0, 0, 2][..], true));
    // It is opened with the new state alone, and goes on.
    let (log, _) = host.open_with(EvolvingKey::load(other_store(&host)).unwrap()).unwrap();
    append_at(&log, 20, Level::Synced);
    append_under(&log, root());
    log.close().unwrap();
    let (summary, changes) = read_both(&host.log).unwrap();
    assert_eq!((summary.records, summary.key_mode, changes.len()), (104, KeyMode::Static, 2));
}

#[test]
fn a_log_that_was_closed_has_one_more_segment_under_the_old_key() {
    let host = Host::new();
    let log = host.create();
    append_at(&log, 3, Level::Synced);
    log.close().unwrap();
    let (log, recovery) = host.open().unwrap();
    assert!(recovery.sealed && recovery.segment == 1);
    append_under(&log, other_root());
    log.close().unwrap();
    let (summary, changes) = read_both(&host.log).unwrap();
    assert_eq!((summary.records, changes), (15, vec![(2, vec![8, 0, 0, 0, 1], true)]));
}

#[test]
fn a_state_that_does_not_fit_is_refused_and_nothing_changes() {
    let host = Host::new();
    let log = host.create();
    append_at(&log, 3, Level::Synced);
    let elsewhere = Memory::new();
    elsewhere.replace("other", b"");
    let store = || Box::new(StateFile::within(Box::new(elsewhere.clone()), STATE));
    let id = assize::id::LogId([9; 16]);
    let error = log.change_key(EvolvingKey::begin(other_root(), id, store()).unwrap()).unwrap_err();
    assert_eq!(error, ChangeKeyError::KeyState(StateError::Log { seen: id }));
    // Of a later segment.
    let ahead = Host::new();
    drop(EvolvingKey::begin(other_root(), LOG_ID, ahead.store()).unwrap());
    let options = assize::wal::LogOptions { segment_bytes: 1, ..assize::wal::LogOptions::default() };
    let key = EvolvingKey::load(ahead.store()).unwrap().into();
    let create = assize::wal::CreateOptions { id: LOG_ID, key, options };
    let far = Log::create(Box::new(ahead.log.clone()), create, Toy::new()).unwrap();
    append_at(&far, 40, Level::Synced);
    let segment = ahead.kept();
    let error = log.change_key(EvolvingKey::load(ahead.store()).unwrap()).unwrap_err();
    assert!(segment > 2);
    assert_eq!(error, ChangeKeyError::KeyState(StateError::Ahead { segment, last: 1 }));
    assert_eq!(error.blame(), Blame::Caller);
    append_at(&log, 30, Level::Synced);
    log.close().unwrap();
    assert_eq!(host.read().unwrap().records, 33);
}

/// A log under one static key, and one that goes on under another, whose segments someone without the first key splices.
#[test]
fn a_key_that_was_not_named_is_refused_although_it_was_given() {
    let make = |key: RootKey, records: u64, change: bool| {
        let host = Host::new();
        let options = assize::wal::LogOptions { segment_bytes: 700, ..assize::wal::LogOptions::default() };
        let create = assize::wal::CreateOptions { id: LOG_ID, key: key.into(), options };
        let log = Log::create(Box::new(host.log.clone()), create, Toy::new()).unwrap();
        append_at(&log, records, Level::Synced);
        if change {
            append_under(&log, other_root());
        }
        log.close().unwrap();
        host.log
    };
    let (old, new) = (make(root(), 40, false), make(other_root(), 40, false));
    let spliced = old.copy();
    spliced.replace("00000003.seg", &new.bytes("00000003.seg").unwrap());
    let error = read_both(&spliced).unwrap_err();
    let fault = Fault::KeyNotNamed { seen: KeyId(8) };
    assert!(
        matches!(error, ReadError::Evidence { place, fault: seen } if seen == fault && place.segment == 3),
        "{error:?}"
    );
    // The new segment of a log whose key did change does not follow one that names nothing.
    let changed = make(root(), 5, true);
    let (_, changes) = read_both(&changed).unwrap();
    let after = format!("{:08}.seg", changes[0].0 + 1);
    let spliced = old.copy();
    spliced.replace(&after, &changed.bytes(&after).unwrap());
    assert!(matches!(read_both(&spliced), Err(ReadError::Evidence { fault: seen, .. }) if seen == fault));
}

#[test]
fn whatever_a_power_cut_leaves_of_a_change_opens_under_one_of_both_keys() {
    let mut under = [0_u32; 2];
    crash::every(
        &|log, host, counted| {
            // In the crash's own storage, so that its calls are counted too.
            let store = || Box::new(StateFile::within(counted.clone(), "next"));
            let key = EvolvingKey::begin(other_root(), LOG_ID, store());
            let _host = host;
            key.ok().is_some_and(|key| log.change_key(key).is_ok())
        },
        &mut |host, acknowledged, what| {
            let next = EvolvingKey::load(other_store(host));
            let opened = match next {
                Ok(key) => host.open_with(key),
                Err(_) => host.open(),
            };
            let (log, changed) = match opened {
                Ok((log, _)) => (log, host.log_is_under(8)),
                Err(error) => {
                    // Its last segment is under the old key still.
                    let unknown =
                        matches!(error, OpenError::Read(ReadError::UnknownKey { id: KeyId(7), .. }));
                    let early = matches!(
                        error,
                        OpenError::KeyState(_)
                            | OpenError::Read(ReadError::Evidence { fault: Fault::SegmentMissing, .. })
                    );
                    assert!(unknown || early, "{what}: {error:?}");
                    (host.open().unwrap_or_else(|error| panic!("{what}: {error:?}")).0, false)
                }
            };
            under[usize::from(changed)] += 1;
            assert!(log.head().0 >= acknowledged, "{what}");
            if !changed {
                log.change_key(other_key(host)).unwrap_or_else(|error| panic!("{what}: {error:?}"));
            }
            append_at(&log, 10, Level::Synced);
            log.close().unwrap();
            let (_, changes) = read_both(&host.log).unwrap_or_else(|error| panic!("{what}: {error:?}"));
            assert!(!changes.is_empty(), "{what}");
        },
    );
    assert!(under[0] > 20 && under[1] > 20, "{under:?}");
}
