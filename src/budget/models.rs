//! Models of the engine's protocols: every interleaving of two calls that loom finds, without a bound on preemptions
//! but where one is stated. Each says what must hold in all of them, and ways in which they must end; a model that
//! never ends in one of these fails too. `docs/CONCURRENCY.md` says which invariants they check.
//!
//! Calls that only read are in the second thread. Loom starts it last, and then tries every value that a load may
//! still return; of a load in the first thread it would forget that a later exchange of the second depends on it.

mod admission;
mod parts;
mod reading;
mod settling;
mod slots;
mod windows;

use super::slab::Slab;
use super::*;
use crate::caps::Caps;
use crate::id::{AccountId, Name};
use crate::num::Amount;
use crate::overrun::Overrun;
use crate::sync::Arc;
use crate::sync::model::{Builder, JoinHandle, PlainArc, PlainMutex, spawn};
use alloc::collections::BTreeSet;
use alloc::{vec, vec::Vec};

/// An engine with one account of 3, and a hold of that much on it.
fn engine_with_hold(micros: u64) -> (Arc<Engine>, AccountId, Hold) {
    let (engine, account) = engine(&[("a", None, Overrun::Deny, 3)]);
    let path = engine.path(&[account]).unwrap();
    let hold = engine.reserve(&path, amount(micros)).unwrap();
    (engine, account, hold)
}

/// Runs a model, and checks that it has ended in each of these ways.
fn explore(ends: &[&'static str], model: impl Fn() -> &'static str + Send + Sync + 'static) {
    explore_within(None, ends, model);
}

/// As `explore`, with at most that many preemptions.
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

/// An engine with these accounts (name, parent's place, overrun, grant), and the first of them.
fn engine(accounts: &[(&str, Option<u32>, Overrun, i64)]) -> (Arc<Engine>, AccountId) {
    let engine =
        Engine::new(EngineOptions { accounts_reserved: 2, holds_reserved: 2, accounts_max: 2, holds_max: 2 });
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
    (Arc::new(engine), AccountId(0))
}

fn in_thread<T: 'static>(engine: &Arc<Engine>, work: impl FnOnce(&Engine) -> T + 'static) -> JoinHandle<T> {
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
