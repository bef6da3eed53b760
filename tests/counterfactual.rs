//! What would have to change, held to the naive model and to `prescribe`, and worked out by hand.
//!
//! `PROPTEST_CASES` sets the number of generated policies.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::expect_used,
    clippy::panic,
    clippy::type_complexity,
    reason = "a test that fails by panicking fails"
)]

#[path = "counterfactual/affording.rs"]
mod affording;
#[path = "counterfactual/asking.rs"]
mod asking;
#[path = "counterfactual/changing.rs"]
mod changing;
#[path = "counterfactual/comparing.rs"]
mod comparing;
mod kernel_sample;
mod oracle;
#[path = "counterfactual/shown.rs"]
mod shown;
#[path = "counterfactual/slackening.rs"]
mod slackening;
#[path = "counterfactual/tables.rs"]
mod tables;
#[path = "counterfactual/winning.rs"]
mod winning;
