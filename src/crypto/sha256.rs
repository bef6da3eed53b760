//! SHA-256 (FIPS 180-4) over the block function of `sha2`, so that two messages can be hashed at once.
//!
//! The rounds of a block wait for one another. A processor with instructions for SHA-256 can work at a block of
//! another message meanwhile, if it comes next: two messages in turn cost little more than the longer one.

use core::slice;

use sha2::block_api::compress256;
use zeroize::Zeroize;

/// SHA-256 between two blocks of a message.
#[derive(Clone)]
pub(super) struct State {
    words: [u32; 8],
    /// Bytes of the message so far.
    bytes: u64,
}

impl State {
    pub(super) const fn new() -> Self {
        Self { words: INITIAL, bytes: 0 }
    }

    pub(super) fn absorb(&mut self, blocks: &[Block]) {
        compress256(&mut self.words, blocks);
        self.count(blocks.as_flattened().len());
    }

    /// The digest of the message with the start of `block` as its end, `filled` bytes of it. That is all that is left of
    /// the state then.
    pub(super) fn finish(&mut self, mut block: Block, filled: usize) -> [u8; 32] {
        // FIPS 180-4, 5.1.1: a one, zeros, and the message's length in bits, modulo 2^64.
        let bytes = self.bytes.wrapping_add(u64::try_from(filled).unwrap_or(0));
        let bits = bytes.wrapping_mul(8).to_be_bytes();
        let (_, rest) = block.split_at_mut(filled);
        rest.fill(0);
        rest.iter_mut().take(1).for_each(|one| *one = 0x80);
        if rest.len() <= bits.len() {
            self.absorb(slice::from_ref(&block));
            block = [0; BLOCK_BYTES];
        }
        if let Some(length) = block.last_chunk_mut() {
            *length = bits;
        }
        self.absorb(slice::from_ref(&block));
        let mut digest = [0; 32];
        for (place, word) in digest.as_chunks_mut().0.iter_mut().zip(self.words) {
            *place = word.to_be_bytes();
        }
        digest
    }

    /// The digest of the message with `first` and `rest` after it. Meanwhile `other` takes `beside`, by blocks in turn.
    #[cfg(feature = "wal")]
    pub(super) fn finish_beside(
        &mut self,
        first: &[u8; 32],
        mut rest: &[u8],
        other: &mut Hasher,
        mut beside: &[u8],
    ) -> [u8; 32] {
        let mut block = [0; BLOCK_BYTES];
        let (start, end) = block.split_at_mut(first.len());
        start.copy_from_slice(first);
        let mut filled = first.len();
        if let Some((head, tail)) = rest.split_first_chunk::<32>() {
            end.copy_from_slice(head);
            self.absorb(slice::from_ref(&block));
            (rest, filled) = (tail, 0);
            beside = other.step(beside);
            while let Some((block, tail)) = rest.split_first_chunk() {
                self.absorb(slice::from_ref(block));
                rest = tail;
                beside = other.step(beside);
            }
        }
        let end = filled.saturating_add(rest.len());
        if let Some(place) = block.get_mut(filled..end) {
            place.copy_from_slice(rest);
        }
        other.update(beside);
        self.finish(block, end)
    }

    fn count(&mut self, bytes: usize) {
        self.bytes = self.bytes.wrapping_add(u64::try_from(bytes).unwrap_or(0));
    }
}

impl Zeroize for State {
    fn zeroize(&mut self) {
        self.words.zeroize();
        self.bytes.zeroize();
    }
}

/// A message being hashed, in pieces of any size.
#[derive(Clone)]
pub(super) struct Hasher {
    state: State,
    /// What comes after the last whole block, at its start.
    block: Block,
    filled: usize,
}

impl Hasher {
    pub(super) const fn new(state: State) -> Self {
        Self { state, block: [0; BLOCK_BYTES], filled: 0 }
    }

