//! The cells of a path and of a hold: what they can pay, and what moves there.

use std::boxed::Box;

use super::account::{AccountState, Accounts, Payable};
use super::cell::{Cell, CellId, LEAST_AVAILABLE_MICROS};
use super::mismatch::Mismatch;
use super::moves::{Exposure, Moves};
use crate::caps::{Binding, Bound};
use crate::id::{AccountId, LimitId};
use crate::limits::PATH_CELLS_MAX;
use crate::num::{Amount, Timestamp};
use crate::overrun::Overrun;
use crate::record;
use crate::window::{Span, Window};

/// Cells that a hold takes from, each once.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cells {
    cells: [CellId; PATH_CELLS_MAX],
    count: usize,
}

/// What a cell can give to a hold that names it.
struct Room {
    /// Down to 0.
    available_micros: i64,
    /// Down to the deepest debt.
    debt_micros: u64,
}

impl Accounts {
    /// The accounts on a path, rolled over at `now`, and their current cells. SEMANTICS 9.3 and 18.2.
    pub(super) fn enter(
        &self,
        path: &record::Path,
        now: Timestamp,
        moves: &mut Moves,
    ) -> Result<Cells, Mismatch> {
        let on_path = self.on_path(path)?;
        let mut caps = 0_usize;
        for account in on_path.iter() {
            let of = self.open(account)?;
            let held_cap = usize::from(of.opened.caps.held_max().is_some());
            let holds_cap = usize::from(of.opened.caps.holds_max().is_some());
            caps = caps.saturating_add(held_cap).saturating_add(holds_cap);
            self.touch(account, now, moves)?;
        }
        let mut cells = Cells::none();
        for account in on_path.iter() {
            for limit in 0..self.known(account)?.limits.count() {
                let start = self.span(account.limit(limit), moves)?.start;
                cells.push(CellId { account, limit, start })?;
            }
        }
        if cells.count.saturating_add(caps) > PATH_CELLS_MAX { Err(Mismatch::PathTooLong) } else { Ok(cells) }
    }

    /// The accounts on a path, in its order. SEMANTICS 9.3.
    pub(super) fn accounts_on(
        &self,
        path: &record::Path,
    ) -> Result<impl Iterator<Item = AccountId>, Mismatch> {
        let on_path = self.on_path(path)?;
        Ok((0..on_path.count).filter_map(move |place| on_path.accounts.get(place).copied()))
    }

    /// Each named account, then its ancestors, each where it comes first.
    fn on_path(&self, path: &record::Path) -> Result<OnPath, Mismatch> {
        let mut on_path = OnPath { accounts: [AccountId(0); PATH_CELLS_MAX], count: 0 };
        for named in path.accounts() {
            let mut next = Some(*named);
            while let Some(account) = next {
                next = self.known(account)?.opened.parent;
                // What comes above an account that is on the path already is there too.
                if on_path.iter().any(|earlier| earlier == account) {
                    break;
                }
                let place = on_path.accounts.get_mut(on_path.count).ok_or(Mismatch::PathTooLong)?;
                *place = account;
                on_path.count = on_path.count.saturating_add(1);
            }
        }
        Ok(on_path)
    }

    /// A hold's own cells, their accounts rolled over at `now`. SEMANTICS 18.2 and 18.4.
    pub(super) fn reenter(
        &self,
        own: &[CellId],
        now: Timestamp,
        moves: &mut Moves,
    ) -> Result<Cells, Mismatch> {
        let mut cells = Cells::none();
        for cell in own {
            if cell.limit == 0 {
                self.touch(cell.account, now, moves)?;
            }
            cells.push(*cell)?;
        }
        Ok(cells)
    }

    /// That none of them is closed.
    pub(super) fn must_be_open(&self, cells: &Cells) -> Result<(), Mismatch> {
        cells.accounts().try_for_each(|account| self.open(account).map(drop))
    }

