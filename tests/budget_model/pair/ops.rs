//! What is done to the engine and to the ledger: any calls, in any order.

use assize::overrun::Overrun;
use proptest::prelude::*;

#[derive(Clone, Debug)]
pub(crate) enum Op {
    Open { parent: Option<usize>, overrun: Overrun },
    Grant { account: usize, delta_micros: i64 },
    Reserve { accounts: Vec<usize>, micros: u64 },
    Extend { hold: usize, micros: u64 },
    PartCommit { hold: usize, micros: u64 },
    Commit { hold: usize, micros: u64 },
    Adjust { account: usize, change_micros: i64 },
    Release { hold: usize },
    Expire { hold: usize },
    Forget { hold: usize },
    Close { account: usize },
}

fn amounts() -> impl Strategy<Value = u64> {
    prop_oneof![
        8 => 0..40u64,
        1 => Just(0),
        1 => Just(1),
        1 => Just(MAX),
        1 => Just(MAX - 1),
        1 => Just(MAX / 2),
    ]
}

fn deltas() -> impl Strategy<Value = i64> {
    prop_oneof![
        10 => 0..200i64,
        3 => -60..0i64,
        1 => Just(i64::MAX),
        1 => Just(i64::MAX / 2),
        1 => Just(-i64::MAX),
        1 => Just(i64::MIN),
    ]
}

pub(crate) fn ops() -> impl Strategy<Value = Op> {
    let overrun =
        prop_oneof![2 => Just(Overrun::Deny), 3 => Just(Overrun::IfAvailable), 5 => Just(Overrun::Debt)];
    let index = 0..1_000usize;
    // Often below the account opened last, so that trees grow deep; the newest holds, so that many are still open.
    let parent = prop_oneof![1 => Just(None), 4 => index.clone().prop_map(Some), 5 => Just(Some(LAST))];
    let hold = prop_oneof![1 => index.clone(), 3 => (0..6usize).prop_map(|back| LAST - back)];
    let named = prop_oneof![
        10 => proptest::collection::vec(index.clone(), 1),
        10 => proptest::collection::vec(index.clone(), 2..=4),
        1 => proptest::collection::vec(index.clone(), 0..=5),
    ];
    prop_oneof![
        8 => (parent, overrun).prop_map(|(parent, overrun)| Op::Open { parent, overrun }),
        30 => (index.clone(), deltas()).prop_map(|(account, delta_micros)| Op::Grant { account, delta_micros }),
        40 => (named, amounts()).prop_map(|(accounts, micros)| Op::Reserve { accounts, micros }),
        8 => (hold.clone(), amounts()).prop_map(|(hold, micros)| Op::Extend { hold, micros }),
        14 => (hold.clone(), amounts()).prop_map(|(hold, micros)| Op::PartCommit { hold, micros }),
        14 => (hold.clone(), amounts()).prop_map(|(hold, micros)| Op::Commit { hold, micros }),
        8 => (index.clone(), deltas()).prop_map(|(account, change_micros)| Op::Adjust { account, change_micros }),
        4 => hold.clone().prop_map(|hold| Op::Release { hold }),
        4 => hold.clone().prop_map(|hold| Op::Expire { hold }),
        2 => hold.prop_map(|hold| Op::Forget { hold }),
        1 => index.prop_map(|account| Op::Close { account }),
    ]
}

/// Counted back from here, an index means the latest account or hold.
pub(crate) const LAST: usize = usize::MAX;

const MAX: u64 = i64::MAX.unsigned_abs();
