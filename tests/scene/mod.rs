//! A controller to play with: made in memory or in a directory from a tiny policy, with the steps that all tests
//! take, and the check that all of them end with.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "a test that fails by panicking fails; each test binary uses its own part of the module"
)]

use std::{num::NonZeroI64, sync::Arc};

use assize::{
    audit::{AuditOptions, Calls, Observer, ReplayReport, replay},
    budget::{AccountTerms, EngineOptions},
    caps::Caps,
    controller::{
        Admission, Call, Controller, CreateOptions, NotAdmitted, OpenError, OpenOptions, Opened, Permit,
    },
    crypto::{Digest, KeyId, RootKey},
    id::{AccountId, CandidateId, LogId, Name, OperationId, Sequence},
    kernel::{Quantities, Request},
    num::{Amount, Timestamp},
    overrun::Overrun,
    policy::{
        CandidateDraft, CardDraft, ColumnDraft, ColumnKind, Draft, GateDraft, Policy, QuantityDraft,
        Relation, SchemaDraft, SourceDraft, Substitution, ValueDraft, document::from_toml,
    },
    record::{Operation, Principal, Record, Spend, Terms},
    wal::{
        Anchor, LogOptions, ReadOptions, Reader, Tail,
        storage::{Directory, Memory, Storage},
    },
};

/// The log's first time.
pub const START: i64 = 1_700_000_000_000_000_000;
/// A second, in nanoseconds.
pub const SECOND: i64 = 1_000_000_000;
/// The log's id.
pub const LOG: LogId = LogId([0x5C; 16]);

/// 10 µ a unit, quality 5,000.
pub const ALPHA: CandidateId = CandidateId(1);
/// 30 µ a unit, quality 8,000.
pub const BETA: CandidateId = CandidateId(2);
/// 100 µ a unit, quality 9,500; the only one with a price for extras.
pub const GAMMA: CandidateId = CandidateId(3);
/// In no catalog.
pub const NOBODY: CandidateId = CandidateId(99);

/// The root key of every log here.
pub fn key() -> RootKey {
    RootKey::new(KeyId(1), &[0x17; 32]).unwrap()
}

/// So many nanoseconds after the start.
pub fn at(ns: i64) -> Timestamp {
    Timestamp(START + ns)
}

/// A call at that time, on disk before it is answered.
pub fn call(ns: i64) -> Call {
    Call::at(at(ns))
}

/// An operation of that number, issued at that time.
pub fn operation(number: u128, ns: i64) -> Operation {
    Operation { id: OperationId(number.to_le_bytes()), issued: at(ns) }
}

pub fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

pub fn micros(micros: u64) -> Amount {
    Amount::new(micros).unwrap()
}

/// Three candidates, quantities `units` and `extras` at `per` 1, quality demanded; the requested one is replaced
/// when it is not eligible; else least cost decides.
pub fn tiny() -> Draft {
    let schema = SchemaDraft {
        name: "tiny".into(),
        columns: vec![ColumnDraft { name: "quality".into(), kind: ColumnKind::Bps }],
        gates: vec![GateDraft {
            column: "quality".into(),
            relation: Relation::AtLeast,
            source: SourceDraft::Request,
        }],
        quantities: ["units", "extras"]
            .map(|name| QuantityDraft { name: name.into(), per: 1, fallback: None })
            .into(),
        tier_by: Vec::new(),
        merit: Some("quality".into()),
    };
    let candidate = |id: CandidateId, name: &str, quality: u64, rates: &[(&str, u64)]| CandidateDraft {
        values: vec![("quality".into(), ValueDraft::Number(quality))],
        cards: vec![CardDraft {
            above: 0,
            rates: rates.iter().map(|&(quantity, rate)| (quantity.into(), rate)).collect(),
        }],
        ..CandidateDraft::new(id.0, name)
    };
    Draft {
        substitution: Substitution::IfIneligible,
        candidates: vec![
            candidate(ALPHA, "alpha", 5_000, &[("units", 10)]),
            candidate(BETA, "beta", 8_000, &[("units", 30)]),
            candidate(GAMMA, "gamma", 9_500, &[("units", 100), ("extras", 7)]),
        ],
        ..Draft::new("tiny", 1, schema)
    }
}

