//! Segments: their names, keys and headers. FORMAT 5.2, 5.3, 6 and 7.4.

use alloc::{format, string::String, vec::Vec};

use super::{
    error::Fault,
    key::{KeyMode, Secret},
    retention::Retention,
};
use crate::{
    codec::{CodecError, Reader, Writer},
    crypto::{Digest, Digester, KeyId, MacKey, Tag},
    id::{LogId, Sequence},
    limits::SEGMENTS_MAX,
    num::Timestamp,
};

/// FORMAT 6.4.
pub(super) const FORMAT_VERSION: u16 = 1;
/// FORMAT 6.4.
pub(super) const HEADER_BYTES: usize = 256;
const MAGIC: [u8; 8] = *b"ASSIZE\r\n";
const TAGGED_BYTES: usize = 216;
const CHECKED_BYTES: usize = 248;

/// What a file's name says about it. FORMAT 6.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FileKind {
    /// A segment.
    Segment(u32),
    /// A segment whose creation did not end.
    Unfinished(u32),
}

impl FileKind {
    pub(super) fn of(name: &str) -> Option<Self> {
        match name.strip_suffix(".tmp") {
            Some(name) => segment_number(name).map(Self::Unfinished),
            None => segment_number(name).map(Self::Segment),
        }
    }
}

impl FileKind {
    /// The number of the segment that has this name.
    pub(super) fn segment(name: &str) -> Option<u32> {
        match Self::of(name) {
            Some(Self::Segment(number)) => Some(number),
            Some(Self::Unfinished(_)) | None => None,
        }
    }
}

/// The file of a segment.
pub(super) fn segment_name(number: u32) -> String {
    format!("{number:08}.seg")
}

/// The file of a segment while it is created.
pub(super) fn unfinished_name(number: u32) -> String {
    format!("{number:08}.seg.tmp")
}

fn segment_number(name: &str) -> Option<u32> {
    let digits = name.strip_suffix(".seg").filter(|digits| digits.len() == 8)?;
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok().filter(|number| (1..=SEGMENTS_MAX).contains(number))
}

/// What tags and checks the bytes of one segment.
pub(super) struct SegmentKey {
    header: MacKey,
    frame: MacKey,
    checksum_seed: u32,
}

impl SegmentKey {
    pub(super) fn new(secret: &Secret<'_>, log_id: LogId, segment: u32) -> Self {
        let (key_id, number) = (secret.id().0.to_le_bytes(), segment.to_le_bytes());
        // FORMAT 5.2 and 5.3
        let derive = |domain: &[u8]| {
            let info: [&[u8]; 3] = [b"assize/segment/1", &key_id, &number];
            secret.derive(log_id, &info, &[prefix(domain, secret, log_id, segment)])
        };
        // FORMAT 7.4
        let checksum_seed = crc32c::crc32c_append(crc32c::crc32c(&log_id.0), &number);
        Self { header: derive(b"assize/header"), frame: derive(b"assize/frame"), checksum_seed }
    }

    /// FORMAT 7.3.
    pub(super) fn frame_tag(&self, previous: &Tag, body: &[u8]) -> Tag {
        self.frame.tag(&[&previous.0, body])
    }

    /// The same, while `digester` takes `beside`.
    pub(super) fn frame_tag_beside(
        &self,
        previous: &Tag,
        body: &[u8],
        digester: &mut Digester,
        beside: &[u8],
    ) -> Tag {
        self.frame.tag_beside(&previous.0, body, digester, beside)
    }

    /// FORMAT 7.4.
    pub(super) fn checksum(&self, parts: &[&[u8]]) -> u32 {
        parts.iter().fold(self.checksum_seed, |checksum, part| crc32c::crc32c_append(checksum, part))
    }

    /// The checksum of no bytes: what those of frames continue from.
    pub(super) fn checksum_seed(&self) -> u32 {
        self.checksum_seed
    }
}

/// FORMAT 6.6.
fn prefix(domain: &[u8], secret: &Secret<'_>, log_id: LogId, segment: u32) -> [u8; 64] {
    let mut bytes = Vec::with_capacity(64);
    bytes.extend_from_slice(domain);
    bytes.resize(16, 0);
    let mut writer = Writer::new(&mut bytes);
    writer.u16(FORMAT_VERSION);
    writer.u8(secret.mode().code());
    writer.u8(0);
    writer.u32(secret.id().0);
    writer.raw(&log_id.0);
    writer.u32(segment);
    bytes.resize(64, 0);
    let mut prefix = [0; 64];
    prefix.copy_from_slice(&bytes);
    prefix
}

/// What a segment's header says. FORMAT 6.4.
#[derive(Clone, Copy, Debug)]
pub(super) struct Header {
    pub(super) mode: KeyMode,
    pub(super) key_id: KeyId,
    pub(super) log_id: LogId,
    pub(super) segment: u32,
    /// The last record before the segment.
    pub(super) sequence: Sequence,
    pub(super) log_time: Timestamp,
    /// The tag of the previous segment's seal, and the digest up to its end.
    pub(super) previous: (Tag, Digest),
    /// The last one before the segment.
    pub(super) retained: Option<Retention>,
}

