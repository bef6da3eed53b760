//! The seeds that the corpora start from: genuine artefacts, made anew in every run of `tests/fuzz_corpora.rs`, so that what is
//! committed is what the library writes today.

use std::collections::BTreeMap;

use assize::audit::{Observer, Step};
use assize::id::LogId;
use assize::policy::{
    Policy,
    document::{from_toml, to_json, to_toml},
};
use assize::record::Record;
use assize::wal::storage::Memory;

use super::{
    anchor,
    battery::{
        Drawn,
        acts::Days,
        chance::{Client, Shared},
        format::{self, CHECKPOINT_PART},
        host::{LOG_ID, Making},
        image::Image,
        log::{Made, replay_with},
    },
    key,
    keyed::{Keyed, Mode},
    log_raw, record, script, world,
};

/// A seed's name, and its bytes.
pub type Seed = (String, Vec<u8>);

/// The seeds of that target.
pub fn of(target: &str) -> Vec<Seed> {
    match target {
        "policy_document" => documents(),
        "record" => records(),
        "checkpoint" => checkpoints(),
        "anchor" => anchors(),
        "key" => keys(),
        "log_raw" => raw_logs(),
        "log_remaced" => scripts(),
        "frames" => torn(),
        "kernel_oracle" => tapes(8, 512),
        "engine_model" => tapes(8, 400),
        "ledger_model" => tapes(8, 400),
        other => panic!("no target is called {other}"),
    }
}

fn documents() -> Vec<Seed> {
    let sample = Policy::freeze(from_toml(include_str!("../../examples/data/models.toml")).unwrap()).unwrap();
    let policies = [
        ("models", sample.to_draft()),
        ("suppliers", world::policy(1).to_draft()),
        ("battery", super::battery::host::policy(1).to_draft()),
    ];
    let both = |(name, draft)| {
        [(format!("{name}.toml"), to_toml(&draft)), (format!("{name}.json"), to_json(&draft))]
    };
    policies.into_iter().flat_map(both).map(|(name, text)| (name, text.into_bytes())).collect()
}

/// Of every kind, in every form that the worlds and the logs have.
fn records() -> Vec<Seed> {
    let mut seeds = BTreeMap::new();
    let mut add = |schema: u8, name: &str, record: &Record| {
        let kind = u8::try_from(record.kind().code()).unwrap();
        let mut bytes = vec![schema, kind];
        record.encode(&mut bytes);
        seeds.insert(name.replace([' ', ','], "-"), bytes);
    };
    for (at, record) in record::samples().iter().enumerate() {
        add(0, &format!("world-{at:02}-{}", record.kind()), record);
    }
    for (name, record) in Shapes::of(&Made::closed(LOG_ID, 1000).image).0 {
        add(2, &format!("log-{name}"), &record);
    }
    seeds.into_iter().collect()
}

