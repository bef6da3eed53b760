//! Writing the canonical form, by handles for checkpoints and by names for the digest.

use alloc::{vec, vec::Vec};

use super::LAYOUT;
use crate::codec::Writer;
use crate::crypto::Digest;
use crate::id::AccountId;
use crate::ledger::account::{Account, AccountState};
use crate::ledger::cell::{Cell, CellId};
use crate::ledger::hold::{Hold, HoldState};
use crate::ledger::operation::Remembered;
use crate::ledger::{Ledger, Snapshot};
use crate::num::Amount;
use crate::policy::Policy;
use crate::record::{self, Path};
use crate::window::Span;

impl Ledger {
    /// Appends the canonical form. FORMAT 10.3.
    pub fn encode(&self, out: &mut Vec<u8>) {
        self.encode_as(&Numbering::Handles, out);
    }

    /// The digest: independent of the order in which accounts were opened, as far as no remembered operation names
    /// one. FORMAT 10.10.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let mut form = Vec::new();
        self.encode_as(&Numbering::by_name(self.accounts.by_name(), self.accounts.len()), &mut form);
        Digest::of("assize/ledger/1", &form)
    }

    fn encode_as(&self, numbering: &Numbering, out: &mut Vec<u8>) {
        let mut writer = Writer::new(out);
        writer.u16(LAYOUT);
        writer.u64(self.sequence.0);
        writer.i64(self.log_time.0);
        self.terms.encode(out);
        Writer::new(out).u8(self.halt.code());
        self.encode_policies(numbering, out);
        // FORMAT 10.5
        let mut writer = Writer::new(out);
        writer.u32(count(self.disabled.len()));
        self.disabled.iter().for_each(|candidate| writer.u32(candidate.0));
        self.encode_accounts(numbering, out);
        // FORMAT 10.7
        Writer::new(out).u32(count(self.holds.len()));
        for (sequence, hold) in self.holds.iter() {
            Writer::new(out).u64(sequence.0);
            encode_hold(hold, numbering, out);
        }
        // FORMAT 10.11
        Writer::new(out).u32(count(self.settled.len()));
        for (sequence, hold) in self.settled.iter() {
            let mut writer = Writer::new(out);
            writer.u64(sequence.0);
            writer.i64(hold.settled.0);
            writer.u64(hold.booked.micros());
            writer.u64(hold.unfunded.micros());
            encode_path(&hold.path, &hold.cells, numbering, out);
        }
        // FORMAT 10.9
        Writer::new(out).u32(count(self.operations.len()));
        for (id, remembered) in self.operations.iter() {
            Writer::new(out).raw(&id.0);
            encode_operation(remembered, out);
        }
    }

    // FORMAT 10.4
    fn encode_policies(&self, numbering: &Numbering, out: &mut Vec<u8>) {
        let mut writer = Writer::new(out);
        writer.u64(self.policy().epoch().0);
        writer.u32(count(self.policies.len()));
        for policy in self.policies.iter() {
            match numbering {
                Numbering::Handles => encode_policy(policy, out),
                Numbering::Names { .. } => Writer::new(out).raw(&policy.digest().0),
            }
        }
    }

    // FORMAT 10.6
    fn encode_accounts(&self, numbering: &Numbering, out: &mut Vec<u8>) {
        Writer::new(out).u32(count(self.accounts.len()));
        match numbering {
            Numbering::Handles => {
                self.accounts.iter().for_each(|(_, account)| encode_account(account, numbering, out));
            }
            Numbering::Names { .. } => self
                .accounts
                .by_name()
                .filter_map(|account| self.accounts.find(account))
                .for_each(|account| encode_account(account, numbering, out)),
        }
    }
}

impl Snapshot {
    /// Appends what its digest is of. FORMAT 10.13.
    pub(in crate::ledger) fn encode(&self, out: &mut Vec<u8>) {
        let mut writer = Writer::new(out);
        writer.u64(self.sequence.0);
        writer.i64(self.log_time.0);
        writer.u32(count(self.accounts.len()));
        let mut by_name: Vec<_> = self.accounts().collect();
        by_name.sort_unstable_by_key(|(_, account)| account.opened.name);
        let numbering = Numbering::by_name(by_name.iter().map(|(id, _)| *id), by_name.len());
        by_name.iter().for_each(|(_, account)| encode_account(account, &numbering, out));
    }
}

