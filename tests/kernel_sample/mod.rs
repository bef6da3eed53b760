//! A small schema with every relation and every source of a demand, for tables with values worked out by hand.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that fails by panicking fails; each test binary uses its own part of the module"
)]

use assize::{
    kernel::{Disabled, Explanation, Request, explain},
    num::{Bps, MicroUnits},
    policy::{
        CandidateDraft, CardDraft, ColumnDraft, ColumnKind, Draft, GateDraft, MemberDraft, MembersDraft,
        Policy, QuantityDraft, Relation, SchemaDraft, SourceDraft, UtilityDraft, ValueDraft,
    },
};

/// Columns: `quality` (bps, the merit), `ceiling` (bps), `speed` and `window` (numbers), `skills` (set), `home`
/// (member). Quantities: `input`, `output`, `cached` (falling back to `input`) and `written` (to `cached`) per
/// million, `calls` per one. The cards are chosen by `input` and `cached`.
pub fn schema() -> SchemaDraft {
    let column = |&(name, kind): &(&str, ColumnKind)| ColumnDraft { name: name.into(), kind };
    let quantity = |&(name, per, fallback): &(&str, u64, Option<&str>)| QuantityDraft {
        name: name.into(),
        per,
        fallback: fallback.map(Into::into),
    };
    SchemaDraft {
        name: "sample".into(),
        columns: COLUMNS.iter().map(column).collect(),
        gates: GATES
            .iter()
            .map(|&(column, relation, ref source)| GateDraft {
                column: column.into(),
                relation,
                source: match source {
                    Feed::Request => SourceDraft::Request,
                    Feed::Prompt => SourceDraft::Quantities(vec!["input".into(), "cached".into()]),
                    Feed::Risk => SourceDraft::Risk,
                },
            })
            .collect(),
        quantities: [
            ("input", 1_000_000, None),
            ("cached", 1_000_000, Some("input")),
            ("written", 1_000_000, Some("cached")),
            ("output", 1_000_000, None),
            ("calls", 1, None),
        ]
        .iter()
        .map(quantity)
        .collect(),
        tier_by: vec!["input".into(), "cached".into()],
        merit: Some("quality".into()),
    }
}

/// The gates, by their places.
pub const GATES: [(&str, Relation, Feed); 9] = [
    ("quality", Relation::AtLeast, Feed::Request),
    ("speed", Relation::AtMost, Feed::Request),
    ("speed", Relation::Fits, Feed::Request),
    ("speed", Relation::AtLeast, Feed::Request),
    ("skills", Relation::HasAll, Feed::Request),
    ("skills", Relation::HasAny, Feed::Request),
    ("home", Relation::OneOf, Feed::Request),
    ("ceiling", Relation::Fits, Feed::Risk),
    ("window", Relation::Fits, Feed::Prompt),
];

/// What makes a gate's demand.
#[derive(Clone, Copy, Debug)]
pub enum Feed {
    Request,
    Prompt,
    Risk,
}

const COLUMNS: [(&str, ColumnKind); 6] = [
    ("quality", ColumnKind::Bps),
    ("ceiling", ColumnKind::Bps),
    ("speed", ColumnKind::Number),
    ("window", ColumnKind::Number),
    ("skills", ColumnKind::Set),
    ("home", ColumnKind::Member),
];

/// Members `a` 0, `b` 63, `c` 64, `d` 256, `e` 511 in both columns.
pub fn draft(candidates: Vec<CandidateDraft>) -> Draft {
    let mut draft = Draft::new("sample", 3, schema());
    let members = [(0, "a"), (63, "b"), (64, "c"), (256, "d"), (511, "e")];
    for column in ["skills", "home"] {
        let members = members.iter().map(|&(id, name)| MemberDraft { id, name: name.into() });
        draft.members.push(MembersDraft { column: column.into(), members: members.collect() });
    }
    draft.candidates = candidates;
    draft
}

pub fn freeze(draft: Draft) -> Policy {
    Policy::freeze(draft).unwrap_or_else(|error| panic!("{error}"))
}

/// A candidate of which nothing is known but that a call costs `per_call`.
pub fn candidate(id: u32, per_call: u64) -> CandidateDraft {
    let mut candidate = CandidateDraft::new(id, &format!("candidate {id}"));
    candidate.cards.push(card(0, &[("calls", per_call)]));
    candidate
}

pub fn card(above: u64, rates: &[(&str, u64)]) -> CardDraft {
    CardDraft { above, rates: rates.iter().map(|&(name, rate)| (name.into(), rate)).collect() }
}

/// Adds a known number.
pub fn number(mut candidate: CandidateDraft, column: &str, value: u64) -> CandidateDraft {
    candidate.values.push((column.into(), ValueDraft::Number(value)));
    candidate
}

/// Adds a known set.
pub fn set(mut candidate: CandidateDraft, column: &str, members: &[&str]) -> CandidateDraft {
    let members = members.iter().map(|&name| name.into()).collect();
    candidate.values.push((column.into(), ValueDraft::Set(members)));
    candidate
}

/// Adds a known member.
pub fn member(mut candidate: CandidateDraft, column: &str, member: &str) -> CandidateDraft {
    candidate.values.push((column.into(), ValueDraft::Member(member.into())));
    candidate
}

/// A request for one call.
pub fn call(policy: &Policy) -> Request {
    amounts(policy, &[("calls", 1)])
}

/// A request for these quantities.
pub fn amounts(policy: &Policy, quantities: &[(&str, u64)]) -> Request {
    let mut request = Request::new(policy.schema());
    for &(name, amount) in quantities {
        request.quantity(policy.schema().quantity(name).unwrap(), amount).unwrap();
    }
    request
}

pub fn demand(policy: &Policy, request: &mut Request, column: &str, relation: Relation, number: u64) {
    request.demand(policy.schema().gate_number(column, relation).unwrap(), number).unwrap();
}

pub fn demand_set(policy: &Policy, request: &mut Request, column: &str, relation: Relation, names: &[&str]) {
    let members = policy.members(column, names).unwrap();
    request.demand_set(policy.schema().gate_set(column, relation).unwrap(), &members).unwrap();
}

pub fn bps(bps: u16) -> Bps {
    Bps::new(bps).unwrap()
}

/// Value, confidence 10,000 and risk 0, so that a utility can be had.
pub fn worth(request: &mut Request, value: i64) {
    request.value(value).confidence(Bps::MAX).risk(bps(0));
}

pub fn utility() -> UtilityDraft {
    UtilityDraft::default()
}

pub fn explained(policy: &Policy, request: &Request) -> Explanation {
    explain(policy, &Disabled::none(), request).unwrap()
}

pub fn micros(micros: u64) -> MicroUnits {
    MicroUnits(micros)
}
