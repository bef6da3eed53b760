//! Who steals the state of a segment, and knows FORMAT.

use assize::{
    crypto::{Digest, KeyId, RootKey},
    wal::{Fault, Level, ReadError, ReadOptions, storage::Memory},
};
use hkdf::Hkdf;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::{
    Host, STATE, read,
    toy::{LOG_ID, append_at},
};

const KEY_ID: [u8; 4] = 7_u32.to_le_bytes();

/// FORMAT 5.3, over again.
pub(crate) fn first_key(_: &RootKey, id: KeyId) -> [u8; 32] {
    let hkdf = Hkdf::<Sha256>::new(Some(&LOG_ID.0), &[0x5A; 32]);
    let mut key = [0; 32];
    hkdf.expand_multi_info(&[b"assize/evolve/1", &id.0.to_le_bytes()], &mut key).unwrap();
    key
}

/// A stolen key and the segment that it is of.
#[derive(Clone, Copy)]
struct Stolen {
    segment: u32,
    key: [u8; 32],
}

impl Stolen {
    fn from(state: &[u8]) -> Self {
        let segment = u32::from_le_bytes(state[32..36].try_into().unwrap());
        Self { segment, key: state[40..72].try_into().unwrap() }
    }

    fn expand(&self, info: &[&[u8]]) -> [u8; 32] {
        let mut key = [0; 32];
        Hkdf::<Sha256>::from_prk(&self.key).unwrap().expand_multi_info(info, &mut key).unwrap();
        key
    }

    fn next(&self) -> Self {
        Self { segment: self.segment + 1, key: self.expand(&[b"assize/evolve/1", &KEY_ID]) }
    }

    /// Tags and checks a segment anew after its bytes were changed: all of what the key can do.
    fn tag_again(&self, number: u32, segment: &mut [u8], seal: Option<([u8; 32], [u8; 32])>) -> Seal {
        let key = self.expand(&[b"assize/segment/1", &KEY_ID, &number.to_le_bytes()]);
        let tag = |domain: &[u8], parts: &[&[u8]]| -> [u8; 32] {
            let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
            let mut prefix = domain.to_vec();
            prefix.resize(16, 0);
            prefix.extend([1, 0, 2, 0]);
            prefix.extend(KEY_ID);
            prefix.extend(LOG_ID.0);
            prefix.extend(number.to_le_bytes());
            prefix.resize(64, 0);
            mac.update(&prefix);
            parts.iter().for_each(|part| mac.update(part));
            mac.finalize().into_bytes().into()
        };
        let seed = crc32c::crc32c(&[&LOG_ID.0[..], &number.to_le_bytes()].concat());
        if let Some((tag, digest)) = seal {
            segment[56..88].copy_from_slice(&tag);
            segment[88..120].copy_from_slice(&digest);
        }
        let mut previous = tag(b"assize/header", &[&segment[..216]]);
        segment[216..248].copy_from_slice(&previous);
        let checksum = crc32c::crc32c_append(seed, &segment[..248]);
        segment[248..252].copy_from_slice(&checksum.to_le_bytes());
        let mut at = 256;
        while at < segment.len() && segment[at] != 0 {
            let end = frame_end(segment, at);
            if segment[at + 40] == 65 {
                let digest = Digest::of_file(&segment[..at]).0;
                segment[at + 44 + 24..at + 44 + 56].copy_from_slice(&previous);
                segment[at + 44 + 56..at + 44 + 88].copy_from_slice(&digest);
            }
            previous = tag(b"assize/frame", &[&previous, &segment[at..end - 36]]);
            segment[end - 36..end - 4].copy_from_slice(&previous);
            let checksum = crc32c::crc32c_append(seed, &segment[at..end - 4]);
            segment[end - 4..end].copy_from_slice(&checksum.to_le_bytes());
            at = end;
        }
        Seal { tag: previous, digest: Digest::of_file(&segment[..at]).0 }
    }
}

/// What the next header carries.
struct Seal {
    tag: [u8; 32],
    digest: [u8; 32],
}

fn name(number: u32) -> String {
    format!("{number:08}.seg")
}

/// FORMAT 7.1.
fn frame_end(segment: &[u8], at: usize) -> usize {
    let payload = u32::from_le_bytes(segment[at + 4..at + 8].try_into().unwrap()) as usize;
    at + (44 + payload + 36).next_multiple_of(8)
}

/// Changes one byte of the last payload of a record.
fn change_a_record(segment: &mut [u8]) {
    let (mut at, mut last) = (256, None);
    while at < segment.len() && segment[at] != 0 {
        let end = frame_end(segment, at);
        if segment[at + 40] < 64 && end - at > 80 {
            last = Some(at + 44);
        }
        at = end;
    }
    segment[last.expect("a segment has a record with a payload")] ^= 1;
}

