//! `admit …`: decide, hold the money and put both on record; beside the peer's own three calls. And `snapshot …`: all
//! balances at one moment, while another thread goes on admitting.

use std::{
    env, fs,
    hint::black_box,
    path::PathBuf,
    process,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use assize::{
    budget::AccountTerms,
    caps::Caps,
    controller::{Admission, Call, Controller, CreateOptions, Permit},
    crypto::{KeyId, RootKey},
    id::{AccountId, LogId, Name},
    kernel::Request,
    num::Timestamp,
    overrun::Overrun,
    record::{Principal, Spend},
    wal::{self, Level, storage::Directory},
};
use calybris_core::{
    budget::BudgetEngine,
    kernel::{KernelInput, PolicySnapshot},
    wal::{AuditedRecord, WalWriter},
};

use crate::{
    catalog::{Catalog, Kind},
    measure::{self, REPETITIONS, cpu_time_of, median, nanos},
    ours::Ours,
    peer,
    prescribe::{CATALOG_SEED, REQUEST_SEED, REQUESTS, Scene},
    requests::Class,
    table::{Row, Table},
    threads::{self, Work},
};

pub fn rows(table: &mut Table) {
    if table.wants(ONE) {
        let scene = Admitting::new(ONE, 1);
        let beside =
            measure::beside_timed(REQUESTS, |rounds| scene.peer(rounds), |rounds| scene.ours(rounds));
        table.row(&Row::new(ONE, beside).with("candidates", CANDIDATES));
    }
    if table.wants(TWO) {
        let scene = Admitting::new(TWO, 1);
        let row = threads::beside_row(
            TWO,
            Work {
                calls: REQUESTS,
                peer: |rounds| scene.peer_rounds(rounds as usize),
                ours: |rounds| scene.ours_rounds(rounds as usize),
                after: || {
                    scene.settle();
                },
            },
        );
        table.row(&row.with("candidates", CANDIDATES));
    }
    if table.wants(SNAPSHOT) {
        table.row(&snapshot_row(&Admitting::new(SNAPSHOT, ACCOUNTS)));
    }
}

/// A controller, and the peer's policy, budget and log; both logs keyed, and files in one directory.
pub struct Admitting {
    controller: Controller,
    account: AccountId,
    requests: Vec<Request>,
    permits: Mutex<Vec<Permit>>,
    policy: PolicySnapshot,
    budget: BudgetEngine,
    log: Mutex<WalWriter<AuditedRecord<()>>>,
    inputs: Vec<KernelInput>,
    held: Mutex<Vec<(u64, i64)>>,
    /// Taken away last.
    place: Place,
}

impl Admitting {
    /// With that many accounts, of which requests use the first. The answers of both are found equal.
    pub fn new(name: &str, accounts: usize) -> Self {
        let catalog = Catalog::draw(Kind::Uniform, CANDIDATES, CATALOG_SEED);
        let inputs = Class::Broad.draw(&catalog, Kind::Uniform, REQUESTS, REQUEST_SEED);
        let scene = Scene::new(name, peer::policy(&catalog), Ours::new(&catalog), inputs);
        let place = Place::new(name);
        let key = RootKey::new(KeyId(1), &KEY).expect("it is long enough");
        let mut options = CreateOptions::new(LogId([1; 16]), key, scene.ours.policy, NOW);
        // Several segments, where a log is read on several threads.
        options.log.segment_bytes = 4 << 20;
        let directory = Directory::new(place.0.join("ours"));
        let controller = Controller::create(Box::new(directory), options).expect("nothing is there");
        let budget = BudgetEngine::new();
        for account in 0..accounts {
            let name = format!("account-{account}");
            budget.ensure_tenant(&name, GRANTED_MICROS);
            let name = Name::new(&name).expect("it is short");
            let terms = AccountTerms { name, parent: None, overrun: Overrun::Deny, caps: Caps::default() };
            let opened = controller.ensure_account(&terms, QUEUED).expect("there is room");
            let granted = GRANTED_MICROS.try_into().expect("it is an amount");
            let granted = controller.grant(opened, granted, QUEUED);
            let _ = granted.expect("it was granted nothing");
            if account % 65_536 == 0 {
                controller.with_ledger(|_| ()).expect("the log is sound");
            }
        }
        let log = WalWriter::open_keyed(&place.0.join("peer"), &KEY).expect("nothing is there");
        let made = Self {
            account: controller
                .account(&Name::new("account-0").expect("it is short"))
                .expect("it was opened"),
            controller,
            requests: scene.requests,
            permits: Mutex::default(),
            policy: scene.peer,
            budget,
            log: Mutex::new(log),
            inputs: scene.inputs,
            held: Mutex::default(),
            place,
        };
        made.check();
        made
    }

    /// A rotation of each holds the same.
    fn check(&self) {
        self.ours_rounds(1);
        self.peer_rounds(1);
        let ours = self.controller.read(self.account).expect("it was opened").reserved_micros;
        assert_eq!(i64::try_from(ours), Ok(self.budget.reserved_microcents("account-0")));
        assert!(ours > 0, "some requests cost something");
        self.settle();
    }

    /// Rotations whose records have all been handed to the system at the end: that is timed, what settles is not.
    fn ours(&self, rounds: usize) -> Duration {
        self.in_turns(rounds, |rounds| self.ours_rounds(rounds))
    }

    pub fn peer(&self, rounds: usize) -> Duration {
        self.in_turns(rounds, |rounds| self.peer_rounds(rounds))
    }

    fn in_turns(&self, rounds: usize, work: impl Fn(usize)) -> Duration {
        (0..rounds).fold(Duration::ZERO, |total, _| {
            let (time, ()) = cpu_time_of(|| work(1));
            self.settle();
            total + time
        })
    }

    pub fn ours_rounds(&self, rounds: usize) {
        for _ in 0..rounds {
            let permits = self.admit_all();
            self.write();
            self.keep(permits);
        }
    }

    /// One rotation, queued.
    pub fn admit_all(&self) -> Vec<Permit> {
        let mut permits = Vec::with_capacity(self.requests.len());
        permits.extend(self.requests.iter().filter_map(|request| self.admit(request)));
        permits
    }

    /// To be settled later.
    pub fn keep(&self, permits: impl IntoIterator<Item = Permit>) {
        self.permits.lock().unwrap_or_else(PoisonError::into_inner).extend(permits);
    }

    pub fn requests(&self) -> &[Request] {
        &self.requests
    }

    pub fn stats(&self) -> wal::Stats {
        self.controller.stats().expect("the log is sound").log
    }

    /// Everything is on disk.
    pub fn sync(&self) {
        self.controller.drain().expect("the log is sound");
        self.log.lock().unwrap_or_else(PoisonError::into_inner).flush().expect("it can be written");
    }

    pub fn directory(&self) -> Directory {
        Directory::new(self.place.0.join("ours"))
    }

    /// The bytes of our segments.
    pub fn segments(&self) -> Vec<Vec<u8>> {
        let listed = fs::read_dir(self.place.0.join("ours")).expect("it is there");
        listed.map(|entry| fs::read(entry.expect("it is there").path()).expect("it is there")).collect()
    }

    pub fn peer_path(&self) -> PathBuf {
        self.place.0.join("peer")
    }

    pub fn peer_bytes(&self) -> u64 {
        fs::metadata(self.peer_path()).expect("it is there").len()
    }

    pub fn peer_policy(&self) -> &PolicySnapshot {
        &self.policy
    }

    /// One decision of the peer's that is on disk when it is answered.
    pub fn peer_synced(&self, step: usize) {
        let input = &self.inputs[step % self.inputs.len()];
        let decision = peer::prescribe(&self.policy, black_box(input));
        let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        black_box(log.append_audited(&self.policy, *input, decision, ()).expect("it can be written"));
        log.flush_and_sync().expect("it can be synced");
    }

    /// The permit, unless nobody can serve.
    fn admit(&self, request: &Request) -> Option<Permit> {
        self.admit_at(request, Level::Queued)
    }

    pub fn admit_at(&self, request: &Request, level: Level) -> Option<Permit> {
        let admission = Admission {
            principal: Principal::Attested(Name::new("bench").expect("it is short")),
            accounts: &[self.account],
            request: black_box(request),
            deadline: Timestamp(i64::MAX),
        };
        self.controller.admit(&admission, Call { level, ..QUEUED }).ok()
    }

    /// Hands to the system what is queued, as the peer does with each record.
    fn write(&self) {
        self.controller.with_ledger(|_| ()).expect("the log is sound");
    }

    pub fn peer_rounds(&self, rounds: usize) {
        for _ in 0..rounds {
            let mut held = Vec::with_capacity(self.inputs.len());
            for input in &self.inputs {
                let decision = peer::prescribe(&self.policy, black_box(input));
                let cost = decision.estimated_cost_microunits as i64;
                if cost > 0 {
                    let (_, id) = self.budget.try_reserve("account-0", cost);
                    held.push((id.expect("there is enough"), cost));
                }
                let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
                let entry = log.append_audited(&self.policy, *input, decision, ());
                black_box(entry.expect("the file can be written"));
            }
            self.held.lock().unwrap_or_else(PoisonError::into_inner).extend(held);
        }
    }

    /// Spends nothing of what is held in both.
    pub fn settle(&self) {
        for permit in self.permits.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            let settled = self.controller.commit(permit, Spend::Amount(assize::num::Amount::ZERO), QUEUED);
            let _ = settled.expect("it is open");
        }
        for (id, _) in self.held.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            black_box(self.budget.commit(id, 0));
        }
        self.write();
    }
}

