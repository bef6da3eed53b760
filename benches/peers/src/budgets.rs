//! `reserve+commit …`: money held before the work and spent after it, in both engines; totals equal first.

use std::{
    hint::black_box,
    sync::atomic::{AtomicU64, Ordering},
};

use allocation_counter::measure as allocations;
use assize::{
    budget::{AccountTerms, Engine, EngineOptions, Path},
    caps::Caps,
    id::{AccountId, Name},
    num::Amount,
    overrun::Overrun,
};
use calybris_core::budget::{BudgetEngine, BudgetSettlement};

use crate::{
    measure::{self, Beside, cpu_time_of},
    prescribe::REQUEST_SEED,
    random::Random,
    table::{Row, Table},
    threads::{self, THREADS, Work},
};

pub fn rows(table: &mut Table) {
    if table.wants(ONE) {
        table.row(&beside_row(ONE, &Scene::new(1, 1, 1)));
    }
    if table.wants(OWN) {
        table.row(&threads_row(OWN, &Scene::new(THREADS, 1, 1)));
    }
    if table.wants(SHARED) {
        table.row(&threads_row(SHARED, &Scene::new(1, 1, THREADS)));
    }
    if table.wants(CELL) {
        table.row(&threads_row(CELL, &Scene::new(1, 1, 1)));
    }
    if table.wants(LEVELS) {
        table.row(&levels_row(&Scene::new(1, 3, 1)));
    }
    if table.wants(MANY) {
        table.row(&beside_row(MANY, &Scene::new(100_000, 1, 1)));
    }
}

/// Both engines with the same accounts, each a leaf below as many others as there are levels, and the same pairs.
struct Scene {
    ours: Engine,
    peer: BudgetEngine,
    /// The paths of the leaves, and the peer's tenants in their place, leaf to root; in a fixed shuffled order. Of one
    /// leaf in stripes, its path on each.
    paths: Vec<Path>,
    tenants: Vec<Vec<String>>,
    /// What is held and what is spent of it.
    pairs: Vec<(Amount, Amount)>,
    /// Where each of both engines' rotations over the accounts stands.
    next: [usize; 2],
}

impl Scene {
    fn new(leaves: usize, levels: usize, stripes: usize) -> Self {
        let mut random = Random::part(REQUEST_SEED, 21);
        let options = EngineOptions { accounts_reserved: leaves * levels, ..EngineOptions::default() };
        let (mut ours, peer) = (Engine::new(options), BudgetEngine::new());
        let mut accounts = Vec::new();
        for leaf in 0..leaves {
            let (mut names, mut parent) = (Vec::new(), None);
            for level in 0..levels {
                let name = format!("account-{leaf}-{level}");
                parent = Some(open(&ours, &name, parent));
                peer.ensure_tenant(&name, GRANTED_MICROS);
                names.insert(0, name);
            }
            let leaf = parent.expect("there is a level");
            ours.stripe(leaf, stripes as u8).expect("it can be");
            let paths = (0..stripes).map(|stripe| ours.path_on_stripe(&[leaf], stripe).expect("it is open"));
            accounts.push((paths.collect::<Vec<_>>(), names));
        }
        for place in (1..accounts.len()).rev() {
            accounts.swap(place, random.within(0, place as u64) as usize);
        }
        let (paths, tenants): (Vec<_>, _) = accounts.into_iter().unzip();
        let paths = paths.concat();
        let pairs = (0..PAIRS)
            .map(|_| {
                let held = random.within(1_000, 100_000);
                (amount(held), amount(random.within(held / 2, held - 1)))
            })
            .collect();
        let mut scene = Self { ours, peer, paths, tenants, pairs, next: [0; 2] };
        scene.check();
        scene
    }

    /// One rotation of ours and of the peer's, after which every account has the same in both.
    fn check(&mut self) {
        let rotations = self.paths.len().div_ceil(PAIRS);
        ours_rounds(&self.ours, &self.paths, &self.pairs, &mut self.next[0], rotations);
        peer_rounds(&self.peer, &self.tenants, &self.pairs, &mut self.next[1], rotations, usize::MAX);
        for (path, tenants) in self.paths.iter().zip(&self.tenants) {
            for (account, tenant) in self.ours.accounts_on(path).zip(tenants) {
                let ours = self.ours.read(account).expect("it was opened");
                let theirs = (self.peer.remaining_microcents(tenant), self.peer.committed_microcents(tenant));
                let own = (ours.available_micros, ours.committed_micros as i64);
                assert_eq!((Some(own.0), Some(own.1)), theirs, "{tenant}");
                assert_eq!(i64::try_from(ours.reserved_micros), Ok(self.peer.reserved_microcents(tenant)));
            }
        }
    }

    /// Allocations of ours for each 1,000 pairs.
    fn allocations_per_1000(&self) -> u64 {
        let (mut next, rotations) = (0, 1_000_usize.div_ceil(PAIRS) * 4);
        let count = allocations(|| ours_rounds(&self.ours, &self.paths, &self.pairs, &mut next, rotations));
        count.count_total * 1_000 / (rotations * PAIRS) as u64
    }