/// The tiny policy at another epoch, with alpha at another rate.
pub fn tiny_at(epoch: u64, alpha_rate: u64) -> Policy {
    let mut draft = Draft { epoch, ..tiny() };
    draft.candidates[0].cards[0].rates[0].1 = alpha_rate;
    Policy::freeze(draft).unwrap()
}

/// The sample catalog: twelve models, `llm-1`.
pub fn sample() -> Policy {
    Policy::freeze(from_toml(include_str!("../../examples/data/models.toml")).unwrap()).unwrap()
}

/// What a scene is made with.
pub struct Setup {
    pub policy: Policy,
    pub terms: Terms,
    pub log: LogOptions,
    pub engine: EngineOptions,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            policy: Policy::freeze(tiny()).unwrap(),
            terms: Terms::default(),
            log: LogOptions::default(),
            engine: EngineOptions { accounts_reserved: 8, holds_reserved: 8, ..EngineOptions::default() },
        }
    }
}

/// Where the log is.
#[derive(Clone)]
pub enum Place {
    Memory(Memory),
    Directory(Arc<tempfile::TempDir>),
}

impl Place {
    pub fn memory() -> Self {
        Self::Memory(Memory::new())
    }

    pub fn directory() -> Self {
        Self::Directory(Arc::new(tempfile::tempdir().unwrap()))
    }

    /// Another of its kind.
    pub fn another(&self) -> Self {
        match self {
            Self::Memory(_) => Self::memory(),
            Self::Directory(_) => Self::directory(),
        }
    }

    pub fn storage(&self) -> Box<dyn Storage> {
        match self {
            Self::Memory(memory) => Box::new(memory.clone()),
            Self::Directory(parent) => Box::new(Directory::new(parent.path().join("log"))),
        }
    }
}

/// What an account has, for tables.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Money {
    pub granted: u64,
    pub available: i64,
    pub reserved: u64,
    pub committed: u64,
    pub unfunded: u64,
}

/// A controller with its place and the engine's options, to be opened again.
pub struct Scene {
    pub controller: Controller,
    pub place: Place,
    pub log: LogOptions,
    pub engine: EngineOptions,
}

impl Scene {
    /// The tiny policy, in memory.
    pub fn new() -> Self {
        Self::with(Setup::default())
    }

    pub fn with(setup: Setup) -> Self {
        Self::at(Place::memory(), setup)
    }

    pub fn with_id(id: LogId) -> Self {
        Self::create(Place::memory(), id, Setup::default())
    }

    pub fn at(place: Place, setup: Setup) -> Self {
        Self::create(place, LOG, setup)
    }

    fn create(place: Place, id: LogId, setup: Setup) -> Self {
        let Setup { policy, terms, log, engine } = setup;
        let options = CreateOptions { id, key: key().into(), policy, terms, log, engine, at: at(0) };
        let controller = Controller::create(place.storage(), options).unwrap();
        Self { controller, place, log, engine }
    }

    /// Closes and opens again.
    pub fn reopen(self) -> (Self, Vec<Permit>) {
        let Self { controller, place, log, engine } = self;
        let anchor = controller.close().unwrap();
        Self::open(place, log, engine, Some(anchor))
    }

    /// Drops the controller and opens again: what was not written is lost.
    pub fn crash(self) -> (Self, Vec<Permit>) {
        let Self { controller, place, log, engine } = self;
        drop(controller);
        Self::open(place, log, engine, None)
    }

    pub fn open(
        place: Place,
        log: LogOptions,
        engine: EngineOptions,
        anchor: Option<Anchor>,
    ) -> (Self, Vec<Permit>) {
        let Opened { controller, permits, .. } = try_open(&place, log, engine, anchor).unwrap();
        (Self { controller, place, log, engine }, permits)
    }

    /// Opens an account without a parent, and grants to it.
    pub fn account(&self, text: &str, overrun: Overrun, granted: i64) -> AccountId {
        self.account_under(None, text, overrun, granted)
    }

