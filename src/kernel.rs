//! Decides which candidate serves a request: pure, in integers, without allocation.
//!
//! A [`Request`] is put to a [`Policy`] as one question: checked against the policy, with all that is the same for
//! every candidate worked out once. Every candidate is judged by the same gates and the same arithmetic, whether
//! the answer is a [`Decision`] ([`prescribe`]), the decision with its counts ([`trace`]), with who would be next
//! ([`ranked`]), a row for each candidate ([`explain`]), or what would have to change ([`what_would_win`], [`slack`],
//! [`affordable`], [`compare`]). What decides is SEMANTICS 3 to 7; the bytes are FORMAT 3 and 4.
//!
//! ```
//! use assize::{
//!     kernel::{Action, Disabled, Request, prescribe},
//!     policy::{CandidateDraft, CardDraft, Draft, Policy, QuantityDraft, SchemaDraft},
//! };
//!
//! let mut schema = SchemaDraft { name: "calls".into(), ..SchemaDraft::default() };
//! schema.quantities.push(QuantityDraft { name: "calls".into(), per: 1, fallback: None });
//! let mut draft = Draft::new("two suppliers", 1, schema);
//! for (id, name, rate) in [(1, "near", 30), (2, "far", 20)] {
//!     let mut candidate = CandidateDraft::new(id, name);
//!     candidate.cards.push(CardDraft { above: 0, rates: vec![("calls".into(), rate)] });
//!     draft.candidates.push(candidate);
//! }
//! let policy = Policy::freeze(draft)?;
//!
//! let mut request = Request::new(policy.schema());
//! request.quantity(policy.schema().quantity("calls")?, 3)?;
//! let decision = prescribe(&policy, &Disabled::none(), &request)?;
//! let selected = decision.selected.ok_or("the least cost is selected")?;
//! assert_eq!((decision.action, selected.candidate.0, selected.cost.0), (Action::Execute, 2, 60));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod arithmetic;
mod bounds;
mod census;
mod cost;
mod counterfactual;
mod decision;
mod disabled;
mod error;
mod explain;
mod gates;
mod order;
mod quantities;
mod question;
mod ranked;
mod request;
mod search;
mod select;
mod sieve;
mod utility;
mod word;

use self::{
    census::{Wanted, census},
    order::Leaders,
    question::Question,
    search::search,
    sieve::Sieves,
};
use crate::policy::{Policy, Tables};

pub use self::{
    cost::{CostTerm, Unpriced, cost_of},
    counterfactual::{
        Affordable, Changes, CompareError, Comparison, CounterfactualError, Direction, Flow, Lever,
        Malformed, Setting, Side, Slack, SlackLine, Verdict, WhatWouldWin, WinLine, affordable, compare,
        slack, what_would_win,
    },
    decision::{Action, Choice, Decision, Reason},
    disabled::Disabled,
    error::{Fact, RequestError},
    explain::{
        CostLine, Explanation, GateDemand, GateLine, Row, Shown, Standing, UtilityLine, Value, explain,
    },
    order::{Counts, Failure},
    quantities::Quantities,
    ranked::{Ranking, ranked},
    request::{Demand, Facts, Request},
    utility::PenaltyTerm,
};

/// A decision with what turned the candidates away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[must_use]
pub struct Trace {
    /// The decision, as [`prescribe`] gives it.
    pub decision: Decision,
    /// Every candidate, counted once; all 0 when the request alone was denied (SEMANTICS 5.1).
    pub counts: Counts,
}

/// Decides. It allocates nothing and depends on its arguments alone. SEMANTICS 5.
///
/// # Errors
/// The request is malformed for this policy: SEMANTICS 4.5.
pub fn prescribe(policy: &Policy, disabled: &Disabled, request: &Request) -> Result<Decision, RequestError> {
    match policy.index().word() {
        Some(word) => match &word.tables {
            Tables::Two(table) => word::prescribe(policy, word, table, disabled, request),
            Tables::Most(table) => word::prescribe(policy, word, table, disabled, request),
        },
        None => search_all(policy, disabled, request),
    }
}

/// Decides by the search that suits every catalog.
#[inline(never)]
fn search_all(policy: &Policy, disabled: &Disabled, request: &Request) -> Result<Decision, RequestError> {
    ask(policy, disabled, request, |question, sieves| match question.denied_at_once() {
        Some(reason) => select::denial(policy, reason),
        None => decide(question, sieves, || census(question, sieves, Wanted::Most)),
    })
}

/// Decides, and counts what turned the candidates away; a denial's reason is read from these very counts. It
/// allocates nothing. SEMANTICS 5.2 and 5.7.
///
/// # Errors
/// The request is malformed for this policy: SEMANTICS 4.5.
pub fn trace(policy: &Policy, disabled: &Disabled, request: &Request) -> Result<Trace, RequestError> {
    ask(policy, disabled, request, |question, sieves| match question.denied_at_once() {
        Some(reason) => Trace { decision: select::denial(policy, reason), counts: Counts::default() },
        None => {
            let counts = census(question, sieves, Wanted::Counts);
            Trace { decision: decide(question, sieves, || counts), counts }
        }
    })
}

/// Puts a request to a policy, and its demands to the bitmaps of the gates.
#[inline]
fn ask<T>(
    policy: &Policy,
    disabled: &Disabled,
    request: &Request,
    answer: impl FnOnce(&Question<'_>, &Sieves<'_>) -> T,
) -> Result<T, RequestError> {
    let mut sieves = Sieves::new();
    let question = Question::ask(policy, disabled, request, |filter, demand| sieves.add(filter, demand))?;
    Ok(answer(&question, &sieves))
}

/// What is decided of a request that is not denied at once.
#[inline]
fn decide(question: &Question<'_>, sieves: &Sieves<'_>, counts: impl FnOnce() -> Counts) -> Decision {
    let mut leaders = Leaders::default();
    search(question, sieves, &mut leaders);
    let judge = |id| question.judge_id(id);
    select::select(question.policy, question.requested(), &leaders, judge, || counts().most())
}
