//! A catalog of one word: each demand is met by a look-up or two, and each candidate's numbers stand in one line of
//! memory.

use alloc::vec::Vec;

use super::WORD;
use super::filter::{Filter, Slots, Thresholds};
use super::rows::{Draft, FEE, MERIT, RATES, SCALE, TAKEN};
use crate::id::CandidateId;
use crate::limits::QUANTITIES_MAX;
use crate::num::Bps;
use crate::policy::{Candidate, MemberId, MemberSet, Policy, QuantityIndex, Relation, Source};

/// What deciding needs of a catalog of at most 64 candidates.
#[derive(Clone, Debug)]
pub(crate) struct Word {
    /// The gates of the schema by what they are on, with their places in it.
    pub(crate) numbers: Vec<(usize, Ranks)>,
    pub(crate) sets: Vec<(usize, Choices)>,
    /// Slots that the policy does not disable, and those that some request may find eligible.
    pub(crate) enabled: u64,
    pub(crate) able: u64,
    /// Slots whose rows do not say all of their candidates: several cards, a number cut off.
    pub(crate) loose: u64,
    pub(crate) stakes: Stakes,
    /// The least penalty, and what a request's value and quantities may be for every number to fit 64 bits.
    pub(crate) base: i64,
    pub(crate) value_max: u64,
    pub(crate) amounts_max: [u64; QUANTITIES_MAX],
    /// For each quantity 10⁸ / per.
    pub(crate) scale: [u64; QUANTITIES_MAX],
    /// For each quantity the slots without a rate for it.
    pub(crate) unpriced: [u64; QUANTITIES_MAX],
    /// Slots without a rate card.
    pub(crate) uncarded: u64,
    pub(crate) tables: Tables,
}

/// What the policy makes of a request's facts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stakes {
    pub(crate) has_utility: bool,
    /// The facts that a request has to state, beside the value that a utility needs.
    needs_confidence: bool,
    needs_risk: bool,
    /// A request with this risk or more, or with less confidence, is denied; in basis points.
    risk_hard: u32,
    confidence_min: u32,
    pub(crate) risk_multiplier: u64,
}

/// The rows, as wide as the schema asks.
#[derive(Clone, Debug)]
pub(crate) enum Tables {
    /// Most schemas price two quantities, or fewer.
    Two(Table<2>),
    Most(Table<QUANTITIES_MAX>),
}

/// One row for each slot.
#[derive(Clone, Debug)]
pub(crate) struct Table<const QUANTITIES: usize> {
    pub(crate) rows: Vec<WordRow<QUANTITIES>>,
    /// The best of each column over slots that some request may find eligible.
    pub(crate) best: WordRow<QUANTITIES>,
}

/// What one candidate is weighed by; a rate that no card has is any number. No number is below 0, but that of an
/// unknown merit without a utility.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WordRow<const QUANTITIES: usize> {
    pub(crate) id: CandidateId,
    pub(crate) merit: i64,
    /// Penalty less the least penalty, and flat fee, in micro-units and multiplied by 10⁸.
    pub(crate) taken: i64,
    pub(crate) taken_scaled: i64,
    /// The flat fee, likewise.
    pub(crate) fee: i64,
    pub(crate) fee_scaled: i64,
    pub(crate) rates: [i64; QUANTITIES],
}

/// A gate on numbers: the slots that pass, for each rank that a demand can have among a column's values.
#[derive(Clone, Debug)]
pub(crate) struct Ranks {
    pub(crate) source: Source,
    /// The largest number that the request may demand.
    pub(crate) demand_max: u64,
    /// A demand of at most is one of less than the next number.
    next: u64,
    least: u64,
    shift: u32,
    /// For each bucket of demands how many values are below all of it, and whether it has any itself.
    starts: [u8; BUCKETS],
    /// Ascending, all different, then the largest number.
    values: [u64; PADDED],
    /// One for each rank, the last one for every rank above.
    passing: [u64; PADDED],
}

