//! What a comparison takes for granted. SEMANTICS 16.4.

use alloc::vec::Vec;
use core::fmt;

use super::report::Budgets;
use crate::id::Sequence;

/// Something that the figures for now rest on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Assumption {
    /// Callers would have asked the same, whatever they were answered.
    SameRequests,
    /// One policy stands for all that were in force.
    OnePolicy {
        /// How many were, while something was decided.
        policies: u64,
    },
    /// Accounts pay up to the limit applied in the record, and without limit where none was applied.
    RecordedLimits {
        /// Requests with such a limit.
        limited: u64,
        /// Requests without.
        unlimited: u64,
    },
    /// What accounts have left is estimated.
    SimulatedBudgets,
    /// The host would have halted and disabled the same.
    SameSwitches,
    /// Observed quantities are the same at whichever candidate; they are priced under the other policy.
    SameUsage {
        /// Commits, of parts too.
        commits: u64,
    },
    /// Amounts that have no price change as the cost that was held first does, rounded up.
    ScaledAsHeld {
        /// Commits, of parts too, on the host's word, or of quantities without a price there.
        commits: u64,
        /// Extensions.
        extensions: u64,
    },
    /// What would have executed and did not spends what it holds, at once.
    SpentAsHeld {
        /// Requests.
        requests: u64,
    },
    /// What was adjusted later is left out on both sides: what is spent is what settlements said.
    AdjustmentsLeftOut {
        /// Adjustments.
        adjustments: u64,
    },
    /// Windows, throttles and caps on exposure are left out of estimated budgets; what a throttle or a cap on holds denied
    /// then is denied now.
    CapsLeftOut {
        /// Accounts that have some.
        accounts: u64,
    },
    /// Reroutes exclude the candidate that failed then, whichever would have served.
    SameFailures {
        /// Reroutes.
        reroutes: u64,
    },
    /// What could not be decided again stays as it was recorded.
    LeftAsRecorded {
        /// Requests.
        requests: u64,
    },
    /// The log is pruned: balances and holds from before its first checkpoint are as recorded.
    FromCheckpoint {
        /// The last record before it.
        through: Sequence,
    },
    /// Numbers of candidates or members have other names in the other policy: what is compared by number is not
    /// the same.
    NumbersReused,
}

/// How often each assumption was needed.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Needed {
    pub(super) policies: u64,
    pub(super) limited: u64,
    pub(super) unlimited: u64,
    pub(super) priced: u64,
    pub(super) scaled: u64,
    pub(super) scaled_extensions: u64,
    pub(super) spent_as_held: u64,
    pub(super) adjustments: u64,
    pub(super) reroutes: u64,
    pub(super) undecided: u64,
    pub(super) capped: u64,
    /// Where the log begins.
    pub(super) pruned_through: Sequence,
    pub(super) numbers_reused: bool,
}

impl Needed {
    pub(super) fn list(&self, budgets: Budgets) -> Vec<Assumption> {
        let mut list = Vec::new();
        list.push(Assumption::SameRequests);
        list.push(Assumption::OnePolicy { policies: self.policies });
        list.push(match budgets {
            Budgets::Recorded => {
                Assumption::RecordedLimits { limited: self.limited, unlimited: self.unlimited }
            }
            Budgets::Simulated => Assumption::SimulatedBudgets,
        });
        list.push(Assumption::SameSwitches);
        let (commits, extensions) = (self.scaled, self.scaled_extensions);
        let counted = [
            (self.priced, Assumption::SameUsage { commits: self.priced }),
            (commits.saturating_add(extensions), Assumption::ScaledAsHeld { commits, extensions }),
            (self.spent_as_held, Assumption::SpentAsHeld { requests: self.spent_as_held }),
            (self.adjustments, Assumption::AdjustmentsLeftOut { adjustments: self.adjustments }),
            (self.capped, Assumption::CapsLeftOut { accounts: self.capped }),
            (self.reroutes, Assumption::SameFailures { reroutes: self.reroutes }),
            (self.undecided, Assumption::LeftAsRecorded { requests: self.undecided }),
            (self.pruned_through.0, Assumption::FromCheckpoint { through: self.pruned_through }),
            (u64::from(self.numbers_reused), Assumption::NumbersReused),
        ];
        list.extend(counted.into_iter().filter(|(count, _)| *count > 0).map(|(_, what)| what));
        list
    }
}

impl Assumption {
    /// The word for it in documents.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::SameRequests => "same_requests",
            Self::OnePolicy { .. } => "one_policy",
            Self::RecordedLimits { .. } => "recorded_limits",
            Self::SimulatedBudgets => "simulated_budgets",
            Self::SameSwitches => "same_switches",
            Self::SameUsage { .. } => "same_usage",
            Self::ScaledAsHeld { .. } => "scaled_as_held",
            Self::SpentAsHeld { .. } => "spent_as_held",
            Self::AdjustmentsLeftOut { .. } => "adjustments_left_out",
            Self::CapsLeftOut { .. } => "caps_left_out",
            Self::SameFailures { .. } => "same_failures",
            Self::LeftAsRecorded { .. } => "left_as_recorded",
            Self::FromCheckpoint { .. } => "from_checkpoint",
            Self::NumbersReused => "numbers_reused",
        }
    }
}

impl fmt::Display for Assumption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SameRequests => {
                write!(f, "callers ask the same at the same times, whatever they are answered")
            }
            Self::OnePolicy { policies: 0 | 1 } => write!(f, "the other policy is in force from the start"),
            Self::OnePolicy { policies } => {
                write!(f, "the other policy is in force from the start, in place of {policies} policies")
            }
            Self::RecordedLimits { limited, unlimited } => write!(
                f,
                "accounts pay what the record says: up to the limit applied to {limited} requests, and whatever the \
                 other {unlimited} cost"
            ),
            Self::SimulatedBudgets => {
                write!(f, "what accounts have left is an estimate, from the costs estimated for all before")
            }
            Self::SameSwitches => write!(f, "the host halts, disables candidates and grants as it did"),
            Self::SameUsage { commits } => {
                write!(f, "the quantities observed in {commits} commits are the same at whichever candidate")
            }
            Self::ScaledAsHeld { commits, extensions } => write!(
                f,
                "{commits} commits and {extensions} extensions without a price of their own change as the cost of \
                 their admissions does, rounded up"
            ),
            Self::SpentAsHeld { requests } => {
                write!(f, "{requests} requests that execute only now spend what they hold, at once")
            }
            Self::AdjustmentsLeftOut { adjustments } => {
                write!(f, "{adjustments} adjustments are left out, then and now")
            }
            Self::CapsLeftOut { accounts } => write!(
                f,
                "windows, throttles and caps on exposure of {accounts} accounts are left out of estimated budgets; what a \
                 throttle or a cap on holds denied then is denied now"
            ),
            Self::SameFailures { reroutes } => {
                write!(f, "{reroutes} reroutes exclude the candidate that failed then, whichever serves now")
            }
            Self::LeftAsRecorded { requests } => {
                write!(f, "{requests} requests that cannot be decided again stay as recorded")
            }
            Self::FromCheckpoint { through } => {
                write!(
                    f,
                    "balances and holds are as recorded at sequence {through}, before which the log is pruned"
                )
            }
            Self::NumbersReused => write!(
                f,
                "numbers of candidates or members have other names in the other policy, and are compared all the same"
            ),
        }
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for Assumption {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct as _;
        let mut shown = serializer.serialize_struct("Assumption", 2)?;
        shown.serialize_field("what", self.as_str())?;
        shown.serialize_field("says", &alloc::format!("{self}"))?;
        shown.end()
    }
}
