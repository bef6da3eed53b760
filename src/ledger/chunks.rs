//! A list whose copy is a pointer for each sixteen items: both share what neither has changed since.

use alloc::sync::Arc;
use std::vec::Vec;

/// Items by number, from 0, in chunks that are copied when they are changed while another list shares them.
#[derive(Clone, Debug)]
pub(super) struct Chunks<T> {
    chunks: Vec<Arc<Vec<T>>>,
}

impl<T> Default for Chunks<T> {
    fn default() -> Self {
        Self { chunks: Vec::new() }
    }
}

impl<T: Clone> Chunks<T> {
    pub(super) fn len(&self) -> usize {
        // All but the last are full. OK because items are fewer than 2^32.
        let full = self.chunks.len().saturating_sub(1).saturating_mul(CHUNK);
        full.saturating_add(self.chunks.last().map_or(0, |last| last.len()))
    }

    pub(super) fn get(&self, index: usize) -> Option<&T> {
        self.chunks.get(index / CHUNK)?.get(index % CHUNK)
    }

    pub(super) fn get_mut(&mut self, index: usize) -> Option<&mut T> {
        Arc::make_mut(self.chunks.get_mut(index / CHUNK)?).get_mut(index % CHUNK)
    }

    pub(super) fn push(&mut self, item: T) {
        match self.chunks.last_mut().filter(|last| last.len() < CHUNK) {
            Some(last) => Arc::make_mut(last).push(item),
            None => {
                let mut chunk = Vec::with_capacity(CHUNK);
                chunk.push(item);
                self.chunks.push(Arc::new(chunk));
            }
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.chunks.iter().flat_map(|chunk| chunk.iter())
    }
}

/// Small, so that a change copies little; not so small that a copy of the list takes long.
const CHUNK: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_stays_as_it_was() {
        let mut list = Chunks::default();
        for item in 0..100 {
            assert_eq!(list.len(), item);
            list.push(item);
        }
        let copy = list.clone();
        for item in (0..100).step_by(7) {
            *list.get_mut(item).unwrap() += 1_000;
        }
        list.push(7);
        assert!(copy.iter().copied().eq(0..100));
        assert_eq!((copy.len(), copy.get(100), list.len(), list.get(100)), (100, None, 101, Some(&7)));
        assert!(list.iter().take(100).enumerate().all(|(at, item)| {
            *item == if at % 7 == 0 { at + 1_000 } else { at } && list.get(at) == Some(item)
        }));
        assert!(list.get_mut(101).is_none());
    }
}
