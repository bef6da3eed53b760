//! Calls that are carried out at once and awaited: on tokio's runtimes, on a hand-made one, beside threads, given up,
//! failing. INVARIANT I9.
#![cfg(feature = "tokio")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test that fails by panicking fails"
)]

#[path = "async_controller/cancelling.rs"]
mod cancelling;
#[path = "async_controller/ending.rs"]
mod ending;
#[path = "async_controller/failing.rs"]
mod failing;
#[path = "async_controller/host.rs"]
mod host;
mod scene;
#[path = "async_controller/serving.rs"]
mod serving;
#[path = "async_controller/waking.rs"]
mod waking;
#[allow(unreachable_pub, reason = "of other tests")]
#[path = "battery/watched.rs"]
mod watched;
