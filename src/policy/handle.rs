//! Names looked up once: what a request is built with.

use core::fmt;
use core::marker::PhantomData;

use alloc::boxed::Box;

use super::kind::{ColumnIndex, ColumnKind, QuantityIndex, Relation, Source};
use super::member::MemberSet;
use super::place::shown;
use super::schema::{Schema, SchemaTag};
use super::{MemberId, Policy};

/// The demand of a numeric gate is a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Number {}

/// The demand of a gate on a set or member column is a set of members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Set {}

/// A gate of a schema that takes its demand, a [`Number`] or a [`Set`], from the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gate<R> {
    tag: SchemaTag,
    index: u8,
    column: ColumnIndex,
    demand: PhantomData<R>,
}

impl<R> Gate<R> {
    /// The schema that it is of.
    #[must_use]
    pub fn tag(&self) -> SchemaTag {
        self.tag
    }

    /// Its place in [`Schema::gates`].
    #[must_use]
    pub fn index(&self) -> usize {
        usize::from(self.index)
    }

    /// The column that it compares.
    #[must_use]
    pub fn column(&self) -> ColumnIndex {
        self.column
    }
}

/// A quantity of a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quantity {
    tag: SchemaTag,
    index: QuantityIndex,
}

impl Quantity {
    /// The schema that it is of.
    #[must_use]
    pub fn tag(&self) -> SchemaTag {
        self.tag
    }

    /// Its place in [`Schema::quantities`].
    #[must_use]
    pub fn index(&self) -> QuantityIndex {
        self.index
    }
}

/// Members of one column, to be demanded. Made by a policy, and good for every policy that may follow it, since
/// members' numbers are never given to others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Members {
    tag: SchemaTag,
    column: ColumnIndex,
    set: MemberSet,
}

impl Members {
    /// The schema that they are of.
    #[must_use]
    pub fn tag(&self) -> SchemaTag {
        self.tag
    }

    /// The column that they are members of.
    #[must_use]
    pub fn column(&self) -> ColumnIndex {
        self.column
    }

    /// The members.
    #[must_use]
    pub fn set(&self) -> &MemberSet {
        &self.set
    }
}

impl Schema {
    /// The gate on that numeric column with that relation.
    ///
    /// # Errors
    /// There is none whose demand the request makes, or its demand is a set.
    pub fn gate_number(&self, column: &str, relation: Relation) -> Result<Gate<Number>, HandleError> {
        self.gate(column, relation, ColumnKind::is_numeric)
    }

    /// The gate on that set or member column with that relation.
    ///
    /// # Errors
    /// There is none whose demand the request makes, or its demand is a number.
    pub fn gate_set(&self, column: &str, relation: Relation) -> Result<Gate<Set>, HandleError> {
        self.gate(column, relation, |kind| !kind.is_numeric())
    }

    /// The quantity of that name.
    ///
    /// # Errors
    /// There is none.
    pub fn quantity(&self, name: &str) -> Result<Quantity, HandleError> {
        let index =
            self.quantity_index(name).ok_or_else(|| HandleError::QuantityUnknown { name: shown(name) })?;
        Ok(Quantity { tag: self.tag(), index })
    }

    fn gate<R>(
        &self,
        name: &str,
        relation: Relation,
        fits: fn(ColumnKind) -> bool,
    ) -> Result<Gate<R>, HandleError> {
        let unknown = || HandleError::ColumnUnknown { name: shown(name) };
        let column = self.column(name).ok_or_else(unknown)?;
        let kind = self.column_at(column).ok_or_else(unknown)?.kind();
        if !fits(kind) {
            return Err(HandleError::DemandMismatch { column: shown(name), kind });
        }
        let mut fed = false;
        for (index, gate) in (0_u8..).zip(self.gates()) {
            if gate.column() == column && gate.relation() == relation {
                if gate.source() == Source::Request {
                    return Ok(Gate { tag: self.tag(), index, column, demand: PhantomData });
                }
                fed = true;
            }
        }
        let column = shown(name);
        Err(if fed {
            HandleError::GateFed { column, relation }
        } else {
            HandleError::GateUnknown { column, relation }
        })
    }
}

impl Policy {
    /// The members of that column with these names; without names, the empty set (SEMANTICS 3.3).
    ///
    /// # Errors
    /// The schema has no such column, or the policy lists no such member for it.
    pub fn members(&self, column: &str, names: &[&str]) -> Result<Members, HandleError> {
        let index =
            self.schema().column(column).ok_or_else(|| HandleError::ColumnUnknown { name: shown(column) })?;
        let mut set = MemberSet::EMPTY;
        for name in names {
            let unknown = || HandleError::MemberUnknown { column: shown(column), name: shown(name) };
            let id: MemberId = self.member(index, name).ok_or_else(unknown)?;
            set.insert(id).map_err(|_| unknown())?;
        }
        Ok(Members { tag: self.schema().tag(), column: index, set })
    }
}

/// Why there is no such handle. Looked up once, by a person's program, so it carries the name.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HandleError {
    /// The schema has no such column.
    ColumnUnknown {
        /// The name that was given.
        name: Box<str>,
    },
    /// The schema has no such quantity.
    QuantityUnknown {
        /// The name that was given.
        name: Box<str>,
    },
    /// The schema has no such gate.
    GateUnknown {
        /// The column that was given.
        column: Box<str>,
        /// The relation that was given.
        relation: Relation,
    },
    /// The gate takes its demand from quantities or from the request's risk.
    GateFed {
        /// The column that was given.
        column: Box<str>,
        /// The relation that was given.
        relation: Relation,
    },
    /// A number is demanded of a set or member column, or a set of a numeric one.
    DemandMismatch {
        /// The column that was given.
        column: Box<str>,
        /// Its kind.
        kind: ColumnKind,
    },
    /// The policy lists no such member for the column.
    MemberUnknown {
        /// The column that was given.
        column: Box<str>,
        /// The name that was given.
        name: Box<str>,
    },
}

impl fmt::Display for HandleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ColumnUnknown { name } => write!(f, "the schema has no column {name:?}"),
            Self::QuantityUnknown { name } => write!(f, "the schema has no quantity {name:?}"),
            Self::GateUnknown { column, relation } => {
                write!(f, "the schema has no gate {relation} on column {column:?}")
            }
            Self::GateFed { column, relation } => {
                write!(f, "the request makes no demand of gate {relation} on column {column:?}: it is fed")
            }
            Self::DemandMismatch { column, kind } if kind.is_numeric() => {
                write!(f, "column {column:?} is a {kind} column; its demand is a number")
            }
            Self::DemandMismatch { column, kind } => {
                write!(f, "column {column:?} is a {kind} column; its demand is a set of members")
            }
            Self::MemberUnknown { column, name } => {
                write!(f, "no member {name:?} is listed for column {column:?}")
            }
        }
    }
}

impl core::error::Error for HandleError {}
