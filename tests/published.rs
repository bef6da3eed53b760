//! The vectors of the standards: SHA-256, HKDF and CRC-32C. Those of HMAC are tested beside its code, `src/crypto/mac.rs`.
#![cfg(all(feature = "wal", feature = "serde"))]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    reason = "a test that fails by panicking fails"
)]

#[path = "golden/files.rs"]
#[allow(dead_code, reason = "other tests use the rest of it")]
mod files;

use assize::{
    crypto::{Digest, Digester, KeyId, RootKey},
    id::LogId,
};
use files::{bytes, list};
use hkdf::Hkdf;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

fn vectors(of: &str) -> Vec<Value> {
    let published: Value = serde_json::from_str(include_str!("published/vectors.json")).unwrap();
    list(&published[of]["vectors"]).to_vec()
}

#[test]
fn sha_256_is_that_of_fips_180_4() {
    let vectors = vectors("sha256");
    assert_eq!(vectors.len(), 5);
    for vector in vectors {
        let message = bytes(&vector["message"]).repeat(vector["repeat"].as_u64().unwrap() as usize);
        let expected = bytes(&vector["digest"]);
        assert_eq!(Digest::of_file(&message).0[..], expected, "{}", vector["name"]);
        for piece in [1, 3, 55, 63, 64, 65, 1_000] {
            let mut digester = Digester::untagged();
            message.chunks(piece).for_each(|piece| digester.update(piece));
            assert_eq!(digester.finish().0[..], expected, "{}, by {piece}", vector["name"]);
        }
    }
}

/// The padding is this crate's own: every length around the borders of the first blocks, against another's.
#[test]
fn every_length_is_padded_as_elsewhere() {
    let message: Vec<u8> = (0..=255).cycle().take(1_100).collect();
    for length in 0..=message.len() {
        let message = &message[..length];
        assert_eq!(Digest::of_file(message).0, <[u8; 32]>::from(Sha256::digest(message)), "{length}");
        let tagged = [&[3], &b"tag"[..], message].concat();
        assert_eq!(Digest::of("tag", message).0, <[u8; 32]>::from(Sha256::digest(tagged)), "{length}");
    }
}

/// The function that keys are derived by is that of RFC 5869, and what a root key derives is that function of the log's id and
/// the root.
#[test]
fn hkdf_is_that_of_rfc_5869() {
    let vectors = vectors("hkdf_sha256");
    assert_eq!(vectors.len(), 3);
    for vector in vectors {
        let [ikm, salt, info, prk, okm] = ["ikm", "salt", "info", "prk", "okm"].map(|of| bytes(&vector[of]));
        let (extracted, hkdf) = Hkdf::<Sha256>::extract(Some(&salt), &ikm);
        assert_eq!(extracted[..], prk, "{}", vector["name"]);
        let mut expanded = vec![0; okm.len()];
        hkdf.expand(&info, &mut expanded).unwrap();
        assert_eq!(expanded, okm, "{}", vector["name"]);
    }
    for length in 32..=64 {
        let (secret, log) = (vec![length as u8; length], LogId([length as u8; 16]));
        let info: [&[u8]; 2] = [b"a label", &[7; 9]];
        let mut key = [0; 32];
        Hkdf::<Sha256>::new(Some(&log.0), &secret).expand(&info.concat(), &mut key).unwrap();
        let message = [length as u8; 77];
        let (expected, _) = Hkdf::<Sha256>::extract(Some(&key), &message);
        let derived = RootKey::new(KeyId(1), &secret).unwrap().derive(log, &info, &[]);
        assert_eq!(derived.tag(&[&message]).0, <[u8; 32]>::from(expected), "{length}");
    }
}

#[test]
fn crc_32c_is_that_of_rfc_3720() {
    let vectors = vectors("crc32c");
    assert_eq!(vectors.len(), 5);
    for vector in vectors {
        let message = bytes(&vector["message"]);
        let expected = u32::from_be_bytes(files::array(&vector["checksum"]));
        assert_eq!(crc32c::crc32c(&message), expected, "{}", vector["name"]);
        for cut in 0..=message.len() {
            let (head, rest) = message.split_at(cut);
            assert_eq!(crc32c::crc32c_append(crc32c::crc32c(head), rest), expected, "{}", vector["name"]);
        }
    }
}
