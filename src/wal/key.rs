//! What a log is keyed with: the modes, and what the keys of segments come from. FORMAT 5.

use core::{fmt, mem};

use super::evolving::EvolvingKey;
use crate::{
    crypto::{EvolvedKey, KeyId, MacKey, RootKey},
    id::LogId,
};

/// The key that a log is written under.
pub enum LogKey {
    /// The host holds the root: it can prove the whole log, and whoever takes the host can rewrite it.
    Static(RootKey),
    /// The host holds the current segment's key alone: it can prove that segment, and a thief can rewrite that one
    /// and no earlier.
    Evolving(EvolvingKey),
}

impl LogKey {
    /// The root key's id.
    #[must_use]
    pub fn id(&self) -> KeyId {
        match self {
            Self::Static(root) => root.id(),
            Self::Evolving(key) => key.id(),
        }
    }

    /// How the segments' keys come from the root.
    #[must_use]
    pub fn mode(&self) -> KeyMode {
        match self {
            Self::Static(_) => KeyMode::Static,
            Self::Evolving(_) => KeyMode::Evolving,
        }
    }
}

impl From<RootKey> for LogKey {
    fn from(root: RootKey) -> Self {
        Self::Static(root)
    }
}

impl From<EvolvingKey> for LogKey {
    fn from(key: EvolvingKey) -> Self {
        Self::Evolving(key)
    }
}

/// In place of a key: the tags of such a log show accidents, and nothing against whoever can write its files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NoKey;

/// What a log is written under: a [`LogKey`], or [`NoKey`]. A log under one is of another type than one under the other.
pub trait Keying: sealed::Sealed + 'static {}

impl Keying for LogKey {}

impl Keying for NoKey {}

mod sealed {
    use super::{LogKey, NoKey};

    /// What a log keeps of it.
    pub trait Sealed {
        fn into_key(self) -> Option<LogKey>;
    }

    impl Sealed for LogKey {
        fn into_key(self) -> Option<LogKey> {
            Some(self)
        }
    }

    impl Sealed for NoKey {
        fn into_key(self) -> Option<LogKey> {
            None
        }
    }
}

/// The key of a log that is being written, if it has one.
pub(super) struct Held(Option<LogKey>);

impl Held {
    pub(super) fn new(key: impl Keying) -> Self {
        Self(key.into_key())
    }

    pub(super) fn id(&self) -> KeyId {
        self.0.as_ref().map_or(UNKEYED_ID, LogKey::id)
    }

    pub(super) fn mode(&self) -> KeyMode {
        self.0.as_ref().map_or(KeyMode::Unkeyed, LogKey::mode)
    }

    /// What derives the keys of a segment that the writer begins.
    pub(super) fn secret(&self, segment: u32) -> Secret<'_> {
        match &self.0 {
            None => Secret::None,
            Some(LogKey::Static(root)) => Secret::Static(root),
            Some(LogKey::Evolving(key)) => Secret::Evolving(key.ahead(segment)),
        }
    }

    /// The keys that a segment of the log may be read with.
    pub(super) fn keys(&self) -> Keys<'_> {
        self.0.as_ref().map_or(Keys::UNKEYED, LogKey::keys)
    }

    pub(super) fn evolving(&mut self) -> Option<&mut EvolvingKey> {
        match &mut self.0 {
            Some(LogKey::Evolving(key)) => Some(key),
            _ => None,
        }
    }

    /// Goes on with another key; gives the old one, which is wiped when dropped.
    pub(super) fn change(&mut self, key: LogKey) -> Self {
        mem::replace(self, Self(Some(key)))
    }
}

/// FORMAT 5.4.
const UNKEYED_ID: KeyId = KeyId(0);

impl LogKey {
    /// The keys that a segment of the log may be read with.
    pub(super) fn keys(&self) -> Keys<'_> {
        match self {
            Self::Static(root) => {
                Keys { roots: Roots::One(root), evolved: None, mode: Some(KeyMode::Static) }
            }
            Self::Evolving(key) => {
                let evolved = Some(key.current());
                Keys { roots: Roots::Many(&[]), evolved, mode: Some(KeyMode::Evolving) }
            }
        }
    }
}

