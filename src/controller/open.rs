//! Creating a log, and coming back to one.

use alloc::{boxed::Box, collections::BTreeMap, sync::Arc, vec::Vec};
use core::fmt;

use super::{
    Controller,
    admit::permit,
    operation::{Operations, Outcome, Remembered},
    permit::Permit,
    section::{Active, Held, Holds, Section, lies_back},
    settled::{Settled, SettledHold},
    shadow::Shadow,
    stats::Counts,
    throttles::Throttles,
};
use crate::{
    budget::{
        AccountState, AccountTerms, CellCounters, Engine, EngineOptions, HeldCell, HoldState, RestoreError,
        RestoredLimit,
    },
    id::{LogId, Sequence},
    kernel::Disabled,
    ledger::{self, Ledger, LedgerError},
    limits::CONTROLLER_QUEUE_BYTES_MIN,
    num::{Amount, Timestamp, TooLarge},
    policy::Policy,
    record::{self, RecordError, Terms},
    sync::{Mutex, RwLock},
    wal::{self, Anchor, Log, LogKey, LogOptions, Recovery, storage::Storage},
    window::Window,
};

/// What a controller is created with.
pub struct CreateOptions {
    /// The log's id: 16 random bytes, never used before.
    pub id: LogId,
    /// The root key, or an evolving key that was just begun.
    pub key: LogKey,
    /// The first policy in force.
    pub policy: Policy,
    /// What the log holds itself to.
    pub terms: Terms,
    /// How the log is written.
    pub log: LogOptions,
    /// What the engine reserves and allows.
    pub engine: EngineOptions,
    /// The log's first time.
    pub at: Timestamp,
}

impl CreateOptions {
    /// With the usual terms and sizes.
    #[must_use]
    pub fn new(id: LogId, key: impl Into<LogKey>, policy: Policy, at: Timestamp) -> Self {
        Self {
            id,
            key: key.into(),
            policy,
            terms: Terms::default(),
            log: LogOptions::default(),
            engine: EngineOptions::default(),
            at,
        }
    }
}

/// What a log is opened with.
pub struct OpenOptions {
    /// The root key, or the evolving key as its store has it.
    pub key: LogKey,
    /// The log that it must be, if the host knows.
    pub id: Option<LogId>,
    /// A head that it must have, from an anchor kept elsewhere.
    pub anchor: Option<Anchor>,
    /// How the log is written.
    pub log: LogOptions,
    /// What the engine reserves and allows.
    pub engine: EngineOptions,
    /// The caller's time, for the record of a recovery.
    pub at: Timestamp,
}

impl OpenOptions {
    /// Whatever log of that key is there, with the usual sizes.
    #[must_use]
    pub fn new(key: impl Into<LogKey>, at: Timestamp) -> Self {
        let (log, engine) = (LogOptions::default(), EngineOptions::default());
        Self { key: key.into(), id: None, anchor: None, log, engine, at }
    }
}

/// A log that was opened.
#[must_use = "open holds come back as permits, to be settled"]
pub struct Opened {
    /// The controller.
    pub controller: Controller,
    /// What opening found and did.
    pub recovery: Recovery,
    /// A permit for every hold that can still be settled, by sequence; expired ones have their deadline past.
    pub permits: Vec<Permit>,
}

impl Controller {
    /// Creates a log with its first policy and a controller for it. Nothing is there before everything is.
    ///
    /// # Errors
    /// The place has something in it, or cannot be written; the queue is too small.
    pub fn create(storage: Box<dyn Storage>, options: CreateOptions) -> Result<Self, CreateError> {
        let CreateOptions { id, key, policy, terms, log, engine, at } = options;
        check_queue(&log).map_err(|seen| CreateError::Queue { seen })?;
        terms.check().map_err(CreateError::Operations)?;
        let ledger = Ledger::new(terms, Arc::new(policy), at);
        let options = wal::CreateOptions { id, key, options: log };
        let log = Log::create(storage, options, ledger).map_err(CreateError::Log)?;
        let (controller, _) = Self::assemble(log, engine).map_err(CreateError::Assemble)?;
        Ok(controller)
    }

