//! A log under an evolving key as the second implementation writes it.

use std::{fs, path::Path};

use assize::{
    audit::{self, AuditOptions, NotProven},
    controller::{Controller, OpenOptions},
    crypto::{KeyId, RootKey},
    id::LogId,
    num::Timestamp,
    wal::{
        Anchor, Completeness, CreateOptions, EvolvingKey, KeyMode, Level, Log, LogOptions, ReadOptions, Tags,
        storage::{Memory, StateFile},
    },
};
use serde_json::Value;

use crate::toy::{Toy, append_at};

const HERE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/versions/v1");

fn bytes(hex: &Value) -> Vec<u8> {
    let digits: Vec<_> =
        hex.as_str().unwrap().chars().map(|digit| digit.to_digit(16).unwrap() as u8).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

fn log(name: &str, segments: u32) -> Memory {
    let log = Memory::new();
    for number in 1..=segments {
        let file = format!("{number:08}.seg");
        log.replace(&file, &fs::read(Path::new(HERE).join(name).join(&file)).unwrap());
    }
    log
}

fn root() -> RootKey {
    RootKey::new(KeyId(7), &(64..112).collect::<Vec<u8>>()).unwrap()
}

#[test]
fn both_implementations_derive_the_same_keys() {
    let stated: Value =
        serde_json::from_slice(&fs::read(Path::new(HERE).join("vectors.json")).unwrap()).unwrap();
    let stated_here = &stated["evolving"];
    let (log, root) = (log("evolving", 2), root());
    let anchor = Anchor::decode(&bytes(&stated_here["anchor"]), &[&root]).unwrap();
    let read = ReadOptions { anchor: Some(anchor), ..ReadOptions::default() };
    let options = AuditOptions { read, ..AuditOptions::default() };
    let report = audit::replay(&log, &[&root], options).unwrap();
    assert_eq!(report.summary.key_mode, KeyMode::Evolving);
    assert_eq!(report.summary.completeness, Completeness::Proven { through: anchor.sequence() });
    assert_eq!(report.summary.head.tag().0.to_vec(), bytes(&stated_here["head"]["tag"]));

    // The states are those of its segments, and the last two open it.
    let states = stated_here["states"].as_array().unwrap();
    assert_eq!(states.len(), 2);
    for state in states {
        let keys = Memory::new();
        keys.replace("state", &bytes(state));
        let store = || Box::new(StateFile::within(Box::new(keys.clone()), "state"));
        let key = EvolvingKey::load(store()).unwrap();
        let log = log.copy();
        let opened = Controller::open(Box::new(log.clone()), OpenOptions::new(key, Timestamp(0))).unwrap();
        assert_eq!(opened.recovery.head.0, 60);
        assert_eq!(keys.bytes("state").unwrap(), bytes(&states[1]), "stepped forward");
        let _closed = opened.controller.close().unwrap();
        assert!(audit::replay(&log, &[&root], AuditOptions::default()).unwrap().summary.sealed);
    }
    // The state of the first segment is the one that this implementation begins with.
    let keys = Memory::new();
    keys.replace("other", b"");
    let store = Box::new(StateFile::within(Box::new(keys.clone()), "state"));
    drop(EvolvingKey::begin(root, anchor.log_id(), store).unwrap());
    assert_eq!(keys.bytes("state").unwrap(), bytes(&states[0]));
}

#[test]
fn a_log_whose_key_changes_is_read_alike() {
    let log = log("keys", 4);
    let (root, other) = (root(), RootKey::new(KeyId(9), &(0..32).collect::<Vec<u8>>()).unwrap());
    let report = audit::replay(&log, &[&other, &root], AuditOptions::default()).unwrap();
    assert_eq!((report.summary.segments, report.summary.head.key_id()), (4, KeyId(9)));
    // Evolving, evolving under the other key, static, evolving: only the last one needs no root to go on.
    let keys = Memory::new();
    let store = || Box::new(StateFile::within(Box::new(keys.clone()), "state"));
    keys.replace("other", b"");
    let create = CreateOptions {
        id: report.summary.log_id,
        key: begun(report.summary.log_id, store()).into(),
        options: small(),
    };
    let made = Log::create(Box::new(Memory::new()), create, Toy::new()).unwrap();
    while made.stats().segment < 4 {
        append_at(&made, 1, Level::Synced);
    }
    drop(made);
    let options = OpenOptions::new(EvolvingKey::load(store()).unwrap(), Timestamp(0));
    let opened = Controller::open(Box::new(log.clone()), options).unwrap();
    let _closed = opened.controller.close().unwrap();
    assert!(audit::verify(&log, &[&other, &root], AuditOptions::default()).unwrap().summary.sealed);
}

/// Segments of one record each.
fn small() -> LogOptions {
    LogOptions { segment_bytes: 1, ..LogOptions::default() }
}

fn begun(id: LogId, store: Box<StateFile>) -> EvolvingKey {
    let root = RootKey::new(KeyId(9), &(0..32).collect::<Vec<u8>>()).unwrap();
    EvolvingKey::begin(root, id, store).unwrap()
}

#[test]
fn a_log_without_a_key_is_read_alike() {
    let log = log("unkeyed", 2);
    let read = ReadOptions { tags: Tags::Unkeyed, ..ReadOptions::default() };
    let report = audit::replay(&log, &[], AuditOptions { read, ..AuditOptions::default() }).unwrap();
    assert_eq!((report.summary.key_mode, report.summary.records), (KeyMode::Unkeyed, 60));
    assert!(report.not_proven.contains(&NotProven::Unkeyed));
}
