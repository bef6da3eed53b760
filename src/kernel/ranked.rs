//! Who serves, and who would be next: fallbacks for a host, found by one search. SEMANTICS 5.10.

use super::{
    Choice, Decision, Disabled, Request, RequestError, ask,
    census::{Wanted, census},
    order::{Contender, Leaders, Podium},
    question::Question,
    search::search,
    select,
    sieve::Sieves,
};
use crate::{id::CandidateId, num::MicroUnits, policy::Policy};

/// A decision with the first of those that could serve: the selected one, then the others in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Ranking<const K: usize> {
    /// The decision, as [`prescribe`](super::prescribe) gives it.
    pub decision: Decision,
    /// The first `len` of them are meant, the others are [`NOBODY`].
    choices: [Choice; K],
    len: usize,
}

/// Decides, and lists who would serve should the selected one fail: at most `K` eligible candidates, the selected one
/// first, the others in order. It allocates nothing; the larger `K`, the more candidates are worked out.
/// SEMANTICS 5.10.
///
/// ```
/// use assize::{
///     kernel::{Disabled, Request, ranked},
///     policy::{CandidateDraft, CardDraft, Draft, Policy, QuantityDraft, SchemaDraft},
/// };
///
/// let mut schema = SchemaDraft { name: "calls".into(), ..SchemaDraft::default() };
/// schema.quantities.push(QuantityDraft { name: "calls".into(), per: 1, fallback: None });
/// let mut draft = Draft::new("three suppliers", 1, schema);
/// for (id, name, rate) in [(1, "near", 30), (2, "far", 20), (3, "dear", 90)] {
///     let mut candidate = CandidateDraft::new(id, name);
///     candidate.cards.push(CardDraft { above: 0, rates: vec![("calls".into(), rate)] });
///     draft.candidates.push(candidate);
/// }
/// let policy = Policy::freeze(draft)?;
///
/// let mut request = Request::new(policy.schema());
/// request.quantity(policy.schema().quantity("calls")?, 3)?;
/// let ranking = ranked::<2>(&policy, &Disabled::none(), &request)?;
/// let ids: Vec<u32> = ranking.choices().iter().map(|choice| choice.candidate.0).collect();
/// assert_eq!(ids, [2, 1]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// The request is malformed for this policy: SEMANTICS 4.5.
pub fn ranked<const K: usize>(
    policy: &Policy,
    disabled: &Disabled,
    request: &Request,
) -> Result<Ranking<K>, RequestError> {
    ask(policy, disabled, request, |question, sieves| match question.denied_at_once() {
        Some(reason) => Ranking::denial(select::denial(policy, reason)),
        None => rank(question, sieves),
    })
}

impl<const K: usize> Ranking<K> {
    /// The selected candidate, then the other eligible ones in their order, at most `K` in all; none where the
    /// decision is a denial.
    #[must_use]
    pub fn choices(&self) -> &[Choice] {
        self.choices.get(..self.len).unwrap_or_default()
    }

    fn denial(decision: Decision) -> Self {
        Self { decision, choices: [NOBODY; K], len: 0 }
    }

    fn push(&mut self, choice: Choice) {
        if let Some(place) = self.choices.get_mut(self.len) {
            *place = choice;
            self.len = self.len.wrapping_add(1);
        }
    }
}

fn rank<const K: usize>(question: &Question<'_>, sieves: &Sieves<'_>) -> Ranking<K> {
    let mut places = Places::<K>::new();
    search(question, sieves, &mut places);
    let judge = |id| question.judge_id(id);
    let most = || census(question, sieves, Wanted::Most).most();
    let decision = select::select(question.policy, question.requested(), &places.leaders, judge, most);
    let mut ranking = Ranking::denial(decision);
    // A denial has none, also where `never` keeps eligible ones from serving.
    if let Some(selected) = decision.selected {
        ranking.push(selected);
        let others = places.first.iter().flatten().filter(|other| other.id != selected.candidate);
        others.for_each(|other| ranking.push(other.choice()));
    }
    ranking
}

/// The first two, which decide, and the first `K`.
struct Places<const K: usize> {
    leaders: Leaders,
    /// In order, those that are there before those that are not.
    first: [Option<Contender>; K],
}

impl<const K: usize> Places<K> {
    fn new() -> Self {
        Self { leaders: Leaders::default(), first: [None; K] }
    }
}

impl<const K: usize> Podium for Places<K> {
    const PLACES: usize = if K > Leaders::PLACES { K } else { Leaders::PLACES };

    fn meet(&mut self, contender: Contender) -> bool {
        let leads = self.leaders.meet(contender);
        let mut next = Some(contender);
        for place in &mut self.first {
            let Some(other) = next else { break };
            if place.is_none_or(|kept| other.precedes(&kept)) {
                // Whoever stood here moves down by one.
                next = place.replace(other);
            }
        }
        let kept = next != Some(contender);
        if K > Leaders::PLACES { kept && self.last().is_some() } else { leads }
    }

    fn last(&self) -> Option<&Contender> {
        if K > Leaders::PLACES { self.first.last()?.as_ref() } else { self.leaders.last() }
    }
}

#[cfg(feature = "serde")]
impl<const K: usize> serde::Serialize for Ranking<K> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct;

        let mut ranking = serializer.serialize_struct("Ranking", 2)?;
        ranking.serialize_field("decision", &self.decision)?;
        ranking.serialize_field("choices", self.choices())?;
        ranking.end()
    }
}

/// Fills the places that are not taken, the same in equal rankings.
const NOBODY: Choice = Choice { candidate: CandidateId(0), cost: MicroUnits(0), utility: None };
