//! Reading the canonical form: strictly, and believing nothing that can be worked out again.

use alloc::sync::Arc;
use std::{boxed::Box, vec, vec::Vec};

use super::{CheckpointError, LAYOUT};
use crate::codec::Reader;
use crate::crypto::Digest;
use crate::id::{CandidateId, Epoch, OperationId, Sequence};
use crate::ledger::Ledger;
use crate::ledger::account::AccountState;
use crate::ledger::cell::Cell;
use crate::ledger::hold::{Hold, HoldState, is_older};
use crate::ledger::mismatch::Mismatch;
use crate::ledger::operation::Remembered;
use crate::ledger::policies::Policies;
use crate::ledger::settled::SettledHold;
use crate::limits::{ACCOUNTS_MAX, HOLDS_MAX, OPERATIONS_MAX, POLICY_BYTES_MAX};
use crate::num::{Amount, Timestamp};
use crate::policy::Policy;
use crate::record::{
    self, Adjust, Admission, Commit, Extend, Grant, Halt, Kind, PartCommit, Path, Release, Reroute, Terms,
};

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
        // They close after all are open: an account may be closed below one that was opened before it.
        let mut closed = Vec::new();
        for account in (0..count).map(crate::id::AccountId) {
            let opened = record::Account::decode(reader)?;
            self.accounts.check_next(&opened).map_err(|mismatch| {
                let what = match mismatch {
                    Mismatch::NameTaken { .. } => "its name is another's",
                    Mismatch::TooDeep { .. } => "it is too deep below its root",
                    _ => "there is no such account to be its parent",
                };
                CheckpointError::Account { account, what }
            })?;
            self.accounts.push(opened);
            match reader.u8()? {
                0 => {}
                1 => closed.push(account),
                _ => return Err(reader.invalid("state of an account").into()),
            }
            let cell = decode_cell(reader)?;
            if let Some(restored) = self.accounts.find_mut(account) {
                restored.cell = cell;
            }
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
            if hold.state == HoldState::Open {
                self.accounts.hold_opened(&hold.path);
            }
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
        let path = self.decode_path(reader)?;
        let expired = state == HoldState::Expired;
        if expired && deadline > self.log_time {
            return Err(contradiction("a hold has expired before its deadline"));
        }
        if expired && is_older(deadline, self.log_time, self.terms.late_window_ns) {
            return Err(contradiction("an expired hold is beyond the late window"));
        }
        Ok(Hold { state, amount, spent, unfunded, deadline, epoch, candidate, path })
    }

    fn decode_path(&self, reader: &mut Reader<'_>) -> Result<Path, CheckpointError> {
        let path = Path::decode(reader)?;
        let cells = self.accounts.cells(&path).map_err(|_| contradiction("a hold's path has no cells"))?;
        if usize::from(reader.u8()?) != cells.len() {
            return Err(contradiction("a hold's cells are not those of its path"));
        }
        for account in cells.iter() {
            if reader.u32()? != account.0 || reader.u8()? != 0 || reader.i64()? != 0 {
                return Err(contradiction("a hold's cells are not those of its path"));
            }
        }
        Ok(path)
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
            let path = self.decode_path(reader)?;
            self.settled.insert(sequence, SettledHold { settled, booked, unfunded, path });
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
            if of.holds_open > 0 || of.children_open > 0 {
                let what = "it is closed with a hold or an account open at or below it";
                return Err(CheckpointError::Account { account, what });
            }
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
        // OK because there are fewer than 2⁶⁴ holds of amounts below 2⁶³.
        let mut spent = vec![(0_u128, 0_u128); self.accounts.len()];
        let settled = self.settled.iter().map(|(_, hold)| (&hold.path, hold.booked, hold.unfunded));
        let others = self.holds.iter().map(|(_, hold)| {
            // OK because an amount unfunded above what was spent is not read.
            (&hold.path, hold.spent.checked_sub(hold.unfunded).unwrap_or(Amount::ZERO), hold.unfunded)
        });
        for (path, booked, unfunded) in settled.chain(others) {
            let cells = self.accounts.cells(path).map_err(|_| contradiction("a hold's path has no cells"))?;
            for account in cells.iter() {
                let place = usize::try_from(account.0).ok().and_then(|place| spent.get_mut(place));
                let (booked_micros, unfunded_micros) =
                    place.ok_or_else(|| contradiction("a hold's path has no cells"))?;
                *booked_micros = booked_micros.saturating_add(booked.micros().into());
                *unfunded_micros = unfunded_micros.saturating_add(unfunded.micros().into());
            }
        }
        for ((account, of), (booked_micros, unfunded_micros)) in self.accounts.iter().zip(spent) {
            if booked_micros > of.cell.committed_micros.into() {
                let what = "its holds have booked more than it has committed";
                return Err(CheckpointError::Account { account, what });
            }
            // One that has saturated says no number any more. SEMANTICS 9.11.
            let saturated = of.cell.unfunded_micros == u64::MAX;
            if !saturated && unfunded_micros > of.cell.unfunded_micros.into() {
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

fn decode_cell(reader: &mut Reader<'_>) -> Result<Cell, CheckpointError> {
    if reader.i64()? != 0 || reader.i64()? != 0 {
        return Err(reader.invalid("window of a limit without one").into());
    }
    let granted = u64::try_from(reader.i64()?).ok().and_then(Amount::new);
    let granted = granted.ok_or_else(|| reader.invalid("amount granted"))?;
    let available_micros = reader.i64()?;
    let (committed_micros, lapsed_micros) = (reader.u64()?, reader.u64()?);
    if lapsed_micros != 0 {
        return Err(reader.invalid("amount lapsed of a limit without windows").into());
    }
    let unfunded_micros = reader.u64()?;
    // What is left is reserved, and must be what the holds hold.
    let reserved = i128::from(granted.signed_micros())
        .saturating_sub(i128::from(available_micros))
        .saturating_sub(i128::from(committed_micros));
    let reserved_micros = u64::try_from(reserved).map_err(|_| reader.invalid("counters of a cell"))?;
    Ok(Cell { granted, available_micros, reserved_micros, committed_micros, lapsed_micros, unfunded_micros })
}

fn contradiction(what: &'static str) -> CheckpointError {
    CheckpointError::Contradiction { what }
}
