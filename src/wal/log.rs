//! The log for its one writer.

use alloc::{boxed::Box, sync::Arc, vec::Vec};
use core::marker::PhantomData;

use super::{
    anchor::Anchor,
    error::{
        AppendError, ChangeKeyError, CreateError, Failure, Fault, OpenError, Place, ReadError, WaitError,
    },
    evolving::{EvolvingKey, StateError},
    fold::Fold,
    frame::{self, Envelope, FrameHead},
    group::{Durability, Group},
    inventory::Inventory,
    key::{Held, Keying, LogKey, NoKey},
    recovery::{Demands, LastSegment},
    segment::FileKind,
    storage::{Storage, StorageError},
    writer::{self, Location, OpenSegment, Writer},
};
use crate::{
    id::{LogId, Sequence},
    limits::PAYLOAD_BYTES_MAX,
    num::Timestamp,
    sync::Mutex,
};

mod keep;
mod options;
mod report;
mod retain;
#[cfg(feature = "tokio")]
mod tasks;

pub use options::{CreateOptions, Level, LogOptions, OpenOptions};
pub use report::{Cut, Progress, Recovery, Stats};
pub use retain::Retained;

/// A log open for writing; `F` is the state that its records build, `K` what it is written under: a key, unless the log
/// is an [`UnkeyedLog`].
///
/// All methods but `close` take `&self` and may be called from many threads. Dropping a log does no I/O: what
/// was not written is lost, as in a crash.
pub struct Log<F: Fold, K = LogKey> {
    group: Group<Writer<F>>,
    storage: Arc<dyn Storage>,
    /// Held by the one who deletes segments.
    retaining: Mutex<()>,
    id: LogId,
    queue_bytes: usize,
    keying: PhantomData<fn() -> K>,
}

/// A log without a key: it shows accidents, and nothing against whoever can write its files. A keyed log is never opened
/// as one, nor one as a keyed log.
pub type UnkeyedLog<F> = Log<F, NoKey>;

impl<F: Fold, K: Keying> Log<F, K> {
    /// Creates a log in `storage`, which has nothing in it yet; its first checkpoint is `fold`'s, and its time
    /// starts at the fold's.
    ///
    /// # Errors
    /// The place has files or another writer, the options are out of range, the key's state is another log's or
    /// was used, the fold has no checkpoint, or the storage cannot.
    pub fn create(
        storage: Box<dyn Storage>,
        create: CreateOptions<K>,
        fold: F,
    ) -> Result<Self, CreateError<F::Error>> {
        create.options.check().map_err(CreateError::Options)?;
        storage.establish()?;
        let lock = storage.lock()?;
        for name in storage.list()? {
            // A first segment alone whose creation did not end is no log. FORMAT 6.1.
            if FileKind::of(&name) != Some(FileKind::Unfinished(1)) {
                return Err(CreateError::Exists);
            }
            storage.remove(&name)?;
        }
        let mut held = Held::new(create.key);
        if let Some(key) = held.evolving() {
            key.reload().and_then(|()| key.check_new(create.id)).map_err(CreateError::KeyState)?;
            // It may have been found where a sync of its directory had failed. FORMAT 5.7.
            key.keep(1)?;
        }
        let place = Location { storage: storage.into(), log_id: create.id, key: held, lock };
        let segment = writer::first_segment(&place, &fold)?.map_err(CreateError::Fold)?;
        Ok(Self::start(place, fold, segment, create.options))
    }

