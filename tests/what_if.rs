//! Logs decided again under other policies, by tables worked out by hand. SEMANTICS 16.
#![cfg(feature = "wal")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    reason = "a test that fails by panicking fails"
)]

mod scene;

use assize::{
    audit::{
        Assumption, AuditOptions, Budgets, Change, Class, Compared, Observer, Problem, Step, Undecidable,
        WhatIfError, WhatIfOptions, WhatIfReport, what_if,
    },
    controller::{Call, NotAdmitted, NotExtended, NotRerouted, Reroute},
    crypto::{KeyId, RootKey},
    id::{AccountId, CandidateId, Sequence},
    kernel::Request,
    num::{MicroUnits, Timestamp},
    overrun::Overrun::{Debt, Deny, IfAvailable},
    policy::{
        CandidateDraft, ColumnDraft, ColumnKind, Draft, GateDraft, LimitsDraft, MemberDraft, MemberId,
        MembersDraft, Policy, Relation, SchemaDraft, SourceDraft, ValueDraft,
    },
    record::{Halt, Spend, Switch, Terms},
    wal::Blame,
};

use scene::{ALPHA, BETA, GAMMA, SECOND, Scene, Setup, at, call, key, micros, name, sample, tiny, tiny_at};

/// Decides the scene's log again.
fn again(scene: &Scene, policy: &Policy, budgets: Budgets) -> WhatIfReport {
    let _anchor = scene.controller.drain().unwrap();
    let (key, storage) = (key(), scene.place.storage());
    let options = WhatIfOptions { budgets, ..WhatIfOptions::default() };
    what_if(&*storage, &[&key], policy, options).unwrap()
}

fn frozen(change: impl FnOnce(&mut Draft)) -> Policy {
    let mut draft = tiny();
    change(&mut draft);
    Policy::freeze(draft).unwrap()
}

/// The policy with alpha at another rate.
fn alpha_at(rate: u64) -> Policy {
    tiny_at(1, rate)
}

fn sums(then: i128, now: i128) -> Compared {
    let mut sums = Compared::default();
    (sums.then_micros, sums.now_micros, sums.difference_micros) = (then, now, now - then);
    sums
}

/// How many changed in which way: same, other cost, other candidate, denied, executed, other denial, not asked,
/// undecided.
fn counts(report: &WhatIfReport) -> [u64; 8] {
    [
        Change::Same,
        Change::OtherCost,
        Change::OtherCandidate,
        Change::Denied,
        Change::Executed,
        Change::OtherDenial,
        Change::NotAsked,
        Change::Undecided,
    ]
    .map(|change| report.count(change))
}

/// Seven requests, at an account below an organisation and at one that is poor.
fn seven() -> (Scene, [AccountId; 3]) {
    let scene = Scene::new();
    let organisation = scene.account("organisation", Debt, 100_000);
    let team = scene.account_under(Some(organisation), "team", Deny, 10_000);
    let poor = scene.account("poor", Deny, 250);
    let admit = |request: &Request| scene.admit(&[team], request, call(0)).unwrap();
    let commit = |permit, spend| scene.controller.commit(permit, spend, call(0)).unwrap();
    // 100 µ held, 80 µ spent at alpha.
    let _settlement = commit(admit(&scene.ask(10)), scene.used(ALPHA, 8, 0));
    // 300 µ held and spent at beta, which was requested.
    let _settlement = commit(admit(&scene.ask_for(BETA, 10)), scene.used(BETA, 10, 0));
    // 200 µ held at alpha, 50 µ spent on the host's word.
    let _settlement = commit(admit(&scene.ask(20)), Spend::Amount(micros(50)));
    // 50 µ held at alpha, nothing spent.
    let _settlement = scene.controller.release(admit(&scene.ask(5)), call(0)).unwrap();
    // Nobody is that good.
    let mut best = scene.ask(1);
    let policy = scene.controller.policy();
    best.demand(policy.schema().gate_number("quality", Relation::AtLeast).unwrap(), 9_900).unwrap();
    assert!(scene.admit(&[team], &best, call(0)).is_err());
    // 300 µ at alpha is more than there is.
    assert!(scene.admit(&[poor], &scene.ask(30), call(0)).is_err());
    // 10 µ held at alpha, and not settled.
    let _permit = admit(&scene.ask(1));
    (scene, [organisation, team, poor])
}

