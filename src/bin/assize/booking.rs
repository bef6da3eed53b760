//! What a record does to holds that are there, worked out from the state before it: by the record's own numbers, which the
//! replay has checked.

use assize::{
    id::{AccountId, Sequence},
    ledger::{CellId, Hold, HoldState, Ledger},
    num::Amount,
    record::{Record, Settled},
};

/// What a record does to one hold: the same at each of its cells.
#[derive(Clone, Debug, Default)]
pub(crate) struct Booking {
    pub(crate) hold: Sequence,
    /// The cells that it was taken from.
    pub(crate) cells: Box<[CellId]>,
    /// What it held until then and does not any more, booked or not.
    pub(crate) ended_micros: u64,
    /// What it holds more.
    pub(crate) extended_micros: u64,
    /// What is booked, the extra included.
    pub(crate) committed_micros: u64,
    /// What of that was not held: lent, where the cell is closed.
    pub(crate) extra_micros: u64,
    /// What was spent above what was held, booked or not.
    pub(crate) above_micros: u64,
    pub(crate) refunded_micros: u64,
    pub(crate) unfunded_micros: u64,
    /// Whether it was committed after its deadline.
    pub(crate) is_late: bool,
}

impl Booking {
    /// The accounts, each once.
    pub(crate) fn accounts(&self) -> impl Iterator<Item = AccountId> {
        self.cells.iter().filter(|cell| cell.limit == 0).map(|cell| cell.account)
    }

    /// What it takes more than it held: an extension, or what was spent above it and is booked.
    pub(crate) fn more_micros(&self) -> u64 {
        self.extended_micros.saturating_add(self.extra_micros)
    }

    /// A hold gives back all that it holds.
    fn given_back(name: Sequence, hold: &Hold) -> Self {
        let ended_micros = if hold.state == HoldState::Open { hold.amount.micros() } else { 0 };
        Self { hold: name, cells: hold.cells.clone(), ended_micros, ..Self::default() }
    }

    /// A part of a hold is booked as far as it was held, and the extra beside it.
    fn booked(name: Sequence, hold: &Hold, actual: Amount, booked_extra: Amount) -> Self {
        let part = actual.checked_sub(hold.spent).unwrap_or(Amount::ZERO);
        let within = part.min(hold.amount);
        Self {
            hold: name,
            cells: hold.cells.clone(),
            ended_micros: within.micros(),
            // OK because two amounts below 2⁶³ have a sum below 2⁶⁴.
            committed_micros: within.micros().saturating_add(booked_extra.micros()),
            extra_micros: booked_extra.micros(),
            above_micros: part.micros().saturating_sub(within.micros()),
            ..Self::default()
        }
    }
}

/// What a record does to each hold that it names; nothing where the ledger does not know one: then the record does not hold.
pub(crate) fn bookings(ledger: &Ledger, record: &Record) -> Vec<Booking> {
    let one = |name: Sequence, of: &dyn Fn(&Hold) -> Booking| -> Vec<Booking> {
        ledger.hold(name).map(of).into_iter().collect()
    };
    match record {
        Record::Commit(call) => {
            let (name, outcome) = (call.arguments.hold, &call.outcome);
            one(name, &|hold| {
                let unfunded_micros = outcome.unfunded.micros();
                match outcome.settled {
                    Settled::InTime => {
                        let booked = Booking::booked(name, hold, outcome.actual, outcome.booked_extra);
                        Booking { ended_micros: hold.amount.micros(), unfunded_micros, ..booked }
                    }
                    Settled::Expired => {
                        Booking { unfunded_micros, is_late: true, ..Booking::given_back(name, hold) }
                    }
                }
            })
        }
        Record::PartCommit(call) => {
            let (name, outcome) = (call.arguments.hold, &call.outcome);
            one(name, &|hold| Booking {
                unfunded_micros: outcome.unfunded.micros(),
                ..Booking::booked(name, hold, outcome.actual, outcome.booked_extra)
            })
        }
        Record::Adjust(call) => {
            let (name, outcome) = (call.arguments.hold, &call.outcome);
            let settled = ledger.settled_hold(name).map(|settled| Booking {
                hold: name,
                cells: settled.cells.clone(),
                committed_micros: outcome.booked_extra.micros(),
                extra_micros: outcome.booked_extra.micros(),
                refunded_micros: outcome.refunded.micros(),
                unfunded_micros: outcome.unfunded.micros(),
                ..Booking::default()
            });
            settled.into_iter().collect()
        }
        Record::Extend(call) => {
            let (name, more) = (call.arguments.hold, call.arguments.amount);
            let extended = matches!(call.outcome, assize::record::ExtendOutcome::Extended { .. });
            one(name, &|hold| Booking {
                hold: name,
                cells: hold.cells.clone(),
                extended_micros: if extended { more.micros() } else { 0 },
                ..Booking::default()
            })
        }
        Record::Release(call) => {
            one(call.arguments.hold, &|hold| Booking::given_back(call.arguments.hold, hold))
        }
        Record::Reroute(call) => {
            one(call.arguments.hold, &|hold| Booking::given_back(call.arguments.hold, hold))
        }
        Record::Expire(expire) => expire
            .holds()
            .iter()
            .flat_map(|name| one(*name, &|hold| Booking::given_back(*name, hold)))
            .collect(),
        _ => Vec::new(),
    }
}
