//! A file read through a window that moves forward.

use alloc::{boxed::Box, vec::Vec};

use super::storage::{StorageError, StorageFile};
use crate::crypto::{Digest, Digester};

/// Reads a file in large pieces and shows any part of it in one slice. Its memory is that of the largest part
/// asked for, and usually an eighth of a mebibyte, which stays in a core's own cache.
pub(super) struct Window {
    file: Box<dyn StorageFile>,
    /// The file's size when it was last looked at.
    size: u64,
    /// Where the buffer starts.
    start: u64,
    buffer: Vec<u8>,
    /// Bytes read at once, where no more are asked for.
    piece_bytes: usize,
}

impl Window {
    pub(super) fn new(file: Box<dyn StorageFile>) -> Result<Self, StorageError> {
        Self::in_pieces(file, READ_BYTES)
    }

    /// The same for who looks here and there, and needs little at each place.
    pub(super) fn in_pieces(file: Box<dyn StorageFile>, piece_bytes: usize) -> Result<Self, StorageError> {
        let size = file.size()?;
        Ok(Self { file, size, start: 0, buffer: Vec::new(), piece_bytes })
    }

    /// The file's size when it was last looked at.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Forgets what was read, and looks at the file again.
    pub(super) fn refresh(&mut self) -> Result<(), StorageError> {
        self.buffer.clear();
        self.size = self.file.size()?;
        Ok(())
    }

    /// That many bytes at `offset`; `None` where the file ends before.
    pub(super) fn at(&mut self, offset: u64, count: usize) -> Result<Option<&[u8]>, StorageError> {
        if self.shown(offset, count).is_none() {
            let left = usize::try_from(self.size.saturating_sub(offset)).unwrap_or(usize::MAX);
            if left < count {
                return Ok(None);
            }
            self.buffer.resize(left.min(count.max(self.piece_bytes)), 0);
            let read = self.file.read_at(&mut self.buffer, offset)?;
            self.buffer.truncate(read);
            self.start = offset;
        }
        Ok(self.shown(offset, count))
    }

    /// The same, of what the window already has.
    pub(super) fn shown(&self, offset: u64, count: usize) -> Option<&[u8]> {
        let from = usize::try_from(offset.checked_sub(self.start)?).ok()?;
        self.buffer.get(from..from.checked_add(count)?)
    }

    /// What stands between `offset` and the end of the file.
    pub(super) fn tail(&mut self, offset: u64) -> Result<Tail, StorageError> {
        let mut digest = Digester::untagged();
        let (mut at, mut bytes) = (offset, 0_u64);
        // Zeros seen since the last byte that is none.
        let mut zeros = 0_u64;
        while at < self.size {
            let count = self.size.saturating_sub(at).min(PIECE_BYTES);
            let piece = self.at(at, usize::try_from(count).unwrap_or(usize::MAX))?.unwrap_or_default();
            let end = piece.iter().rposition(|byte| *byte != 0).map_or(0, |last| last.saturating_add(1));
            if let Some(data) = piece.get(..end).filter(|data| !data.is_empty()) {
                while zeros > 0 {
                    let some = zeros.min(ZEROS_COUNT);
                    digest.update(ZEROS.get(..usize::try_from(some).unwrap_or(0)).unwrap_or_default());
                    zeros = zeros.saturating_sub(some);
                }
                digest.update(data);
                let end = u64::try_from(end).unwrap_or(u64::MAX);
                bytes = at.saturating_sub(offset).saturating_add(end);
                zeros = count.saturating_sub(end);
            } else {
                zeros = zeros.saturating_add(count);
            }
            at = at.saturating_add(count);
        }
        Ok(Tail { bytes, digest: digest.finish() })
    }

    /// The file itself.
    pub(super) fn file(&self) -> &dyn StorageFile {
        &*self.file
    }

    pub(super) fn into_file(self) -> Box<dyn StorageFile> {
        self.file
    }
}

/// What stands after the last frame, up to the last byte that is not zero.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tail {
    /// 0 where all is zero.
    pub(super) bytes: u64,
    pub(super) digest: Digest,
}

/// Bytes read at once.
const READ_BYTES: usize = 1 << 17;
/// Bytes looked at once, in search of the last that is not zero.
const PIECE_BYTES: u64 = 1 << 16;
const ZEROS: [u8; 4096] = [0; 4096];
const ZEROS_COUNT: u64 = 4096;
