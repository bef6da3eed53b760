//! `assize run`: traces decided, held, recorded and settled, and every reader of the log agrees.
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

#[path = "cli/agree.rs"]
mod agree;

#[path = "cli/place.rs"]
mod place;

#[path = "cli/sample.rs"]
mod sample;

use std::{collections::BTreeSet, fs};

use agree::assert_agreed;
use command::assize;
use place::{Place, decisions};
use sample::{MODELS, TRACE, copy, create_private, run_sample, segment, turn, usual};
use serde_json::{Value, json};

#[test]
fn every_reader_agrees_with_the_run() {
    let place = Place::new();
    let report = run_sample(&place, "log", &[]);
    assert_agreed(&place, "log", &report);
    let counts = ["admitted", "denied_budget", "denied_policy"].map(|outcome| decisions(&report, outcome));
    assert_eq!(counts.iter().sum::<u64>(), 240);
    assert!(counts.iter().all(|count| *count > 0), "{counts:?}");
    let settled = &report["settled"];
    assert_eq!(settled["commits"], counts[0]);
    assert!(settled["overruns"].as_u64().unwrap() > 0);
    assert_eq!(settled["committed_micros"], report["money"][0]["committed_micros"]);
    assert_eq!(settled["unfunded_micros"], report["money"][0]["unfunded_micros"]);
    assert_eq!(report["money"][0]["reserved_micros"], 0);

    let reasons = place.on("log", "stat", &["--by", "reason", "--json"]).json();
    let keep = |rows: &Value, fields: &[&str]| -> Vec<Value> {
        let rows = rows.as_array().unwrap().iter();
        rows.map(|row| fields.iter().map(|field| row[field].clone()).collect()).collect()
    };
    let fields = ["outcome", "reason", "count"];
    assert_eq!(keep(&reasons["reasons"], &fields), keep(&report["decisions"], &fields));
    let candidates = place.on("log", "stat", &["--by", "candidate", "--json"]).json();
    let counted =
        keep(&candidates["candidates"], &["id", "name", "admissions", "committed_micros", "overruns"]);
    let told = keep(&report["candidates"], &["id", "name", "admitted", "committed_micros", "overruns"]);
    assert_eq!(counted, told);
    let accounts = place.on("log", "stat", &["--by", "account", "--json"]).json();
    assert_eq!(accounts["levels"], report["money"]);
    let rows = accounts["accounts"].as_array().unwrap();
    assert_eq!(rows.len(), 5);
    assert_eq!((&rows[0]["name"], &rows[0]["admissions"]), (&json!("organisation"), &json!(counts[0])));
    assert_eq!(rows[0]["denials"], counts[1] + counts[2]);
    for row in &rows[1..] {
        let sum = row["admissions"].as_u64().unwrap() + row["denials"].as_u64().unwrap();
        assert_eq!((sum, &row["granted_micros"]), (60, &json!(20_000)), "{row}");
    }
}

#[test]
fn two_runs_decide_the_same_at_every_level() {
    let place = Place::new();
    let mut reports = Vec::new();
    let mut exports = BTreeSet::new();
    for (log, level) in [("one", "queued"), ("other", "queued"), ("written", "written"), ("synced", "synced")]
    {
        reports.push(run_sample(&place, log, &["--level", level]));
        exports.insert(place.on(log, "export", &[]).out);
    }
    assert_eq!(exports.len(), 1, "the same records, byte for byte, in logs of different names");
    let ids: BTreeSet<String> = reports.iter().map(|report| report["log_id"].to_string()).collect();
    assert_eq!(ids.len(), 4);
    for report in &reports {
        for same in ["ledger_digest", "decisions", "candidates", "settled", "money"] {
            assert_eq!(report[same], reports[0][same], "{same}");
        }
    }
}

