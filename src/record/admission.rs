//! Requests decided, the first time and again after a failure.

use alloc::{boxed::Box, vec::Vec};
use core::borrow::Borrow;

use super::call::{Arguments, ReadArguments};
use super::error::RecordError;
use super::kind::Kind;
use super::operation::Principal;
use super::path::Path;
use super::settlement::{read_amount, read_hold};
use crate::caps::{Binding, Bound};
use crate::codec::{CodecError, Reader, Writer};
use crate::crypto::Digest;
use crate::id::{AccountId, CandidateId, Epoch, Sequence};
use crate::kernel::{Choice, Decision, Request};
use crate::limits::THROTTLES_MAX;
use crate::num::{Amount, MicroUnits, Timestamp};
use crate::policy::Schema;

/// Decide a request, and hold its cost. FORMAT 9.7.
///
/// The request is the record's own, or, where one is only written, the caller's.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(bound = "R: Borrow<Request>"))]
pub struct Admission<R = Box<Request>> {
    /// Who made the request.
    pub principal: Principal,
    /// The accounts that pay.
    pub path: Path,
    /// What was asked.
    #[cfg_attr(feature = "serde", serde(serialize_with = "super::shown::request"))]
    pub request: R,
}

/// What an admission or a reroute came to. FORMAT 9.8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
pub enum AdmissionOutcome {
    /// The selected candidate may serve; the record's sequence names the hold of its cost.
    Admitted {
        /// The decision, which selects.
        decided: Decided,
        /// When the hold is due.
        #[cfg_attr(feature = "serde", serde(rename = "deadline_ns"))]
        deadline: Timestamp,
    },
    /// The policy denies, whatever the accounts have.
    DeniedPolicy {
        /// The decision, which denies.
        decided: Decided,
    },
    /// What the policy selects, the accounts cannot pay.
    DeniedBudget {
        /// The decision under what they can pay, which denies.
        decided: Decided,
        /// What has the least, or has no room for a hold. SEMANTICS 9.4 and 10.1.
        binding: Binding,
    },
    /// What could be held does not pass a throttle.
    DeniedThrottle {
        /// The decision, which selects.
        decided: Decided,
        /// The account.
        account: AccountId,
        /// Which of its throttles.
        throttle: u8,
    },
    /// Admissions are halted: nothing was decided.
    DeniedHalted,
}

impl AdmissionOutcome {
    /// The decision, unless the denial is for a halt.
    #[must_use]
    pub const fn decided(&self) -> Option<&Decided> {
        match self {
            Self::Admitted { decided, .. }
            | Self::DeniedPolicy { decided }
            | Self::DeniedBudget { decided, .. }
            | Self::DeniedThrottle { decided, .. } => Some(decided),
            Self::DeniedHalted => None,
        }
    }
}

/// A decision, and the limit it was made with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Decided {
    /// What the accounts could pay, where the decision was made with that; `None` where it was made with the
    /// request's own limit. SEMANTICS 10.1.
    #[cfg_attr(feature = "serde", serde(rename = "limit_micros_applied"))]
    pub limit_applied: Option<MicroUnits>,
    /// The decision, with the epoch and digest of the policy that made it.
    pub decision: Decision,
}

impl Decided {
    /// The selected candidate with the amount that its hold holds, where the decision selects one that can be held.
    #[must_use]
    pub fn held(&self) -> Option<(CandidateId, Amount)> {
        let Choice { candidate, cost, .. } = self.decision.selected?;
        Some((candidate, Amount::try_from(cost).ok()?))
    }
}

