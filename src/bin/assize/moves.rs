//! What a record did at the accounts that it touched: every cell before and after it, windows that ended, what was lent,
//! and how their caps and throttles stand.

use assize::{
    audit::Step,
    id::AccountId,
    ledger::{Account, Cell, CellId},
    num::Amount,
    throttle::Throttle,
    window::{Span, Window},
};
use serde::Serialize;

use crate::{
    balances::touched,
    booking::{Booking, bookings},
    caps, names,
    output::grouped,
    owed::{self, Returned},
};

/// The state before a record, as far as the record can change it.
pub(crate) struct Watch {
    accounts: Vec<(AccountId, Option<Account>)>,
    bookings: Vec<Booking>,
}

/// What a record did.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Moves {
    /// The current cells of all accounts that it touched, and those of the holds that it names.
    pub(crate) cells: Vec<Moved>,
    /// Windows that it ended, for what came of them.
    pub(crate) rolled: Vec<Rolled>,
    /// What current windows lent to holds of closed ones.
    pub(crate) lent: Vec<Lent>,
    /// What current windows have back of what they were charged for closed ones.
    pub(crate) returned: Vec<Returned>,
    /// Caps on what is held at once.
    pub(crate) caps: Vec<Capped>,
    pub(crate) throttles: Vec<Throttled>,
}

/// A cell before the record and after it.
#[derive(Debug, Serialize)]
pub(crate) struct Moved {
    pub(crate) account: AccountId,
    pub(crate) name: String,
    pub(crate) limit: u8,
    pub(crate) window: String,
    #[serde(flatten)]
    pub(crate) span: Span,
    pub(crate) is: Is,
    /// Whether it is in the ledger after the record: a closed one is while a hold names it.
    pub(crate) kept: bool,
    pub(crate) before: Cell,
    pub(crate) after: Cell,
}

/// What a window is after a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Is {
    /// The one that its limit is in.
    Current,
    /// The same, since this record.
    Begun,
    /// One that this record ended.
    Ended,
    /// One that had ended before.
    Closed,
}

/// A window that a record ended. SEMANTICS 18.3.
#[derive(Debug, Serialize)]
pub(crate) struct Rolled {
    pub(crate) account: AccountId,
    pub(crate) name: String,
    pub(crate) limit: u8,
    pub(crate) window: String,
    pub(crate) from: Span,
    pub(crate) to: Span,
    /// What was available, and is gone.
    pub(crate) lapsed_micros: u64,
    /// What it was in debt by.
    pub(crate) debt_micros: u64,
    /// What of that the next window begins without.
    pub(crate) carried_micros: u64,
}

/// What a limit's current window gave to a hold of a closed one. SEMANTICS 18.5.
#[derive(Debug, Serialize)]
pub(crate) struct Lent {
    pub(crate) account: AccountId,
    pub(crate) name: String,
    pub(crate) limit: u8,
    pub(crate) window: String,
    pub(crate) lent_micros: u64,
    pub(crate) hold: u64,
}

/// What is held at an account with caps on that.
#[derive(Debug, Serialize)]
pub(crate) struct Capped {
    pub(crate) account: AccountId,
    pub(crate) name: String,
    pub(crate) held_micros_before: u64,
    pub(crate) held_micros: u64,
    pub(crate) held_micros_max: Option<u64>,
    pub(crate) holds_before: u64,
    pub(crate) holds: u64,
    pub(crate) holds_max: Option<u32>,
}

/// A throttle at the record's time.
#[derive(Debug, Serialize)]
pub(crate) struct Throttled {
    pub(crate) account: AccountId,
    pub(crate) name: String,
    pub(crate) throttle: u8,
    pub(crate) lets: String,
    pub(crate) left_before: u64,
    pub(crate) left: u64,
    pub(crate) burst: u64,
}

impl Watch {
    /// Looks at what a record can change before it does.
    pub(crate) fn before(step: &Step<'_>) -> Self {
        let accounts = touched(step.ledger, step.record).into_iter();
        Self {
            accounts: accounts.map(|id| (id, step.ledger.account(id).cloned())).collect(),
            bookings: bookings(step.ledger, step.record),
        }
    }

    /// The accounts that it can change, in the order of their handles.
    pub(crate) fn touched(&self) -> impl Iterator<Item = AccountId> {
        self.accounts.iter().map(|(id, _)| *id)
    }

    /// What the record does to each hold that it names.
    pub(crate) fn bookings(&self) -> &[Booking] {
        &self.bookings
    }

    /// Looks again, and says what is other.
    pub(crate) fn after(&self, step: &Step<'_>) -> Moves {
        let mut moves = Moves::default();
        for (id, before) in &self.accounts {
            let Some(after) = step.ledger.account(*id) else { continue };
            let account =
                Both { id: *id, name: names::account(step.ledger, *id), before: before.as_ref(), after };
            for limit in 0..after.limits.count() {
                self.limit(&account, limit, &mut moves);
            }
            account.caps(&mut moves);
            account.throttles(step, &mut moves);
        }
        moves
    }

