//! A process that admits and settles on files, killed at any moment: what it was told is there when the log is opened
//! again, what it was not told is done at most once, and the log goes on. `ASSIZE_KILLS` says how often.
//!
//! This binary runs itself as the process that is killed. That one says on its standard output what it asks for and
//! what it is told; the parent kills it after having read so many acknowledgements as were drawn, which finds it
//! anywhere within the next calls. A kill loses nothing that was written: `Written` is held to the same as `Synced`.
#![cfg(all(feature = "wal", unix))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    reason = "a test that fails by panicking fails"
)]

mod battery;

use std::{
    collections::BTreeMap,
    env,
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Command, Stdio},
    sync::{Mutex, PoisonError},
    thread,
};

use assize::{
    audit::ReplayReport,
    controller::{NotAdmitted, Permit, RepeatedState},
    id::OperationId,
    wal::{Level, storage::Directory},
};

use battery::{
    Drawn,
    client::{CLIENTS, Desk, Job, MAKING, Part, Told},
    number_from_env,
};

/// How often the process is killed unless more is asked for, half of it at each level.
const KILLS: u64 = 100;
/// Each kill replays its log, so that logs should not grow for ever.
const KILLS_PER_LOG: u64 = 25;
/// The most acknowledgements that are awaited before a kill.
const AWAITED_MAX: u64 = 40;
/// Held by the test that starts processes.
static ALONE: Mutex<()> = Mutex::new(());

#[test]
fn a_killed_process_loses_nothing_that_it_was_told_at_level_synced() {
    kills(Level::Synced);
}

#[test]
fn a_killed_process_loses_nothing_that_it_was_told_at_level_written() {
    kills(Level::Written);
}

/// The process that is killed.
#[test]
#[ignore = "the tests above run it, as a process of its own"]
fn child() {
    let Some(log) = env::var_os("ASSIZE_KILL_LOG") else { return };
    let level =
        if env::var("ASSIZE_KILL_LEVEL").unwrap() == "synced" { Level::Synced } else { Level::Written };
    let first: u64 = env::var("ASSIZE_KILL_FIRST").unwrap().parse().unwrap();
    let opened = MAKING.open(Box::new(Directory::new(log)), None).unwrap();
    let desk = Desk::new(opened.controller, level);
    // The test runner has begun a line.
    std::io::stdout().write_all(b"\n").unwrap();
    thread::scope(|scope| {
        for client in 0..CLIENTS as u8 {
            let desk = &desk;
            scope.spawn(move || {
                for number in first..first + NUMBERS_PER_ROUND {
                    job(desk, Job { client, number });
                }
            });
        }
    });
}

/// The child's two calls of a job, and what it says about them.
fn job(desk: &Desk, job: Job) {
    say("asks", job, Part::Admission, 0);
    let permit = desk.admit(job).unwrap();
    say("told", job, Part::Admission, permit.hold().0);
    if job.is_settled() {
        say("asks", job, Part::Settlement, 0);
        let sequence = desk.settle(job, permit).unwrap();
        say("told", job, Part::Settlement, sequence.0);
    }
}

/// One line, in one write, past the capture of tests' output.
fn say(what: &str, job: Job, part: Part, sequence: u64) {
    let part = if part == Part::Admission { "admission" } else { "settlement" };
    let line = format!("{what} {} {} {part} {sequence}\n", job.client, job.number);
    std::io::stdout().write_all(line.as_bytes()).unwrap();
}

fn heard(line: &str) -> Option<(bool, (Job, Part), u64)> {
    let words: Vec<_> = line.split(' ').collect();
    let [what @ ("asks" | "told"), client, number, part, sequence] = words[..] else { return None };
    let job = Job { client: client.parse().ok()?, number: number.parse().ok()? };
    let part = if part == "admission" { Part::Admission } else { Part::Settlement };
    Some((what == "told", (job, part), sequence.parse().ok()?))
}

/// More than a process gets done before it is killed.
const NUMBERS_PER_ROUND: u64 = 1000;

