//! The ledger and a naive model of money, taken through the same steps and compared after each.

use std::collections::BTreeMap;

use assize::id::{AccountId, Sequence};
use assize::ledger::Ledger;
use assize::overrun::Overrun;
use assize::record::{
    AccountClosed, AdjustOutcome, AdmissionOutcome, Call, CommitOutcome, ExtendOutcome, PartCommitOutcome,
    Record, ReleaseOutcome, Settled, Terms,
};

use super::world::*;

const LATE_S: u64 = 100;
const ADJUST_S: u64 = 150;
const SETTLED_MAX: usize = 4;
const MODES: [Overrun; 3] = [Overrun::Deny, Overrun::IfAvailable, Overrun::Debt];

#[derive(Clone, Debug)]
pub enum Step {
    Open { parent: usize, mode: usize },
    Grant { account: usize, change: i64 },
    Admit { named: Vec<usize>, calls: u64, seconds: u64 },
    PartCommit { hold: usize, part: u64 },
    Commit { hold: usize, part: u64 },
    Adjust { hold: usize, to: u64 },
    Release { hold: usize },
    Extend { hold: usize, micros: u64, later: u64 },
    Reroute { hold: usize, calls: u64, seconds: u64 },
    Expire { from: usize },
    Close { account: usize },
    Wait { seconds: u64 },
}

#[derive(Debug)]
struct ModelAccount {
    parent: Option<usize>,
    mode: usize,
    closed: bool,
    granted: i128,
    available: i128,
    committed: i128,
    unfunded: i128,
}

#[derive(Clone, Debug)]
struct ModelHold {
    amount: i128,
    /// What its parts came to, and what of that is not booked.
    spent: u64,
    missed: i128,
    deadline_s: u64,
    named: Vec<usize>,
    expired: bool,
}

#[derive(Debug, Default)]
struct Model {
    accounts: Vec<ModelAccount>,
    holds: BTreeMap<u64, ModelHold>,
    /// Settled holds in the order in which they were: name, when, what is booked and unfunded, and where.
    settled: Vec<(u64, u64, i128, i128, Vec<usize>)>,
    now_s: u64,
}

impl Model {
    fn cells(&self, named: &[usize]) -> Vec<usize> {
        let mut cells = Vec::new();
        for &account in named {
            let mut next = Some(account);
            while let Some(cell) = next {
                if !cells.contains(&cell) {
                    cells.push(cell);
                }
                next = self.accounts[cell].parent;
            }
        }
        cells
    }

    fn least(&self, cells: &[usize]) -> (i128, usize) {
        let mut least = (i128::MAX, 0);
        for &cell in cells {
            if self.accounts[cell].available < least.0 {
                least = (self.accounts[cell].available, cell);
            }
        }
        least
    }

    fn reserved(&self, account: usize) -> i128 {
        let open = self.holds.values().filter(|hold| !hold.expired);
        open.filter(|hold| self.cells(&hold.named).contains(&account)).map(|hold| hold.amount).sum()
    }

    fn any_closed(&self, named: &[usize]) -> bool {
        self.cells(named).iter().any(|&cell| self.accounts[cell].closed)
    }

    fn move_all(&mut self, cells: &[usize], available: i128) {
        for &cell in cells {
            self.accounts[cell].available += available;
        }
    }

    fn depth(&self, account: usize) -> usize {
        1 + self.accounts[account].parent.map_or(0, |parent| self.depth(parent))
    }

    /// A hold that a settlement can find, by a number.
    fn pick(&self, number: usize) -> Option<(u64, ModelHold)> {
        let known: Vec<_> = self
            .holds
            .iter()
            .filter(|(_, hold)| hold.deadline_s + LATE_S >= self.now_s)
            .map(|(name, hold)| (*name, hold.clone()))
            .collect();
        known.get(number % known.len().max(1)).cloned()
    }

    fn is_late(&self, hold: &ModelHold) -> bool {
        hold.expired || hold.deadline_s <= self.now_s
    }
}

