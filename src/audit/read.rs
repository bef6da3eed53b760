//! Reading a log from its first frame to its last.

use alloc::vec::Vec;
use core::num::NonZeroUsize;

use super::Threads;
use super::error::{AuditError, Good, Problem};
use super::observer::{Observer, Progress};
use crate::crypto::RootKey;
use crate::limits::READ_BEGINNINGS_MAX;
use crate::wal::storage::{Access, Storage};
use crate::wal::{FrameView, Part, ReadError, ReadOptions, Reader, Summary, read_parts};

/// Where frames come from.
pub(super) struct Source<'a> {
    pub(super) storage: &'a dyn Storage,
    pub(super) keys: &'a [&'a RootKey],
    pub(super) read: ReadOptions,
    pub(super) threads: Threads,
}

/// What one segment has shown that was read by itself.
pub(super) trait FromPart: Sized + Send {
    /// Reads a segment to its end; `None` where something does not hold.
    fn read(part: &mut Part<'_>) -> Option<Self>;
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

    /// Forgets what was taken, if nobody was shown any of it.
    fn begin_anew(&mut self) -> bool;
}

impl Source<'_> {
    /// Gives every frame to `taker`; from the first again where a retention deletes what was to be read. FORMAT 8.8.
    pub(super) fn read_all<T: Take>(&self, taker: &mut T) -> Result<Summary, T::Error> {
        let mut beginnings_left = READ_BEGINNINGS_MAX;
        loop {
            beginnings_left = beginnings_left.saturating_sub(1);
            match self.read_once(taker)? {
                Ok(summary) => return Ok(summary),
                Err(ReadError::Overtaken { .. }) if beginnings_left > 0 && taker.begin_anew() => {}
                Err(error) => {
                    return Err(
                        AuditError { problem: Problem::Read(error), at: None, good: taker.good() }.into()
                    );
                }
            }
        }
    }

    /// The same, once; inside, what reading came to.
    fn read_once<T: Take>(&self, taker: &mut T) -> Result<Result<Summary, ReadError>, T::Error> {
        let mut told = Told { bytes: 0, bytes_last: 0, bytes_total: 0 };
        if taker.observer().is_some() {
            told.bytes_total = self.size_bytes();
        }
        let mut reader = match Reader::open(self.storage, self.keys, self.read) {
            Ok(reader) => reader,
            Err(error) => return Ok(Err(error)),
        };
        loop {
            let frame = match reader.next_frame() {
                Ok(Some(frame)) => frame,
                Ok(None) => break,
                Err(error) => return Ok(Err(error)),
            };
            taker.take(&frame)?;
            told.bytes = told.bytes.saturating_add(frame.bytes);
            if told.bytes.saturating_sub(told.bytes_last) >= TOLD_EVERY_BYTES {
                told.tell(taker);
            }
        }
        let summary = reader.finish();
        if summary.is_ok() {
            told.tell(taker);
        }
        Ok(summary)
    }

    /// Reads all segments at once, if the observer is content with that. `None` where something does not hold, or one
    /// segment is all: reading in order says what, and where.
    pub(super) fn read_at_once<P: FromPart>(
        &self,
        observer: &mut Option<&mut dyn Observer>,
    ) -> Option<(Summary, Vec<P>)> {
        if self.threads.0 == NonZeroUsize::MIN
            || observer.as_ref().is_some_and(|observer| observer.sees_records())
        {
            return None;
        }
        let bytes_total = if observer.is_some() { self.size_bytes() } else { 0 };
        let mut progress = Progress { records: 0, bytes: 0, bytes_total };
        read_parts(self.storage, self.keys, &self.read, self.threads.0, P::read, |records, bytes| {
            progress.records = progress.records.saturating_add(records);
            progress.bytes = progress.bytes.saturating_add(bytes);
            if let Some(observer) = observer {
                observer.progress(progress);
            }
        })
    }

    /// What cannot be read here is for the reader to say.
    fn size_bytes(&self) -> u64 {
        let names = self.storage.list().unwrap_or_default();
        let sizes = names.iter().filter_map(|name| self.storage.open(name, Access::Read).ok()?.size().ok());
        sizes.fold(0, u64::saturating_add)
    }
}

impl Good {
    /// Notes where a log begins, by its first frame.
    pub(super) fn begin(&mut self, first: &FrameView<'_>) {
        if first.segment > 1 {
            (self.records, self.pruned_through) = (first.sequence.0, Some(first.sequence));
        }
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
        let Good { records, pruned_through, .. } = taker.good();
        let records = records.saturating_sub(pruned_through.map_or(0, |through| through.0));
        let progress = Progress { records, bytes: self.bytes, bytes_total: self.bytes_total };
        if let Some(observer) = taker.observer() {
            observer.progress(progress);
        }
    }
}

/// Bytes after which the observer is told again.
const TOLD_EVERY_BYTES: u64 = 1 << 20;
