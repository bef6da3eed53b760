//! The budget engine under threads: whatever they do to each other, the money comes to what each of them counted.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::panic,
    clippy::needless_range_loop,
    reason = "a test may fail loudly"
)]
#![cfg(feature = "wal")]

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, TryLockError};
use std::thread;
use std::time::{Duration, Instant};

use assize::budget::{
    AccountTerms, AdjustError, Adjusted, Engine, EngineOptions, ExtendError, Hold, HoldState, Path, Release,
    ReserveError, SettleError, Settlement,
};
use assize::caps::Caps;
use assize::id::{AccountId, Name};
use assize::num::Amount;
use assize::overrun::Overrun::{Debt, Deny, IfAvailable};

const THREADS: u64 = 8;
/// Of each thread, unless `ASSIZE_STRESS_SECONDS` says for how long.
const OPERATIONS: u64 = 30_000;
/// In each of which all threads settle eight holds.
const ROUNDS: u64 = if cfg!(miri) { 4 } else { 300 };
const ACCOUNTS: usize = 8;
const GRANT: i64 = 2_000;

/// What one thread counted, by account.
#[derive(Default)]
struct Count {
    committed: [i128; ACCOUNTS],
    unfunded: [i128; ACCOUNTS],
    granted: [i128; ACCOUNTS],
    operations: u64,
    reserved: u64,
    denied: u64,
    contended: u64,
    extended: u64,
    parts: u64,
    settled: u64,
    late: u64,
    expired: u64,
    lost: u64,
    full: u64,
    charged: u64,
    refunded: u64,
    /// Holds that it could not settle, and may have been the last to know.
    open: Vec<Hold>,
}

/// Numbers that look random and are the same in every run: xorshift.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }

    fn amount(&mut self, limit: u64) -> Amount {
        Amount::new(self.below(limit)).unwrap()
    }
}

/// How long a thread works.
enum Until {
    Operations(u64),
    Then(Instant),
}

impl Until {
    fn new() -> Self {
        match std::env::var("ASSIZE_STRESS_SECONDS") {
            Ok(seconds) => Self::Then(Instant::now() + Duration::from_secs(seconds.parse().unwrap())),
            Err(_) => Self::Operations(OPERATIONS),
        }
    }

    /// After at least as many operations as a short run has.
    fn goes_on(&self, done: u64) -> bool {
        match self {
            Self::Operations(operations) => done < *operations,
            Self::Then(then) => done < OPERATIONS || !done.is_multiple_of(256) || Instant::now() < *then,
        }
    }
}

struct Shared {
    engine: Engine,
    paths: Vec<Path>,
    /// Holds that any thread may try to change or settle: handles are copied out, never taken.
    holds: Vec<Mutex<Option<Hold>>>,
}

/// 0 is the organisation; 1 and 2 its teams; 3, 4, 5 below them; 6 and 7 apart. 2, 4 and 7 are striped.
fn shared(holds_max: usize) -> Shared {
    let mut engine = Engine::new(EngineOptions { holds_max, holds_reserved: 16, ..EngineOptions::default() });
    let tree = [
        (None, Debt),
        (Some(0), Debt),
        (Some(0), IfAvailable),
        (Some(1), Debt),
        (Some(1), Deny),
        (Some(2), Debt),
        (None, Debt),
        (Some(6), IfAvailable),
    ];
    for (number, (parent, overrun)) in tree.into_iter().enumerate() {
        let name = Name::new(&number.to_string()).unwrap();
        let account = engine
            .ensure_account(&AccountTerms {
                name,
                parent: parent.map(AccountId),
                overrun,
                caps: Caps::default(),
            })
            .unwrap();
        engine.grant(account, GRANT).unwrap();
    }
    for (account, stripes) in [(2, 2), (4, 3), (7, 4)] {
        engine.stripe(AccountId(account), stripes).unwrap();
    }
    let named = [&[3][..], &[4], &[5], &[7], &[3, 7], &[7, 3], &[5, 4], &[6], &[0], &[4, 5, 7, 3]];
    let on_stripe = |stripe, named: &[u32]| {
        let named: Vec<_> = named.iter().copied().map(AccountId).collect();
        engine.path_on_stripe(&named, stripe).unwrap()
    };
    // Each path on two stripes.
    let paths = (0..2).flat_map(|stripe| named.map(|named| on_stripe(stripe, named))).collect();
    Shared { engine, paths, holds: (0..32).map(|_| Mutex::new(None)).collect() }
}

