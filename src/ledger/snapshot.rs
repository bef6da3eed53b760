//! All balances at one moment, without keeping anybody from going on. FORMAT 10.13.

use std::vec::Vec;

use super::account::Account;
use super::chunks::Chunks;
use crate::certainty::Exact;
use crate::crypto::Digest;
use crate::id::{AccountId, Sequence};
use crate::num::Timestamp;

/// The accounts of a ledger after one record, which later records do not change.
#[derive(Clone, Debug)]
pub struct Snapshot {
    pub(super) sequence: Sequence,
    pub(super) log_time: Timestamp,
    pub(super) accounts: Chunks<Account>,
}

impl super::Ledger {
    /// The accounts as they are now. Nothing is copied but one pointer for each sixteen of them; what later records
    /// change is copied before it changes, while a snapshot shares it.
    #[must_use]
    pub fn snapshot(&self) -> Exact<Snapshot> {
        let accounts = self.accounts.list().clone();
        Exact(Snapshot { sequence: self.sequence, log_time: self.log_time, accounts })
    }
}

impl Snapshot {
    /// The last record that is in it.
    #[must_use]
    pub fn sequence(&self) -> Sequence {
        self.sequence
    }

    /// The log's time after that record.
    #[must_use]
    pub fn log_time(&self) -> Timestamp {
        self.log_time
    }

    /// All accounts, open and closed, in the order of their handles.
    pub fn accounts(&self) -> impl Iterator<Item = (AccountId, &Account)> {
        (0_u32..).map(AccountId).zip(self.accounts.iter())
    }

    /// The account of that handle.
    #[must_use]
    pub fn account(&self, account: AccountId) -> Option<&Account> {
        self.accounts.get(usize::try_from(account.0).ok()?)
    }

    /// What replaying the log up to that record comes to as well, whatever the order in which accounts were opened.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let mut form = Vec::new();
        self.encode(&mut form);
        Digest::of("assize/snapshot/1", &form)
    }
}
