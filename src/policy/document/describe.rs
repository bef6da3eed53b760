//! A draft as a tree of named items, in a fixed order: what both languages write.

use alloc::string::String;
use alloc::vec::Vec;

use super::FORMAT;
use crate::policy::Substitution;
use crate::policy::draft::{
    CandidateDraft, CardDraft, Draft, GateDraft, LimitsDraft, MembersDraft, SchemaDraft, SourceDraft,
    UtilityDraft, ValueDraft, WeightDraft,
};

/// What a field can be.
pub(super) enum Item {
    Whole(u64),
    Signed(i64),
    Flag(bool),
    Text(String),
    List(Vec<Item>),
    Table(Table),
}

/// Fields in the order in which they are written.
pub(super) type Table = Vec<(String, Item)>;

/// All of a document but its candidates. Empty tables are left out.
pub(super) fn head(draft: &Draft) -> Table {
    let mut table = Table::new();
    put(&mut table, "format", Item::Whole(FORMAT));
    put(&mut table, "name", text(&draft.name));
    put(&mut table, "epoch", Item::Whole(draft.epoch));
    put(&mut table, "schema", schema(&draft.schema));
    put(&mut table, "substitution", substitution(draft.substitution));
    put_table(&mut table, "limits", limits(draft.limits));
    if let Some(one) = &draft.utility {
        put(&mut table, "utility", Item::Table(utility(one)));
    }
    let members = draft.members.iter().map(|one| (one.column.clone(), Item::Table(members(one))));
    put_table(&mut table, "members", by_name(members.collect()));
    table
}

/// The candidates, sorted by id.
pub(super) fn candidates(draft: &Draft) -> impl Iterator<Item = Table> {
    let mut sorted: Vec<&CandidateDraft> = draft.candidates.iter().collect();
    sorted.sort_by_key(|candidate| candidate.id);
    sorted.into_iter().map(candidate)
}

fn schema(schema: &SchemaDraft) -> Item {
    let sorted = sorted_schema(schema.clone());
    if SchemaDraft::shipped(&schema.name).is_some_and(|shipped| sorted_schema(shipped) == sorted) {
        return text(&schema.name);
    }
    let mut table = Table::new();
    put(&mut table, "name", text(&sorted.name));
    if let Some(merit) = &sorted.merit {
        put(&mut table, "merit", text(merit));
    }
    put(&mut table, "tier_by", texts(&sorted.tier_by));
    put(&mut table, "gates", Item::List(sorted.gates.iter().map(gate).collect()));
    let columns = sorted.columns.iter().map(|column| (column.name.clone(), text(column.kind.as_str())));
    put(&mut table, "columns", Item::Table(columns.collect()));
    let quantities = sorted.quantities.iter().map(|quantity| {
        let mut table = Table::new();
        put(&mut table, "per", Item::Whole(quantity.per));
        if let Some(fallback) = &quantity.fallback {
            put(&mut table, "fallback", text(fallback));
        }
        (quantity.name.clone(), Item::Table(table))
    });
    put(&mut table, "quantities", Item::Table(quantities.collect()));
    Item::Table(table)
}

/// The same schema in one order, so that two can be compared.
fn sorted_schema(mut schema: SchemaDraft) -> SchemaDraft {
    schema.columns.sort_by(|a, b| a.name.cmp(&b.name));
    schema.quantities.sort_by(|a, b| a.name.cmp(&b.name));
    schema.tier_by.sort();
    for gate in &mut schema.gates {
        if let SourceDraft::Quantities(names) = &mut gate.source {
            names.sort();
        }
    }
    schema
}

fn gate(gate: &GateDraft) -> Item {
    let mut table = Table::new();
    put(&mut table, "column", text(&gate.column));
    put(&mut table, "relation", text(gate.relation.as_str()));
    match &gate.source {
        SourceDraft::Request => {}
        SourceDraft::Quantities(names) => {
            put(&mut table, "source", Item::Table(Vec::from([("quantities".into(), texts(names))])));
        }
        SourceDraft::Risk => put(&mut table, "source", text("risk")),
    }
    Item::Table(table)
}

