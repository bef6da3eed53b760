//! One order for all effects: decide, hold, record, settle.
//!
//! A [`Controller`] owns its engine and its log; nothing that changes them gets out. Every admission, settlement,
//! grant and switch passes one short section, where the effective time is fixed, the effects are applied and the
//! record is appended: the order of the log is the order of the effects. Deciding, hashing, writing and syncing
//! happen outside it. `docs/ARCHITECTURE.md` follows one request through it. A policy that is to come can decide in
//! its shadow first: [`Controller::set_shadow`].

mod accounts;
mod adjust;
mod administer;
mod admit;
#[cfg(feature = "tokio")]
mod asynchronous;
mod fault;
mod open;
mod operation;
mod part;
mod permit;
mod queued;
mod reroute;
mod retain;
mod section;
mod settle;
mod settled;
mod shadow;
mod stats;
mod throttles;
mod timer;

pub use administer::NotSwapped;
pub use admit::{Admission, Call};
#[cfg(feature = "tokio")]
pub use asynchronous::{AlreadyDriven, AsyncController, Driver};
pub use fault::{Fault, FaultClass};
pub use open::{CreateError, CreateOptions, OpenError, OpenOptions, Opened};
pub use operation::{Outcome, Remembered};
pub use permit::{AuditedReason, Denial, DenialClass, NotAdmitted, Permit, Repeated, RepeatedState};
pub use reroute::{NotRerouted, Reroute};
pub use retain::NotRetained;
pub use settle::{Extension, NotExtended, NotSettled, Repeat, Settlement};
pub use shadow::{
    Disagreed, Disagreement, DisagreementKind, NotShadowed, ShadowFailure, ShadowOptions, ShadowReport,
};
pub use stats::{Counts, Stats};
pub use throttles::ThrottledBy;

use alloc::sync::Arc;

use crate::{
    budget::{AccountError, AccountReading, Engine},
    certainty::{Bounded, Exact},
    id::{AccountId, LimitId, LogId, Name, OperationId, Sequence},
    ledger::{Ledger, LedgerError, Snapshot},
    limits::CONTROLLER_QUEUE_BYTES_MIN,
    num::Timestamp,
    policy::Policy,
    sync::{Mutex, MutexGuard, RwLock},
    wal::{Anchor, ChangeKeyError, Failure, Level, Log, LogKey, Progress, WaitError},
};
use queued::Queued;
use section::{Active, Entered, Section};
use shadow::Shadow;

/// Decides, holds, records and settles, in one order that its log proves.
///
/// Shared by reference among threads. Dropping it without [`close`](Self::close) is a crash as far as the log is
/// concerned: [`open`](Self::open) finds what was written.
pub struct Controller {
    engine: Engine,
    log: Log<Ledger>,
    section: Mutex<Section>,
    active: RwLock<Arc<Active>>,
    shadow: Shadow,
}

impl Controller {
    /// The log's id.
    #[must_use]
    pub fn log_id(&self) -> LogId {
        self.log.id()
    }

    /// The policy in force.
    #[must_use]
    pub fn policy(&self) -> Arc<Policy> {
        Arc::clone(&self.active().policy)
    }

    /// The account of that name.
    #[must_use]
    pub fn account(&self, name: &Name) -> Option<AccountId> {
        self.engine.account(name)
    }

    /// What a limit has (of an account by itself, its first), as of now. [`with_ledger`](Self::with_ledger) has what
    /// is exact.
    ///
    /// # Errors
    /// The account is unknown, or the log has failed: what is not on record is not shown.
    pub fn read(&self, limit: impl Into<LimitId>) -> Result<Bounded<AccountReading>, Fault> {
        self.sound()?;
        let limit = limit.into();
        let LimitId { account, limit: number } = limit;
        let unknown = match self.engine.terms(account) {
            None => AccountError::Unknown { account },
            Some(_) => AccountError::Limit { account, limit: number },
        };
        self.engine.read(limit).ok_or(Fault::Account(unknown))
    }

    /// What an operation did, if it is remembered: the answer to [`Fault::Unknown`] after the log was opened again.
    /// What is told is on disk.
    ///
    /// # Errors
    /// The log has failed, and must be opened again before it can tell.
    pub fn operation(&self, id: &OperationId) -> Result<Option<Remembered>, Fault> {
        self.answered(self.queue_operation(id)?).map_err(|_| Fault::Poisoned)
    }

    fn queue_operation(&self, id: &OperationId) -> Result<Queued<Option<Remembered>>, Fault> {
        let found = self.locked()?.operations.find(id).copied();
        Ok(match found {
            Some(remembered) => Queued::new(remembered.sequence, Level::Synced, found),
            None => Queued::new(Sequence(0), Level::Queued, None),
        })
    }

    /// Outcomes so far and the present state.
    ///
    /// # Errors
    /// The log has failed.
    pub fn stats(&self) -> Result<Stats, Fault> {
        let section = self.locked()?;
        Ok(Stats {
            counts: section.counts,
            holds_open: section.holds.open(),
            holds_expired: section.holds.expired(),
            holds_settled: section.settled.len(),
            operations: section.operations.len(),
            log_time: section.log_time,
            halt: section.halt,
            epoch: section.active.policy.epoch(),
            log: self.log.stats(),
        })
    }

