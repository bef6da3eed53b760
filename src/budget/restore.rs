//! Bringing accounts and holds back after a restart.

use alloc::vec::Vec;
use core::fmt;

use crate::id::{AccountId, LimitId};
use crate::limits::{DEPTH_MAX, PATH_CELLS_MAX};
use crate::num::{Amount, Timestamp};
use crate::window::{Span, Window};

use super::Engine;
use super::account::{AccountError, AccountState, AccountTerms, CellCounters};
use super::hold::{Hold, HoldState};
use super::path::Path;
use super::registry::Registry;
use super::slab::Claim;
use super::slot::Phase;

impl Engine {
    /// Opens an account with the limits that it had. The first to be restored is account 0, and so on: in the
    /// order in which they were opened.
    ///
    /// What their counters say is reserved (`granted - available - committed - lapsed`) is claimed by the open holds
    /// that [`Engine::restore_hold`] brings back; [`Engine::finish_restore`] says whether all of it was.
    ///
    /// # Errors
    /// The name is taken, the terms are none that an account can have, or the counters contradict themselves.
    pub fn restore_account(
        &self,
        terms: &AccountTerms,
        limits: &[RestoredLimit],
        state: AccountState,
    ) -> Result<AccountId, RestoreError> {
        let windows = terms.caps.windows();
        if limits.len() != windows.len()
            || limits.iter().zip(windows).any(|(limit, window)| limit.window != *window)
        {
            return Err(RestoreError::Limits { seen: limits.len() });
        }
        for counters in limits.iter().flat_map(RestoredLimit::counters) {
            let reserved_micros = counters.reserved_micros().ok_or(RestoreError::Counters(*counters))?;
            if state == AccountState::Closed && reserved_micros != 0 {
                return Err(RestoreError::ClosedHolds { reserved_micros });
            }
        }
        for (_, counters) in limits.iter().flat_map(|limit| &limit.ended) {
            if counters.available_micros > 0 {
                return Err(RestoreError::Window(*counters));
            }
        }
        for RestoredLimit { window, allowance, current: (_, counters), .. } in limits {
            if *window != Window::Lifetime && counters.granted_micros > allowance.signed_micros() {
                return Err(RestoreError::Window(*counters));
            }
        }
        let mut registry = self.registry_mut();
        if let Some(&account) = registry.names.get(&terms.name) {
            return Err(RestoreError::Repeated { account });
        }
        let account = self.open(&mut registry, terms, limits, state).map_err(RestoreError::Account)?;
        for (limit, restored) in (0_u8..).zip(limits) {
            let ended = restored.ended.iter().map(|(span, counters)| (span.start, counters));
            for (start, counters) in ended.chain([(restored.current.0.start, &restored.current.1)]) {
                let reserved_micros = counters.reserved_micros().unwrap_or(0);
                let cell = self.cell_of(&registry, HeldCell { limit: account.limit(limit), start });
                if let Some(cell) = cell.filter(|_| reserved_micros != 0) {
                    registry.unclaimed.insert(cell, reserved_micros);
                }
            }
        }
        Ok(account)
    }

    /// Brings a hold back: with the cells that it was taken from, in their order, and what it holds, or
    /// held until it expired. No money moves: the restored counters are without it already. Caps on what is held, and
    /// on holds, give it anew, whatever is left of them.
    ///
    /// # Errors
    /// The cells make no path, an open hold's account is closed, or its amount is above what is reserved there and
    /// unclaimed.
    pub fn restore_hold(
        &self,
        cells: &[HeldCell],
        amount: Amount,
        state: HoldState,
    ) -> Result<Hold, RestoreError> {
        let mut registry = self.registry_mut();
        let path = self.recorded_path(&registry, cells)?;
        if state == HoldState::Open {
            for (&index, of) in path.cells().iter().zip(cells) {
                let account = of.limit.account;
                let entry = self.entry(account).ok_or(AccountError::Unknown { account })?;
                if entry.state() != AccountState::Open {
                    return Err(AccountError::Closed { account }.into());
                }
                let unclaimed_micros = registry.unclaimed.get(&index).copied().unwrap_or(0);
                if unclaimed_micros < amount.micros() {
                    return Err(RestoreError::AboveReserved { account, unclaimed_micros, amount });
                }
            }
        }
        let phase = match state {
            HoldState::Open => Phase::Open,
            HoldState::Expired => Phase::Expired,
        };
        let Some(Claim { index, slot, word }) = self.holds.claim(0) else {
            return Err(RestoreError::HoldsFull { max: self.holds.max() });
        };
        slot.fill(&path, amount);
        self.pin(&path);
        slot.set(word.with(phase));
        if state == HoldState::Open {
            path.cells().iter().for_each(|cell| registry.claim(*cell, amount));
            self.cells_of(path.held_cells()).for_each(|cell| cell.expose(amount));
            self.cells_of(path.holds_cells()).for_each(|cell| cell.expose(Amount::ONE));
        }
        Ok(Hold { slot: index, generation: word.generation })
    }