#[test]
fn a_log_decided_again_is_what_was_worked_out_by_hand() {
    let off = |draft: &mut Draft| draft.candidates[0].enabled = false;
    let rows: [(&str, Policy, [u64; 8], Compared, Compared); 6] = [
        ("the same", alpha_at(10), [7, 0, 0, 0, 0, 0, 0, 0], sums(660, 660), sums(430, 430)),
        // 50, 300, 100, 25, 5; and 150 for the one that was denied, which spends it.
        // Spent: 40, 300, 25 (50 × 100 / 200), 150.
        ("alpha at half", alpha_at(5), [2, 4, 0, 0, 1, 0, 0, 0], sums(660, 630), sums(430, 515)),
        // 200, 300, 400, 100, 20; spent 160, 300, 100.
        ("alpha doubled", alpha_at(20), [3, 4, 0, 0, 0, 0, 0, 0], sums(660, 1_020), sums(430, 560)),
        // Beta for alpha: 300, 300, 600, 150, 30; spent 240, 300, 150.
        ("alpha disabled", frozen(off), [3, 0, 4, 0, 0, 0, 0, 0], sums(660, 1_380), sums(430, 690)),
        // Nothing passes, and the poor account is not asked.
        (
            "all disabled",
            frozen(|draft| draft.candidates.iter_mut().for_each(|candidate| candidate.enabled = false)),
            [1, 0, 0, 5, 0, 1, 0, 0],
            sums(660, 0),
            sums(430, 0),
        ),
        // Beta at 8 is the least for all but the requested one, which it is anyway: 80, 80, 160, 40, 8; 240 is within
        // 250. Spent: 64, 80, 40 (50 × 160 / 200), 240.
        (
            "beta at 8",
            frozen(|draft| draft.candidates[1].cards[0].rates[0].1 = 8),
            [1, 1, 4, 0, 1, 0, 0, 0],
            sums(660, 80 + 80 + 160 + 40 + 8 + 240),
            sums(430, 64 + 80 + 40 + 240),
        ),
    ];
    let (scene, _) = seven();
    for (what, policy, changes, held, spent) in rows {
        for budgets in [Budgets::Recorded, Budgets::Simulated] {
            let report = again(&scene, &policy, budgets);
            assert_eq!(counts(&report), changes, "{what}, {budgets:?}");
            assert_eq!((report.money.held, report.money.spent), (held, spent), "{what}, {budgets:?}");
            let rows = |side: fn(&Compared) -> i128| report.decisions.iter().map(|row| side(&row.held)).sum();
            assert_eq!(
                (held.then_micros, held.now_micros),
                (rows(|s| s.then_micros), rows(|s| s.now_micros))
            );
            assert_eq!(report.policy.digest, policy.digest());
            assert_eq!(report.replay.calls.admitted, 5);
        }
    }
    scene.finish();
}

#[test]
fn a_report_tells_classes_accounts_and_candidates() {
    let (scene, [organisation, team, poor]) = seven();
    let report = again(&scene, &alpha_at(5), Budgets::Recorded);
    let told: Vec<_> =
        report.decisions.iter().map(|row| (row.change, row.then, row.now, row.count)).collect();
    let (admitted, policy, budget) = (Class::Admitted, Class::DeniedPolicy, Class::DeniedBudget);
    assert_eq!(
        told,
        [
            (Change::Same, admitted, Some(admitted), 1),
            (Change::Same, policy, Some(policy), 1),
            (Change::OtherCost, admitted, Some(admitted), 4),
            (Change::Executed, budget, Some(admitted), 1),
        ]
    );
    // Six records open and fund the accounts.
    assert_eq!(report.decisions[2].first, Sequence(7));
    let rows = |report: &WhatIfReport| {
        let row = |row: &assize::audit::AccountRow| {
            (
                row.id,
                row.changed,
                row.executed_then,
                row.executed_now,
                row.money.spent.difference_micros,
                row.money.held.difference_micros,
            )
        };
        report.accounts.iter().map(row).collect::<Vec<_>>()
    };
    // The largest difference of what is spent first; of equals the earliest account.
    let all = [(poor, 1, 0, 1, 150, 150), (organisation, 4, 5, 5, -65, -180), (team, 4, 5, 5, -65, -180)];
    assert_eq!((rows(&report), report.accounts_changed), (all.to_vec(), 3));
    assert_eq!(report.accounts[0].name, name("poor"));
    let told: Vec<_> = report
        .candidates
        .iter()
        .map(|row| (row.id, &*row.name, row.selected_then, row.selected_now, row.gained, row.lost))
        .collect();
    assert_eq!(told, [(ALPHA, "alpha", 4, 5, 1, 0), (BETA, "beta", 1, 1, 0, 0)]);
    assert_eq!(report.candidates[0].money.spent, sums(130, 215));
    assert_eq!(
        report.assumptions,
        [
            Assumption::SameRequests,
            Assumption::OnePolicy { policies: 1 },
            Assumption::RecordedLimits { limited: 1, unlimited: 6 },
            Assumption::SameSwitches,
            Assumption::SameUsage { commits: 2 },
            Assumption::ScaledAsHeld { commits: 1, extensions: 0 },
            Assumption::SpentAsHeld { requests: 1 },
        ]
    );

    let options = WhatIfOptions { accounts_max: Some(2), ..WhatIfOptions::default() };
    let (key, storage) = (key(), scene.place.storage());
    let report = what_if(&*storage, &[&key], &alpha_at(5), options).unwrap();
    assert_eq!((rows(&report), report.accounts_changed), (all[..2].to_vec(), 3));
    let same = again(&scene, &alpha_at(10), Budgets::Simulated);
    assert_eq!((same.accounts.len(), same.accounts_changed), (0, 0));
    scene.finish();
}

