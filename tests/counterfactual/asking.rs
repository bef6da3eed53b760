//! Generated policies and requests, and counters of what a run reached.

use std::{cell::RefCell, collections::BTreeMap, collections::BTreeSet};

use assize::{
    kernel::{Disabled, Request},
    policy::{Draft, Policy},
};
use proptest::test_runner::{Config, TestError, TestRunner};

use crate::oracle::{
    self,
    generate::{self, World},
    tape::{Tape, tapes},
};

/// One request put to one policy, on both sides.
pub(crate) struct Asked<'a> {
    pub(crate) world: &'a World,
    pub(crate) policy: &'a Policy,
    /// The policy as it can be written again: candidates by id, cards by what they are above.
    pub(crate) draft: &'a Draft,
    pub(crate) model: &'a oracle::Request,
    pub(crate) host: BTreeSet<u32>,
    pub(crate) disabled: Disabled,
    pub(crate) request: Request,
}

impl Asked<'_> {
    pub(crate) fn verdict(&self) -> oracle::Verdict {
        self.world.model.decide(self.model, &self.host)
    }

    pub(crate) fn selected(&self) -> Option<u32> {
        self.verdict().selected.map(|selected| selected.id)
    }

    /// A candidate: often the selected one, the next in order, or one that a single thing speaks against.
    pub(crate) fn some_candidate(&self, tape: &mut Tape<'_>) -> u32 {
        let verdict = self.verdict();
        let candidates = &self.world.model.candidates;
        let favoured = match tape.below(8) {
            0 => verdict.selected.map(|one| one.id),
            1 => verdict.runner_up.map(|one| one.id),
            2 => None,
            _ => {
                let named = self.model.requested.filter(|_| tape.once_in(2));
                let named = named.filter(|id| candidates.iter().any(|candidate| candidate.id == *id));
                named.or_else(|| near(tape, self.world, self.model, &self.host))
            }
        };
        favoured.unwrap_or_else(|| candidates[tape.below(candidates.len())].id)
    }

    pub(crate) fn candidate(&self, id: u32) -> &oracle::Candidate {
        self.world.model.candidates.iter().find(|candidate| candidate.id == id).unwrap()
    }
}

/// What a run reached, so that it can show that it tested something.
#[derive(Default)]
pub(crate) struct Reach(RefCell<BTreeMap<String, u64>>);

impl Reach {
    pub(crate) fn hit(&self, what: impl Into<String>) {
        *self.0.borrow_mut().entry(what.into()).or_default() += 1;
    }

    pub(crate) fn hit_if(&self, reached: bool, what: &str) {
        if reached {
            self.hit(what);
        }
    }

    pub(crate) fn count(&self, what: &str) -> u64 {
        self.0.borrow().get(what).copied().unwrap_or(0)
    }

    /// All of these were reached; asked only of runs of the default length or longer.
    pub(crate) fn require<S: AsRef<str>>(&self, wanted: &[S]) {
        println!("{:#?}", self.0.borrow());
        if Config::default().cases < 256 {
            return;
        }
        for what in wanted {
            assert!(self.count(what.as_ref()) > 0, "never reached: {}", what.as_ref());
        }
    }
}

/// Draws policies and asks each of them a few times. The tape goes on to the test, for choices of its own.
pub(crate) fn ask(requests: usize, test: impl Fn(&Asked<'_>, &mut Tape<'_>)) {
    let config = Config { failure_persistence: None, ..Config::default() };
    let asked = TestRunner::new(config).run(&tapes(TAPE_WORDS), |words| {
        let mut tape = Tape::new(&words);
        let world = generate::world(&mut tape);
        let policy = Policy::freeze(world.draft.clone()).unwrap();
        let draft = policy.to_draft();
        for asking in 0..requests {
            let sample = world.sample.clone().filter(|_| asking == 0);
            let host = match &sample {
                Some(_) => BTreeSet::new(),
                None => generate::host_disabled(&mut tape, &world),
            };
            let model = sample.unwrap_or_else(|| request(&mut tape, &world, &host));
            let disabled = oracle::build::disabled(&policy, &host);
            let request = oracle::build::request(&world, &policy, &model, false);
            let asked = Asked {
                world: &world,
                policy: &policy,
                draft: &draft,
                model: &model,
                host,
                disabled,
                request,
            };
            test(&asked, &mut tape);
        }
        Ok(())
    });
    match asked {
        Ok(()) => {}
        Err(TestError::Fail(reason, words)) => {
            let world = generate::world(&mut Tape::new(&words));
            panic!("{reason}\nunder {:#?}", world.model);
        }
        Err(abort) => panic!("{abort}"),
    }
}

/// A request that, three times in four, somebody passes, where a few draws find one.
fn request(tape: &mut Tape<'_>, world: &World, host: &BTreeSet<u32>) -> oracle::Request {
    let draws = if tape.once_in(4) { 1 } else { 8 };
    let mut drawn = generate::request(tape, world);
    for _ in 1..draws {
        if world.model.decide(&drawn, host).selected.is_some() {
            break;
        }
        drawn = generate::request(tape, world);
    }
    // Named, a candidate that is eligible mostly wins: then one lever may be enough.
    if !tape.once_in(4) {
        drawn.requested = near(tape, world, &drawn, host).or(drawn.requested);
    }
    drawn
}

/// A candidate that a single thing speaks against.
fn near(tape: &mut Tape<'_>, world: &World, request: &oracle::Request, host: &BTreeSet<u32>) -> Option<u32> {
    let candidates = world.model.candidates.iter();
    let near = candidates.filter(|candidate| failures(&world.model, candidate, request, host) == 1);
    let near: Vec<&oracle::Candidate> = near.collect();
    // Sets are rarer than numbers: those that a gate of sets turns away come first.
    let by_set = |candidate: &&oracle::Candidate| {
        let mut gates = 0..world.model.gates.len();
        gates.any(|gate| {
            let kind = world.columns[world.model.gates[gate].column].kind;
            !kind.is_numeric() && !world.model.passes(gate, candidate, request)
        })
    };
    let favoured = near.iter().copied().find(by_set).filter(|_| !tape.once_in(4));
    favoured.or_else(|| (!near.is_empty()).then(|| tape.pick(&near))).map(|candidate| candidate.id)
}

/// How many things speak against the candidate.
fn failures(
    model: &oracle::Policy,
    candidate: &oracle::Candidate,
    request: &oracle::Request,
    host: &BTreeSet<u32>,
) -> usize {
    let gates = (0..model.gates.len()).filter(|&gate| !model.passes(gate, candidate, request)).count();
    let disabled = !candidate.enabled || host.contains(&candidate.id);
    let excluded = request.excluded.contains(&candidate.id);
    let cost = model.cost(candidate, request);
    let costly = cost.is_none_or(|cost| cost > request.cost_limit.unwrap_or(u64::MAX));
    let utility = model.utility(candidate, request);
    let worthless = cost.is_some() && model.utility.is_some() && utility.is_none_or(|utility| utility <= 0);
    gates + [disabled, excluded, costly, worthless].into_iter().filter(|&against| against).count()
}

/// Enough for a policy of sixteen candidates and its requests.
const TAPE_WORDS: usize = 2_500;
