//! From reserving to the end of a hold.

use super::Engine;
use super::cell::Cell;
use super::hold::{
    ExtendError, Hold, HoldReading, HoldState, Release, ReserveError, SettleError, Settlement,
};
use super::path::Path;
use super::registry::Registry;
use super::slab::Claim;
use super::slot::{Phase, Slot, Word};
use super::take::{Demand, Shortfall};
use crate::limits::SETTLE_ATTEMPTS_MAX;
use crate::num::Amount;
use crate::overrun::Overrun;
use crate::sync::spin_loop;

impl Engine {
    /// Takes the amount from every cell on the path, or from none. An amount of 0 is held too, also of an account
    /// in debt.
    ///
    /// # Errors
    /// An account has too little or is closed, a window of it has ended since the path was made, too many attempts met,
    /// or as many holds are open as may be.
    pub fn reserve(&self, path: &Path, amount: Amount) -> Result<Hold, ReserveError> {
        let start = first_cell(path);
        // Looked at first, so that a cell that nobody has used lately is on its way while a slot is claimed.
        let guess = self.cells.get(start).map_or(0, Cell::guess);
        // It is in `Taking` before the money is taken, so that a closing account finds every hold that may come of
        // it.
        let Some(Claim { index, slot, word }) = self.holds.claim(start) else {
            return Err(ReserveError::HoldsFull { max: self.holds.max() });
        };
        slot.fill(path, amount);
        self.pin(path);
        if let Err(shortfall) = self.take_guessed(path, amount, guess) {
            self.unpin(path);
            self.holds.recycle(index, slot, word, start);
            return Err(shortfall.into());
        }
        slot.set(word.with(Phase::Open));
        Ok(Hold { slot: index, generation: word.generation })
    }

    /// Takes more for a hold, from every cell that it was taken from, or from none.
    ///
    /// # Errors
    /// An account has too little, the hold would be too large, has expired or ended, or too many attempts met.
    pub fn extend(&self, hold: Hold, more: Amount) -> Result<(), ExtendError> {
        let (slot, word) = match self.enter(hold, Phase::Extending)? {
            Entered::Now(slot, word) => (slot, word),
            Entered::Expired => return Err(ExtendError::Expired),
        };
        let held = slot.amount();
        let outcome = match held.checked_add(more) {
            None => Err(ExtendError::AboveMaximum { held, more }),
            Some(sum) => {
                self.take_more(&slot.path(), more).map(|()| slot.set_amount(sum)).map_err(Into::into)
            }
        };
        slot.set(word.with(Phase::Open));
        outcome
    }

    /// Ends a hold with what was spent. Below the hold, the rest is available again. Above it, the same extra is
    /// booked at every cell of the path, as far as the strictest overrun on it allows; what is not booked is added
    /// to `unfunded` at every cell, which saturates at `u64::MAX`. From a hold that has expired nothing is booked.
    ///
    /// # Errors
    /// The hold has ended, or another call had it and kept it.
    pub fn commit(&self, hold: Hold, actual: Amount) -> Result<Settlement, SettleError> {
        let Ended { slot, from, word } = self.end(hold, Endable::OpenOrExpired)?;
        let held = slot.amount();
        let settlement = if from == Phase::Expired {
            for (_, cell) in self.cells_in(slot) {
                cell.add_unfunded(actual.micros());
            }
            Settlement::Late { held, actual }
        } else if let Some(rest) = held.checked_sub(actual) {
            for (index, cell) in self.cells_in(slot) {
                self.give_back(index, cell, rest);
                cell.commit(actual.micros());
            }
            Settlement::Committed { held, actual, booked_extra: Amount::ZERO, unfunded: Amount::ZERO }
        } else {
            self.book_overrun(&slot.path(), held, actual)
        };
        self.recycle(hold, slot, word, (from == Phase::Open).then_some(held));
        Ok(settlement)
    }

