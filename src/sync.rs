//! Atomics and locks: the one file that names them, so that models run on loom's in their place.

#[cfg(not(loom))]
pub(crate) use core::hint::spin_loop;
#[cfg(not(loom))]
pub(crate) use std::sync::{
    Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError, RwLock,
    atomic::{AtomicI64, AtomicU32, AtomicU64, Ordering},
};

#[cfg(loom)]
pub(crate) use loom::hint::spin_loop;
#[cfg(loom)]
pub(crate) use loom::sync::{
    Arc, Condvar, Mutex, MutexGuard, RwLock,
    atomic::{AtomicI64, AtomicU32, AtomicU64, Ordering},
};
#[cfg(loom)]
pub(crate) use std::sync::{OnceLock, PoisonError};

/// What models are made of: loom's threads, and a lock that it does not know, for what the runs of a model share.
#[cfg(all(test, loom))]
pub(crate) mod model {
    pub(crate) use loom::{
        model::Builder,
        thread::{JoinHandle, spawn},
    };
    pub(crate) use std::sync::{Arc as PlainArc, Mutex as PlainMutex};
}
