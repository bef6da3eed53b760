//! What deciding and freezing cost by the size of the catalog, under `standard-1`. Absolute figures depend on the
//! machine; compare runs on one machine only. Every answer is checked against `explain`, which looks at each candidate,
//! before it is timed.
#![allow(
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "a benchmark"
)]

mod drawn;

use std::hint::black_box;

use assize::{
    kernel::{Decision, Disabled, Request, Standing, explain, prescribe, trace},
    num::Bps,
    policy::{Policy, standard::Standard},
};
use criterion::{BatchSize, BenchmarkId, Criterion, criterion_group, criterion_main};
use drawn::{Draws, REGIONS, SKILLS, draft};

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
