//! Random requests to random catalogs, decided in every way that there is: by the index, by asking everybody, and, where a policy
//! is plain, by a few lines that share nothing with the library.

use assize::{
    id::CandidateId,
    kernel::{Decision, Disabled, Request, Standing, explain, prescribe, ranked, trace},
    num::{Bps, MicroUnits},
    policy::{
        CandidateDraft, CardDraft, ColumnDraft, ColumnKind, Draft, GateDraft, Policy, QuantityDraft,
        Relation, SchemaDraft, SourceDraft, Substitution, UtilityDraft, ValueDraft, WeightDraft,
    },
};

use super::{
    check::{Given, Seen, Wrong, holds, same, there},
    draw::Draw,
};
use crate::output::grouped;

pub(super) fn random(given: &Given, did: &mut String) -> Seen {
    random_by(prescribe_again, given.seed, did)
}

/// What decides: the library, unless a test says otherwise.
type Decide = fn(&Policy, &Disabled, &Request) -> Result<Decision, Wrong>;

fn prescribe_again(policy: &Policy, disabled: &Disabled, request: &Request) -> Result<Decision, Wrong> {
    Ok(prescribe(policy, disabled, request)?)
}

fn random_by(decide: Decide, seed: u64, did: &mut String) -> Seen {
    *did = format!(
        "{} requests to {POLICIES} catalogs of up to {LARGEST} candidates",
        grouped(POLICIES.saturating_mul(REQUESTS))
    );
    let (mut selected, mut denied, mut plain) = (0_u64, 0_u64, 0_u64);
    for number in 0..POLICIES {
        let mut draw = Draw::new(seed, number.saturating_add(1_000));
        let draft = draft(&mut draw, number);
        let policy = Policy::freeze(draft.clone())?;
        for turn in 0..REQUESTS {
            let asked = Asked::draw(&mut draw, &draft);
            let request = asked.request(&policy, &draft)?;
            let off = asked.disabled.iter().copied().map(CandidateId);
            let disabled = Disabled::new(&policy, off);
            let what = format!("seed {seed}, catalog {number}, request {turn}");
            let decision = decide(&policy, &disabled, &request)?;
            agreed(&what, &policy, &disabled, &request, decision)?;
            if draft.utility.is_none() {
                asked.by_hand(&what, &draft, decision)?;
                plain = plain.saturating_add(1);
            }
            let count = if decision.selected.is_some() { &mut selected } else { &mut denied };
            *count = count.saturating_add(1);
        }
    }
    holds("some kind of decision was not reached", selected > 0 && denied > 0 && plain > 0)?;
    Ok(format!(
        "{} selected, {} denied, each alike by the index, a trace, a ranking and by asking everybody, {} of them by hand too",
        grouped(selected),
        grouped(denied),
        grouped(plain)
    ))
}

const POLICIES: u64 = 60;
const REQUESTS: u64 = 100;
/// More than one word of candidates, so that both ways through the index are taken.
const LARGEST: u64 = 200;

/// Every other way to decide comes to the same.
fn agreed(
    what: &str,
    policy: &Policy,
    disabled: &Disabled,
    request: &Request,
    decision: Decision,
) -> Result<(), Wrong> {
    let traced = trace(policy, disabled, request)?;
    same(format_args!("{what}, traced"), &traced.decision, &decision)?;
    let explained = explain(policy, disabled, request)?;
    same(format_args!("{what}, explained"), &explained.decision, &decision)?;
    same(format_args!("{what}, counted"), &explained.counts, &traced.counts)?;
    let ranking = ranked::<4>(policy, disabled, request)?;
    same(format_args!("{what}, ranked"), &ranking.decision, &decision)?;
    let first = ranking.choices().first().map(|choice| choice.candidate);
    same(format_args!("{what}, ranked first"), &first, &decision.selected.map(|choice| choice.candidate))?;
    if let Some(choice) = decision.selected {
        let row = explained.row(choice.candidate);
        let eligible = row.is_some_and(|row| matches!(row.standing, Standing::Eligible { .. }));
        holds(format_args!("{what}: who was selected is not eligible"), eligible)?;
    }
    Ok(())
}

/// What is asked, as numbers.
struct Asked {
    quality: Option<u64>,
    input: u64,
    output: u64,
    limit: Option<u64>,
    excluded: Vec<u32>,
    disabled: Vec<u32>,
    /// For policies with a utility.
    value: i64,
    risk: u16,
}

impl Asked {
    fn draw(draw: &mut Draw, draft: &Draft) -> Self {
        let some = |draw: &mut Draw| {
            let many = draw.below(4);
            let mut ids: Vec<u32> = (0..many)
                .filter_map(|_| draw.pick(&draft.candidates).map(|candidate| candidate.id))
                .collect();
            ids.sort_unstable();
            ids.dedup();
            ids
        };
        Self {
            quality: (!draw.one_in(4)).then(|| draw.below(9_000)),
            input: draw.below(6_000),
            output: draw.below(1_500),
            limit: draw.one_in(2).then(|| draw.below(2_000_000)),
            excluded: some(draw),
            disabled: some(draw),
            value: i64::try_from(draw.below(20_000_000)).unwrap_or(0),
            risk: u16::try_from(draw.below(4_000)).unwrap_or(0),
        }
    }

    fn request(&self, policy: &Policy, draft: &Draft) -> Result<Request, Wrong> {
        let schema = policy.schema();
        let mut request = Request::new(schema);
        request.quantity(schema.quantity("input")?, self.input)?;
        request.quantity(schema.quantity("output")?, self.output)?;
        if let Some(quality) = self.quality {
            request.demand(schema.gate_number("quality", Relation::AtLeast)?, quality)?;
        }
        if let Some(limit) = self.limit {
            request.cost_limit(MicroUnits(limit));
        }
        for id in &self.excluded {
            request.exclude(CandidateId(*id))?;
        }
        if draft.utility.is_some() {
            let bps = |bps| there("a share", Bps::new(bps));
            request.value(self.value).confidence(bps(9_000)?).risk(bps(self.risk)?);
        }
        Ok(request)
    }

