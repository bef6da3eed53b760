//! One segment read frame by frame, each verified. FORMAT 8.1.

use super::{
    anchor::AnchorKey,
    chain::{Chain, Phase},
    damage,
    error::{Fault, Place, ReadError},
    frame::{FrameHead, HEAD_BYTES, WholeFrame},
    key::{KeyMode, Keys, Secret},
    segment::{HEADER_BYTES, Header, SegmentKey, segment_name},
    storage::{Access, Storage, StorageError, StorageFile},
    window::{Tail, Window},
};
use crate::{
    crypto::{EvolvedKey, Tag},
    id::{LogId, Sequence},
};

/// A segment whose header holds, being read.
pub(super) struct Scanner {
    window: Window,
    key: SegmentKey,
    anchors: AnchorKey,
    /// From which the keys of later segments follow, if they do.
    evolved: Option<EvolvedKey>,
    header: Header,
    chain: Chain,
}

/// What is asked of a segment before it is read.
pub(super) struct Expected<'a> {
    pub(super) segment: u32,
    /// The log that it must be of.
    pub(super) log_id: Option<LogId>,
    /// The keys that it may be under.
    pub(super) keys: Keys<'a>,
    /// How the segment before it ended.
    pub(super) before: Option<&'a Chain>,
}

/// A segment's header that holds.
pub(super) struct Begun<'a> {
    pub(super) header: Header,
    pub(super) key: SegmentKey,
    secret: Secret<'a>,
    tag: Tag,
}

impl<'a> Begun<'a> {
    /// Verifies a header, if one stands there.
    pub(super) fn of(bytes: Option<&[u8]>, expected: &Expected<'a>) -> Result<Self, ReadError> {
        let refused = |fault| expected.refused(fault);
        let bytes = bytes.ok_or_else(|| refused(Fault::HeaderBroken))?;
        let header = Header::parse(bytes).map_err(refused)?;
        if header.segment != expected.segment {
            return Err(refused(Fault::SegmentNumber { seen: header.segment }));
        }
        if expected.log_id.is_some_and(|log_id| log_id != header.log_id) {
            return Err(refused(Fault::LogId { seen: header.log_id }));
        }
        if header.mode == KeyMode::Unkeyed && expected.keys.mode != Some(header.mode) {
            return Err(refused(Fault::Unkeyed));
        }
        if let Some(wanted) = expected.keys.mode.filter(|wanted| *wanted != header.mode) {
            return Err(refused(Fault::OtherKeyMode { seen: header.mode, wanted }));
        }
        let Header { mode, key_id, log_id, segment, .. } = header;
        let secret = expected.keys.secret(mode, key_id, log_id, segment);
        let secret = secret.ok_or(ReadError::UnknownKey { place: expected.place(), id: key_id })?;
        let key = SegmentKey::new(&secret, log_id, segment);
        let tag = Header::verify(bytes, &key).map_err(refused)?;
        follows(&header, expected.before).map_err(refused)?;
        Ok(Self { header, key, secret, tag })
    }
}

impl Expected<'_> {
    fn place(&self) -> Place {
        let sequence = self.before.map_or(Sequence(0), Chain::sequence);
        Place { segment: self.segment, sequence, offset: 0 }
    }

    pub(super) fn refused(&self, fault: Fault) -> ReadError {
        ReadError::Evidence { place: self.place(), fault }
    }
}

impl Scanner {
    pub(super) fn open(
        storage: &dyn Storage,
        access: Access,
        expected: &Expected<'_>,
    ) -> Result<Self, ReadError> {
        let file = match storage.open(&segment_name(expected.segment), access) {
            Err(error) if error.is_missing() => return Err(expected.refused(Fault::SegmentMissing)),
            file => file?,
        };
        let mut window = Window::new(file)?;
        let bytes = window.at(0, HEADER_BYTES)?;
        let Begun { header, key, secret, tag } = Begun::of(bytes, expected)?;
        let anchors = AnchorKey::new(&secret, header.log_id);
        let synced = expected.before.map_or(Sequence(0), Chain::synced_through);
        let chain = Chain::new(&header, bytes.unwrap_or_default(), tag, synced);
        let evolved = secret.into_evolved();
        Ok(Self { window, key, anchors, evolved, header, chain })
    }

    /// Reads and verifies what comes next.
    pub(super) fn step(&mut self) -> Result<Step, ReadError> {
        let offset = self.chain.offset();
        let Some((head, frame)) = whole_frame(&mut self.window, offset, &self.key)? else {
            return self.end();
        };
        let (place, tag) = (self.chain.place(), frame.tag);
        self.chain.take(&head, &frame, &self.key).map_err(|fault| ReadError::Evidence { place, fault })?;
        Ok(Step::Frame(Seen { head, offset, tag }))
    }

