//! What a log's records say: typed payloads, their bytes, and the digests of operations. FORMAT 9.
//!
//! A payload is read back strictly: what has another encoding than the one that is written here is no record.

mod account;
mod adjust;
mod admission;
mod call;
mod caps;
mod error;
mod kind;
mod log;
mod operation;
mod part_commit;
mod path;
mod settlement;
#[cfg(feature = "serde")]
mod shown;
mod spend;
mod terms;

pub use account::{Account, AccountClosed, Boundary, Grant, Reparent};
pub use adjust::{Adjust, AdjustOutcome};
pub use admission::{Admission, AdmissionOutcome, Decided, Reroute, RerouteOutcome};
pub use call::{Arguments, Call, ReadArguments};
pub use error::RecordError;
pub use kind::Kind;
pub use log::{PolicyBytes, Recovery};
pub use operation::{Operation, Principal};
pub use part_commit::{PartCommit, PartCommitOutcome};
pub use path::{Path, PathError};
pub use settlement::{
    Commit, CommitOutcome, Expire, Extend, ExtendOutcome, Release, ReleaseOutcome, Settled,
};
pub use spend::Spend;
pub use terms::{CandidateSwitch, Halt, Switch, Terms};

use alloc::vec::Vec;

use crate::codec::{Reader, Writer};
use crate::policy::Schema;
pub use crate::wal::Retention;

/// One record's payload, by kind. FORMAT 9.1.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(tag = "kind", rename_all = "snake_case"))]
pub enum Record {
    /// What the log holds itself to.
    Terms(Terms),
    /// A policy that is in force from here on.
    Policy(PolicyBytes),
    /// What is halted from here on.
    Halt(Halt),
    /// A candidate that the host disabled, or enabled again.
    CandidateSwitch(CandidateSwitch),
    /// A request decided: admitted with a hold, or denied.
    Admission(Call<Admission>),
    /// A hold ended with what was spent.
    Commit(Call<Commit>),
    /// A hold ended with nothing spent.
    Release(Call<Release>),
    /// A hold that was to hold more, or longer.
    Extend(Call<Extend>),
    /// A part of a hold spent, and the rest kept.
    PartCommit(Call<PartCommit>),
    /// A hold released, and its request decided again without the candidate that failed.
    Reroute(Call<Reroute>),
    /// What a settled hold spent, corrected.
    Adjust(Call<Adjust>),
    /// Holds whose deadline came.
    Expire(Expire),
    /// An account opened.
    Account(Account),
    /// What an account was granted changed.
    Grant(Call<Grant>),
    /// An account closed.
    AccountClosed(AccountClosed),
    /// An account put below another.
    Reparent(Reparent),
    /// A window whose end the host has said.
    Boundary(Boundary),
    /// A torn tail that opening cut.
    Recovery(Recovery),
    /// The first segment that is kept of the log.
    Retention(Retention),
}