    /// Opens a log: recovers what a crash left, rebuilds every balance, and gives a permit for each hold that can
    /// still be settled. A torn tail is cut and recorded; anything else that does not hold is refused.
    ///
    /// # Errors
    /// The log is missing, damaged, another's, below its anchor, or in use; the queue or the engine is too small.
    pub fn open(storage: Box<dyn Storage>, options: OpenOptions) -> Result<Opened, OpenError> {
        let OpenOptions { key, id, anchor, log, engine, at } = options;
        check_queue(&log).map_err(|seen| OpenError::Queue { seen })?;
        let options = wal::OpenOptions { key, options: log, log_id: id, anchor, at };
        let (log, recovery) = Log::open(storage, options, Ledger::unrestored()).map_err(OpenError::Log)?;
        let (controller, permits) = Self::assemble(log, engine)?;
        Ok(Opened { controller, recovery, permits })
    }

    fn assemble(log: Log<Ledger>, options: EngineOptions) -> Result<(Self, Vec<Permit>), OpenError> {
        let engine = Engine::new(options);
        let restored = log.with_fold(|ledger| restore(log.id(), ledger, &engine));
        // A log that was just opened has not failed yet.
        let (section, permits) = restored.map_err(|_| OpenError::Unusable)??;
        let active = RwLock::new(Arc::clone(&section.active));
        let (section, shadow) = (Mutex::new(section), Shadow::new());
        Ok((Self { engine, log, section, active, shadow }, permits))
    }
}

/// Whether the queue has room for what one call appends, a policy apart; else how large it is.
fn check_queue(log: &LogOptions) -> Result<(), usize> {
    if log.queue_bytes >= CONTROLLER_QUEUE_BYTES_MIN { Ok(()) } else { Err(log.queue_bytes) }
}

/// Fills the engine and the tables from the ledger.
fn restore(log: LogId, ledger: &Ledger, engine: &Engine) -> Result<(Section, Vec<Permit>), OpenError> {
    let mut throttles = Throttles::new();
    let mut parents = Vec::new();
    for (id, account) in ledger.accounts() {
        let record::Account { name, parent, overrun, caps } = account.opened.clone();
        throttles.restore(id, &caps, &account.backlogs);
        let terms = AccountTerms { name, parent: None, overrun, caps };
        if let Some(parent) = parent {
            parents.push((id, parent));
        }
        let state = match account.state {
            ledger::AccountState::Open => AccountState::Open,
            ledger::AccountState::Closed => AccountState::Closed,
        };
        engine.restore_account(&terms, &limits(account), state)?;
    }
    // A parent may have been opened after who is below it now.
    engine.restore_parents(&parents)?;
    let terms = ledger.terms();
    let mut holds = Holds::new();
    let mut permits = Vec::new();
    let mut slots = BTreeMap::new();
    for (sequence, hold) in ledger.holds() {
        let cells: Vec<_> = hold.cells.iter().map(held_cell).collect();
        let expired = hold.state == ledger::HoldState::Expired;
        let state = if expired { HoldState::Expired } else { HoldState::Open };
        let held = Held {
            sequence,
            engine: engine.restore_hold(&cells, hold.amount, state)?,
            amount: hold.amount,
            spent: hold.spent,
            unfunded: hold.unfunded,
            deadline: hold.deadline,
            candidate: hold.candidate,
            policy: Arc::clone(ledger.policy_of(hold.epoch).ok_or(OpenError::Unusable)?),
            path: hold.path,
            expired,
        };
        // One that nobody expired may be past settling all the same.
        if !lies_back(held.deadline, terms.late_window_ns, ledger.log_time()) {
            permits.push(permit(log, &held, None));
        }
        slots.insert(held.sequence, held.engine.slot());
        holds.restore(held, terms.late_window_ns);
    }
    engine.finish_restore()?;
    let mut settled = Settled::new();
    for (name, hold) in ledger.settled_holds() {
        let cells: Vec<_> = hold.cells.iter().map(held_cell).collect();
        let cells = engine.held_path(&cells)?;
        engine.pin(&cells);
        let ledger::SettledHold { settled: at, booked, unfunded, .. } = *hold;
        settled.insert(name, SettledHold { settled: at, booked, unfunded, cells });
    }
    let mut operations = Operations::new();
    for (id, operation) in ledger.operations() {
        let what = Remembered {
            issued: operation.issued,
            digest: operation.digest,
            sequence: operation.sequence,
            outcome: Outcome::decode(operation.kind, operation.outcome_bytes())?,
            slot: slots.get(&operation.sequence).copied(),
        };
        operations.remember(*id, what);
    }
    let policy = Arc::clone(ledger.policy());
    let switched_off = ledger.disabled().clone();
    let disabled = Disabled::new(&policy, switched_off.iter().copied());
    let section = Section {
        log_time: ledger.log_time(),
        terms: *terms,
        halt: ledger.halt(),
        active: Arc::new(Active {
            policy,
            disabled,
            switched_off: switched_off.iter().copied().collect(),
            policy_since: Sequence(0),
        }),
        disabled: switched_off,
        holds,
        settled,
        operations,
        throttles,
        counts: Counts::default(),
        broken: false,
    };
    Ok((section, permits))
}

