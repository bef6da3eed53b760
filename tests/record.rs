//! Records: their bytes by hand, there and back, and every refusal.
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

use std::num::NonZeroI64;

use assize::caps::{Binding, Bound, Caps, CapsDraft, CapsError};
use assize::codec::CodecError;
use assize::crypto::Digest;
use assize::id::{AccountId, CandidateId, NameError, OperationId, Sequence};
use assize::kernel::Quantities;
use assize::num::{Amount, Timestamp};
use assize::overrun::Overrun;
use assize::policy::Relation;
use assize::record::{
    Account, AccountClosed, AdmissionOutcome, Arguments as _, Boundary, Call, CandidateSwitch, Commit,
    ExtendOutcome, Grant, Halt, Kind, Operation, Path, PathError, Principal, Record, RecordError, Recovery,
    Release, Reparent, Retention, Settled, Spend, Switch, Terms,
};
use assize::throttle::{Counts, Throttle, ThrottleError};
use assize::window::{Window, WindowError};
use proptest::prelude::*;
use world::*;

fn bytes(record: &Record) -> Vec<u8> {
    let mut out = Vec::new();
    record.encode(&mut out);
    out
}

fn read(kind: u16, payload: &[u8]) -> Result<Record, RecordError> {
    Record::decode(kind, payload, Some(policy(1).schema()))
}

/// At least one record of each kind and of each of its forms.
fn samples() -> Vec<Record> {
    let mut world = World::funded();
    let hold = world.admit(&[2], 3, 60);
    let quantities = *request(7).quantities();
    let mut asserted = world.admitted(path(&[1, 2]), 2, 60);
    asserted.operation = operation(5, after(0));
    asserted.arguments.principal = Principal::Asserted(name("a caller"));
    let policy = policy(1);
    let mut demanding = request(1);
    demanding.demand(policy.schema().gate_number("quality", Relation::AtLeast).unwrap(), 9_999).unwrap();
    let skills = policy.members("skills", &["proofs"]).unwrap();
    demanding.demand_set(policy.schema().gate_set("skills", Relation::HasAll).unwrap(), &skills).unwrap();
    let denied = AdmissionOutcome::DeniedPolicy { decided: world.decided(&demanding, None) };
    let short = AdmissionOutcome::DeniedBudget {
        decided: world.decided(&request(20), Some(240)),
        binding: AccountId(2).into(),
    };
    let decided = world.decided(&request(3), None);
    let binding = Binding { account: AccountId(1), bound: Bound::Holds };
    let full = AdmissionOutcome::DeniedBudget { decided, binding };
    let throttled = AdmissionOutcome::DeniedThrottle { decided, account: AccountId(1), throttle: 3 };
    let mut reroute = world.rerouted(hold, 3, 60);
    let rerouted = Record::Reroute(reroute.clone());
    reroute.outcome.admission = AdmissionOutcome::DeniedHalted;
    reroute.operation = operation(6, after(1));
    let usage = Spend::Usage { served: FAR, quantities };
    vec![
        Record::Terms(Terms::default()),
        swap(2),
        Record::Halt(Halt::None),
        Record::Halt(Halt::ReduceOnly),
        Record::Halt(Halt::All),
        Record::CandidateSwitch(CandidateSwitch { candidate: NEAR, switch: Switch::Disabled }),
        Record::CandidateSwitch(CandidateSwitch { candidate: FAR, switch: Switch::Enabled }),
        Record::Admission(world.admitted(path(&[0]), 2, 60)),
        Record::Admission(asserted),
        Record::Admission(admission(path(&[0]), demanding, denied)),
        Record::Admission(admission(path(&[0, 1, 2]), request(20), short)),
        Record::Admission(admission(path(&[0, 1, 2]), request(3), full)),
        Record::Admission(admission(path(&[0, 1, 2]), request(3), throttled)),
        Record::Admission(admission(path(&[3]), request(0), AdmissionOutcome::DeniedHalted)),
        Record::Commit(commit(hold, usage.clone(), (Settled::InTime, 140, 80, 0))),
        Record::PartCommit(part_commit(hold, usage, (140, 80, 0, 0))),
        part_amount(hold, (50, 0, 0, 10)),
        adjust(hold, 70, (4, 6, 0)),
        adjust(hold, 0, (0, 0, 60)),
        commit_amount(hold, (Settled::Expired, 5, 0, 5)),
        release(hold, Some(60)),
        release(hold, None),
        extend(hold, 40, ExtendOutcome::Extended { deadline: after(99), held: amount(100) }),
        extend(hold, 400, ExtendOutcome::DeniedBudget { binding: AccountId(2).into() }),
        extend(hold, 0, ExtendOutcome::DeniedHalted),
        rerouted,
        Record::Reroute(reroute),
        expire(&[Sequence(4), hold, Sequence(9)]),
        account("root", None, Overrun::Deny),
        account("leaf", Some(7), Overrun::IfAvailable),
        account("debtor", Some(0), Overrun::Debt),
        grant(2, 5),
        grant(2, i64::MIN),
        capped(),
        Record::AccountClosed(AccountClosed { account: AccountId(9) }),
        Record::Reparent(Reparent { account: AccountId(9), parent: Some(AccountId(10)) }),
        Record::Reparent(Reparent { account: AccountId(9), parent: None }),
        Record::Boundary(Boundary { account: AccountId(9), limit: 2 }),
        Record::Retention(Retention {
            first_segment: 5,
            through: Sequence(600),
            header_sha256: Digest([8; 32]),
        }),
        Record::Recovery(Recovery { segment: 3, offset: 512, cut_bytes: 77, cut_sha256: Digest([7; 32]) }),
    ]
}

