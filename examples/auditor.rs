//! An auditor's run: replays a log that it is given, record by record, and says what it proves and what not.
//!
//! `cargo run --release --example auditor -- LOG_DIRECTORY KEY_FILE [ANCHOR_FILE]`
#![allow(clippy::arithmetic_side_effects, reason = "the numbers of an example are small")]

use std::{env, error::Error, process::ExitCode};

use assize::{
    audit::{self, AuditOptions, Observer, Step},
    record::Record,
    wal::storage::{Directory, read_anchor_file, read_key_file},
};

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let arguments: Vec<_> = env::args_os().skip(1).collect();
    let (log, key, anchor) = match arguments.as_slice() {
        [log, key] => (log, key, None),
        [log, key, anchor] => (log, key, Some(anchor)),
        _ => return Err("usage: auditor LOG_DIRECTORY KEY_FILE [ANCHOR_FILE]".into()),
    };
    let key = read_key_file(key)?;
    let mut denials = Denials::default();
    let mut options = AuditOptions::default();
    options.read.anchor = anchor.map(|file| read_anchor_file(file, &[&key])).transpose()?;
    options.observer = Some(&mut denials);

    // Nothing is written, nothing is locked: the evidence may be on read-only media.
    match audit::replay(&Directory::new(log), &[&key], options) {
        Ok(report) => {
            println!("every decision and every balance of {} records holds", report.summary.records);
            println!("admitted {}, denied {}", report.calls.admitted, denials.seen);
            println!("ledger {}", report.ledger);
            for open in &report.not_proven {
                println!("not proven: {open}");
            }
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => {
            println!("the evidence does not hold: {error}");
            Ok(ExitCode::from(1))
        }
    }
}

/// Counts admissions that were denied, as they pass.
#[derive(Default)]
struct Denials {
    seen: u64,
}

impl Observer for Denials {
    fn after(&mut self, step: &Step<'_>) {
        if let Record::Admission(call) = step.record
            && call.outcome.decided().is_none_or(|decided| decided.decision.selected.is_none())
        {
            self.seen += 1;
        }
    }
}
