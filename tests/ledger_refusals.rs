//! The sequential ledger: everything that it does not take, and that it is as it was after that.
#![cfg(feature = "wal")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    reason = "a test"
)]

#[path = "ledger/world.rs"]
mod world;

use std::collections::BTreeSet;

use assize::id::{AccountId, CandidateId, Epoch, OperationId, Sequence};
use assize::ledger::{Disagreement, Field, Halted, Ledger, Mismatch};
use assize::num::{MicroUnits, Timestamp};
use assize::overrun::Overrun;
use assize::policy::SwapError;
use assize::record::{
    AccountClosed, AdmissionOutcome, ExtendOutcome, Halt, PolicyBytes, Record, RecordError, Settled, Spend,
    Terms,
};
use world::*;

const IN_TIME: Settled = Settled::InTime;
const EXPIRED: Settled = Settled::Expired;

/// A record that is not taken: what it says, a world and the record, and why not.
struct Refusal {
    what: &'static str,
    world: World,
    record: Record,
    expected: Mismatch,
}

fn refusal(what: &'static str, world: World, record: Record, expected: Mismatch) -> Refusal {
    Refusal { what, world, record, expected }
}

fn of_accounts() -> Vec<Refusal> {
    let unknown = Mismatch::AccountUnknown { account: AccountId(9) };
    let closed = Mismatch::AccountClosed { account: AccountId(2) };
    let without_key = || {
        let mut world = World::funded();
        world.must(&Record::AccountClosed(AccountClosed { account: AccountId(2) }));
        world
    };
    let close = |account| Record::AccountClosed(AccountClosed { account: AccountId(account) });
    let mut held = World::funded();
    held.admit(&[2], 3, 60);
    let mut deep = World::new();
    for depth in 0..8_u32 {
        deep.must(&account(&format!("level {depth}"), depth.checked_sub(1), Overrun::Deny));
    }
    let mut wide = World::new();
    for tree in 0..4 {
        for depth in 0..8_u32 {
            let parent = depth.checked_sub(1).map(|above| tree * 8 + above);
            wide.must(&account(&format!("{tree}/{depth}"), parent, Overrun::Deny));
        }
    }
    let four = wide.admitted(path(&[7, 15, 23, 31]), 0, 60);
    let mut rich = World::new();
    rich.must(&account("only", None, Overrun::Deny));
    rich.must(&grant(0, i64::MAX - 5));
    let mut poor = World::new();
    poor.must(&account("debtor", None, Overrun::Debt));
    poor.must(&grant(0, 30));
    let hold = poor.admit(&[0], 1, 60);
    poor.must(&commit_amount(hold, (IN_TIME, 50, 30, 0)));
    let grant_refused =
        |change_micros, max_micros| Mismatch::Grant { account: AccountId(0), change_micros, max_micros };
    let mut held_nothing = World::funded();
    held_nothing.admit(&[2], 0, 60);
    vec![
        refusal("an unknown parent", World::new(), account("a", Some(9), Overrun::Deny), unknown.clone()),
        refusal("a grant to nobody", World::funded(), grant(9, 1), unknown.clone()),
        refusal(
            "an admission at nobody",
            World::funded(),
            Record::Admission(World::funded().admitted(path(&[2, 9]), 1, 60)),
            unknown.clone(),
        ),
        refusal("nobody closes", World::funded(), close(9), unknown),
        refusal("a closed parent", without_key(), account("a", Some(2), Overrun::Deny), closed.clone()),
        refusal("a grant to a closed account", without_key(), grant(2, 1), closed.clone()),
        refusal(
            "an admission at a closed account",
            without_key(),
            Record::Admission(without_key().admitted(path(&[2]), 0, 60)),
            closed.clone(),
        ),
        refusal("it closes twice", without_key(), close(2), closed),
        refusal(
            "a name twice",
            World::funded(),
            account("team", None, Overrun::Deny),
            Mismatch::NameTaken { account: AccountId(1) },
        ),
        refusal(
            "a ninth level",
            deep,
            account("level 8", Some(7), Overrun::Deny),
            Mismatch::TooDeep { parent: AccountId(7) },
        ),
        refusal("a path of 32 cells", wide, Record::Admission(four), Mismatch::PathTooLong),
        refusal(
            "it closes with a hold",
            held,
            close(2),
            Mismatch::CloseHolds { account: AccountId(2), open: 1 },
        ),
        refusal(
            "it closes with a hold of nothing",
            held_nothing,
            close(2),
            Mismatch::CloseHolds { account: AccountId(2), open: 1 },
        ),
        refusal(
            "it closes above another",
            World::funded(),
            close(0),
            Mismatch::CloseChildren { account: AccountId(0), open: 1 },
        ),
        refusal("a grant above the maximum", rich, grant(0, 6), grant_refused(6, 5)),
        refusal(
            "more taken back than is there",
            World::funded(),
            grant(0, -1_001),
            grant_refused(-1_001, -1_000),
        ),
        refusal("something taken back in debt", poor, grant(0, -1), grant_refused(-1, 0)),
    ]
}

