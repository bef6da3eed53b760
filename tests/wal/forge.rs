//! A second writer of segments, by FORMAT alone: what it writes verifies, unless a test asks for a fault that
//! only a holder of the key can make.

use assize::{
    crypto::{Digest, MacKey, RootKey, Tag},
    id::LogId,
    wal::storage::Memory,
};

use crate::toy::{LOG_ID, START, Toy, key, open, read};

/// A segment in the making.
pub(crate) struct Forge {
    keys: (MacKey, MacKey),
    seed: u32,
    previous: Tag,
    pub(crate) bytes: Vec<u8>,
    frames: u64,
    pub(crate) sequence: u64,
    first: u64,
    pub(crate) time: i64,
}

/// A frame's fields, as FORMAT 7.1 names them.
#[derive(Clone)]
pub(crate) struct Fields {
    pub(crate) sequence: u64,
    pub(crate) effective: i64,
    pub(crate) caller: i64,
    pub(crate) synced_through: u64,
    pub(crate) kind: u16,
    pub(crate) payload: Vec<u8>,
    pub(crate) extension: Vec<u8>,
    pub(crate) padding: u8,
}

/// A header's fields, as FORMAT 6.4 names them.
#[derive(Clone)]
pub(crate) struct HeaderFields {
    pub(crate) version: u16,
    pub(crate) key_mode: u8,
    pub(crate) log_id: LogId,
    pub(crate) segment: u32,
    pub(crate) sequence: u64,
    pub(crate) time: i64,
    pub(crate) seal: [u8; 32],
    pub(crate) digest: [u8; 32],
    /// First segment kept, a zero, the last sequence before it, and the digest of its header.
    pub(crate) retained: [u8; 48],
}

impl HeaderFields {
    pub(crate) fn first() -> Self {
        Self {
            version: 1,
            key_mode: 1,
            log_id: LOG_ID,
            segment: 1,
            sequence: 0,
            time: START.0,
            seal: [0; 32],
            digest: [0; 32],
            retained: [0; 48],
        }
    }
}

impl Forge {
    /// A segment with that header and nothing more.
    pub(crate) fn new(key: &RootKey, fields: &HeaderFields) -> Self {
        let (id, number) = (key.id().0.to_le_bytes(), fields.segment.to_le_bytes());
        let info: [&[u8]; 3] = [b"assize/segment/1", &id, &number];
        let prefix = |domain: &str| {
            let mut bytes = domain.as_bytes().to_vec();
            bytes.resize(16, 0);
            bytes.extend([1, 0, 1, 0]);
            bytes.extend(id);
            bytes.extend(fields.log_id.0);
            bytes.extend(number);
            bytes.resize(64, 0);
            <[u8; 64]>::try_from(bytes).unwrap()
        };
        let key_for = |domain: &str| key.derive(fields.log_id, &info, &[prefix(domain)]);
        let keys = (key_for("assize/header"), key_for("assize/frame"));
        let seed = crc32c::crc32c(&[&fields.log_id.0[..], &number].concat());

        let mut bytes = b"ASSIZE\r\n".to_vec();
        bytes.extend(fields.version.to_le_bytes());
        bytes.extend([fields.key_mode, 0]);
        bytes.extend(id);
        bytes.extend(fields.log_id.0);
        bytes.extend(number);
        bytes.extend([0; 4]);
        bytes.extend(fields.sequence.to_le_bytes());
        bytes.extend(fields.time.to_le_bytes());
        bytes.extend(fields.seal);
        bytes.extend(fields.digest);
        bytes.extend(fields.retained);
        bytes.resize(216, 0);
        let tag = keys.0.tag(&[&bytes]);
        bytes.extend(tag.0);
        bytes.extend(crc32c::crc32c_append(seed, &bytes).to_le_bytes());
        bytes.extend([0; 4]);
        let sequence = fields.sequence;
        Self { keys, seed, previous: tag, bytes, frames: 0, sequence, first: sequence + 1, time: fields.time }
    }

    /// A first segment with the toy's first checkpoint.
    pub(crate) fn started() -> Self {
        let mut forge = Self::new(&key(), &HeaderFields::first());
        forge.checkpoint(&Toy::new().bytes());
        forge
    }

    /// A first segment that another writer began; only tags can be made on it.
    pub(crate) fn resumed(bytes: &[u8]) -> Self {
        let mut forge = Self::started();
        forge.previous = Tag(bytes[bytes.len() - 36..bytes.len() - 4].try_into().unwrap());
        forge
    }

    /// The tag of a frame with that body.
    pub(crate) fn tag_of(&self, body: &[u8]) -> [u8; 32] {
        self.keys.1.tag(&[&self.previous.0, body]).0
    }

