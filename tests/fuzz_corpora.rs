//! The properties of the fuzz targets, over every seed of the committed corpora: what fuzzing has found stays found, and a
//! corpus that has lost its way to the target is seen.
//!
//! `ASSIZE_SEEDS=write cargo test --test fuzz_corpora` writes the seeds that are made of genuine artefacts.
#![cfg(all(feature = "wal", feature = "serde"))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    reason = "a test that fails by panicking fails"
)]

mod fuzzed;

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use assize::{
    id::Sequence,
    ledger::Ledger,
    num::Timestamp,
    wal::{Fault, LogOptions, NoKey, OpenError, OpenOptions, ReadError, UnkeyedLog},
};
use fuzzed::{Reached, seeds};

/// A target: its name, its property, and what its seeds reach together at least.
struct Target {
    name: &'static str,
    check: fn(&[u8]) -> Reached,
    reaches: &'static [&'static str],
}

const TARGETS: &[Target] = &[
    Target {
        name: "policy_document",
        check: fuzzed::policy_document::check,
        reaches: &["toml", "json", "frozen"],
    },
    Target {
        name: "record",
        check: fuzzed::record::check,
        reaches: &[
            "terms",
            "policy",
            "halt",
            "candidate_switch",
            "admission",
            "commit",
            "release",
            "extend",
            "part_commit",
            "reroute",
            "expire",
            "adjust",
            "account",
            "grant",
            "account_closed",
            "reparent",
            "boundary",
            "recovery",
            "retention",
            "applied",
            "a policy that freezes",
        ],
    },
    Target {
        name: "checkpoint",
        check: fuzzed::checkpoint::check,
        reaches: &["restored", "went on", "holds", "settled holds", "operations"],
    },
    Target {
        name: "anchor",
        check: fuzzed::anchor::check,
        reaches: &["static", "evolving", "unkeyed", "flipped"],
    },
    Target {
        name: "key",
        check: fuzzed::key::check,
        reaches: &["secret", "text", "text and another", "state"],
    },
    Target {
        name: "kernel_oracle",
        check: fuzzed::kernel_oracle::check,
        reaches: &["execute", "substitute", "deny"],
    },
    Target {
        name: "engine_model",
        check: fuzzed::engine_model::check,
        reaches: &[
            "adjust: refunded",
            "commit: overrun booked in part",
            "commit: within the hold",
            "expire: done",
            "extend: taken",
            "grant: down",
            "open: striped",
            "part-commit: within the hold",
            "release: returned",
            "reserve: another binds",
            "reserve: some cells",
        ],
    },
    Target {
        name: "ledger_model",
        check: fuzzed::ledger_model::check,
        reaches: &[
            "adjusted up",
            "admit",
            "commit above",
            "commit late",
            "deny",
            "expire",
            "extend",
            "part within",
            "refused",
            "release",
            "reroute",
            "restored",
            "settled too many",
        ],
    },
    Target { name: "log_raw", check: fuzzed::log_raw::check, reaches: LOGS },
    Target { name: "log_remaced", check: fuzzed::log_remaced::check, reaches: LOGS },
    Target { name: "frames", check: fuzzed::frames::check, reaches: &["kept", "cut", "not cut", "refused"] },
];

/// What genuine logs come to; how their tails are cut is for `frames`.
const LOGS: &[&str] = &[
    "verified",
    "replayed",
    "several segments",
    "found",
    "opened",
    "replays after opening",
    "went on",
    "went on, evolving",
    "went on, unkeyed",
    "thoroughly",
];

/// What fuzzing has found in the library, mended since: target, seed, and what it comes to now.
const FINDS: &[(&str, &str, &[&str])] = &[
    // Opening cut the tail, and only then found that the state did not take the record of the cut.
    ("log_remaced", CHECKPOINT_OF_ANOTHER_RECORD, &[]),
];

const CHECKPOINT_OF_ANOTHER_RECORD: &str = "find-checkpoint-of-another-record";

