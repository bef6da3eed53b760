//! assize beside calybris-core 1.3.0: equal answers first, then times, as ratios within one run.

mod agree;
mod catalog;
mod measure;
mod ours;
mod peer;
mod prescribe;
mod random;
mod requests;
mod table;

use clap::Parser;

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
}

fn main() {
    let arguments = Arguments::parse();
    let mut table = Table::new(arguments.json, arguments.only);
    table.machine(&[("catalog_seed", prescribe::CATALOG_SEED), ("request_seed", prescribe::REQUEST_SEED)]);
    prescribe::rows(&mut table);
}
