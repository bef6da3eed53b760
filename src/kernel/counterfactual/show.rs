//! Levers and settings with names in place of numbers, for people.

use alloc::string::{String, ToString};
use core::fmt;

use super::{Lever, Setting};
use crate::{
    kernel::{Shown, explain::show::column_name},
    policy::{Candidate, ColumnIndex, Policy},
};

impl Lever {
    /// The lever by name: a column's or a quantity's, a gate's being its column and relation.
    pub fn shown(self, policy: &Policy) -> Shown<'_, Self> {
        Shown { policy, of: self }
    }
}

impl Setting {
    /// The setting of that lever, members and candidates by name.
    pub fn shown(self, policy: &Policy, of: Lever) -> Shown<'_, (Lever, Self)> {
        Shown { policy, of: (of, self) }
    }
}

impl fmt::Display for Shown<'_, Lever> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let schema = self.policy.schema();
        let text = match self.of {
            Lever::Enabled => "enabled".to_string(),
            Lever::Excluded => "excluded".to_string(),
            Lever::Column(column) => column_name(schema, column).to_string(),
            Lever::Rate { card, quantity } => {
                let name = schema.quantity_at(quantity).map_or("?", |spec| spec.name());
                let card = if card == 0 { String::new() } else { alloc::format!(", card {card}") };
                alloc::format!("rate of {name}{card}")
            }
            Lever::FlatFee => "flat fee".to_string(),
            Lever::CostLimit => "cost limit".to_string(),
            Lever::Demand(gate) => match schema.gates().get(usize::from(gate)) {
                Some(gate) => {
                    alloc::format!("demand {} {}", column_name(schema, gate.column()), gate.relation())
                }
                None => "demand".to_string(),
            },
            Lever::Requested => "requested".to_string(),
        };
        f.pad(&text)
    }
}

impl fmt::Display for Shown<'_, (Lever, Setting)> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (lever, setting) = self.of;
        let value =
            |value: Option<crate::kernel::Value>, none: &str| match (value, column_of(lever, self.policy)) {
                (None, _) => none.to_string(),
                (Some(value), Some(column)) => value.shown(self.policy, column).to_string(),
                (Some(_), None) => "?".to_string(),
            };
        let text = match setting {
            Setting::Enabled { policy: true, host: true } => "enabled".to_string(),
            Setting::Enabled { policy: true, host: false } => "disabled by the host".to_string(),
            Setting::Enabled { policy: false, host: true } => "disabled by the policy".to_string(),
            Setting::Enabled { policy: false, host: false } => {
                "disabled by the policy and the host".to_string()
            }
            Setting::Excluded(true) => "excluded".to_string(),
            Setting::Excluded(false) => "not excluded".to_string(),
            Setting::Value(known) => value(known, "unknown"),
            Setting::Demand(demand) => value(demand, "no demand"),
            Setting::Rate(Some(rate)) => rate.to_string(),
            Setting::Rate(None) => "no rate".to_string(),
            Setting::Micros(micros) if lever == Lever::CostLimit && micros.0 == u64::MAX => {
                "no limit".to_string()
            }
            Setting::Micros(micros) => micros.to_string(),
            Setting::Requested(None) => "nobody".to_string(),
            Setting::Requested(Some(id)) => {
                self.policy.candidate(id).map_or_else(|| id.to_string(), |of| Candidate::name(of).to_string())
            }
        };
        f.pad(&text)
    }
}

fn column_of(lever: Lever, policy: &Policy) -> Option<ColumnIndex> {
    match lever {
        Lever::Column(column) => Some(column),
        Lever::Demand(gate) => policy.schema().gates().get(usize::from(gate)).map(|gate| gate.column()),
        _ => None,
    }
}
