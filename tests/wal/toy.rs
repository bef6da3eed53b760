//! A state simple enough to be checked by eye, and the steps that all tests take.

use std::fmt;

use assize::{
    crypto::{Digest, KeyId, RootKey},
    id::{LogId, Sequence},
    num::Timestamp,
    wal::{
        CreateOptions, Fold, FrameView, Level, Log, LogOptions, OpenError, OpenOptions, ReadError,
        ReadOptions, Reader, RecordFrame, Recovery, Summary, storage::Memory,
    },
};

pub(crate) const LOG_ID: LogId = LogId([0xA5; 16]);
pub(crate) const START: Timestamp = Timestamp(1_000);
/// Kinds of records that a caller may append.
pub(crate) const KINDS: [u16; 13] = [1, 2, 3, 4, 16, 17, 18, 19, 21, 22, 32, 33, 34];

pub(crate) fn key() -> RootKey {
    RootKey::new(KeyId(7), &[0x42; 32]).unwrap()
}

/// Counts records and hashes them in order; its checkpoint can be padded to any size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Toy {
    pub(crate) count: u64,
    pub(crate) last: Sequence,
    pub(crate) time: Timestamp,
    pub(crate) digest: Digest,
    pub(crate) padding: usize,
}

impl Toy {
    pub(crate) fn new() -> Self {
        Self::padded(0)
    }

    pub(crate) fn padded(padding: usize) -> Self {
        Self { count: 0, last: Sequence(0), time: START, digest: Digest([0; 32]), padding }
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        out.extend_from_slice(&self.count.to_le_bytes());
        out.extend_from_slice(&self.last.0.to_le_bytes());
        out.extend_from_slice(&self.time.0.to_le_bytes());
        out.extend_from_slice(&self.digest.0);
        out.resize(out.len() + self.padding, 0xEE);
        out
    }
}

impl Fold for Toy {
    type Error = ToyError;

    fn restore(&mut self, checkpoint: &[u8]) -> Result<(), ToyError> {
        let number = |at: usize| u64::from_le_bytes(checkpoint[at..at + 8].try_into().unwrap());
        if checkpoint.len() < 56 || checkpoint[56..].iter().any(|byte| *byte != 0xEE) {
            return Err(ToyError);
        }
        self.count = number(0);
        self.last = Sequence(number(8));
        self.time = Timestamp(number(16).cast_signed());
        self.digest = Digest(checkpoint[24..56].try_into().unwrap());
        self.padding = checkpoint.len() - 56;
        Ok(())
    }

    fn apply(&mut self, record: RecordFrame<'_>) -> Result<(), ToyError> {
        if record.payload == REFUSED || record.sequence.0 != self.last.0 + 1 || record.effective < self.time {
            return Err(ToyError);
        }
        let mut bytes = self.digest.0.to_vec();
        bytes.extend_from_slice(&record.kind.to_le_bytes());
        bytes.extend_from_slice(&record.caller.0.to_le_bytes());
        bytes.extend_from_slice(record.payload);
        self.count += 1;
        self.last = record.sequence;
        self.time = record.effective;
        self.digest = Digest::of_file(&bytes);
        Ok(())
    }

    fn checkpoint(&self, out: &mut Vec<u8>) -> Result<(), ToyError> {
        if self.padding == UNCHECKPOINTED {
            return Err(ToyError);
        }
        out.extend_from_slice(&self.bytes());
        Ok(())
    }

    fn log_time(&self) -> Timestamp {
        self.time
    }

    fn sequence(&self) -> Sequence {
        self.last
    }
}

/// A payload that the toy does not take.
pub(crate) const REFUSED: &[u8] = b"refused";
/// A padding at which the toy has no checkpoint.
pub(crate) const UNCHECKPOINTED: usize = usize::MAX;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ToyError;

impl fmt::Display for ToyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not taken")
    }
}

impl std::error::Error for ToyError {}

pub(crate) fn create_options(options: LogOptions) -> CreateOptions {
    CreateOptions { id: LOG_ID, key: key().into(), options }
}

pub(crate) fn open_options() -> OpenOptions {
    OpenOptions { key: key().into(), options: LogOptions::default(), log_id: None, anchor: None, at: START }
}

pub(crate) fn create(storage: &Memory, segment_bytes: u64) -> Log<Toy> {
    let options = create_options(LogOptions { segment_bytes, ..LogOptions::default() });
    Log::create(Box::new(storage.clone()), options, Toy::new()).unwrap()
}

pub(crate) fn open(storage: &Memory) -> Result<(Log<Toy>, Recovery), OpenError<ToyError>> {
    Log::open(Box::new(storage.clone()), open_options(), Toy::new())
}

/// The payload of the record of that sequence in tests: its length goes through all paddings.
pub(crate) fn payload(sequence: u64) -> Vec<u8> {
    (0..sequence % 23).map(|at| (sequence * 31 + at) as u8).collect()
}

/// Appends the next `count` records of the tests' sequence.
pub(crate) fn append(log: &Log<Toy>, count: u64) -> Sequence {
    for _ in 0..count {
        let next = log.head().0 + 1;
        let time = log_time(log, next);
        let kind = KINDS[next as usize % KINDS.len()];
        let write = |out: &mut Vec<u8>| out.extend_from_slice(&payload(next));
        assert_eq!(log.append(kind, time, Timestamp(next.cast_signed()), write).unwrap(), Sequence(next));
    }
    log.head()
}

fn log_time(_: &Log<Toy>, sequence: u64) -> Timestamp {
    Timestamp(START.0 + sequence.cast_signed() * 3)
}

pub(crate) fn append_at(log: &Log<Toy>, count: u64, level: Level) -> Sequence {
    let head = append(log, count);
    log.wait(head, level).unwrap();
    head
}

/// A segment's bytes up to the end of its last frame, without the zeros that were written ahead of the next ones.
pub(crate) fn frames_of(storage: &Memory, name: &str) -> Vec<u8> {
    let mut bytes = storage.bytes(name).unwrap();
    let end = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    bytes.truncate(end.next_multiple_of(8));
    bytes
}

/// A frame as a test keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) segment: u32,
    pub(crate) offset: u64,
    pub(crate) bytes: u64,
    pub(crate) sequence: u64,
    pub(crate) kind: u16,
    pub(crate) effective: i64,
    pub(crate) caller: i64,
    pub(crate) synced_through: u64,
    pub(crate) payload: Vec<u8>,
}

impl Kept {
    fn of(frame: &FrameView<'_>) -> Self {
        Self {
            segment: frame.segment,
            offset: frame.offset,
            bytes: frame.bytes,
            sequence: frame.sequence.0,
            kind: frame.kind,
            effective: frame.effective.0,
            caller: frame.caller.0,
            synced_through: frame.synced_through.0,
            payload: frame.payload.to_vec(),
        }
    }

    pub(crate) fn is_record(&self) -> bool {
        self.kind != 64 && self.kind != 65
    }
}

pub(crate) fn read_with(storage: &Memory, options: ReadOptions) -> Result<(Vec<Kept>, Summary), ReadError> {
    let key = key();
    let keys = [&key];
    let mut reader = Reader::open(storage, &keys, options)?;
    let mut frames = Vec::new();
    while let Some(frame) = reader.next_frame()? {
        assert_eq!(frame.is_control(), frame.kind == 64 || frame.kind == 65);
        frames.push(Kept::of(&frame));
    }
    Ok((frames, reader.finish()?))
}

pub(crate) fn read(storage: &Memory) -> Result<(Vec<Kept>, Summary), ReadError> {
    read_with(storage, ReadOptions::default())
}
