//! What records of calls have in common: an operation, arguments, an outcome.

use alloc::vec::Vec;

use super::error::RecordError;
use super::kind::Kind;
use super::operation::Operation;
use crate::codec::Reader;
use crate::crypto::{Digest, Digester};
use crate::policy::Schema;

/// The record of one call: under which name it is retried, what was asked, and what came of it. FORMAT 9.2.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(bound = "A: serde::Serialize, A::Outcome: serde::Serialize"))]
pub struct Call<A: Arguments> {
    /// What makes a retry the same operation, if the caller said.
    pub operation: Option<Operation>,
    /// What was asked.
    #[cfg_attr(feature = "serde", serde(flatten))]
    pub arguments: A,
    /// What came of it.
    pub outcome: A::Outcome,
}

impl<A: Arguments> Call<A> {
    /// Appends the payload.
    pub fn encode(&self, out: &mut Vec<u8>) {
        Operation::encode(self.operation, out);
        self.arguments.encode(out);
        A::encode_outcome(&self.outcome, out);
    }
}

impl<A: ReadArguments> Call<A> {
    pub(super) fn decode(reader: &mut Reader<'_>, schema: Option<&Schema>) -> Result<Self, RecordError> {
        let operation = Operation::decode(reader)?;
        let arguments = A::decode(reader, schema)?;
        let outcome = A::decode_outcome(reader)?;
        arguments.check(&outcome)?;
        Ok(Self { operation, arguments, outcome })
    }
}

/// What a call was asked to do: the part of its record that a retry must repeat.
pub trait Arguments: Sized {
    /// What can come of it.
    type Outcome: Clone + core::fmt::Debug + PartialEq + Eq;

    /// The kind of its record.
    const KIND: Kind;

    /// Appends the arguments' bytes.
    fn encode(&self, out: &mut Vec<u8>);

    /// Appends an outcome's bytes.
    fn encode_outcome(outcome: &Self::Outcome, out: &mut Vec<u8>);

    /// The operation's digest. `scratch` is overwritten; it saves an allocation on each call. FORMAT 9.3.
    #[must_use]
    fn digest(&self, scratch: &mut Vec<u8>) -> Digest {
        scratch.clear();
        self.encode(scratch);
        let mut digester = Digester::tagged("assize/operation/1");
        digester.update(&Self::KIND.code().to_le_bytes());
        digester.update(scratch);
        digester.finish()
    }
}

/// Arguments that are read back as they were written.
pub trait ReadArguments: Arguments {
    /// Reads the arguments.
    ///
    /// # Errors
    /// The bytes are not theirs.
    fn decode(reader: &mut Reader<'_>, schema: Option<&Schema>) -> Result<Self, RecordError>;

    /// Reads an outcome.
    ///
    /// # Errors
    /// The bytes are none's.
    fn decode_outcome(reader: &mut Reader<'_>) -> Result<Self::Outcome, RecordError>;

    /// Whether the outcome can be one of these arguments.
    ///
    /// # Errors
    /// It contradicts them.
    fn check(&self, _outcome: &Self::Outcome) -> Result<(), RecordError> {
        Ok(())
    }
}
