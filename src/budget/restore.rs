//! Bringing accounts and holds back after a restart.

use core::fmt;

use crate::id::AccountId;
use crate::limits::PATH_CELLS_MAX;
use crate::num::Amount;

use super::Engine;
use super::account::{AccountError, AccountState, AccountTerms, CellCounters};
use super::hold::{Hold, HoldState};
use super::path::Path;
use super::slab::Claim;
use super::slot::Phase;

impl Engine {
    /// Opens an account with the counters that it had. The first to be restored is account 0, and so on: in the
    /// order in which they were opened.
    ///
    /// What its counters say is reserved (`granted - available - committed - lapsed`) is claimed by the open holds
    /// that [`Engine::restore_hold`] brings back; [`Engine::finish_restore`] says whether all of it was.
    ///
    /// # Errors
    /// The name is taken, the terms are none that an account can have, or the counters contradict themselves.
    pub fn restore_account(
        &self,
        terms: &AccountTerms,
        counters: &CellCounters,
        state: AccountState,
    ) -> Result<AccountId, RestoreError> {
        let reserved_micros = counters.reserved_micros().ok_or(RestoreError::Counters(*counters))?;
        if state == AccountState::Closed && reserved_micros != 0 {
            return Err(RestoreError::ClosedHolds { reserved_micros });
        }
        let mut registry = self.registry_mut();
        if let Some(&account) = registry.names.get(&terms.name) {
            return Err(RestoreError::Repeated { account });
        }
        let account = self.open(&mut registry, terms, counters, state).map_err(RestoreError::Account)?;
        if reserved_micros != 0 {
            registry.unclaimed.insert(account, reserved_micros);
        }
        Ok(account)
    }

    /// Brings a hold back: at the accounts whose cells it was taken from, in their order, with what it holds, or
    /// held until it expired. No money moves: the restored counters are without it already.
    ///
    /// # Errors
    /// The accounts make no path, an open hold's one is closed, or its amount is above what is reserved there and
    /// unclaimed.
    pub fn restore_hold(
        &self,
        accounts: &[AccountId],
        amount: Amount,
        state: HoldState,
    ) -> Result<Hold, RestoreError> {
        let path = self.recorded_path(accounts)?;
        let mut registry = self.registry_mut();
        if state == HoldState::Open {
            for &account in accounts {
                let entry = self.entry(account).ok_or(AccountError::Unknown { account })?;
                if entry.state() != AccountState::Open {
                    return Err(AccountError::Closed { account }.into());
                }
                let unclaimed_micros = registry.unclaimed.get(&account).copied().unwrap_or(0);
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
        slot.set(word.with(phase));
        if state == HoldState::Open {
            for account in accounts {
                registry.claim(*account, amount);
            }
        }
        Ok(Hold { slot: index, generation: word.generation })
    }

    /// Ends the restoring: every account's restored holds come to what its counters say is reserved.
    ///
    /// # Errors
    /// The first account where they do not.
    pub fn finish_restore(&self) -> Result<(), RestoreError> {
        match self.registry().unclaimed.first_key_value() {
            Some((&account, &unclaimed_micros)) => Err(RestoreError::Unclaimed { account, unclaimed_micros }),
            None => Ok(()),
        }
    }

    /// The cells that a hold was taken from, which may be others than a new path would have.
    fn recorded_path(&self, accounts: &[AccountId]) -> Result<Path, RestoreError> {
        let mut path = Path::EMPTY;
        for (place, &account) in accounts.iter().enumerate() {
            let entry = self.entry(account).ok_or(AccountError::Unknown { account })?;
            let distinct = path.cells().len() == place;
            if !distinct || !path.add(entry.cell, entry.terms.overrun) {
                return Err(RestoreError::Path { seen: accounts.len() });
            }
        }
        if accounts.is_empty() || path.cells().len() != accounts.len() {
            return Err(RestoreError::Path { seen: accounts.len() });
        }
        Ok(path)
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
    /// A closed account holds money.
    ClosedHolds {
        /// What it would hold.
        reserved_micros: u64,
    },
    /// A hold names no cell, one twice, or more than the limit.
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
    /// The refusal's code; frozen. SEMANTICS 18.
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
                "{} granted is not {} µ available, {} µ committed and {} µ lapsed with holds at or above 0",
                counters.granted,
                counters.available_micros,
                counters.committed_micros,
                counters.lapsed_micros
            ),
            Self::ClosedHolds { reserved_micros } => {
                write!(f, "a closed account would hold {reserved_micros} µ; it can hold nothing")
            }
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

impl core::error::Error for RestoreError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Account(error) => Some(error),
            _ => None,
        }
    }
}
