//! `assize stat`: what a log comes to, by account, by candidate or by reason.

mod account;
mod candidate;
mod decided;
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
}

/// What is counted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum By {
    /// Accounts: their money, and the requests that they pay for or their descendants do.
    Account,
    /// Candidates: how often each was admitted, and what was spent there.
    Candidate,
    /// Reasons: how often each outcome was given for each.
    Reason,
}

/// Replays the log and prints the counts.
pub(crate) fn run(arguments: &Arguments, format: Format) -> Result<(), Failure> {
    match arguments.by {
        By::Account => account::run(&arguments.evidence, format),
        By::Candidate => candidate::run(&arguments.evidence, format),
        By::Reason => reason::run(&arguments.evidence, format),
    }
}
