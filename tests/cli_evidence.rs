//! What reads a log: it shows what was verified, says where a log fails, and ends with the exit code that says so.
#![cfg(feature = "cli")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    reason = "a test stops at the first surprise"
)]

#[path = "cli/command.rs"]
mod command;

#[path = "cli/place.rs"]
mod place;

#[path = "cli/sample.rs"]
mod sample;

use std::{
    fs,
    io::{Read as _, Write as _},
    path::Path,
    process::{Command, Stdio},
};

use command::assize;
use place::{Place, decisions};
use sample::{MODELS, TRACE, copy, create_private, run_sample, segment, turn, usual};
use serde_json::{Value, json};

/// Every command that reads a log, with what it needs beside the log and the key.
const READERS: [(&str, &[&str]); 9] = [
    ("verify", &[]),
    ("replay", &[]),
    ("explain", &["--seq", "100"]),
    ("trail", &[]),
    ("stat", &["--by", "account"]),
    ("stat", &["--by", "candidate"]),
    ("stat", &["--by", "reason"]),
    ("what-if", &["--policy", MODELS]),
    ("export", &[]),
];

#[test]
fn an_altered_log_is_1_everywhere_and_says_where() {
    let place = Place::new();
    run_sample(&place, "log", &[]);
    let records = place.export("log");
    let broken = &records[200];
    let offset = broken["offset"].as_u64().unwrap();
    turn(&place, "log", "turned", usize::try_from(offset).unwrap() + 60);
    for (command, more) in READERS {
        let said = place.on("turned", command, more);
        assert_eq!(said.code, 1, "{command}: {}", said.err);
        let expected = format!("segment 1, sequence 201, offset {offset}");
        assert!(
            said.err.contains(&expected) && said.err.contains("200 records hold"),
            "{command}: {}",
            said.err
        );
        let said = place.on("turned", command, &[more, &["--json"]].concat());
        let error: Value = serde_json::from_str(&said.err).unwrap();
        let fields = ["exit", "segment", "sequence", "offset"].map(|field| error[field].as_u64().unwrap());
        assert_eq!(fields, [1, 1, 201, offset], "{command}");
        assert_eq!(error["good"]["records"], 200);
        // What was shown before is what holds, and no document of it is whole.
        let lines = said.out.lines().filter(|line| line.contains("\"sequence\"")).count();
        match command {
            "export" | "trail" => assert_eq!(lines, 200, "{command}"),
            _ => assert_eq!(said.out, "", "{command}"),
        }
        assert!(command == "export" || serde_json::from_str::<Value>(&said.out).is_err(), "{command}");
    }
    let out = place.text("anchor");
    assert_eq!(place.on("turned", "anchor", &["--out", &out]).code, 1);
    assert!(!place.path("anchor").exists());
}

#[test]
fn what_is_no_log_is_never_valid() {
    let place = Place::new();
    run_sample(&place, "log", &[]);
    create_private(&place.path("empty"));
    create_private(&place.path("foreign"));
    place.write("foreign/notes.txt", "mine");
    copy(&place.path("log"), &place.path("gap"));
    fs::rename(segment(&place, "gap", 1), segment(&place, "gap", 2)).unwrap();
    let anchor = ("anchor", ["--out", &place.text("anchor")]);
    let readers = READERS.into_iter().chain([(anchor.0, &anchor.1[..])]);
    for (command, more) in readers {
        for (log, code) in [("missing", 3), ("empty", 1), ("foreign", 1), ("gap", 1), ("key", 3)] {
            let said = place.on(log, command, more);
            assert_eq!((said.code, said.out.as_str()), (code, ""), "{command} {log}: {}", said.err);
            assert_eq!(said.err.lines().count(), 1, "{command} {log}: {}", said.err);
        }
    }
}

