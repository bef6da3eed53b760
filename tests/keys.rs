//! Keys of logs (evolving ones, changes of key, none): what the host keeps, what a crash may leave, what a thief can do.
#![cfg(feature = "wal")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    reason = "a test that fails by panicking fails"
)]

#[path = "keys/change.rs"]
mod change;
#[path = "keys/crash.rs"]
mod crash;
#[path = "keys/pruned.rs"]
mod pruned;
#[path = "keys/refused.rs"]
mod refused;
#[path = "keys/thief.rs"]
mod thief;
#[path = "wal/toy.rs"]
#[allow(dead_code, reason = "other tests use the rest of it")]
mod toy;
#[path = "keys/unkeyed.rs"]
mod unkeyed;
#[cfg(feature = "serde")]
#[path = "keys/vectors.rs"]
mod vectors;

use assize::{
    crypto::{KeyId, RootKey},
    id::Sequence,
    wal::{
        Completeness, CreateOptions, EvolvingKey, KeyMode, Level, Log, LogKey, LogOptions, OpenError,
        OpenOptions, ReadError, ReadOptions, Reader, Recovery, StateError, Summary,
        storage::{KeyStore as _, Memory, StateFile},
    },
};
use toy::{LOG_ID, START, Toy, ToyError, append_at};

/// Small segments: a few records each.
pub(crate) const SEGMENT_BYTES: u64 = 700;
pub(crate) const STATE: &str = "state";

pub(crate) fn root() -> RootKey {
    RootKey::new(KeyId(7), &[0x5A; 32]).unwrap()
}

/// A log and the state of its key, in two places.
#[derive(Clone)]
pub(crate) struct Host {
    pub(crate) log: Memory,
    pub(crate) keys: Memory,
}

impl Host {
    pub(crate) fn new() -> Self {
        let keys = Memory::new();
        keys.replace("other", b"");
        Self { log: Memory::new(), keys }
    }

    pub(crate) fn store(&self) -> Box<StateFile> {
        Box::new(StateFile::within(Box::new(self.keys.clone()), STATE))
    }

    pub(crate) fn begin(&self) -> Result<EvolvingKey, StateError> {
        EvolvingKey::begin(root(), LOG_ID, self.store())
    }

    pub(crate) fn create(&self) -> Log<Toy> {
        let options = LogOptions { segment_bytes: SEGMENT_BYTES, ..LogOptions::default() };
        let options = CreateOptions { id: LOG_ID, key: self.begin().unwrap().into(), options };
        Log::create(Box::new(self.log.clone()), options, Toy::new()).unwrap()
    }

    pub(crate) fn open(&self) -> Result<(Log<Toy>, Recovery), OpenError<ToyError>> {
        self.open_with(EvolvingKey::load(self.store()).map_err(OpenError::KeyState)?)
    }

    pub(crate) fn open_with(
        &self,
        key: impl Into<LogKey>,
    ) -> Result<(Log<Toy>, Recovery), OpenError<ToyError>> {
        let options = LogOptions { segment_bytes: SEGMENT_BYTES, ..LogOptions::default() };
        let open = OpenOptions { key: key.into(), options, log_id: None, anchor: None, at: START };
        Log::open(Box::new(self.log.clone()), open, Toy::new())
    }

    /// The segment whose key is kept.
    pub(crate) fn kept(&self) -> u32 {
        EvolvingKey::load(self.store()).unwrap().segment()
    }

    pub(crate) fn segments(&self) -> u32 {
        self.log.names().iter().filter(|name| name.ends_with(".seg")).count() as u32
    }

    pub(crate) fn read(&self) -> Result<Summary, ReadError> {
        read(&self.log, ReadOptions::default())
    }

    /// Whether the last segment is under the key of that id.
    pub(crate) fn log_is_under(&self, id: u8) -> bool {
        self.log.bytes(&format!("{:08}.seg", self.segments())).unwrap()[12] == id
    }

    pub(crate) fn copy(&self) -> Self {
        Self { log: self.log.copy(), keys: self.keys.copy() }
    }
}

/// Verifies as the root's holder does.
pub(crate) fn read(log: &Memory, options: ReadOptions) -> Result<Summary, ReadError> {
    let root = root();
    let keys = [&root];
    Reader::open(log, &keys, options)?.finish()
}

#[test]
fn the_host_goes_on_with_the_last_key_and_the_roots_holder_reads_all() {
    let host = Host::new();
    let log = host.create();
    let mut head = append_at(&log, 40, Level::Synced);
    for _ in 0..3 {
        assert_eq!(host.kept(), log.stats().segment, "the state is that of the segment being written");
        // Every anchor is that of a segment of its own, and the root's holder reads it.
        let anchor = log.anchor().unwrap();
        let read_back = assize::wal::Anchor::decode(&anchor.encode(), &[&root()]).unwrap();
        assert_eq!((read_back.sequence(), read_back.segment()), (head, host.kept()));
        let summary =
            read(&host.log, ReadOptions { anchor: Some(read_back), ..ReadOptions::default() }).unwrap();
        assert_eq!(summary.completeness, Completeness::Proven { through: head });
        head = append_at(&log, 15, Level::Synced);
    }
    let closed = log.close().unwrap();
    let summary = host.read().unwrap();
    assert!(summary.segments > 4 && summary.segments == host.segments(), "{}", summary.segments);
    assert_eq!((summary.key_mode, summary.records), (KeyMode::Evolving, 85));
    assert!(summary.sealed && summary.head.encode() == closed.encode());

    // The root is nowhere here, and it goes on.
    let key: LogKey = EvolvingKey::load(host.store()).unwrap().into();
    assert_eq!((key.mode(), key.id()), (KeyMode::Evolving, KeyId(7)));
    assert_eq!(key.read_anchor(&closed.encode()).unwrap().sequence(), Sequence(85));
    let (log, recovery) = host.open_with(key).unwrap();
    assert!(recovery.sealed);
    append_at(&log, 30, Level::Synced);
    log.close().unwrap();
    let summary = host.read().unwrap();
    assert_eq!((summary.records, summary.segments), (115, host.segments()));
    assert_eq!(host.kept(), host.segments());
}

#[test]
fn a_state_that_is_replaced_is_overwritten() {
    let host = Host::new();
    let log = host.create();
    let old = host.keys.bytes(STATE).unwrap();
    // Held open, as the bytes on a disk are there when their name is gone.
    let held = assize::wal::storage::Storage::open(&host.keys, STATE, assize::wal::storage::Access::Read);
    let held = held.unwrap();
    append_at(&log, 40, Level::Synced);
    assert!(host.kept() > 1);
    let mut seen = vec![1; old.len()];
    assert_eq!(held.read_at(&mut seen, 0).unwrap(), old.len());
    assert_eq!(seen, vec![0; old.len()]);
    assert_eq!(host.keys.names(), ["other", STATE]);
    assert_eq!(old.len(), host.store().load().unwrap().unwrap().len());
}

#[test]
fn the_stored_bytes_are_those_of_the_format() {
    use assize::crypto::Digest;
    let host = Host::new();
    host.begin().unwrap();
    let state = host.keys.bytes(STATE).unwrap();
    let mut expected = b"ASZSTAT1".to_vec();
    expected.extend([1, 0, 2, 0, 7, 0, 0, 0]);
    expected.extend(LOG_ID.0);
    expected.extend([1, 0, 0, 0, 0, 0, 0, 0]);
    expected.extend(thief::first_key(&root(), KeyId(7)));
    expected.extend(Digest::of("assize/state/1", &expected).0);
    assert_eq!(state, expected);
}
