//! What the holder of the key can compute, by hand from FORMAT 5 and RFC 2104 and 5869: tags that a fuzzer cannot guess.

use assize::crypto::{Digest, KeyId, RootKey};
use assize::id::LogId;

pub const KEY_ID: u32 = 7;
pub const SECRET: &[u8; 32] = b"thirty-two bytes that are a key!";

pub fn root() -> RootKey {
    RootKey::new(KeyId(KEY_ID), SECRET).unwrap()
}

/// FORMAT 6.4, and what follows from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Static,
    Evolving,
    Unkeyed,
}

impl Mode {
    pub const ALL: [Self; 3] = [Self::Static, Self::Evolving, Self::Unkeyed];

    pub fn code(self) -> u8 {
        match self {
            Self::Static => 1,
            Self::Evolving => 2,
            Self::Unkeyed => 3,
        }
    }

    pub fn key_id(self) -> u32 {
        if self == Self::Unkeyed { 0 } else { KEY_ID }
    }
}

/// What the keys of a log are made of, in one mode.
pub struct Keyed {
    pub mode: Mode,
    pub log_id: LogId,
}

impl Keyed {
    /// The tag of a header or a frame in that segment, over the prefix of that domain. FORMAT 5.2 to 5.4, 6.5, 7.3.
    pub fn segment_tag(&self, segment: u32, domain: &[u8], parts: &[&[u8]]) -> [u8; 32] {
        let mut message = self.prefix(segment, domain);
        parts.iter().for_each(|part| message.extend_from_slice(part));
        self.tag(
            segment,
            &[&b"assize/segment/1"[..], &self.mode.key_id().to_le_bytes(), &segment.to_le_bytes()].concat(),
            &message,
        )
    }

    /// The tag of an anchor of a head in that segment. FORMAT 11.1.
    pub fn anchor_tag(&self, segment: u32, body: &[u8]) -> [u8; 32] {
        self.tag(segment, &[&b"assize/anchor/1"[..], &self.mode.key_id().to_le_bytes()].concat(), body)
    }

    /// The state that the host of an evolving log keeps. FORMAT 5.6.
    pub fn state(&self, segment: u32) -> Vec<u8> {
        state(KEY_ID, self.log_id, segment, &self.evolved(segment))
    }

    /// By the key for that purpose in that segment.
    fn tag(&self, segment: u32, purpose: &[u8], message: &[u8]) -> [u8; 32] {
        let key = match self.mode {
            Mode::Unkeyed => return Digest::of_file(message).0,
            Mode::Static => expand(&self.extracted(), purpose),
            Mode::Evolving => expand(&self.evolved(segment), purpose),
        };
        hmac(&key, message)
    }

    /// FORMAT 5.1.
    fn extracted(&self) -> [u8; 32] {
        hmac(&self.log_id.0, SECRET)
    }

    /// Kₛ of FORMAT 5.3.
    fn evolved(&self, segment: u32) -> [u8; 32] {
        let info = [&b"assize/evolve/1"[..], &KEY_ID.to_le_bytes()].concat();
        (0..segment).fold(self.extracted(), |key, _| expand(&key, &info))
    }

    /// FORMAT 6.6.
    fn prefix(&self, segment: u32, domain: &[u8]) -> Vec<u8> {
        let mut prefix = domain.to_vec();
        prefix.resize(16, 0);
        prefix.extend_from_slice(&[1, 0, self.mode.code(), 0]);
        prefix.extend_from_slice(&self.mode.key_id().to_le_bytes());
        prefix.extend_from_slice(&self.log_id.0);
        prefix.extend_from_slice(&segment.to_le_bytes());
        prefix.resize(64, 0);
        prefix
    }
}

/// FORMAT 5.6.
pub fn state(key_id: u32, log_id: LogId, segment: u32, secret: &[u8; 32]) -> Vec<u8> {
    let mut state = b"ASZSTAT1\x01\0\x02\0".to_vec();
    state.extend_from_slice(&key_id.to_le_bytes());
    state.extend_from_slice(&log_id.0);
    state.extend_from_slice(&segment.to_le_bytes());
    state.extend_from_slice(&[0; 4]);
    state.extend_from_slice(secret);
    state.extend_from_slice(&state_digest(&state));
    state
}

/// By which a torn state is told from a whole one.
pub fn state_digest(body: &[u8]) -> [u8; 32] {
    Digest::of("assize/state/1", body).0
}

/// HMAC-SHA256 (RFC 2104), of keys of up to a block.
fn hmac(key: &[u8], message: &[u8]) -> [u8; 32] {
    let padded = |pad: u8| {
        let mut block = vec![pad; 64];
        block.iter_mut().zip(key).for_each(|(place, byte)| *place ^= byte);
        block
    };
    let inner = Digest::of_file(&[padded(0x36), message.to_vec()].concat());
    Digest::of_file(&[padded(0x5c), inner.0.to_vec()].concat()).0
}

/// HKDF-Expand to 32 bytes (RFC 5869).
fn expand(key: &[u8; 32], info: &[u8]) -> [u8; 32] {
    hmac(key, &[info, &[1]].concat())
}
