//! The budget engine allocates nothing on its hot path.
#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]
#![cfg(feature = "wal")]

use assize::budget::{AccountTerms, Engine, EngineOptions, Path};
use assize::caps::Caps;
use assize::id::{AccountId, Name};
use assize::num::Amount;
use assize::overrun::Overrun;

const HOLDS: usize = 64;

fn amount(micros: u64) -> Amount {
    Amount::new(micros).unwrap()
}

/// Three levels and an account apart, and a path through all of them.
fn engine() -> (Engine, Path) {
    let engine = Engine::new(EngineOptions {
        accounts_reserved: 4,
        holds_reserved: HOLDS,
        ..EngineOptions::default()
    });
    for (name, parent) in [("organisation", None), ("team", Some(0)), ("user", Some(1)), ("key", None)] {
        let name = Name::new(name).unwrap();
        let terms = AccountTerms {
            name,
            parent: parent.map(AccountId),
            overrun: Overrun::Debt,
            caps: Caps::default(),
        };
        let account = engine.ensure_account(&terms).unwrap();
        engine.grant(account, 1_000_000).unwrap();
    }
    let path = engine.path(&[AccountId(2), AccountId(3)]).unwrap();
    (engine, path)
}

fn allocations(work: impl FnOnce()) -> u64 {
    allocation_counter::measure(work).count_total
}

#[test]
fn the_counter_counts() {
    assert_eq!(allocations(|| drop(std::hint::black_box(Box::new([0u8; 9])))), 1);
}

#[test]
fn a_hold_in_a_new_slot_allocates_nothing() {
    let (engine, path) = engine();
    let mut holds = Vec::with_capacity(HOLDS);
    let count = allocations(|| {
        for _ in 0..HOLDS {
            holds.push(engine.reserve(&path, amount(10)).unwrap());
        }
    });
    assert_eq!((count, holds.len()), (0, HOLDS));
    let one_more = allocations(|| assert!(engine.reserve(&path, amount(10)).is_ok()));
    assert_eq!(one_more, 1, "the next chunk is allocated when it is needed");
}

#[test]
fn a_hold_in_a_recycled_slot_allocates_nothing() {
    let (engine, path) = engine();
    let count = allocations(|| {
        for round in 0..10_000 {
            let hold = engine.reserve(&path, amount(10)).unwrap();
            engine.extend(hold, amount(5)).unwrap();
            assert!(engine.part_commit(hold, amount(2)).is_ok());
            match round % 4 {
                0 => assert!(engine.commit(hold, amount(1)).is_ok()),
                1 => assert!(engine.release(hold).is_ok()),
                2 => assert!(engine.commit(hold, amount(16)).is_ok()),
                _ => {
                    assert!(engine.expire(hold).is_ok());
                    assert!(engine.commit(hold, amount(1)).is_ok());
                }
            }
        }
    });
    assert_eq!(count, 0);
    assert_eq!(engine.read(AccountId(3)).unwrap().committed_micros, 20_000 + 2_500 + 2_500 * 16);
}

#[test]
fn denials_and_paths_allocate_nothing() {
    let (engine, path) = engine();
    let hold = engine.reserve(&path, amount(10)).unwrap();
    let count = allocations(|| {
        for _ in 0..1_000 {
            let again = engine.path(&[AccountId(2), AccountId(3)]).unwrap();
            assert_eq!(again, path);
            assert!(engine.reserve(&path, amount(1_000_000)).is_err());
            assert!(engine.extend(hold, amount(1_000_000)).is_err());
            assert!(engine.payable(&path).is_ok());
            assert!(engine.hold(hold).is_some());
        }
    });
    assert_eq!(count, 0);
}
