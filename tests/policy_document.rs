//! Policy documents: what is written is read again, and what is no document is refused by place, seen and bound.
#![cfg(feature = "serde")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::expect_used,
    clippy::panic,
    clippy::string_slice,
    reason = "a test fails by panicking"
)]

use assize::limits::DOCUMENT_BYTES_MAX;
use assize::num::MicroUnits;
use assize::policy::document::{DocumentError, from_json, from_toml, to_json, to_toml};
use assize::policy::{
    CandidateDraft, CardDraft, ColumnDraft, ColumnKind, Draft, GateDraft, LimitsDraft, MemberDraft,
    MembersDraft, Policy, QuantityDraft, Relation, SchemaDraft, SourceDraft, Substitution, UtilityDraft,
    ValueDraft, WeightDraft,
};

const SAMPLE: &str = include_str!("../examples/data/models.toml");

/// A policy with every field of the format, in the order in which documents are written.
fn full() -> Draft {
    let column = |name: &str, kind| ColumnDraft { name: name.into(), kind };
    let gate = |column: &str, relation, source| GateDraft { column: column.into(), relation, source };
    let quantity = |name: &str, per, fallback: Option<&str>| QuantityDraft {
        name: name.into(),
        per,
        fallback: fallback.map(String::from),
    };
    let mut draft = Draft::new("orders \"of\" today \\ §", u64::MAX, SchemaDraft::default());
    draft.schema = SchemaDraft {
        name: "orders-1".into(),
        columns: vec![
            column("fill rate", ColumnKind::Bps),
            column("flags", ColumnKind::Set),
            column("quantity_max", ColumnKind::Number),
            column("venue", ColumnKind::Member),
        ],
        gates: vec![
            gate("venue", Relation::OneOf, SourceDraft::Request),
            gate("fill rate", Relation::Fits, SourceDraft::Risk),
            gate("quantity_max", Relation::Fits, SourceDraft::Quantities(vec!["shares".into()])),
        ],
        quantities: vec![quantity("notional", 10_000, Some("shares")), quantity("shares", 10_000, None)],
        tier_by: vec!["notional".into(), "shares".into()],
        merit: Some("fill rate".into()),
    };
    draft.limits = LimitsDraft { risk_hard_bps: Some(10_000), confidence_min_bps: Some(0) };
    draft.utility = Some(UtilityDraft {
        risk_multiplier_bps: u32::MAX,
        merit_unknown_bps: Some(10_000),
        weights: vec![
            WeightDraft { column: "fill rate".into(), micros_per_unit: i64::MIN, unknown: Some(7) },
            WeightDraft { column: "quantity_max".into(), micros_per_unit: -2_147_483_648, unknown: None },
        ],
    });
    draft.substitution = Substitution::Margin(MicroUnits(u64::MAX));
    let members = |column: &str, names: &[(u16, &str)]| MembersDraft {
        column: column.into(),
        members: names.iter().map(|&(id, name)| MemberDraft { id, name: name.into() }).collect(),
    };
    draft.members = vec![
        members("flags", &[(0, "a.b = \"c\""), (511, "dark")]),
        members("venue", &[(3, "north"), (4, "south")]),
    ];
    let mut first = CandidateDraft::new(0, "first");
    first.values = vec![
        ("fill rate".into(), ValueDraft::Number(10_000)),
        ("flags".into(), ValueDraft::Set(vec!["a.b = \"c\"".into(), "dark".into()])),
        ("quantity_max".into(), ValueDraft::Number(u64::MAX)),
        ("venue".into(), ValueDraft::Member("south".into())),
    ];
    first.cards = vec![
        CardDraft { above: 0, rates: vec![("notional".into(), u64::MAX), ("shares".into(), 0)] },
        CardDraft { above: u64::MAX, rates: vec![] },
    ];
    let mut second = CandidateDraft::new(u32::MAX, "second");
    second.enabled = false;
    second.flat_fee_micros = u64::MAX;
    second.values = vec![("flags".into(), ValueDraft::Set(vec![]))];
    second.cards = vec![CardDraft { above: 0, rates: vec![("shares".into(), 12)] }];
    draft.candidates = vec![first, second];
    draft
}

