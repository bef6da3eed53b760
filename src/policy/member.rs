//! Members of set and member columns: numbers with names, and sets of them.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

use crate::codec::{CodecError, Reader, Writer};
use crate::limits::MEMBERS_MAX;
use crate::num::TooLarge;

/// A member's number within its column, 0 to 511, written in the policy and never given to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct MemberId(pub u16);

impl fmt::Display for MemberId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A set of members of one column: a bitmap of 512 bits.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct MemberSet {
    words: [u64; WORDS],
    /// Words up to the last that is not 0.
    span: u8,
}

const WORDS: usize = MEMBERS_MAX / 64;

impl MemberSet {
    /// The set without members. As a demand it is one: SEMANTICS 3.3.
    pub const EMPTY: Self = Self { words: [0; WORDS], span: 0 };

    /// Takes `member` in.
    ///
    /// # Errors
    /// A number above 511.
    pub fn insert(&mut self, member: MemberId) -> Result<(), TooLarge> {
        let (word, bit) = place(member);
        match self.words.get_mut(word) {
            Some(word) => {
                *word |= bit;
                self.reach();
                Ok(())
            }
            None => Err(TooLarge { seen: u64::from(member.0), max: MEMBER_MAX }),
        }
    }

    /// Whether it has `member`.
    #[must_use]
    pub fn contains(&self, member: MemberId) -> bool {
        let (word, bit) = place(member);
        self.words.get(word).is_some_and(|word| word & bit != 0)
    }

    /// Whether it has no member.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.words == [0; WORDS]
    }

    /// How many members it has, 0 to 512.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.words.iter().map(|word| word.count_ones()).sum()
    }

    /// Whether every member of `other` is in it.
    #[must_use]
    pub fn is_superset(&self, other: &Self) -> bool {
        self.words.iter().zip(other.used()).fold(0, |missing, (mine, theirs)| missing | (theirs & !mine)) == 0
    }

    /// Whether it shares a member with `other`.
    #[must_use]
    pub fn intersects(&self, other: &Self) -> bool {
        self.words.iter().zip(other.used()).fold(0, |shared, (mine, theirs)| shared | (mine & theirs)) != 0
    }

    /// What is in either.
    pub(crate) fn union(&self, other: &Self) -> Self {
        self.zipped(other, |mine, theirs| mine | theirs)
    }

    /// What is in both.
    pub(crate) fn intersection(&self, other: &Self) -> Self {
        self.zipped(other, |mine, theirs| mine & theirs)
    }

    /// What is in it and not in `other`.
    pub(crate) fn difference(&self, other: &Self) -> Self {
        self.zipped(other, |mine, theirs| mine & !theirs)
    }

    /// Its members, ascending.
    pub fn iter(&self) -> impl Iterator<Item = MemberId> + '_ {
        let mut words = self.used().iter().zip((0_u16..).step_by(64));
        let (mut left, mut first) = (0_u64, 0_u16);
        core::iter::from_fn(move || {
            while left == 0 {
                let (word, of_word) = words.next()?;
                (left, first) = (*word, of_word);
            }
            // OK because a word has 64 members and a set 512.
            let member = u16::try_from(left.trailing_zeros()).unwrap_or(0).wrapping_add(first);
            left &= left.wrapping_sub(1);
            Some(MemberId(member))
        })
    }

    /// Its words up to the last that is not 0.
    #[inline]
    pub(crate) fn used(&self) -> &[u64] {
        self.words.get(..usize::from(self.span)).unwrap_or(&self.words)
    }

    /// The members of that number times 8 and the next 7, the first one lowest.
    #[inline]
    pub(crate) fn byte(&self, at: usize) -> u8 {
        let word = self.words.get(at / 8).copied().unwrap_or(0);
        let shift = u32::try_from(at % 8).unwrap_or(0).wrapping_mul(8);
        let [byte, ..] = word.wrapping_shr(shift).to_le_bytes();
        byte
    }

    fn reach(&mut self) {
        let used = self.words.iter().rposition(|&word| word != 0).map_or(0, |last| last.saturating_add(1));
        self.span = u8::try_from(used).unwrap_or(u8::MAX);
    }

    /// The bitmap as 8 words, member `m` being bit `m % 64` of word `m / 64`.
    #[must_use]
    pub const fn words(&self) -> &[u64; WORDS] {
        &self.words
    }

    /// Appends the canonical bytes. FORMAT 1.6.
    pub fn encode(&self, out: &mut Writer<'_>) {
        let mut bytes = [0_u8; MEMBERS_MAX / 8];
        for (eight, word) in bytes.chunks_exact_mut(8).zip(&self.words) {
            eight.copy_from_slice(&word.to_le_bytes());
        }
        let len = bytes.iter().rposition(|&byte| byte != 0).map_or(0, |last| last.saturating_add(1));
        let written = out.bytes8(bytes.get(..len).unwrap_or_default());
        assert!(written.is_ok(), "64 bytes fit a count of one byte");
    }

    /// Reads the canonical bytes. FORMAT 1.6.
    ///
    /// # Errors
    /// They end too early, are more than 64, or the last of them is zero.
    pub fn decode(reader: &mut Reader<'_>) -> Result<Self, CodecError> {
        let bytes = reader.bytes8()?;
        let mut bitmap = [0_u8; MEMBERS_MAX / 8];
        match bitmap.get_mut(..bytes.len()) {
            Some(head) if bytes.last() != Some(&0) => head.copy_from_slice(bytes),
            _ => return Err(reader.invalid("set")),
        }
        let mut set = Self::EMPTY;
        for (word, eight) in set.words.iter_mut().zip(bitmap.chunks_exact(8)) {
            *word = eight.try_into().map_or(0, u64::from_le_bytes);
        }
        set.reach();
        Ok(set)
    }

    fn zipped(&self, other: &Self, of: impl Fn(u64, u64) -> u64) -> Self {
        let mut words = self.words;
        for (word, theirs) in words.iter_mut().zip(&other.words) {
            *word = of(*word, *theirs);
        }
        let mut set = Self { words, span: 0 };
        set.reach();
        set
    }
}

