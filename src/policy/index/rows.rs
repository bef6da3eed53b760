//! The numbers that bounds are computed from: for each slot one row, and for each block of slots the best of them.

use alloc::vec::Vec;
use core::num::NonZero;

use super::fixed_worth;
use crate::limits::QUANTITIES_MAX;
use crate::policy::{Candidate, Card, Policy, QuantityIndex};

/// Rows of [`Rows::stride`] numbers: merit, penalty and flat fee together, the fee by itself, and the least rate of
/// each quantity, 0 for those that the schema has not.
///
/// A row bounds its candidate from its better side: merit from above, everything that is paid from below.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rows {
    stride: usize,
    count: usize,
    cells: Vec<i64>,
}

/// What a request is measured with before it is put to rows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Statics {
    /// The penalty that stands for 0 in rows: the least one, in micro-units.
    pub(crate) penalty_base: i128,
    /// The largest number of each column.
    pub(crate) max: [i64; COLUMNS],
    /// The largest weight with which a number of that column stays below 2⁵⁸.
    pub(crate) weight_max: [i64; COLUMNS],
    /// For each quantity 10⁸ / per where that is whole, else 0.
    pub(crate) scale: [u64; QUANTITIES_MAX],
    /// For each quantity what its rates are for.
    pub(crate) per: [NonZero<u64>; QUANTITIES_MAX],
}

impl Default for Statics {
    fn default() -> Self {
        Self {
            penalty_base: 0,
            max: [0; COLUMNS],
            weight_max: [0; COLUMNS],
            scale: [0; QUANTITIES_MAX],
            per: [NonZero::<u64>::MIN; QUANTITIES_MAX],
        }
    }
}

/// Rows by the place of candidates in the catalog, before they have slots.
pub(super) struct Draft {
    rows: Rows,
    /// For each place whether some request may find the candidate eligible.
    able: Vec<bool>,
    loose: Vec<bool>,
    /// Of those, the ones with several cards or a number cut off.
    cut: Vec<bool>,
    statics: Statics,
    pub(super) has_utility: bool,
    /// For each quantity how much of it is taken for usual when slots are arranged, in units of 10⁻⁸ `per`.
    pub(super) usual: [i128; QUANTITIES_MAX],
}

impl Rows {
    fn new(stride: usize, cells: Vec<i64>) -> Self {
        Self { stride, count: cells.len().checked_div(stride).unwrap_or(0), cells }
    }

    pub(crate) fn len(&self) -> usize {
        self.count
    }

    /// The row of that slot or block.
    #[inline]
    pub(crate) fn row(&self, at: usize) -> &[i64] {
        let start = at.wrapping_mul(self.stride);
        self.cells.get(start..start.wrapping_add(self.stride)).unwrap_or_default()
    }

    /// How many numbers a row has: one of [`WIDTHS`].
    pub(crate) fn stride(&self) -> usize {
        self.stride
    }

    /// All rows, where they have that many numbers: what is done with them needs no loop over columns.
    #[inline]
    pub(crate) fn of<const W: usize>(&self) -> &[[i64; W]] {
        if self.stride == W { self.cells.as_chunks().0 } else { &[] }
    }

    /// For each block of rows one with the best of each column.
    pub(super) fn best_of_blocks(&self, rows: usize) -> Self {
        let mut cells = Vec::new();
        for block in self.cells.chunks(rows.saturating_mul(self.stride).max(1)) {
            for column in 0..self.stride {
                let values = block.iter().skip(column).step_by(self.stride.max(1)).copied();
                cells.push(if column == MERIT { values.max() } else { values.min() }.unwrap_or(0));
            }
        }
        Self::new(self.stride, cells)
    }
}

impl Draft {
    pub(super) fn new(policy: &Policy) -> Self {
        let quantities = policy.schema().quantities();
        let mut draft = Self {
            rows: Rows::new(width(quantities.len().saturating_add(RATES)), Vec::new()),
            able: Vec::new(),
            loose: Vec::new(),
            cut: Vec::new(),
            statics: Statics::default(),
            has_utility: policy.utility().is_some(),
            usual: [0; QUANTITIES_MAX],
        };
        let statics = draft.statics.scale.iter_mut().zip(&mut draft.statics.per);
        for ((scale, of), (usual, quantity)) in statics.zip(draft.usual.iter_mut().zip(quantities)) {
            *of = quantity.of();
            let whole = SCALE.is_multiple_of(of.get());
            *scale = if whole { SCALE / *of } else { 0 };
            // A thousandth of what the rate is for, and one where that is less.
            *usual = i128::from((SCALE / 1_000).max(SCALE / *of));
        }
        let worths: Vec<Option<(i64, i128)>> =
            policy.candidates().iter().map(|candidate| worth(policy, candidate)).collect();
        let able = policy.candidates().iter().zip(&worths).filter(|(candidate, _)| is_priced(candidate));
        let penalties = able.filter_map(|(_, worth)| worth.map(|(_, penalty)| penalty));
        draft.statics.penalty_base = penalties.min().unwrap_or(0);
        for (candidate, worth) in policy.candidates().iter().zip(worths) {
            draft.push(candidate, worth, quantities.len());
        }
        draft.fill_unknown();
        for (weight, max) in draft.statics.weight_max.iter_mut().zip(draft.statics.max) {
            *weight = SUMMAND_MAX.checked_div(max).unwrap_or(SUMMAND_MAX);
        }
        draft
    }

    pub(super) fn is_able(&self, place: u16) -> bool {
        self.able.get(usize::from(place)).is_some_and(|able| *able)
    }

    pub(super) fn is_loose(&self, place: u16) -> bool {
        self.loose.get(usize::from(place)).is_none_or(|loose| *loose)
    }

