//! Opening for writing: the last segment is verified and replayed, and a torn tail cut. FORMAT 8.3 to 8.6.
//!
//! Everything is read, checked and folded before anything is written.

use alloc::{boxed::Box, sync::Arc, vec::Vec};
use core::ops::Range;

use super::{
    anchor::Anchor,
    chain::{self, Phase},
    error::{Fault, OpenError, Place, ReadError},
    fold::{Fold, RecordFrame},
    frame::{CHECKPOINT_PART, KEY_CHANGE},
    inventory::Inventory,
    key::Keys,
    log::Cut,
    scanner::{Expected, Scanner, Seen, Step},
    segment::{segment_name, unfinished_name},
    storage::{Access, Storage, StorageError, StorageFile},
    unsynced::Unsynced,
    window::Tail,
    writer::OpenSegment,
};
use crate::id::LogId;

/// What the log must be.
pub(super) struct Demands<'a> {
    pub(super) keys: Keys<'a>,
    pub(super) log_id: Option<LogId>,
    pub(super) anchor: Option<&'a Anchor>,
}

/// The last segment of a log that holds, folded.
pub(super) struct LastSegment {
    pub(super) scanner: Scanner,
    pub(super) records: u64,
    checkpoint_end: u64,
    /// The end of the last frame that is known to be on disk.
    on_disk: u64,
    /// Whether a frame says of a record of this segment that it is on disk: then so is the segment's name, and the key's
    /// state.
    is_established: bool,
    /// The file under the segment's name, where it is not the one that was read.
    anew: Option<Box<dyn StorageFile>>,
    torn: Option<Tail>,
}

impl LastSegment {
    /// Reads the segment and folds it; changes nothing.
    pub(super) fn read<F: Fold>(
        storage: &dyn Storage,
        inventory: &Inventory,
        demands: &Demands<'_>,
        fold: &mut F,
    ) -> Result<Self, OpenError<F::Error>> {
        let expected =
            Expected { segment: inventory.last(), log_id: demands.log_id, keys: demands.keys, before: None };
        let scanner = Scanner::open(storage, Access::ReadWrite, &expected)?;
        let mut last = Self {
            scanner,
            records: 0,
            checkpoint_end: 0,
            on_disk: 0,
            is_established: false,
            anew: None,
            torn: None,
        };
        let anchored = last.walk(demands.anchor, fold)?;
        if let Some(place) = inventory.missing(last.scanner.chain().retained()) {
            return Err(ReadError::Evidence { place, fault: Fault::SegmentMissing }.into());
        }
        if let Some(anchor) = demands.anchor {
            last.check_anchor(anchor, anchored)?;
        }
        Ok(last)
    }

    pub(super) fn is_sealed(&self) -> bool {
        self.scanner.chain().phase() == Phase::Sealed
    }

    /// Steps to the end; gives whether the anchor's frame was seen.
    fn walk<F: Fold>(&mut self, anchor: Option<&Anchor>, fold: &mut F) -> Result<bool, OpenError<F::Error>> {
        let mut checkpoint = Vec::new();
        let mut unsynced = Unsynced::new();
        let mut anchored = false;
        let before = self.scanner.header().sequence;
        loop {
            let place = self.scanner.chain().place();
            match self.scanner.step()? {
                Step::Frame(seen) => {
                    anchored |= anchor.is_some_and(|anchor| is_anchored(anchor, &seen));
                    if seen.head.kind == CHECKPOINT_PART {
                        self.take_part(&seen, &mut checkpoint, fold)?;
                        continue;
                    }
                    // Before it is counted itself: a seal has the sequence of the last record, and says nothing of
                    // its own bytes.
                    self.on_disk = unsynced.cover(seen.head.synced_through).unwrap_or(self.on_disk);
                    self.is_established |= seen.head.synced_through > before;
                    if seen.head.kind == KEY_CHANGE {
                        continue;
                    }
                    unsynced.push(seen.head.sequence, self.scanner.chain().offset());
                    if self.scanner.chain().phase() == Phase::Records {
                        self.records = self.records.saturating_add(1);
                        let record = record(&seen, self.scanner.payload(&seen));
                        fold.apply(record).map_err(|source| OpenError::Fold { place, source })?;
                    }
                }
                Step::End => return Ok(anchored),
                Step::Torn(_) if self.scanner.was_on_disk()? => {
                    return Err(self.scanner.refused(Fault::Broken).into());
                }
                Step::Torn(tail) => {
                    self.torn = Some(tail);
                    return Ok(anchored);
                }
            }
        }
    }

    /// Collects the checkpoint, and restores it when it is complete.
    fn take_part<F: Fold>(
        &mut self,
        seen: &Seen,
        checkpoint: &mut Vec<u8>,
        fold: &mut F,
    ) -> Result<(), OpenError<F::Error>> {
        let payload = self.scanner.payload(seen);
        checkpoint.extend_from_slice(chain::checkpoint_part(payload).map_or(&[], |(_, _, bytes)| bytes));
        self.checkpoint_end = self.scanner.chain().offset();
        self.on_disk = self.checkpoint_end;
        if self.scanner.chain().phase() != Phase::Records {
            return Ok(());
        }
        let (segment, sequence) = (self.scanner.header().segment, self.scanner.header().sequence);
        let place = Place { segment, sequence, offset: HEADER_END };
        fold.restore(checkpoint).map_err(|source| OpenError::Fold { place, source })?;
        *checkpoint = Vec::new();
        // Before anything is written: the record of a cut would be refused by the state, after the cut.
        let seen = fold.sequence();
        let fault = if seen != sequence {
            Fault::CheckpointSequence { seen }
        } else if fold.log_time() != self.scanner.chain().log_time() {
            Fault::CheckpointTime
        } else {
            return Ok(());
        };
        Err(ReadError::Evidence { place, fault }.into())
    }