/// The first record of each shape in a log.
struct Shapes(BTreeMap<&'static str, Record>);

impl Shapes {
    fn of(image: &Image) -> Self {
        let mut shapes = Self(BTreeMap::new());
        let _report = replay_with(&image.reading(), &mut shapes).unwrap();
        shapes
    }
}

impl Observer for Shapes {
    fn after(&mut self, step: &Step<'_>) {
        let shape = super::battery::log::shape(step.record);
        self.0.entry(shape).or_insert_with(|| step.record.clone());
    }
}

fn checkpoints() -> Vec<Seed> {
    let mut seeds = vec![("world".to_owned(), record::world().form())];
    let logs = [
        ("days", Made::closed(LOG_ID, 200).image),
        ("chance-1", chance(1, 80)),
        ("chance-2", chance(2, 160)),
    ];
    for (name, image) in logs {
        for number in [1, image.last() / 2, image.last()] {
            if image.has(number) {
                let segment = image.segment(number);
                let parts = format::frames(segment).into_iter().filter(|frame| frame.kind == CHECKPOINT_PART);
                let part = |frame: format::Frame| {
                    let payload = frame.offset + format::PAYLOAD;
                    segment[payload + 8..payload + frame.payload_bytes].to_vec()
                };
                seeds.push((format!("{name}-{number}"), parts.flat_map(part).collect()));
            }
        }
    }
    seeds
}

/// A log of a client at random, with windows, throttles, caps, moves and segments let go; not closed.
pub fn chance(seed: u64, acts: usize) -> Image {
    let memory = Memory::new();
    let mut client = Client::create(Box::new(memory.clone()), seed, Shared::default()).unwrap();
    for _ in 0..acts {
        let _answer = client.act();
    }
    client.stop(false, true).unwrap();
    Image::of_frames(&memory)
}

fn anchors() -> Vec<Seed> {
    let mut seeds = Vec::new();
    for mode in Mode::ALL {
        let log_id = LogId([mode.code(); 16]);
        let mut bytes = b"ASZANCH1\x01\0".to_vec();
        bytes.extend_from_slice(&[mode.code(), 0]);
        bytes.extend_from_slice(&mode.key_id().to_le_bytes());
        bytes.extend_from_slice(&log_id.0);
        bytes.extend_from_slice(&[3, 0, 0, 0, 0, 0, 0, 0, 200, 1, 0, 0, 0, 0, 0, 0]);
        bytes.extend_from_slice(&[0xA5; 32]);
        bytes.extend_from_slice(&1_700_000_000_000_000_000_i64.to_le_bytes());
        let tag = Keyed { mode, log_id }.anchor_tag(3, &bytes);
        bytes.extend_from_slice(&tag);
        for (name, options) in [("as-it-is", 0), ("tagged", anchor::TAG)] {
            let seed = [&[options, 0x21, 1][..], &bytes].concat();
            seeds.push((format!("{name}-{mode:?}").to_lowercase(), seed));
        }
    }
    // What the library itself writes.
    let made = Made::closed(LOG_ID, 60);
    seeds.push(("of-a-log".into(), [&[0, 7, 0][..], &made.anchor.encode()].concat()));
    seeds
}

fn keys() -> Vec<Seed> {
    let seed = |kind: u8, bytes: &[u8]| [&[kind, 0x40, 1][..], bytes].concat();
    let secret: Vec<u8> = (0..64).map(|at: u8| at.wrapping_mul(37)).collect();
    let keyed = Keyed { mode: Mode::Evolving, log_id: LOG_ID };
    let text = |id, secret| assize::wal::format_key(assize::crypto::KeyId(id), secret).unwrap().to_vec();
    vec![
        ("secret-32".into(), seed(key::SECRET, &secret[..32])),
        ("secret-64".into(), seed(key::SECRET, &secret)),
        ("text-32".into(), seed(key::TEXT, &text(7, &secret[..32]))),
        ("text-32-torn".into(), [&[key::TEXT, 0, 0][..], &text(7, &secret[..32])].concat()),
        ("text-64".into(), seed(key::TEXT, &text(u32::MAX, &secret))),
        ("state-1".into(), seed(key::STATE, &keyed.state(1))),
        ("state-9".into(), seed(key::STATE, &keyed.state(9))),
        ("state-body".into(), seed(key::STATE_BODY, &keyed.state(2)[..72])),
    ]
}

/// Logs of the battery's, in small segments: closed, open, pruned; and of every mode.
fn logs() -> Vec<(&'static str, Image)> {
    vec![
        ("days-closed", days(40, true)),
        ("days", days(120, false)),
        ("chance-1", chance(1, 40)),
        ("chance-2", chance(5, 70)),
        ("chance-streaming", chance(3, 40)),
    ]
}

/// A log of the battery's days, of so many records.
pub fn days(records: u64, is_closed: bool) -> Image {
    let memory = Memory::new();
    let making = Making { segment_bytes: 4 << 10, ..Making::default() };
    let mut days = Days::begin(making.create(&memory));
    while days.host.head() < records {
        days.act();
    }
    if is_closed {
        let _anchor = days.host.controller.close().unwrap();
    } else {
        let _anchor = days.host.controller.drain().unwrap();
        drop(days);
    }
    Image::of_frames(&memory)
}

fn raw_logs() -> Vec<Seed> {
    let first = |image: &Image| image.segments().next().map_or(0, |(number, _)| number);
    let mut pruned = (0..).map(|seed| chance(seed, 40)).filter(|image| (2..5).contains(&first(image)));
    let mut seeds: Vec<Seed> =
        vec![("pruned".into(), thoroughly(log_raw::of(&pruned.next().unwrap(), Mode::Static)))];
    for (name, image) in [("closed", days(40, true)), ("chance", chance(1, 40))] {
        seeds.push((name.into(), thoroughly(log_raw::of(&image, Mode::Static))));
        // The script writes the same log in the other modes.
        for mode in [Mode::Evolving, Mode::Unkeyed] {
            if image.has(1) {
                let (_, image) = script::write(&script::of(&image, mode)).unwrap();
                seeds.push((format!("{name}-{mode:?}").to_lowercase(), log_raw::of(&image, mode)));
            }
        }
    }
    seeds
}

/// Each is proven to be the log's script: it writes the same bytes.
fn scripts() -> Vec<Seed> {
    let mut seeds: Vec<Seed> = Vec::new();
    for (name, image) in logs().into_iter().filter(|(_, image)| image.has(1)) {
        let told = script::of(&image, Mode::Static);
        let (_, written) = script::write(&told).unwrap();
        assert!(written == image, "{name}: the script writes another log");
        seeds.push((name.into(), thoroughly(told)));
        if name == "chance-1" {
            for mode in [Mode::Evolving, Mode::Unkeyed] {
                seeds.push((format!("{name}-{mode:?}").to_lowercase(), script::of(&image, mode)));
            }
        }
    }
    seeds
}

/// Audited on two threads and under another policy too.
fn thoroughly(mut seed: Vec<u8>) -> Vec<u8> {
    seed[0] += 0x80;
    seed
}

fn torn() -> Vec<Seed> {
    let mut seeds: Vec<Seed> = vec![("whole".into(), vec![0, 255, 255])];
    for (at, place) in [0_u16, 700, 1_500, 2_222, 3_000].into_iter().enumerate() {
        let cut = [&[at as u8 % 4][..], &place.to_le_bytes(), &Drawn(at as u64).bytes(9 * at)].concat();
        seeds.push((format!("torn-{at}"), cut));
    }
    seeds
}

/// Choices that look drawn.
fn tapes(count: u64, bytes: usize) -> Vec<Seed> {
    (0..count).map(|seed| (format!("drawn-{seed}"), Drawn(seed).bytes(bytes))).collect()
}
