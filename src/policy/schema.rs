//! The shape of a catalog: columns, gates in their order, priced quantities.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::num::NonZero;

use super::check;
use super::draft::{ColumnDraft, GateDraft, QuantityDraft, SchemaDraft, SourceDraft};
use super::error::{PolicyError, PolicyFault};
use super::kind::{ColumnIndex, ColumnKind, QuantityIndex, QuantityMask, Relation, Source};
use super::place::{Place, shown};
use crate::crypto::Digest;

/// A checked schema. Two schemas are the same when their digests are.
#[derive(Clone)]
pub struct Schema {
    name: Box<str>,
    columns: Vec<Column>,
    quantities: Vec<QuantitySpec>,
    gates: Vec<GateSpec>,
    tier_by: QuantityMask,
    merit: Option<ColumnIndex>,
    digest: Digest,
}

/// A column of a schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    pub(super) name: Box<str>,
    pub(super) kind: ColumnKind,
}

/// A priced quantity of a schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuantitySpec {
    pub(super) name: Box<str>,
    pub(super) per: u64,
    pub(super) fallback: Option<QuantityIndex>,
}

/// A gate of a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GateSpec {
    pub(super) column: ColumnIndex,
    pub(super) relation: Relation,
    pub(super) source: Source,
}

/// The first 8 bytes of a schema's digest, by which handles know their schema. FORMAT 2.7.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SchemaTag(pub u64);

impl Schema {
    /// Checks a schema by itself; a policy's is checked with the policy.
    ///
    /// # Errors
    /// The first thing found wrong.
    pub fn freeze(draft: SchemaDraft) -> Result<Self, PolicyError> {
        check::schema_counts(draft.columns.len(), draft.quantities.len(), draft.gates.len())?;
        let mut columns: Vec<Column> = draft.columns.into_iter().map(Column::from).collect();
        columns.sort_by(|a, b| a.name.cmp(&b.name));
        let mut quantities = draft.quantities;
        quantities.sort_by(|a, b| a.name.cmp(&b.name));

        let names: Vec<&str> = quantities.iter().map(|quantity| quantity.name.as_str()).collect();
        let gates = draft
            .gates
            .iter()
            .enumerate()
            .map(|(index, gate)| resolve_gate(index, gate, &columns, &names))
            .collect::<Result<_, _>>()?;
        let tier_by = resolve_mask(&draft.tier_by, &names, || Place::Field("schema.tier_by"))?;
        let merit = draft.merit.map(|name| {
            find_column(&columns, &name).ok_or_else(|| column_unknown(Place::Field("schema.merit"), &name))
        });
        let merit = merit.transpose()?;
        let quantities =
            quantities.iter().map(|quantity| resolve_quantity(quantity, &names)).collect::<Result<_, _>>()?;
        Self::assemble(Parts { name: draft.name.into(), columns, quantities, gates, tier_by, merit })
    }

    /// Checks parts whose columns and quantities are sorted and whose indexes are in range, and digests them.
    pub(super) fn assemble(parts: Parts) -> Result<Self, PolicyError> {
        check::schema(&parts)?;
        let Parts { name, columns, quantities, gates, tier_by, merit } = parts;
        let mut schema = Self { name, columns, quantities, gates, tier_by, merit, digest: Digest::default() };
        let mut bytes = Vec::new();
        super::wire::encode_schema(&schema, &mut bytes);
        schema.digest = Digest::of("assize/schema/1", &bytes); // FORMAT 2.7
        Ok(schema)
    }

    /// The schema's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The columns, sorted by name; at most 32.
    #[must_use]
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The priced quantities, sorted by name; at most 8.
    #[must_use]
    pub fn quantities(&self) -> &[QuantitySpec] {
        &self.quantities
    }

    /// The gates, in their order; at most 16.
    #[must_use]
    pub fn gates(&self) -> &[GateSpec] {
        &self.gates
    }

    /// The quantities whose sum chooses the rate card.
    #[must_use]
    pub fn tier_by(&self) -> QuantityMask {
        self.tier_by
    }

    /// The column of merit, of kind `bps`.
    #[must_use]
    pub fn merit(&self) -> Option<ColumnIndex> {
        self.merit
    }

    /// The digest of the schema's canonical form. FORMAT 2.7.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// What handles of this schema carry.
    #[must_use]
    pub fn tag(&self) -> SchemaTag {
        SchemaTag(self.digest.0.first_chunk().map_or(0, |head| u64::from_le_bytes(*head)))
    }

