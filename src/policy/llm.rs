//! The shipped schema `llm-1`: `standard-1` with windows, and prices for cached, cache-written and reasoning tokens.

use alloc::string::String;
use alloc::vec::Vec;

use super::draft::{GateDraft, SchemaDraft, SourceDraft};
use super::handle::{Gate, HandleError, Number, Quantity, Set};
use super::kind::{ColumnKind, Relation};
use super::schema::Schema;
use super::standard;

/// The handles of `llm-1`. The risk ceiling and the windows have none: the request's risk and its quantities feed
/// them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Llm {
    /// The least quality, in basis points.
    pub quality: Gate<Number>,
    /// The longest 95th-percentile latency, in milliseconds.
    pub latency_ms: Gate<Number>,
    /// The capabilities that are all needed.
    pub capabilities: Gate<Set>,
    /// The providers, one of which it must be.
    pub provider: Gate<Set>,
    /// The regions, of which one suffices.
    pub region: Gate<Set>,
    /// Prompt tokens that are neither read from a cache nor written to one.
    pub input: Quantity,
    /// Prompt tokens read from a cache.
    pub cached_input: Quantity,
    /// Prompt tokens written to a cache.
    pub cache_write: Quantity,
    /// Generated tokens other than reasoning.
    pub output: Quantity,
    /// Generated tokens of reasoning.
    pub reasoning: Quantity,
}

impl Llm {
    /// The handles, looked up in `schema`: `llm-1`, or another that has what it has.
    ///
    /// # Errors
    /// The schema lacks one of them.
    pub fn of(schema: &Schema) -> Result<Self, HandleError> {
        let standard::Standard { quality, latency_ms, capabilities, provider, region, input, output } =
            standard::Standard::of(schema)?;
        Ok(Self {
            quality,
            latency_ms,
            capabilities,
            provider,
            region,
            input,
            cached_input: schema.quantity("cached_input")?,
            cache_write: schema.quantity("cache_write")?,
            output,
            reasoning: schema.quantity("reasoning")?,
        })
    }
}

impl SchemaDraft {
    /// The shipped schema `llm-1`. Prices are for 1,000,000 tokens; the prompt's tokens choose the rate card, and
    /// are compared with the input window, the generated ones with the output window.
    #[must_use]
    pub fn llm_1() -> Self {
        let mut schema = Self::standard_1();
        schema.name = "llm-1".into();
        schema.columns.extend(standard::columns(&WINDOWS));
        schema.gates.extend([fed("input_window", &PROMPT), fed("output_window", &GENERATED)]);
        schema.quantities =
            QUANTITIES.into_iter().map(|(name, fallback)| standard::per_million(name, fallback)).collect();
        schema.tier_by = names(&PROMPT);
        schema
    }
}

const WINDOWS: [(&str, ColumnKind, Relation); 2] = [
    ("input_window", ColumnKind::Number, Relation::Fits),
    ("output_window", ColumnKind::Number, Relation::Fits),
];

const QUANTITIES: [(&str, Option<&str>); 5] = [
    ("input", None),
    ("cached_input", Some("input")),
    ("cache_write", Some("input")),
    ("output", None),
    ("reasoning", Some("output")),
];

const PROMPT: [&str; 3] = ["input", "cached_input", "cache_write"];
const GENERATED: [&str; 2] = ["output", "reasoning"];

fn fed(column: &str, quantities: &[&str]) -> GateDraft {
    GateDraft {
        column: column.into(),
        relation: Relation::Fits,
        source: SourceDraft::Quantities(names(quantities)),
    }
}

fn names(quantities: &[&str]) -> Vec<String> {
    quantities.iter().map(|&name| name.into()).collect()
}