    fn limit(&self, account: &Both<'_>, limit: u8, moves: &mut Moves) {
        let window = caps::limit(account.after, limit);
        let current = account.after.limits.current(limit).map(|(span, _)| span).unwrap_or_default();
        let was = account.before.and_then(|before| before.limits.current(limit));
        let ended = was.map(|(span, _)| span).filter(|span| *span != current);
        if let (Some(from), Some((_, cell))) = (ended, was) {
            moves.rolled.push(account.rolled(limit, (from, current), cell));
        }
        let before = account.before.into_iter().flat_map(|before| before.limits.cells());
        let before: Vec<(Span, &Cell)> =
            before.filter(|(of, ..)| *of == limit).map(|(_, span, cell)| (span, cell)).collect();
        let after: Vec<(Span, &Cell)> = account
            .after
            .limits
            .cells()
            .filter(|(of, ..)| *of == limit)
            .map(|(_, span, cell)| (span, cell))
            .collect();
        let begun = after.iter().filter(|(span, _)| !before.iter().any(|(known, _)| known == span));
        let mut spans: Vec<Span> = before.iter().chain(begun).map(|(span, _)| *span).collect();
        spans.sort_unstable();
        for span in spans {
            let id = CellId { account: account.id, limit, start: span.start };
            let then = before.iter().find(|(of, _)| *of == span).map(|(_, cell)| **cell);
            let now = after.iter().find(|(of, _)| *of == span).map(|(_, cell)| **cell);
            let is = match (span == current, ended == Some(span)) {
                (true, _) if account.before.is_some() && then.is_none() => Is::Begun,
                (true, _) => Is::Current,
                (false, true) => Is::Ended,
                (false, false) => Is::Closed,
            };
            let own = self.bookings.iter().any(|booking| booking.cells.contains(&id));
            let then = then.unwrap_or_default();
            let rolled = moves
                .rolled
                .iter()
                .find(|rolled| (rolled.account, rolled.limit, rolled.from) == (id.account, limit, span));
            let cell = now.unwrap_or_else(|| owed::dropped(&self.bookings, id, then, rolled));
            if is == Is::Closed && cell == then && !own {
                continue;
            }
            let name = account.name.clone();
            let (window, kept) = (window.clone(), now.is_some());
            moves.cells.push(Moved {
                account: account.id,
                name,
                limit,
                window,
                span,
                is,
                kept,
                before: then,
                after: cell,
            });
        }
        for booking in &self.bookings {
            let closed = |cell: &&CellId| {
                cell.account == account.id && cell.limit == limit && cell.start != current.start
            };
            let lent_micros = booking.more_micros();
            if lent_micros > 0 && booking.cells.iter().any(|cell| closed(&cell)) {
                let (name, window) = (account.name.clone(), window.clone());
                moves.lent.push(Lent {
                    account: account.id,
                    name,
                    limit,
                    window,
                    lent_micros,
                    hold: booking.hold.0,
                });
            }
        }
        moves.returned.extend(owed::returned(account, limit, moves));
    }
}

/// An account before and after a record.
pub(crate) struct Both<'a> {
    pub(crate) id: AccountId,
    pub(crate) name: String,
    pub(crate) before: Option<&'a Account>,
    pub(crate) after: &'a Account,
}

impl Both<'_> {
    /// What came of a window that ended with that in its cell.
    fn rolled(&self, limit: u8, (from, to): (Span, Span), cell: &Cell) -> Rolled {
        let windows = self.after.opened.caps.windows();
        let window = windows.get(usize::from(limit)).copied().unwrap_or(Window::Lifetime);
        let allowance = self.before.and_then(|before| before.limits.allowance(limit)).unwrap_or(Amount::ZERO);
        let debt_micros = cell.available_micros.min(0).unsigned_abs();
        let allowed =
            u128::from(window.between(from.end, to.start)).saturating_mul(allowance.micros().into());
        let carried = u128::from(debt_micros).saturating_sub(allowed);
        Rolled {
            account: self.id,
            name: self.name.clone(),
            limit,
            window: caps::window(window),
            from,
            to,
            lapsed_micros: u64::try_from(cell.available_micros).unwrap_or(0),
            debt_micros,
            carried_micros: u64::try_from(carried).unwrap_or(debt_micros),
        }
    }

    fn caps(&self, moves: &mut Moves) {
        let caps = &self.after.opened.caps;
        if caps.held_max().is_none() && caps.holds_max().is_none() {
            return;
        }
        moves.caps.push(Capped {
            account: self.id,
            name: self.name.clone(),
            held_micros_before: self.before.map_or(0, Account::held_micros),
            held_micros: self.after.held_micros(),
            held_micros_max: caps.held_max().map(Amount::micros),
            holds_before: self.before.map_or(0, Account::holds_open),
            holds: self.after.holds_open(),
            holds_max: caps.holds_max(),
        });
    }

    fn throttles(&self, step: &Step<'_>, moves: &mut Moves) {
        let now = step.frame.effective;
        let left = |account: &Account, place: usize, of: &Throttle| {
            account.backlogs.get(place).map_or(of.burst, |backlog| caps::left(of, *backlog, now))
        };
        for (number, (place, of)) in (0_u8..).zip(self.after.opened.caps.throttles().iter().enumerate()) {
            moves.throttles.push(Throttled {
                account: self.id,
                name: self.name.clone(),
                throttle: number,
                lets: caps::throttle(of, step.ledger.policy().schema()),
                left_before: self.before.map_or(of.burst, |before| left(before, place, of)),
                left: left(self.after, place, of),
                burst: of.burst,
            });
        }
    }
}

