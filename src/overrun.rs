//! What an account allows when the actual cost is above the hold.

/// An account's overrun mode, from the strictest to the laxest; the strictest on a path decides. SEMANTICS 9.6.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
pub enum Overrun {
    /// Nothing above the hold is booked.
    #[default]
    Deny,
    /// What is still available is booked.
    IfAvailable,
    /// All is booked, and available may go below zero.
    Debt,
}

impl Overrun {
    /// The frozen code. FORMAT 9.14.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Deny => 0,
            Self::IfAvailable => 1,
            Self::Debt => 2,
        }
    }

    /// The mode with that code.
    #[must_use]
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            0 => Some(Self::Deny),
            1 => Some(Self::IfAvailable),
            2 => Some(Self::Debt),
            _ => None,
        }
    }

    /// The stricter of both.
    #[must_use]
    pub fn strictest(self, other: Self) -> Self {
        self.min(other)
    }
}
