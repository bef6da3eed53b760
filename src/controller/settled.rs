//! Settled holds, remembered for as long as they can be adjusted. SEMANTICS 9.15.

use alloc::collections::{BTreeMap, BTreeSet};

use super::section::lies_back;
use crate::{
    id::Sequence,
    num::{Amount, Timestamp},
    record::{Path, Terms},
};

/// A hold that was committed, and what is booked and unfunded of it at each of its cells.
#[derive(Clone, Copy, Debug)]
pub(super) struct SettledHold {
    pub(super) settled: Timestamp,
    pub(super) booked: Amount,
    pub(super) unfunded: Amount,
    pub(super) path: Path,
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

    /// Forgets what was settled more than the window before the log's time, and the earliest of what is more than
    /// may be.
    pub(super) fn forget(&mut self, log_time: Timestamp, terms: &Terms) {
        let max = usize::try_from(terms.settled_max).unwrap_or(usize::MAX);
        while let Some((settled, name)) = self.by_age.first().copied()
            && (self.by_name.len() > max || lies_back(settled, terms.adjust_window_ns, log_time))
        {
            self.by_age.pop_first();
            self.by_name.remove(&name);
        }
    }
}
