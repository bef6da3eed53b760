//! Every fault is caused, has its frozen code, and leaves no record and no effect. SEMANTICS 10.4.
#![cfg(feature = "wal")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test that fails by panicking fails"
)]

mod scene;

use std::{collections::BTreeSet, num::NonZeroI64};

use assize::{
    budget::{AccountError, EngineOptions, GrantError, PathError},
    controller::{
        Controller, CreateError, CreateOptions, Fault, NotAdmitted, NotExtended, NotSettled, NotSwapped,
        OpenError,
    },
    id::{AccountId, CandidateId, LogId, OperationId, Sequence},
    kernel::{Fact, Request, RequestError},
    num::{Amount, Timestamp, TooLarge},
    overrun::Overrun::Debt,
    policy::{CandidateDraft, Policy},
    record::{Spend, Switch, Terms},
    retry::Retry,
    wal::{
        Level, LogOptions,
        storage::{Failing, Memory, Operation},
    },
};

use scene::{
    ALPHA, LOG, NOBODY, Place, SECOND, Scene, Setup, at, call, key, micros, operation, sample, tiny, try_open,
};

/// A scene where little fits: two operations, three holds, a small queue.
fn tight(place: Place) -> Scene {
    let terms = Terms { operations_max: 2, operation_horizon_ns: 1_000, ..Terms::default() };
    let log = LogOptions { queue_bytes: 16 << 10, ..LogOptions::default() };
    let engine = EngineOptions { holds_max: 3, accounts_max: 3, ..EngineOptions::default() };
    Scene::at(place, Setup { terms, log, engine, ..Setup::default() })
}

