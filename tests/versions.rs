//! What every version of the format has written, this version reads, replays and goes on with.
//!
//! The logs are fixed files: `tests/versions/MANIFEST` lists them with their digests, and its lines are only ever added.
#![cfg(all(feature = "wal", feature = "serde"))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    reason = "a test that fails by panicking fails"
)]

mod battery;
#[path = "golden/files.rs"]
#[allow(dead_code, reason = "other tests use the rest of it")]
mod files;
#[path = "versions/write.rs"]
mod write;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use assize::{
    audit::{self, AuditOptions, NotProven, ReplayReport, Threads},
    controller::{Call, Controller, OpenError, OpenOptions},
    crypto::{Digest, KeyId, RootKey},
    record::Halt,
    wal::{
        Anchor, Completeness, EvolvingKey, Fault, LogKey, ReadError, ReadOptions, Tags, Tail,
        storage::{Memory, StateFile},
    },
};
use files::{array, bytes, document, list, text, v1};
use serde_json::Value;

const VERSIONS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/versions");

#[test]
fn the_manifest_and_the_files_are_the_same() {
    let listed = manifest();
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(VERSIONS).unwrap().map(|entry| entry.unwrap()) {
        if entry.file_type().unwrap().is_dir() {
            walk(&entry.path(), &mut found);
        }
    }
    assert!(listed.len() > 30, "{}", listed.len());
    assert_eq!(found, listed, "a file was altered, removed, or added without its line");
}

fn manifest() -> BTreeMap<PathBuf, String> {
    let text = fs::read_to_string(Path::new(VERSIONS).join("MANIFEST")).unwrap();
    let mut listed = BTreeMap::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (digest, path) = line.split_once("  ").unwrap();
        assert_eq!(listed.insert(path.into(), digest.to_owned()), None, "{path} is listed twice");
    }
    listed
}

fn walk(dir: &Path, found: &mut BTreeMap<PathBuf, String>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(&path, found);
        } else {
            let digest = Digest::of_file(&fs::read(&path).unwrap()).to_string();
            found.insert(path.strip_prefix(VERSIONS).unwrap().to_owned(), digest);
        }
    }
}

/// A log as it lies there, and what is stated of it.
struct Fixed {
    name: String,
    log: Memory,
    stated: Value,
    roots: Vec<RootKey>,
}

impl Fixed {
    fn all() -> Vec<Self> {
        let entries = fs::read_dir(v1()).unwrap().map(|entry| entry.unwrap());
        let dirs = entries.filter(|entry| entry.file_type().unwrap().is_dir());
        let logs: Vec<_> = dirs.map(|dir| Self::named(&dir.file_name().into_string().unwrap())).collect();
        // With an evolving key, without one, with a change of key, pruned, torn, and of either writer.
        let count = |field: &str, value: Value| logs.iter().filter(|log| log.stated[field] == value).count();
        assert!(count("key_mode", "evolving".into()) >= 2 && count("key_mode", "unkeyed".into()) >= 1);
        assert!(
            count("torn_bytes", 0.into()) < logs.len() && count("pruned_through", Value::Null) < logs.len()
        );
        let ours = count("written_by", "this implementation".into());
        assert!(ours >= 3 && ours < logs.len());
        logs
    }

    fn named(name: &str) -> Self {
        let log = Memory::new();
        for entry in fs::read_dir(v1().join(name)).unwrap().map(|entry| entry.unwrap()) {
            log.replace(entry.file_name().to_str().unwrap(), &fs::read(entry.path()).unwrap());
        }
        let stated = document(&format!("{name}.json"));
        let roots = stated["roots"].as_array().unwrap().iter().map(root).collect();
        Self { name: name.to_owned(), log, stated, roots }
    }

    fn keys(&self) -> Vec<&RootKey> {
        self.roots.iter().collect()
    }

    fn is_unkeyed(&self) -> bool {
        self.stated["key_mode"] == "unkeyed"
    }

    fn anchor(&self) -> Anchor {
        let bytes = bytes(&self.stated["anchor"]);
        if self.is_unkeyed() {
            return Anchor::decode_unkeyed(&bytes).unwrap();
        }
        Anchor::decode(&bytes, &self.keys()).unwrap()
    }

    /// How it is read: held to its anchor, and under the keys that it has.
    fn read(&self) -> ReadOptions {
        let tail = if self.stated["torn_bytes"] == 0 { Tail::Strict } else { Tail::Live };
        let tags = if self.is_unkeyed() { Tags::Unkeyed } else { Tags::Keyed };
        ReadOptions { tail, tags, anchor: Some(self.anchor()), ..ReadOptions::default() }
    }

    fn replay(&self, threads: usize) -> ReplayReport {
        let threads = Threads(threads.try_into().unwrap());
        let options = AuditOptions { read: self.read(), threads, ..AuditOptions::default() };
        audit::replay(&self.log, &self.keys(), options).unwrap()
    }

    /// The key under which its last segment goes on, and where the state of an evolving one is.
    fn writes_under(&self, state: &Memory) -> LogKey {
        if self.stated["key_mode"] == "evolving" {
            state.replace("state", &bytes(&self.stated["state"]));
            let store = StateFile::within(Box::new(state.clone()), "state");
            return EvolvingKey::load(Box::new(store)).unwrap().into();
        }
        let roots = list(&self.stated["roots"]).iter();
        let mut of = roots.filter(|root| root["id"] == self.stated["writes_under"]);
        root(of.next().unwrap()).into()
    }
}

fn root(stated: &Value) -> RootKey {
    let id = stated["id"].as_u64().unwrap().try_into().unwrap();
    RootKey::new(KeyId(id), &bytes(&stated["secret"])).unwrap()
}