#[test]
fn a_row_is_settled_after_so_many_later_ones() {
    let place = Place::new();
    for in_flight in [0, 1, 8, 1000] {
        let log = format!("log-{in_flight}");
        run_sample(&place, &log, &["--in-flight", &in_flight.to_string()]);
        let mut admitted = std::collections::BTreeMap::new();
        let (mut row, mut most) = (0_u64, 0);
        for record in place.export(&log) {
            if record["kind"] == "admission" {
                admitted.insert(record["sequence"].as_u64().unwrap(), (row, record["effective_ns"].clone()));
                row += 1;
            }
            let Some(hold) = record["record"]["hold"].as_u64() else { continue };
            let (of, _) = admitted[&hold];
            most = most.max(row - 1 - of);
            assert!(row - 1 - of == in_flight || row == 240, "row {of} is settled after row {}", row - 1);
            let (_, latest) = admitted.values().last().unwrap();
            assert_eq!(
                record["effective_ns"], *latest,
                "a settlement has the time of the row that brings it"
            );
        }
        assert_eq!((row, most), (240, in_flight.min(239)));
    }
}

#[test]
fn a_second_run_goes_on_where_the_first_ended() {
    let place = Place::new();
    let first = run_sample(&place, "log", &[]);
    assert_eq!(
        (&first["run"], &first["created"], &first["trace"]["shift_ns"]),
        (&json!(1), &json!(true), &json!(0))
    );
    let second = run_sample(&place, "log", &[]);
    assert_eq!((&second["run"], &second["created"]), (&json!(2), &json!(false)));
    assert_eq!(second["recovery"], json!({"sealed": true, "cut_bytes": 0, "unfinished_segments": 0}));
    assert_eq!(second["left_open"]["holds"], 0);
    assert_eq!(second["policy_swapped"], false);
    let began = second["trace"]["first_ns"].as_i64().unwrap();
    assert_eq!(began, first["trace"]["last_ns"].as_i64().unwrap() + 1_000_000_000);
    // Nothing is granted again, so that more is denied.
    assert_eq!(second["money"][0]["granted_micros"], first["money"][0]["granted_micros"]);
    assert!(decisions(&second, "denied_budget") > decisions(&first, "denied_budget"));
    assert_agreed(&place, "log", &second);

    // More accounts are opened and granted, and the organisation with them.
    let third = place.run(MODELS, TRACE, "log", &["--accounts", "6", "--grant", "500", "--json"]).json();
    assert_eq!(third["run"], 3);
    assert_eq!(third["money"][0]["granted_micros"], 81_000);
    assert_eq!(
        (&third["money"][1]["accounts"], &third["money"][1]["granted_micros"]),
        (&json!(6), &json!(81_000))
    );
    let names: BTreeSet<String> = place
        .export("log")
        .iter()
        .filter_map(|record| record["record"]["operation"]["id"].as_str().map(str::to_owned))
        .collect();
    let operations =
        place.export("log").iter().filter(|record| record["record"]["operation"].is_object()).count();
    assert_eq!(names.len(), operations, "no operation's name comes twice");
}

#[test]
fn a_later_trace_keeps_its_own_time() {
    let place = Place::new();
    let row = |day: u32| format!("TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-{day} 10:00:00,100,10\n");
    let (monday, friday) = (place.write("monday.csv", &row(13)), place.write("friday.csv", &row(17)));
    assert_eq!(place.run(MODELS, &monday, "log", &[]).code, 0);
    let later = place.run(MODELS, &friday, "log", &["--json"]).json();
    assert_eq!((&later["run"], &later["trace"]["shift_ns"]), (&json!(2), &json!(0)));
    let again = place.run(MODELS, &monday, "log", &["--json"]).json();
    let shift_ns = 4 * 86_400 * 1_000_000_000_u64 + 1_000_000_000;
    assert_eq!((&again["run"], &again["trace"]["shift_ns"]), (&json!(3), &json!(shift_ns)));
}

