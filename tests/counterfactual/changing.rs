//! A lever moved on both sides, and what is selected then; and the places that a lever has, counted by the test.

use std::collections::BTreeSet;

use assize::{
    id::CandidateId,
    kernel::{Lever, Setting, Value, prescribe},
    num::MicroUnits,
    policy::{CandidateDraft, ColumnKind, MemberId, MemberSet, Policy, ValueDraft},
};

use crate::{
    asking::Asked,
    oracle::{self, Demand, Relation, generate::member_name},
};

/// Whether that candidate is selected once its lever stands there, as the model and `prescribe` both say; `None` where
/// no valid policy has it there.
pub(crate) fn selects(asked: &Asked<'_>, id: u32, lever: Lever, setting: Setting) -> Option<bool> {
    // Only a candidate's lever makes another policy.
    let changed = matches!(lever, Lever::Enabled | Lever::Column(_) | Lever::Rate { .. } | Lever::FlatFee);
    let mut draft = changed.then(|| asked.draft.clone());
    let mut model = asked.world.model.clone();
    let mut request = asked.model.clone();
    let mut host = asked.host.clone();
    let mut unused = CandidateDraft::new(id, "");
    let rows = draft.iter_mut().flat_map(|draft| &mut draft.candidates);
    let row = rows.into_iter().find(|row| row.id == id).unwrap_or(&mut unused);
    let candidate = model.candidates.iter_mut().find(|candidate| candidate.id == id).unwrap();
    match (lever, setting) {
        (Lever::Enabled, Setting::Enabled { policy, host: by_host }) => {
            row.enabled = policy;
            candidate.enabled = policy;
            if by_host {
                host.remove(&id)
            } else {
                host.insert(id)
            };
        }
        (Lever::Excluded, Setting::Excluded(excluded)) => {
            request.excluded.retain(|other| *other != id);
            request.excluded.extend(excluded.then_some(id));
        }
        (Lever::Column(column), Setting::Value(value)) => {
            let name = asked.policy.schema().column_at(column).unwrap().name().to_owned();
            row.values.retain(|(other, _)| *other != name);
            row.values.extend(value.map(|value| (name, value_draft(value))));
            candidate.values[model_column(asked, lever)] = value.map(model_value);
        }
        (Lever::Rate { card, quantity }, Setting::Rate(rate)) => {
            let name = asked.policy.schema().quantity_at(quantity).unwrap().name().to_owned();
            let place = asked.world.quantities.iter().position(|other| *other == name).unwrap();
            row.cards[card].rates.retain(|(other, _)| *other != name);
            row.cards[card].rates.extend(rate.map(|rate| (name, rate)));
            candidate.cards[card].rates[place] = rate;
        }
        (Lever::FlatFee, Setting::Micros(MicroUnits(fee))) => {
            row.flat_fee_micros = fee;
            candidate.flat_fee = fee;
        }
        (Lever::CostLimit, Setting::Micros(MicroUnits(limit))) => request.cost_limit = Some(limit),
        (Lever::Demand(gate), Setting::Demand(demand)) => {
            request.demands[usize::from(gate)] = demand.map(model_demand);
        }
        (Lever::Requested, Setting::Requested(named)) => request.requested = named.map(|named| named.0),
        other => panic!("a lever with the setting of another: {other:?}"),
    }
    let frozen = match draft {
        Some(draft) => Some(Policy::freeze(draft).ok()?),
        None => None,
    };
    let policy = frozen.as_ref().unwrap_or(asked.policy);
    let disabled = oracle::build::disabled(policy, &host);
    let asked_anew = oracle::build::request(asked.world, policy, &request, false);
    let decision = prescribe(policy, &disabled, &asked_anew).unwrap();
    let verdict = model.decide(&request, &host);
    let selected = decision.selected.map(|selected| selected.candidate.0);
    assert_eq!(selected, verdict.selected.map(|selected| selected.id), "{lever:?} {setting:?}");
    Some(selected == Some(id))
}

/// A lever of numbers as an axis: unknown values and missing rates have no place on it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Axis {
    pub(crate) lever: Lever,
    /// For a demand: whether none comes after the largest (else before 0).
    none_above: Option<bool>,
    max: i128,
}

impl Axis {
    /// `None` for a lever without numbers.
    pub(crate) fn of(asked: &Asked<'_>, lever: Lever) -> Option<Self> {
        let numbers = |column: usize| match asked.world.columns[column].kind {
            ColumnKind::Bps => Some(10_000),
            ColumnKind::Number => Some(i128::from(u64::MAX)),
            ColumnKind::Set | ColumnKind::Member => None,
        };
        let of = |none_above, max| Some(Self { lever, none_above, max });
        match lever {
            Lever::Enabled | Lever::Excluded | Lever::Requested => None,
            Lever::Column(_) => of(None, numbers(model_column(asked, lever))?),
            Lever::Rate { .. } | Lever::FlatFee | Lever::CostLimit => of(None, u64::MAX.into()),
            Lever::Demand(gate) => {
                let gate = &asked.world.model.gates[usize::from(gate)];
                of(Some(gate.relation == Relation::AtMost), numbers(gate.column)?)
            }
        }
    }

