//! `prescribe 4096 wide schema`: all 16 gates, sets of 256 members.

use assize::{
    kernel::Request,
    num::Bps,
    policy::{
        CandidateDraft, CardDraft, ColumnDraft, ColumnKind, Draft, GateDraft, MemberDraft, MembersDraft,
        Policy, QuantityDraft, Relation, SchemaDraft, SourceDraft, UtilityDraft, ValueDraft, WeightDraft,
    },
};

use crate::{
    prescribe::{CATALOG_SEED, REQUEST_SEED, REQUESTS},
    random::Random,
    scanned,
    table::Table,
};

pub fn rows(table: &mut Table) {
    if table.wants(NAME) {
        let policy = Policy::freeze(draft(&mut Random::part(CATALOG_SEED, 16))).expect("it is drawn valid");
        let mut random = Random::part(REQUEST_SEED, 16);
        let requests: Vec<Request> = (0..REQUESTS).map(|_| request(&policy, &mut random)).collect();
        table
            .row(&scanned::row(NAME, &policy, &requests).with("gates", GATES.len()).with("members", MEMBERS));
    }
}

fn draft(random: &mut Random) -> Draft {
    let gate = |&(column, _, relation): &(&str, ColumnKind, Relation)| GateDraft {
        column: column.into(),
        relation,
        source: SourceDraft::Request,
    };
    let schema = SchemaDraft {
        name: "wide".into(),
        columns: GATES.iter().map(|&(name, kind, _)| ColumnDraft { name: name.into(), kind }).collect(),
        gates: GATES.iter().map(gate).collect(),
        quantities: vec![QuantityDraft { name: "units".into(), per: 1_000, fallback: None }],
        tier_by: Vec::new(),
        merit: Some("quality".into()),
    };
    let mut draft = Draft::new("wide", 1, schema);
    draft.utility = Some(UtilityDraft {
        weights: vec![WeightDraft { column: "latency".into(), micros_per_unit: 2, unknown: None }],
        ..UtilityDraft::default()
    });
    for &(column, kind, _) in &GATES {
        if !kind.is_numeric() {
            let members = (0..MEMBERS).map(|id| MemberDraft { id, name: name(id) }).collect();
            draft.members.push(MembersDraft { column: column.into(), members });
        }
    }
    draft.candidates = (1..=CANDIDATES).map(|id| candidate(id, random)).collect();
    draft
}

fn candidate(id: u32, random: &mut Random) -> CandidateDraft {
    let mut candidate = CandidateDraft::new(id, &format!("candidate {id}"));
    for &(column, kind, relation) in &GATES {
        let value = match (kind, relation) {
            (ColumnKind::Bps | ColumnKind::Number, _) => ValueDraft::Number(random.within(0, NUMBER_MAX)),
            (ColumnKind::Member, _) => ValueDraft::Member(name(random.within(0, MEMBERS as u64 - 1) as u16)),
            // Whoever must have them all has most of them; whoever must have any has few.
            (ColumnKind::Set, Relation::HasAll) => ValueDraft::Set(names(3, 4, random)),
            (ColumnKind::Set, _) => ValueDraft::Set(names(1, 8, random)),
        };
        candidate.values.push((column.into(), value));
    }
    candidate.cards.push(CardDraft { above: 0, rates: vec![("units".into(), random.within(1, 40_000))] });
    candidate
}

/// A demand of every gate; each number passes nine in ten.
fn request(policy: &Policy, random: &mut Random) -> Request {
    let schema = policy.schema();
    let mut request = Request::new(schema);
    for &(column, kind, relation) in &GATES {
        if kind.is_numeric() {
            let tenth = random.within(NUMBER_MAX / 20, NUMBER_MAX * 3 / 20);
            let number = if relation == Relation::AtMost { NUMBER_MAX - tenth } else { tenth };
            let gate = schema.gate_number(column, relation).expect("it is one of the gates");
            request.demand(gate, number).expect("it is of this schema");
        } else {
            let names = match relation {
                Relation::HasAll => vec![name(random.within(0, MEMBERS as u64 - 1) as u16)],
                Relation::HasAny => names(1, 16, random),
                _ => names(3, 4, random),
            };
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let members = policy.members(column, &names).expect("all names are listed");
            let gate = schema.gate_set(column, relation).expect("it is one of the gates");
            request.demand_set(gate, &members).expect("at most 8 sets are demanded");
        }
    }
    let units = schema.quantity("units").expect("it is the quantity");
    request.quantity(units, random.within(1, 4_000)).expect("it is of this schema");
    let confidence = Bps::new(random.within(5_000, 10_000) as u16).expect("it is a share");
    request.value(random.within(100_000, 1_000_000) as i64).confidence(confidence).risk(confidence);
    request
}

/// Each member with that chance.
fn names(chances: u64, of: u64, random: &mut Random) -> Vec<String> {
    (0..MEMBERS).filter(|_| random.happens(chances, of)).map(name).collect()
}

fn name(id: u16) -> String {
    format!("m{id}")
}

const NAME: &str = "prescribe 4096 wide schema";
const CANDIDATES: u32 = 4_096;
const MEMBERS: u16 = 256;
const NUMBER_MAX: u64 = 10_000;

const GATES: [(&str, ColumnKind, Relation); 16] = [
    ("quality", ColumnKind::Bps, Relation::AtLeast),
    ("latency", ColumnKind::Number, Relation::AtMost),
    ("skills", ColumnKind::Set, Relation::HasAll),
    ("certificates", ColumnKind::Set, Relation::HasAll),
    ("regions", ColumnKind::Set, Relation::HasAny),
    ("languages", ColumnKind::Set, Relation::HasAny),
    ("sectors", ColumnKind::Set, Relation::HasAny),
    ("days", ColumnKind::Set, Relation::HasAny),
    ("provider", ColumnKind::Member, Relation::OneOf),
    ("owner", ColumnKind::Member, Relation::OneOf),
    ("window", ColumnKind::Number, Relation::Fits),
    ("depth", ColumnKind::Number, Relation::AtLeast),
    ("age", ColumnKind::Number, Relation::AtMost),
    ("load", ColumnKind::Number, Relation::AtMost),
    ("stock", ColumnKind::Number, Relation::Fits),
    ("trust", ColumnKind::Bps, Relation::AtLeast),
];
