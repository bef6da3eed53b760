//! The leader's side: completes, folds and writes batches, and begins new segments. FORMAT 6.3 and 7.

use alloc::{boxed::Box, sync::Arc, vec, vec::Vec};

use super::{
    anchor::{Anchor, AnchorKey, Head},
    chain::{Chain, Phase},
    error::{ChangeKeyError, Failure},
    fold::{Fold, RecordFrame},
    frame::{self, FrameHead},
    group::{Durability, Lead, Round},
    key::{Held, LogKey},
    segment::{Header, SegmentKey, segment_name, unfinished_name},
    storage::{Storage, StorageError, StorageFile, StorageLock},
};
use crate::{
    codec::Writer as Bytes,
    crypto::{Digest, Tag},
    id::{LogId, Sequence},
    limits::{CHECKPOINT_PART_BYTES_MAX, GROWN_AHEAD_BYTES, SEGMENTS_MAX},
};

mod keep;

/// What writes a log, held by whoever leads.
pub(super) struct Writer<F: Fold> {
    place: Location,
    /// The key of the next segment, where it is another one.
    next_key: Option<LogKey>,
    fold: F,
    fold_error: Option<F::Error>,
    segment: OpenSegment,
    /// The last frame known to be on disk.
    synced: Head,
    segment_bytes: u64,
    counts: Counts,
}

/// Where a log is, and what makes its keys.
pub(super) struct Location {
    pub(super) storage: Arc<dyn Storage>,
    pub(super) log_id: LogId,
    pub(super) key: Held,
    #[expect(dead_code, reason = "it is held for as long as the log is open, and let go when dropped")]
    pub(super) lock: Box<dyn StorageLock>,
}

/// The segment being written.
pub(super) struct OpenSegment {
    pub(super) file: Box<dyn StorageFile>,
    pub(super) key: SegmentKey,
    pub(super) anchors: Arc<AnchorKey>,
    pub(super) chain: Chain,
    /// Where its checkpoint ends.
    pub(super) checkpoint_end: u64,
    /// Bytes of the file: the frames, and zeros that were written ahead of them.
    pub(super) size: u64,
}

/// What has been written since the log was opened.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    pub(super) batches: u64,
    pub(super) syncs: u64,
    pub(super) bytes: u64,
}

/// What others may see of the writer between two rounds.
#[derive(Clone)]
pub(super) struct Report {
    /// The last frame known to be on disk.
    pub(super) synced: Head,
    /// The key of anchors in its segment.
    pub(super) anchors: Arc<AnchorKey>,
    /// The segment being written.
    pub(super) segment: u32,
    pub(super) counts: Counts,
}

impl<F: Fold> Writer<F> {
    /// Continues a segment, all of which is on disk.
    pub(super) fn new(place: Location, fold: F, segment: OpenSegment, segment_bytes: u64) -> Self {
        let synced = segment.chain.head();
        let counts = Counts::default();
        Self { place, next_key: None, fold, fold_error: None, segment, synced, segment_bytes, counts }
    }

    pub(super) fn fold(&self) -> &F {
        &self.fold
    }

    pub(super) fn fold_error(&self) -> Option<&F::Error> {
        self.fold_error.as_ref()
    }

    pub(super) fn report(&self) -> Report {
        let OpenSegment { anchors, chain, .. } = &self.segment;
        assert!(self.synced.segment == chain.head().segment, "a segment is on disk before it is written to");
        Report {
            synced: self.synced,
            anchors: Arc::clone(anchors),
            segment: self.synced.segment,
            counts: self.counts,
        }
    }

    /// Seals the segment, and gives the anchor of its seal.
    pub(super) fn close(&mut self) -> Result<Anchor, Failure> {
        let head = self.seal(None)?;
        Ok(self.segment.anchors.anchor(head))
    }

    /// Begins a segment under that key with the next record.
    pub(super) fn change_key(&mut self, mut key: LogKey) -> Result<(), ChangeKeyError> {
        if key.id() == self.place.key.id() {
            return Err(ChangeKeyError::Same { id: key.id() });
        }
        if let LogKey::Evolving(key) = &mut key {
            let last = self.segment.chain.head().segment;
            key.check_next(self.place.log_id, last).map_err(ChangeKeyError::KeyState)?;
        }
        self.next_key = Some(key);
        Ok(())
    }

    /// Seals the segment, if it is not, and syncs it; the last frame before the seal names the next key, if it is
    /// another one.
    fn seal(&mut self, next: Option<&LogKey>) -> Result<Head, Failure> {
        if self.segment.chain.phase() != Phase::Sealed {
            let mut bytes = Vec::new();
            let offset = self.segment.chain.offset();
            if let Some(next) = next {
                // FORMAT 7.8
                self.segment.push_control(&mut bytes, frame::KEY_CHANGE, self.synced.sequence, |out| {
                    let mut writer = Bytes::new(out);
                    writer.u32(next.id().0);
                    writer.u8(next.mode().code());
                });
            }
            let payload = self.segment.chain.seal_payload();
            self.segment.push_control(&mut bytes, frame::SEAL, self.synced.sequence, |out| {
                out.extend_from_slice(&payload);
            });
            self.write(&bytes, offset)?;
            // It takes away zeros alone: which of the seal and the length is on disk first does not matter.
            self.trim()?;
            self.sync()?;
        }
        Ok(self.synced)
    }

