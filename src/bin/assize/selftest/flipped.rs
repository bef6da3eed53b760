//! Whether anybody without the key can alter a log: every bit of a small one, one after the other.

use assize::{
    audit::{self, AuditOptions},
    wal::storage::Memory,
};

use super::{
    check::{Given, Seen, Wrong},
    fixed::Fixed,
};
use crate::output::grouped;

pub(super) fn every_bit(_: &Given, did: &mut String) -> Seen {
    flip_all(&Fixed::named("windows")?, verify, did)
}

/// What verifies: the library, unless a test says otherwise.
type Verify = fn(&Fixed, &Memory) -> Result<(), Wrong>;

fn flip_all(fixed: &Fixed, verify: Verify, did: &mut String) -> Seen {
    let log = &fixed.log;
    verify(fixed, log)?;
    let (mut bytes_seen, mut bits) = (0_u64, 0_u64);
    for name in log.names() {
        let mut bytes = log.bytes(&name).unwrap_or_default();
        bytes_seen = bytes_seen.saturating_add(u64::try_from(bytes.len())?);
        *did = format!("each bit of {} bytes in {} segments", grouped(bytes_seen), log.names().len());
        for at in 0..bytes.len() {
            for bit in 0..u8::BITS {
                flip(&mut bytes, at, bit);
                log.replace(&name, &bytes);
                if verify(fixed, log).is_ok() {
                    return Err(Wrong::new(format_args!("{name} holds with bit {bit} of byte {at} flipped")));
                }
                flip(&mut bytes, at, bit);
                bits = bits.saturating_add(1);
            }
        }
        log.replace(&name, &bytes);
    }
    verify(fixed, log)?;
    Ok(format!("{} flips refused, and the log as it was holds", grouped(bits)))
}

fn flip(bytes: &mut [u8], at: usize, bit: u32) {
    if let Some(byte) = bytes.get_mut(at) {
        *byte ^= 1_u8.rotate_left(bit);
    }
}

fn verify(fixed: &Fixed, log: &Memory) -> Result<(), Wrong> {
    let _report = audit::verify(log, &fixed.keys(), AuditOptions::default())?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flip_that_is_not_noticed_is_told() {
        let said = |verify: Verify| {
            let seen = flip_all(&Fixed::named("windows").unwrap(), verify, &mut String::new());
            format!("{:?}", seen.unwrap_err())
        };
        let nothing = said(|_, _| Ok(()));
        assert!(nothing.contains("00000001.seg holds with bit 0 of byte 0 flipped"), "{nothing}");
        // One that does not look at the zeros after a seal.
        let ends = said(|fixed, log| {
            let log = log.copy();
            for name in log.names() {
                let mut bytes = log.bytes(&name).unwrap_or_default();
                let padding = bytes.len().saturating_sub(64);
                bytes.truncate(padding);
                log.replace(&name, &bytes);
            }
            verify(fixed, &log)
        });
        assert!(ends.contains("holds with bit 0 of byte 4264 flipped"), "{ends}");
        let none = said(|_, _| Err(Wrong::new("nothing holds")));
        assert!(none.contains("nothing holds"), "{none}");
    }
}
