//! What anybody who read FORMAT knows about a segment's bytes, key or no key; and, for checks of the checks, what the
//! holder of the key can compute.

use assize::{
    crypto::{RootKey, Tag},
    id::LogId,
};

pub const HEADER_BYTES: usize = 256;
/// Where a header's tag and checksum stand. FORMAT 6.4.
pub const HEADER_TAG: usize = 216;
pub const HEADER_CHECKSUM: usize = 248;
/// Bytes of tag and checksum at a frame's end. FORMAT 7.1.
pub const TRAILER_BYTES: usize = 36;
pub const CHECKSUM_BYTES: usize = 4;
pub const CHECKPOINT_PART: u16 = 64;
pub const SEAL: u16 = 65;

/// Where fields of a frame stand. FORMAT 7.1.
pub const LENGTH: usize = 4;
pub const SEQUENCE: usize = 8;
pub const SYNCED_THROUGH: usize = 32;
pub const KIND: usize = 40;
pub const EXTENSION: usize = 42;
pub const PAYLOAD: usize = 44;

/// A frame's place in its segment, and what its envelope says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame {
    pub offset: usize,
    pub bytes: usize,
    pub payload_bytes: usize,
    pub sequence: u64,
    pub synced_through: u64,
    pub kind: u16,
}

impl Frame {
    pub fn end(&self) -> usize {
        self.offset + self.bytes
    }

    pub fn of<'a>(&self, segment: &'a [u8]) -> &'a [u8] {
        &segment[self.offset..self.end()]
    }
}

/// The frames of a segment whose bytes are as they were written. FORMAT 7.1.
pub fn frames(segment: &[u8]) -> Vec<Frame> {
    let mut frames = Vec::new();
    let mut offset = HEADER_BYTES;
    while segment.get(offset..offset + 4) == Some(b"ASZ1") {
        assert_eq!(u16_at(segment, offset + EXTENSION), 0);
        let payload_bytes = u32_at(segment, offset + LENGTH) as usize;
        let bytes = PAYLOAD + payload_bytes.next_multiple_of(8) + TRAILER_BYTES;
        frames.push(Frame {
            offset,
            bytes,
            payload_bytes,
            sequence: u64_at(segment, offset + SEQUENCE),
            synced_through: u64_at(segment, offset + SYNCED_THROUGH),
            kind: u16_at(segment, offset + KIND),
        });
        offset += bytes;
    }
    assert!(segment[offset..].iter().all(|byte| *byte == 0), "zeros follow the last frame");
    frames
}

pub fn u16_at(bytes: &[u8], offset: usize) -> u16 {
    u16::from_le_bytes(bytes[offset..offset + 2].try_into().unwrap())
}

pub fn u32_at(bytes: &[u8], offset: usize) -> u32 {
    u32::from_le_bytes(bytes[offset..offset + 4].try_into().unwrap())
}

pub fn u64_at(bytes: &[u8], offset: usize) -> u64 {
    u64::from_le_bytes(bytes[offset..offset + 8].try_into().unwrap())
}

/// Gives an altered frame the checksum that its bytes have. FORMAT 7.4.
pub fn repair_frame(frame: &mut [u8], log_id: LogId, segment: u32) {
    let place = frame.len() - CHECKSUM_BYTES;
    let checksum = checksum(&[&log_id.0, &segment.to_le_bytes(), &frame[..place]]);
    frame[place..].copy_from_slice(&checksum.to_le_bytes());
}

/// Gives an altered header the checksum that its bytes have, under the log and the segment that it states.
pub fn repair_header(header: &mut [u8]) {
    let checksum = checksum(&[&header[16..32], &header[32..36], &header[..HEADER_CHECKSUM]]);
    header[HEADER_CHECKSUM..HEADER_CHECKSUM + 4].copy_from_slice(&checksum.to_le_bytes());
}

/// The tag that a frame has under the key, which no attacker can compute. FORMAT 5.2, 6.6, 7.3.
pub fn frame_tag(key: &RootKey, log_id: LogId, segment: u32, previous: [u8; 32], frame: &[u8]) -> [u8; 32] {
    let body = &frame[..frame.len() - TRAILER_BYTES];
    mac(key, log_id, segment, b"assize/frame", &[&previous, body])
}

/// The same of a header. FORMAT 6.5.
pub fn header_tag(key: &RootKey, log_id: LogId, segment: u32, header: &[u8]) -> [u8; 32] {
    mac(key, log_id, segment, b"assize/header", &[&header[..HEADER_TAG]])
}

fn mac(key: &RootKey, log_id: LogId, segment: u32, domain: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut prefix = domain.to_vec();
    prefix.resize(16, 0);
    prefix.extend_from_slice(&[1, 0, 1, 0]);
    prefix.extend_from_slice(&key.id().0.to_le_bytes());
    prefix.extend_from_slice(&log_id.0);
    prefix.extend_from_slice(&segment.to_le_bytes());
    prefix.resize(64, 0);
    let info: [&[u8]; 3] = [b"assize/segment/1", &key.id().0.to_le_bytes(), &segment.to_le_bytes()];
    let Tag(tag) = key.derive(log_id, &info, &[prefix.try_into().unwrap()]).tag(parts);
    tag
}

/// CRC-32C (RFC 3720) of the parts, one after the other.
fn checksum(parts: &[&[u8]]) -> u32 {
    let bytes = parts.iter().flat_map(|part| part.iter());
    !bytes.fold(!0, |crc, byte| (crc >> 8) ^ CRC_TABLE[usize::from(crc as u8 ^ byte)])
}

const CRC_TABLE: [u32; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let (mut crc, mut bit) = (byte as u32, 0);
        while bit < 8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0x82F6_3B78 } else { crc >> 1 };
            bit += 1;
        }
        table[byte] = crc;
        byte += 1;
    }
    table
};