    /// Books a part of an open hold as spent, and keeps the hold open with the rest. Above the hold, the part is
    /// booked as [`commit`](Self::commit) does it, and the hold stays open with 0.
    ///
    /// # Errors
    /// The hold has expired or ended, or another call had it and kept it: nothing is booked.
    pub fn part_commit(&self, hold: Hold, part: Amount) -> Result<Settlement, SettleError> {
        let (slot, word) = match self.enter(hold, Phase::Extending)? {
            Entered::Now(slot, word) => (slot, word),
            Entered::Expired => return Err(SettleError::AlreadyExpired),
        };
        let held = slot.amount();
        // Before it is booked: who sees the part committed sees the hold without it.
        slot.set_amount(held.checked_sub(part).unwrap_or(Amount::ZERO));
        self.uncap(slot, held.min(part), Amount::ZERO);
        let settlement = if part > held {
            self.book_overrun(&slot.path(), held, part)
        } else {
            for (_, cell) in self.cells_in(slot) {
                cell.commit(part.micros());
            }
            let (booked_extra, unfunded) = (Amount::ZERO, Amount::ZERO);
            Settlement::Committed { held: part, actual: part, booked_extra, unfunded }
        };
        slot.set(word.with(Phase::Open));
        Ok(settlement)
    }

    /// Ends a hold with nothing spent: all of it is available again.
    ///
    /// # Errors
    /// The hold has ended, or another call had it and kept it.
    pub fn release(&self, hold: Hold) -> Result<Release, SettleError> {
        let Ended { slot, from, word } = self.end(hold, Endable::OpenOrExpired)?;
        let held = slot.amount();
        let (release, freed) = if from == Phase::Expired {
            (Release::Expired { held }, None)
        } else {
            self.cells_in(slot).for_each(|(index, cell)| self.give_back(index, cell, held));
            (Release::Returned { held }, Some(held))
        };
        self.recycle(hold, slot, word, freed);
        Ok(release)
    }

    /// Makes a hold's money available again and keeps the hold, to be settled late; returns what it held.
    ///
    /// # Errors
    /// The hold has ended or expired already, or another call had it and kept it.
    pub fn expire(&self, hold: Hold) -> Result<Amount, SettleError> {
        let (slot, word) = match self.enter(hold, Phase::Expiring)? {
            Entered::Now(slot, word) => (slot, word),
            Entered::Expired => return Err(SettleError::AlreadyExpired),
        };
        let held = slot.amount();
        self.cells_in(slot).for_each(|(index, cell)| self.give_back(index, cell, held));
        self.uncap(slot, held, Amount::ONE);
        slot.set(word.with(Phase::Expired));
        Ok(held)
    }

    /// Ends a hold that has expired, with nothing said of what was spent.
    ///
    /// # Errors
    /// The hold is open or has ended, or another call had it and kept it.
    pub fn forget(&self, hold: Hold) -> Result<(), SettleError> {
        let Ended { slot, word, .. } = self.end(hold, Endable::Expired)?;
        self.recycle(hold, slot, word, None);
        Ok(())
    }

    /// A hold as it stands, or `None` once it has ended.
    #[must_use]
    pub fn hold(&self, hold: Hold) -> Option<HoldReading> {
        let slot = self.holds.get(hold.slot)?;
        let state = match slot.word() {
            Word { generation, .. } if generation != hold.generation => return None,
            Word { phase: Phase::Open | Phase::Extending, .. } => HoldState::Open,
            Word { phase: Phase::Expiring | Phase::Expired, .. } => HoldState::Expired,
            Word { phase: Phase::Vacant | Phase::Taking | Phase::Ending | Phase::Retired, .. } => {
                return None;
            }
        };
        let (amount, path) = (slot.amount(), slot.path());
        // What was read belongs to this hold if its generation still stands: a later hold's values are written
        // after the generation has moved on, and read before it is looked at again.
        let word = slot.word();
        (word.generation == hold.generation && word.phase != Phase::Retired).then_some(HoldReading {
            amount,
            state,
            path,
        })
    }

