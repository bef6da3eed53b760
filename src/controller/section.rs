//! The one short section through which every effect passes: its order is the order of the log.

use crate::{
    budget::{Engine, Hold, Path},
    crypto::Digest,
    id::{AccountId, CandidateId, Sequence},
    kernel::Disabled,
    ledger::Ledger,
    num::{Amount, Timestamp},
    policy::Policy,
    record::{self, Arguments, Expire, Halt, Operation, Record, Terms},
    sync::MutexGuard,
    wal::{AppendError, Log},
};
use alloc::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    vec::Vec,
};

use super::{
    fault::Fault,
    operation::{Operations, Outcome, Remembered},
    permit::Permit,
    settled::Settled,
    stats::Counts,
    throttles::Throttles,
    timer::Timers,
};

/// What decides: the policy in force and what the host disabled, replaced together.
pub(super) struct Active {
    pub(super) policy: Arc<Policy>,
    pub(super) disabled: Disabled,
    /// The host's disabled candidates, also those that the policy does not have: ascending.
    pub(super) switched_off: Vec<CandidateId>,
    /// The record from which on the policy is in force: nothing is answered under it before that is on disk.
    pub(super) policy_since: Sequence,
}

/// A hold as the controller knows it, in the table that the engine's slots number.
pub(super) struct Held {
    pub(super) sequence: Sequence,
    pub(super) engine: Hold,
    pub(super) amount: Amount,
    /// What its part commits have stated so far, and what of that is not booked.
    pub(super) spent: Amount,
    pub(super) unfunded: Amount,
    pub(super) deadline: Timestamp,
    pub(super) candidate: CandidateId,
    pub(super) policy: Arc<Policy>,
    pub(super) path: record::Path,
    pub(super) expired: bool,
}

impl Held {
    /// Its name and its slot.
    fn name(&self) -> (Sequence, u32) {
        (self.sequence, self.engine.slot())
    }

    /// When something is to be done about it: it expires, or is forgotten one nanosecond after the last instant at
    /// which a late settlement is taken. `None` where that lies after all time.
    fn due(&self, late_window_ns: u64) -> Option<Timestamp> {
        if self.expired {
            self.deadline.checked_add_ns(late_window_ns)?.checked_add_ns(1)
        } else {
            Some(self.deadline)
        }
    }
}

/// What the section guards.
pub(super) struct Section {
    pub(super) log_time: Timestamp,
    pub(super) terms: Terms,
    pub(super) halt: Halt,
    pub(super) active: Arc<Active>,
    pub(super) disabled: BTreeSet<CandidateId>,
    pub(super) holds: Holds,
    pub(super) settled: Settled,
    pub(super) operations: Operations,
    pub(super) throttles: Throttles,
    pub(super) counts: Counts,
    pub(super) broken: bool,
}

/// The holds that can still be settled, by slot, with their deadlines.
pub(super) struct Holds {
    slots: Vec<Option<Held>>,
    /// The slots of those that came back with the log: permits from before do not know them.
    restored: BTreeMap<Sequence, u32>,
    timers: Timers,
    open: usize,
    expired: usize,
    due: Expire,
}

/// The section, entered: the effective time is fixed, the log has room.
pub(super) struct Entered<'a> {
    pub(super) section: MutexGuard<'a, Section>,
    pub(super) engine: &'a Engine,
    pub(super) log: &'a Log<Ledger>,
    pub(super) now: Timestamp,
    pub(super) caller: Timestamp,
}