/// What the rounds came to.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    kills: u64,
    torn: u64,
    acknowledged: u64,
    /// Calls that were under way, by what became of them.
    done_unheard: u64,
    done_by_retry: u64,
    /// Holds found open, and those of them that the parent settled.
    open: u64,
    settled: u64,
}

fn kills(level: Level) {
    // A process that one test starts has, until it has become the child, the files that the other one has open: the
    // lock of its log among them.
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let wanted = number_from_env("ASSIZE_KILLS").unwrap_or(KILLS).div_ceil(2);
    let mut drawn = Drawn(level as u64);
    let mut counts = Counts::default();
    while counts.kills < wanted {
        let place = tempfile::tempdir().unwrap();
        let log = place.path().join("log");
        Desk::prepare(MAKING.try_create(Box::new(Directory::new(&log))).unwrap());
        let mut rounds = Rounds { counts, ..Rounds::default() };
        for round in 0..KILLS_PER_LOG.min(wanted - counts.kills) {
            // Every tenth is killed as soon as it is there, perhaps while it opens the log.
            let awaited = if round % 10 == 9 { 0 } else { 1 + drawn.below(AWAITED_MAX) };
            run_and_kill(&log, level, round * NUMBERS_PER_ROUND, awaited, &mut rounds.told);
            rounds.go_on(&log, level, round);
        }
        counts = rounds.counts;
        counts.acknowledged += rounds.told.acknowledged.len() as u64;
    }
    let Counts { kills, acknowledged, done_unheard, done_by_retry, open, settled, .. } = counts;
    assert_eq!(kills, wanted);
    assert!(acknowledged > wanted * AWAITED_MAX / 4, "{counts:?}");
    assert!(done_unheard + done_by_retry > wanted / 2 && done_by_retry > 0, "{counts:?}");
    assert!(open > 0 && settled > 0, "{counts:?}");
    println!("{level:?}: {counts:?}");
}

/// Runs the child until it has said so many acknowledgements, kills it, and hears what else it had said.
fn run_and_kill(log: &Path, level: Level, first: u64, awaited: u64, told: &mut Told) {
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["child", "--exact", "--ignored", "--nocapture", "--test-threads=1"])
        .env("ASSIZE_KILL_LOG", log)
        .env("ASSIZE_KILL_LEVEL", if level == Level::Synced { "synced" } else { "written" })
        .env("ASSIZE_KILL_FIRST", first.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut heard_of = 0;
    let mut hear = |line: &str| {
        let Some((is_told, what, sequence)) = heard(line) else { return 0 };
        if is_told {
            told.acknowledged.insert(what, sequence);
        } else {
            told.asked.insert(what);
        }
        u64::from(is_told)
    };
    while heard_of < awaited {
        let line = lines.next().expect("the child ends by being killed").unwrap();
        heard_of += hear(&line);
    }
    // SIGKILL.
    child.kill().unwrap();
    for line in lines {
        hear(&line.unwrap());
    }
    assert!(!child.wait().unwrap().success());
}

/// What is known from round to round.
#[derive(Default)]
struct Rounds {
    told: Told,
    /// Holds that must be open, by the jobs that hold them.
    held: BTreeMap<Job, u64>,
    counts: Counts,
}

impl Rounds {
    /// Opens what the kill left, holds it to what was told, asks again for what was not, and goes on.
    fn go_on(&mut self, log: &Path, level: Level, round: u64) {
        let what = format!("round {round}");
        let opened = MAKING.open(Box::new(Directory::new(log)), None);
        let opened = opened.unwrap_or_else(|error| panic!("{what}: {error}"));
        self.counts.kills += 1;
        self.counts.torn += u64::from(opened.recovery.cut.is_some());
        // The log was just recovered: it can be replayed while it is open.
        let (report, done) = self.told.must_be_in(&Directory::new(log), &what);
        let desk = Desk::new(opened.controller, level);
        desk.must_conserve();
        let permits = opened.permits.into_iter().map(|permit| (permit.hold().0, permit)).collect();
        let mut permits = self.must_be_open(permits, &done, &report, &what);
        self.ask_again(&desk, &mut permits, &done, &what);
        self.settle_some(&desk, &mut permits, round);
        desk.must_conserve();
        // Some logs are closed, most are left as a crash leaves them.
        if round.is_multiple_of(4) {
            let _anchor = desk.controller.close().unwrap();
        } else {
            let _anchor = desk.controller.drain().unwrap();
        }
        let (report, _) = self.told.must_be_in(&Directory::new(log), &what);
        assert_eq!(report.holds_open, self.held.len() as u64, "{what}");
    }