/// A gate on members: the slots that have one of some members (or, for `has_all`, lack one), for each choice of 8 members.
#[derive(Clone, Debug)]
pub(crate) struct Choices {
    pub(crate) listed: MemberSet,
    known: u64,
    /// Every bit for `has_all`.
    inverted: u64,
    unions: Vec<[u64; CHOICES]>,
}

impl Word {
    /// `None` where there are more candidates than a word has bits, or the penalties do not fit.
    pub(super) fn new(policy: &Policy, filters: &[Filter], places: &[u16], rows: &Draft) -> Option<Self> {
        let statics = rows.statics();
        let base = i64::try_from(statics.penalty_base).ok()?;
        let base_left = BASE_MAX.checked_sub(base.unsigned_abs())?;
        if places.len() > WORD {
            return None;
        }
        let [merit_max, _, _, rates_max @ ..] = statics.weight_max.map(i64::cast_unsigned);
        let stakes = Stakes::new(policy);
        // Confidence and risk are at most 10⁴. The risk takes value · risk · multiplier / 10⁸, and that product is
        // to fit as well.
        let at_risk_max = stakes.risk_multiplier.saturating_mul(BPS_WHOLE);
        let loss_max = base_left.saturating_mul(SCALE).min(u64::MAX / 2);
        let value_max = (merit_max / BPS_WHOLE).min(loss_max.checked_div(at_risk_max).unwrap_or(u64::MAX));
        let candidates = || places.iter().filter_map(|place| policy.candidates().get(usize::from(*place)));
        let quantities = policy.schema().quantities().len();
        let mut unpriced = [0; QUANTITIES_MAX];
        for (quantity, unpriced) in (0_u8..).map(QuantityIndex).zip(&mut unpriced).take(quantities) {
            *unpriced = slots(candidates(), |candidate| {
                candidate.cards().iter().any(|card| card.price(quantity).is_none())
            });
        }
        let (mut numbers, mut sets) = (Vec::new(), Vec::new());
        for (index, filter) in filters.iter().enumerate() {
            match &filter.slots {
                Slots::Thresholds(of) => numbers.push((index, Ranks::new(filter, of))),
                Slots::Members(_) => sets.push((index, Choices::new(policy, filter, candidates()))),
            }
        }
        // A scale of 0 stands for one that is not whole.
        let amount_max = |(max, scale): (u64, u64)| max.checked_div(scale).unwrap_or(0);
        let mut amounts_max = [0; QUANTITIES_MAX];
        let of_quantities = rates_max.into_iter().zip(statics.scale).map(amount_max);
        amounts_max.iter_mut().zip(of_quantities).for_each(|(place, max)| *place = max);
        Some(Self {
            numbers,
            sets,
            stakes,
            base,
            value_max,
            amounts_max,
            scale: statics.scale,
            enabled: slots(candidates(), |candidate| candidate.is_enabled()),
            able: slots(places.iter(), |place| rows.is_able(**place)),
            loose: slots(places.iter(), |place| rows.is_cut(**place)),
            unpriced,
            uncarded: slots(candidates(), |candidate| candidate.cards().is_empty()),
            tables: if quantities <= 2 {
                Tables::Two(Table::new(policy, rows, places))
            } else {
                Tables::Most(Table::new(policy, rows, places))
            },
        })
    }
}

impl Stakes {
    fn new(policy: &Policy) -> Self {
        let (limits, utility) = (policy.limits(), policy.utility());
        let risk_multiplier = utility.map_or(0, |utility| u64::from(utility.risk_multiplier_bps()));
        let in_bps = |bps: Bps| u32::from(bps.as_u16());
        Self {
            has_utility: utility.is_some(),
            needs_confidence: utility.is_some() || limits.confidence_min.is_some(),
            needs_risk: risk_multiplier > 0 || limits.risk_hard.is_some(),
            risk_hard: limits.risk_hard.map_or(u32::MAX, in_bps),
            confidence_min: limits.confidence_min.map_or(0, in_bps),
            risk_multiplier,
        }
    }

    /// Whether a request states what the policy needs. SEMANTICS 4.3.
    #[inline]
    pub(crate) fn are_stated(&self, value: Option<i64>, confidence: Option<Bps>, risk: Option<Bps>) -> bool {
        let missing = |needed: bool, stated: bool| needed & !stated;
        !(missing(self.has_utility, value.is_some())
            | missing(self.needs_confidence, confidence.is_some())
            | missing(self.needs_risk, risk.is_some()))
    }

