//! What a host does in its days: acts that leave records of every kind, each asserting what came of it.

use assize::{
    controller::{Admission, Call, DenialClass, NotAdmitted, NotExtended, NotRerouted, Permit, Reroute},
    id::{AccountId, CandidateId, Name},
    kernel::Request,
    num::Amount,
    overrun::Overrun,
    record::{Halt, Principal, ReleaseOutcome, Settled, Switch, Terms},
    wal::Level,
};

use super::host::{ALDER, BIRCH, CEDAR, Host, TERMS, amount, policy};

/// Accounts, and what is under way.
pub struct Days {
    pub host: Host,
    org: AccountId,
    /// One of each overrun mode, below the organisation.
    keys: [AccountId; 3],
    /// Can pay for the cheapest candidate and not for the dearest.
    tight: AccountId,
    /// How many acts were done.
    acts: usize,
    epoch: u64,
    /// Held and never settled.
    pub held: Vec<Permit>,
}

impl Days {
    pub fn begin(mut host: Host) -> Self {
        let org = host.account("org", None, Overrun::Debt);
        let modes = [("deny", Overrun::Deny), ("if", Overrun::IfAvailable), ("debt", Overrun::Debt)];
        let keys = modes.map(|(name, mode)| host.account(name, Some(org), mode));
        let tight = host.account("tight", None, Overrun::Deny);
        host.grant(org, 10_000_000);
        for key in keys {
            host.grant(key, 1_000_000);
        }
        host.grant(tight, 100);
        Self { host, org, keys, tight, acts: 0, epoch: 1, held: Vec::new() }
    }

    /// Goes on in a log whose days have begun.
    pub fn begin_again(host: Host) -> Self {
        let account = |name: &str| host.controller.account(&Name::new(name).unwrap()).unwrap();
        let (org, keys, tight) = (account("org"), ["deny", "if", "debt"].map(account), account("tight"));
        let epoch = host.controller.policy().epoch().0;
        Self { host, org, keys, tight, acts: 0, epoch, held: Vec::new() }
    }

    /// Does the next act, in turn.
    pub fn act(&mut self) {
        let act = ACTS[self.acts % ACTS.len()];
        // Levels change from act to act, so that what a frame says to be on disk lags behind.
        self.host.level = [Level::Written, Level::Synced, Level::Queued][self.acts % 3];
        self.acts += 1;
        act(self);
    }

    /// Leaves exactly one record.
    pub fn grant_one(&mut self) {
        self.host.grant(self.org, 1);
    }

    fn round(&self) -> usize {
        self.acts / ACTS.len()
    }

    fn key(&self) -> AccountId {
        self.keys[self.round() % self.keys.len()]
    }

    /// Quantities differ from round to round, so that no two records are alike.
    fn tokens(&self) -> u64 {
        1000 + self.round() as u64
    }

    fn take(&mut self, quality: u64) -> Permit {
        let (key, request) = (self.key(), self.host.request(quality, self.tokens()));
        let call = self.host.named();
        self.host.admit(&[key], &request, 10_000, call).unwrap()
    }

    fn refused(&mut self, accounts: &[AccountId], request: &Request) -> DenialClass {
        let call = self.host.named();
        match self.host.admit(accounts, request, 10_000, call) {
            Err(NotAdmitted::Denied(denial)) => denial.class(),
            other => panic!("{other:?}"),
        }
    }

    fn commit(&mut self, permit: Permit, spend: assize::record::Spend) -> Settled {
        let call = self.host.named();
        self.host.controller.commit(permit, spend, call).unwrap().outcome.settled
    }

    fn release(&mut self, permit: Permit) -> ReleaseOutcome {
        let call = self.host.named();
        self.host.controller.release(permit, call).unwrap().outcome
    }

    fn reroute(
        &mut self,
        permit: Permit,
        failed: CandidateId,
        request: &Request,
    ) -> Result<Permit, NotRerouted> {
        let call = self.host.named();
        let deadline = self.host.in_ms(10_000);
        self.host.controller.reroute(permit, &Reroute { failed, request, deadline }, call)
    }

