//! Accounts opened, granted to, closed.

use alloc::vec::Vec;
use core::num::NonZeroI64;

use super::call::{Arguments, ReadArguments};
use super::caps::{read_caps, write_caps};
use super::error::RecordError;
use super::kind::Kind;
use super::operation::{read_name, write_name};
use crate::caps::Caps;
use crate::codec::{CodecError, Reader, Writer};
use crate::id::{AccountId, Name};
use crate::limits::LIMITS_MAX;
use crate::overrun::Overrun;
use crate::policy::Schema;

/// An account opened; its handle is the number of accounts opened before it. FORMAT 9.14.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Account {
    /// Its name, unique in the log.
    pub name: Name,
    /// The account above it; `None` for a root.
    pub parent: Option<AccountId>,
    /// What may be booked above a hold.
    pub overrun: Overrun,
    /// Its limits, throttles and caps on exposure.
    #[cfg_attr(feature = "serde", serde(flatten))]
    pub caps: Caps,
}

/// The number that stands for no parent.
const NO_PARENT: u32 = u32::MAX;

impl Account {
    // FORMAT 9.14
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        let mut writer = Writer::new(out);
        write_name(&self.name, &mut writer);
        write_parent(self.parent, &mut writer);
        writer.u8(self.overrun.code());
        write_caps(&self.caps, &mut writer);
    }

    pub(crate) fn decode(reader: &mut Reader<'_>) -> Result<Self, RecordError> {
        let name = read_name(reader)?;
        let parent = read_parent(reader)?;
        let overrun = Overrun::from_code(reader.u8()?).ok_or_else(|| reader.invalid("overrun"))?;
        Ok(Self { name, parent, overrun, caps: read_caps(reader)? })
    }
}

fn write_parent(parent: Option<AccountId>, writer: &mut Writer<'_>) {
    writer.u32(parent.map_or(NO_PARENT, |parent| parent.0));
}

fn read_parent(reader: &mut Reader<'_>) -> Result<Option<AccountId>, CodecError> {
    let parent = reader.u32()?;
    Ok((parent != NO_PARENT).then_some(AccountId(parent)))
}

/// Change what one account is granted, and with it what it has available. FORMAT 9.15.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Grant {
    /// The account.
    pub account: AccountId,
    /// Which of its limits.
    pub limit: u8,
    /// By how much: above zero it is given, below zero taken back.
    pub change_micros: NonZeroI64,
}

impl Arguments for Grant {
    type Outcome = ();

    const KIND: Kind = Kind::Grant;

    fn encode(&self, out: &mut Vec<u8>) {
        let mut writer = Writer::new(out);
        writer.u32(self.account.0);
        writer.u8(self.limit);
        writer.i64(self.change_micros.get());
    }

    fn encode_outcome((): &(), _: &mut Vec<u8>) {}
}

impl ReadArguments for Grant {
    fn decode(reader: &mut Reader<'_>, _: Option<&Schema>) -> Result<Self, RecordError> {
        let (account, limit) = read_limit(reader)?;
        let change_micros = NonZeroI64::new(reader.i64()?).ok_or_else(|| reader.invalid("grant"))?;
        Ok(Self { account, limit, change_micros })
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

/// An account put below another, or below none. FORMAT 9.19.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Reparent {
    /// The account.
    pub account: AccountId,
    /// The account above it from now on.
    pub parent: Option<AccountId>,
}

impl Reparent {
    pub(super) fn encode(self, out: &mut Vec<u8>) {
        let mut writer = Writer::new(out);
        writer.u32(self.account.0);
        write_parent(self.parent, &mut writer);
    }

    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, CodecError> {
        Ok(Self { account: AccountId(reader.u32()?), parent: read_parent(reader)? })
    }
}

/// The end of a window whose boundaries the host gives, and the beginning of the next. FORMAT 9.20.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Boundary {
    /// The account.
    pub account: AccountId,
    /// Which of its limits.
    pub limit: u8,
}

impl Boundary {
    pub(super) fn encode(self, out: &mut Vec<u8>) {
        let mut writer = Writer::new(out);
        writer.u32(self.account.0);
        writer.u8(self.limit);
    }

    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, CodecError> {
        let (account, limit) = read_limit(reader)?;
        Ok(Self { account, limit })
    }
}

fn read_limit(reader: &mut Reader<'_>) -> Result<(AccountId, u8), CodecError> {
    let account = AccountId(reader.u32()?);
    let limit = reader.u8()?;
    if usize::from(limit) >= LIMITS_MAX {
        return Err(reader.invalid("limit of an account"));
    }
    Ok((account, limit))
}
