//! Halts, candidates that the host switches off, terms, and what the statistics say. SEMANTICS 13.

use assize::{
    controller::{Call, Counts, DenialClass, Fault, NotAdmitted, NotExtended, Reroute},
    id::CandidateId,
    kernel::Reason,
    num::Timestamp,
    overrun::Overrun::{Debt, Deny},
    record::{Halt, Record, Spend, Switch, Terms},
    wal::Level,
};

use crate::scene::{
    ALPHA, BETA, GAMMA, NOBODY, SECOND, START, Scene, Setup, at, call, micros, operation, tiny_at,
};

#[test]
fn a_halt_stops_what_takes_money_and_nothing_else() {
    for (halt, denies) in [(Halt::None, false), (Halt::ReduceOnly, true), (Halt::All, true)] {
        let scene = Scene::new();
        let account = scene.account("a", Debt, 1_000);
        let mut permits: Vec<_> = (0..4)
            .map(|_| scene.admit_until(&[account], &scene.ask(1), at(SECOND), call(0)).unwrap())
            .collect();
        let sequence = scene.controller.halt(halt, call(1)).unwrap();
        assert!(matches!(scene.record(sequence), Record::Halt(seen) if seen == halt));
        assert_eq!(scene.controller.stats().unwrap().halt, halt);

        match scene.admit(&[account], &scene.ask(1), call(1)) {
            Ok(permit) => assert!(!denies && permit.amount() == micros(10)),
            Err(NotAdmitted::Denied(denial)) => {
                assert!(denies && denial.class() == DenialClass::Halted);
                assert_eq!(denial.audited_reason().decision, None);
            }
            other => panic!("{other:?}"),
        }
        match scene.controller.extend(&mut permits[0], micros(1), None, call(1)) {
            Ok(_) => assert!(!denies),
            Err(NotExtended::Denied(denial)) => assert!(denies && denial.class() == DenialClass::Halted),
            other => panic!("{other:?}"),
        }
        // A hold must be able to end, and the host to administer.
        let _settlement =
            scene.controller.commit(permits.pop().unwrap(), Spend::Amount(micros(20)), call(1)).unwrap();
        let _settlement = scene.controller.release(permits.pop().unwrap(), call(1)).unwrap();
        let other = scene.account("b", Deny, 5);
        let _sequence = scene.controller.close_account(other, call(1)).unwrap();
        let _sequence = scene.controller.swap(tiny_at(2, 20), call(1)).unwrap();
        let _sequence = scene.controller.switch(ALPHA, Switch::Disabled, call(1)).unwrap();
        assert_eq!(scene.controller.expire(call(SECOND)).unwrap(), 2);
        let (scene, _) = scene.reopen();
        assert_eq!(scene.admit(&[account], &scene.ask(1), call(SECOND)).is_ok(), !denies);
        scene.finish();
    }
}

#[test]
fn a_candidate_is_off_under_every_policy_until_it_is_on_again() {
    let scene = Scene::new();
    let account = scene.account("a", Deny, 100_000);
    let served = |scene: &Scene| {
        let permit = scene.admit(&[account], &scene.ask(10), call(1));
        permit.map(|permit| {
            let candidate = permit.candidate();
            let _settlement = scene.controller.release(permit, call(1)).unwrap();
            candidate
        })
    };
    let switch = |scene: &Scene, candidate, switch| {
        let sequence = scene.controller.switch(candidate, switch, call(1)).unwrap();
        let Record::CandidateSwitch(seen) = scene.record(sequence) else { panic!("no switch") };
        assert_eq!((seen.candidate, seen.switch), (candidate, switch));
    };
    assert_eq!(served(&scene), Ok(ALPHA));
    switch(&scene, ALPHA, Switch::Disabled);
    switch(&scene, ALPHA, Switch::Disabled);
    assert_eq!(served(&scene), Ok(BETA));
    let _sequence = scene.controller.swap(tiny_at(2, 1), call(1)).unwrap();
    assert_eq!(served(&scene), Ok(BETA));
    let (scene, _) = scene.reopen();
    assert_eq!(served(&scene), Ok(BETA));
    switch(&scene, BETA, Switch::Disabled);
    assert_eq!(served(&scene), Ok(GAMMA));
    switch(&scene, GAMMA, Switch::Disabled);
    let Err(NotAdmitted::Denied(denial)) = served(&scene) else { panic!("all are off") };
    assert_eq!(denial.audited_reason().decision.unwrap().reason, Reason::Disabled);
    let before = scene.state();
    let fault = Fault::UnknownCandidate { candidate: NOBODY };
    assert_eq!(scene.controller.switch(NOBODY, Switch::Disabled, call(1)), Err(fault));
    assert_eq!(scene.state(), before);
    let (scene, _) = scene.crash();
    switch(&scene, ALPHA, Switch::Enabled);
    assert_eq!(served(&scene), Ok(ALPHA));
    scene.finish();
}

