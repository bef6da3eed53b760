//! What an audit that found nothing wrong has shown, and what it cannot show.

use alloc::vec::Vec;
use core::fmt;

use crate::crypto::Digest;
use crate::id::Sequence;
use crate::num::Timestamp;
use crate::record::{AdmissionOutcome, Principal, Record, Spend};
use crate::wal::{Completeness, KeyMode, Pruned, Summary};

/// The chain holds.
#[derive(Clone, Debug)]
#[non_exhaustive]
#[must_use]
pub struct VerifyReport {
    /// What was read, and the heads.
    pub summary: Summary,
    /// What this does not prove.
    pub not_proven: Vec<NotProven>,
}

/// The chain holds, every decision is the one that follows, and every balance is right.
#[derive(Clone, Debug)]
#[non_exhaustive]
#[must_use]
pub struct ReplayReport {
    /// What was read, and the heads.
    pub summary: Summary,
    /// The digest of the ledger after the last record.
    pub ledger: Digest,
    /// The digest of its snapshot: of the accounts alone.
    pub snapshot: Digest,
    /// The effective time of the last record.
    pub log_time: Timestamp,
    /// Checkpoints reproduced bit by bit, the first one (which begins the log) not counted.
    pub checkpoints: u64,
    /// What the records were.
    pub calls: Calls,
    /// Accounts, open and closed.
    pub accounts: u64,
    /// Holds that are open.
    pub holds_open: u64,
    /// Operations remembered.
    pub operations: u64,
    /// What this does not prove.
    pub not_proven: Vec<NotProven>,
}

/// Records by what came of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Calls {
    /// Admissions and reroutes that were admitted.
    pub admitted: u64,
    /// Denied by the policy.
    pub denied_policy: u64,
    /// Denied by a budget.
    pub denied_budget: u64,
    /// Denied by a throttle.
    pub denied_throttle: u64,
    /// Denied for a halt.
    pub denied_halted: u64,
    /// Of all these, reroutes.
    pub reroutes: u64,
    /// Commits of quantities observed.
    pub commits_usage: u64,
    /// Commits of amounts on the host's word.
    pub commits_amount: u64,
    /// Part commits of quantities observed.
    pub part_commits_usage: u64,
    /// Part commits of amounts on the host's word.
    pub part_commits_amount: u64,
    /// Adjustments of settled holds, on the host's word.
    pub adjustments: u64,
    /// Releases.
    pub releases: u64,
    /// Extensions, the denied ones included.
    pub extensions: u64,
    /// Holds expired by a record of their own.
    pub expired: u64,
    /// Admissions whose principal the host attests.
    pub attested: u64,
    /// Admissions whose principal is on the caller's word.
    pub asserted: u64,
    /// Torn tails that were cut.
    pub recoveries: u64,
    /// All others: terms, policies, halts, switches, accounts, grants, closures, retentions.
    pub administration: u64,
}

impl Calls {
    /// Those of both.
    pub(super) fn and(&self, other: &Self) -> Self {
        Self {
            admitted: self.admitted.saturating_add(other.admitted),
            denied_policy: self.denied_policy.saturating_add(other.denied_policy),
            denied_budget: self.denied_budget.saturating_add(other.denied_budget),
            denied_throttle: self.denied_throttle.saturating_add(other.denied_throttle),
            denied_halted: self.denied_halted.saturating_add(other.denied_halted),
            reroutes: self.reroutes.saturating_add(other.reroutes),
            commits_usage: self.commits_usage.saturating_add(other.commits_usage),
            commits_amount: self.commits_amount.saturating_add(other.commits_amount),
            part_commits_usage: self.part_commits_usage.saturating_add(other.part_commits_usage),
            part_commits_amount: self.part_commits_amount.saturating_add(other.part_commits_amount),
            adjustments: self.adjustments.saturating_add(other.adjustments),
            releases: self.releases.saturating_add(other.releases),
            extensions: self.extensions.saturating_add(other.extensions),
            expired: self.expired.saturating_add(other.expired),
            attested: self.attested.saturating_add(other.attested),
            asserted: self.asserted.saturating_add(other.asserted),
            recoveries: self.recoveries.saturating_add(other.recoveries),
            administration: self.administration.saturating_add(other.administration),
        }
    }
}

