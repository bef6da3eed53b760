//! How certain a live reading is, as a type: what is exact, bounded or an estimate cannot be taken for something else.

use core::ops::Deref;

/// It was so, at one moment of the order of effects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Exact<T>(pub T);

/// It holds together, and what is reserved in it is at least what was held all the while that it was read; it is exact
/// while nobody works on what was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Bounded<T>(pub T);

/// Its parts were read one after the other, while others may have worked between; it is exact while nobody does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Estimate<T>(pub T);

impl<T> Deref for Exact<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> Deref for Bounded<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> Deref for Estimate<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}
