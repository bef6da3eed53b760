//! A log's requests, decided again one after the other while it is replayed. SEMANTICS 16.

use super::cells::{Cells, Taken, taken};
use super::holds::{Held, Holds, Side};
use super::report::{Budgets, Change, Class};
use super::tally::Tally;
use crate::audit::decide::admit;
use crate::audit::{Observer, Progress, Step, Verdict};
use crate::caps::{Binding, Bound};
use crate::id::{AccountId, CandidateId, Epoch, Sequence};
use crate::kernel::{Disabled, Request, RequestError};
use crate::ledger::{Ledger, Payable};
use crate::num::Amount;
use crate::policy::{Candidate, ColumnIndex, Policy};
use crate::record::{Account, Admission, AdmissionOutcome, Call, Grant, Halt, Path, Record, Reroute};

/// Looks on while a log is replayed, and decides again.
pub(super) struct History<'a, 'o> {
    pub(super) policy: &'a Policy,
    pub(super) budgets: Budgets,
    /// The host's disabled candidates, under the other policy.
    disabled: Disabled,
    pub(super) cells: Cells,
    pub(super) holds: Holds,
    pub(super) tally: Tally,
    /// The policy under which something was decided last.
    decided_by: Option<Epoch>,
    observer: Option<&'o mut dyn Observer>,
}

/// A request of the log, and what came of it.
struct Asked<'a> {
    sequence: Sequence,
    ledger: &'a Ledger,
    request: &'a Request,
    outcome: &'a AdmissionOutcome,
    path: &'a Path,
    reroute: bool,
}

/// What would have come of a request.
enum Now {
    Decided(Class, Option<Side>),
    NotAsked,
    Undecided,
}

impl<'a, 'o> History<'a, 'o> {
    pub(super) fn new(policy: &'a Policy, budgets: Budgets, observer: Option<&'o mut dyn Observer>) -> Self {
        Self {
            policy,
            budgets,
            disabled: Disabled::none(),
            cells: Cells::default(),
            holds: Holds::default(),
            tally: Tally::default(),
            decided_by: None,
            observer,
        }
    }

    /// Begins with what there is: nothing, but for a log that was pruned. SEMANTICS 16.4.
    fn go_on_from(&mut self, ledger: &Ledger) {
        self.disabled = Disabled::new(self.policy, ledger.disabled().iter().copied());
        for (_, account) in ledger.accounts() {
            self.cells.restore(account);
            self.tell_left_out(&account.opened);
        }
        for (name, hold) in ledger.holds() {
            self.holds.open(name, Held::of(hold));
        }
        self.tally.needed.pruned_through = ledger.sequence();
    }

    fn admission(&mut self, step: &Step<'_>, call: &Call<Admission>) {
        let Admission { path, request, .. } = &call.arguments;
        let asked = Asked {
            sequence: step.frame.sequence,
            ledger: step.ledger,
            request,
            outcome: &call.outcome,
            path,
            reroute: false,
        };
        let now = match (&call.outcome, step.ledger.halt()) {
            (AdmissionOutcome::DeniedThrottle { .. }, _) => Now::Decided(Class::DeniedThrottle, None),
            (AdmissionOutcome::DeniedBudget { binding: Binding { bound: Bound::Holds, .. }, .. }, _) => {
                Now::Decided(Class::DeniedBudget, None)
            }
            (_, Halt::None) => self.decide(&asked, None),
            _ => Now::Decided(Class::DeniedHalted, None),
        };
        self.compare(&asked, now);
    }

    /// Counts accounts with what the estimate leaves out.
    fn tell_left_out(&mut self, account: &Account) {
        if !account.caps.are_usual() {
            count(&mut self.tally.needed.capped);
        }
    }

    /// SEMANTICS 12.4 and 13.1: the old hold gives back what it would have held, then the request is decided.
    fn reroute(&mut self, step: &Step<'_>, call: &Call<Reroute>) {
        let Reroute { hold: name, request, .. } = &call.arguments;
        let Some(released) = step.ledger.hold(*name) else { return };
        let asked = Asked {
            sequence: step.frame.sequence,
            ledger: step.ledger,
            request,
            outcome: &call.outcome.admission,
            path: &released.path,
            reroute: true,
        };
        let held = self.end(step.ledger, *name).and_then(|held| held.now);
        let now = match (held, step.ledger.halt()) {
            (None, _) => Now::NotAsked,
            (Some(_), Halt::All) => Now::Decided(Class::DeniedHalted, None),
            (Some(_), Halt::None) => self.decide(&asked, None),
            (Some(held), Halt::ReduceOnly) => self.decide(&asked, Some(held.held_micros)),
        };
        count(&mut self.tally.needed.reroutes);
        self.compare(&asked, now);
    }

