//! The candidate's prices: which rates the request is priced by, and which prices make it win. A lower price is never
//! worse: it fits every limit that a higher one fits, and comes no later in the order.

use alloc::vec::Vec;

use super::{case::Case, search, winning::Winning};
use crate::{
    limits::QUANTITIES_MAX,
    num::MicroUnits,
    policy::{Card, QuantityIndex, QuantityMask},
};

/// The rates that the request asks of the card that prices it: of each quantity above 0, and of what it falls back
/// to, up to the first that the card has. With them the card's place.
pub(super) fn rates(case: &Case<'_>) -> Vec<(usize, QuantityIndex)> {
    let Some((place, card)) = case.question.bill.card(case.candidate) else { return Vec::new() };
    let mut asked = QuantityMask::EMPTY;
    for (quantity, _) in case.request.quantities().iter() {
        asked = chain(case, card, quantity).into_iter().fold(asked, QuantityMask::with);
    }
    asked.iter().map(|quantity| (place, quantity)).collect()
}

/// The rates of that quantity on that card with which the candidate wins: from 0 to the highest.
pub(super) fn rate(case: &Case<'_>, card: usize, quantity: QuantityIndex) -> Winning {
    let mut changed = case.candidate.clone();
    upto(search::last(0, u64::MAX, |rate| {
        changed.put_rate(case.policy.schema(), card, quantity, rate);
        case.wins_as(&changed)
    }))
}

/// The flat fees with which the candidate wins: from 0 to the highest.
pub(super) fn flat_fee(case: &Case<'_>) -> Winning {
    let mut changed = case.candidate.clone();
    upto(search::last(0, u64::MAX, |fee| {
        changed.put_flat_fee(MicroUnits(fee));
        case.wins_as(&changed)
    }))
}

fn upto(last: Option<u64>) -> Winning {
    last.map_or(Winning::nowhere(), |last| Winning::interval(0, last.into()))
}

/// The quantity and what it falls back to, up to the first with a rate on the card.
fn chain(case: &Case<'_>, card: &Card, quantity: QuantityIndex) -> Vec<QuantityIndex> {
    let mut chain = Vec::new();
    let mut next = Some(quantity);
    while let Some(at) = next.filter(|_| chain.len() < QUANTITIES_MAX) {
        chain.push(at);
        let spec = case.policy.schema().quantity_at(at).filter(|_| card.rate(at).is_none());
        next = spec.and_then(|spec| spec.fallback());
    }
    chain
}