#[test]
fn simulated_accounts_pay_what_they_have_left() {
    // 500 µ, and later 150 µ more; 100 µ a request at alpha's 10, all of it spent.
    let scene = Scene::new();
    let account = scene.account("a", Deny, 500);
    let ask = |scene: &Scene| {
        let permit = scene.admit(&[account], &scene.ask(10), call(0)).unwrap();
        let _settlement = scene.controller.commit(permit, scene.used(ALPHA, 10, 0), call(0)).unwrap();
    };
    (0..4).for_each(|_| ask(&scene));
    let _sequence = scene.controller.grant(account, 150.try_into().unwrap(), call(0)).unwrap();
    ask(&scene);
    let cases = [
        // 5 × 200, whatever there is.
        (20, Budgets::Recorded, [0, 5, 0, 0, 0, 0, 0, 0], 1_000),
        // 200, 200, and 100 are too few for the next two; 250 pay for one more.
        (20, Budgets::Simulated, [0, 3, 0, 2, 0, 0, 0, 0], 600),
        // 120 a request: four are 480, then there are 170.
        (12, Budgets::Simulated, [0, 5, 0, 0, 0, 0, 0, 0], 600),
    ];
    for (rate, budgets, changes, spent) in cases {
        let report = again(&scene, &alpha_at(rate), budgets);
        assert_eq!(counts(&report), changes, "{rate} {budgets:?}");
        assert_eq!(report.money.spent, sums(500, spent), "{rate} {budgets:?}");
    }
    scene.finish();

    // What executes only now is taken, and what comes after it can be short of it.
    let scene = Scene::new();
    let account = scene.account("a", Deny, 250);
    assert!(scene.admit(&[account], &scene.ask(30), call(0)).is_err());
    let permit = scene.admit(&[account], &scene.ask(20), call(0)).unwrap();
    let _settlement = scene.controller.release(permit, call(0)).unwrap();
    for (rate, changes) in [(5, [0, 1, 0, 0, 1, 0, 0, 0]), (6, [0, 0, 0, 1, 1, 0, 0, 0])] {
        let report = again(&scene, &alpha_at(rate), Budgets::Simulated);
        assert_eq!(counts(&report), changes, "{rate}");
        let spent_micros = i128::from(rate) * 30;
        assert_eq!(report.money.spent, sums(0, spent_micros));
    }
    scene.finish();
}

#[test]
fn simulated_settlements_follow_the_overrun_mode() {
    // 10 units held, 30 used. At alpha's 20: 200 held, 600 spent, 400 above it.
    let cases = [
        // 800 left: 200 are booked, and 600 pay for a hold of 600.
        (Deny, 1_000, 30, [0, 2, 0, 0, 0, 0, 0, 0]),
        // All 600 are booked: 400 left.
        (IfAvailable, 1_000, 30, [0, 1, 0, 1, 0, 0, 0, 0]),
        (Debt, 1_000, 30, [0, 1, 0, 1, 0, 0, 0, 0]),
        // 100 are left, and booked; nothing pays the next.
        (IfAvailable, 300, 0, [1, 1, 0, 0, 0, 0, 0, 0]),
        // 300 of debt, in which a hold of nothing is taken all the same.
        (Debt, 300, 0, [1, 1, 0, 0, 0, 0, 0, 0]),
    ];
    for (overrun, granted, next, changes) in cases {
        let scene = Scene::new();
        let account = scene.account("a", overrun, granted);
        let permit = scene.admit(&[account], &scene.ask(10), call(0)).unwrap();
        let _settlement = scene.controller.commit(permit, scene.used(ALPHA, 30, 0), call(0)).unwrap();
        let _permit = scene.admit(&[account], &scene.ask(next), call(0)).unwrap();
        let report = again(&scene, &alpha_at(20), Budgets::Simulated);
        assert_eq!(counts(&report), changes, "{overrun:?} {granted} {next}");
        scene.finish();
    }
}

#[test]
fn expired_holds_give_back_and_late_commits_book_nothing() {
    let scene = Scene::new();
    let account = scene.account("a", Debt, 300);
    let admit = |ns, until| scene.admit_until(&[account], &scene.ask(10), at(until), call(ns)).unwrap();
    let (first, second) = (admit(0, 10), admit(0, 10));
    assert_eq!(scene.controller.expire(call(10)).unwrap(), 2);
    let settlement = scene.controller.commit(first, scene.used(ALPHA, 10, 0), call(11)).unwrap();
    assert_eq!(settlement.outcome.unfunded, micros(100));
    let _settlement = scene.controller.release(second, call(11)).unwrap();
    let _permit = admit(12, 100);
    // At 15 a unit two holds of 150 take all 300, give them back, and leave room for the third.
    let report = again(&scene, &alpha_at(15), Budgets::Simulated);
    assert_eq!(counts(&report), [0, 3, 0, 0, 0, 0, 0, 0]);
    assert_eq!((report.money.held, report.money.spent), (sums(300, 450), sums(100, 150)));
    // At 20 the second finds 100 left, and beta costs more; when it would have been given back, nothing is.
    let report = again(&scene, &alpha_at(20), Budgets::Simulated);
    assert_eq!(counts(&report), [0, 2, 0, 1, 0, 0, 0, 0]);
    assert_eq!((report.money.held, report.money.spent), (sums(300, 400), sums(100, 200)));
    scene.finish();
}

