//! By month: what an invoice is reconciled with. Every record counts in the month of its effective time.

mod booked;
mod served;
mod sums;
mod table;

use std::collections::BTreeMap;

use assize::{
    audit::{Observer, Step},
    id::{AccountId, Name},
    ledger::Ledger,
    num::Timestamp,
    record::{AdmissionOutcome, Record},
    window::{Span, Window},
};
use clap::Args;

use self::{
    booked::Booked,
    served::Served,
    sums::{LimitSums, Sums},
    table::Printed,
};
use super::decided::decided;
use crate::{
    caps,
    evidence::Evidence,
    failure::Failure,
    moves::{Moves, Watch},
    output::{self, Format},
};

/// What is asked of months.
#[derive(Debug, Args)]
pub(super) struct Asked {
    /// Where months begin: at midnight of this offset from UTC.
    #[arg(long, value_name = "+HH:MM", allow_hyphen_values = true, value_parser = caps::parse_offset)]
    utc_offset: Option<i32>,
    /// Count by month for this account alone.
    #[arg(long, value_name = "NAME", value_parser = name)]
    account: Option<Name>,
    /// Count what was spent in each month by the candidate that served, too.
    #[arg(long)]
    candidates: bool,
}

fn name(text: &str) -> Result<Name, String> {
    Name::new(text).map_err(|error| error.to_string())
}

impl Asked {
    /// The first of its options that is given: they are for months alone.
    pub(super) fn given(&self) -> Option<&'static str> {
        let given = [
            (self.utc_offset.is_some(), "--utc-offset"),
            (self.account.is_some(), "--account"),
            (self.candidates, "--candidates"),
        ];
        given.into_iter().find(|(given, _)| *given).map(|(_, name)| name)
    }
}

pub(super) fn run(evidence: &Evidence, asked: &Asked, format: Format) -> Result<(), Failure> {
    let window = Window::Month { utc_offset_s: asked.utc_offset.unwrap_or(0) };
    let mut months = Months {
        window,
        only: asked.account,
        months: BTreeMap::new(),
        accounts: BTreeMap::new(),
        booked: Booked::default(),
        served: asked.candidates.then(Served::default),
        watch: None,
    };
    let pruned = evidence.look(&mut months)?.summary.pruned;
    if let Some(name) = &months.only
        && months.accounts.is_empty()
    {
        return Err(Failure::input(format_args!("--account: the log has no account {name}")));
    }
    let printed = Printed::of(&months, pruned);
    if !printed.adds_up() {
        return Err(Failure::bug(
            &evidence.name(),
            "the months do not come to what the cells have committed",
        ));
    }
    output::print(&printed, format)
}

/// Sums by month.
struct Months {
    window: Window,
    /// The account that alone is asked for.
    only: Option<Name>,
    months: BTreeMap<Span, Month>,
    /// The accounts that are shown, with their limits in words.
    accounts: BTreeMap<AccountId, (Name, Vec<String>)>,
    booked: Booked,
    served: Option<Served>,
    watch: Option<Watch>,
}

/// One month.
#[derive(Default)]
struct Month {
    /// Every request and every hold once, however many accounts it is on.
    total: Sums,
    accounts: BTreeMap<AccountId, Sums>,
    limits: BTreeMap<(AccountId, u8), LimitSums>,
    candidates: BTreeMap<u32, Sums>,
}

impl Months {
    fn month(&mut self, at: Timestamp) -> &mut Month {
        self.months.entry(self.window.span(at)).or_default()
    }

    /// Counts for these accounts, and once in all.
    fn count(
        &mut self,
        at: Timestamp,
        accounts: impl IntoIterator<Item = AccountId>,
        by: impl Fn(&mut Sums),
    ) {
        let month = self.month(at);
        by(&mut month.total);
        for account in accounts {
            by(month.accounts.entry(account).or_default());
        }
    }

    fn decided(&mut self, step: &Step<'_>) {
        let Some((outcome, accounts)) = decided(step) else { return };
        let (told, rerouted) = match step.record {
            Record::Admission(call) => (&call.outcome, false),
            Record::Reroute(call) => (&call.outcome.admission, true),
            _ => return,
        };
        let held = match told {
            AdmissionOutcome::Admitted { decided, .. } => decided.held(),
            _ => None,
        };
        let held_micros = held.map_or(0, |(_, amount)| amount.micros());
        self.count(step.frame.effective, accounts, |sums| sums.decide(outcome, rerouted, held_micros));
    }

    fn settled(&mut self, step: &Step<'_>, watch: &Watch) {
        let at = step.frame.effective;
        let only = self.only.map(|name| step.ledger.account_named(&name));
        for booking in watch.bookings() {
            self.count(at, booking.accounts(), |sums| sums.settle(step.record, booking));
            if only.is_some_and(|only| !booking.accounts().any(|account| Some(account) == only)) {
                continue;
            }
            let served = self.served.as_mut().and_then(|served| served.by(step, booking));
            if let Some(candidate) = served {
                self.month(at).candidates.entry(candidate).or_default().settle(step.record, booking);
            }
        }
    }

    /// What lapsed, and what was granted.
    fn limits(&mut self, step: &Step<'_>, moves: &Moves) {
        let month = self.month(step.frame.effective);
        for moved in &moves.cells {
            let lapsed_micros = moved.lapsed_micros();
            if lapsed_micros > 0 {
                month.limits.entry((moved.account, moved.limit)).or_default().lapse(lapsed_micros);
            }
        }
        if let Record::Grant(call) = step.record {
            let place = (call.arguments.account, call.arguments.limit);
            month.limits.entry(place).or_default().grant(call.arguments.change_micros.get());
        }
    }
}

impl Observer for Months {
    fn begin(&mut self, ledger: &Ledger) {
        self.booked.begin(ledger);
    }

    fn before(&mut self, step: &Step<'_>) {
        let watch = Watch::before(step);
        self.decided(step);
        self.settled(step, &watch);
        self.watch = Some(watch);
    }

    fn after(&mut self, step: &Step<'_>) {
        let Some(watch) = self.watch.take() else { return };
        let moves = watch.after(step);
        self.limits(step, &moves);
        for (id, account) in watch.touched().filter_map(|id| Some((id, step.ledger.account(id)?))) {
            self.booked.account(id, account, &moves);
            if self.only.is_none_or(|only| only == account.opened.name) {
                let limits = (0..account.limits.count()).map(|limit| caps::limit(account, limit));
                self.accounts.entry(id).or_insert_with(|| (account.opened.name, limits.collect()));
            }
        }
    }
}