fn of<T: std::fmt::Debug>(seen: Result<T, NotAdmitted>) -> Fault {
    match seen {
        Err(NotAdmitted::Faulted(fault)) => fault,
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_fault_is_caused_and_leaves_nothing() {
    let scene = tight(Place::memory());
    let account = scene.account("a", Debt, 10_000);
    let request = scene.ask(10);
    let mut permit = scene.admit_until(&[account], &request, at(SECOND), call(2_000)).unwrap();
    let named = |number| call(2_000).operation(operation(number, 2_000));
    assert!(scene.controller.grant(account, NonZeroI64::new(1).unwrap(), named(1)).is_ok());
    let gone = scene.admit(&[account], &request, named(2)).unwrap();
    let ended = match scene.admit(&[account], &request, named(2)) {
        Err(NotAdmitted::Repeated(repeated)) => match repeated.into_state() {
            assize::controller::RepeatedState::Open(permit) => permit,
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    };
    let ended_hold = gone.hold();
    let _settlement = scene.controller.release(gone, call(2_000)).unwrap();
    let foreign = Scene::with_id(LogId([1; 16]));
    let foreign_account = foreign.account("a", Debt, 1_000);
    let mut of_another = foreign.admit(&[foreign_account], &request, call(0)).unwrap();
    let mut malformed = request.clone();
    for candidate in 0..16 {
        malformed.exclude(CandidateId(1_000 + candidate)).unwrap();
    }
    let other_schema = Request::new(sample().schema());
    let huge =
        {
            let mut draft = tiny();
            draft.epoch = 2;
            draft.candidates.extend((0..400).map(|id| {
                CandidateDraft::new(100 + id, &format!("candidate number {id}, of no price at all"))
            }));
            Policy::freeze(draft).unwrap()
        };

    let mut caused = BTreeSet::new();
    let mut check = |what: &str, fault: Fault, code: u16, before: &scene::State| {
        assert_eq!(fault.code(), code, "{what}: {fault}");
        assert_eq!(&scene.state(), before, "{what}");
        caused.insert(code);
    };
    let now = call(2_000);
    let before = scene.state();
    let admit = |request: &Request, call| of(scene.admit(&[account], request, call));
    check("another schema", admit(&other_schema, now), 1, &before);
    check("an unknown account", of(scene.admit(&[AccountId(7)], &request, now)), 2, &before);
    check("the deadline", of(scene.admit_until(&[account], &request, at(2_000), now)), 3, &before);
    check("a used name", admit(&request, named(1)), 4, &before);
    check("an old name", admit(&request, call(2_000).operation(operation(9, 999))), 5, &before);
    check("a jump", admit(&request, call(8 * 86_400 * SECOND)), 6, &before);
    let NotSettled { fault, permit: ended } = scene.controller.release(ended, now).unwrap_err();
    check("an ended hold", fault, 7, &before);
    assert_eq!((fault, ended.hold()), (Fault::SettledAlready { hold: ended_hold }, ended_hold));
    let extended = scene.controller.extend(&mut permit, micros(1), None, call(SECOND));
    let NotExtended::Faulted(fault) = extended.unwrap_err() else { panic!("denied") };
    check("a hold that is due", fault, 8, &before);
    let NotSettled { fault, permit: back } =
        scene.controller.commit(permit, scene.used(NOBODY, 1, 0), now).unwrap_err();
    permit = back;
    check("no price", fault, 9, &before);
    let extended = scene.controller.extend(&mut permit, Amount::MAX, None, now);
    let NotExtended::Faulted(fault) = extended.unwrap_err() else { panic!("denied") };
    check("above the largest amount", fault, 10, &before);
    let parted = scene.controller.part_commit(&mut permit, scene.used(NOBODY, 1, 0), now);
    check("no price of a part", parted.unwrap_err(), 9, &before);
    let parted = scene.controller.part_commit(&mut permit, Spend::Amount(micros(1)), call(SECOND));
    check("a part of a hold that is due", parted.unwrap_err(), 8, &before);
    let parted = scene.controller.part_commit(&mut of_another, Spend::Amount(micros(1)), now);
    check("a part of another log's hold", parted.unwrap_err(), 11, &before);
    let extended = scene.controller.extend(&mut of_another, micros(1), None, now);
    let NotExtended::Faulted(fault) = extended.unwrap_err() else { panic!("denied") };
    check("another log's permit", fault, 11, &before);
    let _part = scene.controller.part_commit(&mut permit, Spend::Amount(micros(5)), now).unwrap();
    let before = scene.state();
    let parted = scene.controller.part_commit(&mut permit, Spend::Amount(micros(4)), now);
    check("less spent than before", parted.unwrap_err(), 13, &before);
    let NotSettled { fault, permit: back } =
        scene.controller.commit(permit, Spend::Amount(micros(4)), now).unwrap_err();
    permit = back;
    check("less spent than its parts", fault, 13, &before);
    let adjusted = scene.controller.adjust(ended_hold, micros(1), now);
    check("a hold that was not committed", adjusted.unwrap_err(), 14, &before);
    let beyond = Sequence(scene.head() + 1);
    check("no such record", scene.controller.wait(beyond, Level::Queued).unwrap_err(), 12, &before);
    check("a full table", admit(&request, named(3)), 21, &before);
    let NotSwapped::Faulted(fault) = scene.controller.swap(huge, now).unwrap_err() else { panic!("follows") };
    check("a policy larger than the queue", fault, 23, &before);
    let fault = scene.controller.close_account(AccountId(7), now).unwrap_err();
    assert_eq!(fault, Fault::Account(AccountError::Unknown { account: AccountId(7) }));
    check("an account that is not there", fault, 30, &before);
    let fault = scene.controller.grant(AccountId(7), NonZeroI64::new(1).unwrap(), now).unwrap_err();
    check("a grant to nobody", fault, 31, &before);
    let fault = scene.controller.switch(NOBODY, Switch::Disabled, now).unwrap_err();
    check("a candidate that is not there", fault, 32, &before);
    let endless = Terms { operations_max: u32::MAX, ..Terms::default() };
    check("terms without end", scene.controller.change_terms(endless, now).unwrap_err(), 33, &before);
    let endless = Terms { settled_max: u32::MAX, ..Terms::default() };
    check("too many settled holds", scene.controller.change_terms(endless, now).unwrap_err(), 33, &before);
    let reroute = assize::controller::Reroute { failed: ALPHA, request: &malformed, deadline: at(SECOND) };
    let Err(assize::controller::NotRerouted::Faulted { fault, permit: back }) =
        scene.controller.reroute(permit, &reroute, now)
    else {
        panic!("17 candidates are excluded");
    };
    assert_eq!(fault, Fault::Malformed(RequestError::TooManyExcluded));
    check("too many excluded", fault, 1, &before);

    let mut held = vec![back];
    while held.len() < 3 {
        held.push(scene.admit(&[account], &request, now).unwrap());
    }
    let before = scene.state();
    check("too many holds", admit(&request, now), 22, &before);
    for permit in held {
        let _settlement = scene.controller.release(permit, now).unwrap();
    }
    // Queued and never driven: the queue fills.
    let fault = loop {
        match scene.controller.halt(assize::record::Halt::None, now.level(Level::Queued)) {
            Ok(_) => {}
            Err(fault) => break fault,
        }
    };
    let before = scene.state();
    assert_eq!((fault, fault.retry()), (Fault::QueueFull, Retry::Later));
    check("a full queue", fault, 20, &before);
    assert!(scene.controller.halt(assize::record::Halt::None, now).is_ok(), "it was driven by the look");
    caused.extend(poisoned());
    // Those of no call: see their documentation.
    let none = [Fault::Contended.code(), Fault::Broken.code()];
    let all: BTreeSet<u16> = all().iter().map(Fault::code).collect();
    assert_eq!(caused, &all - &BTreeSet::from(none));
    scene.finish();
}

/// The two of a log that fails.
fn poisoned() -> [u16; 2] {
    let memory = Memory::new();
    let scene = tight(Place::Memory(memory.clone()));
    let account = scene.account("a", Debt, 1_000);
    memory.fail(Failing::nth(Operation::Sync, 1));
    let first = of(scene.admit(&[account], &scene.ask(1), call(0)));
    let then = of(scene.admit(&[account], &scene.ask(1), call(0)));
    assert_eq!((first.retry(), then.retry()), (Retry::AfterReopening, Retry::AfterReopening));
    let (scene, _) = scene.crash();
    scene.finish();
    [first.code(), then.code()]
}

/// One of each, in the order of their codes.
fn all() -> [Fault; 26] {
    let (hold, id) = (Sequence(5), OperationId([7; 16]));
    [
        Fault::Malformed(RequestError::Missing { fact: Fact::Risk }),
        Fault::Path(PathError::Empty),
        Fault::DeadlinePast { deadline: Timestamp(1), effective: Timestamp(2) },
        Fault::IdReused { id },
        Fault::Stale { issued: Timestamp(1), oldest: Timestamp(2) },
        Fault::ClockJump { seen: Timestamp(2), latest: Timestamp(1) },
        Fault::SettledAlready { hold },
        Fault::Expired { hold },
        Fault::Unpriced { candidate: CandidateId(3) },
        Fault::AboveMaximum { held: micros(1), more: Amount::MAX },
        Fault::ForeignPermit { log: LOG },
        Fault::NoRecord { head: hold },
        Fault::SpentBelow { spent: micros(2), seen: micros(1) },
        Fault::NotAdjustable { hold },
        Fault::QueueFull,
        Fault::OperationsFull { max: 2 },
        Fault::HoldsFull { max: 3 },
        Fault::TooLarge { seen: 9, max: 8 },
        Fault::Contended,
        Fault::Account(AccountError::Unknown { account: AccountId(1) }),
        Fault::Grant { account: AccountId(1), error: GrantError::Contended },
        Fault::UnknownCandidate { candidate: CandidateId(4) },
        Fault::Operations(TooLarge { seen: 2, max: 1 }),
        Fault::Poisoned,
        Fault::Unknown { sequence: hold },
        Fault::Broken,
    ]
}

#[test]
fn the_codes_of_faults_are_frozen() {
    let codes: Vec<u16> = all().iter().map(Fault::code).collect();
    assert_eq!(
        codes,
        [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 20, 21, 22, 23, 24, 30, 31, 32, 33, 40, 41, 50]
    );
    for fault in all() {
        let shown = fault.to_string();
        assert!(!shown.ends_with('.') && shown.starts_with(|first: char| !first.is_uppercase()), "{shown}");
    }
}

#[test]
fn what_cannot_be_created_or_opened_says_why() {
    let place = Place::memory();
    let create = |place: &Place, log: LogOptions| {
        let policy = Policy::freeze(tiny()).unwrap();
        let (engine, terms) = (EngineOptions::default(), Terms::default());
        let options = CreateOptions { id: LOG, key: key().into(), policy, terms, log, engine, at: at(0) };
        Controller::create(place.storage(), options).map(drop)
    };
    let small = LogOptions { queue_bytes: (16 << 10) - 1, ..LogOptions::default() };
    let none = LogOptions { segment_bytes: 0, ..LogOptions::default() };
    assert!(matches!(create(&place, small), Err(CreateError::Queue { seen: 16_383 })));
    assert!(matches!(create(&place, none), Err(CreateError::Log(assize::wal::CreateError::Options(_)))));
    let (log, engine) = (LogOptions::default(), EngineOptions::default());
    let opened = |log| try_open(&place, log, engine, None).map(drop);
    assert!(matches!(opened(log), Err(OpenError::Log(_))), "nothing is there");
    assert!(create(&place, log).is_ok());
    assert!(matches!(create(&place, log), Err(CreateError::Log(assize::wal::CreateError::Exists))));
    assert!(matches!(opened(small), Err(OpenError::Queue { seen: 16_383 })));
    let (scene, _) = Scene::open(place.clone(), log, engine, None);
    let account = scene.account("a", Debt, 1_000);
    let permit = scene.admit(&[account], &scene.ask(1), call(0)).unwrap();
    assert!(matches!(opened(log), Err(OpenError::Log(assize::wal::OpenError::Locked))));
    drop(scene);
    for engine in [EngineOptions { holds_max: 0, ..engine }, EngineOptions { accounts_max: 0, ..engine }] {
        assert!(matches!(try_open(&place, log, engine, None).map(drop), Err(OpenError::Restore(_))));
    }
    let (scene, permits) = Scene::open(place, log, engine, None);
    assert_eq!(permits.len(), 1);
    let settlement = scene.controller.commit(permit, Spend::Amount(micros(1)), call(0)).unwrap();
    assert_eq!(settlement.sequence.0, scene.head());
    scene.finish();
}
