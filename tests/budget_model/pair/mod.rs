//! The engine and the naive ledger, called alike and compared after every call.

use std::cell::RefCell;
use std::collections::BTreeMap;

use assize::budget::{
    AccountError, AccountState, AccountTerms, AdjustError, Adjusted, Engine, EngineOptions, ExtendError,
    GrantError, Hold, HoldState, Path, PathError, Release, ReserveError, SettleError, Settlement,
};
use assize::caps::Caps;
use assize::id::{AccountId, Name};
use assize::num::Amount;
use assize::overrun::Overrun;
use proptest::prelude::*;

pub(crate) mod ledger;
pub(crate) mod ops;

use ledger::{Account, Model, ModelHold, State};
use ops::{LAST, Op};

/// Both, and how often each outcome was met.
pub(crate) struct Pair<'a> {
    engine: Engine,
    model: Model,
    handles: Vec<Hold>,
    /// How many paths were made: each is on another stripe.
    paths: usize,
    met: &'a RefCell<BTreeMap<&'static str, u64>>,
}

fn id(account: usize) -> AccountId {
    AccountId(u32::try_from(account).unwrap())
}

fn pick(index: usize, count: usize) -> usize {
    if index > LAST / 2 { count - 1 - (LAST - index) % count } else { index % count }
}

fn amount(micros: u64) -> Amount {
    Amount::new(micros).unwrap()
}

impl<'a> Pair<'a> {
    /// Both with one account, which may be in debt.
    pub(crate) fn new(met: &'a RefCell<BTreeMap<&'static str, u64>>) -> Result<Self, TestCaseError> {
        let options = EngineOptions { accounts_reserved: 2, holds_reserved: 2, ..EngineOptions::default() };
        let (engine, model) = (Engine::new(options), Model::default());
        let mut pair = Self { engine, model, handles: vec![], paths: 0, met };
        pair.open(None, Overrun::Debt)?;
        Ok(pair)
    }

    fn met(&self, what: &'static str) {
        *self.met.borrow_mut().entry(what).or_default() += 1;
    }

    fn stripe(&mut self) -> usize {
        self.paths += 1;
        self.paths
    }

    fn next_path(&mut self, account: usize) -> Path {
        let stripe = self.stripe();
        self.engine.path_on_stripe(&[id(account)], stripe).unwrap()
    }

    fn account(&self, index: usize) -> usize {
        pick(index, self.model.accounts.len())
    }

    pub(crate) fn run(&mut self, op: &Op) -> Result<(), TestCaseError> {
        match op {
            Op::Open { parent, overrun } => self.open(parent.map(|parent| self.account(parent)), *overrun),
            Op::Grant { account, delta_micros } => self.grant(self.account(*account), *delta_micros),
            Op::Reserve { accounts, micros } => {
                let named: Vec<_> = accounts.iter().map(|&account| self.account(account)).collect();
                self.reserve(&named, *micros)
            }
            Op::Adjust { account, change_micros } => self.adjust(self.account(*account), *change_micros),
            Op::Close { account } => self.close(self.account(*account)),
            _ if self.handles.is_empty() => Ok(()),
            Op::Extend { hold, micros } => self.extend(pick(*hold, self.handles.len()), *micros),
            Op::PartCommit { hold, micros } => self.part_commit(pick(*hold, self.handles.len()), *micros),
            Op::Commit { hold, micros } => self.commit(pick(*hold, self.handles.len()), *micros),
            Op::Release { hold } => self.release(pick(*hold, self.handles.len())),
            Op::Expire { hold } => self.expire(pick(*hold, self.handles.len())),
            Op::Forget { hold } => self.forget(pick(*hold, self.handles.len())),
        }
    }

    fn open(&mut self, parent: Option<usize>, overrun: Overrun) -> Result<(), TestCaseError> {
        let number = self.model.accounts.len();
        let name = Name::new(&number.to_string()).unwrap();
        let opened = self.engine.ensure_account(&AccountTerms {
            name,
            parent: parent.map(id),
            overrun,
            caps: Caps::default(),
        });
        if let Some(above) = parent {
            if self.model.accounts[above].closed {
                self.met("open: parent closed");
                prop_assert_eq!(opened, Err(AccountError::Closed { account: id(above) }));
                return Ok(());
            }
            if self.model.chain(above).len() == 8 {
                self.met("open: too deep");
                prop_assert_eq!(opened, Err(AccountError::TooDeep { parent: id(above) }));
                return Ok(());
            }
        }
        prop_assert_eq!(opened, Ok(id(number)));
        // Every other account of those that can be is striped, which changes nothing of what it does.
        if overrun != Overrun::Debt && number.is_multiple_of(2) {
            let stripes = 2 + u8::try_from(number % 3).unwrap();
            prop_assert_eq!(self.engine.stripe(id(number), stripes), Ok(()));
            self.met("open: striped");
        }
        self.model.accounts.push(Account {
            parent,
            overrun,
            granted: 0,
            available: 0,
            committed: 0,
            unfunded: 0,
            closed: false,
        });
        Ok(())
    }

