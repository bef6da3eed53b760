//! How a command fails: what it says, and the exit code that says whose fault it is.

use std::{
    error::Error,
    fmt::{Display, Write as _},
    io::{self, Write},
    path::Path,
    process::ExitCode,
};

use crate::output::Format;

/// A command that did not do what it was asked.
#[derive(Debug)]
pub(crate) struct Failure {
    kind: Kind,
    message: String,
}

/// Whose fault a failure is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Usage, or an input that is not valid.
    Input,
    /// A file that could not be read or written.
    Storage,
    /// Nobody reads what the command prints.
    Unread,
}

impl Failure {
    /// Usage, or an input that is not valid.
    pub(crate) fn input(message: impl Display) -> Self {
        Self { kind: Kind::Input, message: message.to_string() }
    }

    /// An input file that is not valid.
    pub(crate) fn in_file(path: &Path, message: impl Display) -> Self {
        Self::input(format_args!("{}: {message}", path.display()))
    }

    /// A file that could not be read or written.
    pub(crate) fn storage(path: &Path, error: impl Display) -> Self {
        Self { kind: Kind::Storage, message: format!("{}: {error}", path.display()) }
    }

    /// Standard output that could not be written.
    pub(crate) fn output(error: &io::Error) -> Self {
        let kind = if error.kind() == io::ErrorKind::BrokenPipe { Kind::Unread } else { Kind::Storage };
        Self { kind, message: format!("standard output: {error}") }
    }

    /// Says it on standard error, and gives the exit code.
    pub(crate) fn report(&self, format: Format) -> ExitCode {
        let (code, exit) = match self.kind {
            Kind::Input => (2, ExitCode::from(2)),
            Kind::Storage | Kind::Unread => (3, ExitCode::from(3)),
        };
        let line = match format {
            Format::Text => format!("assize: {}", self.message),
            Format::Json => serde_json::json!({ "error": self.message, "exit": code }).to_string(),
        };
        if self.kind != Kind::Unread {
            // Where standard error cannot be written either, the exit code is all that is left to say.
            writeln!(io::stderr(), "{line}").unwrap_or_default();
        }
        exit
    }
}

/// An error with everything that it came from, on one line.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        // OK because a text takes every character.
        write!(text, ": {error}").unwrap_or_default();
        source = error.source();
    }
    text
}
