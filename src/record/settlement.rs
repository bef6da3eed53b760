//! How a hold is extended and how it ends.

use alloc::vec::Vec;

use super::admission::{read_binding, write_binding};
use super::call::{Arguments, ReadArguments};
use super::error::RecordError;
use super::kind::Kind;
use super::spend::Spend;
use crate::caps::{Binding, Bound};
use crate::codec::{CodecError, Reader, Writer};
use crate::id::Sequence;
use crate::limits::EXPIRED_PER_RECORD_MAX;
use crate::num::{Amount, Timestamp};
use crate::policy::Schema;

/// End a hold with what was spent. FORMAT 9.9.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Commit {
    /// The hold, by the sequence of the record that opened it.
    pub hold: Sequence,
    /// What was spent from its opening on, what part commits have booked included.
    pub spend: Spend,
}

/// What a commit booked. All amounts are the same at every cell of the hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct CommitOutcome {
    /// Whether the hold was open or had expired.
    pub settled: Settled,
    /// What was spent, the parts before included.
    #[cfg_attr(feature = "serde", serde(rename = "actual_micros"))]
    pub actual: Amount,
    /// What was booked above the hold.
    #[cfg_attr(feature = "serde", serde(rename = "booked_extra_micros"))]
    pub booked_extra: Amount,
    /// What was spent and not booked, of what no part commit had stated.
    #[cfg_attr(feature = "serde", serde(rename = "unfunded_micros"))]
    pub unfunded: Amount,
}

/// Whether a settled hold was open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
pub enum Settled {
    /// It was.
    InTime,
    /// Its deadline had come: nothing is booked.
    Expired,
}

impl Arguments for Commit {
    type Outcome = CommitOutcome;

    const KIND: Kind = Kind::Commit;

    fn encode(&self, out: &mut Vec<u8>) {
        Writer::new(out).u64(self.hold.0);
        self.spend.encode(out);
    }

    fn encode_outcome(outcome: &CommitOutcome, out: &mut Vec<u8>) {
        let mut writer = Writer::new(out);
        writer.u8(match outcome.settled {
            Settled::InTime => 0,
            Settled::Expired => 1,
        });
        writer.u64(outcome.actual.micros());
        writer.u64(outcome.booked_extra.micros());
        writer.u64(outcome.unfunded.micros());
    }
}

impl ReadArguments for Commit {
    fn decode(reader: &mut Reader<'_>, schema: Option<&Schema>) -> Result<Self, RecordError> {
        let hold = read_hold(reader)?;
        Ok(Self { hold, spend: Spend::decode(reader, schema, Self::KIND)? })
    }

    fn decode_outcome(reader: &mut Reader<'_>) -> Result<CommitOutcome, RecordError> {
        let settled = match reader.u8()? {
            0 => Settled::InTime,
            1 => Settled::Expired,
            _ => return Err(reader.invalid("outcome of a commit").into()),
        };
        Ok(CommitOutcome {
            settled,
            actual: read_amount(reader)?,
            booked_extra: read_amount(reader)?,
            unfunded: read_amount(reader)?,
        })
    }
}

/// End a hold with nothing spent. FORMAT 9.10.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Release {
    /// The hold, by the sequence of the record that opened it.
    pub hold: Sequence,
}

/// What a release gave back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
pub enum ReleaseOutcome {
    /// The hold was open: its amount is available again at every cell.
    Released {
        /// What it held.
        #[cfg_attr(feature = "serde", serde(rename = "given_back_micros"))]
        given_back: Amount,
    },
    /// Its deadline had come: this gave nothing back.
    Expired,
}

impl Arguments for Release {
    type Outcome = ReleaseOutcome;

    const KIND: Kind = Kind::Release;

    fn encode(&self, out: &mut Vec<u8>) {
        Writer::new(out).u64(self.hold.0);
    }

    fn encode_outcome(outcome: &ReleaseOutcome, out: &mut Vec<u8>) {
        let mut writer = Writer::new(out);
        let (code, given_back) = match outcome {
            ReleaseOutcome::Released { given_back } => (0, given_back.micros()),
            ReleaseOutcome::Expired => (1, 0),
        };
        writer.u8(code);
        writer.u64(given_back);
    }
}

impl ReadArguments for Release {
    fn decode(reader: &mut Reader<'_>, _: Option<&Schema>) -> Result<Self, RecordError> {
        Ok(Self { hold: read_hold(reader)? })
    }

    fn decode_outcome(reader: &mut Reader<'_>) -> Result<ReleaseOutcome, RecordError> {
        let code = reader.u8()?;
        let given_back = read_amount(reader)?;
        match (code, given_back) {
            (0, given_back) => Ok(ReleaseOutcome::Released { given_back }),
            (1, Amount::ZERO) => Ok(ReleaseOutcome::Expired),
            _ => Err(reader.invalid("outcome of a release").into()),
        }
    }
}

/// Let a hold hold more, or longer. FORMAT 9.11.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Extend {
    /// The hold, by the sequence of the record that opened it.
    pub hold: Sequence,
    /// How much more.
    #[cfg_attr(feature = "serde", serde(rename = "amount_micros"))]
    pub amount: Amount,
}

