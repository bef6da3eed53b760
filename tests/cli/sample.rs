//! The sample trace under the sample catalog, and what is done to the logs that come of it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;

use crate::place::Place;

/// The sample catalog.
pub(crate) const MODELS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data/models.toml");
/// 240 requests: some without tokens, one with a prompt and one with an answer of four billion.
pub(crate) const TRACE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/trace.csv");

/// What the tests' runs have in common, with some of it stated otherwise or more stated: four accounts, some of which
/// cannot pay for all that they are asked.
pub(crate) fn usual<'a>(otherwise: &[&'a str]) -> Vec<&'a str> {
    let usual = [
        ("--require", "function_calling"),
        ("--accounts", "4"),
        ("--grant", "20000"),
        ("--in-flight", "8"),
        ("--level", "queued"),
    ];
    let kept = usual.into_iter().filter(|(flag, _)| !otherwise.contains(flag));
    kept.flat_map(|(flag, value)| [flag, value]).chain(otherwise.iter().copied()).collect()
}

/// Runs the sample trace under the sample catalog into the log of that name; what it says as JSON.
pub(crate) fn run_sample(place: &Place, log: &str, more: &[&str]) -> Value {
    place.run(MODELS, TRACE, log, &usual(&[more, &["--json"]].concat())).json()
}

/// A segment of the log of that name.
pub(crate) fn segment(place: &Place, log: &str, number: u32) -> PathBuf {
    place.path(log).join(format!("{number:08}.seg"))
}

/// The log of that name, with one bit turned.
pub(crate) fn turn(place: &Place, log: &str, to: &str, offset: usize) {
    copy(&place.path(log), &place.path(to));
    let segment = segment(place, to, 1);
    let mut bytes = fs::read(&segment).unwrap();
    bytes[offset] ^= 1;
    fs::write(&segment, bytes).unwrap();
}

/// A log's files, copied.
pub(crate) fn copy(from: &Path, to: &Path) {
    create_private(to);
    for file in fs::read_dir(from).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), to.join(file.file_name())).unwrap();
    }
}

/// A directory for its owner alone, as a log's writer demands it.
pub(crate) fn create_private(path: &Path) {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).unwrap();
}
