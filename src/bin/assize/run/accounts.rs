//! Who pays: accounts under one organisation, each granted once.

use std::{num::NonZeroI64, path::Path};

use assize::{
    budget::AccountTerms,
    controller::{Call, Controller, Fault},
    id::{AccountId, Name, NameError},
    num::{Amount, Timestamp},
    overrun::Overrun,
    wal::Level,
};

use super::{
    driven::driven,
    operation::{Run, Step},
};
use crate::failure::Failure;

/// An account that requests are charged to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Payer {
    pub(super) account: AccountId,
    pub(super) name: Name,
}

/// Opens the accounts that are not there, and grants: an account that never was granted anything is granted
/// `grant`, and then the organisation what it is short of its accounts' grants together. So a first run grants once,
/// a run that was killed in between is made good by the next, and no later run grants again.
pub(super) fn prepare(
    controller: &Controller,
    log: &Path,
    run: Run,
    count: u32,
    grant: Amount,
) -> Result<Vec<Payer>, Failure> {
    let fault = |fault: Fault| Failure::fault(log, &fault);
    let at = controller.stats().map_err(fault)?.log_time;
    let books = Books { controller, run, at };
    let organisation = books.open(ORGANISATION, None).map_err(fault)?;
    let mut payers = Vec::new();
    let mut granted_micros: i64 = 0;
    for number in 1..=count {
        let name = payer_name(number).map_err(Failure::input)?;
        let account = books.open(name.as_str(), Some(organisation)).map_err(fault)?;
        if books.granted_micros(account) == 0 {
            books.grant(account, grant.signed_micros()).map_err(fault)?;
        }
        granted_micros = granted_micros.saturating_add(books.granted_micros(account));
        payers.push(Payer { account, name });
    }
    let short_micros = granted_micros.saturating_sub(books.granted_micros(organisation));
    if short_micros > 0 {
        books.grant(organisation, short_micros).map_err(fault)?;
    }
    let _synced = controller.drive().map_err(fault)?;
    Ok(payers)
}

const ORGANISATION: &str = "organisation";

fn payer_name(number: u32) -> Result<Name, NameError> {
    Name::new(&format!("account-{number}"))
}

/// Opens and grants, queued: what waits for the disk is driven there together.
struct Books<'a> {
    controller: &'a Controller,
    run: Run,
    at: Timestamp,
}

impl Books<'_> {
    fn open(&self, name: &str, parent: Option<AccountId>) -> Result<AccountId, Fault> {
        // OK because both names are letters and digits, and far below 64 bytes.
        let Ok(name) = Name::new(name) else { return Err(Fault::Broken) };
        let terms = AccountTerms { parent, overrun: Overrun::IfAvailable, ..AccountTerms::new(name) };
        driven(self.controller, || self.controller.ensure_account(&terms, self.call()))
    }

    fn grant(&self, account: AccountId, change_micros: i64) -> Result<(), Fault> {
        let Some(change) = NonZeroI64::new(change_micros) else { return Ok(()) };
        let operation = self.run.operation(Step::Grant, account.0.into(), self.at);
        let call = self.call().operation(operation);
        driven(self.controller, || self.controller.grant(account, change, call)).map(|_| ())
    }

    fn granted_micros(&self, account: AccountId) -> i64 {
        self.controller.read(account).map_or(0, |reading| reading.granted_micros)
    }

    fn call(&self) -> Call {
        Call::at(self.at).level(Level::Queued)
    }
}