#[test]
fn extensions_change_as_their_holds_do() {
    let scene = Scene::new();
    let account = scene.account("a", Deny, 500);
    let mut permit = scene.admit(&[account], &scene.ask(10), call(0)).unwrap();
    let _extension = scene.controller.extend(&mut permit, micros(33), None, call(0)).unwrap();
    let denied = scene.controller.extend(&mut permit, micros(400), None, call(0));
    assert!(matches!(denied, Err(NotExtended::Denied(_))));
    let _settlement = scene.controller.commit(permit, Spend::Amount(micros(120)), call(0)).unwrap();
    let cases = [
        (10, Budgets::Simulated, 1, (133, 133), 120),
        // 33 × 15 / 10 = 49.5 and 120 × 15 / 10 = 180.
        (15, Budgets::Recorded, 1, (133, 200), 180),
        // 50 and 17 are held, and 200 more are there.
        (5, Budgets::Simulated, 2, (133, 267), 60),
        (5, Budgets::Recorded, 1, (133, 67), 60),
        // 290 and 96 are held; 1,160 more are not there.
        (29, Budgets::Simulated, 1, (133, 386), 348),
    ];
    for (rate, budgets, extended, (then, now), spent) in cases {
        let report = again(&scene, &alpha_at(rate), budgets);
        assert_eq!((report.extensions.then, report.extensions.now), (1, extended), "{rate} {budgets:?}");
        assert_eq!(report.money.held, sums(then, now), "{rate} {budgets:?}");
        assert_eq!(report.money.spent, sums(120, spent), "{rate} {budgets:?}");
    }
    scene.finish();
}

#[test]
fn reroutes_are_asked_again_where_there_is_a_hold() {
    let scene = Scene::new();
    let account = scene.account("a", Deny, 10_000);
    let mut limited = scene.ask(10);
    limited.cost_limit(MicroUnits(150));
    let permit = scene.admit(&[account], &limited, call(0)).unwrap();
    let reroute = Reroute { failed: ALPHA, request: &scene.ask(10), deadline: at(SECOND) };
    let permit = scene.controller.reroute(permit, &reroute, call(0)).unwrap();
    assert_eq!(permit.candidate(), BETA);
    let _settlement = scene.controller.commit(permit, scene.used(BETA, 9, 0), call(0)).unwrap();
    let beta_at = |rate| frozen(move |draft| draft.candidates[1].cards[0].rates[0].1 = rate);
    let cases = [
        ("the same", alpha_at(10), [2, 0, 0, 0, 0, 0, 0, 0], 400, 270),
        ("beta at 40", beta_at(40), [1, 1, 0, 0, 0, 0, 0, 0], 500, 360),
        // Nothing within 150, so that nothing fails.
        ("alpha at 20", alpha_at(20), [0, 0, 0, 1, 0, 0, 1, 0], 0, 0),
    ];
    for (what, policy, changes, held, spent) in cases {
        let report = again(&scene, &policy, Budgets::Simulated);
        assert_eq!(counts(&report), changes, "{what}");
        assert_eq!((report.money.held, report.money.spent), (sums(400, held), sums(270, spent)), "{what}");
        assert_eq!(report.decisions.iter().map(|row| row.reroutes).sum::<u64>(), 1);
        assert!(report.assumptions.contains(&Assumption::SameFailures { reroutes: 1 }));
    }
    scene.finish();
}

#[test]
fn halts_and_switches_stay_as_they_were() {
    let scene = Scene::new();
    let account = scene.account("a", Deny, 10_000);
    let permit = scene.admit(&[account], &scene.ask(10), call(0)).unwrap();
    let _sequence = scene.controller.halt(Halt::ReduceOnly, call(0)).unwrap();
    assert!(scene.admit(&[account], &scene.ask(1), call(0)).is_err());
    // Beta costs more than the 100 µ that alpha held.
    let reroute = Reroute { failed: ALPHA, request: &scene.ask(10), deadline: at(SECOND) };
    assert!(matches!(scene.controller.reroute(permit, &reroute, call(0)), Err(NotRerouted::Denied(_))));
    let _sequence = scene.controller.halt(Halt::None, call(0)).unwrap();
    let _sequence = scene.controller.switch(ALPHA, Switch::Disabled, call(0)).unwrap();
    let _permit = scene.admit(&[account], &scene.ask(10), call(0)).unwrap();
    // With beta at 9, alpha is first only where it has failed or is off, and gamma is the other one.
    let dear = frozen(|draft| draft.candidates[1].cards[0].rates[0].1 = 9);
    let cases = [
        (alpha_at(10), [4, 0, 0, 0, 0, 0, 0, 0]),
        // Beta's 90 are no more than its own 90 before.
        (dear, [1, 1, 1, 0, 1, 0, 0, 0]),
    ];
    for (policy, changes) in cases {
        for budgets in [Budgets::Recorded, Budgets::Simulated] {
            assert_eq!(counts(&again(&scene, &policy, budgets)), changes, "{budgets:?}");
        }
    }
    scene.finish();
}