#[test]
fn what_a_killed_run_left_is_settled_first() {
    let place = Place::new();
    let first = run_sample(&place, "log", &["--in-flight", "1000"]);
    // What was written before a kill: the log as it is without its seal and its last settlements.
    let settled = first["settled"]["commits"].as_u64().unwrap();
    let records = place.export("log");
    let left = 5;
    let cut_at = &records[records.len() - left];
    let segment = segment(&place, "log", 1);
    let mut bytes = fs::read(&segment).unwrap();
    // In the middle of a record: the tail is torn.
    bytes.truncate(usize::try_from(cut_at["offset"].as_u64().unwrap()).unwrap() + 20);
    fs::write(&segment, bytes).unwrap();
    let strict = place.on("log", "verify", &[]);
    assert_eq!(strict.code, 1);
    assert!(strict.err.contains("torn tail; opening recovers"), "{}", strict.err);

    let second = run_sample(&place, "log", &[]);
    assert_eq!(second["run"], 2);
    assert_eq!(second["recovery"], json!({"sealed": false, "cut_bytes": 20, "unfinished_segments": 0}));
    assert_eq!(second["left_open"]["holds"], left);
    let after = place.export("log");
    let by_word: Vec<&Value> =
        after.iter().filter(|record| record["record"]["spend"]["amount_micros"].is_u64()).collect();
    assert_eq!(by_word.len(), left);
    for record in &by_word {
        let outcome = &record["record"]["outcome"];
        assert_eq!((&outcome["settled"], &outcome["unfunded_micros"]), (&json!("in_time"), &json!(0)));
    }
    let charged: u64 =
        by_word.iter().map(|record| record["record"]["spend"]["amount_micros"].as_u64().unwrap()).sum();
    assert_eq!(second["left_open"]["committed_micros"], charged);
    assert_eq!(after.iter().filter(|record| record["kind"] == "recovery").count(), 1);
    let commits = after.iter().filter(|record| record["kind"] == "commit").count();
    assert_eq!(u64::try_from(commits).unwrap(), settled + second["settled"]["commits"].as_u64().unwrap());
    assert_agreed(&place, "log", &second);
}

#[test]
fn a_policy_follows_by_its_epoch_alone() {
    let place = Place::new();
    let models = fs::read_to_string(MODELS).unwrap();
    let with = |name: &str, from: &str, to: &str| {
        assert!(models.contains(from));
        place.write(name, &models.replacen(from, to, 1))
    };
    let raised = with("raised.toml", "epoch = 1\n", "epoch = 2\n");
    let other = with("other.toml", "output = 30000", "output = 31000");
    let renamed = place.write(
        "renamed.toml",
        &models.replacen("epoch = 1\n", "epoch = 3\n", 1).replacen("\"dune/sirocco-1\"", "\"dune/else\"", 1),
    );
    let first = run_sample(&place, "log", &[]);
    let run = |policy: &str| place.run(policy, TRACE, "log", &usual(&["--json"]));
    let before = place.on("log", "export", &[]).out;
    for (policy, said) in [(&other, "epoch 1"), (&renamed, "dune/")] {
        let refused = run(policy);
        assert_eq!(refused.code, 2, "{policy}: {}", refused.err);
        assert!(refused.err.contains(policy.as_str()) && refused.err.contains(said), "{}", refused.err);
        assert_eq!(place.on("log", "export", &[]).out, before, "the log is as it was");
    }
    let swapped = run(&raised).json();
    assert_eq!((&swapped["policy_swapped"], &swapped["policy"]["epoch"]), (&json!(true), &json!(2)));
    assert_ne!(swapped["policy"]["digest"], first["policy"]["digest"]);
    assert_eq!(run(&raised).json()["policy_swapped"], false);
    assert_eq!(run(MODELS).code, 2, "no way back");
    let policies = place.export("log");
    assert_eq!(policies.iter().filter(|record| record["kind"] == "policy").count(), 1);
    assert_agreed(&place, "log", &run(&raised).json());
}

