//! From the leaders and the counts to the decision: substitution, action, reason. SEMANTICS 5.4 to 5.7.

use super::{
    Choice, Decision, Reason,
    order::{Contender, Counts, Leaders, Standings},
    question::Question,
};
use crate::policy::Substitution;

/// The decision. The counts are asked for only when it is a denial that they explain.
pub(super) fn select(
    question: &Question<'_>,
    standings: &Standings,
    counts: impl FnOnce() -> Counts,
) -> Decision {
    let Some(selected) = selected(question, standings) else {
        let reason = match (question.requested(), question.policy.substitution()) {
            (Some(_), Substitution::Never) => Reason::RequestedIneligible,
            _ => counts().most().into(),
        };
        return denial(question, reason);
    };
    let Standings { leaders, requested } = standings;
    let reason = match question.requested() {
        None => Reason::First,
        Some(asked) if asked == selected.id => Reason::Requested,
        Some(_) if requested.is_some() => Reason::Outranked,
        Some(_) => Reason::RequestedIneligibleSubstituted,
    };
    // The first in order other than the selected one: 5.6.
    let runner_up = if leaders.first == Some(selected) { leaders.second } else { leaders.first };
    decision(question, reason, Some(selected.choice()), runner_up.map(|contender| contender.choice()))
}

/// A denial for that reason.
pub(super) fn denial(question: &Question<'_>, reason: Reason) -> Decision {
    decision(question, reason, None, None)
}

/// SEMANTICS 5.4.
fn selected(question: &Question<'_>, standings: &Standings) -> Option<Contender> {
    let Standings { leaders: Leaders { first, .. }, requested } = *standings;
    match (question.requested(), question.policy.substitution()) {
        (None, _) | (Some(_), Substitution::Best) => first,
        (Some(_), Substitution::Never) => requested,
        (Some(_), Substitution::IfIneligible) => requested.or(first),
        (Some(_), Substitution::Margin(micros)) => {
            let (first, Some(requested)) = (first?, requested) else { return first };
            let kept = first.lead_micros(&requested) <= i128::from(micros.0);
            Some(if kept { requested } else { first })
        }
    }
}

fn decision(
    question: &Question<'_>,
    reason: Reason,
    selected: Option<Choice>,
    runner_up: Option<Choice>,
) -> Decision {
    Decision {
        action: reason.action(),
        reason,
        selected,
        runner_up,
        epoch: question.policy.epoch(),
        policy: question.policy.digest(),
    }
}