impl AdmissionOutcome {
    // FORMAT 9.8
    fn encode(&self, out: &mut Vec<u8>) {
        let code = match self {
            Self::Admitted { .. } => 0,
            Self::DeniedPolicy { .. } => 1,
            Self::DeniedBudget { .. } => 2,
            Self::DeniedThrottle { .. } => 3,
            Self::DeniedHalted => 4,
        };
        Writer::new(out).u8(code);
        if let Some(decided) = self.decided() {
            decided.encode(out);
        }
        match self {
            Self::Admitted { deadline, .. } => Writer::new(out).i64(deadline.0),
            Self::DeniedBudget { binding, .. } => write_binding(*binding, out),
            Self::DeniedThrottle { account, throttle, .. } => {
                let mut writer = Writer::new(out);
                writer.u32(account.0);
                writer.u8(*throttle);
            }
            Self::DeniedPolicy { .. } | Self::DeniedHalted => {}
        }
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, RecordError> {
        let code = reader.u8()?;
        let outcome = match code {
            0 => Self::Admitted { decided: Decided::decode(reader)?, deadline: Timestamp(reader.i64()?) },
            1 => Self::DeniedPolicy { decided: Decided::decode(reader)? },
            2 => Self::DeniedBudget { decided: Decided::decode(reader)?, binding: read_binding(reader)? },
            3 => Self::DeniedThrottle {
                decided: Decided::decode(reader)?,
                account: AccountId(reader.u32()?),
                throttle: reader.u8()?,
            },
            4 => Self::DeniedHalted,
            _ => return Err(reader.invalid("outcome of an admission").into()),
        };
        outcome.check()?;
        Ok(outcome)
    }

    /// The class, the decision and the limit go together. SEMANTICS 10.1.
    pub(crate) fn check(&self) -> Result<(), RecordError> {
        let contradiction = match self {
            Self::Admitted { decided, .. } | Self::DeniedThrottle { decided, .. }
                if decided.held().is_none() =>
            {
                "an admission whose decision selects nothing that can be held"
            }
            Self::DeniedThrottle { throttle, .. } if usize::from(*throttle) >= THROTTLES_MAX => {
                "a denial by a throttle that no account can have"
            }
            Self::DeniedBudget { decided, binding: Binding { bound: Bound::Holds, .. } } => {
                if decided.limit_applied.is_none() && decided.decision.selected.is_some() {
                    return Ok(());
                }
                "a denial by a cap on holds whose decision is not one of its own that selects"
            }
            Self::DeniedPolicy { decided } | Self::DeniedBudget { decided, .. }
                if decided.decision.selected.is_some() =>
            {
                "a denial whose decision selects a candidate"
            }
            Self::DeniedPolicy { decided } if decided.limit_applied.is_some() => {
                "a denial by the policy under what the accounts can pay"
            }
            Self::DeniedBudget { decided, .. } if decided.limit_applied.is_none() => {
                "a denial by a budget under the request's own limit"
            }
            _ => return Ok(()),
        };
        Err(RecordError::Contradiction { what: contradiction })
    }
}

/// What binds, as a denial says it.
pub(super) fn write_binding(binding: Binding, out: &mut Vec<u8>) {
    let mut writer = Writer::new(out);
    writer.u32(binding.account.0);
    writer.u8(binding.bound.code());
}

pub(super) fn read_binding(reader: &mut Reader<'_>) -> Result<Binding, CodecError> {
    let account = AccountId(reader.u32()?);
    let bound = Bound::from_code(reader.u8()?).ok_or_else(|| reader.invalid("what binds"))?;
    Ok(Binding { account, bound })
}

impl Decided {
    fn encode(&self, out: &mut Vec<u8>) {
        let mut writer = Writer::new(out);
        writer.u64(self.decision.epoch.0);
        writer.raw(&self.decision.policy.0);
        match self.limit_applied {
            None => writer.u8(0),
            Some(limit) => {
                writer.u8(1);
                writer.u64(limit.0);
            }
        }
        self.decision.encode(out);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, RecordError> {
        let epoch = Epoch(reader.u64()?);
        let policy = Digest(reader.array()?);
        let limit_applied = match reader.u8()? {
            0 => None,
            1 => Some(MicroUnits(reader.u64()?)),
            _ => return Err(reader.invalid("limit applied").into()),
        };
        Ok(Self { limit_applied, decision: Decision::decode(reader, epoch, policy)? })
    }
}

impl<R: Borrow<Request>> Arguments for Admission<R> {
    type Outcome = AdmissionOutcome;

    const KIND: Kind = Kind::Admission;

