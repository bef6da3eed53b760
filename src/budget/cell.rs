//! One cell: the word that admits, and the counters that say where the money went.

use super::account::CellCounters;
use crate::caps::Bound;
use crate::id::AccountId;
use crate::num::Amount;
use crate::sync::{AtomicI64, AtomicU32, AtomicU64, Ordering};

/// The money of one window of a limit; or what an account may hold at once, or how many holds, of which all comes
/// back when a hold ends.
///
/// INVARIANT I6: at rest, `granted = available + Σ open holds + committed + lapsed`. While calls are under way,
/// what they have taken and not yet given to a hold, or ended a hold of and not yet booked, is missing from the
/// right side; it is never counted twice, because money leaves `available` before it is a hold's, and a hold ends
/// before its money is booked or available again.
#[repr(align(64))]
#[derive(Debug)]
pub(super) struct Cell {
    /// The only word that a take is admitted on: in `-i64::MAX..=i64::MAX`, or [`CLOSED`].
    available: AtomicI64,
    /// Changes under the registry's lock only.
    granted: AtomicI64,
    committed: AtomicU64,
    lapsed: AtomicU64,
    unfunded: AtomicU64,
    /// Attempts with a tentative take here, in the low bits; above them, how many takes were undone.
    attempts: AtomicU64,
    /// The account that the cell belongs to; written once, before the account is published.
    account: AtomicU32,
    /// What it is of the account, and whether its window has ended: see [`Kind`].
    kind: AtomicU32,
    /// Holds that name it, and reservations under way, where it is cut by windows: while there are any, no later
    /// window of the limit takes its place.
    pins: AtomicU32,
}

/// What a cell is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kind {
    pub(super) bound: Bound,
    /// It is one of several windows of its limit.
    pub(super) cut: bool,
    /// Its window has ended.
    pub(super) ended: bool,
}

impl Kind {
    /// A cell that is neither a window nor a stripe.
    pub(super) const fn whole(bound: Bound) -> Self {
        Self { bound, cut: false, ended: false }
    }
}

/// Not an amount that can be available: nothing can be taken from a closed cell, nor from one never opened.
pub(super) const CLOSED: i64 = i64::MIN;
/// As far as debt goes.
pub(super) const DEBT_FLOOR: i64 = -i64::MAX;

const UNDONE_ONE: u64 = 1 << 24;
const IN_FLIGHT: u64 = UNDONE_ONE - 1;

/// What a denial sees of a cell.
#[derive(Clone, Copy, Debug)]
pub(super) struct Survey {
    pub(super) available_micros: i64,
    /// No take counted in `available_micros` was undone later: the word is what finished calls left.
    pub(super) definite: bool,
}

/// How a tentative take ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Attempt {
    /// What was taken stays taken; or nothing was taken.
    Kept,
    /// What was taken, or some of it, was put back.
    Undone,
}

impl Cell {
    /// Opens the cell with these counters. The cell is not yet reachable by others.
    pub(super) fn open(&self, account: AccountId, kind: Kind, counters: &CellCounters) {
        // ORDERING: the account's publication (the write of its `OnceLock`), or that of the current window, orders
        // these.
        self.kind.store(kind.pack(), Ordering::Relaxed);
        self.account.store(account.0, Ordering::Relaxed);
        self.granted.store(counters.granted_micros, Ordering::Relaxed);
        self.committed.store(counters.committed_micros, Ordering::Relaxed);
        self.lapsed.store(counters.lapsed_micros, Ordering::Relaxed);
        self.unfunded.store(counters.unfunded_micros, Ordering::Relaxed);
        self.available.store(counters.available_micros, Ordering::Relaxed);
    }

    pub(super) fn account(&self) -> AccountId {
        // ORDERING: written before the account was published, whose handle the path was made of.
        AccountId(self.account.load(Ordering::Relaxed))
    }

    /// What it is, unless it was never opened.
    pub(super) fn kind(&self) -> Option<Kind> {
        // ORDERING: Relaxed: as `account`; that a window has ended is read under the lock, or where the closed word
        // was acquired that was written after it.
        Kind::unpack(self.kind.load(Ordering::Relaxed))
    }

