//! What a valid policy is: one row for each thing that can be wrong, with the place, what was seen and the bound.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::collections::BTreeSet;

use assize::codec::{Reader, Writer};
use assize::id::{CandidateId, Epoch};
use assize::limits::POLICY_BYTES_MAX;
use assize::num::MicroUnits;
use assize::policy::llm::Llm;
use assize::policy::standard::Standard;
use assize::policy::{
    CandidateDraft, CardDraft, ColumnDraft, ColumnIndex, ColumnKind, Draft, GateDraft, HandleError,
    MemberDraft, MemberId, MemberSet, MembersDraft, Policy, PolicyError, QuantityDraft, QuantityIndex,
    Relation, Schema, SchemaDraft, Source, SourceDraft, Substitution, SwapError, UtilityDraft, ValueDraft,
    WeightDraft,
};

/// A small policy with one column of each kind, sorted as `flags`, `limit`, `share`, `venue`.
fn valid() -> Draft {
    let column = |name: &str, kind| ColumnDraft { name: name.into(), kind };
    let gate = |column: &str, relation, source| GateDraft { column: column.into(), relation, source };
    let mut draft = Draft::new("small", 5, SchemaDraft::default());
    draft.schema = SchemaDraft {
        name: "small-1".into(),
        columns: vec![
            column("share", ColumnKind::Bps),
            column("limit", ColumnKind::Number),
            column("flags", ColumnKind::Set),
            column("venue", ColumnKind::Member),
        ],
        gates: vec![
            gate("share", Relation::AtLeast, SourceDraft::Request),
            gate("venue", Relation::OneOf, SourceDraft::Request),
            gate("flags", Relation::HasAll, SourceDraft::Request),
            gate("share", Relation::Fits, SourceDraft::Risk),
            gate("limit", Relation::Fits, SourceDraft::Quantities(vec!["units".into()])),
        ],
        quantities: vec![
            QuantityDraft { name: "units".into(), per: 1, fallback: None },
            QuantityDraft { name: "extra".into(), per: 1, fallback: Some("units".into()) },
        ],
        tier_by: vec!["units".into()],
        merit: Some("share".into()),
    };
    let member = |id, name: &str| MemberDraft { id, name: name.into() };
    draft.members = vec![
        MembersDraft { column: "venue".into(), members: vec![member(1, "south"), member(0, "north")] },
        MembersDraft { column: "flags".into(), members: vec![member(500, "dark"), member(7, "lit")] },
    ];
    draft.candidates = vec![candidate(9, "nine"), candidate(3, "three")];
    draft
}

fn candidate(id: u32, name: &str) -> CandidateDraft {
    let mut candidate = CandidateDraft::new(id, name);
    candidate.flat_fee_micros = 2;
    candidate.values = vec![
        ("share".into(), ValueDraft::Number(9_000)),
        ("limit".into(), ValueDraft::Number(1 << 40)),
        ("venue".into(), ValueDraft::Member("south".into())),
        ("flags".into(), ValueDraft::Set(vec!["lit".into(), "dark".into()])),
    ];
    candidate.cards = vec![
        CardDraft { above: 100, rates: vec![("units".into(), 4)] },
        CardDraft { above: 0, rates: vec![("units".into(), 5), ("extra".into(), 6)] },
    ];
    candidate
}

fn weight(column: &str, micros_per_unit: i64, unknown: Option<u64>) -> WeightDraft {
    WeightDraft { column: column.into(), micros_per_unit, unknown }
}

fn weighted(weights: Vec<WeightDraft>) -> Option<UtilityDraft> {
    Some(UtilityDraft { risk_multiplier_bps: 1, merit_unknown_bps: None, weights })
}

/// The name of the variant that says what is wrong.
fn fault_of(error: &PolicyError) -> String {
    let shown = format!("{:?}", error.fault);
    shown.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap().into()
}