fn substitution(substitution: Substitution) -> Item {
    match substitution {
        Substitution::Best => text("best"),
        Substitution::Margin(margin) => Item::Table(Vec::from([("margin".into(), Item::Whole(margin.0))])),
        Substitution::IfIneligible => text("if_ineligible"),
        Substitution::Never => text("never"),
    }
}

fn limits(limits: LimitsDraft) -> Table {
    let mut table = Table::new();
    let both = [("risk_hard_bps", limits.risk_hard_bps), ("confidence_min_bps", limits.confidence_min_bps)];
    for (name, bps) in both {
        if let Some(bps) = bps {
            put(&mut table, name, Item::Whole(u64::from(bps)));
        }
    }
    table
}

fn utility(utility: &UtilityDraft) -> Table {
    let mut table = Table::new();
    put(&mut table, "risk_multiplier_bps", Item::Whole(u64::from(utility.risk_multiplier_bps)));
    if let Some(bps) = utility.merit_unknown_bps {
        put(&mut table, "merit_unknown_bps", Item::Whole(u64::from(bps)));
    }
    let weight = |weight: &WeightDraft| {
        let mut table = Table::new();
        put(&mut table, "micros_per_unit", Item::Signed(weight.micros_per_unit));
        if let Some(unknown) = weight.unknown {
            put(&mut table, "unknown", Item::Whole(unknown));
        }
        (weight.column.clone(), Item::Table(table))
    };
    put_table(&mut table, "weights", by_name(utility.weights.iter().map(weight).collect()));
    table
}

/// Sorted by number, so that what is added comes last.
fn members(members: &MembersDraft) -> Table {
    let mut sorted: Vec<_> = members.members.iter().collect();
    sorted.sort_by_key(|member| member.id);
    sorted.into_iter().map(|member| (member.name.clone(), Item::Whole(u64::from(member.id)))).collect()
}

fn candidate(candidate: &CandidateDraft) -> Table {
    let mut table = Table::new();
    put(&mut table, "id", Item::Whole(u64::from(candidate.id)));
    put(&mut table, "name", text(&candidate.name));
    if !candidate.enabled {
        put(&mut table, "enabled", Item::Flag(false));
    }
    if candidate.flat_fee_micros != 0 {
        put(&mut table, "flat_fee_micros", Item::Whole(candidate.flat_fee_micros));
    }
    let values = candidate.values.iter().map(|(column, one)| (column.clone(), value(one)));
    put_table(&mut table, "values", by_name(values.collect()));
    match candidate.cards.as_slice() {
        [] => {}
        [CardDraft { above: 0, rates: base }] => put(&mut table, "rates", Item::Table(rates(base))),
        cards => {
            let mut sorted: Vec<_> = cards.iter().collect();
            sorted.sort_by_key(|card| card.above);
            let card = |card: &CardDraft| {
                let mut table = Table::new();
                put(&mut table, "above", Item::Whole(card.above));
                put(&mut table, "rates", Item::Table(rates(&card.rates)));
                Item::Table(table)
            };
            put(&mut table, "cards", Item::List(sorted.into_iter().map(card).collect()));
        }
    }
    table
}

fn value(value: &ValueDraft) -> Item {
    match value {
        ValueDraft::Number(number) => Item::Whole(*number),
        ValueDraft::Member(name) => text(name),
        ValueDraft::Set(names) => texts(names),
    }
}

fn rates(rates: &[(String, u64)]) -> Table {
    by_name(rates.iter().map(|(name, rate)| (name.clone(), Item::Whole(*rate))).collect())
}

fn put(table: &mut Table, name: &str, item: Item) {
    table.push((name.into(), item));
}

fn put_table(table: &mut Table, name: &str, fields: Table) {
    if !fields.is_empty() {
        put(table, name, Item::Table(fields));
    }
}

fn by_name(mut table: Table) -> Table {
    table.sort_by(|(a, _), (b, _)| a.cmp(b));
    table
}

fn text(text: &str) -> Item {
    Item::Text(text.into())
}

fn texts(names: &[String]) -> Item {
    let mut sorted: Vec<&String> = names.iter().collect();
    sorted.sort();
    Item::List(sorted.into_iter().map(|name| text(name)).collect())
}
