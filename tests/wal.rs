//! The log over its public interface: written, read, opened again, torn, altered and failing.
#![cfg(feature = "wal")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    reason = "a test"
)]

#[path = "wal/errors.rs"]
mod errors;
#[path = "wal/failing.rs"]
mod failing;
#[cfg(unix)]
#[path = "wal/files.rs"]
mod files;
#[path = "wal/forge.rs"]
mod forge;
#[path = "wal/hooked.rs"]
mod hooked;
#[path = "wal/power.rs"]
mod power;
#[path = "wal/recovery.rs"]
mod recovery;
#[path = "wal/seek.rs"]
mod seek;
#[path = "wal/tamper.rs"]
mod tamper;
#[path = "wal/threads.rs"]
mod threads;
#[path = "wal/toy.rs"]
mod toy;
#[path = "wal/writing.rs"]
mod writing;
