//! Who was billed, and for how much.

use assize::{
    controller::{DenialClass, Fault, NotAdmitted},
    num::MicroUnits,
    overrun::Overrun::{Debt, Deny},
    policy::{Policy, Relation, document::from_toml},
    record::Spend,
};
use std::num::NonZeroI64;

use crate::scene::{ALPHA, BETA, GAMMA, Money, Scene, call, micros};

#[test]
fn a_budget_was_checked_for_the_requested_model_while_another_was_billed() {
    let scene = Scene::new();
    // Ten units: 100 µ of the model that is asked for, 300 µ of the one that can serve.
    let account = scene.account("a", Deny, 299);
    let mut request = scene.ask_for(ALPHA, 10);
    let quality = scene.controller.policy().schema().gate_number("quality", Relation::AtLeast).unwrap();
    request.demand(quality, 8_000).unwrap();
    let Err(NotAdmitted::Denied(denial)) = scene.admit(&[account], &request, call(1)) else {
        panic!("the budget pays for the requested model alone");
    };
    assert_eq!(denial.class(), DenialClass::Budget);
    assert_eq!(denial.audited_reason().limit_applied, Some(MicroUnits(299)));
    let _sequence = scene.controller.grant(account, NonZeroI64::new(1).unwrap(), call(1)).unwrap();
    let permit = scene.admit(&[account], &request, call(1)).unwrap();
    assert_eq!((permit.candidate(), permit.amount()), (BETA, micros(300)), "held is what serves costs");

    // The host's own fallback was served by a third: it is billed at that one's price, and nothing vanishes.
    let settled = scene.controller.commit(permit, scene.used(GAMMA, 10, 0), call(2)).unwrap();
    assert_eq!((settled.outcome.actual, settled.outcome.unfunded), (micros(1_000), micros(700)));
    let after = Money { granted: 300, available: 0, reserved: 0, committed: 300, unfunded: 700 };
    assert_eq!(scene.money(account), after);
    scene.finish();
}

#[test]
fn unknown_prices_were_read_as_free() {
    let scene = Scene::new();
    let account = scene.account("a", Debt, 100_000);
    // Only the dearest has a price for extras: the others cannot serve what asks for some.
    let mut request = scene.ask(10);
    request.quantity(scene.controller.policy().schema().quantity("extras").unwrap(), 1).unwrap();
    let permit = scene.admit(&[account], &request, call(1)).unwrap();
    assert_eq!((permit.candidate(), permit.amount()), (GAMMA, micros(1_007)));
    request.exclude(GAMMA).unwrap();
    let Err(NotAdmitted::Denied(denial)) = scene.admit(&[account], &request, call(1)) else {
        panic!("served without a price");
    };
    assert_eq!(denial.class(), DenialClass::Policy);

    // And what was used of something without a price is not settled for nothing.
    let before = scene.state();
    let unsettled = scene.controller.commit(permit, scene.used(ALPHA, 10, 1), call(2)).unwrap_err();
    assert_eq!(unsettled.fault, Fault::Unpriced { candidate: ALPHA });
    assert_eq!(scene.state(), before);
    let told = Spend::Amount(micros(1_234));
    let settled = scene.controller.commit(unsettled.permit, told, call(2)).unwrap();
    assert_eq!(settled.outcome.actual, micros(1_234));
    scene.finish();
}

#[test]
fn an_unparsable_limit_was_dropped_instead_of_refused() {
    let sample = include_str!("../../examples/data/models.toml");
    let with = |limits: &str| {
        let altered =
            sample.replacen("\n[members.capabilities]", &format!("\n{limits}\n[members.capabilities]"), 1);
        assert_ne!(altered, sample);
        from_toml(&altered).map_err(drop).and_then(|draft| Policy::freeze(draft).map_err(drop))
    };
    let limited = with("[limits]\nrisk_hard_bps = 9000").unwrap();
    assert_ne!(limited.digest(), with("").unwrap().digest(), "the limit is in the policy");
    for wrong in [
        "risk_hard_bps = \"9000\"",
        "risk_hard_bps = \"90 %\"",
        "risk_hard_bps = 90.5",
        "risk_hard_bps = -1",
        "risk_hard_bps = 10001",
        "risk_hard_bps = 70000",
        "risk_hard_bps = nan",
        "risk_hard_bps = \"\"",
        "risk_hard_bps = []",
        "risk_hard_bps = true",
        "risk_hard = 9000",
        "risk_hard_bps = 9000\nrisk_hard_bps = 9000",
    ] {
        assert!(with(&format!("[limits]\n{wrong}")).is_err(), "{wrong}");
    }
}
