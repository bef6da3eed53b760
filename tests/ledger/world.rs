//! A small world for tests of records, ledgers and audits: one schema, a few policies, and records whose outcomes
//! are worked out by hand.
#![allow(dead_code, unreachable_pub, reason = "each test uses a part of it")]

use std::num::NonZeroI64;
use std::sync::Arc;

use assize::caps::Caps;
use assize::id::{AccountId, CandidateId, Name, OperationId, Sequence};
use assize::kernel::{Disabled, Request, prescribe};
use assize::ledger::{Ledger, Mismatch};
use assize::num::{Amount, MicroUnits, Timestamp};
use assize::overrun::Overrun;
use assize::policy::{
    CandidateDraft, CardDraft, ColumnDraft, ColumnKind, Draft, GateDraft, MemberDraft, MembersDraft, Policy,
    QuantityDraft, Relation, SchemaDraft, SourceDraft, ValueDraft,
};
use assize::record::{
    Account, Adjust, AdjustOutcome, Admission, AdmissionOutcome, Call, Commit, CommitOutcome, Decided,
    Expire, Extend, ExtendOutcome, Grant, Operation, PartCommit, PartCommitOutcome, Path, PolicyBytes,
    Principal, Record, Release, ReleaseOutcome, Reroute, RerouteOutcome, Settled, Spend, Terms,
};

/// When the log of a world is created.
pub const CREATED: Timestamp = Timestamp(1_700_000_000_000_000_000);
pub const SECOND_NS: u64 = 1_000_000_000;
/// The candidates, at 30, 20 and 400 µ a call under the first policy.
pub const NEAR: CandidateId = CandidateId(1);
pub const FAR: CandidateId = CandidateId(2);
pub const COSTLY: CandidateId = CandidateId(3);

/// The schema: a quality in basis points, a set of skills, one quantity.
pub fn schema() -> SchemaDraft {
    SchemaDraft {
        name: "calls".into(),
        columns: vec![
            ColumnDraft { name: "quality".into(), kind: ColumnKind::Bps },
            ColumnDraft { name: "skills".into(), kind: ColumnKind::Set },
        ],
        gates: vec![
            GateDraft { column: "quality".into(), relation: Relation::AtLeast, source: SourceDraft::Request },
            GateDraft { column: "skills".into(), relation: Relation::HasAll, source: SourceDraft::Request },
        ],
        quantities: vec![QuantityDraft { name: "calls".into(), per: 1, fallback: None }],
        ..SchemaDraft::default()
    }
}

/// The policy of that epoch; each later epoch costs one µ a call more.
pub fn policy(epoch: u64) -> Arc<Policy> {
    let mut draft = Draft::new("suppliers", epoch, schema());
    draft.members = vec![MembersDraft {
        column: "skills".into(),
        members: vec![
            MemberDraft { id: 0, name: "sums".into() },
            MemberDraft { id: 9, name: "proofs".into() },
        ],
    }];
    for (id, name, rate, quality) in
        [(NEAR, "near", 30, 9_000), (FAR, "far", 20, 5_000), (COSTLY, "costly", 400, 9_900)]
    {
        let mut candidate = CandidateDraft::new(id.0, name);
        candidate.values.push(("quality".into(), ValueDraft::Number(quality)));
        candidate.values.push(("skills".into(), ValueDraft::Set(vec!["sums".into(), "proofs".into()])));
        candidate.cards.push(CardDraft { above: 0, rates: vec![("calls".into(), rate + epoch - 1)] });
        draft.candidates.push(candidate);
    }
    Arc::new(Policy::freeze(draft).unwrap())
}

pub fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

pub fn amount(micros: u64) -> Amount {
    Amount::new(micros).unwrap()
}

pub fn after(seconds: u64) -> Timestamp {
    CREATED.checked_add_ns(seconds * SECOND_NS).unwrap()
}

pub fn operation(id: u8, issued: Timestamp) -> Option<Operation> {
    Some(Operation { id: OperationId([id; 16]), issued })
}

