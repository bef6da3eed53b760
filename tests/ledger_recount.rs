//! What a restored ledger's holds say was booked and missed is in its accounts' counters. FORMAT 10.12.
#![cfg(feature = "wal")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test"
)]

#[path = "ledger/world.rs"]
mod world;

use assize::{
    id::AccountId,
    ledger::{CheckpointError, Ledger},
    overrun::Overrun,
    record::{Record, Settled},
};
use world::*;

/// One account, granted 1,000 µ; two holds of 60 µ whose parts have spent 10 µ each, and one that has been settled
/// with 75 µ, 15 of them unfunded. Nothing is booked that is not remembered.
fn spent() -> World {
    let mut world = World::new();
    world.must(&Record::Terms(remembering(2, 1_000)));
    world.must(&account("a", None, Overrun::Deny));
    world.must(&grant(0, 1_000));
    let settled = world.admit(&[0], 3, 600);
    let open = world.admit(&[0], 3, 600);
    let expired = world.admit(&[0], 3, 5);
    for hold in [open, expired] {
        world.must(&part_amount(hold, (10, 0, 0, 50)));
    }
    world.must(&commit_amount(settled, (Settled::InTime, 75, 0, 15)));
    world.wait(5);
    world.must(&expire(&[expired]));
    assert_eq!(world.money(0), (1_000 - 80 - 50, 50, 80, 15));
    world
}

/// From the end: no operations (4 bytes), a settled hold and the count of them, two other holds.
const SETTLED_BYTES: usize = 8 + 8 + 8 + 8 + 1 + 4 + 1 + 13;
const HOLD_BYTES: usize = 8 + 1 + 8 + 8 + 8 + 8 + 8 + 4 + 1 + 4 + 1 + 13;

#[test]
fn a_form_whose_holds_have_spent_more_than_its_accounts_is_none() {
    let form = spent().form();
    assert!(Ledger::decode(&form).is_ok());
    let settled = form.len() - 4 - SETTLED_BYTES;
    let expired = settled - 4 - HOLD_BYTES;
    let open = expired - HOLD_BYTES;
    let booked = Some("its holds have booked more than it has committed");
    let missed = Some("its holds have missed more than it has unfunded");
    // Where, what is there, what is put there, and why that is none; less is taken: it may be forgotten.
    let rows = [
        (settled + 16, 60, 61, booked),
        (settled + 16, 60, 59, None),
        (settled + 16, 60, i64::MAX.unsigned_abs() - 15, booked),
        (settled + 24, 15, 16, missed),
        (settled + 24, 15, 14, None),
        (open + 17, 10, 11, booked),
        (open + 17, 10, 9, None),
        (open + 25, 0, 1, missed),
        (expired + 17, 10, 11, booked),
        (expired + 17, 10, 9, None),
        (expired + 25, 0, 1, missed),
    ];
    for (at, before, after, expected) in rows {
        let mut altered = form.clone();
        let place = &mut altered[at..at + 8];
        assert_eq!(place, u64::to_le_bytes(before), "at {at}");
        place.copy_from_slice(&u64::to_le_bytes(after));
        let refused = match Ledger::decode(&altered) {
            Ok(_) => None,
            Err(CheckpointError::Account { account, what }) => {
                assert_eq!(account, AccountId(0));
                Some(what)
            }
            Err(other) => panic!("{other:?}"),
        };
        assert_eq!(refused, expected, "at {at}: {before} became {after}");
    }
}

/// A counter that has saturated says no number any more.
#[test]
fn a_saturated_counter_holds_every_sum() {
    let mut world = World::with(remembering(3, 1_000));
    world.must(&account("a", None, Overrun::Deny));
    let most = i64::MAX.unsigned_abs();
    for _ in 0..3 {
        let hold = world.admit(&[0], 0, 600);
        world.must(&commit_amount(hold, (Settled::InTime, most, 0, most)));
    }
    assert_eq!(world.money(0), (0, 0, 0, u64::MAX));
    assert!(Ledger::decode(&world.form()).is_ok());
}
