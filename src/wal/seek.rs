//! One record found by its sequence, without reading what comes before it. FORMAT 8.9.
//!
//! The log is its own index: each header says after which record its segment begins, and each whole frame says its
//! sequence. What is seen on the way only says where to look: a record is taken under its tag alone.

use alloc::vec::Vec;

use super::{
    error::{Fault, FindError, Place, ReadError},
    fold::RecordFrame,
    frame::{self, FrameHead, MAGIC},
    inventory::Inventory,
    reader::{self, ReadOptions, Tags},
    retention::{begin, first_to_read, header_bytes},
    scanner::{Begun, Expected, whole_frame},
    segment::{HEADER_BYTES, Header, segment_name},
    storage::{Access, Storage, StorageError},
    window::Window,
};
use crate::{
    crypto::{RootKey, Tag},
    id::{LogId, Sequence},
    num::Timestamp,
};

/// How a record is looked for.
#[derive(Clone, Copy, Debug, Default)]
pub struct FindOptions {
    /// The log that it must be of, if the caller knows.
    pub log_id: Option<LogId>,
    /// What its tag must be made with.
    pub tags: Tags,
}

/// A record that was found by its sequence.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct FoundRecord {
    /// The log that it is of.
    pub log_id: LogId,
    /// The segment it is in.
    pub segment: u32,
    /// Bytes from the segment's start to its frame.
    pub offset: u64,
    /// Its sequence.
    pub sequence: Sequence,
    /// FORMAT 9.1.
    pub kind: u16,
    /// The time at which it took effect.
    pub effective: Timestamp,
    /// What the caller said the time was.
    pub caller: Timestamp,
    /// The highest sequence known to be on disk when it was made.
    pub synced_through: Sequence,
    /// Its payload.
    pub payload: Vec<u8>,
}

impl FoundRecord {
    /// As a fold is given it.
    #[must_use]
    pub fn frame(&self) -> RecordFrame<'_> {
        let Self { sequence, effective, caller, kind, .. } = *self;
        RecordFrame { sequence, effective, caller, kind, payload: &self.payload }
    }
}

/// Finds one record by its sequence, without a lock, and with a number of reads that grows with the logarithm of the log.
/// The key of each header looked at of an evolving log is stepped forward from that of the first segment, which takes time
/// that grows with the segment's number. To say that a log begins after the record, the log's last segment may be read.
///
/// **It proves** that a holder of the key wrote this very frame, with these bytes, as this record of this segment of
/// this log. **It does not prove** anything about the records around it, nor that the record is still part of the log: one
/// that opening has cut from a torn tail is found as well where somebody who writes the log's files has put it back, or
/// where a caller who had its bytes, and those of the tag before it, has supplied them within another record of the same
/// segment, even in place of the record that has its sequence now; nor that the log goes on, or went on as it does. [`Reader`](super::Reader) proves all of that, and reads everything for it.
///
/// Where what was written between is altered, it is still found, or the answer says where it was looked for.
///
/// ```
/// use assize::{id::Sequence, wal::{FindOptions, find_record}};
/// # use assize::{controller::{Call, Controller, CreateOptions}, crypto::{KeyId, RootKey}, id::LogId, num::Timestamp};
/// # use assize::{policy::{CandidateDraft, Draft, Policy, SchemaDraft}, record::{Halt, Kind}, wal::storage::Memory};
/// # let mut draft = Draft::new("one", 1, SchemaDraft { name: "one".into(), ..SchemaDraft::default() });
/// # draft.candidates.push(CandidateDraft::new(1, "only"));
/// # let (storage, key) = (Memory::new(), RootKey::new(KeyId(1), &[7; 32])?);
/// # let options = CreateOptions::new(LogId([1; 16]), RootKey::new(KeyId(1), &[7; 32])?, Policy::freeze(draft)?, Timestamp(0));
/// # let controller = Controller::create(Box::new(storage.clone()), options)?;
/// let sequence = controller.halt(Halt::All, Call::at(Timestamp(0)))?;
/// let found = find_record(&storage, &[&key], FindOptions::default(), sequence)?;
/// assert_eq!((found.kind, found.payload), (Kind::Halt.code(), vec![2]));
/// assert!(find_record(&storage, &[&key], FindOptions::default(), Sequence(2)).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// There is no log, or no such record; a header on the way, or the record itself, does not hold; or the storage cannot.
pub fn find_record(
    storage: &dyn Storage,
    keys: &[&RootKey],
    options: FindOptions,
    sequence: Sequence,
) -> Result<FoundRecord, FindError> {
    begin(storage, |inventory| match find_among(inventory, storage, keys, options, sequence) {
        Err(FindError::Read(error)) => Err(error),
        found => Ok(found),
    })?
}