fn encode_hold(hold: &Hold, numbering: &Numbering, out: &mut Vec<u8>) {
    let mut writer = Writer::new(out);
    writer.u8(match hold.state {
        HoldState::Open => 0,
        HoldState::Expired => 1,
    });
    writer.u64(hold.amount.micros());
    writer.u64(hold.spent.micros());
    writer.u64(hold.unfunded.micros());
    writer.i64(hold.deadline.0);
    writer.u64(hold.epoch.0);
    writer.u32(hold.candidate.0);
    encode_path(&hold.path, &hold.cells, numbering, out);
}

/// A path's accounts, and the cells that were taken from. FORMAT 10.7.
fn encode_path(path: &Path, cells: &[CellId], numbering: &Numbering, out: &mut Vec<u8>) {
    let mut writer = Writer::new(out);
    let named = path.accounts();
    writer.u8(u8::try_from(named.len()).unwrap_or(u8::MAX));
    named.iter().for_each(|account| writer.u32(numbering.number(*account)));
    writer.u8(u8::try_from(cells.len()).unwrap_or(u8::MAX));
    for cell in cells {
        writer.u32(numbering.number(cell.account));
        writer.u8(cell.limit);
        writer.i64(cell.start.0);
    }
}

/// What stands for an account.
enum Numbering {
    /// Its handle.
    Handles,
    /// Its place among all accounts' names, by handle.
    Names { ranks: Vec<u32> },
}

impl Numbering {
    /// By the places of these accounts, which are so many, in the order of their names.
    fn by_name(sorted: impl Iterator<Item = AccountId>, accounts: usize) -> Self {
        let mut ranks = vec![0; accounts];
        for (rank, account) in (0_u32..).zip(sorted) {
            if let Some(place) = usize::try_from(account.0).ok().and_then(|place| ranks.get_mut(place)) {
                *place = rank;
            }
        }
        Self::Names { ranks }
    }

    fn number(&self, account: AccountId) -> u32 {
        match self {
            Self::Handles => account.0,
            Self::Names { ranks } => {
                let place = usize::try_from(account.0).ok().and_then(|place| ranks.get(place));
                place.copied().unwrap_or(account.0)
            }
        }
    }
}

fn encode_policy(policy: &Policy, out: &mut Vec<u8>) {
    let start = out.len();
    out.extend_from_slice(&[0; COUNT_BYTES]);
    policy.encode(out);
    let bytes = count(out.len().saturating_sub(start).saturating_sub(COUNT_BYTES));
    if let Some(place) = out.get_mut(start..start.saturating_add(COUNT_BYTES)) {
        place.copy_from_slice(&bytes.to_le_bytes());
    }
}

/// Bytes of the count before a policy.
const COUNT_BYTES: usize = 4;

fn encode_account(account: &Account, numbering: &Numbering, out: &mut Vec<u8>) {
    let parent = account.opened.parent.map(|parent| AccountId(numbering.number(parent)));
    record::Account { parent, ..account.opened.clone() }.encode(out);
    let mut writer = Writer::new(out);
    writer.u8(match account.state {
        AccountState::Open => 0,
        AccountState::Closed => 1,
    });
    for limit in 0..account.limits.count() {
        writer.u64(account.limits.allowance(limit).map_or(0, Amount::micros));
        let windows = || account.limits.cells().filter(|(of, ..)| *of == limit);
        writer.u32(count(windows().count()));
        windows().for_each(|(_, span, cell)| encode_window(span, cell, &mut writer));
    }
    for backlog in &account.backlogs {
        writer.i64(backlog.as_of.0);
        writer.raw(&backlog.level.to_le_bytes());
    }
}

fn encode_window(span: Span, cell: &Cell, writer: &mut Writer<'_>) {
    writer.i64(span.start.0);
    writer.i64(span.end.0);
    writer.i64(cell.granted_micros);
    writer.i64(cell.available_micros);
    writer.u64(cell.committed_micros);
    writer.u64(cell.lapsed_micros);
    writer.u64(cell.unfunded_micros);
}

fn encode_operation(remembered: &Remembered, out: &mut Vec<u8>) {
    let mut writer = Writer::new(out);
    writer.i64(remembered.issued.0);
    writer.raw(&remembered.digest.0);
    writer.u16(remembered.kind.code());
    writer.u64(remembered.sequence.0);
    let written = writer.bytes8(&remembered.outcome);
    assert!(written.is_ok(), "an outcome has at most 111 bytes");
}

/// A count as the layout has it; `limits` keeps all of them far below.
fn count(items: usize) -> u32 {
    let counted = u32::try_from(items);
    assert!(counted.is_ok(), "accounts, holds, operations and policies are fewer than 2³²");
    counted.unwrap_or(u32::MAX)
}