    fn grant(&mut self, index: usize, delta_micros: i64) -> Result<(), TestCaseError> {
        let granted = self.engine.grant(id(index), delta_micros);
        let account = &mut self.model.accounts[index];
        let delta = i128::from(delta_micros);
        let expected = if account.closed {
            Err(GrantError::Closed { account: id(index) })
        } else if account.granted + delta > i64::MAX.into() {
            let granted_micros = i64::try_from(account.granted).unwrap();
            Err(GrantError::AboveMaximum { granted_micros, delta_micros })
        } else if delta < 0 && account.available + delta < 0 {
            let available_micros = i64::try_from(account.available).unwrap();
            Err(GrantError::AboveAvailable { available_micros, delta_micros })
        } else {
            account.granted += delta;
            account.available += delta;
            Ok(())
        };
        self.met(match expected {
            Ok(()) if delta < 0 => "grant: down",
            Ok(()) => "grant: up",
            Err(GrantError::AboveMaximum { .. }) => "grant: above the maximum",
            Err(GrantError::AboveAvailable { .. }) => "grant: above what is available",
            Err(_) => "grant: closed",
        });
        prop_assert_eq!(granted, expected);
        Ok(())
    }

    fn reserve(&mut self, named: &[usize], micros: u64) -> Result<(), TestCaseError> {
        let accounts: Vec<_> = named.iter().copied().map(id).collect();
        let stripe = self.stripe();
        let made = self.engine.path_on_stripe(&accounts, stripe);
        let path = match (made, self.model.path(named)) {
            (Ok(made), Ok(path)) => {
                let cells: Vec<_> = self.engine.accounts_on(&made).collect();
                prop_assert_eq!(cells, path.iter().copied().map(id).collect::<Vec<_>>());
                (made, path)
            }
            (Err(PathError::Empty), Err("empty"))
            | (Err(PathError::TooManyAccounts { seen: 5 }), Err("too many accounts"))
            | (Err(PathError::Repeated { .. }), Err("repeated"))
            | (Err(PathError::TooManyCells), Err("too many cells"))
            | (Err(PathError::Closed { .. }), Err("closed")) => {
                self.met("path: error");
                return Ok(());
            }
            both => return Err(TestCaseError::fail(format!("{both:?}"))),
        };
        let (made, path) = path;
        let payable = self.engine.payable(&made).unwrap();
        prop_assert_eq!(i128::from(payable.available_micros), self.model.least(&path));
        let reserved = self.engine.reserve(&made, amount(micros));
        let in_debt = self.model.least(&path) < 0;
        match self.model.take(&path, micros.into()) {
            Ok(()) => {
                self.met(match path.len() {
                    _ if in_debt => "reserve: nothing, in debt",
                    1 => "reserve: one cell",
                    2..=8 => "reserve: some cells",
                    _ => "reserve: many cells",
                });
                self.handles.push(reserved.unwrap());
                self.model.holds.push(ModelHold { path, amount: micros.into(), state: State::Open });
            }
            Err((binding, available)) => {
                let first = binding == path[0];
                self.met(if first { "reserve: the first account binds" } else { "reserve: another binds" });
                let available_micros = i64::try_from(available).unwrap();
                prop_assert_eq!(
                    reserved,
                    Err(ReserveError::Insufficient { binding: id(binding).into(), available_micros })
                );
                prop_assert_eq!(payable.binding, id(binding).into());
            }
        }
        Ok(())
    }

    fn extend(&mut self, hold: usize, micros: u64) -> Result<(), TestCaseError> {
        let extended = self.engine.extend(self.handles[hold], amount(micros));
        let (state, held) = (self.model.holds[hold].state, self.model.holds[hold].amount);
        let expected = match state {
            State::Ended => Err(ExtendError::AlreadySettled),
            State::Expired => Err(ExtendError::Expired),
            State::Open if held + i128::from(micros) > i64::MAX.into() => Err(ExtendError::AboveMaximum {
                held: amount(u64::try_from(held).unwrap()),
                more: amount(micros),
            }),
            State::Open => {
                let path = self.model.holds[hold].path.clone();
                self.model.take(&path, micros.into()).map_err(|(binding, available)| {
                    let available_micros = i64::try_from(available).unwrap();
                    ExtendError::Insufficient { binding: id(binding).into(), available_micros }
                })
            }
        };
        if expected.is_ok() {
            self.model.holds[hold].amount += i128::from(micros);
        }
        self.met(match expected {
            Ok(()) => "extend: taken",
            Err(ExtendError::Insufficient { .. }) => "extend: denied",
            Err(ExtendError::AboveMaximum { .. }) => "extend: above the maximum",
            Err(ExtendError::Expired) => "extend: expired",
            Err(_) => "extend: settled already",
        });
        prop_assert_eq!(extended, expected);
        Ok(())
    }