/// How fast one thread admits while another copies every balance, again and again, beside a loop that shares nothing.
fn snapshot_row(scene: &Admitting) -> Row {
    let (mut ours_shares, mut spin_shares, mut relative) = (Vec::new(), Vec::new(), Vec::new());
    let (mut ours_ms, mut peer_ms) = (Vec::new(), Vec::new());
    let ours = || {
        let taken = scene.controller.snapshot().expect("the log is sound");
        let balances: Vec<_> = taken
            .accounts()
            .map(|(account, it)| (account, it.limits.current(0).map(|(_, cell)| *cell)))
            .collect();
        assert_eq!(black_box((taken.sequence(), balances)).1.len(), ACCOUNTS);
    };
    let admit = || {
        let mut rotation = scene.requests.iter().cycle();
        let mut admitted = 0_usize;
        // One hold at a time, and it hands to the system what it queued, so that each of both threads does its own work
        // and waits for the other where they meet.
        move || {
            admitted += 1;
            if admitted.is_multiple_of(REQUESTS) {
                scene.write();
            }
            if let Some(permit) = rotation.next().and_then(|request| scene.admit(request)) {
                let spent = Spend::Amount(assize::num::Amount::ZERO);
                let _ = scene.controller.commit(permit, spent, QUEUED).expect("it is open");
            }
        }
    };
    let spin = || || measure::spin(1_000);
    for _ in 0..REPETITIONS {
        let (admitting, times) = share(admit, ours);
        let (spinning, _) = share(spin, ours);
        ours_ms.extend(times);
        ours_shares.push(admitting);
        spin_shares.push(spinning);
        relative.push(admitting / spinning);
    }
    for _ in 0..PEER_SNAPSHOTS {
        let start = Instant::now();
        assert_eq!(black_box(scene.budget.snapshot()).tenants.len(), ACCOUNTS);
        peer_ms.push(nanos(start.elapsed()) / 1e6);
    }
    Row::new(SNAPSHOT, None)
        .with("share_admitting", median(ours_shares))
        .with("share_spin", median(spin_shares))
        .with("relative", median(relative))
        .with("snapshot_ms", median(ours_ms))
        .with("peer_snapshot_ms", median(peer_ms))
}