fn find_among(
    inventory: &Inventory,
    storage: &dyn Storage,
    keys: &[&RootKey],
    options: FindOptions,
    sequence: Sequence,
) -> Result<FoundRecord, FindError> {
    let begun = segment_of(inventory, storage, keys, options, sequence)?;
    Search::open(storage, begun, sequence)?.find(inventory.last())
}

/// The segment that has the record if the log has it: the last one that begins before it.
fn segment_of<'a>(
    inventory: &Inventory,
    storage: &dyn Storage,
    keys: &'a [&'a RootKey],
    options: FindOptions,
    sequence: Sequence,
) -> Result<Begun<'a>, FindError> {
    let begun = |segment| {
        let keys = options.tags.of(keys);
        let expected = Expected { segment, log_id: options.log_id, keys, before: None };
        match header_bytes(storage, segment) {
            Err(error) if error.is_missing() => Err(expected.refused(Fault::SegmentMissing)),
            Err(error) => Err(error.into()),
            Ok(bytes) => {
                let whole = Some(&*bytes).filter(|bytes| bytes.len() == HEADER_BYTES);
                Begun::of(whole, &expected)
            }
        }
    };
    let (mut low, mut high) = (inventory.whole_from(), inventory.last());
    let mut found = begun(low)?;
    if found.header.sequence >= sequence {
        must_begin(inventory, storage, keys, options)?;
        return Err(FindError::Before { segment: low, through: found.header.sequence });
    }
    while low < high {
        let middle = high.saturating_sub(high.saturating_sub(low).div_euclid(2));
        let next = begun(middle)?;
        if next.header.sequence < sequence {
            (low, found) = (middle, next);
        } else {
            high = middle.saturating_sub(1);
        }
    }
    Ok(found)
}

/// That what is missing of the log before it is whole is what a retention lets go, as for a reader. FORMAT 8.8.
fn must_begin(
    inventory: &Inventory,
    storage: &dyn Storage,
    keys: &[&RootKey],
    options: FindOptions,
) -> Result<(), ReadError> {
    let FindOptions { log_id, tags } = options;
    let read = ReadOptions { tail: reader::Tail::Live, log_id, tags, anchor: None };
    let first = first_to_read(storage, keys, &read, inventory)?;
    // A reader would read what stands before a gap, to say how much of it holds.
    match inventory.missing(None).filter(|_| first < inventory.whole_from()) {
        Some(place) => Err(ReadError::Evidence { place, fault: Fault::SegmentMissing }),
        None => Ok(()),
    }
}

/// A search in the one segment that may have the record.
struct Search<'a> {
    window: Window,
    begun: Begun<'a>,
    wanted: Sequence,
}

/// What the search has come to.
enum Looked {
    /// The record's frame, whose tag is the key's: where it starts, and its bytes up to the tag.
    Found(FrameHead, u64, Vec<u8>),
    /// The record's frame, whose tag is not.
    Unproven(u64),
    /// No whole frame stands here, or one behind the record.
    Ended(u64),
}

impl<'a> Search<'a> {
    fn open(storage: &dyn Storage, begun: Begun<'a>, wanted: Sequence) -> Result<Self, ReadError> {
        let segment = begun.header.segment;
        let file = match storage.open(&segment_name(segment), Access::Read) {
            Err(error) if error.is_missing() => {
                let place = Place { segment, sequence: wanted, offset: 0 };
                return Err(ReadError::Evidence { place, fault: Fault::SegmentMissing });
            }
            file => file?,
        };
        Ok(Self { window: Window::in_pieces(file, PROBE_BYTES)?, begun, wanted })
    }

    /// The record, in a log whose last segment that one is.
    fn find(mut self, last: u32) -> Result<FoundRecord, FindError> {
        let mut looked = self.look()?;
        if !matches!(looked, Looked::Found(..)) {
            // Bytes that a caller chose can look like a frame and lead astray; from frame to frame, nothing does.
            looked = self.walk()?;
        }
        if matches!(looked, Looked::Ended(_)) {
            // Of a log that is being written, what was half there may be whole by now.
            self.window.refresh()?;
            looked = self.walk()?;
        }
        match looked {
            Looked::Found(head, offset, body) => Ok(self.found(&head, offset, &body)),
            Looked::Unproven(offset) => {
                let fault = Fault::FrameTag;
                Err(ReadError::Evidence { place: self.place(offset), fault }.into())
            }
            Looked::Ended(offset) if self.window.tail(offset)?.bytes == 0 => {
                let segment = self.begun.header.segment;
                if segment == last {
                    return Err(FindError::After { segment });
                }
                // The next header says that the record was here: the end was cut off.
                let fault = Fault::SealMissing;
                Err(ReadError::Evidence { place: self.place(offset), fault }.into())
            }
            Looked::Ended(offset) => Err(FindError::Unreadable { place: self.place(offset) }),
        }
    }