    fn commit(&mut self, hold: usize, micros: u64) -> Result<(), TestCaseError> {
        let settled = self.engine.commit(self.handles[hold], amount(micros));
        let state = self.model.holds[hold].state;
        if state == State::Ended {
            self.met("commit: settled already");
            prop_assert_eq!(settled, Err(SettleError::AlreadySettled));
            return Ok(());
        }
        let held = amount(u64::try_from(self.model.holds[hold].amount).unwrap());
        let (booked_extra, unfunded) = self.model.commit(hold, micros.into());
        let actual = amount(micros);
        let (booked_extra, unfunded) =
            (u64::try_from(booked_extra).unwrap(), u64::try_from(unfunded).unwrap());
        let expected = if state == State::Expired {
            self.met("commit: late");
            Settlement::Late { held, actual }
        } else {
            self.met(match (booked_extra, unfunded) {
                (0, 0) => "commit: within the hold",
                (0, _) => "commit: overrun denied",
                (_, 0) => "commit: overrun booked",
                _ => "commit: overrun booked in part",
            });
            let path = &self.model.holds[hold].path;
            if path.iter().any(|&cell| self.model.accounts[cell].available < 0) && booked_extra != 0 {
                self.met("commit: into debt");
            }
            let (booked_extra, unfunded) = (amount(booked_extra), amount(unfunded));
            Settlement::Committed { held, actual, booked_extra, unfunded }
        };
        prop_assert_eq!(settled, Ok(expected));
        Ok(())
    }

    fn part_commit(&mut self, hold: usize, micros: u64) -> Result<(), TestCaseError> {
        let committed = self.engine.part_commit(self.handles[hold], amount(micros));
        let expected = match self.model.holds[hold].state {
            State::Ended => Err(SettleError::AlreadySettled),
            State::Expired => Err(SettleError::AlreadyExpired),
            State::Open => {
                let held = amount(u64::try_from(self.model.holds[hold].amount).unwrap().min(micros));
                let (booked_extra, unfunded) = self.model.part_commit(hold, micros.into());
                let (booked_extra, unfunded) =
                    (amount(booked_extra.try_into().unwrap()), amount(unfunded.try_into().unwrap()));
                Ok(Settlement::Committed { held, actual: amount(micros), booked_extra, unfunded })
            }
        };
        self.met(match expected {
            Ok(Settlement::Committed { booked_extra: Amount::ZERO, unfunded: Amount::ZERO, .. }) => {
                "part-commit: within the hold"
            }
            Ok(Settlement::Committed { unfunded: Amount::ZERO, .. }) => "part-commit: overrun booked",
            Ok(Settlement::Committed { booked_extra: Amount::ZERO, .. }) => "part-commit: overrun denied",
            Ok(_) => "part-commit: overrun booked in part",
            Err(SettleError::AlreadyExpired) => "part-commit: expired",
            Err(_) => "part-commit: settled already",
        });
        prop_assert_eq!(committed, expected);
        Ok(())
    }

    fn adjust(&mut self, account: usize, change_micros: i64) -> Result<(), TestCaseError> {
        let chain = self.model.chain(account);
        if self.model.accounts[account].closed {
            self.met("adjust: closed");
            prop_assert!(self.engine.path(&[id(account)]).is_err());
            return Ok(());
        }
        let path = self.next_path(account);
        let adjusted = self.engine.adjust(&path, change_micros);
        // What is no amount counts as the largest.
        let change = i128::from(change_micros.max(-i64::MAX));
        let micros = |of: i128| amount(of.try_into().unwrap());
        let expected = match self.model.adjust(&chain, change) {
            Ok((booked, unfunded, refunded)) => {
                let unfunded = micros(unfunded);
                Ok(Adjusted { booked: micros(booked), unfunded, refunded: micros(refunded) })
            }
            Err(short) => Err(AdjustError::AboveCommitted {
                account: id(short),
                committed_micros: self.model.accounts[short].committed.try_into().unwrap(),
            }),
        };
        self.met(match &expected {
            Err(_) => "adjust: more than is committed",
            Ok(Adjusted { refunded, .. }) if *refunded > Amount::ZERO => "adjust: refunded",
            Ok(Adjusted { unfunded, .. }) if *unfunded > Amount::ZERO => "adjust: not all booked",
            Ok(_) => "adjust: booked",
        });
        prop_assert_eq!(adjusted, expected);
        Ok(())
    }

