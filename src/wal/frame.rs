//! Frames: the envelopes of records and control frames. FORMAT 7.1.

use alloc::vec::Vec;

use super::segment::SegmentKey;
use crate::{
    codec::{CodecError, Reader, Writer},
    crypto::{Digester, Tag},
    id::Sequence,
    limits::PAYLOAD_BYTES_MAX,
    num::Timestamp,
};

/// The kind of a checkpoint's part, a control frame. FORMAT 9.1.
pub const CHECKPOINT_PART: u16 = 64;
/// The kind of a seal, a control frame. FORMAT 9.1.
pub const SEAL: u16 = 65;
/// The kind of the record that opening writes after it cut a torn tail. FORMAT 9.16.
pub const RECOVERY: u16 = 66;
/// The kind of the record that names the first segment kept, before those before it are deleted. FORMAT 9.21.
pub const RETENTION: u16 = 67;
/// The kind of the control frame that names the key of the next segment. FORMAT 7.8.
pub const KEY_CHANGE: u16 = 68;

/// Whether frames of that kind are records that this version reads, and numbered. FORMAT 9.1.
pub(super) fn is_record_kind(kind: u16) -> bool {
    matches!(kind, 1..=4 | 16..=23 | 32..=36 | RECOVERY | RETENTION)
}

/// Whether records of that kind are the caller's to append, and none about the log itself.
pub(super) fn is_callers_kind(kind: u16) -> bool {
    is_record_kind(kind) && !matches!(kind, RECOVERY | RETENTION)
}

/// Whether frames of that kind are not numbered.
pub(super) fn is_control_kind(kind: u16) -> bool {
    matches!(kind, CHECKPOINT_PART | SEAL | KEY_CHANGE)
}

/// Bytes of a frame before its payload. FORMAT 7.1.
pub(super) const HEAD_BYTES: usize = 44;
/// Bytes of a frame without payload; no frame is smaller.
pub(super) const EMPTY_BYTES: usize = 80;
/// FORMAT 7.1, "ASZ1".
pub(super) const MAGIC: [u8; 4] = 0x315A_5341_u32.to_le_bytes();
const SYNCED_THROUGH_OFFSET: usize = 32;
const TAG_BYTES: usize = 32;
const CHECKSUM_BYTES: usize = 4;
/// Bytes of a frame after its padding.
pub(super) const TRAILER_BYTES: usize = TAG_BYTES + CHECKSUM_BYTES;

/// What a frame says before its payload.
#[derive(Clone, Copy, Debug)]
pub(super) struct FrameHead {
    /// Bytes of the whole frame, a multiple of 8.
    pub(super) bytes: usize,
    pub(super) payload_bytes: usize,
    pub(super) extension_bytes: usize,
    pub(super) sequence: Sequence,
    pub(super) effective: Timestamp,
    pub(super) caller: Timestamp,
    pub(super) synced_through: Sequence,
    pub(super) kind: u16,
}

impl FrameHead {
    /// Reads the first [`HEAD_BYTES`]; `None` where no frame can start so.
    pub(super) fn parse(head: &[u8]) -> Option<Self> {
        Self::read(&mut Reader::new(head)).ok().flatten()
    }

    fn read(reader: &mut Reader<'_>) -> Result<Option<Self>, CodecError> {
        let magic = reader.array()?;
        let payload_bytes = usize::try_from(reader.u32()?).unwrap_or(usize::MAX);
        let sequence = Sequence(reader.u64()?);
        let effective = Timestamp(reader.i64()?);
        let caller = Timestamp(reader.i64()?);
        let synced_through = Sequence(reader.u64()?);
        let kind = reader.u16()?;
        let extension_bytes = usize::from(reader.u16()?);
        if magic != MAGIC || payload_bytes > PAYLOAD_BYTES_MAX {
            return Ok(None);
        }
        let bytes = frame_bytes(payload_bytes.saturating_add(extension_bytes));
        Ok(Some(Self {
            bytes,
            payload_bytes,
            extension_bytes,
            sequence,
            effective,
            caller,
            synced_through,
            kind,
        }))
    }

    /// Zeros between its contents and its tag.
    pub(super) fn padding_bytes(&self) -> usize {
        let content = self.payload_bytes.saturating_add(self.extension_bytes);
        self.bytes.saturating_sub(EMPTY_BYTES).saturating_sub(content)
    }