/// An account with all that one can have.
fn capped() -> Record {
    let throttle = |counts| Throttle { counts, rate: 5, period_ns: 60_000_000_000, burst: 7 };
    let caps = CapsDraft {
        windows: vec![
            Window::Month { utc_offset_s: -3600 },
            Window::Fixed { length_ns: 1_000_000, origin_ns: 999_999 },
            Window::Given,
        ],
        throttles: vec![
            throttle(Counts::Requests),
            throttle(Counts::Cost),
            throttle(Counts::Units { quantities: 1 }),
        ],
        held_max: Some(amount(900)),
        holds_max: Some(3),
    };
    let (name, caps) = (name("capped"), Caps::new(caps).unwrap());
    Record::Account(Account { name, parent: None, overrun: Overrun::Debt, caps })
}

#[test]
fn every_kind_has_a_sample() {
    let seen: std::collections::BTreeSet<_> = samples().iter().map(Record::kind).collect();
    assert_eq!(seen, Kind::ALL.into_iter().collect());
}

#[test]
fn codes_of_kinds_are_frozen() {
    let codes: Vec<_> = Kind::ALL.iter().map(|kind| kind.code()).collect();
    assert_eq!(codes, [1, 2, 3, 4, 16, 17, 18, 19, 20, 21, 22, 23, 32, 33, 34, 35, 36, 66, 67]);
    for code in 0..=u16::MAX {
        assert_eq!(Kind::from_code(code).map(Kind::code), codes.contains(&code).then_some(code));
    }
}

