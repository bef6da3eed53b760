//! `assize policy import-litellm` at the edges: what is malformed, missing, zero, or stated twice.
#![cfg(feature = "cli")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test stops at the first surprise"
)]

#[path = "cli/command.rs"]
mod command;
#[path = "cli/import.rs"]
#[allow(dead_code, reason = "shared with the tests of whole lists")]
mod import;

use import::{Folder, IO, candidate, import, read, shown};
use serde_json::{Value, json};

/// Fields of an entry, why it is disabled, its cards, and what is listed of it.
type Edge = (&'static str, &'static str, &'static str, &'static str, &'static [&'static str]);

const PAIR: &str = "0:1000000/2000000";

#[rustfmt::skip]
const EDGES: [Edge; 48] = [
    ("string_price", r#""input_cost_per_token":"1e-06","output_cost_per_token":2e-06"#, "", PAIR, &[]),
    ("null_price", r#""input_cost_per_token":null,"output_cost_per_token":2e-06"#, "unpriced", "", &["partial_price_dropped"]),
    ("bool_price", r#""input_cost_per_token":true,"output_cost_per_token":2e-06"#, "unpriced", "", &["malformed_price", "partial_price_dropped", "partial_price_dropped"]),
    ("negative", r#""input_cost_per_token":-1e-06,"output_cost_per_token":2e-06"#, "unpriced", "", &["malformed_price", "partial_price_dropped", "partial_price_dropped"]),
    ("nan_string", r#""input_cost_per_token":"NaN","output_cost_per_token":2e-06"#, "unpriced", "", &["malformed_price", "partial_price_dropped", "partial_price_dropped"]),
    ("tiny", r#""input_cost_per_token":1e-400,"output_cost_per_token":1e-13"#, "", "0:1/1", &["rounded", "rounded"]),
    ("huge", r#""input_cost_per_token":1e400,"output_cost_per_token":1"#, "unpriced", "", &["malformed_price", "partial_price_dropped", "partial_price_dropped"]),
    ("u64max", r#""input_cost_per_token":18446744.073709551615,"output_cost_per_token":1"#, "", "0:18446744073709551615/1000000000000", &[]),
    ("u64over", r#""input_cost_per_token":18446744.073709551616,"output_cost_per_token":1"#, "unpriced", "", &["malformed_price", "partial_price_dropped", "partial_price_dropped"]),
    ("neg_zero", r#""input_cost_per_token":-0.0,"output_cost_per_token":1e-06"#, "zero_rate", "0:0/1000000", &[]),
    ("alias_only", r#"IO,"input_cost_per_token_cache_hit":1e-07"#, "", "0:1000000/2000000 cached_input=100000", &[]),
    ("alias_differs", r#"IO,"input_cost_per_token_cache_hit":1e-07,"cache_read_input_token_cost":2e-07"#, "", "0:1000000/2000000 cached_input=200000", &["alias_differs"]),
    ("alias_same", r#"IO,"input_cost_per_token_cache_hit":1e-07,"cache_read_input_token_cost":0.0000001"#, "", "0:1000000/2000000 cached_input=100000", &[]),
    ("alias_malformed", r#"IO,"input_cost_per_token_cache_hit":[],"cache_read_input_token_cost":1e-07"#, "unpriced", "", &["malformed_price", "partial_price_dropped", "partial_price_dropped", "partial_price_dropped"]),
    ("tiers_from_1", r#""tiered_pricing":[T(32000,64000,1e-06)]"#, "unpriced", "", &["partial_price_dropped"]),
    ("tiers_from_1_with_pair", r#"IO,"tiered_pricing":[T(32000,64000,3e-06)]"#, "", "0:1000000/2000000 | 32000:3000000/2000000", &[]),
    ("tiers_gap", r#""tiered_pricing":[T(0,32000,1e-06),T(64000,128000,1e-06)]"#, "unpriced", "", &["malformed_price", "partial_price_dropped"]),
    ("tiers_overlap", r#""tiered_pricing":[T(0,32000,1e-06),T(16000,128000,1e-06)]"#, "unpriced", "", &["malformed_price", "partial_price_dropped"]),
    ("tiers_empty_range", r#""tiered_pricing":[T(5,5,1e-06)]"#, "unpriced", "", &["malformed_price", "partial_price_dropped"]),
    ("tiers_half_range", r#""tiered_pricing":[T(0,0.5,1e-06)]"#, "unpriced", "", &["malformed_price", "partial_price_dropped"]),
    ("tiers_no_list", r#"IO,"tiered_pricing":{"range":[0,1]}"#, "unpriced", "", &["malformed_price", "partial_price_dropped", "partial_price_dropped", "partial_price_dropped"]),
    ("tiers_unsorted", r#""tiered_pricing":[T(32000.0,64000,3e-06),T(0,32000,1e-06)]"#, "", "0:1000000/2000000 | 32000:3000000/2000000", &[]),
    ("tier_without_output", r#""output_cost_per_token":5e-06,"tiered_pricing":[{"range":[0,32000],"input_cost_per_token":1e-06},T(32000,64000,1e-06)]"#, "", "0:1000000/5000000 | 32000:1000000/2000000", &[]),
    ("tier_without_any_output", r#""tiered_pricing":[{"range":[0,32000],"input_cost_per_token":1e-06}]"#, "unpriced", "", &["malformed_price", "partial_price_dropped"]),
    ("tier_without_input", r#""tiered_pricing":[{"range":[0,32000],"output_cost_per_token":1e-06}]"#, "unpriced", "", &["malformed_price", "partial_price_dropped"]),
    ("tier_field", r#""tiered_pricing":[{"range":[0,32000],"input_cost_per_token":1e-06,"output_cost_per_token":2e-06,"note":"x"}]"#, "", PAIR, &["tier_fields_ignored"]),
    ("five_tiers", r#""tiered_pricing":[T(0,1,1e-06),T(1,2,1e-06),T(2,3,1e-06),T(3,4,1e-06),T(4,5,1e-06)]"#, "unpriced", "", &["malformed_price", "partial_price_dropped"]),
    ("tier_0_differs", r#"IO,"tiered_pricing":[T(0,32000,3e-06)]"#, "", "0:3000000/2000000", &["base_differs_from_tier_0"]),
    ("empty_tiers", r#""tiered_pricing":[]"#, "unpriced", "", &[]),
    ("both", r#"IO,"tiered_pricing":[T(0,32000,1e-06),T(32000,64000,1e-06)],"input_cost_per_token_above_128k_tokens":9e-06"#, "unpriced", "", &["malformed_price", "partial_price_dropped", "partial_price_dropped", "partial_price_dropped", "partial_price_dropped"]),
    ("above_without_k", r#"IO,"input_cost_per_token_above_500_tokens":3e-06"#, "", "0:1000000/2000000 | 500:3000000/2000000", &[]),
    ("above_twice", r#"IO,"input_cost_per_token_above_1k_tokens":3e-06,"input_cost_per_token_above_1000_tokens":4e-06"#, "unpriced", "", &["malformed_price", "partial_price_dropped", "partial_price_dropped", "partial_price_dropped", "partial_price_dropped"]),
    ("above_0", r#"IO,"input_cost_per_token_above_0k_tokens":3e-06"#, "unpriced", "", &["malformed_price", "partial_price_dropped", "partial_price_dropped", "partial_price_dropped"]),
    ("above_too_much", r#"IO,"input_cost_per_token_above_18446744073709552k_tokens":3e-06"#, "unpriced", "", &["malformed_price", "partial_price_dropped", "partial_price_dropped", "partial_price_dropped"]),
    ("above_cached_only", r#"IO,"cache_read_input_token_cost_above_200k_tokens":3e-07"#, "", "0:1000000/2000000 | 200000:1000000/2000000 cached_input=300000", &[]),
    ("above_without_base", r#""input_cost_per_token_above_200k_tokens":3e-06,"output_cost_per_token_above_200k_tokens":3e-06"#, "unpriced", "", &["partial_price_dropped", "partial_price_dropped"]),
    ("above_zero_output", r#"IO,"output_cost_per_token_above_200k_tokens":0"#, "zero_rate", "0:1000000/2000000 | 200000:1000000/0", &[]),
    ("zero_fee", r#""input_cost_per_token":0,"output_cost_per_token":2e-06,"input_cost_per_request":0"#, "zero_rate", "0:0/2000000", &[]),
    ("tiny_fee", r#""input_cost_per_token":0,"output_cost_per_token":2e-06,"input_cost_per_request":0.0000001"#, "", "0:0/2000000 fee=1", &["rounded"]),
    ("zero_cached", r#"IO,"cache_read_input_token_cost":0.0"#, "", PAIR, &["zero_side_rate"]),
    ("zero_reasoning", r#"IO,"output_cost_per_reasoning_token":0"#, "", PAIR, &["zero_side_rate"]),
    ("bad_date", r#"IO,"deprecation_date":"2026-02-30""#, "deprecated", PAIR, &["malformed_date"]),
    ("no_date", r#"IO,"deprecation_date":20261124"#, "deprecated", PAIR, &["malformed_date"]),
    ("day_after", r#"IO,"deprecation_date":"2026-11-24""#, "", PAIR, &[]),
    ("no_modalities", r#"IO,"supported_output_modalities":[]"#, "no_text_output", PAIR, &[]),
    ("odd_modalities", r#"IO,"supported_output_modalities":"text""#, "no_text_output", PAIR, &[]),
    ("null_modalities", r#"IO,"supported_output_modalities":null"#, "", PAIR, &[]),
    ("all_at_once", r#""input_cost_per_token":-1,"supported_output_modalities":["image"],"deprecation_date":"soon","max_input_tokens":0.5,"max_output_tokens":0,"supports_vision":"true","something":1"#, "unpriced no_text_output deprecated", "", &["malformed_date", "malformed_flag", "malformed_price", "malformed_window", "partial_price_dropped", "unknown_fields", "zero_window"]),
];

/// `T(low,high,input)` stands for a tier with an output rate of 2e-06.
fn spelled_out(fields: &str) -> String {
    let mut parts = fields.split("T(");
    let mut text = parts.next().unwrap().replace("IO", IO);
    for part in parts {
        let (tier, rest) = part.split_once(')').unwrap();
        let tier: Vec<_> = tier.split(',').collect();
        let [low, high, input] = tier.as_slice() else { panic!("{part}") };
        text += &format!(
            r#"{{"range":[{low},{high}],"input_cost_per_token":{input},"output_cost_per_token":2e-06}}{rest}"#
        );
    }
    text
}

#[test]
fn edges_are_decided_as_stated() {
    let folder = Folder::new();
    let entry = |(name, fields, ..): &Edge| {
        format!(r#""{name}": {{"mode":"chat","litellm_provider":"p",{}}}"#, spelled_out(fields))
    };
    let text = format!("{{{}}}", EDGES.iter().map(entry).collect::<Vec<_>>().join(",\n"));
    let (prices, out) = (folder.write("prices.json", &text), folder.path("out.json"));
    let report = import(&prices, &out, &[]).json();
    let policy = read(&out);
    for (name, _, disabled, cards, lists) in EDGES {
        let candidate = candidate(&policy, name);
        let is = |row: &&Value| row["model"] == name;
        let reasons = report["disabled"]["models"].as_array().unwrap().iter().find(is);
        let reasons = reasons.into_iter().flat_map(|row| row["reasons"].as_array().unwrap());
        let reasons: Vec<_> = reasons.map(|reason| reason.as_str().unwrap()).collect();
        assert_eq!(reasons.join(" "), disabled, "{name}");
        assert_eq!(candidate.get("enabled") != Some(&json!(false)), disabled.is_empty(), "{name}");
        assert_eq!(shown(candidate), cards, "{name}");
        let in_list = |(list, rows): (&String, &Value)| {
            vec![list.clone(); rows.as_array().unwrap().iter().filter(is).count()]
        };
        let mut listed: Vec<_> = report["lists"].as_object().unwrap().iter().flat_map(in_list).collect();
        let rounded = report["rounded_up"].as_array().unwrap().iter().filter(is).count();
        listed.extend(vec!["rounded".to_owned(); rounded]);
        assert_eq!(listed, lists, "{name}");
    }
}

#[test]
fn facts_that_are_no_prices() {
    let folder = Folder::new();
    let text = format!(
        r#"{{
            "windows": {{"mode":"chat","litellm_provider":"p",{IO},"max_input_tokens":"128000","max_output_tokens":4096.0}},
            "flags": {{"mode":"chat","litellm_provider":"",{IO},"supports_vision":true,"supports_":true}},
            "nested": {{"mode":"chat","litellm_provider":7,{IO},"metadata":{{"supports_vision":true}}}},
            "not-an-entry": ["chat"],
            "not-a-mode": {{"mode":["chat"],{IO}}}
        }}"#
    );
    let (prices, out) = (folder.write("prices.json", &text), folder.path("out.json"));
    let report = import(&prices, &out, &[]).json();
    let policy = read(&out);
    let values = |name| &candidate(&policy, name)["values"];
    assert_eq!(
        *values("windows"),
        json!({"capabilities": [], "input_window": 128_000, "output_window": 4096, "provider": "p"})
    );
    assert_eq!(*values("flags"), json!({"capabilities": ["vision"]}));
    assert_eq!(*values("nested"), json!({"capabilities": []}));
    assert_eq!(report["lists"]["no_provider"], json!([{"model": "flags"}, {"model": "nested"}]));
    assert_eq!(report["lists"]["malformed_flag"], json!([{"model": "flags", "what": "supports_=true"}]));
    assert_eq!(report["not_chat"], json!({"(not an object)": 1, "(not a text)": 1}));
}