#[test]
fn what_is_written_is_read_again() {
    let sample = Policy::freeze(from_toml(SAMPLE).unwrap()).unwrap().to_draft();
    for draft in [full(), sample] {
        let (toml, json) = (to_toml(&draft), to_json(&draft));
        let from_toml = from_toml(&toml).unwrap();
        let from_json = from_json(&json).unwrap();
        assert_eq!((to_toml(&from_toml), to_json(&from_toml)), (toml.clone(), json.clone()));
        assert_eq!((to_toml(&from_json), to_json(&from_json)), (toml, json));
        let digest = Policy::freeze(draft).unwrap().digest();
        assert_eq!(Policy::freeze(from_toml).unwrap().digest(), digest);
        assert_eq!(Policy::freeze(from_json).unwrap().digest(), digest);
    }
    // Written in order, it is read as the very same draft.
    assert_eq!(from_json(&to_json(&full())).unwrap(), full());
    assert_eq!(from_toml(&to_toml(&full())).unwrap(), full());
}

#[test]
fn the_sample_says_what_it_shows() {
    let policy = Policy::freeze(from_toml(SAMPLE).unwrap()).unwrap();
    assert_eq!(policy.schema().digest(), Policy::freeze(policy.to_draft()).unwrap().schema().digest());
    assert_eq!(policy.schema().name(), "llm-1");
    assert_eq!(policy.candidates().len(), 12);
    assert_eq!(policy.candidates().iter().filter(|candidate| candidate.is_enabled()).count(), 11);
    assert_eq!(policy.candidates().iter().filter(|candidate| candidate.cards().len() > 1).count(), 2);
    assert_eq!(policy.substitution(), Substitution::IfIneligible);
    let latency = policy.schema().column("latency_ms").unwrap();
    assert_eq!(policy.candidate_named("self-hosted/pebble-8b").unwrap().value(latency), None);
    assert_eq!(policy.candidate_named("alpine/ridge-4").unwrap().value(latency), Some(900));
}

#[test]
fn both_languages_lay_out_one_candidate_after_another() {
    let toml = to_toml(&full());
    assert!(toml.starts_with(
        "format = 1\nname = \"orders \\\"of\\\" today \\\\ §\"\nepoch = 18446744073709551615\n\
         substitution = { margin = 18446744073709551615 }\n\n[schema]\nname = \"orders-1\"\n"
    ));
    let second = "\n[[candidates]]\nid = 4294967295\nname = \"second\"\nenabled = false\n\
         flat_fee_micros = 18446744073709551615\nvalues.flags = []\nrates = { shares = 12 }\n";
    assert!(toml.ends_with(second), "{toml}");
    let json = to_json(&full());
    let second = "    {\"id\": 4294967295, \"name\": \"second\", \"enabled\": false, \"flat_fee_micros\": \
         18446744073709551615, \"values\": {\"flags\": []}, \"rates\": {\"shares\": 12}}\n  ]\n}\n";
    assert!(json.ends_with(second), "{json}");
}

