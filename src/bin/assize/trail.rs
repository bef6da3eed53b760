//! `assize trail`: a log as people read it, a line a record.

use assize::audit::{Observer, Step};
use clap::Args;
use serde::Serialize;

use crate::{
    evidence::Evidence,
    failure::Failure,
    instant::Shown,
    lines::{Item, Lines},
    output::Format,
    tell::tell,
};

/// The arguments of `trail`.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    evidence: Evidence,
}

/// Prints each record as soon as it is verified, decided again and applied.
pub(crate) fn run(arguments: &Arguments, format: Format) -> Result<(), Failure> {
    let mut trail = Trail { lines: Lines::new(), format, told: String::new(), next: Item::First };
    trail.open();
    let replayed = arguments.evidence.replay(&mut trail);
    if replayed.is_ok() {
        trail.close();
    }
    let written = trail.lines.finish();
    let _report = replayed?;
    written
}

struct Trail {
    lines: Lines,
    format: Format,
    told: String,
    next: Item,
}

/// One record of the list that machines get.
#[derive(Serialize)]
struct Entry<'a> {
    sequence: u64,
    effective_ns: i64,
    kind: &'static str,
    what: &'a str,
}

impl Trail {
    fn open(&mut self) {
        if self.format == Format::Json {
            self.lines.line("[");
        }
    }

    /// Of a log that fails the list is never closed: what is no document cannot be taken for a whole one.
    fn close(&mut self) {
        if self.format == Format::Json {
            self.lines.line(if self.next == Item::First { "]" } else { "\n]" });
        }
    }
}

impl Observer for Trail {
    fn before(&mut self, step: &Step<'_>) {
        self.told = tell(step.ledger, step.record);
    }

    fn after(&mut self, step: &Step<'_>) {
        let (sequence, kind) = (step.frame.sequence.0, step.record.kind());
        let what = self.told.as_str();
        match self.format {
            Format::Text => {
                let at = Shown(step.frame.effective);
                self.lines.line(&format!("{sequence:>8}  {at}  {kind:<16}  {what}"));
            }
            Format::Json => {
                let entry =
                    Entry { sequence, effective_ns: step.frame.effective.0, kind: kind.as_str(), what };
                self.lines.item(&entry, self.next);
            }
        }
        self.next = Item::Later;
    }
}
