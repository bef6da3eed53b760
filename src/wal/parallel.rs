//! Reading the segments of a log at once, each by itself.

use alloc::vec::Vec;
use core::num::NonZeroUsize;
use std::thread;

use super::{
    inventory::Inventory,
    part::{Joined, Part, Span},
    reader::{ReadOptions, Summary},
    retention::first_to_read,
    storage::Storage,
};
use crate::{
    crypto::RootKey,
    sync::{Mutex, PoisonError, Sender, channel},
};

/// How many threads this process can run at once.
pub(crate) fn threads_available() -> NonZeroUsize {
    thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}

/// Verifies all segments at once on so many threads. `work` reads one segment to its end, and says what it found;
/// `done` hears of the records and the bytes of each that was read.
///
/// `None` where anything does not hold, or cannot be read, or there are no two segments: then reading them in order
/// says what.
pub(crate) fn read_parts<T: Send>(
    storage: &dyn Storage,
    keys: &[&RootKey],
    options: &ReadOptions,
    threads: NonZeroUsize,
    work: impl Fn(&mut Part<'_>) -> Option<T> + Sync,
    mut done: impl FnMut(u64, u64),
) -> Option<(Summary, Vec<T>)> {
    let inventory = Inventory::take(storage).ok()?;
    let last = inventory.last();
    if threads.get() < 2 {
        return None;
    }
    let first = first_to_read(storage, keys, options, &inventory).ok()?;
    let count = usize::try_from(last.checked_sub(first)?).unwrap_or(usize::MAX).saturating_add(1);
    if count < 2 || inventory.whole_from() > first {
        return None;
    }
    // The last one first: it is what does not hold most often.
    let next = Mutex::new(core::iter::once(last).chain(first..last));
    let threads = threads.get().min(count);
    let (tell, told) = channel();
    let read = |tell: Sender<_>| {
        loop {
            let Some(segment) = next.lock().unwrap_or_else(PoisonError::into_inner).next() else { break };
            let part = Part::open(storage, keys, options, Span { first, segment, last }, None).ok();
            let read = part.and_then(|mut part| work(&mut part).map(|what| (segment, part.end(), what)));
            if tell.send(read).is_err() {
                break;
            }
        }
    };
    let mut all = Vec::new();
    thread::scope(|scope| {
        for tell in core::iter::repeat_n(tell, threads) {
            // Fewer do as well, and with none nothing is heard.
            let _started = thread::Builder::new().spawn_scoped(scope, || read(tell)).is_ok();
        }
        // One that does not hold ends the hearing, and with that the work of all.
        for part in told {
            let (segment, ended, what) = part?;
            done(ended.records(), ended.bytes());
            all.push((segment, ended, what));
        }
        Some(())
    })?;
    all.sort_unstable_by_key(|(segment, ..)| *segment);
    let (mut joined, mut all) = (Joined::default(), all.into_iter());
    let (_, mut end, what) = all.next().filter(|(_, first, _)| first.can_begin(options.anchor))?;
    let mut found = alloc::vec![what];
    for (_, mut next, what) in all {
        end.is_followed_by(&mut next).then_some(())?;
        joined.add(&end);
        found.push(what);
        end = next;
    }
    end.can_end(last, options.anchor).then_some(())?;
    Some((joined.summary(&end, options.anchor), found))
}