    /// Whether a request with that risk, and one with that confidence, is denied. SEMANTICS 5.1.
    #[inline]
    pub(crate) fn deny(&self, confidence: u16, risk: u16) -> bool {
        u32::from(risk) >= self.risk_hard || u32::from(confidence) < self.confidence_min
    }
}

impl<const QUANTITIES: usize> Table<QUANTITIES> {
    fn new(policy: &Policy, rows: &Draft, places: &[u16]) -> Self {
        let of_place = |place: &u16| {
            let candidate = policy.candidates().get(usize::from(*place));
            WordRow::new(candidate.map_or(CandidateId(u32::MAX), Candidate::id), rows.row(*place))
        };
        let able = places.iter().filter(|place| rows.is_able(**place)).map(of_place);
        let best = able.reduce(WordRow::best_of).unwrap_or_else(|| WordRow::new(CandidateId(0), &[]));
        Self { rows: places.iter().map(of_place).collect(), best }
    }
}

impl<const QUANTITIES: usize> WordRow<QUANTITIES> {
    fn new(id: CandidateId, row: &[i64]) -> Self {
        let at = |column: usize| row.get(column).copied().unwrap_or(0);
        // OK because numbers are cut off at 2³¹ and the scale is below 2²⁷.
        let scaled = |column| at(column).wrapping_mul(SCALE.cast_signed());
        let mut rates = [0; QUANTITIES];
        rates.iter_mut().zip(row.iter().skip(RATES)).for_each(|(rate, number)| *rate = *number);
        Self {
            id,
            merit: at(MERIT),
            taken: at(TAKEN),
            taken_scaled: scaled(TAKEN),
            fee: at(FEE),
            fee_scaled: scaled(FEE),
            rates,
        }
    }

    fn best_of(self, other: Self) -> Self {
        let mut rates = self.rates;
        rates.iter_mut().zip(other.rates).for_each(|(rate, other)| *rate = other.min(*rate));
        Self {
            id: self.id.min(other.id),
            merit: self.merit.max(other.merit),
            taken: self.taken.min(other.taken),
            taken_scaled: self.taken_scaled.min(other.taken_scaled),
            fee: self.fee.min(other.fee),
            fee_scaled: self.fee_scaled.min(other.fee_scaled),
            rates,
        }
    }
}

impl Ranks {
    fn new(filter: &Filter, of: &Thresholds) -> Self {
        let (source, relation) = (filter.gate.source(), filter.gate.relation());
        let known = of.values();
        let (least, most) = (known.first().copied().unwrap_or(0), known.last().copied().unwrap_or(0));
        let bits = u64::BITS.saturating_sub(most.saturating_sub(least).leading_zeros());
        let shift = bits.saturating_sub(BUCKETS.trailing_zeros());
        let mut starts = [0; BUCKETS];
        let mut end = known.len();
        for (bucket, start) in starts.iter_mut().enumerate().rev() {
            let bucket = u64::try_from(bucket).unwrap_or(u64::MAX);
            let from = least.saturating_add(bucket.wrapping_shl(shift));
            let below = known.partition_point(|&value| value < from);
            // OK because a catalog of one word has at most 64 different values.
            *start = u8::try_from(below).unwrap_or(u8::MAX) | if below < end { CROWDED } else { 0 };
            end = below;
        }
        let mut values = [u64::MAX; PADDED];
        values.iter_mut().zip(known).for_each(|(value, known)| *value = *known);
        // Among values, a demand of at most `d` has the rank of a demand of at least `d + 1`.
        let mut passing = [of.ranked(relation, known.len()); PADDED];
        let ranks = passing.iter_mut().enumerate().take(known.len());
        ranks.for_each(|(rank, passing)| *passing = of.ranked(relation, rank));
        Self {
            source,
            demand_max: if source == Source::Request { of.demand_max } else { u64::MAX },
            next: u64::from(relation == Relation::AtMost),
            least,
            shift,
            starts,
            values,
            passing,
        }
    }

