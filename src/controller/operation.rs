//! Operations that were carried out, remembered by id for as long as the horizon says. SEMANTICS 11.

use alloc::collections::{BTreeMap, BinaryHeap};
use core::cmp::Reverse;

use super::fault::Fault;
use crate::{
    codec::Reader,
    crypto::Digest,
    id::{OperationId, Sequence},
    num::Timestamp,
    record::{
        Admission, AdmissionOutcome, Arguments as _, Commit, CommitOutcome, Extend, ExtendOutcome, Kind,
        Operation, RecordError, Release, ReleaseOutcome, Reroute, RerouteOutcome, Terms,
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
    /// A request was decided again.
    Reroute(RerouteOutcome),
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
            Kind::Reroute => Self::Reroute(Reroute::decode_outcome(&mut reader)?),
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

pub(super) struct Operations {
    by_id: BTreeMap<OperationId, Remembered>,
    by_age: BinaryHeap<Reverse<(Timestamp, OperationId)>>,
}

impl Operations {
    pub(super) fn new() -> Self {
        Self { by_id: BTreeMap::new(), by_age: BinaryHeap::new() }
    }

    pub(super) fn find(&self, id: &OperationId) -> Option<&Remembered> {
        self.by_id.get(id)
    }

    pub(super) fn len(&self) -> usize {
        self.by_id.len()
    }

    /// What the operation did before, if it did; else whether it may be carried out now. SEMANTICS 11.2, 11.3.
    pub(super) fn check(
        &mut self,
        operation: Operation,
        digest: Digest,
        terms: &Terms,
        now: Timestamp,
    ) -> Result<Option<Remembered>, Fault> {
        let oldest = Timestamp(now.0.saturating_sub_unsigned(terms.operation_horizon_ns));
        self.forget(oldest);
        let latest = Timestamp(now.0.saturating_add_unsigned(terms.clock_jump_ns_max));
        if operation.issued < oldest {
            return Err(Fault::Stale { issued: operation.issued, oldest });
        }
        if operation.issued > latest {
            return Err(Fault::ClockJump { seen: operation.issued, latest });
        }
        match self.by_id.get(&operation.id) {
            Some(before) if before.digest == digest => Ok(Some(*before)),
            Some(_) => Err(Fault::IdReused { id: operation.id }),
            None if self.by_id.len() >= usize::try_from(terms.operations_max).unwrap_or(usize::MAX) => {
                Err(Fault::OperationsFull { max: terms.operations_max })
            }
            None => Ok(None),
        }
    }

    pub(super) fn remember(&mut self, id: OperationId, what: Remembered) {
        self.by_age.push(Reverse((what.issued, id)));
        self.by_id.insert(id, what);
    }

    fn forget(&mut self, oldest: Timestamp) {
        while let Some(Reverse((issued, id))) = self.by_age.peek() {
            if *issued >= oldest {
                break;
            }
            self.by_id.remove(id);
            self.by_age.pop();
        }
    }
}
