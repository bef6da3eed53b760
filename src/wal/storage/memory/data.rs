//! One file in memory: what is read of it, what is known to be on disk, and what may be.

use alloc::{sync::Arc, vec::Vec};
use core::ops::Range;

/// A file's bytes as they are read, and the changes of which the disk may have any.
#[derive(Clone, Default)]
pub(super) struct Data {
    /// Shared with crashes and copies until it is written to.
    pub(super) live: Arc<Vec<u8>>,
    pub(super) disk: Disk,
}

/// What the disk has of one file.
#[derive(Clone, Default)]
pub(super) struct Disk {
    /// What it had before the changes.
    base: Arc<Vec<u8>>,
    /// In the order in which they were made; the first is not known to be on disk.
    pub(super) changes: Vec<Change>,
}

#[derive(Clone)]
pub(super) struct Change {
    pub(super) number: u64,
    pub(super) what: What,
    pub(super) fate: Fate,
}

#[derive(Clone)]
pub(super) enum What {
    Write {
        start: usize,
        bytes: Arc<[u8]>,
        /// Whether the file grew by it.
        grew: bool,
    },
    SetLen(usize),
}

/// Whether a change is on disk.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// The next sync puts it there; until then nobody knows.
    Waiting,
    /// The sync that should have put it there failed, and no later one tries again: nobody will know.
    GivenUp,
    /// It is; one before it may not be.
    OnDisk,
}

/// A part of a change that reaches the disk, or does not, by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// The file's length.
    Length,
    /// These bytes of the file.
    Bytes(Range<usize>),
}

impl Data {
    pub(super) fn on_disk(bytes: Arc<Vec<u8>>) -> Self {
        Self { live: Arc::clone(&bytes), disk: Disk { base: bytes, changes: Vec::new() } }
    }

    pub(super) fn write(&mut self, bytes: &[u8], start: usize, number: u64) {
        if bytes.is_empty() {
            return;
        }
        let grew = start.saturating_add(bytes.len()) > self.live.len();
        put(Arc::make_mut(&mut self.live), start, bytes);
        self.disk.push(number, What::Write { start, bytes: bytes.into(), grew });
    }

    pub(super) fn set_len(&mut self, len: usize, number: u64) {
        Arc::make_mut(&mut self.live).resize(len, 0);
        self.disk.push(number, What::SetLen(len));
    }

    pub(super) fn sync(&mut self) {
        self.disk.end_wait(Fate::OnDisk);
        let known = self.disk.changes.iter().take_while(|change| change.fate == Fate::OnDisk).count();
        if known == 0 {
            return;
        }
        let base = Arc::make_mut(&mut self.disk.base);
        for change in self.disk.changes.drain(..known) {
            change.apply(base);
        }
    }

    /// What waited looks as if it were on disk from here on.
    pub(super) fn sync_failed(&mut self) {
        self.disk.end_wait(Fate::GivenUp);
    }

    /// Loses whatever is not known to be on disk.
    pub(super) fn cut_power(&mut self) {
        *self = Self::on_disk(self.disk.image(|_| None));
    }
}

impl Disk {
    fn push(&mut self, number: u64, what: What) {
        self.changes.push(Change { number, what, fate: Fate::Waiting });
    }

    fn end_wait(&mut self, fate: Fate) {
        for change in self.changes.iter_mut().filter(|change| change.fate == Fate::Waiting) {
            change.fate = fate;
        }
    }

    /// The file as the disk has it where of every change, by its number, these parts have reached it.
    pub(super) fn image<'a>(&self, kept: impl Fn(u64) -> Option<&'a Vec<Part>>) -> Arc<Vec<u8>> {
        let mut image = Arc::clone(&self.base);
        for change in &self.changes {
            if change.fate == Fate::OnDisk {
                change.apply(Arc::make_mut(&mut image));
            } else if let Some(parts) = kept(change.number) {
                for part in parts {
                    change.apply_part(part, Arc::make_mut(&mut image));
                }
            }
        }
        image
    }
}

impl Change {
    fn apply(&self, bytes: &mut Vec<u8>) {
        match &self.what {
            What::Write { start, bytes: written, .. } => put(bytes, *start, written),
            What::SetLen(len) => bytes.resize(*len, 0),
        }
    }

    fn apply_part(&self, part: &Part, bytes: &mut Vec<u8>) {
        match (&self.what, part) {
            (What::SetLen(len), Part::Length) => bytes.resize(*len, 0),
            (What::Write { start, bytes: written, .. }, Part::Length) => {
                let end = start.saturating_add(written.len());
                bytes.resize(bytes.len().max(end), 0);
            }
            (What::Write { start, bytes: written, .. }, Part::Bytes(range)) => {
                let from = range.start.saturating_sub(*start)..range.end.saturating_sub(*start);
                put(bytes, range.start, written.get(from).unwrap_or_default());
            }
            (What::SetLen(_), Part::Bytes(_)) => {}
        }
    }

    /// Its parts: that the file grows, and its bytes up to each multiple of `unit`.
    pub(super) fn parts(&self, unit: usize) -> Vec<Part> {
        let What::Write { start, bytes, grew } = &self.what else { return alloc::vec![Part::Length] };
        let mut parts = Vec::new();
        if *grew {
            parts.push(Part::Length);
        }
        let end = start.saturating_add(bytes.len());
        let mut at = *start;
        while at < end {
            let next = at.saturating_add(1).next_multiple_of(unit).min(end);
            parts.push(Part::Bytes(at..next));
            at = next;
        }
        parts
    }
}

/// Writes `written` at `start`, with zeros between where it stands past the end.
fn put(bytes: &mut Vec<u8>, start: usize, written: &[u8]) {
    let end = start.saturating_add(written.len());
    if bytes.len() < end {
        bytes.resize(end, 0);
    }
    if let Some(place) = bytes.get_mut(start..end) {
        place.copy_from_slice(written);
    }
}
