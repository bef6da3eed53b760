//! Verified reading: every frame in order, from the first, without touching the log. FORMAT 8.2.

use super::{
    anchor::Anchor,
    error::{Fault, ReadError},
    frame,
    inventory::Inventory,
    key::{KeyMode, Keys},
    part::{Joined, Part, Span},
    retention::{begin, first_to_read},
    scanner::Seen,
    storage::Storage,
};
use crate::{
    crypto::RootKey,
    id::{LogId, Sequence},
    num::Timestamp,
};

/// Verifies a log frame by frame, in memory bounded by one frame. It takes no lock and writes nothing.
///
/// It reads the segments that there were when it was opened; of one that is being written, what stands there by the time
/// it comes to it.
pub struct Reader<'a> {
    storage: &'a dyn Storage,
    keys: &'a [&'a RootKey],
    options: ReadOptions,
    part: Part<'a>,
    /// Segments read to their end.
    before: Joined,
    outcome: Option<Result<(), ReadError>>,
}

impl<'a> Reader<'a> {
    /// Starts at the first segment, or at the first that is there of a log that was pruned; each is verified under the one
    /// of `keys` that its header names, or under none where an unkeyed log is asked for. Where a retention deletes that
    /// first segment meanwhile, it starts at a later one.
    ///
    /// # Errors
    /// There is no log, it is not the one demanded, segments are missing that no retention has named, retentions keep
    /// deleting what is there ([`ReadError::Overtaken`]), or the first header does not hold.
    pub fn open(
        storage: &'a dyn Storage,
        keys: &'a [&'a RootKey],
        options: ReadOptions,
    ) -> Result<Self, ReadError> {
        let part = begin(storage, |inventory| {
            let first = first_to_read(storage, keys, &options, inventory)?;
            let span = Span { first, segment: first, last: inventory.last() };
            Part::open(storage, keys, &options, span, None)
        })?;
        if let Some(anchor) = &options.anchor {
            part.can_be_anchored(anchor)?;
        }
        Ok(Self { storage, keys, options, part, before: Joined::default(), outcome: None })
    }

    /// The log's id.
    #[must_use]
    pub fn log_id(&self) -> LogId {
        self.part.header().log_id
    }

    /// The next frame, verified; `None` at the end. After an error, the same error again.
    ///
    /// # Errors
    /// The evidence does not hold from here on, or the storage cannot.
    pub fn next_frame(&mut self) -> Result<Option<FrameView<'_>>, ReadError> {
        if let Some(outcome) = self.outcome {
            return outcome.map(|()| None);
        }
        match self.advance() {
            Ok(Some(seen)) => Ok(Some(self.part.view(&seen))),
            Ok(None) => {
                self.outcome = Some(Ok(()));
                Ok(None)
            }
            Err(error) => {
                self.outcome = Some(Err(error));
                Err(error)
            }
        }
    }

    /// Reads what is left and says what the log proves.
    ///
    /// # Errors
    /// What `next_frame` answers, or the anchor does not hold.
    pub fn finish(mut self) -> Result<Summary, ReadError> {
        while self.next_frame()?.is_some() {}
        Ok(self.before.summary(&self.part.end(), self.options.anchor))
    }

    fn advance(&mut self) -> Result<Option<Seen>, ReadError> {
        loop {
            let seen = self.part.step()?;
            self.part.missed_anchor()?;
            if seen.is_some() {
                return Ok(seen);
            }
            if self.part.is_last() {
                self.part.must_be_anchored()?;
                return Ok(None);
            }
            let next = self.part.next_span();
            let opened = Part::open(self.storage, self.keys, &self.options, next, Some(&self.part));
            let mut part = opened.map_err(|error| self.unless_overtaken(next.segment, error))?;
            part.reuse(&mut self.part);
            self.before.add(&core::mem::replace(&mut self.part, part).end());
        }
    }

    /// What it means that a segment cannot be opened that was there when reading began.
    fn unless_overtaken(&self, segment: u32, error: ReadError) -> ReadError {
        let is_missing = matches!(error, ReadError::Evidence { fault: Fault::SegmentMissing, .. });
        let first = || {
            let inventory = Inventory::take(self.storage).ok()?;
            first_to_read(self.storage, self.keys, &self.options, &inventory).ok()
        };
        match first().filter(|first| is_missing && *first > segment) {
            Some(_) => ReadError::Overtaken { segment },
            None => error,
        }
    }
}

