//! One segment of a log, verified by itself; and what several of them come to when each goes on from the one before.

use super::{
    anchor::{Anchor, AnchorKey, Head},
    chain::{Chain, Phase},
    error::{Fault, Place, ReadError},
    frame,
    reader::{Completeness, FrameView, Pruned, ReadOptions, Summary, Tail},
    retention::Retention,
    scanner::{Expected, Scanner, Seen, Step, follows},
    segment::Header,
    storage::{Access, Storage},
    unsynced::Unsynced,
};
use crate::{crypto::RootKey, id::Sequence};

/// Verifies one segment frame by frame. That it goes on from the segment before is for [`Joined`] to say.
pub(crate) struct Part<'a> {
    storage: &'a dyn Storage,
    scanner: Scanner,
    span: Span,
    tail: Tail,
    anchor: Option<Anchor>,
    unsynced: Unsynced<Head>,
    found: Found,
}

/// A segment among those that are read of a log.
#[derive(Clone, Copy)]
pub(super) struct Span {
    pub(super) first: u32,
    pub(super) segment: u32,
    pub(super) last: u32,
}

/// What the frames of a segment have shown so far.
#[derive(Clone, Copy, Debug)]
struct Found {
    records: u64,
    frames: u64,
    /// The last frame that the log itself says is on disk.
    synced: Head,
    /// What its first frame says is on disk.
    first_synced: Option<Sequence>,
    /// The anchor was met, here or before.
    anchored: bool,
    /// The first frame above the anchor's sequence, where no frame before was the anchor's.
    passed: Option<Place>,
    /// Bytes after the last whole frame were left unread.
    live: bool,
}

/// A segment that was read to its end.
pub(super) struct Ended {
    header: Header,
    anchors: AnchorKey,
    chain: Chain,
    found: Found,
}

impl<'a> Part<'a> {
    /// Opens a segment; `before` is how the one before has ended, if that was read.
    pub(super) fn open(
        storage: &'a dyn Storage,
        keys: &[&RootKey],
        options: &ReadOptions,
        span: Span,
        before: Option<&Self>,
    ) -> Result<Self, ReadError> {
        let keys = options.tags.of(keys);
        let expected = match before {
            None => Expected { segment: span.segment, log_id: options.log_id, keys, before: None },
            Some(before) => Expected {
                segment: span.segment,
                log_id: Some(before.header().log_id),
                keys: before.scanner.keys_after(keys),
                before: Some(before.chain()),
            },
        };
        let scanner = Scanner::open(storage, Access::Read, &expected)?;
        let found = Found {
            records: 0,
            frames: 0,
            synced: scanner.chain().head(),
            first_synced: None,
            anchored: before.is_some_and(|before| before.found.anchored),
            passed: None,
            live: false,
        };
        let (tail, anchor) = (options.tail, options.anchor);
        Ok(Self { storage, scanner, span, tail, anchor, unsynced: Unsynced::new(), found })
    }

    /// Goes on with the room of the one before, which was read to its end.
    pub(super) fn reuse(&mut self, before: &mut Self) {
        core::mem::swap(&mut self.unsynced, &mut before.unsynced);
        self.unsynced.clear();
    }

