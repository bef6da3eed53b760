//! What a caller asks: facts, demands and quantities, in a value of fixed size.

mod changed;

use alloc::vec::Vec;

use super::{Quantities, RequestError, error::same_schema};
use crate::{
    codec::{CodecError, Reader, Writer},
    crypto::Digest,
    id::CandidateId,
    limits::{EXCLUDED_MAX, GATES_MAX, REQUEST_SETS_MAX},
    num::{Bps, MicroUnits},
    policy::{self, ColumnKind, MemberSet, Members, Quantity, QuantityMask, Schema, SchemaTag, Source},
};

/// One request, made for one schema. SEMANTICS 4.
///
/// It allocates nothing, and can be kept and stated anew. What is stated twice is what was stated last.
#[derive(Clone, Debug)]
pub struct Request {
    facts: Facts,
    /// Ascending, distinct, the first `excluded_count` of them.
    excluded: [CandidateId; EXCLUDED_MAX],
    excluded_count: usize,
    /// Gates with a number demanded and gates with a set demanded.
    numbers_demanded: u16,
    sets_demanded: u16,
    /// For each gate the number demanded, or the place of the set demanded.
    numbers: [u64; GATES_MAX],
    sets: [MemberSet; REQUEST_SETS_MAX],
    quantities: Quantities,
}

/// What a request states about itself; each may be left out where the policy does not use it. SEMANTICS 4.3.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// What the work is worth, in micro-units; below zero counts as zero.
    pub value: Option<i64>,
    /// How sure the caller is.
    pub confidence: Option<Bps>,
    /// How much is at risk.
    pub risk: Option<Bps>,
    /// The candidate that the caller would have.
    pub requested: Option<CandidateId>,
    /// The most that it may cost.
    pub cost_limit: Option<MicroUnits>,
}

/// What a request demands of one gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Demand<'a> {
    /// Of a `bps` or `number` column.
    Number(u64),
    /// Of a `set` or `member` column.
    Set(&'a MemberSet),
}

impl Request {
    /// A request that states nothing.
    #[must_use]
    pub fn new(schema: &Schema) -> Self {
        Self {
            facts: Facts::default(),
            excluded: [CandidateId(0); EXCLUDED_MAX],
            excluded_count: 0,
            numbers_demanded: 0,
            sets_demanded: 0,
            numbers: [0; GATES_MAX],
            sets: [MemberSet::EMPTY; REQUEST_SETS_MAX],
            quantities: Quantities::new(schema),
        }
    }

    /// States what the work is worth, in micro-units; below zero counts as zero.
    pub fn value(&mut self, micros: i64) -> &mut Self {
        self.facts.value = Some(micros);
        self
    }

    /// States how sure the caller is.
    pub fn confidence(&mut self, confidence: Bps) -> &mut Self {
        self.facts.confidence = Some(confidence);
        self
    }

    /// States how much is at risk.
    pub fn risk(&mut self, risk: Bps) -> &mut Self {
        self.facts.risk = Some(risk);
        self
    }

    /// States the candidate that the caller would have.
    pub fn requested(&mut self, candidate: CandidateId) -> &mut Self {
        self.facts.requested = Some(candidate);
        self
    }

    /// States the most that it may cost.
    pub fn cost_limit(&mut self, limit: MicroUnits) -> &mut Self {
        self.facts.cost_limit = Some(limit);
        self
    }

    /// Excludes a candidate; twice is once.
    ///
    /// # Errors
    /// 16 others are excluded already.
    pub fn exclude(&mut self, candidate: CandidateId) -> Result<&mut Self, RequestError> {
        let Err(place) = self.excluded().binary_search(&candidate) else { return Ok(self) };
        let count = self.excluded_count.saturating_add(1);
        match self.excluded.get_mut(place..count) {
            Some(tail) => {
                tail.rotate_right(1);
                tail.iter_mut().take(1).for_each(|first| *first = candidate);
                self.excluded_count = count;
                Ok(self)
            }
            None => Err(RequestError::TooManyExcluded),
        }
    }

    /// Demands a number of a gate on a `bps` or `number` column.
    ///
    /// # Errors
    /// The handle is of another schema. (What the policy has to say to the demand, it says when it decides.)
    pub fn demand(
        &mut self,
        gate: policy::Gate<policy::Number>,
        number: u64,
    ) -> Result<&mut Self, RequestError> {
        same_schema(gate.tag(), self.tag())?;
        self.put_number(gate.index(), number);
        Ok(self)
    }