pub fn request(calls: u64) -> Request {
    let policy = policy(1);
    let mut request = Request::new(policy.schema());
    request.quantity(policy.schema().quantity("calls").unwrap(), calls).unwrap();
    request
}

pub fn path(accounts: &[u32]) -> Path {
    let accounts: Vec<_> = accounts.iter().copied().map(AccountId).collect();
    Path::new(&accounts).unwrap()
}

pub fn account(text: &str, parent: Option<u32>, overrun: Overrun) -> Record {
    Record::Account(Account {
        name: name(text),
        parent: parent.map(AccountId),
        overrun,
        caps: Caps::default(),
    })
}

pub fn grant(account: u32, change: i64) -> Record {
    Record::Grant(Call {
        operation: None,
        arguments: Grant {
            account: AccountId(account),
            limit: 0,
            change_micros: NonZeroI64::new(change).unwrap(),
        },
        outcome: (),
    })
}

pub fn admission(path: Path, request: Request, outcome: AdmissionOutcome) -> Call<Admission> {
    let principal = Principal::Attested(name("tester"));
    Call { operation: None, arguments: Admission { principal, path, request: Box::new(request) }, outcome }
}

pub fn commit(hold: Sequence, spend: Spend, outcome: (Settled, u64, u64, u64)) -> Call<Commit> {
    let (settled, actual, booked_extra, unfunded) = outcome;
    Call {
        operation: None,
        arguments: Commit { hold, spend },
        outcome: CommitOutcome {
            settled,
            actual: amount(actual),
            booked_extra: amount(booked_extra),
            unfunded: amount(unfunded),
        },
    }
}

pub fn commit_amount(hold: Sequence, outcome: (Settled, u64, u64, u64)) -> Record {
    Record::Commit(commit(hold, Spend::Amount(amount(outcome.1)), outcome))
}

/// What was spent so far, what is booked above the hold, what is not booked, and what is held then.
pub fn part_commit(hold: Sequence, spend: Spend, outcome: (u64, u64, u64, u64)) -> Call<PartCommit> {
    let (actual, booked_extra, unfunded, held) = outcome;
    Call {
        operation: None,
        arguments: PartCommit { hold, spend },
        outcome: PartCommitOutcome {
            actual: amount(actual),
            booked_extra: amount(booked_extra),
            unfunded: amount(unfunded),
            held: amount(held),
        },
    }
}

pub fn part_amount(hold: Sequence, outcome: (u64, u64, u64, u64)) -> Record {
    Record::PartCommit(part_commit(hold, Spend::Amount(amount(outcome.0)), outcome))
}

/// What was spent in all; what is booked more, what is not booked of it, what is refunded.
pub fn adjust(hold: Sequence, actual: u64, outcome: (u64, u64, u64)) -> Record {
    let (booked_extra, unfunded, refunded) = outcome;
    Record::Adjust(Call {
        operation: None,
        arguments: Adjust { hold, actual: amount(actual) },
        outcome: AdjustOutcome {
            booked_extra: amount(booked_extra),
            unfunded: amount(unfunded),
            refunded: amount(refunded),
        },
    })
}

pub fn release(hold: Sequence, given_back: Option<u64>) -> Record {
    let outcome = match given_back {
        Some(micros) => ReleaseOutcome::Released { given_back: amount(micros) },
        None => ReleaseOutcome::Expired,
    };
    Record::Release(Call { operation: None, arguments: Release { hold }, outcome })
}

pub fn extend(hold: Sequence, more: u64, outcome: ExtendOutcome) -> Record {
    Record::Extend(Call { operation: None, arguments: Extend { hold, amount: amount(more) }, outcome })
}

pub fn expire(holds: &[Sequence]) -> Record {
    let mut expire = Expire::new();
    holds.iter().for_each(|hold| expire.push(*hold).unwrap());
    Record::Expire(expire)
}

pub fn swap(epoch: u64) -> Record {
    let mut canonical = Vec::new();
    policy(epoch).encode(&mut canonical);
    Record::Policy(PolicyBytes { canonical })
}

/// Terms that remember so many settled holds for so many seconds.
pub fn remembering(settled_max: u32, seconds: u64) -> Terms {
    Terms { settled_max, adjust_window_ns: seconds * SECOND_NS, ..Terms::default() }
}