/// FORMAT 9, by hand.
#[test]
fn payloads_are_laid_out_as_the_format_says() {
    let operation = Some(Operation { id: OperationId([0xAA; 16]), issued: Timestamp(-2) });
    let release = Record::Release(Call {
        operation,
        arguments: Release { hold: Sequence(9) },
        outcome: assize::record::ReleaseOutcome::Released { given_back: amount(7) },
    });
    let grant = Record::Grant(Call {
        operation: None,
        arguments: Grant { account: AccountId(3), limit: 0, change_micros: NonZeroI64::new(-5).unwrap() },
        outcome: (),
    });
    let spend = Spend::Usage { served: FAR, quantities: *request(258).quantities() };
    let commit = Record::Commit(commit(Sequence(6), spend, (Settled::InTime, 1, 2, 3)));
    let part = part_amount(Sequence(6), (260, 2, 3, 4));
    let adjustment = adjust(Sequence(6), 260, (2, 3, 4));
    let cases: [(&Record, &str); 12] = [
        (
            &adjustment,
            "00 0600000000000000 0401000000000000 0200000000000000 0300000000000000 0400000000000000",
        ),
        (
            &part,
            "00 0600000000000000 02 0401000000000000 00 0401000000000000 0200000000000000 0300000000000000 0400000000000000",
        ),
        (
            &Record::Terms(Terms {
                operation_horizon_ns: 1,
                operations_max: 2,
                clock_jump_ns_max: 3,
                late_window_ns: 4,
                adjust_window_ns: 5,
                settled_max: 6,
            }),
            "0100000000000000 02000000 0300000000000000 0400000000000000 0500000000000000 06000000 00000000",
        ),
        (&Record::Halt(Halt::ReduceOnly), "01"),
        (
            &Record::CandidateSwitch(CandidateSwitch {
                candidate: CandidateId(258),
                switch: Switch::Enabled,
            }),
            "02010000 01",
        ),
        (
            &release,
            "01 aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa feffffffffffffff 0900000000000000 00 0700000000000000",
        ),
        (&grant, "00 03000000 00 fbffffffffffffff"),
        (
            &commit,
            "00 0600000000000000 01 02000000 01 0201000000000000 00 0100000000000000 0200000000000000 0300000000000000",
        ),
        (&expire(&[Sequence(1), Sequence(2)]), "0200 0100000000000000 0200000000000000"),
        (&account("né", Some(1), Overrun::Debt), "03 6ec3a9 01000000 02 01 00 00 0000000000000000 00000000"),
        (&account("n", None, Overrun::Deny), "01 6e ffffffff 00 01 00 00 0000000000000000 00000000"),
        (
            &extend(Sequence(8), 1, ExtendOutcome::Extended { deadline: Timestamp(2), held: amount(3) }),
            "00 0800000000000000 0100000000000000 00 0200000000000000 0300000000000000",
        ),
    ];
    for (record, expected) in cases {
        let shown: String = bytes(record).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(shown, expected.replace(' ', ""), "{record:?}");
    }
}

/// FORMAT 9.7, 9.8, 9.12 by hand: an admission that was admitted under a limit, one denied for a budget, a reroute.
#[test]
fn decided_records_are_laid_out_as_the_format_says() {
    let mut world = World::funded();
    let policy = world.ledger.policy().clone();
    let request = request(3);
    let decided = world.decided(&request, Some(250));
    let mut form = Vec::new();
    request.encode(&mut form);
    let mut decision = Vec::new();
    decided.decision.encode(&mut decision);
    let mut decided_bytes = 1_u64.to_le_bytes().to_vec();
    decided_bytes.extend(policy.digest().0);
    decided_bytes.push(1);
    decided_bytes.extend(250_u64.to_le_bytes());
    decided_bytes.extend(&decision);

    let outcome = AdmissionOutcome::Admitted { decided, deadline: Timestamp(77) };
    let call = admission(path(&[2, 0]), request.clone(), outcome);
    let mut expected = vec![0, 1, 6];
    expected.extend(b"tester");
    expected.extend([2, 2, 0, 0, 0, 0, 0, 0, 0]);
    expected.extend((form.len() as u16).to_le_bytes());
    expected.extend(&form);
    expected.push(0);
    expected.extend(&decided_bytes);
    expected.extend(77_i64.to_le_bytes());
    assert_eq!(bytes(&Record::Admission(call)), expected);

    let hold = world.admit(&[2], 3, 60);
    let mut call = world.rerouted(hold, 3, 60);
    call.outcome.admission = AdmissionOutcome::DeniedHalted;
    let mut form = Vec::new();
    call.arguments.request.encode(&mut form);
    let mut expected = vec![0];
    expected.extend(hold.0.to_le_bytes());
    expected.extend(FAR.0.to_le_bytes());
    expected.extend((form.len() as u16).to_le_bytes());
    expected.extend(&form);
    expected.extend(60_u64.to_le_bytes());
    expected.push(4);
    assert_eq!(bytes(&Record::Reroute(call)), expected);
}

