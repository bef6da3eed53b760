//! Reading the canonical form: strictly, and believing nothing that can be worked out again.

use alloc::sync::Arc;
use std::{boxed::Box, collections::BTreeMap, vec::Vec};

use super::{CheckpointError, LAYOUT};
use crate::codec::Reader;
use crate::crypto::Digest;
use crate::id::{AccountId, CandidateId, Epoch, OperationId, Sequence};
use crate::ledger::Ledger;
use crate::ledger::account::{Account, AccountState};
use crate::ledger::cell::{Cell, CellId};
use crate::ledger::hold::{Hold, HoldState, is_older};
use crate::ledger::limit::{Limits, WindowCell};
use crate::ledger::mismatch::Mismatch;
use crate::ledger::operation::Remembered;
use crate::ledger::policies::Policies;
use crate::ledger::settled::SettledHold;
use crate::limits::{ACCOUNTS_MAX, HOLDS_MAX, OPERATIONS_MAX, PATH_CELLS_MAX, POLICY_BYTES_MAX};
use crate::num::{Amount, Timestamp};
use crate::policy::Policy;
use crate::record::{
    self, Adjust, Admission, Commit, Extend, Grant, Halt, Kind, PartCommit, Path, Release, Reparent, Reroute,
    Terms,
};
use crate::throttle::{Backlog, Throttle};
use crate::window::{Span, Window};

impl Ledger {
    /// Reads the canonical form, and recounts what its parts say of each other.
    ///
    /// # Errors
    /// The bytes are no canonical form, or contradict themselves.
    pub fn decode(bytes: &[u8]) -> Result<Self, CheckpointError> {
        let mut reader = Reader::new(bytes);
        if reader.u16()? != LAYOUT {
            return Err(reader.invalid("layout of a checkpoint").into());
        }
        let sequence = Sequence(reader.u64()?);
        let log_time = Timestamp(reader.i64()?);
        let terms = Terms::decode(&mut reader)?;
        let halt = Halt::decode(&mut reader)?;
        let policies = decode_policies(&mut reader)?;
        let genesis = Self::new(terms, Arc::clone(policies.in_force()), log_time);
        let mut ledger = Self { sequence, halt, policies, ..genesis };
        ledger.decode_disabled(&mut reader)?;
        ledger.decode_accounts(&mut reader)?;
        ledger.decode_holds(&mut reader)?;
        ledger.decode_settled(&mut reader)?;
        ledger.decode_operations(&mut reader)?;
        reader.finish()?;
        ledger.check_restored()?;
        Ok(ledger)
    }

    // FORMAT 10.5
    fn decode_disabled(&mut self, reader: &mut Reader<'_>) -> Result<(), CheckpointError> {
        for _ in 0..reader.u32()? {
            let candidate = CandidateId(reader.u32()?);
            if self.disabled.last().is_some_and(|last| *last >= candidate) {
                return Err(reader.invalid("order of disabled candidates").into());
            }
            self.disabled.insert(candidate);
        }
        Ok(())
    }

    // FORMAT 10.6
    fn decode_accounts(&mut self, reader: &mut Reader<'_>) -> Result<(), CheckpointError> {
        let count = reader.u32()?;
        if usize::try_from(count).unwrap_or(usize::MAX) > ACCOUNTS_MAX {
            return Err(reader.invalid("count of accounts").into());
        }
        // Parents may come later than who is below them now; closing comes after all are open.
        let mut closed = Vec::new();
        let mut parents = Vec::new();
        for account in (0..count).map(AccountId) {
            let mut opened = record::Account::decode(reader)?;
            if let Some(parent) = opened.parent.take() {
                parents.push(Reparent { account, parent: Some(parent) });
            }
            self.accounts
                .check_next(&opened)
                .map_err(|_| CheckpointError::Account { account, what: "its name is another's" })?;
            self.accounts.push(opened, self.log_time);
            match reader.u8()? {
                0 => {}
                1 => closed.push(account),
                _ => return Err(reader.invalid("state of an account").into()),
            }
            let Some(restored) = self.accounts.find_mut(account) else { continue };
            decode_limits(reader, restored, self.log_time)?;
            for (backlog, throttle) in restored.backlogs.iter_mut().zip(restored.opened.caps.throttles()) {
                *backlog = decode_backlog(reader, throttle, self.log_time)?;
            }
        }
        for Reparent { account, parent } in parents {
            if parent.is_none_or(|parent| self.accounts.find(parent).is_none()) {
                let what = "there is no such account to be its parent";
                return Err(CheckpointError::Account { account, what });
            }
            self.accounts.reparent(account, parent);
        }
        if let Some(account) = self.accounts.too_deep() {
            return Err(CheckpointError::Account { account, what: "it is too deep below its root" });
        }
        for account in closed {
            self.accounts.close(account);
        }
        Ok(())
    }