    pub(super) fn is_cut(&self) -> bool {
        // ORDERING: Relaxed: as `kind`.
        self.kind.load(Ordering::Relaxed) & CUT != 0
    }

    /// Whether it is one of several that an account's money is in.
    pub(super) fn is_striped(&self) -> bool {
        // ORDERING: Relaxed: written before anybody could work on it.
        self.kind.load(Ordering::Relaxed) & STRIPED != 0
    }

    /// Makes it one of several stripes, before anybody works on it.
    pub(super) fn set_striped(&self) {
        // ORDERING: Relaxed: the exclusive access to the engine orders it.
        self.kind.fetch_or(STRIPED, Ordering::Relaxed);
    }

    pub(super) fn available(&self) -> i64 {
        // ORDERING: pairs with the release of every change of the word.
        self.available.load(Ordering::Acquire)
    }

    /// Takes all of `amount`, or nothing when less would be left than `floor`. Nothing can be taken from any cell
    /// that is not closed, one in debt included.
    #[inline]
    pub(super) fn take(&self, amount: Amount, floor: i64) -> bool {
        self.take_guessed(self.guess(), amount, floor)
    }

    /// What may be available, for `take_guessed`.
    #[inline]
    pub(super) fn guess(&self) -> i64 {
        // ORDERING: a first guess, which the exchange of a take checks.
        self.available.load(Ordering::Relaxed)
    }

    /// As `take`, beginning with a guess of what is available. Where nothing is taken, the guess may be why.
    #[inline]
    pub(super) fn take_guessed(&self, mut seen: i64, amount: Amount, floor: i64) -> bool {
        // The loop repeats only because another call changed the word: somebody makes progress.
        loop {
            let left = match seen.checked_sub(amount.signed_micros()) {
                Some(left) if left >= floor.min(seen) && seen != CLOSED => left,
                _ => return false,
            };
            // ORDERING: AcqRel pairs with itself on this word. Release gives the marks and the slot written before
            // the take to whoever sees it (a denial's survey, a closing); Acquire keeps the release sequence whole.
            match self.available.compare_exchange_weak(seen, left, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => return true,
                Err(now) => seen = now,
            }
        }
    }

    /// Takes as much of `most` as leaves `floor`, and says how much.
    pub(super) fn take_up_to(&self, most: Amount, floor: i64) -> Amount {
        // ORDERING: as in `take`.
        let mut seen = self.available.load(Ordering::Relaxed);
        loop {
            let taken = most.min(Self::above_floor(seen, floor));
            if taken == Amount::ZERO {
                return taken;
            }
            // OK because `taken` is at most what `seen` has above a floor of at least -i64::MAX.
            let left = seen.saturating_sub(taken.signed_micros());
            // ORDERING: as in `take`.
            match self.available.compare_exchange_weak(seen, left, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => return taken,
                Err(now) => seen = now,
            }
        }
    }

    /// How much can be taken of what was seen, down to the floor.
    pub(super) fn above_floor(seen: i64, floor: i64) -> Amount {
        // Saturating is exact enough: nobody takes more than `Amount::MAX`. A closed word is below every floor.
        u64::try_from(seen.saturating_sub(floor)).ok().and_then(Amount::new).unwrap_or(Amount::ZERO)
    }

    /// Adds to what is available: the undoing of a take, what comes back to a cap, or a grant already counted. Where the
    /// window has ended, it lapses.
    #[inline]
    pub(super) fn put_back(&self, amount: Amount) {
        if !self.try_put_back(amount) {
            self.lapse(amount);
        }
    }

    /// Adds to what is available, or does nothing where the window has ended: `false`.
    #[inline]
    #[must_use]
    pub(super) fn try_put_back(&self, amount: Amount) -> bool {
        // ORDERING: Relaxed: as `is_cut` and `is_striped`.
        match self.kind.load(Ordering::Relaxed) & (CUT | STRIPED) {
            _ if amount == Amount::ZERO => {}
            0 => self.add(amount),
            STRIPED => {
                // Marked, as an undoing is: who adds up stripes does not take money that comes back for money that
                // has moved.
                self.begin_attempt();
                self.add(amount);
                self.end_attempt(Attempt::Undone);
            }
            _ => return self.add_unless_ended(amount),
        }
        true
    }