    /// The payload of the frame that starts so.
    pub(super) fn payload<'a>(&self, frame: &'a [u8]) -> &'a [u8] {
        let end = HEAD_BYTES.saturating_add(self.payload_bytes);
        frame.get(HEAD_BYTES..end).unwrap_or_default()
    }
}

/// Bytes of a frame whose payload and extension area have that many.
pub(super) fn frame_bytes(content: usize) -> usize {
    EMPTY_BYTES.saturating_add(content.saturating_add(7) & !7)
}

/// What a frame is made with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Envelope {
    pub(super) kind: u16,
    pub(super) sequence: Sequence,
    pub(super) effective: Timestamp,
    pub(super) caller: Timestamp,
}

/// Appends a frame to `out` that lacks what only the leader knows: `synced_through`, tag and checksum.
///
/// A payload above the limit leaves `out` as it was and gives its size.
pub(super) fn push(
    out: &mut Vec<u8>,
    envelope: Envelope,
    payload: impl FnOnce(&mut Vec<u8>),
) -> Result<(), usize> {
    let start = out.len();
    let mut writer = Writer::new(out);
    // FORMAT 7.1
    writer.raw(&MAGIC);
    writer.u32(0);
    writer.u64(envelope.sequence.0);
    writer.i64(envelope.effective.0);
    writer.i64(envelope.caller.0);
    writer.u64(0);
    writer.u16(envelope.kind);
    writer.u16(0);
    let payload_start = out.len();
    payload(out);
    let payload_bytes = out.len().saturating_sub(payload_start);
    let stated = u32::try_from(payload_bytes).ok().filter(|_| payload_bytes <= PAYLOAD_BYTES_MAX);
    let Some(stated) = stated else {
        out.truncate(start);
        return Err(payload_bytes);
    };
    assert!(out.len() >= payload_start, "a payload is appended, and nothing before it taken away");
    if let Some(place) = out.get_mut(start.saturating_add(4)..start.saturating_add(8)) {
        place.copy_from_slice(&stated.to_le_bytes());
    }
    out.resize(start.saturating_add(frame_bytes(payload_bytes)), 0);
    Ok(())
}

/// Completes a frame that [`push`] made: fills in `synced_through`, tag and checksum; gives the tag. `digester` takes
/// the whole frame.
pub(super) fn complete(
    frame: &mut [u8],
    synced: Sequence,
    key: &SegmentKey,
    previous: &Tag,
    digester: &mut Digester,
) -> Tag {
    if let Some(place) = frame.get_mut(SYNCED_THROUGH_OFFSET..SYNCED_THROUGH_OFFSET.saturating_add(8)) {
        place.copy_from_slice(&synced.0.to_le_bytes());
    }
    let (body, trailer) = frame.split_at_mut(frame.len().saturating_sub(TRAILER_BYTES));
    let tag = key.frame_tag_beside(previous, body, digester, body);
    let (tag_place, checksum_place) = trailer.split_at_mut(TAG_BYTES);
    tag_place.copy_from_slice(&tag.0);
    let checksum = key.checksum(&[body, tag_place]);
    checksum_place.copy_from_slice(&checksum.to_le_bytes());
    digester.update(trailer);
    tag
}

/// A frame whose padding and checksum hold, in its parts.
pub(super) struct WholeFrame<'a> {
    /// All of it.
    pub(super) bytes: &'a [u8],
    /// What is under the tag.
    pub(super) body: &'a [u8],
    /// The tag it carries.
    pub(super) tag: Tag,
}

impl<'a> WholeFrame<'a> {
    /// Takes the frame apart; `None` if it is not whole. FORMAT 8.1.
    pub(super) fn parse(head: &FrameHead, frame: &'a [u8], key: &SegmentKey) -> Option<Self> {
        let frame = frame.get(..head.bytes)?;
        let (checked, checksum) = frame.split_last_chunk::<CHECKSUM_BYTES>()?;
        let (body, tag) = checked.split_last_chunk::<TAG_BYTES>()?;
        let content = HEAD_BYTES.checked_add(head.payload_bytes)?.checked_add(head.extension_bytes)?;
        let padding = body.get(content..)?;
        let whole =
            padding.iter().all(|byte| *byte == 0) && key.checksum(&[checked]).to_le_bytes() == *checksum;
        whole.then_some(Self { bytes: frame, body, tag: Tag(*tag) })
    }
}
