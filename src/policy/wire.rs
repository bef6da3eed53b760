//! The canonical form of a policy, FORMAT 2: written in one way, and read only when it was written so.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::error::PolicyError;
use super::kind::{ColumnIndex, ColumnKind, QuantityIndex, QuantityMask, Relation, Source};
use super::member::{Listing, MemberId, MemberSet};
use super::schema::{Column, GateSpec, Parts, QuantitySpec};
use super::{Candidate, Card, Index, Limits, Policy, Schema, Substitution, Utility, Weight, check};
use crate::codec::{CodecError, Reader, Writer};
use crate::crypto::Digest;
use crate::id::{CandidateId, Epoch};
use crate::num::{Bps, MicroUnits};

pub(super) fn encode(policy: &Policy, out: &mut Vec<u8>) {
    Writer::new(out).u16(VERSION); // FORMAT 2.1
    text(&mut Writer::new(out), &policy.name);
    Writer::new(out).u64(policy.epoch.0);
    encode_schema(&policy.schema, out);
    let mut writer = Writer::new(out);
    encode_limits(policy.limits, &mut writer);
    encode_utility(policy.utility.as_ref(), &mut writer);
    encode_substitution(policy.substitution, &mut writer);
    for (column, listing) in policy.schema.columns().iter().zip(&policy.members) {
        if !column.kind.is_numeric() {
            encode_members(listing, &mut writer);
        }
    }
    writer.u32(u32::try_from(policy.candidates.len()).unwrap_or(u32::MAX)); // FORMAT 2.8
    for candidate in &policy.candidates {
        encode_candidate(candidate, &policy.schema, &mut writer);
    }
}

/// FORMAT 2.2.
pub(super) fn encode_schema(schema: &Schema, out: &mut Vec<u8>) {
    let mut writer = Writer::new(out);
    text(&mut writer, schema.name());
    writer.u8(count(schema.columns().len()));
    for column in schema.columns() {
        text(&mut writer, &column.name);
        writer.u8(column.kind.code());
    }
    writer.u8(count(schema.quantities().len()));
    for quantity in schema.quantities() {
        text(&mut writer, &quantity.name);
        writer.u64(quantity.per);
        writer.u8(quantity.fallback.map_or(NONE, |index| index.0));
    }
    writer.u8(schema.tier_by().bits());
    writer.u8(count(schema.gates().len()));
    for gate in schema.gates() {
        writer.u8(gate.column.0);
        writer.u8(gate.relation.code());
        match gate.source {
            Source::Request => writer.u8(0),
            Source::Quantities(mask) => {
                writer.u8(1);
                writer.u8(mask.bits());
            }
            Source::Risk => writer.u8(2),
        }
    }
    writer.u8(schema.merit().map_or(NONE, |index| index.0));
}

/// FORMAT 2.3.
fn encode_limits(limits: Limits, writer: &mut Writer<'_>) {
    let both = [limits.risk_hard, limits.confidence_min];
    writer.u8(mask_of(both.iter().map(Option::is_some)));
    both.into_iter().flatten().for_each(|limit| writer.u16(limit.as_u16()));
}

/// FORMAT 2.4.
fn encode_utility(utility: Option<&Utility>, writer: &mut Writer<'_>) {
    let Some(utility) = utility else { return writer.u8(0) };
    writer.u8(1);
    writer.u32(utility.risk_multiplier_bps);
    writer.u16(utility.merit_unknown.map_or(MERIT_NONE, Bps::as_u16));
    writer.u8(count(utility.weights.len()));
    for weight in &utility.weights {
        writer.u8(weight.column.0);
        writer.i64(weight.micros_per_unit);
        match weight.unknown {
            Some(value) => {
                writer.u8(1);
                writer.u64(value);
            }
            None => writer.u8(0),
        }
    }
}

/// FORMAT 2.5.
fn encode_substitution(substitution: Substitution, writer: &mut Writer<'_>) {
    match substitution {
        Substitution::Best => writer.u8(0),
        Substitution::Margin(margin) => {
            writer.u8(1);
            writer.u64(margin.0);
        }
        Substitution::IfIneligible => writer.u8(2),
        Substitution::Never => writer.u8(3),
    }
}

