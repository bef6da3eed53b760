//! The vectors of the standards.

use assize::{
    crypto::{Digest, Digester, KeyId, RootKey},
    id::LogId,
};
use hkdf::Hkdf;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::{
    check::{Given, Seen, Wrong, same, there},
    shipped,
};
use crate::output::grouped;

pub(super) fn sha256(_: &Given, did: &mut String) -> Seen {
    sha256_of(&shipped::published()?, did)
}

fn sha256_of(published: &Value, did: &mut String) -> Seen {
    let vectors = list(published, "sha256")?;
    *did = format!(
        "{} messages of FIPS 180-4, and every length up to {} against another implementation",
        vectors.len(),
        grouped(LENGTHS)
    );
    for vector in vectors {
        let repeat = there("repeat", vector.get("repeat").and_then(Value::as_u64))?;
        let message = bytes(vector, "message")?.repeat(usize::try_from(repeat)?);
        let expected = bytes(vector, "digest")?;
        same(name(vector), &Digest::of_file(&message).0.to_vec(), &expected)?;
        let mut digester = Digester::untagged();
        message.chunks(PIECE).for_each(|piece| digester.update(piece));
        same(format_args!("{} in pieces", name(vector)), &digester.finish().0.to_vec(), &expected)?;
    }
    let bytes: Vec<u8> = (0..=u8::MAX).cycle().take(LENGTHS).collect();
    for length in 0..=bytes.len() {
        let message = bytes.get(..length).unwrap_or_default();
        let other: [u8; 32] = Sha256::digest(message).into();
        same(format_args!("{length} bytes"), &Digest::of_file(message).0, &other)?;
    }
    Ok("each digest as published".to_owned())
}

/// Beyond the borders of several blocks.
const LENGTHS: usize = 1_100;
/// Across the borders of blocks.
const PIECE: usize = 61;

/// HKDF-Extract is HMAC of the material under the salt (RFC 5869, 2.2), so that the vectors of RFC 4231 hold it; then the keyed
/// tags of logs are held to it.
pub(super) fn hmac(_: &Given, did: &mut String) -> Seen {
    hmac_of(&shipped::published()?, did)
}

fn hmac_of(published: &Value, did: &mut String) -> Seen {
    let vectors = list(published, "hmac_sha256")?;
    *did =
        format!("{} cases of RFC 4231, and tags of messages of every length up to {LONGEST}", vectors.len());
    for vector in vectors {
        let (expected, mut seen) = (bytes(vector, "tag")?, Vec::new());
        seen.extend_from_slice(&mac(&bytes(vector, "key")?, &bytes(vector, "message")?));
        // Case 5 states the first 128 bits alone.
        seen.truncate(expected.len());
        same(name(vector), &seen, &expected)?;
    }
    let (secret, log) = ([0x5A; 40], LogId([0xC3; 16]));
    let root = RootKey::new(KeyId(1), &secret)?;
    let mut key = [0; 32];
    expand(&log, &secret, b"a label", &mut key)?;
    let message: Vec<u8> = (0..=u8::MAX).cycle().take(LONGEST).collect();
    for length in 0..=message.len() {
        let (head, _) = message.split_at(length);
        let seen = root.derive(log, &[b"a ", b"label"], &[]).tag(&[head]).0;
        same(format_args!("a message of {length} bytes"), &seen, &mac(&key, head))?;
    }
    Ok("each tag as published, or as another implementation makes it".to_owned())
}

const LONGEST: usize = 300;

pub(super) fn hkdf(_: &Given, did: &mut String) -> Seen {
    hkdf_of(&shipped::published()?, did)
}

fn hkdf_of(published: &Value, did: &mut String) -> Seen {
    let vectors = list(published, "hkdf_sha256")?;
    *did = format!("{} cases of RFC 5869", vectors.len());
    for vector in vectors {
        let (extracted, hkdf) =
            Hkdf::<Sha256>::extract(Some(&bytes(vector, "salt")?), &bytes(vector, "ikm")?);
        same(name(vector), &extracted.to_vec(), &bytes(vector, "prk")?)?;
        let expected = bytes(vector, "okm")?;
        let mut seen = vec![0; expected.len()];
        let expanded = hkdf.expand(&bytes(vector, "info")?, &mut seen);
        expanded.map_err(|_| Wrong::new("HKDF gives no key of that length"))?;
        same(name(vector), &seen, &expected)?;
    }
    Ok("each key as published".to_owned())
}

pub(super) fn crc32c(_: &Given, did: &mut String) -> Seen {
    crc32c_of(&shipped::published()?, did)
}

fn crc32c_of(published: &Value, did: &mut String) -> Seen {
    let vectors = list(published, "crc32c")?;
    *did = format!("{} messages of RFC 3720, cut at every byte", vectors.len());
    for vector in vectors {
        let (message, expected) = (bytes(vector, "message")?, bytes(vector, "checksum")?);
        for cut in 0..=message.len() {
            let (head, rest) = message.split_at(cut);
            let seen = crc32c::crc32c_append(crc32c::crc32c(head), rest).to_be_bytes();
            same(name(vector), &seen.to_vec(), &expected)?;
        }
    }
    Ok("each checksum as published".to_owned())
}

/// HMAC-SHA-256 by another hand than the library's.
pub(super) fn mac(key: &[u8], message: &[u8]) -> [u8; 32] {
    let (mac, _) = Hkdf::<Sha256>::extract(Some(key), message);
    mac.into()
}

/// What FORMAT 5.1 derives, by another hand than the library's.
pub(super) fn expand(log: &LogId, secret: &[u8], info: &[u8], key: &mut [u8; 32]) -> Result<(), Wrong> {
    let expanded = Hkdf::<Sha256>::new(Some(&log.0), secret).expand(info, key);
    expanded.map_err(|_| Wrong::new("HKDF gives no key of 32 bytes"))
}

fn list<'a>(published: &'a Value, function: &str) -> Result<&'a [Value], Wrong> {
    let vectors = published.get(function).and_then(|of| of.get("vectors")?.as_array());
    let vectors = there(function, vectors)?;
    there(format_args!("a vector of {function}"), vectors.first())?;
    Ok(vectors)
}

fn name(vector: &Value) -> &str {
    vector.get("name").and_then(Value::as_str).unwrap_or("a vector")
}

fn bytes(vector: &Value, field: &str) -> Result<Vec<u8>, Wrong> {
    super::golden::bytes(vector.get(field), field)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A check of vectors, and a place in them.
    type Row = (fn(&Value, &mut String) -> Seen, &'static str, &'static str);

    #[test]
    fn a_vector_that_is_another_is_told() {
        let published = shipped::published().unwrap();
        let rows: [Row; 6] = [
            (sha256_of, "sha256", "digest"),
            (sha256_of, "sha256", "message"),
            (hmac_of, "hmac_sha256", "tag"),
            (hkdf_of, "hkdf_sha256", "okm"),
            (hkdf_of, "hkdf_sha256", "prk"),
            (crc32c_of, "crc32c", "checksum"),
        ];
        for (check, function, field) in rows {
            assert!(check(&published, &mut String::new()).is_ok(), "{function}");
            let mut wrong = published.clone();
            wrong[function]["vectors"][1][field] = "00".into();
            assert!(check(&wrong, &mut String::new()).is_err(), "{function} {field}");
            let mut none = published.clone();
            none[function]["vectors"] = Value::Array(Vec::new());
            assert!(check(&none, &mut String::new()).is_err(), "no vector holds nothing");
        }
    }
}