impl Moves {
    /// What came of windows, a line each.
    pub(crate) fn told(&self) -> Vec<String> {
        let mut told = Vec::new();
        for Rolled { name, window, to, lapsed_micros, debt_micros, carried_micros, .. } in &self.rolled {
            let mut line = format!("{name}: {window} ended, the next is from {}", caps::edge(to.start));
            if *lapsed_micros > 0 {
                line.push_str(&format!(", {} µ lapsed", grouped(lapsed_micros)));
            }
            if *debt_micros > 0 {
                let (carried, debt) = (grouped(carried_micros), grouped(debt_micros));
                line.push_str(&format!(", {carried} µ of a debt of {debt} µ carried over"));
            }
            told.push(line);
        }
        for Lent { name, window, lent_micros, hold, .. } in &self.lent {
            let lent = grouped(lent_micros);
            told.push(format!("{name}: {window} lent {lent} µ to hold {hold} of an earlier window"));
        }
        for Returned { name, window, returned_micros, .. } in &self.returned {
            let returned = grouped(returned_micros);
            told.push(format!(
                "{name}: {window} has back {returned} µ that it was charged for an earlier window"
            ));
        }
        for moved in self.cells.iter().filter(|moved| matches!(moved.is, Is::Closed | Is::Ended)) {
            let rolled = self.rolled.iter().find(|rolled| rolled.is_of(moved));
            let lapsed =
                moved.lapsed_micros().saturating_sub(rolled.map_or(0, |rolled| rolled.lapsed_micros));
            if lapsed > 0 {
                let (name, window, from) = (&moved.name, &moved.window, caps::edge(moved.span.start));
                told.push(format!("{name}: {} µ lapsed in the {window} from {from}", grouped(lapsed)));
            }
        }
        told
    }
}

/// What it was and what it is, or once where that is the same.
pub(crate) fn changed<T: ToString + PartialEq>(before: T, after: T) -> String {
    if before == after { grouped(after) } else { format!("{} → {}", grouped(before), grouped(after)) }
}

impl Rolled {
    fn is_of(&self, moved: &Moved) -> bool {
        (self.account, self.limit, self.from) == (moved.account, moved.limit, moved.span)
    }
}

impl Moved {
    /// What lapsed by this record.
    pub(crate) fn lapsed_micros(&self) -> u64 {
        self.after.lapsed_micros.saturating_sub(self.before.lapsed_micros)
    }

    /// The counters by name, before and after.
    pub(crate) fn counters(&self) -> [(&'static str, String); 6] {
        let of = |cell: &Cell| {
            [
                i128::from(cell.granted_micros),
                cell.available_micros.into(),
                cell.reserved_micros.into(),
                cell.committed_micros.into(),
                cell.lapsed_micros.into(),
                cell.unfunded_micros.into(),
            ]
        };
        let [granted, available, reserved, committed, lapsed, unfunded] = {
            let mut changes = of(&self.before)
                .into_iter()
                .zip(of(&self.after))
                .map(|(before, after)| changed(before, after));
            std::array::from_fn(|_| changes.next().unwrap_or_default())
        };
        [
            ("granted", granted),
            ("available", available),
            ("reserved", reserved),
            ("committed", committed),
            ("lapsed", lapsed),
            ("unfunded", unfunded),
        ]
    }

    /// The cell on one line.
    pub(crate) fn told(&self) -> String {
        let counters = self.counters().map(|(name, change)| format!("{name} {change}"));
        format!("{}: {}", self.label(), counters.join(", "))
    }

    /// The account, and the window where it has one.
    pub(crate) fn label(&self) -> String {
        let Self { name, window, span, is, .. } = self;
        // Of an account with one limit for life, the name says it all.
        if *span == Span::default() {
            return if self.limit == 0 { name.clone() } else { format!("{name}: {window}") };
        }
        let is = match is {
            Is::Current => "",
            Is::Begun => ", begun",
            Is::Ended => ", ended",
            Is::Closed => ", closed",
        };
        format!("{name}: {window} from {}{is}", caps::edge(span.start))
    }
}