    /// The next frame, verified; `None` at the end.
    ///
    /// # Errors
    /// The evidence does not hold from here on, or the storage cannot.
    pub(crate) fn next_frame(&mut self) -> Result<Option<FrameView<'_>>, ReadError> {
        let seen = self.step()?;
        Ok(seen.map(|seen| self.view(&seen)))
    }

    pub(super) fn step(&mut self) -> Result<Option<Seen>, ReadError> {
        let place = self.scanner.chain().place();
        let seen = match self.scanner.step()? {
            Step::Frame(seen) => Some(seen),
            Step::End if self.is_last() || self.chain().phase() == Phase::Sealed => None,
            Step::End => return Err(self.scanner.refused(Fault::SealMissing)),
            Step::Torn(_) if !self.is_last() => return Err(self.scanner.refused(Fault::Broken)),
            Step::Torn(_) => self.end_torn()?,
        };
        if let Some(seen) = &seen {
            if seen.head.kind == frame::RETENTION {
                self.check_retention(place)?;
            }
            self.take(seen, place);
        }
        Ok(seen)
    }

    /// Whether the retention that was just read names the header of a segment that is read too. FORMAT 8.8.
    fn check_retention(&self, place: Place) -> Result<(), ReadError> {
        let named = self.retained().filter(|named| named.first_segment >= self.span.first);
        match named.map_or(Ok(true), |named| named.is_of(self.storage))? {
            true => Ok(()),
            false => Err(ReadError::Evidence { place, fault: Fault::Retention }),
        }
    }

    /// Notes a frame that holds.
    fn take(&mut self, seen: &Seen, place: Place) {
        let head = self.chain().head();
        let found = &mut self.found;
        found.frames = found.frames.saturating_add(1);
        if seen.head.kind == frame::CHECKPOINT_PART {
            // On disk before its segment had its name. FORMAT 6.3.
            self.unsynced.clear();
            found.synced = head;
        } else if !frame::is_control_kind(seen.head.kind) {
            found.records = found.records.saturating_add(1);
            self.unsynced.push(head.sequence, head);
        }
        found.first_synced = found.first_synced.or(Some(seen.head.synced_through));
        found.synced = self.unsynced.cover(seen.head.synced_through).unwrap_or(found.synced);
        let Some(anchor) = self.anchor else { return };
        found.anchored |= anchor.sequence() == seen.head.sequence && anchor.tag().matches(&seen.tag);
        if !found.anchored && seen.head.sequence > anchor.sequence() {
            found.passed = found.passed.or(Some(place));
        }
    }

    /// What a torn tail of the last segment means: a failure, or the end of a live log, or a frame that was
    /// written since. FORMAT 8.2.
    fn end_torn(&mut self) -> Result<Option<Seen>, ReadError> {
        let damaged = self.scanner.was_on_disk()?;
        if self.tail == Tail::Strict {
            let fault = if damaged { Fault::Broken } else { Fault::TornTail };
            return Err(self.scanner.refused(fault));
        }
        if !damaged {
            self.found.live = true;
            return Ok(None);
        }
        // The frame may have been written between the two looks, the later one with it.
        self.scanner.refresh()?;
        match self.scanner.step()? {
            Step::Frame(seen) => Ok(Some(seen)),
            Step::End | Step::Torn(_) => Err(self.scanner.refused(Fault::Broken)),
        }
    }

    /// That the log, of which this is the first segment that is read, can have the anchor.
    pub(super) fn can_be_anchored(&self, anchor: &Anchor) -> Result<(), ReadError> {
        let Header { log_id, segment, sequence, .. } = *self.header();
        if anchor.log_id() != log_id {
            return Err(self.refused(Fault::AnchorLog { seen: anchor.log_id() }));
        }
        if anchor.segment() < segment {
            let (anchor, through) = (anchor.sequence(), sequence);
            return Err(self.refused(Fault::AnchorPruned { anchor, through }));
        }
        Ok(())
    }

    /// The place of the segment after it.
    pub(super) fn next_span(&self) -> Span {
        Span { segment: self.header().segment.saturating_add(1), ..self.span }
    }

    /// That it has gone past the anchor's sequence without having met the anchor.
    pub(super) fn missed_anchor(&self) -> Result<(), ReadError> {
        match self.found.passed {
            Some(place) => Err(ReadError::Evidence { place, fault: Fault::AnchorTag }),
            None => Ok(()),
        }
    }

    /// That the log, of which this is the last segment, has the anchor.
    pub(super) fn must_be_anchored(&self) -> Result<(), ReadError> {
        match self.anchor.filter(|_| !self.found.anchored) {
            Some(anchor) => Err(self.refused(anchor.missing(self.chain().head()))),
            None => Ok(()),
        }
    }

    /// What is left of it when it was read to its end: not its file.
    pub(super) fn end(self) -> Ended {
        let header = *self.header();
        let (_, _, anchors, chain) = self.scanner.into_parts();
        Ended { header, anchors, chain, found: self.found }
    }

    pub(super) fn refused(&self, fault: Fault) -> ReadError {
        self.scanner.refused(fault)
    }

    pub(super) fn header(&self) -> &Header {
        self.scanner.header()
    }

    /// The last retention so far, here or before.
    pub(super) fn retained(&self) -> Option<&Retention> {
        self.chain().retained()
    }

    fn chain(&self) -> &Chain {
        self.scanner.chain()
    }

    /// Whether no segment comes after it.
    pub(crate) fn is_last(&self) -> bool {
        self.span.segment >= self.span.last
    }

    pub(super) fn view(&self, seen: &Seen) -> FrameView<'_> {
        FrameView {
            segment: self.header().segment,
            offset: seen.offset,
            bytes: u64::try_from(seen.head.bytes).unwrap_or(u64::MAX),
            sequence: seen.head.sequence,
            kind: seen.head.kind,
            effective: seen.head.effective,
            caller: seen.head.caller,
            synced_through: seen.head.synced_through,
            payload: self.scanner.payload(seen),
        }
    }
}

