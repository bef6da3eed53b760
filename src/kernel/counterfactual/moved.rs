//! The levers of one case: which there are, where they stand, and where the candidate would win.

use alloc::vec::Vec;

use super::{
    case::Case,
    column,
    demand::{self, Axis},
    lever::{Lever, Setting},
    price,
    winning::Winning,
};
use crate::{
    kernel::{Demand, Disabled, RequestError, Value, gates::Known},
    num::MicroUnits,
    policy::{ColumnIndex, ColumnKind, GateSpec, Source},
};

/// A lever that moves along an axis of numbers.
#[derive(Clone, Debug)]
pub(super) struct Numeric {
    pub(super) scale: Scale,
    /// `None` where the value is unknown, or the rate another quantity's.
    pub(super) present: Option<u128>,
    pub(super) winning: Winning,
}

/// What a place on a lever's axis means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scale {
    /// A value of a column, up to the largest that leaves the policy valid.
    Value {
        max: u64,
    },
    Rate,
    Micros,
    Demand(Axis),
}

impl Scale {
    pub(super) fn setting(self, place: u128) -> Setting {
        // OK because only an axis of demands goes beyond 64 bits, by the place of none.
        let number = u64::try_from(place).unwrap_or(u64::MAX);
        match self {
            Self::Value { .. } => Setting::Value(Some(Value::Number(place))),
            Self::Rate => Setting::Rate(Some(number)),
            Self::Micros => Setting::Micros(MicroUnits(number)),
            Self::Demand(axis) => {
                Setting::Demand(axis.demand(place).map(|demand| Value::Number(demand.into())))
            }
        }
    }

    /// The last place.
    pub(super) fn end(self) -> u128 {
        match self {
            Self::Value { max } => max.into(),
            Self::Rate | Self::Micros => u64::MAX.into(),
            Self::Demand(axis) => axis.end(),
        }
    }
}

impl<'a> Case<'a> {
    /// Its levers, the candidate's first.
    pub(super) fn levers(&self) -> Vec<Lever> {
        let mut levers = alloc::vec![Lever::Enabled, Lever::Excluded];
        levers.extend(column::used(self).into_iter().map(Lever::Column));
        levers.extend(price::rates(self).into_iter().map(|(card, quantity)| Lever::Rate { card, quantity }));
        levers.extend([Lever::FlatFee, Lever::CostLimit]);
        let gates = (0_u8..).zip(self.policy.schema().gates());
        levers.extend(
            gates.filter(|(index, gate)| self.moves(*index, gate)).map(|(index, _)| Lever::Demand(index)),
        );
        levers.push(Lever::Requested);
        levers
    }

    /// Where the lever stands.
    pub(super) fn present(&self, lever: Lever) -> Setting {
        let candidate = self.candidate;
        match lever {
            Lever::Enabled => Setting::Enabled {
                policy: candidate.is_enabled(),
                host: !self.question.is_switched_off(self.place),
            },
            Lever::Excluded => Setting::Excluded(self.request.excluded().contains(&candidate.id())),
            Lever::Column(column) => {
                let number = candidate.value(column).map(Known::Number);
                let set = || candidate.set(column).map(Known::Set);
                let member = || candidate.member(column).map(Known::Member);
                Setting::Value(number.or_else(set).or_else(member).map(Value::from))
            }
            Lever::Rate { card, quantity } => {
                Setting::Rate(candidate.cards().get(card).and_then(|card| card.rate(quantity)))
            }
            Lever::FlatFee => Setting::Micros(candidate.flat_fee()),
            Lever::CostLimit => Setting::Micros(self.question.limit),
            Lever::Demand(gate) => Setting::Demand(match self.request.demand_of(usize::from(gate)) {
                None => None,
                Some(Demand::Number(number)) => Some(Value::Number(number.into())),
                Some(Demand::Set(set)) => Some(Value::Set(*set)),
            }),
            Lever::Requested => Setting::Requested(self.request.facts().requested),
        }
    }

