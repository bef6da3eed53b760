//! Settled holds, remembered for as long as they can be adjusted. SEMANTICS 9.15.

use alloc::collections::{BTreeMap, BTreeSet};

use super::section::lies_back;
use crate::{
    budget::Path,
    id::Sequence,
    num::{Amount, Timestamp},
    record::Terms,
};

/// A hold that was committed, and what is booked and unfunded of it at each of its cells.
#[derive(Clone, Copy, Debug)]
pub(super) struct SettledHold {
    pub(super) settled: Timestamp,
    pub(super) booked: Amount,
    pub(super) unfunded: Amount,
    /// The cells that it was taken from; while it is remembered, they are kept.
    pub(super) cells: Path,
}

/// All of them, by name and in the order in which they will be forgotten.
pub(super) struct Settled {
    by_name: BTreeMap<Sequence, SettledHold>,
    by_age: BTreeSet<(Timestamp, Sequence)>,
}

impl Settled {
    pub(super) fn new() -> Self {
        Self { by_name: BTreeMap::new(), by_age: BTreeSet::new() }
    }

    pub(super) fn len(&self) -> usize {
        self.by_name.len()
    }

    /// The hold, if it can be adjusted at `now`.
    pub(super) fn find(&mut self, hold: Sequence, now: Timestamp, terms: &Terms) -> Option<&mut SettledHold> {
        let found = self.by_name.get_mut(&hold);
        found.filter(|found| !lies_back(found.settled, terms.adjust_window_ns, now))
    }

    pub(super) fn insert(&mut self, name: Sequence, hold: SettledHold) {
        self.by_age.insert((hold.settled, name));
        self.by_name.insert(name, hold);
    }

    /// Forgets one that was settled more than the window before the log's time, or the earliest if there are more
    /// than may be.
    pub(super) fn forget_one(&mut self, log_time: Timestamp, terms: &Terms) -> Option<SettledHold> {
        let max = usize::try_from(terms.settled_max).unwrap_or(usize::MAX);
        let (settled, name) = *self.by_age.first()?;
        if self.by_name.len() <= max && !lies_back(settled, terms.adjust_window_ns, log_time) {
            return None;
        }
        self.by_age.pop_first();
        self.by_name.remove(&name)
    }
}
