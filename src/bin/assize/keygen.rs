//! `assize keygen`: a new root key.

use std::path::PathBuf;

use assize::{
    crypto::KeyId,
    wal::{Blame, storage::write_key_file},
};
use clap::Args;
use serde::Serialize;
use zeroize::Zeroizing;

use crate::{
    failure::{Failure, chain},
    output::{self, Format, Page, Print},
};

/// The arguments of `keygen`.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The key file to write, for its owner alone; an existing file is never overwritten.
    #[arg(long)]
    out: PathBuf,
    /// The key's id, by which a log names the key that it is under; random if left out.
    #[arg(long)]
    id: Option<u32>,
}

/// Draws a key and writes it.
pub(crate) fn run(arguments: &Arguments, format: Format) -> Result<(), Failure> {
    let no_randomness = |error| Failure::input(format_args!("the system gives no random bytes: {error}"));
    let id = match arguments.id {
        Some(id) => id,
        None => getrandom::u32().map_err(no_randomness)?,
    };
    let mut secret = Zeroizing::new([0; SECRET_BYTES]);
    getrandom::fill(secret.as_mut_slice()).map_err(no_randomness)?;
    write_key_file(&arguments.out, KeyId(id), secret.as_slice()).map_err(|error| match error.blame() {
        Blame::Storage => Failure::storage(&arguments.out, chain(&error)),
        _ => Failure::in_file(&arguments.out, chain(&error)),
    })?;
    output::print(&Printed { key: id, out: arguments.out.display().to_string() }, format)
}

const SECRET_BYTES: usize = 32;

#[derive(Debug, Serialize)]
struct Printed {
    key: u32,
    out: String,
}

impl Print for Printed {
    fn page(&self, page: &mut Page) {
        page.facts(&[("key", self.key.to_string()), ("written", self.out.clone())]);
    }
}
