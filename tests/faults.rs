//! A failure of every kind at every call that reaches the storage, and further ones in the same run: nothing is answered
//! after it, nothing that was answered is lost, and what nobody knows is resolved by its name once the log is open again.
//!
//! `ASSIZE_FAULTS` says how many failures are brought about, and `ASSIZE_FAULTS_FROM` with which client to begin.
#![cfg(feature = "wal")]
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

use std::{collections::BTreeMap, io::ErrorKind, time::Instant};

use assize::{
    controller::{OpenError, Opened},
    wal::{
        self, ReadError, ReadOptions,
        storage::{Failing, Memory, Operation, Unit},
    },
};

use battery::{
    Drawn,
    ask::Answer,
    chance::{Client, MAKING, Shared},
    log::replay_once,
    number_from_env,
    told::{Crash, Known},
};

/// Failures brought about unless more are asked for.
const FAULTS: u64 = 10_000;

/// All but to set a length, which no log does.
const OPERATIONS: [Operation; 12] = [
    Operation::Establish,
    Operation::Lock,
    Operation::List,
    Operation::Create,
    Operation::Open,
    Operation::Rename,
    Operation::Remove,
    Operation::SyncDir,
    Operation::Read,
    Operation::Write,
    Operation::Sync,
    Operation::Len,
];

#[derive(Debug, Default)]
struct Counts {
    clients: u64,
    faults: u64,
    /// What failed.
    by: BTreeMap<Operation, u64>,
    /// Runs in which a power cut took away what was to fail.
    none: u64,
    creations: u64,
    openings: u64,
    killed: u64,
    power_cuts: u64,
    /// Calls that were not answered and are in the log, and calls that were not and were made again.
    found: u64,
    again: u64,
}

#[test]
fn whatever_fails_nothing_is_answered_after_it_and_nothing_answered_is_lost() {
    let wanted = number_from_env("ASSIZE_FAULTS").unwrap_or(FAULTS);
    let from = number_from_env("ASSIZE_FAULTS_FROM").unwrap_or(0);
    let began = Instant::now();
    let mut counts = Counts::default();
    for seed in from.. {
        counts.clients += 1;
        // How often each is called where nothing fails.
        let calls = {
            let mut run = Run::new(seed, 0);
            run.is_cut = false;
            run.whole(&mut Counts::default());
            OPERATIONS.map(|operation| (operation, run.memory.count(operation)))
        };
        for (operation, count) in calls {
            for nth in 1..=count {
                let mut run = Run::new(seed, nth);
                run.fail(operation, nth);
                run.whole(&mut counts);
                counts.none += u64::from(run.failed.is_empty());
                counts.faults += run.failed.len() as u64;
                for operation in run.failed {
                    *counts.by.entry(operation).or_default() += 1;
                }
            }
        }
        if counts.faults >= wanted {
            break;
        }
    }
    assert!(counts.found > 0 && counts.again > 0 && counts.killed > 0 && counts.power_cuts > 0, "{counts:?}");
    assert!(counts.none * 5 < counts.faults, "{counts:?}");
    assert!(counts.creations > 0 && counts.openings > 0, "{counts:?}");
    assert!(OPERATIONS.iter().all(|operation| counts.by.contains_key(operation)), "{counts:?}");
    println!("{counts:?} in {:.0} s", began.elapsed().as_secs_f64());
}

/// One client on files that fail.
struct Run {
    seed: u64,
    memory: Memory,
    known: Shared,
    /// Draws what fails, and how; the client has a sequence of its own.
    drawn: Drawn,
    /// What will fail: the operation, and its count by then.
    to_come: Vec<(Operation, u64)>,
    failed: Vec<Operation>,
    /// Whether the power may be cut.
    is_cut: bool,
}

impl Run {
    fn new(seed: u64, nth: u64) -> Self {
        Self {
            seed,
            memory: Memory::new(),
            known: Shared::default(),
            drawn: Drawn(seed ^ nth << 32),
            to_come: Vec::new(),
            failed: Vec::new(),
            is_cut: true,
        }
    }

    fn what(&self) -> String {
        format!("client {}, {:?} to come, {:?} failed", self.seed, self.to_come, self.failed)
    }

    /// A disk without room or a device that fails; in one run of three, others are to come.
    fn fail(&mut self, operation: Operation, nth: u64) {
        self.fail_one(operation, nth);
        while self.drawn.below(3) == 0 {
            let operation = OPERATIONS[self.drawn.below(OPERATIONS.len() as u64) as usize];
            let most = [3, 40][self.drawn.below(2) as usize];
            let nth = 1 + self.drawn.below(most);
            if !self.to_come.contains(&(operation, nth)) {
                self.fail_one(operation, nth);
            }
        }
    }

    fn fail_one(&mut self, operation: Operation, nth: u64) {
        let kind = [ErrorKind::StorageFull, ErrorKind::Other][self.drawn.below(2) as usize];
        let leaving = [0, 1, self.drawn.below(400) as usize, usize::MAX][self.drawn.below(4) as usize];
        self.memory.fail(Failing::nth(operation, nth).with(kind).leaving(leaving));
        self.to_come.push((operation, nth));
    }

