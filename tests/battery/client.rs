//! Clients that can be asked twice: what they ask for follows from a number, under names made of the number.

use std::collections::{BTreeMap, BTreeSet};

use assize::{
    audit::{Observer, ReplayReport, Step},
    controller::{Admission, Call, Controller, NotAdmitted, NotSettled, Permit},
    id::{AccountId, LogId, Name, OperationId, Sequence},
    kernel::Quantities,
    num::{Amount, Timestamp},
    overrun::Overrun,
    policy::Quantity,
    record::{Operation, Principal, Spend, Terms},
    wal::{Level, storage::Storage},
};

use super::{
    host::{ALDER, Host, MS, Making, START, TERMS},
    log::replay_with,
};

/// Operations are remembered for as long as any battery runs.
pub const MAKING: Making = Making {
    id: LogId(*b"a log of clients"),
    segment_bytes: 1 << 10,
    start: START,
    terms: Terms { operation_horizon_ns: 1 << 42, operations_max: 1 << 20, ..TERMS },
};

/// How many clients ask at once.
pub const CLIENTS: usize = 8;

/// One request of one client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Job {
    pub client: u8,
    pub number: u64,
}

/// The two calls of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    Admission,
    Settlement,
}

impl Job {
    /// Every fourth hold is left open.
    pub fn is_settled(self) -> bool {
        self.number % 4 != 3
    }

    pub fn id(self, part: Part) -> OperationId {
        let mut id = [0; 16];
        id[..8].copy_from_slice(&self.number.to_be_bytes());
        id[8] = self.client;
        id[9] = part as u8;
        OperationId(id)
    }

    fn call(self, part: Part, level: Level) -> Call {
        let issued = Timestamp(START.0 + self.number.cast_signed() * MS);
        Call::at(issued).level(level).operation(Operation { id: self.id(part), issued })
    }
}

/// Where clients ask: a controller with one account for each of them, and one above.
pub struct Desk {
    pub controller: Controller,
    pub level: Level,
    accounts: [AccountId; CLIENTS],
    input: Quantity,
    output: Quantity,
}

impl Desk {
    /// Opens the accounts and grants them plenty, on disk, in a log that was just created.
    pub fn prepare(mut host: Host) {
        let org = host.account("org", None, Overrun::Debt);
        host.grant(org, 1_000_000_000_000);
        for name in NAMES {
            let account = host.account(name, Some(org), Overrun::IfAvailable);
            host.grant(account, 1_000_000_000);
        }
        let _anchor = host.controller.drain().unwrap();
    }

    pub fn new(controller: Controller, level: Level) -> Self {
        let accounts = NAMES.map(|name| controller.account(&Name::new(name).unwrap()).unwrap());
        let policy = controller.policy();
        let (input, output) =
            (policy.schema().quantity("input").unwrap(), policy.schema().quantity("output").unwrap());
        Self { controller, level, accounts, input, output }
    }

    pub fn admit(&self, job: Job) -> Result<Permit, NotAdmitted> {
        let mut request = assize::kernel::Request::new(self.controller.policy().schema());
        let tokens = 1000 + job.number % 97;
        request.quantity(self.input, tokens).unwrap().quantity(self.output, tokens).unwrap();
        let admission = Admission {
            principal: Principal::Attested(Name::new("client").unwrap()),
            accounts: &[self.accounts[usize::from(job.client)]],
            request: &request,
            deadline: Timestamp(START.0 + 86_400_000 * MS),
        };
        self.controller.admit(&admission, job.call(Part::Admission, self.level))
    }

    /// By usage, by an amount that overruns, or by giving it back, as the number says.
    pub fn settle(&self, job: Job, permit: Permit) -> Result<Sequence, NotSettled> {
        let call = job.call(Part::Settlement, self.level);
        let spend = match job.number % 3 {
            0 => return self.controller.release(permit, call).map(|settled| settled.sequence),
            1 => Spend::Amount(Amount::new(permit.amount().micros() + 7).unwrap()),
            _ => {
                let mut quantities = Quantities::new(self.controller.policy().schema());
                quantities.set(self.input, 900).unwrap().set(self.output, 300).unwrap();
                Spend::Usage { served: ALDER, quantities }
            }
        };
        self.controller.commit(permit, spend, call).map(|settled| settled.sequence)
    }

    /// Conservation, read from outside.
    pub fn must_conserve(&self) {
        let mut accounts = self.accounts.to_vec();
        accounts.push(self.controller.account(&Name::new("org").unwrap()).unwrap());
        for account in accounts {
            let read = self.controller.read(account).unwrap();
            let sum = i128::from(read.available_micros)
                + i128::from(read.reserved_micros)
                + i128::from(read.committed_micros)
                + i128::from(read.lapsed_micros);
            assert_eq!(sum, i128::from(read.granted_micros));
        }
        self.controller.with_ledger(|ledger| ledger.check_conservation()).unwrap().unwrap();
    }
}

const NAMES: [&str; CLIENTS] = ["first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth"];

/// What clients asked for, and what they were told.
#[derive(Clone, Default)]
pub struct Told {
    /// Asked for; whether it was done is not known unless it was acknowledged.
    pub asked: BTreeSet<(Job, Part)>,
    /// Acknowledged, and the record that says so.
    pub acknowledged: BTreeMap<(Job, Part), u64>,
}

impl Told {
    /// What was asked and not answered.
    pub fn unknown(&self) -> impl Iterator<Item = (Job, Part)> {
        self.asked.iter().filter(|asked| !self.acknowledged.contains_key(asked)).copied()
    }

    /// Replays the log: it must have every acknowledged call in its place, and none twice. Gives the report, and the
    /// records of named operations.
    #[track_caller]
    pub fn must_be_in(
        &self,
        storage: &dyn Storage,
        what: &str,
    ) -> (ReplayReport, BTreeMap<OperationId, u64>) {
        let mut done = Done::default();
        let report = replay_with(storage, &mut done).unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(done.twice, BTreeSet::new(), "{what}: done twice");
        for ((job, part), sequence) in &self.acknowledged {
            assert_eq!(done.by_id.get(&job.id(*part)), Some(sequence), "{what}: {job:?}, {part:?}");
        }
        (report, done.by_id)
    }
}

/// Where each operation's record is.
#[derive(Default)]
struct Done {
    by_id: BTreeMap<OperationId, u64>,
    twice: BTreeSet<OperationId>,
}

impl Observer for Done {
    fn after(&mut self, step: &Step<'_>) {
        if let Some(operation) = step.record.operation()
            && self.by_id.insert(operation.id, step.at.sequence.0).is_some()
        {
            self.twice.insert(operation.id);
        }
    }
}
