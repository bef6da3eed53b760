//! Files in memory with a look at them before every call that changes them.

use std::sync::Arc;

use assize::wal::storage::{Access, Memory, Operation, Storage, StorageError, StorageFile, StorageLock};

/// Shown the files before each change, and which it will be.
pub type Watch = Arc<dyn Fn(&Memory, Operation) + Send + Sync>;

pub struct Watched {
    pub memory: Memory,
    pub watch: Watch,
}

struct File {
    file: Box<dyn StorageFile>,
    memory: Memory,
    watch: Watch,
}

impl Watched {
    fn look(&self, operation: Operation) {
        (self.watch)(&self.memory, operation);
    }

    fn file(&self, file: Box<dyn StorageFile>) -> Box<dyn StorageFile> {
        Box::new(File { file, memory: self.memory.clone(), watch: Arc::clone(&self.watch) })
    }
}

impl Storage for Watched {
    fn establish(&self) -> Result<(), StorageError> {
        self.memory.establish()
    }

    fn lock(&self) -> Result<Box<dyn StorageLock>, StorageError> {
        self.memory.lock()
    }

    fn list(&self) -> Result<Vec<String>, StorageError> {
        self.memory.list()
    }

    fn create(&self, name: &str) -> Result<Box<dyn StorageFile>, StorageError> {
        self.look(Operation::Create);
        Ok(self.file(self.memory.create(name)?))
    }

    fn open(&self, name: &str, access: Access) -> Result<Box<dyn StorageFile>, StorageError> {
        Ok(self.file(self.memory.open(name, access)?))
    }

    fn rename(&self, from: &str, to: &str) -> Result<(), StorageError> {
        self.look(Operation::Rename);
        self.memory.rename(from, to)
    }

    fn remove(&self, name: &str) -> Result<(), StorageError> {
        self.look(Operation::Remove);
        self.memory.remove(name)
    }

    fn sync_dir(&self) -> Result<(), StorageError> {
        self.look(Operation::SyncDir);
        self.memory.sync_dir()
    }
}

impl StorageFile for File {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize, StorageError> {
        self.file.read_at(buffer, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> Result<(), StorageError> {
        (self.watch)(&self.memory, Operation::Write);
        self.file.write_at(bytes, offset)
    }

    fn sync_data(&self) -> Result<(), StorageError> {
        (self.watch)(&self.memory, Operation::Sync);
        self.file.sync_data()
    }

    fn set_len(&self, bytes: u64) -> Result<(), StorageError> {
        (self.watch)(&self.memory, Operation::SetLen);
        self.file.set_len(bytes)
    }

    fn size(&self) -> Result<u64, StorageError> {
        self.file.size()
    }
}
