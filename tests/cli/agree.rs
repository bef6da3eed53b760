//! Every reader of a log, asked, and held to what the run that wrote it said.

use std::process::Command;

use serde_json::Value;

use crate::place::Place;

/// Holds that every reader of a log agrees with the run that wrote it: the verifier, the replay, and the second
/// implementation.
pub(crate) fn assert_agreed(place: &Place, log: &str, report: &Value) {
    let verified = place.on(log, "verify", &["--json"]).json();
    let replayed = place.on(log, "replay", &["--json"]).json();
    assert_eq!(verified["holds"], true);
    for read in [&verified, &replayed] {
        assert_eq!(read["head"], report["head"]);
        assert_eq!((&read["log_id"], &read["sealed"]), (&report["log_id"], &Value::Bool(true)));
        let proven = read["not_proven"].as_array().unwrap();
        assert!(proven.iter().any(|what| what["what"] == "completeness"), "{proven:?}");
    }
    assert_eq!(replayed["ledger"], report["ledger_digest"]);
    assert_eq!(replayed["money"], report["money"]);
    assert_eq!(report["money_adds_up"], true);

    let Some(second) = independently(place, log) else { return };
    assert_eq!(second["head"]["sequence"], report["head"]["sequence"]);
    assert_eq!(second["head"]["tag"], report["head"]["tag"]);
    assert_eq!(second["ledger_digest"], report["ledger_digest"]);
    assert_eq!(second["snapshot_digest"], replayed["snapshot"]);
    assert_eq!(second["policy"]["digest"], report["policy"]["digest"]);
    let levels = second["totals_by_level"].as_array().unwrap();
    assert_eq!(levels.len(), report["money"].as_array().unwrap().len());
    for (level, money) in levels.iter().zip(report["money"].as_array().unwrap()) {
        for counter in ["granted", "available", "reserved", "committed", "lapsed", "unfunded"] {
            assert_eq!(level[counter], money[format!("{counter}_micros")], "{counter}");
        }
    }
}

/// What the second implementation says of the log of that name; `None` where there is no Python.
fn independently(place: &Place, log: &str) -> Option<Value> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/independent/verify_log.py");
    let arguments = [script, &place.text(log), "--key", &place.text("key"), "--json"];
    let Ok(output) = Command::new("python3").args(arguments).output() else {
        println!("python3 is not there: the second implementation is left out");
        return None;
    };
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    Some(serde_json::from_str(&said).unwrap())
}
