//! What a log says of itself: how far it is, and what opening found and did.

use alloc::vec::Vec;

use crate::{
    codec::{CodecError, Reader, Writer},
    crypto::Digest,
    id::{LogId, Sequence},
};

/// How far a log is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Progress {
    /// The last record appended.
    pub head: Sequence,
    /// The last record written.
    pub written: Sequence,
    /// The last record synced.
    pub synced: Sequence,
}

/// Counts since the log was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// The last record appended.
    pub head: Sequence,
    /// The last record written.
    pub written: Sequence,
    /// The last record synced.
    pub synced: Sequence,
    /// Bytes waiting in the queue.
    pub queue_bytes: usize,
    /// Batches written.
    pub batches: u64,
    /// Batches synced.
    pub syncs: u64,
    /// Bytes written, headers, checkpoints and seals included.
    pub written_bytes: u64,
    /// The segment being written.
    pub segment: u32,
}

/// What opening found and did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Recovery {
    /// The log's id.
    pub log_id: LogId,
    /// The segment that was last.
    pub segment: u32,
    /// The last record; after a cut, the record of the cut.
    pub head: Sequence,
    /// Records of the last segment that were read.
    pub records: u64,
    /// The torn tail that was cut.
    pub cut: Option<Cut>,
    /// Segments whose creation had not ended, removed.
    pub unfinished: u32,
    /// Whether the last segment was sealed: the log had been closed.
    pub sealed: bool,
}

/// A torn tail that was cut, and the payload of the record that says so. FORMAT 9.16.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// The segment.
    pub segment: u32,
    /// Where in it the tail began.
    pub offset: u64,
    /// From there to the last byte that was not zero.
    pub bytes: u64,
    /// SHA-256 of these bytes.
    pub digest: Digest,
}

impl Cut {
    /// Appends the record's payload.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let mut writer = Writer::new(out);
        writer.u32(self.segment);
        writer.u64(self.offset);
        writer.u64(self.bytes);
        writer.raw(&self.digest.0);
    }

    /// Reads the record's payload.
    ///
    /// # Errors
    /// The bytes are none.
    pub fn decode(payload: &[u8]) -> Result<Self, CodecError> {
        let mut reader = Reader::new(payload);
        let cut = Self {
            segment: reader.u32()?,
            offset: reader.u64()?,
            bytes: reader.u64()?,
            digest: Digest(reader.array()?),
        };
        reader.finish()?;
        Ok(cut)
    }
}
