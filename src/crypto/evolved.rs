//! The key of an evolving log: it steps forward from segment to segment, and never back. FORMAT 5.3.

use alloc::{vec, vec::Vec};

use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::{ZeroizeOnDrop, Zeroizing};

use super::{
    key::{KeyId, RootKey, expand},
    mac::MacKey,
};
use crate::id::LogId;

/// What the keys of one segment, and of every later one, are derived from; wiped when dropped.
pub(crate) struct EvolvedKey {
    id: KeyId,
    log_id: LogId,
    segment: u32,
    // On the heap, so that moving the key leaves no copy behind.
    secret: Zeroizing<Vec<u8>>,
}

/// Its one secret is wiped, which the tests below hold it to.
impl ZeroizeOnDrop for EvolvedKey {}

impl EvolvedKey {
    /// Bytes of the secret.
    pub(crate) const SECRET_BYTES: usize = 32;

    /// The key of a log's first segment.
    pub(crate) fn first(root: &RootKey, log_id: LogId) -> Self {
        Self::expanded(&root.extracted(log_id), root.id(), log_id, 1)
    }

    /// The key of a segment as it was kept.
    pub(crate) fn kept(id: KeyId, log_id: LogId, segment: u32, secret: &[u8; Self::SECRET_BYTES]) -> Self {
        Self { id, log_id, segment, secret: Zeroizing::new(secret.to_vec()) }
    }

    /// The key of that segment; none if it is an earlier one.
    pub(crate) fn at(&self, segment: u32) -> Option<Self> {
        segment.checked_sub(self.segment).map(|steps| self.stepped(steps))
    }

    /// The key so many segments later.
    pub(crate) fn stepped(&self, steps: u32) -> Self {
        let mut key = Self {
            id: self.id,
            log_id: self.log_id,
            segment: self.segment,
            secret: Zeroizing::new(self.secret.to_vec()),
        };
        for _ in 0..steps {
            key = Self::expanded(&key.extracted(), key.id, key.log_id, key.segment.saturating_add(1));
        }
        key
    }

    /// The key for one purpose within the segment, ready for messages that start with `prefix`.
    pub(crate) fn derive(&self, info: &[&[u8]], prefix: &[[u8; 64]]) -> MacKey {
        let mut key = Zeroizing::new([0; 32]);
        expand(&self.extracted(), info, &mut *key);
        MacKey::new(&key, prefix)
    }

    pub(crate) fn id(&self) -> KeyId {
        self.id
    }

    pub(crate) fn log_id(&self) -> LogId {
        self.log_id
    }

    pub(crate) fn segment(&self) -> u32 {
        self.segment
    }

    /// The secret, to be kept.
    pub(crate) fn secret(&self) -> &[u8] {
        &self.secret
    }

    fn expanded(from: &Hkdf<Sha256>, id: KeyId, log_id: LogId, segment: u32) -> Self {
        let mut secret = Zeroizing::new(vec![0; Self::SECRET_BYTES]);
        expand(from, &[b"assize/evolve/1", &id.0.to_le_bytes()], &mut secret);
        Self { id, log_id, segment, secret }
    }

    fn extracted(&self) -> Hkdf<Sha256> {
        let hkdf = Hkdf::from_prk(&self.secret);
        assert!(hkdf.is_ok(), "a secret of 32 bytes is a pseudorandom key");
        // OK because of the assertion; what stands here for an error is never used.
        hkdf.unwrap_or_else(|_| Hkdf::new(None, &[]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_wiped<T: ZeroizeOnDrop>(_: &T) {}

    #[test]
    fn every_secret_is_wiped_when_dropped() {
        let root = RootKey::new(KeyId(1), &[7; 32]).unwrap();
        let key = EvolvedKey::first(&root, LogId([1; 16]));
        is_wiped(&root);
        is_wiped(&key);
        is_wiped(&key.secret);
        is_wiped(&key.derive(&[b"x"], &[]));
    }

    #[test]
    fn a_key_steps_forward_alone_and_the_same_way_from_everywhere() {
        let root = RootKey::new(KeyId(1), &[7; 32]).unwrap();
        let first = EvolvedKey::first(&root, LogId([1; 16]));
        let (third, fifth) = (first.at(3).unwrap(), first.at(5).unwrap());
        assert_eq!(third.at(5).unwrap().secret(), fifth.secret());
        assert_ne!(third.secret(), fifth.secret());
        assert_eq!(third.at(3).unwrap().secret(), third.secret());
        assert!(third.at(2).is_none() && third.at(0).is_none());
        assert_eq!((fifth.segment(), fifth.id(), fifth.log_id()), (5, KeyId(1), LogId([1; 16])));
    }
}
