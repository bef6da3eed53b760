//! Anchors: a head kept elsewhere, so that a log cannot be cut back without notice. FORMAT 11.

use alloc::vec::Vec;
use core::{error::Error, fmt};

use super::{
    error::{Blame, Fault},
    key::{KeyMode, Keys, LogKey, Secret},
    segment::FORMAT_VERSION,
};
use crate::{
    codec::{CodecError, Reader, Writer},
    crypto::{KeyId, MacKey, RootKey, Tag},
    id::{LogId, Sequence},
    limits::SEGMENTS_MAX,
    num::Timestamp,
};

/// A synced head of a log, under a tag of the log's key, of an evolving one at that segment: an anchor that exists
/// is authentic.
///
/// It says that the log has a frame with this sequence and this tag; a log that ends before it was cut.
#[derive(Clone, Copy, Debug)]
pub struct Anchor {
    head: Head,
    mode: KeyMode,
    key_id: KeyId,
    log_id: LogId,
    mac: Tag,
}

impl Anchor {
    /// Bytes of an anchor.
    pub const BYTES: usize = 120;

    /// What it means that a log with that head does not have it.
    pub(super) fn missing(&self, head: Head) -> Fault {
        if self.head.sequence > head.sequence || self.head.segment > head.segment {
            Fault::AnchorAhead { anchor: self.head.sequence }
        } else {
            Fault::AnchorTag
        }
    }

    /// Reads an anchor, trying the key whose id it names.
    ///
    /// # Errors
    /// The bytes are no anchor, its key is not among `keys`, or its tag is not that key's.
    pub fn decode(bytes: &[u8], keys: &[&RootKey]) -> Result<Self, AnchorError> {
        Self::read(bytes, &Keys::of(keys))
    }

    /// Reads an anchor of an unkeyed log, which anybody can have made.
    ///
    /// # Errors
    /// The bytes are no anchor, it is of a keyed log, or they were damaged.
    pub fn decode_unkeyed(bytes: &[u8]) -> Result<Self, AnchorError> {
        Self::read(bytes, &Keys::UNKEYED)
    }

    fn read(bytes: &[u8], keys: &Keys<'_>) -> Result<Self, AnchorError> {
        let mut reader = Reader::new(bytes);
        let malformed = AnchorError::Malformed;
        if reader.array().map_err(malformed)? != MAGIC {
            return Err(AnchorError::NotAnAnchor);
        }
        let (version, mode) = (reader.u16().map_err(malformed)?, reader.u8().map_err(malformed)?);
        if mode == KeyMode::Unkeyed.code() && keys.mode != Some(KeyMode::Unkeyed) {
            return Err(AnchorError::Unkeyed);
        }
        let known = KeyMode::of(mode).filter(|_| version == FORMAT_VERSION);
        let mode = known.ok_or(AnchorError::Version { seen: version, mode })?;
        let zero = reader.u8().map_err(malformed)?;
        let key_id = KeyId(reader.u32().map_err(malformed)?);
        let log_id = LogId(reader.array().map_err(malformed)?);
        let segment = reader.u32().map_err(malformed)?;
        let zeros = reader.u32().map_err(malformed)?;
        let sequence = Sequence(reader.u64().map_err(malformed)?);
        let tag = Tag(reader.array().map_err(malformed)?);
        let log_time = Timestamp(reader.i64().map_err(malformed)?);
        let mac = Tag(reader.array().map_err(malformed)?);
        if zero != 0 || zeros != 0 || !(1..=SEGMENTS_MAX).contains(&segment) {
            return Err(AnchorError::Malformed(reader.invalid("reserved bits or the segment")));
        }
        reader.finish().map_err(malformed)?;
        if let Some(seen) = keys.mode.filter(|wanted| *wanted != mode) {
            return Err(AnchorError::Mode { seen: mode, wanted: seen });
        }
        if keys.evolved.is_some_and(|key| key.id() == key_id && segment < key.segment()) {
            return Err(AnchorError::Past { segment });
        }
        let secret = keys.secret(mode, key_id, log_id, segment);
        let secret = secret.ok_or(AnchorError::UnknownKey { id: key_id })?;
        let head = Head { segment, sequence, tag, log_time };
        let made = AnchorKey::new(&secret, log_id).anchor(head);
        if made.mac.matches(&mac) { Ok(made) } else { Err(AnchorError::Tag) }
    }

    /// The bytes of an anchor file.
    #[must_use]
    pub fn encode(&self) -> [u8; Self::BYTES] {
        let mut bytes = body(self.head, self.mode, self.key_id, self.log_id);
        bytes.extend_from_slice(&self.mac.0);
        let mut out = [0; Self::BYTES];
        assert!(bytes.len() == out.len(), "an anchor has 120 bytes");
        out.copy_from_slice(&bytes);
        out
    }

    /// The log it is of.
    #[must_use]
    pub fn log_id(&self) -> LogId {
        self.log_id
    }

    /// The key it is under.
    #[must_use]
    pub fn key_id(&self) -> KeyId {
        self.key_id
    }

    /// The segment that has the frame.
    #[must_use]
    pub fn segment(&self) -> u32 {
        self.head.segment
    }

