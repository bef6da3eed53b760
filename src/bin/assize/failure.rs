//! How a command fails: what it says, and the exit code that says whose fault it is.

use std::{
    error::Error,
    fmt::{Display, Write as _},
    io::{self, Write},
    path::Path,
    process::ExitCode,
};

use assize::{
    audit::AuditError,
    controller::{Fault, FaultClass},
    wal::Blame,
};
use serde_json::{Map, Value};

use crate::output::Format;

/// A command that did not do what it was asked.
#[derive(Debug)]
pub(crate) struct Failure {
    kind: Kind,
    message: String,
    /// What machines are told beside the message.
    details: Map<String, Value>,
}

/// Whose fault a failure is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// The evidence does not hold.
    Evidence,
    /// Usage, or an input that is not valid.
    Input,
    /// A file that could not be read or written.
    Storage,
    /// Nobody reads what the command prints.
    Unread,
}

impl Failure {
    fn new(kind: Kind, message: impl Display) -> Self {
        Self { kind, message: message.to_string(), details: Map::new() }
    }

    /// Usage, or an input that is not valid.
    pub(crate) fn input(message: impl Display) -> Self {
        Self::new(Kind::Input, message)
    }

    /// What was tried does not hold.
    pub(crate) fn evidence(message: impl Display) -> Self {
        Self::new(Kind::Evidence, message)
    }

    /// An input file that is not valid.
    pub(crate) fn in_file(path: &Path, message: impl Display) -> Self {
        Self::input(format_args!("{}: {message}", path.display()))
    }

    /// A file that could not be read or written.
    pub(crate) fn storage(path: &Path, error: impl Display) -> Self {
        Self::new(Kind::Storage, format_args!("{}: {error}", path.display()))
    }

    /// What cannot be, found in a log that holds.
    pub(crate) fn bug(log: &str, what: impl Display) -> Self {
        Self::new(Kind::Storage, format_args!("{log}: {what}: a bug, please report it"))
    }

    /// Standard input that could not be read.
    pub(crate) fn standard_input(error: &io::Error) -> Self {
        Self::new(Kind::Storage, format_args!("standard input: {error}"))
    }

    /// Standard output that could not be written.
    pub(crate) fn output(error: &io::Error) -> Self {
        let kind = if error.kind() == io::ErrorKind::BrokenPipe { Kind::Unread } else { Kind::Storage };
        Self::new(kind, format_args!("standard output: {error}"))
    }

    /// An error about a file or a directory, whose fault being told. A bug counts as what could not be done.
    pub(crate) fn blamed(blame: Blame, path: &Path, error: &dyn Error) -> Self {
        let kind = match blame {
            Blame::Evidence => Kind::Evidence,
            Blame::Caller => Kind::Input,
            Blame::Storage | Blame::Bug => Kind::Storage,
        };
        Self::new(kind, format_args!("{}: {}", path.display(), chain(error)))
    }

    /// A log that does not hold, or could not be read.
    pub(crate) fn audit(log: &Path, error: &AuditError) -> Self {
        let mut failure = Self::blamed(error.blame(), log, error);
        if failure.kind == Kind::Evidence {
            let said = std::mem::take(&mut failure.message);
            failure.message = format!("the evidence does not hold: {said}; {}", error.good);
            if let Ok(Value::Object(details)) = serde_json::to_value(error) {
                failure.details = details;
            }
        }
        failure
    }

    /// A call that a controller did not carry out.
    pub(crate) fn fault(log: &Path, fault: &Fault) -> Self {
        let blame = match fault.class() {
            FaultClass::Caller
            | FaultClass::Operation
            | FaultClass::Capacity
            | FaultClass::Administration => Blame::Caller,
            FaultClass::Storage => Blame::Storage,
            FaultClass::Bug => Blame::Bug,
        };
        Self::blamed(blame, log, fault)
    }

    /// The same, said of a place in an input.
    pub(crate) fn at(mut self, place: impl Display) -> Self {
        self.message = format!("{place}: {}", self.message);
        self
    }

    /// Says it on standard error, and gives the exit code.
    pub(crate) fn report(mut self, format: Format) -> ExitCode {
        let (code, exit) = match self.kind {
            Kind::Evidence => (1, ExitCode::from(1)),
            Kind::Input => (2, ExitCode::from(2)),
            Kind::Storage | Kind::Unread => (3, ExitCode::from(3)),
        };
        let line = match format {
            Format::Text => format!("assize: {}", self.message),
            Format::Json => {
                self.details.insert("error".to_owned(), self.message.into());
                self.details.insert("exit".to_owned(), code.into());
                Value::Object(self.details).to_string()
            }
        };
        if self.kind != Kind::Unread {
            // Where standard error cannot be written either, the exit code is all that is left to say.
            writeln!(io::stderr(), "{line}").unwrap_or_default();
        }
        exit
    }
}

/// An error with everything that it came from, on one line. What an error says of its source itself is not repeated: other
/// libraries' errors may.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let said = error.to_string();
        if !text.ends_with(&said) {
            // OK because a text takes every character.
            write!(text, ": {said}").unwrap_or_default();
        }
        source = error.source();
    }
    text
}
