//! Models of the engine's protocols: every interleaving of two calls that loom finds, without a bound on preemptions
//! but where one is stated. Each says what must hold in all of them, and ways in which they must end; a model that
//! never ends in one of these fails too. `docs/CONCURRENCY.md` says which invariants they check.
//!
//! Calls that only read are in the second thread. Loom starts it last, and then tries every value that a load may
//! still return; of a load in the first thread it would forget that a later exchange of the second depends on it.

mod acts;
#[cfg(loom)]
mod admission;
#[cfg(loom)]
mod pairs;
#[cfg(loom)]
mod parts;
#[cfg(loom)]
mod reading;
#[cfg(shuttle)]
mod schedules;
#[cfg(loom)]
mod settling;
#[cfg(loom)]
mod slots;
#[cfg(loom)]
mod stripes;
#[cfg(loom)]
mod threes;
#[cfg(loom)]
mod windows;

#[cfg(loom)]
use super::slab::Slab;
use super::*;
use crate::caps::Caps;
use crate::id::{AccountId, Name};
use crate::num::Amount;
use crate::overrun::Overrun;
use crate::sync::Arc;
#[cfg(loom)]
use crate::sync::model::Builder;
use crate::sync::model::{JoinHandle, PlainArc, PlainMutex, spawn};
#[cfg(loom)]
use alloc::collections::BTreeSet;
#[cfg(loom)]
use alloc::vec;
use alloc::vec::Vec;

/// An engine with one account of 3, and a hold of that much on it.
#[cfg(loom)]
fn engine_with_hold(micros: u64) -> (Arc<Engine>, AccountId, Hold) {
    let (engine, account) = engine(&[("a", None, Overrun::Deny, 3)]);
    let path = engine.path(&[account]).unwrap();
    let hold = engine.reserve(&path, amount(micros)).unwrap();
    (engine, account, hold)
}

/// Runs a model, and checks that it has ended in each of these ways.
#[cfg(loom)]
fn explore(ends: &[&'static str], model: impl Fn() -> &'static str + Send + Sync + 'static) {
    explore_within(None, ends, model);
}

/// As `explore`, with at most that many preemptions.
#[cfg(loom)]
fn explore_within(
    preemptions: Option<usize>,
    ends: &[&'static str],
    model: impl Fn() -> &'static str + Send + Sync + 'static,
) {
    let seen = PlainArc::new(PlainMutex::new(BTreeSet::new()));
    let ended = seen.clone();
    let mut builder = Builder::new();
    builder.preemption_bound = preemptions;
    builder.check(move || {
        let end = model();
        ended.lock().unwrap().insert(end);
    });
    let seen = seen.lock().unwrap();
    let missing: Vec<_> = ends.iter().filter(|&end| !seen.contains(end)).collect();
    assert!(missing.is_empty(), "never ended as {missing:?}, but as {seen:?}");
}

/// An engine of at most two holds with these accounts (name, parent's place, overrun, grant), and the first of them.
#[cfg(loom)]
fn engine(accounts: &[(&str, Option<u32>, Overrun, i64)]) -> (Arc<Engine>, AccountId) {
    engine_of(2, accounts)
}

/// As `engine`, with another number of holds.
#[cfg(loom)]
fn engine_of(holds_max: usize, accounts: &[(&str, Option<u32>, Overrun, i64)]) -> (Arc<Engine>, AccountId) {
    (engine_striped(holds_max, accounts, 1), AccountId(0))
}

/// An engine of so many holds, the first account of which has so many stripes.
fn engine_striped(
    holds_max: usize,
    accounts: &[(&str, Option<u32>, Overrun, i64)],
    stripes: u8,
) -> Arc<Engine> {
    let accounts_max = accounts.len();
    let mut engine = Engine::new(EngineOptions {
        accounts_reserved: accounts_max,
        holds_reserved: holds_max,
        accounts_max,
        holds_max,
    });
    for &(name, parent, overrun, grant) in accounts {
        let terms = AccountTerms {
            name: Name::new(name).unwrap(),
            parent: parent.map(AccountId),
            overrun,
            caps: Caps::default(),
        };
        let account = engine.ensure_account(&terms).unwrap();
        engine.grant(account, grant).unwrap();
    }
    engine.stripe(AccountId(0), stripes).unwrap();
    Arc::new(engine)
}

fn in_thread<T: Send + 'static>(
    engine: &Arc<Engine>,
    work: impl FnOnce(&Engine) -> T + Send + 'static,
) -> JoinHandle<T> {
    let engine = engine.clone();
    spawn(move || work(&engine))
}

fn amount(micros: u64) -> Amount {
    Amount::new(micros).unwrap()
}

/// Granted, available, reserved, committed and unfunded are these, when nobody works.
fn at_rest(engine: &Engine, account: AccountId, expected: [i64; 5]) {
    let reading = engine.read(account).unwrap();
    conserved(&reading);
    let seen = [
        i128::from(reading.granted_micros),
        i128::from(reading.available_micros),
        i128::from(reading.reserved_micros),
        i128::from(reading.committed_micros),
        i128::from(reading.unfunded_micros),
    ];
    assert_eq!(seen, expected.map(i128::from));
}

fn conserved(reading: &AccountReading) {
    let sum = i128::from(reading.available_micros)
        + i128::from(reading.reserved_micros)
        + i128::from(reading.committed_micros)
        + i128::from(reading.lapsed_micros);
    assert_eq!(i128::from(reading.granted_micros), sum, "{reading:?}");
}

/// How many preemptions a larger model has at most: so many, or what `ASSIZE_PREEMPTIONS` says, a number or `any`.
#[cfg(loom)]
fn preemptions(most: usize) -> Option<usize> {
    match std::env::var("ASSIZE_PREEMPTIONS").as_deref() {
        Err(_) => Some(most),
        Ok("any") => None,
        Ok(number) => Some(number.parse().unwrap()),
    }
}

/// How many schedules all scenarios have together.
#[cfg(shuttle)]
fn schedules() -> usize {
    std::env::var("ASSIZE_SCHEDULES").map_or(20_000, |number| number.parse().unwrap())
}
