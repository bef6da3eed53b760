//! Random policies and requests put to both libraries: every answer must be the same, but for SEMANTICS 14.

mod draw;
mod tally;

use std::panic::{AssertUnwindSafe, catch_unwind};

use assize::{id::CandidateId, kernel::Disabled};

use self::{
    draw::{Asked, World},
    tally::{Largest, Tally},
};
use crate::{
    agree::{self, Answers, Case, Disagreement},
    ours::Ours,
    peer,
    random::Random,
};

/// The arguments of `differential`.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct Arguments {
    /// How many requests are put.
    #[arg(long, default_value_t = 1_000_000)]
    cases: u64,
    /// What is drawn.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Only the policy of this number, all its requests.
    #[arg(long)]
    policy: Option<u64>,
}

/// Compares, and says what was met. `false` when an answer differs, or when a class of cases never came up.
pub fn run(arguments: Arguments) -> bool {
    let mut tally = Tally::default();
    let mut disagreements = 0_u64;
    let first = arguments.policy.unwrap_or(0);
    for number in first.. {
        if tally.cases + disagreements >= arguments.cases || arguments.policy.is_some_and(|one| one != number)
        {
            break;
        }
        let mut random = Random::part(arguments.seed, number);
        let world = World::draw(&mut random);
        disagreements += compare(arguments.seed, number, &world, &mut random, &mut tally);
        if disagreements >= DISAGREEMENTS_MAX {
            break;
        }
    }
    let missing = if arguments.policy.is_none() { tally.missing() } else { Vec::new() };
    if !missing.is_empty() {
        println!("never met: {}", missing.join(", "));
    }
    println!("{tally}, disagreements {disagreements}");
    disagreements == 0 && missing.is_empty()
}

/// All requests of one policy; how many were answered differently.
fn compare(seed: u64, number: u64, world: &World, random: &mut Random, tally: &mut Tally) -> u64 {
    let both = Both::new(world);
    let largest = Largest::of(&both.peer);
    tally.policy(world);
    for sequence in 0..REQUESTS {
        let asked = world.ask(sequence, random);
        match both.ask(&asked) {
            Ok(answers) => tally.case(&both.peer, largest, &asked.input, &answers),
            Err(fault) => {
                let (world, fault) = shrink(world.clone(), &asked, fault);
                println!("policy {number}, request {sequence}: {fault:#?}\n{asked:#?}\n{world:#?}");
                println!("again: differential --seed {seed} --policy {number}\n");
                return 1;
            }
        }
    }
    0
}

/// A policy in both libraries.
struct Both<'a> {
    world: &'a World,
    peer: calybris_core::kernel::PolicySnapshot,
    ours: Ours,
}

/// What is wrong.
#[derive(Debug)]
enum Fault {
    Differs(Box<Disagreement>),
    Panicked,
}

impl Fault {
    fn what(&self) -> &'static str {
        match self {
            Self::Differs(disagreement) => disagreement.what,
            Self::Panicked => "panicked",
        }
    }
}

impl<'a> Both<'a> {
    fn new(world: &'a World) -> Self {
        let mut ours = Ours::new(&world.ours());
        ours.disabled = Disabled::new(&ours.policy, world.host_disabled.iter().copied().map(CandidateId));
        Self { world, peer: peer::policy(&world.catalog), ours }
    }

    fn ask(&self, asked: &Asked) -> Result<Answers, Fault> {
        let mut request = self.ours.request(&asked.input, asked.wording);
        for &id in &self.world.excluded {
            request.exclude(CandidateId(id)).expect("at most 16 are drawn");
        }
        let case = Case { peer: &self.peer, ours: &self.ours, input: &asked.input, request: &request };
        match catch_unwind(AssertUnwindSafe(|| agree::compare(case))) {
            Ok(answers) => answers.map_err(|what| Fault::Differs(Box::new(what))),
            Err(_) => Err(Fault::Panicked),
        }
    }
}

/// The case with as many candidates left out as can be while the same is still wrong.
fn shrink(mut world: World, asked: &Asked, mut fault: Fault) -> (World, Fault) {
    let mut piece = world.catalog.models.len() / 2;
    while piece > 0 {
        let mut start = 0;
        while start < world.catalog.models.len() {
            let mut less = world.clone();
            let end = (start + piece).min(less.catalog.models.len());
            less.catalog.models.drain(start..end);
            let valid = less.catalog.models.iter().any(|model| model.enabled == 1);
            match valid.then(|| Both::new(&less).ask(asked)) {
                Some(Err(still)) if still.what() == fault.what() => (world, fault) = (less, still),
                _ => start += piece,
            }
        }
        piece /= 2;
    }
    (world, fault)
}

/// Requests put to each policy.
const REQUESTS: u64 = 64;
/// After so many policies with a disagreement there is nothing more to be learnt.
const DISAGREEMENTS_MAX: u64 = 10;
