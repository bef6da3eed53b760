//! A log decided again under another policy, from the command line.
#![cfg(feature = "cli")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::type_complexity,
    reason = "a test stops at the first surprise"
)]
#![allow(dead_code, reason = "other tests use the rest of what is included")]

#[path = "cli/command.rs"]
mod command;

#[path = "cli/place.rs"]
mod place;

#[path = "cli/sample.rs"]
mod sample;

use std::fs;

use place::{Place, decisions};
use sample::{MODELS, run_sample, turn};
use serde_json::{Value, json};

/// The candidate that serves most of the sample trace.
const PEBBLE: &str = "self-hosted/pebble-8b";

/// The sample catalog, changed and written beside the log.
fn changed(place: &Place, file: &str, from: &str, to: &str) -> String {
    let models = fs::read_to_string(MODELS).unwrap();
    let text = models.replacen(from, to, 1);
    assert_ne!(text, models, "{from:?} is in the sample catalog");
    place.write(file, &text)
}

/// The sample catalog without its favourite.
fn without_pebble(place: &Place) -> String {
    let name = format!("name = \"{PEBBLE}\"\n");
    changed(place, "without.toml", &name, &format!("{name}enabled = false\n"))
}

fn told(place: &Place, policy: &str, more: &[&str]) -> Value {
    place.on("log", "what-if", &[&["--policy", policy, "--json"], more].concat()).json()
}

/// Requests that changed so.
fn count(told: &Value, change: &str) -> u64 {
    let rows = told["decisions"].as_array().unwrap().iter();
    rows.filter(|row| row["change"] == change).map(|row| row["count"].as_u64().unwrap()).sum()
}

#[test]
fn under_the_same_policy_nothing_would_have_changed() {
    let place = Place::new();
    let report = run_sample(&place, "log", &[]);
    let outcomes = ["admitted", "denied_policy", "denied_budget"].map(|outcome| decisions(&report, outcome));
    for budgets in ["recorded", "simulated"] {
        let told = told(&place, MODELS, &["--budgets", budgets]);
        assert_eq!((&told["holds"], &told["budgets"]), (&json!(true), &json!(budgets)));
        let rows = told["decisions"].as_array().unwrap();
        let same: Vec<u64> = rows.iter().map(|row| row["count"].as_u64().unwrap()).collect();
        assert_eq!(same, outcomes);
        for (row, class) in rows.iter().zip(["admitted", "denied_policy", "denied_budget"]) {
            assert_eq!(
                (&row["change"], &row["then"], &row["now"]),
                (&json!("same"), &json!(class), &json!(class))
            );
        }
        for sums in [&told["money"]["held"], &told["money"]["spent"]] {
            assert_eq!((&sums["difference_micros"], &sums["then_micros"]), (&json!(0), &sums["now_micros"]));
        }
        assert_eq!((&told["accounts"], &told["accounts_changed"]), (&json!([]), &json!(0)));
        assert_eq!(told["replay"]["head"], report["head"]);
        assert_eq!(told["policy"]["digest"], report["policy"]["digest"]);
    }
    let page = place.on("log", "what-if", &["--policy", MODELS]).out;
    assert!(page.starts_with("the log holds; what the other policy would have changed is an estimate\n"));
    for part in ["assumed:", "not proven:", "- completeness unproven", "money, µ", PEBBLE] {
        assert!(page.contains(part), "{part:?} in {page}");
    }
    assert!(!page.contains("now denied") && !page.contains("not decided again"), "{page}");
}

#[test]
fn a_candidate_that_is_off_gives_way_to_others() {
    let place = Place::new();
    let report = run_sample(&place, "log", &["--grant", "4000000000"]);
    let policy = without_pebble(&place);
    let admitted = decisions(&report, "admitted");
    let recorded = told(&place, &policy, &[]);
    assert_eq!(count(&recorded, "other_candidate") + count(&recorded, "denied"), admitted);
    assert!(count(&recorded, "other_candidate") > 200);
    let row = |told: &Value, name: &str| {
        let rows = told["candidates"].as_array().unwrap();
        rows.iter().find(|row| row["name"] == name).unwrap().clone()
    };
    let pebble = row(&recorded, PEBBLE);
    assert_eq!((&pebble["selected_then"], &pebble["lost"]), (&json!(admitted), &json!(admitted)));
    assert_eq!((&pebble["selected_now"], &pebble["gained"]), (&json!(0), &json!(0)));
    let gained = recorded["candidates"].as_array().unwrap().iter().map(|row| row["gained"].as_u64().unwrap());
    assert_eq!(gained.sum::<u64>(), count(&recorded, "other_candidate"));
    assert!(recorded["money"]["spent"]["difference_micros"].as_i64().unwrap() > 0);
    // Four accounts and the organisation above them; those listed are the most affected.
    assert_eq!(recorded["accounts_changed"], 5);
    assert_eq!(recorded["accounts"][0]["name"], "organisation");
    let differences = recorded["accounts"].as_array().unwrap().iter();
    let differences: Vec<i64> =
        differences.map(|row| row["spent"]["difference_micros"].as_i64().unwrap().abs()).collect();
    assert!(differences.is_sorted_by(|a, b| a >= b), "{differences:?}");
    assert_eq!(differences[0], differences[1..].iter().sum::<i64>());

    let page = place.on("log", "what-if", &["--policy", &policy, "--top", "2"]).out;
    for part in ["other candidate", "and 3 more; --top shows more of them", "organisation", PEBBLE] {
        assert!(page.contains(part), "{part:?} in {page}");
    }
    let table = page.lines().skip_while(|line| !line.starts_with("account ")).take(3);
    let widths: Vec<usize> = table.map(|line| line.chars().count()).collect();
    assert!(widths.len() == 3 && widths.iter().all(|width| *width == widths[0]), "{page}");
    assert_eq!(told(&place, &policy, &["--top", "2"])["accounts"].as_array().unwrap().len(), 2);
}