    /// Rolls over every limit of an account whose window has ended. SEMANTICS 18.2.
    pub(super) fn touch(
        &self,
        account: AccountId,
        now: Timestamp,
        moves: &mut Moves,
    ) -> Result<(), Mismatch> {
        let of = self.known(account)?;
        if of.opened.caps.are_usual() || of.state == AccountState::Closed {
            return Ok(());
        }
        for (limit, window) in (0_u8..).zip(of.opened.caps.windows()) {
            let id = account.limit(limit);
            let span = self.span(id, moves)?;
            let next = window.span(now);
            let ends = !matches!(window, Window::Lifetime | Window::Given);
            if ends && span.end <= now && span.start < next.start {
                self.roll(id, next, window.between(span.end, next.start), moves)?;
            }
        }
        Ok(())
    }

    /// Ends the window of a limit whose boundaries are given. SEMANTICS 18.2.
    pub(super) fn end_window(
        &self,
        limit: LimitId,
        now: Timestamp,
        moves: &mut Moves,
    ) -> Result<(), Mismatch> {
        let account = limit.account;
        let windows = self.open(account)?.opened.caps.windows();
        if windows.get(usize::from(limit.limit)) != Some(&Window::Given) {
            return Err(Mismatch::NotGiven { account, limit: limit.limit });
        }
        let after = self.span(limit, moves)?.start.checked_add_ns(1).ok_or(Mismatch::Overflow { account })?;
        self.roll(limit, Window::Given.span(now.max(after)), 0, moves)
    }

    /// SEMANTICS 18.3.
    fn roll(&self, limit: LimitId, to: Span, between: u64, moves: &mut Moves) -> Result<(), Mismatch> {
        let account = limit.account;
        let overflow = || Mismatch::Overflow { account };
        let allowance = self.known(account)?.limits.allowance(limit.limit).unwrap_or(Amount::ZERO);
        let start = self.span(limit, moves)?.start;
        let closed = CellId { account, limit: limit.limit, start };
        let debt_micros = self.cell(closed, moves)?.available_micros.min(0).unsigned_abs();
        let allowed = u128::from(between).saturating_mul(u128::from(allowance.micros()));
        let carried = u128::from(debt_micros).saturating_sub(allowed);
        let carried_micros = i64::try_from(carried).map_err(|_| overflow())?;
        self.change(closed, moves, |cell| {
            let paid_micros = i64::try_from(debt_micros).ok()?.checked_sub(carried_micros)?;
            cell.grant(paid_micros)?;
            cell.lapse()
        })?;
        // OK because both are below 2⁶³.
        let begins = allowance.signed_micros().checked_sub(carried_micros);
        let mut next = Cell::default();
        next.grant(begins.ok_or_else(overflow)?).ok_or_else(overflow)?;
        moves.roll(limit, to);
        let opened = CellId { start: to.start, ..closed };
        moves.change(opened, &next).map(drop).ok_or_else(overflow)
    }

    /// The current window of a limit after the moves.
    pub(super) fn span(&self, limit: LimitId, moves: &Moves) -> Result<Span, Mismatch> {
        let account = limit.account;
        let of = self.known(account)?;
        let known = || of.limits.current(limit.limit).map(|(span, _)| span);
        let span = moves.rolled_to(limit).or_else(known);
        span.ok_or(Mismatch::LimitUnknown { account, limit: limit.limit })
    }

    /// A cell after the moves.
    pub(super) fn cell(&self, id: CellId, moves: &Moves) -> Result<Cell, Mismatch> {
        let known = self.known(id.account)?.limits.find(id);
        let cell = moves.find(id).or(known);
        cell.copied().ok_or(Mismatch::LimitUnknown { account: id.account, limit: id.limit })
    }

    fn change(
        &self,
        id: CellId,
        moves: &mut Moves,
        change: impl Fn(&mut Cell) -> Option<()>,
    ) -> Result<(), Mismatch> {
        let now = self.cell(id, moves)?;
        let account = id.account;
        moves.change(id, &now).and_then(change).ok_or(Mismatch::Overflow { account })
    }

    /// The current cell of the same limit, where this one is closed. SEMANTICS 18.5.
    fn successor(&self, id: CellId, moves: &Moves) -> Result<Option<CellId>, Mismatch> {
        let start = self.span(id.of(), moves)?.start;
        Ok((start != id.start).then_some(CellId { start, ..id }))
    }

