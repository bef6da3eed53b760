//! Any bytes as the payload of a record of any kind: what is read is written as the same bytes, is shown, and a ledger takes
//! it or is left as it was.

use std::sync::{Arc, LazyLock};

use assize::caps::{Caps, CapsDraft};
use assize::crypto::Digest;
use assize::id::{AccountId, Sequence};
use assize::ledger::Ledger;
use assize::overrun::Overrun;
use assize::policy::{Policy, Relation, document::from_toml};
use assize::record::{
    Account, AccountClosed, Admission, AdmissionOutcome, Boundary, Call, CandidateSwitch, ExtendOutcome,
    Halt, Principal, Record, RecordError, Recovery, Reparent, Retention, Settled, Spend, Switch, Terms,
};
use assize::throttle::{Counts, Throttle};
use assize::window::Window;

use super::{
    Reached, checkpoint,
    world::{
        FAR, NEAR, World, account, adjust, admission, after, amount, commit, commit_amount, expire, extend,
        grant, name, operation, part_amount, part_commit, path, policy, release, remembering, request, swap,
    },
};

/// Bytes: whose schema, the kind (`u8`), the payload.
pub fn check(bytes: &[u8]) -> Reached {
    let [schema, kind, payload @ ..] = bytes else { return Reached::new() };
    let under = &SCHEMAS[usize::from(*schema) % SCHEMAS.len()];
    let kind = u16::from(*kind);
    let read = Record::decode(kind, payload, Some(under.schema()));
    match (&read, Record::decode(kind, payload, None)) {
        (_, Err(RecordError::SchemaMissing { .. })) => {}
        (read, without) => {
            assert_eq!(*read, without, "a record that needs no schema is read otherwise under one")
        }
    }
    let record = match read {
        Ok(record) => record,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return Reached::new();
        }
    };
    assert_eq!(record.kind().code(), kind);
    let mut written = Vec::new();
    record.encode(&mut written);
    assert!(written == payload, "a record is written as other bytes than were read");
    let shown = serde_json::to_value(&record).unwrap();
    assert_eq!(shown["kind"], record.kind().as_str());
    let mut reached = vec![record.kind().as_str()];
    if let Record::Policy(policy) = &record
        && let Ok(policy) = Policy::decode(&policy.canonical)
    {
        super::policy_document::is_one_policy(&policy);
        reached.push("a policy that freezes");
    }
    if Arc::ptr_eq(under, &SCHEMAS[0]) && is_applied(&record) {
        reached.push("applied");
    }
    reached
}

/// Whether a ledger that has accounts, holds and settled holds takes it.
fn is_applied(record: &Record) -> bool {
    let form = &*FORM;
    let mut ledger = Ledger::decode(form).unwrap();
    let (sequence, now) = (Sequence(ledger.sequence().0 + 1), ledger.log_time());
    let applied = ledger.apply(sequence, now, record);
    let mut after = Vec::new();
    ledger.encode(&mut after);
    if applied.is_err() {
        assert!(after == *form, "a record that is refused changes the ledger");
        return false;
    }
    assert_eq!(ledger.sequence(), sequence);
    let checked = checkpoint::check(&after);
    assert!(checked.contains(&"restored"), "a ledger makes a checkpoint that is none");
    true
}

/// The canonical form of a ledger with something of everything; holds 7 and 8 are open, 9 is settled, 11 expired.
static FORM: LazyLock<Vec<u8>> = LazyLock::new(|| world().form());

pub fn world() -> World {
    let mut world = World::with(remembering(8, 1_000));
    for (text, parent) in [("org", None), ("team", Some(0)), ("key", Some(1))] {
        world.must(&account(text, parent, Overrun::Debt));
    }
    for (account, micros) in [(0, 1_000), (1, 600), (2, 300)] {
        world.must(&grant(account, micros));
    }
    assert_eq!(world.admit(&[2], 3, 60), Sequence(7));
    assert_eq!(world.admit(&[1], 2, 600), Sequence(8));
    let settled = world.admit(&[2], 1, 60);
    world.must(&commit_amount(settled, (Settled::InTime, 15, 0, 0)));
    let expired = world.admit(&[0], 1, 1);
    world.wait(2);
    world.must(&expire(&[expired]));
    world.must(&capped("capped"));
    world
}

