//! `assize export`: every record of a log, decoded, one JSON document a line.

use assize::{
    audit::{Observer, Step},
    record::Record,
};
use clap::Args;
use serde::Serialize;

use crate::{evidence::Evidence, failure::Failure, lines::Lines};

/// The arguments of `export`.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    evidence: Evidence,
}

/// Prints each record as soon as it is verified, decided again and applied.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let mut exporter = Exporter { lines: Lines::new() };
    let replayed = arguments.evidence.look(&mut exporter);
    let written = exporter.lines.finish();
    let _report = replayed?;
    written
}

struct Exporter {
    lines: Lines,
}

/// One line. Gates, quantities and accounts are numbers here, as they are in the log.
#[derive(Serialize)]
struct Line<'a> {
    sequence: u64,
    effective_ns: i64,
    caller_ns: i64,
    segment: u32,
    offset: u64,
    kind: &'static str,
    record: &'a Record,
}

impl Observer for Exporter {
    fn after(&mut self, step: &Step<'_>) {
        let line = Line {
            sequence: step.frame.sequence.0,
            effective_ns: step.frame.effective.0,
            caller_ns: step.frame.caller.0,
            segment: step.at.segment,
            offset: step.at.offset,
            kind: step.record.kind().as_str(),
            record: step.record,
        };
        self.lines.json(&line);
    }
}
