//! Faults: calls of a controller that were not carried out.

use std::num::NonZeroI64;

use assize::{
    budget::{AccountTerms, EngineOptions},
    caps::Caps,
    controller::{NotAdmitted, Permit, RepeatedState},
    id::{AccountId, LogId, Sequence},
    kernel::Request,
    num::Amount,
    overrun::Overrun::{Debt, Deny},
    policy::{CandidateDraft, Policy},
    record::{Halt, Spend, Switch, Terms},
    retry::Retry::{AfterReopening, Later, Never},
    wal::{
        Level, LogOptions,
        storage::{Failing, Memory, Operation as Effect},
    },
};

use assize::{
    caps::CapsDraft,
    throttle::{Counts, Throttle},
};

use crate::{
    scene::{NOBODY, Place, SECOND, Scene, Setup, at, call, micros, name, operation, sample, tiny},
    told::{Caused, Row, Told, for_good, twice},
};

pub(crate) const ROWS: &[Row] = &[
    ("another schema", "Fault::Malformed", 1, "caller", Some(Never), another_schema),
    ("nobody's account", "Fault::Path", 2, "caller", Some(Never), nobodys_account),
    ("a deadline that was", "Fault::DeadlinePast", 3, "caller", Some(Never), a_deadline_that_was),
    ("a used id", "Fault::IdReused", 4, "operation", Some(Never), a_used_id),
    ("an old id", "Fault::Stale", 5, "operation", Some(Never), an_old_id),
    ("a time far ahead", "Fault::ClockJump", 6, "caller", Some(Never), a_time_far_ahead),
    ("an ended hold", "Fault::SettledAlready", 7, "operation", Some(Never), an_ended_hold),
    ("a part of a due hold", "Fault::Expired", 8, "operation", Some(Never), a_due_hold),
    ("no price", "Fault::Unpriced", 9, "caller", Some(Never), no_price),
    ("extended above all", "Fault::AboveMaximum", 10, "caller", Some(Never), extended_above_all),
    ("another log's permit", "Fault::ForeignPermit", 11, "caller", Some(Never), anothers_permit),
    ("a record to come", "Fault::NoRecord", 12, "caller", Some(Later), a_record_to_come),
    ("less than before", "Fault::SpentBelow", 13, "caller", Some(Never), less_than_before),
    ("not remembered", "Fault::NotAdjustable", 14, "operation", Some(Never), not_remembered),
    ("a full queue", "Fault::QueueFull", 20, "capacity", Some(Later), a_full_queue),
    ("a full table", "Fault::OperationsFull", 21, "capacity", Some(Later), a_full_table),
    ("a hold too many", "Fault::HoldsFull", 22, "capacity", Some(Later), a_hold_too_many),
    ("a policy above the queue", "Fault::TooLarge", 23, "capacity", Some(Never), a_large_policy),
    ("other terms", "Fault::Account", 30, "administration", Some(Never), other_terms),
    ("closed with a hold", "Fault::Account", 30, "administration", Some(Later), closed_with_a_hold),
    ("a grant to nobody", "Fault::Grant", 31, "administration", Some(Never), granted_to_nobody),
    ("more taken back than is", "Fault::Grant", 31, "administration", Some(Later), taken_back),
    ("nobody disabled", "Fault::UnknownCandidate", 32, "administration", Some(Never), nobody_disabled),
    ("a throttle of nothing", "Fault::UnknownQuantity", 34, "administration", Some(Never), of_nothing),
    ("terms without end", "Fault::Operations", 33, "administration", Some(Never), terms_without_end),
    ("after the disk failed", "Fault::Poisoned", 40, "storage", Some(AfterReopening), after_a_failure),
    ("as the disk fails", "Fault::Unknown", 41, "storage", Some(AfterReopening), as_the_disk_fails),
];

fn of_nothing() -> Caused {
    let counts = Counts::Units { quantities: 0b100 };
    let throttles = vec![Throttle { counts, rate: 1, period_ns: 1, burst: 1 }];
    let caps = Caps::new(CapsDraft { throttles, ..CapsDraft::default() }).unwrap();
    let (scene, terms) = (Scene::new(), AccountTerms { caps, ..AccountTerms::new(name("a")) });
    for_good(|| scene.controller.ensure_account(&terms, call(1)))
}

fn scene() -> (Scene, AccountId) {
    let scene = Scene::new();
    let account = scene.account("a", Debt, 1_000);
    (scene, account)
}

