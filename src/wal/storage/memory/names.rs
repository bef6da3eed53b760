//! The names in a directory in memory: as they are listed, as they are on disk, and what was done between.

use alloc::{collections::BTreeMap, string::String, vec::Vec};

use super::data::Fate;
use crate::wal::storage::Operation;

/// Names by which files are found; the files themselves are numbers.
#[derive(Clone, Default)]
pub(super) struct Names {
    live: ByName,
    /// What the disk had before the changes.
    disk: ByName,
    /// In the order in which they were made; the first is not known to be on disk.
    changes: Vec<Change>,
}

type ByName = BTreeMap<String, u64>;

#[derive(Clone)]
struct Change {
    number: u64,
    what: What,
    fate: Fate,
}

#[derive(Clone)]
enum What {
    Create { name: String, id: u64 },
    Rename { from: String, to: String, id: u64 },
    Remove { name: String },
}

impl Names {
    pub(super) fn all(&self) -> impl Iterator<Item = (&String, u64)> {
        self.live.iter().map(|(name, id)| (name, *id))
    }

    pub(super) fn find(&self, name: &str) -> Option<u64> {
        self.live.get(name).copied()
    }

    pub(super) fn create(&mut self, name: &str, id: u64, number: u64) {
        self.change(number, What::Create { name: name.into(), id });
    }

    pub(super) fn rename(&mut self, from: &str, to: &str, id: u64, number: u64) {
        self.change(number, What::Rename { from: from.into(), to: to.into(), id });
    }

    pub(super) fn remove(&mut self, name: &str, number: u64) {
        self.change(number, What::Remove { name: name.into() });
    }

    /// Gives a file its name, on disk.
    pub(super) fn put(&mut self, name: &str, id: u64) {
        self.take(name);
        self.live.insert(name.into(), id);
        self.disk.insert(name.into(), id);
    }

    /// Takes a name away, on disk too, and whatever was done with it.
    pub(super) fn take(&mut self, name: &str) {
        self.live.remove(name);
        self.disk.remove(name);
        self.changes.retain(|change| match &change.what {
            What::Create { name: of, .. } | What::Remove { name: of } => of != name,
            What::Rename { from, to, .. } => from != name && to != name,
        });
    }

    pub(super) fn sync(&mut self) {
        self.end_wait(Fate::OnDisk);
        let known = self.changes.iter().take_while(|change| change.fate == Fate::OnDisk).count();
        for change in self.changes.drain(..known) {
            change.what.apply(&mut self.disk);
        }
    }

    /// What waited looks as if it were on disk from here on.
    pub(super) fn sync_failed(&mut self) {
        self.end_wait(Fate::GivenUp);
    }

    /// Loses whatever is not known to be on disk.
    pub(super) fn cut_power(&mut self) {
        self.disk = self.image(|_| false);
        self.live = self.disk.clone();
        self.changes.clear();
    }

    /// What is not known to be on disk.
    pub(super) fn waiting(&self) -> impl Iterator<Item = (u64, Operation)> {
        self.changes.iter().filter(|change| change.fate != Fate::OnDisk).map(|change| {
            let operation = match change.what {
                What::Create { .. } => Operation::Create,
                What::Rename { .. } => Operation::Rename,
                What::Remove { .. } => Operation::Remove,
            };
            (change.number, operation)
        })
    }

    /// The names as the disk has them where these changes, by their numbers, have reached it.
    pub(super) fn image(&self, kept: impl Fn(u64) -> bool) -> ByName {
        let mut image = self.disk.clone();
        for change in &self.changes {
            if change.fate == Fate::OnDisk || kept(change.number) {
                change.what.apply(&mut image);
            }
        }
        image
    }

    fn change(&mut self, number: u64, what: What) {
        what.apply(&mut self.live);
        self.changes.push(Change { number, what, fate: Fate::Waiting });
    }

    fn end_wait(&mut self, fate: Fate) {
        for change in self.changes.iter_mut().filter(|change| change.fate == Fate::Waiting) {
            change.fate = fate;
        }
    }
}

impl What {
    fn apply(&self, names: &mut ByName) {
        match self {
            Self::Create { name, id } => {
                names.insert(name.clone(), *id);
            }
            Self::Rename { from, to, id } => {
                names.remove(from);
                names.insert(to.clone(), *id);
            }
            Self::Remove { name } => {
                names.remove(name);
            }
        }
    }
}
