//! assize beside calybris-core 1.3.0: equal answers first, then times, as ratios within one run.

mod admissions;
mod agree;
mod budgets;
mod catalog;
mod differential;
mod freeze;
mod litellm;
mod logs;
mod measure;
mod ours;
mod peer;
mod prescribe;
mod random;
mod requests;
mod scan;
mod scanned;
mod swap;
mod table;
mod threads;
mod wide;

use std::{path::PathBuf, process::ExitCode};

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
    /// A policy document that `assize policy import-litellm` has written, for the rows of the real price list.
    #[arg(long, value_name = "FILE")]
    prices: Option<PathBuf>,
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
    let prices = match arguments.prices.as_deref().map(litellm::load).transpose() {
        Ok(prices) => prices,
        Err(what) => {
            eprintln!("{what}");
            return ExitCode::from(2);
        }
    };
    let mut table = Table::new(arguments.json, arguments.only);
    table.machine(&[("catalog_seed", prescribe::CATALOG_SEED), ("request_seed", prescribe::REQUEST_SEED)]);
    prescribe::rows(&mut table);
    wide::rows(&mut table);
    if let Some(prices) = &prices {
        litellm::rows(&mut table, prices);
    }
    threads::rows(&mut table);
    swap::rows(&mut table);
    freeze::rows(&mut table);
    budgets::rows(&mut table);
    admissions::rows(&mut table);
    logs::rows(&mut table);
    if table.rows() == 0 {
        eprintln!("no row has that name; the rows of the price list need --prices");
        return ExitCode::from(2);
    }
    ExitCode::SUCCESS
}
