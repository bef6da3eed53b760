//! How holds would have been extended, spent in part, and ended. SEMANTICS 16.4 and 16.5.

use super::cells::{Taken, taken};
use super::history::{History, count};
use super::holds::{Held, Side, scaled};
use super::report::Budgets;
use crate::id::{CandidateId, Sequence};
use crate::kernel::cost_of;
use crate::ledger::Ledger;
use crate::num::Amount;
use crate::overrun::Overrun;
use crate::record::{Call, Commit, Extend, ExtendOutcome, PartCommit, Settled, Spend};

impl History<'_, '_> {
    /// SEMANTICS 16.4: an extension is as large as the record says, changed as its hold's first cost was.
    pub(super) fn extend(&mut self, ledger: &Ledger, call: &Call<Extend>) {
        let Extend { hold: name, amount } = call.arguments;
        let Some(path) = ledger.hold(name).map(|hold| hold.path) else { return };
        let cells = taken(ledger, &path);
        let payable = self.cells.payable(&cells);
        let Some(held) = self.holds.find(name) else { return };
        let was_extended = matches!(call.outcome, ExtendOutcome::Extended { .. });
        let then_micros = if was_extended { amount.micros() } else { 0 };
        let mut now_micros = 0;
        if let Some(now) = &mut held.now {
            let more = if now.is_recorded { amount.micros() } else { scaled(amount, now, &held.then) };
            let is_extended = match (self.budgets, call.outcome) {
                (Budgets::Simulated, ExtendOutcome::Extended { .. } | ExtendOutcome::DeniedBudget { .. })
                    if !now.is_recorded =>
                {
                    payable.is_some_and(|payable| more <= payable.amount.micros())
                }
                _ => was_extended,
            };
            if is_extended {
                now_micros = more;
                now.held_micros = now.held_micros.saturating_add(more);
                count(&mut self.tally.extensions.now);
            }
            if !now.is_recorded && (is_extended || was_extended) {
                count(&mut self.tally.needed.scaled_extensions);
            }
        }
        self.tally.extensions.then = self.tally.extensions.then.saturating_add(was_extended.into());
        let candidates = (held.then.candidate, held.now.map(|now| now.candidate));
        self.cells.hold(&cells, now_micros);
        self.tally.money.held.add(then_micros, now_micros);
        self.cells.tell(&cells, |row| row.money.held.add(then_micros, now_micros));
        let policies = [self.policy, &**ledger.policy()];
        self.tally.candidate(candidates.0, policies).money.held.add(then_micros, 0);
        if let Some(now) = candidates.1 {
            self.tally.candidate(now, policies).money.held.add(0, now_micros);
        }
    }

    pub(super) fn commit(&mut self, ledger: &Ledger, call: &Call<Commit>) {
        let Commit { hold: name, spend } = &call.arguments;
        let Some(hold) = ledger.hold(*name) else { return };
        let cells = taken(ledger, &hold.path);
        let policy = ledger.policy_of(hold.epoch).unwrap_or_else(|| ledger.policy());
        let Some(held) = self.end(ledger, *name) else { return };
        let (then, now) = self.parts(&held, spend, call.outcome.actual);
        if let (Some(side), Some((_, part_micros))) = (held.now, now) {
            let overrun = overrun(ledger, &cells);
            self.cells.book(&cells, overrun, side.held_micros, part_micros, call.outcome.settled);
        }
        self.spent(policy, &cells, Some(then), now);
    }

    /// SEMANTICS 16.4: what the whole until now is above the whole before is booked, and the rest stays held.
    pub(super) fn part_commit(&mut self, ledger: &Ledger, call: &Call<PartCommit>) {
        let PartCommit { hold: name, spend } = &call.arguments;
        let Some(hold) = ledger.hold(*name) else { return };
        let cells = taken(ledger, &hold.path);
        let policy = ledger.policy_of(hold.epoch).unwrap_or_else(|| ledger.policy());
        let Some(mut held) = self.holds.find(*name).copied() else { return };
        let (then, now) = self.parts(&held, spend, call.outcome.actual);
        held.then.spent_micros = call.outcome.actual.micros();
        if let (Some(side), Some((_, part_micros))) = (&mut held.now, now) {
            let within = side.held_micros.min(part_micros);
            self.cells.give_back(&cells, within);
            self.cells.book(&cells, overrun(ledger, &cells), within, part_micros, Settled::InTime);
            side.held_micros = side.held_micros.saturating_sub(within);
            side.spent_micros = side.spent_micros.saturating_add(part_micros);
        }
        self.holds.open(*name, held);
        self.spent(policy, &cells, Some(then), now);
    }

    /// Who served and would have served, and what is new on either side in a statement of the whole until now.
    fn parts(
        &mut self,
        held: &Held,
        spend: &Spend,
        actual: Amount,
    ) -> ((CandidateId, u64), Option<(CandidateId, u64)>) {
        let served = match spend {
            Spend::Usage { served, .. } => *served,
            Spend::Amount(_) => held.then.candidate,
        };
        let now = held.now.map(|now| {
            let (candidate, whole_micros) = self.estimate(&held.then, &now, (served, spend), actual);
            (candidate, whole_micros.saturating_sub(now.spent_micros))
        });
        ((served, actual.micros().saturating_sub(held.then.spent_micros)), now)
    }

    /// Who would have served a hold, and what would have been spent. SEMANTICS 16.4.
    fn estimate(
        &mut self,
        then: &Side,
        now: &Side,
        (served, spend): (CandidateId, &Spend),
        actual: Amount,
    ) -> (CandidateId, u64) {
        if now.is_recorded {
            return (served, actual.micros());
        }
        // The host may have named another than the selected one; where the selection stands, so does that.
        let served = if now.candidate == then.candidate { served } else { now.candidate };
        if let Spend::Usage { quantities, .. } = spend {
            let cost = cost_of(self.policy, served, quantities);
            if let Some(cost) = cost.and_then(|cost| Amount::try_from(cost).ok()) {
                count(&mut self.tally.needed.priced);
                return (served, cost.micros());
            }
        }
        count(&mut self.tally.needed.scaled);
        (served, scaled(actual, now, then))
    }

    /// Ends a hold: what it would have held is given back.
    pub(super) fn end(&mut self, ledger: &Ledger, name: Sequence) -> Option<Held> {
        self.give_back(ledger, name);
        self.holds.close(name)
    }

    pub(super) fn give_back(&mut self, ledger: &Ledger, name: Sequence) {
        let Some(path) = ledger.hold(name).map(|hold| hold.path) else { return };
        let Some(held) = self.holds.find(name).filter(|held| !held.given_back) else { return };
        held.given_back = true;
        let micros = held.now.map_or(0, |now| now.held_micros);
        self.cells.give_back(&taken(ledger, &path), micros);
    }
}

/// The strictest mode on a path. SEMANTICS 9.6.
fn overrun(ledger: &Ledger, cells: &Taken) -> Overrun {
    let modes = cells.iter().filter_map(|id| ledger.account(*id)).map(|of| of.opened.overrun);
    modes.fold(Overrun::Debt, Overrun::strictest)
}