impl fmt::Debug for MemberSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter().map(|member| member.0)).finish()
    }
}

const MEMBER_MAX: u64 = 511;
const _: () = assert!(MEMBERS_MAX == 512 && WORDS == 8, "FORMAT 1.6 has 64 bytes");

fn place(member: MemberId) -> (usize, u64) {
    (usize::from(member.0 >> 6), 1_u64.wrapping_shl(u32::from(member.0 & 63)))
}

/// The members that a policy lists for one column.
#[derive(Clone, Debug, Default)]
pub(super) struct Listing {
    /// Their numbers.
    set: MemberSet,
    /// Sorted by number.
    names: Vec<(MemberId, Box<str>)>,
    /// Places in `names`, sorted by name.
    by_name: Vec<usize>,
}

impl Listing {
    /// Lists `names`, which are sorted by number and have numbers of at most 511.
    pub(super) fn new(names: Vec<(MemberId, Box<str>)>) -> Self {
        let mut set = MemberSet::EMPTY;
        for (id, _) in &names {
            assert!(set.insert(*id).is_ok(), "numbers are checked before they are listed");
        }
        let mut by_name: Vec<usize> = (0..names.len()).collect();
        by_name.sort_by_key(|&at| names.get(at).map(|(_, name)| name.as_ref()));
        Self { set, names, by_name }
    }

    pub(super) fn set(&self) -> &MemberSet {
        &self.set
    }

    pub(super) fn names(&self) -> &[(MemberId, Box<str>)] {
        &self.names
    }

    pub(super) fn id(&self, name: &str) -> Option<MemberId> {
        let at = self.by_name.binary_search_by_key(&Some(name), |&at| self.name_at(at)).ok()?;
        self.names.get(*self.by_name.get(at)?).map(|(id, _)| *id)
    }

    pub(super) fn name(&self, id: MemberId) -> Option<&str> {
        let at = self.names.binary_search_by_key(&id, |(id, _)| *id).ok()?;
        self.name_at(at)
    }

    /// The first two members with one name, if there are such.
    pub(super) fn name_twice(&self) -> Option<(MemberId, MemberId)> {
        self.by_name.windows(2).find_map(|pair| {
            let [first, second] = *pair else { return None };
            let ((first, name), (second, other)) = (self.names.get(first)?, self.names.get(second)?);
            (name == other).then_some((*first, *second))
        })
    }

    fn name_at(&self, at: usize) -> Option<&str> {
        self.names.get(at).map(|(_, name)| name.as_ref())
    }
}
