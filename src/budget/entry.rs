//! One account, apart from its money.

use alloc::boxed::Box;

use super::account::{AccountState, AccountTerms};
use crate::id::AccountId;
use crate::sync::{AtomicU32, Ordering};

/// An account: all but its state, its parent and its current windows is written once, before it
/// is published.
#[derive(Debug)]
pub(super) struct Entry {
    /// As it was opened: its parent may be another by now.
    pub(super) terms: AccountTerms,
    parent: AtomicU32,
    /// The current cells of its limits, one or more.
    first: AtomicU32,
    others: Box<[AtomicU32]>,
    /// The first of its further stripes, which have one number after the other, and how many stripes it has in all;
    /// set by who has the engine alone.
    further_stripes: AtomicU32,
    stripes: AtomicU32,
    /// The cell of its cap on what is held, and of that on holds.
    pub(super) held: Option<u32>,
    pub(super) holds: Option<u32>,
    /// Changes under the lock only.
    state: AtomicU32,
}

/// No account.
const NONE: u32 = u32::MAX;

pub(super) const OPEN: u32 = 0;
/// Its cell is closed for now, until it is certain that no hold is open.
pub(super) const CLOSING: u32 = 1;
pub(super) const CLOSED_FOR_GOOD: u32 = 2;

impl Entry {
    /// One with these current cells of its limits, the first and the others, and those of its caps.
    pub(super) fn new(
        terms: AccountTerms,
        (first, others): (u32, &[u32]),
        (held, holds): (Option<u32>, Option<u32>),
        state: AccountState,
    ) -> Self {
        Self {
            parent: AtomicU32::new(parent_word(terms.parent)),
            first: AtomicU32::new(first),
            others: others.iter().map(|cell| AtomicU32::new(*cell)).collect(),
            further_stripes: AtomicU32::new(0),
            stripes: AtomicU32::new(1),
            held,
            holds,
            state: AtomicU32::new(match state {
                AccountState::Open => OPEN,
                AccountState::Closed => CLOSED_FOR_GOOD,
            }),
            terms,
        }
    }

    pub(super) fn parent(&self) -> Option<AccountId> {
        // ORDERING: Acquire pairs with `set_parent`.
        let parent = self.parent.load(Ordering::Acquire);
        (parent != NONE).then_some(AccountId(parent))
    }

    /// Puts it below another parent. The caller holds the registry's lock for writing.
    pub(super) fn set_parent(&self, parent: Option<AccountId>) {
        // ORDERING: Release pairs with `parent`.
        self.parent.store(parent_word(parent), Ordering::Release);
    }

    pub(super) fn terms_now(&self) -> AccountTerms {
        AccountTerms { parent: self.parent(), ..self.terms.clone() }
    }

    /// The current cell of its first limit.
    pub(super) fn first(&self) -> u32 {
        // ORDERING: Acquire pairs with `set_current`: who sees a new window's cell sees it opened.
        self.first.load(Ordering::Acquire)
    }

    /// The current cells of its limits.
    pub(super) fn current(&self) -> impl Iterator<Item = u32> {
        // ORDERING: as in `first`.
        let others = self.others.iter().map(|cell| cell.load(Ordering::Acquire));
        core::iter::once(self.first()).chain(others)
    }

    /// As `current`; of a striped account, the cell of that stripe.
    pub(super) fn current_on(&self, stripe: usize) -> impl Iterator<Item = u32> {
        let stripes = usize::from(self.stripes());
        let stripe = self.stripe_cells().nth(stripe.checked_rem(stripes).unwrap_or(0));
        stripe.into_iter().chain(self.current().skip(1))
    }

    /// The cells of its stripes, the first of which is that of its first limit; one of an account that is not striped.
    pub(super) fn stripe_cells(&self) -> impl Iterator<Item = u32> + Clone {
        // ORDERING: Relaxed, here and below: the exclusive access to the engine orders it.
        let others = self.further_stripes.load(Ordering::Relaxed);
        let further = u32::from(self.stripes()).saturating_sub(1);
        core::iter::once(self.first()).chain(others..others.saturating_add(further))
    }

    pub(super) fn stripes(&self) -> u8 {
        // ORDERING: as in `stripe_cells`.
        u8::try_from(self.stripes.load(Ordering::Relaxed)).unwrap_or(1)
    }

    /// Sets how many stripes it has, and where all but the first begin.
    pub(super) fn set_stripes(&self, further: u32, stripes: u8) {
        // ORDERING: as in `stripe_cells`.
        self.further_stripes.store(further, Ordering::Relaxed);
        self.stripes.store(stripes.into(), Ordering::Relaxed);
    }

    pub(super) fn current_of(&self, limit: u8) -> Option<u32> {
        self.current().nth(usize::from(limit))
    }

    /// Makes a window current whose cell is open. The caller holds the registry's lock for writing.
    pub(super) fn set_current(&self, limit: u8, cell: u32) {
        let place = match usize::from(limit).checked_sub(1) {
            None => Some(&self.first),
            Some(other) => self.others.get(other),
        };
        if let Some(place) = place {
            // ORDERING: Release pairs with `first` and `current`.
            place.store(cell, Ordering::Release);
        }
    }

    pub(super) fn state(&self) -> AccountState {
        // ORDERING: Acquire pairs with `set_state`. Whoever read a closed word in the cell has acquired the closing
        // that wrote it, and reads at least that closing's state here.
        match self.state.load(Ordering::Acquire) {
            CLOSED_FOR_GOOD => AccountState::Closed,
            _ => AccountState::Open,
        }
    }

    pub(super) fn set_state(&self, state: u32) {
        // ORDERING: Release pairs with `state`.
        self.state.store(state, Ordering::Release);
    }
}

fn parent_word(parent: Option<AccountId>) -> u32 {
    parent.map_or(NONE, |parent| parent.0)
}
