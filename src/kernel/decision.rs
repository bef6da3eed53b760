//! What the kernel says: the action, its reason, who was selected and who came next, and their canonical bytes.

use alloc::vec::Vec;
use core::fmt;

use crate::{
    codec::{CodecError, Reader, Writer},
    crypto::{Digest, Digester},
    id::{CandidateId, Epoch},
    limits::GATES_MAX,
    num::MicroUnits,
};

/// The outcome of one request under one policy. SEMANTICS 5.
///
/// It is for the host: it shows why. Only the kernel makes one, by deciding or by decoding what it once decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
#[must_use]
pub struct Decision {
    /// Execute the requested candidate (or the first, when none was requested), substitute another, or deny.
    pub action: Action,
    /// Why.
    pub reason: Reason,
    /// Who serves; nobody when the action is [`Action::Deny`].
    pub selected: Option<Choice>,
    /// The first in order among the other eligible candidates.
    pub runner_up: Option<Choice>,
    /// The epoch of the policy that decided.
    pub epoch: Epoch,
    /// The digest of the policy that decided.
    pub policy: Digest,
}

/// A candidate with what it costs and what it is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Choice {
    /// The candidate.
    pub candidate: CandidateId,
    /// What the request costs there. SEMANTICS 6.
    #[cfg_attr(feature = "serde", serde(rename = "cost_micros"))]
    pub cost: MicroUnits,
    /// Its utility in micro-units, clamped to `i64`; `None` when the policy has no utility. SEMANTICS 7.
    #[cfg_attr(feature = "serde", serde(rename = "utility_micros"))]
    pub utility: Option<i64>,
}

/// What is to be done with a request. The codes are frozen (FORMAT 4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
pub enum Action {
    /// The requested candidate serves, or the first in order when none was requested.
    Execute,
    /// Another than the requested candidate serves.
    Substitute,
    /// Nobody serves.
    Deny,
}

/// Why a decision is what it is. The codes are frozen (FORMAT 4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// The requested candidate executes.
    Requested,
    /// None was requested; the first in order executes.
    First,
    /// The requested candidate was eligible, but another is better.
    Outranked,
    /// The requested candidate was not eligible; another serves.
    RequestedIneligibleSubstituted,
    /// The request's risk reaches the policy's hard limit.
    RiskLimit,
    /// The request's confidence is below the policy's minimum.
    ConfidenceMinimum,
    /// Most candidates are disabled, by the policy or by the host.
    Disabled,
    /// Most candidates are excluded by the request.
    Excluded,
    /// Most candidates have no cost, or one above the limit.
    Cost,
    /// Most candidates have a utility that is unknown or not above 0.
    Utility,
    /// The requested candidate is not eligible, and the policy never substitutes.
    RequestedIneligible,
    /// Most candidates fail the gate at this place in the schema, from 0.
    Gate(u8),
}

impl Decision {
    /// Appends the canonical form. FORMAT 4.1.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let mut writer = Writer::new(out);
        writer.u8(self.action.code());
        writer.u8(self.reason.code());
        let utilities = self.selected.is_some_and(|choice| choice.utility.is_some());
        writer.u8(mask(self.selected.is_some(), 0) | mask(self.runner_up.is_some(), 1) | mask(utilities, 2));
        for choice in [self.selected, self.runner_up].into_iter().flatten() {
            writer.u32(choice.candidate.0);
            writer.u64(choice.cost.0);
            if let Some(utility) = choice.utility {
                writer.i64(utility);
            }
        }
    }

    /// Reads the canonical form of a decision that the policy of that epoch and digest made. FORMAT 4.1.
    ///
    /// # Errors
    /// The next bytes are not the canonical form of any decision.
    pub fn decode(reader: &mut Reader<'_>, epoch: Epoch, policy: Digest) -> Result<Self, CodecError> {
        let action = Action::from_code(reader.u8()?).ok_or_else(|| reader.invalid("action"))?;
        let reason = Reason::from_code(reader.u8()?).ok_or_else(|| reader.invalid("reason"))?;
        if reason.action() != action {
            return Err(reader.invalid("reason for its action"));
        }
        let present = reader.u8()?;
        let has = |bit: u8| present & mask(true, bit) != 0;
        let (selected, runner_up, utilities) = (has(0), has(1), has(2));
        // A denial has neither candidates nor utilities; every other decision has a selected one.
        if present > 0b111 || selected == (action == Action::Deny) || (!selected && present != 0) {
            return Err(reader.invalid("mask of a decision"));
        }
        let selected = if selected { Some(Choice::decode(reader, utilities)?) } else { None };
        let runner_up = if runner_up { Some(Choice::decode(reader, utilities)?) } else { None };
        if runner_up.is_some()
            && runner_up.map(|choice| choice.candidate) == selected.map(|choice| choice.candidate)
        {
            return Err(reader.invalid("runner-up"));
        }
        Ok(Self { action, reason, selected, runner_up, epoch, policy })
    }

    /// The digest of this decision on the request of that digest. FORMAT 4.3.
    #[must_use]
    pub fn digest(&self, request: Digest) -> Digest {
        let mut body = Vec::new();
        self.encode(&mut body);
        let mut digester = Digester::tagged("assize/decision/1");
        digester.update(&self.epoch.0.to_le_bytes());
        digester.update(&self.policy.0);
        digester.update(&request.0);
        digester.update(&body);
        digester.finish()
    }
}