    /// Books what was spent of an open hold above what it held: it has ended, or holds nothing more.
    #[cold]
    fn book_overrun(&self, path: &Path, held: Amount, actual: Amount) -> Settlement {
        let extra = actual.checked_sub(held).unwrap_or(Amount::ZERO);
        let booked_extra = self.take_extra(path, extra);
        let unfunded = extra.checked_sub(booked_extra).unwrap_or(Amount::ZERO);
        let settlement = Settlement::Committed { held, actual, booked_extra, unfunded };
        for cell in self.cells_of(path.cells()) {
            cell.commit(settlement.booked_micros());
            cell.add_unfunded(unfunded.micros());
        }
        settlement
    }

    /// Takes more for a hold: from its own cells, or from current ones where its windows have ended.
    fn take_more(&self, path: &Path, more: Amount) -> Result<(), Shortfall> {
        if path.cut {
            return self.extend_lent(path, more);
        }
        self.take(Demand::amount(path.amount_cells(), more))
    }

    fn take_extra(&self, path: &Path, extra: Amount) -> Amount {
        match path.overrun() {
            Overrun::Deny => Amount::ZERO,
            Overrun::Debt if !path.cut => self.take_overrun(None, path.cells(), extra, Overrun::Debt),
            // Often all of it is there.
            Overrun::IfAvailable
                if !path.cut && self.try_take(Demand::amount(path.cells(), extra)) == Ok(true) =>
            {
                extra
            }
            Overrun::Debt | Overrun::IfAvailable => {
                self.take_extra_under(&mut self.registry_mut(), path, extra)
            }
        }
    }

    /// Takes of an extra what the overrun on the path allows, for who holds the registry's lock for writing.
    pub(super) fn take_extra_under(&self, registry: &mut Registry, path: &Path, extra: Amount) -> Amount {
        if path.cut {
            return self.take_overrun_lent(registry, path, extra);
        }
        self.take_overrun(Some(&*registry), path.cells(), extra, path.overrun())
    }

    /// Gives back to the caps of a hold's accounts: so much is held less, and so many holds are open less.
    fn uncap(&self, slot: &Slot, amount: Amount, holds: Amount) {
        if !slot.is_plain() {
            let path = slot.path();
            self.cells_of(path.held_cells()).for_each(|cell| cell.put_back(amount));
            self.cells_of(path.holds_cells()).for_each(|cell| cell.put_back(holds));
        }
    }

    /// The cells that a hold was taken from, with their numbers, while its slot belongs to this call.
    #[inline]
    fn cells_in(&self, slot: &Slot) -> impl Iterator<Item = (u32, &Cell)> {
        slot.cells().filter_map(|index| Some((index, self.cells.get(index)?)))
    }

    /// Gives back the slot of a hold that this call has ended, and to caps what it has freed.
    #[inline]
    fn recycle(&self, hold: Hold, slot: &Slot, word: Word, freed: Option<Amount>) {
        if !slot.is_plain() {
            self.leave(slot, freed);
        }
        self.holds.recycle(hold.slot, slot, word, slot.cells().next().unwrap_or(0));
    }

    #[cold]
    fn leave(&self, slot: &Slot, freed: Option<Amount>) {
        if let Some(held) = freed {
            self.uncap(slot, held, Amount::ONE);
        }
        self.unpin(&slot.path());
    }