#[test]
fn keys_are_tried_by_their_ids() {
    let place = Place::new();
    run_sample(&place, "log", &[]);
    place.draw_key("eight", 8);
    fs::create_dir(place.path("other")).unwrap();
    place.draw_key("other/key", 7);
    place.write("none", "no key\n");
    let log = place.text("log");
    let [key, eight, other, none] = ["key", "eight", "other/key", "none"].map(|name| place.text(name));
    let cases: [(&[&str], i32, &str); 9] = [
        (&["--key", &key], 0, ""),
        (&["--key", &eight, "--key", &key], 0, ""),
        (&["--key", &eight], 2, "no key with id 7"),
        (&["--key", &other], 1, "tag does not verify"),
        (&["--key", &key, "--key", &other], 2, "the id 7 too"),
        (&["--key", &none], 2, &none),
        (&["--key", "/nowhere/key"], 3, "/nowhere/key"),
        (&["--key", "-", "--key", "-"], 2, "twice"),
        (&[], 2, "--key"),
    ];
    for command in ["verify", "replay", "trail"] {
        for (keys, code, said) in cases {
            let ran = assize(&[&[command, log.as_str()], keys].concat());
            assert_eq!(ran.code, code, "{command} {keys:?}: {}", ran.err);
            assert!(ran.err.contains(said), "{said:?} in {}", ran.err);
        }
    }
}

