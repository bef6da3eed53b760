//! A client that asks at random, at every level, in a log with small segments; what it asks for follows from its seed.

use std::{collections::BTreeMap, num::NonZeroI64, sync::Arc};

use assize::{
    budget::AccountTerms,
    caps::Caps,
    controller::{
        Call, Controller, Denial, Fault, FaultClass, NotAdmitted, NotExtended, NotRerouted, NotSwapped,
        Opened, Permit, Repeated, RepeatedState, Reroute,
    },
    id::{AccountId, LogId, Name, OperationId, Sequence},
    num::{Amount, Timestamp},
    overrun::Overrun,
    record::{CandidateSwitch, Halt, Kind, Operation, Spend, Switch, Terms},
    wal::{
        Anchor, Level,
        storage::{Memory, Storage},
    },
};

use super::{
    Drawn,
    host::{ALDER, CEDAR, Host, Making, TERMS, policy},
    told::{Asked, Fact, Found, Known},
};

/// Operations are remembered for as long as any of these logs lives.
pub const MAKING: Making = Making {
    id: LogId(*b"a log of chances"),
    segment_bytes: 1 << 10,
    terms: Terms { operation_horizon_ns: 1 << 42, operations_max: 1 << 16, ..TERMS },
};

/// What can be asked for.
#[derive(Clone, Debug)]
pub enum Ask {
    Account {
        index: usize,
    },
    Grant {
        index: usize,
        change_micros: i64,
    },
    Admit {
        index: usize,
        quality: u64,
        tokens: u64,
        deadline: Timestamp,
    },
    Commit {
        hold: u64,
        spend: Spend,
    },
    Release {
        hold: u64,
    },
    Extend {
        hold: u64,
        more: Amount,
        deadline: Option<Timestamp>,
    },
    Part {
        hold: u64,
        so_far: Spend,
    },
    Reroute {
        hold: u64,
        tokens: u64,
        deadline: Timestamp,
    },
    Adjust {
        hold: u64,
        actual: Amount,
    },
    Swap {
        epoch: u64,
    },
    Halt(Halt),
    Switch(Switch),
    Expire,
    /// That everything until now is where the call's level says.
    Wait,
}

/// Accounts, each with the one above it, how overruns are booked, and what it is granted first.
const ACCOUNTS: [(&str, Option<usize>, Overrun, i64); 4] = [
    ("org", None, Overrun::Debt, 1_000_000),
    ("if", Some(0), Overrun::IfAvailable, 100_000),
    ("debt", Some(0), Overrun::Debt, 10_000),
    ("tight", None, Overrun::Deny, 400),
];

impl Ask {
    /// The record that it causes.
    pub fn kind(&self) -> Option<Kind> {
        Some(match self {
            Self::Account { .. } => Kind::Account,
            Self::Grant { .. } => Kind::Grant,
            Self::Admit { .. } => Kind::Admission,
            Self::Commit { .. } => Kind::Commit,
            Self::Release { .. } => Kind::Release,
            Self::Extend { .. } => Kind::Extend,
            Self::Part { .. } => Kind::PartCommit,
            Self::Reroute { .. } => Kind::Reroute,
            Self::Adjust { .. } => Kind::Adjust,
            Self::Swap { .. } => Kind::Policy,
            Self::Halt(_) => Kind::Halt,
            Self::Switch(_) => Kind::CandidateSwitch,
            Self::Expire => Kind::Expire,
            Self::Wait => return None,
        })
    }

    /// The hold that it is about.
    pub fn hold(&self) -> Option<u64> {
        match self {
            Self::Commit { hold, .. }
            | Self::Release { hold }
            | Self::Extend { hold, .. }
            | Self::Part { hold, .. }
            | Self::Reroute { hold, .. }
            | Self::Adjust { hold, .. } => Some(*hold),
            _ => None,
        }
    }
}

/// What a call came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It is in this record.
    Told(u64, Fact),
    /// It left no record, or none of its own.
    Nothing,
    /// Nobody knows, or the log had failed before.
    Failed(Fault),
}

/// A client with the controller that it asks.
pub struct Client {
    host: Host,
    pub known: Shared,
    pub drawn: Drawn,
    permits: BTreeMap<u64, Permit>,
    committed: Vec<u64>,
    operations: u64,
    epoch: u64,
    halted: bool,
    switched_off: bool,
    set_up: usize,
}

