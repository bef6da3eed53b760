//! Decides over a catalog of at most 64 candidates, while its numbers and the request's fit 64 bits.
//!
//! Each gate is one word of slots. What is left of them is met from the highest merit down, until nobody who follows
//! can be worth enough; utilities are compared undivided, multiplied by 10⁸ (without a utility, cost below zero stands
//! for it), and only those that lead are worked out exactly. What is found is what asking every candidate would find.

use super::{
    Decision, Disabled, Facts, Failure, Quantities, Request, RequestError,
    arithmetic::{SCALE, narrow, share_up},
    census::bits,
    error::same_schema,
    order::{Contender, Leaders, Podium},
    search::{bit, lowest},
    search_all, select,
};
use crate::{
    id::CandidateId,
    limits::{GATES_MAX, QUANTITIES_MAX},
    num::{Bps, MicroUnits},
    policy::{Policy, Source, Table, Word, WordRow},
};

/// Decides. Where a demand breaks a rule, a fact is missing or denies the request, a number is too large, or a candidate
/// that passes the gates is priced by more than one row can say, the search of larger catalogs answers.
///
/// # Errors
/// The request is malformed for this policy: SEMANTICS 4.5.
pub(super) fn prescribe<const QUANTITIES: usize>(
    policy: &Policy,
    word: &Word,
    table: &Table<QUANTITIES>,
    disabled: &Disabled,
    request: &Request,
) -> Result<Decision, RequestError> {
    same_schema(request.tag(), policy.schema().tag())?;
    disabled.check(policy)?;
    let mut sifted = Sifted::new(policy, word, disabled, request);
    let weights = Weights::new(word, request.facts(), request.quantities());
    let (true, Some(weights)) = (sifted.sift(word, request), weights) else {
        return search_all(policy, disabled, request);
    };
    if sifted.left & word.loose != 0 {
        return search_all(policy, disabled, request);
    }
    let field = Field { table, weights };
    let without_price = word.unpriced.iter().zip(request.quantities().amounts()).take(QUANTITIES);
    let costly = without_price.fold(
        word.uncarded,
        |costly, (unpriced, amount)| {
            if *amount > 0 { costly | unpriced } else { costly }
        },
    );
    let left = sifted.left & word.able & !costly;
    let leaders = field.leaders(left);
    let eligible = |id| slot(policy, id).filter(|slot| left & bit(*slot) != 0);
    let appraised = |id| eligible(id).and_then(|slot| field.appraise(slot));
    let most = || field.most(policy, &sifted, costly);
    Ok(select::select(policy, request.facts().requested, &leaders, appraised, most))
}

/// The slots that pass, step by step.
struct Sifted {
    /// Neither policy nor host disables them.
    enabled: u64,
    /// The request does not exclude them.
    included: u64,
    /// For each gate.
    gated: [u64; GATES_MAX],
    /// All of that.
    left: u64,
}

impl Sifted {
    #[inline]
    fn new(policy: &Policy, word: &Word, disabled: &Disabled, request: &Request) -> Self {
        let enabled = word.enabled & !disabled.word(0);
        let slots = request.excluded().iter().filter_map(|id| slot(policy, *id));
        let included = slots.fold(u64::MAX, |included, slot| included & !bit(slot));
        Self { enabled, included, gated: [u64::MAX; GATES_MAX], left: 0 }
    }

    /// Puts each demand to its gate; whether all of them keep the rules.
    #[inline(always)]
    fn sift(&mut self, word: &Word, request: &Request) -> bool {
        let mut left = self.enabled & self.included;
        let mut sift = |gate: usize, passing| {
            left &= passing;
            if let Some(gated) = self.gated.get_mut(gate) {
                *gated = passing;
            }
        };
        for (gate, ranks) in &word.numbers {
            let demand = match ranks.source {
                Source::Request => request.number_demanded(*gate),
                Source::Risk => request.facts().risk.map(|risk| u64::from(risk.as_u16())),
                Source::Quantities(of) => match request.quantities().sum(of) {
                    0 => None,
                    sum => match u64::try_from(sum) {
                        Ok(sum) => Some(sum),
                        Err(_) => {
                            sift(*gate, ranks.beyond());
                            None
                        }
                    },
                },
            };
            let Some(demand) = demand else { continue };
            if demand > ranks.demand_max {
                return false;
            }
            sift(*gate, ranks.word(demand));
        }
        for (gate, choices) in &word.sets {
            let Some(demand) = request.set_demanded(*gate) else { continue };
            if !choices.listed.is_superset(demand) {
                return false;
            }
            sift(*gate, choices.word(demand));
        }
        self.left = left;
        true
    }
}

/// Candidates, and what the request makes of them.
struct Field<'a, const QUANTITIES: usize> {
    table: &'a Table<QUANTITIES>,
    weights: Weights<QUANTITIES>,
}

