//! One candidate against the others, who stay as they are.

use super::super::{
    Counts, Disabled, Request, RequestError,
    order::{Contender, Standings},
    question::Question,
    select,
};
use crate::policy::{Candidate, Policy};

/// A request put to a policy, with the best of all candidates but one: that one can change and be judged again
/// without another look at the catalog.
#[derive(Clone, Debug)]
pub(super) struct Case<'a> {
    pub(super) policy: &'a Policy,
    pub(super) disabled: &'a Disabled,
    pub(super) request: &'a Request,
    pub(super) question: Question<'a>,
    pub(super) place: usize,
    pub(super) candidate: &'a Candidate,
    rivals: Standings,
    denied: bool,
}

impl<'a> Case<'a> {
    /// The case of the candidate at that place of the catalog.
    pub(super) fn new(
        policy: &'a Policy,
        disabled: &'a Disabled,
        request: &'a Request,
        (place, candidate): (usize, &'a Candidate),
    ) -> Result<Self, RequestError> {
        let question = Question::new(policy, disabled, request)?;
        let mut rivals = Standings::default();
        for (_, rival) in eligible(&question).filter(|(at, _)| *at != place) {
            rivals.meet(rival, question.requested());
        }
        let denied = question.denied_at_once().is_some();
        Ok(Self { policy, disabled, request, question, place, candidate, rivals, denied })
    }

    /// Whether the request alone is denied: no candidate is selected, whatever becomes of it. SEMANTICS 5.1.
    pub(super) fn is_denied(&self) -> bool {
        self.denied
    }

    /// Whether the candidate is selected as it is.
    pub(super) fn wins(&self) -> bool {
        self.wins_as(self.candidate)
    }

    /// Whether it would be selected if it were like that.
    pub(super) fn wins_as(&self, changed: &Candidate) -> bool {
        self.wins_by(&self.question, changed)
    }

    /// Whether it would be selected, like that, where the request and the host's switches differ in what concerns it
    /// alone: that it is excluded, named, or disabled.
    pub(super) fn wins_under(
        &self,
        request: &Request,
        disabled: &Disabled,
        changed: &Candidate,
    ) -> Result<bool, RequestError> {
        let question = Question::new(self.policy, disabled, request)?;
        Ok(self.wins_by(&question, changed))
    }

    fn wins_by(&self, question: &Question<'_>, changed: &Candidate) -> bool {
        !self.denied
            && question.judge(self.place, changed).is_ok_and(|contender| {
                // Where it is named, it takes the place of a rival that was.
                let mut standings = self.rivals;
                standings.meet(contender, question.requested());
                is_selected(question, &standings, &contender)
            })
    }
}

/// The eligible candidates with their places in the catalog.
pub(super) fn eligible<'q>(question: &'q Question<'_>) -> impl Iterator<Item = (usize, Contender)> + 'q {
    let candidates = question.policy.candidates().iter().enumerate();
    candidates.filter_map(|(place, candidate)| Some((place, question.judge(place, candidate).ok()?)))
}

/// Whether that contender, one of those that were met, is selected.
pub(super) fn is_selected(question: &Question<'_>, standings: &Standings, contender: &Contender) -> bool {
    // The counts explain denials, and none is asked for its reason here.
    let decision =
        select::select_met(question.policy, question.requested(), standings, || Counts::default().most());
    decision.selected.is_some_and(|selected| selected.candidate == contender.id)
}
