//! Calls that are carried out and whose record is queued: what they are answered with, and when.

use super::{Controller, fault::Fault, section::Active};
use crate::{id::Sequence, wal::Level};

/// A call whose effects are applied and whose record is queued. Its answer is given when the record is where it must be.
#[must_use = "nothing is answered before its record is where it must be"]
pub(super) struct Queued<T> {
    sequence: Sequence,
    level: Level,
    /// The record of the policy that it was decided under, which is on disk before the answer at every level.
    policy: Option<Sequence>,
    answer: T,
}

impl<T> Queued<T> {
    /// An answer that waits for that record alone.
    pub(super) fn new(sequence: Sequence, level: Level, answer: T) -> Self {
        Self { sequence, level, policy: None, answer }
    }

    /// The same, of a decision under the policy in force.
    pub(super) fn decided_under(self, active: &Active) -> Self {
        let since = active.policy_since;
        Self { policy: (self.level != Level::Synced && since > Sequence(0)).then_some(since), ..self }
    }

    /// The record.
    pub(super) fn sequence(&self) -> Sequence {
        self.sequence
    }

    /// The records that must be somewhere, and where.
    pub(super) fn waits(&self) -> impl Iterator<Item = (Sequence, Level)> + use<T> {
        let policy = self.policy.map(|since| (since, Level::Synced));
        [Some((self.sequence, self.level)), policy].into_iter().flatten()
    }

    /// The answer, which is the caller's now.
    pub(super) fn into_answer(self) -> T {
        self.answer
    }
}

impl Controller {
    /// Waits until the record is where it must be, and gives the answer. INVARIANT I9.
    pub(super) fn answered<T>(&self, queued: Queued<T>) -> Result<T, Fault> {
        let sequence = queued.sequence();
        for (record, level) in queued.waits() {
            self.log.wait(record, level).map_err(|_| Fault::Unknown { sequence })?;
        }
        Ok(queued.into_answer())
    }
}
