//! A directory of the file system, readable by its owner alone.
//!
//! Links are not followed: a name is looked at before it is opened, and what was opened must be what was looked
//! at. (`O_NOFOLLOW` would do the same, but its value differs between platforms, and the standard library does
//! not name it.)

use alloc::{borrow::ToOwned as _, boxed::Box, string::String, vec::Vec};
use std::{
    fs::{self, DirBuilder, File, Metadata, OpenOptions, TryLockError},
    io,
    os::unix::fs::{DirBuilderExt as _, FileExt, MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use super::{Access, Cause, Operation, Storage, StorageError, StorageFile, StorageLock};

/// A log's directory, mode 0700, its files 0600. Naming it does nothing yet.
///
/// For writing, looser modes are refused; a reader takes what it can read, so that a copy can be audited.
#[derive(Clone, Debug)]
pub struct Directory {
    path: PathBuf,
}

impl Directory {
    /// The directory of that path; a link is not followed at its last component.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Its path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn handle(&self, operation: Operation) -> Result<(File, Metadata), StorageError> {
        let failed = |error: io::Error| StorageError::io(operation, "", &error);
        let seen = fs::symlink_metadata(&self.path).map_err(failed)?;
        if !seen.is_dir() {
            return Err(StorageError::new(operation, "", Cause::NotPlain));
        }
        let handle = File::open(&self.path).map_err(failed)?;
        same(&seen, &handle.metadata().map_err(failed)?, operation, "")?;
        Ok((handle, seen))
    }
}

impl Storage for Directory {
    fn establish(&self) -> Result<(), StorageError> {
        match DirBuilder::new().mode(0o700).create(&self.path) {
            Ok(()) => sync_parent(&self.path, Operation::Establish),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            Err(error) => Err(StorageError::io(Operation::Establish, "", &error)),
        }
    }

    fn lock(&self) -> Result<Box<dyn StorageLock>, StorageError> {
        let (handle, seen) = self.handle(Operation::Lock)?;
        owner_alone(&seen, Operation::Lock, "")?;
        match handle.try_lock() {
            Ok(()) => Ok(Box::new(Lock { _handle: handle })),
            Err(TryLockError::WouldBlock) => Err(StorageError::new(Operation::Lock, "", Cause::Locked)),
            Err(TryLockError::Error(error)) => Err(StorageError::io(Operation::Lock, "", &error)),
        }
    }

    fn list(&self) -> Result<Vec<String>, StorageError> {
        self.handle(Operation::List)?;
        let failed = |error: io::Error| StorageError::io(Operation::List, "", &error);
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.path).map_err(failed)? {
            names.push(entry.map_err(failed)?.file_name().to_string_lossy().into_owned());
        }
        Ok(names)
    }

    fn create(&self, name: &str) -> Result<Box<dyn StorageFile>, StorageError> {
        let file = create_new(&self.path.join(name), name)?;
        Ok(Box::new(OpenFile { name: name.to_owned(), file }))
    }

    fn open(&self, name: &str, access: Access) -> Result<Box<dyn StorageFile>, StorageError> {
        let (file, seen) = open_plain(&self.path.join(name), name, access)?;
        if access == Access::ReadWrite {
            owner_alone(&seen, Operation::Open, name)?;
        }
        Ok(Box::new(OpenFile { name: name.to_owned(), file }))
    }

    fn rename(&self, from: &str, to: &str) -> Result<(), StorageError> {
        fs::rename(self.path.join(from), self.path.join(to))
            .map_err(|error| StorageError::io(Operation::Rename, from, &error))
    }

    fn remove(&self, name: &str) -> Result<(), StorageError> {
        fs::remove_file(self.path.join(name))
            .map_err(|error| StorageError::io(Operation::Remove, name, &error))
    }

    fn sync_dir(&self) -> Result<(), StorageError> {
        let (handle, _) = self.handle(Operation::SyncDir)?;
        handle.sync_all().map_err(|error| StorageError::io(Operation::SyncDir, "", &error))
    }
}