type Row = (fn(&mut Draft), &'static str);

#[rustfmt::skip]
const ROWS: &[Row] = &[
    // Names.
    (|d| d.name.clear(), "name: an empty name; a name has 1 to 128 bytes"),
    (|d| d.name = "é".repeat(65), "name: a name of 130 bytes; the limit is 128"),
    (|d| d.schema.name = "a\u{85}b".into(), "schema.name: a control character in a name"),
    (|d| d.schema.columns.push(ColumnDraft { name: String::new(), kind: ColumnKind::Bps }), "schema.columns \"\": an empty name; a name has 1 to 128 bytes"),
    (|d| d.schema.quantities[1].name = "a\nb".into(), "schema.quantities \"a\\nb\": a control character in a name"),
    (|d| d.members[0].members[0].name.clear(), "members \"venue\", member 1 \"\": an empty name; a name has 1 to 128 bytes"),
    (|d| d.candidates[1].name = "\u{7f}".into(), "candidates[1] \"\\u{7f}\": a control character in a name"),
    (|d| d.candidates[1].name = "x".repeat(129), "candidates[1] \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\": a name of 129 bytes; the limit is 128"),
    // Counts.
    (|d| d.candidates.clear(), "candidates: no candidates; at least 1 is needed"),
    (|d| d.candidates = vec![d.candidates[0].clone(); 65_536], "candidates: 65536 candidates; the limit is 65535"),
    (|d| d.schema.columns = vec![d.schema.columns[0].clone(); 33], "schema.columns: 33 columns; the limit is 32"),
    (|d| d.schema.quantities = vec![d.schema.quantities[0].clone(); 9], "schema.quantities: 9 quantities; the limit is 8"),
    (|d| d.schema.gates = vec![d.schema.gates[0].clone(); 17], "schema.gates: 17 gates; the limit is 16"),
    (|d| d.candidates[0].cards = (0..5).map(|above| CardDraft { above, rates: vec![] }).collect(), "candidates[0] \"nine\": 5 cards; the limit is 4"),
    // Basis points.
    (|d| d.limits.risk_hard_bps = Some(10_001), "limits.risk_hard_bps: 10001 is above 10000 basis points"),
    (|d| d.limits.confidence_min_bps = Some(65_535), "limits.confidence_min_bps: 65535 is above 10000 basis points"),
    (|d| d.utility = Some(UtilityDraft { merit_unknown_bps: Some(10_001), ..UtilityDraft::default() }), "utility.merit_unknown_bps: 10001 is above 10000 basis points"),
    (|d| d.candidates[0].values[0].1 = ValueDraft::Number(10_001), "candidates[0] \"nine\", column \"share\": 10001 is above 10000 basis points"),
    (|d| d.utility = weighted(vec![weight("share", 1, Some(10_001))]), "utility.weights \"share\": 10001 is above 10000 basis points"),
    // What is there twice.
    (|d| d.schema.columns.push(d.schema.columns[0].clone()), "schema.columns \"share\": this column is there twice"),
    (|d| { d.schema.quantities[1].name = "units".into(); d.schema.quantities[1].fallback = None }, "schema.quantities \"units\": this quantity is there twice"),
    (|d| d.schema.tier_by.push("units".into()), "schema.tier_by: this quantity is there twice"),
    (|d| d.schema.gates[4].source = SourceDraft::Quantities(vec!["extra".into(), "extra".into()]), "schema.gates[4] \"limit\": this quantity is there twice"),
    (|d| d.members[0].column = "flags".into(), "members \"flags\": this column is there twice"),
    (|d| { let value = d.candidates[0].values[0].clone(); d.candidates[0].values.push(value) }, "candidates[0] \"nine\", column \"share\": this column is there twice"),
    (|d| d.candidates[0].cards[0].rates.push(("units".into(), 4)), "candidates[0] \"nine\", card above 100, quantity \"units\": this quantity is there twice"),
    (|d| d.utility = weighted(vec![weight("limit", 1, None), weight("share", 1, None), weight("limit", 2, None)]), "utility.weights \"limit\": this weight is there twice"),
    (|d| d.candidates[1].id = 9, "candidates[1] \"three\": another has the number 9"),
    (|d| d.candidates[1].name = "nine".into(), "candidates[0] \"nine\": number 3 has the same name"),
    (|d| d.members[0].members[0].id = 0, "members \"venue\", member 0 \"north\": another has the number 0"),
    (|d| d.members[1].members[1].name = "dark".into(), "members \"flags\", member 500 \"dark\": number 7 has the same name"),
    (|d| d.candidates[0].values[3].1 = ValueDraft::Set(vec!["lit".into(), "lit".into()]), "candidates[0] \"nine\", column \"flags\": the member \"lit\" is there twice"),
    (|d| d.schema.gates.push(d.schema.gates[1].clone()), "schema.gates[5] \"venue\": gates[1] has the same column, relation and source"),
    // What is named and not there.
    (|d| d.schema.gates[2].column = "flag".into(), "schema.gates[2] \"flag\": the schema has no column \"flag\""),
    (|d| d.schema.merit = Some("merit".into()), "schema.merit: the schema has no column \"merit\""),
    (|d| d.members[0].column = "place".into(), "members \"place\": the schema has no column \"place\""),
    (|d| d.utility = weighted(vec![weight("latency", 1, None)]), "utility.weights \"latency\": the schema has no column \"latency\""),
    (|d| d.candidates[1].values[2].0 = "quality".into(), "candidates[1] \"three\", column \"quality\": the schema has no column \"quality\""),
    (|d| d.schema.gates[4].source = SourceDraft::Quantities(vec!["calls".into()]), "schema.gates[4] \"limit\": the schema has no quantity \"calls\""),
    (|d| d.schema.quantities[1].fallback = Some("calls".into()), "schema.quantities \"extra\": the schema has no quantity \"calls\""),
    (|d| d.schema.tier_by = vec!["calls".into()], "schema.tier_by: the schema has no quantity \"calls\""),
    (|d| d.candidates[0].cards[1].rates[1].0 = "calls".into(), "candidates[0] \"nine\", card above 0, quantity \"calls\": the schema has no quantity \"calls\""),
    (|d| d.candidates[0].values[2].1 = ValueDraft::Member("east".into()), "candidates[0] \"nine\", column \"venue\": no member \"east\" is listed for the column"),
    (|d| d.candidates[0].values[3].1 = ValueDraft::Set(vec!["lit".into(), "grey".into()]), "candidates[0] \"nine\", column \"flags\": no member \"grey\" is listed for the column"),
    // What does not go together.
    (|d| d.members[0].members[1].id = 512, "members \"venue\", member 512 \"north\": 512 is above the largest number, 511"),
    (|d| d.members[0].column = "limit".into(), "members \"limit\": a number column has no members; set and member columns do"),
    (|d| d.schema.gates[0].relation = Relation::HasAny, "schema.gates[0] \"share\": has_any takes no bps column; it takes a set column"),
    (|d| d.schema.gates[1].relation = Relation::AtMost, "schema.gates[1] \"venue\": at_most takes no member column; it takes a bps or number column"),
    (|d| d.schema.gates[2].relation = Relation::OneOf, "schema.gates[2] \"flags\": one_of takes no set column; it takes a member column"),
    (|d| d.schema.gates[1].source = SourceDraft::Quantities(vec!["units".into()]), "schema.gates[1] \"venue\": quantities cannot feed a gate on a member column; it takes a bps or number column"),
    (|d| d.schema.gates[4].source = SourceDraft::Quantities(vec![]), "schema.gates[4] \"limit\": fed by no quantity; at least 1 is needed"),
    (|d| d.schema.gates[4].source = SourceDraft::Risk, "schema.gates[4] \"limit\": the risk cannot feed a gate on a number column; it takes a bps column"),
    (|d| d.schema.quantities[1].per = 0, "schema.quantities \"extra\": per is 0; it is at least 1"),
    (|d| d.schema.quantities[0].fallback = Some("units".into()), "schema.quantities \"extra\": its fallbacks lead back to a quantity already passed"),
    (|d| d.schema.quantities[0].fallback = Some("extra".into()), "schema.quantities \"extra\": its fallbacks lead back to a quantity already passed"),
    (|d| d.schema.quantities[1].per = 100, "schema.quantities \"extra\": per is 100; its fallback's is 1, and they are the same"),
    (|d| d.schema.merit = Some("limit".into()), "schema.merit: a number column cannot be the merit; it is a bps column"),
    (|d| { d.schema.merit = None; d.utility = weighted(vec![]) }, "utility: a utility needs a merit column, and the schema has none"),
    (|d| d.utility = weighted(vec![weight("venue", 1, None)]), "utility.weights \"venue\": a member column cannot be weighted; a bps or number column can"),
    (|d| d.utility = weighted(vec![weight("limit", 1 << 56, None)]), "utility.weights: the weighted columns can sum up to 97 bits; the limit is 96"),
    (|d| d.utility = weighted(vec![weight("limit", i64::MIN, Some(u64::MAX)), weight("share", 1, None)]), "utility.weights: the weighted columns can sum up to 127 bits; the limit is 96"),
    (|d| d.candidates[0].values[0].1 = ValueDraft::Member("south".into()), "candidates[0] \"nine\", column \"share\": a member in a bps column"),
    (|d| d.candidates[0].values[1].1 = ValueDraft::Set(vec![]), "candidates[0] \"nine\", column \"limit\": a set in a number column"),
    (|d| d.candidates[0].values[3].1 = ValueDraft::Number(1), "candidates[0] \"nine\", column \"flags\": a number in a set column"),
    (|d| d.candidates[0].values[2].1 = ValueDraft::Set(vec!["south".into()]), "candidates[0] \"nine\", column \"venue\": a set in a member column"),
    // Cards.
    (|d| d.candidates[0].cards[1].above = 1, "candidates[0] \"nine\": the lowest card is above 1; the base card is above 0"),
    (|d| d.candidates[0].cards[0].above = 0, "candidates[0] \"nine\": two cards are above 0"),
    (|d| d.schema.tier_by.clear(), "candidates[1] \"three\": a card above 100, but the schema's tier_by names no quantity"),
];

#[test]
fn what_is_wrong_is_said_with_place_seen_and_bound() {
    for (alter, expected) in ROWS {
        let mut draft = valid();
        alter(&mut draft);
        assert_eq!(Policy::freeze(draft).unwrap_err().to_string(), *expected);
    }
}

/// Faults of bytes: what no draft can say.
fn rows_of_bytes() -> Vec<(Vec<u8>, &'static str)> {
    let mut draft = valid();
    draft.candidates.truncate(1);
    let mut bytes = Vec::new();
    Policy::freeze(draft).unwrap().encode(&mut bytes);
    // The member of the column `venue`, which the cards follow: a count, then `above` and the mask of the first.
    let cards = [2_u8, 0, 0, 0, 0, 0, 0, 0, 0, 0b11];
    let at = bytes.windows(cards.len()).position(|window| window == cards).unwrap() - 2;
    assert_eq!(bytes[at..at + 2], [1, 0]);
    let mut unlisted = bytes.clone();
    unlisted[at..at + 2].copy_from_slice(&[2, 0]);
    let mut version = bytes.clone();
    version[0] = 2;
    vec![
        (vec![0; POLICY_BYTES_MAX + 1], "canonical form: 50331649 bytes; the limit is 50331648"),
        (version, "canonical form: before byte 2: invalid version of the canonical form"),
        (bytes[..40].to_vec(), "canonical form: at byte 40: 5 bytes wanted, 0 left"),
        (unlisted, "candidates[0] \"nine\", column \"venue\": no member 2 is listed for the column"),
    ]
}

#[test]
fn bytes_are_checked_as_drafts_are() {
    for (bytes, expected) in rows_of_bytes() {
        assert_eq!(Policy::decode(&bytes).unwrap_err().to_string(), expected);
    }
}

#[test]
fn every_fault_has_a_row() {
    let source = include_str!("../src/policy/error.rs");
    let body = source.split("pub enum PolicyFault {").nth(1).unwrap().split("\n}").next().unwrap();
    let variants: BTreeSet<String> = body
        .lines()
        .filter_map(|line| line.strip_prefix("    "))
        .filter(|line| line.starts_with(|c: char| c.is_ascii_uppercase()))
        .map(|line| line.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap().into())
        .collect();
    let mut shown: BTreeSet<String> = BTreeSet::new();
    for (alter, _) in ROWS {
        let mut draft = valid();
        alter(&mut draft);
        shown.insert(fault_of(&Policy::freeze(draft).unwrap_err()));
    }
    for (bytes, _) in rows_of_bytes() {
        shown.insert(fault_of(&Policy::decode(&bytes).unwrap_err()));
    }
    assert_eq!(shown, variants);
    assert!(variants.len() > 30, "{variants:?}");
}

#[test]
fn what_is_at_its_bound_is_valid() {
    type Alter = fn(&mut Draft);
    #[rustfmt::skip]
    let rows: &[Alter] = &[
        |_| (),
        |d| d.name = "x".repeat(128),
        |d| d.limits.risk_hard_bps = Some(10_000),
        |d| d.candidates[0].values[0].1 = ValueDraft::Number(10_000),
        |d| d.members[0].members[1].id = 511,
        |d| d.members[0].members = (0..512).map(|id| MemberDraft { id, name: if id == 300 { "south".into() } else { format!("m{id}") } }).collect(),
        |d| d.utility = weighted(vec![weight("limit", 1 << 55, None)]),
        |d| d.utility = weighted(vec![weight("limit", -(1 << 55), Some(1)), weight("share", 0, None)]),
        |d| d.schema.gates.clear(),
        |d| { d.schema.merit = None; d.members[1].members.push(MemberDraft { id: 0, name: "more".into() }) },
        |d| d.candidates[0].cards.clear(),
        |d| d.candidates[0].cards = (0..4).map(|above| CardDraft { above, rates: vec![] }).collect(),
        |d| d.candidates[0].values.clear(),
        |d| d.candidates[0].enabled = false,
        |d| d.candidates = (0..65_535).map(|id| CandidateDraft::new(u32::MAX - id, &id.to_string())).collect(),
        |d| d.schema.gates[3] = GateDraft { source: SourceDraft::Request, ..d.schema.gates[3].clone() },
        |d| d.schema.quantities.extend((0..6).map(|n| QuantityDraft { name: format!("q{n}"), per: 1, fallback: Some(if n == 0 { "extra".into() } else { format!("q{}", n - 1) }) })),
        |d| d.schema.columns.extend((0..28).map(|n| ColumnDraft { name: format!("c{n}"), kind: ColumnKind::Number })),
        |d| { let before = d.schema.gates[0].clone(); d.schema.gates = Relation::ALL[..3].iter().flat_map(|&relation| ["share", "limit"].map(|column| GateDraft { column: column.into(), relation, ..before.clone() })).collect() },
    ];
    for (row, alter) in rows.iter().enumerate() {
        let mut draft = valid();
        alter(&mut draft);
        Policy::freeze(draft).unwrap_or_else(|error| panic!("row {row}: {error}"));
    }
}

#[test]
fn a_policy_gives_back_what_it_was_made_of() {
    let policy = Policy::freeze(valid()).unwrap();
    assert_eq!((policy.name(), policy.epoch()), ("small", Epoch(5)));
    assert_eq!(policy.substitution(), Substitution::Best);
    let ids: Vec<u32> = policy.candidates().iter().map(|candidate| candidate.id().0).collect();
    assert_eq!(ids, [3, 9]);
    assert_eq!(policy.candidate(CandidateId(9)).unwrap().name(), "nine");
    assert_eq!(policy.position(CandidateId(9)), Some(1));
    assert!(policy.candidate(CandidateId(4)).is_none());
    assert_eq!(policy.candidate_named("three").unwrap().id(), CandidateId(3));
    assert!(policy.candidate_named("four").is_none());

    let schema = policy.schema();
    let names: Vec<&str> = schema.columns().iter().map(assize::policy::Column::name).collect();
    assert_eq!(names, ["flags", "limit", "share", "venue"]);
    assert_eq!(schema.merit(), Some(ColumnIndex(2)));
    assert_eq!(schema.quantity_at(QuantityIndex(0)).unwrap().name(), "extra");
    assert_eq!(schema.quantity_at(QuantityIndex(0)).unwrap().fallback(), Some(QuantityIndex(1)));
    assert_eq!(schema.gates()[3].source(), Source::Risk);
    let nine = policy.candidate_named("nine").unwrap();
    assert!(nine.is_enabled());
    assert_eq!(nine.flat_fee(), MicroUnits(2));
    assert_eq!(nine.value(ColumnIndex(1)), Some(1 << 40));
    assert_eq!(nine.member(ColumnIndex(3)), Some(MemberId(1)));
    let set: Vec<u16> = nine.set(ColumnIndex(0)).unwrap().iter().map(|member| member.0).collect();
    assert_eq!(set, [7, 500]);
    // A value is found by its kind alone.
    assert_eq!((nine.value(ColumnIndex(0)), nine.value(ColumnIndex(3))), (None, None));
    assert_eq!((nine.member(ColumnIndex(1)), nine.set(ColumnIndex(3))), (None, None));
    assert_eq!((nine.value(ColumnIndex(32)), nine.value(ColumnIndex(255))), (None, None));
    let cards: Vec<_> = nine.cards().iter().map(|card| (card.above(), card.known().bits())).collect();
    assert_eq!(cards, [(0, 0b11), (100, 0b10)]);
    assert_eq!(nine.cards()[1].rate(QuantityIndex(0)), None);
    assert_eq!(nine.cards()[1].rate(QuantityIndex(1)), Some(4));

    let venue = schema.column("venue").unwrap();
    assert_eq!(policy.member(venue, "south"), Some(MemberId(1)));
    assert_eq!(policy.member_name(venue, MemberId(1)), Some("south"));
    assert_eq!(policy.member_name(venue, MemberId(2)), None);
    assert_eq!(policy.listed(venue).count(), 2);
    assert!(policy.listed(schema.column("limit").unwrap()).is_empty());
}

#[test]
fn the_shipped_schemas_have_their_gates_in_order() {
    let gates = |schema: &Schema| -> Vec<String> {
        let name = |gate: &assize::policy::GateSpec| schema.column_at(gate.column()).unwrap().name();
        schema.gates().iter().map(|gate| format!("{} {}", name(gate), gate.relation())).collect()
    };
    let standard = Schema::freeze(SchemaDraft::standard_1()).unwrap();
    let llm = Schema::freeze(SchemaDraft::shipped("llm-1").unwrap()).unwrap();
    let first = [
        "quality at_least",
        "latency_ms at_most",
        "capabilities has_all",
        "provider one_of",
        "region has_any",
        "risk_ceiling fits",
    ];
    assert_eq!(gates(&standard), first);
    assert_eq!(gates(&llm)[..6], first);
    assert_eq!(gates(&llm)[6..], ["input_window fits", "output_window fits"]);
    assert_eq!(standard.gates()[5].source(), Source::Risk);
    let index = |name| llm.quantity_index(name).unwrap();
    assert!(llm.quantities().iter().all(|quantity| quantity.per() == 1_000_000));
    let fallback = |name| llm.quantity_at(index(name)).unwrap().fallback();
    assert_eq!(fallback("cached_input"), Some(index("input")));
    assert_eq!(fallback("cache_write"), Some(index("input")));
    assert_eq!(fallback("reasoning"), Some(index("output")));
    assert_eq!((fallback("input"), fallback("output")), (None, None));
    assert_eq!(llm.gates()[6].source(), Source::Quantities(llm.tier_by()));
    let prompt: Vec<_> = llm.tier_by().iter().collect();
    assert_eq!(prompt, [index("cache_write"), index("cached_input"), index("input")]);
    assert!(standard.tier_by().is_empty());
    assert_eq!(llm.merit(), llm.column("quality"));
    assert_eq!(SchemaDraft::shipped("llm-2"), None);
    // Frozen formats: these never change.
    assert_eq!(
        standard.digest().to_string(),
        "a37820f0a793450a210ab726b71aebb447374097f5f782b3899b65f5cfe225c8"
    );
    assert_eq!(llm.digest().to_string(), "8e54d1f8091c1fdb6a18bab3bb65ae4366532af24880d3a3ac8e9c562b19dd68");
    assert_eq!(llm.tag().0.to_le_bytes(), llm.digest().0[..8]);
}

#[test]
fn handles_are_looked_up_once_and_refused_by_name() {
    let mut draft = valid();
    draft.schema = SchemaDraft::llm_1();
    draft.members[0].column = "provider".into();
    draft.members[1].column = "capabilities".into();
    draft.candidates = vec![CandidateDraft::new(1, "one")];
    let policy = Policy::freeze(draft).unwrap();
    let schema = policy.schema();
    let llm = Llm::of(schema).unwrap();
    let standard = Standard::of(schema).unwrap();
    assert_eq!(llm.latency_ms, standard.latency_ms);
    assert_eq!((llm.quality.tag(), llm.quality.index()), (schema.tag(), 0));
    assert_eq!(llm.provider.column(), schema.column("provider").unwrap());
    assert_eq!(schema.quantity_at(llm.reasoning.index()).unwrap().name(), "reasoning");
    let members = policy.members("capabilities", &["dark", "lit"]).unwrap();
    assert_eq!((members.tag(), members.column()), (schema.tag(), llm.capabilities.column()));
    assert_eq!(members.set(), &policy.listed(llm.capabilities.column()));
    assert!(policy.members("capabilities", &[]).unwrap().set().is_empty());

    let plain = Schema::freeze(SchemaDraft::standard_1()).unwrap();
    assert_ne!(plain.tag(), schema.tag());
    let rows: Vec<(Result<(), HandleError>, &str)> = vec![
        (schema.gate_number("speed", Relation::AtLeast).map(drop), "the schema has no column \"speed\""),
        (schema.quantity("calls").map(drop), "the schema has no quantity \"calls\""),
        (
            schema.gate_number("quality", Relation::AtMost).map(drop),
            "the schema has no gate at_most on column \"quality\"",
        ),
        (
            schema.gate_number("risk_ceiling", Relation::Fits).map(drop),
            "the request makes no demand of gate fits on column \"risk_ceiling\": it is fed",
        ),
        (
            schema.gate_number("input_window", Relation::Fits).map(drop),
            "the request makes no demand of gate fits on column \"input_window\": it is fed",
        ),
        (
            schema.gate_number("region", Relation::HasAny).map(drop),
            "column \"region\" is a set column; its demand is a set of members",
        ),
        (
            schema.gate_set("quality", Relation::AtLeast).map(drop),
            "column \"quality\" is a bps column; its demand is a number",
        ),
        (policy.members("region", &["moon"]).map(drop), "no member \"moon\" is listed for column \"region\""),
        (policy.members("moon", &[]).map(drop), "the schema has no column \"moon\""),
        (Llm::of(&plain).map(drop), "the schema has no quantity \"cached_input\""),
    ];
    for (result, expected) in rows {
        assert_eq!(result.unwrap_err().to_string(), expected);
    }
}

#[test]
fn a_policy_follows_another_under_a_raised_epoch_and_gives_no_number_away() {
    let current = Policy::freeze(valid()).unwrap();
    type Alter = fn(&mut Draft);
    #[rustfmt::skip]
    let rows: &[(Alter, Result<(), &str>)] = &[
        (|d| d.epoch = 6, Ok(())),
        (|d| { d.epoch = u64::MAX; d.candidates.remove(0); d.candidates.push(candidate(4, "four")) }, Ok(())),
        (|d| { d.epoch = 6; d.members[0].members.push(MemberDraft { id: 2, name: "east".into() }) }, Ok(())),
        (|_| (), Err("epoch 5 does not follow epoch 5; it must be above")),
        (|d| d.epoch = 4, Err("epoch 4 does not follow epoch 5; it must be above")),
        (|d| { d.epoch = 6; d.schema.gates.swap(0, 1) }, Err("the schema differs from that of the policy in force")),
        (|d| { d.epoch = 6; d.candidates[0].name = "neuf".into() }, Err("candidates[1] \"neuf\": the policy in force has \"nine\" under this number")),
        (|d| { d.epoch = 6; d.members[0].members[1].name = "nord".into() }, Err("members \"venue\", member 0 \"nord\": the policy in force has \"north\" under this number")),
    ];
    for (alter, expected) in rows {
        let mut draft = valid();
        alter(&mut draft);
        let follows = Policy::freeze(draft).unwrap().check_follows(&current);
        assert_eq!(
            follows.as_ref().map(|&()| ()).map_err(SwapError::to_string).as_ref().err().map(String::as_str),
            expected.err()
        );
    }
}

#[test]
fn a_set_of_members_is_a_bitmap_with_one_form() {
    let set = |members: &[u16]| {
        let mut set = MemberSet::EMPTY;
        members.iter().for_each(|&member| set.insert(MemberId(member)).unwrap());
        set
    };
    let bytes = |set: &MemberSet| {
        let mut bytes = Vec::new();
        set.encode(&mut Writer::new(&mut bytes));
        bytes
    };
    let rows: &[(&[u16], &[u8])] = &[
        (&[], &[0]),
        (&[0], &[1, 1]),
        (&[7, 8], &[2, 0x80, 1]),
        (&[63, 64], &[9, 0, 0, 0, 0, 0, 0, 0, 0x80, 1]),
    ];
    for (members, expected) in rows {
        assert_eq!(bytes(&set(members)), *expected);
    }
    let last = bytes(&set(&[511]));
    assert_eq!((last.len(), last[0], last[64]), (65, 64, 0x80));
    for members in [&[][..], &[0, 5], &[511], &[3, 64, 130, 400]] {
        let (one, bytes) = (set(members), bytes(&set(members)));
        assert_eq!(MemberSet::decode(&mut Reader::new(&bytes)).unwrap(), one);
        assert_eq!(one.iter().map(|member| member.0).collect::<Vec<_>>(), members);
        assert_eq!(one.count() as usize, members.len());
    }
    for bad in [&[2, 1, 0][..], &[1, 0], &[3, 1], &[65; 66]] {
        assert!(MemberSet::decode(&mut Reader::new(bad)).is_err(), "{bad:?}");
    }
    assert_eq!(
        MemberSet::EMPTY.clone().insert(MemberId(512)).unwrap_err().to_string(),
        "512 is above the maximum of 511"
    );
    assert!(!set(&[1]).contains(MemberId(u16::MAX)));
    let rows: &[(&[u16], &[u16], bool, bool)] = &[
        (&[], &[], true, false),
        (&[1], &[], true, false),
        (&[], &[1], false, false),
        (&[1, 300], &[300], true, true),
        (&[1, 300], &[300, 2], false, true),
        (&[65], &[1], false, false),
    ];
    for (one, other, superset, intersects) in rows {
        let (one, other) = (set(one), set(other));
        assert_eq!((one.is_superset(&other), one.intersects(&other)), (*superset, *intersects));
    }
}
