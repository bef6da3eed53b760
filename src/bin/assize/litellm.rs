//! The public LiteLLM price list as a policy of the schema `llm-1`.
//!
//! Every chat entry becomes a candidate, whatever its state, so that an explanation can answer for it. Prices are
//! exact decimals, rounded up where they are finer than a whole micro-unit; a malformed one makes its entry unpriced.
//! Nothing is dropped unseen: what has no place in the schema is counted in the report.

mod catalog;
mod columns;
mod decimal;
mod field;
mod json;
mod model;
mod price;
mod report;

use std::fmt;

use assize::policy::{Draft, PolicyError, Schema, SchemaDraft};

use self::{
    catalog::CatalogError,
    field::MODE,
    json::{Json, JsonError},
    model::Model,
    report::Entries,
};
pub(crate) use self::{columns::Columns, report::Report};
use crate::date::Date;

/// What an import goes by beside the list.
#[derive(Debug)]
pub(crate) struct Options<'a> {
    /// Models deprecated on or before this day are disabled.
    pub(crate) as_of: Date,
    /// Names and providers whose zeros the user vouches for.
    pub(crate) free: &'a [String],
    /// The user's own columns.
    pub(crate) columns: Option<&'a Columns>,
    /// The policy whose numbers are kept.
    pub(crate) old: Option<&'a Draft>,
}

/// What an import gives.
#[derive(Debug)]
pub(crate) struct Import {
    pub(crate) draft: Draft,
    pub(crate) report: Report,
}

/// Reads the list's JSON text into a draft.
pub(crate) fn import(prices: &str, options: &Options<'_>) -> Result<Import, ImportError> {
    if let Some(old) = options.old {
        let schema = |draft| Schema::freeze(draft).map_err(ImportError::Schema);
        if schema(old.schema.clone())? != schema(SchemaDraft::llm_1())? {
            return Err(ImportError::OldSchema { name: old.schema.name.clone() });
        }
    }
    let list = Json::object(prices).map_err(ImportError::Json)?;
    let mut entries = Entries { total: list.len(), ..Entries::default() };
    let mut models = Vec::new();
    for (name, value) in &list {
        let mode = match value {
            Json::Object(entry) => entry.get(MODE),
            _ => None,
        };
        match (value, mode) {
            (Json::Object(entry), Some(Json::Text(mode))) if mode == CHAT => {
                models.push(Model::read(name, entry, options.as_of, options.free));
            }
            (value, mode) => {
                let count = entries.not_chat.entry(shown(value, mode)).or_default();
                *count = count.saturating_add(1);
            }
        }
    }
    if models.is_empty() {
        return Err(ImportError::NoModels { entries: entries.total });
    }
    let matches = |word: &String| {
        models.iter().any(|model| model.name == *word || model.provider.as_ref() == Some(word))
    };
    if let Some(word) = options.free.iter().find(|word| !matches(word)) {
        return Err(ImportError::FreeUnknown { word: word.clone() });
    }
    let catalog = catalog::build(&models, options.columns, options.old).map_err(ImportError::Catalog)?;
    let report = Report::new(entries, &models, &catalog, options);
    Ok(Import { draft: catalog.draft, report })
}

/// Why there is no import.
#[derive(Debug)]
pub(crate) enum ImportError {
    /// The list is not what it must be.
    Json(JsonError),
    /// The list has no chat model.
    NoModels { entries: usize },
    /// A word of `--free` is neither a model nor a provider.
    FreeUnknown { word: String },
    /// The old policy has another schema.
    OldSchema { name: String },
    /// A schema is not valid.
    Schema(PolicyError),
    /// The models make no catalog.
    Catalog(CatalogError),
}

/// The input that is to blame for an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Input {
    Prices,
    Columns,
    Old,
    Arguments,
}

impl ImportError {
    /// Which input is to blame.
    pub(crate) fn input(&self) -> Input {
        match self {
            Self::Json(_) | Self::NoModels { .. } | Self::Catalog(CatalogError::NumbersUsedUp { .. }) => {
                Input::Prices
            }
            Self::Catalog(CatalogError::ColumnsUnknown { .. }) => Input::Columns,
            Self::OldSchema { .. } | Self::Schema(_) | Self::Catalog(CatalogError::EpochUsedUp) => Input::Old,
            Self::FreeUnknown { .. } => Input::Arguments,
        }
    }
}

impl fmt::Display for ImportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Json(error) => error.fmt(f),
            Self::NoModels { entries } => write!(f, "{entries} entries, and no chat model among them"),
            Self::FreeUnknown { word } => {
                write!(f, "--free {word}: neither a chat model nor a provider of one")
            }
            Self::OldSchema { name } => {
                write!(f, "the schema is {name:?} and not the shipped llm-1")
            }
            Self::Schema(error) => error.fmt(f),
            Self::Catalog(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for ImportError {}

/// The mode of the entries that are imported.
const CHAT: &str = "chat";
/// Characters of a mode that a report shows: one entry of the list has a sentence there.
const MODE_SHOWN_MAX: usize = 30;

fn shown(value: &Json, mode: Option<&Json>) -> String {
    match (value, mode) {
        (Json::Object(_), Some(Json::Text(mode))) => mode.chars().take(MODE_SHOWN_MAX).collect(),
        (Json::Object(_), None) => "(none)".to_owned(),
        (Json::Object(_), Some(_)) => "(not a text)".to_owned(),
        _ => "(not an object)".to_owned(),
    }
}
