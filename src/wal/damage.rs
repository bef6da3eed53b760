//! Telling a torn tail from damage: whether a later frame says that the missing one was on disk. FORMAT 8.3.
//!
//! A frame's start may stand at any multiple of 8, also within a payload that a caller chose, and a frame may be
//! 64 MiB large: checking each on its own could take time in the square of the tail. So the checksum of the tail
//! is taken once, and that of each candidate is the difference of two of its prefixes.

use alloc::collections::BinaryHeap;
use core::cmp::Reverse;

use super::{
    frame::{EMPTY_BYTES, FrameHead, HEAD_BYTES, MAGIC},
    scanner::whole_frame,
    segment::SegmentKey,
    storage::StorageError,
    window::Window,
};
use crate::id::Sequence;

/// Whether a whole frame after `start` says that the record `missing`, which should stand there, is on disk.
pub(super) fn later_frame_proves(
    window: &mut Window,
    start: u64,
    missing: Sequence,
    key: &SegmentKey,
) -> Result<bool, StorageError> {
    let size = window.size();
    let frames = size.saturating_sub(start).div_euclid(u64::try_from(EMPTY_BYTES).unwrap_or(u64::MAX));
    let last = Sequence(missing.0.saturating_add(frames));
    let plausible = |head: &FrameHead| {
        head.sequence >= missing && head.sequence <= last && head.synced_through >= missing
    };
    let mut candidates = BinaryHeap::new();
    let (mut at, mut prefix) = (start, 0_u32);
    while let Some(word) = window.at(at, 8)?.and_then(|bytes| bytes.first_chunk::<8>().copied()) {
        let (half, carried) = halves(word);
        let checked = crc32c::crc32c_append(prefix, &half);
        let end = at.saturating_add(8);
        while let Some(candidate) = next_ending_at(&mut candidates, end) {
            if candidate.checksum(checked, end, key) == carried && is_whole(window, candidate.start, key)? {
                return Ok(true);
            }
        }
        if half == MAGIC && at > start {
            let head = window.at(at, HEAD_BYTES)?.and_then(FrameHead::parse).filter(plausible);
            let bytes = head.and_then(|head| u64::try_from(head.bytes).ok());
            if let Some(end) = bytes.and_then(|bytes| at.checked_add(bytes)).filter(|end| *end <= size) {
                candidates.push(Reverse(Candidate { end, start: at, prefix }));
            }
        }
        prefix = crc32c::crc32c_append(prefix, &word);
        at = end;
    }
    Ok(false)
}

/// What may be a frame: where it ends and starts, and the checksum of the tail up to its start.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Candidate {
    end: u64,
    start: u64,
    prefix: u32,
}

impl Candidate {
    /// The checksum that it has if `checked` is that of the tail up to its last 4 bytes.
    ///
    /// With M the matrix of the bytes in between: tail(end) = M·tail(start) ^ own, and the frame's checksum is
    /// M·seed ^ own.
    fn checksum(&self, checked: u32, end: u64, key: &SegmentKey) -> u32 {
        let between = end.saturating_sub(self.start).saturating_sub(4);
        let between = usize::try_from(between).unwrap_or(usize::MAX);
        crc32c::crc32c_combine(key.checksum_seed() ^ self.prefix, checked, between)
    }
}

fn next_ending_at(candidates: &mut BinaryHeap<Reverse<Candidate>>, end: u64) -> Option<Candidate> {
    let ends = candidates.peek().is_some_and(|Reverse(candidate)| candidate.end == end);
    if ends { candidates.pop().map(|Reverse(candidate)| candidate) } else { None }
}

fn is_whole(window: &mut Window, offset: u64, key: &SegmentKey) -> Result<bool, StorageError> {
    Ok(whole_frame(window, offset, key)?.is_some())
}

/// The first four bytes, and the last four as a number.
fn halves(word: [u8; 8]) -> ([u8; 4], u32) {
    let [a, b, c, d, e, f, g, h] = word;
    ([a, b, c, d], u32::from_le_bytes([e, f, g, h]))
}
