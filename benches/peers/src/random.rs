//! Deterministic draws: splitmix64, whose next state is a sum, so that every seed gives a full period.

/// A source of draws. The same seed gives the same draws, on every machine.
#[derive(Clone, Debug)]
pub struct Random {
    state: u64,
}

impl Random {
    pub fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// The source for the part of that number of what one seed gives.
    pub fn part(seed: u64, part: u64) -> Self {
        Self::new(Self::new(seed ^ mix(part)).next())
    }

    /// Any `u64`.
    pub fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        mix(self.state)
    }

    /// From `least` to `most`, both included. (The bias of the remainder is below 2⁻³² for what is drawn here.)
    pub fn within(&mut self, least: u64, most: u64) -> u64 {
        match (most - least).checked_add(1) {
            Some(count) => least + self.next() % count,
            None => self.next(),
        }
    }

    /// Whether an event of `chances` in `of` happens.
    pub fn happens(&mut self, chances: u64, of: u64) -> bool {
        self.next() % of < chances
    }

    /// One of them.
    pub fn one_of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.next() as usize % all.len()]
    }

    /// Each of the lowest `width` bits set with that chance.
    pub fn mask(&mut self, width: u32, chances: u64, of: u64) -> u64 {
        (0..width).filter(|_| self.happens(chances, of)).fold(0, |mask, bit| mask | 1 << bit)
    }

    /// Exactly `count` of the lowest `width` bits set.
    pub fn some_of(&mut self, width: u32, count: u32) -> u64 {
        let mut mask = 0_u64;
        while mask.count_ones() < count.min(width) {
            mask |= 1 << self.within(0, u64::from(width) - 1);
        }
        mask
    }
}

fn mix(state: u64) -> u64 {
    let mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}