/// Shared with who looks on.
#[derive(Clone, Default)]
pub struct Shared(Arc<std::sync::Mutex<Known>>);

impl Shared {
    pub fn with<T>(&self, act: impl FnOnce(&mut Known) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }

    pub fn copy(&self) -> Known {
        self.with(|known| known.clone())
    }
}

impl Client {
    /// Creates the log.
    pub fn create(
        storage: Box<dyn Storage>,
        seed: u64,
        known: Shared,
    ) -> Result<Self, assize::controller::CreateError> {
        let host = MAKING.try_create(storage)?;
        known.with(|known| known.created = true);
        Ok(Self {
            host,
            known,
            drawn: Drawn(seed),
            permits: BTreeMap::new(),
            committed: Vec::new(),
            operations: 0,
            epoch: 1,
            halted: false,
            switched_off: false,
            set_up: 0,
        })
    }

    /// Draws what to ask for, and asks.
    pub fn act(&mut self) -> Answer {
        let ask = self.draw();
        let level =
            [Level::Queued, Level::Written, Level::Synced, Level::Synced][self.drawn.below(4) as usize];
        let mut call = self.host.call().level(level);
        // Not everybody gives names.
        if self.drawn.below(4) > 0 {
            self.operations += 1;
            let mut id = *b"chance \0\0\0\0\0\0\0\0\0";
            id[7..15].copy_from_slice(&self.operations.to_be_bytes());
            call = call.operation(Operation { id: OperationId(id), issued: call.at });
        }
        self.ask(&ask, call)
    }

    fn draw(&mut self) -> Ask {
        let index = self.set_up;
        if index < 2 * ACCOUNTS.len() {
            self.set_up += 1;
            let index = index % ACCOUNTS.len();
            return if self.set_up <= ACCOUNTS.len() {
                Ask::Account { index }
            } else {
                Ask::Grant { index, change_micros: ACCOUNTS[index].3 }
            };
        }
        let roll = self.drawn.below(100);
        let hold = self.some_hold();
        match (roll, hold) {
            (0..16, Some(hold)) => Ask::Commit { hold, spend: self.spend() },
            (16..24, Some(hold)) => Ask::Release { hold },
            (24..32, Some(hold)) => {
                let more = Amount::new([5, 1 << 50][usize::from(roll == 31)]).unwrap();
                Ask::Extend { hold, more, deadline: (roll % 2 == 0).then(|| self.host.in_ms(40)) }
            }
            (32..38, Some(hold)) => {
                let spent = self.permits[&hold].spent().micros() + self.drawn.below(30);
                Ask::Part { hold, so_far: Spend::Amount(Amount::new(spent).unwrap()) }
            }
            (38..44, Some(hold)) => Ask::Reroute { hold, tokens: 1000 + roll, deadline: self.host.in_ms(30) },
            (44..48, _) if !self.committed.is_empty() => {
                let hold = self.committed[self.drawn.below(self.committed.len() as u64) as usize];
                Ask::Adjust { hold, actual: Amount::new(self.drawn.below(90)).unwrap() }
            }
            (48..52, _) => Ask::Grant { index: 1, change_micros: [700, -300][(roll % 2) as usize] },
            (52..55, _) => {
                self.epoch += 1;
                Ask::Swap { epoch: self.epoch }
            }
            (55..58, _) => {
                self.halted = !self.halted;
                Ask::Halt(if self.halted { Halt::ReduceOnly } else { Halt::None })
            }
            (58..61, _) => {
                self.switched_off = !self.switched_off;
                Ask::Switch(if self.switched_off { Switch::Disabled } else { Switch::Enabled })
            }
            (61..66, _) => {
                self.host.pass(15);
                Ask::Expire
            }
            (66..71, _) => Ask::Wait,
            _ => Ask::Admit {
                index: 1 + self.drawn.below(3) as usize,
                quality: [0, 0, 7000, 9000, 10_000][self.drawn.below(5) as usize],
                tokens: 1000 + self.drawn.below(200),
                deadline: self.host.in_ms(5 + self.drawn.below(60).cast_signed()),
            },
        }
    }