    /// Opens a log: verifies its last segment, restores and applies it to `fold`, cuts a torn tail and records
    /// the cut; steps an evolving key forward if a crash left that undone. FORMAT 5.7 and 8.3 to 8.6.
    ///
    /// # Errors
    /// The log is missing, locked, of another id, key or key mode, ends before the anchor or the key's state, or
    /// does not hold, or that state is an old copy; then nothing is changed. Or the storage cannot.
    pub fn open(
        storage: Box<dyn Storage>,
        open: OpenOptions<K>,
        mut fold: F,
    ) -> Result<(Self, Recovery), OpenError<F::Error>> {
        open.options.check().map_err(OpenError::Options)?;
        let lock = match storage.lock() {
            Err(error) if error.is_missing() => return Err(ReadError::Missing.into()),
            lock => lock?,
        };
        let inventory = Inventory::take(&*storage)?;
        let mut held = Held::new(open.key);
        let log_id = check_key(&mut held, open.log_id, &inventory)?;
        let demands = Demands { keys: held.keys(), log_id, anchor: open.anchor.as_ref() };
        let last = LastSegment::read(&*storage, &inventory, &demands, &mut fold)?;
        let log_id = last.scanner.header().log_id;
        let (records, sealed) = (last.records, last.is_sealed());
        let (segment, cut) = make_ready(&*storage, &inventory, last, &mut held)
            .map_err(|error| OpenError::Recover(Failure::Storage(error)))?;
        let place = Location { storage: storage.into(), log_id, key: held, lock };
        let log = Self::start(place, fold, segment, open.options);
        if let Some(cut) = &cut {
            log.record_cut(cut, open.at).map_err(OpenError::Recover)?;
        }
        let recovery = Recovery {
            log_id,
            segment: inventory.last(),
            head: log.head(),
            records,
            cut,
            unfinished: u32::try_from(inventory.unfinished.len()).unwrap_or(u32::MAX),
            sealed,
        };
        Ok((log, recovery))
    }

    /// The log's id.
    #[must_use]
    pub fn id(&self) -> LogId {
        self.id
    }

    /// Appends a record to the queue: `write` appends its payload. No system call.
    ///
    /// # Errors
    /// No room, a payload too large, a kind that is not the caller's, a time before the log's, or a poisoned
    /// log; nothing changed then.
    pub fn append(
        &self,
        kind: u16,
        effective: Timestamp,
        caller: Timestamp,
        write: impl FnOnce(&mut Vec<u8>),
    ) -> Result<Sequence, AppendError> {
        if !frame::is_callers_kind(kind) {
            return Err(AppendError::Kind { seen: kind });
        }
        self.push(kind, effective, caller, write)
    }

    /// Whether a payload of that size has room now. Only appending takes room, so that it stays for the one
    /// section that appends.
    ///
    /// # Errors
    /// What `append` would answer.
    pub fn room_for(&self, payload_bytes: usize) -> Result<(), AppendError> {
        let (queued, failure) = self.group.look(|state| (state.queue_bytes(), state.failure()));
        if let Some(failure) = failure {
            return Err(AppendError::Poisoned(failure));
        }
        self.fits(payload_bytes, queued)
    }

    /// Waits until the record is as durable as `level` says; the thread may have to write and sync for others.
    ///
    /// # Errors
    /// The log is poisoned (whether the record is on disk is unknown), or no such record was appended.
    pub fn wait(&self, sequence: Sequence, level: Level) -> Result<(), WaitError> {
        let (head, failure) = self.group.look(|state| (state.appended(), state.failure()));
        if sequence > head {
            return Err(WaitError::NotAppended { head });
        }
        let waited = match (level, failure) {
            (_, Some(failure)) => Err(failure),
            (Level::Queued, None) => Ok(()),
            (Level::Written, None) => self.group.wait(sequence, Durability::Written),
            (Level::Synced, None) => self.group.wait(sequence, Durability::Synced),
        };
        waited.map_err(WaitError::Unknown)
    }

    /// Writes, and at [`Level::Synced`] syncs, everything appended before the call.
    ///
    /// # Errors
    /// The log is poisoned.
    pub fn drive(&self, level: Level) -> Result<Progress, WaitError> {
        self.wait(self.head(), level)?;
        Ok(self.group.look(|state| Progress {
            head: state.appended(),
            written: state.written(),
            synced: state.synced(),
        }))
    }

