//! What fills the throttles of accounts: guarded by the section, as every effect is. SEMANTICS 19.

use alloc::{collections::BTreeMap, vec::Vec};

use crate::{
    caps::Caps,
    id::AccountId,
    kernel::Request,
    num::{Amount, Timestamp},
    policy::QuantityMask,
    throttle::{Backlog, Counts, Throttle, Throttled},
};

/// The throttles of the accounts that have some.
pub(super) struct Throttles {
    accounts: BTreeMap<AccountId, Vec<(Throttle, Backlog)>>,
}

/// The throttle that denied, and when what it denied would pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThrottledBy {
    /// The account.
    pub account: AccountId,
    /// Which of its throttles.
    pub throttle: u8,
    /// When the same would pass, if nothing passes before; `None` where it never does, being more than the burst, and
    /// for an answer that is repeated.
    pub retry_at: Option<Timestamp>,
}

impl Throttles {
    pub(super) fn new() -> Self {
        Self { accounts: BTreeMap::new() }
    }

    pub(super) fn open(&mut self, account: AccountId, caps: &Caps) {
        self.restore(account, caps, &[]);
    }

    /// Takes in what a log says fills them; nothing where it says nothing.
    pub(super) fn restore(&mut self, account: AccountId, caps: &Caps, backlogs: &[Backlog]) {
        let backlog = |place| backlogs.get(place).copied().unwrap_or_default();
        let all = caps.throttles().iter().enumerate().map(|(place, throttle)| (*throttle, backlog(place)));
        let all: Vec<_> = all.collect();
        if !all.is_empty() {
            self.accounts.insert(account, all);
        }
    }

    /// The earliest throttle of these accounts that the request does not pass with that cost.
    pub(super) fn find(
        &self,
        accounts: impl Iterator<Item = AccountId>,
        now: Timestamp,
        request: &Request,
        amount: Amount,
    ) -> Option<ThrottledBy> {
        if self.accounts.is_empty() {
            return None;
        }
        for account in accounts {
            for (number, (throttle, backlog)) in
                (0_u8..).zip(self.accounts.get(&account).into_iter().flatten())
            {
                if let Err(why) = throttle.pass(*backlog, now, counted(throttle.counts, request, amount)) {
                    let retry_at = match why {
                        Throttled::For { wait_ns } => now.checked_add_ns(wait_ns),
                        Throttled::Never => None,
                    };
                    return Some(ThrottledBy { account, throttle: number, retry_at });
                }
            }
        }
        None
    }

    /// Counts a request that passes all of them.
    pub(super) fn pass(
        &mut self,
        accounts: impl Iterator<Item = AccountId>,
        now: Timestamp,
        request: &Request,
        amount: Amount,
    ) {
        if self.accounts.is_empty() {
            return;
        }
        for account in accounts {
            for (throttle, backlog) in self.accounts.get_mut(&account).into_iter().flatten() {
                if let Ok(passed) = throttle.pass(*backlog, now, counted(throttle.counts, request, amount)) {
                    *backlog = passed;
                }
            }
        }
    }
}

/// What a request counts. SEMANTICS 19.1.
fn counted(counts: Counts, request: &Request, amount: Amount) -> u128 {
    match counts {
        Counts::Requests => 1,
        Counts::Cost => amount.micros().into(),
        Counts::Units { quantities } => request.quantities().sum(QuantityMask::from_bits(quantities)),
    }
}
