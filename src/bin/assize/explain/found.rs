//! What the replay came by at the record that is explained.

use std::{collections::BTreeMap, sync::Arc};

use assize::{
    audit::{Located, Observer, Step},
    id::AccountId,
    kernel::{self, Explanation, Request},
    ledger::Cell,
    num::Timestamp,
    policy::Policy,
    record::{AdmissionOutcome, Record},
};
use serde::Serialize;

use super::otherwise::Decided;
use crate::{balances::touched, names, tell::tell};

/// Waits for one record.
pub(super) struct Explainer {
    sequence: u64,
    pub(super) found: Option<Found>,
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
    pub(super) money: Vec<Moved>,
    accounts: BTreeMap<AccountId, String>,
}

/// An account's money before the record and after it.
#[derive(Debug, Serialize)]
pub(super) struct Moved {
    pub(super) account: AccountId,
    pub(super) name: String,
    pub(super) before: Cell,
    pub(super) after: Cell,
}

impl Explainer {
    pub(super) fn new(sequence: u64) -> Self {
        Self { sequence, found: None }
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
            told: tell(step.ledger, step.record),
            policy: Arc::clone(step.ledger.policy()),
            explanation: None,
            decided: None,
            money: Vec::new(),
            accounts: step
                .ledger
                .accounts()
                .map(|(id, account)| (id, account.opened.name.to_string()))
                .collect(),
        };
        found.decided = found.decided(step);
        let decided = found.decided.as_ref();
        // The replay has decided this very request: it is not malformed.
        found.explanation = decided
            .and_then(|Decided { request, disabled }| kernel::explain(&found.policy, disabled, request).ok());
        let moved = touched(step.ledger, step.record).into_iter().map(|account| Moved {
            account,
            name: names::account(step.ledger, account),
            before: step.ledger.account(account).map(|account| account.cell).unwrap_or_default(),
            after: Cell::default(),
        });
        found.money = moved.collect();
        self.found = Some(found);
    }

    fn after(&mut self, step: &Step<'_>) {
        if step.frame.sequence.0 != self.sequence {
            return;
        }
        for moved in self.found.iter_mut().flat_map(|found| &mut found.money) {
            moved.name = names::account(step.ledger, moved.account);
            moved.after = step.ledger.account(moved.account).map(|account| account.cell).unwrap_or_default();
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

    /// The name of an account that was open before the record.
    pub(super) fn account(&self, id: AccountId) -> String {
        self.accounts.get(&id).cloned().unwrap_or_else(|| format!("account {id}"))
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