/// A ledger and what is recorded next to it.
pub struct World {
    pub ledger: Ledger,
    pub now: Timestamp,
}

impl World {
    pub fn new() -> Self {
        Self::with(Terms::default())
    }

    pub fn with(terms: Terms) -> Self {
        Self { ledger: Ledger::new(terms, policy(1), CREATED), now: CREATED }
    }

    /// With the accounts `org` (0), and below it `team` (1) and `key` (2), granted 1,000, 600 and 300 µ.
    pub fn funded() -> Self {
        let mut world = Self::new();
        world.must(&account("org", None, Overrun::Deny));
        world.must(&account("team", Some(0), Overrun::Deny));
        world.must(&account("key", Some(1), Overrun::Deny));
        world.must(&grant(0, 1_000));
        world.must(&grant(1, 600));
        world.must(&grant(2, 300));
        world
    }

    pub fn next(&self) -> Sequence {
        Sequence(self.ledger.sequence().0 + 1)
    }

    pub fn apply(&mut self, record: &Record) -> Result<Sequence, Mismatch> {
        let sequence = self.next();
        self.ledger.apply(sequence, self.now, record).map_err(|found| found.mismatch)?;
        Ok(sequence)
    }

    #[track_caller]
    pub fn must(&mut self, record: &Record) -> Sequence {
        self.apply(record).unwrap()
    }

    pub fn wait(&mut self, seconds: u64) {
        self.now = self.now.checked_add_ns(seconds * SECOND_NS).unwrap();
    }

    pub fn disabled(&self) -> Disabled {
        Disabled::new(self.ledger.policy(), self.ledger.disabled().iter().copied())
    }

    /// What a request comes to with that limit in place of its own.
    pub fn decided(&self, request: &Request, limit: Option<u64>) -> Decided {
        let mut within = request.clone();
        if let Some(limit) = limit {
            within.cost_limit(MicroUnits(limit));
        }
        let decision = prescribe(self.ledger.policy(), &self.disabled(), &within).unwrap();
        Decided { limit_applied: limit.map(MicroUnits), decision }
    }

    /// An admission of so many calls, decided with the request's own limit, due after so many seconds.
    pub fn admitted(&self, path: Path, calls: u64, seconds: u64) -> Call<Admission> {
        let request = request(calls);
        let decided = self.decided(&request, None);
        let deadline = self.now.checked_add_ns(seconds * SECOND_NS).unwrap();
        admission(path, request, AdmissionOutcome::Admitted { decided, deadline })
    }

    #[track_caller]
    pub fn admit(&mut self, accounts: &[u32], calls: u64, seconds: u64) -> Sequence {
        let call = self.admitted(path(accounts), calls, seconds);
        self.must(&Record::Admission(call))
    }

    /// A reroute of so many calls away from `FAR`, due after so many seconds.
    pub fn rerouted(&self, hold: Sequence, calls: u64, seconds: u64) -> Call<Reroute> {
        let mut request = request(calls);
        request.exclude(FAR).unwrap();
        let decided = self.decided(&request, None);
        let deadline = self.now.checked_add_ns(seconds * SECOND_NS).unwrap();
        let given_back = self.ledger.hold(hold).map_or(Amount::ZERO, |hold| hold.amount);
        Call {
            operation: None,
            arguments: Reroute { hold, failed: FAR, request: Box::new(request) },
            outcome: RerouteOutcome {
                given_back,
                admission: AdmissionOutcome::Admitted { decided, deadline },
            },
        }
    }

    /// Available, reserved, committed and unfunded of an account.
    pub fn money(&self, account: u32) -> (i64, u64, u64, u64) {
        let cell = self.ledger.account(AccountId(account)).unwrap().limits.current(0).unwrap().1;
        (cell.available_micros, cell.reserved_micros, cell.committed_micros, cell.unfunded_micros)
    }

    pub fn form(&self) -> Vec<u8> {
        let mut form = Vec::new();
        self.ledger.encode(&mut form);
        form
    }
}
