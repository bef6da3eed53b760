//! The main job on real input: a public trace of LLM requests through the public price list, under budgets. The
//! input is found through the variable `ASSIZE_DATA`; without it these tests say so and pass.
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

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use agree::assert_agreed;
use command::{assize, data};
use place::{Place, decisions};
use serde_json::{Value, json};

/// Where the price list and the trace are.
struct Real {
    prices: PathBuf,
    trace: PathBuf,
}

impl Real {
    fn find() -> Option<Self> {
        let Some(folder) = data() else {
            println!("ASSIZE_DATA is not set: the real trace is left out");
            return None;
        };
        let file = |name: &str| folder.join(name);
        Some(Self { prices: file("litellm_model_prices.json"), trace: file("azure_llm_trace_conv_2023.csv") })
    }

    /// Imports the price list as of a fixed day.
    fn import(&self, place: &Place, name: &str, more: &[&str]) -> String {
        let (prices, out) = (self.prices.to_str().unwrap(), place.text(name));
        let fixed = ["policy", "import-litellm", prices, "--out", &out, "--as-of", "2026-11-23"];
        let imported = assize(&[&fixed, more].concat());
        assert_eq!(imported.code, 0, "{}", imported.err);
        out
    }

    fn trace(&self) -> &str {
        self.trace.to_str().unwrap()
    }
}

/// The rows of the public trace.
const ROWS: u64 = 19_366;

fn run(place: &Place, policy: &str, trace: &str, log: &str, more: &[&str]) -> Value {
    let fixed = ["--require", "function_calling", "--accounts", "40", "--json"];
    place.run(policy, trace, log, &[&fixed, more].concat()).json()
}

/// What must hold of every run: each row decided once, each hold ended, some of both, and money that adds up.
fn assert_whole(place: &Place, log: &str, report: &Value, rows: u64) {
    let outcomes = ["admitted", "denied_policy", "denied_budget", "denied_halted"];
    let [admitted, _, denied_budget, _] = outcomes.map(|outcome| decisions(report, outcome));
    assert_eq!(outcomes.map(|outcome| decisions(report, outcome)).iter().sum::<u64>(), rows);
    assert!(admitted > 0 && denied_budget > 0, "{}", report["decisions"]);
    assert_eq!(report["settled"]["commits"], admitted);
    for level in report["money"].as_array().unwrap() {
        assert!(level["committed_micros"].as_u64().unwrap() > 0);
        assert_eq!(level["reserved_micros"], 0);
    }
    assert_agreed(place, log, report);
}

#[test]
fn the_whole_trace_is_decided_held_settled_and_proved() {
    let Some(real) = Real::find() else { return };
    let place = Place::new();
    let policy = real.import(&place, "policy.toml", &[]);
    let report = |level: &str, trace: &str| {
        run(&place, &policy, trace, level, &["--grant", "10000", "--level", level])
    };
    let queued = report("queued", real.trace());
    assert_whole(&place, "queued", &queued, ROWS);
    let written = report("written", real.trace());
    assert_whole(&place, "written", &written, ROWS);
    for same in ["ledger_digest", "decisions", "candidates", "settled", "money"] {
        assert_eq!(queued[same], written[same], "{same}");
    }
    // Each answer at this level waits for the disk: a part of the trace takes as long as the whole at the others.
    let part = first_rows(&real.trace, &place, 1000);
    let synced = run(&place, &policy, &part, "synced", &["--grant", "500", "--level", "synced"]);
    assert_whole(&place, "synced", &synced, 1000);
}

#[test]
fn overruns_are_booked_as_far_as_there_is_money() {
    let Some(real) = Real::find() else { return };
    let place = Place::new();
    let policy = real.import(&place, "policy.toml", &[]);
    let more = ["--grant", "5000", "--output-max", "200", "--level", "queued"];
    let report = run(&place, &policy, real.trace(), "log", &more);
    assert_whole(&place, "log", &report, ROWS);
    let count = |field: &str| report["settled"][field].as_u64().unwrap();
    assert!(count("overruns") > 1000 && count("overrun_booked_micros") > 0, "{}", report["settled"]);
    let unfunded = count("overrun_micros") - count("overrun_booked_micros");
    assert_eq!(count("unfunded_micros"), unfunded);
    assert_eq!(report["money"][0]["unfunded_micros"], unfunded);
}

#[test]
fn what_an_account_cannot_pay_is_substituted_by_utility() {
    let Some(real) = Real::find() else { return };
    let place = Place::new();
    let columns = columns(&real.prices, &place);
    let policy = real.import(&place, "policy.json", &["--columns", &columns]);
    let read: Value = serde_json::from_str(&fs::read_to_string(&policy).unwrap()).unwrap();
    assert!(read["utility"].is_object(), "the user's columns bring a utility");
    let more = ["--grant", "400000", "--requested", dearest(&read), "--level", "queued"];
    let report = run(&place, &policy, real.trace(), "log", &more);
    assert_whole(&place, "log", &report, ROWS);
    assert!(report["candidates"].as_array().unwrap().len() > 1);

    let substituted = place.export("log").into_iter().find(|record| {
        let decided = &record["record"]["outcome"]["admitted"]["decided"];
        decided["limit_micros_applied"].is_u64() && decided["decision"]["action"] == "substitute"
    });
    let substituted = substituted.expect("a second decision under a tight account substitutes");
    let decided = &substituted["record"]["outcome"]["admitted"]["decided"];
    assert!(decided["decision"]["selected"]["utility_micros"].as_i64().unwrap() > 0);
}

/// The enabled candidate that is taken to be the best.
fn dearest(policy: &Value) -> &str {
    let candidates = policy["candidates"].as_array().unwrap().iter();
    let enabled = candidates.filter(|candidate| candidate["enabled"] != json!(false));
    let best = enabled.max_by_key(|candidate| candidate["values"]["quality"].as_u64());
    best.unwrap()["name"].as_str().unwrap()
}

/// The first rows of a trace, as a file.
fn first_rows(trace: &Path, place: &Place, rows: usize) -> String {
    let text = fs::read_to_string(trace).unwrap();
    let lines: Vec<&str> = text.split_inclusive('\n').take(rows + 1).collect();
    place.write("part.csv", &lines.concat())
}

/// Columns of one's own for every chat model that calls functions and has a price: the dearer its answers, the better
/// and the slower it is taken to be.
fn columns(prices: &Path, place: &Place) -> String {
    let prices: Value = serde_json::from_str(&fs::read_to_string(prices).unwrap()).unwrap();
    let mut models: Vec<(&String, f64)> = Vec::new();
    for (name, entry) in prices.as_object().unwrap() {
        let chat = entry["mode"] == "chat" && entry["supports_function_calling"] == json!(true);
        let output = entry["output_cost_per_token"].as_f64().filter(|rate| *rate > 0.0);
        if let (true, Some(output), false) = (chat, output, name.contains(',')) {
            models.push((name, output));
        }
    }
    models.sort_by(|(a, dear), (b, dearer)| dear.total_cmp(dearer).then(a.cmp(b)));
    let mut csv = "name,quality_bps,latency_ms,risk_ceiling_bps,regions\n".to_owned();
    let count = models.len();
    for (place, (name, _)) in models.into_iter().enumerate() {
        let (quality, latency) = (5000 + 4900 * place / count, 100 + 900 * place / count);
        writeln!(csv, "{name},{quality},{latency},{},us|eu", 2000 + place % 8000).unwrap();
    }
    place.write("columns.csv", &csv)
}