fn of_admissions() -> Vec<Refusal> {
    let world = World::funded;
    let admitted = |calls, seconds| world().admitted(path(&[2]), calls, seconds);
    let with = |calls, outcome| Record::Admission(admission(path(&[2]), request(calls), outcome));
    let decided = |calls, limit| world().decided(&request(calls), limit);
    let deadline = after(60);
    let halted = |halt| {
        let mut world = World::funded();
        world.must(&Record::Halt(halt));
        world
    };
    let mut swapped = World::funded();
    swapped.must(&swap(2));
    let mut other = decided(3, None);
    other.decision.selected.as_mut().unwrap().candidate = CandidateId(44);
    let mut limited = request(20);
    limited.cost_limit(MicroUnits(250));
    let limit_250 =
        AdmissionOutcome::DeniedBudget { decided: decided(20, Some(251)), binding: AccountId(2).into() };
    let denied = |limit, binding| AdmissionOutcome::DeniedBudget {
        decided: decided(20, Some(limit)),
        binding: AccountId(binding).into(),
    };
    let limit =
        |expected, seen| Mismatch::LimitApplied { expected: MicroUnits(expected), seen: MicroUnits(seen) };
    let (first, second) = (policy(1), policy(2));
    vec![
        refusal(
            "an admission while all is halted",
            halted(Halt::All),
            Record::Admission(admitted(3, 60)),
            Mismatch::Halt { halt: Halt::All, seen: Halted::NotDenied },
        ),
        refusal(
            "an admission while only reducing",
            halted(Halt::ReduceOnly),
            Record::Admission(admitted(3, 60)),
            Mismatch::Halt { halt: Halt::ReduceOnly, seen: Halted::NotDenied },
        ),
        refusal(
            "a denial for no halt",
            world(),
            with(3, AdmissionOutcome::DeniedHalted),
            Mismatch::Halt { halt: Halt::None, seen: Halted::Denied },
        ),
        refusal(
            "a decision of the policy before",
            swapped,
            Record::Admission(admitted(3, 60)),
            Mismatch::DecidedBy { expected: (Epoch(2), second.digest()), seen: (Epoch(1), first.digest()) },
        ),
        refusal(
            "a candidate that there is not",
            world(),
            with(3, AdmissionOutcome::Admitted { decided: other, deadline }),
            Mismatch::CandidateUnknown { candidate: CandidateId(44) },
        ),
        refusal(
            "a deadline at once",
            world(),
            Record::Admission(admitted(3, 0)),
            Mismatch::Deadline { least: Timestamp(CREATED.0 + 1), seen: CREATED },
        ),
        refusal(
            "more than the path can pay",
            world(),
            Record::Admission(admitted(16, 60)),
            Mismatch::Unpayable { amount: amount(320), payable: amount(300) },
        ),
        refusal("a limit below what the path can pay", world(), with(20, denied(299, 2)), limit(300, 299)),
        refusal("a limit above what the path can pay", world(), with(20, denied(301, 2)), limit(300, 301)),
        refusal(
            "a limit above the request's own",
            world(),
            Record::Admission(admission(path(&[2]), limited, limit_250)),
            limit(250, 251),
        ),
        refusal(
            "another account binds",
            world(),
            with(20, denied(300, 1)),
            Mismatch::Binding { expected: AccountId(2).into(), seen: AccountId(1).into() },
        ),
        refusal(
            "a denial that selects",
            world(),
            with(3, AdmissionOutcome::DeniedPolicy { decided: decided(3, None) }),
            Mismatch::Record(RecordError::Contradiction {
                what: "a denial whose decision selects a candidate",
            }),
        ),
    ]
}

