//! Threads on shared accounts through one controller: what each was told, what the engine has, what the ledger has and what a
//! replay of the log comes to are the same.

use std::{
    sync::atomic::{AtomicI64, Ordering},
    thread,
};

use assize::{
    audit::{self, AuditOptions},
    controller::{Admission, Call, Controller, NotAdmitted, Permit},
    id::{AccountId, Name},
    kernel::Request,
    ledger::Ledger,
    num::{Amount, Timestamp},
    overrun::Overrun,
    record::{Principal, ReleaseOutcome, Settled, Spend},
    wal::{
        Level, ReadOptions,
        storage::{Directory, Memory, Storage},
    },
};

use super::{
    check::{Given, Seen, Wrong, holds, same, there},
    draw::Draw,
    host::{START, account, create, key},
};
use crate::output::grouped;

pub(super) fn in_memory(given: &Given, did: &mut String) -> Seen {
    let memory = Memory::new();
    contend(Box::new(memory.clone()), &memory, given.seed, Work { threads: 4, rounds: 2_000 }, did)
}

pub(super) fn on_disk(given: &Given, did: &mut String) -> Seen {
    let place = given.empty("threads")?;
    let (storage, reading) = (Directory::new(&place), Directory::new(&place));
    contend(Box::new(storage), &reading, given.seed, Work { threads: 4, rounds: 150 }, did)
}

struct Work {
    threads: u64,
    rounds: u64,
}

/// What a thread was told, summed up: all of it is below one root.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Told {
    admitted: u64,
    denied: u64,
    settled: u64,
    committed_micros: u64,
    unfunded_micros: u64,
    held_micros: u64,
}

fn contend(
    storage: Box<dyn Storage>,
    reading: &dyn Storage,
    seed: u64,
    work: Work,
    did: &mut String,
) -> Seen {
    *did = format!("{} threads on 4 accounts, {} rounds each", work.threads, grouped(work.rounds));
    let controller = create(storage, 64 << 10)?;
    // Less than is asked for, so that some of it is denied.
    let asked = i64::try_from(work.threads.saturating_mul(work.rounds).saturating_mul(COST_MEAN))?;
    let (in_all, for_each) = (asked.div_euclid(2), asked.div_euclid(4));
    let root = account(&controller, None, "root", Overrun::Debt, in_all)?;
    let below = [("deny", Overrun::Deny), ("if", Overrun::IfAvailable), ("debt", Overrun::Debt)];
    let mut payers = vec![root];
    for (name, overrun) in below {
        payers.push(account(&controller, Some(root), name, overrun, for_each)?);
    }
    let clock = AtomicI64::new(START.0);
    let told = thread::scope(|scope| {
        let run = |number| {
            let (controller, clock, payers) = (&controller, &clock, &payers);
            let draw = Draw::new(seed, number);
            scope.spawn(move || client(controller, clock, payers, draw, work.rounds))
        };
        let threads: Vec<_> = (1..=work.threads).map(run).collect();
        let joined = threads.into_iter().map(|thread| match thread.join() {
            Ok(told) => told,
            Err(_) => Err(Wrong::new("a thread panicked")),
        });
        joined.collect::<Result<Vec<Told>, Wrong>>()
    })?;
    let told = told.iter().fold(Told::default(), |sum, told| sum.and(told));
    holds("some kind of answer was not given", told.admitted > 0 && told.denied > 0 && told.settled > 0)?;
    let ledger = controller.with_ledger(|ledger| books(&controller, ledger, root, &told))??;
    let anchor = controller.close()?;
    let read = ReadOptions { anchor: Some(anchor), ..ReadOptions::default() };
    let report = audit::replay(reading, &[&key()?], AuditOptions { read, ..AuditOptions::default() })?;
    same("the replayed ledger", &report.ledger.to_string(), &ledger)?;
    same("admissions replayed", &report.calls.admitted, &told.admitted)?;
    Ok(format!(
        "{} admitted, {} denied, {} settled; engine, ledger, replay of {} records and what was told agree",
        grouped(told.admitted),
        grouped(told.denied),
        grouped(told.settled),
        grouped(report.summary.records)
    ))
}

