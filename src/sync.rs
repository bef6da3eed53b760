//! Atomics and locks: the one file that names them, so that models run on loom's or shuttle's in their place.

#[cfg(not(any(loom, shuttle)))]
pub(crate) use core::hint::spin_loop;
#[cfg(not(any(loom, shuttle)))]
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

#[cfg(shuttle)]
pub(crate) use shuttle::{
    hint::spin_loop,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, RwLock,
        atomic::{AtomicI64, AtomicU32, AtomicU64, Ordering},
    },
};

#[cfg(any(loom, shuttle))]
pub(crate) use std::sync::{OnceLock, PoisonError};

/// Of no model: what readers of a log tell the one who started them.
#[cfg(feature = "wal")]
pub(crate) use std::sync::mpsc::{Sender, channel};

/// What models are made of: loom's threads, and a lock that it does not know, for what the runs of a model share.
#[cfg(all(test, loom))]
pub(crate) mod model {
    pub(crate) use loom::{
        model::Builder,
        thread::{JoinHandle, spawn},
    };
    pub(crate) use std::sync::{Arc as PlainArc, Mutex as PlainMutex};
}

/// What schedules are made of: shuttle's threads, schedulers and random numbers, and a lock that it does not know.
#[cfg(all(test, shuttle))]
pub(crate) mod model {
    pub(crate) use shuttle::{
        Config, Runner,
        rand::{Rng, thread_rng},
        scheduler::{PctScheduler, RandomScheduler, Scheduler},
        thread::{JoinHandle, spawn},
    };
    pub(crate) use std::sync::{Arc as PlainArc, Mutex as PlainMutex};
}
