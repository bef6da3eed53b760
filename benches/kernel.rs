//! What deciding and freezing cost by the size of the catalog, under `standard-1`. Absolute figures depend on the
//! machine; compare runs on one machine only. Every answer is checked against `explain`, which looks at each candidate,
//! before it is timed.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "a benchmark"
)]

use std::hint::black_box;

use assize::{
    kernel::{Decision, Disabled, Request, Standing, explain, prescribe, trace},
    num::Bps,
    policy::{
        CandidateDraft, CardDraft, Draft, MemberDraft, MembersDraft, Policy, SchemaDraft, UtilityDraft,
        ValueDraft, WeightDraft, standard::Standard,
    },
};
use criterion::{BatchSize, BenchmarkId, Criterion, criterion_group, criterion_main};

/// Draws by splitmix64: the same catalogs and requests in every run.
struct Draws(u64);

impl Draws {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % bound
    }
}

fn draft(count: u32) -> Draft {
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

/// Requests that about a third of the catalog passes.
fn requests(policy: &Policy) -> Vec<Request> {
    let standard = Standard::of(policy.schema()).unwrap();
    let mut draws = Draws(REQUESTS);
    let mut request = || {
        let skill =
            policy.members("capabilities", &[SKILLS[usize::try_from(draws.below(4)).unwrap()]]).unwrap();
        let region = policy.members("region", &REGIONS[..2]).unwrap();
        let mut request = Request::new(policy.schema());
        request.value(i64::try_from(draws.below(1_000_001)).unwrap()).confidence(Bps::new(9_000).unwrap());
        request.risk(Bps::new(u16::try_from(draws.below(4_500)).unwrap()).unwrap());
        request.demand(standard.quality, 5_000 + draws.below(1_000)).unwrap();
        request.demand(standard.latency_ms, 1_800 + draws.below(300)).unwrap();
        request.demand_set(standard.capabilities, &skill).unwrap();
        request.demand_set(standard.region, &region).unwrap();
        request.quantity(standard.input, draws.below(4_001)).unwrap();
        request.quantity(standard.output, draws.below(1_001)).unwrap();
        request
    };
    (0..REQUESTS).map(|_| request()).collect()
}

/// `prescribe` and `trace` select what `explain` puts first, and next what it puts second.
fn check(policy: &Policy, request: &Request) -> Decision {
    let decision = prescribe(policy, &Disabled::none(), request).unwrap();
    assert_eq!(trace(policy, &Disabled::none(), request).unwrap().decision, decision);
    let rows = explain(policy, &Disabled::none(), request).unwrap().rows;
    let at = |place| rows.iter().find(|row| row.standing == Standing::Eligible { place });
    assert_eq!(decision.selected.map(|choice| choice.candidate), at(1).map(|row| row.candidate));
    assert_eq!(decision.runner_up.map(|choice| choice.candidate), at(2).map(|row| row.candidate));
    decision
}

fn decide(criterion: &mut Criterion) {
    let disabled = Disabled::none();
    for count in COUNTS {
        let policy = Policy::freeze(draft(count)).unwrap();
        let requests = requests(&policy);
        let served =
            requests.iter().take(CHECKED).filter(|request| check(&policy, request).selected.is_some());
        assert!(served.count() > CHECKED / 2, "most requests are served");
        let mut next = requests.iter().cycle();
        criterion.bench_with_input(BenchmarkId::new("prescribe", count), &policy, |bench, policy| {
            bench.iter(|| prescribe(policy, &disabled, black_box(next.next().unwrap())).unwrap());
        });
        criterion.bench_with_input(BenchmarkId::new("trace", count), &policy, |bench, policy| {
            bench.iter(|| trace(policy, &disabled, black_box(next.next().unwrap())).unwrap());
        });
    }
}

fn freeze(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("freeze");
    group.sample_size(10);
    for count in COUNTS {
        let draft = draft(count);
        let frozen = Policy::freeze(draft.clone()).unwrap();
        let again = Policy::freeze(frozen.to_draft()).unwrap();
        assert_eq!((frozen.candidates().len(), frozen.digest()), (draft.candidates.len(), again.digest()));
        group.bench_with_input(BenchmarkId::from_parameter(count), &draft, |bench, draft| {
            bench.iter_batched(
                || draft.clone(),
                |draft| Policy::freeze(draft).unwrap(),
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

criterion_group!(kernel, decide, freeze);
criterion_main!(kernel);

const COUNTS: [u32; 3] = [22, 1_024, 65_535];
/// Different requests in rotation.
const REQUESTS: u64 = 256;
/// Of them, those whose answers are checked: explaining a large catalog takes long.
const CHECKED: usize = 8;
const SKILLS: [&str; 4] = ["tools", "vision", "audio", "json"];
const PROVIDERS: [&str; 4] = ["north", "east", "south", "west"];
const REGIONS: [&str; 4] = ["eu", "us", "asia", "africa"];
