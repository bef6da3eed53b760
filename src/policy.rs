//! Layer 3: what may be chosen. A policy is written as a [`Draft`] (in code, or as a TOML or JSON [`document`]),
//! checked once by [`Policy::freeze`], and from then on it is valid, digested, and never changes.
//!
//! Names become handles once, at start: [`Gate`], [`Members`] and [`Quantity`] are looked up in a [`Schema`] or a
//! [`Policy`] and carry the schema's tag, so that no request compares texts.
//! [`Llm`](llm::Llm) and [`Standard`](standard::Standard) hold the handles of the two shipped schemas.
//!
//! ```
//! use assize::policy::{CandidateDraft, CardDraft, Draft, Policy, SchemaDraft, ValueDraft, llm::Llm};
//!
//! let mut draft = Draft::new("models", 1, SchemaDraft::llm_1());
//! let mut candidate = CandidateDraft::new(1, "small");
//! candidate.values = vec![("quality".into(), ValueDraft::Number(8_400))];
//! candidate.cards = vec![CardDraft { above: 0, rates: vec![("input".into(), 1_000_000)] }];
//! draft.candidates.push(candidate);
//! let policy = Policy::freeze(draft.clone())?;
//! let llm = Llm::of(policy.schema())?;
//! assert_eq!(policy.candidates()[0].value(llm.quality.column()), Some(8_400));
//!
//! draft.candidates[0].values[0].1 = ValueDraft::Number(10_001);
//! let refused = Policy::freeze(draft).unwrap_err();
//! assert_eq!(refused.to_string(), "candidates[0] \"small\", column \"quality\": 10001 is above 10000 basis points");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod candidate;
mod check;
#[cfg(feature = "serde")]
pub mod document;
mod draft;
mod error;
mod freeze;
mod handle;
mod index;
mod kind;
pub mod llm;
mod member;
mod place;
mod schema;
pub mod standard;
mod wire;

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

pub use candidate::{Candidate, Card};
pub use draft::{
    CandidateDraft, CardDraft, ColumnDraft, Draft, GateDraft, LimitsDraft, MemberDraft, MembersDraft,
    QuantityDraft, SchemaDraft, SourceDraft, UtilityDraft, ValueDraft, WeightDraft,
};
pub use error::{OtherSchema, PolicyError, PolicyFault, SwapError};
pub use handle::{Gate, HandleError, Members, Number, Quantity, Set};
pub use kind::{ColumnIndex, ColumnKind, QuantityIndex, QuantityMask, Relation, Source};
pub use member::{MemberId, MemberSet};
pub use place::Place;
pub use schema::{Column, GateSpec, QuantitySpec, Schema, SchemaTag};

pub(crate) use index::{
    COLUMNS, Filter, GROUP, GROUPS, Index, LEAF, LEAVES, Members as MemberSlots, Passing, RATES, Slots,
    Statics, Table, Tables, Thresholds, WIDTHS, WORD, Word, WordRow, clear,
};

use crate::crypto::Digest;
use crate::id::{CandidateId, Epoch};
use crate::num::{Bps, MicroUnits};
use member::Listing;

/// A valid policy: what [`Policy::freeze`] or [`Policy::decode`] has checked. It never changes.
#[derive(Clone)]
pub struct Policy {
    name: Box<str>,
    epoch: Epoch,
    schema: Schema,
    limits: Limits,
    utility: Option<Utility>,
    substitution: Substitution,
    /// One for each column; empty for numeric ones.
    members: Vec<Listing>,
    /// Sorted by id.
    candidates: Vec<Candidate>,
    /// Places in `candidates`, sorted by name.
    by_name: Vec<usize>,
    index: Index,
    digest: Digest,
}

impl Policy {
    /// Checks a draft and freezes it.
    ///
    /// # Errors
    /// The first thing found wrong: its place, what was seen, and the bound.
    pub fn freeze(draft: Draft) -> Result<Self, PolicyError> {
        freeze::freeze(draft)
    }