    fn encode(&self, out: &mut Vec<u8>) {
        self.principal.encode(out);
        self.path.encode(out);
        encode_request(self.request.borrow(), out);
    }

    fn encode_outcome(outcome: &AdmissionOutcome, out: &mut Vec<u8>) {
        outcome.encode(out);
    }
}

impl ReadArguments for Admission {
    fn decode(reader: &mut Reader<'_>, schema: Option<&Schema>) -> Result<Self, RecordError> {
        let schema = schema.ok_or(RecordError::SchemaMissing { kind: Self::KIND })?;
        Ok(Self {
            principal: Principal::decode(reader)?,
            path: Path::decode(reader)?,
            request: decode_request(reader, schema)?,
        })
    }

    fn decode_outcome(reader: &mut Reader<'_>) -> Result<AdmissionOutcome, RecordError> {
        AdmissionOutcome::decode(reader)
    }
}

/// Release a hold, and decide its request again without the candidate that failed. FORMAT 9.12.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Reroute {
    /// The hold that is released; its path pays again.
    pub hold: Sequence,
    /// The candidate that failed, which the request excludes.
    pub failed: CandidateId,
    /// What is asked now.
    #[cfg_attr(feature = "serde", serde(serialize_with = "super::shown::request"))]
    pub request: Box<Request>,
}

/// What a reroute came to: the hold is released, whatever was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct RerouteOutcome {
    /// What the released hold held.
    #[cfg_attr(feature = "serde", serde(rename = "given_back_micros"))]
    pub given_back: Amount,
    /// What was decided after that.
    pub admission: AdmissionOutcome,
}

impl Arguments for Reroute {
    type Outcome = RerouteOutcome;

    const KIND: Kind = Kind::Reroute;

    fn encode(&self, out: &mut Vec<u8>) {
        let mut writer = Writer::new(out);
        writer.u64(self.hold.0);
        writer.u32(self.failed.0);
        encode_request(&self.request, out);
    }

    fn encode_outcome(outcome: &RerouteOutcome, out: &mut Vec<u8>) {
        Writer::new(out).u64(outcome.given_back.micros());
        outcome.admission.encode(out);
    }
}

impl ReadArguments for Reroute {
    fn decode(reader: &mut Reader<'_>, schema: Option<&Schema>) -> Result<Self, RecordError> {
        let schema = schema.ok_or(RecordError::SchemaMissing { kind: Self::KIND })?;
        let hold = read_hold(reader)?;
        let failed = CandidateId(reader.u32()?);
        let request = decode_request(reader, schema)?;
        if !request.excluded().contains(&failed) {
            return Err(RecordError::Contradiction {
                what: "a reroute whose request does not exclude what failed",
            });
        }
        Ok(Self { hold, failed, request })
    }

    fn decode_outcome(reader: &mut Reader<'_>) -> Result<RerouteOutcome, RecordError> {
        let given_back = read_amount(reader)?;
        match AdmissionOutcome::decode(reader)? {
            AdmissionOutcome::DeniedThrottle { .. } => {
                Err(RecordError::Contradiction { what: "a reroute that a throttle denies" })
            }
            admission => Ok(RerouteOutcome { given_back, admission }),
        }
    }
}

/// A count of bytes in two, then the canonical form.
fn encode_request(request: &Request, out: &mut Vec<u8>) {
    let start = out.len();
    out.extend_from_slice(&[0; COUNT_BYTES]);
    request.encode(out);
    let bytes = out.len().saturating_sub(start).saturating_sub(COUNT_BYTES);
    let count = u16::try_from(bytes).unwrap_or(0);
    assert!(count > 0, "a request's canonical form has 4 bytes to a few hundred");
    if let Some(place) = out.get_mut(start..start.saturating_add(COUNT_BYTES)) {
        place.copy_from_slice(&count.to_le_bytes());
    }
}

const COUNT_BYTES: usize = 2;

fn decode_request(reader: &mut Reader<'_>, schema: &Schema) -> Result<Box<Request>, RecordError> {
    let bytes = reader.u16()?;
    Ok(Box::new(Request::decode(reader.raw(usize::from(bytes))?, schema)?))
}