#[test]
fn what_cannot_be_decided_again_stays_as_recorded_and_is_counted_by_cause() {
    let (scene, _) = seven();
    let sure = frozen(|draft| {
        draft.limits = LimitsDraft { risk_hard_bps: None, confidence_min_bps: Some(1) };
    });
    for budgets in [Budgets::Recorded, Budgets::Simulated] {
        let report = again(&scene, &sure, budgets);
        assert_eq!(counts(&report), [0, 0, 0, 0, 0, 0, 0, 7]);
        assert_eq!((report.money.held, report.money.spent), (sums(660, 660), sums(430, 430)));
        assert_eq!((report.undecided.len(), report.accounts_changed), (1, 0));
        let row = &report.undecided[0];
        assert_eq!((row.cause, row.count, row.first), (Undecidable::ConfidenceMissing, 7, Sequence(7)));
        assert!(report.assumptions.contains(&Assumption::LeftAsRecorded { requests: 7 }));
    }
    scene.finish();
}

/// One column of tags, of which two are listed; the candidate has both.
fn tagged(tags: &[(u16, &str)]) -> Policy {
    let schema = SchemaDraft {
        name: "tagged".into(),
        columns: vec![ColumnDraft { name: "tags".into(), kind: ColumnKind::Set }],
        gates: vec![GateDraft {
            column: "tags".into(),
            relation: Relation::HasAll,
            source: SourceDraft::Request,
        }],
        ..SchemaDraft::default()
    };
    let members = tags.iter().map(|&(id, name)| MemberDraft { id, name: name.into() }).collect();
    let names = tags.iter().map(|&(_, name)| name.into()).collect();
    let mut candidate = CandidateDraft::new(1, "only");
    candidate.values.push(("tags".into(), ValueDraft::Set(names)));
    candidate.cards.push(assize::policy::CardDraft { above: 0, rates: Vec::new() });
    let mut draft = Draft::new("tagged", 1, schema);
    draft.members.push(MembersDraft { column: "tags".into(), members });
    draft.candidates.push(candidate);
    Policy::freeze(draft).unwrap()
}

#[test]
fn members_that_are_not_listed_are_named() {
    let policy = tagged(&[(3, "blue"), (4, "red")]);
    let scene = Scene::with(Setup { policy: policy.clone(), ..Setup::default() });
    let account = scene.account("a", Deny, 100);
    let tags = policy.schema().gate_set("tags", Relation::HasAll).unwrap();
    for wanted in [&["blue"][..], &["red"], &["blue", "red"]] {
        let mut request = Request::new(policy.schema());
        request.demand_set(tags, &policy.members("tags", wanted).unwrap()).unwrap();
        let _permit = scene.admit(&[account], &request, call(0)).unwrap();
    }
    let report = again(&scene, &tagged(&[(3, "blue")]), Budgets::Recorded);
    assert_eq!(counts(&report), [1, 0, 0, 0, 0, 0, 0, 2]);
    let row = &report.undecided[0];
    assert_eq!((row.cause, row.count), (Undecidable::MemberUnknown { gate: 0, member: MemberId(4) }, 2));
    assert_eq!((row.column.as_deref(), row.member.as_deref()), (Some("tags"), Some("red")));
    assert!(!report.assumptions.contains(&Assumption::NumbersReused));
    // A number that means something else is decided by, and said.
    let report = again(&scene, &tagged(&[(3, "blue"), (4, "green")]), Budgets::Recorded);
    assert_eq!(counts(&report), [3, 0, 0, 0, 0, 0, 0, 0]);
    assert!(report.assumptions.contains(&Assumption::NumbersReused));
}

#[test]
fn a_log_of_several_policies_is_decided_by_the_one() {
    let scene = Scene::new();
    let account = scene.account("a", Deny, 10_000);
    for epoch in 1..4 {
        if epoch > 1 {
            let _sequence =
                scene.controller.swap(tiny_at(epoch, [20, 29][epoch as usize - 2]), call(0)).unwrap();
        }
        let permit = scene.admit(&[account], &scene.ask(1), call(0)).unwrap();
        let _settlement = scene.controller.commit(permit, scene.used(ALPHA, 1, 0), call(0)).unwrap();
    }
    // 10 + 20 + 29, and 25 each. The epoch need not be raised.
    let renamed = |draft: &mut Draft| {
        draft.epoch = 0;
        draft.candidates[0].cards[0].rates[0].1 = 25;
        draft.candidates[2].name = "omega".into();
    };
    let report = again(&scene, &frozen(renamed), Budgets::Simulated);
    assert_eq!(counts(&report), [0, 3, 0, 0, 0, 0, 0, 0]);
    assert_eq!((report.money.held, report.money.spent), (sums(59, 75), sums(59, 75)));
    assert!(report.assumptions.contains(&Assumption::OnePolicy { policies: 3 }));
    assert!(report.assumptions.contains(&Assumption::NumbersReused));
    scene.finish();
}

/// Looks on, and counts.
#[derive(Default)]
struct Counter(u64, u64);

impl Observer for Counter {
    fn before(&mut self, _step: &Step<'_>) {
        self.0 += 1;
    }

    fn after(&mut self, _step: &Step<'_>) {
        self.1 += 1;
    }
}