impl Shared {
    fn work(&self, seed: u64) -> Count {
        let mut numbers = Numbers(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        let mut count = Count::default();
        let until = Until::new();
        while until.goes_on(count.operations) {
            count.operations += 1;
            let place = &self.holds[numbers.below(32) as usize];
            let hold = *lock(place);
            match hold {
                None => self.reserve(place, &mut numbers, &mut count),
                Some(hold) => self.change(hold, place, &mut numbers, &mut count),
            }
            match numbers.below(64) {
                0 => self.grant(&mut numbers, &mut count),
                1 => self.adjust(&mut numbers, &mut count),
                _ => {}
            }
        }
        count
    }

    fn reserve(&self, place: &Mutex<Option<Hold>>, numbers: &mut Numbers, count: &mut Count) {
        let path = &self.paths[numbers.below(self.paths.len() as u64) as usize];
        match self.engine.reserve(path, numbers.amount(400)) {
            Ok(hold) => {
                count.reserved += 1;
                let before = lock(place).replace(hold);
                if let Some(before) = before {
                    self.settle(before, numbers, count);
                }
            }
            Err(ReserveError::Insufficient { available_micros, .. }) => {
                assert!(available_micros < 400);
                count.denied += 1;
            }
            Err(ReserveError::Contended) => count.contended += 1,
            Err(ReserveError::HoldsFull { .. }) => count.full += 1,
            Err(error) => panic!("{error}"),
        }
    }

    fn change(&self, hold: Hold, place: &Mutex<Option<Hold>>, numbers: &mut Numbers, count: &mut Count) {
        match numbers.below(9) {
            0 | 1 => match self.engine.extend(hold, numbers.amount(50)) {
                Ok(()) => count.extended += 1,
                Err(ExtendError::Insufficient { .. }) => count.denied += 1,
                Err(ExtendError::Contended) => count.contended += 1,
                Err(ExtendError::AlreadySettled | ExtendError::Expired) => count.lost += 1,
                Err(error) => panic!("{error}"),
            },
            3 => {
                let Some(reading) = self.engine.hold(hold) else {
                    count.lost += 1;
                    return;
                };
                match self.engine.part_commit(hold, numbers.amount(200)) {
                    Ok(settled) => {
                        count.parts += 1;
                        self.booked(&reading.path, settled, count);
                    }
                    Err(SettleError::Contended) => count.contended += 1,
                    Err(SettleError::AlreadySettled | SettleError::AlreadyExpired) => count.lost += 1,
                    Err(error) => panic!("{error}"),
                }
            }
            2 => match self.engine.expire(hold) {
                Ok(_) => count.expired += 1,
                Err(SettleError::Contended) => count.contended += 1,
                Err(_) => count.lost += 1,
            },
            _ => {
                self.settle(hold, numbers, count);
                let mut held = lock(place);
                if *held == Some(hold) && self.engine.hold(hold).is_none() {
                    *held = None;
                }
            }
        }
    }

    fn settle(&self, hold: Hold, numbers: &mut Numbers, count: &mut Count) {
        // Read before: afterwards the hold is no more. Nobody changes its path.
        let Some(reading) = self.engine.hold(hold) else {
            count.lost += 1;
            return;
        };
        let outcome = if numbers.below(4) == 0 {
            self.engine.release(hold).map(|release| match release {
                Release::Returned { .. } => count.settled += 1,
                Release::Expired { .. } => count.late += 1,
            })
        } else {
            self.engine.commit(hold, numbers.amount(500)).map(|settled| {
                match settled {
                    Settlement::Committed { .. } => count.settled += 1,
                    Settlement::Late { .. } => count.late += 1,
                }
                self.booked(&reading.path, settled, count);
            })
        };
        match outcome {
            Ok(()) => {}
            Err(SettleError::AlreadySettled) => count.lost += 1,
            Err(SettleError::Contended) => {
                count.contended += 1;
                count.open.push(hold);
            }
            Err(error) => panic!("{error}"),
        }
    }

    fn booked(&self, path: &Path, settled: Settlement, count: &mut Count) {
        for AccountId(account) in self.engine.accounts_on(path) {
            count.committed[account as usize] += i128::from(settled.booked_micros());
            count.unfunded[account as usize] += i128::from(settled.unfunded().micros());
        }
    }

    /// Corrects what was booked at the accounts of a path, whoever booked it.
    fn adjust(&self, numbers: &mut Numbers, count: &mut Count) {
        let path = &self.paths[numbers.below(self.paths.len() as u64) as usize];
        match self.engine.adjust(path, numbers.below(600) as i64 - 400) {
            Ok(Adjusted { booked, unfunded, refunded }) => {
                *(if refunded > Amount::ZERO { &mut count.refunded } else { &mut count.charged }) += 1;
                for AccountId(account) in self.engine.accounts_on(path) {
                    count.committed[account as usize] += i128::from(booked.micros());
                    count.committed[account as usize] -= i128::from(refunded.micros());
                    count.unfunded[account as usize] += i128::from(unfunded.micros());
                }
            }
            Err(AdjustError::AboveCommitted { committed_micros, .. }) => assert!(committed_micros < 400),
            Err(error) => panic!("{error}"),
        }
    }

    /// Keeps money in the accounts, or takes some back.
    fn grant(&self, numbers: &mut Numbers, count: &mut Count) {
        let account = numbers.below(ACCOUNTS as u64) as usize;
        let delta = numbers.below(20_000) as i64 - 4_000;
        if self.engine.grant(AccountId(account as u32), delta).is_ok() {
            count.granted[account] += i128::from(delta);
        }
    }
}

/// A place, without waiting in the standard library: a thread sanitizer does not see what happens there, and would take
/// what one thread leaves in the place to race with the next.
fn lock<T>(place: &Mutex<T>) -> MutexGuard<'_, T> {
    loop {
        match place.try_lock() {
            Ok(guard) => return guard,
            Err(TryLockError::WouldBlock) => thread::yield_now(),
            Err(TryLockError::Poisoned(_)) => panic!("another thread has failed"),
        }
    }
}

