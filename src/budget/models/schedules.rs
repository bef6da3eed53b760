//! Eight threads at once, in random schedules: half of them drawn step by step, half by priorities that change three
//! times (PCT). Whatever the threads do, the counters come to what each of them was told.
//!
//! Shuttle knows one order of all accesses: what weaker orders allow is the models' to find, under loom.

use super::acts::{Act, Answer, HELD, Place, Said, Tally};
use super::*;
use crate::sync::model::{Config, PctScheduler, RandomScheduler, Rng, Runner, Scheduler, thread_rng};

/// What the threads of a scenario find, and what they draw from.
struct Scenario {
    /// Name, parent's place, overrun, what is available besides the holds.
    accounts: &'static [(&'static str, Option<u32>, Overrun, i64)],
    /// The accounts that a path names.
    paths: &'static [&'static [u32]],
    /// Holds that every thread knows, one after the other on these paths.
    holds: usize,
    holds_max: usize,
    /// Of the first account; each path is on the stripe of its own number.
    stripes: u8,
    acts: &'static [Act],
    /// Answers that must have been met.
    reached: &'static [(Act, Answer)],
}

const THREADS: usize = 8;
const ACTS_EACH: usize = 6;
const SCENARIOS: usize = 12;
const PRIORITY_CHANGES: usize = 3;
const SEED: u64 = 0x0a55_12e5;

/// Everything that can be done to one account, in a mix.
const MIX: &[Act] = &[
    Act::Reserve(2),
    Act::Reserve(3),
    Act::Extend(1),
    Act::Part(1),
    Act::Part(4),
    Act::Commit(1),
    Act::Commit(4),
    Act::Release,
    Act::Expire,
    Act::Forget,
    Act::Grant(2),
    Act::Grant(-2),
    Act::Adjust(-1),
    Act::Adjust(2),
    Act::Read,
];

const ONE: &[&[u32]] = &[&[0]];

fn one_account(accounts: &'static [(&'static str, Option<u32>, Overrun, i64)]) -> Scenario {
    Scenario { accounts, paths: ONE, holds: 2, holds_max: 64, stripes: 1, acts: MIX, reached: MIX_REACHED }
}

const MIX_REACHED: &[(Act, Answer)] = &[
    (Act::Reserve(2), Answer::Done),
    (Act::Reserve(3), Answer::Denied),
    (Act::Extend(1), Answer::Done),
    (Act::Extend(1), Answer::Settled),
    (Act::Part(1), Answer::Done),
    (Act::Part(1), Answer::Expired),
    (Act::Commit(4), Answer::Done),
    (Act::Commit(4), Answer::Late),
    (Act::Release, Answer::Done),
    (Act::Release, Answer::Settled),
    (Act::Expire, Answer::Done),
    (Act::Forget, Answer::Done),
    (Act::Forget, Answer::StillOpen),
    (Act::Grant(-2), Answer::Done),
    (Act::Grant(-2), Answer::Denied),
    (Act::Adjust(-1), Answer::Done),
    (Act::Adjust(2), Answer::Done),
];

#[test]
fn shuttle_one_account_that_denies() {
    explore(one_account(&[("a", None, Overrun::Deny, 3)]));
}

#[test]
fn shuttle_one_account_that_gives_what_it_has() {
    explore(one_account(&[("a", None, Overrun::IfAvailable, 3)]));
}

#[test]
fn shuttle_one_account_in_debt() {
    explore(one_account(&[("a", None, Overrun::Debt, 3)]));
}

#[test]
fn shuttle_stripes() {
    explore(Scenario {
        paths: &[&[0], &[0], &[0]],
        stripes: 3,
        ..one_account(&[("a", None, Overrun::IfAvailable, 4)])
    });
}