/// One thread's calls.
fn client(
    controller: &Controller,
    clock: &AtomicI64,
    payers: &[AccountId],
    mut draw: Draw,
    rounds: u64,
) -> Result<Told, Wrong> {
    let (mut told, mut held) = (Told::default(), Vec::new());
    let policy = controller.policy();
    let units = policy.schema().quantity("units")?;
    let principal = Principal::Attested(Name::new("a client")?);
    for _ in 0..rounds {
        let at = Timestamp(clock.fetch_add(1, Ordering::Relaxed));
        let level =
            draw.pick(&[Level::Queued, Level::Written, Level::Synced]).copied().unwrap_or(Level::Synced);
        let call = Call::at(at).level(level);
        let mut request = Request::new(policy.schema());
        request.quantity(units, draw.below(UNITS))?;
        let payer = draw.pick(payers).copied().into_iter().collect::<Vec<_>>();
        let deadline = Timestamp(at.0.saturating_add(HOUR_NS));
        match controller.admit(&Admission { principal, accounts: &payer, request: &request, deadline }, call)
        {
            Ok(permit) => {
                told.admitted = told.admitted.saturating_add(1);
                held.push(permit);
            }
            Err(NotAdmitted::Denied(_)) => told.denied = told.denied.saturating_add(1),
            Err(other) => return Err(other.into()),
        }
        if held.len() > 4 {
            let at = usize::try_from(draw.below(4))?;
            settle(controller, held.swap_remove(at), &mut draw, call, &mut told)?;
        }
    }
    let open = held.iter().map(|permit| permit.amount().micros());
    told.held_micros = open.fold(0, u64::saturating_add);
    Ok(told)
}

/// Commits less or more than is held, or gives it back.
fn settle(
    controller: &Controller,
    permit: Permit,
    draw: &mut Draw,
    call: Call,
    told: &mut Told,
) -> Result<(), Wrong> {
    told.settled = told.settled.saturating_add(1);
    if draw.one_in(4) {
        let outcome = controller.release(permit, call)?.outcome;
        return holds("a hold had expired", matches!(outcome, ReleaseOutcome::Released { .. }));
    }
    let spent = draw.below(permit.amount().micros().saturating_mul(3).saturating_add(1));
    let spend = Spend::Amount(there("an amount", Amount::new(spent))?);
    let outcome = controller.commit(permit, spend, call)?.outcome;
    same("when a hold was settled", &outcome.settled, &Settled::InTime)?;
    let unfunded = outcome.unfunded.micros();
    told.committed_micros = told.committed_micros.saturating_add(spent.saturating_sub(unfunded));
    told.unfunded_micros = told.unfunded_micros.saturating_add(unfunded);
    Ok(())
}

const UNITS: u64 = 200;
/// Of up to so many units, at the 10 micro-units of the cheapest candidate.
const COST_MEAN: u64 = 1_000;
const HOUR_NS: i64 = 3_600_000_000_000;

/// Every cell is conserved, the engine has what the ledger has, and the root has what all threads were told. Gives the ledger's
/// digest.
fn books(controller: &Controller, ledger: &Ledger, root: AccountId, told: &Told) -> Result<String, Wrong> {
    ledger.check_conservation().map_err(Wrong::new)?;
    for (account, of) in ledger.accounts() {
        for limit in 0..of.limits.count() {
            let read = controller.read(account.limit(limit))?;
            let Some((_, cell)) = of.limits.current(limit) else {
                return Err(Wrong::new(format_args!("account {account} has no limit {limit}")));
            };
            let what = format!("account {account}");
            let engine = (read.granted_micros, read.available_micros, read.reserved_micros);
            same(&what, &engine, &(cell.granted_micros, cell.available_micros, cell.reserved_micros))?;
            let engine = (read.committed_micros, read.lapsed_micros, read.unfunded_micros);
            same(&what, &engine, &(cell.committed_micros, cell.lapsed_micros, cell.unfunded_micros))?;
            let parts = [read.reserved_micros, read.committed_micros, read.lapsed_micros].map(i128::from);
            let sum = parts.into_iter().fold(i128::from(read.available_micros), i128::saturating_add);
            same(&what, &sum, &i128::from(read.granted_micros))?;
            if account == root {
                let seen = (read.committed_micros, read.unfunded_micros, read.reserved_micros);
                same("root", &seen, &(told.committed_micros, told.unfunded_micros, told.held_micros))?;
            }
        }
    }
    Ok(ledger.digest().to_string())
}

impl Told {
    fn and(self, other: &Self) -> Self {
        Self {
            admitted: self.admitted.saturating_add(other.admitted),
            denied: self.denied.saturating_add(other.denied),
            settled: self.settled.saturating_add(other.settled),
            committed_micros: self.committed_micros.saturating_add(other.committed_micros),
            unfunded_micros: self.unfunded_micros.saturating_add(other.unfunded_micros),
            held_micros: self.held_micros.saturating_add(other.held_micros),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn books_that_are_not_what_was_told_are_wrong() {
        let controller = create(Box::new(Memory::new()), 1 << 20).unwrap();
        let root = account(&controller, None, "root", Overrun::Deny, 1_000).unwrap();
        let told = |held_micros| Told { held_micros, ..Told::default() };
        let books =
            |told: Told| controller.with_ledger(|ledger| books(&controller, ledger, root, &told)).unwrap();
        assert!(books(told(0)).is_ok());
        assert!(books(told(1)).is_err());
    }
}
