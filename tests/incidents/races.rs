//! What threads did to each other. They meet here as often as chance has it; `src/budget/models/admission.rs` goes
//! through every order of two.

use std::{
    hint::spin_loop,
    sync::{
        Barrier,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    thread,
};

use assize::{
    budget::{AccountTerms, Engine, EngineOptions, Hold, ReserveError},
    caps::Caps,
    controller::{DenialClass, NotAdmitted},
    num::Amount,
    overrun::Overrun::Deny,
    record::Spend,
    retry::Retry,
};

use crate::scene::{Money, Scene, call, micros, name};

#[test]
fn caps_were_checked_and_then_spent() {
    const THREADS: u64 = 8;
    const EACH: u64 = 25;
    // Of 200 requests of 100 µ, the cap pays for 60; and for half of another.
    let scene = Scene::new();
    let account = scene.account("a", Deny, 6_050);
    let (admitted, denied) = (AtomicU64::new(0), AtomicU64::new(0));
    let together = Barrier::new(8);
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                let request = scene.ask(10);
                together.wait();
                for _ in 0..EACH {
                    match scene.admit(&[account], &request, call(1)) {
                        Ok(permit) => {
                            admitted.fetch_add(1, Ordering::Relaxed);
                            let spend = Spend::Amount(micros(100));
                            assert!(scene.controller.commit(permit, spend, call(1)).is_ok());
                        }
                        Err(NotAdmitted::Denied(denial)) => {
                            denied.fetch_add(1, Ordering::Relaxed);
                            assert_eq!(denial.class(), DenialClass::Budget);
                        }
                        Err(other) => panic!("{other}"),
                    }
                }
            });
        }
    });
    assert_eq!((admitted.into_inner(), denied.into_inner()), (60, THREADS * EACH - 60));
    let spent = Money { granted: 6_050, available: 50, committed: 6_000, ..Money::default() };
    assert_eq!(scene.money(account), spent, "nothing is spent above the cap, nor booked elsewhere");
    scene.finish();
}

#[test]
fn two_attempts_of_which_one_could_be_paid_were_both_denied() {
    const ROUNDS: usize = 20_000;
    let engine = Engine::new(EngineOptions::default());
    // Four chains of six accounts, as long as a path can be: the time that an attempt takes is the time to meet in.
    let leaves = ["a", "b", "c", "d"].map(|text| {
        let mut above = None;
        for level in 0..6 {
            let terms = AccountTerms {
                name: name(&format!("{text} {level}")),
                parent: above,
                overrun: Deny,
                caps: Caps::default(),
            };
            let account = engine.ensure_account(&terms).unwrap();
            engine.grant(account, 10).unwrap();
            above = Some(account);
        }
        above.unwrap()
    });
    // Each takes first what the other takes last: both hold a part, and neither the whole.
    let [a, b, c, d] = leaves;
    let paths = [engine.path(&[a, b, c, d]).unwrap(), engine.path(&[d, c, b, a]).unwrap()];
    let amount = Amount::new(10).unwrap();
    let met = AtomicUsize::new(0);
    let rounds = |path| {
        let mut held = Vec::new();
        for round in 0..ROUNDS {
            meet(&met, 4 * round + 2);
            let attempt: Result<Hold, ReserveError> = loop {
                match engine.reserve(path, amount) {
                    Err(error) if error.retry() == Retry::AtOnce => {}
                    other => break other,
                }
            };
            meet(&met, 4 * round + 4);
            held.push(attempt.is_ok());
            match attempt {
                Ok(hold) => assert!(engine.release(hold).is_ok()),
                Err(ReserveError::Insufficient { available_micros, .. }) => assert_eq!(available_micros, 0),
                Err(other) => panic!("{other}"),
            }
        }
        held
    };
    let [first, second] = thread::scope(|scope| {
        let rounds = &rounds;
        let threads = [&paths[0], &paths[1]].map(|path| scope.spawn(move || rounds(path)));
        threads.map(|thread| thread.join().unwrap())
    });
    let mut won = [0, 0];
    for (round, pair) in first.into_iter().zip(second).enumerate() {
        match pair {
            (true, false) => won[0] += 1,
            (false, true) => won[1] += 1,
            (true, true) => panic!("round {round}: both were paid from what pays for one"),
            (false, false) => panic!("round {round}: both were denied, and one could be paid"),
        }
    }
    assert_eq!(won.iter().sum::<usize>(), ROUNDS);
}

#[test]
fn an_attempt_was_denied_for_the_sake_of_one_that_came_to_nothing() {
    let engine = Engine::new(EngineOptions::default());
    let open = |text: &str, granted| {
        let account = engine
            .ensure_account(&AccountTerms {
                name: name(text),
                parent: None,
                overrun: Deny,
                caps: Caps::default(),
            })
            .unwrap();
        engine.grant(account, granted).unwrap();
        account
    };
    let (shared, empty) = (open("shared", 10), open("empty", 0));
    let (good, vain) = (engine.path(&[shared]).unwrap(), engine.path(&[shared, empty]).unwrap());
    let amount = Amount::new(10).unwrap();
    let done = AtomicBool::new(false);
    let started = Barrier::new(2);
    let tried = thread::scope(|scope| {
        let vainly = scope.spawn(|| {
            let mut tried = 0_u64;
            started.wait();
            while !done.load(Ordering::Relaxed) {
                assert!(
                    engine.reserve(&vain, amount).is_err(),
                    "it takes the shared account first, each time"
                );
                tried += 1;
            }
            tried
        });
        started.wait();
        let mut denied = None;
        for _ in 0..300_000 {
            match engine.reserve(&good, amount) {
                Ok(hold) => assert!(engine.release(hold).is_ok()),
                Err(error) if error.retry() == Retry::AtOnce => {}
                Err(error) => denied = Some(error),
            }
        }
        done.store(true, Ordering::Relaxed);
        assert_eq!(denied, None, "nobody but itself ever holds anything");
        vainly.join().unwrap()
    });
    assert!(tried > 0);
}

/// Waits until so many have come; both leave at once, which those whom a barrier wakes do not.
fn meet(met: &AtomicUsize, all: usize) {
    met.fetch_add(1, Ordering::AcqRel);
    let mut looks = 0_u32;
    while met.load(Ordering::Acquire) < all {
        looks += 1;
        if looks.is_multiple_of(1_000) {
            thread::yield_now();
        }
        spin_loop();
    }
}