#[test]
fn shuttle_stripes_above_that_close() {
    explore(Scenario {
        accounts: &[
            ("a", None, Overrun::IfAvailable, 6),
            ("b", Some(0), Overrun::Debt, 4),
            ("c", Some(0), Overrun::Deny, 4),
        ],
        paths: &[&[1], &[2], &[0], &[1, 2]],
        holds: 2,
        holds_max: 64,
        stripes: 2,
        acts: &[
            Act::Reserve(0),
            Act::Reserve(2),
            Act::Reserve(3),
            Act::Extend(1),
            Act::Commit(1),
            Act::Commit(4),
            Act::Release,
            Act::Expire,
            Act::Close,
            Act::Grant(1),
            Act::Grant(-2),
            Act::Adjust(-2),
            Act::Adjust(1),
            Act::Read,
        ],
        reached: &[
            (Act::Reserve(3), Answer::Done),
            (Act::Reserve(3), Answer::Denied),
            (Act::Reserve(2), Answer::Closed),
            (Act::Extend(1), Answer::Denied),
            (Act::Commit(4), Answer::Done),
            (Act::Grant(-2), Answer::Denied),
            (Act::Grant(-2), Answer::Done),
            (Act::Adjust(-2), Answer::Done),
            (Act::Close, Answer::Done),
            (Act::Close, Answer::InUse),
        ],
    });
}

#[test]
fn shuttle_a_tree() {
    explore(Scenario {
        accounts: &[
            ("root", None, Overrun::Debt, 5),
            ("left", Some(0), Overrun::IfAvailable, 4),
            ("right", Some(0), Overrun::Deny, 4),
            ("leaf", Some(1), Overrun::Debt, 3),
        ],
        paths: &[&[3], &[2], &[1], &[0]],
        holds: 3,
        holds_max: 64,
        stripes: 1,
        acts: MIX,
        reached: MIX_REACHED,
    });
}

#[test]
fn shuttle_paths_that_cross() {
    explore(Scenario {
        accounts: &[("a", None, Overrun::IfAvailable, 3), ("b", None, Overrun::Debt, 3)],
        paths: &[&[0, 1], &[1, 0], &[1]],
        holds: 2,
        holds_max: 64,
        stripes: 1,
        acts: &[
            Act::Reserve(2),
            Act::Reserve(3),
            Act::Extend(1),
            Act::Commit(1),
            Act::Commit(4),
            Act::Release,
            Act::Part(4),
            Act::Adjust(2),
        ],
        reached: &[
            (Act::Reserve(2), Answer::Done),
            (Act::Reserve(2), Answer::Denied),
            (Act::Extend(1), Answer::Denied),
            (Act::Commit(4), Answer::Done),
            (Act::Part(4), Answer::Done),
            (Act::Adjust(2), Answer::Done),
        ],
    });
}

#[test]
fn shuttle_ends_of_two_holds() {
    explore(Scenario {
        accounts: &[("a", None, Overrun::Debt, 2), ("b", Some(0), Overrun::IfAvailable, 3)],
        paths: &[&[1], &[0]],
        holds: 2,
        holds_max: 64,
        stripes: 1,
        acts: &[
            Act::Extend(1),
            Act::Part(1),
            Act::Part(4),
            Act::Commit(1),
            Act::Commit(4),
            Act::Release,
            Act::Expire,
            Act::Expire,
            Act::Forget,
            Act::Read,
        ],
        reached: &[
            (Act::Extend(1), Answer::Done),
            (Act::Extend(1), Answer::Expired),
            (Act::Part(1), Answer::Done),
            (Act::Part(1), Answer::Expired),
            (Act::Part(1), Answer::Settled),
            (Act::Commit(1), Answer::Done),
            (Act::Commit(1), Answer::Late),
            (Act::Commit(1), Answer::Settled),
            (Act::Release, Answer::Late),
            (Act::Expire, Answer::Expired),
            (Act::Expire, Answer::Settled),
            (Act::Forget, Answer::Done),
            (Act::Forget, Answer::StillOpen),
        ],
    });
}

#[test]
fn shuttle_accounts_that_close() {
    explore(Scenario {
        accounts: &[
            ("a", None, Overrun::Debt, 4),
            ("b", Some(0), Overrun::IfAvailable, 4),
            ("c", Some(0), Overrun::Deny, 4),
        ],
        paths: &[&[1], &[2], &[0], &[1, 2]],
        holds: 1,
        holds_max: 64,
        stripes: 1,
        acts: &[
            Act::Reserve(0),
            Act::Reserve(2),
            Act::Commit(1),
            Act::Release,
            Act::Expire,
            Act::Close,
            Act::Close,
            Act::Grant(1),
            Act::Adjust(1),
            Act::Read,
        ],
        reached: &[
            (Act::Reserve(0), Answer::Done),
            (Act::Reserve(0), Answer::Closed),
            (Act::Reserve(2), Answer::Closed),
            (Act::Close, Answer::Done),
            (Act::Close, Answer::InUse),
            (Act::Close, Answer::Closed),
            (Act::Grant(1), Answer::Closed),
            (Act::Adjust(1), Answer::Closed),
        ],
    });
}

