//! Tagged SHA-256, HMAC-SHA256, HKDF and the keys that they take.

mod digest;
mod key;
mod mac;

pub use digest::{Digest, Digester};
pub use key::{KeyError, KeyId, RootKey};
pub use mac::{MacKey, Tag};