    fn release(&mut self, hold: usize) -> Result<(), TestCaseError> {
        let released = self.engine.release(self.handles[hold]);
        let held = amount(u64::try_from(self.model.holds[hold].amount).unwrap());
        let expected = match self.model.holds[hold].state {
            State::Ended => Err(SettleError::AlreadySettled),
            State::Expired => Ok(Release::Expired { held }),
            State::Open => {
                self.model.give_back(hold);
                Ok(Release::Returned { held })
            }
        };
        self.model.holds[hold].state = State::Ended;
        self.met(match expected {
            Ok(Release::Returned { .. }) => "release: returned",
            Ok(Release::Expired { .. }) => "release: expired",
            Err(_) => "release: settled already",
        });
        prop_assert_eq!(released, expected);
        Ok(())
    }

    fn expire(&mut self, hold: usize) -> Result<(), TestCaseError> {
        let expired = self.engine.expire(self.handles[hold]);
        let expected = match self.model.holds[hold].state {
            State::Ended => Err(SettleError::AlreadySettled),
            State::Expired => Err(SettleError::AlreadyExpired),
            State::Open => {
                self.model.give_back(hold);
                self.model.holds[hold].state = State::Expired;
                Ok(amount(u64::try_from(self.model.holds[hold].amount).unwrap()))
            }
        };
        self.met(if expected.is_ok() { "expire: done" } else { "expire: too late" });
        prop_assert_eq!(expired, expected);
        Ok(())
    }

    fn forget(&mut self, hold: usize) -> Result<(), TestCaseError> {
        let forgotten = self.engine.forget(self.handles[hold]);
        let expected = match self.model.holds[hold].state {
            State::Ended => Err(SettleError::AlreadySettled),
            State::Open => Err(SettleError::StillOpen),
            State::Expired => Ok(()),
        };
        if expected.is_ok() {
            self.model.holds[hold].state = State::Ended;
        }
        self.met(if expected.is_ok() { "forget: done" } else { "forget: not expired" });
        prop_assert_eq!(forgotten, expected);
        Ok(())
    }

    fn close(&mut self, index: usize) -> Result<(), TestCaseError> {
        let closed = self.engine.close_account(id(index));
        let children = self
            .model
            .accounts
            .iter()
            .filter(|account| account.parent == Some(index) && !account.closed)
            .count();
        let in_use =
            self.model.holds.iter().any(|hold| hold.state == State::Open && hold.path.contains(&index));
        let expected = if self.model.accounts[index].closed {
            Err(AccountError::Closed { account: id(index) })
        } else if children != 0 {
            let children = u32::try_from(children).unwrap();
            Err(AccountError::ChildrenOpen { account: id(index), children })
        } else if in_use {
            let reserved_micros = u64::try_from(self.model.reserved(index)).unwrap();
            Err(AccountError::HoldsOpen { account: id(index), reserved_micros })
        } else {
            self.model.accounts[index].closed = true;
            Ok(())
        };
        self.met(match expected {
            Ok(()) => "close: done",
            Err(AccountError::ChildrenOpen { .. }) => "close: children open",
            Err(AccountError::HoldsOpen { .. }) => "close: holds open",
            Err(_) => "close: closed already",
        });
        prop_assert_eq!(closed, expected);
        Ok(())
    }

    pub(crate) fn compare(&self) -> Result<(), TestCaseError> {
        for (index, account) in self.model.accounts.iter().enumerate() {
            let reading = self.engine.read(id(index)).unwrap();
            let seen = [
                i128::from(reading.granted_micros),
                i128::from(reading.available_micros),
                i128::from(reading.reserved_micros),
                i128::from(reading.committed_micros),
                i128::from(reading.unfunded_micros),
            ];
            let expected = [
                account.granted,
                account.available,
                self.model.reserved(index),
                account.committed,
                account.unfunded,
            ];
            prop_assert_eq!(seen, expected, "account {}", index);
            prop_assert_eq!(reading.state == AccountState::Closed, account.closed);
            prop_assert_eq!(
                account.granted,
                account.available + self.model.reserved(index) + account.committed
            );
            if account.unfunded == u64::MAX.into() {
                self.met("unfunded: at its end");
            }
            if account.committed > i64::MAX.into() {
                self.met("committed: above what can be granted");
            }
        }
        for (handle, hold) in self.handles.iter().zip(&self.model.holds) {
            let expected = match hold.state {
                State::Open => Some(HoldState::Open),
                State::Expired => Some(HoldState::Expired),
                State::Ended => None,
            };
            let reading = self.engine.hold(*handle);
            prop_assert_eq!(reading.map(|reading| reading.state), expected);
            if let Some(reading) = reading {
                prop_assert_eq!(i128::from(reading.amount.micros()), hold.amount);
                let cells: Vec<_> = self.engine.accounts_on(&reading.path).collect();
                prop_assert_eq!(cells, hold.path.iter().copied().map(id).collect::<Vec<_>>());
            }
        }
        Ok(())
    }
}
