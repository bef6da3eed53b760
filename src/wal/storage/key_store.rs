//! Where the state of an evolving key is kept. FORMAT 5.6.

use alloc::{borrow::ToOwned as _, boxed::Box, format, string::String, vec, vec::Vec};

use zeroize::Zeroizing;

use super::{Access, Cause, Operation, Storage, StorageError};
use crate::limits::SMALL_FILE_BYTES_MAX;

/// Keeps one secret of a few bytes: the state of one evolving key. [`StateFile`] is a file; a host that has a place
/// for secrets implements it there.
pub trait KeyStore: Send + Sync {
    /// What was kept last; none if nothing was.
    ///
    /// # Errors
    /// The store cannot.
    fn load(&self) -> Result<Option<Zeroizing<Vec<u8>>>, StorageError>;

    /// Keeps `state` in place of what was kept. When it returns, the new one survives a power loss and the old one
    /// is gone as far as the store can; after a crash meanwhile, one of them is there in full.
    ///
    /// # Errors
    /// The store cannot; then either may be there.
    fn replace(&self, state: &[u8]) -> Result<(), StorageError>;

    /// Makes what was kept go as far as the store can; that nothing was kept is no error.
    ///
    /// # Errors
    /// The store cannot; then it may still be there.
    fn forget(&self) -> Result<(), StorageError>;
}

/// A state file of mode 0600. It stands outside the log's directory, best on a file system that writes in place.
pub struct StateFile {
    storage: Box<dyn Storage>,
    name: String,
}

impl StateFile {
    /// The file of that path, which need not exist yet; its directory must. Links are not followed.
    #[cfg(unix)]
    pub fn new(path: impl AsRef<std::path::Path>) -> Self {
        let path = path.as_ref();
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        let directory = super::Directory::new(parent.unwrap_or(std::path::Path::new(".")));
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Self { storage: Box::new(directory), name }
    }

    /// The file of that name in a storage that is not the log's.
    pub fn within(storage: Box<dyn Storage>, name: &str) -> Self {
        Self { storage, name: name.to_owned() }
    }
}

impl KeyStore for StateFile {
    fn load(&self) -> Result<Option<Zeroizing<Vec<u8>>>, StorageError> {
        // For writing, so that looser modes are refused.
        let file = match self.storage.open(&self.name, Access::ReadWrite) {
            Err(error) if error.is_missing() => return Ok(None),
            file => file?,
        };
        // In full at once: growing would leave a copy of the secret behind.
        let mut bytes = Zeroizing::new(vec![0; SMALL_FILE_BYTES_MAX.saturating_add(1)]);
        let read = file.read_at(&mut bytes, 0)?;
        if read > SMALL_FILE_BYTES_MAX {
            let cause = Cause::TooLarge { max: SMALL_FILE_BYTES_MAX };
            return Err(StorageError::new(Operation::Read, &self.name, cause));
        }
        bytes.truncate(read);
        Ok(Some(bytes))
    }

    fn replace(&self, state: &[u8]) -> Result<(), StorageError> {
        // One that a crash left behind holds a key as well.
        let unfinished = self.unfinished();
        self.wipe(&unfinished)?;
        let old = self.old(&self.name)?;
        let file = self.storage.create(&unfinished)?;
        file.write_at(state, 0)?;
        file.sync_data()?;
        self.storage.rename(&unfinished, &self.name)?;
        self.storage.sync_dir()?;
        // Only now: until the directory was synced, a power loss could have brought the old one back.
        old.map_or(Ok(()), Old::wipe)
    }

    fn forget(&self) -> Result<(), StorageError> {
        self.wipe(&self.unfinished())?;
        self.wipe(&self.name)?;
        self.storage.sync_dir()
    }
}

impl StateFile {
    fn unfinished(&self) -> String {
        format!("{}.tmp", self.name)
    }

    /// Overwrites and removes a file, if it is there.
    fn wipe(&self, name: &str) -> Result<(), StorageError> {
        let Some(old) = self.old(name)? else { return Ok(()) };
        old.wipe()?;
        self.storage.remove(name)
    }

    fn old(&self, name: &str) -> Result<Option<Old>, StorageError> {
        match self.storage.open(name, Access::ReadWrite) {
            Err(error) if error.is_missing() => Ok(None),
            file => Ok(Some(Old(file?))),
        }
    }
}

/// A file whose bytes are to be overwritten.
struct Old(Box<dyn super::StorageFile>);

impl Old {
    fn wipe(self) -> Result<(), StorageError> {
        let bytes = usize::try_from(self.0.size()?).unwrap_or(usize::MAX).min(SMALL_FILE_BYTES_MAX);
        self.0.write_at(&vec![0; bytes], 0)?;
        self.0.sync_data()
    }
}
