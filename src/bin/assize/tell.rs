//! Records in words, with the names that the state before them gives.

use assize::{
    id::Sequence,
    ledger::Ledger,
    num::Amount,
    overrun::Overrun,
    policy::Policy,
    record::{
        AdmissionOutcome, CommitOutcome, Decided, ExtendOutcome, PartCommitOutcome, Record, Recovery,
        ReleaseOutcome, Settled, Spend, Switch, Terms,
    },
};

use crate::{instant::Shown, names, outcome::Outcome, output::grouped};

/// What a record says, on one line.
pub(crate) fn tell(ledger: &Ledger, record: &Record) -> String {
    match record {
        Record::Terms(terms) => tell_terms(terms),
        Record::Policy(policy) => match Policy::decode(&policy.canonical) {
            Ok(read) => format!("{}, epoch {}, {}", read.name(), read.epoch(), policy.digest()),
            Err(_) => policy.digest().to_string(),
        },
        Record::Halt(halt) => halt.to_string(),
        Record::CandidateSwitch(switch) => {
            let to = match switch.switch {
                Switch::Enabled => "enabled",
                Switch::Disabled => "disabled",
            };
            format!("{} {to}", names::candidate(ledger.policy(), switch.candidate))
        }
        Record::Admission(call) => {
            let (who, path) = (call.arguments.principal.name(), names::path(ledger, &call.arguments.path));
            format!("{who} at {path}: {}", tell_outcome(ledger, &call.outcome))
        }
        Record::Commit(call) => {
            tell_commit(ledger, call.arguments.hold, &call.arguments.spend, &call.outcome)
        }
        Record::PartCommit(call) => {
            tell_part(ledger, call.arguments.hold, &call.arguments.spend, &call.outcome)
        }
        Record::Adjust(call) => {
            let (hold, actual) = (call.arguments.hold, micros(call.arguments.actual));
            let mut told = format!("hold {hold} spent {actual} on the host's word");
            tell_extra(&mut told, call.outcome.booked_extra, call.outcome.unfunded);
            if call.outcome.refunded > Amount::ZERO {
                told.push_str(&format!(", {} refunded", micros(call.outcome.refunded)));
            }
            told
        }
        Record::Release(call) => match call.outcome {
            ReleaseOutcome::Released { given_back } => {
                format!("hold {} gives {} back", call.arguments.hold, micros(given_back))
            }
            ReleaseOutcome::Expired => format!("hold {} had expired", call.arguments.hold),
        },
        Record::Extend(call) => {
            let (hold, more) = (call.arguments.hold, micros(call.arguments.amount));
            match call.outcome {
                ExtendOutcome::Extended { deadline, held } => {
                    format!("hold {hold} by {more} to {}, until {}", micros(held), Shown(deadline))
                }
                ExtendOutcome::DeniedBudget { binding } => {
                    format!(
                        "hold {hold} by {more} denied (budget): {} binds",
                        names::account(ledger, binding)
                    )
                }
                ExtendOutcome::DeniedHalted => format!("hold {hold} by {more} denied (halted)"),
            }
        }
        Record::Reroute(call) => {
            let failed = names::candidate(ledger.policy(), call.arguments.failed);
            let (hold, back) = (call.arguments.hold, micros(call.outcome.given_back));
            let outcome = tell_outcome(ledger, &call.outcome.admission);
            format!("hold {hold} of {failed} gives {back} back: {outcome}")
        }
        Record::Expire(expire) => {
            let holds: Vec<String> = expire.holds().iter().map(Sequence::to_string).collect();
            format!("holds {}", holds.join(", "))
        }
        Record::Account(account) => {
            let parent = account.parent.map(|parent| format!(" under {}", names::account(ledger, parent)));
            let overrun = match account.overrun {
                Overrun::Deny => "deny",
                Overrun::IfAvailable => "if_available",
                Overrun::Debt => "debt",
            };
            format!("{}{}, overrun {overrun}", account.name, parent.unwrap_or_default())
        }
        Record::Grant(call) => {
            let change = grouped(call.arguments.change_micros);
            format!("{} µ to {}", change, names::account(ledger, call.arguments.account))
        }
        Record::AccountClosed(closed) => names::account(ledger, closed.account),
        Record::Recovery(Recovery { segment, offset, cut_bytes, .. }) => {
            format!("a torn tail of {cut_bytes} bytes cut in segment {segment} at offset {offset}")
        }
    }
}