/// FORMAT 9.3.
#[test]
fn an_operations_digest_covers_its_kind_and_every_argument() {
    let commit = Commit { hold: Sequence(9), spend: Spend::Amount(amount(4)) };
    let mut body = 17_u16.to_le_bytes().to_vec();
    body.extend(9_u64.to_le_bytes());
    body.push(2);
    body.extend(4_u64.to_le_bytes());
    let mut scratch = vec![1, 2, 3];
    assert_eq!(commit.digest(&mut scratch), Digest::of("assize/operation/1", &body));
    let others = [
        Commit { hold: Sequence(8), spend: Spend::Amount(amount(4)) },
        Commit { hold: Sequence(9), spend: Spend::Amount(amount(5)) },
        Commit {
            hold: Sequence(9),
            spend: Spend::Usage { served: FAR, quantities: Quantities::new(policy(1).schema()) },
        },
    ];
    for other in others {
        assert_ne!(commit.digest(&mut scratch), other.digest(&mut scratch));
    }
}

/// No payload has a second reading: a cut one, one with a byte more, and one with any bit flipped is refused or is
/// another record with just these bytes.
#[test]
fn there_is_one_encoding_of_each_record() {
    let (mut refused, mut others) = (0, 0);
    for record in samples() {
        let payload = bytes(&record);
        let kind = record.kind().code();
        assert_eq!(read(kind, &payload).as_ref(), Ok(&record));
        // Policies have tests of their own, and any length of them is read here.
        if record.kind() == Kind::Policy {
            continue;
        }
        for cut in 0..payload.len() {
            assert!(read(kind, &payload[..cut]).is_err(), "{record:?} cut at {cut}");
        }
        let mut longer = payload.clone();
        longer.push(0);
        let trailing = read(kind, &longer);
        assert!(matches!(trailing, Err(RecordError::Codec(CodecError::Trailing { .. }))), "{trailing:?}");
        for bit in 0..payload.len() * 8 {
            let mut flipped = payload.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            match read(kind, &flipped) {
                Err(_) => refused += 1,
                Ok(other) => {
                    others += 1;
                    assert_ne!(other, record, "bit {bit} says nothing");
                    assert_eq!(bytes(&other), flipped, "bit {bit} has a second encoding");
                }
            }
        }
    }
    assert!(refused > 1_000 && others > 1_000, "both happen: {refused}, {others}");
}

