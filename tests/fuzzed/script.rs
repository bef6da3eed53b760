//! A log as a script: what is told in it of each frame is what a fuzzer may change, and what follows from that (sequences,
//! tags, checksums, seals, the headers of later segments, checkpoints where it says so) is worked out, as the holder of the
//! key could. A genuine log has a script, and the script writes the same log.
//!
//! A script is its mode and its id (`u8`), the log's first time (`i64`), and steps, each a byte that says what it is and its fields.

use assize::id::Sequence;
use assize::ledger::Ledger;
use assize::num::Timestamp;
use assize::record::Retention;
use assize::wal::{CHECKPOINT_PART, Fold, KEY_CHANGE, RECOVERY, RETENTION, RecordFrame, SEAL};

use super::battery::{
    chance::MAKING,
    format::{self, Frame, HEADER_BYTES, HEADER_TAG, PAYLOAD, TRAILER_BYTES},
    host::{self, LOG_ID, MS},
    image::Image,
};
use super::keyed::{Keyed, Mode};

/// One step of a script, in the low bits of its first byte.
pub const FRAME: u8 = 0;
pub const CHECKPOINT: u8 = 1;
pub const SEALED: u8 = 2;
pub const SEGMENT: u8 = 3;
/// A field of the last frame, or with the high bit of the header, is another: offset `u16`, what it is combined with `u8`.
pub const ALTER: u8 = 4;
/// The last frame goes, or stands twice, or changes places with the one before it, by the high bits.
pub const ORDER: u8 = 5;
/// Bytes that nobody tagged, at the segment's end.
pub const TAIL: u8 = 6;
const STEPS: u8 = 7;

/// The log that the script tells, and in what mode it is.
pub fn write(script: &[u8]) -> Option<(Keyed, Image)> {
    let (mode, rest) = script.split_first()?;
    let (start, steps) = rest.split_first_chunk()?;
    let mode = usize::from(mode % HIGH);
    let log_id = [LOG_ID, MAKING.id][mode / Mode::ALL.len() % 2];
    let keyed = Keyed { mode: Mode::ALL[mode % Mode::ALL.len()], log_id };
    let mut segments = vec![Told::default()];
    let mut steps = Steps(steps);
    while let Some(step) = steps.byte() {
        if step % STEPS == SEGMENT {
            if segments.len() < SEGMENTS_MAX {
                segments.push(Told::default());
            }
            continue;
        }
        let last = segments.last_mut().unwrap();
        match step % STEPS {
            ALTER if step & HIGH != 0 => last.header.push((steps.u16(), steps.byte().unwrap_or(1))),
            ALTER => {
                let altered = (steps.u16(), steps.byte().unwrap_or(1));
                last.frames.last_mut().into_iter().for_each(|frame| frame.altered.push(altered));
            }
            ORDER => last.reorder(step / STEPS),
            TAIL => last.tail = steps.counted(),
            kind => last.frames.push(steps.frame(kind)),
        }
    }
    let start = Timestamp(i64::from_le_bytes(*start));
    let image = Writing::new(&keyed, start).write_all(&segments);
    Some((keyed, image))
}

/// The script of a log of the battery's.
pub fn of(image: &Image, mode: Mode) -> Vec<u8> {
    let is_of_chance = image.segment(1)[16..32] == MAKING.id.0;
    let mut script = vec![mode.code() - 1 + 3 * u8::from(is_of_chance)];
    let mut log_time = format::u64_at(image.segment(1), 48).cast_signed();
    script.extend_from_slice(&log_time.to_le_bytes());
    for (number, segment) in image.segments() {
        if number > 1 {
            script.push(SEGMENT);
        }
        for frame in format::frames(segment) {
            let lag = |script: &mut Vec<u8>, before: u64| match u8::try_from(before - frame.synced_through) {
                Ok(lag) if lag < ABSOLUTE => script.push(lag),
                _ => {
                    script.push(ABSOLUTE);
                    script.extend_from_slice(&frame.synced_through.to_le_bytes());
                }
            };
            match frame.kind {
                // What the log begins with follows from nothing.
                CHECKPOINT_PART if number == 1 => {
                    script.extend_from_slice(&[FRAME, 64, 0, 0]);
                    tell_payload(&mut script, segment, &frame);
                }
                CHECKPOINT_PART | SEAL => {
                    script.push(if frame.kind == SEAL { SEALED } else { CHECKPOINT });
                    lag(&mut script, frame.sequence);
                }
                kind => {
                    script.extend_from_slice(&[FRAME, u8::try_from(kind).unwrap()]);
                    lag(&mut script, frame.sequence - 1);
                    log_time = tell_times(&mut script, segment, &frame, log_time);
                    tell_payload(&mut script, segment, &frame);
                }
            }
        }
    }
    script
}