/// How much of its quiet rate one thread keeps while another takes snapshots; and how long each of these took, in
/// milliseconds.
fn share<W: FnMut()>(work: impl Fn() -> W + Sync, snapshot: impl Fn()) -> (f64, Vec<f64>) {
    let done = AtomicBool::new(false);
    let rate = |snapshots: &dyn Fn() -> Vec<f64>| {
        // ORDERING: nothing else is told by it; the scope's join orders the rest.
        done.store(false, Ordering::Relaxed);
        thread::scope(|scope| {
            let worker = scope.spawn(|| {
                let (mut step, mut steps, start) = (work(), 0_u64, Instant::now());
                // ORDERING: see above.
                while !done.load(Ordering::Relaxed) {
                    step();
                    steps += 1;
                }
                steps as f64 / nanos(start.elapsed())
            });
            let times = snapshots();
            // ORDERING: see above.
            done.store(true, Ordering::Relaxed);
            (worker.join().expect("the work does not panic"), times)
        })
    };
    let (quiet, _) = rate(&|| {
        thread::sleep(WINDOW);
        Vec::new()
    });
    let (beside, times) = rate(&|| {
        let (begin, mut times) = (Instant::now(), Vec::new());
        while begin.elapsed() < WINDOW {
            let start = Instant::now();
            snapshot();
            times.push(nanos(start.elapsed()) / 1e6);
        }
        times
    });
    (beside / quiet, times)
}

/// A directory that goes with its owner.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        let path = env::temp_dir().join(format!("assize-peers-{}-{}", process::id(), name.replace(' ', "-")));
        fs::create_dir(&path).expect("the directory for temporary files can be written");
        Self(path)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            eprintln!("{}: {error}", self.0.display());
        }
    }
}

const ONE: &str = "admit 1 thread";
const TWO: &str = "admit 2 threads";
const SNAPSHOT: &str = "snapshot 1000000 accounts";
const CANDIDATES: usize = 22;
const ACCOUNTS: usize = 1_000_000;
const PEER_SNAPSHOTS: usize = 3;
const WINDOW: Duration = Duration::from_millis(200);
const GRANTED_MICROS: i64 = 1 << 42;
pub const KEY: [u8; 32] = [7; 32];
const NOW: Timestamp = Timestamp(1_700_000_000_000_000_000);
const QUEUED: Call = Call { at: NOW, level: Level::Queued, operation: None };