#[test]
fn what_a_record_cannot_say_is_refused() {
    let [hold, one] = [[9, 0, 0, 0, 0, 0, 0, 0], [1, 0, 0, 0, 0, 0, 0, 0]];
    let zero = [0_u8; 8];
    let big = u64::MAX.to_le_bytes();
    let invalid = |offset, what| RecordError::Codec(CodecError::Invalid { offset, what });
    let caps = RecordError::Caps;
    let leaf = |text: &[u8], rest: &[u8]| [&[text.len() as u8], text, &[255, 255, 255, 255], rest].concat();
    let tail = [0; 12];
    let mut terms = bytes(&Record::Terms(Terms::default()));
    *terms.last_mut().unwrap() = 1;
    let many = [&300_u16.to_le_bytes()[..], &[1; 2_400]].concat();
    let cases: Vec<(&str, u16, Vec<u8>, RecordError)> = vec![
        ("a control frame's kind", 64, vec![], RecordError::Kind { seen: 64 }),
        ("a reserved kind", 128, vec![], RecordError::Kind { seen: 128 }),
        (
            "a retention of the first segment",
            67,
            [&[1, 0, 0, 0][..], &[0; 40]].concat(),
            invalid(44, "the first segment kept"),
        ),
        ("terms with reserved bytes", 1, terms, invalid(44, "reserved bytes of terms")),
        ("an unknown halt", 3, vec![3], invalid(1, "halt")),
        ("an unknown switch", 4, vec![1, 0, 0, 0, 2], invalid(5, "switch of a candidate")),
        ("an operation of 2", 18, vec![2], invalid(1, "operation")),
        ("hold 0", 18, [&[0], &zero[..]].concat(), invalid(9, "hold")),
        (
            "an unknown release",
            18,
            [&[0], &hold[..], &[2], &zero].concat(),
            invalid(18, "outcome of a release"),
        ),
        (
            "an expired release that gives back",
            18,
            [&[0], &hold[..], &[1], &one].concat(),
            invalid(18, "outcome of a release"),
        ),
        ("too large an amount", 18, [&[0], &hold[..], &[0], &big].concat(), invalid(18, "amount")),
        ("an unknown spend", 17, [&[0], &hold[..], &[3]].concat(), invalid(10, "spend")),
        (
            "usage of quantity 1 of 1",
            17,
            [&[0], &hold[..], &[1, 2, 0, 0, 0, 2], &one].concat(),
            invalid(15, "mask of quantities"),
        ),
        (
            "usage of nothing of a quantity",
            17,
            [&[0], &hold[..], &[1, 2, 0, 0, 0, 1], &zero].concat(),
            invalid(23, "quantity of 0"),
        ),
        (
            "an unknown commit",
            17,
            [&[0], &hold[..], &[2], &one, &[3]].concat(),
            invalid(19, "outcome of a commit"),
        ),
        (
            "an unknown part commit",
            20,
            [&[0], &hold[..], &[2], &one, &[1]].concat(),
            invalid(19, "outcome of a part commit"),
        ),
        ("too large a part", 20, [&[0], &hold[..], &[2], &big].concat(), invalid(18, "amount")),
        ("too large an adjustment", 23, [&[0], &hold[..], &big].concat(), invalid(17, "amount")),
        ("too large a refund", 23, [&[0], &hold[..], &one, &one, &one, &big].concat(), invalid(41, "amount")),
        ("an adjustment of no hold", 23, [&[0], &zero[..]].concat(), invalid(9, "hold")),
        ("an unknown spend of a part", 20, [&[0], &hold[..], &[3]].concat(), invalid(10, "spend")),
        (
            "an unknown extension",
            19,
            [&[0], &hold[..], &one, &[1]].concat(),
            invalid(18, "outcome of an extension"),
        ),
        (
            "an extension below itself",
            19,
            [&[0], &hold[..], &hold, &[0], &zero, &one].concat(),
            RecordError::Contradiction { what: "an extended hold holds less than its extension" },
        ),
        ("no expired hold", 22, vec![0, 0], invalid(2, "count of expired holds")),
        ("too many expired holds", 22, many, invalid(2, "count of expired holds")),
        (
            "expired holds out of order",
            22,
            [&[2, 0], &hold[..], &hold].concat(),
            RecordError::Contradiction { what: "expired holds that do not ascend" },
        ),
        ("a name without text", 32, leaf(b"", &[0, 1, 0, 0]), RecordError::Name(NameError::Empty)),
        ("a name too long", 32, leaf(&[b'n'; 65], &[]), RecordError::Name(NameError::TooLong { seen: 65 })),
        ("a name with a line", 32, leaf(b"a\n", &[]), RecordError::Name(NameError::Control)),
        ("a name of no text", 32, leaf(&[0xFF], &[]), invalid(2, "UTF-8 of a name")),
        ("an unknown overrun", 32, leaf(b"n", &[3]), invalid(7, "overrun")),
        ("no limit", 32, leaf(b"n", &[&[0, 0, 0][..], &tail].concat()), caps(CapsError::Limits { seen: 0 })),
        ("four limits", 32, leaf(b"n", &[0, 4]), invalid(8, "count of limits")),
        ("an unknown window", 32, leaf(b"n", &[0, 1, 5]), invalid(9, "window of a limit")),
        (
            "a day of no place on earth",
            32,
            leaf(b"n", &[&[0, 1, 1][..], &64_801_i32.to_le_bytes(), &[0], &tail].concat()),
            caps(CapsError::Window { limit: 0, error: WindowError::Offset { seen_s: 64_801 } }),
        ),
        (
            "the same window twice",
            32,
            leaf(b"n", &[&[0, 2, 4, 4, 0][..], &tail].concat()),
            caps(CapsError::Twice { limit: 1 }),
        ),
        ("five throttles", 32, leaf(b"n", &[0, 1, 0, 5]), invalid(10, "count of throttles")),
        ("an unknown throttle", 32, leaf(b"n", &[0, 1, 0, 1, 3]), invalid(11, "what a throttle counts")),
        (
            "a throttle without a rate",
            32,
            leaf(b"n", &[&[0, 1, 0, 1, 0][..], &zero, &one, &one, &tail].concat()),
            caps(CapsError::Throttle { throttle: 0, error: ThrottleError::Rate { seen: 0 } }),
        ),
        (
            "a cap on more than an amount",
            32,
            leaf(b"n", &[&[0, 1, 0, 0], &big[..]].concat()),
            invalid(18, "cap on what is held"),
        ),
        (
            "a grant to a fourth limit",
            33,
            [&[0, 1, 0, 0, 0, 3], &one[..]].concat(),
            invalid(6, "limit of an account"),
        ),
        ("a grant of nothing", 33, [&[0, 1, 0, 0, 0, 0], &zero[..]].concat(), invalid(14, "grant")),
    ];
    for (what, kind, payload, expected) in cases {
        assert_eq!(read(kind, &payload), Err(expected), "{what}");
    }
}

