//! What a shadow has found, as plain data.

use alloc::vec::Vec;

use crate::{
    crypto::Digest,
    id::{Epoch, Sequence},
    kernel::{Choice, Decision, RequestError},
    num::MicroUnits,
};

/// How a shadow policy has decided so far. All of it is about the host's own past: nothing of it is recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct ShadowReport {
    /// The shadow policy's epoch.
    pub epoch: Epoch,
    /// The shadow policy's digest.
    pub policy: Digest,
    /// Requests that were put to it: those agreed, disagreed and failed.
    pub asked: u64,
    /// Decided alike: the same candidate at the same cost, or both deny.
    pub agreed: u64,
    /// Decided otherwise, by kind.
    pub disagreed: Disagreed,
    /// Not put to it: the queue was full, or another thread was at it.
    pub skipped: u64,
    /// Not decided: malformed under the shadow policy, or a bug in deciding.
    pub failed: u64,
    /// Waiting for [`drive_shadow`](crate::controller::Controller::drive_shadow).
    pub waiting: usize,
    /// The last disagreements, the oldest first.
    pub disagreements: Vec<Disagreement>,
    /// The last that failed.
    pub failure: Option<ShadowFailure>,
}

/// Disagreements by kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Disagreed {
    /// The same candidate at another cost.
    pub other_cost: u64,
    /// Another candidate.
    pub other_candidate: u64,
    /// The policy in force selects a candidate, the shadow denies.
    pub denies: u64,
    /// The policy in force denies, the shadow selects a candidate.
    pub executes: u64,
}

/// In which way two decisions differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
pub enum DisagreementKind {
    /// The same candidate at another cost.
    OtherCost,
    /// Another candidate.
    OtherCandidate,
    /// The policy in force selects a candidate, the shadow denies.
    Denies,
    /// The policy in force denies, the shadow selects a candidate.
    Executes,
}

/// One request that was decided otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Disagreement {
    /// The record of the decision in force.
    pub sequence: Sequence,
    /// In which way the two differ.
    pub kind: DisagreementKind,
    /// The limit that what could be paid put on both, if it did.
    #[cfg_attr(feature = "serde", serde(rename = "limit_micros_applied"))]
    pub limit_applied: Option<MicroUnits>,
    /// The decision in force.
    pub in_force: Decision,
    /// The shadow's.
    pub shadow: Decision,
}

/// A request that the shadow could not decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShadowFailure {
    /// The record of the decision in force.
    pub sequence: Sequence,
    /// Why it is malformed under the shadow policy; `None` where deciding panicked: a bug, please report it.
    pub error: Option<RequestError>,
}

impl Disagreed {
    /// All of them.
    #[must_use]
    pub fn total(&self) -> u64 {
        let Self { other_cost, other_candidate, denies, executes } = *self;
        [other_cost, other_candidate, denies, executes].into_iter().fold(0, u64::saturating_add)
    }

    pub(super) fn count(&mut self, kind: DisagreementKind) {
        let counter = match kind {
            DisagreementKind::OtherCost => &mut self.other_cost,
            DisagreementKind::OtherCandidate => &mut self.other_candidate,
            DisagreementKind::Denies => &mut self.denies,
            DisagreementKind::Executes => &mut self.executes,
        };
        *counter = counter.saturating_add(1);
    }
}

impl DisagreementKind {
    /// How the shadow's decision differs from the one in force, if it does. Actions, reasons, utilities and
    /// runners-up may differ all the same.
    pub(super) fn of(in_force: &Decision, shadow: &Decision) -> Option<Self> {
        let what = |choice: Choice| (choice.candidate, choice.cost);
        match (in_force.selected.map(what), shadow.selected.map(what)) {
            (None, None) => None,
            (Some(_), None) => Some(Self::Denies),
            (None, Some(_)) => Some(Self::Executes),
            (Some((one, _)), Some((other, _))) if one != other => Some(Self::OtherCandidate),
            (Some((_, one)), Some((_, other))) if one != other => Some(Self::OtherCost),
            (Some(_), Some(_)) => None,
        }
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for ShadowFailure {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use alloc::string::ToString as _;
        use serde::ser::SerializeStruct as _;
        let mut shown = serializer.serialize_struct("ShadowFailure", 2)?;
        shown.serialize_field("sequence", &self.sequence)?;
        shown.serialize_field("error", &self.error.map(|error| error.to_string()))?;
        shown.end()
    }
}
