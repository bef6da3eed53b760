//! Files in memory, for tests: they can be looked at, altered, cut off from power and made to fail.

use alloc::{boxed::Box, collections::BTreeMap, string::String, vec::Vec};
use core::ops::Range;
use std::io;

use super::{Access, Cause, Operation, Storage, StorageError, StorageFile, StorageLock};
use crate::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Files in memory. A clone is another handle to the same files.
#[derive(Clone, Default)]
pub struct Memory(Arc<Mutex<Files>>);

impl Memory {
    /// A place that does not exist yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The names of all files, sorted.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.files().names.keys().cloned().collect()
    }

    /// A file's bytes.
    #[must_use]
    pub fn bytes(&self, name: &str) -> Option<Vec<u8>> {
        let files = self.files();
        files.names.get(name).and_then(|id| files.data.get(id)).map(|data| data.live.clone())
    }

    /// Puts a file with these bytes, synced, in place of what stood there; makes the place where it is missing.
    pub fn replace(&self, name: &str, bytes: &[u8]) {
        let mut files = self.files();
        files.established = true;
        let id = files.fresh_id();
        files.data.insert(id, Data { live: bytes.to_vec(), synced: bytes.to_vec(), dirty: 0..0 });
        files.names.insert(name.into(), id);
        files.names_synced.insert(name.into(), id);
    }

    /// Takes a file away.
    pub fn take(&self, name: &str) {
        let mut files = self.files();
        files.names.remove(name);
        files.names_synced.remove(name);
    }

    /// Another place with the same files, sharing nothing with this one.
    #[must_use]
    pub fn copy(&self) -> Self {
        let copy = Self::new();
        for name in self.names() {
            copy.replace(&name, &self.bytes(&name).unwrap_or_default());
        }
        copy.files().established = self.files().established;
        copy
    }

    /// Loses everything that was not synced, names included.
    pub fn cut_power(&self) {
        let mut files = self.files();
        files.names = files.names_synced.clone();
        for data in files.data.values_mut() {
            data.live = data.synced.clone();
            data.dirty = 0..0;
        }
    }

    /// Makes the `nth` operation of that kind from now (from 1) fail, once; a write that fails leaves half of
    /// its bytes.
    pub fn fail(&self, operation: Operation, nth: u64) {
        self.files().failures.insert(operation, nth);
    }

    /// Operations of that kind so far.
    #[must_use]
    pub fn count(&self, operation: Operation) -> u64 {
        self.files().counts.get(&operation).copied().unwrap_or(0)
    }

    fn files(&self) -> MutexGuard<'_, Files> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Storage for Memory {
    fn establish(&self) -> Result<(), StorageError> {
        let mut files = self.files();
        files.step(Operation::Establish, "")?;
        files.established = true;
        Ok(())
    }

    fn lock(&self) -> Result<Box<dyn StorageLock>, StorageError> {
        let mut files = self.files();
        files.step(Operation::Lock, "")?;
        files.must_exist(Operation::Lock)?;
        if files.locked {
            return Err(StorageError::new(Operation::Lock, "", Cause::Locked));
        }
        files.locked = true;
        Ok(Box::new(Lock(self.clone())))
    }

    fn list(&self) -> Result<Vec<String>, StorageError> {
        let mut files = self.files();
        files.step(Operation::List, "")?;
        files.must_exist(Operation::List)?;
        Ok(files.names.keys().cloned().collect())
    }

    fn create(&self, name: &str) -> Result<Box<dyn StorageFile>, StorageError> {
        let mut files = self.files();
        files.step(Operation::Create, name)?;
        files.must_exist(Operation::Create)?;
        if files.names.contains_key(name) {
            return Err(failed(Operation::Create, name, io::ErrorKind::AlreadyExists));
        }
        let id = files.fresh_id();
        files.data.insert(id, Data::default());
        files.names.insert(name.into(), id);
        Ok(self.file(name, id, Access::ReadWrite))
    }

    fn open(&self, name: &str, access: Access) -> Result<Box<dyn StorageFile>, StorageError> {
        let mut files = self.files();
        files.step(Operation::Open, name)?;
        let id = files.id(Operation::Open, name)?;
        Ok(self.file(name, id, access))
    }

    fn rename(&self, from: &str, to: &str) -> Result<(), StorageError> {
        let mut files = self.files();
        files.step(Operation::Rename, from)?;
        let id = files.id(Operation::Rename, from)?;
        files.names.remove(from);
        files.names.insert(to.into(), id);
        Ok(())
    }

    fn remove(&self, name: &str) -> Result<(), StorageError> {
        let mut files = self.files();
        files.step(Operation::Remove, name)?;
        files.id(Operation::Remove, name)?;
        files.names.remove(name);
        Ok(())
    }

    fn sync_dir(&self) -> Result<(), StorageError> {
        let mut files = self.files();
        files.step(Operation::SyncDir, "")?;
        files.names_synced = files.names.clone();
        Ok(())
    }
}

impl Memory {
    fn file(&self, name: &str, id: u64, access: Access) -> Box<dyn StorageFile> {
        Box::new(File { files: self.clone(), name: name.into(), id, access })
    }
}

