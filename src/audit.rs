//! Verification and replay: what a log proves, from the log and its key alone.
//!
//! [`verify`] reads the chain: every frame, header and seal, and the anchor if one is given. [`replay`] does that,
//! decodes every record, decides every admission and reroute again, applies every move of money to a ledger of its
//! own, and must reproduce every checkpoint bit by bit. Both stream, in memory bounded by what the ledger holds;
//! both answer with an error at the first thing that does not hold, and every report ends with what it does not
//! prove. [`what_if`] replays too, and decides every request again under another policy: an estimate, with what it
//! takes for granted.

mod decide;
mod error;
mod observer;
mod read;
mod replay;
mod report;
#[cfg(feature = "serde")]
mod shown;
mod verify;
mod what_if;

pub use decide::Verdict;
pub use error::{AuditError, Disputed, Good, Located, Problem};
pub use observer::{Observer, Progress, Step};
pub use replay::replay;
pub use report::{Calls, NotProven, ReplayReport, VerifyReport};
pub use verify::verify;
pub use what_if::{
    AccountRow, Assumption, Budgets, CandidateRow, Change, Class, Compared, DecisionsRow, Extensions, Money,
    PolicyTold, Undecidable, UndecidedRow, WhatIfError, WhatIfOptions, WhatIfReport, what_if,
};

use core::num::NonZeroUsize;

use crate::wal::{ReadOptions, threads_available};

/// How a log is audited.
#[derive(Default)]
pub struct AuditOptions<'a> {
    /// What is demanded of the chain: the log, an anchor, whether it is still being written.
    pub read: ReadOptions,
    /// Who looks on.
    pub observer: Option<&'a mut dyn Observer>,
    /// On how many threads the segments of the log are read at once; each of them has a ledger of its own in a replay.
    /// The report is the same whatever their number. An observer that looks at every record is shown them in order, on one;
    /// [`what_if`] always reads in order.
    pub threads: Threads,
}

/// A number of threads, one by default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Threads(pub NonZeroUsize);

impl Default for Threads {
    fn default() -> Self {
        Self(NonZeroUsize::MIN)
    }
}

impl Threads {
    /// As many as this process can run at once.
    #[must_use]
    pub fn available() -> Self {
        Self(threads_available())
    }
}