impl Choice {
    fn decode(reader: &mut Reader<'_>, utilities: bool) -> Result<Self, CodecError> {
        Ok(Self {
            candidate: CandidateId(reader.u32()?),
            cost: MicroUnits(reader.u64()?),
            utility: if utilities { Some(reader.i64()?) } else { None },
        })
    }
}

impl Action {
    /// The frozen code. FORMAT 4.1.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Execute => 0,
            Self::Substitute => 1,
            Self::Deny => 2,
        }
    }

    /// The action of that code.
    #[must_use]
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            0 => Some(Self::Execute),
            1 => Some(Self::Substitute),
            2 => Some(Self::Deny),
            _ => None,
        }
    }
}

impl Reason {
    /// The frozen code. FORMAT 4.2.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Requested => 1,
            Self::First => 2,
            Self::Outranked => 3,
            Self::RequestedIneligibleSubstituted => 4,
            Self::RiskLimit => 16,
            Self::ConfidenceMinimum => 17,
            Self::Disabled => 18,
            Self::Excluded => 19,
            Self::Cost => 20,
            Self::Utility => 21,
            Self::RequestedIneligible => 22,
            Self::Gate(gate) => GATE_CODE.saturating_add(gate),
        }
    }

    /// The reason of that code.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        Some(match code {
            1 => Self::Requested,
            2 => Self::First,
            3 => Self::Outranked,
            4 => Self::RequestedIneligibleSubstituted,
            16 => Self::RiskLimit,
            17 => Self::ConfidenceMinimum,
            18 => Self::Disabled,
            19 => Self::Excluded,
            20 => Self::Cost,
            21 => Self::Utility,
            22 => Self::RequestedIneligible,
            _ => {
                let gate = code.checked_sub(GATE_CODE)?;
                return (usize::from(gate) < GATES_MAX).then_some(Self::Gate(gate));
            }
        })
    }

    /// The action that this reason is given for.
    #[must_use]
    pub const fn action(self) -> Action {
        match self {
            Self::Requested | Self::First => Action::Execute,
            Self::Outranked | Self::RequestedIneligibleSubstituted => Action::Substitute,
            Self::RiskLimit
            | Self::ConfidenceMinimum
            | Self::Disabled
            | Self::Excluded
            | Self::Cost
            | Self::Utility
            | Self::RequestedIneligible
            | Self::Gate(_) => Action::Deny,
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Execute => "execute",
            Self::Substitute => "substitute",
            Self::Deny => "deny",
        })
    }
}

/// The name that FORMAT 4.2 gives it; a gate is `gate_` and its place.
impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Requested => "requested",
            Self::First => "first",
            Self::Outranked => "outranked",
            Self::RequestedIneligibleSubstituted => "requested_ineligible_substituted",
            Self::RiskLimit => "risk_limit",
            Self::ConfidenceMinimum => "confidence_minimum",
            Self::Disabled => "disabled",
            Self::Excluded => "excluded",
            Self::Cost => "cost",
            Self::Utility => "utility",
            Self::RequestedIneligible => "requested_ineligible",
            Self::Gate(gate) => return write!(f, "gate_{gate}"),
        })
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for Reason {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

const fn mask(set: bool, bit: u8) -> u8 {
    if set { 1 << bit } else { 0 }
}

/// The code of gate 0; gate k has this and k. FORMAT 4.2.
const GATE_CODE: u8 = 32;