    fn halt(&mut self, halt: Halt) {
        let call = self.host.call();
        self.host.controller.halt(halt, call).unwrap();
    }

    /// And the invoice says less, then more.
    fn commits_usage(&mut self) {
        let permit = self.take(0);
        let hold = permit.hold();
        assert_eq!(permit.candidate(), ALDER);
        let spend = self.host.usage(ALDER, self.tokens() - 100, 400);
        assert_eq!(self.commit(permit, spend), Settled::InTime);
        for actual in [1 + self.round() as u64 % 7, 90 + self.round() as u64] {
            let call = self.host.named();
            let adjusted = self.host.controller.adjust(hold, Amount::new(actual).unwrap(), call).unwrap();
            assert!(
                adjusted.outcome.refunded == Amount::ZERO || adjusted.outcome.booked_extra == Amount::ZERO
            );
        }
    }

    /// More than what was held: booked in full, in part or not, as the key's mode says.
    fn overruns(&mut self) {
        let permit = self.take(0);
        let spend = amount(permit.amount().micros() * 2 + 5);
        let call = self.host.call();
        let settled = self.host.controller.commit(permit, spend, call).unwrap().outcome;
        let extra = settled.booked_extra.micros() + settled.unfunded.micros();
        assert!(extra > 0 && (settled.booked_extra == Amount::ZERO) == (self.key() == self.keys[0]));
    }

    fn releases(&mut self) {
        let permit = self.take(7000);
        assert_eq!(permit.candidate(), BIRCH);
        assert!(matches!(self.release(permit), ReleaseOutcome::Released { .. }));
    }

    fn extends(&mut self) {
        let mut permit = self.take(0);
        let (call, later) = (self.host.named(), self.host.in_ms(20_000));
        self.host.controller.extend(&mut permit, Amount::new(25).unwrap(), Some(later), call).unwrap();
        let call = self.host.named();
        let too_much = Amount::new(1 << 50).unwrap();
        let denied = self.host.controller.extend(&mut permit, too_much, None, call);
        assert!(matches!(denied, Err(NotExtended::Denied(denial)) if denial.class() == DenialClass::Budget));
        for of_usage in [true, false] {
            let so_far = match of_usage {
                true => self.host.usage(ALDER, self.tokens() / 4, 0),
                false => amount(permit.spent().micros() + 15),
            };
            let call = self.host.named();
            let part = self.host.controller.part_commit(&mut permit, so_far, call).unwrap();
            assert_eq!(part.outcome.actual, permit.spent());
        }
        let whole = amount(permit.spent().micros() + 25);
        assert_eq!(self.commit(permit, whole), Settled::InTime);
    }

    fn reroutes(&mut self) {
        let permit = self.take(0);
        let request = self.host.request(0, self.tokens());
        let permit = self.reroute(permit, ALDER, &request).unwrap();
        assert_eq!(permit.candidate(), BIRCH);
        let spend = self.host.usage(BIRCH, 10, 20);
        assert_eq!(self.commit(permit, spend), Settled::InTime);
    }

    fn reroutes_to_nobody(&mut self) {
        let permit = self.take(9000);
        let request = self.host.request(9000, self.tokens());
        assert!(matches!(self.reroute(permit, CEDAR, &request), Err(NotRerouted::Denied(_))));
    }

    fn asks_too_much(&mut self) {
        let key = self.key();
        let request = self.host.request(10_000, self.tokens());
        assert_eq!(self.refused(&[key], &request), DenialClass::Policy);
        let request = self.host.request(0, 1 << 40);
        assert_eq!(self.refused(&[key], &request), DenialClass::Budget);
    }

    /// A second decision under what the account can pay chooses another.
    fn substitutes(&mut self) {
        let mut request = self.host.request(0, self.tokens());
        request.requested(CEDAR);
        let (tight, call) = (self.tight, self.host.named());
        let permit = self.host.admit(&[tight], &request, 10_000, call).unwrap();
        assert_eq!(permit.candidate(), ALDER);
        self.release(permit);
    }