/// FORMAT 9.7 and 9.8: what an admission cannot say, by altering one that says what it can.
#[test]
fn what_an_admission_cannot_say_is_refused() {
    let world = World::funded();
    let admitted = bytes(&Record::Admission(world.admitted(path(&[2, 1]), 3, 60)));
    // Operation, principal (1, 6, "tester"), path (2, two accounts), request (2 and its bytes), outcome.
    let (principal, accounts, request_at) = (1, 9, 18);
    let request_bytes = usize::from(u16::from_le_bytes([admitted[request_at], admitted[request_at + 1]]));
    let outcome = request_at + 2 + request_bytes;
    let limit_at = outcome + 1 + 8 + 32;
    let at = |place: usize, byte: u8| {
        let mut altered = admitted.clone();
        altered[place] = byte;
        read(16, &altered).unwrap_err()
    };
    let invalid = |offset, what| RecordError::Codec(CodecError::Invalid { offset, what });
    assert_eq!(at(principal, 3), invalid(2, "principal"));
    assert_eq!(at(accounts, 0), RecordError::Path(PathError::Empty));
    assert_eq!(at(accounts, 5), RecordError::Path(PathError::TooMany { seen: 5 }));
    assert_eq!(at(accounts + 1, 1), RecordError::Path(PathError::Twice { account: AccountId(1) }));
    assert_eq!(at(outcome, 5), invalid(outcome + 1, "outcome of an admission"));
    assert_eq!(at(limit_at, 2), invalid(limit_at + 1, "limit applied"));
    assert!(matches!(at(request_at, 1), RecordError::Codec(_)), "a request cut short");
    assert!(matches!(at(request_at + 2, 0xFF), RecordError::Codec(_)), "a request with unknown facts");

    let needs_schema = Record::decode(16, &admitted, None);
    assert_eq!(needs_schema, Err(RecordError::SchemaMissing { kind: Kind::Admission }));
    assert!(Record::decode(18, &bytes(&release(Sequence(1), None)), None).is_ok(), "a release needs none");

    let selects = world.decided(&request(3), None);
    let denies = world.decided(&request(3), Some(0));
    let without = assize::record::Decided { limit_applied: None, ..denies };
    let cases = [
        (
            AdmissionOutcome::Admitted { decided: denies, deadline: after(1) },
            "an admission whose decision selects nothing that can be held",
        ),
        (AdmissionOutcome::DeniedPolicy { decided: selects }, "a denial whose decision selects a candidate"),
        (
            AdmissionOutcome::DeniedBudget { decided: selects, binding: AccountId(0).into() },
            "a denial whose decision selects a candidate",
        ),
        (
            AdmissionOutcome::DeniedPolicy { decided: denies },
            "a denial by the policy under what the accounts can pay",
        ),
        (
            AdmissionOutcome::DeniedBudget { decided: without, binding: AccountId(0).into() },
            "a denial by a budget under the request's own limit",
        ),
        (
            AdmissionOutcome::DeniedBudget {
                decided: without,
                binding: Binding { account: AccountId(0), bound: Bound::Holds },
            },
            "a denial by a cap on holds whose decision is not one of its own that selects",
        ),
        (
            AdmissionOutcome::DeniedThrottle { decided: selects, account: AccountId(0), throttle: 4 },
            "a denial by a throttle that no account can have",
        ),
        (
            AdmissionOutcome::DeniedThrottle { decided: denies, account: AccountId(0), throttle: 0 },
            "an admission whose decision selects nothing that can be held",
        ),
    ];
    for (outcome, what) in cases {
        let payload = bytes(&Record::Admission(admission(path(&[0]), request(3), outcome)));
        assert_eq!(read(16, &payload), Err(RecordError::Contradiction { what }));
    }
}

