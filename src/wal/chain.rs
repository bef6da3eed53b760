//! One segment's chain: what its next frame must be, and where the frames so far have led. FORMAT 7 and 8.1.
//!
//! Reading and writing share it, so that what is written is what will be read.

use alloc::vec::Vec;
use core::cmp::Ordering;

use super::{
    anchor::Head,
    error::{Fault, Place},
    frame::{self, FrameHead, WholeFrame},
    key::KeyMode,
    retention::Retention,
    segment::{Header, SegmentKey},
};
use crate::{
    codec::{CodecError, Reader, Writer},
    crypto::{Digest, Digester, KeyId, Tag},
    id::Sequence,
    limits::CHECKPOINT_PART_BYTES_MAX,
    num::Timestamp,
};

/// Where a segment is after the frames so far.
pub(super) struct Chain {
    segment: u32,
    /// The key that the segment is under.
    key: (KeyId, KeyMode),
    /// The one that its last change of key names. FORMAT 7.8.
    next_key: Option<(KeyId, KeyMode)>,
    /// The last one so far, here or before.
    retained: Option<Retention>,
    /// Bytes so far.
    offset: u64,
    /// The tag of the last frame, or the header's.
    previous: Tag,
    /// The last record, in this segment or before.
    sequence: Sequence,
    /// The last record before this segment.
    sequence_before: Sequence,
    log_time: Timestamp,
    synced_through: Sequence,
    frames: u64,
    /// Of the bytes so far.
    digest: Digester,
    phase: Phase,
}

/// What may come next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// The checkpoint's next part; `parts` is known from the first on.
    Checkpoint { next: u32, parts: Option<u32> },
    /// Records, or the seal.
    Records,
    /// Nothing.
    Sealed,
}

impl Chain {
    /// After the header. `synced_through` is the highest seen in earlier segments, 0 where none was read.
    pub(super) fn new(header: &Header, bytes: &[u8], tag: Tag, synced_through: Sequence) -> Self {
        let mut digest = Digester::untagged();
        digest.update(bytes);
        Self {
            segment: header.segment,
            key: (header.key_id, header.mode),
            next_key: None,
            retained: header.retained,
            offset: u64::try_from(bytes.len()).unwrap_or(u64::MAX),
            previous: tag,
            sequence: header.sequence,
            sequence_before: header.sequence,
            log_time: header.log_time,
            synced_through,
            frames: 0,
            digest,
            phase: Phase::Checkpoint { next: 0, parts: None },
        }
    }

    /// Goes past a whole frame that was read, if it may come next. After an error the chain leads nowhere. FORMAT 8.1.
    pub(super) fn take(
        &mut self,
        head: &FrameHead,
        frame: &WholeFrame<'_>,
        key: &SegmentKey,
    ) -> Result<(), Fault> {
        if head.extension_bytes != 0 {
            return Err(Fault::Extension);
        }
        let control = self.check_kind(head)?;
        let sequence = if control { Some(self.sequence) } else { next(self.sequence) };
        if sequence != Some(head.sequence) {
            return Err(Fault::FrameSequence { seen: head.sequence });
        }
        // Of the bytes before the frame, which the digest takes next.
        let seal = (head.kind == frame::SEAL).then(|| self.seal_payload());
        let tag = key.frame_tag_beside(&self.previous, frame.body, &mut self.digest, frame.bytes);
        if !tag.matches(&frame.tag) {
            return Err(Fault::FrameTag);
        }
        // FORMAT 7.2, 7.5
        let in_time = if control {
            head.effective == self.log_time && head.caller == self.log_time
        } else {
            head.effective >= self.log_time
        };
        if !in_time {
            return Err(Fault::FrameTime);
        }
        if head.synced_through < self.synced_through || head.synced_through > self.sequence {
            return Err(Fault::SyncedThrough { seen: head.synced_through });
        }
        let payload = head.payload(frame.body);
        match head.kind {
            frame::CHECKPOINT_PART => self.check_part(payload)?,
            frame::RETENTION => {
                self.may_name(&Retention::decode(payload).map_err(|_| Fault::Retention)?)?;
            }
            frame::KEY_CHANGE if key_change(payload).is_none() => return Err(Fault::KeyChange),
            frame::SEAL if seal.as_deref() != Some(payload) => return Err(Fault::SealContents),
            _ => {}
        }
        self.advance(head, frame.bytes, tag);
        Ok(())
    }

