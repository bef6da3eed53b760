//! Decides a fixed set of requests for a counter of instructions to watch: `instructions <case> <repetitions>`. What
//! two numbers of repetitions differ by is what deciding takes, whatever the rest does. `.ci/instructions.py` counts.
//!
//! Without arguments it names the cases, and checks that each is what it is called.
#![allow(
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a benchmark"
)]

mod drawn;

use std::{env, hint::black_box};

use assize::{
    kernel::{Disabled, Ranking, Request, RequestError, explain, prescribe, ranked, trace},
    num::{Bps, MicroUnits},
    policy::{Policy, standard::Standard},
};
use drawn::{Draws, REGIONS, SKILLS};

/// How many candidates a request leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// A third of them or more.
    Broad,
    /// A few.
    Selective,
    /// None, for various reasons.
    Denied,
}

fn main() {
    let args: Vec<String> = env::args().skip(1).filter(|arg| !arg.starts_with("--")).collect();
    match args.as_slice() {
        [] => cases().for_each(|(name, count, kind)| {
            check(count, kind);
            println!("{name}: {REQUESTS} requests");
        }),
        [wanted, repetitions] => {
            let (_, count, kind) = cases().find(|(name, ..)| name == wanted).unwrap();
            decide(count, kind, repetitions.parse().unwrap());
        }
        _ => panic!("usage: instructions [<case> <repetitions>]"),
    }
}

fn cases() -> impl Iterator<Item = (String, u32, Kind)> {
    COUNTS.into_iter().flat_map(|count| {
        [Kind::Broad, Kind::Selective, Kind::Denied]
            .map(|kind| (format!("{}_{count}", format!("{kind:?}").to_lowercase()), count, kind))
    })
}

fn decide(count: u32, kind: Kind, repetitions: u32) {
    let policy = Policy::freeze(drawn::draft(count)).unwrap();
    let requests = requests(&policy, kind);
    let disabled = Disabled::none();
    for _ in 0..repetitions {
        for request in &requests {
            assert!(black_box(prescribe(&policy, &disabled, black_box(request))).is_ok());
        }
    }
}

/// Each request leaves as many as its kind says, and every way of deciding says the same.
fn check(count: u32, kind: Kind) {
    let policy = Policy::freeze(drawn::draft(count)).unwrap();
    let disabled = Disabled::none();
    let mut left = 0;
    for request in requests(&policy, kind) {
        let explained = explain(&policy, &disabled, &request).unwrap();
        let traced = trace(&policy, &disabled, &request).unwrap();
        assert_eq!(prescribe(&policy, &disabled, &request).unwrap(), explained.decision);
        assert_eq!((traced.decision, traced.counts), (explained.decision, explained.counts));
        let ranking = four(&policy, &disabled, &request).unwrap();
        assert_eq!(ranking.choices().len(), usize::try_from(traced.counts.eligible.min(4)).unwrap());
        assert_eq!(traced.counts.eligible == 0, kind == Kind::Denied);
        left += u64::from(traced.counts.eligible);
    }
    let of_all = left * 100 / (REQUESTS * u64::from(count));
    match kind {
        Kind::Broad => assert!(of_all >= 33, "{of_all} % of {count} are left"),
        Kind::Selective => assert!(of_all <= 20 && left > 0, "{of_all} % of {count} are left"),
        Kind::Denied => {}
    }
}

/// By its name in the machine code.
#[inline(never)]
fn four(policy: &Policy, disabled: &Disabled, request: &Request) -> Result<Ranking<4>, RequestError> {
    ranked(policy, disabled, request)
}

fn requests(policy: &Policy, kind: Kind) -> Vec<Request> {
    let standard = Standard::of(policy.schema()).unwrap();
    let mut draws = Draws(REQUESTS);
    let mut request = || {
        let mut request = Request::new(policy.schema());
        let value = 500_000 + i64::try_from(draws.below(1_000_000)).unwrap();
        request.value(value).confidence(Bps::new(9_000).unwrap());
        request.risk(Bps::new(u16::try_from(draws.below(3_000)).unwrap()).unwrap());
        request.quantity(standard.input, 1 + draws.below(4_000)).unwrap();
        request.quantity(standard.output, 1 + draws.below(1_000)).unwrap();
        let quality = 5_000 + draws.below(1_000);
        let skill = usize::try_from(draws.below(4)).unwrap();
        let skill = policy.members("capabilities", &[SKILLS[skill]]).unwrap();
        let places = policy.members("region", if kind == Kind::Broad { &REGIONS } else { &REGIONS[..1] });
        request.demand_set(standard.capabilities, &skill).unwrap();
        request.demand_set(standard.region, &places.unwrap()).unwrap();
        match kind {
            Kind::Broad => request.demand(standard.quality, quality).unwrap(),
            Kind::Selective => {
                request.demand(standard.quality, quality + 2_000).unwrap();
                request.demand(standard.latency_ms, 1_000).unwrap()
            }
            // Nobody is as good, as quick, as cheap, or worth it.
            Kind::Denied => match draws.below(4) {
                0 => request.demand(standard.quality, 10_000).unwrap(),
                1 => request.demand(standard.latency_ms, 40).unwrap(),
                2 => request.cost_limit(MicroUnits(0)),
                _ => request.value(100),
            },
        };
        request
    };
    let left = |request: &Request| trace(policy, &Disabled::none(), request).unwrap().counts.eligible == 0;
    std::iter::repeat_with(&mut request)
        .filter(|request| left(request) == (kind == Kind::Denied))
        .take(usize::try_from(REQUESTS).unwrap())
        .collect()
}

const COUNTS: [u32; 2] = [22, 4_096];
/// In each case.
const REQUESTS: u64 = 64;
