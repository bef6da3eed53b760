//! Telling a torn tail from damage: whether a later frame says that the missing one was on disk. FORMAT 8.3.
//!
//! A frame's start may stand at any multiple of 8, also within a payload that a caller chose, and a frame may be
//! 64 MiB large: checking each on its own could take time in the square of the tail. So the checksum of the tail
//! is taken once, and that of each candidate is the difference of two of its prefixes: a checksum is linear, and
//! going past a byte multiplies it by x⁸ modulo its polynomial.

use alloc::collections::BinaryHeap;
use core::cmp::Reverse;

use super::{
    frame::{EMPTY_BYTES, FrameHead, HEAD_BYTES, MAGIC, TRAILER_BYTES},
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
    let powers = Powers::new();
    let (mut at, mut prefix) = (start, 0_u32);
    while let Some(word) = window.at(at, 8)?.and_then(|bytes| bytes.first_chunk::<8>().copied()) {
        let (half, carried) = halves(word);
        let checked = crc32c::crc32c_append(prefix, &half);
        let end = at.saturating_add(8);
        while let Some(candidate) = next_ending_at(&mut candidates, end) {
            let own = candidate.checksum(checked, key, &powers);
            if own == carried && candidate.is_padded(window)? && is_whole(window, candidate.start, key)? {
                return Ok(true);
            }
        }
        if half == MAGIC && at > start {
            let head = window.at(at, HEAD_BYTES)?.and_then(FrameHead::parse).filter(plausible);
            let bytes = head.and_then(|head| u64::try_from(head.bytes).ok());
            if let Some(end) = bytes.and_then(|bytes| at.checked_add(bytes)).filter(|end| *end <= size) {
                let padding = head.map_or(0, |head| head.padding_bytes());
                candidates.push(Reverse(Candidate { end, start: at, prefix, padding }));
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
    /// Bytes that must be zero before its tag: at most 7.
    padding: usize,
}

impl Candidate {
    /// The checksum that it has if `checked` is that of the tail up to its last 4 bytes.
    ///
    /// With m = x⁸ to the count of bytes in between: checked = m·prefix ^ own bytes, and the frame's checksum is
    /// m·seed ^ own bytes.
    fn checksum(&self, checked: u32, key: &SegmentKey, powers: &Powers) -> u32 {
        let between = self.end.saturating_sub(self.start).saturating_sub(4);
        multiply(powers.past(between), key.checksum_seed() ^ self.prefix) ^ checked
    }

    /// Whether its padding is zero. A checksum can be had for any bytes: what has it all the same is not read whole, which
    /// would take time in the square of the tail again.
    fn is_padded(&self, window: &mut Window) -> Result<bool, StorageError> {
        if self.padding == 0 {
            return Ok(true);
        }
        let behind = u64::try_from(self.padding.saturating_add(TRAILER_BYTES)).unwrap_or(u64::MAX);
        let padding = window.at(self.end.saturating_sub(behind), self.padding)?;
        Ok(padding.is_some_and(|padding| padding.iter().all(|byte| *byte == 0)))
    }
}

/// x⁸, x¹⁶, x³² and so on, modulo the polynomial of CRC-32C.
struct Powers([u32; 32]);

impl Powers {
    fn new() -> Self {
        let mut power = X8;
        Self([(); 32].map(|()| {
            let this = power;
            power = multiply(power, power);
            this
        }))
    }

    /// x⁸ to the `bytes`, below 2³².
    fn past(&self, bytes: u64) -> u32 {
        (0..).zip(&self.0).fold(ONE, |product, (bit, power)| {
            if bytes.checked_shr(bit).is_some_and(|rest| rest & 1 == 1) {
                multiply(product, *power)
            } else {
                product
            }
        })
    }
}

/// The product of two polynomials modulo that of CRC-32C; the highest bit is the coefficient of x⁰.
fn multiply(a: u32, b: u32) -> u32 {
    let (mut product, mut shifted) = (0, b);
    for bit in (0..32).rev() {
        if a.checked_shr(bit).is_some_and(|rest| rest & 1 == 1) {
            product ^= shifted;
        }
        shifted = (shifted >> 1) ^ (POLYNOMIAL & (shifted & 1).wrapping_neg());
    }
    product
}

/// RFC 3720, bits reversed.
const POLYNOMIAL: u32 = 0x82F6_3B78;
const ONE: u32 = 1 << 31;
const X8: u32 = 1 << 23;

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn going_past_bytes_is_what_appending_them_does() {
        let powers = Powers::new();
        let bytes: alloc::vec::Vec<u8> = (0..=255).cycle().take(5_000).collect();
        for (first, second) in [(0, 0), (1, 0), (0, 1), (3, 8), (44, 36), (1_000, 4_000), (4_999, 1)] {
            let (a, rest) = bytes.split_at(first);
            let b = &rest[..second];
            let both = crc32c::crc32c_append(crc32c::crc32c(a), b);
            let past = powers.past(b.len().try_into().unwrap());
            assert_eq!(multiply(past, crc32c::crc32c(a)) ^ crc32c::crc32c(b), both, "{first} {second}");
        }
    }

    #[test]
    #[cfg(feature = "serde")]
    fn the_checksums_of_rfc_3720_are_put_together_from_any_two_parts() {
        let published: serde_json::Value =
            serde_json::from_str(include_str!("../../tests/published/vectors.json")).unwrap();
        let vectors = published["crc32c"]["vectors"].as_array().unwrap();
        assert_eq!(vectors.len(), 5);
        let powers = Powers::new();
        for vector in vectors {
            let pairs = vector["message"].as_str().unwrap().as_bytes().chunks(2);
            let byte = |pair| u8::from_str_radix(core::str::from_utf8(pair).unwrap(), 16).unwrap();
            let bytes: alloc::vec::Vec<u8> = pairs.map(byte).collect();
            let expected = u32::from_str_radix(vector["checksum"].as_str().unwrap(), 16).unwrap();
            assert_eq!(crc32c::crc32c(&bytes), expected);
            for cut in 0..=bytes.len() {
                let (first, rest) = bytes.split_at(cut);
                let past = powers.past(rest.len().try_into().unwrap());
                assert_eq!(multiply(past, crc32c::crc32c(first)) ^ crc32c::crc32c(rest), expected, "{cut}");
            }
        }
    }
}