    /// What a cell can give to a hold that names it. SEMANTICS 9.6 and 18.5.
    fn room(&self, id: CellId, moves: &Moves) -> Result<Room, Mismatch> {
        let successor = self.successor(id, moves)?;
        let from = self.cell(successor.unwrap_or(id), moves)?;
        let mut available_micros = from.available_micros;
        let floor = match self.known(id.account)?.opened.caps.windows().get(usize::from(id.limit)) {
            Some(Window::Lifetime) => LEAST_AVAILABLE_MICROS,
            // So that what is carried over always fits.
            _ => LEAST_AVAILABLE_MICROS.saturating_add(from.granted_micros.max(0)),
        };
        let debt = i128::from(from.available_micros).saturating_sub(i128::from(floor));
        let mut debt_micros = u64::try_from(debt).unwrap_or(0);
        if successor.is_some() {
            let owed_micros = self.cell(id, moves)?.available_micros.saturating_neg();
            let lendable = i64::MAX.saturating_sub(owed_micros);
            available_micros = available_micros.min(lendable);
            debt_micros = debt_micros.min(lendable.unsigned_abs());
        }
        Ok(Room { available_micros, debt_micros })
    }

    /// The least available to a hold of these cells, caps on what is held included, and what has it.
    /// SEMANTICS 9.4.
    pub(super) fn least(&self, cells: &Cells, moves: &Moves) -> Result<(i64, Binding), Mismatch> {
        let mut least: Option<(i64, Binding)> = None;
        let mut see = |available: i64, account, bound| {
            if least.is_none_or(|(known, _)| available < known) {
                least = Some((available, Binding { account, bound }));
            }
        };
        for id in cells.iter() {
            see(self.room(id, moves)?.available_micros, id.account, Bound::Limit(id.limit));
        }
        for account in cells.accounts() {
            if let Some(max) = self.known(account)?.opened.caps.held_max() {
                let held = i64::try_from(self.exposure(account, moves)?.held_micros).unwrap_or(i64::MAX);
                see(max.signed_micros().saturating_sub(held), account, Bound::Held);
            }
        }
        least.ok_or(Mismatch::AccountUnknown { account: AccountId(u32::MAX) })
    }

    /// What these cells can pay after the moves.
    pub(super) fn payable(&self, cells: &Cells, moves: &Moves) -> Result<Payable, Mismatch> {
        let (available, binding) = self.least(cells, moves)?;
        let amount = u64::try_from(available).ok().and_then(Amount::new).unwrap_or(Amount::ZERO);
        Ok(Payable { amount, binding })
    }

    /// The earliest account at which as many holds are open as may be. SEMANTICS 9.17.
    pub(super) fn full(&self, cells: &Cells, moves: &Moves) -> Result<Option<Binding>, Mismatch> {
        for account in cells.accounts() {
            if let Some(max) = self.known(account)?.opened.caps.holds_max()
                && self.exposure(account, moves)?.holds >= u64::from(max)
            {
                return Ok(Some(Binding { account, bound: Bound::Holds }));
            }
        }
        Ok(None)
    }

    /// What of an amount above what is held is booked. SEMANTICS 9.6.
    pub(super) fn bookable(&self, extra: Amount, cells: &Cells, moves: &Moves) -> Result<Amount, Mismatch> {
        let mut strictest = Overrun::Debt;
        for account in cells.accounts() {
            strictest = strictest.strictest(self.known(account)?.opened.overrun);
        }
        let mut bookable = extra.micros();
        for id in cells.iter() {
            let room = self.room(id, moves)?;
            bookable = bookable.min(match strictest {
                Overrun::Deny => 0,
                Overrun::IfAvailable => room.available_micros.max(0).unsigned_abs(),
                Overrun::Debt => room.debt_micros,
            });
        }
        Ok(Amount::new(bookable).unwrap_or(extra))
    }

    /// Lends what a hold takes more to those of its cells that are closed, before it is taken there: what these have
    /// available is then what they owe. SEMANTICS 18.5.
    pub(super) fn lend(&self, cells: &Cells, more: Amount, moves: &mut Moves) -> Result<(), Mismatch> {
        for id in cells.iter() {
            if let Some(successor) = self.successor(id, moves)?.filter(|_| more != Amount::ZERO) {
                self.change(successor, moves, |cell| cell.grant(more.signed_micros().checked_neg()?))?;
            }
        }
        Ok(())
    }

