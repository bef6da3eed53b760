//! Tagged SHA-256, HMAC-SHA256, HKDF and the keys that they take.

mod digest;
#[cfg(feature = "wal")]
mod evolved;
mod key;
mod mac;
mod sha256;

pub use digest::{Digest, Digester};
#[cfg(feature = "wal")]
pub(crate) use evolved::EvolvedKey;
pub use key::{KeyError, KeyId, RootKey};
pub use mac::{MacKey, Tag};
