//! `assize policy check` and `digest`: what is a policy, and a clear error for what is none.
#![cfg(feature = "cli")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

#[path = "cli/command.rs"]
mod command;

use std::fs;

use command::{Ran, assize};
use serde_json::{Value, json};

const POLICY: &str = r#"{
  "format": 1,
  "name": "two",
  "epoch": 3,
  "schema": "llm-1",
  "substitution": {"margin": 50},
  "limits": {"risk_hard_bps": 9000},
  "utility": {"risk_multiplier_bps": 10000, "weights": {"latency_ms": {"micros_per_unit": 1, "unknown": 500}}},
  "members": {"capabilities": {"vision": 0}, "provider": {"acme": 1, "borealis": 2}},
  "candidates": [
    {"id": 1, "name": "one", "values": {"quality": 9000, "provider": "acme", "capabilities": ["vision"]},
     "cards": [{"above": 0, "rates": {"input": 1000000, "output": 2000000}}]},
    {"id": 2, "name": "other", "enabled": false, "values": {"quality": 8000, "capabilities": []}}
  ]
}"#;

fn run(command: &str, text: &str, more: &[&str]) -> Ran {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("policy.json");
    fs::write(&path, text).unwrap();
    assize(&[&["policy", command, path.to_str().unwrap()], more].concat())
}

#[test]
fn a_valid_policy_is_summed_up() {
    let mut summary = run("check", POLICY, &["--json"]).json();
    let digest = run("digest", POLICY, &["--json"]).json();
    assert_eq!(digest, json!({ "digest": summary["digest"] }));
    assert_eq!(summary["digest"].as_str().unwrap().len(), 64);
    for field in ["digest", "schema_digest"] {
        summary.as_object_mut().unwrap().remove(field);
    }
    let known = |column: &str, members: Option<u32>, known: u32| match members {
        Some(members) => json!({"column": column, "members": members, "known": known}),
        None => json!({"column": column, "known": known}),
    };
    let expected = json!({
        "valid": true, "name": "two", "epoch": 3, "schema": "llm-1", "risk_hard_bps": 9000,
        "confidence_min_bps": null, "utility": true, "substitution": "margin(50)", "candidates": 2, "enabled": 1,
        "unpriced": 1,
        "columns": [
            known("capabilities", Some(1), 2), known("input_window", None, 0), known("latency_ms", None, 0),
            known("output_window", None, 0), known("provider", Some(2), 1), known("quality", None, 2),
            known("region", Some(0), 0), known("risk_ceiling", None, 0),
        ],
    });
    assert_eq!(summary, expected);
}

#[test]
fn the_digest_does_not_depend_on_the_listing_but_on_every_value() {
    let digest = |text: &str| run("digest", text, &[]).out;
    let policy: Value = serde_json::from_str(POLICY).unwrap();
    let mut turned = policy.clone();
    turned["candidates"].as_array_mut().unwrap().reverse();
    assert_eq!(digest(POLICY), digest(&turned.to_string()));
    let mut other = policy;
    other["candidates"][0]["values"]["quality"] = json!(9001);
    assert_ne!(digest(POLICY), digest(&other.to_string()));
}

#[test]
fn what_is_no_policy_is_an_error_of_the_input() {
    let with = |from: &str, to: &str| {
        assert!(POLICY.contains(from), "{from}");
        POLICY.replacen(from, to, 1)
    };
    let gate = r#"{"name": "own", "columns": {"a": "bps"}, "gates": [{"column": "b", "relation": "at_least"}], "quantities": {}}"#;
    // What is wrong, the text, and what the error says of place, seen and bound.
    let cases: [(&str, String, &[&str]); 9] = [
        ("an unknown field", with("\"epoch\"", "\"epok\": 1, \"epoch\""), &["epok"]),
        ("a bps value of 10,001", with("9000,", "10001,"), &["10001", "10000"]),
        (
            "a bps limit of 10,001",
            with("\"risk_hard_bps\": 9000", "\"risk_hard_bps\": 10001"),
            &["risk_hard_bps", "10001", "10000"],
        ),
        ("a duplicate id", with("\"id\": 2", "\"id\": 1"), &["other", "1"]),
        ("a duplicate name", with("\"other\"", "\"one\""), &["one"]),
        ("a duplicate key", with("\"epoch\": 3,", "\"epoch\": 3, \"epoch\": 3,"), &["epoch"]),
        ("a gate on a missing column", with("\"llm-1\"", gate), &["b"]),
        ("a member that is not listed", with("[\"vision\"]", "[\"sight\"]"), &["sight"]),
        ("a truncated body", POLICY.split_at(POLICY.len() / 2).0.to_owned(), &["line"]),
    ];
    for (what, text, expected) in cases {
        for command in ["check", "digest"] {
            let ran = run(command, &text, &[]);
            assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{what}: {}", ran.err);
            for part in expected.iter().chain(&["policy.json"]) {
                assert!(ran.err.contains(part), "{what}: {part:?} in {}", ran.err);
            }
            assert_eq!(ran.err.lines().count(), 1, "{what}: {}", ran.err);
        }
    }
}

#[test]
fn errors_are_json_for_machines() {
    let ran = run("check", "{", &["--json"]);
    let error: Value = serde_json::from_str(&ran.err).unwrap();
    assert_eq!((ran.code, &error["exit"]), (2, &json!(2)));
    assert!(error["error"].as_str().unwrap().contains("policy.json"));
    assert_eq!(assize(&["policy", "check", "/nowhere/policy.toml"]).code, 3);
}

#[test]
fn a_document_that_is_no_text_is_bad_input() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("policy.toml");
    fs::write(&path, [0xFF, 0xFE]).unwrap();
    assert_eq!(assize(&["policy", "check", path.to_str().unwrap()]).code, 2);
    assert_eq!(assize(&["policy", "check", folder.path().to_str().unwrap()]).code, 3);
}
