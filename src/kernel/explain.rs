//! A row for each candidate: what it has, what was demanded, what it costs, what it is worth, and where it stands.

#[cfg(feature = "serde")]
pub(super) mod json;
pub(super) mod show;

use alloc::vec::Vec;

use super::{
    Counts, Decision, Disabled, Failure, Request, RequestError,
    cost::{CostTerm, Unpriced},
    gates::{Demanded, DemandedGate, Known},
    order::{Contender, Standings},
    question::Question,
    select,
    utility::PenaltyTerm,
};
use crate::{
    id::CandidateId,
    num::MicroUnits,
    policy::{Candidate, ColumnIndex, MemberId, MemberSet, Policy, Relation},
};

pub use self::show::Shown;

/// A decision, and why it is not another.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[must_use]
pub struct Explanation {
    /// The decision, as [`prescribe`](super::prescribe) gives it.
    pub decision: Decision,
    /// The counts, as [`trace`](super::trace) gives them.
    pub counts: Counts,
    /// The limit that costs were held to; `u64::MAX` when the request states none.
    #[cfg_attr(feature = "serde", serde(rename = "cost_limit_micros"))]
    pub cost_limit: MicroUnits,
    /// The gates on which a demand was made, in their order.
    pub demands: Vec<GateDemand>,
    /// One for each candidate, by id. When the request alone was denied (SEMANTICS 5.1) they say how each
    /// candidate would have fared.
    pub rows: Vec<Row>,
}

/// A demand that was made, by the request, its quantities or its risk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct GateDemand {
    /// The gate's place in the schema, from 0.
    pub gate: u8,
    /// Its column.
    #[cfg_attr(feature = "serde", serde(serialize_with = "json::column"))]
    pub column: ColumnIndex,
    /// How it compares.
    #[cfg_attr(feature = "serde", serde(serialize_with = "json::text"))]
    pub relation: Relation,
    /// What is demanded.
    pub demand: Value,
}

/// A value that a candidate has or a gate demands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value {
    /// A number, or the exact sum of quantities.
    Number(u128),
    /// A set of members.
    Set(MemberSet),
    /// One member.
    Member(MemberId),
}

/// One candidate.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Row {
    /// The candidate.
    pub candidate: CandidateId,
    /// What became of it.
    pub standing: Standing,
    /// All that speaks against it, in the order of SEMANTICS 5.2; none when it is eligible.
    pub failures: Vec<Failure>,
    /// One for each of [`Explanation::demands`].
    pub gates: Vec<GateLine>,
    /// What the request costs there.
    pub cost: CostLine,
    /// What it is worth; `None` when the policy has no utility or the candidate no cost.
    pub utility: Option<UtilityLine>,
}

/// What became of a candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
pub enum Standing {
    /// It is eligible.
    Eligible {
        /// Its place in the order, from 1.
        place: u32,
    },
    /// It was turned away.
    TurnedAway {
        /// By this first.
        by: Failure,
    },
}

/// One gate put to one candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct GateLine {
    /// The gate's place in the schema, from 0.
    pub gate: u8,
    /// What the candidate has; `None` is unknown, and fails.
    pub value: Option<Value>,
    /// Whether it passes.
    pub passes: bool,
}

/// What a request costs at a candidate, and why. SEMANTICS 6.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct CostLine {
    /// The place of the rate card used, 0 being the base; `None` when the candidate has no cards.
    pub card: Option<usize>,
    /// What the card begins after.
    pub card_above: Option<u64>,
    /// Added to the terms.
    #[cfg_attr(feature = "serde", serde(rename = "flat_fee_micros"))]
    pub flat_fee: MicroUnits,
    /// One for each quantity above 0, up to the one that has no rate or is too large.
    pub terms: Vec<CostTerm>,
    /// Their sum with the fee, or why there is none.
    #[cfg_attr(feature = "serde", serde(rename = "total_micros", serialize_with = "json::total"))]
    pub total: Result<MicroUnits, Unpriced>,
}

/// What a candidate is worth, and why. SEMANTICS 7.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
pub enum UtilityLine {
    /// Its merit or a weighted column is unknown, and the policy does not say what that counts as.
    Unknown,
    /// In micro-units.
    Known {
        /// Its merit as counted, in basis points.
        merit_bps: u64,
        /// ⌊value · confidence · merit / 10⁸⌋.
        #[cfg_attr(feature = "serde", serde(serialize_with = "json::wide"))]
        gain_micros: i128,
        /// ⌊value · risk · multiplier / 10⁸⌋, taken from the gain.
        #[cfg_attr(feature = "serde", serde(serialize_with = "json::wide"))]
        loss_micros: i128,
        /// Weight · column, each taken from the gain.
        penalties: Vec<PenaltyTerm>,
        /// Gain less loss, cost and penalties, exactly.
        #[cfg_attr(feature = "serde", serde(serialize_with = "json::wide"))]
        exact_micros: i128,
        /// The same clamped to `i64`, as it is compared.
        total_micros: i64,
    },
}

/// Decides, and says of every candidate what was found. It allocates; the decision is that of
/// [`prescribe`](super::prescribe), found by the same questions.
///
/// # Errors
/// The request is malformed for this policy: SEMANTICS 4.5.
pub fn explain(policy: &Policy, disabled: &Disabled, request: &Request) -> Result<Explanation, RequestError> {
    let question = Question::new(policy, disabled, request)?;
    let judged = judged(&question);
    let (decision, counts) = match question.denied_at_once() {
        Some(reason) => (select::denial(policy, reason), Counts::default()),
        None => scan(&question, &judged),
    };
    Ok(Explanation {
        decision,
        counts,
        cost_limit: question.limit,
        demands: question
            .gates()
            .map(|gate| GateDemand {
                gate: gate.index,
                column: gate.column,
                relation: gate.relation,
                demand: demand(&question, &gate),
            })
            .collect(),
        rows: rows(&question, &judged),
    })
}