/// The weights of a row's columns for one request. None is so large that the sum of all magnitudes could pass 2⁶².
struct Weights<const QUANTITIES: usize> {
    merit: i64,
    rates: [i64; QUANTITIES],
    /// What is taken from every utility, in micro-units.
    base: i64,
    has_utility: bool,
    /// The most that it may cost, in micro-units.
    limit: u64,
    /// The most that may be paid, scaled, for the cost to be within the limit, and for it to be so for certain.
    paid_max: i64,
    paid_sure: i64,
}

impl<const QUANTITIES: usize> Weights<QUANTITIES> {
    /// `None` where a fact is missing or denies the request, or a number is too large.
    #[inline]
    fn new(word: &Word, facts: &Facts, quantities: &Quantities) -> Option<Self> {
        let &Facts { value, confidence, risk, cost_limit, .. } = facts;
        if !word.stakes.are_stated(value, confidence, risk) {
            return None;
        }
        let [confidence, risk] = [confidence, risk].map(|fact| fact.map_or(0, Bps::as_u16));
        if word.stakes.deny(confidence, risk) {
            return None;
        }
        // Below zero counts as zero: SEMANTICS 4.2. Without a utility no value counts.
        let value = value.filter(|_| word.stakes.has_utility).unwrap_or(0).max(0).cast_unsigned();
        let mut fits = value <= word.value_max;
        let mut rates = [0; QUANTITIES];
        let amounts = quantities.amounts().iter().zip(&word.amounts_max).zip(&word.scale);
        for (rate, ((amount, max), scale)) in rates.iter_mut().zip(amounts) {
            fits &= amount <= max;
            // OK because what is multiplied, here and below, is used only if it was small enough.
            *rate = amount.wrapping_mul(*scale).cast_signed();
        }
        let loss = narrow::share(value, u64::from(risk).wrapping_mul(word.stakes.risk_multiplier));
        let limit = cost_limit.map_or(u64::MAX, |limit| limit.0);
        // A limit that does not fit is above every cost.
        let paid_max = limit.checked_mul(SCALE).and_then(|paid| i64::try_from(paid).ok());
        let paid_sure = paid_max.map_or(i64::MAX, |paid| paid.wrapping_sub(SLACK));
        fits.then(|| Self {
            merit: value.wrapping_mul(u64::from(confidence)).cast_signed(),
            rates,
            base: word.base.wrapping_add(loss.cast_signed()),
            has_utility: word.stakes.has_utility,
            limit,
            paid_max: paid_max.unwrap_or(i64::MAX),
            paid_sure,
        })
    }

    /// What the rates of a row ask, scaled.
    #[inline]
    fn rated(&self, row: &WordRow<QUANTITIES>) -> i64 {
        let rates = row.rates.iter().zip(&self.rates);
        rates.fold(0, |sum, (rate, weight)| sum.wrapping_add(rate.wrapping_mul(*weight)))
    }

    /// What the merit of a row gains, scaled.
    #[inline]
    fn gain(&self, row: &WordRow<QUANTITIES>) -> i64 {
        row.merit.wrapping_mul(self.merit)
    }

    /// What the rates of a row ask exactly, in micro-units.
    #[inline]
    fn charged(&self, row: &WordRow<QUANTITIES>) -> u64 {
        let rates = row.rates.iter().zip(&self.rates);
        rates.fold(0, |sum, (rate, weight)| {
            sum.wrapping_add(share_up(weight.cast_unsigned(), rate.cast_unsigned()))
        })
    }

    /// Whether the cost of a row that asks `rated` is within the limit.
    #[inline]
    fn affords(&self, row: &WordRow<QUANTITIES>, rated: i64) -> bool {
        let paid = row.fee_scaled.wrapping_add(rated);
        let exactly = || self.charged(row).wrapping_add(row.fee.cast_unsigned()) <= self.limit;
        paid <= self.paid_sure || (paid <= self.paid_max && exactly())
    }

    /// What a key must be above for its worth to count.
    #[inline]
    fn nobody(&self) -> i64 {
        if self.has_utility {
            // A utility above 0, less what the slot may take of the key.
            self.base.wrapping_add(1).wrapping_mul(SCALE.cast_signed()).wrapping_sub(LAST_SLOT + 1)
        } else {
            BELOW_ALL
        }
    }
}

