//! The fields of a document, for both languages. Nothing here says what is valid; only what is written how.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use serde::Deserialize;
use serde::de::{
    Deserializer, Error, MapAccess, SeqAccess, Unexpected, Visitor, value::MapAccessDeserializer,
};

use super::integer::{BpsText, Integer, OUT_OF_RANGE, Signed, Whole};
use super::table::{Entries, Fields};
use super::{DocumentError, FORMAT};
use crate::limits::MEMBERS_MAX;
use crate::num::MicroUnits;
use crate::policy::draft::{
    CandidateDraft, CardDraft, ColumnDraft, Draft, GateDraft, LimitsDraft, MemberDraft, MembersDraft,
    QuantityDraft, SchemaDraft, SourceDraft, UtilityDraft, ValueDraft, WeightDraft,
};
use crate::policy::{ColumnKind, Relation, Substitution};

/// The format alone, read first: fields of a later format are not called unknown.
#[derive(Deserialize)]
pub(super) struct Probe {
    format: Whole,
}

impl Probe {
    pub(super) fn check(&self) -> Result<(), DocumentError> {
        if self.format.0 == FORMAT {
            return Ok(());
        }
        Err(DocumentError::FormatUnknown { seen: self.format.0 })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Document {
    #[expect(dead_code, reason = "the probe has checked it; here it only is no unknown field")]
    format: Whole,
    name: String,
    epoch: Whole,
    schema: SchemaText,
    #[serde(default)]
    substitution: SubstitutionText,
    #[serde(default)]
    limits: Fields<LimitsText>,
    utility: Option<Fields<UtilityText>>,
    #[serde(default)]
    members: Entries<Entries<Integer<MEMBER_MAX>>>,
    candidates: Vec<Fields<CandidateText>>,
}

/// A shipped schema by its name, or a schema of the document's own.
enum SchemaText {
    Shipped(SchemaDraft),
    Own(SchemaFields),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SchemaFields {
    name: String,
    columns: Entries<ColumnKind>,
    gates: Vec<Fields<GateText>>,
    quantities: Entries<Fields<QuantityText>>,
    #[serde(default)]
    tier_by: Vec<String>,
    merit: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GateText {
    column: String,
    relation: Relation,
    #[serde(default)]
    source: SourceText,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "snake_case", expecting = "`request`, `risk` or quantities")]
enum SourceText {
    #[default]
    Request,
    Quantities(Vec<String>),
    Risk,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct QuantityText {
    per: Whole,
    fallback: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "snake_case", expecting = "a substitution rule")]
enum SubstitutionText {
    #[default]
    Best,
    Margin(Whole),
    IfIneligible,
    Never,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct LimitsText {
    risk_hard_bps: Option<BpsText>,
    confidence_min_bps: Option<BpsText>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UtilityText {
    #[serde(default)]
    risk_multiplier_bps: Integer<MULTIPLIER_MAX>,
    merit_unknown_bps: Option<BpsText>,
    #[serde(default)]
    weights: Entries<Fields<WeightText>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WeightText {
    micros_per_unit: Signed,
    unknown: Option<Whole>,
}

#[derive(Deserialize)]
#[serde(try_from = "CandidateFields")]
pub(super) struct CandidateText {
    id: Integer<CANDIDATE_MAX>,
    name: String,
    enabled: bool,
    flat_fee_micros: Whole,
    values: Entries<ValueText>,
    cards: Vec<Fields<CardText>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CandidateFields {
    id: Integer<CANDIDATE_MAX>,
    name: String,
    #[serde(default = "yes")]
    enabled: bool,
    #[serde(default)]
    flat_fee_micros: Whole,
    #[serde(default)]
    values: Entries<ValueText>,
    rates: Option<Entries<Whole>>,
    cards: Option<Vec<Fields<CardText>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CardText {
    above: Whole,
    rates: Entries<Whole>,
}

/// A number, a member's name, or a list of members' names.
struct ValueText(ValueDraft);

impl From<Document> for Draft {
    fn from(document: Document) -> Self {
        Self {
            name: document.name,
            epoch: document.epoch.0,
            schema: document.schema.into(),
            limits: LimitsDraft {
                risk_hard_bps: document.limits.0.risk_hard_bps.map(Integer::bps),
                confidence_min_bps: document.limits.0.confidence_min_bps.map(Integer::bps),
            },
            utility: document.utility.map(|utility| utility.0.into()),
            substitution: document.substitution.into(),
            members: document.members.map(members_draft),
            candidates: document.candidates.into_iter().map(|candidate| candidate.0.into()).collect(),
        }
    }
}

impl From<SchemaText> for SchemaDraft {
    fn from(text: SchemaText) -> Self {
        let fields = match text {
            SchemaText::Shipped(draft) => return draft,
            SchemaText::Own(fields) => fields,
        };
        let gate = |Fields(gate): Fields<GateText>| GateDraft {
            column: gate.column,
            relation: gate.relation,
            source: match gate.source {
                SourceText::Request => SourceDraft::Request,
                SourceText::Quantities(names) => SourceDraft::Quantities(names),
                SourceText::Risk => SourceDraft::Risk,
            },
        };
        Self {
            name: fields.name,
            columns: fields.columns.map(|name, kind| ColumnDraft { name, kind }),
            gates: fields.gates.into_iter().map(gate).collect(),
            quantities: fields.quantities.map(|name, Fields(text)| QuantityDraft {
                name,
                per: text.per.0,
                fallback: text.fallback,
            }),
            tier_by: fields.tier_by,
            merit: fields.merit,
        }
    }
}

impl From<SubstitutionText> for Substitution {
    fn from(text: SubstitutionText) -> Self {
        match text {
            SubstitutionText::Best => Self::Best,
            SubstitutionText::Margin(margin) => Self::Margin(MicroUnits(margin.0)),
            SubstitutionText::IfIneligible => Self::IfIneligible,
            SubstitutionText::Never => Self::Never,
        }
    }
}

impl From<UtilityText> for UtilityDraft {
    fn from(text: UtilityText) -> Self {
        Self {
            risk_multiplier_bps: u32::try_from(text.risk_multiplier_bps.0).unwrap_or(u32::MAX),
            merit_unknown_bps: text.merit_unknown_bps.map(Integer::bps),
            weights: text.weights.map(|column, Fields(weight)| WeightDraft {
                column,
                micros_per_unit: weight.micros_per_unit.0,
                unknown: weight.unknown.map(|unknown| unknown.0),
            }),
        }
    }
}

fn members_draft(column: String, members: Entries<Integer<MEMBER_MAX>>) -> MembersDraft {
    let member =
        |name, id: Integer<MEMBER_MAX>| MemberDraft { id: u16::try_from(id.0).unwrap_or(u16::MAX), name };
    MembersDraft { column, members: members.map(member) }
}

impl From<CandidateText> for CandidateDraft {
    fn from(text: CandidateText) -> Self {
        let card = |Fields(card): Fields<CardText>| CardDraft {
            above: card.above.0,
            rates: card.rates.map(|name, rate| (name, rate.0)),
        };
        Self {
            id: u32::try_from(text.id.0).unwrap_or(u32::MAX),
            name: text.name,
            enabled: text.enabled,
            flat_fee_micros: text.flat_fee_micros.0,
            values: text.values.map(|column, value| (column, value.0)),
            cards: text.cards.into_iter().map(card).collect(),
        }
    }
}

impl TryFrom<CandidateFields> for CandidateText {
    type Error = &'static str;

    fn try_from(fields: CandidateFields) -> Result<Self, &'static str> {
        let cards = match (fields.rates, fields.cards) {
            (Some(_), Some(_)) => return Err("both `rates` and `cards`; `rates` stands for one base card"),
            (Some(rates), None) => Vec::from([Fields(CardText { above: Integer(0), rates })]),
            (None, cards) => cards.unwrap_or_default(),
        };
        Ok(Self {
            id: fields.id,
            name: fields.name,
            enabled: fields.enabled,
            flat_fee_micros: fields.flat_fee_micros,
            values: fields.values,
            cards,
        })
    }
}

impl<const MAX: u64> Integer<MAX> {
    fn bps(self) -> u16 {
        u16::try_from(self.0).unwrap_or(u16::MAX)
    }
}

impl<'de> Deserialize<'de> for SchemaText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SchemaVisitor)
    }
}

struct SchemaVisitor;

impl<'de> Visitor<'de> for SchemaVisitor {
    type Value = SchemaText;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("`standard-1`, `llm-1` or a schema")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<SchemaText, E> {
        let unknown = || E::invalid_value(Unexpected::Str(name), &self);
        SchemaDraft::shipped(name).map(SchemaText::Shipped).ok_or_else(unknown)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<SchemaText, A::Error> {
        SchemaFields::deserialize(MapAccessDeserializer::new(map)).map(SchemaText::Own)
    }
}

impl<'de> Deserialize<'de> for ValueText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = ValueText;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an integer from 0 to {}, a member or a list of members", u64::MAX)
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<ValueText, E> {
        Ok(ValueText(ValueDraft::Number(value)))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<ValueText, E> {
        match u64::try_from(value) {
            Ok(value) => self.visit_u64(value),
            Err(_) => Err(E::invalid_value(Unexpected::Signed(value), &self)),
        }
    }

    fn visit_i128<E: Error>(self, _: i128) -> Result<ValueText, E> {
        Err(E::invalid_value(Unexpected::Other(OUT_OF_RANGE), &self))
    }

    fn visit_u128<E: Error>(self, _: u128) -> Result<ValueText, E> {
        Err(E::invalid_value(Unexpected::Other(OUT_OF_RANGE), &self))
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<ValueText, E> {
        Ok(ValueText(ValueDraft::Member(name.into())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<ValueText, A::Error> {
        let mut names = Vec::new();
        while let Some(name) = sequence.next_element()? {
            names.push(name);
        }
        Ok(ValueText(ValueDraft::Set(names)))
    }
}

fn yes() -> bool {
    true
}

const CANDIDATE_MAX: u64 = 4_294_967_295;
const MULTIPLIER_MAX: u64 = 4_294_967_295;
const MEMBER_MAX: u64 = 511;
const _: () = assert!(MEMBERS_MAX == 512, "the largest number of a member is one below");
