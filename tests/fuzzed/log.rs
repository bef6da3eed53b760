//! What holds of any bytes that are taken for a log, however they were made: readers agree with each other, and the writer
//! with them.

use std::collections::BTreeMap;

use assize::audit::{
    AuditError, AuditOptions, Budgets, Problem, ReplayReport, Threads, VerifyReport, WhatIfError,
    WhatIfOptions, replay, verify, what_if,
};
use assize::budget::EngineOptions;
use assize::controller::{Call, Controller, OpenOptions};
use assize::crypto::Digest;
use assize::id::Sequence;
use assize::ledger::Ledger;
use assize::num::Timestamp;
use assize::record::{Halt, Record};
use assize::wal::{
    self, EvolvingKey, FindOptions, LogKey, LogOptions, NoKey, ReadOptions, Reader, Tags, Tail, UnkeyedLog,
    find_record,
    storage::{Memory, StateFile},
};

use super::{
    Reached,
    battery::{host::policy, image::Image},
    keyed::{Keyed, Mode, root},
};

/// Bytes that may be a log, and the mode that reader and writer are told.
pub struct Judged {
    pub keyed: Keyed,
    pub image: Image,
    /// Whether they are audited on two threads and under another policy too, which takes longer.
    pub thoroughly: bool,
}

impl Judged {
    /// Reads, finds, decides otherwise, opens and goes on; panics where two of these disagree.
    pub fn judge(&self, reached: &mut Reached) {
        let verified = self.verify(Tail::Strict, 1);
        let replayed = self.replay(Tail::Strict, 1);
        if self.thoroughly {
            assert_eq!(format!("{verified:?}"), format!("{:?}", self.verify(Tail::Strict, 2)));
            assert_eq!(format!("{replayed:?}"), format!("{:?}", self.replay(Tail::Strict, 2)));
        }
        match (&verified, &replayed) {
            (Ok(verified), Ok(replayed)) => {
                assert_eq!(verified.summary.head.encode(), replayed.summary.head.encode());
                reached.extend(["verified", "replayed"]);
            }
            (Ok(_), Err(error)) => {
                assert!(!matches!(error.problem, Problem::Read(_)), "the chain holds and does not: {error}");
                reached.push("verified");
            }
            (Err(error), replayed) => {
                assert!(replayed.is_err(), "it replays and does not verify: {error}");
                assert!(!error.to_string().is_empty());
            }
        }
        if self.image.last() > 1 && verified.is_ok() {
            reached.push("several segments");
        }
        if self.thoroughly {
            let live = self.verify(Tail::Live, 1);
            assert!(live.is_ok() || verified.is_err(), "a log at rest does not verify as a live one");
            self.decide_otherwise(replayed.is_ok());
            reached.push("thoroughly");
        }
        self.find(verified.as_ref().ok(), reached);
        if self.open(&replayed, reached) && replayed.is_ok() {
            self.go_on(reached);
        }
    }

    /// Records found by their sequence are those that a reader comes by.
    fn find(&self, verified: Option<&VerifyReport>, reached: &mut Reached) {
        let storage = self.image.reading();
        let options = FindOptions { log_id: None, tags: self.tags() };
        let find = |sequence| find_record(&storage, &[&root()], options, Sequence(sequence));
        let Some(verified) = verified else {
            for sequence in [0, 1, 2, 40, u64::MAX] {
                let _found_or_not = find(sequence);
            }
            return;
        };
        let mut records = BTreeMap::new();
        let (root, read) = (root(), self.read(Tail::Strict));
        let keys = [&root];
        let mut reader = Reader::open(&storage, &keys, read).unwrap();
        while let Some(frame) = reader.next_frame().unwrap() {
            if !frame.is_control() {
                records.insert(frame.sequence.0, (frame.kind, frame.offset, frame.payload.to_vec()));
            }
        }
        let head = verified.summary.head.sequence().0;
        let some = records.keys().copied().filter(|sequence| sequence % 7 == head % 7);
        for sequence in some {
            let found =
                find(sequence).unwrap_or_else(|error| panic!("record {sequence} is not found: {error}"));
            assert_eq!((found.kind, found.offset, found.payload), records[&sequence]);
            reached.push("found");
        }
        assert!(find(head.wrapping_add(1)).is_err(), "a record after the last is found");
    }

