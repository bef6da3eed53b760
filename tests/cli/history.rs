//! A log with all that windows, throttles and caps can do, written by the library: two days, and two months by the
//! clocks of +02:00.

use std::num::NonZeroI64;

use assize::{
    budget::{AccountTerms, EngineOptions},
    caps::{Caps, CapsDraft},
    controller::{Admission, Call, Controller, CreateOptions, NotAdmitted, Permit, Reroute},
    id::{AccountId, CandidateId, LimitId, LogId, Name},
    kernel::Request,
    num::{Amount, Timestamp},
    overrun::Overrun,
    policy::{CandidateDraft, CardDraft, Draft, Policy, QuantityDraft, SchemaDraft},
    record::{Principal, Spend, Terms},
    throttle::{Counts, Throttle},
    wal::{
        LogOptions,
        storage::{Directory, read_key_file},
    },
    window::Window,
};

use crate::place::Place;

/// 2026-10-31 20:00:00 UTC: 22:00 of that day at +02:00.
pub(crate) const START: i64 = 1_793_476_800_000_000_000;
pub(crate) const SECOND: i64 = 1_000_000_000;
pub(crate) const HOUR: i64 = 3600 * SECOND;
pub(crate) const DAY: i64 = 24 * HOUR;

/// 10 µ a unit.
const ALPHA: CandidateId = CandidateId(1);

/// A log being written.
struct History {
    controller: Controller,
    unit: assize::policy::Quantity,
}

impl History {
    fn begin(place: &Place, log: &str) -> Self {
        let mut schema = SchemaDraft { name: "units".into(), ..SchemaDraft::default() };
        schema.quantities = ["units", "extras"]
            .map(|name| QuantityDraft { name: name.into(), per: 1, fallback: None })
            .into();
        let mut draft = Draft::new("two", 1, schema);
        draft.candidates = [(1, "alpha", 10), (2, "beta", 30)]
            .map(|(id, name, rate)| CandidateDraft {
                cards: vec![CardDraft { above: 0, rates: vec![("units".into(), rate)] }],
                ..CandidateDraft::new(id, name)
            })
            .into();
        let policy = Policy::freeze(draft).unwrap();
        let unit = policy.schema().quantity("units").unwrap();
        let month_ns = 30 * DAY.unsigned_abs();
        let options = CreateOptions {
            id: LogId([0x77; 16]),
            key: read_key_file(place.path("key")).unwrap().into(),
            policy,
            terms: Terms {
                clock_jump_ns_max: 30 * month_ns,
                late_window_ns: month_ns,
                adjust_window_ns: month_ns,
                settled_max: 3,
                ..Terms::default()
            },
            log: LogOptions::default(),
            engine: EngineOptions::default(),
            at: Timestamp(START),
        };
        let directory = Box::new(Directory::new(place.path(log)));
        Self { controller: Controller::create(directory, options).unwrap(), unit }
    }

    fn open(&self, name: &str, parent: Option<AccountId>, overrun: Overrun, caps: CapsDraft) -> AccountId {
        let caps = Caps::new(caps).unwrap();
        let terms = AccountTerms { name: Name::new(name).unwrap(), parent, overrun, caps };
        self.controller.ensure_account(&terms, call(0)).unwrap()
    }

    fn grant(&self, limit: impl Into<LimitId>, change: i64, at: i64) {
        self.controller.grant(limit, NonZeroI64::new(change).unwrap(), call(at)).unwrap();
    }

    fn ask(&self, units: u64) -> Request {
        let mut request = Request::new(self.controller.policy().schema());
        request.quantity(self.unit, units).unwrap();
        request
    }

    fn admit(&self, account: AccountId, units: u64, at: i64, until: i64) -> Result<Permit, NotAdmitted> {
        let admission = Admission {
            principal: Principal::Attested(Name::new("tester").unwrap()),
            accounts: &[account],
            request: &self.ask(units),
            deadline: Timestamp(START + until),
        };
        self.controller.admit(&admission, call(at))
    }

    fn denied(&self, account: AccountId, units: u64, at: i64) {
        assert!(matches!(self.admit(account, units, at, at + DAY), Err(NotAdmitted::Denied(_))), "{units}");
    }

    fn commit(&self, permit: Permit, actual: u64, at: i64) {
        let _settled = self.controller.commit(permit, spend(actual), call(at)).unwrap();
    }
}

fn call(at: i64) -> Call {
    Call::at(Timestamp(START + at))
}

fn amount(micros: u64) -> Amount {
    Amount::new(micros).unwrap()
}

fn spend(micros: u64) -> Spend {
    Spend::Amount(amount(micros))
}

