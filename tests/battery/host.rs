//! A host with a small catalog: what it asks of its controller, call by call, on a clock of its own.

use std::num::NonZeroI64;

use assize::{
    budget::{AccountTerms, EngineOptions},
    caps::Caps,
    controller::{
        Admission, Call, Controller, CreateOptions, NotAdmitted, OpenError, OpenOptions, Opened, Permit,
    },
    crypto::{KeyId, RootKey},
    id::{AccountId, CandidateId, LogId, Name, OperationId},
    kernel::{Quantities, Request},
    num::{Amount, Timestamp},
    overrun::Overrun,
    policy::{
        CandidateDraft, CardDraft, ColumnDraft, ColumnKind, Draft, Gate, GateDraft, Number, Policy, Quantity,
        QuantityDraft, Relation, SchemaDraft, SourceDraft, Substitution, ValueDraft,
    },
    record::{Operation, Principal, Spend, Terms},
    wal::{
        Anchor, Level, LogOptions,
        storage::{Memory, Storage},
    },
};

pub const LOG_ID: LogId = LogId(*b"the battery's id");
pub const START: Timestamp = Timestamp(1_700_000_000_000_000_000);
pub const MS: i64 = 1_000_000;

/// The candidates, from the cheapest and simplest to the dearest and best. For 1,000 tokens of input and of output
/// they cost 30, 60 and 300.
pub const ALDER: CandidateId = CandidateId(1);
pub const BIRCH: CandidateId = CandidateId(2);
pub const CEDAR: CandidateId = CandidateId(3);

/// The key of every log here.
pub fn key() -> RootKey {
    RootKey::new(KeyId(7), b"thirty-two bytes that are a key!").unwrap()
}

/// Operations are soon forgotten, so that checkpoints stay small; late settlements are taken for a second.
pub const TERMS: Terms = Terms {
    operation_horizon_ns: 20_000_000,
    operations_max: 4096,
    clock_jump_ns_max: 3_600_000_000_000,
    late_window_ns: 1_000_000_000,
    adjust_window_ns: 1_000_000_000,
    settled_max: 3,
};

pub fn policy(epoch: u64) -> Policy {
    let rates = |input, output| {
        vec![CardDraft { above: 0, rates: vec![("input".into(), input), ("output".into(), output)] }]
    };
    let candidate = |id: CandidateId, name, quality, cards| CandidateDraft {
        values: vec![("quality".into(), ValueDraft::Number(quality))],
        cards,
        ..CandidateDraft::new(id.0, name)
    };
    let quantity = |name: &str| QuantityDraft { name: name.into(), per: 1000, fallback: None };
    let schema = SchemaDraft {
        name: "battery".into(),
        columns: vec![ColumnDraft { name: "quality".into(), kind: ColumnKind::Bps }],
        gates: vec![GateDraft {
            column: "quality".into(),
            relation: Relation::AtLeast,
            source: SourceDraft::Request,
        }],
        quantities: vec![quantity("input"), quantity("output")],
        tier_by: Vec::new(),
        merit: Some("quality".into()),
    };
    let mut draft = Draft::new("battery", epoch, schema);
    draft.substitution = Substitution::IfIneligible;
    draft.candidates = vec![
        candidate(ALDER, "alder", 6000, rates(10, 20)),
        candidate(BIRCH, "birch", 8000, rates(20, 40)),
        candidate(CEDAR, "cedar", 9500, rates(100, 200)),
    ];
    Policy::freeze(draft).unwrap()
}

/// A controller, the handles of its schema, and a clock that moves a millisecond with every call.
pub struct Host {
    pub controller: Controller,
    pub now: Timestamp,
    /// At which level calls are answered.
    pub level: Level,
    quality: Gate<Number>,
    input: Quantity,
    output: Quantity,
    operations: u64,
}

/// What a log is made with.
#[derive(Clone, Copy)]
pub struct Making {
    pub id: LogId,
    pub segment_bytes: u64,
    /// The log's first time.
    pub start: Timestamp,
    pub terms: Terms,
}

impl Default for Making {
    fn default() -> Self {
        Self { id: LOG_ID, segment_bytes: 1 << 20, start: START, terms: TERMS }
    }
}

