//! What a record decides, and at which accounts.

use assize::{audit::Step, id::AccountId, record::Record};

use crate::{balances::on_path, outcome::Outcome};

/// What an admission or a reroute came to, and the accounts that it is on, from the state before it.
pub(super) fn decided(step: &Step<'_>) -> Option<(Outcome, Vec<AccountId>)> {
    let (outcome, path) = match step.record {
        Record::Admission(call) => (&call.outcome, call.arguments.path),
        Record::Reroute(call) => (&call.outcome.admission, step.ledger.hold(call.arguments.hold)?.path),
        _ => return None,
    };
    Some((Outcome::of(outcome), on_path(step.ledger, &path)))
}