/// How often each thing happened, so that what is not reached is seen.
#[derive(Debug, Default)]
pub struct Reached(pub BTreeMap<&'static str, u64>);

impl Reached {
    pub fn count(&mut self, what: &'static str) {
        *self.0.entry(what).or_default() += 1;
    }
}

pub struct Run<'a> {
    world: World,
    model: Model,
    reached: &'a mut Reached,
}

impl Run<'_> {
    /// With three accounts, one below the other, that have been granted something.
    pub fn begun(reached: &mut Reached) -> Run<'_> {
        let mut run = Run::new(reached);
        run.open(0, 2);
        run.grant(0, 5_000);
        run.open(1, 2);
        run.grant(1, 2_500);
        run.open(2, 1);
        run.grant(2, 1_000);
        run
    }

    fn new(reached: &mut Reached) -> Run<'_> {
        let terms = Terms {
            late_window_ns: LATE_S * SECOND_NS,
            clock_jump_ns_max: u64::MAX,
            ..remembering(SETTLED_MAX as u32, ADJUST_S)
        };
        Run { world: World::with(terms), model: Model::default(), reached }
    }

    /// The record is taken, and what differs from it is not.
    fn take(&mut self, what: &'static str, record: &Record) -> Sequence {
        for wrong in differing(record) {
            assert!(self.world.apply(&wrong).is_err(), "{wrong:?} is taken for {record:?}");
            self.reached.count("refused");
        }
        let sequence = self.world.apply(record).unwrap_or_else(|found| panic!("{record:?}: {found}"));
        self.reached.count(what);
        sequence
    }

    /// Takes all steps, compared after each, and restored from a checkpoint now and then.
    pub fn take_all(&mut self, steps: &[Step]) {
        for (at, step) in steps.iter().enumerate() {
            self.step(step);
            self.compare();
            if at % 16 == 15 {
                let form = self.world.form();
                self.world.ledger = Ledger::decode(&form).unwrap();
                assert_eq!(self.world.form(), form);
                self.reached.count("restored");
            }
        }
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Open { parent, mode } => self.open(*parent, *mode),
            Step::Grant { account, change } => self.grant(*account, *change),
            Step::Admit { named, calls, seconds } => self.admit(named, *calls, *seconds),
            Step::PartCommit { hold, part } => self.part_commit(*hold, *part),
            Step::Commit { hold, part } => self.commit(*hold, *part),
            Step::Adjust { hold, to } => self.adjust(*hold, *to),
            Step::Release { hold } => self.release(*hold),
            Step::Extend { hold, micros, later } => self.extend(*hold, *micros, *later),
            Step::Reroute { hold, calls, seconds } => self.reroute(*hold, *calls, *seconds),
            Step::Expire { from } => self.expire(*from),
            Step::Close { account } => self.close(*account),
            Step::Wait { seconds } => {
                self.world.wait(*seconds);
                self.model.now_s += seconds;
            }
        }
    }

    fn open(&mut self, parent: usize, mode: usize) {
        let count = self.model.accounts.len();
        let parent = (parent % (count + 1)).checked_sub(1);
        let name = format!("account {count}");
        let record = account(&name, parent.map(|parent| parent as u32), MODES[mode]);
        if parent.is_some_and(|above| self.model.accounts[above].closed || self.model.depth(above) == 8) {
            assert!(self.world.apply(&record).is_err());
            return;
        }
        self.take("open", &record);
        self.model.accounts.push(ModelAccount {
            parent,
            mode,
            closed: false,
            granted: 0,
            available: 0,
            committed: 0,
            unfunded: 0,
        });
    }

    fn grant(&mut self, number: usize, change: i64) {
        let count = self.model.accounts.len();
        if count == 0 || change == 0 {
            return;
        }
        let account = number % count;
        let of = &mut self.model.accounts[account];
        let record = grant(account as u32, change);
        if of.closed || (change < 0 && i128::from(-change) > of.available) {
            assert!(self.world.apply(&record).is_err());
            self.reached.count("grant refused");
            return;
        }
        of.granted += i128::from(change);
        of.available += i128::from(change);
        self.take(if change > 0 { "grant up" } else { "grant down" }, &record);
    }

    /// What a request of so many calls comes to at these cells, at `rate` µ a call.
    fn outcome(
        &self,
        request: &assize::kernel::Request,
        calls: u64,
        rate: u64,
        cells: &[usize],
        seconds: u64,
    ) -> AdmissionOutcome {
        let (least, binding) = self.model.least(cells);
        let deadline = after(self.model.now_s + seconds);
        if i128::from(calls * rate) <= least.max(0) {
            return AdmissionOutcome::Admitted { decided: self.world.decided(request, None), deadline };
        }
        let decided = self.world.decided(request, Some(least.max(0) as u64));
        AdmissionOutcome::DeniedBudget { decided, binding: AccountId(binding as u32).into() }
    }

    fn admit(&mut self, numbers: &[usize], calls: u64, seconds: u64) {
        let count = self.model.accounts.len();
        if count == 0 {
            return;
        }
        let mut named: Vec<usize> = Vec::new();
        for number in numbers {
            if !named.contains(&(number % count)) {
                named.push(number % count);
            }
        }
        let accounts: Vec<u32> = named.iter().map(|&account| account as u32).collect();
        let cells = self.model.cells(&named);
        let asked = request(calls);
        let outcome = self.outcome(&asked, calls, 20, &cells, seconds);
        let record = Record::Admission(admission(path(&accounts), asked, outcome));
        if self.model.any_closed(&named) || cells.len() > 24 {
            assert!(self.world.apply(&record).is_err());
            return;
        }
        if let AdmissionOutcome::Admitted { .. } = outcome {
            let hold = self.take("admit", &record);
            self.hold(hold, named, i128::from(calls * 20), seconds);
        } else {
            self.take("deny", &record);
        }
    }

    fn hold(&mut self, hold: Sequence, named: Vec<usize>, amount: i128, seconds: u64) {
        let cells = self.model.cells(&named);
        self.model.move_all(&cells, -amount);
        let deadline_s = self.model.now_s + seconds;
        self.model
            .holds
            .insert(hold.0, ModelHold { amount, spent: 0, missed: 0, deadline_s, named, expired: false });
    }

    /// What is stated in all when so much is new, and what of it is new: an amount has a maximum.
    fn stated(hold: &ModelHold, part: u64) -> (u64, i128) {
        let micros = (hold.spent + part).min(assize::num::Amount::MAX.micros());
        (micros, i128::from(micros - hold.spent))
    }

    /// What is above the hold, and what of it is booked.
    fn booked(&self, cells: &[usize], hold: &ModelHold, part: i128) -> (i128, i128) {
        let extra = (part - hold.amount).max(0);
        let strictest = cells.iter().map(|&cell| self.model.accounts[cell].mode).min().unwrap();
        let least = self.model.least(cells).0;
        let room = match strictest {
            0 => 0,
            1 => least.max(0),
            _ => least + i128::from(i64::MAX),
        };
        (extra, extra.min(room))
    }

    fn miss(&mut self, cells: &[usize], unfunded: i128) {
        for &cell in cells {
            let of = &mut self.model.accounts[cell];
            of.unfunded = (of.unfunded + unfunded).min(u64::MAX.into());
        }
    }

    fn part_commit(&mut self, number: usize, part: u64) {
        let Some((name, hold)) = self.model.pick(number) else { return };
        let cells = self.model.cells(&hold.named);
        let (micros, part) = Self::stated(&hold, part);
        let (extra, booked) = self.booked(&cells, &hold, part);
        let left = (hold.amount - part).max(0);
        let outcome = (micros, booked as u64, (extra - booked) as u64, left as u64);
        let record = part_amount(Sequence(name), outcome);
        if self.model.is_late(&hold) {
            assert!(self.world.apply(&record).is_err());
            self.reached.count("part too late");
            return;
        }
        if let Some(less) = hold.spent.checked_sub(1) {
            let less = (less, outcome.1, outcome.2, outcome.3);
            assert!(self.world.apply(&part_amount(Sequence(name), less)).is_err());
            self.reached.count("part below before");
        }
        let what = match (extra, booked) {
            (0, _) => "part within",
            (_, 0) => "part unfunded",
            _ if extra > booked => "part partly booked",
            _ => "part above",
        };
        self.take(what, &record);
        self.model.move_all(&cells, -booked);
        let charged = part.min(hold.amount) + booked;
        cells.iter().for_each(|&cell| self.model.accounts[cell].committed += charged);
        self.miss(&cells, extra - booked);
        let held = self.model.holds.get_mut(&name).unwrap();
        (held.amount, held.spent) = (left, micros);
        held.missed += extra - booked;
    }

    fn commit(&mut self, number: usize, part: u64) {
        let Some((name, hold)) = self.model.pick(number) else { return };
        let cells = self.model.cells(&hold.named);
        let (micros, part) = Self::stated(&hold, part);
        if hold.spent > 0 {
            self.reached.count("commit after parts");
        }
        if self.model.is_late(&hold) {
            let outcome = (Settled::Expired, micros, 0, part as u64);
            self.take("commit late", &commit_amount(Sequence(name), outcome));
            if !hold.expired {
                self.model.move_all(&cells, hold.amount);
            }
            self.miss(&cells, part);
            self.settle(name, &hold, micros, part);
        } else {
            let (extra, booked) = self.booked(&cells, &hold, part);
            let outcome = (Settled::InTime, micros, booked as u64, (extra - booked) as u64);
            let what = match (extra, booked) {
                (0, _) => "commit within",
                (_, 0) => "commit unfunded",
                _ if extra > booked => "commit partly booked",
                _ => "commit above",
            };
            self.take(what, &commit_amount(Sequence(name), outcome));
            let charged = part.min(hold.amount) + booked;
            self.model.move_all(&cells, hold.amount - charged);
            cells.iter().for_each(|&cell| self.model.accounts[cell].committed += charged);
            self.miss(&cells, extra - booked);
            self.settle(name, &hold, micros, extra - booked);
        }
        self.model.holds.remove(&name);
    }

    fn settle(&mut self, name: u64, hold: &ModelHold, micros: u64, missed: i128) {
        let missed = hold.missed + missed;
        let booked = i128::from(micros) - missed;
        let settled = (name, self.model.now_s, booked, missed, hold.named.clone());
        self.model.settled.push(settled);
        // Of those settled at the same time, the lowest name goes first.
        self.model.settled.sort_by_key(|(name, at, ..)| (*at, *name));
        if self.model.settled.len() > SETTLED_MAX {
            self.model.settled.remove(0);
            self.reached.count("settled too many");
        }
    }

    fn adjust(&mut self, number: usize, to: u64) {
        let now_s = self.model.now_s;
        let count = self.model.settled.len();
        if count == 0 {
            return;
        }
        let place = number % count;
        let (name, at, booked, missed, named) = self.model.settled[place].clone();
        let cells = self.model.cells(&named);
        let actual = i128::from(to);
        let extra = (actual - booked - missed).max(0);
        let refunded = (booked - actual).max(0);
        let nothing_held = ModelHold { amount: 0, spent: 0, missed: 0, deadline_s: 0, named, expired: false };
        let (_, more) = self.booked(&cells, &nothing_held, extra);
        let record = adjust(Sequence(name), to, (more as u64, (extra - more) as u64, refunded as u64));
        if at + ADJUST_S < now_s || self.model.any_closed(&nothing_held.named) {
            assert!(self.world.apply(&record).is_err());
            self.reached.count("adjustment too late");
            return;
        }
        let what = match (extra, more, refunded) {
            (0, _, 0) => "adjusted by nothing",
            (0, _, _) => "adjusted down",
            (_, 0, _) => "adjusted up, unfunded",
            _ => "adjusted up",
        };
        self.take(what, &record);
        self.model.move_all(&cells, refunded - more);
        cells.iter().for_each(|&cell| self.model.accounts[cell].committed += more - refunded);
        self.miss(&cells, extra - more);
        let settled = &mut self.model.settled[place];
        (settled.2, settled.3) = (booked + more - refunded, missed + extra - more);
    }

    fn release(&mut self, number: usize) {
        let Some((name, hold)) = self.model.pick(number) else { return };
        let cells = self.model.cells(&hold.named);
        let late = self.model.is_late(&hold);
        let given_back = (!late).then_some(hold.amount as u64);
        self.take(if late { "release late" } else { "release" }, &release(Sequence(name), given_back));
        if !hold.expired {
            self.model.move_all(&cells, hold.amount);
        }
        self.model.holds.remove(&name);
    }

    fn extend(&mut self, number: usize, micros: u64, later: u64) {
        let Some((name, hold)) = self.model.pick(number) else { return };
        let cells = self.model.cells(&hold.named);
        let (least, binding) = self.model.least(&cells);
        let more = i128::from(micros);
        let deadline_s = hold.deadline_s + later;
        let pays = more <= least.max(0);
        let outcome = if pays {
            ExtendOutcome::Extended { deadline: after(deadline_s), held: amount((hold.amount + more) as u64) }
        } else {
            ExtendOutcome::DeniedBudget { binding: AccountId(binding as u32).into() }
        };
        let record = extend(Sequence(name), micros, outcome);
        if self.model.is_late(&hold) || self.model.any_closed(&hold.named) {
            assert!(self.world.apply(&record).is_err());
            self.reached.count("extension too late");
            return;
        }
        self.take(if pays { "extend" } else { "extension denied" }, &record);
        if pays {
            self.model.move_all(&cells, -more);
            let held = self.model.holds.get_mut(&name).unwrap();
            held.amount += more;
            held.deadline_s = deadline_s;
        }
    }

    fn reroute(&mut self, number: usize, calls: u64, seconds: u64) {
        let Some((name, hold)) = self.model.pick(number) else { return };
        let cells = self.model.cells(&hold.named);
        if self.model.is_late(&hold) || self.model.any_closed(&hold.named) {
            let call = self.world.rerouted(Sequence(name), calls, seconds);
            assert!(self.world.apply(&Record::Reroute(call)).is_err());
            self.reached.count("reroute too late");
            return;
        }
        let mut call = self.world.rerouted(Sequence(name), calls, seconds);
        self.model.move_all(&cells, hold.amount);
        self.model.holds.remove(&name);
        let outcome = self.outcome(&call.arguments.request, calls, 30, &cells, seconds);
        call.outcome.admission = outcome;
        if let AdmissionOutcome::Admitted { .. } = outcome {
            let new = self.take("reroute", &Record::Reroute(call));
            self.hold(new, hold.named, i128::from(calls * 30), seconds);
        } else {
            self.take("reroute denied", &Record::Reroute(call));
        }
    }

    fn expire(&mut self, from: usize) {
        let now_s = self.model.now_s;
        let is_due = |hold: &ModelHold| !hold.expired && hold.deadline_s <= now_s;
        let due: Vec<u64> =
            self.model.holds.iter().filter(|(_, hold)| is_due(hold)).map(|(name, _)| *name).collect();
        let due = &due[from % (due.len() + 1)..];
        if due.is_empty() {
            return;
        }
        self.take("expire", &expire(&due.iter().copied().map(Sequence).collect::<Vec<_>>()));
        for name in due {
            let hold = self.model.holds.get_mut(name).unwrap();
            hold.expired = true;
            let (amount, named) = (hold.amount, hold.named.clone());
            let cells = self.model.cells(&named);
            self.model.move_all(&cells, amount);
        }
    }

    fn close(&mut self, number: usize) {
        let count = self.model.accounts.len();
        if count == 0 {
            return;
        }
        let account = number % count;
        let record = Record::AccountClosed(AccountClosed { account: AccountId(account as u32) });
        let children = self.model.accounts.iter().any(|of| of.parent == Some(account) && !of.closed);
        let mut open = self.model.holds.values().filter(|hold| !hold.expired);
        let held = open.any(|hold| self.model.cells(&hold.named).contains(&account));
        if self.model.accounts[account].closed || children || held {
            assert!(self.world.apply(&record).is_err());
            return;
        }
        self.take("close", &record);
        self.model.accounts[account].closed = true;
    }

    /// Every counter is the model's, and the money adds up.
    fn compare(&self) {
        for (account, expected) in self.model.accounts.iter().enumerate() {
            let cell =
                self.world.ledger.account(AccountId(account as u32)).unwrap().limits.current(0).unwrap().1;
            let reserved = self.model.reserved(account);
            assert_eq!(
                (
                    i128::from(cell.granted_micros),
                    i128::from(cell.available_micros),
                    i128::from(cell.reserved_micros),
                    i128::from(cell.committed_micros),
                    i128::from(cell.unfunded_micros),
                ),
                (expected.granted, expected.available, reserved, expected.committed, expected.unfunded),
            );
            assert_eq!(expected.granted, expected.available + reserved + expected.committed);
        }
        let known = |(_, hold): &(&u64, &ModelHold)| {
            !hold.expired
                || hold.deadline_s + LATE_S >= (self.world.ledger.log_time().0 - CREATED.0) as u64 / SECOND_NS
        };
        let log_s = (self.world.ledger.log_time().0 - CREATED.0) as u64 / SECOND_NS;
        let mut expected: Vec<_> =
            self.model.settled.iter().filter(|(_, at, ..)| at + ADJUST_S >= log_s).collect();
        expected.sort_by_key(|(name, ..)| *name);
        let expected: Vec<_> =
            expected.iter().map(|(name, _, booked, missed, _)| (Sequence(*name), *booked, *missed)).collect();
        let seen: Vec<_> = self
            .world
            .ledger
            .settled_holds()
            .map(|(name, of)| (name, of.booked.signed_micros().into(), of.unfunded.signed_micros().into()))
            .collect();
        assert_eq!(seen, expected);
        let expected: Vec<_> =
            self.model.holds.iter().filter(known).map(|(name, _)| Sequence(*name)).collect();
        let seen: Vec<_> = self.world.ledger.holds().map(|(name, _)| name).collect();
        assert_eq!(seen, expected);
        assert_eq!(self.world.ledger.check_conservation(), Ok(()));
    }
}

