//! Looking on: everything that shows what is in a log shows what was verified.

use crate::kernel::Disabled;
use crate::ledger::Ledger;
use crate::record::Record;
use crate::wal::RecordFrame;

use super::decide::Verdict;
use super::error::Located;

/// Looks on while a log is audited; every method does nothing unless it is written.
///
/// What it is shown holds as far as the audit has come. That the rest does too is known when the audit has ended
/// without an error.
pub trait Observer {
    /// Whether it looks at records, which it is then shown in order, on one thread. One that does not is told of
    /// progress alone.
    fn sees_records(&self) -> bool {
        true
    }

    /// The log's first checkpoint was read: its genesis, or the state from which a log that was pruned goes on. One that
    /// does not look at records may not be told.
    fn begin(&mut self, _ledger: &Ledger) {}

    /// A record was read and decided again; the ledger is as it was before the record.
    fn before(&mut self, _step: &Step<'_>) {}

    /// The record was applied; the ledger is as the record left it.
    fn after(&mut self, _step: &Step<'_>) {}

    /// Everything was replayed and holds; the ledger is as the last record left it.
    fn end(&mut self, _ledger: &Ledger) {}

    /// So much was read. Told now and then, and at the end; from the beginning again, where a log that does not hold is
    /// read a second time, in order.
    fn progress(&mut self, _progress: Progress) {}
}

/// One record of a replay.
#[derive(Clone, Copy, Debug)]
pub struct Step<'a> {
    /// Where it is.
    pub at: Located,
    /// Its frame: sequence, times, kind and the payload's bytes.
    pub frame: RecordFrame<'a>,
    /// What it says.
    pub record: &'a Record,
    /// What an admission or a reroute was decided to be, from the state before it; `None` for other records.
    pub verdict: Option<&'a Verdict>,
    /// The state before the record or after it.
    pub ledger: &'a Ledger,
    /// The candidates that the host had disabled before the record, under the policy then in force.
    pub disabled: &'a Disabled,
}

/// How far an audit is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Records read.
    pub records: u64,
    /// Bytes of frames read.
    pub bytes: u64,
    /// Bytes of all segments when the audit began, zeros after their last frames included.
    pub bytes_total: u64,
}
