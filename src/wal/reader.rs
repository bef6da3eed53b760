//! Verified reading: every frame in order, from the first, without touching the log. FORMAT 8.2.

use super::{
    anchor::{Anchor, Head},
    chain::Phase,
    error::{Fault, Place, ReadError},
    frame,
    inventory::Inventory,
    key::{KeyMode, Keys},
    scanner::{Expected, Scanner, Seen, Step},
    storage::{Access, Storage},
    unsynced::Unsynced,
};
use crate::{
    crypto::RootKey,
    id::{LogId, Sequence},
    num::Timestamp,
};

/// Verifies a log frame by frame, in memory bounded by one frame. It takes no lock and writes nothing.
///
/// It reads the segments that there were when it was opened, each as far as it then reaches.
pub struct Reader<'a> {
    storage: &'a dyn Storage,
    keys: &'a [&'a RootKey],
    options: ReadOptions,
    /// The last segment's number.
    last: u32,
    scanner: Scanner,
    /// Segments read to their end.
    before: Totals,
    records: u64,
    frames: u64,
    unsynced: Unsynced<Head>,
    /// The last frame that the log itself says is on disk.
    synced: Head,
    anchored: bool,
    live: bool,
    outcome: Option<Result<(), ReadError>>,
}

/// What earlier segments had.
#[derive(Clone, Copy, Debug, Default)]
struct Totals {
    segments: u32,
    bytes: u64,
}

