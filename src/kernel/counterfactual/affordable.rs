//! The largest amount of one quantity with which a request still passes.

use alloc::vec::Vec;

use super::{case::is_selected, search};
use crate::{
    kernel::{
        Choice, Disabled, Request, RequestError, order::Contender, order::Standings, question::Question,
    },
    policy::{Candidate, Policy, Quantity, QuantityIndex, Source},
};

/// The largest amount of a quantity with which a request is not denied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Affordable {
    /// The quantity.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::kernel::explain::json::quantity"))]
    pub quantity: QuantityIndex,
    /// The amount; with none above it does the request execute or substitute.
    pub amount: u64,
    /// Who is selected with that amount.
    pub selected: Choice,
}

/// The largest amount of that quantity, up to `u64::MAX`, with which the request executes or substitutes, all else as
/// it states it; `None` when it is denied with every amount. SEMANTICS 15.7.
///
/// Exact, although what passes need not be one range: a later rate card may be cheaper, a sum above 0 makes a demand, a
/// quantity of 0 needs no rate. It allocates; the work grows with the candidates, their cards and the 64 bits of an
/// amount.
///
/// ```
/// use assize::{
///     kernel::{Disabled, Request, affordable},
///     num::MicroUnits,
///     policy::{CandidateDraft, CardDraft, Draft, Policy, SchemaDraft, ValueDraft},
/// };
///
/// let mut draft = Draft::new("models", 1, SchemaDraft::llm_1());
/// let mut candidate = CandidateDraft::new(1, "small");
/// for window in ["input_window", "output_window"] {
///     candidate.values.push((window.into(), ValueDraft::Number(8_192)));
/// }
/// candidate.cards.push(CardDraft { above: 0, rates: vec![("input".into(), 1_000_000), ("output".into(), 3_000_000)] });
/// draft.candidates.push(candidate);
/// let policy = Policy::freeze(draft)?;
/// let schema = policy.schema();
/// let mut request = Request::new(schema);
/// request.quantity(schema.quantity("input")?, 400)?.cost_limit(MicroUnits(1_000));
///
/// // 600 µ are left for the output, at 3 µ each.
/// let output = affordable(&policy, &Disabled::none(), &request, schema.quantity("output")?)?;
/// assert_eq!(output.map(|output| (output.amount, output.selected.cost)), Some((200, MicroUnits(1_000))));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// The request is malformed for this policy (SEMANTICS 4.5), or the quantity is one of another schema.
pub fn affordable(
    policy: &Policy,
    disabled: &Disabled,
    request: &Request,
    quantity: Quantity,
) -> Result<Option<Affordable>, RequestError> {
    let mut asked = Asked { policy, disabled, request: request.clone(), quantity };
    asked.request.quantity(quantity, 0)?;
    if Question::new(policy, disabled, request)?.denied_at_once().is_some() {
        return Ok(None);
    }
    let mut largest: Option<u64> = None;
    for (place, candidate) in policy.candidates().iter().enumerate() {
        // Only what is above the largest so far is of interest.
        let from = match largest.map(|largest| largest.checked_add(1)) {
            None => 0,
            Some(Some(above)) => above,
            Some(None) => break,
        };
        largest = asked.largest(place, candidate, from)?.or(largest);
    }
    let Some(amount) = largest else { return Ok(None) };
    asked.request.quantity(quantity, amount)?;
    let decision = crate::kernel::prescribe(policy, disabled, &asked.request)?;
    let affordable = |selected| Affordable { quantity: quantity.index(), amount, selected };
    Ok(decision.selected.map(affordable))
}

/// The request with the amount left open.
struct Asked<'a> {
    policy: &'a Policy,
    disabled: &'a Disabled,
    request: Request,
    quantity: Quantity,
}

impl Asked<'_> {
    /// The largest amount, not below `from`, with which the candidate, were it the only one, would be selected.
    fn largest(
        &mut self,
        place: usize,
        candidate: &Candidate,
        from: u64,
    ) -> Result<Option<u64>, RequestError> {
        let starts = self.starts(candidate);
        let mut end = u64::MAX;
        for start in starts.into_iter().rev() {
            // Between two starts the candidate passes up to some amount: its cost grows, and the first unit of the quantity
            // may need a rate or make a demand.
            let mut fault = None;
            let found = search::last(start.max(from), end, |amount| {
                self.passes(place, candidate, amount).unwrap_or_else(|error| {
                    fault = Some(error);
                    false
                })
            });
            match (fault, found) {
                (Some(error), _) => return Err(error),
                (None, Some(amount)) => return Ok(Some(amount)),
                (None, None) => {}
            }
            let Some(below) = start.checked_sub(1).filter(|&below| below >= from) else { break };
            end = below;
        }
        Ok(None)
    }

    fn passes(&mut self, place: usize, candidate: &Candidate, amount: u64) -> Result<bool, RequestError> {
        self.request.quantity(self.quantity, amount)?;
        let question = Question::new(self.policy, self.disabled, &self.request)?;
        Ok(question.judge(place, candidate).is_ok_and(|contender| is_selected_alone(&question, contender)))
    }

    /// The amounts, ascending and from 0, at which what does not pass may begin to: another card applies, or a gate that
    /// the quantity feeds passes. (Those at which a gate begins to fail are among them.)
    fn starts(&self, candidate: &Candidate) -> Vec<u64> {
        let (schema, of) = (self.policy.schema(), self.quantity.index());
        let others = |mask| {
            let own = self.request.quantities().amount(of);
            // OK because the sum has the quantity's own amount in it.
            self.request.quantities().sum(mask).saturating_sub(own.into())
        };
        let mut starts = alloc::vec![0];
        // The amount with which the sum of the quantities passes `sum`.
        let mut above = |sum: u64, others: u128| {
            let start = u128::from(sum).saturating_add(1).checked_sub(others);
            starts.extend(start.and_then(|start| u64::try_from(start).ok()));
        };
        if schema.tier_by().contains(of) {
            let others = others(schema.tier_by());
            candidate.cards().iter().for_each(|card| above(card.above(), others));
        }
        for gate in schema.gates() {
            if let (Source::Quantities(mask), Some(value)) = (gate.source(), candidate.value(gate.column()))
                && mask.contains(of)
            {
                let others = others(mask);
                // It fits up to the value, and is at most the value from the value on.
                above(value, others);
                value.checked_sub(1).into_iter().for_each(|below| above(below, others));
            }
        }
        starts.sort_unstable();
        starts.dedup();
        starts
    }
}

/// Whether it would be selected without others: the substitution rule may want the requested one or nobody.
fn is_selected_alone(question: &Question<'_>, contender: Contender) -> bool {
    let mut standings = Standings::default();
    standings.meet(contender, question.requested());
    is_selected(question, &standings, &contender)
}