#[test]
fn a_toml_document_is_refused_by_place_seen_and_bound() {
    let head = "format = 1\nname = \"a\"\nepoch = 1\nschema = \"llm-1\"\n";
    let one = |fields: &str| format!("{head}[[candidates]]\nid = 1\nname = \"x\"\n{fields}\n");
    let nested = format!("a = {}", "[".repeat(100_000));
    #[rustfmt::skip]
    let rows: &[(&str, &str)] = &[
        ("", "line 1, column 1: missing field `format`"),
        ("format = 2\nfuture = 1\n", "the document is of format 2; this version reads format 1"),
        ("format = \"1\"", "line 1, column 10, format: invalid type: string \"1\", expected an integer from 0 to 18446744073709551615"),
        ("format = 1\nname = \"x", "line 2, column 10: invalid basic string, expected `\"`"),
        ("format = 1\nname = \"a\"\nepoch = -1", "line 3, column 9, epoch: invalid value: integer `-1`, expected an integer from 0 to 18446744073709551615"),
        ("format = 1\nname = \"a\"\nepoch = 1\nepoch = 2", "line 4, column 1: duplicate key"),
        ("format = 1\nname = \"a\"\nepoch = 1\nschema = \"llm-9\"", "line 4, column 10, schema: invalid value: string \"llm-9\", expected `standard-1`, `llm-1` or a schema"),
        (&head[..10], "line 1, column 1: missing field `name`"),
        (head, "line 1, column 1: missing field `candidates`"),
        (&format!("{head}candidates = []\nlimit = 3"), "line 6, column 1, limit: unknown field `limit`, expected one of `format`, `name`, `epoch`, `schema`, `substitution`, `limits`, `utility`, `members`, `candidates`"),
        (&format!("{head}limits = {{ risk_hard_bps = 10001 }}"), "line 5, column 28, limits.risk_hard_bps: invalid value: integer `10001`, expected an integer from 0 to 10000"),
        (&format!("{head}limits = [9000]"), "line 5, column 10, limits: invalid type: sequence, expected a table"),
        (&format!("{head}[utility]\nmerit_unknown_bps = 10001"), "line 6, column 21, utility.merit_unknown_bps: invalid value: integer `10001`, expected an integer from 0 to 10000"),
        (&format!("{head}[utility]\nweights.quality.micros_per_unit = 9223372036854775808"), "line 6, column 35, utility.weights.quality.micros_per_unit: invalid value: integer `9223372036854775808`, expected an integer from -9223372036854775808 to 9223372036854775807"),
        (&format!("{head}substitution = \"first\""), "line 5, column 16, substitution: unknown variant `first`, expected one of `best`, `margin`, `if_ineligible`, `never`"),
        (&format!("{head}[members.provider]\nacme = 512"), "line 6, column 8, members.provider.acme: invalid value: integer `512`, expected an integer from 0 to 511"),
        (&one("[candidates.rates]\ninput = 1.5"), "line 9, column 9, candidates[0].rates.input: invalid type: floating point `1.5`, expected an integer from 0 to 18446744073709551615"),
        (&one("rates.input = 18446744073709551616"), "line 8, column 15, candidates[0].rates.input: invalid value: an integer out of range, expected an integer from 0 to 18446744073709551615"),
        (&one("rates.input = 340282366920938463463374607431768211455"), "line 8, column 15, candidates[0].rates.input: invalid value: an integer out of range, expected an integer from 0 to 18446744073709551615"),
        (&one("rates = {}\ncards = []"), "line 5, column 1, candidates[0]: both `rates` and `cards`; `rates` stands for one base card"),
        (&one("values.quality = -5"), "line 8, column 18, candidates[0].values.quality: invalid value: integer `-5`, expected an integer from 0 to 18446744073709551615, a member or a list of members"),
        (&one("values.quality = true"), "line 8, column 18, candidates[0].values.quality: invalid type: boolean `true`, expected an integer from 0 to 18446744073709551615, a member or a list of members"),
        (&one("values.quality = 18446744073709551616"), "line 8, column 18, candidates[0].values.quality: invalid value: an integer out of range, expected an integer from 0 to 18446744073709551615, a member or a list of members"),
        (&one("values.quality = 1\nvalues.quality = 2"), "line 9, column 8: duplicate key"),
        (&one("price = 2"), "line 8, column 1, candidates[0].price: unknown field `price`, expected one of `id`, `name`, `enabled`, `flat_fee_micros`, `values`, `rates`, `cards`"),
        (&one("").replace("id = 1", "id = 4294967296"), "line 6, column 6, candidates[0].id: invalid value: integer `4294967296`, expected an integer from 0 to 4294967295"),
        (&one("").replace("id = 1", ""), "line 5, column 1, candidates[0]: missing field `id`"),
        (&nested, "line 1, column 85: cannot recurse further; max recursion depth met"),
    ];
    for (document, expected) in rows {
        let shown: String = document.chars().take(300).collect();
        assert_eq!(from_toml(document).unwrap_err().to_string(), *expected, "{shown}");
    }
}

