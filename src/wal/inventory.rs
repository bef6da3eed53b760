//! Which files a log has. FORMAT 6.1.

use alloc::{collections::BTreeSet, vec::Vec};

use super::{
    error::{Place, ReadError},
    retention::Retention,
    segment::FileKind,
    storage::{FileName, Storage},
};
use crate::id::Sequence;

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

    /// The first segment's number.
    pub(super) fn first(&self) -> u32 {
        self.segments.first().copied().unwrap_or(1)
    }

    /// The last segment's number.
    pub(super) fn last(&self) -> u32 {
        self.segments.last().copied().unwrap_or(1)
    }

    /// The first segment that is missing and that may not be, by the last retention.
    pub(super) fn missing(&self, kept: Option<&Retention>) -> Option<Place> {
        let (from, sequence) = kept.map_or((1, Sequence(0)), |kept| (kept.first_segment, kept.through));
        let segment = (from..=self.last()).find(|number| !self.segments.contains(number))?;
        // What comes before a later one is not known here.
        let sequence = if segment == from { sequence } else { Sequence(0) };
        Some(Place { segment, sequence, offset: 0 })
    }

    /// The first number from which on no segment is missing.
    pub(super) fn whole_from(&self) -> u32 {
        let down = (1..=self.last()).rev().zip(self.segments.iter().rev());
        down.take_while(|(number, segment)| number == *segment).last().map_or(1, |(number, _)| number)
    }
}