/// The record with each number of its outcome one more and one less, and with the other outcomes that it could have.
fn differing(record: &Record) -> Vec<Record> {
    let mut all = Vec::new();
    let near = |of: assize::num::Amount| {
        let micros = of.micros();
        [micros.checked_sub(1), micros.checked_add(1)]
            .into_iter()
            .flatten()
            .filter_map(assize::num::Amount::new)
    };
    match record {
        Record::Commit(call) => {
            let mut with =
                |outcome: CommitOutcome| all.push(Record::Commit(Call { outcome, ..call.clone() }));
            let outcome = call.outcome;
            near(outcome.actual).for_each(|actual| with(CommitOutcome { actual, ..outcome }));
            near(outcome.booked_extra)
                .for_each(|booked_extra| with(CommitOutcome { booked_extra, ..outcome }));
            near(outcome.unfunded).for_each(|unfunded| with(CommitOutcome { unfunded, ..outcome }));
            let settled = if outcome.settled == Settled::InTime { Settled::Expired } else { Settled::InTime };
            with(CommitOutcome { settled, ..outcome });
        }
        Record::PartCommit(call) => {
            let mut with = |outcome: PartCommitOutcome| {
                all.push(Record::PartCommit(Call { outcome, ..call.clone() }));
            };
            let outcome = call.outcome;
            near(outcome.actual).for_each(|actual| with(PartCommitOutcome { actual, ..outcome }));
            near(outcome.booked_extra)
                .for_each(|booked_extra| with(PartCommitOutcome { booked_extra, ..outcome }));
            near(outcome.unfunded).for_each(|unfunded| with(PartCommitOutcome { unfunded, ..outcome }));
            near(outcome.held).for_each(|held| with(PartCommitOutcome { held, ..outcome }));
        }
        Record::Adjust(call) => {
            let mut with =
                |outcome: AdjustOutcome| all.push(Record::Adjust(Call { outcome, ..call.clone() }));
            let outcome = call.outcome;
            near(outcome.booked_extra)
                .for_each(|booked_extra| with(AdjustOutcome { booked_extra, ..outcome }));
            near(outcome.unfunded).for_each(|unfunded| with(AdjustOutcome { unfunded, ..outcome }));
            near(outcome.refunded).for_each(|refunded| with(AdjustOutcome { refunded, ..outcome }));
        }
        Record::Release(call) => {
            let mut with = |outcome| all.push(Record::Release(Call { outcome, ..call.clone() }));
            match call.outcome {
                ReleaseOutcome::Released { given_back } => {
                    near(given_back).for_each(|given_back| with(ReleaseOutcome::Released { given_back }));
                    with(ReleaseOutcome::Expired);
                }
                ReleaseOutcome::Expired => with(ReleaseOutcome::Released { given_back: amount(0) }),
            }
        }
        Record::Extend(call) => {
            let mut with = |outcome| all.push(Record::Extend(Call { outcome, ..call.clone() }));
            with(ExtendOutcome::DeniedHalted);
            match call.outcome {
                ExtendOutcome::Extended { deadline, held } => {
                    near(held).for_each(|held| with(ExtendOutcome::Extended { deadline, held }));
                    with(ExtendOutcome::Extended { deadline: CREATED, held });
                    with(ExtendOutcome::DeniedBudget { binding: AccountId(0).into() });
                }
                ExtendOutcome::DeniedBudget { binding } => {
                    with(ExtendOutcome::DeniedBudget { binding: AccountId(binding.account.0 + 1).into() });
                    with(ExtendOutcome::Extended { deadline: after(1 << 30), held: call.arguments.amount });
                }
                ExtendOutcome::DeniedHalted => {}
            }
        }
        Record::Admission(call) => {
            let mut with = |outcome| all.push(Record::Admission(Call { outcome, ..call.clone() }));
            wrong_outcomes(call.outcome).into_iter().for_each(&mut with);
        }
        Record::Reroute(call) => {
            for given_back in near(call.outcome.given_back) {
                let mut wrong = call.clone();
                wrong.outcome.given_back = given_back;
                all.push(Record::Reroute(wrong));
            }
            for admission in wrong_outcomes(call.outcome.admission) {
                let mut wrong = call.clone();
                wrong.outcome.admission = admission;
                all.push(Record::Reroute(wrong));
            }
        }
        _ => {}
    }
    all
}

fn wrong_outcomes(outcome: AdmissionOutcome) -> Vec<AdmissionOutcome> {
    let mut wrong = vec![AdmissionOutcome::DeniedHalted];
    match outcome {
        AdmissionOutcome::Admitted { decided, .. } => {
            wrong.push(AdmissionOutcome::Admitted { decided, deadline: CREATED });
            wrong.push(AdmissionOutcome::DeniedPolicy { decided });
        }
        AdmissionOutcome::DeniedBudget { decided, binding } => {
            let binding = AccountId(binding.account.0 + 1).into();
            wrong.push(AdmissionOutcome::DeniedBudget { decided, binding });
        }
        AdmissionOutcome::DeniedPolicy { .. }
        | AdmissionOutcome::DeniedThrottle { .. }
        | AdmissionOutcome::DeniedHalted => {}
    }
    wrong
}
