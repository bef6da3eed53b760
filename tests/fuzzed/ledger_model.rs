//! Records drawn from bytes: the log's ledger takes each that the naive model of `tests/ledger_model` says, refuses what is near
//! it, and has the same money.

use super::{
    Reached,
    kernel_oracle::words,
    ledger_run::{self, Run, Step},
    oracle::tape::Tape,
};

/// Bytes: a choice each.
pub fn check(bytes: &[u8]) -> Reached {
    let words = words(bytes);
    let mut tape = Tape::new(&words);
    let steps: Vec<Step> = (0..bytes.len().div_ceil(4).min(STEPS_MAX)).map(|_| draw(&mut tape)).collect();
    let mut reached = ledger_run::Reached::default();
    Run::begun(&mut reached).take_all(&steps);
    reached.0.into_keys().collect()
}

fn draw(tape: &mut Tape<'_>) -> Step {
    let any = |tape: &mut Tape<'_>| tape.below(64);
    match tape.below(32) {
        0..7 => Step::Admit {
            named: (0..tape.between(1, 3)).map(|_| tape.below(64)).collect(),
            calls: tape.below(12) as u64,
            seconds: 1 + tape.below(90) as u64,
        },
        7..11 => Step::PartCommit { hold: any(tape), part: part(tape) },
        11..15 => Step::Commit { hold: any(tape), part: part(tape) },
        15..18 => Step::Adjust { hold: any(tape), to: part(tape) },
        18 => Step::Release { hold: any(tape) },
        19..21 => {
            Step::Extend { hold: any(tape), micros: 4 * tape.below(256) as u64, later: tape.below(40) as u64 }
        }
        21..23 => Step::Reroute {
            hold: any(tape),
            calls: tape.below(80) as u64,
            seconds: 1 + tape.below(90) as u64,
        },
        23..25 => Step::Expire { from: any(tape) },
        25 => Step::Open { parent: any(tape), mode: tape.below(3) },
        26..28 => Step::Grant { account: any(tape), change: 8 * tape.below(256) as i64 - 400 },
        28 => Step::Close { account: any(tape) },
        _ => Step::Wait { seconds: tape.below(80) as u64 },
    }
}

fn part(tape: &mut Tape<'_>) -> u64 {
    let most = assize::num::Amount::MAX.micros();
    match tape.below(256) {
        small @ 0..120 => small as u64,
        more @ 120..244 => 40 * more as u64,
        edge => [0, 1, most - 1, most][edge % 4],
    }
}

const STEPS_MAX: usize = 120;
