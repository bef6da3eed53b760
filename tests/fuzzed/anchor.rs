//! Any bytes as an anchor, as they are or tagged with the key: what is read is written as the same bytes, and no bit of it
//! can be another.

use assize::id::LogId;
use assize::wal::Anchor;

use super::{
    Reached,
    keyed::{Keyed, Mode, root},
};

/// Bytes: what is done to the rest, which of its bits is flipped (`u16`), an anchor.
pub fn check(bytes: &[u8]) -> Reached {
    let mut reached = Reached::new();
    let [options, low, high, anchor @ ..] = bytes else { return reached };
    let mut anchor = anchor.to_vec();
    if anchor.get(10) == Some(&Mode::Evolving.code()) && segment(&anchor) > SEGMENTS_STEPPED {
        // The key is stepped to the segment before its tag is known to hold; by so many steps it takes too long here.
        return vec!["far"];
    }
    if options & TAG != 0 {
        tag(&mut anchor);
    }
    let decoded = match read(&anchor) {
        Ok(decoded) => decoded,
        Err(refused) => {
            assert!(!refused.to_string().is_empty());
            return reached;
        }
    };
    assert!(decoded.encode()[..] == anchor[..], "an anchor is written as other bytes than were read");
    assert_eq!(decoded.segment(), segment(&anchor));
    let bit = usize::from(u16::from_le_bytes([*low, *high])) % (8 * anchor.len());
    let flipped = flip(&anchor, bit);
    // A flip in the segment may lead far as well; it is refused by its tag like the others.
    if segment(&flipped) <= SEGMENTS_STEPPED || anchor[10] != Mode::Evolving.code() {
        assert!(read(&flipped).is_err(), "bit {bit} is flipped, and it is an anchor");
        reached.push("flipped");
    }
    reached.push(["static", "evolving", "unkeyed"][usize::from(anchor[10]) - 1]);
    reached
}

fn read(bytes: &[u8]) -> Result<Anchor, assize::wal::AnchorError> {
    if bytes.get(10) == Some(&Mode::Unkeyed.code()) {
        return Anchor::decode_unkeyed(bytes);
    }
    Anchor::decode(bytes, &[&root()])
}

fn segment(anchor: &[u8]) -> u32 {
    anchor.get(32..36).map_or(0, |bytes| u32::from_le_bytes(bytes.try_into().unwrap()))
}

/// Gives it the tag that the key's holder would. FORMAT 11.1.
fn tag(anchor: &mut [u8]) {
    let (Some(mode), true) = (anchor.get(10), anchor.len() == Anchor::BYTES) else { return };
    let Some(mode) = Mode::ALL.into_iter().find(|known| known.code() == *mode) else { return };
    let log_id = LogId(anchor[16..32].try_into().unwrap());
    let made = Keyed { mode, log_id }.anchor_tag(segment(anchor), &anchor[..88]);
    anchor[88..].copy_from_slice(&made);
}

pub fn flip(bytes: &[u8], bit: usize) -> Vec<u8> {
    let mut flipped = bytes.to_vec();
    flipped[bit / 8] ^= 1 << (bit % 8);
    flipped
}

pub const TAG: u8 = 1;
const SEGMENTS_STEPPED: u32 = 1 << 10;