/// The lock ends with the handle.
struct Lock {
    _handle: File,
}

impl StorageLock for Lock {}

struct OpenFile {
    name: String,
    file: File,
}

impl OpenFile {
    fn failed(&self, operation: Operation) -> impl Fn(io::Error) -> StorageError + '_ {
        move |error| StorageError::io(operation, &self.name, &error)
    }
}

impl StorageFile for OpenFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize, StorageError> {
        read_as_far_as_it_goes(&self.file, buffer, offset).map_err(self.failed(Operation::Read))
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> Result<(), StorageError> {
        write_all(&self.file, bytes, offset).map_err(self.failed(Operation::Write))
    }

    fn sync_data(&self) -> Result<(), StorageError> {
        // The standard library repeats this and `set_len` where they are interrupted.
        self.file.sync_data().map_err(self.failed(Operation::Sync))
    }

    fn set_len(&self, bytes: u64) -> Result<(), StorageError> {
        self.file.set_len(bytes).map_err(self.failed(Operation::SetLen))
    }

    fn size(&self) -> Result<u64, StorageError> {
        self.file.metadata().map(|seen| seen.len()).map_err(self.failed(Operation::Len))
    }
}

/// Fills the buffer, however many calls it takes; gives less at the file's end alone.
fn read_as_far_as_it_goes(file: &impl FileExt, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    let (mut rest, mut at, mut read) = (buffer, offset, 0_usize);
    while !rest.is_empty() {
        match file.read_at(rest, at) {
            Ok(0) => break,
            Ok(count) => {
                rest = rest.get_mut(count..).unwrap_or_default();
                at = at.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
                read = read.saturating_add(count);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(read)
}

/// Writes everything, however many calls it takes.
fn write_all(file: &impl FileExt, bytes: &[u8], offset: u64) -> io::Result<()> {
    // Repeats short and interrupted writes.
    file.write_all_at(bytes, offset)
}

/// Creates a file of mode 0600 that did not exist; a link in its place is not followed.
pub(super) fn create_new(path: &Path, name: &str) -> Result<File, StorageError> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(|error| StorageError::io(Operation::Create, name, &error))
}

/// Opens a plain file, not through a link.
pub(super) fn open_plain(path: &Path, name: &str, access: Access) -> Result<(File, Metadata), StorageError> {
    let failed = |error: io::Error| StorageError::io(Operation::Open, name, &error);
    let seen = fs::symlink_metadata(path).map_err(failed)?;
    if !seen.is_file() {
        return Err(StorageError::new(Operation::Open, name, Cause::NotPlain));
    }
    let file = OpenOptions::new().read(true).write(access == Access::ReadWrite).open(path).map_err(failed)?;
    same(&seen, &file.metadata().map_err(failed)?, Operation::Open, name)?;
    Ok((file, seen))
}

/// Whether nobody but the owner has rights.
pub(super) fn owner_alone(seen: &Metadata, operation: Operation, name: &str) -> Result<(), StorageError> {
    let mode = seen.mode() & 0o777;
    if mode & 0o077 == 0 {
        Ok(())
    } else {
        Err(StorageError::new(operation, name, Cause::Mode { seen: mode }))
    }
}

/// Makes the entry of `path` in its directory survive a power loss.
pub(super) fn sync_parent(path: &Path, operation: Operation) -> Result<(), StorageError> {
    let parent = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    File::open(parent)
        .and_then(|handle| handle.sync_all())
        .map_err(|error| StorageError::io(operation, "", &error))
}

/// Whether what was opened is what was looked at.
fn same(seen: &Metadata, opened: &Metadata, operation: Operation, name: &str) -> Result<(), StorageError> {
    if (seen.dev(), seen.ino()) == (opened.dev(), opened.ino()) {
        Ok(())
    } else {
        Err(StorageError::new(operation, name, Cause::NotPlain))
    }
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, reason = "a test")]
mod tests {
    use core::cell::{Cell, RefCell};

    use super::*;

    /// A file that does what it is told to, call by call, and at last what it is asked to.
    struct Flaky {
        bytes: RefCell<Vec<u8>>,
        calls: Vec<Call>,
        done: Cell<usize>,
    }

    #[derive(Clone, Copy)]
    enum Call {
        /// At most so many bytes are read or written.
        Short(usize),
        Fails(io::ErrorKind),
    }

    use Call::{Fails, Short};
    use io::ErrorKind::{Interrupted, StorageFull, WriteZero};

    impl Flaky {
        fn new(bytes: &[u8], calls: &[Call]) -> Self {
            Self { bytes: RefCell::new(bytes.to_vec()), calls: calls.to_vec(), done: Cell::new(0) }
        }

        fn most(&self, asked: usize) -> io::Result<usize> {
            let call = self.calls.get(self.done.get()).copied();
            self.done.set(self.done.get() + 1);
            match call {
                Some(Fails(kind)) => Err(kind.into()),
                Some(Short(most)) => Ok(asked.min(most)),
                None => Ok(asked),
            }
        }
    }

    impl FileExt for Flaky {
        fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
            let most = self.most(buffer.len())?;
            let bytes = self.bytes.borrow();
            let from = bytes.get(usize::try_from(offset).unwrap()..).unwrap_or_default();
            let count = most.min(from.len());
            buffer[..count].copy_from_slice(&from[..count]);
            Ok(count)
        }

        fn write_at(&self, buffer: &[u8], offset: u64) -> io::Result<usize> {
            let count = self.most(buffer.len())?;
            let offset = usize::try_from(offset).unwrap();
            self.bytes.borrow_mut()[offset..offset + count].copy_from_slice(&buffer[..count]);
            Ok(count)
        }
    }

    #[test]
    fn interrupted_and_short_calls_are_repeated_and_other_failures_are_not() {
        let rows: [(&[Call], Result<usize, io::ErrorKind>); 5] = [
            (&[], Ok(1)),
            (&[Fails(Interrupted), Fails(Interrupted)], Ok(3)),
            (&[Short(2), Fails(Interrupted), Short(1), Short(3)], Ok(5)),
            (&[Short(3), Fails(StorageFull)], Err(StorageFull)),
            (&[Fails(Interrupted), Short(3), Fails(io::ErrorKind::Other)], Err(io::ErrorKind::Other)),
        ];
        for (calls, expected) in rows {
            let file = Flaky::new(b"--------..", calls);
            let written = write_all(&file, b"12345678", 1).map(|()| file.done.get());
            assert_eq!(written.map_err(|error| error.kind()), expected, "write");
            let all = if expected.is_ok() { b"-12345678." } else { b"-123----.." };
            assert_eq!(file.bytes.borrow().as_slice(), all);

            let file = Flaky::new(b"-12345678.", calls);
            let mut buffer = [0; 8];
            let read = read_as_far_as_it_goes(&file, &mut buffer, 1);
            let read = read.map(|count| (count, file.done.get())).map_err(|error| error.kind());
            assert_eq!(read, expected.map(|calls| (8, calls)), "read");
            assert_eq!(&buffer, if expected.is_ok() { b"12345678" } else { b"123\0\0\0\0\0" });
        }
        // Where nothing more can be written, that is an error; where nothing more can be read, the file ends.
        let file = Flaky::new(b"--------..", &[Short(3), Short(0)]);
        assert_eq!(write_all(&file, b"12345678", 0).unwrap_err().kind(), WriteZero);
        let file = Flaky::new(b"-123", &[Short(2), Fails(Interrupted)]);
        assert_eq!(read_as_far_as_it_goes(&file, &mut [0; 8], 1).unwrap(), 3);
    }
}