    /// Another policy can be asked of what replays, and of nothing else.
    fn decide_otherwise(&self, replays: bool) {
        let options = WhatIfOptions {
            audit: AuditOptions { read: self.read(Tail::Strict), ..AuditOptions::default() },
            budgets: Budgets::Simulated,
            accounts_max: Some(3),
        };
        match what_if(&self.image.reading(), &[&root()], &policy(99), options) {
            Ok(_) => assert!(replays, "another policy is asked of a log that does not replay"),
            Err(WhatIfError::Schema(_)) => {}
            Err(error) => assert!(!replays, "a log that replays is asked of another policy: {error}"),
        }
    }

    /// What opens holds what replays, goes on, and verifies then.
    fn open(&self, replayed: &Result<ReplayReport, AuditError>, reached: &mut Reached) -> bool {
        let memory = self.image.memory();
        // What replays at rest replays as a live one.
        let live = replayed.clone().or_else(|_| self.replay(Tail::Live, 1));
        let (digest, cut) = match self.open_for_writing(&memory) {
            Ok(opened) => opened,
            Err(refused) => {
                assert!(
                    Image::of(&memory) == self.image,
                    "an opening that is refused changes files: {refused}"
                );
                assert!(replayed.is_err(), "what replays does not open: {refused}");
                return false;
            }
        };
        reached.push("opened");
        if let Ok(report) = replayed {
            assert!(!cut && report.ledger == digest, "writer and auditor have different ledgers");
        }
        if let Err(error) = &live
            && error.place().is_some_and(|place| place.segment == self.image.last())
        {
            // The writer decides nothing again; whatever else the auditor finds, it finds as well.
            let may_open = matches!(
                error.problem,
                Problem::Decision(_)
                    | Problem::Malformed(_)
                    | Problem::Checkpoint { .. }
                    | Problem::Genesis(_)
                    | Problem::GenesisTime { .. }
                    | Problem::GenesisMissing
            );
            assert!(may_open, "it opens although {error}: {:?}", error.problem);
        }
        let after = Self { keyed: Keyed { ..self.keyed }, image: Image::of(&memory), thoroughly: false };
        if let Ok(live) = &live {
            let report = after.replay(Tail::Strict, 1);
            let report = report.unwrap_or_else(|error| panic!("what was opened does not replay: {error}"));
            assert_eq!(report.ledger, digest);
            assert_eq!(report.calls.recoveries > live.calls.recoveries, cut);
            reached.push(if cut { "cut" } else { "replays after opening" });
        } else if let Err(error) = after.verify(Tail::Strict, 1) {
            let before = self.verify(Tail::Live, 1);
            assert!(before.is_err(), "what was opened does not verify, and did before: {error}");
        }
        true
    }

    /// The ledger's digest, and whether a tail was cut.
    fn open_for_writing(&self, memory: &Memory) -> Result<(Digest, bool), String> {
        let (opened, cut) = self.writer(memory, 4 << 10)?;
        Ok(match opened {
            Opened::Unkeyed(log) => (log.with_fold(Ledger::digest).unwrap(), cut),
            Opened::Keyed { controller, permits } => {
                let (digest, holds) =
                    controller.with_ledger(|ledger| (ledger.digest(), ledger.holds().count())).unwrap();
                assert_eq!(permits, holds, "a hold has no permit");
                agrees(&controller);
                (digest, cut)
            }
        })
    }

    /// Opens once more what opens and replays, and goes on: halts, closes. What replayed then still does.
    fn go_on(&self, reached: &mut Reached) {
        let memory = self.image.memory();
        let (opened, _) = self.writer(&memory, 1 << 10).expect("it opened before");
        let (halted, closed) = match opened {
            Opened::Unkeyed(log) => {
                let halt = Record::Halt(Halt::All);
                let write = |out: &mut Vec<u8>| halt.encode(out);
                let appended = log.append(halt.kind().code(), AT, AT, write);
                (appended.is_ok(), log.close().is_ok())
            }
            Opened::Keyed { controller, .. } => {
                (controller.halt(Halt::All, Call::at(AT)).is_ok(), controller.close().is_ok())
            }
        };
        assert!(closed || !halted, "a log takes a record and cannot be closed");
        let after = Self { keyed: Keyed { ..self.keyed }, image: Image::of(&memory), thoroughly: false };
        let report = after.replay(Tail::Strict, 1);
        let report = report.unwrap_or_else(|error| panic!("a log that went on does not replay: {error}"));
        if closed {
            assert!(report.summary.sealed);
            reached.push(match self.keyed.mode {
                Mode::Static => "went on",
                Mode::Evolving => "went on, evolving",
                Mode::Unkeyed => "went on, unkeyed",
            });
        }
    }

