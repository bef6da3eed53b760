//! Policies as TOML and JSON documents, version 1.
//!
//! Both languages say the same: see `examples/data/models.toml` and [`to_toml`]. A document is a [`Draft`]; whether
//! that is a valid policy, [`Policy::freeze`](super::Policy::freeze) says.
//!
//! | field | what it is |
//! |---|---|
//! | `format` | 1 |
//! | `name`, `epoch` | the policy's name and version |
//! | `schema` | the name of a shipped schema, or a table of `name`, `columns` (name = kind), `gates` (each with `column`, `relation` and, unless it is the request, `source`: `"risk"` or `{ quantities = [..] }`), `quantities` (name = `{ per, fallback }`), `tier_by`, `merit` |
//! | `substitution` | `"best"` (also when left out), `{ margin = µ }`, `"if_ineligible"` or `"never"` |
//! | `limits` | `risk_hard_bps`, `confidence_min_bps`; each may be left out |
//! | `utility` | `risk_multiplier_bps`, `merit_unknown_bps`, `weights` (column = `{ micros_per_unit, unknown }`) |
//! | `members` | for each set or member column: name = number |
//! | `candidates` | each with `id`, `name`, `enabled` (true when left out), `flat_fee_micros` (0 when left out), `values` (column = number, member, or list of members), and `rates` (quantity = µ) for one base card, or `cards` (each with `above` and `rates`) |
//!
//! Everything is an integer or a text. Integers reach `u64::MAX` in both languages; TOML asks a reader for `i64`
//! only, so another program may not read a policy with a number above `i64::MAX`.
//!
//! ```
//! use assize::policy::{Policy, document};
//!
//! let policy = Policy::freeze(document::from_toml(
//!     r#"
//!     format = 1
//!     name = "models"
//!     epoch = 1
//!     schema = "standard-1"
//!
//!     [[candidates]]
//!     id = 1
//!     name = "small"
//!     values.quality = 8400
//!     rates = { input = 1000000, output = 5000000 }
//!     "#,
//! )?)?;
//! assert_eq!(policy.candidates().len(), 1);
//!
//! let malformed = document::from_toml("format = 1\nname = 4").unwrap_err();
//! assert_eq!(malformed.to_string(), "line 2, column 8, name: invalid type: integer `4`, expected a string");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod describe;
mod integer;
mod table;
mod text;
mod write;

use alloc::boxed::Box;
use alloc::format;
use alloc::string::ToString as _;
use core::fmt;

use serde::Deserialize;

use super::draft::Draft;
use crate::limits::DOCUMENT_BYTES_MAX;
use table::Fields;
use text::{Document, Probe};
pub use write::{to_json, to_toml};

/// Reads a TOML document.
///
/// # Errors
/// It is above 64 MiB, not TOML, not of format 1, has a field that is unknown, missing, double or of another sort,
/// or a number out of its range.
pub fn from_toml(document: &str) -> Result<Draft, DocumentError> {
    check_size(document)?;
    read_toml::<Fields<Probe>>(document)?.0.check()?;
    read_toml::<Fields<Document>>(document).map(|fields| fields.0.into())
}

/// Reads a JSON document.
///
/// # Errors
/// As [`from_toml`].
pub fn from_json(document: &str) -> Result<Draft, DocumentError> {
    check_size(document)?;
    read_json::<Fields<Probe>>(document)?.0.check()?;
    read_json::<Fields<Document>>(document).map(|fields| fields.0.into())
}

fn check_size(document: &str) -> Result<(), DocumentError> {
    if document.len() <= DOCUMENT_BYTES_MAX {
        return Ok(());
    }
    Err(DocumentError::TooLarge { seen: document.len(), max: DOCUMENT_BYTES_MAX })
}

fn read_toml<'de, T: Deserialize<'de>>(document: &'de str) -> Result<T, DocumentError> {
    let malformed = |error: &toml::de::Error, field: Box<str>| {
        let (line, column) = position(document, error.span().map_or(0, |span| span.start));
        DocumentError::Malformed { line, column, field, what: one_line(error.message()) }
    };
    let deserializer =
        toml::de::Deserializer::parse(document).map_err(|error| malformed(&error, Box::default()))?;
    serde_path_to_error::deserialize(deserializer)
        .map_err(|error| malformed(error.inner(), field(error.path())))
}

fn read_json<'de, T: Deserialize<'de>>(document: &'de str) -> Result<T, DocumentError> {
    let malformed = |error: &serde_json::Error, field: Box<str>| {
        let (line, column) = (error.line(), error.column());
        let text = error.to_string();
        // The place is said once, by this error.
        let what = text.strip_suffix(&format!(" at line {line} column {column}")).unwrap_or(&text);
        DocumentError::Malformed { line, column, field, what: one_line(what) }
    };
    let mut deserializer = serde_json::Deserializer::from_str(document);
    let value = serde_path_to_error::deserialize(&mut deserializer)
        .map_err(|error| malformed(error.inner(), field(error.path())))?;
    deserializer.end().map_err(|error| malformed(&error, Box::default()))?;
    Ok(value)
}

fn field(path: &serde_path_to_error::Path) -> Box<str> {
    let path = path.to_string();
    // What is not yet known where the document ends, or for the document itself, has no name.
    let known = path.trim_end_matches(['?', '.']);
    known.chars().take(FIELD_CHARS_MAX).collect()
}

/// Line and column, from 1, of the character at a byte of the document.
fn position(document: &str, offset: usize) -> (usize, usize) {
    let before = document.get(..offset).unwrap_or(document);
    let line_start = before.rfind('\n').map_or(0, |newline| newline.saturating_add(1));
    let lines = before.bytes().filter(|&byte| byte == b'\n').count();
    let characters = before.get(line_start..).unwrap_or_default().chars().count();
    (lines.saturating_add(1), characters.saturating_add(1))
}

fn one_line(text: &str) -> Box<str> {
    text.chars()
        .take(WHAT_CHARS_MAX)
        .map(|character| if character.is_control() { ' ' } else { character })
        .collect()
}

/// Why a text is not a policy document.
///
/// Like [`PolicyError`](super::PolicyError) it carries text: the field and what the parser saw, cut to a line.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DocumentError {
    /// The document is too large; it was not parsed.
    TooLarge {
        /// Its bytes.
        seen: usize,
        /// The most that it may have.
        max: usize,
    },
    /// The document is of a format that this version does not read.
    FormatUnknown {
        /// Its format.
        seen: u64,
    },
    /// The document does not parse, or a field is not what it must be.
    Malformed {
        /// From 1.
        line: usize,
        /// From 1, in characters.
        column: usize,
        /// The path of the field; empty for the document itself.
        field: Box<str>,
        /// What was seen, and what is expected.
        what: Box<str>,
    },
}

impl fmt::Display for DocumentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge { seen, max } => write!(f, "the document has {seen} bytes; the limit is {max}"),
            Self::FormatUnknown { seen } => {
                write!(f, "the document is of format {seen}; this version reads format {FORMAT}")
            }
            Self::Malformed { line, column, field, what } if field.is_empty() => {
                write!(f, "line {line}, column {column}: {what}")
            }
            Self::Malformed { line, column, field, what } => {
                write!(f, "line {line}, column {column}, {field}: {what}")
            }
        }
    }
}

impl core::error::Error for DocumentError {}

const FORMAT: u64 = 1;
const FIELD_CHARS_MAX: usize = 200;
const WHAT_CHARS_MAX: usize = 300;