/// A world with an open hold of 60 µ at `key`, due after a minute.
fn held() -> (World, Sequence) {
    let mut world = World::funded();
    let hold = world.admit(&[2], 3, 60);
    (world, hold)
}

fn waited(seconds: u64) -> (World, Sequence) {
    let (mut world, hold) = held();
    world.wait(seconds);
    (world, hold)
}

fn of_settlements() -> Vec<Refusal> {
    let (world, hold) = held();
    let amounts =
        |field, expected, seen| Mismatch::Outcome { field, expected: amount(expected), seen: amount(seen) };
    let commits = |outcome| commit_amount(hold, outcome);
    let usage = |served, actual| {
        let spend = Spend::Usage { served, quantities: *request(3).quantities() };
        Record::Commit(commit(hold, spend, (IN_TIME, actual, 0, 0)))
    };
    let told = Record::Commit(commit(hold, Spend::Amount(amount(5)), (IN_TIME, 6, 0, 0)));
    let settled = Mismatch::SettledAs { hold, deadline: after(60) };
    let unknown = |hold| Mismatch::HoldUnknown { hold };
    let nobody = Sequence(3);
    let expired = || {
        let (mut world, hold) = waited(60);
        world.must(&expire(&[hold]));
        world
    };
    let is_expired = Mismatch::HoldExpired { hold };
    let extended = |deadline, held| ExtendOutcome::Extended { deadline, held: amount(held) };
    let short = |binding| ExtendOutcome::DeniedBudget { binding: AccountId(binding).into() };
    let halted = || {
        let (mut world, _) = held();
        world.must(&Record::Halt(Halt::ReduceOnly));
        world
    };
    let halt = |halt, seen| Mismatch::Halt { halt, seen };
    let part = |outcome| part_amount(hold, outcome);
    let in_parts = || {
        let (mut world, _) = held();
        world.must(&part((40, 0, 0, 20)));
        world
    };
    let settled_hold = || {
        let mut world = World::funded();
        world.ledger = {
            let mut ledger = Ledger::new(remembering(9, 10), policy(1), CREATED);
            for record in [
                account("org", None, Overrun::Deny),
                account("team", Some(0), Overrun::Deny),
                account("key", Some(1), Overrun::Deny),
                grant(0, 1_000),
                grant(1, 600),
                grant(2, 300),
            ] {
                let next = Sequence(ledger.sequence().0 + 1);
                ledger.apply(next, CREATED, &record).unwrap();
            }
            ledger
        };
        assert_eq!(world.admit(&[2], 3, 60), hold);
        world.must(&commit_amount(hold, (IN_TIME, 40, 0, 0)));
        world
    };
    let forgotten = Mismatch::SettledUnknown { hold };
    let mut late = settled_hold();
    late.wait(11);
    let below = Mismatch::SpentBelow { hold, spent: amount(40), seen: amount(39) };
    let told_part = Record::PartCommit(part_commit(hold, Spend::Amount(amount(5)), (6, 0, 0, 55)));
    let reroute = |world: &World, given_back: u64| {
        let mut call = world.rerouted(hold, 2, 60);
        call.outcome.given_back = amount(given_back);
        Record::Reroute(call)
    };
    let mut dearer = halted().rerouted(hold, 3, 60);
    let dearer_call = Record::Reroute(dearer.clone());
    dearer.outcome.admission = AdmissionOutcome::DeniedHalted;
    let lost = Record::Reroute(dearer);
    vec![
        refusal("another actual amount", held().0, told, amounts(Field::Actual, 5, 6)),
        refusal("another price", held().0, usage(FAR, 61), amounts(Field::Actual, 60, 61)),
        refusal("another candidate's price", held().0, usage(NEAR, 60), amounts(Field::Actual, 90, 60)),
        refusal(
            "no such candidate served",
            held().0,
            usage(CandidateId(44), 60),
            Mismatch::Unpriced { candidate: CandidateId(44) },
        ),
        refusal("too much booked", held().0, commits((IN_TIME, 70, 1, 9)), amounts(Field::BookedExtra, 0, 1)),
        refusal("too little missed", held().0, commits((IN_TIME, 70, 0, 9)), amounts(Field::Unfunded, 10, 9)),
        refusal("a commit late too soon", waited(59).0, commits((EXPIRED, 5, 0, 5)), settled.clone()),
        refusal("a commit in time too late", waited(60).0, commits((IN_TIME, 5, 0, 0)), settled.clone()),
        refusal("a release late too soon", waited(59).0, release(hold, None), settled.clone()),
        refusal("a release in time too late", expired(), release(hold, Some(60)), settled),
        refusal("a commit of no hold", held().0, commit_amount(nobody, (IN_TIME, 5, 0, 0)), unknown(nobody)),
        refusal("a release of no hold", held().0, release(nobody, Some(5)), unknown(nobody)),
        refusal("no hold expires", held().0, expire(&[nobody]), unknown(nobody)),
        refusal("a commit beyond the window", waited(3_661).0, commits((EXPIRED, 5, 0, 5)), unknown(hold)),
        refusal("a release beyond the window", waited(3_661).0, release(hold, None), unknown(hold)),
        refusal("an adjustment of an open hold", held().0, adjust(hold, 5, (0, 0, 0)), forgotten.clone()),
        refusal("an adjustment too late", late, adjust(hold, 5, (0, 0, 35)), forgotten),
        refusal(
            "an adjustment that books",
            settled_hold(),
            adjust(hold, 41, (1, 0, 0)),
            amounts(Field::BookedExtra, 0, 1),
        ),
        refusal(
            "one that misses nothing",
            settled_hold(),
            adjust(hold, 41, (0, 0, 0)),
            amounts(Field::Unfunded, 1, 0),
        ),
        refusal(
            "a refund of too much",
            settled_hold(),
            adjust(hold, 5, (0, 0, 36)),
            amounts(Field::Refunded, 35, 36),
        ),
        refusal(
            "a refund of what is more",
            settled_hold(),
            adjust(hold, 40, (0, 0, 1)),
            amounts(Field::Refunded, 0, 1),
        ),
        refusal("a part of another amount", held().0, told_part, amounts(Field::Actual, 5, 6)),
        refusal(
            "too much booked of a part",
            held().0,
            part((70, 1, 9, 0)),
            amounts(Field::BookedExtra, 0, 1),
        ),
        refusal(
            "too little missed of a part",
            held().0,
            part((70, 0, 9, 0)),
            amounts(Field::Unfunded, 10, 9),
        ),
        refusal("a part that leaves more", held().0, part((40, 0, 0, 21)), amounts(Field::Held, 20, 21)),
        refusal("a part of less than before", in_parts(), part((39, 0, 0, 21)), below.clone()),
        refusal("a commit of less than its parts", in_parts(), commits((IN_TIME, 39, 0, 0)), below),
        refusal(
            "a part that misses all of it",
            in_parts(),
            part((61, 0, 61, 0)),
            amounts(Field::Unfunded, 1, 61),
        ),
        refusal("a part when due", waited(60).0, part((5, 0, 0, 55)), is_expired.clone()),
        refusal("a part of an expired one", expired(), part((5, 0, 0, 55)), is_expired.clone()),
        refusal("a part of no hold", held().0, part_amount(nobody, (5, 0, 0, 0)), unknown(nobody)),
        refusal(
            "another amount given back",
            held().0,
            release(hold, Some(61)),
            amounts(Field::GivenBack, 60, 61),
        ),
        refusal(
            "it expires early",
            waited(59).0,
            expire(&[hold]),
            Mismatch::HoldNotDue { hold, deadline: after(60) },
        ),
        refusal("it expires twice", expired(), expire(&[hold]), is_expired.clone()),
        refusal(
            "an extension when due",
            waited(60).0,
            extend(hold, 1, extended(after(99), 61)),
            is_expired.clone(),
        ),
        refusal(
            "an extension of an expired one",
            expired(),
            extend(hold, 1, extended(after(99), 61)),
            is_expired.clone(),
        ),
        refusal("a reroute of an expired one", expired(), reroute(&world, 60), is_expired),
        refusal(
            "an extension above what there is",
            held().0,
            extend(hold, 241, extended(after(60), 301)),
            Mismatch::Unpayable { amount: amount(241), payable: amount(240) },
        ),
        refusal(
            "an extension denied that could be paid",
            held().0,
            extend(hold, 240, short(2)),
            Mismatch::Payable { amount: amount(240), payable: amount(240) },
        ),
        refusal(
            "an extension bound elsewhere",
            held().0,
            extend(hold, 241, short(1)),
            Mismatch::Binding { expected: AccountId(2).into(), seen: AccountId(1).into() },
        ),
        refusal(
            "an extension to an earlier deadline",
            held().0,
            extend(hold, 1, extended(after(59), 61)),
            Mismatch::Deadline { least: after(60), seen: after(59) },
        ),
        refusal(
            "an extension to another amount",
            held().0,
            extend(hold, 1, extended(after(60), 62)),
            amounts(Field::Held, 61, 62),
        ),
        refusal(
            "an extension while halted",
            halted(),
            extend(hold, 1, extended(after(60), 61)),
            halt(Halt::ReduceOnly, Halted::NotDenied),
        ),
        refusal(
            "an extension denied for no halt",
            held().0,
            extend(hold, 1, ExtendOutcome::DeniedHalted),
            halt(Halt::None, Halted::Denied),
        ),
        refusal(
            "a reroute that gives back less",
            held().0,
            reroute(&world, 59),
            amounts(Field::GivenBack, 60, 59),
        ),
        refusal(
            "a dearer reroute while only reducing",
            halted(),
            dearer_call,
            halt(Halt::ReduceOnly, Halted::NotDenied),
        ),
        refusal("a reroute denied for no halt", held().0, lost, halt(Halt::None, Halted::Denied)),
    ]
}