fn tell_payload(script: &mut Vec<u8>, segment: &[u8], frame: &Frame) {
    script.extend_from_slice(&u16::try_from(frame.payload_bytes).unwrap().to_le_bytes());
    let payload = frame.offset + PAYLOAD;
    script.extend_from_slice(&segment[payload..payload + frame.payload_bytes]);
}

fn tell_times(script: &mut Vec<u8>, segment: &[u8], frame: &Frame, log_time: i64) -> i64 {
    let [effective, caller] = [16, 24].map(|at| format::u64_at(segment, frame.offset + at).cast_signed());
    let passed = caller - log_time;
    let follows = effective == caller.max(log_time) && frame.kind != RECOVERY;
    match u8::try_from(passed / MS) {
        Ok(ms) if ms < ABSOLUTE && passed % MS == 0 && follows => script.push(ms),
        _ => {
            script.push(ABSOLUTE);
            script.extend_from_slice(&effective.to_le_bytes());
            script.extend_from_slice(&caller.to_le_bytes());
        }
    }
    effective
}

/// What is left of a script.
struct Steps<'a>(&'a [u8]);

impl<'a> Steps<'a> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn array<const N: usize>(&mut self) -> [u8; N] {
        std::array::from_fn(|_| self.byte().unwrap_or(0))
    }

    fn u16(&mut self) -> u16 {
        u16::from_le_bytes(self.array())
    }

    fn counted(&mut self) -> &'a [u8] {
        let count = usize::from(self.u16()).min(self.0.len());
        let (bytes, rest) = self.0.split_at(count);
        self.0 = rest;
        bytes
    }

    fn frame(&mut self, step: u8) -> FrameTold<'a> {
        let kind = match step {
            FRAME => u16::from(self.byte().unwrap_or(0)),
            CHECKPOINT => CHECKPOINT_PART,
            _ => SEAL,
        };
        let synced = match self.byte().unwrap_or(0) {
            ABSOLUTE => Synced::Through(u64::from_le_bytes(self.array())),
            lag => Synced::Behind(lag.into()),
        };
        if step != FRAME {
            return FrameTold { kind, synced, times: Times::Log, payload: None, altered: vec![] };
        }
        let times = match self.byte().unwrap_or(0) {
            ABSOLUTE => {
                let [effective, caller] = [self.array(), self.array()].map(i64::from_le_bytes);
                Times::At { effective, caller }
            }
            ms => Times::Passed(i64::from(ms) * MS),
        };
        let times = if is_control(kind) { Times::Log } else { times };
        FrameTold { kind, synced, times, payload: Some(self.counted()), altered: vec![] }
    }
}

#[derive(Default)]
struct Told<'a> {
    header: Vec<(u16, u8)>,
    frames: Vec<FrameTold<'a>>,
    tail: &'a [u8],
}

impl Told<'_> {
    fn reorder(&mut self, how: u8) {
        let count = self.frames.len();
        match how % 3 {
            0 => drop(self.frames.pop()),
            1 if count < FRAMES_MAX => self.frames.extend(self.frames.last().cloned()),
            _ if count > 1 => self.frames.swap(count - 1, count - 2),
            _ => {}
        }
    }
}

