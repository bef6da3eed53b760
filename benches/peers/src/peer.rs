//! The peer: a policy made by its trusted constructor.

use calybris_core::kernel::{KernelDecision, KernelInput, KernelModel, PolicySnapshot};

use crate::catalog::{Catalog, Terms};

/// The peer's policy of that catalog.
pub fn policy(catalog: &Catalog) -> PolicySnapshot {
    policy_of(&catalog.terms, catalog.models.clone())
}

/// The peer's policy of these models.
pub fn policy_of(terms: &Terms, models: Vec<KernelModel>) -> PolicySnapshot {
    PolicySnapshot::try_new_trusted(
        1,
        1,
        terms.risk_hard_bps,
        terms.confidence_min_bps,
        terms.risk_multiplier_bps,
        terms.latency_micros_per_ms,
        models,
    )
    .expect("catalogs are drawn valid")
}

/// The peer's answer, by the call that it recommends.
pub fn prescribe(policy: &PolicySnapshot, request: &KernelInput) -> KernelDecision {
    policy.prescribe_checked(*request).expect("requests are drawn valid")
}