    /// Demands members of a gate on a `set` or `member` column. The empty set is a demand: SEMANTICS 3.3.
    ///
    /// # Errors
    /// A handle is of another schema, the members are those of another column, or 8 other gates have a set
    /// demanded of them already.
    pub fn demand_set(
        &mut self,
        gate: policy::Gate<policy::Set>,
        members: &Members,
    ) -> Result<&mut Self, RequestError> {
        same_schema(gate.tag(), self.tag())?;
        same_schema(members.tag(), self.tag())?;
        if members.column() != gate.column() {
            return Err(RequestError::MembersOfAnotherColumn {
                gate: gate.index(),
                seen: members.column(),
                expected: gate.column(),
            });
        }
        self.put_set(gate.index(), members.set())?;
        Ok(self)
    }

    /// States the amount of a quantity.
    ///
    /// # Errors
    /// The handle is of another schema.
    pub fn quantity(&mut self, quantity: Quantity, amount: u64) -> Result<&mut Self, RequestError> {
        self.quantities.set(quantity, amount)?;
        Ok(self)
    }

    /// The facts stated.
    #[must_use]
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// The candidates excluded, ascending.
    #[must_use]
    pub fn excluded(&self) -> &[CandidateId] {
        self.excluded.get(..self.excluded_count).unwrap_or_default()
    }

    /// The demand made of the gate at that place in the schema, if one is made.
    #[must_use]
    pub fn demand_of(&self, gate: usize) -> Option<Demand<'_>> {
        self.number_demanded(gate).map(Demand::Number).or_else(|| self.set_demanded(gate).map(Demand::Set))
    }

    #[inline]
    pub(super) fn number_demanded(&self, gate: usize) -> Option<u64> {
        self.numbers.get(gate).copied().filter(|_| has(self.numbers_demanded, gate))
    }

    #[inline]
    pub(super) fn set_demanded(&self, gate: usize) -> Option<&MemberSet> {
        let place = self.numbers.get(gate).filter(|_| has(self.sets_demanded, gate))?;
        self.sets.get(usize::try_from(*place).ok()?)
    }

    /// The quantities stated.
    #[must_use]
    pub fn quantities(&self) -> &Quantities {
        &self.quantities
    }

    /// The tag of the schema that it is made for.
    #[must_use]
    pub fn tag(&self) -> SchemaTag {
        self.quantities.tag()
    }

    /// Appends the canonical form. FORMAT 3.1.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let Facts { value, confidence, risk, requested, cost_limit } = self.facts;
        let mut writer = Writer::new(out);
        let present = [
            value.is_some(),
            confidence.is_some(),
            risk.is_some(),
            requested.is_some(),
            cost_limit.is_some(),
            self.excluded_count > 0,
        ];
        writer.u8(present.iter().rev().fold(0, |mask, &fact| (mask << 1) | u8::from(fact)));
        writer.u16(self.numbers_demanded | self.sets_demanded);
        writer.u8(self.quantities.above_zero().bits());
        value.iter().for_each(|value| writer.i64(*value));
        confidence.iter().for_each(|confidence| writer.u16(confidence.as_u16()));
        risk.iter().for_each(|risk| writer.u16(risk.as_u16()));
        requested.iter().for_each(|candidate| writer.u32(candidate.0));
        cost_limit.iter().for_each(|limit| writer.u64(limit.0));
        if self.excluded_count > 0 {
            writer.u8(u8::try_from(self.excluded_count).unwrap_or(u8::MAX));
            self.excluded().iter().for_each(|candidate| writer.u32(candidate.0));
        }
        for demand in GATES.filter_map(|gate| self.demand_of(gate)) {
            match demand {
                Demand::Number(number) => writer.u64(number),
                Demand::Set(set) => set.encode(&mut writer),
            }
        }
        self.quantities.encode_amounts(&mut writer);
    }

    /// Reads the canonical form of a request that was made for that schema. FORMAT 3.1.
    ///
    /// # Errors
    /// The bytes are not the canonical form of any request for it. (Members that a policy does not list are
    /// found when it decides.)
    pub fn decode(bytes: &[u8], schema: &Schema) -> Result<Self, CodecError> {
        let mut reader = Reader::new(bytes);
        let mut request = Self::new(schema);
        let present = reader.u8()?;
        let demanded = reader.u16()?;
        let quantities = QuantityMask::from_bits(reader.u8()?);
        if present >> 6 != 0 {
            return Err(reader.invalid("mask of facts"));
        }
        request.facts = Facts::decode(&mut reader, present)?;
        if present & (1 << 5) != 0 {
            request.decode_excluded(&mut reader)?;
        }
        for gate in GATES.filter(|&gate| demanded & bit(gate) != 0) {
            request.decode_demand(&mut reader, schema, gate)?;
        }
        request.quantities = Quantities::decode_amounts(&mut reader, schema, quantities)?;
        reader.finish()?;
        Ok(request)
    }

    /// The digest of the canonical form. FORMAT 3.2.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let mut bytes = Vec::new();
        self.encode(&mut bytes);
        Digest::of("assize/request/1", &bytes)
    }

    fn decode_excluded(&mut self, reader: &mut Reader<'_>) -> Result<(), CodecError> {
        let count = usize::from(reader.u8()?);
        if count == 0 {
            return Err(reader.invalid("count of excluded candidates"));
        }
        let Some(places) = self.excluded.get_mut(..count) else {
            return Err(reader.invalid("count of excluded candidates"));
        };
        let mut last = None;
        for place in places {
            *place = CandidateId(reader.u32()?);
            if last >= Some(*place) {
                return Err(reader.invalid("order of excluded candidates"));
            }
            last = Some(*place);
        }
        self.excluded_count = count;
        Ok(())
    }

    fn decode_demand(
        &mut self,
        reader: &mut Reader<'_>,
        schema: &Schema,
        gate: usize,
    ) -> Result<(), CodecError> {
        let of = schema.gates().get(gate).filter(|of| of.source() == Source::Request);
        let Some(kind) = of.and_then(|of| schema.column_at(of.column())).map(policy::Column::kind) else {
            return Err(reader.invalid("mask of gates"));
        };
        if kind.is_numeric() {
            let number = reader.u64()?;
            if kind == ColumnKind::Bps && number > u64::from(Bps::MAX.as_u16()) {
                return Err(reader.invalid("demand in basis points"));
            }
            self.put_number(gate, number);
            return Ok(());
        }
        let set = MemberSet::decode(reader)?;
        self.put_set(gate, &set).map_err(|_| reader.invalid("count of sets demanded"))
    }

    fn put_number(&mut self, gate: usize, number: u64) {
        if let Some(place) = self.numbers.get_mut(gate) {
            *place = number;
            self.numbers_demanded |= bit(gate);
        }
    }

    fn put_set(&mut self, gate: usize, set: &MemberSet) -> Result<(), RequestError> {
        let Some(number) = self.numbers.get_mut(gate) else { return Ok(()) };
        if self.sets_demanded & bit(gate) == 0 {
            *number = u64::from(self.sets_demanded.count_ones());
        }
        let place = usize::try_from(*number).ok().and_then(|place| self.sets.get_mut(place));
        *place.ok_or(RequestError::TooManySets)? = *set;
        self.sets_demanded |= bit(gate);
        Ok(())
    }
}

