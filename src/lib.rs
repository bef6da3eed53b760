//! Decides which candidate may serve a request, holds the money for it, writes both into a keyed,
//! hash-chained log, and lets anyone with the key prove afterwards that every decision and every
//! balance was right.
//!
//! The layers, lowest first; a module imports only lower ones:
//!
//! | layer | modules |
//! |---|---|
//! | 0 | `sync`, [`limits`] |
//! | 1 | [`num`], [`id`], [`window`], [`throttle`], [`caps`], [`overrun`], [`retry`], [`certainty`] |
//! | 2 | [`codec`], [`crypto`] |
//! | 3 | [`policy`], [`budget`], [`wal`] |
//! | 4 | [`kernel`] |
//! | 5 | [`record`], [`ledger`] |
//! | 6 | [`controller`], [`audit`] |
#![no_std]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

extern crate alloc;
#[cfg(any(feature = "wal", test))]
extern crate std;

#[cfg(feature = "wal")]
mod sync;

pub mod limits;

pub mod caps;
pub mod certainty;
pub mod id;
pub mod num;
pub mod overrun;
pub mod retry;
pub mod throttle;
pub mod window;

pub mod codec;
pub mod crypto;

pub mod policy;

#[cfg(feature = "wal")]
pub mod budget;
#[cfg(feature = "wal")]
pub mod wal;

pub mod kernel;

#[cfg(feature = "wal")]
pub mod ledger;
#[cfg(feature = "wal")]
pub mod record;

#[cfg(feature = "wal")]
pub mod audit;
#[cfg(feature = "wal")]
pub mod controller;

/// The README's example is a test.
#[cfg(all(doctest, feature = "wal", feature = "serde"))]
#[doc = include_str!("../README.md")]
struct Readme;
