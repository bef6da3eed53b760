//! How far the selected candidate may move.

use alloc::vec::Vec;

use super::{
    case::Case,
    lever::{Lever, Setting},
    moved::Numeric,
};
use crate::{
    kernel::{Choice, Disabled, Request, RequestError, prescribe, question::Question},
    num::MicroUnits,
    policy::Policy,
};

/// How far the selected candidate may move, and everything about the request, before it is selected no more.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[must_use]
pub struct Slack {
    /// The selected candidate.
    pub selected: Choice,
    /// The first in order among the other eligible candidates.
    pub runner_up: Option<Choice>,
    /// By how many micro-units it is better than the runner-up: of utility or, without one, of cost. Below 0 where
    /// a requested candidate keeps its place although another is better; `None` without a runner-up.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::kernel::explain::json::wide_option"))]
    pub lead_micros: Option<i128>,
    /// The most that its cost may rise, all else as it is.
    #[cfg_attr(feature = "serde", serde(rename = "cost_up_micros"))]
    pub cost_up: MicroUnits,
    /// Two for each lever that is a number and is known, down and up; for a price only up.
    pub lines: Vec<SlackLine>,
}

/// How far one lever may move one way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct SlackLine {
    /// What is moved, all else as it stands.
    pub lever: Lever,
    /// Which way.
    pub direction: Direction,
    /// Where it stands.
    pub present: Setting,
    /// The last place at which the candidate is still selected.
    pub last: Setting,
    /// The next one, at which it is not; `None` where there is no place beyond.
    pub lost_at: Option<Setting>,
}

/// Which way a number moves. A demand not made is below every other of `at_least` and `fits`, and above every other of
/// `at_most`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
pub enum Direction {
    /// Towards 0.
    Down,
    /// Away from 0.
    Up,
}

/// How far the selected candidate may move, lever by lever, before it is selected no more; `None` when the request is
/// denied. SEMANTICS 15.
///
/// Exact: at the last place that a line names, and at every place between it and the present one, [`prescribe`] selects
/// the candidate; one step further it does not. It allocates.
///
/// ```
/// use assize::{
///     kernel::{Disabled, Lever, Request, Setting, slack},
///     num::MicroUnits,
///     policy::{CandidateDraft, CardDraft, Draft, Policy, QuantityDraft, SchemaDraft},
/// };
///
/// let mut schema = SchemaDraft { name: "calls".into(), ..SchemaDraft::default() };
/// schema.quantities.push(QuantityDraft { name: "calls".into(), per: 1, fallback: None });
/// let mut draft = Draft::new("two suppliers", 1, schema);
/// for (id, name, rate) in [(1, "near", 30), (2, "far", 20)] {
///     let mut candidate = CandidateDraft::new(id, name);
///     candidate.cards.push(CardDraft { above: 0, rates: vec![("calls".into(), rate)] });
///     draft.candidates.push(candidate);
/// }
/// let policy = Policy::freeze(draft)?;
/// let mut request = Request::new(policy.schema());
/// request.quantity(policy.schema().quantity("calls")?, 3)?;
///
/// // `far` costs 60 and `near` 90: of two at 90, the lower id comes first.
/// let slack = slack(&policy, &Disabled::none(), &request)?.ok_or("somebody is selected")?;
/// assert_eq!((slack.lead_micros, slack.cost_up), (Some(30), MicroUnits(29)));
/// let rate = slack.lines.iter().find(|line| matches!(line.lever, Lever::Rate { .. }));
/// assert_eq!(rate.map(|line| line.last), Some(Setting::Rate(Some(29))));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// The request is malformed for this policy: SEMANTICS 4.5.
pub fn slack(policy: &Policy, disabled: &Disabled, request: &Request) -> Result<Option<Slack>, RequestError> {
    let decision = prescribe(policy, disabled, request)?;
    let Some(selected) = decision.selected else { return Ok(None) };
    let row = policy.position(selected.candidate).and_then(|at| Some((at, policy.candidates().get(at)?)));
    let Some(row) = row else { return Ok(None) };
    let case = Case::new(policy, disabled, request, row)?;
    assert!(case.wins(), "what is selected is selected when it is judged again");

    let mut lines = Vec::new();
    for lever in case.levers() {
        if let Some(numeric) = case.numeric(lever)? {
            lines.extend(both_ways(lever, case.present(lever), &numeric).into_iter().flatten());
        }
    }
    let cost_up = lines.iter().find_map(|line| match (line.lever, line.last) {
        (Lever::FlatFee, Setting::Micros(MicroUnits(last))) => last.checked_sub(row.1.flat_fee().0),
        _ => None,
    });
    Ok(Some(Slack {
        selected,
        runner_up: decision.runner_up,
        lead_micros: lead(&case.question, selected, decision.runner_up),
        cost_up: MicroUnits(cost_up.unwrap_or(0)),
        lines,
    }))
}

/// Down and up from where the lever stands; nothing where that is unknown, and nothing down for a price, which may
/// always fall.
fn both_ways(lever: Lever, present: Setting, numeric: &Numeric) -> [Option<SlackLine>; 2] {
    let at = numeric.present.and_then(|present| numeric.winning.around(present));
    let Some((from, to)) = at else { return [None, None] };
    let line = |direction, last: u128, next: Option<u128>| SlackLine {
        lever,
        direction,
        present,
        last: numeric.scale.setting(last),
        lost_at: next.map(|next| numeric.scale.setting(next)),
    };
    let is_price = matches!(lever, Lever::Rate { .. } | Lever::FlatFee);
    let below = from.checked_sub(1);
    let above = to.checked_add(1).filter(|&next| next <= numeric.scale.end());
    [(!is_price).then(|| line(Direction::Down, from, below)), Some(line(Direction::Up, to, above))]
}

/// The lead over the runner-up, by the measure that margins have. SEMANTICS 5.4.
fn lead(question: &Question<'_>, selected: Choice, runner_up: Option<Choice>) -> Option<i128> {
    let contender = |choice: Choice| {
        let place = question.policy.position(choice.candidate)?;
        question.judge(place, question.policy.candidates().get(place)?).ok()
    };
    Some(contender(selected)?.lead_micros(&contender(runner_up?)?))
}
