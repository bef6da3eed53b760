//! Why a log is not read.

use core::{error::Error, fmt};

use super::{Blame, Place};
use crate::{
    crypto::KeyId,
    id::{LogId, Sequence},
    wal::{
        key::KeyMode,
        storage::{FileName, StorageError},
    },
};

/// What does not hold about a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The segment's header is not whole.
    HeaderBroken,
    /// The header states a format version that this library does not read.
    Version {
        /// The one stated.
        seen: u16,
    },
    /// The header states a key mode that this library does not read.
    KeyMode {
        /// The one stated.
        seen: u8,
    },
    /// The header states another key mode than the log has, or than the key given is for.
    OtherKeyMode {
        /// The one stated.
        seen: KeyMode,
        /// The one that it must be.
        wanted: KeyMode,
    },
    /// The log is unkeyed where a keyed one is expected: anybody can have put it there.
    Unkeyed,
    /// The header is of another log than the one expected.
    LogId {
        /// The log it names.
        seen: LogId,
    },
    /// The header is of another segment than its file's name says.
    SegmentNumber {
        /// The segment it names.
        seen: u32,
    },
    /// The header's tag is not the key's: altered, or written under another key with this id.
    HeaderTag,
    /// The header does not continue from the sequence at which the segment before it ended.
    HeaderSequence {
        /// The sequence it continues from.
        seen: Sequence,
    },
    /// The header does not continue from the log time at which the segment before it ended.
    HeaderTime,
    /// The header does not carry the tag and the digest of the segment before it.
    HeaderSeal,
    /// The header does not carry the last retention before it.
    HeaderRetention,
    /// The segment is missing, and no retention names a later one as the first that is kept.
    SegmentMissing,
    /// The segment has a successor and no seal.
    SealMissing,
    /// The seal does not say what the segment holds.
    SealContents,
    /// Bytes other than zero follow the seal.
    AfterSeal,
    /// No whole frame stands here although one was on disk: altered or damaged.
    Broken,
    /// The last segment ends in a frame that is not whole; opening the log for writing recovers.
    TornTail,
    /// The frame has an extension area, which this library does not read.
    Extension,
    /// The frame's kind is none that may stand here.
    Kind {
        /// Its kind.
        seen: u16,
    },
    /// The frame does not have the next sequence.
    FrameSequence {
        /// Its sequence.
        seen: Sequence,
    },
    /// The frame's effective time goes back, or a control frame's times are not the log time.
    FrameTime,
    /// The frame's `synced_through` goes back, or claims what is not yet written.
    SyncedThrough {
        /// What it claims.
        seen: Sequence,
    },
    /// The frame's tag is not the key's over it and the frame before it.
    FrameTag,
    /// The header is under another key than the segment before it, which does not name that one.
    KeyNotNamed {
        /// The key's id.
        seen: KeyId,
    },
    /// The change of key names no key.
    KeyChange,
    /// The retention does not name a later segment than the one before it, up to its own, or not that segment's header.
    Retention,
    /// The parts of the segment's checkpoint are out of order or of a wrong size.
    CheckpointPart,
    /// The segment ends before its checkpoint is complete.
    CheckpointIncomplete,
    /// The checkpoint's log time is not the header's.
    CheckpointTime,
    /// The checkpoint is the state after another record than the header names.
    CheckpointSequence {
        /// The record.
        seen: Sequence,
    },
    /// The anchor is of another log.
    AnchorLog {
        /// The log it names.
        seen: LogId,
    },
    /// The log ends before the anchor: something was cut off.
    AnchorAhead {
        /// The anchor's sequence.
        anchor: Sequence,
    },
    /// No frame of the anchor's sequence has the anchor's tag.
    AnchorTag,
    /// The anchor's segment was deleted: whether the log had it cannot be told.
    AnchorPruned {
        /// The anchor's sequence.
        anchor: Sequence,
        /// The last record before the first segment that is there.
        through: Sequence,
    },
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::HeaderBroken => write!(f, "the segment's header is not whole"),
            Self::Version { seen } => write!(f, "the header states format version {seen}; 1 is read"),
            Self::KeyMode { seen } => write!(f, "the header states key mode {seen}; 1 to 3 are read"),
            Self::OtherKeyMode { seen, wanted } => {
                write!(f, "the header states {seen} keys, and {wanted} ones are expected")
            }
            Self::Unkeyed => write!(f, "the log is unkeyed, and a keyed one is expected"),
            Self::LogId { seen } => write!(f, "the header is of another log, {seen}"),
            Self::SegmentNumber { seen } => write!(f, "the header is of another segment, {seen}"),
            Self::HeaderTag => {
                write!(f, "the header's tag does not verify: altered, or another key with this id")
            }
            Self::HeaderSequence { seen } => write!(f, "the header continues from sequence {seen}"),
            Self::HeaderTime => write!(f, "the header does not continue from the log time before it"),
            Self::HeaderSeal => write!(f, "the header does not carry the seal of the segment before it"),
            Self::HeaderRetention => write!(f, "the header does not carry the last retention before it"),
            Self::SegmentMissing => write!(f, "the segment is missing"),
            Self::SealMissing => write!(f, "the segment has a successor and no seal"),
            Self::SealContents => write!(f, "the seal does not say what the segment holds"),
            Self::AfterSeal => write!(f, "bytes follow the seal"),
            Self::Broken => write!(f, "no whole frame stands here, and one was on disk"),
            Self::TornTail => write!(f, "torn tail; opening recovers"),
            Self::Extension => write!(f, "the frame has an extension area, which version 1 does not read"),
            Self::Kind { seen } => write!(f, "a frame of kind {seen} may not stand here"),
            Self::FrameSequence { seen } => write!(f, "the frame has sequence {seen}"),
            Self::FrameTime => write!(f, "the frame's time does not continue from the log time"),
            Self::SyncedThrough { seen } => {
                write!(f, "the frame says that sequence {seen} is on disk, out of its range")
            }
            Self::FrameTag => write!(f, "the frame's tag does not verify"),
            Self::KeyNotNamed { seen } => {
                write!(f, "the header is under key {}, which the segment before it does not name", seen.0)
            }
            Self::KeyChange => write!(f, "the change of key names none"),
            Self::Retention => {
                write!(f, "the retention does not name a segment of this log that it may name")
            }
            Self::CheckpointPart => write!(f, "a part of the checkpoint is out of order or of a wrong size"),
            Self::CheckpointIncomplete => write!(f, "the segment's checkpoint is not complete"),
            Self::CheckpointTime => write!(f, "the checkpoint's log time is not the header's"),
            Self::CheckpointSequence { seen } => {
                write!(f, "the checkpoint is the state after record {seen}, and not after the header's")
            }
            Self::AnchorLog { seen } => write!(f, "the anchor is of another log, {seen}"),
            Self::AnchorAhead { anchor } => write!(f, "the log ends before its anchor, at sequence {anchor}"),
            Self::AnchorTag => write!(f, "no frame of the anchor's sequence has the anchor's tag"),
            Self::AnchorPruned { anchor, through } => {
                write!(f, "the log is pruned through sequence {through}, and its anchor at {anchor} with it")
            }
        }
    }
}

