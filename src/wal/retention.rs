//! Retention: what a log names before segments of it are deleted, and where a log that was pruned begins.
//! FORMAT 6.4, 8.8 and 9.21.

use alloc::{collections::BTreeSet, vec::Vec};
use core::num::NonZeroU32;

use super::{
    error::{Fault, ReadError},
    inventory::Inventory,
    part::{Part, Span},
    reader::ReadOptions,
    segment::{FileKind, HEADER_BYTES, Header, segment_name},
    storage::{Access, Storage, StorageError},
};
use crate::{
    codec::{CodecError, Reader, Writer},
    crypto::{Digest, RootKey},
    id::Sequence,
    limits::{READ_BEGINNINGS_MAX, SEGMENTS_MAX},
    num::Timestamp,
};

/// What of a log is to stay: whole segments, the last one always.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// So many of the last segments.
    Segments(NonZeroU32),
    /// Every record that took effect at that time or later, with what stands in its segment before it.
    Since(Timestamp),
}

/// The segment that a log keeps from, and the payload of the record that says so: the segments before it may be
/// deleted. FORMAT 9.21.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Retention {
    /// The first segment that is kept.
    pub first_segment: u32,
    /// The last record before it.
    pub through: Sequence,
    /// SHA-256 of its header's 256 bytes.
    pub header_sha256: Digest,
}

impl Retention {
    /// Appends the record's payload.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let mut writer = Writer::new(out);
        writer.u32(self.first_segment);
        writer.u64(self.through.0);
        writer.raw(&self.header_sha256.0);
    }

    /// Reads the record's payload.
    ///
    /// # Errors
    /// The bytes are none.
    pub fn decode(payload: &[u8]) -> Result<Self, CodecError> {
        let mut reader = Reader::new(payload);
        let retention = Self {
            first_segment: reader.u32()?,
            through: Sequence(reader.u64()?),
            header_sha256: Digest(reader.array()?),
        };
        if !(2..=SEGMENTS_MAX).contains(&retention.first_segment) {
            return Err(reader.invalid("the first segment kept"));
        }
        reader.finish()?;
        Ok(retention)
    }

    /// Whether the segment that it names has the header that it names, or is there no more.
    pub(super) fn is_of(&self, storage: &dyn Storage) -> Result<bool, StorageError> {
        match header_bytes(storage, self.first_segment) {
            Err(error) if error.is_missing() => Ok(true),
            Err(error) => Err(error),
            Ok(bytes) => Ok(Digest::of_file(&bytes) == self.header_sha256
                && Header::parse(&bytes).is_ok_and(|header| header.sequence == self.through)),
        }
    }
}

/// The bytes of a segment's header, as far as there are any.
pub(super) fn header_bytes(storage: &dyn Storage, segment: u32) -> Result<Vec<u8>, StorageError> {
    let mut bytes = alloc::vec![0; HEADER_BYTES];
    let read = storage.open(&segment_name(segment), Access::Read)?.read_at(&mut bytes, 0)?;
    bytes.truncate(read);
    Ok(bytes)
}

/// Begins with what there is, and anew while segments are missing with which it would have begun and what there is has
/// changed meanwhile: a retention may have let them go. FORMAT 8.8.
pub(super) fn begin<T>(
    storage: &dyn Storage,
    begin: impl Fn(&Inventory) -> Result<T, ReadError>,
) -> Result<T, ReadError> {
    let mut inventory = Inventory::take(storage)?;
    let mut overtaken = None;
    for _ in 0..READ_BEGINNINGS_MAX {
        match begin(&inventory) {
            Err(error @ ReadError::Evidence { place, fault: Fault::SegmentMissing }) => {
                let now = Inventory::take(storage)?;
                if now.segments == inventory.segments {
                    return Err(error);
                }
                overtaken = Some(ReadError::Overtaken { segment: place.segment });
                inventory = now;
            }
            begun => return begun,
        }
    }
    overtaken.map_or_else(|| begin(&inventory), Err)
}

/// The segment with which reading begins. FORMAT 8.8.
///
/// Where none is missing, that is the first, and nothing is read here; else the last segment says what may be missing.
pub(super) fn first_to_read(
    storage: &dyn Storage,
    keys: &[&RootKey],
    options: &ReadOptions,
    inventory: &Inventory,
) -> Result<u32, ReadError> {
    let from = inventory.whole_from();
    if from == 1 {
        return Ok(1);
    }
    let kept = last_retention(storage, keys, options, inventory.last(), from)?;
    match inventory.missing(kept.as_ref()) {
        None => Ok(from),
        // Read in order, so that it is told how much before the gap holds.
        Some(_) if kept.is_none() && inventory.first() == 1 => Ok(1),
        Some(place) => Err(ReadError::Evidence { place, fault: Fault::SegmentMissing }),
    }
}

/// What the log's last segment knows of retentions: its header, if that already names segment `wanted` or a later one,
/// else its records too.
fn last_retention(
    storage: &dyn Storage,
    keys: &[&RootKey],
    options: &ReadOptions,
    last: u32,
    wanted: u32,
) -> Result<Option<Retention>, ReadError> {
    let span = Span { first: last, segment: last, last };
    let mut part = Part::open(storage, keys, options, span, None)?;
    if part.retained().is_none_or(|kept| kept.first_segment < wanted) {
        while part.step()?.is_some() {}
    }
    Ok(part.retained().copied())
}

/// Deletes all segments before that one, oldest first, and gives how many there were. One that cannot be deleted holds up
/// no other: then, how many were deleted, and the first thing that the storage could not. FORMAT 8.8.
pub(super) fn remove_before(storage: &dyn Storage, first_kept: u32) -> Result<u32, (u32, StorageError)> {
    let names = storage.list().map_err(|error| (0, error))?;
    let segments: BTreeSet<u32> = names.iter().filter_map(|name| FileKind::segment(name)).collect();
    let (mut removed, mut failed) = (0_u32, None);
    for segment in segments.range(..first_kept) {
        match storage.remove(&segment_name(*segment)) {
            Ok(()) => removed = removed.saturating_add(1),
            Err(error) => failed = failed.or(Some(error)),
        }
    }
    if removed > 0 {
        // Also after a failure: what was deleted is not to come back.
        let synced = storage.sync_dir();
        failed = failed.or(synced.err());
    }
    failed.map_or(Ok(removed), |error| Err((removed, error)))
}
