//! Standard output a line at a time, while a log is read: a reader who has gone away stops nothing but the printing.

use std::io::{self, BufWriter, StdoutLock, Write as _};

use serde::Serialize;

use crate::failure::Failure;

/// Lines on standard output.
pub(crate) struct Lines {
    out: BufWriter<StdoutLock<'static>>,
    failed: Option<io::Error>,
}

/// An item's place in a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Item {
    /// None comes before it.
    First,
    /// Another does.
    Later,
}

impl Lines {
    pub(crate) fn new() -> Self {
        Self { out: BufWriter::new(io::stdout().lock()), failed: None }
    }

    /// Writes a line, unless one could not be written before.
    pub(crate) fn line(&mut self, text: &str) {
        self.write(text.trim_end());
        self.write("\n");
    }

    /// Writes a value as one line of JSON.
    pub(crate) fn json(&mut self, value: &impl Serialize) {
        self.value(value);
        self.write("\n");
    }

    /// Writes an item of a JSON list: a comma and a line's end come before all but the first.
    pub(crate) fn item(&mut self, value: &impl Serialize, is: Item) {
        if is == Item::Later {
            self.write(",\n");
        }
        self.value(value);
    }

    fn value(&mut self, value: &impl Serialize) {
        match serde_json::to_string(value) {
            Ok(text) => self.write(&text),
            Err(error) if self.failed.is_none() => self.failed = Some(io::Error::other(error.to_string())),
            Err(_) => {}
        }
    }

    fn write(&mut self, text: &str) {
        if self.failed.is_none() {
            self.failed = self.out.write_all(text.as_bytes()).err();
        }
    }

    /// Writes what is left, so that what a failure says comes after it.
    pub(crate) fn finish(mut self) -> Result<(), Failure> {
        let failed = self.failed.take().or_else(|| self.out.flush().err());
        failed.map_or(Ok(()), |error| Err(Failure::output(&error)))
    }
}
