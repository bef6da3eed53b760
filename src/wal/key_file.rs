//! The text of a key file. FORMAT 5.5.

use alloc::vec::Vec;
use core::{error::Error, fmt};

use zeroize::Zeroizing;

use crate::{
    crypto::{KeyError, KeyId, RootKey},
    limits::KEY_BYTES_MAX,
};

/// Reads the text of a key file; the caller's copy of it is the caller's to wipe.
///
/// # Errors
/// It does not have the three lines, or the secret is too short or too long.
pub fn parse_key(text: &[u8]) -> Result<RootKey, KeyTextError> {
    let mut lines = text.split(|byte| *byte == b'\n');
    let mut line = |number, start: &[u8]| {
        lines.next().and_then(|line| line.strip_prefix(start)).ok_or(KeyTextError::Line { number })
    };
    if !line(1, MAGIC)?.is_empty() {
        return Err(KeyTextError::Line { number: 1 });
    }
    let id = line(2, ID).and_then(|digits| decimal(digits).ok_or(KeyTextError::Line { number: 2 }))?;
    let secret = line(3, SECRET).and_then(|digits| hex(digits).ok_or(KeyTextError::Line { number: 3 }))?;
    // The third line feed, and nothing after it.
    if lines.next() != Some(&[]) || lines.next().is_some() {
        return Err(KeyTextError::Line { number: 4 });
    }
    RootKey::new(KeyId(id), &secret).map_err(KeyTextError::Key)
}

/// The text of a key file.
///
/// # Errors
/// The secret is too short or too long.
pub fn format_key(id: KeyId, secret: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    RootKey::new(id, secret)?;
    // Reserved in full at once: growing would leave a copy of the secret behind.
    let mut text = Zeroizing::new(Vec::with_capacity(TEXT_BYTES_MAX));
    text.extend_from_slice(MAGIC);
    text.push(b'\n');
    text.extend_from_slice(ID);
    let mut digits = [0; 10];
    text.extend_from_slice(decimal_digits(id.0, &mut digits));
    text.push(b'\n');
    text.extend_from_slice(SECRET);
    for byte in secret {
        text.push(digit(byte >> 4));
        text.push(digit(byte & 0xF));
    }
    text.push(b'\n');
    assert!(text.len() <= TEXT_BYTES_MAX, "the text fits what was reserved");
    Ok(text)
}

/// A number in decimal as it is written: no sign, no zeros before it.
fn decimal(digits: &[u8]) -> Option<u32> {
    let canonical = digits.iter().all(u8::is_ascii_digit) && (digits == b"0" || !digits.starts_with(b"0"));
    if !canonical {
        return None;
    }
    core::str::from_utf8(digits).ok()?.parse().ok()
}

fn decimal_digits(mut value: u32, digits: &mut [u8; 10]) -> &[u8] {
    let mut start = digits.len();
    for (at, place) in digits.iter_mut().enumerate().rev() {
        *place = b'0'.saturating_add(u8::try_from(value.rem_euclid(10)).unwrap_or(0));
        value = value.div_euclid(10);
        start = at;
        if value == 0 {
            break;
        }
    }
    digits.get(start..).unwrap_or_default()
}

fn hex(digits: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (pairs, rest) = digits.as_chunks::<2>();
    if !rest.is_empty() || pairs.len() > KEY_BYTES_MAX {
        return None;
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(pairs.len()));
    for [high, low] in pairs {
        bytes.push(nibble(*high)? << 4 | nibble(*low)?);
    }
    Some(bytes)
}

/// Upper case is not read: there is one text for each key.
fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => digit.checked_sub(b'0'),
        b'a'..=b'f' => digit.checked_sub(b'a').and_then(|above| above.checked_add(10)),
        _ => None,
    }
}

fn digit(nibble: u8) -> u8 {
    match nibble {
        0..=9 => b'0'.saturating_add(nibble),
        _ => b'a'.saturating_add(nibble.saturating_sub(10)),
    }
}

const MAGIC: &[u8] = b"assize-key-1";
const ID: &[u8] = b"id=";
const SECRET: &[u8] = b"secret=";
const TEXT_BYTES_MAX: usize = 192;

/// Why a text is no key file's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyTextError {
    /// A line is not what it must be; what it is is not shown.
    Line {
        /// The line, from 1.
        number: u8,
    },
    /// The secret is no key.
    Key(KeyError),
}

impl fmt::Display for KeyTextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line { number: 1 } => write!(f, "line 1 of a key file is \"assize-key-1\""),
            Self::Line { number: 2 } => write!(f, "line 2 of a key file is \"id=\" and a decimal below 2^32"),
            Self::Line { number: 3 } => {
                write!(f, "line 3 of a key file is \"secret=\" and 64 to 128 lower-case hex digits")
            }
            Self::Line { .. } => write!(f, "a key file has three lines, each ended by a line feed"),
            Self::Key(_) => write!(f, "the secret is no key"),
        }
    }
}

impl Error for KeyTextError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Key(error) => Some(error),
            Self::Line { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_written_in_one_way_and_read_back() {
        for (id, len) in [(0, 32), (1, 33), (10, 48), (4_294_967_295, 64)] {
            let secret: Vec<u8> = (0..len).map(|at: u8| at.wrapping_mul(5)).collect();
            let text = format_key(KeyId(id), &secret).unwrap();
            assert_eq!(parse_key(&text).unwrap().id(), KeyId(id));
            assert_eq!(*format_key(KeyId(id), &secret).unwrap(), *text);
        }
    }

    #[test]
    fn other_texts_are_no_keys() {
        let secret = "00112233445566778899aabbccddeeff".repeat(2);
        let row = |id: &str, secret: &str, end: &str| {
            alloc::format!("assize-key-1\nid={id}\nsecret={secret}\n{end}")
        };
        let line = |number| Some(KeyTextError::Line { number });
        let cases = [
            (row("7", &secret, ""), None),
            (row("07", &secret, ""), line(2)),
            (row("+7", &secret, ""), line(2)),
            (row("", &secret, ""), line(2)),
            (row("4294967296", &secret, ""), line(2)),
            (row("7", &secret.to_uppercase(), ""), line(3)),
            (row("7", secret.get(1..).unwrap(), ""), line(3)),
            (row("7", &secret.repeat(3), ""), line(3)),
            (row("7", &secret, "x"), line(4)),
            (row("7", &secret, "\n"), line(4)),
            (row("7", &secret, "").trim_end().into(), line(4)),
            (row("7", &secret, "").replace('\n', "\r\n"), line(1)),
            (row("7", secret.get(2..).unwrap(), ""), Some(KeyTextError::Key(KeyError::Length { seen: 31 }))),
            (alloc::string::String::new(), line(1)),
        ];
        for (text, expected) in cases {
            assert_eq!(parse_key(text.as_bytes()).err(), expected, "{text:?}");
        }
    }
}