#[test]
fn another_schema_and_a_log_that_does_not_replay_are_errors() {
    let (scene, _) = seven();
    let empty = Scene::new();
    for scene in [&scene, &empty] {
        let _anchor = scene.controller.drain().unwrap();
        let storage = scene.place.storage();
        let ask = |key: RootKey, policy: &Policy| {
            let seen = what_if(&*storage, &[&key], policy, WhatIfOptions::default());
            seen.map(|_| ()).unwrap_err()
        };
        let error = ask(key(), &sample());
        let tags = [sample().schema().tag(), alpha_at(1).schema().tag()].map(|tag| format!("{:016x}", tag.0));
        assert!(matches!(error, WhatIfError::Schema(_)) && error.blame() == Blame::Caller);
        let said = error.to_string();
        for part in ["llm-1", "tiny", &tags[0], &tags[1]] {
            assert!(said.contains(part), "{part} in {said}");
        }
        // Whatever the policy, a log that does not hold is what is said.
        let foreign = RootKey::new(KeyId(1), &[0x18; 32]).unwrap();
        let error = ask(foreign, &sample());
        assert!(
            matches!(&error, WhatIfError::Audit(of) if matches!(of.problem, Problem::Read(_))),
            "{error}"
        );
        assert_eq!(error.blame(), Blame::Evidence);
    }

    let mut counter = Counter::default();
    let audit = AuditOptions { observer: Some(&mut counter), ..AuditOptions::default() };
    let (key, storage) = (key(), scene.place.storage());
    let options = WhatIfOptions { audit, ..WhatIfOptions::default() };
    let report = what_if(&*storage, &[&key], &alpha_at(1), options).unwrap();
    assert_eq!((counter.0, counter.1), (report.replay.summary.records, report.replay.summary.records));
}

/// A number below `below`, the next of a fixed sequence.
fn draw(seed: &mut u64, below: u64) -> u64 {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    (*seed >> 20) % below
}

/// Everything that a host does, drawn; what is reached is counted.
fn drawn(seed: &mut u64, reached: &mut [u64; 10]) -> Scene {
    let terms = Terms { late_window_ns: 40, ..Terms::default() };
    let scene = Scene::with(Setup { terms, ..Setup::default() });
    let root = scene.account("root", Debt, 9_000);
    let accounts = [
        scene.account_under(Some(root), "a", Deny, 3_000),
        scene.account_under(Some(root), "b", IfAvailable, 900),
        scene.account("c", Debt, 2_000),
    ];
    let mut held = Vec::new();
    for round in 0..120 {
        let call = call(round);
        let pay = [&accounts[..1], &accounts[1..2], &accounts[1..], &accounts[..]][draw(seed, 4) as usize];
        let mut request = scene.ask(draw(seed, 30));
        if draw(seed, 2) == 0 {
            request.requested([ALPHA, BETA, GAMMA][draw(seed, 3) as usize]);
        }
        if draw(seed, 12) == 0 {
            for candidate in [ALPHA, BETA, GAMMA] {
                request.exclude(candidate).unwrap();
            }
        }
        let deadline = Timestamp(call.at.0 + 1 + draw(seed, 60) as i64);
        match scene.admit_until(pay, &request, deadline, call) {
            Ok(permit) => {
                reached[0] += 1;
                held.push(permit);
            }
            Err(NotAdmitted::Denied(denial)) => reached[usize::from(denial.class().code().min(4))] += 1,
            Err(other) => panic!("{other}"),
        }
        administer(&scene, seed, &accounts, call);
        if held.len() < 4 {
            continue;
        }
        let mut permit = held.swap_remove(draw(seed, held.len() as u64) as usize);
        match draw(seed, 6) {
            5 => {
                let (served, units) = (permit.candidate(), draw(seed, 40));
                let so_far = match draw(seed, 2) {
                    0 => scene.used(served, units, 0),
                    _ => Spend::Amount(micros(permit.spent().micros() + units * 10)),
                };
                // Less than before is no part.
                reached[9] += u64::from(scene.controller.part_commit(&mut permit, so_far, call).is_ok());
                held.push(permit);
            }
            0 | 1 => {
                let (served, units) = (permit.candidate(), draw(seed, 40));
                let spend = match draw(seed, 2) {
                    0 => scene.used(served, units, 0),
                    _ => Spend::Amount(micros(permit.spent().micros() + units * 10)),
                };
                reached[5] += u64::from(scene.controller.commit(permit, spend, call).is_ok());
            }
            2 => reached[6] += u64::from(scene.controller.release(permit, call).is_ok()),
            3 => {
                let more = micros(draw(seed, 300));
                reached[7] += u64::from(scene.controller.extend(&mut permit, more, None, call).is_ok());
                held.push(permit);
            }
            _ => {
                let reroute = Reroute { failed: permit.candidate(), request: &request, deadline };
                match scene.controller.reroute(permit, &reroute, call) {
                    Ok(permit) => {
                        reached[8] += 1;
                        held.push(permit);
                    }
                    Err(NotRerouted::Denied(_) | NotRerouted::Faulted { .. }) => {}
                    Err(NotRerouted::Repeated(repeated)) => panic!("{repeated}"),
                }
            }
        }
    }
    scene
}