    pub(super) fn update(&mut self, mut bytes: &[u8]) {
        if self.filled > 0 {
            bytes = self.step(bytes);
        }
        if self.filled == 0 {
            let (blocks, rest) = bytes.as_chunks();
            self.state.absorb(blocks);
            bytes = rest;
        }
        let rest = self.step(bytes);
        assert!(rest.is_empty(), "less than a block was left");
    }

    pub(super) fn finish(&mut self) -> [u8; 32] {
        self.state.finish(self.block, self.filled)
    }

    /// Absorbs up to the end of a block at most; gives what is left.
    fn step<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        if self.filled == 0
            && let Some((block, rest)) = bytes.split_first_chunk()
        {
            self.state.absorb(slice::from_ref(block));
            return rest;
        }
        let room = self.block.get_mut(self.filled..).unwrap_or_default();
        let (now, rest) = bytes.split_at(room.len().min(bytes.len()));
        let full = now.len() == room.len();
        if let Some(place) = room.get_mut(..now.len()) {
            place.copy_from_slice(now);
        }
        self.filled = self.filled.saturating_add(now.len());
        if full {
            self.state.absorb(slice::from_ref(&self.block));
            self.filled = 0;
        }
        rest
    }
}

impl Zeroize for Hasher {
    fn zeroize(&mut self) {
        self.state.zeroize();
        self.block.zeroize();
        self.filled.zeroize();
    }
}

/// What the function works on at once.
pub(super) type Block = [u8; BLOCK_BYTES];

const BLOCK_BYTES: usize = 64;

/// FIPS 180-4, 5.3.3.
const INITIAL: [u32; 8] =
    [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];

#[cfg(test)]
mod tests {
    use sha2::{Digest as _, Sha256};

    use super::*;

    fn message(len: usize) -> alloc::vec::Vec<u8> {
        (0..=255).cycle().take(len).collect()
    }

    fn whole(bytes: &[u8]) -> [u8; 32] {
        Sha256::digest(bytes).into()
    }

    #[test]
    fn a_state_that_is_wiped_has_nothing_of_the_message() {
        let mut state = State::new();
        state.absorb(&[[7; BLOCK_BYTES]]);
        assert!(state.words.iter().all(|word| *word != 0) && state.bytes != 0);
        state.zeroize();
        assert_eq!((state.words, state.bytes), ([0; 8], 0));
        let mut hasher = Hasher::new(State::new());
        hasher.update(&[7; 70]);
        hasher.zeroize();
        assert_eq!((hasher.state.words, hasher.block, hasher.filled), ([0; 8], [0; BLOCK_BYTES], 0));
    }

    #[test]
    fn every_length_is_hashed_as_elsewhere_however_it_is_cut() {
        for len in (0..=260).step_by(if cfg!(miri) { 13 } else { 1 }) {
            let bytes = message(len);
            for cut in 0..=len {
                let mut hasher = Hasher::new(State::new());
                hasher.update(&bytes[..cut]);
                hasher.update(&bytes[cut..]);
                assert_eq!(hasher.finish(), whole(&bytes), "{len} {cut}");
            }
        }
    }

    #[test]
    #[cfg(feature = "wal")]
    fn a_message_beside_another_comes_to_what_each_comes_to_alone() {
        for rest in [0, 1, 23, 24, 31, 32, 33, 87, 88, 95, 96, 97, 150, 5_000] {
            for (before, beside) in [(0, 0), (0, 1), (1, 63), (5, 64), (63, 300), (64, 6_000)] {
                let (head, rest, beside) = (message(64), message(rest), message(beside));
                let mut state = State::new();
                state.absorb(head.as_chunks().0);
                let mut other = Hasher::new(State::new());
                other.update(&head[..before]);
                let digest = state.finish_beside(&[7; 32], &rest, &mut other, &beside);
                assert_eq!(digest, whole(&[&head[..], &[7; 32], &rest].concat()), "{} {before}", rest.len());
                assert_eq!(other.finish(), whole(&[&head[..before], &beside].concat()));
            }
        }
    }
}
