//! Thousands of operations by chance: after each the engine's cells are the ledger's, and every log replays to the
//! same ledger. `ASSIZE_OPERATIONS` says how many, in all.

use std::collections::BTreeMap;
use std::num::NonZeroI64;

use assize::{
    budget::EngineOptions,
    caps::{Bound, CapsDraft},
    controller::{DenialClass, NotAdmitted, NotExtended, Permit, Reroute},
    id::{AccountId, Sequence},
    overrun::Overrun,
    record::{Spend, Terms},
    throttle::{Counts, Throttle},
    wal::LogOptions,
    window::Window,
};
use proptest::{
    strategy::{Strategy as _, ValueTree as _},
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};

use crate::scene::{ALPHA, SECOND, Scene, Setup, at, call, check_books, micros};
use crate::{TEN, open, windows};

const DAY: i64 = 86_400;

/// What was met, and how often.
type Met = BTreeMap<&'static str, u64>;

struct World {
    scene: Scene,
    accounts: Vec<AccountId>,
    permits: Vec<Permit>,
    settled: Vec<Sequence>,
    /// Since the start, in ns.
    now: i64,
    met: Met,
    chance: TestRunner,
}

impl World {
    fn new(seed: u8, met: Met) -> Self {
        let terms = Terms {
            adjust_window_ns: 40_000_000_000,
            settled_max: 5,
            late_window_ns: 15_000_000_000,
            clock_jump_ns_max: u64::MAX,
            ..Terms::default()
        };
        let log = LogOptions { segment_bytes: 64 << 10, ..LogOptions::default() };
        let engine = EngineOptions { holds_max: 24, accounts_reserved: 1, ..EngineOptions::default() };
        let scene = Scene::with(Setup { terms, log, engine, ..Setup::default() });
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[seed; 32]);
        let mut world = Self {
            scene,
            accounts: Vec::new(),
            permits: Vec::new(),
            settled: Vec::new(),
            now: 0,
            met,
            chance: TestRunner::new_with_rng(Config::default(), rng),
        };
        world.open_accounts();
        world
    }

    fn upto(&mut self, below: u64) -> u64 {
        (0..below).new_tree(&mut self.chance).unwrap().current()
    }

    fn one_of<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.upto(of.len() as u64) as usize].clone()
    }

    fn met(&mut self, what: &'static str) {
        *self.met.entry(what).or_default() += 1;
    }

    fn open_accounts(&mut self) {
        let all = [
            Window::Lifetime,
            TEN,
            Window::Given,
            Window::Day { utc_offset_s: 3600 },
            Window::Month { utc_offset_s: -7200 },
            Window::Fixed { length_ns: 3_000_000_000, origin_ns: 1_000_000_000 },
        ];
        for number in 0..7 {
            let mut chosen: Vec<Window> = Vec::new();
            for _ in 0..=self.upto(3).min(2) {
                let window = self.one_of(&all);
                if !chosen.contains(&window) {
                    chosen.push(window);
                }
            }
            let mut caps = CapsDraft { ..windows(&chosen) };
            for _ in 0..self.upto(3) {
                let counts = self.one_of(&[Counts::Requests, Counts::Cost, Counts::Units { quantities: 3 }]);
                let (rate, burst) = (1 + self.upto(60), 20 + self.upto(400));
                caps.throttles.push(Throttle { counts, rate, period_ns: 1_500_000_000, burst });
            }
            caps.held_max = (self.upto(3) == 0).then(|| micros(1_200));
            caps.holds_max = (self.upto(2) == 0).then_some(2);
            let place = self.upto(number.max(1)) as usize;
            let parent = (number > 1).then(|| self.accounts[place]);
            let overrun = self.one_of(&[Overrun::Deny, Overrun::IfAvailable, Overrun::Debt, Overrun::Debt]);
            let account = open(&self.scene, &format!("a{number}"), parent, overrun, caps);
            self.accounts.push(account);
            for limit in 0..chosen.len() {
                let change = NonZeroI64::new(1 + self.upto(3_000) as i64).unwrap();
                self.scene.controller.grant(account.limit(limit as u8), change, call(self.now)).unwrap();
            }
        }
    }

    /// Seldom time stands still; mostly it goes on by a second or two, sometimes by days or months.
    fn pass_time(&mut self) {
        let seconds = match self.upto(60) {
            0..20 => 0,
            20..54 => self.upto(3) as i64,
            54..58 => 9 + self.upto(30) as i64,
            58 => DAY * (1 + self.upto(3) as i64),
            _ => DAY * 40,
        };
        self.now += seconds * SECOND + self.upto(3) as i64;
    }

    fn step(&mut self) {
        self.pass_time();
        match self.upto(20) {
            0..6 => self.admit(),
            6..9 => self.commit(),
            9 => self.release(),
            10 => self.part(),
            11..13 => self.extend(),
            13 => self.reroute(),
            14 => drop(self.scene.controller.expire(call(self.now)).unwrap()),
            15 => self.adjust(),
            16 => self.grant(),
            17 => self.end_window(),
            18 => self.reparent(),
            _ => {
                if self.upto(8) == 0 {
                    self.reopen();
                }
            }
        }
        check_books(&self.scene.controller);
        self.count_ended();
    }

    fn admit(&mut self) {
        let mut path = vec![self.one_of(&self.accounts.clone())];
        let other = self.one_of(&self.accounts.clone());
        if self.upto(3) == 0 && other != path[0] {
            path.push(other);
        }
        let sizes = [0, 1, 5, 20, 60, 150];
        let size = self.one_of(&sizes);
        let request = self.scene.ask(size);
        let deadline = at(self.now + 1 + (self.upto(25) as i64) * SECOND);
        match self.scene.admit_until(&path, &request, deadline, call(self.now)) {
            Ok(permit) => {
                self.met("admitted");
                self.permits.push(permit);
            }
            Err(NotAdmitted::Denied(denial)) => {
                let reason = *denial.audited_reason();
                self.met(match (denial.class(), reason.binding.map(|binding| binding.bound)) {
                    (DenialClass::Throttle, _) => "denied by a throttle",
                    (_, Some(Bound::Held)) => "denied by a cap on what is held",
                    (_, Some(Bound::Holds)) => "denied by a cap on holds",
                    (_, Some(Bound::Limit(0))) => "denied by the first limit",
                    (_, Some(Bound::Limit(_))) => "denied by another limit",
                    (class, None) => panic!("{class:?}"),
                });
            }
            Err(NotAdmitted::Faulted(_)) => self.met("no admission"),
            Err(other) => panic!("{other:?}"),
        }
    }

    fn permit(&mut self) -> Option<Permit> {
        let count = self.permits.len() as u64;
        (count > 0).then(|| self.upto(count) as usize).map(|place| self.permits.swap_remove(place))
    }

    fn commit(&mut self) {
        let Some(permit) = self.permit() else { return };
        let hold = permit.hold();
        let spent = match self.upto(4) {
            0 => permit.amount().micros(),
            1 => permit.spent().micros() + self.upto(permit.amount().micros() + 1),
            _ => permit.spent().micros() + permit.amount().micros() + self.upto(900),
        };
        match self.scene.controller.commit(permit, Spend::Amount(micros(spent)), call(self.now)) {
            Ok(settled) => {
                self.met("committed");
                if settled.outcome.booked_extra.micros() > 0 {
                    self.met("booked above the hold");
                }
                if settled.outcome.unfunded.micros() > 0 {
                    self.met("unfunded");
                }
                self.settled.push(hold);
            }
            Err(_) => self.met("not committed"),
        }
    }

    fn release(&mut self) {
        let Some(permit) = self.permit() else { return };
        let released = self.scene.controller.release(permit, call(self.now)).is_ok();
        self.met(if released { "released" } else { "not released" });
    }

    fn part(&mut self) {
        let Some(mut permit) = self.permit() else { return };
        let spent = permit.spent().micros() + self.upto(300);
        let spend = Spend::Amount(micros(spent));
        if self.scene.controller.part_commit(&mut permit, spend, call(self.now)).is_ok() {
            self.met("committed in part");
        }
        self.permits.push(permit);
    }

    fn extend(&mut self) {
        let Some(mut permit) = self.permit() else { return };
        let more = micros(self.upto(400));
        let deadline = Some(at(self.now + 30 * SECOND));
        match self.scene.controller.extend(&mut permit, more, deadline, call(self.now)) {
            Ok(_) => self.met("extended"),
            Err(NotExtended::Denied(_)) => self.met("not extended"),
            Err(NotExtended::Faulted(_)) => {}
        }
        self.permits.push(permit);
    }

    fn reroute(&mut self) {
        let Some(permit) = self.permit() else { return };
        let request = self.scene.ask(3);
        let reroute = Reroute { failed: ALPHA, request: &request, deadline: at(self.now + 9 * SECOND) };
        if let Ok(permit) = self.scene.controller.reroute(permit, &reroute, call(self.now)) {
            self.met("rerouted");
            self.permits.push(permit);
        }
    }

    fn adjust(&mut self) {
        let Some(hold) = self.settled.last().copied() else { return };
        let actual = micros(self.upto(800));
        match self.scene.controller.adjust(hold, actual, call(self.now)) {
            Ok(adjusted) if adjusted.outcome.refunded.micros() > 0 => self.met("refunded"),
            Ok(_) => self.met("adjusted"),
            Err(_) => self.met("not adjusted"),
        }
    }

    fn grant(&mut self) {
        let limit = self.one_of(&self.accounts.clone()).limit(self.upto(3) as u8);
        let change = self.one_of(&[-400, -50, 1, 700]);
        let change = NonZeroI64::new(change).unwrap();
        let granted = self.scene.controller.grant(limit, change, call(self.now)).is_ok();
        self.met(if granted { "granted" } else { "not granted" });
    }

    fn end_window(&mut self) {
        let limit = self.one_of(&self.accounts.clone()).limit(self.upto(3) as u8);
        if self.scene.controller.end_window(limit, call(self.now)).is_ok() {
            self.met("ended by the host");
        }
    }

    fn reparent(&mut self) {
        let all = self.accounts.clone();
        let (account, parent) = (self.one_of(&all), self.one_of(&all));
        let parent = (self.upto(4) > 0).then_some(parent);
        if self.scene.controller.reparent(account, parent, call(self.now)).is_ok() {
            self.met("moved");
        }
    }

    fn reopen(&mut self) {
        let fresh = Scene::new();
        let scene = std::mem::replace(&mut self.scene, fresh);
        let (scene, permits) = scene.reopen();
        self.scene = scene;
        self.permits = permits;
        self.met("opened again");
    }

    /// Windows that have ended and that a hold names, and what they show.
    fn count_ended(&mut self) {
        let seen = self.scene.controller.with_ledger(|ledger| {
            let mut seen = Vec::new();
            for (_, account) in ledger.accounts() {
                for (limit, span, cell) in account.limits.cells() {
                    let (current, _) = account.limits.current(limit).unwrap();
                    if current != span {
                        seen.push("a window that has ended is kept");
                        if cell.lapsed_micros > 0 {
                            seen.push("money has lapsed");
                        }
                        assert!(cell.available_micros <= 0, "{cell:?}");
                        if cell.available_micros < 0 {
                            seen.push("money was lent, or debt carried over");
                        }
                        continue;
                    }
                    let charged =
                        account.limits.allowance(limit).unwrap().signed_micros() - cell.granted_micros;
                    assert!(charged >= 0, "{cell:?}");
                    if cell.granted_micros < 0 {
                        seen.push("a window begins in debt");
                    }
                }
            }
            seen
        });
        for what in seen.unwrap() {
            self.met(what);
        }
    }
}

#[test]
fn whatever_happens_engine_and_ledger_agree_and_the_log_replays() {
    let operations: u64 =
        std::env::var("ASSIZE_OPERATIONS").ok().and_then(|text| text.parse().ok()).unwrap_or(6_000);
    let (each, mut met) = (600, Met::new());
    for seed in 0..operations.div_ceil(each) {
        let mut world = World::new((seed % 251) as u8, met);
        for _ in 0..each {
            world.step();
        }
        met = world.met;
        world.scene.finish();
    }
    let least = operations / 3_000;
    let expected = [
        "admitted",
        "denied by a throttle",
        "denied by a cap on what is held",
        "denied by a cap on holds",
        "denied by the first limit",
        "denied by another limit",
        "committed",
        "booked above the hold",
        "unfunded",
        "released",
        "committed in part",
        "extended",
        "not extended",
        "rerouted",
        "refunded",
        "adjusted",
        "granted",
        "ended by the host",
        "moved",
        "opened again",
        "a window that has ended is kept",
        "money has lapsed",
        "money was lent, or debt carried over",
        "a window begins in debt",
    ];
    for what in expected {
        assert!(met.get(what).is_some_and(|count| *count >= least), "{what} is met too seldom: {met:#?}");
    }
}