#[test]
fn shuttle_grants_and_adjustments() {
    explore(Scenario {
        accounts: &[("a", None, Overrun::IfAvailable, 2), ("b", None, Overrun::Debt, 2)],
        paths: &[&[0], &[1], &[0, 1]],
        holds: 1,
        holds_max: 64,
        stripes: 1,
        acts: &[
            Act::Reserve(2),
            Act::Commit(3),
            Act::Grant(2),
            Act::Grant(-1),
            Act::Grant(-3),
            Act::Adjust(-1),
            Act::Adjust(-3),
            Act::Adjust(1),
            Act::Adjust(3),
            Act::Read,
        ],
        reached: &[
            (Act::Reserve(2), Answer::Denied),
            (Act::Grant(2), Answer::Done),
            (Act::Grant(-1), Answer::Done),
            (Act::Grant(-3), Answer::Denied),
            (Act::Adjust(-1), Answer::Done),
            (Act::Adjust(-3), Answer::Done),
            (Act::Adjust(-3), Answer::Denied),
            (Act::Adjust(3), Answer::Done),
        ],
    });
}

#[test]
fn shuttle_readers() {
    explore(Scenario {
        accounts: &[("a", None, Overrun::Debt, 6), ("b", Some(0), Overrun::IfAvailable, 5)],
        paths: &[&[1], &[0]],
        holds: 1,
        holds_max: 64,
        stripes: 1,
        acts: &[
            Act::Read,
            Act::Read,
            Act::Reserve(1),
            Act::Reserve(2),
            Act::Extend(1),
            Act::Part(1),
            Act::Commit(3),
            Act::Expire,
            Act::Adjust(-1),
        ],
        reached: &[
            (Act::Read, Answer::Done),
            (Act::Reserve(1), Answer::Done),
            (Act::Commit(3), Answer::Done),
            (Act::Adjust(-1), Answer::Done),
        ],
    });
}

#[test]
fn shuttle_few_slots() {
    explore(Scenario {
        accounts: &[("a", None, Overrun::Deny, 9), ("b", None, Overrun::Deny, 9)],
        paths: &[&[0], &[1]],
        holds: 2,
        holds_max: 4,
        stripes: 1,
        acts: &[
            Act::Reserve(0),
            Act::Reserve(1),
            Act::Reserve(1),
            Act::Commit(1),
            Act::Release,
            Act::Expire,
            Act::Forget,
        ],
        reached: &[
            (Act::Reserve(1), Answer::Done),
            (Act::Reserve(1), Answer::Full),
            (Act::Commit(1), Answer::Done),
            (Act::Release, Answer::Settled),
        ],
    });
}

/// A hold, and the place of its path.
type Known = (Hold, usize);

/// What all threads begin with.
struct Start {
    engine: Arc<Engine>,
    paths: Vec<Path>,
    holds: Vec<Known>,
    tally: Tally,
}

impl Scenario {
    fn start(&self) -> Start {
        let engine = engine_striped(self.holds_max, self.accounts, self.stripes);
        let named = |path: &[u32]| path.iter().copied().map(AccountId).collect::<Vec<_>>();
        let on_stripe = |(stripe, path): (usize, &&[u32])| engine.path_on_stripe(&named(path), stripe);
        let paths: Vec<_> = self.paths.iter().enumerate().map(|path| on_stripe(path).unwrap()).collect();
        let (mut tally, mut holds) = (Tally::default(), Vec::new());
        for (number, &(_, _, _, granted)) in (0..).zip(self.accounts) {
            let place = Place { account: AccountId(number), ..at(paths[0], None) };
            tally.add(&engine, &place, Said { granted, ..Said::only(Answer::Done) }, None);
            // So much that every hold can be made.
            tally.perform(&engine, &place, Act::Grant(9));
        }
        for number in 0..self.holds {
            let path = number % paths.len();
            let place = at(paths[path], None);
            let (_, hold) = tally.perform(&engine, &place, Act::Reserve(HELD));
            // Something is booked, so that it can be given back.
            tally.perform(&engine, &at(paths[path], hold), Act::Part(1));
            holds.push((hold.unwrap(), path));
        }
        for (number, &(_, _, _, available)) in (0..).zip(self.accounts) {
            let place = Place { account: AccountId(number), ..at(paths[0], None) };
            let now = engine.read(place.account).unwrap().available_micros;
            tally.perform(&engine, &place, Act::Grant(available - now));
        }
        Start { engine, paths, holds, tally }
    }