    /// Adds to what is available of a cell that is not closed.
    #[inline]
    pub(super) fn add(&self, amount: Amount) {
        // Cannot wrap: by I6, `available` is at most `granted`, whatever is put back.
        // ORDERING: AcqRel pairs with `take`, `survey` and `counters`: who takes this money sees all that was
        // done before it was given back.
        self.available.fetch_add(amount.signed_micros(), Ordering::AcqRel);
    }

    fn add_unless_ended(&self, amount: Amount) -> bool {
        // ORDERING: as in `take`.
        let mut seen = self.available.load(Ordering::Relaxed);
        // The loop repeats only because another call changed the word.
        while seen != CLOSED {
            let sum = seen.saturating_add(amount.signed_micros());
            // ORDERING: as in `put_back`.
            match self.available.compare_exchange_weak(seen, sum, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => return true,
                Err(now) => seen = now,
            }
        }
        false
    }

    /// Counts what a restored hold takes of a cap, which it was within.
    pub(super) fn expose(&self, amount: Amount) {
        // ORDERING: as in `put_back`.
        self.available.fetch_sub(amount.signed_micros(), Ordering::AcqRel);
    }

    /// Ends the window: nothing can be taken from it any more, or put back. Says what was available.
    /// The caller holds the registry's lock for writing.
    pub(super) fn end(&self) -> i64 {
        // ORDERING: Relaxed: who sees the closed word sees this.
        self.kind.fetch_or(ENDED, Ordering::Relaxed);
        // ORDERING: AcqRel pairs with `take` and `add_unless_ended`: every change of the word comes before, and is
        // in what is returned, or meets the closed word.
        self.available.swap(CLOSED, Ordering::AcqRel)
    }

    /// Gives a new window what it begins with. The caller holds the registry's lock for writing.
    pub(super) fn begin_with(&self, micros: i64) {
        self.set_granted(micros);
        // ORDERING: as in `put_back`: nothing was in it.
        self.available.fetch_add(micros, Ordering::AcqRel);
    }

    /// Counts what was available when the window ended, or came back to it later.
    pub(super) fn lapse(&self, amount: Amount) {
        // ORDERING: as in `commit`.
        self.lapsed.fetch_add(amount.micros(), Ordering::Release);
    }

