//! Holds as they are and as they would have been.

use std::collections::BTreeMap;

use crate::id::{CandidateId, Sequence};
use crate::ledger::{Hold, HoldState};
use crate::num::Amount;

/// One side of a comparison: who was selected, what it cost, and what is held for it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Side {
    pub(super) candidate: CandidateId,
    /// What was held first.
    pub(super) cost_micros: u64,
    /// The same with all extensions, and without what part commits have used of it.
    pub(super) held_micros: u64,
    /// What part commits have stated, or would have.
    pub(super) spent_micros: u64,
    /// Whether this is no estimate, but what was recorded.
    pub(super) is_recorded: bool,
}

impl Side {
    pub(super) fn new(candidate: CandidateId, cost: Amount) -> Self {
        let micros = cost.micros();
        Self { candidate, cost_micros: micros, held_micros: micros, spent_micros: 0, is_recorded: false }
    }

    /// The same, to be left as it was recorded.
    pub(super) fn as_recorded(self) -> Self {
        Self { is_recorded: true, ..self }
    }
}

/// A hold of the log, and what there would have been in its place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Held {
    pub(super) then: Side,
    /// `None` where the request would have been denied.
    pub(super) now: Option<Side>,
    /// Whether it has expired.
    pub(super) given_back: bool,
}

/// The holds of the log that have not ended.
#[derive(Debug, Default)]
pub(super) struct Holds {
    holds: BTreeMap<Sequence, Held>,
    /// So many at which those are dropped that the ledger has forgotten.
    prune_at: usize,
}

impl Held {
    /// A hold from before the log's first checkpoint, which nothing is known to have been in the place of.
    pub(super) fn of(hold: &Hold) -> Self {
        let spent_micros = hold.spent.micros();
        let then = Side { spent_micros, ..Side::new(hold.candidate, hold.amount) };
        Self { then, now: Some(then.as_recorded()), given_back: hold.state == HoldState::Expired }
    }
}

impl Holds {
    pub(super) fn open(&mut self, name: Sequence, held: Held) {
        self.holds.insert(name, held);
    }

    pub(super) fn find(&mut self, name: Sequence) -> Option<&mut Held> {
        self.holds.get_mut(&name)
    }

    pub(super) fn close(&mut self, name: Sequence) -> Option<Held> {
        self.holds.remove(&name)
    }

    /// Drops what the ledger does not know any more, once there may be as much of it as of the rest.
    pub(super) fn prune(&mut self, is_known: impl Fn(Sequence) -> bool) {
        if self.holds.len() < self.prune_at.max(PRUNE_AT_LEAST) {
            return;
        }
        self.holds.retain(|name, _| is_known(*name));
        self.prune_at = self.holds.len().saturating_mul(2);
    }
}

/// An amount without a price of its own: ⌈amount × cost now / cost then⌉, at most [`Amount::MAX`]; the amount itself
/// where nothing was held. SEMANTICS 16.4.
pub(super) fn scaled(amount: Amount, now: &Side, then: &Side) -> u64 {
    if then.cost_micros == 0 {
        return amount.micros();
    }
    // OK because two amounts below 2⁶³ have a product below 2¹²⁶.
    let product = u128::from(amount.micros()).saturating_mul(u128::from(now.cost_micros));
    let micros = product.div_ceil(u128::from(then.cost_micros));
    u64::try_from(micros).map_or(Amount::MAX.micros(), |micros| micros.min(Amount::MAX.micros()))
}

const PRUNE_AT_LEAST: usize = 1024;
