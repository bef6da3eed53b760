//! The rows one after the other: admitted as they came, settled after so many later ones.

use std::{collections::VecDeque, path::Path, time::Instant};

use assize::{
    controller::{Admission, Call, Controller, Fault, NotAdmitted, NotSettled, Permit},
    num::Timestamp,
    record::{Principal, Spend},
    wal::Level,
};
use indicatif::ProgressBar;

use super::{
    accounts::Payer,
    driven::{commit, driven},
    operation::{Run, Step},
    question::Question,
    tally::Tally,
    trace::Row,
};
use crate::failure::Failure;

/// How rows are put to a controller.
pub(super) struct Replay<'a> {
    pub(super) controller: &'a Controller,
    pub(super) log: &'a Path,
    pub(super) run: Run,
    pub(super) question: &'a Question,
    pub(super) payers: &'a [Payer],
    pub(super) level: Level,
    /// A row is settled once this many later ones have been admitted or denied.
    pub(super) in_flight: usize,
    /// Added to every row's time.
    pub(super) shift_ns: u64,
}

/// A row that was admitted and is not settled.
struct InFlight<'a> {
    place: usize,
    row: &'a Row,
    permit: Permit,
}

impl Replay<'_> {
    /// Puts every row, settles every row admitted, and waits until all of it is on disk.
    pub(super) fn put(&self, rows: &[Row], bar: &ProgressBar) -> Result<Tally, Failure> {
        let mut tally = Tally::new(rows.len());
        let mut in_flight = VecDeque::new();
        let began = Instant::now();
        for (place, row) in rows.iter().enumerate() {
            let named = |failure: Failure| failure.at(format_args!("line {} of the trace", row.line));
            if let Some(permit) = self.admit(rows, place, row, &mut tally).map_err(named)? {
                in_flight.push_back(InFlight { place, row, permit });
            }
            let due = |first: &InFlight<'_>| first.place.saturating_add(self.in_flight) <= place;
            if in_flight.front().is_some_and(due)
                && let Some(first) = in_flight.pop_front()
            {
                self.settle(first, self.shifted(row)?, &mut tally).map_err(named)?;
            }
            bar.inc(1);
        }
        if let Some(last) = rows.last() {
            for left in in_flight {
                let line = left.row.line;
                let settled = self.settle(left, self.shifted(last)?, &mut tally);
                settled.map_err(|failure| failure.at(format_args!("line {line} of the trace")))?;
            }
        }
        let synced = self.controller.drive();
        tally.took(began.elapsed());
        let _synced = synced.map_err(|fault| Failure::fault(self.log, &fault))?;
        Ok(tally)
    }

    /// Decides a row and holds its cost.
    fn admit(
        &self,
        rows: &[Row],
        place: usize,
        row: &Row,
        tally: &mut Tally,
    ) -> Result<Option<Permit>, Failure> {
        let request = self.question.of(place, row)?;
        let turn = place.checked_rem(self.payers.len()).and_then(|turn| self.payers.get(turn));
        let payer = turn.ok_or_else(|| Failure::input("a run has no account"))?;
        let at = self.shifted(row)?;
        let admission = Admission {
            principal: Principal::Attested(payer.name),
            accounts: &[payer.account],
            request: &request,
            deadline: self.deadline(rows, place)?,
        };
        let call = self.call(at, Step::Admit, place);
        let began = Instant::now();
        let answer = driven(self.controller, || self.controller.admit(&admission, call));
        tally.waited(began.elapsed());
        match answer {
            Ok(permit) => {
                tally.admitted(&permit);
                Ok(Some(permit))
            }
            Err(NotAdmitted::Denied(denial)) => {
                tally.denied(&denial);
                Ok(None)
            }
            Err(NotAdmitted::Faulted(fault)) => Err(Failure::fault(self.log, &fault)),
            Err(NotAdmitted::Repeated(repeated)) => Err(Failure::in_file(self.log, repeated)),
        }
    }

    /// Ends a row's hold with what it used. Where that has no price that can be booked, what was held is the host's
    /// word for it. SEMANTICS 12.2.
    fn settle(&self, done: InFlight<'_>, at: Timestamp, tally: &mut Tally) -> Result<(), Failure> {
        let InFlight { place, row, permit } = done;
        let (candidate, held) = (permit.candidate(), permit.amount());
        let call = self.call(at, Step::Settle, place);
        let spend = Spend::Usage { served: candidate, quantities: self.question.usage(row)? };
        let settled = match commit(self.controller, permit, spend, call) {
            Err(NotSettled { permit, fault: Fault::Unpriced { .. } }) => {
                tally.unpriced();
                commit(self.controller, permit, Spend::Amount(held), call)
            }
            settled => settled,
        };
        let settled = settled.map_err(|error| Failure::fault(self.log, &error.fault))?;
        tally.settled(candidate, held, &settled.outcome);
        Ok(())
    }

    fn call(&self, at: Timestamp, step: Step, place: usize) -> Call {
        let of = u64::try_from(place).unwrap_or(u64::MAX);
        Call::at(at).level(self.level).operation(self.run.operation(step, of, at))
    }

    /// An hour past the instant at which the row is to be settled.
    fn deadline(&self, rows: &[Row], place: usize) -> Result<Timestamp, Failure> {
        let settled_by = rows.get(place.saturating_add(self.in_flight)).or(rows.last());
        let due = settled_by.map(|row| self.shifted(row)).transpose()?;
        due.and_then(|due| due.checked_add_ns(GRACE_NS)).ok_or_else(out_of_range)
    }

    fn shifted(&self, row: &Row) -> Result<Timestamp, Failure> {
        row.at.checked_add_ns(self.shift_ns).ok_or_else(out_of_range)
    }
}

/// An hour.
const GRACE_NS: u64 = 3_600_000_000_000;

fn out_of_range() -> Failure {
    Failure::input("the trace, shifted past the log's time, passes the last instant, 2262-04-11")
}