    /// FORMAT 8.6.
    fn check_anchor(&self, anchor: &Anchor, anchored: bool) -> Result<(), ReadError> {
        let header = self.scanner.header();
        let head = self.scanner.chain().head();
        if anchor.log_id() != header.log_id {
            return Err(self.scanner.refused(Fault::AnchorLog { seen: anchor.log_id() }));
        }
        if anchor.segment() > head.segment || anchor.sequence() > head.sequence {
            return Err(self.scanner.refused(Fault::AnchorAhead { anchor: anchor.sequence() }));
        }
        let holds =
            if anchor.segment() == head.segment { anchored } else { anchor.sequence() <= header.sequence };
        if holds { Ok(()) } else { Err(self.scanner.refused(Fault::AnchorTag)) }
    }

    /// Whether it is known that the segment's name, and the state of the key that it is under, are on disk.
    pub(super) fn is_established(&self) -> bool {
        self.is_established
    }

    /// Removes what is unfinished, and makes the segment's name be on disk. Where that is not known, a sync of the directory
    /// alone does not do: one may have failed and be passed over. The segment gets its name anew. FORMAT 8.4.
    pub(super) fn establish(
        mut self,
        storage: &dyn Storage,
        inventory: &Inventory,
    ) -> Result<Self, StorageError> {
        for number in &inventory.unfinished {
            storage.remove(&unfinished_name(*number))?;
        }
        if !self.is_established {
            let segment = inventory.last();
            let unfinished = unfinished_name(segment);
            let file = storage.create(&unfinished)?;
            copy(self.scanner.file(), &*file, 0..self.scanner.size())?;
            file.sync_data()?;
            storage.rename(&unfinished, &segment_name(segment))?;
            self.anew = Some(file);
        }
        storage.sync_dir()?;
        Ok(self)
    }

    /// Makes the segment fit to be appended to, and everything in it on disk.
    pub(super) fn recover(self) -> Result<(OpenSegment, Option<Cut>), StorageError> {
        let Self { scanner, checkpoint_end, on_disk, anew, torn, .. } = self;
        let size = scanner.size();
        let (read, key, anchors, chain) = scanner.into_parts();
        let file = anew.unwrap_or(read);
        let cut = torn.map(|tail| Cut {
            segment: chain.head().segment,
            offset: chain.offset(),
            bytes: tail.bytes,
            digest: tail.digest,
        });
        if let Some(cut) = &cut {
            cut_away(&*file, cut.offset, size)?;
        }
        copy(&*file, &*file, on_disk..chain.offset())?;
        file.sync_data()?;
        Ok((OpenSegment { file, key, anchors: Arc::new(anchors), chain, checkpoint_end, size }, cut))
    }
}

fn is_anchored(anchor: &Anchor, seen: &Seen) -> bool {
    seen.head.sequence == anchor.sequence() && seen.tag.matches(&anchor.tag())
}

fn record<'a>(seen: &Seen, payload: &'a [u8]) -> RecordFrame<'a> {
    RecordFrame {
        sequence: seen.head.sequence,
        effective: seen.head.effective,
        caller: seen.head.caller,
        kind: seen.head.kind,
        payload,
    }
}

/// Takes the tail away but for one byte, which stays until the record of the cut is written over it: however often
/// opening crashes, what was cut is on record. Zeros at its end are written too: they may be those of an opening whose
/// sync failed, and the disk still have what they were to replace. FORMAT 8.3.
fn cut_away(file: &dyn StorageFile, offset: u64, size: u64) -> Result<(), StorageError> {
    for_each_piece(offset, size, |at, piece| {
        piece.fill(0);
        if at == offset {
            piece.iter_mut().take(1).for_each(|first| *first = 1);
        }
        file.write_at(piece, at)
    })
}

/// Writes what stands there to the same place of another file; or of the same one, once more: after a sync that failed, it
/// may look written and never reach the disk. FORMAT 8.4.
fn copy(from: &dyn StorageFile, to: &dyn StorageFile, range: Range<u64>) -> Result<(), StorageError> {
    for_each_piece(range.start, range.end, |at, piece| {
        let read = from.read_at(piece, at)?;
        to.write_at(piece.get(..read).unwrap_or_default(), at)
    })
}

fn for_each_piece(
    from: u64,
    to: u64,
    mut act: impl FnMut(u64, &mut [u8]) -> Result<(), StorageError>,
) -> Result<(), StorageError> {
    let most = usize::try_from(to.saturating_sub(from)).unwrap_or(usize::MAX).min(PIECE_BYTES);
    let mut piece = alloc::vec![0; most];
    let mut at = from;
    while at < to {
        let count = usize::try_from(to.saturating_sub(at)).unwrap_or(usize::MAX).min(most);
        act(at, piece.get_mut(..count).unwrap_or_default())?;
        at = at.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
    }
    Ok(())
}

const PIECE_BYTES: usize = 1 << 20;
/// Where a segment's checkpoint starts. FORMAT 6.4.
const HEADER_END: u64 = 256;