    /// Looks for the first whole frame that is not before the record, by bisection.
    fn look(&mut self) -> Result<Looked, StorageError> {
        let size = self.window.size();
        let (mut from, mut to) = (START, size);
        let mut checked_bytes = 0_u64;
        while from < to {
            let middle = from.saturating_add(to.saturating_sub(from).div_euclid(2)) & !7;
            let Some(next) = self.next_whole(middle, to, &mut checked_bytes)? else {
                return Ok(Looked::Ended(START));
            };
            match next {
                // Of control frames, too: those that stand behind the record have its sequence.
                Some((head, start)) if head.sequence < self.wanted => {
                    from = start.saturating_add(u64::try_from(head.bytes).unwrap_or(u64::MAX));
                }
                _ => to = middle,
            }
        }
        match self.next_whole(from, size, &mut checked_bytes)?.flatten() {
            Some((head, start)) => self.prove(&head, start),
            None => Ok(Looked::Ended(from)),
        }
    }

    /// The first whole frame that starts between the two; the outer `None` where finding it took too much.
    fn next_whole(
        &mut self,
        from: u64,
        to: u64,
        checked_bytes: &mut u64,
    ) -> Result<Option<Option<(FrameHead, u64)>>, StorageError> {
        let most = self.window.size().saturating_mul(CHECKED_TIMES);
        let mut at = from;
        while at < to {
            if self.window.at(at, MAGIC.len())?.is_some_and(|bytes| *bytes == MAGIC) {
                let head = self.window.at(at, frame::HEAD_BYTES)?.and_then(FrameHead::parse);
                let bytes = head.and_then(|head| u64::try_from(head.bytes).ok()).unwrap_or(0);
                *checked_bytes = checked_bytes.saturating_add(bytes);
                if *checked_bytes > most {
                    return Ok(None);
                }
                if let Some((head, _)) = whole_frame(&mut self.window, at, &self.begun.key)? {
                    return Ok(Some(Some((head, at))));
                }
            }
            at = at.saturating_add(8);
        }
        Ok(Some(None))
    }

    /// Goes from frame to frame until the record, or until that cannot come any more.
    fn walk(&mut self) -> Result<Looked, StorageError> {
        let mut at = START;
        loop {
            let Some((head, _)) = whole_frame(&mut self.window, at, &self.begun.key)? else {
                return Ok(Looked::Ended(at));
            };
            if head.sequence >= self.wanted {
                return self.prove(&head, at);
            }
            at = at.saturating_add(u64::try_from(head.bytes).unwrap_or(u64::MAX));
        }
    }

    /// Whether the whole frame there is the record, under its tag.
    fn prove(&mut self, head: &FrameHead, at: u64) -> Result<Looked, StorageError> {
        if head.sequence != self.wanted || !frame::is_record_kind(head.kind) {
            return Ok(Looked::Ended(at));
        }
        let Some(previous) = self.tag_before(at)? else { return Ok(Looked::Unproven(at)) };
        // Looked at again: of a log that is being written, what counts is what is under the tag.
        let Some((head, frame)) = whole_frame(&mut self.window, at, &self.begun.key)? else {
            return Ok(Looked::Ended(at));
        };
        let holds = head.extension_bytes == 0
            && head.sequence == self.wanted
            && self.begun.key.frame_tag(&previous, frame.body).matches(&frame.tag);
        Ok(if holds { Looked::Found(head, at, frame.body.to_vec()) } else { Looked::Unproven(at) })
    }

    /// The tag of the frame that ends there, as it stands.
    fn tag_before(&mut self, end: u64) -> Result<Option<Tag>, StorageError> {
        let trailer = u64::try_from(frame::TRAILER_BYTES).unwrap_or(u64::MAX);
        let Some(at) = end.checked_sub(trailer).filter(|at| *at >= START) else { return Ok(None) };
        let tag = self.window.at(at, frame::TRAILER_BYTES)?;
        Ok(tag.and_then(|bytes| bytes.first_chunk()).copied().map(Tag))
    }

    fn found(&self, head: &FrameHead, offset: u64, body: &[u8]) -> FoundRecord {
        let Header { log_id, segment, .. } = self.begun.header;
        FoundRecord {
            log_id,
            segment,
            offset,
            sequence: head.sequence,
            kind: head.kind,
            effective: head.effective,
            caller: head.caller,
            synced_through: head.synced_through,
            payload: head.payload(body).to_vec(),
        }
    }

    fn place(&self, offset: u64) -> Place {
        Place { segment: self.begun.header.segment, sequence: self.wanted, offset }
    }
}

/// Where a segment's first frame starts. FORMAT 6.4.
const START: u64 = 256;
/// Bytes read at once at each place that is looked at.
const PROBE_BYTES: usize = 1 << 13;
/// How often the segment's bytes may be checked for frames before it is gone through from its beginning: a payload can
/// be full of what looks like the starts of large ones.
const CHECKED_TIMES: u64 = 4;