    /// What it means that no whole frame stands here.
    fn end(&mut self) -> Result<Step, ReadError> {
        let tail = self.window.tail(self.chain.offset())?;
        match (self.chain.phase(), tail.bytes) {
            // A checkpoint was complete on disk before its segment had its name.
            (Phase::Checkpoint { .. }, 0) => Err(self.refused(Fault::CheckpointIncomplete)),
            (Phase::Checkpoint { .. }, _) => Err(self.refused(Fault::Broken)),
            (Phase::Sealed, 1..) => Err(self.refused(Fault::AfterSeal)),
            (_, 0) => Ok(Step::End),
            (_, 1..) => Ok(Step::Torn(tail)),
        }
    }

    /// Whether a later frame proves that the one missing here was on disk. FORMAT 8.3.
    pub(super) fn was_on_disk(&mut self) -> Result<bool, StorageError> {
        let start = self.chain.offset();
        damage::later_frame_proves(&mut self.window, start, self.chain.next_sequence(), &self.key)
    }

    /// The payload of the frame last seen.
    pub(super) fn payload(&self, seen: &Seen) -> &[u8] {
        let frame = self.window.shown(seen.offset, seen.head.bytes).unwrap_or_default();
        seen.head.payload(frame)
    }

    /// Looks at the file again, which may have grown.
    pub(super) fn refresh(&mut self) -> Result<(), StorageError> {
        self.window.refresh()
    }

    /// The file's size when it was last looked at.
    pub(super) fn size(&self) -> u64 {
        self.window.size()
    }

    pub(super) fn file(&self) -> &dyn StorageFile {
        self.window.file()
    }

    pub(super) fn header(&self) -> &Header {
        &self.header
    }

    pub(super) fn chain(&self) -> &Chain {
        &self.chain
    }

    /// `keys`, with what this segment adds for later ones of its log.
    pub(super) fn keys_after<'a>(&'a self, keys: Keys<'a>) -> Keys<'a> {
        Keys { evolved: self.evolved.as_ref().or(keys.evolved), ..keys }
    }

    pub(super) fn refused(&self, fault: Fault) -> ReadError {
        ReadError::Evidence { place: self.chain.place(), fault }
    }

    pub(super) fn into_parts(self) -> (alloc::boxed::Box<dyn StorageFile>, SegmentKey, AnchorKey, Chain) {
        (self.window.into_file(), self.key, self.anchors, self.chain)
    }
}

/// What a segment has next.
#[derive(Debug)]
pub(super) enum Step {
    /// A frame that holds.
    Frame(Seen),
    /// Only zeros, if anything.
    End,
    /// Bytes that are no frame.
    Torn(Tail),
}

/// A frame that holds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    pub(super) head: FrameHead,
    pub(super) offset: u64,
    pub(super) tag: Tag,
}

/// The whole frame at `offset`, if one stands there.
pub(super) fn whole_frame<'a>(
    window: &'a mut Window,
    offset: u64,
    key: &SegmentKey,
) -> Result<Option<(FrameHead, WholeFrame<'a>)>, StorageError> {
    let Some(head) = window.at(offset, HEAD_BYTES)?.and_then(FrameHead::parse) else { return Ok(None) };
    let frame = window.at(offset, head.bytes)?;
    Ok(frame.and_then(|bytes| WholeFrame::parse(&head, bytes, key)).map(|frame| (head, frame)))
}

/// Whether the header continues from the segment before it. FORMAT 6.4.
pub(super) fn follows(header: &Header, before: Option<&Chain>) -> Result<(), Fault> {
    let first = header.segment == 1;
    let (sequence, log_time, seal, digest) = match before {
        Some(before) => (before.sequence(), before.log_time(), *before.previous(), before.digest()),
        None if first => (Sequence(0), header.log_time, Tag([0; 32]), crate::crypto::Digest([0; 32])),
        // Opening reads the last segment alone, and a log that was pruned begins with a later one.
        None => return Ok(()),
    };
    if let Some(before) = before {
        before.goes_on_under(header.key_id, header.mode)?;
    }
    if header.sequence != sequence {
        return Err(Fault::HeaderSequence { seen: header.sequence });
    }
    if header.log_time != log_time {
        return Err(Fault::HeaderTime);
    }
    if before.is_some_and(|before| before.retained() != header.retained.as_ref()) {
        return Err(Fault::HeaderRetention);
    }
    if !header.previous.0.matches(&seal) || header.previous.1 != digest {
        return Err(Fault::HeaderSeal);
    }
    Ok(())
}