fn of_the_log() -> Vec<Refusal> {
    let given = |id, issued| {
        let Record::Grant(mut call) = grant(0, 1) else { unreachable!() };
        call.operation = operation(id, issued);
        Record::Grant(call)
    };
    let mut used = World::funded();
    let first = used.must(&given(1, after(0)));
    let mut full = World::with(Terms { operations_max: 0, ..Terms::default() });
    full.must(&account("only", None, Overrun::Deny));
    let mut back = World::funded();
    back.wait(1);
    back.must(&Record::Halt(Halt::None));
    back.now = CREATED;
    let mut late = World::funded();
    late.wait(86_401);
    let mut canonical = Vec::new();
    policy(2).encode(&mut canonical);
    canonical.push(0);
    let broken = PolicyBytes { canonical };
    let unreadable = assize::policy::Policy::decode(&broken.canonical).unwrap_err();
    let mut unrestored = World::new();
    unrestored.ledger = Ledger::unrestored();
    let not_raised = SwapError::EpochNotRaised { previous: Epoch(1), seen: Epoch(1) };
    vec![
        refusal("a ledger without a state", unrestored, Record::Halt(Halt::All), Mismatch::Unrestored),
        refusal(
            "a time before",
            back,
            Record::Halt(Halt::All),
            Mismatch::TimeBack { log: after(1), seen: after(0) },
        ),
        refusal(
            "an operation again",
            used,
            given(1, after(0)),
            Mismatch::OperationReused { id: OperationId([1; 16]), first },
        ),
        refusal(
            "an operation too old",
            late,
            given(1, after(0)),
            Mismatch::OperationStale { issued: after(0), effective: after(86_401) },
        ),
        refusal(
            "an operation of the future",
            World::funded(),
            given(1, after(604_801)),
            Mismatch::OperationAhead { issued: after(604_801), effective: after(0) },
        ),
        refusal("an operation too many", full, given(1, after(0)), Mismatch::OperationsFull { max: 0 }),
        refusal("no policy", World::new(), Record::Policy(broken), Mismatch::Policy(unreadable)),
        refusal("the same epoch", World::new(), swap(1), Mismatch::Swap(not_raised)),
    ]
}