    /// What one thread does: calls drawn at random.
    fn work(&self, engine: &Engine, paths: &[Path], known: &[Known]) -> Worked {
        let mut worked = Worked::default();
        let mut own: Vec<Known> = Vec::new();
        for _ in 0..ACTS_EACH {
            let act = self.acts[drawn(self.acts.len())];
            let held = match drawn(known.len() + own.len()) {
                at if at < known.len() => known[at],
                at => own[at - known.len()],
            };
            let account = AccountId(u32::try_from(drawn(self.accounts.len())).unwrap());
            let (path, hold) = match act {
                Act::Reserve(_) | Act::Adjust(_) => (drawn(paths.len()), None),
                _ => (held.1, Some(held.0)),
            };
            // No other thread changes its own holds while it reads.
            let watched =
                own.iter().filter(|(_, path)| engine.accounts_on(&paths[*path]).any(|on| on == account));
            let watched = watched.map(|&(hold, _)| hold).collect();
            let place = Place { account, path: paths[path], hold, watched };
            let (said, made) = worked.tally.perform(engine, &place, act);
            own.extend(made.map(|hold| (hold, path)));
            worked.answers.push((act, said.answer));
        }
        worked.own = own;
        worked
    }
}

#[derive(Default)]
struct Worked {
    tally: Tally,
    answers: Vec<(Act, Answer)>,
    own: Vec<Known>,
}

fn at(path: Path, hold: Option<Hold>) -> Place {
    Place { account: AccountId(0), path, hold, watched: Vec::new() }
}

fn drawn(below: usize) -> usize {
    thread_rng().gen_range(0..below)
}

fn explore(scenario: Scenario) {
    let scenario = PlainArc::new(scenario);
    let met = PlainArc::new(PlainMutex::new(Vec::new()));
    let schedules = schedules().div_ceil(SCENARIOS);
    let by_priority = schedules / 2;
    run(RandomScheduler::new_from_seed(SEED, schedules - by_priority), &scenario, &met);
    run(PctScheduler::new_from_seed(SEED, PRIORITY_CHANGES, by_priority), &scenario, &met);
    let met = met.lock().unwrap();
    let missing: Vec<_> = scenario.reached.iter().filter(|&answer| !met.contains(answer)).collect();
    assert!(missing.is_empty(), "{schedules} schedules never met {missing:?}, but {met:?}");
}

fn run(
    scheduler: impl Scheduler + 'static,
    scenario: &PlainArc<Scenario>,
    met: &PlainArc<PlainMutex<Vec<(Act, Answer)>>>,
) {
    let (scenario, met) = (scenario.clone(), met.clone());
    let mut config = Config::new();
    // It says that it knows one order alone, as is said above.
    config.silence_warnings = true;
    Runner::new(scheduler, config).run(move || {
        let Start { engine, paths, holds, mut tally } = scenario.start();
        let workers: Vec<_> = (0..THREADS)
            .map(|_| {
                let (scenario, paths, holds) = (scenario.clone(), paths.clone(), holds.clone());
                in_thread(&engine, move |engine| scenario.work(engine, &paths, &holds))
            })
            .collect();
        let mut left = holds;
        for worker in workers {
            let worked = worker.join().unwrap();
            tally.merge(worked.tally);
            left.extend(worked.own);
            let mut met = met.lock().unwrap();
            for answer in worked.answers {
                if !met.contains(&answer) {
                    met.push(answer);
                }
            }
        }
        tally.check(&engine);
        // What is left can be given back, and then every slot is free.
        for (hold, path) in left {
            tally.perform(&engine, &at(paths[path], Some(hold)), Act::Release);
        }
        tally.check(&engine);
        if scenario.holds_max <= THREADS {
            for _ in 0..scenario.holds_max {
                let _hold = engine.reserve(&paths[0], Amount::ZERO).unwrap();
            }
        }
    });
}
