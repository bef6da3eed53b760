//! Replaying each segment by itself, from its checkpoint to the next one's.

use alloc::vec::Vec;

use super::{Replayer, State};
use crate::audit::error::Good;
use crate::audit::read::{FromPart, Take as _};
use crate::audit::report::Calls;
use crate::crypto::Digest;
use crate::wal::{Part, Summary};

/// What one segment has come to, from its own checkpoint.
pub(super) struct ReplayedPart {
    /// Of the checkpoint, and of the one that must come next.
    begins: Digest,
    ends: Digest,
    good: Good,
    calls: Calls,
    /// Of the last segment.
    state: Option<State>,
}

impl FromPart for ReplayedPart {
    fn read(part: &mut Part<'_>) -> Option<Self> {
        let mut replayer = Replayer::new(None);
        while let Some(frame) = part.next_frame().ok()? {
            replayer.take(&frame).ok()?;
        }
        let Replayer { state, mut form, good, calls, .. } = replayer;
        let state = state?;
        // Still that of the checkpoint: a segment has no other.
        let begins = Digest::of(FORM, &form);
        form.clear();
        state.ledger.encode(&mut form);
        let ends = Digest::of(FORM, &form);
        Some(Self { begins, ends, good, calls, state: Some(state).filter(|_| part.is_last()) })
    }
}

/// What all segments have come to, if each ends as the next begins.
pub(super) fn join((summary, parts): (Summary, Vec<ReplayedPart>)) -> Option<(Summary, Replayer<'static>)> {
    let mut whole = Replayer::new(None);
    let mut ended = None;
    for part in parts {
        ended.is_none_or(|ended| ended == part.begins).then_some(())?;
        ended = Some(part.ends);
        let checkpoints = whole.good.checkpoints.saturating_add(part.good.checkpoints);
        let records = whole.good.records.max(part.good.records);
        // Of the first part alone: every other one begins at a checkpoint that the one before it has come to.
        let is_first = whole.state.is_none() && whole.good.checkpoints == 0;
        let pruned_through = if is_first { part.good } else { whole.good }.pruned_through;
        whole.good = Good { checkpoints, records, pruned_through, ..part.good };
        whole.calls = whole.calls.and(&part.calls);
        whole.state = part.state;
    }
    Some((summary, whole))
}

/// What digests of forms that are only compared are of.
const FORM: &str = "assize/form";
