//! A policy beside the one in force: what it is asked, what is counted, and what it never changes. SEMANTICS 17.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    thread,
};

use assize::{
    controller::{
        Disagreed, DisagreementKind, NotAdmitted, NotShadowed, Reroute, ShadowOptions, ShadowReport,
    },
    id::Sequence,
    kernel::{Fact, Reason, Request, RequestError},
    limits::{SHADOW_DISAGREEMENTS_MAX, SHADOW_QUEUE_MAX},
    num::{Amount, MicroUnits},
    overrun::Overrun::{Debt, Deny},
    policy::{LimitsDraft, Policy, Relation},
    record::{Halt, Switch},
    wal::Level,
};

use crate::scene::{ALPHA, BETA, GAMMA, Scene, at, call, frames, micros, operation, sample, tiny, tiny_at};

fn with_shadow(policy: Policy) -> Scene {
    let scene = Scene::new();
    scene.controller.set_shadow(policy, ShadowOptions::default()).unwrap();
    scene
}

/// Decides all that waits.
fn driven(scene: &Scene) -> ShadowReport {
    while scene.controller.drive_shadow(3) > 0 {}
    let report = scene.controller.shadow_report().unwrap();
    assert_eq!(report.waiting, 0);
    assert_eq!(report.asked, report.agreed + report.disagreed.total() + report.failed);
    report
}

fn disagreed(other_cost: u64, other_candidate: u64, denies: u64, executes: u64) -> Disagreed {
    let mut kinds = Disagreed::default();
    (kinds.other_cost, kinds.other_candidate) = (other_cost, other_candidate);
    (kinds.denies, kinds.executes) = (denies, executes);
    kinds
}

/// One that needs a fact which no request here states.
fn sure() -> Policy {
    let mut draft = tiny();
    draft.limits = LimitsDraft { risk_hard_bps: None, confidence_min_bps: Some(1) };
    Policy::freeze(draft).unwrap()
}

