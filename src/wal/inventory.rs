//! Which files a log has. FORMAT 6.1.

use alloc::{collections::BTreeSet, vec::Vec};

use super::{
    error::ReadError,
    segment::FileKind,
    storage::{FileName, Storage},
};

/// The segments of a log by their names; nothing of them is read.
pub(super) struct Inventory {
    /// Numbers of segments, one at least.
    pub(super) segments: BTreeSet<u32>,
    /// Numbers of segments whose creation did not end.
    pub(super) unfinished: Vec<u32>,
}

impl Inventory {
    pub(super) fn take(storage: &dyn Storage) -> Result<Self, ReadError> {
        let names = storage.list().map_err(|error| {
            if error.is_missing() { ReadError::Missing } else { ReadError::Storage(error) }
        })?;
        let mut inventory = Self { segments: BTreeSet::new(), unfinished: Vec::new() };
        for name in &names {
            match FileKind::of(name) {
                Some(FileKind::Segment(number)) => {
                    inventory.segments.insert(number);
                }
                Some(FileKind::Unfinished(number)) => inventory.unfinished.push(number),
                None => return Err(ReadError::Foreign { name: FileName::new(name) }),
            }
        }
        if inventory.segments.is_empty() { Err(ReadError::Empty) } else { Ok(inventory) }
    }

    /// The last segment's number.
    pub(super) fn last(&self) -> u32 {
        self.segments.last().copied().unwrap_or(1)
    }

    /// The first number up to the last that no segment has.
    pub(super) fn gap(&self) -> Option<u32> {
        (1..=self.last()).zip(&self.segments).find(|(number, segment)| number != *segment).map(|(n, _)| n)
    }
}