fn admitted() -> (Scene, AccountId, Permit) {
    let (scene, account) = scene();
    let permit = scene.admit_until(&[account], &scene.ask(10), at(SECOND), call(1)).unwrap();
    (scene, account, permit)
}

fn change(micros: i64) -> NonZeroI64 {
    NonZeroI64::new(micros).unwrap()
}

fn another_schema() -> Caused {
    let (scene, account) = scene();
    let request = Request::new(sample().schema());
    for_good(|| scene.admit(&[account], &request, call(1)))
}

fn nobodys_account() -> Caused {
    let (scene, _) = scene();
    for_good(|| scene.admit(&[AccountId(9)], &scene.ask(1), call(1)))
}

fn a_deadline_that_was() -> Caused {
    let (scene, account) = scene();
    for_good(|| scene.admit_until(&[account], &scene.ask(1), at(1), call(1)))
}

fn a_used_id() -> Caused {
    let (scene, account) = scene();
    let named = call(1).operation(operation(1, 1));
    assert!(scene.controller.grant(account, change(1), named).is_ok());
    for_good(|| scene.controller.grant(account, change(2), named))
}

fn an_old_id() -> Caused {
    let terms = Terms { operation_horizon_ns: 100, ..Terms::default() };
    let scene = Scene::with(Setup { terms, ..Setup::default() });
    let account = scene.account("a", Debt, 1_000);
    for_good(|| scene.controller.grant(account, change(1), call(102).operation(operation(1, 1))))
}

fn a_time_far_ahead() -> Caused {
    let (scene, account) = scene();
    for_good(|| scene.controller.grant(account, change(1), call(8 * 86_400 * SECOND)))
}