#[test]
fn a_requested_candidate_gives_way_where_it_cannot_be_paid() {
    let place = Place::new();
    let requested = ["--requested", "alpine/summit-4,cobalt/flare-2", "--grant", "120000"];
    let report = run_sample(&place, "log", &requested);
    assert_agreed(&place, "log", &report);
    assert!(report["substituted"].as_u64().unwrap() > 0);
    let limited = place.export("log").iter().any(|record| {
        let decided = &record["record"]["outcome"]["admitted"]["decided"];
        decided["limit_micros_applied"].is_u64() && decided["decision"]["action"] == "substitute"
    });
    assert!(limited, "a second decision under what the accounts can pay substitutes");
    let asked: BTreeSet<String> = place
        .export("log")
        .iter()
        .filter(|record| record["kind"] == "admission")
        .map(|record| record["record"]["request"]["requested"].to_string())
        .collect();
    assert_eq!(asked, BTreeSet::from(["1".to_owned(), "7".to_owned()]));
}

#[test]
fn a_policy_with_a_utility_works_as_it_is() {
    let place = Place::new();
    let models = fs::read_to_string(MODELS).unwrap();
    let valued = models.replacen(
        "[members.",
        "[limits]\nconfidence_min_bps = 5000\n\n[utility]\nrisk_multiplier_bps = 10000\n\n[members.",
        1,
    );
    let policy = place.write("valued.toml", &valued);
    let run =
        |log: &str, more: &[&str]| place.run(&policy, TRACE, log, &usual(&[more, &["--json"]].concat()));
    let report = run("log", &[]).json();
    assert_agreed(&place, "log", &report);
    assert!(decisions(&report, "admitted") > 0);
    let request = |log: &str| {
        let records = place.export(log);
        let first = records.iter().find(|record| record["kind"] == "admission").unwrap();
        let request = &first["record"]["request"];
        ["value_micros", "confidence_bps", "risk_bps"].map(|fact| request[fact].as_i64())
    };
    assert_eq!(request("log"), [Some(100_000), Some(9000), Some(1000)]);
    assert_eq!(run("stated", &["--value", "5", "--confidence", "10000", "--risk", "0"]).code, 0);
    assert_eq!(request("stated"), [Some(5), Some(10_000), Some(0)]);
    let unsure = run("unsure", &["--confidence", "4999"]).json();
    assert_eq!(decisions(&unsure, "denied_policy"), 240);
    // Without a utility or limits nothing is stated that is not asked for.
    run_sample(&place, "plain", &[]);
    assert_eq!(request("plain"), [None, None, None]);
    for (flag, value) in [("--confidence", "10001"), ("--risk", "-1"), ("--value", "x")] {
        assert_eq!(run("none", &[flag, value]).code, 2);
    }
    assert!(!place.path("none").exists());
}

#[test]
fn what_has_no_price_is_settled_at_what_was_held() {
    let place = Place::new();
    let rows = ["2023-11-16 18:15:46,10,18446744073709551615", "2023-11-16 18:15:46,18446744073709551615,1"];
    let trace = format!("TIMESTAMP,ContextTokens,GeneratedTokens\n{}\n", rows.join("\n"));
    let trace = place.write("trace.csv", &trace);
    // 2⁶⁴ - 1 tokens at 15 USD a million are more than 64 bits of micro-units.
    let report = place.run(MODELS, &trace, "log", &["--requested", "alpine/summit-4", "--json"]).json();
    let held = report["settled"]["committed_micros"].as_u64().unwrap();
    assert_eq!((&report["settled"]["unpriced"], held), (&json!(1), 15_030));
    assert_eq!(decisions(&report, "denied_policy"), 1);
    assert_agreed(&place, "log", &report);
}

