//! The candidates that the host has switched off, beside those that the policy disables.

use alloc::vec::Vec;

use super::{RequestError, search::bit};
use crate::{
    crypto::Digest,
    id::CandidateId,
    policy::{Policy, WORD},
};

/// The host's disabled candidates under one policy. SEMANTICS 5.2 and 13.2.
///
/// A policy lays its candidates out in its own order, so one made for a policy is an error with another; make it
/// again after a swap.
#[derive(Clone, Debug, Default)]
pub struct Disabled {
    policy: Digest,
    /// A bit for each slot of the policy's index; none while no candidate is disabled.
    words: Vec<u64>,
}

impl Disabled {
    /// No candidate, under any policy.
    #[must_use]
    pub const fn none() -> Self {
        Self { policy: Digest([0; 32]), words: Vec::new() }
    }

    /// Those of the ids that the catalog has; the others mean nothing until a catalog has them.
    #[must_use]
    pub fn new(policy: &Policy, ids: impl IntoIterator<Item = CandidateId>) -> Self {
        let mut disabled = Self { policy: policy.digest(), words: Vec::new() };
        for id in ids {
            let Some(slot) = policy.position(id).and_then(|place| policy.index().slot(place)) else {
                continue;
            };
            if disabled.words.is_empty() {
                disabled.words.resize(policy.index().words(), 0);
            }
            if let Some(word) = disabled.words.get_mut(slot / WORD) {
                *word |= bit(slot % WORD);
            }
        }
        disabled
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// Whether the candidate in that slot is among them.
    pub(super) fn has_slot(&self, slot: usize) -> bool {
        self.word(slot / WORD) & bit(slot % WORD) != 0
    }

    /// The disabled ones among the slots of that word.
    #[inline]
    pub(super) fn word(&self, word: usize) -> u64 {
        self.words.get(word).copied().unwrap_or(0)
    }

    pub(super) fn check(&self, policy: &Policy) -> Result<(), RequestError> {
        if self.is_empty() || self.policy == policy.digest() {
            Ok(())
        } else {
            Err(RequestError::DisabledOfAnotherPolicy)
        }
    }
}
