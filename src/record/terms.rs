//! What a log holds itself to, and what the host switches while it runs.

use alloc::vec::Vec;
use core::fmt;

use crate::codec::{CodecError, Reader, Writer};
use crate::id::CandidateId;
use crate::limits::{OPERATIONS_MAX, SETTLED_MAX};
use crate::num::TooLarge;

/// What a log holds itself to: how long operations and late settlements are remembered, and how far time may jump.
///
/// A host whose caller's times jump (one that replays a history, or starts again after a long pause) states a
/// larger `clock_jump_ns_max`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Terms {
    /// How long after its issue time an operation is remembered. SEMANTICS 11.2.
    pub operation_horizon_ns: u64,
    /// How many operations may be remembered at once; a full table takes no new ones. SEMANTICS 11.3.
    pub operations_max: u32,
    /// How far a caller's time may be above the log's. SEMANTICS 8.2.
    pub clock_jump_ns_max: u64,
    /// How long after its deadline an expired hold can still be settled. SEMANTICS 9.8.
    pub late_window_ns: u64,
    /// How long after its commit a settled hold can be adjusted. SEMANTICS 9.15.
    pub adjust_window_ns: u64,
    /// How many settled holds are remembered for that; of more, those settled first are forgotten. 0 remembers none.
    pub settled_max: u32,
}

impl Default for Terms {
    /// A horizon of 24 hours, 1,000,000 operations, a jump of 7 days, a late window of 1 hour; no adjustments.
    /// A settled hold that is remembered takes about 200 bytes in memory, and 60 to 400 in each checkpoint.
    fn default() -> Self {
        Self {
            operation_horizon_ns: 24 * HOUR_NS,
            operations_max: 1_000_000,
            clock_jump_ns_max: 7 * 24 * HOUR_NS,
            late_window_ns: HOUR_NS,
            adjust_window_ns: 0,
            settled_max: 0,
        }
    }
}

const HOUR_NS: u64 = 3_600_000_000_000;

/// Zeros after the fields, kept for later terms. FORMAT 9.4.
const RESERVED: [u8; 4] = [0; 4];

impl Terms {
    /// Whether a log can hold itself to them.
    ///
    /// # Errors
    /// More operations, or settled holds, than a checkpoint can carry.
    pub fn check(&self) -> Result<(), TooLarge> {
        for (seen, max) in [(self.operations_max, OPERATIONS_MAX), (self.settled_max, SETTLED_MAX)] {
            let (seen, max) = (u64::from(seen), u64::try_from(max).unwrap_or(u64::MAX));
            if seen > max {
                return Err(TooLarge { seen, max });
            }
        }
        Ok(())
    }

    // FORMAT 9.4
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        let mut writer = Writer::new(out);
        writer.u64(self.operation_horizon_ns);
        writer.u32(self.operations_max);
        writer.u64(self.clock_jump_ns_max);
        writer.u64(self.late_window_ns);
        writer.u64(self.adjust_window_ns);
        writer.u32(self.settled_max);
        writer.raw(&RESERVED);
    }

    pub(crate) fn decode(reader: &mut Reader<'_>) -> Result<Self, CodecError> {
        let terms = Self {
            operation_horizon_ns: reader.u64()?,
            operations_max: reader.u32()?,
            clock_jump_ns_max: reader.u64()?,
            late_window_ns: reader.u64()?,
            adjust_window_ns: reader.u64()?,
            settled_max: reader.u32()?,
        };
        if terms.check().is_err() {
            return Err(reader.invalid("count of operations"));
        }
        if reader.array()? != RESERVED {
            return Err(reader.invalid("reserved bytes of terms"));
        }
        Ok(terms)
    }
}

/// What is halted. SEMANTICS 13.1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
pub enum Halt {
    /// Nothing.
    #[default]
    None,
    /// Admissions, extensions, and reroutes to a higher cost than the released hold's amount.
    ReduceOnly,
    /// Admissions, extensions and reroutes.
    All,
}

impl Halt {
    /// The frozen code. FORMAT 9.6.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::None => 0,
            Self::ReduceOnly => 1,
            Self::All => 2,
        }
    }

    /// The halt of that code.
    #[must_use]
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            0 => Some(Self::None),
            1 => Some(Self::ReduceOnly),
            2 => Some(Self::All),
            _ => None,
        }
    }

    pub(crate) fn decode(reader: &mut Reader<'_>) -> Result<Self, CodecError> {
        Self::from_code(reader.u8()?).ok_or_else(|| reader.invalid("halt"))
    }
}

impl fmt::Display for Halt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::None => "none",
            Self::ReduceOnly => "reduce_only",
            Self::All => "all",
        })
    }
}

/// A candidate that the host disables or enables, under this policy and every later one. SEMANTICS 13.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct CandidateSwitch {
    /// Which candidate.
    pub candidate: CandidateId,
    /// What it is from here on.
    pub switch: Switch,
}

/// Whether the host lets a candidate serve.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
pub enum Switch {
    /// It may, where the policy lets it.
    Enabled,
    /// It may not.
    Disabled,
}

impl CandidateSwitch {
    // FORMAT 9.6
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        let mut writer = Writer::new(out);
        writer.u32(self.candidate.0);
        writer.u8(match self.switch {
            Switch::Disabled => 0,
            Switch::Enabled => 1,
        });
    }

    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, CodecError> {
        let candidate = CandidateId(reader.u32()?);
        let switch = match reader.u8()? {
            0 => Switch::Disabled,
            1 => Switch::Enabled,
            _ => return Err(reader.invalid("switch of a candidate")),
        };
        Ok(Self { candidate, switch })
    }
}