impl<const QUANTITIES: usize> Field<'_, QUANTITIES> {
    /// The first two of those slots that are eligible.
    #[inline(always)]
    fn leaders(&self, all: u64) -> Leaders {
        let Self { table, weights } = self;
        let nobody = weights.nobody();
        // What anybody is worth at most but for the merit, and by how much a key may be above its worth.
        let best = &table.best;
        let beside_merit = SLACK.wrapping_sub(best.taken_scaled).wrapping_sub(weights.rated(best));
        let (mut first, mut second, mut third) = (nobody, nobody, nobody);
        let mut left = all;
        while left != 0 {
            let slot = lowest(left);
            let Some(row) = table.rows.get(slot) else { break };
            let gain = weights.gain(row);
            // Whoever follows has no more merit than this one.
            if gain.wrapping_add(beside_merit) < second {
                break;
            }
            left &= left.wrapping_sub(1);
            let rated = weights.rated(row);
            if !weights.affords(row, rated) {
                continue;
            }
            // The highest three, without a branch to guess.
            let key = keyed(gain.wrapping_sub(row.taken_scaled).wrapping_sub(rated), slot);
            let less = first.min(key);
            first = first.max(key);
            let least = second.min(less);
            second = second.max(less);
            third = third.max(least);
        }
        let near = second.wrapping_sub(SLACK);
        if third > nobody && third >= near {
            return self.all_near(all, near);
        }
        let worked_out = |key: i64| if key > nobody { self.appraise(slot_of(key)) } else { None };
        Leaders::of_two(worked_out(first), worked_out(second))
    }

    /// The first two of those slots whose keys are as high as that or higher.
    #[cold]
    fn all_near(&self, mut left: u64, near: i64) -> Leaders {
        let Self { table, weights } = self;
        let mut leaders = Leaders::default();
        while left != 0 {
            let slot = lowest(left);
            left &= left.wrapping_sub(1);
            let Some(row) = table.rows.get(slot) else { break };
            let key = weights.gain(row).wrapping_sub(row.taken_scaled).wrapping_sub(weights.rated(row));
            if keyed(key, slot) >= near
                && let Some(contender) = self.appraise(slot)
            {
                leaders.meet(contender);
            }
        }
        leaders
    }

    /// The exact contender of a slot that passes everything else, if its cost and utility let it be one.
    #[inline(always)]
    fn appraise(&self, slot: usize) -> Option<Contender> {
        let Self { table, weights } = self;
        let row = table.rows.get(slot)?;
        let charged = weights.charged(row);
        let cost = charged.wrapping_add(row.fee.cast_unsigned());
        if cost > weights.limit {
            return None;
        }
        let mut utility = 0;
        if weights.has_utility {
            let gain = narrow::share(weights.merit.cast_unsigned(), row.merit.cast_unsigned());
            utility = narrow::worth(gain.cast_signed(), weights.base, charged.cast_signed(), row.taken);
            if utility <= 0 {
                return None;
            }
        }
        Some(Contender { id: row.id, cost: MicroUnits(cost), utility, merit: row.merit })
    }

    /// What turned away most, when it turned away everybody. SEMANTICS 5.7.
    #[inline(never)]
    fn most(&self, policy: &Policy, sifted: &Sifted, costly: u64) -> Failure {
        let mut left = policy.index().all(0);
        let mut most = (Failure::Disabled, 0);
        let mut turn_away = |by, passing: u64| {
            let count = (left & !passing).count_ones();
            left &= passing;
            if count > most.1 {
                most = (by, count);
            }
            left
        };
        turn_away(Failure::Disabled, sifted.enabled);
        turn_away(Failure::Excluded, sifted.included);
        for (gate, gated) in (0_u8..).zip(&sifted.gated).take(policy.schema().gates().len()) {
            turn_away(Failure::Gate(gate), *gated);
        }
        let mut affordable = !costly;
        for slot in bits(sifted.left & affordable) {
            if self.table.rows.get(slot).is_none_or(|row| !self.weights.affords(row, self.weights.rated(row)))
            {
                affordable &= !bit(slot);
            }
        }
        turn_away(Failure::Cost, affordable);
        turn_away(Failure::Utility, 0);
        most.0
    }
}

/// A slot of the catalog, if it has that candidate.
#[inline]
fn slot(policy: &Policy, id: CandidateId) -> Option<usize> {
    policy.index().slot(policy.position(id)?)
}

/// The key with the slot in its lowest bits, in which of equal ones the first is the highest.
#[inline]
fn keyed(key: i64, slot: usize) -> i64 {
    // OK because a slot is below 64.
    (key | LAST_SLOT).wrapping_sub(i64::try_from(slot).unwrap_or(0))
}

#[inline]
fn slot_of(key: i64) -> usize {
    usize::try_from(!key & LAST_SLOT).unwrap_or(0)
}

const LAST_SLOT: i64 = 63;
/// By less than this, scaled, is a key above the worth that it bounds: each term of a cost is rounded up, the gain is
/// rounded down, and the slot takes the place of the lowest bits.
const SLACK: i64 = 9 * SCALE.cast_signed() + 2 * LAST_SLOT;
/// Below every key and every difference of two.
const BELOW_ALL: i64 = i64::MIN / 4 * 3;
const _: () = assert!(QUANTITIES_MAX == 8, "the slack is made of 8 terms of a cost and one gain");