    /// The last record appended; 0 for none.
    #[must_use]
    pub fn head(&self) -> Sequence {
        self.group.look(|state| state.appended())
    }

    /// The last record known to be on disk; 0 for none.
    #[must_use]
    pub fn synced_head(&self) -> Sequence {
        self.group.look(|state| state.synced())
    }

    /// The anchor of the last frame known to be on disk.
    ///
    /// # Errors
    /// The log is poisoned.
    pub fn anchor(&self) -> Result<Anchor, WaitError> {
        let (report, failure) = self.group.look(|state| (state.report().clone(), state.failure()));
        match failure {
            Some(failure) => Err(WaitError::Unknown(failure)),
            None => Ok(report.anchors.anchor(report.synced)),
        }
    }

    /// Counts since the log was opened.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.group.look(|state| {
            let report = state.report();
            Stats {
                head: state.appended(),
                written: state.written(),
                synced: state.synced(),
                queue_bytes: state.queue_bytes(),
                batches: report.counts.batches,
                syncs: report.counts.syncs,
                written_bytes: report.counts.bytes,
                segment: report.segment,
            }
        })
    }

    /// What poisoned the log, if it is.
    #[must_use]
    pub fn failure(&self) -> Option<Failure> {
        self.group.look(|state| state.failure())
    }

    /// The fold's own word, if it is what poisoned the log.
    pub fn fold_error<T>(&self, look: impl FnOnce(&F::Error) -> T) -> Option<T> {
        self.group.with_leader(|writer, _| writer.fold_error().map(look))
    }

    /// Shows the state after the last written record (`drive` first for the last appended). Writing waits
    /// meanwhile; `look` must not wait for the log.
    ///
    /// # Errors
    /// The log is poisoned.
    pub fn with_fold<T>(&self, look: impl FnOnce(&F) -> T) -> Result<T, WaitError> {
        self.group.with_leader(|writer, failure| match failure {
            Some(failure) => Err(WaitError::Unknown(failure)),
            None => Ok(look(writer.fold())),
        })
    }

    /// Writes and syncs everything, seals the last segment, and gives the anchor of its seal.
    ///
    /// # Errors
    /// The log is, or becomes, poisoned.
    pub fn close(self) -> Result<Anchor, WaitError> {
        // Synced before the seal is made, so that the seal says of every record that it is on disk.
        self.wait(self.head(), Level::Synced)?;
        self.group.with_leader(|writer, _| writer.close()).map_err(WaitError::Unknown)
    }

    fn start(place: Location, fold: F, segment: OpenSegment, options: LogOptions) -> Self {
        let (id, storage) = (place.log_id, Arc::clone(&place.storage));
        let at = (segment.chain.sequence(), segment.chain.log_time());
        let writer = Writer::new(place, fold, segment, options.segment_bytes);
        let report = writer.report();
        Self {
            group: Group::new(writer, at, report),
            storage,
            retaining: Mutex::new(()),
            id,
            queue_bytes: options.queue_bytes,
            keying: PhantomData,
        }
    }

    /// FORMAT 9.16. It takes effect at the log's time: a wrong clock at an opening must not move it (SEMANTICS 8.2).
    fn record_cut(&self, cut: &Cut, at: Timestamp) -> Result<(), Failure> {
        let effective = self.group.look(|state| state.log_time());
        let appended = self.push(frame::RECOVERY, effective, at, |out| cut.encode(out));
        assert!(appended.is_ok(), "an empty queue has room for one small record");
        match appended {
            Ok(sequence) => self.group.wait(sequence, Durability::Synced),
            Err(_) => Ok(()),
        }
    }

    fn push(
        &self,
        kind: u16,
        effective: Timestamp,
        caller: Timestamp,
        write: impl FnOnce(&mut Vec<u8>),
    ) -> Result<Sequence, AppendError> {
        self.group.append(effective, |queue, sequence| {
            let queued = queue.len();
            let envelope = Envelope { kind, sequence, effective, caller };
            frame::push(queue, envelope, write).map_err(|seen| self.too_large(seen))?;
            let payload_bytes = FrameHead::parse(queue.get(queued..).unwrap_or_default());
            let fits = self.fits(payload_bytes.map_or(0, |head| head.payload_bytes), queued);
            if fits.is_err() {
                queue.truncate(queued);
            }
            fits
        })
    }

    fn fits(&self, payload_bytes: usize, queued: usize) -> Result<(), AppendError> {
        let wanted = frame::frame_bytes(payload_bytes);
        if payload_bytes > PAYLOAD_BYTES_MAX || wanted > self.queue_bytes {
            return Err(self.too_large(payload_bytes));
        }
        if queued.saturating_add(wanted) > self.queue_bytes {
            return Err(AppendError::Full { queued, wanted, max: self.queue_bytes });
        }
        Ok(())
    }

    fn too_large(&self, seen: usize) -> AppendError {
        let queue = self.queue_bytes.saturating_sub(frame::EMPTY_BYTES) & !7;
        AppendError::TooLarge { seen, max: queue.min(PAYLOAD_BYTES_MAX) }
    }
}

