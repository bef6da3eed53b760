//! What is no log, or not the one demanded: never valid, each for its own reason.

use std::fs;

use assize::{
    audit::{self, AuditError, AuditOptions, Problem},
    crypto::{KeyId, RootKey},
    id::LogId,
    wal::{
        Blame, Fault, ReadError, ReadOptions,
        storage::{Directory, Memory, Storage},
    },
};

use crate::{
    LOG,
    battery::{
        host::{LOG_ID, Making, key},
        log::{fault_of, replay, verify},
    },
};

const DEMANDED: ReadOptions = ReadOptions {
    log_id: Some(LOG_ID),
    tail: assize::wal::Tail::Strict,
    anchor: None,
    tags: assize::wal::Tags::Keyed,
};

/// Verification, replay and opening must all refuse; gives what verification says.
fn refused(storage: impl Storage + Clone + 'static, what: &str) -> AuditError {
    let error = verify(&storage, DEMANDED).expect_err(what);
    assert_eq!(replay(&storage, DEMANDED).expect_err(what), error, "{what}");
    assert!(Making::default().open(Box::new(storage), None).is_err(), "{what}");
    error
}

fn read_error(error: &AuditError) -> ReadError {
    match error.problem {
        Problem::Read(error) => error,
        ref other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_no_log_is_never_valid() {
    let empty = Memory::new();
    empty.establish().unwrap();
    let unfinished = Memory::new();
    unfinished.replace("00000001.seg.tmp", LOG.image.segment(1));
    let none = |what: &str, storage: Memory, expected: ReadError, blame: Blame| {
        let error = refused(storage, what);
        assert_eq!((read_error(&error), error.blame()), (expected, blame), "{what}");
        assert_eq!((error.place(), error.good.records), (None, 0), "{what}");
    };
    none("missing", Memory::new(), ReadError::Missing, Blame::Storage);
    none("empty", empty, ReadError::Empty, Blame::Evidence);
    none("only an unfinished segment", unfinished, ReadError::Empty, Blame::Evidence);
    for name in ["00000001.seg.bak", "notes.txt", "00000000.seg", "1.seg", "00000001.SEG"] {
        let error = refused(LOG.image.with_file(name, b"anything".to_vec()).memory(), name);
        let ReadError::Foreign { name: seen } = read_error(&error) else { panic!("{error}") };
        assert_eq!((seen.as_str(), error.blame()), (name, Blame::Evidence));
    }
    // What a crash leaves beside a log is no foreign file.
    let unfinished = LOG.image.with_file("00000099.seg.tmp", b"anything".to_vec());
    assert!(verify(&unfinished.memory(), DEMANDED).is_ok());
}

#[test]
fn no_file_of_a_log_can_be_empty_or_nothing_but_zeros() {
    for number in [1, 2, LOG.image.last()] {
        for bytes in [0, 1, 255, 256, 4096] {
            let memory = LOG.image.with(number, vec![0; bytes]).memory();
            let error = verify(&memory, DEMANDED).unwrap_err();
            assert_eq!(fault_of(&error, "zeros"), Fault::HeaderBroken);
            let place = error.place().unwrap();
            assert_eq!((place.segment, place.offset, error.blame()), (number, 0, Blame::Evidence));
        }
    }
}

#[test]
fn another_logs_directory_is_not_the_one_demanded() {
    let other = LogId(*b"another log's id");
    let storage = Memory::new();
    let host = Making { id: other, ..Making::default() }.create(&storage);
    let anchor = host.controller.close().unwrap();
    // It is a log, and not this one.
    assert!(verify(&storage, ReadOptions::default()).is_ok());
    let error = refused(storage.clone(), "another log");
    assert_eq!(fault_of(&error, "another log"), Fault::LogId { seen: other });
    assert_eq!(error.place().unwrap().segment, 1);
    // Nor is its anchor this one's.
    let read = ReadOptions { anchor: Some(anchor), ..ReadOptions::default() };
    let error = verify(&LOG.image.reading(), read).unwrap_err();
    assert_eq!(fault_of(&error, "anchor"), Fault::AnchorLog { seen: other });
    assert!(Making::default().open(Box::new(LOG.image.memory()), Some(anchor)).is_err());
}

#[test]
fn another_key_verifies_nothing() {
    let secret = b"thirty-two bytes, another secret";
    let read = |keys: &[&RootKey]| {
        let options = AuditOptions { read: DEMANDED, ..AuditOptions::default() };
        audit::verify(&LOG.image.reading(), keys, options)
    };
    let same_id = RootKey::new(key().id(), secret).unwrap();
    let error = read(&[&same_id]).unwrap_err();
    assert_eq!(fault_of(&error, "another secret"), Fault::HeaderTag);
    let other_id = RootKey::new(KeyId(8), secret).unwrap();
    for keys in [&[][..], &[&other_id]] {
        let error = read(keys).unwrap_err();
        assert_eq!(error.blame(), Blame::Caller);
        assert!(matches!(read_error(&error), ReadError::UnknownKey { id: KeyId(7), .. }));
    }
    assert!(read(&[&other_id, &key()]).is_ok());
}

#[test]
fn directories_are_read_as_memory_is() {
    let place = tempfile::tempdir().unwrap();
    let missing = Directory::new(place.path().join("missing"));
    assert_eq!(read_error(&verify(&missing, DEMANDED).unwrap_err()), ReadError::Missing);
    let there = Directory::new(place.path().join("there"));
    there.establish().unwrap();
    assert_eq!(read_error(&verify(&there, DEMANDED).unwrap_err()), ReadError::Empty);
    for (number, bytes) in LOG.image.segments() {
        fs::write(place.path().join("there").join(super::battery::image::name_of(number)), bytes).unwrap();
    }
    assert!(verify(&there, DEMANDED).is_ok());
    fs::write(place.path().join("there").join("notes.txt"), "").unwrap();
    assert!(matches!(read_error(&verify(&there, DEMANDED).unwrap_err()), ReadError::Foreign { .. }));
    // A file is no directory.
    let file = Directory::new(place.path().join("there").join("notes.txt"));
    assert!(matches!(read_error(&verify(&file, DEMANDED).unwrap_err()), ReadError::Storage(_)));
}
