//! A second try after a candidate failed. SEMANTICS 12.4 and 13.1.

use assize::{
    controller::{DenialClass, Fault, NotRerouted, Permit, Reroute},
    id::CandidateId,
    kernel::Request,
    num::MicroUnits,
    overrun::Overrun::{Debt, Deny},
    record::{AdmissionOutcome, Halt, Record, Spend},
};

use crate::scene::{ALPHA, BETA, GAMMA, Money, SECOND, Scene, at, call, micros};

const DEADLINE: i64 = 90 * SECOND;

fn reroute(
    scene: &Scene,
    permit: Permit,
    failed: CandidateId,
    request: &Request,
    ns: i64,
) -> Result<Permit, NotRerouted> {
    scene.controller.reroute(permit, &Reroute { failed, request, deadline: at(DEADLINE) }, call(ns))
}

#[test]
fn the_failed_candidate_is_left_out_and_the_new_cost_is_held() {
    let scene = Scene::new();
    let root = scene.account("root", Deny, 5_000);
    let leaf = scene.account_under(Some(root), "leaf", Deny, 5_000);
    let mut request = scene.ask(10);
    let mut permit = scene.admit(&[leaf], &request, call(0)).unwrap();
    for (failed, next, cost) in [(ALPHA, BETA, 300), (BETA, GAMMA, 1_000)] {
        let (old, given_back) = (permit.hold(), permit.amount());
        permit = reroute(&scene, permit, failed, &request, 1).unwrap();
        assert_eq!((permit.candidate(), permit.amount()), (next, micros(cost)));
        assert_eq!((permit.hold().0, permit.deadline()), (scene.head(), at(DEADLINE)));
        for account in [root, leaf] {
            let available = 5_000 - i64::try_from(cost).unwrap();
            let expected = Money { granted: 5_000, available, reserved: cost, ..Money::default() };
            assert_eq!(scene.money(account), expected);
        }
        let Record::Reroute(record) = scene.record(permit.hold()) else { panic!("no reroute") };
        assert_eq!((record.arguments.hold, record.arguments.failed), (old, failed));
        assert_eq!(record.outcome.given_back, given_back);
        request.exclude(failed).unwrap();
        assert_eq!(*record.arguments.request, request, "what was asked, with the failed one excluded");
    }
    // Nobody is left: the hold is released all the same.
    let Err(NotRerouted::Denied(denial)) = reroute(&scene, permit, GAMMA, &request, 2) else {
        panic!("nobody is left");
    };
    assert_eq!((denial.class(), denial.sequence().0), (DenialClass::Policy, scene.head()));
    assert_eq!(scene.money(leaf), Money { granted: 5_000, available: 5_000, ..Money::default() });
    assert_eq!(scene.controller.stats().unwrap().holds_open, 0);
    let calls = scene.finish();
    assert_eq!(calls.reroutes, 3);
}

#[test]
fn what_the_released_hold_gave_back_can_be_held_again() {
    // What else the account has, and what the reroute from alpha (100) to beta (300) comes to.
    for (rest, admitted) in [(0, false), (199, false), (200, true)] {
        let scene = Scene::new();
        let account = scene.account("a", Deny, 100 + rest);
        let permit = scene.admit(&[account], &scene.ask(10), call(0)).unwrap();
        let available = 100 + rest;
        match reroute(&scene, permit, ALPHA, &scene.ask(10), 1) {
            Ok(permit) => {
                assert!(admitted, "{rest}");
                assert_eq!(permit.amount(), micros(300));
            }
            Err(NotRerouted::Denied(denial)) => {
                assert!(!admitted, "{rest}");
                assert_eq!(denial.class(), DenialClass::Budget);
                let reason = denial.audited_reason();
                let limit = MicroUnits(available.unsigned_abs());
                assert_eq!((reason.binding, reason.limit_applied), (Some(account.into()), Some(limit)));
                assert_eq!(scene.money(account).available, available);
            }
            other => panic!("{other:?}"),
        }
        scene.finish();
    }
}

