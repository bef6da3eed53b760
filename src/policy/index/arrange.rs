//! Which candidate gets which slot: those alike in what requests weigh stand side by side, so that a block of them
//! can be passed over at once. It decides how fast a search is, never what it finds.

use alloc::vec::Vec;

use super::rows::{COLUMNS, Draft, FEE, MERIT, RATES, SCALE, TAKEN};
use super::{GROUP, LEAF, WORD};

/// The places of the catalog in the order of slots: the able ones first.
pub(super) fn arrange(rows: &Draft, candidates: usize) -> Vec<u16> {
    let places = || (0_u16..=u16::MAX).take(candidates);
    let mut able: Vec<u16> = places().filter(|place| rows.is_able(*place)).collect();
    let weights = weights(rows, &able);
    let arranger = Arranger { rows, weights };
    if candidates <= WORD {
        // One word is searched from the highest merit down.
        able.sort_by_key(|&place| {
            let merit = rows.row(place).get(MERIT).copied().unwrap_or(0);
            (core::cmp::Reverse(if rows.has_utility { merit } else { 0 }), arranger.loss(place), place)
        });
    } else {
        arranger.split(&mut able);
    }
    able.extend(places().filter(|place| !rows.is_able(*place)));
    able
}

/// How much a usual request makes of each column, in 10⁻⁸ micro-units: a thousandth of what rates are for, of each
/// quantity, for work that is worth [`WORTH`] times what it costs.
fn weights(rows: &Draft, able: &[u16]) -> [i128; COLUMNS] {
    let mut weights = [0; COLUMNS];
    for (column, weight) in weights.iter_mut().enumerate() {
        *weight = match column {
            MERIT => 0,
            TAKEN => i128::from(SCALE),
            // The fee is in what is taken.
            FEE => 0,
            _ => rows.usual.get(column.saturating_sub(RATES)).copied().unwrap_or(0),
        };
    }
    if rows.has_utility {
        let costs = Arranger { rows, weights };
        let sum = able.iter().fold(0_i128, |sum, &place| sum.saturating_add(costs.cost(place)));
        let mean = sum.checked_div(i128::try_from(able.len()).unwrap_or(1)).unwrap_or(0);
        if let Some(merit) = weights.first_mut() {
            // Rounded down, and at least 1: merit matters.
            *merit = (mean.saturating_mul(WORTH) / MERIT_WHOLE).max(1);
        }
    }
    weights
}

struct Arranger<'a> {
    rows: &'a Draft,
    weights: [i128; COLUMNS],
}

impl Arranger<'_> {
    /// Halves the places along the column in which they differ most, until a leaf is left.
    fn split(&self, places: &mut [u16]) {
        if places.len() <= LEAF {
            places.sort_by_key(|&place| (self.loss(place), place));
            return;
        }
        let column = self.widest(places);
        let unit = if places.len() > GROUP { GROUP } else { LEAF };
        // More than one unit is left, so its half, rounded up to units, is less than all.
        let middle = (places.len() / 2).next_multiple_of(unit);
        places.select_nth_unstable_by_key(middle, |&place| {
            let value = self.rows.row(place).get(column).copied().unwrap_or(0);
            (if column == MERIT { value.saturating_neg() } else { value }, place)
        });
        let (former, latter) = places.split_at_mut(middle);
        self.split(former);
        self.split(latter);
    }

    /// The column whose values, weighted, lie furthest apart.
    fn widest(&self, places: &[u16]) -> usize {
        let spread = |column: usize, weight: i128| {
            let values = || places.iter().filter_map(|&place| self.rows.row(place).get(column).copied());
            let range = values().max().unwrap_or(0).saturating_sub(values().min().unwrap_or(0));
            i128::from(range).saturating_mul(weight)
        };
        let spreads =
            self.weights.iter().enumerate().map(|(column, &weight)| (spread(column, weight), column));
        spreads.max_by_key(|&(spread, column)| (spread, core::cmp::Reverse(column))).map_or(MERIT, |(_, c)| c)
    }

    fn cost(&self, place: u16) -> i128 {
        let columns = self.rows.row(place).iter().zip(self.weights).skip(RATES);
        columns.fold(0, |sum, (&value, weight)| sum.saturating_add(i128::from(value).saturating_mul(weight)))
    }

    /// What a usual request would find against it.
    fn loss(&self, place: u16) -> i128 {
        let row = self.rows.row(place);
        let [merit, taken] = [MERIT, TAKEN].map(|column| {
            let value = row.get(column).copied().unwrap_or(0);
            i128::from(value).saturating_mul(self.weights.get(column).copied().unwrap_or(0))
        });
        self.cost(place).saturating_add(taken).saturating_sub(merit)
    }
}

/// Work is taken to be worth this many times its cost.
const WORTH: i128 = 16;
const MERIT_WHOLE: i128 = 10_000;