impl Header {
    /// The header's bytes and its tag.
    pub(super) fn encode(&self, key: &SegmentKey) -> (Vec<u8>, Tag) {
        let mut bytes = Vec::with_capacity(HEADER_BYTES);
        let mut writer = Writer::new(&mut bytes);
        writer.raw(&MAGIC);
        writer.u16(FORMAT_VERSION);
        writer.u8(self.mode.code());
        writer.u8(0);
        writer.u32(self.key_id.0);
        writer.raw(&self.log_id.0);
        writer.u32(self.segment);
        writer.u32(0);
        writer.u64(self.sequence.0);
        writer.i64(self.log_time.0);
        writer.raw(&self.previous.0.0);
        writer.raw(&self.previous.1.0);
        if let Some(Retention { first_segment, through, header_sha256 }) = &self.retained {
            writer.u32(*first_segment);
            writer.u32(0);
            writer.u64(through.0);
            writer.raw(&header_sha256.0);
        }
        bytes.resize(TAGGED_BYTES, 0);
        // FORMAT 6.5
        let tag = key.header.tag(&[&bytes]);
        bytes.extend_from_slice(&tag.0);
        assert!(bytes.len() == CHECKED_BYTES, "a header's checksum stands at offset 248");
        let checksum = key.checksum(&[&bytes]);
        bytes.extend_from_slice(&checksum.to_le_bytes());
        bytes.resize(HEADER_BYTES, 0);
        (bytes, tag)
    }

    /// Reads a header without its tag, which needs the key that the header names.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, Fault> {
        Self::read(&mut Reader::new(bytes), bytes).unwrap_or(Err(Fault::HeaderBroken))
    }

    fn read(reader: &mut Reader<'_>, bytes: &[u8]) -> Result<Result<Self, Fault>, CodecError> {
        if reader.array()? != MAGIC {
            return Ok(Err(Fault::HeaderBroken));
        }
        let (version, code, zero) = (reader.u16()?, reader.u8()?, reader.u8()?);
        if version != FORMAT_VERSION {
            return Ok(Err(Fault::Version { seen: version }));
        }
        let mode = KeyMode::of(code);
        let header = Self {
            // One that is not known is refused below.
            mode: mode.unwrap_or(KeyMode::Static),
            key_id: KeyId(reader.u32()?),
            log_id: LogId(reader.array()?),
            segment: reader.u32()?,
            sequence: {
                if reader.u32()? != 0 {
                    return Ok(Err(Fault::HeaderBroken));
                }
                Sequence(reader.u64()?)
            },
            log_time: Timestamp(reader.i64()?),
            previous: (Tag(reader.array()?), Digest(reader.array()?)),
            retained: None,
        };
        let Some(retained) = read_retained(reader, header.segment)? else {
            return Ok(Err(Fault::HeaderBroken));
        };
        let zeros = reader.raw(TAGGED_BYTES.saturating_sub(reader.offset()))?;
        reader.raw(CHECKED_BYTES.saturating_sub(TAGGED_BYTES))?;
        let (checksum, end) = (reader.u32()?, reader.u32()?);
        reader.clone().finish()?;
        let seed = crc32c::crc32c_append(crc32c::crc32c(&header.log_id.0), &header.segment.to_le_bytes());
        let checked = bytes.get(..CHECKED_BYTES).unwrap_or_default();
        let whole = zero == 0
            && end == 0
            && zeros.iter().all(|byte| *byte == 0)
            && crc32c::crc32c_append(seed, checked) == checksum;
        Ok(match (whole, mode) {
            (false, _) => Err(Fault::HeaderBroken),
            (true, Some(_)) => Ok(Self { retained, ..header }),
            (true, None) => Err(Fault::KeyMode { seen: code }),
        })
    }

    /// The tag that the header carries, if it is that of its key.
    pub(super) fn verify(bytes: &[u8], key: &SegmentKey) -> Result<Tag, Fault> {
        let (tagged, rest) = bytes.split_at_checked(TAGGED_BYTES).ok_or(Fault::HeaderBroken)?;
        let carried = Tag(*rest.first_chunk().ok_or(Fault::HeaderBroken)?);
        if key.header.tag(&[tagged]).matches(&carried) { Ok(carried) } else { Err(Fault::HeaderTag) }
    }
}

/// The last retention before a segment, which names an earlier one; the inner `None` where there was none, the outer
/// where the bytes say neither.
fn read_retained(reader: &mut Reader<'_>, segment: u32) -> Result<Option<Option<Retention>>, CodecError> {
    let (first_segment, zero) = (reader.u32()?, reader.u32()?);
    let (through, header_sha256) = (Sequence(reader.u64()?), Digest(reader.array()?));
    let retention = Retention { first_segment, through, header_sha256 };
    let none = Retention { first_segment: 0, through: Sequence(0), header_sha256: Digest([0; 32]) };
    Ok(match first_segment {
        _ if zero != 0 => None,
        0 => (retention == none).then_some(None),
        _ => (2..segment).contains(&first_segment).then_some(Some(retention)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_written() {
        for number in [1, 42, 99_999_999] {
            assert_eq!(FileKind::of(&segment_name(number)), Some(FileKind::Segment(number)));
            assert_eq!(FileKind::of(&unfinished_name(number)), Some(FileKind::Unfinished(number)));
        }
        for name in
            ["", ".seg", "0000001.seg", "00000000.seg", "+0000001.seg", "00000001.seg.tmp.tmp", "lock"]
        {
            assert_eq!(FileKind::of(name), None, "{name}");
        }
    }
}
