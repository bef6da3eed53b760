//! What was spent, and on whose word.

use alloc::vec::Vec;

use super::error::RecordError;
use super::kind::Kind;
use super::settlement::read_amount;
use crate::codec::{Reader, Writer};
use crate::id::CandidateId;
use crate::kernel::Quantities;
use crate::num::Amount;
use crate::policy::Schema;

/// What was spent under a hold from its opening on, and on whose word. SEMANTICS 12.1 and 12.5.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
pub enum Spend {
    /// Quantities observed, priced by the policy that admitted the hold.
    Usage {
        /// The candidate that served.
        served: CandidateId,
        /// What it used.
        #[cfg_attr(feature = "serde", serde(serialize_with = "super::shown::quantities"))]
        quantities: Quantities,
    },
    /// An amount, on the host's word.
    #[cfg_attr(feature = "serde", serde(rename = "amount_micros"))]
    Amount(Amount),
}

impl Spend {
    // FORMAT 9.9
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        let mut writer = Writer::new(out);
        match self {
            Self::Usage { served, quantities } => {
                writer.u8(1);
                writer.u32(served.0);
                quantities.encode(out);
            }
            Self::Amount(amount) => {
                writer.u8(2);
                writer.u64(amount.micros());
            }
        }
    }

    /// Reads what a record of that kind says was spent.
    pub(super) fn decode(
        reader: &mut Reader<'_>,
        schema: Option<&Schema>,
        kind: Kind,
    ) -> Result<Self, RecordError> {
        match reader.u8()? {
            1 => {
                let schema = schema.ok_or(RecordError::SchemaMissing { kind })?;
                let served = CandidateId(reader.u32()?);
                Ok(Self::Usage { served, quantities: Quantities::decode(reader, schema)? })
            }
            2 => Ok(Self::Amount(read_amount(reader)?)),
            _ => Err(reader.invalid("spend").into()),
        }
    }
}