    /// Counts who may come to hold of this window, before anything is taken.
    pub(super) fn pin(&self) {
        if self.is_cut() {
            // ORDERING: Relaxed: the take that follows is what orders; one that finds the window ended takes nothing,
            // and one that finds a later window in its place holds of that.
            self.pins.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn unpin(&self) {
        if self.is_cut() {
            // ORDERING: Release pairs with `is_pinned`: what the hold did to the cell comes before.
            self.pins.fetch_sub(1, Ordering::Release);
        }
    }

    pub(super) fn is_pinned(&self) -> bool {
        // ORDERING: Acquire pairs with `unpin`.
        self.pins.load(Ordering::Acquire) != 0
    }

    /// As far as a settlement under debt may take it. The caller holds the registry's lock where it is cut.
    pub(super) fn debt_floor(&self) -> i64 {
        // So that what a later window takes over of the debt always fits.
        if self.is_cut() { DEBT_FLOOR.saturating_add(self.granted().max(0)) } else { DEBT_FLOOR }
    }

    /// Books what was spent.
    #[inline]
    pub(super) fn commit(&self, booked_micros: u64) {
        if booked_micros != 0 {
            // Cannot wrap: by I6, `committed <= granted - available <= 2 * i64::MAX < u64::MAX`.
            // ORDERING: Release pairs with the reading of `committed` in `counters`: who sees the booking sees the
            // take that it was paid from, and reads `available` later.
            self.committed.fetch_add(booked_micros, Ordering::Release);
        }
    }

    pub(super) fn committed(&self) -> u64 {
        // ORDERING: Acquire pairs with `commit`.
        self.committed.load(Ordering::Acquire)
    }

    /// Takes back from what was booked; the caller has seen that it is there, and holds the registry's lock for
    /// writing, so that nobody else takes back and nobody reads.
    pub(super) fn uncommit(&self, amount: Amount) {
        // ORDERING: Relaxed: the registry's lock orders it for readers; to bookings it is one more change of the word.
        self.committed.fetch_sub(amount.micros(), Ordering::Relaxed);
    }

    /// Counts what was spent and is not booked. Saturates at `u64::MAX`, and stays there.
    pub(super) fn add_unfunded(&self, micros: u64) {
        if micros == 0 {
            return;
        }
        // ORDERING: as in `commit`; the counter stands by itself.
        let mut seen = self.unfunded.load(Ordering::Relaxed);
        // The loop repeats only because another call changed the word.
        while let Err(now) = self.unfunded.compare_exchange_weak(
            seen,
            seen.saturating_add(micros),
            Ordering::Release,
            Ordering::Relaxed,
        ) {
            seen = now;
        }
    }

    /// Marks a tentative take: before the take.
    #[inline]
    pub(super) fn begin_attempt(&self) {
        // ORDERING: Relaxed: the take that follows is a release, and who sees the take sees the mark.
        self.attempts.fetch_add(1, Ordering::Relaxed);
    }

    /// Removes the mark: when the take cannot be undone any more, or after it was.
    #[inline]
    pub(super) fn end_attempt(&self, attempt: Attempt) {
        // The count of undone takes wraps after 2^40; `survey` compares it over two of its own loads.
        let change = match attempt {
            Attempt::Kept => 1u64.wrapping_neg(),
            Attempt::Undone => UNDONE_ONE.wrapping_sub(1),
        };
        // ORDERING: Release pairs with the first load of `survey`: who sees the mark gone sees the undoing.
        self.attempts.fetch_add(change, Ordering::Release);
    }

    /// What is available, and whether a tentative take may have lowered it.
    pub(super) fn survey(&self) -> Survey {
        // ORDERING: Acquire pairs with `end_attempt`: an attempt that is over has put back what it puts back.
        let before = self.attempts.load(Ordering::Acquire);
        // ORDERING: Acquire pairs with `take`: a take that is seen has its mark seen below.
        let available_micros = self.available.load(Ordering::Acquire);
        // ORDERING: Relaxed: ordered by the acquire above.
        let after = self.attempts.load(Ordering::Relaxed);
        Survey { available_micros, definite: before == after && before & IN_FLIGHT == 0 }
    }

    /// The count of takes that were undone, and of what came back to a stripe; `None` while one is under way.
    pub(super) fn settled_marks(&self) -> Option<u64> {
        // ORDERING: Acquire pairs with `end_attempt`, and keeps what is read after it after it.
        let marks = self.attempts.load(Ordering::Acquire);
        (marks & IN_FLIGHT == 0).then_some(marks)
    }

    /// The counters, read so that what is missing of `granted` is never below the sum of the open holds: first the
    /// counters that money ends in, then the word that it comes from. The caller holds the registry's lock, which
    /// keeps `granted` still, and the cell is none of a window that has ended.
    pub(super) fn counters(&self) -> CellCounters {
        // ORDERING: Acquire pairs with `commit`.
        let committed_micros = self.committed();
        let lapsed_micros = self.lapsed.load(Ordering::Acquire);
        let unfunded_micros = self.unfunded.load(Ordering::Acquire);
        // ORDERING: after the three above, which are acquires; Acquire itself pairs with `take` and `put_back`.
        let available = self.available.load(Ordering::Acquire);
        let granted = self.granted();
        let available_micros = if available == CLOSED {
            // A closed cell has nothing reserved, and nothing moves in it: what is left is what is available. OK
            // because the word said so when it closed, and it was within -i64::MAX..=i64::MAX.
            granted.wrapping_sub_unsigned(committed_micros).wrapping_sub_unsigned(lapsed_micros)
        } else {
            available
        };
        CellCounters {
            granted_micros: granted,
            available_micros,
            committed_micros,
            lapsed_micros,
            unfunded_micros,
        }
    }

    pub(super) fn granted(&self) -> i64 {
        // ORDERING: Relaxed: the registry's lock orders it.
        self.granted.load(Ordering::Relaxed)
    }

    /// Sets what is granted. The caller holds the registry's lock for writing.
    pub(super) fn set_granted(&self, granted_micros: i64) {
        // ORDERING: Relaxed: the registry's lock orders it.
        self.granted.store(granted_micros, Ordering::Relaxed);
    }

    /// Changes what is granted by that much. The caller holds the registry's lock for writing.
    pub(super) fn change_granted(&self, change_micros: i64) {
        self.set_granted(self.granted().saturating_add(change_micros));
    }

    /// Closes the cell if this is what it has available.
    pub(super) fn close(&self, available_micros: i64) -> bool {
        // ORDERING: AcqRel pairs with `take`: every take comes before, and its slot is seen, or meets the closed
        // word, and sees the account's state.
        self.available.compare_exchange(available_micros, CLOSED, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }

    /// Opens again a cell that `close` closed: nothing moved since.
    pub(super) fn reopen(&self, available_micros: i64) {
        // Added back, as every take is undone: no call changes a closed word, so that the sum is what it was.
        // ORDERING: AcqRel pairs with `take`.
        self.available.fetch_add(available_micros.wrapping_sub(CLOSED), Ordering::AcqRel);
    }
}

impl Default for Cell {
    fn default() -> Self {
        Self {
            available: AtomicI64::new(CLOSED),
            granted: AtomicI64::new(0),
            committed: AtomicU64::new(0),
            lapsed: AtomicU64::new(0),
            unfunded: AtomicU64::new(0),
            attempts: AtomicU64::new(0),
            account: AtomicU32::new(0),
            kind: AtomicU32::new(0),
            pins: AtomicU32::new(0),
        }
    }
}

/// A cell that was opened; one with 0 was not.
const OPENED: u32 = 1 << 8;
const CUT: u32 = 1 << 9;
const ENDED: u32 = 1 << 10;
const STRIPED: u32 = 1 << 11;

impl Kind {
    fn pack(self) -> u32 {
        let flag = |set: bool, flag: u32| if set { flag } else { 0 };
        u32::from(self.bound.code()) | OPENED | flag(self.cut, CUT) | flag(self.ended, ENDED)
    }

    fn unpack(word: u32) -> Option<Self> {
        let [code, ..] = word.to_le_bytes();
        let bound = Bound::from_code(code).filter(|_| word & OPENED != 0)?;
        Some(Self { bound, cut: word & CUT != 0, ended: word & ENDED != 0 })
    }
}

impl CellCounters {
    /// What is neither available nor booked: `None` if the counters contradict themselves.
    pub(super) fn reserved_micros(&self) -> Option<u64> {
        if self.available_micros < DEBT_FLOOR {
            return None;
        }
        let rest = i128::from(self.granted_micros)
            .checked_sub(i128::from(self.available_micros))?
            .checked_sub(i128::from(self.committed_micros))?
            .checked_sub(i128::from(self.lapsed_micros))?;
        u64::try_from(rest).ok()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn cell(available_micros: i64) -> Cell {
        let cell = Cell::default();
        cell.open(
            AccountId(0),
            Kind::whole(Bound::Limit(0)),
            &CellCounters { granted_micros: i64::MAX, available_micros, ..CellCounters::default() },
        );
        cell
    }

    #[test]
    fn a_take_leaves_the_floor_or_takes_nothing() {
        let max = i64::MAX;
        // available, amount, floor | taken, available after
        let rows = [
            (10, 10, 0, true, 0),
            (10, 11, 0, false, 10),
            (10, 0, 0, true, 10),
            (0, 0, 0, true, 0),
            (-1, 0, 0, true, -1),
            (-1, 1, 0, false, -1),
            (-1, 0, DEBT_FLOOR, true, -1),
            (0, max, DEBT_FLOOR, true, -max),
            (-1, max, DEBT_FLOOR, false, -1),
            (max, max, 0, true, 0),
            (-max, max, DEBT_FLOOR, false, -max),
            (CLOSED, 0, 0, false, CLOSED),
            (CLOSED, 0, DEBT_FLOOR, false, CLOSED),
        ];
        for (available, amount, floor, taken, after) in rows {
            let cell = cell(available);
            let amount = Amount::new(u64::try_from(amount).unwrap()).unwrap();
            assert_eq!(cell.take(amount, floor), taken, "{available} {amount} {floor}");
            assert_eq!(cell.available(), after, "{available} {amount} {floor}");
        }
    }

    #[test]
    fn a_take_up_to_takes_what_is_above_the_floor() {
        let max = i64::MAX;
        // available, most, floor | taken
        let rows = [
            (10, 4, 0, 4),
            (10, 40, 0, 10),
            (0, 1, 0, 0),
            (-5, 1, 0, 0),
            (-5, 7, DEBT_FLOOR, 7),
            (-max + 3, 7, DEBT_FLOOR, 3),
            (max, max, DEBT_FLOOR, max),
            (CLOSED, 7, DEBT_FLOOR, 0),
            (CLOSED, 7, 0, 0),
        ];
        for (available, most, floor, taken) in rows {
            let cell = cell(available);
            let most = Amount::new(u64::try_from(most).unwrap()).unwrap();
            assert_eq!(cell.take_up_to(most, floor).signed_micros(), taken, "{available} {most} {floor}");
        }
    }

    /// A cell of a limit with windows.
    fn cut(available_micros: i64) -> Cell {
        let cell = Cell::default();
        cell.open(
            AccountId(0),
            Kind { cut: true, ..Kind::whole(Bound::Limit(0)) },
            &CellCounters { granted_micros: i64::MAX, available_micros, ..CellCounters::default() },
        );
        cell
    }

    #[test]
    fn what_comes_back_to_an_ended_window_lapses_and_nothing_always_comes_back() {
        let amount = Amount::new(5).unwrap();
        for (cell, is_cut) in [(cell(10), false), (cut(10), true)] {
            assert!(cell.try_put_back(amount) && cell.try_put_back(Amount::ZERO));
            cell.put_back(amount);
            assert_eq!((cell.available(), cell.counters().lapsed_micros, cell.is_cut()), (20, 0, is_cut));
        }
        let ended = cut(10);
        assert_eq!(ended.end(), 10);
        assert!(!ended.try_put_back(amount) && ended.try_put_back(Amount::ZERO));
        assert_eq!((ended.available(), ended.counters().lapsed_micros), (CLOSED, 0));
        ended.put_back(amount);
        assert_eq!((ended.available(), ended.counters().lapsed_micros), (CLOSED, 5));
    }

    #[test]
    fn a_kind_is_read_as_it_was_written() {
        for bound in [Bound::Limit(0), Bound::Limit(2), Bound::Held, Bound::Holds] {
            for (cut, ended) in [(false, false), (false, true), (true, false), (true, true)] {
                let kind = Kind { bound, cut, ended };
                let cell = Cell::default();
                assert_eq!(cell.kind(), None);
                cell.open(AccountId(0), kind, &CellCounters::default());
                let read = cell.kind().unwrap();
                assert_eq!((read.bound, read.cut, read.ended), (bound, cut, ended));
            }
        }
    }

    #[test]
    fn unfunded_saturates_and_stays() {
        let cell = cell(0);
        for _ in 0..3 {
            cell.add_unfunded(i64::MAX.unsigned_abs());
        }
        assert_eq!(cell.counters().unfunded_micros, u64::MAX);
        cell.add_unfunded(1);
        assert_eq!(cell.counters().unfunded_micros, u64::MAX);
    }

    #[test]
    fn a_survey_is_definite_when_nothing_is_under_way() {
        let cell = cell(5);
        assert!(cell.survey().definite);
        cell.begin_attempt();
        assert!(!cell.survey().definite);
        cell.end_attempt(Attempt::Kept);
        assert!(cell.survey().definite);
        cell.begin_attempt();
        cell.begin_attempt();
        cell.end_attempt(Attempt::Undone);
        assert!(!cell.survey().definite);
        cell.end_attempt(Attempt::Undone);
        assert!(cell.survey().definite);
    }
}
