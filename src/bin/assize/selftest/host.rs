//! A little host for checks that write logs: a policy, accounts, and a clock that calls move on.

use std::num::NonZeroI64;

use assize::{
    budget::AccountTerms,
    caps::Caps,
    controller::{Call, Controller, CreateOptions},
    crypto::{KeyId, RootKey},
    id::{AccountId, LogId, Name},
    num::Timestamp,
    overrun::Overrun,
    policy::{CandidateDraft, CardDraft, Draft, Policy, QuantityDraft, SchemaDraft},
    wal::{Level, LogOptions, storage::Storage},
};

use super::check::Wrong;

pub(super) const START: Timestamp = Timestamp(1_700_000_000_000_000_000);

pub(super) fn key() -> Result<RootKey, Wrong> {
    Ok(RootKey::new(KeyId(1), b"no secret: the key of a selftest")?)
}

/// Three candidates at 10, 30 and 100 micro-units a unit.
fn policy() -> Result<Policy, Wrong> {
    let schema = SchemaDraft {
        name: "selftest".into(),
        quantities: vec![QuantityDraft { name: "units".into(), per: 1, fallback: None }],
        ..SchemaDraft::default()
    };
    let candidate = |id, name, rate| CandidateDraft {
        cards: vec![CardDraft { above: 0, rates: vec![("units".into(), rate)] }],
        ..CandidateDraft::new(id, name)
    };
    let candidates = vec![candidate(1, "alder", 10), candidate(2, "birch", 30), candidate(3, "cedar", 100)];
    Ok(Policy::freeze(Draft { candidates, ..Draft::new("selftest", 1, schema) })?)
}

/// A new log in that place.
pub(super) fn create(storage: Box<dyn Storage>, segment_bytes: u64) -> Result<Controller, Wrong> {
    let log = LogOptions { segment_bytes, ..LogOptions::default() };
    let options =
        CreateOptions { log, ..CreateOptions::new(LogId(*b"a selftest's log"), key()?, policy()?, START) };
    Ok(Controller::create(storage, options)?)
}

/// An account with so much, on disk.
pub(super) fn account(
    controller: &Controller,
    parent: Option<AccountId>,
    name: &str,
    overrun: Overrun,
    granted: i64,
) -> Result<AccountId, Wrong> {
    let terms = AccountTerms { name: Name::new(name)?, parent, overrun, caps: Caps::default() };
    let account = controller.ensure_account(&terms, Call::at(START))?;
    grant(controller, account, granted, Level::Synced)?;
    Ok(account)
}

/// One record, of the same length whatever the amount.
pub(super) fn grant(
    controller: &Controller,
    account: AccountId,
    micros: i64,
    level: Level,
) -> Result<(), Wrong> {
    let change = NonZeroI64::new(micros).ok_or_else(|| Wrong::new("a grant of nothing"))?;
    controller.grant(account, change, Call::at(START).level(level))?;
    Ok(())
}
