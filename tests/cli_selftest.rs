//! `assize selftest`: every check holds here, each says what it did, and one that fails is told and ends no other.
#![cfg(feature = "cli")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test stops at the first surprise"
)]

#[path = "cli/command.rs"]
mod command;

use std::fs;

use command::{Ran, assize};
use serde_json::Value;

/// By name, in order.
const CHECKS: [&str; 16] = [
    "SHA-256",
    "HMAC-SHA-256",
    "HKDF",
    "CRC-32C",
    "fixed files",
    "records",
    "digests",
    "keys and tags",
    "decisions",
    "fixed logs",
    "wrong keys",
    "flipped bits",
    "random decisions",
    "torn tails",
    "threads, in memory",
    "threads, on disk",
];

/// Those that need a place for logs.
const ON_DISK: [&str; 2] = ["torn tails", "threads, on disk"];

fn selftest(more: &[&str]) -> Ran {
    assize(&[&["selftest"], more].concat())
}

#[test]
fn every_check_holds_and_says_what_it_did() {
    let dir = tempfile::tempdir().unwrap();
    let ran = selftest(&["--json", "--seed", "7", "--dir", dir.path().to_str().unwrap()]);
    let report = ran.json();
    assert_eq!((&report["holds"], &report["failed"], &report["seed"]), (&true.into(), &0.into(), &7.into()));
    assert_eq!(report["version"], env!("CARGO_PKG_VERSION"));
    assert!(report["cores"].as_u64().unwrap() > 0 && report["os"].as_str().unwrap().starts_with("linux"));
    let checks = report["checks"].as_array().unwrap();
    let names: Vec<&str> = checks.iter().map(|check| check["name"].as_str().unwrap()).collect();
    assert_eq!(names, CHECKS);
    for check in checks {
        assert_eq!(check["ok"], true, "{check}");
        // With counts, so that a check that did nothing is seen to.
        assert!(check["did"].as_str().unwrap().contains(|c: char| c.is_ascii_digit()), "{check}");
        assert_ne!(check["seen"], "", "{check}");
    }
    let said = |name: &str| {
        let check = checks.iter().find(|check| check["name"] == name).unwrap();
        format!("{}: {}", check["did"].as_str().unwrap(), check["seen"].as_str().unwrap())
    };
    assert!(said("flipped bits").contains("59,904 flips refused"), "{}", said("flipped bits"));
    assert!(said("random decisions").starts_with("6,000 requests to 60 catalogs"));
    let left: Vec<_> = fs::read_dir(dir.path()).unwrap().collect();
    assert!(left.is_empty(), "what was made is removed: {left:?}");
}

/// A place that is none fails the checks that need it, and no other.
#[test]
fn a_check_that_fails_is_told_and_the_exit_code_is_1() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "no directory").unwrap();
    let ran = selftest(&["--seed", "7", "--dir", file.to_str().unwrap()]);
    assert_eq!((ran.code, ran.err.as_str()), (1, "assize: 2 of 16 checks failed\n"), "{}", ran.out);
    for name in CHECKS {
        let line = ran.out.lines().find(|line| line.get(8..).is_some_and(|line| line.starts_with(name)));
        let verdict = if ON_DISK.contains(&name) { "FAILED  " } else { "ok      " };
        assert!(line.unwrap().starts_with(verdict), "{line:?}");
    }
    assert!(ran.out.lines().last().unwrap().starts_with("2 of 16 checks FAILED"), "{}", ran.out);
    let head = ran.out.lines().take_while(|line| !line.is_empty()).collect::<Vec<_>>();
    let labels = ["assize", "target", "system", "cores", "seed", "logs in"];
    assert!(
        head.len() == labels.len() && head.iter().zip(labels).all(|(line, label)| line.starts_with(label))
    );

    let ran = selftest(&["--json", "--seed", "7", "--dir", file.to_str().unwrap()]);
    assert_eq!(ran.code, 1);
    let report: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((&report["holds"], &report["failed"]), (&false.into(), &2.into()));
    let error: Value = serde_json::from_str(&ran.err).unwrap();
    assert_eq!((&error["exit"], &error["error"]), (&1.into(), &"2 of 16 checks failed".into()));
}
