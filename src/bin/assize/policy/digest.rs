//! `assize policy digest`: what a policy is known by.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use crate::{
    document,
    failure::Failure,
    output::{self, Format, Page, Print},
};

/// The arguments of `policy digest`.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// A policy document, JSON if its name ends in .json and else TOML.
    policy: PathBuf,
}

/// Prints the digest.
pub(crate) fn run(arguments: &Arguments, format: Format) -> Result<(), Failure> {
    let policy = document::load(&arguments.policy)?;
    output::print(&Printed { digest: policy.digest().to_string() }, format)
}

#[derive(Debug, Serialize)]
struct Printed {
    digest: String,
}

impl Print for Printed {
    fn page(&self, page: &mut Page) {
        page.line(&self.digest);
    }
}