/// Records that the world takes next, of every kind and form that it can.
pub fn samples() -> Vec<Record> {
    let world = world();
    let (held, other, settled, expired) = (Sequence(7), Sequence(8), Sequence(9), Sequence(11));
    let call = |of: &dyn Fn(&mut Call<Admission>)| {
        let mut call = world.admitted(path(&[2]), 2, 60);
        of(&mut call);
        Record::Admission(call)
    };
    let quantities = *request(7).quantities();
    let usage = Spend::Usage { served: FAR, quantities };
    let short = AdmissionOutcome::DeniedBudget {
        decided: world.decided(&request(40), Some(225)),
        binding: AccountId(2).into(),
    };
    let mut nobody = request(1);
    let quality = policy(1).schema().gate_number("quality", Relation::AtLeast).unwrap();
    nobody.demand(quality, 10_000).unwrap();
    let denied = AdmissionOutcome::DeniedPolicy { decided: world.decided(&nobody, None) };
    let boundary = Boundary { account: AccountId(3), limit: 1 };
    vec![
        Record::Terms(Terms { late_window_ns: 5, ..Terms::default() }),
        swap(2),
        Record::Halt(Halt::ReduceOnly),
        Record::CandidateSwitch(CandidateSwitch { candidate: NEAR, switch: Switch::Disabled }),
        call(&|_| {}),
        call(&|call| call.operation = operation(5, world.now)),
        call(&|call| call.arguments.principal = Principal::Asserted(name("somebody"))),
        Record::Admission(admission(path(&[2]), request(40), short)),
        Record::Admission(admission(path(&[0, 1]), nobody, denied)),
        Record::Commit(commit(held, usage.clone(), (Settled::InTime, 140, 80, 0))),
        commit_amount(held, (Settled::InTime, 60, 0, 0)),
        commit_amount(expired, (Settled::Expired, 5, 0, 5)),
        Record::PartCommit(part_commit(held, usage, (140, 80, 0, 0))),
        part_amount(held, (50, 0, 0, 10)),
        adjust(settled, 70, (55, 0, 0)),
        adjust(settled, 3, (0, 0, 12)),
        release(other, Some(40)),
        release(expired, None),
        extend(held, 40, ExtendOutcome::Extended { deadline: after(60), held: amount(100) }),
        extend(other, 4_000, ExtendOutcome::DeniedBudget { binding: AccountId(1).into() }),
        Record::Reroute(world.rerouted(other, 3, 60)),
        expire(&[held]),
        account("leaf", Some(0), Overrun::IfAvailable),
        capped("more"),
        grant(2, 5),
        grant(1, -7),
        Record::AccountClosed(AccountClosed { account: AccountId(3) }),
        Record::Reparent(Reparent { account: AccountId(3), parent: Some(AccountId(1)) }),
        Record::Reparent(Reparent { account: AccountId(3), parent: None }),
        Record::Boundary(boundary),
        Record::Recovery(Recovery {
            segment: 1,
            offset: 4_096,
            cut_bytes: 80,
            cut_sha256: Digest::of_file(b"cut"),
        }),
        Record::Retention(Retention {
            first_segment: 2,
            through: Sequence(6),
            header_sha256: Digest::of_file(b"header"),
        }),
    ]
}

/// An account with a window of each kind that it can have, throttles and caps.
fn capped(text: &str) -> Record {
    let caps = CapsDraft {
        windows: vec![
            Window::Day { utc_offset_s: 3600 },
            Window::Given,
            Window::Fixed { length_ns: 1_000_000, origin_ns: 9 },
        ],
        throttles: vec![
            Throttle { counts: Counts::Requests, rate: 3, period_ns: 7, burst: 5 },
            Throttle { counts: Counts::Cost, rate: 1, period_ns: 1_000, burst: 9 },
        ],
        held_max: Some(amount(50)),
        holds_max: Some(2),
    };
    let caps = Caps::new(caps).unwrap();
    Record::Account(Account { name: name(text), parent: Some(AccountId(0)), overrun: Overrun::Deny, caps })
}

/// The policies whose schemas records are read under.
static SCHEMAS: LazyLock<[Arc<Policy>; 3]> = LazyLock::new(|| {
    let sample = include_str!("../../examples/data/models.toml");
    let sample = Policy::freeze(from_toml(sample).unwrap()).unwrap();
    [policy(1), Arc::new(sample), Arc::new(super::battery::host::policy(1))]
});