    /// The frame's sequence; 0 for a log without records.
    #[must_use]
    pub fn sequence(&self) -> Sequence {
        self.head.sequence
    }

    /// The frame's tag, as the log carries it.
    #[must_use]
    pub fn tag(&self) -> Tag {
        self.head.tag
    }

    /// The log's time at that frame.
    #[must_use]
    pub fn log_time(&self) -> Timestamp {
        self.head.log_time
    }
}

impl LogKey {
    /// Reads an anchor as the writer of its log can: with an evolving key, one of the current segment.
    ///
    /// # Errors
    /// The bytes are no anchor, it is of another key, of an earlier segment, or its tag does not hold.
    pub fn read_anchor(&self, bytes: &[u8]) -> Result<Anchor, AnchorError> {
        Anchor::read(bytes, &self.keys())
    }
}

/// What an anchor says about its log.
#[derive(Clone, Copy, Debug)]
pub(super) struct Head {
    pub(super) segment: u32,
    pub(super) sequence: Sequence,
    pub(super) tag: Tag,
    pub(super) log_time: Timestamp,
}

/// The key that makes a log's anchors.
pub(super) struct AnchorKey {
    key: MacKey,
    mode: KeyMode,
    key_id: KeyId,
    log_id: LogId,
}

impl AnchorKey {
    /// The key of the segment that the secret is of; a static one is of all.
    pub(super) fn new(secret: &Secret<'_>, log_id: LogId) -> Self {
        // FORMAT 5.2 and 5.3
        let key = secret.derive(log_id, &[b"assize/anchor/1", &secret.id().0.to_le_bytes()], &[]);
        Self { key, mode: secret.mode(), key_id: secret.id(), log_id }
    }

    pub(super) fn anchor(&self, head: Head) -> Anchor {
        let mac = self.key.tag(&[&body(head, self.mode, self.key_id, self.log_id)]);
        Anchor { head, mode: self.mode, key_id: self.key_id, log_id: self.log_id, mac }
    }
}

/// The bytes under the anchor's tag. FORMAT 11.1.
fn body(head: Head, mode: KeyMode, key_id: KeyId, log_id: LogId) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(Anchor::BYTES);
    let mut writer = Writer::new(&mut bytes);
    writer.raw(&MAGIC);
    writer.u16(FORMAT_VERSION);
    writer.u8(mode.code());
    writer.u8(0);
    writer.u32(key_id.0);
    writer.raw(&log_id.0);
    writer.u32(head.segment);
    writer.u32(0);
    writer.u64(head.sequence.0);
    writer.raw(&head.tag.0);
    writer.i64(head.log_time.0);
    bytes
}

const MAGIC: [u8; 8] = *b"ASZANCH1";

/// Why bytes are no anchor of a log under the keys given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AnchorError {
    /// They do not start as an anchor does.
    NotAnAnchor,
    /// They state a format version or key mode that this library does not read.
    Version {
        /// The version stated.
        seen: u16,
        /// The key mode stated.
        mode: u8,
    },
    /// They are too few, too many, have reserved bits set, or name no segment.
    Malformed(CodecError),
    /// It is of an unkeyed log, and a keyed one is expected.
    Unkeyed,
    /// It is of a log with another key mode than the key given.
    Mode {
        /// The anchor's.
        seen: KeyMode,
        /// The key's.
        wanted: KeyMode,
    },
    /// It is of an earlier segment, whose key an evolving host has no more; the root's holder can read it.
    Past {
        /// Its segment.
        segment: u32,
    },
    /// The key was not given.
    UnknownKey {
        /// Its id, as the anchor states it.
        id: KeyId,
    },
    /// The tag is not the key's.
    Tag,
}

impl AnchorError {
    /// Whose affair it is.
    #[must_use]
    pub fn blame(&self) -> Blame {
        match self {
            Self::NotAnAnchor
            | Self::Version { .. }
            | Self::Malformed(_)
            | Self::Unkeyed
            | Self::Mode { .. }
            | Self::Tag => Blame::Evidence,
            Self::UnknownKey { .. } | Self::Past { .. } => Blame::Caller,
        }
    }
}

impl fmt::Display for AnchorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAnAnchor => write!(f, "the bytes do not start as an anchor does"),
            Self::Version { seen, mode } => {
                write!(
                    f,
                    "the anchor states format version {seen} and key mode {mode}; 1, and 1 to 3, are read"
                )
            }
            Self::Malformed(_) => write!(f, "the anchor does not have its form"),
            Self::Unkeyed => write!(f, "the anchor is of an unkeyed log, and a keyed one is expected"),
            Self::Mode { seen, wanted } => {
                write!(f, "the anchor is of a log with {seen} keys, and the key given is {wanted}")
            }
            Self::Past { segment } => {
                write!(f, "the anchor is of segment {segment}, whose key is gone; the root key can check it")
            }
            Self::UnknownKey { id } => write!(f, "no key with the anchor's id {} was given", id.0),
            Self::Tag => write!(f, "the anchor's tag does not verify: altered, or another key with this id"),
        }
    }
}

impl Error for AnchorError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Malformed(error) => Some(error),
            _ => None,
        }
    }
}
