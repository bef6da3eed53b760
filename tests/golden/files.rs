//! The fixed files, read.

use std::{fs, path::PathBuf};

use serde_json::Value;

/// Where the files of format version 1 are.
pub(crate) fn v1() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/versions/v1"))
}

pub(crate) fn document(name: &str) -> Value {
    serde_json::from_slice(&fs::read(v1().join(name)).unwrap()).unwrap()
}

/// The bytes of a text of hex digits.
pub(crate) fn bytes(hex: &Value) -> Vec<u8> {
    let digits: Vec<_> =
        hex.as_str().unwrap().chars().map(|digit| digit.to_digit(16).unwrap() as u8).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

pub(crate) fn array<const N: usize>(hex: &Value) -> [u8; N] {
    bytes(hex).try_into().unwrap()
}

pub(crate) fn list(value: &Value) -> &[Value] {
    let list = value.as_array().unwrap();
    assert!(!list.is_empty());
    list
}

pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}