    pub fn account_under(
        &self,
        parent: Option<AccountId>,
        text: &str,
        overrun: Overrun,
        granted: i64,
    ) -> AccountId {
        let terms = AccountTerms { name: name(text), parent, overrun, caps: Caps::default() };
        let now = call_now(&self.controller);
        let account = self.controller.ensure_account(&terms, now).unwrap();
        if let Some(change) = NonZeroI64::new(granted) {
            self.controller.grant(account, change, now).unwrap();
        }
        account
    }

    /// A request for so many units of the tiny policy, or of whatever has `units`.
    pub fn ask(&self, units: u64) -> Request {
        let policy = self.controller.policy();
        let mut request = Request::new(policy.schema());
        request.quantity(policy.schema().quantity("units").unwrap(), units).unwrap();
        request
    }

    /// The same for that candidate.
    pub fn ask_for(&self, candidate: CandidateId, units: u64) -> Request {
        let mut request = self.ask(units);
        request.requested(candidate);
        request
    }

    /// So many units used of that candidate, and so many extras.
    pub fn used(&self, served: CandidateId, units: u64, extras: u64) -> Spend {
        let policy = self.controller.policy();
        let mut quantities = Quantities::new(policy.schema());
        quantities.set(policy.schema().quantity("units").unwrap(), units).unwrap();
        quantities.set(policy.schema().quantity("extras").unwrap(), extras).unwrap();
        Spend::Usage { served, quantities }
    }

    /// Admits for the host's own word, with a deadline a minute after the call.
    pub fn admit(
        &self,
        accounts: &[AccountId],
        request: &Request,
        call: Call,
    ) -> Result<Permit, NotAdmitted> {
        self.admit_until(accounts, request, Timestamp(call.at.0 + 60 * SECOND), call)
    }

    pub fn admit_until(
        &self,
        accounts: &[AccountId],
        request: &Request,
        deadline: Timestamp,
        call: Call,
    ) -> Result<Permit, NotAdmitted> {
        let principal = Principal::Attested(name("tester"));
        self.controller.admit(&Admission { principal, accounts, request, deadline }, call)
    }

    pub fn money(&self, account: AccountId) -> Money {
        let read = self.controller.read(account).unwrap();
        Money {
            granted: read.granted_micros.try_into().unwrap(),
            available: read.available_micros,
            reserved: read.reserved_micros,
            committed: read.committed_micros,
            unfunded: read.unfunded_micros,
        }
    }

    /// The last record.
    pub fn head(&self) -> u64 {
        self.controller.stats().unwrap().log.head.0
    }

    /// Everything that a call without effect leaves as it is.
    pub fn state(&self) -> State {
        state(&self.controller)
    }

    /// All records so far, decoded.
    pub fn records(&self) -> Vec<(Sequence, Record)> {
        let _anchor = self.controller.drain().unwrap();
        records(&*self.place.storage())
    }

    /// The record of that number.
    pub fn record(&self, sequence: Sequence) -> Record {
        let found = self.records().into_iter().find(|(seen, _)| *seen == sequence);
        found.unwrap().1
    }

    /// What every test ends with: engine and ledger agree, the log replays to the same ledger, and it opens.
    pub fn finish(self) -> Calls {
        check_books(&self.controller);
        let Self { controller, place, log, engine } = self;
        let digest = controller.with_ledger(|ledger| ledger.digest()).unwrap();
        let anchor = controller.close().unwrap();
        let report = audit(&*place.storage(), Some(anchor), None);
        assert_eq!(report.ledger, digest);
        let (scene, _) = Self::open(place, log, engine, Some(anchor));
        check_books(&scene.controller);
        assert_eq!(scene.controller.with_ledger(|ledger| ledger.digest()).unwrap(), digest);
        report.calls
    }
}

/// Opens the log of that place.
pub fn try_open(
    place: &Place,
    log: LogOptions,
    engine: EngineOptions,
    anchor: Option<Anchor>,
) -> Result<Opened, OpenError> {
    let options = OpenOptions { key: key().into(), id: Some(LOG), anchor, log, engine, at: at(0) };
    Controller::open(place.storage(), options)
}

