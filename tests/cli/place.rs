//! A folder in which traces are run into logs, and logs are read.

use std::{fs, path::PathBuf};

use serde_json::Value;
use tempfile::TempDir;

use crate::command::{Ran, assize};

/// A folder with a key.
pub(crate) struct Place(TempDir);

impl Place {
    pub(crate) fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        place.draw_key("key", 7);
        place
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> String {
        fs::write(self.path(name), text).unwrap();
        self.text(name)
    }

    pub(crate) fn draw_key(&self, name: &str, id: u32) {
        let drawn = assize(&["keygen", "--out", &self.text(name), "--id", &id.to_string()]);
        assert_eq!(drawn.code, 0, "{}", drawn.err);
    }

    /// Runs a trace under a policy into the log of that name.
    pub(crate) fn run(&self, policy: &str, trace: &str, log: &str, more: &[&str]) -> Ran {
        let (log, key) = (self.text(log), self.text("key"));
        let fixed = ["run", "--policy", policy, "--trace", trace, "--log", &log, "--key", &key];
        assize(&[&fixed, more].concat())
    }

    /// A command on the log of that name.
    pub(crate) fn on(&self, log: &str, command: &str, more: &[&str]) -> Ran {
        let (log, key) = (self.text(log), self.text("key"));
        assize(&[&[command, log.as_str(), "--key", key.as_str()], more].concat())
    }

    /// The records of the log of that name, decoded.
    pub(crate) fn export(&self, log: &str) -> Vec<Value> {
        let ran = self.on(log, "export", &[]);
        assert_eq!(ran.code, 0, "{}", ran.err);
        ran.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

/// Requests of a run by outcome.
pub(crate) fn decisions(report: &Value, outcome: &str) -> u64 {
    let rows = report["decisions"].as_array().unwrap().iter();
    rows.filter(|row| row["outcome"] == outcome).map(|row| row["count"].as_u64().unwrap()).sum()
}
