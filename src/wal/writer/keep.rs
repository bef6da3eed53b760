//! From which segment on a log is to be kept. FORMAT 8.8.

use super::Writer;
use crate::{
    crypto::Digest,
    id::Sequence,
    num::Timestamp,
    wal::{
        error::{Fault, Place, ReadError},
        fold::Fold,
        retention::{self, Keep, Retention},
        segment::{Header, SegmentKey},
    },
};

impl<F: Fold> Writer<F> {
    /// The last retention so far, and the one to be recorded so that no more than this is kept, if that lets go of more.
    pub(in crate::wal) fn retention(
        &self,
        keep: Keep,
    ) -> Result<(Option<Retention>, Option<Retention>), ReadError> {
        let chain = &self.segment.chain;
        let (before, last) = (chain.retained().copied(), chain.head().segment);
        let from = before.map_or(1, |before| before.first_segment);
        let first = match keep {
            Keep::Segments(count) => last.saturating_sub(count.get().saturating_sub(1)),
            Keep::Since(at) => self.last_begun_before(at, from, last)?,
        };
        if first <= from {
            return Ok((before, None));
        }
        let (header, header_sha256) = self.header_of(first)?;
        let next = Retention { first_segment: first, through: header.sequence, header_sha256 };
        Ok((before, Some(next)))
    }

    /// The last of these segments that began before that time: everything in those before it is from before, too.
    fn last_begun_before(&self, at: Timestamp, from: u32, last: u32) -> Result<u32, ReadError> {
        let mut found = from;
        while found < last {
            let next = found.saturating_add(1);
            if self.header_of(next)?.0.log_time >= at {
                break;
            }
            found = next;
        }
        Ok(found)
    }

    /// A segment's header, and the digest of its bytes.
    fn header_of(&self, segment: u32) -> Result<(Header, Digest), ReadError> {
        let place = Place { segment, sequence: Sequence(0), offset: 0 };
        let refused = |fault| ReadError::Evidence { place, fault };
        let bytes = retention::header_bytes(&*self.place.storage, segment)?;
        let header = Header::parse(&bytes).map_err(refused)?;
        if (header.segment, header.log_id) != (segment, self.place.log_id) {
            return Err(refused(Fault::HeaderBroken));
        }
        let Header { mode, key_id, log_id, .. } = header;
        if let Some(secret) = self.place.key.keys().secret(mode, key_id, log_id, segment) {
            Header::verify(&bytes, &SegmentKey::new(&secret, log_id, segment)).map_err(refused)?;
        }
        Ok((header, Digest::of_file(&bytes)))
    }
}