/// How the keys of a log's segments come from its root key. FORMAT 5.2 to 5.4.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyMode {
    /// Each from the root.
    Static,
    /// Each from the one before it.
    Evolving,
    /// There are none: anybody can make the log's tags.
    Unkeyed,
}

impl KeyMode {
    /// FORMAT 6.4.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Static => 1,
            Self::Evolving => 2,
            Self::Unkeyed => 3,
        }
    }

    pub(super) fn of(code: u8) -> Option<Self> {
        [Self::Static, Self::Evolving, Self::Unkeyed].into_iter().find(|mode| mode.code() == code)
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for KeyMode {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl fmt::Display for KeyMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Static => "static",
            Self::Evolving => "evolving",
            Self::Unkeyed => "unkeyed",
        })
    }
}

/// The keys that segments are read with.
#[derive(Clone, Copy)]
pub(super) struct Keys<'a> {
    pub(super) roots: Roots<'a>,
    /// The key of a segment from which later ones follow without the root.
    pub(super) evolved: Option<&'a EvolvedKey>,
    /// The mode that the log has, where it is known.
    pub(super) mode: Option<KeyMode>,
}

/// Root keys, each with an id of its own.
#[derive(Clone, Copy)]
pub(super) enum Roots<'a> {
    One(&'a RootKey),
    Many(&'a [&'a RootKey]),
}

impl<'a> Keys<'a> {
    /// None, for a log that has none.
    pub(super) const UNKEYED: Self =
        Keys { roots: Roots::Many(&[]), evolved: None, mode: Some(KeyMode::Unkeyed) };

    /// Those that the root keys give.
    pub(super) fn of(roots: &'a [&'a RootKey]) -> Self {
        Self { roots: Roots::Many(roots), evolved: None, mode: None }
    }

    /// What derives the keys of a segment that states this mode, this id and this log.
    pub(super) fn secret(&self, mode: KeyMode, id: KeyId, log_id: LogId, segment: u32) -> Option<Secret<'a>> {
        let root = || match self.roots {
            Roots::One(root) => Some(root).filter(|root| root.id() == id),
            Roots::Many(roots) => roots.iter().find(|root| root.id() == id).copied(),
        };
        match mode {
            // Never by what the log says of itself alone.
            KeyMode::Unkeyed if self.mode == Some(mode) && id == UNKEYED_ID => Some(Secret::None),
            KeyMode::Unkeyed => None,
            KeyMode::Static => root().map(Secret::Static),
            KeyMode::Evolving => {
                let near = self.evolved.filter(|key| key.id() == id && key.log_id() == log_id);
                let key = near.and_then(|key| key.at(segment));
                let key = key.or_else(|| EvolvedKey::first(root()?, log_id).at(segment));
                key.map(Secret::Evolving)
            }
        }
    }
}

/// What the keys of one segment are derived from.
pub(super) enum Secret<'a> {
    None,
    Static(&'a RootKey),
    Evolving(EvolvedKey),
}

impl Secret<'_> {
    pub(super) fn id(&self) -> KeyId {
        match self {
            Self::None => UNKEYED_ID,
            Self::Static(root) => root.id(),
            Self::Evolving(key) => key.id(),
        }
    }

    pub(super) fn mode(&self) -> KeyMode {
        match self {
            Self::None => KeyMode::Unkeyed,
            Self::Static(_) => KeyMode::Static,
            Self::Evolving(_) => KeyMode::Evolving,
        }
    }

    pub(super) fn derive(&self, log_id: LogId, info: &[&[u8]], prefix: &[[u8; 64]]) -> MacKey {
        match self {
            Self::None => MacKey::unkeyed(prefix),
            Self::Static(root) => root.derive(log_id, info, prefix),
            Self::Evolving(key) => key.derive(info, prefix),
        }
    }

    /// The evolving key, from which those of later segments follow.
    pub(super) fn into_evolved(self) -> Option<EvolvedKey> {
        match self {
            Self::None | Self::Static(_) => None,
            Self::Evolving(key) => Some(key),
        }
    }
}
