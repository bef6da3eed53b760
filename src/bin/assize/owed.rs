//! What windows that have ended owe: what becomes of that by a record, where the ledger says it by its sums alone.

use assize::{
    id::AccountId,
    ledger::{Cell, CellId},
    num::Amount,
    window::Window,
};
use serde::Serialize;

use crate::{
    booking::Booking,
    caps,
    moves::{Both, Moves, Rolled},
};

/// What a limit's current window has back of what it was charged for closed ones. SEMANTICS 18.4.
#[derive(Debug, Serialize)]
pub(crate) struct Returned {
    pub(crate) account: AccountId,
    pub(crate) name: String,
    pub(crate) limit: u8,
    pub(crate) window: String,
    pub(crate) returned_micros: u64,
}

/// What a limit's current window has back by a record: what it is granted more than it was, or than it began with, but
/// for what it has lent.
pub(crate) fn returned(account: &Both<'_>, limit: u8, moves: &Moves) -> Option<Returned> {
    let of = |rolled: &&Rolled| (rolled.account, rolled.limit) == (account.id, limit);
    let before = account.before?;
    // A grant changes what is granted beside the allowance.
    let allowance_micros = |of: &assize::ledger::Account| {
        of.limits.allowance(limit).map_or(0, |allowance| i128::from(Amount::signed_micros(allowance)))
    };
    let was_charged = match moves.rolled.iter().find(of) {
        Some(rolled) => i128::from(rolled.carried_micros),
        None => {
            allowance_micros(before).saturating_sub(before.limits.current(limit)?.1.granted_micros.into())
        }
    };
    let granted_micros = account.after.limits.current(limit)?.1.granted_micros;
    let charged = allowance_micros(account.after).saturating_sub(granted_micros.into());
    let lent = moves.lent.iter().filter(|lent| (lent.account, lent.limit) == (account.id, limit));
    let lent: i128 = lent.map(|lent| i128::from(lent.lent_micros)).sum();
    let returned = was_charged.saturating_add(lent).saturating_sub(charged);
    let windows = account.after.opened.caps.windows();
    let window = windows.get(usize::from(limit)).copied().unwrap_or(Window::Lifetime);
    u64::try_from(returned).ok().filter(|returned| *returned > 0).map(|returned_micros| Returned {
        account: account.id,
        name: account.name.clone(),
        limit,
        window: caps::window(window),
        returned_micros,
    })
}

/// A closed cell that the ledger has no more, as it was when the last hold that named it was gone: if the record has ended
/// it, what is available lapses, and of a debt it owes what was carried over; what holds give back makes up for what it owes,
/// and else lapses. SEMANTICS 18.3 to 18.5.
pub(crate) fn dropped(bookings: &[Booking], id: CellId, before: Cell, rolled: Option<&Rolled>) -> Cell {
    let mut cell = before;
    if let Some(Rolled { debt_micros, carried_micros, .. }) = rolled {
        let paid_micros = debt_micros.saturating_sub(*carried_micros);
        cell.granted_micros = cell.granted_micros.saturating_add_unsigned(paid_micros);
        cell.available_micros = cell.available_micros.saturating_add_unsigned(paid_micros);
        lapse(&mut cell);
    }
    for booking in bookings.iter().filter(|booking| booking.cells.contains(&id)) {
        cell.reserved_micros = cell.reserved_micros.saturating_sub(booking.ended_micros);
        cell.committed_micros = cell
            .committed_micros
            .saturating_add(booking.committed_micros)
            .saturating_sub(booking.refunded_micros);
        cell.available_micros = cell
            .available_micros
            .saturating_add_unsigned(booking.ended_micros)
            .saturating_sub_unsigned(booking.committed_micros)
            .saturating_add_unsigned(booking.refunded_micros);
        lapse(&mut cell);
        cell.unfunded_micros = cell.unfunded_micros.saturating_add(booking.unfunded_micros);
    }
    cell
}

fn lapse(cell: &mut Cell) {
    let unspent_micros = u64::try_from(cell.available_micros).unwrap_or(0);
    cell.lapsed_micros = cell.lapsed_micros.saturating_add(unspent_micros);
    cell.available_micros = cell.available_micros.min(0);
}
