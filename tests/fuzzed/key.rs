//! Any bytes as a secret, as the text of a key file and as the state of an evolving key: each key has one text, and no bit
//! of a state can be another.

use assize::crypto::{KeyId, RootKey};
use assize::id::LogId;
use assize::wal::{
    EvolvingKey, format_key, parse_key,
    storage::{Memory, StateFile},
};

use super::{Reached, anchor::flip, keyed};

/// Bytes: what they are, which of their bits is flipped (`u16`), the rest.
pub fn check(bytes: &[u8]) -> Reached {
    let [kind, low, high, rest @ ..] = bytes else { return Reached::new() };
    let bit = usize::from(u16::from_le_bytes([*low, *high])) % (8 * rest.len()).max(1);
    match kind % 4 {
        SECRET => secret(rest),
        TEXT => text(rest, bit),
        STATE => state(rest.to_vec(), bit),
        _ => state(whole(rest), bit),
    }
}

fn secret(bytes: &[u8]) -> Reached {
    let id = KeyId(u32::from(bytes.first().copied().unwrap_or(0)));
    let made = RootKey::new(id, bytes);
    assert_eq!(made.is_ok(), (32..=64).contains(&bytes.len()));
    let text = format_key(id, bytes);
    assert_eq!(text.is_ok(), made.is_ok());
    let (Ok(made), Ok(text)) = (made, text) else { return Reached::new() };
    assert!(is_same(&made, &parse_key(&text).unwrap()), "a key is read as another than was written");
    vec!["secret"]
}

fn text(bytes: &[u8], bit: usize) -> Reached {
    if !is_only_text(bytes) {
        return Reached::new();
    }
    // Another digit is another key; but it is that key's one text as well.
    let flipped = flip(bytes, bit);
    vec![if is_only_text(&flipped) { "text and another" } else { "text" }]
}

/// Whether it is a key's text. If it is, it is the only one that this key has.
fn is_only_text(text: &[u8]) -> bool {
    let key = match parse_key(text) {
        Ok(key) => key,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return false;
        }
    };
    let lines: Vec<&[u8]> = text.split(|byte| *byte == b'\n').collect();
    let [_, _, third, _] = lines[..] else { panic!("a key file of {} lines", lines.len()) };
    let digits = std::str::from_utf8(&third["secret=".len()..]).unwrap();
    let secret: Vec<u8> = (0..digits.len() / 2)
        .map(|place| u8::from_str_radix(&digits[2 * place..2 * place + 2], 16).unwrap())
        .collect();
    assert!(format_key(key.id(), &secret).unwrap()[..] == *text, "a key has two texts");
    assert!(is_same(&key, &RootKey::new(key.id(), &secret).unwrap()));
    true
}

/// Whether two keys make the same tags.
fn is_same(one: &RootKey, other: &RootKey) -> bool {
    let [one, other] =
        [one, other].map(|key| (key.id(), key.derive(LogId([1; 16]), &[b"info"], &[]).tag(&[b"message"])));
    one.0 == other.0 && one.1.matches(&other.1)
}

fn state(bytes: Vec<u8>, bit: usize) -> Reached {
    let place = Memory::new();
    place.replace("state", &bytes);
    let key = match load(&place) {
        Ok(key) => key,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return Reached::new();
        }
    };
    // The state says all that there is; written by hand from it, it is the same bytes.
    let secret = bytes[40..72].try_into().unwrap();
    let written = keyed::state(key.id().0, key.log_id(), key.segment(), secret);
    assert!(written == bytes, "a state is another than the one of its key");
    let flipped = Memory::new();
    flipped.replace("state", &flip(&bytes, bit % (8 * bytes.len())));
    assert!(load(&flipped).is_err(), "bit {bit} is flipped, and it is a state");
    key.forget().unwrap();
    assert!(!place.names().contains(&"state".to_owned()));
    vec!["state"]
}

fn load(place: &Memory) -> Result<EvolvingKey, assize::wal::StateError> {
    EvolvingKey::load(Box::new(StateFile::within(Box::new(place.clone()), "state")))
}

/// With the digest that tells whole ones.
fn whole(body: &[u8]) -> Vec<u8> {
    [body, &keyed::state_digest(body)].concat()
}

pub const SECRET: u8 = 0;
pub const TEXT: u8 = 1;
pub const STATE: u8 = 2;
/// A state without its digest, which is put to it.
pub const STATE_BODY: u8 = 3;
