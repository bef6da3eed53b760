//! Whether the call that was turned away can succeed when it is made again, and when.

use core::fmt;

/// What making the same call again can come to. SEMANTICS 18.
///
/// It says what can help, not that it will: others may be first. The reason of a call that is turned away for good
/// is in the call itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
pub enum Retry {
    /// Waiting does not help: the call has to be another one.
    Never,
    /// At once, a few times: it only met other calls.
    AtOnce,
    /// Later, when what stood in its way has gone.
    Later,
    /// After the log was opened again.
    AfterReopening,
}

impl fmt::Display for Retry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Never => "never",
            Self::AtOnce => "at once",
            Self::Later => "later",
            Self::AfterReopening => "after reopening",
        })
    }
}