/// Counts a worker out, however it ends.
struct Done<'a>(&'a AtomicU32);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Release);
    }
}

fn run(holds_max: usize) -> (Vec<Count>, Shared) {
    let shared = shared(holds_max);
    let working = AtomicU32::new(THREADS as u32);
    let counts = thread::scope(|scope| {
        let workers: Vec<_> = (0..THREADS)
            .map(|seed| {
                let (shared, working) = (&shared, &working);
                scope.spawn(move || {
                    let _done = Done(working);
                    shared.work(seed + 1)
                })
            })
            .collect();
        // A reader beside them: what it reads is conserved, and nothing is below nothing.
        let reader = scope.spawn(|| {
            let mut last = false;
            while !last {
                last = working.load(Ordering::Acquire) == 0;
                for account in (0..ACCOUNTS as u32).map(AccountId) {
                    let reading = shared.engine.read(account).unwrap();
                    let sum = i128::from(reading.available_micros)
                        + i128::from(reading.reserved_micros)
                        + i128::from(reading.committed_micros);
                    assert_eq!(sum, i128::from(reading.granted_micros), "{reading:?}");
                }
            }
        });
        let counts = workers.into_iter().map(|worker| worker.join().unwrap()).collect();
        // Not left to the scope, which waits in the standard library (see `lock`).
        reader.join().unwrap();
        counts
    });
    (counts, shared)
}

/// Every account's counters are the threads' sums, and what is reserved is what the open holds say.
fn check(counts: &[Count], shared: &Shared) {
    let mut reserved = [0i128; ACCOUNTS];
    let mut open: BTreeSet<Hold> = counts.iter().flat_map(|count| count.open.iter().copied()).collect();
    open.extend(shared.holds.iter().filter_map(|place| *lock(place)));
    for hold in open {
        let Some(reading) = shared.engine.hold(hold) else { continue };
        if reading.state == HoldState::Open {
            for AccountId(account) in shared.engine.accounts_on(&reading.path) {
                reserved[account as usize] += i128::from(reading.amount.micros());
            }
        }
    }
    for account in 0..ACCOUNTS {
        let sum = |of: fn(&Count) -> &[i128; ACCOUNTS]| -> i128 {
            counts.iter().map(|count| of(count)[account]).sum()
        };
        let reading = shared.engine.read(AccountId(account as u32)).unwrap();
        let granted = i128::from(GRANT) + sum(|count| &count.granted);
        let committed = sum(|count| &count.committed);
        assert_eq!(i128::from(reading.granted_micros), granted, "granted at {account}");
        assert_eq!(i128::from(reading.committed_micros), committed, "committed at {account}");
        assert_eq!(
            i128::from(reading.unfunded_micros),
            sum(|count| &count.unfunded),
            "unfunded at {account}"
        );
        assert_eq!(i128::from(reading.reserved_micros), reserved[account], "reserved at {account}");
        let available = granted - committed - reserved[account];
        assert_eq!(i128::from(reading.available_micros), available, "available at {account}");
    }
}

