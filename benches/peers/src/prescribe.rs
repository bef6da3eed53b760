//! `prescribe` beside the peer: equal answers first, then times of whole rotations and of single calls.

use std::hint::black_box;

use assize::kernel::Request;
use calybris_core::kernel::{KernelInput, PolicySnapshot};

use crate::{
    agree::{self, Case},
    catalog::{Catalog, Kind},
    measure::{self, REPETITIONS, Tail},
    ours::{Ours, Wording},
    peer,
    requests::Class,
    table::{Row, Table},
};

/// Both libraries with one catalog and requests of one class, their answers found equal.
#[derive(Debug)]
pub struct Scene {
    pub peer: PolicySnapshot,
    pub ours: Ours,
    pub inputs: Vec<KernelInput>,
    pub requests: Vec<Request>,
    /// The mean share of the catalog that is eligible.
    pub pass_rate: f64,
}

/// Every row of the drawn catalogs.
pub fn rows(table: &mut Table) {
    for count in COUNTS {
        for kind in [Kind::Uniform, Kind::Correlated] {
            let classes = [Class::Broad, Class::Selective, Class::Tight, Class::Denied];
            let classes = classes.map(|class| (class, name(count, class, kind)));
            if classes.iter().any(|(_, name)| table.wants(name) || table.wants(&tails(name))) {
                let catalog = Catalog::draw(kind, count, CATALOG_SEED);
                let mut both = Some((peer::policy(&catalog), Ours::new(&catalog)));
                for (class, name) in classes {
                    class_rows(table, &catalog, kind, class, &name, &mut both);
                }
            }
        }
    }
}

fn class_rows(
    table: &mut Table,
    catalog: &Catalog,
    kind: Kind,
    class: Class,
    name: &str,
    both: &mut Option<(PolicySnapshot, Ours)>,
) {
    let (timed, tailed) = (table.wants(name), has_tails(catalog, class) && table.wants(&tails(name)));
    if (class == Class::Denied && kind == Kind::Correlated) || !(timed || tailed) {
        return;
    }
    let (peer, ours) = both.take().expect("put back below");
    let inputs = class.draw(catalog, kind, REQUESTS, REQUEST_SEED);
    let scene = Scene::new(name, peer, ours, inputs);
    scene.check_pass_rate(name, class);
    if timed {
        table.row(&timed_row(name, &scene));
    }
    if tailed {
        table.row(&tails_row(&tails(name), &scene));
    }
    *both = Some((scene.peer, scene.ours));
}

impl Scene {
    /// Asks both everything once. The benchmark ends where they differ.
    pub fn new(name: &str, peer: PolicySnapshot, ours: Ours, inputs: Vec<KernelInput>) -> Self {
        let requests: Vec<Request> =
            inputs.iter().map(|input| ours.request(input, Wording::default())).collect();
        let mut eligible = 0;
        for (input, request) in inputs.iter().zip(&requests) {
            let case = Case { peer: &peer, ours: &ours, input, request };
            match agree::compare(case) {
                Ok(answers) => eligible += u64::from(answers.ours.counts.eligible),
                Err(disagreement) => panic!("{name}: {input:?}: {disagreement:?}"),
            }
        }
        let asked = inputs.len() * ours.policy.candidates().len();
        Self { peer, ours, inputs, requests, pass_rate: eligible as f64 / asked as f64 }
    }

    fn check_pass_rate(&self, name: &str, class: Class) {
        let (least, most) = class.pass_rate();
        let large = self.inputs.len() >= REQUESTS && self.ours.policy.candidates().len() >= 256;
        let within = (least..=most).contains(&self.pass_rate);
        assert!(!large || within, "{name}: {} of the catalog pass, not {least} to {most}", self.pass_rate);
    }

    fn peer_round(&self) {
        for input in &self.inputs {
            black_box(peer::prescribe(&self.peer, black_box(input)));
        }
    }

    pub fn ours_round(&self) {
        for request in &self.requests {
            let _ = black_box(self.ours.prescribe(black_box(request)));
        }
    }
}

/// Both, over all requests in rotation.
pub fn timed_row(name: &str, scene: &Scene) -> Row {
    let beside = measure::beside(
        scene.inputs.len(),
        |rounds| (0..rounds).for_each(|_| scene.peer_round()),
        |rounds| (0..rounds).for_each(|_| scene.ours_round()),
    );
    Row::new(name, beside).with("pass_rate", scene.pass_rate).with("requests", scene.inputs.len())
}

/// Single calls: of all that were made, and of the requests, each by the median of its calls, which leaves out what
/// else the machine did.
fn tails_row(name: &str, scene: &Scene) -> Row {
    let (mut peer, mut ours) = (Tail::default(), Tail::default());
    let mut of_requests = Tail::default();
    let mut pairs = Vec::new();
    for (input, request) in scene.inputs.iter().zip(&scene.requests) {
        let mut single = Tail::default();
        for _ in 0..REPETITIONS {
            peer.call(|| peer::prescribe(&scene.peer, black_box(input)));
            single.call(|| scene.ours.prescribe(black_box(request)));
        }
        of_requests.add(single.per_mille(500));
        pairs.push(single);
    }
    pairs.into_iter().for_each(|single| ours.extend(single));
    let over = |tail: &mut Tail| tail.per_mille(990) as f64 / tail.per_mille(500) as f64;
    Row::new(name, None)
        .with("peer_p50_ns", peer.per_mille(500))
        .with("peer_p99_ns", peer.per_mille(990))
        .with("peer_max_ns", peer.per_mille(1_000))
        .with("p50_ns", ours.per_mille(500))
        .with("p99_ns", ours.per_mille(990))
        .with("max_ns", ours.per_mille(1_000))
        .with("p99_over_p50", over(&mut ours))
        .with("of_requests_p99_over_p50", over(&mut of_requests))
        .with("of_requests_max_ns", of_requests.per_mille(1_000))
        .with("pass_rate", scene.pass_rate)
}

/// `prescribe 22 broad`, `prescribe 64 tight correlated`.
fn name(count: usize, class: Class, kind: Kind) -> String {
    match kind {
        Kind::Uniform => format!("prescribe {count} {class}"),
        Kind::Correlated => format!("prescribe {count} {class} correlated"),
    }
}

fn tails(name: &str) -> String {
    format!("{name} tails")
}

fn has_tails(catalog: &Catalog, class: Class) -> bool {
    match class {
        Class::Broad => catalog.models.len() >= 22,
        Class::Selective | Class::Tight => catalog.models.len() >= 4_096,
        Class::Denied => false,
    }
}

/// Sizes of catalogs.
pub const COUNTS: [usize; 8] = [2, 22, 64, 256, 1_024, 4_096, 16_384, 65_535];
/// Different requests in rotation.
pub const REQUESTS: usize = 256;
pub const CATALOG_SEED: u64 = 0xA551_2E00_0000_0001;
pub const REQUEST_SEED: u64 = 0xA551_2E00_0000_0002;
