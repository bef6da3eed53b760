//! The `assize` command: policies in, evidence out.
//!
//! Exit codes: 0 it holds, 1 the evidence does not hold, 2 usage or bad input, 3 could not read or write.
#![forbid(unsafe_code)]

mod anchor;
mod balances;
mod bar;
mod booking;
mod caps;
mod csv;
mod date;
mod document;
mod evidence;
mod explain;
mod export;
mod failure;
mod file;
mod head;
mod instant;
mod keygen;
mod keys;
mod lines;
mod litellm;
mod money;
mod moves;
mod names;
mod outcome;
mod output;
mod owed;
mod policy;
mod prune;
mod replay;
mod run;
mod selftest;
mod stat;
mod tell;
mod trail;
mod verify;
mod what_if;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::{failure::Failure, output::Format};

/// Decides, holds the money, records both, and proves it afterwards.
#[derive(Debug, Parser)]
#[command(version, about, max_term_width = 110)]
struct Arguments {
    /// Print one JSON document in place of text.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Write a new root key.
    Keygen(keygen::Arguments),
    /// Make, check and digest policies.
    #[command(subcommand)]
    Policy(policy::Command),
    /// Replay a trace of requests: decide, hold, record and settle each, under budgets.
    Run(run::Arguments),
    /// Say whether a log's chain holds: nothing altered, removed, added, reordered or spliced.
    Verify(verify::Arguments),
    /// Verify a log, and work out again every decision and every balance in it.
    Replay(replay::Arguments),
    /// Write the head of a verified log as a small file, to be kept elsewhere.
    Anchor(anchor::Arguments),
    /// Delete the oldest segments of a log, after a record that names what is kept.
    Prune(prune::Arguments),
    /// Say why one record says what it says.
    Explain(explain::Arguments),
    /// Print a log a line a record.
    Trail(trail::Arguments),
    /// Sum up a log by account, by month, by candidate or by reason.
    Stat(stat::Arguments),
    /// Decide a log again under another policy, and sum up what would have changed: an estimate.
    WhatIf(what_if::Arguments),
    /// Print every record of a log, decoded, one JSON document a line.
    Export(export::Arguments),
    /// Try on this machine what this build does: hashes, records, logs of every format version, tampering, crashes, threads.
    Selftest(selftest::Arguments),
}

fn main() -> ExitCode {
    // Usage errors end here, with exit code 2.
    let arguments = Arguments::parse();
    let format = if arguments.json { Format::Json } else { Format::Text };
    match dispatch(arguments.command, format) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(format),
    }
}

fn dispatch(command: Command, format: Format) -> Result<(), Failure> {
    match command {
        Command::Keygen(arguments) => keygen::run(&arguments, format),
        Command::Policy(command) => policy::run(command, format),
        Command::Run(arguments) => run::run(&arguments, format),
        Command::Verify(arguments) => verify::run(&arguments, format),
        Command::Replay(arguments) => replay::run(&arguments, format),
        Command::Anchor(arguments) => anchor::run(&arguments, format),
        Command::Prune(arguments) => prune::run(&arguments, format),
        Command::Explain(arguments) => explain::run(&arguments, format),
        Command::Trail(arguments) => trail::run(&arguments, format),
        Command::Stat(arguments) => stat::run(&arguments, format),
        Command::WhatIf(arguments) => what_if::run(&arguments, format),
        Command::Export(arguments) => export::run(&arguments),
        Command::Selftest(arguments) => selftest::run(&arguments, format),
    }
}