    /// Reads a canonical form (FORMAT 2) and checks it as [`Policy::freeze`] does.
    ///
    /// # Errors
    /// The bytes are not the canonical form of a policy, or that policy is not valid.
    pub fn decode(canonical: &[u8]) -> Result<Self, PolicyError> {
        wire::decode(canonical)
    }

    /// Appends the canonical form (FORMAT 2), of which [`Policy::digest`] is the digest.
    pub fn encode(&self, out: &mut Vec<u8>) {
        wire::encode(self, out);
    }

    /// The digest of the canonical form, taken when the policy was frozen. It covers everything in it and does not
    /// depend on the order in which a document lists things.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// The policy's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its version.
    #[must_use]
    pub fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// Columns, gates and quantities.
    #[must_use]
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// Denials on the request alone.
    #[must_use]
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// How candidates are valued; without one, the least cost wins.
    #[must_use]
    pub fn utility(&self) -> Option<&Utility> {
        self.utility.as_ref()
    }

    /// What may take the place of a requested candidate.
    #[must_use]
    pub fn substitution(&self) -> Substitution {
        self.substitution
    }

    /// The catalog, sorted by id; 1 to 65,535 candidates.
    #[must_use]
    pub fn candidates(&self) -> &[Candidate] {
        &self.candidates
    }

    /// The candidate of that number.
    #[must_use]
    pub fn candidate(&self, id: CandidateId) -> Option<&Candidate> {
        self.candidates.get(self.position(id)?)
    }

    /// The place of that candidate in [`Policy::candidates`].
    #[must_use]
    pub fn position(&self, id: CandidateId) -> Option<usize> {
        self.candidates.binary_search_by_key(&id, Candidate::id).ok()
    }

    /// The candidate of that name.
    #[must_use]
    pub fn candidate_named(&self, name: &str) -> Option<&Candidate> {
        let at = self.by_name.binary_search_by_key(&Some(name), |&at| self.candidate_name(at)).ok()?;
        self.candidates.get(*self.by_name.get(at)?)
    }

    /// The members listed for that column; none for a numeric one.
    #[must_use]
    pub fn listed(&self, column: ColumnIndex) -> MemberSet {
        self.members.get(column.as_usize()).map_or(MemberSet::EMPTY, |listing| *listing.set())
    }

    /// The number of the member of that name in that column.
    #[must_use]
    pub fn member(&self, column: ColumnIndex, name: &str) -> Option<MemberId> {
        self.members.get(column.as_usize())?.id(name)
    }

    /// The name of that member of that column.
    #[must_use]
    pub fn member_name(&self, column: ColumnIndex, member: MemberId) -> Option<&str> {
        self.members.get(column.as_usize())?.name(member)
    }

    /// The policy as it can be written again. Freezing it gives the same digest.
    #[must_use]
    pub fn to_draft(&self) -> Draft {
        freeze::thaw(self)
    }

    /// The largest value that a candidate can have in that numeric column while the policy stays valid.
    pub(crate) fn value_max(&self, column: ColumnIndex) -> u64 {
        check::value_max(self, column)
    }

    /// Whether this policy may take the place of `previous`: a raised epoch, the same schema, and no number of a
    /// candidate or member given to another name. SEMANTICS 2.7.
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub fn check_follows(&self, previous: &Self) -> Result<(), SwapError> {
        check::follows(self, previous)
    }

    /// Checks what has its names resolved and its lists sorted, and digests it. `listed` has for each candidate its
    /// place in the listing that errors speak of, and is empty when that is its place among the sorted ones.
    fn seal(mut self, listed: &[usize]) -> Result<Self, PolicyError> {
        let mut by_name: Vec<usize> = (0..self.candidates.len()).collect();
        by_name.sort_by_key(|&at| self.candidate_name(at));
        self.by_name = by_name;
        check::policy(&self, listed)?;
        for card in self.candidates.iter_mut().flat_map(|candidate| &mut candidate.cards) {
            card.resolve(&self.schema);
        }
        self.index = Index::new(&self);
        let mut canonical = Vec::new();
        self.encode(&mut canonical);
        check::canonical_bytes(canonical.len())?;
        self.digest = Digest::of(wire::DIGEST_TAG, &canonical);
        Ok(self)
    }