    fn some_hold(&mut self) -> Option<u64> {
        let count = self.permits.len() as u64;
        if count == 0 {
            return None;
        }
        let nth = self.drawn.below(count) as usize;
        self.permits.keys().nth(nth).copied()
    }

    fn spend(&mut self) -> Spend {
        let amount = self.drawn.below(120);
        if amount % 2 == 0 {
            self.host.usage(ALDER, 400 + amount, 100)
        } else {
            Spend::Amount(Amount::new(amount).unwrap())
        }
    }

    /// Asks, and keeps what it is told. A second call under the same operation is a retry.
    pub fn ask(&mut self, ask: &Ask, call: Call) -> Answer {
        let asked = Asked { ask: ask.clone(), operation: call.operation.filter(|_| is_named(ask)) };
        let has_failed = self.known.with(|known| {
            let has_failed = known.asked.is_some();
            known.asked.get_or_insert_with(|| asked.clone());
            has_failed
        });
        let answer = self.perform(ask, call);
        assert!(!has_failed || !matches!(answer, Answer::Told(..)), "{ask:?} is answered after a failure");
        if has_failed || matches!(answer, Answer::Failed(_)) {
            return answer;
        }
        let head = self.host.head();
        self.known.with(|known| {
            known.asked = None;
            let sequence = match &answer {
                Answer::Told(sequence, fact) => {
                    // A retry is answered by the record that is there.
                    known.told.entry(*sequence).or_insert_with(|| (asked, fact.clone()));
                    *sequence
                }
                _ if matches!(ask, Ask::Wait) => head,
                _ => return,
            };
            // A policy is on disk at every level.
            let level = if matches!(ask, Ask::Swap { .. }) { Level::Synced } else { call.level };
            if level >= Level::Written {
                known.written = known.written.max(sequence);
            }
            if level == Level::Synced {
                known.synced = known.synced.max(sequence);
            }
        });
        answer
    }

    fn perform(&mut self, ask: &Ask, call: Call) -> Answer {
        let Host { controller, .. } = &self.host;
        let done = |sequence: Result<Sequence, Fault>, fact| match sequence {
            Ok(sequence) => Answer::Told(sequence.0, fact),
            Err(fault) => failed(fault),
        };
        match ask {
            Ask::Account { index } => self.open_account(*index, call),
            Ask::Grant { index, change_micros } => {
                let Some(account) = self.account(*index) else { return Answer::Nothing };
                let change = NonZeroI64::new(*change_micros).unwrap();
                done(controller.grant(account, change, call), Fact::Granted { change_micros: *change_micros })
            }
            Ask::Admit { index, quality, tokens, deadline } => {
                let Some(account) = self.account(*index) else { return Answer::Nothing };
                let request = self.host.request(*quality, *tokens);
                let deadline_ms = (deadline.0 - call.at.0) / super::host::MS;
                match self.host.admit(&[account], &request, deadline_ms, call) {
                    Ok(permit) => self.hold(permit),
                    Err(NotAdmitted::Denied(denial)) => denied(&denial),
                    Err(NotAdmitted::Repeated(repeated)) => self.repeated(repeated),
                    Err(NotAdmitted::Faulted(fault)) => failed(fault),
                }
            }
            Ask::Adjust { hold, actual } => match controller.adjust(Sequence(*hold), *actual, call) {
                Ok(done) => {
                    Answer::Told(done.sequence.0, Fact::Adjusted { hold: *hold, outcome: done.outcome })
                }
                Err(fault) => failed(fault),
            },
            Ask::Swap { epoch } => {
                let policy = policy(*epoch);
                let fact = Fact::Policy(policy.digest());
                match controller.swap(policy, call) {
                    Ok(sequence) => Answer::Told(sequence.0, fact),
                    Err(NotSwapped::Faulted(fault)) => failed(fault),
                    Err(NotSwapped::Policy(_)) => Answer::Nothing,
                }
            }
            Ask::Halt(halt) => done(controller.halt(*halt, call), Fact::Halt(*halt)),
            Ask::Switch(switch) => {
                let fact = Fact::Switch(CandidateSwitch { candidate: CEDAR, switch: *switch });
                done(controller.switch(CEDAR, *switch, call), fact)
            }
            Ask::Expire => match controller.expire(call) {
                Ok(0) => Answer::Nothing,
                Ok(holds) => Answer::Told(self.host.head(), Fact::Expired { holds }),
                Err(fault) => failed(fault),
            },
            Ask::Wait => {
                let waited = controller.stats().and_then(|stats| controller.wait(stats.log.head, call.level));
                waited.map_or_else(failed, |()| Answer::Nothing)
            }
            Ask::Commit { .. }
            | Ask::Release { .. }
            | Ask::Extend { .. }
            | Ask::Part { .. }
            | Ask::Reroute { .. } => {
                let permit = ask.hold().and_then(|hold| self.permits.remove(&hold));
                permit.map_or(Answer::Nothing, |permit| self.perform_with(permit, ask, call))
            }
        }
    }

