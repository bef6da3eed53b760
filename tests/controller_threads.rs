//! Sixteen threads on shared accounts through one controller: the engine, the ledger and a replay of the log agree,
//! denials included.
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

use std::{
    num::NonZeroI64,
    sync::atomic::{AtomicI64, AtomicU64, Ordering},
    thread,
};

use assize::{
    controller::{Call, DenialClass, NotAdmitted, NotExtended, NotRerouted, Reroute},
    id::AccountId,
    num::Timestamp,
    overrun::Overrun::{Debt, Deny, IfAvailable},
    record::{Halt, Spend, Switch, Terms},
    wal::{Level, LogOptions},
};

use scene::{ALPHA, BETA, GAMMA, Place, Scene, Setup, at, micros, tiny_at};

const THREADS: u64 = 16;

#[test]
fn sixteen_threads_leave_a_log_that_replays_exactly() {
    for (place, rounds) in [(Place::memory(), 250), (Place::directory(), 60)] {
        let log = LogOptions { segment_bytes: 60_000, ..LogOptions::default() };
        let terms =
            Terms { late_window_ns: 200, settled_max: 20, adjust_window_ns: 2_000, ..Terms::default() };
        let scene = Scene::at(place, Setup { log, terms, ..Setup::default() });
        let root = scene.account("root", Debt, 60_000);
        let accounts = [
            scene.account_under(Some(root), "a", Deny, 30_000),
            scene.account_under(Some(root), "b", IfAvailable, 8_000),
            scene.account_under(Some(root), "c", Debt, 8_000),
            scene.account("d", Debt, 40_000),
        ];
        let work = Work { clock: AtomicI64::new(1), epoch: AtomicU64::new(1), done: Default::default() };
        thread::scope(|scope| {
            for thread in 0..THREADS {
                let (scene, work) = (&scene, &work);
                scope.spawn(move || run(scene, work, &accounts, thread, rounds));
            }
        });
        let done: Vec<u64> = work.done.iter().map(|count| count.load(Ordering::Relaxed)).collect();
        assert!(done.iter().all(|count| *count > 0), "a kind of outcome was not reached: {done:?}");
        let counts = scene.controller.stats().unwrap().counts;
        let calls = scene.finish();
        assert_eq!(
            calls.admitted + calls.denied_policy + calls.denied_budget + calls.denied_halted,
            done[..4].iter().sum::<u64>()
        );
        assert_eq!((calls.denied_budget, calls.denied_halted), (counts.denied_budget, counts.denied_halted));
        assert_eq!(calls.expired, counts.expired);
    }
}

/// What the threads share: the host's clock, the next policy's epoch, and how often each outcome was seen.
struct Work {
    clock: AtomicI64,
    epoch: AtomicU64,
    /// Admitted, denied by policy, by budget, for a halt; committed, released, extended, rerouted, settled late or
    /// gone, committed in part, adjusted.
    done: [AtomicU64; 11],
}

impl Work {
    fn count(&self, outcome: usize) {
        self.done[outcome].fetch_add(1, Ordering::Relaxed);
    }
}