impl Making {
    pub fn try_create(&self, storage: Box<dyn Storage>) -> Result<Host, assize::controller::CreateError> {
        let options = CreateOptions {
            terms: self.terms,
            log: self.log_options(),
            engine: small_engine(),
            ..CreateOptions::new(self.id, key(), policy(1), self.start)
        };
        Controller::create(storage, options).map(|controller| Host::new(controller, self.start))
    }

    pub fn create(&self, storage: &Memory) -> Host {
        self.try_create(Box::new(storage.clone())).unwrap()
    }

    pub fn open(&self, storage: Box<dyn Storage>, anchor: Option<Anchor>) -> Result<Opened, OpenError> {
        let options = OpenOptions {
            id: Some(self.id),
            anchor,
            log: self.log_options(),
            engine: small_engine(),
            ..OpenOptions::new(key(), self.start)
        };
        Controller::open(storage, options)
    }

    fn log_options(&self) -> LogOptions {
        LogOptions { segment_bytes: self.segment_bytes, ..LogOptions::default() }
    }
}

/// Logs are opened thousands of times here.
fn small_engine() -> EngineOptions {
    EngineOptions { accounts_reserved: 8, holds_reserved: 16, ..EngineOptions::default() }
}

impl Host {
    pub fn new(controller: Controller, now: Timestamp) -> Self {
        let policy = controller.policy();
        let schema = policy.schema();
        Self {
            quality: schema.gate_number("quality", Relation::AtLeast).unwrap(),
            input: schema.quantity("input").unwrap(),
            output: schema.quantity("output").unwrap(),
            controller,
            now,
            level: Level::Synced,
            operations: 0,
        }
    }

    pub fn head(&self) -> u64 {
        self.controller.stats().unwrap().log.head.0
    }

    pub fn pass(&mut self, ms: i64) {
        self.now = Timestamp(self.now.0 + ms * MS);
    }

    pub fn in_ms(&self, ms: i64) -> Timestamp {
        Timestamp(self.now.0 + ms * MS)
    }

    /// The next call, without a name.
    pub fn call(&mut self) -> Call {
        self.pass(1);
        Call::at(self.now).level(self.level)
    }

    /// The next call, under a name of its own.
    pub fn named(&mut self) -> Call {
        self.operations += 1;
        let mut id = *b"operation\0\0\0\0\0\0\0";
        id[9..].copy_from_slice(&self.operations.to_le_bytes()[..7]);
        let call = self.call();
        call.operation(Operation { id: OperationId(id), issued: self.now })
    }

    pub fn account(&mut self, name: &str, parent: Option<AccountId>, overrun: Overrun) -> AccountId {
        let terms = AccountTerms { name: Name::new(name).unwrap(), parent, overrun, caps: Caps::default() };
        let call = self.call();
        self.controller.ensure_account(&terms, call).unwrap()
    }

    pub fn grant(&mut self, account: AccountId, micros: i64) {
        let call = self.named();
        self.controller.grant(account, NonZeroI64::new(micros).unwrap(), call).unwrap();
    }

    /// A request for that quality with so many tokens in and out.
    pub fn request(&self, quality: u64, tokens: u64) -> Request {
        let mut request = Request::new(self.controller.policy().schema());
        request.demand(self.quality, quality).unwrap();
        request.quantity(self.input, tokens).unwrap().quantity(self.output, tokens).unwrap();
        request
    }

    pub fn usage(&self, served: CandidateId, input: u64, output: u64) -> Spend {
        let mut quantities = Quantities::new(self.controller.policy().schema());
        quantities.set(self.input, input).unwrap().set(self.output, output).unwrap();
        Spend::Usage { served, quantities }
    }

    /// Asks at those accounts, with a deadline so many milliseconds after the call.
    pub fn admit(
        &mut self,
        accounts: &[AccountId],
        request: &Request,
        deadline_ms: i64,
        call: Call,
    ) -> Result<Permit, NotAdmitted> {
        let deadline = Timestamp(call.at.0 + deadline_ms * MS);
        self.controller.admit(&Admission { principal: host(), accounts, request, deadline }, call)
    }
}

fn host() -> Principal {
    Principal::Attested(Name::new("host").unwrap())
}

pub fn amount(micros: u64) -> Spend {
    Spend::Amount(Amount::new(micros).unwrap())
}