/// An account's limits, as the engine takes them back.
fn limits(account: &ledger::Account) -> Vec<RestoredLimit> {
    let restored = |(limit, window): (u8, &Window)| {
        let mut windows: Vec<_> = account
            .limits
            .cells()
            .filter(|(of, ..)| *of == limit)
            .map(|(_, span, cell)| (span, counters(cell)))
            .collect();
        // Every limit has a current window, its last.
        let current = windows.pop().unwrap_or_default();
        let allowance = account.limits.allowance(limit).unwrap_or(Amount::ZERO);
        RestoredLimit { window: *window, allowance, ended: windows, current }
    };
    (0_u8..).zip(account.opened.caps.windows()).map(restored).collect()
}

fn counters(cell: &ledger::Cell) -> CellCounters {
    CellCounters {
        granted_micros: cell.granted_micros,
        available_micros: cell.available_micros,
        committed_micros: cell.committed_micros,
        lapsed_micros: cell.lapsed_micros,
        unfunded_micros: cell.unfunded_micros,
    }
}

fn held_cell(cell: &ledger::CellId) -> HeldCell {
    HeldCell { limit: cell.of(), start: cell.start }
}

/// Why no log was created.
#[derive(Debug)]
#[non_exhaustive]
pub enum CreateError {
    /// The queue is smaller than what one call may append.
    Queue {
        /// Its bytes.
        seen: usize,
    },
    /// The terms remember more operations or settled holds than a checkpoint can carry.
    Operations(TooLarge),
    /// The log itself.
    Log(wal::CreateError<LedgerError>),
    /// The log is there, and no controller could be made for it: it can be opened.
    Assemble(OpenError),
}

impl fmt::Display for CreateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Queue { seen } => queue_too_small(*seen, f),
            Self::Operations(error) => write!(f, "operations or settled holds remembered: {error}"),
            Self::Log(error) => write!(f, "the log is not created: {error}"),
            Self::Assemble(error) => write!(f, "the log is created and not opened: {error}"),
        }
    }
}

impl core::error::Error for CreateError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Log(error) => error.source(),
            Self::Assemble(error) => error.source(),
            Self::Queue { .. } | Self::Operations(_) => None,
        }
    }
}

/// Why a log was not opened.
#[derive(Debug)]
#[non_exhaustive]
pub enum OpenError {
    /// The queue is smaller than what one call may append.
    Queue {
        /// Its bytes.
        seen: usize,
    },
    /// The log itself.
    Log(wal::OpenError<LedgerError>),
    /// The ledger's state does not fit the engine.
    Restore(RestoreError),
    /// An operation's outcome is none.
    Operation(RecordError),
    /// The log failed while it was opened, or its ledger contradicts itself: a bug, please report it.
    Unusable,
}

impl From<RestoreError> for OpenError {
    fn from(error: RestoreError) -> Self {
        Self::Restore(error)
    }
}

impl From<RecordError> for OpenError {
    fn from(error: RecordError) -> Self {
        Self::Operation(error)
    }
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Queue { seen } => queue_too_small(*seen, f),
            Self::Log(error) => write!(f, "the log is not opened: {error}"),
            Self::Restore(error) => write!(f, "the ledger does not fit the engine: {error}"),
            Self::Operation(error) => write!(f, "an operation's outcome is not readable: {error}"),
            Self::Unusable => write!(f, "the log failed while it was opened"),
        }
    }
}

impl core::error::Error for OpenError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Log(error) => error.source(),
            _ => None,
        }
    }
}

fn queue_too_small(seen: usize, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(f, "a queue of {seen} bytes; a controller needs at least {CONTROLLER_QUEUE_BYTES_MIN}")
}