fn administer(scene: &Scene, seed: &mut u64, accounts: &[AccountId], call: Call) {
    match draw(seed, 24) {
        0 => {
            let _sequence = scene.controller.halt(Halt::ReduceOnly, call).unwrap();
        }
        1..=3 => {
            let _sequence = scene.controller.halt(Halt::None, call).unwrap();
        }
        4 => {
            let account = accounts[draw(seed, 3) as usize];
            let _sequence = scene.controller.grant(account, 300.try_into().unwrap(), call).unwrap();
        }
        5 => {
            // Less may be available.
            let account = accounts[draw(seed, 3) as usize];
            let taken = scene.controller.grant(account, (-50).try_into().unwrap(), call);
            assert!(taken.is_ok() || scene.controller.failure().is_none());
        }
        6 => {
            let _sequence = scene.controller.switch(ALPHA, Switch::Disabled, call).unwrap();
        }
        7 | 8 => {
            let _sequence = scene.controller.switch(ALPHA, Switch::Enabled, call).unwrap();
        }
        _ => {}
    }
}

/// What the invoice said later moves money, and no figure of the comparison; that is said.
#[test]
fn adjustments_are_left_out_and_counted() {
    let terms = Terms { settled_max: 9, adjust_window_ns: 100, ..Terms::default() };
    let scene = Scene::with(Setup { terms, ..Setup::default() });
    let account = scene.account("a", Debt, 1_000);
    let permit = scene.admit(&[account], &scene.ask(10), call(0)).unwrap();
    let hold = permit.hold();
    let _settlement = scene.controller.commit(permit, scene.used(ALPHA, 10, 0), call(0)).unwrap();
    let _settlement = scene.controller.adjust(hold, micros(40), call(1)).unwrap();
    for budgets in [Budgets::Recorded, Budgets::Simulated] {
        let report = again(&scene, &alpha_at(10), budgets);
        assert_eq!(report.money.spent, sums(100, 100));
        assert!(report.assumptions.contains(&Assumption::AdjustmentsLeftOut { adjustments: 1 }));
    }
    scene.finish();
}

/// A hold spent in parts, decided again at other prices: what each part comes to is above what the one before did.
#[test]
fn parts_are_estimated_as_the_whole_until_then() {
    // Alpha's rate now; what is held and spent now, and what the account has left in the simulation.
    for (rate, held, spent) in [(10, 100, 130), (5, 50, 65), (40, 400, 520)] {
        let scene = Scene::new();
        let account = scene.account("a", Debt, 1_000);
        let mut request = scene.ask(10);
        request.requested(ALPHA);
        let mut permit = scene.admit(&[account], &request, call(0)).unwrap();
        // By usage, by usage again, on the host's word at the recorded price, and the whole.
        for so_far in [scene.used(ALPHA, 4, 0), scene.used(ALPHA, 4, 0), Spend::Amount(micros(120))] {
            let settlement = scene.controller.part_commit(&mut permit, so_far, call(1)).unwrap();
            assert_eq!(settlement.outcome.actual, permit.spent());
        }
        let settlement = scene.controller.commit(permit, scene.used(ALPHA, 13, 0), call(2)).unwrap();
        assert_eq!(settlement.outcome.actual, micros(130));
        for budgets in [Budgets::Recorded, Budgets::Simulated] {
            let report = again(&scene, &alpha_at(rate), budgets);
            assert_eq!(report.money.held, sums(100, held), "{rate} {budgets:?}");
            assert_eq!(report.money.spent, sums(130, spent), "{rate} {budgets:?}");
        }
        scene.finish();
    }
}

#[test]
fn under_the_policy_in_force_nothing_changes_whatever_is_done() {
    let (mut seed, mut reached) = (0x9E37_79B9_7F4A_7C15, [0; 10]);
    for _ in 0..40 {
        let scene = drawn(&mut seed, &mut reached);
        for budgets in [Budgets::Recorded, Budgets::Simulated] {
            let report = again(&scene, &alpha_at(10), budgets);
            let calls = report.replay.calls;
            let all =
                [calls.admitted, calls.denied_policy, calls.denied_budget, calls.denied_halted].iter().sum();
            assert_eq!(counts(&report), [all, 0, 0, 0, 0, 0, 0, 0], "{budgets:?}: {:?}", report.decisions);
            for sums in [report.money.held, report.money.spent] {
                assert_eq!(sums.difference_micros, 0, "{budgets:?}");
            }
            assert_eq!((report.extensions.then, report.accounts_changed), (report.extensions.now, 0));
            assert!(report.candidates.iter().all(|row| (row.gained, row.lost) == (0, 0)));
        }
    }
    // Admitted; denied by policy, by a budget, for a halt (4); committed, released, extended, rerouted, spent in part.
    let without_throttle = [0, 1, 2, 4, 5, 6, 7, 8, 9].map(|kind: usize| reached[kind]);
    assert!(without_throttle.iter().all(|count| *count > 20), "{reached:?}");
}

/// A request of a script: who pays, what is asked, and how many units are used of it.
struct Scripted {
    account: usize,
    units: u64,
    requested: Option<CandidateId>,
    used: u64,
}

/// Who was selected, and what is held.
type Served = (CandidateId, u64);

/// What came of a script: for each request what was selected and held, and what all of them spent.
struct Lived {
    scene: Scene,
    held: Vec<Option<Served>>,
    spent: u64,
}