    /// What made the log fail, if it has.
    #[must_use]
    pub fn failure(&self) -> Option<Failure> {
        self.log.failure()
    }

    /// What the ledger does not accept, if that is what made the log fail: a bug, to be reported with this.
    #[must_use]
    pub fn ledger_error(&self) -> Option<LedgerError> {
        self.log.fold_error(LedgerError::clone)
    }

    /// Waits until a record is where the level says: for hosts that made the call at a weaker level.
    ///
    /// # Errors
    /// [`Fault::Unknown`] when the log failed before that; [`Fault::NoRecord`] when there is no such record.
    pub fn wait(&self, sequence: Sequence, level: Level) -> Result<(), Fault> {
        self.log.wait(sequence, level).map_err(|error| match error {
            WaitError::NotAppended { head } => Fault::NoRecord { head },
            _ => Fault::Unknown { sequence },
        })
    }

    /// Writes and syncs what is queued: for a host's own thread, when its callers only queue.
    ///
    /// # Errors
    /// The log has failed.
    pub fn drive(&self) -> Result<Progress, Fault> {
        self.log.drive(Level::Synced).map_err(|_| Fault::Poisoned)
    }

    /// Looks at the ledger: the exact state after the last record that was written, with its digest. What is queued
    /// is written first.
    ///
    /// # Errors
    /// The log has failed.
    pub fn with_ledger<T>(&self, look: impl FnOnce(&Ledger) -> T) -> Result<T, Fault> {
        let _written = self.log.drive(Level::Written).map_err(|_| Fault::Poisoned)?;
        self.log.with_fold(look).map_err(|_| Fault::Poisoned)
    }

    /// All balances after the last record that was written, what is queued included. Writing waits while a pointer is
    /// copied for each sixteen accounts; then everybody goes on, however long the balances are looked at.
    ///
    /// # Errors
    /// The log has failed.
    pub fn snapshot(&self) -> Result<Exact<Snapshot>, Fault> {
        self.with_ledger(Ledger::snapshot)
    }

    /// Writes and syncs everything, and gives the head to be kept elsewhere.
    ///
    /// # Errors
    /// The log has failed.
    pub fn drain(&self) -> Result<Anchor, Fault> {
        let _synced = self.drive()?;
        self.log.anchor().map_err(|_| Fault::Poisoned)
    }

    /// Goes on under another key, from the next record on: [`crate::wal::Log::change_key`].
    ///
    /// # Errors
    /// It is the key of the segment being written, its state does not fit, or the log has failed.
    pub fn change_key(&self, key: impl Into<LogKey>) -> Result<(), ChangeKeyError> {
        self.log.change_key(key)
    }

    /// Ends the log: writes and syncs everything, seals the segment, and gives the anchor. Open holds stay open:
    /// they come back when the log is opened again.
    ///
    /// # Errors
    /// The log has failed; nothing that was acknowledged is lost.
    pub fn close(self) -> Result<Anchor, Fault> {
        self.log.close().map_err(|_| Fault::Poisoned)
    }

    /// Whether the state can be shown: a failed log leaves effects in it that may not be on record.
    fn sound(&self) -> Result<(), Fault> {
        if self.log.failure().is_some() { Err(Fault::Poisoned) } else { Ok(()) }
    }

    fn active(&self) -> Arc<Active> {
        match self.active.read() {
            Ok(active) => Arc::clone(&active),
            // A thread that panicked replaced nothing in part: the pointer is one or the other.
            Err(poisoned) => Arc::clone(&poisoned.into_inner()),
        }
    }

    fn publish(&self, next: Arc<Active>) {
        match self.active.write() {
            Ok(mut active) => *active = next,
            Err(poisoned) => *poisoned.into_inner() = next,
        }
    }

    /// Enters the section: fixes the effective time, and makes sure that what will be recorded has room.
    /// SEMANTICS 8.
    fn enter(&self, at: Timestamp) -> Result<Entered<'_>, Fault> {
        let section = self.locked()?;
        let latest = Timestamp(section.log_time.0.saturating_add_unsigned(section.terms.clock_jump_ns_max));
        if at > latest {
            return Err(Fault::ClockJump { seen: at, latest });
        }
        self.log.room_for(RECORDS_BYTES_MAX)?;
        let now = at.max(section.log_time);
        Ok(Entered { section, engine: &self.engine, log: &self.log, now, caller: at })
    }

    /// The section of a log that has not failed.
    fn locked(&self) -> Result<MutexGuard<'_, Section>, Fault> {
        // A thread that panicked in the section left it half done: nothing is answered any more.
        let section = self.section.lock().map_err(|_| Fault::Broken)?;
        if section.broken {
            return Err(Fault::Broken);
        }
        self.sound()?;
        Ok(section)
    }
}

/// The most that one call appends, a policy apart: an expiry of 256 holds (2,050 bytes), or one of 4 and an
/// admission (below 1,100 bytes), and their envelopes.
const RECORDS_BYTES_MAX: usize = CONTROLLER_QUEUE_BYTES_MIN / 2;