    // FORMAT 10.7
    fn decode_holds(&mut self, reader: &mut Reader<'_>) -> Result<(), CheckpointError> {
        let count = reader.u32()?;
        if usize::try_from(count).unwrap_or(usize::MAX) > HOLDS_MAX {
            return Err(reader.invalid("count of holds").into());
        }
        let mut last = Sequence(0);
        for _ in 0..count {
            let sequence = Sequence(reader.u64()?);
            if sequence <= last || sequence > self.sequence {
                return Err(reader.invalid("sequence of a hold").into());
            }
            last = sequence;
            let hold = self.decode_hold(reader)?;
            self.policies.name(hold.epoch);
            self.accounts.restore_hold(&hold);
            self.holds.insert(sequence, hold);
        }
        Ok(())
    }

    fn decode_hold(&self, reader: &mut Reader<'_>) -> Result<Hold, CheckpointError> {
        let state = match reader.u8()? {
            0 => HoldState::Open,
            1 => HoldState::Expired,
            _ => return Err(reader.invalid("state of a hold").into()),
        };
        let amount = Amount::new(reader.u64()?).ok_or_else(|| reader.invalid("amount of a hold"))?;
        let spent = Amount::new(reader.u64()?).ok_or_else(|| reader.invalid("amount spent of a hold"))?;
        let unfunded = Amount::new(reader.u64()?).filter(|unfunded| *unfunded <= spent);
        let unfunded = unfunded.ok_or_else(|| reader.invalid("amount unfunded of a hold"))?;
        let deadline = Timestamp(reader.i64()?);
        let epoch = Epoch(reader.u64()?);
        let candidate = CandidateId(reader.u32()?);
        if self.policies.find(epoch).is_none_or(|policy| policy.candidate(candidate).is_none()) {
            return Err(contradiction("a hold's policy or candidate is missing"));
        }
        let (path, cells) = self.decode_path(reader)?;
        let expired = state == HoldState::Expired;
        if expired && deadline > self.log_time {
            return Err(contradiction("a hold has expired before its deadline"));
        }
        if expired && is_older(deadline, self.log_time, self.terms.late_window_ns) {
            return Err(contradiction("an expired hold is beyond the late window"));
        }
        Ok(Hold { state, amount, spent, unfunded, deadline, epoch, candidate, path, cells })
    }

    /// The accounts named, and the cells taken from: of theirs first, each once, and kept.
    fn decode_path(&self, reader: &mut Reader<'_>) -> Result<(Path, Box<[CellId]>), CheckpointError> {
        let foreign = || contradiction("a hold's cells are not those of its path");
        let path = Path::decode(reader)?;
        let count = usize::from(reader.u8()?);
        if count == 0 || count > PATH_CELLS_MAX {
            return Err(reader.invalid("count of a hold's cells").into());
        }
        let mut cells: Vec<CellId> = Vec::with_capacity(count);
        for _ in 0..count {
            let (account, limit) = (AccountId(reader.u32()?), reader.u8()?);
            let id = CellId { account, limit, start: Timestamp(reader.i64()?) };
            let of = self.accounts.find(account).ok_or_else(foreign)?;
            of.limits.find(id).ok_or_else(foreign)?;
            // An account's limits follow each other, from the first to the last.
            let expected = match cells.last() {
                Some(last) if last.limit.saturating_add(1) < self.limits_of(last.account) => {
                    (last.account, last.limit.saturating_add(1))
                }
                _ => (account, 0),
            };
            let twice = limit == 0 && cells.iter().any(|earlier| earlier.account == account);
            if (account, limit) != expected || twice {
                return Err(foreign());
            }
            cells.push(id);
        }
        let whole =
            cells.last().is_some_and(|last| last.limit.saturating_add(1) == self.limits_of(last.account));
        let named = |account: &AccountId| cells.iter().any(|cell| cell.account == *account);
        if !whole || !path.accounts().iter().all(named) {
            return Err(foreign());
        }
        Ok((path, cells.into_boxed_slice()))
    }

