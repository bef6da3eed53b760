//! `assize prune`: what it deletes and says, and what every other command says of what is left.
#![cfg(all(feature = "cli", unix))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    reason = "a test stops at the first surprise"
)]

mod battery;
#[path = "cli/command.rs"]
mod command;

use std::{fs, path::PathBuf, process::Command};

use assize::{
    crypto::KeyId,
    wal::storage::{Directory, write_key_file},
};
use battery::{acts::Days, host::Making};
use command::{Ran, assize};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A folder with a key and a log of many small segments.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        write_key_file(place.path("key"), KeyId(7), b"thirty-two bytes that are a key!").unwrap();
        let making = Making { segment_bytes: 6 << 10, ..Making::default() };
        let mut days = Days::begin(making.try_create(Box::new(Directory::new(place.path("log")))).unwrap());
        while days.host.controller.stats().unwrap().log.segment < 6 {
            days.act();
        }
        days.host.controller.close().unwrap();
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn on(&self, command: &str, more: &[&str]) -> Ran {
        let [log, key] = ["log", "key"].map(|name| self.path(name).to_str().unwrap().to_owned());
        assize(&[&[command, log.as_str(), "--key", key.as_str()], more].concat())
    }

    fn segments(&self) -> Vec<String> {
        let files = fs::read_dir(self.path("log")).unwrap();
        let mut names: Vec<_> = files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// What the second implementation says; `None` where there is no Python.
    fn independently(&self) -> Option<Value> {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/independent/verify_log.py");
        let [log, key] = ["log", "key"].map(|name| self.path(name));
        let mut command = Command::new("python3");
        let output = command.arg(script).arg(log).arg("--key").arg(key).arg("--json").output();
        let Ok(output) = output else {
            println!("python3 is not there: the second implementation is left out");
            return None;
        };
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Some(serde_json::from_slice(&output.stdout).unwrap())
    }

    fn replayed(&self) -> Value {
        self.on("replay", &["--json"]).json()
    }
}

#[test]
fn the_oldest_segments_are_deleted_and_every_command_says_so() {
    let place = Place::new();
    let whole = place.replayed();
    assert_eq!((place.segments().len(), &whole["pruned"]), (6, &Value::Null));
    let records = whole["records"].as_u64().unwrap();

    let pruned = place.on("prune", &["--keep-segments", "2", "--json"]).json();
    let first = pruned["retention"]["first_segment"].as_u64().unwrap();
    let through = pruned["retention"]["through"].as_u64().unwrap();
    assert_eq!((first, &pruned["removed"], &pruned["sequence"]), (5, &json!(4), &json!(records + 1)));
    // The log was closed: the record stands in a segment of its own.
    assert_eq!(place.segments(), ["00000005.seg", "00000006.seg", "00000007.seg"]);

    let replayed = place.replayed();
    assert_eq!(replayed["pruned"], json!({ "first_segment": 5, "through": through }));
    assert_eq!(replayed["records"], records + 1 - through);
    assert_eq!(replayed["money"], whole["money"]);
    let says = format!(
        "what came before: the log is pruned, and trusts its first checkpoint, at sequence {through}"
    );
    assert_eq!(replayed["not_proven"][0], json!({ "what": "pruned", "says": says }));
    for command in ["verify", "replay"] {
        let said = place.on(command, &[]);
        assert_eq!(said.code, 0, "{}", said.err);
        let line = format!("segments before 5, with the records through {through}");
        assert!(said.out.contains(&line) && said.out.contains(&says), "{}", said.out);
    }

    if let Some(second) = place.independently() {
        assert_eq!((&second["pruned_through"], &second["records"]), (&json!(through), &replayed["records"]));
        assert_eq!(
            (&second["head"]["tag"], &second["ledger_digest"]),
            (&replayed["head"]["tag"], &replayed["ledger"])
        );
    }

    // What shows a part of the log says it beside.
    let seq = format!("{}", through + 1);
    let readers: [(&str, &[&str]); 7] = [
        ("trail", &[]),
        ("export", &[]),
        ("explain", &["--seq", &seq]),
        ("stat", &["--by", "account"]),
        ("stat", &["--by", "month"]),
        ("stat", &["--by", "candidate"]),
        ("stat", &["--by", "reason"]),
    ];
    for (command, more) in readers {
        let said = place.on(command, more);
        assert_eq!((said.code, said.err.contains(&says)), (0, true), "{command} {more:?}: {}", said.err);
        if command == "stat" || command == "explain" {
            let said = place.on(command, &[more, &["--json"]].concat()).json();
            assert_eq!(said["pruned"]["through"], through, "{command} {more:?}");
        }
    }
    let trail = place.on("trail", &[]).out;
    assert!(trail.trim_start().starts_with(&seq), "{trail}");
    let last = format!("segments before 5 let go, with the records through {through}");
    assert!(trail.trim_end().ends_with(&last), "{trail}");
    let said = place.on("explain", &["--seq", "1"]);
    let expected = format!("the log has records {seq} to {}", records + 1);
    assert_eq!((said.code, said.err.contains(&expected)), (2, true), "{}", said.err);

    // One segment more that is missing is one too many.
    fs::remove_file(place.path("log").join("00000005.seg")).unwrap();
    let said = place.on("verify", &[]);
    let expected = format!("segment 5, sequence {through}, offset 0: the segment is missing");
    assert_eq!((said.code, said.err.contains(&expected)), (1, true), "{}", said.err);
}

