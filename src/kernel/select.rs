//! From the leaders and the counts to the decision: substitution, action, reason. SEMANTICS 5.4 to 5.7.

use super::{
    Decision, Reason,
    order::{Contender, Failure, Leaders, Standings},
};
use crate::{
    id::CandidateId,
    policy::{Policy, Substitution},
};

/// The decision on a request that would have the candidate of that id, if it says so. That candidate is judged only
/// when it does not lead, and what turned away most is asked for only when it is the reason of a denial.
#[inline(always)]
pub(super) fn select(
    policy: &Policy,
    asked: Option<CandidateId>,
    leaders: &Leaders,
    judge: impl FnOnce(CandidateId) -> Option<Contender>,
    most: impl FnOnce() -> Failure,
) -> Decision {
    let Leaders { first, second } = leaders;
    let Some(first) = first else {
        return match (asked, policy.substitution()) {
            (Some(_), Substitution::Never) => denial(policy, Reason::RequestedIneligible),
            _ => denial(policy, most().into()),
        };
    };
    let reason = match asked {
        None => Reason::First,
        Some(asked) if asked == first.id => Reason::Requested,
        Some(asked) => {
            let requested = match second {
                Some(second) if second.id == asked => Some(*second),
                _ => judge(asked),
            };
            match (requested, policy.substitution()) {
                (None, Substitution::Never) => return denial(policy, Reason::RequestedIneligible),
                (None, _) => Reason::RequestedIneligibleSubstituted,
                (Some(requested), substitution) if keeps(substitution, first, &requested) => {
                    // The runner-up is the first in order other than the selected one: 5.6.
                    return decision(policy, Reason::Requested, Some(&requested), Some(first));
                }
                (Some(_), _) => Reason::Outranked,
            }
        }
    };
    decision(policy, reason, Some(first), second.as_ref())
}

/// The same where all that are eligible were met, the requested one among them.
pub(super) fn select_met(
    policy: &Policy,
    asked: Option<CandidateId>,
    standings: &Standings,
    most: impl FnOnce() -> Failure,
) -> Decision {
    select(policy, asked, &standings.leaders, |_| standings.requested, most)
}

/// A denial for that reason.
pub(super) fn denial(policy: &Policy, reason: Reason) -> Decision {
    decision(policy, reason, None, None)
}

/// Whether the requested one, eligible and outranked by the first, is selected all the same. SEMANTICS 5.4.
#[inline]
fn keeps(substitution: Substitution, first: &Contender, requested: &Contender) -> bool {
    match substitution {
        Substitution::Best => false,
        Substitution::Margin(micros) => first.lead_micros(requested) <= i128::from(micros.0),
        Substitution::IfIneligible | Substitution::Never => true,
    }
}

#[inline(always)]
fn decision(
    policy: &Policy,
    reason: Reason,
    selected: Option<&Contender>,
    runner_up: Option<&Contender>,
) -> Decision {
    Decision {
        action: reason.action(),
        reason,
        selected: selected.map(Contender::choice),
        runner_up: runner_up.map(Contender::choice),
        epoch: policy.epoch(),
        policy: policy.digest(),
    }
}