    fn limits_of(&self, account: AccountId) -> u8 {
        self.accounts.find(account).map_or(0, |of| of.limits.count())
    }

    // FORMAT 10.11
    fn decode_settled(&mut self, reader: &mut Reader<'_>) -> Result<(), CheckpointError> {
        let count = reader.u32()?;
        if count > self.terms.settled_max {
            return Err(reader.invalid("count of settled holds").into());
        }
        let mut last = Sequence(0);
        for _ in 0..count {
            let sequence = Sequence(reader.u64()?);
            if sequence <= last || sequence > self.sequence || self.holds.find(sequence).is_some() {
                return Err(reader.invalid("sequence of a settled hold").into());
            }
            last = sequence;
            let settled = Timestamp(reader.i64()?);
            if settled > self.log_time || is_older(settled, self.log_time, self.terms.adjust_window_ns) {
                return Err(contradiction("a settled hold is not within the window"));
            }
            let booked = Amount::new(reader.u64()?).ok_or_else(|| reader.invalid("amount booked"))?;
            let unfunded = Amount::new(reader.u64()?).filter(|more| booked.checked_add(*more).is_some());
            let unfunded = unfunded.ok_or_else(|| reader.invalid("amount unfunded"))?;
            let (path, cells) = self.decode_path(reader)?;
            self.accounts.name(&cells);
            self.settled.insert(sequence, SettledHold { settled, booked, unfunded, path, cells });
        }
        Ok(())
    }

    // FORMAT 10.9
    fn decode_operations(&mut self, reader: &mut Reader<'_>) -> Result<(), CheckpointError> {
        let count = reader.u32()?;
        if usize::try_from(count).unwrap_or(usize::MAX) > OPERATIONS_MAX {
            return Err(reader.invalid("count of operations").into());
        }
        let mut last: Option<OperationId> = None;
        for _ in 0..count {
            let id = OperationId(reader.array()?);
            if last >= Some(id) {
                return Err(reader.invalid("order of operations").into());
            }
            last = Some(id);
            let remembered = self.decode_operation(reader)?;
            self.operations.insert(id, remembered);
        }
        Ok(())
    }

    fn decode_operation(&self, reader: &mut Reader<'_>) -> Result<Remembered, CheckpointError> {
        let issued = Timestamp(reader.i64()?);
        if is_older(issued, self.log_time, self.terms.operation_horizon_ns) {
            return Err(contradiction("an operation is beyond the horizon"));
        }
        let digest = Digest(reader.array()?);
        let kind = Kind::from_code(reader.u16()?).ok_or_else(|| reader.invalid("kind of an operation"))?;
        let sequence = Sequence(reader.u64()?);
        if sequence.0 == 0 || sequence > self.sequence {
            return Err(reader.invalid("sequence of an operation").into());
        }
        let outcome = Box::from(reader.bytes8()?);
        let remembered = Remembered { issued, digest, kind, sequence, outcome };
        match kind {
            Kind::Admission => remembered.outcome::<Admission>().map(drop)?,
            Kind::Commit => remembered.outcome::<Commit>().map(drop)?,
            Kind::Release => remembered.outcome::<Release>().map(drop)?,
            Kind::Extend => remembered.outcome::<Extend>().map(drop)?,
            Kind::PartCommit => remembered.outcome::<PartCommit>().map(drop)?,
            Kind::Reroute => remembered.outcome::<Reroute>().map(drop)?,
            Kind::Adjust => remembered.outcome::<Adjust>().map(drop)?,
            Kind::Grant => remembered.outcome::<Grant>()?,
            _ => return Err(reader.invalid("kind of an operation").into()),
        }
        Ok(remembered)
    }

