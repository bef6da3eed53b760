//! Operations remembered within the horizon, so that a retry gets the first outcome. SEMANTICS 11.

use std::boxed::Box;
use std::collections::{BTreeMap, BTreeSet};

use super::hold::is_older;
use super::mismatch::Mismatch;
use crate::codec::Reader;
use crate::crypto::Digest;
use crate::id::{OperationId, Sequence};
use crate::num::Timestamp;
use crate::record::{Kind, Operation, ReadArguments, RecordError, Terms};

/// What is remembered of an operation. FORMAT 10.9.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remembered {
    /// When the caller first issued it.
    pub issued: Timestamp,
    /// The digest of its kind and arguments. FORMAT 9.3.
    pub digest: Digest,
    /// The kind of its record.
    pub kind: Kind,
    /// Its record.
    pub sequence: Sequence,
    /// The bytes of its outcome.
    pub(super) outcome: Box<[u8]>,
}

impl Remembered {
    /// The outcome, where the operation is of that kind.
    ///
    /// # Errors
    /// It is of another kind.
    pub fn outcome<A: ReadArguments>(&self) -> Result<A::Outcome, RecordError> {
        if A::KIND != self.kind {
            return Err(RecordError::Kind { seen: self.kind.code() });
        }
        let mut reader = Reader::new(&self.outcome);
        let outcome = A::decode_outcome(&mut reader)?;
        reader.finish()?;
        Ok(outcome)
    }

    /// The bytes of the outcome, as the record has them.
    #[must_use]
    pub fn outcome_bytes(&self) -> &[u8] {
        &self.outcome
    }
}

/// Operations by id, and in the order in which they will be forgotten.
#[derive(Debug, Default)]
pub(super) struct Operations {
    remembered: BTreeMap<OperationId, Remembered>,
    issued: BTreeSet<(Timestamp, OperationId)>,
}

impl Operations {
    pub(super) fn iter(&self) -> impl Iterator<Item = (&OperationId, &Remembered)> {
        self.remembered.iter()
    }

    pub(super) fn len(&self) -> usize {
        self.remembered.len()
    }

    pub(super) fn find(&self, id: &OperationId) -> Option<&Remembered> {
        self.remembered.get(id)
    }

    /// Whether a record at `now` can be the first of the operation. SEMANTICS 11.2 and 11.3.
    pub(super) fn check_new(
        &self,
        operation: Operation,
        now: Timestamp,
        terms: &Terms,
    ) -> Result<(), Mismatch> {
        let Operation { id, issued } = operation;
        let forgotten = |issued| is_older(issued, now, terms.operation_horizon_ns);
        if let Some(first) = self.find(&id).filter(|first| !forgotten(first.issued)) {
            return Err(Mismatch::OperationReused { id, first: first.sequence });
        }
        if forgotten(issued) {
            return Err(Mismatch::OperationStale { issued, effective: now });
        }
        if is_older(now, issued, terms.clock_jump_ns_max) {
            return Err(Mismatch::OperationAhead { issued, effective: now });
        }
        let max = usize::try_from(terms.operations_max).unwrap_or(usize::MAX);
        // What time has ended is forgotten when the record is applied, so it does not count.
        if self.len() >= max {
            let ended = self.issued.iter().take_while(|(issued, _)| forgotten(*issued)).count();
            if self.len().saturating_sub(ended) >= max {
                return Err(Mismatch::OperationsFull { max: terms.operations_max });
            }
        }
        Ok(())
    }

    pub(super) fn insert(&mut self, id: OperationId, remembered: Remembered) {
        self.issued.insert((remembered.issued, id));
        self.remembered.insert(id, remembered);
    }

    /// Removes what was issued more than the horizon ago. SEMANTICS 11.3.
    pub(super) fn forget(&mut self, now: Timestamp, horizon_ns: u64) {
        while let Some((issued, id)) = self.issued.first().copied()
            && is_older(issued, now, horizon_ns)
        {
            self.issued.remove(&(issued, id));
            self.remembered.remove(&id);
        }
    }
}
