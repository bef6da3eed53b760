//! The budget engine against a naive ledger in `i128`: any calls in any order have the same outcomes and leave the
//! same money.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::panic,
    reason = "a test may fail loudly"
)]
#![cfg(feature = "wal")]

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use proptest::test_runner::{Config, TestRunner};

mod pair;

use pair::{Pair, ops::ops};

#[test]
fn the_engine_agrees_with_a_naive_ledger() {
    let met = RefCell::new(BTreeMap::new());
    let done = Cell::new(0);
    let cases = Config::default().cases.max(operations() / CALLS_PER_CASE);
    let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
    let outcome = runner.run(&proptest::collection::vec(ops(), 1..250), |ops| {
        let mut pair = Pair::new(&met)?;
        for op in &ops {
            pair.run(op)?;
            pair.compare()?;
        }
        done.set(done.get() + ops.len());
        Ok(())
    });
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
    let met = met.into_inner();
    let targets = [
        "adjust: booked",
        "adjust: closed",
        "adjust: more than is committed",
        "adjust: not all booked",
        "adjust: refunded",
        "close: children open",
        "close: closed already",
        "close: done",
        "close: holds open",
        "commit: into debt",
        "commit: late",
        "commit: overrun booked",
        "commit: overrun booked in part",
        "commit: overrun denied",
        "commit: settled already",
        "commit: within the hold",
        "committed: above what can be granted",
        "expire: done",
        "expire: too late",
        "extend: above the maximum",
        "extend: denied",
        "extend: expired",
        "extend: settled already",
        "extend: taken",
        "forget: done",
        "forget: not expired",
        "grant: above the maximum",
        "grant: above what is available",
        "grant: closed",
        "grant: down",
        "grant: up",
        "open: parent closed",
        "open: striped",
        "open: too deep",
        "part-commit: expired",
        "part-commit: overrun booked",
        "part-commit: overrun booked in part",
        "part-commit: overrun denied",
        "part-commit: settled already",
        "part-commit: within the hold",
        "path: error",
        "release: expired",
        "release: returned",
        "release: settled already",
        "reserve: another binds",
        "reserve: many cells",
        "reserve: nothing, in debt",
        "reserve: one cell",
        "reserve: some cells",
        "reserve: the first account binds",
        "unfunded: at its end",
    ];
    let seen: Vec<_> = met.keys().copied().collect();
    assert_eq!(seen, targets, "{met:#?}");
    println!("{} calls: {met:#?}", done.get());
}

/// How many calls all cases have together, at least.
fn operations() -> u32 {
    std::env::var("ASSIZE_OPERATIONS").map_or(120_000, |number| number.parse().unwrap())
}

/// A little less than the mean.
const CALLS_PER_CASE: u32 = 120;
