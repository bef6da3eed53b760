//! Who asked, and under which name a retry is the same operation.

use alloc::vec::Vec;

use super::error::RecordError;
use crate::codec::{CodecError, Reader, Writer};
use crate::id::{Name, OperationId};
use crate::num::Timestamp;

/// What makes a retry the same operation: an id of the caller's, and when it was issued. SEMANTICS 11.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Operation {
    /// The caller's name for it, 128 bits.
    pub id: OperationId,
    /// When the caller first issued it; the id is remembered until this lies more than the horizon back.
    #[cfg_attr(feature = "serde", serde(rename = "issued_ns"))]
    pub issued: Timestamp,
}

impl Operation {
    // FORMAT 9.2
    pub(super) fn encode(operation: Option<Self>, out: &mut Vec<u8>) {
        let mut writer = Writer::new(out);
        match operation {
            None => writer.u8(0),
            Some(Self { id, issued }) => {
                writer.u8(1);
                writer.raw(&id.0);
                writer.i64(issued.0);
            }
        }
    }

    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Option<Self>, CodecError> {
        match reader.u8()? {
            0 => Ok(None),
            1 => Ok(Some(Self { id: OperationId(reader.array()?), issued: Timestamp(reader.i64()?) })),
            _ => Err(reader.invalid("operation")),
        }
    }
}

/// Who made a request, and on whose word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
pub enum Principal {
    /// The host attests it.
    Attested(Name),
    /// The caller says so; nobody checked.
    Asserted(Name),
}

impl Principal {
    /// The name, whoever's word it is.
    #[must_use]
    pub const fn name(&self) -> &Name {
        match self {
            Self::Attested(name) | Self::Asserted(name) => name,
        }
    }

    // FORMAT 9.7
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        let mut writer = Writer::new(out);
        writer.u8(match self {
            Self::Attested(_) => 1,
            Self::Asserted(_) => 2,
        });
        write_name(self.name(), &mut writer);
    }

    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, RecordError> {
        let word = match reader.u8()? {
            1 => Self::Attested,
            2 => Self::Asserted,
            _ => return Err(reader.invalid("principal").into()),
        };
        read_name(reader).map(word)
    }
}

pub(super) fn write_name(name: &Name, writer: &mut Writer<'_>) {
    let written = writer.bytes8(name.as_str().as_bytes());
    assert!(written.is_ok(), "a name's 64 bytes fit a count of one byte");
}

pub(super) fn read_name(reader: &mut Reader<'_>) -> Result<Name, RecordError> {
    let bytes = reader.bytes8()?;
    let text = core::str::from_utf8(bytes).map_err(|_| reader.invalid("UTF-8 of a name"))?;
    Ok(Name::new(text)?)
}
