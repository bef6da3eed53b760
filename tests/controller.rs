//! The controller over its public interface: the life of a hold, and what moves around it.
#![cfg(feature = "wal")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::type_complexity,
    reason = "a test that fails by panicking fails"
)]

#[path = "controller/accounts.rs"]
mod accounts;
#[path = "controller/adjusting.rs"]
mod adjusting;
#[path = "controller/admitting.rs"]
mod admitting;
#[path = "controller/expiring.rs"]
mod expiring;
#[path = "controller/extending.rs"]
mod extending;
#[path = "controller/parting.rs"]
mod parting;
#[path = "controller/policies.rs"]
mod policies;
#[path = "controller/reopening.rs"]
mod reopening;
#[path = "controller/rerouting.rs"]
mod rerouting;
mod scene;
#[path = "controller/settling.rs"]
mod settling;
#[path = "controller/shadow.rs"]
mod shadow;
#[path = "controller/switches.rs"]
mod switches;
