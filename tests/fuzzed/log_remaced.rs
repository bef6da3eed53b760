//! Logs that the holder of the key could have written, and would not: frames of other payloads, kinds and order, under tags
//! that hold. See `script.rs` for what the bytes say.

use super::{Reached, log::Judged, script};

pub fn check(bytes: &[u8]) -> Reached {
    let mut reached = Reached::new();
    let Some((keyed, image)) = script::write(bytes) else { return reached };
    Judged { keyed, image, thoroughly: bytes[0] >= 0x80 }.judge(&mut reached);
    reached
}