/// What an extension came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
pub enum ExtendOutcome {
    /// Every cell gave the amount.
    Extended {
        /// When the hold is due now.
        #[cfg_attr(feature = "serde", serde(rename = "deadline_ns"))]
        deadline: Timestamp,
        /// What it holds now.
        #[cfg_attr(feature = "serde", serde(rename = "held_micros"))]
        held: Amount,
    },
    /// A cell has too little; the hold is as it was.
    DeniedBudget {
        /// What has the least. SEMANTICS 9.4.
        binding: Binding,
    },
    /// Extensions are halted; the hold is as it was.
    DeniedHalted,
}

impl Arguments for Extend {
    type Outcome = ExtendOutcome;

    const KIND: Kind = Kind::Extend;

    fn encode(&self, out: &mut Vec<u8>) {
        let mut writer = Writer::new(out);
        writer.u64(self.hold.0);
        writer.u64(self.amount.micros());
    }

    fn encode_outcome(outcome: &ExtendOutcome, out: &mut Vec<u8>) {
        let mut writer = Writer::new(out);
        match outcome {
            ExtendOutcome::Extended { deadline, held } => {
                writer.u8(0);
                writer.i64(deadline.0);
                writer.u64(held.micros());
            }
            ExtendOutcome::DeniedBudget { binding } => {
                writer.u8(2);
                write_binding(*binding, out);
            }
            ExtendOutcome::DeniedHalted => writer.u8(4),
        }
    }
}

impl ReadArguments for Extend {
    fn decode(reader: &mut Reader<'_>, _: Option<&Schema>) -> Result<Self, RecordError> {
        Ok(Self { hold: read_hold(reader)?, amount: read_amount(reader)? })
    }

    fn decode_outcome(reader: &mut Reader<'_>) -> Result<ExtendOutcome, RecordError> {
        Ok(match reader.u8()? {
            0 => ExtendOutcome::Extended { deadline: Timestamp(reader.i64()?), held: read_amount(reader)? },
            2 => ExtendOutcome::DeniedBudget { binding: read_binding(reader)? },
            4 => ExtendOutcome::DeniedHalted,
            _ => return Err(reader.invalid("outcome of an extension").into()),
        })
    }

    fn check(&self, outcome: &ExtendOutcome) -> Result<(), RecordError> {
        match outcome {
            ExtendOutcome::DeniedBudget { binding: Binding { bound: Bound::Holds, .. } } => {
                Err(RecordError::Contradiction { what: "an extension that a cap on holds denies" })
            }
            ExtendOutcome::Extended { held, .. } if *held < self.amount => {
                Err(RecordError::Contradiction { what: "an extended hold holds less than its extension" })
            }
            _ => Ok(()),
        }
    }
}

/// Holds that were open and due, ascending. FORMAT 9.13.
///
/// One value can be filled, encoded, cleared and filled again without allocating anew.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Expire {
    holds: Vec<Sequence>,
}

impl Expire {
    /// No hold yet; a record of it has at least one.
    #[must_use]
    pub fn new() -> Self {
        Self { holds: Vec::new() }
    }

    /// Appends a hold.
    ///
    /// # Errors
    /// It is not above the last one, or there are 256 already.
    pub fn push(&mut self, hold: Sequence) -> Result<(), RecordError> {
        if self.holds.last().is_some_and(|last| *last >= hold) {
            return Err(RecordError::Contradiction { what: "expired holds that do not ascend" });
        }
        if self.holds.len() >= EXPIRED_PER_RECORD_MAX {
            return Err(CodecError::TooLong {
                seen: self.holds.len().saturating_add(1),
                max: EXPIRED_PER_RECORD_MAX,
            }
            .into());
        }
        self.holds.push(hold);
        Ok(())
    }

    /// The holds, ascending.
    #[must_use]
    pub fn holds(&self) -> &[Sequence] {
        &self.holds
    }

    /// Removes all holds and keeps the room.
    pub fn clear(&mut self) {
        self.holds.clear();
    }

    // FORMAT 9.13
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        let count = u16::try_from(self.holds.len()).unwrap_or(0);
        assert!(count > 0, "a record expires 1 to 256 holds");
        let mut writer = Writer::new(out);
        writer.u16(count);
        for hold in &self.holds {
            writer.u64(hold.0);
        }
    }

    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, RecordError> {
        let count = reader.u16()?;
        if count == 0 || usize::from(count) > EXPIRED_PER_RECORD_MAX {
            return Err(reader.invalid("count of expired holds").into());
        }
        let mut expire = Self::new();
        for _ in 0..count {
            expire.push(read_hold(reader)?)?;
        }
        Ok(expire)
    }
}

pub(super) fn read_hold(reader: &mut Reader<'_>) -> Result<Sequence, CodecError> {
    match reader.u64()? {
        0 => Err(reader.invalid("hold")),
        hold => Ok(Sequence(hold)),
    }
}

pub(super) fn read_amount(reader: &mut Reader<'_>) -> Result<Amount, CodecError> {
    Amount::new(reader.u64()?).ok_or_else(|| reader.invalid("amount"))
}
