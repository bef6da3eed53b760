//! Retention: naming what stays, and deleting what came before it. FORMAT 8.8.

use crate::{
    id::Sequence,
    num::Timestamp,
    sync::PoisonError,
    wal::{
        error::{AppendError, RetainError},
        fold::Fold,
        frame,
        group::Durability,
        key::Keying,
        log::Log,
        retention::{Keep, Retention, remove_before},
    },
};

/// What a retention did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[must_use]
pub struct Retained {
    /// From where on the log is kept: what its last retention names; `None` where there was nothing to name yet.
    pub retention: Option<Retention>,
    /// The record that names it, if this call had more to name than the one before.
    pub sequence: Option<Sequence>,
    /// Segments that were deleted: also those which an earlier call had named and not deleted.
    pub removed: u32,
}

impl<F: Fold, K: Keying> Log<F, K> {
    /// Deletes the oldest segments, all but what is to stay, after a record that names the first one kept is on disk.
    ///
    /// What is deleted can be proven no more: the log is on the word of its first checkpoint from then on, and reports
    /// say so; an anchor in a deleted segment holds for it no more. Where nothing is to be deleted, nothing is recorded.
    /// A crash leaves segments that the next call deletes. Readers who are at one of them find it missing.
    ///
    /// The header of the first segment kept is proven before it is named: by its tag, or, where this log's key does not
    /// give that one's (an evolving key's earlier segments, those before a change of key), by the digests in the headers
    /// after it. For these, every segment from that one to the next whose key is held is read whole. Appending goes on
    /// meanwhile.
    ///
    /// # Errors
    /// A header cannot be read or does not hold, the record cannot be appended, the log is or becomes poisoned: nothing is
    /// deleted then. Or a segment cannot be deleted, which leaves the log as good as it was.
    pub fn retain(
        &self,
        keep: Keep,
        effective: Timestamp,
        caller: Timestamp,
    ) -> Result<Retained, RetainError> {
        self.retain_by(keep, |retention| {
            self.append_retention(retention, effective, caller).map_err(RetainError::Append)
        })
    }

    /// The same; the record is appended by the caller, in its place among the caller's others.
    pub(crate) fn retain_by<E: From<RetainError>>(
        &self,
        keep: Keep,
        append: impl FnOnce(&Retention) -> Result<Sequence, E>,
    ) -> Result<Retained, E> {
        // One after the other, so that each names a later segment than the one before. No other lock is held here.
        let _one_at_a_time = self.retaining.lock().unwrap_or_else(PoisonError::into_inner);
        let (before, next) = self.next_retention(keep)?;
        let sequence = next.as_ref().map(append).transpose()?;
        if let Some(sequence) = sequence {
            let synced = self.group.wait(sequence, Durability::Synced);
            synced.map_err(|failure| RetainError::Unknown { sequence, failure })?;
        }
        let retention = next.or(before);
        // Named by a record that is on disk: by the one just synced, or one that was synced before it was answered for.
        let removed = retention.map_or(Ok(0), |kept| remove_before(&*self.storage, kept.first_segment));
        let removed = removed.map_err(|(removed, error)| RetainError::Remove { removed, error })?;
        Ok(Retained { retention, sequence, removed })
    }

    /// Appends the record; `retain_by` says what it may name.
    pub(crate) fn append_retention(
        &self,
        retention: &Retention,
        effective: Timestamp,
        caller: Timestamp,
    ) -> Result<Sequence, AppendError> {
        self.push(frame::RETENTION, effective, caller, |out| retention.encode(out))
    }
}