#[test]
fn each_kind_of_disagreement_is_counted_and_listed() {
    use DisagreementKind::{Denies, Executes, OtherCandidate, OtherCost};
    let best = |scene: &Scene| {
        let policy = scene.controller.policy();
        let mut request = scene.ask(1);
        request.demand(policy.schema().gate_number("quality", Relation::AtLeast).unwrap(), 9_900).unwrap();
        request
    };
    let within = |scene: &Scene, limit| {
        let mut request = scene.ask(1);
        request.cost_limit(MicroUnits(limit));
        request
    };
    // Alpha is at 10 in force.
    type Ask<'a> = &'a dyn Fn(&Scene) -> Request;
    let rows: [(&str, u64, Ask<'_>, Option<DisagreementKind>); 9] = [
        ("the same price", 10, &|scene| scene.ask(1), None),
        ("a lower price", 4, &|scene| scene.ask(1), Some(OtherCost)),
        ("nothing to pay", 4, &|scene| scene.ask(0), None),
        ("beta for alpha", 40, &|scene| scene.ask(1), Some(OtherCandidate)),
        ("the requested one at another price", 40, &|scene| scene.ask_for(ALPHA, 1), Some(OtherCost)),
        ("another one requested", 40, &|scene| scene.ask_for(BETA, 1), None),
        ("both deny", 40, &best, None),
        ("alpha within 20 at 40", 40, &|scene| within(scene, 20), Some(Denies)),
        ("alpha within 5 at 4", 4, &|scene| within(scene, 5), Some(Executes)),
    ];
    for (what, rate, ask, kind) in rows {
        let scene = with_shadow(tiny_at(1, rate));
        let account = scene.account("a", Debt, 1_000);
        let answered = scene.admit(&[account], &ask(&scene), call(0));
        let (sequence, decision) = match &answered {
            Ok(permit) => (permit.hold(), *permit.decision().unwrap()),
            Err(NotAdmitted::Denied(denial)) => {
                (denial.sequence(), denial.audited_reason().decision.unwrap())
            }
            Err(other) => panic!("{other}"),
        };
        let report = driven(&scene);
        assert_eq!((report.asked, report.agreed), (1, u64::from(kind.is_none())), "{what}");
        let of = |one| u64::from(kind == Some(one));
        let kinds = disagreed(of(OtherCost), of(OtherCandidate), of(Denies), of(Executes));
        assert_eq!(report.disagreed, kinds, "{what}");
        assert_eq!((report.skipped, report.failed, report.failure), (0, 0, None));
        assert_eq!(report.policy, tiny_at(1, rate).digest());
        let listed = report.disagreements.iter().map(|one| (one.sequence, one.kind, one.in_force));
        let expected: Vec<_> = kind.into_iter().map(|kind| (sequence, kind, decision)).collect();
        assert_eq!(listed.collect::<Vec<_>>(), expected, "{what}");
        assert!(report.disagreements.iter().all(|one| one.shadow.policy == report.policy));
        scene.finish();
    }
}

#[test]
fn the_shadow_decides_under_the_limit_that_was_applied() {
    let scene = with_shadow(tiny_at(1, 4));
    let poor = scene.account("poor", Deny, 25);
    let Err(NotAdmitted::Denied(denial)) = scene.admit(&[poor], &scene.ask(3), call(0)) else {
        panic!("30 µ are more than 25")
    };
    // 40 µ would be too much here too.
    assert!(scene.admit(&[poor], &scene.ask(10), call(0)).is_err());
    let report = driven(&scene);
    assert_eq!((report.agreed, report.disagreed), (1, disagreed(0, 0, 0, 1)));
    let one = report.disagreements[0];
    assert_eq!((one.sequence, one.limit_applied), (denial.sequence(), Some(MicroUnits(25))));
    let selected = one.shadow.selected.unwrap();
    assert_eq!((one.in_force.reason, selected.candidate, selected.cost.0), (Reason::Cost, ALPHA, 12));

    // Where none was applied, what the accounts have does not bound the shadow.
    scene.controller.set_shadow(tiny_at(1, 30), ShadowOptions::default()).unwrap();
    let _permit = scene.admit(&[poor], &scene.ask_for(ALPHA, 2), call(0)).unwrap();
    let report = driven(&scene);
    assert_eq!(report.disagreements[0].shadow.selected.unwrap().cost, MicroUnits(60));
    scene.finish();
}

#[test]
fn what_the_host_disabled_is_disabled_for_the_shadow_too() {
    let scene = with_shadow(tiny_at(1, 4));
    let account = scene.account("a", Debt, 10_000);
    let ask = || {
        let _permit = scene.admit(&[account], &scene.ask(1), call(0)).unwrap();
    };
    let _sequence = scene.controller.switch(ALPHA, Switch::Disabled, call(0)).unwrap();
    ask();
    // Nothing was looked at yet: each is decided with what was disabled when it was asked.
    let _sequence = scene.controller.switch(ALPHA, Switch::Enabled, call(0)).unwrap();
    ask();
    let _sequence = scene.controller.swap(tiny_at(2, 4), call(0)).unwrap();
    ask();
    let report = driven(&scene);
    assert_eq!((report.agreed, report.disagreed), (2, disagreed(1, 0, 0, 0)));
    scene.finish();
}

#[test]
fn only_what_was_decided_is_asked() {
    let scene = with_shadow(tiny_at(1, 10));
    let account = scene.account("a", Debt, 10_000);
    let named = call(0).operation(operation(1, 0));
    let permit = scene.admit(&[account], &scene.ask(1), named).unwrap();
    assert_eq!(driven(&scene).asked, 1);
    // A repeat and a fault decide nothing, a reroute does.
    assert!(matches!(scene.admit(&[account], &scene.ask(1), named), Err(NotAdmitted::Repeated(_))));
    assert!(matches!(scene.admit(&[], &scene.ask(1), call(0)), Err(NotAdmitted::Faulted(_))));
    assert_eq!(driven(&scene).asked, 1);
    let reroute = Reroute { failed: ALPHA, request: &scene.ask(1), deadline: at(1_000) };
    let permit = scene.controller.reroute(permit, &reroute, call(0)).unwrap();
    assert_eq!((permit.candidate(), driven(&scene).asked, driven(&scene).agreed), (BETA, 2, 2));
    let _sequence = scene.controller.halt(Halt::All, call(0)).unwrap();
    assert!(scene.admit(&[account], &scene.ask(1), call(0)).is_err());
    assert_eq!(driven(&scene).asked, 2);
    scene.finish();
}

#[test]
fn a_full_queue_only_counts() {
    let scene = Scene::new();
    let account = scene.account("a", Debt, 10_000);
    let cases = [(2, 5, 2, 3), (5, 5, 5, 0), (0, 5, 0, 5)];
    for (queue_max, asked, waiting, skipped) in cases {
        let options = ShadowOptions { queue_max, ..ShadowOptions::default() };
        scene.controller.set_shadow(tiny_at(1, 4), options).unwrap();
        for _ in 0..asked {
            let permit = scene.admit(&[account], &scene.ask(1), call(0)).unwrap();
            let _settlement = scene.controller.release(permit, call(0)).unwrap();
        }
        let report = scene.controller.shadow_report().unwrap();
        assert_eq!((report.asked, report.waiting, report.skipped), (0, waiting, skipped));
        assert_eq!(scene.controller.drive_shadow(0), 0);
        let one = usize::from(waiting > 0);
        assert_eq!(
            (scene.controller.drive_shadow(1), scene.controller.drive_shadow(9)),
            (one, waiting - one)
        );
        let report = driven(&scene);
        assert_eq!(
            (report.asked, report.disagreed.other_cost, report.skipped),
            (waiting as u64, waiting as u64, skipped)
        );
    }
    scene.finish();
}

#[test]
fn the_last_disagreements_are_listed() {
    let scene = Scene::new();
    let account = scene.account("a", Debt, 10_000);
    for (disagreements_max, listed) in [(2, 2), (9, 5), (0, 0)] {
        let options = ShadowOptions { disagreements_max, ..ShadowOptions::default() };
        scene.controller.set_shadow(tiny_at(1, 4), options).unwrap();
        let admitted = (0..5).map(|_| scene.admit(&[account], &scene.ask(1), call(0)).unwrap().hold());
        let admitted: Vec<Sequence> = admitted.collect();
        let report = driven(&scene);
        assert_eq!(report.disagreed, disagreed(5, 0, 0, 0));
        let seen: Vec<_> = report.disagreements.iter().map(|one| one.sequence).collect();
        assert_eq!(seen, admitted[5 - listed..]);
    }
    scene.finish();
}

#[test]
fn what_is_malformed_under_the_shadow_only_counts() {
    let scene = with_shadow(sure());
    let account = scene.account("a", Debt, 1_000);
    let first = scene.admit(&[account], &scene.ask(1), call(0)).unwrap();
    let second = scene.admit(&[account], &scene.ask(1), call(0)).unwrap();
    assert!(first.hold() < second.hold());
    let report = driven(&scene);
    assert_eq!((report.asked, report.failed, report.agreed), (2, 2, 0));
    assert!(report.disagreements.is_empty());
    let failure = report.failure.unwrap();
    let missing = RequestError::Missing { fact: Fact::Confidence };
    assert_eq!((failure.sequence, failure.error), (second.hold(), Some(missing)));
    let shown = serde_json::to_value(&report).unwrap();
    assert_eq!(shown["failure"]["error"], missing.to_string());
    scene.finish();
}

#[test]
fn a_shadow_is_set_replaced_and_cleared() {
    let scene = Scene::new();
    let account = scene.account("a", Debt, 1_000);
    let ask = || {
        let _permit = scene.admit(&[account], &scene.ask(1), call(0)).unwrap();
    };
    ask();
    assert_eq!((scene.controller.shadow_report(), scene.controller.drive_shadow(9)), (None, 0));
    assert_eq!(scene.controller.clear_shadow(), None);
    scene.controller.set_shadow(tiny_at(7, 4), ShadowOptions::default()).unwrap();
    ask();
    assert_eq!(driven(&scene).disagreed.total(), 1);
    ask();

    let error = scene.controller.set_shadow(sample(), ShadowOptions::default()).unwrap_err();
    assert!(matches!(error, NotShadowed::Schema(_)));
    let said = error.to_string();
    assert!(said.contains("llm-1") && said.contains("tiny"), "{said}");
    let usual = ShadowOptions::default();
    let queue = ShadowOptions { queue_max: SHADOW_QUEUE_MAX + 1, ..usual };
    let listed = ShadowOptions { disagreements_max: SHADOW_DISAGREEMENTS_MAX + 1, ..usual };
    let set = |options| scene.controller.set_shadow(tiny_at(1, 4), options).unwrap_err();
    assert!(matches!(set(queue), NotShadowed::Queue(error) if error.seen == 65_537));
    assert!(matches!(set(listed), NotShadowed::Disagreements(error) if error.max == 65_536));
    // What could not be set has changed nothing.
    let report = scene.controller.shadow_report().unwrap();
    assert_eq!((report.epoch.0, report.asked, report.waiting), (7, 1, 1));

    scene.controller.set_shadow(tiny_at(1, 10), usual).unwrap();
    let report = scene.controller.shadow_report().unwrap();
    assert_eq!((report.epoch.0, report.asked, report.waiting, report.disagreements.len()), (1, 0, 0, 0));
    ask();
    assert_eq!(driven(&scene).agreed, 1);
    ask();
    let last = scene.controller.clear_shadow().unwrap();
    assert_eq!((last.agreed, last.waiting), (1, 1));
    ask();
    assert_eq!((scene.controller.shadow_report(), scene.controller.drive_shadow(9)), (None, 0));
    let (scene, _) = scene.reopen();
    assert_eq!(scene.controller.shadow_report(), None);
    scene.finish();
}

#[test]
fn answers_and_log_are_the_same_with_and_without_a_shadow() {
    let run = |shadow: Option<Policy>| {
        let scene = Scene::new();
        let is_set = shadow.is_some();
        if let Some(policy) = shadow {
            let options = ShadowOptions { queue_max: 3, disagreements_max: 1 };
            scene.controller.set_shadow(policy, options).unwrap();
        }
        let account = scene.account("a", Deny, 500);
        let mut answers = Vec::new();
        for round in 0..20_u64 {
            let request = scene.ask_for([ALPHA, BETA, GAMMA][round as usize % 3], round % 5);
            answers.push(format!("{:?}", scene.admit(&[account], &request, call(round as i64))));
            if round % 4 == 0 {
                scene.controller.drive_shadow(1);
            }
        }
        assert_eq!(scene.controller.shadow_report().is_some_and(|report| report.skipped > 0), is_set);
        let anchor = scene.controller.drain().unwrap();
        let bytes = (anchor.tag().0, frames(&*scene.place.storage()));
        scene.finish();
        (answers, bytes)
    };
    let without = run(None);
    assert!(without.0.iter().any(|answer| answer.starts_with("Err")));
    for shadow in [tiny_at(1, 10), tiny_at(9, 1), sure()] {
        assert_eq!(run(Some(shadow)), without);
    }
}

#[test]
fn nothing_is_lost_without_a_count_among_threads() {
    let scene = Scene::new();
    let account = scene.account("a", Debt, i64::MAX);
    let options = ShadowOptions { queue_max: 16, disagreements_max: 8 };
    scene.controller.set_shadow(tiny_at(1, 4), options).unwrap();
    let (asked, left) = (AtomicU64::new(0), AtomicU64::new(4));
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for units in 0..200 {
                    let queued = call(0).level(Level::Queued);
                    let permit = scene.admit(&[account], &scene.ask(units % 2), queued).unwrap();
                    assert_eq!(permit.amount(), micros(units % 2 * 10));
                    let _settlement = scene.controller.release(permit, queued).unwrap();
                    asked.fetch_add(1, Ordering::Relaxed);
                }
                left.fetch_sub(1, Ordering::Relaxed);
            });
        }
        for _ in 0..2 {
            scope.spawn(|| {
                while left.load(Ordering::Relaxed) > 0 {
                    scene.controller.drive_shadow(5);
                    let report = scene.controller.shadow_report().unwrap();
                    assert_eq!(report.asked, report.agreed + report.disagreed.other_cost);
                    thread::yield_now();
                }
            });
        }
    });
    let report = driven(&scene);
    assert_eq!(report.asked + report.skipped, asked.load(Ordering::Relaxed));
    assert!(report.asked > 0 && report.disagreements.len() <= 8);
    let in_force = report.disagreements.iter().map(|one| one.in_force.selected.unwrap().cost);
    assert!(in_force.map(|cost| Amount::try_from(cost).unwrap()).all(|amount| amount == micros(10)));
    scene.finish();
}
