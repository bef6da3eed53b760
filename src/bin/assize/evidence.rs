//! A log as a command reads it: whatever is shown of it was verified, and a log that fails is said to.

use std::{
    io::{self, Write as _},
    num::NonZeroUsize,
    path::{Path, PathBuf},
};

use assize::{
    audit::{
        self, AuditError, AuditOptions, Budgets, NotProven, Observer, Progress, ReplayReport, Step, Threads,
        VerifyReport, WhatIfError, WhatIfOptions, WhatIfReport,
    },
    crypto::RootKey,
    ledger::Ledger,
    policy::Policy,
    wal::{
        Anchor, ReadOptions, Tags, Tail,
        storage::{AnchorFileError, Directory, read_anchor_file},
    },
};
use clap::Args;
use indicatif::ProgressBar;

use crate::{bar, failure::Failure, keys};

/// Which log, and what it is held to.
#[derive(Debug, Args)]
pub(crate) struct Evidence {
    /// The log's directory.
    dir: PathBuf,
    /// A root key's file; several where the log's segments are under several, - is standard input.
    #[arg(long = "key", value_name = "KEY", required_unless_present = "unkeyed")]
    keys: Vec<PathBuf>,
    /// The log has no key, and shows accidents alone; one with a key is refused.
    #[arg(long, conflicts_with_all = ["keys", "anchor"])]
    unkeyed: bool,
    /// An anchor that the log must have: without one, nobody can tell whether records were cut off its end.
    #[arg(long, value_name = "FILE")]
    anchor: Option<PathBuf>,
    /// How many of its segments are read at once, each of them with a ledger of its own in a replay; as many as there
    /// are cores, but no more than 8, unless it is said. What looks at each record reads them in order, one by one.
    #[arg(long, value_name = "COUNT")]
    threads: Option<NonZeroUsize>,
    /// The log is being written: reading ends at the last whole record, and a torn tail is no failure.
    #[arg(long)]
    live: bool,
}

impl Evidence {
    /// Verifies the chain.
    pub(crate) fn verify(&self) -> Result<VerifyReport, Failure> {
        let keys = keys::read_all(&self.keys)?;
        let mut watched = Watched { bar: bar::bytes(), observer: None };
        let read = self.read_options(&keys)?;
        let options = AuditOptions { read, observer: Some(&mut watched), threads: self.threads() };
        let report = audit::verify(&Directory::new(&self.dir), &borrowed(&keys), options);
        watched.bar.finish_and_clear();
        report.map_err(|error| self.failed(&error))
    }

    /// Replays the log; `observer` looks on.
    pub(crate) fn replay(&self, observer: &mut dyn Observer) -> Result<ReplayReport, Failure> {
        let keys = keys::read_all(&self.keys)?;
        let mut watched = Watched { bar: bar::bytes(), observer: Some(observer) };
        let read = self.read_options(&keys)?;
        let options = AuditOptions { read, observer: Some(&mut watched), threads: self.threads() };
        let report = audit::replay(&Directory::new(&self.dir), &borrowed(&keys), options);
        watched.bar.finish_and_clear();
        report.map_err(|error| self.failed(&error))
    }

    /// Replays the log for a command that shows a part of what is in it; of a log that was pruned, where that begins is
    /// said on standard error.
    pub(crate) fn look(&self, observer: &mut dyn Observer) -> Result<ReplayReport, Failure> {
        let report = self.replay(observer)?;
        if let Some(what) = report.not_proven.iter().find(|what| matches!(what, NotProven::Pruned { .. })) {
            // Where standard error cannot be written, what is asked for is shown all the same.
            writeln!(io::stderr(), "assize: {}: not proven: {what}", self.name()).unwrap_or_default();
        }
        Ok(report)
    }

