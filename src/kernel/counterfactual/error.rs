//! Why a counterfactual has no answer.

use core::fmt;

use crate::{id::CandidateId, kernel::RequestError};

/// Why it cannot be said what would make a candidate win.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CounterfactualError {
    /// The request is malformed for the policy.
    Request(RequestError),
    /// The catalog has no such candidate.
    CandidateUnknown {
        /// The number that was given.
        candidate: CandidateId,
    },
}

/// Why two policies cannot be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CompareError {
    /// The policies have different schemas: no request can be put to both.
    SchemasDiffer,
    /// The disabled candidates given with the policy before are those of another policy.
    DisabledBefore,
    /// The disabled candidates given with the policy after are those of another policy.
    DisabledAfter,
}

impl fmt::Display for CounterfactualError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request(error) => error.fmt(f),
            Self::CandidateUnknown { candidate } => write!(f, "the catalog has no candidate {candidate}"),
        }
    }
}

impl core::error::Error for CounterfactualError {}

impl From<RequestError> for CounterfactualError {
    fn from(error: RequestError) -> Self {
        Self::Request(error)
    }
}

impl fmt::Display for CompareError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SchemasDiffer => "the policies have different schemas",
            Self::DisabledBefore => "the candidates disabled before are those of another policy",
            Self::DisabledAfter => "the candidates disabled after are those of another policy",
        })
    }
}

impl core::error::Error for CompareError {}
