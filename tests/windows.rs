//! Windows, throttles, caps on exposure and accounts that move, through the controller and its log: by hand, and by
//! chance at size.
#![cfg(feature = "wal")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::let_underscore_must_use,
    clippy::type_complexity,
    reason = "a test that fails by panicking fails"
)]

#[path = "windows/by_chance.rs"]
mod by_chance;
#[path = "windows/exposure.rs"]
mod exposure;
#[path = "windows/reparenting.rs"]
mod reparenting;
#[path = "windows/rolling.rs"]
mod rolling;
mod scene;
#[path = "windows/throttling.rs"]
mod throttling;

use std::num::NonZeroI64;

use assize::{
    budget::AccountTerms,
    caps::{Caps, CapsDraft},
    controller::{Denial, NotAdmitted, Permit},
    id::{AccountId, LimitId},
    overrun::Overrun,
    record::{Spend, Terms},
    window::Window,
};
use scene::{SECOND, Scene, Setup, call, call_now, micros, name};

/// Ten seconds: the log's first time begins one.
const TEN: Window = Window::Fixed { length_ns: 10_000_000_000, origin_ns: 0 };

/// A scene in which holds can be adjusted for a minute, and settled late for ten seconds.
fn scene() -> Scene {
    let terms = Terms {
        adjust_window_ns: 60_000_000_000,
        settled_max: 100,
        late_window_ns: 10_000_000_000,
        clock_jump_ns_max: u64::MAX,
        ..Terms::default()
    };
    Scene::with(Setup { terms, ..Setup::default() })
}

fn windows(windows: &[Window]) -> CapsDraft {
    CapsDraft { windows: windows.to_vec(), ..CapsDraft::default() }
}

fn open(
    scene: &Scene,
    text: &str,
    parent: Option<AccountId>,
    overrun: Overrun,
    caps: CapsDraft,
) -> AccountId {
    let terms = AccountTerms { name: name(text), parent, overrun, caps: Caps::new(caps).unwrap() };
    scene.controller.ensure_account(&terms, call_now(&scene.controller)).unwrap()
}

fn grant(scene: &Scene, limit: impl Into<LimitId>, change: i64, seconds: i64) {
    let change = NonZeroI64::new(change).unwrap();
    scene.controller.grant(limit, change, call(seconds * SECOND)).unwrap();
}

/// Admits so many units at 10 µ.
fn admit(scene: &Scene, accounts: &[AccountId], units: u64, seconds: i64) -> Permit {
    scene.admit(accounts, &scene.ask(units), call(seconds * SECOND)).unwrap()
}

fn denied(scene: &Scene, accounts: &[AccountId], units: u64, seconds: i64) -> Denial {
    match scene.admit(accounts, &scene.ask(units), call(seconds * SECOND)) {
        Err(NotAdmitted::Denied(denial)) => denial,
        other => panic!("{other:?}"),
    }
}

fn commit(scene: &Scene, permit: Permit, spent: u64, seconds: i64) {
    let _ = scene.controller.commit(permit, Spend::Amount(micros(spent)), call(seconds * SECOND)).unwrap();
}

/// The current cell of a limit, in the ledger: granted, available, reserved, committed, lapsed, unfunded.
fn current(scene: &Scene, limit: impl Into<LimitId>) -> [i64; 6] {
    let LimitId { account, limit } = limit.into();
    scene::check_books(&scene.controller);
    let cells = scene.controller.with_ledger(|ledger| {
        let of = ledger.account(account).unwrap();
        counters(of.limits.current(limit).unwrap().1)
    });
    cells.unwrap()
}

/// All cells of a limit, the current one last.
fn all(scene: &Scene, limit: impl Into<LimitId>) -> Vec<[i64; 6]> {
    let LimitId { account, limit } = limit.into();
    let cells = scene.controller.with_ledger(|ledger| {
        let of = ledger.account(account).unwrap();
        of.limits.cells().filter(|(number, ..)| *number == limit).map(|(.., cell)| counters(cell)).collect()
    });
    cells.unwrap()
}

fn counters(cell: &assize::ledger::Cell) -> [i64; 6] {
    [
        cell.granted_micros,
        cell.available_micros,
        cell.reserved_micros as i64,
        cell.committed_micros as i64,
        cell.lapsed_micros as i64,
        cell.unfunded_micros as i64,
    ]
}