impl<'a> Reader<'a> {
    /// Starts at the first segment; each is verified under the one of `keys` that its header names, or under none where
    /// an unkeyed log is asked for.
    ///
    /// # Errors
    /// There is no log, it is not the one demanded, or its first header does not hold.
    pub fn open(
        storage: &'a dyn Storage,
        keys: &'a [&'a RootKey],
        options: ReadOptions,
    ) -> Result<Self, ReadError> {
        let inventory = Inventory::take(storage)?;
        let expected =
            Expected { segment: 1, log_id: options.log_id, keys: options.tags.of(keys), before: None };
        let scanner = Scanner::open(storage, Access::Read, &expected)?;
        let log_id = scanner.header().log_id;
        if let Some(anchor) = options.anchor.filter(|anchor| anchor.log_id() != log_id) {
            return Err(scanner.refused(Fault::AnchorLog { seen: anchor.log_id() }));
        }
        let synced = scanner.chain().head();
        Ok(Self {
            storage,
            keys,
            options,
            last: inventory.last(),
            scanner,
            before: Totals::default(),
            records: 0,
            frames: 0,
            unsynced: Unsynced::new(),
            synced,
            anchored: false,
            live: false,
            outcome: None,
        })
    }

    /// The log's id.
    #[must_use]
    pub fn log_id(&self) -> LogId {
        self.scanner.header().log_id
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
            Ok(Some(seen)) => Ok(Some(self.view(&seen))),
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
        let chain = self.scanner.chain();
        let anchors = self.scanner.anchors();
        Ok(Summary {
            log_id: self.log_id(),
            key_mode: self.scanner.header().mode,
            segments: self.before.segments.saturating_add(1),
            records: self.records,
            frames: self.frames,
            bytes: self.before.bytes.saturating_add(chain.offset()),
            head: anchors.anchor(chain.head()),
            synced: anchors.anchor(self.synced),
            sealed: chain.phase() == Phase::Sealed,
            live: self.live,
            completeness: match self.options.anchor {
                Some(anchor) => Completeness::Proven { through: anchor.sequence() },
                None => Completeness::Unproven,
            },
        })
    }

    fn advance(&mut self) -> Result<Option<Seen>, ReadError> {
        loop {
            let place = self.scanner.chain().place();
            match self.scanner.step()? {
                Step::Frame(seen) => {
                    self.take(&seen, place)?;
                    return Ok(Some(seen));
                }
                Step::End if self.scanner.header().segment < self.last => self.next_segment()?,
                Step::Torn(_) if self.scanner.header().segment < self.last => {
                    return Err(self.scanner.refused(Fault::Broken));
                }
                Step::End => {
                    self.check_anchored_at_end()?;
                    return Ok(None);
                }
                Step::Torn(_) => {
                    let Some(seen) = self.end_torn()? else {
                        self.check_anchored_at_end()?;
                        return Ok(None);
                    };
                    self.take(&seen, place)?;
                    return Ok(Some(seen));
                }
            }
        }
    }

    /// Notes a frame that holds.
    fn take(&mut self, seen: &Seen, place: Place) -> Result<(), ReadError> {
        let head = self.scanner.chain().head();
        self.frames = self.frames.saturating_add(1);
        if seen.head.kind == frame::CHECKPOINT_PART {
            // On disk before its segment had its name. FORMAT 6.3.
            self.unsynced.clear();
            self.synced = head;
        } else if !frame::is_control_kind(seen.head.kind) {
            self.records = self.records.saturating_add(1);
            self.unsynced.push(head.sequence, head);
        }
        self.synced = self.unsynced.cover(seen.head.synced_through).unwrap_or(self.synced);
        let Some(anchor) = self.options.anchor else { return Ok(()) };
        self.anchored |= anchor.sequence() == seen.head.sequence && anchor.tag().matches(&seen.tag);
        if !self.anchored && seen.head.sequence > anchor.sequence() {
            return Err(ReadError::Evidence { place, fault: Fault::AnchorTag });
        }
        Ok(())
    }

    /// Goes on to the next segment, which there is.
    fn next_segment(&mut self) -> Result<(), ReadError> {
        let chain = self.scanner.chain();
        if chain.phase() != Phase::Sealed {
            return Err(self.scanner.refused(Fault::SealMissing));
        }
        let expected = Expected {
            segment: self.scanner.header().segment.saturating_add(1),
            log_id: Some(self.log_id()),
            keys: self.scanner.keys_after(self.options.tags.of(self.keys)),
            before: Some(chain),
        };
        let scanner = Scanner::open(self.storage, Access::Read, &expected)?;
        self.before.segments = self.before.segments.saturating_add(1);
        self.before.bytes = self.before.bytes.saturating_add(chain.offset());
        self.scanner = scanner;
        Ok(())
    }

    /// What a torn tail of the last segment means: a failure, or the end of a live log, or a frame that was
    /// written since. FORMAT 8.2.
    fn end_torn(&mut self) -> Result<Option<Seen>, ReadError> {
        let damaged = self.scanner.was_on_disk()?;
        if self.options.tail == Tail::Strict {
            let fault = if damaged { Fault::Broken } else { Fault::TornTail };
            return Err(self.scanner.refused(fault));
        }
        if !damaged {
            self.live = true;
            return Ok(None);
        }
        // The frame may have been written between the two looks, the later one with it.
        self.scanner.refresh()?;
        match self.scanner.step()? {
            Step::Frame(seen) => Ok(Some(seen)),
            Step::End | Step::Torn(_) => Err(self.scanner.refused(Fault::Broken)),
        }
    }

    fn check_anchored_at_end(&self) -> Result<(), ReadError> {
        let Some(anchor) = self.options.anchor.filter(|_| !self.anchored) else { return Ok(()) };
        let head = self.scanner.chain().head();
        let ahead = anchor.sequence() > head.sequence || anchor.segment() > head.segment;
        Err(self.scanner.refused(if ahead {
            Fault::AnchorAhead { anchor: anchor.sequence() }
        } else {
            Fault::AnchorTag
        }))
    }

    fn view(&self, seen: &Seen) -> FrameView<'_> {
        FrameView {
            segment: self.scanner.header().segment,
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
    fn of<'a>(self, keys: &'a [&'a RootKey]) -> Keys<'a> {
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
