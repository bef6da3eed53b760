//! Deciding again: what an admission or a reroute comes to from the state before it. SEMANTICS 10.1, 12.4, 13.1.

use core::fmt;

use super::error::Problem;
use crate::caps::Binding;
use crate::id::AccountId;
use crate::kernel::{Disabled, Request, RequestError, prescribe};
use crate::ledger::{Ledger, Mismatch, Payable, Prospect};
use crate::num::{MicroUnits, Timestamp};
use crate::policy::Policy;
use crate::record::{Admission, AdmissionOutcome, Decided, Halt, Kind, Record, Reroute};

/// What a request comes to: the outcome without its deadline, which the host chose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
pub enum Verdict {
    /// A candidate is selected, and the path can pay it.
    Admitted {
        /// The decision.
        decided: Decided,
    },
    /// The policy denies.
    DeniedPolicy {
        /// The decision.
        decided: Decided,
    },
    /// The policy denies under what the path can pay.
    DeniedBudget {
        /// The decision.
        decided: Decided,
        /// What has the least, or has no room for a hold.
        binding: Binding,
    },
    /// What could be held does not pass a throttle.
    DeniedThrottle {
        /// The decision.
        decided: Decided,
        /// The account.
        account: AccountId,
        /// Which of its throttles.
        throttle: u8,
    },
    /// It is halted.
    DeniedHalted,
}

impl Verdict {
    /// The verdict that an outcome states.
    #[must_use]
    pub fn of(outcome: &AdmissionOutcome) -> Self {
        match *outcome {
            AdmissionOutcome::Admitted { decided, .. } => Self::Admitted { decided },
            AdmissionOutcome::DeniedPolicy { decided } => Self::DeniedPolicy { decided },
            AdmissionOutcome::DeniedBudget { decided, binding } => Self::DeniedBudget { decided, binding },
            AdmissionOutcome::DeniedThrottle { decided, account, throttle } => {
                Self::DeniedThrottle { decided, account, throttle }
            }
            AdmissionOutcome::DeniedHalted => Self::DeniedHalted,
        }
    }

    /// The decision, unless the denial is for a halt.
    #[must_use]
    pub const fn decided(&self) -> Option<&Decided> {
        match self {
            Self::Admitted { decided }
            | Self::DeniedPolicy { decided }
            | Self::DeniedBudget { decided, .. }
            | Self::DeniedThrottle { decided, .. } => Some(decided),
            Self::DeniedHalted => None,
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Admitted { .. } => "admitted",
            Self::DeniedPolicy { .. } => "denied by the policy",
            Self::DeniedBudget { .. } => "denied by a budget",
            Self::DeniedThrottle { .. } => "denied by a throttle",
            Self::DeniedHalted => "denied for a halt",
        })?;
        let Some(Decided { limit_applied, decision }) = self.decided() else { return Ok(()) };
        write!(f, " ({} for {}", decision.action, decision.reason)?;
        if let Some(selected) = decision.selected {
            write!(f, ": candidate {} at {}", selected.candidate, selected.cost)?;
        }
        if let Some(limit) = limit_applied {
            write!(f, ", limit {limit}")?;
        }
        if let Self::DeniedBudget { binding, .. } = self {
            write!(f, ", account {binding} binds")?;
        }
        if let Self::DeniedThrottle { account, throttle, .. } = self {
            write!(f, ", throttle {throttle} of account {account}")?;
        }
        f.write_str(")")
    }
}

/// Decides again what the record decided; `None` for records that decide nothing. The ledger is as it was before.
pub(super) fn decide(
    ledger: &Ledger,
    disabled: &Disabled,
    record: &Record,
    now: Timestamp,
) -> Result<Option<(Verdict, Verdict)>, Problem> {
    match record {
        Record::Admission(call) => {
            let Admission { path, request, .. } = &call.arguments;
            let seen = Verdict::of(&call.outcome);
            let prospect = ledger.prospect(path, now);
            let prospect = prospect.map_err(|mismatch| of_kind(Kind::Admission, mismatch))?;
            if ledger.halt() != Halt::None {
                return Ok(Some((Verdict::DeniedHalted, seen)));
            }
            let (payable, full) = (prospect.payable, prospect.full);
            let verdict =
                admit(ledger.policy(), disabled, request, payable, full).map_err(Problem::Malformed)?;
            Ok(Some((throttle(ledger, &prospect, verdict, request, now), seen)))
        }
        Record::Reroute(call) => {
            let seen = Verdict::of(&call.outcome.admission);
            Ok(Some((reroute(ledger, disabled, &call.arguments, now)?, seen)))
        }
        _ => Ok(None),
    }
}

/// SEMANTICS 10.1.
pub(super) fn admit(
    policy: &Policy,
    disabled: &Disabled,
    request: &Request,
    payable: Payable,
    full: Option<Binding>,
) -> Result<Verdict, RequestError> {
    let decision = prescribe(policy, disabled, request)?;
    let decided = Decided { limit_applied: None, decision };
    let payable_micros = MicroUnits::from(payable.amount);
    if let (Some(binding), true) = (full, decision.selected.is_some()) {
        return Ok(Verdict::DeniedBudget { decided, binding });
    }
    match decision.selected {
        None => return Ok(Verdict::DeniedPolicy { decided }),
        Some(selected) if selected.cost <= payable_micros => return Ok(Verdict::Admitted { decided }),
        Some(_) => {}
    }
    let limit = request.facts().cost_limit.map_or(payable_micros, |limit| limit.min(payable_micros));
    let mut within = request.clone();
    within.cost_limit(limit);
    let decision = prescribe(policy, disabled, &within)?;
    let decided = Decided { limit_applied: Some(limit), decision };
    Ok(match decision.selected {
        Some(_) => Verdict::Admitted { decided },
        None => Verdict::DeniedBudget { decided, binding: payable.binding },
    })
}

/// What would be admitted is denied where it does not pass a throttle. SEMANTICS 19.3.
fn throttle(
    ledger: &Ledger,
    prospect: &Prospect,
    verdict: Verdict,
    request: &Request,
    now: Timestamp,
) -> Verdict {
    let Verdict::Admitted { decided } = verdict else { return verdict };
    let Some((_, amount)) = decided.held() else { return verdict };
    match ledger.throttled(prospect, now, request, amount) {
        Some((account, throttle, _)) => Verdict::DeniedThrottle { decided, account, throttle },
        None => verdict,
    }
}

/// SEMANTICS 12.4 and 13.1.
fn reroute(
    ledger: &Ledger,
    disabled: &Disabled,
    arguments: &Reroute,
    now: Timestamp,
) -> Result<Verdict, Problem> {
    let of_kind = |mismatch| of_kind(Kind::Reroute, mismatch);
    let Prospect { payable, full, .. } = ledger.prospect_without(arguments.hold, now).map_err(of_kind)?;
    let released = ledger.hold(arguments.hold);
    let released = released.ok_or_else(|| of_kind(Mismatch::HoldUnknown { hold: arguments.hold }))?;
    if ledger.halt() == Halt::All {
        return Ok(Verdict::DeniedHalted);
    }
    let verdict =
        admit(ledger.policy(), disabled, &arguments.request, payable, full).map_err(Problem::Malformed)?;
    let above = matches!(
        verdict,
        Verdict::Admitted { decided } if decided.held().is_none_or(|(_, amount)| amount > released.amount)
    );
    Ok(if above && ledger.halt() == Halt::ReduceOnly { Verdict::DeniedHalted } else { verdict })
}

fn of_kind(kind: Kind, mismatch: Mismatch) -> Problem {
    Problem::Ledger { kind, mismatch }
}