    /// Whether the row and the number of cards leave anything of the candidate's cost and worth unsaid but what is
    /// unknown.
    pub(super) fn is_cut(&self, place: u16) -> bool {
        let row = self.row(place).iter().zip(self.statics.max);
        // Those that nobody finds eligible may be above the largest numbers.
        self.cut.get(usize::from(place)).is_none_or(|cut| *cut)
            || row.into_iter().any(|(number, max)| *number > max)
    }

    pub(super) fn row(&self, place: u16) -> &[i64] {
        self.rows.row(usize::from(place))
    }

    pub(super) fn statics(&self) -> Statics {
        self.statics
    }

    /// The rows of the able places, in that order.
    pub(super) fn take(&self, places: &[u16]) -> Rows {
        let able = places.iter().take_while(|place| self.is_able(**place));
        Rows::new(self.rows.stride, able.flat_map(|place| self.row(*place)).copied().collect())
    }

    fn push(&mut self, candidate: &Candidate, worth: Option<(i64, i128)>, quantities: usize) {
        self.able.push(is_priced(candidate) && worth.is_some());
        let mut cut_off = candidate.cards().len() > 1;
        let mut known = !candidate.cards().is_empty();
        let (merit, penalty) = worth.unwrap_or((0, self.statics.penalty_base));
        let penalty = penalty.saturating_sub(self.statics.penalty_base);
        self.rows.cells.push(merit);
        let fee = i128::from(candidate.flat_fee().0);
        // OK because penalties are below 2⁹⁷.
        self.rows.cells.push(cut(penalty.saturating_add(fee), &mut cut_off));
        self.rows.cells.push(cut(fee, &mut cut_off));
        for quantity in (0_u8..).map(QuantityIndex).take(quantities) {
            let rates =
                candidate.cards().iter().filter_map(|card| card.price(quantity).map(|(_, rate)| rate));
            known &= candidate.cards().iter().all(|card: &Card| card.price(quantity).is_some());
            let least = rates.min().map(|rate| cut(i128::from(rate), &mut cut_off));
            self.rows.cells.push(least.unwrap_or(UNKNOWN));
        }
        let padding = self.rows.stride.saturating_sub(RATES.saturating_add(quantities));
        self.rows.cells.extend(core::iter::repeat_n(0, padding));
        self.loose.push(cut_off || !known);
        self.cut.push(cut_off);
    }

    /// What no card prices makes a candidate ineligible where it is asked for: any number bounds it, and the
    /// column's largest bounds it best. Takes the largest of each column on the way.
    fn fill_unknown(&mut self) {
        let stride = self.rows.stride;
        for (column, max) in (0..stride).zip(&mut self.statics.max) {
            let able = self.rows.cells.chunks(stride.max(1)).zip(&self.able).filter(|(_, able)| **able);
            *max = able.filter_map(|(row, _)| row.get(column)).copied().max().unwrap_or(0).max(0);
            for row in self.rows.cells.chunks_mut(stride.max(1)) {
                if let Some(cell) = row.get_mut(column)
                    && *cell == UNKNOWN
                    && column >= RATES
                {
                    *cell = *max;
                }
            }
        }
    }
}

/// Whether the policy leaves the candidate a price.
fn is_priced(candidate: &Candidate) -> bool {
    candidate.is_enabled() && !candidate.cards().is_empty()
}

/// Merit and penalty as they count; without a utility merit as it orders, and no penalty.
fn worth(policy: &Policy, candidate: &Candidate) -> Option<(i64, i128)> {
    let (merit, penalty) = match policy.utility() {
        Some(utility) => fixed_worth(policy, utility, candidate)?,
        None => match policy.schema().merit().and_then(|column| candidate.value(column)) {
            Some(merit) => (merit, 0),
            // Unknown comes last: SEMANTICS 5.3.
            None => return Some((UNKNOWN, 0)),
        },
    };
    // OK because merit is in basis points.
    Some((i64::try_from(merit).unwrap_or(i64::MAX), penalty))
}

/// The number, or [`CUT`] where it is more. It bounds from below all the same.
fn cut(number: i128, cut_off: &mut bool) -> i64 {
    match i64::try_from(number) {
        Ok(number) if number <= CUT => number,
        _ => {
            *cut_off = true;
            CUT
        }
    }
}

/// The least width of rows with that many columns.
fn width(columns: usize) -> usize {
    WIDTHS.into_iter().find(|width| *width >= columns).unwrap_or(COLUMNS)
}

/// The columns of a row.
pub(crate) const MERIT: usize = 0;
/// See [`MERIT`].
pub(crate) const TAKEN: usize = 1;
/// See [`MERIT`].
pub(crate) const FEE: usize = 2;
/// The first of the rates.
pub(crate) const RATES: usize = 3;
/// Columns of a row, at most.
pub(crate) const COLUMNS: usize = RATES + QUANTITIES_MAX;
/// The widths of rows: for 2 quantities, for 5, and for all.
pub(crate) const WIDTHS: [usize; 3] = [RATES + 2, RATES + 5, COLUMNS];
/// Micro-units are multiplied by this, so that basis points of basis points need not be divided.
pub(super) const SCALE: u64 = 100_000_000;

/// What nobody is charged: above it numbers are cut off, so that one extreme price leaves requests of usual size their
/// narrow arithmetic.
const CUT: i64 = 1 << 31;
const _: () =
    assert!(CUT.unsigned_abs() <= SUMMAND_MAX.unsigned_abs() / SCALE, "the scale is a weight that fits");
/// Eleven numbers below it, multiplied and summed, stay below 2⁶³.
const SUMMAND_MAX: i64 = (1 << 58) - 1;
/// Orders before every known merit, and marks a rate that no card has.
const UNKNOWN: i64 = -1;