#[test]
fn a_trace_that_is_none_is_refused_before_anything_is_written() {
    let place = Place::new();
    let good = "2023-11-16 18:15:46.6805900,374,44";
    // What is wrong, the rows below the header, and what is said of place, seen and bound.
    let cases: [(&str, &str, &[&str]); 9] = [
        ("no row", "", &["no row"]),
        ("a missing field", "2023-11-16 18:15:47,374", &["line 3", "2 fields", "3"]),
        (
            "a time that is none",
            "2023-11-16T18:15:47,374,44",
            &["line 3", "2023-11-16T18:15:47", "YYYY-MM-DD"],
        ),
        ("a leap second", "2016-12-31 23:59:60,374,44", &["line 3", "23:59:60"]),
        (
            "a time that goes back",
            "2023-11-16 18:15:46.6805899,374,44",
            &["line 3", "18:15:46.680589900", "18:15:46.680590000"],
        ),
        ("a pause of years", "2026-11-16 18:15:46,374,44", &["line 3", "pause", "31622400000000000"]),
        ("tokens below zero", "2023-11-16 18:15:47,-1,44", &["line 3", "ContextTokens", "-1", "0 to"]),
        (
            "tokens above 64 bits",
            "2023-11-16 18:15:47,1,18446744073709551616",
            &["line 3", "18446744073709551615"],
        ),
        ("an empty line", "\n2023-11-16 18:15:47,374,44", &["line 3", "1 fields"]),
    ];
    for (what, rows, expected) in cases {
        let rows = if rows.is_empty() { String::new() } else { format!("{good}\r\n{rows}\r\n") };
        let trace = place.write("trace.csv", &format!("TIMESTAMP,ContextTokens,GeneratedTokens\r\n{rows}"));
        let ran = place.run(MODELS, &trace, "log", &[]);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{what}: {}", ran.err);
        for part in expected.iter().chain(&["trace.csv"]) {
            assert!(ran.err.contains(part), "{what}: {part:?} in {}", ran.err);
        }
        assert!(!place.path("log").exists(), "{what}");
    }
    let header = place.write("trace.csv", &format!("TIME,ContextTokens,GeneratedTokens\n{good}\n"));
    assert_eq!(place.run(MODELS, &header, "log", &[]).code, 2);
    // At the end of time a deadline has no place.
    let last =
        place.write("trace.csv", "TIMESTAMP,ContextTokens,GeneratedTokens\n2262-04-11 23:47:16,374,44\n");
    let ran = place.run(MODELS, &last, "log", &[]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("2262-04-11"), "{}", ran.err);
}

#[test]
fn bad_input_is_2_and_what_cannot_be_read_is_3() {
    let place = Place::new();
    let own = r#"{"format": 1, "name": "own", "epoch": 1, "schema": {"name": "own", "columns": {}, "gates": [],
        "quantities": {"calls": {"per": 1}}}, "candidates": [{"id": 1, "name": "one", "rates": {"calls": 1}}]}"#;
    let own = place.write("own.json", own);
    assert_eq!(assize(&["policy", "check", &own]).code, 0, "{}", assize(&["policy", "check", &own]).err);
    let missing = place.text("missing");
    let cases: [(&str, &str, &[&str], i32, &str); 11] = [
        (MODELS, TRACE, &["--require", "telepathy"], 2, "telepathy"),
        (MODELS, TRACE, &["--requested", "alpine/nothing"], 2, "alpine/nothing"),
        (MODELS, TRACE, &["--accounts", "0"], 2, "--accounts"),
        (MODELS, TRACE, &["--accounts", "2", "--grant", "4611686018427387904"], 2, "9223372036854775807"),
        (MODELS, TRACE, &["--grant", "-1"], 2, "-1"),
        (MODELS, TRACE, &["--level", "never"], 2, "never"),
        (MODELS, TRACE, &["--key", "-"], 2, "--key"),
        (TRACE, TRACE, &[], 2, "trace.csv"),
        (&own, TRACE, &[], 2, "input"),
        (&missing, TRACE, &[], 3, "missing"),
        (MODELS, &missing, &[], 3, "missing"),
    ];
    for (policy, trace, more, code, said) in cases {
        let ran = place.run(policy, trace, "log", more);
        assert_eq!((ran.code, ran.out.as_str()), (code, ""), "{policy} {more:?}: {}", ran.err);
        assert!(ran.err.contains(said), "{said:?} in {}", ran.err);
        assert!(!place.path("log").exists(), "{more:?}");
    }
    // A grant of nothing pays for nothing; a directory that is no log's is left alone.
    let none = run_sample(&place, "none", &["--grant", "0"]);
    assert_eq!(decisions(&none, "admitted"), 0);
    create_private(&place.path("other"));
    place.write("other/notes.txt", "mine");
    assert_eq!(place.run(MODELS, TRACE, "other", &[]).code, 1);
    assert_eq!(fs::read_dir(place.path("other")).unwrap().count(), 1);
}