impl Explanation {
    /// The rows as a reader wants them: the eligible in their order, then the others by id.
    pub fn in_order(&self) -> impl Iterator<Item = &Row> {
        let mut rows: Vec<&Row> = self.rows.iter().collect();
        rows.sort_by_key(|row| match row.standing {
            Standing::Eligible { place } => (place, row.candidate),
            Standing::TurnedAway { .. } => (u32::MAX, row.candidate),
        });
        rows.into_iter()
    }

    /// The candidate's row.
    #[must_use]
    pub fn row(&self, candidate: CandidateId) -> Option<&Row> {
        let at = self.rows.binary_search_by_key(&candidate, |row| row.candidate).ok()?;
        self.rows.get(at)
    }
}

/// The demand as it was made: a sum of quantities exactly.
fn demand(question: &Question<'_>, gate: &DemandedGate<'_>) -> Value {
    match gate.demand {
        Demanded::Number(number) => Value::Number(u128::from(number)),
        Demanded::Beyond => Value::Number(question.fed(gate.index)),
        Demanded::Set(set) => Value::Set(*set),
    }
}

/// Every candidate asked in turn, in the order of ids.
fn judged(question: &Question<'_>) -> Vec<Result<Contender, Failure>> {
    let candidates = question.policy.candidates().iter().enumerate();
    candidates.map(|(place, candidate)| question.judge(place, candidate)).collect()
}

/// The decision and the counts, by meeting everyone: what the index saves the other ways of deciding.
fn scan(question: &Question<'_>, judged: &[Result<Contender, Failure>]) -> (Decision, Counts) {
    let (mut standings, mut counts) = (Standings::default(), Counts::default());
    for judged in judged {
        match judged {
            Ok(contender) => {
                counts.add_eligible();
                standings.meet(*contender, question.requested());
            }
            Err(failure) => counts.add(*failure),
        }
    }
    (select::select_met(question.policy, question.requested(), &standings, || counts.most()), counts)
}

fn rows(question: &Question<'_>, judged: &[Result<Contender, Failure>]) -> Vec<Row> {
    let mut order: Vec<&Contender> = judged.iter().flatten().collect();
    order.sort_by_key(|contender| contender.rank());
    let standing = |judged: &Result<Contender, Failure>| match judged {
        Err(by) => Standing::TurnedAway { by: *by },
        Ok(contender) => {
            let before = order.partition_point(|other| other.precedes(contender));
            Standing::Eligible { place: u32::try_from(before).unwrap_or(u32::MAX).saturating_add(1) }
        }
    };
    let candidates = question.policy.candidates().iter().enumerate();
    candidates.zip(judged).map(|((place, of), judged)| row(question, place, of, standing(judged))).collect()
}

/// Every part of [`Question::judge`], also after the first that fails.
fn row(question: &Question<'_>, place: usize, candidate: &Candidate, standing: Standing) -> Row {
    let gates: Vec<GateLine> = question
        .gates()
        .map(|gate| GateLine {
            gate: gate.index,
            value: gate.known(candidate).map(Value::from),
            passes: gate.passes(candidate),
        })
        .collect();
    let cost = cost_line(question, candidate);
    let utility = cost.total.ok().and_then(|cost| utility_line(question, candidate, cost));

    let mut failures = Vec::new();
    failures.extend(question.is_disabled(place, candidate).then_some(Failure::Disabled));
    failures.extend(question.is_excluded(candidate.id()).then_some(Failure::Excluded));
    failures.extend(gates.iter().filter(|gate| !gate.passes).map(|gate| Failure::Gate(gate.gate)));
    let affordable = cost.total.is_ok_and(|cost| cost <= question.limit);
    failures.extend((!affordable).then_some(Failure::Cost));
    let worthwhile = match &utility {
        None => true,
        Some(UtilityLine::Unknown) => false,
        Some(UtilityLine::Known { total_micros, .. }) => *total_micros > 0,
    };
    failures.extend((!worthwhile).then_some(Failure::Utility));
    let turned_away = match standing {
        Standing::Eligible { .. } => None,
        Standing::TurnedAway { by } => Some(by),
    };
    assert!(failures.first() == turned_away.as_ref(), "the first of all failures is what turned it away");
    Row { candidate: candidate.id(), standing, failures, gates, cost, utility }
}

fn cost_line(question: &Question<'_>, candidate: &Candidate) -> CostLine {
    let card = question.bill.card(candidate);
    let mut terms = Vec::new();
    let total = question.bill.cost(candidate, |term| terms.push(term)).map(MicroUnits);
    CostLine {
        card: card.map(|(place, _)| place),
        card_above: card.map(|(_, card)| card.above()),
        flat_fee: candidate.flat_fee(),
        terms,
        total,
    }
}

fn utility_line(question: &Question<'_>, candidate: &Candidate, cost: MicroUnits) -> Option<UtilityLine> {
    let valuation = question.valuation.as_ref()?;
    let mut penalties = Vec::new();
    let worth = valuation.worth(candidate, cost.0, |term| penalties.push(term));
    Some(worth.map_or(UtilityLine::Unknown, |worth| UtilityLine::Known {
        merit_bps: worth.merit,
        gain_micros: worth.gain,
        loss_micros: worth.loss,
        penalties,
        exact_micros: worth.total,
        total_micros: worth.clamped(),
    }))
}

impl From<Known<'_>> for Value {
    fn from(known: Known<'_>) -> Self {
        match known {
            Known::Number(number) => Self::Number(u128::from(number)),
            Known::Set(set) => Self::Set(*set),
            Known::Member(member) => Self::Member(member),
        }
    }
}