    /// Puts accounts that were restored as roots, open ones and closed ones, below their parents.
    ///
    /// # Errors
    /// An account is unknown, or below more than there may be above it.
    pub(crate) fn restore_parents(&self, parents: &[(AccountId, AccountId)]) -> Result<(), RestoreError> {
        let mut registry = self.registry_mut();
        for &(account, parent) in parents {
            self.entry(parent).ok_or(AccountError::Unknown { account: parent })?;
            self.restore_parent(&mut registry, account, parent)?;
        }
        for &(account, parent) in parents {
            if self.above(account).count() > DEPTH_MAX {
                return Err(AccountError::TooDeep { parent }.into());
            }
        }
        Ok(())
    }

    /// Ends the restoring: every account's restored holds come to what its counters say is reserved.
    ///
    /// # Errors
    /// The first account where they do not.
    pub fn finish_restore(&self) -> Result<(), RestoreError> {
        match self.registry().unclaimed.first_key_value() {
            Some((&cell, &unclaimed_micros)) => {
                let account = self.owner(cell).map_or(AccountId(0), |(account, _)| account);
                Err(RestoreError::Unclaimed { account, unclaimed_micros })
            }
            None => Ok(()),
        }
    }

    /// The path of cells that a hold was taken from, which may be others than a new path would have.
    pub(crate) fn held_path(&self, cells: &[HeldCell]) -> Result<Path, RestoreError> {
        self.recorded_path(&self.registry(), cells)
    }

    fn recorded_path(&self, registry: &Registry, cells: &[HeldCell]) -> Result<Path, RestoreError> {
        let none = RestoreError::Path { seen: cells.len() };
        let mut path = Path::EMPTY;
        for (place, of) in cells.iter().enumerate() {
            let account = of.limit.account;
            let entry = self.entry(account).ok_or(AccountError::Unknown { account })?;
            let cell = self.cell_of(registry, *of).ok_or(none)?;
            let distinct = path.cells().len() == place;
            if !distinct || !path.add(cell, entry.terms.overrun) {
                return Err(none);
            }
            path.cut |= registry.windows.contains_key(&of.limit);
        }
        if cells.is_empty() || path.cells().len() != cells.len() {
            return Err(none);
        }
        self.add_caps(&mut path).map_err(|_| none)?;
        Ok(path)
    }

    /// The cell of the window of that limit that began then.
    fn cell_of(&self, registry: &Registry, of: HeldCell) -> Option<u32> {
        let current = self.entry(of.limit.account)?.current_of(of.limit.limit);
        let Some(windows) = registry.windows.get(&of.limit) else { return current };
        let ended = || windows.ended.get(&of.start).copied();
        if windows.span.start == of.start { current } else { ended() }
    }
}

/// A limit as it was, for [`Engine::restore_account`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestoredLimit {
    /// How it is cut.
    pub window: Window,
    /// What each window begins with.
    pub allowance: Amount,
    /// Windows that have ended and that a hold names.
    pub ended: Vec<(Span, CellCounters)>,
    /// The current window.
    pub current: (Span, CellCounters),
}

impl RestoredLimit {
    /// A limit for life.
    #[must_use]
    pub fn lifetime(counters: CellCounters) -> Self {
        let (window, allowance) = (Window::Lifetime, Amount::ZERO);
        Self { window, allowance, ended: Vec::new(), current: (Span::default(), counters) }
    }

    /// A limit of which nothing was granted yet, in the window that holds the instant.
    pub(super) fn begun(window: Window, at: Timestamp) -> Self {
        Self {
            window,
            current: (window.span(at), CellCounters::default()),
            ..Self::lifetime(CellCounters::default())
        }
    }