    /// Those that need a permit.
    fn perform_with(&mut self, mut permit: Permit, ask: &Ask, call: Call) -> Answer {
        let controller = &self.host.controller;
        let hold = permit.hold().0;
        let answer = match ask {
            Ask::Commit { spend, .. } => match controller.commit(permit, spend.clone(), call) {
                Ok(done) => {
                    self.committed.push(hold);
                    return Answer::Told(done.sequence.0, Fact::Committed { hold, outcome: done.outcome });
                }
                Err(not) => {
                    permit = not.permit;
                    failed(not.fault)
                }
            },
            Ask::Release { .. } => match controller.release(permit, call) {
                Ok(done) => {
                    return Answer::Told(done.sequence.0, Fact::Released { hold, outcome: done.outcome });
                }
                Err(not) => {
                    permit = not.permit;
                    failed(not.fault)
                }
            },
            Ask::Extend { more, deadline, .. } => {
                match controller.extend(&mut permit, *more, *deadline, call) {
                    Ok(done) => Answer::Told(
                        done.sequence.0,
                        Fact::Extended { hold, held: permit.amount(), deadline: permit.deadline() },
                    ),
                    Err(NotExtended::Denied(denial)) => denied(&denial),
                    Err(NotExtended::Faulted(fault)) => failed(fault),
                }
            }
            Ask::Part { so_far, .. } => match controller.part_commit(&mut permit, so_far.clone(), call) {
                Ok(done) => Answer::Told(done.sequence.0, Fact::Parted { hold, outcome: done.outcome }),
                Err(fault) => failed(fault),
            },
            Ask::Reroute { tokens, deadline, .. } => {
                let request = self.host.request(0, *tokens);
                let candidate = permit.candidate();
                let asked = Reroute { failed: candidate, request: &request, deadline: *deadline };
                match controller.reroute(permit, &asked, call) {
                    Ok(permit) => return self.hold(permit),
                    Err(NotRerouted::Denied(denial)) => return denied(&denial),
                    Err(NotRerouted::Repeated(repeated)) => return self.repeated(repeated),
                    Err(NotRerouted::Faulted { permit: back, fault }) => {
                        permit = back;
                        failed(fault)
                    }
                }
            }
            _ => unreachable!("it needs no permit"),
        };
        self.permits.insert(hold, permit);
        answer
    }

    fn hold(&mut self, permit: Permit) -> Answer {
        let hold = permit.hold().0;
        let fact = Fact::Held {
            candidate: permit.candidate(),
            amount: permit.amount(),
            deadline: permit.deadline(),
        };
        self.permits.insert(hold, permit);
        Answer::Told(hold, fact)
    }

    /// It was admitted before, as is already known; its permit is another handle to the hold.
    fn repeated(&mut self, repeated: Repeated) -> Answer {
        let hold = repeated.hold().0;
        let fact = self.known.with(|known| known.told.get(&hold).map(|(_, fact)| fact.clone()));
        if let RepeatedState::Open(permit) = repeated.into_state() {
            self.permits.insert(hold, permit);
        }
        fact.map_or(Answer::Nothing, |fact| Answer::Told(hold, fact))
    }

    fn account(&self, index: usize) -> Option<AccountId> {
        self.host.controller.account(&Name::new(ACCOUNTS[index].0).unwrap())
    }

