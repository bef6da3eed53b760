//! Policies, grants and closures.

use alloc::sync::Arc;

use super::Effect;
use crate::ledger::Ledger;
use crate::ledger::cell::CellId;
use crate::ledger::mismatch::Mismatch;
use crate::ledger::moves::Moves;
use crate::num::Timestamp;
use crate::policy::{Policy, QuantityMask};
use crate::record::{Account, AccountClosed, Call, Grant, PolicyBytes};
use crate::throttle::Counts;

impl Ledger {
    /// SEMANTICS 2.7.
    pub(super) fn check_policy(&self, bytes: &PolicyBytes) -> Result<Effect, Mismatch> {
        let policy = Policy::decode(&bytes.canonical).map_err(Mismatch::Policy)?;
        policy.check_follows(self.policy()).map_err(Mismatch::Swap)?;
        Ok(Effect::Policy(Arc::new(policy)))
    }

    /// Whether every throttle of units counts quantities that the schema has. SEMANTICS 19.1.
    pub(super) fn check_units(&self, account: &Account) -> Result<(), Mismatch> {
        let quantities = self.policy().schema().quantities().len();
        for (throttle, of) in (0_u8..).zip(account.caps.throttles()) {
            if let Counts::Units { quantities: counted } = of.counts
                && QuantityMask::from_bits(counted)
                    .iter()
                    .any(|quantity| usize::from(quantity.0) >= quantities)
            {
                return Err(Mismatch::QuantityUnknown { throttle });
            }
        }
        Ok(())
    }

    /// SEMANTICS 9.10.
    pub(super) fn check_grant(
        &self,
        now: Timestamp,
        call: &Call<Grant>,
        moves: &mut Moves,
    ) -> Result<Effect, Mismatch> {
        let Grant { account, limit, change_micros } = call.arguments;
        let change_micros = change_micros.get();
        let allowance = self.accounts.open(account)?.limits.allowance(limit);
        let allowance = allowance.ok_or(Mismatch::LimitUnknown { account, limit })?;
        self.accounts.touch(account, now, moves)?;
        let start = self.accounts.span(account.limit(limit), moves)?.start;
        let id = CellId { account, limit, start };
        let mut cell = self.accounts.cell(id, moves)?;
        // OK because an allowance is at least 0. What is granted to a window, and so what it has available, is never above it.
        let (max_micros, possible) = if change_micros > 0 {
            let max_micros = i64::MAX.saturating_sub(allowance.signed_micros());
            (max_micros, change_micros <= max_micros)
        } else {
            let least = cell.available_micros.max(0).saturating_neg();
            (least, change_micros >= least)
        };
        if !possible {
            return Err(Mismatch::Grant { account, change_micros, max_micros });
        }
        let before = cell;
        cell.grant(change_micros).ok_or(Mismatch::Overflow { account })?;
        if let Some(staged) = moves.change(id, &before) {
            *staged = cell;
        }
        Ok(Effect::Allow { limit: account.limit(limit), change_micros })
    }

    /// SEMANTICS 9.12.
    pub(super) fn check_close(&self, closed: &AccountClosed) -> Result<Effect, Mismatch> {
        let account = closed.account;
        let open = self.accounts.open(account)?;
        if open.holds_open() > 0 {
            return Err(Mismatch::CloseHolds { account, open: open.holds_open() });
        }
        if open.children_open > 0 {
            return Err(Mismatch::CloseChildren { account, open: open.children_open });
        }
        Ok(Effect::CloseAccount(account))
    }
}
