//! The accounts that a reservation names.

use alloc::vec::Vec;
use core::fmt;

use super::error::RecordError;
use crate::codec::{Reader, Writer};
use crate::id::AccountId;
use crate::limits::PATH_ACCOUNTS_MAX;

/// 1 to 4 distinct accounts, in the order given; a hold takes from them and from all above them. SEMANTICS 9.3.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Path {
    // Places past the count are zero, so that derived equality is that of the accounts.
    accounts: [AccountId; PATH_ACCOUNTS_MAX],
    count: u8,
}

impl Path {
    /// The path of these accounts.
    ///
    /// # Errors
    /// None, more than 4, or one of them twice.
    pub fn new(accounts: &[AccountId]) -> Result<Self, PathError> {
        let mut path = Self { accounts: [AccountId(0); PATH_ACCOUNTS_MAX], count: 0 };
        let seen = accounts.len();
        let (Some(places), Ok(count)) = (path.accounts.get_mut(..seen), u8::try_from(seen)) else {
            return Err(PathError::TooMany { seen });
        };
        if count == 0 {
            return Err(PathError::Empty);
        }
        places.copy_from_slice(accounts);
        path.count = count;
        let mut rest = accounts;
        while let Some((first, others)) = rest.split_first() {
            if others.contains(first) {
                return Err(PathError::Twice { account: *first });
            }
            rest = others;
        }
        Ok(path)
    }

    /// The accounts, in the order given.
    #[must_use]
    pub fn accounts(&self) -> &[AccountId] {
        self.accounts.get(..usize::from(self.count)).unwrap_or_default()
    }

    // FORMAT 9.7
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        let mut writer = Writer::new(out);
        writer.u8(self.count);
        for account in self.accounts() {
            writer.u32(account.0);
        }
    }

    pub(crate) fn decode(reader: &mut Reader<'_>) -> Result<Self, RecordError> {
        let count = usize::from(reader.u8()?);
        let mut accounts = [AccountId(0); PATH_ACCOUNTS_MAX];
        let Some(places) = accounts.get_mut(..count) else {
            return Err(PathError::TooMany { seen: count }.into());
        };
        for place in &mut *places {
            *place = AccountId(reader.u32()?);
        }
        Ok(Self::new(places)?)
    }
}

impl fmt::Debug for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.accounts()).finish()
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for Path {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.accounts())
    }
}

/// Why accounts make no [`Path`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PathError {
    /// No account is named.
    Empty,
    /// More than 4 are.
    TooMany {
        /// How many.
        seen: usize,
    },
    /// An account is named twice.
    Twice {
        /// Which one.
        account: AccountId,
    },
}

impl fmt::Display for PathError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => write!(f, "a path names no account; it names 1 to {PATH_ACCOUNTS_MAX}"),
            Self::TooMany { seen } => {
                write!(f, "a path names {seen} accounts; the limit is {PATH_ACCOUNTS_MAX}")
            }
            Self::Twice { account } => write!(f, "a path names account {account} twice"),
        }
    }
}

impl core::error::Error for PathError {}
