//! Imports a price list, and looks into the policy that it becomes.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::command::{Ran, assize};

/// The price list of the tests' own.
pub(crate) const SAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/prices.json");

/// The base pair of most entries here.
pub(crate) const IO: &str = r#""input_cost_per_token":1e-06,"output_cost_per_token":2e-06"#;

/// A folder for one test's files.
pub(crate) struct Folder(pub(crate) TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, text).unwrap();
        path
    }
}

pub(crate) fn import(prices: &Path, out: &Path, more: &[&str]) -> Ran {
    let mut arguments = vec!["policy", "import-litellm", prices.to_str().unwrap()];
    arguments.extend(["--out", out.to_str().unwrap(), "--json"]);
    if !more.contains(&"--as-of") {
        arguments.extend(["--as-of", "2026-11-23"]);
    }
    arguments.extend(more);
    let mut ran = assize(&arguments);
    if ran.code != 0 && ran.err.starts_with('{') {
        let error: Value = serde_json::from_str(&ran.err).unwrap();
        assert_eq!(error["exit"], ran.code);
        ran.err = error["error"].as_str().unwrap().to_owned();
    }
    ran
}

pub(crate) fn read(path: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

pub(crate) fn candidate<'a>(policy: &'a Value, name: &str) -> &'a Value {
    let candidates = policy["candidates"].as_array().unwrap();
    candidates.iter().find(|candidate| candidate["name"] == name).unwrap_or_else(|| panic!("no {name}"))
}

/// `above:input/output quantity=rate …`, cards separated by ` | `, and the fee.
pub(crate) fn shown(candidate: &Value) -> String {
    let card = |card: &Value| {
        let mut rates = card["rates"].as_object().unwrap().clone();
        let (input, output) = (rates.remove("input").unwrap(), rates.remove("output").unwrap());
        let rest: String = rates.iter().map(|(name, rate)| format!(" {name}={rate}")).collect();
        format!("{}:{input}/{output}{rest}", card["above"])
    };
    // A document writes one base card as its rates alone.
    let base = candidate.get("rates").map(|rates| json!([{"above": 0, "rates": rates}]));
    let cards = base.as_ref().or(candidate.get("cards")).and_then(Value::as_array).into_iter().flatten();
    let fee = candidate.get("flat_fee_micros").map(|fee| format!(" fee={fee}")).unwrap_or_default();
    cards.map(card).collect::<Vec<_>>().join(" | ") + &fee
}