/// Exhaustive, so that a new mismatch is not forgotten. `None` for what no record can cause.
fn caused(mismatch: &Mismatch) -> Option<&'static str> {
    Some(match mismatch {
        // Of these the first two are caused below, where frames are.
        Mismatch::Effective { .. } => "effective",
        Mismatch::ClockJump { .. } => "clock jump",
        Mismatch::Sequence { .. } => "sequence",
        Mismatch::Full { .. } => "full",
        Mismatch::Throttle { .. } => "throttle",
        Mismatch::LimitUnknown { .. } => "limit unknown",
        Mismatch::NotGiven { .. } => "not given",
        Mismatch::QuantityUnknown { .. } => "quantity unknown",
        Mismatch::SameParent { .. } => "same parent",
        Mismatch::BelowItself { .. } => "below itself",
        Mismatch::TimeBack { .. } => "time back",
        Mismatch::Unrestored => "unrestored",
        Mismatch::OperationReused { .. } => "operation reused",
        Mismatch::OperationStale { .. } => "operation stale",
        Mismatch::OperationAhead { .. } => "operation ahead",
        Mismatch::OperationsFull { .. } => "operations full",
        Mismatch::Policy(_) => "policy",
        Mismatch::Swap(_) => "swap",
        Mismatch::DecidedBy { .. } => "decided by",
        Mismatch::CandidateUnknown { .. } => "candidate unknown",
        Mismatch::Record(_) => "record",
        Mismatch::Halt { .. } => "halt",
        Mismatch::LimitApplied { .. } => "limit applied",
        Mismatch::Unpayable { .. } => "unpayable",
        Mismatch::Payable { .. } => "payable",
        Mismatch::Binding { .. } => "binding",
        Mismatch::Deadline { .. } => "deadline",
        Mismatch::HoldUnknown { .. } => "hold unknown",
        Mismatch::HoldExpired { .. } => "hold expired",
        Mismatch::HoldNotDue { .. } => "hold not due",
        Mismatch::SettledAs { .. } => "settled as",
        Mismatch::Unpriced { .. } => "unpriced",
        Mismatch::SettledUnknown { .. } => "settled unknown",
        Mismatch::SpentBelow { .. } => "spent below",
        Mismatch::Outcome { field, .. } => match field {
            Field::Actual => "actual",
            Field::BookedExtra => "booked extra",
            Field::Unfunded => "unfunded",
            Field::GivenBack => "given back",
            Field::Refunded => "refunded",
            Field::Held => "held",
        },
        Mismatch::AccountUnknown { .. } => "account unknown",
        Mismatch::AccountClosed { .. } => "account closed",
        Mismatch::NameTaken { .. } => "name taken",
        Mismatch::TooDeep { .. } => "too deep",
        Mismatch::PathTooLong => "path too long",
        Mismatch::CloseHolds { .. } => "close holds",
        Mismatch::CloseChildren { .. } => "close children",
        Mismatch::Grant { .. } => "grant",
        // They would show a bug; or 16 million accounts.
        Mismatch::PolicyLost { .. }
        | Mismatch::TooManyAccounts
        | Mismatch::Overflow { .. }
        | Mismatch::Conservation { .. }
        | Mismatch::Reserved { .. } => return None,
    })
}

/// What can be caused, without the three that are caused where the place or the frame is wrong.
const CAUSED: usize = 41 - 3;

#[test]
fn every_mismatch_is_found_and_changes_nothing() {
    let mut seen = BTreeSet::new();
    let all = [of_accounts(), of_admissions(), of_settlements(), of_the_log()];
    for Refusal { what, mut world, record, expected } in all.into_iter().flatten() {
        let before = world.form();
        let (next, now) = (world.next(), world.now);
        let found = world.ledger.apply(next, now, &record).expect_err(what);
        assert_eq!(found, Disagreement { sequence: next, kind: record.kind(), mismatch: expected }, "{what}");
        let shown = found.to_string();
        assert!(shown.starts_with(&format!("record {next} ({}): ", record.kind())), "{shown}");
        assert_eq!(world.form(), before, "{what} leaves a trace");
        seen.insert(caused(&found.mismatch).expect(what));
    }
    assert_eq!(seen.len(), CAUSED, "{seen:?}");
}
