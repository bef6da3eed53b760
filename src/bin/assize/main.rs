//! The `assize` command: policies in, evidence out.
//!
//! Exit codes: 0 it holds, 1 the evidence does not hold, 2 usage or bad input, 3 could not read or write.
#![forbid(unsafe_code)]

mod csv;
mod document;
mod failure;
mod file;
mod keygen;
mod litellm;
mod output;
mod policy;

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
}

fn main() -> ExitCode {
    // Usage errors end here, with exit code 2.
    let arguments = Arguments::parse();
    let format = if arguments.json { Format::Json } else { Format::Text };
    match run(arguments.command, format) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(format),
    }
}

fn run(command: Command, format: Format) -> Result<(), Failure> {
    match command {
        Command::Keygen(arguments) => keygen::run(&arguments, format),
        Command::Policy(command) => policy::run(command, format),
    }
}