/// What segments read to their end have come to, each having gone on from the one before.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Joined {
    segments: u32,
    records: u64,
    frames: u64,
    bytes: u64,
    pruned: Option<Pruned>,
}

impl Joined {
    /// Adds the next segment.
    pub(super) fn add(&mut self, part: &Ended) {
        if self.segments == 0 {
            self.pruned = Pruned::of(&part.header);
        }
        self.segments = self.segments.saturating_add(1);
        self.records = self.records.saturating_add(part.found.records);
        self.frames = self.frames.saturating_add(part.found.frames);
        self.bytes = self.bytes.saturating_add(part.bytes());
    }

    /// What the log has shown whose last segment this is.
    pub(super) fn summary(mut self, last: &Ended, anchor: Option<Anchor>) -> Summary {
        self.add(last);
        let Ended { header, anchors, chain, found } = last;
        Summary {
            log_id: header.log_id,
            key_mode: header.mode,
            segments: self.segments,
            pruned: self.pruned,
            records: self.records,
            frames: self.frames,
            bytes: self.bytes,
            head: anchors.anchor(chain.head()),
            synced: anchors.anchor(found.synced),
            sealed: chain.phase() == Phase::Sealed,
            live: found.live,
            completeness: match anchor {
                Some(anchor) => Completeness::Proven { through: anchor.sequence() },
                None => Completeness::Unproven,
            },
        }
    }
}

impl Pruned {
    /// What the first segment that is read says about those before it.
    fn of(header: &Header) -> Option<Self> {
        let Header { segment, sequence, .. } = *header;
        (segment > 1).then_some(Self { first_segment: segment, through: sequence })
    }
}

impl Ended {
    /// Whether a segment that was read by itself goes on from this one; it has met the anchor then, if this has.
    pub(super) fn is_followed_by(&self, next: &mut Self) -> bool {
        next.found.anchored |= self.found.anchored;
        self.header.log_id == next.header.log_id
            && follows(&next.header, Some(&self.chain)).is_ok()
            && next.found.first_synced.is_none_or(|first| first >= self.chain.synced_through())
            && (self.found.anchored || next.found.passed.is_none())
    }

    /// Whether it can be the first that is read of a log, of one that has the anchor.
    pub(super) fn can_begin(&self, anchor: Option<Anchor>) -> bool {
        self.found.passed.is_none()
            && anchor.is_none_or(|anchor| {
                anchor.log_id() == self.header.log_id && anchor.segment() >= self.header.segment
            })
    }

    /// Whether it can be the last of a log that has the anchor.
    pub(super) fn can_end(&self, last: u32, anchor: Option<Anchor>) -> bool {
        self.header.segment == last && (self.found.anchored || anchor.is_none())
    }

    pub(super) fn records(&self) -> u64 {
        self.found.records
    }

    /// Bytes that were read of it.
    pub(super) fn bytes(&self) -> u64 {
        self.chain.offset()
    }
}
