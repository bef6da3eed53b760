//! The log of a run: created where there is none, else opened, with the policy put in force and with what an earlier
//! run left open settled.

use std::path::{Path, PathBuf};

use assize::{
    budget::EngineOptions,
    controller::{
        Call, Controller, CreateError, CreateOptions, Fault, NotSwapped, OpenError, OpenOptions, Opened,
        Permit,
    },
    id::LogId,
    num::Timestamp,
    policy::Policy,
    record::{CommitOutcome, Spend, Terms},
    wal::{Blame, Level, LogOptions, ReadError, ReadOptions, Reader, Recovery, storage::Directory},
};
use serde::Serialize;

use super::{
    driven::commit,
    operation::{Run, Step},
    trace::PAUSE_NS_MAX,
};
use crate::{failure::Failure, keys::Written};

/// Where a run's log is, and what it begins with if there is none.
pub(super) struct Place<'a> {
    pub(super) log: &'a Path,
    pub(super) key: Written<'a>,
    pub(super) policy: Policy,
    /// Where the policy was read.
    pub(super) document: &'a PathBuf,
    /// The first time of a new log.
    pub(super) created: Timestamp,
}

/// A log that a run can write to.
pub(super) struct Ready {
    pub(super) controller: Controller,
    pub(super) run: Run,
    pub(super) begun: Begun,
}

/// How a run came by its log.
#[derive(Debug, Serialize)]
pub(super) struct Begun {
    /// Whether the log is new.
    pub(super) created: bool,
    /// What opening an existing one found and did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) recovery: Option<Recovered>,
    /// Whether the policy took the place of another.
    pub(super) policy_swapped: bool,
    /// What an earlier run left open.
    pub(super) left_open: LeftOpen,
}

/// What opening found and did.
#[derive(Debug, Serialize)]
pub(super) struct Recovered {
    /// Whether the log had been closed.
    pub(super) sealed: bool,
    /// Bytes of a torn tail that were cut.
    pub(super) cut_bytes: u64,
    /// Segments that were being created, removed.
    pub(super) unfinished_segments: u32,
}

/// Holds that an earlier run left open: each is committed at what it held, on the host's word, since nobody knows
/// what it used. One that had expired is unfunded by that.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct LeftOpen {
    pub(super) holds: u64,
    pub(super) committed_micros: u64,
    pub(super) unfunded_micros: u64,
}

impl Place<'_> {
    /// Creates or opens the log.
    pub(super) fn begin(self) -> Result<Ready, Failure> {
        let storage = Directory::new(self.log);
        let there = match Reader::open(&storage, &[], ReadOptions::default()) {
            Err(ReadError::Missing | ReadError::Empty) => false,
            // What else is wrong is for opening to say.
            _ => true,
        };
        if there { self.open() } else { self.create() }
    }

    fn create(self) -> Result<Ready, Failure> {
        let mut id = [0; 16];
        getrandom::fill(&mut id)
            .map_err(|error| Failure::input(format_args!("the system gives no random bytes: {error}")))?;
        let options = CreateOptions {
            id: LogId(id),
            key: self.key.begin(LogId(id))?,
            policy: self.policy,
            terms: TERMS,
            log: LogOptions::default(),
            engine: EngineOptions::default(),
            at: self.created,
        };
        let created = Controller::create(Box::new(Directory::new(self.log)), options);
        let controller = created.map_err(|error| {
            let blame = match &error {
                CreateError::Log(error) => error.blame(),
                _ => Blame::Bug,
            };
            Failure::blamed(blame, self.log, &error)
        })?;
        let begun =
            Begun { created: true, recovery: None, policy_swapped: false, left_open: LeftOpen::default() };
        Ok(Ready { controller, run: Run(1), begun })
    }

    fn open(self) -> Result<Ready, Failure> {
        let options = OpenOptions {
            key: self.key.load()?,
            id: None,
            anchor: None,
            log: LogOptions::default(),
            engine: EngineOptions::default(),
            // A trace has no clock: a recovery takes the log's own time.
            at: Timestamp(0),
        };
        let opened = Controller::open(Box::new(Directory::new(self.log)), options);
        let Opened { controller, recovery, permits } = opened.map_err(|error| {
            let blame = match &error {
                OpenError::Log(error) => error.blame(),
                _ => Blame::Evidence,
            };
            Failure::blamed(blame, self.log, &error)
        })?;
        let fault = |fault: Fault| Failure::fault(self.log, &fault);
        let run = controller.with_ledger(Run::next).map_err(fault)?;
        let run = run.ok_or_else(|| Failure::in_file(self.log, "the numbers of runs are used up"))?;
        let at = controller.stats().map_err(fault)?.log_time;
        let policy_swapped = follow(&controller, self.policy, self.document, self.log, at)?;
        let left_open = settle_left_open(&controller, self.log, run, permits, at)?;
        let recovery = Some(recovered(&recovery));
        Ok(Ready { controller, run, begun: Begun { created: false, recovery, policy_swapped, left_open } })
    }
}

/// What a run's log holds itself to. Its times are the trace's, which pauses as it will, and its holds are settled by
/// the count of later requests, however long that takes.
const TERMS: Terms = Terms {
    operation_horizon_ns: 3_600_000_000_000,
    operations_max: 4_000_000,
    clock_jump_ns_max: PAUSE_NS_MAX,
    late_window_ns: PAUSE_NS_MAX,
    // A trace corrects nothing.
    adjust_window_ns: 0,
    settled_max: 0,
};

/// Puts the policy in force, unless it is.
fn follow(
    controller: &Controller,
    policy: Policy,
    document: &Path,
    log: &Path,
    at: Timestamp,
) -> Result<bool, Failure> {
    let in_force = controller.policy();
    if in_force.digest() == policy.digest() {
        return Ok(false);
    }
    match controller.swap(policy, Call::at(at)) {
        Ok(_) => Ok(true),
        Err(NotSwapped::Policy(error)) => {
            let epoch = in_force.epoch();
            let what = format!("it cannot follow the policy in force, which has epoch {epoch}: {error}");
            Err(Failure::in_file(document, what))
        }
        Err(NotSwapped::Faulted(fault)) => Err(Failure::fault(log, &fault)),
    }
}

fn settle_left_open(
    controller: &Controller,
    log: &Path,
    run: Run,
    permits: Vec<Permit>,
    at: Timestamp,
) -> Result<LeftOpen, Failure> {
    let mut left = LeftOpen::default();
    for permit in permits {
        let operation = run.operation(Step::LeftOpen, permit.hold().0, at);
        let call = Call::at(at).level(Level::Queued).operation(operation);
        let spend = Spend::Amount(permit.amount());
        let settled = commit(controller, permit, spend, call);
        let CommitOutcome { actual, unfunded, .. } =
            settled.map_err(|error| Failure::fault(log, &error.fault))?.outcome;
        left.holds = left.holds.saturating_add(1);
        left.unfunded_micros = left.unfunded_micros.saturating_add(unfunded.micros());
        let booked = actual.micros().saturating_sub(unfunded.micros());
        left.committed_micros = left.committed_micros.saturating_add(booked);
    }
    Ok(left)
}

fn recovered(recovery: &Recovery) -> Recovered {
    Recovered {
        sealed: recovery.sealed,
        cut_bytes: recovery.cut.map_or(0, |cut| cut.bytes),
        unfinished_segments: recovery.unfinished,
    }
}
