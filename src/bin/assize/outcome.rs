//! What came of a request, in one word: the same in a run's report and in what is read from a log.

use std::fmt;

use assize::{controller::DenialClass, record::AdmissionOutcome};
use serde::Serialize;

/// What came of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outcome {
    /// A candidate may serve, and its cost is held.
    Admitted,
    /// No candidate may serve.
    DeniedPolicy,
    /// The accounts cannot pay for one that may.
    DeniedBudget,
    /// Too much in too short a time.
    DeniedThrottle,
    /// Admissions are halted.
    DeniedHalted,
}

impl Outcome {
    /// What a record says.
    pub(crate) fn of(outcome: &AdmissionOutcome) -> Self {
        match outcome {
            AdmissionOutcome::Admitted { .. } => Self::Admitted,
            AdmissionOutcome::DeniedPolicy { .. } => Self::DeniedPolicy,
            AdmissionOutcome::DeniedBudget { .. } => Self::DeniedBudget,
            AdmissionOutcome::DeniedThrottle { .. } => Self::DeniedThrottle,
            AdmissionOutcome::DeniedHalted => Self::DeniedHalted,
        }
    }

    /// Whether a candidate may serve.
    pub(crate) fn is_admitted(self) -> bool {
        self == Self::Admitted
    }
}

impl From<DenialClass> for Outcome {
    fn from(class: DenialClass) -> Self {
        match class {
            DenialClass::Policy => Self::DeniedPolicy,
            DenialClass::Budget => Self::DeniedBudget,
            DenialClass::Throttle => Self::DeniedThrottle,
            DenialClass::Halted => Self::DeniedHalted,
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Admitted => "admitted",
            Self::DeniedPolicy => "denied (policy)",
            Self::DeniedBudget => "denied (budget)",
            Self::DeniedThrottle => "denied (throttle)",
            Self::DeniedHalted => "denied (halted)",
        })
    }
}
