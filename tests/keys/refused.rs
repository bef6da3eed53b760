//! States, keys and logs that do not belong together, by name.

use assize::{
    id::LogId,
    wal::{
        Blame, CreateError, CreateOptions, EvolvingKey, Fault, KeyMode, Level, Log, LogOptions, OpenError,
        ReadError, StateError, storage::Memory,
    },
};

use crate::{
    Host, STATE, root,
    toy::{LOG_ID, Toy, append_at},
};

/// A closed log of some segments.
fn written() -> Host {
    let host = Host::new();
    let log = host.create();
    append_at(&log, 50, Level::Synced);
    log.close().unwrap();
    host
}

#[test]
fn every_changed_byte_of_a_state_is_refused_by_name() {
    let host = written();
    let state = host.keys.bytes(STATE).unwrap();
    let error = |bytes: &[u8]| {
        host.keys.replace(STATE, bytes);
        EvolvingKey::load(host.store()).err()
    };
    for at in 0..state.len() {
        let mut changed = state.clone();
        changed[at] ^= 1;
        let seen = error(&changed).expect("changed");
        let named = match at {
            0..8 => matches!(seen, StateError::NotAState),
            8..11 => matches!(seen, StateError::Version { .. }),
            11 | 36..40 => matches!(seen, StateError::Malformed(_)),
            _ => matches!(seen, StateError::Torn),
        };
        assert!(named, "byte {at}: {seen:?}");
        assert_eq!(seen.blame(), Blame::Caller);
    }
    for bytes in 0..state.len() {
        let mut torn = state[..bytes].to_vec();
        assert!(error(&torn).is_some(), "{bytes} bytes");
        torn.resize(state.len(), 0);
        assert!(matches!(
            error(&torn),
            Some(
                StateError::Torn
                    | StateError::NotAState
                    | StateError::Version { .. }
                    | StateError::Malformed(_)
            )
        ));
    }
    assert!(matches!(error(&[&state[..], &[0]].concat()), Some(StateError::Malformed(_))));
    assert!(matches!(error(&vec![0; 5000]), Some(StateError::Storage(_))));
    host.keys.take(STATE);
    assert_eq!(EvolvingKey::load(host.store()).err(), Some(StateError::Missing));
}

#[test]
fn a_log_is_opened_with_the_state_of_its_last_segment_or_the_one_before() {
    let host = Host::new();
    let log = host.create();
    let mut states = vec![host.keys.bytes(STATE).unwrap()];
    while states.len() < 6 {
        append_at(&log, 1, Level::Synced);
        let state = host.keys.bytes(STATE).unwrap();
        if Some(&state) != states.last() {
            states.push(state);
        }
    }
    log.close().unwrap();
    let last = host.segments();
    assert_eq!(last, 6);
    for (segment, state) in (1..).zip(&states) {
        let host = host.copy();
        host.keys.replace(STATE, state);
        let opened = host.open();
        if segment + 1 >= last {
            let (log, _) = opened.unwrap();
            assert_eq!(host.kept(), last, "it steps forward");
            append_at(&log, 20, Level::Synced);
            log.close().unwrap();
            assert!(host.read().is_ok());
        } else {
            let behind = StateError::Behind { segment, last };
            assert!(matches!(&opened, Err(OpenError::KeyState(error)) if *error == behind), "{segment}");
            assert_eq!(host.keys.bytes(STATE).as_ref(), Some(state), "nothing is changed");
        }
    }
    // The state says that there were more segments.
    host.log.take("00000006.seg");
    let missing = host.open().err().unwrap();
    assert!(
        matches!(missing, OpenError::Read(ReadError::Evidence { place, fault: Fault::SegmentMissing })
            if place.segment == 6),
        "{missing:?}"
    );
    assert_eq!(missing.blame(), Blame::Evidence);
}

#[test]
fn a_segment_that_the_stolen_key_did_not_make_is_not_stepped_to() {
    // The last segment does not hold under the next key: the state stays.
    let host = Host::new();
    let log = host.create();
    append_at(&log, 5, Level::Synced);
    let state = host.keys.bytes(STATE).unwrap();
    while host.kept() == 1 {
        append_at(&log, 1, Level::Synced);
    }
    drop(log);
    host.keys.replace(STATE, &state);
    let mut segment = host.log.bytes("00000002.seg").unwrap();
    segment[220] ^= 1;
    let checksum = crc32c::crc32c_append(crc32c::crc32c(&segment[16..36]), &segment[..248]);
    segment[248..252].copy_from_slice(&checksum.to_le_bytes());
    host.log.replace("00000002.seg", &segment);
    let error = host.open().err().unwrap();
    assert!(
        matches!(error, OpenError::Read(ReadError::Evidence { fault: Fault::HeaderTag, .. })),
        "{error:?}"
    );
    assert_eq!(host.keys.bytes(STATE).unwrap(), state);
}

