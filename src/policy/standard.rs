//! The shipped schema `standard-1`: quality, latency, capabilities, provider, region, risk ceiling; input and output.

use alloc::string::String;
use alloc::vec::Vec;

use super::draft::{ColumnDraft, GateDraft, QuantityDraft, SchemaDraft, SourceDraft};
use super::handle::{Gate, HandleError, Number, Quantity, Set};
use super::kind::{ColumnKind, Relation};
use super::schema::Schema;

/// The handles of `standard-1`. The risk ceiling has none: the request's risk feeds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standard {
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
    /// Input tokens.
    pub input: Quantity,
    /// Output tokens.
    pub output: Quantity,
}

impl Standard {
    /// The handles, looked up in `schema`: `standard-1`, or another that has what it has.
    ///
    /// # Errors
    /// The schema lacks one of them.
    pub fn of(schema: &Schema) -> Result<Self, HandleError> {
        Ok(Self {
            quality: schema.gate_number("quality", Relation::AtLeast)?,
            latency_ms: schema.gate_number("latency_ms", Relation::AtMost)?,
            capabilities: schema.gate_set("capabilities", Relation::HasAll)?,
            provider: schema.gate_set("provider", Relation::OneOf)?,
            region: schema.gate_set("region", Relation::HasAny)?,
            input: schema.quantity("input")?,
            output: schema.quantity("output")?,
        })
    }
}

impl SchemaDraft {
    /// The shipped schema `standard-1`. Prices are for 1,000,000 tokens; one card, no tiers.
    #[must_use]
    pub fn standard_1() -> Self {
        Self {
            name: "standard-1".into(),
            columns: columns(&COLUMNS),
            gates: COLUMNS.iter().map(|&(name, _, relation)| gate(name, relation)).collect(),
            quantities: ["input", "output"].into_iter().map(|name| per_million(name, None)).collect(),
            tier_by: Vec::new(),
            merit: Some("quality".into()),
        }
    }

    /// The shipped schema of that name, if there is one.
    #[must_use]
    pub fn shipped(name: &str) -> Option<Self> {
        [Self::standard_1(), Self::llm_1()].into_iter().find(|schema| schema.name == name)
    }
}

/// The columns of `standard-1` with their gates, in the order of the gates.
pub(super) const COLUMNS: [(&str, ColumnKind, Relation); 6] = [
    ("quality", ColumnKind::Bps, Relation::AtLeast),
    ("latency_ms", ColumnKind::Number, Relation::AtMost),
    ("capabilities", ColumnKind::Set, Relation::HasAll),
    ("provider", ColumnKind::Member, Relation::OneOf),
    ("region", ColumnKind::Set, Relation::HasAny),
    ("risk_ceiling", ColumnKind::Bps, Relation::Fits),
];

pub(super) fn columns(columns: &[(&str, ColumnKind, Relation)]) -> Vec<ColumnDraft> {
    columns.iter().map(|&(name, kind, _)| ColumnDraft { name: name.into(), kind }).collect()
}

/// The gate on a column of [`COLUMNS`]: the request's risk feeds the risk ceiling, the request demands the others.
pub(super) fn gate(column: &str, relation: Relation) -> GateDraft {
    let source = if column == "risk_ceiling" { SourceDraft::Risk } else { SourceDraft::Request };
    GateDraft { column: column.into(), relation, source }
}

/// A quantity priced for 1,000,000 of it.
pub(super) fn per_million(name: &str, fallback: Option<&str>) -> QuantityDraft {
    QuantityDraft { name: name.into(), per: 1_000_000, fallback: fallback.map(String::from) }
}
