//! The key of an evolving log, and the state that its host keeps of it. FORMAT 5.3, 5.6 and 5.7.

use alloc::{boxed::Box, vec::Vec};
use core::{error::Error, fmt};

use zeroize::Zeroizing;

use super::{
    error::Blame,
    key::KeyMode,
    segment::FORMAT_VERSION,
    storage::{KeyStore, StorageError},
};
use crate::{
    codec::{CodecError, Reader, Writer},
    crypto::{Digest, EvolvedKey, KeyId, RootKey},
    id::LogId,
    limits::SEGMENTS_MAX,
};

/// The current segment's key of an evolving log, kept in a store that changes with every segment.
///
/// The host has nothing else: the root key is needed once, to begin, and then by auditors alone. A store belongs to
/// one log. It is neither shown nor copied, and wiped when dropped.
pub struct EvolvingKey {
    current: EvolvedKey,
    store: Box<dyn KeyStore>,
}

impl EvolvingKey {
    /// Makes the key of a log that is about to be created, keeps it in `store`, and wipes the root.
    ///
    /// A store that has the same state already is taken: a creation may have ended there.
    ///
    /// # Errors
    /// The store has another state, or it cannot.
    pub fn begin(root: RootKey, log_id: LogId, store: Box<dyn KeyStore>) -> Result<Self, StateError> {
        let current = EvolvedKey::first(&root, log_id);
        drop(root);
        let state = encode(&current);
        match store.load()? {
            None => store.replace(&state)?,
            Some(there) if *there == *state => {}
            Some(there) => {
                let kept = decode(&there)?;
                return Err(StateError::Exists { log_id: kept.log_id(), segment: kept.segment() });
            }
        }
        Ok(Self { current, store })
    }

    /// The key that the store has.
    ///
    /// # Errors
    /// The store has nothing, or no state of a key, or it cannot.
    pub fn load(store: Box<dyn KeyStore>) -> Result<Self, StateError> {
        let current = load(&*store)?;
        Ok(Self { current, store })
    }

    /// The root key's id.
    #[must_use]
    pub fn id(&self) -> KeyId {
        self.current.id()
    }

    /// The log that it is of.
    #[must_use]
    pub fn log_id(&self) -> LogId {
        self.current.log_id()
    }

    /// The segment whose key it is.
    #[must_use]
    pub fn segment(&self) -> u32 {
        self.current.segment()
    }

    /// Wipes the key and has the store forget its state: no more can be written under it.
    ///
    /// # Errors
    /// The store cannot.
    pub fn forget(self) -> Result<(), StateError> {
        Ok(self.store.forget()?)
    }

    pub(super) fn store(&self) -> &dyn KeyStore {
        &*self.store
    }

    pub(super) fn current(&self) -> &EvolvedKey {
        &self.current
    }

    /// Looks again, under the log's lock: another writer may have stepped forward since.
    pub(super) fn reload(&mut self) -> Result<(), StateError> {
        self.current = load(&*self.store)?;
        Ok(())
    }

    /// Whether a log of that id can be created with it.
    pub(super) fn check_new(&self, log_id: LogId) -> Result<(), StateError> {
        match (self.log_id(), self.segment()) {
            (seen, _) if seen != log_id => Err(StateError::Log { seen }),
            (_, 1) => Ok(()),
            (_, segment) => Err(StateError::Used { segment }),
        }
    }

    /// Whether the log of that id can go on with it after segment `last`.
    pub(super) fn check_next(&self, log_id: LogId, last: u32) -> Result<(), StateError> {
        match (self.log_id(), self.segment()) {
            (seen, _) if seen != log_id => Err(StateError::Log { seen }),
            (_, segment) if segment > last.saturating_add(1) => Err(StateError::Ahead { segment, last }),
            _ => Ok(()),
        }
    }

    /// The key of that segment, which is not an earlier one.
    pub(super) fn ahead(&self, segment: u32) -> EvolvedKey {
        let steps = segment.saturating_sub(self.segment());
        assert!(self.segment().saturating_add(steps) == segment, "keys step forward alone");
        self.current.stepped(steps)
    }

    /// Keeps the key of that segment, which is not an earlier one, and wipes the one before it; also where it is kept
    /// already, since what was kept may not be on disk.
    pub(super) fn keep(&mut self, segment: u32) -> Result<(), StorageError> {
        let next = self.ahead(segment);
        self.store.replace(&encode(&next))?;
        self.current = next;
        Ok(())
    }
}

fn load(store: &dyn KeyStore) -> Result<EvolvedKey, StateError> {
    decode(&store.load()?.ok_or(StateError::Missing)?)
}

fn encode(key: &EvolvedKey) -> Zeroizing<Vec<u8>> {
    // Reserved in full at once: growing would leave a copy of the secret behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(STATE_BYTES));
    let mut writer = Writer::new(&mut bytes);
    writer.raw(&MAGIC);
    writer.u16(FORMAT_VERSION);
    writer.u8(KeyMode::Evolving.code());
    writer.u8(0);
    writer.u32(key.id().0);
    writer.raw(&key.log_id().0);
    writer.u32(key.segment());
    writer.u32(0);
    writer.raw(key.secret());
    let digest = Digest::of(TAG, &bytes);
    bytes.extend_from_slice(&digest.0);
    assert!(bytes.len() == STATE_BYTES, "a state has 104 bytes");
    bytes
}

