//! `assize trail`: a log as people read it, a line a record.

use assize::audit::{Observer, Step};
use clap::Args;
use serde::Serialize;

use crate::{
    evidence::Evidence,
    failure::Failure,
    instant::Shown,
    lines::{Item, Lines},
    moves::{Moves, Watch},
    output::Format,
    tell::tell,
};

/// The arguments of `trail`.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    evidence: Evidence,
    /// Show below each record what it did at each cell that it touched; machines are always told.
    #[arg(long)]
    cells: bool,
}

/// Prints each record as soon as it is verified, decided again and applied.
pub(crate) fn run(arguments: &Arguments, format: Format) -> Result<(), Failure> {
    let mut trail = Trail {
        lines: Lines::new(),
        format,
        cells: arguments.cells,
        told: String::new(),
        watch: None,
        next: Item::First,
    };
    trail.open();
    let replayed = arguments.evidence.look(&mut trail);
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
    cells: bool,
    told: String,
    watch: Option<Watch>,
    next: Item,
}

/// One record of the list that machines get.
#[derive(Serialize)]
struct Entry<'a> {
    sequence: u64,
    effective_ns: i64,
    kind: &'static str,
    what: &'a str,
    #[serde(flatten)]
    moves: &'a Moves,
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
        self.told = tell(step.ledger, step.record, step.frame.effective);
        self.watch = Some(Watch::before(step));
    }

    fn after(&mut self, step: &Step<'_>) {
        let (sequence, kind) = (step.frame.sequence.0, step.record.kind());
        let moves = self.watch.take().map(|watch| watch.after(step)).unwrap_or_default();
        for told in moves.told() {
            self.told.push_str(&format!("; {told}"));
        }
        let what = self.told.as_str();
        match self.format {
            Format::Text => {
                let at = Shown(step.frame.effective);
                self.lines.line(&format!("{sequence:>8}  {at}  {kind:<16}  {what}"));
                for moved in moves.cells.iter().filter(|_| self.cells) {
                    self.lines.line(&format!("{:>10}{}", "", moved.told()));
                }
            }
            Format::Json => {
                let effective_ns = step.frame.effective.0;
                let entry = Entry { sequence, effective_ns, kind: kind.as_str(), what, moves: &moves };
                self.lines.item(&entry, self.next);
            }
        }
        self.next = Item::Later;
    }
}