/// FORMAT 2.6.
fn encode_members(listing: &Listing, writer: &mut Writer<'_>) {
    writer.u16(u16::try_from(listing.names().len()).unwrap_or(u16::MAX));
    for (id, name) in listing.names() {
        writer.u16(id.0);
        text(writer, name);
    }
}

/// FORMAT 2.8.
fn encode_candidate(candidate: &Candidate, schema: &Schema, writer: &mut Writer<'_>) {
    writer.u32(candidate.id.0);
    text(writer, &candidate.name);
    writer.u8(u8::from(candidate.enabled));
    writer.u64(candidate.flat_fee.0);
    writer.u32(candidate.known());
    for (index, _) in (0_u8..).map(ColumnIndex).zip(schema.columns()) {
        if let Some(value) = candidate.value(index) {
            writer.u64(value);
        } else if let Some(member) = candidate.member(index) {
            writer.u16(member.0);
        } else if let Some(set) = candidate.set(index) {
            set.encode(writer);
        }
    }
    writer.u8(count(candidate.cards.len()));
    for card in &candidate.cards {
        writer.u64(card.above);
        writer.u8(card.known.bits());
        card.known.iter().filter_map(|quantity| card.rate(quantity)).for_each(|rate| writer.u64(rate));
    }
}

pub(super) fn decode(canonical: &[u8]) -> Result<Policy, PolicyError> {
    check::canonical_bytes(canonical.len())?;
    let mut reader = Reader::new(canonical);
    if reader.u16()? != VERSION {
        return Err(reader.invalid("version of the canonical form").into());
    }
    let name = read_text(&mut reader)?;
    let epoch = Epoch(reader.u64()?);
    let schema = decode_schema(&mut reader)?;
    let limits = decode_limits(&mut reader)?;
    let utility = decode_utility(&mut reader, &schema)?;
    let substitution = decode_substitution(&mut reader)?;
    let members = decode_members(&mut reader, &schema)?;
    let candidates = decode_candidates(&mut reader, &schema)?;
    reader.finish()?;
    let policy = Policy {
        name,
        epoch,
        schema,
        limits,
        utility,
        substitution,
        members,
        candidates,
        by_name: Vec::new(),
        index: Index::default(),
        digest: Digest::default(),
    };
    let policy = policy.seal(&[])?;
    // FORMAT 1.3: the reading above takes one form only. This holds it to that.
    if policy.digest != Digest::of(DIGEST_TAG, canonical) {
        return Err(CodecError::Invalid { offset: canonical.len(), what: "canonical form" }.into());
    }
    Ok(policy)
}

fn decode_schema(reader: &mut Reader<'_>) -> Result<Schema, PolicyError> {
    let name = read_text(reader)?;
    let columns = decode_columns(reader)?;
    let quantities = decode_quantities(reader)?;
    let all = QuantityMask::from_bits(mask_of(quantities.iter().map(|_| true)));
    let tier_by = read_mask(reader, all)?;
    let gates = decode_gates(reader, columns.len(), all)?;
    let merit = match reader.u8()? {
        NONE => None,
        index if usize::from(index) < columns.len() => Some(ColumnIndex(index)),
        _ => return Err(reader.invalid("merit column").into()),
    };
    Schema::assemble(Parts { name, columns, quantities, gates, tier_by, merit })
}

fn decode_columns(reader: &mut Reader<'_>) -> Result<Vec<Column>, PolicyError> {
    let mut columns: Vec<Column> = Vec::new();
    for _ in 0..reader.u8()? {
        let name = read_text(reader)?;
        let kind = ColumnKind::from_code(reader.u8()?).ok_or_else(|| reader.invalid("kind of a column"))?;
        ascending(reader, columns.last().map(|last| &last.name), &name)?;
        columns.push(Column { name, kind });
    }
    Ok(columns)
}

