//! The ledger against a naive model of money: i128, lists, everything recounted at each step.
#![cfg(feature = "wal")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    reason = "a test"
)]

#[path = "ledger_model/run.rs"]
#[allow(unreachable_pub, reason = "the properties that are fuzzed use it too")]
mod run;
#[path = "ledger/world.rs"]
mod world;

use std::cell::{Cell, RefCell};

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use run::{Reached, Run, Step};

/// What is new in a settlement.
fn parts() -> impl Strategy<Value = u64> {
    let most = assize::num::Amount::MAX.micros();
    prop_oneof![8 => 0_u64..500, 8 => 0_u64..5_000, 1 => Just(0), 1 => Just(1), 1 => Just(most - 1), 1 => Just(most)]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let any = 0..64_usize;
    let step = prop_oneof![
        1 => (any.clone(), 0..3_usize).prop_map(|(parent, mode)| Step::Open { parent, mode }),
        2 => (any.clone(), -400_i64..1_500).prop_map(|(account, change)| Step::Grant { account, change }),
        6 => (prop::collection::vec(any.clone(), 1..4), 0_u64..12, 1_u64..90)
            .prop_map(|(named, calls, seconds)| Step::Admit { named, calls, seconds }),
        4 => (any.clone(), parts()).prop_map(|(hold, part)| Step::PartCommit { hold, part }),
        4 => (any.clone(), parts()).prop_map(|(hold, part)| Step::Commit { hold, part }),
        3 => (any.clone(), parts()).prop_map(|(hold, to)| Step::Adjust { hold, to }),
        1 => any.clone().prop_map(|hold| Step::Release { hold }),
        2 => (any.clone(), 0_u64..1_000, 0_u64..40)
            .prop_map(|(hold, micros, later)| Step::Extend { hold, micros, later }),
        2 => (any.clone(), 0_u64..80, 1_u64..90)
            .prop_map(|(hold, calls, seconds)| Step::Reroute { hold, calls, seconds }),
        1 => any.clone().prop_map(|from| Step::Expire { from }),
        1 => any.prop_map(|account| Step::Close { account }),
        2 => (0_u64..80).prop_map(|seconds| Step::Wait { seconds }),
    ];
    prop::collection::vec(step, 1..60)
}

#[test]
fn money_moves_as_in_the_model() {
    let cases = Config::default().cases.max(operations() / STEPS_PER_CASE);
    let done = Cell::new(0);
    let reached = RefCell::new(Reached::default());
    let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
    runner
        .run(&steps(), |steps| {
            let mut reached = reached.borrow_mut();
            Run::begun(&mut reached).take_all(&steps);
            done.set(done.get() + steps.len());
            Ok(())
        })
        .unwrap();
    let reached = reached.into_inner();
    let all = [
        "open",
        "grant up",
        "grant down",
        "grant refused",
        "admit",
        "deny",
        "commit within",
        "commit unfunded",
        "commit partly booked",
        "commit above",
        "commit late",
        "commit after parts",
        "part within",
        "part unfunded",
        "part partly booked",
        "part above",
        "part too late",
        "part below before",
        "adjusted by nothing",
        "adjusted down",
        "adjusted up",
        "adjusted up, unfunded",
        "adjustment too late",
        "settled too many",
        "release",
        "release late",
        "extend",
        "extension denied",
        "extension too late",
        "reroute",
        "reroute denied",
        "reroute too late",
        "expire",
        "close",
        "restored",
        "refused",
    ];
    for what in all {
        let times = reached.0.get(what).copied().unwrap_or(0);
        assert!(times >= 5, "{what} happened {times} times: {reached:?}");
    }
    println!("{} steps", done.get());
}

/// How many steps all cases have together, at least.
fn operations() -> u32 {
    std::env::var("ASSIZE_OPERATIONS").map_or(0, |number| number.parse().unwrap())
}

/// A little less than the mean.
const STEPS_PER_CASE: u32 = 28;