    /// What a plain policy decides, from the drafts alone: somebody passes everything if and only if somebody is selected, and
    /// nobody who passes costs less.
    fn by_hand(&self, what: &str, draft: &Draft, decision: Decision) -> Result<(), Wrong> {
        let least = draft.candidates.iter().filter_map(|candidate| self.cost_if_eligible(candidate)).min();
        let seen = decision.selected.map(|choice| i128::from(choice.cost.0));
        same(format_args!("{what}, by hand"), &seen, &least)
    }

    fn cost_if_eligible(&self, candidate: &CandidateDraft) -> Option<i128> {
        let number = |column: &str| {
            candidate.values.iter().find_map(|(name, value)| match value {
                ValueDraft::Number(number) if name == column => Some(*number),
                _ => None,
            })
        };
        let listed = |ids: &[u32]| ids.contains(&candidate.id);
        if !candidate.enabled || listed(&self.excluded) || listed(&self.disabled) {
            return None;
        }
        if self.quality.is_some_and(|demanded| number("quality").is_none_or(|has| has < demanded)) {
            return None;
        }
        let sum = self.input.saturating_add(self.output);
        // Nothing demanded of a window is demanded of nobody.
        if sum > 0 && number("window").is_none_or(|window| window < sum) {
            return None;
        }
        let card = candidate.cards.iter().rev().find(|card| card.above == 0 || card.above < self.input)?;
        let mut cost = i128::from(candidate.flat_fee_micros);
        for (quantity, amount) in [("input", self.input), ("output", self.output)] {
            let rate = |card: &CardDraft| {
                card.rates.iter().find(|(name, _)| name == quantity).map(|(_, rate)| *rate)
            };
            if amount > 0 {
                cost = cost.checked_add(i128::from(rate(card)?).checked_mul(i128::from(amount))?)?;
            }
        }
        let limit = self.limit.map_or(i128::from(u64::MAX), i128::from);
        (cost <= limit).then_some(cost)
    }
}

/// A catalog: quality and window known or not, one rate card or two; every other one has a utility.
fn draft(draw: &mut Draw, number: u64) -> Draft {
    let column = |name: &str, kind| ColumnDraft { name: name.into(), kind };
    let gate = |column: &str, relation, source| GateDraft { column: column.into(), relation, source };
    let both = vec!["input".to_owned(), "output".to_owned()];
    let quantity = |name: &str| QuantityDraft { name: name.into(), per: 1, fallback: None };
    let schema = SchemaDraft {
        name: "drawn".into(),
        columns: vec![column("quality", ColumnKind::Bps), column("window", ColumnKind::Number)],
        gates: vec![
            gate("quality", Relation::AtLeast, SourceDraft::Request),
            gate("window", Relation::Fits, SourceDraft::Quantities(both)),
        ],
        quantities: vec![quantity("input"), quantity("output")],
        tier_by: vec!["input".into()],
        merit: Some("quality".into()),
    };
    let utility = number.is_multiple_of(2).then(|| UtilityDraft {
        risk_multiplier_bps: u32::try_from(draw.below(20_000)).unwrap_or(0),
        merit_unknown_bps: Some(4_000),
        weights: vec![WeightDraft { column: "window".into(), micros_per_unit: 3, unknown: Some(0) }],
    });
    // Few, one word of them, and more.
    let count = match number.checked_rem(3) {
        Some(0) => draw.below(6),
        Some(1) => draw.below(64),
        _ => draw.below(LARGEST),
    };
    let candidates = (0..=count).map(|id| candidate(draw, u32::try_from(id).unwrap_or(0))).collect();
    Draft { utility, candidates, substitution: Substitution::Best, ..Draft::new("drawn", 1, schema) }
}

fn candidate(draw: &mut Draw, id: u32) -> CandidateDraft {
    let mut values = Vec::new();
    if !draw.one_in(8) {
        values.push(("quality".to_owned(), ValueDraft::Number(draw.below(10_001))));
    }
    if !draw.one_in(8) {
        values.push(("window".to_owned(), ValueDraft::Number(draw.below(9_000))));
    }
    let card = |draw: &mut Draw, above| CardDraft {
        above,
        // Few different rates, so that costs are often equal.
        rates: vec![("input".into(), draw.below(5)), ("output".into(), draw.below(9))],
    };
    let mut cards = vec![card(draw, 0)];
    if draw.one_in(3) {
        let above = draw.below(4_000).saturating_add(1);
        cards.push(card(draw, above));
    }
    CandidateDraft {
        enabled: !draw.one_in(10),
        flat_fee_micros: draw.below(3).saturating_mul(50),
        values,
        cards,
        ..CandidateDraft::new(id, &format!("candidate {id}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decision_that_is_another_is_told() {
        assert!(random_by(prescribe_again, 1, &mut String::new()).is_ok());
        // Of those who were selected, the second.
        let other: Decide = |policy, disabled, request| {
            let mut decision = prescribe(policy, disabled, request)?;
            decision.selected = decision.runner_up.or(decision.selected);
            Ok(decision)
        };
        assert!(random_by(other, 1, &mut String::new()).is_err());
    }

    #[test]
    fn a_seed_draws_the_same_again() {
        let of = |seed| random_by(prescribe_again, seed, &mut String::new()).unwrap();
        assert_eq!(of(1), of(1));
        assert_ne!(of(1), of(2));
    }
}