impl Entered<'_> {
    /// Appends a record of what was just done. What had room keeps it, since this is the only place that appends.
    pub(super) fn append(&mut self, record: &Record) -> Result<Sequence, Fault> {
        let (now, caller) = (self.now, self.caller);
        let appended = match record {
            Record::Retention(retention) => self.log.append_retention(retention, now, caller),
            _ => self.log.append(record.kind().code(), now, caller, |out| record.encode(out)),
        };
        self.appended(appended)
    }

    /// The same, of a call: what was asked may be the caller's own.
    pub(super) fn append_call<A: Arguments>(&mut self, call: &record::Call<A>) -> Result<Sequence, Fault> {
        let appended = self.log.append(A::KIND.code(), self.now, self.caller, |out| call.encode(out));
        self.appended(appended)
    }

    fn appended(&mut self, appended: Result<Sequence, AppendError>) -> Result<Sequence, Fault> {
        match appended {
            Ok(sequence) => {
                self.section.log_time = self.now;
                let horizon_ns = self.section.terms.operation_horizon_ns;
                self.section.operations.forget(self.now, horizon_ns);
                self.forget_settled();
                Ok(sequence)
            }
            Err(AppendError::Poisoned(_)) => Err(Fault::Poisoned),
            // The room was checked before the effects were applied: the state is ahead of the log now.
            Err(_) => Err(self.broken()),
        }
    }

    /// Forgets settled holds that can no longer be adjusted.
    pub(super) fn forget_settled(&mut self) {
        let terms = self.section.terms;
        while let Some(forgotten) = self.section.settled.forget_one(self.now, &terms) {
            self.engine.unpin(&forgotten.cells);
        }
    }

    /// Whether there is no room for one more hold: a fault, and so before every effect.
    pub(super) fn must_have_room(&self) -> Result<(), Fault> {
        let max = self.engine.holds_max();
        let holds = self.section.holds.open.saturating_add(self.section.holds.expired);
        if holds < usize::try_from(max).unwrap_or(usize::MAX) {
            Ok(())
        } else {
            Err(Fault::HoldsFull { max })
        }
    }

    /// Ends the windows of a path's accounts that are over by now, and makes the path again.
    pub(super) fn rolled(&mut self, accounts: &[AccountId], cells: Path) -> Result<Path, Fault> {
        if !cells.is_cut() {
            return Ok(cells);
        }
        let rolled = self.engine.roll_at(&cells, self.now).is_ok();
        let again = self.engine.path(accounts).ok().filter(|_| rolled);
        again.ok_or_else(|| self.broken())
    }

    /// Ends the windows of a hold's accounts that are over by now.
    pub(super) fn roll_hold(&mut self, hold: Hold) -> Result<(), Fault> {
        self.engine.roll_hold(hold, self.now).map_err(|_| self.broken())
    }

    /// The engine and the tables disagree: nothing more is answered.
    pub(super) fn broken(&mut self) -> Fault {
        self.section.broken = true;
        Fault::Broken
    }

    /// What the operation did before, if it did.
    pub(super) fn before(
        &self,
        operation: Option<Operation>,
        digest: Digest,
    ) -> Result<Option<Remembered>, Fault> {
        let Section { operations, terms, .. } = &*self.section;
        operation.map_or(Ok(None), |operation| operations.check(operation, digest, terms, self.now))
    }

    /// Keeps what the operation did, for as long as it may be repeated.
    pub(super) fn remember(
        &mut self,
        operation: Option<Operation>,
        digest: Digest,
        sequence: Sequence,
        outcome: Outcome,
        slot: Option<u32>,
    ) {
        if let Some(Operation { id, issued }) = operation {
            let what = Remembered { issued, digest, sequence, outcome, slot };
            self.section.operations.remember(id, what);
        }
    }

    /// Expires holds that are due, at most that many, in one record. How many it was.
    pub(super) fn expire_due(&mut self, max: usize) -> Result<usize, Fault> {
        let (late_ns, now) = (self.section.terms.late_window_ns, self.now);
        let mut due = Vec::new();
        while due.len() < max {
            let holds = &mut self.section.holds;
            let Some((sequence, slot)) = holds.timers.due(now) else { break };
            let Some(held) = holds.at(slot, sequence) else { continue };
            match (held.due(late_ns), held.expired) {
                (Some(later), _) if later > now => holds.timers.set(later, sequence, slot),
                (Some(_), true) => self.forget(slot, sequence)?,
                (Some(_), false) => due.push((sequence, slot)),
                (None, _) => {}
            }
        }
        self.expire(&mut due)?;
        let holds = &mut self.section.holds;
        for (sequence, slot) in &due {
            if let Some(forgotten) = holds.at(*slot, *sequence).and_then(|held| held.due(late_ns)) {
                holds.timers.set(forgotten, *sequence, *slot);
            }
        }
        Ok(due.len())
    }

    fn expire(&mut self, due: &mut [(Sequence, u32)]) -> Result<(), Fault> {
        if due.is_empty() {
            return Ok(());
        }
        due.sort_unstable();
        let mut record = core::mem::take(&mut self.section.holds.due);
        record.clear();
        for (sequence, slot) in due.iter() {
            let Some(held) = self.section.holds.at(*slot, *sequence) else { return Err(self.broken()) };
            held.expired = true;
            let hold = held.engine;
            self.roll_hold(hold)?;
            if self.engine.expire(hold).is_err() || record.push(*sequence).is_err() {
                return Err(self.broken());
            }
            let holds = &mut self.section.holds;
            holds.open = holds.open.saturating_sub(1);
            holds.expired = holds.expired.saturating_add(1);
        }
        let record = Record::Expire(record);
        self.append(&record)?;
        self.section.counts.expired(due.len());
        if let Record::Expire(emptied) = record {
            self.section.holds.due = emptied;
        }
        Ok(())
    }

    /// Drops an expired hold that can no longer be settled.
    fn forget(&mut self, slot: u32, sequence: Sequence) -> Result<(), Fault> {
        let Some(held) = self.section.holds.take(slot, sequence) else { return Ok(()) };
        self.engine.forget(held.engine).map_err(|_| self.broken())
    }

    /// Puts terms in force, from the record that is appended next: what the old ones had forgotten by the log's time
    /// stays forgotten.
    pub(super) fn change_terms(&mut self, terms: Terms) -> Result<(), Fault> {
        let (late_ns, log_time) = (self.section.terms.late_window_ns, self.section.log_time);
        let past = |held: &&Held| held.expired && lies_back(held.deadline, late_ns, log_time);
        let past: Vec<_> = self.section.holds.iter().filter(past).map(Held::name).collect();
        for (sequence, slot) in past {
            self.forget(slot, sequence)?;
        }
        self.section.terms = terms;
        self.section.holds.set_timers(terms.late_window_ns);
        Ok(())
    }

    /// The permit's hold, if it can still be settled: its deadline does not lie more than the late window back.
    /// SEMANTICS 9.8.
    pub(super) fn held(&mut self, permit: &Permit) -> Result<&mut Held, Fault> {
        if permit.log != self.log.id() {
            return Err(Fault::ForeignPermit { log: permit.log });
        }
        let (late_ns, now) = (self.section.terms.late_window_ns, self.now);
        // What a crash lost can have left a permit whose sequence went to another hold.
        let is_it = |held: &&mut Held| {
            held.candidate == permit.candidate
                && held.policy.epoch() == permit.epoch
                && !lies_back(held.deadline, late_ns, now)
        };
        let held = self.section.holds.find(permit.hold, permit.engine.slot());
        held.filter(is_it).ok_or(Fault::SettledAlready { hold: permit.hold })
    }

    /// The permit's hold, if it is open and its deadline is ahead. SEMANTICS 8.3.
    pub(super) fn open(&mut self, permit: &Permit) -> Result<&mut Held, Fault> {
        let now = self.now;
        let held = self.held(permit)?;
        if held.expired || held.deadline <= now {
            Err(Fault::Expired { hold: permit.hold })
        } else {
            Ok(held)
        }
    }

    /// The permit's hold, to be ended: expired by a record of its own if it is due.
    pub(super) fn ending(&mut self, permit: &Permit) -> Result<Hold, Fault> {
        let now = self.now;
        let Held { sequence, engine, deadline, expired, .. } = *self.held(permit)?;
        if !expired && deadline <= now {
            self.expire(&mut [(sequence, engine.slot())])?;
        }
        Ok(engine)
    }
}

