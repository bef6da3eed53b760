//! The budget engine, one call after the other: every operation and every error in tables.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::panic,
    clippy::let_underscore_must_use,
    reason = "a test may fail loudly"
)]
#![cfg(feature = "wal")]

use assize::budget::{AccountTerms, CellCounters, Engine, EngineOptions, Path};
use assize::caps::Caps;
use assize::id::{AccountId, Name};
use assize::num::Amount;
use assize::overrun::Overrun;

mod accounts;
mod errors;
mod restoring;
mod settling;
mod striping;
mod taking;
mod windows;

const MAX: i64 = i64::MAX;

fn amount(micros: i64) -> Amount {
    Amount::new(u64::try_from(micros).unwrap()).unwrap()
}

fn terms(name: &str, parent: Option<u32>, overrun: Overrun) -> AccountTerms {
    AccountTerms {
        name: Name::new(name).unwrap(),
        parent: parent.map(AccountId),
        overrun,
        caps: Caps::default(),
    }
}

/// An engine with these accounts: parent, overrun, grant. Their names are their numbers.
fn engine(accounts: &[(Option<u32>, Overrun, i64)]) -> Engine {
    let engine = Engine::new(EngineOptions::default());
    for (number, &(parent, overrun, grant)) in accounts.iter().enumerate() {
        let account = engine.ensure_account(&terms(&number.to_string(), parent, overrun)).unwrap();
        assert_eq!(account, AccountId(u32::try_from(number).unwrap()), "handles are dense");
        engine.grant(account, grant).unwrap();
    }
    engine
}

fn path(engine: &Engine, accounts: &[u32]) -> Path {
    engine.path(&ids(accounts)).unwrap()
}

fn ids(accounts: &[u32]) -> Vec<AccountId> {
    accounts.iter().copied().map(AccountId).collect()
}

/// Granted, available, reserved, committed, unfunded.
fn read(engine: &Engine, account: u32) -> [i128; 5] {
    let reading = engine.read(AccountId(account)).unwrap();
    let sum = i128::from(reading.available_micros)
        + i128::from(reading.reserved_micros)
        + i128::from(reading.committed_micros)
        + i128::from(reading.lapsed_micros);
    assert_eq!(i128::from(reading.granted_micros), sum, "conservation: {reading:?}");
    [
        reading.granted_micros.into(),
        reading.available_micros.into(),
        reading.reserved_micros.into(),
        reading.committed_micros.into(),
        reading.unfunded_micros.into(),
    ]
}

fn counters(granted: i64, available_micros: i64, committed_micros: u64) -> CellCounters {
    CellCounters { granted_micros: granted, available_micros, committed_micros, ..CellCounters::default() }
}
