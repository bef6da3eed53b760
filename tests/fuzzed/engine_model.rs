//! Calls of the budget engine drawn from bytes: the naive ledger of `tests/budget_model` answers alike and has the same money.

use std::cell::RefCell;
use std::collections::BTreeMap;

use assize::overrun::Overrun;

use super::{
    Reached,
    engine_pair::{
        Pair,
        ops::{LAST, Op},
    },
    kernel_oracle::words,
    oracle::tape::Tape,
};

/// Bytes: a choice each.
pub fn check(bytes: &[u8]) -> Reached {
    let met = RefCell::new(BTreeMap::new());
    let words = words(bytes);
    let mut tape = Tape::new(&words);
    let mut pair = Pair::new(&met).unwrap();
    // A call takes three choices or more.
    for _ in 0..bytes.len().div_ceil(3).min(CALLS_MAX) {
        pair.run(&draw(&mut tape)).unwrap_or_else(|error| panic!("{error}"));
        pair.compare().unwrap_or_else(|error| panic!("{error}"));
    }
    drop(pair);
    met.into_inner().into_keys().collect()
}

fn draw(tape: &mut Tape<'_>) -> Op {
    match tape.below(32) {
        0..8 => Op::Reserve { accounts: accounts(tape), micros: amount(tape) },
        8..13 => Op::Grant { account: tape.below(64), delta_micros: change(tape) },
        13..16 => Op::Open {
            parent: tape.pick(&[None, Some(0), Some(LAST), Some(LAST), Some(3)]),
            overrun: tape.pick(&[Overrun::Deny, Overrun::IfAvailable, Overrun::Debt]),
        },
        16..19 => Op::Extend { hold: hold(tape), micros: amount(tape) },
        19..22 => Op::PartCommit { hold: hold(tape), micros: amount(tape) },
        22..25 => Op::Commit { hold: hold(tape), micros: amount(tape) },
        25..27 => Op::Adjust { account: tape.below(64), change_micros: change(tape) },
        27 => Op::Release { hold: hold(tape) },
        28 => Op::Expire { hold: hold(tape) },
        29 => Op::Forget { hold: hold(tape) },
        30 => Op::Close { account: tape.below(64) },
        _ => Op::Close { account: LAST },
    }
}

fn accounts(tape: &mut Tape<'_>) -> Vec<usize> {
    let count = tape.pick(&[1, 1, 2, 3, 4, 5, 0]);
    (0..count).map(|_| tape.pick(&[LAST, LAST - 1, 0, 1, 2, 7, 12])).collect()
}

fn hold(tape: &mut Tape<'_>) -> usize {
    match tape.below(12) {
        back @ 0..8 => LAST - back,
        _ => tape.below(256),
    }
}

fn amount(tape: &mut Tape<'_>) -> u64 {
    const MAX: u64 = i64::MAX.unsigned_abs();
    match tape.below(256) {
        small @ 0..240 => small as u64,
        edge => [MAX, MAX - 1, MAX / 2, 1 << 40][edge % 4],
    }
}

fn change(tape: &mut Tape<'_>) -> i64 {
    match tape.below(256) {
        up @ 0..180 => up as i64 * 4,
        down @ 180..246 => 180 - down as i64,
        edge => [i64::MAX, i64::MAX / 2, -i64::MAX, i64::MIN][edge % 4],
    }
}

const CALLS_MAX: usize = 200;
