//! What went wrong elsewhere, one test for each: end to end, over the public interface, named after the incident.
#![cfg(all(feature = "wal", feature = "serde"))]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test that fails by panicking fails"
)]

#[path = "incidents/answers.rs"]
mod answers;
#[allow(
    dead_code,
    unreachable_pub,
    clippy::as_conversions,
    reason = "what an attacker knows of FORMAT; of other tests"
)]
#[path = "battery/format.rs"]
mod format;
#[path = "incidents/holds.rs"]
mod holds;
#[path = "incidents/logs.rs"]
mod logs;
#[path = "incidents/prices.rs"]
mod prices;
#[path = "incidents/races.rs"]
mod races;
#[path = "incidents/restarts.rs"]
mod restarts;
mod scene;
