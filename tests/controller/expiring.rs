//! Deadlines, to the nanosecond, and what comes after them. SEMANTICS 8.3, 9.7, 9.8 and 10.5.

use assize::{
    controller::{Fault, NotSettled, Permit},
    num::Timestamp,
    overrun::Overrun::{Debt, Deny},
    record::{CommitOutcome, Record, ReleaseOutcome, Settled, Spend, Terms},
};

use crate::scene::{Money, SECOND, Scene, Setup, at, call, micros};

/// Late settlements for ten seconds, and a clock that may jump a year.
fn scene() -> Scene {
    let terms = Terms {
        clock_jump_ns_max: 366 * 86_400 * SECOND.unsigned_abs(),
        late_window_ns: 10 * SECOND.unsigned_abs(),
        ..Terms::default()
    };
    Scene::with(Setup { terms, ..Setup::default() })
}

const DUE: i64 = 5 * SECOND;
const LAST: i64 = DUE + 10 * SECOND;

#[test]
fn a_hold_is_settled_in_time_late_or_not_at_all() {
    // When it is settled, whether it was expired by its own record before, and what it is then.
    let rows = [
        (0, false, Some(Settled::InTime)),
        (DUE - 1, false, Some(Settled::InTime)),
        (DUE, false, Some(Settled::Expired)),
        (DUE, true, Some(Settled::Expired)),
        (DUE + 1, true, Some(Settled::Expired)),
        (LAST, false, Some(Settled::Expired)),
        (LAST, true, Some(Settled::Expired)),
        (LAST + 1, false, None),
        (LAST + 1, true, None),
        (LAST + SECOND, true, None),
    ];
    for (ns, expired_before, expected) in rows {
        for commits in [true, false] {
            let scene = scene();
            let root = scene.account("root", Debt, 1_000);
            let leaf = scene.account_under(Some(root), "leaf", Debt, 500);
            let permit = scene.admit_until(&[leaf], &scene.ask(10), at(DUE), call(0)).unwrap();
            let hold = permit.hold();
            if expired_before {
                assert_eq!(scene.controller.expire(call(DUE)).unwrap(), 1);
                assert_eq!(scene.money(leaf), Money { granted: 500, available: 500, ..Money::default() });
            }
            let before = scene.state();
            let settled = settle(&scene, permit, commits, ns);
            assert_eq!(settled, expected.ok_or(Fault::SettledAlready { hold }), "{ns} {expired_before}");
            if expected.is_none() {
                assert_eq!(scene.state(), before);
            }
            let (committed, unfunded) = match expected {
                Some(Settled::InTime) if commits => (70, 0),
                Some(Settled::Expired) if commits => (0, 70),
                _ => (0, 0),
            };
            // One that was not found keeps its money until an expiry finds it.
            let reserved = if expected.is_none() && !expired_before { 100 } else { 0 };
            for (account, granted) in [(root, 1_000), (leaf, 500)] {
                let available = (granted - committed - reserved) as i64;
                let expected = Money { granted, available, reserved, committed, unfunded };
                assert_eq!(scene.money(account), expected, "{ns} {expired_before}");
            }
            assert_eq!(scene.controller.expire(call(ns)).unwrap(), usize::from(reserved > 0));
            scene.finish();
        }
    }
}

/// Commits 70, or releases.
fn settle(scene: &Scene, permit: Permit, commits: bool, ns: i64) -> Result<Settled, Fault> {
    let fault = |NotSettled { fault, .. }| fault;
    if commits {
        let spend = Spend::Amount(micros(70));
        let CommitOutcome { settled, actual, booked_extra, unfunded } =
            scene.controller.commit(permit, spend, call(ns)).map_err(fault)?.outcome;
        let expected = if settled == Settled::Expired { 70 } else { 0 };
        assert_eq!((actual, booked_extra, unfunded), (micros(70), micros(0), micros(expected)));
        return Ok(settled);
    }
    Ok(match scene.controller.release(permit, call(ns)).map_err(fault)?.outcome {
        ReleaseOutcome::Released { given_back } => {
            assert_eq!(given_back, micros(100));
            Settled::InTime
        }
        ReleaseOutcome::Expired => Settled::Expired,
    })
}