#[test]
fn modes_are_not_mixed() {
    let host = written();
    let error = host.open_with(root()).err().unwrap();
    let (seen, wanted) = (KeyMode::Evolving, KeyMode::Static);
    assert!(
        matches!(error, OpenError::Read(ReadError::Evidence { fault, .. })
            if fault == Fault::OtherKeyMode { seen, wanted }),
        "{error:?}"
    );
    // A log in place of the host's own, under the same root and id, static.
    let log = Memory::new();
    let options = LogOptions { segment_bytes: 700, ..LogOptions::default() };
    let create = CreateOptions { id: LOG_ID, key: root().into(), options };
    let other = Log::create(Box::new(log.clone()), create, Toy::new()).unwrap();
    append_at(&other, 50, Level::Synced);
    other.close().unwrap();
    assert!(log.names().len() as u32 >= host.kept());
    let mixed = Host { log, keys: host.keys.copy() };
    let state = mixed.kept();
    while mixed.segments() > state {
        mixed.log.take(&format!("{:08}.seg", mixed.segments()));
    }
    let error = mixed.open().err().unwrap();
    assert!(
        matches!(error, OpenError::Read(ReadError::Evidence { fault, .. })
            if fault == Fault::OtherKeyMode { seen: wanted, wanted: seen }),
        "{error:?}"
    );
    // Nor within one log: a reader holds every segment to the mode of the first.
    let spliced = host.copy();
    spliced.log.replace("00000002.seg", &mixed.log.bytes("00000002.seg").unwrap());
    let error = spliced.read().unwrap_err();
    assert!(
        matches!(error, ReadError::Evidence { place, fault: Fault::OtherKeyMode { .. } } if place.segment == 2),
        "{error:?}"
    );
}

#[test]
fn a_state_is_of_one_log_and_creates_one_once() {
    let host = Host::new();
    let create = |key: EvolvingKey, id: LogId, log: &Memory| {
        let options =
            CreateOptions { id, key: assize::wal::LogKey::from(key), options: LogOptions::default() };
        Log::create(Box::new(log.clone()), options, Toy::new()).map(drop)
    };
    // A creation that ended after the state was kept begins again.
    drop(host.begin().unwrap());
    drop(host.begin().unwrap());
    let other = LogId([9; 16]);
    let exists = StateError::Exists { log_id: LOG_ID, segment: 1 };
    assert_eq!(EvolvingKey::begin(root(), other, host.store()).err(), Some(exists));
    let error = create(host.begin().unwrap(), other, &host.log).unwrap_err();
    assert_eq!(error, CreateError::KeyState(StateError::Log { seen: LOG_ID }));
    assert_eq!(error.blame(), Blame::Caller);
    assert!(host.log.names().is_empty());
    create(host.begin().unwrap(), LOG_ID, &host.log).unwrap();

    let (log, _) = host.open().unwrap();
    append_at(&log, 40, Level::Synced);
    drop(log);
    let segment = host.kept();
    assert!(segment > 1);
    assert_eq!(host.begin().err(), Some(StateError::Exists { log_id: LOG_ID, segment }));
    let used = EvolvingKey::load(host.store()).unwrap();
    let error = create(used, LOG_ID, &Memory::new()).unwrap_err();
    assert_eq!(error, CreateError::KeyState(StateError::Used { segment }));

    // Of another log that is under the same root.
    let elsewhere = Host { log: host.log.clone(), keys: Memory::new() };
    elsewhere.keys.replace("other", b"");
    drop(EvolvingKey::begin(root(), other, elsewhere.store()).unwrap());
    let error = elsewhere.open().err().unwrap();
    assert!(matches!(error, OpenError::KeyState(StateError::Behind { .. })), "{error:?}");
}

#[test]
fn a_key_that_was_loaded_before_another_writer_went_on_is_looked_up_again() {
    let host = Host::new();
    let log = host.create();
    let early = EvolvingKey::load(host.store()).unwrap();
    append_at(&log, 50, Level::Synced);
    log.close().unwrap();
    assert!(early.segment() + 1 < host.segments());
    let (log, _) = host.open_with(early).unwrap();
    append_at(&log, 20, Level::Synced);
    log.close().unwrap();
    assert!(host.read().is_ok());
}

#[cfg(unix)]
#[test]
fn a_state_file_is_its_owners_alone() {
    use assize::wal::storage::{KeyStore as _, StateFile};
    use std::{fs, os::unix::fs::PermissionsExt as _};
    let holder = tempfile::tempdir().unwrap();
    let path = holder.path().join("log.state");
    let store = || Box::new(StateFile::new(&path));
    drop(EvolvingKey::begin(root(), LOG_ID, store()).unwrap());
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::read(&path).unwrap().len(), 104);
    assert_eq!(EvolvingKey::load(store()).unwrap().segment(), 1);
    // What a crash left is overwritten and gone.
    let left = holder.path().join("log.state.tmp");
    fs::write(&left, b"left").unwrap();
    fs::set_permissions(&left, fs::Permissions::from_mode(0o600)).unwrap();
    store().replace(b"next").unwrap();
    assert!(!left.exists());
    assert_eq!(**store().load().unwrap().unwrap(), *b"next");
    for mode in [0o640, 0o604] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        assert!(matches!(EvolvingKey::load(store()), Err(StateError::Storage(_))), "{mode:o}");
    }
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    let link = holder.path().join("link");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    assert!(matches!(EvolvingKey::load(Box::new(StateFile::new(&link))), Err(StateError::Storage(_))));
}
