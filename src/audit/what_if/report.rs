//! What another policy would have changed, as plain data.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::assumption::Assumption;
use crate::audit::{ReplayReport, Verdict};
use crate::crypto::Digest;
use crate::id::{AccountId, CandidateId, Epoch, Name, Sequence};
use crate::policy::MemberId;

/// What accounts are taken to pay when a request is decided again. SEMANTICS 16.3.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
pub enum Budgets {
    /// What the record says: the limit applied where one was, else whatever it costs.
    #[default]
    Recorded,
    /// What an estimate of each account has left when all requests before were decided by the other policy too.
    Simulated,
}

/// A log decided again under another policy. Every figure for now is an estimate, under the assumptions listed.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
#[must_use]
pub struct WhatIfReport {
    /// What accounts were taken to pay.
    pub budgets: Budgets,
    /// The other policy.
    pub policy: PolicyTold,
    /// Every request of the log, by what became of it and what would have; the rows add up to all of them.
    pub decisions: Vec<DecisionsRow>,
    /// What was and would have been held and spent.
    pub money: Money,
    /// Extensions that were and would have been granted.
    pub extensions: Extensions,
    /// Accounts for which something would have changed.
    pub accounts_changed: u64,
    /// The most affected of them: by what is spent, then by what is held, then in the order of their handles.
    pub accounts: Vec<AccountRow>,
    /// Every candidate that was or would have been selected, those with most requests gained or lost first.
    pub candidates: Vec<CandidateRow>,
    /// What could not be decided again, by cause.
    pub undecided: Vec<UndecidedRow>,
    /// What was taken for granted.
    pub assumptions: Vec<Assumption>,
    /// What the replay of the log has shown, and what it has not.
    pub replay: ReplayReport,
}

impl WhatIfReport {
    /// Requests that changed so.
    #[must_use]
    pub fn count(&self, change: Change) -> u64 {
        let rows = self.decisions.iter().filter(|row| row.change == change);
        rows.map(|row| row.count).fold(0, u64::saturating_add)
    }
}

/// Which policy decided again.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct PolicyTold {
    /// Its name.
    pub name: Box<str>,
    /// Its epoch.
    pub epoch: Epoch,
    /// Its digest.
    pub digest: Digest,
}

/// What would have changed for a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
pub enum Change {
    /// Nothing: the same candidate at the same cost, or a denial of the same class.
    Same,
    /// The same candidate at another cost.
    OtherCost,
    /// Another candidate.
    OtherCandidate,
    /// It executed, and would have been denied.
    Denied,
    /// It was denied, and would have executed.
    Executed,
    /// It was denied, and would have been in another class.
    OtherDenial,
    /// A reroute of a hold that there would not have been: it would not have been asked.
    NotAsked,
    /// It could not be decided again, and stays as it was recorded.
    Undecided,
}

/// What came of a request, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
pub enum Class {
    /// A candidate serves.
    Admitted,
    /// The policy denies.
    DeniedPolicy,
    /// The accounts cannot pay.
    DeniedBudget,
    /// A throttle denies.
    DeniedThrottle,
    /// It is halted.
    DeniedHalted,
}

impl From<&Verdict> for Class {
    fn from(verdict: &Verdict) -> Self {
        match verdict {
            Verdict::Admitted { .. } => Self::Admitted,
            Verdict::DeniedPolicy { .. } => Self::DeniedPolicy,
            Verdict::DeniedBudget { .. } => Self::DeniedBudget,
            Verdict::DeniedThrottle { .. } => Self::DeniedThrottle,
            Verdict::DeniedHalted => Self::DeniedHalted,
        }
    }
}

/// Requests that changed alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct DecisionsRow {
    /// How.
    pub change: Change,
    /// What came of them.
    pub then: Class,
    /// What would have come of them; `None` where nothing would have been asked or nothing could be decided.
    pub now: Option<Class>,
    /// How many.
    pub count: u64,
    /// Of these, how many were reroutes.
    pub reroutes: u64,
    /// The first of them.
    pub first: Sequence,
    /// What was and would have been held for them, extensions not counted.
    pub held: Compared,
}

/// Sums of money, as recorded and as estimated, in micro-units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Compared {
    /// As recorded.
    pub then_micros: i128,
    /// As estimated.
    pub now_micros: i128,
    /// Now less then.
    pub difference_micros: i128,
}

impl Compared {
    /// Adds one amount on either side.
    pub(super) fn add(&mut self, then_micros: u64, now_micros: u64) {
        // OK because each amount is below 2⁶³, and there are fewer than 2⁶⁴ records.
        self.then_micros = self.then_micros.saturating_add(then_micros.into());
        self.now_micros = self.now_micros.saturating_add(now_micros.into());
        self.difference_micros = self.now_micros.saturating_sub(self.then_micros);
    }
}

/// What was and would have been held and spent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Money {
    /// Held by admissions, reroutes and extensions, each counted when it was taken.
    pub held: Compared,
    /// Spent, by what settlements say, whether it could be booked or not.
    pub spent: Compared,
}

/// Extensions of holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Extensions {
    /// As recorded.
    pub then: u64,
    /// As estimated.
    pub now: u64,
}

/// What would have changed for an account; what is said counts the requests of its descendants too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct AccountRow {
    /// Its handle.
    pub id: AccountId,
    /// Its name.
    pub name: Name,
    /// Requests that executed.
    pub executed_then: u64,
    /// Requests that would have.
    pub executed_now: u64,
    /// Requests of its own and of its descendants for which something would have changed.
    pub changed: u64,
    /// What was and would have been held and spent.
    #[cfg_attr(feature = "serde", serde(flatten))]
    pub money: Money,
}

/// What would have changed for a candidate.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct CandidateRow {
    /// Its number.
    pub id: CandidateId,
    /// Its name in the other policy, else in the one that selected it.
    pub name: Box<str>,
    /// Requests for which it was selected.
    pub selected_then: u64,
    /// Requests for which it would have been.
    pub selected_now: u64,
    /// Those for which it would have been and was not.
    pub gained: u64,
    /// Those for which it was and would not have been.
    pub lost: u64,
    /// What was and would have been held and spent there.
    #[cfg_attr(feature = "serde", serde(flatten))]
    pub money: Money,
}

/// Requests that could not be decided again for one cause.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct UndecidedRow {
    /// Why.
    pub cause: Undecidable,
    /// The column of the gate that the cause names.
    pub column: Option<Box<str>>,
    /// The member's name in the policy that decided then.
    pub member: Option<Box<str>>,
    /// How many requests.
    pub count: u64,
    /// The first of them.
    pub first: Sequence,
}

/// Why a request is malformed under the other policy: a host that asked so would have been told so. SEMANTICS 4.5.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Undecidable {
    /// It was made for another schema.
    OtherSchema,
    /// The policy uses the value, which the request does not state.
    ValueMissing,
    /// The policy uses the confidence, which the request does not state.
    ConfidenceMissing,
    /// The policy uses the risk, which the request does not state.
    RiskMissing,
    /// It demands a member that the policy does not list.
    MemberUnknown {
        /// The gate's place in the schema.
        gate: usize,
        /// The least such member.
        member: MemberId,
    },
    /// It demands of a gate what none can have.
    DemandInvalid {
        /// The gate's place in the schema.
        gate: usize,
    },
    /// It is malformed in another way.
    Malformed,
}