    /// What one part cannot say by itself.
    fn check_restored(&self) -> Result<(), CheckpointError> {
        let in_force = self.policy().epoch();
        if self.policies.iter().any(|kept| kept.epoch() != in_force && self.policies.holds(kept.epoch()) == 0)
        {
            return Err(contradiction("a policy is neither in force nor named by a hold"));
        }
        // FORMAT 10.2
        let begun = self.halt != Halt::None
            || self.policies.len() > 1
            || !self.disabled.is_empty()
            || self.accounts.len() > 0;
        if self.sequence.0 == 0 && begun {
            return Err(contradiction("something happened before the first record"));
        }
        for (account, of) in self.accounts.iter().filter(|(_, of)| of.state == AccountState::Closed) {
            if of.holds_open() > 0 || of.children_open > 0 {
                let what = "it is closed with a hold or an account open at or below it";
                return Err(CheckpointError::Account { account, what });
            }
        }
        if let Some(account) = self.accounts.idle_window() {
            return Err(CheckpointError::Account {
                account,
                what: "a closed window is kept that no hold names",
            });
        }
        self.check_conservation().map_err(|mismatch| match mismatch {
            Mismatch::Reserved { account, .. } | Mismatch::Overflow { account } => {
                CheckpointError::Account { account, what: "its open holds do not hold what it has reserved" }
            }
            Mismatch::Conservation { account } => {
                CheckpointError::Account { account, what: "its counters do not add up" }
            }
            _ => contradiction("a hold's path has no cells"),
        })?;
        self.check_spent()
    }

    /// What is remembered of holds as booked and as unfunded is in the counters of each of their cells, beside what
    /// is not remembered any more. FORMAT 10.12.
    fn check_spent(&self) -> Result<(), CheckpointError> {
        let mut spent: BTreeMap<CellId, (u128, u128)> = BTreeMap::new();
        let settled = self.settled.iter().map(|(_, hold)| (&hold.cells, hold.booked, hold.unfunded));
        let others = self.holds.iter().map(|(_, hold)| {
            // OK because an amount unfunded above what was spent is not read.
            (&hold.cells, hold.spent.checked_sub(hold.unfunded).unwrap_or(Amount::ZERO), hold.unfunded)
        });
        for (cells, booked, unfunded) in settled.chain(others) {
            for cell in cells {
                // OK because there are fewer than 2⁶⁴ holds of amounts below 2⁶³.
                let (booked_micros, unfunded_micros) = spent.entry(*cell).or_default();
                *booked_micros = booked_micros.saturating_add(booked.micros().into());
                *unfunded_micros = unfunded_micros.saturating_add(unfunded.micros().into());
            }
        }
        for (id, (booked_micros, unfunded_micros)) in spent {
            let account = id.account;
            let cell =
                self.accounts.find(account).and_then(|of| of.limits.find(id)).copied().unwrap_or_default();
            if booked_micros > cell.committed_micros.into() {
                let what = "its holds have booked more than it has committed";
                return Err(CheckpointError::Account { account, what });
            }
            // One that has saturated says no number any more. SEMANTICS 9.11.
            let saturated = cell.unfunded_micros == u64::MAX;
            if !saturated && unfunded_micros > cell.unfunded_micros.into() {
                let what = "its holds have missed more than it has unfunded";
                return Err(CheckpointError::Account { account, what });
            }
        }
        Ok(())
    }
}

// FORMAT 10.4
fn decode_policies(reader: &mut Reader<'_>) -> Result<Policies, CheckpointError> {
    let in_force = Epoch(reader.u64()?);
    let count = reader.u32()?;
    let mut policies: Option<Policies> = None;
    for _ in 0..count {
        let canonical = reader.bytes32()?;
        if canonical.len() > POLICY_BYTES_MAX {
            return Err(reader.invalid("size of a policy").into());
        }
        let policy = Arc::new(Policy::decode(canonical).map_err(CheckpointError::Policy)?);
        let Some(policies) = &mut policies else {
            policies = Some(Policies::new(policy));
            continue;
        };
        // Policies between these may be gone, so that no more than this can be asked of them.
        let last = policies.in_force();
        if last.epoch() >= policy.epoch() || last.schema().digest() != policy.schema().digest() {
            return Err(contradiction("policies whose epochs do not rise, or of several schemas"));
        }
        policies.follow(policy);
    }
    // Epochs rise, so the one in force is the last.
    match policies {
        Some(policies) if policies.in_force().epoch() == in_force => Ok(policies),
        _ => Err(contradiction("the policy in force is not the last")),
    }
}

