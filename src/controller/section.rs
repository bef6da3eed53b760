//! The one short section through which every effect passes: its order is the order of the log.

use crate::{
    budget::{Engine, Hold},
    crypto::Digest,
    id::{CandidateId, Sequence},
    kernel::Disabled,
    ledger::Ledger,
    num::{Amount, Timestamp},
    policy::Policy,
    record::{Expire, Halt, Operation, Path, Record, Terms},
    sync::MutexGuard,
    wal::{AppendError, Log},
};
use alloc::{collections::BTreeSet, sync::Arc, vec::Vec};

use super::{
    fault::Fault,
    operation::{Operations, Outcome, Remembered},
    stats::Counts,
    timer::Timers,
};

/// What decides: the policy in force and what the host disabled, replaced together.
pub(super) struct Active {
    pub(super) policy: Arc<Policy>,
    pub(super) disabled: Disabled,
    /// The record from which on the policy is in force: nothing is answered under it before that is on disk.
    pub(super) policy_since: Sequence,
}

/// A hold as the controller knows it, in the table that the engine's slots number.
pub(super) struct Held {
    pub(super) sequence: Sequence,
    pub(super) engine: Hold,
    pub(super) amount: Amount,
    pub(super) deadline: Timestamp,
    pub(super) candidate: CandidateId,
    pub(super) policy: Arc<Policy>,
    pub(super) path: Path,
    pub(super) expired: bool,
}

/// What the section guards.
pub(super) struct Section {
    pub(super) log_time: Timestamp,
    pub(super) terms: Terms,
    pub(super) halt: Halt,
    pub(super) active: Arc<Active>,
    pub(super) disabled: BTreeSet<CandidateId>,
    pub(super) holds: Holds,
    pub(super) operations: Operations,
    pub(super) counts: Counts,
    pub(super) broken: bool,
}

/// The holds that can still be settled, by slot, with their deadlines.
pub(super) struct Holds {
    slots: Vec<Option<Held>>,
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
        let appended = self.log.append(record.kind().code(), self.now, self.caller, |out| record.encode(out));
        match appended {
            Ok(sequence) => {
                self.section.log_time = self.now;
                Ok(sequence)
            }
            Err(AppendError::Poisoned(_)) => Err(Fault::Poisoned),
            // The room was checked before the effects were applied: the state is ahead of the log now.
            Err(_) => Err(self.broken()),
        }
    }

    /// The engine and the tables disagree: nothing more is answered.
    pub(super) fn broken(&mut self) -> Fault {
        self.section.broken = true;
        Fault::Broken
    }

    /// What the operation did before, if it did.
    pub(super) fn before(
        &mut self,
        operation: Option<Operation>,
        digest: Digest,
    ) -> Result<Option<Remembered>, Fault> {
        let (terms, now) = (self.section.terms, self.now);
        operation.map_or(Ok(None), |operation| self.section.operations.check(operation, digest, &terms, now))
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
        let late_ns = self.section.terms.late_window_ns;
        let mut due = Vec::new();
        while due.len() < max {
            let Some((sequence, slot)) = self.section.holds.timers.due(self.now) else { break };
            let Some(held) = self.section.holds.at(slot, sequence) else { continue };
            if held.expired {
                if lies_back(held.deadline, late_ns, self.now) {
                    self.forget(slot, sequence)?;
                }
            } else if held.deadline <= self.now {
                due.push((sequence, slot));
            }
        }
        self.expire(&mut due)?;
        Ok(due.len())
    }

    /// Expires that hold if its deadline has come.
    pub(super) fn expire_if_due(&mut self, sequence: Sequence, slot: u32) -> Result<(), Fault> {
        let now = self.now;
        match self.section.holds.at(slot, sequence) {
            Some(held) if !held.expired && held.deadline <= now => self.expire(&mut [(sequence, slot)]),
            _ => Ok(()),
        }
    }

    fn expire(&mut self, due: &mut [(Sequence, u32)]) -> Result<(), Fault> {
        if due.is_empty() {
            return Ok(());
        }
        due.sort_unstable();
        let late_ns = self.section.terms.late_window_ns;
        let mut record = core::mem::take(&mut self.section.holds.due);
        record.clear();
        for (sequence, slot) in due.iter() {
            let Some(held) = self.section.holds.at(*slot, *sequence) else { return Err(self.broken()) };
            held.expired = true;
            let (hold, deadline) = (held.engine, held.deadline);
            if self.engine.expire(hold).is_err() || record.push(*sequence).is_err() {
                return Err(self.broken());
            }
            let holds = &mut self.section.holds;
            holds.open = holds.open.saturating_sub(1);
            holds.expired = holds.expired.saturating_add(1);
            // One nanosecond after the last instant at which a late settlement is taken.
            let forgotten = deadline.0.saturating_add_unsigned(late_ns).saturating_add(1);
            holds.timers.set(Timestamp(forgotten), *sequence, *slot);
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

    /// The hold, if it can still be settled: open, or expired within the late window.
    pub(super) fn held(&mut self, sequence: Sequence, slot: u32) -> Result<&mut Held, Fault> {
        let (late_ns, now) = (self.section.terms.late_window_ns, self.now);
        let gone = Fault::SettledAlready { hold: sequence };
        match self.section.holds.at(slot, sequence) {
            Some(held) if held.expired && lies_back(held.deadline, late_ns, now) => {}
            Some(_) => return self.section.holds.at(slot, sequence).ok_or(gone),
            None => return Err(gone),
        }
        self.forget(slot, sequence)?;
        Err(gone)
    }
}

/// Whether the instant lies further back than the window. SEMANTICS 9.8.
fn lies_back(instant: Timestamp, window_ns: u64, now: Timestamp) -> bool {
    now.0.saturating_sub_unsigned(window_ns) > instant.0
}

impl Holds {
    pub(super) fn with_capacity(holds: usize) -> Self {
        Self {
            slots: Vec::with_capacity(holds),
            timers: Timers::with_capacity(holds),
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

    /// Keeps a hold that was just taken, or came back with the log.
    pub(super) fn put(&mut self, held: Held, late_window_ns: u64) {
        let slot = held.engine.slot();
        let place = usize::try_from(slot).unwrap_or(usize::MAX);
        let at = if held.expired {
            self.expired = self.expired.saturating_add(1);
            Timestamp(held.deadline.0.saturating_add_unsigned(late_window_ns).saturating_add(1))
        } else {
            self.open = self.open.saturating_add(1);
            held.deadline
        };
        self.timers.set(at, held.sequence, slot);
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

    /// A later deadline of that hold.
    pub(super) fn remind(&mut self, at: Timestamp, sequence: Sequence, slot: u32) {
        self.timers.set(at, sequence, slot);
    }

    /// Takes a hold out: it has ended.
    pub(super) fn take(&mut self, slot: u32, sequence: Sequence) -> Option<Held> {
        let place = self.slots.get_mut(usize::try_from(slot).ok()?)?;
        let held = place.take_if(|held| held.sequence == sequence)?;
        let count = if held.expired { &mut self.expired } else { &mut self.open };
        *count = count.saturating_sub(1);
        Some(held)
    }

    /// Every hold that can still be settled.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Held> {
        self.slots.iter().flatten()
    }
}
