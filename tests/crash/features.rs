//! What of the ledger a log went through, so that a battery can show that it went there.

use std::collections::BTreeMap;

use assize::{
    audit::{Observer, Step},
    caps::Bound,
    id::AccountId,
    num::{Amount, Timestamp},
    record::{AdmissionOutcome, Record},
    wal::storage::Memory,
    window::Window,
};

use crate::battery::log::replay_with;

/// How often each thing is in a log, that was written or found again after a crash.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Features {
    /// Windows that ended.
    pub(crate) days: u64,
    pub(crate) months: u64,
    pub(crate) fixed: u64,
    pub(crate) given: u64,
    /// Denials by throttles, and by caps on exposure.
    pub(crate) throttled: u64,
    pub(crate) capped: u64,
    /// Settlements above their holds: booked, and not.
    pub(crate) overrun: u64,
    pub(crate) unfunded: u64,
    /// Accounts that went below another.
    pub(crate) moved: u64,
}

impl Features {
    /// Of that log, from its beginning.
    pub(crate) fn of(memory: &Memory) -> Self {
        let mut seen = Seen::default();
        let report = replay_with(memory, &mut seen).unwrap();
        assert!(report.summary.records > 0);
        seen.features
    }

    pub(crate) fn add(&mut self, more: Self) {
        self.days += more.days;
        self.months += more.months;
        self.fixed += more.fixed;
        self.given += more.given;
        self.throttled += more.throttled;
        self.capped += more.capped;
        self.overrun += more.overrun;
        self.unfunded += more.unfunded;
        self.moved += more.moved;
    }

    /// Those that were not met.
    pub(crate) fn missing(&self) -> Vec<&'static str> {
        let all = [
            ("days", self.days),
            ("months", self.months),
            ("fixed windows", self.fixed),
            ("given windows", self.given),
            ("throttles", self.throttled),
            ("caps", self.capped),
            ("overruns booked", self.overrun),
            ("overruns unfunded", self.unfunded),
            ("moves", self.moved),
        ];
        all.into_iter().filter(|(_, count)| *count == 0).map(|(name, _)| name).collect()
    }
}

#[derive(Default)]
struct Seen {
    features: Features,
    /// When the current window of each limit began.
    windows: BTreeMap<(AccountId, u8), Timestamp>,
}

impl Seen {
    fn decided(&mut self, outcome: &AdmissionOutcome) {
        match outcome {
            AdmissionOutcome::DeniedThrottle { .. } => self.features.throttled += 1,
            AdmissionOutcome::DeniedBudget { binding, .. }
                if matches!(binding.bound, Bound::Held | Bound::Holds) =>
            {
                self.features.capped += 1;
            }
            _ => {}
        }
    }

    fn settled(&mut self, booked_extra: Amount, unfunded: Amount) {
        self.features.overrun += u64::from(booked_extra > Amount::ZERO);
        self.features.unfunded += u64::from(unfunded > Amount::ZERO);
    }
}

impl Observer for Seen {
    fn after(&mut self, step: &Step<'_>) {
        match step.record {
            Record::Admission(call) => self.decided(&call.outcome),
            Record::Reroute(call) => self.decided(&call.outcome.admission),
            Record::Commit(call) => self.settled(call.outcome.booked_extra, call.outcome.unfunded),
            Record::PartCommit(call) => self.settled(call.outcome.booked_extra, call.outcome.unfunded),
            Record::Reparent(_) => self.features.moved += 1,
            _ => {}
        }
        for (id, account) in step.ledger.accounts() {
            for (limit, window) in (0..).zip(account.opened.caps.windows()) {
                let start = account.limits.current(limit).unwrap().0.start;
                let before = self.windows.insert((id, limit), start);
                if before.is_some_and(|before| before != start) {
                    match window {
                        Window::Day { .. } => self.features.days += 1,
                        Window::Month { .. } => self.features.months += 1,
                        Window::Fixed { .. } => self.features.fixed += 1,
                        Window::Given => self.features.given += 1,
                        Window::Lifetime => panic!("a life ends"),
                    }
                }
            }
        }
    }
}
