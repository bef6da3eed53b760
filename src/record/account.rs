//! Accounts opened, granted to, closed.

use alloc::vec::Vec;
use core::num::NonZeroI64;

use super::call::Arguments;
use super::error::RecordError;
use super::kind::Kind;
use super::operation::{read_name, write_name};
use crate::codec::{CodecError, Reader, Writer};
use crate::id::{AccountId, Name};
use crate::overrun::Overrun;
use crate::policy::Schema;

/// An account opened, with one limit for its lifetime; its handle is the number of accounts opened before it.
/// FORMAT 9.14.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Account {
    /// Its name, unique in the log.
    pub name: Name,
    /// The account above it; `None` for a root.
    pub parent: Option<AccountId>,
    /// What may be booked above a hold.
    pub overrun: Overrun,
}

/// The number that stands for no parent.
const NO_PARENT: u32 = u32::MAX;

impl Account {
    // FORMAT 9.14
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        let mut writer = Writer::new(out);
        write_name(&self.name, &mut writer);
        writer.u32(self.parent.map_or(NO_PARENT, |parent| parent.0));
        writer.u8(self.overrun.code());
        // One limit, for the account's lifetime; no throttles; no cap on exposure.
        writer.u8(1);
        writer.u8(0);
        writer.u8(0);
        writer.u64(0);
        writer.u32(0);
    }

    pub(crate) fn decode(reader: &mut Reader<'_>) -> Result<Self, RecordError> {
        let name = read_name(reader)?;
        let parent = match reader.u32()? {
            NO_PARENT => None,
            parent => Some(AccountId(parent)),
        };
        let overrun = Overrun::from_code(reader.u8()?).ok_or_else(|| reader.invalid("overrun"))?;
        if reader.u8()? != 1 {
            return Err(RecordError::Reserved { what: "an account with another count of limits than 1" });
        }
        if reader.u8()? != 0 {
            return Err(RecordError::Reserved { what: "a limit with a window" });
        }
        if reader.u8()? != 0 {
            return Err(RecordError::Reserved { what: "a throttle" });
        }
        if reader.u64()? != 0 || reader.u32()? != 0 {
            return Err(RecordError::Reserved { what: "a cap on exposure" });
        }
        Ok(Self { name, parent, overrun })
    }
}

/// Change what one account is granted, and with it what it has available. FORMAT 9.15.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Grant {
    /// The account.
    pub account: AccountId,
    /// By how much: above zero it is given, below zero taken back.
    pub change_micros: NonZeroI64,
}

impl Arguments for Grant {
    type Outcome = ();

    const KIND: Kind = Kind::Grant;

    fn encode(&self, out: &mut Vec<u8>) {
        let mut writer = Writer::new(out);
        writer.u32(self.account.0);
        // The account's only limit.
        writer.u8(0);
        writer.i64(self.change_micros.get());
    }

    fn encode_outcome((): &(), _: &mut Vec<u8>) {}

    fn decode(reader: &mut Reader<'_>, _: Option<&Schema>) -> Result<Self, RecordError> {
        let account = AccountId(reader.u32()?);
        if reader.u8()? != 0 {
            return Err(RecordError::Reserved { what: "a grant to another limit than the first" });
        }
        let change_micros = NonZeroI64::new(reader.i64()?).ok_or_else(|| reader.invalid("grant"))?;
        Ok(Self { account, change_micros })
    }

    fn decode_outcome(_: &mut Reader<'_>) -> Result<(), RecordError> {
        Ok(())
    }
}

/// An account closed: it takes no hold, extension or grant any more. FORMAT 9.15.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct AccountClosed {
    /// The account.
    pub account: AccountId,
}

impl AccountClosed {
    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, CodecError> {
        Ok(Self { account: AccountId(reader.u32()?) })
    }
}