/// Something that a report does not prove.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NotProven {
    /// What came before the first checkpoint that is there: the log was pruned, and is on its word.
    Pruned {
        /// The last record before it.
        through: Sequence,
    },
    /// That nothing was cut off the end: no anchor was given.
    Completeness,
    /// That nothing was cut off after the anchor.
    AfterAnchor {
        /// The anchor's sequence.
        through: Sequence,
    },
    /// What follows the last whole frame: the log was read while it was written.
    LiveTail,
    /// That the holder of the key did not write the log anew.
    KeyHolder,
    /// That nobody wrote the log anew: it is unkeyed, and whoever can write its files can.
    Unkeyed,
    /// That the times are right: the host gave them.
    Clock,
    /// That decisions and balances follow: the chain alone was read.
    Contents,
    /// That the policies' prices and other columns are right: the host gave them.
    PolicyValues,
    /// That quantities observed are right: the host gave them.
    Usage {
        /// Commits that state them, those of parts included.
        commits: u64,
    },
    /// That amounts are right: they stand on the host's word.
    HostAmounts {
        /// Commits that state them, those of parts and adjustments included.
        commits: u64,
    },
    /// Who made requests: the host's word alone attests it.
    Attested {
        /// Admissions.
        admissions: u64,
    },
    /// Who made requests: the caller's word alone asserts it.
    Asserted {
        /// Admissions.
        admissions: u64,
    },
    /// What was in the tails that were cut: nothing acknowledged at the level synced, by the log's own word.
    Recoveries {
        /// Cuts.
        cuts: u64,
    },
}

impl NotProven {
    /// The word for it in documents.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Pruned { .. } => "pruned",
            Self::Completeness => "completeness",
            Self::AfterAnchor { .. } => "after_anchor",
            Self::LiveTail => "live_tail",
            Self::KeyHolder => "key_holder",
            Self::Unkeyed => "unkeyed",
            Self::Clock => "clock",
            Self::Contents => "contents",
            Self::PolicyValues => "policy_values",
            Self::Usage { .. } => "usage",
            Self::HostAmounts { .. } => "host_amounts",
            Self::Attested { .. } => "attested",
            Self::Asserted { .. } => "asserted",
            Self::Recoveries { .. } => "recoveries",
        }
    }

    /// What no reading of a chain can prove.
    pub(super) fn of_chain(summary: &Summary) -> Vec<Self> {
        let mut list = Vec::new();
        list.extend(summary.pruned.map(|Pruned { through, .. }| Self::Pruned { through }));
        list.push(match summary.completeness {
            Completeness::Proven { through } => Self::AfterAnchor { through },
            Completeness::Unproven => Self::Completeness,
        });
        if summary.live {
            list.push(Self::LiveTail);
        }
        list.push(if summary.key_mode == KeyMode::Unkeyed { Self::Unkeyed } else { Self::KeyHolder });
        list.push(Self::Clock);
        list
    }

    /// What no replay can prove.
    pub(super) fn of_replay(summary: &Summary, calls: &Calls) -> Vec<Self> {
        let mut list = Self::of_chain(summary);
        list.push(Self::PolicyValues);
        let usage = calls.commits_usage.saturating_add(calls.part_commits_usage);
        let amounts = calls.commits_amount.saturating_add(calls.part_commits_amount);
        let amounts = amounts.saturating_add(calls.adjustments);
        let counted = [
            (usage, Self::Usage { commits: usage }),
            (amounts, Self::HostAmounts { commits: amounts }),
            (calls.attested, Self::Attested { admissions: calls.attested }),
            (calls.asserted, Self::Asserted { admissions: calls.asserted }),
            (calls.recoveries, Self::Recoveries { cuts: calls.recoveries }),
        ];
        list.extend(counted.into_iter().filter(|(count, _)| *count > 0).map(|(_, what)| what));
        list
    }
}

