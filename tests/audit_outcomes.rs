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

use assize::audit::{AuditOptions, Problem, replay};
use assize::id::AccountId;
use assize::kernel::Request;
use assize::num::MicroUnits;
use assize::record::{AdmissionOutcome, Decided, Halt, Record};
use forge::{Forgery, key};
use world::*;

/// The cheapest candidate takes 20 µ a call, and the account that binds has 300.
const CHEAPEST: u64 = 20;
const PAYABLE: u64 = 300;

/// What somebody who writes the log could state: every decision that some limit leads to, under every heading.
fn statable(world: &World, request: &Request, limits: &[u64]) -> Vec<AdmissionOutcome> {
    let mut decisions = vec![world.decided(request, None)];
    for limit in limits {
        let decided = world.decided(request, Some(*limit));
        decisions.extend([decided, Decided { limit_applied: None, ..decided }]);
    }
    let mut outcomes = vec![AdmissionOutcome::DeniedHalted];
    for decided in decisions {
        outcomes.push(AdmissionOutcome::Admitted { decided, deadline: after(60) });
        outcomes.push(AdmissionOutcome::DeniedPolicy { decided });
        for account in [0, 1, 2].map(AccountId) {
            outcomes.push(AdmissionOutcome::DeniedBudget { decided, binding: account.into() });
            outcomes.push(AdmissionOutcome::DeniedThrottle { decided, account, throttle: 0 });
        }
    }
    let mut different: Vec<AdmissionOutcome> = Vec::new();
    for outcome in outcomes {
        if !different.contains(&outcome) {
            different.push(outcome);
        }
    }
    different
}

/// By hand, without the kernel: what the one outcome must be called.
fn called(calls: u64, own: Option<u64>, halted: bool) -> &'static str {
    let cost = CHEAPEST * calls;
    match own {
        _ if halted => "halted",
        Some(own) if own < cost => "policy",
        _ if cost <= PAYABLE => "admitted",
        _ => "budget",
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

#[test]
fn of_all_outcomes_that_can_be_stated_one_holds() {
    let (mut refused, mut disputed, mut held) = (0, 0, std::collections::BTreeMap::new());
    for calls in [3, 15, 16] {
        let cost = CHEAPEST * calls;
        for own in [None, Some(cost - 1), Some(cost)] {
            for halted in [false, true] {
                let mut request = request(calls);
                if let Some(own) = own {
                    request.cost_limit(MicroUnits(own));
                }
                let limits = [0, cost - 1, cost, PAYABLE - 1, PAYABLE, 1_000];
                let mut taken = Vec::new();
                for outcome in statable(&World::funded(), &request, &limits) {
                    let mut forgery = Forgery::funded();
                    if halted {
                        forgery.honest(&Record::Halt(Halt::All));
                    }
                    forgery.lie(&Record::Admission(admission(path(&[2]), request.clone(), outcome)));
                    let (storage, _) = forgery.close();
                    match replay(&storage, &[&key()], AuditOptions::default()) {
                        Ok(_) => taken.push(outcome),
                        Err(error) => {
                            refused += 1;
                            disputed += u32::from(matches!(error.problem, Problem::Decision(_)));
                        }
                    }
                }
                let names: Vec<_> = taken.iter().map(name_of).collect();
                assert_eq!(names, [called(calls, own, halted)], "{calls} calls, own limit {own:?}");
                *held.entry(names[0]).or_insert(0) += 1;
            }
        }
    }
    assert_eq!(held.keys().copied().collect::<Vec<_>>(), ["admitted", "budget", "halted", "policy"]);
    assert!(refused > 500 && disputed > 10, "{refused} refused, {disputed} of them by deciding again");
}
