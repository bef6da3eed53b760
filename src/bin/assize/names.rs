//! Names in place of numbers.

use assize::{
    id::{AccountId, CandidateId},
    ledger::Ledger,
    policy::Policy,
    record::Path,
};

/// A candidate's name, or its number where the policy does not have it.
pub(crate) fn candidate(policy: &Policy, id: CandidateId) -> String {
    policy.candidate(id).map_or_else(|| format!("candidate {id}"), |found| found.name().to_owned())
}

/// An account's name, or its number where it is not open yet.
pub(crate) fn account(ledger: &Ledger, id: AccountId) -> String {
    ledger.account(id).map_or_else(|| format!("account {id}"), |found| found.opened.name.to_string())
}

/// The accounts that a path names.
pub(crate) fn path(ledger: &Ledger, path: &Path) -> String {
    let names: Vec<String> = path.accounts().iter().map(|id| account(ledger, *id)).collect();
    names.join(", ")
}
