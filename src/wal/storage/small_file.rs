//! Key files and anchor files. FORMAT 5.5 and 11.

use alloc::{borrow::ToOwned as _, string::String, vec::Vec};
use core::{error::Error, fmt};
use std::{
    fs::{self, File, Metadata},
    io::{self, Read as _, Write as _},
    path::Path,
};

use zeroize::Zeroizing;

use super::{
    Access, Cause, Operation, StorageError,
    directory::{create_new, open_plain, owner_alone, sync_parent},
};
use crate::{
    crypto::{KeyError, KeyId, RootKey},
    limits::SMALL_FILE_BYTES_MAX,
    wal::{
        anchor::{Anchor, AnchorError},
        error::Blame,
        key_file::{self, KeyTextError},
    },
};

/// Reads a root key from a file that nobody but its owner has rights to.
///
/// # Errors
/// The file is missing, a link, open to group or others, or no key file.
pub fn read_key_file(path: impl AsRef<Path>) -> Result<RootKey, KeyFileError> {
    let (bytes, seen) = read(path.as_ref())?;
    owner_alone(&seen, Operation::Open, &name(path.as_ref()))?;
    key_file::parse_key(&bytes).map_err(KeyFileError::Text)
}

/// Writes a root key to a new file of mode 0600; an existing file is never touched.
///
/// # Errors
/// The file exists, the secret is no key, or the storage cannot.
pub fn write_key_file(path: impl AsRef<Path>, id: KeyId, secret: &[u8]) -> Result<(), KeyFileError> {
    let path = path.as_ref();
    let text = key_file::format_key(id, secret).map_err(KeyFileError::Key)?;
    let file = create_new(path, &name(path))?;
    write(file, &text, path)?;
    Ok(sync_parent(path, Operation::SyncDir)?)
}

/// Reads an anchor, under the key whose id it names.
///
/// # Errors
/// The file is missing, a link, no anchor, or under another key.
pub fn read_anchor_file(path: impl AsRef<Path>, keys: &[&RootKey]) -> Result<Anchor, AnchorFileError> {
    let (bytes, _) = read(path.as_ref())?;
    Anchor::decode(&bytes, keys).map_err(AnchorFileError::Anchor)
}

/// Writes an anchor in place of what the file had, so that at every moment one of both stands there in full.
///
/// # Errors
/// The storage cannot.
pub fn write_anchor_file(path: impl AsRef<Path>, anchor: &Anchor) -> Result<(), StorageError> {
    let path = path.as_ref();
    let file_name = name(path);
    let mut unfinished = path.as_os_str().to_owned();
    unfinished.push(".tmp");
    let unfinished = Path::new(&unfinished);
    // One that a crash left behind.
    match fs::remove_file(unfinished) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(StorageError::io(Operation::Remove, &name(unfinished), &error));
        }
        _ => {}
    }
    write(create_new(unfinished, &name(unfinished))?, &anchor.encode(), unfinished)?;
    fs::rename(unfinished, path).map_err(|error| StorageError::io(Operation::Rename, &file_name, &error))?;
    sync_parent(path, Operation::SyncDir)
}

fn read(path: &Path) -> Result<(Zeroizing<Vec<u8>>, Metadata), StorageError> {
    let name = name(path);
    let (file, seen) = open_plain(path, &name, Access::Read)?;
    // Reserved in full at once: growing would leave a copy of a secret behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(SMALL_FILE_BYTES_MAX.saturating_add(1)));
    let most = u64::try_from(SMALL_FILE_BYTES_MAX).unwrap_or(u64::MAX).saturating_add(1);
    file.take(most)
        .read_to_end(&mut bytes)
        .map_err(|error| StorageError::io(Operation::Read, &name, &error))?;
    if bytes.len() > SMALL_FILE_BYTES_MAX {
        return Err(StorageError::new(Operation::Read, &name, Cause::TooLarge { max: SMALL_FILE_BYTES_MAX }));
    }
    Ok((bytes, seen))
}

fn write(mut file: File, bytes: &[u8], path: &Path) -> Result<(), StorageError> {
    let name = name(path);
    file.write_all(bytes).map_err(|error| StorageError::io(Operation::Write, &name, &error))?;
    file.sync_all().map_err(|error| StorageError::io(Operation::Sync, &name, &error))
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Why a key file is not read or written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyFileError {
    /// The storage could not, or the file is open to others.
    Storage(StorageError),
    /// The text is no key file's.
    Text(KeyTextError),
    /// The secret to be written is no key.
    Key(KeyError),
}

impl KeyFileError {
    /// Whose affair it is: what the file holds, or who may read it, is the caller's.
    #[must_use]
    pub fn blame(&self) -> Blame {
        match self {
            Self::Storage(StorageError { cause: Cause::Io(kind), .. })
                if *kind != io::ErrorKind::AlreadyExists =>
            {
                Blame::Storage
            }
            Self::Storage(_) | Self::Text(_) | Self::Key(_) => Blame::Caller,
        }
    }
}

impl From<StorageError> for KeyFileError {
    fn from(error: StorageError) -> Self {
        Self::Storage(error)
    }
}

impl fmt::Display for KeyFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Storage(_) => write!(f, "the key file cannot be used"),
            Self::Text(_) => write!(f, "the file is no key file"),
            Self::Key(_) => write!(f, "the secret is no key"),
        }
    }
}

impl Error for KeyFileError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Storage(error) => Some(error),
            Self::Text(error) => Some(error),
            Self::Key(error) => Some(error),
        }
    }
}

/// Why an anchor file is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AnchorFileError {
    /// The storage could not.
    Storage(StorageError),
    /// The file holds no anchor of the keys given.
    Anchor(AnchorError),
}

impl AnchorFileError {
    /// Whose affair it is.
    #[must_use]
    pub fn blame(&self) -> Blame {
        match self {
            Self::Storage(_) => Blame::Storage,
            Self::Anchor(error) => error.blame(),
        }
    }
}

impl From<StorageError> for AnchorFileError {
    fn from(error: StorageError) -> Self {
        Self::Storage(error)
    }
}

impl fmt::Display for AnchorFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Storage(_) => write!(f, "the anchor file cannot be read"),
            Self::Anchor(_) => write!(f, "the anchor file does not hold"),
        }
    }
}

impl Error for AnchorFileError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Storage(error) => Some(error),
            Self::Anchor(error) => Some(error),
        }
    }
}