impl fmt::Display for NotProven {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pruned { through } => {
                write!(
                    f,
                    "what came before: the log is pruned, and trusts its first checkpoint, at sequence {through}"
                )
            }
            Self::Completeness => {
                write!(
                    f,
                    "completeness unproven: no anchor was given, and records may have been cut off the end"
                )
            }
            Self::AfterAnchor { through } => {
                write!(f, "that no record after the anchor's, {through}, was cut off the end")
            }
            Self::LiveTail => write!(f, "what follows the last whole frame: the log was read while written"),
            Self::KeyHolder => write!(f, "that no holder of the key wrote the log anew"),
            Self::Unkeyed => write!(f, "that nobody wrote the log anew or altered it: it has no key"),
            Self::Clock => write!(f, "that the times are right: the host gave them"),
            Self::Contents => {
                write!(f, "that decisions and balances follow from the records: replay shows that")
            }
            Self::PolicyValues => {
                write!(f, "that the policies' prices and columns are right: the host gave them")
            }
            Self::Usage { commits } => {
                write!(f, "that the quantities observed are right: the host gave them, in {commits} commits")
            }
            Self::HostAmounts { commits } => {
                write!(
                    f,
                    "that amounts are right: {commits} commits or adjustments state one on the host's word"
                )
            }
            Self::Attested { admissions } => {
                write!(f, "who made {admissions} requests: the host attests it, and nobody else")
            }
            Self::Asserted { admissions } => {
                write!(f, "who made {admissions} requests: their callers assert it, and nobody checked")
            }
            Self::Recoveries { cuts } => {
                write!(f, "what was in {cuts} torn tails that opening cut: the records name their digests")
            }
        }
    }
}

impl Calls {
    pub(super) fn count(&mut self, record: &Record) {
        let one = |counter: &mut u64| *counter = counter.saturating_add(1);
        match record {
            Record::Admission(call) => {
                self.count_outcome(&call.outcome);
                one(match call.arguments.principal {
                    Principal::Attested(_) => &mut self.attested,
                    Principal::Asserted(_) => &mut self.asserted,
                });
            }
            Record::Reroute(call) => {
                self.count_outcome(&call.outcome.admission);
                one(&mut self.reroutes);
            }
            Record::Commit(call) => one(match call.arguments.spend {
                Spend::Usage { .. } => &mut self.commits_usage,
                Spend::Amount(_) => &mut self.commits_amount,
            }),
            Record::PartCommit(call) => one(match call.arguments.spend {
                Spend::Usage { .. } => &mut self.part_commits_usage,
                Spend::Amount(_) => &mut self.part_commits_amount,
            }),
            Record::Adjust(_) => one(&mut self.adjustments),
            Record::Release(_) => one(&mut self.releases),
            Record::Extend(_) => one(&mut self.extensions),
            Record::Expire(expire) => {
                let holds = u64::try_from(expire.holds().len()).unwrap_or(u64::MAX);
                self.expired = self.expired.saturating_add(holds);
            }
            Record::Recovery(_) => one(&mut self.recoveries),
            Record::Terms(_)
            | Record::Policy(_)
            | Record::Halt(_)
            | Record::CandidateSwitch(_)
            | Record::Account(_)
            | Record::Grant(_)
            | Record::Reparent(_)
            | Record::Boundary(_)
            | Record::Retention(_)
            | Record::AccountClosed(_) => one(&mut self.administration),
        }
    }

    fn count_outcome(&mut self, outcome: &AdmissionOutcome) {
        let counter = match outcome {
            AdmissionOutcome::Admitted { .. } => &mut self.admitted,
            AdmissionOutcome::DeniedPolicy { .. } => &mut self.denied_policy,
            AdmissionOutcome::DeniedBudget { .. } => &mut self.denied_budget,
            AdmissionOutcome::DeniedThrottle { .. } => &mut self.denied_throttle,
            AdmissionOutcome::DeniedHalted => &mut self.denied_halted,
        };
        *counter = counter.saturating_add(1);
    }
}
