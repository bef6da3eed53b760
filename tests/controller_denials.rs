//! Two denials of one class print the same bytes, whatever their causes; the log holds each cause. SEMANTICS 10.3.
#![cfg(all(feature = "wal", feature = "serde"))]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test that fails by panicking fails"
)]

mod scene;

use std::collections::BTreeSet;

use assize::{
    controller::{Denial, DenialClass, NotAdmitted, NotExtended, NotRerouted, Reroute},
    kernel::{Reason, Request},
    num::{Bps, MicroUnits},
    overrun::Overrun::Deny,
    policy::{Policy, Relation},
    record::{AdmissionOutcome, ExtendOutcome, Halt, Record, Switch},
};

use scene::{ALPHA, BETA, GAMMA, Scene, Setup, call, micros, tiny};

/// All that a caller can be shown of a denial, its sequence replaced.
fn shown(denial: &Denial) -> [String; 5] {
    let number = denial.sequence().to_string();
    let not_admitted = NotAdmitted::Denied(denial.clone());
    let pretty = format!("{denial:#?}");
    [
        format!("{denial:?}"),
        format!("{denial}"),
        serde_json::to_string(denial).unwrap(),
        format!("{not_admitted:?} {not_admitted}"),
        pretty,
    ]
    .map(|text| {
        assert_eq!(text.matches(&number).count(), if text.starts_with("Denied") { 2 } else { 1 }, "{text}");
        text.replace(&number, "#")
    })
}

/// The sequences of the tests are numbers that stand in no other part of what is shown.
fn advance(scene: &Scene) {
    while scene.head() < 1_000 {
        let _sequence = scene.controller.halt(Halt::None, call(0)).unwrap();
    }
}

fn admission(seen: Result<assize::controller::Permit, NotAdmitted>) -> Denial {
    match seen {
        Err(NotAdmitted::Denied(denial)) => denial,
        other => panic!("{other:?}"),
    }
}

fn extension(seen: Result<assize::controller::Extension, NotExtended>) -> Denial {
    match seen {
        Err(NotExtended::Denied(denial)) => denial,
        other => panic!("{other:?}"),
    }
}

fn reroute(seen: Result<assize::controller::Permit, NotRerouted>) -> Denial {
    match seen {
        Err(NotRerouted::Denied(denial)) => denial,
        other => panic!("{other:?}"),
    }
}

/// The same is shown of all, the log has as many different outcomes as there are causes, and the host is told them.
fn check(scene: &Scene, class: DenialClass, denials: &[Denial], causes: usize) {
    assert!(denials.len() >= 5);
    let records = scene.records();
    let mut outcomes = BTreeSet::new();
    let all: BTreeSet<[String; 5]> = denials.iter().map(shown).collect();
    assert_eq!(all.len(), 1, "{all:#?}");
    for denial in denials {
        assert_eq!(denial.class(), class);
        let (_, record) = records.iter().find(|(sequence, _)| *sequence == denial.sequence()).unwrap();
        let reason = denial.audited_reason();
        let (decided, binding) = match record {
            Record::Admission(call) => told(&call.outcome),
            Record::Reroute(call) => told(&call.outcome.admission),
            Record::Extend(call) => match call.outcome {
                ExtendOutcome::DeniedBudget { binding } => (None, Some(binding)),
                _ => (None, None),
            },
            other => panic!("{other:?}"),
        };
        assert_eq!((reason.decision, reason.binding), (decided.map(|decided| decided.decision), binding));
        assert_eq!(reason.limit_applied, decided.and_then(|decided| decided.limit_applied));
        outcomes.insert(format!("{:?} {reason:?}", record.kind()));
    }
    assert_eq!(outcomes.len(), causes, "{outcomes:#?}");
}

type Told = (Option<assize::record::Decided>, Option<assize::caps::Binding>);

fn told(outcome: &AdmissionOutcome) -> Told {
    match outcome {
        AdmissionOutcome::DeniedBudget { decided, binding } => (Some(*decided), Some(*binding)),
        other => (other.decided().copied(), None),
    }
}

