//! One script, run twice, writes the same records.
#![cfg(feature = "wal")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    reason = "a test that fails by panicking fails"
)]

mod scene;

use assize::{
    controller::{Permit, Reroute},
    num::Timestamp,
    overrun::Overrun::{Debt, Deny, IfAvailable},
    record::{Halt, Spend, Terms},
    wal::Level,
};

use scene::{ALPHA, BETA, GAMMA, Scene, Setup, call, frames, micros, operation, tiny_at};

#[test]
fn two_runs_of_one_script_write_the_same_records() {
    let [first, second] = [(), ()].map(|()| script());
    assert_eq!(first.len(), second.len());
    for (one, other) in first.iter().zip(&second) {
        assert_eq!(one, other);
    }
    // Every kind of record that calls can write is among them.
    let kinds: std::collections::BTreeSet<u16> = first.iter().map(|(_, kind, _)| *kind).collect();
    assert_eq!(kinds.into_iter().collect::<Vec<_>>(), [2, 3, 16, 17, 18, 19, 20, 21, 22, 23, 32, 33]);
}

/// 400 calls drawn by a fixed rule; all records.
fn script() -> Vec<(assize::id::Sequence, u16, Vec<u8>)> {
    let terms = Terms { settled_max: 3, adjust_window_ns: 60, ..Terms::default() };
    let mut scene = Scene::with(Setup { terms, ..Setup::default() });
    let mut settled = assize::id::Sequence(1);
    let root = scene.account("root", Debt, 40_000);
    let accounts =
        [scene.account_under(Some(root), "a", Deny, 2_500), scene.account("b", IfAvailable, 9_000)];
    let mut held: Vec<Permit> = Vec::new();
    for step in 0_i64..400 {
        let call = call(step).level([Level::Queued, Level::Synced][(step % 2) as usize]);
        let named = call.operation(operation(step as u128, step));
        let request = scene.ask_for([ALPHA, BETA, GAMMA][(step % 3) as usize], (step * 7 % 23) as u64);
        let deadline = Timestamp(call.at.0 + 10 + step % 50);
        match step % 10 {
            0..5 => held.extend(scene.admit_until(&accounts, &request, deadline, named)),
            5 if !held.is_empty() => {
                let permit = held.remove(0);
                let former = std::mem::replace(&mut settled, permit.hold());
                let _outcome = scene.controller.commit(permit, Spend::Amount(micros(300)), named);
                for (hold, actual) in [(former, 90), (settled, 310 + step as u64 % 30)] {
                    let _outcome = scene.controller.adjust(hold, micros(actual), call);
                }
            }
            6 if !held.is_empty() => {
                let _outcome = scene.controller.release(held.remove(0), call);
            }
            7 => {
                if let Some(permit) = held.last_mut() {
                    let _outcome = scene.controller.extend(permit, micros(9), Some(deadline), named);
                    let so_far = Spend::Amount(micros(permit.spent().micros() + 40));
                    let _outcome = scene.controller.part_commit(permit, so_far, call);
                }
            }
            8 if !held.is_empty() => {
                let reroute = Reroute { failed: ALPHA, request: &request, deadline };
                let permit = held.remove(0);
                held.extend(scene.controller.reroute(permit, &reroute, named));
            }
            _ => {
                let _outcome = scene.controller.expire(call).unwrap();
            }
        }
        if step % 90 == 89 {
            let _outcome =
                scene.controller.halt([Halt::ReduceOnly, Halt::None][(step / 90 % 2) as usize], call);
            let _outcome = scene.controller.swap(tiny_at(step as u64, 10 + step as u64 % 7), call).unwrap();
            // What was queued is on disk: nothing is lost.
            held.clear();
            let (next, permits) = scene.crash();
            (scene, held) = (next, permits);
        }
    }
    let place = scene.place.clone();
    let calls = scene.finish();
    assert!(calls.admitted > 50 && calls.denied_budget > 5 && calls.denied_halted > 5, "{calls:?}");
    frames(&*place.storage())
}