#[test]
fn an_expired_hold_is_forgotten_after_the_late_window() {
    let scene = scene();
    let account = scene.account("a", Deny, 1_000);
    let permit = scene.admit_until(&[account], &scene.ask(10), at(DUE), call(0)).unwrap();
    assert_eq!(scene.controller.expire(call(DUE)).unwrap(), 1);
    let holds = |scene: &Scene| {
        let stats = scene.controller.stats().unwrap();
        let ledger = scene.controller.with_ledger(|ledger| ledger.holds().count()).unwrap();
        (stats.holds_open, stats.holds_expired, ledger)
    };
    assert_eq!(holds(&scene), (0, 1, 1));
    let other = scene.admit(&[account], &scene.ask(1), call(LAST)).unwrap();
    assert_eq!(holds(&scene), (1, 1, 2));
    let last = scene.admit(&[account], &scene.ask(1), call(LAST + 1)).unwrap();
    assert_eq!(holds(&scene), (2, 0, 2));
    let NotSettled { fault, .. } = scene.controller.release(permit, call(LAST + 1)).unwrap_err();
    assert_eq!(fault.code(), 7);
    for permit in [other, last] {
        let _settlement = scene.controller.release(permit, call(LAST + 2)).unwrap();
    }
    scene.finish();
}

#[test]
fn an_admission_first_expires_up_to_four_that_are_due() {
    let scene = scene();
    let account = scene.account("a", Deny, 100);
    for _ in 0..10 {
        let permit = scene.admit_until(&[account], &scene.ask(1), at(DUE), call(0)).unwrap();
        assert_eq!(permit.amount(), micros(10));
    }
    // All is held: what the expired ones give back pays for the next.
    let permit = scene.admit(&[account], &scene.ask(4), call(DUE)).unwrap();
    assert_eq!((permit.amount(), scene.money(account).reserved), (micros(40), 100));
    let Record::Expire(expire) = scene.record(assize::id::Sequence(permit.hold().0 - 1)) else {
        panic!("no expiry before the admission");
    };
    assert_eq!(expire.holds().len(), 4);
    assert_eq!(scene.controller.expire(call(DUE)).unwrap(), 6);
    assert_eq!(scene.controller.stats().unwrap().counts.expired, 10);
    scene.finish();
}

#[test]
fn more_than_one_record_of_them_expires_by_one_call() {
    let scene = scene();
    let account = scene.account("a", Deny, 10_000);
    for count in [256, 257, 600] {
        let now = scene.controller.stats().unwrap().log_time;
        let deadline = Timestamp(now.0 + SECOND);
        let start = call(now.0 - crate::scene::START);
        for _ in 0..count {
            let permit = scene.admit_until(&[account], &scene.ask(1), deadline, start).unwrap();
            assert_eq!(permit.deadline(), deadline);
        }
        let head = scene.head();
        let call = assize::controller::Call::at(deadline);
        assert_eq!(scene.controller.expire(call).unwrap(), count);
        assert_eq!(scene.head() - head, (count as u64).div_ceil(256));
        assert_eq!(scene.money(account).available, 10_000);
    }
    scene.finish();
}

#[test]
fn an_expired_hold_of_a_closed_account_is_still_settled() {
    let scene = scene();
    let account = scene.account("a", Deny, 1_000);
    let permit = scene.admit_until(&[account], &scene.ask(10), at(DUE), call(0)).unwrap();
    assert_eq!(scene.controller.expire(call(DUE)).unwrap(), 1);
    let _sequence = scene.controller.close_account(account, call(DUE)).unwrap();
    // It comes back with the log, too.
    let (scene, permits) = scene.reopen();
    assert_eq!(permits.len(), 1);
    let settlement = scene.controller.commit(permit, Spend::Amount(micros(30)), call(DUE)).unwrap();
    assert_eq!(settlement.outcome.settled, Settled::Expired);
    assert_eq!(scene.money(account).unfunded, 30);
    scene.finish();
}

/// Reminders of holds that have ended are dropped by the thousand, and never one of a hold that is open.
#[test]
fn what_is_open_among_thousands_that_have_ended_expires() {
    let scene = scene();
    let account = scene.account("root", Deny, 10_000);
    let mut open = Vec::new();
    for number in 0..3_000 {
        let permit = scene.admit_until(&[account], &scene.ask(1), at(DUE), call(0)).unwrap();
        if number % 100 == 0 {
            open.push(permit.hold());
        } else {
            let _given_back = scene.controller.release(permit, call(0)).unwrap();
        }
    }
    assert_eq!(scene.money(account).reserved, 30 * 10);
    assert_eq!(scene.controller.expire(call(DUE - 1)).unwrap(), 0);
    assert_eq!(scene.controller.expire(call(DUE)).unwrap(), open.len());
    assert_eq!(scene.money(account), Money { granted: 10_000, available: 10_000, ..Money::default() });
    scene.finish();
}
