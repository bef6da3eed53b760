//! Which decision stands, who pays for it, and what is on record of it. SEMANTICS 10.

use assize::{
    controller::{Denial, DenialClass, NotAdmitted},
    id::CandidateId,
    kernel::{Action, Reason, Request},
    num::MicroUnits,
    overrun::Overrun::{Debt, Deny},
    policy::{Substitution, llm::Llm},
    record::{AdmissionOutcome, Record, Spend},
};

use crate::scene::{ALPHA, BETA, GAMMA, Money, Scene, Setup, call, micros, sample, tiny};

fn denied(seen: Result<assize::controller::Permit, NotAdmitted>) -> Denial {
    match seen {
        Err(NotAdmitted::Denied(denial)) => denial,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_cost_of_the_decision_is_held_at_every_cell() {
    let scene = Scene::new();
    let root = scene.account("root", Deny, 5_000);
    let left = scene.account_under(Some(root), "left", Deny, 4_000);
    let right = scene.account_under(Some(root), "right", Deny, 3_000);
    let other = scene.account("other", Deny, 2_000);
    let permit = scene.admit(&[left, right, other], &scene.ask_for(BETA, 10), call(1)).unwrap();
    assert_eq!((permit.candidate(), permit.amount()), (BETA, micros(300)));
    let decision = permit.decision().unwrap();
    assert_eq!((decision.action, decision.reason), (Action::Execute, Reason::Requested));
    for (account, granted) in [(root, 5_000), (left, 4_000), (right, 3_000), (other, 2_000)] {
        let available = i64::try_from(granted).unwrap() - 300;
        let expected = Money { granted, available, reserved: 300, ..Money::default() };
        assert_eq!(scene.money(account), expected);
    }
    let Record::Admission(record) = scene.record(permit.hold()) else { panic!("no admission") };
    let AdmissionOutcome::Admitted { decided, deadline } = record.outcome else { panic!("not admitted") };
    assert_eq!((decided.limit_applied, decided.decision), (None, *decision));
    assert_eq!((deadline, record.arguments.path.accounts()), (permit.deadline(), &[left, right, other][..]));
    scene.finish();
}

#[test]
fn a_tight_account_is_decided_again_under_what_it_can_pay() {
    // Granted, the request's own limit; the limit on record, who serves, at what cost. Gamma is asked for 10 units.
    let rows: [(i64, Option<u64>, Option<u64>, CandidateId, u64); 9] = [
        (1_000, None, None, GAMMA, 1_000),
        (1_000, Some(1_000), None, GAMMA, 1_000),
        (999, None, Some(999), ALPHA, 100),
        (999, Some(5_000), Some(999), ALPHA, 100),
        (500, Some(1_000), Some(500), ALPHA, 100),
        (100, None, Some(100), ALPHA, 100),
        // The request's own limit turns gamma away at once: the account has nothing to say.
        (500, Some(999), None, ALPHA, 100),
        (500, Some(100), None, ALPHA, 100),
        (100, Some(999), None, ALPHA, 100),
    ];
    for (granted, own, applied, candidate, cost) in rows {
        let scene = Scene::new();
        let account = scene.account("a", Deny, granted);
        let mut request = scene.ask_for(GAMMA, 10);
        if let Some(own) = own {
            request.cost_limit(MicroUnits(own));
        }
        let permit = scene.admit(&[account], &request, call(1)).unwrap();
        assert_eq!((permit.candidate(), permit.amount()), (candidate, micros(cost)), "{granted} {own:?}");
        let Record::Admission(record) = scene.record(permit.hold()) else { panic!("no admission") };
        let decided = *record.outcome.decided().unwrap();
        assert_eq!(decided.limit_applied, applied.map(MicroUnits), "{granted} {own:?}");
        let action = if candidate == GAMMA { Action::Execute } else { Action::Substitute };
        assert_eq!((decided.decision.action, *record.arguments.request), (action, request));
        scene.finish();
    }
}

#[test]
fn what_nobody_can_be_paid_for_is_denied_and_the_binding_account_is_on_record() {
    // What the accounts are granted: root, left below it, other. The one with the least binds, of equals the
    // earliest on the path left, root, other.
    let rows = [
        (90, 1_000, 1_000, 0),
        (1_000, 90, 1_000, 1),
        (1_000, 1_000, 90, 2),
        (90, 90, 1_000, 1),
        (90, 1_000, 90, 0),
        (0, 0, 0, 1),
        (99, 98, 97, 2),
    ];
    for (root, left, other, binding) in rows {
        let scene = Scene::new();
        let root = scene.account("root", Deny, root);
        let left = scene.account_under(Some(root), "left", Deny, left);
        let other = scene.account("other", Deny, other);
        let ids = [root, left, other];
        let denial = denied(scene.admit(&[left, other], &scene.ask(10), call(1)));
        assert_eq!((denial.class(), denial.is_repeat()), (DenialClass::Budget, false));
        let reason = denial.audited_reason();
        let least = ids.iter().map(|id| scene.money(*id).available.unsigned_abs()).min().unwrap();
        assert_eq!(
            (reason.binding, reason.limit_applied),
            (Some(ids[binding].into()), Some(MicroUnits(least)))
        );
        let decision = reason.decision.unwrap();
        assert_eq!((decision.action, decision.reason, decision.selected), (Action::Deny, Reason::Cost, None));
        let Record::Admission(record) = scene.record(denial.sequence()) else { panic!("no admission") };
        let AdmissionOutcome::DeniedBudget { decided, binding } = record.outcome else {
            panic!("not denied")
        };
        assert_eq!((Some(binding), Some(decided.decision)), (reason.binding, reason.decision));
        assert_eq!(decided.limit_applied, reason.limit_applied);
        for id in ids {
            assert_eq!(scene.money(id).reserved, 0);
        }
        scene.finish();
    }
}

#[test]
fn what_the_policy_denies_is_denied_whatever_the_accounts_have() {
    for granted in [0, 1_000_000] {
        let scene = Scene::new();
        let account = scene.account("a", Deny, granted);
        let mut request = scene.ask(10);
        let quality =
            scene.controller.policy().schema().gate_number("quality", assize::policy::Relation::AtLeast);
        request.demand(quality.unwrap(), 9_999).unwrap();
        let denial = denied(scene.admit(&[account], &request, call(1)));
        assert_eq!(denial.class(), DenialClass::Policy);
        let reason = denial.audited_reason();
        assert_eq!((reason.binding, reason.limit_applied), (None, None));
        assert_eq!(reason.decision.unwrap().reason, Reason::Gate(0));
        let Record::Admission(record) = scene.record(denial.sequence()) else { panic!("no admission") };
        assert!(matches!(record.outcome, AdmissionOutcome::DeniedPolicy { .. }), "{:?}", record.outcome);
        assert_eq!(scene.finish().denied_policy, 1);
    }
}

#[test]
fn what_costs_nothing_is_held_of_any_account() {
    let scene = Scene::new();
    let poor = scene.account("poor", Deny, 0);
    let indebted = scene.account("indebted", Debt, 100);
    let spent = scene.admit(&[indebted], &scene.ask(10), call(0)).unwrap();
    let _settlement = scene.controller.commit(spent, Spend::Amount(micros(700)), call(0)).unwrap();
    assert_eq!(scene.money(indebted).available, -600);
    for account in [poor, indebted] {
        let before = scene.money(account);
        let permit = scene.admit(&[account], &scene.ask(0), call(1)).unwrap();
        assert_eq!(
            (permit.candidate(), permit.amount()),
            (GAMMA, micros(0)),
            "of equal costs, merit decides"
        );
        assert_eq!(scene.money(account), before);
        // Something is more than an account in debt, or an empty one, can pay: its limit is 0.
        let denial = denied(scene.admit(&[account], &scene.ask(1), call(1)));
        assert_eq!(denial.audited_reason().limit_applied, Some(MicroUnits(0)));
        let settlement = scene.controller.commit(permit, scene.used(ALPHA, 0, 0), call(2)).unwrap();
        assert_eq!(settlement.outcome.actual, micros(0));
    }
    scene.finish();
}

#[test]
fn the_largest_amounts_are_held_and_larger_costs_are_not() {
    let scene = Scene::new();
    let account = scene.account("a", Deny, i64::MAX);
    let most = i64::MAX.unsigned_abs() / 10;
    let permit = scene.admit(&[account], &scene.ask(most), call(0)).unwrap();
    assert_eq!(permit.amount(), micros(most * 10));
    let _settlement = scene.controller.release(permit, call(0)).unwrap();
    // Above every amount, above 64 bits.
    for units in [most + 1, u64::MAX / 10, u64::MAX] {
        let denial = denied(scene.admit(&[account], &scene.ask(units), call(0)));
        let expected = if units == u64::MAX { DenialClass::Policy } else { DenialClass::Budget };
        assert_eq!(denial.class(), expected, "{units}");
    }
    scene.finish();
}

#[test]
fn with_the_rule_never_a_tight_account_denies() {
    let mut draft = tiny();
    draft.substitution = Substitution::Never;
    let policy = assize::policy::Policy::freeze(draft).unwrap();
    let scene = Scene::with(Setup { policy, ..Setup::default() });
    let account = scene.account("a", Deny, 500);
    let denial = denied(scene.admit(&[account], &scene.ask_for(GAMMA, 10), call(1)));
    assert_eq!(denial.class(), DenialClass::Budget);
    assert_eq!(denial.audited_reason().decision.unwrap().reason, Reason::RequestedIneligible);
    scene.finish();
}

#[test]
fn the_sample_catalog_serves_under_a_team_and_its_key() {
    let scene = Scene::with(Setup { policy: sample(), ..Setup::default() });
    let team = scene.account("team", Deny, 10_000);
    let key = scene.account_under(Some(team), "key", Deny, 5_000);
    let policy = scene.controller.policy();
    let llm = Llm::of(policy.schema()).unwrap();
    let mut request = Request::new(policy.schema());
    request.quantity(llm.input, 1_000).unwrap().quantity(llm.output, 500).unwrap();
    request.demand(llm.quality, 8_000).unwrap();
    request.requested(CandidateId(3));
    // 1,000 at 1.25 and 500 at 10 for a million: 6,250 is more than the key has.
    let permit = scene.admit(&[key], &request, call(1)).unwrap();
    // Two models cost 1,250: the better one serves.
    assert_eq!((permit.candidate(), permit.amount()), (CandidateId(9), micros(1_250)));
    let mut quantities = *request.quantities();
    quantities.set(llm.output, 700).unwrap();
    let spend = Spend::Usage { served: permit.candidate(), quantities };
    let settlement = scene.controller.commit(permit, spend, call(2)).unwrap();
    assert_eq!((settlement.outcome.actual, settlement.outcome.unfunded), (micros(1_550), micros(300)));
    scene.finish();
}
