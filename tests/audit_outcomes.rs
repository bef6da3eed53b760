//! Of what could be recorded of a request (what any limit leads to, under every heading), replay takes one outcome but
//! for its deadline, which is the host's: no other admission, and no other denial.
#![cfg(feature = "wal")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    dead_code,
    reason = "a test, with modules that others share"
)]

#[path = "audit/forge.rs"]
mod forge;
#[path = "ledger/world.rs"]
mod world;

use std::collections::BTreeMap;

use assize::audit::{AuditOptions, Problem, replay};
use assize::caps::{Caps, CapsDraft};
use assize::id::AccountId;
use assize::kernel::{Action, Choice, Decision, Request};
use assize::num::MicroUnits;
use assize::overrun::Overrun;
use assize::record::{Account, AdmissionOutcome, Decided, Halt, Record};
use assize::throttle::{Counts, Throttle};
use assize::wal::storage::Memory;
use forge::{Forgery, key};
use world::*;

/// The cheapest candidate takes 20 µ a call, and the account that binds has 300; a throttle lets 200 µ pass at once.
const CHEAPEST: u64 = 20;
const PAYABLE: u64 = 300;
const AT_ONCE: u64 = 200;

/// Whether the switch, or a throttle of the account that binds, stands in the way.
#[derive(Clone, Copy, Debug)]
struct Obstacles {
    halted: bool,
    throttled: bool,
}

impl Obstacles {
    fn records(self) -> Vec<Record> {
        let mut records = Vec::new();
        if self.throttled {
            let throttle = Throttle { counts: Counts::Cost, rate: 1, period_ns: SECOND_NS, burst: AT_ONCE };
            let caps = Caps::new(CapsDraft { throttles: vec![throttle], ..CapsDraft::default() }).unwrap();
            records.push(Record::Account(Account {
                name: name("slow"),
                parent: Some(AccountId(1)),
                overrun: Overrun::Deny,
                caps,
            }));
            records.push(grant(3, PAYABLE.cast_signed()));
        }
        if self.halted {
            records.push(Record::Halt(Halt::All));
        }
        records
    }

    /// The account that the request is for.
    fn account(self) -> u32 {
        if self.throttled { 3 } else { 2 }
    }
}

/// What somebody who writes the log could state: every decision that some limit leads to, and what the first of them comes
/// to where one of its parts is another, under every heading.
fn statable(world: &World, request: &Request, limits: &[u64]) -> Vec<AdmissionOutcome> {
    let own = world.decided(request, None);
    let mut decisions = vec![own];
    for limit in limits {
        let decided = world.decided(request, Some(*limit));
        decisions.extend([decided, Decided { limit_applied: None, ..decided }]);
    }
    decisions.extend(altered(own));
    let mut outcomes = vec![AdmissionOutcome::DeniedHalted];
    for decided in decisions {
        for seconds in [0, 1, 60] {
            outcomes.push(AdmissionOutcome::Admitted { decided, deadline: after(seconds) });
        }
        outcomes.push(AdmissionOutcome::DeniedPolicy { decided });
        for account in [0, 1, 2, 3].map(AccountId) {
            outcomes.push(AdmissionOutcome::DeniedBudget { decided, binding: account.into() });
            outcomes.push(AdmissionOutcome::DeniedThrottle { decided, account, throttle: 0 });
        }
        outcomes.push(AdmissionOutcome::DeniedThrottle { decided, account: AccountId(3), throttle: 1 });
    }
    let mut different: Vec<AdmissionOutcome> = Vec::new();
    for outcome in outcomes {
        if !different.contains(&outcome) {
            different.push(outcome);
        }
    }
    different
}