    /// The writer that a log of this mode has, and whether it cut a tail.
    fn writer(&self, memory: &Memory, segment_bytes: u64) -> Result<(Opened, bool), String> {
        let log = LogOptions { segment_bytes, ..LogOptions::default() };
        let key: LogKey = match self.keyed.mode {
            Mode::Unkeyed => {
                let options =
                    wal::OpenOptions { key: NoKey, options: log, log_id: None, anchor: None, at: AT };
                let opened = UnkeyedLog::open(Box::new(memory.clone()), options, Ledger::unrestored());
                let (log, recovery) = opened.map_err(|error| told(&error))?;
                return Ok((Opened::Unkeyed(log.into()), recovery.cut.is_some()));
            }
            Mode::Static => root().into(),
            Mode::Evolving => {
                let place = Memory::new();
                // The host of a log that has no segment has the key of its first.
                place.replace("state", &self.keyed.state(self.image.last().max(1)));
                EvolvingKey::load(Box::new(StateFile::within(Box::new(place), "state"))).unwrap().into()
            }
        };
        let options = OpenOptions { log, engine: engine(), ..OpenOptions::new(key, AT) };
        let opened = Controller::open(Box::new(memory.clone()), options).map_err(|error| told(&error))?;
        let keyed = Opened::Keyed { controller: opened.controller.into(), permits: opened.permits.len() };
        Ok((keyed, opened.recovery.cut.is_some()))
    }

    pub fn verify(&self, tail: Tail, threads: usize) -> Result<VerifyReport, AuditError> {
        verify(&self.image.reading(), &[&root()], self.audit(tail, threads))
    }

    pub fn replay(&self, tail: Tail, threads: usize) -> Result<ReplayReport, AuditError> {
        replay(&self.image.reading(), &[&root()], self.audit(tail, threads))
    }

    fn audit(&self, tail: Tail, threads: usize) -> AuditOptions<'static> {
        let threads = Threads(threads.try_into().unwrap());
        AuditOptions { read: self.read(tail), threads, ..AuditOptions::default() }
    }

    fn read(&self, tail: Tail) -> ReadOptions {
        ReadOptions { tail, tags: self.tags(), ..ReadOptions::default() }
    }

    fn tags(&self) -> Tags {
        if self.keyed.mode == Mode::Unkeyed { Tags::Unkeyed } else { Tags::Keyed }
    }
}

/// What writes a log: a controller where there is a key.
enum Opened {
    Keyed { controller: Box<Controller>, permits: usize },
    Unkeyed(Box<UnkeyedLog<Ledger>>),
}

/// After any time that a fuzzer comes by.
const AT: Timestamp = Timestamp(1 << 40);

/// Logs are opened thousands of times here.
fn engine() -> EngineOptions {
    EngineOptions { accounts_reserved: 8, holds_reserved: 16, ..EngineOptions::default() }
}

/// The engine was filled from the ledger, and has what it has.
fn agrees(controller: &Controller) {
    let accounts: Vec<_> = controller
        .with_ledger(|ledger| {
            let money = |account: &assize::ledger::Account| {
                account.limits.current(0).map(|(_, cell)| (cell.available_micros, cell.reserved_micros))
            };
            ledger.accounts().map(|(id, account)| (id, money(account))).collect()
        })
        .unwrap();
    for (id, money) in accounts {
        let read = controller.read(id).unwrap();
        assert_eq!(Some((read.available_micros, read.reserved_micros)), money, "account {id}");
    }
}

/// The error, and what it comes from.
fn told(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", told(source)),
        None => error.to_string(),
    }
}
