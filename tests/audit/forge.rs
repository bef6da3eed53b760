//! Logs written under the right key by a host that may lie: what is appended is what is recorded.
#![allow(dead_code, unreachable_pub, reason = "each test uses a part of it")]

use std::fmt;

use assize::audit::{AuditError, AuditOptions, ReplayReport, Threads, VerifyReport, replay, verify};
use assize::crypto::{KeyId, RootKey};
use assize::id::{LogId, Sequence};
use assize::ledger::Ledger;
use assize::num::Timestamp;
use assize::record::Record;
use assize::wal::storage::Memory;
use assize::wal::{CreateOptions, Fold, Level, Log, LogOptions, RecordFrame};

use crate::world::{CREATED, World, policy};

pub const LOG: LogId = LogId([7; 16]);

pub fn key() -> RootKey {
    RootKey::new(KeyId(3), &[0x5A; 32]).unwrap()
}

/// Alters the form of the nth checkpoint, from 0.
pub type Alter = fn(usize, &mut Vec<u8>);

/// A state that takes everything, and whose checkpoints say what they are told to.
pub struct Liar {
    ledger: Ledger,
    alter: Alter,
    log_time: Timestamp,
    sequence: Sequence,
    checkpoints: std::sync::atomic::AtomicUsize,
}

#[derive(Debug)]
pub struct Never;

impl fmt::Display for Never {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "never")
    }
}

impl std::error::Error for Never {}

impl Fold for Liar {
    type Error = Never;

    fn restore(&mut self, _: &[u8]) -> Result<(), Never> {
        Ok(())
    }

    fn apply(&mut self, frame: RecordFrame<'_>) -> Result<(), Never> {
        (self.log_time, self.sequence) = (frame.effective, frame.sequence);
        // What does not follow is a lie, and is recorded all the same.
        Fold::apply(&mut self.ledger, frame).or(Ok(()))
    }

    fn checkpoint(&self, out: &mut Vec<u8>) -> Result<(), Never> {
        self.ledger.encode(out);
        (self.alter)(self.checkpoints.fetch_add(1, std::sync::atomic::Ordering::Relaxed), out);
        Ok(())
    }

    fn log_time(&self) -> Timestamp {
        self.log_time
    }

    fn sequence(&self) -> Sequence {
        self.sequence
    }
}

/// A log in the making, and the world that its honest records make.
pub struct Forgery {
    pub world: World,
    storage: Memory,
    log: Log<Liar>,
}

impl Forgery {
    pub fn new() -> Self {
        Self::with(1 << 30, |_, _| {})
    }

    pub fn with(segment_bytes: u64, alter: Alter) -> Self {
        let world = World::new();
        let ledger = Ledger::new(*world.ledger.terms(), policy(1), CREATED);
        let liar = Liar { ledger, alter, log_time: CREATED, sequence: Sequence(0), checkpoints: 0.into() };
        let storage = Memory::new();
        let options = LogOptions { segment_bytes, ..LogOptions::default() };
        let create = CreateOptions { id: LOG, key: assize::wal::LogKey::from(key()), options };
        let log = Log::create(Box::new(storage.clone()), create, liar).unwrap();
        Self { world, storage, log }
    }

    /// With the accounts and grants of [`World::funded`], as records 1 to 6.
    pub fn funded() -> Self {
        Self::funded_with(1 << 30, |_, _| {})
    }

    pub fn funded_with(segment_bytes: u64, alter: Alter) -> Self {
        use assize::overrun::Overrun::Deny;
        let mut forgery = Self::with(segment_bytes, alter);
        forgery.honest(&crate::world::account("org", None, Deny));
        forgery.honest(&crate::world::account("team", Some(0), Deny));
        forgery.honest(&crate::world::account("key", Some(1), Deny));
        for (account, change) in [(0, 1_000), (1, 600), (2, 300)] {
            forgery.honest(&crate::world::grant(account, change));
        }
        forgery
    }

    /// Appends what the world takes.
    pub fn honest(&mut self, record: &Record) -> Sequence {
        self.world.must(record);
        self.lie(record)
    }

    /// Appends whatever it is.
    pub fn lie(&mut self, record: &Record) -> Sequence {
        let mut payload = Vec::new();
        record.encode(&mut payload);
        self.raw(record.kind().code(), self.world.now, self.world.now, &payload)
    }

    pub fn raw(&mut self, kind: u16, effective: Timestamp, caller: Timestamp, payload: &[u8]) -> Sequence {
        let sequence =
            self.log.append(kind, effective, caller, |out| out.extend_from_slice(payload)).unwrap();
        self.log.wait(sequence, Level::Synced).unwrap();
        sequence
    }

    /// Closes the log.
    pub fn close(self) -> (Memory, World) {
        let Self { world, storage, log } = self;
        log.close().unwrap();
        (storage, world)
    }
}

pub fn verified(storage: &Memory) -> Result<VerifyReport, AuditError> {
    however_many(|threads| verify(storage, &[&key()], AuditOptions { threads, ..AuditOptions::default() }))
}

pub fn replayed(storage: &Memory) -> Result<ReplayReport, AuditError> {
    however_many(|threads| replay(storage, &[&key()], AuditOptions { threads, ..AuditOptions::default() }))
}

/// What an audit on one thread finds, which is what one on three finds.
fn however_many<T: fmt::Debug>(audit: impl Fn(Threads) -> Result<T, AuditError>) -> Result<T, AuditError> {
    let [one, three] = [1, 3].map(|threads| audit(Threads(threads.try_into().unwrap())));
    assert_eq!(format!("{one:?}"), format!("{three:?}"));
    one
}