#[test]
fn a_reroute_excludes_what_failed() {
    let mut world = World::funded();
    let hold = world.admit(&[2], 3, 60);
    let mut call = world.rerouted(hold, 3, 60);
    call.arguments.failed = NEAR;
    let what = "a reroute whose request does not exclude what failed";
    assert_eq!(read(21, &bytes(&Record::Reroute(call))), Err(RecordError::Contradiction { what }));
}

#[test]
fn paths_have_one_to_four_accounts_each_once() {
    let ids: Vec<_> = (0..5).map(AccountId).collect();
    assert_eq!(Path::new(&[]), Err(PathError::Empty));
    assert_eq!(Path::new(&ids), Err(PathError::TooMany { seen: 5 }));
    assert_eq!(Path::new(&[ids[1], ids[2], ids[1]]), Err(PathError::Twice { account: ids[1] }));
    assert_eq!(Path::new(&ids[..4]).unwrap().accounts(), &ids[..4]);
}

#[test]
fn at_most_256_holds_expire_at_once() {
    let mut expire = assize::record::Expire::new();
    for hold in 1..=256 {
        expire.push(Sequence(hold)).unwrap();
    }
    let too_many = RecordError::Codec(CodecError::TooLong { seen: 257, max: 256 });
    assert_eq!(expire.push(Sequence(257)), Err(too_many));
    let record = Record::Expire(expire);
    assert_eq!(read(22, &bytes(&record)), Ok(record));
}

