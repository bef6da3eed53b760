//! Failures that are chosen beforehand.

use alloc::{collections::BTreeMap, vec::Vec};
use std::io;

use crate::wal::storage::{Operation, StorageError};

/// An operation that will fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failing {
    operation: Operation,
    nth: u64,
    kind: io::ErrorKind,
    leaving: Option<usize>,
}

impl Failing {
    /// The `nth` operation of that kind from now, from 1; as a device fails, with [`io::ErrorKind::Other`].
    #[must_use]
    pub fn nth(operation: Operation, nth: u64) -> Self {
        Self { operation, nth, kind: io::ErrorKind::Other, leaving: None }
    }

    /// With that error; [`io::ErrorKind::StorageFull`] is a disk without room.
    #[must_use]
    pub fn with(mut self, kind: io::ErrorKind) -> Self {
        self.kind = kind;
        self
    }

    /// A write leaves so many of its first bytes, at most all; half of them where nothing is said.
    #[must_use]
    pub fn leaving(mut self, bytes: usize) -> Self {
        self.leaving = Some(bytes);
        self
    }
}

/// Operations so far, and those that will fail.
#[derive(Clone, Default)]
pub(super) struct Failures {
    counts: BTreeMap<Operation, u64>,
    /// `nth` of these counts from the first operation ever.
    to_come: Vec<Failing>,
}

/// A failure that came.
pub(super) struct Failed {
    pub(super) error: StorageError,
    leaving: Option<usize>,
}

impl Failed {
    /// How many bytes of a write are written all the same.
    pub(super) fn bytes_left(&self, of: usize) -> usize {
        self.leaving.unwrap_or(of.div_euclid(2)).min(of)
    }
}

impl From<Failed> for StorageError {
    fn from(failed: Failed) -> Self {
        failed.error
    }
}

impl Failures {
    pub(super) fn add(&mut self, failing: Failing) {
        let nth = self.count(failing.operation).saturating_add(failing.nth);
        self.to_come.push(Failing { nth, ..failing });
    }

    pub(super) fn count(&self, operation: Operation) -> u64 {
        self.counts.get(&operation).copied().unwrap_or(0)
    }

    /// Counts the operation, and fails if it is one that was chosen to.
    pub(super) fn step(&mut self, operation: Operation, name: &str) -> Result<(), Failed> {
        let count = self.counts.entry(operation).or_default();
        *count = count.saturating_add(1);
        let nth = *count;
        let is_it = |failing: &Failing| failing.operation == operation && failing.nth == nth;
        let Some(at) = self.to_come.iter().position(is_it) else { return Ok(()) };
        let Failing { kind, leaving, .. } = self.to_come.swap_remove(at);
        Err(Failed { error: StorageError::io(operation, name, &kind.into()), leaving })
    }
}