/// Rewrites the log from segment `from` on, with the stolen key where it reaches and a guess where it does not.
fn rewrite(log: &Memory, stolen: Stolen, from: u32, last: u32) {
    let mut seal = None;
    let mut key = stolen;
    for number in from..=last {
        let mut segment = log.bytes(&name(number)).unwrap();
        if number == from {
            change_a_record(&mut segment);
        }
        while key.segment < number {
            key = key.next();
        }
        let made = key.tag_again(number, &mut segment, seal);
        seal = Some((made.tag, made.digest));
        log.replace(&name(number), &segment);
    }
}

#[test]
fn a_stolen_state_rewrites_its_segment_and_no_earlier_one() {
    let host = Host::new();
    let log = host.create();
    append_at(&log, 40, Level::Synced);
    let stolen_at = host.kept();
    let state = host.keys.bytes(STATE).unwrap();
    append_at(&log, 30, Level::Synced);
    log.close().unwrap();
    let last = host.segments();
    assert!(stolen_at > 3 && last > stolen_at + 1, "{stolen_at} of {last}");
    assert!(host.read().is_ok());

    let stolen = Stolen::from(&state);
    assert_eq!(stolen.segment, stolen_at);
    // What the thief can do: this shows that the forgery below is as good as one can be made.
    for from in stolen_at..=last {
        let log = host.log.copy();
        rewrite(&log, stolen, from, last);
        let summary = read(&log, ReadOptions::default()).unwrap();
        assert_ne!(summary.head.tag().0, host.read().unwrap().head.tag().0);
    }
    // What it cannot.
    for from in 1..stolen_at {
        let log = host.log.copy();
        rewrite(&log, stolen, from, last);
        let error = read(&log, ReadOptions::default()).unwrap_err();
        assert!(
            matches!(error, ReadError::Evidence { place, fault: Fault::HeaderTag }
                if place.segment == from && place.offset == 0),
            "{from}: {error:?}"
        );
    }
}

#[test]
fn a_thief_who_leaves_the_header_alone_fails_at_the_first_changed_frame() {
    let host = Host::new();
    let log = host.create();
    append_at(&log, 40, Level::Synced);
    let stolen = Stolen::from(&host.keys.bytes(STATE).unwrap());
    log.close().unwrap();
    for number in 1..stolen.segment {
        let copy = host.log.copy();
        let before = copy.bytes(&name(number)).unwrap();
        rewrite(&copy, stolen, number, host.segments());
        let mut forged = copy.bytes(&name(number)).unwrap();
        forged[..256].copy_from_slice(&before[..256]);
        copy.replace(&name(number), &forged);
        let error = read(&copy, ReadOptions::default()).unwrap_err();
        assert!(
            matches!(error, ReadError::Evidence { place, fault: Fault::FrameTag }
                if place.segment == number && place.offset == 256),
            "{number}: {error:?}"
        );
    }
}

#[test]
fn an_anchor_of_an_earlier_segment_is_for_the_roots_holder() {
    use assize::wal::{Anchor, AnchorError, EvolvingKey, LogKey};
    let host = Host::new();
    let log = host.create();
    append_at(&log, 10, Level::Synced);
    let early = log.anchor().unwrap();
    append_at(&log, 40, Level::Synced);
    let late = log.anchor().unwrap();
    assert!(early.segment() < late.segment());
    let key: LogKey = EvolvingKey::load(host.store()).unwrap().into();
    assert_eq!(key.read_anchor(&late.encode()).unwrap().sequence(), late.sequence());
    let past = AnchorError::Past { segment: early.segment() };
    assert_eq!(key.read_anchor(&early.encode()).unwrap_err(), past);
    let root = crate::root();
    assert_eq!(Anchor::decode(&early.encode(), &[&root]).unwrap().sequence(), early.sequence());
    // The anchor's key evolves too: one made with a later key is refused.
    let mut forged = early.encode();
    let stolen = Stolen::from(&host.keys.bytes(STATE).unwrap());
    let mut mac = Hmac::<Sha256>::new_from_slice(&stolen.expand(&[b"assize/anchor/1", &KEY_ID])).unwrap();
    mac.update(&forged[..88]);
    forged[88..].copy_from_slice(&mac.finalize().into_bytes());
    assert_eq!(Anchor::decode(&forged, &[&root]).unwrap_err(), AnchorError::Tag);
    // As is one of an evolving log with a static key, and the other way round.
    let fixed: LogKey = root.into();
    assert!(matches!(fixed.read_anchor(&late.encode()), Err(AnchorError::Mode { .. })));
}