/// How a log is read.
#[derive(Clone, Copy, Debug, Default)]
pub struct ReadOptions {
    /// What the end of the last segment may be.
    pub tail: Tail,
    /// The log that it must be, if the caller knows.
    pub log_id: Option<LogId>,
    /// A head that it must have.
    pub anchor: Option<Anchor>,
    /// What its tags must be made with.
    pub tags: Tags,
}

/// What the tags of a log that is read must be made with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tags {
    /// The keys given. An unkeyed log is refused.
    #[default]
    Keyed,
    /// No key; keys that are given are not used. A keyed log is refused. What is read shows accidents alone.
    Unkeyed,
}

impl Tags {
    pub(super) fn of<'a>(self, keys: &'a [&'a RootKey]) -> Keys<'a> {
        match self {
            Self::Keyed => Keys::of(keys),
            Self::Unkeyed => Keys::UNKEYED,
        }
    }
}

/// What the end of the last segment may be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tail {
    /// The log is at rest: a torn tail is a failure.
    #[default]
    Strict,
    /// The log is being written: reading ends at the last whole frame.
    Live,
}

/// A verified frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameView<'a> {
    /// The segment it is in.
    pub segment: u32,
    /// Bytes from the segment's start to it.
    pub offset: u64,
    /// Bytes it has, envelope included.
    pub bytes: u64,
    /// A record's own sequence; for a control frame, that of the last record before it.
    pub sequence: Sequence,
    /// FORMAT 9.1.
    pub kind: u16,
    /// The time at which the record took effect.
    pub effective: Timestamp,
    /// What the caller said the time was.
    pub caller: Timestamp,
    /// The highest sequence known to be on disk when the frame was made.
    pub synced_through: Sequence,
    /// The payload.
    pub payload: &'a [u8],
}

impl FrameView<'_> {
    /// Whether it is a checkpoint's part, a seal or a change of key, and no record.
    #[must_use]
    pub fn is_control(&self) -> bool {
        frame::is_control_kind(self.kind)
    }
}

/// What a log that holds has shown.
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct Summary {
    /// The log's id.
    pub log_id: LogId,
    /// How its keys come from the root.
    pub key_mode: KeyMode,
    /// Segments read.
    pub segments: u32,
    /// What was deleted before them, if anything.
    pub pruned: Option<Pruned>,
    /// Records read.
    pub records: u64,
    /// Frames read, control frames included.
    pub frames: u64,
    /// Bytes read, up to the end of the last frame of each segment.
    pub bytes: u64,
    /// The head: the last record's sequence and the last frame's tag.
    pub head: Anchor,
    /// The highest record that the log itself says is on disk; what a power loss cannot take away. This is the
    /// anchor to keep of a log that is not sealed.
    pub synced: Anchor,
    /// Whether the last segment is sealed: the log was closed.
    pub sealed: bool,
    /// Whether bytes after the last whole frame were left unread, as a live log may have them.
    pub live: bool,
    /// What is known about records after the last one.
    pub completeness: Completeness,
}

/// The segments before the first that is there were deleted, as a retention in the log has named: what their records
/// came to is on the word of the first checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Pruned {
    /// The first segment that is there.
    pub first_segment: u32,
    /// The last record before it.
    pub through: Sequence,
}

/// Whether records may have been cut off the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Completeness {
    /// An anchor holds: nothing up to its sequence was cut off.
    Proven {
        /// The anchor's sequence.
        through: Sequence,
    },
    /// No anchor was given: a suffix cut at a record's boundary would not show.
    Unproven,
}
