//! Catalogs under `standard-1` that are drawn the same in every run.

use assize::policy::{
    CandidateDraft, CardDraft, Draft, MemberDraft, MembersDraft, SchemaDraft, UtilityDraft, ValueDraft,
    WeightDraft,
};

/// Draws by splitmix64.
pub struct Draws(pub u64);

impl Draws {
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % bound
    }
}

/// A policy of that many candidates, one in twenty disabled.
pub fn draft(count: u32) -> Draft {
    let mut draws = Draws(u64::from(count));
    let mut draft = Draft::new("drawn", 1, SchemaDraft::standard_1());
    let weight = WeightDraft { column: "latency_ms".into(), micros_per_unit: 2, unknown: None };
    draft.utility =
        Some(UtilityDraft { risk_multiplier_bps: 3_500, weights: vec![weight], ..UtilityDraft::default() });
    for (column, names) in [("capabilities", &SKILLS[..]), ("provider", &PROVIDERS), ("region", &REGIONS)] {
        let members = (0..).zip(names).map(|(id, &name)| MemberDraft { id, name: name.into() });
        draft.members.push(MembersDraft { column: column.into(), members: members.collect() });
    }
    draft.candidates = (1..=count).map(|id| candidate(id, &mut draws)).collect();
    draft
}

fn candidate(id: u32, draws: &mut Draws) -> CandidateDraft {
    let mut candidate = CandidateDraft::new(id, &format!("model {id}"));
    candidate.enabled = draws.below(20) > 0;
    let number = |number| ValueDraft::Number(number);
    let provider = PROVIDERS[usize::try_from(draws.below(4)).unwrap()];
    candidate.values = vec![
        ("quality".into(), number(5_000 + draws.below(5_001))),
        ("latency_ms".into(), number(50 + draws.below(2_001))),
        ("risk_ceiling".into(), number(4_000 + draws.below(6_001))),
        ("provider".into(), ValueDraft::Member(provider.into())),
    ];
    for (column, names, of_four) in [("capabilities", SKILLS, 3), ("region", REGIONS, 2)] {
        let some = names.iter().filter(|_| draws.below(4) < of_four).map(|&name| name.into());
        candidate.values.push((column.into(), ValueDraft::Set(some.collect())));
    }
    let rates = vec![("input".into(), draws.below(10_000_000)), ("output".into(), draws.below(40_000_000))];
    candidate.cards.push(CardDraft { above: 0, rates });
    candidate
}

pub const SKILLS: [&str; 4] = ["tools", "vision", "audio", "json"];
pub const PROVIDERS: [&str; 4] = ["north", "east", "south", "west"];
pub const REGIONS: [&str; 4] = ["eu", "us", "asia", "africa"];