fn arbitrary() -> impl Strategy<Value = Record> {
    let amounts = prop_oneof![Just(0), 1_u64..100, Just(Amount::MAX.micros())].prop_map(amount);
    let operations = prop::option::of((any::<[u8; 16]>(), any::<i64>()))
        .prop_map(|found| found.map(|(id, at)| Operation { id: OperationId(id), issued: Timestamp(at) }));
    let holds = prop_oneof![1_u64..20, Just(u64::MAX)].prop_map(Sequence);
    let spends = prop_oneof![
        amounts.clone().prop_map(Spend::Amount),
        (any::<u32>(), any::<u64>()).prop_map(|(served, calls)| Spend::Usage {
            served: CandidateId(served),
            quantities: *request(calls).quantities(),
        }),
    ];
    let parts = (holds.clone(), spends.clone(), amounts.clone(), amounts.clone(), amounts.clone()).prop_map(
        |(hold, spend, extra, unfunded, held)| {
            let mut call = part_commit(hold, spend, (7, 0, 0, 0));
            call.outcome.booked_extra = extra;
            call.outcome.unfunded = unfunded;
            call.outcome.held = held;
            Record::PartCommit(call)
        },
    );
    let committed =
        (operations.clone(), holds.clone(), spends, any::<bool>(), amounts.clone(), amounts.clone())
            .prop_map(|(operation, hold, spend, late, extra, unfunded)| {
                let settled = if late { Settled::Expired } else { Settled::InTime };
                let mut call = commit(hold, spend, (settled, 0, 0, 0));
                call.operation = operation;
                call.outcome.booked_extra = extra;
                call.outcome.unfunded = unfunded;
                Record::Commit(call)
            });
    let admitted =
        (operations, 0_u64..30, 1_u32..4, any::<i64>(), prop::option::of(0_u64..600), any::<bool>())
            .prop_map(|(operation, calls, accounts, deadline, limit, halted)| {
                let world = World::funded();
                let request = request(calls);
                let decided = world.decided(&request, limit);
                let binding = AccountId(accounts).into();
                let outcome = match (halted, decided.decision.selected, limit) {
                    (true, ..) => AdmissionOutcome::DeniedHalted,
                    (_, Some(_), _) => AdmissionOutcome::Admitted { decided, deadline: Timestamp(deadline) },
                    (_, None, Some(_)) => AdmissionOutcome::DeniedBudget { decided, binding },
                    (_, None, None) => AdmissionOutcome::DeniedPolicy { decided },
                };
                let accounts: Vec<_> = (0..accounts).collect();
                let mut call = admission(path(&accounts), request, outcome);
                call.operation = operation;
                Record::Admission(call)
            });
    let extended = (holds, amounts, any::<i64>()).prop_map(|(hold, held, deadline)| {
        let outcome = ExtendOutcome::Extended { deadline: Timestamp(deadline), held };
        extend(hold, held.micros(), outcome)
    });
    prop_oneof![committed, parts, admitted, extended]
}

fn cases() -> ProptestConfig {
    // An interpreter has no files, and little time.
    let few = || ProptestConfig { cases: 4, failure_persistence: None, ..ProptestConfig::default() };
    if cfg!(miri) { few() } else { ProptestConfig::default() }
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn records_are_read_as_they_were_written(record in arbitrary()) {
        prop_assert_eq!(read(record.kind().code(), &bytes(&record)), Ok(record));
    }

    #[test]
    fn any_bytes_are_a_record_with_these_bytes_or_none(
        kind in prop::sample::select(&Kind::ALL[..]),
        payload in prop::collection::vec(prop_oneof![Just(0_u8), Just(1), any::<u8>()], 0..80),
    ) {
        if let Ok(record) = read(kind.code(), &payload) {
            prop_assert_eq!(bytes(&record), payload);
        }
    }
}

#[cfg(feature = "serde")]
#[test]
fn records_are_shown_with_units() {
    let world = World::funded();
    let mut call = world.admitted(path(&[2]), 3, 60);
    call.operation = operation(0xAB, Timestamp(5));
    let shown = serde_json::to_value(Record::Admission(call)).unwrap();
    assert_eq!(shown["kind"], "admission");
    assert_eq!(shown["operation"]["id"], "ab".repeat(16));
    assert_eq!(shown["operation"]["issued_ns"], 5);
    assert_eq!(shown["principal"]["attested"], "tester");
    assert_eq!(shown["path"], serde_json::json!([2]));
    assert_eq!(shown["request"]["quantities"], serde_json::json!([{ "quantity": 0, "amount": 3 }]));
    let decision = &shown["outcome"]["admitted"]["decided"]["decision"];
    assert_eq!(decision["selected"]["cost_micros"], 60);
    for record in samples() {
        let shown = serde_json::to_value(&record).unwrap();
        assert_eq!(shown["kind"], record.kind().as_str(), "{shown}");
    }
}