#[test]
fn a_key_comes_from_standard_input_too() {
    let place = Place::new();
    run_sample(&place, "log", &[]);
    let text = fs::read(place.path("key")).unwrap();
    for (input, code) in [(text.as_slice(), 0), (b"no key\n".as_slice(), 2), (&[b'x'; 5000], 2)] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_assize"))
            .args(["verify", &place.text("log"), "--key", "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // The child may have seen enough before everything is written.
        let written = child.stdin.take().unwrap().write_all(input);
        assert!(written.is_ok() || code == 2);
        assert_eq!(child.wait().unwrap().code(), Some(code));
    }
}

#[test]
fn an_anchor_shows_what_was_cut_off() {
    let place = Place::new();
    run_sample(&place, "log", &[]);
    let (early, late) = (place.text("early"), place.text("late"));
    let told = place.on("log", "anchor", &["--out", &early, "--json"]).json();
    assert_eq!(fs::metadata(&early).unwrap().len(), 120);
    copy(&place.path("log"), &place.path("before"));
    let second = run_sample(&place, "log", &[]);
    assert_eq!(place.on("log", "anchor", &["--out", &late]).code, 0);

    // A suffix cut at a record's boundary: the log as it was before the second run.
    let plain = place.on("before", "verify", &[]);
    assert_eq!(plain.code, 0);
    assert!(plain.out.contains("completeness unproven"), "{}", plain.out);
    let head = told["anchor"]["sequence"].as_u64().unwrap();
    for command in ["verify", "replay", "trail", "export"] {
        let cut = place.on("before", command, &["--anchor", &late]);
        assert_eq!(cut.code, 1, "{command}");
        assert!(cut.err.contains("ends before its anchor"), "{command}: {}", cut.err);
        for (log, anchor) in [("before", &early), ("log", &early), ("log", &late)] {
            assert_eq!(place.on(log, command, &["--anchor", anchor]).code, 0, "{command} {log}");
        }
    }
    let proven = place.on("log", "verify", &["--anchor", &early, "--json"]).json();
    assert_eq!((&proven["complete_through"], &proven["head"]), (&json!(head), &second["head"]));
    assert!(!proven.to_string().contains("completeness unproven"));

    // An anchor is not replaced by that of a log that was cut back, nor is anything else.
    let kept = fs::read(&late).unwrap();
    let refused = place.on("before", "anchor", &["--out", &late]);
    assert_eq!((refused.code, fs::read(&late).unwrap()), (1, kept), "{}", refused.err);
    assert_eq!(place.on("log", "anchor", &["--out", &early]).code, 0);
    assert_eq!(fs::read(&early).unwrap(), fs::read(&late).unwrap());
    let notes = place.write("notes", "mine");
    assert_eq!(place.on("log", "anchor", &["--out", &notes]).code, 2);
    assert_eq!(fs::read_to_string(&notes).unwrap(), "mine");
    assert_eq!(place.on("log", "anchor", &["--out", &place.text("no/anchor")]).code, 3);

    // What is no anchor, or another log's, is none for this one.
    assert_eq!(place.on("log", "verify", &["--anchor", &notes]).code, 1);
    assert_eq!(place.on("log", "verify", &["--anchor", &place.text("missing")]).code, 3);
    run_sample(&place, "another", &[]);
    let other = place.on("another", "verify", &["--anchor", &early]);
    assert_eq!(other.code, 1);
    assert!(other.err.contains("another log"), "{}", other.err);
}

#[test]
fn a_torn_tail_is_a_failure_unless_the_log_is_live() {
    let place = Place::new();
    run_sample(&place, "log", &[]);
    let records = place.export("log");
    let last = records.last().unwrap();
    let segment = segment(&place, "log", 1);
    let mut bytes = fs::read(&segment).unwrap();
    bytes.truncate(usize::try_from(last["offset"].as_u64().unwrap()).unwrap() + 50);
    fs::write(&segment, bytes).unwrap();
    for (command, more) in READERS {
        let strict = place.on("log", command, more);
        assert_eq!(strict.code, 1, "{command}");
        assert!(strict.err.contains("torn tail; opening recovers"), "{}", strict.err);
        assert_eq!(place.on("log", command, &[more, &["--live"]].concat()).code, 0, "{command}");
    }
    let live = place.on("log", "verify", &["--live", "--json"]).json();
    assert_eq!((&live["live"], &live["records"]), (&json!(true), &json!(records.len() - 1)));
    assert!(live.to_string().contains("live_tail"));
}

#[test]
fn every_record_has_a_line_in_words() {
    let place = Place::new();
    let report = run_sample(&place, "log", &[]);
    let records = place.export("log");
    let trail = place.on("log", "trail", &[]);
    assert_eq!(trail.code, 0);
    let lines: Vec<&str> = trail.out.lines().collect();
    assert_eq!(lines.len(), records.len());
    for (line, record) in lines.iter().zip(&records) {
        let mut words = line.split_whitespace();
        assert_eq!(words.next(), Some(record["sequence"].to_string().as_str()));
        assert_eq!(words.nth(2), record["kind"].as_str(), "{line}");
    }
    let count = |what: &str| lines.iter().filter(|line| line.contains(what)).count() as u64;
    assert_eq!(count(": admitted "), decisions(&report, "admitted"));
    assert_eq!(count("denied (budget): cost"), decisions(&report, "denied_budget"));
    assert_eq!(count("denied (policy): input_window fits"), decisions(&report, "denied_policy"));
    assert_eq!(count("20,000 µ to account-"), 4);
    assert_eq!(count("80,000 µ to organisation"), 1);
    let entries = place.on("log", "trail", &["--json"]).json();
    let entries = entries.as_array().unwrap();
    assert_eq!(entries.len(), records.len());
    for (entry, line) in entries.iter().zip(&lines) {
        assert!(line.ends_with(entry["what"].as_str().unwrap()), "{entry}");
    }
}

/// The log that the second implementation states by hand, which ends with holds spent in parts.
#[test]
fn what_is_spent_in_parts_is_told_and_adds_up() {
    let place = Place::new();
    copy(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/versions/v1/log")), &place.path("log"));
    let secret: String = (64..112).map(|byte: u8| format!("{byte:02x}")).collect();
    place.write("key", &format!("assize-key-1\nid=7\nsecret={secret}\n"));
    let trail = place.on("log", "trail", &[]).out;
    let told: Vec<&str> = trail.lines().filter(|line| line.contains("part_commit")).collect();
    let expected = [
        "hold 51 spent 300 µ on the host's word, 1,800 µ held, 1,500 µ stays held",
        "hold 55 spent 500 µ on the host's word, 1,800 µ held, 1,300 µ stays held",
        "hold 55 spent 1,800 µ by usage at beta, 500 µ of it in parts before, 1,300 µ held, 0 µ stays held",
        "hold 55 spent 2,000 µ on the host's word, 1,800 µ of it in parts before, 0 µ held, 200 µ booked above it, \
         0 µ stays held",
    ];
    assert_eq!(told.len(), expected.len(), "{trail}");
    for (line, words) in told.iter().zip(expected) {
        assert!(line.ends_with(words), "{line}");
    }
    let last = trail.lines().last().unwrap();
    assert!(last.ends_with("hold 55 spent 1,900 µ on the host's word, 200 µ refunded"), "{last}");
    let last = trail.lines().rev().nth(1).unwrap();
    let words = "hold 55 spent 2,100 µ on the host's word, 2,000 µ of it in parts before, 0 µ held, 100 µ booked above it";
    assert!(last.ends_with(words), "{last}");
    let replayed = place.on("log", "replay", &["--json"]).json();
    let calls = &replayed["calls"];
    assert_eq!((&calls["part_commits_usage"], &calls["part_commits_amount"]), (&json!(1), &json!(3)));
    // What candidates were paid is what is booked at the roots of the paths that they were paid from.
    let candidates = place.on("log", "stat", &["--by", "candidate", "--json"]).json();
    let beta = candidates["candidates"].as_array().unwrap().iter().find(|row| row["name"] == "beta").unwrap();
    // 1,800 and 5,000 before, then 300 of one hold and 2,100 of another, of which 300 were above it in two settlements.
    assert_eq!(
        (&beta["committed_micros"], &beta["commits"]),
        (&json!(1_800 + 4_250 + 300 + 2_100), &json!(4))
    );
    assert_eq!(calls["adjustments"], 1);
    let adjusted = place.on("log", "explain", &["--seq", "60"]).out;
    assert!(adjusted.contains("adjust") && adjusted.contains("org"), "{adjusted}");
    let part = place.on("log", "explain", &["--seq", "58"]).out;
    assert!(part.contains("part_commit") && part.contains("org"), "{part}");
}

#[test]
fn a_decision_is_explained_as_it_was_made() {
    let place = Place::new();
    let more = ["--requested", "alpine/summit-4,cobalt/flare-2", "--grant", "120000"];
    run_sample(&place, "log", &more);
    let records = place.export("log");
    let first = |what: &dyn Fn(&Value) -> bool| {
        let found =
            records.iter().find(|record| record["kind"] == "admission" && what(&record["record"]["outcome"]));
        found.unwrap()["sequence"].to_string()
    };
    let explained = |sequence: &str| place.on("log", "explain", &["--seq", sequence, "--json"]).json();
    let cases = [
        ("admitted", first(&|outcome| outcome["admitted"].is_object())),
        ("admitted", first(&|outcome| outcome["admitted"]["decided"]["decision"]["action"] == "substitute")),
        ("denied_budget", first(&|outcome| outcome["denied_budget"].is_object())),
        ("denied_policy", first(&|outcome| outcome["denied_policy"].is_object())),
    ];
    for (outcome, sequence) in cases {
        let told = explained(&sequence);
        assert_eq!(told["sequence"].to_string(), sequence);
        let decided = &told["record"]["outcome"][outcome]["decided"];
        assert_eq!(told["explanation"]["decision"], decided["decision"], "decided again, the same comes out");
        assert_eq!(told["decision"]["outcome"], outcome);
        assert_eq!(told["decision"]["limit_micros_applied"], decided["limit_micros_applied"]);
        assert_eq!(told["decision"]["binding"].is_string(), outcome == "denied_budget");
        assert_eq!(told["explanation"]["rows"].as_array().unwrap().len(), 12);
        assert_eq!(told["candidates"]["11"], "dune/sirocco-1");
        let moved = told["money"].as_array().unwrap().iter().map(|account| {
            let available = |when: &str| account[when]["available_micros"].as_i64().unwrap();
            assert_eq!(account["before"]["granted_micros"], account["after"]["granted_micros"]);
            available("before") - available("after")
        });
        let cost = decided["decision"]["selected"]["cost_micros"].as_i64().unwrap_or(0);
        assert_eq!(moved.collect::<Vec<_>>(), [cost, cost], "held at the account and at the organisation");
    }

    let page = place
        .on("log", "explain", &["--seq", &first_admission(&records), "--candidate", "dune/sirocco-1"])
        .out;
    for part in
        ["capabilities has_all function_calling", "input_window fits", "disabled", "dune/sirocco-1:", " → "]
    {
        assert!(page.contains(part), "{part:?} in {page}");
    }
    let header = page.lines().find(|line| line.starts_with("candidate ")).unwrap();
    let rows = page.lines().skip_while(|line| *line != header).take_while(|line| !line.is_empty());
    let widths: Vec<usize> = rows.map(|line| line.chars().count()).collect();
    assert_eq!(widths.len(), 13);
    assert!(widths.iter().all(|width| *width == widths[0]), "{page}");
}

/// The sequence of the first admission.
fn first_admission(records: &[Value]) -> String {
    records.iter().find(|record| record["kind"] == "admission").unwrap()["sequence"].to_string()
}

#[test]
fn records_that_decide_nothing_are_explained_by_what_they_moved() {
    let place = Place::new();
    let report = run_sample(&place, "log", &[]);
    let records = place.export("log");
    for kind in ["account", "grant", "commit"] {
        let record = records.iter().find(|record| record["kind"] == kind).unwrap();
        let told = place.on("log", "explain", &["--seq", &record["sequence"].to_string(), "--json"]).json();
        assert_eq!((&told["record"], &told["decision"]), (&record["record"], &Value::Null));
        let money = told["money"].as_array().unwrap();
        assert_eq!(money.len(), if kind == "commit" { 2 } else { 1 });
        let page = place.on("log", "explain", &["--seq", &record["sequence"].to_string()]).out;
        assert!(page.contains(kind) && page.contains(money[0]["name"].as_str().unwrap()), "{page}");
    }
    let last = report["head"]["sequence"].as_u64().unwrap();
    for (sequence, code) in [(last, 0), (last + 1, 2), (0, 2)] {
        let told = place.on("log", "explain", &["--seq", &sequence.to_string()]);
        assert_eq!(told.code, code, "{}", told.err);
        assert!(code == 0 || told.err.contains(&format!("1 to {last}")), "{}", told.err);
    }
    let unknown = place.on("log", "explain", &["--seq", "100", "--candidate", "nobody"]);
    assert_eq!(unknown.code, 2);
}

#[test]
fn utilities_are_explained_term_by_term() {
    let place = Place::new();
    let models = fs::read_to_string(MODELS).unwrap();
    let utility = "[utility]\nrisk_multiplier_bps = 10000\nweights.latency_ms = { micros_per_unit = 1, unknown = 5000 }\n\n[members.";
    let policy = place.write("valued.toml", &models.replacen("[members.", utility, 1));
    assert_eq!(place.run(&policy, TRACE, "log", &usual(&[])).code, 0);
    let records = place.export("log");
    let sequence = first_admission(&records);
    let told = place.on("log", "explain", &["--seq", &sequence, "--json"]).json();
    assert_eq!(told["explanation"]["decision"], decision_of(&records, &sequence));
    let page = place.on("log", "explain", &["--seq", &sequence, "--candidate", "self-hosted/pebble-8b"]).out;
    for part in
        ["utility µ", "gain", "loss by risk", "latency_ms", "1 × 5,000 (unknown, counted so) = 5,000 µ"]
    {
        assert!(page.contains(part), "{part:?} in {page}");
    }
}

#[test]
fn a_decision_is_told_as_it_could_have_been() {
    let place = Place::new();
    run_sample(&place, "log", &["--requested", "alpine/summit-4,cobalt/flare-2", "--grant", "120000"]);
    let records = place.export("log");
    let admitted = records.iter().find(|record| record["record"]["outcome"]["admitted"].is_object()).unwrap();
    let sequence = admitted["sequence"].to_string();
    let decision = decision_of(&records, &sequence);
    let selected = decision["selected"]["candidate"].as_u64().unwrap();

    // By name and by number, the same candidate; with it the winner's slack and what would have passed.
    let asked = ["--seq", &sequence, "--quantity", "output", "--quantity", "input", "--candidate"];
    let told =
        |candidate: &str| place.on("log", "explain", &[&asked[..], &[candidate, "--json"]].concat()).json();
    let by_name = told("dune/sirocco-1");
    assert_eq!(by_name["otherwise"], told("11")["otherwise"]);
    let winnable = &by_name["otherwise"]["what_would_win"][0];
    assert_eq!(winnable["candidate"], 11);
    let lines = winnable["levers"].as_array().unwrap();
    for lever in
        ["enabled", "excluded", "flat fee", "cost limit", "rate of input", "capabilities", "requested"]
    {
        assert!(lines.iter().any(|line| line["name"] == lever), "{lever}: {winnable}");
    }
    assert_eq!(
        lines.iter().find(|line| line["name"] == "enabled").unwrap()["present"]["enabled"]["policy"],
        false
    );
    assert!(lines.iter().all(|line| line["verdict"] != "already_wins"));
    let won = told(&selected.to_string());
    let won = won["otherwise"]["what_would_win"][0]["levers"].as_array().unwrap();
    assert!(won.iter().all(|line| line["verdict"] == "already_wins"));

    let slack = &by_name["otherwise"]["slack"];
    assert_eq!((&slack["selected"], &slack["runner_up"]), (&decision["selected"], &decision["runner_up"]));
    let fee = slack["levers"].as_array().unwrap().iter().find(|line| line["name"] == "flat fee").unwrap();
    let micros = |setting: &Value| setting["micros"].as_u64().unwrap();
    assert_eq!(micros(&fee["last"]) - micros(&fee["present"]), slack["cost_up_micros"].as_u64().unwrap());
    let affordable = by_name["otherwise"]["affordable"].as_array().unwrap();
    assert_eq!(affordable.iter().map(|of| &of["quantity"]).collect::<Vec<_>>(), ["output", "input"]);
    assert!(affordable.iter().all(|of| of["amount"].is_u64() && of["selected"]["cost_micros"].is_u64()));

    // It is disabled, and another is requested: two changes would be needed. The runner-up may be requested instead.
    let runner_up = decision["runner_up"]["candidate"].to_string();
    let both = ["dune/sirocco-1", "--candidate", &runner_up];
    let page = place.on("log", "explain", &[&asked[..], &both].concat()).out;
    for part in [
        "no single change would have dune/sirocco-1 selected",
        "to be selected, any one of:",
        "requested",
        "wins at",
        "stays selected",
        "behind the first in order",
        "up to",
    ] {
        assert!(page.contains(part), "{part:?} in {page}");
    }
    let page = place.on("log", "explain", &[&asked[..], &[&selected.to_string()]].concat()).out;
    assert!(page.contains("is selected as it is"), "{page}");

    // A denial has no slack, and still a way out.
    let denied =
        records.iter().find(|record| record["record"]["outcome"]["denied_policy"].is_object()).unwrap();
    let asked = ["--seq", &denied["sequence"].to_string(), "--quantity", "input"];
    let told = place.on("log", "explain", &[&asked[..], &["--json"]].concat()).json();
    assert_eq!(told["otherwise"]["slack"], Value::Null);
    let amount = told["otherwise"]["affordable"][0]["amount"].as_u64().unwrap();
    let stated = denied["record"]["request"]["quantities"]["input"].as_u64();
    assert!(stated.is_none_or(|stated| amount < stated), "{denied}");
    let page = place.on("log", "explain", &asked).out;
    assert!(!page.contains("stays selected") && page.contains("up to"), "{page}");

    // What decides nothing could not have been otherwise.
    let grant = records.iter().find(|record| record["kind"] == "grant").unwrap()["sequence"].to_string();
    let told = place.on("log", "explain", &["--seq", &grant, "--quantity", "input", "--json"]).json();
    assert_eq!(told["otherwise"], Value::Null);
    for wrong in [["--candidate", "4294967296"], ["--candidate", "99"], ["--quantity", "calls"]] {
        let refused = place.on("log", "explain", &[&["--seq", &sequence][..], &wrong].concat());
        assert_eq!(refused.code, 2, "{wrong:?}: {}", refused.err);
        assert!(refused.err.contains(wrong[0]) && refused.err.contains(wrong[1]), "{}", refused.err);
    }
}

fn decision_of(records: &[Value], sequence: &str) -> Value {
    let record = records.iter().find(|record| record["sequence"].as_u64() == sequence.parse().ok()).unwrap();
    record["record"]["outcome"]["admitted"]["decided"]["decision"].clone()
}

#[test]
fn a_reader_who_goes_away_is_no_error_to_speak_of() {
    let place = Place::new();
    for _ in 0..4 {
        run_sample(&place, "log", &[]);
    }
    for command in ["trail", "export"] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_assize"))
            .args([command, &place.text("log"), "--key", &place.text("key")])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut first = [0; 1];
        let mut out = child.stdout.take().unwrap();
        out.read_exact(&mut first).unwrap();
        drop(out);
        let mut said = String::new();
        child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        assert_eq!((child.wait().unwrap().code(), said.as_str()), (Some(3), ""), "{command}");
    }
}

#[test]
fn usage_errors_are_2() {
    let place = Place::new();
    run_sample(&place, "log", &[]);
    let cases: [(&str, &[&str]); 7] = [
        ("stat", &[]),
        ("stat", &["--by", "week"]),
        ("explain", &[]),
        ("explain", &["--seq", "first"]),
        ("anchor", &[]),
        ("trail", &["extra"]),
        ("verify", &["--anchor"]),
    ];
    for (command, more) in cases {
        let ran = place.on("log", command, more);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{command} {more:?}: {}", ran.err);
    }
    for command in ["run", "verify", "replay", "anchor", "explain", "trail", "stat", "what-if", "export"] {
        assert_eq!(assize(&[command]).code, 2, "{command}");
        assert_eq!(assize(&[command, "--help"]).code, 0, "{command}");
    }
}
