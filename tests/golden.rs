//! Bytes of format version 1 that both implementations make: every record, every digest, every key, every frame.
//!
//! The files are written by the second implementation, from FORMAT alone; `tests/versions/README.md` says what they have.
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

#[path = "golden/chain.rs"]
mod chain;
#[path = "golden/digests.rs"]
mod digests;
#[path = "golden/files.rs"]
mod files;
#[path = "battery/format.rs"]
#[allow(dead_code, unreachable_pub, reason = "other tests use the rest of it")]
mod format;
#[path = "golden/records.rs"]
mod records;
#[path = "golden/stated.rs"]
mod stated;