#[test]
fn every_log_comes_to_what_was_stated_of_it() {
    for fixed in Fixed::all() {
        let (name, stated) = (&fixed.name, &fixed.stated);
        for threads in [1, 3] {
            let report = fixed.replay(threads);
            let summary = &report.summary;
            assert_eq!(report.ledger.to_string(), text(&stated["ledger_digest"]), "{name}");
            assert_eq!(report.snapshot.to_string(), text(&stated["snapshot_digest"]), "{name}");
            assert_eq!(summary.log_id.0, array(&stated["log_id"]), "{name}");
            assert_eq!(summary.key_mode.to_string(), text(&stated["key_mode"]), "{name}");
            assert_eq!(u64::from(summary.segments), stated["files"].as_u64().unwrap(), "{name}");
            assert_eq!(summary.records, stated["records"].as_u64().unwrap(), "{name}");
            assert_eq!(summary.sealed, stated["sealed"].as_bool().unwrap(), "{name}");
            let pruned = summary.pruned.map(|pruned| pruned.through.0);
            assert_eq!(pruned, stated["pruned_through"].as_u64(), "{name}");
            assert_eq!(report.not_proven.contains(&NotProven::Unkeyed), fixed.is_unkeyed(), "{name}");
            let head = (&summary.head, &stated["head"]);
            assert_eq!(u64::from(head.0.segment()), head.1["segment"].as_u64().unwrap(), "{name}");
            assert_eq!(head.0.sequence().0, head.1["sequence"].as_u64().unwrap(), "{name}");
            assert_eq!(head.0.tag().0, array(&head.1["tag"]), "{name}");
            assert_eq!(head.0.log_time().0, head.1["log_time"].as_i64().unwrap(), "{name}");
            let through = fixed.anchor().sequence();
            assert_eq!(summary.completeness, Completeness::Proven { through }, "{name}");
        }
        let options = AuditOptions { read: fixed.read(), ..AuditOptions::default() };
        let _verified = audit::verify(&fixed.log, &fixed.keys(), options).unwrap();
        if stated["torn_bytes"] != 0 {
            let strict = AuditOptions::default();
            let refused = audit::verify(&fixed.log, &fixed.keys(), strict).unwrap_err();
            assert!(refused.to_string().contains("torn tail"), "{name}: {refused}");
        }
    }
}

#[test]
fn every_log_with_a_key_is_gone_on_with() {
    for fixed in Fixed::all() {
        let name = &fixed.name;
        if fixed.is_unkeyed() {
            // A controller has a key.
            let options =
                OpenOptions::new(RootKey::new(KeyId(0), &[0; 32]).unwrap(), assize::num::Timestamp(0));
            let refused = Controller::open(Box::new(fixed.log.copy()), options);
            assert!(matches!(refused, Err(OpenError::Log(_))), "{name}");
            continue;
        }
        let (log, state) = (fixed.log.copy(), Memory::new());
        let before = fixed.replay(1);
        let torn = u64::from(fixed.stated["torn_bytes"] != 0);
        let sealed = fixed.stated["sealed"].as_bool().unwrap();
        let mut options = OpenOptions::new(fixed.writes_under(&state), before.log_time);
        options.anchor = Some(fixed.anchor());
        let opened = Controller::open(Box::new(log.clone()), options).unwrap();
        assert_eq!(opened.recovery.head.0, before.summary.head.sequence().0 + torn, "{name}");
        let controller = opened.controller;
        if torn == 0 {
            let snapshot = controller.snapshot().unwrap().digest();
            assert_eq!(snapshot.to_string(), text(&fixed.stated["snapshot_digest"]), "{name}");
        }
        let _halted = controller.halt(Halt::All, Call::at(before.log_time)).unwrap();
        let closed = controller.close().unwrap();
        let grown = before.summary.head.sequence().0 + torn + 1;
        assert_eq!(closed.sequence().0, grown, "{name}");
        let read = ReadOptions { anchor: Some(closed), ..ReadOptions::default() };
        let options = AuditOptions { read, ..AuditOptions::default() };
        let after = audit::replay(&log, &fixed.keys(), options).unwrap();
        assert!(after.summary.sealed, "{name}");
        assert_eq!(after.accounts, before.accounts, "{name}");
        assert_eq!(after.summary.records, before.summary.records + torn + 1, "{name}");
        assert_eq!(after.calls.recoveries, before.calls.recoveries + torn, "{name}");
        assert_eq!(after.summary.segments, before.summary.segments + u32::from(sealed), "{name}");
        // What was stated before is still in it.
        let read = ReadOptions { anchor: Some(fixed.anchor()), ..ReadOptions::default() };
        let options = AuditOptions { read, ..AuditOptions::default() };
        let _verified = audit::verify(&log, &fixed.keys(), options).unwrap();
    }
}

#[test]
fn a_log_of_a_version_that_is_not_known_is_refused_by_name() {
    let fixed = Fixed::named("log");
    let mut bytes = fixed.log.bytes("00000001.seg").unwrap();
    bytes[8] = 2;
    battery::format::repair_header(&mut bytes[..battery::format::HEADER_BYTES]);
    fixed.log.replace("00000001.seg", &bytes);
    let refused = audit::verify(&fixed.log, &fixed.keys(), AuditOptions::default()).unwrap_err();
    let audit::Problem::Read(ReadError::Evidence { fault, .. }) = refused.problem else {
        panic!("{refused}")
    };
    assert_eq!(fault, Fault::Version { seen: 2 });
}