#[test]
fn dearer_prices_exhaust_simulated_accounts() {
    let place = Place::new();
    run_sample(&place, "log", &["--grant", "8000"]);
    let policy = without_pebble(&place);
    let recorded = told(&place, &policy, &[]);
    let simulated = told(&place, &policy, &["--budgets", "simulated"]);
    let denied = |told: &Value| {
        let rows = told["decisions"].as_array().unwrap().iter();
        rows.filter(|row| row["now"] == "denied_budget")
            .map(|row| row["count"].as_u64().unwrap())
            .sum::<u64>()
    };
    assert!(denied(&simulated) > denied(&recorded), "{} > {}", denied(&simulated), denied(&recorded));
    assert!(count(&simulated, "denied") > 50 && count(&recorded, "denied") == 0);
    let what = |told: &Value| {
        let list = told["assumptions"].as_array().unwrap();
        list.iter().map(|one| one["what"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert!(what(&simulated).contains(&"simulated_budgets".to_owned()));
    assert!(what(&recorded).contains(&"recorded_limits".to_owned()));
}

#[test]
fn what_cannot_be_decided_again_is_listed() {
    let place = Place::new();
    let report = run_sample(&place, "log", &[]);
    let policy = changed(&place, "sure.toml", "\n[members.", "\n[limits]\nrisk_hard_bps = 9000\n\n[members.");
    let told = told(&place, &policy, &[]);
    let all: u64 =
        ["admitted", "denied_policy", "denied_budget"].map(|of| decisions(&report, of)).iter().sum();
    assert_eq!(count(&told, "undecided"), all);
    let row = &told["undecided"].as_array().unwrap()[0];
    assert_eq!((&row["cause"], &row["count"]), (&json!("risk_missing"), &json!(all)));
    assert_eq!(told["money"]["held"]["difference_micros"], 0);
    let page = place.on("log", "what-if", &["--policy", &policy]).out;
    assert!(page.contains("the risk is not stated"), "{page}");
}

#[test]
fn whose_fault_it_is_says_the_exit_code() {
    let place = Place::new();
    run_sample(&place, "log", &[]);
    turn(&place, "log", "turned", 2_000);
    let other = place.write(
        "other.toml",
        "format = 1\nname = \"other\"\nepoch = 1\nschema = \"standard-1\"\n\n[[candidates]]\nid = 1\nname = \"one\"\n",
    );
    let broken = place.write("broken.toml", "format = 1\n");
    let missing = place.text("missing.toml");
    let cases: [(&str, &str, &[&str], i32, &[&str]); 8] = [
        ("log", MODELS, &[], 0, &[]),
        ("log", &other, &[], 2, &["standard-1", "llm-1", "tagged"]),
        ("log", &broken, &[], 2, &["broken.toml"]),
        ("log", &missing, &[], 3, &["missing.toml"]),
        ("log", MODELS, &["--budgets", "guessed"], 2, &["guessed"]),
        ("log", MODELS, &["--top", "0"], 2, &["--top"]),
        ("turned", MODELS, &[], 1, &["the evidence does not hold"]),
        ("nowhere", MODELS, &[], 3, &["nowhere"]),
    ];
    for (log, policy, more, code, said) in cases {
        let ran = place.on(log, "what-if", &[&["--policy", policy], more].concat());
        assert_eq!(ran.code, code, "{log} {policy}: {}", ran.err);
        assert_eq!(ran.out.is_empty(), code != 0, "{log} {policy}: {}", ran.out);
        for part in said {
            assert!(ran.err.contains(part), "{part:?} in {}", ran.err);
        }
    }
    let log = (place.text("log"), place.text("key"));
    assert_eq!(command::assize(&["what-if", &log.0, "--key", &log.1]).code, 2);
    let said = place.on("log", "what-if", &["--policy", &other, "--json"]);
    let error: Value = serde_json::from_str(&said.err).unwrap();
    assert_eq!(error["exit"], 2);
}
