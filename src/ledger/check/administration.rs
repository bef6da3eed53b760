//! Policies, grants and closures.

use alloc::sync::Arc;

use super::Effect;
use crate::ledger::Ledger;
use crate::ledger::cell::Moves;
use crate::ledger::mismatch::Mismatch;
use crate::num::Amount;
use crate::policy::Policy;
use crate::record::{AccountClosed, Call, Grant, PolicyBytes};

impl Ledger {
    /// SEMANTICS 2.7.
    pub(super) fn check_policy(&self, bytes: &PolicyBytes) -> Result<Effect, Mismatch> {
        let policy = Policy::decode(&bytes.canonical).map_err(Mismatch::Policy)?;
        policy.check_follows(self.policy()).map_err(Mismatch::Swap)?;
        Ok(Effect::Policy(Arc::new(policy)))
    }

    /// SEMANTICS 9.10.
    pub(super) fn check_grant(&self, call: &Call<Grant>, moves: &mut Moves) -> Result<Effect, Mismatch> {
        let Grant { account, change_micros } = call.arguments;
        let change_micros = change_micros.get();
        let cell = &self.accounts.open(account)?.cell;
        let (max_micros, possible) = if change_micros > 0 {
            // OK because what is granted is at least 0.
            let max_micros = Amount::MAX.signed_micros().saturating_sub(cell.granted.signed_micros());
            (max_micros, change_micros <= max_micros)
        } else {
            let max_micros = cell.available_micros.max(0).saturating_neg();
            (max_micros, change_micros >= max_micros)
        };
        if !possible {
            return Err(Mismatch::Grant { account, change_micros, max_micros });
        }
        let change = moves.change(account, cell).and_then(|cell| cell.grant(change_micros));
        change.ok_or(Mismatch::Overflow { account })?;
        Ok(Effect::Nothing)
    }

    /// SEMANTICS 9.12.
    pub(super) fn check_close(&self, closed: &AccountClosed) -> Result<Effect, Mismatch> {
        let account = closed.account;
        let open = self.accounts.open(account)?;
        if open.holds_open > 0 {
            return Err(Mismatch::CloseHolds { account, open: open.holds_open });
        }
        if open.children_open > 0 {
            return Err(Mismatch::CloseChildren { account, open: open.children_open });
        }
        Ok(Effect::CloseAccount(account))
    }
}