#[test]
fn what_is_kept_is_told_in_words_and_nothing_is_deleted_twice() {
    let place = Place::new();
    let everything = place.on("prune", &["--keep-segments", "6"]);
    assert_eq!(everything.code, 0, "{}", everything.err);
    assert!(
        everything.out.contains("segments deleted  0\nkept              everything\n"),
        "{}",
        everything.out
    );
    let since = place.on("prune", &["--keep-since", "2020-01-01 00:00:00"]);
    assert!(since.out.contains("kept              everything\n"), "{}", since.out);
    let pruned = place.on("prune", &["--keep-since", "2200-01-01 00:00:00"]);
    assert!(
        pruned.out.contains("segments deleted  5\nkept              from segment 6, after record"),
        "{}",
        pruned.out
    );
    assert!(pruned.out.contains("\nrecorded          as record "), "{}", pruned.out);
    let again = place.on("prune", &["--keep-segments", "2"]);
    assert!(again.out.contains("segments deleted  0\nkept              from segment 6"), "{}", again.out);
    assert!(!again.out.contains("recorded"), "{}", again.out);
    assert_eq!(place.segments(), ["00000006.seg", "00000007.seg"]);
    assert_eq!(place.on("verify", &[]).code, 0);
}

#[test]
fn what_is_no_log_or_no_such_key_is_not_touched() {
    let place = Place::new();
    let before = place.segments();
    let cases: [(&[&str], i32); 5] = [
        (&[], 2),
        (&["--keep-segments", "0"], 2),
        (&["--keep-segments", "1", "--keep-since", "2020-01-01 00:00:00"], 2),
        (&["--keep-since", "yesterday"], 2),
        (&["--keep-segments", "1", "--state", "nowhere"], 2),
    ];
    for (arguments, code) in cases {
        let said = place.on("prune", arguments);
        assert_eq!((said.code, said.out.as_str()), (code, ""), "{arguments:?}: {}", said.err);
    }
    let other = place.path("other");
    write_key_file(&other, KeyId(7), b"thirty-two bytes, another secret").unwrap();
    let log = place.path("log");
    let with = |log: &PathBuf| {
        let (log, other) = (log.to_str().unwrap(), other.to_str().unwrap());
        assize(&["prune", log, "--key", other, "--keep-segments", "1"]).code
    };
    assert_eq!((with(&log), with(&place.path("none"))), (1, 3));
    assert_eq!(place.segments(), before);
}
