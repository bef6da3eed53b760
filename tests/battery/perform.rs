//! How a client at random makes its calls, and what it makes of the answers.

use std::num::{NonZeroI64, NonZeroU32};

use assize::{
    budget::AccountTerms,
    caps::{Caps, CapsDraft},
    controller::{
        Call, Denial, Fault, FaultClass, NotAdmitted, NotExtended, NotRerouted, NotRetained, NotSwapped,
        Permit, Repeated, RepeatedState, Reroute,
    },
    id::{AccountId, Name, Sequence},
    num::Amount,
    record::{Boundary, CandidateSwitch, Reparent},
    wal::{Keep, ReadError, RetainError, Retained},
};

use super::{
    ask::{ACCOUNTS, Answer, Ask, Payer},
    chance::Client,
    host::{CEDAR, Host, MS, policy},
    told::Fact,
};

impl Client {
    pub(super) fn perform(&mut self, ask: &Ask, call: Call) -> Answer {
        let Host { controller, .. } = &self.host;
        let done = |sequence: Result<Sequence, Fault>, fact| match sequence {
            Ok(sequence) => Answer::Told(sequence.0, fact),
            Err(fault) => failed(fault),
        };
        match ask {
            Ask::Account { index } => self.open_account(*index, call),
            Ask::Grant { index, limit, change_micros } => {
                let Some(account) = self.account(*index) else { return Answer::Nothing };
                let change = NonZeroI64::new(*change_micros).unwrap();
                let granted = controller.grant(account.limit(*limit), change, call);
                done(granted, Fact::Granted { change_micros: *change_micros })
            }
            Ask::Move { index, parent } => {
                let parent = parent.map(|parent| self.account(parent));
                let (Some(account), false) = (self.account(*index), parent == Some(None)) else {
                    return Answer::Nothing;
                };
                let moved = Reparent { account, parent: parent.flatten() };
                done(controller.reparent(account, moved.parent, call), Fact::Moved(moved))
            }
            Ask::EndWindow { index } => {
                let Some(account) = self.account(*index) else { return Answer::Nothing };
                done(controller.end_window(account, call), Fact::Ended(Boundary { account, limit: 0 }))
            }
            Ask::Admit { index, quality, tokens, deadline } => {
                let Some(account) = self.account(*index) else { return Answer::Nothing };
                let request = self.host.request(*quality, *tokens);
                let deadline_ms = (deadline.0 - call.at.0) / MS;
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
            Ask::Retain { segments } => self.retain(*segments, call),
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

    fn retain(&self, segments: u32, call: Call) -> Answer {
        let controller = &self.host.controller;
        let keep = Keep::Segments(NonZeroU32::new(segments).unwrap());
        let before = controller.stats().map_or((0, 0), |stats| (stats.log.head.0, stats.log.segment));
        match controller.retain(keep, call) {
            Ok(Retained { sequence: Some(sequence), retention: Some(kept), .. }) => {
                Answer::Told(sequence.0, Fact::Retained { first_segment: kept.first_segment })
            }
            // What is left of the segments is deleted another time; that they may be is on record, now or from before.
            Err(NotRetained::Log(RetainError::Remove { .. })) if self.host.head() > before.0 => {
                Answer::Told(before.0 + 1, Fact::Retained { first_segment: before.1 + 1 - segments })
            }
            Ok(_) | Err(NotRetained::Log(RetainError::Remove { .. })) => Answer::Nothing,
            // What is to stay cannot be told.
            Err(NotRetained::Log(RetainError::Read(ReadError::Storage(_)))) => Answer::Nothing,
            Err(NotRetained::Faulted(fault)) => failed(fault),
            Err(error) => panic!("{error}"),
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
        self.host.controller.account(&Name::new(ACCOUNTS[index].name).unwrap())
    }

    fn open_account(&mut self, index: usize, call: Call) -> Answer {
        let Payer { name, parent, overrun, limits, throttles, held_max, holds_max } = ACCOUNTS[index];
        let name = Name::new(name).unwrap();
        let caps = CapsDraft {
            windows: limits.iter().map(|(window, _)| *window).collect(),
            throttles: throttles.to_vec(),
            held_max: held_max.map(|most| Amount::new(most).unwrap()),
            holds_max,
        };
        let caps = Caps::new(caps).unwrap();
        let parent = parent.map(|parent| self.account(parent));
        if parent == Some(None) {
            return Answer::Nothing;
        }
        let controller = &self.host.controller;
        let terms = AccountTerms { name, parent: parent.flatten(), overrun, caps };
        let is_there = controller.account(&name).is_some();
        match controller.ensure_account(&terms, call) {
            Err(fault) => failed(fault),
            Ok(_) if is_there => Answer::Nothing,
            Ok(_) => Answer::Told(self.host.head(), Fact::Account(name)),
        }
    }
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
