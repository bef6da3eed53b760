//! A log's files as bytes: altered, cut, put elsewhere, and read without being copied.

use std::{collections::BTreeMap, io, sync::Arc};

use assize::wal::storage::{
    Access, Cause, Memory, Operation, Storage, StorageError, StorageFile, StorageLock,
};

/// The files of a log. Copies share them, so that altering one costs one file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Image {
    files: BTreeMap<String, Arc<Vec<u8>>>,
}

impl Image {
    pub fn of(memory: &Memory) -> Self {
        let file = |name: String| {
            let bytes = memory.bytes(&name).unwrap();
            (name, Arc::new(bytes))
        };
        Self { files: memory.names().into_iter().map(file).collect() }
    }

    /// The files of a log that was just written, up to their last frames: without the zeros that were written ahead.
    pub fn of_frames(memory: &Memory) -> Self {
        let mut image = Self::of(memory);
        for bytes in image.files.values_mut().map(Arc::make_mut) {
            let end = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
            bytes.truncate(end.next_multiple_of(8));
        }
        image
    }

    pub fn segment(&self, number: u32) -> &Vec<u8> {
        &self.files[&name_of(number)]
    }

    /// The last segment's number.
    pub fn last(&self) -> u32 {
        self.numbers().last().unwrap_or(0)
    }

    pub fn segments(&self) -> impl Iterator<Item = (u32, &Vec<u8>)> {
        self.numbers().map(|number| (number, self.segment(number)))
    }

    /// The numbers of the segments that are there.
    fn numbers(&self) -> impl Iterator<Item = u32> {
        self.files.keys().filter_map(|name| name.strip_suffix(".seg")?.parse().ok())
    }

    /// The same without these segments.
    pub fn without_all(&self, numbers: impl IntoIterator<Item = u32>) -> Self {
        numbers.into_iter().fold(self.clone(), |image, number| image.without(number))
    }

    pub fn has(&self, number: u32) -> bool {
        self.files.contains_key(&name_of(number))
    }

    /// The same with other bytes in one segment.
    pub fn with(&self, number: u32, bytes: Vec<u8>) -> Self {
        self.with_file(&name_of(number), bytes)
    }

    pub fn with_file(&self, name: &str, bytes: Vec<u8>) -> Self {
        let mut files = self.files.clone();
        files.insert(name.into(), Arc::new(bytes));
        Self { files }
    }

    pub fn without(&self, number: u32) -> Self {
        let mut files = self.files.clone();
        files.remove(&name_of(number)).unwrap();
        Self { files }
    }

    /// The same up to that many bytes of that segment, and nothing after it.
    pub fn cut(&self, number: u32, bytes: usize) -> Self {
        let mut files = self.files.clone();
        files.retain(|name, _| *name <= name_of(number));
        files.insert(name_of(number), Arc::new(self.segment(number)[..bytes].to_vec()));
        Self { files }
    }

    /// Files in memory, for writing.
    pub fn memory(&self) -> Memory {
        let memory = Memory::new();
        for (name, bytes) in &self.files {
            memory.replace(name, bytes);
        }
        memory
    }

    /// The same for reading, with some bytes of one segment replaced.
    pub fn patched(&self, number: u32, patches: Vec<(usize, Vec<u8>)>) -> Reading {
        let patched = Arc::new(Patched { name: name_of(number), patches });
        Reading { image: self.clone(), patched }
    }

    /// For reading, as it is.
    pub fn reading(&self) -> Reading {
        self.patched(0, Vec::new())
    }
}

pub fn name_of(number: u32) -> String {
    format!("{number:08}.seg")
}

/// What stands where in one file.
struct Patched {
    name: String,
    patches: Vec<(usize, Vec<u8>)>,
}

/// A storage that can be read and not written.
pub struct Reading {
    image: Image,
    patched: Arc<Patched>,
}

impl Storage for Reading {
    fn establish(&self) -> Result<(), StorageError> {
        Err(read_only(Operation::Establish, ""))
    }

    fn lock(&self) -> Result<Box<dyn StorageLock>, StorageError> {
        Err(read_only(Operation::Lock, ""))
    }

    fn list(&self) -> Result<Vec<String>, StorageError> {
        Ok(self.image.files.keys().cloned().collect())
    }

    fn create(&self, name: &str) -> Result<Box<dyn StorageFile>, StorageError> {
        Err(read_only(Operation::Create, name))
    }

    fn open(&self, name: &str, access: Access) -> Result<Box<dyn StorageFile>, StorageError> {
        if access != Access::Read {
            return Err(read_only(Operation::Open, name));
        }
        let missing = || failed(Operation::Open, name, io::ErrorKind::NotFound);
        let bytes = Arc::clone(self.image.files.get(name).ok_or_else(missing)?);
        let patched = (self.patched.name == name).then(|| Arc::clone(&self.patched));
        Ok(Box::new(File { bytes, patched }))
    }

    fn rename(&self, from: &str, _: &str) -> Result<(), StorageError> {
        Err(read_only(Operation::Rename, from))
    }

    fn remove(&self, name: &str) -> Result<(), StorageError> {
        Err(read_only(Operation::Remove, name))
    }

    fn sync_dir(&self) -> Result<(), StorageError> {
        Err(read_only(Operation::SyncDir, ""))
    }
}

struct File {
    bytes: Arc<Vec<u8>>,
    patched: Option<Arc<Patched>>,
}

impl StorageFile for File {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize, StorageError> {
        let from = (offset as usize).min(self.bytes.len());
        let read = buffer.len().min(self.bytes.len() - from);
        buffer[..read].copy_from_slice(&self.bytes[from..from + read]);
        for (at, bytes) in self.patched.iter().flat_map(|patched| &patched.patches) {
            for (place, byte) in (*at..).zip(bytes) {
                if (from..from + read).contains(&place) {
                    buffer[place - from] = *byte;
                }
            }
        }
        Ok(read)
    }

    fn write_at(&self, _: &[u8], _: u64) -> Result<(), StorageError> {
        Err(read_only(Operation::Write, ""))
    }

    fn sync_data(&self) -> Result<(), StorageError> {
        Err(read_only(Operation::Sync, ""))
    }

    fn set_len(&self, _: u64) -> Result<(), StorageError> {
        Err(read_only(Operation::SetLen, ""))
    }

    fn size(&self) -> Result<u64, StorageError> {
        Ok(self.bytes.len() as u64)
    }
}

fn read_only(operation: Operation, name: &str) -> StorageError {
    failed(operation, name, io::ErrorKind::PermissionDenied)
}

fn failed(operation: Operation, name: &str, kind: io::ErrorKind) -> StorageError {
    StorageError::new(operation, name, Cause::Io(kind))
}