    fn halts(&mut self) {
        let mut permit = self.take(0);
        let (key, request) = (self.key(), self.host.request(0, self.tokens()));
        self.halt(Halt::ReduceOnly);
        assert_eq!(self.refused(&[key], &request), DenialClass::Halted);
        let call = self.host.call();
        let denied = self.host.controller.extend(&mut permit, Amount::new(1).unwrap(), None, call);
        assert!(matches!(denied, Err(NotExtended::Denied(denial)) if denial.class() == DenialClass::Halted));
        assert!(matches!(self.reroute(permit, ALDER, &request), Err(NotRerouted::Denied(_))));
        self.halt(Halt::None);
        let permit = self.take(0);
        self.halt(Halt::All);
        assert!(matches!(self.reroute(permit, ALDER, &request), Err(NotRerouted::Denied(_))));
        self.halt(Halt::None);
    }

    /// Deadlines pass; what is settled afterwards is late.
    fn expires(&mut self) {
        let (key, request) = (self.key(), self.host.request(0, self.tokens()));
        let mut due = Vec::new();
        for deadline_ms in [4, 10, 10] {
            let call = self.host.named();
            due.push(self.host.admit(&[key], &request, deadline_ms, call).unwrap());
        }
        let [first, second, third] = due.try_into().unwrap();
        self.host.pass(1);
        let spend = self.host.usage(ALDER, 500, 500);
        assert_eq!(self.commit(first, spend), Settled::Expired);
        self.host.pass(10);
        let call = self.host.call();
        assert_eq!(self.host.controller.expire(call).unwrap(), 2);
        assert_eq!(self.commit(second, amount(12)), Settled::Expired);
        assert!(matches!(self.release(third), ReleaseOutcome::Expired));
    }

    fn switches(&mut self) {
        for (switch, served) in [(Switch::Disabled, BIRCH), (Switch::Enabled, ALDER)] {
            let call = self.host.call();
            self.host.controller.switch(ALDER, switch, call).unwrap();
            let permit = self.take(0);
            assert_eq!(permit.candidate(), served);
            self.release(permit);
        }
    }

    /// Another policy, or other terms: later settlements are taken for a little longer.
    fn swaps(&mut self) {
        match self.round() % 4 {
            0 => {
                self.epoch += 1;
                let call = self.host.call();
                self.host.controller.swap(policy(self.epoch), call).unwrap();
            }
            2 => {
                let terms = Terms { late_window_ns: TERMS.late_window_ns + self.round() as u64, ..TERMS };
                let call = self.host.call();
                self.host.controller.change_terms(terms, call).unwrap();
            }
            _ => {}
        }
    }

    fn administers(&mut self) {
        let key = self.key();
        self.host.grant(key, 1000);
        self.host.grant(key, -500);
        if self.round() % 4 == 1 {
            let name = format!("short-lived {}", self.round());
            let account = self.host.account(&name, Some(self.org), Overrun::IfAvailable);
            let call = self.host.call();
            self.host.controller.close_account(account, call).unwrap();
        }
    }

    /// On the caller's word, at two accounts; and stays open for long.
    fn leaves_open(&mut self) {
        let (key, other, request) = (self.key(), self.tight, self.host.request(0, 10));
        let call: Call = self.host.call();
        let admission = Admission {
            principal: Principal::Asserted(Name::new("somebody").unwrap()),
            accounts: &[key, other],
            request: &request,
            deadline: self.host.in_ms(3_000_000),
        };
        self.held.push(self.host.controller.admit(&admission, call).unwrap());
    }
}

const ACTS: [fn(&mut Days); 14] = [
    Days::commits_usage,
    Days::overruns,
    Days::releases,
    Days::extends,
    Days::reroutes,
    Days::reroutes_to_nobody,
    Days::asks_too_much,
    Days::substitutes,
    Days::halts,
    Days::expires,
    Days::switches,
    Days::swaps,
    Days::administers,
    Days::leaves_open,
];

/// The most records that one act leaves.
pub const RECORDS_PER_ACT_MAX: u64 = 16;