#[derive(Clone)]
struct FrameTold<'a> {
    kind: u16,
    synced: Synced,
    times: Times,
    /// None where it follows: a checkpoint's, a seal's.
    payload: Option<&'a [u8]>,
    altered: Vec<(u16, u8)>,
}

#[derive(Clone, Copy)]
enum Synced {
    Behind(u64),
    Through(u64),
}

#[derive(Clone, Copy)]
enum Times {
    Log,
    Passed(i64),
    At { effective: i64, caller: i64 },
}

/// Where the writing is: what FORMAT makes of the bytes so far.
struct Writing<'a> {
    keyed: &'a Keyed,
    number: u32,
    sequence: u64,
    log_time: i64,
    synced: u64,
    previous: [u8; 32],
    segment: Vec<u8>,
    /// Of the segment before, as its successor's header has it.
    seam: ([u8; 32], [u8; 32]),
    retained: Option<Retention>,
    frames: u64,
    first: u64,
    /// As far as the records told have been taken by one.
    ledger: Ledger,
}

impl<'a> Writing<'a> {
    fn new(keyed: &'a Keyed, start: Timestamp) -> Self {
        Self {
            keyed,
            number: 0,
            sequence: 0,
            log_time: start.0,
            synced: 0,
            previous: [0; 32],
            segment: vec![],
            seam: ([0; 32], [0; 32]),
            retained: None,
            frames: 0,
            first: 1,
            ledger: Ledger::new(host::TERMS, std::sync::Arc::new(host::policy(1)), start),
        }
    }