/// Lives a script under a policy, each request settled when three more were asked; what executes here and did not
/// before is committed at once.
fn live(script: &[Scripted], policy: Policy, before: Option<&Lived>) -> Lived {
    let scene = Scene::with(Setup { policy, ..Setup::default() });
    let root = scene.account("root", Debt, 6_000);
    let accounts = [
        scene.account_under(Some(root), "a", Deny, 2_000),
        scene.account_under(Some(root), "b", IfAvailable, 1_500),
        scene.account_under(Some(root), "c", Debt, 1_000),
    ];
    let mut lived = Lived { scene, held: Vec::new(), spent: 0 };
    let mut permits = std::collections::VecDeque::new();
    for (place, asked) in script.iter().enumerate() {
        let scene = &lived.scene;
        let mut request = scene.ask(asked.units);
        asked.requested.iter().for_each(|candidate| {
            request.requested(*candidate);
        });
        let commit = |permit, spend| {
            let settlement = scene.controller.commit(permit, spend, call(0)).unwrap();
            settlement.outcome.actual.micros()
        };
        let permit = scene.admit(&[accounts[asked.account]], &request, call(0)).ok();
        lived.held.push(permit.as_ref().map(|permit| (permit.candidate(), permit.amount().micros())));
        match permit {
            Some(permit) if before.is_some_and(|before| before.held[place].is_none()) => {
                let held = permit.amount();
                lived.spent += commit(permit, Spend::Amount(held));
                permits.push_back(None);
            }
            permit => permits.push_back(permit.map(|permit| (permit, asked.used))),
        }
        if permits.len() > 3
            && let Some((mut permit, used)) = permits.pop_front().unwrap()
        {
            // Some of them in parts: the whole is the same.
            for part in 1..place as u64 % 3 {
                let so_far = scene.used(permit.candidate(), used * part / 2, 0);
                let settlement = scene.controller.part_commit(&mut permit, so_far, call(0)).unwrap();
                assert_eq!(settlement.outcome.actual, permit.spent());
            }
            let spend = scene.used(permit.candidate(), used, 0);
            lived.spent += commit(permit, spend);
        }
    }
    lived
}

#[test]
fn the_simulation_is_what_another_life_would_have_been() {
    let mut seed = 0x2545_F491_4F6C_DD1D;
    let mut reached = [0; 8];
    for _ in 0..60 {
        let script: Vec<_> = (0..60)
            .map(|_| Scripted {
                account: draw(&mut seed, 3) as usize,
                units: draw(&mut seed, 20),
                requested: [None, Some(ALPHA), Some(BETA), Some(GAMMA)][draw(&mut seed, 4) as usize],
                used: draw(&mut seed, 25),
            })
            .collect();
        let rates = [1 + draw(&mut seed, 60), 1 + draw(&mut seed, 60)];
        let other = || {
            frozen(|draft| {
                draft.candidates[0].cards[0].rates[0].1 = rates[0];
                draft.candidates[1].cards[0].rates[0].1 = rates[1];
            })
        };
        let then = live(&script, alpha_at(10), None);
        let now = live(&script, other(), Some(&then));
        let report = again(&then.scene, &other(), Budgets::Simulated);
        let held = |lived: &Lived| lived.held.iter().flatten().map(|(_, micros)| i128::from(*micros)).sum();
        assert_eq!(report.money.held, sums(held(&then), held(&now)));
        assert_eq!(report.money.spent, sums(then.spent.into(), now.spent.into()));
        let pairs = || then.held.iter().zip(&now.held);
        let count = |is: &dyn Fn(&Served, &Served) -> bool| {
            let both = pairs().filter_map(|(then, now)| then.as_ref().zip(now.as_ref()));
            both.filter(|(then, now)| is(then, now)).count() as u64
        };
        let neither = pairs().filter(|(then, now)| then.is_none() && now.is_none()).count() as u64;
        let expected = [
            count(&|then, now| then == now),
            count(&|then, now| then.0 == now.0 && then.1 != now.1),
            count(&|then, now| then.0 != now.0),
            pairs().filter(|(then, now)| then.is_some() && now.is_none()).count() as u64,
            pairs().filter(|(then, now)| then.is_none() && now.is_some()).count() as u64,
        ];
        let seen = counts(&report);
        assert_eq!(seen[1..5], expected[1..]);
        assert_eq!(seen[0] + seen[5], expected[0] + neither);
        assert_eq!((seen[6], seen[7]), (0, 0));
        reached.iter_mut().zip(seen).for_each(|(sum, count)| *sum += count);
    }
    assert!(reached[..5].iter().all(|count| *count > 50), "{reached:?}");
}

#[cfg(feature = "serde")]
#[test]
fn a_report_is_one_document() {
    let (scene, _) = seven();
    let report = again(&scene, &alpha_at(5), Budgets::Simulated);
    let told = serde_json::to_value(&report).unwrap();
    assert_eq!(told["budgets"], "simulated");
    assert_eq!(told["money"]["spent"]["difference_micros"], 85);
    assert_eq!(told["decisions"][2]["change"], "other_cost");
    assert_eq!(told["accounts"][0]["name"], "poor");
    assert_eq!(told["accounts"][0]["held"]["now_micros"], 150);
    assert_eq!(told["assumptions"][0]["what"], "same_requests");
    assert_eq!(told["replay"]["records"], report.replay.summary.records);
    let id: CandidateId = report.candidates[0].id;
    assert_eq!(told["candidates"][0]["id"], id.0);
}