/// The decision with one of its parts altered.
fn altered(decided: Decided) -> Vec<Decided> {
    let alter = |parts: &[fn(&mut Decision)]| {
        parts
            .iter()
            .map(|alter| {
                let mut altered = decided;
                alter(&mut altered.decision);
                altered
            })
            .collect::<Vec<_>>()
    };
    let mut all = alter(&[
        |decision| decision.runner_up = None,
        |decision| decision.runner_up = decision.selected,
        |decision| decision.epoch.0 += 1,
        |decision| decision.policy.0[31] ^= 1,
        |decision| decision.action = Action::Execute,
        |decision| decision.action = Action::Substitute,
        |decision| decision.selected = decision.runner_up,
    ]);
    if decided.decision.selected.is_some() {
        all.extend(alter(&[
            |decision| selected(decision).candidate = NEAR,
            |decision| selected(decision).cost.0 += 1,
            |decision| selected(decision).cost.0 -= 1,
            |decision| selected(decision).utility = Some(1),
        ]));
    }
    all
}

fn selected(decision: &mut Decision) -> &mut Choice {
    decision.selected.as_mut().unwrap()
}

/// By hand, without the kernel: what the one outcome must be called.
fn called(cost: u64, own: Option<u64>, obstacles: Obstacles) -> &'static str {
    match own {
        _ if obstacles.halted => "halted",
        Some(own) if own < cost => "policy",
        _ if cost > PAYABLE => "budget",
        _ if obstacles.throttled && cost > AT_ONCE => "throttle",
        _ => "admitted",
    }
}

fn name_of(outcome: &AdmissionOutcome) -> &'static str {
    match outcome {
        AdmissionOutcome::Admitted { .. } => "admitted",
        AdmissionOutcome::DeniedPolicy { .. } => "policy",
        AdmissionOutcome::DeniedBudget { .. } => "budget",
        AdmissionOutcome::DeniedThrottle { .. } => "throttle",
        AdmissionOutcome::DeniedHalted => "halted",
    }
}

/// A log that comes to this request and states this outcome.
fn stated(obstacles: Obstacles, request: &Request, outcome: AdmissionOutcome) -> Memory {
    let mut forgery = Forgery::funded_with(64 << 10, |_, _| {});
    for record in obstacles.records() {
        forgery.honest(&record);
    }
    forgery.lie(&Record::Admission(admission(path(&[obstacles.account()]), request.clone(), outcome)));
    forgery.close().0
}

#[test]
fn of_all_outcomes_that_can_be_stated_one_holds() {
    let (mut refused, mut disputed, mut held) = (0, 0, BTreeMap::new());
    for cost in [60, AT_ONCE, AT_ONCE + CHEAPEST, PAYABLE, PAYABLE + CHEAPEST] {
        for own in [None, Some(cost - 1), Some(cost)] {
            for [halted, throttled] in [[false, false], [false, true], [true, true]] {
                let obstacles = Obstacles { halted, throttled };
                let mut request = request(cost / CHEAPEST);
                if let Some(own) = own {
                    request.cost_limit(MicroUnits(own));
                }
                let limits = [cost - 1, cost, PAYABLE - 1, PAYABLE, 1_000];
                let mut taken = Vec::new();
                for outcome in statable(&World::funded(), &request, &limits) {
                    let storage = stated(obstacles, &request, outcome);
                    match replay(&storage, &[&key()], AuditOptions::default()) {
                        Ok(_) => taken.push(outcome),
                        Err(error) => {
                            refused += 1;
                            disputed += u32::from(matches!(error.problem, Problem::Decision(_)));
                        }
                    }
                }
                let names: Vec<_> = taken.iter().map(name_of).collect();
                let expected = match called(cost, own, obstacles) {
                    // After the request's time, the deadline is the host's.
                    "admitted" => vec!["admitted"; 2],
                    denied => vec![denied],
                };
                assert_eq!(names, expected, "{cost} µ, own limit {own:?}, {obstacles:?}");
                *held.entry(names[0]).or_insert(0) += 1;
            }
        }
    }
    let kinds: Vec<_> = held.keys().copied().collect();
    assert_eq!(kinds, ["admitted", "budget", "halted", "policy", "throttle"]);
    assert!(refused > 5_000 && disputed > 100, "{refused} refused, {disputed} of them by deciding again");
}