    /// Decides under the other policy; while only reductions pass, what costs more than that is denied.
    fn decide(&mut self, asked: &Asked<'_>, at_most: Option<u64>) -> Now {
        let decided = self.payable(asked).map(|payable| {
            // With what the record's limit says, or the estimate, in place of what the accounts could pay.
            admit(self.policy, &self.disabled, asked.request, payable, None)
        });
        match decided {
            Some(Ok(verdict)) => self.decided(&verdict, at_most),
            Some(Err(error)) => self.undecided(asked, &error),
            // A path without an account: the record does not hold.
            None => Now::Undecided,
        }
    }

    fn decided(&self, verdict: &Verdict, at_most: Option<u64>) -> Now {
        let selected = match verdict {
            Verdict::Admitted { decided } => decided.held(),
            _ => None,
        };
        let Some((candidate, cost)) = selected else { return Now::Decided(Class::from(verdict), None) };
        if at_most.is_some_and(|most| cost.micros() > most) {
            return Now::Decided(Class::DeniedHalted, None);
        }
        Now::Decided(Class::Admitted, Some(Side::new(candidate, cost)))
    }

    fn undecided(&mut self, asked: &Asked<'_>, error: &RequestError) -> Now {
        self.tally.undecided(error, self.policy, asked.ledger.policy(), asked.sequence);
        Now::Undecided
    }

    /// SEMANTICS 16.3.
    fn payable(&mut self, asked: &Asked<'_>) -> Option<Payable> {
        if self.budgets == Budgets::Simulated {
            return self.cells.payable(&taken(asked.ledger, asked.path));
        }
        let limit = asked.outcome.decided().and_then(|decided| decided.limit_applied);
        let needed = &mut self.tally.needed;
        count(if limit.is_some() { &mut needed.limited } else { &mut needed.unlimited });
        let amount = limit.and_then(|limit| Amount::try_from(limit).ok()).unwrap_or(Amount::MAX);
        let first = asked.path.accounts().first().copied().unwrap_or(AccountId(0));
        Some(Payable { amount, binding: first.into() })
    }

    /// Counts what changed, and takes what would have been held.
    fn compare(&mut self, asked: &Asked<'_>, now: Now) {
        self.note_policy(asked.ledger.policy());
        let verdict = Verdict::of(asked.outcome);
        let class = Class::from(&verdict);
        let then = match &verdict {
            Verdict::Admitted { decided } => {
                decided.held().map(|(candidate, cost)| Side::new(candidate, cost))
            }
            _ => None,
        };
        let (change, now_class, now) = match now {
            Now::NotAsked => (Change::NotAsked, None, None),
            Now::Undecided => (Change::Undecided, None, then.map(Side::as_recorded)),
            Now::Decided(now_class, now) => (changed(class, then, now_class, now), Some(now_class), now),
        };
        let (then_micros, now_micros) = (held(then), held(now));
        let row = self.tally.decisions(change, class, now_class, asked.sequence);
        count(&mut row.count);
        row.reroutes = row.reroutes.saturating_add(asked.reroute.into());
        row.held.add(then_micros, now_micros);
        self.tally.money.held.add(then_micros, now_micros);

        let cells = taken(asked.ledger, asked.path);
        self.cells.tell(&cells, |row| {
            row.executed_then = row.executed_then.saturating_add(then.is_some().into());
            row.executed_now = row.executed_now.saturating_add(now.is_some().into());
            let is_changed = !matches!(change, Change::Same | Change::Undecided);
            row.changed = row.changed.saturating_add(is_changed.into());
            row.money.held.add(then_micros, now_micros);
        });
        self.selected(asked.ledger.policy(), then, now);
        self.cells.hold(&cells, now_micros);
        match (then, now) {
            (Some(then), now) => self.holds.open(asked.sequence, Held { then, now, given_back: false }),
            (None, Some(now)) => {
                // Nobody settled it: what it holds is spent, and stays taken.
                count(&mut self.tally.needed.spent_as_held);
                self.spent(asked.ledger.policy(), &cells, None, Some((now.candidate, now_micros)));
            }
            (None, None) => {}
        }
    }

    /// Counts for candidates who was and would have been selected.
    fn selected(&mut self, policy: &Policy, then: Option<Side>, now: Option<Side>) {
        let policies = [self.policy, policy];
        let is_other = then.map(|side| side.candidate) != now.map(|side| side.candidate);
        if let Some(then) = then {
            let row = self.tally.candidate(then.candidate, policies);
            count(&mut row.selected_then);
            row.lost = row.lost.saturating_add(is_other.into());
            row.money.held.add(then.held_micros, 0);
        }
        if let Some(now) = now {
            let row = self.tally.candidate(now.candidate, policies);
            count(&mut row.selected_now);
            row.gained = row.gained.saturating_add(is_other.into());
            row.money.held.add(0, now.held_micros);
        }
    }

