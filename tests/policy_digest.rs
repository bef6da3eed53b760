//! What a policy's digest covers, and what it does not depend on: INVARIANT I3 for policies.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::cell::Cell;

use assize::crypto::Digest;
use assize::num::MicroUnits;
use assize::policy::{
    CandidateDraft, CardDraft, ColumnDraft, ColumnKind, Draft, GateDraft, MemberDraft, MembersDraft, Policy,
    QuantityDraft, Relation, SchemaDraft, SourceDraft, Substitution, UtilityDraft, ValueDraft, WeightDraft,
};
use proptest::prelude::any;
use proptest::test_runner::{Config, TestRunner};

/// A generator of small numbers from one seed (SplitMix64), so that a failing case is one number.
struct Dice(u64);

impl Dice {
    fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.word() % bound as u64) as usize
    }

    fn one_in(&mut self, bound: usize) -> bool {
        self.below(bound) == 0
    }

    fn pick<T: Clone>(&mut self, items: &[T]) -> T {
        items[self.below(items.len())].clone()
    }

    fn shuffle<T>(&mut self, items: &mut [T]) {
        for at in (1..items.len()).rev() {
            items.swap(at, self.below(at + 1));
        }
    }

    /// A number, often at an end of its range.
    fn number(&mut self) -> u64 {
        let word = self.word();
        self.pick(&[0, 1, word % 100, word >> 32, u64::MAX])
    }
}

const MEMBERS: [(u16, &str); 5] = [(0, "zero"), (63, "dark"), (64, "lit"), (200, "edge"), (511, "last")];

/// A valid policy, of any shape that a document can have.
fn draft(dice: &mut Dice) -> Draft {
    let mut draft = Draft::new("generated", dice.number(), schema(dice));
    draft.limits.risk_hard_bps = dice.pick(&[None, Some(0), Some(10_000)]);
    draft.limits.confidence_min_bps = dice.pick(&[None, Some(1), Some(10_000)]);
    draft.substitution = dice.pick(&[
        Substitution::Best,
        Substitution::Margin(MicroUnits(7)),
        Substitution::IfIneligible,
        Substitution::Never,
    ]);
    for column in draft.schema.columns.iter().filter(|column| !column.kind.is_numeric()) {
        let members = MEMBERS.iter().map(|&(id, name)| MemberDraft { id, name: name.into() }).collect();
        draft.members.push(MembersDraft { column: column.name.clone(), members });
    }
    if draft.schema.merit.is_some() && dice.one_in(2) {
        draft.utility = Some(utility(dice, &draft.schema));
    }
    let count = 1 + dice.below(5);
    draft.candidates = (0..count).map(|at| candidate(dice, &draft.schema, at)).collect();
    draft
}

fn schema(dice: &mut Dice) -> SchemaDraft {
    let mut schema = SchemaDraft { name: "generated-1".into(), ..SchemaDraft::default() };
    let columns = dice.below(7);
    for at in 0..columns {
        let kind = dice.pick(&ColumnKind::ALL);
        schema.columns.push(ColumnDraft { name: format!("c{}", at * 7 % 10), kind });
    }
    let quantities = dice.below(5);
    for at in 0..quantities {
        let fallback = (at > 0 && dice.one_in(2)).then(|| format!("q{}", at - 1));
        let own = dice.number().max(1);
        let per = if fallback.is_some() { schema.quantities[at - 1].per } else { own };
        schema.quantities.push(QuantityDraft { name: format!("q{at}"), per, fallback });
    }
    let names: Vec<String> = schema.quantities.iter().map(|quantity| quantity.name.clone()).collect();
    schema.tier_by = names.iter().filter(|_| dice.one_in(2)).cloned().collect();
    for column in &schema.columns {
        let fitting: Vec<Relation> =
            Relation::ALL.into_iter().filter(|relation| relation.takes(column.kind)).collect();
        let source = match column.kind {
            ColumnKind::Bps if dice.one_in(2) => SourceDraft::Risk,
            ColumnKind::Number if !names.is_empty() && dice.one_in(2) => {
                SourceDraft::Quantities(names.clone())
            }
            _ => SourceDraft::Request,
        };
        if !dice.one_in(4) {
            let (column, relation) = (column.name.clone(), dice.pick(&fitting));
            schema.gates.push(GateDraft { column, relation, source });
        }
        if column.kind == ColumnKind::Bps {
            schema.merit = Some(column.name.clone());
        }
    }
    schema
}

fn utility(dice: &mut Dice, schema: &SchemaDraft) -> UtilityDraft {
    let numeric = schema.columns.iter().filter(|column| column.kind.is_numeric());
    let mut weights: Vec<WeightDraft> = Vec::new();
    for column in numeric {
        if dice.one_in(2) {
            let micros_per_unit = dice.pick(&[0, 1, -1, -5_000_000, i64::from(i32::MAX)]);
            let unknown = dice.pick(&[None, Some(0), Some(10_000)]);
            weights.push(WeightDraft { column: column.name.clone(), micros_per_unit, unknown });
        }
    }
    UtilityDraft {
        risk_multiplier_bps: dice.pick(&[0, 5_000, u32::MAX]),
        merit_unknown_bps: dice.pick(&[None, Some(0), Some(10_000)]),
        weights,
    }
}

