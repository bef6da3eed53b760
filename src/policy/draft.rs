//! A policy before it is checked: plain data with names, as documents say it and code builds it.
//!
//! The order of columns, quantities, members, candidates, values, cards and rates means nothing; the order of
//! gates does. Nothing here is valid until [`Policy::freeze`](super::Policy::freeze) says so.

use alloc::string::String;
use alloc::vec::Vec;

use super::{ColumnKind, Relation, Substitution};

/// A policy as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// The policy's name.
    pub name: String,
    /// Its version; a swap must raise it.
    pub epoch: u64,
    /// Columns, gates and quantities.
    pub schema: SchemaDraft,
    /// Denials on the request alone.
    pub limits: LimitsDraft,
    /// How candidates are valued; without one, the least cost wins.
    pub utility: Option<UtilityDraft>,
    /// What may take the place of a requested candidate.
    pub substitution: Substitution,
    /// The members of set and member columns; a column that is not here has none.
    pub members: Vec<MembersDraft>,
    /// The catalog, at least one candidate.
    pub candidates: Vec<CandidateDraft>,
}

impl Draft {
    /// A policy of that schema without limits, utility, members and candidates; the first in order is selected.
    #[must_use]
    pub fn new(name: &str, epoch: u64, schema: SchemaDraft) -> Self {
        Self {
            name: name.into(),
            epoch,
            schema,
            limits: LimitsDraft::default(),
            utility: None,
            substitution: Substitution::Best,
            members: Vec::new(),
            candidates: Vec::new(),
        }
    }
}

/// A schema as it is written. [`SchemaDraft::standard_1`] and [`SchemaDraft::llm_1`] are shipped.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SchemaDraft {
    /// The schema's name.
    pub name: String,
    /// At most 32, in any order.
    pub columns: Vec<ColumnDraft>,
    /// At most 16, in their order.
    pub gates: Vec<GateDraft>,
    /// At most 8, in any order.
    pub quantities: Vec<QuantityDraft>,
    /// The quantities whose sum chooses the rate card.
    pub tier_by: Vec<String>,
    /// The column of merit, of kind `bps`.
    pub merit: Option<String>,
}

/// A column as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnDraft {
    /// Its name, unique among the schema's columns.
    pub name: String,
    /// What its values are.
    pub kind: ColumnKind,
}

/// A gate as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GateDraft {
    /// The column that it compares.
    pub column: String,
    /// How.
    pub relation: Relation,
    /// With what.
    pub source: SourceDraft,
}

/// Where a gate takes its demand from, as it is written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum SourceDraft {
    /// From the request's demand.
    #[default]
    Request,
    /// From the sum of these quantities, at least one.
    Quantities(Vec<String>),
    /// From the request's risk.
    Risk,
}

/// A priced quantity as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuantityDraft {
    /// Its name, unique among the schema's quantities.
    pub name: String,
    /// How much of it a rate is for, at least 1.
    pub per: u64,
    /// The quantity whose rate it takes where it has none.
    pub fallback: Option<String>,
}

/// Limits as they are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LimitsDraft {
    /// A request with this risk or more is denied; basis points.
    pub risk_hard_bps: Option<u16>,
    /// A request with less confidence is denied; basis points.
    pub confidence_min_bps: Option<u16>,
}

/// A utility as it is written. SEMANTICS 7.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UtilityDraft {
    /// What a request's risk costs of its value; basis points, not bound by 10,000.
    pub risk_multiplier_bps: u32,
    /// What unknown merit counts as; without it, such a candidate is not eligible.
    pub merit_unknown_bps: Option<u16>,
    /// What columns cost, each at most once.
    pub weights: Vec<WeightDraft>,
}

/// The weight of a column as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WeightDraft {
    /// The column, of kind `bps` or `number`.
    pub column: String,
    /// Micro-units that each unit of the column takes from utility; below zero, gives.
    pub micros_per_unit: i64,
    /// What an unknown value counts as; without it, such a candidate is not eligible.
    pub unknown: Option<u64>,
}

/// The members of a column as they are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MembersDraft {
    /// The column, of kind `set` or `member`.
    pub column: String,
    /// In any order.
    pub members: Vec<MemberDraft>,
}

/// A member as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberDraft {
    /// Its number, 0 to 511, unique in the column and never given to another.
    pub id: u16,
    /// Its name, unique in the column.
    pub name: String,
}

/// A candidate as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CandidateDraft {
    /// Its number, unique and never given to another.
    pub id: u32,
    /// Its name, unique.
    pub name: String,
    /// A disabled candidate is never selected.
    pub enabled: bool,
    /// Added to every cost; micro-units.
    pub flat_fee_micros: u64,
    /// The known values, by column. What is not here is unknown.
    pub values: Vec<(String, ValueDraft)>,
    /// At most 4; without any the candidate is unpriced and never selected.
    pub cards: Vec<CardDraft>,
}

impl CandidateDraft {
    /// An enabled candidate of which nothing is known.
    #[must_use]
    pub fn new(id: u32, name: &str) -> Self {
        Self {
            id,
            name: name.into(),
            enabled: true,
            flat_fee_micros: 0,
            values: Vec::new(),
            cards: Vec::new(),
        }
    }
}

/// A known value as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ValueDraft {
    /// Of a `bps` or `number` column.
    Number(u64),
    /// Of a `member` column: the member's name.
    Member(String),
    /// Of a `set` column: the members' names, each once, in any order.
    Set(Vec<String>),
}

/// A rate card as it is written. It is complete in itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CardDraft {
    /// It applies when the sum of the `tier_by` quantities is above this; 0 in the base card.
    pub above: u64,
    /// Micro-units for `per` of a quantity, by the quantity's name.
    pub rates: Vec<(String, u64)>,
}
