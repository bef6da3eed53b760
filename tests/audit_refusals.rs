//! What replay finds in logs whose chain holds: each written under the right key, by a host that lies once.
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

#[path = "audit/forge.rs"]
mod forge;
#[path = "ledger/world.rs"]
mod world;

use assize::audit::{AuditOptions, Problem, Verdict, replay};
use assize::id::{AccountId, CandidateId, Sequence};
use assize::kernel::{Decision, Disabled, RequestError, prescribe};
use assize::ledger::{CheckpointError, Mismatch};
use assize::num::{MicroUnits, Timestamp};
use assize::policy::Relation;
use assize::record::{
    AdmissionOutcome, CandidateSwitch, Decided, Halt, Kind, Record, RecordError, Settled, Switch,
};
use assize::wal::Blame;
use forge::{Forgery, key, replayed, verified};
use world::*;

/// The chain holds; the replay stops at the last record, and nothing before it is blamed.
#[track_caller]
fn found(what: &str, forgery: Forgery, at: Sequence) -> Problem {
    let (storage, _) = forgery.close();
    verified(&storage).map(drop).unwrap_or_else(|error| panic!("{what}: {error}"));
    let error = replayed(&storage).expect_err(what);
    assert_eq!(error.blame(), Blame::Evidence, "{what}");
    assert_eq!(error.place().unwrap().sequence, at, "{what}: {error}");
    assert_eq!(error.good.records, at.0 - 1, "{what}: {error}");
    assert!(error.to_string().contains(&format!("sequence {at}, offset ")), "{error}");
    error.problem
}

fn admitted(decided: Decided) -> AdmissionOutcome {
    AdmissionOutcome::Admitted { decided, deadline: after(60) }
}

/// What the kernel would say of other requests, recorded for a request of 3 calls: the ledger takes each of them.
#[test]
fn a_decision_that_does_not_follow_is_found() {
    let world = World::funded();
    let three = request(3);
    let honest = world.decided(&three, None);
    let choice = honest.decision.selected.unwrap();
    let with = |alter: &dyn Fn(&mut Decided)| {
        let mut decided = honest;
        alter(&mut decided);
        decided
    };
    let dearer = with(&|decided| {
        let Decision { selected, runner_up, .. } = &mut decided.decision;
        std::mem::swap(selected, runner_up);
    });
    assert_eq!(dearer.decision.selected.unwrap().candidate, NEAR);
    let cheaper = with(&|decided| decided.decision.selected.as_mut().unwrap().cost = MicroUnits(59));
    let runner_up = with(&|decided| decided.decision.runner_up = None);
    let valued = with(&|decided| {
        decided.decision.selected.as_mut().unwrap().utility = Some(1);
        decided.decision.runner_up.as_mut().unwrap().utility = Some(1);
    });
    let reason = with(&|decided| decided.decision.reason = assize::kernel::Reason::Requested);
    let limited = with(&|decided| decided.limit_applied = Some(MicroUnits(300)));
    let denies = world.decided(&three, Some(0));
    let by_policy = Decided { limit_applied: None, ..denies };
    let by_budget = Decided { limit_applied: Some(MicroUnits(300)), ..denies };
    let cases = [
        ("another candidate", admitted(dearer)),
        ("another cost", admitted(cheaper)),
        ("no runner-up", admitted(runner_up)),
        ("a utility that the policy does not have", admitted(valued)),
        ("another reason", admitted(reason)),
        ("a limit that did not bind", admitted(limited)),
        ("a denial by the policy", AdmissionOutcome::DeniedPolicy { decided: by_policy }),
        (
            "a denial by a budget that suffices",
            AdmissionOutcome::DeniedBudget { decided: by_budget, binding: AccountId(2).into() },
        ),
    ];
    for (what, outcome) in cases {
        let mut forgery = Forgery::funded();
        let at = forgery.lie(&Record::Admission(admission(path(&[2]), three.clone(), outcome)));
        let Problem::Decision(disputed) = found(what, forgery, at) else { panic!("{what}") };
        assert_eq!(disputed.seen, Verdict::of(&outcome), "{what}");
        assert_eq!(disputed.expected, Verdict::Admitted { decided: honest }, "{what}");
        assert_eq!(disputed.expected.decided().unwrap().decision.selected, Some(choice));
    }
}

