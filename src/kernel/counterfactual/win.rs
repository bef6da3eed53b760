//! What would make one candidate the selected one, lever by lever.

use alloc::vec::Vec;

use super::{
    case::Case,
    error::CounterfactualError,
    lever::{Lever, Setting},
    moved::Numeric,
};
use crate::{
    id::CandidateId,
    kernel::{Decision, Disabled, Request, RequestError, prescribe},
    policy::Policy,
};

/// What would make one candidate the selected one.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[must_use]
pub struct WhatWouldWin {
    /// The candidate.
    pub candidate: CandidateId,
    /// The decision as it stands, as [`prescribe`] gives it. Where it is a denial for risk or confidence, no lever
    /// helps.
    pub decision: Decision,
    /// One for each lever: the candidate's switches, values, rates and fee, then the request's limit, demands and
    /// naming.
    pub lines: Vec<WinLine>,
}

/// What one lever can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct WinLine {
    /// What is moved, all else as it stands.
    pub lever: Lever,
    /// Where it stands.
    pub present: Setting,
    /// Whether, and to where, it has to move.
    pub verdict: Verdict,
}

/// Whether a lever by itself makes a candidate win.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
pub enum Verdict {
    /// The candidate is selected as it is.
    AlreadyWins,
    /// It is selected where the lever moves there, and at no place nearer to the present one.
    ChangeTo(Setting),
    /// No place of this lever makes it the selected one.
    Cannot,
}

/// For one candidate, the least change of each lever by itself that makes it the selected one. SEMANTICS 15.
///
/// Exact: at the place that a line names, [`prescribe`] selects the candidate; at no place nearer does it. It
/// allocates. The catalog is looked at once for the candidate's levers and once for each of the request's; a column
/// that is the merit and has a weight above 0 is tried at each of its 10,001 values.
///
/// ```
/// use assize::{
///     id::CandidateId,
///     kernel::{Disabled, Lever, Request, Setting, Value, Verdict, what_would_win},
///     policy::{CandidateDraft, CardDraft, Draft, Policy, Relation, SchemaDraft, ValueDraft},
/// };
///
/// let mut draft = Draft::new("models", 1, SchemaDraft::llm_1());
/// for (id, name, quality, rate) in [(1, "small", 8_000, 200_000), (2, "large", 9_000, 900_000)] {
///     let mut candidate = CandidateDraft::new(id, name);
///     candidate.values.push(("quality".into(), ValueDraft::Number(quality)));
///     candidate.values.push(("input_window".into(), ValueDraft::Number(1_000_000)));
///     candidate.cards.push(CardDraft { above: 0, rates: vec![("input".into(), rate)] });
///     draft.candidates.push(candidate);
/// }
/// let policy = Policy::freeze(draft)?;
/// let quality = policy.schema().gate_number("quality", Relation::AtLeast)?;
/// let mut request = Request::new(policy.schema());
/// request.quantity(policy.schema().quantity("input")?, 1_000_000)?;
/// request.demand(quality, 8_500)?;
///
/// // The small one fails the demand. It would win with the quality demanded, or under a demand that it meets.
/// let small = what_would_win(&policy, &Disabled::none(), &request, CandidateId(1))?;
/// let verdict = |lever| small.line(lever).map(|line| line.verdict);
/// let to = Setting::Value(Some(Value::Number(8_500)));
/// assert_eq!(verdict(Lever::Column(quality.column())), Some(Verdict::ChangeTo(to)));
/// let to = Setting::Demand(Some(Value::Number(8_000)));
/// assert_eq!(verdict(Lever::Demand(u8::try_from(quality.index())?)), Some(Verdict::ChangeTo(to)));
/// assert_eq!(verdict(Lever::FlatFee), Some(Verdict::Cannot));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// The request is malformed for this policy (SEMANTICS 4.5), or the catalog has no such candidate.
pub fn what_would_win(
    policy: &Policy,
    disabled: &Disabled,
    request: &Request,
    candidate: CandidateId,
) -> Result<WhatWouldWin, CounterfactualError> {
    let decision = prescribe(policy, disabled, request)?;
    let row = policy.position(candidate).and_then(|place| Some((place, policy.candidates().get(place)?)));
    let row = row.ok_or(CounterfactualError::CandidateUnknown { candidate })?;
    let case = Case::new(policy, disabled, request, row)?;
    let wins = case.wins();
    let line = |lever| {
        let verdict = if wins { Verdict::AlreadyWins } else { verdict(&case, lever)? };
        Ok(WinLine { lever, present: case.present(lever), verdict })
    };
    let lines = case.levers().into_iter().map(line).collect::<Result<_, RequestError>>()?;
    Ok(WhatWouldWin { candidate, decision, lines })
}

impl WhatWouldWin {
    /// What that lever can do; `None` when it is none of the case.
    #[must_use]
    pub fn line(&self, lever: Lever) -> Option<&WinLine> {
        self.lines.iter().find(|line| line.lever == lever)
    }
}

/// Of a candidate that is not selected.
fn verdict(case: &Case<'_>, lever: Lever) -> Result<Verdict, RequestError> {
    let to = match case.numeric(lever)? {
        None => case.other(lever)?,
        Some(Numeric { scale, present, winning }) => {
            let place = match (present, lever) {
                (Some(present), _) => winning.nearest(present),
                // A rate that is written where there is none: as high as it can be.
                (None, Lever::Rate { .. }) => winning.highest(),
                (None, _) => winning.lowest(),
            };
            place.map(|place| scale.setting(place))
        }
    };
    Ok(to.map_or(Verdict::Cannot, Verdict::ChangeTo))
}