fn decode_quantities(reader: &mut Reader<'_>) -> Result<Vec<QuantitySpec>, PolicyError> {
    let mut quantities: Vec<QuantitySpec> = Vec::new();
    let count = reader.u8()?;
    for _ in 0..count {
        let name = read_text(reader)?;
        let per = reader.u64()?;
        let fallback = match reader.u8()? {
            NONE => None,
            index if index < count => Some(QuantityIndex(index)),
            _ => return Err(reader.invalid("fallback of a quantity").into()),
        };
        ascending(reader, quantities.last().map(|last| &last.name), &name)?;
        quantities.push(QuantitySpec { name, per, fallback });
    }
    check::schema_counts(0, quantities.len(), 0)?;
    Ok(quantities)
}

fn decode_gates(
    reader: &mut Reader<'_>,
    columns: usize,
    quantities: QuantityMask,
) -> Result<Vec<GateSpec>, PolicyError> {
    let mut gates = Vec::new();
    for _ in 0..reader.u8()? {
        let column = read_column(reader, columns)?;
        let relation =
            Relation::from_code(reader.u8()?).ok_or_else(|| reader.invalid("relation of a gate"))?;
        let source = match reader.u8()? {
            0 => Source::Request,
            1 => Source::Quantities(read_mask(reader, quantities)?),
            2 => Source::Risk,
            _ => return Err(reader.invalid("source of a gate").into()),
        };
        gates.push(GateSpec { column, relation, source });
    }
    Ok(gates)
}

fn decode_limits(reader: &mut Reader<'_>) -> Result<Limits, PolicyError> {
    let mask = reader.u8()?;
    if mask > 0b11 {
        return Err(reader.invalid("mask of limits").into());
    }
    let mut limit = |bit: u8, path| (mask & bit != 0).then(|| check::bps(reader.u16()?, path)).transpose();
    Ok(Limits {
        risk_hard: limit(0b01, "limits.risk_hard_bps")?,
        confidence_min: limit(0b10, "limits.confidence_min_bps")?,
    })
}

fn decode_utility(reader: &mut Reader<'_>, schema: &Schema) -> Result<Option<Utility>, PolicyError> {
    if !read_flag(reader, "mark of a utility")? {
        return Ok(None);
    }
    let risk_multiplier_bps = reader.u32()?;
    let merit_unknown = match reader.u16()? {
        MERIT_NONE => None,
        seen => Some(check::bps(seen, "utility.merit_unknown_bps")?),
    };
    let mut weights: Vec<Weight> = Vec::new();
    for _ in 0..reader.u8()? {
        let column = read_column(reader, schema.columns().len())?;
        let micros_per_unit = reader.i64()?;
        let unknown = read_flag(reader, "mark of an unknown value")?.then(|| reader.u64()).transpose()?;
        ascending(reader, weights.last().map(|last| &last.column), &column)?;
        weights.push(Weight { column, micros_per_unit, unknown });
    }
    Ok(Some(Utility { risk_multiplier_bps, merit_unknown, weights }))
}

fn decode_substitution(reader: &mut Reader<'_>) -> Result<Substitution, CodecError> {
    match reader.u8()? {
        0 => Ok(Substitution::Best),
        1 => Ok(Substitution::Margin(MicroUnits(reader.u64()?))),
        2 => Ok(Substitution::IfIneligible),
        3 => Ok(Substitution::Never),
        _ => Err(reader.invalid("substitution")),
    }
}

fn decode_members(reader: &mut Reader<'_>, schema: &Schema) -> Result<Vec<Listing>, PolicyError> {
    let mut listings = Vec::new();
    for column in schema.columns() {
        let mut names: Vec<(MemberId, Box<str>)> = Vec::new();
        let count = if column.kind.is_numeric() { 0 } else { reader.u16()? };
        for _ in 0..count {
            let id = MemberId(reader.u16()?);
            let name = read_text(reader)?;
            ascending(reader, names.last().map(|(last, _)| last), &id)?;
            names.push((id, name));
        }
        listings.push(check::listing(column, names)?);
    }
    Ok(listings)
}

