//! Where segments live: the one seam between the log and files, and the only place that names them.
//!
//! [`Directory`] is the file system, [`Memory`] is for tests. Key, state and anchor files are read and written here too.

use alloc::{boxed::Box, string::String, vec::Vec};
use core::fmt;
use std::io;

#[cfg(unix)]
mod directory;
mod key_store;
mod memory;
#[cfg(unix)]
mod small_file;

#[cfg(unix)]
pub use directory::Directory;
pub use key_store::{KeyStore, StateFile};
pub use memory::{Crash, Failing, Memory, Piece, Unit};
#[cfg(unix)]
pub use small_file::{
    AnchorFileError, KeyFileError, read_anchor_file, read_key_file, write_anchor_file, write_key_file,
};

/// A place for the files of one log.
pub trait Storage: Send + Sync {
    /// Makes the place, readable by its owner alone, where it is missing.
    ///
    /// # Errors
    /// The storage cannot.
    fn establish(&self) -> Result<(), StorageError>;

    /// Locks the place for the one writer, until what is returned is dropped.
    ///
    /// # Errors
    /// Another writer has it ([`Cause::Locked`]), or the place is missing or open to others.
    fn lock(&self) -> Result<Box<dyn StorageLock>, StorageError>;

    /// The names of all files, in no order.
    ///
    /// # Errors
    /// The place is missing ([`StorageError::is_missing`]), or the storage cannot.
    fn list(&self) -> Result<Vec<String>, StorageError>;

    /// Creates a file that must not exist, empty, for reading and writing by its owner alone.
    ///
    /// # Errors
    /// It exists, or the storage cannot.
    fn create(&self, name: &str) -> Result<Box<dyn StorageFile>, StorageError>;

    /// Opens a file that must exist.
    ///
    /// # Errors
    /// It is missing, no plain file, or (for writing) open to others, or the storage cannot.
    fn open(&self, name: &str, access: Access) -> Result<Box<dyn StorageFile>, StorageError>;

    /// Gives a file another name.
    ///
    /// # Errors
    /// The storage cannot.
    fn rename(&self, from: &str, to: &str) -> Result<(), StorageError>;

    /// Removes a file.
    ///
    /// # Errors
    /// The storage cannot.
    fn remove(&self, name: &str) -> Result<(), StorageError>;

    /// Makes creations, renames and removals survive a power loss.
    ///
    /// # Errors
    /// The storage cannot.
    fn sync_dir(&self) -> Result<(), StorageError>;
}

/// One open file. Interrupted calls and short reads and writes are retried inside.
pub trait StorageFile: Send + Sync {
    /// Fills `buffer` from `offset` as far as the file reaches; gives the bytes read.
    ///
    /// # Errors
    /// The storage cannot.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize, StorageError>;

    /// Writes all of `bytes` at `offset`, growing the file where needed.
    ///
    /// # Errors
    /// The storage cannot; part of the bytes may be written.
    fn write_at(&self, bytes: &[u8], offset: u64) -> Result<(), StorageError>;

    /// Makes everything written survive a power loss.
    ///
    /// # Errors
    /// The storage cannot; nothing written since the last success may be relied on.
    fn sync_data(&self) -> Result<(), StorageError>;

    /// Cuts or grows (with zeros) the file.
    ///
    /// # Errors
    /// The storage cannot.
    fn set_len(&self, bytes: u64) -> Result<(), StorageError>;

    /// The file's size in bytes.
    ///
    /// # Errors
    /// The storage cannot.
    fn size(&self) -> Result<u64, StorageError>;
}

/// Held by the one writer; dropping it lets the next one in.
pub trait StorageLock: Send + Sync {}

/// What a file is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Reading alone.
    Read,
    /// Reading and writing.
    ReadWrite,
}

/// What the storage was asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Operation {
    /// To make the place.
    Establish,
    /// To lock it.
    Lock,
    /// To list its files.
    List,
    /// To create a file.
    Create,
    /// To open one.
    Open,
    /// To rename one.
    Rename,
    /// To remove one.
    Remove,
    /// To sync the directory.
    SyncDir,
    /// To read from a file.
    Read,
    /// To write to one.
    Write,
    /// To sync one.
    Sync,
    /// To set its length.
    SetLen,
    /// To tell its length.
    Len,
}

impl Operation {
    /// The operation as words say it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Establish => "make the directory",
            Self::Lock => "lock",
            Self::List => "list",
            Self::Create => "create",
            Self::Open => "open",
            Self::Rename => "rename",
            Self::Remove => "remove",
            Self::SyncDir => "sync the directory",
            Self::Read => "read",
            Self::Write => "write",
            Self::Sync => "sync",
            Self::SetLen => "set the length",
            Self::Len => "tell the length",
        }
    }
}

/// Why the storage could not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cause {
    /// The system said so.
    Io(io::ErrorKind),
    /// Another writer holds the lock.
    Locked,
    /// A symbolic link, a directory or a device stands where a plain file (or the directory) is expected.
    NotPlain,
    /// Group or others have rights.
    Mode {
        /// The permission bits.
        seen: u32,
    },
    /// A small file has more bytes than the limit.
    TooLarge {
        /// The most that is read.
        max: usize,
    },
}

/// An operation that the storage could not do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StorageError {
    /// What was asked.
    pub operation: Operation,
    /// On which file; empty for the directory itself.
    pub file: FileName,
    /// Why not.
    pub cause: Cause,
}

impl StorageError {
    /// With the system's word for it.
    #[must_use]
    pub fn io(operation: Operation, file: &str, error: &io::Error) -> Self {
        Self { operation, file: FileName::new(file), cause: Cause::Io(error.kind()) }
    }

    /// With another cause.
    #[must_use]
    pub fn new(operation: Operation, file: &str, cause: Cause) -> Self {
        Self { operation, file: FileName::new(file), cause }
    }

    /// Whether what was asked for does not exist.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        self.cause == Cause::Io(io::ErrorKind::NotFound)
    }
}

impl fmt::Display for StorageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot {}", self.operation.as_str())?;
        if !self.file.as_str().is_empty() {
            write!(f, " {}", self.file)?;
        }
        match self.cause {
            Cause::Io(kind) => write!(f, ": {kind}"),
            Cause::Locked => write!(f, ": another writer holds the lock"),
            Cause::NotPlain => {
                write!(f, ": neither a plain file nor a plain directory; links are not followed")
            }
            Cause::Mode { seen } => write!(f, ": mode {seen:o} gives rights to group or others"),
            Cause::TooLarge { max } => write!(f, ": it has more than {max} bytes"),
        }
    }
}

impl core::error::Error for StorageError {}

/// A file's name as errors carry it: up to 48 bytes, longer ones cut, control characters replaced.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileName {
    // Bytes past the length are zero, so that derived equality is that of the text.
    bytes: [u8; Self::BYTES_MAX],
    len: usize,
}

impl FileName {
    const BYTES_MAX: usize = 48;

    /// The name, made fit to be printed.
    #[must_use]
    pub fn new(name: &str) -> Self {
        let mut bytes = [0; Self::BYTES_MAX];
        let mut len = 0_usize;
        for c in name.chars() {
            let c = if c.is_control() { '?' } else { c };
            let end = len.saturating_add(c.len_utf8());
            let Some(place) = bytes.get_mut(len..end) else { break };
            c.encode_utf8(place);
            len = end;
        }
        Self { bytes, len }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        core::str::from_utf8(self.bytes.get(..self.len).unwrap_or_default()).unwrap_or_default()
    }
}

impl fmt::Debug for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
