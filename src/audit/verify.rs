//! Verifying the chain alone.

use super::AuditOptions;
use super::error::{AuditError, Good};
use super::observer::Observer;
use super::read::{FromPart, Source, Take};
use super::report::{NotProven, VerifyReport};
use crate::crypto::RootKey;
use crate::wal::storage::Storage;
use crate::wal::{CHECKPOINT_PART, FrameView, Part};

/// Verifies a log's chain: every frame, header and seal, and the anchor if one is given. It takes no lock and
/// writes nothing.
///
/// # Errors
/// The first thing that does not hold, with its place and how much before it does, or the storage cannot.
pub fn verify(
    storage: &dyn Storage,
    keys: &[&RootKey],
    options: AuditOptions<'_>,
) -> Result<VerifyReport, AuditError> {
    let AuditOptions { read, mut observer, threads } = options;
    let source = Source { storage, keys, read, threads };
    let summary = match source.read_at_once::<ChainPart>(&mut observer) {
        Some((summary, _)) => summary,
        None => source.read_all(&mut Chain { good: Good::default(), segment: 0, observer })?,
    };
    let mut not_proven = NotProven::of_chain(&summary);
    not_proven.push(NotProven::Contents);
    Ok(VerifyReport { summary, not_proven })
}

/// Every frame of a segment holds.
struct ChainPart;

impl FromPart for ChainPart {
    fn read(part: &mut Part<'_>) -> Option<Self> {
        while part.next_frame().ok()?.is_some() {}
        Some(Self)
    }
}

/// Counts what holds.
struct Chain<'a> {
    good: Good,
    /// The last whose checkpoint was counted.
    segment: u32,
    observer: Option<&'a mut dyn Observer>,
}

impl Take for Chain<'_> {
    type Error = AuditError;

    fn take(&mut self, frame: &FrameView<'_>) -> Result<(), AuditError> {
        self.good.log_time = frame.effective;
        if self.segment == 0 {
            self.good.begin(frame);
        }
        if !frame.is_control() {
            self.good.records = frame.sequence.0;
        } else if frame.kind == CHECKPOINT_PART && frame.segment != self.segment {
            self.segment = frame.segment;
            self.good.checkpoints = self.good.checkpoints.saturating_add(1);
        }
        Ok(())
    }

    fn good(&self) -> Good {
        self.good
    }

    fn observer(&mut self) -> Option<&mut dyn Observer> {
        // Reborrowed, so that it can be lent again.
        match &mut self.observer {
            Some(observer) => Some(&mut **observer),
            None => None,
        }
    }

    fn begin_anew(&mut self) -> bool {
        let is_unseen = self.observer.is_none();
        if is_unseen {
            (self.good, self.segment) = (Good::default(), 0);
        }
        is_unseen
    }
}
