//! Operations that were carried out, remembered by id for as long as the horizon says. SEMANTICS 11.

use alloc::collections::{BTreeMap, BTreeSet};

use super::fault::Fault;
use crate::{
    codec::Reader,
    crypto::Digest,
    id::{OperationId, Sequence},
    num::Timestamp,
    record::{
        Adjust, AdjustOutcome, Admission, AdmissionOutcome, Commit, CommitOutcome, Extend, ExtendOutcome,
        Kind, Operation, PartCommit, PartCommitOutcome, ReadArguments as _, RecordError, Release,
        ReleaseOutcome, Reroute, RerouteOutcome, Terms,
    },
};

/// What an operation did the first time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
pub enum Outcome {
    /// A request was decided.
    Admission(AdmissionOutcome),
    /// A hold ended with what was spent.
    Commit(CommitOutcome),
    /// A hold ended with nothing spent.
    Release(ReleaseOutcome),
    /// A hold was extended, or not.
    Extend(ExtendOutcome),
    /// A part of a hold was spent.
    PartCommit(PartCommitOutcome),
    /// A request was decided again.
    Reroute(RerouteOutcome),
    /// A settled hold was corrected.
    Adjust(AdjustOutcome),
    /// A grant was made.
    Grant,
}

impl Outcome {
    /// Reads the outcome part of a record of that kind. FORMAT 10.9.
    pub(super) fn decode(kind: Kind, bytes: &[u8]) -> Result<Self, RecordError> {
        let mut reader = Reader::new(bytes);
        let outcome = match kind {
            Kind::Admission => Self::Admission(Admission::decode_outcome(&mut reader)?),
            Kind::Commit => Self::Commit(Commit::decode_outcome(&mut reader)?),
            Kind::Release => Self::Release(Release::decode_outcome(&mut reader)?),
            Kind::Extend => Self::Extend(Extend::decode_outcome(&mut reader)?),
            Kind::PartCommit => Self::PartCommit(PartCommit::decode_outcome(&mut reader)?),
            Kind::Reroute => Self::Reroute(Reroute::decode_outcome(&mut reader)?),
            Kind::Adjust => Self::Adjust(Adjust::decode_outcome(&mut reader)?),
            Kind::Grant => Self::Grant,
            other => return Err(RecordError::Kind { seen: other.code() }),
        };
        reader.finish()?;
        Ok(outcome)
    }
}

/// An operation that is remembered: its record and what it did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Remembered {
    /// When the caller issued it.
    #[cfg_attr(feature = "serde", serde(rename = "issued_ns"))]
    pub issued: Timestamp,
    /// The digest of its kind and arguments. FORMAT 9.3.
    pub digest: Digest,
    /// Its record.
    pub sequence: Sequence,
    /// What it did.
    pub outcome: Outcome,
    /// The slot of the hold that it opened, if that hold may still be there.
    #[cfg_attr(feature = "serde", serde(skip))]
    pub(super) slot: Option<u32>,
}

/// Operations by id, and in the order in which they will be forgotten.
pub(super) struct Operations {
    by_id: BTreeMap<OperationId, Remembered>,
    by_age: BTreeSet<(Timestamp, OperationId)>,
}

impl Operations {
    pub(super) fn new() -> Self {
        Self { by_id: BTreeMap::new(), by_age: BTreeSet::new() }
    }

    pub(super) fn find(&self, id: &OperationId) -> Option<&Remembered> {
        self.by_id.get(id)
    }

    pub(super) fn len(&self) -> usize {
        self.by_id.len()
    }

    /// What the operation did before, if it did; else whether it may be carried out now. Nothing is forgotten here,
    /// since the call may yet come to nothing and leave the log's time as it is. SEMANTICS 11.2, 11.3.
    pub(super) fn check(
        &self,
        operation: Operation,
        digest: Digest,
        terms: &Terms,
        now: Timestamp,
    ) -> Result<Option<Remembered>, Fault> {
        let Operation { id, issued } = operation;
        let oldest = oldest(now, terms.operation_horizon_ns);
        let latest = Timestamp(now.0.saturating_add_unsigned(terms.clock_jump_ns_max));
        if issued < oldest {
            return Err(Fault::Stale { issued, oldest });
        }
        if issued > latest {
            return Err(Fault::ClockJump { seen: issued, latest });
        }
        match self.by_id.get(&id).filter(|before| before.issued >= oldest) {
            Some(before) if before.digest == digest => Ok(Some(*before)),
            Some(_) => Err(Fault::IdReused { id }),
            None if self.is_full(oldest, terms) => Err(Fault::OperationsFull { max: terms.operations_max }),
            None => Ok(None),
        }
    }

    /// Whether as many are remembered as may be, those not counted that are forgotten by then.
    fn is_full(&self, oldest: Timestamp, terms: &Terms) -> bool {
        let max = usize::try_from(terms.operations_max).unwrap_or(usize::MAX);
        let Some(above) = self.by_id.len().checked_sub(max) else { return false };
        self.by_age.iter().take_while(|(issued, _)| *issued < oldest).take(above.saturating_add(1)).count()
            <= above
    }

    pub(super) fn remember(&mut self, id: OperationId, what: Remembered) {
        self.by_age.insert((what.issued, id));
        self.by_id.insert(id, what);
    }

    /// Forgets what was issued more than the horizon before the log's time. SEMANTICS 11.3.
    pub(super) fn forget(&mut self, log_time: Timestamp, horizon_ns: u64) {
        let oldest = oldest(log_time, horizon_ns);
        while let Some((issued, id)) = self.by_age.first().copied()
            && issued < oldest
        {
            self.by_age.pop_first();
            self.by_id.remove(&id);
        }
    }
}

/// The oldest issue time that is still remembered.
fn oldest(now: Timestamp, horizon_ns: u64) -> Timestamp {
    Timestamp(now.0.saturating_sub_unsigned(horizon_ns))
}