    /// The fields that the next frame of that kind has.
    pub(crate) fn next(&self, kind: u16, payload: &[u8]) -> Fields {
        let control = matches!(kind, 64 | 65 | 68);
        Fields {
            sequence: self.sequence + u64::from(!control),
            effective: self.time,
            caller: self.time,
            synced_through: 0,
            kind,
            payload: payload.to_vec(),
            extension: Vec::new(),
            padding: 0,
        }
    }

    /// Appends a frame with these fields.
    pub(crate) fn frame(&mut self, fields: &Fields) {
        let mut body = 0x315A_5341_u32.to_le_bytes().to_vec();
        body.extend((fields.payload.len() as u32).to_le_bytes());
        body.extend(fields.sequence.to_le_bytes());
        body.extend(fields.effective.to_le_bytes());
        body.extend(fields.caller.to_le_bytes());
        body.extend(fields.synced_through.to_le_bytes());
        body.extend(fields.kind.to_le_bytes());
        body.extend((fields.extension.len() as u16).to_le_bytes());
        body.extend(&fields.payload);
        body.extend(&fields.extension);
        while !(body.len() + 36).is_multiple_of(8) {
            body.push(fields.padding);
        }
        let tag = self.keys.1.tag(&[&self.previous.0, &body]);
        body.extend(tag.0);
        body.extend(crc32c::crc32c_append(self.seed, &body).to_le_bytes());
        self.bytes.extend(body);
        self.previous = tag;
        self.frames += 1;
        self.sequence = fields.sequence;
        self.time = fields.effective;
    }

    pub(crate) fn record(&mut self, kind: u16, payload: &[u8]) {
        self.frame(&self.next(kind, payload));
    }

    /// Appends a checkpoint of one part.
    pub(crate) fn checkpoint(&mut self, content: &[u8]) {
        self.part(0, 1, content);
    }

    pub(crate) fn part(&mut self, part: u32, parts: u32, content: &[u8]) {
        let payload = [&part.to_le_bytes()[..], &parts.to_le_bytes(), content].concat();
        self.frame(&self.next(64, &payload));
    }

    /// What a seal says here.
    pub(crate) fn seal_payload(&self) -> Vec<u8> {
        let mut payload = self.frames.to_le_bytes().to_vec();
        payload.extend(self.first.to_le_bytes());
        payload.extend(self.sequence.to_le_bytes());
        payload.extend(self.previous.0);
        payload.extend(Digest::of_file(&self.bytes).0);
        payload
    }

    /// Appends the seal; gives the header that follows.
    pub(crate) fn seal(&mut self) -> HeaderFields {
        let payload = self.seal_payload();
        self.frame(&self.next(65, &payload));
        HeaderFields {
            segment: u32::from_le_bytes(self.bytes[32..36].try_into().unwrap()) + 1,
            sequence: self.sequence,
            time: self.time,
            seal: self.previous.0,
            digest: Digest::of_file(&self.bytes).0,
            ..HeaderFields::first()
        }
    }

    /// Puts the segment into a place.
    pub(crate) fn store(&self, storage: &Memory) {
        let number = u32::from_le_bytes(self.bytes[32..36].try_into().unwrap());
        storage.replace(&format!("{number:08}.seg"), &self.bytes);
    }
}

/// Recomputes the checksum of a frame, or of a header, as anybody can who knows the log's id.
pub(crate) fn mend_checksum(segment: &[u8], part: &mut [u8]) {
    let seed = crc32c::crc32c(&segment[16..36]);
    let at = if part.starts_with(b"ASSIZE") { 248 } else { part.len() - 4 };
    let checksum = crc32c::crc32c_append(seed, &part[..at]);
    part[at..at + 4].copy_from_slice(&checksum.to_le_bytes());
}

#[test]
fn what_is_forged_with_the_key_verifies_and_opens() {
    let storage = Memory::new();
    let mut state = Toy::new();
    let mut forge = Forge::started();
    let apply = |forge: &mut Forge, state: &mut Toy, payload: &[u8]| {
        forge.record(1, payload);
        let record = assize::wal::RecordFrame {
            sequence: assize::id::Sequence(forge.sequence),
            effective: START,
            caller: START,
            kind: 1,
            payload,
        };
        assize::wal::Fold::apply(state, record).unwrap();
    };
    for payload in [&b"one"[..], b"", b"twelve bytes"] {
        apply(&mut forge, &mut state, payload);
    }
    let next = forge.seal();
    forge.store(&storage);
    let mut forge = Forge::new(&key(), &next);
    forge.checkpoint(&state.bytes());
    apply(&mut forge, &mut state, b"four");
    forge.store(&storage);

    let (_, summary) = read(&storage).unwrap();
    assert_eq!((summary.segments, summary.records, summary.frames), (2, 4, 7));
    let (log, _) = open(&storage).unwrap();
    assert_eq!(log.with_fold(Toy::clone).unwrap(), state);
}
