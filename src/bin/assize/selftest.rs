//! `assize selftest`: what this build does on this machine, held to what is built into it.
//!
//! A reviewer runs it before anything else: whether the hashes are those of the standards, whether every record, digest and
//! log of every format version reads as it always has, and whether altered, torn and contended logs do what is promised.

mod check;
mod decide;
mod draw;
mod fixed;
mod flipped;
mod golden;
mod host;
mod published;
mod shipped;
mod threads;
mod torn;

use std::{env, fs, path::PathBuf, thread, time::Instant};

use clap::Args;
use serde::Serialize;

use self::check::{Check, Given, Line};
use crate::{
    failure::Failure,
    output::{self, Format, Page, Print},
};

/// The arguments of `selftest`.
#[derive(Debug, Args)]
#[command(after_long_help = RULES)]
pub(crate) struct Arguments {
    /// What is drawn at random follows from this number; it is another one each time, unless it is said.
    #[arg(long)]
    seed: Option<u64>,
    /// Where logs are made, in a directory that is removed again: where the system has temporary files, unless it is said.
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

/// What the arguments do not say.
const RULES: &str = "\
A check that fails does not end the others, and is reported with what was seen; the exit code is then 1. The same seed draws the
same requests and calls again, but how threads meet is up to the machine. State the directory to try the file system that logs are
to be on.";

/// In the order in which they are done: what others rest on first.
const CHECKS: &[Check] = &[
    Check { name: "SHA-256", act: published::sha256 },
    Check { name: "HMAC-SHA-256", act: published::hmac },
    Check { name: "HKDF", act: published::hkdf },
    Check { name: "CRC-32C", act: published::crc32c },
    Check { name: "fixed files", act: shipped::listed },
    Check { name: "records", act: golden::records },
    Check { name: "digests", act: golden::digests },
    Check { name: "keys and tags", act: golden::keys },
    Check { name: "decisions", act: golden::decisions },
    Check { name: "fixed logs", act: fixed::replayed },
    Check { name: "wrong keys", act: fixed::refused },
    Check { name: "flipped bits", act: flipped::every_bit },
    Check { name: "random decisions", act: decide::random },
    Check { name: "torn tails", act: torn::every_byte },
    Check { name: "threads, in memory", act: threads::in_memory },
    Check { name: "threads, on disk", act: threads::on_disk },
];

/// Does every check, prints what each has shown, and fails if any has.
pub(crate) fn run(arguments: &Arguments, format: Format) -> Result<(), Failure> {
    let no_randomness = |error| Failure::input(format_args!("the system gives no random bytes: {error}"));
    let seed = match arguments.seed {
        Some(seed) => seed,
        None => getrandom::u64().map_err(no_randomness)?,
    };
    let name = getrandom::u64().map_err(no_randomness)?;
    let under = arguments.dir.clone().unwrap_or_else(env::temp_dir);
    let given = Given { seed, place: under.join(format!("assize-selftest-{name:016x}")) };
    let report = Report::of(CHECKS, &given);
    output::print(&report, format)?;
    report.verdict()
}

/// What every check has shown, and where.
#[derive(Debug, Serialize)]
struct Report {
    holds: bool,
    version: &'static str,
    target: String,
    os: String,
    cores: usize,
    build: &'static str,
    seed: u64,
    dir: String,
    checks: Vec<Line>,
    failed: usize,
    milliseconds: u64,
}

impl Report {
    fn of(checks: &[Check], given: &Given) -> Self {
        let begun = Instant::now();
        let checks: Vec<Line> = checks.iter().map(|check| check.line(given)).collect();
        // What a check could not make, cannot be removed either, and the check has said so.
        fs::remove_dir_all(&given.place).unwrap_or_default();
        let failed = checks.iter().filter(|line| !line.ok).count();
        Self {
            holds: failed == 0 && !checks.is_empty(),
            version: env!("CARGO_PKG_VERSION"),
            target: target(),
            os: system(),
            cores: thread::available_parallelism().map_or(0, usize::from),
            build: if cfg!(debug_assertions) { "with debug assertions" } else { "release" },
            seed: given.seed,
            dir: given.place.parent().unwrap_or(&given.place).display().to_string(),
            checks,
            failed,
            milliseconds: check::milliseconds(begun),
        }
    }