fn decode_candidates(reader: &mut Reader<'_>, schema: &Schema) -> Result<Vec<Candidate>, PolicyError> {
    let count = usize::try_from(reader.u32()?).unwrap_or(usize::MAX);
    check::candidate_count(count)?;
    let mut candidates: Vec<Candidate> = Vec::new();
    for _ in 0..count {
        let candidate = decode_candidate(reader, schema)?;
        ascending(reader, candidates.last().map(|last| &last.id), &candidate.id)?;
        candidates.push(candidate);
    }
    Ok(candidates)
}

fn decode_candidate(reader: &mut Reader<'_>, schema: &Schema) -> Result<Candidate, CodecError> {
    let id = CandidateId(reader.u32()?);
    let name = read_text(reader)?;
    let mut candidate = Candidate::blank(id, name, schema.columns().len());
    candidate.enabled = read_flag(reader, "flags of a candidate")?;
    candidate.flat_fee = MicroUnits(reader.u64()?);
    let known = reader.u32()?;
    let mut left = known;
    for (index, column) in (0_u8..).map(ColumnIndex).zip(schema.columns()) {
        if known & index.bit() == 0 {
            continue;
        }
        left &= !index.bit();
        match column.kind {
            ColumnKind::Bps | ColumnKind::Number => candidate.put_value(index, reader.u64()?),
            ColumnKind::Member => candidate.put_member(index, MemberId(reader.u16()?)),
            ColumnKind::Set => candidate.put_set(index, MemberSet::decode(reader)?),
        }
    }
    if left != 0 {
        return Err(reader.invalid("mask of known values"));
    }
    let all = QuantityMask::from_bits(mask_of(schema.quantities().iter().map(|_| true)));
    for _ in 0..reader.u8()? {
        let mut card = Card::blank(reader.u64()?);
        for quantity in read_mask(reader, all)?.iter() {
            card.put(quantity, reader.u64()?);
        }
        ascending(reader, candidate.cards.last().map(|last| &last.above), &card.above)?;
        candidate.cards.push(card);
    }
    Ok(candidate)
}

fn read_text(reader: &mut Reader<'_>) -> Result<Box<str>, CodecError> {
    let bytes = reader.bytes8()?;
    core::str::from_utf8(bytes).map(Box::from).map_err(|_| reader.invalid("text"))
}

fn read_flag(reader: &mut Reader<'_>, what: &'static str) -> Result<bool, CodecError> {
    match reader.u8()? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(reader.invalid(what)),
    }
}

fn read_column(reader: &mut Reader<'_>, columns: usize) -> Result<ColumnIndex, CodecError> {
    let index = reader.u8()?;
    if usize::from(index) < columns { Ok(ColumnIndex(index)) } else { Err(reader.invalid("column")) }
}

fn read_mask(reader: &mut Reader<'_>, all: QuantityMask) -> Result<QuantityMask, CodecError> {
    let bits = reader.u8()?;
    if bits & !all.bits() == 0 {
        Ok(QuantityMask::from_bits(bits))
    } else {
        Err(reader.invalid("mask of quantities"))
    }
}

/// Sorted lists have each item above the one before: FORMAT 1.3.
fn ascending<T: Ord + ?Sized>(reader: &Reader<'_>, last: Option<&T>, next: &T) -> Result<(), CodecError> {
    if last.is_none_or(|last| last < next) { Ok(()) } else { Err(reader.invalid("order")) }
}

fn text(writer: &mut Writer<'_>, name: &str) {
    let written = writer.bytes8(name.as_bytes());
    assert!(written.is_ok(), "names are checked to have at most 128 bytes");
}

fn count(len: usize) -> u8 {
    let count = u8::try_from(len);
    assert!(count.is_ok(), "counts are checked to be at most 32");
    count.unwrap_or(u8::MAX)
}

/// A mask with the bits of the items that are `true`. FORMAT 1.7.
fn mask_of(present: impl Iterator<Item = bool>) -> u8 {
    present.zip(0_u32..8).fold(0, |mask, (present, bit)| mask | u8::from(present).wrapping_shl(bit))
}

/// FORMAT 2.1.
pub(super) const DIGEST_TAG: &str = "assize/policy/1";

const VERSION: u16 = 1;
const NONE: u8 = 255;
const MERIT_NONE: u16 = u16::MAX;
