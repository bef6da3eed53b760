//! The properties that fuzzing holds the library to, one module a target: each takes any bytes, panics where the property
//! does not hold, and says how far the bytes came. The fuzz targets call them with what the fuzzer makes, and
//! `tests/fuzz_corpora.rs` with every seed.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::string_slice,
    reason = "a property that does not hold panics"
)]

pub mod anchor;
pub mod checkpoint;
pub mod engine_model;
pub mod frames;
pub mod kernel_oracle;
pub mod key;
pub mod keyed;
pub mod ledger_model;
pub mod log;
pub mod log_raw;
pub mod log_remaced;
pub mod policy_document;
pub mod record;
pub mod script;
pub mod seeds;

#[path = "../battery/mod.rs"]
pub mod battery;
#[path = "../budget_model/pair/mod.rs"]
pub mod engine_pair;
#[path = "../ledger_model/run.rs"]
pub mod ledger_run;
#[path = "../oracle/mod.rs"]
pub mod oracle;
#[path = "../ledger/world.rs"]
pub mod world;

/// How far the bytes came, in a word each: seeds are held to it.
pub type Reached = Vec<&'static str>;
