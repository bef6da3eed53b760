//! What the replay came by at the record that is explained.

use std::sync::Arc;

use assize::{
    audit::{Located, Observer, Step},
    kernel::{self, Explanation, Request},
    num::Timestamp,
    policy::Policy,
    record::{AdmissionOutcome, Record},
};

use super::otherwise::Decided;
use crate::{
    caps,
    moves::{Moves, Watch},
    names,
    tell::{passes_at, tell},
};

/// Waits for one record.
pub(super) struct Explainer {
    sequence: u64,
    pub(super) found: Option<Found>,
    watch: Option<Watch>,
}

/// The record, the state that it met, and what it did.
pub(super) struct Found {
    pub(super) at: Located,
    pub(super) effective: Timestamp,
    pub(super) caller: Timestamp,
    pub(super) record: Record,
    /// The record in words.
    pub(super) told: String,
    /// The policy in force before it.
    pub(super) policy: Arc<Policy>,
    /// For a record that decides, and that was not denied for a halt.
    pub(super) explanation: Option<Explanation>,
    /// And what was decided, to ask what would be otherwise.
    pub(super) decided: Option<Decided>,
    pub(super) moves: Moves,
    /// When what a throttle denied would have passed it; none inside of what never does.
    pub(super) passes: Option<Option<Timestamp>>,
    /// What binds, by name, where a budget denied; the throttle in words where one did.
    pub(super) binding: Option<String>,
    pub(super) throttle: Option<String>,
}

impl Explainer {
    pub(super) fn new(sequence: u64) -> Self {
        Self { sequence, found: None, watch: None }
    }
}

impl Observer for Explainer {
    fn before(&mut self, step: &Step<'_>) {
        if step.frame.sequence.0 != self.sequence {
            return;
        }
        let mut found = Found {
            at: step.at,
            effective: step.frame.effective,
            caller: step.frame.caller,
            record: step.record.clone(),
            told: tell(step.ledger, step.record, step.frame.effective),
            policy: Arc::clone(step.ledger.policy()),
            explanation: None,
            decided: None,
            moves: Moves::default(),
            passes: match step.record {
                Record::Admission(call) => {
                    passes_at(step.ledger, &call.arguments, &call.outcome, step.frame.effective)
                }
                _ => None,
            },
            binding: None,
            throttle: None,
        };
        match found.outcome() {
            Some(AdmissionOutcome::DeniedBudget { binding, .. }) => {
                found.binding = Some(caps::binding(step.ledger, *binding));
            }
            Some(AdmissionOutcome::DeniedThrottle { account, throttle, .. }) => {
                let of = step.ledger.account(*account);
                let of = of.and_then(|of| of.opened.caps.throttles().get(usize::from(*throttle)));
                let lets = of.map(|of| caps::throttle(of, step.ledger.policy().schema()));
                let name = names::account(step.ledger, *account);
                found.throttle = Some(format!("{name}: {}", lets.unwrap_or_default()));
            }
            _ => {}
        }
        found.decided = found.decided(step);
        let decided = found.decided.as_ref();
        // The replay has decided this very request: it is not malformed.
        found.explanation = decided
            .and_then(|Decided { request, disabled }| kernel::explain(&found.policy, disabled, request).ok());
        self.watch = Some(Watch::before(step));
        self.found = Some(found);
    }

    fn after(&mut self, step: &Step<'_>) {
        if step.frame.sequence.0 != self.sequence {
            return;
        }
        if let (Some(found), Some(watch)) = (&mut self.found, self.watch.take()) {
            found.moves = watch.after(step);
        }
    }
}

impl Found {
    /// What the record decided, if it did.
    pub(super) fn outcome(&self) -> Option<&AdmissionOutcome> {
        match &self.record {
            Record::Admission(call) => Some(&call.outcome),
            Record::Reroute(call) => Some(&call.outcome.admission),
            _ => None,
        }
    }

    /// What was asked, if the record decides.
    pub(super) fn request(&self) -> Option<&Request> {
        match &self.record {
            Record::Admission(call) => Some(&call.arguments.request),
            Record::Reroute(call) => Some(&call.arguments.request),
            _ => None,
        }
    }

    /// The request under the limit that the record names.
    fn decided(&self, step: &Step<'_>) -> Option<Decided> {
        let decided = self.outcome()?.decided()?;
        let mut request = self.request()?.clone();
        if let Some(limit) = decided.limit_applied {
            request.cost_limit(limit);
        }
        Some(Decided { request, disabled: step.disabled.clone() })
    }
}
