//! A tape of random words that generators draw their choices from: shrinking the tape shrinks what was drawn.

use proptest::prelude::*;

/// Tapes of that many words, for `proptest` to draw and to shrink.
pub fn tapes(words: usize) -> impl Strategy<Value = Vec<u32>> {
    prop::collection::vec(any::<u32>(), words)
}

/// Reads a tape from its start; past its end every choice is the first one.
pub struct Tape<'a> {
    rest: std::slice::Iter<'a, u32>,
}

impl<'a> Tape<'a> {
    pub fn new(words: &'a [u32]) -> Self {
        Self { rest: words.iter() }
    }

    /// A number from 0 to `count - 1`.
    pub fn below(&mut self, count: usize) -> usize {
        self.rest.next().map_or(0, |&word| word as usize % count)
    }

    /// A number from `least` to `most`.
    pub fn between(&mut self, least: usize, most: usize) -> usize {
        least + self.below(most - least + 1)
    }

    /// True once in `of` times.
    pub fn once_in(&mut self, of: usize) -> bool {
        self.below(of) == of - 1
    }

    pub fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }

    /// Each with one chance in two.
    pub fn subset<T: Copy>(&mut self, of: &[T]) -> Vec<T> {
        of.iter().copied().filter(|_| self.once_in(2)).collect()
    }

    /// Any order.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for at in (1..items.len()).rev() {
            items.swap(at, self.below(at + 1));
        }
    }
}