fn decode(bytes: &[u8]) -> Result<EvolvedKey, StateError> {
    let mut reader = Reader::new(bytes);
    let malformed = StateError::Malformed;
    if reader.array().map_err(malformed)? != MAGIC {
        return Err(StateError::NotAState);
    }
    let (version, mode) = (reader.u16().map_err(malformed)?, reader.u8().map_err(malformed)?);
    if version != FORMAT_VERSION || mode != KeyMode::Evolving.code() {
        return Err(StateError::Version { seen: version, mode });
    }
    let zero = reader.u8().map_err(malformed)?;
    let id = KeyId(reader.u32().map_err(malformed)?);
    let log_id = LogId(reader.array().map_err(malformed)?);
    let segment = reader.u32().map_err(malformed)?;
    let zeros = reader.u32().map_err(malformed)?;
    let secret = Zeroizing::new(reader.array::<{ EvolvedKey::SECRET_BYTES }>().map_err(malformed)?);
    let checked = bytes.get(..reader.offset()).unwrap_or_default();
    let digest = Digest(reader.array().map_err(malformed)?);
    if zero != 0 || zeros != 0 || !(1..=SEGMENTS_MAX).contains(&segment) {
        return Err(StateError::Malformed(reader.invalid("reserved bits or the segment")));
    }
    reader.finish().map_err(malformed)?;
    if Digest::of(TAG, checked) != digest {
        return Err(StateError::Torn);
    }
    Ok(EvolvedKey::kept(id, log_id, segment, &secret))
}

const STATE_BYTES: usize = 104;
const MAGIC: [u8; 8] = *b"ASZSTAT1";
const TAG: &str = "assize/state/1";

/// Why a store gives no evolving key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StateError {
    /// The store could not.
    Storage(StorageError),
    /// The store has nothing.
    Missing,
    /// The store has the state of another key: one store is one log's.
    Exists {
        /// The log it is of.
        log_id: LogId,
        /// Its segment.
        segment: u32,
    },
    /// What the store has does not start as a state does.
    NotAState,
    /// The state names a format version or a key mode that this library does not read.
    Version {
        /// The version named.
        seen: u16,
        /// The key mode named.
        mode: u8,
    },
    /// The state has too few or too many bytes, or reserved bits set.
    Malformed(CodecError),
    /// The state's digest does not hold: torn, or altered.
    Torn,
    /// The state is of another log than the one that is created or opened.
    Log {
        /// The log it is of.
        seen: LogId,
    },
    /// The state is not of a first segment, and cannot create a log.
    Used {
        /// Its segment.
        segment: u32,
    },
    /// The state is an old copy: the log has gone on, by more than the one segment that a crash may leave.
    Behind {
        /// Its segment.
        segment: u32,
        /// The log's last segment.
        last: u32,
    },
    /// The state is of a later segment than the one that comes next.
    Ahead {
        /// Its segment.
        segment: u32,
        /// The log's last segment.
        last: u32,
    },
}

impl StateError {
    /// Whose affair it is: what the store has is the caller's.
    #[must_use]
    pub fn blame(&self) -> Blame {
        match self {
            Self::Storage(_) => Blame::Storage,
            _ => Blame::Caller,
        }
    }
}

impl From<StorageError> for StateError {
    fn from(error: StorageError) -> Self {
        Self::Storage(error)
    }
}

impl fmt::Display for StateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Storage(_) => write!(f, "the key's state cannot be used"),
            Self::Missing => write!(f, "the key's store has no state"),
            Self::Exists { log_id, segment } => {
                write!(f, "the key's store has a state already, of log {log_id}, segment {segment}")
            }
            Self::NotAState => write!(f, "the bytes do not start as a key's state does"),
            Self::Version { seen, mode } => {
                write!(f, "the key's state names format version {seen} and key mode {mode}; 1 and 2 are read")
            }
            Self::Malformed(_) => write!(f, "the key's state does not have its form"),
            Self::Torn => write!(f, "the key's state is torn or altered: its digest does not hold"),
            Self::Log { seen } => write!(f, "the key's state is of another log, {seen}"),
            Self::Used { segment } => {
                write!(f, "the key's state is of segment {segment}; a log is created with one of segment 1")
            }
            Self::Behind { segment, last } => {
                write!(f, "the key's state is of segment {segment} and the log's last is {last}: an old copy")
            }
            Self::Ahead { segment, last } => {
                write!(f, "the key's state is of segment {segment} and the log's last is {last}: it is ahead")
            }
        }
    }
}

impl Error for StateError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Storage(error) => Some(error),
            Self::Malformed(error) => Some(error),
            _ => None,
        }
    }
}
