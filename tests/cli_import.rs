//! `assize policy import-litellm`: every rule of the import, over the command itself.
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
mod import;

use std::{
    fs,
    path::{Path, PathBuf},
};

use command::{assize, data};
use import::{Folder, IO, SAMPLE, candidate, import, read, shown};
use serde_json::{Value, json};

/// Entries, chat models, with a pair, with tiers alone, unpriced, enabled, of them with function calling.
fn counts(report: &Value) -> [u64; 7] {
    let fields =
        ["entries", "chat", "base_pair", "tiers_only", "unpriced", "enabled", "enabled_function_calling"];
    fields.map(|field| report[field].as_u64().unwrap())
}

/// Models that each reason holds for: unpriced, zero rate, no text output, deprecated.
fn reasons(report: &Value) -> [u64; 4] {
    let rows = report["disabled"]["reasons"].as_array().unwrap();
    ["unpriced", "zero_rate", "no_text_output", "deprecated"]
        .map(|reason| rows.iter().find(|row| row["reason"] == reason).unwrap()["models"].as_u64().unwrap())
}

/// Arguments, the counts, and the models that each reason holds for.
type Row = (&'static [&'static str], [u64; 7], [u64; 4]);

const SAMPLE_ROWS: [Row; 6] = [
    (&["--as-of", "2026-11-23"], [24, 18, 13, 2, 3, 10, 6], [3, 2, 1, 2]),
    (&["--as-of", "2026-11-22"], [24, 18, 13, 2, 3, 11, 7], [3, 2, 1, 1]),
    (&["--as-of", "2026-07-23"], [24, 18, 13, 2, 3, 12, 8], [3, 2, 1, 0]),
    (&["--free", "cumulus"], [24, 18, 13, 2, 3, 12, 7], [3, 0, 1, 2]),
    (&["--free", "cumulus/embed"], [24, 18, 13, 2, 3, 11, 6], [3, 1, 1, 2]),
    (&["--free", "borealis"], [24, 18, 13, 2, 3, 10, 6], [3, 2, 1, 2]),
];

const REAL_ROWS: [Row; 8] = [
    (&["--as-of", "2026-11-23"], [4553, 3265, 3125, 49, 91, 2765, 2142], [91, 91, 8, 321]),
    (&["--as-of", "2026-11-18"], [4553, 3265, 3125, 49, 91, 2795, 2160], [91, 91, 8, 291]),
    (&["--as-of", "2026-11-19"], [4553, 3265, 3125, 49, 91, 2765, 2142], [91, 91, 8, 321]),
    (&["--as-of", "9999-12-31"], [4553, 3265, 3125, 49, 91, 2415, 1849], [91, 91, 8, 678]),
    (&["--free", "ollama"], [4553, 3265, 3125, 49, 91, 2786, 2155], [91, 70, 8, 321]),
    (&["--free", "gemini"], [4553, 3265, 3125, 49, 91, 2771, 2148], [91, 79, 8, 321]),
    (&["--free", "azure_ai/model_router"], [4553, 3265, 3125, 49, 91, 2766, 2142], [91, 90, 8, 321]),
    (&["--free", "deepseek"], [4553, 3265, 3125, 49, 91, 2765, 2142], [91, 91, 8, 321]),
];

#[test]
fn a_list_is_counted_by_the_rules() {
    let real = data().map(|folder| (folder.join("litellm_model_prices.json"), REAL_ROWS.as_slice()));
    let sample = (PathBuf::from(SAMPLE), SAMPLE_ROWS.as_slice());
    for (prices, rows) in [Some(sample), real].into_iter().flatten() {
        for (at, (arguments, expected, disabled)) in rows.iter().enumerate() {
            let folder = Folder::new();
            let report = import(&prices, &folder.path(&format!("{at}.toml")), arguments).json();
            assert_eq!(counts(&report), *expected, "{arguments:?}");
            assert_eq!(reasons(&report), *disabled, "{arguments:?}");
        }
    }
}

