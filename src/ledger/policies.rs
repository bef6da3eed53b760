//! The policy in force, and those that holds were admitted under.

use alloc::sync::Arc;
use std::collections::BTreeMap;

use crate::id::Epoch;
use crate::policy::Policy;

/// Policies by epoch: the one in force, and every one that a hold names.
#[derive(Debug)]
pub(super) struct Policies {
    in_force: Arc<Policy>,
    /// With the number of holds that name it.
    kept: BTreeMap<Epoch, (Arc<Policy>, u64)>,
}

impl Policies {
    /// With one in force.
    pub(super) fn new(in_force: Arc<Policy>) -> Self {
        let kept = [(in_force.epoch(), (Arc::clone(&in_force), 0))].into();
        Self { in_force, kept }
    }

    pub(super) fn in_force(&self) -> &Arc<Policy> {
        &self.in_force
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
        let before = self.in_force.epoch();
        self.follow(policy);
        self.drop_unnamed(before);
    }

    /// Puts a policy in force and keeps the one before it, which holds will name.
    pub(super) fn follow(&mut self, policy: Arc<Policy>) {
        self.kept.insert(policy.epoch(), (Arc::clone(&policy), 0));
        self.in_force = policy;
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
        if epoch != self.in_force.epoch() && self.holds(epoch) == 0 {
            self.kept.remove(&epoch);
        }
    }
}