fn tell_terms(terms: &Terms) -> String {
    let Terms { operation_horizon_ns, operations_max, clock_jump_ns_max, late_window_ns, .. } = terms;
    let Terms { adjust_window_ns, settled_max, .. } = terms;
    format!(
        "at most {operations_max} operations remembered for {operation_horizon_ns} ns, time may jump {clock_jump_ns_max} ns, \
         late settlements are taken for {late_window_ns} ns, at most {settled_max} settled holds can be adjusted \
         for {adjust_window_ns} ns"
    )
}

/// What was decided, by whom, at which price and why.
fn tell_outcome(ledger: &Ledger, outcome: &AdmissionOutcome) -> String {
    let word = Outcome::of(outcome);
    let Some(Decided { limit_applied, decision }) = outcome.decided() else { return word.to_string() };
    let reason = decision.reason.shown(ledger.policy());
    let mut told = match decision.selected {
        Some(selected) => {
            let name = names::candidate(ledger.policy(), selected.candidate);
            format!("{word} {name} for {} µ: {reason}", grouped(selected.cost.0))
        }
        None => format!("{word}: {reason}"),
    };
    if let Some(limit) = limit_applied {
        told.push_str(&format!(", decided under {} µ", grouped(limit.0)));
    }
    match outcome {
        AdmissionOutcome::Admitted { deadline, .. } => {
            told.push_str(&format!(", until {}", Shown(*deadline)))
        }
        AdmissionOutcome::DeniedBudget { binding, .. } => {
            told.push_str(&format!(", {} binds", names::account(ledger, *binding)));
        }
        AdmissionOutcome::DeniedPolicy { .. } | AdmissionOutcome::DeniedHalted => {}
    }
    told
}

fn tell_commit(ledger: &Ledger, hold: Sequence, spend: &Spend, outcome: &CommitOutcome) -> String {
    let mut told = tell_spend(ledger, hold, spend, outcome.actual);
    if outcome.settled == Settled::Expired {
        told.push_str(", expired");
    }
    tell_extra(&mut told, outcome.booked_extra, outcome.unfunded);
    told
}

fn tell_part(ledger: &Ledger, hold: Sequence, spend: &Spend, outcome: &PartCommitOutcome) -> String {
    let mut told = tell_spend(ledger, hold, spend, outcome.actual);
    tell_extra(&mut told, outcome.booked_extra, outcome.unfunded);
    told.push_str(&format!(", {} stays held", micros(outcome.held)));
    told
}

/// What was spent in all, on whose word, what parts of it were stated before, and what was held for the rest.
fn tell_spend(ledger: &Ledger, hold: Sequence, spend: &Spend, actual: Amount) -> String {
    let held = ledger.hold(hold);
    let word = match spend {
        Spend::Usage { served, .. } => {
            let policy = held.and_then(|held| ledger.policy_of(held.epoch)).unwrap_or(ledger.policy());
            format!("by usage at {}", names::candidate(policy, *served))
        }
        Spend::Amount(_) => "on the host's word".to_owned(),
    };
    let mut told = format!("hold {hold} spent {} {word}", micros(actual));
    if let Some(held) = held {
        if held.spent > Amount::ZERO {
            told.push_str(&format!(", {} of it in parts before", micros(held.spent)));
        }
        told.push_str(&format!(", {} held", micros(held.amount)));
    }
    told
}

fn tell_extra(told: &mut String, booked_extra: Amount, unfunded: Amount) {
    if booked_extra > Amount::ZERO {
        told.push_str(&format!(", {} booked above it", micros(booked_extra)));
    }
    if unfunded > Amount::ZERO {
        told.push_str(&format!(", {} unfunded", micros(unfunded)));
    }
}

fn micros(amount: Amount) -> String {
    format!("{} µ", grouped(amount.micros()))
}