    /// Completes a frame that is written, of which `synced` is what is on disk, and goes past it.
    pub(super) fn complete(&mut self, frame: &mut [u8], synced: Sequence, key: &SegmentKey) {
        let tag = frame::complete(frame, synced, key, &self.previous, &mut self.digest);
        let head = FrameHead::parse(frame);
        assert!(head.is_some_and(|head| head.bytes == frame.len()), "it is a whole frame");
        if let Some(head) = head {
            self.advance(&head, frame, tag);
        }
    }

    /// Whether a frame of that kind may come now, and whether it is a control frame.
    fn check_kind(&self, head: &FrameHead) -> Result<bool, Fault> {
        match (self.phase, head.kind) {
            (Phase::Checkpoint { .. }, frame::CHECKPOINT_PART)
            | (Phase::Records, frame::SEAL | frame::KEY_CHANGE) => Ok(true),
            (Phase::Records, kind) if frame::is_record_kind(kind) => Ok(false),
            (Phase::Checkpoint { .. }, frame::SEAL | frame::KEY_CHANGE) => Err(Fault::CheckpointIncomplete),
            (Phase::Checkpoint { .. }, kind) if frame::is_record_kind(kind) => {
                Err(Fault::CheckpointIncomplete)
            }
            (Phase::Sealed, _) => Err(Fault::AfterSeal),
            (_, seen) => Err(Fault::Kind { seen }),
        }
    }

    /// FORMAT 9.21: it names this segment or one before it, and a later one than the last retention has.
    pub(super) fn may_name(&self, named: &Retention) -> Result<(), Fault> {
        let here = self.sequence_before;
        let known = match named.first_segment.cmp(&self.segment) {
            Ordering::Less => named.through <= here,
            Ordering::Equal => named.through == here,
            Ordering::Greater => false,
        };
        let forward = |before: &Retention| {
            named.first_segment > before.first_segment && named.through >= before.through
        };
        if known && self.retained.as_ref().is_none_or(forward) { Ok(()) } else { Err(Fault::Retention) }
    }

    /// FORMAT 10.1.
    fn check_part(&self, payload: &[u8]) -> Result<(), Fault> {
        let Phase::Checkpoint { next, parts: known } = self.phase else { return Err(Fault::CheckpointPart) };
        let (part, parts, bytes) = checkpoint_part(payload).map_err(|_| Fault::CheckpointPart)?;
        let last = part.checked_add(1) == Some(parts);
        let size = if last {
            (1..=CHECKPOINT_PART_BYTES_MAX).contains(&bytes.len())
        } else {
            bytes.len() == CHECKPOINT_PART_BYTES_MAX
        };
        let in_order = part == next && part < parts && known.is_none_or(|known| known == parts);
        if size && in_order { Ok(()) } else { Err(Fault::CheckpointPart) }
    }

    /// Goes past a frame that holds, and is digested.
    fn advance(&mut self, head: &FrameHead, frame: &[u8], tag: Tag) {
        self.phase = match (self.phase, head.kind) {
            (Phase::Checkpoint { .. }, _) => match checkpoint_part(head.payload(frame)) {
                Ok((part, parts, _)) if part.checked_add(1) != Some(parts) => {
                    Phase::Checkpoint { next: part.saturating_add(1), parts: Some(parts) }
                }
                _ => Phase::Records,
            },
            (_, frame::SEAL) => Phase::Sealed,
            (phase, _) => phase,
        };
        if head.kind == frame::KEY_CHANGE {
            self.next_key = key_change(head.payload(frame));
        } else if head.kind == frame::RETENTION {
            self.retained = Retention::decode(head.payload(frame)).ok();
        }
        self.offset = self.offset.saturating_add(u64::try_from(frame.len()).unwrap_or(u64::MAX));
        self.previous = tag;
        self.sequence = head.sequence;
        self.log_time = head.effective;
        self.synced_through = head.synced_through;
        self.frames = self.frames.saturating_add(1);
    }

