//! Canonical bytes: little-endian integers and counted byte strings, written and read in one way only.
//!
//! The layouts made of these are those of `docs/FORMAT.md`. A reader never allocates for a length that it was
//! told before it has seen that many bytes.

use alloc::vec::Vec;
use core::fmt;

/// Appends canonical bytes to a buffer that the caller owns (so that a hot path can reuse it).
#[derive(Debug)]
pub struct Writer<'a> {
    out: &'a mut Vec<u8>,
}

impl<'a> Writer<'a> {
    /// Appends to `out`.
    pub fn new(out: &'a mut Vec<u8>) -> Self {
        Self { out }
    }

    /// One byte.
    pub fn u8(&mut self, value: u8) {
        self.out.push(value);
    }

    /// Two bytes.
    pub fn u16(&mut self, value: u16) {
        self.raw(&value.to_le_bytes());
    }

    /// Four bytes.
    pub fn u32(&mut self, value: u32) {
        self.raw(&value.to_le_bytes());
    }

    /// Eight bytes.
    pub fn u64(&mut self, value: u64) {
        self.raw(&value.to_le_bytes());
    }

    /// Eight bytes, two's complement.
    pub fn i64(&mut self, value: i64) {
        self.raw(&value.to_le_bytes());
    }

    /// The bytes as they are, uncounted.
    pub fn raw(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    /// A one-byte count, then the bytes.
    ///
    /// # Errors
    /// More than 255 bytes; nothing is written then.
    pub fn bytes8(&mut self, bytes: &[u8]) -> Result<(), CodecError> {
        let len = u8::try_from(bytes.len())
            .map_err(|_| CodecError::TooLong { seen: bytes.len(), max: usize::from(u8::MAX) })?;
        self.u8(len);
        self.raw(bytes);
        Ok(())
    }
}

/// Reads canonical bytes from the front of a slice; every step says where it failed.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
    offset: usize,
}

impl<'a> Reader<'a> {
    /// Reads `bytes` from their start.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, offset: 0 }
    }

    /// Bytes read so far.
    #[must_use]
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// Bytes not yet read.
    #[must_use]
    pub fn remaining(&self) -> usize {
        self.rest.len()
    }

    /// The next `count` bytes.
    ///
    /// # Errors
    /// Fewer are left.
    pub fn raw(&mut self, count: usize) -> Result<&'a [u8], CodecError> {
        let Some((head, rest)) = self.rest.split_at_checked(count) else {
            return Err(CodecError::Truncated { offset: self.offset, wanted: count, left: self.rest.len() });
        };
        self.rest = rest;
        self.offset = self.offset.saturating_add(count);
        Ok(head)
    }

    /// The next `N` bytes as an array.
    ///
    /// # Errors
    /// Fewer are left.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], CodecError> {
        let offset = self.offset;
        let bytes = self.raw(N)?;
        bytes.try_into().map_err(|_| CodecError::Truncated { offset, wanted: N, left: bytes.len() })
    }

    /// One byte.
    ///
    /// # Errors
    /// None is left.
    pub fn u8(&mut self) -> Result<u8, CodecError> {
        self.array().map(u8::from_le_bytes)
    }

    /// Two bytes.
    ///
    /// # Errors
    /// Fewer are left.
    pub fn u16(&mut self) -> Result<u16, CodecError> {
        self.array().map(u16::from_le_bytes)
    }

    /// Four bytes.
    ///
    /// # Errors
    /// Fewer are left.
    pub fn u32(&mut self) -> Result<u32, CodecError> {
        self.array().map(u32::from_le_bytes)
    }

    /// Eight bytes.
    ///
    /// # Errors
    /// Fewer are left.
    pub fn u64(&mut self) -> Result<u64, CodecError> {
        self.array().map(u64::from_le_bytes)
    }

    /// Eight bytes, two's complement.
    ///
    /// # Errors
    /// Fewer are left.
    pub fn i64(&mut self) -> Result<i64, CodecError> {
        self.array().map(i64::from_le_bytes)
    }

    /// A one-byte count, then the bytes.
    ///
    /// # Errors
    /// Fewer are left than counted.
    pub fn bytes8(&mut self) -> Result<&'a [u8], CodecError> {
        let len = self.u8()?;
        self.raw(usize::from(len))
    }

    /// A four-byte count, then the bytes.
    ///
    /// # Errors
    /// Fewer are left than counted.
    pub fn bytes32(&mut self) -> Result<&'a [u8], CodecError> {
        let offset = self.offset;
        let len = usize::try_from(self.u32()?).map_err(|_| CodecError::Invalid { offset, what: "length" })?;
        self.raw(len)
    }

    /// A value that the layout calls invalid, at the place just read.
    #[must_use]
    pub fn invalid(&self, what: &'static str) -> CodecError {
        CodecError::Invalid { offset: self.offset, what }
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// Bytes are left: a canonical form has nothing after its end.
    pub fn finish(self) -> Result<(), CodecError> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(CodecError::Trailing { offset: self.offset, left: self.rest.len() })
        }
    }
}

/// Why bytes are not the canonical form of anything, or a value has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CodecError {
    /// The bytes end too early.
    Truncated {
        /// Where the missing value starts.
        offset: usize,
        /// The bytes it has.
        wanted: usize,
        /// The bytes that are left.
        left: usize,
    },
    /// Bytes follow the end.
    Trailing {
        /// Where the end is.
        offset: usize,
        /// The bytes after it.
        left: usize,
    },
    /// A value is none that the layout allows.
    Invalid {
        /// Just after the value.
        offset: usize,
        /// Which value.
        what: &'static str,
    },
    /// A byte string does not fit its count.
    TooLong {
        /// Its bytes.
        seen: usize,
        /// The most that the count can say.
        max: usize,
    },
}

impl fmt::Display for CodecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated { offset, wanted, left } => {
                write!(f, "at byte {offset}: {wanted} bytes wanted, {left} left")
            }
            Self::Trailing { offset, left } => write!(f, "at byte {offset}: {left} bytes after the end"),
            Self::Invalid { offset, what } => write!(f, "before byte {offset}: invalid {what}"),
            Self::TooLong { seen, max } => write!(f, "{seen} bytes do not fit a count of at most {max}"),
        }
    }
}

impl core::error::Error for CodecError {}