/// SEMANTICS 10.1: the cases that differ by what the accounts can pay.
#[test]
fn the_limit_that_a_decision_was_made_with_is_found_again() {
    let mut sixteen = request(16);
    // 20 µ a call at the one, 30 at the other: 320 are not there.
    let alone = AdmissionOutcome::DeniedPolicy {
        decided: Decided { limit_applied: None, ..World::funded().decided(&sixteen, Some(300)) },
    };
    let honest = AdmissionOutcome::DeniedBudget {
        decided: World::funded().decided(&sixteen, Some(300)),
        binding: AccountId(2).into(),
    };
    let mut forgery = Forgery::funded();
    let at = forgery.lie(&Record::Admission(admission(path(&[2]), sixteen.clone(), alone)));
    let Problem::Decision(disputed) = found("a budget's denial blamed on the policy", forgery, at) else {
        panic!()
    };
    assert_eq!((disputed.seen, disputed.expected), (Verdict::of(&alone), Verdict::of(&honest)));

    // With a limit of its own below that, the policy denies and the budget has no part in it.
    sixteen.cost_limit(MicroUnits(200));
    let blamed = AdmissionOutcome::DeniedBudget {
        decided: World::funded().decided(&sixteen, Some(200)),
        binding: AccountId(2).into(),
    };
    let mut forgery = Forgery::funded();
    let at = forgery.lie(&Record::Admission(admission(path(&[2]), sixteen, blamed)));
    let Problem::Decision(disputed) = found("the policy's denial blamed on a budget", forgery, at) else {
        panic!()
    };
    assert!(matches!(disputed.expected, Verdict::DeniedPolicy { .. }), "{disputed:?}");
}

#[test]
fn what_the_host_disabled_and_halted_decides() {
    let disable =
        |candidate| Record::CandidateSwitch(CandidateSwitch { candidate, switch: Switch::Disabled });
    // Decided as if nothing were disabled.
    let mut forgery = Forgery::funded();
    forgery.honest(&disable(FAR));
    let ignoring = prescribe(forgery.world.ledger.policy(), &Disabled::none(), &request(3)).unwrap();
    let decided = Decided { limit_applied: None, decision: ignoring };
    let at = forgery.lie(&Record::Admission(admission(path(&[2]), request(3), admitted(decided))));
    let Problem::Decision(disputed) = found("a disabled candidate serves", forgery, at) else { panic!() };
    let expected = disputed.expected.decided().unwrap().decision.selected.unwrap();
    assert_eq!(expected.candidate, NEAR);

    // And after a swap it stays disabled.
    let mut forgery = Forgery::funded();
    forgery.honest(&disable(FAR));
    forgery.honest(&swap(2));
    let ignoring = prescribe(forgery.world.ledger.policy(), &Disabled::none(), &request(3)).unwrap();
    let decided = Decided { limit_applied: None, decision: ignoring };
    let at = forgery.lie(&Record::Admission(admission(path(&[2]), request(3), admitted(decided))));
    assert!(matches!(found("disabled under an earlier policy", forgery, at), Problem::Decision(_)));

    // A reroute that costs no more than its hold is not for the halt to deny.
    let mut forgery = Forgery::funded();
    let call = forgery.world.admitted(path(&[2]), 3, 60);
    let hold = forgery.honest(&Record::Admission(call));
    forgery.honest(&Record::Halt(Halt::ReduceOnly));
    let mut call = forgery.world.rerouted(hold, 2, 60);
    call.outcome.admission = AdmissionOutcome::DeniedHalted;
    let at = forgery.lie(&Record::Reroute(call));
    let Problem::Decision(disputed) = found("a halt that did not bind", forgery, at) else { panic!() };
    assert_eq!(disputed.seen, Verdict::DeniedHalted);

    // One that costs more is, and such a denial holds; so does one that costs the same.
    for (calls, denied) in [(3, true), (2, false)] {
        let mut forgery = Forgery::funded();
        let call = forgery.world.admitted(path(&[2]), 3, 60);
        let hold = forgery.honest(&Record::Admission(call));
        forgery.honest(&Record::Halt(Halt::ReduceOnly));
        let mut call = forgery.world.rerouted(hold, calls, 60);
        if denied {
            call.outcome.admission = AdmissionOutcome::DeniedHalted;
        }
        forgery.honest(&Record::Reroute(call));
        replayed(&forgery.close().0).map(drop).unwrap();
    }
}