/// Why a log is not read further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReadError {
    /// There is no such directory.
    Missing,
    /// The directory has no segment.
    Empty,
    /// The directory has a file that belongs to no log.
    Foreign {
        /// Its name.
        name: FileName,
    },
    /// The segment was written under a key that was not given.
    UnknownKey {
        /// Where.
        place: Place,
        /// The key's id, as the segment states it.
        id: KeyId,
    },
    /// A retention deleted the segment while the log was read: what is left can be read from its beginning.
    Overtaken {
        /// The segment.
        segment: u32,
    },
    /// The evidence does not hold.
    Evidence {
        /// Where.
        place: Place,
        /// What.
        fault: Fault,
    },
    /// The storage could not.
    Storage(StorageError),
}

impl ReadError {
    /// Whose affair it is.
    #[must_use]
    pub fn blame(&self) -> Blame {
        match self {
            Self::Missing | Self::Overtaken { .. } | Self::Storage(_) => Blame::Storage,
            Self::Empty | Self::Foreign { .. } | Self::Evidence { .. } => Blame::Evidence,
            Self::UnknownKey { .. } => Blame::Caller,
        }
    }
}

impl From<StorageError> for ReadError {
    fn from(error: StorageError) -> Self {
        Self::Storage(error)
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => write!(f, "there is no log: the directory is missing"),
            Self::Empty => write!(f, "there is no log: the directory has no segment"),
            Self::Foreign { name } => write!(f, "{name} is no segment's name"),
            Self::UnknownKey { place, id } => write!(f, "{place}: no key with id {} was given", id.0),
            Self::Overtaken { segment } => {
                write!(
                    f,
                    "segment {segment} was deleted by a retention while the log was read; read it again"
                )
            }
            Self::Evidence { place, fault } => write!(f, "{place}: {fault}"),
            Self::Storage(_) => write!(f, "the log cannot be read"),
        }
    }
}

impl Error for ReadError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Storage(error) => Some(error),
            _ => None,
        }
    }
}
