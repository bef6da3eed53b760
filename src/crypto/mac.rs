//! HMAC-SHA256 (RFC 2104) with the keyed state kept, and tags that compare in constant time.

use core::fmt;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;
use zeroize::ZeroizeOnDrop;

/// An HMAC-SHA256 tag.
///
/// Tags are stored in the log and are no secret once written; one that was merely computed is never shown.
#[derive(Clone, Copy)]
pub struct Tag(pub [u8; 32]);

impl Tag {
    /// Whether both are the same, in time that does not depend on where they differ.
    #[must_use]
    pub fn matches(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tag(..)")
    }
}

/// A key ready for HMAC-SHA256, with what every message starts with already absorbed.
///
/// Neither shown nor copied, and wiped when dropped.
pub struct MacKey(State);

enum State {
    Keyed(Hmac<Sha256>),
    /// SHA-256 over the same bytes. FORMAT 5.4.
    Unkeyed(Sha256),
}

/// An HMAC has nothing but states of its hash (RFC 2104), and they are.
impl ZeroizeOnDrop for MacKey where Sha256: ZeroizeOnDrop {}

impl MacKey {
    /// A key of 32 bytes whose every message starts with `prefix`.
    #[must_use]
    pub(crate) fn new(key: &[u8; 32], prefix: &[u8]) -> Self {
        let mut block = [0; 64];
        let (head, _) = block.split_at_mut(32);
        head.copy_from_slice(key);
        let mut state = Hmac::<Sha256>::new(&block.into());
        zeroize::Zeroize::zeroize(&mut block);
        state.update(prefix);
        Self(State::Keyed(state))
    }

    /// No key: its tags are SHA-256 of `prefix` and the message, which anybody can make. FORMAT 5.4.
    #[must_use]
    pub fn unkeyed(prefix: &[u8]) -> Self {
        Self(State::Unkeyed(<Sha256 as sha2::Digest>::new_with_prefix(prefix)))
    }

    /// The tag of the prefix and then the parts, in order.
    #[must_use]
    pub fn tag(&self, parts: &[&[u8]]) -> Tag {
        match &self.0 {
            State::Keyed(state) => {
                let mut state = state.clone();
                parts.iter().for_each(|part| state.update(part));
                Tag(state.finalize().into_bytes().into())
            }
            State::Unkeyed(state) => {
                let mut state = state.clone();
                parts.iter().for_each(|part| sha2::Digest::update(&mut state, part));
                Tag(sha2::Digest::finalize(state).into())
            }
        }
    }
}