#[test]
fn terms_change_from_their_record_on() {
    let terms = Terms { clock_jump_ns_max: 100, late_window_ns: 100, ..Terms::default() };
    let scene = Scene::with(Setup { terms, ..Setup::default() });
    let account = scene.account("a", Debt, 1_000);
    let due = |ns| scene.admit_until(&[account], &scene.ask(1), at(ns), call(0)).unwrap();
    let (forgotten, kept, open) = (due(10), due(11), due(1_000));
    assert_eq!(scene.controller.expire(call(11)).unwrap(), 2);
    let _sequence = scene.controller.halt(Halt::None, call(111)).unwrap();
    // The log was at rest for longer than its clock may jump: the change is made at its own time.
    let late = call(5_000);
    let fault = Fault::ClockJump { seen: at(5_000), latest: at(211) };
    assert_eq!(scene.controller.expire(late), Err(fault));
    let wider = Terms { clock_jump_ns_max: 1 << 40, late_window_ns: 1 << 30, ..terms };
    assert_eq!(scene.controller.change_terms(wider, late), Err(fault));
    let now = Call::at(scene.controller.stats().unwrap().log_time);
    let sequence = scene.controller.change_terms(wider, now).unwrap();
    assert!(matches!(scene.record(sequence), Record::Terms(seen) if seen == wider));
    // What the old window had let go is gone, the other can be settled for longer.
    let spend = || Spend::Amount(micros(3));
    let gone = scene.controller.commit(forgotten, spend(), late).unwrap_err();
    assert_eq!(gone.fault.code(), 7);
    let settlement = scene.controller.commit(kept, spend(), late).unwrap();
    assert_eq!(settlement.outcome.unfunded, micros(3));
    // A narrower one acts at once.
    assert_eq!(scene.controller.expire(late).unwrap(), 1);
    let narrow = Terms { late_window_ns: 3_999, ..wider };
    let _sequence = scene.controller.change_terms(narrow, late).unwrap();
    let gone = scene.controller.commit(open, spend(), late).unwrap_err();
    assert_eq!(gone.fault.code(), 7);
    assert_eq!(scene.controller.expire(late).unwrap(), 0);
    let stats = scene.controller.stats().unwrap();
    assert_eq!((stats.holds_open, stats.holds_expired, stats.log_time), (0, 0, at(5_000)));
    let (scene, permits) = scene.reopen();
    assert_eq!((permits.len(), scene.money(account).available), (0, 1_000));
    scene.finish();
}

#[test]
fn the_horizon_and_the_table_of_operations_follow_the_terms() {
    let terms = Terms { operation_horizon_ns: 100, operations_max: 2, ..Terms::default() };
    let scene = Scene::with(Setup { terms, ..Setup::default() });
    let account = scene.account("a", Debt, 1_000);
    let admit =
        |number, ns| scene.admit(&[account], &scene.ask(1), call(ns).operation(operation(number, ns)));
    assert!(admit(1, 0).is_ok() && admit(2, 50).is_ok());
    assert_eq!(admit(3, 60), Err(NotAdmitted::Faulted(Fault::OperationsFull { max: 2 })));
    let _sequence = scene.controller.change_terms(Terms { operations_max: 3, ..terms }, call(60)).unwrap();
    assert!(admit(3, 60).is_ok());
    // A shorter horizon forgets the first, a smaller table takes none until there is room.
    let shorter = Terms { operation_horizon_ns: 20, operations_max: 2, ..terms };
    let _sequence = scene.controller.change_terms(shorter, call(70)).unwrap();
    assert_eq!(scene.controller.stats().unwrap().operations, 2);
    assert_eq!(admit(4, 70), Err(NotAdmitted::Faulted(Fault::OperationsFull { max: 2 })));
    assert!(admit(4, 71).is_ok());
    // A longer one does not bring it back: the same name is another operation.
    let longer = Terms { operation_horizon_ns: 1_000, operations_max: 9, ..terms };
    let _sequence = scene.controller.change_terms(longer, call(71)).unwrap();
    assert!(admit(1, 72).is_ok());
    scene.finish();
}

