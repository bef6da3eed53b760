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

/// Waits on the bell while `wait` says so, at most that long.
#[cfg(all(feature = "wal", not(any(loom, shuttle))))]
pub(crate) fn wait_at_most<'a, T>(
    (bell, guard): (&Condvar, MutexGuard<'a, T>),
    _: &'a Mutex<T>,
    most: core::time::Duration,
    wait: impl FnMut(&mut T) -> bool,
) -> std::sync::LockResult<MutexGuard<'a, T>> {
    match bell.wait_timeout_while(guard, most, wait) {
        Ok((guard, _)) => Ok(guard),
        Err(poison) => Err(PoisonError::new(poison.into_inner().0)),
    }
}

/// In a model the time is over whenever the lock can be had again: what others do meanwhile is theirs.
#[cfg(all(feature = "wal", any(loom, shuttle)))]
pub(crate) fn wait_at_most<'a, T>(
    (_, guard): (&Condvar, MutexGuard<'a, T>),
    lock: &'a Mutex<T>,
    _: core::time::Duration,
    _: impl FnMut(&mut T) -> bool,
) -> std::sync::LockResult<MutexGuard<'a, T>> {
    drop(guard);
    lock.lock()
}

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
