//! A client that asks at random, at every level, in a log with small segments; what it asks for follows from its seed.

use std::{collections::BTreeMap, sync::Arc};

use assize::{
    controller::{Call, Fault, Opened, Permit},
    id::{LogId, OperationId},
    num::{Amount, Timestamp},
    record::{Halt, Operation, Spend, Switch, Terms},
    wal::{
        Anchor, Level,
        storage::{Memory, Storage},
    },
};

use super::{
    Drawn,
    ask::{ACCOUNTS, Answer, Ask, first_grants},
    host::{ALDER, Host, Making, TERMS},
    told::{Asked, Fact, Found, Known},
};

/// Operations are remembered for as long as any of these logs lives.
pub const MAKING: Making = Making {
    id: LogId(*b"a log of chances"),
    segment_bytes: 1 << 10,
    // 40 ms before the end of a day and of a month.
    start: Timestamp(1_701_388_799_960_000_000),
    terms: Terms { operation_horizon_ns: 1 << 42, operations_max: 1 << 16, ..TERMS },
};

/// A client with the controller that it asks.
pub struct Client {
    pub(super) host: Host,
    pub known: Shared,
    pub drawn: Drawn,
    pub(super) permits: BTreeMap<u64, Permit>,
    pub(super) committed: Vec<u64>,
    operations: u64,
    epoch: u64,
    halted: bool,
    switched_off: bool,
    set_up: usize,
    /// Spends little by little, and says so without a name and without waiting: its records are as large as that of a
    /// cut, so that what a cut did not take off the disk can stand where a later frame is looked for.
    is_streaming: bool,
    /// Whether what it asked last was that segments be deleted: a failure there may leave the log as good as it was.
    pub is_retaining: bool,
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
            is_streaming: seed % 4 == 3,
            is_retaining: false,
        })
    }

    /// Draws what to ask for, and asks.
    pub fn act(&mut self) -> Answer {
        let ask = self.draw();
        self.is_retaining = matches!(ask, Ask::Retain { .. });
        let third = if self.is_streaming { Level::Written } else { Level::Synced };
        let level = [Level::Queued, Level::Written, third, Level::Synced][self.drawn.below(4) as usize];
        let mut call = self.host.call().level(level);
        // Not everybody gives names.
        let is_part = self.is_streaming && matches!(ask, Ask::Part { .. });
        if self.drawn.below(4) > 0 && !is_part {
            self.operations += 1;
            let mut id = *b"chance \0\0\0\0\0\0\0\0\0";
            id[7..15].copy_from_slice(&self.operations.to_be_bytes());
            call = call.operation(Operation { id: OperationId(id), issued: call.at });
        }
        self.ask(&ask, call)
    }

    fn draw(&mut self) -> Ask {
        let index = self.set_up;
        self.set_up += 1;
        if index < ACCOUNTS.len() {
            return Ask::Account { index };
        }
        if let Some(grant) = first_grants().nth(index - ACCOUNTS.len()) {
            return grant;
        }
        let is_part = self.is_streaming && self.drawn.below(4) > 0;
        let roll = if is_part { 32 } else { self.drawn.below(100) };
        let hold = self.some_hold();
        match (roll, hold) {
            (0..16, Some(hold)) => Ask::Commit { hold, spend: self.spend() },
            (16..24, Some(hold)) => Ask::Release { hold },
            (24..32, Some(hold)) => {
                let more = Amount::new([5, 1 << 50][usize::from(roll == 31)]).unwrap();
                Ask::Extend { hold, more, deadline: roll.is_multiple_of(2).then(|| self.host.in_ms(40)) }
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
            (48..52, _) => Ask::Grant {
                index: 1 + self.drawn.below(4) as usize,
                limit: 0,
                change_micros: [700, -300][(roll % 2) as usize],
            },
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
            (66..69, _) => Ask::Wait,
            (69..73, _) => Ask::Move {
                index: 3 + self.drawn.below(2) as usize,
                parent: [None, Some(0), Some(1)][self.drawn.below(3) as usize],
            },
            (73..76, _) => Ask::EndWindow { index: 2 },
            (76..79, _) => Ask::Retain { segments: 1 + (roll % 2) as u32 },
            _ => Ask::Admit {
                index: 1 + self.drawn.below(4) as usize,
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
        if amount.is_multiple_of(2) {
            self.host.usage(ALDER, 400 + amount, 100)
        } else {
            Spend::Amount(Amount::new(amount).unwrap())
        }
    }

    /// Asks, and keeps what it is told. A second call under the same operation is a retry.
    pub fn ask(&mut self, ask: &Ask, call: Call) -> Answer {
        let asked = Asked { ask: ask.clone(), operation: call.operation.filter(|_| ask.is_named()) };
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
            // A policy, and what lets segments go, is on disk at every level.
            let synced = matches!(ask, Ask::Swap { .. } | Ask::Retain { .. });
            let level = if synced { Level::Synced } else { call.level };
            if level >= Level::Written {
                known.written = known.written.max(sequence);
            }
            if level == Level::Synced {
                known.synced = known.synced.max(sequence);
            }
        });
        answer
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
