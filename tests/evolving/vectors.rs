//! A log under an evolving key as the second implementation writes it.

use std::{fs, path::Path};

use assize::{
    audit::{self, AuditOptions},
    controller::{Controller, OpenOptions},
    crypto::{KeyId, RootKey},
    num::Timestamp,
    wal::{
        Anchor, Completeness, EvolvingKey, KeyMode, ReadOptions,
        storage::{Memory, StateFile},
    },
};
use serde_json::Value;

const HERE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/independent/vectors");

fn bytes(hex: &Value) -> Vec<u8> {
    let digits: Vec<_> =
        hex.as_str().unwrap().chars().map(|digit| digit.to_digit(16).unwrap() as u8).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

fn log() -> Memory {
    let log = Memory::new();
    for number in 1..=2 {
        let name = format!("{number:08}.seg");
        log.replace(&name, &fs::read(Path::new(HERE).join("evolving").join(&name)).unwrap());
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
    let (log, root) = (log(), root());
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