#[test]
fn a_reroute_is_decided_by_what_its_hold_gave_back() {
    let mut forgery = Forgery::funded();
    let call = forgery.world.admitted(path(&[2]), 15, 60);
    let hold = forgery.honest(&Record::Admission(call));
    // 300 µ elsewhere: payable only with what was held.
    let call = forgery.world.rerouted(hold, 10, 60);
    forgery.honest(&Record::Reroute(call));
    replayed(&forgery.close().0).map(drop).unwrap();

    let mut forgery = Forgery::funded();
    let call = forgery.world.admitted(path(&[2]), 15, 60);
    let hold = forgery.honest(&Record::Admission(call));
    let mut call = forgery.world.rerouted(hold, 3, 60);
    let wrong = forgery.world.decided(&request(3), None);
    call.outcome.admission = admitted(wrong);
    let at = forgery.lie(&Record::Reroute(call));
    let problem = found("the failed candidate serves again", forgery, at);
    assert!(matches!(problem, Problem::Decision(_)), "{problem:?}");
}

#[test]
fn a_malformed_request_is_no_decision() {
    let policy = policy(1);
    let gate = policy.schema().gate_set("skills", Relation::HasAll).unwrap();
    let mut wider = assize::policy::Draft::clone(&policy.to_draft());
    wider.members[0].members.push(assize::policy::MemberDraft { id: 77, name: "later".into() });
    let wider = assize::policy::Policy::freeze(wider).unwrap();
    let mut asked = request(3);
    asked.demand_set(gate, &wider.members("skills", &["later"]).unwrap()).unwrap();
    let mut forgery = Forgery::funded();
    let decided = forgery.world.decided(&request(3), None);
    let at = forgery.lie(&Record::Admission(admission(path(&[2]), asked, admitted(decided))));
    let problem = found("a member that the policy does not list", forgery, at);
    let Problem::Malformed(RequestError::UnknownMember { .. }) = problem else { panic!("{problem:?}") };
}

#[test]
fn a_record_that_the_ledger_does_not_take_is_found() {
    let mut forgery = Forgery::funded();
    let at = forgery.lie(&commit_amount(Sequence(3), (Settled::InTime, 5, 0, 0)));
    let mismatch = Mismatch::HoldUnknown { hold: Sequence(3) };
    assert_eq!(found("a commit of nothing", forgery, at), Problem::Ledger { kind: Kind::Commit, mismatch });

    let mut forgery = Forgery::funded();
    let call = forgery.world.admitted(path(&[2, 9]), 1, 60);
    let at = forgery.lie(&Record::Admission(call));
    let mismatch = Mismatch::AccountUnknown { account: AccountId(9) };
    let expected = Problem::Ledger { kind: Kind::Admission, mismatch };
    assert_eq!(found("an admission at nobody", forgery, at), expected);

    let mut forgery = Forgery::funded();
    let at = forgery.raw(Kind::Halt.code(), CREATED, CREATED, &[9]);
    let problem = found("a payload that is none", forgery, at);
    assert!(matches!(problem, Problem::Payload(RecordError::Codec(_))), "{problem:?}");
}

#[test]
fn times_that_do_not_follow_are_found() {
    let halt = Kind::Halt.code();
    let mut forgery = Forgery::funded();
    let at = forgery.raw(halt, after(5), after(4), &[0]);
    let mismatch = Mismatch::Effective { expected: after(4), seen: after(5) };
    assert_eq!(
        found("an effective time of nobody", forgery, at),
        Problem::Ledger { kind: Kind::Halt, mismatch }
    );

    let mut forgery = Forgery::funded();
    let at = forgery.raw(halt, after(604_801), after(604_801), &[0]);
    let mismatch = Mismatch::ClockJump { seen_ns: 604_801 * SECOND_NS, max_ns: 604_800 * SECOND_NS };
    assert_eq!(found("a jump", forgery, at), Problem::Ledger { kind: Kind::Halt, mismatch });
}