    /// The lever's axis, where it stands there and where the candidate wins; `None` for a lever without numbers.
    pub(super) fn numeric(&self, lever: Lever) -> Result<Option<Numeric>, RequestError> {
        let candidate = self.candidate;
        Ok(match lever {
            Lever::Enabled | Lever::Excluded | Lever::Requested => None,
            Lever::Column(column) => self.kind(column).is_some_and(ColumnKind::is_numeric).then(|| Numeric {
                scale: Scale::Value { max: self.policy.value_max(column) },
                present: candidate.value(column).map(u128::from),
                winning: column::numbers(self, column),
            }),
            Lever::Rate { card, quantity } => Some(Numeric {
                scale: Scale::Rate,
                present: candidate.cards().get(card).and_then(|card| card.rate(quantity)).map(u128::from),
                winning: price::rate(self, card, quantity),
            }),
            Lever::FlatFee => Some(Numeric {
                scale: Scale::Micros,
                present: Some(candidate.flat_fee().0.into()),
                winning: price::flat_fee(self),
            }),
            Lever::CostLimit => Some(Numeric {
                scale: Scale::Micros,
                present: Some(self.question.limit.0.into()),
                winning: demand::limits(self)?,
            }),
            Lever::Demand(index) => match self.gate(index).filter(|gate| self.is_numeric(gate)) {
                None => None,
                Some(gate) => {
                    let index = usize::from(index);
                    let axis = Axis::of(self, gate);
                    let demand = match self.request.demand_of(index) {
                        Some(Demand::Number(number)) => Some(number),
                        _ => None,
                    };
                    Some(Numeric {
                        scale: Scale::Demand(axis),
                        present: Some(axis.place(demand)),
                        winning: demand::numbers(self, index, gate)?,
                    })
                }
            },
        })
    }

    /// The setting of a lever without numbers with which the candidate wins.
    pub(super) fn other(&self, lever: Lever) -> Result<Option<Setting>, RequestError> {
        let id = self.candidate.id();
        Ok(match lever {
            Lever::Enabled => {
                let mut enabled = self.candidate.clone();
                enabled.put_enabled(true);
                let wins = self.wins_under(self.request, &Disabled::none(), &enabled)?;
                wins.then_some(Setting::Enabled { policy: true, host: true })
            }
            Lever::Excluded => {
                let request = self.request.without_exclusion(id);
                self.wins_under(&request, self.disabled, self.candidate)?.then_some(Setting::Excluded(false))
            }
            Lever::Requested => {
                let mut request = self.request.clone();
                request.requested(id);
                let wins = self.wins_under(&request, self.disabled, self.candidate)?;
                wins.then_some(Setting::Requested(Some(id)))
            }
            Lever::Column(column) => match self.kind(column) {
                Some(ColumnKind::Set) => {
                    column::set(self, column).map(|set| Setting::Value(Some(Value::Set(set))))
                }
                Some(ColumnKind::Member) => {
                    column::member(self, column).map(|member| Setting::Value(Some(Value::Member(member))))
                }
                _ => None,
            },
            Lever::Demand(index) => match self.gate(index) {
                Some(gate) => {
                    let demand = demand::set(self, usize::from(index), gate)?;
                    demand.map(|demand| Setting::Demand(demand.map(Value::Set)))
                }
                None => None,
            },
            Lever::Rate { .. } | Lever::FlatFee | Lever::CostLimit => None,
        })
    }

    /// Whether a request's demand on that gate is a lever: any number, and a set that is demanded.
    fn moves(&self, index: u8, gate: &GateSpec) -> bool {
        let demanded = self.request.demand_of(usize::from(index)).is_some();
        gate.source() == Source::Request && (demanded || self.is_numeric(gate))
    }

    fn gate(&self, index: u8) -> Option<&'a GateSpec> {
        self.policy.schema().gates().get(usize::from(index))
    }

    fn is_numeric(&self, gate: &GateSpec) -> bool {
        self.kind(gate.column()).is_some_and(ColumnKind::is_numeric)
    }

    fn kind(&self, column: ColumnIndex) -> Option<ColumnKind> {
        self.policy.schema().column_at(column).map(|column| column.kind())
    }
}
