//! `assize policy`: make, check and digest policies.

mod check;
mod digest;
mod import_litellm;

use clap::Subcommand;

use crate::{failure::Failure, output::Format};

/// A command on policies.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Write a policy of the schema llm-1 from the public LiteLLM price list.
    ImportLitellm(import_litellm::Arguments),
    /// Say whether a document is a valid policy, and what is in it.
    Check(check::Arguments),
    /// Print the digest of a policy.
    Digest(digest::Arguments),
}

/// Runs it.
pub(crate) fn run(command: Command, format: Format) -> Result<(), Failure> {
    match command {
        Command::ImportLitellm(arguments) => import_litellm::run(&arguments, format),
        Command::Check(arguments) => check::run(&arguments, format),
        Command::Digest(arguments) => digest::run(&arguments, format),
    }
}