    /// Whether something has failed since this was asked the last time.
    fn has_failed(&mut self) -> bool {
        let before = self.failed.len();
        let failed = self.to_come.extract_if(.., |(operation, nth)| self.memory.count(*operation) >= *nth);
        self.failed.extend(failed.map(|(operation, _)| operation));
        self.failed.len() > before
    }

    /// A log is created, used, opened again, used and closed, whatever fails on the way.
    fn whole(&mut self, counts: &mut Counts) {
        let mut client = self.create(counts);
        for acts in [16, 6] {
            if !self.acts(&mut client, acts) {
                let is_closed = self.drawn.below(2) == 0;
                let head = client.stop(is_closed, !is_closed);
                assert_eq!(head.is_none(), self.has_failed(), "{}", self.what());
            }
            let crash = self.crash(counts);
            self.go_on(&mut client, crash, counts);
        }
        let mut closed = client.close();
        while closed.is_err() {
            assert!(self.has_failed(), "{}", self.what());
            closed = self.open(counts).controller.close();
        }
        let anchor = closed.unwrap();
        let _ = self.has_failed();
        let read = ReadOptions { anchor: Some(anchor), ..ReadOptions::default() };
        let report = loop {
            match replay_once(&self.memory, read) {
                Ok(report) => break report,
                Err(error) => assert!(self.has_failed(), "{}: {error}", self.what()),
            }
        };
        assert!(report.summary.sealed, "{}", self.what());
    }

    fn create(&mut self, counts: &mut Counts) -> Client {
        loop {
            match Client::create(Box::new(self.memory.clone()), self.seed, self.known.clone()) {
                Ok(client) => {
                    assert!(!self.has_failed(), "{}: nobody noticed", self.what());
                    return client;
                }
                Err(error) => {
                    assert!(self.has_failed(), "{}: {error}", self.what());
                    counts.creations += 1;
                }
            }
            // Nothing of it is there, or all of it: a log that nobody was told of, and another is made elsewhere.
            loop {
                match MAKING.open(Box::new(self.memory.clone()), None) {
                    Ok(opened) => {
                        assert_eq!(opened.recovery.head.0, 0, "{}", self.what());
                        self.memory = Memory::new();
                        self.to_come.clear();
                        break;
                    }
                    Err(OpenError::Log(wal::OpenError::Read(ReadError::Missing | ReadError::Empty))) => break,
                    Err(error) => assert!(self.has_failed(), "{}: {error}", self.what()),
                }
            }
        }
    }

    /// Gives whether something failed.
    fn acts(&mut self, client: &mut Client, acts: u64) -> bool {
        for _ in 0..acts {
            let answer = client.act();
            if self.has_failed() {
                if client.is_retaining && !matches!(answer, Answer::Failed(_)) {
                    continue;
                }
                assert!(matches!(answer, Answer::Failed(_)), "{}: {answer:?}", self.what());
                // The client holds every further answer to be a defect.
                for _ in 0..3 {
                    let _ = client.act();
                }
                let _ = client.stop(false, false);
                return true;
            }
            assert!(!matches!(answer, Answer::Failed(_)), "{}: {answer:?}", self.what());
        }
        false
    }

    fn crash(&mut self, counts: &mut Counts) -> Crash {
        if !self.is_cut || self.drawn.below(2) == 0 {
            counts.killed += 1;
            return Crash::Killed;
        }
        counts.power_cuts += 1;
        self.known.with(Known::cut_power);
        let crash = self.memory.crash();
        let mut pieces = crash.pieces(Unit::Sector);
        let of_four = self.drawn.below(4);
        pieces.retain(|_| self.drawn.below(4) < of_four);
        let image = crash.image(&pieces);
        // What was to fail later fails there.
        for (operation, nth) in &mut self.to_come {
            *nth -= self.memory.count(*operation);
            image.fail(Failing::nth(*operation, *nth));
        }
        self.memory = image;
        Crash::PowerCut
    }

    fn open(&mut self, counts: &mut Counts) -> Opened {
        loop {
            let opened = MAKING.open(Box::new(self.memory.clone()), None);
            let has_failed = self.has_failed();
            match opened {
                Ok(opened) => {
                    assert!(!has_failed, "{}: nobody noticed", self.what());
                    return opened;
                }
                Err(OpenError::Log(
                    wal::OpenError::Recover(_) | wal::OpenError::Read(ReadError::Storage(_)),
                )) if has_failed => counts.openings += 1,
                Err(error) => panic!("{}: {error}: {:?}", self.what(), std::error::Error::source(&error)),
            }
        }
    }

    /// Opens what that crash left, and goes on; what fails meanwhile is another crash.
    fn go_on(&mut self, client: &mut Client, mut crash: Crash, counts: &mut Counts) {
        loop {
            let opened = self.open(counts);
            // Reading may be what is to fail next.
            let copy = self.memory.copy();
            let what = || self.what();
            let found = self.known.with(|known| known.must_hold(&copy, &opened.controller, crash, &what));
            let (found, again) = client.go_on(opened, found);
            counts.found += found;
            counts.again += again;
            if !self.has_failed() {
                return;
            }
            let _ = client.stop(false, false);
            crash = self.crash(counts);
        }
    }
}