/// The sums of all threads' counts, each of which must be reached.
fn totals(counts: &[Count]) -> Vec<(&'static str, u64)> {
    let sum = |of: fn(&Count) -> u64| counts.iter().map(of).sum();
    vec![
        ("reserved", sum(|count| count.reserved)),
        ("denied", sum(|count| count.denied)),
        ("extended", sum(|count| count.extended)),
        ("committed in part", sum(|count| count.parts)),
        ("settled", sum(|count| count.settled)),
        ("late", sum(|count| count.late)),
        ("expired", sum(|count| count.expired)),
        ("settled by another", sum(|count| count.lost)),
        ("charged", sum(|count| count.charged)),
        ("refunded", sum(|count| count.refunded)),
    ]
}

#[test]
#[cfg_attr(miri, ignore = "needs hundreds of thousands of operations")]
fn totals_are_what_the_threads_counted() {
    let (counts, shared) = run(1 << 20);
    check(&counts, &shared);
    let totals = totals(&counts);
    println!(
        "{} operations: {totals:?}, contended: {}",
        counts.iter().map(|count| count.operations).sum::<u64>(),
        counts.iter().map(|count| count.contended).sum::<u64>()
    );
    for (what, count) in totals {
        assert!(count > 100, "{what}: {count}");
    }
    assert_eq!(counts.iter().map(|count| count.full).sum::<u64>(), 0);
}

#[test]
#[cfg_attr(miri, ignore = "needs hundreds of thousands of operations")]
fn totals_hold_while_a_few_slots_are_recycled_all_the_time() {
    let (counts, shared) = run(12);
    check(&counts, &shared);
    let full: u64 = counts.iter().map(|count| count.full).sum();
    println!("{:?}, full: {full}", totals(&counts));
    assert!(full > 100, "the table was never full");
    for (what, count) in totals(&counts) {
        assert!(count > 100, "{what}: {count}");
    }
    // Every slot is free again, or keeps one of the holds that are still there.
    let mut left: BTreeSet<Hold> = counts.iter().flat_map(|count| count.open.iter().copied()).collect();
    left.extend(shared.holds.iter().filter_map(|place| *lock(place)));
    left.retain(|&hold| shared.engine.hold(hold).is_some());
    let mut free = 0;
    while shared.engine.reserve(&shared.paths[0], Amount::ZERO).is_ok() {
        free += 1;
    }
    assert_eq!(left.len() + free, 12);
}

/// All threads settle the same holds, each in every way: one of them ends each hold.
#[test]
fn each_hold_is_ended_by_one_thread() {
    let shared = shared(1 << 20);
    let engine = &shared.engine;
    let before = engine.read(AccountId(6)).unwrap();
    let mut ended = 0;
    for round in 0..ROUNDS {
        let holds: Vec<_> =
            (0..8).map(|_| engine.reserve(&shared.paths[7], Amount::new(3).unwrap()).unwrap()).collect();
        let counts: Vec<u64> = thread::scope(|scope| {
            let workers: Vec<_> = (0..THREADS)
                .map(|thread| {
                    let holds = &holds;
                    scope.spawn(move || {
                        let mut mine = 0;
                        for (number, &hold) in (0..).zip(holds) {
                            let done = match (number + thread + round) % 3 {
                                0 => engine.commit(hold, Amount::ZERO).is_ok(),
                                1 => engine.release(hold).is_ok(),
                                _ => {
                                    let expired = engine.expire(hold);
                                    assert_ne!(expired, Err(SettleError::StillOpen));
                                    engine.forget(hold).is_ok()
                                }
                            };
                            mine += u64::from(done);
                        }
                        mine
                    })
                })
                .collect();
            workers.into_iter().map(|worker| worker.join().unwrap()).collect()
        });
        // What every thread was contended at is still there, and is ended now.
        let rest = holds.iter().filter(|&&hold| engine.release(hold).is_ok()).count() as u64;
        assert_eq!(counts.iter().sum::<u64>() + rest, 8);
        ended += 8;
    }
    assert_eq!(ended, 8 * ROUNDS);
    assert_eq!(engine.read(AccountId(6)).unwrap(), before);
}