    fn write_all(mut self, segments: &[Told<'_>]) -> Image {
        let mut image = Image::default();
        for told in segments {
            self.header(&told.header);
            told.frames.iter().for_each(|frame| self.frame(frame));
            let digest = assize::crypto::Digest::of_file(&self.segment);
            self.seam = (self.previous, digest.0);
            let mut bytes = std::mem::take(&mut self.segment);
            bytes.extend_from_slice(told.tail);
            image = image.with(self.number, bytes);
        }
        image
    }

    /// FORMAT 6.4.
    fn header(&mut self, altered: &[(u16, u8)]) {
        self.number += 1;
        (self.frames, self.first) = (0, self.sequence + 1);
        let mut header = b"ASSIZE\r\n\x01\0".to_vec();
        header.extend_from_slice(&[self.keyed.mode.code(), 0]);
        header.extend_from_slice(&self.keyed.mode.key_id().to_le_bytes());
        header.extend_from_slice(&self.keyed.log_id.0);
        header.extend_from_slice(&self.number.to_le_bytes());
        header.extend_from_slice(&[0; 4]);
        header.extend_from_slice(&self.sequence.to_le_bytes());
        header.extend_from_slice(&self.log_time.to_le_bytes());
        header.extend_from_slice(&self.seam.0);
        header.extend_from_slice(&self.seam.1);
        if let Some(retained) = &self.retained {
            header.extend_from_slice(&retained.first_segment.to_le_bytes());
            header.extend_from_slice(&[0; 4]);
            header.extend_from_slice(&retained.through.0.to_le_bytes());
            header.extend_from_slice(&retained.header_sha256.0);
        }
        header.resize(HEADER_BYTES, 0);
        alter(&mut header[..HEADER_TAG], altered);
        let tag = self.keyed.segment_tag(self.number, b"assize/header", &[&header[..HEADER_TAG]]);
        header[HEADER_TAG..HEADER_TAG + 32].copy_from_slice(&tag);
        format::repair_header(&mut header);
        self.previous = tag;
        self.segment = header;
    }

    /// FORMAT 7.1.
    fn frame(&mut self, told: &FrameTold<'_>) {
        if self.segment.len() > SEGMENT_BYTES_MAX {
            return;
        }
        let before = self.sequence;
        let sequence = if is_control(told.kind) { before } else { before.wrapping_add(1) };
        let (effective, caller) = match told.times {
            Times::Log => (self.log_time, self.log_time),
            Times::Passed(ns) => {
                let caller = self.log_time.saturating_add(ns);
                (caller.max(self.log_time), caller)
            }
            Times::At { effective, caller } => (effective, caller),
        };
        let synced = match told.synced {
            Synced::Behind(lag) => before.saturating_sub(lag).max(self.synced),
            Synced::Through(synced) => synced,
        };
        let payload = told.payload.map_or_else(|| self.payload(told.kind), <[u8]>::to_vec);
        let mut frame = b"ASZ1".to_vec();
        frame.extend_from_slice(&u32::try_from(payload.len()).unwrap().to_le_bytes());
        frame.extend_from_slice(&sequence.to_le_bytes());
        frame.extend_from_slice(&effective.to_le_bytes());
        frame.extend_from_slice(&caller.to_le_bytes());
        frame.extend_from_slice(&synced.to_le_bytes());
        frame.extend_from_slice(&told.kind.to_le_bytes());
        frame.extend_from_slice(&[0, 0]);
        frame.extend_from_slice(&payload);
        frame.resize(PAYLOAD + payload.len().next_multiple_of(8), 0);
        alter(&mut frame, &told.altered);
        let tag = self.keyed.segment_tag(self.number, b"assize/frame", &[&self.previous, &frame]);
        frame.resize(frame.len() + TRAILER_BYTES, 0);
        let place = frame.len() - TRAILER_BYTES;
        frame[place..place + 32].copy_from_slice(&tag);
        format::repair_frame(&mut frame, self.keyed.log_id, self.number);
        self.segment.extend_from_slice(&frame);
        self.previous = tag;
        self.frames += 1;
        (self.sequence, self.log_time, self.synced) = (sequence, effective, synced);
        self.fold(RecordFrame {
            sequence: Sequence(sequence),
            effective: Timestamp(effective),
            caller: Timestamp(caller),
            kind: told.kind,
            payload: &payload,
        });
    }

    /// What a checkpoint or a seal says here. FORMAT 10.1, 7.7.
    fn payload(&self, kind: u16) -> Vec<u8> {
        if kind == CHECKPOINT_PART {
            let mut payload = vec![0, 0, 0, 0, 1, 0, 0, 0];
            self.ledger.encode(&mut payload);
            return payload;
        }
        let digest = assize::crypto::Digest::of_file(&self.segment);
        let mut payload = self.frames.to_le_bytes().to_vec();
        payload.extend_from_slice(&self.first.to_le_bytes());
        payload.extend_from_slice(&self.sequence.to_le_bytes());
        payload.extend_from_slice(&self.previous);
        payload.extend_from_slice(&digest.0);
        payload
    }

    fn fold(&mut self, frame: RecordFrame<'_>) {
        match frame.kind {
            CHECKPOINT_PART => {
                // One that was told may be another log's past.
                let form = frame.payload.get(8..).unwrap_or_default();
                self.ledger = Ledger::decode(form)
                    .unwrap_or_else(|_| std::mem::replace(&mut self.ledger, Ledger::unrestored()));
            }
            RETENTION => {
                self.retained = Retention::decode(frame.payload).ok().or(self.retained);
                let _refused = Fold::apply(&mut self.ledger, frame);
            }
            kind if !is_control(kind) => {
                let _refused = Fold::apply(&mut self.ledger, frame);
            }
            _ => {}
        }
    }
}

fn alter(bytes: &mut [u8], altered: &[(u16, u8)]) {
    for (at, with) in altered {
        let place = usize::from(*at) % bytes.len();
        bytes[place] ^= with;
    }
}

fn is_control(kind: u16) -> bool {
    matches!(kind, CHECKPOINT_PART | SEAL | KEY_CHANGE)
}

/// In place of a lag or of milliseconds: the number itself follows.
const ABSOLUTE: u8 = 255;
const HIGH: u8 = 0x80;
const SEGMENTS_MAX: usize = 6;
const FRAMES_MAX: usize = 64;
const SEGMENT_BYTES_MAX: usize = 1 << 16;