    fn counters(&self) -> impl Iterator<Item = &CellCounters> {
        self.ended.iter().map(|(_, counters)| counters).chain([&self.current.1])
    }
}

/// A cell that a hold was taken from: the limit, and when its window began.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct HeldCell {
    /// The limit.
    pub limit: LimitId,
    /// The first instant of its window; of a limit for life, any.
    pub start: Timestamp,
}

/// An account by itself stands for its first limit, for life.
impl From<AccountId> for HeldCell {
    fn from(account: AccountId) -> Self {
        Self { limit: account.into(), start: Timestamp(0) }
    }
}

/// Why something was not restored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RestoreError {
    /// The account cannot be opened.
    Account(AccountError),
    /// The name is taken.
    Repeated {
        /// By this account.
        account: AccountId,
    },
    /// `available + committed + lapsed` is above `granted`, or `available` is below `-i64::MAX`.
    Counters(CellCounters),
    /// A window that has ended has something available (it has 0, or below that what it owes), or the current one is
    /// granted more than the allowance.
    Window(CellCounters),
    /// A closed account holds money.
    ClosedHolds {
        /// What it would hold.
        reserved_micros: u64,
    },
    /// The limits are not those of the account's terms.
    Limits {
        /// How many there are.
        seen: usize,
    },
    /// A hold names no cell, one that is not there, one twice, or more than the limit.
    Path {
        /// How many it names.
        seen: usize,
    },
    /// A hold is above what is reserved at an account and not yet claimed.
    AboveReserved {
        /// Where.
        account: AccountId,
        /// What is left to claim.
        unclaimed_micros: u64,
        /// What the hold would claim.
        amount: Amount,
    },
    /// An account has less in restored holds than its counters say is reserved.
    Unclaimed {
        /// Which one.
        account: AccountId,
        /// What no hold has claimed.
        unclaimed_micros: u64,
    },
    /// As many holds are open as may be.
    HoldsFull {
        /// The most that may be open.
        max: u32,
    },
}

impl RestoreError {
    /// The refusal's code; frozen. SEMANTICS 20.
    #[must_use]
    pub const fn code(&self) -> u16 {
        match self {
            Self::Account(error) => error.code(),
            Self::Repeated { .. } => 170,
            Self::Counters(_) => 171,
            Self::ClosedHolds { .. } => 172,
            Self::Path { .. } => 173,
            Self::AboveReserved { .. } => 174,
            Self::Unclaimed { .. } => 175,
            Self::HoldsFull { .. } => 176,
            Self::Limits { .. } => 177,
            Self::Window(_) => 178,
        }
    }
}

impl fmt::Display for RestoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Account(error) => error.fmt(f),
            Self::Repeated { account } => write!(f, "account {account} has that name already"),
            Self::Counters(counters) => write!(
                f,
                "{} µ granted is not {} µ available, {} µ committed and {} µ lapsed with holds at or above 0",
                counters.granted_micros,
                counters.available_micros,
                counters.committed_micros,
                counters.lapsed_micros
            ),
            Self::Window(counters) => write!(
                f,
                "{} µ granted with {} µ available is none of the windows of a limit",
                counters.granted_micros, counters.available_micros
            ),
            Self::ClosedHolds { reserved_micros } => {
                write!(f, "a closed account would hold {reserved_micros} µ; it can hold nothing")
            }
            Self::Limits { seen } => write!(f, "{seen} limits, which are not those of the account's terms"),
            Self::Path { seen } => {
                write!(f, "a hold names {seen} cells; it has 1 to {PATH_CELLS_MAX}, each once")
            }
            Self::AboveReserved { account, unclaimed_micros, amount } => write!(
                f,
                "a hold of {amount} is above the {unclaimed_micros} µ reserved and unclaimed at account {account}"
            ),
            Self::Unclaimed { account, unclaimed_micros } => {
                write!(f, "account {account} has {unclaimed_micros} µ reserved that no hold claims")
            }
            Self::HoldsFull { max } => write!(f, "there are {max} open holds, the most that there may be"),
        }
    }
}

impl From<AccountError> for RestoreError {
    fn from(error: AccountError) -> Self {
        Self::Account(error)
    }
}

impl core::error::Error for RestoreError {}