#[test]
fn nothing_is_dropped_unseen() {
    let folder = Folder::new();
    let report = import(Path::new(SAMPLE), &folder.path("out.toml"), &[]).json();
    let places = report["no_place"].as_array().unwrap().iter();
    let places: Vec<_> = places
        .map(|row| {
            (
                row["category"].as_str().unwrap(),
                row["fields"].as_u64().unwrap(),
                row["models"].as_u64().unwrap(),
            )
        })
        .collect();
    let expected = [
        ("service_tier", 3, 2),
        ("cache_ttl", 2, 1),
        ("search", 1, 1),
        ("audio", 2, 2),
        ("video", 1, 1),
        ("second", 2, 1),
        ("off_peak", 1, 1),
        ("multiplier", 1, 1),
        ("dbu", 1, 1),
        ("citation", 1, 1),
    ];
    assert_eq!(places, expected);
    assert_eq!(report["no_price"], json!({"fields": 3, "models": 2}));
    let modes = json!({
        "(none)": 2, "embedding": 1, "image_generation": 1, "one of: chat, embedding, compl": 1, "responses": 1
    });
    assert_eq!(report["not_chat"], modes);
    let rounded = json!([
        {"model": "borealis/off-peak", "field": "input_cost_per_token", "published": "2.857142857142857e-07", "written": 285_715},
        {"model": "borealis/pair-and-tiers", "field": "tiered_pricing[0].input_cost_per_token", "published": "4.0000000000000003e-07", "written": 400_001},
        {"model": "borealis/pair-and-tiers", "field": "tiered_pricing[0].output_cost_per_token", "published": "1.6000000000000001e-06", "written": 1_600_001},
    ]);
    assert_eq!(report["rounded_up"], rounded);
    let lists = report["lists"].as_object().unwrap();
    let filled: Vec<_> = lists.iter().filter(|(_, list)| **list != json!([])).collect();
    assert_eq!(filled.len(), 3, "{filled:?}");
    assert_eq!(
        lists["partial_price_dropped"],
        json!([{"model": "borealis/video", "what": "output_cost_per_token=7.5e-06"}])
    );
    assert_eq!(
        lists["zero_side_rate"],
        json!([{"model": "borealis/off-peak", "what": "cache_write above 0"}])
    );
    assert_eq!(lists["zero_window"].as_array().unwrap().len(), 2);
    assert!(report["caveat"].as_str().unwrap().contains("below what is charged"));
}

#[test]
fn a_model_becomes_a_candidate() {
    let folder = Folder::new();
    let out = folder.path("out.json");
    import(Path::new(SAMPLE), &out, &[]).json();
    let policy = read(&out);
    assert_eq!(policy["schema"], json!("llm-1"));
    assert_eq!((policy.get("utility"), &policy["epoch"]), (None, &json!(1)));
    let names: Vec<_> =
        policy["candidates"].as_array().unwrap().iter().map(|row| row["name"].as_str().unwrap()).collect();
    assert!(names.is_sorted() && names.len() == 18, "ids follow the bytes of the names: {names:?}");

    let large = candidate(&policy, "acme/large");
    assert_eq!(large["id"], json!(1));
    assert_eq!(large["values"]["provider"], json!("acme"));
    assert_eq!(large["values"]["input_window"], json!(1_000_000));
    assert_eq!(large["values"]["capabilities"], json!(["function_calling", "prompt_caching", "reasoning"]));
    let cards = json!([
        {"above": 0, "rates": {"input": 3_000_000, "cached_input": 300_000, "cache_write": 3_750_000, "output": 15_000_000}},
        {"above": 200_000, "rates": {"input": 6_000_000, "cached_input": 600_000, "cache_write": 7_500_000, "output": 22_500_000}},
    ]);
    assert_eq!(large["cards"], cards);
    let steps = json!([
        {"above": 0, "rates": {"input": 43_500, "cached_input": 8100, "output": 188_600}},
        {"above": 32_000, "rates": {"input": 135_000, "output": 540_000}},
        {"above": 256_000, "rates": {"input": 270_000, "output": 1_080_000}},
    ]);
    assert_eq!(candidate(&policy, "acme/steps")["cards"], steps);
    assert_eq!(candidate(&policy, "borealis/max")["cards"].as_array().unwrap().len(), 4);
    assert_eq!(candidate(&policy, "borealis/online")["flat_fee_micros"], json!(5000));
    // Nothing stated is an empty set, which is known; a window that is not stated is unknown.
    assert_eq!(candidate(&policy, "small")["values"], json!({"provider": "cumulus", "capabilities": []}));
    let unpriced = candidate(&policy, "cumulus/unlisted");
    assert_eq!((shown(unpriced).as_str(), &unpriced["enabled"]), ("", &json!(false)));
}