    /// Seals the segment and begins the next one with a checkpoint.
    fn rotate(&mut self) -> Result<(), Failure> {
        // A segment that was sealed before its key changed names no other: one more goes on under the old key.
        let sealed = self.segment.chain.phase() == Phase::Sealed;
        let next_key = if sealed { None } else { self.next_key.take() };
        self.seal(next_key.as_ref())?;
        let chain = &self.segment.chain;
        let number = chain.head().segment.saturating_add(1);
        if number > SEGMENTS_MAX {
            return Err(Failure::SegmentsExhausted);
        }
        let mut old = next_key.map(|next| self.place.key.change(next));
        if let (Some(key), Some(_)) = (self.place.key.evolving(), &old) {
            // Before the segment: a state that is ahead of the log is none of a log that is lost. FORMAT 5.7.
            key.keep(number).map_err(Failure::Storage)?;
        }
        let chain = &self.segment.chain;
        let header = Header {
            mode: self.place.key.mode(),
            key_id: self.place.key.id(),
            log_id: self.place.log_id,
            segment: number,
            sequence: chain.sequence(),
            log_time: chain.log_time(),
            previous: (*chain.previous(), chain.digest()),
            retained: chain.retained().copied(),
        };
        let mut checkpoint = Vec::new();
        if let Err(error) = self.fold.checkpoint(&mut checkpoint) {
            self.fold_error = Some(error);
            return Err(Failure::Fold { sequence: chain.sequence() });
        }
        let (segment, bytes) = begin_segment(&self.place, &header, &checkpoint).map_err(Failure::Storage)?;
        if let (Some(key), None) = (self.place.key.evolving(), &old) {
            // The segment has its name and its bytes: FORMAT 5.7. Should this fail, opening steps forward.
            key.keep(number).map_err(Failure::Storage)?;
        }
        if let Some(old) = old.as_mut().and_then(Held::evolving) {
            old.store().forget().map_err(Failure::Storage)?;
        }
        self.segment = segment;
        self.counts.bytes = self.counts.bytes.saturating_add(bytes);
        self.synced = self.segment.chain.head();
        Ok(())
    }

    /// Whether a frame of that size belongs into a new segment.
    ///
    /// A checkpoint does not count, and a segment has at least as many bytes of records, so that checkpoints
    /// are never most of what is written.
    fn is_full(&self, frame_bytes: usize) -> bool {
        let chain = &self.segment.chain;
        let records = chain.offset().saturating_sub(self.segment.checkpoint_end);
        let after = records.saturating_add(u64::try_from(frame_bytes).unwrap_or(u64::MAX));
        let limit = self.segment_bytes.max(self.segment.checkpoint_end);
        chain.phase() == Phase::Sealed || self.next_key.is_some() || (records > 0 && after > limit)
    }

    /// Completes the frame at the batch's front, and folds its record.
    fn take(&mut self, head: &FrameHead, frame: &mut [u8]) -> Result<(), Failure> {
        let OpenSegment { key, chain, .. } = &mut self.segment;
        assert!(head.sequence == chain.next_sequence(), "records are queued in order");
        chain.complete(frame, self.synced.sequence, key);
        let record = RecordFrame {
            sequence: head.sequence,
            effective: head.effective,
            caller: head.caller,
            kind: head.kind,
            payload: head.payload(frame),
        };
        if let Err(error) = self.fold.apply(record) {
            self.fold_error = Some(error);
            return Err(Failure::Fold { sequence: head.sequence });
        }
        assert!(self.fold.log_time() == head.effective, "the state's time is that of its last record");
        Ok(())
    }

    fn write(&mut self, bytes: &[u8], offset: u64) -> Result<(), Failure> {
        let count = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.grow(offset.saturating_add(count))?;
        self.segment.file.write_at(bytes, offset).map_err(Failure::Storage)?;
        self.counts.bytes = self.counts.bytes.saturating_add(count);
        Ok(())
    }

    /// Where frames that end there would make the file grow, has it grow by more, with zeros: the groups that come next
    /// change no size, which their syncs would have to put on disk too. FORMAT 6.2.
    fn grow(&mut self, end: u64) -> Result<(), Failure> {
        if end <= self.segment.size {
            return Ok(());
        }
        let size = end.next_multiple_of(self.segment_bytes.clamp(1, GROWN_AHEAD_BYTES));
        let zeros = usize::try_from(size.saturating_sub(end)).unwrap_or(0);
        if zeros > 0 {
            self.segment.file.write_at(&vec![0; zeros], end).map_err(Failure::Storage)?;
        }
        self.segment.size = size;
        Ok(())
    }

