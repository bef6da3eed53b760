//! Altered logs: whatever is flipped, deleted, added, moved or taken from elsewhere, verification fails and names the
//! place.
//!
//! **The rule.** An error names a segment, an offset and a sequence: those of the header or frame of the true log in
//! which the bytes first depart from it, and the sequence that a reader expects there (for a frame after a checkpoint,
//! the next record's; for a header or a checkpoint's part, the last record's). Where the altered log ends too early,
//! the departure is where it ends. `Made::departure` computes it from the bytes alone. The one exception is a record
//! spliced from a fork, another continuation of this very log: it is genuine where it stands, and the frame after it
//! is what fails.
//!
//! Everything is verified in process, without a file. `ASSIZE_BATTERY=full cargo test --release --test tamper --
//! --nocapture` flips every bit of every segment of a log of 1,000 records, and with the checksum repaired one bit of
//! every byte, and prints what it did; without the variable, every bit of one frame of each kind, both ways.
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

#[path = "tamper/absent.rs"]
mod absent;
mod battery;
#[path = "tamper/flips.rs"]
mod flips;
#[path = "tamper/said.rs"]
mod said;
#[path = "tamper/structure.rs"]
mod structure;
#[path = "tamper/suffix.rs"]
mod suffix;

use std::sync::LazyLock;

use battery::{host::LOG_ID, log::Made};

/// The log that is altered: closed, of a thousand records.
static LOG: LazyLock<Made> = LazyLock::new(|| Made::closed(LOG_ID, 1000));