fn run(scene: &Scene, work: &Work, accounts: &[AccountId; 4], thread: u64, rounds: u64) {
    let mut seed = thread.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut draw = move |below: u64| {
        // xorshift64
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        (seed >> 20) % below
    };
    let mut held = Vec::new();
    for round in 0..rounds {
        let level = [Level::Queued, Level::Queued, Level::Written, Level::Synced][draw(4) as usize];
        let call = Call::at(at(work.clock.fetch_add(1, Ordering::Relaxed))).level(level);
        if thread == 0 && round % 8 == 0 {
            administer(scene, work, accounts, round / 8 % 6, call);
        }
        let path = [&accounts[..1], &accounts[1..3], &accounts[2..4], &accounts[..]][draw(4) as usize];
        let mut request = scene.ask_for([ALPHA, BETA, GAMMA][draw(3) as usize], draw(40));
        if draw(10) == 0 {
            for candidate in [ALPHA, BETA, GAMMA] {
                request.exclude(candidate).unwrap();
            }
        }
        let deadline = Timestamp(call.at.0 + 100 + draw(900) as i64);
        match scene.admit_until(path, &request, deadline, call) {
            Ok(permit) => {
                work.count(0);
                held.push(permit);
            }
            Err(NotAdmitted::Denied(denial)) => work.count(usize::from(denial.class().code().min(3))),
            // Another thread was faster with the clock.
            Err(NotAdmitted::Faulted(fault)) => assert_eq!(fault.code(), 3, "{fault}"),
            Err(other) => panic!("{other}"),
        }
        if held.len() < 6 {
            continue;
        }
        let mut permit = held.swap_remove(draw(held.len() as u64) as usize);
        let hold = permit.hold();
        let whole = Spend::Amount(micros(permit.spent().micros() + draw(3_000)));
        match draw(5) {
            4 => {
                // Another part each time, often more than is left.
                let so_far = micros(permit.spent().micros() + draw(900));
                match scene.controller.part_commit(&mut permit, Spend::Amount(so_far), call) {
                    Ok(_) => {
                        work.count(9);
                        held.push(permit);
                    }
                    Err(fault) => gone_by_time(work, fault),
                }
            }
            0 => match scene.controller.commit(permit, whole, call) {
                Ok(settlement) => {
                    work.count(4);
                    // Another thread's may have come between, and have it forgotten.
                    let adjusted = scene.controller.adjust(hold, micros(draw(4_000)), call);
                    assert!(settlement.sequence > hold);
                    match adjusted {
                        Ok(_) => work.count(10),
                        Err(fault) => assert_eq!(fault.code(), 14, "{fault}"),
                    }
                }
                Err(gone) => gone_by_time(work, gone.fault),
            },
            1 => match scene.controller.release(permit, call) {
                Ok(_) => work.count(5),
                Err(gone) => gone_by_time(work, gone.fault),
            },
            2 => match scene.controller.extend(&mut permit, micros(draw(50)), Some(deadline), call) {
                Ok(_) => {
                    work.count(6);
                    held.push(permit);
                }
                Err(NotExtended::Denied(_)) => held.push(permit),
                Err(NotExtended::Faulted(fault)) => gone_by_time(work, fault),
            },
            _ => {
                let reroute = Reroute { failed: permit.candidate(), request: &request, deadline };
                match scene.controller.reroute(permit, &reroute, call) {
                    Ok(permit) => {
                        work.count(0);
                        work.count(7);
                        held.push(permit);
                    }
                    Err(NotRerouted::Denied(denial)) => work.count(usize::from(denial.class().code().min(3))),
                    Err(NotRerouted::Faulted { fault, .. }) => gone_by_time(work, fault),
                    Err(NotRerouted::Repeated(repeated)) => panic!("{repeated}"),
                }
            }
        }
    }
}

/// Deadlines pass while others work.
fn gone_by_time(work: &Work, fault: assize::controller::Fault) {
    assert!([3, 7, 8].contains(&fault.code()), "{fault}");
    work.count(8);
}

/// Asks during a halt, since it is chance whether others ask meanwhile; some time later, so that few are faster with
/// the clock, and some deadlines have passed.
fn be_denied(scene: &Scene, work: &Work, accounts: &[AccountId; 4]) {
    loop {
        let now = at(work.clock.fetch_add(1_000, Ordering::Relaxed) + 1_000);
        let deadline = Timestamp(now.0 + 100);
        match scene.admit_until(&accounts[..1], &scene.ask_for(ALPHA, 1), deadline, Call::at(now)) {
            Err(NotAdmitted::Denied(denial)) => {
                assert_eq!(denial.class(), DenialClass::Halted);
                return work.count(3);
            }
            Err(NotAdmitted::Faulted(fault)) => assert_eq!(fault.code(), 3, "{fault}"),
            other => panic!("{other:?}"),
        }
    }
}

fn administer(scene: &Scene, work: &Work, accounts: &[AccountId; 4], what: u64, call: Call) {
    let controller = &scene.controller;
    let one = accounts[(what % 4) as usize];
    match what {
        0 => {
            let epoch = work.epoch.fetch_add(1, Ordering::Relaxed) + 1;
            let _sequence = controller.swap(tiny_at(epoch, 5 + epoch % 20), call).unwrap();
        }
        1 => {
            let _sequence = controller.halt(Halt::ReduceOnly, call).unwrap();
            for _ in 0..20 {
                thread::yield_now();
            }
            be_denied(scene, work, accounts);
            let _sequence = controller.halt(Halt::None, call).unwrap();
        }
        2 => {
            let _sequence = controller.grant(one, NonZeroI64::new(2_000).unwrap(), call).unwrap();
        }
        3 => {
            // What is available may be less.
            let taken = controller.grant(one, NonZeroI64::new(-500).unwrap(), call);
            assert!(taken.is_ok_and(|_| true) || controller.failure().is_none());
        }
        4 => {
            let _sequence = controller.switch(BETA, Switch::Disabled, call).unwrap();
            let _sequence = controller.switch(BETA, Switch::Enabled, call).unwrap();
        }
        _ => {
            let _expired = controller.expire(call).unwrap();
        }
    }
}
