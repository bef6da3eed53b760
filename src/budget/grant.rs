//! Granting to a limit, and taking back.

use super::Engine;
use super::account::{AccountError, AccountState, GrantError};
use super::cell::Cell;
use super::entry::Entry;
use super::registry::Registry;
use super::take::{Demand, Shortfall};
use crate::id::LimitId;
use crate::num::{Amount, Timestamp};

impl Engine {
    /// Adds to what a limit has been granted (of an account by itself, its first), or takes back, when below zero,
    /// from what it has available in its current window. So much more or less is what each later window begins with.
    /// No other account changes.
    ///
    /// # Errors
    /// The account is unknown or closed, it has no such limit, what is granted would pass [`Amount::MAX`], or less is
    /// available than is to be taken back. Nothing has changed then.
    pub fn grant(&self, limit: impl Into<LimitId>, delta_micros: i64) -> Result<(), GrantError> {
        self.grant_under(&mut self.registry_mut(), limit.into(), delta_micros)
    }

    /// The open account of a limit, and its current cell.
    pub(super) fn grantable(&self, limit: LimitId) -> Result<(&Entry, u32, &Cell), GrantError> {
        let LimitId { account, limit: number } = limit;
        let entry = self.entry(account).ok_or(GrantError::Unknown { account })?;
        if entry.state() == AccountState::Closed {
            return Err(GrantError::Closed { account });
        }
        let no_limit = GrantError::Limit { account, limit: number };
        let index = entry.current_of(number).ok_or(no_limit)?;
        Ok((entry, index, self.cells.get(index).ok_or(no_limit)?))
    }

    /// As [`grant`](Self::grant), for who holds the registry's lock for writing.
    pub(super) fn grant_under(
        &self,
        registry: &mut Registry,
        limit: LimitId,
        delta_micros: i64,
    ) -> Result<(), GrantError> {
        let account = limit.account;
        let (entry, index, cell) = self.grantable(limit)?;
        let counters = if limit.limit == 0 { self.all_counters(entry) } else { cell.counters() };
        // What is granted to a window is never above the allowance.
        let allowance = match registry.windows.get(&limit) {
            Some(windows) => windows.allowance.signed_micros(),
            None => counters.granted_micros,
        };
        // INVARIANT I6: both sides change by the same amount, and `available` stays at most `granted` at every
        // moment: up, `granted` goes first; down, it goes last.
        let Some(amount) = Amount::new(delta_micros.unsigned_abs()) else {
            return Err(GrantError::AboveAvailable {
                available_micros: counters.available_micros,
                delta_micros,
            });
        };
        if delta_micros >= 0 {
            let above = GrantError::AboveMaximum { granted_micros: allowance, delta_micros };
            allowance.checked_add(delta_micros).ok_or(above)?;
            cell.change_granted(delta_micros);
            cell.put_back(amount);
        } else {
            self.take_under(registry, Demand::amount(&[index], amount)).map_err(
                |shortfall| match shortfall {
                    Shortfall::Insufficient { available_micros, .. } => {
                        GrantError::AboveAvailable { available_micros, delta_micros }
                    }
                    Shortfall::Closed { account } => GrantError::Closed { account },
                    Shortfall::Contended | Shortfall::WindowEnded { .. } => GrantError::Contended,
                    Shortfall::Foreign => GrantError::Unknown { account },
                },
            )?;
            cell.change_granted(delta_micros);
        }
        if let Some(windows) = registry.windows.get_mut(&limit) {
            // OK because it was seen above to be an amount.
            let allowance = u64::try_from(allowance.saturating_add(delta_micros)).ok().and_then(Amount::new);
            windows.allowance = allowance.unwrap_or(windows.allowance);
        }
        Ok(())
    }

    /// Grants to a limit, or takes back, once the account's windows that are over at that instant have ended; a grant that
    /// would be turned away then ends none. Exact while nobody else works on the account.
    ///
    /// # Errors
    /// There is no room for another cell, and windows may have ended; or else, within, as of [`grant`](Self::grant).
    pub(crate) fn grant_at(
        &self,
        limit: LimitId,
        delta_micros: i64,
        now: Timestamp,
    ) -> Result<Result<(), GrantError>, AccountError> {
        let mut registry = self.registry_mut();
        if let Err(refused) = self.check_grant(&registry, limit, delta_micros, now) {
            return Ok(Err(refused));
        }
        let entry = self.entry(limit.account).ok_or(AccountError::Unknown { account: limit.account })?;
        self.end_over(&mut registry, limit.account, entry, now)?;
        Ok(self.grant_under(&mut registry, limit, delta_micros))
    }

    fn check_grant(
        &self,
        registry: &Registry,
        limit: LimitId,
        delta_micros: i64,
        now: Timestamp,
    ) -> Result<(), GrantError> {
        let (_, _, cell) = self.grantable(limit)?;
        let windows = registry.windows.get(&limit);
        let allowance = windows.map_or(cell.granted(), |windows| windows.allowance.signed_micros());
        let available_micros = match windows.and_then(|windows| Some((windows, windows.next(now)?))) {
            Some((windows, (_, between))) => {
                let debt_micros = cell.available().min(0).saturating_neg();
                allowance.saturating_sub(windows.carried(debt_micros, between).signed_micros())
            }
            None => cell.available(),
        };
        if delta_micros >= 0 {
            let above = GrantError::AboveMaximum { granted_micros: allowance, delta_micros };
            return allowance.checked_add(delta_micros).map(drop).ok_or(above);
        }
        if available_micros.max(0).saturating_add(delta_micros) < 0 {
            return Err(GrantError::AboveAvailable { available_micros, delta_micros });
        }
        Ok(())
    }
}