    /// Brings an open hold's slot into a phase that belongs to this call.
    fn enter(&self, hold: Hold, phase: Phase) -> Result<Entered<'_>, SettleError> {
        let enters = |from: Word| (from.phase == Phase::Open).then(|| from.with(phase));
        let (slot, from) = self.meet(hold, SETTLE_ATTEMPTS_MAX, enters)?;
        match from.phase {
            Phase::Open => Ok(Entered::Now(slot, from)),
            _ => Ok(Entered::Expired),
        }
    }

    /// Ends a hold. The slot belongs to this call until it is recycled.
    #[inline]
    fn end(&self, hold: Hold, which: Endable) -> Result<Ended<'_>, SettleError> {
        if which == Endable::Expired {
            return self.end_met(hold, which, SETTLE_ATTEMPTS_MAX);
        }
        // Most are open, and belong to nobody: then the exchange is the only look at the word.
        if let Some(slot) = self.holds.get(hold.slot) {
            let open = Word { generation: hold.generation, phase: Phase::Open };
            if slot.exchange(open, open.ended()) {
                return Ok(Ended { slot, from: Phase::Open, word: open.ended() });
            }
        }
        self.end_met(hold, which, SETTLE_ATTEMPTS_MAX.saturating_sub(1))
    }

    #[cold]
    fn end_met(&self, hold: Hold, which: Endable, looks: u32) -> Result<Ended<'_>, SettleError> {
        let ends = |from: Word| from.phase == Phase::Expired || which == Endable::OpenOrExpired;
        let (slot, from) = self.meet(hold, looks, |from| ends(from).then(|| from.ended()))?;
        if ends(from) {
            Ok(Ended { slot, from: from.phase, word: from.ended() })
        } else {
            Err(SettleError::StillOpen)
        }
    }

    /// Changes the state word of a hold that is open or expired as `change` says, if it says anything, and returns
    /// the word that it was. Looks so many times while another call has the slot.
    fn meet(
        &self,
        hold: Hold,
        looks: u32,
        change: impl Fn(Word) -> Option<Word>,
    ) -> Result<(&Slot, Word), SettleError> {
        let slot = self.holds.get(hold.slot).ok_or(SettleError::AlreadySettled)?;
        for _ in 0..looks {
            let word = slot.word();
            if word.generation != hold.generation {
                return Err(SettleError::AlreadySettled);
            }
            match word.phase {
                Phase::Vacant | Phase::Taking | Phase::Ending | Phase::Retired => {
                    return Err(SettleError::AlreadySettled);
                }
                Phase::Extending | Phase::Expiring => spin_loop(),
                Phase::Open | Phase::Expired => match change(word) {
                    Some(to) if !slot.exchange(word, to) => {}
                    _ => return Ok((slot, word)),
                },
            }
        }
        Err(SettleError::Contended)
    }
}

/// What became of a call that needs an open hold for itself.
enum Entered<'a> {
    /// The slot is this call's; the word is the one to go back to.
    Now(&'a Slot, Word),
    /// The hold has expired.
    Expired,
}

/// Which holds a call ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Endable {
    OpenOrExpired,
    Expired,
}

/// A hold that this call has ended.
struct Ended<'a> {
    slot: &'a Slot,
    /// The phase in which it was.
    from: Phase,
    /// The word that its slot has now: `Ending`, or `Retired`.
    word: Word,
}

/// Where a path's seat and free list are: calls on different accounts begin at different ones.
fn first_cell(path: &Path) -> u32 {
    path.cells().first().copied().unwrap_or(0)
}

impl From<Shortfall> for ReserveError {
    fn from(shortfall: Shortfall) -> Self {
        match shortfall {
            Shortfall::Insufficient { binding, available_micros } => {
                Self::Insufficient { binding, available_micros }
            }
            Shortfall::Closed { account } => Self::Closed { account },
            Shortfall::WindowEnded { account } => Self::WindowEnded { account },
            Shortfall::Contended => Self::Contended,
            Shortfall::Foreign => Self::ForeignPath,
        }
    }
}

impl From<Shortfall> for ExtendError {
    fn from(shortfall: Shortfall) -> Self {
        match shortfall {
            Shortfall::Insufficient { binding, available_micros } => {
                Self::Insufficient { binding, available_micros }
            }
            // An account with an open hold does not close; the closing that was met gives up, and may be met again.
            // Windows are looked up under the lock that ends them.
            Shortfall::Closed { .. } | Shortfall::WindowEnded { .. } | Shortfall::Contended => {
                Self::Contended
            }
            // A hold's cells are this engine's; a foreign handle that happened to fit has no hold here.
            Shortfall::Foreign => Self::AlreadySettled,
        }
    }
}

impl From<SettleError> for ExtendError {
    fn from(error: SettleError) -> Self {
        match error {
            SettleError::AlreadySettled => Self::AlreadySettled,
            SettleError::AlreadyExpired => Self::Expired,
            SettleError::StillOpen | SettleError::Contended => Self::Contended,
        }
    }
}
