//! assize beside calybris-core 1.3.0: equal answers first, then times, as ratios within one run.

mod agree;
mod catalog;
mod differential;
mod measure;
mod ours;
mod peer;
mod prescribe;
mod random;
mod requests;
mod table;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::table::Table;

/// Times both libraries on the same catalogs and requests, after it has found their answers equal.
#[derive(Debug, Parser)]
struct Arguments {
    /// One JSON object for each row.
    #[arg(long)]
    json: bool,
    /// Only the rows whose name contains this.
    #[arg(long, value_name = "SUBSTRING")]
    only: Option<String>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Compares the answers to random requests under random policies; no times.
    Differential(differential::Arguments),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if let Some(Command::Differential(arguments)) = arguments.command {
        return if differential::run(arguments) { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    let mut table = Table::new(arguments.json, arguments.only);
    table.machine(&[("catalog_seed", prescribe::CATALOG_SEED), ("request_seed", prescribe::REQUEST_SEED)]);
    prescribe::rows(&mut table);
    ExitCode::SUCCESS
}
