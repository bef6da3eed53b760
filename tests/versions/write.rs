//! Writes the logs of this implementation that are not yet there; what is there is never written again.
//!
//! `cargo test --all-features --test versions -- --ignored`

use std::{fs, num::NonZeroU32, path::Path};

use assize::{
    audit::{self, AuditOptions},
    controller::{Call, Controller, CreateOptions},
    crypto::{KeyId, RootKey},
    id::LogId,
    wal::{
        Anchor, EvolvingKey, Keep, LogKey, LogOptions, ReadOptions,
        storage::{Memory, StateFile},
    },
};
use serde_json::{Value, json};

use crate::{
    VERSIONS,
    battery::{
        acts::Days,
        chance::{Client, Shared},
        host::{Host, START, TERMS, policy},
    },
    files::v1,
    manifest,
};

#[test]
#[ignore = "it writes into the sources, once for each log"]
fn write_what_is_missing() {
    for (name, log_id, is_evolving, end) in [
        ("written", *b"of version 1, .1", false, End::Closed),
        ("written-open", *b"of version 1, .2", false, End::Open),
        ("written-evolving", *b"of version 1, .3", true, End::Pruned),
    ] {
        if !v1().join(name).exists() {
            write(name, LogId(log_id), is_evolving, end);
        }
    }
    for (name, act) in
        [("written-windows", write_by_chance as fn(&str)), ("written-keys", write_under_two_keys)]
    {
        if !v1().join(name).exists() {
            act(name);
        }
    }
    list_what_is_not_listed();
}

/// How its writer leaves a log.
enum End {
    Closed,
    Open,
    Pruned,
}

/// A root by which a log is written, in the clear: these logs are read by everybody.
#[derive(Clone, Copy)]
struct Root {
    id: u32,
    secret: [u8; 32],
}

impl Root {
    fn key(&self) -> RootKey {
        RootKey::new(KeyId(self.id), &self.secret).unwrap()
    }
}

const ROOT: Root = Root { id: 23, secret: *b"a key that everybody who reads.." };
const NEXT: Root = Root { id: 42, secret: *b"..these files has, and another.." };

/// Some days of a host, in which every kind of record is made.
fn write(name: &str, id: LogId, is_evolving: bool, end: End) {
    let (log, state) = (Memory::new(), Memory::new());
    let key: LogKey = if is_evolving {
        state.replace("other", b"");
        let store = StateFile::within(Box::new(state.clone()), "state");
        EvolvingKey::begin(ROOT.key(), id, Box::new(store)).unwrap().into()
    } else {
        ROOT.key().into()
    };
    let options = CreateOptions {
        terms: TERMS,
        log: LogOptions { segment_bytes: 16 << 10, ..LogOptions::default() },
        ..CreateOptions::new(id, key, policy(1), START)
    };
    let controller = Controller::create(Box::new(log.clone()), options).unwrap();
    let mut days = Days::begin(Host::new(controller, START));
    while days.host.head() < 200 {
        days.act();
    }
    let controller = days.host.controller;
    let anchor = match end {
        End::Closed => controller.close().unwrap(),
        End::Open => controller.drain().unwrap(),
        End::Pruned => {
            let at = controller.stats().unwrap().log_time;
            let retained =
                controller.retain(Keep::Segments(NonZeroU32::new(2).unwrap()), Call::at(at)).unwrap();
            assert!(retained.removed > 0);
            controller.drain().unwrap()
        }
    };
    let state = is_evolving.then(|| state.bytes("state").unwrap());
    keep(name, &log, &anchor, &[ROOT], state);
}

/// Windows that end, throttles, caps, accounts that move, and segments that are let go: what a client draws.
fn write_by_chance(name: &str) {
    let log = Memory::new();
    let mut client = Client::create(Box::new(log.clone()), 1, Shared::default()).unwrap();
    for _ in 0..150 {
        let _answer = client.act();
    }
    let anchor = client.close().unwrap();
    keep(name, &log, &anchor, &[Root { id: 7, secret: *b"thirty-two bytes that are a key!" }], None);
}

/// A static key, from it to an evolving one, and segments under that.
fn write_under_two_keys(name: &str) {
    let (log, state, id) = (Memory::new(), Memory::new(), LogId(*b"of version 1, .4"));
    let options = CreateOptions {
        terms: TERMS,
        log: LogOptions { segment_bytes: 8 << 10, ..LogOptions::default() },
        ..CreateOptions::new(id, ROOT.key(), policy(1), START)
    };
    let controller = Controller::create(Box::new(log.clone()), options).unwrap();
    let mut days = Days::begin(Host::new(controller, START));
    while days.host.head() < 60 {
        days.act();
    }
    state.replace("other", b"");
    let store = StateFile::within(Box::new(state.clone()), "state");
    let next = EvolvingKey::begin(NEXT.key(), id, Box::new(store)).unwrap();
    days.host.controller.change_key(next).unwrap();
    while days.host.head() < 120 {
        days.act();
    }
    let anchor = days.host.controller.drain().unwrap();
    let state = state.bytes("state").unwrap();
    keep(name, &log, &anchor, &[NEXT, ROOT], Some(state));
}

/// The first root is the one that it goes on under.
fn keep(name: &str, log: &Memory, anchor: &Anchor, roots: &[Root], state: Option<Vec<u8>>) {
    let read = ReadOptions { anchor: Some(*anchor), ..ReadOptions::default() };
    let keys: Vec<RootKey> = roots.iter().map(Root::key).collect();
    let options = AuditOptions { read, ..AuditOptions::default() };
    let report = audit::replay(log, &keys.iter().collect::<Vec<_>>(), options).unwrap();
    let shown: Vec<Value> =
        roots.iter().map(|root| json!({ "id": root.id, "secret": hex(&root.secret) })).collect();
    let summary = &report.summary;
    let head = &summary.head;
    let stated = json!({
        "written_by": "this implementation",
        "log_id": summary.log_id.to_string(),
        "key_mode": summary.key_mode.to_string(),
        "roots": shown,
        "writes_under": roots[0].id,
        "state": state.map(|state| hex(&state)),
        "files": summary.segments,
        "records": summary.records,
        "pruned_through": summary.pruned.map(|pruned| pruned.through.0),
        "torn_bytes": 0,
        "sealed": summary.sealed,
        "head": {
            "segment": head.segment(),
            "sequence": head.sequence().0,
            "tag": hex(&head.tag().0),
            "log_time": head.log_time().0,
        },
        "anchor": hex(&anchor.encode()),
        "ledger_digest": report.ledger.to_string(),
        "snapshot_digest": report.snapshot.to_string(),
    });
    fs::create_dir(v1().join(name)).unwrap();
    for file in log.names() {
        fs::write(v1().join(name).join(&file), log.bytes(&file).unwrap()).unwrap();
    }
    fs::write(v1().join(format!("{name}.json")), pretty(&stated)).unwrap();
}

fn pretty(stated: &Value) -> String {
    serde_json::to_string_pretty(stated).unwrap() + "\n"
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn list_what_is_not_listed() {
    let listed = manifest();
    let mut found = std::collections::BTreeMap::new();
    super::walk(&v1(), &mut found);
    let path = Path::new(VERSIONS).join("MANIFEST");
    let mut text = fs::read_to_string(&path).unwrap();
    for (file, digest) in found.into_iter().filter(|(file, _)| !listed.contains_key(file)) {
        text.push_str(&format!("{digest}  {}\n", file.display()));
    }
    fs::write(path, text).unwrap();
}