    /// The slots that pass.
    #[inline]
    pub(crate) fn word(&self, demand: u64) -> u64 {
        let Some(demand) = demand.checked_add(self.next) else { return self.beyond() };
        let bucket = demand.saturating_sub(self.least).wrapping_shr(self.shift).min(BUCKETS_LAST);
        let start = usize::try_from(bucket).ok().and_then(|bucket| self.starts.get(bucket));
        let start = start.copied().unwrap_or(0);
        let mut rank = usize::from(start & !CROWDED);
        if start & CROWDED != 0 {
            while self.values.get(rank).is_some_and(|&value| value < demand) {
                rank = rank.wrapping_add(1);
            }
        }
        self.passing.get(rank % PADDED).copied().unwrap_or(0)
    }

    /// The slots that pass a demand above every value.
    pub(crate) fn beyond(&self) -> u64 {
        self.passing.last().copied().unwrap_or(0)
    }
}

impl Choices {
    fn new<'a>(policy: &Policy, filter: &Filter, candidates: impl Iterator<Item = &'a Candidate>) -> Self {
        let column = filter.gate.column();
        let (listed, lacking) = (policy.listed(column), filter.gate.relation() == Relation::HasAll);
        let last = listed.iter().last().map_or(0, |member| usize::from(member.0).saturating_add(1));
        let mut known = 0_u64;
        let mut members = alloc::vec![0_u64; last.next_multiple_of(CHUNK)];
        let mut slot = 1_u64;
        for candidate in candidates {
            let has = |member| match (candidate.member(column), candidate.set(column)) {
                (Some(one), _) => Some(one == member),
                (None, Some(set)) => Some(set.contains(member)),
                (None, None) => None,
            };
            for (member, slots) in (0_u16..).map(MemberId).zip(&mut members) {
                if has(member).is_some_and(|has| has != lacking) {
                    *slots |= slot;
                }
            }
            if has(MemberId(0)).is_some() {
                known |= slot;
            }
            slot = slot.wrapping_shl(1);
        }
        let unions = members.chunks(CHUNK).map(unions_of).collect();
        Self { listed, known, inverted: if lacking { u64::MAX } else { 0 }, unions }
    }

    /// The slots that pass a demand for listed members.
    #[inline]
    pub(crate) fn word(&self, demanded: &MemberSet) -> u64 {
        let mut union = 0_u64;
        for (chunk, unions) in self.unions.iter().enumerate() {
            let choice = demanded.byte(chunk);
            union |= unions.get(usize::from(choice)).copied().unwrap_or(0);
        }
        self.known & (union ^ self.inverted)
    }
}

/// For each choice of up to 8 members the union of their slots.
fn unions_of(members: &[u64]) -> [u64; CHOICES] {
    let mut unions = [0; CHOICES];
    for (member, slots) in members.iter().enumerate() {
        // The choices with this member as their highest one follow those without it.
        let (without, with) = unions.split_at_mut(1_usize.wrapping_shl(u32::try_from(member).unwrap_or(0)));
        with.iter_mut().zip(without).for_each(|(with, without)| *with = *without | *slots);
    }
    unions
}

/// A bit for each item of which that is so, the first one lowest.
fn slots<T>(items: impl Iterator<Item = T>, is: impl Fn(&T) -> bool) -> u64 {
    items.zip(0_u32..u64::BITS).fold(0, |word, (item, at)| word | u64::from(is(&item)).wrapping_shl(at))
}

/// What is taken from every utility is at most this, so that its sum with a row's numbers, multiplied by 10⁸, fits.
const BASE_MAX: u64 = 1 << 34;
const BPS_WHOLE: u64 = 10_000;
/// Buckets of demands.
const BUCKETS: usize = 256;
const BUCKETS_LAST: u64 = 255;
/// Marks a bucket with values of its own.
const CROWDED: u8 = 128;
/// More than any rank.
const PADDED: usize = 128;
/// Members in one chunk, which is a byte of a set, and choices among them.
const CHUNK: usize = 8;
const CHOICES: usize = 1 << CHUNK;
