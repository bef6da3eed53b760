//! Where in a policy something stands, for errors.

use alloc::boxed::Box;
use alloc::string::String;
use core::fmt;

/// A place in a policy, as its document names it. An index counts from 0 in the order of the listing.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Place {
    /// A field, by its path.
    Field(&'static str),
    /// A column of the schema.
    Column {
        /// Its name.
        name: Box<str>,
    },
    /// A quantity of the schema.
    Quantity {
        /// Its name.
        name: Box<str>,
    },
    /// A gate of the schema.
    Gate {
        /// Its place in the order of gates.
        index: usize,
        /// The column that it names.
        column: Box<str>,
    },
    /// A weight of the utility.
    Weight {
        /// The column that it names.
        column: Box<str>,
    },
    /// The members listed for a column.
    Members {
        /// The column that they are listed for.
        column: Box<str>,
    },
    /// One member.
    Member {
        /// The column that it is listed for.
        column: Box<str>,
        /// Its number.
        id: u16,
        /// Its name.
        name: Box<str>,
    },
    /// A candidate.
    Candidate {
        /// Its place in the listing.
        index: usize,
        /// Its name.
        name: Box<str>,
    },
    /// A candidate's value.
    Value {
        /// The candidate's place in the listing.
        index: usize,
        /// The candidate's name.
        name: Box<str>,
        /// The column that is named.
        column: Box<str>,
    },
    /// A rate of a candidate.
    Rate {
        /// The candidate's place in the listing.
        index: usize,
        /// The candidate's name.
        name: Box<str>,
        /// Which of its cards.
        above: u64,
        /// The quantity that is named.
        quantity: Box<str>,
    },
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(path) => f.write_str(path),
            Self::Column { name } => write!(f, "schema.columns {name:?}"),
            Self::Quantity { name } => write!(f, "schema.quantities {name:?}"),
            Self::Gate { index, column } => write!(f, "schema.gates[{index}] {column:?}"),
            Self::Weight { column } => write!(f, "utility.weights {column:?}"),
            Self::Members { column } => write!(f, "members {column:?}"),
            Self::Member { column, id, name } => write!(f, "members {column:?}, member {id} {name:?}"),
            Self::Candidate { index, name } => write!(f, "candidates[{index}] {name:?}"),
            Self::Value { index, name, column } => {
                write!(f, "candidates[{index}] {name:?}, column {column:?}")
            }
            Self::Rate { index, name, above, quantity } => {
                write!(f, "candidates[{index}] {name:?}, card above {above}, quantity {quantity:?}")
            }
        }
    }
}

/// The name as an error shows it: its first 64 characters.
pub(super) fn shown(name: &str) -> Box<str> {
    name.chars().take(SHOWN_CHARS_MAX).collect::<String>().into_boxed_str()
}

const SHOWN_CHARS_MAX: usize = 64;
