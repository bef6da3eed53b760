//! What threads did to each other.

use std::{
    sync::{
        Barrier,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use assize::{
    budget::{AccountTerms, Engine, EngineOptions, Hold, ReserveError},
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
    const ROUNDS: usize = 4_000;
    let engine = Engine::new(EngineOptions::default());
    let accounts = ["a", "b"].map(|text| {
        let terms = AccountTerms { name: name(text), parent: None, overrun: Deny };
        let account = engine.ensure_account(&terms).unwrap();
        engine.grant(account, 10).unwrap();
        account
    });
    let [a, b] = accounts;
    // Each takes the one account first that the other takes last: both hold a half, and neither the whole.
    let paths = [engine.path(&[a, b]).unwrap(), engine.path(&[b, a]).unwrap()];
    let amount = Amount::new(10).unwrap();
    let (start, end) = (Barrier::new(2), Barrier::new(2));
    let rounds = |path| {
        let mut held = Vec::new();
        for _ in 0..ROUNDS {
            start.wait();
            let attempt: Result<Hold, ReserveError> = loop {
                match engine.reserve(path, amount) {
                    Err(error) if error.retry() == Retry::AtOnce => {}
                    other => break other,
                }
            };
            end.wait();
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
        let [first, second] = [&paths[0], &paths[1]].map(|path| scope.spawn(move || rounds(path)));
        [first.join().unwrap(), second.join().unwrap()]
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