#[derive(Default)]
struct Files {
    established: bool,
    locked: bool,
    next_id: u64,
    names: BTreeMap<String, u64>,
    names_synced: BTreeMap<String, u64>,
    data: BTreeMap<u64, Data>,
    counts: BTreeMap<Operation, u64>,
    failures: BTreeMap<Operation, u64>,
}

impl Files {
    /// Counts the operation, and fails if it is the one that was chosen to.
    fn step(&mut self, operation: Operation, name: &str) -> Result<(), StorageError> {
        let count = self.counts.entry(operation).or_default();
        *count = count.saturating_add(1);
        let Some(left) = self.failures.get_mut(&operation) else { return Ok(()) };
        *left = left.saturating_sub(1);
        if *left > 0 {
            return Ok(());
        }
        self.failures.remove(&operation);
        Err(failed(operation, name, io::ErrorKind::Other))
    }

    fn must_exist(&self, operation: Operation) -> Result<(), StorageError> {
        if self.established { Ok(()) } else { Err(failed(operation, "", io::ErrorKind::NotFound)) }
    }

    fn id(&self, operation: Operation, name: &str) -> Result<u64, StorageError> {
        self.names.get(name).copied().ok_or_else(|| failed(operation, name, io::ErrorKind::NotFound))
    }

    fn fresh_id(&mut self) -> u64 {
        self.next_id = self.next_id.saturating_add(1);
        self.next_id
    }
}

/// A file's bytes as they are read, as they are on disk, and where the two may differ.
#[derive(Default)]
struct Data {
    live: Vec<u8>,
    synced: Vec<u8>,
    dirty: Range<usize>,
}

impl Data {
    fn write(&mut self, bytes: &[u8], start: usize) {
        let end = start.saturating_add(bytes.len());
        if self.live.len() < end {
            self.live.resize(end, 0);
        }
        if let Some(place) = self.live.get_mut(start..end) {
            place.copy_from_slice(bytes);
        }
        self.touch(start..end);
    }

    fn touch(&mut self, range: Range<usize>) {
        self.dirty = if self.dirty.is_empty() {
            range
        } else {
            self.dirty.start.min(range.start)..self.dirty.end.max(range.end)
        };
    }

    fn sync(&mut self) {
        self.synced.resize(self.live.len(), 0);
        let range = self.dirty.start.min(self.live.len())..self.dirty.end.min(self.live.len());
        if let (Some(to), Some(from)) = (self.synced.get_mut(range.clone()), self.live.get(range)) {
            to.copy_from_slice(from);
        }
        self.dirty = 0..0;
    }
}

struct File {
    files: Memory,
    name: String,
    id: u64,
    access: Access,
}

impl File {
    fn with<T>(&self, operation: Operation, act: impl FnOnce(&mut Data) -> T) -> Result<T, StorageError> {
        let mut files = self.files.files();
        files.step(operation, &self.name)?;
        let data = files.data.get_mut(&self.id);
        data.map(act).ok_or_else(|| failed(operation, &self.name, io::ErrorKind::NotFound))
    }

    fn must_write(&self, operation: Operation) -> Result<(), StorageError> {
        match self.access {
            Access::ReadWrite => Ok(()),
            Access::Read => Err(failed(operation, &self.name, io::ErrorKind::PermissionDenied)),
        }
    }

    fn place(&self, operation: Operation, offset: u64) -> Result<usize, StorageError> {
        usize::try_from(offset).map_err(|_| failed(operation, &self.name, io::ErrorKind::FileTooLarge))
    }
}

impl StorageFile for File {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize, StorageError> {
        let start = self.place(Operation::Read, offset)?;
        self.with(Operation::Read, |data| {
            let from = data.live.get(start..).unwrap_or_default();
            let count = from.len().min(buffer.len());
            if let (Some(to), Some(from)) = (buffer.get_mut(..count), from.get(..count)) {
                to.copy_from_slice(from);
            }
            count
        })
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> Result<(), StorageError> {
        self.must_write(Operation::Write)?;
        let start = self.place(Operation::Write, offset)?;
        let whole = self.with(Operation::Write, |data| data.write(bytes, start));
        if whole.is_err() {
            let half = bytes.get(..bytes.len().div_euclid(2)).unwrap_or_default();
            if let Some(data) = self.files.files().data.get_mut(&self.id) {
                data.write(half, start);
            }
        }
        whole
    }

    fn sync_data(&self) -> Result<(), StorageError> {
        self.with(Operation::Sync, Data::sync)
    }

    fn set_len(&self, bytes: u64) -> Result<(), StorageError> {
        self.must_write(Operation::SetLen)?;
        let len = self.place(Operation::SetLen, bytes)?;
        self.with(Operation::SetLen, |data| {
            let from = data.live.len().min(len);
            data.live.resize(len, 0);
            data.touch(from..len);
        })
    }

    fn size(&self) -> Result<u64, StorageError> {
        self.with(Operation::Len, |data| u64::try_from(data.live.len()).unwrap_or(u64::MAX))
    }
}

struct Lock(Memory);

impl StorageLock for Lock {}

impl Drop for Lock {
    fn drop(&mut self) {
        self.0.files().locked = false;
    }
}

fn failed(operation: Operation, name: &str, kind: io::ErrorKind) -> StorageError {
    StorageError::io(operation, name, &kind.into())
}