/// Whether the instant lies further back than the window. SEMANTICS 9.8.
pub(super) fn lies_back(instant: Timestamp, window_ns: u64, now: Timestamp) -> bool {
    now.0.saturating_sub_unsigned(window_ns) > instant.0
}

impl Holds {
    pub(super) fn new() -> Self {
        Self {
            slots: Vec::new(),
            restored: BTreeMap::new(),
            timers: Timers::new(),
            open: 0,
            expired: 0,
            due: Expire::new(),
        }
    }

    /// Open holds.
    pub(super) fn open(&self) -> usize {
        self.open
    }

    /// Expired holds that can still be settled.
    pub(super) fn expired(&self) -> usize {
        self.expired
    }

    fn iter(&self) -> impl Iterator<Item = &Held> {
        self.slots.iter().flatten()
    }

    /// Sets every hold's timer anew.
    fn set_timers(&mut self, late_window_ns: u64) {
        self.timers = Timers::new();
        for held in self.slots.iter().flatten() {
            if let Some(at) = held.due(late_window_ns) {
                self.timers.set(at, held.sequence, held.engine.slot());
            }
        }
    }

    /// Keeps a hold that came back with the log.
    pub(super) fn restore(&mut self, held: Held, late_window_ns: u64) {
        self.restored.insert(held.sequence, held.engine.slot());
        self.put(held, late_window_ns);
    }

    /// Keeps a hold that was just taken.
    pub(super) fn put(&mut self, held: Held, late_window_ns: u64) {
        let slot = held.engine.slot();
        let place = usize::try_from(slot).unwrap_or(usize::MAX);
        let count = if held.expired { &mut self.expired } else { &mut self.open };
        *count = count.saturating_add(1);
        if let Some(at) = held.due(late_window_ns) {
            self.timers.set(at, held.sequence, slot);
        }
        if self.slots.len() <= place {
            self.slots.resize_with(place.saturating_add(1), || None);
        }
        if let Some(empty) = self.slots.get_mut(place) {
            *empty = Some(held);
        }
        let slots = &self.slots;
        self.timers.prune(self.open.saturating_add(self.expired), |sequence, slot| {
            slots
                .get(usize::try_from(slot).unwrap_or(usize::MAX))
                .and_then(Option::as_ref)
                .is_some_and(|held| held.sequence == sequence)
        });
    }

    /// The hold of that name in that slot.
    pub(super) fn at(&mut self, slot: u32, sequence: Sequence) -> Option<&mut Held> {
        self.slots.get_mut(usize::try_from(slot).ok()?)?.as_mut().filter(|held| held.sequence == sequence)
    }

    /// The hold of that name, in that slot or where the log's opening put it.
    pub(super) fn find(&mut self, sequence: Sequence, slot: u32) -> Option<&mut Held> {
        let slot = self.restored.get(&sequence).copied().unwrap_or(slot);
        self.at(slot, sequence)
    }

    /// Takes a hold out: it has ended.
    pub(super) fn take(&mut self, slot: u32, sequence: Sequence) -> Option<Held> {
        let place = self.slots.get_mut(usize::try_from(slot).ok()?)?;
        let held = place.take_if(|held| held.sequence == sequence)?;
        self.restored.remove(&sequence);
        let count = if held.expired { &mut self.expired } else { &mut self.open };
        *count = count.saturating_sub(1);
        Some(held)
    }
}