fn entry(name: &str, provider: &str, more: &str) -> String {
    format!(r#""{name}": {{"mode":"chat","litellm_provider":"{provider}",{IO}{more}}}"#)
}

#[test]
fn numbers_stay_under_update() {
    let folder = Folder::new();
    let list = |name: &str, entries: &[String]| folder.write(name, &format!("{{{}}}", entries.join(",")));
    let vision = r#","supports_vision":true"#;
    let first = list("1.json", &[entry("b", "q", vision), entry("d", "p", r#","max_input_tokens":9"#)]);
    let second = list(
        "2.json",
        &[entry("a", "o", r#","supports_audio_input":true"#), entry("d", "p", ""), entry("e", "q", "")],
    );
    let columns = folder.write(
        "columns.csv",
        "name,quality_bps,latency_ms,risk_ceiling_bps,regions\nb,9000,80,5000,eu|us\nd,8000,70,,us\n",
    );

    let out = folder.path("policy.json");
    let out_text = out.to_str().unwrap();
    import(&first, &out, &["--columns", columns.to_str().unwrap()]).json();
    let one = read(&out);
    assert_eq!(one["members"]["provider"], json!({"p": 1, "q": 2}));
    assert_eq!(one["members"]["region"], json!({"eu": 1, "us": 2}));
    let utility = json!({"risk_multiplier_bps": 10_000, "weights": {"latency_ms": {"micros_per_unit": 1}}});
    assert_eq!(one["utility"], utility);

    let report = import(&second, &out, &["--update", out_text]).json();
    assert_eq!(
        report["update"],
        json!({"new": ["a", "e"], "vanished": ["b"], "enabled": [], "disabled": []})
    );
    let two = read(&out);
    assert_eq!((&two["epoch"], &two["utility"]), (&json!(2), &utility));
    let ids = |policy: &Value| {
        let rows = policy["candidates"].as_array().unwrap().clone();
        rows.iter()
            .map(|row| (row["id"].as_u64().unwrap(), row["name"].as_str().unwrap().to_owned()))
            .collect::<Vec<_>>()
    };
    let named =
        |pairs: &[(u64, &str)]| pairs.iter().map(|(id, name)| (*id, (*name).to_owned())).collect::<Vec<_>>();
    assert_eq!(ids(&one), named(&[(1, "b"), (2, "d")]));
    assert_eq!(ids(&two), named(&[(1, "b"), (2, "d"), (3, "a"), (4, "e")]));
    assert_eq!(two["members"]["provider"], json!({"p": 1, "q": 2, "o": 3}));
    assert_eq!(two["members"]["capabilities"], json!({"vision": 1, "audio_input": 2}));
    // What vanished keeps all it had, disabled; what stays is read anew, beside the user's own columns.
    let mut gone = candidate(&one, "b").clone();
    gone["enabled"] = json!(false);
    assert_eq!(*candidate(&two, "b"), gone);
    let stays =
        json!({"capabilities": [], "latency_ms": 70, "provider": "p", "quality": 8000, "region": ["us"]});
    assert_eq!(candidate(&two, "d")["values"], stays);

    // What comes back is enabled again, under its number.
    let report = import(&first, &folder.path("3.json.json"), &["--update", out_text]).json();
    assert_eq!(
        report["update"],
        json!({"new": [], "vanished": ["a", "e"], "enabled": ["b"], "disabled": []})
    );
    let three = read(&folder.path("3.json.json"));
    assert_eq!(ids(&three), ids(&two));
    assert_eq!(candidate(&three, "b")["values"], candidate(&one, "b")["values"]);
    assert_eq!(candidate(&three, "b").get("enabled"), None);
    assert_eq!(three["epoch"], json!(3));
}

#[test]
fn columns_are_the_users_word() {
    let folder = Folder::new();
    let list = |name: &str, entries: &[String]| folder.write(name, &format!("{{{}}}", entries.join(",")));
    let both = list("both.json", &[entry("b", "p", ""), entry("d", "p", "")]);
    let one_left = list("left.json", &[entry("d", "p", "")]);
    let columns = |name: &str, rows: &str| {
        let text = format!("name,quality_bps,latency_ms,risk_ceiling_bps,regions\n{rows}");
        folder.write(name, &text).to_str().unwrap().to_owned()
    };
    let out = folder.path("policy.json");
    let out_text = out.to_str().unwrap();

    // No latency is stated, so that none is weighed: it would make every model ineligible.
    let first = columns("1.csv", "b,9000,,,eu\nd,8000,,10000,\n");
    let report = import(&both, &out, &["--columns", &first]).json();
    assert_eq!((&report["order"], &report["columns"]), (&json!("utility"), &json!({"models": 2})));
    let one = read(&out);
    let weights = one["utility"].get("weights").cloned().unwrap_or(json!({}));
    assert_eq!((&one["utility"]["risk_multiplier_bps"], weights), (&json!(10_000), json!({})));

    // Stated anew, they are what the file says, also of what is no longer listed; the utility is the user's.
    let second = columns("2.csv", "b,7000,5,,us|eu\n");
    import(&one_left, &out, &["--update", out_text, "--columns", &second]).json();
    let two = read(&out);
    assert_eq!(two["utility"], one["utility"]);
    assert_eq!(two["members"]["region"], json!({"eu": 1, "us": 2}));
    let gone = json!({"capabilities": [], "latency_ms": 5, "provider": "p", "quality": 7000, "region": ["eu", "us"]});
    assert_eq!((&candidate(&two, "b")["values"], &candidate(&two, "b")["enabled"]), (&gone, &json!(false)));
    assert_eq!(candidate(&two, "d")["values"], json!({"capabilities": [], "provider": "p"}));
}

#[test]
fn toml_and_json_say_the_same() {
    let folder = Folder::new();
    let (toml, json) = (folder.path("p.toml"), folder.path("p.json"));
    let one = import(Path::new(SAMPLE), &toml, &[]).json();
    let other = import(Path::new(SAMPLE), &json, &[]).json();
    assert_eq!(one["digest"], other["digest"]);
    for path in [toml, json] {
        let ran = assize(&["policy", "digest", path.to_str().unwrap()]);
        assert_eq!((ran.code, ran.out.trim_end()), (0, one["digest"].as_str().unwrap()));
    }
}

#[test]
fn a_report_for_people_has_the_same_counts() {
    let folder = Folder::new();
    let out = folder.path("p.toml");
    let ran = assize(&[
        "policy",
        "import-litellm",
        SAMPLE,
        "--out",
        out.to_str().unwrap(),
        "--as-of",
        "2026-11-23",
    ]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    for line in [
        "as of    2026-11-23",
        "chat models                  18",
        "  with function calling       6",
        "rounded up to a whole micro-unit: 3",
    ] {
        assert!(ran.out.lines().any(|seen| seen == line), "{line:?} in\n{}", ran.out);
    }
}

#[test]
fn nothing_is_overwritten_and_nothing_is_left_behind() {
    let folder = Folder::new();
    let out = folder.write("p.toml", "mine");
    let before = || fs::read_dir(folder.0.path()).unwrap().count();
    let files = before();
    let ran = import(Path::new(SAMPLE), &out, &[]);
    assert_eq!(ran.code, 2, "{}", ran.err);
    assert!(ran.err.contains("is not overwritten"), "{}", ran.err);
    assert_eq!((fs::read_to_string(&out).unwrap().as_str(), before()), ("mine", files));

    let old = folder.path("old.toml");
    import(Path::new(SAMPLE), &old, &[]).json();
    let ran = import(Path::new(SAMPLE), &out, &["--update", old.to_str().unwrap()]);
    assert_eq!((ran.code, fs::read_to_string(&out).unwrap().as_str()), (2, "mine"));
    assert_eq!(
        import(Path::new(SAMPLE), &old, &["--update", old.to_str().unwrap()]).json()["epoch"],
        json!(2)
    );
    let ran = import(Path::new(SAMPLE), &folder.path("no/such/folder.toml"), &[]);
    assert_eq!(ran.code, 3, "{}", ran.err);
    assert_eq!(before(), files + 1);
}

#[test]
fn what_is_refused() {
    let folder = Folder::new();
    let sample = fs::read_to_string(SAMPLE).unwrap();
    let header = "name,quality_bps,latency_ms,risk_ceiling_bps,regions";
    let columns = |rows: &str| {
        folder
            .write(&format!("{}.csv", rows.len()), &format!("{header}\n{rows}"))
            .to_str()
            .unwrap()
            .to_owned()
    };
    let unknown = columns("acme/small,1,,,\nacme/typo,1,,,\n");
    let above = columns("acme/small,10001,,,\n");
    let standard = folder.write(
        "standard.json",
        r#"{"format": 1, "name": "s", "epoch": 1, "schema": "standard-1", "candidates": [{"id": 1, "name": "m"}]}"#,
    );
    let standard = standard.to_str().unwrap().to_owned();
    let twice = sample.replacen("\"acme/paint\"", "\"acme/small\"", 1);
    let nested = sample.replacen("\"supports_vision\": true", "\"mode\": \"chat\"", 1);
    let cut = sample.split_at(sample.len() / 2).0.to_owned();
    let long = format!(r#"{{"{}": {{"mode":"chat",{IO}}}}}"#, "n".repeat(129));
    let cases: [(&str, &[&str], i32, &str); 14] = [
        (&sample, &["--as-of", "2026-02-30"], 2, "no day of the calendar"),
        (&sample, &["--as-of", "soon"], 2, "no day of the calendar"),
        (&sample, &["--free", "acme/typo"], 2, "--free acme/typo"),
        (&sample, &["--free", "acme/paint"], 2, "--free acme/paint"),
        (&sample, &["--columns", &unknown], 2, ".csv: line 3: there is no model \"acme/typo\""),
        (&sample, &["--columns", &above], 2, "line 2: quality_bps is 10001"),
        (&sample, &["--columns", "/nowhere/columns.csv"], 3, "/nowhere/columns.csv"),
        (&sample, &["--update", "/nowhere/old.toml"], 3, "/nowhere/old.toml"),
        (&sample, &["--update", &standard], 2, "standard.json: the schema is \"standard-1\""),
        (&twice, &[], 2, "twice in one object"),
        (&nested, &[], 2, "twice in one object"),
        (&cut, &[], 2, "EOF"),
        ("{}", &[], 2, "no chat model"),
        (&long, &[], 2, "128"),
    ];
    for (text, arguments, code, expected) in cases {
        let prices = folder.write("prices.json", text);
        let out = folder.path("out.toml");
        let ran = import(&prices, &out, arguments);
        assert_eq!(ran.code, code, "{arguments:?}: {}", ran.err);
        assert!(ran.err.contains(expected), "{expected:?} in {}", ran.err);
        assert!(ran.out.is_empty() && !out.exists(), "{arguments:?}");
    }
    assert_eq!(import(Path::new("/nowhere.json"), &folder.path("out.toml"), &[]).code, 3);
}
