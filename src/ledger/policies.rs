//! The policy in force, and those that holds were admitted under.

use alloc::sync::Arc;
use std::collections::BTreeMap;

use crate::id::Epoch;
use crate::policy::Policy;

/// Policies by epoch: the one in force, and every one that a hold names.
#[derive(Debug, Default)]
pub(super) struct Policies {
    in_force: Option<Arc<Policy>>,
    /// With the number of holds that name it.
    kept: BTreeMap<Epoch, (Arc<Policy>, u64)>,
}

impl Policies {
    pub(super) fn in_force(&self) -> Option<&Arc<Policy>> {
        self.in_force.as_ref()
    }

    pub(super) fn find(&self, epoch: Epoch) -> Option<&Arc<Policy>> {
        self.kept.get(&epoch).map(|(policy, _)| policy)
    }

    /// Sorted by epoch.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Arc<Policy>> {
        self.kept.values().map(|(policy, _)| policy)
    }

    pub(super) fn len(&self) -> usize {
        self.kept.len()
    }

    /// How many holds name the policy.
    pub(super) fn holds(&self, epoch: Epoch) -> u64 {
        self.kept.get(&epoch).map_or(0, |(_, holds)| *holds)
    }

    /// Puts a policy in force; the one before it stays while holds name it.
    pub(super) fn swap(&mut self, policy: Arc<Policy>) {
        let before = self.in_force.replace(Arc::clone(&policy));
        self.keep(policy);
        if let Some(before) = before {
            self.drop_unnamed(before.epoch());
        }
    }

    /// Puts in force, in a ledger that is restored, a policy that is kept already.
    pub(super) fn restore(&mut self, policy: Arc<Policy>) {
        self.in_force = Some(policy);
    }

    /// Keeps a policy that holds will name.
    pub(super) fn keep(&mut self, policy: Arc<Policy>) {
        self.kept.insert(policy.epoch(), (policy, 0));
    }

    pub(super) fn name(&mut self, epoch: Epoch) {
        if let Some((_, holds)) = self.kept.get_mut(&epoch) {
            *holds = holds.saturating_add(1);
        }
    }

    pub(super) fn unname(&mut self, epoch: Epoch) {
        if let Some((_, holds)) = self.kept.get_mut(&epoch) {
            *holds = holds.saturating_sub(1);
            self.drop_unnamed(epoch);
        }
    }

    fn drop_unnamed(&mut self, epoch: Epoch) {
        let in_force = self.in_force.as_ref().is_some_and(|policy| policy.epoch() == epoch);
        if !in_force && self.holds(epoch) == 0 {
            self.kept.remove(&epoch);
        }
    }
}
