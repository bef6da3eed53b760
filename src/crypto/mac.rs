//! HMAC-SHA256 (RFC 2104) with the keyed state kept, and tags that compare in constant time.

use core::{fmt, slice};

use subtle::ConstantTimeEq as _;
use zeroize::{ZeroizeOnDrop, Zeroizing};

#[cfg(feature = "wal")]
use super::Digester;
use super::sha256::{Block, Hasher, State};

/// An HMAC-SHA256 tag.
///
/// Tags are stored in the log and are no secret once written; one that was merely computed is never shown.
#[derive(Clone, Copy)]
pub struct Tag(pub [u8; 32]);

impl Tag {
    /// Whether both are the same, in time that does not depend on where they differ.
    #[must_use]
    pub fn matches(&self, other: &Self) -> bool {
        self.words().ct_eq(&other.words()).into()
    }
}

impl Tag {
    /// In fewer pieces than bytes, for those who compare it.
    fn words(&self) -> [u64; 4] {
        let mut words = [0; 4];
        for (word, bytes) in words.iter_mut().zip(self.0.as_chunks().0) {
            *word = u64::from_le_bytes(*bytes);
        }
        words
    }
}

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tag(..)")
    }
}

/// A key ready for HMAC-SHA256, with what every message starts with already absorbed.
///
/// Not shown, and wiped when dropped, as is what each tag copies of it.
pub struct MacKey {
    /// After the key, if there is one, and what every message starts with.
    inner: Zeroizing<State>,
    /// After the key, for the digest of the message. Without: tags are SHA-256 over the same bytes. FORMAT 5.4.
    outer: Option<Zeroizing<State>>,
}

/// An HMAC has nothing but states of its hash (RFC 2104), and they are.
impl ZeroizeOnDrop for MacKey where Zeroizing<State>: ZeroizeOnDrop {}

impl MacKey {
    /// A key of 32 bytes whose every message starts with `prefix`.
    #[must_use]
    pub(crate) fn new(key: &[u8; 32], prefix: &[Block]) -> Self {
        // RFC 2104: the key with zeros to a block, under each of two pads.
        let padded = |pad: u8| {
            let mut block = Zeroizing::new([pad; size_of::<Block>()]);
            block.iter_mut().zip(key).for_each(|(place, byte)| *place ^= byte);
            let mut state = Zeroizing::new(State::new());
            state.absorb(slice::from_ref(&block));
            state
        };
        let mut inner = padded(0x36);
        inner.absorb(prefix);
        Self { inner, outer: Some(padded(0x5c)) }
    }

    /// No key: its tags are SHA-256 of `prefix` and the message, which anybody can make. FORMAT 5.4.
    #[must_use]
    pub fn unkeyed(prefix: &[[u8; 64]]) -> Self {
        let mut inner = Zeroizing::new(State::new());
        inner.absorb(prefix);
        Self { inner, outer: None }
    }

    /// The tag of the prefix and then the parts, in order.
    #[must_use]
    pub fn tag(&self, parts: &[&[u8]]) -> Tag {
        let mut inner = Zeroizing::new(Hasher::new(State::clone(&self.inner)));
        parts.iter().for_each(|part| inner.update(part));
        let digest = inner.finish();
        self.finish(digest)
    }

    /// The tag of the prefix, `first` and `rest`, while `digester` takes `beside`: in hardly more time than the tag
    /// alone.
    #[cfg(feature = "wal")]
    pub(crate) fn tag_beside(
        &self,
        first: &[u8; 32],
        rest: &[u8],
        digester: &mut Digester,
        beside: &[u8],
    ) -> Tag {
        let mut inner = self.inner.clone();
        let digest = inner.finish_beside(first, rest, &mut digester.0, beside);
        self.finish(digest)
    }

    fn finish(&self, digest: [u8; 32]) -> Tag {
        let Some(outer) = &self.outer else { return Tag(digest) };
        let mut block = [0; size_of::<Block>()];
        let (place, _) = block.split_at_mut(digest.len());
        place.copy_from_slice(&digest);
        let mut outer = outer.clone();
        Tag(outer.finish(block, digest.len()))
    }
}

#[cfg(test)]
mod tests {
    use hmac::{Hmac, KeyInit as _, Mac as _};
    use sha2::{Digest as _, Sha256};

    use super::*;

    #[test]
    fn tags_are_those_of_hmac_and_without_a_key_of_sha256() {
        let bytes: alloc::vec::Vec<u8> = (0..=255).cycle().take(700).collect();
        let key = [7; 32];
        for (prefix, rest) in [(0, 0), (0, 1), (1, 23), (1, 24), (1, 150), (2, 500)] {
            let prefix = &bytes.as_chunks().0[..prefix];
            let (first, rest) = (&[9; 32], &bytes[..rest]);
            let whole = [prefix.as_flattened(), first, rest].concat();
            let mut expected = Hmac::<Sha256>::new_from_slice(&key).unwrap();
            expected.update(&whole);
            let keyed = MacKey::new(&key, prefix);
            assert_eq!(keyed.tag(&[first, rest]).0, <[u8; 32]>::from(expected.finalize().into_bytes()));
            let unkeyed = MacKey::unkeyed(prefix);
            assert_eq!(unkeyed.tag(&[first, rest]).0, <[u8; 32]>::from(Sha256::digest(&whole)));
            #[cfg(feature = "wal")]
            for key in [&keyed, &unkeyed] {
                let mut digester = Digester::untagged();
                digester.update(b"so far");
                assert!(key.tag_beside(first, rest, &mut digester, &whole).matches(&key.tag(&[first, rest])));
                let digested = [&b"so far"[..], &whole].concat();
                assert_eq!(digester.finish().0, <[u8; 32]>::from(Sha256::digest(&digested)));
            }
        }
    }

    /// A key shorter than a block is filled with zeros, and one that is longer is its digest (RFC 2104): so every key of RFC 4231
    /// is one of 32 bytes here.
    #[test]
    #[cfg(feature = "serde")]
    fn tags_are_those_of_rfc_4231() {
        let published: serde_json::Value =
            serde_json::from_str(include_str!("../../tests/published/vectors.json")).unwrap();
        let vectors = published["hmac_sha256"]["vectors"].as_array().unwrap();
        assert_eq!(vectors.len(), 7);
        for vector in vectors {
            let [secret, message, expected] = ["key", "message", "tag"].map(|of| bytes(&vector[of]));
            let mut key = [0; 32];
            if secret.len() > size_of::<Block>() {
                key = Sha256::digest(&secret).into();
            } else {
                key[..secret.len()].copy_from_slice(&secret);
            }
            let key = MacKey::new(&key, &[]);
            let name = &vector["name"];
            assert_eq!(key.tag(&[&message]).0[..expected.len()], expected, "{name}");
            for cut in 0..=message.len() {
                let (head, rest) = message.split_at(cut);
                assert_eq!(key.tag(&[head, rest]).0[..expected.len()], expected, "{name}, cut at {cut}");
            }
            #[cfg(feature = "wal")]
            if let Some((first, rest)) = message.split_first_chunk() {
                let tag = key.tag_beside(first, rest, &mut Digester::untagged(), &secret);
                assert_eq!(tag.0[..expected.len()], expected, "{name}");
            }
        }
    }

    #[cfg(feature = "serde")]
    fn bytes(hex: &serde_json::Value) -> alloc::vec::Vec<u8> {
        let pairs = hex.as_str().unwrap().as_bytes().chunks(2);
        pairs.map(|pair| u8::from_str_radix(core::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
    }
}