fn an_ended_hold() -> Caused {
    let (scene, account) = scene();
    let named = call(1).operation(operation(1, 1));
    let permit = scene.admit(&[account], &scene.ask(10), named).unwrap();
    let mut copy = match scene.admit(&[account], &scene.ask(10), named) {
        Err(NotAdmitted::Repeated(repeated)) => match repeated.into_state() {
            RepeatedState::Open(copy) => copy,
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    };
    assert!(scene.controller.release(permit, call(1)).is_ok());
    for_good(|| scene.controller.part_commit(&mut copy, Spend::Amount(micros(1)), call(1)))
}

fn a_due_hold() -> Caused {
    let (scene, _, mut permit) = admitted();
    for_good(|| scene.controller.part_commit(&mut permit, Spend::Amount(micros(1)), call(SECOND)))
}

fn no_price() -> Caused {
    let (scene, _, mut permit) = admitted();
    for_good(|| scene.controller.part_commit(&mut permit, scene.used(NOBODY, 1, 0), call(1)))
}

fn extended_above_all() -> Caused {
    let (scene, _, mut permit) = admitted();
    for_good(|| scene.controller.extend(&mut permit, Amount::MAX, None, call(1)))
}

fn anothers_permit() -> Caused {
    let (scene, _) = scene();
    let other = Scene::with_id(LogId([1; 16]));
    let account = other.account("a", Deny, 1_000);
    let mut permit = other.admit(&[account], &other.ask(10), call(1)).unwrap();
    for_good(|| scene.controller.extend(&mut permit, micros(1), None, call(1)))
}

fn a_record_to_come() -> Caused {
    let (scene, _) = scene();
    let next = Sequence(scene.head() + 1);
    twice(
        || scene.controller.wait(next, Level::Synced),
        || assert_eq!(scene.controller.halt(Halt::None, call(1)), Ok(next)),
    )
}

fn less_than_before() -> Caused {
    let (scene, _, mut permit) = admitted();
    assert!(scene.controller.part_commit(&mut permit, Spend::Amount(micros(5)), call(1)).is_ok());
    for_good(|| scene.controller.part_commit(&mut permit, Spend::Amount(micros(4)), call(1)))
}

fn not_remembered() -> Caused {
    let (scene, _, permit) = admitted();
    let hold = permit.hold();
    assert!(scene.controller.commit(permit, Spend::Amount(micros(5)), call(1)).is_ok());
    for_good(|| scene.controller.adjust(hold, micros(4), call(1)))
}

fn a_full_queue() -> Caused {
    let log = LogOptions { queue_bytes: 16 << 10, ..LogOptions::default() };
    let scene = Scene::with(Setup { log, ..Setup::default() });
    let queued = call(1).level(Level::Queued);
    while scene.controller.halt(Halt::None, queued).is_ok() {}
    twice(|| scene.controller.halt(Halt::None, queued), || assert!(scene.controller.drive().is_ok()))
}

fn a_full_table() -> Caused {
    let terms = Terms { operation_horizon_ns: 1_000, operations_max: 1, ..Terms::default() };
    let scene = Scene::with(Setup { terms, ..Setup::default() });
    let account = scene.account("a", Debt, 1_000);
    assert!(scene.controller.grant(account, change(1), call(1).operation(operation(1, 1))).is_ok());
    let second = call(500).operation(operation(2, 500));
    twice(
        || scene.controller.grant(account, change(1), second),
        || assert!(scene.controller.halt(Halt::None, call(1_002)).is_ok()),
    )
}

fn a_hold_too_many() -> Caused {
    let engine = EngineOptions { holds_max: 1, ..EngineOptions::default() };
    let scene = Scene::with(Setup { engine, ..Setup::default() });
    let account = scene.account("a", Debt, 1_000);
    let permit = scene.admit(&[account], &scene.ask(1), call(1)).unwrap();
    twice(
        || scene.admit(&[account], &scene.ask(1), call(1)),
        || assert!(scene.controller.release(permit, call(1)).is_ok()),
    )
}

fn a_large_policy() -> Caused {
    let log = LogOptions { queue_bytes: 16 << 10, ..LogOptions::default() };
    let scene = Scene::with(Setup { log, ..Setup::default() });
    let large = || {
        let mut draft = tiny();
        draft.epoch = 2;
        let many =
            (100..500).map(|id| CandidateDraft::new(id, &format!("candidate {id} that is without a price")));
        draft.candidates.extend(many);
        Policy::freeze(draft).unwrap()
    };
    for_good(|| scene.controller.swap(large(), call(1)))
}

fn other_terms() -> Caused {
    let (scene, _) = scene();
    let terms = AccountTerms { name: name("a"), parent: None, overrun: Deny, caps: Caps::default() };
    for_good(|| scene.controller.ensure_account(&terms, call(1)))
}

fn closed_with_a_hold() -> Caused {
    let (scene, account, permit) = admitted();
    twice(
        || scene.controller.close_account(account, call(1)),
        || assert!(scene.controller.release(permit, call(1)).is_ok()),
    )
}

fn granted_to_nobody() -> Caused {
    let (scene, _) = scene();
    for_good(|| scene.controller.grant(AccountId(9), change(1), call(1)))
}

fn taken_back() -> Caused {
    let (scene, account, permit) = admitted();
    twice(
        || scene.controller.grant(account, change(-1_000), call(1)),
        || assert!(scene.controller.release(permit, call(1)).is_ok()),
    )
}

fn nobody_disabled() -> Caused {
    let (scene, _) = scene();
    for_good(|| scene.controller.switch(NOBODY, Switch::Disabled, call(1)))
}

fn terms_without_end() -> Caused {
    let (scene, _) = scene();
    let terms = Terms { operations_max: u32::MAX, ..Terms::default() };
    for_good(|| scene.controller.change_terms(terms, call(1)))
}

/// A scene whose disk fails at an admission that has a name; what that one is told, and what the next one is.
fn failing() -> (Scene, AccountId, Told, Told) {
    let memory = Memory::new();
    let scene = Scene::at(Place::Memory(memory.clone()), Setup::default());
    let account = scene.account("a", Debt, 1_000);
    memory.fail(Failing::nth(Effect::Sync, 1));
    let told = [1, 2].map(|number| {
        let named = call(1).operation(operation(number, 1));
        Told::from(scene.admit(&[account], &scene.ask(1), named).unwrap_err())
    });
    let [first, second] = told;
    (scene, account, first, second)
}

fn after_a_failure() -> Caused {
    let (scene, account, _, first) = failing();
    let (scene, _) = scene.crash();
    let named = call(1).operation(operation(2, 1));
    Caused { first, again: scene.admit(&[account], &scene.ask(1), named).map(drop).map_err(Told::from) }
}

/// Made again under its name, it is done once: the first time, or now.
fn as_the_disk_fails() -> Caused {
    let (scene, account, first, _) = failing();
    let (scene, _) = scene.crash();
    let named = call(1).operation(operation(1, 1));
    let again = match scene.admit(&[account], &scene.ask(1), named) {
        Ok(_) | Err(NotAdmitted::Repeated(_)) => Ok(()),
        Err(other) => Err(other.into()),
    };
    assert_eq!(scene.money(account).reserved, 10);
    Caused { first, again }
}