fn candidate(dice: &mut Dice, schema: &SchemaDraft, at: usize) -> CandidateDraft {
    let mut candidate =
        CandidateDraft::new((at as u32).wrapping_mul(0x9e37_79b9), &format!("n{}", at * 3 % 5));
    candidate.enabled = !dice.one_in(4);
    candidate.flat_fee_micros = dice.number();
    for column in &schema.columns {
        if dice.one_in(4) {
            continue;
        }
        let value = match column.kind {
            ColumnKind::Bps => ValueDraft::Number(dice.number().min(10_000)),
            ColumnKind::Number => ValueDraft::Number(dice.number()),
            ColumnKind::Member => ValueDraft::Member(dice.pick(&MEMBERS).1.into()),
            ColumnKind::Set => {
                let members = MEMBERS.iter().filter(|_| dice.one_in(2));
                ValueDraft::Set(members.map(|&(_, name)| name.into()).collect())
            }
        };
        candidate.values.push((column.name.clone(), value));
    }
    let cards = if schema.tier_by.is_empty() { dice.below(2) } else { dice.below(5) };
    for card in 0..cards {
        let mut rates = Vec::new();
        for quantity in &schema.quantities {
            if !dice.one_in(3) {
                rates.push((quantity.name.clone(), dice.number()));
            }
        }
        let above = if card == 0 { 0 } else { u64::MAX >> (40 - card) };
        candidate.cards.push(CardDraft { above, rates });
    }
    candidate
}

/// Shuffles every list whose order means nothing. Says how many lists of at least two items it met.
fn shuffle(dice: &mut Dice, draft: &mut Draft) -> usize {
    fn mix<T>(dice: &mut Dice, met: &mut usize, items: &mut [T]) {
        *met += usize::from(items.len() > 1);
        dice.shuffle(items);
    }
    let mut met = 0;
    mix(dice, &mut met, &mut draft.schema.columns);
    mix(dice, &mut met, &mut draft.schema.quantities);
    mix(dice, &mut met, &mut draft.schema.tier_by);
    for gate in &mut draft.schema.gates {
        if let SourceDraft::Quantities(names) = &mut gate.source {
            mix(dice, &mut met, names);
        }
    }
    draft.utility.iter_mut().for_each(|utility| mix(dice, &mut met, &mut utility.weights));
    mix(dice, &mut met, &mut draft.members);
    draft.members.iter_mut().for_each(|members| mix(dice, &mut met, &mut members.members));
    mix(dice, &mut met, &mut draft.candidates);
    for candidate in &mut draft.candidates {
        mix(dice, &mut met, &mut candidate.values);
        for (_, value) in &mut candidate.values {
            if let ValueDraft::Set(names) = value {
                mix(dice, &mut met, names);
            }
        }
        mix(dice, &mut met, &mut candidate.cards);
        candidate.cards.iter_mut().for_each(|card| mix(dice, &mut met, &mut card.rates));
    }
    met
}

fn canonical(policy: &Policy) -> Vec<u8> {
    let mut bytes = Vec::new();
    policy.encode(&mut bytes);
    bytes
}

#[test]
fn a_digest_does_not_depend_on_the_order_of_listings() {
    let (cases, mixed, utilities) = (Cell::new(0), Cell::new(0), Cell::new(0));
    TestRunner::new(Config::default())
        .run(&any::<u64>(), |seed| {
            let mut dice = Dice(seed);
            let draft = draft(&mut dice);
            let mut shuffled = draft.clone();
            let met = shuffle(&mut dice, &mut shuffled);
            cases.set(cases.get() + 1);
            mixed.set(mixed.get() + usize::from(met >= 5));
            utilities.set(utilities.get() + usize::from(draft.utility.is_some()));
            let (one, other) = (Policy::freeze(draft).unwrap(), Policy::freeze(shuffled).unwrap());
            assert_eq!(canonical(&one), canonical(&other));
            assert_eq!((one.digest(), one.schema().digest()), (other.digest(), other.schema().digest()));
            Ok(())
        })
        .unwrap();
    assert!(mixed.get() * 2 > cases.get(), "{} of {} mixed much", mixed.get(), cases.get());
    assert!(utilities.get() * 10 > cases.get(), "{} of {} had a utility", utilities.get(), cases.get());
}

#[test]
fn the_canonical_form_is_read_as_the_same_policy_and_no_prefix_of_it_is() {
    let bytes_seen = Cell::new(0);
    TestRunner::new(Config::default())
        .run(&any::<u64>(), |seed| {
            let mut dice = Dice(seed);
            let policy = Policy::freeze(draft(&mut dice)).unwrap();
            let bytes = canonical(&policy);
            bytes_seen.set(bytes_seen.get() + bytes.len());
            assert_eq!(policy.digest(), Digest::of("assize/policy/1", &bytes));
            let again = Policy::decode(&bytes).unwrap();
            assert_eq!((canonical(&again), again.digest()), (bytes.clone(), policy.digest()));
            let thawed = Policy::freeze(again.to_draft()).unwrap();
            assert_eq!((canonical(&thawed), thawed.digest()), (bytes.clone(), policy.digest()));
            let end = dice.below(bytes.len());
            assert!(Policy::decode(&bytes[..end]).is_err(), "cut at {end}");
            Ok(())
        })
        .unwrap();
    assert!(bytes_seen.get() > 10_000, "{} bytes", bytes_seen.get());
}