/// Two requests are the same when they state the same, in whatever order.
impl PartialEq for Request {
    fn eq(&self, other: &Self) -> bool {
        self.facts == other.facts
            && self.excluded() == other.excluded()
            && self.quantities == other.quantities
            && GATES.map(|gate| self.demand_of(gate)).eq(GATES.map(|gate| other.demand_of(gate)))
    }
}

impl Eq for Request {}

impl Facts {
    fn decode(reader: &mut Reader<'_>, present: u8) -> Result<Self, CodecError> {
        let has = |bit: u8| present & (1 << bit) != 0;
        Ok(Self {
            value: if has(0) { Some(reader.i64()?) } else { None },
            confidence: if has(1) { Some(decode_bps(reader)?) } else { None },
            risk: if has(2) { Some(decode_bps(reader)?) } else { None },
            requested: if has(3) { Some(CandidateId(reader.u32()?)) } else { None },
            cost_limit: if has(4) { Some(MicroUnits(reader.u64()?)) } else { None },
        })
    }
}

fn decode_bps(reader: &mut Reader<'_>) -> Result<Bps, CodecError> {
    let bps = reader.u16()?;
    Bps::new(bps).ok_or_else(|| reader.invalid("share in basis points"))
}

/// Whether a mask of gates has that one, which is one of 16.
#[inline]
fn has(mask: u16, gate: usize) -> bool {
    mask.wrapping_shr(u32::try_from(gate).unwrap_or(0)) & 1 != 0
}

/// A gate's bit in a mask of gates; none above 15.
fn bit(gate: usize) -> u16 {
    u32::try_from(gate).ok().and_then(|gate| 1_u16.checked_shl(gate)).unwrap_or(0)
}

/// Every place that a gate can have.
const GATES: core::ops::Range<usize> = 0..GATES_MAX;
const _: () = assert!(GATES_MAX == 16, "FORMAT 3.1 has a mask of 16 gates");