    /// Of many accounts, each batch begins with an untimed rotation over all of them: else what is timed would be how
    /// much of ours the peer's work has pushed out of the caches, and the other way round.
    fn beside(&self, tenants_each: usize) -> Beside {
        let warm = if self.paths.len() > 1 { self.paths.len().div_ceil(PAIRS) } else { 0 };
        let (mut own, mut theirs) = (0, 0);
        let mut peer = |rounds| {
            peer_rounds(&self.peer, &self.tenants, &self.pairs, &mut theirs, rounds, tenants_each);
        };
        let mut ours = |rounds| ours_rounds(&self.ours, &self.paths, &self.pairs, &mut own, rounds);
        measure::beside_timed(
            PAIRS,
            |rounds| {
                peer(warm);
                cpu_time_of(|| peer(rounds)).0
            },
            |rounds| {
                ours(warm);
                cpu_time_of(|| ours(rounds)).0
            },
        )
    }
}

/// Whole rotations of the pairs, the accounts in turn.
fn ours_rounds(engine: &Engine, paths: &[Path], pairs: &[(Amount, Amount)], next: &mut usize, rounds: usize) {
    for _ in 0..rounds {
        for &(held, spent) in pairs {
            let hold = engine.reserve(black_box(&paths[*next]), held).expect("there is enough");
            let _ = black_box(engine.commit(hold, spent).expect("it is open"));
            *next = if *next + 1 == paths.len() { 0 } else { *next + 1 };
        }
    }
}

/// The same of the peer's. It has no levels: what is to be held at several tenants is reserved at each.
fn peer_rounds(
    engine: &BudgetEngine,
    tenants: &[Vec<String>],
    pairs: &[(Amount, Amount)],
    next: &mut usize,
    rounds: usize,
    tenants_each: usize,
) {
    let mut ids = Vec::with_capacity(8);
    for _ in 0..rounds {
        for &(held, spent) in pairs {
            for tenant in tenants[*next].iter().take(tenants_each) {
                let (_, id) = engine.try_reserve(black_box(tenant), held.signed_micros());
                ids.push(id.expect("there is enough"));
            }
            for id in ids.drain(..) {
                let settled = engine.commit(id, spent.signed_micros());
                assert!(matches!(settled, BudgetSettlement::Committed { .. }), "{settled:?}");
            }
            *next = if *next + 1 == tenants.len() { 0 } else { *next + 1 };
        }
    }
}

fn beside_row(name: &str, scene: &Scene) -> Row {
    Row::new(name, scene.beside(usize::MAX)).with("allocations_per_1000", scene.allocations_per_1000())
}

/// Beside as many tenants of the peer's as we have levels, and beside one, which holds a third of what we hold.
fn levels_row(scene: &Scene) -> Row {
    let (one, all) = (scene.beside(1), scene.beside(usize::MAX));
    Row::new(LEVELS, all)
        .with("peer_one_tenant_ns", one.peer_ns)
        .with("ratio_one_tenant", one.ratio)
        .with("allocations_per_1000", scene.allocations_per_1000())
}

/// Two threads at once: each on an account of its own, or both on the same, in stripes or in one cell.
fn threads_row(name: &str, scene: &Scene) -> Row {
    let threads = AtomicU64::new(0);
    // ORDERING: only who is which; the barrier orders the rest.
    let place = |places: usize| threads.fetch_add(1, Ordering::Relaxed) as usize % places;
    let ours = |rounds: u64| {
        let paths = &scene.paths[place(scene.paths.len())..][..1];
        ours_rounds(&scene.ours, paths, &scene.pairs, &mut 0, rounds as usize);
    };
    let peer = |rounds: u64| {
        let tenants = &scene.tenants[place(scene.tenants.len())..][..1];
        peer_rounds(&scene.peer, tenants, &scene.pairs, &mut 0, rounds as usize, usize::MAX);
    };
    threads::beside_row(name, Work { calls: PAIRS, peer, ours, after: || () })
}

fn open(engine: &Engine, name: &str, parent: Option<AccountId>) -> AccountId {
    let name = Name::new(name).expect("it is short");
    let account = engine
        .ensure_account(&AccountTerms { name, parent, overrun: Overrun::Deny, caps: Caps::default() })
        .expect("there is room for it");
    engine.grant(account, GRANTED_MICROS).expect("it was granted nothing");
    account
}

fn amount(micros: u64) -> Amount {
    Amount::new(micros).expect("it is small")
}

const ONE: &str = "reserve+commit 1 thread";
const OWN: &str = "reserve+commit 2 threads own accounts";
const SHARED: &str = "reserve+commit 2 threads one account";
const CELL: &str = "reserve+commit 2 threads one cell";
const LEVELS: &str = "reserve+commit 3 levels";
const MANY: &str = "reserve+commit 100000 accounts";
const PAIRS: usize = 256;
/// Enough for every repetition of both.
const GRANTED_MICROS: i64 = 1 << 60;
