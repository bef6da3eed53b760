//! `assize prune`: the oldest segments of a log deleted, after a record that names what is kept.

use std::{num::NonZeroU32, path::PathBuf};

use assize::{
    controller::{Call, Controller, Fault, NotRetained, OpenError, OpenOptions, Opened},
    num::Timestamp,
    wal::{Blame, Keep, Retained, storage::Directory},
};
use clap::Args;
use serde::Serialize;

use crate::{
    failure::Failure,
    head::Head,
    instant,
    keys::Written,
    output::{self, Format, Page, Print, grouped},
};

/// The arguments of `prune`.
#[derive(Debug, Args)]
#[command(after_long_help = RULES)]
pub(crate) struct Arguments {
    /// The log's directory. Nobody else may be writing to it.
    dir: PathBuf,
    /// The root key's file; - is standard input.
    #[arg(long, required_unless_present = "state", conflicts_with = "state")]
    key: Option<PathBuf>,
    /// The state of the evolving key that the log is written under.
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    #[command(flatten)]
    keep: Kept,
}

/// What is to stay.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Kept {
    /// Keep so many of the last segments.
    #[arg(long, value_name = "COUNT")]
    keep_segments: Option<NonZeroU32>,
    /// Keep every record of that time and later, and what its segment has before it: YYYY-MM-DD HH:MM:SS, UTC.
    #[arg(long, value_name = "INSTANT", value_parser = since)]
    keep_since: Option<Timestamp>,
}

/// What the arguments do not say.
const RULES: &str = "\
Segments are deleted whole, the last one never. Before that, a record that names the first one kept is written and synced,
at the log's own time. What is deleted can be proven no more: the log is on the word of its first checkpoint from then on,
and whatever reads it says so. An anchor in a deleted segment holds for it no more: make a new one first. To keep what is
deleted, copy the directory before, and verify the copy.";

fn since(text: &str) -> Result<Timestamp, String> {
    instant::parse(text).map_err(|error| error.to_string())
}

/// Opens the log as a writer does, and deletes what is not to stay.
pub(crate) fn run(arguments: &Arguments, format: Format) -> Result<(), Failure> {
    let Arguments { dir, key, state, keep } = arguments;
    let key = Written { root: key.as_deref(), state: state.as_deref() }.load()?;
    let opened = Controller::open(Box::new(Directory::new(dir)), OpenOptions::new(key, Timestamp(0)));
    let Opened { controller, .. } = opened.map_err(|error| {
        let blame = match &error {
            OpenError::Log(error) => error.blame(),
            _ => Blame::Evidence,
        };
        Failure::blamed(blame, dir, &error)
    })?;
    let fault = |fault: Fault| Failure::fault(dir, &fault);
    let at = controller.stats().map_err(fault)?.log_time;
    let retained = controller.retain(keep.keep(), Call::at(at)).map_err(|error| match error {
        NotRetained::Faulted(error) => fault(error),
        NotRetained::Log(error) => Failure::blamed(error.blame(), dir, &error),
    })?;
    let anchor = controller.drain().map_err(fault)?;
    let printed = Printed {
        log: dir.display().to_string(),
        log_id: anchor.log_id().to_string(),
        retained,
        head: Head::of(&anchor),
    };
    output::print(&printed, format)
}

impl Kept {
    fn keep(&self) -> Keep {
        match (self.keep_segments, self.keep_since) {
            (Some(count), _) => Keep::Segments(count),
            (None, Some(since)) => Keep::Since(since),
            // One of them is required; keeping everything is what nothing would ask for.
            (None, None) => Keep::Segments(NonZeroU32::MAX),
        }
    }
}

#[derive(Debug, Serialize)]
struct Printed {
    log: String,
    log_id: String,
    #[serde(flatten)]
    retained: Retained,
    head: Head,
}

impl Print for Printed {
    fn page(&self, page: &mut Page) {
        let Retained { retention, sequence, removed } = &self.retained;
        let mut facts =
            vec![("log", format!("{}, {}", self.log, self.log_id)), ("segments deleted", grouped(removed))];
        facts.push(match retention {
            None => ("kept", "everything".to_owned()),
            Some(kept) => {
                ("kept", format!("from segment {}, after record {}", kept.first_segment, kept.through))
            }
        });
        facts.extend(sequence.map(|sequence| ("recorded", format!("as record {sequence}"))));
        facts.push(("head", self.head.to_string()));
        page.facts(&facts);
    }
}