    /// Makes one move at every cell. What comes back to closed ones makes up for what they owe, and else lapses.
    /// SEMANTICS 18.4.
    pub(super) fn move_at(
        &self,
        cells: &Cells,
        moves: &mut Moves,
        change: impl Fn(&mut Cell) -> Option<()>,
    ) -> Result<(), Mismatch> {
        for id in cells.iter() {
            let Some(successor) = self.successor(id, moves)? else {
                self.change(id, moves, &change)?;
                continue;
            };
            let before_micros = self.cell(id, moves)?.available_micros;
            self.change(id, moves, |cell| {
                change(cell)?;
                cell.lapse()
            })?;
            let made_up_micros = self.cell(id, moves)?.available_micros.saturating_sub(before_micros);
            self.give(successor, made_up_micros, moves)?;
        }
        Ok(())
    }

    /// Gives to a current cell, of what others have made up for, what it is still charged for them.
    fn give(&self, id: CellId, made_up_micros: i64, moves: &mut Moves) -> Result<(), Mismatch> {
        let allowance = self.known(id.account)?.limits.allowance(id.limit).unwrap_or(Amount::ZERO);
        let granted_micros = self.cell(id, moves)?.granted_micros;
        let charged_micros = allowance.signed_micros().saturating_sub(granted_micros).max(0);
        let given_micros = made_up_micros.min(charged_micros);
        if given_micros > 0 {
            self.change(id, moves, |cell| cell.grant(given_micros))?;
        }
        Ok(())
    }

    /// Changes what is open at the accounts of these cells.
    pub(super) fn expose(
        &self,
        cells: &Cells,
        moves: &mut Moves,
        change: impl Fn(&mut Exposure) -> Option<()>,
    ) -> Result<(), Mismatch> {
        for account in cells.accounts() {
            let mut exposure = self.exposure(account, moves)?;
            change(&mut exposure).ok_or(Mismatch::Overflow { account })?;
            moves.expose(account, exposure);
        }
        Ok(())
    }

    fn exposure(&self, account: AccountId, moves: &Moves) -> Result<Exposure, Mismatch> {
        let known = self.known(account)?;
        Ok(moves.exposure(account).copied().unwrap_or(known.exposure))
    }
}

impl Exposure {
    /// A hold opens, or holds more.
    pub(super) fn rise(&mut self, holds: u64, amount: Amount) -> Option<()> {
        self.holds = self.holds.checked_add(holds)?;
        self.held_micros = self.held_micros.checked_add(amount.micros())?;
        Some(())
    }

    /// A hold ends, or holds less.
    pub(super) fn fall(&mut self, holds: u64, amount: Amount) -> Option<()> {
        self.holds = self.holds.checked_sub(holds)?;
        self.held_micros = self.held_micros.checked_sub(amount.micros())?;
        Some(())
    }
}

impl Cells {
    fn none() -> Self {
        let unused = CellId { account: AccountId(0), limit: 0, start: Timestamp(0) };
        Self { cells: [unused; PATH_CELLS_MAX], count: 0 }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = CellId> {
        self.cells.iter().copied().take(self.count)
    }

    /// The accounts, each once, in their order.
    pub(super) fn accounts(&self) -> impl Iterator<Item = AccountId> {
        self.iter().filter(|id| id.limit == 0).map(|id| id.account)
    }

    /// As a hold keeps them.
    pub(super) fn kept(&self) -> Box<[CellId]> {
        self.iter().collect()
    }

    fn push(&mut self, cell: CellId) -> Result<(), Mismatch> {
        let place = self.cells.get_mut(self.count).ok_or(Mismatch::PathTooLong)?;
        *place = cell;
        self.count = self.count.saturating_add(1);
        Ok(())
    }
}

/// Accounts on a path; each has a cell, so that there are not more.
struct OnPath {
    accounts: [AccountId; PATH_CELLS_MAX],
    count: usize,
}

impl OnPath {
    fn iter(&self) -> impl Iterator<Item = AccountId> {
        self.accounts.iter().copied().take(self.count)
    }
}