#[test]
fn a_halt_denies_a_reroute_and_the_hold_is_released() {
    // The halt, the candidate that serves first (and fails), the one asked for then, what it comes to.
    let rows: [(Halt, CandidateId, CandidateId, Option<u64>); 8] = [
        (Halt::None, BETA, GAMMA, Some(1_000)),
        (Halt::None, GAMMA, ALPHA, Some(100)),
        (Halt::ReduceOnly, GAMMA, ALPHA, Some(100)),
        (Halt::ReduceOnly, GAMMA, BETA, Some(300)),
        (Halt::ReduceOnly, BETA, GAMMA, None),
        (Halt::ReduceOnly, ALPHA, BETA, None),
        (Halt::All, GAMMA, ALPHA, None),
        (Halt::All, ALPHA, BETA, None),
    ];
    for (halt, first, then, expected) in rows {
        let scene = Scene::new();
        let account = scene.account("a", Deny, 2_000);
        let permit = scene.admit(&[account], &scene.ask_for(first, 10), call(0)).unwrap();
        let given_back = permit.amount();
        let _sequence = scene.controller.halt(halt, call(1)).unwrap();
        let seen = reroute(&scene, permit, first, &scene.ask_for(then, 10), 2);
        let Record::Reroute(record) = scene.record(assize::id::Sequence(scene.head())) else {
            panic!("no reroute");
        };
        assert_eq!(record.outcome.given_back, given_back);
        match (seen, expected) {
            (Ok(permit), Some(cost)) => {
                assert_eq!((permit.candidate(), permit.amount()), (then, micros(cost)))
            }
            (Err(NotRerouted::Denied(denial)), None) => {
                assert_eq!(denial.class(), DenialClass::Halted);
                assert_eq!(record.outcome.admission, AdmissionOutcome::DeniedHalted);
            }
            (seen, _) => panic!("{halt} {first} {then}: {seen:?}"),
        }
        assert_eq!(scene.money(account).reserved, expected.unwrap_or(0));
        scene.finish();
    }
}

#[test]
fn while_only_reductions_pass_the_same_cost_is_none_too_high() {
    let scene = Scene::new();
    let account = scene.account("a", Deny, 2_000);
    // Alpha's 30 units cost what beta's 10 do; an extension counts as held.
    for (units, more, admitted) in [(30, 0, true), (29, 10, true), (29, 9, false), (29, 0, false)] {
        let _sequence = scene.controller.halt(Halt::None, call(0)).unwrap();
        let mut permit = scene.admit(&[account], &scene.ask(units), call(0)).unwrap();
        let extended = scene.controller.extend(&mut permit, micros(more), None, call(0)).unwrap();
        assert_eq!(extended.sequence.0, scene.head());
        let _sequence = scene.controller.halt(Halt::ReduceOnly, call(0)).unwrap();
        let rerouted = reroute(&scene, permit, ALPHA, &scene.ask(10), 0);
        assert_eq!(rerouted.is_ok(), admitted, "{units} {more}");
        if let Ok(permit) = rerouted {
            let _settlement = scene.controller.release(permit, call(0)).unwrap();
        }
    }
    scene.finish();
}

#[test]
fn the_new_hold_is_the_policy_in_forces() {
    let scene = Scene::new();
    let account = scene.account("a", Debt, 2_000);
    let permit = scene.admit(&[account], &scene.ask_for(BETA, 10), call(0)).unwrap();
    let _sequence = scene.controller.swap(crate::scene::tiny_at(2, 20), call(1)).unwrap();
    let permit = reroute(&scene, permit, BETA, &scene.ask(10), 2).unwrap();
    assert_eq!((permit.candidate(), permit.amount(), permit.epoch().0), (ALPHA, micros(200), 2));
    let settlement = scene.controller.commit(permit, scene.used(ALPHA, 11, 0), call(3)).unwrap();
    assert_eq!(settlement.outcome.actual, micros(220));
    scene.finish();
}

#[test]
fn what_cannot_be_rerouted_gives_the_permit_back() {
    let scene = Scene::new();
    let account = scene.account("a", Deny, 2_000);
    let request = scene.ask(10);
    let permit = scene.admit_until(&[account], &request, at(SECOND), call(0)).unwrap();
    let hold = permit.hold();
    let before = scene.state();
    // Due, although nobody has expired it yet.
    let Err(NotRerouted::Faulted { permit, fault }) = reroute(&scene, permit, ALPHA, &request, SECOND) else {
        panic!("the hold is due");
    };
    assert_eq!((fault, scene.state()), (Fault::Expired { hold }, before));
    assert_eq!(scene.controller.expire(call(SECOND)).unwrap(), 1);
    let before = scene.state();
    let Err(NotRerouted::Faulted { permit, fault }) = reroute(&scene, permit, ALPHA, &request, SECOND) else {
        panic!("the hold has expired");
    };
    assert_eq!((fault, scene.state()), (Fault::Expired { hold }, before));
    let settlement = scene.controller.commit(permit, Spend::Amount(micros(10)), call(SECOND)).unwrap();
    assert_eq!(settlement.outcome.unfunded, micros(10));
    scene.finish();
}