/// Whatever bytes are read as a policy, they are its canonical form: there is no second one.
#[test]
fn every_flipped_bit_is_an_error_or_another_digest() {
    let (mut errors, mut others) = (0, 0);
    for seed in 0..12 {
        let policy = Policy::freeze(draft(&mut Dice(seed))).unwrap();
        let mut bytes = canonical(&policy);
        for bit in 0..bytes.len() * 8 {
            bytes[bit / 8] ^= 1 << (bit % 8);
            match Policy::decode(&bytes) {
                Err(_) => errors += 1,
                Ok(other) => {
                    assert_ne!(other.digest(), policy.digest(), "seed {seed}, bit {bit}");
                    assert_eq!(canonical(&other), bytes, "seed {seed}, bit {bit}");
                    others += 1;
                }
            }
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
        bytes.push(0);
        assert!(Policy::decode(&bytes).is_err(), "seed {seed}, a byte after the end");
    }
    assert!(errors > 1_000 && others > 1_000, "{errors} errors, {others} other policies");
}

/// Bytes that no writer made are refused, or are canonical; they never panic.
#[test]
fn mangled_bytes_are_refused_or_canonical() {
    let (accepted, refused) = (Cell::new(0), Cell::new(0));
    TestRunner::new(Config::default())
        .run(&any::<u64>(), |seed| {
            let mut dice = Dice(seed);
            let mut bytes = canonical(&Policy::freeze(draft(&mut dice)).unwrap());
            for _ in 0..1 + dice.below(4) {
                let at = dice.below(bytes.len());
                match dice.below(3) {
                    0 => bytes[at] = dice.word() as u8,
                    1 => bytes.insert(at, dice.word() as u8),
                    _ => drop(bytes.remove(at)),
                }
            }
            match Policy::decode(&bytes) {
                Ok(policy) => {
                    assert_eq!(canonical(&policy), bytes);
                    accepted.set(accepted.get() + 1);
                }
                Err(_) => refused.set(refused.get() + 1),
            }
            Ok(())
        })
        .unwrap();
    assert!(accepted.get() > 0 && refused.get() > 10, "{} and {}", accepted.get(), refused.get());
}

/// The order of gates means something; so does each thing that a document says.
#[test]
fn what_differs_has_another_digest() {
    type Alter = fn(&mut Draft);
    let rows: &[Alter] = &[
        |d| d.name.push('x'),
        |d| d.epoch += 1,
        |d| d.schema.name.push('x'),
        |d| d.schema.gates.swap(0, 1),
        |d| d.schema.quantities[0].per += 1,
        |d| d.limits.risk_hard_bps = Some(10_000),
        |d| d.limits.confidence_min_bps = Some(0),
        |d| d.utility = Some(UtilityDraft::default()),
        |d| d.substitution = Substitution::Never,
        |d| d.substitution = Substitution::Margin(MicroUnits(0)),
        |d| d.candidates[0].id += 1,
        |d| d.candidates[0].name.push('x'),
        |d| d.candidates[0].enabled = false,
        |d| d.candidates[0].flat_fee_micros = 1,
        |d| d.candidates[0].values.push(("quality".into(), ValueDraft::Number(0))),
        |d| d.candidates[0].values.push(("region".into(), ValueDraft::Set(vec![]))),
        |d| d.candidates[0].cards.push(CardDraft::default()),
        |d| d.candidates[0].cards.push(CardDraft { above: 0, rates: vec![("input".into(), 0)] }),
        |d| {
            d.members.push(MembersDraft {
                column: "region".into(),
                members: vec![MemberDraft { id: 0, name: "eu".into() }],
            })
        },
    ];
    let mut seen = std::collections::BTreeSet::new();
    let mut plain = Draft::new("plain", 1, SchemaDraft::standard_1());
    plain.candidates.push(CandidateDraft::new(1, "one"));
    seen.insert(Policy::freeze(plain.clone()).unwrap().digest());
    for (row, alter) in rows.iter().enumerate() {
        let mut draft = plain.clone();
        alter(&mut draft);
        assert!(seen.insert(Policy::freeze(draft).unwrap().digest()), "row {row}");
    }
}

/// Frozen: this digest was also computed by a program of its own, from the format's text alone.
#[cfg(feature = "serde")]
#[test]
fn the_sample_keeps_its_digest() {
    let sample = include_str!("../examples/data/models.toml");
    let policy = Policy::freeze(assize::policy::document::from_toml(sample).unwrap()).unwrap();
    assert_eq!(
        policy.digest().to_string(),
        "55d90565706f176f9a9a3d73d8fb0d8686b1b6a9814007973c527c3ee90f82ee"
    );
}