/// The windows of each limit, and what they begin with.
fn decode_limits(
    reader: &mut Reader<'_>,
    account: &mut Account,
    log_time: Timestamp,
) -> Result<(), CheckpointError> {
    let windows = account.opened.caps.windows().to_vec();
    for (number, window) in (0_u8..).zip(windows) {
        let allowance = Amount::new(reader.u64()?).ok_or_else(|| reader.invalid("allowance"))?;
        let count = reader.u32()?;
        let mut kept: Vec<WindowCell> = Vec::new();
        for place in 1..=u64::from(count) {
            let decoded = decode_window(reader)?;
            let follows = kept.last().is_none_or(|last| {
                last.span.end <= decoded.span.start
                    || window == Window::Given && last.span.start < decoded.span.start
            });
            let closed = place < u64::from(count);
            if !follows || !is_of(window, decoded.span, log_time) {
                return Err(reader.invalid("window of a limit").into());
            }
            if closed && decoded.cell.available_micros > 0 {
                return Err(reader.invalid("amount available of a closed window").into());
            }
            kept.push(decoded);
        }
        let current = kept.pop().ok_or_else(|| reader.invalid("count of windows"))?;
        let cell = current.cell;
        let at_odds = cell.granted_micros != allowance.signed_micros() || cell.lapsed_micros != 0;
        if window == Window::Lifetime && (at_odds || !kept.is_empty()) {
            return Err(reader.invalid("cell of a lifetime").into());
        }
        if cell.granted_micros > allowance.signed_micros() {
            return Err(reader.invalid("amount granted of a window").into());
        }
        if let Limits::Lifetime(restored) = &mut account.limits {
            *restored = cell;
        } else if let Some(limit) = account.limits.limit_mut(number) {
            limit.allowance = allowance;
            limit.current = current;
            limit.closed = kept.into_iter().map(|window| (window.span.start, window)).collect();
        }
    }
    Ok(())
}

/// Whether a window of that kind can be there at that time.
fn is_of(window: Window, span: Span, log_time: Timestamp) -> bool {
    match window {
        Window::Lifetime => span == Span::default(),
        // The host may have ended several at one instant.
        Window::Given => span.end == Timestamp(i64::MAX),
        Window::Day { .. } | Window::Month { .. } | Window::Fixed { .. } => {
            span.start <= log_time && window.span(span.start) == span
        }
    }
}

fn decode_window(reader: &mut Reader<'_>) -> Result<WindowCell, CheckpointError> {
    let span = Span { start: Timestamp(reader.i64()?), end: Timestamp(reader.i64()?) };
    let (granted_micros, available_micros) = (reader.i64()?, reader.i64()?);
    let (committed_micros, lapsed_micros) = (reader.u64()?, reader.u64()?);
    let unfunded_micros = reader.u64()?;
    // What is left is reserved, and must be what the holds hold.
    let reserved = i128::from(granted_micros)
        .saturating_sub(i128::from(available_micros))
        .saturating_sub(i128::from(committed_micros))
        .saturating_sub(i128::from(lapsed_micros));
    let reserved_micros = u64::try_from(reserved).map_err(|_| reader.invalid("counters of a cell"))?;
    let cell = Cell {
        granted_micros,
        available_micros,
        reserved_micros,
        committed_micros,
        lapsed_micros,
        unfunded_micros,
    };
    Ok(WindowCell { span, cell, holds: 0 })
}

fn decode_backlog(
    reader: &mut Reader<'_>,
    throttle: &Throttle,
    log_time: Timestamp,
) -> Result<Backlog, CheckpointError> {
    let backlog = Backlog { as_of: Timestamp(reader.i64()?), level: u128::from_le_bytes(reader.array()?) };
    let never = backlog == Backlog::default();
    if never || (backlog.as_of <= log_time && backlog.level <= throttle.level_max()) {
        Ok(backlog)
    } else {
        Err(reader.invalid("backlog of a throttle").into())
    }
}

fn contradiction(what: &'static str) -> CheckpointError {
    CheckpointError::Contradiction { what }
}