/// Writes the log of that name.
pub(crate) fn write(place: &Place, log: &str) {
    let history = History::begin(place, log);
    let windows = |windows: &[Window]| CapsDraft { windows: windows.to_vec(), ..CapsDraft::default() };
    let (month, day) = (Window::Month { utc_offset_s: 7200 }, Window::Day { utc_offset_s: 7200 });
    let throttle =
        Throttle { counts: Counts::Requests, rate: 2, period_ns: 10 * SECOND.unsigned_abs(), burst: 2 };
    let capped = CapsDraft {
        throttles: vec![throttle],
        held_max: Some(amount(600)),
        holds_max: Some(3),
        ..windows(&[day])
    };
    let org = history.open("org", None, Overrun::Debt, windows(&[Window::Lifetime, month]));
    let team = history.open("team", Some(org), Overrun::Debt, capped);
    let spare = history.open("spare", None, Overrun::Deny, CapsDraft::default());
    let batch = history.open("batch", None, Overrun::Debt, windows(&[Window::Given]));
    let units = Throttle {
        counts: Counts::Units { quantities: 0b11 },
        period_ns: SECOND.unsigned_abs(),
        rate: 5,
        burst: 100,
    };
    let metered = CapsDraft { throttles: vec![units], ..CapsDraft::default() };
    let metered = history.open("metered", None, Overrun::Deny, metered);
    for (limit, change) in [(org.limit(0), 100_000), (org.limit(1), 50_000), (team.limit(0), 1_000)] {
        history.grant(limit, change, 0);
    }
    for (account, change) in [(spare, 500), (batch, 300), (metered, 5_000)] {
        history.grant(account, change, 0);
    }
    october(&history, team);
    november(&history, team, org);
    let _late = (spare, metered, batch);
    second_day(&history, [team, spare, metered, batch]);
    let _anchor = history.controller.close().unwrap();
}

/// The day's last hours: what is held, throttled and spent in part, and a commit after midnight.
fn october(history: &History, team: AccountId) {
    let first = history.admit(team, 30, 0, DAY).unwrap();
    let mut second = history.admit(team, 20, SECOND, DAY).unwrap();
    // Two at once and one each five seconds: this one passes three seconds later.
    history.denied(team, 1, 2 * SECOND);
    history.commit(first, 250, 10 * SECOND);
    let _part = history.controller.part_commit(&mut second, spend(120), call(20 * SECOND)).unwrap();
    // 200 above what is still held: lent by the windows that begin with this.
    history.commit(second, 400, 3 * HOUR);
}

/// The first of November: an extension, a late commit, corrections, a reroute, what the cap denies.
fn november(history: &History, team: AccountId, org: AccountId) {
    let at = 3 * HOUR;
    let mut late = history.admit(team, 10, at + SECOND, at + 60 * SECOND).unwrap();
    let extension = history.controller.extend(&mut late, amount(50), None, call(at + 2 * SECOND));
    assert!(extension.is_ok());
    history.commit(late, 130, 4 * HOUR);
    // The first hold's window is over: more is lent, less lapses.
    let (first, second) = (assize::id::Sequence(12), assize::id::Sequence(13));
    let _more = history.controller.adjust(first, amount(300), call(5 * HOUR)).unwrap();
    let _less = history.controller.adjust(second, amount(330), call(6 * HOUR)).unwrap();

    let kept = history.admit(team, 40, 7 * HOUR, 3 * DAY).unwrap();
    history.denied(team, 21, 7 * HOUR + 10 * SECOND);
    let failed = history.admit(team, 5, 7 * HOUR + 20 * SECOND, 3 * DAY).unwrap();
    let again = Reroute { failed: ALPHA, request: &history.ask(5), deadline: Timestamp(START + 3 * DAY) };
    let served = history.controller.reroute(failed, &again, call(7 * HOUR + 21 * SECOND)).unwrap();
    history.commit(served, 140, 7 * HOUR + 22 * SECOND);
    history.grant(org.limit(1), -10_000, 8 * HOUR);
    // It is given back when its day is over, and lapses.
    let _back = history.controller.release(kept, call(DAY + 3 * HOUR)).unwrap();
}

/// The second: debt, boundaries, a cap on holds, an account that moves, holds that expire.
fn second_day(history: &History, [team, spare, metered, batch]: [AccountId; 4]) {
    let at = DAY + 4 * HOUR;
    let last = history.admit(batch, 10, at, at + DAY).unwrap();
    history.controller.end_window(batch.limit(0), call(at + HOUR)).unwrap();
    // 400 above what is held, of which 300 are there.
    history.commit(last, 500, at + HOUR + SECOND);
    history.controller.end_window(batch.limit(0), call(at + 2 * HOUR)).unwrap();
    history.denied(spare, 60, at + 3 * HOUR);

    let at = at + 4 * HOUR;
    let holds: Vec<Permit> =
        (0..3).map(|number| history.admit(team, 1, at + number * 10 * SECOND, at + HOUR).unwrap()).collect();
    history.denied(team, 1, at + 40 * SECOND);
    history.controller.reparent(team, None, call(at + 50 * SECOND)).unwrap();
    drop(holds);
    let expired = history.controller.expire(call(at + 2 * HOUR)).unwrap();
    assert_eq!(expired, 3);
    let open = history.admit(team, 7, at + 3 * HOUR, at + DAY).unwrap();
    let metered_open = history.admit(metered, 90, at + 3 * HOUR, at + DAY).unwrap();
    history.denied(metered, 20, at + 3 * HOUR + SECOND);
    // More than the burst never passes.
    history.denied(metered, 101, at + 3 * HOUR + 2 * SECOND);
    drop((open, metered_open));
}
