//! Records in words, with the names that the state before them gives.

use assize::{
    caps::{Binding, Bound, Caps},
    id::{AccountId, Sequence},
    ledger::Ledger,
    num::{Amount, Timestamp},
    overrun::Overrun,
    policy::Policy,
    record::{
        Admission, AdmissionOutcome, CommitOutcome, Decided, ExtendOutcome, PartCommitOutcome, Record,
        Recovery, ReleaseOutcome, Retention, Settled, Spend, Switch, Terms,
    },
    throttle::Throttled,
};

use crate::{caps, instant::Shown, names, outcome::Outcome, output::grouped};

/// What a record says that takes effect at that time, on one line.
pub(crate) fn tell(ledger: &Ledger, record: &Record, now: Timestamp) -> String {
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
            let told = tell_outcome(ledger, &call.outcome);
            let passes = passes(ledger, &call.arguments, &call.outcome, now).unwrap_or_default();
            format!("{who} at {path}: {told}{passes}")
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
                    format!("hold {hold} by {more} denied (budget): {} binds", caps::binding(ledger, binding))
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
            let (parent, caps) = (parent.unwrap_or_default(), tell_caps(&account.caps, ledger.policy()));
            format!("{}{parent}, overrun {overrun}{caps}", account.name)
        }
        Record::Grant(call) => {
            let change = grouped(call.arguments.change_micros);
            format!("{change} µ to {}", limit(ledger, call.arguments.account, call.arguments.limit))
        }
        Record::AccountClosed(closed) => names::account(ledger, closed.account),
        Record::Reparent(reparent) => {
            let name = names::account(ledger, reparent.account);
            let before = ledger.account(reparent.account).and_then(|account| account.opened.parent);
            let place = |parent: Option<AccountId>| {
                parent.map_or_else(|| "no account".to_owned(), |parent| names::account(ledger, parent))
            };
            format!("{name} under {}, before under {}", place(reparent.parent), place(before))
        }
        Record::Boundary(boundary) => limit(ledger, boundary.account, boundary.limit),
        Record::Recovery(Recovery { segment, offset, cut_bytes, .. }) => {
            format!("a torn tail of {cut_bytes} bytes cut in segment {segment} at offset {offset}")
        }
        Record::Retention(Retention { first_segment, through, .. }) => {
            format!("segments before {first_segment} let go, with the records through {through}")
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
            told.push_str(&format!(", {} binds", caps::binding(ledger, *binding)));
        }
        AdmissionOutcome::DeniedThrottle { account, throttle, .. } => {
            let found = ledger.account(*account);
            let found = found.and_then(|found| found.opened.caps.throttles().get(usize::from(*throttle)));
            let lets = found.map(|of| caps::throttle(of, ledger.policy().schema())).unwrap_or_default();
            told.push_str(&format!(", {} lets {lets} pass", names::account(ledger, *account)));
        }
        AdmissionOutcome::DeniedPolicy { .. } | AdmissionOutcome::DeniedHalted => {}
    }
    told
}

/// When what a throttle denied would have passed it.
fn passes(ledger: &Ledger, asked: &Admission, outcome: &AdmissionOutcome, now: Timestamp) -> Option<String> {
    Some(match passes_at(ledger, asked, outcome, now)? {
        Some(at) => format!(", this passes from {}", caps::edge(at)),
        None => ", this never passes".to_owned(),
    })
}

/// The earliest instant at which what a throttle denied passes it, if nothing else does before; none of what is more
/// than its burst. Asked of the state before the record. SEMANTICS 19.4.
pub(crate) fn passes_at(
    ledger: &Ledger,
    asked: &Admission,
    outcome: &AdmissionOutcome,
    now: Timestamp,
) -> Option<Option<Timestamp>> {
    let AdmissionOutcome::DeniedThrottle { decided, .. } = outcome else { return None };
    let (_, amount) = decided.held()?;
    let prospect = ledger.prospect(&asked.path, now).ok()?;
    let (_, _, why) = ledger.throttled(&prospect, now, &asked.request, amount)?;
    Some(match why {
        Throttled::For { wait_ns } => now.checked_add_ns(wait_ns),
        Throttled::Never => None,
    })
}

/// An account's limits, throttles and caps, as far as they are not the usual.
fn tell_caps(of: &Caps, policy: &Policy) -> String {
    let mut told = String::new();
    if of.are_usual() {
        return told;
    }
    let windows: Vec<String> = of.windows().iter().map(|window| caps::window(*window)).collect();
    told.push_str(&format!(", limits: {}", windows.join(", ")));
    for throttle in of.throttles() {
        told.push_str(&format!(", throttle: {}", caps::throttle(throttle, policy.schema())));
    }
    if let Some(max) = of.held_max() {
        told.push_str(&format!(", at most {} held", micros(max)));
    }
    if let Some(max) = of.holds_max() {
        told.push_str(&format!(", at most {} holds", grouped(max)));
    }
    told
}

/// An account by its name, with the limit where it has several or one that is cut.
fn limit(ledger: &Ledger, account: AccountId, limit: u8) -> String {
    caps::binding(ledger, Binding { account, bound: Bound::Limit(limit) })
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
