//! Logs without a key: what they show, and that none stands in for a keyed one.

use std::any::TypeId;

use assize::{
    audit::{self, AuditOptions, NotProven},
    wal::{
        Anchor, AnchorError, Completeness, CreateOptions, Fault, KeyMode, Level, Log, LogKey, LogOptions,
        NoKey, OpenError, OpenOptions, ReadError, ReadOptions, Tags, UnkeyedLog, storage::Memory,
    },
};
use sha2::{Digest as _, Sha256};

use crate::{
    Host, read, root,
    toy::{LOG_ID, START, Toy, ToyError, append, payload},
};

const UNKEYED: ReadOptions =
    ReadOptions { tail: assize::wal::Tail::Strict, log_id: None, anchor: None, tags: Tags::Unkeyed };

fn create(storage: &Memory) -> UnkeyedLog<Toy> {
    let options = LogOptions { segment_bytes: 700, ..LogOptions::default() };
    let create = CreateOptions { id: LOG_ID, key: NoKey, options };
    Log::create(Box::new(storage.clone()), create, Toy::new()).unwrap()
}

fn open<K: assize::wal::Keying>(storage: &Memory, key: K) -> Result<Log<Toy, K>, OpenError<ToyError>> {
    let options = LogOptions::default();
    let open = OpenOptions { key, options, log_id: None, anchor: None, at: START };
    Log::open(Box::new(storage.clone()), open, Toy::new()).map(|(log, _)| log)
}

fn write(log: &UnkeyedLog<Toy>, records: u64) {
    for _ in 0..records {
        let next = log.head().0 + 1;
        let time = assize::num::Timestamp(START.0 + next.cast_signed());
        let _ = log.append(1, time, time, |out| out.extend_from_slice(&payload(next))).unwrap();
    }
    log.wait(log.head(), Level::Synced).unwrap();
}

fn fault<T: std::fmt::Debug>(read: Result<T, ReadError>) -> Fault {
    match read {
        Err(ReadError::Evidence { fault, .. }) => fault,
        other => panic!("{other:?}"),
    }
}

fn opening_fault<K: assize::wal::Keying>(storage: &Memory, key: K) -> Fault {
    match open(storage, key).err() {
        Some(OpenError::Read(error)) => fault::<()>(Err(error)),
        other => panic!("{other:?}"),
    }
}

#[test]
fn it_is_written_read_and_opened_and_says_what_it_does_not_prove() {
    assert_ne!(TypeId::of::<Log<Toy>>(), TypeId::of::<UnkeyedLog<Toy>>());
    let storage = Memory::new();
    let log = create(&storage);
    write(&log, 40);
    let anchor = log.close().unwrap();
    let log = open(&storage, NoKey).unwrap();
    write(&log, 5);
    drop(log);
    let anchor = Anchor::decode_unkeyed(&anchor.encode()).unwrap();
    let options = ReadOptions { anchor: Some(anchor), ..UNKEYED };
    let report =
        audit::verify(&storage, &[], AuditOptions { read: options, ..AuditOptions::default() }).unwrap();
    assert_eq!((report.summary.key_mode, report.summary.records), (KeyMode::Unkeyed, 45));
    assert_eq!(report.summary.completeness, Completeness::Proven { through: anchor.sequence() });
    assert!(report.not_proven.contains(&NotProven::Unkeyed));
    assert!(!report.not_proven.contains(&NotProven::KeyHolder));
    // FORMAT 5.4: SHA-256 of the same bytes.
    let header = storage.bytes("00000001.seg").unwrap();
    let mut prefix = b"assize/header\0\0\0".to_vec();
    prefix.extend([1, 0, 3, 0, 0, 0, 0, 0]);
    prefix.extend(LOG_ID.0);
    prefix.extend([1, 0, 0, 0]);
    prefix.resize(64, 0);
    assert_eq!(header[216..248], *Sha256::digest([&prefix[..], &header[..216]].concat()));
    assert_eq!(anchor.encode()[88..], *Sha256::digest(&anchor.encode()[..88]));
}

#[test]
fn any_changed_byte_shows() {
    let storage = Memory::new();
    let log = create(&storage);
    write(&log, 30);
    log.close().unwrap();
    for name in storage.names() {
        let bytes = storage.bytes(&name).unwrap();
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 0x10;
            storage.replace(&name, &changed);
            assert!(read_unkeyed(&storage).is_err(), "{name}, byte {at}");
        }
        storage.replace(&name, &bytes);
    }
    assert!(read_unkeyed(&storage).is_ok());
}

fn read_unkeyed(storage: &Memory) -> Result<u64, ReadError> {
    assize::wal::Reader::open(storage, &[], UNKEYED)?.finish().map(|summary| summary.records)
}

#[test]
fn none_stands_in_for_a_keyed_one_nor_the_other_way_round() {
    let host = Host::new();
    let log = host.create();
    append(&log, 20);
    log.close().unwrap();
    let unkeyed = Memory::new();
    let log = create(&unkeyed);
    write(&log, 60);
    let weak = log.close().unwrap();

    // A downgrade: the host's own log, or a part of it, in another's place.
    assert_eq!(fault(read(&unkeyed, ReadOptions::default())), Fault::Unkeyed);
    assert_eq!(opening_fault(&unkeyed, LogKey::from(root())), Fault::Unkeyed);
    let state = Host { log: unkeyed.copy(), keys: host.keys.copy() };
    for number in host.kept() + 1..=state.segments() {
        state.log.take(&format!("{number:08}.seg"));
    }
    let error = state.open().err().unwrap();
    assert!(matches!(error, OpenError::Read(ReadError::Evidence { fault: Fault::Unkeyed, .. })), "{error:?}");
    let spliced = host.log.copy();
    spliced.replace("00000002.seg", &unkeyed.bytes("00000002.seg").unwrap());
    assert_eq!(fault(read(&spliced, ReadOptions::default())), Fault::Unkeyed);
    let root = root();
    assert_eq!(Anchor::decode(&weak.encode(), &[&root]).unwrap_err(), AnchorError::Unkeyed);
    assert_eq!(LogKey::from(root).read_anchor(&weak.encode()).unwrap_err(), AnchorError::Unkeyed);

    // And a keyed one read as one that proves less.
    let other = Fault::OtherKeyMode { seen: KeyMode::Evolving, wanted: KeyMode::Unkeyed };
    assert_eq!(fault(read_unkeyed(&host.log)), other);
    assert_eq!(opening_fault(&host.log, NoKey), other);
}
