//! Denials: answers, by their classes.

use std::num::NonZeroI64;

use assize::{
    budget::AccountTerms,
    caps::{Caps, CapsDraft},
    controller::Reroute,
    id::AccountId,
    overrun::Overrun::Deny,
    policy::Relation,
    record::Halt,
    retry::Retry::{Later, Never},
    throttle::{Counts, Throttle},
};

use crate::{
    scene::{ALPHA, SECOND, Scene, at, call, micros, name},
    told::{Caused, Row, for_good, twice},
};

pub(crate) const ROWS: &[Row] = &[
    ("a demand that nobody meets", "DenialClass::Policy", 1, "denial", Some(Never), by_the_policy),
    ("too dear for the account", "DenialClass::Budget", 2, "denial", Some(Later), by_a_budget),
    ("too dear until a hold ends", "DenialClass::Budget", 2, "denial", Some(Later), by_a_hold),
    ("more than the account has", "DenialClass::Budget", 2, "denial", Some(Later), an_extension),
    ("more than a cap on holds", "DenialClass::Budget", 2, "denial", Some(Later), by_a_cap),
    ("more than a throttle", "DenialClass::Throttle", 3, "denial", Some(Later), by_a_throttle),
    ("admissions halted", "DenialClass::Halted", 4, "denial", Some(Later), by_a_halt),
    ("extensions halted", "DenialClass::Halted", 4, "denial", Some(Later), an_extension_by_a_halt),
    ("a reroute too dear", "DenialClass::Budget", 2, "denial", Some(Later), a_reroute),
];

fn by_the_policy() -> Caused {
    let scene = Scene::new();
    let account = scene.account("a", Deny, 1_000);
    let mut request = scene.ask(1);
    let quality = scene.controller.policy().schema().gate_number("quality", Relation::AtLeast).unwrap();
    request.demand(quality, 10_000).unwrap();
    for_good(|| scene.admit(&[account], &request, call(1)))
}

fn by_a_budget() -> Caused {
    let scene = Scene::new();
    let account = scene.account("a", Deny, 99);
    let one = NonZeroI64::new(1).unwrap();
    twice(
        || scene.admit(&[account], &scene.ask(10), call(1)),
        || assert!(scene.controller.grant(account, one, call(1)).is_ok()),
    )
}

fn by_a_hold() -> Caused {
    let scene = Scene::new();
    let account = scene.account("a", Deny, 150);
    let first = scene.admit(&[account], &scene.ask(10), call(1)).unwrap();
    twice(
        || scene.admit(&[account], &scene.ask(10), call(1)),
        || assert!(scene.controller.release(first, call(1)).is_ok()),
    )
}

fn an_extension() -> Caused {
    let scene = Scene::new();
    let account = scene.account("a", Deny, 150);
    let mut permit = scene.admit(&[account], &scene.ask(10), call(1)).unwrap();
    let one = NonZeroI64::new(1).unwrap();
    twice(
        || scene.controller.extend(&mut permit, micros(51), None, call(1)),
        || assert!(scene.controller.grant(account, one, call(1)).is_ok()),
    )
}

fn capped(scene: &Scene, draft: CapsDraft) -> AccountId {
    let terms = AccountTerms { caps: Caps::new(draft).unwrap(), ..AccountTerms::new(name("capped")) };
    let account = scene.controller.ensure_account(&terms, call(0)).unwrap();
    scene.controller.grant(account, NonZeroI64::new(1_000).unwrap(), call(0)).unwrap();
    account
}

fn by_a_cap() -> Caused {
    let scene = Scene::new();
    let account = capped(&scene, CapsDraft { holds_max: Some(1), ..CapsDraft::default() });
    let first = scene.admit(&[account], &scene.ask(1), call(1)).unwrap();
    twice(
        || scene.admit(&[account], &scene.ask(1), call(1)),
        || assert!(scene.controller.release(first, call(1)).is_ok()),
    )
}

fn by_a_throttle() -> Caused {
    let scene = Scene::new();
    let a_second = Throttle { counts: Counts::Requests, rate: 1, period_ns: 1_000_000_000, burst: 1 };
    let account = capped(&scene, CapsDraft { throttles: vec![a_second], ..CapsDraft::default() });
    let _permit = scene.admit(&[account], &scene.ask(1), call(1)).unwrap();
    // What waits for is the log's time.
    twice(
        || scene.admit(&[account], &scene.ask(1), call(1)),
        || assert!(scene.controller.halt(Halt::None, call(2 * SECOND)).is_ok()),
    )
}

fn by_a_halt() -> Caused {
    let scene = Scene::new();
    let account = scene.account("a", Deny, 1_000);
    let _sequence = scene.controller.halt(Halt::All, call(1)).unwrap();
    twice(
        || scene.admit(&[account], &scene.ask(10), call(1)),
        || assert!(scene.controller.halt(Halt::None, call(1)).is_ok()),
    )
}

fn an_extension_by_a_halt() -> Caused {
    let scene = Scene::new();
    let account = scene.account("a", Deny, 1_000);
    let mut permit = scene.admit(&[account], &scene.ask(10), call(1)).unwrap();
    let _sequence = scene.controller.halt(Halt::ReduceOnly, call(1)).unwrap();
    twice(
        || scene.controller.extend(&mut permit, micros(1), None, call(1)),
        || assert!(scene.controller.halt(Halt::None, call(1)).is_ok()),
    )
}

/// The denial ends the hold: made again, the request is admitted anew.
fn a_reroute() -> Caused {
    let scene = Scene::new();
    let account = scene.account("a", Deny, 150);
    let request = scene.ask(10);
    let permit = scene.admit(&[account], &request, call(1)).unwrap();
    let reroute = Reroute { failed: ALPHA, request: &request, deadline: at(SECOND) };
    let first = scene.controller.reroute(permit, &reroute, call(1)).unwrap_err().into();
    let _sequence = scene.controller.grant(account, NonZeroI64::new(150).unwrap(), call(1)).unwrap();
    let mut without = request.clone();
    without.exclude(ALPHA).unwrap();
    Caused { first, again: scene.admit(&[account], &without, call(1)).map(drop).map_err(Into::into) }
}
