//! `assize stat`: what a log comes to, by account, by month, by candidate or by reason.

mod account;
mod candidate;
mod decided;
mod month;
mod reason;

use clap::{Args, ValueEnum};

use crate::{evidence::Evidence, failure::Failure, output::Format};

/// The arguments of `stat`.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    evidence: Evidence,
    /// What is counted by.
    #[arg(long, value_enum)]
    by: By,
    #[command(flatten)]
    months: month::Asked,
}

/// What is counted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum By {
    /// Accounts: the money of each window of their limits, what is held against their caps and left of their throttles, and
    /// the requests that they pay for or their descendants do.
    Account,
    /// Months of the calendar, to reconcile an invoice with: requests, what was held, committed, refunded, lapsed and
    /// unfunded, at each account and in all; held to what the cells have committed.
    Month,
    /// Candidates: how often each was admitted, and what was spent there.
    Candidate,
    /// Reasons: how often each outcome was given for each.
    Reason,
}

/// Replays the log and prints the counts.
pub(crate) fn run(arguments: &Arguments, format: Format) -> Result<(), Failure> {
    if arguments.by != By::Month
        && let Some(option) = arguments.months.given()
    {
        return Err(Failure::input(format_args!("{option} is for --by month")));
    }
    match arguments.by {
        By::Month => month::run(&arguments.evidence, &arguments.months, format),
        By::Account => account::run(&arguments.evidence, format),
        By::Candidate => candidate::run(&arguments.evidence, format),
        By::Reason => reason::run(&arguments.evidence, format),
    }
}
