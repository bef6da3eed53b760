//! What a client asked for and was told, and what a log must have of it after a crash.

use std::collections::BTreeMap;

use assize::{
    audit::{Observer, Step},
    controller::{Controller, DenialClass, Outcome},
    crypto::Digest,
    id::{CandidateId, Name, OperationId},
    num::{Amount, Timestamp},
    record::{
        AdjustOutcome, AdmissionOutcome, Boundary, CandidateSwitch, CommitOutcome, ExtendOutcome, Halt, Kind,
        PartCommitOutcome, Record, ReleaseOutcome, Reparent,
    },
    wal::storage::Memory,
};

use super::{ask::Ask, log::replay_with};

/// What a record says, as far as who caused it was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    Held {
        candidate: CandidateId,
        amount: Amount,
        deadline: Timestamp,
    },
    Denied(DenialClass),
    Committed {
        hold: u64,
        outcome: CommitOutcome,
    },
    Released {
        hold: u64,
        outcome: ReleaseOutcome,
    },
    Extended {
        hold: u64,
        held: Amount,
        deadline: Timestamp,
    },
    Parted {
        hold: u64,
        outcome: PartCommitOutcome,
    },
    Adjusted {
        hold: u64,
        outcome: AdjustOutcome,
    },
    Granted {
        change_micros: i64,
    },
    Policy(Digest),
    Halt(Halt),
    Switch(CandidateSwitch),
    Account(Name),
    Moved(Reparent),
    Ended(Boundary),
    Expired {
        holds: usize,
    },
    Retained {
        first_segment: u32,
    },
    /// What no client causes.
    Other,
}

impl Fact {
    pub fn of(record: &Record) -> Self {
        match record {
            Record::Admission(call) => Self::of_admission(&call.outcome),
            Record::Reroute(call) => Self::of_admission(&call.outcome.admission),
            Record::Commit(call) => Self::Committed { hold: call.arguments.hold.0, outcome: call.outcome },
            Record::Release(call) => Self::Released { hold: call.arguments.hold.0, outcome: call.outcome },
            Record::Extend(call) => Self::of_extension(call.arguments.hold.0, call.outcome),
            Record::PartCommit(call) => Self::Parted { hold: call.arguments.hold.0, outcome: call.outcome },
            Record::Adjust(call) => Self::Adjusted { hold: call.arguments.hold.0, outcome: call.outcome },
            Record::Grant(call) => Self::Granted { change_micros: call.arguments.change_micros.get() },
            Record::Policy(policy) => Self::Policy(policy.digest()),
            Record::Halt(halt) => Self::Halt(*halt),
            Record::CandidateSwitch(switch) => Self::Switch(*switch),
            Record::Account(account) => Self::Account(account.name),
            Record::Retention(kept) => Self::Retained { first_segment: kept.first_segment },
            Record::Reparent(moved) => Self::Moved(*moved),
            Record::Boundary(ended) => Self::Ended(*ended),
            Record::Expire(expire) => Self::Expired { holds: expire.holds().len() },
            _ => Self::Other,
        }
    }

    /// The same of an operation that the controller remembers; `ask` is what it was asked by.
    pub fn remembered(outcome: Outcome, ask: &Ask) -> Self {
        let hold = ask.hold().unwrap_or(0);
        match (outcome, ask) {
            (Outcome::Admission(outcome), _) => Self::of_admission(&outcome),
            (Outcome::Reroute(outcome), _) => Self::of_admission(&outcome.admission),
            (Outcome::Commit(outcome), _) => Self::Committed { hold, outcome },
            (Outcome::Release(outcome), _) => Self::Released { hold, outcome },
            (Outcome::Extend(outcome), _) => Self::of_extension(hold, outcome),
            (Outcome::PartCommit(outcome), _) => Self::Parted { hold, outcome },
            (Outcome::Adjust(outcome), _) => Self::Adjusted { hold, outcome },
            (Outcome::Grant, Ask::Grant { change_micros, .. }) => {
                Self::Granted { change_micros: *change_micros }
            }
            (Outcome::Grant, _) => Self::Other,
        }
    }

    fn of_admission(outcome: &AdmissionOutcome) -> Self {
        match outcome {
            AdmissionOutcome::Admitted { decided, deadline } => {
                let (candidate, amount) = decided.held().unwrap();
                Self::Held { candidate, amount, deadline: *deadline }
            }
            AdmissionOutcome::DeniedPolicy { .. } => Self::Denied(DenialClass::Policy),
            AdmissionOutcome::DeniedBudget { .. } => Self::Denied(DenialClass::Budget),
            AdmissionOutcome::DeniedThrottle { .. } => Self::Denied(DenialClass::Throttle),
            AdmissionOutcome::DeniedHalted => Self::Denied(DenialClass::Halted),
        }
    }

    fn of_extension(hold: u64, outcome: ExtendOutcome) -> Self {
        match outcome {
            ExtendOutcome::Extended { deadline, held } => Self::Extended { hold, held, deadline },
            ExtendOutcome::DeniedBudget { .. } => Self::Denied(DenialClass::Budget),
            ExtendOutcome::DeniedHalted => Self::Denied(DenialClass::Halted),
        }
    }
}

/// A call.
#[derive(Clone, Debug)]
pub struct Asked {
    pub ask: Ask,
    pub operation: Option<assize::record::Operation>,
}

