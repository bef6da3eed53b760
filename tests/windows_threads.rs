//! Eight threads on an account whose windows they end all the while: nobody spends more than the windows had, and nothing
//! is left over. `ASSIZE_STRESS_SECONDS` says for how long; else each thread does a fixed number of operations.
#![cfg(feature = "wal")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::let_underscore_must_use,
    reason = "a test that fails by panicking fails"
)]

use std::{
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::{Duration, Instant},
};

use assize::{
    budget::{AccountTerms, Engine, EngineOptions, Hold, ReserveError},
    caps::{Caps, CapsDraft},
    id::{AccountId, Name},
    num::{Amount, Timestamp},
    overrun::Overrun,
    window::Window,
};

const GRANT: u64 = 1_000;
const WORKERS: u64 = 8;
const OPERATIONS: u64 = 20_000;

fn engine() -> (Engine, AccountId, AccountId) {
    let engine = Engine::new(EngineOptions::default());
    let open = |text: &str, parent, caps: CapsDraft| {
        let name = Name::new(text).unwrap();
        let terms = AccountTerms { name, parent, overrun: Overrun::Deny, caps: Caps::new(caps).unwrap() };
        engine.ensure_account(&terms).unwrap()
    };
    let windows = vec![Window::Given, Window::Lifetime];
    let held_max = Amount::new(GRANT / 2);
    let root =
        open("root", None, CapsDraft { windows, held_max, holds_max: Some(20), ..CapsDraft::default() });
    let leaf = open("leaf", Some(root), CapsDraft { windows: vec![Window::Given], ..CapsDraft::default() });
    for limit in [root.limit(0), leaf.limit(0)] {
        engine.grant(limit, GRANT as i64).unwrap();
    }
    engine.grant(root.limit(1), i64::MAX / 2).unwrap();
    (engine, root, leaf)
}

#[derive(Default)]
struct Count {
    committed: u64,
    ended: u64,
    denied: u64,
}

/// Ends both accounts' windows; counted before, so that nobody spends of a window that is not counted.
fn end_windows(engine: &Engine, accounts: [AccountId; 2], windows: &AtomicU64) {
    let now = windows.fetch_add(1, Ordering::SeqCst) as i64;
    for account in accounts {
        engine.end_window(account, Timestamp(now)).unwrap();
        let read = engine.read(account).unwrap();
        assert!(read.available_micros >= 0, "{read:?}");
    }
}

fn work(
    engine: &Engine,
    [root, leaf]: [AccountId; 2],
    windows: &AtomicU64,
    seed: u64,
    goes_on: &dyn Fn(u64) -> bool,
) -> Count {
    let (mut state, mut count, mut held) = (seed, Count::default(), Vec::<(Hold, u64)>::new());
    let mut next = |below: u64| {
        // A linear congruence (Knuth, MMIX), its high bits.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let mut done = 0;
    while goes_on(done) {
        done += 1;
        if held.len() < 3 && next(3) > 0 {
            let amount = next(60);
            match engine.reserve(&engine.path(&[leaf]).unwrap(), Amount::new(amount).unwrap()) {
                Ok(hold) => held.push((hold, amount)),
                Err(ReserveError::WindowEnded { .. }) => count.ended += 1,
                Err(ReserveError::Insufficient { .. } | ReserveError::Contended) => {
                    count.denied += 1;
                    if next(4) == 0 {
                        end_windows(engine, [root, leaf], windows);
                    }
                }
                Err(error) => panic!("{error}"),
            }
        } else if let Some((hold, amount)) = held.pop() {
            if next(3) == 0 {
                let _ = engine.release(hold).unwrap();
            } else {
                let spent = next(amount + 1);
                let settlement = engine.commit(hold, Amount::new(spent).unwrap()).unwrap();
                assert_eq!(settlement.booked_micros(), spent);
                count.committed += spent;
            }
        }
    }
    for (hold, _) in held {
        let _ = engine.release(hold).unwrap();
    }
    count
}

#[test]
fn what_is_spent_is_at_most_what_the_windows_had() {
    let (engine, root, leaf) = engine();
    let until = std::env::var("ASSIZE_STRESS_SECONDS")
        .ok()
        .map(|seconds| Instant::now() + Duration::from_secs(seconds.parse().unwrap()));
    let goes_on = move |done: u64| match until {
        None => done < OPERATIONS,
        Some(until) => done < OPERATIONS || !done.is_multiple_of(256) || Instant::now() < until,
    };
    let windows = AtomicU64::new(1);
    let counts: Vec<Count> = thread::scope(|scope| {
        let workers: Vec<_> = (1..=WORKERS)
            .map(|seed| {
                scope.spawn({
                    let (engine, windows) = (&engine, &windows);
                    move || work(engine, [root, leaf], windows, seed, &goes_on)
                })
            })
            .collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).collect()
    });
    let committed: u64 = counts.iter().map(|count| count.committed).sum();
    let most = windows.load(Ordering::Relaxed) * GRANT;
    assert!(committed <= most, "{committed} of {most}");
    for account in [root, leaf] {
        let read = engine.read(account).unwrap();
        assert_eq!(read.reserved_micros, 0, "{read:?}");
        assert_eq!(read.granted_micros as u64, GRANT, "{read:?}");
    }
    let life = engine.read(root.limit(1)).unwrap();
    assert_eq!((life.committed_micros, life.reserved_micros, life.lapsed_micros), (committed, 0, 0));
    // Nothing of the caps is left in use, and a window more has all that it begins with.
    for account in [root, leaf] {
        engine.end_window(account, Timestamp(i64::MAX - 1)).unwrap();
    }
    let path = engine.path(&[leaf]).unwrap();
    assert_eq!(engine.full(&path).0, None);
    assert_eq!(engine.payable(&path).unwrap().available_micros as u64, GRANT / 2);
    let sum = |of: fn(&Count) -> u64| counts.iter().map(of).sum::<u64>();
    println!(
        "{} windows, {committed} of {most} spent, {} paths of windows that had ended, {} denials",
        most / GRANT,
        sum(|count| count.ended),
        sum(|count| count.denied)
    );
    assert!(committed > GRANT && most > 10 * GRANT, "{committed} of {most}");
}
