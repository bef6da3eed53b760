//! Names in place of numbers, for people; and integers of more than 64 bits, for JSON.

use core::fmt;

use super::{Failure, GateDemand, Value};
use crate::{
    kernel::{Reason, Unpriced},
    policy::{Column, ColumnIndex, MemberId, Policy, Schema},
};

/// Something shown with the names that a policy has for it.
#[derive(Clone, Copy, Debug)]
pub struct Shown<'a, T> {
    pub(in crate::kernel) policy: &'a Policy,
    pub(in crate::kernel) of: T,
}

impl Failure {
    /// The name, a gate's being its column and relation.
    pub fn shown(self, policy: &Policy) -> Shown<'_, Reason> {
        Shown { policy, of: self.into() }
    }
}

impl Reason {
    /// The name, a gate's being its column and relation.
    pub fn shown(self, policy: &Policy) -> Shown<'_, Self> {
        Shown { policy, of: self }
    }
}

impl Value {
    /// The value in that column, members by name.
    pub fn shown(self, policy: &Policy, column: ColumnIndex) -> Shown<'_, (ColumnIndex, Self)> {
        Shown { policy, of: (column, self) }
    }
}

impl Unpriced {
    /// The cause, a quantity by name.
    pub fn shown(self, policy: &Policy) -> Shown<'_, Self> {
        Shown { policy, of: self }
    }
}

impl GateDemand {
    /// The column, the relation and the demand.
    pub fn shown(self, policy: &Policy) -> Shown<'_, Self> {
        Shown { policy, of: self }
    }
}

impl fmt::Display for Shown<'_, Reason> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let schema = self.policy.schema();
        let gate = match self.of {
            Reason::Gate(gate) => schema.gates().get(usize::from(gate)),
            _ => None,
        };
        match gate {
            Some(gate) => {
                f.pad(&alloc::format!("{} {}", column_name(schema, gate.column()), gate.relation()))
            }
            None => self.of.fmt(f),
        }
    }
}

impl fmt::Display for Shown<'_, (ColumnIndex, Value)> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (column, value) = self.of;
        let name = |member: MemberId| self.policy.member_name(column, member).unwrap_or("?");
        match value {
            Value::Number(number) => number.fmt(f),
            Value::Member(member) => f.pad(name(member)),
            Value::Set(set) if set.is_empty() => f.pad("none"),
            Value::Set(set) => {
                let mut names = alloc::string::String::new();
                for member in set.iter() {
                    names.push_str(if names.is_empty() { "" } else { ", " });
                    names.push_str(name(member));
                }
                f.pad(&names)
            }
        }
    }
}

impl fmt::Display for Shown<'_, Unpriced> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.of {
            Unpriced::NoCards => f.pad("unpriced"),
            Unpriced::NoRate(quantity) => {
                let spec = self.policy.schema().quantity_at(quantity);
                f.pad(&alloc::format!("no rate for {}", spec.map_or("?", |spec| spec.name())))
            }
            Unpriced::TooLarge => f.pad("beyond 64 bits"),
        }
    }
}

impl fmt::Display for Shown<'_, GateDemand> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let GateDemand { column, relation, demand, .. } = self.of;
        let name = column_name(self.policy.schema(), column);
        f.pad(&alloc::format!("{name} {relation} {}", demand.shown(self.policy, column)))
    }
}

pub(in crate::kernel) fn column_name(schema: &Schema, column: ColumnIndex) -> &str {
    schema.column_at(column).map_or("?", Column::name)
}
