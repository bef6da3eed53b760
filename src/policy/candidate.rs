//! One row of the catalog, with constant-time access by column.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::kind::{ColumnIndex, QuantityIndex, QuantityMask};
use super::member::{MemberId, MemberSet};
use super::schema::Schema;
use crate::id::CandidateId;
use crate::limits::QUANTITIES_MAX;
use crate::num::MicroUnits;

/// A candidate of a frozen policy.
#[derive(Clone, Debug)]
pub struct Candidate {
    pub(super) id: CandidateId,
    pub(super) name: Box<str>,
    pub(super) enabled: bool,
    pub(super) flat_fee: MicroUnits,
    /// One for each column: a number, a member's number, or a place in `sets`; 0 where nothing is known.
    cells: Box<[u64]>,
    /// Masks of columns with a known value, by kind.
    numbers: u32,
    members: u32,
    sets_known: u32,
    sets: Vec<MemberSet>,
    pub(super) cards: Vec<Card>,
}

/// A rate card. It prices the whole request when it is the last whose `above` is below the sum of the `tier_by`
/// quantities, or the base card. SEMANTICS 6.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Card {
    pub(super) above: u64,
    pub(super) known: QuantityMask,
    pub(super) rates: [u64; QUANTITIES_MAX],
    /// For each quantity the one whose rate prices it; [`UNPRICED`] where there is none.
    priced_as: [u8; QUANTITIES_MAX],
}

impl Candidate {
    /// Its number.
    #[must_use]
    pub fn id(&self) -> CandidateId {
        self.id
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether the policy lets it be selected at all.
    #[must_use]
    pub fn is_enabled(&self) -> bool {
        self.enabled
    }

    /// What is added to every cost.
    #[must_use]
    pub fn flat_fee(&self) -> MicroUnits {
        self.flat_fee
    }

    /// The value in a `bps` or `number` column; `None` when it is unknown or the column is of another kind.
    #[must_use]
    pub fn value(&self, column: ColumnIndex) -> Option<u64> {
        if self.numbers & column.bit() == 0 { None } else { self.cell(column) }
    }

    /// The member in a `member` column; `None` when it is unknown or the column is of another kind.
    #[must_use]
    pub fn member(&self, column: ColumnIndex) -> Option<MemberId> {
        if self.members & column.bit() == 0 {
            return None;
        }
        u16::try_from(self.cell(column)?).ok().map(MemberId)
    }

    /// The set in a `set` column; `None` when it is unknown or the column is of another kind.
    #[must_use]
    pub fn set(&self, column: ColumnIndex) -> Option<&MemberSet> {
        if self.sets_known & column.bit() == 0 {
            return None;
        }
        self.sets.get(usize::try_from(self.cell(column)?).ok()?)
    }

    /// Its rate cards, the base first; none when it is unpriced.
    #[must_use]
    pub fn cards(&self) -> &[Card] {
        &self.cards
    }

    /// A candidate of which nothing is known, for a schema with that many columns.
    pub(super) fn blank(id: CandidateId, name: Box<str>, columns: usize) -> Self {
        Self {
            id,
            name,
            enabled: true,
            flat_fee: MicroUnits(0),
            cells: core::iter::repeat_n(0, columns).collect(),
            numbers: 0,
            members: 0,
            sets_known: 0,
            sets: Vec::new(),
            cards: Vec::new(),
        }
    }

    /// The mask of columns with a known value. FORMAT 2.8.
    pub(super) fn known(&self) -> u32 {
        self.numbers | self.members | self.sets_known
    }

    /// Whether anything is known in that column.
    pub(super) fn knows(&self, column: ColumnIndex) -> bool {
        self.known() & column.bit() != 0
    }

    pub(crate) fn put_value(&mut self, column: ColumnIndex, value: u64) {
        self.numbers |= column.bit();
        self.put(column, value);
    }

    pub(crate) fn put_member(&mut self, column: ColumnIndex, member: MemberId) {
        self.members |= column.bit();
        self.put(column, u64::from(member.0));
    }

    pub(crate) fn put_set(&mut self, column: ColumnIndex, set: MemberSet) {
        self.sets_known |= column.bit();
        let place = u64::try_from(self.sets.len()).unwrap_or(u64::MAX);
        self.sets.push(set);
        self.put(column, place);
    }

    /// Of a copy that is asked what would be; a policy's own candidates never change. So are the next two.
    pub(crate) fn put_enabled(&mut self, enabled: bool) {
        self.enabled = enabled;
    }

    pub(crate) fn put_flat_fee(&mut self, fee: MicroUnits) {
        self.flat_fee = fee;
    }

    pub(crate) fn put_rate(&mut self, schema: &Schema, card: usize, quantity: QuantityIndex, rate: u64) {
        if let Some(card) = self.cards.get_mut(card) {
            card.put(quantity, rate);
            card.resolve(schema);
        }
    }

    fn put(&mut self, column: ColumnIndex, value: u64) {
        if let Some(cell) = self.cells.get_mut(column.as_usize()) {
            *cell = value;
        }
    }

    fn cell(&self, column: ColumnIndex) -> Option<u64> {
        self.cells.get(column.as_usize()).copied()
    }
}

impl Card {
    /// The sum of the `tier_by` quantities that it begins after; 0 for the base card.
    #[must_use]
    pub fn above(&self) -> u64 {
        self.above
    }

    /// The quantities that have a rate on this card.
    #[must_use]
    pub fn known(&self) -> QuantityMask {
        self.known
    }

    /// The quantity's own rate on this card, in micro-units for `per` of it; fallbacks are not followed.
    #[must_use]
    pub fn rate(&self, quantity: QuantityIndex) -> Option<u64> {
        if self.known.contains(quantity) { self.rates.get(quantity.as_usize()).copied() } else { None }
    }

    /// What prices the quantity on this card: itself, or the first with a rate of those that it falls back to, with
    /// that rate. SEMANTICS 6.3.
    #[inline]
    pub(crate) fn price(&self, quantity: QuantityIndex) -> Option<(QuantityIndex, u64)> {
        let priced_as = *self.priced_as.get(quantity.as_usize())?;
        self.rates.get(usize::from(priced_as)).map(|rate| (QuantityIndex(priced_as), *rate))
    }

    /// Follows the fallbacks of a checked schema once, for every quantity.
    pub(super) fn resolve(&mut self, schema: &Schema) {
        for (index, priced_as) in (0_u8..).map(QuantityIndex).zip(&mut self.priced_as) {
            let mut next = schema.quantity_at(index).map(|_| index);
            // OK because fallbacks form no cycle: each quantity is met once.
            for _ in 0..QUANTITIES_MAX {
                match next {
                    Some(at) if !self.known.contains(at) => {
                        next = schema.quantity_at(at).and_then(|spec| spec.fallback());
                    }
                    _ => break,
                }
            }
            *priced_as = next.filter(|at| self.known.contains(*at)).map_or(UNPRICED, |at| at.0);
        }
    }

    pub(super) fn blank(above: u64) -> Self {
        Self {
            above,
            known: QuantityMask::EMPTY,
            rates: [0; QUANTITIES_MAX],
            priced_as: [UNPRICED; QUANTITIES_MAX],
        }
    }

    pub(super) fn put(&mut self, quantity: QuantityIndex, rate: u64) {
        if let Some(place) = self.rates.get_mut(quantity.as_usize()) {
            *place = rate;
            self.known = self.known.with(quantity);
        }
    }
}

/// No place of any quantity.
const UNPRICED: u8 = u8::MAX;