#[test]
fn denials_by_the_policy_show_no_cause() {
    let mut draft = tiny();
    (draft.limits.risk_hard_bps, draft.limits.confidence_min_bps) = (Some(9_000), Some(1_000));
    let policy = Policy::freeze(draft).unwrap();
    let scene = Scene::with(Setup { policy, ..Setup::default() });
    let account = scene.account("a", Deny, 1_000_000);
    advance(&scene);
    let quality = scene.controller.policy().schema().gate_number("quality", Relation::AtLeast).unwrap();
    let request = |change: &dyn Fn(&mut Request)| {
        let mut request = scene.ask(10);
        request.risk(Bps::new(1).unwrap()).confidence(Bps::MAX);
        change(&mut request);
        request
    };
    let requests = [
        (
            request(&|request| {
                request.risk(Bps::MAX);
            }),
            Reason::RiskLimit,
        ),
        (
            request(&|request| {
                request.confidence(Bps::new(999).unwrap());
            }),
            Reason::ConfidenceMinimum,
        ),
        (
            request(&|request| {
                request.demand(quality, 10_000).unwrap();
            }),
            Reason::Gate(0),
        ),
        (
            request(&|request| {
                request.cost_limit(MicroUnits(99));
            }),
            Reason::Cost,
        ),
        (
            request(&|request| {
                for candidate in [ALPHA, BETA, GAMMA] {
                    request.exclude(candidate).unwrap();
                }
            }),
            Reason::Excluded,
        ),
    ];
    let mut denials = Vec::new();
    for (request, reason) in &requests {
        let denial = admission(scene.admit(&[account], request, call(1)));
        assert_eq!(denial.audited_reason().decision.unwrap().reason, *reason);
        denials.push(denial);
    }
    let good = request(&|_| ());
    let permit = scene.admit(&[account], &good, call(1)).unwrap();
    let again = Reroute { failed: ALPHA, request: &requests[2].0, deadline: scene::at(99) };
    denials.push(reroute(scene.controller.reroute(permit, &again, call(1))));
    for candidate in [ALPHA, BETA, GAMMA] {
        let _sequence = scene.controller.switch(candidate, Switch::Disabled, call(2)).unwrap();
    }
    denials.push(admission(scene.admit(&[account], &good, call(3))));
    check(&scene, DenialClass::Policy, &denials, 7);
    scene.finish();
}

#[test]
fn denials_by_a_budget_show_no_cause() {
    let scene = Scene::new();
    let root = scene.account("root", Deny, 5_000);
    let poor = scene.account_under(Some(root), "poor", Deny, 50);
    let rich = scene.account_under(Some(root), "rich", Deny, 90_000);
    let empty = scene.account("empty", Deny, 0);
    advance(&scene);
    let mut denials = vec![
        admission(scene.admit(&[poor], &scene.ask(10), call(1))),
        admission(scene.admit(&[rich], &scene.ask(1_000), call(1))),
        admission(scene.admit(&[rich, empty], &scene.ask(1), call(1))),
        admission(scene.admit(&[rich], &scene.ask_for(GAMMA, 9_000), call(1))),
    ];
    let mut permit = scene.admit(&[poor], &scene.ask(3), call(1)).unwrap();
    denials.push(extension(scene.controller.extend(&mut permit, micros(40), None, call(1))));
    denials.push(admission(scene.admit(&[poor], &scene.ask(10), call(1))));
    let again = Reroute { failed: ALPHA, request: &scene.ask(3), deadline: scene::at(99) };
    denials.push(reroute(scene.controller.reroute(permit, &again, call(1))));
    // The second and the fourth have one cause: what the root can pay.
    check(&scene, DenialClass::Budget, &denials, 6);
    scene.finish();
}

#[test]
fn denials_for_a_halt_show_no_cause() {
    let scene = Scene::new();
    let account = scene.account("a", Deny, 90_000);
    advance(&scene);
    let mut denials = Vec::new();
    for halt in [Halt::ReduceOnly, Halt::All] {
        let _sequence = scene.controller.halt(Halt::None, call(1)).unwrap();
        let mut permit = scene.admit(&[account], &scene.ask(10), call(1)).unwrap();
        let _sequence = scene.controller.halt(halt, call(1)).unwrap();
        denials.push(admission(scene.admit(&[account], &scene.ask(1), call(1))));
        denials.push(extension(scene.controller.extend(&mut permit, micros(1), None, call(1))));
        let again = Reroute { failed: ALPHA, request: &scene.ask(10), deadline: scene::at(99) };
        denials.push(reroute(scene.controller.reroute(permit, &again, call(1))));
    }
    // An admission, an extension, a reroute; which halt it was stands in the record of the halt.
    check(&scene, DenialClass::Halted, &denials, 3);
    scene.finish();
}
