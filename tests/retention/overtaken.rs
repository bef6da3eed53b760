//! A retention that deletes segments while they are replayed.

use assize::{
    audit::{self, AuditOptions, Observer, Problem},
    wal::{
        ReadError, ReadOptions,
        storage::{Access, Memory, Operation, Storage, StorageError, StorageFile, StorageLock},
    },
};

use crate::{
    battery::{host::key, log::replay},
    named,
};

/// Files of which those of segments before that one are deleted once so many were opened.
struct Deleting {
    memory: Memory,
    first_kept: u32,
    opens: u64,
}

impl Storage for Deleting {
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
        self.memory.create(name)
    }

    fn open(&self, name: &str, access: Access) -> Result<Box<dyn StorageFile>, StorageError> {
        let file = self.memory.open(name, access)?;
        if self.memory.count(Operation::Open) >= self.opens {
            (1..self.first_kept).for_each(|number| self.memory.take(&format!("{number:08}.seg")));
        }
        Ok(file)
    }

    fn rename(&self, from: &str, to: &str) -> Result<(), StorageError> {
        self.memory.rename(from, to)
    }

    fn remove(&self, name: &str) -> Result<(), StorageError> {
        self.memory.remove(name)
    }

    fn sync_dir(&self) -> Result<(), StorageError> {
        self.memory.sync_dir()
    }
}

#[test]
fn a_replay_that_is_overtaken_begins_anew_unless_somebody_looked_on() {
    struct Looker;
    impl Observer for Looker {}
    let log = named(5, 4);
    let whole = replay(&log.reading(), ReadOptions::default()).unwrap();
    let replayed = |observer: Option<&mut dyn Observer>| {
        // For an observer, all five are opened to tell their sizes. Then the first is: through its handle, it is read to
        // its end.
        let opens = if observer.is_some() { 6 } else { 1 };
        let storage = Deleting { memory: log.memory(), first_kept: 4, opens };
        audit::replay(&storage, &[&key()], AuditOptions { observer, ..AuditOptions::default() })
    };
    let report = replayed(None).unwrap();
    assert_eq!((report.ledger, report.summary.pruned.unwrap().first_segment), (whole.ledger, 4));
    assert_eq!(report.accounts, whole.accounts);
    // As if it had begun there: nothing of the first beginning is counted.
    let pruned = replay(&log.without_all(1..4).reading(), ReadOptions::default()).unwrap();
    assert_eq!((report.checkpoints, report.calls), (pruned.checkpoints, pruned.calls));
    let error = replayed(Some(&mut Looker)).unwrap_err();
    assert_eq!(error.problem, Problem::Read(ReadError::Overtaken { segment: 2 }));
}
