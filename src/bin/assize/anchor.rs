//! `assize anchor`: the head of a verified log as a small file, to be kept elsewhere.

use std::path::{Path, PathBuf};

use assize::{
    crypto::RootKey,
    wal::{
        Anchor,
        storage::{AnchorFileError, read_anchor_file, write_anchor_file},
    },
};
use clap::Args;
use serde::Serialize;

use crate::{
    evidence::{borrowed, verify_against},
    failure::Failure,
    head::Head,
    keys,
    output::{self, Format, Page, Print},
};

/// The arguments of `anchor`.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The log's directory.
    dir: PathBuf,
    /// A root key's file; several where the log's segments are under several, - is standard input.
    #[arg(long = "key", value_name = "KEY", required = true)]
    keys: Vec<PathBuf>,
    /// The anchor file to write. One that is there is replaced if the log still has what it says.
    #[arg(long)]
    out: PathBuf,
}

/// Verifies the log, and writes the anchor of the last record that it says is on disk.
pub(crate) fn run(arguments: &Arguments, format: Format) -> Result<(), Failure> {
    let keys = keys::read_all(&arguments.keys)?;
    let before = existing(&arguments.out, &keys)?;
    let report = verify_against(&arguments.dir, &keys, before)?;
    let anchor = report.summary.synced;
    let storage = |error: assize::wal::storage::StorageError| Failure::storage(&arguments.out, error);
    write_anchor_file(&arguments.out, &anchor).map_err(storage)?;
    let printed = Printed {
        log_id: anchor.log_id().to_string(),
        anchor: Head::of(&anchor),
        head: Head::of(&report.summary.head),
        out: arguments.out.display().to_string(),
    };
    output::print(&printed, format)
}

/// An anchor that stands where the new one goes: a log that does not have it was cut back, or is another one.
fn existing(path: &Path, keys: &[RootKey]) -> Result<Option<Anchor>, Failure> {
    if path.symlink_metadata().is_err() {
        return Ok(None);
    }
    let blamed = |error: AnchorFileError| match error {
        AnchorFileError::Storage(_) => Failure::blamed(error.blame(), path, &error),
        _ => Failure::in_file(path, format_args!("what is there is not replaced: {error}")),
    };
    read_anchor_file(path, &borrowed(keys)).map(Some).map_err(blamed)
}

#[derive(Debug, Serialize)]
struct Printed {
    log_id: String,
    anchor: Head,
    head: Head,
    out: String,
}

impl Print for Printed {
    fn page(&self, page: &mut Page) {
        let mut facts = vec![("log", self.log_id.clone()), ("anchor", self.anchor.to_string())];
        if !self.anchor.is_at(&self.head) {
            facts.push(("head", format!("{}; what is after the anchor may not be on disk", self.head)));
        }
        facts.push(("written", self.out.clone()));
        page.facts(&facts);
    }
}
