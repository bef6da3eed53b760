//! Every candidate asked in turn: the plain way to the leaders and the counts.

use super::{
    order::{Counts, Leaders},
    question::Question,
};

/// What a decision is made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) leaders: Leaders,
    pub(super) counts: Counts,
}

/// Asks the whole catalog, once, in the order of ids.
pub(super) fn scan(question: &Question<'_>) -> Tally {
    let mut tally = Tally::default();
    for (place, candidate) in question.policy.candidates().iter().enumerate() {
        match question.judge(place, candidate) {
            Ok(contender) => {
                tally.counts.add_eligible();
                tally.leaders.meet(contender, question.requested());
            }
            Err(failure) => tally.counts.add(failure),
        }
    }
    tally
}
