//! Reading a log from its first frame to its last.

use super::error::{AuditError, Good, Problem};
use super::observer::{Observer, Progress};
use crate::crypto::RootKey;
use crate::wal::storage::{Access, Storage};
use crate::wal::{FrameView, ReadError, ReadOptions, Reader, Summary};

/// Where frames come from.
pub(super) struct Source<'a> {
    pub(super) storage: &'a dyn Storage,
    pub(super) keys: &'a [&'a RootKey],
    pub(super) read: ReadOptions,
}

/// Who takes verified frames, in order.
pub(super) trait Take {
    /// Why it takes no more.
    type Error: From<AuditError>;

    /// Takes the next frame.
    fn take(&mut self, frame: &FrameView<'_>) -> Result<(), Self::Error>;

    /// How much holds so far.
    fn good(&self) -> Good;

    /// Who looks on.
    fn observer(&mut self) -> Option<&mut dyn Observer>;
}

impl Source<'_> {
    /// Gives every frame to `taker`.
    pub(super) fn read_all<T: Take>(&self, taker: &mut T) -> Result<Summary, T::Error> {
        let failed = |error: ReadError, good| AuditError { problem: Problem::Read(error), at: None, good };
        let mut told = Told { bytes: 0, bytes_last: 0, bytes_total: 0 };
        if taker.observer().is_some() {
            told.bytes_total = self.size_bytes();
        }
        let opened = Reader::open(self.storage, self.keys, self.read);
        let mut reader = opened.map_err(|error| failed(error, taker.good()))?;
        while let Some(frame) = reader.next_frame().map_err(|error| failed(error, taker.good()))? {
            taker.take(&frame)?;
            told.bytes = told.bytes.saturating_add(frame.bytes);
            if told.bytes.saturating_sub(told.bytes_last) >= TOLD_EVERY_BYTES {
                told.tell(taker);
            }
        }
        let summary = reader.finish().map_err(|error| failed(error, taker.good()))?;
        told.tell(taker);
        Ok(summary)
    }

    /// What cannot be read here is for the reader to say.
    fn size_bytes(&self) -> u64 {
        let names = self.storage.list().unwrap_or_default();
        let sizes = names.iter().filter_map(|name| self.storage.open(name, Access::Read).ok()?.size().ok());
        sizes.fold(0, u64::saturating_add)
    }
}

/// How far the observer was told that the reading is.
struct Told {
    bytes: u64,
    bytes_last: u64,
    bytes_total: u64,
}

impl Told {
    fn tell(&mut self, taker: &mut impl Take) {
        self.bytes_last = self.bytes;
        let progress =
            Progress { records: taker.good().records, bytes: self.bytes, bytes_total: self.bytes_total };
        if let Some(observer) = taker.observer() {
            observer.progress(progress);
        }
    }
}

/// Bytes after which the observer is told again.
const TOLD_EVERY_BYTES: u64 = 1 << 20;