    fn verdict(&self) -> Result<(), Failure> {
        if self.holds {
            return Ok(());
        }
        Err(Failure::evidence(format_args!("{} of {} checks failed", self.failed, self.checks.len())))
    }
}

impl Print for Report {
    fn page(&self, page: &mut Page) {
        page.facts(&[
            ("assize", format!("{}, {}", self.version, self.build)),
            ("target", self.target.clone()),
            ("system", self.os.clone()),
            ("cores", self.cores.to_string()),
            ("seed", self.seed.to_string()),
            ("logs in", self.dir.clone()),
        ]);
        page.gap();
        let width = self.checks.iter().map(|line| line.name.chars().count()).max().unwrap_or(0);
        for line in &self.checks {
            let Line { name, ok, did, seen, milliseconds } = line;
            let verdict = if *ok { "ok" } else { "FAILED" };
            let did = if did.is_empty() { String::new() } else { format!("{did}: ") };
            page.line(&format!("{verdict:6}  {name:width$}  {did}{seen} ({milliseconds} ms)"));
        }
        page.gap();
        let (failed, of) = (self.failed, self.checks.len());
        if self.holds {
            page.line(&format!("all {of} checks hold, in {} ms", self.milliseconds));
        } else {
            page.line(&format!("{failed} of {of} checks FAILED, in {} ms", self.milliseconds));
        }
    }
}

/// The processor as the build sees it.
fn target() -> String {
    let order = if cfg!(target_endian = "little") { "little" } else { "big" };
    let bits = usize::BITS;
    format!("{}, {bits} bits, {order}-endian, {} family", env::consts::ARCH, env::consts::FAMILY)
}

/// The operating system, with its release where it says one.
fn system() -> String {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!("{} {}", env::consts::OS, release.trim()).trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::{check::Wrong, *};

    fn given() -> Given {
        Given { seed: 7, place: env::temp_dir().join("assize-selftest-of-a-test") }
    }

    #[test]
    fn a_check_that_fails_is_said_to_and_ends_no_other() {
        let checks = [
            Check {
                name: "first",
                act: |_, did| {
                    "2 things".clone_into(did);
                    Ok("as expected".to_owned())
                },
            },
            Check {
                name: "second",
                act: |_, did| {
                    "3 things".clone_into(did);
                    Err(Wrong::new("the third is another"))
                },
            },
            Check { name: "third", act: |_, _| panic!("a bug of {}", 1) },
            Check { name: "fourth", act: |_, _| Ok("as expected".to_owned()) },
        ];
        let report = Report::of(&checks, &given());
        let oks: Vec<bool> = report.checks.iter().map(|line| line.ok).collect();
        assert_eq!(
            (oks.as_slice(), report.failed, report.holds),
            (&[true, false, false, true][..], 2, false)
        );
        let mut page = Page::default();
        report.page(&mut page);
        let lines: Vec<&str> = page.text().lines().collect();
        assert!(
            lines.iter().any(|line| line.starts_with("ok      first   2 things: as expected (")),
            "{lines:?}"
        );
        assert!(
            lines.iter().any(|line| line.starts_with("FAILED  second  3 things: the third is another ("))
        );
        assert!(lines.iter().any(|line| line.starts_with("FAILED  third   panicked: a bug of 1 (")));
        assert!(lines.last().is_some_and(|line| line.starts_with("2 of 4 checks FAILED")));
        let failure = format!("{:?}", report.verdict().err());
        assert!(failure.contains("Evidence") && failure.contains("2 of 4 checks failed"), "{failure}");
    }

    #[test]
    fn no_checks_hold_nothing() {
        assert!(Report::of(&[], &given()).verdict().is_err());
    }
}
