//! What the writer knows of a retention, and what it lets one name. FORMAT 8.8.

use super::Writer;
use crate::wal::{
    error::Fault,
    fold::Fold,
    retention::Retention,
    segment::{Header, SegmentKey},
};

impl<F: Fold> Writer<F> {
    /// The last retention so far, and the segment that is being written.
    pub(in crate::wal) fn kept(&self) -> (Option<Retention>, u32) {
        let chain = &self.segment.chain;
        (chain.retained().copied(), chain.head().segment)
    }

    /// Whether a header's tag is that of its key; `None` where it states one that is not held.
    pub(in crate::wal) fn has_tagged(&self, header: &Header, bytes: &[u8]) -> Option<bool> {
        let Header { mode, key_id, log_id, segment, .. } = *header;
        if log_id != self.place.log_id {
            return Some(false);
        }
        let secret = self.place.key.keys().secret(mode, key_id, log_id, segment)?;
        Some(Header::verify(bytes, &SegmentKey::new(&secret, log_id, segment)).is_ok())
    }

    /// Whether every reader would take a record that names this.
    pub(in crate::wal) fn may_name(&self, retention: &Retention) -> Result<(), Fault> {
        self.segment.chain.may_name(retention)
    }
}