impl Record {
    /// The kind, as frames carry it.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Terms(_) => Kind::Terms,
            Self::Policy(_) => Kind::Policy,
            Self::Halt(_) => Kind::Halt,
            Self::CandidateSwitch(_) => Kind::CandidateSwitch,
            Self::Admission(_) => Kind::Admission,
            Self::Commit(_) => Kind::Commit,
            Self::Release(_) => Kind::Release,
            Self::Extend(_) => Kind::Extend,
            Self::PartCommit(_) => Kind::PartCommit,
            Self::Reroute(_) => Kind::Reroute,
            Self::Adjust(_) => Kind::Adjust,
            Self::Expire(_) => Kind::Expire,
            Self::Account(_) => Kind::Account,
            Self::Grant(_) => Kind::Grant,
            Self::AccountClosed(_) => Kind::AccountClosed,
            Self::Reparent(_) => Kind::Reparent,
            Self::Boundary(_) => Kind::Boundary,
            Self::Recovery(_) => Kind::Recovery,
            Self::Retention(_) => Kind::Retention,
        }
    }

    /// Appends the payload.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Terms(terms) => terms.encode(out),
            Self::Policy(policy) => out.extend_from_slice(&policy.canonical),
            Self::Halt(halt) => Writer::new(out).u8(halt.code()),
            Self::CandidateSwitch(switch) => switch.encode(out),
            Self::Admission(call) => call.encode(out),
            Self::Commit(call) => call.encode(out),
            Self::Release(call) => call.encode(out),
            Self::Extend(call) => call.encode(out),
            Self::PartCommit(call) => call.encode(out),
            Self::Reroute(call) => call.encode(out),
            Self::Adjust(call) => call.encode(out),
            Self::Expire(expire) => expire.encode(out),
            Self::Account(account) => account.encode(out),
            Self::Grant(call) => call.encode(out),
            Self::AccountClosed(closed) => Writer::new(out).u32(closed.account.0),
            Self::Reparent(reparent) => reparent.encode(out),
            Self::Boundary(boundary) => boundary.encode(out),
            Self::Recovery(recovery) => recovery.encode(out),
            Self::Retention(retention) => retention.encode(out),
        }
    }

    /// Reads a payload. Admissions, reroutes and commits by usage, of parts too, are read under the schema of the policy in force
    /// (every policy of a log has the same); the others need none.
    ///
    /// # Errors
    /// The kind is none of a record, a schema is needed and missing, or the payload is not what the record's own
    /// [`encode`](Self::encode) writes.
    pub fn decode(kind: u16, payload: &[u8], schema: Option<&Schema>) -> Result<Self, RecordError> {
        let kind = Kind::from_code(kind).ok_or(RecordError::Kind { seen: kind })?;
        let mut reader = Reader::new(payload);
        let record = match kind {
            Kind::Terms => Self::Terms(Terms::decode(&mut reader)?),
            Kind::Policy => Self::Policy(PolicyBytes::decode(&mut reader)?),
            Kind::Halt => Self::Halt(Halt::decode(&mut reader)?),
            Kind::CandidateSwitch => Self::CandidateSwitch(CandidateSwitch::decode(&mut reader)?),
            Kind::Admission => Self::Admission(Call::decode(&mut reader, schema)?),
            Kind::Commit => Self::Commit(Call::decode(&mut reader, schema)?),
            Kind::Release => Self::Release(Call::decode(&mut reader, schema)?),
            Kind::Extend => Self::Extend(Call::decode(&mut reader, schema)?),
            Kind::PartCommit => Self::PartCommit(Call::decode(&mut reader, schema)?),
            Kind::Reroute => Self::Reroute(Call::decode(&mut reader, schema)?),
            Kind::Adjust => Self::Adjust(Call::decode(&mut reader, schema)?),
            Kind::Expire => Self::Expire(Expire::decode(&mut reader)?),
            Kind::Account => Self::Account(Account::decode(&mut reader)?),
            Kind::Grant => Self::Grant(Call::decode(&mut reader, schema)?),
            Kind::AccountClosed => Self::AccountClosed(AccountClosed::decode(&mut reader)?),
            Kind::Reparent => Self::Reparent(Reparent::decode(&mut reader)?),
            Kind::Boundary => Self::Boundary(Boundary::decode(&mut reader)?),
            Kind::Recovery => Self::Recovery(Recovery::decode(&mut reader)?),
            Kind::Retention => Self::Retention(Retention::decode(reader.raw(reader.remaining())?)?),
        };
        reader.finish()?;
        Ok(record)
    }

    /// Who retries it by what name, where the record is of an operation that has one.
    #[must_use]
    pub const fn operation(&self) -> Option<Operation> {
        match self {
            Self::Admission(call) => call.operation,
            Self::Commit(call) => call.operation,
            Self::Release(call) => call.operation,
            Self::Extend(call) => call.operation,
            Self::PartCommit(call) => call.operation,
            Self::Reroute(call) => call.operation,
            Self::Adjust(call) => call.operation,
            Self::Grant(call) => call.operation,
            _ => None,
        }
    }
}