#[test]
fn a_json_document_is_refused_by_place_seen_and_bound() {
    let head = "{\"format\": 1, \"name\": \"a\", \"epoch\": 1, \"schema\": \"llm-1\",\n";
    let one = |fields: &str| format!("{head}\"candidates\": [{{\"id\": 1, \"name\": \"x\",\n{fields}}}]}}");
    let own = |fields: &str| {
        format!(
            "{{\"format\": 1, \"name\": \"a\", \"epoch\": 1, \"candidates\": [],\n\"schema\": {{{fields}}}}}"
        )
    };
    let nested = format!("{{\"format\": 1, \"a\": {}", "[".repeat(100_000));
    #[rustfmt::skip]
    let rows: &[(&str, &str)] = &[
        ("", "line 1, column 0: EOF while parsing a value"),
        ("[1]", "line 1, column 0: invalid type: sequence, expected a table"),
        ("{\"format\": 2, \"future\": 1}", "the document is of format 2; this version reads format 1"),
        ("{\"format\": 1,\n\"format\": 1}", "line 2, column 8: duplicate field `format`"),
        ("{\"format\": 1, \"name\": \"a\",\n\"name\": \"a\"}", "line 2, column 6: duplicate field `name`"),
        ("{\"format\": 1.0}", "line 1, column 14, format: invalid type: floating point `1.0`, expected an integer from 0 to 18446744073709551615"),
        ("{\"format\": 1", "line 1, column 12: EOF while parsing an object"),
        (&format!("{head}\"candidates\": []}} x"), "line 2, column 19: trailing characters"),
        (&one("\"values\": {\"a\": 1, \"a\": 2}"), "line 3, column 22, candidates[0].values: duplicate field `a`"),
        (&one("\"rates\": {\"a\": 1,\n\"a\": 1}"), "line 4, column 3, candidates[0].rates: duplicate field `a`"),
        (&one("\"values\": {\"a\": -1}"), "line 3, column 18, candidates[0].values.a: invalid value: integer `-1`, expected an integer from 0 to 18446744073709551615, a member or a list of members"),
        (&one("\"values\": {\"a\": 1e3}"), "line 3, column 19, candidates[0].values.a: invalid type: floating point `1000.0`, expected an integer from 0 to 18446744073709551615, a member or a list of members"),
        (&one("\"rates\": {\"a\": 18446744073709551616}"), "line 3, column 35, candidates[0].rates.a: invalid type: floating point `1.8446744073709552e+19`, expected an integer from 0 to 18446744073709551615"),
        (&one("\"rates\": {\"a\": 1}, \"cards\": []"), "line 3, column 31, candidates[0]: both `rates` and `cards`; `rates` stands for one base card"),
        (&one("\"cards\": [{\"above\": 0}]"), "line 3, column 22, candidates[0].cards[0]: missing field `rates`"),
        (&one("\"cards\": [[0, {}]]"), "line 3, column 10, candidates[0].cards[0]: invalid type: sequence, expected a table"),
        (&format!("{head}\"members\": {{\"a\": {{\"x\": 1}}, \"a\": {{}}}}}}"), "line 2, column 30, members: duplicate field `a`"),
        (&own("\"name\": \"s\", \"columns\": {\"a\": \"bytes\"}"), "line 2, column 48, schema.columns.a: unknown variant `bytes`, expected one of `bps`, `number`, `set`, `member`"),
        (&own("\"name\": \"s\", \"columns\": {}, \"gates\": [{\"column\": \"a\", \"relation\": \"is\"}]"), "line 2, column 81, schema.gates[0].relation: unknown variant `is`, expected one of `at_least`, `at_most`, `fits`, `has_all`, `has_any`, `one_of`"),
        (&own("\"kind\": 1"), "line 2, column 17, schema.kind: unknown field `kind`, expected one of `name`, `columns`, `gates`, `quantities`, `tier_by`, `merit`"),
        (&nested, "line 1, column 100019, a: EOF while parsing a list"),
    ];
    for (document, expected) in rows {
        let shown: String = document.chars().take(300).collect();
        assert_eq!(from_json(document).unwrap_err().to_string(), *expected, "{shown}");
    }
}

#[test]
fn a_truncated_document_is_no_document() {
    let json = to_json(&full());
    let whole = json.trim_end();
    for (end, _) in whole.char_indices() {
        assert!(from_json(&whole[..end]).is_err(), "{end}");
    }
    // A TOML document can end after any line. What is read then is another policy, or none.
    let digest = Policy::freeze(full()).unwrap().digest();
    let toml = to_toml(&full());
    let whole = toml.trim_end();
    let mut refused = 0;
    for (end, _) in whole.char_indices() {
        match from_toml(&whole[..end]) {
            Err(_) => refused += 1,
            Ok(draft) => {
                let policy = Policy::freeze(draft);
                assert!(policy.map_or(true, |policy| policy.digest() != digest), "{end}");
            }
        }
    }
    assert!(refused > whole.len() / 2, "{refused} of {}", whole.len());
}

#[test]
fn the_size_is_checked_before_the_text() {
    let large = " ".repeat(DOCUMENT_BYTES_MAX + 1);
    let expected = DocumentError::TooLarge { seen: 67_108_865, max: 67_108_864 };
    assert_eq!(from_toml(&large).unwrap_err(), expected);
    assert_eq!(from_json(&large).unwrap_err(), expected);
    assert_eq!(expected.to_string(), "the document has 67108865 bytes; the limit is 67108864");
}
