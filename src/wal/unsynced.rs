//! Records that no later frame has yet said to be on disk.

use alloc::collections::VecDeque;

use crate::id::Sequence;

/// Remembers something of each record until a frame's `synced_through` covers it, in bounded memory: of too
/// many, the oldest are forgotten, and what is known to be on disk is then an older record's.
pub(super) struct Unsynced<T> {
    records: VecDeque<(Sequence, T)>,
}

impl<T> Unsynced<T> {
    pub(super) fn new() -> Self {
        Self { records: VecDeque::new() }
    }

    pub(super) fn push(&mut self, sequence: Sequence, of: T) {
        if self.records.len() >= RECORDS_MAX {
            self.records.pop_front();
        }
        self.records.push_back((sequence, of));
    }

    /// What was remembered of the last record that `synced_through` covers, if it covers any more.
    pub(super) fn cover(&mut self, synced_through: Sequence) -> Option<T> {
        let mut last = None;
        while self.records.front().is_some_and(|(sequence, _)| *sequence <= synced_through) {
            last = self.records.pop_front().map(|(_, of)| of);
        }
        last
    }

    /// Everything before is on disk.
    pub(super) fn clear(&mut self) {
        self.records.clear();
    }
}

/// A writer says of what is on disk with the next frame that it makes: these are far more than it has under way.
const RECORDS_MAX: usize = 1 << 10;