    /// Replays the log, and decides it again under another policy, which was read from `path`.
    pub(crate) fn what_if(
        &self,
        policy: &Policy,
        path: &Path,
        (budgets, accounts_max): (Budgets, usize),
    ) -> Result<WhatIfReport, Failure> {
        let keys = keys::read_all(&self.keys)?;
        let mut watched = Watched { bar: bar::bytes(), observer: None };
        let read = self.read_options(&keys)?;
        let audit = AuditOptions { read, observer: Some(&mut watched), threads: self.threads() };
        let options = WhatIfOptions { audit, budgets, accounts_max: Some(accounts_max) };
        let report = audit::what_if(&Directory::new(&self.dir), &borrowed(&keys), policy, options);
        watched.bar.finish_and_clear();
        report.map_err(|error| match error {
            WhatIfError::Audit(error) => self.failed(&error),
            error => Failure::blamed(error.blame(), path, &error),
        })
    }

    /// The log's directory, as it was given.
    pub(crate) fn name(&self) -> String {
        self.dir.display().to_string()
    }

    fn read_options(&self, keys: &[RootKey]) -> Result<ReadOptions, Failure> {
        let anchor = self.anchor.as_deref().map(|path| {
            let blamed = |error: AnchorFileError| Failure::blamed(error.blame(), path, &error);
            read_anchor_file(path, &borrowed(keys)).map_err(blamed)
        });
        let tail = if self.live { Tail::Live } else { Tail::Strict };
        let tags = if self.unkeyed { Tags::Unkeyed } else { Tags::Keyed };
        Ok(ReadOptions { tail, tags, anchor: anchor.transpose()?, ..ReadOptions::default() })
    }

    fn threads(&self) -> Threads {
        self.threads.map_or_else(usual_threads, Threads)
    }

    fn failed(&self, error: &AuditError) -> Failure {
        Failure::audit(&self.dir, error)
    }
}

/// Verifies a log's chain, holding it to an anchor that is at hand.
pub(crate) fn verify_against(
    dir: &Path,
    keys: &[RootKey],
    anchor: Option<Anchor>,
) -> Result<VerifyReport, Failure> {
    let read = ReadOptions { anchor, ..ReadOptions::default() };
    let options = AuditOptions { read, threads: usual_threads(), ..AuditOptions::default() };
    let report = audit::verify(&Directory::new(dir), &borrowed(keys), options);
    report.map_err(|error| Failure::audit(dir, &error))
}

/// A replay has a ledger for each.
fn usual_threads() -> Threads {
    Threads(Threads::available().0.min(THREADS_USUAL))
}

const THREADS_USUAL: NonZeroUsize = NonZeroUsize::new(8).unwrap();

/// Keys as the library takes them.
pub(crate) fn borrowed(keys: &[RootKey]) -> Vec<&RootKey> {
    keys.iter().collect()
}

/// Shows how far the reading is, and passes everything on.
struct Watched<'a> {
    bar: ProgressBar,
    observer: Option<&'a mut dyn Observer>,
}

impl Observer for Watched<'_> {
    fn sees_records(&self) -> bool {
        self.observer.as_ref().is_some_and(|observer| observer.sees_records())
    }

    fn end(&mut self, ledger: &Ledger) {
        if let Some(observer) = &mut self.observer {
            observer.end(ledger);
        }
    }

    fn begin(&mut self, ledger: &Ledger) {
        if let Some(observer) = &mut self.observer {
            observer.begin(ledger);
        }
    }

    fn before(&mut self, step: &Step<'_>) {
        if let Some(observer) = &mut self.observer {
            observer.before(step);
        }
    }

    fn after(&mut self, step: &Step<'_>) {
        if let Some(observer) = &mut self.observer {
            observer.after(step);
        }
    }

    fn progress(&mut self, progress: Progress) {
        self.bar.set_length(progress.bytes_total);
        self.bar.set_position(progress.bytes);
        if let Some(observer) = &mut self.observer {
            observer.progress(progress);
        }
    }
}