impl<F: Fold> Log<F> {
    /// Goes on under another key: the next record begins a segment under it, and the last one names it. Nothing is
    /// written before.
    ///
    /// After a crash the log is under the new key if its last segment is, else under the old one, as `open` tells by
    /// [`ReadError::UnknownKey`]; in the latter case it is asked for again. The state of an old evolving key is
    /// forgotten when the new segment is on disk ([`super::EvolvingKey::forget`] does so after a crash meanwhile).
    /// Readers need both keys.
    ///
    /// # Errors
    /// It is the key of the segment being written, its state does not fit, or the log is poisoned.
    pub fn change_key(&self, key: impl Into<LogKey>) -> Result<(), ChangeKeyError> {
        let key = key.into();
        self.group.with_leader(|writer, failure| match failure {
            Some(failure) => Err(ChangeKeyError::Poisoned(failure)),
            None => writer.change_key(key),
        })
    }
}

/// Makes the last segment fit to be written to: its name is on disk before the key's state is that of it, and that before
/// anything is written to it. FORMAT 5.7, 8.3, 8.4.
fn make_ready(
    storage: &dyn Storage,
    inventory: &Inventory,
    last: LastSegment,
    held: &mut Held,
) -> Result<(OpenSegment, Option<Cut>), StorageError> {
    let is_established = last.is_established();
    let last = last.establish(storage, inventory)?;
    let is_kept = |key: &EvolvingKey| is_established && key.segment() == inventory.last();
    if let Some(key) = held.evolving().filter(|key| !is_kept(key)) {
        key.keep(inventory.last())?;
    }
    last.recover()
}

/// Whether an evolving key is of the log's last segment, or of the one before it; gives the log that it must be.
/// FORMAT 5.7.
fn check_key<E>(
    held: &mut Held,
    log_id: Option<LogId>,
    inventory: &Inventory,
) -> Result<Option<LogId>, OpenError<E>> {
    let Some(key) = held.evolving() else { return Ok(log_id) };
    key.reload().map_err(OpenError::KeyState)?;
    if log_id.is_some_and(|log_id| log_id != key.log_id()) {
        return Err(OpenError::KeyState(StateError::Log { seen: key.log_id() }));
    }
    let (segment, last) = (key.segment(), inventory.last());
    if last < segment {
        let place = Place { segment, sequence: Sequence(0), offset: 0 };
        return Err(ReadError::Evidence { place, fault: Fault::SegmentMissing }.into());
    }
    if last > segment.saturating_add(1) {
        return Err(OpenError::KeyState(StateError::Behind { segment, last }));
    }
    Ok(Some(key.log_id()))
}
