//! `assize policy import-litellm`: the public price list as a policy document.

use std::{
    fs,
    path::{Path, PathBuf},
};

use assize::policy::{Draft, Policy};
use clap::Args;
use serde::Serialize;

use crate::{
    date::Date,
    document,
    failure::Failure,
    file::{self, Existing},
    litellm::{self, Columns, ImportError, Input, Options, Report},
    output::{self, Format, Page, Print},
};

/// The arguments of `policy import-litellm`.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The price list (model_prices_and_context_window.json).
    prices: PathBuf,
    /// The policy document to write, JSON if its name ends in .json and else TOML. An existing file is overwritten
    /// only when it is the one that --update names.
    #[arg(long)]
    out: PathBuf,
    /// Your own columns: name,quality_bps,latency_ms,risk_ceiling_bps,regions (regions separated by |; empty is
    /// unknown). With them a first import writes a utility, for you to edit; without, the least cost decides.
    #[arg(long)]
    columns: Option<PathBuf>,
    /// A model or a provider whose prices of zero you vouch for; may be given several times.
    #[arg(long, value_name = "NAME|PROVIDER")]
    free: Vec<String>,
    /// Models deprecated on or before this day (YYYY-MM-DD) are disabled; today in UTC if left out.
    #[arg(long, value_name = "DATE")]
    as_of: Option<Date>,
    /// The policy of an earlier import: numbers stay, what is no longer listed stays disabled, the epoch is raised.
    #[arg(long, value_name = "OLD")]
    update: Option<PathBuf>,
}

/// Imports, writes, and reports.
pub(crate) fn run(arguments: &Arguments, format: Format) -> Result<(), Failure> {
    let as_of = arguments.as_of.or_else(Date::today);
    let as_of = as_of.ok_or_else(|| Failure::input("the clock shows no day; state one with --as-of"))?;
    let old = arguments.update.as_deref().map(document::load).transpose()?;
    let columns = arguments.columns.as_deref().map(read_columns).transpose()?;
    let prices = file::read(&arguments.prices, PRICES_BYTES_MAX)?;

    let old_draft = old.as_ref().map(Policy::to_draft);
    let options =
        Options { as_of, free: &arguments.free, columns: columns.as_ref(), old: old_draft.as_ref() };
    let import = litellm::import(&prices, &options).map_err(|error| blame(arguments, &error))?;
    let policy =
        freeze(&import.draft, old.as_ref()).map_err(|what| Failure::in_file(&arguments.prices, what))?;

    let replaces = arguments.update.as_deref().is_some_and(|old| is_same_file(old, &arguments.out));
    let existing = if replaces { Existing::Replaced } else { Existing::Refused };
    document::save(&policy, &arguments.out, existing)?;
    let printed = Printed {
        policy: policy.name().to_owned(),
        epoch: policy.epoch().0,
        digest: policy.digest().to_string(),
        out: arguments.out.display().to_string(),
        order: if policy.utility().is_some() { "utility" } else { "least cost" },
        report: import.report,
    };
    output::print(&printed, format)
}

/// Bytes of a price list; the one of late 2026 has 3 MiB.
const PRICES_BYTES_MAX: usize = 32 << 20;
/// Bytes of a file of columns.
const COLUMNS_BYTES_MAX: usize = 16 << 20;

#[derive(Debug, Serialize)]
struct Printed {
    policy: String,
    epoch: u64,
    digest: String,
    out: String,
    order: &'static str,
    #[serde(flatten)]
    report: Report,
}

impl Print for Printed {
    fn page(&self, page: &mut Page) {
        let mut facts = vec![
            ("policy", format!("{}, epoch {}", self.policy, self.epoch)),
            ("digest", self.digest.clone()),
            ("written", self.out.clone()),
            ("order", self.order.to_owned()),
        ];
        facts.extend(self.report.facts());
        page.facts(&facts);
        page.gap();
        self.report.page(page);
    }
}

fn read_columns(path: &Path) -> Result<Columns, Failure> {
    let text = file::read(path, COLUMNS_BYTES_MAX)?;
    Columns::read(&text).map_err(|error| Failure::in_file(path, error))
}

fn blame(arguments: &Arguments, error: &ImportError) -> Failure {
    let path = match error.input() {
        Input::Prices => Some(&arguments.prices),
        Input::Columns => arguments.columns.as_ref(),
        Input::Old => arguments.update.as_ref(),
        Input::Arguments => None,
    };
    path.map_or_else(|| Failure::input(error), |path| Failure::in_file(path, error))
}

fn freeze(draft: &Draft, old: Option<&Policy>) -> Result<Policy, String> {
    let policy = Policy::freeze(draft.clone()).map_err(|error| error.to_string())?;
    if let Some(old) = old {
        policy.check_follows(old).map_err(|error| error.to_string())?;
    }
    Ok(policy)
}

fn is_same_file(one: &Path, other: &Path) -> bool {
    match (fs::canonicalize(one), fs::canonicalize(other)) {
        (Ok(one), Ok(other)) => one == other,
        _ => false,
    }
}