    pub(crate) fn place(&self, setting: Setting) -> Option<i128> {
        let number = |value| match value {
            Some(Value::Number(number)) => Some(number as i128),
            None => None,
            other => panic!("no number: {other:?}"),
        };
        match setting {
            Setting::Value(value) => number(value),
            Setting::Rate(rate) => rate.map(i128::from),
            Setting::Micros(MicroUnits(micros)) => Some(micros.into()),
            Setting::Demand(demand) => {
                Some(number(demand).unwrap_or(if self.none_above == Some(true) { self.max + 1 } else { -1 }))
            }
            other => panic!("no number: {other:?}"),
        }
    }

    /// `None` beyond the ends.
    pub(crate) fn setting(&self, place: i128) -> Option<Setting> {
        let none = match self.none_above {
            None => None,
            Some(true) => Some(self.max + 1),
            Some(false) => Some(-1),
        };
        if Some(place) == none {
            return Some(Setting::Demand(None));
        }
        if !(0..=self.max).contains(&place) {
            return None;
        }
        let number = Some(Value::Number(place as u128));
        Some(match self.lever {
            Lever::Column(_) => Setting::Value(number),
            Lever::Rate { .. } => Setting::Rate(Some(place as u64)),
            Lever::FlatFee | Lever::CostLimit => Setting::Micros(MicroUnits(place as u64)),
            Lever::Demand(_) => Setting::Demand(number),
            other => panic!("no number: {other:?}"),
        })
    }

    /// Places worth a look: the ends, what others have there, what is demanded and what costs, each with its neighbours.
    pub(crate) fn places(&self, asked: &Asked<'_>) -> BTreeSet<i128> {
        let model = &asked.world.model;
        let mut of = BTreeSet::from([0, self.max]);
        if !matches!(self.lever, Lever::Rate { .. } | Lever::FlatFee) {
            of.extend([-1, 5_000, self.max + 1, 1 << 32, 1 << 63]);
        }
        let column = match self.lever {
            Lever::Column(_) => Some(model_column(asked, self.lever)),
            Lever::Demand(gate) => Some(model.gates[usize::from(gate)].column),
            _ => None,
        };
        for candidate in &model.candidates {
            if let Some(oracle::Value::Number(number)) = column.and_then(|at| candidate.values[at].clone()) {
                of.insert(number.into());
            }
            if self.lever == Lever::CostLimit {
                of.extend(model.cost(candidate, asked.model).map(i128::from));
            }
        }
        for (gate, demand) in model.gates.iter().zip(&asked.model.demands) {
            if let (Some(Demand::Number(number)), true) = (demand, column == Some(gate.column)) {
                of.insert((*number).into());
            }
        }
        of.iter()
            .flat_map(|place| [place - 1, *place, place + 1])
            .filter(|&at| self.setting(at).is_some())
            .collect()
    }
}

/// The model's place of the column that the lever moves.
pub(crate) fn model_column(asked: &Asked<'_>, lever: Lever) -> usize {
    match lever {
        Lever::Column(column) => {
            let name = asked.policy.schema().column_at(column).unwrap().name();
            asked.world.columns.iter().position(|of| of.name == name).unwrap()
        }
        Lever::Demand(gate) => asked.world.model.gates[usize::from(gate)].column,
        other => panic!("no column: {other:?}"),
    }
}

pub(crate) fn set_of(members: &[u16]) -> MemberSet {
    let mut set = MemberSet::EMPTY;
    members.iter().for_each(|&member| set.insert(MemberId(member)).unwrap());
    set
}

/// All parts of these, or of more than seven those with at most two or all but at most two.
pub(crate) fn parts(of: &[u16]) -> Vec<Vec<u16>> {
    let all = 0..1_u32 << of.len();
    let few = |bits: &u32| {
        let count = bits.count_ones() as usize;
        of.len() <= 7 || count <= 2 || count + 2 >= of.len()
    };
    let part = |bits: u32| (0..of.len()).filter(|at| bits & 1 << at != 0).map(|at| of[at]).collect();
    all.filter(few).map(part).collect()
}

pub(crate) fn named(id: u32) -> Setting {
    Setting::Requested(Some(CandidateId(id)))
}

fn value_draft(value: Value) -> ValueDraft {
    match value {
        Value::Number(number) => ValueDraft::Number(u64::try_from(number).unwrap()),
        Value::Member(member) => ValueDraft::Member(member_name(member.0)),
        Value::Set(set) => ValueDraft::Set(set.iter().map(|member| member_name(member.0)).collect()),
    }
}

fn model_value(value: Value) -> oracle::Value {
    match value {
        Value::Number(number) => oracle::Value::Number(u64::try_from(number).unwrap()),
        Value::Member(member) => oracle::Value::Member(member.0),
        Value::Set(set) => oracle::Value::Set(set.iter().map(|member| member.0).collect()),
    }
}

fn model_demand(value: Value) -> Demand {
    match value {
        Value::Number(number) => Demand::Number(u64::try_from(number).unwrap()),
        Value::Set(set) => Demand::Set(set.iter().map(|member| member.0).collect()),
        Value::Member(_) => panic!("no request demands one member"),
    }
}