/// A call at the log's own time.
pub fn call_now(controller: &Controller) -> Call {
    Call::at(controller.stats().unwrap().log_time)
}

/// Everything that a call without effect leaves as it is: the head, the exact ledger, the engine's readings.
#[derive(Debug, PartialEq, Eq)]
pub struct State {
    head: Sequence,
    log_time: Timestamp,
    ledger: Digest,
    engine: Vec<assize::budget::AccountReading>,
    holds: (usize, usize),
    operations: usize,
    counts: assize::controller::Counts,
}

impl State {
    /// Whether accounts and holds are the same, whatever was counted.
    pub fn same_money(&self, other: &Self) -> bool {
        (self.head, self.log_time, self.ledger, self.holds)
            == (other.head, other.log_time, other.ledger, other.holds)
            && self.engine == other.engine
    }
}

pub fn state(controller: &Controller) -> State {
    let stats = controller.stats().unwrap();
    let (ledger, accounts) =
        controller.with_ledger(|ledger| (ledger.digest(), ledger.accounts().count())).unwrap();
    let accounts = u32::try_from(accounts).unwrap();
    State {
        head: stats.log.head,
        log_time: stats.log_time,
        ledger,
        engine: (0..accounts).map(|account| controller.read(AccountId(account)).unwrap().0).collect(),
        holds: (stats.holds_open, stats.holds_expired),
        operations: stats.operations,
        counts: stats.counts,
    }
}

/// The engine's readings are the ledger's accounts, and open holds are what is reserved.
pub fn check_books(controller: &Controller) {
    controller
        .with_ledger(|ledger| {
            ledger.check_conservation().unwrap();
            for (account, of) in ledger.accounts() {
                for limit in 0..of.limits.count() {
                    let read = controller.read(account.limit(limit)).unwrap();
                    let (span, cell) = of.limits.current(limit).unwrap();
                    let what = format!("account {account}, limit {limit}");
                    assert_eq!(read.span, span, "{what}");
                    let engine = (read.granted_micros, read.available_micros, read.reserved_micros);
                    let ledger = (cell.granted_micros, cell.available_micros, cell.reserved_micros);
                    assert_eq!(engine, ledger, "{what}");
                    let engine = (read.committed_micros, read.lapsed_micros, read.unfunded_micros);
                    let ledger = (cell.committed_micros, cell.lapsed_micros, cell.unfunded_micros);
                    assert_eq!(engine, ledger, "{what}");
                }
            }
        })
        .unwrap();
}

/// Replays a log to its end.
pub fn audit(
    storage: &dyn Storage,
    anchor: Option<Anchor>,
    observer: Option<&mut dyn Observer>,
) -> ReplayReport {
    let key = key();
    let options = AuditOptions {
        read: ReadOptions { anchor, ..ReadOptions::default() },
        observer,
        ..AuditOptions::default()
    };
    match replay(storage, &[&key], options) {
        Ok(report) => report,
        Err(error) => panic!("{error}: {error:?}"),
    }
}

/// All records of a log, decoded under the schema of the tiny policy.
pub fn records(storage: &dyn Storage) -> Vec<(Sequence, Record)> {
    let policy = Policy::freeze(tiny()).unwrap();
    let decode = |kind, payload: &[u8]| Record::decode(kind, payload, Some(policy.schema())).unwrap();
    frames(storage).iter().map(|(sequence, kind, payload)| (*sequence, decode(*kind, payload))).collect()
}

/// All records of a log: sequence, kind, payload.
pub fn frames(storage: &dyn Storage) -> Vec<(Sequence, u16, Vec<u8>)> {
    let key = key();
    let keys = [&key];
    let options = ReadOptions { tail: Tail::Live, ..ReadOptions::default() };
    let mut reader = Reader::open(storage, &keys, options).unwrap();
    let mut frames = Vec::new();
    while let Some(frame) = reader.next_frame().unwrap() {
        if !frame.is_control() {
            frames.push((frame.sequence, frame.kind, frame.payload.to_vec()));
        }
    }
    frames
}
