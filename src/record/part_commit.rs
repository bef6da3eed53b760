//! How a part of an open hold is spent.

use alloc::vec::Vec;

use super::call::{Arguments, ReadArguments};
use super::error::RecordError;
use super::kind::Kind;
use super::settlement::{read_amount, read_hold};
use super::spend::Spend;
use crate::codec::{Reader, Writer};
use crate::id::Sequence;
use crate::num::Amount;
use crate::policy::Schema;

/// Book what was spent so far, and keep the hold open with the rest. FORMAT 9.17.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct PartCommit {
    /// The hold, by the sequence of the record that opened it.
    pub hold: Sequence,
    /// What was spent from its opening until now: of a part before, the same and more.
    pub spend: Spend,
}

/// What a part commit booked. All amounts are the same at every cell of the hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct PartCommitOutcome {
    /// What was spent until now, the parts before included.
    #[cfg_attr(feature = "serde", serde(rename = "actual_micros"))]
    pub actual: Amount,
    /// What was booked above the hold.
    #[cfg_attr(feature = "serde", serde(rename = "booked_extra_micros"))]
    pub booked_extra: Amount,
    /// What was spent since the part before and not booked.
    #[cfg_attr(feature = "serde", serde(rename = "unfunded_micros"))]
    pub unfunded: Amount,
    /// What the hold holds now.
    #[cfg_attr(feature = "serde", serde(rename = "held_micros"))]
    pub held: Amount,
}

impl Arguments for PartCommit {
    type Outcome = PartCommitOutcome;

    const KIND: Kind = Kind::PartCommit;

    fn encode(&self, out: &mut Vec<u8>) {
        Writer::new(out).u64(self.hold.0);
        self.spend.encode(out);
    }

    fn encode_outcome(outcome: &PartCommitOutcome, out: &mut Vec<u8>) {
        let mut writer = Writer::new(out);
        writer.u8(0);
        writer.u64(outcome.actual.micros());
        writer.u64(outcome.booked_extra.micros());
        writer.u64(outcome.unfunded.micros());
        writer.u64(outcome.held.micros());
    }
}

impl ReadArguments for PartCommit {
    fn decode(reader: &mut Reader<'_>, schema: Option<&Schema>) -> Result<Self, RecordError> {
        let hold = read_hold(reader)?;
        Ok(Self { hold, spend: Spend::decode(reader, schema, Self::KIND)? })
    }

    fn decode_outcome(reader: &mut Reader<'_>) -> Result<PartCommitOutcome, RecordError> {
        if reader.u8()? != 0 {
            return Err(reader.invalid("outcome of a part commit").into());
        }
        Ok(PartCommitOutcome {
            actual: read_amount(reader)?,
            booked_extra: read_amount(reader)?,
            unfunded: read_amount(reader)?,
            held: read_amount(reader)?,
        })
    }
}