    fn open_account(&mut self, index: usize, call: Call) -> Answer {
        let (name, parent, overrun, _) = ACCOUNTS[index];
        let name = Name::new(name).unwrap();
        let parent = parent.map(|parent| self.account(parent));
        if parent == Some(None) {
            return Answer::Nothing;
        }
        let controller: &Controller = &self.host.controller;
        let terms = AccountTerms { name, parent: parent.flatten(), overrun, caps: Caps::default() };
        let is_there = controller.account(&name).is_some();
        match controller.ensure_account(&terms, call) {
            Err(fault) => failed(fault),
            Ok(_) if is_there => Answer::Nothing,
            Ok(_) => Answer::Told(self.host.head(), Fact::Account(name)),
        }
    }

    /// Lets the log go: closed, drained, or as a process does that ends. Gives the head, where it was answered that it
    /// is on disk.
    pub fn stop(&mut self, is_closed: bool, is_drained: bool) -> Option<u64> {
        // Some host has to be there until the log is opened again.
        let Host { controller, .. } = std::mem::replace(&mut self.host, MAKING.create(&Memory::new()));
        let anchor = match (is_closed, is_drained) {
            (true, _) => controller.close(),
            (false, true) => controller.drain(),
            (false, false) => return None,
        };
        let head = anchor.ok()?.sequence().0;
        self.known.with(|known| (known.written, known.synced) = (head, head));
        Some(head)
    }

    /// Closes the log for good.
    pub fn close(self) -> Result<Anchor, Fault> {
        self.host.controller.close()
    }

    /// Goes on with a log that was opened after a crash, and in which that was found: learns what became of the call
    /// that was not answered, and asks again for what was lost. Gives how many calls were found and how many were asked
    /// for again.
    pub fn go_on(&mut self, opened: Opened, found: Found) -> (u64, u64) {
        let now = self.host.now;
        self.host = Host::new(opened.controller, now);
        self.permits = opened.permits.into_iter().map(|permit| (permit.hold().0, permit)).collect();
        self.committed.retain(|hold| *hold <= found.last);
        let head = self.host.head();
        let (mut lost, asked) = self.known.with(|known| {
            (known.written, known.synced) = (head, head);
            (known.forget_after(found.last), known.asked.take())
        });
        let is_found = u64::from(found.asked.is_some());
        if let (Some((sequence, fact)), Some(asked)) = (found.asked, &asked) {
            self.learn(asked, sequence, fact);
        } else {
            lost.extend(asked);
        }
        let mut again = 0;
        for asked in lost {
            // The hold that it names was lost too, or its name is another's now; or it has no name itself.
            let is_of_lost = asked.ask.hold().is_some_and(|hold| hold > found.last);
            if is_of_lost || (asked.operation.is_none() && !matches!(asked.ask, Ask::Account { .. })) {
                continue;
            }
            let call = Call { operation: asked.operation, ..self.host.call() };
            again += u64::from(matches!(self.ask(&asked.ask, call), Answer::Told(..)));
        }
        (is_found, again)
    }

    /// A call that was not answered is in the log: its name says so, and a retry is answered by it.
    fn learn(&mut self, asked: &Asked, sequence: u64, fact: Fact) {
        self.known.with(|known| known.told.insert(sequence, (asked.clone(), fact.clone())));
        let Some(operation) = asked.operation else { return };
        let remembered = self.host.controller.operation(&operation.id).unwrap().unwrap();
        let seen = (remembered.sequence.0, Fact::remembered(remembered.outcome, &asked.ask));
        assert_eq!(seen, (sequence, fact));
        let call = Call { operation: Some(operation), ..self.host.call() };
        if let Answer::Told(again, _) = self.ask(&asked.ask, call) {
            assert_eq!(again, sequence, "{asked:?} is done again");
        }
    }
}

/// Other calls take no notice of names.
fn is_named(ask: &Ask) -> bool {
    !matches!(
        ask,
        Ask::Account { .. } | Ask::Swap { .. } | Ask::Halt(_) | Ask::Switch(_) | Ask::Expire | Ask::Wait
    )
}

fn denied(denial: &Denial) -> Answer {
    Answer::Told(denial.sequence().0, Fact::Denied(denial.class()))
}

fn failed(fault: Fault) -> Answer {
    match fault.class() {
        FaultClass::Storage => Answer::Failed(fault),
        FaultClass::Bug => panic!("{fault}"),
        _ => Answer::Nothing,
    }
}
