//! The candidates that the host has switched off, beside those that the policy disables.

use alloc::vec::Vec;

use super::RequestError;
use crate::{crypto::Digest, id::CandidateId, policy::Policy};

/// The host's disabled candidates under one policy. SEMANTICS 5.2 and 13.2.
///
/// A policy's candidates have places in it, so one made for a policy is an error with another; make it again after
/// a swap.
#[derive(Clone, Debug, Default)]
pub struct Disabled {
    policy: Digest,
    /// A bit for each place in the catalog; none while no candidate is disabled.
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
            let Some(place) = policy.position(id) else { continue };
            if disabled.words.is_empty() {
                disabled.words.resize(policy.candidates().len().div_ceil(WORD), 0);
            }
            if let Some(word) = disabled.words.get_mut(place / WORD) {
                *word |= bit(place);
            }
        }
        disabled
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// Whether the candidate at that place of the catalog is disabled.
    #[must_use]
    pub fn contains(&self, place: usize) -> bool {
        self.words.get(place / WORD).is_some_and(|word| word & bit(place) != 0)
    }

    pub(super) fn check(&self, policy: &Policy) -> Result<(), RequestError> {
        if self.is_empty() || self.policy == policy.digest() {
            Ok(())
        } else {
            Err(RequestError::DisabledOfAnotherPolicy)
        }
    }
}

const WORD: usize = 64;

fn bit(place: usize) -> u64 {
    1_u64.wrapping_shl(u32::try_from(place % WORD).unwrap_or(0))
}