/// A log in several segments, one of whose checkpoints says something else.
#[test]
fn a_checkpoint_must_be_the_state_bit_by_bit() {
    let cases: [(&str, forge::Alter); 4] = [
        ("a bit in the last byte", |nth, form| {
            if nth == 2 {
                *form.last_mut().unwrap() ^= 1;
            }
        }),
        ("a bit in the sequence", |nth, form| {
            if nth == 2 {
                form[2] ^= 1;
            }
        }),
        ("a byte more", |nth, form| {
            if nth == 2 {
                form.push(0);
            }
        }),
        ("a byte less", |nth, form| {
            if nth == 2 {
                form.pop();
            }
        }),
    ];
    for (what, alter) in cases {
        let (storage, _) = long(alter).close();
        verified(&storage).map(drop).unwrap();
        let error = replayed(&storage).expect_err(what);
        let Problem::Checkpoint { byte, expected_bytes } = error.problem else { panic!("{what}: {error}") };
        assert!(byte <= expected_bytes, "{what}");
        assert_eq!((error.at.unwrap().segment, error.good.checkpoints), (3, 2), "{what}");
        assert_eq!(error.good.records, error.at.unwrap().sequence.0, "{what}");
    }
    let (storage, _) = long(|_, _| {}).close();
    assert!(replayed(&storage).unwrap().checkpoints > 2);
}

/// Segments as short as can be, and enough records for several.
fn long(alter: forge::Alter) -> Forgery {
    let mut forgery = Forgery::funded_with(1, alter);
    for _ in 0..60 {
        forgery.honest(&Record::Halt(Halt::None));
    }
    forgery
}

#[test]
fn a_log_begins_with_a_genesis() {
    let cases: [(&str, forge::Alter); 4] = [
        ("no ledger", |_, form| form[0] = 9),
        ("one halted", |_, form| form[62] = 1),
        ("another time", |_, form| form[10] ^= 1),
        ("something before it", |_, form| form[2] = 1),
    ];
    for (what, alter) in cases {
        let (storage, _) = Forgery::with(1 << 30, alter).close();
        verified(&storage).map(drop).unwrap();
        let error = replayed(&storage).expect_err(what);
        match (what, &error.problem) {
            ("no ledger", Problem::Genesis(CheckpointError::Codec(_)))
            | ("one halted", Problem::Genesis(CheckpointError::Contradiction { .. }))
            | ("something before it", Problem::GenesisMissing) => {}
            ("another time", Problem::GenesisTime { expected, seen }) => {
                assert_eq!((*expected, *seen), (CREATED, Timestamp(CREATED.0 ^ 1)));
            }
            (_, other) => panic!("{what}: {other:?}"),
        }
        assert_eq!((error.good.records, error.place().unwrap().segment), (0, 1), "{what}");
    }
}

/// A candidate in a decision that no policy has; the ledger's word for it is the more exact one.
#[test]
fn the_ledgers_word_comes_before_the_kernels() {
    let mut forgery = Forgery::funded();
    let mut decided = forgery.world.decided(&request(3), None);
    decided.decision.selected.as_mut().unwrap().candidate = CandidateId(44);
    let at = forgery.lie(&Record::Admission(admission(path(&[2]), request(3), admitted(decided))));
    let mismatch = Mismatch::CandidateUnknown { candidate: CandidateId(44) };
    assert_eq!(found("nobody serves", forgery, at), Problem::Ledger { kind: Kind::Admission, mismatch });
}

#[test]
fn without_its_key_a_log_says_nothing() {
    let (storage, _) = Forgery::funded().close();
    let error = replay(&storage, &[], AuditOptions::default()).unwrap_err();
    assert_eq!((error.blame(), error.good.records), (Blame::Caller, 0));
    let other = assize::crypto::RootKey::new(key().id(), &[1; 32]).unwrap();
    let error = replay(&storage, &[&other], AuditOptions::default()).unwrap_err();
    assert_eq!((error.blame(), error.good.records), (Blame::Evidence, 0));
}
