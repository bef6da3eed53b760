//! Files in memory, for tests: they can be looked at, altered, cut off from power and made to fail.

use alloc::{boxed::Box, collections::BTreeMap, string::String, sync::Arc as Shared, vec::Vec};
use std::io;

use super::{Access, Cause, Operation, Storage, StorageError, StorageFile, StorageLock};
use crate::sync::{Arc, Mutex, MutexGuard, PoisonError};

mod crash;
mod data;
mod failing;
mod names;

pub use crash::{Crash, Piece, Unit};
pub use failing::Failing;

use data::Data;
use failing::{Failed, Failures};
use names::Names;

/// Files in memory. A clone is another handle to the same files.
///
/// As on a disk, what is not synced may be lost when the power is cut: [`cut_power`](Self::cut_power) loses all of it,
/// [`crash`](Self::crash) gives every other state that may be found. A file's bytes are synced by its own sync, its
/// name by that of the directory. A sync that fails is not made good by the next one ([`Crash`]).
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
        self.files().names.all().map(|(name, _)| name.clone()).collect()
    }

    /// A file's bytes.
    #[must_use]
    pub fn bytes(&self, name: &str) -> Option<Vec<u8>> {
        let files = self.files();
        files.names.find(name).and_then(|id| files.data.get(&id)).map(|data| data.live.to_vec())
    }

    /// Puts a file with these bytes, synced, in place of what stood there; makes the place where it is missing.
    pub fn replace(&self, name: &str, bytes: &[u8]) {
        let mut files = self.files();
        files.established = true;
        files.put(name, Data::on_disk(Shared::new(bytes.to_vec())));
    }

    /// Takes a file away.
    pub fn take(&self, name: &str) {
        self.files().names.take(name);
    }

    /// Another place with the same files, all of them synced, sharing nothing with this one.
    #[must_use]
    pub fn copy(&self) -> Self {
        let files = self.files();
        let mut copy = Files { established: files.established, ..Files::default() };
        for (name, id) in files.names.all() {
            let live = files.data.get(&id).map(|data| Shared::clone(&data.live));
            copy.put(name, Data::on_disk(live.unwrap_or_default()));
        }
        Self::of(copy)
    }

    /// Loses everything that was not synced, names included.
    pub fn cut_power(&self) {
        let mut files = self.files();
        files.names.cut_power();
        files.data.values_mut().for_each(Data::cut_power);
    }

    /// Whatever a power cut at this moment may leave; the files stay as they are.
    #[must_use]
    pub fn crash(&self) -> Crash {
        Crash::of(&self.files())
    }

    /// Makes an operation fail, once; further ones can be chosen to fail in the same run.
    pub fn fail(&self, failing: Failing) {
        self.files().failures.add(failing);
    }

    /// Operations of that kind so far.
    #[must_use]
    pub fn count(&self, operation: Operation) -> u64 {
        self.files().failures.count(operation)
    }

    fn of(files: Files) -> Self {
        Self(Arc::new(Mutex::new(files)))
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
        Ok(files.names.all().map(|(name, _)| name.clone()).collect())
    }

    fn create(&self, name: &str) -> Result<Box<dyn StorageFile>, StorageError> {
        let mut files = self.files();
        files.step(Operation::Create, name)?;
        files.must_exist(Operation::Create)?;
        if files.names.find(name).is_some() {
            return Err(failed(Operation::Create, name, io::ErrorKind::AlreadyExists));
        }
        let (id, number) = (files.fresh(), files.fresh());
        files.data.insert(id, Data::default());
        files.names.create(name, id, number);
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
        let number = files.fresh();
        files.names.rename(from, to, id, number);
        Ok(())
    }

    fn remove(&self, name: &str) -> Result<(), StorageError> {
        let mut files = self.files();
        files.step(Operation::Remove, name)?;
        files.id(Operation::Remove, name)?;
        let number = files.fresh();
        files.names.remove(name, number);
        Ok(())
    }

    fn sync_dir(&self) -> Result<(), StorageError> {
        let mut files = self.files();
        match files.step(Operation::SyncDir, "") {
            Ok(()) => files.names.sync(),
            Err(failed) => {
                files.names.sync_failed();
                return Err(failed.into());
            }
        }
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
    /// The last number given to a file or a change.
    last: u64,
    names: Names,
    data: BTreeMap<u64, Data>,
    failures: Failures,
}

impl Files {
    fn step(&mut self, operation: Operation, name: &str) -> Result<(), Failed> {
        self.failures.step(operation, name)
    }

    fn must_exist(&self, operation: Operation) -> Result<(), StorageError> {
        if self.established { Ok(()) } else { Err(failed(operation, "", io::ErrorKind::NotFound)) }
    }

    fn id(&self, operation: Operation, name: &str) -> Result<u64, StorageError> {
        self.names.find(name).ok_or_else(|| failed(operation, name, io::ErrorKind::NotFound))
    }

    fn fresh(&mut self) -> u64 {
        self.last = self.last.saturating_add(1);
        self.last
    }

    /// Puts a file there, name and all on disk.
    fn put(&mut self, name: &str, data: Data) {
        let id = self.fresh();
        self.data.insert(id, data);
        self.names.put(name, id);
    }
}

struct File {
    files: Memory,
    name: String,
    id: u64,
    access: Access,
}

impl File {
    /// Acts on the file's data, with a number for the change; `fails` does where the operation is one that fails.
    fn with<T>(
        &self,
        operation: Operation,
        act: impl FnOnce(&mut Data, u64) -> T,
        fails: impl FnOnce(&mut Data, u64, &Failed),
    ) -> Result<T, StorageError> {
        let mut files = self.files.files();
        let (step, number) = (files.step(operation, &self.name), files.fresh());
        let data = files.data.get_mut(&self.id);
        let data = data.ok_or_else(|| failed(operation, &self.name, io::ErrorKind::NotFound))?;
        match step {
            Ok(()) => Ok(act(data, number)),
            Err(failed) => {
                fails(data, number, &failed);
                Err(failed.into())
            }
        }
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
        let read = |data: &mut Data, _| {
            let from = data.live.get(start..).unwrap_or_default();
            let count = from.len().min(buffer.len());
            if let (Some(to), Some(from)) = (buffer.get_mut(..count), from.get(..count)) {
                to.copy_from_slice(from);
            }
            count
        };
        self.with(Operation::Read, read, |_, _, _| {})
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> Result<(), StorageError> {
        self.must_write(Operation::Write)?;
        let start = self.place(Operation::Write, offset)?;
        self.with(
            Operation::Write,
            |data, number| data.write(bytes, start, number),
            |data, number, failed| {
                let left = bytes.get(..failed.bytes_left(bytes.len())).unwrap_or_default();
                data.write(left, start, number);
            },
        )
    }

    fn sync_data(&self) -> Result<(), StorageError> {
        self.with(Operation::Sync, |data, _| data.sync(), |data, _, _| data.sync_failed())
    }

    fn set_len(&self, bytes: u64) -> Result<(), StorageError> {
        self.must_write(Operation::SetLen)?;
        let len = self.place(Operation::SetLen, bytes)?;
        self.with(Operation::SetLen, |data, number| data.set_len(len, number), |_, _, _| {})
    }

    fn size(&self) -> Result<u64, StorageError> {
        let size = |data: &mut Data, _| u64::try_from(data.live.len()).unwrap_or(u64::MAX);
        self.with(Operation::Len, size, |_, _, _| {})
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
