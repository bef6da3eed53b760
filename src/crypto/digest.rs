//! Digests under a tag, so that bytes of one kind can never pass for another.

use core::fmt;

use super::sha256::{Hasher, State};

/// A SHA-256 digest of tagged canonical bytes (FIPS 180-4).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// SHA-256 of `tag`'s length in one byte, `tag`, then `body`. FORMAT 1.4.
    #[must_use]
    pub fn of(tag: &'static str, body: &[u8]) -> Self {
        let mut digester = Digester::tagged(tag);
        digester.update(body);
        digester.finish()
    }

    /// SHA-256 of the bytes alone, as files are digested. FORMAT 1.5.
    #[must_use]
    pub fn of_file(bytes: &[u8]) -> Self {
        let mut digester = Digester::untagged();
        digester.update(bytes);
        digester.finish()
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for Digest {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A digest in the making.
#[derive(Clone)]
pub struct Digester(pub(super) Hasher);

impl Digester {
    /// Starts with the tag. A tag has at most 255 bytes; all are constants of this crate.
    #[must_use]
    pub fn tagged(tag: &'static str) -> Self {
        let mut hasher = Hasher::new(State::new());
        hasher.update(&[u8::try_from(tag.len()).unwrap_or(u8::MAX)]);
        hasher.update(tag.as_bytes());
        Self(hasher)
    }

    /// Starts empty, for the digest of a file's bytes.
    #[must_use]
    pub fn untagged() -> Self {
        Self(Hasher::new(State::new()))
    }

    /// Appends.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The digest of what was appended.
    #[must_use]
    pub fn finish(mut self) -> Digest {
        Digest(self.0.finish())
    }
}

impl fmt::Debug for Digester {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digester(..)")
    }
}
