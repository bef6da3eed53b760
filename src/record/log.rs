//! Records about the log itself: the policies in it, and what opening had to cut.

use alloc::vec::Vec;

use super::error::RecordError;
use crate::codec::{CodecError, Reader, Writer};
use crate::crypto::Digest;
use crate::limits::POLICY_BYTES_MAX;

/// A policy as the log holds it: its canonical form, not yet read. FORMAT 9.5.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyBytes {
    /// The canonical form. FORMAT 2.1.
    pub canonical: Vec<u8>,
}

impl PolicyBytes {
    /// The policy's digest. FORMAT 2.1.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::of("assize/policy/1", &self.canonical)
    }

    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, RecordError> {
        let bytes = reader.remaining();
        if bytes > POLICY_BYTES_MAX {
            return Err(CodecError::TooLong { seen: bytes, max: POLICY_BYTES_MAX }.into());
        }
        Ok(Self { canonical: reader.raw(bytes)?.to_vec() })
    }
}

/// Shown by its digest and its size: the bytes are the log's.
#[cfg(feature = "serde")]
impl serde::Serialize for PolicyBytes {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct as _;
        let mut shown = serializer.serialize_struct("PolicyBytes", 2)?;
        shown.serialize_field("digest", &self.digest())?;
        shown.serialize_field("bytes", &self.canonical.len())?;
        shown.end()
    }
}

/// What opening cut from a torn tail; the first record after the cut. FORMAT 9.16.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Recovery {
    /// The segment that was cut.
    pub segment: u32,
    /// Where, in bytes from its start.
    pub offset: u64,
    /// Bytes from there to the last that was not zero.
    pub cut_bytes: u64,
    /// Their SHA-256.
    pub cut_sha256: Digest,
}

impl Recovery {
    // FORMAT 9.16
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        let mut writer = Writer::new(out);
        writer.u32(self.segment);
        writer.u64(self.offset);
        writer.u64(self.cut_bytes);
        writer.raw(&self.cut_sha256.0);
    }

    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, CodecError> {
        Ok(Self {
            segment: reader.u32()?,
            offset: reader.u64()?,
            cut_bytes: reader.u64()?,
            cut_sha256: Digest(reader.array()?),
        })
    }
}