impl Asked {
    fn id(&self) -> Option<OperationId> {
        self.operation.map(|operation| operation.id)
    }

    fn may_be(&self, record: &Record) -> bool {
        let id = record.operation().map(|operation| operation.id);
        Some(record.kind()) == self.ask.kind() && id == self.id()
    }
}

/// What the client knows.
#[derive(Clone, Default)]
pub struct Known {
    /// Whether it was told that there is a log.
    pub created: bool,
    /// Calls that were answered, at whatever level, by their record.
    pub told: BTreeMap<u64, (Asked, Fact)>,
    /// The call that is under way, or that came to nobody knows what.
    pub asked: Option<Asked>,
    /// What a killed process cannot lose.
    pub written: u64,
    /// What a power cut cannot lose.
    pub synced: u64,
}

/// What may have become of a log's files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crash {
    Killed,
    PowerCut,
}

impl Known {
    /// Holds a log that was just opened after that crash to what is known.
    pub fn must_hold(
        &self,
        memory: &Memory,
        controller: &Controller,
        crash: Crash,
        what: &dyn Fn() -> String,
    ) -> Found {
        let found = Found { last: 0, head: 0, asked: None, by_id: BTreeMap::new() };
        let mut seen = Seen { known: self, what, found, recovered: false };
        let report = replay_with(memory, &mut seen);
        let report = report.unwrap_or_else(|error| panic!("{}: {error}", what()));
        let found = seen.found;
        let pruned_through = report.summary.pruned.map_or(0, |pruned| pruned.through.0);
        assert!(pruned_through <= self.synced.max(self.let_go()), "{}: {pruned_through} deleted", what());
        let must = if crash == Crash::Killed { self.written } else { self.synced };
        assert!(found.last >= must, "{}: {must} was answered for, {} is there", what(), found.last);
        let ledger = controller.with_ledger(|ledger| (ledger.digest(), ledger.check_conservation().is_ok()));
        assert_eq!(ledger, Ok((report.ledger, true)), "{}", what());
        let lookup = |id: &OperationId| controller.operation(id).unwrap().map(|seen| seen.sequence.0);
        let named = self.told.values().map(|(asked, _)| asked).chain(&self.asked);
        for id in named.filter_map(Asked::id) {
            let seen = lookup(&id);
            // Of what was deleted, the ledger still knows what has a name.
            if seen.is_none_or(|sequence| sequence > pruned_through) {
                assert_eq!(seen, found.by_id.get(&id).copied(), "{}: {id:?}", what());
            }
        }
        found
    }

    /// What retentions that were asked for may have deleted: what comes before the last record answered for.
    fn let_go(&self) -> u64 {
        let asked = self.asked.as_ref().is_some_and(|asked| matches!(asked.ask, Ask::Retain { .. }));
        if asked { u64::MAX } else { 0 }
    }

    /// The power was cut: what was only written may be lost.
    pub fn cut_power(&mut self) {
        self.written = self.synced;
    }

    /// What a crash lost was never told.
    pub fn forget_after(&mut self, last: u64) -> Vec<Asked> {
        let lost = self.told.split_off(&(last + 1));
        lost.into_values().map(|(asked, _)| asked).collect()
    }
}

/// What a log has of a client's calls.
pub struct Found {
    /// The last record that is not of a new cut, and the last of all.
    pub last: u64,
    pub head: u64,
    /// The call that was not answered, if the log has it.
    pub asked: Option<(u64, Fact)>,
    by_id: BTreeMap<OperationId, u64>,
}

/// Looks at each record of a log: the client was told of it, or asked for it just then, or nobody did.
struct Seen<'a> {
    known: &'a Known,
    what: &'a dyn Fn() -> String,
    found: Found,
    /// Whether a cut that this client has not seen yet is on record.
    recovered: bool,
}

impl Observer for Seen<'_> {
    fn after(&mut self, step: &Step<'_>) {
        let (sequence, record, what) = (step.at.sequence.0, step.record, self.what);
        self.found.head = sequence;
        if let Some(operation) = record.operation() {
            let twice = self.found.by_id.insert(operation.id, sequence);
            assert_eq!(twice, None, "{}: {operation:?} in record {sequence} too", what());
        }
        // What the client knows of the place of a new cut was lost.
        self.recovered |= record.kind() == Kind::Recovery && sequence > self.known.synced;
        if !self.recovered {
            self.found.last = sequence;
        }
        if record.kind() == Kind::Recovery {
            return;
        }
        assert!(!self.recovered, "{}: record {sequence} after the cut", what());
        if let Some((asked, fact)) = self.known.told.get(&sequence) {
            assert!(asked.may_be(record), "{}: record {sequence} is {record:?}, not {asked:?}", what());
            assert_eq!(&Fact::of(record), fact, "{}: record {sequence}", what());
            return;
        }
        if self.known.asked.as_ref().is_some_and(|asked| asked.may_be(record)) {
            self.found.asked = Some((sequence, Fact::of(record)));
            return;
        }
        // Holds that are due are expired by whatever call comes.
        let is_due = matches!(record, Record::Expire(expire) if expire.holds().iter().all(|hold| {
            let told = self.known.told.get(&hold.0).map(|(_, fact)| fact);
            matches!(told, Some(Fact::Held { deadline, .. }) if *deadline <= step.frame.effective)
        }));
        assert!(is_due, "{}: nobody asked for record {sequence}, {record:?}", what());
    }
}