#[test]
fn statistics_count_outcomes_and_tell_the_present_state() {
    let scene = Scene::new();
    let account = scene.account("a", Debt, 1_000);
    let request = scene.ask(10);
    let mut permits: Vec<_> =
        (0..5).map(|_| scene.admit_until(&[account], &request, at(SECOND), call(0)).unwrap()).collect();
    let mut first = permits.pop().unwrap();
    let _part = scene.controller.part_commit(&mut first, Spend::Amount(micros(40)), call(0)).unwrap();
    let _settlement = scene.controller.commit(first, Spend::Amount(micros(90)), call(0)).unwrap();
    let _settlement = scene.controller.release(permits.pop().unwrap(), call(0)).unwrap();
    let reroute = Reroute { failed: ALPHA, request: &request, deadline: at(SECOND) };
    let permit = scene.controller.reroute(permits.pop().unwrap(), &reroute, call(0)).unwrap();
    assert_eq!(permit.candidate(), BETA);
    assert!(scene.admit(&[account], &scene.ask_for(CandidateId(3), 100), call(0)).is_err());
    let mut nobody = scene.ask(1);
    for candidate in [ALPHA, BETA, GAMMA] {
        nobody.exclude(candidate).unwrap();
    }
    assert!(scene.admit(&[account], &nobody, call(0)).is_err());
    let _sequence = scene.controller.halt(Halt::All, call(0)).unwrap();
    assert!(scene.admit(&[account], &request, call(0)).is_err());
    assert_eq!(scene.controller.expire(call(SECOND)).unwrap(), 3);
    let stats = scene.controller.stats().unwrap();
    let mut expected = Counts::default();
    expected.admitted = 6;
    (expected.denied_policy, expected.denied_budget, expected.denied_halted) = (1, 1, 1);
    (expected.committed, expected.released, expected.expired) = (1, 2, 3);
    expected.part_commits = 1;
    assert_eq!(stats.counts, expected);
    assert_eq!((stats.holds_open, stats.holds_expired, stats.operations), (0, 3, 0));
    assert_eq!((stats.log_time, stats.halt), (at(SECOND), Halt::All));
    assert_eq!((stats.log.head, stats.log.synced), (stats.log.written, stats.log.head));
    // A fault counts nothing; what was counted is not kept with the log.
    assert!(scene.admit(&[], &request, call(0)).is_err());
    assert_eq!(scene.controller.stats().unwrap(), stats);
    let (scene, _) = scene.reopen();
    assert_eq!(scene.controller.stats().unwrap().counts, Counts::default());
    scene.finish();
}

#[test]
fn what_is_queued_is_driven_and_waited_for() {
    let scene = Scene::new();
    let account = scene.account("a", Debt, 1_000);
    let queued = call(1).level(Level::Queued);
    let first = scene.admit(&[account], &scene.ask(1), queued).unwrap().hold();
    let second = scene.admit(&[account], &scene.ask(1), queued).unwrap().hold();
    let synced = scene.controller.stats().unwrap().log.synced;
    assert!(synced < first);
    // The ledger is looked at after what is queued was written.
    assert_eq!(scene.controller.with_ledger(|ledger| ledger.sequence()).unwrap(), second);
    scene.controller.wait(first, Level::Synced).unwrap();
    let third = scene.admit(&[account], &scene.ask(1), queued).unwrap().hold();
    let progress = scene.controller.drive().unwrap();
    assert_eq!((progress.head, progress.written, progress.synced), (third, third, third));
    let beyond = assize::id::Sequence(third.0 + 1);
    assert_eq!(scene.controller.wait(beyond, Level::Written), Err(Fault::NoRecord { head: third }));
    let anchor = scene.controller.drain().unwrap();
    assert_eq!((anchor.sequence(), anchor.log_time()), (third, Timestamp(START + 1)));
    scene.finish();
}