#[test]
fn a_log_of_another_key_or_that_was_altered_is_not_gone_on_with() {
    let place = Place::new();
    run_sample(&place, "log", &[]);
    let other = Place::new();
    other.draw_key("eight", 8);
    copy(&place.path("log"), &other.path("log"));
    let ran = other.run(MODELS, TRACE, "log", &usual(&[]));
    assert_eq!(ran.code, 1, "another key of the same id: {}", ran.err);
    let key = other.text("eight");
    let log = other.text("log");
    let ran = assize(&["run", "--policy", MODELS, "--trace", TRACE, "--log", &log, "--key", &key]);
    assert_eq!(ran.code, 2, "a key of another id: {}", ran.err);
    turn(&place, "log", "turned", 50_000);
    let ran = place.run(MODELS, TRACE, "turned", &usual(&[]));
    assert_eq!(ran.code, 1, "{}", ran.err);
}

#[cfg(unix)]
#[test]
fn a_key_that_others_can_read_is_refused() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = Place::new();
    fs::set_permissions(place.path("key"), fs::Permissions::from_mode(0o640)).unwrap();
    assert_eq!(place.run(MODELS, TRACE, "log", &usual(&[])).code, 2);
    assert!(!place.path("log").exists());
}

#[test]
fn an_evolving_log_goes_on_by_its_state_and_is_read_by_its_root() {
    let place = Place::new();
    let state = place.text("state");
    let first = run_sample(&place, "log", &["--state", &state]);
    assert_eq!(first["created"], true);
    assert_eq!(fs::read(&state).unwrap().len(), 104);
    // The root is elsewhere now.
    let log = place.text("log");
    let run = ["run", "--policy", MODELS, "--trace", TRACE, "--log", &log, "--state", &state, "--json"];
    let second = assize(&[&run[..], &usual(&[])].concat()).json();
    assert_eq!((&second["created"], &second["head"]["segment"]), (&json!(false), &json!(2)), "{second}");
    for command in ["verify", "replay"] {
        let told = place.on("log", command, &["--json"]).json();
        assert_eq!((&told["holds"], &told["key_mode"]), (&json!(true), &json!("evolving")), "{told}");
        assert!(place.on("log", command, &[]).out.contains("evolving"));
    }
    let anchor = place.text("anchor");
    assert_eq!(place.on("log", "anchor", &["--out", &anchor]).code, 0);
    assert_eq!(place.on("log", "verify", &["--anchor", &anchor]).code, 0);
    // As a static log it is refused, and as an unkeyed one.
    let refused = place.run(MODELS, TRACE, "log", &usual(&[]));
    assert_eq!(refused.code, 1, "{}", refused.err);
    assert!(refused.err.contains("evolving keys, and static ones are expected"), "{}", refused.err);
    let refused = assize(&["verify", &log, "--unkeyed"]);
    assert_eq!(refused.code, 1, "{}", refused.err);
    assert_eq!(assize(&["verify", &log]).code, 2);
    // A new log needs the root, and a state is one log's.
    let other = place.text("other");
    let run = ["run", "--policy", MODELS, "--trace", TRACE, "--log", &other, "--state"];
    let refused = assize(&[&run[..], &[&place.text("other-state")], &usual(&[])].concat());
    assert_eq!(refused.code, 2, "{}", refused.err);
    let refused = place.run(MODELS, TRACE, "other", &usual(&["--state", &state]));
    assert_eq!(refused.code, 2, "{}", refused.err);
    assert!(refused.err.contains("has a state already"), "{}", refused.err);
}
