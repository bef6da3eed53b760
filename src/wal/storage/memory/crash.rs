//! What a power cut may leave of files in memory.

use alloc::{collections::BTreeMap, vec::Vec};

use super::{
    Files, Memory,
    data::{Data, Disk, Fate, Part},
    names::Names,
};
use crate::wal::storage::Operation;

/// Everything that a power cut at one moment may leave: what was synced by then, and any part of the rest.
///
/// What was not synced is taken apart into [`Piece`]s, each of which reaches the disk or does not, whatever becomes of
/// the others: sectors or pages of writes, lengths of files, and creations, renames and removals, which are whole or
/// not at all. Later pieces can be on disk where earlier ones are not; those that are, took effect in their order.
/// Where a file's bytes are on disk and its length is not, the file ends with them; where it is the other way round,
/// zeros stand for the bytes. A file that has lost its name is gone.
///
/// What was waiting when a sync of its file, or of the directory, failed can be lost for good: it is read as it was written
/// and later syncs pass it over, as if it were on disk, so it stays a piece until it is written again, or the name given
/// again, and synced.
#[derive(Clone)]
pub struct Crash {
    names: Names,
    disks: BTreeMap<u64, Disk>,
}

/// How much of a write reaches the disk at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// 512 bytes of the file, at a multiple of that.
    Sector,
    /// 4,096 bytes of the file, at a multiple of that.
    Page,
}

impl Unit {
    /// Its size.
    #[must_use]
    pub const fn bytes(self) -> usize {
        match self {
            Self::Sector => 512,
            Self::Page => 4096,
        }
    }
}

/// Something that was done and may or may not have reached the disk by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    number: u64,
    /// `None` of a name.
    part: Option<Part>,
    operation: Operation,
}

impl Piece {
    /// [`Operation::Write`] for bytes written, [`Operation::SetLen`] for a file's length, also where it grew by being
    /// written to; [`Operation::Create`], [`Operation::Rename`] or [`Operation::Remove`] for a name.
    #[must_use]
    pub fn operation(&self) -> Operation {
        self.operation
    }
}

impl Crash {
    pub(super) fn of(files: &Files) -> Self {
        let disks = files.data.iter().map(|(id, data)| (*id, data.disk.clone())).collect();
        Self { names: files.names.clone(), disks }
    }

    /// What is not known to be on disk, in the order in which it was done; the length of a file that grew stands before
    /// the bytes that it grew by.
    #[must_use]
    pub fn pieces(&self, unit: Unit) -> Vec<Piece> {
        let mut pieces: Vec<_> =
            self.names.waiting().map(|(number, operation)| Piece { number, part: None, operation }).collect();
        for change in self.disks.values().flat_map(|disk| &disk.changes) {
            if change.fate == Fate::OnDisk {
                continue;
            }
            pieces.extend(change.parts(unit.bytes()).into_iter().map(|part| {
                let operation = if part == Part::Length { Operation::SetLen } else { Operation::Write };
                Piece { number: change.number, part: Some(part), operation }
            }));
        }
        pieces.sort_by_key(|piece| piece.number);
        pieces
    }

    /// The files as they are found where, of what was not synced, these pieces have reached the disk. They share
    /// nothing with those of the crash, which can be asked again.
    #[must_use]
    pub fn image<'a>(&self, kept: impl IntoIterator<Item = &'a Piece>) -> Memory {
        let mut parts: BTreeMap<u64, Vec<Part>> = BTreeMap::new();
        for piece in kept {
            parts.entry(piece.number).or_default().extend(piece.part.clone());
        }
        let by_name = self.names.image(|number| parts.contains_key(&number));
        let mut files = Files { established: true, ..Files::default() };
        for (name, id) in by_name {
            let bytes = self.disks.get(&id).map(|disk| disk.image(|number| parts.get(&number)));
            files.put(&name, Data::on_disk(bytes.unwrap_or_default()));
        }
        Memory::of(files)
    }
}