    /// The open holds are those of all admissions in the log that no settlement in the log has ended.
    fn must_be_open(
        &mut self,
        permits: BTreeMap<u64, Permit>,
        done: &BTreeMap<OperationId, u64>,
        report: &ReplayReport,
        what: &str,
    ) -> BTreeMap<u64, Permit> {
        for (job, part) in &self.told.asked {
            if let (Part::Admission, Some(hold)) = (part, done.get(&job.id(Part::Admission))) {
                if done.contains_key(&job.id(Part::Settlement)) {
                    self.held.remove(job);
                } else {
                    self.held.insert(*job, *hold);
                }
            }
        }
        let mut open: Vec<_> = self.held.values().copied().collect();
        open.sort_unstable();
        assert_eq!(permits.keys().copied().collect::<Vec<_>>(), open, "{what}");
        assert_eq!(report.holds_open, permits.len() as u64, "{what}");
        self.counts.open += permits.len() as u64;
        permits
    }

    /// Retries what was asked and not answered by its name: it is done once, now or before.
    fn ask_again(
        &mut self,
        desk: &Desk,
        permits: &mut BTreeMap<u64, Permit>,
        done: &BTreeMap<OperationId, u64>,
        what: &str,
    ) {
        let unknown: Vec<_> = self.told.unknown().collect();
        assert!(unknown.len() <= CLIENTS, "{what}: each client waits for one answer: {unknown:?}");
        for (job, part) in unknown {
            let before = done.get(&job.id(part)).copied();
            let sequence = match part {
                Part::Admission => match desk.admit(job) {
                    Ok(permit) => {
                        assert_eq!(before, None, "{what}: {job:?} is admitted twice");
                        let hold = permit.hold().0;
                        self.held.insert(job, hold);
                        permits.insert(hold, permit);
                        hold
                    }
                    Err(NotAdmitted::Repeated(repeated)) => {
                        let hold = repeated.hold().0;
                        assert_eq!(before, Some(hold), "{what}: {job:?}");
                        assert!(matches!(repeated.into_state(), RepeatedState::Open(_)), "{what}: {job:?}");
                        hold
                    }
                    Err(other) => panic!("{what}: {job:?}: {other}"),
                },
                Part::Settlement => match before {
                    // The hold has ended, so nobody has its permit: what the operation did is asked by its name.
                    Some(before) => {
                        let remembered = desk.controller.operation(&job.id(part)).unwrap().unwrap();
                        assert_eq!(remembered.sequence.0, before, "{what}: {job:?}");
                        before
                    }
                    None => {
                        let hold = self.held.remove(&job).unwrap();
                        desk.settle(job, permits.remove(&hold).unwrap()).unwrap().0
                    }
                },
            };
            *(if before.is_some() {
                &mut self.counts.done_unheard
            } else {
                &mut self.counts.done_by_retry
            }) += 1;
            self.told.acknowledged.insert((job, part), sequence);
        }
    }

    /// Settles every other open hold, those of earlier rounds too; the rest stays open.
    fn settle_some(&mut self, desk: &Desk, permits: &mut BTreeMap<u64, Permit>, round: u64) {
        let held: Vec<_> = self.held.iter().map(|(job, hold)| (*job, *hold)).collect();
        for (job, hold) in held.into_iter().filter(|(job, _)| (job.number + round).is_multiple_of(2)) {
            let sequence = desk.settle(job, permits.remove(&hold).unwrap()).unwrap();
            self.told.asked.insert((job, Part::Settlement));
            self.told.acknowledged.insert((job, Part::Settlement), sequence.0);
            self.held.remove(&job);
            self.counts.settled += 1;
        }
    }
}
