//! Anchors: a head kept elsewhere, so that a log cannot be cut back without notice. FORMAT 11.

use alloc::vec::Vec;
use core::{error::Error, fmt};

use super::{
    error::{Blame, Fault},
    segment::{FORMAT_VERSION, KEY_MODE_STATIC},
};
use crate::{
    codec::{CodecError, Reader, Writer},
    crypto::{KeyId, MacKey, RootKey, Tag},
    id::{LogId, Sequence},
    num::Timestamp,
};

/// A synced head of a log, under a tag of the log's key: an anchor that exists is authentic.
///
/// It says that the log has a frame with this sequence and this tag; a log that ends before it was cut.
#[derive(Clone, Copy, Debug)]
pub struct Anchor {
    head: Head,
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
        let mut reader = Reader::new(bytes);
        let malformed = AnchorError::Malformed;
        if reader.array().map_err(malformed)? != MAGIC {
            return Err(AnchorError::NotAnAnchor);
        }
        let (version, mode) = (reader.u16().map_err(malformed)?, reader.u8().map_err(malformed)?);
        if version != FORMAT_VERSION || mode != KEY_MODE_STATIC {
            return Err(AnchorError::Version { seen: version, mode });
        }
        let zero = reader.u8().map_err(malformed)?;
        let key_id = KeyId(reader.u32().map_err(malformed)?);
        let log_id = LogId(reader.array().map_err(malformed)?);
        let segment = reader.u32().map_err(malformed)?;
        let zeros = reader.u32().map_err(malformed)?;
        let sequence = Sequence(reader.u64().map_err(malformed)?);
        let tag = Tag(reader.array().map_err(malformed)?);
        let log_time = Timestamp(reader.i64().map_err(malformed)?);
        let mac = Tag(reader.array().map_err(malformed)?);
        if zero != 0 || zeros != 0 {
            return Err(AnchorError::Malformed(reader.invalid("reserved bits")));
        }
        reader.finish().map_err(malformed)?;
        let key = keys.iter().find(|key| key.id() == key_id).ok_or(AnchorError::UnknownKey { id: key_id })?;
        let head = Head { segment, sequence, tag, log_time };
        let made = AnchorKey::new(key, log_id).anchor(head);
        if made.mac.matches(&mac) { Ok(made) } else { Err(AnchorError::Tag) }
    }

    /// The bytes of an anchor file.
    #[must_use]
    pub fn encode(&self) -> [u8; Self::BYTES] {
        let mut bytes = body(self.head, self.key_id, self.log_id);
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
    key_id: KeyId,
    log_id: LogId,
}

impl AnchorKey {
    pub(super) fn new(root: &RootKey, log_id: LogId) -> Self {
        // FORMAT 5.2
        let key = root.derive(log_id, &[b"assize/anchor/1", &root.id().0.to_le_bytes()], &[]);
        Self { key, key_id: root.id(), log_id }
    }

    pub(super) fn anchor(&self, head: Head) -> Anchor {
        let mac = self.key.tag(&[&body(head, self.key_id, self.log_id)]);
        Anchor { head, key_id: self.key_id, log_id: self.log_id, mac }
    }
}

/// The bytes under the anchor's tag. FORMAT 11.1.
fn body(head: Head, key_id: KeyId, log_id: LogId) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(Anchor::BYTES);
    let mut writer = Writer::new(&mut bytes);
    writer.raw(&MAGIC);
    writer.u16(FORMAT_VERSION);
    writer.u8(KEY_MODE_STATIC);
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
    /// They are too few, too many, or have reserved bits set.
    Malformed(CodecError),
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
            Self::NotAnAnchor | Self::Version { .. } | Self::Malformed(_) | Self::Tag => Blame::Evidence,
            Self::UnknownKey { .. } => Blame::Caller,
        }
    }
}

impl fmt::Display for AnchorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAnAnchor => write!(f, "the bytes do not start as an anchor does"),
            Self::Version { seen, mode } => {
                write!(f, "the anchor states format version {seen} and key mode {mode}; 1 and 1 are read")
            }
            Self::Malformed(_) => write!(f, "the anchor does not have its form"),
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