    /// Counts what a candidate was and would have been paid.
    pub(super) fn spent(
        &mut self,
        policy: &Policy,
        cells: &Taken,
        then: Option<(CandidateId, u64)>,
        now: Option<(CandidateId, u64)>,
    ) {
        let micros = |side: Option<(CandidateId, u64)>| side.map_or(0, |(_, micros)| micros);
        let (then_micros, now_micros) = (micros(then), micros(now));
        self.tally.money.spent.add(then_micros, now_micros);
        self.cells.tell(cells, |row| row.money.spent.add(then_micros, now_micros));
        let policies = [self.policy, policy];
        if let Some((candidate, micros)) = then {
            self.tally.candidate(candidate, policies).money.spent.add(micros, 0);
        }
        if let Some((candidate, micros)) = now {
            self.tally.candidate(candidate, policies).money.spent.add(0, micros);
        }
    }

    /// Counts the policies that decided, and looks whether their numbers mean what those of the other one do.
    fn note_policy(&mut self, policy: &Policy) {
        if self.decided_by == Some(policy.epoch()) {
            return;
        }
        self.decided_by = Some(policy.epoch());
        count(&mut self.tally.needed.policies);
        self.tally.needed.numbers_reused |= is_renumbered(self.policy, policy);
    }
}

impl Observer for History<'_, '_> {
    fn begin(&mut self, ledger: &Ledger) {
        self.go_on_from(ledger);
        if let Some(observer) = &mut self.observer {
            observer.begin(ledger);
        }
    }

    fn before(&mut self, step: &Step<'_>) {
        match step.record {
            Record::Admission(call) => self.admission(step, call),
            Record::Reroute(call) => self.reroute(step, call),
            Record::Extend(call) => self.extend(step.ledger, call),
            Record::Commit(call) => self.commit(step.ledger, call),
            Record::PartCommit(call) => self.part_commit(step.ledger, call),
            Record::Release(call) => {
                let _ended = self.end(step.ledger, call.arguments.hold);
            }
            Record::Expire(expire) => {
                for hold in expire.holds() {
                    self.give_back(step.ledger, *hold);
                }
            }
            Record::Account(account) => {
                self.cells.open(account);
                self.tell_left_out(account);
            }
            Record::Grant(call) => {
                let Grant { account, limit, change_micros } = call.arguments;
                self.cells.grant(account.limit(limit), change_micros.get());
            }
            Record::Adjust(_) => count(&mut self.tally.needed.adjustments),
            Record::Terms(_)
            | Record::Policy(_)
            | Record::Halt(_)
            | Record::CandidateSwitch(_)
            | Record::AccountClosed(_)
            | Record::Reparent(_)
            | Record::Boundary(_)
            | Record::Recovery(_)
            | Record::Retention(_) => {}
        }
        if let Some(observer) = &mut self.observer {
            observer.before(step);
        }
    }

    fn after(&mut self, step: &Step<'_>) {
        if matches!(step.record, Record::CandidateSwitch(_)) {
            self.disabled = Disabled::new(self.policy, step.ledger.disabled().iter().copied());
        }
        self.holds.prune(|name| step.ledger.hold(name).is_some());
        if let Some(observer) = &mut self.observer {
            observer.after(step);
        }
    }

    fn progress(&mut self, progress: Progress) {
        if let Some(observer) = &mut self.observer {
            observer.progress(progress);
        }
    }
}

fn changed(then: Class, then_side: Option<Side>, now: Class, now_side: Option<Side>) -> Change {
    match (then_side, now_side) {
        (Some(then), Some(now)) if then.candidate != now.candidate => Change::OtherCandidate,
        (Some(then), Some(now)) if then.cost_micros != now.cost_micros => Change::OtherCost,
        (Some(_), None) => Change::Denied,
        (None, Some(_)) => Change::Executed,
        (None, None) if then != now => Change::OtherDenial,
        (Some(_), Some(_)) | (None, None) => Change::Same,
    }
}

fn held(side: Option<Side>) -> u64 {
    side.map_or(0, |side| side.held_micros)
}

/// Whether a number of a candidate or of a member has another name in the one policy than in the other.
fn is_renumbered(one: &Policy, other: &Policy) -> bool {
    let is_renamed =
        |of: &Candidate| other.candidate(of.id()).is_some_and(|former| former.name() != of.name());
    let mut columns = (0_u8..).map(ColumnIndex).take(one.schema().columns().len());
    one.candidates().iter().any(is_renamed)
        || columns.any(|column| {
            one.listed(column).iter().any(|member| {
                let former = other.member_name(column, member);
                former.is_some() && former != one.member_name(column, member)
            })
        })
}

pub(super) fn count(counter: &mut u64) {
    *counter = counter.saturating_add(1);
}