    /// The column of that name.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<ColumnIndex> {
        find_column(&self.columns, name)
    }

    /// The column at that place.
    #[must_use]
    pub fn column_at(&self, index: ColumnIndex) -> Option<&Column> {
        self.columns.get(index.as_usize())
    }

    /// The quantity of that name.
    #[must_use]
    pub fn quantity_index(&self, name: &str) -> Option<QuantityIndex> {
        let at = self.quantities.binary_search_by(|quantity| quantity.name.as_ref().cmp(name)).ok()?;
        u8::try_from(at).ok().map(QuantityIndex)
    }

    /// The quantity at that place.
    #[must_use]
    pub fn quantity_at(&self, index: QuantityIndex) -> Option<&QuantitySpec> {
        self.quantities.get(index.as_usize())
    }

    /// The schema as it can be written again.
    #[must_use]
    pub fn to_draft(&self) -> SchemaDraft {
        let column = |index| self.column_at(index).map(|column| String::from(column.name()));
        let named = |index| self.quantity_at(index).map(|quantity| String::from(quantity.name()));
        let names = |mask: QuantityMask| mask.iter().filter_map(named).collect();
        SchemaDraft {
            name: self.name().into(),
            columns: self
                .columns
                .iter()
                .map(|column| ColumnDraft { name: column.name().into(), kind: column.kind })
                .collect(),
            gates: self
                .gates
                .iter()
                .map(|gate| GateDraft {
                    column: column(gate.column).unwrap_or_default(),
                    relation: gate.relation,
                    source: match gate.source {
                        Source::Request => SourceDraft::Request,
                        Source::Quantities(mask) => SourceDraft::Quantities(names(mask)),
                        Source::Risk => SourceDraft::Risk,
                    },
                })
                .collect(),
            quantities: self
                .quantities
                .iter()
                .map(|quantity| QuantityDraft {
                    name: quantity.name().into(),
                    per: quantity.per,
                    fallback: quantity.fallback.and_then(named),
                })
                .collect(),
            tier_by: names(self.tier_by),
            merit: self.merit.and_then(column),
        }
    }
}

impl PartialEq for Schema {
    fn eq(&self, other: &Self) -> bool {
        self.digest == other.digest
    }
}

impl Eq for Schema {}

impl fmt::Debug for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Schema").field("name", &self.name).field("digest", &self.digest).finish()
    }
}

impl Column {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What its values are.
    #[must_use]
    pub fn kind(&self) -> ColumnKind {
        self.kind
    }
}

impl From<ColumnDraft> for Column {
    fn from(draft: ColumnDraft) -> Self {
        Self { name: draft.name.into(), kind: draft.kind }
    }
}

impl QuantitySpec {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How much of it a rate is for, at least 1.
    #[must_use]
    pub fn per(&self) -> u64 {
        self.per
    }

    /// The same as a divisor. OK because no checked schema has a `per` of 0.
    #[inline]
    pub(crate) fn of(&self) -> NonZero<u64> {
        NonZero::new(self.per).unwrap_or(NonZero::<u64>::MIN)
    }

    /// The quantity whose rate it takes on a card where it has none. SEMANTICS 6.3.
    #[must_use]
    pub fn fallback(&self) -> Option<QuantityIndex> {
        self.fallback
    }
}

impl GateSpec {
    /// The column that it compares.
    #[must_use]
    pub fn column(&self) -> ColumnIndex {
        self.column
    }

    /// How.
    #[must_use]
    pub fn relation(&self) -> Relation {
        self.relation
    }

    /// Where its demand comes from.
    #[must_use]
    pub fn source(&self) -> Source {
        self.source
    }
}

/// A schema with its names resolved, before it is checked.
pub(super) struct Parts {
    pub(super) name: Box<str>,
    pub(super) columns: Vec<Column>,
    pub(super) quantities: Vec<QuantitySpec>,
    pub(super) gates: Vec<GateSpec>,
    pub(super) tier_by: QuantityMask,
    pub(super) merit: Option<ColumnIndex>,
}

fn resolve_gate(
    index: usize,
    gate: &GateDraft,
    columns: &[Column],
    quantities: &[&str],
) -> Result<GateSpec, PolicyError> {
    let place = || Place::Gate { index, column: shown(&gate.column) };
    let column = find_column(columns, &gate.column).ok_or_else(|| column_unknown(place(), &gate.column))?;
    let source = match &gate.source {
        SourceDraft::Request => Source::Request,
        SourceDraft::Quantities(names) => Source::Quantities(resolve_mask(names, quantities, place)?),
        SourceDraft::Risk => Source::Risk,
    };
    Ok(GateSpec { column, relation: gate.relation, source })
}

fn resolve_quantity(draft: &QuantityDraft, names: &[&str]) -> Result<QuantitySpec, PolicyError> {
    let fallback = draft.fallback.as_deref().map(|name| {
        let place = || Place::Quantity { name: shown(&draft.name) };
        find_quantity(names, name).ok_or_else(|| quantity_unknown(place(), name))
    });
    Ok(QuantitySpec { name: draft.name.as_str().into(), per: draft.per, fallback: fallback.transpose()? })
}

fn resolve_mask(
    listed: &[String],
    names: &[&str],
    place: impl Fn() -> Place,
) -> Result<QuantityMask, PolicyError> {
    let mut mask = QuantityMask::EMPTY;
    for name in listed {
        let index = find_quantity(names, name).ok_or_else(|| quantity_unknown(place(), name))?;
        if mask.contains(index) {
            return Err(PolicyError::new(place(), PolicyFault::Twice { what: "quantity" }));
        }
        mask = mask.with(index);
    }
    Ok(mask)
}

fn find_column(columns: &[Column], name: &str) -> Option<ColumnIndex> {
    let at = columns.binary_search_by(|column| column.name.as_ref().cmp(name)).ok()?;
    u8::try_from(at).ok().map(ColumnIndex)
}

fn find_quantity(names: &[&str], name: &str) -> Option<QuantityIndex> {
    u8::try_from(names.binary_search(&name).ok()?).ok().map(QuantityIndex)
}

pub(super) fn column_unknown(place: Place, name: &str) -> PolicyError {
    PolicyError::new(place, PolicyFault::ColumnUnknown { name: shown(name) })
}

fn quantity_unknown(place: Place, name: &str) -> PolicyError {
    PolicyError::new(place, PolicyFault::QuantityUnknown { name: shown(name) })
}
