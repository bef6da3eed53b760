//! How what a settled hold spent is corrected later.

use alloc::vec::Vec;

use super::call::{Arguments, ReadArguments};
use super::error::RecordError;
use super::kind::Kind;
use super::settlement::{read_amount, read_hold};
use crate::codec::{Reader, Writer};
use crate::id::Sequence;
use crate::num::Amount;
use crate::policy::Schema;

/// Correct what a settled hold spent. FORMAT 9.18.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Adjust {
    /// The hold, by the sequence of the record that opened it.
    pub hold: Sequence,
    /// What was spent under it in all, on the host's word.
    #[cfg_attr(feature = "serde", serde(rename = "actual_micros"))]
    pub actual: Amount,
}

/// What an adjustment came to. All amounts are the same at every cell of the hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct AdjustOutcome {
    /// What was booked more.
    #[cfg_attr(feature = "serde", serde(rename = "booked_extra_micros"))]
    pub booked_extra: Amount,
    /// What is spent more and is not booked.
    #[cfg_attr(feature = "serde", serde(rename = "unfunded_micros"))]
    pub unfunded: Amount,
    /// What was booked and is available again.
    #[cfg_attr(feature = "serde", serde(rename = "refunded_micros"))]
    pub refunded: Amount,
}

impl Arguments for Adjust {
    type Outcome = AdjustOutcome;

    const KIND: Kind = Kind::Adjust;

    fn encode(&self, out: &mut Vec<u8>) {
        let mut writer = Writer::new(out);
        writer.u64(self.hold.0);
        writer.u64(self.actual.micros());
    }

    fn encode_outcome(outcome: &AdjustOutcome, out: &mut Vec<u8>) {
        let mut writer = Writer::new(out);
        writer.u64(outcome.booked_extra.micros());
        writer.u64(outcome.unfunded.micros());
        writer.u64(outcome.refunded.micros());
    }
}

impl ReadArguments for Adjust {
    fn decode(reader: &mut Reader<'_>, _: Option<&Schema>) -> Result<Self, RecordError> {
        Ok(Self { hold: read_hold(reader)?, actual: read_amount(reader)? })
    }

    fn decode_outcome(reader: &mut Reader<'_>) -> Result<AdjustOutcome, RecordError> {
        Ok(AdjustOutcome {
            booked_extra: read_amount(reader)?,
            unfunded: read_amount(reader)?,
            refunded: read_amount(reader)?,
        })
    }
}
