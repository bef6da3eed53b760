//! Root keys and what is derived from them (HKDF, RFC 5869).

use alloc::vec::Vec;
use core::fmt;

use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::{ZeroizeOnDrop, Zeroizing};

use super::mac::MacKey;
use crate::{
    id::LogId,
    limits::{KEY_BYTES_MAX, KEY_BYTES_MIN},
};

/// Which root key a log was written under; not a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(pub u32);

/// A secret of 32 to 64 bytes with an id. It has no `Debug`, `Display` or `Clone`, and is wiped when dropped.
pub struct RootKey {
    id: KeyId,
    secret: Zeroizing<Vec<u8>>,
}

/// Its one secret is [`Zeroizing`].
impl ZeroizeOnDrop for RootKey {}

impl RootKey {
    /// Takes the secret; the caller's own copy is the caller's to wipe.
    ///
    /// # Errors
    /// Fewer than 32 bytes or more than 64.
    pub fn new(id: KeyId, secret: &[u8]) -> Result<Self, KeyError> {
        if secret.len() < KEY_BYTES_MIN || secret.len() > KEY_BYTES_MAX {
            return Err(KeyError::Length { seen: secret.len() });
        }
        Ok(Self { id, secret: Zeroizing::new(secret.to_vec()) })
    }

    /// The key's id.
    #[must_use]
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// The key for one purpose within one log, ready for messages that start with `prefix`, whole blocks of the hash.
    ///
    /// PRK = HKDF-Extract(salt = log id, secret); key = HKDF-Expand(PRK, `info`, 32). FORMAT 5.
    #[must_use]
    pub fn derive(&self, log: LogId, info: &[&[u8]], prefix: &[[u8; 64]]) -> MacKey {
        let mut key = Zeroizing::new([0; 32]);
        expand(&self.extracted(log), info, &mut *key);
        MacKey::new(&key, prefix)
    }

    /// What all keys of one log are expanded from.
    pub(super) fn extracted(&self, log: LogId) -> Hkdf<Sha256> {
        Hkdf::new(Some(&log.0), &self.secret)
    }
}

/// HKDF-Expand to 32 bytes.
pub(super) fn expand(hkdf: &Hkdf<Sha256>, info: &[&[u8]], key: &mut [u8]) {
    // OK because 32 bytes are far below HKDF's bound of 255 · 32; a failure would leave a zero key, so it is
    // asserted.
    let expanded = hkdf.expand_multi_info(info, key).is_ok();
    assert!(expanded, "HKDF gives 32 bytes");
}

/// Why bytes are no root key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyError {
    /// The secret is too short or too long.
    Length {
        /// Its bytes.
        seen: usize,
    },
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length { seen } => {
                write!(f, "a key has {seen} bytes; it has {KEY_BYTES_MIN} to {KEY_BYTES_MAX}")
            }
        }
    }
}

impl core::error::Error for KeyError {}