    /// Takes the zeros after the last frame away.
    fn trim(&mut self) -> Result<(), Failure> {
        let OpenSegment { file, chain, size, .. } = &mut self.segment;
        if *size > chain.offset() {
            file.set_len(chain.offset()).map_err(Failure::Storage)?;
            *size = chain.offset();
        }
        Ok(())
    }

    fn sync(&mut self) -> Result<(), Failure> {
        self.segment.file.sync_data().map_err(Failure::Storage)?;
        self.counts.syncs = self.counts.syncs.saturating_add(1);
        self.synced = self.segment.chain.head();
        Ok(())
    }
}

impl<F: Fold> Lead for Writer<F> {
    type Report = Report;

    fn lead(&mut self, batch: &mut [u8], to: Durability) -> Result<Round<Report>, Failure> {
        // What is completed and not yet written stands between the two.
        let (mut from, mut at) = (0_usize, 0_usize);
        let mut offset = self.segment.chain.offset();
        while at < batch.len() {
            let rest = batch.get_mut(at..).unwrap_or_default();
            let head = FrameHead::parse(rest);
            let frame = head.and_then(|head| Some((head, rest.get_mut(..head.bytes)?)));
            assert!(frame.is_some(), "whole frames are queued");
            let Some((head, frame)) = frame else { break };
            // The record of a cut stands where the cut was made.
            if head.kind != frame::RECOVERY && self.is_full(head.bytes) {
                self.write(batch.get(from..at).unwrap_or_default(), offset)?;
                self.rotate()?;
                (from, offset) = (at, self.segment.chain.offset());
                continue;
            }
            self.take(&head, frame)?;
            at = at.saturating_add(head.bytes);
        }
        if from < at {
            self.write(batch.get(from..at).unwrap_or_default(), offset)?;
            self.counts.batches = self.counts.batches.saturating_add(1);
        }
        if to == Durability::Synced {
            self.sync()?;
        }
        Ok(Round { synced: self.synced.sequence, report: self.report() })
    }
}

impl OpenSegment {
    /// Appends a complete control frame to `out`, and goes past it.
    fn push_control(
        &mut self,
        out: &mut Vec<u8>,
        kind: u16,
        synced: Sequence,
        payload: impl FnOnce(&mut Vec<u8>),
    ) {
        let start = out.len();
        let pushed = frame::push(out, self.chain.control(kind), payload);
        assert!(pushed.is_ok(), "a control frame is small");
        self.chain.complete(out.get_mut(start..).unwrap_or_default(), synced, &self.key);
    }
}

/// Creates the first segment of a log.
pub(super) fn first_segment<F: Fold>(
    place: &Location,
    fold: &F,
) -> Result<Result<OpenSegment, F::Error>, StorageError> {
    let mut checkpoint = Vec::new();
    if let Err(error) = fold.checkpoint(&mut checkpoint) {
        return Ok(Err(error));
    }
    let header = Header {
        mode: place.key.mode(),
        key_id: place.key.id(),
        log_id: place.log_id,
        segment: 1,
        sequence: Sequence(0),
        log_time: fold.log_time(),
        previous: (Tag([0; 32]), Digest([0; 32])),
        retained: None,
    };
    begin_segment(place, &header, &checkpoint).map(|(segment, _)| Ok(segment))
}

/// Writes header and checkpoint under the unfinished name, syncs, and gives the segment its name. FORMAT 6.3.
///
/// Gives the bytes written too.
fn begin_segment(
    place: &Location,
    header: &Header,
    checkpoint: &[u8],
) -> Result<(OpenSegment, u64), StorageError> {
    assert!(!checkpoint.is_empty(), "a checkpoint has at least one byte");
    let (unfinished, name) = (unfinished_name(header.segment), segment_name(header.segment));
    let file = place.storage.create(&unfinished)?;
    let secret = place.key.secret(header.segment);
    let key = SegmentKey::new(&secret, place.log_id, header.segment);
    let anchors = Arc::new(AnchorKey::new(&secret, place.log_id));
    let (mut bytes, tag) = header.encode(&key);
    // Everything before the segment is on disk: the seal before it was synced.
    let chain = Chain::new(header, &bytes, tag, header.sequence);
    let mut segment = OpenSegment { file, key, anchors, chain, checkpoint_end: 0, size: 0 };
    let parts = checkpoint.chunks(CHECKPOINT_PART_BYTES_MAX);
    let count = u32::try_from(parts.len()).unwrap_or(u32::MAX);
    for (part, content) in (0..count).zip(parts) {
        // FORMAT 10.1
        segment.push_control(&mut bytes, frame::CHECKPOINT_PART, header.sequence, |out| {
            let mut writer = Bytes::new(out);
            writer.u32(part);
            writer.u32(count);
            writer.raw(content);
        });
    }
    segment.checkpoint_end = segment.chain.offset();
    segment.size = segment.checkpoint_end;
    segment.file.write_at(&bytes, 0)?;
    segment.file.sync_data()?;
    place.storage.rename(&unfinished, &name)?;
    place.storage.sync_dir()?;
    Ok((segment, u64::try_from(bytes.len()).unwrap_or(u64::MAX)))
}