    /// Whether the next segment may be under that key. FORMAT 7.8.
    pub(super) fn goes_on_under(&self, id: KeyId, mode: KeyMode) -> Result<(), Fault> {
        match self.key {
            _ if self.next_key == Some((id, mode)) => Ok(()),
            (here, _) if here != id => Err(Fault::KeyNotNamed { seen: id }),
            (_, wanted) if wanted != mode => Err(Fault::OtherKeyMode { seen: mode, wanted }),
            _ => Ok(()),
        }
    }

    /// What a seal would say now. FORMAT 7.7.
    pub(super) fn seal_payload(&self) -> Vec<u8> {
        let mut payload = Vec::with_capacity(88);
        let mut writer = Writer::new(&mut payload);
        writer.u64(self.frames);
        writer.u64(self.sequence_before.0.saturating_add(1));
        writer.u64(self.sequence.0);
        writer.raw(&self.previous.0);
        writer.raw(&self.digest().0);
        payload
    }

    /// The digest of the bytes so far.
    pub(super) fn digest(&self) -> Digest {
        self.digest.clone().finish()
    }

    /// The last retention so far.
    pub(super) fn retained(&self) -> Option<&Retention> {
        self.retained.as_ref()
    }

    pub(super) fn phase(&self) -> Phase {
        self.phase
    }

    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    pub(super) fn previous(&self) -> &Tag {
        &self.previous
    }

    pub(super) fn sequence(&self) -> Sequence {
        self.sequence
    }

    pub(super) fn log_time(&self) -> Timestamp {
        self.log_time
    }

    pub(super) fn synced_through(&self) -> Sequence {
        self.synced_through
    }

    /// The sequence that the next record has; the last one stays the last.
    pub(super) fn next_sequence(&self) -> Sequence {
        next(self.sequence).unwrap_or(self.sequence)
    }

    /// The place of the next frame.
    pub(super) fn place(&self) -> Place {
        let sequence = match self.phase {
            Phase::Checkpoint { .. } => self.sequence,
            Phase::Records | Phase::Sealed => self.next_sequence(),
        };
        Place { segment: self.segment, sequence, offset: self.offset }
    }

    /// The last frame as an anchor names it.
    pub(super) fn head(&self) -> Head {
        Head { segment: self.segment, sequence: self.sequence, tag: self.previous, log_time: self.log_time }
    }

    /// The frame that would come next, of that kind.
    pub(super) fn control(&self, kind: u16) -> frame::Envelope {
        // FORMAT 7.2
        frame::Envelope { kind, sequence: self.sequence, effective: self.log_time, caller: self.log_time }
    }
}

/// A checkpoint part's number, the count of parts, and its bytes. FORMAT 10.1.
pub(super) fn checkpoint_part(payload: &[u8]) -> Result<(u32, u32, &[u8]), CodecError> {
    let mut reader = Reader::new(payload);
    let (part, parts) = (reader.u32()?, reader.u32()?);
    let bytes = reader.raw(reader.remaining())?;
    Ok((part, parts, bytes))
}

/// What a change of key names. FORMAT 7.8.
fn key_change(payload: &[u8]) -> Option<(KeyId, KeyMode)> {
    let (id, mode) = payload.split_first_chunk()?;
    let [mode] = mode else { return None };
    let mode = KeyMode::of(*mode).filter(|mode| *mode != KeyMode::Unkeyed)?;
    Some((KeyId(u32::from_le_bytes(*id)), mode))
}

fn next(sequence: Sequence) -> Option<Sequence> {
    sequence.0.checked_add(1).map(Sequence)
}