    /// The catalog laid out for searching.
    pub(crate) fn index(&self) -> &Index {
        &self.index
    }

    fn candidate_name(&self, at: usize) -> Option<&str> {
        self.candidates.get(at).map(Candidate::name)
    }
}

impl fmt::Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Policy")
            .field("name", &self.name)
            .field("epoch", &self.epoch)
            .field("candidates", &self.candidates.len())
            .field("digest", &self.digest)
            .finish_non_exhaustive()
    }
}

/// Denials on the request alone. SEMANTICS 5.1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// A request with this risk or more is denied.
    pub risk_hard: Option<Bps>,
    /// A request with less confidence is denied.
    pub confidence_min: Option<Bps>,
}

/// How candidates are valued. SEMANTICS 7.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Utility {
    risk_multiplier_bps: u32,
    merit_unknown: Option<Bps>,
    weights: Vec<Weight>,
}

impl Utility {
    /// What a request's risk costs of its value; basis points, not bound by 10,000.
    #[must_use]
    pub fn risk_multiplier_bps(&self) -> u32 {
        self.risk_multiplier_bps
    }

    /// What unknown merit counts as; without it, such a candidate is not eligible.
    #[must_use]
    pub fn merit_unknown(&self) -> Option<Bps> {
        self.merit_unknown
    }

    /// What columns cost, sorted by column.
    #[must_use]
    pub fn weights(&self) -> &[Weight] {
        &self.weights
    }

    /// The candidate's merit as it counts, in basis points; `None` when it is unknown. SEMANTICS 7.2.
    #[inline]
    pub(crate) fn merit_of(&self, candidate: &Candidate, merit: Option<ColumnIndex>) -> Option<u64> {
        let known = merit.and_then(|column| candidate.value(column));
        known.or_else(|| self.merit_unknown.map(|merit| u64::from(merit.as_u16())))
    }

    /// Σ weight · column, in micro-units; `None` when it is unknown. Each weight is shown to `each` with what its
    /// column counts as. SEMANTICS 7.1 and 7.2.
    #[inline]
    pub(crate) fn penalty_of(
        &self,
        candidate: &Candidate,
        mut each: impl FnMut(&Weight, u64),
    ) -> Option<i128> {
        self.weights.iter().try_fold(0_i128, |penalty, weight| {
            let value = candidate.value(weight.column).or(weight.unknown)?;
            each(weight, value);
            // OK because freezing proved the sum of magnitudes below 2⁹⁶: SEMANTICS 7.3.
            Some(penalty.saturating_add(weight.times(value)))
        })
    }
}

/// What a column costs of a candidate's utility.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weight {
    column: ColumnIndex,
    micros_per_unit: i64,
    unknown: Option<u64>,
}

impl Weight {
    /// The column, of kind `bps` or `number`.
    #[must_use]
    pub fn column(&self) -> ColumnIndex {
        self.column
    }

    /// Micro-units that each unit of the column takes from utility; below zero, gives.
    #[must_use]
    pub fn micros_per_unit(&self) -> i64 {
        self.micros_per_unit
    }

    /// What an unknown value counts as; without it, such a candidate is not eligible.
    #[must_use]
    pub fn unknown(&self) -> Option<u64> {
        self.unknown
    }

    /// Weight × value, in micro-units.
    pub(crate) fn times(&self, value: u64) -> i128 {
        // OK because numbers of 64 bits have a product of 128.
        i128::from(self.micros_per_unit).saturating_mul(i128::from(value))
    }
}

/// What may take the place of a requested candidate. SEMANTICS 5.4.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Substitution {
    /// The first in order.
    #[default]
    Best,
    /// The first in order, when it is better by more than this.
    Margin(MicroUnits),
    /// The first in order, when the requested one is not eligible.
    IfIneligible,
    /// Nothing: the request is denied when the requested one is not eligible.
    Never,
}