/// Whatever the seed, the property holds; whatever was made of a genuine artefact reaches the target, and all of them
/// together reach everything that they should.
#[test]
fn every_seed_keeps_the_property_and_the_genuine_ones_reach_their_target() {
    for target in TARGETS {
        let (mut reached, mut genuine) = (BTreeSet::new(), 0);
        let seeds = committed(target.name);
        for (name, bytes) in &seeds {
            let came = (target.check)(bytes);
            if name.starts_with(FOUND) {
                let row = FINDS.iter().find(|(of, seed, _)| (*of, *seed) == (target.name, name));
                let (.., expected) = row.unwrap_or_else(|| panic!("{}: {name} has no row", target.name));
                assert_eq!(came, *expected, "{}: {name}", target.name);
            } else if name.starts_with(GENUINE) {
                assert!(!came.is_empty(), "{}: {name} does not reach the target", target.name);
                genuine += 1;
            } else {
                assert!(name.len() == 40, "{}: {name} is named like none", target.name);
            }
            reached.extend(came);
        }
        let missed: Vec<_> = target.reaches.iter().filter(|what| !reached.contains(*what)).collect();
        assert!(missed.is_empty(), "{}: no seed reaches {missed:?}, only {reached:?}", target.name);
        println!("{}: {} seeds, {genuine} of them genuine, reach {reached:?}", target.name, seeds.len());
    }
}

/// What a name says of a seed, by how it starts: it is a genuine artefact, or it was found to fail. Others are what fuzzing
/// kept, under their digests.
const GENUINE: &str = "genuine-";
const FOUND: &str = "find-";

/// The seeds that are committed for a target.
fn committed(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = corpus(target);
    let files = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut seeds: Vec<_> = files
        .map(|file| {
            let file = file.unwrap();
            (file.file_name().into_string().unwrap(), fs::read(file.path()).unwrap())
        })
        .collect();
    seeds.sort();
    seeds
}

fn corpus(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target)
}

/// Genuine seeds are what the library writes today: a change of format changes them, or leaves dead seeds behind.
#[test]
fn genuine_seeds_are_what_is_written_today() {
    let writes = std::env::var_os("ASSIZE_SEEDS").is_some_and(|value| value == "write");
    for target in TARGETS {
        let made: Vec<_> = {
            let named = seeds::of(target.name).into_iter();
            let mut named: Vec<_> = named.map(|(name, bytes)| (format!("{GENUINE}{name}"), bytes)).collect();
            named.sort();
            named
        };
        if writes {
            write(target.name, &made);
        }
        let genuine = committed(target.name).into_iter().filter(|(name, _)| name.starts_with(GENUINE));
        let (there, made): (BTreeSet<_>, BTreeSet<_>) = (genuine.collect(), made.into_iter().collect());
        let differ: Vec<_> = there.symmetric_difference(&made).map(|(name, _)| name).collect();
        assert!(differ.is_empty(), "{}: made otherwise today: {differ:?}", target.name);
    }
}

fn write(target: &str, made: &[(String, Vec<u8>)]) {
    fs::create_dir_all(corpus(target)).unwrap();
    for (name, _) in committed(target).into_iter().filter(|(name, _)| name.starts_with(GENUINE)) {
        fs::remove_file(corpus(target).join(name)).unwrap();
    }
    for (name, bytes) in made {
        fs::write(corpus(target).join(name), bytes).unwrap();
    }
}

/// Every target has a row here, and every row is a target.
#[test]
fn every_target_has_a_row() {
    let files = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/fuzz_targets")).unwrap();
    let name = |path: PathBuf| path.file_stem().unwrap().to_str().unwrap().to_owned();
    let files: BTreeSet<String> = files.map(|file| name(file.unwrap().path())).collect();
    let rows: BTreeSet<String> = TARGETS.iter().map(|target| target.name.to_owned()).collect();
    assert_eq!(files, rows);
    for (target, seed, _) in FINDS {
        assert!(corpus(target).join(seed).exists(), "{target}: {seed} has a row and no seed");
    }
}

#[test]
fn a_checkpoint_of_another_record_is_refused_by_name() {
    let script = fs::read(corpus("log_remaced").join(CHECKPOINT_OF_ANOTHER_RECORD)).unwrap();
    let (_, image) = fuzzed::script::write(&script).unwrap();
    let options = OpenOptions {
        key: NoKey,
        options: LogOptions::default(),
        log_id: None,
        anchor: None,
        at: Timestamp(0),
    };
    let opened = UnkeyedLog::open(Box::new(image.memory()), options, Ledger::unrestored());
    let Err(OpenError::Read(ReadError::Evidence { fault, place })) = opened else { panic!("it opens") };
    assert_eq!(fault, Fault::CheckpointSequence { seen: Sequence(5) });
    assert_eq!((place.segment, place.sequence), (3, Sequence(6)));
}

/// Small enough to be cloned by everybody.
#[test]
fn the_corpora_are_small() {
    let bytes = |target: &Target| committed(target.name).iter().map(|(_, bytes)| bytes.len()).sum::<usize>();
    let all: usize = TARGETS.iter().map(bytes).sum();
    assert!((1 << 16..=1 << 19).contains(&all), "{all} bytes");
}
