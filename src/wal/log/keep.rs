//! From which segment on a log is to be kept, by a header that is proven. FORMAT 8.8.

use alloc::vec::Vec;

use crate::{
    crypto::{Digest, Digester},
    id::Sequence,
    num::Timestamp,
    wal::{
        error::{Fault, Place, ReadError, RetainError},
        fold::Fold,
        frame::{FrameHead, HEAD_BYTES, SEAL},
        key::Keying,
        log::Log,
        retention::{Keep, Retention, header_bytes},
        segment::{HEADER_BYTES, Header, segment_name},
        storage::{Access, Storage},
        window::Window,
    },
};

impl<F: Fold, K: Keying> Log<F, K> {
    /// The last retention so far, and the one to be recorded so that no more than this is kept, if that lets go of more.
    ///
    /// For the one who holds `retaining`. Files are read without the leader's lock, so that nobody waits for them.
    pub(super) fn next_retention(
        &self,
        keep: Keep,
    ) -> Result<(Option<Retention>, Option<Retention>), RetainError> {
        let (before, last) = self.group.with_leader(|writer, failure| match failure {
            Some(failure) => Err(RetainError::Poisoned(failure)),
            None => Ok(writer.kept()),
        })?;
        let from = before.map_or(1, |before| before.first_segment);
        let named = match keep {
            Keep::Segments(count) => {
                let first = last.saturating_sub(count.get().saturating_sub(1));
                (first > from).then(|| self.stated(first)).transpose()?
            }
            Keep::Since(at) => self.last_begun_before(at, from, last)?,
        };
        let Some(named) = named else { return Ok((before, None)) };
        self.prove(&named, last)?;
        let Header { segment, sequence, .. } = named.header;
        let next = Retention { first_segment: segment, through: sequence, header_sha256: named.sha256() };
        let may_name = self.group.with_leader(|writer, _| writer.may_name(&next));
        may_name.map_err(|fault| refused(segment, fault))?;
        Ok((before, Some(next)))
    }

    /// The last of these segments, behind the first, that began before that time: everything in those before it is from
    /// before, too. By bisection, as time never goes back; what is not proven here only says where to look.
    fn last_begun_before(&self, at: Timestamp, from: u32, last: u32) -> Result<Option<Stated>, ReadError> {
        let (mut low, mut high) = (from, last);
        let (mut found, mut after): (Option<Stated>, Option<Stated>) = (None, None);
        while low < high {
            let middle = high.saturating_sub(high.saturating_sub(low).div_euclid(2));
            let next = self.stated(middle)?;
            if let Some(found) = &found {
                next.comes_after(found)?;
            }
            if let Some(after) = &after {
                after.comes_after(&next)?;
            }
            if next.header.log_time < at {
                (low, found) = (middle, Some(next));
            } else {
                (high, after) = (middle.saturating_sub(1), Some(next));
            }
        }
        Ok(found)
    }

    /// A segment's header; one whose key is held has its tag.
    fn stated(&self, segment: u32) -> Result<Stated, ReadError> {
        let bytes = match header_bytes(&*self.storage, segment) {
            Err(error) if error.is_missing() => return Err(refused(segment, Fault::SegmentMissing)),
            bytes => bytes?,
        };
        let header = Header::parse(&bytes).map_err(|fault| refused(segment, fault))?;
        if header.segment != segment {
            return Err(refused(segment, Fault::SegmentNumber { seen: header.segment }));
        }
        if header.log_id != self.id {
            return Err(refused(segment, Fault::LogId { seen: header.log_id }));
        }
        match self.group.with_leader(|writer, _| writer.has_tagged(&header, &bytes)) {
            Some(false) => Err(refused(segment, Fault::HeaderTag)),
            tagged => Ok(Stated { header, bytes, is_tagged: tagged.is_some() }),
        }
    }

    /// That a header is the one with which the log went on: by its tag, or, where its key is not held, by what is under
    /// the tag of the next one whose key is. Each header has the digest of the whole segment before it.
    fn prove(&self, named: &Stated, last: u32) -> Result<(), ReadError> {
        let mut proven = named.header;
        let mut is_tagged = named.is_tagged;
        while !is_tagged && proven.segment < last {
            let next = self.stated(proven.segment.saturating_add(1))?;
            (proven, is_tagged) = (next.header, next.is_tagged);
        }
        if !is_tagged {
            return Err(refused(last, Fault::HeaderTag));
        }
        while proven.segment > named.header.segment {
            let before = Sealed::read(&*self.storage, proven.segment.saturating_sub(1))?;
            if before.sha256 != proven.previous.1 {
                return Err(refused(proven.segment, Fault::HeaderSeal));
            }
            proven = Header::parse(&before.header).map_err(|fault| refused(before.segment, fault))?;
            // What was decided by is what was proven.
            if before.segment == named.header.segment && before.header != named.bytes {
                return Err(refused(before.segment, Fault::HeaderBroken));
            }
        }
        Ok(())
    }
}

/// What a segment's header says.
struct Stated {
    header: Header,
    bytes: Vec<u8>,
    /// Whether its key is held, and its tag holds.
    is_tagged: bool,
}

impl Stated {
    fn sha256(&self) -> Digest {
        Digest::of_file(&self.bytes)
    }

    /// Whether it can stand behind an earlier one: nothing goes back.
    fn comes_after(&self, before: &Self) -> Result<(), ReadError> {
        let Header { segment, sequence, log_time, .. } = self.header;
        if sequence < before.header.sequence {
            return Err(refused(segment, Fault::HeaderSequence { seen: sequence }));
        }
        if log_time < before.header.log_time { Err(refused(segment, Fault::HeaderTime)) } else { Ok(()) }
    }
}

/// A segment that has a successor, read without its key.
struct Sealed {
    segment: u32,
    header: Vec<u8>,
    /// Of the bytes up to the end of its seal.
    sha256: Digest,
}

impl Sealed {
    fn read(storage: &dyn Storage, segment: u32) -> Result<Self, ReadError> {
        let file = match storage.open(&segment_name(segment), Access::Read) {
            Err(error) if error.is_missing() => return Err(refused(segment, Fault::SegmentMissing)),
            file => file?,
        };
        let mut window = Window::new(file)?;
        let header = window.at(0, HEADER_BYTES)?.ok_or_else(|| refused(segment, Fault::HeaderBroken))?;
        let header = header.to_vec();
        let mut digester = Digester::untagged();
        digester.update(&header);
        let mut offset = u64::try_from(HEADER_BYTES).unwrap_or(u64::MAX);
        loop {
            let head = window.at(offset, HEAD_BYTES)?.and_then(FrameHead::parse);
            let frame = head.map(|head| Ok((head, window.at(offset, head.bytes)?)));
            let Some((head, Some(bytes))) = frame.transpose().map_err(ReadError::Storage)? else {
                let place = Place { segment, sequence: Sequence(0), offset };
                return Err(ReadError::Evidence { place, fault: Fault::SealMissing });
            };
            digester.update(bytes);
            offset = offset.saturating_add(u64::try_from(head.bytes).unwrap_or(u64::MAX));
            if head.kind == SEAL {
                return Ok(Self { segment, header, sha256: digester.finish() });
            }
        }
    }
}

fn refused(segment: u32, fault: Fault) -> ReadError {
    ReadError::Evidence { place: Place { segment, sequence: Sequence(0), offset: 0 }, fault }
}
