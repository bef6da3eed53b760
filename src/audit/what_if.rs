//! What another policy would have changed: a log's requests decided again, against what accounts could pay.
//!
//! A log is replayed as [`replay`](super::replay) does it; while it is, every request in it is put to the other
//! policy as well. What is said of the log is proven, what is said of the other policy is an estimate: the report
//! lists what it takes for granted. SEMANTICS 16.

mod assumption;
mod cells;
mod history;
mod holds;
mod report;
mod settle;
mod tally;

use core::fmt;

pub use assumption::Assumption;
pub use report::{
    AccountRow, Budgets, CandidateRow, Change, Class, Compared, DecisionsRow, Extensions, Money, PolicyTold,
    Undecidable, UndecidedRow, WhatIfReport,
};

use super::error::{AuditError, Good};
use super::observer::Observer;
use super::read::{Source, Take};
use super::replay::Replayer;
use super::{AuditOptions, ReplayReport};
use crate::crypto::RootKey;
use crate::policy::{OtherSchema, Policy, Schema};
use crate::wal::storage::Storage;
use crate::wal::{Blame, FrameView};
use history::History;

/// How a log is decided again.
#[derive(Default)]
pub struct WhatIfOptions<'a> {
    /// How it is audited.
    pub audit: AuditOptions<'a>,
    /// What accounts are taken to pay.
    pub budgets: Budgets,
    /// The most accounts that the report lists; `None` for all of them.
    pub accounts_max: Option<usize>,
}

/// Replays a log, decides each of its requests again under another policy of the same schema, and sums up what would
/// have changed. The other policy need not follow those in the log. It takes no lock and writes nothing; its memory
/// is bounded by accounts, candidates and holds.
///
/// ```
/// use assize::audit::{Budgets, Change, WhatIfOptions, what_if};
/// # use assize::{controller::{Controller, CreateOptions}, crypto::{KeyId, RootKey}, id::LogId, num::Timestamp};
/// # use assize::{policy::{CandidateDraft, Draft, Policy, SchemaDraft}, wal::storage::Memory};
/// # let mut draft = Draft::new("one", 1, SchemaDraft { name: "one".into(), ..SchemaDraft::default() });
/// # draft.candidates.push(CandidateDraft::new(1, "only"));
/// # let (other, key) = (Policy::freeze(draft.clone())?, RootKey::new(KeyId(1), &[7; 32])?);
/// # let storage = Memory::new();
/// # let options = CreateOptions::new(LogId([1; 16]), RootKey::new(KeyId(1), &[7; 32])?, Policy::freeze(draft)?, Timestamp(0));
/// # Controller::create(Box::new(storage.clone()), options)?.close()?;
/// let options = WhatIfOptions { budgets: Budgets::Simulated, accounts_max: Some(10), ..WhatIfOptions::default() };
/// let report = what_if(&storage, &[&key], &other, options)?;
/// assert_eq!((report.count(Change::Denied), report.money.spent.difference_micros), (0, 0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`WhatIfError::Schema`] when the other policy has another schema than the log, [`WhatIfError::Audit`] when the log
/// does not replay: then nothing is said of the other policy.
pub fn what_if(
    storage: &dyn Storage,
    keys: &[&RootKey],
    policy: &Policy,
    options: WhatIfOptions<'_>,
) -> Result<WhatIfReport, WhatIfError> {
    let WhatIfOptions { audit: AuditOptions { read, observer, threads }, budgets, accounts_max } = options;
    let mut history = History::new(policy, budgets, observer);
    let mut pass =
        Pass { replayer: Replayer::new(Some(&mut history)), schema: policy.schema(), is_begun: false };
    let summary = Source { storage, keys, read, threads }.read_all(&mut pass)?;
    let replayed = pass.replayer.finish(summary)?;
    Ok(report(history, replayed, accounts_max))
}

fn report(history: History<'_, '_>, replay: ReplayReport, accounts_max: Option<usize>) -> WhatIfReport {
    let History { policy, budgets, cells, tally, .. } = history;
    let mut accounts = cells.changed();
    let accounts_changed = u64::try_from(accounts.len()).unwrap_or(u64::MAX);
    accounts.truncate(accounts_max.unwrap_or(usize::MAX));
    let (money, extensions) = (tally.money, tally.extensions);
    let assumptions = tally.needed.list(budgets);
    let (decisions, candidates, undecided) = tally.rows();
    WhatIfReport {
        budgets,
        policy: PolicyTold { name: policy.name().into(), epoch: policy.epoch(), digest: policy.digest() },
        decisions,
        money,
        extensions,
        accounts_changed,
        accounts,
        candidates,
        undecided,
        assumptions,
        replay,
    }
}

/// A replay that goes on while the log has the other policy's schema.
struct Pass<'a> {
    replayer: Replayer<'a>,
    schema: &'a Schema,
    is_begun: bool,
}

impl Take for Pass<'_> {
    type Error = WhatIfError;

    fn take(&mut self, frame: &FrameView<'_>) -> Result<(), WhatIfError> {
        self.replayer.take(frame)?;
        // A log has one schema for life: its first policy's.
        if let Some(policy) = self.replayer.policy().filter(|_| !self.is_begun) {
            if policy.schema() != self.schema {
                return Err(WhatIfError::Schema(OtherSchema::new(policy.schema(), self.schema)));
            }
            self.is_begun = true;
        }
        Ok(())
    }

    fn good(&self) -> Good {
        self.replayer.good()
    }

    fn observer(&mut self) -> Option<&mut dyn Observer> {
        self.replayer.observer()
    }

    /// What it has shown stays with the history of decisions.
    fn begin_anew(&mut self) -> bool {
        false
    }
}

/// Why a log was not decided again.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WhatIfError {
    /// The other policy has another schema than the log.
    Schema(OtherSchema),
    /// The log does not replay, or could not be read.
    Audit(AuditError),
}

impl WhatIfError {
    /// Whose affair it is; a command line turns it into its exit code.
    #[must_use]
    pub fn blame(&self) -> Blame {
        match self {
            Self::Schema(_) => Blame::Caller,
            Self::Audit(error) => error.blame(),
        }
    }
}

impl From<AuditError> for WhatIfError {
    fn from(error: AuditError) -> Self {
        Self::Audit(error)
    }
}

impl fmt::Display for WhatIfError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Schema(error) => error.fmt(f),
            Self::Audit(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for WhatIfError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Schema(_) => None,
            Self::Audit(error) => error.source(),
        }
    }
}
